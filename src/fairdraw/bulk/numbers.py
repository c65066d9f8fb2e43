"""Assigned numbers (编号) of registries of any size, specs/map.md §4.2: what `registry.numbering` does in memory.

The rows with their keys' digests and the numbers that are known are brought into the order of the digests, and walked
side by side; keys that have none are brought into the order in which they are given one. Memory holds no table.
"""

import hmac
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from heapq import merge
from itertools import count, islice
from pathlib import Path
from typing import BinaryIO, Final

from fairdraw.bulk.appended import NOTHING, Appended, is_among
from fairdraw.bulk.batch import KEY_LENGTH, Keys
from fairdraw.bulk.sort import ROOM, Sorted
from fairdraw.bulk.unique import Unique
from fairdraw.errors import RegistryError
from fairdraw.registry.numbering import NUMBERS_HEADER, NUMBERS_LINE, counter_of

_HEADER: Final = NUMBERS_HEADER.encode() + b"\n"
_LONGEST: Final = 256  # bytes of a line of numbers.csv that are looked at: it has 106 at most, and errors show 80
_DIGEST: Final = 64  # hex digits
_NUMBER: Final = 40  # characters of the longest number
_RECORD: Final = 8 + _NUMBER  # of a row that has a number: its line, big-endian, and the number
_TOGETHER: Final = 1 << 13  # lines whose keys are added at a time


class Assigned:
    """The numbers of rows by their lines, in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._count = path.stat().st_size // _RECORD

    def between(self, first: int, last: int) -> dict[int, bytes]:
        """Return the numbers of rows that begin on lines from `first` to `last`; rows without one are not in it."""
        numbers = {}
        with self.path.open("rb") as file:

            def line_of(row: int) -> int:
                file.seek(_RECORD * row)
                return int.from_bytes(file.read(8), "big")

            file.seek(_RECORD * bisect_left(range(self._count), first, key=line_of))
            while (record := file.read(_RECORD)) and (line := int.from_bytes(record[:8], "big")) <= last:
                numbers[line] = record[8:].rstrip(b"\0")
        return numbers


class Numbers:
    """The keys of all rows in a folder, and the numbers that they are given.

    With a `secret` new numbers are given in the order of HMAC-SHA256(secret, key), else of the keys.
    """

    def __init__(
        self, folder: Path, sizes: Mapping[str, int] = NOTHING, *, secret: bytes | None, room: int = ROOM
    ) -> None:
        """Go on from these sizes of a journal, or anew.

        Raises:
            WorkspaceError: `scratch-damaged`.
        """
        self._files = Appended(folder, sizes)
        self._folder, self._secret, self._room = folder, secret, room

    def add(self, keys: Iterable[bytes], at: Iterable[int]) -> None:
        """Add keys, and the lines of their rows."""
        for key, line in zip(keys, at, strict=True):
            order = hmac.digest(self._secret, key, "sha256") if self._secret else key
            self._files.append("keys", f"{sha256(key).hexdigest()},{order.hex()},{line:016x}\n".encode())

    def sizes(self) -> dict[str, int]:
        """Return the sizes of the files, for a journal."""
        return self._files.sizes()

    def sync(self) -> None:
        """Make durable what was added."""
        self._files.sync()

    def assign(self, *, template: str, known: Path | None, drop: Collection[int] = ()) -> tuple[Assigned, Path]:
        """Return the numbers of all rows but those of the lines `drop`, and the new numbers.csv, both durable.

        `known` is numbers.csv as it was. Rows with one key have one number: `Unique` finds that they are repeated.

        Raises:
            RegistryError: `numbers-malformed`, as `parse_numbers` raises it; `number-malformed` where the counter has
                outgrown the length of a number.
        """
        results = Appended(self._folder / "results")
        if known is not None:
            check_numbers(known, self._folder / "check")
        highest, blocked, old = self._known(known, template)
        assigned, new = self._sorted("assigned"), self._sorted("new")
        for line, no in _side_by_side(self._rows(array("Q", sorted(drop))), old):
            digest, order, at = line.rstrip().split(b",")
            if no is not None:
                assigned.add(b"%b,%b\n" % (at, no))
            else:
                new.add(b"%b,%b,%b\n" % (order, digest, at))
        fresh = self._sorted("fresh")
        counters, before, no = _free(highest, blocked), b"", b""
        for line in new:
            _, digest, at = line.rstrip().split(b",")
            if digest != before:
                before, no = digest, (template % next(counters)).encode()
                if len(no) > _NUMBER:
                    raise RegistryError("number-malformed", expected="number", found=no.decode())
                fresh.add(b"%b,%b\n" % (no, digest))
            assigned.add(b"%b,%b\n" % (at, no))
        for line in assigned:
            results.append("assigned", int(line[:16], 16).to_bytes(8, "big") + line[17:-1].ljust(_NUMBER, b"\0"))
        # The comma is less than all that a number is made of, so that lines are in the order of their numbers.
        results.append("numbers.csv", _HEADER)
        for line in merge(_lines_of(known), fresh):
            results.append("numbers.csv", line)
        results.sync()
        return Assigned(results.path("assigned")), results.path("numbers.csv")

    def _sorted(self, name: str) -> Sorted:
        return Sorted(self._folder / name, room=self._room)

    def _rows(self, dropped: "array[int]") -> Sorted:
        rows = self._sorted("rows")
        with self._files.path("keys").open("rb") as file:
            for line in file:
                if not dropped or not is_among(int(line[-17:], 16), dropped):
                    rows.add(line)
        return rows

    def _known(self, known: Path | None, template: str) -> tuple[int, Iterator[int], Sorted]:
        """Return the highest counter given, the ascending ones that must not be given, and `digest,number` lines."""
        old, blocked, highest = self._sorted("old"), self._sorted("blocked"), 0
        folded = template.casefold()
        for line in _lines_of(known):
            no, digest = line.decode().rstrip().split(",")
            if counter := counter_of(no, template):
                highest = max(highest, counter)
            elif counter := counter_of(no.casefold(), folded):
                blocked.add(b"%040x\n" % counter)
            old.add(f"{digest},{no}\n".encode())
        return highest, (int(counter, 16) for counter in blocked), old


def _lines_of(known: Path | None) -> Iterator[bytes]:
    """Yield the lines of a numbers.csv that was checked, without its header."""
    if known is not None:
        with known.open("rb") as file:
            yield from islice(file, 1, None)


def _side_by_side(rows: Iterable[bytes], old: Iterable[bytes]) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield each row, and the number that its digest has; both begin with the digest and ascend."""
    known = iter(old)
    one = next(known, b"")
    for row in rows:
        while one and one[:_DIGEST] < row[:_DIGEST]:
            one = next(known, b"")
        yield row, one[_DIGEST + 1 : -1] if one[:_DIGEST] == row[:_DIGEST] else None


def _free(highest: int, blocked: Iterator[int]) -> Iterator[int]:
    """Yield the counters after the highest, without those whose numbers are taken in the other case of letters."""
    taken = next(blocked, None)
    for counter in count(highest + 1):
        while taken is not None and taken < counter:
            taken = next(blocked, None)
        if counter != taken:
            yield counter


def check_numbers(path: Path, scratch: Path) -> None:
    """Check a numbers.csv of any size: what `parse_numbers` refuses is refused with the same words.

    Raises:
        RegistryError: `numbers-malformed`, with the first line that is wrong.
    """
    repeats, together = Unique(scratch), list[tuple[int, str, str]]()
    with path.open("rb") as file:
        lines = _cut(file)
        header = next(lines, b"")
        wrong = 0 if header.removesuffix(b"\n") == _HEADER[:-1] else 1
        malformed, ended, ordered, before = 0, int(header.endswith(b"\n")), header == _HEADER, b""
        for line, text in enumerate(lines, 2):
            if not text.endswith(b"\n"):
                ordered = False
                continue
            found = NUMBERS_LINE.fullmatch(text[:-1].decode("ascii", errors="replace"))
            if wrong or not found:
                malformed = line
                break
            ended, ordered, before = line, ordered and before < text, text
            together.append((line, found[1].casefold(), found[2]))
            if len(together) == _TOGETHER:
                _compare(together, repeats)
                together.clear()
    _compare(together, repeats)
    # A number given twice would put one row's fate on another.
    twice = min((line for _, line, _ in repeats.repeated(numbered=False)), default=0)
    if malformed or twice:
        line = min(filter(None, (malformed, twice)))
        with path.open("rb") as file:
            shown = next(islice(_cut(file), line - 1, None)).removesuffix(b"\n").decode("ascii", errors="replace")
        raise RegistryError("numbers-malformed", line=wrong or line, expected="number,sha256", found=shown[:80])
    if not ordered:
        raise RegistryError("numbers-malformed", line=wrong or ended, expected="sorted, one newline at the end")


def _compare(lines: Collection[tuple[int, str, str]], repeats: Unique) -> None:
    at = array("Q", [line for line, _, _ in lines])
    for constraint, values in enumerate(([no for _, no, _ in lines], [digest for _, _, digest in lines])):
        hashes = [sha256(value.encode()).digest()[:KEY_LENGTH] for value in values]
        repeats.add(Keys(b"".join(hashes), at), constraint)


def _cut(file: BinaryIO) -> Iterator[bytes]:
    """Yield lines, those that are too long cut: a file without a newline is not read into memory."""
    while line := file.readline(_LONGEST):
        rest = line
        while not rest.endswith(b"\n") and (more := file.readline(_LONGEST)):
            rest = more
        yield line if line.endswith(b"\n") or not rest.endswith(b"\n") else line + b"\n"
