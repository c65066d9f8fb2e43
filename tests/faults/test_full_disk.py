"""Disks that are really full, out of names, or read-only, and a limit on the size of files."""

import os
import resource
import subprocess
from contextlib import contextmanager

import pytest

from faults.writer import SIGNER
from transparency_log.errors import SequenceError, StorageError
from transparency_log.log import Log
from transparency_log.merkle import leaf_hash, root
from transparency_log.reader import LogReader
from transparency_log.state import SqliteState
from transparency_log.storage import Directory

SIZE = "400k"  # a state, its journal, and some entries


class Disk:
    """A small file system in memory."""

    def __init__(self, folder):
        self.folder = folder

    def mount(self, options, *, again=False):
        how = f"remount,{options}" if again else options
        command = ["mount", "-t", "tmpfs", "-o", how, "tmpfs", str(self.folder)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def fill(self, *, but=4096):
        """Leave so many bytes free."""
        room = os.statvfs(self.folder)
        (self.folder / "filler").write_bytes(bytes(room.f_bavail * room.f_frsize - but))

    def remount(self, options):
        assert self.mount(options, again=True)


@pytest.fixture
def disk(tmp_path):
    small = Disk(tmp_path / "disk")
    small.folder.mkdir()
    if not small.mount(f"size={SIZE}"):
        pytest.skip("mounting is not permitted here")
    yield small
    subprocess.run(["umount", "--lazy", str(small.folder)], check=True)


class Place:
    """Where a log and its state lie, and what was acknowledged."""

    def __init__(self, public, state):
        self.public, self.state = public / "public", state / "state"
        self.entries = []
        with SqliteState.create(self.state) as opened:
            Log.create(Directory(self.public), SIGNER, state=opened)

    @contextmanager
    def open(self):
        with SqliteState(self.state) as opened:
            yield Log.open(Directory(self.public), SIGNER, state=opened)

    def add(self, log, entry):
        assert log.append(entry) == len(self.entries)
        self.entries.append(entry)

    def check(self):
        """Check the whole log as it lies there; nothing acknowledged may be missing."""
        reader = LogReader(Directory(self.public).read, SIGNER.verifier)
        newest = reader.check().checkpoint
        entries = list(reader.entries(0, newest.size, newest.size))
        assert entries[: len(self.entries)] == self.entries
        assert newest.root == root(map(leaf_hash, entries))
        assert not list(self.public.rglob(".*")), "something half-written was left"
        self.entries = entries  # an entry that was not acknowledged may have come to stay

    def fill(self):
        """Append until that fails, and return the code."""
        try:
            with self.open() as log:
                while True:
                    self.add(log, b"%d" % len(self.entries) + b" " * 5000)
        except StorageError as error:
            with pytest.raises(SequenceError, match="stopped"):
                log.append(b"more")
            return error.code


@pytest.fixture(params=["all on the disk", "the public files on the disk", "the state on the disk"])
def place(request, disk, tmp_path):
    public = tmp_path if request.param == "the state on the disk" else disk.folder
    state = tmp_path if request.param == "the public files on the disk" else disk.folder
    return Place(public, state)


def test_a_full_disk_stops_the_log_says_so_and_is_all_right_once_there_is_room(disk, place):
    disk.fill(but=90_000)  # of which opening the state takes a part
    assert place.fill() == "disk-full"
    place.check()
    disk.remount("size=4m")
    with place.open() as log:
        place.check()
        place.add(log, b"after")
    place.check()


def test_a_disk_without_names_left_stops_the_log_too(disk, place):
    used = sum(1 for _ in disk.folder.rglob("*")) + 1
    disk.remount(f"nr_inodes={used + 20}")
    for number in range(20):
        (disk.folder / f"filler-{number}").touch()
    with pytest.raises(StorageError) as caught, place.open() as log:
        log.append(b"one too many")
    # SQLite cannot make its journal, and does not say why.
    assert caught.value.code in ("disk-full", "state-database")
    place.check()
    for number in range(20):
        (disk.folder / f"filler-{number}").unlink()
    with place.open() as log:
        place.check()
        place.add(log, b"after")
    place.check()


def test_a_disk_that_becomes_read_only_is_named_and_nothing_is_lost(disk, tmp_path):
    place = Place(disk.folder, tmp_path)
    with place.open() as log:
        place.add(log, b"before")
        disk.remount("ro")
        with pytest.raises(StorageError, match="read-only"):
            log.append(b"meanwhile")
    place.check()
    disk.remount("rw")
    with place.open() as log:
        place.check()
        place.add(log, b"after")
    place.check()


def test_a_log_on_a_read_only_disk_takes_nothing_and_is_as_it_was(disk):
    place = Place(disk.folder, disk.folder)
    disk.remount("ro")
    with pytest.raises(StorageError), place.open() as log:
        log.append(b"meanwhile")
    place.check()
    disk.remount("rw")
    with place.open() as log:
        place.add(log, b"after")
    place.check()


def test_a_limit_on_the_size_of_files_stops_the_log_and_no_more(tmp_path):
    place = Place(tmp_path, tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    try:
        assert place.fill() in ("not-durable", "state-database", "disk-full")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    place.check()
    with place.open() as log:
        place.check()
        place.add(log, b"after")
    place.check()
