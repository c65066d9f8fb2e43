"""Seals, lines and keys of many rows, compiled; `fairdraw.sealing` and `bulk.sealing` are the plain twins.

specs/snapshot.md §2, §3.
Of every cell `kernels.cells` is sure that it needs no escape in JSON.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numba import types

from transparency_log.kernels import BYTES, CONTEXT, IV, LONGS, PADDING, READ_ONLY, absorb, compiled, hash_blocks

TABLE: Final = types.Array(types.int64, 2, "C")


class Texts(NamedTuple):
    """Texts laid end to end, and where each ends."""

    data: Any
    ends: Any


class Cells(NamedTuple):
    """A buffer of bytes, and where the cells of each row are in it: a column a slot."""

    data: Any
    starts: Any
    ends: Any


TEXTS: Final = types.NamedTuple([READ_ONLY, LONGS], Texts)
OUT: Final = types.NamedTuple([BYTES, LONGS], Texts)
CELLS: Final = types.NamedTuple([READ_ONLY, TABLE, TABLE], Cells)

KEY: Final = 16  # bytes of a hash by which repeats are found, `bulk.batch.KEY_LENGTH`
LONGEST_NUMBER: Final = 40

INNER, OUTER, SALT, LEAF, ATTRS, NO, SEAL, END, FIELDS = range(9)
"""Where the constant texts are: the pads of HMAC, the starts of a salt and of a leaf, the parts of a roster line, and
of each field what follows the number in its salt, and in its leaf."""

_HEX: Final = np.frombuffer(b"0123456789abcdef", np.uint8)
_CLOSE_LEAF: Final = np.frombuffer(b'"]', np.uint8)
_OPEN_SALT: Final = np.frombuffer(b'","', np.uint8)
_PRIVATE: Final = tuple(np.frombuffer(part, np.uint8) for part in (b'{"no":"', b'","private":[', b"]}\n"))
_LF, _QUOTE, _COMMA, _OPEN, _CLOSE = 10, 34, 44, 91, 93


@compiled()
def _copy(out, at, data, start, end):
    for i in range(end - start):
        out[at + i] = data[start + i]
    return at + end - start


@compiled()
def _text(out, at, texts, which):
    return _copy(out, at, texts.data, texts.ends[which - 1] if which else 0, texts.ends[which])


@compiled()
def _quoted(out, at, data, start, end):
    out[at] = _QUOTE
    at = _copy(out, at + 1, data, start, end)
    out[at] = _QUOTE
    return at + 1


@compiled()
def _hex(out, at, data):
    for i in range(32):
        out[at + 2 * i] = _HEX[data[i] >> 4]
        out[at + 2 * i + 1] = _HEX[data[i] & 15]
    return at + 64


@compiled()
def _hash(context, start, buffer, length, before, out, at):
    hash_blocks(context, start, buffer, length, before, out, at)


@compiled()
def _fold(context, buffer, nodes, count):
    """Leave the root over `count` leaf hashes in the first 32 bytes of `nodes`, RFC 6962 §2.1."""
    while count > 1:
        for i in range(count // 2):
            buffer[0] = 1
            _copy(buffer, 1, nodes, 64 * i, 64 * i + 64)
            _hash(context, IV, buffer, 65, 0, nodes, 32 * i)
        if count % 2:  # an odd last node moves up
            _copy(nodes, 32 * (count // 2), nodes, 32 * (count - 1), 32 * count)
        count = (count + 1) // 2


@compiled()
def _pad_state(texts, which):
    state, pad = IV.copy(), np.empty(64, np.uint8)
    _text(pad, 0, texts, which)
    absorb(state, pad)
    return state


@compiled([types.void(CELLS, LONGS, LONGS, CELLS, LONGS, TEXTS, TEXTS, types.int64, OUT, BYTES, OUT)])
def seal(cells, rows, slots, numbers, codes, attrs, constants, room, roster, leaves, private):
    """Write the roster lines with LF, their leaf hashes, and the private lines with LF, of the rows in this order.

    `slots` are the private cells in schema order, `codes` the places of the rows' attributes in `attrs`. The ends of
    all lines are known; nothing hashed is longer than `room`. A `private` without ends is not written.
    """
    context, buffer = np.empty(CONTEXT, np.uint32), np.empty(room + PADDING, np.uint8)
    inner, outer = _pad_state(constants, INNER), _pad_state(constants, OUTER)
    nodes, salt = np.empty(32 * max(slots.size, 1), np.uint8), np.empty(32, np.uint8)
    if not slots.size:
        _hash(context, IV, buffer, 0, 0, nodes, 0)  # the empty root
    for i in range(rows.size):
        row = rows[i]
        no, no_end = numbers.starts[row, 0], numbers.ends[row, 0]
        for j in range(slots.size):
            start, end = cells.starts[row, slots[j]], cells.ends[row, slots[j]]
            at = _text(buffer, 0, constants, SALT)
            at = _copy(buffer, at, numbers.data, no, no_end)
            at = _text(buffer, at, constants, FIELDS + 2 * j)
            _hash(context, inner, buffer, at, 64, salt, 0)
            _copy(buffer, 0, salt, 0, 32)
            _hash(context, outer, buffer, 32, 64, salt, 0)
            buffer[0] = 0
            at = _text(buffer, 1, constants, LEAF)
            at = _copy(buffer, at, numbers.data, no, no_end)
            at = _text(buffer, at, constants, FIELDS + 2 * j + 1)
            at = _copy(buffer, at, cells.data, start, end)
            at = _hex(buffer, _copy(buffer, at, _OPEN_SALT, 0, 3), salt)
            at = _copy(buffer, at, _CLOSE_LEAF, 0, 2)
            _hash(context, IV, buffer, at, 0, nodes, 32 * j)
        _fold(context, buffer, nodes, slots.size)
        buffer[0] = 0
        at = _text(buffer, 1, constants, ATTRS)
        at = _text(buffer, at, attrs, codes[row])
        at = _text(buffer, at, constants, NO)
        at = _copy(buffer, at, numbers.data, no, no_end)
        at = _hex(buffer, _text(buffer, at, constants, SEAL), nodes)
        at = _text(buffer, at, constants, END)
        line = roster.ends[i - 1] if i else 0
        roster.data[_copy(roster.data, line, buffer, 1, at)] = _LF
        _hash(context, IV, buffer, at, 0, leaves, 32 * i)
        if private.ends.size:
            at = _copy(private.data, private.ends[i - 1] if i else 0, _PRIVATE[0], 0, _PRIVATE[0].size)
            at = _copy(private.data, at, numbers.data, no, no_end)
            at = _copy(private.data, at, _PRIVATE[1], 0, _PRIVATE[1].size)
            for j in range(slots.size):
                if j:
                    private.data[at] = _COMMA
                    at += 1
                at = _quoted(private.data, at, cells.data, cells.starts[row, slots[j]], cells.ends[row, slots[j]])
            _copy(private.data, at, _PRIVATE[2], 0, _PRIVATE[2].size)


@compiled([types.void(CELLS, LONGS, types.int64, BYTES)])
def number_keys(cells, rows, slot, out):
    """Write the hash of each row's number, case folded."""
    context, buffer, found = np.empty(CONTEXT, np.uint32), np.empty(40 + PADDING, np.uint8), np.empty(32, np.uint8)
    for i in range(rows.size):
        start, end = cells.starts[rows[i], slot], cells.ends[rows[i], slot]
        for at in range(start, end):
            byte = cells.data[at]
            buffer[at - start] = byte + 32 if 0x41 <= byte <= 0x5A else byte
        _hash(context, IV, buffer, end - start, 0, found, 0)
        _copy(out, KEY * i, found, 0, KEY)


@compiled([types.void(CELLS, LONGS, LONGS, LONGS, types.int64, TEXTS, types.int64, BYTES, BYTES)])
def identity_keys(cells, rows, parts, codes, width, values, room, out, compared):
    """Write the hash of each row's identity, and whether it is one: an empty identity is not compared.

    `parts` are slots of cells, or ~n for the n-th of `width` attributes, whose canonical JSON is
    values[codes[row] * width + n].
    """
    context, buffer, found = np.empty(CONTEXT, np.uint32), np.empty(room + PADDING, np.uint8), np.empty(32, np.uint8)
    for i in range(rows.size):
        buffer[0] = _OPEN
        at, something = 1, False
        for j in range(parts.size):
            if j:
                buffer[at] = _COMMA
                at += 1
            before = at
            if parts[j] >= 0:
                at = _quoted(buffer, at, cells.data, cells.starts[rows[i], parts[j]], cells.ends[rows[i], parts[j]])
                something |= at > before + 2
            else:
                at = _text(buffer, at, values, codes[rows[i]] * width + ~parts[j])
                something |= not (at == before + 2 and buffer[before] == _QUOTE) and buffer[before] != 0x6E  # null
        buffer[at] = _CLOSE
        _hash(context, IV, buffer, at + 1, 0, found, 0)
        _copy(out, KEY * i, found, 0, KEY)
        compared[i] = something


@compiled([types.void(CELLS, LONGS, OUT)])
def cut_out(cells, rows, out):
    """Write the first cell of each of these rows end to end; the ends of the result are known."""
    for i in range(rows.size):
        _copy(out.data, out.ends[i - 1] if i else 0, cells.data, cells.starts[rows[i], 0], cells.ends[rows[i], 0])


@compiled([types.void(READ_ONLY, LONGS, LONGS, OUT)])
def gather(data, ends, order, out):
    """Write texts that are laid end to end in another order; the ends of the result are known."""
    for i in range(order.size):
        at = order[i]
        _copy(out.data, out.ends[i - 1] if i else 0, data, ends[at - 1] if at else 0, ends[at])


@compiled([types.void(CELLS, LONGS, LONGS, OUT)])
def key_texts(cells, rows, slots, out):
    """Write the canonical JSON array of some cells of each row; the ends are known."""
    for i in range(rows.size):
        at = out.ends[i - 1] if i else 0
        for j in range(slots.size):
            out.data[at] = _COMMA if j else _OPEN
            at = _quoted(out.data, at + 1, cells.data, cells.starts[rows[i], slots[j]], cells.ends[rows[i], slots[j]])
        out.data[at] = _CLOSE


@compiled([types.boolean(CELLS, LONGS, BYTES)])
def pad_numbers(numbers, rows, out):
    """Write each row's number in `LONGEST_NUMBER` bytes, zeros behind it, and say whether they ascend already."""
    ascend = True
    for i in range(rows.size):
        at, start, end = LONGEST_NUMBER * i, numbers.starts[rows[i], 0], numbers.ends[rows[i], 0]
        for j in range(LONGEST_NUMBER):
            out[at + j] = numbers.data[start + j] if start + j < end else 0
        if i and ascend:
            j = 0
            while j < LONGEST_NUMBER and out[at + j] == out[at + j - LONGEST_NUMBER]:
                j += 1
            ascend = j == LONGEST_NUMBER or out[at + j] > out[at + j - LONGEST_NUMBER]
    return ascend
