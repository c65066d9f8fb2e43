"""The readings: where a regulation can be read in two ways, the one that is meant. specs/regulation.md §5.

A reading is chosen by whoever writes the regulation down as data, and stands in its artifact, so that nobody can
choose another one after the draw. What each means is said in the section `reading.<code>` of the wording.
"""

from collections.abc import Mapping
from typing import Final

READINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "rounding": ("by-kind",),
    "denominator": ("before-exclusions",),
    "best-credit": ("stratum-ratio",),
    "floor-top-up": ("top-up",),
    "full-coverage": ("over-ratio",),
    "cap-year": ("draw-year",),
    "instalments": ("allowed", "one-draw"),
    "working-days": ("day-after",),
    "joint-each": ("each-side", "in-all"),
    "includes-number": ("inclusive",),
    "pool": ("all", "drawn-first"),
    "substitute-from": ("registry",),
    "late-recusal": ("reason-and-digest",),
    "masked-public": ("numbers-then-names",),
    "regional-balance": ("largest-remainder", "at-least-one"),
    "directed-filter": ("frozen-expression",),
    "noncooperation-per": ("task", "year"),
    "first-found": ("logged-history",),
    "grade-date": ("snapshot",),
    "typed-ids": ("typed",),
}
"""What each rule can be read as; the first is what this project proposes."""
