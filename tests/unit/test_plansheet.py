"""A plan as a sheet is the same plan as PLAN.toml; every mistake is told with its cell."""

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from fairdraw.errors import RegistryError, WorkspaceError
from fairdraw_cli.forms import read_form
from fairdraw_cli.planform import PlanForm
from fairdraw_cli.planrows import read_plan
from fairdraw_cli.plansheet import COLUMNS, EXAMPLE, ROWS, RULES, SETTINGS, WORDS, read_ratio
from support.sheets import KINDS, Formula, Page, book

Rows = Sequence[dict[str, object]]

WHOLE = """
id = "2026"
kind = "yearly"
year = 2026
regulation = "shandong-2020"
slots = ["2026/fund-use/1", "2026/fund-use/2", "2026/prices/1"]
objects = "institutions"
inspectors = "staff"
yearly_cap = 2
audit = 3
substitutions = 1
voids = ["flood", "typhoon"]
reason = "budget-cut"
[[rule]]
items = ["fund-use"]
filter = 'district under "3701" and type in {"medical","pharmacy"}'
strata = ["type", "size"]
ratios = [
  { of = ["medical", 3], ratio = "5/100", rounding = "ceil", floor = "3/100" },
  { of = ["pharmacy", true], ratio = "3/100", rounding = "nearest" },
]
grade = "credit_level"
grades = [
  { grade = "a", factor = "1/2", rounding = "floor" },
  { factor = "2/1" },
  { grade = "c", whole = true },
]
top_up = ["b"]
region = "district"
each_region = true
[[rule]]
items = ["prices"]
ratios = [{ ratio = "1/4" }]
[[schedule]]
slot = "2026/fund-use/1"
first = 2026-03-01
last = 2026-06-30
share = "1/2"
[[schedule]]
slot = "2026/fund-use/2"
first = 2026-09-01
last = 2026-11-30
share = "1/1"
[[joint]]
name = "wsj.example.cn"
inspectors = "wsj-staff"
[team]
size = 3
department = "department"
quota = { "医保局（市）" = 2, wsj = 1 }
order = "both"
pool = 40
cap = 9
limit = 500
beyond = "switch-chain"
steps = 2000
eligible = [
  { rule = "same", object = "district", inspector = "district" },
  { rule = "true", inspector = "qualified" },
]
specialities = [{ field = "skills", value = "会计", number = 1 }]
experts = { number = 2, expert = "expert", eligible = [{ rule = "contains", object = "field", inspector = "skills" }] }
"""


def row(kind: str, **cells: object) -> dict[str, object]:
    return {"row": kind, **cells}


def setting(name: str, value: object) -> dict[str, object]:
    return row("设置", name=name, value=value)


CHINESE: Rows = [
    setting("计划代号", "2026"), setting("计划类型", "年度"), setting("年度", "2026"),
    setting("制度", "shandong-2020"), setting("对象名录库", "institutions"), setting("人员名录库", "staff"),
    setting("年度上限", "2"), setting("核对行数", "3"), setting("递补次数", "1"), setting("作废原因", "flood、typhoon"),
    setting("调整理由", "budget-cut"), setting("检查组人数", "3"), setting("部门字段", "department"),
    setting("抽取顺序", "同时抽取"), setting("备选人数", "40"), setting("每人上限", "9"), setting("尝试次数", "500"),
    setting("超限办法", "换位链"), setting("换位步数", "2000"),
    row("批次", items="fund-use", name="1", ratio="1/2", first="2026-03-01", last="2026年6月30日"),
    row("批次", items="fund-use", name="2", ratio="100%", first="2026/9/1", last="2026-11-30"),
    row("批次", items="prices", name="1"),
    row("规则", items="fund-use", name="抽取条件", value='district under "3701" and type in {"medical","pharmacy"}'),
    row("规则", items="fund-use", name="分层字段", value="type、size"),
    row("规则", items="fund-use", name="信用字段", value="credit_level"),
    row("规则", items="fund-use", name="补足等级", value="b"),
    row("规则", items="fund-use", name="地区字段", value="district"),
    row("规则", items="fund-use", name="每区至少一个", value="是"),
    row("抽取比例", items="fund-use", value="medical、整数:3", ratio="5%", rounding="不低于", floor="3/100"),
    row("抽取比例", items="fund-use", value="pharmacy、是否：是", ratio="3/100", rounding="四舍五入"),
    row("信用等级", items="fund-use", value="a", ratio="1/2", rounding="不高于"),
    row("信用等级", items="fund-use", ratio="2/1"),
    row("信用等级", items="fund-use", value="c", ratio=" 全部\u3000"),
    row("抽取比例", items="prices", ratio="1/4"),
    row("联合部门", name="wsj.example.cn", value="wsj-staff"),
    row("部门名额", name="医保局（市）", number="2"), row("部门名额", name="wsj", number="1"),
    row("匹配条件", name="相同", object="district", inspector="district"),
    row("匹配条件", name="为真", inspector="qualified"),
    row("专业要求", inspector="skills", value="会计", number="1"),
    row("专家", inspector="expert", number="2"),
    row("专家条件", name="包含", object="field", inspector="skills"),
]  # fmt: skip


def coded() -> Rows:
    """Return the same rows with every word that has one replaced by its code."""
    kinds = {told.zh: code for code, told in ROWS.items()}
    names = {zh: code for code, (zh, *_) in (*SETTINGS.items(), *RULES.items())}
    words = {"value": {}, "rounding": WORDS["rounding"], "name": names | WORDS["eligible"]}
    words["ratio"] = {" 全部\u3000": "whole"}
    words["value"] = {zh: code for name in ("kind", "order", "beyond") for zh, code in WORDS[name].items()}
    words["value"]["是"] = "true"
    words["row"] = kinds
    return [{column: words.get(column, {}).get(cell, cell) for column, cell in one.items()} for one in CHINESE]


def written(folder: Path, rows: Rows, suffix: str = ".csv", *, headings: Sequence[str] | None = None) -> Path:
    """Write the rows as a sheet; a heading is a code or its Chinese words."""
    path = folder / f"计划{suffix}"
    shown = list(headings or COLUMNS.values())
    codes = [next((code for code, zh in COLUMNS.items() if word in (code, zh)), word) for word in shown]
    table = [shown, *([one.get(code, "") for code in codes] for one in rows)]
    if suffix == ".csv":
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(table)
    else:
        path.write_bytes(book(suffix, Page(rows=table, name="计划")))
    return path


def told(path: Path) -> WorkspaceError | RegistryError:
    with pytest.raises((WorkspaceError, RegistryError)) as caught:
        read_plan(path)
    return caught.value


@pytest.mark.parametrize("suffix", [".csv", *KINDS])
def test_a_sheet_says_all_that_a_toml_file_can(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "plan.toml").write_text(WHOLE, "utf-8")
    expected, _ = read_form(tmp_path / "plan.toml", PlanForm)
    assert read_plan(tmp_path / "plan.toml") == expected
    assert read_plan(written(tmp_path, CHINESE, suffix)) == expected


def test_codes_will_do_for_words_and_headings_and_the_order_of_rows_and_columns_is_free(tmp_path: Path) -> None:
    expected = read_plan(written(tmp_path, CHINESE))
    assert read_plan(written(tmp_path, coded(), headings=list(reversed(COLUMNS)))) == expected
    late = [one for one in CHINESE if one["row"] != "设置"] + [one for one in CHINESE if one["row"] == "设置"]
    assert read_plan(written(tmp_path, late)) == expected


def test_every_word_of_the_tables_is_one_of_the_form(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(WHOLE, "utf-8")
    whole = read_form(tmp_path / "plan.toml", PlanForm)[0].model_dump()
    for _, place, _ in SETTINGS.values():
        assert place[-1] in (whole if len(place) == 1 else whole["team"])
    assert set(RULES) | {"items", "ratios", "grades"} == set(whole["rule"][0])
    assert {str(one["row"]) for one in CHINESE} == {one.zh for one in ROWS.values()}


def test_the_example_is_a_plan(tmp_path: Path) -> None:
    plan = read_plan(written(tmp_path, list(EXAMPLE)))
    assert (plan.id, len(plan.slots), len(plan.rule)) == ("2026", 2, 1)


def test_a_ratio_without_items_is_for_all_items(tmp_path: Path) -> None:
    rows = [*(one for one in EXAMPLE if one["row"] not in ("规则", "抽取比例")), row("抽取比例", ratio="1/4")]
    short = (
        'id = "2026"\nslots = ["2026/fund-use/1", "2026/fund-use/2"]\nobjects = "a"\ninspectors = "b"\nratio = "1/4"'
    )
    (tmp_path / "plan.toml").write_text(short, "utf-8")
    assert read_plan(written(tmp_path, rows)).rules() == read_plan(tmp_path / "plan.toml").rules()


def test_what_a_spreadsheet_makes_of_numbers_dates_and_shares_is_understood(tmp_path: Path) -> None:
    rows = [setting("计划代号", 2026), setting("年度", 2026.0), *EXAMPLE[1:3], setting("递补次数", 1),
            row("批次", items="fund-use", name=1, first=date(2026, 3, 1), last=date(2026, 6, 30), ratio=0.5),
            row("抽取比例", ratio=0.05), row("专业要求", inspector="skills", value="会计", number=2)]  # fmt: skip
    plan = read_plan(written(tmp_path, rows, ".xlsx"))
    assert (plan.id, plan.year, plan.slots) == ("2026", 2026, ("2026/fund-use/1",))
    assert (plan.schedule[0].first, plan.schedule[0].share) == ("2026-03-01", "50/100")
    assert plan.rule[0].ratios[0].ratio == "5/100"


@pytest.mark.parametrize(
    ("cell", "ratio"),
    [("5%", "5/100"), ("5/100", "5/100"), ("1/20", "1/20"), (0.05, "5/100"), (1, "1/1"), ("0.075", "75/1000"),
     ("12.5%", "125/1000"), ("0.33333", "33333/100000"), (1 / 3, "0.3333333333333333"), ("1e999999999", "1e999999999"),
     ("5 percent", "5 percent"), ("", "")],
)  # fmt: skip
def test_shares_are_spelt_as_people_read_them(cell: object, ratio: str) -> None:
    assert read_ratio(cell) == ratio


BASE: Rows = [*EXAMPLE[:4], row("批次", items="fund-use", name="1"), row("抽取比例", ratio="1/4")]


@pytest.mark.parametrize(
    ("more", "code", "key"),
    [
        (row("设定", name="年度", value="2026"), "file-not-one-of", "A8 类别"),
        (row("", name="年度", value="2026"), "file-not-one-of", "A8 类别"),
        (setting("年份", "2026"), "file-not-one-of", "C8 名称"),
        (setting("年度", "二〇二六"), "file-not-integer", "D8 内容"),
        (setting("年度", "1999"), "file-below", "D8 内容"),
        (setting("年度", ""), "file-key-missing", "D8 内容"),
        (setting("计划类型", "月度"), "file-not-one-of", "D8 内容"),
        (setting("人员名录库", "others"), "file-repeated", "C8 名称"),
        (setting("备选人数", "1"), "file-pool", "A5 类别"),
        (setting("作废原因", "Flood"), "file-not-reason", "D8 内容"),
        (row("设置", name="年度", value="2026", ratio="1/2"), "sheet-cell-idle", "E8 比例"),
        (row("批次", items="fund-use", name="第二批"), "file-not-slot", "C8 名称"),
        (row("批次", items="fund-use prices", name="2"), "sheet-one-item", "B8 事项"),
        (row("批次", items="fund-use", name="1"), "file-repeated", "C8 名称"),
        (row("批次", items="fund-use", name="2", first="2026-02-30"), "file-not-date", "H8 开始日期"),
        (row("批次", items="fund-use", name="2", first="2026-02-01"), "file-key-missing", "I8 结束日期"),
        (row("批次", items="fund-use", name="2", ratio="half", first="2026-02-01", last="2026-03-01"),
         "file-not-ratio", "E8 比例"),
        (row("规则", name="抽取条件", value="type is medical"), "file-filter", "D8 内容"),
        (row("规则", name="分层字段", value="Type"), "file-not-field", "D8 内容"),
        (row("规则", name="每区至少一个", value="也许"), "file-not-one-of", "D8 内容"),
        (row("抽取比例", ratio="3/2"), "file-ratio-above-one", None),
        (row("抽取比例", ratio="1/4", rounding="上取整"), "file-not-one-of", "F8 取整"),
        (row("抽取比例", ratio="1/4", value="整数:三"), "file-not-integer", "D8 内容"),
        (row("抽取比例", items="prices", ratio="1/4"), "file-item-without-rule", None),
        (row("信用等级", value="a", ratio="many"), "file-not-ratio", "E8 比例"),
        (row("部门名额", name="ybj", number="2"), "file-quota-alone", "A5 类别"),
        (row("匹配条件", name="相等", object="a", inspector="b"), "file-not-one-of", "C8 名称"),
        (row("匹配条件", name="相同", inspector="b"), "file-rule-without-object", "A8 类别"),
        (row("匹配条件", name="为真", object="a", inspector="b"), "file-rule-with-object", "A8 类别"),
        (row("专家条件", name="为真", inspector="b"), "file-key-missing", "A8 类别"),
        (row("联合部门", name="a b", value="staff-2"), "file-not-name", "C8 名称"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_cell(tmp_path: Path, more: dict[str, object], code: str, key: str | None) -> None:
    error = told(written(tmp_path, [*BASE, more], ".xlsx"))
    assert (error.code, error.params.get("key")) == (code, key)
    assert error.params["file"] == "计划.xlsx"


@pytest.mark.parametrize(
    ("more", "code", "key"),
    [
        (row("抽取比例", ratio=date(2026, 1, 4)), "sheet-ratio-is-date", "E8 比例"),
        (row("抽取比例", ratio=Formula("1/4", 0.25)), "sheet-cell-computed", "E8 比例"),
        (row("抽取比例", ratio="1/4", value=7), "sheet-cell-not-text", "D8 内容"),
        (row("部门名额", name=7, number=2), "sheet-cell-not-text", "C8 名称"),
        (row("批次", items="fund-use", name="2", first=46082, last="2026-06-30"), "file-not-date", "H8 开始日期"),
    ],
)
def test_what_a_spreadsheet_lost_or_computed_is_refused(tmp_path: Path, more, code: str, key: str) -> None:
    error = told(written(tmp_path, [*BASE, more], ".xlsx"))
    assert (error.code, error.params["key"]) == (code, key)


@pytest.mark.parametrize("lacking", ["计划代号", "对象名录库", "人员名录库", "批次", "抽取比例"])
def test_without_a_part_there_is_no_plan(tmp_path: Path, lacking: str) -> None:
    rows = [one for one in BASE if lacking not in (one["row"], one.get("name"))]
    error = told(written(tmp_path, rows))
    assert (error.code, error.params["key"]) == ("file-key-missing", lacking)


def test_a_cell_of_a_csv_file_is_named_as_a_spreadsheet_shows_it(tmp_path: Path) -> None:
    assert told(written(tmp_path, [*BASE, setting("年度", "x")])).params["key"] == "D8 内容"


def test_headings_that_are_none_are_refused_in_the_language_of_the_sheet(tmp_path: Path) -> None:
    error = told(written(tmp_path, BASE, headings=["类别", "名称", "内 容"]))
    assert (error.code, error.params["key"], "内容" in error.params["expected"]) == ("file-key-unknown", "内 容", True)
    error = told(written(tmp_path, BASE, headings=["row", "name", "values"]))
    assert (error.params["key"], "value" in error.params["expected"]) == ("values", True)
    assert told(written(tmp_path, BASE, headings=["类别", "row"])).code == "column-repeated"


def test_a_needed_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    error = told(written(tmp_path, BASE, headings=["类别", "名称"]))
    assert (error.code, error.params["key"]) == ("file-key-missing", "2 内容")
