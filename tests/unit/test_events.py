"""Definitions of events and their values: one spelling each, and no more bits than the numbers can have."""

import json
from math import comb, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fairdraw.encoding import format_time
from fairdraw.errors import BeaconError
from fairdraw.events import LONGEST, MAX_DOCUMENT, Definition, Event, check_values, read_definition, read_values
from support.sources import SEEN, definition, event, listed, numbers, strong


def refused(code, action, *args):
    with pytest.raises(BeaconError) as caught:
        action(*args)
    assert caught.value.code == code


@st.composite
def an_event(draw, name="e"):
    first = draw(st.integers(0, 50))
    last = first + draw(st.integers(1, 60))
    kind = draw(st.sampled_from(["set", "sequence"]))
    count = draw(st.integers(1, last - first if kind == "set" else 100))
    due = format_time(60 * draw(st.integers(29_000_000, 29_000_100)))
    told = event(name, kind=kind, count=count, first=first, last=last, bits=1, due=due)
    return told.model_copy(update={"bits": draw(st.integers(1, told.most_bits))})


@st.composite
def a_definition(draw):
    events = [draw(an_event(f"e{i}")) for i in range(draw(st.integers(1, 4)))]
    return definition(*events, deadline=format_time(60 * 29_000_101))


@given(a_definition())
def test_a_definition_is_read_back_as_it_was_written(of):
    assert read_definition(of.format()) == of
    assert of.time_of(of.round) == of.round * 60 < of.closes


@given(an_event())
def test_the_bits_of_numbers_are_the_logarithm_of_their_outcomes(one):
    there = one.last - one.first + 1
    outcomes = comb(there, one.count) if one.kind == "set" else there**one.count
    assert 2**one.most_bits <= outcomes < 2 ** (one.most_bits + 1)


@given(a_definition(), st.data())
def test_values_are_read_back_as_they_were_written_and_give_the_bits_of_what_was_published(of, data):
    absent = data.draw(st.sets(st.sampled_from([one.id for one in of.events])))
    told = {}
    for one in of.events:
        pool = st.integers(one.first, one.last)
        exactly = {"min_size": one.count, "max_size": one.count}
        drawn = data.draw(st.lists(pool, unique=one.kind == "set", **exactly))
        if one.id not in absent:
            told[one.id] = drawn
    values = of.values(told, dict.fromkeys(told, SEEN))
    assert read_values(values.format()) == values
    found = check_values(of, values)
    assert (found.bits, set(found.missing)) == (sum(e.bits for e in of.events if e.id not in absent), absent)


def test_the_order_of_a_set_means_nothing_and_that_of_a_sequence_does():
    of = definition(event("a"), event("b", kind="sequence", count=2, first=0, last=9, bits=6))
    seen = {"a": SEEN, "b": SEEN}
    one = of.values({"a": [6, 5, 4, 3, 2, 1], "b": [1, 2]}, seen)
    same = of.values({"a": [1, 2, 3, 4, 5, 6], "b": [1, 2]}, seen)
    other = of.values({"a": [1, 2, 3, 4, 5, 6], "b": [2, 1]}, seen)
    assert one == same != other
    assert one.key() == "1.2.3.4.5.6./1.2./"


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"ssq-red": [1, 2, 3, 4, 5]}, "event-value"),
        ({"ssq-red": [1, 2, 3, 4, 5, 5]}, "event-value"),
        ({"ssq-red": [1, 2, 3, 4, 5, 34]}, "event-value"),
        ({"ssq-blue": [1]}, "event-unknown"),
    ],
)
def test_numbers_that_an_event_cannot_have_are_refused(told, code):
    refused(code, definition().values, told, dict.fromkeys(told, SEEN))


def test_what_was_published_needs_evidence_and_nothing_else_has_any():
    of = definition()
    refused("event-evidence", of.values, numbers(of), {})
    refused("event-evidence", of.values, {}, {"ssq-red": SEEN})
    bent = json.loads(of.values({}, {}).format())
    bent["values"][0]["evidence"] = SEEN
    refused("bad-events", read_values, json.dumps(bent, sort_keys=True, separators=(",", ":")).encode() + b"\n")


@pytest.mark.parametrize(
    "changes",
    [
        {"count": 0},
        {"count": 101},
        {"first": -1},
        {"first": 33},
        {"last": 2**53},
        {"bits": 0},
        {"due": "2026-09-07T12:00:01Z"},
        {"due": "2026-09-07"},
        {"id": "SSQ"},
        {"what": ""},
        {"published": "p" * 201},
        {"kind": "heap"},
        {"colour": "red"},
    ],
)
def test_an_event_that_is_not_one_is_refused(changes):
    with pytest.raises(ValidationError):
        event(**changes)


def test_a_deadline_is_after_every_event_and_within_a_fortnight():
    first = definition().round * 60
    assert definition(deadline=format_time(first + LONGEST))
    for bad in (first + LONGEST + 1, first, first - 60):
        with pytest.raises(ValidationError, match="deadline"):
            definition(deadline=format_time(bad))


@pytest.mark.parametrize(
    "bend",
    [
        lambda data: data[:-1],
        lambda data: data + b"\n",
        lambda data: b" " + data,
        lambda data: data.replace(b":", b": ", 1),
        lambda data: data.replace(b'"v":0', b'"v":false'),
        lambda data: data.replace(b'"v":0', b'"v":1'),
        lambda data: data.replace(b',"v":0', b""),
        lambda data: data.replace(b'"v":0', b'"u":1,"v":0'),
        lambda data: b"[]\n",
        lambda data: b"\xff\n",
        lambda data: b" " * MAX_DOCUMENT + b"\n",
    ],
)
def test_another_spelling_of_a_definition_or_of_values_is_refused(bend):
    of = definition()
    assert bend(of.format()) != of.format()
    refused("bad-events", read_definition, bend(of.format()))
    refused("bad-events", read_values, bend(listed(of).format()))


def test_values_of_another_definition_or_with_an_event_left_out_are_refused():
    of, other = strong(), definition()
    refused("values-of-another", check_values, of, listed(other))
    told = listed(of)
    refused("values-of-another", check_values, of, told.model_copy(update={"values": told.values[:1]}))
    refused("values-of-another", check_values, of, told.model_copy(update={"values": told.values[::-1]}))


def test_the_claims_of_well_known_lotteries_are_bounded_as_they_should_be():
    red = event(kind="set", count=6, first=1, last=33)
    assert red.most_bits == int(log2(1_107_568)) == 20
    digits = Event.model_validate(red.model_dump() | {"kind": "sequence", "count": 3, "first": 0, "last": 9, "bits": 9})
    assert digits.most_bits == 9
    assert isinstance(Definition(deadline="2026-09-07T13:00:00Z", events=(digits,)).bits, int)
