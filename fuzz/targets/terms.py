"""What a plan says and what its deadlines rest on: filters and tables of working days."""

from contextlib import suppress

from fairdraw.calendar import format_calendar, parse
from fairdraw.errors import CalendarError, FilterError
from fairdraw.filter import check, format_filter, holds
from fairdraw.filter import parse as parse_filter
from fairdraw.values import AttributeType
from fuzz.targets import Run, same

SCHEMA: dict[str, AttributeType] = {
    "beds": "integer", "chain": "boolean", "grade": "string", "region": "string", "specialities": "strings",
    "type": "string",
}  # fmt: skip
ROWS: list[dict[str, object]] = [
    dict.fromkeys(SCHEMA),
    {"beds": 1, "chain": True, "grade": "A", "region": "370302", "specialities": ["dental"], "type": "clinic"},
]


def read_filter(data: bytes) -> None:
    """A filter is read back as it was written, and what fits a roster has an answer for its rows."""
    text = data.decode("utf-8", "surrogateescape")
    with suppress(FilterError):
        known = parse_filter(text)
        same(format_filter(known), text)
        check(known, SCHEMA.items())
        for row in ROWS:
            same(type(holds(known, row)), bool)


def read_calendar(data: bytes) -> None:
    """A table that is read has one spelling, which is read as the same table."""
    with suppress(CalendarError):
        table = parse(data)
        same(parse(format_calendar(table)), table)


TARGETS: dict[str, Run] = {"filter": read_filter, "calendar": read_calendar}
