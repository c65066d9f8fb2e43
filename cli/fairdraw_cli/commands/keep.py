"""`log freeze|gc|backup|restore`: a log's life, and what to do after a bad day (docs/operations.md)."""

from pathlib import Path

import click

from fairdraw.errors import WorkspaceError
from fairdraw_cli.archive import pack, unpack
from fairdraw_cli.desk import published, seen_by_witnesses, writing
from fairdraw_cli.files import check_folder, read
from fairdraw_cli.helping import command
from fairdraw_cli.session import Session
from fairdraw_cli.workspace import Workspace
from transparency_log.recovery import restore as restore_state
from transparency_log.state import SqliteState


@command(click.option("--origin", required=True, metavar="ORIGIN"), json=True, clock=True, wait=True)
def freeze(session: Session, origin: str) -> None:
    """End the log for ever."""
    place = Workspace.open(session.folder)
    if origin != place.origin:
        # Nothing undoes this, so it is not done to a log that somebody took for another.
        raise WorkspaceError("freeze-another", expected=place.origin, found=origin)
    with writing(session, place) as desk:
        desk.log.freeze()
        session.say("keep.frozen", origin=origin, size=desk.log.size)
        session.answer({"origin": origin, "frozen": True, **published(session, desk)})


@command(json=True, clock=True)
def gc(session: Session) -> None:
    """Delete partial tiles whose full tile is there."""
    with writing(session, speaks=False) as desk:
        deleted = desk.log.collect()
    session.say("keep.collected", count=deleted)
    session.answer({"deleted": deleted})


@command(click.argument("file", metavar="FILE", type=click.Path(path_type=Path)), json=True)
def backup(session: Session, file: Path) -> None:
    """Copy the whole workspace into one file, while nothing writes."""
    place = Workspace.open(session.folder)
    check_folder(file)
    if file.exists():
        raise WorkspaceError("file-exists", found=str(file))
    with SqliteState(place.root / "state" / "log.sqlite"):  # its lock keeps all other commands from writing
        count, digest = pack(place.root, file)
        size = place.reader().checkpoint().checkpoint.size
    session.say("keep.backed-up", file=file, count=count, size=size)
    session.say("keep.backup-secret")
    session.answer({"file": str(file), "files": count, "size": size, "sha256": digest})


@command(
    click.option("--size", required=True, type=click.IntRange(min=0), metavar="SIZE"),
    click.option("--backup", "file", metavar="FILE", type=click.Path(path_type=Path)),
    click.option("--from", "source", metavar="DIR|URL"),
    json=True,
)
def restore(session: Session, size: int, file: Path | None, source: str | None) -> None:
    """Let a log go on whose state is lost or old."""
    if file is not None:
        unpack(file, session.folder)
    place = Workspace.open(session.folder)
    path = place.root / "state" / "log.sqlite"
    with SqliteState(path) if path.exists() else SqliteState.create(path) as state:
        if source is not None:
            _bring_up(place, source)
        place.reader().check()
        asked, seen = seen_by_witnesses(session, place)
        restore_state(place.storage, place.log_verifier, state, size=size, seen=seen)
    session.say("keep.restored", size=size)
    asking = "keep.restored-witnesses" if asked else "keep.restored-alone"
    session.say(asking, answered=len(seen), asked=asked, size=size)
    session.answer({"size": size, "witnesses_asked": asked, "witnesses_answered": len(seen)})


def _bring_up(place: Workspace, source: str) -> None:
    """Copy what the public folder lacks from somebody's copy of the log, everything checked."""
    from fairdraw.artifacts import named_artifacts
    from fairdraw_cli.source import open_source
    from transparency_log.mirror import Mirror

    Mirror(place.storage, open_source(source), place.log_verifier, artifacts=named_artifacts).update()
    public = place.root / "log" / "artifact"
    for artifact in sorted(public.iterdir()) if public.is_dir() else []:
        if not (place.root / "artifacts" / artifact.name).exists():
            place.keep(read(artifact), artifact.name)
