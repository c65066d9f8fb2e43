"""Somebody else's log, as a stranger reads it: a folder or a web address with the static files of C2SP tlog-tiles.

Nothing that comes from there is believed: `verify` hashes every entry again. What cannot be had is left out, and the
checks say so.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from hashlib import sha256
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from fairdraw.errors import SnapshotError, WorkspaceError
from fairdraw.roster import Data
from fairdraw.trust import Trust
from fairdraw.values import Artifact
from fairdraw.verify.case import LogView
from fairdraw_cli.files import MAPPED_FROM
from fairdraw_cli.history import workers_of
from fairdraw_cli.regulations import genuine
from transparency_log.checkpoint import Checkpoint, open_checkpoint
from transparency_log.errors import LogError, RemoteError
from transparency_log.frozen import FROZEN
from transparency_log.mirror import artifact_path
from transparency_log.note import Note, Verifier
from transparency_log.reader import CHECKPOINT, MAX_COSIGNED, cosigned_path, read_cosigned_sizes
from transparency_log.storage import Directory
from transparency_log.tiles import ENTRIES, TILE_WIDTH, tile_at
from transparency_log.tree import read_ahead, read_bundle

Read = Callable[[str], bytes | None]
WEB: Final = ("http://", "https://")
_BLOCK: Final = 1 << 22  # bytes that are copied at once


def open_source(where: str) -> Read:
    """Return how the files of a log are read, from a folder or over HTTP.

    Raises:
        WorkspaceError: `log-not-found`, or `log-not-named`.
        RemoteError: `remote-url`.
    """
    if where.startswith(WEB):
        from transparency_log.remote import Remote

        return Remote(where)
    return Directory(log_folder(where)).read


@contextmanager
def opened(where: str) -> Iterator[tuple[Read, int]]:
    """Give how a log's files are read, and by how many threads at once; connections are closed after.

    Raises:
        WorkspaceError: `log-not-found`, or `log-not-named`.
        RemoteError: `remote-url`, or `remote-proxy`.
    """
    files = open_source(where)
    with closing(files) if hasattr(files, "close") else nullcontext():
        yield files, workers_of(files)


def log_folder(where: str) -> Path:
    """Return the folder with a log's files: the one that is given, or the one in the workspace that is given.

    Raises:
        WorkspaceError: `log-not-found`, or `log-not-named`.
    """
    if not where:
        raise WorkspaceError("log-not-named")  # an empty variable in a script must not mean the folder one stands in
    root = Path(where)
    # A whole workspace is given as often as the folder in it.
    inside = root / "log"
    root = inside if not (root / CHECKPOINT).exists() and (inside / CHECKPOINT).exists() else root
    if not (root / CHECKPOINT).is_file():
        raise WorkspaceError("log-not-found", found=where)
    return root


class Beside(Mapping[str, bytes]):
    """The artifacts beside a log, by digest, each read when it is asked for: a year has thousands, a draw a few."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._known: dict[str, bytes | None] = {}

    def __getitem__(self, digest: str) -> bytes:
        """Return the bytes that are served under a digest; whether they are what it says is for the reader to check."""
        if digest not in self._known:
            told = self._read(artifact_path(digest))  # an empty list is a file, too
            # A regulation of the package is the reader's own: no statement names what a bureau's own derives from.
            self._known[digest] = genuine(digest) if told is None else told
        data = self._known[digest]
        if data is None:
            raise KeyError(digest)
        return data

    def __iter__(self) -> Iterator[str]:
        """Yield what was read so far: nobody lists a log's artifacts."""
        return (digest for digest, data in self._known.items() if data is not None)

    def __len__(self) -> int:
        """Return how many were read so far."""
        return sum(1 for _ in self)


def rosters_in(where: str) -> Callable[[Artifact], Data | None] | None:
    """Return what finds in a log's folder the rosters that bundles leave out (specs/bundle.md §4); None on the web."""
    if where.startswith(WEB):
        return None
    root = log_folder(where)

    def find(named: Artifact) -> Data | None:
        path = root / artifact_path(named.digest)
        return copied(path, named) if path.is_file() else None

    return find


def copied(path: Path, named: Artifact) -> Data:
    """Return the bytes of a file that somebody else may write to; those of a large one stay in a nameless file of ours.

    Were theirs mapped, it could be exchanged once its digest was found right, and cutting it would kill the process,
    which is no verdict. Nothing is parsed, and no more is read, than what was named.

    Raises:
        WorkspaceError: `file-missing`, or `not-a-file`: a pipe or a device has no end.
        SnapshotError: `wrong-digest`.
    """
    if not path.is_file():
        raise WorkspaceError("not-a-file" if path.exists() else "file-missing", found=str(path))
    told, left = sha256(), named.length + 1
    with path.open("rb") as theirs, TemporaryFile() as ours:
        while block := theirs.read(min(_BLOCK, left)):
            told.update(block)
            ours.write(block)
            left -= len(block)
        if (told.hexdigest(), left) != (named.digest, 1):
            raise SnapshotError("wrong-digest", expected=named.digest, found=told.hexdigest())
        ours.seek(0)
        return mmap(ours.fileno(), 0, access=ACCESS_READ) if named.length >= MAPPED_FROM else ours.read()


def view(read: Read, trust: Trust, *, where: str = CHECKPOINT) -> LogView:
    """Return the whole log as found at `where`; but for the newest checkpoint's signature nothing is checked yet.

    Raises:
        WorkspaceError: `log-not-found`: there is no readable checkpoint.
        RemoteError: whether there is one cannot be told.
    """
    try:
        # Both before the checkpoint: a log that grows meanwhile has cosigned no more than it then shows.
        frozen, sizes = read(FROZEN), read_cosigned_sizes(read)
        newest = read(CHECKPOINT)
        if newest is None:
            raise WorkspaceError("log-not-found", found=where)
        shown = Checkpoint.parse(Note.parse(newest, max_signatures=MAX_COSIGNED).text)
    except RemoteError:
        raise
    except LogError as error:
        raise WorkspaceError("log-not-found", found=where, reason=str(error)) from None
    if not _is_signed(newest, trust.log_key(shown.origin)):
        # Whoever serves the files could claim any size: nothing more is read, and the checks say what is wrong.
        return LogView([], [newest])
    size = shown.size
    cosigned = [data for known in sizes if known <= size and (data := read(cosigned_path(known))) is not None]
    return LogView(_entries(read, size), [*cosigned, newest], Beside(read), frozen)


def _is_signed(checkpoint: bytes, key: Verifier | None) -> bool:
    try:
        return key is not None and bool(open_checkpoint(checkpoint, key, max_signatures=MAX_COSIGNED))
    except LogError:
        return False


def _entries(read: Read, size: int) -> list[bytes | None]:
    """Return the entries up to the first that is missing or cannot be read."""
    bundles = (tile_at(ENTRIES, first, size=size) for first in range(0, size, TILE_WIDTH))
    told: list[bytes | None] = []
    try:
        for entries in read_ahead(partial(read_bundle, read), bundles, workers_of(read)):
            told += entries
    except RemoteError:
        raise
    except LogError:
        pass  # the checks say that entries are missing
    return told
