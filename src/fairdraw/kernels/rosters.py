"""Roster lines, read and hashed by compiled code; the plain twin is in `fairdraw.roster`. specs/snapshot.md §3.

A line is passed if it is, byte for byte, a beginning that the plain reader has accepted before, a number and a seal. At
the first line that is anything else the compiled code stops, and that line goes through the plain reader.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numba import types

from transparency_log.kernels import (
    BYTES,
    CONTEXT,
    IV,
    LONGS,
    PADDING,
    READ_ONLY,
    WORDS,
    compiled,
    copy_bytes,
    hash_blocks,
)
from transparency_log.merkle import leaf_hash

SEAL: Final = 64
TAIL: Final = 77  # bytes after a number: ten, the seal, and three
LONGEST: Final = 40  # characters of a number
SHORTEST_LINE: Final = 96  # bytes: no attributes, one character of a number, and the newline
MOST_GROUPS: Final = 1 << 16  # that are known here; lines of further ones go through the plain reader

_differ: Any = types.ExternalFunction("memcmp", types.intc(types.intp, types.intp, types.intp))
_find: Any = types.ExternalFunction("memchr", types.intp(types.intp, types.intc, types.intp))

_BETWEEN: Final = np.frombuffer(b',"no":"', np.uint8)
_AFTER: Final = np.frombuffer(b'","seal":"', np.uint8)
_CLOSE: Final = np.frombuffer(b'"}\n', np.uint8)

# What a byte is in a number and in a seal: 1 a small letter, 2 a capital, 4 of a number, 8 of a seal.
_KIND: Final = np.zeros(256, np.uint8)
for _bit, _some in ((1, "abcdefghijklmnopqrstuvwxyz"), (2, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), (8, "0123456789abcdef")):
    for _c in _some.encode():
        _KIND[_c] |= _bit
for _c in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-":
    _KIND[_c] |= 4

COUNT, PLACE, CASES, UNSORTED, LAST, LENGTH = range(6)
"""What is told of a run of lines: how many, where the next begins, which cases of letters their numbers have, the first
whose number does not rise (-1: none), and where the last number stands."""


class Heads(NamedTuple):
    """The beginnings that are known, end to end, and a table that finds the index of one by its hash."""

    data: Any
    ends: Any
    table: Any


HEADS: Final = types.NamedTuple([READ_ONLY, LONGS, LONGS], Heads)


@compiled()
def _hash(data, start, end):
    told = np.uint64(14695981039346656037)  # FNV-1a, of four bytes at once
    for i in range(start, end - 3, 4):
        low = np.uint32(data[i]) | np.uint32(data[i + 1]) << np.uint32(8)
        high = np.uint32(data[i + 2]) | np.uint32(data[i + 3]) << np.uint32(8)
        word = low | high << np.uint32(16)
        told = (told ^ np.uint64(word)) * np.uint64(1099511628211)
    for i in range(end - (end - start) % 4, end):
        told = (told ^ np.uint64(data[i])) * np.uint64(1099511628211)
    return told ^ (told >> np.uint64(32))


@compiled()
def _code(heads, known, data, start, end, here):
    """Return the index of a beginning, -1 where it is not known; `known` and `here` are where heads and data lie."""
    size = np.uint64(heads.table.size - 1)
    place = _hash(data, start, end) & size
    while heads.table[place] >= 0:
        code = heads.table[place]
        first = heads.ends[code - 1] if code else 0
        if heads.ends[code] - first == end - start and _differ(known + first, here + start, end - start) == 0:
            return code
        place = (place + np.uint64(1)) & size
    return np.int64(-1)


@compiled([types.void(READ_ONLY, types.int64, HEADS, READ_ONLY, LONGS, WORDS, BYTES, LONGS)])
def _read(data, place, heads, seal, ends, codes, leaves, told):
    """Read lines from `place` on, up to the first that is not surely right.

    `seal` is the one that every line has, or empty; `ends`, `codes` and `leaves` are filled, and `told`.
    """
    context, buffer = np.empty(CONTEXT, np.uint32), np.empty(1, np.uint8)
    here, known = np.int64(data.ctypes.data), np.int64(heads.data.ctypes.data)
    between, after, close = np.int64(_BETWEEN.ctypes.data), np.int64(_AFTER.ctypes.data), np.int64(_CLOSE.ctypes.data)
    one_seal = np.int64(seal.ctypes.data)
    count, cases, unsorted, last, length = 0, np.uint8(0), np.int64(-1), np.int64(0), np.int64(0)
    while place < data.size and count < ends.size:  # compiled code would write beyond an array's end
        found = _find(here + place, 10, data.size - place)
        if found == 0:
            break
        end = np.int64(found) - here + 1
        tail = end - TAIL
        if tail <= place or _differ(here + tail, after, 10) or _differ(here + end - 3, close, 3):
            break
        # The number is what of its characters stands before the tail.
        first, kinds = tail, np.uint8(0)
        while first > place and tail - first <= LONGEST and _KIND[data[first - 1]] & 4:
            first -= 1
            kinds |= _KIND[data[first]]
        if not 0 < tail - first <= LONGEST or first - 7 <= place or _differ(here + first - 7, between, 7):
            break
        strange = np.uint8(0)
        for i in range(tail + 10, end - 3):
            strange |= ~_KIND[data[i]] & 8
        if strange or (seal.size and _differ(here + tail + 10, one_seal, SEAL)):
            break
        code = _code(heads, known, data, place, first - 7, here)
        if code < 0:
            break
        if count and unsorted < 0:
            order = _differ(here + last, here + first, min(length, tail - first))
            if order > 0 or (order == 0 and length >= tail - first):
                unsorted = np.int64(count)
        last, length = first, tail - first
        cases |= kinds & 3
        if buffer.size < end - place + PADDING:
            buffer = np.empty(2 * (end - place) + PADDING, np.uint8)
        buffer[0] = 0
        copy_bytes(buffer, 1, data, place, end - 1 - place)
        hash_blocks(context, IV, buffer, end - place, 0, leaves, 32 * count)
        ends[count], codes[count] = end, code
        count += 1
        place = end
    told[COUNT], told[PLACE], told[CASES], told[UNSORTED], told[LAST], told[LENGTH] = (
        count, place, cases, unsorted, last, length,
    )  # fmt: skip


@compiled([types.void(HEADS)])
def _fill(heads):
    size = np.uint64(heads.table.size - 1)
    start = 0
    for code in range(heads.ends.size):
        place = _hash(heads.data, start, heads.ends[code]) & size
        while heads.table[np.int64(place)] >= 0:
            place = (place + np.uint64(1)) & size
        heads.table[np.int64(place)] = code
        start = heads.ends[code]


def _heads(known: Sequence[bytes]) -> Heads:
    told = Heads(
        data=np.frombuffer(b"".join(known), np.uint8),
        ends=np.cumsum([len(head) for head in known], dtype=np.int64),
        table=np.full(2 << len(known).bit_length(), -1, np.int64),
    )
    _fill(told)
    return told


class Reading(Protocol):
    """What of the plain reader is used and filled here: `fairdraw.roster`."""

    known: dict[bytes, int]
    ends: Any
    codes: Any
    nodes: Any
    cases: int
    last: bytes
    one_seal: bytes

    def take_line(self, line: bytes) -> bytes:
        """Read one line by the plain way."""

    def follow(self, no: bytes) -> None:
        """Take note of a number, after the one before."""

    def note_cases(self, numbers: bytes) -> None:
        """Take note of the cases of letters in some numbers."""


class Reader:
    """Reads the blocks of one roster."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._seal = np.frombuffer(reading.one_seal, np.uint8)
        self._heads = _heads([])
        self._missed = 0
        self._told = np.zeros(6, np.int64)

    def take(self, block: bytes) -> None:
        """Read a block of whole lines."""
        reading, told = self._reading, self._told
        data = np.frombuffer(block, np.uint8)
        room = len(block) // SHORTEST_LINE + 1
        ends, codes, leaves = np.empty(room, np.int64), np.empty(room, np.uint32), np.empty(32 * room, np.uint8)
        base, place = reading.ends[-1] if reading.ends else 0, 0
        while True:
            _read(data, place, self._heads, self._seal, ends, codes, leaves, told)
            count, start, place = told[COUNT], place, int(told[PLACE])
            if count:
                self._follow(block, start, ends)
                reading.ends.frombytes((ends[:count] + base).astype(np.uint64).tobytes())
                reading.codes.frombytes(codes[:count].tobytes())
                reading.nodes.add(leaves[: 32 * count].tobytes())
                reading.cases |= int(told[CASES])
            if place == len(block):
                return
            after = block.index(b"\n", place) + 1
            self._by_itself(block[place : after - 1])
            place = after

    def _follow(self, block: bytes, start: int, ends: Any) -> None:
        """Compare the first number with the one before this run, and take note of the first one that does not rise."""
        told = self._told

        def number(index: int) -> bytes:
            line = block[start if index == 0 else ends[index - 1] : ends[index]]
            return line[line.rindex(b',"no":"') + 7 : -SEAL - 13]

        self._reading.follow(number(0))
        if told[UNSORTED] >= 0:
            self._reading.last = number(int(told[UNSORTED]) - 1)
            self._reading.follow(number(int(told[UNSORTED])))
        self._reading.last = block[told[LAST] : told[LAST] + told[LENGTH]]

    def _by_itself(self, line: bytes) -> None:
        """Read a line by the plain way, and know its beginning soon: the table is not made anew for every one."""
        reading = self._reading
        reading.note_cases(reading.take_line(line))
        reading.nodes.append(leaf_hash(line))
        self._missed += 1
        if self._missed > len(self._heads.ends) // 8 and len(reading.known) <= MOST_GROUPS:
            self._heads, self._missed = _heads(list(reading.known)), 0


def holds() -> bool:
    """Say whether lines are passed, refused and hashed as they should be."""
    good = [b'{"attrs":{"a":1},"no":"%b","seal":"%b"}' % (no, b"0f" * 32) for no in (b"A-1", b"A-10", b"a" * 40)]
    changes = ((b"0f", b"0F"), (b"A-1", b"A 1"), (b"A-1", b"A" * 41), (b":1", b":2"))
    bad = [good[0].replace(*change) for change in changes]
    heads = _heads([b'{"attrs":{"a":1}'])
    ends, codes, leaves = np.empty(4, np.int64), np.empty(4, np.uint32), np.empty(128, np.uint8)
    told = np.empty(6, np.int64)
    for line in bad:
        data = b"".join(one + b"\n" for one in (*good, line))
        _read(np.frombuffer(data, np.uint8), 0, heads, np.frombuffer(b"", np.uint8), ends, codes, leaves, told)
        if told[:LAST].tolist() != [3, ends[2], 3, -1] or not data.startswith(line, told[PLACE]):
            return False
    return leaves[:96].tobytes() == b"".join(map(leaf_hash, good))
