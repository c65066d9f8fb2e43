"""Artifacts of one canonical line, which a source of randomness other than drand is made of."""

from typing import TypeVar

from pydantic import ValidationError

from fairdraw import encoding
from fairdraw.errors import BeaconError, EncodingError
from fairdraw.values import Value


class Document(Value):
    """A value that is an artifact of its own."""

    def format(self) -> bytes:
        """Return the artifact: one line of canonical JSON."""
        return encoding.canonical(self.model_dump()) + b"\n"


D = TypeVar("D", bound=Document)


def read_document(data: bytes, kind: type[D], *, code: str, limit: int) -> D:
    """Return the document in an artifact of at most `limit` bytes; `code` says what it is not.

    Raises:
        BeaconError: `code`.
    """
    try:
        if len(data) > limit or not data.endswith(b"\n"):
            raise BeaconError(code, expected=f"a line of at most {limit} bytes", found=len(data))
        encoding.parse(data[:-1])
        told = kind.model_validate_json(data[:-1])
    except EncodingError as error:
        raise BeaconError(code, expected="canonical JSON", found=str(error)) from None
    except ValidationError as error:
        raise malformed(error, code) from None
    # A default that stands for a missing field, or `false` for 0, would be a second spelling, and another digest.
    if told.format() != data:
        raise BeaconError(code, field="(whole)", expected="every field in its one spelling", found=len(data))
    return told


def malformed(error: ValidationError, code: str) -> BeaconError:
    """Return the error that names the first field of a document which is not as it should be."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"])) or "(whole)"
    return BeaconError(code, field=where, expected=first["msg"], found=repr(first["input"])[:80])
