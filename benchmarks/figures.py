"""What is measured: a figure is a ratio of two things that one run did; the last ones are kept in `recorded.json`."""

import json
import os
import platform
import ssl
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal

RECORDED: Final = Path(__file__).with_name("recorded.json")
PEERS: Final = (
    "numba",
    "numpy",
    "pyarrow",
    "cryptography",
    "pydantic",
    "pymerkle",
    "tlog-scales",
    "consistent-sampler",
)

Scale = Literal["long", "full", "small"]
"""How much is measured: what takes an hour, what the aims are said of, or what a test of the code has time for."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A ratio, or a size that has a limit.

    Attributes:
        key: by which it is found again, in `recorded.json` and `remarks.toml`.
        work: what was done.
        against: what it is a ratio to; where that is empty, `value` is no ratio but a size in `unit`.
        value: the ratio: 1.2 is a fifth more than the other.
        aim: what it may be at most, None where nothing was promised.
        beside: what this machine needed, in absolute figures.
    """

    key: str
    work: str
    against: str
    value: float
    aim: float | None = None
    unit: str = ""
    beside: str = ""

    @property
    def missed(self) -> bool:
        """Whether an aim was missed."""
        return self.aim is not None and self.value > self.aim


@dataclass(frozen=True, kw_only=True)
class Run:
    """Where and when figures were measured."""

    date: str
    command: str
    machine: str
    versions: str


def this_run(command: str) -> Run:
    """Return this machine, today."""
    return Run(date=f"{datetime.now(UTC):%Y-%m-%d}", command=command, machine=_machine(), versions=_versions())


def _machine() -> str:
    names = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]  # fmt: skip
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return f"{names[0] if names else platform.machine()}, {cores} cores, {memory:.0f} GiB, Linux {platform.release()}"


def _versions() -> str:
    told = [f"Python {platform.python_version()}", ssl.OPENSSL_VERSION.rsplit(" ", 3)[0]]
    for name in PEERS:
        try:
            told.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    for command in (["cc", "--version"], ["go", "version"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        told.append(done.stdout.splitlines()[0].strip())
    return ", ".join(told)


def read() -> dict[str, tuple[Figure, Run]]:
    """Return the recorded figures, each with its run, in the order in which the page shows them."""
    if not RECORDED.exists():
        return {}
    known = json.loads(RECORDED.read_text("utf-8"))
    return {
        told["figure"]["key"]: (Figure(**told["figure"]), Run(**known["runs"][told["run"]]))
        for told in known["figures"]
    }


def record(figures: Iterable[Figure], run: Run, order: Mapping[str, int]) -> None:
    """Put figures beside or in the place of those that are recorded; `order` is that of the modules' keys."""
    known = read() | {figure.key: (figure, run) for figure in figures}
    runs = list(dict.fromkeys(at for _, at in known.values()))
    last = len(order)
    ordered = sorted(known.items(), key=lambda one: order.get(one[0].partition(".")[0], last))
    told = {
        "runs": [asdict(one) for one in runs],
        "figures": [{"run": runs.index(at), "figure": _rounded(figure)} for _, (figure, at) in ordered],
    }
    RECORDED.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _rounded(figure: Figure) -> dict[str, object]:
    return asdict(replace(figure, value=float(f"{figure.value:.3g}")))


def lines(figures: Iterable[Figure]) -> Iterator[str]:
    """Yield a line for each figure, as a terminal shows it."""
    for figure in figures:
        to = f" × {figure.against}" if figure.against else f" {figure.unit}"
        aim = "" if figure.aim is None else f", aim {'missed' if figure.missed else 'met'}: {figure.aim:g}"
        yield f"  {figure.work}: {figure.value:.3g}{to}{aim} ({figure.beside})"
