import errno
import os
import sys
from array import array
from pathlib import Path
from types import SimpleNamespace

import pytest

from fairdraw.bulk import appended
from fairdraw.bulk.appended import Appended, is_among
from fairdraw.bulk.moves import PLAIN, _moves_alike, moves
from fairdraw.bulk.sort import Sorted
from fairdraw.bulk.strings import Strings, from_words, to_words
from fairdraw.errors import WorkspaceError
from transparency_log import fast


def test_strings_are_what_they_were_laid_out_of():
    several = [b"", b"a", b"", b"bc\n", b"d" * 300, b""]
    strings = Strings.of(iter(several))
    assert (list(strings), len(strings)) == (several, len(several))
    assert [strings[at] for at in range(-6, 6)] == several + several
    assert not list(Strings.of([]))
    for beyond in (6, -7):
        with pytest.raises(IndexError):
            strings[beyond]


@pytest.mark.parametrize("order", ["little", "big"])
def test_words_are_little_endian_on_every_machine(monkeypatch, order):
    values = array("Q", [0, 1, 0x0102030405060708, 2**64 - 1])
    native = values[:]
    if order != sys.byteorder:
        native.byteswap()  # what the memory of the other machine holds
    monkeypatch.setattr("sys.byteorder", order)
    written = to_words(native)
    assert written == b"".join(value.to_bytes(8, "little") for value in values)
    assert from_words(written) == native
    assert to_words(native) == written  # and the array itself is as it was


def test_a_line_is_among_others_or_not():
    lines = array("Q", [2, 5, 9])
    assert [line for line in range(12) if is_among(line, lines)] == [2, 5, 9]
    assert not is_among(0, array("Q"))


@pytest.mark.parametrize("held", [1, 1 << 20])
def test_files_are_cut_back_to_the_journal(tmp_path, monkeypatch, held):
    monkeypatch.setattr(appended, "HELD", held)
    files = Appended(tmp_path)
    files.append("a", b"one")
    files.append("b", memoryview(b"two"))
    sizes = files.sizes()
    assert sizes == {"a": 3, "b": 3}
    files.append("a", b"more")
    files.append("c", b"new")
    files.sync()
    again = Appended(tmp_path, sizes)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"one", "b": b"two"}
    again.append("a", b"other")
    assert again.path("a").read_bytes() == b"oneother"
    assert again.sizes() == {"a": 8, "b": 3}
    Appended(tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_is_written_at_once_stands_behind_what_waited(tmp_path, monkeypatch):
    monkeypatch.setattr(appended, "ENOUGH", 4)
    files = Appended(tmp_path)
    for data in (b"one", b"three", b"ten"):
        files.append("a", data)
    assert (tmp_path / "a").read_bytes() == b"onethree"
    assert files.path("a").read_bytes() == b"onethreeten"
    assert files.sizes() == {"a": 11}


@pytest.mark.parametrize("lost", [b"on", None])
def test_files_that_are_shorter_than_the_journal_says_are_refused(tmp_path, lost):
    files = Appended(tmp_path)
    files.append("a", b"one")
    files.sync()
    files.path("a").unlink()
    if lost is not None:
        (tmp_path / "a").write_bytes(lost)
    with pytest.raises(WorkspaceError) as error:
        Appended(tmp_path, {"a": 3})
    assert error.value.code == "scratch-damaged"
    assert error.value.params == {"path": str(tmp_path / "a"), "expected": 3, "found": len(lost or b"")}


def test_all_that_was_appended_is_synced_and_the_folder_too(tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync

    def noted(descriptor):
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append((path.name, path.stat().st_size if path.is_file() else None))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    files = Appended(tmp_path)
    files.append("a", b"one")
    files.append("b", b"two")
    files.sync()
    assert synced == [("a", 3), ("b", 3), (tmp_path.name, None)]
    files.append("b", b"more")
    files.sync()
    assert synced[3:] == [("b", 7), (tmp_path.name, None)]


def test_a_full_disk_is_told_and_half_a_write_is_cut_away(tmp_path):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    files = Appended(tmp_path)
    files.append("a", b"one")
    sizes = files.sizes()
    (tmp_path / "b").symlink_to(full)
    files.append("b", b"two")
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        files.sync()
    (tmp_path / "a").write_bytes(b"one and half of what")
    assert Appended(tmp_path, sizes).path("a").read_bytes() == b"one"


@pytest.mark.parametrize(("room", "fan_in"), [(1, 2), (40, 3), (1 << 20, 2)])
def test_lines_come_out_sorted_and_the_folder_is_gone(tmp_path, room, fan_in):
    folder = tmp_path / "sorted"
    folder.mkdir()
    (folder / "000000").write_bytes(b"0 of one that was killed\n")
    lines = [b"%d\n" % (at * 7919 % 101) for at in range(150)]
    taken = Sorted(folder, room=room, fan_in=fan_in)
    for line in lines:
        taken.add(line)
    assert list(taken) == sorted(lines)
    assert not folder.exists()


@pytest.mark.skipif(fast.why_not() is not None, reason="no compiled code here")
@pytest.mark.parametrize("ends", [[9], [2, 1, 3], [2**63 - 1, 2**63], [5, 3]])
def test_compiled_code_does_not_follow_damaged_ends_out_of_its_data(ends):
    moves_of_kernels = moves(1 << 40)
    assert moves_of_kernels is not PLAIN
    rows = moves_of_kernels.order(Strings.of([b"b", b"a"]), array("Q", [2, 3]), array("Q"))
    assert list(moves_of_kernels.take(Strings.of([b"bcd", b""]), rows)) == [b"", b"bcd"]
    with pytest.raises(ValueError, match="ends"):
        moves_of_kernels.take(Strings(b"abc", array("Q", ends)), rows[:1])


NAMES = ("order", "take", "take_fixed", "records", "recurring")


@pytest.mark.skipif(fast.why_not() is not None, reason="no compiled code here")
@pytest.mark.parametrize("name", NAMES)
def test_compiled_code_that_moves_otherwise_is_not_used(name):
    right = {one: getattr(moves(1 << 40), one) for one in NAMES}
    assert _moves_alike(SimpleNamespace(**right))
    bent = {
        "order": lambda numbers, at, dropped: right["order"](numbers, at, array("Q")),
        "take": lambda strings, rows: right["take"](strings, rows[::-1].copy()),
        "take_fixed": lambda data, width, rows: right["take_fixed"](data, width, rows[::-1]),
        "records": lambda keys: list(right["records"](keys))[1:],
        "recurring": lambda data: right["recurring"](data)[:-24],
    }
    assert not _moves_alike(SimpleNamespace(**(right | {name: bent[name]})))
