"""Canonical JSON, compared with the package `rfc8785`, which implements the whole RFC."""

import json
import unicodedata

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from fairdraw.encoding import (
    FORBIDDEN,
    MAX_DEPTH,
    MAX_INTEGER,
    canonical,
    canonical_checked,
    check_date,
    check_text,
    end_of_day,
    format_time,
    from_base64,
    lines,
    parse,
    parse_row,
    parse_time,
    quote,
    split_lines,
    to_base64,
)
from fairdraw.errors import EncodingError


def allowed(text: str) -> bool:
    return not FORBIDDEN.search(text) and unicodedata.is_normalized("NFC", text)


TEXTS = st.text(max_size=30).filter(allowed)
NAMES = st.from_regex(r"\A[a-z][a-z0-9_]{0,31}\Z")
SCALARS = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
).filter(lambda value: depth(value) <= MAX_DEPTH)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def refused(code: str, action, *args) -> None:
    with pytest.raises(EncodingError) as caught:
        action(*args)
    assert caught.value.code == code


@given(VALUES)
def test_what_we_write_is_what_rfc_8785_writes(value):
    assert canonical(value) == rfc8785.dumps(value) == canonical_checked(value)


@given(VALUES)
def test_parse_undoes_canonical(value):
    assert parse(canonical(value)) == value
    assert parse_row(canonical(value)) == value


@given(VALUES)
def test_another_spelling_of_the_same_value_is_refused(value):
    for other in (
        json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":")),
        json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(", ", ": ")),
        json.dumps(value, ensure_ascii=False, separators=(",", ":")),
        " " + canonical(value).decode(),
    ):
        if other.encode() != canonical(value):
            refused("not-canonical", parse, other.encode())


@given(TEXTS)
def test_quote_is_the_canonical_json_of_a_string(text):
    assert quote(text).encode() == rfc8785.dumps(text)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1.0, "not-canonical-type"),
        (float("nan"), "not-canonical-type"),
        (b"bytes", "not-canonical-type"),
        ({1: 2}, "bad-field-name"),
        ({"A": 1}, "bad-field-name"),
        ({"__proto__": 1}, "bad-field-name"),
        ({"a" * 33: 1}, "bad-field-name"),
        ({"": 1}, "bad-field-name"),
        ({"名": 1}, "bad-field-name"),
        (MAX_INTEGER + 1, "integer-too-large"),
        (-MAX_INTEGER - 1, "integer-too-large"),
        ("\u202e", "forbidden-character"),
        ("\n", "forbidden-character"),
        ("\ud800", "forbidden-character"),
        ("e\u0301", "not-nfc"),
        ([[[[[[[[[]]]]]]]]], "too-deep"),
    ],
)
def test_what_canonical_json_may_not_hold_is_refused(value, code):
    refused(code, canonical, value)


def test_depth_8_is_the_deepest():
    assert parse(b"[[[[[[[[]]]]]]]]") == [[[[[[[[]]]]]]]]
    refused("too-deep", parse, b"[[[[[[[[[]]]]]]]]]")


@pytest.mark.parametrize("character", [*map(chr, range(32)), "\x7f", "\x85", "\u200b", "\u2028", "\u2069", "\ufeff"])
def test_a_character_that_nobody_sees_is_refused_raw_and_escaped(character):
    refused("forbidden-character", check_text, f"a{character}b")
    for parser in (parse, parse_row):
        with pytest.raises(EncodingError):
            parser(json.dumps(f"a{character}b").encode())
        with pytest.raises(EncodingError):
            parser(json.dumps(f"a{character}b", ensure_ascii=False).encode())


@given(st.lists(st.binary(max_size=8).filter(lambda line: b"\n" not in line), max_size=5))
def test_split_lines_undoes_lines(items):
    assert split_lines(lines(items)) == items


def test_an_unfinished_line_is_refused():
    refused("unfinished-line", split_lines, b"a\nb")


@given(st.binary(max_size=40))
def test_base64_has_one_spelling(data):
    text = to_base64(data)
    assert from_base64(text) == data
    for other in (
        text + "\n",
        " " + text,
        text.rstrip("=") if "=" in text else text + "=",
        text.replace("+", "-") + "_",
    ):
        refused("not-base64", from_base64, other)


def test_base64_with_stray_bits_is_refused():
    assert from_base64("AA==") == b"\0"
    refused("not-base64", from_base64, "AB==")


@given(st.integers(parse_time("1000-01-01T00:00:00Z"), parse_time("9999-12-31T23:59:59Z")))
def test_parse_time_undoes_format_time(seconds):
    assert parse_time(format_time(seconds)) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-07T10:00:00",
        "2026-09-07T10:00:00+00:00",
        "2026-09-07 10:00:00Z",
        "2026-9-7T10:00:00Z",
        "20260907T100000Z",
        "2026-02-30T00:00:00Z",
        "2026-09-07T24:00:00Z",
        "2026-09-07T10:00:60Z",
        "2026-09-07T10:00:00.0Z",
        "٢٠٢٦-09-07T10:00:00Z",
        "2026-09-07T10:00:00Z\n",
        "",
    ],
)
def test_a_time_has_one_spelling(text):
    refused("not-a-time", parse_time, text)


@pytest.mark.parametrize(
    "text", ["2026-9-7", "2026-02-30", "20260907", "2026-09-07Z", "2026-09-07\n", "0000-01-01", ""]
)
def test_a_date_has_one_spelling(text):
    refused("not-a-date", check_date, text)


def test_a_day_ends_in_china_sixteen_hours_into_it():
    assert format_time(end_of_day("2026-09-20")) == "2026-09-20T16:00:00Z"
    assert end_of_day("2026-09-21") - end_of_day("2026-09-20") == 86_400
