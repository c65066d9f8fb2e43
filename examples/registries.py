"""Invented registries under each regulation: by hashes, so that they are the same in every run.

Nothing of it is about anybody. A registry changes in the course of a year as real ones do: grades move, new rows come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Final

from stdnum.cn import uscc

from fairdraw.registry import Registry, Row, Value

Weights = Mapping[str, int]
OBJECT_ATTRS: Final = (
    ("complaints", "integer"), ("grade", "string"), ("level", "integer"), ("region", "string"), ("risk", "string"),
    ("type", "string"),
)  # fmt: skip
STAFF_ATTRS: Final = (
    ("department", "string"), ("expert", "boolean"), ("level", "integer"), ("qualified", "boolean"),
    ("region", "string"), ("specialities", "strings"), ("valid_until", "string"),
)  # fmt: skip
OBJECT_PRIVATE: Final = (("name", True), ("uscc", True), ("address", False), ("representative", False))
STAFF_PRIVATE: Final = (("name", True), ("certificate", False), ("post", False))
COMPLAINTS: Final[Weights] = {"0": 70, "1": 15, "2": 9, "3": 6}
RISKS: Final[Weights] = {"low": 55, "middle": 30, "high": 15}
SPECIALITIES: Final = (("audit",), ("audit", "medicine"), ("finance",), ("medicine",))
CREDIT: Final[Weights] = {"excellent": 20, "good": 38, "fair": 25, "poor": 16, "bad": 1}
THREE: Final[Weights] = {"good": 40, "fair": 45, "bad": 15}


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """What a regulation's registries are made of: the whole area's code, its districts, types and grades by weight."""

    area: str
    districts: tuple[str, ...]
    types: Weights
    grades: Weights = field(default_factory=lambda: CREDIT)


COUNTRIES: Final[Mapping[str, Country]] = {
    "shandong-2020": Country(
        area="3701", districts=("370102", "370103", "370104", "370105"),
        types={"medical": 30, "pharmacy": 45, "employer": 25},
    ),
    "shuozhou-2023": Country(
        area="1406", districts=("140602", "140603", "140621", "140681"), types={"medical": 45, "pharmacy": 55}
    ),
    "laiyuan": Country(
        area="130630", districts=("130630100", "130630101", "130630200", "130630201"), types={"institution": 1}
    ),
    "shanghai-2024": Country(
        area="3101", districts=("310101", "310104", "310105"),
        types={"medical": 40, "pharmacy": 40, "care-assessor": 8, "care-provider": 12},
    ),
    "plan-2025": Country(
        area="4201", districts=("420102", "420103", "420104"), types={"medical": 75, "public-medical": 25}, grades=THREE
    ),
}  # fmt: skip


def chosen(weights: Weights, *label: object) -> str:
    """Return one of the names, by a hash of the label: examples need variety, not chance."""
    place = int.from_bytes(sha256(" ".join(map(str, label)).encode()).digest()[:8]) % sum(weights.values())
    for name, weight in weights.items():
        if place < weight:
            return name
        place -= weight
    raise AssertionError("the weights add up")


def _even(names: Sequence[str]) -> Weights:
    return dict.fromkeys(names, 1)


@cache
def _private(region: str, index: int) -> tuple[str, ...]:
    bare = f"91{region[:6]}{index:09d}"
    return f"第{index}机构", bare + uscc.calc_check_digit(bare), f"{region}街{index}号", f"负责人{index}"


def objects(regulation: str, count: int, *, version: int = 1) -> Registry:
    """Return the objects; with each version some grades move and a hundredth of the rows is new."""
    country = COUNTRIES[regulation]
    rows = []
    for index in range(1, count + count // 100 * (version - 1) + 1):
        kept = version if chosen({"moved": 1, "kept": 9}, "moves", regulation, index) == "moved" else 1
        region = chosen(_even(country.districts), "region", regulation, index)
        attrs: dict[str, Value] = {
            "complaints": int(chosen(COMPLAINTS, "complaints", regulation, index, kept)),
            "grade": chosen(country.grades, "grade", regulation, index, kept),
            "level": int(chosen({"1": 60, "2": 30, "3": 10}, "level", regulation, index)),
            "region": region,
            "risk": chosen(RISKS, "risk", regulation, index, kept),
            "type": chosen(country.types, "type", regulation, index),
        }
        rows.append(Row(f"O-{index:05d}", attrs, _private(region, index)))
    return Registry(OBJECT_ATTRS, OBJECT_PRIVATE, tuple(rows))


def inspectors(regulation: str, count: int, *, department: str = "ybj", prefix: str = "I", year: int) -> Registry:
    """Return the inspectors of a department: half of them for the whole area, a tenth experts, few unqualified."""
    country = COUNTRIES[regulation]
    rows = []
    for index in range(1, count + 1):
        attrs: dict[str, Value] = {
            "department": department,
            "expert": index % 10 == 0,
            "level": 3 if index % 3 else 2,
            "qualified": index % 14 != 0,
            "region": country.area if index % 2 else chosen(_even(country.districts), "staff", department, index),
            "specialities": SPECIALITIES[index % len(SPECIALITIES)],
            "valid_until": f"{year + (0 if index % 15 == 0 else 3)}-06-30",
        }
        rows.append(Row(f"{prefix}-{index:04d}", attrs, (f"检查员{index}", f"执法{index:06d}", "稽核")))
    return Registry(STAFF_ATTRS, STAFF_PRIVATE, tuple(rows))
