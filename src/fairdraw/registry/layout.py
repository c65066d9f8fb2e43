"""Which cells of a row become which values, and what may be wrong with one row for itself: specs/map.md §3 to §5.

What a row repeats of others, and how it is numbered, is settled where all of them are seen: in `registry` for a file in
memory, in `bulk` for one of any size.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

from fairdraw.encoding import canonical_checked
from fairdraw.errors import RegistryError
from fairdraw.registry.cells import (
    Unreadable,
    Value,
    as_typed,
    attribute_reader,
    private_reader,
    read_code,
    read_text,
    total_at,
)
from fairdraw.registry.mapping import RESERVED, Attribute, Mapping, Private
from fairdraw.registry.numbering import check_apart, check_number
from fairdraw.registry.problems import Fault
from fairdraw.registry.tabular import Table


class Column(NamedTuple):
    """One use of a column: the label in messages, its position in the file (`at`), the reader of its cells.

    `rule` is what the map says of it, None for the number and for columns that are only compared.
    """

    label: str
    at: int
    read: Callable[[object], Value]
    rule: Attribute | Private | None = None


class Judged(NamedTuple):
    """What one row is by itself: its number if it can be read, also in a bad row; its values; what is wrong with it.

    `values` are those of the layout's columns, none if the cells could not be told apart. `step` is the one of
    specs/map.md §5 that the row fails: 1 its cells, 2 its number against its private fields, 3 its key; 0 none.
    """

    no: str
    values: tuple[Value, ...]
    step: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class Layout:
    """Where everything stands in the values that a row is read into: attributes, private fields, then the others.

    `names` are the columns of the file, `attrs` and `private` the fields in the order of rosters and seals. `number` is
    the position of the number, None if it is assigned by the values at `key`; `unique` are (label, positions) of what
    may not recur: the key if there is one, then the map's identities.
    """

    names: tuple[str, ...]
    columns: tuple[Column, ...]
    attrs: tuple[str, ...]
    private: tuple[str, ...]
    number: int | None
    key: tuple[int, ...]
    unique: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def number_at(self) -> int | None:
        """The position in the file of the column of the numbers."""
        return None if self.number is None else self.columns[self.number].at

    def attrs_of(self, values: Sequence[Value]) -> tuple[Value, ...]:
        """Return a row's public values, in the order of `attrs`."""
        return tuple(values[: len(self.attrs)])

    def private_of(self, values: Sequence[Value]) -> tuple[str, ...]:
        """Return a row's private values, in the order of `private`."""
        return cast("tuple[str, ...]", tuple(values[len(self.attrs) : len(self.attrs) + len(self.private)]))

    def key_of(self, values: Sequence[Value]) -> bytes:
        """Return the key by which a row is given its number."""
        return canonical_checked([values[at] for at in self.key])

    def identities(self, values: Sequence[Value]) -> Iterable[tuple[Value, ...] | None]:
        """Yield what may not recur, in the order of `unique`; None where it is empty and so not compared."""
        for _, positions in self.unique:
            identity = tuple([values[position] for position in positions])
            compared = any(identity) or any(value not in ("", None) for value in identity)
            yield identity if compared else None

    def judge(self, cells: Sequence[object]) -> Judged:
        """Return what a row is by itself: its values, and all that is wrong with it."""
        if isinstance(cells, Unreadable):
            return Judged("", (), 1, ((cells.field, None, cells.error),))
        if (total := total_at(cells)) is not None:
            summed = RegistryError("total-row", expected="registry-row", found=as_typed(cells[total]))
            return Judged("", (), 1, (((*self.names, "")[min(total, len(self.names))], total, summed),))
        values, faults = _read_cells(cells, self.columns, width=len(self.names))
        no = str(values[self.number] or "") if self.number is not None and values else ""
        if faults:
            return Judged(no, tuple(values), 1, tuple(faults))
        try:
            check_apart(no, self.private_of(values))
        except RegistryError as error:
            return Judged(no, tuple(values), 2, ((RESERVED, self.number_at, error),))
        if self.key and all(values[at] in ("", None) for at in self.key):
            empty = RegistryError("required", expected="text", found="")
            return Judged(no, tuple(values), 3, ((self.unique[0][0], None, empty),))
        return Judged(no, tuple(values), 0, ())


def lay_out(mapping: Mapping, table: Table) -> Layout:
    """Return where the fields of a map stand in a table.

    Raises:
        RegistryError: `column-missing`.
    """
    attrs = tuple(sorted(mapping.attrs))
    private = {**mapping.private, **mapping.closed}
    columns = [
        Column(
            field,
            table.index(attribute.column),
            attribute_reader(
                kind=attribute.kind,
                words=attribute.words,
                default=attribute.default,
                separator=attribute.separator,
                required=attribute.required,
            ),
            attribute,
        )
        for field in attrs
        for attribute in [mapping.attrs[field]]
    ] + [
        Column(field, table.index(sealed.column), private_reader(check=sealed.check, required=sealed.required), sealed)
        for field, sealed in private.items()
    ]
    positions = {column.label: position for position, column in enumerate(columns)}

    def place(label: str, column: str, read: Callable[[object], Value] = read_text) -> int:
        columns.append(Column(label, table.index(column), read))
        return len(columns) - 1

    number = None if mapping.no.column is None else place(RESERVED, mapping.no.column, _read_number)
    # The key is made of the cells as they are: a map that changes must not give a row another number.
    key = tuple(place(column, column) for column in mapping.no.by)
    unique = [(",".join(mapping.no.by), key)] if key else []
    for names in mapping.identity:
        at = tuple(positions[name] if name in positions else place(name, name) for name in names)
        unique.append((",".join(names), at))
    return Layout(table.columns, tuple(columns), attrs, tuple(private), number, key, tuple(unique))


def _read_number(cell: object) -> str:
    no = read_code(cell)
    check_number(no)
    return no


def _read_cells(cells: Sequence[object], columns: tuple[Column, ...], *, width: int) -> tuple[list[Value], list[Fault]]:
    if len(cells) != width and (len(cells) < width or any(cell != "" for cell in cells[width:])):
        # A missing or stray comma moves every later value into its neighbour's field.
        return [], [("", None, RegistryError("cell-count", expected=width, found=len(cells)))]
    try:
        return [read(cells[at]) for _, at, read, _ in columns], []
    except RegistryError:
        pass  # the row is bad: walk it again, cell by cell, to find everything that is wrong with it
    values: list[Value] = []
    faults: dict[int, Fault] = {}  # a column that feeds two fields is reported once
    for label, at, read, _ in columns:
        try:
            values.append(read(cells[at]))
        except RegistryError as error:
            values.append(None)
            faults.setdefault(at, (label, at, error))
    return values, list(faults.values())
