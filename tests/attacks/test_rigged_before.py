"""Attacks that rig a draw before it is announced (docs/threat-model.md, 14 to 16)."""

import pytest

from fairdraw.encoding import lines
from fairdraw.registry import Registry, Row
from fairdraw.schema import Receipt
from fairdraw.statement import read_entry
from support.story import Story, Told, begin, failing, found, inspectors, objects, rebundled, recusal, team, tell

NUMBERS = [f"H-{i:06d}" for i in range(60)]


def with_enemy() -> Registry:
    honest = objects()
    enemy = Row("H-999999", {"region": "370102", "type": "the-enemys"}, ("敌人", "91370000000000000X"))
    return Registry(honest.attrs, honest.private, (*honest.rows, enemy))


def draw(story: Story, planned, objs: Registry) -> Told:
    first = story.snapshot("institutions", objs)
    staff = story.snapshot("staff", inspectors())
    story.now += 60
    entry = story.add(story.announcement(planned, first[0], staff[0]))
    return Told(story, planned, first, staff, entry).later()


# -- 14: strata ---------------------------------------------------------------------------------------------------


def test_an_enemy_alone_in_a_stratum_is_drawn_for_certain_and_everybody_is_told():
    story = Story()
    planned = story.plan()
    story.now += 60
    story.checkpoint()
    report = draw(story, planned, with_enemy()).go_on().report()
    assert report.verdict == "holds"
    assert found(report) == {"singled-out"}
    assert found(tell().report()) == set()


def test_strata_cannot_be_cut_around_an_enemy_once_the_registry_is_frozen():
    told = begin()
    told.plan = told.story.plan(strata=("region", "type"))
    told.later()
    again = told.announce_again()
    again.later().go_on()
    report = again.report()
    # The slot was announced before, under the honest strata; and the new ones come after the snapshots.
    assert failing(report)["plan-before-snapshots"] == "plan-not-cosigned-first"


def test_a_plan_that_no_quorum_saw_before_the_snapshots_is_too_late():
    story = Story()
    planned = story.plan()
    told = draw(story, planned, with_enemy()).go_on()
    assert failing(told.report()) == {"plan-before-snapshots": "plan-not-cosigned-first"}


def test_half_a_quorum_before_the_snapshots_is_too_late():
    story = Story()
    planned = story.plan()
    story.now += 60
    story.checkpoint(by=[0])
    told = draw(story, planned, objects()).go_on()
    assert failing(told.report()) == {"plan-before-snapshots": "plan-not-cosigned-first"}


def test_an_older_plan_version_with_other_strata_cannot_be_cited():
    story = Story()
    old = story.plan()
    story.plan(strata=("region",))
    story.now += 60
    story.checkpoint()
    told = draw(story, old, objects()).go_on()
    assert failing(told.report()) == {"plan-before-snapshots": "not-the-version-meant"}


def test_a_later_version_that_only_adds_a_batch_changes_nothing_for_the_others():
    story = Story()
    old = story.plan()
    story.plan(slots=("2026/fund-use/1", "2026/fund-use/2", "2026/fund-use/3"))
    story.now += 60
    story.checkpoint()
    assert draw(story, old, objects()).go_on().report().verdict == "holds"


def test_a_snapshot_logged_before_the_plan_cannot_be_passed_off_as_later_by_logging_it_again():
    story = Story()
    first, frozen = story.snapshot("institutions", with_enemy())
    planned = story.plan()
    story.now += 60
    story.checkpoint()
    again = story.add_bytes(first.data)
    staff = story.snapshot("staff", inspectors())
    story.now += 60
    entry = story.add(story.announcement(planned, again, staff[0]))
    told = Told(story, planned, (again, frozen), staff, entry).later().go_on()
    assert failing(told.report())["bureau-chain"] == "chain-broken"
    entries = [read_entry(data, index) for index, data in enumerate(story.entries)]
    report = told.report(rebundled(told, [e for e in entries if e.index != first.index]))
    assert failing(report)["bureau-chain"] == "chain-broken"


# -- 15: snapshots ------------------------------------------------------------------------------------------------


def test_a_bureau_that_froze_twelve_snapshots_must_announce_the_newest():
    story = Story()
    planned = story.plan()
    story.now += 60
    story.checkpoint()
    frozen = [story.snapshot("institutions", objects(60 - i), str(i)) for i in range(12)]
    staff = story.snapshot("staff", inspectors())
    story.now += 60
    entry = story.add(story.announcement(planned, frozen[4][0], staff[0]))
    told = Told(story, planned, frozen[4], staff, entry).later().go_on()
    report = told.report()
    assert failing(report) == {"snapshots": "not-the-newest"}
    assert report.check("snapshots").evidence["expected"] == frozen[11][0].index


def test_a_newer_snapshot_of_another_registry_spoils_nothing():
    told = begin()
    told.undo()
    told.story.snapshot("employers", objects(5), "1")
    again = told.announce_again()
    assert again.later().go_on().report().verdict == "holds"


def test_a_snapshot_of_a_registry_that_the_plan_does_not_name_is_refused():
    told = begin()
    told.undo()
    other = told.story.snapshot("friends", objects(10), "1")
    again = told.announce_again()
    again.objects = other
    again = again.later().retold(objects=other[0].ref)
    assert failing(again.go_on().report()) == {"snapshots": "wrong-registry"}


def test_a_snapshot_that_a_supervisor_froze_is_not_the_bureaus():
    told = begin()
    told.undo()
    name = next(iter(told.story.people))
    ours = told.objects[0].statement
    theirs = told.story.add(ours.model_copy(update=told.story.head(name).fields()))
    again = told.announce_again()
    again = again.later().retold(objects=theirs.ref)
    again.objects = (theirs, told.objects[1])
    assert failing(again.go_on().report()) == {"snapshots": "not-the-bureaus"}


@pytest.mark.parametrize(("receipts", "expected"), [(2, {}), (3, {"snapshots": "receipts-missing"})])
def test_a_reader_may_ask_for_receipts_of_supervisors(receipts, expected):
    story = Story()
    story.trust_lines = f"receipts {receipts}\n"

    def received(story: Story):
        entries = [read_entry(data, index) for index, data in enumerate(story.entries)]
        for snapshot in entries[1:3]:
            digest = snapshot.statement.roster.digest
            for name in list(story.people)[:2]:
                story.add(story.head(name).make(Receipt, snapshot=snapshot.ref, digest=digest, openings=True))
        return {}

    told = tell(story, before=received)
    assert failing(told.report()) == expected


def test_a_receipt_that_came_after_the_history_that_counts_is_none():
    story = Story()
    story.trust_lines = "receipts 1\n"
    told = begin(story)
    for snapshot, frozen in (told.objects, told.inspectors):
        digest = frozen.roster.listing().digest
        story.add(
            story.head("s0.example.cn/rehearsal").make(Receipt, snapshot=snapshot.ref, digest=digest, openings=True)
        )
    assert failing(told.go_on().report()) == {"snapshots": "receipts-missing"}


# -- 16: who is left ----------------------------------------------------------------------------------------------


def test_a_bureau_that_recuses_all_but_the_wanted_inspectors_is_found_out():
    wanted = {"I-0000", "I-0001"}
    others = [f"I-{i:04d}" for i in range(12) if f"I-{i:04d}" not in wanted]
    struck = lines(sorted(recusal(no, inspector) for no in NUMBERS for inspector in others))
    told = tell(recusals=struck)
    report = told.report()
    assert report.verdict == "holds"
    assert found(report) == {"forced-team"}
    assert {member for _, members in report.drawn for member in members} == wanted
    assert {finding.evidence["eligible"] for finding in report.findings} == {2}


def test_a_department_left_with_the_wanted_inspector_is_found_out_however_many_the_other_has():
    rules = team(department="department", quota=(("wjw", 1), ("ybj", 1)))
    struck = lines(sorted(recusal(no, f"I-{i:04d}") for no in NUMBERS for i in range(2, 12, 2)))
    report = tell(plan={"team": rules}, recusals=struck).report()
    assert found(report) == {"forced-team"}
    assert all("I-0000" in members for _, members in report.drawn)


def test_a_recusal_that_leaves_too_few_for_a_team_leaves_no_draw():
    struck = lines(sorted(recusal(no, f"I-{i:04d}") for no in NUMBERS for i in range(1, 12)))
    told = begin(recusals=struck)
    told.story.now += 7200
    report = told.later().report()
    assert failing(report)["assignment"] == "too-few-eligible"


def test_a_department_said_twice_would_put_one_inspector_into_a_team_twice():
    from fairdraw.errors import StatementError

    story = Story()
    with pytest.raises(StatementError, match="bad-field"):
        story.plan(team=team(department="department", quota=(("ybj", 1), ("ybj", 1))))
    assert (
        tell(plan={"team": team(department="department", quota=(("wjw", 1), ("ybj", 1)))}).report().verdict == "holds"
    )
