"""A roster that stays on the disk: one row and its proof in a few reads, however many rows there are.

    registries/<id>/levels-<n>/{00,01,…}   the level files of its tree (`transparency_log.levels`)
    registries/<id>/levels-<n>/rows        where each line ends, 8 bytes each, little-endian

What is read is not trusted: every row is compared with the root that the log has.
"""

import os
from pathlib import Path
from typing import Final, Self

from fairdraw.errors import EncodingError, SnapshotError
from fairdraw.roster import RosterRow, read_row
from fairdraw.schema import SnapshotStatement
from fairdraw_cli.files import mapped
from transparency_log.errors import MerkleError, StorageError
from transparency_log.levels import Levels
from transparency_log.merkle import check_inclusion, leaf_hash

ROWS: Final = "rows"
_END: Final = 8  # bytes that tell where a line ends


class RosterOnDisk:
    """A roster beside its level files; close it, or use it in a `with`."""

    def __init__(self, folder: Path, roster: Path, said: SnapshotStatement) -> None:
        """Open the files; `folder` has the levels, `roster` is the artifact.

        Raises:
            StorageError: a file is missing or has another length, or the levels are not those of the logged root.
        """
        self._folder, self._said = folder, said
        self._data = mapped(roster)
        rows, expected = folder / ROWS, _END * said.roster.count
        if not rows.is_file():
            raise StorageError("level-missing", path=str(rows), folder=str(folder))
        if (found := rows.stat().st_size) != expected:
            raise StorageError("level-length", path=str(rows), folder=str(folder), expected=expected, found=found)
        self._levels = Levels(folder, said.roster.count, bytes.fromhex(said.roster.root))
        self._ends = os.open(rows, os.O_RDONLY)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._levels.close()
        os.close(self._ends)

    def __len__(self) -> int:
        return self._said.roster.count

    def find(self, no: str) -> int | None:
        """Return the index of the row that has a number, None where none has it.

        Raises:
            StorageError: `levels-damaged`: a row on the way is not what was logged, and would have led astray.
        """
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self.row(middle).no < no:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self) and self.row(low).no == no else None

    def row(self, index: int) -> RosterRow:
        """Return a row, which the log's root covers.

        Raises:
            StorageError: `levels-damaged`: it does not.
        """
        self.proof(index)
        try:
            return read_row(self.line(index), self._said)
        except (EncodingError, SnapshotError):
            raise self._damaged() from None

    def line(self, index: int) -> bytes:
        """Return a row's line, without its newline."""
        start = self._end(index - 1) if index else 0
        return bytes(self._data[start : self._end(index) - 1])

    def proof(self, index: int) -> list[bytes]:
        """Return the inclusion proof of a row's line.

        Raises:
            StorageError: `levels-damaged`: it would not hold.
        """
        proof, root = self._levels.inclusion_proof(index), bytes.fromhex(self._said.roster.root)
        try:
            check_inclusion(leaf_hash(self.line(index)), index=index, size=len(self), proof=proof, root=root)
        except MerkleError:
            raise self._damaged() from None
        return proof

    def _end(self, index: int) -> int:
        return int.from_bytes(os.pread(self._ends, _END, _END * index), "little")

    def _damaged(self) -> StorageError:
        return StorageError("levels-damaged", path=str(self._folder / ROWS), folder=str(self._folder))
