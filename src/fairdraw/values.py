"""The values that statements and files are made of: specs/statements.md §2.

They are frozen and strict: an unknown field, another type and a second spelling are refused.
"""

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from fairdraw import encoding
from fairdraw.errors import EncodingError

HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
NUMBER: Final = re.compile(r"[A-Za-z0-9._:-]{1,40}", re.ASCII)

Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Hex = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2})+$", max_length=400)]
Name = Annotated[str, StringConstraints(pattern=r"^[^\s+]+$", max_length=200)]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")]
Slot = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}(/[a-z0-9][a-z0-9._-]{0,39}){2}$")]
Number = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,40}$")]
Reason = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Ratio = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,8})/[1-9][0-9]{0,8}$")]
Count = Annotated[int, Field(ge=0, le=encoding.MAX_INTEGER)]
Positive = Annotated[int, Field(ge=1, le=encoding.MAX_INTEGER)]
Rounding = Literal["ceil", "nearest", "floor"]
Scalar = str | int | bool | None
Text = Annotated[str, StringConstraints(max_length=2000)]
AttributeType = Literal["string", "integer", "boolean", "strings"]


def _time(text: str) -> str:
    try:
        encoding.parse_time(text)
    except EncodingError as error:
        raise ValueError(str(error)) from None  # what pydantic turns into its own error
    return text


def _date(text: str) -> str:
    try:
        return encoding.check_date(text)
    except EncodingError as error:
        raise ValueError(str(error)) from None


Time = Annotated[str, AfterValidator(_time)]
Date = Annotated[str, AfterValidator(_date)]


class Value(BaseModel):
    """A frozen part of a statement: unknown fields and other types are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True, defer_build=True)


class Ref(Value):
    """A statement by its text hash; `index` is what the appender returned, a hint where to look."""

    index: Count
    text: Hash


class Artifact(Value):
    """Bytes served beside the log, by SHA-256 and length."""

    digest: Hash
    length: Count


class Listing(Artifact):
    """A list artifact and its Merkle root: a root alone does not fix a size (attack 41)."""

    root: Hash
    count: Count


class Source(Value):
    """A round of a public randomness beacon; `hash` is the chain's."""

    beacon: Id
    hash: Hash
    round: Positive


class PulseValue(Value):
    """A beacon's round as published; `previous` only where its scheme chains rounds."""

    beacon: Id
    round: Positive
    signature: Hex
    previous: Hex | None
