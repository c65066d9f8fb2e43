import os
from array import array
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairdraw.bulk.batch import Batch, Keys
from fairdraw.bulk.runs import Runs
from fairdraw.bulk.strings import Strings, from_words
from support.paths import path
from support.scratch import memory_folder


@pytest.fixture(autouse=True)
def _no_disk(monkeypatch):
    """What is compared here is what files hold, not that they are durable."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


NUMBERS = st.text("AZaz09.-_:", min_size=1, max_size=4) | st.text("AZaz09.-_:", min_size=38, max_size=40)
ROWS = st.lists(st.tuples(NUMBERS, st.binary(max_size=40)), max_size=60)


@pytest.fixture(params=[False, True], ids=["plain", "compiled"])
def _either(request):
    with path(compiled=request.param):
        yield


def rows_of(rows):
    """Rows as a registry has them: number, line in the input, roster line, private line, leaf."""
    lines = enumerate(rows, 2)
    return [
        (no.encode(), at, no.encode() + text.hex().encode() + b"\n", text.hex().encode() + b"\n", sha256(text).digest())
        for at, (no, text) in lines
    ]


def batch(rows, *, private=True):
    numbers, at, roster, kept, leaves = zip(*sorted(rows), strict=True) if rows else [()] * 5
    return Batch(
        numbers=Strings.of(numbers),
        at=array("Q", at),
        roster=Strings.of(roster),
        leaves=b"".join(leaves),
        private=Strings.of(kept) if private else None,
        keys=(Keys(b"", array("Q")),),
        groups=Counter(),
        problems=(),
        rows=len(rows),
    )


def chunks(rows, sizes):
    at = 0
    while at < len(rows):
        size = sizes[at % len(sizes)]
        yield rows[at : at + size]
        at += size


def check(run, rows, *, private=True):
    expected = sorted(rows)
    roster = [row[2] for row in expected]
    assert run.roster.read_bytes() == b"".join(roster)
    assert run.digest == sha256(b"".join(roster)).digest()
    assert run.count == len(rows)
    assert from_words(run.ends.read_bytes()) == Strings.of(roster).ends
    assert from_words(run.at.read_bytes()) == array("Q", [row[1] for row in expected])
    assert run.leaves.read_bytes() == b"".join(row[4] for row in expected)
    if private and rows:
        assert run.private.read_bytes() == b"".join(row[3] for row in expected)
    else:
        assert run.private is None


LIMITS = st.fixed_dictionaries(
    {
        "room": st.sampled_from([1, 400, 1 << 20]),
        "fan_in": st.integers(2, 4),
        "blocks": st.sampled_from([1, 900, 1 << 20]),
    }
)


@pytest.mark.usefixtures("_either")
@settings(max_examples=80, deadline=None)
@given(ROWS, st.lists(st.integers(1, 9), min_size=1, max_size=3), LIMITS, st.booleans(), st.booleans(), st.data())
def test_runs_are_what_sorting_gives(rows, sizes, limits, in_order, private, data):
    rows = rows_of(sorted(rows) if in_order else rows)
    drop = data.draw(st.sets(st.sampled_from([row[1] for row in rows])) if rows else st.just(set()))
    with memory_folder() as folder:
        runs = Runs(Path(folder), **limits)
        for some in chunks(rows, sizes):
            runs.add(batch(some, private=private))
        kept = [row for row in rows if row[1] not in drop]
        check(runs.merge(drop), kept, private=private)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.lists(st.integers(1, 9), min_size=1, max_size=3), LIMITS, st.integers(0, 60), st.integers(0, 60))
def test_who_was_killed_goes_on_from_the_sizes_of_the_journal(rows, sizes, limits, journalled, killed):
    rows = rows_of(rows)
    batches = [batch(some) for some in chunks(rows, sizes)]
    with memory_folder() as folder:
        runs = Runs(Path(folder), **limits)
        for one in batches[:journalled]:
            runs.add(one)
        kept = runs.sizes()
        for one in batches[journalled:killed]:
            runs.add(one)
        runs.sync()  # more is on disk than the journal knows, to the last byte
        if killed % 2:
            runs.merge()  # or the merge was made, and nobody wrote that down
        again = Runs(Path(folder), kept, **limits)
        for one in batches[journalled:]:
            again.add(one)
        check(again.merge(), rows)


def test_rows_in_order_are_one_run_and_are_not_moved(tmp_path):
    rows = rows_of([(f"A-{at:05d}", b"%d" % at) for at in range(500)])
    runs = Runs(tmp_path, room=1000)
    for some in chunks(rows, [7]):
        runs.add(batch(some))
    runs.sync()
    before = {path.name: path.stat().st_ino for path in tmp_path.iterdir()}
    run = runs.merge()
    check(run, rows)
    assert {path.name: path.stat().st_ino for path in tmp_path.iterdir()} == before
    assert run.roster.parent == tmp_path


def test_batches_that_do_not_ascend_share_a_run_as_far_as_memory_reaches(tmp_path):
    rows = rows_of([(f"A-{at * 7919 % 5000:05d}", b"%d" % at) for at in range(5000)])
    runs = Runs(tmp_path, room=100_000)
    for some in chunks(rows, [5]):
        runs.add(batch(some))
    assert 2 < runs.sizes()["runs"] // 8 < 20
    check(runs.merge(), rows)
