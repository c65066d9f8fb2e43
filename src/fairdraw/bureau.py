"""A bureau's side of a log, for a program that draws by itself: plan, freeze, announce, draw.

A `Bureau` knows nothing but what lies in its log and beside it. A job that was killed opens the log again, asks what is
there (`announced`, `drawn`), and goes on; to do a step again changes nothing. Clock, chance and network are arguments.

It makes draws of one bureau whose result is open at once. Sealed and joint draws, committed seeds and regulations need
people at several desks: for them there are the commands, and the functions that these are made of.

One thread at a time uses a `Bureau`, as it does its `Log`. What it returns never changes and may be handed to others.
"""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from fairdraw import encoding
from fairdraw.announcement import announce, artifact_of, limit_of
from fairdraw.beacon import Pulse
from fairdraw.casebook import Casebook
from fairdraw.draw import draw_lots, preview
from fairdraw.errors import BureauError
from fairdraw.exclusion import Earlier, exclude, format_exclusions, looks_back
from fairdraw.nist import SCHEME as NIST
from fairdraw.plan import version_meant
from fairdraw.record import drawn_items, make_record
from fairdraw.registry import Problem, Registry, left_out_list
from fairdraw.roster import Roster
from fairdraw.rules import Team
from fairdraw.schema import Announcement, AtOnce, Draw, Plan, Published, SnapshotStatement, Statement, Void
from fairdraw.snapshot import freeze
from fairdraw.statement import Entry, Head, read_entry, sign
from fairdraw.trust import Trust
from fairdraw.values import Artifact, PulseValue
from transparency_log.cosigned import cosigned_before
from transparency_log.log import Log
from transparency_log.note import Note, Signature, SigningKey
from transparency_log.reader import LogReader
from transparency_log.storage import Storage

if TYPE_CHECKING:  # a program that freezes in memory does without
    from fairdraw.bulk.freezing import Frozen

TWO: Final = Team(
    size=2, department=None, quota=(), eligible=(), specialities=(), experts=None, order="both", pool=None, cap=None,
    limit=10_000, beyond="raise-cap", steps=None,
)  # fmt: skip
"""A team of any two inspectors, the least that the law allows."""

_SHOWN: Final = 5
_log = logging.getLogger(__name__)


class Bureau(Casebook):
    """A casebook that is written: with the bureau's key, and its opened log."""

    def __init__(self, log: Log, storage: Storage, key: SigningKey, trust: Trust) -> None:
        super().__init__(LogReader(storage.read, log.verifier), storage, trust, key.name)
        self.log = log
        self.key = key

    # -- the steps of a draw ------------------------------------------------------------------------------------------

    def plan(
        self,
        now: int,
        *,
        id: str,  # noqa: A002 - the plan's own word
        slots: Sequence[str],
        objects: str,
        inspectors: str,
        ratio: str,
        strata: Sequence[str] = (),
        team: Team = TWO,
        **more: Any,
    ) -> Entry:
        """Log a plan whose items are all drawn by one ratio; `more` are other fields of the statement (specs/plan.md).

        If this very plan is the newest of its id already, that one is returned; another needs its `reason`.

        Raises:
            StatementError: `bad-field`.
            BureauError: `plan-changed-without-reason`.
        """
        items = tuple(sorted({slot.split("/")[1] for slot in slots if slot.count("/") == 2}))
        rule = {
            "items": items, "filter": "", "strata": tuple(strata), "grade": None, "grades": (), "top_up": (),
            "ratios": ({"of": (), "ratio": ratio, "rounding": "ceil", "floor": None},), "region": None,
            "each_region": False,
        }  # fmt: skip
        fields: dict[str, Any] = {
            "plan": id, "kind": "yearly", "year": encoding.year_of(now), "slots": tuple(sorted(slots)), "schedule": (),
            "items": None, "objects": objects, "inspectors": inspectors, "joint": (), "rules": (rule,),
            "yearly_cap": None, "team": team, "audit": 0, "substitutions": 0, "voids": (), "regulation": None,
            "reason": None,
        }  # fmt: skip
        said = self.head(now).make(Plan, **{**fields, **more})
        same = [entry for entry, plan in self.own(Plan) if plan.plan == said.plan][-1:]
        if same and _content(same[0].statement) == _content(said):
            return same[0]
        if same and said.reason is None:
            raise BureauError("plan-changed-without-reason", plan=said.plan, index=same[0].index)
        return self.add(said)

    def freeze(self, now: int, registry: str, rows: Registry, secret: bytes) -> Entry:
        """Log a registry's newest snapshot; the secret opens any of its fields later, and must be kept before.

        If the newest snapshot is of these rows and this secret already, that one is returned.

        Raises:
            SnapshotError: `bad-secret`, `empty-registry`, or `seal-seen-before`.
        """
        earlier = [entry for entry, said in self.own(SnapshotStatement) if said.registry == registry]
        if earlier:
            last = earlier[-1].of(SnapshotStatement)
            if freeze(rows, secret).roster.listing() == last.roster:
                return earlier[-1]
        seals = frozenset(row.seal for entry in earlier for row in self.roster(entry.ref).rows)
        frozen = freeze(rows, secret, previous_seals=seals)
        self.keep(frozen.roster.artifact)
        return self.add(
            self.head(now).make(
                SnapshotStatement, registry=registry, roster=frozen.roster.listing(), published=True,
                attrs=frozen.attrs, private=frozen.private, left_out=None,
            )
        )  # fmt: skip

    def log_frozen(self, now: int, registry: str, frozen: "Frozen", problems: Sequence[Problem] = ()) -> Entry:
        """Log a registry's newest snapshot that `bulk.freezing` has made; `problems` are of the rows left out of it.

        Before this the program has stored the roster as `artifact/<digest>` in the log's storage, has kept the secret
        and the private lines, and has asked `bulk.rosters.seal_seen_before`. If this very snapshot is the newest
        already, that one is returned.

        Raises:
            BureauError: `artifact-not-there`: nobody could draw from it.
        """
        earlier = [entry for entry, said in self.own(SnapshotStatement) if said.registry == registry]
        if earlier and earlier[-1].of(SnapshotStatement).roster == frozen.listing:
            return earlier[-1]
        if frozen.listing.digest not in self.storage.names("artifact"):
            raise BureauError("artifact-not-there", found=frozen.listing.digest)
        lines = {problem.line for problem in problems}
        left_out = {**self.keep(left_out_list(problems)).model_dump(), "count": len(lines)} if problems else None
        return self.add(
            self.head(now).make(
                SnapshotStatement, registry=registry, roster=frozen.listing, published=True, attrs=frozen.attrs,
                private=frozen.private, left_out=left_out,
            )
        )  # fmt: skip

    def announce(
        self,
        now: int,
        *,
        slots: Sequence[str],
        at: int,
        window: str,
        chain: str = "quicknet",
        recusals: bytes = b"",
        digits: str = "",
        margin: int = 0,
    ) -> Entry:
        """Announce a draw by the first round at or after `at`, POSIX seconds; `window` is the last day of inspection.

        Until a quorum has cosigned it, `margin` seconds or the trust file's before the round, it is worth nothing.

        Raises:
            BureauError: `slot-announced`, `no-plan-for-slots`, `not-frozen-yet`, `unknown-beacon`, `recused-unknown` or
                `team-cannot-be`; or `artifact-not-there`: the certificate of a NIST beacon.
            AnnouncementError: what does not fit together.
        """
        if taken := [entry.index for entry, said in self.own(Announcement) if set(said.slots) & set(slots)]:
            # A second draw of one slot is what everything here is there to prevent (attack 2).
            raise BureauError("slot-announced", index=taken[-1], found=sorted(slots))
        if chain not in self.trust.chains:
            raise BureauError("unknown-beacon", expected=sorted(self.trust.chains), found=chain)
        plan = self._plan_of(slots)
        self._check_alone(plan.of(Plan), window)
        rules, known = plan.of(Plan), self.trust.chains[chain]
        if known.scheme == NIST:
            self.artifact(known.hash)  # without its certificate no pulse could ever be checked
        objects, inspectors = self.newest(rules.objects), self.newest(rules.inspectors)
        exclusions = self._exclusions(rules, slots, self.roster(objects.ref))
        said = announce(
            self.head(now), plan=plan, objects=objects, inspectors=inspectors, slots=slots, recusals=recusals,
            exclusions=exclusions, sources=[(known, known.round_at_or_after(at))],
            seed=Published(kind="published", digits=digits), disclosure=AtOnce(kind="at-once"), window=window,
            margin=max(margin, self.trust.margin), history_size=self.log.size,
        )  # fmt: skip
        self.keep(recusals)
        self.keep(exclusions)
        self._check_inputs(said)
        return self.add(said)

    def draw(self, now: int, announcement: Entry, pulses: Sequence[Pulse]) -> Entry:
        """Draw the lots of an announcement with the pulses of its rounds, in announced order, and log the record.

        A draw is made once: if it was, its entry is returned.

        Raises:
            BureauError: `announcement-voided`, `cosigned-too-late`, `not-due-yet`, `pulses-lacking` or `beyond-bureau`.
            BeaconError: a pulse is not what was announced.
            AssignmentError: no team can be drawn under the announced rules.
        """
        if (before := self.drawn(announcement)) is not None:
            return before
        self._check_ready(now, announcement)
        said = announcement.of(Announcement)
        if len(pulses) != len(said.beacon):
            raise BureauError("pulses-lacking", expected=len(said.beacon), found=len(pulses))
        values = tuple(
            PulseValue(beacon=source.beacon, round=pulse.round, signature=pulse.signature, previous=pulse.previous)
            for source, pulse in zip(said.beacon, pulses, strict=True)
        )
        outcome = draw_lots(self.inputs(announcement), self.material(announcement, values).key())
        record = make_record(self.head(now), self.inputs(announcement), pulses=values, outcome=outcome, embargo=None)
        self.keep(record.artifact)
        return self.add(record.statement)

    # -- signing ------------------------------------------------------------------------------------------------------

    def head(self, now: int) -> Head:
        """Return where the bureau's chain stands.

        Raises:
            BureauError: `clock-behind-chain`: the newest statement is later than `now`.
        """
        last = next((entry for entry, _ in reversed(list(self.own(Statement)))), None)
        if last is not None and now < encoding.parse_time(last.statement.time):
            raise BureauError("clock-behind-chain", expected=last.statement.time, found=encoding.format_time(now))
        seq, prev = (last.statement.seq + 1, last.text_hash) if last else (0, None)
        origin, name = self.log.verifier.name, self.name
        return Head(log=origin, bureau=name, by=name, seq=seq, prev=prev, time=now)

    def add(self, statement: Statement) -> Entry:
        """Sign the bureau's next statement and append it; it is then durable and public.

        Raises:
            BureauError: `key-not-current`: the trust file has another key, or the log a newer one.
        """
        if self.key.verifier not in self.keys_at(encoding.parse_time(statement.time)):
            raise BureauError("key-not-current", found=self.key.verifier.vkey)
        data = sign(statement, [self.key])
        entry = read_entry(data, self.log.append(data))
        _log.info("logged %s as entry %d, seq %d", statement.type, entry.index, statement.seq)
        return entry

    def finish(self, data: bytes) -> None:
        """Append what a command of the bureau's had signed when it was killed, unless the log has it.

        Else the next statement would be a second one with its `seq`, and whoever has both could show two chains.

        Raises:
            BureauError: `signed-does-not-fit`: it does not follow the newest statement.
        """
        entry = read_entry(data, self.log.size)
        if any(known.text_hash == entry.text_hash for known in self.entries):
            return
        said = entry.statement
        head = self.head(encoding.parse_time(said.time))
        if (said.by, said.seq, said.prev) != (head.by, head.seq, head.prev):
            raise BureauError("signed-does-not-fit", expected=head.seq, found=said.seq)
        self.log.append(data)

    def keep(self, data: bytes) -> Artifact:
        """Store an artifact beside the log, before any statement names it."""
        told = artifact_of(data)
        self.storage.create(f"artifact/{told.digest}", data)
        return told

    # -- inside -------------------------------------------------------------------------------------------------------

    def _plan_of(self, slots: Sequence[str]) -> Entry:
        plans = list(self.own(Plan))
        versions = [entry for entry, plan in plans if set(slots) & set(plan.slots)]
        meant = version_meant(versions, slots) if slots else None
        if meant is None:
            raise BureauError("no-plan-for-slots", expected=[s for _, p in plans for s in p.slots], found=list(slots))
        return meant

    def _exclusions(self, plan: Plan, slots: Sequence[str], objects: Roster) -> bytes:
        if not looks_back(plan, slots):
            return b""
        earlier = [
            Earlier(plan=rules, slots=said.slots,
                    drawn=drawn_items(self.artifact(entry.of(Draw).results.digest), entry.of(Draw)))
            for entry, rules, said in self.earlier(plan, self.log.size)
        ]  # fmt: skip
        return format_exclusions(exclude(plan, slots, objects.numbers, earlier))

    def _check_inputs(self, said: Announcement) -> None:
        """Refuse what could be announced and never drawn, or not as it is meant; nothing is signed for it."""
        unsigned = Note(said.text().decode(), (Signature(said.by, bytes(4), bytes(1)),))
        trial = Entry(self.log.size, b"", unsigned, said, said.text_hash())
        inputs = self.inputs(trial)
        if strangers := inputs.recused_strangers():
            # A number that was mistyped would keep nobody away.
            raise BureauError("recused-unknown", found=list(strangers[:_SHOWN]))
        if impossible := preview(inputs, ()).impossible:
            raise BureauError("team-cannot-be", count=len(impossible), found=list(impossible[:_SHOWN]))

    def _check_alone(self, plan: Plan, window: str) -> None:
        """Refuse what one program alone cannot make: others have to sign, or to review."""
        if plan.joint:
            raise BureauError("beyond-bureau", found="joint")
        if plan.regulation or plan.items:
            raise BureauError("beyond-bureau", found="regulation")
        if self.trust.seconds_of(self.name, window):
            raise BureauError("beyond-bureau", found="four-eyes")

    def _check_ready(self, now: int, announcement: Entry) -> None:
        said = next((said for entry, said in self.own(Announcement) if entry.text_hash == announcement.text_hash), None)
        if said is None:
            raise BureauError("statement-not-there", found=announcement.text_hash)
        self._check_alone(self.named(said.plan).of(Plan), said.window)
        if ended := [entry for entry, void in self.own(Void) if void.announcement.text == announcement.text_hash]:
            raise BureauError("announcement-voided", index=ended[0].index)
        limit = limit_of(said, self.trust.chains, self.trust.margin)
        if cosigned_before(self.sizes(), announcement.index, limit) is None:
            # Nobody could tell it from one that was announced after the pulse (attack 19).
            raise BureauError("cosigned-too-late", index=announcement.index, limit=encoding.format_time(limit))
        if now < (due := self.due(announcement)):
            raise BureauError("not-due-yet", expected=encoding.format_time(due), found=encoding.format_time(now))


def _content(statement: Statement) -> dict[str, object]:
    return statement.model_dump(exclude={"seq", "prev", "time"})
