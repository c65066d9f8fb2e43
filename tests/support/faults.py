"""Storage and state that fail on purpose, and that hold a log to its order while they do.

A fault is named by its step and its effect. The step is what was to be written: `commit`, `create tile/0/000.p/4`,
`replace checkpoint`. The effect is what became of it, while the log is told that it failed.
"""

from collections.abc import Callable

from transparency_log.checkpoint import open_checkpoint
from transparency_log.errors import StorageError
from transparency_log.merkle import leaf_hash, root
from transparency_log.note import Note
from transparency_log.reader import CHECKPOINT, COSIGNED_INDEX, MAX_COSIGNED, LogReader, read_cosigned_sizes
from transparency_log.state import MemoryState
from transparency_log.storage import Memory

LOST = "lost"  # it did not happen, nor what was asked for together with it and comes later
KEPT = "kept"  # it happened all the same
GAP = "gap"  # it did not happen, but all else that was asked for together with it
EFFECTS = (LOST, KEPT, GAP)


class Faults:
    """The steps that were taken, and the one that is to fail next."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self._step: str | None = None
        self._effect = ""

    def plan(self, step: str, effect: str) -> None:
        """Let this step fail, once."""
        self._step, self._effect = step, effect

    @property
    def met(self) -> bool:
        """Whether nothing is planned any more."""
        return self._step is None

    def write(self, *writes: tuple[str, Callable[[], None]]) -> None:
        """Take steps that are asked for together, or fail at the one that is planned."""
        failed = None
        for step, write in writes:
            if step == self._step:
                self._step, failed = None, step
                if self._effect == KEPT:
                    write()
                if self._effect != GAP:
                    break
            else:
                self.steps.append(step)
                write()
        if failed is not None:
            raise StorageError("not-durable", path=failed)


class FaultyState(MemoryState):
    """A log's state whose commits fail as planned."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self._faults = faults

    def begin(self, first):
        self._faults.write(("begin", lambda: super(FaultyState, self).begin(first)))

    def replace(self, old, new):
        self._faults.write(("commit", lambda: super(FaultyState, self).replace(old, new)))

    def freeze(self, note):
        self._faults.write(("commit the end", lambda: super(FaultyState, self).freeze(note)))


class Watched(Memory):
    """Storage that refuses what a log must never do, and keeps every checkpoint that it ever showed.

    It breaks off the test, by AssertionError, when a file changes that must not, a line or a size is taken back, a
    checkpoint is shown that was not committed or whose tree is not there in full, or a file is deleted for which
    there is nothing to fall back on.
    """

    def __init__(self, state, verifier) -> None:
        super().__init__()
        self.shown: list[bytes] = []
        self._state = state
        self._verifier = verifier

    def create(self, path, data):
        assert self.files.get(path, data) == data, f"{path} was created again with other bytes"
        if path == "frozen":
            assert self._state.read().frozen == data, "an end was shown that was not committed"
        super().create(path, data)

    def replace(self, path, data):
        assert path == CHECKPOINT or path.startswith("cosigned/"), f"{path} must never change"
        old = self.files.get(path)
        if path == COSIGNED_INDEX:
            sizes = read_cosigned_sizes({path: data}.get)
            assert set(read_cosigned_sizes(self.files.get)) <= set(sizes), "a cosigned size was taken back"
            assert all(f"cosigned/{size}" in self.files for size in sizes), (
                "a size was listed before its file was there"
            )
        elif path != CHECKPOINT and old is not None:
            old_lines, lines = (set(Note.parse(one, max_signatures=MAX_COSIGNED).signatures) for one in (old, data))
            assert old_lines <= lines, "a cosignature was taken back"
        elif path == CHECKPOINT:
            self._show(data)
        super().replace(path, data)

    def delete(self, path):
        full = path.rpartition(".p/")[0]
        assert full in self.files, f"{path} was deleted with nothing to fall back on"
        super().delete(path)

    def _show(self, data):
        committed = self._state.read()
        assert committed is not None, "a checkpoint was shown before anything was committed"
        assert Note.parse(committed.checkpoint).text == Note.parse(data).text, "a checkpoint was shown uncommitted"
        LogReader((self.files | {CHECKPOINT: data}).get, self._verifier).check()
        self.shown.append(data)


class FaultyStorage(Watched):
    """Watched storage whose writes fail as planned."""

    def __init__(self, faults, state, verifier) -> None:
        super().__init__(state, verifier)
        self._faults = faults

    def create(self, path, data):
        self.create_all([(path, data)])

    def create_all(self, files):
        self._faults.write(
            *(
                (f"create {path}", lambda one=(path, data): super(FaultyStorage, self).create(*one))
                for path, data in files
            )
        )

    def replace(self, path, data):
        self._faults.write((f"replace {path}", lambda: super(FaultyStorage, self).replace(path, data)))

    def delete(self, path):
        self._faults.write((f"delete {path}", lambda: super(FaultyStorage, self).delete(path)))


def check_history(entries, shown, verifier):
    """Check that every checkpoint that was ever shown is one of a log that only grew to these entries."""
    leaves = [leaf_hash(entry) for entry in entries]
    for data in dict.fromkeys(shown):
        signed = open_checkpoint(data, verifier, max_signatures=MAX_COSIGNED).checkpoint
        assert signed.size <= len(leaves), f"a tree of {signed.size} was shown, and entries are lost"
        assert signed.root == root(leaves[: signed.size]), f"two trees of size {signed.size} were signed"
