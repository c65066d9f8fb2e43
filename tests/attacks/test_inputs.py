"""Attacks with the bytes of an input (docs/threat-model.md, 46): every parser takes one spelling and no bombs.

Whatever the bytes are, a reader answers with a value or with its own error, and never with another exception.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairdraw.announcement import read_exclusions, read_recusals
from fairdraw.bundle import Bundle, read_file
from fairdraw.encoding import canonical, from_base64, parse
from fairdraw.errors import Error
from fairdraw.record import read_lines
from fairdraw.roster import read_row
from fairdraw.schema import SnapshotStatement
from fairdraw.snapshot import read_openings
from fairdraw.statement import parse_text, read_entry
from fairdraw.trust import parse_trust
from fairdraw.verify import Report
from support.story import Told, begin, change, rebundled, recusal, tell, trust_text
from transparency_log.checkpoint import Checkpoint
from transparency_log.errors import LogError
from transparency_log.note import Note, Verifier
from transparency_log.policy import Policy
from transparency_log.proof import TlogProof

TOLD = tell()
ROSTER: SnapshotStatement = TOLD.objects[0].of(SnapshotStatement)
LINE = TOLD.objects[1].roster.data.splitlines()[0]
RECUSAL = recusal("H-000000", "I-0000")
EXCLUSION = canonical({"item": None, "no": "H-000000", "reason": "yearly-cap"})
OPENING = canonical({"field": "name", "no": "H-000001", "path": [], "salt": "00" * 32, "value": "医院"})
BUNDLE = TOLD.bundle()
PROOF = from_base64(BUNDLE.entries[0].proof)


def checkpoint_of(data: bytes) -> Checkpoint:
    return Checkpoint.parse(data.decode())


# name → (the parser, bytes that it takes)
PARSERS: dict[str, tuple[Callable[[bytes], Any], bytes]] = {
    "value": (parse, canonical({"a": [1, "x", None, True]})),
    "statement": (parse_text, TOLD.announcement.note.text.encode()),
    "entry": (lambda data: read_entry(data, 0), TOLD.announcement.data),
    "roster line": (lambda data: read_row(data, ROSTER), LINE),
    "recusals": (read_recusals, RECUSAL + b"\n"),
    "exclusions": (read_exclusions, EXCLUSION + b"\n"),
    "openings": (lambda data: list(read_openings(data)), OPENING + b"\n"),
    "result list": (read_lines, TOLD.record.artifact if TOLD.record else b""),
    "bundle": (read_file, BUNDLE.format()),
    "trust file": (parse_trust, trust_text(TOLD.story).encode()),
    "note": (Note.parse, TOLD.announcement.data),
    "proof": (TlogProof.parse, PROOF),
}
JSON = ("value", "statement", "roster line", "recusals", "exclusions", "openings", "result list", "bundle")


@pytest.mark.parametrize("name", PARSERS)
def test_every_parser_takes_its_own_bytes(name):
    parser, good = PARSERS[name]
    parser(good)


def refused(name: str, data: bytes) -> None:
    parser, _ = PARSERS[name]
    with pytest.raises((Error, LogError)):
        parser(data)


def quoted(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


# A string that each JSON input holds, to be spelled otherwise, and where it stands.
STRINGS = {
    "value": b'"x"',
    "statement": b'"2026-09-30"',
    "roster line": b'"370102"',
    "recusals": b'"kinship"',
    "exclusions": b'"yearly-cap"',
    "openings": "医院".encode(),
    "result list": b'"ceil(20*1/10)=2"',
    "bundle": b'"bundle"',
}

BAD_TEXT = {
    "a bidi override": quoted("\u202e"),
    "a bidi isolate": quoted("\u2066"),
    "a zero-width joiner": quoted("\u200d"),
    "a BOM inside": quoted("\ufeff"),
    "a line separator": quoted("\u2028"),
    "a next-line control": quoted("\x85"),
    "a raw newline": b"\n",
    "a raw tab": b"\t",
    "a NUL": b"\0",
    "an escaped newline": b"\\n",
    "an escaped NUL": b"\\u0000",
    "an escaped letter": b"\\u0078",
    "an escaped slash": b"\\/",
    "a lone surrogate": quoted("\ud800"),
    "an escaped lone surrogate": b"\\ud800",
    "an escaped pair": b"\\ud83d\\ude00",
    "bytes that are not UTF-8": b"\xff\xfe",
    "an overlong slash": b"\xc0\xaf",
    "a decomposed letter": quoted("e\u0301"),
}


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize("what", BAD_TEXT)
def test_text_that_looks_like_other_text_is_refused(name, what):
    _, good = PARSERS[name]
    one = STRINGS[name]
    assert one in good
    inside = one.removesuffix(b'"') + BAD_TEXT[what] + (b'"' if one.endswith(b'"') else b"")
    refused(name, good.replace(one, inside, 1))


SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "a BOM before": lambda data: b"\xef\xbb\xbf" + data,
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "a space before": lambda data: b" " + data,
    "a space after": lambda data: data.removesuffix(b"\n") + b" " + (b"\n" if data.endswith(b"\n") else b""),
    "a space inside": lambda data: data.replace(b'":', b'": ', 1) if b'":' in data else data.replace(b",", b", ", 1),
    "a carriage return": lambda data: data.removesuffix(b"\n") + b"\r\n",
    "one more newline": lambda data: data + b"\n",
    "nothing": lambda data: b"{}" + (b"\n" if data.endswith(b"\n") else b""),
    "null": lambda data: b"null" + (b"\n" if data.endswith(b"\n") else b""),
    "NaN": lambda data: b"NaN" + (b"\n" if data.endswith(b"\n") else b""),
    "cut in half": lambda data: data[: len(data) // 2],
    "said twice": lambda data: data.removesuffix(b"\n") + data,
    "__proto__": lambda data: data.replace(b"{", b'{"__proto__":{},', 1),
    "constructor": lambda data: data.replace(b"{", b'{"constructor":{},', 1),
    "an unknown field": lambda data: data.replace(b"}", b',"zzz":0}', 1),
    "a field of upper case": lambda data: data.replace(b"{", b'{"A":0,', 1),
    "a doubled key": lambda data: data.replace(b"{", data[1 : data.index(b":") + 1] + b"0,", 1),
}


@pytest.mark.parametrize("name", [name for name in JSON if name != "value"])
@pytest.mark.parametrize("what", SPELLINGS)
def test_another_spelling_of_an_input_is_refused(name, what):
    bent = SPELLINGS[what](PARSERS[name][1])
    if name in {"recusals", "exclusions", "openings", "result list"} and what == "said twice":
        bent = PARSERS[name][1][:-2] + b'"\n'
    refused(name, bent)


NUMBERS = [b"1.0", b"1e0", b"-0", b"01", b"+1", b"0x1", b"9007199254740992", b"1" * 5000, b"Infinity", b"-Infinity",
           b"1.", b".1", b"\xd9\xa1"]  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_has_one_spelling_and_53_bits(number):
    refused("value", b'{"a":' + number + b"}")
    seq = f'"seq":{TOLD.announcement.statement.seq}'.encode()
    refused("statement", PARSERS["statement"][1].replace(seq, b'"seq":' + number))
    refused("bundle", PARSERS["bundle"][1].replace(b'"v":0', b'"v":' + number))
    refused("result list", PARSERS["result list"][1].replace(b'"base":20', b'"base":' + number, 1))


@pytest.mark.parametrize("bent", [b"false", b"null", b'"0"', b"[]", b"1"])
def test_version_0_is_the_integer_0(bent):
    refused("statement", PARSERS["statement"][1].replace(b'"v":0', b'"v":' + bent))
    refused("bundle", PARSERS["bundle"][1].replace(b'"v":0', b'"v":' + bent))


@pytest.mark.parametrize("bent", [(b'"with":[]', b'"with_":[]'), (b',"with":[]', b""), (b',"v":0', b"")])
def test_a_field_left_out_or_called_otherwise_is_no_second_spelling_of_a_statement(bent):
    text = PARSERS["statement"][1]
    assert bent[0] in text
    refused("statement", text.replace(*bent))


@pytest.mark.parametrize("name", [*JSON, "trust file"])
@pytest.mark.parametrize("depth", [9, 500, 990, 1000, 1010, 100_000])
@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"a":', b"}")])
def test_a_bomb_of_brackets_is_refused(name, depth, brackets):
    left, right = brackets
    bomb = left * depth + (b"" if left == b"[" else b"0") + right * depth
    refused(name, bomb)
    refused(name, bomb + b"\n")


def test_a_bomb_is_refused_wherever_the_stack_ends():
    def deep(levels: int, data: bytes) -> None:
        if levels:
            deep(levels - 1, data)
        else:
            refused("roster line", data)
            refused("value", data)

    room = sys.getrecursionlimit()
    for used in range(0, room - 250, 97):
        for depth in range(max(0, room - used - 150), room - used, 7):
            deep(used, b"[" * depth + b"]" * depth)


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "<b>", "&amp;", '"><img src=x onerror=1>', "javascript:"]
)
def test_markup_is_text_like_any_other(text):
    assert parse(canonical({"a": text})) == {"a": text}
    told = canonical([text])
    assert parse(told) == [text]


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_bytes_give_a_value_or_an_own_error(data):
    for parser, _ in PARSERS.values():
        with suppress(Error, LogError):
            parser(data)


@given(st.sampled_from(sorted(PARSERS)), st.data())
@settings(max_examples=250, deadline=None)
def test_a_mangled_input_gives_a_value_or_an_own_error(name, data):
    parser, good = PARSERS[name]
    at = data.draw(st.integers(0, len(good) - 1))
    junk = data.draw(st.binary(max_size=6))
    kept = data.draw(st.integers(0, 6))
    with suppress(Error, LogError):
        parser(good[:at] + junk + good[at + kept :])


# -- hostile values in well-formed bundles ------------------------------------------------------------------------


def judged(told: Told, bundle: Bundle) -> Report:
    return told.report(bundle)


SIMPLE = st.none() | st.booleans() | st.integers(-1, 2**53 - 1) | st.sampled_from(
    ["", "0" * 64, "AAAA", "2026/x/1", "practice", "H-000001", "9999-12-31", "0001-01-01", "0001-01-01T00:00:00Z"]
)  # fmt: skip


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the place of every value inside a value."""
    told = [here] if here else []
    if isinstance(value, dict):
        for name in value:
            told += paths(value[name], (*here, name))
    elif isinstance(value, list):
        for index in range(len(value)):
            told += paths(value[index], (*here, index))
    return told


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    step, *rest = path
    if isinstance(value, dict):
        return value | {step: put(value[step], tuple(rest), new)}
    return [put(one, tuple(rest), new) if i == step else one for i, one in enumerate(value)]


BUNDLE_VALUE = parse(BUNDLE.format()[:-1])
BUNDLE_PATHS = paths(BUNDLE_VALUE)
REPLACED = [one for one in BUNDLE_PATHS if one[0] != "artifacts" or len(one) > 1]


@given(st.sampled_from(REPLACED), SIMPLE | st.lists(SIMPLE, max_size=2))
@settings(max_examples=120, deadline=None)
def test_a_bundle_with_any_value_replaced_is_refused_or_judged_and_never_holds(path, new):
    bent = put(BUNDLE_VALUE, path, new)
    if bent == BUNDLE_VALUE:
        return
    try:
        bundle = read_file(canonical(bent) + b"\n")
    except Error:
        return
    assert isinstance(bundle, Bundle)
    # To leave out the pulses, which stand in the draw too, says nothing false.
    assert judged(TOLD, bundle).verdict != "holds" or path == ("pulses",)


STATEMENT_PATHS = {
    name: paths(parse(entry.note.text.encode()[:-1]))
    for name, entry in (("plan", TOLD.plan), ("snapshot", TOLD.objects[0]), ("announcement", TOLD.announcement))
}


@given(st.sampled_from([(name, path) for name, told in STATEMENT_PATHS.items() for path in told]), SIMPLE)
@settings(max_examples=80, deadline=None)
def test_a_bureau_that_signs_any_value_it_likes_gets_a_report(which, new):
    """Every statement is signed and logged anew: what the schema lets through must not stop the verifier."""
    name, path = which
    entry = {"plan": TOLD.plan, "snapshot": TOLD.objects[0], "announcement": TOLD.announcement}[name]
    told = begin()
    text = canonical(put(parse(entry.note.text.encode()[:-1]), path, new)) + b"\n"
    try:
        statement = parse_text(text)
    except Error:
        return
    index = entry.index
    told.story.entries[index] = Note(text.decode(), (told.story.bureau.sign(text.decode()),)).format()
    told.story.checkpoints.clear()
    told.story.checkpoint()
    bent = read_entry(told.story.entries[index], index)
    announcement = bent if name == "announcement" else told.announcement
    carried = [read_entry(data, at) for at, data in enumerate(told.story.entries)]
    base = rebundled(told, carried)
    bundle = change(base, {"announcement": announcement.text_hash})
    report = told.report(bundle)
    assert report.verdict != "holds"
    assert statement.type == entry.statement.type


@pytest.mark.parametrize("name", ["entries", "checkpoints", "artifacts"])
def test_a_log_view_of_garbage_gives_a_report(name):
    view = TOLD.log()
    for garbage in (b"", b"\xff", b"\n\n\n", b"{}"):
        fields = {"entries": view.entries, "checkpoints": view.checkpoints, "artifacts": view.artifacts}
        fields[name] = {"00" * 32: garbage} if name == "artifacts" else [garbage] * 5
        report = TOLD.report(log=type(view)(**fields))
        assert report.verdict == ("holds" if name == "artifacts" else "fails")


def test_a_policy_and_a_key_of_garbage_are_refused():
    for text in (
        "",
        "+",
        "a+b",
        "a+00000000+AA==",
        "a+b+c+d",
        "log",
        "quorum",
        "witness a b c d e",
        "\ufeffquorum none",
    ):
        with pytest.raises(LogError):
            Verifier.parse(text)
        with pytest.raises(LogError):
            Policy.parse(text)


@pytest.mark.parametrize(
    "line",
    [
        "bureau a b", "bureau a b c d e f", "bureau a\u3000b c", "supervisor x", "beacon a b c d e f", "margin -1",
        "margin 01", "margin 1.0", "margin ٣", "margin", "freshness 1 2", "rehearsal", "retired practice yesterday",
        "receipts 1\nreceipts 1", "trust everybody", "log\u00a0x", "margin 1\r", "\u202emargin 1", "margin\u30001",
        "beacon quicknet 00 00 bls-unchained-g1-rfc9380 3 0",
    ],
)  # fmt: skip
def test_a_line_of_a_trust_file_that_is_not_in_the_grammar_is_refused(line):
    text = trust_text(TOLD.story)
    parse_trust(text.encode())
    refused("trust file", (text + line + "\n").encode())


def test_a_trust_file_of_another_kind_is_refused():
    text = trust_text(TOLD.story)
    for bent in ("", "\n", "fairdraw/trust v2\n", text.replace("fairdraw/trust v1", "fairdraw/trust v1 "[:-2] + "2")):
        refused("trust file", bent.encode())
    refused("trust file", b"\xef\xbb\xbf" + text.encode())
    refused("trust file", text.encode("utf-16"))
