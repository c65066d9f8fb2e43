"""A registry file and its map become a frozen registry, or a list of every bad row: specs/map.md.

Bytes and texts in, values out: files are read and problems are shown by the command. Sealing a registry is
done in `snapshot`; the names of the neighbouring modules that a caller needs are exported from here.
"""

from collections import abc
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple, cast

from fairdraw.encoding import canonical_checked
from fairdraw.errors import RegistryError
from fairdraw.registry.cells import Value, as_typed, attribute_reader, private_reader, read_code, read_text, total_at
from fairdraw.registry.mapping import RESERVED, Mapping, default_map, load_map
from fairdraw.registry.mending import REMARKS, binding, put_back, read_mended
from fairdraw.registry.numbering import (
    assign_numbers,
    check_apart,
    check_number,
    format_numbers,
    key_digest,
    parse_numbers,
)
from fairdraw.registry.problems import Problem, as_problem, left_out_list
from fairdraw.registry.recusals import read_pairs
from fairdraw.registry.tabular import Table, make_table, read_table

__all__ = [
    "REMARKS",
    "Mapping",
    "Problem",
    "Reading",
    "Registry",
    "Row",
    "Value",
    "as_they_came",
    "binding",
    "left_out_list",
    "load_map",
    "read_pairs",
    "read_registry",
    "read_rows",
]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: number, public attributes (all of them, missing is None), private values in schema order.

    Rows with equal attributes share one mapping.
    """

    no: str
    attrs: abc.Mapping[str, Value]
    private: tuple[str, ...]


@dataclass(frozen=True)
class Registry:
    """A registry ready to be frozen.

    `attrs` are (field, type) by field, `private` are (field, openable) in leaf order, `rows` are sorted by
    number, bytewise.
    """

    attrs: tuple[tuple[str, str], ...]
    private: tuple[tuple[str, bool], ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Reading:
    """What a registry file holds: the registry of its good rows, and all that is wrong with the others.

    `left_out` are the lines of the rows with problems, ascending; `numbers` is the new content of
    `numbers.csv`, None unless the map assigns numbers. `sheet` is the sheet that was read, empty in a CSV file.
    """

    registry: Registry
    problems: tuple[Problem, ...]
    left_out: tuple[int, ...]
    numbers: bytes | None
    sheet: str = ""


def read_registry(
    data: bytes,
    mapping: Mapping | None,
    *,
    name: str,
    numbers: bytes | None = None,
    secret: bytes | None = None,
    mended: tuple[str, bytes] | None = None,
) -> Reading:
    """Return the registry in a file: bad rows are reported, never raised, and never silently dropped.

    `name` is the file's name and tells what kind of file it is; without a `mapping` the header names the fields.
    `numbers` is the content of `numbers.csv`, None the first time; with a `secret` (32 random bytes) new
    numbers are assigned in an order that nobody else can compute. `mended` is the name and the content of a sheet of
    the rows that were refused, with which they are read anew.

    Raises:
        RegistryError: the file, the map, `numbers.csv` or the sheet of mended rows cannot be used at all.
    """
    table, mapping = _table(data, mapping, name=name, mended=mended)
    return _read(table, mapping, name=name, numbers=numbers, secret=secret)


def read_rows(
    header: Iterable[str],
    rows: Iterable[Sequence[object]],
    mapping: Mapping | None = None,
    *,
    numbers: bytes | None = None,
    secret: bytes | None = None,
) -> Reading:
    """Return the registry in the rows of an application: what `read_registry` returns for a file with these cells.

    A cell is a text, a number, a truth value, a date, or None where there is nothing. Codes must be texts: a number has
    lost its leading zeros already. Lines count from 2, as below a header; rows without any content are left out.

    Raises:
        RegistryError: the header, the map or `numbers.csv` cannot be used at all.
    """
    filled = (["" if cell is None else cell for cell in row] for row in rows)
    table = make_table(header, ((line, cells) for line, cells in enumerate(filled, 2) if cells.count("") < len(cells)))
    mapping = mapping or default_map([column for column in table.columns if column])
    return _read(table, mapping, name="rows", numbers=numbers, secret=secret)


def _read(table: Table, mapping: Mapping, *, name: str, numbers: bytes | None, secret: bytes | None) -> Reading:
    known = parse_numbers(numbers) if numbers is not None else {}
    layout = _lay_out(mapping, table)
    rows, problems = _read_rows(table, layout)
    if not rows and not problems:
        raise RegistryError("registry-empty", expected="rows", found=name)
    if template := mapping.no.assign:
        known = assign_numbers([row.no for row in rows], template=template, known=known, secret=secret)
    named = [Row(known[key_digest(row.no)] if template else row.no.decode(), row.attrs, row.private) for row in rows]
    attrs = tuple((field, mapping.attrs[field].kind) for field in layout.attrs)
    openable = [(field, True) for field in mapping.private] + [(field, False) for field in mapping.closed]
    return Reading(
        Registry(attrs, tuple(openable), tuple(sorted(named, key=attrgetter("no")))),
        tuple(problems),
        tuple(sorted({problem.line for problem in problems})),
        format_numbers(known) if template else None,
        table.sheet,
    )


def as_they_came(
    data: bytes, mapping: Mapping | None, *, name: str, lines: Collection[int], mended: tuple[str, bytes] | None = None
) -> tuple[tuple[str, ...], list[tuple[int, tuple[str, ...]]]]:
    """Return the header of a file, and some of its rows as texts: nothing in them is judged, trimmed or left out."""
    table, _ = _table(data, mapping, name=name, mended=mended)
    return table.columns, [(line, tuple(map(as_typed, cells))) for line, cells in table.rows if line in lines]


def _table(
    data: bytes, mapping: Mapping | None, *, name: str, mended: tuple[str, bytes] | None
) -> tuple[Table, Mapping]:
    table = (
        read_table(
            data,
            name=name,
            encoding=mapping.encoding,
            sheet=mapping.sheet,
            header=mapping.header,
            hidden=mapping.hidden,
            wanted=mapping.columns,
        )
        if mapping
        else read_table(data, name=name)
    )
    if mended:
        refused = read_registry(data, mapping, name=name).left_out
        rows = read_mended(mended[1], name=mended[0], original=data, columns=table.columns)
        table = put_back(table, rows, refused=refused)
    return table, mapping or default_map([column for column in table.columns if column])


_Fault = tuple[str, int | None, RegistryError]  # the field or column, its position if it is one, what was raised


class _Column(NamedTuple):
    """One use of a column: the label in messages, its position in the file (`at`), the reader of its cells."""

    label: str
    at: int
    read: Callable[[object], Value]


@dataclass(frozen=True)
class _Layout:
    """Where everything stands in the values that a row is read into: attrs, private, then the others.

    `number` is the position of the number, None if it is assigned by the values at `key`; `unique` are
    (label, positions) of what may not recur.
    """

    columns: tuple[_Column, ...]
    attrs: tuple[str, ...]
    private: int
    number: int | None
    key: tuple[int, ...]
    unique: tuple[tuple[str, tuple[int, ...]], ...]


class _Found(NamedTuple):
    """A good row; `no` is its number, or the key by which it is given one."""

    no: bytes
    attrs: abc.Mapping[str, Value]
    private: tuple[str, ...]


def _lay_out(mapping: Mapping, table: Table) -> _Layout:
    attrs = tuple(sorted(mapping.attrs))
    private = {**mapping.private, **mapping.closed}
    columns = [
        _Column(
            field,
            table.index(attribute.column),
            attribute_reader(
                kind=attribute.kind,
                words=attribute.words,
                default=attribute.default,
                separator=attribute.separator,
                required=attribute.required,
            ),
        )
        for field in attrs
        for attribute in [mapping.attrs[field]]
    ] + [
        _Column(field, table.index(sealed.column), private_reader(check=sealed.check, required=sealed.required))
        for field, sealed in private.items()
    ]
    positions = {column.label: position for position, column in enumerate(columns)}

    def place(label: str, column: str, read: Callable[[object], Value] = read_text) -> int:
        columns.append(_Column(label, table.index(column), read))
        return len(columns) - 1

    number = None if mapping.no.column is None else place(RESERVED, mapping.no.column, _read_number)
    # The key is made of the cells as they are: a map that changes must not give a row another number.
    key = tuple(place(column, column) for column in mapping.no.by)
    unique = [(",".join(mapping.no.by), key)] if key else []
    for names in mapping.identity:
        at = tuple(positions[name] if name in positions else place(name, name) for name in names)
        unique.append((",".join(names), at))
    return _Layout(tuple(columns), attrs, len(private), number, key, tuple(unique))


def _read_number(cell: object) -> str:
    no = read_code(cell)
    check_number(no)
    return no


def _read_rows(table: Table, layout: _Layout) -> tuple[list[_Found], list[Problem]]:
    rows: list[_Found] = []
    problems: list[Problem] = []
    numbers: dict[object, int] = {}
    seen: list[dict[object, int]] = [{} for _ in layout.unique]
    shared: dict[tuple[Value, ...], abc.Mapping[str, Value]] = {}
    width, number, key = len(table.columns), layout.number, layout.key
    public, sealed = slice(len(layout.attrs)), slice(len(layout.attrs), len(layout.attrs) + layout.private)
    for line, cells in table.rows:
        if (total := total_at(cells)) is not None:
            error = RegistryError("total-row", expected="registry-row", found=as_typed(cells[total]))
            name, cell = (*table.columns, "")[min(total, width)], table.cell(line, total)
            problems.append(as_problem(error, line=line, field=name, cell=cell))
            continue
        values, faults = _read_cells(cells, layout.columns, width=width)
        private = cast("tuple[str, ...]", tuple(values[sealed]))
        no = str(values[number] or "") if number is not None and values else ""
        if no:
            # A reader who ignores case would take one number for the other.
            at = layout.columns[number].at if number is not None else None
            faults += _repeated(numbers, no.casefold(), line, (RESERVED, at), code="number-repeated")
        if faults := faults or _faults_of_row(values, no, private, layout, seen, line):
            problems += [
                as_problem(error, line=line, field=label, cell="" if at is None else table.cell(line, at))
                for label, at, error in faults
            ]
            continue
        if (attrs := shared.get(values_of := tuple(values[public]))) is None:
            attrs = shared[values_of] = dict(zip(layout.attrs, values_of, strict=True))
        rows.append(_Found(no.encode() or canonical_checked([values[at] for at in key]), attrs, private))
    return rows, problems


def _read_cells(
    cells: Sequence[object], columns: tuple[_Column, ...], *, width: int
) -> tuple[list[Value], list[_Fault]]:
    if len(cells) != width and (len(cells) < width or any(cell != "" for cell in cells[width:])):
        # A missing or stray comma moves every later value into its neighbour's field.
        return [], [("", None, RegistryError("cell-count", expected=width, found=len(cells)))]
    try:
        return [read(cells[at]) for _, at, read in columns], []
    except RegistryError:
        pass  # the row is bad: walk it again, cell by cell, to find everything that is wrong with it
    values: list[Value] = []
    faults: dict[int, _Fault] = {}  # a column that feeds two fields is reported once
    for label, at, read in columns:
        try:
            values.append(read(cells[at]))
        except RegistryError as error:
            values.append(None)
            faults.setdefault(at, (label, at, error))
    return values, list(faults.values())


def _faults_of_row(
    values: list[Value],
    no: str,
    private: tuple[str, ...],
    layout: _Layout,
    seen: list[dict[object, int]],
    line: int,
) -> list[_Fault]:
    try:
        check_apart(no, private)
    except RegistryError as error:
        return [(RESERVED, None if layout.number is None else layout.columns[layout.number].at, error)]
    faults: list[_Fault] = []
    for (label, positions), known in zip(layout.unique, seen, strict=True):
        identity = tuple([values[position] for position in positions])
        if any(identity) or any(value not in ("", None) for value in identity):
            faults += _repeated(known, identity, line, (label, None), code="row-repeated")
        elif positions == layout.key:
            faults.append((label, None, RegistryError("required", expected="text", found="")))
    return faults


def _repeated(
    known: dict[object, int], value: object, line: int, where: tuple[str, int | None], *, code: str
) -> list[_Fault]:
    first = known.setdefault(value, line)
    return [] if first == line else [(*where, RegistryError(code, expected="unique", found=f"line {first}"))]
