"""Check 14: the announced rounds, and that nobody could choose what they gave. specs/verification.md §5.

An announcement and a substitution call name their sources in the same way; both are checked here.
"""

from collections.abc import Mapping, Sequence

from fairdraw import encoding
from fairdraw.events import EVENTS
from fairdraw.randomness import (
    WITNESSES,
    Read,
    check_events,
    check_sources,
    definition_of,
    last_drand,
)
from fairdraw.schema import Announcement, SubstitutionCall, Withdrawal
from fairdraw.schema import Evidence as EvidenceStatement
from fairdraw.statement import Entry
from fairdraw.values import PulseValue, Source
from fairdraw.verify.anchors import in_time
from fairdraw.verify.case import Case
from fairdraw.verify.report import CannotTellError, CheckFailedError

Evidence = Mapping[str, object]


def check_pulses(case: Case, subject: Entry, pulses: Sequence[PulseValue]) -> tuple[bytes, ...]:
    """Return the randomness of the sources that an announcement or a substitution call names, in its order.

    Each value is proven under its pinned chain, or by those who have seen it; together they cannot be chosen.

    Raises:
        CheckFailedError: another source or round, a missing artifact, or values that were not seen in time.
        CannotTellError: an artifact was withdrawn.
        AnnouncementError: an unknown chain, `weak-sources` or `sources-order`.
        BeaconError: a value that does not verify.
    """
    said = subject.statement
    if not isinstance(said, Announcement | SubstitutionCall):
        raise CheckFailedError("wrong-type", expected="announcement", found=said.type)
    if [(p.beacon, p.round) for p in pulses] != [(s.beacon, s.round) for s in said.beacon]:
        expected = [[s.beacon, s.round] for s in said.beacon]
        raise CheckFailedError("another-round", expected=expected, found=[[p.beacon, p.round] for p in pulses])
    chains, read, margin = case.trust.chains, _reader(case), max(said.margin, case.trust.margin)
    check_sources(said.beacon, chains, margin=margin, read=read)
    told = []
    for source, value in zip(said.beacon, pulses, strict=True):
        told.append(case.known.pulse(source, value, chains, read=read))
        if source.beacon == EVENTS:
            last = last_drand(said.beacon, chains)
            _check_seen(case, subject, source, value, limit=None if last is None else last - margin)
    return tuple(told)


def _reader(case: Case) -> Read:
    """Return how a source's artifacts are read; that each is what was named is checked where it is used."""

    def read(digest: str) -> bytes:
        if digest in case.artifacts:
            return case.artifacts[digest]
        withdrawn = (e for e in case.entries.values() if isinstance(e.statement, Withdrawal) and case.speaks(e))
        if any(entry.of(Withdrawal).digest == digest for entry in withdrawn):
            raise CannotTellError("withdrawn", digest=digest)
        raise CheckFailedError("artifact-missing", digest=digest)

    return read


def _check_seen(case: Case, subject: Entry, source: Source, value: PulseValue, *, limit: int | None) -> None:
    """Check that the bureau closed the values, and that supervisors have seen them in time (specs/events.md §5).

    Before the limit, that is, while nobody could know the last round: else "not published" would be an outcome that
    the bureau and two friends choose afterwards (attack 28). Without a limit every event must have been published.
    """
    read = _reader(case)
    definition, told = definition_of(source, read), check_events(source, value, read=read)
    if limit is None and told.missing:
        raise CheckFailedError("events-missing", found=list(told.missing))
    if limit is not None and case.trust.policy.quorum is None:
        raise CannotTellError("no-quorum-line")
    ours = next((e for e in case.chain(case.file.bureau) if _closes(e, subject) and case.speaks(e)), None)
    if ours is None or ours.of(EvidenceStatement).files[0].digest != value.signature:
        # The first list counts: of two, both seen by friends, a bureau would choose when the round is known.
        raise CheckFailedError("events-not-closed", expected=value.signature)
    seen = {
        entry.statement.by: entry
        for entry in sorted(case.entries.values(), key=lambda e: e.index)
        if _closes(entry, subject)
        and entry.of(EvidenceStatement).files[0].digest == value.signature
        and entry.text_hash in case.signed
        and case.is_supervisor(entry.statement.by)
        # Whoever signs the announcement draws; a second pair of eyes is somebody else's.
        and entry.statement.by not in subject.statement.with_
        and _in_time(case, entry, limit)
        and _after(entry, definition.closes if told.missing else 0)
    }
    if not _in_time(case, ours, limit):
        raise CheckFailedError("events-late", index=ours.index, limit=limit)
    if not _after(ours, definition.closes if told.missing else 0):
        raise CheckFailedError("events-early", index=ours.index, expected=definition.closes, found=list(told.missing))
    if len(seen) < WITNESSES:
        raise CheckFailedError("events-unseen", expected=WITNESSES, found=sorted(seen))


def _closes(entry: Entry, subject: Entry) -> bool:
    statement = entry.statement
    return isinstance(statement, EvidenceStatement) and statement.of.text == subject.text_hash


def _in_time(case: Case, entry: Entry, limit: int | None) -> bool:
    return limit is None or in_time(case, entry.index, limit) is not None


def _after(entry: Entry, time: int) -> bool:
    # The signer's own word; but a checkpoint with it cannot have been cosigned before (`time-after-cosignature`).
    return encoding.parse_time(entry.statement.time) >= time


def pulse(case: Case) -> Evidence:
    """Check the announced rounds under the chains pinned in the trust file."""
    if case.draw is None and not case.file_pulses:
        raise CannotTellError("pulse-missing")
    pulses = case.drew.pulses if case.draw is not None else case.file_pulses
    case.randomness = check_pulses(case, case.announcement, pulses)
    if case.file_pulses not in {(), pulses}:
        # What a bundle shows beside the logged pulse is either the same, or there to mislead somebody.
        raise CheckFailedError("another-pulse", expected=[p.signature for p in pulses])
    return {"rounds": [[p.beacon, p.round, r.hex()] for p, r in zip(pulses, case.randomness, strict=True)]}
