"""Whatever the rules and rosters: nobody is matched against them, teams are whole, and a draw repeats itself."""

from collections import Counter
from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from fairdraw.assignment import Assignment, assign
from fairdraw.errors import AssignmentError
from fairdraw.roster import RosterRow
from fairdraw.rules import Eligible, Team
from support.matchings import WINDOW, cases, holds

CODES = {"too-few-eligible", "too-few-experts", "no-such-team", "cap-infeasible", "attempts-exhausted"}


def check(rules: Team, objects: list[RosterRow], staff: list[RosterRow], out: frozenset, told: Assignment) -> None:
    people = {one.no: one.attrs for one in staff}

    def admits(named: tuple[Eligible, ...], obj: RosterRow, no: str) -> bool:
        both = ((rule, obj.attrs[rule.object] if rule.object else None, people[no][rule.inspector]) for rule in named)
        return (obj.no, no) not in out and all(holds(*one) for one in both)

    load: Counter[str] = Counter()
    for obj in objects:
        team = [no for _, no in told.teams[obj.no]]
        assert len(set(team)) == rules.size
        load.update(team)
        assert all(admits(rules.eligible, obj, no) for no in team)
        if rules.quota:
            assert Counter(people[no]["department"] for no in team) == dict(rules.quota)
            assert [d for d, _ in told.teams[obj.no]] == sorted(people[no]["department"] for no in team)
        for wanted in rules.specialities:
            assert sum(wanted.value in (people[no]["skills"] or ()) for no in team) >= wanted.number
        if rules.experts is not None:
            assert not any(people[no]["expert"] is True for no in team)
            aiding = told.experts[obj.no]
            assert len(set(aiding)) == rules.experts.number
            assert all(people[no]["expert"] is True and admits(rules.experts.eligible, obj, no) for no in aiding)
        assert told.attempts[obj.no] == 0 or rules.specialities
    assert told.teams.keys() == told.attempts.keys() == {obj.no for obj in objects}
    if rules.cap is not None:
        assert all(load[inspector] <= told.caps[no] for no, team in told.teams.items() for _, inspector in team)
        if rules.beyond != "raise-cap":
            assert {cap for _, _, cap in told.blocks} == {rules.cap}
    if rules.pool is not None:
        assert len(load) <= rules.pool
    assert (told.pool is None) == (rules.pool is None)


def outcome(case, key: bytes) -> Assignment | str:
    """Return what was drawn, or the code of the error that says why nothing can be."""
    rules, objects, staff, out = case
    try:
        return assign(key, rules, objects, staff, out, WINDOW)
    except AssignmentError as error:
        return error.code


@given(cases(), st.binary(min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_no_draw_breaks_a_rule_and_every_draw_comes_out_the_same_again(case, label):
    key = sha256(label).digest()
    told = outcome(case, key)
    assert told == outcome(case, key)
    if isinstance(told, Assignment):
        check(*case, told)
    else:
        assert told in CODES
