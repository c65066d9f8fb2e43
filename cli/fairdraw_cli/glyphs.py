"""Which characters a font can draw: the `cmap` table of OpenType, formats 4 and 12 (ISO/IEC 14496-22 §5.2.1).

A rare character of a name that no font has would be printed as a box, or not at all: it is looked up before anything is
set.
"""

import struct
from collections.abc import Iterator
from typing import Final

COLLECTION: Final = b"ttcf"
# Platform and encoding of the tables that map Unicode: Unicode itself, and Windows' two.
UNICODE: Final = frozenset({*((0, encoding) for encoding in (3, 4, 6)), (3, 1), (3, 10)})


def coverage(font: bytes) -> frozenset[str]:
    """Return the characters that have a glyph in a font, or in the first of a collection.

    Raises:
        ValueError: the bytes are no font, or it maps no Unicode.
    """
    try:
        found = frozenset(map(chr, _code_points(font)))
    except (struct.error, IndexError, OverflowError) as error:
        raise ValueError(str(error)) from None
    if not found:
        raise ValueError("no Unicode cmap")
    return found


def _code_points(font: bytes) -> Iterator[int]:
    start = struct.unpack_from(">I", font, 12)[0] if font[:4] == COLLECTION else 0
    [count] = struct.unpack_from(">H", font, start + 4)
    for number in range(count):
        tag, _, at, _ = struct.unpack_from(">4sIII", font, start + 12 + 16 * number)
        if tag == b"cmap":
            yield from _tables(font, at)


def _tables(font: bytes, cmap: int) -> Iterator[int]:
    [count] = struct.unpack_from(">H", font, cmap + 2)
    for number in range(count):
        platform, encoding, offset = struct.unpack_from(">HHI", font, cmap + 4 + 8 * number)
        if (platform, encoding) in UNICODE:
            [kind] = struct.unpack_from(">H", font, cmap + offset)
            yield from {4: _format_4, 12: _format_12}.get(kind, _no_format)(font, cmap + offset)


def _no_format(_font: bytes, _at: int) -> Iterator[int]:
    return iter(())


def _format_12(font: bytes, at: int) -> Iterator[int]:
    [count] = struct.unpack_from(">I", font, at + 12)
    for number in range(count):
        first, last, glyph = struct.unpack_from(">III", font, at + 16 + 12 * number)
        if last > 0x10FFFF:
            raise ValueError("beyond Unicode")
        yield from (first + more for more in range(last - first + 1) if glyph + more != 0)


def _format_4(font: bytes, at: int) -> Iterator[int]:
    segments = struct.unpack_from(">H", font, at + 6)[0] // 2
    lists = struct.unpack_from(f">{segments}H2x{segments}H{segments}h{segments}H", font, at + 14)
    ends, starts, deltas, offsets = (lists[n * segments : (n + 1) * segments] for n in range(4))
    place = at + 14 + 2 + 6 * segments  # of the first range offset: offsets are counted from where they stand
    for number, (first, last, delta, offset) in enumerate(zip(starts, ends, deltas, offsets, strict=True)):
        for point in range(first, min(last, 0xFFFE) + 1):
            glyph = point
            if offset:
                [glyph] = struct.unpack_from(">H", font, place + 2 * number + offset + 2 * (point - first))
            if (glyph + delta) & 0xFFFF if glyph or not offset else 0:
                yield point
