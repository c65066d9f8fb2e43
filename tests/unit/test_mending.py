"""Refused rows come back mended, in exactly the places from which they were taken."""

import pytest

from fairdraw.errors import RegistryError
from fairdraw.registry import REMARKS, as_they_came, binding, load_map, read_registry
from support.sheets import KINDS, Page, book

MAP = load_map('no = "编号"\nidentity = ["name"]\n[attrs]\nbeds = { column = "床位", type = "integer" }\n'
               '[private]\nname = { column = "名称", required = true }')  # fmt: skip
HEADER = ("编号", "床位", "名称", "备注")
ROWS = [
    HEADER,
    ("H-1", "10", "一院", ""),
    ("H-2", "x", "二院", "=1+1"),
    ("H-3", "30", "", ""),
    ("H-4", "40", "四院", ""),
]
REFUSED = (3, 4)


def csv_of(rows):
    return "".join(",".join(row) + "\n" for row in rows).encode()


DATA = csv_of(ROWS)


def sheet(*rows, original=DATA, header=HEADER, head="※行号"):
    """Return a mended sheet: rows as (line, cells)."""
    titles = [head + binding(original), *[f"※{n}" for n in range(REMARKS - 1)], *header]
    return [titles, *([str(line), *[""] * (REMARKS - 1), *cells] for line, cells in rows)]


GOOD = ((3, ("H-2", "20", "二院", "")), (4, ("H-3", "30", "三院", "")))


def read(rows, kind=".csv", data=DATA, name="名录.csv"):
    made = csv_of(rows) if kind == ".csv" else book(kind, Page(rows))
    return read_registry(data, MAP, name=name, mended=(f"退回{kind}", made))


def code_of(rows, **kwargs):
    with pytest.raises(RegistryError) as caught:
        read(rows, **kwargs)
    return caught.value.code


def test_the_rows_that_are_refused_are_those_of_this_file():
    assert read_registry(DATA, MAP, name="名录.csv").left_out == REFUSED
    columns, rows = as_they_came(DATA, MAP, name="名录.csv", lines=REFUSED)
    assert columns == HEADER
    assert rows == [(3, ("H-2", "x", "二院", "=1+1")), (4, ("H-3", "30", "", ""))]


@pytest.mark.parametrize("kind", [".csv", *KINDS])
def test_mended_rows_take_their_places_in_every_format(kind):
    found = read(sheet(*GOOD), kind)
    assert found.problems == ()
    assert [(row.no, row.attrs["beds"], row.private[0]) for row in found.registry.rows] == [
        ("H-1", 10, "一院"), ("H-2", 20, "二院"), ("H-3", 30, "三院"), ("H-4", 40, "四院"),
    ]  # fmt: skip
    whole = csv_of([HEADER, ROWS[1], *(row for _, row in GOOD), ROWS[4]])
    assert found.registry == read_registry(whole, MAP, name="a.csv").registry


def test_the_order_of_the_mended_rows_does_not_matter():
    assert read(sheet(*reversed(GOOD))).registry == read(sheet(*GOOD)).registry


@pytest.mark.parametrize("kind", [".csv", *KINDS])
def test_a_row_that_is_still_bad_is_named_in_the_mended_file(kind):
    found = read(sheet(GOOD[0], (4, ("H-3", "many", "三院", ""))), kind)
    assert [(one.line, one.field, one.code) for one in found.problems] == [(4, "beds", "wrong-type")]
    assert found.problems[0].cell == ("退回.csv!" if kind == ".csv" else f"退回{kind}!H3")
    assert found.left_out == (4,)


def test_a_mended_row_that_repeats_another_is_refused_as_any():
    found = read(sheet(GOOD[0], (4, ("H-3", "30", "一院", ""))))
    assert [(one.line, one.code, one.found) for one in found.problems] == [(4, "row-repeated", "line 2")]


def test_columns_without_a_name_at_the_end_may_come_and_go():
    data = csv_of([(*HEADER, ""), *((*row, "") for row in ROWS[1:])])
    rows = sheet(*GOOD, original=data)
    for kind in (".xlsx", ".ods"):
        assert read(rows, kind, data=data).problems == ()
    longer = [[*row, ""] for row in sheet(*GOOD)]
    assert read(longer).problems == ()


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (sheet(GOOD[0]), "mended-lines"),
        (sheet(*GOOD, (5, ("H-5", "50", "五院", ""))), "mended-lines"),
        (sheet(*GOOD, (99, ("H-5", "50", "五院", ""))), "mended-lines"),
        (sheet(GOOD[0], (5, ("H-4", "40", "他院", ""))), "mended-lines"),
        (sheet(*GOOD, GOOD[0]), "mended-line"),
        (sheet(GOOD[0], ("", GOOD[1][1])), "mended-line"),
        (sheet(GOOD[0], ("four", GOOD[1][1])), "mended-line"),
        (sheet(GOOD[0], ("0", GOOD[1][1])), "mended-line"),
        (sheet(GOOD[0], (4, ("", " ", "\u3000", ""))), "mended-empty"),
        (sheet(*GOOD, original=DATA + b"\n"), "mended-of-another"),
        (sheet(*GOOD, header=("编号", "名称", "床位", "备注")), "mended-malformed"),
        (sheet(*GOOD, header=("编号", "床位", "名称")), "mended-malformed"),
        (sheet(*GOOD, header=(*HEADER, "更多")), "mended-malformed"),
        (sheet(*GOOD, head="行号"), "mended-malformed"),
        (ROWS, "mended-malformed"),
        ([], "header-missing"),
    ],
)
def test_a_sheet_that_is_not_the_refused_rows_is_refused(rows, code):
    assert code_of(rows) == code


def test_what_hides_in_a_mended_sheet_is_refused_too():
    made = book(".xlsx", Page(sheet(*GOOD), hidden_rows={2}))
    with pytest.raises(RegistryError, match="rows-hidden"):
        read_registry(DATA, MAP, name="a.csv", mended=("b.xlsx", made))


def test_a_file_without_refused_rows_takes_none_back():
    data = csv_of([HEADER, ROWS[1]])
    assert code_of(sheet((2, ROWS[1]), original=data), data=data) == "mended-lines"
    assert read(sheet(original=data), data=data).problems == ()
