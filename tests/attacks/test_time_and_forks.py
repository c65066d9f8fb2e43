"""Attacks with time and with forks of the log (docs/threat-model.md, 19 to 24, 26)."""

from copy import deepcopy
from dataclasses import replace
from itertools import count

import pytest

from fairdraw.encoding import to_base64
from fairdraw.errors import TrustError
from fairdraw.schema import Announcement, SignOff
from fairdraw.trust import parse_trust
from fairdraw.verify import LogView, verify_bundle
from fairdraw_cli.source import view as read_log
from support.keys import ml_dsa_signer
from support.story import ORIGIN, Told, begin, change, failing, signer, sizes, tell, trust, trust_text, waiting
from transparency_log import merkle
from transparency_log.checkpoint import Checkpoint, Cosignature, cosign, sign_checkpoint
from transparency_log.errors import WitnessError
from transparency_log.frozen import sign_frozen
from transparency_log.note import Note, Signature, Signer
from transparency_log.policy import Policy, colluders_to_backdate, colluders_to_fork, order_time, suffices
from transparency_log.seen import MemoryWitnessState
from transparency_log.tiles import encode_bundle, tile_at
from transparency_log.witness import Witness, add_checkpoint_request


def due_of(told: Told) -> int:
    return told.story.chain.time_of(told.announcement.of(Announcement).beacon[0].round)


def cosigned_at(told: Told, time: int) -> Told:
    told.story.checkpoints.pop()
    told.story.checkpoint(time=time)
    return told


# -- 19: the margin -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("margin", "before", "holds"), [
    (0, 61, True), (0, 60, False), (0, 1, False), (300, 301, True), (300, 300, False), (300, 61, False),
])  # fmt: skip
def test_a_margin_of_zero_gains_nothing_against_the_readers_own_minimum(margin, before, holds):
    told = begin(margin=margin)
    cosigned_at(told, due_of(told) - before)
    expected = {} if holds else {"announcement-before-pulse": "announcement-late"}
    assert failing(told.go_on().report()) == expected


def test_a_reader_may_ask_for_a_wider_margin_than_was_announced():
    told = cosigned_at(begin(margin=0), due_of(begin(margin=0)) - 400)
    assert told.go_on().report().verdict == "holds"
    told.story.trust_lines = "margin 400\n"
    assert failing(told.report()) == {"announcement-before-pulse": "announcement-late"}


def test_an_announcement_that_was_cosigned_after_the_round_is_late():
    told = begin()
    told = cosigned_at(told, due_of(told) + 1)
    assert failing(told.go_on().report()) == {"announcement-before-pulse": "announcement-late"}


# -- 20: slow clocks ----------------------------------------------------------------------------------------------


def test_an_honest_witness_with_a_slow_clock_does_not_cosign_once_it_has_seen_a_later_pulse():
    told = begin()
    story = told.story
    story.checkpoints.pop()
    root = merkle.root(map(merkle.leaf_hash, story.entries))
    note = sign_checkpoint(Checkpoint(ORIGIN, len(story.entries), root), story.log_key)
    request = add_checkpoint_request(0, (), note)
    logs = {ORIGIN: story.log_key.verifier}
    slow, due = due_of(told) - 900, due_of(told)
    witness = Witness(story.witness_keys[0], MemoryWitnessState())
    with pytest.raises(WitnessError) as caught:
        witness.add_checkpoint(request, now=slow, floor=due, logs=logs)
    assert caught.value.code == "clock"
    with pytest.raises(WitnessError):  # what it has once seen it does not forget
        witness.add_checkpoint(request, now=slow, floor=slow - 3, logs=logs)
    witness = Witness(story.witness_keys[0], MemoryWitnessState())
    (signature,) = witness.add_checkpoint(request, now=slow, floor=slow - 3, logs=logs)  # the honest twin
    assert signature.name == story.witness_keys[0].name


# -- 21: timestamp 0 ----------------------------------------------------------------------------------------------


def with_ml_dsa(told: Told, timestamp: int) -> str:
    """Replace witness 0 by an ML-DSA-44 one whose 0x06 lines carry this timestamp; return the trust file."""
    key = ml_dsa_signer("pq.example.cn/rehearsal")
    story = told.story
    text = trust_text(story).replace(story.witness_keys[0].verifier.vkey, key.verifier.vkey)

    def cosigned(data: bytes) -> bytes:
        note = Note.parse(data)
        body = Checkpoint.parse(note.text)
        name, origin = key.name.encode(), body.origin.encode()
        message = b"subtree/v1\n\0" + bytes([len(name)]) + name + timestamp.to_bytes(8)
        message += bytes([len(origin)]) + origin + bytes(8) + body.size.to_bytes(8) + body.root
        line = Signature(key.name, key.verifier.key_id, timestamp.to_bytes(8) + key.sign_bytes(message))
        kept = tuple(s for s in note.signatures if s.name != story.witness_keys[0].name)
        return Note(note.text, (*kept, line)).format()

    early = told.announcement.index + 1
    story.checkpoints = [
        cosigned(data) if Checkpoint.parse(Note.parse(data).text).size == early else data for data in story.checkpoints
    ]
    return text


@pytest.mark.parametrize("early", [True, False])
def test_a_subtree_signature_without_a_time_is_not_an_early_one(early):
    told = begin()
    text = with_ml_dsa(told, due_of(told) - 3000 if early else 0)
    policy = parse_trust(text.encode()).policy
    key = policy.witnesses[0].verifier
    other = Cosignature(policy.witnesses[1].verifier, 1000)
    assert order_time(policy, [Cosignature(key, 0), other]) is None
    assert order_time(policy, [Cosignature(key, 999), other]) == 1000
    told.story.now = due_of(told) + 5
    report = verify_bundle(bundle_with(told, policy), parse_trust(text.encode()), as_of=told.story.now)
    reason = report.check("witness-quorum").state, report.check("announcement-before-pulse").state
    assert reason == (("holds", "holds") if early else ("fails", "unknown"))


def bundle_with(told: Told, policy: Policy):
    from fairdraw.bundle import make_bundle
    from transparency_log.cosigned import SignedSize

    data = told.story.checkpoints[-1]
    size = SignedSize(Checkpoint.parse(Note.parse(data).text).size, data, None)
    return make_bundle(told.story.entries, [size], announcement=told.announcement, draw=None, pulses=(), artifacts={})


# -- 22, 23: who counts as a quorum -------------------------------------------------------------------------------


def four_witnesses(needed: int, names: tuple[str, ...] = ("a", "b", "c", "d"), same: bool = False) -> bytes:
    text = f"fairdraw/trust v1\nlog {signer(ORIGIN).verifier.vkey}\n"
    for name in names:
        key = signer(f"{'a' if same else name}.example.cn/rehearsal", 4)
        text += f"witness {name} {key.verifier.vkey}\n"
    return (text + f"group all {needed} {' '.join(names)}\nquorum all\nrehearsal\n").encode()


def test_a_policy_under_which_two_honest_quorums_can_cosign_two_forks_is_refused():
    with pytest.raises(TrustError) as caught:
        parse_trust(four_witnesses(2))
    assert caught.value.code == "quorum-can-split"
    parse_trust(four_witnesses(3))


def test_a_policy_without_any_witness_is_refused():
    text = trust_text(begin().story).replace("quorum witnesses", "quorum none")
    with pytest.raises(TrustError) as caught:
        parse_trust(text.encode())
    assert caught.value.code == "quorum-none"


def test_the_report_says_how_many_witnesses_must_collude():
    evidence = tell().report().check("witness-quorum").evidence
    assert (evidence["to_fork"], evidence["to_backdate"]) == (2, 2)


def test_one_witness_key_under_two_names_is_refused():
    with pytest.raises(TrustError) as caught:
        parse_trust(four_witnesses(3, same=True))
    assert caught.value.code == "bad-policy"


def with_two_keys(group: str) -> bytes:
    """A trust file with two witnesses, of whom the first has an Ed25519 and an ML-DSA-44 key under one name."""
    name = "w0.example.cn/rehearsal"
    text = f"fairdraw/trust v1\nlog {signer(ORIGIN).verifier.vkey}\nwitness w0 {signer(name, 4).verifier.vkey}\n"
    text += f"witness w0-pq {ml_dsa_signer(name).verifier.vkey}\n"
    text += f"witness w1 {signer('w1.example.cn/rehearsal', 4).verifier.vkey}\n"
    return f"{text}{group}rehearsal\n".encode()


@pytest.mark.parametrize("group", [
    "group all 2 w0 w0-pq\nquorum all\n",
    "group all 3 w0 w0-pq w1\nquorum all\n",
    "group all 2 w0 w0-pq w1\nquorum all\n",
    "group one 1 w0 w1\ngroup all 2 one w0-pq\nquorum all\n",
])  # fmt: skip
def test_one_witness_with_two_keys_is_not_two_witnesses(group):
    with pytest.raises(TrustError) as caught:
        parse_trust(with_two_keys(group))
    assert caught.value.code == "bad-policy"
    assert "witness-twice" in str(caught.value)


def test_of_two_keys_of_one_witness_either_speaks_for_it_and_both_no_louder():
    policy = parse_trust(with_two_keys("group w any w0 w0-pq\ngroup all 2 w w1\nquorum all\n")).policy
    assert (colluders_to_fork(policy), colluders_to_backdate(policy)) == (2, 2)
    one, other, second = (Cosignature(witness.verifier, 1000) for witness in policy.witnesses)
    assert order_time(policy, [one, second]) == order_time(policy, [other, second]) == 1000
    assert not suffices(policy, [one, other])
    assert order_time(policy, [one, other]) is None


def test_a_log_is_not_its_own_witness():
    for log, witness in ((signer(ORIGIN), signer(ORIGIN, 4)), (ml_dsa_signer(ORIGIN), ml_dsa_signer(ORIGIN))):
        text = f"fairdraw/trust v1\nlog {log.verifier.vkey}\nwitness w {witness.verifier.vkey}\nquorum w\nrehearsal\n"
        with pytest.raises(TrustError) as caught:
            parse_trust(text.encode())
        assert caught.value.code == "log-is-witness"
        other = signer("w.example.cn/rehearsal", 4).verifier.vkey
        parse_trust(text.replace(f"w {witness.verifier.vkey}", f"w {other}").encode())  # the honest twin


def test_two_lines_of_one_witness_count_once():
    told = begin()
    story = told.story
    note = Note.parse(story.checkpoints.pop())
    twice = tuple(cosign(story.witness_keys[0], note.text, story.now + i) for i in range(2))
    story.checkpoints.append(Note(note.text, (note.signatures[0], *twice)).format())
    assert failing(told.go_on().report()) == {"announcement-before-pulse": "announcement-late"}


def test_of_one_witness_the_earliest_line_tells_when_it_was_seen():
    told = begin()
    story = told.story
    note = Note.parse(story.checkpoints.pop())
    again = tuple(cosign(key, note.text, story.now + 86_400) for key in story.witness_keys)
    story.checkpoints.append(Note(note.text, (note.signatures[0], *again, *note.signatures[1:])).format())
    assert told.go_on().report().verdict == "holds"


def test_a_checkpoint_without_the_quorum_proves_nothing():
    told = begin().go_on(cosigned=False)
    told.story.checkpoint(by=[1])
    report = told.report()
    assert failing(report) == {"witness-quorum": "quorum-missing"}
    assert report.check("witness-quorum").evidence["missing"] == ("w0",)
    assert report.check("announcement-before-pulse").depends == "witness-quorum"


def test_without_a_quorum_line_the_reader_cannot_tell():
    told = tell()
    text = "".join(
        line + "\n" for line in trust_text(told.story).splitlines() if not line.startswith(("group", "quorum"))
    )
    report = verify_bundle(told.bundle(), parse_trust(text.encode()), as_of=told.story.now, log=told.log())
    assert waiting(report) == {"witness-quorum": "no-quorum-line"}
    assert report.exit_code == 3


# -- 24: back-dating, forks, rollback -----------------------------------------------------------------------------


def test_two_halves_of_a_quorum_on_two_checkpoints_are_no_quorum():
    told = begin()
    told.story.checkpoints.pop()
    told.story.checkpoint(by=[0])
    told.story.add_noise()
    told.story.checkpoint(by=[1])
    assert failing(told.go_on().report()) == {"announcement-before-pulse": "announcement-late"}


def test_a_single_witness_that_dates_back_moves_nothing():
    told = begin()
    story = told.story
    note = Note.parse(story.checkpoints.pop())
    late, early = due_of(told) + 60, due_of(told) - 3000
    lines = (cosign(story.witness_keys[0], note.text, early), cosign(story.witness_keys[1], note.text, late))
    story.checkpoints.append(Note(note.text, (note.signatures[0], *lines)).format())
    assert failing(told.go_on().report()) == {"announcement-before-pulse": "announcement-late"}


def fork(told: Told) -> tuple[Told, Told]:
    """Part two worlds that share everything up to the announcement."""
    return deepcopy(told), deepcopy(told)


def test_an_early_checkpoint_of_another_fork_is_not_a_prefix():
    told = begin()
    here, there = fork(told)
    # There: the announcement in question was logged after the round, on top of another entry.
    there.undo()
    there.story.add_noise()
    there.story.now = due_of(told) + 60
    late = replace(there, announcement=there.story.add(told.announcement.statement)).later().go_on()
    assert failing(late.report()) == {"announcement-before-pulse": "announcement-late"}
    early = here.go_on().bundle().checkpoints
    forged = change(late.bundle(), {"checkpoints": (*late.bundle().checkpoints, early[-1])})
    assert failing(late.report(forged)) == {
        "announcement-before-pulse": "announcement-late", "append-only": "not-a-prefix",
    }  # fmt: skip


def test_a_log_that_no_longer_holds_the_bundles_entries_has_forked():
    told = begin()
    here, there = fork(told)
    here.go_on()
    there.story.add_noise()
    there.go_on()
    there.later()
    report = here.report(log=there.log())
    assert failing(report)["append-only"] == "forked"


def test_a_log_that_was_rolled_back_behind_the_bundle_is_seen():
    told = begin()
    before = told.log()
    told.go_on()
    report = told.report(log=before)
    # An old copy and a log that was rolled back look the same: neither lets the verdict hold.
    assert (report.verdict, report.check("append-only").reason) == ("unknown", "log-behind")


def test_a_log_that_was_rolled_back_and_altered_is_refused():
    told = begin()
    before = told.log()
    told.go_on()
    entries = list(before.entries)
    entries[0] = entries[0] + b"\n"
    report = told.report(log=LogView(entries, before.checkpoints))
    assert failing(report)["append-only"] == "forked"


def test_a_log_restored_from_a_backup_signs_what_it_already_signed_otherwise():
    told = begin()
    here, there = fork(told)
    here.go_on()
    there.story.add_noise(b"after the restore")
    there.later()
    both = LogView(here.story.entries, [*here.story.checkpoints, there.story.checkpoints[-1]])
    assert failing(here.report(log=both)) == {"no-other-draw": "forked", "later-acts": "forked"}


def test_a_witness_that_saw_more_refuses_the_restored_log():
    story = begin().story
    root = merkle.root(map(merkle.leaf_hash, story.entries))
    note = sign_checkpoint(Checkpoint(ORIGIN, len(story.entries), root), story.log_key)
    witness = Witness(story.witness_keys[0], MemoryWitnessState())
    logs = {ORIGIN: story.log_key.verifier}
    witness.add_checkpoint(add_checkpoint_request(0, (), note), now=story.now, logs=logs)
    old = sign_checkpoint(Checkpoint(ORIGIN, 1, merkle.leaf_hash(story.entries[0])), story.log_key)
    with pytest.raises(WitnessError) as caught:
        witness.add_checkpoint(add_checkpoint_request(0, (), old), now=story.now, logs=logs)
    assert (caught.value.status, caught.value.params["size"]) == (409, len(story.entries))


def test_an_entry_that_nobody_can_read_may_be_the_other_draw():
    told = tell()
    bundle = told.bundle()
    told.story.add_noise()
    told.later()
    entries: list[bytes | None] = list(told.story.entries)
    entries[-1] = None
    report = told.report(bundle, log=LogView(entries, told.story.checkpoints))
    assert failing(report) == {"no-other-draw": "entry-unavailable", "later-acts": "entry-unavailable"}


def test_a_checkpoint_that_another_key_signed_is_not_the_logs():
    told = tell()
    note = Note.parse(told.story.checkpoints[-1])
    forger = type(told.story.log_key).from_seed(ORIGIN, bytes(32))
    forged = Note(note.text, (forger.sign(note.text), *note.signatures[1:])).format()
    report = told.report(change(told.bundle(), {"checkpoint": to_base64(forged)}))
    assert failing(report) == {"format": "another-checkpoint"}
    assert verify_bundle(told.bundle(), trust(told.story), as_of=told.story.now, log=told.log()).verdict == "holds"


# -- 26: old genuine logs -----------------------------------------------------------------------------------------


def test_an_old_genuine_log_from_before_the_void_does_not_answer():
    told = tell()
    old, bundle = told.log(), told.bundle()
    told.story.now += 3 * 86_400
    told.void("typing-error")
    told.later()
    assert failing(told.report(bundle))["later-acts"] == "voided"
    report = told.report(bundle, log=old)
    assert failing(report) == {}
    assert waiting(report) == {"no-other-draw": "stale", "later-acts": "stale"}


def test_a_reader_who_asks_about_the_past_gets_the_past():
    told = tell()
    then = told.story.now
    bundle = told.bundle()
    told.story.now += 3 * 86_400
    told.void("typing-error")
    told.later()
    report = told.report(bundle, as_of=then, as_of_given=True)
    assert report.verdict == "holds"
    assert (report.as_of, report.as_of_given) == (then, True)


def test_cosignatures_after_the_time_that_was_asked_about_do_not_count():
    told = tell()
    report = told.report(as_of=due_of(told))
    assert failing(report) == {}
    assert waiting(report)["witness-quorum"] == "after-as-of"


def test_the_freshest_of_two_checkpoints_of_one_size_counts():
    told = tell()
    bundle = told.bundle()
    told.later(3 * 86_400)
    told.story.checkpoints.reverse()
    assert told.report(bundle).verdict == "holds"


def test_without_the_log_another_draw_cannot_be_told():
    told = tell()
    report = told.report(log=None)
    assert waiting(report) == {"no-other-draw": "no-log", "later-acts": "no-log"}
    assert told.report(log=None, bundle_only=True).verdict == "holds"


# -- a log that grows while it is read ----------------------------------------------------------------------------


def test_what_only_the_log_signed_so_far_need_not_be_at_hand():
    told = tell()
    bundle, size = told.bundle(), len(told.story.entries)
    told.story.add_noise()
    told.story.checkpoint(by=[])
    assert told.report(bundle, log=LogView(told.story.entries[:size], told.story.checkpoints)).verdict == "holds"
    told.story.checkpoint()  # once a quorum has cosigned it, it must be
    report = told.report(bundle, log=LogView(told.story.entries[:size], told.story.checkpoints))
    assert failing(report) == {"no-other-draw": "entry-unavailable", "later-acts": "entry-unavailable"}


def test_a_log_that_grows_between_any_two_requests_does_not_make_an_honest_draw_fail():
    told = tell()
    story, bundle = told.story, told.bundle()
    before = len(story.entries), len(story.checkpoints)
    told.story.add(story.head("s0.example.cn/rehearsal").make(SignOff, of=told.draw.ref, role="discipline"))
    told.later()
    after = len(story.entries), len(story.checkpoints)

    def answer(path: str, entries: int, checkpoints: int) -> bytes | None:
        cosigned = {s.size: s.data for s in sizes(story)[:checkpoints]}
        if path == "checkpoint":
            return story.checkpoints[checkpoints - 1]
        if path == "cosigned/index":
            return "".join(f"{size}\n" for size in cosigned).encode()
        if path.startswith("cosigned/"):
            return cosigned.get(int(path.removeprefix("cosigned/")))
        part = next((n for n in (before[0], after[0]) if path == tile_at("entries", 0, size=n).path), None)
        return encode_bundle(story.entries[:part]) if part is not None and part <= entries else None

    for grown in range(12):
        asked = count()

        def read(path: str, asked=asked, grown=grown) -> bytes | None:
            return answer(path, *(after if next(asked) >= grown else before))

        view = read_log(read, trust(story))
        assert told.report(bundle, log=view).verdict == "holds", grown
        assert len(view.entries) in {before[0], after[0]}
    assert next(asked) < 12


def ended(told: Told, *, at: int | None = None, by: Signer | None = None) -> LogView:
    """Return the story's log with a note that says that it ended at a size, by default its present one."""
    story = told.story
    size = len(story.entries) if at is None else at
    root = merkle.root(map(merkle.leaf_hash, story.entries[:size]))
    note = sign_frozen(Checkpoint(story.origin, size, root), by or story.log_key)
    return replace(told.log(), frozen=note.format())


YEARS = 3 * 365 * 86_400


def test_a_log_that_has_ended_is_not_stale_for_ever():
    told = tell()
    later = told.story.now + YEARS
    assert waiting(told.report(as_of=later)) == dict.fromkeys(("no-other-draw", "later-acts"), "stale")
    assert told.report(as_of=later, log=ended(told)).verdict == "holds"


def test_a_log_that_went_on_after_its_end_is_refused():
    told = tell()
    checks = ("no-other-draw", "later-acts")
    assert failing(told.report(log=ended(told, at=len(told.story.entries) - 1))) == dict.fromkeys(
        checks, "grown-after-freeze"
    )
    other = replace(ended(told), frozen=ended(tell(plan={"ratio": "1/5"})).frozen)
    assert failing(told.report(log=other)) == dict.fromkeys(checks, "frozen-differs")


def test_a_host_that_hides_the_end_of_a_log_makes_nobody_believe_it_whole():
    told = tell()
    bundle, short = told.bundle(), told.log()
    told.story.add_noise()
    told.story.checkpoint()
    view = replace(ended(told), entries=short.entries, checkpoints=short.checkpoints)
    assert waiting(told.report(bundle, log=view)) == dict.fromkeys(("no-other-draw", "later-acts"), "log-behind")


def test_an_end_that_somebody_else_signed_is_refused():
    told = tell()
    checks = ("no-other-draw", "later-acts")
    view = ended(told, by=told.story.bureau)
    assert failing(told.report(log=view)) == dict.fromkeys(checks, "bad-checkpoint")
    assert failing(told.report(log=replace(view, frozen=b"frozen"))) == dict.fromkeys(checks, "bad-checkpoint")
