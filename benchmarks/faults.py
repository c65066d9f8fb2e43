"""Every fault at every system call, and a power cut at every moment: `python -m benchmarks.faults`.

What is tried and what must hold is said in tests/faults, whose tests leave some of it out to save time.
"""

import platform
import shutil
import sys
import tempfile
import time
from collections import Counter
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import table

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))  # as pytest does

from faults.injection import FAULTS, SCENARIOS, judge, missing, prepare, run_all
from faults.power import VISIBLE, Disk, Happens, chance, kept, live, lost
from transparency_log.errors import LogError


def main() -> int:
    """Print how many runs ended how; return 1 if one forked, lost something or ended in a traceback."""
    if (reason := missing()) is not None:
        print(f"\nfaults: not run, {reason}")
        return 0
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        system_calls(Path(folder), wrong)
        power_cuts(Path(folder), wrong)
    for sentence in wrong:
        print("  WRONG:", sentence)
    return 1 if wrong else 0


def system_calls(folder: Path, wrong: list[str]) -> None:
    began = time.monotonic()
    runs: Counter[tuple[str, str]] = Counter()
    ended: Counter[tuple[str, str]] = Counter()
    found: Counter[str] = Counter()
    for scenario in SCENARIOS:
        for run in run_all(scenario, folder / scenario):
            where = "state" if run.call.in_state else "public"
            runs[f"{run.call.name}, {where}", run.fault] += 1
            ended[run.fault, run.ended] += 1
            found[run.reopened or "WRONG"] += 1
            if run.wrong:
                wrong.append(str(run))
    names = sorted({name for name, _ in runs})
    rows = [(name, "".join(f"{runs[name, fault] or '-':>9}" for fault in FAULTS)) for name in names]
    total = ("all", "".join(f"{sum(runs[name, fault] for name in names):>9}" for fault in FAULTS))
    when = f"{datetime.now(UTC):%Y-%m-%d}, {time.monotonic() - began:.0f} s, Python {platform.python_version()}"
    head = ("system call", "".join(f"{fault:>9}" for fault in FAULTS))
    table(f"faults: {runs.total():,} runs of {', '.join(SCENARIOS)} ({when})", [head, *rows, total])
    table("how the writer ended", [(f"{fault}: {how}", str(count)) for (fault, how), count in sorted(ended.items())])
    table("how the log was found when it was opened again", [(how, str(count)) for how, count in sorted(found.items())])
    table("what was wrong", [("forks, losses, tracebacks, wrong refusals", str(len(wrong)))])


def power_cuts(folder: Path, wrong: list[str]) -> None:
    began = time.monotonic()
    cuts: Counter[str] = Counter()

    def cut(name: str, disk: Disk, happens: Happens, told: list[list[str]], *, created: bool = True) -> None:
        cuts[name] += 1
        disk.write_to(folder / "cut", happens)
        try:
            judge(folder / "cut", told, created=created)
        except (AssertionError, LogError) as error:
            wrong.append(f"power cut, {name}: {error}")
        shutil.rmtree(folder / "cut")

    for scenario, (start, steps) in SCENARIOS.items():
        log = folder / f"power-{scenario}"
        prepare(log, start)
        disk = Disk(log)
        for number, moment in enumerate(live(disk, log, steps)):
            for happens in (lost, chance(number), chance(-number)):
                cut(scenario, disk, happens, moment.told, created=start is not None)
    log = folder / "power-twice"
    prepare(log, 255)
    first = Disk(log)
    for number, before in enumerate(live(first, log, ("open", "append", "append"))):
        if number % 5 and not before.call.startswith(VISIBLE):
            continue
        disk, again = deepcopy(first), folder / f"power-{number}"
        disk.write_to(again, kept)
        for moment in live(disk, again, ("open", "append")):
            cut("killed before and opened again", disk, lost, before.told + moment.told)
        shutil.rmtree(again)
    when = f"{datetime.now(UTC):%Y-%m-%d}, {time.monotonic() - began:.0f} s"
    table(f"power cuts ({when})", [(name, f"{count:,}") for name, count in cuts.items()])


if __name__ == "__main__":
    sys.exit(main())
