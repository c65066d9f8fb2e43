"""A process is killed, or an error comes back, at the system calls of everything that a log does.

`python -m benchmarks.faults` tries every fault at every call; here some are left out to save time.
"""

import pytest

from faults.injection import FAULTS, KILL, SCENARIOS, missing, run_all

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

EVERY = 11

# What a writer says of an error that comes from its public files. The state's are told by SQLite, in its own words.
PUBLIC = {"ENOSPC": {"disk-full"}, "EDQUOT": {"disk-quota"}, "EROFS": {"read-only"}}
STATE = {"state-database", "read-only", "fsync-failed", "not-durable"}

# An error that may pass: a file was written and synced before it was closed, a folder that was to be made is there.
# SQLite does not look at the last calls of all, by which it only tidies up, and it lets a sync of the folder pass
# that is made sure otherwise when the state is opened. What it cannot open for writing it opens for reading, which is
# enough where nothing is committed.
HARMLESS = {"close", "mkdir"}
HARMLESS_IN_STATE = {"openat", "close", "pwrite64", "ftruncate", "fdatasync", "unlink"}


def check(run):
    assert not run.wrong, run
    if run.fault == KILL:
        assert run.ended == "killed", run
    elif run.ended == "went on":
        assert run.call.name in (HARMLESS_IN_STATE if run.call.in_state else HARMLESS), run
    elif run.call.in_state:
        assert run.ended in STATE | PUBLIC.get(run.fault, set()), run
    elif run.call.name == "fsync" and run.fault == "EIO":
        assert run.ended == "fsync-failed", run
    else:
        assert run.ended in PUBLIC.get(run.fault, {"not-durable", "not-readable", "right-edge"}), run


def test_every_call_of_an_append_may_be_the_last(tmp_path):
    runs = list(run_all("grow", tmp_path / "grow", faults=(KILL, "EIO")))
    for run in runs:
        check(run)
    hit = {run.call.name for run in runs}
    assert {"openat", "write", "pwrite64", "fsync", "fdatasync", "link", "rename", "unlink", "mkdir", "close"} <= hit
    assert len(runs) > 200


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_fault_is_named_and_loses_and_forks_nothing(scenario, tmp_path):
    runs = list(run_all(scenario, tmp_path / scenario, every=EVERY))
    for run in runs:
        check(run)
    assert {run.fault for run in runs} == set(FAULTS)
