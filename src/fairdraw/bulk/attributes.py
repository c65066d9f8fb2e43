"""The attributes of rows, read by the plain readers once for each tuple of cells: rows share few of them."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from fairdraw.bulk.laid import Bytes, Laid, Long
from fairdraw.encoding import canonical_checked
from fairdraw.errors import RegistryError
from fairdraw.kernels import splitting
from fairdraw.kernels.cells import CANDIDATE
from fairdraw.kernels.sealing import Cells
from fairdraw.registry.layout import Layout

MOST_KNOWN: Final = 2 << 20  # bytes of attributes that are remembered from chunk to chunk, with some ten times as much

_AFTER_CELL: Final = bytes([splitting.AFTER_CELL])


class Attributes:
    """The tuples of attribute cells that were met; a code is a place in them.

    `slots` are the columns of the cells. Of each code, `written` is the canonical JSON of the attributes, and `values`
    has that of each of the `width` attributes.
    """

    def __init__(self, layout: Layout, slots: Long) -> None:
        self._layout, self._slots, self.width = layout, slots, slots.size
        self._forget()

    def _forget(self) -> None:
        self._raw: list[bytes] = []
        self._bad: list[bool] = []
        self._written: list[bytes] = []
        self._values: list[bytes] = []
        self._lay_out()

    def _lay_out(self) -> None:
        """Lay what is known out for the kernels."""
        self._known, self.written, self.values = Laid.of(self._raw), Laid.of(self._written), Laid.of(self._values)
        self._is_bad = np.array(self._bad, np.bool_)
        self._places = np.full(max(1024, 4 << len(self._raw).bit_length()), -1, np.int64)
        splitting.rehash(self._known.data, self._known.ends, self._places)

    def codes(self, cells: Cells, kinds: Bytes) -> Long:
        """Return the code of each row's attributes, negative where the row is for the plain path."""
        if self.written.data.size > MOST_KNOWN:
            self._forget()
        codes = np.empty(kinds.size, np.int64)
        splitting.look_up(*cells, kinds, self._slots, self._places, self._known.data, self._known.ends, codes)
        if (unknown := np.flatnonzero((kinds == CANDIDATE) & (codes == splitting.UNKNOWN))).size:
            starts, ends = cells.starts[unknown][:, self._slots], cells.ends[unknown][:, self._slots]
            codes[unknown] = self._learn(cells.data, starts, ends)
        if self._bad:
            codes[(codes >= 0) & self._is_bad[codes]] = splitting.BAD
        return codes

    def _learn(self, data: Bytes, starts: Long, ends: Long) -> list[int]:
        fresh: dict[bytes, int] = {}
        codes = []
        for row in zip(starts.tolist(), ends.tolist(), strict=True):
            texts = [data[start:end].tobytes() for start, end in zip(*row, strict=True)]
            raw = b"".join(text + _AFTER_CELL for text in texts)
            if (code := fresh.get(raw)) is None:
                code = fresh[raw] = len(self._raw)
                self._raw.append(raw)
                self._read([text.decode() for text in texts])
            codes.append(code)
        self._lay_out()
        return codes

    def _read(self, texts: Sequence[str]) -> None:
        names = self._layout.attrs
        try:
            values = [column.read(text) for column, text in zip(self._layout.columns, texts, strict=False)]
        except RegistryError:
            values = [None] * self.width
            self._bad.append(True)
        else:
            self._bad.append(False)
        self._written.append(canonical_checked(dict(zip(names, values, strict=True))))
        self._values += map(canonical_checked, values)

    def groups(self, codes: Long) -> Counter[bytes]:
        """Return how many of these rows have which canonical attributes: several texts may stand for one value."""
        found: Counter[bytes] = Counter()
        for code, count in zip(*(part.tolist() for part in np.unique(codes, return_counts=True)), strict=True):
            found[self._written[code]] += count
        return found
