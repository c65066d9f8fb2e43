"""Rosters (名录): one line per row, read once and kept by column. specs/snapshot.md §3.

A roster may have a hundred million rows. Its bytes stay where they are, in memory or mapped from a file, and of a row
are kept just where its line ends and which group of attributes it has: attributes are coarse, so that nobody is
recognised by them, and rows share few groups of them. Rows and numbers are made when they are asked for.
"""

from abc import abstractmethod
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from io import BytesIO
from itertools import chain, compress
from mmap import mmap
from typing import Final, NamedTuple, Protocol, TypeVar, overload

from fairdraw import encoding
from fairdraw.values import Listing
from transparency_log import merkle

T = TypeVar("T")

Data = bytes | mmap
Attributes = Mapping[str, object]

BETWEEN: Final = b',"no":"'
TAIL: Final = len(b'","seal":"') + 64 + len(b'"}\n')  # a seal's length never varies


class RosterRow(NamedTuple):
    """One line of a roster."""

    no: str
    attrs: Attributes
    seal: str

    def line(self) -> bytes:
        """Return the row's canonical line, without a newline; every part of it was checked before."""
        attrs = {name: list(v) if isinstance(v, tuple) else v for name, v in self.attrs.items()}
        return encoding.canonical_checked({"attrs": attrs, "no": self.no, "seal": self.seal})


class Roster:
    """A roster's rows, sorted by number bytewise.

    Attributes:
        data: the artifact.
        ends: of each row the offset at which the next line begins.
        codes: of each row the index of its group.
        groups: the distinct attributes, in the order in which they first occur.
        leads: of each group how many bytes of a line come before the number.
        tail: how many come after it, newline included.
        root: the Merkle root over the lines.
    """

    tail: Final = TAIL
    __slots__ = ("_counts", "_tree", "codes", "data", "ends", "groups", "leads", "root")

    def __init__(
        self, data: Data, ends: "array[int]", codes: "array[int]", groups: Mapping[bytes, Attributes], root: bytes
    ) -> None:
        self.data, self.ends, self.codes, self.root = data, ends, codes, root
        self.groups, self.leads = tuple(groups.values()), [len(head) + len(BETWEEN) for head in groups]
        self._tree: merkle.Tree | None = None
        self._counts: Counter[int] | None = None

    @classmethod
    def of(cls, rows: Iterable[RosterRow]) -> "Roster":
        """Return the roster of rows that are sorted by number; every part of them was checked before."""
        return cls.gather((row.attrs, row.line()) for row in rows)

    @classmethod
    def gather(cls, rows: Iterable[tuple[Attributes, bytes]]) -> "Roster":
        """Return the roster of (attributes, line without newline) of rows, as `of`."""
        ends, codes, data = array("Q"), array("I"), BytesIO()
        groups: dict[bytes, Attributes] = {}
        known: dict[bytes, int] = {}

        def leaves() -> Iterator[bytes]:
            """Yield the leaf hash of each line as it is laid down: a million lines are never there one by one."""
            for attrs, line in rows:
                head = line.rpartition(BETWEEN)[0]
                if (code := known.get(head)) is None:
                    code, groups[head] = known.setdefault(head, len(known)), attrs
                data.write(line + b"\n")
                ends.append(data.tell())
                codes.append(code)
                yield merkle.leaf_hash(line)

        root = merkle.root(leaves())
        return cls(data.getvalue(), ends, codes, groups, root)

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def rows(self) -> "Rows":
        """The rows, each made when it is asked for."""
        return Rows(self)

    @property
    def numbers(self) -> "Numbers":
        """The numbers, each read when it is asked for."""
        return Numbers(self)

    @property
    def artifact(self) -> bytes:
        """The artifact in memory, for a roster that was just made."""
        return bytes(self.data)

    @property
    def tree(self) -> merkle.Tree:
        """The Merkle tree over the lines, made when it is first asked for."""
        if self._tree is None:
            self._tree = merkle.Tree(map(merkle.leaf_hash, self.lines()))
        return self._tree

    @property
    def counts(self) -> Counter[int]:
        """How many rows each group has, by its index."""
        if self._counts is None:
            self._counts = Counter(self.codes)
        return self._counts

    def listing(self) -> Listing:
        """Return what a `snapshot` statement says of this roster."""
        digest = sha256(self.data).hexdigest()
        return Listing(root=self.root.hex(), count=len(self), digest=digest, length=len(self.data))

    def line(self, index: int) -> bytes:
        """Return a row's line, without its newline."""
        return self.data[self.ends[index - 1] if index else 0 : self.ends[index] - 1]

    def lines(self) -> Iterator[bytes]:
        """Yield the lines, without their newlines."""
        data = self.data
        return (data[start : end - 1] for start, end in zip(chain((0,), self.ends), self.ends, strict=False))

    def ascii(self) -> Iterator[bytes]:
        """Yield the numbers as the bytes that they are in the artifact."""
        data, leads = self.data, self.leads
        starts = chain((0,), self.ends)
        columns = zip(starts, self.ends, self.codes, strict=False)
        return (data[start + leads[code] : end - TAIL] for start, end, code in columns)

    def number(self, index: int) -> str:
        """Return a row's number."""
        start = self.ends[index - 1] if index else 0
        return self.data[start + self.leads[self.codes[index]] : self.ends[index] - TAIL].decode()

    def row(self, index: int) -> RosterRow:
        """Return a row."""
        end = self.ends[index]
        return RosterRow(self.number(index), self.groups[self.codes[index]], self.data[end - 67 : end - 3].decode())

    def proof(self, index: int) -> list[bytes]:
        """Return the inclusion proof of a row's line, RFC 6962 §2.1.1."""
        return self.tree.inclusion_proof(index)

    def find(self, no: str) -> int | None:
        """Return the index of the row that has a number, None where none has it."""
        index = bisect_left(self.numbers, no)
        return index if index < len(self) and self.number(index) == no else None


class Lookup(Protocol):
    """What a slip asks of a roster: single rows and their proofs, from memory or from the disk."""

    def find(self, no: str) -> int | None:
        """Return the index of the row that has a number, None where none has it."""

    def row(self, index: int) -> RosterRow:
        """Return a row."""

    def line(self, index: int) -> bytes:
        """Return a row's line, without its newline."""

    def proof(self, index: int) -> list[bytes]:
        """Return the inclusion proof of a row's line, RFC 6962 §2.1.1."""


class _View(Sequence[T]):
    """What a roster has once a row, each made when it is asked for."""

    __slots__ = ("_roster",)

    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    @abstractmethod
    def _at(self, index: int) -> T: ...

    def __len__(self) -> int:
        return len(self._roster)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        within = range(len(self))[index]
        return self._at(within) if isinstance(within, int) else [self._at(i) for i in within]


class Rows(_View[RosterRow]):
    """A roster's rows."""

    __slots__ = ()

    def _at(self, index: int) -> RosterRow:
        return self._roster.row(index)

    def __iter__(self) -> Iterator[RosterRow]:
        roster = self._roster
        data, groups = roster.data, roster.groups
        for no, end, code in zip(roster.ascii(), roster.ends, roster.codes, strict=True):
            yield RosterRow(no.decode(), groups[code], data[end - 67 : end - 3].decode())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it is as large as a roster


class Numbers(_View[str]):
    """A roster's numbers in their order; whether one is there is found by halving."""

    __slots__ = ()

    def _at(self, index: int) -> str:
        return self._roster.number(index)

    def __iter__(self) -> Iterator[str]:
        return map(bytes.decode, self._roster.ascii())

    def __contains__(self, no: object) -> bool:
        return isinstance(no, str) and self._roster.find(no) is not None


class Part(Collection[str]):
    """The numbers of the rows of some groups, less some: they are counted, found and listed without a list of them.

    Attributes:
        roster: whose rows they are.
        codes: the indexes of their groups.
        out: the indexes of rows of these groups that are left out.
    """

    __slots__ = ("_size", "codes", "out", "roster")

    def __init__(self, roster: Roster, codes: Iterable[int], out: Iterable[int] = ()) -> None:
        self.roster, self.codes = roster, frozenset(codes)
        self.out = frozenset(index for index in out if roster.codes[index] in self.codes)
        self._size = sum(roster.counts[code] for code in self.codes) - len(self.out)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[str]:
        return map(self.roster.number, self.indexes())

    def __contains__(self, no: object) -> bool:
        index = self.roster.find(no) if isinstance(no, str) else None
        return index is not None and self.holds(index)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Part):
            return NotImplemented
        same = self.roster is other.roster or self.roster.data == other.roster.data
        return same and (self.codes, self.out) == (other.codes, other.out)

    def __hash__(self) -> int:
        return hash((self.codes, self.out))

    def holds(self, index: int) -> bool:
        """Say whether a row is of this part."""
        return self.roster.codes[index] in self.codes and index not in self.out

    def indexes(self) -> Iterator[int]:
        """Yield the indexes of its rows."""
        codes, out = self.codes, self.out
        inside = compress(range(len(self.roster)), (code in codes for code in self.roster.codes))
        return (index for index in inside if index not in out) if out else inside


def listing_of(data: bytes, tree: merkle.Tree) -> Listing:
    """Return root, count, digest and length of a list artifact."""
    return Listing(root=tree.root().hex(), count=tree.size, digest=encoding.digest(data), length=len(data))
