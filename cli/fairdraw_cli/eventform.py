"""EVENTS.toml and VALUES.toml: which public events a draw takes its randomness from, and what was published of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from fairdraw.encoding import LAST_TIME, digest, format_time
from fairdraw.errors import WorkspaceError
from fairdraw.events import MAX_EVENTS, Definition, Event, EventValues, Words
from fairdraw.values import Count, Id, Positive
from fairdraw_cli.files import read
from fairdraw_cli.forms import Form, Instant, as_tuple, read_form

Due = Annotated[Instant, Field(ge=0, le=LAST_TIME)]
EVENTS_FILE: Final = "events.toml"


class EventForm(Form):
    """`[[event]]` of EVENTS.toml, as in specs/events.md §2."""

    id: Id
    what: Words
    published: Words
    kind: Literal["set", "sequence"]
    count: Positive
    first: Count
    last: Count
    bits: Positive
    due: Due


class EventsForm(Form):
    """EVENTS.toml."""

    TABLES: ClassVar[Mapping[str, type[BaseModel]]] = {"event": EventForm}

    deadline: Due
    event: Annotated[tuple[EventForm, ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=MAX_EVENTS)]


class ValueForm(Form):
    """`[[event]]` of VALUES.toml: the numbers as they were published, and the file of a page or photograph of them."""

    id: Id
    numbers: Annotated[tuple[Count, ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=100)]
    evidence: str | None = None


class ValuesForm(Form):
    """VALUES.toml; an event that it does not name was not published."""

    TABLES: ClassVar[Mapping[str, type[BaseModel]]] = {"event": ValueForm}

    event: Annotated[tuple[ValueForm, ...], BeforeValidator(as_tuple), Field(max_length=MAX_EVENTS)] = ()

    def numbers(self, path: Path) -> dict[str, tuple[int, ...]]:
        """Return the numbers by event id.

        Raises:
            WorkspaceError: `file-repeated`.
        """
        told = {one.id: one.numbers for one in self.event}
        if len(told) != len(self.event):
            found = [one.id for one in self.event]
            raise WorkspaceError("file-repeated", file=path.name, key="event", found=found)
        return told


def read_events(path: Path) -> Definition:
    """Return the definition in EVENTS.toml.

    Raises:
        WorkspaceError: what is wrong with the file, as `file-value`.
    """
    form, _ = read_form(path, EventsForm)
    try:
        events = [Event.model_validate(one.model_dump() | {"due": format_time(one.due)}) for one in form.event]
        made = Definition(deadline=format_time(form.deadline), events=tuple(sorted(events, key=lambda one: one.id)))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        key = ".".join(map(str, first["loc"])) or "event"
        found = "" if isinstance(first["input"], dict) else first["input"]
        raise WorkspaceError("file-value", file=path.name, key=key, expected=first["msg"], found=found) from None
    made.format()  # a character that canonical JSON may not hold is told here
    return made


def read_values_file(path: Path, definition: Definition) -> EventValues:
    """Return the list of values in VALUES.toml; the files of its evidence are beside it, and only hashed.

    Raises:
        WorkspaceError: what is wrong with the file, or an event without evidence.
        BeaconError: a value that the event cannot have.
    """
    form, _ = read_form(path, ValuesForm)
    numbers = form.numbers(path)
    if lacking := [one.id for one in form.event if one.evidence is None]:
        raise WorkspaceError("event-without-evidence", file=path.name, found=lacking[0])
    seen = {one.id: digest(read(path.parent / one.evidence)) for one in form.event if one.evidence is not None}
    return definition.values(numbers, seen)


def read_numbers(path: Path, definition: Definition) -> tuple[str, ...]:
    """Return the values that somebody noted down, in the definition's order and spelling; evidence is not looked at.

    Raises:
        WorkspaceError: what is wrong with the file.
        BeaconError: a value that the event cannot have.
    """
    form, _ = read_form(path, ValuesForm)
    numbers = form.numbers(path)
    made = definition.values(numbers, dict.fromkeys(numbers, "00" * 32))
    return tuple(one.value for one in made.values)
