"""What one cell of a workbook holds, by the standards and not by what one program happens to write."""

import datetime
import io

import openpyxl
import pytest

from fairdraw.errors import RegistryError
from fairdraw.registry import read_registry
from fairdraw.registry.tabular import read_table
from fairdraw.registry.workbook.ooxml import format_of
from fairdraw.registry.workbook.sheet import moment
from support.sheets import Page, book, repacked

ROWS = [("no", "private.name", "private.day"), ("H-1", "x", datetime.date(2020, 2, 3))]
HALF_PAST_EIGHT = datetime.datetime.fromisoformat("2026-03-01T08:30:00")


def code_of(data, name):
    with pytest.raises(RegistryError) as caught:
        list(read_table(data, name=name).rows)
    return caught.value.code


def lines_of(kind, ending, old, new, rows=ROWS):
    """Return the rows of a file in which a part was changed."""

    def change(part):
        assert old in part
        return part.replace(old, new, 1)

    return [
        list(cells) for _, cells in read_table(repacked(book(kind, Page(rows)), {ending: change}), name=f"a{kind}").rows
    ]


WORKSHEET_END = b"</sheetData>"


def added(*cells):
    """Return a row of cells, in the XML of a worksheet, before its end."""
    return b'<row r="9">' + b"".join(cells) + b"</row></sheetData>"


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (b'<c r="A9" t="str"><v>a&amp;<![CDATA[<b>]]>c<!-- no text --></v></c>', "a&<b>c"),
        (b'<c r="A9" t="inlineStr"><is><t>a</t><rPh sb="0" eb="1"><t>yi</t></rPh></is></c>', "a"),
        (b'<c r="A9" t="inlineStr"><is><r><rPr><b/></rPr><t>a</t></r><r><t> b</t></r></is></c>', "a b"),
        (b'<c r="A9" t="inlineStr"><is><t>_x005F_x0041_</t></is></c>', "_x0041_"),
        (b'<c r="A9" t="inlineStr"><is><t>_x0041__xD800_</t></is></c>', "A_xD800_"),
        (b'<c r="A9"><v>1&#50;</v></c>', 12.0),
        (b'<c r="A9" t="n"><v> 1.5E+2 </v></c>', 150.0),
        (b'<c r="A9" t="b"><v>1</v></c>', True),
        (b'<c r="A9" t="d"><v>2026-03-01T00:00:00</v></c>', datetime.date(2026, 3, 1)),
        (b'<c r="A9" t="d"><v>2026-03-01T08:30:00</v></c>', HALF_PAST_EIGHT),
        (b'<c r="A9" t="inlineStr"><is><t>a</t></is><extLst><ext uri="x"/></extLst></c>', "a"),
    ],
)  # fmt: skip
def test_a_cell_is_read_as_the_standard_says(cell, value):
    assert lines_of(".xlsx", "sheet1", WORKSHEET_END, added(cell))[-1][0] == value


@pytest.mark.parametrize(
    "cell",
    [
        b'<c r="A9"><v>1_000</v></c>',
        b'<c r="A9"><v>nan</v></c>',
        b'<c r="A9"><v>0x1F</v></c>',
        b'<c r="A9" t="s"><v>99999</v></c>',
        b'<c r="A9" t="z"><v>1</v></c>',
        b'<c r="A9" t="d"><v>tomorrow</v></c>',
        b'<c r="A9"><v>1<b/></v></c>',
        b'<c r="A9"><w>1</w></c>',
    ],
)
def test_a_cell_that_the_standard_does_not_know_is_refused(cell):
    data = repacked(book(".xlsx", Page(ROWS)), {"sheet1": lambda old: old.replace(WORKSHEET_END, added(cell))})
    assert code_of(data, "a.xlsx") == "not-a-spreadsheet"


def test_a_drop_down_that_takes_its_words_from_another_sheet_computes_no_cell():
    """Excel writes `<xm:f>` for it, far from the cells: once, the last cell of the sheet was taken for a formula."""
    made = openpyxl.Workbook()
    made.active.append(["no", "private.name"])
    made.active.append(["H-1", "x"])
    buffer = io.BytesIO()
    made.save(buffer)
    words = (
        b'<extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}"><x14:dataValidations xmlns:x14="urn:x14">'
        b'<x14:dataValidation><x14:formula1><xm:f xmlns:xm="urn:xm">Sheet2!$A$1:$A$9</xm:f></x14:formula1>'
        b"</x14:dataValidation></x14:dataValidations></ext></extLst></worksheet>"
    )
    data = repacked(buffer.getvalue(), {"sheet1": lambda old: old.replace(b"</worksheet>", words)})
    assert read_registry(data, None, name="a.xlsx").problems == ()


@pytest.mark.parametrize(
    ("code", "form"),
    [
        ("General", "number"), ("0.00E+00", "number"), ("@", "number"), ('0"天"', "number"), ('#,##0\\d', "number"),
        ("0_d", "number"), ("[Red]0", "number"), ("[$-804]0", "number"), ('0;"d"', "number"),
        ("yyyy-mm-dd", "date"), ('yyyy"年"m"月"d"日"', "date"), ("[$-804]yyyy/m/d;@", "date"), ("h:mm", "date"),
        ("[DBNum1]m月", "date"), ("[h]:mm:ss", "duration"), ("[mm]:ss", "duration"),
    ],
)  # fmt: skip
def test_a_format_says_whether_a_number_is_a_day(code, form):
    assert format_of(code) == form


@pytest.mark.parametrize(
    ("serial", "since_1904", "told"),
    [
        (1, False, datetime.date(1900, 1, 1)),
        (59, False, datetime.date(1900, 2, 28)),
        (61, False, datetime.date(1900, 3, 1)),
        (46082, False, datetime.date(2026, 3, 1)),
        (44620, True, datetime.date(2026, 3, 1)),
        (46082.354166666664, False, HALF_PAST_EIGHT),
        (0.5, False, datetime.time(12)),
        (-1, False, -1),
        (9e12, False, 9e12),
    ],
)
def test_a_day_has_the_number_that_excel_gives_it(serial, since_1904, told):
    assert moment(serial, since_1904=since_1904) == told


def test_days_count_from_1904_where_the_workbook_says_so():
    later = lines_of(".xlsx", "workbook", b"<workbookPr", b'<workbookPr date1904="1"')
    assert later[0][2] == datetime.date(2024, 2, 4)


CALC = b'<table:table-cell office:value-type="string"><text:p>x</text:p>'  # of ROWS


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (b'<table:table-cell><text:p>a<text:a>b<text:s text:c="2"/>c</text:a></text:p><text:p>d</text:p>', "ab  c\nd"),
        (b'<table:table-cell><text:p>a<text:tab/>b<text:line-break/>c \n d</text:p>', "a\tb\nc d"),
        (b'<table:table-cell><office:annotation><text:p>no</text:p></office:annotation><text:p>a</text:p>', "a"),
        (b"<table:table-cell><text:p><text:ruby>a<text:ruby-text>yi</text:ruby-text></text:ruby></text:p>", "a"),
        (b'<table:table-cell office:value-type="time" office:time-value="PT08H30M00S"><text:p>8</text:p>',
         datetime.time(8, 30)),
        (b'<table:table-cell office:value-type="time" office:time-value="PT36H30M00S"><text:p>8</text:p>',
         datetime.timedelta(hours=36)),
        (b'<table:table-cell office:value-type="date" office:date-value="2026-03-01T08:30:00"><text:p>8</text:p>',
         HALF_PAST_EIGHT),
        (b'<table:table-cell office:value-type="percentage" office:value="0.5"><text:p>50 %</text:p>', 0.5),
    ],
)  # fmt: skip
def test_a_cell_of_an_opendocument_is_read_as_the_standard_says(cell, value):
    assert lines_of(".ods", "content", CALC, cell)[0][1] == value


@pytest.mark.parametrize(
    "cell",
    [
        b'<table:table-cell office:value-type="float" office:value="inf"><text:p>x</text:p>',
        b'<table:table-cell office:value-type="time" office:time-value="8:30"><text:p>x</text:p>',
        b'<table:table-cell office:value-type="time" office:time-value="PT08H99M00S"><text:p>x</text:p>',
    ],
)
def test_a_cell_that_no_opendocument_has_is_refused(cell):
    data = repacked(book(".ods", Page(ROWS)), {"content": lambda old: old.replace(CALC, cell)})
    assert code_of(data, "a.ods") == "not-a-spreadsheet"


@pytest.mark.parametrize(("kind", "size"), [("row", b"row-height"), ("column", b"column-width")])
def test_rows_and_columns_of_no_size_in_an_opendocument_are_hidden(kind, size):
    style = (
        b'<office:automatic-styles><style:style style:name="gone" style:family="table-%b">'
        b'<style:table-%b-properties style:%b="0.000cm"/></style:style></office:automatic-styles>'
        % (kind.encode(), kind.encode(), size)
    )

    def change(part):
        named = part.replace(b"<office:automatic-styles/>", style, 1)
        element = b"<table:table-%b" % kind.encode()
        assert element in named
        return named.replace(element, element + b' table:style-name="gone"', 1)

    assert code_of(repacked(book(".ods", Page(ROWS)), {"content": change}), "a.ods") == f"{kind}s-hidden"
