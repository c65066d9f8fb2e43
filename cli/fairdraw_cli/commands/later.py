"""`seeds close`, `open`, `void`: what a bureau logs between an announcement and its end."""

import re
from typing import Any, Final

import click

from fairdraw.acts import OutcomeLine
from fairdraw.announcement import artifact_of
from fairdraw.compliance import MACHINE_REASONS
from fairdraw.conduct import void_allowed
from fairdraw.encoding import canonical, format_time, lines
from fairdraw.errors import WorkspaceError
from fairdraw.schema import Committed, Draw, Opening, Result, RevealsClosed, Substitution, SubstitutionCall, Void
from fairdraw.values import PulseValue
from fairdraw_cli.aftermath import add_act, calls_of, keep, open_draw_of, regulation_for
from fairdraw_cli.casework import Matter, closing, contributions, find, opens_at, pulses_of, voids
from fairdraw_cli.commands.acts import done
from fairdraw_cli.commands.draw import bundle_path, write_bundles
from fairdraw_cli.commands.openings import openings_of
from fairdraw_cli.commands.results import logged_outcomes
from fairdraw_cli.commands.substitute import embargo_path
from fairdraw_cli.desk import published, writing
from fairdraw_cli.files import read_secret
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
        close_reveals(session, find(desk, name), force=force)


def close_reveals(session: Session, matter: Matter, *, force: bool = False) -> None:
    """Log which reveals count, unless it is logged already, and have that cosigned.

    Raises:
        WorkspaceError: `seed-not-committed`, `too-late-to-close`, or without `force` `reveals-missing`.
    """
    desk, rule, name = matter.desk, matter.said.seed, matter.name
    if not isinstance(rule, Committed):
        raise WorkspaceError("seed-not-committed", found=name)
    entry = closing(matter)
    if entry is None:
        if desk.now >= matter.limit:
            raise WorkspaceError("too-late-to-close", expected=format_time(matter.limit), found=format_time(desk.now))
        if not force:
            _check_reveals(matter, rule)
        reveals = tuple(reveal.ref if reveal else None for _, reveal in contributions(matter, rule))
        entry = desk.add(desk.head.make(RevealsClosed, announcement=matter.announcement.ref, reveals=reveals))
    listed = entry.of(RevealsClosed).reveals
    for contributor, reveal in zip(rule.contributors, listed, strict=True):
        session.say("seeds.counts" if reveal else "seeds.missing", name=contributor.name)
    told = published(session, desk, entry.index)
    session.answer({"id": name, "reveals": [ref and ref.text for ref in listed], **told})


@command(NAME, click.option("--names", is_flag=True), json=True, clock=True, wait=True)
def open_draw(session: Session, name: str, *, names: bool) -> None:
    """Open a sealed result on its day, or with `--names` the names of objects that were inspected."""
    with writing(session) as desk:
        matter = find(desk, name)
        if names:
            _open_names(session, matter)
            return
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
        _open_calls(matter)
        told = published(session, desk, entry.index)
        paths = write_bundles(matter, drawn, anew=True)
        bundle_path(matter, sealed=True).unlink(missing_ok=True)
        _, papers = write_record(session, matter, drawn)
        session.say("open.opened", id=name, index=entry.index)
        for path in (*paths, *papers):
            session.say("draw.written", file=path)
        session.say("print.how", id=name)
        session.answer({"id": name, "files": [str(path) for path in (*paths, *papers)], **told})


def _open_calls(matter: Matter) -> None:
    """Open the calls of a sealed draw, each with the embargo key of its own, and what was drawn by them."""
    desk = matter.desk
    opened = {said.of.text for _, said in desk.history.all(Opening, desk.workspace.bureau)}
    for called in calls_of(matter):
        said = called.entry.of(SubstitutionCall)
        if said.embargo is None or called.entry.text_hash in opened:
            continue
        embargo = read_secret(embargo_path(matter, called.vacancy))
        desk.workspace.keep(desk.workspace.artifact(said.vacancy.digest), said.vacancy.digest)
        of, shown = called.entry.ref, said.vacancy
        desk.add(desk.head.make(Opening, of=of, artifact=shown, key=None, embargo=embargo.hex()))
        if called.made is not None:
            result = called.made.of(Substitution).result
            desk.workspace.keep(desk.workspace.artifact(result.digest), result.digest)
            desk.add(desk.head.make(Opening, of=called.made.ref, artifact=result, key=None, embargo=None))


def _open_names(session: Session, matter: Matter) -> None:
    """Open the openable fields of the objects whose inspection is over, unless their outcome is withheld.

    Raises:
        WorkspaceError: `nothing-to-open`: no inspection of this draw is over yet.
    """
    desk, drawn = matter.desk, open_draw_of(matter)
    own = {e.text_hash for e, said in desk.history.all(Result) if said.draw.text == drawn.text_hash}
    over = {
        line.no
        for entry, line in logged_outcomes(desk)
        # State secrets, business secrets and privacy are opened never (上海办法第十三条).
        if entry.text_hash in own and isinstance(line, OutcomeLine) and line.withheld is None
    }
    if not over:
        # Before the visit a name would be the notice that nobody may have (不提前告知).
        raise WorkspaceError("nothing-to-open", found=matter.name)
    told = [opening for row in openings_of(desk, matter.named(matter.said.objects), sorted(over)) for opening in row]
    data = lines(canonical(opening.model_dump()) for opening in told)
    artifact = keep(desk, data)
    fields: dict[str, Any] = {"of": drawn.ref, "artifact": artifact, "key": None, "embargo": None}
    entry, new = add_act(desk, Opening, regulation=regulation_for(matter), **fields)
    session.say("open.names", count=len(over))
    done(session, desk, entry, new=new, objects=sorted(over))


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
            plan = matter.plan()
            if not void_allowed(plan, reason):
                # Else any draw could be given up for whatever comes to mind (attack 3).
                raise WorkspaceError(
                    "void-not-announced", expected=[*plan.voids, *sorted(MACHINE_REASONS)], found=reason
                )
            pulses: tuple[PulseValue, ...] = ()
            if reason == "attempts-exhausted":
                pulses, _ = pulses_of(matter, lambda chain, number: stored(desk.workspace, chain, number))
            entry = desk.add(desk.head.make(Void, announcement=matter.announcement.ref, reason=reason, pulses=pulses))
        session.say("void.voided", id=name, reason=entry.of(Void).reason)
        told = published(session, desk, entry.index)
        free = desk.now < matter.limit
        session.say("void.free" if free else "void.late", time=session.time(matter.limit))
        session.answer({"id": name, "before_limit": free, **told})
