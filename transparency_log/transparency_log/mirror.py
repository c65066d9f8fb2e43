"""A copy of a log that itself serves and checks: whoever has it can show what the log once showed.

Nothing enters the copy before it is verified: the log's signature, the new tree against the one that is held, every
entry against its hash. A copy only grows; no file of it is replaced by another history's. It goes like this, and may
be interrupted between any two steps:

    1. the source's newest checkpoint is compared with all that the copy holds, and kept as `incoming`,
    2. entries are read, and bundles and full tiles written, some at a time,
    3. the artifacts that new entries name are fetched; of those not to be had `lacking` has a list,
    4. cosignatures are added to those that are held,
    5. `checkpoint` is replaced, and then what speaks of it: `cosigned/index`, and `frozen` where there is one.

So the copy shows a checkpoint only when it holds all below it, and a source that tells another story after an
interruption is convicted with `incoming`. `incoming` and `lacking` are for the copy itself; other readers do not look
at them. One process writes a copy; any number read it.

What entries mean is not known here: `artifacts` tells which files an entry names. A withdrawn artifact is not fetched,
and one that is held already is reported and not deleted: a log's operator could forge a withdrawal to make every copy
forget.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from threading import Lock
from typing import Final

from transparency_log.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from transparency_log.errors import ForkError, MirrorError, RemoteError, StorageError
from transparency_log.evidence import find_fork
from transparency_log.frozen import FROZEN, open_frozen
from transparency_log.merkle import NodeReader, root_from
from transparency_log.note import Note, Signature, Verifier, known_signatures
from transparency_log.reader import (
    CHECKPOINT,
    COSIGNED_INDEX,
    MAX_COSIGNED,
    cosigned_path,
    format_cosigned_sizes,
    read_cosigned_sizes,
)
from transparency_log.storage import File, Storage
from transparency_log.tiles import (
    ENTRIES,
    TILE_HEIGHT,
    TILE_WIDTH,
    RightEdge,
    Tile,
    encode_bundle,
    encode_hashes,
    level_size,
    tile_at,
)
from transparency_log.tree import Read, TileReader, read_ahead

INCOMING: Final = "incoming"
LACKING: Final = "lacking"

# Bundles written at a time: with entries of a kilobyte 4 MiB, with the largest 256 MiB.
STEP: Final = 16

_LINE = re.compile(r"lacking (?P<digest>[0-9a-f]{64}) (?P<length>[0-9]{1,16})|withdrawn (?P<withdrawn>[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class ArtifactRefs:
    """What an entry says about files beside the log: which it names, by SHA-256 in hex, and which it withdraws."""

    named: tuple[tuple[str, int], ...] = ()
    withdrawn: tuple[str, ...] = ()


NamedBy = Callable[[bytes], ArtifactRefs]
"""Tells which artifacts an entry names, each with its length in bytes, and which it withdraws."""


@dataclass(frozen=True, slots=True)
class Update:
    """How a copy grew: to which checkpoint, from which size, and which artifacts are not as they should be.

    `lacking` are named and could not be had; `withdrawn` were withdrawn by an entry and are still held.
    """

    signed: SignedCheckpoint
    before: int
    lacking: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()


@dataclass(slots=True)
class _Artifacts:
    """What the copy knows of artifacts that it does not hold, or should not: the file `lacking`."""

    lacking: dict[str, int] = field(default_factory=dict)
    withdrawn: dict[str, None] = field(default_factory=dict)  # ordered, and no twice

    @classmethod
    def parse(cls, data: bytes) -> "_Artifacts":
        told = cls()
        for line in data.decode("ascii", "replace").split("\n")[:-1]:
            match = _LINE.fullmatch(line)
            if match is None:
                raise MirrorError("lacking-format", path=LACKING, found=line[:80])
            if match["withdrawn"] is None:
                told.lacking[match["digest"]] = int(match["length"])
            else:
                told.withdrawn[match["withdrawn"]] = None
        return told

    def format(self) -> bytes:
        lines = [f"lacking {digest} {length}\n" for digest, length in self.lacking.items()]
        return "".join([*lines, *(f"withdrawn {digest}\n" for digest in self.withdrawn)]).encode("ascii")


class Mirror:
    """A copy in `storage` of the log that `read` gives; `log_verifier` is the log's public key.

    With `workers` above 1 so many threads call `read` at once. `progress` hears how many entries are held, and of how
    many.
    """

    def __init__(
        self,
        storage: Storage,
        read: Read,
        log_verifier: Verifier,
        *,
        origin: str | None = None,
        artifacts: NamedBy | None = None,
        workers: int = 1,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._storage = storage
        self._read = read
        self._verifier = log_verifier
        self._origin = origin
        self._named_by = artifacts
        self._workers = workers
        self._progress = progress
        self._lock = Lock()

    def update(self) -> Update:
        """Bring the copy up to the source's newest checkpoint.

        Raises:
            ForkError: `fork`: the source shows another history than the copy holds. Nothing was changed.
            MirrorError: `source-behind`: the source shows less than the copy holds; `grown-after-freeze`.
            LogError: Something at the source is missing or not what it must be; the next call goes on from there.
        """
        with self._lock:  # the slower of two would move the copy back
            return self._update()

    def _update(self) -> Update:
        held = self._held(CHECKPOINT)
        newest = self._open(self._read, CHECKPOINT)
        before = 0 if held is None else held.checkpoint.size
        frozen = self._frozen(newest.checkpoint)
        tree = TileReader(self._read, newest.checkpoint)
        self._check_grown(newest, tree)
        if before < tree.size:
            self._copy_entries(tree, before)
        copied = TileReader(self._storage.read, newest.checkpoint)
        artifacts = self._copy_artifacts(copied, before)
        cosigned = self._copy_cosigned(copied, newest)
        self._storage.replace(CHECKPOINT, newest.note.format())
        self._list_cosigned(cosigned)
        if frozen is not None:
            self._storage.create(FROZEN, frozen)
        return Update(newest, before, tuple(artifacts.lacking), tuple(filter(self._has, artifacts.withdrawn)))

    def hold(self, checkpoint: Checkpoint) -> None:
        """Bring everything below a checkpoint into keeping: a witness that is a mirror then cosigns it.

        Raises:
            MirrorError: `not-public`: the source does not show so much yet; `not-held`: it shows another tree; or
                `artifact-lacking`: the bytes of an artifact cannot be had.
            LogError: As for `update`.
        """
        held = self._held(CHECKPOINT)
        lacking = tuple(self._artifacts().lacking)
        if held is None or held.checkpoint.size < checkpoint.size or lacking:
            update = self.update()
            held, lacking = update.signed, update.lacking
        if held.checkpoint.size < checkpoint.size:
            raise MirrorError("not-public", expected=checkpoint.size, found=held.checkpoint.size)
        found = root_from(TileReader(self._storage.read, held.checkpoint).node, size=checkpoint.size)
        if found != checkpoint.root:
            raise MirrorError("not-held", size=checkpoint.size, expected=checkpoint.root.hex(), found=found.hex())
        if lacking:
            raise MirrorError("artifact-lacking", digest=lacking[0], count=len(lacking))

    def _check_grown(self, newest: SignedCheckpoint, tree: TileReader) -> None:
        """Check that the source's newest tree has all that is held or was coming, and keep it as what is coming."""
        known = self._held(INCOMING) or self._held(CHECKPOINT)
        if known is not None:
            behind = newest.checkpoint.size < known.checkpoint.size
            self._check_history(known, newest, (TileReader(self._either, known.checkpoint) if behind else tree).node)
            if behind:
                # An old copy of the log, or a reader that is shown less than others: what is held stays.
                raise MirrorError("source-behind", expected=known.checkpoint.size, found=newest.checkpoint.size)
        if known is None or known.checkpoint != newest.checkpoint:
            self._storage.replace(INCOMING, newest.note.format())

    def _check_history(self, one: SignedCheckpoint, other: SignedCheckpoint, node: NodeReader) -> None:
        fork = find_fork(one, other, log_verifier=self._verifier, node=node)
        if fork is not None:
            sizes = sorted((one.checkpoint.size, other.checkpoint.size))
            raise ForkError("fork", fork.format(), old_size=sizes[0], new_size=sizes[1])

    def _copy_entries(self, tree: TileReader, before: int) -> None:
        """Write every bundle and tile that is not held; full ones in steps, partial ones at the end."""
        bundles = -(-tree.size // TILE_WIDTH)
        start = self._first_to_read(before // TILE_WIDTH, tree.size // TILE_WIDTH)
        edge = _edge_of(tree, start * TILE_WIDTH)
        read = read_ahead(tree.entries, range(start, bundles), self._workers)
        while some := list(islice(read, STEP)):
            self._create(file for entries in some for file in edge.extend(entries))
            if self._progress is not None:
                self._progress(edge.size, tree.size)
        self._create(edge.partials())

    def _first_to_read(self, low: int, high: int) -> int:
        """Return a bundle below which all are held: where the last, interrupted, update stopped, or a little before."""
        first = low
        while low < high:
            middle = (low + high) // 2
            if self._storage.read(Tile(ENTRIES, middle).path) is None:
                high = middle
            else:
                low = middle + 1
        # Of the step that was interrupted any file may be missing, of the steps before none.
        return max(first, low - STEP)

    def _copy_artifacts(self, tree: TileReader, before: int) -> _Artifacts:
        """Fetch what the entries from `before` on name, and what was lacking so far."""
        artifacts = self._artifacts()
        if self._named_by is None:
            return artifacts
        known = artifacts.format()
        for digest, length in tuple(artifacts.lacking.items()):
            if self._fetch(digest, length):
                del artifacts.lacking[digest]
        for bundle in range(before // TILE_WIDTH, -(-tree.size // TILE_WIDTH)):
            for entry in tree.entries(bundle):
                refs = self._named_by(entry)
                for digest in refs.withdrawn:
                    artifacts.withdrawn[digest] = None
                    artifacts.lacking.pop(digest, None)
                for digest, length in refs.named:
                    if digest not in artifacts.withdrawn and not self._fetch(digest, length):
                        artifacts.lacking[digest] = length
        if artifacts.format() != known:
            self._storage.replace(LACKING, artifacts.format())
        return artifacts

    def _fetch(self, digest: str, length: int) -> bool:
        path = artifact_path(digest)
        if self._storage.read(path) is not None:
            return True
        try:
            data = self._read(path)
        except RemoteError as error:
            if error.code == "remote-too-large":
                return False
            raise
        if data is None or not is_artifact(data, digest, length):
            return False
        self._storage.create(path, data)
        return True

    def _has(self, digest: str) -> bool:
        return self._storage.read(artifact_path(digest)) is not None

    def _artifacts(self) -> _Artifacts:
        return _Artifacts.parse(self._storage.read(LACKING) or b"")

    def _copy_cosigned(self, tree: TileReader, newest: SignedCheckpoint) -> set[int]:
        """Take over every cosignature and return for which sizes: a line that anybody has had cannot be hidden."""
        found = {size for size in read_cosigned_sizes(self._read) if size <= tree.size}
        for size in found:
            signed = self._open(self._read, cosigned_path(size))
            if signed.checkpoint.size != size:
                raise MirrorError("size-mismatch", path=cosigned_path(size), expected=size)
            self._check_history(signed, newest, tree.node)
            self._unite(size, signed.note)
        if len(newest.note.signatures) > 1:
            found.add(tree.size)
            self._unite(tree.size, newest.note)
        for size in found.difference(read_cosigned_sizes(self._storage.read)):
            self._create(_partials_of(tree, size))
        return found

    def _list_cosigned(self, found: set[int]) -> None:
        held = set(read_cosigned_sizes(self._storage.read))
        if found - held:
            self._storage.replace(COSIGNED_INDEX, format_cosigned_sizes(found | held))

    def _unite(self, size: int, note: Note) -> None:
        """Add the lines of a note to those that are held, which stay first, so that no flood drives them out."""
        data = self._storage.read(cosigned_path(size))
        held = () if data is None else Note.parse(data, max_signatures=MAX_COSIGNED).signatures
        own: Iterator[Signature] = (line for line, _ in known_signatures(note, [self._verifier]))
        lines = tuple(dict.fromkeys((*held, *own, *note.signatures)))[:MAX_COSIGNED]
        if lines != held:
            self._storage.replace(cosigned_path(size), Note(note.text, lines).format())

    def _frozen(self, newest: Checkpoint) -> bytes | None:
        """Return the source's note that `newest` is the last, if there is one.

        Raises:
            MirrorError: `grown-after-freeze`.
        """
        data = None
        for read in (self._storage.read, self._read):
            if (data := read(FROZEN)) is not None:
                last = open_frozen(data, self._verifier, origin=self._origin)
                if last.size < newest.size or (last.size == newest.size and last.root != newest.root):
                    raise MirrorError("grown-after-freeze", expected=last.size, found=newest.size)
                if last.size > newest.size:  # it froze after its checkpoint was read
                    data = None
        return data

    def _create(self, files: Iterable[tuple[Tile, bytes]]) -> None:
        named: Iterator[File] = ((tile.path, data) for tile, data in files)
        self._storage.create_all(named)

    def _either(self, path: str) -> bytes | None:
        data = self._storage.read(path)
        return self._read(path) if data is None else data

    def _held(self, path: str) -> SignedCheckpoint | None:
        return None if self._storage.read(path) is None else self._open(self._storage.read, path)

    def _open(self, read: Read, path: str) -> SignedCheckpoint:
        data = read(path)
        if data is None:
            raise StorageError("missing", path=path)
        return open_checkpoint(data, self._verifier, origin=self._origin, max_signatures=MAX_COSIGNED)


def artifact_path(digest: str) -> str:
    """Return where the artifact with this SHA-256 lies."""
    return f"artifact/{digest}"


def is_artifact(data: bytes, digest: str, length: int) -> bool:
    """Whether the bytes are those that were named."""
    return len(data) == length and sha256(data).hexdigest() == digest


def _edge_of(tree: TileReader, size: int) -> RightEdge:
    """Return the right edge that the tree had at a size that is a multiple of 256: no bundle was unfinished."""
    levels = []
    for level in range(-(-size.bit_length() // TILE_HEIGHT)):
        count = level_size(size, level)
        first = count - count % TILE_WIDTH
        levels.append([tree.node(level * TILE_HEIGHT, index) for index in range(first, count)])
    return RightEdge(size, (), levels)


def _partials_of(tree: TileReader, size: int) -> Iterator[tuple[Tile, bytes]]:
    """Yield the partial tiles of an earlier size whose full tile the tree does not have yet."""
    for level in (ENTRIES, *range(-(-size.bit_length() // TILE_HEIGHT))):
        count = level_size(size, level)
        width = count % TILE_WIDTH
        if width and level_size(tree.size, level) < count - width + TILE_WIDTH:
            index = count // TILE_WIDTH
            if level == ENTRIES:
                data = encode_bundle(tree.entries(index)[:width])
            else:
                data = encode_hashes(tree.hashes(tile_at(level, count - 1, size=tree.size))[:width])
            yield Tile(level, index, width), data
