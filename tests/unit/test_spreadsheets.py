"""Spreadsheets of three kinds: what a person cannot see, or did not type, is refused with the cell's name."""

import datetime
import io
import re
import tracemalloc
import zipfile

import pytest

from fairdraw.errors import RegistryError
from fairdraw.registry import load_map, read_registry
from fairdraw.registry.tabular import read_table
from fairdraw.registry.workbook import archive, sheet
from fairdraw.registry.workbook.sheet import cell_name, column_name, range_name, runs
from support import sheets
from support.sheets import KINDS, Failure, Formula, Page, book

MAP = """
no = "编号"
[attrs]
region = "区划"
beds = { column = "床位", type = "integer" }
[private]
name = "名称"
uscc = { column = "信用代码", check = "uscc" }
opened = "成立日期"
[closed]
phone = { column = "电话", check = "phone" }
"""
HEADER = ("编号", "区划", "床位", "名称", "信用代码", "成立日期", "电话", "备注")
USCC = "91110000600037341L"
ROWS = [
    HEADER,
    ("H-1", "330106", 120, "第一医院", USCC, datetime.date(2020, 2, 3), "0571-87654321", "x"),
    ("H-2", "330106", 80, "第二医院", "", "", "", ""),
    ("H-3", 330108, "60", "第三医院", "", "", 13800138000, ""),
]


def changed(**cells):
    """Return the rows with other cells, named as a clerk names them: B2=…"""
    rows = [list(cells) for cells in ROWS]
    for name, cell in cells.items():
        rows[int(name[1:]) - 1][ord(name[0]) - ord("A")] = cell
    return rows


def read(kind, *pages, text=MAP):
    return read_registry(book(kind, *pages), load_map(text), name=f"名录{kind}")


def refused(kind, *pages, text=MAP):
    with pytest.raises(RegistryError) as caught:
        read(kind, *pages, text=text)
    return caught.value


def problems(kind, **cells):
    return [(one.cell, one.code) for one in read(kind, Page(changed(**cells))).problems]


every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
def test_one_table_is_one_registry_in_every_format(kind):
    found = read(kind, Page(ROWS))
    assert (found.problems, found.sheet) == ((), "名录")
    first, _, third = found.registry.rows
    assert first.attrs == {"region": "330106", "beds": 120}
    assert first.private == ("第一医院", USCC, "2020-02-03", "0571-87654321")
    assert (third.attrs["region"], third.attrs["beds"], third.private[3]) == ("330108", 60, "13800138000")


@every_kind
@pytest.mark.parametrize(
    ("name", "cell", "code"),
    [
        ("A3", 7, "number-cell"),
        ("E3", 911101085923662400, "number-cell"),
        ("E3", "9.11101E+17", "scientific-notation"),
        ("D3", "9.11E+17", "scientific-notation"),
        ("A3", datetime.date(2026, 3, 1), "number-cell"),
        ("D3", "第二\u200b医院", "forbidden-character"),
        ("D3", "第二\u202e医院", "forbidden-character"),
        ("D3", True, "wrong-type"),
        ("C3", "八十", "wrong-type"),
        ("E3", USCC.lower(), "malformed"),
        ("A3", Formula('"H-"&2', "H-2"), "formula-cell"),
        ("B3", Formula("1+1", 2.0), "formula-cell"),
        ("C3", Formula("1+1", 2.0), "formula-cell"),
        ("D3", Formula('"a"', "a"), "formula-cell"),
        ("D3", Formula('""', ""), "formula-cell"),
    ],
)
def test_a_cell_that_lost_something_or_that_nobody_typed_is_named(kind, name, cell, code):
    assert problems(kind, **{name: cell}) == [(name, code)]


@pytest.mark.parametrize("kind", [".xlsx", ".xls"])
def test_an_error_is_no_empty_cell(kind):
    assert problems(kind, D3=Failure()) == [("D3", "error-cell")]


def test_an_error_of_an_opendocument_is_a_formula_that_failed():
    assert problems(".ods", D3=Failure()) == [("D3", "formula-cell")]


@every_kind
def test_formulas_and_errors_in_columns_that_are_not_read_do_not_matter(kind):
    assert problems(kind, H2=Formula("1+1", 2.0), H3=Failure()) == []


@every_kind
@pytest.mark.parametrize("word", ["合计", " 合\u3000计：", "总计", "小计", "TOTAL"])
def test_a_row_that_sums_up_others_is_no_row_of_the_registry(kind, word):
    found = read(kind, Page([*ROWS, (None, None, 260, word), (word, "x", 3, "y")]))
    assert [(one.line, one.cell, one.code) for one in found.problems] == [
        (5, "A5", "number-missing"),
        (6, "A6", "total-row"),
    ]
    assert found.left_out == (5, 6)
    assert [row.no for row in found.registry.rows] == ["H-1", "H-2", "H-3"]
    assert problems(kind, A3="合计-1") == [("A3", "number-malformed")]


@every_kind
def test_white_space_around_a_text_is_no_part_of_it(kind):
    found = read(kind, Page(changed(D3="\u3000 第二医院\xa0", A3=" H-2\u3000")))
    assert [(row.no, row.private[0]) for row in found.registry.rows][1] == ("H-2", "第二医院")


@every_kind
def test_full_width_characters_become_ascii_in_codes_and_stay_in_names(kind):
    wide = "９１１１００００６０００３７３４１Ｌ"
    found = read(kind, Page(changed(A2="Ｈ－1", E2=wide, G2="０５７１－８７６５４３２１", D2="（Ａ）医院")))
    assert found.problems == ()
    first = found.registry.rows[0]
    assert (first.no, first.private[:2], first.private[3]) == ("H-1", ("（Ａ）医院", USCC), "0571-87654321")


@every_kind
def test_a_number_in_full_width_repeats_the_one_in_ascii(kind):
    assert problems(kind, A3="Ｈ－１") == [("A3", "number-repeated")]


@every_kind
@pytest.mark.parametrize("filtered", [False, True])
def test_a_hidden_row_is_neither_frozen_nor_dropped_unless_the_map_says_so(kind, filtered):
    page = Page(ROWS, hidden_rows={2, 3}, filtered=filtered)
    error = refused(kind, page)
    assert (error.code, error.params) == ("rows-hidden", {"sheet": "名录", "found": ["3-4"]})
    assert len(read(kind, page, text='hidden = "read"\n' + MAP).registry.rows) == 3


@every_kind
def test_a_hidden_row_of_nothing_and_one_above_the_header_do_not_matter(kind):
    assert read(kind, Page([*ROWS, (None,) * 8, (None,) * 8], hidden_rows={4, 5})).problems == ()
    title = [("名录库", *(None,) * 7), (None,) * 8, *ROWS]
    assert read(kind, Page(title, hidden_rows={0}), text="header = 3\n" + MAP).problems == ()


@every_kind
def test_a_hidden_column_that_is_read_is_refused_and_another_is_not(kind):
    error = refused(kind, Page(ROWS, hidden_columns={3, 6}))
    assert (error.code, error.params) == ("columns-hidden", {"sheet": "名录", "found": ["D", "G"]})
    assert read(kind, Page(ROWS, hidden_columns={7})).problems == ()
    assert read(kind, Page(ROWS, hidden_columns={3}), text='hidden = "read"\n' + MAP).problems == ()


@every_kind
def test_a_file_without_a_map_has_no_hidden_columns(kind):
    rows = [("no", "private.name"), ("H-1", "x")]
    with pytest.raises(RegistryError, match="columns-hidden"):
        read_registry(book(kind, Page(rows, hidden_columns={1})), None, name=f"a{kind}")
    assert read_registry(book(kind, Page(rows)), None, name=f"a{kind}").problems == ()


@every_kind
def test_merged_cells_in_the_table_are_named_and_a_merged_title_is_welcome(kind):
    error = refused(kind, Page(changed(D4=None), merged=[(2, 3, 3, 3)]))
    assert (error.code, error.params) == ("cells-merged", {"sheet": "名录", "found": ["D3:D4"]})
    title = [("名录库", *(None,) * 7), *ROWS]
    assert read(kind, Page(title, merged=[(0, 0, 0, 7)]), text="header = 2\n" + MAP).problems == ()
    reaching = [("编号", *(None,) * 7), *ROWS]
    assert refused(kind, Page(reaching, merged=[(0, 0, 1, 0)]), text="header = 2\n" + MAP).code == "cells-merged"


@every_kind
def test_of_several_sheets_the_map_names_one(kind):
    pages = [Page([("别的", "表")], name="别的"), Page(ROWS)]
    error = refused(kind, *pages)
    assert (error.code, error.params) == ("sheets-many", {"found": ["别的", "名录"]})
    assert read(kind, *pages, text='sheet = "名录"\n' + MAP).sheet == "名录"
    assert refused(kind, *pages, text='sheet = "没有"\n' + MAP).code == "sheet-missing"


@every_kind
def test_empty_sheets_and_explanations_are_not_the_table(kind):
    found = read(kind, Page([("怎么填",)], name="说明"), Page([], name="Sheet2"), Page(ROWS))
    assert (found.sheet, len(found.registry.rows)) == ("名录", 3)


@every_kind
def test_a_hidden_sheet_is_read_only_if_the_map_says_so(kind):
    pages = [Page([], name="空"), Page(ROWS, hidden=True)]
    assert (refused(kind, *pages).code, refused(kind, *pages).params) == ("sheet-hidden", {"found": "名录"})
    assert read(kind, *pages, text='hidden = "read"\n' + MAP).problems == ()


@every_kind
def test_a_computed_header_is_refused(kind):
    error = refused(kind, Page(changed(D1=Formula('"名称"', "名称"))))
    assert (error.code, error.params["found"]) == ("header-computed", "D1")


@pytest.mark.parametrize("said", KINDS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_what_its_name_says(kind, said):
    data = book(kind, Page(ROWS))
    if kind == said:
        assert read_registry(data, load_map(MAP), name=f"a{said.upper()}").problems == ()
        return
    with pytest.raises(RegistryError) as caught:
        read_registry(data, load_map(MAP), name=f"a{said}")
    assert (caught.value.code, caught.value.params) == ("file-type-differs", {"expected": said, "found": kind})


@every_kind
@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"\xef\xbb\xbf\r\n<html><table><tr><td>H-1</td></tr></table></html>", "HTML"),
        (b'<?xml version="1.0"?><Workbook/>', "HTML"),
        ("编号,名称\nH-1,一院\n".encode("gb18030"), "TXT"),
        (b"no\tname\n", "TXT"),
    ],
)
def test_a_web_page_or_a_text_by_the_name_of_a_spreadsheet_is_told_as_what_it_is(kind, data, found):
    with pytest.raises(RegistryError) as caught:
        read_table(data, name=f"导出{kind}")
    assert (caught.value.code, caught.value.params["found"]) == ("file-type-differs", found)


@every_kind
@pytest.mark.parametrize("data", [b"", b"\0\1\2", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"  \n"])
def test_what_is_no_workbook_is_refused(kind, data):
    with pytest.raises(RegistryError, match="not-a-spreadsheet"):
        read_table(data, name=f"a{kind}")


@pytest.mark.parametrize(("text", "found"), [("no\tname\nH\tx\n", "Tab"), ("no;name\nH;x\n", ";")])
def test_a_csv_file_with_other_separators_is_told_as_such(text, found):
    with pytest.raises(RegistryError) as caught:
        read_table(text.encode(), name="a.csv")
    assert (caught.value.code, caught.value.params["found"]) == ("csv-separator", found)
    assert read_table(b'"a;b",c\n1,2\n', name="a.csv").columns == ("a;b", "c")


def repacked(data, **changes):
    return sheets.repacked(data, changes)


def code_of(data, name):
    with pytest.raises(RegistryError) as caught:
        list(read_table(data, name=name).rows)
    return caught.value.code


def test_a_password_is_told_in_every_format():
    encrypted = io.BytesIO()
    with zipfile.ZipFile(encrypted, "w") as made:
        made.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        made.writestr("content.xml", b"\x8a\x01")
        made.writestr("META-INF/manifest.xml", "<m><file-entry><encryption-data/></file-entry></m>")
    assert code_of(encrypted.getvalue(), "a.ods") == "password-protected"
    data = bytearray(book(".xls", Page(ROWS)))
    at = data.index(b"\x09\x08\x10\x00")  # BOF of the globals; the record after it becomes FILEPASS
    data[at + 20 : at + 22] = b"\x2f\x00"
    assert code_of(bytes(data), "a.xls") == "password-protected"
    renamed = book(".xls", Page(ROWS)).replace("Workbook".encode("utf-16-le"), "Workbood".encode("utf-16-le"))
    assert code_of(renamed, "a.xls") == "not-a-spreadsheet"
    # An .xlsx file with a password is a compound file that holds the stream EncryptedPackage.
    name = "EncryptedPackage"
    data = book(".xls", Page(ROWS))
    at = data.index("Workbook".encode("utf-16-le"))
    entry = name.encode("utf-16-le").ljust(64, b"\0") + bytes([2 * len(name) + 2, 0])
    assert code_of(data[:at] + entry + data[at + 66 :], "a.xlsx") == "password-protected"


def test_a_zip_of_which_a_part_has_a_password_is_told_as_such():
    data = bytearray(book(".xlsx", Page(ROWS)))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.index(mark)
        data[place + at] |= 1
    assert code_of(bytes(data), "a.xlsx") == "password-protected"


def zipped(**parts):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, part in parts.items():
            made.writestr(name.replace("__", "/").replace("_xml", ".xml").replace("_rels", ".rels"), part)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (zipped(a_xml="<a/>"), "a.xlsx"),
        (zipped(a_xml="<a/>"), "a.ods"),
        (zipped(mimetype="application/vnd.oasis.opendocument.spreadsheet"), "a.ods"),
        (zipped(content_xml="<a/>"), "a.ods"),
        (zipped(content_xml="<table name='a'/>", x_xml="<a/>"), "a.ods"),
        (zipped(content_xml="<a><table name='a'/><table name='a'/></a>"), "a.ods"),
        (zipped(content_xml="<table><table/></table>"), "a.ods"),
        (zipped(content_xml="<table><table-row number-rows-repeated='0'/></table>"), "a.ods"),
        (zipped(content_xml="<table><table-row number-rows-repeated='x'/></table>"), "a.ods"),
        (zipped(xl__workbook_xml="<workbook/>"), "a.xlsx"),
        (zipped(xl__workbook_xml="<a", xl___rels__workbook_xml_rels="<a/>"), "a.xlsx"),
    ],
)
def test_a_zip_that_only_looks_like_a_workbook_is_refused(data, name):
    assert code_of(data, name) == "not-a-spreadsheet"


def test_cells_without_a_name_stand_one_beside_the_other():
    def bare(part):
        return re.sub(rb' r="[A-Z]*[0-9]+"', b"", part)

    data = repacked(book(".xlsx", Page(changed(D3=Formula("1+1", 2)))), sheet1=bare)
    found = read_registry(data, load_map(MAP), name="a.xlsx")
    assert [(one.cell, one.code) for one in found.problems] == [("D3", "formula-cell")]


@pytest.mark.parametrize(
    "attribute",
    [
        b'office:value-type="string" calcext:value-type="error"',
        b'calcext:value-type="error" office:value-type="string"',
    ],
)
def test_an_error_that_an_opendocument_names_is_told_as_one(attribute):
    data = repacked(
        book(".ods", Page(changed(D3="#N/A"))),
        content=lambda old: re.sub(
            rb'office:value-type="string"(><text:p>#N/A)', rb'xmlns:calcext="urn:calcext" ' + attribute + rb"\1", old
        ),
    )
    found = read_registry(data, load_map(MAP), name="a.ods")
    assert [(one.cell, one.code) for one in found.problems] == [("D3", "error-cell")]


def test_an_excel_95_workbook_is_told_as_such():
    data = book(".xls", Page(ROWS))
    entry = "Book".encode("utf-16-le").ljust(64, b"\0") + bytes([10, 0])
    at = data.index("Workbook".encode("utf-16-le"))
    with pytest.raises(RegistryError) as caught:
        read_table(data[:at] + entry + data[at + 66 :], name="a.xls")
    assert (caught.value.code, caught.value.params["found"]) == ("not-a-spreadsheet", "Excel 95")


def test_two_sheets_of_one_name_in_a_zip_are_refused():
    data = book(".xlsx", Page(ROWS))
    buffer = io.BytesIO(data)
    with zipfile.ZipFile(buffer, "a") as made, pytest.warns(UserWarning, match="Duplicate name"):
        made.writestr("xl/worksheets/sheet1.xml", b"<worksheet/>")
    assert code_of(buffer.getvalue(), "a.xlsx") == "not-a-spreadsheet"


def test_a_zip_bomb_is_refused_before_it_is_unpacked(monkeypatch):
    monkeypatch.setattr(archive, "MAX_UNPACKED", 100_000)
    data = repacked(book(".xlsx", Page(ROWS)), styles=lambda old: old + b" " * 1_000_000)
    assert len(data) < 10_000
    assert code_of(data, "a.xlsx") == "file-too-large-unpacked"
    monkeypatch.setattr(archive, "MAX_PARTS", 3)
    assert code_of(book(".xlsx", Page(ROWS)), "a.xlsx") == "not-a-spreadsheet"


def test_a_table_that_no_memory_holds_is_refused():
    far = repacked(
        book(".xlsx", Page([*ROWS])),
        sheet1=lambda old: old.replace(
            b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
        ),
    )
    assert code_of(far, "a.xlsx") == "sheet-too-large"
    repeated = repacked(
        book(".ods", Page(ROWS)),
        content=lambda old: old.replace(
            b"<table:table-row>", b'<table:table-row table:number-rows-repeated="9000000">', 1
        ),
    )
    assert code_of(repeated, "a.ods") == "sheet-too-large"
    deep = repacked(
        book(".ods", Page([("no",), ("H-1",)])),
        content=lambda old: old.replace(b":table-row>", b':table-row table:number-rows-repeated="1048577">', 1),
    )
    assert code_of(deep, "a.ods") == "sheet-too-large"
    computed = repacked(
        book(".xlsx", Page(changed(D2=Formula("1+1", 2)))),
        sheet1=lambda old: old.replace(b"<f>", b'<f t="array" ref="A1:XFD1048576">'),
    )
    assert code_of(computed, "a.xlsx") == "not-a-spreadsheet"


@pytest.mark.parametrize(
    ("kind", "ending", "old", "new", "code"),
    [
        (".xlsx", "sharedStrings", b'uniqueCount="', b'uniqueCount="9999999999', None),
        (".xlsx", "sharedStrings", b' count="', b' count="9999999999', None),
        (".xlsx", "sheet1", b"<sheetData>", b'<cols><col min="-9999999999" max="9999999999"/></cols><sheetData>', None),
        (".ods", "content", b"<text:p>", b'<text:p><text:s text:c="1500000000"/>', "file-too-large-unpacked"),
        (
            ".ods",
            "content",
            b'<table:table-cell office:value-type="string"><text:p>',
            b'<table:table-cell table:number-columns-repeated="9999" office:value-type="string"><text:p>'
            + b"x" * 99999,
            "column-repeated",
        ),
    ],
)  # fmt: skip
def test_a_length_that_is_only_said_or_repeated_takes_no_memory(kind, ending, old, new, code):
    def change(part):
        assert old in part
        return part.replace(old, new, 1)

    data = repacked(book(kind, Page(ROWS)), **{ending: change})
    tracemalloc.start()
    try:
        if code is None:
            same = read_table(book(kind, Page(ROWS)), name=f"a{kind}")
            assert list(read_table(data, name=f"a{kind}").rows) == list(same.rows)
        else:
            assert code_of(data, f"a{kind}") == code
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_the_number_of_marks_is_limited(monkeypatch):
    monkeypatch.setattr(sheet, "MAX_MARKS", 3)
    data = book(".xlsx", Page(changed(H1=None, H2=Formula("1"), H3=Formula("1"), H4=Formula("1"), G4=Failure())))
    assert code_of(data, "a.xlsx") == "sheet-too-large"


def test_all_cells_that_one_array_formula_fills_are_computed():
    array = repacked(
        book(".xlsx", Page(changed(D2=Formula("1+1", 2)))),
        sheet1=lambda old: old.replace(b"<f>", b'<f t="array" ref="D2:D3">'),
    )
    found = read_registry(array, load_map(MAP), name="a.xlsx")
    assert [(one.cell, one.code) for one in found.problems] == [("D2", "formula-cell"), ("D3", "formula-cell")]
    matrix = repacked(
        book(".ods", Page(changed(D2=Formula("1+1", 2)))),
        content=lambda old: old.replace(b"table:formula=", b'table:number-matrix-rows-spanned="2" table:formula='),
    )
    found = read_registry(matrix, load_map(MAP), name="a.ods")
    assert [(one.cell, one.code) for one in found.problems] == [("D2", "formula-cell"), ("D3", "formula-cell")]


@pytest.mark.parametrize(
    ("ending", "old", "new"),
    [
        ("sheet1", b'r="B3"', b'r="B4"'),  # a cell in a row that is not its own
        ("sheet1", b'r="B3"', b'r="b3"'),
        ("sheet1", b'<row r="3"', b'<row r="x"'),
        ("sheet1", b"<worksheet", b'<!DOCTYPE a [<!ENTITY b "c">]><worksheet'),
        ("sheet1", b"</sheetData>", b""),
        ("workbook", b"<sheets>", b"<sheets><sheet/>"),
        ("workbook", b'r:id="rId1"', b'r:id="rId9"'),
    ],
)
def test_a_workbook_that_no_program_would_write_is_refused(ending, old, new):
    def change(part):
        assert old in part
        return part.replace(b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n', b"").replace(old, new, 1)

    data = repacked(book(".xlsx", Page(ROWS)), **{ending: change})
    assert code_of(data, "a.xlsx") == "not-a-spreadsheet"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'<row r="3" spans="1:8">', b'<row r="3" ht="0" customHeight="1">'),
        (b'<row r="3" spans="1:8">', b'<row r="3" hidden="true">'),
        (b'<row r="3" spans="1:8">', b'<row r="3" ht="0.5">'),
    ],
)
def test_a_row_of_no_height_is_hidden(old, new):
    def change(part):
        assert old in part
        return part.replace(old, new)

    assert code_of(repacked(book(".xlsx", Page(ROWS)), sheet1=change), "a.xlsx") == "rows-hidden"


def test_rows_in_a_folded_group_of_an_opendocument_are_hidden():
    def fold(part):
        head, _, rest = part.partition(b"<table:table-row>")
        first, _, rest = rest.partition(b"</table:table-row>")
        second, _, rest = rest.partition(b"</table:table-row>")
        group = b'<table:table-row-group table:display="false">'
        return b"".join([head, b"<table:table-row>", first, b"</table:table-row>", group, second,
                         b"</table:table-row></table:table-row-group>", rest])  # fmt: skip

    data = repacked(book(".ods", Page(ROWS)), content=fold)
    with pytest.raises(RegistryError) as caught:
        read_table(data, name="a.ods")
    assert (caught.value.code, caught.value.params["found"]) == ("rows-hidden", ["2"])


@every_kind
def test_every_prefix_of_a_file_is_refused_or_read_and_never_a_traceback(kind):
    data = book(kind, Page(ROWS))
    for length in range(0, len(data), max(1, len(data) // 60)):
        with pytest.raises(RegistryError):
            list(read_table(data[:length], name=f"a{kind}").rows)


def test_names_of_cells_are_those_that_a_clerk_sees():
    assert [column_name(at) for at in (0, 25, 26, 51, 52, 701, 702, 16383)] == [
        "A", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "XFD",
    ]  # fmt: skip
    assert (cell_name(16, 1), range_name((1, 1, 4, 2))) == ("B17", "B2:C5")
    assert runs([9, 3, 7, 8]) == ["3", "7-9"]
    assert runs([]) == []
