"""Attacks on draws that are sealed until a day (docs/threat-model.md, 12 and 33)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fairdraw.encoding import end_of_day, from_base64, to_base64
from fairdraw.record import Record
from fairdraw.schema import Deposit, Draw, Until
from fairdraw.seed import embargo_commitment
from support.story import (
    BUREAU,
    EMBARGO,
    SEALED_UNTIL,
    SLOT,
    Story,
    begin,
    change,
    failing,
    found,
    sealed,
    secret,
    tell,
    waiting,
)
from transparency_log.proof import TlogProof

S0, S1 = "s0.example.cn/rehearsal", "s1.example.cn/rehearsal"


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


# -- rules that a bureau might not keep ---------------------------------------------------------------------------


def test_a_sealed_draw_that_is_never_opened_is_found_though_a_depositary_can_verify_it():
    told = tell(before=sealed())
    assert found(told.report(told.bundle(embargo=EMBARGO.hex()))) == set()
    told.story.now = end_of_day(SEALED_UNTIL) + 40 * 86_400
    told.story.checkpoint()
    report = told.report(told.bundle(embargo=EMBARGO.hex()))
    assert report.verdict == "holds"
    assert found(report) == {"not-opened-in-time"}


@pytest.mark.parametrize(("key", "expected"), [("00" * 32, "another-key"), (None, None)])
def test_an_opening_with_another_key_than_the_draws_does_not_hold(key, expected):
    told = tell(before=sealed())
    told.open_up(key=key)
    told.later()
    checks = ("selection", "assignment", "record-matches")
    assert failing(told.report()) == ({} if expected is None else dict.fromkeys(checks, expected))


@pytest.mark.parametrize(("seconds", "expected"), [(86_400, {"opened-early"}), (1, {"opened-early"}), (0, set())])
def test_a_result_that_was_opened_before_its_day_began_is_found(seconds, expected):
    told = tell(before=sealed())
    told.open_up(at=end_of_day(SEALED_UNTIL) - 86_400 - seconds)
    told.story.checkpoint()
    report = told.report()
    assert report.verdict == "holds"
    assert found(report) == expected


@pytest.mark.parametrize("shown", ["key", "blocks"])
def test_a_sealed_draw_that_shows_its_key_or_blocks_does_not_hold(shown):
    told = begin(before=sealed())
    value = told.key().hex() if shown == "key" else ()
    report = told.go_on(bend=with_fields(**{shown: value})).report()
    assert failing(report) == {"record-logged": "sealed-draw-shows"}


@pytest.mark.parametrize("hidden", ["key", "blocks"])
def test_an_open_draw_that_hides_its_key_or_blocks_does_not_hold(hidden):
    report = begin().go_on(bend=with_fields(**{hidden: None})).report()
    assert failing(report)["record-logged"] == "open-draw-hides"
    assert tell().report().verdict == "holds"


def with_fields(**changes: Any) -> Callable[[Record], Record]:
    def bend(record: Record) -> Record:
        return replace(record, statement=record.statement.model_copy(update=changes))

    return bend


@pytest.mark.parametrize(("slot", "expected"), [("2026/fund-use/2", "too-few-deposits"), (SLOT, None)])
def test_a_key_deposited_for_another_slot_is_not_deposited_for_this_one(slot, expected):
    def before(story: Story) -> dict[str, Any]:
        value = embargo_commitment(SLOT, EMBARGO)
        for name in (S0, S1):
            story.add(story.head(name).make(Deposit, slot=slot, embargo=value))
        return {"disclosure": Until(kind="until", date=SEALED_UNTIL, embargo=value)}

    told = tell(before=before)
    report = told.report(told.bundle(embargo=EMBARGO.hex()))
    assert failing(report) == ({} if expected is None else {"disclosure": expected})
