"""What a plan (抽查计划) as a sheet consists of: one row says one thing, and all rows together are what PLAN.toml says.

`COLUMNS`, `ROWS`, `SETTINGS` and `RULES` say what may stand where; `planrows` reads it, and docs/exports.md explains it
to a clerk.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from fairdraw.errors import RegistryError
from fairdraw.registry.cells import Marked, read_text
from fairdraw_cli.sheetcells import several

COLUMNS: Final = {
    "row": "类别",
    "items": "事项",
    "name": "名称",
    "value": "内容",
    "ratio": "比例",
    "rounding": "取整",
    "floor": "下限",
    "first": "开始日期",
    "last": "结束日期",
    "object": "对象字段",
    "inspector": "人员字段",
    "number": "人数",
}
"""The columns by code, with their Chinese headings; either stands in a sheet."""


@dataclass(frozen=True)
class Row:
    """A kind of row: its Chinese word, the columns that it must fill in, and those that it may."""

    zh: str
    needs: tuple[str, ...]
    takes: tuple[str, ...] = ()


ROWS: Final = {
    "setting": Row("设置", ("name", "value")),
    "slot": Row("批次", ("items", "name"), ("ratio", "first", "last")),
    "rule": Row("规则", ("name", "value"), ("items",)),
    "ratio": Row("抽取比例", ("ratio",), ("items", "value", "rounding", "floor")),
    "grade": Row("信用等级", ("ratio",), ("items", "value", "rounding")),
    "quota": Row("部门名额", ("name", "number")),
    "eligible": Row("匹配条件", ("name", "inspector"), ("object",)),
    "speciality": Row("专业要求", ("inspector", "value"), ("number",)),
    "experts": Row("专家", ("inspector",), ("number",)),
    "expert-eligible": Row("专家条件", ("name", "inspector"), ("object",)),
    "joint": Row("联合部门", ("name", "value")),
}
"""The kinds of rows by code; either the code or the Chinese word stands in the column `row`."""

WORDS: Final[Mapping[str, Mapping[str, str | bool]]] = {
    "kind": {"年度": "yearly", "专项": "special"},
    "order": {"同时抽取": "both", "先抽对象": "objects-first"},
    "beyond": {"上限加一": "raise-cap", "换位链": "switch-chain", "作废": "void"},
    "rounding": {"不低于": "ceil", "四舍五入": "nearest", "不高于": "floor"},
    "eligible": {"相同": "same", "不同": "differ", "为真": "true", "有效": "valid", "不低于": "at-least",
                 "包含": "contains", "属于": "under"},
    "boolean": {"是": True, "否": False, "true": True, "false": False},
}  # fmt: skip
"""Chinese words that mean a code of PLAN.toml; the code itself will do as well."""

WHOLE: Final = ("全部", "whole")
"""In the column `ratio` of a grade: everybody of it is drawn (全覆盖)."""

_LIST_MARK: Final = "、"
_TYPED: Final = {"整数": int, "integer": int, "是否": bool, "boolean": bool}
_DECIMAL: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?%?", re.ASCII)
_PERCENT: Final = 100
_SCALES: Final = (1, _PERCENT, 1000, 10_000)  # 5% is 5/100 to people, and not 1/20

Place = tuple[str | int, ...]
Reader = Callable[[object], object]


def word_of(kind: str) -> Reader:
    """Return the reader of cells that hold one of the words of a kind."""

    def reader(cell: object) -> object:
        if kind == "boolean" and isinstance(cell, bool):
            return cell
        text, words = read_text(cell), WORDS[kind]
        if text in words:
            return words[text]
        if text in words.values():
            return text
        raise RegistryError("unknown-value", expected=list(words), found=text)

    return reader


def read_ids(cell: object) -> object:
    """Return the codes of a cell."""
    return several(read_text(cell))


def read_whole(cell: object) -> int:
    """Return the whole number of a cell, from 0."""
    text = read_text(cell)
    if not text.isascii() or not text.isdigit() or len(text) > 16:
        raise RegistryError("wrong-type", expected="integer", found=text)
    return int(text)


def read_ratio(cell: object) -> str:
    """Return a share as PLAN.toml has it: `5/100`, `5%`, or a number cell, of which 0.05 is what people see as 5%."""
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        text = repr(cell)
    else:
        text = read_text(cell)
        if not isinstance(cell, str):
            raise RegistryError("wrong-type", expected="ratio", found=text)
    if not _DECIMAL.fullmatch(text):
        return text  # such as 5/100, whose spelling is what the statement has; or no ratio, as the form will say
    share = Fraction(text.removesuffix("%")) / (_PERCENT if text.endswith("%") else 1)
    whole = next((scale for scale in _SCALES if (share * scale).denominator == 1), share.denominator)
    return f"{share * whole}/{whole}"


def read_value(cell: object) -> str:
    """Return the text of a cell that is compared with an attribute's value: `007` typed as a number has lost its zeros.

    Unlike a code it is not brought to ASCII, for neither is the attribute (specs/map.md §3).
    """
    if not isinstance(cell, str | Marked):
        raise RegistryError("number-cell", expected="text", found=repr(cell))
    return read_text(cell)


def read_scalar(cell: object) -> object:
    """Return a value of an attribute: text, or `整数:3` and `是否:是`, which no cell tells from text by itself."""
    text = read_value(cell)
    kind, colon, rest = text.partition(":") if ":" in text else text.partition("：")
    if not colon or kind not in _TYPED:
        return text
    return read_whole(rest) if _TYPED[kind] is int else word_of("boolean")(rest)


def read_scalars(cell: object) -> object:
    """Return the values of a cell that may hold several, with `、` between."""
    return [read_scalar(part) for part in read_value(cell).split(_LIST_MARK)]


SETTINGS: Final[Mapping[str, tuple[str, Place, Reader]]] = {
    "id": ("计划代号", ("id",), read_text),
    "kind": ("计划类型", ("kind",), word_of("kind")),
    "year": ("年度", ("year",), read_whole),
    "regulation": ("制度", ("regulation",), read_text),
    "objects": ("对象名录库", ("objects",), read_text),
    "inspectors": ("人员名录库", ("inspectors",), read_text),
    "yearly_cap": ("年度上限", ("yearly_cap",), read_whole),
    "audit": ("核对行数", ("audit",), read_whole),
    "substitutions": ("递补次数", ("substitutions",), read_whole),
    "voids": ("作废原因", ("voids",), read_ids),
    "reason": ("调整理由", ("reason",), read_text),
    "size": ("检查组人数", ("team", "size"), read_whole),
    "department": ("部门字段", ("team", "department"), read_text),
    "order": ("抽取顺序", ("team", "order"), word_of("order")),
    "pool": ("备选人数", ("team", "pool"), read_whole),
    "cap": ("每人上限", ("team", "cap"), read_whole),
    "limit": ("尝试次数", ("team", "limit"), read_whole),
    "beyond": ("超限办法", ("team", "beyond"), word_of("beyond")),
    "steps": ("换位步数", ("team", "steps"), read_whole),
}
"""What rows of the kind `setting` may name: the Chinese name, the place in the form, and how its cell is read."""

RULES: Final[Mapping[str, tuple[str, Reader]]] = {
    "filter": ("抽取条件", read_text),
    "strata": ("分层字段", read_ids),
    "grade": ("信用字段", read_text),
    "top_up": ("补足等级", read_scalars),
    "region": ("地区字段", read_text),
    "each_region": ("每区至少一个", word_of("boolean")),
}
"""What rows of the kind `rule` may name: the Chinese name, and how its cell is read."""

EXAMPLE: Final[tuple[Mapping[str, str], ...]] = (
    {"row": "设置", "name": "计划代号", "value": "2026"},
    {"row": "设置", "name": "对象名录库", "value": "institutions"},
    {"row": "设置", "name": "人员名录库", "value": "staff"},
    {"row": "设置", "name": "检查组人数", "value": "2"},
    {"row": "批次", "items": "fund-use", "name": "1", "first": "2026-03-01", "last": "2026-06-30"},
    {"row": "批次", "items": "fund-use", "name": "2", "first": "2026-09-01", "last": "2026-11-30"},
    {"row": "规则", "items": "fund-use", "name": "分层字段", "value": "type"},
    {"row": "抽取比例", "items": "fund-use", "value": "medical", "ratio": "5/100", "rounding": "不低于"},
    {"row": "抽取比例", "items": "fund-use", "value": "pharmacy", "ratio": "3/100", "rounding": "不低于"},
    {"row": "匹配条件", "name": "不同", "object": "operator", "inspector": "employer"},
)
"""A plan that the template of the sheet shows."""
