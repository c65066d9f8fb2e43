"""What can be asked without a command: the state of draws, and the files that were written of them.

Read from the public files of the log, as everybody reads them; the log's lock is not taken.
"""

import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

from fairdraw.encoding import format_time
from fairdraw.errors import WorkspaceError
from fairdraw.schema import Announcement, Draw, Opening, SubstitutionCall, Until, Void
from fairdraw_cli.history import History, known_reader
from fairdraw_cli.service.problems import ServiceError
from fairdraw_cli.workspace import Workspace, check_id
from transparency_log.cosigned import signed_sizes
from transparency_log.reader import CHECKPOINT

ROOM: Final = 64 << 20  # bytes that must be free on the disk
_NAMING: Final = re.compile(r"\.(?:openings|dispatch|notices|own|sealed)\.|\.request$", re.ASCII)
"""Files with names in them, whatever their mode: a copy of the folder that was brought back may have lost the modes."""
FILE: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:-]{0,199}", re.ASCII)  # a row's number may be in it
Where = Literal["announced", "drawn", "sealed", "voided"]


class Reading:
    """A workspace as it is read; the log is read anew when its checkpoint has changed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: tuple[bytes, History] | None = None

    def _history(self, place: Workspace) -> History:
        newest = place.storage.read(CHECKPOINT) or b""
        if self._known is None or self._known[0] != newest:
            reader, _ = known_reader(place.storage.read, place.trust, where="log")
            self._known = newest, History.read(reader)
        return self._known[1]

    def workspace(self) -> dict[str, Any]:
        """Return whose log this is, and how far it is."""
        place = Workspace.open(self._root)
        newest = signed_sizes(place.storage.read, place.trust.policy)[-1]
        reader, _ = known_reader(place.storage.read, place.trust, where="log")
        checkpoint = reader.checkpoint().checkpoint
        quorum = newest.quorum_time if newest.size == checkpoint.size else None
        return {
            "bureau": place.bureau,
            "origin": place.origin,
            "rehearsal": place.rehearsal,
            "size": checkpoint.size,
            "root": checkpoint.root.hex(),
            "quorum": None if quorum is None else format_time(quorum),
        }

    def draws(self) -> list[dict[str, Any]]:
        """Return every announced draw, by id."""
        place = Workspace.open(self._root)
        folder = place.root / "state" / "draws"
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        return [told for name in names if (told := self._draw(place, name)) is not None]

    def draw(self, name: str) -> dict[str, Any]:
        """Return one draw.

        Raises:
            WorkspaceError: `draw-unknown`.
        """
        place = Workspace.open(self._root)
        told = self._draw(place, check_id(name))
        if told is None:
            raise WorkspaceError("draw-unknown", expected=[one["id"] for one in self.draws()], found=name)
        return told

    def _draw(self, place: Workspace, name: str) -> dict[str, Any] | None:
        history = self._history(place)
        text = place.announced(name)
        entry = history.find(text) if text else None
        if entry is None:
            return None
        said = entry.of(Announcement)
        drawn = next((e for e, s in history.all(Draw, place.bureau) if s.announcement.text == text), None)
        void = next((e for e, s in history.all(Void, place.bureau) if s.announcement.text == text), None)
        opened = {s.of.text for _, s in history.all(Opening, place.bureau)}
        sealed = isinstance(said.disclosure, Until) and (drawn is None or drawn.text_hash not in opened)
        calls = [e for e, s in history.all(SubstitutionCall, place.bureau) if drawn and s.draw.text == drawn.text_hash]
        state: Where = "sealed" if drawn and sealed else "drawn" if drawn else "voided" if void else "announced"
        return {
            "id": name,
            "state": state,
            "slots": list(said.slots),
            "window": said.window,
            "announcement": entry.index,
            "draw": None if drawn is None else drawn.index,
            "void": None if void is None else void.index,
            "calls": [call.index for call in calls],
            "text": entry.text_hash if drawn is None else drawn.text_hash,
        }

    def files(self, name: str, *, private: bool) -> list[dict[str, Any]]:
        """Return the files of a draw; private ones only to whom they may be shown."""
        self.draw(name)
        told = []
        for path in self._files(name):
            found = path.lstat()
            closed = _is_private(path.name, found)
            if stat.S_ISREG(found.st_mode) and (private or not closed):
                url = f"/v1/draws/{name}/files/{path.name}"
                told.append({"name": path.name, "size": found.st_size, "private": closed, "url": url})
        return told

    def _files(self, name: str) -> Iterator[Path]:
        folder = Workspace.open(self._root).draw(name)
        yield from sorted(path for path in folder.iterdir() if FILE.fullmatch(path.name)) if folder.is_dir() else ()

    def open_file(self, name: str, file: str, *, private: bool) -> int:
        """Return a descriptor of a draw's file.

        Raises:
            ServiceError: `no-such-file`; also where there is one that the caller may not see.
        """
        self.draw(name)
        if not FILE.fullmatch(file):
            raise ServiceError("no-such-file", found=file)
        path = Workspace.open(self._root).draw(name) / file
        try:
            # Never along a link, nor into a pipe: only what commands write is here to be had.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            raise ServiceError("no-such-file", found=file) from None
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or (_is_private(file, found) and not private):
            os.close(descriptor)
            raise ServiceError("no-such-file", found=file)
        return descriptor

    def check(self) -> None:
        """Return if commands can work here.

        Raises:
            ServiceError: `disk-low`.
            Error, LogError, OSError: the workspace or its log cannot be read.
        """
        place = Workspace.open(self._root)
        reader, _ = known_reader(place.storage.read, place.trust, where="log")
        reader.checkpoint()
        if shutil.disk_usage(self._root).free < ROOM:
            raise ServiceError("disk-low")


def _is_private(name: str, found: os.stat_result) -> bool:
    return found.st_mode & 0o077 == 0 or _NAMING.search(name) is not None
