"""Where a log's files lie: any place that can create a file once, replace one at a stroke, and read.

Tiles are created and never change, `checkpoint` is replaced. A folder of the file system is enough, and any
static web server can then publish it; object storage with conditional writes would be another implementation.
Listing is not needed and not offered. Writes are durable when they return: after a crash a file is there with
all its bytes, or it is not there.
"""

import os
import re
import tempfile
from pathlib import Path
from typing import Protocol

from transparency_log.errors import StorageError

_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")  # no ".", no "..", no hidden file, no empty name
_MODE = 0o644  # the web server that publishes the folder is another user


class Storage(Protocol):
    """The three things that a log asks of its storage. Paths are relative, with `/`, in ASCII."""

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, None if there is no such file."""

    def create(self, path: str, data: bytes) -> None:
        """Make a file that will never change. Creating it again with the same bytes is not an error.

        Raises:
            StorageError: `immutable` if it exists with other bytes, `not-durable` if it could not be written.
        """

    def replace(self, path: str, data: bytes) -> None:
        """Write a file at a stroke: a reader sees the old bytes or the new ones.

        Raises:
            StorageError: `not-durable` if it could not be written.
        """


class Directory:
    """A folder of the local file system. One process writes, any number read."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, None if there is no such file."""
        try:
            return self._locate(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise StorageError("not-readable", path=path, reason=str(error)) from None

    def create(self, path: str, data: bytes) -> None:
        """Make a file that will never change; see `Storage`."""
        target = self._locate(path)
        try:
            temporary = _write_temporary(target, data)
            try:
                # Unlike a rename, a link refuses to take the place of a file that is there.
                target.hardlink_to(temporary)
            except FileExistsError:
                if target.read_bytes() != data:
                    raise StorageError("immutable", path=path, expected="the same bytes") from None
            finally:
                temporary.unlink()
            _sync_folder(target.parent)
        except OSError as error:
            raise StorageError("not-durable", path=path, reason=str(error)) from None

    def replace(self, path: str, data: bytes) -> None:
        """Write a file at a stroke; see `Storage`."""
        target = self._locate(path)
        try:
            _write_temporary(target, data).replace(target)
            _sync_folder(target.parent)
        except OSError as error:
            raise StorageError("not-durable", path=path, reason=str(error)) from None

    def _locate(self, path: str) -> Path:
        _check_path(path)
        return self._root / path


class Memory:
    """Storage for tests and rehearsals: gone with the process."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, None if there is no such file."""
        _check_path(path)
        return self.files.get(path)

    def create(self, path: str, data: bytes) -> None:
        """Make a file that will never change; see `Storage`."""
        _check_path(path)
        if self.files.setdefault(path, data) != data:
            raise StorageError("immutable", path=path, expected="the same bytes")

    def replace(self, path: str, data: bytes) -> None:
        """Write a file at a stroke; see `Storage`."""
        _check_path(path)
        self.files[path] = data


def _check_path(path: str) -> None:
    # "../" in a path that somebody else chose would reach out of the folder.
    if not all(_SEGMENT.fullmatch(segment) for segment in path.split("/")):
        raise StorageError("path", expected="plain relative segments", found=path)


def _write_temporary(target: Path, data: bytes) -> Path:
    """Write and sync `data` beside its target, for a link or rename to give it its name."""
    _make_folder(target.parent)
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), _MODE)
            file.write(data)
            file.flush()
            # After an error here the page cache may hold what the disk does not: the caller must not go on.
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents, each name durable in the folder above."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
