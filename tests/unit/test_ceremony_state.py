"""The screen of a ceremony follows from what is logged and from the time, and no note can move it beyond them."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairdraw_cli.ceremony.state import (
    CARRY,
    LATE,
    STEPS,
    Announced,
    Drawn,
    Facts,
    Notes,
    Pending,
    Round,
    after,
    before,
    bounds,
    state_of,
)

LIMIT, DUE = 1000, 1060
SAID = Announced(
    index=3, text="a" * 64, fingerprint="1234", link="x", limit=LIMIT, due=DUE,
    rounds=(Round(chain="quicknet", number=7, due=DUE, randomness=None),), sealed=None, cosigners=(), needed=2,
    witnessed=None, seen=False, pending=(), voids=(),
)  # fmt: skip
WITNESSED = replace(SAID, witnessed=900, seen=True)
DRAWN = Drawn(
    index=4, text="b" * 64, fingerprint="1", link="x", count=1, numbers=(("H-1",),), final=True, signed=(), scans=0
)
NOTHING = Facts(name="d", bureau="b", slots=("2026/x/1",), rehearsal=False, registries=())
ALL_FACTS = (
    NOTHING, replace(NOTHING, announced=SAID), replace(NOTHING, announced=WITNESSED),
    replace(NOTHING, announced=WITNESSED, drawn=DRAWN), replace(NOTHING, announced=SAID, voided="x"),
    replace(NOTHING, announced=replace(WITNESSED, pending=(
        Pending(kind="deposits", found=0, needed=2, settled=False),
    ))),
)  # fmt: skip


def screen(facts, step, now):
    return state_of(facts, Notes(step=step), now).screen


@pytest.mark.parametrize(
    ("facts", "now", "expected"),
    [
        (NOTHING, 0, ("prepare", "check")),
        (ALL_FACTS[1], LIMIT - 1, ("lock", "cosign")),
        (ALL_FACTS[1], LIMIT, ("failed", "failed")),
        (ALL_FACTS[1], DUE + 9, ("failed", "failed")),
        (ALL_FACTS[2], LIMIT - 1, ("lock", "countdown")),
        (ALL_FACTS[2], LIMIT, ("countdown", "countdown")),
        (ALL_FACTS[2], DUE + 999, ("countdown", "countdown")),
        (ALL_FACTS[3], DUE, ("reveal", "done")),
        (ALL_FACTS[4], 0, ("voided", "voided")),
        (ALL_FACTS[5], LIMIT - 1, ("lock", "cosign")),
        (ALL_FACTS[5], LIMIT, ("failed", "failed")),
    ],
)
def test_the_facts_bound_the_screen(facts, now, expected):
    assert bounds(facts, now) == expected


def test_no_note_moves_the_screen_beyond_the_facts():
    for facts, step, now in product(ALL_FACTS, STEPS, (0, LIMIT - 1, LIMIT, DUE, DUE + CARRY)):
        first, last = bounds(facts, now)
        shown = screen(facts, step, now)
        if first in STEPS:
            assert STEPS.index(first) <= STEPS.index(shown) <= STEPS.index(last)
        else:
            assert shown == first


@given(st.lists(st.sampled_from(["next", "back"]), max_size=30))
def test_no_row_of_keys_shows_a_result_before_there_is_one(keys):
    for facts in (NOTHING, ALL_FACTS[1], ALL_FACTS[2]):
        step = "prepare"
        for key in keys:
            step = (after if key == "next" else before)(screen(facts, step, 0), facts, 0)
            assert screen(facts, step, 0) not in STEPS[STEPS.index("reveal") :]


def test_a_drawn_result_cannot_be_walked_back_from():
    assert before("reveal", ALL_FACTS[3], DUE) == "reveal"
    assert after("done", ALL_FACTS[3], DUE) == "done"
    assert before("print", ALL_FACTS[3], DUE) == "reveal"
    assert after("failed", ALL_FACTS[1], LIMIT) == "failed"


def test_a_late_round_is_late_and_then_to_be_carried_in():
    waiting = ALL_FACTS[2]
    troubles = [state_of(waiting, Notes(), DUE + more).trouble for more in (-1, LATE - 1, LATE, CARRY - 1, CARRY)]
    assert troubles == [None, None, "late", "late", "carry"]
    there = replace(WITNESSED, rounds=(replace(WITNESSED.rounds[0], randomness="00"),))
    assert state_of(replace(NOTHING, announced=there), Notes(), DUE + CARRY).trouble is None


def test_a_draw_that_is_not_cosigned_yet_is_said_to_be_so():
    facts = replace(ALL_FACTS[3], drawn=replace(DRAWN, final=False))
    assert state_of(facts, Notes(), DUE).trouble == "not-final"
    assert state_of(ALL_FACTS[3], Notes(), DUE).trouble is None


def test_only_a_reason_that_a_machine_can_check_is_proposed():
    assert SAID.reason_to_void == "quorum-not-shown"
    assert replace(SAID, seen=True).reason_to_void is None  # one line in time, and the quorum could still be completed
    lacking = Pending(kind="reveals", found=0, needed=2, settled=False)
    assert replace(WITNESSED, pending=(lacking,)).reason_to_void is None  # a witness may have seen the list in time
    assert replace(WITNESSED, pending=(replace(lacking, void=True),)).reason_to_void == "required-seed-missing"
