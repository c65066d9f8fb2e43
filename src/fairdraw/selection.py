"""Which objects are drawn (抽取对象): the smallest tickets of each stratum. specs/selection.md."""

from collections.abc import Sequence
from dataclasses import dataclass

from fairdraw import tickets
from fairdraw.quota import Stratum


@dataclass(frozen=True, slots=True)
class Selected:
    """A drawn object: its 32-byte ticket, its number, and the indexes of the strata it was drawn in, one an item."""

    ticket: bytes
    no: str
    strata: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """The drawn objects in order of (ticket, number), and each stratum's cutoff: its largest drawn ticket."""

    drawn: tuple[Selected, ...]
    cutoffs: tuple[bytes | None, ...]


def select(key: bytes, strata: Sequence[Stratum]) -> Selection:
    """Return the selection of a key: in each stratum the `quota` smallest tickets, ties by number.

    An object has one ticket, whatever it is drawn for: several items make one visit (一次性完成).
    """
    drawn: dict[tuple[bytes, str], list[int]] = {}
    cutoffs: list[bytes | None] = []
    for index, stratum in enumerate(strata):
        chosen = tickets.smallest(key, "object", stratum.eligible, stratum.quota)
        for place in chosen:
            drawn.setdefault(place, []).append(index)
        cutoffs.append(chosen[-1][0] if chosen else None)
    return Selection(tuple(Selected(*place, tuple(drawn[place])) for place in sorted(drawn)), tuple(cutoffs))
