"""The desk's notebook: one small file, written whole at every change, so that a crash loses no step."""

import json
from dataclasses import asdict
from pathlib import Path
from threading import RLock
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from fairdraw.errors import WorkspaceError
from fairdraw_cli.ceremony.state import Notes
from fairdraw_cli.files import PRIVATE, read, write
from fairdraw_cli.workspace import Workspace, check_id

_NOTES: Final = TypeAdapter(Notes)


class Notebook:
    """The notes of one draw's ceremony; safe to change from several threads."""

    def __init__(self, place: Workspace, name: str) -> None:
        """Open the notebook of a draw, or begin it.

        Raises:
            WorkspaceError: `ceremony-notes`: the file is not what this program wrote.
        """
        self.path: Path = place.root / "state" / "ceremony" / f"{check_id(name)}.json"
        self._lock = RLock()
        self.notes = _parsed(self.path) if self.path.exists() else Notes()

    def change(self, **fields: Any) -> Notes:
        """Note something; what is noted is on the disk before anybody sees it."""
        with self._lock:
            changed = _NOTES.validate_python({**asdict(self.notes), **fields})
            if changed != self.notes:
                write(self.path, f"{json.dumps(asdict(changed), ensure_ascii=False)}\n".encode(), mode=PRIVATE)
                self.notes = changed
            return self.notes


def _parsed(path: Path) -> Notes:
    try:
        return _NOTES.validate_json(read(path))
    except ValidationError:
        raise WorkspaceError("ceremony-notes", file=str(path)) from None
