"""`python -m benchmarks [NAME…]`: measure, keep the figures in `recorded.json`, and write docs/performance.md.

With `--long`, what takes an hour: 10^8 rows from a generator on a pipe, a log of 10^5 draws. With `--small`, the same
code over few rows in seconds: it prints what it finds and keeps nothing.
"""

import argparse
from importlib import import_module
from typing import Final

from benchmarks import page
from benchmarks.figures import Figure, Scale, lines, record, this_run

NAMES: Final = ("tree", "freeze", "selection", "verification", "startup", "assignment", "audit")
LONG: Final = ("freeze", "audit")


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--long", action="store_true", help=f"what takes an hour: {', '.join(LONG)}")
    parser.add_argument("--small", action="store_true", help="few rows, nothing is kept")
    asked = parser.parse_args()
    scale: Scale = "small" if asked.small else "long" if asked.long else "full"
    names = asked.names or (LONG if asked.long else NAMES)
    if unknown := set(names) - set(NAMES):
        parser.error(f"no measurement of {', '.join(sorted(unknown))}")
    command = " ".join(["python -m benchmarks", *(["--long"] if asked.long else []), *asked.names])
    for name in names:
        found: list[Figure] = []
        for figure in import_module(f"benchmarks.{name}").measure(scale):
            found.append(figure)
            print(*lines([figure]), flush=True)
        if scale != "small":
            record(found, this_run(command), {one: at for at, one in enumerate(NAMES)})
            page.write()


if __name__ == "__main__":
    main()
