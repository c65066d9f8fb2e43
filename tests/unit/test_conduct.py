"""What a regulation allows after a draw, each fault with its honest twin. specs/acts.md §7."""

from dataclasses import replace

import pytest

from fairdraw.acts import ClosingLine, OutcomeLine, Vacancy, format_outcomes, read_outcomes
from fairdraw.calendar import published
from fairdraw.conduct import due_day, is_obstructed, noncooperations, outcome_faults, void_allowed
from fairdraw.errors import CalendarError
from fairdraw.regulation import Regulation
from fairdraw.roles import missing_sign_offs, roles_signed
from fairdraw.schema import Plan, SignOff
from fairdraw.substitution import pool
from fairdraw_cli.regulations import load
from support.acts import outcome, somebody, standing
from support.story import tell
from support.story import trust as reader_of

TOLD = tell()
CALENDAR = published()


def with_(regulation: Regulation, **changes) -> Regulation:
    return Regulation.model_validate_json(regulation.model_copy(update=changes).model_dump_json(by_alias=True))


def codes(regulation: Regulation, line: OutcomeLine, *earlier: OutcomeLine) -> list[str]:
    return [fault.code for fault in outcome_faults(regulation, line, calendar=CALENDAR, earlier=earlier)]


def test_twenty_working_days_are_counted_from_the_day_after_the_check():
    shuozhou = load("shuozhou-2023")
    assert due_day(shuozhou, "2026-01-30", CALENDAR) == "2026-03-05"
    assert due_day(load("laiyuan"), "2026-01-30", CALENDAR) is None  # 及时: promptly, and no number
    assert due_day(None, "2026-01-30", CALENDAR) is None
    assert codes(shuozhou, outcome(TOLD, due=due_day(shuozhou, "2026-09-11", CALENDAR))) == []
    assert codes(shuozhou, outcome(TOLD, due="2026-12-31")) == ["due-differs"]
    assert codes(shuozhou, outcome(TOLD)) == ["due-differs"]


def test_a_calendar_that_ends_cannot_tell_when_a_result_is_due():
    with pytest.raises(CalendarError):
        due_day(load("shuozhou-2023"), "2026-12-10", CALENDAR)


def test_acts_of_noncooperation_are_counted_in_a_task_or_in_a_year():
    laiyuan = load("laiyuan")
    yearly = with_(laiyuan, noncooperation=laiyuan.noncooperation.model_copy(
        update={"value": laiyuan.noncooperation.value.model_copy(update={"per": "year"})}))  # fmt: skip
    before = outcome(TOLD, noncooperation=(("2026-03-01", "untrue"),))
    older = outcome(TOLD, noncooperation=(("2025-03-01", "untrue"),))
    line = outcome(TOLD, noncooperation=(("2026-09-10", "entry-refused"),))
    assert noncooperations(laiyuan, line, [before, older]) == 1
    assert noncooperations(yearly, line, [before, older]) == 2
    assert not is_obstructed(laiyuan, line, [before])
    assert is_obstructed(yearly, line, [before])
    assert codes(yearly, line, before) == ["noncooperation-not-published"]
    assert codes(yearly, outcome(TOLD), before, before) == []  # nothing was refused this time
    assert codes(laiyuan, outcome(TOLD, noncooperation=(("2026-09-10", "shouting"),))) == ["noncooperation-unknown"]


def test_what_is_withheld_has_a_reason_of_the_regulation():
    told = {"result": None, "withheld": "privacy"}
    assert codes(load("shanghai-2024"), outcome(TOLD, **told)) == []
    assert codes(load("shanghai-2024"), outcome(TOLD, **told | {"withheld": "shame"})) == ["withheld-reason-unknown"]


def test_a_reason_to_void_is_announced_or_checked_by_a_machine():
    plan = TOLD.plan.of(Plan).model_copy(update={"voids": ("storm",)})
    assert [void_allowed(plan, reason) for reason in ("storm", "chain-retired", "regretted")] == [True, True, False]


def test_the_signatures_that_a_regulation_asks_of_a_draw():
    laiyuan, drawn = load("laiyuan"), TOLD.draw.statement
    assert [role for role, _ in missing_sign_offs(drawn, laiyuan, [])] == ["any", "legal"]
    assert [role for role, _ in missing_sign_offs(drawn, laiyuan, ["social"])] == ["legal"]
    assert missing_sign_offs(drawn, laiyuan, ["legal"]) == ()
    assert [role for role, _ in missing_sign_offs(drawn, laiyuan, ["approver"])] == ["any", "legal"]
    assert all(cite for _, cite in missing_sign_offs(drawn, laiyuan, []))


def test_a_sign_off_counts_only_in_the_role_that_the_reader_trusts_the_signer_in():
    trust = reader_of(TOLD.story)
    name = next(name for name, known in trust.supervisors.items() if known.role == "discipline")
    said = TOLD.story.head(name).make(SignOff, of=TOLD.draw.ref, role="discipline")
    assert roles_signed([said], trust) == {"discipline"}
    assert roles_signed([said.model_copy(update={"role": "legal"})], trust) == set()


def test_outcomes_come_back_as_they_were_written():
    lines = [outcome(TOLD, "H-000002"), ClosingLine(no="H-000001", closed="dissolved")]
    data, named = format_outcomes(lines)
    assert read_outcomes(data, named) == (lines[1], lines[0])


def test_nobody_at_the_cap_comes_in():
    no, out = somebody(TOLD)
    now, vacancy = standing(TOLD).with_out([out]), Vacancy(inspector=out, no=no)
    free = {number for _, number in pool(TOLD.inputs(), now, vacancy)}
    capped = {number for _, number in pool(TOLD.inputs(), replace(now, caps={no: 1}), vacancy)}
    busy = {number for team in now.teams.values() for _, number in team}
    assert capped == free - busy
    assert capped < free
