"""What follows a draw, and the list of items: artifacts that strangers read."""

from contextlib import suppress

from fairdraw import encoding
from fairdraw.acts import (
    Inspection,
    Named,
    Substitute,
    Vacancy,
    format_act,
    format_outcomes,
    read_act,
    read_outcomes,
    seal_act,
)
from fairdraw.errors import ActError, EncodingError, PlanError
from fairdraw.itemlist import format_items, read_items
from fairdraw.values import Listing, Value
from fuzz.targets import Run, same
from transparency_log import merkle

KINDS: tuple[type[Value], ...] = (Inspection, Named, Substitute, Vacancy)


def read_any_act(data: bytes) -> None:
    """An act has one spelling in the open, and one under its nonce."""
    for kind in KINDS:
        with suppress(ActError):
            act = read_act(kind, data)
            same(data, format_act(act) if data.endswith(b"\n") else seal_act(act, data[2:66].decode()))


def read_any_outcomes(data: bytes) -> None:
    """A list of outcomes has one spelling, whatever a statement says of its bytes."""
    with suppress(ActError, EncodingError):
        tree = merkle.Tree.over(encoding.split_lines(data))
        named = Listing(root=tree.root().hex(), count=tree.size, digest=encoding.digest(data), length=len(data))
        same(format_outcomes(read_outcomes(data, named)), (data, named))


def read_item_list(data: bytes) -> None:
    """A list of items has one spelling."""
    with suppress(PlanError):
        same(format_items(read_items(data)), data)


TARGETS: dict[str, Run] = {"act": read_any_act, "outcomes": read_any_outcomes, "items": read_item_list}
