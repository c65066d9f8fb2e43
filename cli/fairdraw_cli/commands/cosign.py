"""`log cosign ask|export|import`: asking witnesses over HTTP, or by file where no network reaches them.

Both speak C2SP tlog-witness: a file is the body of a request, or of its answer.
"""

from pathlib import Path
from typing import Final

import click

from fairdraw.errors import WorkspaceError
from fairdraw_cli.desk import Desk, writing
from fairdraw_cli.files import check_folder, read, write
from fairdraw_cli.helping import command
from fairdraw_cli.history import fingerprint_of
from fairdraw_cli.session import CANNOT_TELL, Session
from fairdraw_cli.workspace import Workspace
from transparency_log.checkpoint import cosignatures
from transparency_log.cosigned import signed_sizes
from transparency_log.errors import CheckpointError
from transparency_log.note import Note, Signature
from transparency_log.policy import Witness
from transparency_log.reader import MAX_COSIGNED
from transparency_log.witness import add_checkpoint_request, parse_cosignatures

FILE = click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
REQUEST: Final = b"old "  # C2SP tlog-witness, add-checkpoint
WITNESS = click.option("--witness", "name", metavar="NAME")


def _chosen(place: Workspace, name: str | None) -> list[Witness]:
    known = place.trust.policy.witnesses
    if not known:
        raise WorkspaceError("no-witnesses-yet")
    chosen = [witness for witness in known if name in (None, witness.name)]
    if not chosen:
        raise WorkspaceError("unknown-witness", expected=[witness.name for witness in known], found=name)
    return chosen


@command(WITNESS, json=True, wait=True)
def ask(session: Session, name: str | None) -> int:
    """Ask witnesses over HTTP to cosign the newest checkpoint, and publish what they show of earlier ones."""
    from fairdraw_cli.asking import gather, reachable

    with writing(session, speaks=False) as desk:
        reached = reachable(desk.workspace)
        chosen = [witness for witness in _chosen(desk.workspace, name) if witness in reached]
        if not chosen:
            raise WorkspaceError("no-address", found=name)
        told = gather(session, desk, chosen, patient=True) if session.wait else {}
        time = desk.newest.quorum_time
        _say_quorum(session, time)
        session.answer({"size": desk.log.size, "quorum_time": time, **told})
    return CANNOT_TELL if time is None else 0


def _say_quorum(session: Session, time: int | None) -> None:
    if time is None:
        session.say("cosign.no-quorum")
    else:
        session.say("cosign.quorum", time=session.time(time))


def _last_size(place: Workspace, witness: Witness) -> int:
    """Return the largest size that a witness has cosigned, 0 if none: from there it wants the consistency proof."""
    told = 0
    for signed in signed_sizes(place.storage.read, place.trust.policy):
        note = Note.parse(signed.data, max_signatures=MAX_COSIGNED)
        if cosignatures(note, [witness.verifier]):
            told = max(told, signed.size)
    return told


def _exported(place: Workspace) -> Path:
    """Return the folder whose file names are the sizes that were ever exported: an answer may come late."""
    return place.root / "state" / "cosign"


def _check_replaceable(file: Path) -> None:
    """Refuse to write over anything but an earlier request: `export trust` must not end a workspace.

    Raises:
        WorkspaceError: `file-exists`.
    """
    if file.exists() and not read(file).startswith(REQUEST):
        raise WorkspaceError("file-exists", found=str(file))


@command(FILE, WITNESS, click.option("--old", type=click.IntRange(min=0), metavar="SIZE"), json=True)
def export(session: Session, file: Path, name: str | None, old: int | None) -> None:
    """Write the body of an add-checkpoint request."""
    place = Workspace.open(session.folder)
    check_folder(file)
    _check_replaceable(file)
    reader = place.reader()
    signed = reader.checkpoint()
    size = signed.checkpoint.size
    olds = {old} if old is not None else {_last_size(place, witness) for witness in _chosen(place, name)}
    if len(olds) != 1:
        raise WorkspaceError("choose-witness", expected=[witness.name for witness in place.trust.policy.witnesses])
    start = olds.pop()
    if start > size:
        raise WorkspaceError("no-such-size", expected=size, found=start)
    note = Note(signed.note.text, signed.note.signatures[:1])
    write(file, add_checkpoint_request(start, reader.consistency_proof(start, size), note))
    write(_exported(place) / str(size), b"")
    shown = fingerprint_of(signed.checkpoint)
    session.say("cosign.exported", file=file, size=size, old=start)
    session.say("cosign.fingerprint", fingerprint=shown)
    session.answer({"file": str(file), "size": size, "old": start, "fingerprint": shown})


@command(FILE, WITNESS, json=True, clock=True)
def import_answer(session: Session, file: Path, name: str | None) -> None:
    """Take a witness's answer in and publish its cosignature."""
    lines = parse_cosignatures(read(file))
    with writing(session, speaks=False) as desk:
        known = {(w.verifier.name, w.verifier.key_id) for w in _chosen(desk.workspace, name)}
        ours = [line for line in lines if (line.name, line.key_id) in known]
        if not ours:
            raise WorkspaceError("unknown-witness", expected=sorted(n for n, _ in known), found=lines[0].name)
        size, names = _publish(desk, ours)
        newest = next(s for s in desk.sizes() if s.size == size)
        session.say("cosign.imported", names=names, size=size)
        _say_quorum(session, newest.quorum_time)
        session.answer({"size": size, "witnesses": names, "quorum_time": newest.quorum_time})


def _publish(desk: Desk, lines: list[Signature]) -> tuple[int, list[str]]:
    """Publish the lines under the exported checkpoint that they sign, the newest first."""
    folder = _exported(desk.workspace)
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    exported = {int(name) for name in names if name.isascii() and name.isdigit()}
    last: CheckpointError | None = None
    for size in sorted(exported | {desk.log.size}, reverse=True):
        try:
            found = desk.add_cosignatures(size, lines)
        except CheckpointError as error:
            last = error
            continue
        if found:
            return size, [cosignature.verifier.name for cosignature in found]
    raise last or WorkspaceError("no-cosignature")
