"""Matching: who may inspect what, teams, specialities, experts, pools and blocks that are the connected components."""

import tracemalloc
from collections import Counter
from hashlib import sha256
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fairdraw import assignment
from fairdraw.assignment import assign
from fairdraw.eligibility import candidates, is_forced
from fairdraw.errors import AssignmentError
from fairdraw.roster import RosterRow
from fairdraw.rules import Eligible, Experts, Speciality, Team
from fairdraw.tickets import ticket

KEYS = [sha256(f"key {i}".encode()).digest() for i in range(2400)]
WINDOW = "2026-09-30"
QUALIFIED = Eligible(rule="true", object=None, inspector="qualified")
SAME = Eligible(rule="same", object="region", inspector="region")
DIFFER = Eligible(rule="differ", object="region", inspector="region")
VALID = Eligible(rule="valid", object=None, inspector="until")
LEVEL = Eligible(rule="at-least", object="level", inspector="level")
KNOWS = Eligible(rule="contains", object="type", inspector="types")
UNDER = Eligible(rule="under", object="region", inspector="region")
ACCOUNTANT = Speciality(field="skills", value="accounting", number=1)
DOCTOR = Speciality(field="skills", value="medicine", number=1)


def team(**changes) -> Team:
    fields = {
        "size": 2,
        "department": None,
        "quota": (),
        "eligible": (QUALIFIED,),
        "specialities": (),
        "experts": None,
        "order": "both",
        "pool": None,
        "cap": None,
        "limit": 10_000,
        "beyond": "raise-cap",
        "steps": None,
    }
    return Team(**(fields | changes))


def objects(*regions: str | None) -> list[RosterRow]:
    return [RosterRow(f"H-{i}", {"region": region}, "") for i, region in enumerate(regions)]


def inspectors(*regions: str | None, department: str = "ybj", qualified: bool = True) -> list[RosterRow]:
    attrs = {"department": department, "qualified": qualified}
    return [RosterRow(f"I-{i}", {**attrs, "region": region}, "") for i, region in enumerate(regions)]


def people(*attrs: dict, no: str = "I") -> list[RosterRow]:
    return [RosterRow(f"{no}-{i}", {"qualified": True} | one, "") for i, one in enumerate(attrs)]


def skilled(*skills: str, **more) -> list[RosterRow]:
    """Return inspectors with the skills that the letters stand for: a accounting, m medicine."""
    names = {"a": "accounting", "m": "medicine", "-": None}
    return people(*({"skills": sorted(filter(None, map(names.get, one)))} | more for one in skills))


def numbers(members) -> frozenset[str]:
    return frozenset(no for _, no in members)


def matching(told) -> tuple[tuple[str, frozenset[str]], ...]:
    return tuple(sorted((no, numbers(members)) for no, members in told.teams.items()))


def refused(*args) -> AssignmentError:
    with pytest.raises(AssignmentError) as caught:
        assign(KEYS[0], *args, frozenset(), WINDOW)
    return caught.value


def allowed(rules: Team, objs, staff, recusals=frozenset()) -> set:
    """Return every matching that the rules allow, by trying all of them."""
    able = candidates(rules, objs, staff, recusals, WINDOW).members
    skills = {one.no: one.attrs.get("skills", ()) for one in staff}
    choices = [
        [
            (obj.no, frozenset(pair))
            for pair in combinations(sorted(numbers(able[obj.no])), rules.size)
            if all(sum(s.value in skills[i] for i in pair) >= s.number for s in rules.specialities)
        ]
        for obj in objs
    ]
    told = set()
    for one in product(*choices):
        load = Counter(inspector for _, members in one for inspector in members)
        if rules.cap is None or max(load.values()) <= rules.cap:
            told.add(one)
    return told


def check_even(counts: Counter, every: set) -> None:
    assert set(counts) == every
    expected = sum(counts.values()) / len(every)
    statistic = sum((count - expected) ** 2 / expected for count in counts.values())
    # χ² of n - 1 degrees of freedom is beyond n - 1 + 4·√(2(n - 1)) about once in ten thousand times.
    freedom = len(every) - 1
    assert statistic < freedom + 4 * (2 * freedom) ** 0.5


# -- uniform ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "staff", "recusals"),
    [
        (team(), 4, frozenset()),
        (team(cap=1), 4, frozenset()),
        (team(cap=1), 5, frozenset({("H-0", "I-0")})),
        (team(), 4, frozenset({("H-0", "I-0"), ("H-1", "I-3")})),
        (team(cap=1, limit=1, beyond="switch-chain", steps=60), 4, frozenset()),
        (team(cap=1, limit=1, beyond="switch-chain", steps=60), 5, frozenset({("H-0", "I-0"), ("H-1", "I-1")})),
    ],
)
def test_every_allowed_matching_is_equally_likely(rules, staff, recusals):
    objs, staff = objects("a", "a"), inspectors(*["a"] * staff)
    keys = KEYS[:900] if rules.steps else KEYS
    counts = Counter(matching(assign(key, rules, objs, staff, recusals, WINDOW)) for key in keys)
    check_even(counts, allowed(rules, objs, staff, recusals))


@pytest.mark.parametrize("changes", [{}, {"cap": 1}, {"cap": 1, "limit": 1, "beyond": "switch-chain", "steps": 120}])
def test_every_allowed_matching_with_the_specialities_is_equally_likely(changes):
    rules = team(specialities=(ACCOUNTANT, DOCTOR), **changes)
    objs, staff = objects("a", "a"), skilled("a", "am", "m", "-", "a", "m")
    keys = KEYS[:900] if rules.steps else KEYS
    counts = Counter(matching(assign(key, rules, objs, staff, frozenset(), WINDOW)) for key in keys)
    check_even(counts, allowed(rules, objs, staff))


def test_departments_are_drawn_each_by_itself_and_stand_in_order():
    staff = [
        RosterRow(f"I-{i}", {"department": "wjw" if i < 3 else "ybj", "qualified": True, "region": "a"}, "")
        for i in range(7)
    ]
    rules = team(size=3, department="department", quota=(("wjw", 1), ("ybj", 2)))
    counts: Counter[str] = Counter()
    for key in KEYS[:600]:
        members = assign(key, rules, objects("a"), staff, frozenset(), WINDOW).teams["H-0"]
        assert [department for department, _ in members] == ["wjw", "ybj", "ybj"]
        counts.update(numbers(members))
    assert all(150 < counts[f"I-{i}"] < 250 for i in range(3))
    assert all(240 < counts[f"I-{i}"] < 360 for i in range(3, 7))


def test_two_of_each_department_inspect_jointly():
    staff = people(*({"department": ("wjw", "ybj")[i % 2]} for i in range(10)))
    rules = team(size=4, department="department", quota=(("wjw", 2), ("ybj", 2)))
    for members in assign(KEYS[0], rules, objects(*"aaaa"), staff, frozenset(), WINDOW).teams.values():
        assert [department for department, _ in members] == ["wjw", "wjw", "ybj", "ybj"]
        assert len(numbers(members)) == 4


# -- who may inspect what -----------------------------------------------------------------------------------------


def test_rules_say_who_may_inspect_whom():
    objs, staff = objects("a", "b", None), inspectors("a", "a", "b", "b", None)
    able = candidates(team(eligible=(QUALIFIED, SAME)), objs, staff, frozenset(), WINDOW).members
    assert {no: numbers(members) for no, members in able.items()} == {
        "H-0": {"I-0", "I-1"}, "H-1": {"I-2", "I-3"}, "H-2": frozenset(),
    }  # fmt: skip
    able = candidates(team(eligible=(DIFFER,)), objs, staff, frozenset({("H-0", "I-2")}), WINDOW).members
    assert {no: numbers(members) for no, members in able.items()} == {
        "H-0": {"I-3"}, "H-1": {"I-0", "I-1"}, "H-2": frozenset(),
    }  # fmt: skip
    strangers = team(eligible=(SAME, Eligible(rule="differ", object="region", inspector="home")))
    locals_ = people(*({"region": "a", "home": home} for home in "abca"))
    told = candidates(strangers, objects("a"), locals_, frozenset(), WINDOW).members
    assert numbers(told["H-0"]) == {"I-1", "I-2"}  # both rules are asked, though about one attribute of the object
    nobody = candidates(team(), objs, inspectors("a", qualified=False), frozenset(), WINDOW).members
    assert not any(nobody.values())


@pytest.mark.parametrize(
    ("rule", "ours", "theirs", "holds"),
    [
        (VALID, None, "2026-09-30", True),
        (VALID, None, "2026-09-29", False),
        (VALID, None, "2027-01-01", True),
        (VALID, None, "9999", False),
        (VALID, None, "2026-9-30", False),
        (VALID, None, "2027-02-30", False),
        (VALID, None, "长期", False),
        (VALID, None, None, False),
        (LEVEL, 2, 2, True),
        (LEVEL, 2, 3, True),
        (LEVEL, 2, 1, False),
        (LEVEL, None, 3, False),
        (LEVEL, 0, None, False),
        (KNOWS, "hospital", ("hospital", "pharmacy"), True),
        (KNOWS, "hospital", ["hospital"], True),
        (KNOWS, "hospital", ("hospitals",), False),
        (KNOWS, "hospital", (), False),
        (KNOWS, None, ("hospital",), False),
        (KNOWS, "hospital", None, False),
        (UNDER, "370102", "3701", True),
        (UNDER, "370102", "370102", True),
        (UNDER, "370102", "37", True),
        (UNDER, "370102", "370103", False),
        (UNDER, "3701", "370102", False),
        (UNDER, "370102", "", False),
        (UNDER, None, "3701", False),
        (UNDER, "370102", None, False),
        (DIFFER, None, "a", False),
        (DIFFER, "a", None, False),
    ],
)
def test_each_rule_holds_as_the_specification_says(rule, ours, theirs, holds):
    objs = [RosterRow("H-0", {} if rule.object is None else {rule.object: ours}, "")]
    staff = [RosterRow("I-0", {rule.inspector: theirs}, "")]
    assert bool(candidates(team(eligible=(rule,)), objs, staff, frozenset(), WINDOW).members["H-0"]) == holds


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (Eligible(rule="same", object="nowhere", inspector="region"), "unknown-attribute"),
        (Eligible(rule="same", object="region", inspector="nowhere"), "unknown-attribute"),
        (Eligible(rule="same", object=None, inspector="region"), "bad-rule"),
        (Eligible(rule="under", object=None, inspector="region"), "bad-rule"),
        (Eligible(rule="true", object="region", inspector="qualified"), "bad-rule"),
        (Eligible(rule="valid", object="region", inspector="region"), "bad-rule"),
        (Eligible(rule="true", object=None, inspector="region"), "rule-type"),
        (Eligible(rule="valid", object=None, inspector="qualified"), "rule-type"),
        (Eligible(rule="at-least", object="region", inspector="region"), "rule-type"),
        (Eligible(rule="contains", object="region", inspector="region"), "rule-type"),
        (Eligible(rule="under", object="region", inspector="qualified"), "rule-type"),
    ],
)
def test_a_rule_about_attributes_that_nobody_has_or_of_another_type_is_refused(rule, code):
    for rules in (team(eligible=(rule,)), team(experts=Experts(number=1, expert="qualified", eligible=(rule,)))):
        assert refused(rules, objects("a"), inspectors("a")).code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"department": "qualified", "quota": (("ybj", 2),)}, "rule-type"),
        ({"department": "nowhere", "quota": (("ybj", 2),)}, "unknown-attribute"),
        ({"specialities": (Speciality(field="region", value="a", number=1),)}, "rule-type"),
        ({"specialities": (Speciality(field="nowhere", value="a", number=1),)}, "unknown-attribute"),
        ({"experts": Experts(number=1, expert="region", eligible=())}, "rule-type"),
        ({"experts": Experts(number=1, expert="nowhere", eligible=())}, "unknown-attribute"),
    ],
)
def test_departments_specialities_and_experts_need_attributes_of_their_types(changes, code):
    assert refused(team(**changes), objects("a"), inspectors("a", "a")).code == code


def test_a_drawn_objects_value_of_another_type_is_refused_wherever_it_stands():
    objs = [RosterRow("H-0", {"level": None}, ""), RosterRow("H-1", {"level": True}, "")]
    error = refused(team(eligible=(LEVEL,)), objs, people({"level": 1}, {"level": 2}))
    assert (error.code, error.params["row"], error.params["found"]) == ("rule-type", "H-1", "boolean")


def test_memory_does_not_grow_with_the_square_of_a_staff_that_has_nothing_in_common():
    """A hostile roster would else take a verifier's memory: 100,000 inspectors with an employer each, 600 MiB."""
    count = 20_000
    staff = inspectors(*map(str, range(count)))
    tracemalloc.start()
    try:
        who = candidates(team(eligible=(SAME,)), objects("7"), staff, frozenset(), WINDOW)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert who.members == {"H-0": (("", "I-7"),)}
    assert peak < 700 * count


def test_too_few_eligible_inspectors_make_no_team():
    error = refused(team(), objects("a"), inspectors("a"))
    assert (error.code, error.params["found"]) == ("too-few-eligible", 1)
    rules = team(department="department", quota=(("wjw", 1), ("ybj", 1)))
    error = refused(rules, objects("a"), inspectors(*"aaa"))
    assert (error.code, error.params["department"], error.params["found"]) == ("too-few-eligible", "wjw", 0)


# -- specialities -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("skills", "specialities", "size", "possible"),
    [
        (("a", "-", "-"), (ACCOUNTANT,), 2, True),
        (("-", "-", "-"), (ACCOUNTANT,), 2, False),
        (("a", "m", "-"), (ACCOUNTANT, DOCTOR), 2, True),
        (("am", "-", "-"), (ACCOUNTANT, DOCTOR), 2, True),
        (("a", "a", "m"), (ACCOUNTANT.model_copy(update={"number": 2}), DOCTOR), 2, False),
        (("a", "a", "m"), (ACCOUNTANT.model_copy(update={"number": 2}), DOCTOR), 3, True),
        (("am", "am", "m"), (ACCOUNTANT.model_copy(update={"number": 2}), DOCTOR), 2, True),
    ],
)
def test_whether_a_team_has_the_specialities_is_told_before_the_draw(skills, specialities, size, possible):
    rules = team(size=size, specialities=specialities)
    who = candidates(rules, objects("a", "a"), skilled(*skills), frozenset(), WINDOW)
    assert bool(who.lacking) != possible
    if not possible:
        assert {error.code for error in who.lacking.values()} == {"no-such-team"}
        assert refused(rules, objects("a"), skilled(*skills)).params["object"] == "H-0"


def test_a_speciality_that_only_the_full_department_could_add_is_missing():
    staff = people(
        {"department": "wjw", "skills": ()}, {"department": "wjw", "skills": ()},
        {"department": "ybj", "skills": ("accounting",)}, {"department": "ybj", "skills": ("medicine",)},
    )  # fmt: skip
    rules = team(department="department", quota=(("wjw", 1), ("ybj", 1)), specialities=(ACCOUNTANT, DOCTOR))
    assert refused(rules, objects("a"), staff).code == "no-such-team"
    both = people({"department": "wjw", "skills": ("medicine",)}, *(one.attrs for one in staff[1:]))
    members = assign(KEYS[0], rules, objects("a"), both, frozenset(), WINDOW).teams["H-0"]
    assert numbers(members) == {"I-0", "I-2"}


def test_the_own_attempt_is_the_first_whose_team_has_the_specialities():
    staff = skilled("a", *"-----")
    for key in KEYS[:40]:
        told = assign(key, team(specialities=(ACCOUNTANT,)), objects("a", "a"), staff, frozenset(), WINDOW)
        for no, attempt in told.attempts.items():
            teams = [sorted((ticket(key, "team", 0, b, no, i.no), i.no) for i in staff)[:2] for b in range(attempt + 1)]
            assert [any(i == "I-0" for _, i in one) for one in teams] == [False] * attempt + [True]
            assert [i for _, i in teams[-1]] == [i for _, i in told.teams[no]]
    assert len({assign(key, team(specialities=(ACCOUNTANT,)), objects("a"), staff, frozenset(), WINDOW).attempts["H-0"]
                for key in KEYS[:40]}) > 3  # fmt: skip


@pytest.mark.parametrize(
    "specialities",
    [
        (ACCOUNTANT, ACCOUNTANT),
        (Speciality(field="skills", value="accounting", number=3),),
        tuple(Speciality(field="skills", value=f"s{i}", number=1) for i in range(5)),
    ],
)
def test_specialities_that_no_team_could_have_or_said_twice_are_refused(specialities):
    with pytest.raises(ValidationError):
        team(specialities=specialities)


def test_own_attempts_that_never_end_are_cut_off(monkeypatch):
    monkeypatch.setattr(assignment, "MAX_TICKETS", 60)
    staff = skilled(*["a"] * 3, *["-"] * 57)
    rules = team(size=3, specialities=(Speciality(field="skills", value="accounting", number=3),))
    error = refused(rules, objects("a"), staff)
    assert (error.code, error.params["expected"]) == ("attempts-exhausted", 60)
    # The attempt 0 of a draw without a cap is part of reading it, and costs nothing.
    monkeypatch.setattr(assignment, "MAX_TICKETS", 0)
    assert assign(KEYS[0], team(), objects("a"), staff, frozenset(), WINDOW).attempts == {"H-0": 0}


# -- experts ------------------------------------------------------------------------------------------------------


EXPERTS = Experts(number=1, expert="expert", eligible=(UNDER,))


def staff_with_experts() -> list[RosterRow]:
    common = {"region": "37", "skills": ("accounting",)}
    return people(*({**common, "expert": [False, None][i % 2]} for i in range(4)), {**common, "expert": True},
                  {**common, "expert": True}, {**common, "expert": True, "region": "38"})  # fmt: skip


def test_experts_come_on_top_and_are_never_members():
    rules = team(experts=EXPERTS)
    for key in KEYS[:100]:
        told = assign(key, rules, objects("3701", "3702"), staff_with_experts(), frozenset({("H-1", "I-5")}), WINDOW)
        for no, members in told.teams.items():
            assert numbers(members) <= {"I-0", "I-1", "I-2", "I-3"}
            assert told.eligible[no] == 4
        first = min((ticket(key, "expert", 0, 0, "H-0", i), i) for i in ("I-4", "I-5"))[1]
        assert told.experts == {"H-0": (first,), "H-1": ("I-4",)}


def test_experts_do_not_fill_a_team_that_lacks_inspectors():
    staff = staff_with_experts()[1:]
    assert refused(team(size=4, experts=EXPERTS), objects("3701"), staff).code == "too-few-eligible"
    assert refused(team(experts=Experts(number=3, expert="expert", eligible=(UNDER,))), objects("3701"),
                   staff).code == "too-few-experts"  # fmt: skip


def test_experts_do_not_count_for_a_speciality():
    staff = people({"expert": False, "skills": ()}, {"expert": False, "skills": ()},
                   {"expert": True, "skills": ("accounting",)})  # fmt: skip
    rules = team(specialities=(ACCOUNTANT,), experts=Experts(number=1, expert="expert", eligible=()))
    assert refused(rules, objects("a"), staff).code == "no-such-team"


def test_experts_of_no_number_are_kept_out_of_the_teams_all_the_same():
    rules = team(experts=Experts(number=0, expert="expert", eligible=()))
    told = assign(KEYS[0], rules, objects("3701"), staff_with_experts(), frozenset(), WINDOW)
    assert (told.experts, told.eligible) == ({"H-0": ()}, {"H-0": 4})


# -- the pool -----------------------------------------------------------------------------------------------------


def test_the_pool_is_the_first_under_which_every_object_can_have_a_team():
    objs, staff = objects("a", "b"), inspectors(*"aaaabbbb")
    rules = team(eligible=(QUALIFIED, SAME), pool=4)
    seen = set()
    for key in KEYS[:60]:
        told = assign(key, rules, objs, staff, frozenset(), WINDOW)
        pools = [
            {no for _, no in sorted((ticket(key, "pool", p, i.no), i.no) for i in staff)[:4]}
            for p in range(told.pool + 1)
        ]
        fitting = [len(pool & {"I-0", "I-1", "I-2", "I-3"}) == 2 for pool in pools]
        assert fitting == [False] * told.pool + [True]
        assert {i for members in told.teams.values() for i in numbers(members)} == pools[-1]
        assert told.eligible == {"H-0": 4, "H-1": 4}
        seen.add(told.pool)
    assert len(seen) > 2


def test_the_urn_of_the_pool_holds_neither_experts_nor_the_unqualified():
    staff = people(*({"qualified": i % 2 == 0, "expert": i % 3 == 0} for i in range(12)))
    who = candidates(team(pool=2, experts=Experts(number=1, expert="expert", eligible=())), objects("a"), staff,
                     frozenset({("H-0", "I-2")}), WINDOW)  # fmt: skip
    assert who.urn == ("I-2", "I-4", "I-8", "I-10")
    assert numbers(who.members["H-0"]) == {"I-4", "I-8", "I-10"}


def test_a_pool_larger_than_the_urn_is_everybody():
    staff = inspectors(*"aaa")
    told = assign(KEYS[0], team(pool=9), objects("a"), staff, frozenset(), WINDOW)
    assert told.pool == 0
    assert told.teams == assign(KEYS[0], team(), objects("a"), staff, frozenset(), WINDOW).teams


def test_pools_that_never_fit_are_cut_off():
    objs, staff = objects("a", "b"), inspectors(*"aaaabbbb")
    error = refused(team(eligible=(QUALIFIED, SAME), pool=3, limit=20), objs, staff)
    assert (error.code, error.params["expected"]) == ("attempts-exhausted", 20)


def test_a_pool_that_leaves_a_switch_chain_no_start_is_passed_over():
    objs, staff = objects("a", "a", "b"), inspectors(*"aaaabbbb")
    rules = team(eligible=(QUALIFIED, SAME), pool=6, cap=1, limit=50, beyond="switch-chain", steps=3)
    for key in KEYS[:20]:
        told = assign(key, rules, objs, staff, frozenset(), WINDOW)
        assert max(Counter(i for members in told.teams.values() for _, i in members).values()) == 1


def test_the_order_that_a_regulation_names_changes_nothing():
    objs, staff = objects("a", "a"), inspectors(*"aaaa")
    both, first = (assign(KEYS[0], team(cap=1, order=o), objs, staff, frozenset(), WINDOW)
                   for o in ("both", "objects-first"))  # fmt: skip
    assert both == first


# -- blocks and caps ----------------------------------------------------------------------------------------------


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
        told = assign(KEYS[0], team(cap=8), objs, staff, out, WINDOW)
    except AssignmentError:
        return
    assert [no for no, _, _ in told.blocks] == [f"H-{min(part)}" for part in components(pairs, 8)]


@given(st.integers(0, len(KEYS) - 1), st.integers(1, 3), st.randoms())
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_lists_changes_nothing_but_rosters_are_sorted_anyway(which, cap, random):
    objs, staff = objects("a", "a", "b"), inspectors("a", "a", "a", "b", "b", "b")
    rules = team(cap=cap, limit=20, eligible=(SAME,))
    told = assign(KEYS[which], rules, objs, staff, frozenset(), WINDOW)
    other = assign(KEYS[which], rules, random.sample(objs, 3), random.sample(staff, 6), frozenset(), WINDOW)
    assert (told.teams, told.blocks) == (other.teams, other.blocks)


def test_a_rejected_attempt_is_counted_and_the_next_one_has_other_tickets():
    objs, staff = objects("a", "a"), inspectors(*["a"] * 4)
    attempts = Counter(assign(key, team(cap=1), objs, staff, frozenset(), WINDOW).blocks[0][1] for key in KEYS)
    # One of six pairs is the complement of another: geometric with p = 1/6.
    assert 300 < attempts[0] < 500
    assert 230 < attempts[1] < 440
    for key in KEYS[:50]:
        told = assign(key, team(cap=1), objs, staff, frozenset(), WINDOW)
        no, attempt, cap = told.blocks[0]
        assert (no, cap) == ("H-0", 1)
        assert len(numbers(told.teams["H-0"]) | numbers(told.teams["H-1"])) == 4
        assert attempt >= 0


def test_a_cap_that_cannot_be_kept_is_raised_after_the_announced_attempts():
    objs, staff = objects("a", "a", "a"), inspectors("a", "a", "a")
    told = assign(KEYS[0], team(cap=1, limit=7), objs, staff, frozenset(), WINDOW)
    (_, attempt, cap), = told.blocks  # fmt: skip
    assert cap > 1
    assert 7 * (cap - 1) <= attempt < 7 * cap
    assert refused(team(cap=1, limit=7, beyond="void"), objs, staff).code == "attempts-exhausted"


# -- forced -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("skills", "specialities", "forced"),
    [
        ("-----", (), False),
        ("----", (), True),
        ("aa---", (ACCOUNTANT,), False),
        ("a----", (ACCOUNTANT,), True),
    ],
)
def test_a_rare_speciality_makes_a_team_forced(skills, specialities, forced):
    rules = team(specialities=specialities)
    who = candidates(rules, objects("a"), skilled(*skills), frozenset(), WINDOW)
    assert is_forced(rules, who.members["H-0"], who.skills) == forced
