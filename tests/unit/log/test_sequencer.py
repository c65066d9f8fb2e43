"""Group commit: many callers, one log, each with its own indices."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.keys import log_signer
from transparency_log import sequencer as sequencer_module
from transparency_log.errors import SequenceError, StorageError, TileError
from transparency_log.index import Index
from transparency_log.log import Log
from transparency_log.reader import LogReader
from transparency_log.sequencer import Sequencer
from transparency_log.state import MemoryState
from transparency_log.storage import Memory

SIGNER = log_signer()


class Counting(MemoryState):
    """State that counts its commits, and can be held up in the middle of one."""

    def __init__(self):
        super().__init__()
        self.commits = 0
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def replace(self, old, new):
        self.commits += 1
        self.entered.set()
        assert self.go_on.wait(10)
        super().replace(old, new)


class Broken(MemoryState):
    def replace(self, old, new):
        raise StorageError("disk-full", path="state", reason="no space")


def new_log(state=None):
    storage, state = Memory(), state or MemoryState()
    return Log.create(storage, SIGNER, state=state), storage, state


def reader(storage):
    return LogReader(storage.read, SIGNER.verifier)


def test_each_of_many_callers_gets_the_index_of_its_own_entry():
    log, storage, _ = new_log()
    sequencer = Sequencer(log)
    entries = [b"entry %d" % number for number in range(600)]
    with ThreadPoolExecutor(16) as pool:
        indices = list(pool.map(sequencer.append, entries))
    assert sorted(indices) == list(range(600))
    logged = list(reader(storage).entries(0, 600, 600))
    assert all(logged[index] == entry for index, entry in zip(indices, entries, strict=True))
    assert reader(storage).check().checkpoint.size == 600


def test_callers_who_come_while_one_commits_share_the_next_commit():
    log, _, state = new_log(Counting())
    sequencer = Sequencer(log)
    state.go_on.clear()
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(sequencer.append, b"first")
        assert state.entered.wait(10)
        others = [pool.submit(sequencer.append_many, [b"a%d" % n, b"b%d" % n]) for n in range(8)]
        while len(sequencer._queue) < 8:
            threading.Event().wait(0.001)
        state.go_on.set()
        assert first.result() == 0
        told = sorted(other.result() for other in others)
    assert told == [[index, index + 1] for index in range(1, 17, 2)]
    assert state.commits == 2


def test_a_commit_takes_no_more_than_its_limit_and_everybody_is_served(monkeypatch):
    monkeypatch.setattr(sequencer_module, "MAX_BATCH", 3)
    log, storage, _ = new_log()
    sequencer = Sequencer(log)
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda n: sequencer.append_many([b"%d %d" % (n, m) for m in range(2)]), range(40)))
    assert sorted(index for indices in told for index in indices) == list(range(80))
    assert reader(storage).check().checkpoint.size == 80


def test_an_entry_that_does_not_fit_concerns_its_own_caller_alone():
    log, _, _ = new_log()
    sequencer = Sequencer(log)
    with pytest.raises(TileError, match="entry-length"):
        sequencer.append(b"")
    assert sequencer.append_many([]) == []
    assert sequencer.append(b"good") == 0


def test_an_error_of_the_disk_reaches_everybody_in_the_commit_and_stops_the_log():
    log, storage, _ = new_log(Broken())
    sequencer = Sequencer(log)
    with pytest.raises(StorageError, match="disk-full"):
        sequencer.append(b"entry")
    with pytest.raises(SequenceError, match="stopped"):
        sequencer.append(b"entry")
    assert reader(storage).checkpoint().checkpoint.size == 0


def test_a_thread_that_is_ended_while_it_commits_leaves_nobody_waiting():
    class Ending(MemoryState):
        def replace(self, old, new):
            raise KeyboardInterrupt

    sequencer = Sequencer(new_log(Ending())[0])
    with pytest.raises(KeyboardInterrupt):
        sequencer.append(b"entry")
    with pytest.raises(SequenceError, match="stopped"):
        sequencer.append(b"another")


def test_with_an_index_no_entry_is_taken_twice(tmp_path):
    log, storage, _ = new_log()
    with Index(tmp_path / "index.sqlite") as index:
        sequencer = Sequencer(log, index=index)
        assert sequencer.append_many([b"a", b"b", b"a"]) == [0, 1, 0]
        assert sequencer.append_many([b"c", b"b"]) == [2, 1]
        assert sequencer.append(b"a") == 0
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(sequencer.append, [b"same"] * 40)) == {3}
    assert list(reader(storage).entries(0, 4, 4)) == [b"a", b"b", b"c", b"same"]
    assert log.size == 4


def test_without_an_index_the_same_entry_may_stand_twice():
    sequencer = Sequencer(new_log()[0])
    assert sequencer.append_many([b"a", b"a"]) == [0, 1]


def test_an_index_that_lags_behind_or_is_missing_catches_up(tmp_path):
    log, _, _ = new_log()
    log.append_many([b"entry %d" % number for number in range(300)])
    with Index(tmp_path / "index.sqlite") as index:
        assert Sequencer(log, index=index).append(b"entry 299") == 299
    log.append(b"past it")
    with Index(tmp_path / "index.sqlite") as index:
        assert index.size == 300
        sequencer = Sequencer(log, index=index)
        assert (index.size, sequencer.append(b"past it"), sequencer.append(b"new")) == (301, 300, 301)


def test_an_index_of_a_longer_log_forgets_what_the_log_does_not_have(tmp_path):
    longer, _, _ = new_log()
    longer.append_many([b"a", b"b", b"c"])
    with Index(tmp_path / "index.sqlite") as index:
        Sequencer(longer, index=index)
        log, _, _ = new_log()
        log.append_many([b"a", b"b"])
        assert Sequencer(log, index=index).append_many([b"new", b"c", b"a"]) == [2, 3, 0]
