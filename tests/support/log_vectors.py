"""Recorded files of other transparency-log projects, read where they lie; their READMEs say where they come from."""

import json
import os
import sys
from collections import defaultdict
from pathlib import Path

import pytest

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "vectors"

# The files that were opened so far, by the test module that opened them: tests/conformance/vectors.toml is held to it.
OPENED: dict[str, set[str]] = defaultdict(set)


def _opened(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(f"{RECORDED}/"):
        module = os.environ.get("PYTEST_CURRENT_TEST", "").split("::")[0].rpartition("/")[2]
        OPENED[module].add(arguments[0].removeprefix(f"{RECORDED}/"))


sys.addaudithook(_opened)


def recorded(path):
    """Return the path of a recorded file or folder, or skip the test."""
    found = RECORDED / path
    if not found.exists():
        pytest.skip(f"recorded vectors are not here: {found}")
    return found


def recorded_bytes(path):
    return recorded(path).read_bytes()


def recorded_json(path):
    return json.loads(recorded_bytes(path))


def recorded_words(path):
    return recorded_bytes(path).decode().split()
