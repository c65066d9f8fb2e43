"""RESULTS.csv, .xlsx or .toml: the outcomes of inspections as a bureau writes them. All columns are in docs/files.md.

A cell with several values has them apart by spaces, or by commas or semicolons of either script. Notices and forms are
named by a file beside the table, of which only the digest goes on, or by the digest itself. Every bad row is named with
its line or cell, field, expected and found.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from fairdraw.acts import FEN, ClosingLine, Line, OutcomeLine
from fairdraw.encoding import check_date
from fairdraw.errors import EncodingError, RegistryError, WorkspaceError
from fairdraw.registry.cells import as_typed, read_code
from fairdraw.registry.numbering import check_number
from fairdraw.registry.problems import Problem, as_problem
from fairdraw.registry.tabular import read_table
from fairdraw.values import HASH
from fairdraw_cli.aftermath import file_digest
from fairdraw_cli.files import read, toml_line
from fairdraw_cli.sheetcells import codes_of, is_empty, read_day, several

COLUMNS: Final = {
    "no": "对象编号",
    "items": "抽查事项",
    "method": "检查方式",
    "first": "检查开始日期",
    "last": "检查结束日期",
    "checked": "签字日期",
    "result": "检查结果",
    "notice": "告知书",
    "form": "检查表",
    "refusal": "拒签理由",
    "witness": "见证证明",
    "findings": "查出问题",
    "leniency": "包容审慎",
    "noncooperation": "不予配合",
    "transfers": "移送",
    "rectify": "整改期限",
    "revisited": "回访日期",
    "recognised": "结果互认",
    "withheld": "不公开理由",
    "closed": "办结理由",
}
"""The columns, with their Chinese headings; either stands in a sheet. Keys of TOML are the codes."""
ABOUT: Final = {
    "outcome-dates": "last", "outcome-form": "form", "outcome-leniency": "leniency", "outcome-result": "result",
    "outcome-term": "rectify", "outcome-withheld": "withheld",
}  # fmt: skip
"""Which cell a clerk should look at where several do not fit together."""
DAYS: Final = ("first", "last", "checked", "rectify", "revisited")
CODE: Final = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)
ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}", re.ASCII)
GROUNDS: Final = ("amount-below", "benchmark", "first-found")
LISTS: Final = ("mitigated", "none", "lighter", "first-time")

Row = Mapping[str, object]


def rows_of(path: Path) -> Iterator[tuple[int, Row, Row]]:
    """Yield each row of a table with its line, or each `[[outcome]]` of a TOML file with its place, from 1.

    Beside the cells of a spreadsheet's row stand their names, such as B17.

    Raises:
        RegistryError: the file cannot be read, or a column is missing.
        WorkspaceError: `file-not-toml`, `file-key-unknown` or `file-not-table`.
    """
    if path.suffix == ".toml":
        yield from _from_toml(path)
        return
    table = read_table(read(path), name=path.name)
    codes = codes_of(table.columns, COLUMNS, file=path.name)
    if "no" not in codes:
        table.index(COLUMNS["no"] if set(table.columns) & set(COLUMNS.values()) else "no")  # tells what is nearest
    for line, cells in table.rows:
        names = {code: table.cell(line, at) for at, code in enumerate(codes) if code}
        yield line, {code: cell for code, cell in zip(codes, cells, strict=False) if code}, names


def _from_toml(path: Path) -> Iterator[tuple[int, Row, Row]]:
    data = read(path)
    try:
        told = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise WorkspaceError("file-not-toml", file=str(path), line=toml_line(data, error)) from None
    tables = told.get("outcome")
    if set(told) != {"outcome"} or not isinstance(tables, list):
        raise WorkspaceError("file-key-unknown", file=path.name, key=next(iter(set(told) - {"outcome"}), "outcome"),
                             expected=["outcome"])  # fmt: skip
    for number, table in enumerate(tables, 1):
        if not isinstance(table, dict):
            raise WorkspaceError("file-not-table", file=path.name, key="outcome", found=type(table).__name__)
        if strange := sorted(set(table) - set(COLUMNS)):
            raise WorkspaceError("file-key-unknown", file=path.name, key=strange[0], expected=list(COLUMNS))
        yield number, {name: _cell(value) for name, value in table.items()}, {}


def _cell(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(_cell, value))
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else str(value)


def read_results(path: Path, due: Callable[[str], str | None]) -> tuple[list[tuple[int, Line]], list[Problem]]:
    """Return the outcomes of a file, each with its line, and the rows that are none.

    `due` gives the last day to publish of a day on which the check ended.

    Raises:
        RegistryError: the file cannot be read at all.
        WorkspaceError: as `rows_of`.
    """
    told: list[tuple[int, Line]] = []
    problems: list[Problem] = []
    for line, row, names in rows_of(path):
        found: list[Problem] = []
        made = _read(row, line, found, path.parent, due)
        problems += (replace(one, cell=str(names.get(one.field, ""))) for one in found)
        if made is not None and not found:
            told.append((line, made))
    return told, problems


def _read(row: Row, line: int, problems: list[Problem], folder: Path, due: Callable[[str], str | None]) -> Line | None:
    def take(field: str, reader: Callable[[str], object], *, required: bool = False) -> object:
        cell = row.get(field, "")
        try:
            text = read_day(cell) if field in DAYS else read_code(cell)
            if text or not required:
                return reader(text)
            problems.append(Problem(line, field, "missing", "", "malformed"))
        except RegistryError as error:
            problems.append(as_problem(error, line=line, field=field))
        return None

    problems += _idle(row, line)
    if not is_empty(row.get("closed")):
        closing = {"no": take("no", _number, required=True), "closed": take("closed", _code)}
        return None if problems else ClosingLine.model_validate(closing)
    witness, checked = take("witness", lambda text: _digest(text, folder)), take("checked", _day, required=True)
    refusal, rectify = take("refusal", _maybe_code), take("rectify", _maybe_day)
    revisited = take("revisited", _maybe_day)
    withheld = take("withheld", _maybe_code)
    fields = {
        "no": take("no", _number, required=True),
        "items": take("items", lambda text: _several(text, _id), required=True),
        "method": take("method", _code, required=True),
        "first": take("first", _day, required=True),
        "last": take("last", _day, required=True),
        "checked": checked,
        "notice": take("notice", lambda text: _digest(text, folder)),
        "form": take("form", lambda text: _digest(text, folder)),
        "refusal": None if refusal is None else {"reason": refusal, "witness": witness},
        "result": take("result", _maybe_code, required=withheld is None),
        "findings": take("findings", lambda text: _several(text, _code)),
        "leniency": take("leniency", lambda text: tuple(map(_lenient, several(text)))),
        "noncooperation": take("noncooperation", lambda text: tuple(sorted(map(_act, several(text))))),
        "transfers": take("transfers", lambda text: _several(text, _code)),
        "rectify": None if rectify is None else {"until": rectify, "revisited": revisited},
        "due": due(checked) if isinstance(checked, str) else None,
        "recognised": take("recognised", _recognised),
        "withheld": withheld,
    }
    if problems:
        return None
    try:
        return OutcomeLine.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        code = str(first["type"]) if str(first["type"]).startswith("outcome-") else "malformed"
        field = ABOUT.get(code) or ".".join(map(str, first["loc"])) or "—"
        problems.append(Problem(line, field, "consistent", str(row.get(field) or ""), code))
        return None


def _idle(row: Row, line: int) -> Iterator[Problem]:
    """Yield the cells that count for nothing in their row: who filled one in believes that it does."""
    if not is_empty(row.get("closed")):
        idle = [field for field in COLUMNS if field not in ("no", "closed")]
    else:
        idle = [of for field, of in (("refusal", "witness"), ("rectify", "revisited")) if is_empty(row.get(field))]
    for field in idle:
        if not is_empty(cell := row.get(field)):
            yield Problem(line, field, "empty-cell", as_typed(cell), "outcome-idle")


def _number(text: str) -> str:
    check_number(text)
    return text


def _matching(text: str, pattern: re.Pattern[str], expected: str) -> str:
    if not pattern.fullmatch(text):
        raise RegistryError("malformed", expected=expected, found=text)
    return text


def _code(text: str) -> str:
    return _matching(text, CODE, "reason-code")


def _maybe_code(text: str) -> str | None:
    return _code(text) if text else None


def _id(text: str) -> str:
    return _matching(text, ID, "id-word")


def _day(text: str) -> str:
    try:
        return check_date(text)
    except EncodingError:
        raise RegistryError("malformed", expected="date", found=text) from None


def _maybe_day(text: str) -> str | None:
    return _day(text) if text else None


def _several(text: str, reader: Callable[[str], str]) -> tuple[str, ...]:
    return tuple(sorted({reader(word) for word in several(text)}))


def _digest(text: str, folder: Path) -> str | None:
    if not text:
        return None
    if not HASH.fullmatch(text) and not (folder / text).is_file():
        raise RegistryError("malformed", expected="file-or-digest", found=text)
    return file_digest(text, beside=folder)


def _lenient(word: str) -> dict[str, object]:
    """`none/1/amount-below/overtreatment/999.50`: list, number, ground, finding, and an amount in yuan."""
    parts = [*word.split("/"), ""][:5] if word.count("/") == 3 else word.split("/")
    if len(parts) != 5 or parts[0] not in LISTS or not parts[1].isdigit() or parts[2] not in GROUNDS:
        raise RegistryError("malformed", expected="leniency", found=word)
    return {"list": parts[0], "number": int(parts[1]), "ground": parts[2], "finding": _code(parts[3]),
            "amount": _fen(parts[4], word)}  # fmt: skip


def _fen(text: str, word: str) -> int | None:
    if not text:
        return None
    try:
        amount = Decimal(text) * FEN
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0 or amount != int(amount):
        raise RegistryError("malformed", expected="leniency", found=word)
    return int(amount)


def _act(word: str) -> tuple[str, str]:
    day, _, act = word.partition("/")
    if not act:
        raise RegistryError("malformed", expected="noncooperation", found=word)
    return _day(day), _code(act)


def _recognised(text: str) -> dict[str, object] | None:
    if not text:
        return None
    parts = text.split()
    if len(parts) != 3 or not parts[1].isdigit() or not HASH.fullmatch(parts[2]):
        raise RegistryError("malformed", expected="recognised", found=text)
    return {"log": parts[0], "index": int(parts[1]), "text": parts[2]}
