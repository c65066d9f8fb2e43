"""A folder whose calls fail one by one, before they took effect or after: what strace cannot, done to Python's `os`."""

import errno
import os
import shutil
from collections import Counter

import pytest

from support.faults import check_history
from support.keys import log_signer, witness_signer
from transparency_log.checkpoint import cosign
from transparency_log.errors import SequenceError, StorageError
from transparency_log.log import Log
from transparency_log.reader import LogReader
from transparency_log.state import MemoryState
from transparency_log.storage import Directory, Memory

SIGNER = log_signer()
WITNESS = witness_signer("w1.example")
TIME = 1_790_000_000
NAMES = ("open", "fchmod", "fsync", "link", "replace", "unlink", "mkdir", "rmdir")  # none of which reads
START = 255


class Calls:
    """Python's `os`, in which one call fails: the `at`-th, before it is made or after."""

    def __init__(self, monkeypatch, *, at=-1, persists=False):
        self.made = []
        self.met = False
        for name in NAMES:
            monkeypatch.setattr(os, name, self.wrap(name, getattr(os, name), at, persists))

    def wrap(self, name, real, at, persists):
        def call(*args, **kwargs):
            self.made.append(name)
            fails = len(self.made) - 1 == at
            result = real(*args, **kwargs) if persists or not fails else None
            if fails:
                self.met = True
                if name == "open" and result is not None:
                    os.close(result)
                raise OSError(errno.EIO, "injected")
            return result

        return call


class World:
    """A log in a folder, and what it acknowledged."""

    def __init__(self, files, state, folder):
        self.folder = folder
        self.state = MemoryState()
        self.state.begin(state)
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        self.log = None
        self.entries = {}
        self.lines = {}
        self.ended = False
        self.shown = [files["checkpoint"]]

    def live(self):
        """Do all that a log does in its life."""
        log = self.log = Log.open(Directory(self.folder), SIGNER, state=self.state)
        for count in (1, 2):
            new = [b"entry %d" % (log.size + at) for at in range(count)]
            self.entries |= zip(log.append_many(new), new, strict=True)
        line = cosign(WITNESS, log.checkpoint.note.text, TIME)
        log.add_cosignatures(log.size, [line], [WITNESS.verifier])
        self.lines[log.size] = line
        log.collect()
        log.freeze()
        self.ended = True

    def check(self):
        """Open the log again and compare it with what was acknowledged and shown."""
        self.shown += [(self.folder / "checkpoint").read_bytes(), self.state.read().checkpoint]
        log = Log.open(Directory(self.folder), SIGNER, state=self.state)
        assert log.frozen or not self.ended
        if not log.frozen:
            assert log.append(b"after the fault") == log.size - 1
        self.shown.append((self.folder / "checkpoint").read_bytes())
        reader = LogReader(Directory(self.folder).read, SIGNER.verifier)
        size = reader.check().checkpoint.size
        entries = list(reader.entries(0, size, size))
        check_history(entries, self.shown, SIGNER.verifier)
        assert all(entries[index] == entry for index, entry in self.entries.items())
        assert all(line in reader.signed(size).note.signatures for size, line in self.lines.items())
        assert reader.cosigned_sizes() == tuple(self.lines) or not self.lines


@pytest.fixture(autouse=True)
def no_disk(monkeypatch):
    """No power is cut here: nothing need reach the disk."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def world(tmp_path):
    storage, state = Memory(), MemoryState()
    log = Log.create(storage, SIGNER, state=state)
    log.append(b"entry 0")
    log.append_many([b"entry %d" % at for at in range(1, START)])

    def make(number):
        return World(storage.files, state.read(), tmp_path / str(number))

    return make


def clean_run(world, monkeypatch):
    one = world("clean")
    with monkeypatch.context() as patched:
        calls = Calls(patched)
        one.live()
    one.check()
    return calls.made


def test_a_clean_run_makes_the_calls_that_are_to_fail(world, monkeypatch):
    assert set(clean_run(world, monkeypatch)) == set(NAMES)


@pytest.mark.parametrize("persists", [False, True], ids=["failed", "done and reported failed"])
def test_a_call_that_fails_stops_the_log_and_loses_and_forks_nothing(world, monkeypatch, persists):
    codes = Counter()
    for at, name in enumerate(clean_run(world, monkeypatch)):
        one = world(at)
        with monkeypatch.context() as patched:
            calls = Calls(patched, at=at, persists=persists)
            try:
                one.live()
            except StorageError as error:
                codes[name, error.code] += 1
                if one.log is not None:
                    with pytest.raises(SequenceError, match="stopped"):
                        one.log.append(b"more")
            else:
                # A folder that is there is all that was wanted, and what cannot be removed was not removed.
                assert name == "mkdir" or (persists and name in ("unlink", "rmdir") and not calls.met)
        one.check()
        shutil.rmtree(one.folder)
    assert {name for name, _ in codes} >= set(NAMES) - {"mkdir"}
    assert {code for name, code in codes if name == "fsync"} == {"fsync-failed"}
    assert {code for name, code in codes if name != "fsync"} == {"not-durable"}
