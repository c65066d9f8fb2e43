"""What recurs in a registry of any size: numbers and identities, compared by 16 bytes of their SHA-256.

128 bits are enough. By chance two of 10^8 values meet with probability 2^-75. Somebody who wants a meeting has to
compute 2^64 hashes for any two values of his own, and 2^128 for one that meets another's; and all that he gets is that
the later of the two rows is refused, with its line and the first one's named.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Final

from fairdraw.bulk.appended import NOTHING, Appended, is_among
from fairdraw.bulk.batch import KEY_LENGTH, Keys
from fairdraw.bulk.moves import RECORD, moves
from fairdraw.bulk.sort import Sorted

BUCKET: Final = 16 << 20  # bytes of a bucket that are compared in memory; 256 of them are 1.7·10^8 rows
_BLOCK: Final = RECORD << 12  # bytes of a larger bucket that are read at a time


class Unique:
    """The keys of all rows on disk, in a folder: per constraint 256 buckets, by the first byte of the hash."""

    def __init__(self, folder: Path, sizes: Mapping[str, int] = NOTHING, *, bucket: int = BUCKET) -> None:
        """Go on from these sizes of a journal, or anew.

        Raises:
            WorkspaceError: `scratch-damaged`.
        """
        self._files = Appended(folder, sizes)
        self._folder = folder
        self._bucket = bucket
        self._records = sum(sizes.values()) // RECORD

    def sizes(self) -> dict[str, int]:
        """Return the sizes of the files, for a journal."""
        return self._files.sizes()

    def sync(self) -> None:
        """Make durable what was added."""
        self._files.sync()

    def add(self, keys: Keys, constraint: int) -> None:
        """Add the keys of some rows, in any order, under the number of their constraint."""
        self._records += len(keys.at)
        for first, records in moves(self._records).records(keys):
            self._files.append(f"{constraint:04d}-{first:02x}", records)

    def repeated(self, *, numbered: bool) -> Iterator[tuple[int, int, int]]:
        """Yield (constraint, line, first line that has the same) for each row but the first, by constraint and line.

        Where constraint 0 are numbers (`numbered`), rows that repeat one take no part in the others: who fails one step
        of specs/map.md §5 does not come to the next. Where it is the key of assigned numbers they do.
        """
        gone = array("Q")
        for constraint, names in groupby(sorted(self._files.sizes()), key=lambda name: int(name[:4])):
            found = Sorted(self._folder / "found")
            for name in names:
                for line, before in _repeats(self._records_of(name), gone):
                    found.add(b"%016x%016x\n" % (line, before))
            for text in found:
                line, before = int(text[:16], 16), int(text[16:], 16)
                if numbered and constraint == 0:
                    gone.append(line)
                yield constraint, line, before

    def _records_of(self, name: str) -> Iterable[bytes]:
        """Return the records of a bucket in their order, at least all those whose hash is there twice."""
        path = self._files.path(name)
        if path.stat().st_size <= self._bucket:
            return sorted(_split(moves(self._records).recurring(path.read_bytes())))
        # A column that is the same in every row, perhaps: no finer division would part what is equal.
        lines = Sorted(self._folder / "large", room=self._bucket)
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                for record in _split(block):
                    lines.add(record.hex().encode() + b"\n")
        return (bytes.fromhex(line.decode()) for line in lines)


def _split(records: bytes) -> list[bytes]:
    return [records[at : at + RECORD] for at in range(0, len(records), RECORD)]


def _repeats(records: Iterable[bytes], gone: "array[int]") -> Iterator[tuple[int, int]]:
    """Yield (line, first line) of each record but the first of its hash; lines that are `gone` were never there."""
    before, first = b"", 0
    for record in records:
        key, line = record[:KEY_LENGTH], int.from_bytes(record[KEY_LENGTH:], "big")
        if is_among(line, gone):
            continue
        if key == before:
            yield line, first
        else:
            before, first = key, line
