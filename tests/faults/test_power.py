"""The power goes at any moment, and the disk forgets what was not synced, all of it or any part."""

import copy
import shutil

import pytest

from faults.injection import SCENARIOS, judge, missing, prepare
from faults.power import VISIBLE, Disk, chance, kept, live, lost
from transparency_log.errors import LogError

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

EVERY = 5  # which moments are tried with more than the loss of all; benchmarks/faults.py tries more


def check(disk, folder, happens, told, *, created=True):
    disk.write_to(folder, happens)
    try:
        judge(folder, told, created=created)
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_power_cut_at_any_moment_loses_and_forks_nothing(scenario, tmp_path):
    start, steps = SCENARIOS[scenario]
    prepare(tmp_path / "log", start)
    disk = Disk(tmp_path / "log")
    for number, moment in enumerate(live(disk, tmp_path / "log", steps)):
        check(disk, tmp_path / "cut", lost, moment.told, created=start is not None)
        if number % EVERY == 0:
            check(disk, tmp_path / "cut", chance(number), moment.told, created=start is not None)


def test_a_power_cut_after_a_restart_loses_and_forks_nothing(tmp_path):
    # What the killed writer had not synced, the next one finds all the same, and must not build on it as it is.
    prepare(tmp_path / "log", 255)
    first = Disk(tmp_path / "log")
    for number, before in enumerate(live(first, tmp_path / "log", ("open", "append", "append"))):
        if before.call.startswith(VISIBLE):
            disk, folder = copy.deepcopy(first), tmp_path / str(number)
            disk.write_to(folder, kept)
            for moment in live(disk, folder, ("open", "append")):
                if moment.call.startswith(("fdatasync", "rename", "fsync public", "writev")):
                    check(disk, tmp_path / "cut", lost, before.told + moment.told)


@pytest.mark.parametrize(
    "deaf",
    [
        lambda path: path.startswith("state"),
        lambda path: path.endswith(".tmp"),
        lambda path: path == "public",
        lambda path: path.startswith("public/tile") and not path.endswith(".tmp"),
    ],
    ids=["state", "files", "folder of the checkpoint", "folders of the tiles"],
)
def test_a_sync_that_is_left_out_is_missed(deaf, tmp_path):
    prepare(tmp_path / "log", 255)
    disk = Disk(tmp_path / "log")
    with pytest.raises((AssertionError, LogError)):  # noqa: PT012 - at one of many moments
        for moment in live(disk, tmp_path / "log", ("open", "append", "append"), deaf=deaf):
            check(disk, tmp_path / "cut", lost, moment.told)
