"""Following a log over time: what a reader saw last is compared with what the log shows now.

A log that is read once can show every reader another history. Who follows it remembers the newest tree, and a log that
ever drops or bends an entry is found. One round:

    1. the newest checkpoint: is it signed, and
    2. does its tree begin with the one that was seen last,
    3. does it say that it ends here, and did it grow all the same,
    4. is every cosigned checkpoint of this tree, and did known witnesses sign,
    5. all new entries, each against its hash, and the artifacts that they name,
    6. some old ones once more, in turn: a file that was right may be edited, cut short or lost later,
    7. did a quorum see it lately.

What is wrong is a finding and does not stop the other steps. What could not be reached is no finding: `read` raises a
LogError where it cannot tell whether there is such a file, and then `Round.unreachable` says so. Time, network and the
memory between two rounds (`followed`) are arguments.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from transparency_log.checkpoint import Checkpoint, Cosignature, SignedCheckpoint, cosignatures, open_checkpoint
from transparency_log.errors import CheckpointError, FollowError, LogError, NoteError, StorageError, TileError
from transparency_log.evidence import Fork, find_fork
from transparency_log.followed import State
from transparency_log.frozen import FROZEN, open_frozen
from transparency_log.merkle import leaf_hash
from transparency_log.mirror import NamedBy, artifact_path, is_artifact
from transparency_log.note import Note, Verifier, known_signatures
from transparency_log.policy import NONE, Policy, freshness_time, missing
from transparency_log.reader import CHECKPOINT, COSIGNED_INDEX, MAX_COSIGNED, cosigned_path, read_cosigned_sizes
from transparency_log.tiles import ENTRIES, TILE_HEIGHT, TILE_WIDTH, Tile, level_size, tile_at
from transparency_log.tree import Read, TileReader, read_ahead, read_bundle

NEW_BUNDLES: Final = 1024  # read in one round at most, a quarter of a million entries: a long way is gone in stages
OLD_BUNDLES: Final = 64  # read once more in each round
MAX_AGAIN: Final = 4096  # bundles: when more is wrong than that, the log is past helping

INFORMATIVE: Final = frozenset({"missing-witness"})
"""Findings that a log need not answer for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be: a stable code, what was expected and found, and a fork's evidence."""

    code: str
    params: dict[str, object]
    evidence: Fork | None = None

    @property
    def informative(self) -> bool:
        """Whether it is news, and nothing that is wrong with the log."""
        return self.code in INFORMATIVE


@dataclass(frozen=True, slots=True)
class Round:
    """What one round brought: what to remember (None if there was never a checkpoint to believe), and what was found.

    `unreachable` are the errors of the files that could not be had. `behind` says that new entries are left to read:
    go on at once. `fresh` is when a quorum saw the log last, or where none is asked for when it grew; None if never.
    """

    state: State | None
    findings: tuple[Finding, ...]
    unreachable: tuple[LogError, ...]
    behind: bool
    fresh: int | None


class Monitor:
    """Follows the log that `read` gives; `log_verifier` is the log's public key, `policy` says who should cosign.

    `artifacts` tells which files an entry names. With `workers` above 1 so many threads call `read` at once.
    """

    def __init__(
        self,
        read: Read,
        log_verifier: Verifier,
        *,
        policy: Policy | None = None,
        origin: str | None = None,
        artifacts: NamedBy | None = None,
        workers: int = 1,
    ) -> None:
        self._read = read
        self._verifier = log_verifier
        self._policy = policy or Policy()
        self._origin = origin
        self._named_by = artifacts
        self._workers = workers

    def follow(self, seen: State | None, *, now: int, max_age: int) -> Round:
        """Compare the log with what was seen of it, and read what is new and some of what is old.

        `seen` is None in the first round, which begins to trust what it is shown. `now` is POSIX seconds; `max_age`
        is how many of them may have passed since the policy's quorum saw the log, or without one since it grew.
        """
        follower = _Follower(self._read, seen, self._verifier, self._policy, self._origin, now)
        return follower.round(self._named_by, max_age=max_age, workers=self._workers)


class _UnreachableError(FollowError):
    """A file that `read` could not tell about."""


@dataclass
class _Follower:
    """One round."""

    source: Read
    seen: State | None
    log_verifier: Verifier
    policy: Policy
    origin: str | None
    now: int
    findings: dict[str, Finding] = field(default_factory=dict)
    unreachable: dict[str, LogError] = field(default_factory=dict)
    state: State | None = None
    newest: SignedCheckpoint | None = None
    tree: TileReader | None = None
    consistent: bool = False
    absent: tuple[str, ...] = ()

    def round(self, artifacts: NamedBy | None, *, max_age: int, workers: int) -> Round:
        self.state = self.seen
        self.newest = self._open(CHECKPOINT)  # (1)
        self.consistent = self._check_history()  # (2)
        self._check_frozen()  # (3)
        old = self._old_bundles()
        self._check_cosigned(old)  # (4)
        reading = _Reading(self, artifacts, workers)
        if self.consistent and self.tree is not None:
            reading.read_new(self.tree)  # (5)
        behind = self.consistent and self.state is not None and self.state.entries < self.state.size
        if self.tree is not None and not behind:
            reading.read_old(self.tree, [index for index in old if index * TILE_WIDTH < self.tree.size])  # (6)
        reading.finish()
        if not behind:
            self._check_age(max_age)  # (7)
        behind = behind and not self.unreachable
        findings, unreachable = tuple(self.findings.values()), tuple(self.unreachable.values())
        return Round(self.state, findings, unreachable, behind, self._fresh())

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes; what the source itself raises is never a finding."""
        try:
            return self.source(path)
        except LogError as error:
            raise _UnreachableError("unreachable", path=path, reason=error.params.get("reason", error.code)) from error

    def find(self, code: str, evidence: Fork | None = None, /, **params: object) -> None:
        """Keep a finding, once."""
        self.findings.setdefault(f"{code} {params}", Finding(code, params, evidence))

    @contextmanager
    def checking(self, path: str) -> Iterator[None]:
        """Turn what goes wrong with a file into a finding, or into what cannot be told."""
        try:
            yield
        except LogError as error:
            self.blame(error, path)

    def blame(self, error: LogError, path: str) -> None:
        """Keep what went wrong with a file."""
        where = error.params.get("path", path)
        match error:
            case _UnreachableError():
                self.unreachable[str(where)] = error
            case StorageError(code="missing"):
                self.find("missing-file", path=where)
            case NoteError() | CheckpointError():
                self.find("bad-signature", path=where, reason=error.code)
            case TileError(code="entry-mismatch"):
                self.find("altered-file", path=where, index=error.params.get("index"), reason=error.code)
            case _:
                self.find("altered-file", path=where, index=None, reason=error.code)

    def _open(self, path: str) -> SignedCheckpoint | None:
        with self.checking(path):
            data = self.read(path)
            if data is None:
                raise StorageError("missing", path=path)
            return open_checkpoint(data, self.log_verifier, origin=self.origin, max_signatures=MAX_COSIGNED)
        return None

    def _tree(self, signed: SignedCheckpoint) -> TileReader | None:
        # Of a right edge that does not fit nobody can say which of its tiles was altered.
        sizes = ((level, level_size(signed.checkpoint.size, level)) for level in range(TILE_HEIGHT))
        edge = [tile_at(level, n - 1, size=signed.checkpoint.size).path for level, n in sizes if n % TILE_WIDTH]
        with self.checking(", ".join(edge) or CHECKPOINT):
            return TileReader(self.read, signed.checkpoint)
        return None

    def _check_history(self) -> bool:
        """Compare the newest tree with the one that was seen, and remember it if it continues that one."""
        newest, seen = self.newest, self._seen()
        if newest is None:
            self.tree = None if seen is None else self._tree(seen)  # what was seen can still be looked at
            return False
        self.tree = self._tree(newest)
        if seen is None:
            if self.tree is not None:
                self._remember(newest)
            return self.tree is not None
        behind = newest.checkpoint.size < seen.checkpoint.size
        larger = self._tree(seen) if behind else self.tree
        if larger is not None or newest.checkpoint.size == seen.checkpoint.size:
            if not self._is_of(seen, newest, larger):
                return False
            if not behind and larger is not None:
                self._remember(newest)
                return True
        if behind:
            self.find("rollback", expected=seen.checkpoint.size, found=newest.checkpoint.size)
        return False

    def _is_of(self, one: SignedCheckpoint, other: SignedCheckpoint, larger: TileReader | None) -> bool:
        """Whether two checkpoints are of one history; if not, that is found, with its evidence."""
        sizes = sorted((one.checkpoint.size, other.checkpoint.size))
        with self.checking(CHECKPOINT):
            node = _unasked if larger is None else larger.node
            fork = find_fork(one, other, log_verifier=self.log_verifier, node=node)
            if fork is not None:
                self.find("fork", fork, old_size=sizes[0], new_size=sizes[1])
            return fork is None
        return False

    def _seen(self) -> SignedCheckpoint | None:
        if self.seen is None:
            return None
        return open_checkpoint(self.seen.checkpoint.format(), self.log_verifier, origin=self.origin)

    def _remember(self, newest: SignedCheckpoint) -> None:
        line = next(line for line, _ in known_signatures(newest.note, [self.log_verifier]))
        note = Note(newest.note.text, (line,))
        if self.state is None:
            self.state = State(note, since=self.now)
        elif newest.checkpoint.size > self.state.size:
            self.state = replace(self.state, checkpoint=note, since=self.now)

    def _check_frozen(self) -> None:
        known = None if self.state is None else self.state.frozen
        last: Checkpoint | None = None
        with self.checking(FROZEN):
            data = self.read(FROZEN)
            if data is None and known is not None:
                raise StorageError("missing", path=FROZEN)
            if data is not None:
                last = open_frozen(data, self.log_verifier, origin=self.origin)
                if self.state is not None and known is None:
                    self.state = replace(self.state, frozen=Note.parse(data))
        if known is not None:  # what the log once signed binds it, whatever lies there now
            last = open_frozen(known.format(), self.log_verifier, origin=self.origin)
        newest = None if self.newest is None else self.newest.checkpoint
        if last is None or newest is None:
            return
        if newest.size > last.size:
            self.find("grown-after-freeze", expected=last.size, found=newest.size)
        elif newest.size == last.size and newest.root != last.root:
            self.find("fork", old_size=last.size, new_size=newest.size)

    def _check_cosigned(self, old: Sequence[int]) -> None:
        """Check the cosigned checkpoints of new sizes, and of old ones in turn."""
        newest = self.newest
        if newest is None or self.tree is None or self.tree.size != newest.checkpoint.size:
            return
        last, turn = -1 if self.seen is None else self.seen.size, set(old)
        lately = self._cosignatures(CHECKPOINT, newest)
        with self.checking(COSIGNED_INDEX):
            sizes = [size for size in read_cosigned_sizes(self.read) if size <= newest.checkpoint.size]
            for size in sizes:
                # The newest checkpoint may be a second old: who signed the one before it is not missing.
                recent = size in sizes[-2:]
                if recent or size > last or size // TILE_WIDTH in turn:
                    found = self._cosigned_at(size, newest)
                    lately += found if recent else []
        self.absent = missing(self.policy, lately)

    def _cosigned_at(self, size: int, newest: SignedCheckpoint) -> list[Cosignature]:
        path = cosigned_path(size)
        signed = self._open(path)
        if signed is None:
            return []
        if signed.checkpoint.size != size:
            self.find("altered-file", path=path, index=None, reason="size-mismatch")
            return []
        return self._cosignatures(path, signed) if self._is_of(signed, newest, self.tree) else []

    def _cosignatures(self, path: str, signed: SignedCheckpoint) -> list[Cosignature]:
        """Return the cosignatures of known witnesses, and remember when a quorum of them saw the log."""
        with self.checking(path):
            found = list(cosignatures(signed.note, [witness.verifier for witness in self.policy.witnesses]))
            fresh = freshness_time(self.policy, found) or 0
            if self.consistent and self.state is not None and fresh > self.state.cosigned:
                self.state = replace(self.state, cosigned=fresh)
            return found
        return []

    def _old_bundles(self) -> list[int]:
        """Return the bundles to be read once more: those with something wrong, and the next slice."""
        if self.seen is None:
            return []
        count = -(-self.seen.entries // TILE_WIDTH)
        turn = ((self.seen.cursor + step) % count for step in range(min(OLD_BUNDLES, count)))
        return sorted({*turn, *(index for index in self.seen.again if index < count)})

    def _fresh(self) -> int | None:
        if self.state is None:
            return None
        if not self.policy.witnesses or self.policy.quorum in (None, NONE):
            return self.state.since
        return self.state.cosigned or None

    def _check_age(self, max_age: int) -> None:
        for name in self.absent:
            self.find("missing-witness", name=name)
        # Whose checkpoint could not be had may be as fresh as can be.
        unknown = any(path == CHECKPOINT or path.startswith("cosigned/") for path in self.unreachable)
        if self.state is None or self.state.frozen is not None or unknown:
            return
        fresh = self._fresh()
        if fresh is None or self.now - fresh > max_age:
            self.find("stale", limit=max_age, time=fresh)


class _Reading:
    """The entries that a round reads, and the artifacts that these name."""

    def __init__(self, follower: _Follower, named_by: NamedBy | None, workers: int) -> None:
        self._follower = follower
        self._named_by = named_by
        self._workers = workers
        self._again = set(() if follower.seen is None else follower.seen.again)
        self._withdrawn = dict.fromkeys(() if follower.seen is None else follower.seen.withdrawn)
        self._wanted: dict[str, int] = {}  # artifacts that are not there, each with the bundle that names it

    def read_new(self, tree: TileReader) -> None:
        """Read what no round has read yet, at most `NEW_BUNDLES`."""
        state = self._follower.state
        if state is None or state.entries == tree.size:
            return
        first, end = state.entries // TILE_WIDTH, -(-tree.size // TILE_WIDTH)
        done = self._read(tree, range(first, min(end, first + NEW_BUNDLES)))
        self._follower.state = replace(state, entries=max(state.entries, min(tree.size, (first + done) * TILE_WIDTH)))

    def read_old(self, tree: TileReader, old: Sequence[int]) -> None:
        """Read some of what earlier rounds have read once more, and go on there next time."""
        seen, state = self._follower.seen, self._follower.state
        if seen is None or state is None or not old:
            return
        done = self._read(tree, old)
        if done == len(old):
            count = -(-seen.entries // TILE_WIDTH)
            self._follower.state = replace(state, cursor=(seen.cursor + OLD_BUNDLES) % count)

    def finish(self) -> None:
        """Find the artifacts that are neither there nor withdrawn, and remember what is to be read again."""
        for digest, bundle in self._wanted.items():
            if digest not in self._withdrawn:
                self._again.add(bundle)
                self._follower.find("missing-artifact", digest=digest)
        state = self._follower.state
        if state is not None:
            again = tuple(sorted(self._again)[:MAX_AGAIN])
            self._follower.state = replace(state, again=again, withdrawn=tuple(self._withdrawn))

    def _read(self, tree: TileReader, bundles: Sequence[int]) -> int:
        """Read bundles and return how many could be reached."""

        def attempt(index: int) -> tuple[list[bytes], LogError | None]:
            try:
                return self._checked(tree, index)
            except LogError as error:
                return [], error

        for done, (index, told) in enumerate(zip(bundles, read_ahead(attempt, bundles, self._workers), strict=True)):
            right, error = told
            self._again.discard(index)
            if error is not None:
                self._follower.blame(error, CHECKPOINT)
                self._again.add(index)
            if isinstance(error, _UnreachableError):
                return done
            for entry in right:
                self._look_for_artifacts(entry, index)
        return len(bundles)

    def _checked(self, tree: TileReader, index: int) -> tuple[list[bytes], LogError | None]:
        """Return the entries of a bundle that are right, and the first that is not."""
        bundle = tile_at(ENTRIES, index * TILE_WIDTH, size=tree.size)
        entries, leaves = read_bundle(self._follower.read, bundle), tree.hashes(Tile(0, index, bundle.width))
        holds = [leaf_hash(entry) == leaf for entry, leaf in zip(entries, leaves, strict=True)]
        right = [entry for entry, is_right in zip(entries, holds, strict=True) if is_right]
        if all(holds):
            return right, None
        first = index * TILE_WIDTH + holds.index(False)
        return right, TileError("entry-mismatch", path=bundle.path, index=first)

    def _look_for_artifacts(self, entry: bytes, bundle: int) -> None:
        if self._named_by is None:
            return
        refs = self._named_by(entry)
        self._withdrawn |= dict.fromkeys(refs.withdrawn)
        for digest, length in refs.named:
            path = artifact_path(digest)
            try:
                data = self._follower.read(path)
            except _UnreachableError as error:
                self._follower.blame(error, path)
                self._again.add(bundle)
                continue
            if data is None:
                self._wanted[digest] = bundle
            elif not is_artifact(data, digest, length):
                self._again.add(bundle)
                self._follower.find("altered-artifact", digest=digest, expected=length, found=len(data))


def _unasked(level: int, index: int) -> bytes:
    raise ValueError(f"trees of one size are compared by their roots, not at {level}/{index}")
