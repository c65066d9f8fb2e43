"""Every finding of an audit, each with the honest twin that has it not."""

from dataclasses import replace
from typing import Any

import pytest

from fairdraw.acts import ClosingLine, Named, Rectify, format_act
from fairdraw.announcement import artifact_of
from fairdraw.audit import FINDINGS, NOTICES, audit
from fairdraw.calendar import published
from fairdraw.encoding import canonical, digest, lines, parse_time
from fairdraw.errors import AuditError
from fairdraw.regulation import GENUINE, Regulation, artifact_bytes
from fairdraw.regulation import parse as parse_regulation
from fairdraw.rules import Batch
from fairdraw.schema import Announcement, Answer, Objection, Opening, Withdrawal
from fairdraw.snapshot import open_row
from support import acts
from support.audited import (
    LEGAL,
    NEXT_YEAR,
    ROLES,
    UNIT,
    codes,
    finding,
    floored,
    inspected,
    regulated,
    report,
    year,
)
from support.regulations import DOCUMENT, rule, toml
from support.story import (
    SLOT,
    Story,
    begin,
    inspectors,
    objects,
    recusal,
    sealed,
    secret,
    team,
    tell,
    trust,
)

OCTOBER = parse_time("2026-10-05T00:00:00Z")
ALWAYS = {"no-regulation", "never-drawn"}  # what a story has that names no regulation and draws six of sixty


def ruled(**rules: Any) -> Regulation:
    """Return a regulation that says these things and is silent about all others."""
    table = {"id": "city", "document": DOCUMENT, **rules}
    return parse_regulation(toml(table).encode(), parents={}, file="city.toml")


def audited(rules: Regulation, *, roles: dict[str, str] | None = None, **changes: Any) -> set[str]:
    """Return the findings of an inspected story under a regulation, the notice of the never drawn left out."""
    told = regulated(rules, **changes).go_on()
    acts.result(told)
    return codes(told, roles=roles) - {"never-drawn"}


# -- the honest year ------------------------------------------------------------------------------------------------


def test_an_honest_year_has_no_finding_but_those_that_its_story_must_have():
    told = inspected()
    assert codes(told) == ALWAYS
    assert not year(told).unknown


def test_an_honest_year_under_a_known_regulation_is_clean(monkeypatch):
    told = regulated(ruled()).go_on()
    acts.result(told)
    # Nobody knows this regulation but the test: of one that derives from nothing known a reader is told.
    assert (report(told).exit_code, report(told).years[0].codes) == (1, ("unknown-regulation",))
    monkeypatch.setitem(GENUINE, "city", told.plan.statement.regulation.digest)
    shown = report(told)
    assert (shown.verdict, shown.exit_code, shown.years[0].codes) == ("clean", 0, ())
    assert {one.code for one in shown.years[0].findings} == {"never-drawn"}


def test_findings_come_by_weight_and_each_once():
    told = tell()
    found = [one.code for one in year(told).findings]
    assert found == [code for code in (*FINDINGS, *NOTICES) if code in found]
    assert found[0] == "drawn-not-inspected"
    assert not set(FINDINGS) & set(NOTICES)


def test_a_draw_is_verified_with_nothing_but_the_log():
    told = inspected()
    row = year(told).table("draws").as_json()[0]
    assert (row["draw"], row["state"], row["drawn"], row["failed"]) == (4, "holds", 6, "")


# -- logs that cannot be audited --------------------------------------------------------------------------------------


def test_a_log_that_is_not_what_was_signed_is_not_audited():
    told = inspected()
    told.story.entries[1] = told.story.entries[2]
    with pytest.raises(AuditError, match="log-does-not-hold"):
        audit(told.log(), trust(told.story), log=told.story.origin, as_of=told.story.now, calendar=published())


def test_a_log_that_no_quorum_vouches_for_is_not_audited():
    told = inspected()
    with pytest.raises(AuditError, match="log-not-vouched-for"):
        audit(told.log(), trust(told.story), log=told.story.origin, as_of=1000, calendar=published())


def test_a_bureau_that_the_reader_does_not_know_is_not_audited():
    with pytest.raises(AuditError, match="no-bureau"):
        report(inspected(), bureau="other.example.cn")


def test_one_year_of_one_bureau_can_be_asked_for():
    told = inspected()
    assert [one.year for one in report(told, year=2026).years] == [2026]
    asked = report(told, year=2025)
    assert (asked.years, asked.verdict, asked.exit_code) == ((), "unknown", 3)


def test_a_statement_that_a_supervisor_signed_and_nobody_logged_leaves_a_gap_that_is_found():
    told = inspected()
    story, name = told.story, next(iter(told.story.people))
    acts.signed_off(told, told.draw, "discipline", by=name)
    assert "chain-broken" not in codes(told)
    story.heads[name] = (story.heads[name][0] + 1, "ab" * 32)
    acts.signed_off(told, told.draw, "discipline", by=name)
    assert "chain-broken" in codes(told)


def test_an_old_log_leaves_a_draw_undecided_and_an_audit_cannot_tell(monkeypatch):
    told = regulated(ruled()).go_on()
    monkeypatch.setitem(GENUINE, "city", told.plan.statement.regulation.digest)
    acts.result(told)
    told.story.checkpoint()
    shown = audit(told.log(), trust(told.story), log=told.story.origin, as_of=told.story.now + 999_999,
                  calendar=published())  # fmt: skip
    assert (shown.verdict, shown.exit_code) == ("unknown", 3)
    assert {one.code for one in shown.years[0].unknown} == {"stale"}


def test_a_missing_artifact_is_told_and_not_passed_over():
    told = inspected()
    told.story.artifacts.pop(told.record.statement.results.digest)
    shown = year(told)
    assert "artifact-missing" in {one.code for one in shown.unknown}
    assert "draw-fails" in shown.codes


@pytest.mark.parametrize("code", ["artifact-missing", "withdrawn"])
def test_a_regulation_that_nobody_shows_is_told_and_stops_no_audit(code):
    rules = ruled()
    told, named = regulated(rules).go_on(), artifact_of(artifact_bytes(rules))
    del told.story.artifacts[named.digest]
    if code == "withdrawn":
        acts.act(told, Withdrawal, digest=named.digest, reason="privacy")
    assert code in {one.code for one in year(told).unknown}


# -- draws ------------------------------------------------------------------------------------------------------------


def test_a_draw_that_does_not_hold_fails_in_the_audit():
    def bend(record):
        return type(record)(
            statement=record.statement.model_copy(update={"key": "00" * 32}), lines=record.lines, tree=record.tree,
            artifact=record.artifact,
        )  # fmt: skip

    told = begin().go_on(bend=bend)
    acts.result(told)
    shown = finding(told, "draw-fails")
    assert (shown.index, shown.evidence["check"]) == (4, "record-matches")


def test_an_announcement_whose_round_is_past_without_a_draw_is_overdue():
    told = begin()
    assert finding(told, "overdue-draw").index == told.announcement.index
    assert "overdue-draw" not in codes(inspected())


def test_a_draw_under_a_plan_that_nobody_logged_is_told_of_though_it_belongs_to_no_year():
    told = inspected()
    assert "without-foundation" not in codes(told)
    other = told.announcement.of(Announcement).plan.model_copy(update={"text": "0" * 64})
    bent = begin().retold(plan=other).go_on()
    assert finding(bent, "without-foundation").index == bent.announcement.index


def test_two_texts_with_one_seq_are_found_whoever_signed_them():
    told = inspected()
    head = told.story.head(UNIT)
    for of in (told.draw, told.plan):
        told.story.add(head.make(acts.SignOff, of=of.ref, role="discipline"))
    shown = finding(told, "two-texts-one-seq")
    assert (shown.evidence["name"], shown.evidence["seq"]) == (UNIT, 0)


def test_a_gap_in_the_bureaus_chain_is_found():
    told = inspected()
    told.story.heads["jinan-ybj.example.cn/rehearsal"] = (99, told.draw.text_hash)
    told.void("mistake")
    assert {"chain-broken"} <= codes(told)


def test_a_void_after_the_round_is_a_finding_and_one_before_is_none():
    late = begin()
    late.story.now = late.story.chain.time_of(late.announcement.statement.beacon[0].round) + 60
    late.void("mistake")
    assert {"voided", "void-unannounced-reason"} <= codes(late)
    early = begin(plan={"voids": ("mistake",)})
    early.void("mistake")
    early.story.now += 60
    early.story.checkpoint()
    assert codes(early).isdisjoint({"voided", "void-unannounced-reason"})
    # The table tells of it all the same.
    assert year(early).table("voids").as_json()[0]["before-round"] == "yes"


def test_findings_of_a_verification_are_those_of_the_audit():
    thin = inspected(plan={"team": team(size=8)})
    assert "forced-team" in codes(thin)
    named = inspected(plan={"strata": ("region", "type"), "ratio": "1/100"})
    assert "singled-out" in codes(named)
    assert codes(inspected()).isdisjoint({"forced-team", "singled-out"})


def test_a_result_that_is_not_opened_in_time_is_found():
    told = begin(before=sealed()).go_on()
    sealed_off = told.record.statement.results.digest
    told.story.artifacts.pop(sealed_off)
    assert "not-opened-in-time" in codes(told, time=OCTOBER)
    opened = begin(before=sealed()).go_on()
    opened.open_up()
    opened.story.now += 60
    opened.story.checkpoint()
    assert "not-opened-in-time" not in codes(opened, time=OCTOBER)


def test_a_sealed_draw_is_unknown_until_its_day():
    told = begin(before=sealed()).go_on()
    told.story.artifacts.pop(told.record.statement.results.digest)
    shown = year(told, time=told.story.now + 60)
    assert "sealed-until" in {one.code for one in shown.unknown}
    assert "drawn-not-inspected" not in shown.codes


# -- plans and slots --------------------------------------------------------------------------------------------------


def test_a_yearly_plan_after_its_deadline_is_late():
    early, late = ruled(plan_deadline=rule("12-31")), ruled(plan_deadline=rule("01-31"))
    assert "plan-late" not in audited(early)
    told = regulated(late).go_on()
    shown = finding(told, "plan-late")
    assert (shown.cite, shown.evidence["expected"]) == (("第一条",), "2026-01-31")
    assert "plan-late" not in audited(late, plan={"kind": "special"})


def test_a_slot_that_is_added_after_an_outcome_of_its_item_is_late():
    told = inspected()
    told.story.plan(slots=(SLOT, "2026/fund-use/2", "2026/fund-use/3"), reason="risk")
    shown = finding(told, "slot-added-late")
    assert (shown.evidence["slot"], shown.evidence["after"]) == ("2026/fund-use/3", told.draw.index)
    other = inspected()
    other.story.plan(slots=(SLOT, "2026/fund-use/2", "2026/records/1"), reason="risk")
    assert "slot-added-late" not in codes(other)


def test_a_slot_that_nobody_drew_by_its_last_day_is_found_unless_the_plan_gave_it_up():
    told = inspected()
    assert "slot-not-drawn" not in codes(told)
    assert "slot-not-drawn" in codes(told, time=NEXT_YEAR)
    dropped = inspected()
    dropped.story.plan(slots=(SLOT,), reason="risk")
    assert "slot-not-drawn" not in codes(dropped, time=NEXT_YEAR)
    batch = Batch(slot="2026/fund-use/2", first="2026-10-01", last="2026-10-31", share=None)
    assert "slot-not-drawn" in codes(inspected(plan={"schedule": (batch,)}))


def test_an_item_outside_the_logged_list_is_found_with_the_article():
    rules = ruled(list_only=rule(value=True))
    assert "item-outside-list" not in audited(rules)
    told = regulated(rules, plan={"slots": ("2026/other/1",)}, slots=["2026/other/1"]).go_on()
    shown = finding(told, "item-outside-list")
    assert (shown.cite, shown.evidence["items"]) == (("第一条",), ["other"])


def test_what_a_regulation_does_not_allow_of_a_plan_is_found():
    assert "against-regulation" in audited(ruled(team=rule(3)))
    assert "against-regulation" not in audited(ruled(team=rule(2)))


def test_a_regulation_that_is_not_in_force_is_found():
    past = ruled(validity=rule({"from": "2020-01-01", "until": "2021-12-31"}))
    present = ruled(validity=rule({"from": "2020-01-01", "until": None}))
    assert "regulation-not-in-force" in audited(past)
    assert "regulation-not-in-force" not in audited(present)


# -- registries -------------------------------------------------------------------------------------------------------


def shrunk(told, without: int = 0, renamed: bool = False):
    """Freeze the objects once more, without some of them, or with one under a new number."""
    registry = objects()
    rows = registry.rows[without:]
    if renamed:
        rows = (*rows[1:], type(rows[0])("H-999999", rows[0].attrs, rows[0].private))
    told.story.snapshot("institutions", type(registry)(registry.attrs, registry.private, rows), "2")
    return told


def test_numbers_that_vanish_between_two_snapshots_are_found():
    shown = finding(shrunk(inspected(), without=3), "registry-shrank")
    assert (shown.evidence["gone"], shown.evidence["numbers"]) == (3, ["H-000000", "H-000001", "H-000002"])
    assert codes(shrunk(inspected())).isdisjoint({"registry-shrank", "numbers-changed"})


def test_a_number_that_comes_back_under_another_name_is_found():
    shown = finding(shrunk(inspected(), renamed=True), "numbers-changed")
    assert (shown.evidence["numbers"], shown.evidence["new"]) == (["H-000000"], ["H-999999"])
    assert "numbers-changed" not in codes(shrunk(inspected(), without=3))


def test_an_object_that_is_drawn_more_often_than_the_cap_allows_is_found():
    def twice(cap):
        told = regulated(ruled(yearly_cap=rule(cap)), plan={"ratio": "1/1", "yearly_cap": cap}).go_on()
        again = told.announce_again(slots=["2026/fund-use/2"])
        again.story.now += 60
        again.story.checkpoint()
        return again.go_on()

    assert finding(twice(1), "over-cap").cite == ("第一条",)
    assert "over-cap" not in codes(twice(2))


def test_how_many_were_never_drawn_is_a_notice():
    assert finding(inspected(), "never-drawn").evidence["count"] == 54
    assert "never-drawn" not in codes(inspected(plan={"ratio": "1/1"}))


# -- ratios -----------------------------------------------------------------------------------------------------------


def yearly(ratio: str, floor: str, **changes: Any):
    rules = ruled(ratios=[{"ratio": floor, "kind": "floor", "period": "year", "cite": ["第二条"]}])
    told = regulated(rules, plan={"rules": (floored(SLOT, ratio=ratio, floor=ratio),), "slots": (SLOT,)}, **changes)
    return told.go_on()


def test_a_year_below_its_legal_floor_is_found_once_it_is_over():
    told = yearly("1/10", "1/5")
    assert "year-below-floor" not in codes(told)
    shown = finding(told, "year-below-floor", time=NEXT_YEAR)
    assert (shown.cite, shown.evidence["expected"], shown.evidence["found"]) == (("第二条",), 12, 6)
    assert "year-below-floor" not in codes(yearly("1/5", "1/5"), time=NEXT_YEAR)


def test_the_plans_own_floor_holds_where_there_is_no_regulation():
    short = inspected(plan={"rules": (floored(SLOT, ratio="1/10", floor="1/10"),), "slots": (SLOT,)})
    row = year(short).table("ratios").as_json()[0]
    assert (row["ratio"], row["needed"], row["drawn"], row["reached"]) == ("1/10", 6, 6, "10.0%")


def test_coverage_is_told_by_district():
    rows = year(inspected()).table("districts").as_json()
    assert [row["district"] for row in rows] == ["370102", "370103"]
    assert sum(row["objects-drawn"] for row in rows) == 6


# -- people -----------------------------------------------------------------------------------------------------------


def test_a_statement_by_the_wrong_role_is_found_and_counts_for_nothing():
    rules = ruled(signers=[{"of": "result", "role": "inspecting-unit", "cite": ["第三条"]}])
    told = regulated(rules).go_on()
    acts.result(told)
    shown = finding(told, "wrong-role", roles=ROLES)
    assert (shown.cite, shown.evidence["type"]) == (("第三条",), "result")
    assert "drawn-not-inspected" in codes(told, roles=ROLES)
    honest = regulated(rules).go_on()
    acts.result(honest, by=UNIT)
    assert codes(honest, roles=ROLES).isdisjoint({"wrong-role", "drawn-not-inspected"})


def test_a_sign_off_that_the_regulation_asks_for_is_missed():
    rules = ruled(sign_offs=[{"of": "draw", "role": "legal", "cite": ["第四条"]}])
    told = regulated(rules).go_on()
    assert finding(told, "sign-off-missing", roles=ROLES).cite == ("第四条",)
    acts.signed_off(told, told.draw, "legal", by=LEGAL)
    assert "sign-off-missing" not in codes(told, roles=ROLES)


def test_supervisors_who_did_not_come_are_missed():
    rules = ruled(supervisors=rule({"roles": ["legal"], "minimum": 1}))
    told = regulated(rules).go_on()
    assert "supervisors-missing" in codes(told, roles=ROLES)
    acts.signed_off(told, told.draw, "legal", by=LEGAL)
    assert "supervisors-missing" not in codes(told, roles=ROLES)


def test_inspectors_who_meet_an_object_again_are_a_notice():
    told = tell(plan={"ratio": "1/1"})
    again = told.announce_again(slots=["2026/fund-use/2"])
    again.story.now += 60
    again.story.checkpoint()
    again.go_on()
    assert "repeated-pair" in codes(again)
    assert "repeated-pair" not in codes(inspected())
    assert year(again).table("pairs").rows


def test_recusals_are_counted_by_who_declared_them():
    told = inspected(recusals=recusal("H-000001", "I-0001") + b"\n")
    assert finding(told, "recusals-by-declarer").evidence == {
        "declarer": "inspector", "count": 1, "most": ["I-0001", 1],
    }  # fmt: skip
    assert year(told).table("recusals").as_json() == [{"declarer": "inspector", "reason": "kinship", "count": 1}]
    assert "recusals-by-declarer" not in codes(inspected())


def test_loads_are_those_of_the_teams_that_went():
    told = tell()
    before = {row["inspector"]: row["objects-inspected"] for row in year(told).table("loads").as_json()}
    told = tell()
    _, _, made = acts.substituted(told)
    after = {row["inspector"]: row["objects-inspected"] for row in year(told).table("loads").as_json()}
    assert after.get(made.out, 0) == before[made.out] - 1
    assert after[made.in_] == before.get(made.in_, 0) + 1
    assert year(told).table("substitutions").as_json() == [{"reason": "unable", "calls": 1, "redrawn": 1}]


# -- what became of the drawn -----------------------------------------------------------------------------------------


def drawn_numbers(told) -> list[str]:
    return [one.no for one in told.outcome().selection.drawn]


def test_an_object_that_was_drawn_and_not_inspected_is_the_first_finding():
    told = tell()
    first, *others = drawn_numbers(told)
    acts.result(told, *(acts.outcome(told, no) for no in others))
    shown = year(told).findings[0]
    assert (shown.code, shown.evidence["objects"], shown.cite) == (
        "drawn-not-inspected", [first], ("政府信息公开条例第二十六条",),
    )  # fmt: skip
    assert "drawn-not-inspected" not in codes(inspected())


def test_nothing_is_missing_before_the_term_is_over():
    assert "drawn-not-inspected" not in codes(tell(), time=OCTOBER)


def test_a_substituted_inspector_does_not_end_an_object():
    told = tell()
    acts.substituted(told)
    assert finding(told, "drawn-not-inspected").evidence["count"] == 6


def test_a_closing_correction_ends_an_object():
    told = tell()
    first, *others = drawn_numbers(told)
    acts.result(told, *(acts.outcome(told, no) for no in others))
    acts.correction(told, told.draw, ClosingLine(no=first, closed="dissolved"))
    assert "drawn-not-inspected" not in codes(told)
    assert year(told).table("results").as_json()[0]["closed"] == 1


def test_a_deferral_gives_a_new_day_and_no_more():
    told = tell()
    first, *others = drawn_numbers(told)
    acts.result(told, *(acts.outcome(told, no) for no in others))
    acts.deferral(told, first, until="2026-10-20")
    assert codes(told, time=OCTOBER).isdisjoint({"drawn-not-inspected", "result-missing"})
    assert finding(told, "result-missing").evidence["objects"] == [first]
    assert "drawn-not-inspected" not in codes(told)
    acts.deferral(told, first)
    assert "deferred-twice" in codes(told)


def test_a_result_that_is_published_after_its_term_is_late():
    told = tell()
    told.story.now = parse_time("2026-11-20T00:00:00Z")
    acts.result(told)
    shown = finding(told, "result-late")
    assert (shown.evidence["count"], shown.evidence["found"]) == (6, "2026-11-20")
    assert {row["state"] for row in year(told).table("timeliness").as_json()} == {"late"}
    assert "result-late" not in codes(inspected())


def test_the_term_is_the_regulations_and_is_counted_in_working_days():
    short = ruled(publication=rule({"unit": "working-days", "days": 2}))
    told = regulated(short).go_on()
    told.story.now = parse_time("2026-09-15T04:00:00Z")  # checked on Friday the 11th: Tuesday the 15th is day 2
    acts.result(told)
    assert "result-late" not in codes(told)
    late = regulated(short).go_on()
    late.story.now = parse_time("2026-09-15T16:00:00Z")  # Wednesday in China
    acts.result(late)
    assert finding(late, "result-late").cite == ("第一条",)


def test_an_inspection_after_the_last_day_is_found():
    told = tell()
    told.story.now = OCTOBER
    acts.result(told, *(acts.outcome(told, no, first="2026-10-02", last="2026-10-02", checked="2026-10-02")
                        for no in drawn_numbers(told)))  # fmt: skip
    assert finding(told, "inspected-late").evidence["expected"] == "2026-09-30"
    assert "inspected-late" not in codes(inspected())


def test_a_term_of_rectification_without_a_visit_is_found():
    rules = ruled(revisit=rule(value=True))

    def corrected(revisited):
        told = regulated(rules).go_on()
        first, *others = drawn_numbers(told)
        line = acts.outcome(told, first, findings=("overcharge",), result="corrected",
                            rectify=Rectify(until="2026-10-10", revisited=revisited))  # fmt: skip
        acts.result(told, line, *(acts.outcome(told, no) for no in others))
        return codes(told)

    assert "rectification-not-revisited" in corrected(None)
    assert "rectification-not-revisited" not in corrected("2026-10-12")


def refused(opened: bool):
    rules = ruled(noncooperation=rule({"times": 2, "per": "task"}))
    told = regulated(rules).go_on()
    first, *others = drawn_numbers(told)
    acted = (("2026-09-10", "refused"), ("2026-09-11", "refused"))
    ended = acts.result(
        told, acts.outcome(told, first, noncooperation=acted), *(acts.outcome(told, no) for no in others)
    )
    if opened:
        entry, snapshot = told.objects
        row = next(row for row in snapshot.rows if row.no == first)
        said = entry.statement
        openings = open_row(secret("secret of institutions 1"), said, row, ["name"])
        data = told.story.keep(lines(canonical(one.model_dump()) for one in openings))
        acts.act(told, Opening, of=ended.ref, artifact=artifact_of(data), key=None, embargo=None)
    return told


def test_who_does_not_cooperate_twice_must_be_published():
    assert finding(refused(opened=False), "noncooperation-not-published").evidence["count"] == 2
    shown = codes(refused(opened=True))
    assert "noncooperation-published" in shown
    assert "noncooperation-not-published" not in shown


def test_an_exception_of_a_drawn_object_is_found_while_its_own_inspection_is_due():
    told = inspected()
    first = drawn_numbers(told)[0]
    entry = acts.exception(told, first)
    shown = finding(told, "exception-of-drawn-object")
    assert (shown.index, shown.evidence["objects"]) == (entry.index, [first])
    honest = inspected()
    undrawn = next(row.no for row in honest.objects[1].rows if row.no not in drawn_numbers(honest))
    acts.exception(honest, undrawn)
    assert "exception-of-drawn-object" not in codes(honest)


def test_more_exceptions_than_draws_are_found():
    told = inspected()
    undrawn = [row.no for row in told.objects[1].rows if row.no not in drawn_numbers(told)]
    acts.exception(told, *undrawn[:6])
    assert "exceptions-exceed-draws" not in codes(told)
    acts.exception(told, undrawn[7])
    assert finding(told, "exceptions-exceed-draws").evidence == {"expected": 6, "found": 7}


def test_an_objection_that_nobody_answers_is_found():
    told = inspected()
    fields = {"of": told.objects[0].ref, "about": "grade", "by_whom": artifact_of(told.story.keep(
        format_act(Named(no="H-000001")))), "objection": digest(b"a letter")}  # fmt: skip
    entry = acts.act(told, Objection, **fields)
    assert "objection-unanswered" not in codes(told, time=told.story.now + 60)
    assert finding(told, "objection-unanswered").index == entry.index
    acts.act(told, Answer, objection=entry.ref, decision="rejected", answer=digest(b"an answer"))
    assert "objection-unanswered" not in codes(told)


def test_a_calendar_that_does_not_reach_leaves_terms_undecided():
    old = replace(published(), years=published().years[:3])
    shown = year(tell(), calendar=old)
    assert "calendar-ends" in {one.code for one in shown.unknown}
    assert "drawn-not-inspected" not in shown.codes


def test_a_story_with_more_inspectors_of_another_registry_is_told_by_registry():
    story = Story()
    told = inspected(story)
    story.snapshot("staff", inspectors(11), "2")
    assert finding(told, "registry-shrank").evidence["registry"] == "staff"


def test_an_exception_for_a_reason_that_the_regulation_does_not_know_is_found():
    known = [{"code": "complaint", "zh": "投诉举报", "en": "complaints", "cite": ["第五条"]}]
    told = regulated(ruled(exceptions=known)).go_on()
    acts.result(told)
    undrawn = next(row.no for row in told.objects[1].rows if row.no not in drawn_numbers(told))
    acts.exception(told, undrawn)
    assert "act-against-regulation" not in codes(told)
    acts.exception(told, undrawn, reason="whim")
    assert finding(told, "act-against-regulation").evidence["found"] == "whim"


def test_a_statement_that_names_what_is_not_in_the_log_hangs_in_the_air():
    told = inspected()
    assert "names-nothing" not in codes(told)
    nowhere = told.draw.ref.model_copy(update={"text": "00" * 32})
    entry = acts.act(told, Opening, of=nowhere, artifact=artifact_of(b""), key=None, embargo=None)
    shown = finding(told, "names-nothing")
    assert (shown.index, shown.evidence["fields"]) == (entry.index, ["of"])


def test_what_was_withdrawn_is_told_as_withdrawn():
    told = inspected()
    digest_of = told.objects[0].statement.roster.digest
    told.story.artifacts.pop(digest_of)
    acts.act(told, Withdrawal, digest=digest_of, reason="privacy")
    assert "withdrawn" in {one.code for one in year(told).unknown}


def test_what_is_wrong_with_the_chain_is_told_in_its_own_year():
    told = inspected()
    told.story.now = parse_time("2027-02-01T00:00:00Z")
    told.story.heads["jinan-ybj.example.cn/rehearsal"] = (99, told.draw.text_hash)
    told.void("mistake")
    shown = report(told, time=NEXT_YEAR)
    assert [(one.year, "chain-broken" in one.codes) for one in shown.years] == [(2026, False), (2027, True)]
