"""`events check|close`: public events as a source of randomness, in the manner of RFC 3797."""

from pathlib import Path

import click

from fairdraw.announcement import artifact_of
from fairdraw.encoding import format_time, parse_time
from fairdraw.errors import WorkspaceError
from fairdraw.events import ENOUGH, MINUTE, Definition, EventValues, check_values
from fairdraw.schema import Evidence
from fairdraw_cli.casework import find
from fairdraw_cli.desk import published, writing
from fairdraw_cli.eventform import read_events, read_values_file
from fairdraw_cli.eventwork import closing_of, definition, limit, source_of_events
from fairdraw_cli.helping import command
from fairdraw_cli.session import Session


def tell_values(session: Session, events: Definition, values: EventValues) -> None:
    """Print what each event is said to have given, for people to compare with what was published."""
    for event, one in zip(events.events, values.values, strict=True):
        session.say("events.value", id=event.id, what=event.what, published=event.published, value=one.value)


@command(click.argument("file", metavar="EVENTS.toml", type=click.Path(path_type=Path)), json=True)
def check(session: Session, file: Path) -> None:
    """Check a definition of events, and show what it is worth."""
    events = read_events(file)
    for event in events.events:
        session.say("events.event", id=event.id, what=event.what, bits=event.bits, most=event.most_bits,
                    time=session.time(parse_time(event.due)))  # fmt: skip
    session.say("events.times", opens=session.time(events.round * MINUTE), closes=session.time(events.closes))
    session.say("events.alone" if events.bits >= ENOUGH else "events.needs-drand", bits=events.bits, needed=ENOUGH)
    session.say("events.hash", hash=events.hash)
    session.answer(
        {"hash": events.hash, "round": events.round, "closes": events.closes, "bits": events.bits,
         "alone": events.bits >= ENOUGH}
    )  # fmt: skip


@command(
    click.argument("name", metavar="DRAW-ID"),
    click.argument("file", metavar="VALUES.toml", type=click.Path(path_type=Path)),
    json=True,
    clock=True,
    wait=True,
)
def close(session: Session, name: str, file: Path) -> None:
    """Close the list of what was published of a draw's events; the first list counts, and no other."""
    with writing(session) as desk:
        matter = find(desk, name)
        source = source_of_events(matter.said)
        if source is None:
            raise WorkspaceError("no-events", found=name)
        events = definition(desk.workspace, source)
        values = read_values_file(file, events)
        data = values.format()
        entry = closing_of(matter)
        if entry is not None and entry.of(Evidence).files[0] != artifact_of(data):
            raise WorkspaceError("events-closed", index=entry.index, found=name)
        told, until = check_values(events, values), limit(matter)
        if entry is None:
            if until is not None and desk.now >= until:
                raise WorkspaceError("too-late-to-close", expected=format_time(until), found=format_time(desk.now))
            if told.missing and (until is None or desk.now < events.closes):
                code = "events-missing" if until is None else "events-not-over"
                raise WorkspaceError(code, found=list(told.missing), expected=format_time(events.closes))
            artifact = artifact_of(data)
            desk.workspace.keep(data, artifact.digest)
            entry = desk.add(desk.head.make(Evidence, of=matter.announcement.ref, files=(artifact,)))
        tell_values(session, events, values)
        if until is not None:
            session.say("events.seen-by", time=session.time(until))
        shown = published(session, desk, entry.index)
        session.answer({"id": name, "values": {one.id: one.value for one in values.values},
                        "missing": list(told.missing), "digest": artifact_of(data).digest, **shown})  # fmt: skip
