"""Selection by bounds and quotas by groups: always what sorting all tickets, and looking at every row, would give."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairdraw import encoding, selection, tickets
from fairdraw.exclusion import DRAWN_BEFORE, YEARLY_CAP, Exclusion
from fairdraw.filter import holds, parse
from fairdraw.quota import Stratum, allocate
from fairdraw.roster import Part, Roster, RosterRow
from fairdraw.schema import Plan
from support.story import SLOT, Story, rule
from transparency_log import fast

KEY = bytes(range(32))


@dataclass
class Coarse:
    """A hash with three values: tickets that are equal as often as none ever will be."""

    data: bytes = b""

    def copy(self) -> "Coarse":
        return Coarse(self.data)

    def update(self, data: bytes) -> None:
        self.data += data

    def digest(self) -> bytes:
        return bytes([sha256(self.data).digest()[0] % 3]) * 32


def sorted_out(hashed, parts) -> list[list[tuple[bytes, str]]]:
    """Return the smallest tickets of parts, (numbers, count), by hashing and sorting all of them."""

    def ticket(no: str) -> bytes:
        state = hashed(f"{KEY.hex()}\nobject\n".encode())
        state.update(f"{no}\n".encode())
        return state.digest()

    return [sorted((ticket(no), no) for no in part)[:count] for part, count in parts]


def places(objects: Roster, lowest) -> list[list[tuple[bytes, str]]]:
    told = [[bytes(records[at : at + 40]) for at in range(0, len(records), 40)] for records in lowest]
    return [[(one[:32], objects.number(int.from_bytes(one[32:], "big"))) for one in records] for records in told]


@st.composite
def wanted(draw):
    size, groups = draw(st.integers(1, 60)), draw(st.integers(1, 4))
    kinds = draw(st.lists(st.integers(0, groups - 1), min_size=size, max_size=size))
    objects = Roster.of(RosterRow(f"H-{i:03d}", {"kind": kind}, "0" * 64) for i, kind in enumerate(kinds))
    some = st.sets(st.sampled_from(range(len(objects.groups))))
    parts = [
        Part(objects, draw(some), draw(st.sets(st.integers(0, size - 1), max_size=5)))
        for _ in range(draw(st.integers(0, 4)))
    ]
    return objects, [(part, draw(st.sampled_from([0, 1, 3, len(part), len(part) + 2]))) for part in parts]


@settings(max_examples=150, deadline=None)
@given(wanted(), st.sampled_from([b"\x00", b"\x20", b"\x80", None]))
@pytest.mark.parametrize("compiled", [False, True])
def test_bounds_select_what_sorting_selects_and_are_raised_where_too_few_pass(compiled, made, first):
    """`first` is a bound that may well be too low, for the first pass."""
    objects, parts = made
    bound = tickets.bound

    def low(count: int, size: int, spare: int) -> bytes:
        return bound(count, size, spare) if first is None or spare > 1 else first * 32

    with patch.object(selection, "_pays", lambda rows: compiled), patch.object(selection, "bound", low):
        lowest = selection.smallest(KEY, "object", objects, parts)
    assert places(objects, lowest) == sorted_out(sha256, parts)


@settings(max_examples=100, deadline=None)
@given(wanted())
def test_equal_tickets_fall_to_the_smaller_number(made):
    objects, parts = made
    with patch.object(selection, "sha256", Coarse), patch.object(selection, "_pays", lambda rows: False):
        lowest = selection.smallest(KEY, "object", objects, parts)
    assert places(objects, lowest) == sorted_out(Coarse, parts)


@given(st.lists(st.binary(min_size=9, max_size=9), max_size=60), st.sampled_from([b"\xff" * 8, b"\x7f" * 8, b"\0" * 8]))
@pytest.mark.parametrize("together", [1, 4, 1 << 10])
def test_records_are_sorted_whatever_is_sorted_at_once(together, drawn, most):
    limit = most + b"\xff" * 24
    found = [min(one + bytes(23), limit) + at.to_bytes(8, "big") for at, one in enumerate(drawn)]
    found += [limit + bytes(8)]
    records = bytearray(b"".join(found))
    with patch.object(selection, "_TOGETHER", together):
        selection._sort(records, limit)
    assert records == b"".join(sorted(found))


@pytest.mark.skipif(fast.why_not() is not None, reason="there is no compiled code here")
def test_compiled_code_puts_equal_tickets_in_the_order_of_their_rows():
    from fairdraw.kernels import tickets as compiled

    records = [bytes([at % 3]) * 32 + (at * 300).to_bytes(8, "big") for at in reversed(range(50))]
    table = bytearray(b"".join(records))
    compiled.sort(table)
    assert table == b"".join(sorted(records))


@pytest.mark.skipif(fast.why_not() is not None, reason="there is no compiled code here")
def test_compiled_code_looks_at_numbers_that_lie_end_to_end():
    from array import array
    from itertools import accumulate

    from fairdraw.kernels import tickets as compiled

    numbers = [f"H-{i}" for i in range(200)]
    ends = array("Q", accumulate(map(len, numbers)))
    told = list(compiled.below(KEY, "audit", "".join(numbers).encode(), ends, [tickets.bound(20, 200, 1)]))
    found = [record[:32].tobytes() for _, records in told for record in records]
    limit = tickets.bound(20, 200, 1)
    assert found == [one for one in (tickets.ticket(KEY, "audit", no) for no in numbers) if one <= limit]
    with pytest.raises(ValueError, match="longer"):
        list(compiled.below(KEY, "audit", b"A" * 41, array("Q", [41]), [limit]))
    with pytest.raises(ValueError, match="purpose"):
        list(compiled.below(KEY, "a-purpose-no-draw-has", b"A", array("Q", [1]), [limit]))


@pytest.mark.skipif(fast.why_not() is not None, reason="there is no compiled code here")
@pytest.mark.parametrize(
    ("ends", "codes", "leads", "tail"),
    [([2], [0], [0], 0), ([9, 1], [0, 0], [0], 0), ([2**64 - 1, 1], [0, 0], [0], 0), ([1], [1], [0], 0),
     ([1, 2], [0], [0], 0), ([1], [0], [-1], 0), ([1], [0], [0, 0], 0), ([1], [0], [], 0), ([1], [0], [0], -1),
     ([1], [0], [2**62], 0), ([1], [0], [0], 2**63 - 1)],
)  # fmt: skip
def test_compiled_code_reads_nothing_beyond_its_columns(ends, codes, leads, tail):
    from array import array

    from fairdraw.kernels import tickets as compiled

    columns = {"codes": array("I", codes), "leads": leads, "tail": tail}
    with pytest.raises(ValueError, match=r"fit each other|not in the data"):
        list(compiled.below(KEY, "audit", b"A", array("Q", ends), [b"\xff" * 32], **columns))


@settings(max_examples=100, deadline=None)
@given(st.sets(st.text("ab01", min_size=1, max_size=4), max_size=30), st.integers(0, 40))
def test_a_list_gives_the_same_tickets_as_a_roster(numbers, count):
    ordered = sorted(numbers)
    objects = Roster.of(RosterRow(no, {}, "0" * 64) for no in ordered)
    everybody = Part(objects, range(len(objects.groups)))
    told = tickets.smallest(KEY, "audit", ordered, count)
    assert tuple(no for _, no in told) == selection.lowest_numbers(KEY, "audit", everybody, count)
    assert told == sorted((tickets.ticket(KEY, "audit", no), no) for no in numbers)[:count]


def stratum(at: int, part: Part, quota: int) -> Stratum:
    return Stratum(
        item=f"item-{at}", values=(at,), total=len(part), base=len(part), eligible=part, quota=quota, wanted=quota,
        ratio=Fraction(1), whole=False, derivation="",
    )  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(wanted())
@pytest.mark.parametrize("compiled", [False, True])
def test_an_object_of_several_strata_is_drawn_once_with_all_of_them(compiled, made):
    objects, parts = made
    strata = [stratum(at, part, min(count, len(part))) for at, (part, count) in enumerate(parts)]
    with patch.object(selection, "_pays", lambda rows: compiled):
        told = selection.select(KEY, objects, strata)
    expected: dict[tuple[bytes, str], list[int]] = {}
    for at, chosen in enumerate(sorted_out(sha256, parts)):
        for place in chosen:
            expected.setdefault(place, []).append(at)
    assert [((one.ticket, one.no), list(one.strata)) for one in told.drawn] == sorted(expected.items())
    assert all(objects.number(one.row) == one.no for one in told.drawn)
    assert list(told.cutoffs) == [chosen[-1][0] if chosen else None for chosen in sorted_out(sha256, parts)]


ATTRS = st.fixed_dictionaries(
    {"type": st.sampled_from(["h", "p", 1, True, None]), "region": st.sampled_from(["a", "b"])}
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ATTRS, min_size=1, max_size=40), st.sampled_from(["", 'region = "a"', 'region in {"b"}']), st.data())
def test_strata_are_those_of_every_row_looked_at_by_itself(attrs, text, data):
    rows = [RosterRow(f"H-{i:03d}", one, "0" * 64) for i, one in enumerate(attrs)]
    who = st.sampled_from([*(row.no for row in rows), "H-nobody"])
    out = {
        Exclusion(item, no, reason)
        for no in data.draw(st.sets(who))
        for item, reason in ((None, YEARLY_CAP), ("fund-use", DRAWN_BEFORE), ("another", DRAWN_BEFORE))
        if data.draw(st.booleans())
    }
    plan = Story().plan(slots=(SLOT,), rules=(rule(SLOT, filter=text),)).of(Plan)
    known = parse(text)
    total: Counter[bytes] = Counter()
    base: Counter[bytes] = Counter()
    eligible: dict[bytes, list[str]] = {}
    for row in rows:
        key = encoding.canonical([row.attrs["type"]])
        total[key] += 1
        if holds(known, row.attrs):
            base[key] += 1
            struck = {one.no for one in out if one.item in (None, "fund-use")}
            eligible.setdefault(key, []).extend([] if row.no in struck else [row.no])
    strata = allocate(plan, [SLOT], Roster.of(rows), out).strata
    assert [encoding.canonical(list(one.values)) for one in strata] == sorted(eligible)
    for one in strata:
        key = encoding.canonical(list(one.values))
        assert (one.total, one.base, list(one.eligible)) == (total[key], base[key], eligible[key])
        before = {x.no for x in out if x.item == "fund-use" and x.reason == DRAWN_BEFORE}
        same = [row for row in rows if encoding.canonical([row.attrs["type"]]) == key and holds(known, row.attrs)]
        drawn_before = sum(row.no in before for row in same)
        assert (f";before={drawn_before}" in one.derivation) == bool(drawn_before)
