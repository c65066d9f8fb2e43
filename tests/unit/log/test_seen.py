import threading
from dataclasses import replace
from hashlib import sha256

import pytest

from transparency_log.errors import SequenceError, StorageError
from transparency_log.seen import MemoryWitnessState, Seen, SqliteWitnessState, origin_hash

OLD = Seen(1, b"a" * 32, 100, b"old note")
NEW = Seen(2, b"b" * 32, 90, b"new note")


@pytest.fixture(params=["sqlite", "memory"])
def state(request, tmp_path):
    if request.param == "memory":
        yield MemoryWitnessState()
    else:
        with SqliteWitnessState.create(tmp_path / "witness.sqlite") as opened:
            yield opened


def test_a_witness_remembers_each_log_and_changes_only_from_what_it_saw(state):
    assert state.read("log") is None
    assert state.last_time() == 0
    assert state.replace("log", None, OLD)
    assert not state.replace("log", None, NEW)
    for other in (replace(OLD, size=3), replace(OLD, root=bytes(32)), replace(OLD, time=101)):
        assert not state.replace("log", other, NEW)
    assert not state.replace("other", OLD, NEW)
    assert (state.read("log"), state.read("other")) == (OLD, None)
    assert state.replace("log", OLD, NEW)
    assert state.replace("other", None, OLD)
    assert (state.read("log"), state.read("other")) == (NEW, OLD)
    assert state.last_time() == 100


def test_lines_may_be_added_to_the_checkpoint_of_a_tree_that_stays(state):
    state.replace("log", None, OLD)
    signed = replace(OLD, note=b"old note, cosigned")
    assert state.replace("log", OLD, signed)
    assert state.read("log") == signed
    assert state.replace("log", OLD, NEW)  # the tree and its time are what is compared


def test_a_log_is_found_by_the_hash_of_its_origin(state):
    origin = "日志.example"
    assert state.find(origin_hash(origin)) is None
    state.replace(origin, None, OLD)
    assert state.find(origin_hash(origin)) == OLD
    assert state.find(origin_hash(origin).upper()) is None
    assert origin_hash(origin) == sha256(origin.encode()).hexdigest()


def test_a_time_that_has_passed_is_never_lowered(state):
    assert state.floor() == 0
    for told, known in ((100, 100), (90, 100), (110, 110)):
        state.raise_floor(told)
        assert state.floor() == known


def test_all_is_there_again_after_a_restart_and_for_a_second_process(tmp_path):
    path = tmp_path / "witness.sqlite"
    with SqliteWitnessState.create(path) as state:
        state.replace("log", None, OLD)
        state.raise_floor(70)
        with SqliteWitnessState(path) as second:
            assert (second.read("log"), second.floor(), second.origins()) == (OLD, 70, ("log",))
            assert second.replace("log", OLD, NEW)
        assert not state.replace("log", OLD, replace(OLD, size=9))
    with SqliteWitnessState(path) as state:
        assert (state.read("log"), state.floor(), state.last_time()) == (NEW, 70, 90)


def test_a_missing_memory_is_not_made_anew_and_one_that_is_there_not_overwritten(tmp_path):
    path = tmp_path / "witness.sqlite"
    with pytest.raises(SequenceError, match="state-missing"):
        SqliteWitnessState(path)
    assert not path.exists()
    SqliteWitnessState.create(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(SequenceError, match="state-exists"):
        SqliteWitnessState.create(path)


def test_numbers_beyond_sqlite_are_an_error_of_this_package(tmp_path):
    with SqliteWitnessState.create(tmp_path / "witness.sqlite") as state:
        with pytest.raises(StorageError, match="state-database"):
            state.replace("log", None, replace(OLD, size=2**63))
        assert state.read("log") is None


def test_of_many_threads_that_replace_one_tree_one_wins(state):
    state.replace("log", None, OLD)
    won = []

    def swap(number):
        if state.replace("log", OLD, replace(NEW, size=number)):
            won.append(number)

    threads = [threading.Thread(target=swap, args=(number,)) for number in range(2, 18)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [state.read("log").size] == won
