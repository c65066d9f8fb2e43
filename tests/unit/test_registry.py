import datetime
import io

import pytest
import xlsxwriter

from fairdraw.errors import RegistryError
from fairdraw.registry import Problem, left_out_list, load_map, read_pairs, read_registry

USCC = "91110000600037341L"  # printed in python-stdnum's documentation
ID = "11010519491231002X"  # printed in GB 11643-1999

MAP = """
no = "编号"
identity = ["name", "address"]

[attrs]
region = "地区"
level = { column = "等级", map = { "二级甲等" = "2A", "二甲" = "2A", "三甲" = "3A" } }
beds = { column = "床位", type = "integer" }
active = { column = "营业", type = "boolean" }
special = { column = "专科", type = "strings" }

[private]
name = { column = "名称", required = true }
uscc = { column = "信用代码", check = "uscc" }
address = "地址"

[closed]
phone = { column = "电话", check = "phone" }
legal = { column = "法人证件", check = "id" }
"""
HEADER = ["编号", "地区", "等级", "床位", "营业", "专科", "名称", "信用代码", "地址", "电话", "法人证件"]
GOOD = {
    "编号": "H-001",
    "地区": "330106",
    "等级": "二级甲等",
    "床位": "120",
    "营业": "是",
    "专科": "骨科、儿科、骨科",
    "名称": "第一医院",
    "信用代码": USCC,
    "地址": "文一路1号",
    "电话": "0571-87654321",
    "法人证件": ID,
}


def csv_of(*rows, header=HEADER):
    return "".join(",".join(line) + "\n" for line in [header, *rows]).encode()


def row(**changes):
    return list((GOOD | changes).values())


def reading(*rows, text=MAP):
    return read_registry(csv_of(*rows), load_map(text), name="名录.csv")


def sheet_of(*rows, header=HEADER, above=0, form="yyyy-mm-dd"):
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "default_date_format": form})
    sheet = book.add_worksheet("名录")
    for number, cells in enumerate([header, *rows], start=above):
        for column, cell in enumerate(cells):
            if isinstance(cell, str) and cell.startswith("="):
                sheet.write_formula(number, column, cell, None, "")
            else:
                (sheet.write_string if isinstance(cell, str) else sheet.write)(number, column, cell)
    book.close()
    return buffer.getvalue()


def problem(changed, text=MAP):
    """Return the one problem of a registry whose second row has these changes, and check that only it is left out."""
    other = row(编号="H-900", 名称="另一家", 信用代码="", 法人证件="")
    found = reading(other, row(**changed), text=text)
    assert [row.no for row in found.registry.rows] == ["H-900"]
    assert found.left_out == (3,)
    (only,) = found.problems
    assert only.line == 3
    return only


def refused(call, *args, **kwargs):
    with pytest.raises(RegistryError) as caught:
        call(*args, **kwargs)
    return caught.value


def test_a_good_row_is_read_as_the_map_says():
    found = reading(row())
    assert found.problems == ()
    assert found.left_out == ()
    assert found.numbers is None
    assert found.registry.attrs == (
        ("active", "boolean"),
        ("beds", "integer"),
        ("level", "string"),
        ("region", "string"),
        ("special", "strings"),
    )
    assert found.registry.private == (
        ("name", True),
        ("uscc", True),
        ("address", True),
        ("phone", False),
        ("legal", False),
    )
    (only,) = found.registry.rows
    assert only.no == "H-001"
    assert only.attrs == {
        "active": True,
        "beds": 120,
        "level": "2A",
        "region": "330106",
        "special": ("儿科", "骨科"),
    }
    assert only.private == ("第一医院", USCC, "文一路1号", "0571-87654321", ID)


def test_missing_attributes_are_null_and_missing_private_values_are_empty():
    found = reading(row(地区="", 等级=" ", 床位="", 营业="", 专科="\u3000", 信用代码="", 电话="", 法人证件=""))
    (only,) = found.registry.rows
    assert set(only.attrs.values()) == {None}
    assert only.private == ("第一医院", "", "文一路1号", "", "")


def test_rows_are_sorted_by_number_bytewise():
    names = ["b", "B", "a-1", "a.1", "10", "9"]
    found = reading(*[row(编号=no, 名称=no * 2) for no in names if no != "B"])
    assert [only.no for only in found.registry.rows] == ["10", "9", "a-1", "a.1", "b"]


def test_text_is_put_into_nfc_and_never_into_nfkc():
    found = reading(row(名称="e\u0301cole（ＡＢ）", 地址="\u3000\xa0文一路 1号\u2003"))
    assert found.registry.rows[0].private[0] == "\xe9cole（ＡＢ）"
    assert found.registry.rows[0].private[2] == "文一路 1号"


@pytest.mark.parametrize(
    ("changes", "field", "expected", "code"),
    [
        ({"等级": "特级"}, "level", "map", "unknown-value"),
        ({"床位": "许多"}, "beds", "integer", "wrong-type"),
        ({"床位": "1.5"}, "beds", "integer", "wrong-type"),
        ({"床位": str(2**53)}, "beds", "integer", "integer-too-large"),
        ({"床位": f"-{2**53}"}, "beds", "integer", "integer-too-large"),
        ({"营业": "大概"}, "active", "boolean", "wrong-type"),
        ({"名称": ""}, "name", "text", "required"),
        ({"名称": "第一\u200b医院"}, "name", "text", "forbidden-character"),
        ({"名称": "第一\u202e医院"}, "name", "text", "forbidden-character"),
        ({"名称": "第一\x07医院"}, "name", "text", "forbidden-character"),
        ({"名称": '"第一\n医院"'}, "name", "text", "forbidden-character"),
        ({"地区": "9.11E+17"}, "region", "text", "scientific-notation"),
        ({"信用代码": "9.11101E+17"}, "uscc", "text", "scientific-notation"),
        ({"信用代码": USCC[:-1] + "M"}, "uscc", "uscc", "check-digit"),
        ({"信用代码": USCC.lower()}, "uscc", "uscc", "malformed"),
        ({"信用代码": USCC[:9] + " " + USCC[9:]}, "uscc", "uscc", "malformed"),
        ({"信用代码": USCC[:-1]}, "uscc", "uscc", "malformed"),
        ({"法人证件": ID[:-1] + "1"}, "legal", "id", "check-digit"),
        ({"法人证件": "11010519491331002X"}, "legal", "id", "malformed"),
        ({"法人证件": "110105491231002"}, "legal", "id", "malformed"),
        ({"电话": "12345"}, "phone", "phone", "malformed"),
        ({"编号": ""}, "no", "number", "number-missing"),
        ({"编号": "甲-1"}, "no", "number", "number-malformed"),
        ({"编号": "H 1"}, "no", "number", "number-malformed"),
        ({"编号": "H" * 41}, "no", "number", "number-malformed"),
        ({"编号": "h-900"}, "no", "unique", "number-repeated"),
    ],
)
def test_a_bad_cell_is_reported_with_field_expected_and_code(changes, field, expected, code):
    found = problem(changes)
    assert (found.field, found.expected, found.code) == (field, expected, code)


def test_every_bad_cell_of_a_row_is_reported():
    found = reading(row(床位="x", 信用代码="y", 编号="甲"))
    assert [(one.field, one.code) for one in found.problems] == [
        ("beds", "wrong-type"),
        ("uscc", "malformed"),
        ("no", "number-malformed"),
    ]
    assert found.left_out == (2,)


def test_a_repeated_number_names_the_first_line():
    assert problem({"编号": "h-900"}).found == "line 2"


def test_a_repeated_identity_names_the_first_line():
    found = reading(row(), row(编号="H-002", 信用代码="", 法人证件=""), row(编号="H-003", 地址=""))
    assert found.problems == (Problem(3, "name,address", "unique", "line 2", "row-repeated"),)
    assert [one.no for one in found.registry.rows] == ["H-001", "H-003"]


def test_an_identity_that_is_wholly_empty_is_not_compared_and_several_identities_may_be_given():
    text = MAP.replace('["name", "address"]', '[["uscc"], ["name", "床位"]]')
    found = reading(
        row(信用代码=""),
        row(编号="H-002", 名称="二院", 信用代码=""),
        row(编号="H-003", 名称="三院"),
        row(编号="H-004", 名称="四院"),
        row(编号="H-005", 信用代码=""),
        text=text,
    )
    assert [(one.line, one.field, one.found) for one in found.problems] == [
        (5, "uscc", "line 4"),
        (6, "name,床位", "line 2"),
    ]


@pytest.mark.parametrize("at", range(18))
def test_every_changed_character_of_a_uscc_is_refused(at):
    other = "A" if USCC[at] != "A" else "B"
    assert problem({"信用代码": USCC[:at] + other + USCC[at + 1 :]}).code in {"check-digit", "malformed"}


@pytest.mark.parametrize("at", range(18))
def test_every_changed_character_of_an_id_number_is_refused(at):
    other = "7" if ID[at] != "7" else "3"
    assert problem({"法人证件": ID[:at] + other + ID[at + 1 :]}).code in {"check-digit", "malformed"}


@pytest.mark.parametrize(
    "phone",
    ["13800138000", "+86 13800138000", "010-62345678", "87654321", "400-820-8820", "0571 8765432-12"],
)
def test_telephones_as_written_in_china_are_accepted(phone):
    assert reading(row(电话=phone)).problems == ()
    assert problem({"电话": phone + "x"}).code == "malformed"


def test_line_numbers_are_those_of_the_file_even_after_a_cell_of_two_lines():
    found = reading(row(地址='"文一路\n1号"'), [""] * len(HEADER), row(编号="H-002", 床位="x"))
    assert [(one.line, one.code) for one in found.problems] == [
        (2, "forbidden-character"),
        (5, "wrong-type"),
    ]


def test_a_missing_or_stray_comma_makes_the_row_bad_and_empty_cells_at_its_end_do_not():
    found = reading(row()[:-1], [*row(), "x"], [*row(), "", ""])
    assert [(one.line, one.expected, one.found, one.code) for one in found.problems] == [
        (2, "11", "10", "cell-count"),
        (3, "11", "12", "cell-count"),
    ]
    assert len(found.registry.rows) == 1


def test_the_list_of_rows_left_out_holds_nothing_of_what_was_in_them():
    found = reading(row(床位="许多", 信用代码="y"), row(编号="H-002", 名称="另一家", 电话="1"))
    data = left_out_list([*found.problems, *found.problems])
    assert data == (
        b'{"code":"malformed","field":"phone","line":3}\n'
        b'{"code":"malformed","field":"uscc","line":2}\n'
        b'{"code":"wrong-type","field":"beds","line":2}\n'
    )
    assert left_out_list([]) == b""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_three_encodings_are_told_apart_and_give_one_registry(encoding):
    data = csv_of(row(名称="龘䶮𠮷医院")).decode().encode(encoding)
    found = read_registry(data, load_map(MAP), name="A.CSV")
    assert found.registry == reading(row(名称="龘䶮𠮷医院")).registry


def test_a_file_in_no_known_encoding_is_refused_with_the_offset():
    data = csv_of(row()).decode().encode("gb18030") + b"\xff"
    error = refused(read_registry, data, load_map(MAP), name="a.csv")
    assert (error.code, error.params["at"], error.params["found"]) == ("encoding", len(data) - 1, "ff")
    data = csv_of(row()) + b"\xff"
    strict = refused(read_registry, data, load_map('encoding = "utf-8"\n' + MAP), name="a.csv")
    assert (strict.code, strict.params["at"]) == ("encoding", len(data) - 1)
    marked = refused(read_registry, b"\xef\xbb\xbf" + data, load_map(MAP), name="a.csv")
    assert (marked.code, marked.params["at"]) == ("encoding", len(data) + 2)
    utf16 = refused(read_registry, csv_of(row()).decode().encode("utf-16"), load_map(MAP), name="a.csv")
    assert (utf16.code, utf16.params["at"]) == ("encoding", 0)


def test_a_missing_column_is_refused_with_the_nearest_names():
    header = [name if name != "信用代码" else "统一信用代码" for name in HEADER]
    error = refused(read_registry, csv_of(row(), header=header), load_map(MAP), name="a.csv")
    assert error.code == "column-missing"
    assert error.params["expected"] == "信用代码"
    assert error.params["found"][0] == "统一信用代码"


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"", "a.csv", "header-missing"),
        (b"\n\n", "a.csv", "header-missing"),
        (csv_of(), "a.csv", "registry-empty"),
        (csv_of(header=[*HEADER, " 编号 "]), "a.csv", "column-repeated"),
        (csv_of(row(名称='"第一')), "a.csv", "csv-malformed"),
        (csv_of(row()), "a.txt", "file-type"),
        (csv_of(row()), "a.xlsx", "file-type-differs"),
        (b"PK\x03\x04 and no more", "a.xlsx", "not-a-spreadsheet"),
        (sheet_of()[:-40], "a.xlsx", "not-a-spreadsheet"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(data, name, code):
    assert refused(read_registry, data, load_map(MAP), name=name).code == code


def test_a_spreadsheet_and_a_csv_file_of_the_same_texts_are_one_registry():
    rows = [row(), row(编号="H-002", 名称="二院")]
    assert read_registry(sheet_of(*rows), load_map(MAP), name="a.XLSX").registry == reading(*rows).registry


def test_number_cells_in_code_columns_are_refused_with_their_row():
    rows = [
        row(信用代码=911101085923662400),
        row(编号=7, 名称="二院"),
        row(编号="H-003", 名称="三院", 法人证件=110105194912310000),
    ]
    found = read_registry(sheet_of(*rows), load_map(MAP), name="a.xlsx")
    assert [(one.line, one.field, one.code) for one in found.problems] == [
        (2, "uscc", "number-cell"),
        (3, "no", "number-cell"),
        (4, "legal", "number-cell"),
    ]


def test_spreadsheet_cells_that_are_not_text_become_values_where_nothing_is_lost():
    cells = row(地区=330106, 床位=120.0, 营业=True, 电话=13800138000, 地址=datetime.date(2020, 2, 3))
    (only,) = read_registry(sheet_of(cells), load_map(MAP), name="a.xlsx").registry.rows
    assert (only.attrs["region"], only.attrs["beds"], only.attrs["active"]) == ("330106", 120, True)
    assert only.private[2:4] == ("2020-02-03", "13800138000")


@pytest.mark.parametrize(
    ("cell", "form", "text"),
    [
        (datetime.datetime.fromisoformat("2020-02-03T04:05:06"), "yyyy-mm-dd hh:mm:ss", "2020-02-03T04:05:06"),
        (datetime.datetime.fromisoformat("2020-02-03"), "yyyy-mm-dd hh:mm:ss", "2020-02-03"),
        (datetime.time(4, 5, 6), "hh:mm:ss", "04:05:06"),
    ],
)
def test_dates_and_times_of_a_spreadsheet_become_iso_8601(cell, form, text):
    data = sheet_of(row(地址=cell), form=form)
    assert read_registry(data, load_map(MAP), name="a.xlsx").registry.rows[0].private[2] == text


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"专科": 1e15}, "special", "number-cell"),
        ({"床位": 1.5}, "beds", "wrong-type"),
        ({"床位": True}, "beds", "wrong-type"),
        ({"地区": 3.5}, "region", "number-cell"),
        ({"地址": 1e15}, "address", "number-cell"),
        ({"地址": True}, "address", "wrong-type"),
        ({"营业": 2}, "active", "wrong-type"),
        ({"名称": "=A1"}, "name", "formula-cell"),
    ],
)
def test_spreadsheet_cells_that_lose_something_are_refused(changes, field, code):
    found = read_registry(sheet_of(row(**changes)), load_map(MAP), name="a.xlsx")
    assert [(one.line, one.field, one.code) for one in found.problems] == [(2, field, code)]


def test_a_title_above_the_header_is_passed_over_and_lines_stay_those_of_the_sheet():
    mapping = load_map('header = 3\nsheet = "名录"\n' + MAP)
    found = read_registry(sheet_of(row(床位="x"), above=2), mapping, name="a.xlsx")
    assert found.left_out == (4,)
    assert refused(read_registry, sheet_of(row(), above=1), mapping, name="a.xlsx").code == "column-missing"
    assert refused(read_registry, sheet_of(row(), above=3), mapping, name="a.xlsx").code == "header-missing"
    assert (
        refused(read_registry, sheet_of(row()), load_map('sheet = "二"\n' + MAP), name="a.xlsx").code == "sheet-missing"
    )


def test_a_map_with_a_default_takes_unknown_and_missing_words():
    text = 'no = "编号"\n[attrs]\nlevel = { column = "等级", map = { "三甲" = 3 }, type = "integer", default = 0 }'
    found = reading(row(), row(编号="b", 等级=""), row(编号="c", 等级="三甲"), text=text)
    assert [one.attrs["level"] for one in found.registry.rows] == [0, 0, 3]


def test_lists_are_mapped_item_by_item():
    text = """
no = "编号"
[attrs.s]
column = "专科"
type = "strings"
map = { "骨科" = "bone", "儿科" = "child" }
default = ["b", "a"]
"""
    found = reading(row(), row(编号="b", 专科=""), row(编号="c", 专科="骨科、外科"), text=text)
    assert [one.attrs["s"] for one in found.registry.rows] == [("bone", "child"), ("a", "b")]
    assert [(one.line, one.found, one.code) for one in found.problems] == [(4, "外科", "unknown-value")]


def test_a_file_that_names_its_own_fields_needs_no_map():
    header = ["no", "attr.beds:integer", "attr.level", "private.name", "closed.phone", ""]
    found = read_registry(csv_of(["H-1", "12", "2A", "第一医院", "x", ""], header=header), None, name="a.csv")
    assert found.registry.attrs == (("beds", "integer"), ("level", "string"))
    assert found.registry.private == (("name", True), ("phone", False))
    assert found.registry.rows[0].attrs == {"beds": 12, "level": "2A"}


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (["no", "attr.lvl", "level"], "column-without-role"),
        (["no", "attr.Level"], "map-value"),
        (["no", "attr.a:text"], "map-value"),
        (["no", "attr.a", "private.a"], "map-value"),
        (["attr.a", "private.b"], "column-missing"),
    ],
)
def test_a_file_that_names_its_fields_wrongly_is_refused(header, code):
    data = csv_of(["1"] * len(header), header=header)
    assert refused(read_registry, data, None, name="a.csv").code == code


@pytest.mark.parametrize(
    ("text", "code", "key"),
    [
        ("no = ", "map-not-toml", None),
        ("", "map-key-missing", "no"),
        ('no = "a"\nlevels = 1', "map-key-unknown", "levels"),
        ('no = "a"\n[attrs]\nLevel = "b"', "map-value", "attrs.Level"),
        ('no = "a"\n[attrs]\nno = "b"', "map-value", ""),
        ('no = "a"\n[attrs]\nx = "b"\n[closed]\nx = "b"', "map-value", ""),
        ('no = "a"\n[attrs]\nlevel = {}', "map-key-missing", "attrs.level.column"),
        ('no = "a"\n[attrs]\nlevel = 3', "map-value", "attrs.level"),
        ('no = "a"\n[attrs]\nlevel = { column = "b", typ = "string" }', "map-key-unknown", "attrs.level.typ"),
        ('no = "a"\n[attrs]\nlevel = { column = "b", type = "float" }', "map-value", "attrs.level.type"),
        ('no = "a"\n[attrs]\nlevel = { column = "b", map = { a = 1 } }', "map-value", "attrs.level"),
        ('no = "a"\n[attrs]\nlevel = { column = "b", map = { a = 1.5 } }', "map-value", "attrs.level.map.a"),
        ('no = "a"\n[attrs]\nx = { column = "b", type = "integer", default = true }', "map-value", "attrs.x"),
        ('no = "a"\n[attrs]\nx = { column = "b", type = "boolean", default = 1 }', "map-value", "attrs.x"),
        ('no = "a"\n[attrs]\nx = { column = "b", type = "strings", default = "c" }', "map-value", "attrs.x"),
        ('no = "a"\n[attrs]\nx = { column = "b", default = ["c"] }', "map-value", "attrs.x"),
        ('no = "a"\n[attrs]\nx = { column = "b", default = "c\u200bd" }', "map-value", "attrs.x"),
        ('no = "a"\n[attrs]\nx = { column = "b", default = "c", required = true }', "map-value", "attrs.x"),
        ('no = "a"\n[private]\nx = { column = "b", check = "luhn" }', "map-value", "private.x.check"),
        ('no = "a"\n[private]\nx = { column = "b", required = 1 }', "map-value", "private.x.required"),
        ('no = "a"\nheader = 0', "map-value", "header"),
        ('no = "a"\nencoding = "gbk"', "map-value", "encoding"),
        ('no = "a"\nidentity = "name"', "map-value", "identity"),
        ('no = ""', "map-value", "no.column"),
        ("no = 1", "map-value", "no"),
        ('no = { assign = "F-%06d" }', "map-value", "no"),
        ('no = { assign = "F", by = ["a"] }', "map-value", "no"),
        ('no = { assign = "%d-%d", by = ["a"] }', "map-value", "no"),
        ('no = { assign = "F%s", by = ["a"] }', "map-value", "no"),
        ('no = { assign = "138%08d", by = ["a"] }', "map-value", "no"),
        ('no = { column = "a", assign = "F-%06d", by = ["a"] }', "map-value", "no"),
    ],
)
def test_an_error_of_the_map_names_its_key(text, code, key):
    error = refused(load_map, text)
    assert (error.code, error.params.get("key")) == (code, key)


ASSIGNED = """
no = { assign = "F-%06d", by = ["city", "name"] }
[private]
name = "name"
"""


def assigned(*rows, numbers=None, secret=None, text=ASSIGNED):
    data = csv_of(*rows, header=["city", "name"])
    return read_registry(data, load_map(text), name="a.csv", numbers=numbers, secret=secret)


def numbers_of(found):
    return {one.private[0]: one.no for one in found.registry.rows}


def test_assigned_numbers_follow_the_keys_and_not_the_order_of_the_file():
    one = assigned(["杭州", "丙"], ["杭州", "甲"], ["宁波", "乙"])
    two = assigned(["宁波", "乙"], ["杭州", "甲"], ["杭州", "丙"])
    assert one == two
    assert numbers_of(one) == {"乙": "F-000001", "丙": "F-000002", "甲": "F-000003"}


def test_a_key_seen_before_keeps_its_number_and_no_number_is_used_twice():
    first = assigned(["a", "1"], ["a", "2"], ["a", "3"])
    second = assigned(["a", "0"], ["a", "2"], numbers=first.numbers)
    assert numbers_of(second) == {"0": "F-000004", "2": "F-000002"}
    third = assigned(["a", "3"], ["a", "9"], numbers=second.numbers)
    assert numbers_of(third) == {"3": "F-000003", "9": "F-000005"}
    renamed = assigned(["a", "3"], ["a", "x"], numbers=third.numbers, text=ASSIGNED.replace("F-%06d", "f-%06d"))
    assert numbers_of(renamed) == {"3": "F-000003", "x": "f-000006"}


def test_repeated_and_empty_keys_are_bad_rows_and_bad_rows_take_no_number():
    found = assigned(["a", "1"], ["a", "1"], [" ", "\u3000"], ["a", "2\u200b"], ["a", "3"])
    assert [(one.line, one.code) for one in found.problems] == [
        (3, "row-repeated"),
        (4, "required"),
        (5, "forbidden-character"),
    ]
    assert numbers_of(found) == {"1": "F-000001", "3": "F-000002"}


def test_a_key_that_is_wholly_empty_is_a_bad_row():
    text = ASSIGNED.replace('["city", "name"]', '["city"]')
    found = assigned(["", "1"], ["a", "2"], text=text)
    assert [(one.line, one.field, one.code) for one in found.problems] == [(2, "city", "required")]


def test_numbers_csv_holds_no_names():
    data = assigned(["杭州", "第一医院"]).numbers
    lines = data.decode("ascii").splitlines()
    assert lines[0] == "no,key"
    assert lines[1].startswith("F-000001,")
    assert len(lines[1]) == len("F-000001,") + 64


@pytest.mark.parametrize(
    "mangle",
    [
        lambda data: data[:-1],
        lambda data: data + b"\n",
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.replace(b"no,key", b"key,no"),
        lambda data: data.replace(b"F-000002", b"F-000001"),
        lambda data: data.replace(b"F-000002", b"f-000001"),
        lambda data: data.replace(b"F-000001", b"F-000009"),
        lambda data: data.replace(data.split(b",")[-1], data.split(b",")[2][:64] + b"\n"),
        lambda data: data.upper(),
        lambda data: b"",
    ],
)
def test_mangled_numbers_are_refused(mangle):
    data = assigned(["a", "1"], ["a", "2"]).numbers
    assert refused(assigned, ["a", "1"], numbers=mangle(data)).code == "numbers-malformed"


PAIRS = ["object", "inspector", "declarer", "reason", "form"]


def test_recusals_become_sorted_canonical_lines_without_repeats():
    form = "ab" * 32
    rows = [["H-2", "I-1", "inspector", "kin", form], ["H-1", "I-1", "bureau", "same-employer", ""]]
    lines, problems = read_pairs(csv_of(*rows, rows[0], header=PAIRS), name="回避.csv")
    assert problems == ()
    assert lines == (
        b'{"declarer":"bureau","form":null,"inspector":"I-1","object":"H-1","reason":"same-employer"}',
        b'{"declarer":"inspector","form":"' + form.encode() + b'","inspector":"I-1","object":"H-2","reason":"kin"}',
    )
    assert read_pairs(csv_of(header=PAIRS), name="a.csv") == ((), ())


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("object", "", "number-missing"),
        ("object", "一", "number-malformed"),
        ("inspector", "13800138000", "number-is-telephone"),
        ("declarer", "friend", "unknown-value"),
        ("reason", "his brother in law", "malformed"),
        ("reason", "亲属", "malformed"),
        ("form", "AB" * 32, "malformed"),
        ("form", "ab" * 31, "malformed"),
    ],
)
def test_a_bad_recusal_is_reported(column, value, code):
    good = dict(zip(PAIRS, ["H-1", "I-1", "object", "kin", "ab" * 32], strict=True))
    rows = [list(good.values()), list((good | {column: value}).values())]
    lines, problems = read_pairs(csv_of(*rows, header=PAIRS), name="a.csv")
    assert len(lines) == 1
    assert [(one.line, one.field, one.code) for one in problems] == [(3, column, code)]
