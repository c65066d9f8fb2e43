"""A short soak; the long one is `python -m benchmarks.soak --kills 2000`."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_fifty_kills_under_load_lose_and_fork_nothing(tmp_path):
    command = [sys.executable, "-m", "benchmarks.soak", "--kills", "50", "--folder", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = {name.strip(): value for name, _, value in (line.rpartition(" ") for line in done.stdout.splitlines())}
    assert (figures["forks"], figures["acknowledged entries lost"], figures["refusals"]) == ("0", "0", "0")
    assert int(figures["entries acknowledged"].replace(",", "")) > 0
