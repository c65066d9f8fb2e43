"""What a roster of many rows costs beside its own bytes: a few bytes a row, whoever reads it and draws from it."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from types import SimpleNamespace

import pytest

from fairdraw import selection
from fairdraw.roster import Part, Passing, Roster, RosterRow, read_roster, reading
from transparency_log import fast

ROWS = 60_000
KINDS = [{"kind": f"k{i}"} for i in range(7)]
COMPILED = pytest.param(
    True, marks=pytest.mark.skipif(fast.why_not() is not None, reason="there is no compiled code here")
)


@pytest.fixture(scope="module")
def roster() -> Roster:
    rows = ((KINDS[i % 7], RosterRow(f"H-{i:07d}", KINDS[i % 7], sha256(b"%d" % i).hexdigest())) for i in range(ROWS))
    return Roster.gather((attrs, row.line()) for attrs, row in rows)


@contextmanager
def at_most(bytes_a_row: float, *, beside: int = 1 << 20) -> Iterator[None]:
    """Allow so much memory at any moment, beside some that does not grow."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < ROWS * bytes_a_row + beside


@pytest.mark.parametrize("compiled", [False, COMPILED])
def test_a_roster_that_is_read_costs_twelve_bytes_a_row(roster, compiled, monkeypatch):
    said = SimpleNamespace(roster=roster.listing(), attrs=(("kind", "string"),), private=(("name", True),))
    monkeypatch.setattr(reading, "_pays", lambda rows: compiled)
    monkeypatch.setattr(reading, "_BLOCK", 1 << 16)
    read_roster(roster.data, said)  # whatever is loaded but once
    with at_most(14):  # arrays grow by an eighth
        found = read_roster(roster.data, said)
    assert found.root == roster.root


@pytest.mark.parametrize("compiled", [False, COMPILED])
def test_a_roster_that_passes_by_costs_nothing_a_row(roster, compiled, monkeypatch):
    said = SimpleNamespace(attrs=(("kind", "string"),), private=(("name", True),))
    monkeypatch.setattr(reading, "_pays", lambda rows: compiled)
    monkeypatch.setattr(reading, "_MOST_GROUPS", 100)
    lines = roster.data.splitlines(keepends=True)
    own = [line.replace(b':"k', b':"%d' % at) for at, line in enumerate(lines[: ROWS // 5])]  # alone
    Passing(said, ROWS).take(lines[0])  # whatever is loaded but once
    for some, counted in ((lines, True), (own, False)):
        with at_most(0, beside=1 << 18):
            passing = Passing(said, ROWS)
            for at in range(0, len(some), 100):
                passing.take(b"".join(some[at : at + 100]))
        assert (passing.groups is not None) == counted


@pytest.mark.parametrize("compiled", [False, COMPILED])
def test_to_draw_three_in_a_hundred_costs_two_bytes_a_row(roster, compiled, monkeypatch):
    monkeypatch.setattr(selection, "_pays", lambda rows: compiled)
    if compiled:
        from fairdraw.kernels import tickets

        monkeypatch.setattr(tickets, "ROWS", 1 << 8)  # a few blocks of rows are looked at at once
    monkeypatch.setattr(selection, "_TOGETHER", 1 << 5)
    everybody = Part(roster, range(7))
    selection.smallest(bytes(32), "object", roster, [(everybody, 1)])
    with at_most(2, beside=1 << 16):
        [lowest] = selection.smallest(bytes(32), "object", roster, [(everybody, ROWS * 3 // 100)])
    assert len(lowest) == ROWS * 3 // 100 * 40


def test_the_rows_of_a_part_are_never_listed(roster):
    with at_most(0, beside=1 << 15):
        part = Part(roster, range(6))
        assert len(part) == ROWS - ROWS // 7
        assert "H-0000001" in part
        assert sum(1 for _ in part) == len(part)
