import errno
import os
import stat
import tempfile
from pathlib import Path

import pytest

from transparency_log.errors import StorageError
from transparency_log.storage import Directory, Memory


@pytest.fixture(params=["directory", "memory"])
def storage(request, tmp_path):
    """Every storage keeps the same contract."""
    return Directory(tmp_path / "log") if request.param == "directory" else Memory()


def test_what_was_never_written_is_not_there(storage):
    assert storage.read("checkpoint") is None
    assert storage.read("tile/0/000") is None


def test_a_created_file_is_read_back_and_never_changes(storage):
    storage.create("tile/0/x001/000.p/7", b"seven")
    assert storage.read("tile/0/x001/000.p/7") == b"seven"
    storage.create("tile/0/x001/000.p/7", b"seven")
    with pytest.raises(StorageError, match="immutable"):
        storage.create("tile/0/x001/000.p/7", b"eight")
    assert storage.read("tile/0/x001/000.p/7") == b"seven"


def test_a_full_tile_lies_beside_the_folder_of_its_partial_ones(storage):
    storage.create("tile/0/000.p/1", b"one")
    storage.create("tile/0/000", b"all")
    assert (storage.read("tile/0/000"), storage.read("tile/0/000.p/1")) == (b"all", b"one")


def test_a_replaced_file_has_its_last_bytes(storage):
    storage.replace("checkpoint", b"first")
    storage.replace("checkpoint", b"")
    assert storage.read("checkpoint") == b""


def test_a_path_below_a_file_is_not_there(storage):
    storage.create("tile/0/000", b"all")
    assert storage.read("tile/0/000/1") is None
    assert storage.read("tile/0") is None


@pytest.mark.parametrize(
    "path", ["", "/", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", "./a", ".hidden", "a\\b", "a\0b", "a b", "ａ"]
)
def test_a_path_out_of_the_folder_is_refused(storage, path):
    uses = (storage.read, storage.delete, storage.names)
    for use in (*uses, lambda p: storage.create(p, b""), lambda p: storage.replace(p, b"")):
        with pytest.raises(StorageError, match="path"):
            use(path)


def test_a_folder_holds_nothing_but_its_files_and_the_web_server_can_read_them(tmp_path):
    storage = Directory(tmp_path)
    storage.create("tile/0/000", b"a")
    storage.replace("checkpoint", b"b")
    with pytest.raises(StorageError):
        storage.create("tile/0/000", b"other")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(path.relative_to(tmp_path).as_posix() for path in files) == ["checkpoint", "tile/0/000"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o644 for path in files)


def test_a_folder_syncs_each_file_before_it_gets_its_name_and_the_folder_after(tmp_path, monkeypatch):
    done = []
    real_fsync, real_link = os.fsync, os.link
    monkeypatch.setattr(os, "fsync", lambda fd: (done.append(stat.S_ISDIR(os.fstat(fd).st_mode)), real_fsync(fd))[1])
    monkeypatch.setattr(os, "link", lambda *a, **k: (done.append("named"), real_link(*a, **k))[1])
    storage = Directory(tmp_path)
    storage.create("file", b"bytes")
    # First the folder's own name: whoever made the folder may have been killed before it was sure.
    assert done == [True, False, "named", True]
    storage.create("another", b"bytes")
    assert done[4:] == [False, "named", True]


def test_a_file_that_cannot_be_read_is_an_error_and_not_absent(tmp_path, monkeypatch):
    def fail(_):
        raise OSError(5, "Input/output error")

    (tmp_path / "checkpoint").write_bytes(b"")
    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(StorageError, match="not-readable"):
        Directory(tmp_path).read("checkpoint")


def test_a_disk_that_does_not_keep_its_promise_is_an_error_and_leaves_no_file(tmp_path, monkeypatch):
    def fail(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    for write in (Directory(tmp_path).create, Directory(tmp_path).replace):
        with pytest.raises(StorageError, match="fsync-failed"):
            write("file", b"bytes")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "disk-full"), (errno.EDQUOT, "disk-quota"), (errno.EROFS, "read-only"), (errno.EIO, "not-durable")],
)
def test_a_disk_that_takes_nothing_more_says_why_and_nothing_is_half_there(tmp_path, monkeypatch, number, code):
    storage = Directory(tmp_path)
    storage.replace("checkpoint", b"old")

    def fail(*_args, **_kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "mkstemp", fail)
    for write in (storage.create, storage.replace):
        with pytest.raises(StorageError, match=code):
            write("checkpoint", b"new")
    assert storage.read("checkpoint") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_many_files_are_created_as_one_by_one(storage):
    files = [(f"tile/0/{number:03}", b"%d" % number) for number in range(200)]
    storage.create_all(iter(files))
    storage.create_all(files)
    assert all(storage.read(path) == data for path, data in files)
    with pytest.raises(StorageError, match="immutable"):
        storage.create_all([("tile/0/200", b"new"), ("tile/0/007", b"other")])
    assert storage.read("tile/0/007") == b"7"


def test_names_are_those_of_the_files_in_one_folder(storage):
    assert storage.names("tile/0/000.p") == []
    for width in (1, 7, 255):
        storage.create(f"tile/0/000.p/{width}", b"")
    storage.create("tile/0/000", b"")
    assert sorted(storage.names("tile/0/000.p")) == ["1", "255", "7"]
    assert storage.names("tile/0/000") == []


def test_a_deleted_file_is_gone_and_its_neighbours_stay(storage):
    for path in ("tile/0/000.p/1", "tile/0/000.p/2", "tile/0/000"):
        storage.create(path, path.encode())
    storage.delete("tile/0/000.p/1")
    storage.delete("tile/0/000.p/1")
    assert storage.names("tile/0/000.p") == ["2"]
    storage.delete("tile/0/000.p/2")
    storage.delete("tile/0/000.p/2")
    storage.delete("tile/0/000/1")
    assert storage.names("tile/0/000.p") == []
    assert storage.read("tile/0/000") == b"tile/0/000"
    storage.create("tile/0/000.p/1", b"again")
