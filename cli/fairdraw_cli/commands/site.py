"""`site build`: the public site of a log, beside a copy of its files, for any web server that serves a folder."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from fairdraw.encoding import parse_time
from fairdraw.errors import AuditError
from fairdraw.permalink import check_site
from fairdraw.site import Register
from fairdraw.trust import parse_trust
from fairdraw_cli.commands.audit import CODES
from fairdraw_cli.commands.mirror import is_own_fault, refused
from fairdraw_cli.files import only_writer, read
from fairdraw_cli.helping import command
from fairdraw_cli.publishing import (
    Made,
    check_target,
    copy_log,
    log_key,
    material,
    read_memory,
    read_register,
    withdraw,
    write_site,
)
from fairdraw_cli.session import CANNOT_TELL, Session
from fairdraw_cli.source import WEB, log_folder, opened
from fairdraw_cli.workspace import SETTINGS, Workspace
from transparency_log.errors import LogError, RemoteError
from transparency_log.storage import Directory


@dataclass(frozen=True)
class _Source:
    """The log that a site is built of: where it lies, the trust file that the site offers, and its address."""

    where: str
    trust: bytes
    site: str


def _source(session: Session, where: str | None, trust: Path | None) -> _Source:
    """Return what to build of: a workspace with its own trust file, or a log alone with the one that is named."""
    if where is None or (Path(where) / SETTINGS).is_file():
        place = Workspace.open(session.folder if where is None else Path(where))
        return _Source(str(place.root / "log"), read(trust or place.root / "trust"), place.site or "")
    if not where.startswith(WEB):
        where = str(log_folder(where))  # a folder that is not there is told first
    if trust is None:
        raise click.UsageError(session.word("log.needs-trust"))
    # A folder may be the log's or have the log in it; which of them matters where the site's folder is the log's.
    return _Source(where, read(trust), "")


@command(
    click.argument("where", metavar="[DIR|URL]", required=False),
    click.option("-o", "--out", "folder", required=True, metavar="DIR", type=click.Path(path_type=Path)),
    click.option("--trust", metavar="FILE", type=click.Path(path_type=Path)),
    click.option("--title", metavar="TEXT", default=""),
    click.option("--url", metavar="URL"),
    click.option("--as-of", metavar="TIME"),
    json=True,
)
def build_site(
    session: Session,
    where: str | None,
    folder: Path,
    trust: Path | None,
    *,
    title: str,
    url: str | None,
    as_of: str | None,
) -> int:
    """Build the public site of a log, or bring it up to date."""
    source = _source(session, where, trust)
    until = int(time.time()) if as_of is None else parse_time(as_of)
    stuff = material(title=title, url=check_site(url) if url else source.site, trust=source.trust)
    known, own = parse_trust(source.trust), _same(Path(source.where), folder)
    check_target(folder, own=own)
    with opened(source.where) as (files, workers), only_writer(folder, alone=not own):

        def make() -> int:
            before = read_memory(folder)
            key = log_key(files, known, folder, where=source.where)
            gone = () if own else copy_log(files, folder, key, workers=workers).withdrawn
            told = read_register(
                Directory(folder).read, known, log=key.name, as_of=until, as_of_given=as_of is not None
            )
            removed = withdraw(told, gone, files, folder)
            _tell(session, told, write_site(told, stuff, before, folder), removed, folder)
            return 0

        return _judged(session, make)


def _judged(session: Session, make: Callable[[], int]) -> int:
    """Make the site, or say why there is none of this log."""
    try:
        return make()
    except AuditError as error:
        if error.code not in CODES:
            raise
        session.line(session.error(error))
        session.failed(error.code, error.params)
        return CODES[error.code]
    except RemoteError as error:
        session.line(session.error(error))
        session.failed(error.code, error.params)
        return CANNOT_TELL
    except LogError as error:
        if is_own_fault(error):
            raise
        # Not into the site's folder: what convicts is for whoever built it to look at first.
        return refused(session, error, Path())


def _same(one: Path, other: Path) -> bool:
    return one.is_dir() and other.is_dir() and one.samefile(other)


def _tell(session: Session, told: Register, made: Made, removed: list[str], folder: Path) -> None:
    for digest in removed:
        session.say("publish.withdrawn", digest=digest)
    session.say("publish.built", folder=folder, draws=len(told.draws), made=len(made.draws), files=len(made.written))
    for index in made.unproven:
        session.say("publish.unproven", index=index)
    if not made.before:
        session.say("publish.next", folder=folder)
    session.answer(
        {"log": told.log, "size": told.newest.size, "draws": len(told.draws), "made": list(made.draws),
         "unproven": list(made.unproven), "written": list(made.written), "withdrawn": removed}
    )  # fmt: skip
