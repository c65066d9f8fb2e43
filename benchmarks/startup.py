"""Start-up of the command line, against an empty Python."""

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import seconds, table

FAIRDRAW = str(Path(sys.executable).with_name("fairdraw"))


def main() -> None:
    """Print whole-process times and their ratios to `python -c pass`."""
    with tempfile.TemporaryDirectory() as folder:
        run([FAIRDRAW, "--lang", "en", "demo"], folder)
        demo = Path(folder) / "fairdraw-demo"
        run([FAIRDRAW, "-C", "fairdraw-demo", "slip", *_drawn(demo)], folder)
        slip = next(demo.rglob("slip*.json"))
        # Recorded rounds lie in the past: the slip is judged as of then.
        verify = [FAIRDRAW, "verify", str(slip), "--trust", str(demo / "trust"), "--as-of", "2026-09-08T00:00:00Z"]
        empty = seconds(lambda: run([sys.executable, "-c", "pass"], folder), repeat=9)
        rows = []
        for name, command in (("fairdraw --help", [FAIRDRAW, "--help"]), ("fairdraw verify SLIP", verify)):
            took = seconds(lambda command=command: run(command, folder), repeat=9)
            rows.append((f"{name}, ms (ratio to python -c pass)", f"{took * 1e3:.0f} ({took / empty:.1f})"))
    table("start-up", [("python -c pass, ms", f"{empty * 1e3:.0f}"), *rows])


def run(command: list[str], folder: str) -> None:
    """Run a command to its end, whatever it says."""
    subprocess.run(command, check=False, capture_output=True, cwd=folder)


def _drawn(demo: Path) -> tuple[str, str]:
    """Return the demo's draw and the number of one of its objects."""
    folder = next((demo / "draws").iterdir())
    roster = next((demo / "registries").glob("*/roster.jsonl"))
    number = roster.read_text(encoding="utf-8").split('"no":"', 1)[1].split('"', 1)[0]
    return folder.name, number
