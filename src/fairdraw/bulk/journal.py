"""What a freeze that was killed had done: enough to go on from there, and nothing that was not on the disk by then.

    journal.json   what was to be frozen, how far it has come, and how long each file was then
    secret         the secret of the snapshot, readable by its owner only

Everything behind those lengths is cut off again. Who asks for something else than the journal tells of begins anew, and
so does who finds it damaged.
"""

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from stat import S_ISDIR
from typing import Final

from fairdraw.bulk.sources import Place
from fairdraw.errors import WorkspaceError
from transparency_log.storage import sync, sync_folder

JOURNAL: Final = "journal.json"
SECRET: Final = "secret"  # noqa: S105 - the name of a file
_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600

Sizes = Mapping[str, int]


@dataclass(frozen=True)
class Stand:
    """How far a freeze has come: where the next chunk begins, the rows behind, what was counted, and the files' sizes.

    `numbered` says that numbers are assigned already and rows are being sealed.
    """

    place: Place
    rows: int = 0
    numbered: bool = False
    groups: Counter[bytes] | None = field(default_factory=Counter)
    sizes: Mapping[str, Sizes] = field(default_factory=dict)


class Journal:
    """The journal of one freeze, in a scratch folder of its own."""

    def __init__(self, folder: Path, about: Mapping[str, object] | None) -> None:
        """Open the journal of a freeze `about` this; None is a pipe, which nobody can read again."""
        self.folder = folder
        self._about = None if about is None else json.loads(json.dumps(about))

    @property
    def kept(self) -> bool:
        """Whether anybody could go on from it."""
        return self._about is not None

    def begin(self, secret: bytes) -> tuple[bytes, Stand | None]:
        """Return the secret to seal with, and how far this very freeze has come; None if it begins with this secret.

        Raises:
            WorkspaceError: `scratch-foreign`.
        """
        if os.path.lexists(self.folder):
            found = self.folder.lstat()
            if not S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                # Who has put it there could read what is written, and would know the secret that goes on.
                raise WorkspaceError("scratch-foreign", found=str(self.folder))
            if (kept := self._read(len(secret))) is not None:
                return kept
            rmtree(self.folder)
        self.folder.mkdir(mode=_FOLDER_MODE, parents=True)
        self._write(SECRET, secret.hex().encode())
        return secret, None

    def note(self, stand: Stand) -> None:
        """Write down how far the freeze has come; all that the stand tells of is durable by then."""
        if self._about is not None:
            groups = None if stand.groups is None else {attrs.decode(): n for attrs, n in stand.groups.items()}
            told = {"about": self._about, "stand": {**vars(stand), "groups": groups}}
            self._write(JOURNAL, json.dumps(told, ensure_ascii=False).encode())

    def forget(self) -> None:
        """Let nobody go on from here: what is removed next could else be taken for lost."""
        (self.folder / JOURNAL).unlink(missing_ok=True)

    def _read(self, length: int) -> tuple[bytes, Stand] | None:
        try:
            told = json.loads((self.folder / JOURNAL).read_bytes())
            if self._about is None or told["about"] != self._about:
                return None
            groups = told["stand"]["groups"]
            counted = None if groups is None else Counter({attrs.encode(): n for attrs, n in groups.items()})
            stand = Stand(**{**told["stand"], "place": Place(*told["stand"]["place"]), "groups": counted})
            secret = bytes.fromhex((self.folder / SECRET).read_text())
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):  # the disk has lost something
            return None
        return (secret, stand) if len(secret) == length else None

    def _write(self, name: str, data: bytes) -> None:
        temporary = self.folder / f".{name}.tmp"
        with temporary.open("wb") as file:
            os.fchmod(file.fileno(), _FILE_MODE)
            file.write(data)
            file.flush()
            sync(file.fileno())
        temporary.replace(self.folder / name)
        sync_folder(self.folder)
