"""A log in an object store: files that are created once or replaced, and a memory that changes by compare-and-swap."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Protocol

from transparency_log import Committed
from transparency_log.errors import SequenceError, StorageError


class Bucket(Protocol):
    """What an S3-like store offers. An `etag` names one version of an object; a write is durable when it returns."""

    def get(self, key: str) -> tuple[bytes, str] | None:
        """Return an object and its etag."""

    def put(self, key: str, data: bytes, *, if_match: str | None = None, if_none_match: bool = False) -> bool:
        """Write an object under a condition (`If-Match`, `If-None-Match: *`); False where it did not hold."""

    def delete(self, key: str) -> None:
        """Remove an object."""

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below a prefix."""


class Objects:
    """`transparency_log.Storage` in a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes."""
        found = self._bucket.get(path)
        return None if found is None else found[0]

    def create(self, path: str, data: bytes) -> None:
        """Make a file that will never change: the store itself refuses a second one."""
        if not self._bucket.put(path, data, if_none_match=True) and self.read(path) != data:
            raise StorageError("immutable", path=path, expected="the same bytes")

    def create_all(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Make many such files."""
        for path, data in files:
            self.create(path, data)

    def replace(self, path: str, data: bytes) -> None:
        """Write a file at a stroke."""
        self._bucket.put(path, data)

    def delete(self, path: str) -> None:
        """Remove a file."""
        self._bucket.delete(path)

    def names(self, folder: str) -> list[str]:
        """Return the names of the files in a folder."""
        inside = (key.removeprefix(f"{folder}/") for key in self._bucket.keys(f"{folder}/"))
        return [name for name in inside if "/" not in name]


class BucketState:
    """`transparency_log.LogState` in a bucket apart from the public files: one object, swapped by its etag."""

    KEY = "state.json"

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def read(self) -> Committed | None:
        """Return what was committed last."""
        found = self._bucket.get(self.KEY)
        return None if found is None else _parse(found[0])

    def begin(self, first: Committed) -> None:
        """Commit the first checkpoint."""
        if not self._bucket.put(self.KEY, _format(first), if_none_match=True):
            raise SequenceError("state-exists")

    def replace(self, old: Committed, new: Committed) -> None:
        """Commit `new` if nobody was faster: two writers would sign two trees of one size."""
        found = self._bucket.get(self.KEY)
        if found is None or _parse(found[0]) != old or not self._bucket.put(self.KEY, _format(new), if_match=found[1]):
            raise SequenceError("state-moved")

    def freeze(self, note: bytes) -> None:
        """Commit, for ever, that nothing follows."""
        if (known := self.read()) is None:
            raise SequenceError("state-missing", path=self.KEY)
        self.replace(known, Committed(known.checkpoint, known.entries, note))


def _format(committed: Committed) -> bytes:
    told = [committed.checkpoint, committed.frozen or b"", *committed.entries]
    return json.dumps([b64encode(data).decode() for data in told]).encode()


def _parse(data: bytes) -> Committed:
    checkpoint, frozen, *entries = (b64decode(text) for text in json.loads(data))
    return Committed(checkpoint, tuple(entries), frozen or None)
