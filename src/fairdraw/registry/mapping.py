"""MAP.toml, which says what column of a registry file feeds what field: specs/map.md §1.

Reading the registry file itself is in `registry`; here is only the map, checked as a whole before a row is
read.
"""

import re
import tomllib
from collections.abc import Sequence
from typing import Annotated, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from fairdraw.encoding import MAX_INTEGER, check_text
from fairdraw.errors import EncodingError, RegistryError
from fairdraw.registry.cells import Check, Kind, as_list, normal
from fairdraw.registry.numbering import check_template
from fairdraw.registry.tabular import Encoding, Hidden
from fairdraw.values import FieldName

RESERVED: Final = "no"  # the number stands beside the fields, in rosters and statements


def _fault(expected: str) -> PydanticCustomError:
    return PydanticCustomError(expected, expected)


def _clean(text: str) -> str:
    text = normal(text)
    try:
        check_text(text)
    except EncodingError:
        raise _fault("map-clean-text") from None
    return text


def _column(value: object) -> object:
    """`field = "column"` is short for `field = { column = "column" }`."""
    return {"column": value} if isinstance(value, str) else value


def _nested(value: object) -> object:
    """`identity = ["name"]` is short for `identity = [["name"]]`."""
    return [value] if isinstance(value, list) and value and all(isinstance(item, str) for item in value) else value


def _scalar(value: object) -> object:
    if not isinstance(value, str | int):
        raise _fault("map-scalar")
    return value


def _default(value: object) -> object:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return as_list(value)
    return value if value is None else _scalar(value)


Text = Annotated[str, AfterValidator(_clean)]
Name = Annotated[Text, Field(min_length=1)]
Scalar = Annotated[str | int | bool, BeforeValidator(_scalar)]
Default = Annotated[str | int | bool | tuple[str, ...] | None, BeforeValidator(_default)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Attribute(_Table):
    """A public field: its column, its type and what the words in the column stand for (None: themselves)."""

    column: Name
    kind: Kind = Field("string", alias="type")
    words: dict[Text, Scalar] | None = Field(None, alias="map")
    default: Default = None
    separator: Name = "、"
    required: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for value in (self.words or {}).values():
            if not self._is_value(value):
                raise _fault("map-of-type")
        defaults = self.default if isinstance(self.default, tuple) else (self.default,)
        if self.default is not None and not all(self._is_value(item) for item in defaults):
            raise _fault("map-default-of-type")
        if isinstance(self.default, tuple) != (self.kind == "strings" and self.default is not None):
            raise _fault("map-list-default")
        if self.required and (self.default is not None or "" in (self.words or {})):
            raise _fault("map-required")
        return self

    def _is_value(self, value: object) -> bool:
        if isinstance(value, str):
            return self.kind in {"string", "strings"} and value == _clean(value)
        if isinstance(value, bool):
            return self.kind == "boolean"
        return self.kind == "integer" and isinstance(value, int) and abs(value) <= MAX_INTEGER


class Private(_Table):
    """A field that goes under the seal: its column and how its values are checked."""

    column: Name
    check: Check = "none"
    required: bool = False


class Numbering(_Table):
    """Where numbers come from: a column, or a template and the columns that make a row the same as before."""

    column: Name | None = None
    assign: str | None = None
    by: list[Name] = []

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.column is None) == (self.assign is None) or bool(self.by) != bool(self.assign):
            raise _fault("map-numbering")
        if self.assign is not None:
            try:
                check_template(self.assign)
            except RegistryError:
                raise _fault("map-template") from None
        return self


Fields = dict[FieldName, Annotated[Private, BeforeValidator(_column)]]


class Mapping(_Table):
    """A whole map. `private` and `closed` become the snapshot's private fields, in this order."""

    encoding: Encoding = "auto"
    sheet: str | None = None
    header: int = Field(1, ge=1)
    hidden: Hidden = "refuse"
    no: Annotated[Numbering, BeforeValidator(_column)]
    attrs: dict[FieldName, Annotated[Attribute, BeforeValidator(_column)]] = {}
    private: Fields = {}
    closed: Fields = {}
    identity: Annotated[list[Annotated[list[Name], Field(min_length=1)]], BeforeValidator(_nested)] = []

    @property
    def columns(self) -> set[str]:
        """The names of all columns that are read, and of fields in `identity`, which may be columns."""
        public = {field.column for field in self.attrs.values()}
        sealed = {field.column for field in (*self.private.values(), *self.closed.values())}
        named = {self.no.column or "", *self.no.by, *(name for names in self.identity for name in names)}
        return public | sealed | named - {""}

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [RESERVED, *self.attrs, *self.private, *self.closed]
        for name in names:
            if names.count(name) > 1:
                raise _fault("map-repeated")
        return self


# What MAP.toml's readers may meet, in our words; every other fault of pydantic's is a value that does not
# fit.
_CODES: Final = {"missing": "map-key-missing", "extra_forbidden": "map-key-unknown"}
_EXPECTED: Final = {
    "string_type": "text",
    "string_too_short": "text",
    "string_pattern_mismatch": "field-name",
    "int_type": "integer",
    "bool_type": "boolean",
    "greater_than_equal": "positive",
    "list_type": "list",
    "too_short": "list",
    "dict_type": "table",
    "model_type": "table",
}
"""What a value should have been, as a code of which people are told a sentence."""


def load_map(text: str) -> Mapping:
    """Return the map that a MAP.toml holds.

    Raises:
        RegistryError: `map-not-toml`, or `map-key-missing`, `map-key-unknown` and `map-value` with the `key`.
    """
    try:
        return _validated(tomllib.loads(text))
    except (ValueError, RecursionError) as error:  # not all that tomllib refuses is a TOMLDecodeError
        raise RegistryError("map-not-toml", found=str(error)) from None


def _validated(table: object) -> Mapping:
    try:
        return Mapping.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"] if part != "[key]")
        raise RegistryError(
            _CODES.get(first["type"], "map-value"),
            key=key,
            expected=_expected(first["type"], first.get("ctx", {})),
            found=repr(first["input"])[:80],
        ) from None


def _expected(fault: str, context: dict[str, object]) -> object:
    if fault == "literal_error":
        return re.findall("'([^']*)'", str(context["expected"]))
    return _EXPECTED.get(fault, fault)


def default_map(columns: Sequence[str]) -> Mapping:
    """Return the map of a file that names its own fields: specs/map.md §1.3.

    Raises:
        RegistryError: `column-without-role`, or what `load_map` raises, with the column's field as `key`.
    """
    table: dict[str, dict[str, object]] = {"attrs": {}, "private": {}, "closed": {}}
    sections = {"attr": "attrs", "private": "private", "closed": "closed"}
    for column in columns:
        role, _, field = column.partition(".")
        if role in sections and field:
            name, colon, kind = field.partition(":")
            typed = {"type": kind} if colon else {}
            table[sections[role]][name] = {"column": column, **typed}
        elif column != RESERVED:
            # A misspelt column must not vanish from the registry without a word.
            raise RegistryError("column-without-role", expected="no, attr.…, private.… or closed.…", found=column)
    return _validated({"no": RESERVED, **table})
