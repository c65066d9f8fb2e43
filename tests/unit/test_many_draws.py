"""A log of many draws: an audit looks at nothing again and again, and says of each draw what its bundle says.

What is counted are calls, never seconds: twice the draws may take twice the calls, and no more.
"""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from mmap import mmap
from typing import Any

import pytest
from benchmarks.province import Province
from examples.world import ORIGIN

from fairdraw.announcement import artifact_of
from fairdraw.audit import AuditReport, Ledger, audit, read_ledger, read_ledgers
from fairdraw.audit.lots import bundle_from_log, lots
from fairdraw.bundle import Proofs, relevant, statements
from fairdraw.calendar import published
from fairdraw.errors import AnnouncementError, BeaconError, SnapshotError, StatementError
from fairdraw.logged import Chain, Statements
from fairdraw.record import Record
from fairdraw.schema import Announcement, Draw, ExceptionStatement, Key, SignOff, SnapshotStatement
from fairdraw.site import dossier
from fairdraw.site.register import register
from fairdraw.statement import Verified, check_signatures, read_entry
from fairdraw.verify import Report, of_bureau, verify_bundle, verify_logged
from fairdraw.verify.known import Known
from fairdraw_cli.history import History
from support import acts, audited
from support.story import BUREAU, Story, Told, begin, committed, sealed, sizes, tell, trust
from transparency_log import merkle
from transparency_log.cosigned import signed_sizes
from transparency_log.note import Verifier


@cache
def province(bureaus: int, draws: int, years: int = 1) -> Province:
    return Province(bureaus=bureaus, draws=draws, years=years).tell()


def report(told: Province) -> AuditReport:
    return audit(told.view(), told.trust, log=ORIGIN, as_of=told.now, as_of_given=True, calendar=published())


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Count what an audit does: signatures, pulses, entries read, leaves hashed, texts looked at."""
    calls: Counter[str] = Counter()

    def count(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def counting(*arguments: Any, **named: Any) -> Any:
            calls[name] += 1
            return real(*arguments, **named)

        patch.setattr(owner, name, counting)

    with monkeypatch.context() as patch:
        count(Verifier, "holds")
        count(merkle, "leaf_hash")
        count(merkle, "node_hash")
        count(Statements, "get")
        count(Statements, "about")
        count(Statements, "append")
        for module, name in (
            ("fairdraw.randomness", "check_pulse"),
            ("fairdraw.bundle", "read_entry"),
            ("fairdraw.verify.known", "read_roster"),
            ("fairdraw.audit.chain", "wrong_role"),
            ("fairdraw.encoding", "parse"),
        ):
            count(__import__(module, fromlist=[name]), name)
        yield calls


@pytest.mark.parametrize(
    ("few", "many"),
    [((3, 4), (6, 4)), ((2, 4, 1), (2, 4, 2))],
    ids=["twice the bureaus", "twice the years"],
)
def test_twice_the_draws_take_twice_the_calls_and_no_more(few, many, monkeypatch):
    told = []
    for shape in (few, many):
        with counted(monkeypatch) as calls:
            report(province(*shape))
        told.append(calls)
    one, two = told
    assert one.keys() == two.keys()
    assert {name: (one[name], two[name]) for name in one if two[name] > 2 * one[name] + 40} == {}
    # And what is not there is not counted: an audit that looked at nothing would pass.
    assert one["holds"] > 0
    assert one["read_entry"] == len(province(*few).entries)


def test_each_signature_is_checked_once_and_each_entry_is_read_once(monkeypatch):
    told = province(3, 4)
    with counted(monkeypatch) as calls:
        report(told)
    checkpoints = len(told.checkpoints)
    # The log's own line and two witnesses' on each checkpoint, once as it is and once as a bundle would carry it.
    assert calls["holds"] <= len(told.entries) + 2 * 3 * checkpoints
    assert calls["read_entry"] == len(told.entries)
    assert calls["append"] == len(told.entries)
    # One round serves a day of all bureaus.
    assert calls["check_pulse"] == 4
    # Two rosters of each bureau serve all its draws.
    assert calls["read_roster"] == 2 * 3


def test_one_day_draws_of_all_bureaus_say_the_same_whoever_else_is_in_the_log():
    """A bureau's year is what it would be if nobody else had logged anything."""
    told = province(3, 4)
    alone = audit(told.view(), told.trust, log=ORIGIN, as_of=told.now, as_of_given=True, calendar=published(),
                  bureau=told.offices[1].name)  # fmt: skip
    assert alone.years == tuple(year for year in report(told).years if year.bureau == told.offices[1].name)
    assert len(report(told).years) == 3


def both(ledger: Ledger, told: Told) -> tuple[Report, Report]:
    """Return what the log says of a draw, and what the bundle that the log yields says, read afresh."""
    bundle = bundle_from_log(ledger, told.announcement, told.draw)
    one = verify_logged(told.announcement, told.draw, log=ledger.view, whole=ledger.whole)
    return one, verify_bundle(bundle, ledger.trust, as_of=ledger.as_of, log=ledger.view)


def ledger_of(told: Told) -> Ledger:
    story = told.story
    return read_ledger(told.log(), trust(story), log=story.origin, bureau=BUREAU, as_of=story.now,
                       calendar=published())  # fmt: skip


def committed_story() -> Told:
    told = begin(before=committed(required=("s0.example.cn/rehearsal",), minimum=1))
    told.close(told.reveal())
    return told.later().go_on()


def voided() -> Told:
    told = tell()
    told.void("regretted")
    return told.later()


def keys_changed() -> Told:
    story = Story()
    told = begin(story)
    story.change_key()
    told.go_on()
    story.change_key()
    return told.later()


def key_beside_the_chain() -> Told:
    """The bureau draws under a new key, and its chain goes past the statement that brought it in."""
    story = Story()
    told = begin(story)
    head = story.heads[BUREAU]
    story.change_key()
    story.heads[BUREAU] = head
    return told.go_on()


def forged(genuine: bytes) -> bytes:
    """Return the same text under a signature that is none."""
    *before, last, _ = genuine.split(b"\n")
    return b"\n".join([*before, last[:-8] + b"AAAAAAA=", b""])


def forged_deposit() -> Told:
    """A stranger logs the text of a deposit in front of the genuine one: a bundle carries the first."""

    def before(story: Story) -> dict[str, Any]:
        told = sealed()(story)
        genuine = story.entries.pop()
        story.entries += [forged(genuine), genuine]
        return told

    return begin(before=before).go_on()


def forged_first() -> Told:
    """A stranger logs the text of the draw, signed by nobody, in front of the genuine one."""
    story = Story()
    told = begin(story).go_on()
    genuine = story.entries.pop()
    story.entries += [forged(genuine), genuine]
    story.checkpoints.pop()
    story.checkpoint()
    entry = next(e for e in statements(story.entries) if e.text_hash == told.draw.text_hash and e.data == genuine)
    told.draw = entry
    return told


def missing_roster() -> Told:
    told = tell()
    del told.story.artifacts[told.objects[1].roster.listing().digest]
    return told


def another_roster() -> Told:
    told = tell()
    digest = told.objects[1].roster.listing().digest
    told.story.artifacts[digest] = told.story.artifacts[digest].replace(b"H-000001", b"H-100001")
    return told


def another_result() -> Told:
    def bend(record: Record) -> Record:
        results = record.statement.results.model_copy(update={"root": "0" * 64})
        return replace(record, statement=record.statement.model_copy(update={"results": results}))

    return begin().go_on(bend=bend)


STORIES = {
    "honest": tell,
    "sealed": lambda: begin(before=sealed()).go_on(),
    "with seeds": committed_story,
    "announced only": begin,
    "voided after the draw": voided,
    "keys changed": keys_changed,
    "a key beside the chain": key_beside_the_chain,
    "a forgery in front": forged_first,
    "a forged deposit in front": forged_deposit,
    "a roster that nobody has": missing_roster,
    "a roster that was altered": another_roster,
    "another result": another_result,
    "drawn twice": lambda: tell().go_on(),
    "inspected": audited.inspected,
}


@pytest.mark.parametrize("name", STORIES)
def test_the_log_says_of_a_draw_what_its_bundle_says(name):
    told = STORIES[name]()
    one, other = both(ledger_of(told), told)
    assert one == other
    assert one.checks


@pytest.mark.parametrize("name", ["honest", "sealed", "with seeds", "keys changed", "a forgery in front"])
def test_a_bundle_carries_the_same_whether_the_log_was_read_once_or_for_it_alone(name):
    told = STORIES[name]()
    afresh = relevant(statements(told.story.entries), told.announcement, told.draw)
    known = Statements(statements(told.story.entries))
    for entry in known:  # whatever was asked before must not change what is told
        known.chain(entry)
    assert relevant(known, told.announcement, told.draw) == afresh
    assert relevant(known, told.announcement, None) == relevant(list(known), told.announcement, None)


def test_a_chain_that_forks_is_followed_back_on_each_side():
    story = Story()
    told = tell(story)
    heads = dict(story.heads)
    second = [story.plan(reason="a"), story.plan(reason="b")]
    story.heads = heads
    other = [story.plan(reason="c"), story.plan(reason="d")]
    known = Statements(statements(story.entries))
    for last in (second[1], other[1], second[0], other[0], second[1]):
        chain = known.chain(last)
        texts = chain.texts[: chain.places[last.text_hash] + 1]
        expected, at = [], last
        while at is not None:
            expected.append(at.text_hash)
            at = known.get(at.statement.prev or "")
        assert texts == expected[::-1]
    assert told.draw is not None


def test_a_chain_that_forks_a_thousand_times_is_not_kept_a_thousand_times():
    story = Story()
    known = tell(story).draw
    assert known is not None
    heads = dict(story.heads)
    ends = []
    for number in range(20):
        story.heads = dict(heads)
        ends.append(story.plan(reason=f"branch-{number}"))
    kept = Statements(statements(story.entries))
    for last in (known, *ends, *ends):
        kept.chain(last)
    held = {id(one) for one in gc.get_referents(*gc.get_referents(kept)) if isinstance(one, Chain)}
    assert len(held) == 1


def test_a_thousand_sign_offs_of_sign_offs_do_not_stop_an_audit():
    told = tell()
    head, of = told.story.head, told.draw
    assert of is not None
    for _ in range(1100):  # Python calls a function from within itself a thousand times
        of = told.story.add(head(acts.S0).make(SignOff, of=of.ref, role="discipline"))
    told.story.checkpoint()
    shown = ledger_of(told)
    assert shown.regulation_of(of) is None
    assert [entry for entry, _ in shown.of(SignOff)][-1] == of


def test_forged_changes_of_a_supervisors_key_are_refused_once_for_all_bureaus(monkeypatch):
    told = tell()
    story = told.story
    changed = story.change_key(acts.S0)
    genuine = story.entries.pop()
    *lines, last, _ = genuine.split(b"\n")
    flood = [b"\n".join([*lines, last[:-8] + bytes([65 + at]) + b"AAAAAA=", b""]) for at in range(20)]
    story.entries += [*flood, genuine, genuine]
    story.add(story.head(acts.S0).make(SignOff, of=changed.ref, role="discipline"))
    story.checkpoint()
    hashed = ledger_of(told).whole.hashed
    with counted(monkeypatch) as calls:
        for bureau in ("a.example.cn", "b.example.cn", "c.example.cn"):
            about = [entry for entry in hashed.of(bureau) if isinstance(entry.statement, Key)]
            assert [entry.data for entry in about] == [genuine]
    assert calls["holds"] == 0
    assert changed.text_hash in of_bureau(hashed, BUREAU).keys


def test_a_supervisors_forks_are_told_once_and_not_by_each_draw():
    told = tell()
    story = told.story
    head = story.head(acts.S0)
    draws = [told.announcement, told.draw]
    for of in draws:
        assert of is not None
        story.add(head.make(SignOff, of=of.ref, role="discipline"))
    story.checkpoint()
    ledger = ledger_of(told)
    (lot,) = lots(ledger, 2026)
    assert lot.report is not None
    assert lot.report.findings == ()
    verified = verify_logged(told.announcement, told.draw, log=ledger.view, whole=ledger.whole)
    assert [one.code for one in verified.findings] == ["two-texts-one-seq"]
    assert [one.code for one in audited.year(told).findings].count("two-texts-one-seq") == 1


def test_proofs_from_a_larger_tree_are_those_of_the_checkpoint():
    told = tell()
    story = told.story
    before = Proofs.of(story.entries, sizes(story)).checkpoints([told.announcement])
    story.add_noise()
    after = Proofs.of(story.entries, sizes(story)).checkpoints([told.announcement])
    assert before == after


def test_every_bureau_of_a_log_is_read_from_one_hashing(monkeypatch):
    told = province(3, 4)
    with counted(monkeypatch) as calls:
        ledgers = list(read_ledgers(told.view(), told.trust, log=ORIGIN, as_of=told.now, calendar=published(),
                                    bureaus=[one.name for one in told.offices]))  # fmt: skip
    assert calls["leaf_hash"] == len(told.entries)
    assert len({id(ledger.whole.hashed) for ledger in ledgers}) == 1
    assert [len(list(ledger.ours(Announcement))) for ledger in ledgers] == [4, 4, 4]


def test_what_is_remembered_of_a_signature_is_the_entry_with_the_key():
    told = tell()
    assert told.draw is not None
    key, other = told.story.bureau.verifier, replace(told.story.bureau.verifier, public_key=bytes(32))
    verified: Verified = set()
    check_signatures(told.draw, {BUREAU: key}, verified)
    check_signatures(told.draw, {BUREAU: key}, verified)
    assert len(verified) == 1
    with pytest.raises(StatementError):
        check_signatures(told.draw, {BUREAU: other}, verified)
    last = told.draw.data.rstrip(b"\n")
    bent = read_entry(last[:-8] + b"AAAAAAA=" + b"\n", told.draw.index)
    assert bent.text_hash == told.draw.text_hash
    with pytest.raises(StatementError):
        check_signatures(bent, {BUREAU: key}, verified)
    assert len(verified) == 1


def test_what_is_remembered_of_a_pulse_is_the_value_with_its_source_and_chain():
    told = tell()
    assert told.draw is not None
    source, value = told.announcement.of(Announcement).beacon[0], told.draw.of(Draw).pulses[0]
    chains, read, known = trust(told.story).chains, told.story.artifacts.__getitem__, Known()
    first = known.pulse(source, value, chains, read=read)
    assert known.pulse(source, value, chains, read=read) == first
    bent = value.model_copy(update={"signature": told.story.pulse("practice", source.round + 1).signature})
    for other in (
        (source, bent, chains),
        (source.model_copy(update={"round": source.round + 1}), value, chains),
        (source, value, {"practice": replace(chains["practice"], key=chains["practice-2"].key)}),
        (source, value, {}),
    ):
        with pytest.raises((AnnouncementError, BeaconError)):
            known.pulse(*other, read=read)


def test_what_is_remembered_of_a_roster_is_its_bytes_with_their_statement(monkeypatch):
    told = tell()
    data, said, known = told.objects[1].roster.data, told.objects[0].of(SnapshotStatement), Known()
    with counted(monkeypatch) as calls:
        assert known.roster(data, said) is known.roster(bytes(bytearray(data)), said)
        assert calls["read_roster"] == 1
        # What is not bytes may be another tomorrow.
        with mmap(-1, len(data)) as mapped:
            mapped.write(data)
            known.roster(mapped, said)
            known.roster(mapped, said)
        assert calls["read_roster"] == 3
    bent = said.model_copy(update={"roster": said.roster.model_copy(update={"root": "00" * 32})})
    another = told.inspectors[0].of(SnapshotStatement)
    for wrong in ((data, bent), (data.replace(b"H-000001", b"H-100001"), said), (data, another)):
        with pytest.raises(SnapshotError):
            known.roster(*wrong)


def test_the_rosters_that_were_used_last_are_kept(monkeypatch):
    entry, frozen = tell().objects
    data, said, known = frozen.roster.data, entry.of(SnapshotStatement), Known()
    one, two, three = (said.model_copy(update={"seq": seq}) for seq in range(3))
    monkeypatch.setattr("fairdraw.verify.known.MOST_ROSTERS", 2 * len(data))
    with counted(monkeypatch) as calls:
        read = [known.roster(data, each) and calls["read_roster"] for each in (one, two, one, three, one, two, three)]
    assert read == [1, 2, 2, 3, 3, 4, 5]


def test_a_bureau_cannot_use_what_was_proven_for_another():
    told = province(2, 2)
    one, other = told.trust.bureaus
    swapped = replace(told.trust, bureaus=(replace(one, key=other.key), replace(other, key=one.key)))
    assert audit(told.view(), swapped, log=ORIGIN, as_of=told.now, calendar=published()).years == ()


def test_a_desk_reads_one_more_entry_and_not_the_log_again(monkeypatch):
    told = tell()
    *before, last = told.story.entries
    history = History(tuple(before), tuple(statements(before)))
    with counted(monkeypatch) as calls:
        grown = history.grown(last)
    assert calls["read_entry"] == 1
    assert grown == History(tuple(told.story.entries), tuple(statements(told.story.entries)))
    for entry in grown.entries:
        assert grown.find(entry.text_hash) is entry
        assert entry in grown.by(entry.statement.by)
    assert grown.find("0" * 64) is None
    assert grown.by("nobody") == []


def test_a_desk_verifies_no_cosignature_twice(monkeypatch):
    told = tell()
    files = {f"cosigned/{one.size}": one.data for one in sizes(told.story)}
    files["cosigned/index"] = "".join(f"{one.size}\n" for one in sizes(told.story)).encode()
    policy, known = trust(told.story).policy, {}
    with counted(monkeypatch) as calls:
        first = signed_sizes(files.get, policy, known)
        before = calls["holds"]
        above = signed_sizes(files.get, policy, known, above=first[0].size)
    assert 0 < before == calls["holds"]
    assert first == sizes(told.story)
    assert above == first[1:]


def test_the_page_of_a_draw_costs_the_same_however_long_the_log_is(monkeypatch):
    told = []
    for shape in ((2, 4), (8, 4)):
        log = province(*shape)
        ledgers = read_ledgers(log.view(), log.trust, log=ORIGIN, as_of=log.now, calendar=published(),
                               bureaus=[log.offices[0].name])  # fmt: skip
        rows = register(list(ledgers), as_of=log.now, as_of_given=True).draws
        dossier.make(rows[0])  # what is looked up once for all draws
        with counted(monkeypatch) as calls:
            made, _ = dossier.make(rows[-1])
        assert made.failed == ()
        told.append(calls)
    few, many = told
    # But for the nodes of proofs, which grow with the logarithm.
    assert {name: calls for name, calls in few.items() if name != "node_hash"} == {
        name: calls for name, calls in many.items() if name != "node_hash"
    }
    assert many["node_hash"] < 2 * few["node_hash"]


def test_an_inspection_that_nobody_can_read_fails_each_draw_whose_object_it_may_be_of():
    told = tell()
    unread = artifact_of(told.story.keep(b"no inspection"))
    acts.act(told, ExceptionStatement, reason="complaint", inspection=unread, draw=None)
    one, other = both(ledger_of(told), told)
    assert one.failed == other.failed == ("later-acts",)


def test_a_thousand_exceptions_and_forgeries_are_looked_at_once(monkeypatch):
    """Whoever floods a log makes it longer, and no draw's verification with it."""
    told = []
    for flood in (10, 40):
        story = Story()
        first = tell(story)
        for number in range(flood):
            acts.exception(first, f"H-{100000 + number:06d}")
            story.add_bytes(story.entries[first.announcement.index])
        story.checkpoint()
        ledger = ledger_of(first)
        draws = [first.announcement, first.draw]
        verify_logged(*draws, log=ledger.view, whole=ledger.whole)
        with counted(monkeypatch) as calls:
            report = verify_logged(*draws, log=ledger.view, whole=ledger.whole)
        assert report.verdict == "holds"
        told.append(calls)
    assert told[0] == told[1]
