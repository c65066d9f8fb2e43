import sqlite3

import pytest

from transparency_log.errors import SequenceError, StorageError
from transparency_log.state import Committed, MemoryState, SqliteState

FIRST = Committed(b"first checkpoint")
SECOND = Committed(b"second checkpoint", (b"entry", b"\0" * 300))
THIRD = Committed(b"third checkpoint", (b"x",))


@pytest.fixture(params=["sqlite", "memory"])
def state(request, tmp_path):
    if request.param == "memory":
        yield MemoryState()
    else:
        with SqliteState.create(tmp_path / "state.sqlite") as opened:
            yield opened


def test_a_state_begins_empty_and_is_created_once(state):
    assert state.read() is None
    state.begin(FIRST)
    assert state.read() == FIRST
    with pytest.raises(SequenceError, match="state-exists"):
        state.begin(SECOND)
    assert state.read() == FIRST


def test_a_state_changes_only_from_what_it_is(state):
    with pytest.raises(SequenceError, match="state-moved"):
        state.replace(FIRST, SECOND)
    state.begin(FIRST)
    state.replace(FIRST, SECOND)
    with pytest.raises(SequenceError, match="state-moved"):
        state.replace(FIRST, THIRD)
    assert state.read() == SECOND
    state.replace(SECOND, THIRD)
    assert state.read() == THIRD


def test_a_state_outlives_its_process_and_is_held_by_one_at_a_time(tmp_path):
    path = tmp_path / "state.sqlite"
    with SqliteState.create(path) as state:
        state.begin(FIRST)
        state.replace(FIRST, SECOND)
        with pytest.raises(SequenceError, match="locked"):
            SqliteState(path)
    with SqliteState(path) as state:
        assert state.read() == SECOND


def test_a_state_is_on_the_disk_when_a_commit_returns(tmp_path):
    with SqliteState.create(tmp_path / "state.sqlite") as state:
        assert state._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert state._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_file_that_is_no_database_is_an_error_of_this_package_and_lets_go_of_the_lock(tmp_path):
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"not a database, but long enough to be taken for one" * 20)
    for _ in range(2):
        with pytest.raises(StorageError, match="state-database"):
            SqliteState(path)
    with pytest.raises(StorageError, match="state-database"):
        SqliteState.create(tmp_path / "nowhere" / "state.sqlite")


def test_a_state_that_is_missing_is_not_made_anew_and_one_that_exists_is_not_made_again(tmp_path):
    path = tmp_path / "state.sqlite"
    for _ in range(2):
        with pytest.raises(SequenceError, match="state-missing"):
            SqliteState(path)
    assert not path.exists()
    SqliteState.create(path).close()
    with pytest.raises(SequenceError, match="state-exists"):
        SqliteState.create(path)
    SqliteState(path).close()


def test_a_frozen_state_stays_frozen(state):
    state.begin(FIRST)
    state.replace(FIRST, SECOND)
    state.freeze(b"the end")
    frozen = Committed(SECOND.checkpoint, SECOND.entries, b"the end")
    assert state.read() == frozen


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SQLITE_FULL", "disk-full"),
        ("SQLITE_READONLY_DIRECTORY", "read-only"),
        ("SQLITE_IOERR_FSYNC", "fsync-failed"),
        ("SQLITE_IOERR_WRITE", "state-database"),
    ],
)
def test_what_the_disk_says_of_a_commit_has_a_code(tmp_path, name, code):
    with SqliteState.create(tmp_path / "state.sqlite") as state:
        state.begin(FIRST)
        error = sqlite3.OperationalError(name)
        error.sqlite_errorname = name

        class Disk:
            def execute(self, *_):
                raise error

        state._connection, real = Disk(), state._connection
        with pytest.raises(StorageError, match=code):
            state.replace(FIRST, SECOND)
        state._connection = real
        assert state.read() == FIRST
