"""The second verifier in a browser: the page's size, its first paint, and a draw's first and second verification.

The browser is Debian's Chromium, or the one that CHROMIUM names; web/bench/page.mjs says what is measured in it. The
limit is noble's SHA-256 of the same leaves, nodes and tickets and nothing else, in the same browser.
"""

import gzip
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import table
from benchmarks.verification import drawn
from support.story import trust_text  # found where benchmarks.verification looks for it

ROOT = Path(__file__).parents[1]
STATIC = ROOT / "cli" / "fairdraw_cli" / "static"
WEB = ROOT / "web"
PAGES = ("verify.html", "fairdraw.js", "fairdraw.css")


def missing() -> str | None:
    """Return what this machine lacks, if anything."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not (WEB / "node_modules" / "playwright-core").is_dir():
        return "web/node_modules is missing: run npm ci --ignore-scripts in web/"
    if not Path(os.environ.get("CHROMIUM", "/usr/bin/chromium")).exists():
        return "Chromium is not installed"
    return None


def sizes() -> list[tuple[str, str]]:
    """Return the size of each file that a browser loads, as it is and packed by gzip -9."""
    told = []
    for name in PAGES:
        data = (STATIC / name).read_bytes()
        told.append((f"{name}, kB (gzip -9)", f"{len(data) / 1e3:.1f} ({len(gzip.compress(data, 9)) / 1e3:.1f})"))
    return told


def write(folder: Path, size: int) -> float:
    """Write the files of a draw of so many objects as web/bench/page.mjs reads them; return the bundle's megabytes."""
    told = drawn(size)
    rosters = [snapshot.roster for _, snapshot in (told.objects, told.inspectors)]
    objects, inspectors = ([row.no for row in roster.rows] for roster in rosters)
    hashed = {
        "key": told.key().hex(),
        "leaves": [line for roster in rosters for line in roster.data.decode().splitlines()],
        "objects": objects,
        "drawn": [one.no for one in told.outcome().selection.drawn],
        "inspectors": inspectors,
    }
    data = told.bundle().format()
    (folder / f"{size}.fairdraw.json").write_bytes(data)
    (folder / f"{size}.trust").write_text(trust_text(told.story), "utf-8")
    (folder / f"{size}.as-of").write_text(str(told.story.now), "utf-8")
    (folder / f"{size}.hashed.json").write_text(json.dumps(hashed), "utf-8")
    return len(data) / 1e6


def times(got: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the rows that every measured page has."""
    longest = got["longest_task"]
    return [
        ("first paint, ms", f"{got['paint']:.0f}"),
        ("first verification in a fresh page, ms (CPU)", f"{got['first']:.0f} ({got['first_cpu']:.0f})"),
        ("second one in the same page, ms (CPU)", f"{got['warm']:.0f} ({got['warm_cpu']:.0f})"),
        ("longest task of the page's own thread, ms", f"{longest:.0f}" if longest else "below 50"),
    ]


def main(objects: tuple[int, ...] = (100, 10_000, 100_000)) -> None:
    """Print sizes, times and the ratio to hashing alone."""
    if (reason := missing()) is not None:
        print(f"\nthe second verifier in a browser: not measured, {reason}")
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bundles = {size: write(Path(folder), size) for size in objects}
        command = ["node", str(WEB / "bench" / "page.mjs"), folder, *map(str, objects)]
        told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    table("the pages that a browser loads", sizes())
    for got in told["sizes"]:
        rows = [
            ("bundle, MB", f"{bundles[got['size']]:.1f}"),
            *times(got),
            ("noble hashing leaves, nodes and tickets alone, ms", f"{got['bare']:.0f}"),
            ("second verification, ratio to that hashing", f"{got['warm'] / got['bare']:.1f}"),
        ]
        table(f"Chromium {told['chromium']} verifies a draw of 3 % of {got['size']:,} objects", rows)
    if (slower := told.get("slower")) is not None:
        what = f"{slower['size']:,} objects, without a Worker, CPU slowed down {slower['times']} times"
        table(f"Chromium {told['chromium']}: {what}", times(slower))


if __name__ == "__main__":
    main()
