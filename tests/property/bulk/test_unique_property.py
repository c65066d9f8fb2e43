import os
from array import array
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairdraw.bulk.batch import KEY_LENGTH, Keys
from fairdraw.bulk.moves import RECORD
from fairdraw.bulk.unique import Unique
from fairdraw.registry import load_map, read_rows
from support.paths import path
from support.scratch import memory_folder


@pytest.fixture(autouse=True)
def _no_disk(monkeypatch):
    """What is compared here is what files hold, not that they are durable."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(params=[False, True], ids=["plain", "compiled"])
def _either(request):
    with path(compiled=request.param):
        yield


def keys(pairs):
    hashes = [sha256(repr(value).encode()).digest()[:KEY_LENGTH] for value, _ in pairs]
    return Keys(b"".join(hashes), array("Q", [line for _, line in pairs]))


def repeated(constraints, *, numbered):
    """What a registry in memory finds, row by row: every constraint has the lines that it saw first."""
    seen = [{} for _ in constraints]
    found = []
    for line in sorted({line for values in constraints for line in values}):
        for at, values in enumerate(constraints):
            if line in values and (first := seen[at].setdefault(values[line], line)) != line:
                found.append((at, line, first))
                if numbered and at == 0:
                    break
    return sorted(found)


VALUES = st.dictionaries(st.integers(2, 60) | st.integers(1 << 40, (1 << 40) + 9), st.integers(0, 12), max_size=40)
BUCKETS = st.sampled_from([1, RECORD, 3 * RECORD, 1 << 20])


@pytest.mark.usefixtures("_either")
@settings(max_examples=150, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=3), st.booleans(), BUCKETS, st.data())
def test_repeats_are_those_that_a_dict_of_what_was_seen_finds(constraints, numbered, bucket, data):
    with memory_folder() as folder:
        unique = Unique(Path(folder), bucket=bucket)
        for at, values in enumerate(constraints):
            pairs = [(value, line) for line, value in values.items()]
            middle = data.draw(st.integers(0, len(pairs)))
            unique.add(keys(pairs[:middle]), at)
            if data.draw(st.booleans()):  # killed after more was added than the journal knows
                sizes = unique.sizes()
                unique.add(keys(pairs), at)
                unique.sync()
                list(unique.repeated(numbered=numbered))
                unique = Unique(Path(folder), sizes, bucket=bucket)
            unique.add(keys(pairs[middle:]), at)
        expected = repeated(constraints, numbered=numbered)
        assert list(unique.repeated(numbered=numbered)) == expected
        assert list(unique.repeated(numbered=numbered)) == expected  # who asks again is told again


TEXTS = st.sampled_from(["", "a", "A", "b", "ab", "B"])
NUMBERED = 'no = "no"\nidentity = [["p", "q"], ["q"]]\n[private]\np = "p"\nq = "q"'
COUNTED = 'no = { assign = "F-%d", by = ["no", "p"] }\nidentity = [["p", "q"], ["q"]]\n[private]\np = "p"\nq = "q"'


@pytest.mark.usefixtures("_either")
@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(TEXTS.filter(bool), TEXTS, TEXTS), min_size=1, max_size=25), st.booleans())
def test_repeats_are_those_that_a_registry_reports(rows, numbered):
    reading = read_rows(["no", "p", "q"], rows, load_map(NUMBERED if numbered else COUNTED))
    labels = ["no" if numbered else "no,p", "p,q", "q"]
    told = {(labels.index(one.field), one.line, one.found) for one in reading.problems}
    constraints = [
        {line: row[0].casefold() if numbered else row[:2] for line, row in enumerate(rows, 2)},
        {line: row[1:] for line, row in enumerate(rows, 2) if any(row[1:])},
        {line: row[2] for line, row in enumerate(rows, 2) if row[2]},
    ]
    with memory_folder() as folder:
        unique = Unique(Path(folder))
        for at, values in enumerate(constraints):
            unique.add(keys([(value, line) for line, value in values.items()]), at)
        found = {(at, line, f"line {first}") for at, line, first in unique.repeated(numbered=numbered)}
    assert found == told
