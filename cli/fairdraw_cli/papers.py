"""The record (抽取记录) of a draw as text and as a page to print."""

from pathlib import Path

from fairdraw import encoding
from fairdraw.errors import WorkspaceError
from fairdraw.schema import Draw
from fairdraw.statement import Entry
from fairdraw_cli.casework import Matter
from fairdraw_cli.files import PRIVATE, PUBLIC, write
from fairdraw_cli.session import Session
from fairdraw_cli.workspace import Workspace


def result_list(place: Workspace, drew: Draw) -> list[bytes]:
    """Return the lines of a draw's result list, taken out of its seal if it has one.

    Raises:
        WorkspaceError: `artifact-unreadable`.
    """
    data = place.artifact(drew.results.digest)
    if drew.key is not None:
        return encoding.split_lines(data)
    match encoding.parse(data):
        case [str(), {"lines": list(lines)}]:
            return [encoding.canonical(line) for line in lines]
    raise WorkspaceError("artifact-unreadable", found=drew.results.digest)
