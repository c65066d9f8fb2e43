"""Further sources of randomness: pulse documents, definitions of events and their values."""

from contextlib import suppress

from fairdraw.errors import BeaconError
from fairdraw.events import check_values, read_definition, read_values
from fairdraw.nist import parse_document, read_answer
from fuzz.targets import Run, same

DEFINITION = read_definition(
    b'{"deadline":"2026-09-07T13:00:00Z","events":[{"bits":9,"count":3,"due":"2026-09-07T12:15:00Z","first":0,'
    b'"id":"fc3d","kind":"sequence","last":9,"published":"p","what":"w"}],"type":"events","v":0}\n'
)


def read_nist(data: bytes) -> None:
    """What is read of a server's answer is written as a document, which is read back; a document has one spelling."""
    with suppress(BeaconError):
        pulse = read_answer(data)
        same(parse_document(pulse.format()), pulse)
        pulse.message()
        pulse.time()


def read_events(data: bytes) -> None:
    """A definition and a list of values have one spelling; a value that is taken is one of the event's."""
    with suppress(BeaconError):
        same(read_definition(data).format(), data)
    with suppress(BeaconError):
        values = read_values(data)
        same(values.format(), data)
        told = check_values(DEFINITION, values)
        same(told.bits, 0 if told.missing else 9)


TARGETS: dict[str, Run] = {"nist": read_nist, "events": read_events}
