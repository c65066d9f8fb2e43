"""`regulation list|show|check`: the regulations as data, and a bureau's own that derives from one of them."""

import json
from pathlib import Path

import click

from fairdraw.regulation import Departure, Regulation, artifact_bytes, departures, digest
from fairdraw_cli.helping import command
from fairdraw_cli.regulationpage import page, span, title
from fairdraw_cli.regulations import IDS, load, read_regulation, read_served
from fairdraw_cli.session import Session


def _named(regulation: Regulation) -> dict[str, object]:
    return {"id": regulation.id, "digest": digest(regulation), "length": len(artifact_bytes(regulation))}


@command(json=True)
def list_(session: Session) -> None:
    """List the regulations of the package."""
    told = [load(name) for name in IDS]
    for regulation in told:
        session.line(f"{regulation.id}  {title(session.words, regulation)}")
        status = session.word(f"regulation-value.{regulation.document.status}")
        session.say("regulation.listed", status=status, span=span(session.words, regulation), digest=digest(regulation))
    session.answer({"regulations": [_named(regulation) for regulation in told]})


@command(click.argument("name", metavar="ID"), json=True)
def show(session: Session, name: str) -> None:
    """Show every value of a regulation with its article."""
    regulation = load(name)
    for line in page(session.words, regulation):
        session.line(line)
    session.say("regulation.digest", digest=digest(regulation), length=len(artifact_bytes(regulation)))
    session.answer({**_named(regulation), "regulation": json.loads(artifact_bytes(regulation))})


def _shown(one: Departure) -> dict[str, object]:
    return {name: getattr(one, name) for name in ("rule", "direction", "expected", "found", "reason")}


def _departed(session: Session, told: tuple[Departure, ...]) -> None:
    for one in told:
        title_of = session.word(f"regulation-field.{one.rule.partition('.')[0]}")
        session.say(f"regulation.{one.direction}", title=title_of, **_shown(one))


@command(click.argument("file", metavar="FILE", type=click.Path(path_type=Path)), json=True)
def check(session: Session, file: Path) -> None:
    """Check a bureau's own regulation or its artifact, and tell where it is stricter or laxer than its parent."""
    regulation = read_regulation(file) if file.suffix == ".toml" else read_served(file)
    parent = regulation.extends
    told = departures(load(parent.id), regulation) if parent is not None else ()
    if parent is None:
        session.say("regulation.sound", id=regulation.id)
    else:
        session.say("regulation.derived", id=regulation.id, parent=parent.id)
        _departed(session, told)
        if not told:
            session.say("regulation.same", parent=parent.id)
    session.say("regulation.digest", digest=digest(regulation), length=len(artifact_bytes(regulation)))
    extends = parent.id if parent is not None else None
    session.answer({**_named(regulation), "extends": extends, "departures": [_shown(one) for one in told]})
