"""What is shipped: exactly the three import packages and their data."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = {
    "fairdraw": ROOT / "src",
    "fairdraw_cli": ROOT / "cli",
    "transparency_log": ROOT / "transparency_log",
}


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        return {name for name in file.namelist() if ".dist-info/" not in name}


def test_a_wheel_holds_exactly_the_three_packages(shipped):
    assert {name.split("/")[0] for name in shipped} == set(SOURCES)


def test_a_wheel_holds_every_file_of_the_packages_and_no_other(shipped):
    ours = {
        str(path.relative_to(root))
        for package, root in SOURCES.items()
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert shipped == ours
