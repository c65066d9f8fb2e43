"""Grades, regions, instalments and legal floors: the sums of specs/plan.md §4 and §5, redone by hand."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairdraw.errors import FilterError, PlanError
from fairdraw.exclusion import Exclusion
from fairdraw.quota import allocate, is_singled_out, largest_remainder, strata_of
from fairdraw.roster import Roster, RosterRow
from fairdraw.schema import Plan
from support.story import SLOT, Story, rule

GRADES = (
    {"grade": "excellent", "factor": "3/10", "rounding": "floor", "whole": False},
    {"grade": "good", "factor": "1/2", "rounding": "nearest", "whole": False},
    {"grade": "fair", "factor": "1/1", "rounding": "nearest", "whole": False},
    {"grade": "poor", "factor": "6/5", "rounding": "ceil", "whole": False},
    {"grade": "bad", "factor": "1/1", "rounding": "nearest", "whole": True},
)


def roster(*rows: dict[str, object]) -> Roster:
    return Roster.of(RosterRow(f"H-{i:05d}", row, "0" * 64) for i, row in enumerate(rows))


def rows(**counts: int) -> list[dict[str, object]]:
    return [{"type": "h", "region": "a", "grade": grade} for grade, count in counts.items() for _ in range(count)]


def plan(share: str | None = None, **changes) -> Plan:
    schedule = () if share is None else ({"slot": SLOT, "first": "2026-01-01", "last": "2026-12-31", "share": share},)
    return Story().plan(slots=(SLOT,), schedule=schedule, rules=(rule(SLOT, **changes),)).of(Plan)


def graded(floor: str | None = "1/20", **changes) -> dict:
    whole = {"of": (), "ratio": "1/20", "rounding": "ceil", "floor": floor}
    return {"ratios": (whole,), "grade": "grade", "grades": GRADES, "top_up": ("fair", "poor"), **changes}


def quotas(rules: Plan, objects: Roster, exclusions=()) -> dict:
    return {s.values[-1]: s.quota for s in allocate(rules, [SLOT], objects, exclusions).strata}


def test_grades_multiply_the_ratio_and_the_floor_is_topped_up_from_the_middle_and_poor_ones():
    """requirements.md §1.7.4: 1,000 objects, 300/400/200/80/20, 5 %."""
    told = allocate(plan(**graded()), [SLOT], roster(*rows(excellent=300, good=400, fair=200, poor=80, bad=20)), ())
    drawn = {s.values[-1]: (s.quota, s.derivation) for s in told.strata}
    assert drawn["excellent"] == (4, "floor(300*1/20*3/10)=4")
    assert drawn["good"] == (10, "nearest(400*1/20*1/2)=10")
    assert drawn["bad"] == (20, "all(20)")
    assert drawn["poor"][0] + drawn["fair"][0] == 16
    (floor,) = told.floors
    assert (floor.population, floor.needed, floor.planned, floor.reached) == (1000, 50, 49, 50)
    assert drawn["fair"][1] == "nearest(200*1/20*1/1)=10;floor=ceil(1000*1/20)=50>49;top-up=1"


def test_a_zero_factor_exempts_and_does_not_lower_what_the_others_owe():
    grades = ({"grade": "excellent", "factor": "0/1", "rounding": "floor", "whole": False}, *GRADES[1:])
    told = allocate(plan(**graded(grades=grades)), [SLOT], roster(*rows(excellent=900, fair=100)), ())
    assert {s.values[-1]: s.quota for s in told.strata} == {"excellent": 0, "fair": 50}


def test_a_filter_does_not_lower_the_legal_floor():
    spared = allocate(plan(**graded(filter='grade != "excellent"')), [SLOT], roster(*rows(excellent=900, fair=100)), ())
    assert [(s.values[-1], s.total, s.base, s.quota) for s in spared.strata] == [("fair", 100, 100, 50)]
    assert spared.floors[0].population == 1000


def test_a_filter_that_lets_nobody_through_leaves_the_legal_floor_unreached():
    told = allocate(plan(**graded(filter='grade = "nobody"')), [SLOT], roster(*rows(excellent=900, fair=100)), ())
    (floor,) = told.floors
    assert (told.strata, floor.needed, floor.reached) == ((), 50, 0)


def test_an_item_that_the_plan_has_no_rule_for_is_refused():
    with pytest.raises(PlanError, match="slot-not-in-plan"):
        allocate(plan(**graded()), ["2026/elsewhere/1"], roster(*rows(fair=100)), ())


def test_a_floor_that_nobody_is_left_to_reach_says_what_is_missing():
    gone = {Exclusion(None, f"H-{i:05d}", "yearly-cap") for i in range(95)}
    told = allocate(plan(**graded(floor="1/10")), [SLOT], roster(*rows(fair=100)), gone)
    (floor,), (stratum,) = told.floors, told.strata
    assert (floor.needed, floor.reached, stratum.quota) == (10, 5, 5)


def test_full_coverage_takes_everybody_but_those_at_the_cap():
    out = {Exclusion(None, "H-00000", "yearly-cap")}
    (stratum,) = allocate(plan(**graded(floor=None)), [SLOT], roster(*rows(bad=5)), out).strata
    assert (stratum.wanted, stratum.quota, stratum.derivation) == (5, 4, "all(5);eligible=4")
    assert not is_singled_out(stratum)


def test_more_than_all_is_all():
    whole = {"of": (), "ratio": "1/1", "rounding": "ceil", "floor": None}
    assert quotas(plan(**graded(ratios=(whole,))), roster(*rows(poor=5))) == {"poor": 5}


def test_regions_share_a_quota_by_largest_remainder():
    told = [
        {"type": "h", "region": region} for region, count in (("a", 41), ("b", 41), ("c", 18)) for _ in range(count)
    ]
    regional = plan(ratio="1/10", region="region")
    assert quotas(regional, roster(*told)) == {"a": 4, "b": 4, "c": 2}
    least = plan(ratio="1/100", region="region", each_region=True)
    strata = allocate(least, [SLOT], roster(*told), ()).strata
    assert [(s.quota, s.derivation) for s in strata] == [
        (1, "ceil(100*1/100)=1;region=1"), (1, "ceil(100*1/100)=1;least=1"), (1, "ceil(100*1/100)=1;least=1"),
    ]  # fmt: skip


def test_instalments_add_up_to_the_year_and_take_nobody_twice():
    objects, drawn = roster(*rows(fair=37)), 0
    for share in ("1/3", "2/3", "1/1"):
        before = {Exclusion("fund-use", f"H-{i:05d}", "drawn-before") for i in range(drawn)}
        (stratum,) = allocate(plan(share, ratio="1/5"), [SLOT], objects, before).strata
        assert not {one.no for one in before} & set(stratum.eligible)
        drawn += stratum.quota
        if before:
            assert f";before={len(before)}" in stratum.derivation
    assert drawn == 8  # ceil(37/5)


def test_each_type_has_its_ratio_and_the_longest_beginning_counts():
    ratios = (
        {"of": (), "ratio": "1/50", "rounding": "ceil", "floor": None},
        {"of": ("h",), "ratio": "1/20", "rounding": "ceil", "floor": None},
        {"of": ("p",), "ratio": "3/100", "rounding": "ceil", "floor": None},
    )
    kinds = [{"type": kind} for kind in ["h"] * 100 + ["p"] * 100 + ["x"] * 100]
    assert quotas(plan(ratios=ratios), roster(*kinds)) == {"h": 5, "p": 3, "x": 2}


def test_one_and_true_are_two_values_also_where_the_filter_leaves_nothing():
    ratios = ({"of": (1,), "ratio": "1/2", "rounding": "ceil", "floor": None},)
    numbered = plan(strata=("beds",), ratios=ratios, filter='kind = "h"')
    assert quotas(numbered, roster(*[{"beds": 1, "kind": "h"}] * 4)) == {1: 2}
    assert quotas(numbered, roster(*[{"beds": True, "kind": "p"}] * 4)) == {}
    with pytest.raises(PlanError, match="stratum-without-ratio"):
        quotas(numbered, roster(*[{"beds": True, "kind": "h"}] * 4))


@pytest.mark.parametrize(
    ("bent", "code"),
    [
        ({"ratios": ({"of": ("z",), "ratio": "1/2", "rounding": "ceil", "floor": None},)}, "stratum-without-ratio"),
        ({"grade": "grade", "grades": GRADES[:2]}, "grade-without-rule"),
        ({"region": "nowhere"}, "unknown-attribute"),
    ],
)
def test_a_plan_that_says_nothing_of_a_row_is_refused(bent, code):
    with pytest.raises(PlanError, match=code):
        allocate(plan(**bent), [SLOT], roster(*rows(fair=3)), ())


def test_a_filter_that_asks_for_what_no_row_has_is_refused():
    with pytest.raises(FilterError, match="filter-unknown-attribute"):
        allocate(plan(filter='size = "large"'), [SLOT], roster(*rows(fair=3)), ())


def test_several_items_are_planned_each_by_its_own_rule():
    slots = ("2026/fund-use/1", "2026/registers/1")
    rules = (rule(slots[0], filter='type = "h"', ratio="1/10"), rule(slots[1], ratio="1/2"))
    both = Story().plan(slots=slots, rules=rules).of(Plan)
    told = allocate(both, slots, roster(*[{"type": "h"}] * 20, *[{"type": "p"}] * 4), ())
    assert [(s.item, s.values, s.quota) for s in told.strata] == [
        ("fund-use", ("h",), 2), ("registers", ("h",), 10), ("registers", ("p",), 2),
    ]  # fmt: skip
    row = RosterRow("P-1", {"type": "p"}, "")
    assert strata_of(both, slots, row) == (("registers", ("p",)),)


REGISTRY = st.lists(
    st.fixed_dictionaries({
        "type": st.sampled_from(["h", "p"]), "region": st.sampled_from(["a", "b", None]),
        "grade": st.sampled_from([grade["grade"] for grade in GRADES]),
    }),
    max_size=80,
)  # fmt: skip


@given(REGISTRY, st.sets(st.integers(0, 79)), st.sampled_from([None, "1/4", "1/1"]), st.booleans(), st.booleans())
def test_for_any_registry_quotas_keep_their_bounds_and_reach_the_floor_if_anybody_can(
    registry, struck, share, regional, each
):
    region = {"region": "region", "each_region": each} if regional else {}
    rules = plan(share, **graded(**region))
    objects = roster(*registry)
    reason = "yearly-cap" if share is None else "drawn-before"
    item = None if share is None else "fund-use"
    exclusions = {Exclusion(item, f"H-{i:05d}", reason) for i in struck}
    told = allocate(rules, [SLOT], objects, exclusions)
    assert sum(s.base for s in told.strata) == len(registry)
    for stratum in told.strata:
        assert 0 <= stratum.quota <= len(stratum.eligible) <= stratum.base <= stratum.total
        assert stratum.quota <= stratum.wanted
        assert not {one.no for one in exclusions} & set(stratum.eligible)
    for floor in told.floors:
        able = [s for s in told.strata if s.values[1] in ("fair", "poor")]
        exhausted = all(s.quota == len(s.eligible) for s in able)
        assert floor.reached >= floor.needed or exhausted
        assert floor.needed >= Fraction(1, 20) * floor.population * Fraction(share or "1/1")


@given(st.integers(0, 500), st.dictionaries(st.tuples(st.text("abc", max_size=3)), st.integers(1, 50), min_size=1))
def test_largest_remainders_add_up_and_stay_within_one_of_the_exact_share(number, weights):
    told = largest_remainder(number, weights)
    assert sum(told.values()) == number
    whole = sum(weights.values())
    assert all(abs(told[key] - Fraction(number * weights[key], whole)) < 1 for key in weights)
