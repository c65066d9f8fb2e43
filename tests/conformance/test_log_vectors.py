"""vectors.toml holds for every recorded file, so that none of them is forgotten and none only looks tested.

Which module opens which file is watched while the tests run (`support.log_vectors.OPENED`); this module runs last of
the folder, and asks only about modules of which every test has run, so that a part of the tests may be run alone.
"""

import os
import subprocess
import sys
import tomllib
from collections import defaultdict
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from support.log_vectors import OPENED, RECORDED, recorded

FOLDER = Path(__file__).parent
MANIFEST = tomllib.loads((FOLDER / "vectors.toml").read_text("utf-8"))
PATTERNS = [pattern for section in MANIFEST.values() for pattern in section]


def files():
    paths = (path.relative_to(RECORDED).as_posix() for path in recorded(".").rglob("*") if path.is_file())
    return {path: [pattern for pattern in PATTERNS if fnmatchcase(path, pattern)] for path in sorted(paths)}


def test_every_recorded_file_fits_exactly_one_line():
    wrong = {path: lines for path, lines in files().items() if len(lines) != 1}
    assert not wrong


def test_no_line_is_idle():
    used = {line for lines in files().values() for line in lines}
    assert sorted(used) == sorted(PATTERNS)


def test_reasons_are_told_and_modules_exist():
    assert set(MANIFEST) == {"read", "not-read"}
    assert all(isinstance(reason, str) and reason for reason in MANIFEST["not-read"].values())
    assert all((FOLDER / module).is_file() for module in MANIFEST["read"].values())


def test_every_file_is_opened_by_the_module_that_is_named_for_it(modules_that_ran_whole):
    if "PYTEST_XDIST_WORKER" in os.environ:
        # The others may have run in another process, of which this one saw nothing: they run once more, in one.
        alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", str(FOLDER)]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=alone, check=False)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
        return
    read = MANIFEST["read"]
    opened_by = {path: read[line] for path, (line,) in files().items() if line in read}
    wrong = {
        path: module
        for path, module in opened_by.items()
        if module in modules_that_ran_whole and path not in OPENED[module]
    }
    assert not wrong


def test_no_file_is_opened_of_which_it_is_said_that_none_reads_it():
    opened = set().union(*OPENED.values())
    assert not [path for path, (line,) in files().items() if line in MANIFEST["not-read"] and path in opened]


@pytest.fixture
def modules_that_ran_whole(request):
    """The modules of this folder of which the session runs every test."""
    running = defaultdict(set)
    for item in request.session.items:
        running[item.module].add(item.originalname)
    whole = (m for m, tests in running.items() if tests >= {name for name in vars(m) if name.startswith("test_")})
    return {Path(module.__file__).name for module in whole if Path(module.__file__).parent == FOLDER}
