"""The lines of a roster of any size, one after the other: what two rosters of one registry have in common.

For rosters that this bureau made and checked; somebody else's are read in `snapshot`.
"""

import heapq
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Final

_START, _NUMBER, _SEAL, _END = b'{"attrs":', b',"no":"', b'","seal":"', b'"}\n'
_SEAL_LENGTH: Final = 64
_LAST: Final = b"\xff"  # behind every number
_AFTER: Final = _SEAL_LENGTH + len(_END)

RosterLine = tuple[bytes, bytes, bytes]
"""Number, canonical attributes and seal of a row."""


def roster_rows(roster: Path) -> Iterator[RosterLine]:
    """Yield the rows of a roster."""
    with roster.open("rb", 1 << 20) as file:
        for line in file:
            before = line[: -_AFTER - len(_SEAL)]
            attrs, _, number = before.rpartition(_NUMBER)  # no number has a quote in it
            yield number, attrs[len(_START) :], line[-_AFTER : -len(_END)]


def seal_seen_before(roster: Path, earlier: Iterable[Path]) -> bool:
    """Say whether a row has the seal that it had in an earlier roster: the secret was used before (attack 35).

    A seal covers its row's number, so only rows of one number can have one seal; and rosters are sorted by number.
    """
    several = (((number, seal) for number, _, seal in roster_rows(path)) for path in earlier)
    known = chain(heapq.merge(*several), [(_LAST, b"")])
    number, seal = next(known)
    for new, _, sealed in roster_rows(roster):
        while number <= new:
            if (number, seal) == (new, sealed):
                return True
            number, seal = next(known)
    return False


def same_but_for_seals(one: Path, other: Path) -> bool:
    """Say whether two rosters have the same rows, whatever their seals are."""
    if one.stat().st_size != other.stat().st_size:
        return False
    pairs = zip(roster_rows(one), roster_rows(other), strict=False)
    return all(left[:2] == right[:2] for left, right in pairs)
