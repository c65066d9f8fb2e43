"""Text in columns of a terminal, where a Chinese character is two cells wide (Unicode Standard Annex 11)."""

import unicodedata
from collections.abc import Sequence
from typing import Final

# Closing marks that must not begin a line (GB/T 15834), and opening ones that must not end it.
_CLOSING: Final = frozenset("，。；：、！？）》”’…,.;:!?)")
_OPENING: Final = frozenset("（《“‘(")


def cells(text: str) -> int:
    """Return how many cells a text takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def pad(text: str, width: int) -> str:
    """Return a text with spaces up to a number of cells."""
    return text + " " * (width - cells(text))


def _pieces(text: str) -> list[str]:
    """Return what may stand on different lines: words, with the space after them, and single wide characters."""
    pieces: list[str] = []
    for character in text:
        glued = pieces and (
            character == " "
            or character in _CLOSING
            or pieces[-1][-1] in _OPENING
            or (_cells(character) == 1 and _cells(pieces[-1][-1]) == 1 and pieces[-1][-1] != " ")
        )
        if glued:
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def wrap(text: str, width: int) -> list[str]:
    """Return a text's lines of at most so many cells; a word that is wider is cut."""
    lines = [""]
    for piece in _pieces(text):
        rest = piece
        if cells((lines[-1] + rest).rstrip()) <= width:
            lines[-1] += rest
            continue
        if lines[-1]:
            lines.append("")
        while cells(rest.rstrip()) > width:
            end = next(i for i in range(len(rest), 0, -1) if cells(rest[:i]) <= width or i == 1)
            lines[-1], rest = rest[:end], rest[end:]
            lines.append("")
        lines[-1] = rest
    return [line.rstrip() for line in lines]


def indented(text: str, *, width: int, first: str) -> list[str]:
    """Return a text's lines within so many cells, the first after `first` and the others as far in."""
    inside = " " * cells(first)
    wrapped = wrap(text, max(width - len(inside), 8))
    return [first + wrapped[0], *(inside + line for line in wrapped[1:])]


def table(headers: Sequence[Sequence[str]], rows: Sequence[Sequence[str]], *, width: int) -> list[str]:
    """Return a table's lines: columns as wide as they must be, the widest wrapped while all is wider than `width`."""
    widths = [max(cells(row[i]) for row in (*headers, *rows)) for i in range(len(headers[0]))]
    over = sum(widths) + 2 * (len(widths) - 1) - width
    while over > 0 and max(widths) > 8:
        widths[widths.index(max(widths))] -= 1
        over -= 1
    rule = "  ".join("-" * w for w in widths)
    told = [line for row in rows for line in _row(row, widths)]
    return [line for header in headers for line in _row(header, widths)] + [rule, *told]


def _row(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    parts = [wrap(cell, width) for cell, width in zip(row, widths, strict=True)]
    height = max(map(len, parts))
    filled = [part + [""] * (height - len(part)) for part in parts]
    return [
        "  ".join(pad(text, width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in zip(*filled, strict=True)
    ]
