"""Recorded files of other transparency-log projects, read where they lie; their READMEs say where they come from."""

import json
from pathlib import Path

import pytest

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "vectors"


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
