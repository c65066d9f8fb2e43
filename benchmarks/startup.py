"""Start-up of the command line, against an empty Python."""

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import seconds, table

FAIRDRAW = str(Path(sys.executable).with_name("fairdraw"))
OFFICE = "fairdraw-demo/office"
SLIP = f"{OFFICE}/draws/fund-1/fund-1.H-0001.slip.fairdraw.json"
# The recorded round lies in the past: the slip is judged as of then.
THEN = "2026-09-07T19:00:00Z"


def main() -> None:
    """Print whole-process times and their ratios to `python -c pass`."""
    with tempfile.TemporaryDirectory() as folder:

        def run(*command: str) -> None:
            subprocess.run(command, check=True, capture_output=True, cwd=folder)

        run(FAIRDRAW, "demo")
        run(FAIRDRAW, "slip", "fund-1", "H-0001", "-C", OFFICE, "--clock", THEN)
        empty = seconds(lambda: run(sys.executable, "-c", "pass"), repeat=9)
        commands = {
            "fairdraw --help": (FAIRDRAW, "--help"),
            "fairdraw verify SLIP": (FAIRDRAW, "verify", SLIP, "--trust", f"{OFFICE}/trust", "--as-of", THEN),
        }
        rows = [("python -c pass, ms", f"{empty * 1e3:.0f}")]
        for name, command in commands.items():
            took = seconds(lambda command=command: run(*command), repeat=9)
            rows.append((f"{name}, ms (ratio to python -c pass)", f"{took * 1e3:.0f} ({took / empty:.1f})"))
    table("start-up", rows)
