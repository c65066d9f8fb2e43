"""Public events as a source of randomness, in the manner of RFC 3797: specs/events.md.

A definition says, before the announcement, which numbers will be read where, in which form, and how hard each is to
guess; a list of values says, after the events, what was published. Both are artifacts. The form bounds what a
definition may claim: three digits of a lottery are a thousand outcomes, whatever a bureau would like (attack 28).

Not done here: who has seen the values, which is a matter of signed statements (see `verify`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import comb
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from fairdraw import encoding
from fairdraw.document import Document, read_document
from fairdraw.errors import BeaconError
from fairdraw.rfc3797 import numbers_text
from fairdraw.values import Count, Hash, Id, Positive, Time, Value

EVENTS: Final = "events"
"""The beacon id of a source of events, which no chain may have; its hash is the definition's, its round a minute."""

MINUTE: Final = 60  # seconds
ENOUGH: Final = 128  # bits of min-entropy: nobody can try out so many announcements
MAX_EVENTS: Final = 20
LONGEST: Final = 14 * 24 * 3600  # seconds from the first event to the deadline: a draw must not wait for ever
MAX_DOCUMENT: Final = 65_536  # bytes
MISSING: Final = "-"
"""The value of an event that was not published by the deadline."""

_NUMBERS: Final = re.compile(r"(?:(?:0|[1-9][0-9]{0,15})\.)+", re.ASCII)

Words = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Canonical = Annotated[str, StringConstraints(pattern=r"^(-|([0-9]{1,16}\.){1,100})$")]


class Event(Value):
    """One event: `count` numbers from `first` to `last`, as a set, or in the order in which they are drawn.

    `bits` is the min-entropy that is claimed of it: minus the logarithm to base 2 of the likeliest outcome's chance.
    """

    id: Id
    what: Words
    published: Words
    kind: Literal["set", "sequence"]
    count: Annotated[int, Field(ge=1, le=100)]
    first: Count
    last: Count
    bits: Positive
    due: Time

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        if self.first >= self.last or (self.kind == "set" and self.count > self.last - self.first):
            raise ValueError("there must be more numbers than are drawn, from first to last")
        if self.bits > self.most_bits:
            raise ValueError(f"such numbers have at most {self.most_bits} bits")
        if encoding.parse_time(self.due) % MINUTE:
            raise ValueError("due must be a whole minute")
        return self

    @property
    def most_bits(self) -> int:
        """Return the whole bits that numbers of this form can have: all outcomes are equally likely at best."""
        there = self.last - self.first + 1
        outcomes = comb(there, self.count) if self.kind == "set" else there**self.count
        return outcomes.bit_length() - 1  # ⌊log2(outcomes)⌋ without floats

    def value(self, numbers: Sequence[int]) -> str:
        """Return the one spelling of what was drawn (specs/events.md §3).

        Raises:
            BeaconError: `event-value`: another count, or numbers out of range or repeated in a set.
        """
        ordered = sorted(numbers) if self.kind == "set" else list(numbers)
        repeated = self.kind == "set" and len(set(ordered)) != len(ordered)
        if len(ordered) != self.count or repeated or not all(self.first <= one <= self.last for one in ordered):
            raise BeaconError("event-value", event=self.id, expected=self._form(), found=numbers_text(ordered)[:80])
        return numbers_text(ordered)

    def check_value(self, value: str) -> None:
        """Check that a value is in its one spelling, or says that nothing was published.

        Raises:
            BeaconError: `event-value`.
        """
        if value == MISSING:
            return
        spelt = _NUMBERS.fullmatch(value) and self.value([int(one) for one in value.split(".")[:-1]])
        if spelt != value:
            raise BeaconError("event-value", event=self.id, expected=self._form(), found=value[:80])

    def _form(self) -> str:
        return f"{self.kind} {self.count} × {self.first}–{self.last}"


class Definition(Document):
    """Which events make a source, and until when they may be published."""

    v: Literal[0] = 0
    type: Literal["events"] = "events"
    deadline: Time
    events: Annotated[tuple[Event, ...], Field(min_length=1, max_length=MAX_EVENTS)]

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        names = [event.id for event in self.events]
        if names != sorted(set(names)):
            raise ValueError("events must be sorted by id, each once")
        if len({(event.what, event.published) for event in self.events}) < len(names):
            # Thirteen times three digits are no more than three digits.
            raise ValueError("one event must not count twice")
        if any(event.due >= self.deadline for event in self.events):
            raise ValueError("deadline must come after every event")
        if encoding.parse_time(self.deadline) - self.round * MINUTE > LONGEST:
            raise ValueError("deadline must be at most 14 days after the first event")
        return self

    @property
    def id(self) -> str:
        """Return the beacon id of all sources of events."""
        return EVENTS

    @property
    def hash(self) -> str:
        """Return the hash by which an announcement names this definition: its artifact's SHA-256."""
        return encoding.digest(self.format())

    @property
    def round(self) -> int:
        """Return the number of the minute from which on something of the values may be known."""
        return min(encoding.parse_time(event.due) for event in self.events) // MINUTE

    @property
    def closes(self) -> int:
        """Return the deadline in POSIX seconds."""
        return encoding.parse_time(self.deadline)

    @property
    def bits(self) -> int:
        """Return the min-entropy of all events together, if all are published."""
        return sum(event.bits for event in self.events)

    def time_of(self, number: int, /) -> int:
        """Return when a round is due, as a chain does."""
        return number * MINUTE

    def values(self, numbers: Mapping[str, Sequence[int]], evidence: Mapping[str, str]) -> "EventValues":
        """Return the list of what was published, by event id; an event without numbers was not published.

        `evidence` has the SHA-256 of what was seen, a page or a photograph.

        Raises:
            BeaconError: `event-value`, `event-unknown` or `event-evidence`.
        """
        names = {event.id for event in self.events}
        if unknown := sorted((numbers.keys() | evidence.keys()) - names):
            raise BeaconError("event-unknown", expected=sorted(names), found=unknown[0])
        if numbers.keys() != evidence.keys():
            raise BeaconError("event-evidence", expected=sorted(numbers), found=sorted(evidence))
        told = tuple(
            EventValue(
                id=event.id,
                value=event.value(numbers[event.id]) if event.id in numbers else MISSING,
                evidence=evidence.get(event.id),
            )
            for event in self.events
        )
        return EventValues(definition=self.hash, values=told)


class EventValue(Value):
    """What was published of one event, and the digest of what shows it; None where nothing was."""

    id: Id
    value: Canonical
    evidence: Hash | None

    @model_validator(mode="after")
    def _shows_what_it_says(self) -> Self:
        if (self.evidence is None) != (self.value == MISSING):
            raise ValueError("what was published has evidence, and nothing else has")
        return self


class EventValues(Document):
    """What was published of all events of a definition, in its order."""

    v: Literal[0] = 0
    type: Literal["event-values"] = "event-values"
    definition: Hash
    values: Annotated[tuple[EventValue, ...], Field(min_length=1, max_length=MAX_EVENTS)]

    def key(self) -> str:
        """Return the values as RFC 3797 §4.2 puts them together: each followed by a slash."""
        return "".join(f"{one.value}/" for one in self.values)


@dataclass(frozen=True, slots=True)
class Told:
    """What the events gave: 32 random bytes, the bits of those that were published, and the ids of the others."""

    randomness: bytes
    bits: int
    missing: tuple[str, ...]


def read_definition(data: bytes) -> Definition:
    """Return the definition in an artifact (specs/events.md §2).

    Raises:
        BeaconError: `bad-events`.
    """
    return read_document(data, Definition, code="bad-events", limit=MAX_DOCUMENT)


def read_values(data: bytes) -> EventValues:
    """Return the values in an artifact (specs/events.md §3).

    Raises:
        BeaconError: `bad-events`.
    """
    return read_document(data, EventValues, code="bad-events", limit=MAX_DOCUMENT)


def check_values(definition: Definition, values: EventValues) -> Told:
    """Check that these are values of the definition's events, and return what they give (specs/events.md §4).

    The evidence does not enter the randomness: else whoever takes the photographs could take them until one suits.

    Raises:
        BeaconError: `values-of-another` or `event-value`.
    """
    ids = [event.id for event in definition.events]
    if values.definition != definition.hash or [one.id for one in values.values] != ids:
        raise BeaconError("values-of-another", expected=definition.hash, found=values.definition)
    for event, one in zip(definition.events, values.values, strict=True):
        event.check_value(one.value)
    # SHA-256( "fairdraw/v1/events" LF definition LF key LF )
    randomness = sha256(f"fairdraw/v1/events\n{definition.hash}\n{values.key()}\n".encode()).digest()
    published = {one.id for one in values.values if one.value != MISSING}
    return Told(
        randomness=randomness,
        bits=sum(event.bits for event in definition.events if event.id in published),
        missing=tuple(one for one in ids if one not in published),
    )
