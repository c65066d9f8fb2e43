"""DRAW.toml and the ground of all forms: what a bureau writes by hand, checked before anything is signed.

A mistake names the file, the key, what was expected and what was found; a key that is not known is refused, for it is
most likely a known one misspelt. All keys are in docs/files.md. What only the log can tell is left to the commands.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from fairdraw.encoding import check_date, parse_time
from fairdraw.errors import EncodingError, WorkspaceError
from fairdraw.events import EVENTS
from fairdraw.values import Count, FieldName, Id, Name, Ratio, Reason, Slot
from fairdraw_cli.files import read, toml_line

F = TypeVar("F", bound="Form")
Where = tuple[str | int, ...]
CODES: Final = {
    "missing": "file-key-missing",
    "extra_forbidden": "file-key-unknown",
    "string_type": "file-not-text",
    "string_too_long": "file-text-too-long",
    "int_type": "file-not-integer",
    "bool_type": "file-not-boolean",
    "tuple_type": "file-not-list",
    "too_short": "file-list-empty",
    "too_long": "file-list-too-long",
    "dict_type": "file-not-table",
    "model_type": "file-not-table",
    "greater_than_equal": "file-below",
    "less_than_equal": "file-above",
    "literal_error": "file-not-one-of",
}
"""What pydantic calls a fault, and what we call it; our own faults have our codes at once."""

_SNAPSHOT_ID: Final = r"^[a-z0-9][a-z0-9._-]{0,39}-[1-9][0-9]*$"
_DIGITS: Final = r"^[0-9A-Za-z]{0,200}$"


def _pattern(kind: Any) -> str:
    return str(kind.__metadata__[0].pattern)


PATTERNS: Final = {
    _pattern(Id): "file-not-id",
    _pattern(Slot): "file-not-slot",
    _pattern(Ratio): "file-not-ratio",
    _pattern(FieldName): "file-not-field",
    _pattern(Reason): "file-not-reason",
    _pattern(Name): "file-not-name",
    _SNAPSHOT_ID: "file-not-snapshot",
    _DIGITS: "file-not-digits",
}
"""A text that must have a form, and what to call another."""


def fault(code: str, **expected: object) -> PydanticCustomError:
    """Return what a validator raises for a mistake of its own kind."""
    return PydanticCustomError(code, code, expected or None)


def _day(value: object) -> str:
    """TOML has dates of its own; `2026-09-30` may stand with or without quotation marks."""
    text = value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value
    try:
        return check_date(str(text))
    except EncodingError:
        raise fault("file-not-date") from None


def _instant(value: object) -> int:
    """A time needs its offset: `2026-09-08T02:36:36+08:00`, or a Z at the end."""
    if isinstance(value, datetime) and value.tzinfo is not None and not value.microsecond:
        return int(value.timestamp())
    try:
        return parse_time(str(value) if isinstance(value, str) else "")
    except EncodingError:
        raise fault("file-not-time") from None


def as_tuple(value: object) -> object:
    """Return a tuple: TOML gives lists where frozen values have tuples."""
    return tuple(value) if isinstance(value, list) else value


def _disclosure(value: object) -> object:
    if value == "at-once":
        return None
    if not isinstance(value, dict):
        raise fault("file-not-disclosure")
    return value


def unique(value: tuple[str, ...]) -> tuple[str, ...]:
    """Return a list in which nothing is said twice."""
    if len(set(value)) != len(value):
        raise fault("file-repeated")
    return value


Day = Annotated[str, BeforeValidator(_day)]
Instant = Annotated[int, BeforeValidator(_instant)]
Slots = Annotated[tuple[Slot, ...], BeforeValidator(as_tuple), Field(min_length=1), AfterValidator(unique)]
SnapshotId = Annotated[str, Field(pattern=_SNAPSHOT_ID)]


class Form(BaseModel):
    """A table of a file: exactly these keys; `TABLES` are the forms of those below it."""

    TABLES: ClassVar[Mapping[str, type[BaseModel]]] = {}

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class BeaconForm(Form):
    """`[[beacon]]`: the first round of a chain that is due at a time or later, or a file of public events."""

    chain: Id | None = None
    at: Instant | None = None
    events: str | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        given = (self.chain is not None, self.at is not None, self.events is not None)
        if given not in ((True, True, False), (False, False, True)):
            raise fault("file-chain-or-events")
        return self


class UntilForm(Form):
    """`disclosure = { until = DATE }`."""

    until: Day


class ContributorForm(Form):
    """`[[seed.contributors]]`: a supervisor who has committed to a seed."""

    name: Name
    required: bool = False


def _once(value: tuple[Any, ...]) -> tuple[Any, ...]:
    unique(tuple((one.chain or EVENTS) if isinstance(one, BeaconForm) else one.name for one in value))
    return value


class SeedForm(Form):
    """`[seed]`: digits in clear, or contributors and how many must reveal."""

    kind: Literal["published", "committed"] = "published"
    digits: Annotated[str, Field(pattern=_DIGITS)] = ""
    contributors: Annotated[tuple[ContributorForm, ...], BeforeValidator(as_tuple), AfterValidator(_once)] = ()
    minimum: Count | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.minimum is not None and self.minimum > len(self.contributors) > 0:
            raise fault("file-minimum", expected=len(self.contributors), minimum=self.minimum)
        return self


class DrawForm(Form):
    """DRAW.toml."""

    TABLES: ClassVar[Mapping[str, type[BaseModel]]] = {
        "beacon": BeaconForm,
        "seed": SeedForm,
        "disclosure": UntilForm,
        "contributors": ContributorForm,
    }

    id: Id
    slots: Slots
    objects: SnapshotId | None = None
    inspectors: SnapshotId | None = None
    window: Day
    disclosure: Annotated[UntilForm | None, BeforeValidator(_disclosure)] = None
    recusals: str | None = None
    beacon: Annotated[
        tuple[BeaconForm, ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=8), AfterValidator(_once)
    ]
    seed: SeedForm = SeedForm()
    margin: Annotated[int, Field(ge=0, le=31_536_000)] | None = None


def read_form(path: Path, kind: type[F]) -> tuple[F, bytes]:
    """Return the form in a file, and the file's bytes.

    Raises:
        WorkspaceError: `file-not-toml`, `file-key-missing`, `file-key-unknown`, or another code of `CODES` and
            `PATTERNS` or of a validator.
    """
    data = read(path)
    try:
        told = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # not all that tomllib refuses is a TOMLDecodeError
        raise WorkspaceError("file-not-toml", file=path.name, line=toml_line(data, error)) from None
    return validated(kind, told, file=path.name, key=_dotted), data


def validated(kind: type[F], told: Mapping[str, object], *, file: str, key: Callable[[Where], str]) -> F:
    """Return the form of a file's tables; `key` says what people call a place in it.

    Raises:
        WorkspaceError: as `read_form`.
    """
    try:
        return kind.model_validate(told)
    except ValidationError as error:
        raise _told(file, kind, error, key) from None


def _dotted(where: Where) -> str:
    return ".".join(str(part) for part in where)


def _told(file: str, kind: type[Form], error: ValidationError, key: Callable[[Where], str]) -> WorkspaceError:
    first: Any = error.errors(include_url=False)[0]
    fault, context, where = first["type"], first.get("ctx", {}), list(first["loc"])
    told: dict[str, object] = {"file": file}
    if where:
        told["key"] = key(tuple(where))
    code = CODES.get(fault) or (fault if fault.startswith("file-") else "file-value")
    if fault == "string_pattern_mismatch":
        code = PATTERNS.get(context["pattern"], code)
    match code:
        case "file-key-missing":
            return WorkspaceError(code, **told)
        case "file-key-unknown":
            table: Any = _table(kind, where[:-1])
            return WorkspaceError(code, **told, expected=sorted(table.model_fields) if table else ())
        case "file-below" | "file-above" | "file-text-too-long" | "file-list-too-long":
            told["expected"] = next(context[name] for name in ("ge", "le", "max_length") if name in context)
        case "file-not-one-of":
            told["expected"] = re.findall("'([^']*)'", context["expected"])
        case "file-value":
            told["expected"] = first["msg"]
        case _ if fault == code:
            told |= context
    # A whole table is no help beside the sentence that says what is wrong in it.
    if not isinstance(first["input"], dict) or code.startswith("file-not-"):
        told["found"] = first["input"]
    return WorkspaceError(code, **told)


def _table(kind: type[Form], where: list[object]) -> type[BaseModel] | None:
    """Return the form of a nested table, so that its keys can be named."""
    named = [part for part in where if isinstance(part, str)]
    return kind.TABLES.get(named[-1]) if named else kind
