"""Text in columns of a terminal, where a Chinese character is two cells wide (Unicode Standard Annex 11)."""

import unicodedata
from collections.abc import Sequence
from typing import Final

# Closing marks that must not begin a line (GB/T 15834), and opening ones that must not end it.
_CLOSING: Final = frozenset("，。；：、！？）》”’…,.;:!?)")
_OPENING: Final = frozenset("（《“‘(")


def width(text: str) -> int:
    """Return how many cells a text takes."""
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def pad(text: str, cells: int) -> str:
    """Return a text with spaces up to a number of cells."""
    return text + " " * (cells - width(text))


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


def wrap(text: str, cells: int) -> list[str]:
    """Return a text's lines of at most so many cells; a word that is wider is cut."""
    lines = [""]
    for piece in _pieces(text):
        rest = piece
        if width((lines[-1] + rest).rstrip()) <= cells:
            lines[-1] += rest
            continue
        if lines[-1]:
            lines.append("")
        while width(rest.rstrip()) > cells:
            end = next(i for i in range(len(rest), 0, -1) if width(rest[:i]) <= cells or i == 1)
            lines[-1], rest = rest[:end], rest[end:]
            lines.append("")
        lines[-1] = rest
    return [line.rstrip() for line in lines]


def indented(text: str, *, cells: int, first: str, rest: str | None = None) -> list[str]:
    """Return a text's lines within so many cells, the first after `first` and the others after `rest` (or as far in)."""
    inside = " " * width(first) if rest is None else rest
    wrapped = wrap(text, max(cells - max(width(first), width(inside)), 8))
    return [first + wrapped[0], *(inside + line for line in wrapped[1:])]


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, cells: int) -> list[str]:
    """Return a table's lines: columns as wide as they must be, the widest one wrapped if all is wider than `cells`."""
    widths = [max(width(row[i]) for row in (header, *rows)) for i in range(len(header))]
    over = sum(widths) + 2 * (len(widths) - 1) - cells
    while over > 0 and max(widths) > 8:
        widest = widths.index(max(widths))
        widths[widest] -= 1
        over -= 1
    lines: list[str] = []
    for number, row in enumerate((header, *rows)):
        parts = [wrap(cell, w) for cell, w in zip(row, widths, strict=True)]
        height = max(map(len, parts))
        for at in range(height):
            told = (pad(part[at] if at < len(part) else "", w) for part, w in zip(parts, widths, strict=True))
            lines.append("  ".join(told).rstrip())
        if number == 0:
            lines.append("  ".join("-" * w for w in widths))
    return lines
