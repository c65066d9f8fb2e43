"""The selection of RFC 3797 §6, and those that the IETF's nominating committees published, come out again."""

import json
from hashlib import md5
from pathlib import Path

import pytest

from fairdraw.rfc3797 import key_text, numbers_text, select

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "beacons" / "rfc3797"

# pool, sources, the numbers chosen. The first is the RFC's own; 2007 to 2011 stood in the tests of a public program
# in REXX, 2022 in the announcement of that year.
SELECTIONS = {
    "RFC 3797 §6": (
        25, [[9319], [2, 5, 12, 8, 10], [9, 18, 26, 34, 41, 45]],
        [17, 7, 2, 16, 25, 23, 8, 24, 19, 13, 22, 5, 18, 9, 1, 4],
    ),
    "2007": (
        108, [[9, 13, 15, 31, 48, 3, 6], [61636147], [95231775], [7, 39, 41, 48, 53, 21]],
        [57, 12, 105, 5, 11, 18, 99, 93, 43, 102],
    ),
    "2008": (
        99, [[2, 5, 8, 20, 25, 37, 39], [42831475], [14964684], [21, 22, 25, 26, 50, 51]],
        [91, 38, 36, 94, 52, 33, 84, 1, 53, 34],
    ),
    "2009, with a leading zero in 05260357": (
        93, [[5, 8, 10, 29, 39, 41, 15], [5260357], [81433717], [20, 29, 35, 45, 53, 41]],
        [43, 83, 27, 15, 10, 26, 88, 60, 31, 28, 16, 84, 54, 20, 72],
    ),
    "2010": (
        101, [[1, 8, 9, 14, 17, 20, 23], [76998828], [79622755], [6, 20, 21, 23, 38, 42]],
        [87, 25, 14, 46, 79, 31, 75, 91, 47, 23],
    ),
    "2011": (
        120, [[2, 12, 23, 35, 39, 44, 49], [43838132], [43531153], [3, 4, 6, 26, 33, 34, 39]],
        [118, 35, 100, 44, 84, 92, 1, 99, 108, 76],
    ),
    "2022": (
        267, [[7, 8, 11, 18, 28, 40, 48], [15, 16, 21, 31, 36, 65], [8, 12, 13, 17, 21, 26, 35, 42],
              [1, 5, 10, 13, 14, 16, 21, 25, 27]],
        [171, 245, 68, 190, 70, 126, 110, 128, 138, 173],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SELECTIONS)
def test_a_published_selection_comes_out_again(name):
    pool, sources, chosen = SELECTIONS[name]
    assert list(select(key_text(sources), pool, len(chosen))) == chosen


def test_a_number_that_was_drawn_otherwise_gives_another_selection():
    pool, sources, chosen = SELECTIONS["RFC 3797 §6"]
    for at in range(len(sources)):
        bent = [list(numbers) for numbers in sources]
        bent[at][0] += 1
        assert list(select(key_text(bent), pool, len(chosen))) != chosen


def test_the_numbers_of_a_source_are_sorted_and_those_of_two_do_not_run_together():
    assert key_text([[9319], [2, 5, 12, 8, 10]]) == "9319./2.5.8.10.12./"
    assert key_text([[1, 2], [3]]) != key_text([[1], [2, 3]]) != key_text([[12], [3]])
    assert numbers_text([5, 0, 12]) == "5.0.12."


def test_everybody_is_chosen_once_in_a_whole_pool():
    assert sorted(select("1./", 40, 40)) == list(range(1, 41))


@pytest.mark.parametrize("name", ["rfc_example", "nomcom2007_2009"])
def test_every_recorded_hash_divisor_and_choice_is_recomputed(name):
    path = RECORDED / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"recorded selections are not here: {path}")
    whole = json.loads(path.read_text("utf-8"))
    rows = whole.get("rows", [whole])
    assert rows
    for row in rows:
        steps = row["selection"]
        assert list(select(row["key"], row["n"], len(steps))) == [step["selected"] for step in steps]
        for index, step in enumerate(steps):
            counter = index.to_bytes(2, "big")
            digest = md5(counter + row["key"].encode() + counter, usedforsecurity=False)
            assert (digest.hexdigest().upper(), row["n"] - index) == (step["md5"], step["div"])
