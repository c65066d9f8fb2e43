"""Matching: uniform over what the rules allow, in blocks that are the connected components."""

from collections import Counter
from hashlib import sha256
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairdraw.assignment import assign, eligibility
from fairdraw.errors import AssignmentError
from fairdraw.schema import Eligible, Team
from fairdraw.snapshot import RosterRow

KEYS = [sha256(f"key {i}".encode()).digest() for i in range(2400)]
QUALIFIED = Eligible(rule="true", object=None, inspector="qualified")
SAME = Eligible(rule="same", object="region", inspector="region")
DIFFER = Eligible(rule="differ", object="region", inspector="region")


def team(**changes) -> Team:
    fields = {
        "size": 2,
        "department": None,
        "quota": (),
        "eligible": (QUALIFIED,),
        "cap": None,
        "limit": 10_000,
        "beyond": "raise-cap",
    }
    return Team(**(fields | changes))


def objects(*regions: str | None) -> list[RosterRow]:
    return [RosterRow(f"H-{i}", {"region": region}, "") for i, region in enumerate(regions)]


def inspectors(*regions: str | None, department: str = "ybj", qualified: bool = True) -> list[RosterRow]:
    attrs = {"department": department, "qualified": qualified}
    return [RosterRow(f"I-{i}", {**attrs, "region": region}, "") for i, region in enumerate(regions)]


def numbers(members) -> frozenset[str]:
    return frozenset(no for _, no in members)


def matching(assignment) -> tuple[tuple[str, frozenset[str]], ...]:
    return tuple(sorted((no, numbers(members)) for no, members in assignment.teams.items()))


def allowed(rules: Team, objs, staff, recusals=frozenset()) -> set:
    """Return every matching that the rules allow, by trying all of them."""
    able = eligibility(rules, objs, staff, recusals)
    choices = [[(obj.no, frozenset(pair)) for pair in combinations(sorted(numbers(able[obj.no])), 2)] for obj in objs]
    told = set()
    for one in product(*choices):
        load = Counter(inspector for _, members in one for inspector in members)
        if rules.cap is None or max(load.values()) <= rules.cap:
            told.add(one)
    return told


@pytest.mark.parametrize(
    ("rules", "staff", "recusals"),
    [
        (team(), 4, frozenset()),
        (team(cap=1), 4, frozenset()),
        (team(cap=1), 5, frozenset({("H-0", "I-0")})),
        (team(), 4, frozenset({("H-0", "I-0"), ("H-1", "I-3")})),
    ],
)
def test_every_allowed_matching_is_equally_likely(rules, staff, recusals):
    objs, people = objects("a", "a"), inspectors(*["a"] * staff)
    every = allowed(rules, objs, people, recusals)
    counts = Counter(matching(assign(key, rules, objs, people, recusals)) for key in KEYS)
    assert set(counts) == every
    expected = len(KEYS) / len(every)
    statistic = sum((count - expected) ** 2 / expected for count in counts.values())
    # χ² of n - 1 degrees of freedom is beyond n - 1 + 4·√(2(n - 1)) about once in ten thousand times.
    freedom = len(every) - 1
    assert statistic < freedom + 4 * (2 * freedom) ** 0.5


def test_departments_are_drawn_each_by_itself_and_stand_in_order():
    staff = [
        RosterRow(f"I-{i}", {"department": "wjw" if i < 3 else "ybj", "qualified": True, "region": "a"}, "")
        for i in range(7)
    ]
    rules = team(size=3, department="department", quota=(("wjw", 1), ("ybj", 2)))
    counts: Counter[str] = Counter()
    for key in KEYS[:600]:
        members = assign(key, rules, objects("a"), staff, frozenset()).teams["H-0"]
        assert [department for department, _ in members] == ["wjw", "ybj", "ybj"]
        counts.update(numbers(members))
    assert all(150 < counts[f"I-{i}"] < 250 for i in range(3))
    assert all(240 < counts[f"I-{i}"] < 360 for i in range(3, 7))


def test_rules_say_who_may_inspect_whom():
    objs, staff = objects("a", "b", None), inspectors("a", "a", "b", "b", None)
    able = eligibility(team(eligible=(QUALIFIED, SAME)), objs, staff, frozenset())
    assert {no: numbers(members) for no, members in able.items()} == {
        "H-0": {"I-0", "I-1"}, "H-1": {"I-2", "I-3"}, "H-2": frozenset(),
    }  # fmt: skip
    able = eligibility(team(eligible=(DIFFER,)), objs, staff, frozenset({("H-0", "I-2")}))
    assert {no: numbers(members) for no, members in able.items()} == {
        "H-0": {"I-3"}, "H-1": {"I-0", "I-1"}, "H-2": frozenset(),
    }  # fmt: skip
    nobody = eligibility(team(), objs, inspectors("a", qualified=False), frozenset())
    assert not any(nobody.values())


@pytest.mark.parametrize(
    "rule",
    [
        Eligible(rule="same", object="nowhere", inspector="region"),
        Eligible(rule="same", object="region", inspector="nowhere"),
        Eligible(rule="same", object=None, inspector="region"),
        Eligible(rule="true", object="region", inspector="qualified"),
    ],
)
def test_a_rule_about_attributes_that_nobody_has_is_refused(rule):
    with pytest.raises(AssignmentError):
        eligibility(team(eligible=(rule,)), objects("a"), inspectors("a"), frozenset())


def test_too_few_eligible_inspectors_make_no_team():
    with pytest.raises(AssignmentError) as caught:
        assign(KEYS[0], team(), objects("a"), inspectors("a"), frozenset())
    assert (caught.value.code, caught.value.params["found"]) == ("too-few-eligible", 1)


def components(pairs: set[tuple[int, int]], count: int) -> list[set[int]]:
    """Return the connected components of objects that share an inspector, by brute force."""
    parts = [{i} for i in range(count)]
    inspectors_of = [{b for a, b in pairs if a == i} for i in range(count)]
    merged = True
    while merged:
        merged = False
        for one, other in combinations(parts, 2):
            if any(inspectors_of[i] & inspectors_of[j] for i in one for j in other):
                parts.remove(other)
                one.update(other)
                merged = True
                break
    return sorted(parts, key=min)


@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 11)), max_size=30))
@settings(max_examples=60, deadline=None)
def test_blocks_are_the_connected_components(struck):
    objs = [RosterRow(f"H-{i}", {"region": "a"}, "") for i in range(8)]
    staff = [RosterRow(f"I-{i:02d}", {"qualified": True}, "") for i in range(12)]
    # Objects see a window of inspectors each, less what is struck, so that several components appear.
    pairs = {(i, j) for i in range(8) for j in range(12) if j // 3 == i // 2} - struck
    out = frozenset((f"H-{i}", f"I-{j:02d}") for i in range(8) for j in range(12) if (i, j) not in pairs)
    try:
        told = assign(KEYS[0], team(cap=8), objs, staff, out)
    except AssignmentError:
        return
    assert [no for no, _, _ in told.blocks] == [f"H-{min(part)}" for part in components(pairs, 8)]


@given(st.integers(0, len(KEYS) - 1), st.integers(1, 3), st.randoms())
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_lists_changes_nothing_but_rosters_are_sorted_anyway(which, cap, random):
    objs, staff = objects("a", "a", "b"), inspectors("a", "a", "a", "b", "b", "b")
    rules = team(cap=cap, limit=20, eligible=(SAME,))
    told = assign(KEYS[which], rules, objs, staff, frozenset())
    other = assign(KEYS[which], rules, random.sample(objs, 3), random.sample(staff, 6), frozenset())
    assert (told.teams, told.blocks) == (other.teams, other.blocks)


def test_a_rejected_attempt_is_counted_and_the_next_one_has_other_tickets():
    objs, staff = objects("a", "a"), inspectors(*["a"] * 4)
    attempts = Counter(assign(key, team(cap=1), objs, staff, frozenset()).blocks[0][1] for key in KEYS)
    # One of six pairs is the complement of another: geometric with p = 1/6.
    assert 300 < attempts[0] < 500
    assert 230 < attempts[1] < 440
    for key in KEYS[:50]:
        told = assign(key, team(cap=1), objs, staff, frozenset())
        no, attempt, cap = told.blocks[0]
        assert (no, cap) == ("H-0", 1)
        assert len(numbers(told.teams["H-0"]) | numbers(told.teams["H-1"])) == 4
        assert attempt >= 0


def test_a_cap_that_cannot_be_kept_is_raised_after_the_announced_attempts():
    objs, staff = objects("a", "a", "a"), inspectors("a", "a", "a")
    told = assign(KEYS[0], team(cap=1, limit=7), objs, staff, frozenset())
    (_, attempt, cap), = told.blocks  # fmt: skip
    assert cap > 1
    assert 7 * (cap - 1) <= attempt < 7 * cap
    with pytest.raises(AssignmentError) as caught:
        assign(KEYS[0], team(cap=1, limit=7, beyond="void"), objs, staff, frozenset())
    assert caught.value.code == "attempts-exhausted"
