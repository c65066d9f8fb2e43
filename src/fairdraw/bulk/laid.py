"""Texts and cells as kernels take them: flat buffers of numpy. Where there is no fast path nobody imports this."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fairdraw.bulk.strings import Strings
from fairdraw.kernels import sealing
from fairdraw.kernels.sealing import LONGEST_NUMBER, Cells, Texts

Long = NDArray[np.int64]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Laid:
    """Texts laid end to end, and where each ends."""

    data: Bytes
    ends: Long

    @classmethod
    def of(cls, texts: Sequence[bytes]) -> Self:
        """Return these texts."""
        return cls(np.frombuffer(b"".join(texts), np.uint8), np.cumsum(longs([len(text) for text in texts])))

    @classmethod
    def out(cls, ends: Long) -> Self:
        """Return the room for texts that will end there."""
        return cls(np.empty(int(ends[-1]) if ends.size else 0, np.uint8), ends)

    @classmethod
    def both(cls, first: Strings, second: Strings) -> Self:
        """Return some texts and others behind them."""
        ends = np.concatenate([ints(first.ends), ints(second.ends) + len(first.data)])
        return cls(np.frombuffer(first.data + second.data, np.uint8), ends)

    @property
    def texts(self) -> Texts:
        """What kernels take."""
        return Texts(self.data, self.ends)

    @property
    def lengths(self) -> Long:
        """How long each of the texts is."""
        return np.diff(self.ends, prepend=0)

    @property
    def cells(self) -> Cells:
        """The texts as cells of the rows of one column."""
        return Cells(self.data, (self.ends - self.lengths).reshape(-1, 1), self.ends.reshape(-1, 1))

    @property
    def strings(self) -> Strings:
        """What a batch has."""
        return Strings(self.data.tobytes(), as_array(self.ends))

    def in_order(self, order: Long) -> Strings:
        """Return the texts at these places."""
        out = Laid.out(np.cumsum(self.lengths[order]))
        sealing.gather(self.data, self.ends, order, out.texts)
        return out.strings


def longs(values: Sequence[int]) -> Long:
    """Return integers as kernels take them."""
    return np.array(values, np.int64)


def ints(values: "array[int]") -> Long:
    """Return the integers of a batch as kernels take them."""
    return np.frombuffer(values, np.int64)


def as_array(values: Long) -> "array[int]":
    """Return integers as a batch has them."""
    return array("Q", values.tobytes())


def first_cells(cells: Cells, rows: Long) -> Strings:
    """Return the first cell of each of these rows."""
    out = Laid.out(np.cumsum(cells.ends[rows, 0] - cells.starts[rows, 0]))
    sealing.cut_out(cells, rows, out.texts)
    return out.strings


def padded(numbers: Cells, rows: Long) -> tuple[NDArray[np.bytes_], bool]:
    """Return the numbers of these rows as numpy compares them, bytewise, and whether they ascend."""
    out = np.empty(rows.size * LONGEST_NUMBER, np.uint8)
    ascend = sealing.pad_numbers(numbers, rows, out)
    return out.view(f"S{LONGEST_NUMBER}"), ascend
