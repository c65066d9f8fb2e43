"""Attacks on what may still move after the pulse (docs/threat-model.md, 7 to 11, 13)."""

from dataclasses import replace

import pytest

from fairdraw.announcement import artifact_of
from fairdraw.encoding import canonical, end_of_day, from_base64, lines, to_base64
from fairdraw.errors import SeedError
from fairdraw.record import Record
from fairdraw.schema import Announcement, Commitment, Committed, Contributor, Deposit, Draw, Withdrawal
from fairdraw.seed import commitment, embargo_commitment
from fairdraw.snapshot import listing_of
from support.story import (
    BUREAU,
    EMBARGO,
    SEALED_UNTIL,
    SLOT,
    Told,
    begin,
    change,
    committed,
    failing,
    found,
    objects,
    recusal,
    sealed,
    secret,
    swap,
    tell,
    waiting,
)
from transparency_log import merkle
from transparency_log.proof import TlogProof

S0, S1, S2 = (f"s{i}.example.cn/rehearsal" for i in range(3))


def past_the_round(told: Told) -> Told:
    told.story.now += 7200
    return told


# -- 7: history ---------------------------------------------------------------------------------------------------


def test_a_friend_cannot_be_excluded_by_a_list_that_no_announced_rule_yields():
    friend = canonical({"no": "H-000000", "reason": "yearly-cap"}) + b"\n"
    report = tell(exclusions=friend).report()
    assert failing(report) == {"closed-inputs": "exclusion-without-rule"}


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


def test_a_deposit_that_was_never_logged_does_not_count():
    told = tell(before=sealed())
    bundle = told.bundle(embargo=EMBARGO.hex())
    assert told.report(bundle).verdict == "holds"
    other = tell(before=sealed(1))
    assert failing(other.report(other.bundle(embargo=EMBARGO.hex())))["disclosure"] == "too-few-deposits"
    one = other.bundle(embargo=EMBARGO.hex())
    two = next(e for e in bundle.entries if b'"by":"s1' in decoded(e.note))
    smuggled = change(one, {"entries": (*one.entries, with_checkpoint(two, one))})
    assert failing(other.report(smuggled)) == {"bureau-chain": "not-in-log"}


def decoded(text: str) -> bytes:
    return from_base64(text)


def with_checkpoint(entry, bundle):
    proof = TlogProof.parse(decoded(entry.proof))
    moved = TlogProof(index=proof.index, hashes=proof.hashes, checkpoint=decoded(bundle.checkpoint))
    return entry.model_copy(update={"proof": to_base64(moved.format())})


# -- sealed draws -------------------------------------------------------------------------------------------------


def test_a_sealed_draw_exists_in_time_and_tells_nothing_until_its_date():
    told = tell(before=sealed())
    report = told.report()
    assert report.verdict == "unknown"
    assert waiting(report)["disclosure"] == "sealed-until"
    assert report.drawn == ()
    assert told.draw is not None
    said = told.draw.of(Draw)
    assert (said.key, said.blocks) == (None, None)
    assert b"H-0" not in told.draw.data


def test_the_opening_shows_that_the_sealed_draw_was_the_right_one():
    told = tell(before=sealed())
    told.open_up()
    told.later()
    report = told.report()
    assert report.verdict == "holds"
    assert found(report) == set()


def test_another_embargo_key_than_the_committed_one_is_refused():
    told = tell(before=sealed())
    report = told.report(told.bundle(embargo=secret("a better key").hex()))
    assert failing(report)["disclosure"] == "another-embargo"
    told.embargo = secret("a better key")
    told.open_up()
    told.later()
    assert failing(told.report())["disclosure"] == "another-embargo"


def test_an_embargo_key_beside_a_draw_that_needs_none_is_refused():
    told = tell()
    assert failing(told.report(told.bundle(embargo=EMBARGO.hex())))["disclosure"] == "another-embargo"


def test_the_opening_of_another_draw_opens_nothing():
    told = tell(before=sealed())
    said = told.open_up()
    foreign = said.statement.model_copy(update={"of": told.plan.ref, "embargo": "00" * 32})
    told.story.entries.pop()
    told.story.heads[BUREAU] = (said.statement.seq, said.statement.prev)
    told.story.add(foreign)
    told.open_up()
    told.later()
    assert told.report().verdict == "holds"


def test_an_opening_that_is_dated_back_is_found_late():
    told = tell(before=sealed())
    due = end_of_day(SEALED_UNTIL)
    claimed = told.story.now
    told.story.now = due + 86_400
    told.story.checkpoint()
    assert found(told.report()) == {"not-opened-in-time"}
    told.story.now = claimed
    told.open_up()
    told.story.now = due + 2 * 86_400
    told.story.checkpoint()
    report = told.report()
    assert report.verdict == "holds"
    assert found(report) == {"opened-late"}


def test_two_depositaries_must_hold_the_key_before_the_round():
    told = begin(before=sealed(0))
    told.go_on()
    for name in (S0, S1):
        value = embargo_commitment(SLOT, EMBARGO)
        told.story.add(told.story.head(name).make(Deposit, slot=SLOT, embargo=value))
    told.later()
    assert failing(told.report(told.bundle(embargo=EMBARGO.hex())))["disclosure"] == "too-few-deposits"


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
