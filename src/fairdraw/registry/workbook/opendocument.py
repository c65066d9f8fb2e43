"""The sheets of an OpenDocument spreadsheet (.ods; OpenDocument 1.3 part 3 §6 and §9)."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import Final

from fairdraw.errors import RegistryError
from fairdraw.registry.workbook.archive import MAX_UNPACKED, Attributes, walk
from fairdraw.registry.workbook.sheet import MAX_CELLS, MAX_COLUMNS, Sheet, broken, number, protected

_CONTENT: Final = "content.xml"
_MANIFEST: Final = "meta-inf/manifest.xml"
_MIMETYPE: Final = b"application/vnd.oasis.opendocument.spreadsheet"

_OASIS: Final = "urn:oasis:names:tc:opendocument:xmlns:"
_SPACES: Final = {f"{_OASIS}{name}:1.0": name for name in ("office", "style", "table", "text")}
_CELLS: Final = ("table:table-cell", "table:covered-table-cell")
_GROUPS: Final = ("table:table-row-group", "table:table-column-group")
_PROPERTIES: Final = ("style:table-properties", "style:table-row-properties", "style:table-column-properties")
_AROUND: Final = frozenset({
    *_GROUPS, "table:table-header-rows", "table:table-header-columns", "table:table-rows", "table:table-columns",
})  # fmt: skip
_OF_A_TABLE: Final = _AROUND | {"table:table-column", "table:table-row"}
_CHILDREN: Final[Mapping[str, Iterable[str]]] = {
    "office:document-content": ("office:automatic-styles", "office:body"),
    "office:automatic-styles": ("style:style",),
    "style:style": _PROPERTIES,
    "office:body": ("office:spreadsheet",),
    "office:spreadsheet": ("table:table",),
    "table:table": _OF_A_TABLE,
    **dict.fromkeys(_AROUND, _OF_A_TABLE),
    "table:table-row": _CELLS,
}
_PARAGRAPHS: Final = ("text:p", "text:h")
_BESIDE: Final = ("text:ruby-text", "text:note")  # how a word is pronounced, and what stands elsewhere
_NO_SIZE: Final = re.compile(r"0+(\.0*)?[a-z]*")
_HOURS: Final = 24  # of a day
_TIME: Final = re.compile(r"PT([0-9]{1,6})H([0-9]{1,2})M([0-9]{1,2})([.,][0-9]*)?S")
_BLANK: Final = re.compile(r"[ \t\r\n]+")


def is_workbook(parts: Mapping[str, bytes]) -> bool:
    """Whether these are the parts of an .ods file."""
    return parts.get("mimetype", b"").startswith(_MIMETYPE) or _CONTENT in parts


def read_sheets(parts: Mapping[str, bytes]) -> list[Sheet]:
    """Return every sheet, in the order of the file.

    Raises:
        RegistryError: `not-a-spreadsheet`, `password-protected`, `sheet-too-large` or `file-too-large-unpacked`.
    """
    if b"encryption-data" in parts.get(_MANIFEST, b""):
        raise protected()
    if _CONTENT not in parts:
        raise broken(_CONTENT)
    reading = _Reading()
    walk(parts[_CONTENT], reading.start, end=reading.end, text=reading.text)
    return reading.sheets


class _Reading:
    def __init__(self) -> None:
        self.sheets: list[Sheet] = []
        self.path: list[str] = []
        self.opaque = 0  # how deep in an element that is not read: a comment, a drawing, how a word is pronounced
        self.style = ""
        self.unseen: set[str] = set()  # styles of tables that are not displayed, of rows and columns of no size
        self.groups: list[bool] = []
        self.row, self.rows = 0, 0  # the row of the sheet, and how often it is repeated
        self.column, self.columns = 0, 0  # the same of the cell
        self.at = 0  # the next <table-column>
        self.hidden = False
        self.cell: Attributes = {}
        self.paragraphs: list[list[str]] = []
        self.spaces = MAX_UNPACKED
        self.handlers: Final[Mapping[str, Callable[[Attributes], None]]] = {
            "style:style": self._style,
            **dict.fromkeys(_PROPERTIES, self._properties),
            "table:table": self._table,
            **dict.fromkeys(_GROUPS, self._group),
            "table:table-column": self._column,
            "table:table-row": self._row,
            **dict.fromkeys(_CELLS, self._cell),
            **dict.fromkeys(_PARAGRAPHS, self._paragraph),
            "text:s": self._space,
            "text:tab": lambda _: self._write("\t"),
            "text:line-break": lambda _: self._write("\n"),
        }

    def start(self, tag: str, given: Attributes) -> None:
        name = _short(tag)
        parent = self.path[-1] if self.path else ""
        attributes = {_short(key): value for key, value in given.items()}
        if self.opaque or not _is_read(name, parent):
            if name in _CELLS or name in {"table:table-row", "table:table-column"}:
                raise broken(name)  # a program that knows what is around it would read it
            self.opaque += 1
            return
        self.path.append(name)
        if name in self.handlers:
            self.handlers[name](attributes)

    def text(self, text: str) -> None:
        if not self.opaque and self.path[-1].startswith("text:"):
            self._write(_BLANK.sub(" ", text))

    def end(self, _: str) -> None:
        if self.opaque:
            self.opaque -= 1
            return
        name = self.path.pop()
        if name in _GROUPS:
            self.groups.pop()
        elif name in _CELLS:
            self._put()

    def _style(self, attributes: Attributes) -> None:
        self.style = attributes.get("style:name", "")

    def _properties(self, attributes: Attributes) -> None:
        sizes = (attributes.get("style:row-height"), attributes.get("style:column-width"))
        if attributes.get("table:display") == "false" or any(size and _NO_SIZE.fullmatch(size) for size in sizes):
            self.unseen.add(self.style)

    def _table(self, attributes: Attributes) -> None:
        self.sheets.append(Sheet(attributes.get("table:name", ""), visible=not self._is_unseen(attributes)))
        self.row = self.rows = self.at = 0

    def _group(self, attributes: Attributes) -> None:
        self.groups.append(attributes.get("table:display") == "false")

    def _column(self, attributes: Attributes) -> None:
        many = _times(attributes, "number-columns-repeated")
        if self._is_hidden(attributes):
            self.sheets[-1].hidden_columns |= set(range(self.at, min(self.at + many, MAX_COLUMNS)))
        self.at += many

    def _row(self, attributes: Attributes) -> None:
        self.row += self.rows
        self.rows = _times(attributes, "number-rows-repeated")
        self.column = self.columns = 0
        self.hidden = self._is_hidden(attributes)

    def _cell(self, attributes: Attributes) -> None:
        self.column += self.columns
        self.columns = _times(attributes, "number-columns-repeated")
        self.cell, self.paragraphs = attributes, []

    def _paragraph(self, _: Attributes) -> None:
        self.paragraphs.append([])

    def _space(self, attributes: Attributes) -> None:
        many = int(attributes.get("text:c", "1"))
        self.spaces -= many
        if self.spaces < 0:  # a billion spaces are a file of a few bytes
            raise RegistryError("file-too-large-unpacked", expected=MAX_UNPACKED)
        self._write(" " * many)

    def _write(self, text: str) -> None:
        if self.paragraphs:
            self.paragraphs[-1].append(text)

    def _is_unseen(self, attributes: Attributes) -> bool:
        return attributes.get("table:style-name") in self.unseen

    def _is_hidden(self, attributes: Attributes) -> bool:
        visible = attributes.get("table:visibility", "visible") == "visible"
        return not visible or any(self.groups) or self._is_unseen(attributes)

    def _put(self) -> None:
        sheet, down, right = self.sheets[-1], self.rows, self.columns
        value, computed = self._value(), "table:formula" in self.cell
        if value != "" or computed:
            sheet.fill(self.row + down - 1, self.column + right - 1)  # checked before they are written out one by one
            for row in range(self.row, self.row + down):
                for column in range(self.column, self.column + right):
                    sheet.put(row, column, value)
                    if self._is_error():
                        sheet.fail(row, column)
            if self.hidden:
                sheet.hidden_rows |= set(range(self.row, self.row + down))
        if computed:
            down = max(_times(self.cell, "number-matrix-rows-spanned"), down)
            right = max(_times(self.cell, "number-matrix-columns-spanned"), right)
            sheet.compute((self.row, self.column, self.row + down - 1, self.column + right - 1))
        down, right = _times(self.cell, "number-rows-spanned"), _times(self.cell, "number-columns-spanned")
        if down > 1 or right > 1:
            sheet.merge((self.row, self.column, self.row + down - 1, self.column + right - 1))

    def _is_error(self) -> bool:
        # LibreOffice says in a namespace of its own that it is an error, and beside it that it is a text.
        return any(key.endswith(" value-type") and value == "error" for key, value in self.cell.items())

    def _value(self) -> object:
        shown = "\n".join("".join(pieces) for pieces in self.paragraphs)
        match self.cell.get("office:value-type"):
            case "float" | "percentage" | "currency":
                return number(self.cell["office:value"])
            case "boolean":
                return self.cell["office:boolean-value"] == "true"
            case "date":
                told = datetime.fromisoformat(self.cell["office:date-value"])
                return told if told.time() != time() else told.date()
            case "time":
                return _time(self.cell["office:time-value"])
        told_too = self.cell.get("office:string-value", shown)
        if "table:formula" not in self.cell and self.paragraphs and told_too != shown:
            raise broken(shown)  # one program shows the one, and another the other
        return told_too


def _is_read(name: str, parent: str) -> bool:
    if parent in _CELLS or parent.startswith("text:"):
        return name.startswith("text:") and name not in _BESIDE
    return not parent or name in _CHILDREN.get(parent, ())


def _short(tag: str) -> str:
    space, _, name = tag.rpartition(" ")
    return f"{_SPACES[space]}:{name}" if space in _SPACES else tag


def _time(text: str) -> object:
    found = _TIME.fullmatch(text)
    if not found:
        raise broken(text)
    hours, minutes, seconds = map(int, found.groups()[:3])
    return time(hours, minutes, seconds) if hours < _HOURS else timedelta(hours=hours)  # 25 hours are no time of day


def _times(attributes: Attributes, name: str) -> int:
    times = int(attributes.get(f"table:{name}", "1"))
    if not 1 <= times <= MAX_CELLS:
        raise broken(f"{name} = {times}")
    return times
