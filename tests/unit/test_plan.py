"""Quotas with exact rationals, strata, and which version of a plan is meant."""

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairdraw.errors import PlanError, StatementError
from fairdraw.exclusion import Exclusion
from fairdraw.plan import version_meant
from fairdraw.quota import allocate, is_singled_out, round_quota
from fairdraw.roster import Roster, RosterRow
from fairdraw.schema import Plan
from support.story import SLOT, Story


def roster(*kinds: object) -> Roster:
    return Roster.of(RosterRow(f"H-{i:04d}", {"type": kind, "region": "a"}, "0" * 64) for i, kind in enumerate(kinds))


def plan(**changes) -> Plan:
    return Story().plan(**changes).of(Plan)


OUT = {Exclusion(None, f"H-000{i}", "yearly-cap") for i in range(3)}


def strata(rules: Plan, rows: Roster, exclusions=()):
    return allocate(rules, [SLOT], rows, exclusions).strata


@pytest.mark.parametrize(
    ("ratio", "base", "rounding", "quota"),
    [
        ("3/100", 37, "ceil", 2), ("3/100", 37, "nearest", 1), ("3/100", 37, "floor", 1), ("3/100", 33, "floor", 0),
        ("3/100", 1, "nearest", 1), ("1/10", 15, "nearest", 2), ("1/10", 14, "nearest", 1), ("0/1", 9, "nearest", 0),
        ("1/10", 0, "nearest", 0), ("1/10", 0, "ceil", 0), ("1/1", 7, "ceil", 7), ("1/3", 3, "ceil", 1),
        ("29/100", 100, "ceil", 29), ("7/100", 100, "ceil", 7),
    ],
)  # fmt: skip
def test_a_quota_is_rounded_as_its_article_speaks(ratio, base, rounding, quota):
    assert round_quota(Fraction(ratio) * base, rounding) == quota


@given(st.integers(0, 10**9), st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_quota_never_leaves_its_bounds(base, top, bottom):
    ratio = Fraction(min(top, bottom), bottom)
    exact = ratio * base
    assert round_quota(exact, "floor") == floor(exact)
    assert round_quota(exact, "ceil") == ceil(exact) <= base
    nearest = round_quota(exact, "nearest")
    assert (nearest == 0) == (exact == 0)
    assert abs(nearest - exact) <= Fraction(1, 2) or nearest == 1


def test_strata_are_sorted_by_their_canonical_values():
    told = strata(plan(strata=("type",)), roster("b", None, "a", 10, 9, True, "B", "中"), ())
    keys = [stratum.sort_key for stratum in told]
    assert keys == sorted(keys)
    assert told[0].values == ("B",)
    assert sum(stratum.base for stratum in told) == 8


def test_a_quota_carries_its_derivation():
    (stratum,) = strata(plan(strata=("type",), ratio="3/100", rounding="ceil"), roster(*["a"] * 37), ())
    assert (stratum.quota, stratum.derivation) == (2, "ceil(37*3/100)=2")


def test_excluded_rows_stay_in_the_base_and_are_not_drawn():
    (stratum,) = strata(plan(strata=("type",), ratio="1/2"), roster(*["a"] * 4), OUT)
    assert (stratum.base, list(stratum.eligible), stratum.quota) == (4, ["H-0003"], 1)
    assert stratum.derivation == "ceil(4*1/2)=2;eligible=1"


def test_without_strata_everything_is_one():
    (stratum,) = strata(plan(strata=()), roster("a", "b"), ())
    assert (stratum.values, stratum.base) == ((), 2)


def test_strata_of_what_is_no_single_value_are_refused():
    with pytest.raises(PlanError) as caught:
        strata(plan(strata=("level",)), roster("a"), ())
    assert caught.value.code == "unknown-attribute"
    with pytest.raises(PlanError) as caught:
        strata(plan(strata=("type",)), roster(["a", "b"]), ())
    assert caught.value.code == "list-as-stratum"


@pytest.mark.parametrize(
    ("base", "ratio", "singled"), [(1, "1/10", True), (20, "1/10", False), (4, "1/10", True), (9, "1/1", False)]
)
def test_a_stratum_drawn_far_above_the_ratio_is_singled_out(base, ratio, singled):
    rules = plan(strata=("type",), ratio=ratio)
    (stratum,) = strata(rules, roster(*["a"] * base), ())
    assert is_singled_out(stratum) is singled


SLOTS = ("2026/fund-use/1", "2026/fund-use/2")


def test_the_version_meant_is_the_last_that_changed_the_rules_or_added_the_slot():
    story = Story()
    first = story.plan(slots=SLOTS[:1])
    added = story.plan(slots=SLOTS)
    same = story.plan(slots=SLOTS, reason="typing-error")
    changed = story.plan(slots=SLOTS, ratio="1/5")
    dropped = story.plan(slots=SLOTS[1:], ratio="1/5")
    versions = [first, added, same]
    assert version_meant(versions, SLOTS[:1]) == first
    assert version_meant(versions, SLOTS[1:]) == version_meant(versions, SLOTS) == added
    assert version_meant([*versions, changed], SLOTS[:1]) == changed
    assert version_meant([*versions, changed, dropped], SLOTS[:1]) is None
    assert version_meant([*versions, changed, dropped], SLOTS[1:]) == changed
    assert version_meant([], SLOTS) is None


@pytest.mark.parametrize(
    "bent",
    [
        {"ratio": "0.1"}, {"ratio": "2/1"}, {"ratio": "1/0"}, {"ratio": "01/10"}, {"ratio": "-1/10"}, {"slots": ()},
        {"slots": SLOTS[::-1]}, {"slots": (SLOTS[0], SLOTS[0])}, {"slots": ("2025/fund-use/1",)},
        {"slots": ("2026/x",)},
        {"strata": ("type", "type")}, {"strata": ("Type",)}, {"rounding": "half-even"}, {"audit": -1},
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_logged_is_refused(bent):
    with pytest.raises(StatementError, match="bad-field"):
        plan(**bent)
