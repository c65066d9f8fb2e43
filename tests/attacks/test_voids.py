"""Attacks that void an announcement to draw its slot again (docs/threat-model.md, 3 and 4)."""

from collections.abc import Sequence

import pytest

from fairdraw.bundle import Earlier, Slip
from fairdraw.encoding import lines, to_base64
from fairdraw.errors import AssignmentError
from fairdraw.schema import Announcement, Plan
from fairdraw.slip import make_slip
from fairdraw.verify import verify_slip
from support.story import (
    Story,
    Told,
    begin,
    change,
    committed,
    every,
    failing,
    found,
    inspectors,
    objects,
    past_the_round,
    recusal,
    sizes,
    team,
    tell,
    trust,
    waiting,
    without,
)
from transparency_log import merkle

SECOND_BATCH = "2026/fund-use/2"

# -- 3: voids -----------------------------------------------------------------------------------------------------


def test_a_void_before_the_round_frees_the_slot_once():
    told = begin()
    void = told.void("typing-error")
    told.later()
    second = told.announce_again(window="2026-10-15", replaces=void.ref)
    told.later()
    assert second.go_on().report().verdict == "holds"


def test_a_bureau_that_saw_the_pulse_cannot_void_for_a_broad_reason():
    told = begin()
    past_the_round(told)
    void = told.void("force-majeure")
    told.later()
    second = told.announce_again(replaces=void.ref)
    told.later()
    report = second.go_on().report()
    assert failing(report) == {"first-of-slot": "slot-not-free", "no-other-draw": "slot-not-free"}


def test_a_verifier_prints_what_a_voided_announcement_would_have_drawn():
    told = begin()
    past_the_round(told)
    told.void("force-majeure")
    told.later()
    report = told.report()
    assert failing(report) == {
        "record-logged": "no-draw",
        "no-other-draw": "slot-not-free",
        "later-acts": "voided",
    }
    assert [no for no, _ in report.drawn] == [one.no for one in told.outcome().selection.drawn]


def test_a_void_that_was_cosigned_after_the_margin_is_not_free():
    told = begin()
    void = told.void("typing-error")
    past_the_round(told)
    told.later(0)
    second = told.announce_again(replaces=void.ref)
    told.later()
    assert failing(second.go_on().report())["first-of-slot"] == "slot-not-free"


def test_a_replacement_has_no_replacement():
    told = begin()
    void = told.void("typing-error")
    told.later()
    second = told.announce_again(window="2026-10-15", replaces=void.ref)
    told.later()
    void = second.void("typing-error")
    told.later()
    third = second.announce_again(window="2026-10-16", replaces=void.ref)
    told.later()
    assert failing(third.go_on().report())["first-of-slot"] == "slot-not-free"


def test_a_replacement_that_names_no_void_does_not_count():
    told = begin()
    told.void("typing-error")
    told.later()
    second = told.announce_again(window="2026-10-15")
    told.later()
    assert failing(second.go_on().report())["first-of-slot"] == "slot-not-free"


def test_a_drawn_announcement_that_is_voided_afterwards_does_not_hold():
    told = tell()
    told.void("typing-error")
    told.later()
    assert failing(told.report()) == {"no-other-draw": "slot-not-free", "later-acts": "voided"}


def retired(told: Told, **changes) -> Told:
    past_the_round(told)
    void = told.void("chain-retired")
    told.later()
    chain = told.story.chains["practice-2"]
    sources = [(chain, chain.round_at_or_after(told.story.now + 3600))]
    history = told.announcement.of(Announcement).history_size
    fields = {"replaces": void.ref, "sources": sources, "history_size": history} | changes
    second = told.announce_again(**fields)
    told.later()
    return second.go_on()


def test_a_chain_counts_as_retired_only_where_the_readers_trust_file_says_so():
    second = retired(begin())
    assert failing(second.report())["first-of-slot"] == "slot-not-free"
    second.story.trust_lines = "retired practice 2026-09-01T00:00:00Z\n"
    assert second.report().verdict == "holds"
    second.story.trust_lines = "retired practice 2026-12-01T00:00:00Z\n"  # it was alive at the round
    assert failing(second.report())["first-of-slot"] == "slot-not-free"


@pytest.mark.parametrize("bent", [{"window": "2026-10-15"}, {"margin": 301}, {"recusals": b""}])
def test_a_replacement_for_a_retired_chain_changes_nothing_but_the_beacon(bent):
    told = begin(recusals=recusal_list())
    same = told.story.artifacts[told.announcement.of(Announcement).recusals.digest]
    second = retired(told, **({"recusals": same} | bent))
    second.story.trust_lines = "retired practice 2026-09-01T00:00:00Z\n"
    assert failing(second.report())["first-of-slot"] == "slot-not-free"


def recusal_list() -> bytes:
    return recusal("H-000000", "I-0000") + b"\n"


def test_a_replacement_for_a_retired_chain_is_judged_by_the_snapshots_of_the_first_announcement():
    told = begin()
    told.story.snapshot("institutions", objects(61), "2")
    second = retired(told)
    second.story.trust_lines = "retired practice 2026-09-01T00:00:00Z\n"
    assert second.report().verdict == "holds"


def test_a_free_replacement_cites_the_newest_snapshots():
    told = begin()
    void = told.void("typing-error")
    told.story.snapshot("institutions", objects(61), "2")
    told.later()
    second = told.announce_again(replaces=void.ref)
    told.later()
    assert failing(second.go_on().report())["snapshots"] == "not-the-newest"


def test_a_void_for_exhausted_attempts_is_recomputed():
    # 60 objects, 4 inspectors, teams of two, at most one object each: no attempt can ever be accepted.
    tight = team(cap=1, limit=3, beyond="void")
    story = Story()
    told = begin(story, plan={"team": tight})
    past_the_round(told)
    void = told.void("attempts-exhausted", story.pulses(told.announcement.of(Announcement)))
    told.later()
    history = told.announcement.of(Announcement).history_size
    second = told.announce_again(replaces=void.ref, history_size=history)
    told.later()
    exhausted = second.report()
    assert "first-of-slot" not in failing(exhausted)
    assert failing(exhausted)["selection"] == "attempts-exhausted"

    loose = begin(plan={"team": team(cap=9, limit=3, beyond="void")})
    past_the_round(loose)
    void = loose.void("attempts-exhausted", loose.story.pulses(loose.announcement.of(Announcement)))
    loose.later()
    second = loose.announce_again(replaces=void.ref, history_size=loose.announcement.of(Announcement).history_size)
    loose.later()
    assert failing(second.go_on().report())["first-of-slot"] == "slot-not-free"


def test_a_void_for_a_missing_seed_is_recomputed():
    def voided(reveals: bool) -> Told:
        told = begin(before=committed(required=["s0.example.cn/rehearsal"]))
        if reveals:
            told.close(told.reveal())
        else:
            told.close(told.reveal("s1.example.cn/rehearsal"))
        told.later()
        past_the_round(told)
        void = told.void("required-seed-missing")
        told.later()
        said = told.announcement.of(Announcement)
        second = told.announce_again(replaces=void.ref, history_size=said.history_size, seed=said.seed)
        told.later()
        second.close({name: e for name, e in revealed(told).items() if reveals or name == "s1.example.cn/rehearsal"})
        told.later()
        return second

    assert failing(voided(reveals=True).go_on().report())["first-of-slot"] == "slot-not-free"
    second = voided(reveals=False)
    past_the_round(second)
    report = second.report()
    assert "first-of-slot" not in failing(report)
    assert failing(report)["seed"] == "required-seed-missing"


def revealed(told: Told):
    return {e.statement.by: e for e in every(told) if e.statement.type == "reveal"}


# -- 4: cosignatures kept secret ----------------------------------------------------------------------------------


def kept_secret() -> tuple[Told, bytes]:
    """B and L void for want of a quorum that they had, once the pulse is bad, and replace the announcement."""
    told = begin()
    secret_checkpoint = told.story.checkpoints.pop()
    past_the_round(told)
    void = told.void("quorum-not-shown")
    told.later()
    said = told.announcement.of(Announcement)
    second = told.announce_again(replaces=void.ref, history_size=said.history_size)
    told.later()
    return second.go_on(), secret_checkpoint


def test_a_quorum_that_was_never_reached_frees_the_slot_once():
    second, _ = kept_secret()
    assert second.report().verdict == "holds"


def test_early_cosignatures_that_were_kept_out_of_the_bundle_count_as_soon_as_anybody_has_them():
    second, hidden = kept_secret()
    bundle = second.bundle()
    second.story.checkpoints.append(hidden)
    report = second.report(bundle)
    assert failing(report) == {"no-other-draw": "slot-not-free"}


# -- one witness that waits for the pulse -------------------------------------------------------------------------


def half_seen() -> Told:
    """Of three witnesses, two of which make the quorum, one honest one cosigns the announcement in time."""
    told = begin(Story(witnesses=3))
    told.story.checkpoints.pop()
    told.story.checkpoint(by=[0])
    return told


def drawn_again(told: Told, reason: str) -> Told:
    """Void after the round for this reason, and draw under a replacement."""
    past_the_round(told)
    void = told.void(reason)
    told.later()
    said = told.announcement.of(Announcement)
    second = told.announce_again(replaces=void.ref, history_size=said.history_size, seed=said.seed)
    return second.later()


def test_one_witness_that_waits_for_the_pulse_cannot_choose_whether_the_announcement_stands():
    # If the outcome suits, the colluder dates its line back and the announcement stands.
    told = half_seen()
    early = told.story.now
    told.story.checkpoints.pop()
    told.story.checkpoint(by=[0, 2], time=early)
    assert told.go_on().report().verdict == "holds"
    # If it does not, there is no second chance: the honest line in time shows that the quorum may yet be completed.
    second = drawn_again(half_seen(), "quorum-not-shown").go_on()
    assert failing(second.report()) == {"no-other-draw": "slot-not-free"}


def test_a_line_in_time_counts_against_the_void_wherever_it_is_found():
    second = drawn_again(half_seen(), "quorum-not-shown").go_on()
    bundle, line = second.bundle(), sorted(sizes(second.story), key=lambda one: one.size)[1]
    assert line.quorum_time is None
    assert second.report(log=None, bundle_only=True).verdict == "holds"  # the bundle does not carry it
    tree = merkle.Tree(map(merkle.leaf_hash, second.story.entries))
    proof = tuple(node.hex() for node in tree.consistency_proof(line.size))
    told = Earlier(checkpoint=to_base64(line.data), consistency=proof)
    carried = change(bundle, {"checkpoints": (*bundle.checkpoints, told)})
    assert failing(second.report(carried, log=None, bundle_only=True)) == {"first-of-slot": "slot-not-free"}


def closed_and_half_seen(by: Sequence[int]) -> Told:
    """Everybody reveals in time and B closes the list; these witnesses see it before the round."""
    told = begin(Story(witnesses=3), before=committed(required=["s0.example.cn/rehearsal"]))
    told.close(told.reveal())
    told.story.now += 60
    told.story.checkpoint(by=by)
    return told


def test_one_witness_that_waits_for_the_pulse_cannot_choose_whether_the_reveals_were_closed():
    told = closed_and_half_seen([0])
    early = told.story.now
    told.story.checkpoints.pop()
    told.story.checkpoint(by=[0, 2], time=early)
    assert told.go_on().report().verdict == "holds"
    second = drawn_again(closed_and_half_seen([0]), "required-seed-missing")
    second.close(revealed(second))
    assert failing(second.later().go_on().report()) == {"no-other-draw": "slot-not-free"}


def test_a_list_of_reveals_that_no_witness_saw_in_time_is_none():
    second = drawn_again(closed_and_half_seen([]), "required-seed-missing")
    second.close(revealed(second))
    assert second.later().go_on().report().verdict == "holds"


# -- attempts that ran out ----------------------------------------------------------------------------------------


def exhausted() -> Told:
    """Tell an honest story whose first draw runs out of its one attempt, and whose second does not."""
    rules = {"team": team(cap=1, limit=1, beyond="void"), "ratio": "1/60"}
    for margin in range(300, 340):
        told = begin(plan=rules, margin=margin)
        try:
            told.outcome()
            continue
        except AssignmentError:
            past_the_round(told)
        said = told.announcement.of(Announcement)
        void = told.void("attempts-exhausted", told.story.pulses(said))
        told.later()
        second = told.announce_again(replaces=void.ref, history_size=said.history_size, margin=margin).later()
        try:
            return second.go_on()
        except AssignmentError:
            continue
    raise AssertionError("no story in which just the first draw runs out")


def test_whether_attempts_ran_out_cannot_be_told_without_the_rosters():
    told = exhausted()
    assert told.report().verdict == "holds"
    bundle = told.bundle()
    for snapshot in (told.objects[1], told.inspectors[1]):
        report = told.report(without(bundle, snapshot.roster.listing().digest))
        # It says what it lacks; it neither crashes nor calls an honest replacement a second draw.
        assert failing(report) == {"rosters": "artifact-missing"}
        assert waiting(report)["no-other-draw"] == "rosters-needed"


def test_rosters_that_are_not_published_leave_an_honest_replacement_undecided():
    told = exhausted()
    slip = slip_of(told)
    assert verify_slip(slip, trust(told.story), as_of=told.story.now).verdict == "holds"
    report = verify_slip(slip, trust(told.story), as_of=told.story.now, log=told.log())
    assert (failing(report), waiting(report)) == ({}, {"no-other-draw": "rosters-needed"})


def slip_of(told: Told) -> Slip:
    assert told.draw is not None
    assert told.record is not None
    entry, snapshot = told.objects
    return make_slip(
        told.story.entries, sizes(told.story), announcement=told.announcement, draw=told.draw,
        plan=told.plan.of(Plan), snapshot=entry, roster=snapshot.roster, results=lines(told.record.lines),
        exclusions=told.exclusions, role="objects", no="H-000001",
    )  # fmt: skip


def test_the_void_of_one_batch_needs_nothing_that_the_bundle_of_another_does_not_carry():
    first = begin(plan={"team": team(cap=1, limit=3, beyond="void"), "ratio": "1/60"}, recusals=recusal_list())
    story, said = first.story, first.announcement.of(Announcement)
    past_the_round(first)
    void = first.void("attempts-exhausted", story.pulses(said))
    first.later()
    same = story.artifacts.pop(said.recusals.digest)
    first.announce_again(replaces=void.ref, history_size=said.history_size, recusals=same).later()
    del story.artifacts[said.recusals.digest]
    objs, staff = story.snapshot("institutions", objects(3), "2"), story.snapshot("staff", inspectors(40), "2")
    second = first.later().announce_again(objects=objs, inspectors=staff, slots=[SECOND_BATCH])
    report = second.later().go_on().report()
    assert report.verdict == "holds"
    # The first round is past and nothing was drawn, which a reader should know, whatever the reason.
    assert "overdue-draw" in found(report)
