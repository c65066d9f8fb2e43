"""A province's log in memory: many bureaus, one log, and as many draws as an audit is to be measured with.

Every entry is really signed and every checkpoint cosigned. One day all bureaus announce, the next all of them draw, by
the same round; one checkpoint covers what they log at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Final

from examples.world import END, GENESIS, ORIGIN, WITNESSES, secret

from fairdraw.acts import OutcomeLine, format_outcomes
from fairdraw.announcement import Inputs, announce, artifact_of, key_material
from fairdraw.beacon import Chain, practice_chain, practice_pulse
from fairdraw.draw import draw_lots
from fairdraw.encoding import day_of, parse_time
from fairdraw.record import make_record
from fairdraw.registry import Registry, Row
from fairdraw.roster import Roster
from fairdraw.schema import AtOnce, Plan, Published, Result, SnapshotStatement, Statement
from fairdraw.snapshot import freeze
from fairdraw.statement import Entry, Head, read_entry, sign
from fairdraw.trust import Trust, parse_trust, witness_group
from fairdraw.values import PulseValue
from fairdraw.verify import LogView
from transparency_log import merkle
from transparency_log.checkpoint import Checkpoint, cosign, sign_checkpoint
from transparency_log.note import Note, Signer

FIRST: Final = 2021
DAY: Final = 86_400
ROUNDS_FROM: Final = 60  # days into the year, when all plans are logged
SPREAD: Final = 240  # days over which the draws of a year are spread
ITEM: Final = "fund-use"
EMPTY: Final = artifact_of(b"")
FORM: Final = artifact_of(b"a signed form").digest
TEAM: Final = {
    "size": 2, "department": None, "quota": (), "specialities": (), "experts": None, "order": "both", "pool": None,
    "eligible": ({"rule": "true", "object": None, "inspector": "qualified"},), "steps": None, "cap": None,
    "limit": 10_000, "beyond": "raise-cap",
}  # fmt: skip
RULE: Final = {
    "items": (ITEM,), "filter": "", "strata": ("type",), "grade": None, "grades": (), "top_up": (), "region": None,
    "each_region": False, "ratios": ({"of": (), "ratio": "1/10", "rounding": "ceil", "floor": None},),
}  # fmt: skip


@dataclass
class Bureau:
    """A bureau that draws: its key, where its chain stands, and what it draws from."""

    name: str
    seq: int = 0
    prev: str | None = None
    plan: Entry = field(init=False)
    objects: tuple[Entry, Roster] = field(init=False)
    staff: tuple[Entry, Roster] = field(init=False)

    @cached_property
    def key(self) -> Signer:
        """The key of a rehearsal."""
        return Signer.from_seed(self.name, secret(f"key of {self.name}"))


@dataclass
class Province:
    """A log of `bureaus` × `years` × `draws` draws, each with its announcement and its result.

    `rows` are a bureau's objects, `staff` its inspectors; the registries are frozen once a year. `days` is on how many
    days of a year draws are made: a bureau with more of them announces several on one day.
    """

    bureaus: int
    draws: int
    years: int = 1
    rows: int = 30
    staff: int = 6
    days: int = SPREAD
    now: int = parse_time(f"{FIRST}-01-05T01:00:00Z")
    entries: list[bytes] = field(default_factory=list)
    checkpoints: list[bytes] = field(default_factory=list)
    artifacts: dict[str, bytes] = field(default_factory=lambda: {EMPTY.digest: b""})
    tree: merkle.CompactRange = field(default_factory=merkle.CompactRange)

    @cached_property
    def offices(self) -> list[Bureau]:
        """The bureaus."""
        return [Bureau(f"ybj-{number}.example.cn{END}") for number in range(self.bureaus)]

    @cached_property
    def chain(self) -> Chain:
        """The practice beacon."""
        return practice_chain(secret("beacon"), id="practice", genesis=parse_time(GENESIS))

    @cached_property
    def _log_key(self) -> Signer:
        return Signer.from_seed(ORIGIN, secret("key of the log"))

    @cached_property
    def _witnesses(self) -> list[Signer]:
        return [Signer.from_seed(f"{name}.example.cn{END}", secret(f"key of {name}"), 4) for name in WITNESSES]

    @cached_property
    def trust(self) -> Trust:
        """The trust of a reader of this log."""
        lines = ["fairdraw/trust v1", f"log {self._log_key.verifier.vkey}"]
        lines += [f"witness {name} {key.verifier.vkey}" for name, key in zip(WITNESSES, self._witnesses, strict=True)]
        lines += witness_group(WITNESSES).splitlines()
        lines += [f"bureau {one.name} {one.key.verifier.vkey} {ORIGIN}" for one in self.offices]
        c = self.chain
        lines += [f"beacon {c.id} {c.hash} {c.key} {c.scheme} {c.period} {c.genesis}", "rehearsal"]
        return parse_trust("".join(f"{line}\n" for line in lines).encode())

    def view(self) -> LogView:
        """Return the log as any reader gets it."""
        return LogView(self.entries, self.checkpoints, self.artifacts)

    def tell(self) -> "Province":
        """Tell all years to the end of the last one's terms."""
        for year in range(FIRST, FIRST + self.years):
            self._begin(year)
            start = parse_time(f"{year}-01-01T00:00:00Z") + ROUNDS_FROM * DAY
            batches = [range(at, self.draws, self.days) for at in range(min(self.days, self.draws))]
            for day, slots in enumerate(batches):
                self.now = max(self.now, start + day * SPREAD * DAY // len(batches))
                self._draw([f"{year}/{ITEM}/{slot + 1}" for slot in slots])
        self.now = parse_time(f"{FIRST + self.years}-03-01T00:00:00Z")
        self.checkpoint()
        return self

    # -- the log ----------------------------------------------------------------------------------------------------

    def head(self, one: Bureau) -> Head:
        """Return where a bureau's chain stands."""
        return Head(log=ORIGIN, bureau=one.name, by=one.name, seq=one.seq, prev=one.prev, time=self.now)

    def add(self, one: Bureau, statement: Statement) -> Entry:
        """Log a bureau's statement."""
        data = sign(statement, [one.key])
        entry = read_entry(data, len(self.entries))
        self.entries.append(data)
        self.tree.append(merkle.leaf_hash(data))
        one.seq, one.prev = one.seq + 1, entry.text_hash
        return entry

    def keep(self, data: bytes) -> None:
        """Serve an artifact beside the log."""
        self.artifacts[artifact_of(data).digest] = data

    def checkpoint(self) -> None:
        """Sign the log as it stands, and let the witnesses cosign it."""
        self.now += 60
        note = sign_checkpoint(Checkpoint(ORIGIN, len(self.entries), self.tree.root()), self._log_key)
        extra = tuple(cosign(key, note.text, self.now) for key in self._witnesses)
        self.checkpoints.append(Note(note.text, note.signatures + extra).format())
        self.now += 60

    # -- the road ---------------------------------------------------------------------------------------------------

    def _begin(self, year: int) -> None:
        self.now = max(self.now, parse_time(f"{year}-01-05T01:00:00Z"))
        slots = tuple(sorted(f"{year}/{ITEM}/{number + 1}" for number in range(self.draws)))
        for one in self.offices:
            said = self.head(one).make(
                Plan, plan=str(year), slots=slots, objects="institutions", inspectors="staff", kind="yearly",
                year=year, schedule=(), items=None, joint=(), yearly_cap=None, team=TEAM, audit=2, substitutions=2,
                voids=(), regulation=None, reason=None, rules=(RULE,),
            )  # fmt: skip
            one.plan = self.add(one, said)
        self.checkpoint()
        for one in self.offices:
            one.objects = self._freeze(one, year, "institutions", _objects(self.rows))
            one.staff = self._freeze(one, year, "staff", _staff(self.staff))
        self.checkpoint()

    def _freeze(self, one: Bureau, year: int, name: str, registry: Registry) -> tuple[Entry, Roster]:
        frozen = freeze(registry, secret(f"{one.name} {name} {year}"))
        self.keep(frozen.roster.data)
        said = self.head(one).make(
            SnapshotStatement, registry=name, roster=frozen.roster.listing(), published=True, attrs=frozen.attrs,
            private=frozen.private, left_out=None,
        )  # fmt: skip
        return self.add(one, said), frozen.roster

    def _draw(self, slots: Sequence[str]) -> None:
        """Announce, wait for one round, draw, and publish results; of several slots of one day one after another."""
        for slot in slots:
            number = self.chain.round_at_or_after(self.now + 3600)
            source = [(self.chain, number)]
            waiting = [(one, self._announce(one, slot, source)) for one in self.offices]
            self.checkpoint()
            self.now = self.chain.time_of(number) + 5
            pulse = practice_pulse(secret("beacon"), self.chain, number)
            value = PulseValue(beacon=self.chain.id, round=number, signature=pulse.signature, previous=pulse.previous)
            drawn = [(one, *self._record(one, entry, value)) for one, entry in waiting]
            self.checkpoint()
            for one, draw, numbers in drawn:
                self._publish(one, draw, numbers)
            self.checkpoint()

    def _announce(self, one: Bureau, slot: str, sources: Sequence[tuple[Chain, int]]) -> Entry:
        said = announce(
            self.head(one), plan=one.plan, objects=one.objects[0], inspectors=one.staff[0], slots=[slot], recusals=b"",
            exclusions=b"", sources=sources, seed=Published(kind="published", digits="42"),
            disclosure=AtOnce(kind="at-once"), window=f"{slot[:4]}-12-31", margin=300, history_size=len(self.entries),
        )  # fmt: skip
        return self.add(one, said)

    def _record(self, one: Bureau, announcement: Entry, value: PulseValue) -> tuple[Entry, tuple[str, ...]]:
        inputs = Inputs(
            announcement=announcement, plan=one.plan.of(Plan), objects=one.objects[1], inspectors=one.staff[1],
            joint=(), recusals=frozenset(), exclusions=frozenset(),
        )  # fmt: skip
        # What `check_pulse` returns of a round that was made here a moment ago.
        pulses = [sha256(bytes.fromhex(value.signature)).digest()]
        key = key_material(announcement, seeds=(), pulses=pulses, embargo=None).key()
        record = make_record(
            self.head(one), inputs, pulses=[value], outcome=(outcome := draw_lots(inputs, key)), embargo=None
        )
        self.keep(record.artifact)
        return self.add(one, record.statement), tuple(drawn.no for drawn in outcome.selection.drawn)

    def _publish(self, one: Bureau, draw: Entry, numbers: Sequence[str]) -> None:
        day = day_of(self.now)
        lines = [
            OutcomeLine(
                no=no, items=(ITEM,), method="site", first=day, last=day, checked=day, notice=None, form=FORM,
                refusal=None, result="none-found", findings=(), leniency=(), noncooperation=(), transfers=(),
                rectify=None, due=None, recognised=None, withheld=None,
            )
            for no in numbers
        ]  # fmt: skip
        data, listing = format_outcomes(lines)
        self.keep(data)
        self.add(one, self.head(one).make(Result, draw=draw.ref, outcomes=listing))


def _objects(count: int) -> Registry:
    rows = tuple(Row(f"H-{i:06d}", {"region": f"{i % 4}", "type": ("hospital", "pharmacy")[i % 2]}, (f"第{i}医院",))
                 for i in range(count))  # fmt: skip
    return Registry((("region", "string"), ("type", "string")), (("name", True),), rows)


def _staff(count: int) -> Registry:
    rows = tuple(Row(f"I-{i:04d}", {"qualified": True}, (f"检查员{i}",)) for i in range(count))
    return Registry((("qualified", "boolean"),), (("name", True),), rows)
