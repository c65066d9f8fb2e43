"""Attacks with old keys, stolen keys and second logs (docs/threat-model.md, 1): the log's order says whose key counts.

Every bundle here is genuine in each of its entries and proofs; what is bent is which of them it carries.
"""

from collections.abc import Sequence

import pytest

from fairdraw.bundle import Bundle
from fairdraw.errors import TrustError
from fairdraw.schema import Former, Receipt, RevealsClosed, Withdrawal
from fairdraw.statement import Entry
from fairdraw.trust import parse_trust
from fairdraw.verify import verify_bundle
from support.story import (
    BUREAU,
    Story,
    Told,
    begin,
    committed,
    every,
    failing,
    found,
    inspectors,
    objects,
    rebundled,
    sealed,
    secret,
    signer,
    tell,
    trust_text,
    waiting,
)
from transparency_log.note import Signer

S0, S1 = "s0.example.cn/rehearsal", "s1.example.cn/rehearsal"


def frozen(story: Story, *, co_signers: Sequence[str] = ()) -> Told:
    """Tell a story up to its snapshots; its announcement is still to come."""
    planned = story.plan(with_=co_signers)
    story.now += 60
    story.checkpoint()
    story.now += 60
    objs, staff = story.snapshot("institutions", objects()), story.snapshot("staff", inspectors())
    story.now += 60
    return Told(story, planned, objs, staff, announcement=planned)


def without_entries(told: Told, *left_out: Entry) -> Bundle:
    texts = {entry.text_hash for entry in left_out}
    return rebundled(told, [entry for entry in every(told) if entry.text_hash not in texts])


# -- two chains beside each other ---------------------------------------------------------------------------------


def drawn_with(which: str) -> tuple[Told, Bundle]:
    """B changes its key and logs two lists of reveals with one `seq`, each signed with one of the keys.

    Once it knows the pulse it draws from one list, and leaves out of the bundle what would betray the other.
    """
    told = begin(before=committed())
    story, reveals, before = told.story, told.reveal(), told.story.heads[BUREAU]
    change = story.change_key()
    after, new, old = story.heads[BUREAU], story.bureau, story.first[BUREAU]
    lists = {
        "old": (before, old, [entry.ref for entry in reveals.values()]),
        "new": (after, new, [None] * len(reveals)),
    }
    entries = {}
    for name, (head, key, refs) in lists.items():
        story.heads[BUREAU] = head
        said = story.head().make(RevealsClosed, announcement=told.announcement.ref, reveals=tuple(refs))
        entries[name] = story.add(said, [key])
    told.later()
    mine = entries.pop(which)
    story.bureau, story.heads[BUREAU] = lists[which][1], (mine.statement.seq + 1, mine.text_hash)
    told.seeds = tuple((name, secret(f"seed of {name}").hex() if which == "old" else "-") for name in reveals)
    told.go_on()
    return told, without_entries(told, *entries.values(), *([change] if which == "old" else []))


def test_a_key_that_was_given_up_cannot_go_on_with_a_second_chain_beside_the_logs():
    told, bundle = drawn_with("old")
    report = told.report(bundle)
    assert failing(report) == {"no-other-draw": "counts-in-the-file-alone"}
    assert told.report(bundle, log=None, bundle_only=True).verdict == "holds"  # a file cannot know what it leaves out
    honest, bundle = drawn_with("new")
    assert honest.report(bundle).verdict == "holds"
    assert honest.key() != told.key()


def two_announcements(which: str) -> tuple[Told, Entry, Entry]:
    """B logs two announcements with one `seq`: one that S0 co-signed with its old key, one with its new.

    Once it knows the pulse it draws under one of them. Returned with it are the change of key and the other one.
    """
    story = Story()
    told = frozen(story)
    change, head = story.change_key(S0), story.heads[BUREAU]
    entries = {}
    for name, key, window in (("new", story.people[S0], "2026-09-30"), ("old", story.first[S0], "2026-10-01")):
        story.heads[BUREAU] = head
        said = story.announcement(told.plan, told.objects[0], told.inspectors[0], history_size=0, window=window)
        entries[name] = story.add(said.model_copy(update={"with_": (S0,)}), [story.bureau, key])
    told.announcement = entries.pop(which)
    told.later()
    story.heads[BUREAU] = (told.announcement.statement.seq + 1, told.announcement.text_hash)
    return told.go_on(), change, *entries.values()


def test_a_co_signer_that_changed_its_key_does_not_choose_between_two_announcements():
    told, change, other = two_announcements("old")
    assert failing(told.report(without_entries(told, change, other))) == {"no-other-draw": "counts-in-the-file-alone"}
    assert failing(told.report(without_entries(told, other))) == {"bureau-chain": "bad-signature"}
    honest, _, other = two_announcements("new")
    assert honest.report(without_entries(honest, other)).verdict == "holds"


def receipted(key_of: str) -> tuple[Told, Entry]:
    """S0 changed its key before it signs for the snapshots: with the new one, or a thief does with the old."""
    story = Story(trust_lines="receipts 1\n")
    change = story.change_key(S0)
    told = frozen(story)
    key = story.first[S0] if key_of == "thief" else story.people[S0]
    for entry, snapshot in (told.objects, told.inspectors):
        digest = snapshot.roster.listing().digest
        story.add(story.head(S0).make(Receipt, snapshot=entry.ref, digest=digest, openings=False), [key])
    said = story.announcement(told.plan, told.objects[0], told.inspectors[0])
    told.announcement = story.add(said)
    return told.later().go_on(), change


def test_a_stolen_supervisors_key_that_was_replaced_signs_nothing_any_more():
    told, change = receipted("thief")
    assert failing(told.report()) == {"snapshots": "receipts-missing"}
    assert failing(told.report(without_entries(told, change))) == {"no-other-draw": "counts-in-the-file-alone"}
    honest, _ = receipted("S0")
    assert honest.report().verdict == "holds"


# -- honest changes of keys ---------------------------------------------------------------------------------------


def test_a_supervisor_may_change_its_key_after_it_co_signed():
    story = Story()
    told = frozen(story, co_signers=[S0])
    story.change_key(S0)
    told.announcement = story.add(story.announcement(told.plan, told.objects[0], told.inspectors[0]))
    assert told.later().go_on().report().verdict == "holds"
    assert told.plan.statement.with_ == (S0,)


def test_a_bureau_that_changed_its_key_after_a_sealed_draw_can_still_open_it():
    told = tell(before=sealed())
    told.story.change_key()
    told.later()
    told.open_up()
    told.later()
    assert told.report().verdict == "holds"


def test_a_key_stolen_from_a_bureau_that_replaced_it_does_not_spoil_an_earlier_draw():
    told = tell()
    told.story.change_key()
    named = told.objects[1].roster.listing().digest
    statement = told.story.head().make(Withdrawal, digest=named, reason="personal-data")
    told.story.add(statement, [told.story.first[BUREAU]])
    told.later()
    assert told.report().verdict == "holds"
    del told.story.artifacts[named]
    assert failing(told.report()) == {"rosters": "artifact-missing"}  # a thief's withdrawal excuses nothing


# -- two texts of a supervisor ------------------------------------------------------------------------------------


@pytest.mark.parametrize("fork", [True, False])
def test_a_supervisor_that_signs_two_texts_with_one_seq_is_found(fork):
    story = Story(trust_lines="receipts 1\n")
    told = frozen(story)
    for entry, snapshot in (told.objects, told.inspectors):
        if fork:
            story.heads[S0] = (0, None)
        story.add(story.head(S0).make(Receipt, snapshot=entry.ref, digest=snapshot.roster.listing().digest,
                                                openings=False))  # fmt: skip
    told.announcement = story.add(story.announcement(told.plan, told.objects[0], told.inspectors[0]))
    report = told.later().go_on().report()
    assert report.verdict == "holds"
    assert found(report) == ({"two-texts-one-seq"} if fork else set())


# -- two logs -----------------------------------------------------------------------------------------------------

SECOND = "log2.example.cn/jinan/rehearsal"
UNTIL, SINCE = "2026-09-01T00:00:00Z", "2026-09-01T00:00:01Z"


def with_former_log(story: Story, until: str, since: str) -> str:
    """Return the trust file of a reader who knows that the bureau was under another log before."""
    line = f"bureau {BUREAU} {story.first.get(BUREAU, story.bureau).verifier.vkey} {story.origin}\n"
    former = signer("log.example.cn/before/rehearsal")
    before = Signer.from_seed(BUREAU, secret("the bureau's key before")).verifier.vkey
    text = trust_text(story)
    assert line in text
    lines = f"log {former.verifier.vkey}\nbureau {BUREAU} {before} {former.name} - {until}\n{line.rstrip()} {since}\n"
    return text.replace(line, lines)


@pytest.mark.parametrize(("until", "since"), [(SINCE, UNTIL), (UNTIL, UNTIL), ("-", SINCE), (UNTIL, "-"), ("-", "-")])
def test_a_bureau_under_two_logs_at_once_could_draw_each_slot_twice(until, since):
    story = Story()
    with pytest.raises(TrustError) as caught:
        parse_trust(with_former_log(story, until, since).encode())
    assert caught.value.code == "two-origins-at-once"
    parse_trust(with_former_log(story, UNTIL, SINCE).encode())


def test_a_bureau_that_came_from_another_log_must_say_so_and_is_not_vouched_for_there():
    def judged(former: str | None):
        story = Story(origin=SECOND)
        if former is not None:
            story.change_key(former=Former(log=former, index=7, text="11" * 32))
        told = tell(story)
        text = with_former_log(story, UNTIL, SINCE)
        report = verify_bundle(told.bundle(), parse_trust(text.encode()), as_of=story.now, log=told.log())
        return failing(report), waiting(report)

    assert judged("log.example.cn/before/rehearsal") == ({}, {"no-other-draw": "former-log"})
    assert judged(None) == ({"no-other-draw": "former-missing"}, {})
    assert judged("log.example.cn/elsewhere/rehearsal") == ({"no-other-draw": "former-missing"}, {})


@pytest.mark.parametrize(("name", "label"), [(BUREAU, "another key"), (S1, f"key of {BUREAU}")])
def test_a_bureau_does_not_supervise_itself(name, label):
    text = trust_text(Story())
    kept = "".join(f"{line}\n" for line in text.splitlines() if not line.startswith(f"supervisor {S1} "))
    key = Signer.from_seed(name, secret(label)).verifier.vkey
    with pytest.raises(TrustError) as caught:
        parse_trust(f"{kept}supervisor {name} legal {key}\n".encode())
    assert caught.value.code == "supervises-itself"
    parse_trust(text.encode())
