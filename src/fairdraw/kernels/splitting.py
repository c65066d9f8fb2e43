"""The rows of CSV text and their cells, as a strict `csv.reader` finds them: specs/map.md §2, §5."""

from typing import Final

import numpy as np
from numba import types

from fairdraw.kernels.cells import CANDIDATE, NONE, PLAIN, TABLE, decode
from transparency_log.kernels import BYTES, LONGS, READ_ONLY, compiled

LONGEST_CELL: Final = 131_072  # where csv.reader gives up

UNKNOWN, BAD = -1, -2
"""Codes of attributes that nobody has read yet, and of those that the plain path shall refuse."""

_LF, _CR, _QUOTE, _COMMA, _COLON = 10, 13, 34, 44, 58
_FNV, _FNV_PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)  # FNV-1a
AFTER_CELL: Final = 0xFF  # which no UTF-8 has


@compiled()
def _may_be_total(data, start, end):
    """Say whether a row's first cell may be the word for a sum: its first two characters decide."""
    first = data[start]
    if first < 0x80:
        if first == 0x54 or first == 0x74:  # T
            return not (
                end - start > 1 and 0x20 < data[start + 1] < 0x7F and data[start + 1] not in (_COLON, 0x4F, 0x6F)
            )
        return not (0x20 < first < 0x7F)
    character, after = decode(data, start, end)
    if not 0x4E00 <= character <= 0x9FFF:
        return True
    if character not in (0x5408, 0x603B, 0x5171, 0x5C0F, 0x7D2F):  # 合总共小累
        return False
    character, after = decode(data, after, end)
    return not (0x4E00 <= character <= 0x9FFF and character != 0x8BA1)  # 计


@compiled([types.int64(READ_ONLY, types.int64, LONGS, LONGS, TABLE, TABLE, TABLE, BYTES)])
def split(data, line, slots, lines, spans, starts, ends, kinds):
    """Split CSV text into rows; return their number, -1 where the text is not plainly in order.

    `slots` says of each column where its cells go, -1 where they are not read. Of each row with any content: `lines` is
    the line on which it begins, `spans` its first and last offset, `starts` and `ends` those of its cells (start -1
    where quotes are doubled in it), `kinds` whether it is worth a look.
    """
    width, size, at, row = slots.size, data.size, 0, 0
    while at < size:
        lines[row] = line
        spans[row, 0] = at
        column, filled, filled_end, beyond = 0, -1, -1, False
        while True:
            doubled = False
            if at < size and data[at] == _QUOTE:
                at += 1
                start = at
                while True:
                    if at >= size:
                        return -1
                    if data[at] == _QUOTE:
                        if at + 1 >= size or data[at + 1] != _QUOTE:
                            break
                        doubled = True
                        at += 1
                    elif data[at] == _LF or (data[at] == _CR and not (at + 1 < size and data[at + 1] == _LF)):
                        line += 1
                    at += 1
                end = at
                at += 1
                if at < size and data[at] != _COMMA and data[at] != _LF and data[at] != _CR:
                    return -1
            else:
                start = at
                while at < size and data[at] != _COMMA and data[at] != _LF and data[at] != _CR:
                    at += 1
                end = at
            if end - start > LONGEST_CELL:
                return -1
            if end > start:
                if filled < 0:
                    filled, filled_end = start, end
                beyond |= column >= width
            if column < width and slots[column] >= 0:
                starts[row, slots[column]] = -1 if doubled else start
                ends[row, slots[column]] = end
            column += 1
            if at >= size or data[at] != _COMMA:
                break
            at += 1
        spans[row, 1] = at
        if at < size:
            at += 2 if data[at] == _CR and at + 1 < size and data[at + 1] == _LF else 1
            line += 1
        if filled >= 0:
            good = column >= width and not beyond and not _may_be_total(data, filled, filled_end)
            kinds[row] = CANDIDATE if good else PLAIN
            row += 1
    return row


@compiled()
def _hash(data, starts, ends, row, slots):
    found = _FNV
    for i in range(slots.size):
        for at in range(starts[row, slots[i]], ends[row, slots[i]]):
            found = (found ^ np.uint64(data[at])) * _FNV_PRIME
        found = (found ^ np.uint64(AFTER_CELL)) * _FNV_PRIME
    return found ^ found >> np.uint64(32)


@compiled()
def _is_tuple(data, starts, ends, row, slots, known, at, end):
    for i in range(slots.size):
        for byte in range(starts[row, slots[i]], ends[row, slots[i]]):
            if at >= end or known[at] != data[byte]:
                return False
            at += 1
        if at >= end or known[at] != AFTER_CELL:
            return False
        at += 1
    return at == end


@compiled([types.void(READ_ONLY, TABLE, TABLE, BYTES, LONGS, LONGS, READ_ONLY, LONGS, LONGS)])
def look_up(data, starts, ends, kinds, slots, places, known, known_ends, codes):
    """Write the code of each candidate's attribute cells, `UNKNOWN` where they were not met before.

    `known` are the tuples of cells by code, each cell followed by `AFTER_CELL`; `places` is an open hash table of
    codes, at most half full, -1 where empty.
    """
    mask = np.uint64(places.size - 1)
    for row in range(codes.size):
        codes[row] = UNKNOWN
        if kinds[row] != CANDIDATE:
            continue
        for i in range(slots.size):
            if starts[row, slots[i]] < 0:
                kinds[row] = PLAIN
        if kinds[row] != CANDIDATE:
            continue
        place = _hash(data, starts, ends, row, slots) & mask
        while places[place] >= 0:
            code = places[place]
            if _is_tuple(data, starts, ends, row, slots, known, known_ends[code - 1] if code else 0, known_ends[code]):
                codes[row] = code
                break
            place = (place + np.uint64(1)) & mask


@compiled([types.void(READ_ONLY, LONGS, LONGS)])
def rehash(known, known_ends, places):
    """Fill an empty hash table with the tuples that are known."""
    mask, at = np.uint64(places.size - 1), 0
    for code in range(known_ends.size):
        found = _FNV
        while at < known_ends[code]:
            found = (found ^ np.uint64(known[at])) * _FNV_PRIME
            at += 1
        place = (found ^ found >> np.uint64(32)) & mask
        while places[place] >= 0:
            place = (place + np.uint64(1)) & mask
        places[place] = code


@compiled([types.void(READ_ONLY, TABLE, TABLE, BYTES)])
def sift(data, starts, ends, kinds):
    """Write what kind rows are of which all cells are there: a row without content is none."""
    for row in range(kinds.size):
        kinds[row] = NONE
        for column in range(starts.shape[1]):
            if ends[row, column] > starts[row, column]:
                sums = _may_be_total(data, starts[row, column], ends[row, column])
                kinds[row] = PLAIN if sums else CANDIDATE
                break
