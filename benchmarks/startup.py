"""Start-up of the command line, against an empty Python; and what the two largest libraries take by themselves."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.figures import Figure, Scale

FAIRDRAW: Final = str(Path(sys.executable).with_name("fairdraw"))
OFFICE: Final = "fairdraw-demo/office"
SLIP: Final = f"{OFFICE}/draws/fund-1/fund-1.H-0001.slip.fairdraw.json"
THEN: Final = "2026-09-07T19:00:00Z"  # the recorded round lies in the past: the slip is judged as of then
TURNS: Final = {"full": 31, "small": 2}
EMPTY: Final = (sys.executable, "-c", "pass")
NEEDED: Final = "import click, pydantic; pydantic.BaseModel, pydantic.Field, pydantic.StringConstraints"

COMMANDS: Final[dict[str, tuple[str, tuple[str, ...], float | None]]] = {
    "slip": ("`fairdraw verify SLIP`", (FAIRDRAW, "verify", SLIP, "--trust", f"{OFFICE}/trust", "--as-of", THEN), 10),
    "help": ("`fairdraw --help`", (FAIRDRAW, "--help"), None),
    "libraries": ("importing click and pydantic, and nothing else", (sys.executable, "-c", NEEDED), None),
}


def measure(scale: Scale) -> Iterator[Figure]:
    """Yield the figures of start-up."""
    with TemporaryDirectory(prefix="bench-") as folder:
        _run(folder, (FAIRDRAW, "demo"))
        _run(folder, (FAIRDRAW, "slip", "fund-1", "H-0001", "-C", OFFICE, "--clock", THEN))
        commands = {"empty": EMPTY, **{key: command for key, (_, command, _) in COMMANDS.items()}}
        taken: dict[str, list[float]] = {key: [] for key in commands}
        for command in commands.values():
            _run(folder, command)  # compiles what it loads
        for _ in range(TURNS[scale]):  # in turns, so that all meet the same machine
            for key, command in commands.items():
                taken[key].append(_run(folder, command))
    empty = median(taken["empty"])
    for key, (work, _, aim) in COMMANDS.items():
        took = median(taken[key])
        yield Figure(
            key=f"startup.{key}",
            work=f"processor time of {work}",
            against="`python -c pass`",
            value=took / empty,
            aim=aim,
            beside=f"{took * 1e3:.0f} ms, {empty * 1e3:.0f} ms",
        )


def _run(folder: str, command: Sequence[str]) -> float:
    """Return the processor time of a command whose modules were compiled before, as an installed package's are."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": f"{folder}/compiled"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began = _spent()
    subprocess.run(command, check=True, capture_output=True, cwd=folder, env=environment)
    return _spent() - began


def _spent() -> float:
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
