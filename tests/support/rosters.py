"""Rosters as files, as a freeze of a large registry leaves them."""

from array import array
from pathlib import Path

from fairdraw.roster import Roster
from fairdraw_cli.ondisk import ROWS
from transparency_log import merkle
from transparency_log.levels import write_levels


def lay_down(folder: Path, roster: Roster) -> Path:
    """Write a roster and its level files, and return where the roster is."""
    folder.mkdir()
    (folder / ROWS).write_bytes(array("Q", roster.ends).tobytes())
    (folder / "leaves").write_bytes(b"".join(map(merkle.leaf_hash, roster.lines())))
    write_levels(folder, folder / "leaves")
    path = folder.parent / "roster.jsonl"
    path.write_bytes(roster.artifact)
    return path
