"""Several processes and one log; and a clock, which a log has not."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from random import Random

import pytest

from faults.injection import WRITER, acknowledgements, judge, prepare
from faults.writer import SIGNER, STOPPED, WITNESS
from transparency_log.checkpoint import cosign
from transparency_log.errors import SequenceError
from transparency_log.log import Log
from transparency_log.state import MemoryState, SqliteState
from transparency_log.storage import Memory


@contextmanager
def writer(folder, *steps):
    """Run a writer, wait until it holds the log, and yield it with the lines that it told."""
    command = [sys.executable, str(WRITER), str(folder), *steps]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        lines = []
        while not lines or not lines[-1].startswith("hold"):
            lines.append(process.stdout.readline())
            assert lines[-1], "the writer ended"
        yield process, acknowledgements("".join(lines))
        process.stdin.close()


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def wait_until_unlocked(folder):
    """Wait for the kernel to be done with a process whose parent is not here."""
    for _ in range(1000):
        try:
            SqliteState(folder / "state").close()
        except SequenceError:
            time.sleep(0.01)
        else:
            return


@pytest.fixture
def folder(tmp_path):
    prepare(tmp_path / "log", 3)
    return tmp_path / "log"


def test_a_second_writer_is_refused_and_the_first_goes_on(folder):
    with writer(folder, "open", "append", "hold", "append") as (process, told):
        second = subprocess.run(
            [sys.executable, str(WRITER), str(folder), "open", "append"], capture_output=True, text=True, check=False
        )
        assert (second.returncode, second.stdout, second.stderr.split()[0]) == (STOPPED, "", "locked:")
        rest, _ = process.communicate()
        assert process.returncode == 0
    assert judge(folder, told + acknowledgements(rest), created=True) == "went on"


def test_a_dead_process_holds_no_lock(folder):
    with writer(folder, "open", "append", "hold") as (process, told):
        with pytest.raises(SequenceError, match="locked"):
            SqliteState(folder / "state")
        kill(process)
        assert judge(folder, told, created=True) == "went on"


def test_a_forked_child_keeps_the_lock_of_its_dead_parent(folder):
    # On the safe side: the child could still write. It is refused to others until it ends too.
    with writer(folder, "open", "fork") as (process, told):
        child = int(told[-1][1])
        assert child != process.pid
        kill(process)
        with pytest.raises(SequenceError, match="locked"):
            SqliteState(folder / "state")
        os.kill(child, signal.SIGKILL)
        wait_until_unlocked(folder)
    assert judge(folder, told, created=True) == "went on"


def test_a_program_that_a_writer_started_does_not_keep_its_lock(folder):
    with writer(folder, "open", "spawn") as (process, told):
        kill(process)
        assert judge(folder, told, created=True) == "went on"


def test_a_log_has_no_clock_that_could_jump(monkeypatch):
    lives = []
    for seed in range(3):
        chance = Random(seed)
        for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter"):
            monkeypatch.setattr(time, name, lambda: chance.randrange(10**18))  # noqa: B023
        storage, state = Memory(), MemoryState()
        Log.create(storage, SIGNER, state=state).append(b"entry")
        log = Log.open(storage, SIGNER, state=state)
        log.append_many([b"an entry", b"another"])
        line = cosign(WITNESS, log.checkpoint.note.text, 1_790_000_000)
        log.add_cosignatures(3, [line], [WITNESS.verifier])
        log.freeze()
        lives.append((storage.files, state.read()))
    assert lives[0] == lives[1] == lives[2]
