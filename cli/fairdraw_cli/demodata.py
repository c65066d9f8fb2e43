"""The demonstration's registries: invented names with well-formed codes, the same in every run."""

import csv
import io
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from stdnum.cn import ric, uscc

OBJECTS: Final = 800
INSPECTORS: Final = 40
REGIONS: Final = ("370102", "370103", "370104", "370105")
KINDS: Final = (
    ("定点药店", "大药房", 50),
    ("定点诊所", "诊所", 30),
    ("定点医院", "医院", 12),
    ("养老机构", "护理院", 8),
)
GRADES: Final = ("A", "B", "C")
FIRST: Final = "安康福瑞仁和德济同春明惠宁泰祥佑民众广源"
SURNAMES: Final = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何"
GIVEN: Final = "文武明华建国志强秀英丽娜静敏伟涛磊军勇杰"
RECUSED: Final = (("H-0007", "I-03", "kinship"), ("H-0120", "I-11", "former-post"), ("H-0455", "I-28", "kinship"))

MAP_OBJECTS: Final = """\
no = "编号"
identity = ["uscc"]

[attrs]
region = "区划"
type = "类型"
grade = "信用等级"

[private]
name = { column = "名称", required = true }
uscc = { column = "统一社会信用代码", check = "uscc" }

[closed]
phone = { column = "电话", check = "phone" }
"""
MAP_INSPECTORS: Final = """\
no = "编号"
identity = ["id"]

[attrs]
department = { column = "单位", map = { "医疗保障局" = "ybj", "卫生健康局" = "wjw" } }
qualified = { column = "持证在岗", type = "boolean" }

[private]
name = { column = "姓名", required = true }

[closed]
id = { column = "身份证号", check = "id" }
"""
PLAN: Final = """\
id = "2026"
slots = ["2026/fund-use/1", "2026/fund-use/2"]
objects = "institutions"
inspectors = "staff"
strata = ["type"]
ratio = "3/100"
rounding = "ceil"

[team]
size = 2
department = "department"
quota = { ybj = 1, wjw = 1 }
cap = 4
eligible = [{ rule = "true", inspector = "qualified" }]
"""
DRAW: Final = """\
id = "fund-1"
slots = ["2026/fund-use/1"]
window = 2026-10-31
disclosure = "at-once"
recusals = "recusals.csv"

[[beacon]]
chain = "quicknet"
at = 2026-09-07T18:36:36Z

[seed]
kind = "published"
digits = "20260907"
"""


def _chosen(label: str, index: int, choices: Sequence[str]) -> str:
    """Return one of the choices, by a hash: the demonstration needs variety, not chance."""
    return choices[int.from_bytes(sha256(f"{label} {index}".encode()).digest()[:4]) % len(choices)]


def _table(rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def _kind(index: int) -> tuple[str, str]:
    place = index * 37 % 100
    for name, suffix, share in KINDS:
        if place < share:
            return name, suffix
        place -= share
    raise AssertionError("the shares add up to 100")


def objects() -> bytes:
    """Return the objects' registry: number, name, code, division, type, grade, telephone."""
    rows = [("编号", "名称", "统一社会信用代码", "区划", "类型", "信用等级", "电话")]
    for index in range(1, OBJECTS + 1):
        kind, suffix = _kind(index)
        region = _chosen("region", index, REGIONS)
        name = _chosen("first", index, FIRST) + _chosen("second", index, FIRST) + f"{index}" + suffix
        bare = f"91{region}{index:09d}"
        phone = f"1390000{index:04d}"
        code = bare + uscc.calc_check_digit(bare)
        rows.append((f"H-{index:04d}", name, code, region, kind, _chosen("grade", index, GRADES), phone))
    return _table(rows)


def inspectors() -> bytes:
    """Return the inspectors' registry: number, name, id number, department, whether qualified."""
    rows = [("编号", "姓名", "身份证号", "单位", "持证在岗")]
    for index in range(1, INSPECTORS + 1):
        name = _chosen("surname", index, SURNAMES) + _chosen("given", index, GIVEN) + _chosen("last", index, GIVEN)
        bare = f"{REGIONS[index % 4]}19{70 + index % 25}{index % 12 + 1:02d}{index % 28 + 1:02d}{index:03d}"
        department = "卫生健康局" if index % 5 < 2 else "医疗保障局"
        rows.append(
            (f"I-{index:02d}", name, bare + ric.calc_check_digit(bare + "0"), department, "否" if index == 13 else "是")
        )
    return _table(rows)


def recusals() -> bytes:
    """Return the recusal list."""
    rows = [("object", "inspector", "declarer", "reason", "form")]
    rows += [(no, inspector, "inspector", reason, "") for no, inspector, reason in RECUSED]
    return _table(rows)


def files() -> dict[str, bytes]:
    """Return every file that the demonstration starts from, by name."""
    return {
        "institutions.csv": objects(),
        "institutions.toml": MAP_OBJECTS.encode(),
        "staff.csv": inspectors(),
        "staff.toml": MAP_INSPECTORS.encode(),
        "recusals.csv": recusals(),
        "plan.toml": PLAN.encode(),
        "draw.toml": DRAW.encode(),
    }
