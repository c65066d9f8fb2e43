"""Rows brought into order and keys put into buckets: plain Python here, the reference, and what is compiled instead."""

from array import array
from collections.abc import Iterator, Sequence
from itertools import groupby
from types import ModuleType
from typing import Final, Protocol, cast

from fairdraw.bulk.appended import is_among
from fairdraw.bulk.batch import KEY_LENGTH, Keys
from fairdraw.bulk.strings import Strings
from transparency_log import fast

RECORD: Final = KEY_LENGTH + 8
"""Bytes of a key on disk: the hash, then the line, big-endian. In the order of bytes, the lines of one hash ascend."""


class Moves(Protocol):
    """What moves rows and keys: `PLAIN`, or `fairdraw.kernels.moves`."""

    def order(self, numbers: Strings, at: "array[int]", dropped: "array[int]") -> Sequence[int]:
        """Return the rows by number, then line, without those of the dropped lines, which ascend."""

    def take(self, strings: Strings, rows: Sequence[int]) -> Strings:
        """Return the strings of these rows."""

    def take_fixed(self, data: bytes, width: int, rows: Sequence[int]) -> bytes:
        """Return the values of these rows, each of so many bytes."""

    def records(self, keys: Keys) -> Iterator[tuple[int, bytes]]:
        """Yield the first byte of hashes and the records that begin with it, in any order."""

    def recurring(self, data: bytes) -> bytes:
        """Return, of records, at least those whose hash is there twice."""


def moves(rows: int) -> Moves:
    """Return the compiled ones where they are there, and so many rows are worth their start."""
    kernels = fast.load(_import_kernels, _moves_alike) if fast.pays(rows) else None
    return PLAIN if kernels is None else cast("Moves", kernels)


def _import_kernels() -> ModuleType:
    from fairdraw.kernels import moves as kernels  # noqa: PLC0415 - numba starts when it is needed

    return kernels


def _moves_alike(kernels: ModuleType) -> bool:
    numbers, at, dropped = Strings.of([b"b", b"ab", b"a", b"b", b"a.9"]), array("Q", [256, 4, 7, 5, 9]), array("Q", [4])
    keys = Keys(bytes(range(96)) + bytes(16), array("Q", range(7)))
    one, other = bytes(range(RECORD)), bytes(range(1, RECORD + 1))
    rows = PLAIN.order(numbers, at, dropped)
    found = kernels.order(numbers, at, dropped)
    return (
        list(found) == rows
        and kernels.take(numbers, found) == PLAIN.take(numbers, rows)
        and kernels.take_fixed(keys.hashes, KEY_LENGTH, found) == PLAIN.take_fixed(keys.hashes, KEY_LENGTH, rows)
        and dict(kernels.records(keys)) == dict(PLAIN.records(keys))
        and kernels.recurring(one + other + one) == one + one
    )


class _Plain:
    def order(self, numbers: Strings, at: "array[int]", dropped: "array[int]") -> Sequence[int]:
        keys = list(zip(numbers, at, strict=True))
        rows = sorted(range(len(at)), key=keys.__getitem__)
        return [row for row in rows if not is_among(at[row], dropped)] if dropped else rows

    def take(self, strings: Strings, rows: Sequence[int]) -> Strings:
        several = list(strings)
        return Strings.of([several[row] for row in rows])

    def take_fixed(self, data: bytes, width: int, rows: Sequence[int]) -> bytes:
        return b"".join([data[width * row : width * row + width] for row in rows])

    def records(self, keys: Keys) -> Iterator[tuple[int, bytes]]:
        several = [
            keys.hashes[at : at + KEY_LENGTH] + line.to_bytes(8, "big")
            for at, line in zip(range(0, len(keys.hashes), KEY_LENGTH), keys.at, strict=True)
        ]
        several.sort(key=_first)
        for first, some in groupby(several, key=_first):
            yield first, b"".join(some)

    def recurring(self, data: bytes) -> bytes:
        return data


def _first(record: bytes) -> int:
    return record[0]


PLAIN: Final[Moves] = _Plain()
"""Plain Python, the reference."""
