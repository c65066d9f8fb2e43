"""PLAN.toml and DRAW.toml: what a bureau writes by hand, checked before anything is signed.

A mistake names the file, the key, what was expected and what was found; a key that is not known is refused, for it is
most likely a known one misspelt.
"""

import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from fairdraw.encoding import check_date, parse_time
from fairdraw.errors import EncodingError, WorkspaceError
from fairdraw.schema import Count, Eligible, FieldName, Id, Name, Positive, Ratio, Reason, Rounding, Slot
from fairdraw_cli.files import read

F = TypeVar("F", bound="Form")
CODES: Final = {
    "missing": "file-key-missing",
    "extra_forbidden": "file-key-unknown",
    "date": "file-not-date",
    "time": "file-not-time",
    "string_type": "file-not-text",
    "int_type": "file-not-integer",
    "tuple_type": "file-not-list",
    "model_type": "file-not-table",
}


def _day(value: object) -> str:
    """TOML has dates of its own; `2026-09-30` may stand with or without quotation marks."""
    text = value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value
    try:
        return check_date(str(text))
    except EncodingError:
        raise PydanticCustomError("date", "a date") from None


def _instant(value: object) -> int:
    """A time needs its offset: `2026-09-08T02:36:36+08:00`, or a Z at the end."""
    if isinstance(value, datetime) and value.tzinfo is not None and not value.microsecond:
        return int(value.timestamp())
    try:
        return parse_time(str(value) if isinstance(value, str) else "")
    except EncodingError:
        raise PydanticCustomError("time", "a time with its offset") from None


def _lists(value: object) -> object:
    """TOML gives lists where frozen values have tuples."""
    return tuple(value) if isinstance(value, list) else value


def _quota(value: object) -> object:
    return tuple(sorted(value.items())) if isinstance(value, dict) else value


def _eligible(value: object) -> object:
    if not isinstance(value, list):
        return value
    return tuple({"object": None, **rule} if isinstance(rule, dict) else rule for rule in value)


Day = Annotated[str, BeforeValidator(_day)]
Instant = Annotated[int, BeforeValidator(_instant)]
Slots = Annotated[tuple[Slot, ...], BeforeValidator(_lists), Field(min_length=1)]
SnapshotId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}-[1-9][0-9]*$")]


class Form(BaseModel):
    """A table of a file: exactly these keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class TeamForm(Form):
    """`[team]` of a plan; `quota` is a table of departments."""

    size: Annotated[int, Field(ge=2, le=50)] = 2
    department: FieldName | None = None
    quota: Annotated[tuple[tuple[str, Positive], ...], BeforeValidator(_quota)] = ()
    eligible: Annotated[tuple[Eligible, ...], BeforeValidator(_eligible)] = ()
    cap: Positive | None = None
    limit: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    beyond: Literal["raise-cap", "void"] = "raise-cap"


class PlanForm(Form):
    """PLAN.toml."""

    id: Id
    slots: Slots
    objects: Id
    inspectors: Id
    strata: Annotated[tuple[FieldName, ...], BeforeValidator(_lists)]
    ratio: Ratio
    rounding: Rounding = "ceil"
    team: TeamForm = TeamForm()
    audit: Count = 2
    substitutions: Count = 2
    reason: Reason | None = None


class BeaconForm(Form):
    """`[[beacon]]`: the first round of a chain that is due at a time or later."""

    chain: Id
    at: Instant


class UntilForm(Form):
    """`disclosure = { until = DATE }`."""

    until: Day


class ContributorForm(Form):
    """`[[seed.contributors]]`: a supervisor who has committed to a seed."""

    name: Name
    required: bool = False


class SeedForm(Form):
    """`[seed]`: digits in clear, or contributors and how many must reveal."""

    kind: Literal["published", "committed"] = "published"
    digits: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{0,200}$")] = ""
    contributors: Annotated[tuple[ContributorForm, ...], BeforeValidator(_lists)] = ()
    minimum: Count | None = None


class DrawForm(Form):
    """DRAW.toml."""

    id: Id
    slots: Slots
    objects: SnapshotId | None = None
    inspectors: SnapshotId | None = None
    window: Day
    disclosure: Literal["at-once"] | UntilForm = "at-once"
    recusals: str | None = None
    beacon: Annotated[tuple[BeaconForm, ...], BeforeValidator(_lists), Field(min_length=1, max_length=8)]
    seed: SeedForm = SeedForm()
    margin: Annotated[int, Field(ge=0, le=31_536_000)] | None = None


def read_form(path: Path, kind: type[F]) -> tuple[F, bytes]:
    """Return the form in a file, and the file's bytes.

    Raises:
        WorkspaceError: `file-not-toml`, `file-key-missing`, `file-key-unknown` or `file-value`.
    """
    data = read(path)
    try:
        return kind.model_validate(tomllib.loads(data.decode("utf-8-sig"))), data
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise WorkspaceError("file-not-toml", file=path.name, reason=str(error)) from None
    except ValidationError as error:
        raise _told(path, kind, error) from None


def _told(path: Path, kind: type[Form], error: ValidationError) -> WorkspaceError:
    first: Any = error.errors(include_url=False)[0]
    code = CODES.get(first["type"], "file-value")
    where = [part for part in first["loc"] if not (isinstance(part, str) and part.startswith(("literal", "UntilForm")))]
    key = ".".join(str(part) for part in where)
    if code == "file-key-missing":
        return WorkspaceError(code, file=path.name, key=key)
    if code == "file-key-unknown":
        table: Any = _table(kind, where[:-1])
        return WorkspaceError(code, file=path.name, key=key, expected=sorted(table.model_fields) if table else ())
    if code != "file-value":
        return WorkspaceError(code, file=path.name, key=key, found=first["input"])
    context = first.get("ctx", {})
    expected = context.get("pattern") or context.get("expected") or first["msg"]
    return WorkspaceError(code, file=path.name, key=key, expected=str(expected), found=first["input"])


def _table(kind: type[BaseModel], where: list[object]) -> type[BaseModel] | None:
    """Return the form of a nested table, so that its keys can be named."""
    tables: dict[str, type[BaseModel]] = {
        "team": TeamForm,
        "eligible": Eligible,
        "beacon": BeaconForm,
        "seed": SeedForm,
        "disclosure": UntilForm,
        "contributors": ContributorForm,
    }
    named = [part for part in where if isinstance(part, str)]
    return tables.get(named[-1]) if named else kind
