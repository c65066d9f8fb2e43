"""Which characters a font has: cmap tables made by hand, whole and bent (ISO/IEC 14496-22 §5.2.1)."""

import struct

import pytest

from fairdraw_cli.extras import installed
from fairdraw_cli.glyphs import coverage


def font(*tables: tuple[int, int, bytes], collection: bool = False) -> bytes:
    """Return a font that has nothing but a cmap of these (platform, encoding, subtable)."""
    records, body, at = b"", b"", 4 + 8 * len(tables)
    for platform, encoding, table in tables:
        records += struct.pack(">HHI", platform, encoding, at + len(body))
        body += table
    cmap = struct.pack(">HH", 0, len(tables)) + records + body
    head = struct.pack(">4sIII", b"ttcf", 0x10000, 1, 16) if collection else b""
    start = len(head) + 12 + 16
    directory = struct.pack(">IHHHH", 0x10000, 1, 0, 0, 0) + struct.pack(">4sIII", b"cmap", 0, start, len(cmap))
    return head + directory + cmap


def format_12(*groups: tuple[int, int, int]) -> bytes:
    table = b"".join(struct.pack(">III", *group) for group in groups)
    return struct.pack(">HHIII", 12, 0, 16 + len(table), 0, len(groups)) + table


def format_4(*segments: tuple[int, int, int, tuple[int, ...]]) -> bytes:
    """Segments are first, last, delta, and the glyphs of a segment that lists them."""
    every = (*segments, (0xFFFF, 0xFFFF, 1, ()))
    count = len(every)
    offsets, listed = [], []
    for number, (_, _, _, glyphs) in enumerate(every):
        offsets.append(2 * (count - number) + 2 * len(listed) if glyphs else 0)
        listed += glyphs
    parts = [
        struct.pack(f">{count}H", *(last for _, last, _, _ in every)), b"\0\0",
        struct.pack(f">{count}H", *(first for first, _, _, _ in every)),
        struct.pack(f">{count}h", *(delta for _, _, delta, _ in every)),
        struct.pack(f">{count}H", *offsets), struct.pack(f">{len(listed)}H", *listed),
    ]  # fmt: skip
    body = b"".join(parts)
    return struct.pack(">HHHHHHH", 4, 14 + len(body), 0, 2 * count, 0, 0, 0) + body


@pytest.mark.parametrize("collection", [False, True])
def test_characters_beyond_the_first_plane_are_found(collection):
    made = font((3, 10, format_12((0x41, 0x43, 1), (0x20BB7, 0x20BB7, 9))), collection=collection)
    if collection:
        made = made.replace(struct.pack(">4sIII", b"cmap", 0, 28, len(made) - 44), b"cmap" + struct.pack(
            ">III", 0, 44, len(made) - 44))  # fmt: skip
    assert coverage(made) == frozenset("ABC𠮷")


def test_segments_with_a_delta_and_with_a_list_are_found_and_glyph_0_is_no_glyph():
    made = font((3, 1, format_4((0x41, 0x43, -0x40, ()), (0x4E00, 0x4E02, 0, (7, 0, 8)))))
    assert coverage(made) == frozenset("ABC一丂")


def test_a_character_that_is_mapped_to_glyph_0_is_missing():
    assert coverage(font((3, 10, format_12((0x40, 0x42, 0))))) == frozenset("AB")
    assert coverage(font((3, 1, format_4((0x41, 0x42, -0x41, ()))))) == frozenset("B")


def test_tables_that_do_not_map_unicode_are_not_believed():
    with pytest.raises(ValueError, match="no Unicode"):
        coverage(font((3, 0, format_12((0x41, 0x41, 1))), (1, 0, format_12((0x41, 0x41, 1)))))


def test_a_font_cut_anywhere_is_refused_or_has_fewer_characters():
    made = font((3, 1, format_4((0x41, 0x43, -0x40, ()))), (3, 10, format_12((0x41, 0x43, 1), (0x20BB7, 0x20BB7, 9))))
    whole = coverage(made)
    for end in range(len(made)):
        try:
            assert coverage(made[:end]) <= whole
        except ValueError:
            continue


def test_a_range_beyond_unicode_is_refused():
    with pytest.raises(ValueError, match="beyond"):
        coverage(font((3, 10, format_12((0x10FFFF, 0xFFFFFFFF, 1)))))


@pytest.mark.skipif(not installed("pdf"), reason="the extra pdf (fonts) is not installed")
def test_the_pinned_fonts_have_all_common_characters_and_not_the_rarest():
    from pylopdf_fonts_zh_cn import sans_path, serif_path

    for path in (sans_path(), serif_path()):
        found = coverage(path.read_bytes())
        # GB 2312 is what every Chinese computer has had since 1980.
        gb2312 = {bytes((row, cell)).decode("gb2312") for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF)
                  if (row, cell) < (0xD7, 0xFA) or row > 0xD7}  # fmt: skip
        assert gb2312 <= found
        assert {"㙍", "𬭎", "·", "—", "…"} <= found
        assert not {"𠮷", "\ue000", "😀"} & found
