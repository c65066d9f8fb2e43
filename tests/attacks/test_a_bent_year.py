"""Attacks on a whole year (docs/threat-model.md): each draw holds, and the year is bent all the same."""

from fairdraw.registry import Registry, Row
from fairdraw.regulation import Provision
from support import acts
from support.audited import DECEMBER, ROLES, codes, finding, inspected, regulated, year
from support.regulations import FIVE
from support.story import SLOT, begin, inspectors, objects, tell

SECOND = "2026/fund-use/2"
SEPARATED = Provision(value=True, cite=("第十条",))  # 抽取与检查分离


def drawn_numbers(told) -> list[str]:
    return [one.no for one in told.outcome().selection.drawn]


def test_a_second_slot_invented_after_an_unwelcome_draw_is_found():
    told = inspected(plan={"slots": (SLOT,)})
    story = told.story
    longer = story.plan(slots=(SLOT, SECOND), reason="risk")
    story.now += 60
    story.checkpoint()
    objs, staff = story.snapshot("institutions", objects(), "2"), story.snapshot("staff", inspectors(), "2")
    more = told.announce_again(plan=longer, objects=objs, inspectors=staff, slots=[SECOND])
    more.later()
    more.go_on()
    assert more.report().verdict == "holds"  # by itself it is a draw like any other
    shown = finding(more, "slot-added-late")
    assert (shown.index, shown.evidence["slot"], shown.evidence["after"]) == (longer.index, SECOND, told.draw.index)


def test_a_registry_that_shrank_between_two_draws_is_found_with_who_was_drawn():
    told = inspected(plan={"ratio": "1/1"})
    rows = objects().rows
    told.story.snapshot("institutions", Registry(objects().attrs, objects().private, rows[5:]), "2")
    shown = finding(told, "registry-shrank")
    assert shown.evidence["gone"] == 5
    assert shown.evidence["drawn"] == [row.no for row in rows[:5]]


def test_an_exception_for_a_drawn_object_is_found():
    told = inspected()
    entry = acts.exception(told, drawn_numbers(told)[0])
    assert finding(told, "exception-of-drawn-object").index == entry.index


def test_an_object_that_was_drawn_and_never_inspected_is_the_first_line_of_the_audit():
    told = tell()
    spared, *others = drawn_numbers(told)
    acts.result(told, *(acts.outcome(told, no) for no in others))
    assert told.report().verdict == "holds"
    first = year(told).findings[0]
    assert (first.code, first.evidence["objects"]) == ("drawn-not-inspected", [spared])


def test_a_cap_that_is_dodged_through_a_renamed_object_is_found():
    told = inspected(plan={"ratio": "1/1", "yearly_cap": 1})
    registry = objects()
    renamed = Row("H-999999", registry.rows[0].attrs, registry.rows[0].private)
    told.story.snapshot("institutions", Registry(registry.attrs, registry.private, (*registry.rows[1:], renamed)), "2")
    shown = finding(told, "numbers-changed")
    assert (shown.evidence["drawn"], shown.evidence["new"]) == (["H-000000"], ["H-999999"])


def test_a_result_that_is_dated_back_is_late_by_the_witnesses_clock():
    told = tell()
    told.story.now = DECEMBER
    acts.result(told)  # it says that the check ended in September, and so does its own `time` for all anybody knows
    assert "result-late" in codes(told)


def test_an_announcement_that_was_looked_at_and_never_drawn_is_found_in_the_year():
    told = begin()
    assert finding(told, "overdue-draw").index == told.announcement.index


def test_results_by_the_drawing_unit_do_not_end_an_object_where_the_two_are_separated():
    told = regulated(FIVE["plan-2025"].model_copy(update={"separation": SEPARATED})).go_on()
    acts.result(told)
    assert {"wrong-role", "drawn-not-inspected"} <= codes(told, roles=ROLES)
