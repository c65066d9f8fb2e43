"""Rosters (名录): one line per row, read once and kept by column. specs/snapshot.md §3."""

from fairdraw.roster.columns import Attributes, Data, Lookup, Numbers, Part, Roster, RosterRow, Rows, listing_of
from fairdraw.roster.reading import Fields, Passing, read_roster, read_row

__all__ = [
    "Attributes",
    "Data",
    "Fields",
    "Lookup",
    "Numbers",
    "Part",
    "Passing",
    "Roster",
    "RosterRow",
    "Rows",
    "listing_of",
    "read_roster",
    "read_row",
]
