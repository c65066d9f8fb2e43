"""Tickets of many rows, compiled; the plain twin is in `fairdraw.selection`. specs/tickets.md §2.

The hex key is exactly one block of SHA-256, and a purpose and a number fit into the next: a row costs one block.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, Final, Protocol

import numpy as np
from numba import types

from transparency_log import fast
from transparency_log.kernels import (
    BYTES,
    CONTEXT,
    IV,
    LONGS,
    READ_ONLY,
    WORDS,
    _compress,
    absorb,
    begin,
    compiled,
    copy_bytes,
)
from transparency_log.tree import read_ahead

ROWS: Final = 1 << 16  # that are looked at between two looks at what was found
LONGEST: Final = 40  # characters of a number
LAST_BYTE: Final = 54  # of a message of one block: a newline, the padding and the length come behind it
TOGETHER: Final = 64  # blocks that are written before they are hashed: a processor waits for bytes just written
TICKET: Final = 32
RECORD: Final = TICKET + 8

ENDS: Final = types.Array(types.uint64, 1, "C", readonly=True)
CODES: Final = types.Array(types.uint32, 1, "C", readonly=True)


@compiled(
    [types.int64(READ_ONLY, ENDS, CODES, LONGS, types.int64, types.int64, types.int64, WORDS, READ_ONLY, ENDS, BYTES,
                 WORDS, BYTES)]
)  # fmt: skip
def _below(data, ends, codes, leads, tail, first, last, state, purpose, limits, asked, groups, records):
    """Write the group and the record of each row from first to last whose ticket is at most the limit of its group.

    Returns how many, or -1 where a number is longer than numbers are, or not in the data.
    """
    context, blocks = np.empty(CONTEXT, np.uint32), np.zeros(64 * TOGETHER, np.uint8)
    rows, of, before = np.empty(TOGETHER, np.int64), np.empty(TOGETHER, np.int64), np.empty(TOGETHER, np.int64)
    for block in range(TOGETHER):
        blocks[64 * block : 64 * block + purpose.size] = purpose
        before[block] = purpose.size
    found, filled, code = 0, 0, np.int64(0)
    for i in range(first, last):
        if codes.size:
            code = np.int64(codes[i])
            if code >= asked.size:  # compiled code would read beyond an array's end
                return -1
        if asked[code]:
            start = (np.int64(ends[i - 1]) if i else 0) + leads[code]
            length = np.int64(ends[i]) - tail - start
            if not 0 < length <= LONGEST or not 0 <= start <= data.size - length:
                return -1
            at = 64 * filled
            copy_bytes(blocks, at + purpose.size, data, start, length)
            end = purpose.size + length
            blocks[at + end], blocks[at + end + 1] = 10, 0x80
            for j in range(end + 2, before[filled] + 2):
                blocks[at + j] = 0
            bits = 8 * (64 + end + 1)
            blocks[at + 62], blocks[at + 63] = bits >> 8, bits & 255
            rows[filled], of[filled], before[filled] = i, code, end
            filled += 1
        if filled < TOGETHER and i + 1 < last:
            continue
        for block in range(filled):
            begin(context, state)
            _compress(context.ctypes.data, blocks.ctypes.data + np.uintp(64 * block))
            if (np.uint64(context[0]) << np.uint64(32)) | np.uint64(context[1]) <= limits[of[block]]:
                groups[found] = of[block]
                into = RECORD * found
                for j in range(8):
                    for k in range(4):
                        records[into + 4 * j + k] = np.uint8((context[j] >> np.uint32(24 - 8 * k)) & np.uint32(255))
                    records[into + TICKET + j] = np.uint8((rows[block] >> (56 - 8 * j)) & 255)
                found += 1
        filled = 0
    return found


def below(
    key: bytes, purpose: str, data: Any, ends: Any, bounds: Sequence[bytes | None], *, codes: Any = b"",
    leads: Sequence[int] = (0,), tail: int = 0,
) -> Iterator[tuple[Any, Any]]:  # fmt: skip
    """Yield groups and records of rows whose ticket is at most the bound of their group, those of some rows at a time.

    Args:
        key: the 32-byte key of a draw.
        purpose: of the tickets.
        data: the bytes in which the numbers stand.
        ends: where each row ends in them, unsigned, 8 bytes each.
        bounds: of each group the largest ticket, eight bytes and then all bits set; None where none is wanted.
        codes: the group of each row, 4 bytes each; without them all are of the first.
        leads: how many bytes of a row come before the number, by group.
        tail: how many come after it.

    Raises:
        ValueError: a number or the purpose is longer than one block takes, or the columns do not fit each other.
    """
    state = IV.copy()
    absorb(state, np.frombuffer(bytearray(key.hex().encode()), np.uint8))
    limits = np.array([int.from_bytes((bound or b"")[:8], "big") for bound in bounds], np.uint64)
    asked = np.array([bound is not None for bound in bounds], np.uint8)
    start = np.frombuffer(f"\n{purpose}\n".encode(), np.uint8)
    rows, where, which = np.frombuffer(data, np.uint8), np.frombuffer(ends, np.uint64), np.frombuffer(codes, np.uint32)
    if start.size + LONGEST > LAST_BYTE or which.size not in (0, where.size) or not len(leads) == len(bounds) > 0:
        raise ValueError("a purpose is too long, or the columns do not fit each other")
    ahead = np.array(leads, np.int64)

    def look(first: int) -> tuple[Any, Any]:
        last = min(first + ROWS, where.size)
        groups, records = np.empty(last - first, np.uint32), np.empty((last - first) * RECORD, np.uint8)
        found = _below(rows, where, which, ahead, tail, first, last, state, start, limits, asked, groups, records)
        if found < 0:
            raise ValueError("a number is longer than a roster's are, or not in the data")
        return groups[:found], records[: found * RECORD].reshape(-1, RECORD).copy()

    yield from read_ahead(look, range(0, where.size, ROWS), fast.workers(where.size))


class Rows(Protocol):
    """What of a roster is looked at: `fairdraw.roster`."""

    data: Any
    ends: Any
    codes: Any
    groups: Sequence[object]
    leads: Sequence[int]
    tail: int


def passing(key: bytes, purpose: str, objects: Rows, bounds: Sequence[bytes | None]) -> Iterator[tuple[int, bytes]]:
    """Yield groups, each with the records of rows whose ticket is at most its bound; a group comes more than once."""
    if not objects.groups:
        return
    columns = {"codes": objects.codes, "leads": objects.leads, "tail": objects.tail}
    for groups, records in below(key, purpose, objects.data, objects.ends, bounds, **columns):
        order = groups.argsort(kind="stable")
        codes, firsts = np.unique(groups[order], return_index=True)
        for code, rows in zip(codes.tolist(), np.split(order, firsts[1:]), strict=False):
            yield code, records[rows].tobytes()


def sort(records: bytearray) -> None:
    """Sort records where they are, with less than half their size of further memory."""
    words = np.frombuffer(records, ">u8").reshape(-1, RECORD // 8)
    order = words[:, 0].astype(np.uint64).argsort().astype(np.uint32 if len(words) < 1 << 32 else np.uint64)
    for word in range(words.shape[1]):
        words[:, word] = words[order, word]
    if (words[1:, 0] == words[:-1, 0]).any():
        np.frombuffer(records, f"S{RECORD}").sort()  # byte by byte, and a ticket before its index


def holds() -> bool:
    """Say whether tickets are those of `hashlib`, and in the order in which Python sorts them."""
    key, numbers = bytes(range(32)), [b"A" * length for length in range(LONGEST, 0, -1)]
    ends = np.cumsum([len(no) for no in numbers]).astype(np.uint64)
    told = bytearray()
    for _, records in below(key, "object", b"".join(numbers), ends, [b"\xff" * TICKET]):
        told += records.tobytes()
    sort(told)
    return told == b"".join(
        sorted(
            sha256(f"{key.hex()}\nobject\n".encode() + no + b"\n").digest() + at.to_bytes(8, "big")
            for at, no in enumerate(numbers)
        )
    )
