"""Fuzz one target or all of them, one after the other: exits 1 on a finding and keeps the bytes that made it."""

import argparse
import logging
import os
import re
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from fuzz.targets import DEFAULT_MAX_LEN, MAX_LEN, Run, every_name

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / "build" / "fuzz"

_RUNS = re.compile(r"number_of_executed_units: *([0-9]+)")
_TOLD = 40  # lines of a log that are shown after a finding


def instrumented(names: list[str]) -> Mapping[str, Run]:
    """Return the targets, loaded so that atheris sees which lines an input reaches."""
    import atheris

    with atheris.instrument_imports(include=["fairdraw", "fairdraw_cli", "fuzz.targets", "transparency_log"]):
        from fuzz.targets import load

        return {name: load(name) for name in names}


def explore(name: str, target: Run, seconds: int, work: Path) -> bool:
    """Run one target in a process of its own and say whether it came through.

    What was learnt stays in `work` for the next run.
    """
    grown, findings, logs = work / "corpus" / name, work / "findings", work / "logs"
    for folder in (grown, findings, logs):
        folder.mkdir(parents=True, exist_ok=True)
    seeds = [folder / name for folder in (HERE / "corpus", HERE / "regressions")]
    arguments = [
        f"-max_total_time={seconds}",
        "-timeout=10",
        "-rss_limit_mb=2048",
        f"-max_len={MAX_LEN.get(name, DEFAULT_MAX_LEN)}",
        f"-artifact_prefix={findings / name}-",
        "-print_final_stats=1",
        *map(str, [grown, *filter(Path.is_dir, seeds)]),
    ]
    log = logs / name
    # Loading the targets takes longer than a short run of one: the child begins where that is done.
    child = os.fork()
    if child == 0:
        _fuzz(name, target, arguments, log)
    came_through = os.waitpid(child, 0)[1] == 0
    told = log.read_text("utf-8", "replace")
    runs = _RUNS.findall(told)
    print(f"{name:15} {runs[-1] if runs else '?':>9} inputs  {'' if came_through else 'FINDING'}".rstrip(), flush=True)
    if not came_through:
        print(*told.splitlines()[-_TOLD:], sep="\n", flush=True)
    return came_through


def _fuzz(name: str, target: Run, arguments: list[str], log: Path) -> None:
    import atheris

    logging.disable()  # what an operator would read, a thousand times a second
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for output in (1, 2):
        os.dup2(descriptor, output)
    atheris.Setup([f"fuzz {name}", *arguments], target)
    atheris.Fuzz()  # and does not return


def main() -> int:
    """Return 0 if nothing was found, 1 if something was, 2 if nothing could be tried."""
    names = every_name()
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("target", choices=["all", *names])
    parser.add_argument("--seconds", type=int, default=60, help="in all, at least one for each target (default: 60)")
    parser.add_argument("--work", type=Path, default=WORK, help="where corpora grow and findings are kept")
    told = parser.parse_args()
    if find_spec("atheris") is None:
        print("fuzz: atheris is not installed: python -m pip install atheris", file=sys.stderr)
        return 2
    chosen = names if told.target == "all" else [told.target]
    each = max(1, told.seconds // len(chosen))
    work = told.work.resolve()
    failed = [name for name, target in instrumented(chosen).items() if not explore(name, target, each, work)]
    print(f"fuzz: {len(chosen)} targets, {each} s each, findings: {', '.join(failed) or 'none'}")
    if failed:
        print(f"fuzz: the bytes are in {work / 'findings'}: mend the code, then keep them in fuzz/regressions/TARGET/")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
