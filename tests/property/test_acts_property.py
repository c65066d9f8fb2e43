"""Later acts: what is written comes back, and no bent byte of it is taken. specs/acts.md §2, §6."""

from hypothesis import given
from hypothesis import strategies as st

from fairdraw.acts import (
    ClosingLine,
    Inspection,
    OutcomeLine,
    Substitute,
    Vacancy,
    format_act,
    format_outcomes,
    read_act,
    read_outcomes,
    seal_act,
)
from fairdraw.errors import ActError
from support.acts import outcome
from support.story import tell

numbers = st.from_regex(r"[A-Za-z0-9._:-]{1,40}", fullmatch=True)
codes = st.from_regex(r"[a-z][a-z0-9-]{0,39}", fullmatch=True)
ids = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,39}", fullmatch=True)
days = st.dates().map(lambda day: day.isoformat())
hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)
TOLD = tell()


def several(elements, least=0):
    return st.sets(elements, min_size=least, max_size=4).map(lambda found: tuple(sorted(found)))


acts = st.one_of(
    st.builds(Vacancy, inspector=numbers, no=numbers),
    st.builds(
        Inspection, date=days, inspectors=several(numbers, 1), items=several(ids, 1), objects=several(numbers, 1)
    ),
    st.fixed_dictionaries(
        {"department": st.sampled_from(["", "ybj", "卫健"]), "eligible": st.integers(1, 99), "expert": st.booleans(),
         "in": numbers, "no": numbers, "out": numbers, "ticket": hashes}
    ).map(Substitute.model_validate),
)  # fmt: skip


@st.composite
def outcomes(draw):
    first, last, checked = sorted(draw(days) for _ in range(3))
    findings = draw(several(codes))
    entry = {"list": "none", "number": 1, "ground": "amount-below", "amount": draw(st.integers(0, 10**9))}
    lenient = [entry | {"finding": finding} for finding in findings[:1]]
    return outcome(
        TOLD, draw(numbers), items=draw(several(ids, 1)), method=draw(codes), first=first, last=last, checked=checked,
        findings=findings, leniency=tuple(lenient), transfers=draw(several(codes)),
        noncooperation=draw(several(st.tuples(days, codes))),
        rectify=draw(st.none() | st.just({"until": checked, "revisited": None})),
    )  # fmt: skip


def code_of(read):
    """Return the code of what a reader refuses, None where it refuses nothing."""
    try:
        read()
    except ActError as error:
        return error.code
    return None


def same(found, expected):
    if found != expected:
        raise ActError("another")


@given(acts, hashes)
def test_an_act_comes_back_sealed_or_not(act, nonce):
    assert read_act(type(act), format_act(act)) == act
    assert read_act(type(act), seal_act(act, nonce)) == act


@given(acts, st.data())
def test_an_act_with_a_bent_byte_is_another_act_or_none(act, data):
    told = bytearray(format_act(act))
    at = data.draw(st.integers(0, len(told) - 1))
    told[at] ^= data.draw(st.integers(1, 255))
    assert code_of(lambda: same(read_act(type(act), bytes(told)), act)) in {"bad-act", "another"}


@given(
    st.lists(outcomes() | st.builds(ClosingLine, closed=codes, no=numbers), max_size=4, unique_by=lambda one: one.no)
)
def test_outcomes_come_back_in_their_order(lines):
    data, named = format_outcomes(lines)
    assert sorted(lines, key=lambda one: one.no) == list(read_outcomes(data, named))


@given(st.lists(outcomes(), min_size=1, max_size=3, unique_by=lambda one: one.no), st.data())
def test_a_bent_list_of_outcomes_is_never_the_logged_one(lines, data):
    told, named = format_outcomes(lines)
    bent = bytearray(told)
    bent[data.draw(st.integers(0, len(bent) - 1))] ^= data.draw(st.integers(1, 255))
    assert code_of(lambda: read_outcomes(bytes(bent), named)) == "outcomes-altered"


@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused_without_a_crash(data):
    for kind in (Vacancy, Inspection, Substitute):
        assert code_of(lambda kind=kind: read_act(kind, data)) in {"bad-act", None}


def test_the_lines_of_a_result_are_of_the_two_kinds():
    assert OutcomeLine.model_fields.keys().isdisjoint({"closed"})
