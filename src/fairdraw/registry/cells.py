"""One cell of a registry file becomes one value, or an error that says why not: specs/map.md §3.

Cells come from `tabular` as strings or, out of a spreadsheet, as numbers, booleans and dates. Which column
feeds which field is in `mapping`; whether two rows are one is in `registry`.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Final, Literal

from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from fairdraw.encoding import MAX_INTEGER, check_text
from fairdraw.errors import EncodingError, RegistryError

Value = str | int | bool | None | tuple[str, ...]
Kind = Literal["string", "integer", "boolean", "strings"]
Check = Literal["uscc", "id", "phone", "none"]

# The Unicode property White_Space, written out: `str.strip()` follows another rule that other languages do
# not have.
WHITE_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
)

MAX_EXACT: Final = 10**15  # a spreadsheet keeps 15 digits of a number and makes the others zero

# What a spreadsheet writes into a CSV file for a long code: its last digits are gone.
SCIENTIFIC: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?[Ee]\+[0-9]+")

_INTEGER: Final = re.compile(r"-?[0-9]{1,16}")
_BOOLEANS: Final = {
    "是": True, "true": True, "yes": True, "1": True, "否": False, "false": False, "no": False, "0": False,
}  # fmt: skip

# GB 32100-2015 §5. The department may be a letter (N: rural collectives), which python-stdnum's own
# `validate` refuses.
USCC: Final = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")
_ID: Final = re.compile(r"[1-9][0-9]{16}[0-9X]")  # GB 11643-1999 §4
_PHONE: Final = re.compile(
    r"(\+86[ -]?)?(1[3-9][0-9]{9}|(0[1-9][0-9]{1,2}[ -]?)?[1-9][0-9]{6,7}(-[0-9]{1,6})?"
    r"|[48]00[ -]?[0-9]{3}[ -]?[0-9]{4})"
)

# A keyboard left in Chinese types these; in a code they can mean nothing else (specs/map.md §3.1).
_FULL_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}

# A spreadsheet has such a row below its table: frozen, it would be drawn as an institution of that name.
_TOTALS: Final = frozenset({"合计", "总计", "共计", "小计", "累计", "total"})
_LONGEST_TOTAL: Final = 20  # with spaces between its characters

_CACHED: Final = 4096  # attributes have few distinct values; numbers and names are not cached


@dataclass(frozen=True, slots=True)
class Marked:
    """A spreadsheet's cell that nobody typed: what a formula gave, or an error such as #N/A."""

    error: bool
    shown: object


@dataclass(frozen=True, slots=True)
class Foreign:
    """A value of a type that no cell has, such as a fraction or a list: whoever made the file decides what it means."""

    shown: str

    def __repr__(self) -> str:
        return self.shown


class Unreadable(tuple[object, ...]):
    """A row that could not be taken apart: its text as the one cell, the column that is to blame if any, and why."""

    field: str
    error: RegistryError

    def __new__(cls, text: str, error: RegistryError, field: str = "") -> "Unreadable":
        """Return the row of this text."""
        row = super().__new__(cls, (text,))
        row.field, row.error = field, error
        return row


def normal(text: str) -> str:
    """Return text in NFC without the white space around it.

    Never NFKC: it changes real names of institutions (specs/map.md §3.1).
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return text.strip(WHITE_SPACE)


def read_text(cell: object) -> str:
    """Return the text of a cell, `""` if it is empty; whole numbers in decimal, dates in ISO 8601.

    Raises:
        RegistryError: `forbidden-character`, `scientific-notation`, `number-cell`, `wrong-type`, `formula-cell` or
        `error-cell`.
    """
    text = normal(cell if isinstance(cell, str) else _written(cell))
    if "+" in text and SCIENTIFIC.fullmatch(text):
        raise RegistryError("scientific-notation", expected="text", found=text)
    if text.isascii() and text.isprintable():
        return text  # most cells: a registry has millions
    try:
        check_text(text)
    except EncodingError as error:
        raise RegistryError("forbidden-character", expected="text", found=str(error.params["found"])) from None
    return text


def read_code(cell: object) -> str:
    """Return the text of a cell that holds a code, `""` if it is empty; full-width characters as ASCII.

    Raises:
        RegistryError: what `read_text` refuses, and `number-cell` for every cell that is not text.
    """
    if isinstance(cell, Marked):
        raise _not_typed(cell)
    if not isinstance(cell, str):
        # 911101085923662400 typed into a number cell has already lost its last digits, and 007 its zeros.
        raise RegistryError("number-cell", expected="text", found=repr(cell))
    return read_text(cell if cell.isascii() else cell.translate(_FULL_WIDTH))


def _not_typed(cell: Marked) -> RegistryError:
    # The value beside a formula is what some program last computed: another one would show another.
    return RegistryError("error-cell" if cell.error else "formula-cell", expected="text", found=as_typed(cell))


def total_at(cells: Sequence[object]) -> int | None:
    """Return where a row says that it is the sum of others, None if it does not: specs/map.md §5."""
    at = next((at for at, cell in enumerate(cells) if cell != ""), None)
    if at is None or not isinstance(text := cells[at], str) or len(text) > _LONGEST_TOTAL:
        return None
    return at if "".join(text.split()).rstrip(":：").lower() in _TOTALS else None


def as_typed(cell: object) -> str:
    """Return what a cell shows, as a text that somebody could type; nothing is lost and nothing is judged."""
    if isinstance(cell, Marked):
        return as_typed(cell.shown)
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return str(cell).upper()
    try:
        return _written(cell)
    except RegistryError:
        return f"{cell:.15g}" if isinstance(cell, float) else str(cell)


def _written(cell: object) -> str:
    if isinstance(cell, Marked):
        raise _not_typed(cell)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        if abs(cell) < MAX_EXACT and cell == int(cell):
            return str(int(cell))
        raise RegistryError("number-cell", expected="text", found=repr(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="seconds") if cell.time() != time() else cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, time):
        return cell.isoformat(timespec="seconds")
    raise RegistryError("wrong-type", expected="text", found=repr(cell))


def _is_empty(cell: object) -> bool:
    return isinstance(cell, str) and not normal(cell)


def _read_integer(cell: object) -> int:
    if isinstance(cell, bool):
        raise RegistryError("wrong-type", expected="integer", found=repr(cell))
    if isinstance(cell, int | float):
        if cell != cell // 1:
            raise RegistryError("wrong-type", expected="integer", found=repr(cell))
        number = int(cell)
    else:
        text = read_text(cell)
        if not _INTEGER.fullmatch(text):
            raise RegistryError("wrong-type", expected="integer", found=text)
        number = int(text)
    if abs(number) > MAX_INTEGER:
        raise RegistryError("integer-too-large", expected="integer", found=str(number))
    return number


def _read_boolean(cell: object) -> bool:
    if isinstance(cell, bool):
        return cell
    text = read_text(cell)
    if (found := _BOOLEANS.get(text.lower())) is None:
        raise RegistryError("wrong-type", expected="boolean", found=text)
    return found


def as_list(items: list[str]) -> tuple[str, ...]:
    """Return a list attribute as it is hashed: sorted by UTF-8 bytes (that is, code points), no repeats."""
    return tuple(sorted(set(items)))


def attribute_reader(
    *, kind: Kind, words: Mapping[str, Value] | None, default: Value, separator: str, required: bool
) -> Callable[[object], Value]:
    """Return the function from a cell to the value of an attribute: specs/map.md §3.2.

    `words` maps normal text to values; None takes the cell as it is. The function raises RegistryError.
    """
    words_given = words is not None
    table = words or {}
    empty = table.get("", default)

    def look_up(text: str) -> Value:
        if text in table:
            return table[text]
        if default is None or kind == "strings":
            raise RegistryError("unknown-value", expected="map", found=text)
        return default

    @lru_cache(maxsize=_CACHED, typed=True)
    def read(cell: object) -> Value:
        if _is_empty(cell):
            if required:
                raise RegistryError("required", expected=kind, found="")
            return empty
        if kind == "strings":
            items = [item for part in read_text(cell).split(separator) if (item := normal(part))]
            return as_list([str(look_up(item)) for item in items] if words_given else items)
        if words_given:
            return look_up(read_text(cell))
        if kind == "integer":
            return _read_integer(cell)
        return _read_boolean(cell) if kind == "boolean" else read_text(cell)

    return read


def private_reader(*, check: Check, required: bool) -> Callable[[object], str]:
    """Return the function from a cell to a private value, `""` if missing: specs/map.md §3.3.

    The function raises RegistryError.
    """
    read_cell = {"uscc": read_code, "id": read_code, "phone": _read_phone}.get(check, read_text)
    test = {"uscc": check_uscc, "id": check_id, "phone": check_phone}.get(check)

    def read(cell: object) -> str:
        text = read_cell(cell)
        if not text:
            if required:
                raise RegistryError("required", expected="text", found="")
        elif test:
            test(text)
        return text

    return read


def _read_phone(cell: object) -> str:
    text = read_text(cell)
    return text if text.isascii() else text.translate(_FULL_WIDTH)


def check_uscc(text: str) -> None:
    """Refuse what is not a 统一社会信用代码 of GB 32100-2015 in capitals, without spaces.

    Raises:
        RegistryError: `malformed` or `check-digit`.
    """
    if not USCC.fullmatch(text):
        raise RegistryError("malformed", expected="uscc", found=text)
    if uscc.calc_check_digit(text[:-1]) != text[-1]:
        raise RegistryError("check-digit", expected="uscc", found=text)


def check_id(text: str) -> None:
    """Refuse what is not an 18-digit 公民身份号码 of GB 11643-1999.

    The division is not looked up: divisions are abolished and created every year, numbers stay.

    Raises:
        RegistryError: `malformed` or `check-digit`.
    """
    if not _ID.fullmatch(text):
        raise RegistryError("malformed", expected="id", found=text)
    try:
        ric.get_birth_date(text)
    except ValidationError:
        raise RegistryError("malformed", expected="id", found=text) from None
    if ric.calc_check_digit(text) != text[-1]:
        raise RegistryError("check-digit", expected="id", found=text)


def check_phone(text: str) -> None:
    """Refuse what is not a mobile, landline or 400/800 number as written in China.

    Raises:
        RegistryError: `malformed`.
    """
    if not _PHONE.fullmatch(text):
        raise RegistryError("malformed", expected="phone", found=text)
