"""Registries that no memory holds: they are frozen in parts, and a freeze that was killed goes on."""

import hashlib
import io
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pyarrow
import pytest
from pyarrow import parquet

from fairdraw.registry import load_map, read_registry
from fairdraw.snapshot import freeze
from fairdraw_cli import streamed
from fairdraw_cli.commands import freeze as command
from fairdraw_cli.main import run
from transparency_log.levels import Levels

Fairdraw = Callable[..., tuple[int, str]]
Done = Callable[..., str]
CLOCK = "07T10:01:00"
MAP = """
no = "no"
identity = ["name"]
[attrs]
type = "type"
[private]
name = "name"
[closed]
phone = "phone"
"""
ROWS = [
    {"no": f"H-{at:03d}", "type": "医院" if at % 3 else "药店", "name": f"第{at}院", "phone": f"0531-8888{at:04d}"}
    for at in range(60)
]


@pytest.fixture
def office(done: Done, papers: Path) -> Path:
    """An office with a cosigned plan, and no registry yet."""
    done("init", "office", "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    done("plan", "log", "plan.toml", "-C", "office", clock="07T10:00:00")
    (papers / "MAP.toml").write_text(MAP, "utf-8")
    return papers


def as_csv(rows: list[dict[str, str]]) -> bytes:
    lines = [",".join(("no", "type", "name", "phone")), *(",".join(row.values()) for row in rows)]
    return "".join(f"{line}\n" for line in lines).encode()


def as_jsonl(rows: list[dict[str, str]]) -> bytes:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()


def as_parquet(rows: list[dict[str, str]]) -> bytes:
    parquet.write_table(pyarrow.Table.from_pylist(rows), out := io.BytesIO())
    return out.getvalue()


WRITERS = {".csv": as_csv, ".jsonl": as_jsonl, ".ndjson": as_jsonl, ".parquet": as_parquet}


def statements(office: Path) -> set[str]:
    """Return the snapshots in the log; a bundle of entries is there once more in each width that it has had."""
    entries = (office / "office" / "log").rglob("*")
    data = b"\n".join(path.read_bytes() for path in entries if path.is_file() and "entries" in path.parts)
    found = (line.partition("{")[2] for line in data.decode("utf-8", "replace").splitlines())
    return {line for line in found if '"type":"snapshot"' in line}


@pytest.fixture
def streaming(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "STREAMED_FROM", 0)


@pytest.mark.usefixtures("streaming")
@pytest.mark.parametrize("suffix", WRITERS)
def test_a_registry_in_parts_becomes_a_snapshot_with_its_tree_beside_it(office: Path, done: Done, suffix: str) -> None:
    (office / f"a{suffix}").write_bytes(WRITERS[suffix](ROWS[::-1]))
    told = done("freeze", "institutions", f"a{suffix}", "--map", "MAP.toml", "-C", "office", clock=CLOCK)
    assert "institutions-1 (rows: 60, left out: 0)" in told
    folder = office / "office" / "registries" / "institutions"
    roster = (folder / "roster.jsonl").read_bytes()
    assert [json.loads(line)["no"] for line in roster.splitlines()] == [row["no"] for row in ROWS]
    with Levels(folder / "levels-1", 60) as levels:
        assert levels.root().hex() in told
    ends = (folder / "levels-1" / "rows").read_bytes()
    assert int.from_bytes(ends[8:16], "little") == len(b"".join(roster.splitlines(keepends=True)[:2]))
    digest = hashlib.sha256(roster).hexdigest()
    names = [folder / "roster.jsonl", office / "office/artifacts" / digest, office / "office/log/artifact" / digest]
    assert len({path.stat().st_ino for path in names}) == 1  # stored once
    assert (folder / "private.jsonl").stat().st_mode & 0o777 == 0o600
    assert (office / "office/secrets/institutions-1.secret").stat().st_mode & 0o777 == 0o600
    assert names[0].stat().st_mode & 0o777 == 0o644
    assert not (office / "office/state/freeze/institutions").exists()


@pytest.mark.usefixtures("streaming")
def test_bad_rows_are_told_and_nothing_is_frozen_unless_they_are_left_out(
    office: Path, done: Done, fairdraw: Fairdraw
) -> None:
    rows = [*ROWS, {**ROWS[0], "name": "另一院"}, {**ROWS[1], "no": "H-900"}, {**ROWS[2], "no": "x y"}]
    (office / "a.csv").write_bytes(as_csv(rows))
    freeze = ["freeze", "institutions", "a.csv", "--map", "MAP.toml", "-C", "office"]
    code, told = fairdraw(*freeze, clock=CLOCK)
    assert code == 2
    assert "line 62 no: another row has this number" in told or "line 62" in told
    assert "line 63" in told
    assert "line 64" in told
    assert not statements(office)
    assert not (office / "office/state/freeze/institutions").exists()
    told = done(*freeze, "--skip-bad", clock=CLOCK)
    assert "institutions-1 (rows: 60, left out: 3)" in told


def test_a_pipe_is_frozen_as_it_comes(office: Path, done: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(as_csv(ROWS))))
    told = done(
        "freeze", "institutions", "-", "--format", "csv", "--map", "MAP.toml", "-C", "office", clock=CLOCK
    )  # fmt: skip
    assert "institutions-1 (rows: 60, left out: 0)" in told


@pytest.mark.parametrize("words", [["-"], ["a.csv", "--format", "csv"]])
def test_the_format_is_said_of_a_pipe_and_of_nothing_else(office: Path, fairdraw: Fairdraw, words: list[str]) -> None:
    (office / "a.csv").write_bytes(as_csv(ROWS))
    code, told = fairdraw("freeze", "institutions", *words, "-C", "office", clock=CLOCK)
    assert code == 2
    assert "--format csv or jsonl is for standard input (-)" in told


def test_of_a_large_registry_there_is_no_sheet_of_refused_rows(
    office: Path, fairdraw: Fairdraw, streaming: None
) -> None:
    (office / "a.csv").write_bytes(as_csv(ROWS))
    freeze_it = ["freeze", "institutions", "a.csv", "--map", "MAP.toml", "--refused", "b.xlsx", "-C", "office"]
    code, told = fairdraw(*freeze_it, clock=CLOCK)
    assert code == 2
    assert "a.csv is too large" in told
    assert not (office / "b.xlsx").exists()


def test_of_a_small_file_of_lines_there_is_one(office: Path, fairdraw: Fairdraw) -> None:
    (office / "a.jsonl").write_bytes(as_jsonl([*ROWS, {**ROWS[2], "no": "x y"}]) + b"[1]\n")
    freeze_it = ["freeze", "institutions", "a.jsonl", "--map", "MAP.toml", "--refused", "b.xlsx", "-C", "office"]
    code, told = fairdraw(*freeze_it, clock=CLOCK)
    assert code == 2
    assert "line 62" in told
    assert (office / "b.xlsx").exists()


@pytest.mark.usefixtures("streaming")
def test_a_disk_that_is_too_small_is_told_before_anything_is_read(
    office: Path, fairdraw: Fairdraw, monkeypatch: pytest.MonkeyPatch
) -> None:
    (office / "a.csv").write_bytes(as_csv(ROWS))
    monkeypatch.setattr(streamed, "disk_usage", lambda _: SimpleNamespace(free=1000))
    monkeypatch.setattr(streamed.Freezing, "read", None)
    code, told = fairdraw("freeze", "institutions", "a.csv", "--map", "MAP.toml", "-C", "office", clock=CLOCK)
    assert code == 2
    assert "takes about 0.0 GiB of disk, and 0.0 GiB is free" in told
    assert not (office / "office/state/freeze/institutions").exists()


@pytest.mark.usefixtures("streaming")
@pytest.mark.parametrize("size", [0, 1 << 30])
def test_what_is_not_kept_opens_nothing_and_is_not_taken_for_a_later_snapshots(
    office: Path, done: Done, fairdraw: Fairdraw, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(command, "STREAMED_FROM", size)
    (office / "a.csv").write_bytes(as_csv(ROWS))
    freeze_it = ["freeze", "institutions", "a.csv", "--map", "MAP.toml", "-C", "office"]
    code, told = fairdraw(*freeze_it, "--no-private", "--once", clock=CLOCK)
    assert code == 2
    assert "cannot go with --no-private" in told
    told = done(*freeze_it, "--no-private", clock=CLOCK)
    assert "no private values of institutions-1 were kept" in told
    folder = office / "office/registries/institutions"
    assert not (folder / "private.jsonl").read_bytes()
    done(*freeze_it, clock="07T10:02:00")
    assert not (folder / "private-1.jsonl").read_bytes()
    assert len((folder / "private.jsonl").read_bytes().splitlines()) == len(ROWS)


@pytest.mark.usefixtures("streaming")
def test_the_same_rows_are_logged_once_where_that_is_asked_for(office: Path, done: Done) -> None:
    (office / "a.csv").write_bytes(as_csv(ROWS))
    freeze_it = ["freeze", "institutions", "a.csv", "--map", "MAP.toml", "--once", "-C", "office"]
    assert "froze snapshot institutions-1" in done(*freeze_it, clock=CLOCK)
    assert "nothing was logged again" in done(*freeze_it, clock="07T10:02:00")
    (office / "a.csv").write_bytes(as_csv([*ROWS[1:], {**ROWS[0], "type": "药店2"}]))
    assert "froze snapshot institutions-2" in done(*freeze_it, clock="07T10:03:00")
    (office / "a.csv").write_bytes(as_csv([*ROWS[1:], {**ROWS[0], "type": "药店2", "phone": "0531-88889999"}]))
    assert "froze snapshot institutions-3" in done(*freeze_it, clock="07T10:04:00")


@pytest.mark.usefixtures("streaming")
def test_a_secret_that_was_used_before_is_found_out(
    office: Path, done: Done, fairdraw: Fairdraw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed, "EVERY", 500)
    (office / "a.csv").write_bytes(as_csv(ROWS))
    freeze_it = ["freeze", "institutions", "a.csv", "--map", "MAP.toml", "-C", "office"]
    with monkeypatch.context() as stuck:
        stuck.setattr(streamed.os, "urandom", bytes)
        done(*freeze_it, clock=CLOCK)
        renamed = [{**row, "name": f"新{at}"} for at, row in enumerate(ROWS[1:])]
        (office / "a.csv").write_bytes(as_csv([*renamed, ROWS[0]]))
        code, told = fairdraw(*freeze_it, clock="07T10:02:00")
    assert code == 2
    assert "secret" in told
    assert len(statements(office)) == 1
    assert not (office / "office/state/freeze/institutions").exists()  # else it would go on under that secret
    done(*freeze_it, clock="07T10:03:00")


# -- killed -----------------------------------------------------------------------------------------------------------


def run_until(step: int, words: list[str]) -> int | None:
    """Run a command in a process that is killed before its `step`th file is synced or named; None if it was killed.

    Returns how many of these steps there are, where there are fewer.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        count = 0

        def counted(function: Callable[..., object]) -> Callable[..., object]:
            def call(*given: object, **named: object) -> object:
                nonlocal count
                count += 1
                if count == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*given, **named)

            return call

        os.fsync, os.replace, os.link = counted(os.fsync), counted(os.replace), counted(os.link)
        code = run(words)
        os.write(writing, b"%d" % count if code == 0 else b"")
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        count = told.read()
    os.waitpid(child, 0)
    return int(count) if count else None


ASSIGNED = MAP.replace('no = "no"', 'no = { assign = "F-%03d", by = ["no"] }')


@pytest.mark.usefixtures("streaming")
@pytest.mark.parametrize("text", [MAP, ASSIGNED], ids=["numbered", "assigned"])
def test_wherever_it_is_killed_the_next_call_makes_the_one_snapshot(
    office: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(streamed, "CHUNK", 500)
    monkeypatch.setattr(streamed, "EVERY", 500)
    data = as_csv(ROWS[::-1])
    (office / "a.csv").write_bytes(data)
    (office / "MAP.toml").write_text(text, "utf-8")
    shutil.copytree(office / "office", office / "fresh")
    words = ["freeze", "institutions", "a.csv", "--map", "MAP.toml", "-C", "office", "--clock", "2026-09-07T10:01:00Z"]
    steps = run_until(0, words)
    assert steps is not None
    assert steps > 40
    for step in range(7 if text == MAP else 1, steps, steps // 9):
        shutil.rmtree(office / "office")
        shutil.copytree(office / "fresh", office / "office")
        assert run_until(step, words) is None
        # Every other time it is killed once more, unless it is done before.
        done = step % 2 and run_until(step // 2 + 1, words)
        assert done or run_until(0, words), step
        assert len(statements(office)) == 1, step
        secret = bytes.fromhex((office / "office/secrets/institutions-1.secret").read_text())
        folder = office / "office/registries/institutions"
        numbers = (folder / "numbers.csv").read_bytes() if text == ASSIGNED else None
        expected = read_registry(data, load_map(text), name="a.csv", numbers=numbers)
        assert (folder / "roster.jsonl").read_bytes() == freeze(expected.registry, secret).roster.artifact, step
        assert expected.numbers == numbers
        assert not (office / "office/state/freeze/institutions").exists()


@pytest.mark.usefixtures("streaming")
def test_who_goes_on_is_told_and_another_file_begins_anew(
    office: Path, done: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streamed, "CHUNK", 500)
    monkeypatch.setattr(streamed, "EVERY", 500)
    (office / "a.csv").write_bytes(as_csv(ROWS))
    freeze_it = ["freeze", "institutions", "a.csv", "--map", "MAP.toml", "-C", "office"]
    words = [*freeze_it, "--clock", "2026-09-07T10:01:00Z"]
    assert run_until(40, words) is None
    secret = (office / "office/state/freeze/institutions/secret").read_text()
    assert (office / "office/state/freeze/institutions").stat().st_mode & 0o777 == 0o700
    (office / "a.csv").write_bytes(as_csv(ROWS))  # written anew: nobody knows whether it is the same
    assert "going on" not in done(*freeze_it, clock=CLOCK)
    assert not (office / "office/secrets/institutions-1.secret").read_text().startswith(secret[:64])
    journal = office / "office/state/freeze/institutions/journal.json"
    assert any(run_until(step, words) is None and journal.exists() for step in range(40, 120, 8))
    assert "going on where the last call was cut off" in done(*freeze_it, clock="07T10:02:00")
