"""The compiled way from cells to sealed rows makes what the plain way makes, of any text: bytes and complaints."""

import io
import sys
import unicodedata
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from fairdraw.bulk.compiled import quick
from fairdraw.bulk.sealing import key_rows, seal_rows
from fairdraw.encoding import FORBIDDEN
from fairdraw.errors import RegistryError
from fairdraw.registry.cells import WHITE_SPACE, read_text
from fairdraw.registry.layout import lay_out
from fairdraw.registry.mapping import load_map
from fairdraw.registry.tabular import csv_rows, make_table, with_content

QUICK = quick()
SECRET = bytes(range(32))
COLUMNS = ("编号", "地区", "床位", "名称", "代码", "证件", "电话", "备注", "科目")
PLAIN = """
no = "编号"
identity = [["代码"], ["name", "region"], ["beds", "备注"]]
[attrs]
region = "地区"
beds = { column = "床位", type = "integer" }
fields = { column = "科目", type = "strings" }
[private]
name = { column = "名称", required = true }
uscc = { column = "代码", check = "uscc" }
[closed]
id = { column = "证件", check = "id" }
phone = { column = "电话", check = "phone" }
"""
ASSIGNED = """
no = { assign = "F-%06d", by = ["名称", "备注"] }
[attrs]
region = { column = "地区", map = { "甲" = "A", "乙" = "A", "" = "none" }, default = "other" }
[private]
phone = { column = "电话", check = "phone" }
"""
NO_FIELDS = 'no = "编号"\n[attrs]\nregion = { column = "地区", required = true }\n'
LAYOUTS = [lay_out(load_map(text), make_table(COLUMNS, iter(()))) for text in (PLAIN, ASSIGNED, NO_FIELDS)]

pytestmark = pytest.mark.skipif(QUICK is None, reason="the extra [fast] is not installed")


def plainly(chunk, line, layout, number_of):
    rows = with_content(csv_rows(io.StringIO(chunk.decode(), newline=""), line=line))
    return seal_rows(rows, layout, SECRET, number_of=number_of)


def outcome(make):
    try:
        return make()
    except RegistryError as error:
        return error.code, error.params


def check_same(chunk, layout, *, line=2, number_of=None, sealer=None):
    sealer = sealer or QUICK.QuickSealer(layout, SECRET)
    quickly = outcome(lambda: sealer.csv(chunk, line, number_of))
    assert quickly == outcome(lambda: plainly(chunk, line, layout, number_of))
    return quickly


def check_same_keys(chunk, line):
    """The keys of rows that have no numbers yet are the same, too."""
    rows_ = with_content(csv_rows(io.StringIO(chunk.decode(), newline=""), line=line))
    assert QUICK.QuickSealer(LAYOUTS[1], SECRET).csv_keys(chunk, line) == key_rows(rows_, LAYOUTS[1])


def written(rows):
    quoted = (
        '"{}"'.format(cell.replace('"', '""')) if set(cell) & set('",\r\n') else cell for row in rows for cell in row
    )
    width = len(rows[0])
    cells = list(quoted)
    return "".join(",".join(cells[at : at + width]) + "\n" for at in range(0, len(cells), width)).encode()


DIGITS = st.text("0123456789", min_size=1, max_size=20)
SPLIT = st.sampled_from(["", "", "", "-", "_", ".", ":"])


@st.composite
def codes(draw):
    first = draw(st.sampled_from(["91", "N2", "12"])) + draw(
        st.from_regex(r"[0-9]{6}[0-9A-HJ-NPQRTUWXY]{9}", fullmatch=True)
    )
    return first + draw(st.sampled_from([uscc.calc_check_digit(first), "0", "Y", "I"]))


@st.composite
def ids(draw):
    date = draw(st.from_regex(r"(19|20|00)[0-9]{2}(0[0-9]|1[0-3])(0[1-9]|[123][0-9])", fullmatch=True))
    first = (
        draw(st.sampled_from(["370103", "110101", "010101"])) + date + draw(st.from_regex(r"[0-9]{3}", fullmatch=True))
    )
    return first + draw(st.sampled_from([ric.calc_check_digit(first + "0"), "X", "x", "0"]))


PHONES = st.from_regex(
    r"(\+86[ -]?)?(1[0-9]{10}|0[0-9]{1,4}[ -]?[0-9]{6,9}(-[0-9]{1,6})?|400-?[0-9]{3}-?[0-9]{4}|[0-9]{6,9})",
    fullmatch=True,
)


LICENCES = st.from_regex(r"[0-9A-Z]{8}[0-9X][0-9]{6}[0-9A-Z]{7}", fullmatch=True)


@st.composite
def identifiers(draw):
    """Make an identifier with letters before it and separators in it, as somebody would hide one in a number."""
    found = draw(st.one_of(codes(), ids(), PHONES, DIGITS, LICENCES))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(found)))
        found = found[:at] + draw(SPLIT) + found[at:]
    return (
        draw(st.sampled_from(["", "", "H", "hb-", "ABCD", "0", "00"]))
        + found
        + draw(st.sampled_from(["", "", "-1", "X", "7"]))
    )


NUMBERS = st.one_of(
    st.from_regex(r"[A-Z]{1,2}-[0-9]{3,9}", fullmatch=True),
    st.text("0123456789-_.:AXax", min_size=1, max_size=42),
    identifiers(),
    st.text(max_size=12),
)
SCRIPTS = st.one_of(
    st.text("第一医院济南市解放路号楼（）·、〇㐀𠀀Ａ１－Ⅲ①“”—…℃㎡ab1 -", max_size=12),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(
        [
            "e\u0301",
            "\u1100\u1161",
            "豈",
            " 甲",
            "甲\u3000",
            "a\tb",
            "甲\u200b",
            "9.11E+17",
            "+1",
            '"',
            "\\",
            "a\nb",
            "\x00",
        ]
    ),
)
FIRST = st.sampled_from(
    ["合计", "合 计：", "TOTAL", "t o t a l:", "总部", "共和街", "Tower", "小计", "累计", "\u3000合计", "total1"]
)
REGIONS = st.sampled_from(["甲", "乙", "丙", "", " 甲", "x" * 40, '"', "b\u200b"])
BEDS = st.sampled_from(["1", "1", "20", "", "-3", "many", "9007199254740993", "1.0"])
SUBJECTS = st.sampled_from(["", "内科", "内科、外科", "外科、内科", "、"])


@st.composite
def rows(draw):
    no = draw(NUMBERS)
    within = no[draw(st.integers(0, 4)) : draw(st.integers(4, 42))]
    telling = st.sampled_from([within, within.swapcase(), within[:2] + " " + within[2:], within[:3] + "-" + within[3:]])
    text = st.one_of(SCRIPTS, SCRIPTS, telling)
    row = [
        draw(st.one_of(st.just(no), st.just(no), st.just(no), FIRST)),
        draw(REGIONS),
        draw(BEDS),
        draw(text),
        draw(st.one_of(codes(), st.just(""), telling, SCRIPTS)),
        draw(st.one_of(ids(), st.just(""), SCRIPTS)),
        draw(st.one_of(PHONES, st.just(""), SCRIPTS, telling)),
        draw(st.one_of(SCRIPTS, FIRST)),
        draw(SUBJECTS),
    ]
    if draw(st.integers(0, 9)) == 0:
        row = ["" if draw(st.booleans()) else cell for cell in row]
    return row


@settings(deadline=None)
@given(st.lists(rows(), min_size=1, max_size=8), st.sampled_from(range(len(LAYOUTS))), st.integers(2, 10**9))
def test_rows_of_every_kind_become_the_same_batch(found, which, line):
    layout = LAYOUTS[which]
    check_same_keys(written(found), line)
    number_of = None if layout.number is not None else lambda at: None if at % 5 == 0 else f"F-{at % 7:06d}-{at}"
    check_same(written(found), layout, line=line, number_of=number_of)


@settings(deadline=None)
@given(st.lists(st.lists(rows(), max_size=4), min_size=1, max_size=4))
def test_what_is_remembered_from_chunk_to_chunk_changes_nothing(chunks):
    from fairdraw.bulk import attributes

    sealer = QUICK.QuickSealer(LAYOUTS[0], SECRET)
    before = attributes.MOST_KNOWN
    attributes.MOST_KNOWN = 3
    try:
        for chunk in chunks:
            check_same(written(chunk) if chunk else b"", LAYOUTS[0], sealer=sealer)
    finally:
        attributes.MOST_KNOWN = before


NARROW = lay_out(
    load_map('no = "编号"\n[attrs]\nregion = "地区"\n[private]\nname = "名称"\n'),
    make_table(("编号", "地区", "名称"), iter(())),
)


@settings(deadline=None)
@given(st.text('"",,\r\n\n0aA 甲é合计:', max_size=60), st.integers(1, 9))
@example('a,"b\r\nc",d\r"e\r",f,g\r\n\nh,"""",i', 1)
@example('a,b,c\n"d', 1)
@example('a,b,c\nd,"e"f,g\n', 3)
@example('a,b"c,d\n', 3)
@example("a,b,c,,\nd,e,f,,g\nh,i", 3)
@example("\ufeffa,b,c\n", 1)
def test_any_text_is_split_like_csv_reader_splits_it(text, line):
    check_same(text.encode(), NARROW, line=line)


@settings(deadline=None, max_examples=400)
@given(NUMBERS, st.sampled_from(["济南", "A"]))
@example("PDY00123X37010519D1202-1", "A")
@example("1-PDY00123X37010519D1202", "A")
@example("91370100MA3C5AAK6P-1", "A")
@example("abc91370100MA3C5AAK6.P", "A")
@example("110105194912310.02x", "A")
@example("A0531-8888888", "A")
@example("A010.88888888", "A")
@example("A0311-88888888", "A")
@example("A-0999_2222222", "A")
@example("A021-8888888", "A")
@example("138-0013:8000", "A")
@example("1380013.8000x", "A")
@example("0010888888889", "A")
@example("110105-19491231-002X", "A")
@example("abc.110105.19491231.002x", "A")
@example("abc.91-370100-MA3C5AAK6P", "A")
def test_a_number_that_is_sure_is_one_that_the_plain_readers_take(no, name):
    check_same(written([[no, "r", name]]), NARROW)


@settings(deadline=None, max_examples=300)
@given(st.one_of(identifiers(), NUMBERS), st.data())
def test_a_private_value_in_a_number_is_seen(no, data):
    start = data.draw(st.integers(0, max(len(no) - 1, 0)))
    value = no[start : data.draw(st.integers(start, len(no)))]
    value = data.draw(
        st.sampled_from(
            [value, value.upper(), value.lower(), "-".join(value), " ".join(value), value + "甲", value + "-"]
        )
    )
    check_same(written([[no, "r", value]]), NARROW)


NO_YEAR = "370103" + "0000" + "0101" + "001"
CELLS = {"name": 3, "uscc": 4, "id": 5, "phone": 6}


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(sorted(CELLS)), st.one_of(codes(), ids(), PHONES, SCRIPTS))
@example("name", "甲 ")
@example("name", "a ")
@example("name", " a")
@example("id", NO_YEAR + ric.calc_check_digit(NO_YEAR + "0"))
@example("phone", "0531-08888888")
@example("phone", "0531-888888")
@example("phone", "0531-888888888")
@example("phone", "003-88888888")
@example("phone", "0031-8888888")
@example("phone", "05311-8888888")
@example("phone", "053-8888888a")
def test_a_cell_that_is_sure_is_one_that_the_plain_readers_take_as_it_is(field, cell):
    row = ["H-1", "甲", "", "医院", "", "", "", "", ""]
    row[CELLS[field]] = cell
    check_same(written([row]), LAYOUTS[0])


GOOD = [
    [
        "H-000001",
        "甲",
        "20",
        "济南市第一医院（东院）",
        "91370100MA3C5AAK6P",
        "11010519491231002X",
        "13800138000",
        "",
        "内科",
    ],
    ["H-000000", "乙", "", "St. Mary's Hospital, Jinan", "", "", "0531-88888888", "·", ""],
    ["3701-2024-00001", "甲", "-1", "Ⅲ病区㐀𠀀", "", "", "", "注", "外科、内科"],
    ["a" * 40, "x" * 99, "7", "1" * 39, "", "", "", "2", ""],
]


def test_good_rows_never_take_the_plain_path(monkeypatch):
    code = uscc.calc_check_digit("91370100MA3C5AAK6")
    rows_ = [[cell.replace("91370100MA3C5AAK6P", f"91370100MA3C5AAK6{code}") for cell in row] for row in GOOD]
    expected = plainly(written(rows_), 2, LAYOUTS[0], None)
    assert expected.problems == ()
    monkeypatch.setattr(QUICK, "seal_rows", None)
    assert QUICK.QuickSealer(LAYOUTS[0], SECRET).csv(written(rows_), 2) == expected


TWINS = {
    "a number of ten digits": ({0: "H-1234567890"}, "number-is-certificate"),
    "a number with a mobile number in it": ({0: "H-138-0013-8000"}, "number-is-telephone"),
    "a number with a landline in it": ({0: "H-0531-88888888"}, "number-is-telephone"),
    "a number that is an id number in parts": ({0: "AB-110105-19491231-002X"}, "number-is-id"),
    "a number that is a USCC": ({0: "91370100MA3C5AAK6P"}, "number-is-uscc"),
    "a number that is a licence": ({0: "A1234567X123456B765432C"[:22]}, "number-is-certificate"),
    "a number that tells the name": ({0: "H-Mary-1", 3: "MARY"}, "number-is-private-field"),
    "a number with a space": ({0: "H 1"}, "number-malformed"),
    "no number": ({0: ""}, "number-missing"),
    "a number of 41 characters": ({0: "a" * 41}, "number-malformed"),
    "an attribute that is no integer": ({2: "1.0"}, "wrong-type"),
    "an integer beyond 2^53": ({2: "9007199254740993"}, "integer-too-large"),
    "an attribute with a zero-width character": ({1: "甲\u200b"}, "forbidden-character"),
    "no name": ({3: ""}, "required"),
    "a name with a bidi control": ({3: "甲\u202e"}, "forbidden-character"),
    "a name with a tab": ({3: "a\tb"}, "forbidden-character"),
    "a name that is a number of a spreadsheet": ({3: "9.11E+17"}, "scientific-notation"),
    "a USCC with another check character": ({4: "91370100MA3C5AAK60"}, "check-digit"),
    "a USCC in small letters": ({4: "91370100ma3c5aak6p"}, "malformed"),
    "an id number with another check character": ({5: "110105194912310021"}, "check-digit"),
    "an id number of a day that no year has": ({5: "11010519490230002X"}, "malformed"),
    "a mobile number of twelve digits": ({6: "138001380000"}, "malformed"),
    "a mobile number that begins with 12": ({6: "12800138000"}, "malformed"),
    "a total": ({0: "合计"}, "total-row"),
}


@pytest.mark.parametrize("twin", TWINS)
def test_the_mangled_twin_of_a_good_row_is_refused(twin):
    changed, code = TWINS[twin]
    good = ["H-000001", "甲", "20", "Mary Hospital", "", "11010519491231002X", "13800138000", "", "内科"]
    assert check_same(written([good]), LAYOUTS[0]).problems == ()
    mangled = [changed.get(at, cell) for at, cell in enumerate(good)]
    assert [problem.code for problem in check_same(written([good, mangled]), LAYOUTS[0]).problems] == [code]


def test_a_row_with_a_cell_too_many_or_too_few_is_refused():
    chunk = "H-1,r,甲\nH-2,r\nH-3,r,乙,x\nH-4,r,丙,\n".encode()
    batch = check_same(chunk, NARROW)
    assert [(problem.line, problem.code) for problem in batch.problems] == [(3, "cell-count"), (4, "cell-count")]
    assert list(batch.numbers) == [b"H-1", b"H-4"]


def test_the_compiled_rows_are_joined_with_the_others_in_order():
    rows_ = [
        ["H-3", "r", "甲"],
        ["H-1", "r", 'a "b"'],
        ["h-1", "r", "乙"],
        ["H-2", "r", "\u200b"],
        ["H-1", "r", "丙"],
        ["H-0", "r", "é"],
    ]
    batch = check_same(written(rows_), NARROW)
    assert list(batch.numbers) == [b"H-0", b"H-1", b"H-1", b"H-3", b"h-1"]
    assert list(batch.at) == [7, 3, 6, 2, 4]
    assert [problem.line for problem in batch.problems] == [5]
    assert batch.groups == Counter({b'{"region":"r"}': 5})


def test_good_rows_never_take_the_plain_path_to_their_keys(monkeypatch):
    chunk = written([["x", "甲", "", "济南", "", "", "13800138000", "a", ""], ["", "乙", "", "", "", "", "", "b", ""]])
    expected = key_rows(list(csv_rows(io.StringIO(chunk.decode(), newline=""), line=2)), LAYOUTS[1])
    assert list(expected.given) == ['["济南","a"]'.encode(), b'["","b"]']
    monkeypatch.setattr(QUICK, "key_rows", None)
    assert QUICK.QuickSealer(LAYOUTS[1], SECRET).csv_keys(chunk, 2) == expected


def test_private_lines_that_are_not_kept_are_not_made():
    chunk = written([["H-1", "r", "甲"], ["H-2", "r", "é"]])
    rows_ = list(csv_rows(io.StringIO(chunk.decode(), newline=""), line=2))
    batch = QUICK.QuickSealer(NARROW, SECRET, keep_private=False).csv(chunk, 2)
    assert batch == seal_rows(rows_, NARROW, SECRET, keep_private=False)
    assert batch.private is None


def test_a_cell_that_csv_reader_refuses_for_its_length_is_refused():
    for length in (131_072, 131_073):
        check_same(written([["H-1", "r", "a" * length]]), NARROW)


def test_no_accepted_character_is_changed_or_refused_by_the_plain_reader():
    from fairdraw.kernels.cells import QUIET

    quiet = {chr(code) for first, last in QUIET for code in range(first, last + 1)}
    assert not quiet & set(WHITE_SPACE)
    assert not any(FORBIDDEN.match(character) for character in quiet)
    assert all(read_text(character) == character for character in quiet)
    # Nor by its neighbours: none of them is reordered, or is the second half of what NFC composes.
    assert not any(map(unicodedata.combining, quiet))
    halves = {unicodedata.normalize("NFD", chr(code))[1:] for code in range(0xA0, sys.maxunicode + 1)}
    ascii_ = {chr(code) for code in range(0x20, 0x7F)}
    assert not (quiet | ascii_) & {character for half in halves for character in half}


def check_same_of_arrow(batch, layout, number_of=None):
    from fairdraw.registry.parquet import cells_of

    rows_ = with_content(enumerate(cells_of(batch), 2))
    expected = seal_rows(rows_, layout, SECRET, number_of=number_of)
    found = QUICK.QuickSealer(layout, SECRET).arrow(batch, 2, number_of)
    assert found == expected
    return found


@settings(deadline=None)
@given(st.lists(rows(), min_size=1, max_size=8), st.data())
def test_rows_of_arrow_become_the_same_batch(found, data):
    from fairdraw.registry.parquet import cells_of

    pa = pytest.importorskip("pyarrow")
    columns = []
    for column in zip(*found, strict=True):
        cells = [None if cell == "" and data.draw(st.booleans()) else cell for cell in column]
        columns.append(pa.array(cells, data.draw(st.sampled_from([pa.string(), pa.string(), pa.large_string()]))))
    at = data.draw(st.integers(0, 8))
    kind = data.draw(
        st.sampled_from([None, pa.int64(), pa.int64(), pa.null(), pa.bool_(), pa.list_(pa.int8()), pa.binary()])
    )
    if kind is not None:
        integers = st.sampled_from([7, -3, 0, 10**15 - 1, 13800138000, 10**15, -(10**15), 2**53])
        values = {
            pa.int64(): integers,
            pa.bool_(): st.booleans(),
            pa.binary(): st.just(b""),
            pa.list_(pa.int8()): st.just([]),
        }
        cells = [data.draw(st.none() | values.get(kind, st.none())) for _ in found]
        columns[at] = pa.array(cells, kind)
    batch = pa.record_batch(columns, names=list(COLUMNS))
    start = data.draw(st.integers(0, len(found)))
    plain = with_content(enumerate(cells_of(batch.slice(start)), 2))
    assert QUICK.QuickSealer(LAYOUTS[1], SECRET).arrow_keys(batch.slice(start), 2) == key_rows(plain, LAYOUTS[1])
    for layout in LAYOUTS:
        number_of = None if layout.number is not None else lambda line: f"F-{line % 7:06d}-{line}"
        check_same_of_arrow(batch.slice(start), layout, number_of)


def test_texts_of_arrow_that_are_no_utf_8_are_left_to_the_plain_path():
    pa = pytest.importorskip("pyarrow")
    data = [b"H-1\xff", b"H-2"]
    texts = pa.Array.from_buffers(pa.string(), 2, pa.array(data, pa.binary()).buffers())
    batch = pa.record_batch([texts, pa.array(["r", "r"]), pa.array(["a", "b"])], names=["编号", "地区", "名称"])
    found = check_same_of_arrow(batch, NARROW)
    assert [problem.line for problem in found.problems] == [2]
    swapped = pa.record_batch([pa.array(["H-1", "H-2"]), pa.array(["r", "r"]), texts], names=["编号", "地区", "名称"])
    check_same_of_arrow(swapped, NARROW)


def test_integers_of_arrow_are_read_as_the_plain_path_reads_them(monkeypatch):
    pa = pytest.importorskip("pyarrow")
    texts = [pa.array([f"H-{at}", "H-x"]) if at == 0 else pa.array(["", ""]) for at in range(9)]
    texts[2], texts[3], texts[6] = pa.array([20, None]), pa.array([7, 8], pa.int8()), pa.array([13800138000, None])
    batch = pa.record_batch(texts, names=list(COLUMNS))
    expected = check_same_of_arrow(batch, LAYOUTS[0])
    assert expected.private[0] == b'{"no":"H-0","private":["7","","","13800138000"]}\n'
    monkeypatch.setattr(QUICK, "seal_rows", None)
    assert QUICK.QuickSealer(LAYOUTS[0], SECRET).arrow(batch, 2) == expected


def test_good_rows_of_arrow_never_take_the_plain_path(monkeypatch):
    pa = pytest.importorskip("pyarrow")
    batch = pa.record_batch(
        [pa.array(["H-2", "H-1"]), pa.array(["r", None]), pa.array(["甲", "b"])], names=["a", "b", "c"]
    )
    expected = check_same_of_arrow(batch, NARROW)
    monkeypatch.setattr(QUICK, "seal_rows", None)
    assert QUICK.QuickSealer(NARROW, SECRET).arrow(batch, 2) == expected
