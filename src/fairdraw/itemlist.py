"""The item list (抽查事项清单) as an artifact: what may be inspected, on which legal basis. specs/compliance.md §2."""

from collections.abc import Iterable
from typing import Final

from pydantic import ValidationError

from fairdraw import encoding
from fairdraw.errors import EncodingError, PlanError
from fairdraw.regulation import Item

MAX_LINE: Final = 65_535  # bytes of an item, its legal basis included


def format_items(items: Iterable[Item]) -> bytes:
    """Return the artifact of an item list: canonical lines, sorted by id."""
    told = sorted(items, key=lambda item: item.id)
    return encoding.lines(encoding.canonical_checked(item.model_dump(mode="json")) for item in told)


def read_items(data: bytes) -> tuple[Item, ...]:
    """Return the items of an item list's artifact.

    Raises:
        PlanError: `bad-item-list`, with the line; `item-without-basis`: 法律法规规章没有规定的一律不得列入.
    """
    try:
        lines = encoding.split_lines(data)
    except EncodingError as error:
        raise PlanError("bad-item-list", expected="whole lines", found=str(error)) from None
    items = []
    for number, line in enumerate(lines, 1):
        try:
            if len(line) > MAX_LINE or not isinstance(encoding.parse_row(line), dict):
                raise PlanError("bad-item-list", line=number, expected="an item", found=repr(line[:80]))
            items.append(Item.model_validate_json(line))
        except (EncodingError, ValidationError) as error:
            raise PlanError("bad-item-list", line=number, expected="an item", found=str(error)[:200]) from None
    if format_items(items) != data or len({item.id for item in items}) != len(items):
        raise PlanError("bad-item-list", expected="every item once, sorted by id, in canonical JSON", found="another")
    if bare := [item.id for item in items if not item.basis]:
        raise PlanError("item-without-basis", found=bare[0])
    return tuple(items)
