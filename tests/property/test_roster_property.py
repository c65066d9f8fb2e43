"""A roster is read line by line or by compiled code, in blocks of any size: always the same rows, or the same error."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fairdraw.encoding import canonical, digest, split_lines
from fairdraw.errors import EncodingError, SnapshotError
from fairdraw.roster import Part, Passing, Roster, RosterRow, read_roster, read_row, reading
from fairdraw.schema import SnapshotStatement
from fairdraw.values import Listing
from transparency_log import fast, merkle

NUMBERS = st.text("ABab01-._:", min_size=1, max_size=6) | st.sampled_from(["H-1", "h-1", "H-10", "A" * 40, "a" * 40])
ATTRS = st.fixed_dictionaries({
    "level": st.none() | st.sampled_from([0, 1, -(2**53) + 1]),
    "region": st.none() | st.sampled_from(["370102", "济南", 'a "b"', "a\\b", ',"no":"H-1', ""]),
    "tags": st.none() | st.sampled_from([[], ["x"], ["x", "y"]]),
})  # fmt: skip
SEALS = st.sampled_from(["0" * 64, "0123456789abcdef" * 4, merkle.EMPTY_ROOT.hex()])
ROWS = st.lists(st.builds(RosterRow, NUMBERS, ATTRS, SEALS), max_size=12)
SCHEMA = (("level", "integer"), ("region", "string"), ("tags", "strings"))

MANGLES = (
    (b'"seal":"0', b'"seal":"F'), (b'"no":"', b'"no":" '), (b'"no":"', b'"no" :"'), (b"370102", b"37\xff102"),
    (b'"tags":["x","y"]', b'"tags":["y","x"]'), (b'"level":1', b'"level":1.0'), (b'"level":1', b'"level":true'),
    (b'"level"', b'"levels"'), (b'{"attrs"', b'{"a":0,"attrs"'), (b"}\n", b"} \n"), (b"}\n", b"}\r\n"),
    (b"}\n", b"}\n\n"),
    (b'"},"no"', b'"}, "no"'), (b'"seal":"', b'"seal":"0'), (b'"no":"H-1"', b'"no":"H-1","no":"H-1"'), (b"\n", b""),
    (b"\xe6\xb5\x8e\xe5\x8d\x97", b"e\xcc\x81"), (b'"region":"370102"', b'"region":"\\u0033"'),
    (b'"no":"H-1"', b'"no":"H-\\u0031"'),
)  # fmt: skip


@contextmanager
def way(*, compiled: bool, block: int = 1 << 22) -> Iterator[None]:
    with patch.object(reading, "_pays", lambda rows: compiled), patch.object(reading, "_BLOCK", block):
        yield


def listing(data: bytes) -> Listing:
    lines = data.split(b"\n")[:-1]
    root = merkle.root(map(merkle.leaf_hash, lines))
    return Listing(root=root.hex(), count=len(lines), digest=digest(data), length=len(data))


def statement(roster: Listing, *, private: bool = True) -> SnapshotStatement:
    return SimpleNamespace(roster=roster, attrs=SCHEMA, private=(("name", True),) if private else ())


def by_hand(data: bytes, said: SnapshotStatement) -> list[RosterRow]:
    """Specs/snapshot.md §3, rule after rule, with no thought of how long it takes."""
    if (len(data), digest(data)) != (said.roster.length, said.roster.digest):
        raise SnapshotError("wrong-digest", expected=said.roster.digest, found=digest(data))
    try:
        rows = [read_row(line, said) for line in split_lines(data)]
    except EncodingError as error:
        raise SnapshotError("bad-roster-line", expected="canonical JSON", found=str(error)) from None
    for before, after in pairwise(rows):
        if before.no >= after.no:
            raise SnapshotError("roster-not-sorted", expected=before.no, found=after.no)
    folded = Counter(row.no.casefold() for row in rows)
    if twice := [no for no, count in folded.items() if count > 1]:
        raise SnapshotError("number-twice", found=twice[0])
    root = merkle.root(map(merkle.leaf_hash, data.split(b"\n")[:-1]))
    if (len(rows), root.hex()) != (said.roster.count, said.roster.root):
        raise SnapshotError("wrong-root", expected=said.roster.root, found=root.hex())
    return rows


def outcome(read, data, said):
    try:
        rows = read(data, said)
    except SnapshotError as error:
        return error.code, error.params
    return list(rows.rows if isinstance(rows, Roster) else rows)


@st.composite
def artifacts(draw) -> tuple[bytes, SnapshotStatement]:
    rows = draw(ROWS)
    if draw(st.integers(0, 3)):
        rows = sorted({row.no: row for row in rows}.values())
    data = b"".join(row.line() + b"\n" for row in rows)
    for old, new in draw(st.lists(st.sampled_from(MANGLES), max_size=2)):
        parts = data.split(old)
        at = draw(st.integers(0, max(len(parts) - 2, 0)))
        data = old.join(parts[: at + 1]) + (new + old.join(parts[at + 1 :]) if len(parts) > at + 1 else b"")
    said = listing(data)
    bent = draw(st.sampled_from([{}, {}, {}, {"digest": "0" * 64}, {"length": 1}, {"root": "0" * 64}, {"count": 9}]))
    return data, statement(said.model_copy(update=bent), private=draw(st.sampled_from([True, True, True, False])))


@settings(max_examples=400, deadline=None)
@given(artifacts(), st.sampled_from([1, 100, 300, 1 << 22]))
def test_every_way_of_reading_gives_the_rows_or_the_error_of_the_rules_one_by_one(made, block):
    data, said = made
    expected = outcome(by_hand, data, said)
    for compiled in (False, True) if fast.why_not() is None else (False,):
        with way(compiled=compiled, block=block):
            assert outcome(read_roster, data, said) == expected


@pytest.mark.skipif(fast.why_not() is not None, reason="there is no compiled code here")
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 3))
def test_compiled_code_lets_through_no_flipped_bit(place, where):
    rows = [RosterRow(f"H-{i}", {"level": i % 3, "region": "济南", "tags": ["x"]}, "0f" * 32) for i in range(10)]
    data = bytearray(Roster.of(rows).artifact)
    bit = place % (8 * len(data))
    data[bit // 8] ^= 1 << bit % 8
    said = statement(listing(bytes(data)))
    expected = outcome(by_hand, bytes(data), said)
    with way(compiled=True, block=(1, 200, 500, 1 << 22)[where]):
        assert outcome(read_roster, bytes(data), said) == expected


@pytest.mark.skipif(fast.why_not() is not None, reason="there is no compiled code here")
def test_compiled_code_reads_rosters_of_many_groups():
    rows = [RosterRow(f"H-{i:05d}", {"level": i // 3, "region": None, "tags": None}, "0" * 64) for i in range(3000)]
    data = Roster.of(rows).artifact
    said = statement(listing(data))
    with way(compiled=True, block=10_000):
        found = read_roster(data, said)
    assert list(found.rows) == rows
    assert len(found.groups) == 1000


@pytest.mark.skipif(fast.why_not() is not None, reason="there is no compiled code here")
@pytest.mark.parametrize("shortest", [None, 200])
def test_compiled_code_writes_as_many_lines_as_it_has_room_for(shortest):
    from fairdraw.kernels import rosters

    line = RosterRow("1", {}, "0" * 64).line() + b"\n"
    assert len(line) == rosters.SHORTEST_LINE
    said = SimpleNamespace(roster=listing(line * 5000), attrs=(), private=(("name", True),))
    expected = outcome(by_hand, line * 5000, said)
    assert expected == ("roster-not-sorted", {"expected": "1", "found": "1"})
    with way(compiled=True), patch.object(rosters, "SHORTEST_LINE", shortest or rosters.SHORTEST_LINE):
        assert outcome(read_roster, line * 5000, said) == expected
        several = b"".join(RosterRow(f"{i:04d}", {}, "0" * 64).line() + b"\n" for i in range(5000))
        said.roster = listing(several)
        assert len(outcome(read_roster, several, said)) == 5000


@pytest.mark.skipif(fast.why_not() is not None, reason="there is no compiled code here")
def test_compiled_code_that_is_wrong_does_not_pass_its_own_test():
    from fairdraw.kernels import rosters, tickets

    read, below = rosters._read, tickets._below

    def lax(*arguments):
        read(*arguments)
        arguments[-1][rosters.COUNT] += 1

    def unsorted(*arguments):
        read(*arguments)
        arguments[-1][rosters.UNSORTED] = 1

    def bent(*arguments):
        found = below(*arguments)
        arguments[-1][0] ^= 1
        return found

    assert rosters.holds()
    assert tickets.holds()
    for wrong in (lax, unsorted):
        with patch.object(rosters, "_read", wrong):
            assert not rosters.holds()
    for wrong in (bent, lambda *arguments: below(*arguments) - 1):
        with patch.object(tickets, "_below", wrong):
            assert not tickets.holds()


@settings(max_examples=200, deadline=None)
@given(st.sets(st.text("AaBb1-", min_size=1, max_size=4), min_size=1, max_size=30), st.sampled_from([1, 2, 7, 1 << 18]),
       st.booleans())  # fmt: skip
@example({"Hos-1", "Hos-2"}, 1, False)
@example({"aB", "Ab"}, 1, False)
@example({"A", "a"}, 1, True)
@example({"x" * 39 + c for c in "Aa1"}, 1, True)
@example({c + "x" * 39 for c in "Aa1"}, 2, True)
def test_numbers_that_differ_by_case_alone_are_found_whatever_the_memory(numbers, together, compiled):
    rows = [RosterRow(no, {"level": 1, "region": "a", "tags": []}, "0" * 64) for no in sorted(numbers)]
    data = Roster.of(rows).artifact
    said = statement(listing(data))
    with patch.object(reading, "_TOGETHER", together), way(compiled=compiled and fast.why_not() is None, block=300):
        assert outcome(read_roster, data, said) == outcome(by_hand, data, said)


def passed(data: bytes, said: SnapshotStatement, step: int):
    """What a roster that passes by, so many lines at a time, is found to be."""
    passing, lines = Passing(said, said.roster.count), data.splitlines(keepends=True)
    taken = [passing.take(b"".join(lines[at : at + step])) for at in range(0, len(lines), step)]
    return b"".join(leaves for leaves, _ in taken), [end for _, ends in taken for end in ends], passing


@settings(max_examples=300, deadline=None)
@given(artifacts(), st.integers(1, 5), st.sampled_from([0, 1, 100_000]))
def test_a_roster_that_passes_by_is_accepted_if_it_is_when_it_is_read(made, step, most):
    data, said = made
    said.roster = listing(data)
    expected = outcome(by_hand, data, said)
    for compiled in (False, True) if fast.why_not() is None else (False,):
        with way(compiled=compiled), patch.object(reading, "_MOST_GROUPS", most):
            if isinstance(expected, tuple) and expected[0] != "number-twice":
                with pytest.raises(SnapshotError):
                    passed(data, said, step)
                continue
            leaves, ends, passing = passed(data, said, step)
            roster = None if isinstance(expected, tuple) else read_roster(data, said)
        assert leaves == merkle.leaf_hashes(data.split(b"\n")[:-1])
        if roster is None:
            assert passing.both_cases
            continue
        assert ends == list(roster.ends)
        counted = Counter(canonical(dict(row.attrs)) for row in roster.rows)
        assert passing.groups == (counted if len(counted) <= most else None)


@given(st.lists(st.builds(RosterRow, NUMBERS, ATTRS, SEALS), max_size=12), NUMBERS, st.data())
def test_a_roster_is_the_list_of_its_rows(rows, no, data):
    rows = sorted({row.no: row for row in rows}.values())
    roster = Roster.of(rows)
    assert list(roster.rows) == [roster.rows[i] for i in range(len(rows))] == roster.rows[:] == rows
    assert list(roster.numbers) == [row.no for row in rows]
    assert [roster.line(i) for i in range(len(rows))] == list(roster.lines()) == [row.line() for row in rows]
    assert roster.tree.root() == roster.root
    assert (no in roster.numbers) == (no in [row.no for row in rows])
    assert sum(roster.counts.values()) == len(rows)
    kinds = dict.fromkeys(canonical(dict(row.attrs)) for row in rows)
    assert [canonical(dict(attrs)) for attrs in roster.groups] == list(kinds)
    codes = data.draw(st.sets(st.sampled_from(range(len(roster.groups)))) if roster.groups else st.just(set()))
    out = data.draw(st.sets(st.sampled_from(range(len(rows)))) if rows else st.just(set()))
    part = Part(roster, codes, out)
    expected = [row.no for i, row in enumerate(rows) if roster.codes[i] in codes and i not in out]
    assert (list(part), len(part)) == (expected, len(expected))
    assert (no in part) == (no in expected)
