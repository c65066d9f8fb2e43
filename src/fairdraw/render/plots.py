"""Plots of an audit as inline SVG: bars, drawn by hand, with no script, no style of their own and nothing fetched.

Colours are the page's, by class, so that a plot is readable in the dark, on paper and without colour: every bar carries
its number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from fairdraw.render.columns import cells

ROW: Final = 18  # units a bar takes
BAR: Final = 12
WIDTH: Final = 640
NUMBERS: Final = 96  # units to the right of the longest bar, for its number
CELL: Final = 6.6  # units a terminal's cell takes in the page's small type
MAX_LABEL: Final = 40  # cells of a label


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: its label, its length, what is written at its end, and whether it stands out."""

    label: str
    value: float
    told: str
    marked: bool = False


def bars(rows: Sequence[Bar], *, limit: float | None = None) -> Markup:
    """Return horizontal bars from the top, with a line at `limit` if there is one; "" for no bars."""
    if not rows:
        return Markup("")
    labels = [_cut(row.label) for row in rows]
    left = int(max(map(cells, labels)) * CELL) + 8
    longest = max([row.value for row in rows] + ([limit] if limit else [])) or 1
    scale = (WIDTH - left - NUMBERS) / longest
    height = ROW * len(rows) + 4
    told = [
        Markup('<svg class="plot" role="img" viewBox="0 0 {} {}" width="{}" height="{}">').format(
            WIDTH, height, WIDTH, height
        )
    ]
    for at, (row, label) in enumerate(zip(rows, labels, strict=True)):
        top, length = at * ROW + 3, round(max(row.value, 0) * scale, 1)
        told.append(
            Markup('<text class="label" x="{}" y="{}" text-anchor="end">{}</text>').format(left - 6, top + 10, label)
        )
        kind = "bar marked" if row.marked else "bar"
        told.append(
            Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(kind, left, top, length, BAR)
        )
        told.append(
            Markup('<text class="number" x="{}" y="{}">{}</text>').format(left + length + 5, top + 10, escape(row.told))
        )
    if limit is not None:
        across = round(left + limit * scale, 1)
        told.append(Markup('<line class="limit" x1="{}" y1="0" x2="{}" y2="{}"/>').format(across, across, height))
    return Markup("").join([*told, Markup("</svg>")])


def _cut(label: str) -> str:
    while cells(label) > MAX_LABEL:
        label = f"{label[:-2]}…"
    return label
