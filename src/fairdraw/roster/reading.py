"""Reading a roster: every rule of specs/snapshot.md §3, in one pass over the bytes."""

import re
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from itertools import chain
from types import ModuleType
from typing import Final, Protocol

from fairdraw import encoding
from fairdraw.errors import EncodingError, SnapshotError
from fairdraw.roster.columns import BETWEEN, Attributes, Data, Roster, RosterRow
from fairdraw.schema import SnapshotStatement
from fairdraw.values import HASH, NUMBER, Listing
from transparency_log import fast, merkle

SMALL: Final = 1
CAPITAL: Final = 2

_BLOCK: Final = 1 << 22  # bytes that are read at once
_TOGETHER: Final = 1 << 18  # numbers that are compared at once when they are put into one case
_LONGEST: Final = 40  # characters of a number
_MOST_GROUPS: Final = 100_000  # tuples of attributes that are counted while a roster is made
_BEFORE_ATTRS: Final = len(b'{"attrs":')

_PYTHON_TYPES: Final = {"string": str, "integer": int, "boolean": bool}


def _fits(value: object, kind: str) -> bool:
    if value is None:
        return True
    if kind == "strings":
        if not isinstance(value, list):
            return False
        strings = [item for item in value if isinstance(item, str)]
        return len(strings) == len(value) and strings == sorted(set(strings), key=str.encode)
    if kind == "integer":
        return type(value) is int and abs(value) <= encoding.MAX_INTEGER
    return type(value) is _PYTHON_TYPES[kind]


class Fields(Protocol):
    """What a `snapshot` statement says of the fields of its rows."""

    @property
    def attrs(self) -> Sequence[tuple[str, str]]:
        """Attributes and their types."""

    @property
    def private(self) -> Sequence[tuple[str, bool]]:
        """Private fields, and whether they can be opened."""


def read_row(line: bytes, statement: Fields) -> RosterRow:
    """Return one roster line's row, checked against the snapshot's schema.

    Raises:
        SnapshotError: the line or one of its values does not fit.
        EncodingError: the line is not canonical.
    """
    match encoding.parse_row(line):
        case {"attrs": dict(attrs), "no": str(no), "seal": str(seal), **more} if not more:
            pass
        case _:
            raise SnapshotError("bad-roster-line", expected="attrs, no, seal", found=repr(line[:80]))
    if not NUMBER.fullmatch(no) or not HASH.fullmatch(seal):
        raise SnapshotError("bad-roster-line", expected="no and seal", found=repr(line[:80]))
    schema = dict(statement.attrs)
    if attrs.keys() != schema.keys():
        encoding.parse(line)  # a name that no field can have makes it no line at all
        raise SnapshotError("bad-attributes", no=no, expected=sorted(schema), found=sorted(attrs))
    for name, kind in schema.items():
        if not _fits(attrs[name], kind):
            encoding.parse(line)  # nor is one a line whose value no canonical JSON can have
            raise SnapshotError("bad-attribute", no=no, field=name, expected=kind, found=repr(attrs[name])[:80])
    if not statement.private and seal != merkle.EMPTY_ROOT.hex():
        raise SnapshotError("seal-without-fields", no=no)
    return RosterRow(no, attrs, seal)


class _Hashes(Protocol):
    def add(self, hashes: bytes, /) -> None: ...
    def append(self, leaf_hash: bytes, /) -> None: ...


class _Reading:
    """A roster while it is read, block after block of whole lines.

    A line whose attributes were read before, byte for byte, and whose number and seal have their form, is what
    `read_row` would accept: only others are parsed. What it refuses ends the reading, and is told after the digest.
    """

    def __init__(self, statement: Fields, nodes: _Hashes) -> None:
        self.statement, self.nodes = statement, nodes
        self.one_seal = b"" if statement.private else merkle.EMPTY_ROOT.hex().encode()
        seal = self.one_seal or b"[0-9a-f]{64}"
        self.tail = re.compile(b'([A-Za-z0-9._:-]{1,40})","seal":"' + seal + b'"}').fullmatch
        self.ends, self.codes = array("Q"), array("I")
        self.groups: dict[bytes, Attributes] = {}
        self.known: dict[bytes, int] = {}
        self.last = b""  # the number before
        self.unsorted: tuple[str, str] | None = None
        self.cases = 0  # `SMALL` where some number has a small letter, `CAPITAL` where one has a capital

    def take(self, block: bytes) -> None:
        """Read a block that begins and ends where lines do."""
        lines = block.split(b"\n")[:-1]
        numbers = list(map(self.take_line, lines))
        self.nodes.add(merkle.leaf_hashes(lines))
        self.note_cases(b"".join(numbers))

    def take_line(self, line: bytes) -> bytes:
        """Read one line, and return its number."""
        head, _, tail = line.rpartition(BETWEEN)
        code, fits = self.known.get(head), self.tail(tail)
        if code is None or fits is None:
            row = read_row(line, self.statement)
            code, no = self.known.setdefault(head, len(self.known)), row.no.encode()
            self.groups[head] = row.attrs
        else:
            no = fits[1]
        self.follow(no)
        self.ends.append(len(line) + 1 + (self.ends[-1] if self.ends else 0))
        self.codes.append(code)
        return no

    def follow(self, no: bytes) -> None:
        """Note the first number that does not rise."""
        if no <= self.last and self.unsorted is None:  # numbers are ASCII and none is empty
            self.unsorted = self.last.decode(), no.decode()
        self.last = no

    def note_cases(self, numbers: bytes) -> None:
        """Note whether there are small letters and capitals in some numbers."""
        self.cases |= SMALL * (numbers != numbers.upper()) | CAPITAL * (numbers != numbers.lower())


def read_roster(data: Data, statement: SnapshotStatement) -> Roster:
    """Return the roster whose artifact this is, checked against its `snapshot` statement in one pass over the bytes.

    Raises:
        SnapshotError: digest, root, count, order, uniqueness, a line or a value is not what was logged.
    """
    said, nodes = statement.roster, merkle.CompactRange()
    reading = _Reading(statement, nodes)
    fault = _read(data, reading, said)
    if fault is not None:
        raise fault
    if reading.unsorted is not None:
        raise SnapshotError("roster-not-sorted", expected=reading.unsorted[0], found=reading.unsorted[1])
    roster = Roster(data, reading.ends, reading.codes, reading.groups, nodes.root())
    if reading.cases == SMALL | CAPITAL and (twice := _same_but_for_case(roster)) is not None:
        raise SnapshotError("number-twice", found=twice)
    if (len(roster), roster.root.hex()) != (said.count, said.root):
        raise SnapshotError("wrong-root", expected=said.root, found=roster.root.hex())
    return roster


def _read(data: Data, reading: _Reading, said: Listing) -> SnapshotError | None:
    """Read all lines, and return the first fault: the digest's before that of a line, though it is known last."""
    if len(data) != said.length:
        return SnapshotError("wrong-digest", expected=said.digest, found=sha256(data).hexdigest())
    take = _take(reading, said.count)
    digest, fault = sha256(), None
    for block in _blocks(data):
        digest.update(block)
        if not block.endswith(b"\n"):
            fault = _not_canonical(EncodingError("unfinished-line", at=len(data)))
        elif fault is None:
            try:
                take(block)
            except SnapshotError as error:
                fault = error
            except EncodingError as error:
                fault = _not_canonical(error)
    if digest.hexdigest() != said.digest:
        return SnapshotError("wrong-digest", expected=said.digest, found=digest.hexdigest())
    return fault


def _take(reading: _Reading, rows: int) -> Callable[[bytes], None]:
    """Return what reads a block of so many rows: compiled code, where it pays."""
    if _pays(rows) and (compiled := fast.load(_kernels, _holds)) is not None:
        take: Callable[[bytes], None] = compiled.Reader(reading).take
        return take
    return reading.take


class _Leaves:
    def __init__(self) -> None:
        self.data = bytearray()

    def add(self, hashes: bytes) -> None:
        self.data += hashes

    append = add


class Passing:
    """A roster that passes by, some lines at a time, and is kept by others: memory does not grow with it.

    Attributes:
        groups: canonical attributes → how many rows have them; None once they are too many.
    """

    def __init__(self, fields: Fields, rows: int) -> None:
        """Begin a roster of about so many `rows`."""
        self._leaves = _Leaves()
        self._reading = _Reading(fields, self._leaves)
        self._take = _take(self._reading, rows)
        self.groups: Counter[bytes] | None = Counter()

    @property
    def both_cases(self) -> bool:
        """Whether numbers have small letters and capitals, so that two could differ in nothing else."""
        return self._reading.cases == SMALL | CAPITAL

    def take(self, lines: bytes) -> tuple[bytes, "array[int]"]:
        """Return the leaf hashes of the next lines, and at which byte of the roster each of them ends.

        Raises:
            SnapshotError: as `read_roster`, of lines and their order.
        """
        reading = self._reading
        if not lines.endswith(b"\n"):
            raise _not_canonical(EncodingError("unfinished-line", at=len(lines)))
        before = len(reading.ends)
        try:
            self._take(lines)
        except EncodingError as error:
            raise _not_canonical(error) from None
        if reading.unsorted is not None:
            raise SnapshotError("roster-not-sorted", expected=reading.unsorted[0], found=reading.unsorted[1])
        leaves, ends = bytes(self._leaves.data), reading.ends[before:]
        self._leaves.data.clear()
        self._count()
        del reading.ends[:-1], reading.codes[:]
        return leaves, ends

    def _count(self) -> None:
        reading = self._reading
        if self.groups is not None:
            heads = list(reading.known)
            for code, count in Counter(reading.codes).items():
                self.groups[heads[code][_BEFORE_ATTRS:]] += count
        if len(reading.known) > _MOST_GROUPS:
            # From here on codes mean nothing: nobody counts any more.
            self.groups = None
            reading.known.clear()
            reading.groups.clear()


def _not_canonical(error: EncodingError) -> SnapshotError:
    return SnapshotError("bad-roster-line", expected="canonical JSON", found=str(error))


def _blocks(data: Data) -> Iterator[bytes]:
    """Yield the bytes in blocks that end where a line does, but for what follows the last newline."""
    start = 0
    while start < len(data):
        end = data.rfind(b"\n", start, start + _BLOCK) + 1 or data.find(b"\n", start + _BLOCK) + 1 or len(data)
        yield data[start:end]
        start = end


def _same_but_for_case(roster: Roster) -> str | None:
    """Return the first number, in small letters, that another repeats but for the case of its letters."""
    first: int | None = None
    for stretches in _alike(roster, [range(len(roster))], 0):
        seen: dict[str, int] = {}
        for index in chain.from_iterable(stretches):
            if (before := seen.setdefault(roster.number(index).lower(), index)) != index:
                first = before if first is None else min(first, before)
    return None if first is None else roster.number(first).lower()


def _alike(roster: Roster, stretches: list[range], length: int) -> Iterator[list[range]]:
    """Yield few rows at a time that are to be compared, so that memory is bounded: those that begin alike but for case.

    Numbers are sorted: those with one beginning lie together, and those that have it but for case in a few stretches.
    """
    if sum(map(len, stretches)) <= _TOGETHER or length == _LONGEST:
        yield stretches
        return
    parts: dict[str, list[range]] = {}
    for stretch in stretches:
        start = stretch.start
        while start < stretch.stop:
            beginning = roster.number(start)[: length + 1]
            stop = bisect_right(
                roster.numbers, beginning, start, stretch.stop, key=lambda number: number[: length + 1]
            )  # fmt: skip
            parts.setdefault(beginning.lower(), []).append(range(start, stop))
            start = stop
    for part in parts.values():
        yield from _alike(roster, part, length + 1)


def _pays(rows: int) -> bool:
    return rows >= 1 << 14 and fast.pays(6 * rows)  # plain reading takes as long as six hashes a row


def _kernels() -> ModuleType:
    from fairdraw.kernels import rosters  # noqa: PLC0415 - compiled, or read from numba's cache, when it is needed

    return rosters


def _holds(module: ModuleType) -> bool:
    return bool(module.holds())
