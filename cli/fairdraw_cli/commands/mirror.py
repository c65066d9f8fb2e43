"""`log mirror`: a verified copy of a log, which can be served and checked like the log itself."""

from pathlib import Path

import click

from fairdraw.artifacts import named_artifacts
from fairdraw.errors import WorkspaceError
from fairdraw.trust import parse_trust
from fairdraw_cli.files import only_writer, read
from fairdraw_cli.following import keep_evidence, key_of
from fairdraw_cli.helping import command
from fairdraw_cli.progress import counting
from fairdraw_cli.session import CANNOT_TELL, DOES_NOT_HOLD, Session
from fairdraw_cli.source import opened
from transparency_log.errors import ForkError, LogError, RemoteError, StorageError
from transparency_log.evidence import Fork
from transparency_log.mirror import Mirror, Update
from transparency_log.reader import CHECKPOINT
from transparency_log.storage import Directory


def is_own_fault(error: LogError) -> bool:
    """Whether something went wrong with the copy's own disk, and says nothing about the log."""
    return isinstance(error, StorageError) and error.code not in {"missing", "index-format"}


@command(
    click.argument("where", metavar="DIR|URL"),
    click.argument("folder", metavar="COPY-DIR", type=click.Path(path_type=Path)),
    click.option("--trust", required=True, metavar="FILE", type=click.Path(path_type=Path)),
    json=True,
)
def mirror(session: Session, where: str, folder: Path, trust: Path) -> int:
    """Bring a copy of a log up to date."""
    known = parse_trust(read(trust))
    with opened(where) as (files, workers), only_writer(folder), counting(session) as progress:
        try:
            newest = files(CHECKPOINT)
            if newest is None:
                raise WorkspaceError("log-not-found", found=where)
            copying = Mirror(
                Directory(folder),
                files,
                key_of(newest, known),
                artifacts=named_artifacts,
                workers=workers,
                progress=lambda count, _size: progress(count),
            )
            told = copying.update()
        except RemoteError as error:
            session.say("mirror.cannot-tell", reason=session.error(error))
            session.answer({"updated": None, "code": error.code})
            return CANNOT_TELL
        except LogError as error:
            if is_own_fault(error):
                raise
            return refused(session, error, folder)
    return _told(session, told, where, folder)


def refused(session: Session, error: LogError, folder: Path) -> int:
    """Tell that a log was not copied, and keep what convicts it of two histories in a folder."""
    kept = [str(keep_evidence(Fork.parse(error.evidence), folder))] if isinstance(error, ForkError) else []
    session.say("mirror.refused", reason=session.error(error))
    for path in kept:
        session.say("follow.evidence", file=path)
    session.answer({"updated": False, "code": error.code, "params": {n: str(v) for n, v in error.params.items()},
                    "evidence": kept})  # fmt: skip
    return DOES_NOT_HOLD


def _told(session: Session, told: Update, where: str, folder: Path) -> int:
    size = told.signed.checkpoint.size
    session.say("mirror.updated", origin=told.signed.checkpoint.origin, size=size, count=size - told.before)
    for digest in told.lacking:
        session.say("mirror.lacking", digest=digest)
    for digest in told.withdrawn:
        session.say("mirror.withdrawn", digest=digest, file=folder / "artifact" / digest)
    if told.before == 0:
        session.say("mirror.next", folder=folder)
    session.answer({"updated": True, "log": told.signed.checkpoint.origin, "where": where, "size": size,
                    "before": told.before, "lacking": list(told.lacking), "withdrawn": list(told.withdrawn)}
                   )  # fmt: skip
    return DOES_NOT_HOLD if told.lacking else 0
