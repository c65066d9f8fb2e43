"""A workspace as one file, for a backup that is taken at one moment and read back whole."""

import os
import tarfile
import tempfile
from hashlib import sha256
from pathlib import Path, PurePosixPath

from fairdraw.errors import WorkspaceError
from fairdraw_cli.files import PRIVATE_FOLDER, SUFFIX, sync_folder, write
from fairdraw_cli.workspace import FOLDERS, HALF_DONE, PRIVATE_FOLDERS, SETTINGS

_CHUNK = 1 << 20
_NOT_KEPT = (SUFFIX, ".lock", "-shm")  # half files, locks, and what SQLite makes anew (but never its "-wal")


def pack(root: Path, file: Path) -> tuple[int, str]:
    """Write every file below `root` into `file`, which only its owner may read; return their number and its SHA-256.

    What a freeze had half done is left out: it goes on where its input lies, and private values lie in it.

    Raises:
        WorkspaceError: `backup-inside`: the next backup would hold this one.
    """
    if file.resolve().is_relative_to(root.resolve()):
        raise WorkspaceError("backup-inside", found=str(file))
    paths = [
        path
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.endswith(_NOT_KEPT) and not path.is_relative_to(root / HALF_DONE)
    ]
    descriptor, name = tempfile.mkstemp(prefix=f".{os.getpid()}-", suffix=SUFFIX, dir=file.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as out:
            with tarfile.open(fileobj=out, mode="w", dereference=True) as archive:
                for path in paths:
                    archive.add(path, arcname=path.relative_to(root).as_posix(), recursive=False)
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(file.parent)
    return len(paths), _digest(file)


def unpack(file: Path, root: Path) -> None:
    """Write the files of a backup below `root`, which must be empty or not there.

    The settings come last: a folder without them is no workspace, and a broken-off restoration is never worked in.

    Raises:
        WorkspaceError: `folder-not-empty`, `file-missing` or `not-a-backup`.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise WorkspaceError("folder-not-empty", found=str(root))
    if not file.is_file():
        raise WorkspaceError("file-missing", found=str(file))
    try:
        with tarfile.open(file, mode="r:") as archive:
            members = sorted(archive.getmembers(), key=lambda member: member.name == SETTINGS)
            if not members or members[-1].name != SETTINGS:
                raise WorkspaceError("not-a-backup", found=str(file))
            for name in FOLDERS:
                (root / name).mkdir(mode=PRIVATE_FOLDER if name in PRIVATE_FOLDERS else 0o755, parents=True)
            for member in members:
                _restore(archive, member, root, file)
    except tarfile.TarError:
        raise WorkspaceError("not-a-backup", found=str(file)) from None


def _restore(archive: tarfile.TarFile, member: tarfile.TarInfo, root: Path, file: Path) -> None:
    parts = PurePosixPath(member.name).parts
    # A file that somebody else made could name a place outside the folder, or a link to one.
    if not member.isfile() or not parts or any(part in ("..", "/") for part in parts):
        raise WorkspaceError("not-a-backup", found=str(file))
    content = archive.extractfile(member)
    if content is not None:
        write(root.joinpath(*parts), content.read(), mode=member.mode & 0o777)


def _digest(file: Path) -> str:
    whole = sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            whole.update(chunk)
    return whole.hexdigest()
