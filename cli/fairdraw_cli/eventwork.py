"""The values of a draw's events: closed by the bureau, seen by supervisors, and when it is too late for either."""

from collections.abc import Iterator

from fairdraw.encoding import format_time, parse_time
from fairdraw.errors import WorkspaceError
from fairdraw.events import EVENTS, Definition, check_values, read_definition, read_values
from fairdraw.randomness import WITNESSES, last_drand
from fairdraw.schema import Announcement, Evidence
from fairdraw.statement import Entry
from fairdraw.values import PulseValue, Source
from fairdraw_cli.casework import Matter
from fairdraw_cli.history import History
from fairdraw_cli.workspace import Workspace
from transparency_log.cosigned import cosigned_before


def source_of_events(said: Announcement) -> Source | None:
    """Return an announcement's source of events, None if it has none."""
    return next((source for source in said.beacon if source.beacon == EVENTS), None)


def definition(place: Workspace, source: Source) -> Definition:
    """Return the definition that a source names."""
    return read_definition(place.artifact(source.hash))


def limit(matter: Matter) -> int | None:
    """Return the time before which values must be closed and seen, None where no round of drand follows."""
    trust = matter.desk.workspace.trust
    last = last_drand(matter.said.beacon, trust.chains)
    return None if last is None else last - max(matter.said.margin, trust.margin)


def evidence_of(history: History, announcement: Entry, by: str | None = None) -> Iterator[Entry]:
    """Yield the `evidence` of an announcement, of one signer or of all, in log order."""
    for entry, said in history.all(Evidence, by):
        if said.of.text == announcement.text_hash:
            yield entry


def closing_of(matter: Matter) -> Entry | None:
    """Return the bureau's first `evidence` of a draw's announcement, which closes its values."""
    desk = matter.desk
    return next(evidence_of(desk.history, matter.announcement, desk.workspace.bureau), None)


def value_of(matter: Matter, source: Source) -> PulseValue:
    """Return what the events gave, once a verifier would take it.

    Raises:
        WorkspaceError: `events-open`: not closed, or not in time; `events-missing`; or `events-not-seen`.
    """
    desk, ours, until = matter.desk, closing_of(matter), limit(matter)
    if ours is None or not _in_time(matter, ours, until):
        raise WorkspaceError(
            "events-open", found=matter.name, **({} if until is None else {"limit": format_time(until)})
        )
    digest = ours.of(Evidence).files[0].digest
    events = definition(desk.workspace, source)
    told = check_values(events, read_values(desk.workspace.artifact(digest)))
    if until is None and told.missing:
        raise WorkspaceError("events-missing", found=list(told.missing))
    seen = {
        entry.statement.by
        for entry in evidence_of(desk.history, matter.announcement)
        if entry.of(Evidence).files[0].digest == digest
        and entry.statement.by in desk.workspace.trust.supervisors
        and entry.statement.by not in matter.said.with_
        and _in_time(matter, entry, until)
        and (not told.missing or parse_time(entry.statement.time) >= events.closes)
    }
    if len(seen) < WITNESSES:
        raise WorkspaceError("events-not-seen", expected=WITNESSES, found=sorted(seen))
    return PulseValue(beacon=source.beacon, round=source.round, signature=digest, previous=None)


def _in_time(matter: Matter, entry: Entry, until: int | None) -> bool:
    return until is None or cosigned_before(matter.desk.sizes(above=entry.index), entry.index, until) is not None
