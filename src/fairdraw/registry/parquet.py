"""Parquet files as rows of cells: specs/map.md §2.4. They are read by pyarrow, which the extra `[arrow]` installs."""

from collections.abc import Iterator, Sequence
from datetime import date
from io import BytesIO
from typing import Any, Final

from fairdraw.errors import RegistryError
from fairdraw.registry.cells import Foreign

ROWS: Final = 1 << 14  # of a batch: what is held as Python objects at a time
_SHOWN: Final = 80

File = Any  # pyarrow.parquet.ParquetFile
Batch = Any  # pyarrow.RecordBatch


def open_file(source: bytes | str) -> File:
    """Return the opened file of these bytes or at this path.

    Raises:
        RegistryError: `arrow-missing`, or `not-parquet`.
    """
    try:
        import pyarrow  # noqa: PLC0415 - an extra
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415
    except ImportError:
        raise RegistryError("arrow-missing", command='pip install "fairdraw[arrow]"') from None
    try:
        return ParquetFile(BytesIO(source) if isinstance(source, bytes) else source, pre_buffer=False)
    except (pyarrow.ArrowException, OSError) as error:
        raise not_parquet(error) from None


def not_parquet(error: Exception) -> RegistryError:
    """Return the error of a file that pyarrow cannot read."""
    return RegistryError("not-parquet", found=str(error).split("\n")[0][:_SHOWN])


def columns_of(file: File) -> tuple[str, ...]:
    """Return the names of the columns."""
    return tuple(file.schema_arrow.names)


def batches(file: File, first: int = 0, *, rows: int = ROWS) -> Iterator[tuple[int, Batch]]:
    """Yield the record batches from row `first` on, counted from 0, each with its first row; `first` begins one.

    Raises:
        RegistryError: `not-parquet`.
    """
    import pyarrow  # noqa: PLC0415

    at = 0
    try:
        for group in range(file.num_row_groups):
            held = file.metadata.row_group(group).num_rows
            if at + held > first:
                start = at
                for batch in file.iter_batches(batch_size=rows, row_groups=[group], use_threads=False):
                    if start >= first:
                        yield start, batch
                    start += batch.num_rows
            at += held
    except (pyarrow.ArrowException, OSError) as error:
        raise not_parquet(error) from None


def cells_of(batch: Batch) -> Iterator[Sequence[object]]:
    """Yield the rows of a batch: strings, integers, booleans, dates, nothing; all else is `Foreign`."""
    return zip(*(_cells(column) for column in batch.columns), strict=True) if batch.num_columns else iter(())


def _cells(column: Any) -> list[object]:
    try:
        return [_cell(value) for value in column.to_pylist()]
    except (ValueError, OverflowError):  # bytes that are no UTF-8, a date beyond the calendar
        return [_one(scalar) for scalar in column]


def _one(scalar: Any) -> object:
    try:
        return _cell(scalar.as_py())
    except (ValueError, OverflowError):
        return Foreign(str(scalar.type))


def _cell(value: object) -> object:
    if value is None:
        return ""
    return value if type(value) in (str, int, bool, date) else Foreign(repr(value)[:_SHOWN])
