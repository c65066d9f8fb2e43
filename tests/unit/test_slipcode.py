"""A slip in codes: what real slips give comes back byte for byte, what nobody printed is refused. specs/slip.md §6."""

import json
import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairdraw import slipcode
from fairdraw.errors import BundleError
from support.slips import drawn_and_not, slip_of
from support.story import begin, committed, sealed, tell

VECTORS = json.loads((Path(__file__).resolve().parents[2] / "specs/vectors/slipcode.json").read_text("utf-8"))


def cases(kind):
    return [pytest.param(case, id=case["name"]) for case in VECTORS[kind]]


@pytest.mark.parametrize("case", cases("accept"))
def test_what_is_printed_is_read_as_the_file(case):
    assert slipcode.decode(case["parts"]).decode() == case["file"]


@pytest.mark.parametrize("case", cases("refuse"))
def test_what_nobody_printed_is_refused(case):
    with pytest.raises(BundleError) as caught:
        slipcode.decode(case["parts"])
    assert (caught.value.code, caught.value.params) == (case["expect"], {"reason": case["reason"]})


def slips():
    plain = tell()
    drawn, undrawn = drawn_and_not(plain)
    yield slip_of(plain, drawn)
    yield slip_of(plain, undrawn)
    yield slip_of(plain, drawn, own=True)
    yield slip_of(plain, "I-0003", role="inspectors")
    several = begin(before=committed())
    several.close(several.reveal())
    yield slip_of(several.later().go_on(), "H-000001")
    shut = begin(before=sealed()).go_on()
    shut.open_up()
    yield slip_of(shut.later(), "H-000001")


def test_every_slip_comes_back_as_it_was_in_any_number_of_parts_and_in_any_order():
    for slip in slips():
        data = slip.format()
        for count in range(1, slipcode.MAX_PARTS + 1):
            parts = list(slipcode.encode(data, count))
            assert len(parts) == count
            random.Random(count).shuffle(parts)
            assert slipcode.decode(parts) == data


def test_a_slip_takes_less_than_a_third_of_its_file():
    # Plainly deflated, with its hashes in hex and base64 within base64, it would be half as large again.
    for slip in slips():
        [part] = slipcode.encode(slip.format(), 1)
        assert len(part) * 7 / 17 < len(slip.format()) / 3


def test_a_single_digit_that_was_misread_is_always_seen():
    slip = slip_of(tell(), "H-000001")
    [part] = slipcode.encode(slip.format(), 1)
    for at in range(2, len(part), 37):
        for digit in "0123456789".replace(part[at], ""):
            with pytest.raises(BundleError) as caught:
                slipcode.decode([part[:at] + digit + part[at + 1 :]])
            assert caught.value.code == "bad-slip-code"


@given(st.lists(st.text(alphabet="z=#0123456789 a", max_size=60), max_size=4))
def test_whatever_was_scanned_is_read_or_refused_and_never_a_fault(parts):
    with suppress(BundleError):
        slipcode.decode(parts)


@given(st.binary(max_size=80))
def test_whatever_a_stream_unfolds_into_is_read_or_refused_and_never_a_fault(data):
    with suppress(BundleError):
        slipcode.decode(slipcode.parts_of(data, 1))


WRITTEN = st.characters(min_codepoint=32, codec="utf-8")


@given(st.text(alphabet=WRITTEN, max_size=300) | st.from_regex(r"\A[0-9a-f]{0,600}\Z"))
def test_any_text_without_control_characters_comes_back(text):
    assert slipcode.decode(slipcode.encode(text.encode(), 2)) == text.encode()


def test_parts_are_found_in_what_a_scanner_wrote():
    parts = slipcode.encode(slip_of(tell(), "H-000001").format(), 3)
    scanned = "".join(f"QR-Code: https://draws.example.cn/verify.html#{part}\r\n" for part in (*parts, parts[0]))
    assert slipcode.parts_in(scanned) == parts
    assert slipcode.parts_in("https://draws.example.cn/d/3/#00ff") == ()
