"""Which objects are drawn (抽取对象): the smallest tickets of each stratum. specs/selection.md."""

from collections.abc import Sequence
from dataclasses import dataclass

from fairdraw import tickets
from fairdraw.plan import Stratum


@dataclass(frozen=True, slots=True)
class Selected:
    """A drawn object: its 32-byte ticket, its number, and the index of its stratum."""

    ticket: bytes
    no: str
    stratum: int


@dataclass(frozen=True, slots=True)
class Selection:
    """The drawn objects in order of (ticket, number), and each stratum's cutoff: its largest drawn ticket."""

    drawn: tuple[Selected, ...]
    cutoffs: tuple[bytes | None, ...]


def select(key: bytes, strata: Sequence[Stratum]) -> Selection:
    """Return the selection of a key: in each stratum the `quota` smallest tickets, ties by number."""
    drawn: list[Selected] = []
    cutoffs: list[bytes | None] = []
    for index, stratum in enumerate(strata):
        chosen = tickets.smallest(key, "object", stratum.eligible, stratum.quota)
        drawn += [Selected(ticket, no, index) for ticket, no in chosen]
        cutoffs.append(chosen[-1][0] if chosen else None)
    return Selection(tuple(sorted(drawn, key=lambda one: (one.ticket, one.no))), tuple(cutoffs))
