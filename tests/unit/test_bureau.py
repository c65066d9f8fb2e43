"""`Bureau` and `Casebook`: what a program of one's own may do, and what it is kept from doing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from fairdraw import Bureau, Casebook, read_rows
from fairdraw.beacon import Pulse, practice_chain, practice_pulse
from fairdraw.bulk.freezing import Freezing, Input
from fairdraw.encoding import canonical, format_time, parse_time
from fairdraw.errors import AnnouncementError, BeaconError, BureauError, Error, SnapshotError, StatementError
from fairdraw.schema import Announcement, Draw, Key, Plan, SnapshotStatement, Void
from fairdraw.statement import Entry, sign
from fairdraw.trust import parse_trust, witness_group
from fairdraw.verify import verify_bundle
from transparency_log import Log, LogReader, Signer
from transparency_log.checkpoint import cosign
from transparency_log.state import MemoryState
from transparency_log.storage import Memory

END = "/rehearsal"
ORIGIN, NAME = f"log.example.cn{END}", f"ybj.example.cn{END}"
BEACON = practice_chain(b"b" * 32, id="practice", genesis=1_575_158_400)
SLOT, OTHER = "2026/fund-use/1", "2026/fund-use/2"
HOSPITALS = read_rows(["no", "private.name"], [(f"H-{n:02d}", f"医院{n}") for n in range(1, 21)]).registry
STAFF = read_rows(["no", "private.name"], [(f"I-{n}", f"检查员{n}") for n in range(1, 9)]).registry


@dataclass
class Hall:
    """A bureau in memory, its two witnesses, and a clock."""

    now: int = parse_time("2026-09-07T10:00:00Z")
    storage: Memory = field(default_factory=Memory)
    witnesses: list[Signer] = field(default_factory=lambda: [
        Signer.from_seed(f"w{n}.example.org{END}", bytes([n]) * 32, 4) for n in (1, 2)])  # fmt: skip

    def __post_init__(self) -> None:
        log_key, key = Signer.from_seed(ORIGIN, b"l" * 32), Signer.from_seed(NAME, b"k" * 32)
        lines = ["fairdraw/trust v1", f"log {log_key.verifier.vkey}"]
        lines += [f"witness w{n} {w.verifier.vkey}" for n, w in enumerate(self.witnesses, 1)]
        lines += [*witness_group(["w1", "w2"]).splitlines(), f"bureau {NAME} {key.verifier.vkey} {ORIGIN}"]
        b = BEACON
        lines += [f"beacon {b.id} {b.hash} {b.key} {b.scheme} {b.period} {b.genesis}", "rehearsal"]
        self.trust_file = "".join(f"{line}\n" for line in lines)
        trust = parse_trust(self.trust_file.encode())
        self.log = Log.create(self.storage, log_key, state=MemoryState())
        self.bureau = Bureau(self.log, self.storage, key, trust)

    def cosign(self) -> None:
        note = self.log.checkpoint.note
        lines = [cosign(witness, note.text, self.now) for witness in self.witnesses]
        self.log.add_cosignatures(self.log.size, lines, [witness.verifier for witness in self.witnesses])

    def prepare(self, **plan: object) -> None:
        fields = {"id": "2026", "slots": [SLOT, OTHER], "objects": "hospitals", "inspectors": "staff", "ratio": "1/4"}
        self.bureau.plan(self.now, **{**fields, **plan})
        self.cosign()
        self.bureau.freeze(self.now, "hospitals", HOSPITALS, b"h" * 32)
        self.bureau.freeze(self.now, "staff", STAFF, b"s" * 32)

    def announce(self, slot: str = SLOT, **changes: object) -> Entry:
        fields = {"slots": [slot], "at": self.now + 600, "window": "2026-10-31", "chain": "practice", **changes}
        return self.bureau.announce(self.now, **fields)

    def pulses(self, announced: Entry) -> list[Pulse]:
        return [practice_pulse(b"b" * 32, BEACON, one.round) for one in announced.of(Announcement).beacon]

    def draw(self, announced: Entry) -> Entry:
        self.now = max(self.now, self.bureau.due(announced) + 3)
        drawn = self.bureau.draw(self.now, announced, self.pulses(announced))
        self.cosign()
        return drawn


@pytest.fixture
def hall() -> Hall:
    return Hall()


@pytest.fixture
def announced(hall: Hall) -> Entry:
    hall.prepare()
    entry = hall.announce()
    hall.cosign()
    return entry


@contextmanager
def refused(code: str, kind: type[Error] = BureauError) -> Iterator[None]:
    with pytest.raises(kind) as caught:
        yield
    assert caught.value.code == code


def test_a_draw_holds_and_a_reader_without_a_key_shows_the_same(hall: Hall, announced: Entry) -> None:
    drawn, bureau = hall.draw(announced), hall.bureau
    book = Casebook(LogReader(hall.storage.read, hall.log.verifier), hall.storage, bureau.trust, NAME)
    assert book.bundle(drawn) == bureau.bundle(drawn)
    assert book.sheet(drawn) == bureau.sheet(drawn)
    report = verify_bundle(book.bundle(drawn), book.trust, as_of=hall.now, log=book.view())
    assert report.verdict == "holds", [one for one in report.checks if one.state != "holds"]
    assert (book.announced([SLOT]), book.drawn(announced)) == (announced, drawn)


def test_every_step_that_is_done_again_changes_nothing(hall: Hall, announced: Entry) -> None:
    hall.prepare()
    drawn = hall.draw(announced)
    size = hall.log.size
    assert hall.draw(announced) == drawn
    hall.prepare()
    assert hall.log.size == size


def test_the_second_draw_of_a_year_leaves_out_whom_the_cap_protects(hall: Hall) -> None:
    hall.prepare(yearly_cap=1, ratio="1/2")
    first = hall.announce()
    hall.cosign()
    one = hall.draw(first)
    second = hall.announce(OTHER)
    hall.cosign()
    two = hall.draw(second)
    drawn = [{d.no for d in hall.bureau.outcome(entry)[1].selection.drawn} for entry in (one, two)]
    assert drawn[0].isdisjoint(drawn[1])
    report = verify_bundle(hall.bureau.bundle(two), hall.bureau.trust, as_of=hall.now, log=hall.bureau.view())
    assert report.verdict == "holds", [one for one in report.checks if one.state != "holds"]


def test_a_slot_is_announced_once(hall: Hall, announced: Entry) -> None:
    with refused("slot-announced"):
        hall.announce()
    hall.draw(announced)
    with refused("slot-announced"):
        hall.announce()


def test_what_was_not_planned_or_frozen_or_is_not_known_cannot_be_announced(hall: Hall) -> None:
    with refused("no-plan-for-slots"):
        hall.announce()
    hall.bureau.plan(hall.now, id="2026", slots=[SLOT], objects="hospitals", inspectors="staff", ratio="1/4")
    with refused("not-frozen-yet"):
        hall.announce()
    hall.prepare(reason="budget-cut")
    with refused("no-plan-for-slots"):
        hall.announce("2026/fund-use/3")
    with refused("unknown-beacon"):
        hall.announce(chain="quicknet")
    with refused("round-too-soon", AnnouncementError):
        hall.announce(at=hall.now + 5)
    assert list(hall.bureau.own(Announcement)) == []


def test_what_could_never_be_drawn_is_not_announced_and_nothing_is_signed_for_it(hall: Hall) -> None:
    one = read_rows(["no", "private.name"], [("I-1", "检查员1")]).registry
    hall.bureau.plan(hall.now, id="2026", slots=[SLOT], objects="hospitals", inspectors="staff", ratio="1/4")
    hall.bureau.freeze(hall.now, "hospitals", HOSPITALS, b"h" * 32)
    hall.bureau.freeze(hall.now, "staff", one, b"s" * 32)
    with refused("team-cannot-be"):
        hall.announce()
    assert list(hall.bureau.own(Announcement)) == []


def test_nobody_draws_before_the_quorum_or_before_the_round(hall: Hall) -> None:
    hall.prepare()
    entry = hall.announce()
    with refused("cosigned-too-late"):
        hall.draw(entry)  # no witness has seen it, and its round is out


def test_a_quorum_that_came_after_the_limit_is_none(hall: Hall) -> None:
    hall.prepare()
    entry = hall.announce()
    hall.now = hall.bureau.due(entry) - 30  # less than the trust file's margin before the round
    hall.cosign()
    with refused("cosigned-too-late"):
        hall.draw(entry)


def test_a_round_that_is_not_out_and_a_pulse_that_is_another_are_refused(hall: Hall, announced: Entry) -> None:
    pulses = hall.pulses(announced)
    with refused("not-due-yet"):
        hall.bureau.draw(hall.now, announced, pulses)
    hall.now = hall.bureau.due(announced) + 3
    with refused("pulses-lacking"):
        hall.bureau.draw(hall.now, announced, [])
    [source] = announced.of(Announcement).beacon
    with refused("wrong-round", BeaconError):
        hall.bureau.draw(hall.now, announced, [practice_pulse(b"b" * 32, BEACON, source.round + 1)])
    later = practice_pulse(b"b" * 32, BEACON, source.round + 1)  # whoever waits for a better one
    with refused("signature-invalid", BeaconError):
        hall.bureau.draw(hall.now, announced, [replace(later, round=source.round)])
    assert list(hall.bureau.own(Draw)) == []


def test_a_voided_announcement_is_not_drawn(hall: Hall, announced: Entry) -> None:
    said = hall.bureau.head(hall.now).make(Void, announcement=announced.ref, reason="wrong-date", pulses=())
    hall.bureau.add(said)
    hall.cosign()
    assert hall.bureau.announced([SLOT]) is None
    with refused("announcement-voided"):
        hall.draw(announced)


def test_what_needs_people_at_several_desks_is_left_to_the_commands(hall: Hall) -> None:
    joint = ({"name": f"health.example.cn{END}", "inspectors": "others"},)
    hall.prepare(joint=joint)
    with refused("beyond-bureau"):
        hall.announce()


def test_one_person_alone_announces_nothing_where_the_trust_file_asks_for_four_eyes(hall: Hall) -> None:
    hall.prepare()
    second = Signer.from_seed(f"approver.example.cn{END}", b"a" * 32)
    file = hall.trust_file + f"supervisor {second.name} approver {second.verifier.vkey}\nsecond {NAME} {second.name}\n"
    hall.bureau.trust = parse_trust(file.encode())
    with refused("beyond-bureau"):
        hall.announce()


def test_a_clock_that_is_behind_the_chain_signs_nothing(hall: Hall, announced: Entry) -> None:
    with refused("clock-behind-chain"):
        hall.bureau.freeze(hall.now - 3600, "staff", STAFF, b"t" * 32)


def test_a_secret_is_not_used_for_other_rows(hall: Hall) -> None:
    hall.prepare()
    more = read_rows(["no", "private.name"], [(f"I-{n}", f"检查员{n}") for n in range(1, 10)]).registry
    with refused("seal-seen-before", SnapshotError):
        hall.bureau.freeze(hall.now, "staff", more, b"s" * 32)
    assert hall.bureau.freeze(hall.now, "staff", more, b"t" * 32).index == hall.log.size - 1


def test_an_artifact_that_was_altered_or_lost_is_told_and_not_used(hall: Hall, announced: Entry) -> None:
    path = next(path for path in hall.storage.files if path.startswith("artifact/") and hall.storage.files[path])
    kept = hall.storage.files[path]
    hall.storage.files[path] = kept.replace(b"H-01", b"H-99").replace(b"I-1", b"I-9")
    with refused("artifact-not-there"):
        hall.draw(announced)
    del hall.storage.files[path]
    with refused("artifact-not-there"):
        hall.draw(announced)
    hall.storage.files[path] = kept
    assert hall.draw(announced).index == hall.log.size - 1


def test_a_statement_of_another_log_is_not_found(hall: Hall, announced: Entry) -> None:
    other = Hall(now=hall.now)
    other.prepare(ratio="1/5")
    with refused("statement-not-there"):
        other.draw(announced)


def test_bad_fields_are_named(hall: Hall) -> None:
    with refused("bad-field", StatementError):
        hall.bureau.plan(hall.now, id="2026", slots=["2027/x/1"], objects="o", inspectors="i", ratio="1/4")
    assert list(hall.bureau.own(Plan)) == []


def test_what_a_stranger_signs_in_the_bureaus_name_takes_no_slot_and_no_place_in_its_chain(hall: Hall) -> None:
    hall.prepare()
    said = hall.announce
    before = hall.bureau.head(hall.now)
    copy = Hall(now=hall.now)
    copy.prepare()
    forged = sign(copy.announce().statement, [Signer.from_seed(NAME, b"x" * 32)])
    hall.log.append(forged)
    assert hall.bureau.announced([SLOT]) is None
    assert hall.bureau.head(hall.now) == before
    entry = said()
    hall.cosign()
    assert verify_bundle(hall.bureau.bundle(hall.draw(entry)), hall.bureau.trust, as_of=hall.now,
                         log=hall.bureau.view()).verdict == "holds"  # fmt: skip


def _fields(hall: Hall) -> dict[str, Any]:
    plan = next(plan for _, plan in hall.bureau.own(Plan))
    chain = {"v", "type", "log", "bureau", "by", "with_", "seq", "prev", "time"}
    return {name: getattr(plan, name) for name in type(plan).model_fields if name not in chain}


def test_the_bureaus_next_key_is_followed(hall: Hall) -> None:
    hall.prepare()
    old, new = hall.bureau.key, Signer.from_seed(NAME, b"n" * 32)
    said = hall.bureau.head(hall.now).make(Key, old=old.verifier.vkey, new=new.verifier.vkey, former=None)
    hall.log.append(sign(said, [old, new]))
    after = Bureau(hall.log, hall.storage, new, hall.bureau.trust)
    entry = after.announce(hall.now, slots=[SLOT], at=hall.now + 600, window="2026-10-31", chain="practice")
    assert after.announced([SLOT]) == entry
    stale = Bureau(hall.log, hall.storage, old, hall.bureau.trust)
    with refused("key-not-current"):
        stale.freeze(hall.now, "staff", STAFF, b"t" * 32)
    hall.log.append(sign(stale.head(hall.now).make(Plan, **_fields(hall)), [old]))  # a thief asks nobody
    assert len(list(after.own(Plan))) == 1
    assert len([1 for _, said in after.own(SnapshotStatement) if said.registry == "staff"]) == 1


def test_anybodys_bytes_in_the_log_are_passed_over(hall: Hall) -> None:
    hall.log.append(b"not a statement")
    hall.prepare()
    entry = hall.announce()
    hall.cosign()
    assert hall.draw(entry).index == hall.log.size - 1


def test_a_log_that_another_object_has_grown_is_read_to_its_end(hall: Hall, announced: Entry) -> None:
    book = Casebook(LogReader(hall.storage.read, hall.log.verifier), hall.storage, hall.bureau.trust, NAME)
    assert book.drawn(announced) is None
    drawn = hall.draw(announced)
    assert book.drawn(announced) == drawn
    assert sha256(drawn.note.text.encode()).hexdigest() == drawn.text_hash


def test_a_plan_is_changed_only_with_a_reason(hall: Hall) -> None:
    hall.prepare()
    with refused("plan-changed-without-reason"):
        hall.prepare(ratio="1/5")
    assert len(list(hall.bureau.own(Plan))) == 1
    hall.prepare(ratio="1/5", reason="budget-cut")
    assert [plan.reason for _, plan in hall.bureau.own(Plan)] == [None, "budget-cut"]


def test_a_recusal_of_a_number_that_nobody_has_keeps_nobody_away_and_is_refused(hall: Hall) -> None:
    hall.prepare()

    def recusal(no: str, inspector: str) -> bytes:
        row = {"declarer": "object", "form": None, "inspector": inspector, "object": no, "reason": "kinship"}
        return canonical(row) + b"\n"

    for pair in (("H-01", "I-11"), ("H-l1", "I-1")):
        with refused("recused-unknown"):
            hall.announce(recusals=recusal(*pair))
    assert list(hall.bureau.own(Announcement)) == []
    announced = hall.announce(recusals=recusal("H-01", "I-1"))
    assert hall.bureau.inputs(announced).recusals == {("H-01", "I-1")}


def test_a_key_signs_and_counts_only_within_the_times_of_the_trust_file(hall: Hall) -> None:
    hall.prepare()
    until, old = hall.now + 60, hall.bureau.key
    new = Signer.from_seed(NAME, b"n" * 32)
    line = f"bureau {NAME} {old.verifier.vkey} {ORIGIN}"
    later = f"bureau {NAME} {new.verifier.vkey} {ORIGIN} {format_time(until + 1)}"
    trust = parse_trust(hall.trust_file.replace(line, f"{line} - {format_time(until)}\n{later}").encode())
    early, stale, after = (Bureau(hall.log, hall.storage, key, trust) for key in (new, old, new))
    with refused("key-not-current"):
        early.freeze(hall.now, "staff", STAFF, b"t" * 32)
    hall.now = until + 1
    with refused("key-not-current"):
        stale.freeze(hall.now, "staff", STAFF, b"t" * 32)
    entry = after.announce(hall.now, slots=[SLOT], at=hall.now + 600, window="2026-10-31", chain="practice")
    said = stale.head(hall.now + 1).make(Void, announcement=entry.ref, reason="wrong-date", pulses=())
    hall.log.append(sign(said, [old]))  # a thief of the old key
    assert after.announced([SLOT]) == entry
    assert list(after.own(Void)) == []


def test_what_a_command_had_signed_is_logged_before_anything_else_takes_its_number(hall: Hall) -> None:
    hall.prepare()
    left = sign(hall.bureau.head(hall.now).make(Plan, **{**_fields(hall), "reason": "budget-cut"}), [hall.bureau.key])
    hall.bureau.finish(left)
    size = hall.log.size
    hall.bureau.finish(left)  # the log has it
    assert (hall.log.size, next(hall.log.entries(size - 1, size))) == (size, left)
    unfit = sign(hall.bureau.head(hall.now).make(Plan, **{**_fields(hall), "reason": "flood"}), [hall.bureau.key])
    hall.bureau.freeze(hall.now, "staff", STAFF, b"t" * 32)
    with refused("signed-does-not-fit"):
        hall.bureau.finish(unfit)
    assert hall.log.size == size + 1


def test_an_announcement_of_another_bureau_in_the_log_is_not_drawn(hall: Hall) -> None:
    hall.prepare()
    other = Hall(now=hall.now)
    other.prepare()
    name = f"other.example.cn{END}"
    said = other.announce().statement.model_copy(update={"by": name, "bureau": name})
    index = hall.log.append(sign(said, [Signer.from_seed(name, b"o" * 32)]))
    hall.cosign()
    with refused("statement-not-there"):
        hall.draw(hall.bureau.entries[index])
    assert list(hall.bureau.own(Draw)) == []


def test_a_program_logs_what_it_has_frozen_once_and_only_with_its_roster(hall: Hall, tmp_path: Path) -> None:
    hall.prepare()
    path = tmp_path / "a.csv"
    path.write_text("no,private.name\nH-1,甲\nH-2,乙\nx y,丁\n", "utf-8")
    with Freezing(Input(path, "csv", None, "a"), tmp_path / "x", bytes(range(32))) as frozen:
        found = frozen.read()
        made = frozen.seal()
        with refused("artifact-not-there"):
            hall.bureau.log_frozen(hall.now, "hospitals", made, found.problems)
        hall.storage.create(f"artifact/{made.listing.digest}", made.roster.read_bytes())
        entry = hall.bureau.log_frozen(hall.now, "hospitals", made, found.problems)
        assert hall.bureau.log_frozen(hall.now, "hospitals", made, found.problems) == entry
    said = entry.of(SnapshotStatement)
    assert said.roster == made.listing
    assert said.left_out is not None
    assert said.left_out.count == 1
    assert hall.bureau.newest("hospitals") == entry
