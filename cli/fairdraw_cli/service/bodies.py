"""What callers send as JSON, and how it becomes the files that commands read (docs/files.md).

Paths have no place here: a command would read any file of this machine that a caller names, so a declaration or a
form is named by its digest alone, and every file that a command is given is one that was just written.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from fairdraw_cli.service.problems import ServiceError

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$", examples=["0" * 64])]
Word = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]{1,200}$")]
Code = Annotated[str, Field(pattern="^[a-z][a-z0-9-]{0,39}$", examples=["unable"])]
Id = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9._-]{0,39}$")]
Date = Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", examples=["2026-10-01"])]
Time = Annotated[str, Field(pattern="^[0-9TZ:+-]{1,40}$", examples=["2026-09-08T06:00:00Z"])]
Note = Annotated[str, Field(min_length=1, max_length=100_000, pattern=r"^[^\x00]*$")]
Table = Annotated[dict[str, JsonValue], Field(max_length=100)]

_BARE: Final = re.compile("[A-Za-z0-9_-]+", re.ASCII)
_ID: Final = re.compile("[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)  # without a dot: `x.toml` would be a file
_DIGEST: Final = re.compile("(?:[0-9a-f]{64})?", re.ASCII)
IDS: Final = ("regulation",)
FILED: Final = ("form", "notice", "witness")
"""Columns of an outcome in which a command takes a digest or a file."""
_COMMAS: Final = ("object", "inspector", "declarer", "reason", "form")


class Body(BaseModel):
    """A body has these members and no others; a misspelt one would be left out silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    FORMS: ClassVar[Mapping[str, str]] = {}
    EXAMPLE: ClassVar[Mapping[str, object] | None] = None


class Nothing(Body):
    """`{}`."""


class PlanBody(Body):
    """A plan, with the keys of PLAN.toml."""

    FORMS = {"plan": "PlanForm"}
    EXAMPLE = {
        "plan": {
            "id": "2026", "slots": ["2026/fund-use/1"], "objects": "institutions", "inspectors": "staff",
            "strata": [], "ratio": "1/4", "voids": ["wrong-date"],
        }
    }  # fmt: skip
    plan: Table
    dry_run: bool = False


class ItemsBody(Body):
    """An item list (抽查事项清单), with the keys of ITEMS.toml."""

    FORMS = {"items": "ItemsForm"}
    items: Table
    dry_run: bool = False


class CheckPlan(Body):
    """A plan to be checked, with the keys of PLAN.toml."""

    FORMS = {"plan": "PlanForm"}
    plan: Table


class Recusal(Body):
    """A recusal (回避); the form is named by its digest."""

    object: Word
    inspector: Word
    declarer: Literal["object", "inspector", "bureau"]
    reason: Code
    form: Digest | Literal[""] = ""


class AnnounceBody(Body):
    """A draw to be announced, with the keys of DRAW.toml but `recusals`; `cosigned` are answers of co-signers."""

    FORMS = {"draw": "DrawForm"}
    EXAMPLE = {
        "draw": {
            "id": "fund-1", "slots": ["2026/fund-use/1"], "window": "2026-10-31",
            "beacon": [{"chain": "quicknet", "at": "2026-09-07T18:36:36Z"}],
        },
        "recusals": [{"object": "H-01", "inspector": "I-1", "declarer": "inspector", "reason": "kinship"}],
    }  # fmt: skip
    draw: Table
    recusals: Annotated[list[Recusal], Field(max_length=100_000)] = []
    dry_run: bool = False
    second: Word | None = None
    cosigned: Annotated[list[Note], Field(max_length=20)] = []


class DrawBody(Body):
    """`{}`; where four eyes are asked for, who else signs the record, and the answers of co-signers."""

    second: Word | None = None
    cosigned: Annotated[list[Note], Field(max_length=20)] = []


class PulseBody(Body):
    """Where a round comes from; `document` is the round as a relay gives it, where it is carried in."""

    source: Literal["relays", "document", "recorded", "practice"] = "relays"
    document: Annotated[str, Field(max_length=100_000)] | None = None


class CallBody(Body):
    """A drawn inspector drops out (递补), and why; the declaration is named by its digest."""

    object: Word
    inspector: Word
    reason: Code
    declaration: Digest
    round_at: Time
    chain: Id | None = None
    supervisors: Annotated[list[Word], Field(min_length=1, max_length=20)]
    cosigned: Annotated[list[Note], Field(max_length=20)] = []


class SubstituteBody(Body):
    """The place of a call."""

    object: Word
    inspector: Word


class DeferBody(Body):
    """A deferral, on a written application that is named by its digest."""

    object: Word
    reason: Code
    application: Digest
    until: Date


class ExceptBody(Body):
    """An inspection outside the draw; with `draw` a team formed for special circumstances."""

    reason: Code
    date: Date
    objects: Annotated[list[Word], Field(min_length=1, max_length=1000)]
    inspectors: Annotated[list[Word], Field(min_length=1, max_length=1000)]
    items: Annotated[list[Id], Field(min_length=1, max_length=100)]
    draw: Id | None = None


class VoidBody(Body):
    """The reason for which an announcement is void."""

    reason: Code


class OpenBody(Body):
    """What is opened: a sealed result, or with `names` the names of objects that were inspected."""

    names: bool = False


class CloseBody(Body):
    """Whether a list of seeds is closed although nothing can be drawn with it."""

    force: bool = False


class ResultBody(Body):
    """Outcomes with the columns of RESULTS.csv; `by` is a unit that signs them elsewhere, `cosigned` its answer."""

    outcomes: Annotated[list[Table], Field(min_length=1, max_length=100_000)]
    by: Word | None = None
    cosigned: Annotated[list[Note], Field(max_length=1)] = []


class CorrectBody(ResultBody):
    """Outcomes that correct what was logged, and why."""

    reason: Code


class ObjectionBody(Body):
    """An objection of an object's, which is named by its digest."""

    object: Word
    objection: Digest


class AnswerBody(Body):
    """The answer to an objection, which is named by its digest."""

    decision: Literal["upheld", "rejected"]
    answer: Digest


class SlipBody(Body):
    """The row whose slip is wanted."""

    number: Word


class PapersBody(Body):
    """Which paper is printed, and whether as PDF or as a page for a browser."""

    paper: Literal["record", "slips"] = "record"
    format: Literal["pdf", "html"] | None = None


class NoticesBody(Body):
    """Whether the notices are printed as PDF or as a page for a browser."""

    format: Literal["pdf", "html"] | None = None


class OpeningsBody(Body):
    """The rows to open: these, or with `all` every row, or those that the draw itself opens."""

    numbers: Annotated[list[Word], Field(max_length=10_000)] = []
    all: bool = False


class AuditBody(Body):
    """What to audit: one bureau, one year, up to a time."""

    bureau: Word | None = None
    year: Annotated[int, Field(ge=2000, le=9999)] | None = None
    as_of: Time | None = None


def toml(table: Mapping[str, JsonValue]) -> str:
    """Return a table as TOML, a key a line; what is null is left out, for TOML has no such thing."""
    return "".join(f"{_key(name)} = {_value(value)}\n" for name, value in table.items() if value is not None)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: JsonValue) -> str:
    match value:
        case str():
            return _text(value)
        case bool():
            return "true" if value else "false"
        case list():
            return f"[{', '.join(_value(one) for one in value if one is not None)}]"
        case dict():
            pairs = (f"{_key(name)} = {_value(one)}" for name, one in value.items() if one is not None)
            return f"{{{', '.join(pairs)}}}"
    return repr(value)


def in_utc(draw: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return a draw whose rounds' times are written as in DRAW.toml: JSON has no times, and clients write offsets."""
    rounds = draw.get("beacon")
    if not isinstance(rounds, list):
        return draw
    return {**draw, "beacon": [{**one, "at": _utc(one["at"])} if isinstance(one, dict) and "at" in one else one
                               for one in rounds]}  # fmt: skip


def _utc(value: JsonValue) -> JsonValue:
    try:
        told = datetime.fromisoformat(value) if isinstance(value, str) else None
        if told is not None and told.tzinfo is not None and not told.microsecond:
            return told.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError):
        pass  # the command tells what is wrong with it
    return value


def recusals(rows: list[Recusal]) -> bytes:
    """Return a recusal list as a CSV file. Quoted, so that no cell is two."""
    lines = [_COMMAS, *(tuple(str(getattr(row, column)) for column in _COMMAS) for row in rows)]
    quoted = (",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines)
    return "\r\n".join([*quoted, ""]).encode()


def refuse_files(table: Mapping[str, JsonValue], *keys: str) -> None:
    """Refuse a table that names a file, which would be one of this machine's, under any of these keys, however deep.

    Raises:
        ServiceError: `bad-body`.
    """
    for key in keys:
        for where, value in _named(table, key):
            fine = value is None or (key in IDS and isinstance(value, str) and _ID.fullmatch(value))
            fine = fine or (key in FILED and isinstance(value, str) and _DIGEST.fullmatch(value))
            if not fine:
                expected = "id" if key in IDS else "sha256" if key in FILED else "-"
                raise ServiceError("bad-body", key=where, expected=expected, found=value)


def _named(value: JsonValue | Mapping[str, JsonValue], key: str, where: str = "") -> Iterator[tuple[str, JsonValue]]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            if name == key:
                yield f"{where}{name}", one
            yield from _named(one, key, f"{where}{name}.")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _named(one, key, f"{where}{number}.")


def notes(folder: Path, texts: list[str]) -> list[str]:
    """Write the answers of co-signers, and return the options that name them."""
    told = []
    for number, text in enumerate(texts, 1):
        (folder / f"cosigned-{number}.note").write_text(text, encoding="utf-8", newline="")
        told.append(f"--cosigned=cosigned-{number}.note")
    return told
