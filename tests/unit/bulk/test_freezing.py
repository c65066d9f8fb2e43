"""The edges of a freeze in parts: pipes, limits, damaged files, and what is not counted."""

import io
import sys

import pytest

from fairdraw.bulk.freezing import Freezing, Input
from fairdraw.bulk.sources import open_source
from fairdraw.errors import RegistryError, SnapshotError, WorkspaceError
from fairdraw.registry import load_map, read_registry

MAP = load_map('no = "no"\n[attrs]\nkind = "kind"\n[private]\nname = "name"')
TEXT = "no,kind,name\nH-1,a,甲\nH-2,b,乙\nH-3,a,\n"


def freeze(source, folder):
    with Freezing(source, folder, bytes(32)) as frozen:
        frozen.read()
        return frozen.seal()


def refused(kind, source, folder, code):
    with pytest.raises(kind) as caught:
        freeze(source, folder)
    assert caught.value.code == code
    return caught.value.params


def test_a_pipe_is_what_its_map_says_and_else_utf_8(tmp_path):
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        known = MAP.model_copy(update={"encoding": "gb18030"}) if encoding == "gb18030" else MAP
        pipe = io.BytesIO(TEXT.encode(encoding))
        with Freezing(Input(pipe, "csv", known, "-"), tmp_path / encoding, bytes(32)) as frozen:
            assert not frozen.read().problems
            assert frozen.space_needed() is None
            assert frozen.seal().listing.count == 3
    told = refused(
        RegistryError, Input(io.BytesIO(TEXT.encode("gb18030")), "csv", MAP, "-"), tmp_path / "x", "encoding"
    )
    assert told == {"expected": ["utf-8"], "at": 19, "found": "bcd70a48"}


def test_a_pipe_that_would_have_to_be_read_twice_is_refused(tmp_path):
    assigned = load_map('no = { assign = "F-%03d", by = ["name"] }\n[private]\nname = "name"')
    refused(RegistryError, Input(io.BytesIO(TEXT.encode()), "csv", assigned, "-"), tmp_path / "x", "assigned-on-pipe")


@pytest.mark.parametrize("kind", ["sheet", "parquet"])
def test_what_cannot_be_read_from_front_to_back_comes_through_no_pipe(tmp_path, kind):
    refused(RegistryError, Input(io.BytesIO(b"x"), kind, MAP, "-"), tmp_path / "x", "file-type-streamed")


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        ("csv", b"", "header-missing"),
        ("csv", b"no,kind,name\n", "registry-empty"),
        ("csv", b"no;kind;name\n1;2;3\n", "csv-separator"),
        ("csv", b"no,kind\n1,2\n", "column-missing"),
        ("csv", b"no,kind,name,name\n1,2,3,4\n", "column-repeated"),
        ("csv", b"no,kind,name\nx y,2,3\n", "empty-registry"),
        ("jsonl", b"\n\n", "header-missing"),
        ("jsonl", b"[1]\n", "json-header"),
        ("jsonl", b'{"no":1,"no":2}\n', "json-header"),
        ("parquet", b"PAR1 and no more", "not-parquet"),
        ("parquet", b"", "not-parquet"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_as_in_memory(tmp_path, kind, data, code):
    path = tmp_path / f"a.{kind}"
    path.write_bytes(data)
    refused((RegistryError, SnapshotError), Input(path, kind, MAP, path.name), tmp_path / "x", code)
    if code != "empty-registry":
        with pytest.raises(RegistryError) as caught:
            read_registry(data, MAP, name=path.name)
        assert caught.value.code == code


def test_a_row_that_never_ends_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("fairdraw.bulk.sources.MAX_ROW", 500)
    endless = ("no,kind,name\n" + "x" * 3000).encode()
    with open_source(io.BytesIO(endless), "csv", MAP, 100) as source, pytest.raises(RegistryError) as caught:
        list(source.chunks(source.start))
    assert caught.value.code == "row-too-long"


def test_without_pyarrow_one_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(RegistryError) as caught:
        read_registry(b"PAR1", MAP, name="a.parquet")
    assert caught.value.code == "arrow-missing"
    assert caught.value.params == {"command": 'pip install "fairdraw[arrow]"'}


def test_groups_that_are_too_many_are_not_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("fairdraw.bulk.freezing.MAX_GROUPS", 1)
    path = tmp_path / "a.csv"
    path.write_text(TEXT, "utf-8")
    with Freezing(Input(path, "csv", MAP, "a"), tmp_path / "x", bytes(32)) as frozen:
        frozen.read()
        assert frozen.seal().groups is None


def test_a_short_secret_is_none(tmp_path):
    with pytest.raises(SnapshotError) as caught:
        Freezing(Input(io.BytesIO(b""), "csv", MAP, "-"), tmp_path / "x", b"short")
    assert caught.value.code == "bad-secret"


def test_work_that_the_disk_has_lost_is_told_once_and_then_begun_anew(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(TEXT, "utf-8")
    source = Input(path, "csv", MAP, "a")
    with Freezing(source, tmp_path / "x", bytes(32), chunk=10, every=1) as frozen:
        frozen.read()
    (tmp_path / "x/runs/roster").write_bytes(b"")
    with pytest.raises(WorkspaceError) as caught:
        Freezing(source, tmp_path / "x", bytes(32))
    assert caught.value.code == "scratch-damaged"
    with Freezing(source, tmp_path / "x", bytes(32)) as again:
        assert not again.resumed
        assert not again.read().problems


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("journal.json", b""),
        ("journal.json", b'{"about": '),
        ("journal.json", b"[]"),
        ("journal.json", b'{"about": {}}'),
        ("secret", None),
        ("secret", b""),
        ("secret", b"\xff" * 64),
        ("secret", b"00" * 31),
    ],
    ids=range(8),
)
def test_a_journal_or_secret_that_the_disk_has_damaged_is_begun_anew(tmp_path, name, data):
    path = tmp_path / "a.csv"
    path.write_text(TEXT, "utf-8")
    source = Input(path, "csv", MAP, "a")
    with Freezing(source, tmp_path / "x", bytes(32), chunk=10, every=1) as frozen:
        frozen.read()
    with Freezing(source, tmp_path / "x", bytes(32)) as again:
        assert again.resumed
    if data is None:
        (tmp_path / "x" / name).unlink()
    else:
        (tmp_path / "x" / name).write_bytes(data)
    with Freezing(source, tmp_path / "x", bytes([2] * 32)) as anew:
        assert not anew.resumed
        assert anew.secret == bytes([2] * 32)
        assert not anew.read().problems
