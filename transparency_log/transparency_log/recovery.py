"""What must hold before a log may go on: else it could fork from what somebody has seen.

A log goes on from three things that must fit together: its key, the state that it committed, and its public files. A
fourth voice are its witnesses, who remember what a restored backup has forgotten.
"""

from collections.abc import Iterable

from transparency_log.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from transparency_log.errors import LogError, MerkleError, SequenceError, StorageError, TileError
from transparency_log.frozen import FROZEN, open_frozen
from transparency_log.merkle import EMPTY_ROOT, root_from
from transparency_log.note import Note, Verifier
from transparency_log.reader import CHECKPOINT, MAX_COSIGNED
from transparency_log.state import Committed, LogState
from transparency_log.storage import Storage
from transparency_log.tiles import RightEdge
from transparency_log.tree import TileReader


def open_own(data: bytes, key: Verifier) -> Checkpoint:
    """Return the checkpoint in a note that this log signed.

    Raises:
        SequenceError: `not-this-log`.
    """
    return _open_signed(data, key).checkpoint


def recover(
    storage: Storage, key: Verifier, committed: Committed, seen: Iterable[bytes]
) -> tuple[RightEdge, Checkpoint | None]:
    """Return the point from which a log goes on, as its public files show it, and their checkpoint if there is one.

    `seen` are checkpoints that witnesses say they have cosigned. What the log did not sign proves nothing, and is
    ignored.

    Raises:
        SequenceError: `not-this-log`, `public-ahead` (the state is an old backup), `public-behind` (the files are
            one), `public-differs`, `public-frozen`, `right-edge`, `witness-ahead` (all is one) or `witness-differs`.
    """
    newest = open_own(committed.checkpoint, key)
    told = [checkpoint for data in seen if (checkpoint := _signed(data, key)) is not None]
    for checkpoint in told:
        if checkpoint.size > newest.size:
            raise SequenceError("witness-ahead", expected=newest.size, found=checkpoint.size)
    public = _public(storage, key, newest=newest, before=newest.size - len(committed.entries))
    _check_frozen(storage, key, committed)
    tree = _tree(storage, public or Checkpoint(newest.origin, 0, EMPTY_ROOT))
    for checkpoint in told:
        if checkpoint.size <= tree.size and checkpoint.root != root_from(tree.node, size=checkpoint.size):
            raise SequenceError("witness-differs", size=checkpoint.size, found=checkpoint.root.hex())
    try:
        return tree.right_edge(), public
    except (MerkleError, StorageError, TileError) as error:
        raise _right_edge(tree.size, error) from None


def restore(storage: Storage, key: Verifier, state: LogState, *, size: int, seen: Iterable[bytes]) -> Committed:
    """Let a log go on from its public files, whatever its state was: the state is lost, or an old copy.

    That forgets nothing that anybody saw only if the files are the newest that ever were public. So they are compared
    with `size`, which somebody must have learnt elsewhere, with what witnesses have `seen`, and with the old state.
    Check the files themselves before (`LogReader.check`).

    Raises:
        SequenceError: `restore-size`, `public-behind`, `public-differs`, `witness-ahead`, `witness-differs` and others
            of `recover`; the state is then as it was.
    """
    data = storage.read(CHECKPOINT)
    if data is None:
        raise SequenceError("restore-size", expected=size, found=0)
    signed = _open_signed(data, key)
    public = signed.checkpoint
    if public.size != size:
        raise SequenceError("restore-size", expected=size, found=public.size)
    lines = [line for line in signed.note.signatures if line.name == key.name]  # the log's own, whatever their kind
    frozen = storage.read(FROZEN)
    new = Committed(Note(signed.note.text, tuple(lines)).format(), frozen=frozen)
    old = state.read()
    if old is not None:
        known = open_own(old.checkpoint, key)
        if known.size > public.size:
            # The log has signed it, and perhaps shown it: the files must be brought up from a copy first.
            raise SequenceError("public-behind", expected=known.size, found=public.size)
        if root_from(_tree(storage, public).node, size=known.size) != known.root:
            raise SequenceError("public-differs", expected=known.root.hex(), found=public.root.hex())
    recover(storage, key, new, seen)
    if old is None:
        state.begin(new)
    else:
        state.replace(old, new)
    if frozen is not None:
        state.freeze(frozen)
    return new


def _open_signed(data: bytes, key: Verifier) -> SignedCheckpoint:
    try:
        return open_checkpoint(data, key, max_signatures=MAX_COSIGNED)
    except LogError as error:
        # Another key or origin would start a second history under the first one's files.
        raise SequenceError("not-this-log", expected=key.vkey, reason=str(error)) from None


def _signed(data: bytes, key: Verifier) -> Checkpoint | None:
    try:
        return open_checkpoint(data, key, max_signatures=MAX_COSIGNED).checkpoint
    except LogError:
        return None


def _public(storage: Storage, key: Verifier, *, newest: Checkpoint, before: int) -> Checkpoint | None:
    """Return the checkpoint that the files show, which must be the committed one or the one before it."""
    data = storage.read(CHECKPOINT)
    if data is None:
        if before > 0:
            raise SequenceError("public-behind", expected=before, found=0)
        return None
    public = open_own(data, key)
    if public.size > newest.size:
        # The state is an old backup: signing on from it would fork what the public has seen.
        raise SequenceError("public-ahead", expected=newest.size, found=public.size)
    if public.size == newest.size and public.root != newest.root:
        raise SequenceError("public-differs", expected=newest.root.hex(), found=public.root.hex())
    if public.size not in (before, newest.size):
        raise SequenceError("public-behind", expected=before, found=public.size)
    return public


def _check_frozen(storage: Storage, key: Verifier, committed: Committed) -> None:
    data = storage.read(FROZEN)
    if data is not None and committed.frozen is None:
        # The state is from before the end, which everybody has seen.
        raise SequenceError("public-frozen", size=open_frozen(data, key).size)


def _tree(storage: Storage, public: Checkpoint) -> TileReader:
    try:
        return TileReader(storage.read, public)
    except (MerkleError, StorageError, TileError) as error:
        raise _right_edge(public.size, error) from None


def _right_edge(size: int, error: LogError) -> SequenceError:
    # Growing from hashes that are not below the checkpoint would fork from it.
    return SequenceError("right-edge", size=size, reason=str(error))
