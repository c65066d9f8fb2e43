import pytest

from transparency_log.errors import SequenceError, StorageError
from transparency_log.seen import MemoryWitnessState, Seen, SqliteWitnessState
from transparency_log.state import Committed, MemoryState, SqliteState

FIRST = Committed(b"first checkpoint")
SECOND = Committed(b"second checkpoint", (b"entry", b"\0" * 300))
THIRD = Committed(b"third checkpoint", (b"x",))


@pytest.fixture(params=["sqlite", "memory"])
def state(request, tmp_path):
    if request.param == "memory":
        yield MemoryState()
    else:
        with SqliteState(tmp_path / "state.sqlite") as opened:
            yield opened


@pytest.fixture(params=["sqlite", "memory"])
def witness_state(request, tmp_path):
    if request.param == "memory":
        yield MemoryWitnessState()
    else:
        with SqliteWitnessState(tmp_path / "witness.sqlite") as opened:
            yield opened


def test_a_state_begins_empty_and_is_created_once(state):
    assert state.read() is None
    state.create(FIRST)
    assert state.read() == FIRST
    with pytest.raises(SequenceError, match="state-exists"):
        state.create(SECOND)
    assert state.read() == FIRST


def test_a_state_changes_only_from_what_it_is(state):
    with pytest.raises(SequenceError, match="state-moved"):
        state.replace(FIRST, SECOND)
    state.create(FIRST)
    state.replace(FIRST, SECOND)
    with pytest.raises(SequenceError, match="state-moved"):
        state.replace(FIRST, THIRD)
    assert state.read() == SECOND
    state.replace(SECOND, THIRD)
    assert state.read() == THIRD


def test_a_state_outlives_its_process_and_is_held_by_one_at_a_time(tmp_path):
    path = tmp_path / "state.sqlite"
    with SqliteState(path) as state:
        state.create(FIRST)
        state.replace(FIRST, SECOND)
        with pytest.raises(SequenceError, match="locked"):
            SqliteState(path)
    with SqliteState(path) as state:
        assert state.read() == SECOND


def test_a_state_is_on_the_disk_when_a_commit_returns(tmp_path):
    with SqliteState(tmp_path / "state.sqlite") as state:
        assert state._connection.execute("PRAGMA synchronous").fetchone() == (3,)  # EXTRA
        assert state._connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_file_that_is_no_database_is_an_error_of_this_package_and_lets_go_of_the_lock(tmp_path):
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"not a database, but long enough to be taken for one" * 20)
    for _ in range(2):
        with pytest.raises(StorageError, match="state-database"):
            SqliteState(path)
    with pytest.raises(StorageError, match="state-database"):
        SqliteState(tmp_path / "nowhere" / "state.sqlite")


def test_a_witness_remembers_each_log_and_changes_only_from_what_it_saw(witness_state):
    old, new = Seen(1, b"a" * 32, 100), Seen(2, b"b" * 32, 90)
    assert witness_state.read("log") is None
    assert witness_state.last_time() == 0
    assert witness_state.replace("log", None, old)
    assert not witness_state.replace("log", None, new)
    assert not witness_state.replace("log", Seen(1, b"a" * 32, 101), new)
    assert witness_state.read("log") == old
    assert witness_state.replace("log", old, new)
    assert witness_state.replace("other", None, old)
    assert (witness_state.read("log"), witness_state.read("other")) == (new, old)
    assert witness_state.last_time() == 100
