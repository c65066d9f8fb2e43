"""Arrow's columns of texts as cells for kernels, which read them where they lie."""

from typing import Any

import numpy as np

from fairdraw.bulk.laid import Bytes, Long
from fairdraw.kernels.sealing import Cells
from fairdraw.registry.cells import MAX_EXACT

_FILLED = np.frombuffer(b"0", np.uint8)  # stands for any value that is no text: all that counts is that it is there


def cells_in(batch: Any, read: set[int], codes: set[int]) -> Cells | None:
    """Return the cells of a record batch, None where a column that is `read` is no text to the plain readers.

    Integers are, as long as they are exact and no `codes`. Of the other columns a cell that is no text is just there or
    empty.
    """
    parts, starts, ends, at = [_FILLED], [], [], 1
    for place, column in enumerate(batch.columns):
        found = _texts(_in_digits(column) if place in read - codes else column)
        if found is None and (place in read or not _is_simple(column.type)):
            return None
        valid = np.asarray(column.is_valid(), np.int64)
        if found is None:
            starts.append(np.zeros(len(column), np.int64))
            ends.append(valid)
            continue
        data, offsets = found
        parts.append(data)
        starts.append(at + offsets[:-1])
        ends.append(np.where(valid, at + offsets[1:], at + offsets[:-1]))
        at += data.size
    every = np.concatenate(parts)
    every.flags.writeable = False  # as the kernels have it of bytes
    return Cells(every, np.stack(starts, axis=1).copy(), np.stack(ends, axis=1).copy())


def _in_digits(column: Any) -> Any:
    """Return a column of integers as the texts for which the plain readers take them, any other as it is."""
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import compute  # noqa: PLC0415

    if not pa.types.is_integer(column.type):
        return column
    least, most = (value.as_py() or 0 for value in compute.min_max(column).values())
    return column.cast(pa.string()) if -MAX_EXACT < least <= most < MAX_EXACT else column


def _texts(column: Any) -> tuple[Bytes, Long] | None:
    """Return the bytes of a column's texts and where they begin and end, None where it is no column of texts."""
    import pyarrow as pa  # noqa: PLC0415

    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return None
    offset = "i4" if pa.types.is_string(column.type) else "i8"
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:  # no UTF-8, which a Parquet file may hold all the same
        return None
    _, places, data = column.buffers()
    offsets = np.frombuffer(places, offset)[column.offset : column.offset + len(column) + 1].astype(np.int64)
    bytes_ = np.frombuffer(data, np.uint8) if data is not None else _FILLED[:0]
    return bytes_[offsets[0] : offsets[-1]], offsets - offsets[0]


def _is_simple(kind: Any) -> bool:
    """Say whether a column's cells are there where they are not null."""
    import pyarrow as pa  # noqa: PLC0415

    return bool(pa.types.is_primitive(kind) or pa.types.is_null(kind) or pa.types.is_decimal(kind))
