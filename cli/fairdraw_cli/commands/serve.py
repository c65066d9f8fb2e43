"""`log serve`: the public files of a log over HTTP."""

from pathlib import Path

import click

from fairdraw_cli.helping import command
from fairdraw_cli.listening import answer_until_stopped
from fairdraw_cli.session import Session
from fairdraw_cli.source import log_folder
from fairdraw_cli.workspace import Workspace


@command(
    click.argument("folder", metavar="[DIR]", required=False),
    click.option("--listen", metavar="HOST:PORT", default="127.0.0.1:8000"),
    json=True,
)
def serve(session: Session, folder: str | None, listen: str) -> None:
    """Serve the workspace's log, or that in a folder, until the program is stopped."""
    from transparency_log.web import LogSite

    place: Path = Workspace.open(session.folder).root / "log" if folder is None else log_folder(folder)
    answer_until_stopped(session, LogSite(place), listen)
