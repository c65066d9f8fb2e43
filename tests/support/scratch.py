"""Folders for tests that write hundreds of small files, hundreds of times."""

from pathlib import Path
from tempfile import TemporaryDirectory

_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it is ours alone


def memory_folder() -> TemporaryDirectory:
    """Return a folder in memory where there is one, else on disk."""
    return TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None)
