"""Chunks of a registry become the batches of `bulk.sealing` by compiled code: the same bytes, many times sooner.

Rows of which the kernels are not sure (`kernels.cells`), bad ones among them, go through the plain path. This module is
imported by `bulk.compiled` alone, where there is a fast path.
"""

import io
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from fairdraw.bulk.attributes import Attributes
from fairdraw.bulk.batch import KEY_LENGTH, Batch, Keys
from fairdraw.bulk.columns import cells_in
from fairdraw.bulk.laid import Bytes, Laid, Long, as_array, first_cells, ints, longs, padded
from fairdraw.bulk.sealing import Keyed, Rows, key_rows, seal_rows
from fairdraw.kernels import cells as judging
from fairdraw.kernels import sealing, splitting
from fairdraw.kernels.sealing import Cells
from fairdraw.registry.cells import Check
from fairdraw.registry.layout import Layout
from fairdraw.registry.mapping import Private
from fairdraw.registry.parquet import cells_of
from fairdraw.registry.tabular import csv_rows, with_content
from fairdraw.sealing import LEAF_PREFIX, ROSTER_PARTS, SALT_PREFIX, field_parts, hmac_pads

NumberOf = Callable[[int], str | None]

_CHECKS: Final[dict[Check, int]] = {
    "none": judging.TEXT, "uscc": judging.USCC, "id": judging.ID, "phone": judging.PHONE,
}  # fmt: skip
_CODES: Final = {"uscc", "id"}  # code columns of specs/map.md §3.1, beside the number: a number in them is refused


class _Taken(NamedTuple):
    """The rows of a chunk, taken apart: their lines, cells and kinds; `again` gives the cells to the plain path."""

    lines: Long
    cells: Cells
    kinds: Bytes
    again: Callable[[Long], Iterator[Sequence[object]]]


class QuickSealer:
    """Seals the chunks of one registry, one after another; a thread has its own."""

    def __init__(self, layout: Layout, secret: bytes, *, keep_private: bool = True) -> None:
        self._layout, self._secret, self._keep_private = layout, secret, keep_private
        slot_of = {at: slot for slot, at in enumerate(sorted({column.at for column in layout.columns}))}
        uses = [slot_of[column.at] for column in layout.columns]
        self._slots = np.full(len(layout.names), -1, np.int64)
        self._slots[list(slot_of)] = list(slot_of.values())
        self._number = -1 if layout.number is None else uses[layout.number]
        public, sealed = len(layout.attrs), len(layout.private)
        texts = [at for at in range(public, len(layout.columns)) if at != layout.number]
        rules = [layout.columns[at].rule for at in texts]
        checks = [_CHECKS[rule.check] if isinstance(rule, Private) else judging.TEXT for rule in rules]
        required = [bool(rule and rule.required) for rule in rules]
        self._texts = longs([uses[at] for at in texts]), longs(checks), longs(required)
        self._private = longs(uses[public : public + sealed])
        marks = [
            column.at for column in layout.columns if isinstance(column.rule, Private) and column.rule.check in _CODES
        ]
        codes = {*marks} if layout.number_at is None else {*marks, layout.number_at}
        self._columns = {column.at for column in layout.columns}, codes
        self._key = longs([uses[at] for at in layout.key])
        self._identities = [longs([uses[n] if n >= public else ~n for n in names]) for _, names in layout.unique]
        self._attributes = Attributes(layout, longs(uses[:public]))
        fields = [part for field in layout.private for part in field_parts(field)]
        constants = [*hmac_pads(secret), SALT_PREFIX, LEAF_PREFIX, *ROSTER_PARTS, *fields]
        self._constants = Laid.of(constants).texts
        self._longest_constant = max(map(len, constants))

    def csv(self, chunk: bytes, first_line: int, number_of: NumberOf | None = None) -> Batch:
        """Return the batch of whole rows of CSV: UTF-8 that was checked, without a byte order mark.

        `number_of` is that of `bulk.sealing.seal_rows`.

        Raises:
            RegistryError: `csv-malformed`.
        """
        return self._seal(self._of_csv(chunk, first_line), number_of)

    def arrow(self, batch: Any, first_line: int, number_of: NumberOf | None = None) -> Batch:
        """Return the batch of the rows of a `pyarrow.RecordBatch`, one a line; it has the columns of the layout."""
        return self._seal(self._of_arrow(batch, first_line), number_of)

    def csv_keys(self, chunk: bytes, first_line: int) -> Keyed:
        """Return the keys of rows of CSV that have no numbers yet, as `bulk.sealing.key_rows`.

        Raises:
            RegistryError: `csv-malformed`.
        """
        return self._key_rows(self._of_csv(chunk, first_line))

    def arrow_keys(self, batch: Any, first_line: int) -> Keyed:
        """Return the keys of rows of Arrow that have no numbers yet."""
        return self._key_rows(self._of_arrow(batch, first_line))

    def _of_csv(self, chunk: bytes, first_line: int) -> "_Taken | Rows":
        most, width = chunk.count(b"\n") + chunk.count(b"\r") + 1, self._slots.max() + 1
        lines, spans, kinds = np.empty(most, np.int64), np.empty((most, 2), np.int64), np.empty(most, np.uint8)
        cells = Cells(
            np.frombuffer(chunk, np.uint8), np.empty((most, width), np.int64), np.empty((most, width), np.int64)
        )
        rows = splitting.split(cells.data, first_line, self._slots, lines, spans, cells.starts, cells.ends, kinds)
        if rows < 0:
            return with_content(csv_rows(io.StringIO(chunk.decode(), newline=""), line=first_line))

        def again(places: Long) -> Iterator[Sequence[object]]:
            text = b"".join(chunk[start:end] + b"\n" for start, end in spans[places].tolist()).decode()
            return (row for _, row in csv_rows(io.StringIO(text, newline="")))

        return _Taken(lines[:rows], Cells(cells.data, cells.starts[:rows], cells.ends[:rows]), kinds[:rows], again)

    def _of_arrow(self, batch: Any, first_line: int) -> "_Taken | Rows":
        cells = cells_in(batch, *self._columns)
        if cells is None:
            return with_content(enumerate(cells_of(batch), first_line))
        kinds = np.empty(batch.num_rows, np.uint8)
        splitting.sift(*cells, kinds)
        read = np.flatnonzero(self._slots >= 0)
        cells = Cells(cells.data, cells.starts[:, read].copy(), cells.ends[:, read].copy())
        lines = np.arange(first_line, first_line + kinds.size)
        return _Taken(lines, cells, kinds, lambda places: cells_of(batch.take(places)))

    def _judge(self, taken: "_Taken") -> tuple[Long, Long, Rows | None]:
        """Return the codes of all rows' attributes, the rows that are sure, and the others for the plain path."""
        lines, cells, kinds, again = taken
        codes = self._attributes.codes(cells, kinds)
        judging.judge(*cells, kinds, codes, self._number, *self._texts, self._private.size, self._key)
        others = np.flatnonzero(kinds == judging.PLAIN)
        plain = zip(lines[others].tolist(), again(others), strict=True) if others.size else None
        return codes, np.flatnonzero(kinds == judging.SURE), plain

    def _seal(self, taken: "_Taken | Rows", number_of: NumberOf | None) -> Batch:
        if not isinstance(taken, _Taken):
            return self._plain(taken, number_of)
        codes, sure, others = self._judge(taken)
        if others is None:
            return self._quick(taken.lines, taken.cells, sure, codes, number_of)
        plain = self._plain(others, number_of)
        return _joined(self._quick(taken.lines, taken.cells, sure, codes, number_of), plain) if sure.size else plain

    def _plain(self, rows: Rows, number_of: NumberOf | None) -> Batch:
        return seal_rows(rows, self._layout, self._secret, keep_private=self._keep_private, number_of=number_of)

    def _key_rows(self, taken: "_Taken | Rows") -> Keyed:
        if not isinstance(taken, _Taken):
            return key_rows(taken, self._layout)
        codes, sure, others = self._judge(taken)
        cells, at = taken.cells, as_array(taken.lines[sure])
        lengths = (cells.ends[sure][:, self._key] - cells.starts[sure][:, self._key] + 3).sum(axis=1) + 1
        texts = Laid.out(np.cumsum(lengths))
        sealing.key_texts(cells, sure, self._key, texts.texts)
        quick = Keyed(texts.strings, at, self._keys(taken.lines, cells, sure, codes), (), sure.size)
        if others is None:
            return quick
        plain = key_rows(others, self._layout)
        order = np.argsort(np.concatenate([ints(quick.at), ints(plain.at)]), kind="stable")
        return Keyed(
            Laid.both(quick.given, plain.given).in_order(order),
            array("Q", sorted((*quick.at, *plain.at))),
            tuple(map(_keys_of, quick.keys, plain.keys)),
            plain.problems,
            quick.rows + plain.rows,
        )

    def _quick(self, lines: Long, cells: Cells, rows: Long, codes: Long, number_of: NumberOf | None) -> Batch:
        keys = self._keys(lines, cells, rows, codes)
        numbers, good = self._numbers(lines, cells, rows, number_of)
        sortable, ascend = padded(numbers, good)
        if not ascend:
            good = good[np.argsort(sortable, kind="stable")]
        attrs = self._attributes.written
        lengths = numbers.ends[good, 0] - numbers.starts[good, 0]
        values = cells.ends[good][:, self._private] - cells.starts[good][:, self._private]
        # The parts of a roster line, the seal's 64 characters and LF.
        roster = np.cumsum(lengths + attrs.lengths[codes[good]] + (sum(map(len, ROSTER_PARTS)) + 65))
        fixed = len('{"no":"","private":[]}\n') + 2 * self._private.size + max(self._private.size - 1, 0)
        private = np.cumsum(lengths + values.sum(axis=1) + fixed) if self._keep_private else longs([])
        out, kept = Laid.out(roster), Laid.out(private)
        leaves = np.empty(32 * good.size, np.uint8)
        room = 256 + 2 * self._longest_constant + int(max(values.max(initial=0), attrs.lengths.max(initial=0)))
        texts = attrs.texts, self._constants, room, out.texts, leaves, kept.texts
        sealing.seal(cells, good, self._private, numbers, codes, *texts)
        return Batch(
            numbers=first_cells(numbers, good),
            at=as_array(lines[good]),
            roster=out.strings,
            leaves=leaves.tobytes(),
            private=kept.strings if self._keep_private else None,
            keys=keys,
            groups=self._attributes.groups(codes[good]),
            problems=(),
            rows=rows.size,
        )

    def _numbers(self, lines: Long, cells: Cells, rows: Long, number_of: NumberOf | None) -> tuple[Cells, Long]:
        """Return the numbers, and the rows that have one."""
        if number_of is None:
            at = slice(self._number, self._number + 1)
            return Cells(cells.data, cells.starts[:, at].copy(), cells.ends[:, at].copy()), rows
        given = [no.encode() if (no := number_of(line)) is not None else None for line in lines[rows].tolist()]
        texts = Laid.of([no or b"" for no in given])
        ends = np.zeros((lines.size, 1), np.int64)
        ends[rows, 0] = texts.ends
        starts = np.zeros_like(ends)
        starts[rows, 0] = texts.ends - texts.lengths
        return Cells(texts.data, starts, ends), rows[[no is not None for no in given]]

    def _keys(self, lines: Long, cells: Cells, rows: Long, codes: Long) -> tuple[Keys, ...]:
        keys, at = [], lines[rows]
        if self._number >= 0:
            hashes = np.empty(KEY_LENGTH * rows.size, np.uint8)
            sealing.number_keys(cells, rows, self._number, hashes)
            keys.append(Keys(hashes.tobytes(), as_array(at)))
        values, longest = self._attributes.values, int(self._attributes.values.lengths.max(initial=0))
        for parts in self._identities:
            hashes, compared = np.empty((rows.size, KEY_LENGTH), np.uint8), np.empty(rows.size, np.uint8)
            in_cells = parts[parts >= 0]
            cell = int((cells.ends[rows][:, in_cells] - cells.starts[rows][:, in_cells]).max(initial=0))
            room = 2 + parts.size * (3 + max(cell, longest))
            sealing.identity_keys(
                cells, rows, parts, codes, self._attributes.width, values.texts, room, hashes.reshape(-1), compared
            )
            keep = compared.astype(bool)
            keys.append(Keys(hashes[keep].tobytes(), as_array(at[keep])))
        return tuple(keys)


def _joined(first: Batch, second: Batch) -> Batch:
    """Return the batch of the rows of two batches of one chunk."""
    at = np.concatenate([ints(first.at), ints(second.at)])
    numbers = Laid.both(first.numbers, second.numbers)
    order = np.lexsort((at, padded(numbers.cells, np.arange(at.size))[0]))
    leaves = np.frombuffer(first.leaves + second.leaves, np.uint8).reshape(-1, 32)
    private = None if first.private is None or second.private is None else Laid.both(first.private, second.private)
    return Batch(
        numbers=numbers.in_order(order),
        at=as_array(at[order]),
        roster=Laid.both(first.roster, second.roster).in_order(order),
        leaves=leaves[order].tobytes(),
        private=None if private is None else private.in_order(order),
        keys=tuple(map(_keys_of, first.keys, second.keys)),
        groups=first.groups + second.groups,
        problems=second.problems,
        rows=first.rows + second.rows,
    )


def _keys_of(one: Keys, other: Keys) -> Keys:
    at = np.concatenate([ints(one.at), ints(other.at)])
    order = np.argsort(at, kind="stable")
    hashes = np.frombuffer(one.hashes + other.hashes, np.uint8).reshape(-1, KEY_LENGTH)
    return Keys(hashes[order].tobytes(), as_array(at[order]))
