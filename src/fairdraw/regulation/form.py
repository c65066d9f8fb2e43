"""Regulations as people write them (TOML) and as they are served (one line of canonical JSON). specs/regulation.md §1.

Reading files is left to callers. A mistake names the file, the key, what was expected and what was found.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from fairdraw import encoding
from fairdraw.errors import EncodingError, RegulationError
from fairdraw.regulation.derive import OWN, check_derived
from fairdraw.regulation.provisions import Cited
from fairdraw.regulation.schema import Regulation
from fairdraw.values import Hash, Id, Ratio, Reason

MAX_LENGTH: Final = 1 << 20  # bytes: the longest of the five has 40,000

FAULTS: Final[Mapping[str, str]] = {
    "missing": "regulation-key-missing",
    "extra_forbidden": "regulation-key-unknown",
    "string_type": "regulation-not-text",
    "string_too_short": "regulation-text-empty",
    "string_too_long": "regulation-text-too-long",
    "int_type": "regulation-not-integer",
    "int_from_float": "regulation-not-integer",
    "bool_type": "regulation-not-boolean",
    "tuple_type": "regulation-not-list",
    "too_short": "regulation-list-empty",
    "model_type": "regulation-not-table",
    "model_attributes_type": "regulation-not-table",
    "dict_type": "regulation-not-table",
    "greater_than_equal": "regulation-out-of-range",
    "less_than_equal": "regulation-out-of-range",
    "literal_error": "regulation-not-one-of",
    "value_error": "regulation-not-a-date",  # the only validator of `values` that a regulation's fields use
}
"""What pydantic calls a fault, and what we call it; our own validators have our codes at once."""


def _pattern(kind: Any) -> str:
    return str(kind.__metadata__[0].pattern)


PATTERNS: Final[Mapping[str, str]] = {
    _pattern(kind): code
    for kind, code in (
        (Id, "regulation-not-an-id"),
        (Ratio, "regulation-not-a-ratio"),
        (Reason, "regulation-not-a-code"),
        (Hash, "regulation-value"),
    )
}


def artifact_bytes(regulation: Regulation) -> bytes:
    """Return the artifact of a regulation: its canonical JSON with every field, and a newline."""
    return encoding.canonical(regulation.model_dump(by_alias=True)) + b"\n"


def digest(regulation: Regulation) -> str:
    """Return the SHA-256 of a regulation's artifact, by which plans and announcements name it."""
    return encoding.digest(artifact_bytes(regulation))


def read_artifact(data: bytes, *, name: str = "regulation") -> Regulation:
    """Return the regulation of an artifact; the inverse of `artifact_bytes`. `name` is what errors call it.

    Raises:
        RegulationError: `regulation-not-canonical`, or what `parse` raises of single values.
    """
    if len(data) > MAX_LENGTH:
        raise RegulationError("regulation-too-long", file=name, expected=MAX_LENGTH, found=len(data))
    if not data.endswith(b"\n"):
        raise RegulationError("regulation-not-canonical", file=name, reason="unfinished-line")
    try:
        encoding.parse(data[:-1])
    except EncodingError as error:
        raise RegulationError("regulation-not-canonical", file=name, reason=error.code) from None
    regulation = _validated(data[:-1], name, {})
    # A default that stands for a missing field would be a second spelling, and a second digest, of one regulation.
    if artifact_bytes(regulation) != data:
        raise RegulationError("regulation-not-canonical", file=name, reason="not-canonical")
    return regulation


def parse(data: bytes, *, parents: Mapping[str, Regulation], file: str = "regulation") -> Regulation:
    """Return the regulation in a TOML file's bytes; `parents` are those that it may derive from, by id.

    Raises:
        RegulationError: `regulation-not-toml`, `regulation-parent-unknown`, `laxer-without-reason`, or what is wrong
            with which key.
    """
    if len(data) > MAX_LENGTH:
        raise RegulationError("regulation-too-long", file=file, expected=MAX_LENGTH, found=len(data))
    try:
        table = tomllib.loads(data.decode("utf-8-sig"))
        written: dict[str, Any] = json.loads(json.dumps(table, default=_day, allow_nan=False))
    except (ValueError, RecursionError) as error:  # not all that tomllib refuses is a TOMLDecodeError
        raise RegulationError("regulation-not-toml", file=file, reason=str(error)[:200]) from None
    if "extends" not in written:
        return _checked(_validated(json.dumps(written).encode(), file, {}), file)
    name = written["extends"]
    if not isinstance(name, str) or name not in parents:
        raise RegulationError("regulation-parent-unknown", file=file, expected=sorted(parents), found=name)
    parent = parents[name]
    whole, places = _merged(parent, written)
    whole["extends"] = {"id": parent.id, "digest": digest(parent)}
    child = _checked(_validated(json.dumps(whole).encode(), file, places), file)
    if child.id == parent.id:
        raise RegulationError("regulation-same-id", file=file, key="id", found=child.id)
    check_derived(parent, child, file=file, digest=digest(parent))
    return child


def _day(value: object) -> str:
    """TOML has dates of its own; `2026-01-01` may stand with or without quotation marks."""
    if isinstance(value, date | time) and not isinstance(value, datetime):
        return value.isoformat()
    raise ValueError(f"{value} is no date")


def _checked(regulation: Regulation, file: str) -> Regulation:
    """Return a regulation whose texts may stand in an artifact."""
    try:
        artifact_bytes(regulation)
    except EncodingError as error:
        raise RegulationError("regulation-not-canonical", file=file, reason=error.code) from None
    return regulation


Places = Mapping[tuple[str, int], int]
"""For an entry of a merged list its place in the file, so that a mistake is told where it stands."""


def _merged(parent: Regulation, written: dict[str, Any]) -> tuple[dict[str, Any], Places]:
    """Return the table of a derived regulation: the parent's fields, less what is dropped, with its own over them.

    An entry of a list stands for the parent's entry of the same key, or is a further one.
    """
    whole: dict[str, Any] = json.loads(parent.model_dump_json(by_alias=True, exclude=set(OWN)))
    gone = {one.get("rule") for one in _tables(written.get("dropped"))}
    keys = {name: [entry.key for entry in entries] for name, entries in parent.lists()}
    places: dict[tuple[str, int], int] = {}
    for name, listed in keys.items():
        whole[name] = [e for e, key in zip(whole[name], listed, strict=True) if f"{name}.{key}" not in gone]
        keys[name] = [key for key in listed if f"{name}.{key}" not in gone]
    whole |= {name: None for name in set(whole) & gone if name not in keys}
    for name, value in written.items():
        if name not in keys or not isinstance(value, list):
            whole[name] = value
            continue
        for at, entry in enumerate(value):
            key = _key(name, entry)
            if key not in keys[name]:
                keys[name].append(key)
                whole[name].append(entry)
            else:
                whole[name][keys[name].index(key)] = entry
            places[name, keys[name].index(key)] = at
    return whole, places


def _tables(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _key(field: str, entry: object) -> str:
    """Return the key of an entry that nobody has checked yet."""
    names = ENTRIES[field].KEY
    return "/".join(str(entry.get(name) or "-") for name in names) if isinstance(entry, dict) else ""


ENTRIES: Final[Mapping[str, type[Cited]]] = {
    name: inner
    for name, field in Regulation.model_fields.items()
    for inner in getattr(field.annotation, "__args__", ())
    if name != "dropped" and isinstance(inner, type) and issubclass(inner, Cited) and inner.KEY
}
"""What each list is a list of."""


def _validated(line: bytes, file: str, places: Places) -> Regulation:
    try:
        return Regulation.model_validate_json(line)
    except ValidationError as error:
        raise _told(error, file, places) from None


def _told(error: ValidationError, file: str, places: Places) -> RegulationError:
    """Return one fault as an error that names file, key, expected and found."""
    faults: Any = error.errors(include_url=False)
    # A key that is missing is most likely the unknown one, misspelt.
    first = next((one for one in faults if one["type"] == "extra_forbidden"), faults[0])
    kind, context, where = first["type"], first.get("ctx", {}), list(first["loc"])
    if len(where) > 1 and isinstance(where[1], int):
        where[1] = places.get((where[0], where[1]), where[1])
    told: dict[str, Any] = {"file": file, "key": ".".join(str(part) for part in where) or "(whole)"}
    code = kind if kind.startswith("regulation-") else FAULTS.get(kind, "regulation-value")
    if kind == "string_pattern_mismatch":
        code = PATTERNS.get(context["pattern"], "regulation-not-a-day")
    # A whole table is no help beside the sentence that says what is wrong in it.
    if code not in {"regulation-key-missing", "regulation-key-unknown"} and not isinstance(first["input"], dict):
        told["found"] = first["input"]
    if kind == code:
        if at := context.pop("at", ""):
            told["key"] += f".{at}"
        told |= context
    match code:
        case "regulation-key-unknown":
            told["expected"] = sorted(field.alias or name for name, field in _table(where[:-1]).model_fields.items())
        case "regulation-not-one-of" if "expected" not in told:
            told["expected"] = re.findall("'([^']*)'", context["expected"]) or context["expected"]
        case "regulation-out-of-range" | "regulation-text-too-long":
            told["expected"] = next(context[name] for name in ("ge", "le", "max_length") if name in context)
        case "regulation-value":
            told["expected"] = first["msg"]
    return RegulationError(code, **told)


def _table(where: list[int | str]) -> type[BaseModel]:
    """Return the value at a place, so that its keys can be named."""
    table: type[BaseModel] = Regulation
    for name in where:
        if isinstance(name, str):
            fields = {field.alias or key: field.annotation for key, field in table.model_fields.items()}
            table = next(_values(fields[name]), table)
    return table


def _values(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the values that a field's type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _values(inner)
