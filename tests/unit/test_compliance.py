"""Plans against regulations: each fault with its honest twin. specs/compliance.md §3, §4."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairdraw.compliance import announcement_faults, articles_of, plan_faults
from fairdraw.errors import PlanError
from fairdraw.itemlist import format_items, read_items
from fairdraw.regulation import Regulation
from fairdraw.schema import Plan
from fairdraw_cli.regulations import load
from support.story import Story, begin, rule, sealed, team

SHANDONG, SHUOZHOU, LAIYUAN, SHANGHAI, PLAN_2025 = map(
    load, ("shandong-2020", "shuozhou-2023", "laiyuan", "shanghai-2024", "plan-2025")
)


def ratios(medical: str = "1/20", pharmacy: str = "3/100", *, floors: bool = True, rounding: str = "ceil") -> tuple:
    return tuple(
        {"of": (kind,), "ratio": ratio, "rounding": rounding, "floor": ratio if floors else None}
        for kind, ratio in (("medical", medical), ("pharmacy", pharmacy))
    )


def shandong(**changes) -> Plan:
    """An honest yearly plan under the rules of Shandong, bent by `changes`."""
    item = SHANDONG.items[0].id
    slot = f"2020/{item}/1"
    rules = changes.pop("rules", (rule(slot, ratios=changes.pop("ratios", ratios())),))
    schedule = ({"slot": slot, "first": "2020-03-01", "last": "2020-06-30", "share": None},)
    fields = {"plan": "2020", "year": 2020, "slots": (slot,), "schedule": schedule, "yearly_cap": 2, "rules": rules,
              "team": team()}  # fmt: skip
    return Story().plan(**(fields | changes)).of(Plan)


def codes(regulation: Regulation, plan: Plan, items=None) -> list[str]:
    return [fault.code for fault in plan_faults(regulation, plan, regulation.items if items is None else items)]


def test_an_honest_plan_has_no_fault():
    assert codes(SHANDONG, shandong()) == []


@pytest.mark.parametrize(
    ("changes", "code", "article"),
    [
        ({"ratios": ratios(medical="1/25")}, "ratio-below-floor", "细则第十一条"),
        ({"ratios": ratios(pharmacy="1/50")}, "ratio-below-floor", "细则第十一条"),
        ({"ratios": ratios(floors=False)}, "ratio-below-floor", "细则第十一条"),
        ({"yearly_cap": 3}, "cap-above", "细则第十一条"),
        ({"yearly_cap": None}, "cap-above", "细则第十一条"),
        ({"voids": ("bad-weather",)}, "void-reason-unknown", None),
        ({"team": team(order="objects-first")}, "order-differs", "细则第十二条"),
    ],
)
def test_what_shandong_does_not_allow_is_told_with_its_article(changes, code, article):
    faults = plan_faults(SHANDONG, shandong(**changes), SHANDONG.items)
    assert {fault.code for fault in faults} == {code}
    if article is not None:
        assert all(article in " ".join(fault.cite) for fault in faults)


def test_an_item_outside_the_list_is_told():
    assert codes(SHANDONG, shandong(), items=SHANDONG.items[1:]) == ["item-outside-list"]


def test_a_day_after_the_end_of_validity_is_told():
    slot = f"2020/{SHANDONG.items[0].id}/1"
    schedule = ({"slot": slot, "first": "2021-12-01", "last": "2022-01-31", "share": None},)
    assert codes(SHANDONG, shandong(schedule=schedule)) == ["not-in-force"]


def test_a_floor_of_a_whole_year_may_be_reached_by_several_draws():
    item = PLAN_2025.items[0].id
    slots = tuple(f"2025/{item}/{batch}" for batch in "12")

    def planned(floor: str, count: int) -> list[str]:
        whole = ({"of": (), "ratio": floor, "rounding": "ceil", "floor": floor},)
        told = Story().plan(plan="2025", year=2025, slots=slots[:count], rules=(rule(*slots[:count], ratios=whole),))
        return codes(PLAN_2025, told.of(Plan))

    assert planned("1/10", 1) == []
    assert planned("1/20", 2) == []
    assert set(planned("1/20", 1)) == {"ratio-below-floor"}


def graded(**changes) -> list[str]:
    """The codes of a Shuozhou plan of one general item, its grades bent by `changes`."""
    item = next(item for item in SHUOZHOU.items if item.category == "general")
    slot = f"2023/{item.id}/1"
    grades = {
        one.grade: {"grade": one.grade, "factor": one.factor or "1/1", "whole": one.full,
                    "rounding": "floor" if one.kind == "at-most" else "nearest"}
        for one in SHUOZHOU.grades
    }  # fmt: skip
    for name, bent in changes.items():
        grades[name] |= bent
    whole = ({"of": (), "ratio": "3/100", "rounding": "nearest", "floor": None},)
    told = rule(slot, ratios=whole, grade="grade", grades=tuple(grades[name] for name in grades), strata=())
    plan = Story().plan(plan="2023", year=2023, slots=(slot,), rules=(told,), team=team(order="objects-first"))
    return codes(SHUOZHOU, plan.of(Plan))


def test_the_credit_grades_of_shuozhou_are_held_to_their_kinds():
    assert graded() == []
    assert graded(excellent={"factor": "1/10"}) == []  # 不高于30%
    assert graded(excellent={"factor": "2/5"}) == ["grade-factor-differs"]
    assert graded(excellent={"rounding": "ceil"}) == ["grade-factor-differs"]
    assert graded(good={"factor": "2/5"}) == ["grade-factor-differs"]
    assert graded(poor={"factor": "1/1"}) == ["grade-factor-differs"]
    assert graded(bad={"whole": False}) == ["coverage-differs"]


def test_an_item_that_is_inspected_more_often_than_the_list_says_is_told():
    item = next(item for item in SHUOZHOU.items if item.category == "general")
    slots = tuple(f"2023/{item.id}/{batch}" for batch in "12")
    plan = Story().plan(plan="2023", year=2023, slots=slots, rules=(rule(*slots),)).of(Plan)
    assert "frequency-differs" in codes(SHUOZHOU, plan)
    halves = tuple({"slot": slot, "first": "2023-09-01", "last": "2023-12-31", "share": share}
                   for slot, share in zip(slots, ("1/2", "1/1"), strict=True))  # fmt: skip
    once = Story().plan(plan="2023", year=2023, slots=slots, schedule=halves, rules=(rule(*slots),)).of(Plan)
    assert "frequency-differs" not in codes(SHUOZHOU, once)


def test_shuozhou_wants_no_prior_notice():
    open_one, closed = begin().announcement, begin(before=sealed()).announcement
    assert "disclosure-at-once" in [fault.code for fault in announcement_faults(SHUOZHOU, open_one.statement)]
    assert "disclosure-at-once" not in [fault.code for fault in announcement_faults(SHUOZHOU, closed.statement)]
    assert announcement_faults(LAIYUAN, open_one.statement) == ()


def test_a_window_after_the_end_of_validity_is_told():
    said = begin().announcement.statement
    assert [fault.code for fault in announcement_faults(SHANDONG, said)] == ["not-in-force"]


def test_a_strata_line_names_the_articles_of_its_quota():
    told = articles_of(SHANDONG, shandong(), SHANDONG.items[0].id, ("medical",))
    assert any("第十一条" in article for article in told)


def test_two_regulations_name_no_item_with_its_basis():
    """上海 and the plan of 2025 name fields; a bureau adds its items with their basis."""
    assert [
        any(item.basis for item in regulation.items)
        for regulation in (SHANDONG, SHUOZHOU, SHANGHAI, LAIYUAN, PLAN_2025)
    ] == [True, True, False, True, False]


@pytest.mark.parametrize("regulation", [SHANDONG, SHUOZHOU, LAIYUAN], ids=lambda one: one.id)
def test_every_regulations_items_make_a_list_that_comes_back(regulation):
    listed = tuple(item for item in regulation.items if item.basis)
    data = format_items(listed)
    assert sorted(read_items(data), key=lambda item: item.id) == sorted(listed, key=lambda item: item.id)
    assert listed
    for bent in (data[:-1], data + data[: data.index(b"\n") + 1], data.replace(b'"basis":[', b'"basis" :[', 1)):
        with pytest.raises(PlanError, match="bad-item-list"):
            read_items(bent)


def test_an_item_without_a_legal_basis_cannot_be_listed():
    bare = SHANDONG.items[0].model_copy(update={"basis": ()})
    with pytest.raises(PlanError, match="item-without-basis"):
        read_items(format_items([bare]))


@given(st.fractions(0, 1, max_denominator=100), st.fractions(0, 1, max_denominator=100))
def test_for_any_ratios_a_plan_of_shandong_fits_if_and_only_if_it_holds_both_floors(medical, pharmacy):
    told = codes(SHANDONG, shandong(ratios=ratios(
        f"{medical.numerator}/{medical.denominator}", f"{pharmacy.numerator}/{pharmacy.denominator}")))  # fmt: skip
    assert (told == []) == (medical >= Fraction(5, 100) and pharmacy >= Fraction(3, 100))
