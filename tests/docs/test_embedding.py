"""docs/embedding.md: every example is shown as it stands in examples/embedding, and every one is run."""

import json
import math
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from examples.embedding import nightly, office, own_database
from examples.embedding.own_storage import BucketState, Objects
from examples.embedding.whole_draw import draw_once

from fairdraw import Bureau, read_registry
from fairdraw.beacon import practice_pulse
from fairdraw.bundle import read_file
from fairdraw.encoding import format_time, year_of
from fairdraw.schema import Announcement, Draw, Plan, SnapshotStatement
from fairdraw.snapshot import freeze
from fairdraw.statement import sign
from fairdraw.trust import parse_trust
from fairdraw.verify import verify_bundle
from fairdraw_cli.main import run
from support.hosts import Handler, Outside, host
from transparency_log import Log, LogReader
from transparency_log.client import gather
from transparency_log.errors import SequenceError, StorageError
from transparency_log.log import Log as Writer
from transparency_log.note import Signer

ROOT = Path(__file__).resolve().parents[2]
CHAIN = "practice"


class Hall:
    """A bureau's folder, its witnesses and its beacon on this machine, and a clock that jumps."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.ahead = 0
        self.witnesses = [self._join(stack, path.parent) for path in sorted((folder / "witnesses").glob("*/key"))]
        secret = bytes.fromhex((folder / "secrets/practice.beacon").read_text())
        chain = parse_trust((folder / "trust").read_bytes()).chains[CHAIN]

        def relay(handler: Handler) -> None:
            number = int(handler.path.rpartition("/")[2])
            if chain.time_of(number) > self.clock():
                handler.answer(425)
                return
            pulse = practice_pulse(secret, chain, number)
            handler.answer(200, json.dumps({"round": number, "signature": pulse.signature}).encode())

        self.relays = [stack.enter_context(host(relay))]

    def _join(self, stack: ExitStack, folder: Path) -> Outside:
        signer = Signer.parse((folder / "key").read_text())
        [log] = parse_trust((self.folder / "trust").read_bytes()).policy.logs
        one = Outside(signer, {log.verifier.name: log.verifier})
        path, line = self.folder / "trust", f"witness {folder.name} {signer.verifier.vkey}"
        path.write_text(path.read_text().replace(line, f"{line} {stack.enter_context(host(one))}"))
        return one

    def clock(self) -> float:
        return time.time() + self.ahead

    def sleep(self, seconds: float) -> None:
        self.ahead += math.ceil(seconds)
        for witness in self.witnesses:
            witness.skew = self.ahead


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hall]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "office"
    assert (
        run(["init", str(folder), "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj"]) == 0
    )
    with ExitStack() as stack:
        yield Hall(folder, stack)


def blocks() -> list[str]:
    """Return the programs that docs/embedding.md shows."""
    text = (ROOT / "docs/embedding.md").read_text("utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_what_is_shown_is_what_is_run() -> None:
    files = {path: path.read_text("utf-8") for path in (ROOT / "examples/embedding").glob("*.py")}
    told = blocks()
    assert len(told) >= 5
    for block in told:
        assert [path.name for path, text in files.items() if block.strip("\n") in text], block
    shown = "\n".join(told)
    assert not [path.name for path, text in files.items() if len(text) > 200 and not _some_of(text, shown)]


def _some_of(text: str, shown: str) -> bool:
    functions = re.findall(r"^(?:    )?(?:def|class) \w+.*$", text, re.MULTILINE)
    return any(line in shown for line in functions)


def test_a_whole_draw_is_forty_lines() -> None:
    text = (ROOT / "examples/embedding/whole_draw.py").read_text("utf-8")
    assert len([line for line in text.splitlines() if line.strip()]) <= 40


@pytest.mark.parametrize("loose", [False, True])
def test_the_examples_are_typed_as_strictly_as_the_library(loose: bool, tmp_path: Path) -> None:
    files = sorted((ROOT / "examples/embedding").glob("*.py"))
    django = [path for path in files if path.name.startswith("django")]
    # Django ships no types: of its decorators nothing can be said.
    options = ["--disable-error-code=import-untyped", "--disable-error-code=untyped-decorator"] if loose else []
    given = django if loose else [path for path in files if path not in django]
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path}",
               "--explicit-package-bases", "--ignore-missing-imports", *options, *map(str, given)]  # fmt: skip
    where = os.pathsep.join(str(ROOT / name) for name in ("src", "transparency_log", "cli", "."))
    env = {**os.environ, "MYPYPATH": where}
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=env)
    assert done.returncode == 0, done.stdout


def test_a_whole_draw_in_a_program_of_ones_own_is_verified_by_a_stranger(hall: Hall) -> None:
    with office.opened(hall.folder, hall.clock) as bureau:
        report = draw_once(bureau, hall.relays, chain=CHAIN, clock=hall.clock, sleep=hall.sleep)
    assert report.verdict == "holds", [check for check in report.checks if check.state != "holds"]
    assert len(report.drawn) == 6


# -- a database of one's own ------------------------------------------------------------------------------------------

CSV = """编号,等级,床位,名称,统一社会信用代码,电话
H-01,三级,1200,第一人民医院,911101085923662400,0531-88881111
H-02,二级,,光明医院（东院）,91110000100000152T,13900000002
H-03,二级,80,仁爱医院,,
"""


def database(folder: Path, *more: tuple[object, ...], count: int = 0) -> Path:
    """Return a database with what the file has, and as many hospitals more."""
    path = folder / "institutions.sqlite"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        columns = ["编号", "等级", "床位", "名称", "统一社会信用代码", "电话"]
        kinds = [f'"{name}" {"INTEGER" if name == "床位" else "TEXT"}' for name in columns]
        connection.execute(f"CREATE TABLE hospitals ({', '.join(kinds)})")
        rows: list[tuple[object, ...]] = [
            ("H-01", "三级", 1200, "第一人民医院", "911101085923662400", "0531-88881111"),
            ("H-02", "二级", None, "光明医院（东院）", "91110000100000152T", "13900000002"),
            ("H-03", "二级", 80, "仁爱医院", None, None),
            *more,
            *((f"H-{n}", "二级", n, f"医院{n}", None, None) for n in range(10, 10 + count)),
        ]
        connection.executemany("INSERT INTO hospitals VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.execute('CREATE TABLE staff ("工号" TEXT, "姓名" TEXT)')
        connection.executemany("INSERT INTO staff VALUES (?, ?)", [(f"I-{n}", f"检查员{n}") for n in range(1, 9)])
        connection.commit()
    return path


def test_rows_of_a_database_become_the_snapshot_that_a_file_would_have_become(tmp_path: Path) -> None:
    of_rows = own_database.registries(database(tmp_path))["hospitals"]
    of_file = read_registry(CSV.encode(), own_database.HOSPITALS, name="hospitals.csv")
    assert of_file.problems == ()
    assert of_rows == of_file.registry
    assert freeze(of_rows, b"x" * 32).roster.data == freeze(of_file.registry, b"x" * 32).roster.data


def test_bad_rows_are_told_by_row_and_field_and_nothing_of_them_is_quoted(tmp_path: Path) -> None:
    path = database(tmp_path, ("H-04", "", 1, "无等级医院", "911101085923662401", "12"))
    with pytest.raises(ValueError, match="hospitals, row 4, level: expected string") as caught:
        own_database.registries(path)
    assert "hospitals, row 4, code: expected uscc (check-digit)" in str(caught.value)
    assert "hospitals, row 4, phone: expected phone (malformed)" in str(caught.value)
    assert "911101085923662401" not in str(caught.value)


# -- a nightly job ----------------------------------------------------------------------------------------------------


class Night:
    """The job and what it needs; `run` is one run of it."""

    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        self.slot = f"{year_of(int(hall.clock()))}/fund-use/1"
        self.database = database(hall.folder, count=17)
        (hall.folder / "secrets/nightly.master").write_bytes(b"m" * 32)
        with office.opened(hall.folder, hall.clock) as bureau:
            now, year = int(hall.clock()), self.slot[:4]
            bureau.plan(now, id=year, slots=[self.slot], objects="hospitals", inspectors="staff", ratio="1/4")
            gather(bureau.log, bureau.reader.consistency_proof, bureau.trust.policy, now=hall.clock)

    def run(self) -> int:
        hall = self.hall
        with office.opened(hall.folder, hall.clock) as bureau:
            return nightly.advance(bureau, hall.folder, self.database, self.slot, chain=CHAIN, relays=hall.relays,
                                   clock=hall.clock)  # fmt: skip

    def logged(self) -> list[str]:
        book = office.shown(self.hall.folder, "ybj.example.cn/rehearsal")
        return [entry.statement.type for entry in book.entries]


@pytest.fixture
def night(hall: Hall) -> Night:
    return Night(hall)


WHOLE = ["plan", "snapshot", "snapshot", "announcement", "draw"]


def test_the_job_waits_for_the_round_draws_once_and_says_so_however_often_it_runs(night: Night) -> None:
    assert [night.run(), night.run()] == [nightly.WAITING, nightly.WAITING]
    night.hall.sleep(nightly.NOTICE + 5)
    assert [night.run(), night.run()] == [nightly.DRAWN, nightly.DRAWN]
    assert night.logged() == WHOLE
    bundle = read_file((night.hall.folder / f"draws/{night.slot.replace('/', '-')}.fairdraw.json").read_bytes())
    trust = parse_trust((night.hall.folder / "trust").read_bytes())
    assert verify_bundle(bundle, trust, as_of=int(night.hall.clock()), bundle_only=True).verdict == "holds"


class Killed(Exception):  # noqa: N818 - not an error of the program's
    """The machine was switched off."""


@pytest.mark.parametrize("step", [1, 2, 3, 4])
@pytest.mark.parametrize("after", [False, True])
def test_a_job_that_is_killed_at_any_step_goes_on_where_it_was(
    night: Night, monkeypatch: pytest.MonkeyPatch, step: int, after: bool
) -> None:
    real, count = Writer.append, 0

    def dying(log: Log, entry: bytes) -> int:
        nonlocal count
        count += 1
        if count == step and not after:
            raise Killed
        index = real(log, entry)
        if count == step:
            raise Killed
        return index

    monkeypatch.setattr(Writer, "append", dying)
    for _ in range(8):
        try:
            if night.run() == nightly.DRAWN:
                break
        except Killed:
            monkeypatch.setattr(Writer, "append", real)
        else:
            night.hall.sleep(nightly.NOTICE + 5 if "announcement" in night.logged() else 1)
    assert night.logged() == WHOLE
    assert night.run() == nightly.DRAWN


def test_what_a_command_had_signed_when_it_was_killed_is_logged_before_the_job_signs_anything(night: Night) -> None:
    folder, clock = night.hall.folder, night.hall.clock
    with office.opened(folder, clock) as bureau:
        [(_, plan)] = bureau.own(Plan)
        said = plan.model_copy(update={**bureau.head(int(clock())).fields(), "reason": "budget-cut"})
        signed = sign(said, [bureau.key])
    outbox = folder / "state/outbox"
    outbox.mkdir(exist_ok=True)
    (outbox / "000000000001.note").write_bytes(signed)
    assert night.run() == nightly.WAITING
    assert night.logged() == ["plan", *WHOLE[:4]]
    assert run(["log", "gc", "-C", str(folder)]) == 0
    assert list(outbox.iterdir()) == []
    assert night.logged() == ["plan", *WHOLE[:4]]


def test_the_job_tells_what_is_wrong_by_its_exit_code(night: Night) -> None:
    folder, clock = night.hall.folder, night.hall.clock

    def job(slot: str = night.slot, office: Path = folder, relay: str = "http://127.0.0.1:9") -> int:
        return nightly.main([str(office), str(night.database), slot, relay], chain=CHAIN, clock=clock)

    assert job(slot="1999/none/1") == nightly.ERROR
    assert job(office=folder / "absent") == nightly.ERROR
    with office.opened(folder, clock):  # another run is under way
        assert job() == nightly.ERROR
    assert job() == nightly.WAITING
    night.hall.sleep(nightly.NOTICE + 5)
    assert job() == nightly.WAITING  # the relay does not answer
    assert job(relay=night.hall.relays[0]) == nightly.DRAWN


# -- a storage of one's own -------------------------------------------------------------------------------------------


class Shelf:
    """A bucket in memory that keeps S3's promises about conditions."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.written = 0

    def get(self, key: str) -> tuple[bytes, str] | None:
        return self.objects.get(key)

    def put(self, key: str, data: bytes, *, if_match: str | None = None, if_none_match: bool = False) -> bool:
        known = self.objects.get(key)
        if (if_none_match and known) or (if_match is not None and (known is None or known[1] != if_match)):
            return False
        self.written += 1
        self.objects[key] = data, str(self.written)
        return True

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def keys(self, prefix: str) -> list[str]:
        return [key for key in self.objects if key.startswith(prefix)]


def test_a_whole_draw_in_an_object_store_is_verified_by_a_stranger(hall: Hall) -> None:
    storage, state = Objects(Shelf()), BucketState(Shelf())
    signer, key = (Signer.parse((hall.folder / f"keys/{name}.key").read_text()) for name in ("log", "bureau"))
    trust = parse_trust((hall.folder / "trust").read_bytes())
    Log.create(storage, signer, state=state)
    log = Log.open(storage, signer, state=state)
    report = draw_once(Bureau(log, storage, key, trust), hall.relays, chain=CHAIN, clock=hall.clock, sleep=hall.sleep)
    assert report.verdict == "holds"
    assert LogReader(storage.read, signer.verifier).check().checkpoint.size == 5
    log.freeze()
    assert Log.open(storage, signer, state=state).frozen


def test_two_writers_of_one_bucket_cannot_fork_the_log(hall: Hall) -> None:
    storage, state = Objects(Shelf()), BucketState(Shelf())
    signer = Signer.parse((hall.folder / "keys/log.key").read_text())
    one = Log.create(storage, signer, state=state)
    other = Log.open(storage, signer, state=state)
    one.append(b"first")
    with pytest.raises(SequenceError, match=r"state-moved|public-moved"):
        other.append(b"another first")
    with pytest.raises(SequenceError, match="log-exists"):
        Log.create(storage, signer, state=state)
    with pytest.raises(SequenceError, match="state-exists"):
        state.begin(state.read())
    with pytest.raises(StorageError, match="immutable"):
        storage.create("tile/0/000.p/1", b"x")


# -- a web page -------------------------------------------------------------------------------------------------------


def test_a_django_project_announces_draws_shows_and_verifies(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    hall = night.hall
    monkeypatch.setenv("DJANGO_SECRET_KEY", "x" * 50)
    from django.conf import settings
    from django.test import Client
    from examples.embedding import django_view

    told = {"OFFICE": hall.folder, "BUREAU": "ybj.example.cn/rehearsal", "CHAIN": CHAIN, "RELAYS": hall.relays,
            "CLOCK": hall.clock, "ROOT_URLCONF": django_view.__name__}  # fmt: skip
    for name, value in told.items():
        monkeypatch.setattr(settings, name, value)
    with office.opened(hall.folder, hall.clock) as bureau:
        for name, rows in own_database.registries(night.database).items():
            bureau.freeze(int(hall.clock()), name, rows, name.encode().ljust(32, b"."))
    client, slot = Client(), night.slot
    assert client.get(f"/draws/{slot}/record").status_code == 404
    first = client.post(f"/draws/{slot}/announce").json()
    assert first["witnessed"] is True
    assert client.post(f"/draws/{slot}/announce").json() == first  # a double click announces once
    assert client.get(f"/draws/{slot}/announce").status_code == 405
    early = client.post(f"/draws/{slot}/draw")
    assert (early.status_code, early.json()) == (409, {"error": "not-yet"})  # the relay has no such round
    with office.opened(hall.folder, hall.clock):
        busy = client.post(f"/draws/{slot}/draw")
        assert (busy.status_code, busy.json()) == (503, {"error": "locked"})
    hall.sleep(first["due"] + 5 - hall.clock())
    assert client.post(f"/draws/{slot}/draw").json() == client.post(f"/draws/{slot}/draw").json()
    page = client.get(f"/draws/{slot}/record").content.decode()
    assert "抽取记录" in page
    assert "H-" in page
    assert "人民医院" not in page  # no name is opened
    answer = client.get(f"/draws/{slot}/verify").json()
    assert answer["verdict"] == "holds", answer
    assert Client(enforce_csrf_checks=True).post(f"/draws/{slot}/draw").status_code == 403


def test_the_statements_of_a_bureaus_own_program_are_those_of_the_commands(night: Night) -> None:
    night.run()
    night.hall.sleep(nightly.NOTICE + 5)
    night.run()
    book = office.shown(night.hall.folder, "ybj.example.cn/rehearsal")
    kinds = (SnapshotStatement, Announcement, Draw)
    assert [len(list(book.own(kind))) for kind in kinds] == [2, 1, 1]
    folder, as_of = night.hall.folder, ("--as-of", format_time(int(night.hall.clock())))
    trust, log = ("--trust", str(folder / "trust")), str(folder / "log")
    assert run(["log", "check", "-C", str(folder)]) == 0
    bundle = str(folder / f"draws/{night.slot.replace('/', '-')}.fairdraw.json")
    assert run(["verify", bundle, *trust, "--log", log, *as_of]) == 0
    assert run(["audit", log, *trust, *as_of]) in (0, 1)  # 1: it finds that no regulation is named
    assert run(["site", "build", log, *trust, *as_of, "-o", str(folder / "site")]) == 0
    assert (folder / "site/d/3/index.html").is_file()
