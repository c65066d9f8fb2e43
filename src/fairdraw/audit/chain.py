"""What a log says of one bureau, every signature checked, as the other parts of an audit read it. specs/audit.md §1.

Times are never the bureau's own word: an entry was logged by the time at which a quorum had cosigned a checkpoint with
it, else a result could be dated back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Final, TypeVar

from fairdraw import encoding
from fairdraw.audit.report import AuditFinding, Unknown, find
from fairdraw.calendar import Calendar, add_working_days
from fairdraw.errors import CalendarError, Error, SnapshotError
from fairdraw.regulation import Regulation
from fairdraw.roles import WrongRole, wrong_role
from fairdraw.roster import Roster
from fairdraw.schema import Announcement, Draw, ItemList, Plan, SnapshotStatement, Statement, Void, Withdrawal
from fairdraw.statement import Entry
from fairdraw.trust import Trust
from fairdraw.values import Artifact, Ref
from fairdraw.verify.case import LogView, Prefix
from fairdraw.verify.whole import WholeLog

S = TypeVar("S", bound=Statement)

FOUNDATIONS: Final = frozenset({("announcement", "plan"), ("draw", "announcement")})
REGULATED: Final = (ItemList, Plan, Announcement)
STATUTORY_DAYS: Final = 20  # 政府信息公开条例第二十六条: within 20 working days, where a regulation names no number
STATUTORY: Final = ("政府信息公开条例第二十六条",)


@dataclass(kw_only=True)
class Ledger:
    """One bureau's part of a log, and what an audit noted that it cannot tell."""

    log: str
    bureau: str
    trust: Trust
    as_of: int
    calendar: Calendar
    view: LogView
    whole: WholeLog
    unknown: list[Unknown] = field(default_factory=list)
    drawn: dict[str, tuple[str, ...]] = field(default_factory=dict)  # the objects of each draw that was read so far
    _noted: set[tuple[str, int | None, str]] = field(default_factory=set)
    _regulations: dict[str, Regulation | None] = field(default_factory=dict)
    _terms: dict[tuple[str, int], int] = field(default_factory=dict)
    _unreadable: set[str] = field(default_factory=set)
    _based: dict[str, Entry | None] = field(default_factory=dict)

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """All entries that count, the bureau's and others' that concern it, by text hash, in log order."""
        told: dict[str, Entry] = {}
        ours = {entry.text_hash: entry for entry in self.whole.chain}
        for entry in self.whole.about:
            if entry.text_hash in self.whole.counted:
                told.setdefault(entry.text_hash, ours.get(entry.text_hash, entry))
        return told

    @property
    def newest(self) -> Prefix:
        """The log's newest checkpoint with a quorum."""
        if self.whole.newest is None:
            raise RuntimeError("a ledger is of a log that a quorum vouches for")
        return self.whole.newest

    @cached_property
    def wrong(self) -> dict[str, WrongRole]:
        """The entries whose signers may not make them, by text hash: they count for nothing."""
        told: dict[str, WrongRole] = {}
        for text, entry in self.entries.items():
            found = wrong_role(entry.statement, self.trust, self.regulation_of(entry))
            if found is not None:
                told[text] = found
        return told

    def of(self, kind: type[S]) -> Iterator[tuple[Entry, S]]:
        """Yield the entries of a type that count, the bureau's and others', in log order."""
        return ((entry, entry.of(kind)) for entry in self._by_type.get(kind, ()))

    @cached_property
    def _by_type(self) -> Mapping[type[Statement], Sequence[Entry]]:
        told: dict[type[Statement], list[Entry]] = {}
        for text, entry in self.entries.items():
            if text not in self.wrong:
                told.setdefault(type(entry.statement), []).append(entry)
        return told

    @cached_property
    def voids(self) -> Mapping[str, Sequence[Entry]]:
        """The bureau's voids by the announcement that they name."""
        told: dict[str, list[Entry]] = {}
        for entry, said in self.ours(Void):
            told.setdefault(said.announcement.text, []).append(entry)
        return told

    @cached_property
    def draws(self) -> Mapping[str, Entry]:
        """The bureau's first draw under each announcement."""
        told: dict[str, Entry] = {}
        for entry, said in self.ours(Draw):
            told.setdefault(said.announcement.text, entry)
        return told

    def ours(self, kind: type[S]) -> Iterator[tuple[Entry, S]]:
        """Yield the bureau's own entries of a type, in log order."""
        return ((entry, said) for entry, said in self.of(kind) if said.by == self.bureau)

    def named(self, ref: Ref | None, kind: type[S]) -> tuple[Entry, S] | None:
        """Return the entry that a reference names if it counts and is of this type."""
        entry = None if ref is None else self.entries.get(ref.text)
        if entry is None or not isinstance(entry.statement, kind):
            return None
        return entry, entry.statement

    def shown(self, index: int) -> int:
        """Return the POSIX seconds by which a quorum had cosigned an entry."""
        seen = self.whole.hashed.first_seen.of(index)
        return self.as_of if seen is None else seen[0]

    def in_time(self, index: int, limit: int) -> bool:
        """Say whether a quorum had cosigned an entry strictly before a limit."""
        return self.shown(index) < limit

    def artifact(self, named: Artifact, index: int) -> bytes | None:
        """Return an artifact's bytes; None, noted as unknown, where they are missing or not what was named."""
        data = self.view.artifacts.get(named.digest)
        if data is None or (encoding.digest(data), len(data)) != (named.digest, named.length):
            self.cannot_tell(self.lacking(named.digest), index, digest=named.digest)
            return None
        return data

    def lacking(self, digest: str) -> str:
        """Return why an artifact is not at hand: "withdrawn" where the bureau says so, else "artifact-missing"."""
        return "withdrawn" if digest in self._withdrawn else "artifact-missing"

    @cached_property
    def _withdrawn(self) -> frozenset[str]:
        # From the chain itself: which roles are wrong is not known before the regulations are read, or are missing.
        chain = (entry.statement for entry in self.whole.chain)
        return frozenset(said.digest for said in chain if isinstance(said, Withdrawal))

    def regulation(self, named: Artifact | None, index: int) -> Regulation | None:
        """Return the regulation that an entry names; None if it names none, or (noted as unknown) it is unreadable."""
        if named is None:
            return None
        if named.digest not in self._regulations:
            data = self.artifact(named, index)
            try:
                self._regulations[named.digest] = None if data is None else self.whole.hashed.known.regulation(data)
            except Error as error:
                self.cannot_tell("regulation-unreadable", index, why=str(error))
                self._regulations[named.digest] = None
        return self._regulations[named.digest]

    def regulation_of(self, entry: Entry) -> Regulation | None:
        """Return the regulation of the draw that an entry concerns, by way of what it names, if there is one."""
        behind: list[str] = []
        at: Entry | None = entry
        # A sign-off of a sign-off of a sign-off: whoever logs thousands must not stop the audit, nor slow it down.
        while at is not None and at.text_hash not in self._based and not isinstance(at.statement, REGULATED):
            behind.append(at.text_hash)
            at = self._before(at)
        base = None if at is None else self._based.get(at.text_hash, at)
        self._based.update(dict.fromkeys(behind, base))
        said = None if base is None else base.statement
        return self.regulation(said.regulation, base.index) if base and isinstance(said, REGULATED) else None

    def _before(self, entry: Entry) -> Entry | None:
        for name in ("announcement", "draw", "result", "call", "objection", "of"):
            ref = getattr(entry.statement, name, None)
            before = self.entries.get(ref.text) if isinstance(ref, Ref) else None
            if before is not None and before.index < entry.index:
                return before
        return None

    def roster(self, entry: Entry) -> Roster | None:
        """Return a snapshot's roster, None where it is not published or (noted as unknown) cannot be had."""
        said = entry.of(SnapshotStatement)
        if not said.published and said.roster.digest not in self.view.artifacts:
            return None
        if entry.text_hash in self._unreadable:
            return None
        data = self.artifact(said.roster, entry.index)
        try:
            if data is not None:
                return self.whole.hashed.known.roster(data, said)
        except SnapshotError as error:
            self.cannot_tell(error.code, entry.index, **error.params)
        self._unreadable.add(entry.text_hash)
        return None

    def cannot_tell(self, code: str, index: int | None, /, **evidence: object) -> None:
        """Note something that cannot be told."""
        place = code, index, repr(evidence)
        if place not in self._noted:
            self._noted.add(place)
            self.unknown.append(Unknown(code=code, index=index, evidence=evidence))

    def take_unknown(self) -> tuple[Unknown, ...]:
        """Return what was noted since the last time."""
        told = tuple(self.unknown)
        self.unknown.clear()
        self._noted.clear()
        return told

    def due(self, regulation: Regulation | None, day: str, index: int) -> int | None:
        """Return when the term of publication that begins after a day ends, POSIX seconds (specs/audit.md §4).

        None, noted as unknown, where the reader's table of working days does not reach so far.
        """
        rule = None if regulation is None else regulation.publication
        days = (rule.value.days if rule else None) or STATUTORY_DAYS
        try:
            if (day, days) not in self._terms:
                last = add_working_days(self.calendar, date.fromisoformat(day), days)
                self._terms[day, days] = encoding.end_of_day(last.isoformat())
        except CalendarError as error:
            self.cannot_tell(error.code, index, **error.params)
            return None
        return self._terms[day, days]


def term_cite(regulation: Regulation | None) -> tuple[str, ...]:
    """Return the articles that set the term of publication."""
    rule = None if regulation is None else regulation.publication
    if rule is None:
        return STATUTORY
    return rule.cite if rule.value.days else (*rule.cite, *STATUTORY)


def chain_findings(ledger: Ledger) -> list[AuditFinding]:
    """Return gaps in anybody's chain, and whoever signed two texts with one `seq`."""
    told: list[AuditFinding] = []
    seen: dict[tuple[str, int], Entry] = {}
    for entry in ledger.entries.values():
        said = entry.statement
        other = seen.setdefault((said.by, said.seq), entry)
        if other.text_hash != entry.text_hash:
            told.append(
                find("two-texts-one-seq", entry.index, name=said.by, seq=said.seq, index=entry.index, other=other.index)
            )
        if lost := [name for name, text in _names(entry) if text not in ledger.entries]:
            # A result of a draw that nobody logged, a draw under no announcement: it hangs in the air.
            told.append(find("names-nothing", entry.index, type=said.type, fields=lost))
    before: Entry | None = None
    for entry in ledger.whole.chain:
        expected = (0, None) if before is None else (before.statement.seq + 1, before.text_hash)
        if (entry.statement.seq, entry.statement.prev) != expected:
            told.append(find("chain-broken", entry.index, expected=expected[0], found=entry.statement.seq))
        before = entry
    return told + _gaps_of_others(ledger)


def _gaps_of_others(ledger: Ledger) -> list[AuditFinding]:
    """Return where a supervisor's, a department's or an inspecting unit's statement does not follow its last one.

    One that was signed and left out of the log may have said something else. A signer may speak of several bureaus.
    """
    seqs = ledger.whole.hashed.seqs
    told = []
    for entry in ledger.entries.values():
        said = entry.statement
        before = -1 if said.prev is None else seqs.get((said.by, said.prev))
        if said.by != ledger.bureau and before != said.seq - 1:
            told.append(find("chain-broken", entry.index, expected=None if before is None else before + 1,
                             found=said.seq))  # fmt: skip
    return told


def _names(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield the fields of a statement that name other entries of its log, each with a text hash."""
    for name, value in entry.statement:
        for ref in value if isinstance(value, tuple) else (value,):
            # What an announcement or a draw stands on is told for itself (`without-foundation`).
            if isinstance(ref, Ref) and (entry.statement.type, name) not in FOUNDATIONS:
                yield name, ref.text
