"""Byte strings laid end to end: a million lines in two flat buffers, which files and kernels take as they are."""

import sys
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from typing import Self


@dataclass(frozen=True, slots=True)
class Strings:
    """Strings one after the other: `data` holds their bytes, `ends` where each of them ends in it (array of `Q`)."""

    data: bytes
    ends: "array[int]"

    @classmethod
    def of(cls, strings: Iterable[bytes]) -> Self:
        """Return these strings, laid end to end."""
        several = list(strings)
        return cls(b"".join(several), array("Q", accumulate(map(len, several))))

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, at: int) -> bytes:
        at = range(len(self.ends))[at]
        return self.data[self.ends[at - 1] if at else 0 : self.ends[at]]

    def __iter__(self) -> Iterator[bytes]:
        data = self.data
        return (data[start:end] for start, end in pairwise(chain((0,), self.ends)))


def to_words(values: "array[int]") -> bytes:
    """Return the values of an array of `Q`, 8 bytes little-endian each."""
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()


def from_words(data: bytes) -> "array[int]":
    """Return the array of `Q` that `to_words` has written."""
    values = array("Q", data)
    if sys.byteorder == "big":
        values.byteswap()
    return values
