"""The switch chain: its start by brute force, its steps against a second writing, and caps that nobody can keep."""

from collections import Counter
from hashlib import sha256
from itertools import combinations, permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairdraw import assignment, switching
from fairdraw.assignment import assign
from fairdraw.errors import AssignmentError
from fairdraw.roster import RosterRow
from fairdraw.rules import Speciality, Team
from fairdraw.switching import Component
from fairdraw.tickets import ticket, ticketer

WINDOW = "2026-09-30"
KEYS = [sha256(f"switch {i}".encode()).digest() for i in range(300)]


def team(**changes) -> Team:
    fields = {"size": 2, "department": None, "quota": (), "eligible": (), "specialities": (), "experts": None,
              "order": "both", "pool": None, "cap": 1, "limit": 1, "beyond": "switch-chain", "steps": 10}  # fmt: skip
    return Team.model_validate(fields | changes)


def component(rules: Team, eligible: dict[str, list[tuple[str, str]]], skills=None) -> Component:
    everybody = {i for members in eligible.values() for _, i in members}
    known = {i: tuple((skills or {}).get(i, ())) for i in everybody}
    cap = rules.cap or 0
    return Component(team=rules, cap=cap, eligible={no: tuple(m) for no, m in eligible.items()}, skills=known)


def free(_: int) -> None:
    """Spend nothing."""


def matchings(within: Component) -> list[dict[str, tuple[str, ...]]]:
    """Return every matching that the rules allow, by trying all."""
    rules = within.team
    quota = dict(rules.quota) or {"": rules.size}
    choices = []
    for members in within.eligible.values():
        teams = []
        for chosen in combinations(sorted(members, key=lambda m: m[1]), rules.size):
            held = Counter(at for _, i in chosen for at in within.skills[i])
            if Counter(d for d, _ in chosen) == quota and all(
                held[at] >= s.number for at, s in enumerate(rules.specialities)
            ):
                teams.append(tuple(i for _, i in chosen))
        choices.append(teams)
    told = []
    for one in product(*choices):
        load = Counter(i for chosen in one for i in chosen)
        if max(load.values()) <= within.cap:
            told.append(dict(zip(within.eligible, one, strict=True)))
    return told


def composition(within: Component, members: tuple[str, ...], no: str) -> list[int]:
    """Return minus the number of members of each kind, so that the first composition is the smallest."""
    kinds = {i: (d, within.skills[i]) for d, i in within.eligible[no]}
    return [-sum(kinds[i] == kind for i in members) for kind in sorted(set(kinds.values()))]


def first_by_trying_all(within: Component) -> dict[str, set[str]] | None:
    every = matchings(within)
    if not every:
        return None
    first = min(every, key=lambda m: ([composition(within, m[no], no) for no in m], list(m.values())))
    return {no: set(members) for no, members in first.items()}


NAMES = [f"I-{i}" for i in range(6)]


@st.composite
def components(draw) -> Component:
    objects = [f"H-{i}" for i in range(draw(st.integers(1, 4)))]
    split = draw(st.booleans())
    department = {i: draw(st.sampled_from(["wjw", "ybj"])) if split else "" for i in NAMES}
    skills = {i: tuple(sorted(draw(st.sets(st.integers(0, 1))))) for i in NAMES}
    asked = draw(st.integers(0, 2))
    rules = team(
        cap=draw(st.integers(1, 3)),
        department="department" if split else None,
        quota=(("wjw", 1), ("ybj", 1)) if split else (),
        specialities=tuple(Speciality(field="skills", value=str(at), number=1) for at in range(asked)),
    )
    eligible = {
        no: [(department[i], i) for i in sorted(draw(st.sets(st.sampled_from(NAMES), min_size=1)))] for no in objects
    }
    return component(rules, eligible, {i: tuple(at for at in skills[i] if at < asked) for i in NAMES})


@given(components())
@settings(max_examples=250, deadline=None)
def test_the_start_is_the_first_of_all_matchings_and_is_missing_where_there_are_none(within):
    chosen = switching.compose(within, free)
    found = None if chosen is None else switching.first_matching(within, chosen)
    assert found == first_by_trying_all(within)


@given(components())
@settings(max_examples=100, deadline=None)
def test_the_lowest_cap_is_not_above_what_a_matching_needs(within):
    if switching.compose(within, free) is not None:
        return
    told = switching.lowest_cap(within)
    assert told > within.cap
    lower = [
        Component(team=within.team, cap=cap, eligible=within.eligible, skills=within.skills)
        for cap in range(within.cap, told)
    ]
    assert not any(matchings(one) for one in lower)


def walked(within: Component, start: dict[str, set[str]], key: bytes) -> dict[str, set[str]]:
    """Walk as specs/assignment.md §6.4 has it."""
    teams = {no: set(members) for no, members in start.items()}
    department = {i: d for members in within.eligible.values() for d, i in members}
    first = min(teams)
    for step in range(within.team.steps or 0):
        size = step % 3 + 1
        if len(teams) < size:
            continue
        moved = sorted(teams, key=lambda no, step=step: ticket(key, "switch", first, step, no))[:size]
        ranked = {
            no: sorted(within.skills, key=lambda i, no=no, step=step: ticket(key, "switch", first, step, no, i))
            for no in moved
        }
        out = [next(i for i in ranked[no] if i in teams[no]) for no in moved]
        able = {no: {i for _, i in within.eligible[no]} for no in moved}
        into: list[str | None] = [*out[1:], out[0]]
        if size == 1:
            others = able[moved[0]] - teams[moved[0]]
            into = [next((i for i in ranked[moved[0]] if i in others and department[i] == department[out[0]]), None)]
        if any(
            new is None or new in teams[no] or new not in able[no] or department[new] != department[old]
            for no, old, new in zip(moved, out, into, strict=True)
        ):
            continue
        after = teams | {no: (teams[no] - {old}) | {str(new)} for no, old, new in zip(moved, out, into, strict=True)}
        if {no: tuple(sorted(members)) for no, members in after.items()} in matchings(within):
            teams = after
    return teams


@given(components(), st.sampled_from(KEYS))
@settings(max_examples=80, deadline=None)
def test_the_walk_is_that_of_a_second_writing_and_breaks_no_rule(within, key):
    start = first_by_trying_all(within)
    if start is None:
        return
    teams = {no: set(members) for no, members in start.items()}
    switching.walk(within, teams, ticketer(key, "switch"))
    assert teams == walked(within, start, key)
    assert {no: tuple(sorted(members)) for no, members in teams.items()} in matchings(within)


def moves(within: Component, told: dict[str, tuple[str, ...]], size: int) -> Counter:
    """Return how many of all equally likely proposals of a size lead where, stays included."""
    department = {i: d for members in within.eligible.values() for d, i in members}
    able = {no: {i for _, i in members} for no, members in within.eligible.items()}
    every = [frozenset(m.items()) for m in matchings(within)]
    counts: Counter = Counter()
    for moved in permutations(told, size):
        for out in product(*(told[no] for no in moved)):
            if size == 1:
                same = {i for i in able[moved[0]] - set(told[moved[0]]) if department[i] == department[out[0]]}
                ways = [(new,) for new in same] or [out]
            else:
                ways = [(*out[1:], out[0])]
            for into in ways:
                after = dict(told)
                for no, old, new in zip(moved, out, into, strict=True):
                    allowed = new in able[no] and new not in told[no] and department[new] == department[old]
                    after[no] = tuple(sorted({*told[no], new} - {old})) if allowed else ()
                target = frozenset(after.items())
                # Sizes of the choices of who enters differ between objects, not between a move and its undoing.
                counts[target if target in every else frozenset(told.items())] += 60 // len(ways)
    return counts


RING = {
    "H-0": [("", "I-0"), ("", "I-1"), ("", "I-5")],
    "H-1": [("", "I-1"), ("", "I-2"), ("", "I-4")],
    "H-2": [("", "I-0"), ("", "I-2"), ("", "I-3")],
}


@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_move_is_as_likely_as_its_undoing(size):
    eligible = {no: [("", i) for i in NAMES if (no, i) not in {("H-0", "I-0"), ("H-1", "I-1"), ("H-2", "I-2")}]
                for no in ("H-0", "H-1", "H-2")}  # fmt: skip
    within = component(team(cap=1), eligible)
    every = matchings(within)
    to = {frozenset(one.items()): moves(within, one, size) for one in every}
    assert len(every) > 20
    for one, other in combinations(to, 2):
        assert to[one][other] == to[other][one]


def test_a_ring_of_three_is_reached_where_no_exchange_of_two_is_allowed():
    within = component(team(cap=1, steps=60), RING)
    every = {frozenset((no, frozenset(m)) for no, m in one.items()) for one in matchings(within)}
    assert len(every) == 2
    seen = set()
    for key in KEYS[:40]:
        teams = switching.first_matching(within, switching.compose(within, free) or {})
        switching.walk(within, teams, ticketer(key, "switch"))
        seen.add(frozenset((no, frozenset(members)) for no, members in teams.items()))
    assert seen == every


def people(count: int, **attrs) -> list[RosterRow]:
    return [RosterRow(f"I-{i}", dict(attrs), "") for i in range(count)]


def drawn(number: int) -> list[RosterRow]:
    return [RosterRow(f"H-{i}", {}, "") for i in range(number)]


def test_a_block_whose_attempts_fail_shows_the_limit_and_keeps_the_cap():
    rules, told = team(cap=1, limit=3), set()
    for key in KEYS[:40]:
        one = assign(key, rules, drawn(4), people(8), frozenset(), WINDOW)
        (first, attempt, cap) = one.blocks[0]
        assert (first, cap) == ("H-0", 1)
        assert attempt <= 3
        assert len({i for members in one.teams.values() for _, i in members}) == 8
        told.add(attempt)
        if attempt == 3:
            for no, members in one.teams.items():
                assert list(members) == sorted(members, key=lambda m, no=no: ticket(key, "team", 3, 0, no, m[1]))
            assert set(one.attempts.values()) == {0}
    assert 3 in told


def test_a_cap_that_no_matching_keeps_is_refused_with_the_cap_that_would_do():
    with pytest.raises(AssignmentError) as caught:
        assign(KEYS[0], team(cap=1), drawn(4), people(3), frozenset(), WINDOW)
    assert caught.value.code == "cap-infeasible"
    assert caught.value.params == {"block": "H-0", "cap": 1, "expected": 3, "objects": 4, "inspectors": 3}
    assert assign(KEYS[0], team(cap=3), drawn(4), people(3), frozenset(), WINDOW).blocks[0][2] == 3


def test_a_cap_that_only_the_specialists_cannot_keep_is_refused():
    staff = [*people(1, skills=("accounting",)), *(RosterRow(f"J-{i}", {"skills": ()}, "") for i in range(9))]
    rules = team(cap=2, specialities=(Speciality(field="skills", value="accounting", number=1),))
    assert assign(KEYS[0], rules, drawn(2), staff, frozenset(), WINDOW).blocks
    with pytest.raises(AssignmentError) as caught:
        assign(KEYS[0], rules, drawn(3), staff, frozenset(), WINDOW)
    assert (caught.value.code, caught.value.params["expected"]) == ("cap-infeasible", 3)


def test_compositions_are_gone_through_again_where_the_first_ones_leave_no_way():
    # H-0 would take the only unskilled inspector that H-1 can use beside its specialist.
    eligible = {"H-0": [("", "I-0"), ("", "I-1"), ("", "I-2")], "H-1": [("", "I-2"), ("", "I-3")]}
    rules = team(cap=1, specialities=(Speciality(field="skills", value="accounting", number=1),))
    within = component(rules, eligible, {"I-0": (0,), "I-1": (0,), "I-3": (0,)})
    chosen = switching.compose(within, free)
    assert chosen is not None
    assert chosen["H-0"] == ((("", (0,)), 2),)
    assert switching.first_matching(within, chosen) == {"H-0": {"I-0", "I-1"}, "H-1": {"I-2", "I-3"}}


@pytest.mark.parametrize(("tickets", "enough"), [(32 + 32 + 320 + 108, True), (32 + 32 + 320 + 107, False)])
def test_the_walk_and_the_search_for_its_start_are_paid_from_the_budget(monkeypatch, tickets, enough):
    monkeypatch.setattr(assignment, "MAX_TICKETS", tickets)
    key = next(k for k in KEYS if assign_free(k))
    if enough:
        assert assign(key, team(cap=1, steps=9), drawn(4), people(8), frozenset(), WINDOW).blocks[0][1] == 1
        return
    with pytest.raises(AssignmentError) as caught:
        assign(key, team(cap=1, steps=9), drawn(4), people(8), frozenset(), WINDOW)
    assert caught.value.code == "attempts-exhausted"


def assign_free(key: bytes) -> bool:
    """Say whether the attempt 0 of four objects and eight inspectors comes to all four and fails at the last."""
    load: Counter[str] = Counter()
    for at, obj in enumerate(drawn(4)):
        load.update(sorted((f"I-{i}" for i in range(8)), key=lambda i, no=obj.no: ticket(key, "team", 0, 0, no, i))[:2])
        if max(load.values()) > 1:
            return at == 3
    return False
