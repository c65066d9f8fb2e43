"""A registry file and its map become a frozen registry, or a list of every bad row: specs/map.md.

Bytes and texts in, values out: files are read and problems are shown by the command. Sealing a registry is
done in `snapshot`; the names of the neighbouring modules that a caller needs are exported from here.
"""

from collections import abc
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from fairdraw.errors import RegistryError
from fairdraw.registry.cells import Value, as_typed
from fairdraw.registry.layout import Layout, lay_out
from fairdraw.registry.mapping import RESERVED, Mapping, default_map, load_map
from fairdraw.registry.mending import REMARKS, binding, put_back, read_mended
from fairdraw.registry.numbering import assign_numbers, format_numbers, key_digest, parse_numbers
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
    layout = lay_out(mapping, table)
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


class _Found(NamedTuple):
    """A good row; `no` is its number, or the key by which it is given one."""

    no: bytes
    attrs: abc.Mapping[str, Value]
    private: tuple[str, ...]


def _read_rows(table: Table, layout: Layout) -> tuple[list[_Found], list[Problem]]:
    rows: list[_Found] = []
    problems: list[Problem] = []
    numbers: dict[object, int] = {}
    seen: list[dict[object, int]] = [{} for _ in layout.unique]
    shared: dict[tuple[Value, ...], abc.Mapping[str, Value]] = {}
    for line, cells in table.rows:
        no, values, step, faults = layout.judge(cells)
        # A reader who ignores case would take one number for the other.
        if no and (error := _repeated(numbers, no.casefold(), line, code="number-repeated")):
            step, faults = 1, (*(faults if step == 1 else ()), (RESERVED, layout.number_at, error))
        if step in (0, 3):
            for (label, _), known, identity in zip(layout.unique, seen, layout.identities(values), strict=True):
                if identity is not None and (error := _repeated(known, identity, line, code="row-repeated")):
                    faults = (*faults, (label, None, error))
        if faults:
            problems += [
                as_problem(error, line=line, field=label, cell="" if at is None else table.cell(line, at))
                for label, at, error in faults
            ]
            continue
        if (attrs := shared.get(public := layout.attrs_of(values))) is None:
            attrs = shared[public] = dict(zip(layout.attrs, public, strict=True))
        rows.append(_Found(no.encode() or layout.key_of(values), attrs, layout.private_of(values)))
    return rows, problems


def _repeated(known: dict[object, int], value: object, line: int, *, code: str) -> RegistryError | None:
    first = known.setdefault(value, line)
    return None if first == line else RegistryError(code, expected="unique", found=f"line {first}")
