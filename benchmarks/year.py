"""A simulated year of a province under each regulation: seconds, memory, and the ratio to hashing its rows bare."""

import json
import sys
from hashlib import sha256
from time import perf_counter

from examples.year import IDS, PROVINCE, SCRIPTS, audited, tell

from benchmarks.measure import apart, peak_mebibytes, seconds, table


def child(regulation: str, objects: int, inspectors: int) -> dict[str, float]:
    """Measure in this process."""
    start = perf_counter()
    year = tell(regulation, objects=objects, inspectors=inspectors)
    told = perf_counter()
    report = audited(year)
    done = perf_counter()
    # The peer: every byte that was frozen, served or logged is hashed once, and nothing else is done.
    data = [*year.world.entries, *year.world.artifacts.values()]
    lines = [line for one in data for line in one.split(b"\n")]
    bare = seconds(lambda: [sha256(line).digest() for line in lines])
    planned = SCRIPTS[regulation].planned
    return {
        "year": told - start,
        "audit": done - told,
        "bare": bare,
        "draws": len(year.matters),
        "drawn": sum(len(matter.outcome.selection.drawn) for matter in year.matters.values()),
        "entries": len(year.world.entries),
        "peak": peak_mebibytes(),
        "planned": float(all(set(one.codes) == planned and not one.unknown for one in report.years)),
    }


def main(objects: int = PROVINCE[0], inspectors: int = PROVINCE[1]) -> None:
    """Print times and ratios."""
    for name in IDS:
        got = apart("benchmarks.year", name, objects, inspectors)
        table(
            f"a year under {name}: {objects:,} objects, {inspectors:,} inspectors",
            [
                ("the audit finds what was planned, and nothing else", str(bool(got["planned"]))),
                ("draws, objects drawn, entries", f"{got['draws']:.0f}, {got['drawn']:,.0f}, {got['entries']:.0f}"),
                ("told: seconds a draw, with its registries", f"{got['year'] / got['draws']:.1f}"),
                ("audited: seconds a draw", f"{got['audit'] / got['draws']:.1f}"),
                ("audit, ratio to hashing each line once", f"{got['audit'] / got['bare']:.0f}"),
                ("peak memory, MiB", f"{got['peak']:.0f}"),
            ],
        )


if __name__ == "__main__":
    print(json.dumps(child(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
