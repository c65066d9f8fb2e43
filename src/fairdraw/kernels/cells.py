"""Rows of CSV text of which it is sure that the plain readers accept them and change nothing: specs/map.md §2 to §4.

A row that is not sure is left to the plain path, which is the reference: nothing is refused here. Therefore a check may
be narrower than its twin in `registry.cells` and `registry.numbering`, and never wider. All text is UTF-8 that was
checked before.
"""

from typing import Final

import numpy as np
from numba import types

from transparency_log.kernels import BYTES, LONGS, READ_ONLY, compiled

TABLE: Final = types.Array(types.int64, 2, "C")

PLAIN, CANDIDATE, SURE, NONE = 0, 1, 2, 3
"""What a row is: for the plain path, worth a look, sure, without content."""

TEXT, USCC, ID, PHONE = 0, 1, 2, 3
"""How a cell is checked."""

# Characters beyond ASCII that are no white space, not forbidden, and that NFC leaves alone whatever stands beside them:
# a test asks unicodedata about each. Hangul, kana and accents compose, compatibility ideographs decompose.
QUIET: Final = (
    (0xB7, 0xB7),  # the dot in the names of many nationalities
    (0xD7, 0xD7),
    (0x2010, 0x2015), (0x2018, 0x201D), (0x2022, 0x2022), (0x2026, 0x2026),
    (0x2160, 0x217F), (0x2460, 0x2473),
    (0x3001, 0x3003), (0x3005, 0x3011), (0x3014, 0x301D),
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
    (0xFF01, 0xFF5E),
    (0x20000, 0x2A6DF), (0x2A700, 0x2EBE0), (0x30000, 0x323AF),
)  # fmt: skip
_BMP: Final = np.zeros(0x10000, np.bool_)
for _first, _last in QUIET:
    _BMP[_first : _last + 1] = True

_ALPHABET: Final = np.full(128, -1, np.int64)
for _value, _character in enumerate(b"0123456789ABCDEFGHJKLMNPQRTUWXY"):
    _ALPHABET[_character] = _value
_WEIGHTS: Final = np.array([1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28])
_DAYS: Final = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])

_QUOTE, _PLUS, _HYPHEN, _DOT, _COLON, _BACKSLASH, _UNDERSCORE = 34, 43, 45, 46, 58, 92, 95
_ZERO, _ONE, _NINE, _X = 48, 49, 57, 88


@compiled()
def decode(data, at, end):
    """Return the character at a place and where the next one begins; -1 if there is none."""
    if at >= end:
        return -1, at
    first = np.int64(data[at])
    if first < 0x80:
        return first, at + 1
    more = 1 if first < 0xE0 else 2 if first < 0xF0 else 3
    if at + more >= end:
        return -1, end
    character = first & (0x3F >> more)
    for i in range(1, more + 1):
        character = character << 6 | np.int64(data[at + i]) & 0x3F
    return character, at + more + 1


@compiled()
def is_quiet(data, start, end):
    """Say whether a cell is surely what `read_text` makes of it, and needs no escape in JSON."""
    if end > start and (data[start] == 0x20 or data[end - 1] == 0x20):
        return False
    at = start
    while at < end:
        first = data[at]
        if first < 0x80:
            # A plus may be scientific notation.
            if not 0x20 <= first < 0x7F or first == _QUOTE or first == _BACKSLASH or first == _PLUS:
                return False
            at += 1
            continue
        character, at = decode(data, at, end)
        if character < 0 or not (_BMP[character] if character < 0x10000 else _is_ideograph(character)):
            return False
    return True


@compiled()
def _is_ideograph(character):
    return 0x20000 <= character <= 0x2A6DF or 0x2A700 <= character <= 0x2EBE0 or 0x30000 <= character <= 0x323AF


@compiled()
def _are_digits(data, start, end):
    for at in range(start, end):
        if not _ZERO <= data[at] <= _NINE:
            return False
    return True


@compiled()
def _int(data, start, count):
    number = np.int64(0)
    for at in range(start, start + count):
        number = number * 10 + np.int64(data[at]) - _ZERO
    return number


@compiled()
def is_uscc(data, start, end):
    """Say whether a cell is a 统一社会信用代码 of GB 32100-2015."""
    if end - start != 18 or not _are_digits(data, start + 2, start + 8):
        return False
    total = 0
    for i in range(18):
        if data[start + i] >= 128 or _ALPHABET[data[start + i]] < 0:
            return False
        if i < 17:
            total += _ALPHABET[data[start + i]] * _WEIGHTS[i]
    return _ALPHABET[data[end - 1]] == (31 - total % 31) % 31


@compiled()
def is_id(data, start, end):
    """Say whether a cell is an 18-digit 公民身份号码 of GB 11643-1999."""
    if end - start != 18 or not _are_digits(data, start, start + 17) or data[start] == _ZERO:
        return False
    year, month, day = _int(data, start + 6, 4), _int(data, start + 10, 2), _int(data, start + 12, 2)
    if year < 1 or not 1 <= month <= 12:
        return False
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= day <= _DAYS[month - 1] + leap:
        return False
    rest = np.int64(0)  # ISO 7064, MOD 11-2
    for i in range(17):
        rest = (rest + np.int64(data[start + i]) - _ZERO) * 2 % 11
    digit = (12 - rest) % 11
    return data[end - 1] == (_X if digit == 10 else _ZERO + digit)


@compiled()
def is_phone(data, start, end):
    """Say whether a cell is a mobile number, or a landline with its area code; other forms are not sure."""
    if end - start == 11 and _are_digits(data, start, end) and data[start] == _ONE:
        return data[start + 1] >= _ZERO + 3
    if end - start < 11 or data[start] != _ZERO or data[start + 1] == _ZERO:
        return False
    hyphen = start + 3 if data[start + 3] == _HYPHEN else start + 4
    if data[hyphen] != _HYPHEN or not _are_digits(data, start, hyphen) or not 8 <= end - hyphen <= 9:
        return False
    return data[hyphen + 1] != _ZERO and _are_digits(data, hyphen + 1, end)


@compiled()
def _separates(byte):
    return byte == _DOT or byte == _UNDERSCORE or byte == _COLON or byte == _HYPHEN


@compiled()
def _lower(byte):
    return byte + 32 if 0x41 <= byte <= 0x5A else byte


@compiled()
def _run(data, at, end, count):
    """Return where a separator that may be there, and so many digits end; -1 if they are not there."""
    if at < end and _separates(data[at]):
        at += 1
    return at + count if at + count <= end and _are_digits(data, at, at + count) else -1


@compiled()
def _is_telephone_at(data, at, end):
    """Say whether `numbering._TELEPHONE` matches where a run of digits begins."""
    if end - at < 3:
        return False
    if data[at] == _ONE:
        if data[at + 1] < _ZERO + 3 or not _are_digits(data, at, at + 3):
            return False
        after = _run(data, at + 3, end, 4)
        after = _run(data, after, end, 4) if after >= 0 else -1
        return after >= 0 and not (after < end and _ZERO <= data[after] <= _NINE)
    if data[at] != _ZERO or not _are_digits(data, at, at + 3):
        return False
    if data[at + 1] == _ZERO or (data[at + 1] == _ONE and data[at + 2] != _ZERO):
        return False
    after = at + 3
    if data[at + 1] >= _ZERO + 3:
        if after >= end or not _are_digits(data, after, after + 1):
            return False
        after += 1
    first = after + 1 if after < end and _separates(data[after]) else after
    last = first
    while last < end and _ZERO <= data[last] <= _NINE:
        last += 1
    return 7 <= last - first <= 8 and data[first] >= _ZERO + 2


@compiled()
def _runs_are_short(data, start, end):
    """Say whether no telephone and no ten significant digits on end are in a number."""
    before, significant = False, 0
    for at in range(start, end):
        digit = _ZERO <= data[at] <= _NINE
        if digit and not before and _is_telephone_at(data, at, end):
            return False
        significant = 0 if not digit else significant + 1 if significant or data[at] != _ZERO else 0
        if significant >= 10:
            return False
        before = digit
    return True


@compiled()
def _joins_no_code(joined, length):
    """Say whether a number without its separators is surely no id number and no USCC behind at most three letters."""
    return not (18 <= length <= 21 and _are_digits(joined, length - 16, length - 10))


@compiled()
def is_number(data, start, end, joined):
    """Write a number without separators, in small letters, to `joined`; return its length, 0 if it is not sure."""
    if not 1 <= end - start <= 40:
        return 0
    length, part = 0, 0
    for at in range(start, end):
        byte = data[at]
        if _separates(byte):
            if part == 18 or part == 22:  # a USCC, a licence to practise
                return 0
            part = 0
            continue
        if not (_ZERO <= byte <= _NINE or 0x41 <= byte <= 0x5A or 0x61 <= byte <= 0x7A):
            return 0
        joined[length] = _lower(byte)
        length += 1
        part += 1
    if part == 18 or part == 22:
        return 0
    if end - start >= 10 and not (_runs_are_short(data, start, end) and _joins_no_code(joined, length)):
        return 0
    return max(length, 1)


@compiled()
def _is_apart(data, start, end, joined, length, bare):
    """Say whether a private value is surely not in a number; separators and case do not tell them apart."""
    size = 0
    for at in range(start, end):
        byte = data[at]
        if byte >= 0x80:
            return True  # numbers are ASCII
        if byte == 0x20 or _separates(byte):
            continue
        if size == length:
            return True
        bare[size] = _lower(byte)
        size += 1
    if size < 4:
        return True
    for at in range(length - size + 1):
        i = 0
        while i < size and joined[at + i] == bare[i]:
            i += 1
        if i == size:
            return False
    return True


@compiled([types.int64(READ_ONLY, TABLE, TABLE, BYTES, LONGS, types.int64, LONGS, LONGS, LONGS, types.int64, LONGS)])
def judge(data, starts, ends, kinds, codes, number, slots, checks, required, private, key):
    """Make the candidates sure of which everything is sure; return how many are.

    `number` is the slot of the number, -1 if it is assigned by the cells at `key`. `slots`, `checks` and `required` say
    of each cell of text how it is checked; the first `private` of them are private values, which no number may hold.
    """
    joined, bare, sure = np.empty(41, np.uint8), np.empty(41, np.uint8), 0
    for row in range(codes.size):
        if kinds[row] != CANDIDATE:
            continue
        kinds[row] = PLAIN
        if codes[row] < 0:
            continue
        length = 0
        if number >= 0:
            start = starts[row, number]
            length = is_number(data, start, ends[row, number], joined) if start >= 0 else 0
            if length == 0:
                continue
        good = True
        for i in range(slots.size):
            start, end, check = starts[row, slots[i]], ends[row, slots[i]], checks[i]
            if start < 0:
                good = False
            elif start == end:
                good = required[i] == 0
            elif check == USCC:
                good = is_uscc(data, start, end)
            elif check == ID:
                good = is_id(data, start, end)
            elif check == PHONE:
                good = is_phone(data, start, end)
            else:
                good = is_quiet(data, start, end)
            if good and i < private and number >= 0:
                good = _is_apart(data, start, end, joined, length, bare)
            if not good:
                break
        if good and number < 0:
            good = False
            for i in range(key.size):
                good |= ends[row, key[i]] > starts[row, key[i]]
        if good:
            kinds[row] = SURE
            sure += 1
    return sure
