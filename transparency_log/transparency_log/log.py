"""The writer of a log: one process, one key, one folder of tiles.

An append goes like this, and a crash between any two steps loses and forks nothing:

    1. the new tree is computed and its checkpoint signed,
    2. checkpoint and entries are committed by compare-and-swap to the `LogState`, which is kept apart,
    3. tiles and entry bundles are written, none of which ever changes,
    4. `checkpoint` is replaced.

Nobody sees a checkpoint before step 2, so no two trees of one size can be signed. What step 3 or 4 did not
finish, `Log.open` finishes. A log that meets an error stops: it must be opened again, which checks everything
that it goes on from.

Batching, HTTP and asking witnesses are not done here.
"""

from collections.abc import Iterable, Sequence
from typing import Self

from transparency_log.checkpoint import (
    Checkpoint,
    Cosignature,
    SignedCheckpoint,
    open_checkpoint,
    sign_checkpoint,
    verified_cosignatures,
)
from transparency_log.errors import CheckpointError, MerkleError, NoteError, SequenceError, StorageError, TileError
from transparency_log.merkle import EMPTY_ROOT, root_from
from transparency_log.note import MAX_SIGNATURES, Note, Signature, Signer, Verifier
from transparency_log.reader import (
    CHECKPOINT,
    COSIGNED_INDEX,
    MAX_COSIGNED,
    TileReader,
    cosigned_path,
    format_cosigned_sizes,
    read_cosigned_sizes,
)
from transparency_log.state import Committed, LogState
from transparency_log.storage import Storage
from transparency_log.tiles import MAX_ENTRY, RightEdge, Tile, tiles_between

MAX_BATCH = 1 << 16  # entries: a batch is held in memory and committed in one transaction


class Log:
    """A log that can grow. Make it with `create`, once in its life, and with `open` ever after."""

    def __init__(
        self, storage: Storage, signer: Signer, state: LogState, *, committed: Committed, edge: RightEdge
    ) -> None:
        self._storage = storage
        self._signer = signer
        self._state = state
        self._committed = committed
        self._edge = edge
        self._going = True

    @classmethod
    def create(cls, storage: Storage, signer: Signer, *, state: LogState) -> Self:
        """Start a new, empty log whose origin is the signer's name.

        Raises:
            SequenceError: `log-exists` if there is one, here or in the state.
        """
        # Creating is not opening: a log whose files or state were mislaid must not start again from nothing.
        if storage.read(CHECKPOINT) is not None or state.read() is not None:
            raise SequenceError("log-exists", origin=signer.name)
        note = sign_checkpoint(Checkpoint(signer.name, 0, EMPTY_ROOT), signer)
        committed = Committed(note.format())
        state.create(committed)
        storage.replace(CHECKPOINT, committed.checkpoint)
        return cls(storage, signer, state, committed=committed, edge=RightEdge())

    @classmethod
    def open(cls, storage: Storage, signer: Signer, *, state: LogState) -> Self:
        """Go on with a log, after finishing what a crash may have left undone.

        Raises:
            SequenceError: It must not go on: `log-missing`, `not-this-log`, `public-ahead` (the state is an old
                backup), `public-behind` (the files are one), `public-differs`, `right-edge`, `committed-mismatch`.
        """
        committed = state.read()
        if committed is None:
            raise SequenceError("log-missing", origin=signer.name)
        newest = _open_own(committed.checkpoint, signer)
        public = _open_public(storage, signer, newest=newest, before=newest.size - len(committed.entries))
        edge = _right_edge(storage, public or Checkpoint(signer.name, 0, EMPTY_ROOT))
        log = cls(storage, signer, state, committed=committed, edge=edge)
        if edge.size < newest.size or public is None:
            files = _grow(edge, committed.entries)
            # The files were checked up to the public checkpoint, the entries were committed: this is bit rot.
            if edge.root() != newest.root:
                raise SequenceError("committed-mismatch", expected=newest.root.hex(), found=edge.root().hex())
            log._publish(files)
        return log

    @property
    def size(self) -> int:
        """The number of entries."""
        return self._edge.size

    @property
    def checkpoint(self) -> SignedCheckpoint:
        """The newest checkpoint, with the log's signature only."""
        return open_checkpoint(self._committed.checkpoint, self._signer.verifier)

    def append(self, entry: bytes) -> int:
        """Add an entry of 1 to 65,535 bytes and return its index; it is then durable and public."""
        return self.append_many([entry])[0]

    def append_many(self, entries: Sequence[bytes]) -> list[int]:
        """Add entries under one checkpoint, all or none, and return their indices.

        Raises:
            TileError: `entry-length` or `batch-length`; nothing was added, and the log goes on.
            StorageError: The entries may be in or not: open the log again to know.
            SequenceError: `stopped` after an earlier error, `state-moved` if another writer was faster.
        """
        self._check_going()
        _check_entries(entries)
        if not entries:
            return []
        first = self.size
        self._going = False  # until all is done: in between, memory and files disagree
        files = _grow(self._edge, entries)
        note = sign_checkpoint(Checkpoint(self._signer.name, self.size, self._edge.root()), self._signer)
        committed = Committed(note.format(), tuple(entries))
        self._state.replace(self._committed, committed)
        self._committed = committed
        self._publish(files)
        self._going = True
        return list(range(first, self.size))

    def add_cosignatures(
        self, size: int, signatures: Iterable[Signature], witness_verifiers: Iterable[Verifier]
    ) -> tuple[Cosignature, ...]:
        """Publish what witnesses answered for the checkpoint of one size, and return what was verified.

        Lines of unknown keys, and lines that state no time, are left out. Every other line is kept for
        ever, several of one witness too: the earliest tells when the tree was seen, the latest that it was
        still the newest.

        Raises:
            CheckpointError: `cosignature-invalid`, `size-ahead` or `cosigned-full`; nothing was published.
        """
        self._check_going()
        collected = self._collected(size)
        answer = Note(collected.text, (collected.signatures[0], *signatures))
        verified = [
            (signature, cosignature)
            for signature, cosignature in verified_cosignatures(answer, witness_verifiers)
            if cosignature.timestamp > 0
        ]
        lines = tuple(dict.fromkeys((*collected.signatures, *(signature for signature, _ in verified))))
        if len(lines) > MAX_COSIGNED:
            raise CheckpointError("cosigned-full", size=size, limit=MAX_COSIGNED, found=len(lines))
        if len(lines) > len(collected.signatures):
            self._going = False
            self._publish_cosigned(size, Note(collected.text, lines))
            self._going = True
        return tuple(cosignature for _, cosignature in verified)

    def _collected(self, size: int) -> Note:
        """Return the checkpoint of one size with all that was collected for it so far."""
        newest = self.checkpoint.checkpoint
        if not 0 <= size <= newest.size:
            raise CheckpointError("size-ahead", expected=newest.size, found=size)
        data = self._storage.read(cosigned_path(size))
        if data is not None:
            signed = open_checkpoint(data, self._signer.verifier, max_signatures=MAX_COSIGNED)
            if signed.checkpoint.size != size:
                raise CheckpointError("size-mismatch", expected=size, found=signed.checkpoint.size)
            return signed.note
        # The witness may be late and the log have grown. Every earlier tree is a prefix of the newest, and Ed25519
        # signs one text with always the same bytes: this is the very checkpoint that the witness was sent.
        root = root_from(TileReader(self._storage.read, newest).node, size=size)
        return sign_checkpoint(Checkpoint(newest.origin, size, root), self._signer)

    def _publish_cosigned(self, size: int, note: Note) -> None:
        self._storage.replace(cosigned_path(size), note.format())
        sizes = read_cosigned_sizes(self._storage.read)
        if size not in sizes:
            self._storage.replace(COSIGNED_INDEX, format_cosigned_sizes((*sizes, size)))
        if size == self.size:
            self._storage.replace(CHECKPOINT, _newest_lines(note).format())

    def _publish(self, files: Iterable[tuple[Tile, bytes]]) -> None:
        for tile, data in files:
            self._storage.create(tile.path, data)
        # Last, because whoever sees the checkpoint may ask for every tile below it.
        self._storage.replace(CHECKPOINT, self._committed.checkpoint)

    def _check_going(self) -> None:
        if not self._going:
            raise SequenceError("stopped", expected="the log to be opened again")


def _grow(edge: RightEdge, entries: Iterable[bytes]) -> list[tuple[Tile, bytes]]:
    """Append the entries and return every file that the larger tree needs and the smaller one had not."""
    old_size = edge.size
    files = [file for entry in entries for file in edge.append(entry)]
    needed = set(tiles_between(old_size, edge.size))
    return files + [(tile, data) for tile, data in edge.partials() if tile in needed]


def _check_entries(entries: Sequence[bytes]) -> None:
    if len(entries) > MAX_BATCH:
        raise TileError("batch-length", limit=MAX_BATCH, found=len(entries))
    for position, entry in enumerate(entries):
        # An empty entry is legal in a bundle and says nothing: most likely somebody's mistake.
        if not 1 <= len(entry) <= MAX_ENTRY:
            raise TileError("entry-length", position=position, expected=f"1 to {MAX_ENTRY}", found=len(entry))


def _open_own(data: bytes, signer: Signer) -> Checkpoint:
    try:
        return open_checkpoint(data, signer.verifier, max_signatures=MAX_COSIGNED).checkpoint
    except (NoteError, CheckpointError) as error:
        # Another key or origin would start a second history under the first one's files.
        raise SequenceError("not-this-log", expected=signer.verifier.vkey, reason=str(error)) from None


def _open_public(storage: Storage, signer: Signer, *, newest: Checkpoint, before: int) -> Checkpoint | None:
    """Return the checkpoint that the files show, which must be the committed one or the one before it."""
    data = storage.read(CHECKPOINT)
    if data is None:
        if before > 0:
            raise SequenceError("public-behind", expected=before, found=None)
        return None
    public = _open_own(data, signer)
    if public.size > newest.size:
        # The state is an old backup: signing on from it would fork what the public has seen.
        raise SequenceError("public-ahead", expected=newest.size, found=public.size)
    if public.size == newest.size and public.root != newest.root:
        raise SequenceError("public-differs", expected=newest.root.hex(), found=public.root.hex())
    if public.size not in (before, newest.size):
        raise SequenceError("public-behind", expected=before, found=public.size)
    return public


def _right_edge(storage: Storage, public: Checkpoint) -> RightEdge:
    try:
        return TileReader(storage.read, public).right_edge()
    except (MerkleError, StorageError, TileError) as error:
        # Growing from hashes that are not below the checkpoint would fork from it.
        raise SequenceError("right-edge", size=public.size, reason=str(error)) from None


def _newest_lines(note: Note) -> Note:
    """Return the note with the log's signature and each witness's last line: peers read about a hundred lines."""
    rising = sorted(note.signatures[1:], key=_stated_time)
    last = {(signature.name, signature.key_id): signature for signature in rising}
    return Note(note.text, (note.signatures[0], *last.values())[:MAX_SIGNATURES])


def _stated_time(signature: Signature) -> bytes:
    return signature.data[:8]
