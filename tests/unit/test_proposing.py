"""A proposed map seals whatever is in doubt, and is a map that reads its own file."""

import tomllib

import pytest
from stdnum.cn import ric, uscc

from fairdraw.errors import RegistryError
from fairdraw.registry import load_map, read_registry
from fairdraw.registry.headings import HEADINGS, heading_of
from fairdraw.registry.proposing import propose
from fairdraw_cli.proposal import render
from fairdraw_cli.session import Session
from support.sheets import KINDS, Page, book

COUNT = 40


def code_of(n):
    body = f"12370100{n:09d}"
    return body + uscc.calc_check_digit(body)


def id_of(n):
    body = f"37010219800101{n:03d}"
    return body + ric.calc_check_digit(body + "0")


COLUMNS = {
    "序号": str,
    "机构名称": lambda n: f"第{n}医院",
    "*统一社会信用代码（必填）": code_of,
    "机构类型": lambda n: ("医院", "诊所", "药店")[n % 3],
    "行政区划代码": lambda n: ("370102", "370103")[n % 2],
    "机构地址": lambda n: f"和平路{n}号",
    "法定代表人": lambda n: f"王{n % 5}",
    "联系电话": lambda n: f"0531-8888{n:04d}",
    "信用等级": lambda n: "AB"[n % 2],
    "是否医保定点": lambda n: "是否"[n % 2],
    "备注": lambda n: "",
}


def table(**more):
    columns = COLUMNS | more
    return [tuple(columns), *(tuple(make(n) for make in columns.values()) for n in range(1, COUNT + 1))]


def proposed(rows, kind=".xlsx", **kwargs):
    return propose(book(kind, Page(rows)), name=f"名录{kind}", **kwargs)


def chosen(made):
    return {choice.column: (choice.section, choice.field, choice.check) for choice in made.choices}


@pytest.mark.parametrize("kind", KINDS)
def test_a_registry_of_institutions_is_known_by_its_columns(kind):
    made = proposed(table(), kind)
    assert chosen(made) == {
        "序号": ("skip", "", "none"),
        "机构名称": ("private", "name", "none"),
        "*统一社会信用代码（必填）": ("private", "uscc", "uscc"),
        "机构类型": ("attrs", "type", "none"),
        "行政区划代码": ("attrs", "region", "none"),
        "机构地址": ("private", "address", "none"),
        "法定代表人": ("private", "legal_representative", "none"),
        "联系电话": ("closed", "phone", "phone"),
        "信用等级": ("attrs", "credit", "none"),
        "是否医保定点": ("attrs", "column_10", "none"),
        "备注": ("skip", "", "none"),
    }
    assert (made.header, made.rows, made.number, made.who) == (1, COUNT, None, "objects")
    assert (made.by, made.identity, made.repeated) == (("*统一社会信用代码（必填）",), ("uscc",), 0)


def test_a_registry_of_inspectors_is_known_too():
    rows = [("姓名", "执法证号", "所属部门", "岗位", "专业", "身份证号", "手机号码"),
            *((f"赵{n}", f"15{n:09d}", "医保局", "科员", ("会计", "临床")[n % 2], id_of(n), f"139{n:08d}")
              for n in range(1, 31))]  # fmt: skip
    made = proposed(rows)
    assert made.who == "inspectors"
    assert {choice.column for choice in made.of("attrs")} == {"所属部门", "岗位", "专业"}
    assert {(choice.column, choice.check) for choice in made.of("closed")} == {
        ("身份证号", "id"),
        ("手机号码", "phone"),
    }
    assert made.template.startswith("RY-")
    assert proposed(rows, who="objects").template.startswith("DX-")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_proposed_map_reads_its_own_file(lang, kind):
    data = book(kind, Page(table()))
    made = propose(data, name=f"名录{kind}")
    text = render(Session(lang=lang), made, file=f"名录{kind}", sheet=None)
    found = read_registry(data, load_map(text), name=f"名录{kind}")
    assert found.problems == ()
    assert len(found.registry.rows) == COUNT
    assert {field for field, _ in found.registry.attrs} == {"type", "region", "credit", "column_10"}
    assert all(f"# “{column}”" in text for column in COLUMNS)


def test_the_header_is_found_below_titles():
    rows = [("某市医疗机构名录", *[None] * 10), (None,) * 11, *table()]
    data = book(".xlsx", Page(rows, merged=[(0, 0, 0, 10)]))
    made = propose(data, name="a.xlsx")
    assert made.header == 3
    text = render(Session(lang="zh"), made, file="a.xlsx", sheet=None)
    assert tomllib.loads(text)["header"] == 3
    assert read_registry(data, load_map(text), name="a.xlsx").problems == ()


def test_a_column_that_identifies_is_sealed_whatever_it_is_called():
    more = {
        "类别": code_of,
        "等级": id_of,
        "状态": lambda n: f"139{n:08d}",
        "专业": lambda n: f"第{n}种",
        "规模": lambda n: ("很大的" * 11, "小")[n % 2],
    }
    made = chosen(proposed(table(**more)))
    assert made["类别"] == ("private", "uscc_12", "uscc")
    assert made["等级"] == ("closed", "id_number", "id")
    assert made["状态"] == ("closed", "phone_14", "phone")
    assert made["专业"] == ("private", "speciality", "none")
    assert made["规模"] == ("private", "scale", "none")


def test_a_column_of_yes_and_no_that_holds_names_is_sealed():
    made = chosen(proposed(table(是否专家=lambda n: ("王某", "否")[n % 2])))
    assert made["是否专家"][0] == "private"
    made = chosen(proposed(table(是否专家=lambda n: "是否"[n % 2])))
    assert made["是否专家"][0] == "attrs"


@pytest.mark.parametrize("column", ["经办", "陪同人", "是否什么", "x"])
def test_a_column_that_is_not_known_is_sealed(column):
    made = chosen(proposed(table(**{column: lambda n: ("甲", "乙")[n % 2]})))
    assert made[column][0] == "private"


def test_nothing_that_names_a_person_or_a_place_is_ever_proposed_as_public():
    public = {word for heading in HEADINGS if heading.section == "attrs" for word in (heading.field, *heading.words)}
    for part in (
        "名称",
        "姓名",
        "电话",
        "手机",
        "身份证",
        "地址",
        "住所",
        "代表",
        "负责人",
        "邮箱",
        "账号",
        "证号",
        "生日",
        "出生",
    ):
        assert not [word for word in public if part in word]
    assert heading_of(" *机构名称（必填）：").field == "name"
    assert heading_of("机构名") is None


def test_numbers_are_taken_from_a_column_only_if_they_say_nothing_of_whose_they_are():
    good = proposed(table(编号=lambda n: f"H-{n}"))
    assert (good.number, good.by) == ("编号", ())
    for bad in (
        code_of,
        lambda n: f"139{n:08d}",
        lambda n: "H-1",
        lambda n: "H-1" if n > 1 else "",
        lambda n: f"第{n}号",
    ):
        made = proposed(table(编号=bad))
        assert made.number is None
        assert chosen(made)["编号"][0] in {"private", "closed"}


def test_rows_that_the_key_does_not_tell_apart_are_counted():
    rows = [("机构名称", "机构地址"), ("一院", "甲路"), ("一院", "甲路"), ("二院", "乙路")]
    made = proposed(rows)
    assert (made.by, made.repeated, made.identity) == (("机构名称", "机构地址"), 1, ())
    text = render(Session(lang="en"), made, file="a", sheet=None)
    assert "rows that are the same as another one: 1" in text


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([("甲", "乙"), ("1", "2")], "header-not-found"),
        ([("机构类型", "信用等级"), ("医院", "A")], "propose-no-key"),
        ([("机构名称", "机构类型")], "registry-empty"),
        ([("机构名称", "机构名称"), ("a", "b")], "column-repeated"),
    ],
)
def test_where_nothing_fits_it_says_so(rows, code):
    with pytest.raises(RegistryError) as caught:
        proposed(rows)
    assert caught.value.code == code


def test_a_row_that_is_too_short_or_too_long_is_left_to_the_reader():
    data = "机构名称,机构类型,电话\n一院\n二院,医院,0531-88880001,x\n三院,医院,\n".encode()
    made = propose(data, name="a.csv")
    assert (made.rows, [choice.column for choice in made.choices]) == (3, ["机构名称", "机构类型", "电话"])
    text = render(Session(lang="zh"), made, file="a.csv", sheet=None)
    found = read_registry(data, load_map(text), name="a.csv")
    assert [(one.line, one.code) for one in found.problems] == [(2, "cell-count"), (3, "cell-count")]


def test_a_check_that_most_values_fail_is_not_proposed():
    made = proposed(table(联系电话=lambda n: "略"))
    (phone,) = made.of("closed")
    assert (phone.check, phone.reason) == ("none", "known-unchecked")


def test_what_hides_is_refused_before_anything_is_proposed():
    with pytest.raises(RegistryError, match="rows-hidden"):
        propose(book(".xlsx", Page(table(), hidden_rows={7})), name="a.xlsx")


def test_one_of_several_sheets_is_chosen_by_name():
    data = book(".xlsx", Page([("x",)], name="别的"), Page(table()))
    with pytest.raises(RegistryError, match="sheets-many"):
        propose(data, name="a.xlsx")
    made = propose(data, name="a.xlsx", sheet="名录")
    text = render(Session(lang="zh"), made, file="a.xlsx", sheet="名录")
    assert read_registry(data, load_map(text), name="a.xlsx").problems == ()


def test_the_name_of_a_column_cannot_write_into_the_map():
    wicked = '”\n[closed]\nname = "x" # \\ \u2028\x85'
    made = proposed(table(**{wicked: lambda n: "a"}))
    text = render(Session(lang="zh"), made, file="a\nb.xlsx", sheet=None)
    assert set(tomllib.loads(text)) == {"no", "identity", "attrs", "private", "closed"}
    assert tomllib.loads(text)["private"]["column_12"].startswith("”")


@pytest.mark.parametrize(
    "below",
    [{"序号": "合计", "机构名称": "40"}, {"序号": "填表人：张三", "机构地址": "审核人：李四"}, {"机构类型": "40家"}],
)
def test_a_line_below_the_table_does_not_change_how_rows_are_told_apart(below):
    rows = table()
    plain, made = (
        propose(book(".xlsx", Page(told)), name="a.xlsx") for told in (rows, [*rows, line_of(rows[0], below)])
    )
    assert (made.by, made.identity, made.number) == (plain.by, plain.identity, plain.number)
    assert [c.required for c in made.choices] == [c.required for c in plain.choices]
    assert {c.column for c in made.of("attrs")} <= {c.column for c in plain.of("attrs")}


def line_of(header, cells):
    return [cells.get(column, "") for column in header]


def test_a_group_that_is_named_like_a_row_is_sealed():
    """A branch says who it belongs to: its head office is an institution of the registry, too."""
    rows = table(所属单位=lambda n: f"第{n % 2 + 1}医院")
    made = proposed(rows)
    choice = next(one for one in made.choices if one.column == "所属单位")
    assert (choice.section, choice.reason) == ("private", "not-group")
    rows = table(所属单位=lambda n: f"集团{n % 2 + 1}")
    made = proposed(rows)
    assert "所属单位" in [one.column for one in made.of("attrs")]
