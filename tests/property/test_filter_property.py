"""For any filter: one spelling, the meaning that sets give it, and an answer for every row."""

import re
import string
from functools import reduce

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fairdraw.encoding import MAX_INTEGER, check_text
from fairdraw.errors import EncodingError, FilterError
from fairdraw.filter import (
    EVERYBODY,
    MAX_LENGTH,
    WORDS,
    And,
    Between,
    Equal,
    Has,
    Not,
    OneOf,
    Or,
    Under,
    _order,
    check,
    format_filter,
    holds,
    parse,
)

TYPES = {"beds": "integer", "chain": "boolean", "grade": "string", "region": "string", "skills": "strings"}


def clean(text):
    try:
        check_text(text)
    except EncodingError:
        return False
    return True


WORD = st.one_of(st.sampled_from(["", "A", "3701", "37", '"', "\\", "甲", "and"]), st.text(max_size=6).filter(clean))
NUMBER = st.one_of(st.integers(-3, 3), st.integers(-MAX_INTEGER, MAX_INTEGER))
VALUES = {
    "integer": NUMBER,
    "boolean": st.booleans(),
    "string": WORD,
    "strings": st.lists(WORD, unique=True, max_size=4).map(sorted),
}
ROWS = st.lists(
    st.fixed_dictionaries({name: st.none() | VALUES[kind] for name, kind in TYPES.items()}), min_size=1, max_size=6
)


@st.composite
def asked(draw):
    field = draw(st.sampled_from(sorted(TYPES)))
    kind = TYPES[field]
    if kind == "strings":
        return draw(st.sampled_from([Has(field, draw(WORD)), Equal(field, None), OneOf(field, (None,))]))
    value = st.none() | VALUES[kind]
    choices = [Equal(field, draw(value))]
    values = {_order(one): one for one in draw(st.lists(value, min_size=1, max_size=4))}
    choices.append(OneOf(field, tuple(values[order] for order in sorted(values))))
    if kind == "integer":
        low, high = sorted((draw(NUMBER), draw(NUMBER)))
        choices += [Between(field, low, high), Between(field, low, None), Between(field, None, high)]
    if kind == "string":
        choices.append(Under(field, draw(WORD.filter(len))))
    return draw(st.sampled_from(choices))


def several(kind):
    def join(parts):
        flat = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))]
        return kind(tuple(flat))

    return join


FILTERS = st.recursive(
    asked(),
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(several(And)),
        st.lists(inner, min_size=2, max_size=3).map(several(Or)),
    ),
    max_leaves=8,
)


def spelled(known):
    text = format_filter(known)
    assume(len(text) <= MAX_LENGTH)
    return text


@given(FILTERS)
def test_every_filter_is_read_back_from_its_spelling(known):
    assert parse(spelled(known)) == known


def rows_that_pass(known, rows):
    """The naive oracle: every filter is a set of rows, and `and`, `or`, `not` are what sets have for them."""
    everybody = set(range(len(rows)))
    if isinstance(known, And | Or):
        sets = [rows_that_pass(part, rows) for part in known.parts]
        return reduce(set.intersection if isinstance(known, And) else set.union, sets)
    if isinstance(known, Not):
        return everybody - rows_that_pass(known.part, rows)
    known_rows = {i for i in everybody if rows[i][known.field] is not None}
    found = [row[known.field] for row in rows]
    wanted = known.values if isinstance(known, OneOf) else (known.value,) if isinstance(known, Equal) else ()
    if isinstance(known, OneOf | Equal):
        nulls = everybody - known_rows if None in wanted else set()
        return nulls | {i for i in known_rows if repr(found[i]) in [repr(value) for value in wanted]}
    if isinstance(known, Between):
        low = -MAX_INTEGER if known.low is None else known.low
        high = MAX_INTEGER if known.high is None else known.high
        return {i for i in known_rows if found[i] in range(low, high + 1)}
    if isinstance(known, Under):
        return {i for i in known_rows if found[i][: len(known.prefix)] == known.prefix}
    return {i for i in known_rows if known.value in set(found[i])}


@given(FILTERS, ROWS)
def test_a_filter_means_what_sets_of_rows_mean_and_answers_for_every_row(known, rows):
    check(known, TYPES.items())
    assert {i for i, row in enumerate(rows) if holds(known, row)} == rows_that_pass(known, rows)


@given(FILTERS, ROWS)
def test_not_turns_every_answer_round(known, rows):
    assert all(holds(Not(known), row) is not holds(known, row) for row in rows)


@given(FILTERS, st.data())
def test_a_mangled_filter_is_refused_or_another_filter(known, data):
    text = spelled(known)
    at = data.draw(st.integers(0, len(text)))
    piece = data.draw(st.sampled_from(["", " ", "(", ")", '"', "“", "0", "not ", "\u200b", "\u202e", "=", "١"]))
    mangled = text[:at] + piece + text[at + data.draw(st.integers(0, 2)) :]
    assume(mangled != text)
    try:
        other = parse(mangled)
    except FilterError as error:
        assert error.code.startswith("filter-")  # noqa: PT017 - both ends are right
    else:
        assert other != known
        assert format_filter(other) == mangled


@given(FILTERS, st.sampled_from([" ", "  ", "\t", "\n", "\u00a0", "\u3000"]), st.data())
def test_a_space_more_is_always_refused_outside_of_strings(known, space, data):
    text = spelled(known)
    places = [at for at in range(len(text) + 1) if re.sub(r"\\.", "", text[:at]).count('"') % 2 == 0]
    at = data.draw(st.sampled_from(places))
    with pytest.raises(FilterError):
        parse(text[:at] + space + text[at:])


@given(FILTERS)
def test_brackets_around_the_whole_are_refused_and_so_are_missing_ones(known):
    text = spelled(known)
    for other in (f"({text})", f"({text}", f"{text})"):
        with pytest.raises(FilterError):
            parse(other)


@given(asked())
def test_a_test_fits_one_type_of_attribute_alone_but_for_null_which_fits_all(known):
    kinds = set()
    for kind in VALUES:
        try:
            check(known, [(known.field, kind)])
        except FilterError as error:
            assert error.code == "filter-type"  # noqa: PT017 - both ends are right
        else:
            kinds.add(kind)
    any_type = known.value is None if isinstance(known, Equal) else isinstance(known, OneOf) and known.values == (None,)
    assert kinds == (set(VALUES) if any_type else {TYPES[known.field]})
    with pytest.raises(FilterError, match="filter-unknown-attribute"):
        check(known, [(name, kind) for name, kind in TYPES.items() if name != known.field])


@settings(max_examples=300)
@given(
    st.one_of(
        st.text(max_size=60),
        st.text(alphabet=string.printable, max_size=60),
        st.lists(
            st.sampled_from(
                [*sorted(WORDS), "a", "b", "=", "!=", ">=", "..", "{", "}", ",", "(", ")", '"x"', "1", " "]
            ),
            max_size=30,
        ).map(" ".join),
    )
)
def test_whatever_is_read_is_a_filter_in_its_one_spelling_or_refused_as_such(text):
    try:
        known = parse(text)
    except FilterError:
        return
    assert format_filter(known) == text
    assert (known == EVERYBODY) == (text == "")
