"""Which objects are drawn (抽取对象): the smallest tickets of each stratum. specs/selection.md.

All strata are drawn in one pass over the roster. Nothing is kept but the rows whose ticket is below a bound that a few
more than wanted are expected to pass; where chance has it that fewer do, the bound is raised and the pass repeated.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from heapq import merge
from itertools import groupby
from types import ModuleType
from typing import Final

from fairdraw.quota import Stratum
from fairdraw.roster import Part, Roster
from fairdraw.tickets import bound
from transparency_log import fast

_TICKET: Final = 32
_RECORD: Final = 40  # bytes in which a ticket and an index are kept: so written they sort as they should
_TOGETHER: Final = 1 << 10  # records that are sorted at once


@dataclass(frozen=True, slots=True)
class Selected:
    """A drawn object: its 32-byte ticket, number, index in the roster, and those of its strata, one an item."""

    ticket: bytes
    no: str
    row: int
    strata: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """The drawn objects in order of (ticket, number), and each stratum's cutoff: its largest drawn ticket."""

    drawn: tuple[Selected, ...]
    cutoffs: tuple[bytes | None, ...]


def select(key: bytes, objects: Roster, strata: Sequence[Stratum]) -> Selection:
    """Return the selection of a key: of each stratum of a roster the `quota` smallest tickets, ties by number.

    An object has one ticket, whatever it is drawn for: several items make one visit (一次性完成).
    """
    lowest = smallest(key, "object", objects, [(stratum.eligible, stratum.quota) for stratum in strata])
    places = merge(*(_places(records, at) for at, records in enumerate(lowest)))
    drawn = tuple(
        Selected(record[:_TICKET], objects.number(_index(record)), _index(record), tuple(at for _, at in same))
        for record, same in groupby(places, key=lambda place: place[0])
    )
    return Selection(drawn, tuple(bytes(records[-_RECORD:][:_TICKET]) or None for records in lowest))


def lowest_numbers(key: bytes, purpose: str, part: Part, count: int) -> tuple[str, ...]:
    """Return the numbers of a part of a roster with the smallest tickets, in the order of their tickets."""
    [records] = smallest(key, purpose, part.roster, [(part, count)])
    return tuple(part.roster.number(_index(record)) for record, _ in _places(records, 0))


def smallest(key: bytes, purpose: str, objects: Roster, wanted: Sequence[tuple[Part, int]]) -> list[bytearray]:
    """Return of each part of a roster so many smallest tickets, in order.

    Each is 40 bytes: the ticket, and the index of its row in 8. Rows are sorted by number, so that equal tickets fall
    to the smaller one.
    """
    compiled = fast.load(_kernels, _holds) if _pays(len(objects)) else None
    lowest = [bytearray() for _ in wanted]
    short = {at: min(count, len(part)) for at, (part, count) in enumerate(wanted) if count and len(part)}
    spare = 1
    while short:
        bounds = {at: (wanted[at][0], bound(count, len(wanted[at][0]), spare)) for at, count in short.items()}
        for at, records in _below(key, purpose, objects, bounds, compiled).items():
            if len(records) >= short[at] * _RECORD:
                if compiled is None:
                    _sort(records, bounds[at][1])
                else:
                    compiled.sort(records)
                del records[short.pop(at) * _RECORD :]
                lowest[at] = records
        spare *= 8
    return lowest


def _below(
    key: bytes, purpose: str, objects: Roster, bounds: Mapping[int, tuple[Part, bytes]], compiled: ModuleType | None
) -> dict[int, bytearray]:
    """Return of each part the records of the tickets up to its bound, in any order."""
    within: list[list[tuple[bytes, frozenset[int], bytearray]]] = [[] for _ in objects.groups]
    found = {at: bytearray() for at in bounds}
    for at, (part, limit) in bounds.items():
        for code in part.codes:
            within[code].append((limit, part.out, found[at]))
    highest = [max((limit for limit, _, _ in parts), default=None) for parts in within]
    passing = _passing if compiled is None else compiled.passing
    for code, some in passing(key, purpose, objects, highest):
        for limit, out, records in within[code]:
            if limit == highest[code] and not out:
                records.extend(some)
                continue
            for record, _ in _places(some, 0):
                if record[:_TICKET] <= limit and _index(record) not in out:
                    records.extend(record)
    return found


def _passing(key: bytes, purpose: str, objects: Roster, highest: Sequence[bytes | None]) -> Iterator[tuple[int, bytes]]:
    """Yield the group and the record of a row whose ticket is at most the bound of its group; None looks at none."""
    copy = sha256(f"{key.hex()}\n{purpose}\n".encode()).copy
    for index, (no, code) in enumerate(zip(objects.ascii(), objects.codes, strict=True)):
        if (limit := highest[code]) is not None:
            (state := copy()).update(no + b"\n")
            if (ticket := state.digest()) <= limit:
                yield code, ticket + index.to_bytes(8, "big")


def _sort(records: bytearray, limit: bytes) -> None:
    """Sort records of tickets up to a limit, some at a time: one by one they would take twice their bytes."""
    parts = [bytearray() for _ in range(len(records) // (_RECORD * _TOGETHER) + 1)]
    beyond = int.from_bytes(limit[:8], "big") + 1
    while records:
        for record, _ in _places(records[-_RECORD * _TOGETHER :], 0):
            parts[int.from_bytes(record[:8], "big") * len(parts) // beyond] += record
        del records[-_RECORD * _TOGETHER :]
    for part in parts:
        records += b"".join(sorted(record for record, _ in _places(part, 0)))
        part.clear()


def _places(records: bytes | bytearray, stratum: int) -> Iterator[tuple[bytes, int]]:
    return ((bytes(records[at : at + _RECORD]), stratum) for at in range(0, len(records), _RECORD))


def _index(record: bytes) -> int:
    return int.from_bytes(record[_TICKET:], "big")


def _pays(rows: int) -> bool:
    return rows >= 1 << 14 and fast.pays(3 * rows)  # a plain ticket takes as long as three hashes


def _kernels() -> ModuleType:
    from fairdraw.kernels import tickets  # noqa: PLC0415 - compiled, or read from numba's cache, when it is needed

    return tickets


def _holds(kernels: ModuleType) -> bool:
    return bool(kernels.holds())
