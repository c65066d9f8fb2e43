"""A draw from registry to bundle in memory, every step of which a test may bend.

The stories run in a rehearsal: a practice beacon gives any round. Real chains have their own tests.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from fairdraw.announcement import Inputs, announce, artifact_of, key_material, read_exclusions, read_recusals
from fairdraw.beacon import Chain, Pulse, practice_chain, practice_pulse
from fairdraw.bundle import Bundle, Carried, Proofs, evidence, make_bundle
from fairdraw.draw import Outcome, draw_lots
from fairdraw.encoding import canonical, end_of_day, parse_time, to_base64
from fairdraw.randomness import check_value, settled_at
from fairdraw.record import Record, make_record
from fairdraw.registry import Registry, Row
from fairdraw.schema import (
    Announcement,
    AtOnce,
    Commitment,
    Committed,
    Contributor,
    Deposit,
    Former,
    Key,
    Opening,
    Plan,
    Published,
    Reveal,
    RevealsClosed,
    SnapshotStatement,
    Statement,
    Until,
    Void,
)
from fairdraw.seed import commitment, embargo_commitment
from fairdraw.snapshot import Snapshot, freeze
from fairdraw.statement import Entry, Head, read_entry, sign
from fairdraw.trust import Trust, parse_trust, witness_group
from fairdraw.values import PulseValue
from fairdraw.verify import LogView, Report, verify_bundle
from transparency_log import merkle
from transparency_log.checkpoint import Checkpoint, cosign, cosignatures, sign_checkpoint
from transparency_log.cosigned import SignedSize
from transparency_log.note import Note, Signer
from transparency_log.policy import order_time

START = parse_time("2026-09-07T10:00:00Z")
ORIGIN = "log.example.cn/jinan/rehearsal"
BUREAU = "jinan-ybj.example.cn/rehearsal"
SLOT = "2026/fund-use/1"
EMPTY = b""


def secret(label: str) -> bytes:
    """Return 32 bytes that stand for chance, the same in every run."""
    return sha256(label.encode()).digest()


def signer(name: str, algorithm: int = 1) -> Signer:
    return Signer.from_seed(name, secret(f"key of {name}"), algorithm)


def objects(count: int = 60) -> Registry:
    kinds = ("hospital", "pharmacy", "care")
    regions = ("370102", "370103")
    rows = tuple(
        Row(
            f"H-{i:06d}",
            {"region": regions[i % 2], "type": kinds[i % 3]},
            (f"第{i}医院", f"9137{i:014d}"),
        )
        for i in range(count)
    )
    return Registry((("region", "string"), ("type", "string")), (("name", True), ("uscc", False)), rows)


def inspectors(count: int = 12) -> Registry:
    rows = tuple(
        Row(
            f"I-{i:04d}",
            {"department": ("ybj", "wjw")[i % 2], "qualified": True, "region": ("370102", "370103")[i % 4 // 2]},
            (f"检查员{i}",),
        )
        for i in range(count)
    )
    schema = (("department", "string"), ("qualified", "boolean"), ("region", "string"))
    return Registry(schema, (("name", True),), rows)


def team(**changes: Any) -> dict[str, Any]:
    rules = {
        "size": 2,
        "department": None,
        "quota": (),
        "eligible": ({"rule": "true", "object": None, "inspector": "qualified"},),
        "specialities": (),
        "experts": None,
        "order": "both",
        "pool": None,
        "steps": None,
        "cap": None,
        "limit": 10_000,
        "beyond": "raise-cap",
    }
    return rules | changes


def rule(*slots: str, ratio: str = "1/10", rounding: str = "ceil", **changes: Any) -> dict[str, Any]:
    """Return one rule for the items of some slots: a ratio of every type, without grades or regions."""
    whole = {"of": (), "ratio": ratio, "rounding": rounding, "floor": None}
    fields = {"items": tuple(sorted({slot.split("/")[1] for slot in slots})), "filter": "", "strata": ("type",),
              "ratios": (whole,), "grade": None, "grades": (), "top_up": (), "region": None,
              "each_region": False}  # fmt: skip
    return fields | changes


@dataclass
class Story:
    """A world with a log, witnesses, supervisors, a bureau and a practice beacon, and a clock that tests move."""

    witnesses: int = 2
    supervisors: int = 3
    trust_lines: str = ""  # what a reader adds to the own trust file
    entries: list[bytes] = field(default_factory=list)
    checkpoints: list[bytes] = field(default_factory=list)
    artifacts: dict[str, bytes] = field(default_factory=dict)
    heads: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)  # of supervisors, where it is not discipline inspection
    now: int = START
    origin: str = ORIGIN

    def __post_init__(self) -> None:
        self.log_key = signer(self.origin)
        self.bureau = signer(BUREAU)
        self.witness_keys = [signer(f"w{i}.example.cn/rehearsal", 4) for i in range(self.witnesses)]
        names = [f"s{i}.example.cn/rehearsal" for i in range(self.supervisors)]
        self.people = {name: signer(name) for name in names}
        self.first: dict[str, Signer] = {}  # the key, in readers' trust files, of whoever changed it
        self.chains = {
            name: practice_chain(secret(f"beacon {name}"), id=name, genesis=START - 3000)
            for name in ("practice", "practice-2")
        }

    @property
    def chain(self) -> Chain:
        return self.chains["practice"]

    def pulse(self, beacon: str, number: int) -> Pulse:
        return practice_pulse(secret(f"beacon {beacon}"), self.chains[beacon], number)

    # -- the log ------------------------------------------------------------------------------------------------

    def head(self, by: str = BUREAU) -> Head:
        seq, prev = self.heads.get(by, (0, None))
        return Head(log=self.origin, bureau=BUREAU, by=by, seq=seq, prev=prev, time=self.now)

    def add(self, statement: Statement, signers: Sequence[Signer] | None = None) -> Entry:
        keys = {BUREAU: self.bureau, **self.people}
        data = sign(statement, signers or [keys[name] for name in statement.signers])
        return self.add_bytes(data, advance=statement.by)

    def change_key(self, name: str = BUREAU, *, former: Former | None = None) -> Entry:
        """Let somebody change to a new key; the old one, with which none but a thief signs any more, is in `first`."""
        old = self.bureau if name == BUREAU else self.people[name]
        new = Signer.from_seed(name, secret(f"key of {name} after entry {len(self.entries)}"))
        said = self.head(name).make(Key, old=old.verifier.vkey, new=new.verifier.vkey, former=former)
        entry = self.add(said, [old, new])
        self.first.setdefault(name, old)
        if name == BUREAU:
            self.bureau = new
        else:
            self.people[name] = new
        return entry

    def add_bytes(self, data: bytes, advance: str | None = None) -> Entry:
        entry = read_entry(data, len(self.entries))
        self.entries.append(data)
        if advance is not None:
            self.heads[advance] = (entry.statement.seq + 1, entry.text_hash)
        return entry

    def add_noise(self, data: bytes = b"somebody's bytes") -> int:
        self.entries.append(data)
        return len(self.entries) - 1

    def keep(self, data: bytes) -> bytes:
        self.artifacts[artifact_of(data).digest] = data
        return data

    def checkpoint(self, *, by: Sequence[int] | None = None, time: int | None = None) -> bytes:
        """Sign the log as it stands and let witnesses cosign it, all at `time` (default: now)."""
        root = merkle.root(map(merkle.leaf_hash, self.entries))
        note = sign_checkpoint(Checkpoint(self.origin, len(self.entries), root), self.log_key)
        chosen = range(self.witnesses) if by is None else by
        extra = tuple(cosign(self.witness_keys[i], note.text, self.now if time is None else time) for i in chosen)
        data = Note(note.text, note.signatures + extra).format()
        self.checkpoints.append(data)
        return data

    # -- the road -----------------------------------------------------------------------------------------------

    def plan(self, *, with_: Sequence[str] = (), **changes: Any) -> Entry:
        fields: dict[str, Any] = {
            "plan": "2026",
            "slots": (SLOT, "2026/fund-use/2"),
            "objects": "institutions",
            "inspectors": "staff",
            "kind": "yearly",
            "year": 2026,
            "schedule": (),
            "items": None,
            "joint": (),
            "yearly_cap": None,
            "team": team(),
            "audit": 2,
            "substitutions": 2,
            "voids": (),
            "regulation": None,
            "reason": None,
        }
        short = {name: changes.pop(name) for name in ("strata", "ratio", "rounding") if name in changes}
        fields |= changes
        fields.setdefault("rules", (rule(*fields["slots"], **short),))
        said = self.head().make(Plan, **fields)
        return self.add(said.model_copy(update={"with_": tuple(with_)}))

    def snapshot(
        self, name: str, registry: Registry, label: str = "1", *, by: str | None = None, **changes: Any
    ) -> tuple[Entry, Snapshot]:
        frozen = freeze(registry, secret(f"secret of {name} {label}"))
        self.keep(frozen.roster.data)
        fields: dict[str, Any] = {
            "registry": name,
            "roster": frozen.roster.listing(),
            "published": True,
            "attrs": frozen.attrs,
            "private": frozen.private,
            "left_out": None,
        }
        return self.add(self.head(by or BUREAU).make(SnapshotStatement, **(fields | changes))), frozen

    def announcement(self, plan: Entry, objs: Entry, staff: Entry, **changes: Any) -> Announcement:
        fields: dict[str, Any] = {
            "plan": plan,
            "objects": objs,
            "inspectors": staff,
            "slots": [SLOT],
            "recusals": EMPTY,
            "exclusions": EMPTY,
            "sources": [(self.chain, self.chain.round_at_or_after(self.now + 3600))],
            "seed": Published(kind="published", digits="42"),
            "disclosure": AtOnce(kind="at-once"),
            "window": "2026-09-30",
            "margin": 300,
            "history_size": len(self.entries),
        }
        fields |= changes
        self.keep(fields["recusals"])
        self.keep(fields["exclusions"])
        return announce(self.head(), **fields)

    def pulses(self, announced: Announcement) -> tuple[PulseValue, ...]:
        told = []
        for source in announced.beacon:
            pulse = self.pulse(source.beacon, source.round)
            told.append(
                PulseValue(beacon=source.beacon, round=source.round, signature=pulse.signature, previous=pulse.previous)
            )
        return tuple(told)

    def randomness(self, announced: Announcement) -> tuple[bytes, ...]:
        """Return what the announced sources gave; that it was seen in time, say, is for the verifier to check."""
        pairs = zip(announced.beacon, self.pulses(announced), strict=True)
        return tuple(check_value(s, v, self.chains, read=self.artifacts.__getitem__) for s, v in pairs)


@dataclass
class Told:
    """An honest story up to its announcement or its draw, with the steps between for tests to bend."""

    story: Story
    plan: Entry
    objects: tuple[Entry, Snapshot]
    inspectors: tuple[Entry, Snapshot]
    announcement: Entry
    seeds: tuple[tuple[str, str], ...] = ()
    embargo: bytes | None = None
    draw: Entry | None = None
    record: Record | None = None

    def inputs(self) -> Inputs:
        said = self.announcement.of(Announcement)
        return Inputs(
            announcement=self.announcement,
            plan=self.plan.of(Plan),
            objects=self.objects[1].roster,
            inspectors=self.inspectors[1].roster,
            joint=(),
            recusals=read_recusals(self.story.artifacts[said.recusals.digest]),
            exclusions=read_exclusions(self.story.artifacts[said.exclusions.digest]),
        )

    @property
    def exclusions(self) -> bytes:
        """The announced exclusion list."""
        return self.story.artifacts[self.announcement.of(Announcement).exclusions.digest]

    def key(self) -> bytes:
        said = self.announcement.of(Announcement)
        randomness = self.story.randomness(said)
        return key_material(self.announcement, seeds=self.seeds, pulses=randomness, embargo=self.embargo).key()

    def reveal(self, *names: str) -> dict[str, Entry]:
        """Let these contributors (default: all) reveal what they committed to."""
        rule = self.announcement.of(Announcement).seed
        assert isinstance(rule, Committed)
        told = {}
        for contributor in rule.contributors:
            name = contributor.name
            if not names or name in names:
                value = secret(f"seed of {name}").hex()
                said = self.story.head(name).make(Reveal, commitment=contributor.commitment, seed=value)
                told[name] = self.story.add(said)
        return told

    def close(self, reveals: dict[str, Entry]) -> Entry:
        """Let the bureau close the list of the reveals that count; the others are `-` in the key."""
        rule = self.announcement.of(Announcement).seed
        assert isinstance(rule, Committed)
        names = [contributor.name for contributor in rule.contributors]
        self.seeds = tuple((name, secret(f"seed of {name}").hex() if name in reveals else "-") for name in names)
        refs = tuple(reveals[name].ref if name in reveals else None for name in names)
        said = self.story.head().make(RevealsClosed, announcement=self.announcement.ref, reveals=refs)
        return self.story.add(said)

    def void(self, reason: str, pulses: Sequence[PulseValue] = ()) -> Entry:
        """Let the bureau void the announcement."""
        said = self.story.head().make(Void, announcement=self.announcement.ref, reason=reason, pulses=tuple(pulses))
        return self.story.add(said)

    def announce_again(self, **changes: Any) -> "Told":
        """Announce the slot once more, under the same plan and snapshots unless the changes say otherwise."""
        plan, objs, staff = (changes.pop(k, e) for k, e in (("plan", self.plan), ("objects", self.objects),
                                                           ("inspectors", self.inspectors)))  # fmt: skip
        said = self.story.announcement(plan, objs[0], staff[0], **changes)
        return Told(self.story, plan, objs, staff, self.story.add(said))

    def undo(self) -> None:
        """Take the cosigned announcement back, as if it had never been logged."""
        said = self.announcement.of(Announcement)
        self.story.entries.pop()
        self.story.checkpoints.pop()
        self.story.heads[BUREAU] = (said.seq, said.prev)

    def retold(self, **changes: Any) -> "Told":
        """Log a bent announcement in the place of the honest last one, which the library would not have made."""
        self.undo()
        entry = self.story.add(self.announcement.of(Announcement).model_copy(update=changes))
        self.story.checkpoint()
        return replace(self, announcement=entry)

    def later(self, seconds: int = 60) -> "Told":
        """Let some time pass, and have the log cosigned."""
        self.story.now += seconds
        self.story.checkpoint()
        return self

    def open_up(self, *, at: int | None = None, **changes: Any) -> Entry:
        """Let the bureau log the opening of a sealed draw, an hour before the day ends unless told otherwise."""
        assert self.draw is not None
        assert self.embargo is not None
        assert self.record is not None
        told = artifact_of(self.record.artifact)
        disclosure = self.announcement.of(Announcement).disclosure
        assert isinstance(disclosure, Until)
        self.story.now = max(self.story.now, end_of_day(disclosure.date) - 3600) if at is None else at
        fields: dict[str, Any] = {"of": self.draw.ref, "artifact": told, "key": self.key().hex(),
                                  "embargo": self.embargo.hex()}  # fmt: skip
        return self.story.add(self.story.head().make(Opening, **(fields | changes)))

    def outcome(self) -> Outcome:
        return draw_lots(self.inputs(), self.key())

    def go_on(self, *, bend: Callable[[Record], Record] | None = None, cosigned: bool = True) -> "Told":
        """Move past the round, draw, log and cosign; `bend` is the bureau's own idea of the record."""
        story, said = self.story, self.announcement.of(Announcement)
        due = settled_at(said.beacon, story.chains, story.artifacts)
        story.now = max(story.now, due + 5)
        record = make_record(
            story.head(), self.inputs(), pulses=story.pulses(said), outcome=self.outcome(), embargo=self.embargo
        )
        record = bend(record) if bend else record
        self.record = record
        story.keep(record.artifact)
        self.draw = story.add(record.statement)
        story.now += 60
        if cosigned:
            story.checkpoint()
        return self

    def bundle(self, **changes: Any) -> Bundle:
        story, said = self.story, self.announcement.of(Announcement)
        fields: dict[str, Any] = {
            "announcement": self.announcement,
            "draw": self.draw,
            "pulses": () if "pulses" in changes else story.pulses(said),
            "artifacts": dict(story.artifacts),
        }
        return make_bundle(story.entries, sizes(story), **(fields | changes))

    def log(self) -> LogView:
        return LogView(list(self.story.entries), list(self.story.checkpoints), dict(self.story.artifacts))

    def report(self, bundle: Bundle | None = None, **changes: Any) -> Report:
        fields: dict[str, Any] = {"as_of": self.story.now, "log": self.log()}
        return verify_bundle(bundle or self.bundle(), trust(self.story), **(fields | changes))


def sizes(story: Story) -> list[SignedSize]:
    policy = trust(story).policy
    told = []
    for data in story.checkpoints:
        note = Note.parse(data)
        found = cosignatures(note, [w.verifier for w in policy.witnesses])
        told.append(SignedSize(Checkpoint.parse(note.text).size, data, order_time(policy, found)))
    return told


def trust_text(story: Story) -> str:
    names = [f"w{i}" for i in range(story.witnesses)]
    text = f"fairdraw/trust v1\nlog {story.log_key.verifier.vkey}\n"
    for name, key in zip(names, story.witness_keys, strict=True):
        text += f"witness {name} {key.verifier.vkey}\n"
    text += witness_group(names)
    text += f"bureau {BUREAU} {story.first.get(BUREAU, story.bureau).verifier.vkey} {story.origin}\n"
    for name, key in story.people.items():
        text += f"supervisor {name} {story.roles.get(name, 'discipline')} {story.first.get(name, key).verifier.vkey}\n"
    for chain in story.chains.values():
        text += f"beacon {chain.id} {chain.hash} {chain.key} {chain.scheme} {chain.period} {chain.genesis}\n"
    return text + story.trust_lines + "rehearsal\n"


def trust(story: Story) -> Trust:
    return parse_trust(trust_text(story).encode())


def recusal(object_no: str, inspector_no: str) -> bytes:
    row = {"declarer": "inspector", "form": None, "inspector": inspector_no, "object": object_no, "reason": "kinship"}
    return canonical(row)


EMBARGO = secret("embargo")
SEALED_UNTIL = "2026-09-20"
Before = Callable[[Story], dict[str, Any]]


def committed(
    *names: str, required: Sequence[str] = (), minimum: int = 0, of: Callable[[str], str] | None = None
) -> Before:
    """Let supervisors (default: all) commit to seeds before the announcement, which names them.

    `of` gives the commitment that a name logs, where it is not its own.
    """

    def before(story: Story) -> dict[str, Any]:
        contributors = []
        for name in names or tuple(story.people):
            value = of(name) if of else commitment(SLOT, name, secret(f"seed of {name}"))
            entry = story.add(story.head(name).make(Commitment, slot=SLOT, commitment=value))
            contributors.append(Contributor(name=name, commitment=entry.ref, required=name in required))
        return {"seed": Committed(kind="committed", contributors=tuple(contributors), minimum=minimum)}

    return before


def sealed(depositaries: int = 2, date: str = SEALED_UNTIL) -> Before:
    """Let supervisors deposit the embargo key of a draw that is sealed until a date."""

    def before(story: Story) -> dict[str, Any]:
        value = embargo_commitment(SLOT, EMBARGO)
        for name in list(story.people)[:depositaries]:
            story.add(story.head(name).make(Deposit, slot=SLOT, embargo=value))
        return {"disclosure": Until(kind="until", date=date, embargo=value)}

    return before


def begin(
    story: Story | None = None,
    *,
    plan: dict[str, Any] | None = None,
    before: Before | None = None,
    **announcement: Any,
) -> Told:
    """Tell an honest story up to its cosigned announcement; `before` acts just ahead of that."""
    story = story or Story()
    planned = story.plan(**(plan or {}))
    story.now += 60
    story.checkpoint()
    story.now += 60
    objs = story.snapshot("institutions", objects())
    staff = story.snapshot("staff", inspectors())
    story.now += 60
    if before is not None:
        announcement |= before(story)
    said = story.announcement(planned, objs[0], staff[0], **announcement)
    entry = story.add(said)
    story.now += 60
    story.checkpoint()
    embargo = EMBARGO if isinstance(said.disclosure, Until) else None
    return Told(story, planned, objs, staff, entry, embargo=embargo)


def tell(story: Story | None = None, **changes: Any) -> Told:
    """Tell an honest story to its end."""
    return begin(story, **changes).go_on()


def failing(report: Report) -> dict[str, str]:
    """Return the checks that do not hold, each with its reason."""
    return {code: report.check(code).reason for code in report.failed}


def every(told: Told) -> list[Entry]:
    """Return all entries of the story's log, which hold statements only."""
    return [read_entry(data, index) for index, data in enumerate(told.story.entries)]


def past_the_round(told: Told) -> Told:
    """Move the clock to where everybody knows the announced pulses."""
    said = told.announcement.of(Announcement)
    told.story.now = settled_at(said.beacon, told.story.chains, told.story.artifacts) + 5
    return told


def rebundled(told: Told, carried: Sequence[Entry]) -> Bundle:
    """Return the bundle of an attacker who chooses what it carries; every proof in it is genuine."""
    return change(told.bundle(), evidence(Proofs.of(told.story.entries, sizes(told.story)), carried))


def waiting(report: Report) -> dict[str, str]:
    """Return the checks that cannot tell, each with its reason; those that wait for a failed one are left out."""
    return {check.code: check.reason for check in report.checks if check.state == "unknown" and not check.depends}


def found(report: Report) -> set[str]:
    """Return the codes of the findings."""
    return {finding.code for finding in report.findings}


def change(bundle: Bundle, told: dict[str, Any]) -> Bundle:
    """Return a bundle with some fields replaced; nothing but a verifier stops anybody from doing so."""
    return bundle.model_copy(update=told)


def swap(bundle: Bundle, digest: str, data: bytes) -> Bundle:
    """Return a bundle that carries other bytes under an artifact's name."""
    rows = tuple(
        Carried(digest=one.digest, data=to_base64(data)) if one.digest == digest else one for one in bundle.artifacts
    )
    return change(bundle, {"artifacts": rows})


def without(bundle: Bundle, digest: str) -> Bundle:
    """Return a bundle that lacks an artifact."""
    return change(bundle, {"artifacts": tuple(one for one in bundle.artifacts if one.digest != digest)})
