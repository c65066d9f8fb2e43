"""Rows of one chunk become a `Batch`, with the very readers and writers that a registry in memory is frozen with.

This is the plain path, which is the reference: `quick` makes the same batches out of CSV by compiled code.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from fairdraw.bulk.batch import KEY_LENGTH, Batch, Keys
from fairdraw.bulk.strings import Strings
from fairdraw.encoding import canonical_checked
from fairdraw.registry.cells import Value
from fairdraw.registry.layout import Layout
from fairdraw.registry.problems import Problem, as_problem
from fairdraw.sealing import Sealer, private_line, roster_line
from transparency_log.merkle import leaf_hash

Rows = Iterable[tuple[int, Sequence[object]]]
"""Rows as they come from a file: the line on which each begins, and its cells. What has no content is no row."""

GOOD: Final = 0
KEYLESS: Final = 3  # a row without a key takes part in the identities that it has


def key_hash(value: bytes) -> bytes:
    """Return what stands for a value that may not recur."""
    return sha256(value).digest()[:KEY_LENGTH]


@dataclass
class Judgement:
    """The rows of one chunk, each judged by itself: the good ones as (line, number or "", values)."""

    good: list[tuple[int, str, tuple[Value, ...]]] = field(default_factory=list)
    keys: tuple[Keys, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Keyed:
    """What the rows of a chunk are that have no numbers yet.

    given     the keys by which the good rows are given numbers
    at        the line of each of these rows (array of `Q`), ascending
    keys, problems, rows   as of a `Batch`
    """

    given: Strings
    at: "array[int]"
    keys: tuple[Keys, ...]
    problems: tuple[Problem, ...]
    rows: int


def key_rows(rows: Rows, layout: Layout) -> Keyed:
    """Return the keys of a chunk's rows."""
    told = judge_rows(rows, layout)
    given = Strings.of(layout.key_of(values) for _, _, values in told.good)
    at = array("Q", [line for line, _, _ in told.good])
    return Keyed(given, at, told.keys, tuple(told.problems), told.rows)


def judge_rows(rows: Rows, layout: Layout) -> Judgement:
    """Return what the rows of a chunk are by themselves, and what of them must not recur."""
    told = Judgement()
    numbers = 0 if layout.number is None else 1
    hashes = [bytearray() for _ in range(numbers + len(layout.unique))]
    lines: list[array[int]] = [array("Q") for _ in hashes]
    for line, cells in rows:
        told.rows += 1
        no, values, step, faults = layout.judge(cells)
        if no:
            hashes[0] += key_hash(no.casefold().encode())
            lines[0].append(line)
        if step in (GOOD, KEYLESS):
            for at, identity in enumerate(layout.identities(values), numbers):
                if identity is not None:
                    hashes[at] += key_hash(canonical_checked(identity))
                    lines[at].append(line)
        if faults:
            told.problems += [as_problem(error, line=line, field=label) for label, _, error in faults]
        else:
            told.good.append((line, no, values))
    told.keys = tuple(Keys(bytes(several), at) for several, at in zip(hashes, lines, strict=True))
    return told


def seal_rows(
    rows: Rows,
    layout: Layout,
    secret: bytes,
    *,
    keep_private: bool = True,
    number_of: Callable[[int], str | None] | None = None,
) -> Batch:
    """Return the batch of a chunk's rows.

    Where numbers are assigned, `number_of` gives that of the row on a line, None if it is to be left out.
    """
    told = judge_rows(rows, layout)
    found = told.good
    if number_of:
        found = [(line, no, values) for line, _, values in found if (no := number_of(line)) is not None]
    found.sort(key=lambda row: row[1])  # numbers are ASCII: code points sort as bytes
    sealer = Sealer(secret, layout.private)
    written: dict[tuple[Value, ...], bytes] = {}
    groups: Counter[bytes] = Counter()
    roster, leaves, private = [], [], []
    for _, no, values in found:
        public, sealed = layout.attrs_of(values), layout.private_of(values)
        if (attrs := written.get(public)) is None:
            attrs = written[public] = canonical_checked(dict(zip(layout.attrs, public, strict=True)))
        groups[attrs] += 1
        line_of_roster = roster_line(attrs, no, sealer.seal(no, sealed))
        roster.append(line_of_roster + b"\n")
        leaves.append(leaf_hash(line_of_roster))
        if keep_private:
            private.append(private_line(no, sealed) + b"\n")
    return Batch(
        numbers=Strings.of(no.encode() for _, no, _ in found),
        at=array("Q", [line for line, _, _ in found]),
        roster=Strings.of(roster),
        leaves=b"".join(leaves),
        private=Strings.of(private) if keep_private else None,
        keys=told.keys,
        groups=groups,
        problems=tuple(told.problems),
        rows=told.rows,
    )
