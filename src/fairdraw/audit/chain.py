"""What a log says of one bureau, every signature checked, as the other parts of an audit read it. specs/audit.md §1.

Times are never the bureau's own word: an entry was logged by the time at which a quorum had cosigned a checkpoint with
it, else a result could be dated back.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import accumulate
from typing import Final, TypeVar

from fairdraw import encoding
from fairdraw.audit.report import AuditFinding, Unknown, find
from fairdraw.calendar import Calendar, add_working_days
from fairdraw.errors import CalendarError, Error, SnapshotError
from fairdraw.regulation import Regulation, read_artifact
from fairdraw.roles import WrongRole, wrong_role
from fairdraw.schema import Announcement, ItemList, Plan, SnapshotStatement, Statement, Withdrawal
from fairdraw.snapshot import Roster, read_roster
from fairdraw.statement import Entry
from fairdraw.trust import Trust
from fairdraw.values import Artifact, Ref
from fairdraw.verify import LogView, WholeLog
from transparency_log.cosigned import SignedSize

S = TypeVar("S", bound=Statement)

FOUNDATIONS: Final = frozenset({("announcement", "plan"), ("draw", "announcement")})
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
    _regulations: dict[str, Regulation | None] = field(default_factory=dict)
    _rosters: dict[str, Roster | None] = field(default_factory=dict)

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """All entries that count, the bureau's and others' that concern it, by text hash, in log order."""
        told: dict[str, Entry] = {}
        ours = {entry.text_hash: entry for entry in self.whole.chain}
        for entry in self.whole.everything:
            if entry.text_hash in self.whole.counted:
                told.setdefault(entry.text_hash, ours.get(entry.text_hash, entry))
        return told

    @cached_property
    def sizes(self) -> tuple[SignedSize, ...]:
        """The log's signed checkpoints with the time of their quorum."""
        return tuple(
            SignedSize(prefix.size, prefix.signed.note.format(), prefix.order(self.trust.policy))
            for prefix in self.whole.prefixes
        )

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
        for entry in self.entries.values():
            if isinstance(entry.statement, kind) and entry.text_hash not in self.wrong:
                yield entry, entry.statement

    def ours(self, kind: type[S]) -> Iterator[tuple[Entry, S]]:
        """Yield the bureau's own entries of a type, in log order."""
        return ((entry, said) for entry, said in self.of(kind) if said.by == self.bureau)

    def named(self, ref: Ref | None, kind: type[S]) -> tuple[Entry, S] | None:
        """Return the entry that a reference names if it counts and is of this type."""
        entry = None if ref is None else self.entries.get(ref.text)
        if entry is None or not isinstance(entry.statement, kind):
            return None
        return entry, entry.statement

    @cached_property
    def _vouched(self) -> tuple[list[int], list[int]]:
        """The sizes with a quorum, rising, and for each the least time at which it or a larger one had it."""
        told = [(size.size, size.quorum_time) for size in self.sizes if size.quorum_time is not None]
        times = accumulate((time for _, time in reversed(told)), min)
        return [size for size, _ in told], list(times)[::-1]

    def shown(self, index: int) -> int:
        """Return the POSIX seconds by which a quorum had cosigned an entry."""
        sizes, times = self._vouched
        at = bisect_right(sizes, index)
        return times[at] if at < len(times) else self.as_of

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
        gone = any(said.digest == digest for _, said in self.ours(Withdrawal))
        return "withdrawn" if gone else "artifact-missing"

    def regulation(self, named: Artifact | None, index: int) -> Regulation | None:
        """Return the regulation that an entry names; None if it names none, or (noted as unknown) it is unreadable."""
        if named is None:
            return None
        if named.digest not in self._regulations:
            data = self.artifact(named, index)
            try:
                self._regulations[named.digest] = None if data is None else read_artifact(data)
            except Error as error:
                self.cannot_tell("regulation-unreadable", index, why=str(error))
                self._regulations[named.digest] = None
        return self._regulations[named.digest]

    def regulation_of(self, entry: Entry) -> Regulation | None:
        """Return the regulation of the draw that an entry concerns, by way of what it names, if there is one."""
        said = entry.statement
        if isinstance(said, ItemList | Plan | Announcement):
            return self.regulation(said.regulation, entry.index)
        for name in ("announcement", "draw", "result", "call", "objection", "of"):
            ref = getattr(said, name, None)
            before = self.entries.get(ref.text) if isinstance(ref, Ref) else None
            if before is not None and before.index < entry.index:
                return self.regulation_of(before)
        return None

    def roster(self, entry: Entry) -> Roster | None:
        """Return a snapshot's roster, None where it is not published or (noted as unknown) cannot be had."""
        said = entry.of(SnapshotStatement)
        if not said.published and said.roster.digest not in self.view.artifacts:
            return None
        if entry.text_hash not in self._rosters:
            data = self.artifact(said.roster, entry.index)
            try:
                self._rosters[entry.text_hash] = None if data is None else read_roster(data, said)
            except SnapshotError as error:
                self.cannot_tell(error.code, entry.index, **error.params)
                self._rosters[entry.text_hash] = None
        return self._rosters[entry.text_hash]

    def cannot_tell(self, code: str, index: int | None, /, **evidence: object) -> None:
        """Note something that cannot be told."""
        told = Unknown(code=code, index=index, evidence=evidence)
        if told not in self.unknown:
            self.unknown.append(told)

    def due(self, regulation: Regulation | None, day: str, index: int) -> int | None:
        """Return when the term of publication that begins after a day ends, POSIX seconds (specs/audit.md §4).

        None, noted as unknown, where the reader's table of working days does not reach so far.
        """
        rule = None if regulation is None else regulation.publication
        days = (rule.value.days if rule else None) or STATUTORY_DAYS
        try:
            last = add_working_days(self.calendar, date.fromisoformat(day), days)
        except CalendarError as error:
            self.cannot_tell(error.code, index, **error.params)
            return None
        return encoding.end_of_day(last.isoformat())


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
    seqs = {(e.statement.by, e.text_hash): e.statement.seq for e in ledger.whole.everything}
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
