"""Registries that nobody can look through: what is true of twenty rows must be true of a hundred million."""

import json
import os
from array import array
from types import SimpleNamespace

import pytest

from fairdraw.bulk import findings
from fairdraw.bulk.freezing import Freezing, Input
from fairdraw.bulk.rosters import seal_seen_before
from fairdraw.encoding import digest
from fairdraw.errors import RegistryError, SnapshotError, WorkspaceError
from fairdraw.registry import load_map
from fairdraw.roster import Roster, RosterRow, read_roster, reading
from fairdraw.values import Artifact
from fairdraw_cli import source
from fairdraw_cli.ondisk import RosterOnDisk
from support.rosters import lay_down
from transparency_log import fast
from transparency_log.errors import StorageError
from transparency_log.storage import Directory

MAP = load_map('no = "no"\nidentity = ["name"]\n[private]\nname = "name"')
ROWS = [(f"H-{at:02d}", f"第{at}院") for at in range(1, 30)]


def written(path, rows):
    path.write_text("".join(f"{no},{name}\n" for no, name in [("no", "name"), *rows]), "utf-8")
    return path


def opened(path, folder, kind="csv", secret=bytes(32), tell=lambda *_: None):
    return Freezing(Input(path, kind, MAP, path.name), folder, secret, chunk=50, tell=tell)


def test_a_file_that_is_exchanged_while_it_is_read_is_not_frozen(tmp_path):
    path = written(tmp_path / "a.csv", ROWS)

    def exchange(*_):
        written(path, [("X-1", "甲"), *ROWS[1:]])

    with opened(path, tmp_path / "scratch", tell=exchange) as frozen, pytest.raises(RegistryError) as caught:
        frozen.read()
    assert caught.value.code == "input-changed"


def test_somebody_who_is_there_twice_far_apart_is_found(tmp_path):
    again = [("H-90", ROWS[0][1]), (ROWS[3][0].lower(), "另一院")]
    with opened(written(tmp_path / "a.csv", [*ROWS, *again]), tmp_path / "scratch") as frozen:
        found = frozen.read()
    told = [(problem.line, problem.code, problem.found) for problem in found.problems]
    assert told == [(31, "row-repeated", "line 2"), (32, "number-repeated", "line 5")]


def test_a_secret_that_was_used_before_is_found_in_rosters_of_any_size(tmp_path):
    rosters = {}
    renamed = [(no, f"新{name}") for no, name in ROWS[:-1]]
    for name, rows, secret in [
        ("old", ROWS, bytes(32)), ("same", [*renamed, ROWS[-1]], bytes(32)), ("other", ROWS, bytes([1] * 32)),
        ("changed", [*renamed, (ROWS[-1][0], "改")], bytes(32)),
    ]:  # fmt: skip
        with opened(written(tmp_path / f"{name}.csv", rows), tmp_path / name, secret=secret) as frozen:
            frozen.read()
            rosters[name] = frozen.seal().roster
    assert seal_seen_before(rosters["same"], [rosters["other"], rosters["old"]])
    assert not seal_seen_before(rosters["other"], [rosters["old"]])
    assert not seal_seen_before(rosters["changed"], [rosters["old"]])
    assert not seal_seen_before(rosters["old"], [])


def test_a_name_that_an_object_has_twice_is_no_choice_of_its_reader(tmp_path):
    lines = ['{"no":"H-1","name":"甲"}', '{"no":"H-2","name":"乙","no":"H-3"}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines), "utf-8")
    with opened(tmp_path / "a.jsonl", tmp_path / "scratch", "jsonl") as frozen:
        assert [(problem.line, problem.code) for problem in frozen.read().problems] == [(2, "json-malformed")]


def test_a_column_that_is_renamed_on_the_way_empties_no_field(tmp_path):
    lines = ['{"no":"H-1","name":"甲"}', '{"no":"H-2","Name":"乙"}', '{"no":"H-3"}', '{"no":"H-4","name":"丁","x":1}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines), "utf-8")
    with opened(tmp_path / "a.jsonl", tmp_path / "scratch", "jsonl") as frozen:
        assert [(problem.line, problem.code) for problem in frozen.read().problems] == [
            (2, "json-names"), (3, "json-names"), (4, "json-names"),
        ]  # fmt: skip


def test_rows_that_a_quote_swallows_are_not_left_out_in_silence(tmp_path, monkeypatch):
    monkeypatch.setattr("fairdraw.bulk.sources.MAX_ROW", 1000)
    text = 'no,name\nH-1,甲\nH-2,"乙\n' + "".join(f"K-{at},丙\n" for at in range(40_000))
    (tmp_path / "a.csv").write_text(text, "utf-8")
    with opened(tmp_path / "a.csv", tmp_path / "scratch") as frozen, pytest.raises(RegistryError) as caught:
        frozen.read()
    assert caught.value.code in {"csv-malformed", "row-too-long"}


def test_more_bad_rows_than_anybody_reads_freeze_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(findings, "MAX_PROBLEMS", 20)
    path = written(tmp_path / "a.csv", [(no, "") if at < 10 else (no, "x") for at, (no, _) in enumerate(ROWS)])
    with opened(path, tmp_path / "scratch") as frozen:
        assert len(frozen.read().problems) == 18
    monkeypatch.setattr(findings, "MAX_PROBLEMS", 17)
    with opened(path, tmp_path / "again") as frozen, pytest.raises(RegistryError) as caught:
        frozen.read()
    assert caught.value.code == "problems-too-many"


def test_what_is_half_done_is_for_its_owner_only_and_is_gone_in_the_end(tmp_path):
    with opened(written(tmp_path / "a.csv", ROWS), tmp_path / "scratch") as frozen:
        frozen.read()
        assert (tmp_path / "scratch").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "scratch/secret").stat().st_mode & 0o777 == 0o600
        frozen.discard()
    assert not (tmp_path / "scratch").exists()


def test_a_journal_of_another_file_or_map_is_not_gone_on_from(tmp_path):
    path = written(tmp_path / "a.csv", ROWS)
    with Freezing(Input(path, "csv", MAP, "a"), tmp_path / "scratch", bytes(32), chunk=50, every=50) as first:
        first.read()
    journal = json.loads((tmp_path / "scratch/journal.json").read_bytes())
    assert journal["stand"]["rows"]
    for given in (
        Input(path, "csv", load_map('no = "no"\n[private]\nname = "name"'), "a"),
        Input(path, "csv", MAP, "a", keep_private=False),
        Input(written(tmp_path / "b.csv", ROWS), "csv", MAP, "a"),
    ):
        (tmp_path / "scratch/journal.json").write_text(json.dumps(journal))
        with Freezing(given, tmp_path / "scratch", bytes([2] * 32)) as other:
            assert not other.resumed
            assert other.secret == bytes([2] * 32)  # else two registries would have one secret


def test_a_file_with_the_size_time_and_place_of_the_first_is_another(tmp_path):
    path = written(tmp_path / "a.csv", ROWS)
    seen = path.stat()
    with Freezing(Input(path, "csv", MAP, "a"), tmp_path / "scratch", bytes(32), chunk=50, every=50) as first:
        first.read()
    with path.open("r+b") as same:
        same.write(path.read_bytes().replace(ROWS[0][1].encode(), ROWS[1][1].encode(), 1))
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    now = path.stat()
    assert (now.st_size, now.st_mtime_ns, now.st_ino) == (seen.st_size, seen.st_mtime_ns, seen.st_ino)
    with Freezing(Input(path, "csv", MAP, "a"), tmp_path / "scratch", bytes([2] * 32)) as other:
        assert not other.resumed  # else the roster would have rows of both


@pytest.mark.parametrize("planted", ["link", "file", "owner"])
def test_a_scratch_folder_that_somebody_else_has_put_there_gives_no_secret(tmp_path, monkeypatch, planted):
    path, scratch = written(tmp_path / "a.csv", ROWS), tmp_path / "scratch"
    with Freezing(Input(path, "csv", MAP, "a"), tmp_path / "his", bytes(32), chunk=50, every=50) as his:
        his.read()
    if planted == "link":
        scratch.symlink_to(tmp_path / "his")
    elif planted == "file":
        scratch.touch()
    else:
        (tmp_path / "his").rename(scratch)
        monkeypatch.setattr("os.geteuid", lambda: scratch.stat().st_uid + 1)
    with pytest.raises(WorkspaceError) as caught:
        Freezing(Input(path, "csv", MAP, "a"), scratch, bytes([2] * 32))
    assert caught.value.code == "scratch-foreign"


def roster_of(numbers):
    return Roster.of(RosterRow(no, {"level": 1}, "0f" * 32) for no in sorted(numbers))


def snapshot_of(roster):
    return SimpleNamespace(roster=roster.listing(), attrs=(("level", "integer"),), private=(("name", True),))


def test_a_roster_that_is_exchanged_or_cut_after_its_digest_was_right_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "MAPPED_FROM", 1)
    roster = roster_of(f"H-{at}" for at in range(100, 300))
    path, said = tmp_path / "roster", snapshot_of(roster)
    path.write_bytes(roster.artifact)
    found = read_roster(source.copied(path, said.roster), said)
    assert not isinstance(found.data, bytes)
    with path.open("r+b") as served:  # the same file, as whoever maps it sees it
        served.write(roster.artifact.replace(b"H-1", b"H-9"))
        served.flush()
        assert list(found.numbers) == list(roster.numbers)
        served.truncate(0)  # a mapped page that is gone kills whoever reads it
    assert list(found.rows) == list(roster.rows)


def test_what_a_logs_folder_has_in_place_of_a_roster_is_not_parsed_nor_read_without_end(tmp_path):
    roster = roster_of(["H-1", "H-2"])
    named = Artifact(digest=digest(roster.artifact), length=len(roster.artifact))
    folder = tmp_path / "artifact"
    folder.mkdir()
    path = folder / named.digest
    for served in (b"", roster.artifact[:-1], roster.artifact + b"\n", roster.artifact.replace(b"H-1", b"H-0")):
        path.write_bytes(served)
        with pytest.raises(SnapshotError) as caught:
            source.copied(path, named)
        assert caught.value.code == "wrong-digest"
    os.truncate(path, 1 << 43)  # eight tebibytes of nothing
    with pytest.raises(SnapshotError):
        source.copied(path, named)
    path.unlink()
    os.mkfifo(path)  # whoever opens it waits for ever
    with pytest.raises(WorkspaceError):
        source.copied(path, named)
    assert Directory(tmp_path).read(f"artifact/{named.digest}") is None
    path.unlink()
    path.symlink_to("/dev/zero")
    assert Directory(tmp_path).read(f"artifact/{named.digest}") is None


def test_level_files_or_a_roster_that_were_altered_hide_nobody(tmp_path):
    roster = roster_of(f"H-{at}" for at in range(100, 300))
    folder, said = tmp_path / "levels", snapshot_of(roster)
    path = lay_down(folder, roster)
    with RosterOnDisk(folder, path, said) as whole:
        assert whole.find("H-150") == 50
        assert whole.find("H-15") is None
    ends = array("Q", roster.ends)
    ends[100] = ends[40]  # halving comes here first
    for served, rows in (
        (roster.artifact.replace(b'"H-200"', b'"A-200"'), roster.ends),
        (roster.artifact, ends), (roster.artifact, array("Q", [2**64 - 1] * 200)), (b"", roster.ends),
    ):  # fmt: skip
        path.write_bytes(served)
        (folder / "rows").write_bytes(rows.tobytes())
        with RosterOnDisk(folder, path, said) as bent, pytest.raises(StorageError) as caught:
            bent.find("H-150")
        assert caught.value.code == "levels-damaged"


@pytest.mark.parametrize("compiled", [False, True])
def test_one_who_stands_twice_in_letters_of_another_case_is_found_far_apart(compiled, monkeypatch):
    monkeypatch.setattr(reading, "_pays", lambda rows: compiled and fast.why_not() is None)
    monkeypatch.setattr(reading, "_TOGETHER", 10)
    for one, other in (("H-150", "h-150"), ("H-10a", "H-10A"), ("Hos-9", "hOS-9"), ("A", "a")):
        roster = roster_of([one, other, *(f"{kind}-{at}" for kind in "HK" for at in range(1000, 1200))])
        with pytest.raises(SnapshotError) as caught:
            read_roster(roster.artifact, snapshot_of(roster))
        assert (caught.value.code, caught.value.params["found"]) == ("number-twice", one.lower())
        roster = roster_of([one, *(f"{kind}-{at}" for kind in "Hk" for at in range(1000, 1200))])
        assert list(read_roster(roster.artifact, snapshot_of(roster)).numbers) == list(roster.numbers)
