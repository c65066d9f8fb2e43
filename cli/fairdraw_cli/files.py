"""Files that must be there after a power cut, and files that nobody else may read.

A write goes to a temporary file, is synced, renamed, and the folder synced: a reader sees the old bytes or the
new ones, and never half of them.
"""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Final

from fairdraw.errors import WorkspaceError

PUBLIC: Final = 0o644
PRIVATE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
SUFFIX: Final = ".tmp"
MAX_FILE: Final = 1 << 30  # bytes: what is larger than the largest bundle is no file of ours
MAPPED_FROM: Final = 1 << 26  # bytes: a larger list of rows is looked at where it lies


def write(path: Path, data: bytes, *, mode: int = PUBLIC) -> None:
    """Write a file durably, with its permissions from the first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{os.getpid()}-", suffix=SUFFIX, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def place_link(source: Path, target: Path, *, mode: int) -> None:
    """Give a durable file this name too, at a stroke; where the file system has no such thing, to a copy of it.

    Neither may be written to afterwards: files are replaced here, never changed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".{os.getpid()}-{target.name}{SUFFIX}"
    temporary.unlink(missing_ok=True)
    source.chmod(mode)
    try:
        temporary.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, temporary)
        temporary.chmod(mode)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
    temporary.replace(target)
    temporary.unlink(missing_ok=True)  # renaming one name of a file to another name of it does nothing
    sync_folder(target.parent)


def sweep(root: Path, *, locked: Path) -> None:
    """Remove the temporary files of commands that were killed: half a secret, perhaps.

    In `locked` nobody else writes; elsewhere a file may be that of a command that still runs, which its name tells.
    """
    for path in root.rglob(f".*{SUFFIX}"):
        if path.is_relative_to(locked) or not _runs(path.name[1:].partition("-")[0]):
            path.unlink(missing_ok=True)


@contextmanager
def only_writer(folder: Path, *, alone: bool = True) -> Iterator[None]:
    """Keep others away who write a copy of a log or a site into this folder: the slower one would move it back.

    Half files of one that was killed are removed, unless another program, of which this knows nothing, writes there too
    (`alone` false).

    Raises:
        WorkspaceError: `folder-missing`, or `mirror-in-use`.
    """
    check_folder(folder)
    folder.mkdir(exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise WorkspaceError("mirror-in-use", found=str(folder)) from None
    try:
        if alone:
            sweep(folder, locked=folder)
        yield
    finally:
        os.close(descriptor)


def _runs(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    except PermissionError:
        pass  # somebody else's: it runs
    return True


def create_private(path: Path, data: bytes) -> None:
    """Write a secret into a file that does not exist yet.

    Raises:
        WorkspaceError: `file-exists`: a secret that is overwritten is lost for ever.
    """
    if path.exists():
        raise WorkspaceError("file-exists", found=str(path))
    path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    write(path, data, mode=PRIVATE)


def check_folder(path: Path) -> None:
    """Check that the folder of a file to be written is there: a mistyped path must not make folders.

    Raises:
        WorkspaceError: `folder-missing`.
    """
    if not path.parent.is_dir():
        raise WorkspaceError("folder-missing", found=str(path.parent))


def read_secret(path: Path) -> bytes:
    """Return the bytes of a secret that is kept as one line of hex.

    Raises:
        WorkspaceError: `not-a-secret`; what the file holds instead is not quoted.
    """
    try:
        return bytes.fromhex(read(path).decode("ascii").strip())
    except ValueError:
        raise WorkspaceError("not-a-secret", found=str(path)) from None


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def toml_line(data: bytes, error: Exception) -> int:
    """Return the line of a file at which TOML could not be read, counted from 1: tomllib's sentences are English."""
    at = re.search(r"at line ([0-9]+)", str(error))
    if at is not None:
        return int(at[1])
    end = error.start if isinstance(error, UnicodeDecodeError) else len(data.rstrip())
    return data[:end].count(b"\n") + 1


def read(path: Path) -> bytes:
    """Return the bytes of a file that somebody named on the command line.

    Raises:
        WorkspaceError: `file-missing`, `not-a-file` or `file-too-large`.
    """
    if not path.exists():
        raise WorkspaceError("file-missing", found=str(path))
    if path.is_dir():
        raise WorkspaceError("not-a-file", found=str(path))
    with path.open("rb") as file:
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise WorkspaceError("file-too-large", expected=MAX_FILE, found=str(path))
    return data


def mapped(path: Path) -> bytes | mmap:
    """Return the bytes of a list of rows, which may be larger than memory: those of a long one stay in the file.

    Raises:
        WorkspaceError: `file-missing`, or `not-a-file`.
    """
    if not path.is_file() or path.stat().st_size < MAPPED_FROM:
        return read(path)
    with path.open("rb") as file:
        return mmap(file.fileno(), 0, access=ACCESS_READ)
