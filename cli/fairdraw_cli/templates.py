"""Sheets to fill in (模板), as data: the columns, the words that a column offers, and rows that show how.

What each column means is a sentence of `template-NAME` in both languages. The columns of recusals, plans and results
are those that their readers have; the names of a registry's columns are those that `map propose` knows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fairdraw.registry import recusals
from fairdraw_cli import plansheet, resultform

Choices = Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Template:
    """A sheet to fill in: its Chinese name, the Chinese heading of each column by code, and rows by code.

    `choices` are Chinese words that a column offers; `codes` are what they stand for, for other languages.
    """

    sheet: str
    columns: Mapping[str, str]
    examples: Sequence[Mapping[str, str]]
    choices: Choices = field(default_factory=dict)
    codes: Choices = field(default_factory=dict)


FORM: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # of an empty form
_YES_NO: Final = ("是", "否")

TEMPLATES: Final[Mapping[str, Template]] = {
    "objects": Template(
        sheet="检查对象",
        columns={
            "name": "机构名称", "uscc": "统一社会信用代码", "type": "机构类型", "level": "机构等级",
            "region": "行政区划代码", "credit": "信用等级", "address": "机构地址",
            "legal_representative": "法定代表人", "phone": "联系电话",
        },
        choices={"credit": ("A", "B", "C", "D")},
        codes={"credit": ("A", "B", "C", "D")},
        examples=(
            {"name": "示例第一医院", "uscc": "123701000000000012", "type": "医院", "level": "三级甲等",
             "region": "370102", "credit": "A", "address": "示例路1号",
             "legal_representative": "张示例", "phone": "0531-88880001"},
            {"name": "示例第二医院", "uscc": "123701000000000025", "type": "医院", "level": "二级甲等",
             "region": "370102", "credit": "B", "address": "示例路2号",
             "legal_representative": "李示例", "phone": "0531-88880002"},
            {"name": "示例大药房", "uscc": "", "type": "药店", "level": "",
             "region": "370103", "credit": "A", "address": "示例路3号",
             "legal_representative": "王示例", "phone": "0531-88880003"},
        ),
    ),
    "inspectors": Template(
        sheet="检查人员",
        columns={
            "name": "姓名", "certificate": "执法证号", "department": "所属部门", "post": "职务", "speciality": "专业",
            "region": "所属区县", "qualified": "是否有执法资格", "expert": "是否专家", "on_duty": "是否在岗",
            "phone": "联系电话",
        },
        choices={"qualified": _YES_NO, "expert": _YES_NO, "on_duty": _YES_NO},
        codes={"qualified": ("yes", "no"), "expert": ("yes", "no"), "on_duty": ("yes", "no")},
        examples=(
            {"name": "赵示例", "certificate": "15000000001", "department": "医保局", "post": "科员",
             "speciality": "会计", "region": "370102", "qualified": "是", "expert": "否", "on_duty": "是",
             "phone": "13900000001"},
            {"name": "钱示例", "certificate": "15000000002", "department": "医保局", "post": "科长",
             "speciality": "临床", "region": "370103", "qualified": "是", "expert": "是", "on_duty": "是",
             "phone": "13900000002"},
        ),
    ),
    "recusals": Template(
        sheet="回避名单",
        columns=recusals.COLUMNS,
        choices={"declarer": tuple(recusals.DECLARERS), "reason": tuple(recusals.REASONS)},
        codes={"declarer": tuple(recusals.DECLARERS.values()), "reason": tuple(recusals.REASONS.values())},
        examples=(
            {"object": "DX-000001", "inspector": "RY-000002", "declarer": "检查人员", "reason": "亲属关系", "form": ""},
            {"object": "DX-000003", "inspector": "RY-000001", "declarer": "检查对象", "reason": "利害关系",
             "form": FORM},
        ),
    ),
    "plan": Template(
        sheet="抽查计划",
        columns=plansheet.COLUMNS,
        choices={"row": tuple(row.zh for row in plansheet.ROWS.values())},
        codes={"row": tuple(plansheet.ROWS)},
        examples=plansheet.EXAMPLE,
    ),
    "results": Template(
        sheet="检查结果",
        columns=resultform.COLUMNS,
        examples=(
            {"no": "DX-000001", "items": "fund-use", "method": "site", "first": "2026-09-10", "last": "2026-09-11",
             "checked": "2026-09-11", "result": "no-problem", "form": FORM},
            {"no": "DX-000003", "items": "fund-use", "method": "site", "first": "2026-09-14", "last": "2026-09-14",
             "checked": "2026-09-14", "result": "corrected", "form": FORM, "findings": "overtreatment",
             "rectify": "2026-10-14"},
        ),
    ),
}  # fmt: skip


def titles(template: Template, lang: str) -> list[str]:
    """Return the headings of a template: Chinese ones, or in other languages the codes, which are read as well."""
    return list(template.columns.values() if lang == "zh" else template.columns)


def rows(template: Template) -> list[list[str]]:
    """Return the rows of a template that show how it is filled in."""
    return [[example.get(code, "") for code in template.columns] for example in template.examples]
