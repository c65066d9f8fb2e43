"""The sheets of an Office Open XML workbook (.xlsx; ISO/IEC 29500-1 §12 and §18, 29500-2 §6).

Which part is the workbook, and which are its sheets and strings, is found as an office program finds it: through the
relationships, and never by the names that parts usually have. Else a file would show its reader one sheet and us
another.
"""

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from fairdraw.registry.workbook.archive import Attributes, walk
from fairdraw.registry.workbook.sheet import Sheet, broken
from fairdraw.registry.workbook.worksheet import MAIN, TRUE, Format, Shown, read_strings, read_worksheet

_CONTENT_TYPES: Final = "[content_types].xml"
_RELATIONSHIP: Final = "http://schemas.openxmlformats.org/package/2006/relationships Relationship"
_IDS: Final = (
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships id",
    "http://purl.oclc.org/ooxml/officeDocument/relationships id",
)

# The formats without a code of their own (§18.8.30), with those that they stand for in Chinese, Japanese and Korean.
_DATES: Final = frozenset({*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)})
_DURATION: Final = 46
_NO_CODE: Final = re.compile(r'"[^"]*"?|\\.|[_*].')  # of a format: what it shows as it stands
_ELAPSED: Final = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_IN_BRACKETS: Final = re.compile(r"\[[^\]]*\]")
_OF_A_DATE: Final = re.compile("[ymdhs]", re.IGNORECASE)


@dataclass(frozen=True)
class _Relation:
    kind: str
    part: str


def is_workbook(parts: Mapping[str, bytes]) -> bool:
    """Whether these are the parts of an .xlsx file."""
    return _CONTENT_TYPES in parts


def read_sheets(parts: Mapping[str, bytes]) -> list[Sheet]:
    """Return every worksheet, in the order of the workbook.

    Raises:
        RegistryError: `not-a-spreadsheet` or `sheet-too-large`.
    """
    book = _only(parts, _relations(parts, "").values(), "officeDocument")
    if book is None:
        raise broken("officeDocument")
    relations = _relations(parts, book)
    strings, styles = (_only(parts, relations.values(), kind) for kind in ("sharedStrings", "styles"))
    told, since_1904 = _book(parts[book])
    shown = Shown(
        strings=read_strings(parts[strings]) if strings else (),
        formats=_formats(parts[styles]) if styles else (),
        since_1904=since_1904,
    )
    found: list[Sheet] = []
    for name, identifier, visible in told:
        relation = relations.get(identifier)
        if relation is None:
            raise broken(name)
        if relation.kind == "worksheet":  # a sheet of a chart has no cells
            found.append(read_worksheet(_part(parts, relation.part), Sheet(name, visible=visible), shown))
    return found


def _part(parts: Mapping[str, bytes], name: str) -> bytes:
    if name not in parts:
        raise broken(name)
    return parts[name]


def _relations(parts: Mapping[str, bytes], source: str) -> dict[str, _Relation]:
    """Return the relationships of a part by their identifiers; "" is the package itself."""
    folder, name = posixpath.split(source)
    told: dict[str, _Relation] = {}

    def start(tag: str, attributes: Attributes) -> None:
        if tag != _RELATIONSHIP:
            return
        if attributes["Id"] in told:
            raise broken(attributes["Id"])
        target = "" if attributes.get("TargetMode") == "External" else attributes["Target"].replace("\\", "/")
        part = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/").lower()
        told[attributes["Id"]] = _Relation(attributes["Type"].rpartition("/")[2], part)

    walk(_part(parts, posixpath.join(folder, "_rels", f"{name}.rels")), start)
    return told


def _only(parts: Mapping[str, bytes], relations: Iterable[_Relation], kind: str) -> str | None:
    found = [relation.part for relation in relations if relation.kind == kind]
    if len(found) > 1 or not set(found) <= set(parts):
        raise broken(kind)
    return found[0] if found else None


def _book(part: bytes) -> tuple[list[tuple[str, str, bool]], bool]:
    """Return the name, the relationship and the visibility of every sheet, and whether days count from 1904."""
    told: list[tuple[str, str, bool]] = []
    settings = {"date1904": "0"}
    path: list[str] = []

    def start(tag: str, attributes: Attributes) -> None:
        if tag in {f"{space} sheet" for space in MAIN}:
            if path[-1] not in {f"{space} sheets" for space in MAIN}:
                raise broken("sheet")  # one that stands elsewhere may count for one program and not for another
            identifier = next(attributes[name] for name in _IDS if name in attributes)
            told.append((attributes["name"], identifier, attributes.get("state", "visible") == "visible"))
        elif tag in {f"{space} workbookPr" for space in MAIN}:
            settings.update(attributes)
        path.append(tag)

    def end(_: str) -> None:
        path.pop()

    try:
        walk(part, start, end=end)
    except StopIteration:
        raise broken("sheet") from None
    return told, settings["date1904"] in TRUE


def _formats(part: bytes) -> list[Format]:
    """Return how each style of cells shows a number."""
    codes: dict[int, Format] = {}
    told: list[Format] = []
    path: list[str] = []

    def start(tag: str, attributes: Attributes) -> None:
        name = tag.rpartition(" ")[2]
        if name == "numFmt":
            codes[int(attributes["numFmtId"])] = format_of(attributes["formatCode"])
        elif name == "xf" and path[-1] == "cellXfs":
            number = int(attributes.get("numFmtId", "0"))
            known: Format = "date" if number in _DATES else "duration" if number == _DURATION else "number"
            told.append(codes.get(number, known))
        path.append(name)

    def end(_: str) -> None:
        path.pop()

    walk(part, start, end=end)
    return told


def format_of(code: str) -> Format:
    """Return what a format makes of a number (§18.8.31)."""
    bare = _NO_CODE.sub("", code).partition(";")[0]
    if _ELAPSED.search(bare):
        return "duration"
    return "date" if _OF_A_DATE.search(_IN_BRACKETS.sub("", bare)) else "number"
