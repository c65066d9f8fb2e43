"""Attacks on which announcement counts (docs/threat-model.md, 1, 2 and 5)."""

from collections.abc import Callable
from dataclasses import replace

from fairdraw.schema import Announcement, Key
from fairdraw.statement import read_entry, sign
from fairdraw.trust import parse_trust
from fairdraw.verify import verify_bundle
from support.story import (
    BUREAU,
    ORIGIN,
    SLOT,
    Story,
    Told,
    begin,
    change,
    failing,
    found,
    inspectors,
    objects,
    past_the_round,
    rebundled,
    secret,
    signer,
    tell,
    trust,
    waiting,
)
from transparency_log.note import Note, Signature

BATCHES = (SLOT, "2026/fund-use/2")


def plan_again(told: Told, *slots: str) -> Told:
    """Log a new plan version and freeze both registries after it."""
    story = told.story
    told.plan = story.plan(slots=slots)
    story.now += 60
    story.checkpoint()
    told.objects = story.snapshot("institutions", objects(), "2")
    told.inspectors = story.snapshot("staff", inspectors(), "2")
    return told


# -- 1: many announcements, one draw ------------------------------------------------------------------------------


def two_hundred() -> list[Told]:
    first = begin()
    variants = [first] + [
        first.announce_again(window=f"2026-{10 + i // 28 % 3}-{1 + i % 28:02d}", margin=300 + i) for i in range(199)
    ]
    first.story.now += 60
    first.story.checkpoint()
    return variants


def test_a_bureau_that_announces_two_hundred_variants_can_draw_only_the_first():
    variants = two_hundred()
    best = min(variants[1:], key=lambda told: told.outcome().selection.drawn[0].ticket)
    best.go_on()
    report = best.report()
    assert failing(report) == {"first-of-slot": "slot-not-free", "no-other-draw": "slot-not-free"}
    first = two_hundred()[0].go_on().report()
    assert first.verdict == "holds"
    assert {finding.code for finding in first.findings} == {"announced-again"}


def test_a_bureau_cannot_leave_its_first_announcement_out_of_the_bundle():
    told = begin()
    second = told.announce_again(window="2026-10-15")
    told.story.now += 60
    told.story.checkpoint()
    bundle = second.go_on().bundle()
    kept = tuple(e for e, index in zip(bundle.entries, range(10), strict=False) if index != told.announcement.index)
    report = second.report(change(bundle, {"entries": kept}))
    assert failing(report)["bureau-chain"] == "chain-broken"


def test_a_bundle_that_starts_at_a_later_plan_version_hides_nothing_from_the_log():
    told = begin()
    told = plan_again(told, *BATCHES, "2026/fund-use/3")
    second = told.announce_again()
    told.story.now += 60
    told.story.checkpoint()
    bundle = second.go_on().bundle()
    later = tuple(e for e in bundle.entries[told.announcement.index + 1 :])
    report = second.report(change(bundle, {"entries": later}))
    assert failing(report)["no-other-draw"] == "slot-not-free"


def test_an_announcement_under_another_origin_is_none():
    elsewhere = tell(Story(origin="log.example.cn/elsewhere/rehearsal"))
    home = Story()
    report = verify_bundle(elsewhere.bundle(), trust(home), as_of=elsewhere.story.now, log=elsewhere.log())
    assert failing(report) == {"trust": "unknown-log"}
    assert elsewhere.report().verdict == "holds"


def test_a_statement_written_for_another_log_is_none_in_this_one():
    told = begin()
    foreign = told.announcement.of(Announcement).model_copy(update={"log": "log.example.cn/elsewhere/rehearsal"})
    entry = told.story.add_bytes(sign(foreign, [told.story.bureau]), advance=BUREAU)
    told.story.now += 60
    told.story.checkpoint()
    other = replace(told, announcement=entry).go_on()
    report = other.report(change(other.bundle(), {"log": ORIGIN}))
    assert failing(report)["bureau-chain"] == "another-log"


def test_an_announcement_with_a_second_key_of_the_bureau_is_none():
    story = Story()
    told = begin(story)
    real, story.bureau = story.bureau, signer(BUREAU + "x")  # the name differs, so that even the note's line does
    story.bureau = type(real).from_seed(BUREAU, secret("the second key"))
    second = told.announce_again()
    story.now += 60
    story.checkpoint()
    second.go_on()
    story.bureau = real
    report = second.report()
    assert failing(report)["bureau-chain"] == "not-the-bureaus-key"


def test_a_new_key_counts_once_the_old_one_has_named_it():
    story = Story()
    old, new = story.bureau, type(story.bureau).from_seed(BUREAU, secret("the next key"))
    text = trust(story)
    change_of_key = story.head().make(Key, old=old.verifier.vkey, new=new.verifier.vkey, former=None)
    story.add(change_of_key, [old, new])
    story.bureau = new
    told = tell(story)
    assert verify_bundle(told.bundle(), text, as_of=story.now, log=told.log()).verdict == "holds"


def test_a_new_key_that_the_old_one_never_named_counts_for_nothing():
    story = Story()
    stranger, new = signer(BUREAU), type(story.bureau).from_seed(BUREAU, secret("the next key"))
    text = trust(story)
    forged = type(story.bureau).from_seed(BUREAU, secret("no key of the bureau"))
    change_of_key = story.head().make(Key, old=stranger.verifier.vkey, new=new.verifier.vkey, former=None)
    story.add(change_of_key, [forged, new])
    story.bureau = new
    told = tell(story)
    report = verify_bundle(told.bundle(), text, as_of=story.now, log=told.log())
    assert failing(report)["bureau-chain"] == "not-the-bureaus-key"


def test_a_batch_added_to_the_plan_after_the_snapshots_cannot_be_drawn_from_them():
    told = begin()
    told.plan = told.story.plan(slots=(*BATCHES, "2026/fund-use/3"))
    told.story.now += 60
    told.story.checkpoint()
    extra = told.announce_again(slots=["2026/fund-use/3"])
    told.story.now += 60
    told.story.checkpoint()
    assert failing(extra.go_on().report()) == {"plan-before-snapshots": "plan-not-cosigned-first"}


def test_a_batch_that_the_plan_does_not_have_cannot_be_drawn():
    told = begin()
    said = told.announcement.of(Announcement)
    forged = said.model_copy(update={"slots": ("2026/fund-use/3",), **told.story.head().fields()})
    extra = replace(told, announcement=told.story.add(forged))
    told.story.now += 60
    told.story.checkpoint()
    assert failing(extra.go_on().report()) == {"plan-before-snapshots": "not-the-version-meant"}


def test_the_rehearsal_twin_of_a_draw_is_not_the_draw():
    told = tell()
    real_log, real_bureau = signer("log.example.cn/jinan"), signer("jinan-ybj.example.cn")
    witness = signer("w0.example.cn", 4)
    text = (
        f"fairdraw/trust v1\nlog {real_log.verifier.vkey}\nwitness w0 {witness.verifier.vkey}\nquorum w0\n"
        f"bureau jinan-ybj.example.cn {real_bureau.verifier.vkey} log.example.cn/jinan\n"
    )
    real = parse_trust(text.encode())
    report = verify_bundle(told.bundle(), real, as_of=told.story.now, log=told.log())
    assert failing(report) == {"trust": "rehearsal-mixed"}
    renamed = change(told.bundle(), {"log": "log.example.cn/jinan", "bureau": "jinan-ybj.example.cn"})
    report = verify_bundle(renamed, real, as_of=told.story.now, log=told.log())
    assert failing(report) == {"format": "not-the-bureaus"}
    assert report.check("log-signature").state == "unknown"


def test_an_announcement_by_a_supervisor_is_not_the_bureaus():
    told = begin()
    name = next(iter(told.story.people))
    said = told.announcement.of(Announcement)
    forged = said.model_copy(update={**told.story.head(name).fields(), "slots": ("2026/fund-use/2",)})
    other = replace(told, announcement=told.story.add(forged))
    told.story.now += 60
    told.story.checkpoint()
    report = other.go_on().report(change(other.bundle(), {"bureau": BUREAU}))
    assert failing(report) == {"format": "not-the-bureaus"}


def test_a_bundle_about_a_supervisors_announcement_alone_is_refused_without_a_crash():
    told = begin()
    name = next(iter(told.story.people))
    said = told.announcement.of(Announcement)
    entry = told.story.add(said.model_copy(update=told.story.head(name).fields()))
    told.story.checkpoint()
    bundle = replace(told, announcement=entry).bundle()
    alone = change(bundle, {"entries": bundle.entries[-1:]})
    assert told.report(alone).verdict == "fails"


def test_two_texts_with_one_seq_are_misconduct_by_themselves():
    told = begin()
    twin = told.announcement.of(Announcement).model_copy(update={"window": "2026-10-31"})
    told.story.add(twin)
    told.story.now += 60
    told.story.checkpoint()
    report = told.go_on().report()
    assert failing(report) == {"bureau-chain": "chain-broken"}


def test_a_second_text_with_one_seq_logged_after_the_draw_is_seen_in_the_log():
    told = tell()
    twin = told.announcement.of(Announcement).model_copy(update={"window": "2026-10-31"})
    told.story.add(twin)
    told.story.now += 60
    told.story.checkpoint()
    assert failing(told.report()) == {"no-other-draw": "chain-broken"}


# -- 2: the same note once more -----------------------------------------------------------------------------------


def with_junk_line(data: bytes, lines: int = 1) -> bytes:
    note = Note.parse(data)
    junk = tuple(Signature(f"junk{i}.example", bytes(4), bytes(64)) for i in range(lines))
    return Note(note.text, note.signatures + junk).format()


def without_valid_line(data: bytes) -> bytes:
    note = Note.parse(data)
    bad = tuple(Signature(s.name, s.key_id, bytes(64)) for s in note.signatures)
    return Note(note.text, bad).format()


def test_a_note_logged_again_with_a_junk_signature_line_gives_no_second_key():
    told = begin()
    again = told.story.add_bytes(with_junk_line(told.announcement.data))
    assert again.data != told.announcement.data
    assert again.text_hash == told.announcement.text_hash
    told.story.checkpoint()
    assert told.go_on().report().verdict == "holds"
    assert replace(told, announcement=again).key() == told.key()


def test_a_bundle_cannot_place_the_announcement_at_its_second_entry():
    told = begin()
    told.story.now += 7200  # past the round
    again = told.story.add_bytes(with_junk_line(told.announcement.data))
    told.go_on()
    bundle = told.bundle()
    entries = [read_entry(data, index) for index, data in enumerate(told.story.entries)]
    late = [e for e in entries if e.index != told.announcement.index]
    report = told.report(rebundled(told, late))
    assert again.index in {e.index for e in late}
    assert failing(report)["announcement-before-pulse"] == "announcement-late"
    assert told.report(bundle).verdict == "holds"


def test_an_announcement_is_not_hidden_by_an_earlier_entry_of_its_text_that_nobody_signed():
    # L logs B's note with a broken signature first: readers who know a text by its first entry forget it.
    told = begin()
    story, hidden = told.story, told.announcement
    story.entries.insert(hidden.index, without_valid_line(hidden.data))
    story.checkpoints.pop()
    story.checkpoint()
    # The second announcement takes the hidden one's place in the chain.
    story.heads[BUREAU] = (hidden.statement.seq, hidden.statement.prev)
    second = told.announce_again(window="2026-10-15")
    told.later()
    second.go_on()
    entries = [read_entry(data, index) for index, data in enumerate(story.entries)]
    bundle = rebundled(second, [e for e in entries if e.text_hash != hidden.text_hash])
    assert failing(second.report(bundle)) == {"no-other-draw": "chain-broken"}


def test_an_honest_draw_is_not_spoilt_by_a_forged_twin_of_its_note():
    told = begin()
    story = told.story
    story.add_noise(without_valid_line(told.announcement.data))
    story.add_noise(with_junk_line(told.announcement.data, 20))
    story.checkpoint()
    assert told.go_on().report().verdict == "holds"


def test_an_honest_draw_is_not_spoilt_by_statements_that_others_sign_in_the_bureaus_name():
    told = begin()
    story = told.story
    forger = type(story.bureau).from_seed(BUREAU, secret("a forger"))
    for changes in ({}, {"with": ("nobody.example.cn/rehearsal",)}, {"bureau": "other.example.cn/rehearsal"}):
        said = told.announcement.of(Announcement).model_dump(by_alias=True) | story.head().fields() | changes
        forged = Announcement.model_validate(said | {"window": "2026-10-01"})
        story.add_noise(sign(forged, [forger, *(signer(name) for name in forged.with_)]))
    story.checkpoint()
    told.go_on()
    assert told.report().verdict == "holds"


# -- 5: no draw at all --------------------------------------------------------------------------------------------


def test_a_draw_that_is_never_logged_is_computed_and_shown_by_the_verifier():
    told = begin()
    past_the_round(told)
    told.later()
    report = told.report()
    assert failing(report) == {"record-logged": "no-draw"}
    assert [(no, team) for no, team in report.drawn] == [
        (one.no, tuple(i for _, i in told.outcome().assignment.teams[one.no])) for one in told.outcome().selection.drawn
    ]


def test_a_draw_whose_round_is_still_to_come_is_not_overdue():
    told = begin()
    report = told.report(told.bundle(pulses=()))
    assert failing(report) == {}
    assert waiting(report)["record-logged"] == "not-due-yet"


def test_a_draw_under_another_announcement_of_the_slot_fails_both():
    told = begin()
    second = told.announce_again(window="2026-10-15")
    told.later()
    told.go_on()
    second.go_on()
    told.later()
    assert failing(told.report())["no-other-draw"] == "another-draw"
    assert failing(second.report())["first-of-slot"] == "slot-not-free"


def test_a_second_draw_under_one_announcement_does_not_count():
    told = tell()
    first = told.draw
    again = replace(told)
    again.go_on()
    assert again.draw is not None
    assert first is not None
    assert again.draw.text_hash != first.text_hash
    assert failing(again.report())["first-of-slot"] == "not-the-first-draw"


def batches(first: Callable[[Told], object]) -> Told:
    """Announce one batch, let something become of it, and draw the second batch of the same item."""
    told = begin()
    first(told)
    second = told.announce_again(slots=[BATCHES[1]])
    return second.later().go_on()


def test_a_first_batch_that_was_looked_at_and_never_drawn_is_found():
    def looked_at(told: Told) -> None:
        past_the_round(told).later()

    def looked_at_and_voided(told: Told) -> None:
        past_the_round(told).void("other")
        told.later()

    for bent in (looked_at, looked_at_and_voided):
        report = batches(bent).report()
        assert report.verdict == "holds"
        assert found(report) == {"overdue-draw"}


def test_a_first_batch_that_was_drawn_or_given_up_in_time_or_is_not_due_is_no_finding():
    def given_up(told: Told) -> None:
        told.void("typing-error")
        told.later()

    def not_due(told: Told) -> None:
        late = [(told.story.chain, told.story.chain.round_at_or_after(told.story.now + 30 * 86_400))]
        told.undo()
        again = told.announce_again(sources=late, window="2026-12-31")
        told.announcement = again.announcement
        told.later()

    for honest in (Told.go_on, given_up, not_due):
        report = batches(honest).report()
        assert report.verdict == "holds"
        assert found(report) == set()
