"""`freeze --scheduler`: a registry in parts is frozen by a Dask cluster, and drawn from and opened as any other."""

import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from fairdraw_cli import extras

pytestmark = pytest.mark.filterwarnings("default")  # Dask warns of ports, loops and of its own modules
Fairdraw = Callable[..., tuple[int, str]]
Done = Callable[..., str]
CLOCK = "07T10:01:00"
MAP = 'no = "no"\n[attrs]\ntype = "type"\n[private]\nname = "name"\n'
ROWS = [{"no": f"H-{at * 7 % 60:03d}", "type": "医院" if at % 3 else "药店", "name": f"第{at}院"} for at in range(60)]


@pytest.fixture
def office(done: Done, papers: Path) -> Path:
    """An office with a cosigned plan, and a registry as Spark writes one."""
    done("init", "office", "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    done("plan", "log", "plan.toml", "-C", "office", clock="07T10:00:00")
    (papers / "MAP.toml").write_text(MAP, "utf-8")
    (papers / "shared").mkdir()
    parts = papers / "parts"
    parts.mkdir()
    (parts / "_SUCCESS").touch()
    for at in range(3):
        parquet.write_table(
            pyarrow.Table.from_pylist(ROWS[20 * at : 20 * at + 20]), parts / f"part-0000{at}.c000.parquet"
        )
    return papers


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from distributed import LocalCluster

        with LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None, silence_logs="CRITICAL") as made:
            yield made.scheduler_address


def freeze(done: Fairdraw, *more: str) -> tuple[int, str]:
    return done("freeze", "institutions", "parts", "--map", "MAP.toml", "-C", "office", *more, clock=CLOCK)


def answer(told: str) -> dict[str, Any]:
    """Return the one line for programs, which comes before what people are told."""
    return dict(json.loads(told.splitlines()[0]))


def test_parts_are_frozen_by_a_cluster(office: Path, done: Done, scheduler: str) -> None:
    told = answer(freeze(done, "--scheduler", scheduler, "--shared", "shared", "--json"))
    assert (told["frozen"], told["count"], told["problems"]) == ("institutions-1", 60, [])
    folder = office / "office" / "registries" / "institutions"
    assert (folder / "roster.jsonl").read_bytes().count(b"\n") == 60
    assert '{"no":"H-007","private":["第1院"]}' in (folder / "private.jsonl").read_text("utf-8").splitlines()
    assert not list((office / "shared").iterdir())
    assert not (office / "office" / "state" / "freeze" / "institutions").exists()
    # Again, but only if a row has changed.
    once = answer(freeze(done, "--scheduler", scheduler, "--shared", "shared", "--once", "--json"))
    assert (once["frozen"], once["root"]) == ("institutions-1", told["root"])


def test_bad_rows_are_named_by_their_file(office: Path, fairdraw: Fairdraw, scheduler: str) -> None:
    rows = [{"no": "H-001", "type": "医院", "name": "x"}, {"no": "", "type": "医院", "name": "y"}]
    parquet.write_table(pyarrow.Table.from_pylist(rows), office / "parts" / "part-00009.c000.parquet")
    code, told = freeze(fairdraw, "--scheduler", scheduler, "--shared", "shared", "--lang", "zh")
    assert code == 2
    assert "part-00009.c000.parquet:2" in told
    assert "part-00009.c000.parquet:3" in told
    code, told = freeze(fairdraw, "--scheduler", scheduler, "--shared", "shared", "--skip-bad", "--json")
    assert answer(told)["count"] == 60


def test_without_the_extra_one_command_is_told(
    office: Path, fairdraw: Fairdraw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda module: None)
    code, told = freeze(fairdraw, "--scheduler", "tcp://127.0.0.1:1", "--shared", "shared", "--json")
    error = answer(told)["error"]
    assert (code, error["code"]) == (2, "extra-missing")
    assert error["params"]["command"] == 'pip install "fairdraw[dask]"'


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--scheduler", "tcp://127.0.0.1:1"], "scheduler-without-shared"),
        (["--shared", "shared"], "scheduler-without-shared"),
        (["--scheduler", "tcp://127.0.0.1:1", "--shared", "nowhere"], "folder-missing"),
        (["--scheduler", "tcp://127.0.0.1:1", "--shared", "shared", "--refused", "x.xlsx"], "refused-streamed"),
        (["--scheduler", "nonsense://x", "--shared", "shared"], "scheduler-unreachable"),
        (["--scheduler", "tls://127.0.0.1:1", "--shared", "shared"], "scheduler-unreachable"),  # no certificate
    ],
)
def test_what_cannot_be_done_is_said_at_once(office: Path, fairdraw: Fairdraw, options: list[str], code: str) -> None:
    found, told = freeze(fairdraw, *options, "--json")
    assert (found, answer(told)["error"]["code"]) == (2, code)
