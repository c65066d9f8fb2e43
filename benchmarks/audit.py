"""An audit of a log of many draws: whether twice the draws take twice the time, and what bare hashing would take."""

import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from time import process_time
from typing import Final

from examples.world import ORIGIN

from benchmarks.figures import Figure, Scale
from benchmarks.measure import Told, apart, peak_mebibytes
from benchmarks.province import Province
from fairdraw.audit import audit
from fairdraw.calendar import published

DRAWS: Final = {"long": 100_000, "full": 5_000, "small": 100}
OF_ONE: Final = {"long": 50, "full": 50, "small": 5}  # of a bureau in a year: one a week


def measure(scale: Scale) -> Iterator[Figure]:
    """Yield the figures of an audit."""
    draws = DRAWS[scale]
    half, whole = (apart("benchmarks.audit", count // OF_ONE[scale], OF_ONE[scale]) for count in (draws // 2, draws))
    each = whole["seconds"] / draws
    yield Figure(
        key=f"audit.linear-{draws}",
        work=f"audit of a log of {draws:,} draws of {draws // OF_ONE[scale]:,} bureaus, a draw",
        against=f"one of a log of {draws // 2:,} draws",
        value=whole["seconds"] / half["seconds"] / 2,
        aim=1.1,
        beside=f"{each * 1e3:.1f} ms a draw, {whole['seconds']:,.0f} s, {whole['entries']:,} entries",
    )
    yield Figure(
        key=f"audit.hashing-{draws}",
        work=f"the same, {draws:,} draws made again and each signature checked",
        against="hashlib, each line of the log and of its files once",
        value=whole["seconds"] / whole["bare"],
        beside=f"{whole['bare']:.2f} s bare",
    )
    yield Figure(
        key=f"audit.memory-{draws}",
        work="peak memory of the audit, beside the log that it is given in memory",
        against="",
        unit="MiB",
        value=whole["peak"] - whole["before"],
        beside=f"{(whole['peak'] - whole['before']) * 1024 / draws:.1f} KiB a draw",
    )


def child(bureaus: int, draws: int) -> Told:
    """Tell the years of some bureaus, and audit their log."""
    province = Province(bureaus=bureaus, draws=draws).tell()
    before, start = peak_mebibytes(), process_time()
    report = audit(province.view(), province.trust, log=ORIGIN, as_of=province.now, as_of_given=True,
                   calendar=published())  # fmt: skip
    took = process_time() - start  # one thread, a quarter of an hour: what else the machine does must not count
    # These draws name no regulation; an audit that finds anything else, or nothing, was not one.
    if any(set(year.codes) != {"no-regulation"} or year.unknown for year in report.years):
        raise RuntimeError("the audit finds what is not there")
    peak = peak_mebibytes()
    lines = [line for data in (*province.entries, *province.artifacts.values()) for line in data.split(b"\n")]
    start = process_time()
    for line in lines:
        sha256(line).digest()
    bare = process_time() - start
    return {"seconds": took, "bare": bare, "entries": len(province.entries), "before": before, "peak": peak}


if __name__ == "__main__":
    print(json.dumps(child(*map(int, sys.argv[1:]))))
