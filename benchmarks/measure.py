"""Run a measurement in a process of its own, so that its peak memory is its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

Told = dict[str, Any]
"""What a process says that measured something: `seconds`, and whatever else."""


def seconds(work: Callable[[], object], repeat: int = 3) -> float:
    """Return the median wall time of some runs, in seconds."""
    told = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        told.append(time.perf_counter() - start)
    return median(told)


def peak_mebibytes() -> float:
    """Return the largest resident set of this process so far; `getrusage` would tell that of whoever forked it."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024


def forget_peak() -> None:
    """Let the largest resident set be counted anew from what is resident now: proc(5), clear_refs."""
    Path("/proc/self/clear_refs").write_text("5")


def best(repeat: int, run: Callable[[], Told]) -> Told:
    """Return what the quickest of some runs says, by its `seconds`: all that others do to a machine slows down."""
    return min((run() for _ in range(repeat)), key=lambda told: told["seconds"])


def apart(module: str, *arguments: object, **environment: str) -> Told:
    """Run `python -m module arguments` and return the JSON object that it prints."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | environment)
    return dict(json.loads(done.stdout))


def table(title: str, rows: Iterable[tuple[str, str]]) -> None:
    """Print a title and aligned rows."""
    print(f"\n{title}")
    for name, value in rows:
        print(f"  {name:<52} {value}")
