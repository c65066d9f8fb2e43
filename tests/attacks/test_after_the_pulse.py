"""Attacks on what may still move after the pulse (docs/threat-model.md, 7 to 11, 13)."""

from dataclasses import replace

import pytest

from fairdraw.announcement import artifact_of
from fairdraw.encoding import canonical, lines
from fairdraw.errors import AnnouncementError, SeedError
from fairdraw.record import Record
from fairdraw.roster import listing_of
from fairdraw.rules import Batch
from fairdraw.schema import Announcement, Commitment, Committed, Contributor, Withdrawal
from fairdraw.seed import commitment
from support.story import (
    SLOT,
    Told,
    begin,
    committed,
    failing,
    objects,
    past_the_round,
    recusal,
    secret,
    swap,
    tell,
    waiting,
)
from transparency_log import merkle

S0, S1, S2 = (f"s{i}.example.cn/rehearsal" for i in range(3))


# -- 7: history ---------------------------------------------------------------------------------------------------


def test_a_friend_cannot_be_excluded_by_a_list_that_no_announced_rule_yields():
    friend = canonical({"item": None, "no": "H-000000", "reason": "yearly-cap"}) + b"\n"
    report = tell(exclusions=friend).report()
    assert failing(report) == {"closed-inputs": "exclusions-differ"}


def test_a_history_size_beyond_the_announcement_is_refused():
    report = tell(history_size=4).report()
    assert failing(report) == {"closed-inputs": "history-after-announcement"}
    assert tell(history_size=3).report().verdict == "holds"


def test_results_logged_after_the_announcement_change_nothing():
    told = begin()
    before = told.key()
    told.story.snapshot("institutions", objects(20), "another")
    told.later()
    assert told.key() == before
    assert told.go_on().report().verdict == "holds"


# -- 8: dates -----------------------------------------------------------------------------------------------------


def test_the_last_inspection_day_cannot_be_moved_after_the_announcement():
    told = begin()
    said = told.announcement.of(Announcement)
    moved = said.model_copy(update={**told.story.head().fields(), "window": "2027-01-31"})
    other = replace(told, announcement=told.story.add(moved))
    past_the_round(told.later())
    assert other.key() != told.key()
    assert failing(other.go_on().report())["first-of-slot"] == "slot-not-free"


def test_a_window_that_ends_before_the_round_is_refused():
    told = begin()
    early = told.retold(window="2026-09-06")
    assert failing(early.go_on().report()) == {"closed-inputs": "window-before-round"}


def test_a_window_outside_the_days_that_the_plan_gives_the_batch_is_refused():
    told = begin(plan={"schedule": (Batch(slot=SLOT, first="2026-09-01", last="2026-10-31", share=None),)})
    late = told.retold(window="2026-11-01")
    assert failing(late.go_on().report()) == {"closed-inputs": "window-outside-schedule"}


def test_a_window_outside_the_days_that_the_plan_gives_the_batch_makes_no_announcement():
    with pytest.raises(AnnouncementError, match="window-outside-schedule"):
        begin(plan={"schedule": (Batch(slot=SLOT, first="2026-10-01", last="2026-10-31", share=None),)})


@pytest.mark.parametrize("number", [2**53 - 1, 2**52])
def test_a_round_in_the_year_of_the_end_of_the_world_is_refused_without_a_crash(number):
    told = begin()
    far = tuple(s.model_copy(update={"round": number}) for s in told.announcement.of(Announcement).beacon)
    report = told.report(told.retold(beacon=far).bundle(pulses=()))
    assert failing(report)["announcement-before-pulse"] == "round-too-far"
    assert set(failing(report).values()) == {"round-too-far"}


# -- 9: lists -----------------------------------------------------------------------------------------------------


def test_a_recusal_list_edited_afterwards_is_not_the_announced_one():
    told = tell(recusals=recusal("H-000000", "I-0000") + b"\n")
    digest = told.announcement.of(Announcement).recusals.digest
    assert told.report().verdict == "holds"
    edited = swap(told.bundle(), digest, recusal("H-000001", "I-0001") + b"\n")
    assert failing(told.report(edited)) == {"closed-inputs": "wrong-digest"}


@pytest.mark.parametrize(
    "bent",
    [
        {"declarer": "nobody"},
        {"reason": "He is her cousin, living in 千佛山路 1 号"},
        {"form": "a piece of paper"},
        {"object": "no number"},
    ],
)
def test_a_recusal_carries_codes_and_digests_and_no_free_text(bent):
    row = {"declarer": "object", "form": None, "inspector": "I-0000", "object": "H-000000", "reason": "kinship"}
    listed = canonical(row | bent) + b"\n"
    told = begin()
    told.story.keep(listed)
    report = told.report(told.retold(recusals=artifact_of(listed)).bundle(pulses=()))
    assert failing(report)["closed-inputs"] == "bad-list"


def test_a_list_in_another_order_is_not_the_list():
    rows = sorted([recusal("H-000000", "I-0000"), recusal("H-000001", "I-0001")])
    assert tell(recusals=lines(rows)).report().verdict == "holds"
    with pytest.raises(Exception, match="sorted lines"):
        tell(recusals=lines(reversed(rows)))


# -- 10, 11: committed seeds --------------------------------------------------------------------------------------


def seeded(*, required=(), minimum=0, reveal=(), close_late=False) -> Told:
    told = begin(before=committed(required=required, minimum=minimum))
    reveals = told.reveal(*reveal)
    if close_late:
        past_the_round(told)
    told.close(reveals)
    return told.later()


def test_seeds_that_were_revealed_before_the_round_count():
    told = seeded()
    assert told.go_on().report().verdict == "holds"
    assert all(len(value) == 64 for _, value in told.seeds)


def test_a_contributor_who_does_not_reveal_before_the_round_is_left_out_for_ever():
    told = seeded(reveal=[S0, S1])
    past_the_round(told)
    told.reveal(S2)
    told.go_on()
    assert told.report().verdict == "holds"
    assert dict(told.seeds)[S2] == "-"
    told.seeds = tuple((name, secret(f"seed of {name}").hex()) for name, _ in told.seeds)
    forged = replace(told, draw=None).go_on()
    assert failing(forged.report())["first-of-slot"] == "not-the-first-draw"


def test_a_bureau_that_closes_the_reveals_after_the_pulse_has_no_draw():
    told = seeded(close_late=True)
    assert failing(told.go_on().report())["seed"] == "reveals-late"


def test_a_bureau_that_never_closes_the_reveals_draws_without_any():
    told = begin(before=committed())
    told.reveal()
    told.seeds = tuple((name, "-") for name in (S0, S1, S2))
    assert told.go_on().report().verdict == "holds"
    told = begin(before=committed(minimum=1))
    told.seeds = tuple((name, "-") for name in (S0, S1, S2))
    assert failing(told.go_on().report())["seed"] == "too-few-reveals"


def test_there_is_no_draw_without_a_contributor_who_was_announced_as_indispensable():
    assert seeded(required=[S0]).go_on().report().verdict == "holds"
    told = seeded(required=[S0], reveal=[S1, S2])
    assert failing(told.go_on().report())["seed"] == "required-seed-missing"


def test_there_is_no_draw_with_fewer_reveals_than_announced():
    assert seeded(minimum=2, reveal=[S0, S1]).go_on().report().verdict == "holds"
    assert failing(seeded(minimum=3, reveal=[S0, S1]).go_on().report())["seed"] == "too-few-reveals"


def test_a_second_list_of_reveals_does_not_replace_the_first():
    told = begin(before=committed())
    reveals = told.reveal()
    told.close({S0: reveals[S0]})
    first = told.seeds
    told.close(reveals)
    told.later().go_on()
    assert failing(told.report())["selection"] == "selection-differs"
    again = begin(before=committed())
    reveals = again.reveal()
    again.close({S0: reveals[S0]})
    again.close(reveals)
    again.seeds = first
    assert again.later().go_on().report().verdict == "holds"


def test_a_contributor_cannot_copy_the_commitment_of_another():
    copied = commitment(SLOT, S0, secret(f"seed of {S0}"))
    told = begin(before=committed(of=lambda name: copied))
    told.close({})
    report = told.later().go_on().report()
    assert failing(report)["seed"] == "equal-commitments"


def test_a_copied_seed_does_not_open_under_another_name():
    own = {S1: commitment(SLOT, S0, secret(f"seed of {S1}"))}
    told = begin(before=committed(S0, S1, of=lambda n: own.get(n) or commitment(SLOT, n, secret(f"seed of {n}"))))
    told.close(told.reveal())
    assert failing(told.later().go_on().report())["seed"] == "reveal-does-not-open"


def test_six_dice_are_not_a_seed():
    with pytest.raises(SeedError) as caught:
        commitment(SLOT, S0, b"436215")
    assert caught.value.code == "seed-length"


def test_a_puppet_that_the_readers_trust_file_does_not_know_is_an_unknown_person():
    told = begin(before=committed())
    told.close(told.reveal())
    told.later().go_on()
    bundle, log = told.bundle(), told.log()
    del told.story.people[S2]
    report = told.report(bundle, log=log)
    assert failing(report)["seed"] == "unknown-person"


def test_a_commitment_to_another_bureaus_slot_of_the_same_name_does_not_count():
    told = begin(
        before=bent_commitment,
    )
    told.close(told.reveal())
    assert failing(told.later().go_on().report())["seed"] == "unknown-person"


def bent_commitment(story):
    value = commitment(SLOT, S0, secret(f"seed of {S0}"))
    said = story.head(S0).make(Commitment, slot=SLOT, commitment=value)
    entry = story.add(said.model_copy(update={"bureau": "yantai-ybj.example.cn/rehearsal"}))
    contributor = Contributor(name=S0, commitment=entry.ref, required=False)
    return {"seed": Committed(kind="committed", contributors=(contributor,), minimum=0)}


# -- 13: "corrections" --------------------------------------------------------------------------------------------


def reordered(record: Record) -> Record:
    told = (*record.lines[:3], *reversed(record.lines[3:]))
    tree = merkle.Tree(map(merkle.leaf_hash, told))
    data = lines(told)
    statement = record.statement.model_copy(update={"results": listing_of(data, tree)})
    return Record(statement=statement, lines=told, tree=tree, artifact=data)


def respaced(record: Record) -> Record:
    data = record.artifact.replace(b'","', b'", "')
    named = record.statement.results.model_copy(update=artifact_of(data).model_dump())
    return replace(record, statement=record.statement.model_copy(update={"results": named}), artifact=data)


def rerooted(record: Record) -> Record:
    other = merkle.Tree(map(merkle.leaf_hash, record.lines[::-1]))
    named = record.statement.results.model_copy(update={"root": other.root().hex()})
    return replace(record, statement=record.statement.model_copy(update={"results": named}))


def recounted(record: Record) -> Record:
    counts = record.statement.counts.model_copy(update={"objects": 61})
    return replace(record, statement=record.statement.model_copy(update={"counts": counts}))


@pytest.mark.parametrize(
    ("bend", "expected"),
    [
        (reordered, {"selection": "selection-differs", "record-matches": "record-differs"}),
        (respaced, {"quotas": "bad-result-list", "selection": "bad-result-list", "assignment": "bad-result-list",
                    "record-matches": "record-differs"}),
        (rerooted, {"record-matches": "record-differs"}),
        (recounted, {"record-matches": "record-differs"}),
    ],
)  # fmt: skip
def test_a_result_corrected_in_order_or_format_is_another_result(bend, expected):
    assert failing(begin().go_on(bend=bend).report()) == expected


def test_a_withdrawn_roster_is_said_to_be_withdrawn_and_not_called_false():
    told = tell()
    digest = told.objects[1].roster.listing().digest
    told.story.add(told.story.head().make(Withdrawal, digest=digest, reason="personal-data"))
    told.later()
    del told.story.artifacts[digest]
    report = told.report()
    assert failing(report) == {}
    assert waiting(report)["rosters"] == "withdrawn"


def test_a_roster_that_only_a_supervisor_withdrew_is_missing():
    told = tell()
    digest = told.objects[1].roster.listing().digest
    told.story.add(told.story.head(S0).make(Withdrawal, digest=digest, reason="personal-data"))
    told.later()
    del told.story.artifacts[digest]
    assert failing(told.report()) == {"rosters": "artifact-missing"}
