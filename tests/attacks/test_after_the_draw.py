"""Attacks on what follows a draw: substitutions, exceptions, results, signatures (docs/threat-model.md, 47, 48, 49)."""

from dataclasses import replace

import pytest

from fairdraw.acts import Substitute, Vacancy, format_act, format_outcomes, read_act, seal_act
from fairdraw.announcement import artifact_of
from fairdraw.bundle import artifact_names
from fairdraw.regulation import Regulation, artifact_bytes
from fairdraw.schema import (
    Announcement,
    Draw,
    Opening,
    Result,
    SignOff,
    SnapshotStatement,
    Substitution,
    SubstitutionCall,
)
from fairdraw.seed import embargo_commitment
from fairdraw.statement import Entry, read_entry
from fairdraw.substitution import call_key, pool, redraw
from fairdraw_cli.regulations import load
from support.acts import (
    S0,
    S1,
    Roles,
    act,
    call,
    correction,
    deferral,
    evidence,
    exception,
    follow,
    kept,
    outcome,
    result,
    signed_off,
    somebody,
    standing,
    substituted,
    waited,
)
from support.story import (
    BUREAU,
    SLOT,
    Story,
    Told,
    begin,
    failing,
    found,
    past_the_round,
    sealed,
    secret,
    tell,
    waiting,
)


def under(regulation: Regulation, **changes: object) -> Told:
    """Tell an honest draw whose plan names a regulation; that it has no item list is another check's matter."""
    story = Story()
    named = artifact_of(story.keep(artifact_bytes(regulation)))
    return tell(story, plan={"regulation": named, **changes})


def spare(told: Told, no: str) -> str:
    """Return an inspector who is in no team of the draw, else one who is not in this object's."""
    team = {number for _, number in standing(told).teams[no]}
    return next(f"I-{i:04d}" for i in range(12) if f"I-{i:04d}" not in team)


# -- 47: substitutions --------------------------------------------------------------------------------------------


def test_a_substitution_that_follows_from_its_call_is_in_the_final_team():
    told = tell()
    no, out = somebody(told)
    _, _, made = substituted(told)
    report = told.report()
    assert report.verdict == "holds"
    assert out in dict(report.drawn)[no]
    assert out not in dict(report.final)[no]
    assert made.in_ in dict(report.final)[no]


def test_an_inspector_sent_on_leave_is_not_followed_by_the_one_whom_the_bureau_likes():
    told = tell()
    called = call(told, *somebody(told))
    waited(told, called)
    no, _ = somebody(told)
    _, honest = follow(replace_log(told), called)
    friend = next(number for _, number in pool(told.inputs(), standing(told), vacancy_of(told, called))
                  if number != honest.in_)  # fmt: skip
    follow(told, called, in_=friend)
    report = told.report()
    assert failing(report) == {"later-acts": "substitution-differs"}
    assert report.check("later-acts").evidence["expected"] == honest.in_
    assert report.check("later-acts").evidence["object"] == no


def substituted_in_secret(told: Told, no: str, out: str) -> tuple[Entry, Substitute, bytes]:
    """Let an inspector be replaced while the draw is sealed; returns the call, who came in, and the call's embargo."""
    story, embargo = told.story, secret("embargo of the call")
    sealed_vacancy = artifact_of(story.keep(seal_act(Vacancy(inspector=out, no=no), "5" * 64)))
    called = call(told, no, out, vacancy=sealed_vacancy, embargo=embargo_commitment(SLOT, embargo))
    waited(told, called)
    said = called.of(SubstitutionCall)
    key = call_key(called, pulses=story.randomness(said), embargo=embargo).key()
    made = redraw(key, told.inputs(), standing(told), Vacancy(inspector=out, no=no))
    result = artifact_of(story.keep(seal_act(made, "6" * 64)))
    act(told, Substitution, call=called.ref, pulses=story.pulses(said), key=None, result=result)
    return called, made, embargo


def open_call(told: Told, called: Entry, embargo: bytes) -> None:
    """Let the bureau open a call of a sealed draw."""
    act(told, Opening, of=called.ref, artifact=called.of(SubstitutionCall).vacancy, key=None, embargo=embargo.hex())


def vacancy_of(told, called) -> Vacancy:
    return read_act(Vacancy, told.story.artifacts[called.statement.vacancy.digest])


def without_acts(told: Told) -> dict[str, bytes]:
    """Return what the bundle of the draw itself carries: later acts are shown by the log."""
    said, drew = told.announcement.of(Announcement), told.draw.of(Draw)
    snapshots = [entry.of(SnapshotStatement) for entry, _ in (told.objects, told.inspectors)]
    return {name: told.story.artifacts[name] for name in artifact_names(said, snapshots, [drew])}


def replace_log(told: Told) -> Told:
    """Return the same story with a log of its own, so that what is tried there is not logged here."""
    story = replace(told.story, entries=list(told.story.entries), checkpoints=list(told.story.checkpoints),
                    heads=dict(told.story.heads))  # fmt: skip
    story.bureau = told.story.bureau
    return replace(told, story=story)


def test_the_ticket_of_a_substitution_is_its_own():
    told = tell()
    called = call(told, *somebody(told))
    waited(told, called)
    follow(told, called, ticket="0" * 64)
    assert failing(told.report()) == {"later-acts": "substitution-differs"}


def test_a_substitution_without_a_call_fails():
    told = tell()
    called = call(told, *somebody(told))
    waited(told, called)
    follow(told, called, call=called.ref.model_copy(update={"text": "0" * 64}))
    assert failing(told.report()) == {"later-acts": "substitution-without-call"}


def test_a_substitution_made_before_its_call_fails():
    told = tell()
    assert told.draw is not None
    story = told.story
    no, out = somebody(told)
    made = Substitute.model_validate({"department": "", "eligible": 1, "expert": False, "in": spare(told, no),
                                      "no": no, "out": out, "ticket": "0" * 64})  # fmt: skip
    ahead = replace_log(told)
    call(ahead, no, out)  # the text of a call is known before it is logged
    early = story.add(story.head().make(Substitution, call=told.draw.ref, pulses=(), key="0" * 64,
                                        result=kept(story, made)))  # fmt: skip
    story.checkpoint()
    assert early.index == told.draw.index + 1
    assert failing(told.report()) == {"later-acts": "substitution-without-call"}


def test_a_call_that_nobody_had_cosigned_before_its_round_is_too_late():
    told = tell()
    called = call(told, *somebody(told), in_=3600)
    told.story.now = told.story.chain.time_of(called.statement.beacon[0].round) - 60  # within the margin
    waited(told, called)
    told.story.checkpoint()
    # Whether or not somebody was drawn: the bureau may have looked, and thought better of it.
    assert failing(told.report()) == {"later-acts": "substitution-late"}
    follow(told, called)
    assert failing(told.report()) == {"later-acts": "substitution-late"}


def test_a_call_whose_margin_is_zero_still_has_the_readers_own():
    told = tell()
    called = call(told, *somebody(told), margin=0)
    told.story.now = told.story.chain.time_of(called.statement.beacon[0].round) - 30
    waited(told, called)
    follow(told, called)
    assert failing(told.report()) == {"later-acts": "substitution-late"}


def test_a_second_open_call_of_one_vacancy_is_refused_whichever_is_followed():
    for which in (0, 1):
        told = tell()
        place = somebody(told)
        calls = [call(told, *place), call(told, *place)]
        waited(told, calls[1])
        follow(told, calls[which])
        assert failing(told.report())["later-acts"] == "second-call"


def test_two_substitutions_of_one_call_are_one_too_many():
    told = tell()
    called, _, made = substituted(told)
    follow(told, called, in_=spare(told, made.no))
    assert failing(told.report()) == {"later-acts": "another-substitution"}


def test_the_key_of_another_call_does_not_draw_a_substitute():
    told = tell()
    first, second = call(told, *somebody(told)), call(told, *somebody(told, 1))
    waited(told, second)
    _, made = follow(told, first)
    other = standing(told).with_out([somebody(told)[1]]).after(made)
    assert told.report().verdict == "holds"
    follow(told, second, other, key="0" * 64)
    assert failing(told.report()) == {"later-acts": "another-key"}


def test_the_pulse_of_another_round_does_not_draw_a_substitute():
    told = tell()
    called = call(told, *somebody(told))
    waited(told, called)
    other = told.story.pulses(called.statement.model_copy(update={"beacon": (
        called.statement.beacon[0].model_copy(update={"round": called.statement.beacon[0].round - 1}),)}))  # fmt: skip
    follow(told, called, pulses=other)
    assert failing(told.report()) == {"later-acts": "another-round"}


def test_of_two_vacancies_the_one_called_first_is_filled_first():
    told = tell()
    first, second = call(told, *somebody(told)), call(told, *somebody(told, 1))
    waited(told, second)
    follow(told, second, standing(told).with_out([somebody(told)[1]]))
    assert failing(told.report()) == {"later-acts": "substitution-out-of-order"}
    assert first.index < second.index


def test_a_call_signed_by_no_supervisor_counts_for_nothing():
    told = tell()
    called = call(told, *somebody(told), with_=())
    waited(told, called)
    follow(told, called)
    report = told.report()
    assert failing(report) == {"later-acts": "substitution-without-call"}
    assert "wrong-role" in found(report)


@pytest.mark.parametrize("role", ["inspecting-unit", "department", "contributor", "approver"])
def test_a_party_to_the_inspection_is_no_supervisor_of_a_call(role):
    told = tell()
    substituted(told)
    assert told.report().verdict == "holds"
    assert failing(Roles({S0: role}).report(told)) == {"later-acts": "substitution-without-call"}


def test_a_vacancy_of_somebody_who_was_never_drawn_is_none():
    told = tell()
    no, _ = somebody(told)
    called = call(told, no, spare(told, no))
    waited(told, called)
    assert failing(told.report()) == {"later-acts": "not-in-team"}


def test_calling_again_and_again_is_counted():
    told = tell(plan={"substitutions": 1})
    no, out = somebody(told)
    _, _, made = substituted(told, no, out)
    assert "re-rolled" not in found(told.report())
    called = call(told, no, made.in_)
    waited(told, called)
    before = standing(told).with_out([out]).after(made)
    _, second = follow(told, called, before)
    report = told.report()
    assert report.verdict == "holds"
    assert evidence(report, "re-rolled") == {"object": no, "expected": 1, "found": 2}
    assert second.in_ in dict(report.final)[no]
    assert out not in dict(report.final)[no]  # who dropped out does not come back


def test_a_call_that_is_never_followed_is_found_once_its_round_is_past():
    told = tell()
    called = call(told, *somebody(told))
    told.story.checkpoint()
    assert "overdue-substitution" not in found(told.report())
    waited(told, called)
    told.story.checkpoint()
    assert evidence(told.report(), "overdue-substitution")["index"] == called.index


def test_a_substitution_whose_vacancy_nobody_shows_is_not_judged():
    told = tell()
    called, _, _ = substituted(told)
    told.story.artifacts.pop(called.statement.vacancy.digest)
    assert waiting(told.report()) == {"later-acts": "artifact-missing"}


def test_a_vacancy_with_another_name_in_it_is_not_the_called_one():
    told = tell()
    called, _, _ = substituted(told)
    other = format_act(Vacancy(inspector="I-0000", no="H-000000"))
    bundle = told.bundle(artifacts=without_acts(told))
    told.story.artifacts[called.statement.vacancy.digest] = other
    assert failing(told.report(bundle)) == {"later-acts": "wrong-digest"}


def test_a_call_of_a_sealed_draw_without_an_embargo_of_its_own_tells_who_was_drawn():
    told = tell(before=sealed())
    called = call(told, *somebody(told))
    for step in (waited, follow):
        step(told, called)
        if step is waited:
            told.open_up()
        told.story.checkpoint()
        assert failing(told.report()) == {"later-acts": "sealed-draw-shows"}


def test_a_substitution_of_a_sealed_draw_is_judged_when_it_is_opened():
    told = tell(before=sealed())
    no, out = somebody(told)
    called, _, _ = substituted_in_secret(told, no, out)
    told.open_up()
    told.story.checkpoint()
    assert waiting(told.report()) == {"later-acts": "substitution-sealed"}
    open_call(told, called, secret("another"))
    assert failing(told.report()) == {"later-acts": "another-embargo"}


def test_a_sealed_substitution_that_was_opened_holds():
    told = tell(before=sealed())
    no, out = somebody(told)
    called, made, embargo = substituted_in_secret(told, no, out)
    told.open_up()
    open_call(told, called, embargo)
    report = told.report()
    assert report.verdict == "holds"
    assert made.in_ in dict(report.final)[no]


# -- 48: dropping out of all but one ------------------------------------------------------------------------------


def test_who_drops_out_of_all_but_the_wanted_one_is_found():
    told = tell(plan={"audit": 0})
    teams = standing(told).teams
    loads = {}
    for no, team in teams.items():
        for _, number in team:
            loads.setdefault(number, []).append(no)
    busy, objects = max(loads.items(), key=lambda told: len(told[1]))
    assert len(objects) > 1
    substituted(told, objects[0], busy)
    assert evidence(told.report(), "still-inspects") == {"inspector": busy, "objects": sorted(objects[1:])}


def test_one_recusal_leaves_the_other_objects_and_a_second_one_is_looked_at():
    told = tell()
    place = somebody(told)
    called = call(told, *place, reason="recusal")
    waited(told, called)
    follow(told, called)
    assert "still-inspects" not in found(told.report())


def test_whoever_is_out_of_one_object_does_not_come_in_for_another():
    told = tell()
    _, out = somebody(told)
    _, _, made = substituted(told)
    after = standing(told).with_out([out]).after(made)
    other = next(no for no, team in after.teams.items() if out not in {n for _, n in team})
    gone = after.teams[other][0][1]
    able = pool(told.inputs(), after.with_out([gone]), Vacancy(inspector=gone, no=other))
    assert out not in {number for _, number in able}


# -- voids --------------------------------------------------------------------------------------------------------


def test_a_void_after_the_pulse_for_a_reason_that_nobody_announced_is_found():
    told = past_the_round(begin(plan={"voids": ("storm",)}))
    told.void("regretted")
    told.later()
    report = told.report(told.bundle(pulses=()))
    assert failing(report)["later-acts"] == "voided"
    assert evidence(report, "void-unannounced-reason")["found"] == "regretted"


def test_a_void_for_an_announced_reason_is_no_finding():
    told = begin(plan={"voids": ("storm",)})
    told.void("storm")
    told.later()
    assert "void-unannounced-reason" not in found(told.report(told.bundle(pulses=())))


# -- results ------------------------------------------------------------------------------------------------------


def test_a_result_is_not_corrected_by_a_second_one():
    told = tell()
    result(told)
    assert "outcome-twice" not in found(told.report())
    result(told, outcome(told, result="corrected", findings=("overcharge",)))
    assert evidence(told.report(), "outcome-twice")["object"] == somebody(told)[0]


def test_a_correction_says_that_it_is_one():
    told = tell()
    first = result(told)
    correction(told, first, outcome(told, result="corrected", findings=("overcharge",)))
    report = told.report()
    assert "outcome-twice" not in found(report)
    assert ["correction", first.index + 1] in report.check("later-acts").evidence["acts"]


def test_a_result_list_edited_after_it_was_logged_is_not_the_logged_one():
    told = tell()
    logged = result(told)
    data, _ = format_outcomes([outcome(told, result="obstructed")])
    bundle = told.bundle(artifacts=without_acts(told))
    told.story.artifacts[logged.statement.outcomes.digest] = data
    assert failing(told.report(bundle)) == {"later-acts": "wrong-digest"}


def test_a_result_of_an_object_that_was_not_drawn_is_found():
    told = tell()
    undrawn = next(f"H-{i:06d}" for i in range(60) if f"H-{i:06d}" not in standing(told).teams)
    result(told, outcome(told, undrawn))
    assert evidence(told.report(), "act-of-undrawn")["object"] == undrawn


def test_a_result_for_an_item_that_the_object_was_not_drawn_for_is_found():
    told = tell()
    result(told, outcome(told, items=("benefits",)))
    assert evidence(told.report(), "outcome-of-other-items")["found"] == ["benefits"]


@pytest.mark.parametrize("name", ["shandong-2020", "shuozhou-2023", "laiyuan", "shanghai-2024"])
def test_the_drawing_unit_does_not_sign_the_result(name):
    told = under(load(name))
    result(told)
    entry = evidence(told.report(), "wrong-role")
    assert (entry["name"], entry["found"]) == (BUREAU, "bureau")
    assert entry["expected"] == ["inspecting-unit"]
    assert entry["article"]


def test_the_inspecting_unit_signs_the_result():
    told = under(load("laiyuan"))
    result(told, by=S1)
    assert "wrong-role" not in found(Roles({S1: "inspecting-unit"}).report(told))
    assert "wrong-role" in found(told.report())  # to this reader it is a supervisor


def test_nobody_signs_off_in_the_role_of_another():
    told = tell()
    assert told.draw is not None
    signed_off(told, told.draw, "legal")
    assert evidence(told.report(), "wrong-role")["expected"] == ["legal"]
    assert "wrong-role" not in found(Roles({S0: "legal"}).report(told))


def test_the_bureau_does_not_sign_itself_off():
    told = tell()
    assert told.draw is not None
    act(told, SignOff, of=told.draw.ref, role="discipline")
    assert evidence(told.report(), "wrong-role")["found"] == "bureau"


# -- exceptions and deferrals -------------------------------------------------------------------------------------


def test_an_exception_does_not_stand_for_the_inspection_of_a_drawn_object():
    told = tell()
    no, _ = somebody(told)
    logged = exception(told, no)
    assert evidence(told.report(), "exception-of-drawn-object") == {"index": logged.index, "objects": [no]}


def test_an_exception_of_another_object_is_its_own_affair():
    told = tell()
    exception(told, "H-999999")
    assert found(told.report()) == set()


def test_a_special_team_takes_the_place_of_the_drawn_one_in_the_open():
    told = under(load("laiyuan"))
    no, _ = somebody(told)
    exception(told, no, draw=told.draw)
    report = told.report()
    assert dict(report.final)[no] == ("I-0000", "I-0001")
    assert evidence(report, "special-team")["objects"] == [no]
    assert evidence(report, "act-against-regulation")["fault"] == "special-team-not-foreseen"


def test_a_reason_that_is_not_on_the_list_is_no_exception():
    told = under(load("laiyuan"))
    exception(told, "H-999999", reason="because")
    no, _ = somebody(told)
    exception(told, no, draw=told.draw, inspectors=("I-0000",))
    faults = [dict(f.evidence)["fault"] for f in told.report().findings if f.code == "act-against-regulation"]
    assert faults == ["special-team-not-foreseen", "team-too-small"]


def test_an_object_is_deferred_once():
    told = tell()
    no, _ = somebody(told)
    deferral(told, no)
    assert found(told.report()) == set()
    deferral(told, no)
    assert evidence(told.report(), "deferred-twice")["object"] == no


def test_a_deferral_for_a_reason_that_the_regulation_does_not_have_is_found():
    told = under(load("shanghai-2024"))
    no, _ = somebody(told)
    deferral(told, no, reason="busy")
    entry = evidence(told.report(), "act-against-regulation")
    assert (entry["fault"], entry["article"]) == ("deferral-reason-unknown", ["第十一条（二）"])


# -- leniency -----------------------------------------------------------------------------------------------------


def faults_of(told: Told, *lines) -> list[str]:
    """Return what a reader finds against the regulation once these outcomes are logged."""
    result(told, *lines, by=S1)
    report = Roles({S1: "inspecting-unit"}).report(told)
    return [dict(f.evidence)["fault"] for f in report.findings if f.code == "act-against-regulation"]


def lenient(told: Told, **changes):
    entry = {"list": "none", "number": 1, "ground": "amount-below", "finding": "overtreatment", "amount": 99_999}
    return outcome(told, result="corrected", findings=("overtreatment",), leniency=(entry | changes,))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({}, []),
        ({"amount": 100_000}, ["amount-too-large"]),
        ({"amount": None}, ["amount-too-large"]),
        ({"number": 7}, ["leniency-unknown"]),
        ({"list": "lighter", "number": 4}, ["ground-unknown"]),
        ({"ground": "first-found"}, ["ground-unknown"]),
        ({"ground": "benchmark"}, []),
    ],
)
def test_leniency_is_on_the_list_and_below_a_thousand_yuan(changes, fault):
    told = under(load("shuozhou-2023"))
    assert faults_of(told, lenient(told, **changes)) == fault


def test_who_was_found_before_is_not_found_for_the_first_time():
    told = under(load("shuozhou-2023"))
    first, second = (one.no for one in told.outcome().selection.drawn[:2])
    entry = {"list": "first-time", "number": 1, "ground": "first-found", "finding": "no-rules", "amount": None}
    line = outcome(told, first, result="corrected", findings=("no-rules",), leniency=(entry,))
    assert faults_of(told, line) == []
    again = line.model_copy(update={"no": second})
    assert faults_of(told, again) == []  # another object
    correction(told, told_result(told), line, by=S1)
    report = Roles({S1: "inspecting-unit"}).report(told)
    assert evidence(report, "act-against-regulation")["fault"] == "found-before"


def told_result(told: Told) -> Entry:
    entries = [read_entry(data, at) for at, data in enumerate(told.story.entries)]
    return next(entry for entry in entries if isinstance(entry.statement, Result))


def test_twice_refusing_to_cooperate_is_published_as_such():
    told = under(load("laiyuan"))
    acts = (("2026-09-10", "entry-refused"), ("2026-09-11", "documents-refused"))
    assert faults_of(told, outcome(told, noncooperation=acts)) == ["noncooperation-not-published"]
    told = under(load("laiyuan"))
    assert faults_of(told, outcome(told, noncooperation=acts, result="obstructed")) == []
    told = under(load("laiyuan"))
    assert faults_of(told, outcome(told, noncooperation=acts[:1])) == []


def test_a_result_method_transfer_or_refusal_that_the_regulation_does_not_know_is_found():
    told = under(load("laiyuan"))
    no = somebody(told)[0]
    bad = outcome(told, no, method="telepathy", result="fine", transfers=("nowhere",))
    assert faults_of(told, bad) == ["method-unknown", "result-unknown", "transfer-unknown"]
