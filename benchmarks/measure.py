"""Run a measurement in a process of its own, so that its peak memory is its own."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from statistics import median


def seconds(work: Callable[[], object], repeat: int = 3) -> float:
    """Return the median wall time of some runs, in seconds."""
    told = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        told.append(time.perf_counter() - start)
    return median(told)


def peak_mebibytes() -> float:
    """Return the largest resident set of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def apart(module: str, *arguments: object) -> dict[str, float]:
    """Run `python -m module arguments` and return the JSON object that it prints."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def table(title: str, rows: Iterable[tuple[str, str]]) -> None:
    """Print a title and aligned rows."""
    print(f"\n{title}")
    for name, value in rows:
        print(f"  {name:<52} {value}")
