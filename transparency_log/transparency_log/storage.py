"""Where a log's files lie: any place that can create a file once, replace one at a stroke, and read.

Tiles are created and never change, `checkpoint` is replaced. A folder of the file system is enough, and any
static web server can then publish it; object storage with conditional writes would be another implementation.
Whoever writes one lets it pass `tests/unit/log/test_storage.py`. Writes are durable when they return: after a
crash a file is there with all its bytes, or it is not there. A log lists nothing while it grows; `names` and
`delete` are for collecting garbage.
"""

import errno
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Protocol

from transparency_log.errors import StorageError

_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")  # no ".", no "..", no hidden file, no empty name
_MODE = 0o644  # the web server that publishes the folder is another user
_OPEN_FILES = 64  # at once: a process has some thousand

_REASONS = {errno.ENOSPC: "disk-full", errno.EDQUOT: "disk-quota", errno.EROFS: "read-only"}

File = tuple[str, bytes]
"""A path below the log's prefix, and the bytes there."""


class Storage(Protocol):
    """What a log asks of its storage. Paths are relative, with `/`, in ASCII.

    Every write raises StorageError: `disk-full`, `disk-quota`, `read-only`, `fsync-failed` or `not-durable`.
    """

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, None if there is no such file."""

    def create(self, path: str, data: bytes) -> None:
        """Make a file that will never change. Creating it again with the same bytes is not an error.

        Raises:
            StorageError: `immutable` if it exists with other bytes.
        """

    def create_all(self, files: Iterable[File]) -> None:
        """Make many such files, at less cost than one by one. After an error some may be there."""

    def replace(self, path: str, data: bytes) -> None:
        """Write a file at a stroke: a reader sees the old bytes or the new ones."""

    def delete(self, path: str) -> None:
        """Remove a file; it need not be there. After a crash it may be there again."""

    def names(self, folder: str) -> list[str]:
        """Return the names of the files in a folder, in any order; none if there is no such folder."""


class Directory:
    """A folder of the local file system. One process writes, any number read."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._sure = {root.parent, *root.parents}  # folders whose names are on the disk

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, None if there is no such file."""
        try:
            target = self._locate(path)
            # A pipe or a device in a stranger's folder has no end.
            return target.read_bytes() if stat.S_ISREG(target.stat().st_mode) else None
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise StorageError("not-readable", path=path, reason=str(error)) from None

    def create(self, path: str, data: bytes) -> None:
        """Make a file that will never change; see `Storage`."""
        self.create_all([(path, data)])

    def create_all(self, files: Iterable[File]) -> None:
        """Make many such files: each is synced before it gets its name, each folder once after."""
        rest = iter(files)
        while some := list(islice(rest, _OPEN_FILES)):
            located = [(path, self._locate(path), data) for path, data in some]
            try:
                for _, target, _ in located:
                    self._make_folder(target.parent)
                _create_some(located)
            except OSError as error:
                raise failure(some[0][0], error) from None

    def replace(self, path: str, data: bytes) -> None:
        """Write a file at a stroke; see `Storage`."""
        target = self._locate(path)
        try:
            self._make_folder(target.parent)
            with ExitStack() as opened:
                temporary = _Temporary(target, data, opened)
                temporary.sync()
                temporary.path.replace(target)
            sync_folder(target.parent)
        except OSError as error:
            raise failure(path, error) from None

    def delete(self, path: str) -> None:
        """Remove a file; see `Storage`."""
        target = self._locate(path)
        try:
            target.unlink(missing_ok=True)
            target.parent.rmdir()  # if this was its last file
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.ENOTDIR):
                raise failure(path, error) from None

    def names(self, folder: str) -> list[str]:
        """Return the names of the files in a folder; see `Storage`."""
        try:
            return [item.name for item in os.scandir(self._locate(folder)) if _SEGMENT.fullmatch(item.name)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise StorageError("not-readable", path=folder, reason=str(error)) from None

    def _locate(self, path: str) -> Path:
        _check_path(path)
        return self._root / path

    def _make_folder(self, folder: Path) -> None:
        """Make a folder and its parents, each name durable in the folder above."""
        if folder in self._sure and folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        # Even if it was there: who made it may have been killed before this.
        sync_folder(folder.parent)
        self._sure.add(folder)


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

    def create_all(self, files: Iterable[File]) -> None:
        """Make many such files; see `Storage`."""
        for path, data in files:
            self.create(path, data)

    def replace(self, path: str, data: bytes) -> None:
        """Write a file at a stroke; see `Storage`."""
        _check_path(path)
        self.files[path] = data

    def delete(self, path: str) -> None:
        """Remove a file; see `Storage`."""
        _check_path(path)
        self.files.pop(path, None)

    def names(self, folder: str) -> list[str]:
        """Return the names of the files in a folder; see `Storage`."""
        _check_path(folder)
        inside = (path.removeprefix(f"{folder}/") for path in self.files if path.startswith(f"{folder}/"))
        return [name for name in inside if "/" not in name]


class _SyncError(OSError):
    """The disk did not confirm what it was given."""


class _Temporary:
    """A file beside its target, until a link or rename gives it its name."""

    def __init__(self, target: Path, data: bytes, opened: ExitStack) -> None:
        descriptor, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=target.parent)
        self.path = Path(name)
        opened.callback(self.path.unlink, missing_ok=True)
        self._file = opened.enter_context(os.fdopen(descriptor, "wb"))
        os.fchmod(descriptor, _MODE)
        self._file.write(data)
        self._file.flush()

    def sync(self) -> None:
        sync(self._file.fileno())


def _create_some(files: Sequence[tuple[str, Path, bytes]]) -> None:
    with ExitStack() as opened:
        # All are written before the first is synced, so that the disk can take them at one go.
        written = [(path, target, data, _Temporary(target, data, opened)) for path, target, data in files]
        for *_, temporary in written:
            temporary.sync()
        for path, target, data, temporary in written:
            try:
                # Unlike a rename, a link refuses to take the place of a file that is there.
                target.hardlink_to(temporary.path)
            except FileExistsError:
                if target.read_bytes() != data:
                    raise StorageError("immutable", path=path, expected="the same bytes") from None
    for folder in dict.fromkeys(target.parent for _, target, _ in files):
        sync_folder(folder)


def _check_path(path: str) -> None:
    # "../" in a path that somebody else chose would reach out of the folder.
    if not all(_SEGMENT.fullmatch(segment) for segment in path.split("/")):
        raise StorageError("path", expected="plain relative segments", found=path)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def sync(descriptor: int) -> None:
    """Make the bytes of an open file durable."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise _SyncError(error.errno, error.strerror) from None


def failure(path: str, error: OSError) -> StorageError:
    """Return what a failed write of `path` is raised as; see `Storage`."""
    # After a failed fsync the page cache may hold what the disk does not, and reading it again cannot tell.
    code = _REASONS.get(error.errno or 0, "fsync-failed" if isinstance(error, _SyncError) else "not-durable")
    return StorageError(code, path=path, reason=str(error))
