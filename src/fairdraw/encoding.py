"""Canonical JSON (RFC 8785) over the few values that fairdraw writes: specs/encoding.md.

Everything hashed or signed passes through `canonical`; everything read passes through `parse`, which writes the value
again and compares bytes, so that one value has one spelling. Files and streams are left to the callers.
"""

import base64
import binascii
import json
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Final, NoReturn

from fairdraw.errors import EncodingError

MAX_INTEGER: Final = 2**53 - 1  # RFC 8785 §3.2.2.3: beyond it a JavaScript reader sees another number
MAX_DEPTH: Final = 8  # a bomb of brackets must not reach anybody's recursive reader
FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)

# Control characters, line and paragraph separators, bidi controls, zero-width characters and surrogates: what would let
# two lines that look alike differ, or one line look like two.
FORBIDDEN: Final = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]"
)

Value = None | bool | int | str | list["Value"] | tuple["Value", ...] | dict[str, "Value"]


def check_text(text: str) -> None:
    """Refuse a string that is not NFC or holds a forbidden character (specs/encoding.md §2).

    Raises:
        EncodingError: `forbidden-character` or `not-nfc`.
    """
    if text.isascii() and text.isprintable():
        return
    if found := FORBIDDEN.search(text):
        raise EncodingError("forbidden-character", found=f"U+{ord(found.group()):04X}", at=found.start())
    if not unicodedata.is_normalized("NFC", text):
        raise EncodingError("not-nfc", found=text)


def _check(value: object, depth: int) -> None:
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise EncodingError("integer-too-large", expected=MAX_INTEGER, found=str(value))
    elif isinstance(value, dict | list | tuple):
        _check_inside(value, depth + 1)
    elif value is not None:
        # A float has many spellings and more roundings: ratios are strings, "3/100".
        raise EncodingError("not-canonical-type", found=type(value).__name__)


def _check_inside(value: dict[object, object] | list[object] | tuple[object, ...], depth: int) -> None:
    if depth > MAX_DEPTH:
        raise EncodingError("too-deep", expected=MAX_DEPTH)
    if isinstance(value, dict):
        for name in value:
            if not isinstance(name, str) or not FIELD.fullmatch(name):
                raise EncodingError("bad-field-name", expected=FIELD.pattern, found=str(name))
        value = list(value.values())
    for inner in value:
        _check(inner, depth)


# Field names are ASCII, so sorting them by code point is sorting them by UTF-16 code unit (RFC 8785 §3.2.3); strings
# hold no control characters, so both writers escape just `"` and `\` (§3.2.2.2). Tests compare with a full RFC 8785.
_WRITE: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def canonical(value: object) -> bytes:
    """Return the canonical JSON of a value, without a newline.

    Raises:
        EncodingError: the value holds what canonical JSON may not (specs/encoding.md §2).
    """
    _check(value, 0)
    return _WRITE(value).encode()


def canonical_checked(value: object) -> bytes:
    """Return the canonical JSON of a value whose every part was checked before: the quick path of millions of rows."""
    return _WRITE(value).encode()


quote: Final = json.encoder.encode_basestring  # the canonical JSON of one string that `check_text` has passed


def _no_float(text: str) -> NoReturn:
    raise EncodingError("not-canonical-type", found=text)


def _integer(text: str) -> int:
    if len(text) > len(str(-MAX_INTEGER)):
        raise EncodingError("integer-too-large", expected=MAX_INTEGER, found=text[:40])
    return int(text)


_READ: Final = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float, parse_int=_integer)


def parse(data: bytes) -> Value:
    """Return the value of canonical JSON bytes, refusing every other spelling of it.

    Raises:
        EncodingError: `not-json`, `not-canonical`, or what `canonical` refuses.
    """
    try:
        text = data.decode("utf-8")
        value: Value = _READ.decode(text)
    except UnicodeDecodeError as error:
        raise EncodingError("not-utf-8", at=error.start) from None
    except json.JSONDecodeError as error:
        raise EncodingError("not-json", at=error.pos) from None
    except RecursionError:
        raise EncodingError("too-deep", expected=MAX_DEPTH) from None
    # Duplicate keys, white space, `-0`, escapes and key order all fall here.
    if canonical(value) != data:
        raise EncodingError("not-canonical")
    return value


def parse_row(line: bytes) -> Value:
    """Return the value of one canonical line of a long list, for a caller that checks every part against a schema.

    Raises:
        EncodingError: as `parse`; types, field names and depth are left to the caller.
    """
    try:
        text = line.decode("utf-8")
        check_text(text)
        value: Value = _READ.decode(text)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise EncodingError("not-json", found=repr(line[:80])) from None
    if _WRITE(value) != text:
        raise EncodingError("not-canonical", found=repr(line[:80]))
    if "\\" in text:
        _check(value, 0)  # an escape may stand for what the look at the raw text did not find
    return value


def digest(data: bytes) -> str:
    """Return the lower-case hex SHA-256 by which artifacts and texts are named."""
    return sha256(data).hexdigest()


def lines(items: Iterable[bytes]) -> bytes:
    """Return the bytes of a list artifact: every line ended by a newline."""
    return b"".join(item + b"\n" for item in items)


def split_lines(data: bytes) -> list[bytes]:
    """Return the lines of a list artifact, without their newlines; the inverse of `lines`.

    Raises:
        EncodingError: `unfinished-line`, the last line has no newline.
    """
    if data and not data.endswith(b"\n"):
        raise EncodingError("unfinished-line", at=len(data))
    return data.split(b"\n")[:-1]


def to_base64(data: bytes) -> str:
    """Return standard base64 with padding, as bundles carry bytes."""
    return base64.b64encode(data).decode()


def from_base64(text: str) -> bytes:
    """Return the bytes of standard base64, refusing every other spelling of them.

    Raises:
        EncodingError: `not-base64`.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise EncodingError("not-base64", found=text[:40]) from None
    if base64.b64encode(data).decode() != text:
        raise EncodingError("not-base64", found=text[:40])
    return data


LAST_TIME: Final = 253_402_300_799  # 9999-12-31T23:59:59Z: years have four digits

_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def format_time(seconds: int) -> str:
    """Return POSIX seconds, 0 to `LAST_TIME`, as `YYYY-MM-DDThh:mm:ssZ`."""
    # Not strftime, whose %Y writes the year 26 with two digits.
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat() + "Z"


def parse_time(text: str) -> int:
    """Return the POSIX seconds of `YYYY-MM-DDThh:mm:ssZ`; the inverse of `format_time`.

    Raises:
        EncodingError: `not-a-time`.
    """
    try:
        if _TIME.fullmatch(text):
            return int(datetime.fromisoformat(text).timestamp())
    except ValueError:
        pass
    raise EncodingError("not-a-time", expected="YYYY-MM-DDThh:mm:ssZ", found=text)


def check_date(text: str) -> str:
    """Return a date as it came, `YYYY-MM-DD`.

    Raises:
        EncodingError: `not-a-date`.
    """
    try:
        if _DATE.fullmatch(text):
            date.fromisoformat(text)
            return text
    except ValueError:
        pass
    raise EncodingError("not-a-date", expected="YYYY-MM-DD", found=text)


def end_of_day(text: str) -> int:
    """Return the POSIX seconds at which a date ends in China (UTC+8, no summer time): specs/encoding.md §4."""
    day = date.fromisoformat(check_date(text))
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + 24 * 3600 - 8 * 3600


def day_of(seconds: int) -> str:
    """Return the date in China (UTC+8, no summer time) of POSIX seconds: specs/encoding.md §4."""
    return datetime.fromtimestamp(seconds + 8 * 3600, UTC).date().isoformat()


def year_of(seconds: int) -> int:
    """Return the calendar year in China of POSIX seconds."""
    return int(day_of(seconds)[:4])
