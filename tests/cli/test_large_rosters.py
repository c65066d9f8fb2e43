"""What is done where a roster is too large to be loaded, or carried: the same, from the files where they lie."""

import json
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairdraw import bundle
from fairdraw.bundle import Bundle, read_file
from fairdraw.encoding import canonical, lines
from fairdraw.errors import WorkspaceError
from fairdraw.roster import read_roster
from fairdraw.schema import SnapshotStatement
from fairdraw_cli import files, source
from fairdraw_cli.commands import openings
from fairdraw_cli.commands.openings import opened
from fairdraw_cli.history import History
from fairdraw_cli.workspace import Workspace
from support.rosters import lay_down
from support.story import Story, objects, secret

Done = Callable[..., str]
Fairdraw = Callable[..., tuple[int, str]]
AT = "08T10:00:00"


def private(count: int) -> tuple[SnapshotStatement, bytes, list[bytes]]:
    """Return a snapshot, its secret, and the lines that keep its private values."""
    entry, frozen = Story().snapshot("institutions", objects(count))
    kept = [canonical({"no": row.no, "private": list(row.private)}) for row in frozen.rows]
    return entry.of(SnapshotStatement), secret("secret of institutions 1"), kept


@pytest.mark.parametrize("mapped", [False, True])
def test_rows_of_a_long_private_file_are_found_by_halving(
    mapped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, key, kept = private(61)
    path = tmp_path / "private.jsonl"
    path.write_bytes(lines(kept))
    everybody = {no: list(row) for row in opened(said, key, lines(kept), [f"H-{i:06d}" for i in range(61)], own=True)
                 for no in [row[0].no]}  # fmt: skip
    assert len(everybody) == 61
    monkeypatch.setattr(openings, "MAPPED_FROM", 0)
    monkeypatch.setattr(files, "MAPPED_FROM", 0 if mapped else 1 << 30)
    data = files.mapped(path)
    assert isinstance(data, bytes) != mapped
    for no in [*everybody, "A", "H-000010.5", "Z"]:
        told = [list(row) for row in opened(said, key, data, [no], own=True)]
        assert told == ([everybody[no]] if no in everybody else [])
    numbers = ["H-000009.1", "H-000009.2", "H-000010"]
    assert [list(row) for row in opened(said, key, data, numbers, own=True)] == [everybody["H-000010"]]


def test_a_line_of_a_long_private_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    said, key, kept = private(9)
    kept[4] = kept[4].replace(b'"private"', b'"privat"')
    for threshold in (0, 1 << 30):
        monkeypatch.setattr(openings, "MAPPED_FROM", threshold)
        with pytest.raises(WorkspaceError) as caught:
            list(opened(said, key, lines(kept), ["H-000004"]))
        assert (caught.value.code, caught.value.params["line"]) == ("private-unreadable", 5)
    monkeypatch.setattr(openings, "MAPPED_FROM", 0)
    with pytest.raises(WorkspaceError) as caught:
        list(opened(said, key, lines(kept)[:-1], ["H-000008"]))
    assert caught.value.code == "private-unreadable"


def levels(office: Path, registry: str) -> Path:
    """Put the level files beside an office's roster that a freeze of a large one leaves there."""
    place = Workspace.open(office)
    said = next(s for _, s in History.read(place.reader()).all(SnapshotStatement) if s.registry == registry)
    folder = place.registry(registry) / "levels-1"
    lay_down(folder, place.roster(said)).unlink()
    return folder


def test_a_slip_read_from_level_files_is_the_same_file(drawn: Path, done: Done, fairdraw: Fairdraw) -> None:
    slip = drawn / "draws/fund-1/fund-1.H-07.slip.fairdraw.json"
    done("slip", "fund-1", "H-07", "-C", "office", clock=AT)
    loaded = slip.read_bytes()
    slip.unlink()
    folder = levels(drawn, "institutions")
    done("slip", "fund-1", "H-07", "-C", "office", clock=AT)
    assert slip.read_bytes() == loaded
    done("slip", "fund-1", "I-3", "-C", "office", clock=AT)
    rows = folder / "rows"
    ends = array("Q", rows.read_bytes())
    ends[6] += 1
    rows.write_bytes(ends.tobytes())
    code, told = fairdraw("slip", "fund-1", "H-07", "-C", "office", clock=AT)
    assert (code, "levels-1" in told, "Traceback" in told) == (2, True, False), told


def test_a_draw_whose_rosters_fit_no_bundle_is_verified_from_the_logs_folder(
    drawn: Path, done: Done, fairdraw: Fairdraw, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drawn / "draws/fund-1/fund-1.fairdraw.json"
    whole = read_file(path.read_bytes())
    assert isinstance(whole, Bundle)
    place = Workspace.open(drawn)
    statements = [said for _, said in History.read(place.reader()).all(SnapshotStatement)]
    rosters = {said.roster.digest: said for said in statements}
    left = whole.model_copy(update={"artifacts": tuple(a for a in whole.artifacts if a.digest not in rosters)})
    path.write_bytes(left.format())
    words = ("verify", "office/draws/fund-1/fund-1.fairdraw.json", "--trust", "office/trust", "--as-of",
             "2026-09-09T10:00:00Z", "--json")  # fmt: skip

    def judged(*more: str) -> dict[str, Any]:
        _, told = fairdraw(*words, *more)
        return {check["code"]: check for check in json.loads(told.splitlines()[0])["checks"]}

    assert judged("--bundle-only")["rosters"]["reason"] == "artifact-missing"
    with monkeypatch.context() as patch:
        patch.setattr(bundle, "ROSTERS", 1)  # its lacking is nobody's fault now
        told = judged("--bundle-only")["rosters"]
        assert (told["state"], told["reason"]) == ("unknown", "roster-too-large")
        assert judged("--log", "office/log")["rosters"]["state"] == "holds"
    for threshold in (0, 1 << 30):
        monkeypatch.setattr(source, "MAPPED_FROM", threshold)
        assert judged("--log", "office/log")["selection"]["state"] == "holds"
    # Whoever serves the folder may put anything there: the log has its digest.
    digest, said = next(iter(rosters.items()))
    served = drawn / "log/artifact" / digest
    good = served.read_bytes()
    served.chmod(0o644)
    for bent in (good.replace(b"H-01", b"H-00", 1), good + good.splitlines(keepends=True)[-1], b"", good[:-1]):
        served.write_bytes(bent)
        assert judged("--log", "office/log")["rosters"]["reason"] == "wrong-digest"
    served.unlink()
    for room in (1, 1 << 30):
        monkeypatch.setattr(bundle, "ROSTERS", room)
        assert judged("--log", "office/log")["rosters"]["reason"] == "artifact-missing"
    assert read_roster(good, said).root.hex() == said.roster.root


def test_a_bundle_leaves_the_largest_rosters_out_where_it_would_grow_too_large(
    drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Workspace.open(drawn)
    said = sorted((s for _, s in History.read(place.reader()).all(SnapshotStatement)), key=lambda s: s.roster.length)
    small, large = (one.roster for one in said)
    for room, out in (
        (large.length * 4, set()),
        (large.length * 4 // 3, {large.digest}),
        (small.length, {large.digest, small.digest}),
    ):
        monkeypatch.setattr(bundle, "ROSTERS", room)
        assert bundle.left_out(one.roster for one in said) == out
