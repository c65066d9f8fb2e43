"""`seeds close`, `open`, `void`: what a bureau logs between an announcement and its end."""

import re
from typing import Final

import click

from fairdraw.announcement import artifact_of
from fairdraw.encoding import format_time
from fairdraw.errors import WorkspaceError
from fairdraw.schema import Committed, Draw, Opening, RevealsClosed, Void
from fairdraw.values import PulseValue
from fairdraw_cli.casework import Matter, closing, contributions, find, opens_at, pulses_of, voids
from fairdraw_cli.commands.draw import bundle_path, write_bundles
from fairdraw_cli.desk import published, writing
from fairdraw_cli.helping import command
from fairdraw_cli.papers import redrawn, write_record
from fairdraw_cli.pulses import stored
from fairdraw_cli.session import Session

REASON: Final = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)  # as in a `void` statement
NAME = click.argument("name", metavar="DRAW-ID")


def _check_reveals(matter: Matter, rule: Committed) -> None:
    """Refuse to close a list with which nothing could be drawn: who is late may still reveal.

    Raises:
        WorkspaceError: `reveals-missing`.
    """
    revealed = [reveal is not None for _, reveal in contributions(matter, rule)]
    required = [one.name for one, there in zip(rule.contributors, revealed, strict=True) if one.required and not there]
    absent = [one.name for one, there in zip(rule.contributors, revealed, strict=True) if not there]
    if required or sum(revealed) < rule.minimum:
        limit = format_time(matter.limit)
        raise WorkspaceError("reveals-missing", limit=limit, expected=rule.minimum, found=required or absent)


@command(NAME, click.option("--force", is_flag=True), json=True, clock=True, wait=True)
def seeds_close(session: Session, name: str, *, force: bool) -> None:
    """Close the list of reveals that count, before the round; with `--force` even if nothing can be drawn then."""
    with writing(session) as desk:
        matter = find(desk, name)
        rule = matter.said.seed
        if not isinstance(rule, Committed):
            raise WorkspaceError("seed-not-committed", found=name)
        entry = closing(matter)
        if entry is None:
            if desk.now >= matter.limit:
                raise WorkspaceError(
                    "too-late-to-close", expected=format_time(matter.limit), found=format_time(desk.now)
                )
            if not force:
                _check_reveals(matter, rule)
            reveals = tuple(reveal.ref if reveal else None for _, reveal in contributions(matter, rule))
            entry = desk.add(desk.head.make(RevealsClosed, announcement=matter.announcement.ref, reveals=reveals))
        listed = entry.of(RevealsClosed).reveals
        for contributor, reveal in zip(rule.contributors, listed, strict=True):
            session.say("seeds.counts" if reveal else "seeds.missing", name=contributor.name)
        told = published(session, desk, entry.index)
        session.answer({"id": name, "reveals": [ref and ref.text for ref in listed], **told})


@command(NAME, json=True, clock=True, wait=True)
def open_draw(session: Session, name: str) -> None:
    """Open a sealed result on its day."""
    with writing(session) as desk:
        matter = find(desk, name)
        sealed, drawn = matter.sealed, matter.draw
        if sealed is None or drawn is None:
            raise WorkspaceError("not-sealed" if sealed is None else "not-drawn", found=name)
        if desk.now < opens_at(sealed):
            raise WorkspaceError(
                "too-early-to-open", expected=format_time(opens_at(sealed)), found=format_time(desk.now)
            )
        entry = matter.opening
        if entry is None:
            _, material = redrawn(matter, drawn)
            digest = drawn.of(Draw).results.digest
            result = desk.workspace.artifact(digest)
            desk.workspace.keep(result, digest)
            entry = desk.add(
                desk.head.make(
                    Opening,
                    of=drawn.ref,
                    artifact=artifact_of(result),
                    key=material.key().hex(),
                    embargo=material.embargo,
                )
            )
        told = published(session, desk, entry.index)
        paths = write_bundles(matter, drawn, anew=True)
        bundle_path(matter, sealed=True).unlink(missing_ok=True)
        _, papers = write_record(session, matter, drawn)
        session.say("open.opened", id=name, index=entry.index)
        for path in (*paths, *papers):
            session.say("draw.written", file=path)
        session.answer({"id": name, "files": [str(path) for path in (*paths, *papers)], **told})


@command(NAME, click.option("--reason", required=True, metavar="CODE"), json=True, clock=True, wait=True)
def void(session: Session, name: str, reason: str) -> None:
    """Void an announcement: its draw will not be made."""
    if not REASON.fullmatch(reason):
        raise WorkspaceError("not-a-reason", found=reason)
    with writing(session) as desk:
        matter = find(desk, name)
        if matter.draw is not None:
            raise WorkspaceError("already-drawn", index=matter.draw.index, found=name)
        ended = voids(desk, matter.announcement)
        if ended:
            entry = ended[0]
            if (logged := entry.of(Void).reason) != reason:
                raise WorkspaceError("void-reason-differs", index=entry.index, expected=logged, found=reason)
        else:
            pulses: tuple[PulseValue, ...] = ()
            if reason == "attempts-exhausted":
                pulses, _ = pulses_of(matter, lambda chain, number: stored(desk.workspace, chain, number))
            entry = desk.add(desk.head.make(Void, announcement=matter.announcement.ref, reason=reason, pulses=pulses))
        session.say("void.voided", id=name, reason=entry.of(Void).reason)
        told = published(session, desk, entry.index)
        free = desk.now < matter.limit
        session.say("void.free" if free else "void.late", time=session.time(matter.limit))
        session.answer({"id": name, "before_limit": free, **told})
