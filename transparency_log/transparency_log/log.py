"""The writer of a log: one process, one key, one folder of tiles.

An append goes like this, and a crash between any two steps loses and forks nothing:

    1. the new tree is computed and its checkpoint signed,
    2. checkpoint and entries are committed by compare-and-swap to the `LogState`, which is kept apart,
    3. tiles and entry bundles are written, none of which ever changes,
    4. `checkpoint` is replaced.

Nobody sees a checkpoint before step 2, so no two trees of one size can be signed. What step 3 or 4 did not
finish, `Log.open` finishes. A log that meets an error stops: it must be opened again, which checks everything
that it goes on from (`recovery`).

A log is used by one thread at a time; `sequencer` takes the entries of many. HTTP and asking witnesses are not done
here.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Self

from transparency_log.checkpoint import (
    Checkpoint,
    Cosignature,
    SignedCheckpoint,
    open_checkpoint,
    sign_checkpoint,
    verified_cosignatures,
)
from transparency_log.errors import CheckpointError, SequenceError, TileError
from transparency_log.frozen import FROZEN, sign_frozen
from transparency_log.merkle import EMPTY_ROOT, root_from
from transparency_log.note import MAX_SIGNATURES, Note, Signature, SigningKey, Verifier
from transparency_log.reader import (
    CHECKPOINT,
    COSIGNED_INDEX,
    MAX_COSIGNED,
    LogReader,
    cosigned_path,
    format_cosigned_sizes,
    read_cosigned_sizes,
)
from transparency_log.recovery import open_own, recover
from transparency_log.state import Committed, LogState
from transparency_log.storage import Storage
from transparency_log.tiles import ENTRIES, MAX_ENTRY, MAX_LEVEL, TILE_HEIGHT, TILE_WIDTH, RightEdge, Tile, level_size
from transparency_log.tree import TileReader

_log = logging.getLogger(__name__)

MAX_BATCH = 1 << 16  # entries: a batch is held in memory and committed in one transaction


class Log:
    """A log that can grow. Make it with `create`, once in its life, and with `open` ever after."""

    def __init__(
        self, storage: Storage, signers: Sequence[SigningKey], state: LogState, *, committed: Committed, edge: RightEdge
    ) -> None:
        self._storage = storage
        self._signers = signers
        self._key = signers[0].verifier
        self._state = state
        self._committed = committed
        self._edge = edge
        self._going = True
        self._settled = True  # whether `checkpoint` is on the disk

    @classmethod
    def create(
        cls, storage: Storage, signer: SigningKey, *, state: LogState, further: Sequence[SigningKey] = ()
    ) -> Self:
        """Start a new, empty log whose origin is the signer's name.

        `further` keys (ML-DSA-44, 0x06) sign every checkpoint beside the first, as in `sign_checkpoint`.

        Raises:
            SequenceError: `log-exists` if there is one, here or in the state.
        """
        # Creating is not opening: a log whose files or state were mislaid must not start again from nothing.
        if storage.read(CHECKPOINT) is not None or state.read() is not None:
            raise SequenceError("log-exists", origin=signer.name)
        note = sign_checkpoint(Checkpoint(signer.name, 0, EMPTY_ROOT), signer, *further)
        committed = Committed(note.format())
        state.begin(committed)
        storage.replace(CHECKPOINT, committed.checkpoint)
        return cls(storage, (signer, *further), state, committed=committed, edge=RightEdge())

    @classmethod
    def open(
        cls,
        storage: Storage,
        signer: SigningKey,
        *,
        state: LogState,
        further: Sequence[SigningKey] = (),
        seen: Iterable[bytes] = (),
    ) -> Self:
        """Go on with a log, after finishing what a crash may have left undone.

        `seen` are the checkpoints that witnesses say they have cosigned.

        Raises:
            SequenceError: It must not go on: `log-missing`, `committed-mismatch`, or what `recovery.recover` finds.
        """
        committed = state.read()
        if committed is None:
            raise SequenceError("log-missing", origin=signer.name)
        newest = open_own(committed.checkpoint, signer.verifier)
        edge, public = recover(storage, signer.verifier, committed, seen)
        log = cls(storage, (signer, *further), state, committed=committed, edge=edge)
        if edge.size < newest.size or public is None:
            files = edge.grow(committed.entries)
            # The files were checked up to the public checkpoint, the entries were committed: this is bit rot.
            if edge.root() != newest.root:
                raise SequenceError("committed-mismatch", expected=newest.root.hex(), found=edge.root().hex())
            log._publish(files)
            _log.warning("%s: finished an append that was interrupted, now %d entries", newest.origin, newest.size)
        else:
            log._settled = False  # who showed it may have been killed before that
        if committed.frozen is not None:
            storage.create(FROZEN, committed.frozen)
        return log

    @property
    def verifier(self) -> Verifier:
        """The log's public key, whose name is its origin."""
        return self._key

    @property
    def size(self) -> int:
        """The number of entries."""
        return self._edge.size

    @property
    def checkpoint(self) -> SignedCheckpoint:
        """The newest checkpoint, with the log's signatures only."""
        return open_checkpoint(self._committed.checkpoint, self._key)

    @property
    def frozen(self) -> bool:
        """Whether the newest checkpoint is the last."""
        return self._committed.frozen is not None

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the entries [start, end) as they lie in the files, checked."""
        return LogReader(self._storage.read, self._key).entries(start, end, self.size)

    def append(self, entry: bytes) -> int:
        """Add an entry of 1 to 65,535 bytes and return its index; it is then durable and public."""
        return self.append_many([entry])[0]

    def append_many(self, entries: Sequence[bytes]) -> list[int]:
        """Add entries under one checkpoint, all or none, and return their indices.

        Raises:
            TileError: `entry-length` or `batch-length`; nothing was added, and the log goes on.
            StorageError: The entries may be in or not: open the log again to know.
            SequenceError: `stopped` after an earlier error, `frozen` after the end, `state-moved` or `public-moved` if
                another writer was faster.
        """
        self._check_going()
        if self.frozen:
            raise SequenceError("frozen", size=self.size)
        check_entries(entries)
        if not entries:
            return []
        first = self.size
        self._going = False  # until all is done: in between, memory and files disagree
        files = self._edge.grow(entries)
        note = sign_checkpoint(Checkpoint(self._key.name, self.size, self._edge.root()), *self._signers)
        committed = Committed(note.format(), tuple(entries))
        self._settle()
        self._state.replace(self._committed, committed)
        self._committed = committed
        self._publish(files)
        self._going = True
        _log.debug("%s: appended %d entries, now %d", self._key.name, len(entries), self.size)
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
        if verified:  # known ones too: a crash may have come between the file of the size and the index of the sizes
            self._going = False
            self._publish_cosigned(size, Note(collected.text, lines))
            self._going = True
        return tuple(cosignature for _, cosignature in verified)

    def freeze(self) -> None:
        """End the log: nothing follows the newest checkpoint, and a note by its key says so to everybody.

        Cosignatures are still taken in. Freezing a frozen log does nothing.
        """
        self._check_going()
        if self.frozen:
            return
        note = sign_frozen(self.checkpoint.checkpoint, self._signers[0]).format()
        self._going = False
        # Committed first: once anybody has seen the note, no restart may forget it and go on.
        self._state.freeze(note)
        self._committed = Committed(self._committed.checkpoint, self._committed.entries, note)
        self._storage.create(FROZEN, note)
        self._going = True

    def collect(self) -> int:
        """Delete the partial tiles and bundles whose full one is there, and return how many (C2SP tlog-tiles).

        Readers that ask for such a partial one fall back on the full one. Nothing else is ever deleted.
        """
        self._check_going()
        deleted = 0
        self._going = False
        for full in self._full_tiles():
            names = self._storage.names(f"{full.path}.p")
            if names and self._storage.read(full.path) is not None:
                for name in names:
                    self._storage.delete(f"{full.path}.p/{name}")
                deleted += len(names)
        self._going = True
        return deleted

    def _full_tiles(self) -> Iterator[Tile]:
        for level in (ENTRIES, *range(MAX_LEVEL // TILE_HEIGHT + 1)):
            for index in range(level_size(self.size, level) // TILE_WIDTH):
                yield Tile(level, index)

    def _collected(self, size: int) -> Note:
        """Return the checkpoint of one size with all that was collected for it so far."""
        newest = self.checkpoint.checkpoint
        if not 0 <= size <= newest.size:
            raise CheckpointError("size-ahead", expected=newest.size, found=size)
        data = self._storage.read(cosigned_path(size))
        if data is not None:
            signed = open_checkpoint(data, self._key, max_signatures=MAX_COSIGNED)
            if signed.checkpoint.size != size:
                raise CheckpointError("size-mismatch", expected=size, found=signed.checkpoint.size)
            return signed.note
        # The witness may be late and the log have grown. Every earlier tree is a prefix of the newest: this is the
        # very checkpoint that the witness was sent.
        root = root_from(TileReader(self._storage.read, newest).node, size=size)
        return sign_checkpoint(Checkpoint(newest.origin, size, root), *self._signers)

    def _publish_cosigned(self, size: int, note: Note) -> None:
        self._storage.replace(cosigned_path(size), note.format())
        sizes = read_cosigned_sizes(self._storage.read)
        if size not in sizes:
            self._storage.replace(COSIGNED_INDEX, format_cosigned_sizes((*sizes, size)))
        if size == self.size:
            self._storage.replace(CHECKPOINT, _newest_lines(note).format())

    def _publish(self, files: Iterable[tuple[Tile, bytes]]) -> None:
        self._storage.create_all((tile.path, data) for tile, data in files)
        # Last, because whoever sees the checkpoint may ask for every tile below it.
        self._storage.replace(CHECKPOINT, self._committed.checkpoint)

    def _settle(self) -> None:
        """Make sure that `checkpoint` is the committed one, and on the disk, before the next commit goes beyond it."""
        shown = self._storage.read(CHECKPOINT)
        if shown is None or not shown.startswith(Note.parse(self._committed.checkpoint).text.encode()):
            # Somebody writes the same files with a copy of the state, and that copy's lock.
            raise SequenceError("public-moved", size=self.checkpoint.checkpoint.size)
        if not self._settled:
            self._storage.replace(CHECKPOINT, shown)
            self._settled = True

    def _check_going(self) -> None:
        if not self._going:
            raise SequenceError("stopped", expected="the log to be opened again")


def check_entries(entries: Sequence[bytes]) -> None:
    """Check that a log can take these entries in one commit.

    Raises:
        TileError: `batch-length` or `entry-length`.
    """
    if len(entries) > MAX_BATCH:
        raise TileError("batch-length", limit=MAX_BATCH, found=len(entries))
    for position, entry in enumerate(entries):
        # An empty entry is legal in a bundle and says nothing: most likely somebody's mistake.
        if not 1 <= len(entry) <= MAX_ENTRY:
            raise TileError("entry-length", position=position, expected=f"1 to {MAX_ENTRY}", found=len(entry))


def _newest_lines(note: Note) -> Note:
    """Return the note with the log's signature and each witness's last line: peers read about a hundred lines."""
    rising = sorted(note.signatures[1:], key=_stated_time)
    last = {(signature.name, signature.key_id): signature for signature in rising}
    return Note(note.text, (note.signatures[0], *last.values())[:MAX_SIGNATURES])


def _stated_time(signature: Signature) -> bytes:
    return signature.data[:8]
