"""The artifacts beside specs/regulation.md are those of its five regulations (specs/regulation.md §7)."""

import hashlib
from pathlib import Path

import pytest

from fairdraw.regulation import GENUINE, artifact_bytes, read_artifact

FOLDER = Path(__file__).parents[2] / "specs" / "regulations"


@pytest.mark.parametrize("name", sorted(GENUINE))
def test_the_artifact_is_the_genuine_one(name: str) -> None:
    data = (FOLDER / f"{name}.json").read_bytes()
    assert hashlib.sha256(data).hexdigest() == GENUINE[name]
    assert artifact_bytes(read_artifact(data)) == data


def test_there_are_no_others() -> None:
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(GENUINE)
