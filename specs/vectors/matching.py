"""The vectors of assignment.md, from a second writing of its rules that shares no code with the project."""

from collections.abc import Iterable
from datetime import date
from itertools import combinations, count, product
from typing import Any

from formats import KEY, Cases, ticket

INSPECTORS = [
    {"no": f"I-{i:02d}", "attrs": {"department": ("wjw", "ybj")[i % 2], "qualified": i != 9, "region": "370102"}}
    for i in range(1, 10)
]
OBJECTS = [{"no": f"H-{i:03d}", "attrs": {"region": "370102"}} for i in range(1, 5)]
QUALIFIED = {"rule": "true", "object": None, "inspector": "qualified"}
SAME = {"rule": "same", "object": "region", "inspector": "region"}
DIFFER = {"rule": "differ", "object": "region", "inspector": "region"}


def _team(**changes: Any) -> dict[str, Any]:
    rules = {"size": 2, "department": None, "quota": [], "eligible": [QUALIFIED], "specialities": [], "experts": None,
             "order": "both", "pool": None, "cap": None, "limit": 10000, "beyond": "raise-cap",
             "steps": None}  # fmt: skip
    return rules | changes


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _may(rule: dict[str, Any], obj: dict[str, Any], inspector: dict[str, Any], window: str) -> bool:
    theirs = inspector["attrs"][rule["inspector"]]
    if rule["rule"] == "true":
        return theirs is True
    if theirs is None:
        return False
    if rule["rule"] == "valid":
        return _is_date(theirs) and theirs >= window
    ours = obj["attrs"][rule["object"]]
    if ours is None:
        return False
    return {
        "same": lambda: ours == theirs,
        "differ": lambda: ours != theirs,
        "at-least": lambda: theirs >= ours,
        "contains": lambda: ours in theirs,
        "under": lambda: theirs and ours[: len(theirs)] == theirs,
    }[rule["rule"]]()


def _fitting(case: dict[str, Any], rules: list[dict[str, Any]], obj: dict[str, Any], *, experts: bool) -> list[Any]:
    """Return the inspectors, or the experts, whom rules and recusals let inspect an object."""
    told = case["team"]["experts"]
    return [
        one
        for one in case["inspectors"]
        if (told is not None and one["attrs"][told["expert"]] is True) == experts
        and [obj["no"], one["no"]] not in case["recusals"]
        and all(_may(rule, obj, one, case["window"]) for rule in rules)
    ]


def _eligible(case: dict[str, Any], obj: dict[str, Any]) -> list[tuple[str, str]]:
    team = case["team"]
    rows = _fitting(case, team["eligible"], obj, experts=False)
    pairs = [("" if team["department"] is None else one["attrs"][team["department"]], one["no"]) for one in rows]
    return [pair for pair in pairs if not team["quota"] or pair[0] in dict(team["quota"])]


def _held(case: dict[str, Any], no: str) -> list[int]:
    """Return the places of the specialities that an inspector has."""
    attrs = next(one["attrs"] for one in case["inspectors"] if one["no"] == no)
    return [at for at, one in enumerate(case["team"]["specialities"]) if one["value"] in (attrs[one["field"]] or [])]


def _has_all(case: dict[str, Any], members: Iterable[Any]) -> bool:
    held = [at for _, no in members for at in _held(case, no)]
    return all(held.count(at) >= one["number"] for at, one in enumerate(case["team"]["specialities"]))


def _quota(case: dict[str, Any]) -> list[Any]:
    return list(case["team"]["quota"] or [["", case["team"]["size"]]])


def _draw_team(
    case: dict[str, Any], no: str, eligible: Iterable[tuple[str, str]], attempt: int
) -> tuple[list[list[str]], int]:
    eligible = list(eligible)
    for own in count():
        ranked = sorted((d, ticket(case["key"], "team", attempt, own, no, i), i) for d, i in eligible)
        told: list[list[str]] = []
        for department, needed in _quota(case):
            told += [[d, i] for d, _, i in ranked if d == department][:needed]
        if _has_all(case, told):
            return told, own
    raise AssertionError


def _teams(case: dict[str, Any], eligible: Iterable[tuple[str, str]]) -> list[tuple[tuple[str, str], ...]]:
    """Return every team that the rules allow, each sorted by number."""
    wanted = sorted(d for d, needed in _quota(case) for _ in range(needed))
    every = combinations(sorted(eligible, key=lambda pair: pair[1]), case["team"]["size"])
    return [one for one in every if sorted(d for d, _ in one) == wanted and _has_all(case, one)]


def _start(case: dict[str, Any], eligible: dict[str, list[tuple[str, str]]]) -> dict[str, set[str]] | None:
    """Return the first matching of assignment.md §6, found by trying all."""
    best, told = None, None
    for one in product(*(_teams(case, members) for members in eligible.values())):
        busy = [i for team in one for _, i in team]
        if any(busy.count(i) > case["team"]["cap"] for i in busy):
            continue
        compositions = []
        for members, team in zip(eligible.values(), one, strict=True):
            kinds = sorted({(d, tuple(_held(case, i))) for d, i in members})
            own = [(d, tuple(_held(case, i))) for d, i in team]
            compositions.append([-own.count(kind) for kind in kinds])
        rank = compositions, [[i for _, i in team] for team in one]
        if best is None or rank < best:
            best, told = rank, dict(zip(eligible, ({i for _, i in team} for team in one), strict=True))
    return told


def _walk(case: dict[str, Any], eligible: dict[str, list[tuple[str, str]]], teams: dict[str, set[str]]) -> None:
    first = min(teams)
    department = {i: d for members in eligible.values() for d, i in members}
    for step in range(case["team"]["steps"]):

        def rank(*fields: str, step: int = step) -> str:
            return ticket(case["key"], "switch", first, step, *fields)

        moved = sorted(teams, key=rank)[: step % 3 + 1]
        if len(moved) < step % 3 + 1:
            continue
        leave = [min(teams[no], key=lambda i, no=no: rank(no, i)) for no in moved]
        enter = [*leave[1:], leave[0]]
        if len(moved) == 1:
            others = {i for d, i in eligible[moved[0]] if d == department[leave[0]]} - teams[moved[0]]
            if not others:
                continue
            enter = [min(others, key=lambda i: rank(moved[0], i))]
        after = {no: (teams[no] - {old}) | {new} for no, old, new in zip(moved, leave, enter, strict=True)}
        good = all(
            new not in teams[no] and (department[old], new) in eligible[no]
            and _has_all(case, [("", i) for i in after[no]])
            for no, old, new in zip(moved, leave, enter, strict=True)
        )  # fmt: skip
        busy = [i for members in (teams | after).values() for i in members]
        if good and all(busy.count(i) <= case["team"]["cap"] for i in busy):
            teams.update(after)


def _blocks(eligible: dict[str, list[tuple[str, str]]]) -> list[list[str]]:
    blocks: list[tuple[set[str], set[str]]] = []
    for no, members in eligible.items():
        own, shared = {no}, {i for _, i in members}
        for other in [block for block in blocks if block[1] & shared]:
            blocks.remove(other)
            own, shared = own | other[0], shared | other[1]
        blocks.append((own, shared))
    return sorted(sorted(own) for own, _ in blocks)


def _draw_block(case: dict[str, Any], able: dict[str, list[tuple[str, str]]]) -> tuple[Any, int, int]:
    """Return a block's teams with their own attempts, its attempt, and the cap at it."""
    team = case["team"]
    for attempt in count():
        cap = team["cap"] + attempt // team["limit"]
        if attempt == team["limit"] and team["beyond"] == "switch-chain":
            teams = _start(case, able) or {}
            _walk(case, able, teams)
            told = {}
            for no, members in teams.items():
                pairs = [(d, ticket(case["key"], "team", attempt, 0, no, i), i) for d, i in able[no] if i in members]
                told[no] = [[d, i] for d, _, i in sorted(pairs)], 0
            return told, attempt, team["cap"]
        told = {no: _draw_team(case, no, members, attempt) for no, members in able.items()}
        busy = [i for members, _ in told.values() for _, i in members]
        if all(busy.count(i) <= cap for i in busy):
            return told, attempt, cap
    raise AssertionError


def _pool(case: dict[str, Any], eligible: dict[str, list[tuple[str, str]]]) -> tuple[int, dict[str, Any]]:
    """Return the first pool's attempt, and who of it is eligible."""
    team = case["team"]
    alone = [rule for rule in team["eligible"] if rule["object"] is None]
    urn = [one["no"] for one in _fitting(case, alone, {"no": ""}, experts=False)]
    for attempt in count():
        pool = sorted(urn, key=lambda no, attempt=attempt: ticket(case["key"], "pool", attempt, no))[: team["pool"]]
        able = {no: [pair for pair in members if pair[1] in pool] for no, members in eligible.items()}
        if all(_teams(case, members) for members in able.values()):
            return attempt, able
    raise AssertionError


def _solve(case: dict[str, Any]) -> dict[str, Any]:
    """Return the case with its teams, experts, eligible counts, attempts, blocks and pool."""
    rows = {one["no"]: one for one in case["objects"]}
    able = {no: _eligible(case, one) for no, one in rows.items()}
    counts = {no: len(members) for no, members in able.items()}
    team = case["team"]
    pool = None
    if team["pool"] is not None:
        pool, able = _pool(case, able)
    drawn, blocks, at = {}, [], dict.fromkeys(rows, 0)
    if team["cap"] is None:
        drawn = {no: _draw_team(case, no, able[no], 0) for no in able}
    else:
        for block in _blocks(able):
            teams, attempt, cap = _draw_block(case, {no: able[no] for no in block})
            drawn |= teams
            at |= dict.fromkeys(block, attempt)
            blocks.append([block[0], attempt, cap])
    experts = {}
    if team["experts"] is not None:
        for no, (_, own) in drawn.items():
            fitting = _fitting(case, team["experts"]["eligible"], rows[no], experts=True)
            ranked = sorted((ticket(case["key"], "expert", at[no], own, no, one["no"]), one["no"]) for one in fitting)
            experts[no] = [expert for _, expert in ranked[: team["experts"]["number"]]]
    return case | {
        "teams": {no: members for no, (members, _) in drawn.items()}, "experts": experts, "eligible": counts,
        "attempts": {no: own for no, (_, own) in drawn.items()}, "blocks": blocks, "pool": pool,
    }  # fmt: skip


def _case(name: str, **changes: Any) -> dict[str, Any]:
    case = {"name": name, "key": KEY, "team": _team(), "objects": OBJECTS, "inspectors": INSPECTORS, "recusals": [],
            "window": "2026-09-30"}  # fmt: skip
    return case | changes


def _region(rows: list[dict[str, Any]], regions: str) -> list[dict[str, Any]]:
    names = {"a": "370102", "b": "370103", "-": None}
    return [one | {"attrs": one["attrs"] | {"region": names[r]}} for one, r in zip(rows, regions, strict=True)]


def _with(rows: list[dict[str, Any]], **columns: list[Any]) -> list[dict[str, Any]]:
    """Return rows with further attributes, each given by one value a row."""
    return [
        one | {"attrs": one["attrs"] | {name: values[at] for name, values in columns.items()}}
        for at, one in enumerate(rows)
    ]


SKILLS = [["accounting"], ["accounting", "medicine"], [], ["medicine"], [], [], None, [], ["accounting"]]
ASKED = [{"field": "skills", "value": "accounting", "number": 1}, {"field": "skills", "value": "medicine", "number": 1}]
EXPERTS = {"number": 1, "expert": "expert", "eligible": [{"rule": "contains", "object": "type", "inspector": "types"}]}
CHAIN = {"cap": 1, "limit": 2, "beyond": "switch-chain", "steps": 30}


def _rules() -> Cases:
    """Return one case for each rule about who may inspect what."""
    days = ["2026-09-30", "2026-09-29", "2027-01-01", None, "2026-9-30", "2026-12-31", "9999", "2026-10-01", ""]
    kinds = [["a"], ["a", "b"], ["b"], [], None, ["a", "b", "c"], ["ab"], ["b"], ["a"]]
    codes = ["37", "3701", "370102", "370103", None, "", "370102", "38", "3701"]
    objects = _with(OBJECTS, level=[1, 2, 2, 3], type=["a", "b", "a", "b"], region=["370102", "370103"] * 2)
    staff = _with(INSPECTORS, until=days, level=[1, 2, 3, None, 3, 0, 2, 3, 9], types=kinds, region=codes)
    rules = {
        "valid": {"rule": "valid", "object": None, "inspector": "until"},
        "at-least": {"rule": "at-least", "object": "level", "inspector": "level"},
        "contains": {"rule": "contains", "object": "type", "inspector": "types"},
        "under": {"rule": "under", "object": "region", "inspector": "region"},
    }
    told = [_case(f"the rule {name}", objects=objects, inspectors=staff, team=_team(eligible=[rule]))
            for name, rule in rules.items()]  # fmt: skip
    return [_solve(case) for case in told]


def _further() -> tuple[Cases, Cases]:
    """Return cases of specialities, experts, pools and the switch chain."""
    able = _with(INSPECTORS, skills=SKILLS, expert=[False, False, False, None, False, True, True, False, False],
                 types=[["a"]] * 4 + [["a", "b"]] * 5)  # fmt: skip
    objects = _with(OBJECTS, type=["a", "b", "a", "a"])
    common = {"inspectors": able, "objects": objects}
    few, seven = {"objects": objects[:3], "inspectors": able[:7]}, {"objects": objects, "inspectors": able[:7]}
    tight = CHAIN | {"cap": 2, "limit": 1}
    two = {"department": "department", "quota": [["wjw", 1], ["ybj", 1]]}
    skilled = _solve(_case("specialities: an object's own attempts", team=_team(specialities=ASKED), **common))
    both = _solve(_case("specialities and a cap", team=_team(specialities=ASKED, cap=2), **common))
    aided = _solve(_case("experts on top", team=_team(experts=EXPERTS), **common, recusals=[["H-001", "I-06"]]))
    pool = _solve(_case("a pool", team=_team(pool=4, eligible=[QUALIFIED, SAME]), **common
                        | {"objects": _region(objects, "aabb"), "inspectors": _region(able, "aaaaabbbb")}))  # fmt: skip
    chain = _solve(_case("the switch chain", team=_team(**CHAIN), **common))
    accept = [
        skilled, both, aided, pool, chain,
        _solve(_case("objects first: the same teams", team=_team(order="objects-first"), **common)),
        _solve(_case("experts of no number are kept out", team=_team(experts=EXPERTS | {"number": 0}), **common)),
        _solve(_case("a pool larger than the urn", team=_team(pool=20), **common)),
        _solve(_case("the switch chain with departments", team=_team(**CHAIN, **two), **few)),
        _solve(_case("the switch chain with specialities", team=_team(**tight, specialities=ASKED), **seven)),
        _solve(_case("the switch chain with departments, specialities, experts and recusals", **seven, recusals=[
            ["H-001", "I-01"], ["H-002", "I-02"], ["H-003", "I-03"]],
            team=_team(**tight, **two, specialities=ASKED[:1], experts=EXPERTS))),
    ]  # fmt: skip
    chained = [case["name"] for case in accept for block in case["blocks"] if case["team"]["limit"] == block[1]]
    if not (max(skilled["attempts"].values()) and pool["pool"] and len(chained) == 4):
        raise ValueError("the cases do not show what their names say", skilled["attempts"], pool["pool"], chained)
    expert, spare = aided["experts"]["H-001"][0], aided["teams"]["H-001"][0]
    unskilled = _solve(_case("", team=_team(), **common))["teams"]
    start = {no: [["", i] for i in sorted(members)] for no, members in
             (_start(chain, {one["no"]: _eligible(chain, one) for one in objects}) or {}).items()}  # fmt: skip
    refuse = [
        skilled | {"name": "teams without the specialities", "teams": unskilled, "expect": "team-differs"},
        skilled | {"name": "an own attempt skipped", "expect": "attempts-differ",
                   "attempts": {no: own + 1 for no, own in skilled["attempts"].items()}},
        aided | {"name": "an expert counted as inspector", "expect": "team-differs",
                 "teams": aided["teams"] | {"H-001": [spare, ["", expert]]}},
        aided | {"name": "another expert", "experts": aided["experts"] | {"H-001": [spare[1]]},
                 "expect": "team-differs"},
        pool | {"name": "a pool skipped", "pool": pool["pool"] + 1, "expect": "attempts-differ"},
        pool | {"name": "teams from outside the pool", "expect": "team-differs",
                "teams": _solve(pool | {"team": pool["team"] | {"pool": None}})["teams"]},
        chain | {"name": "the start of the chain without its walk", "teams": start, "expect": "team-differs"},
        chain | {"name": "an attempt that looks like an accepted one", "expect": "attempts-differ",
                 "blocks": [[chain["blocks"][0][0], 1, 1]]},
        _case("no team with the specialities", **common, expect="no-such-team", recusals=[
            ["H-001", i["no"]] for i in able if "medicine" in (i["attrs"]["skills"] or [])],
            team=_team(specialities=ASKED)),
        _case("two specialists in one department's place", expect="no-such-team", objects=objects,
              inspectors=_with([able[2], able[3], able[7]], skills=[[], ["medicine"], ["accounting"]]),
              team=_team(department="department", quota=[["wjw", 1], ["ybj", 1]], specialities=ASKED)),
        _case("too few experts", **common, expect="too-few-experts", team=_team(experts=EXPERTS | {"number": 3})),
        _case("a cap that no matching keeps", objects=objects, inspectors=able[:5], expect="cap-infeasible",
              team=_team(**CHAIN)),
        _case("pools that never fit", expect="attempts-exhausted", team=_team(pool=3, eligible=[QUALIFIED, SAME],
                                                                              limit=50),
              objects=_region(objects, "aabb"), inspectors=_region(able, "aaaaabbbb")),
        _case("a rule about another type", **common, expect="rule-type",
              team=_team(eligible=[{"rule": "at-least", "object": "type", "inspector": "types"}])),
        _case("a date with an object", **common, expect="bad-rule",
              team=_team(eligible=[{"rule": "valid", "object": "type", "inspector": "department"}])),
        _case("a speciality that is no list", **common, expect="rule-type",
              team=_team(specialities=[{"field": "department", "value": "wjw", "number": 1}])),
        _case("experts whom nothing tells apart", **common, expect="unknown-attribute",
              team=_team(experts=EXPERTS | {"expert": "outsider"})),
    ]  # fmt: skip
    return accept, refuse


def assignment() -> tuple[Cases, Cases]:
    """assignment.md: rules, independent teams, departments, caps with failed attempts, blocks, what comes on top."""
    departments = _team(size=3, department="department", quota=[["wjw", 1], ["ybj", 2]])
    two = {"objects": _region(OBJECTS, "aabb"), "inspectors": _region(INSPECTORS, "aaaabbbba")}
    capped = _solve(_case("a cap of one: attempts fail", team=_team(cap=1)))
    blocks = _solve(_case("a cap and two blocks", team=_team(cap=1, eligible=[QUALIFIED, SAME]), **two))
    raised = _solve(_case("a cap that is raised", team=_team(cap=1, limit=3)))
    plain = _solve(_case("independent teams"))
    if not (capped["blocks"][0][1] and len(blocks["blocks"]) == 2 and raised["blocks"][0][2] == 2):
        raise ValueError("the cases do not show what their names say")
    accept = [
        plain,
        _solve(_case("a recusal", recusals=[["H-001", "I-01"], ["H-001", "I-02"], ["H-999", "I-03"]])),
        _solve(_case("the same region", team=_team(eligible=[QUALIFIED, SAME]), **two)),
        _solve(_case("another region", team=_team(eligible=[QUALIFIED, DIFFER]), **two)),
        _solve(_case("two departments", team=departments)),
        capped,
        blocks,
        raised,
    ]
    one = plain["teams"]["H-001"]
    spare = next(i["no"] for i in INSPECTORS if ["", i["no"]] not in one)
    arranged = plain["teams"] | {"H-001": [one[0], ["", spare]]}
    skipped = [[capped["blocks"][0][0], capped["blocks"][0][1] + 1, 1]]
    nobody = _region(INSPECTORS, "---------")
    refuse = [
        plain | {"name": "one inspector swapped", "teams": arranged, "expect": "team-differs"},
        plain | {"name": "a team in another order", "teams": plain["teams"] | {"H-001": one[::-1]},
                 "expect": "team-differs"},
        plain | {"name": "a recused inspector assigned", "recusals": [["H-001", one[0][1]]], "expect": "team-differs"},
        capped | {"name": "an attempt skipped", "blocks": skipped, "expect": "attempts-differ"},
        capped | {"name": "a load above the cap", "teams": _solve(_case("", team=_team()))["teams"],
                  "expect": "team-differs"},
        _case("too few eligible", team=_team(eligible=[QUALIFIED, SAME]), inspectors=nobody, expect="too-few-eligible"),
        _case("too few of a department", team=_team(department="department", quota=[["gaj", 1], ["ybj", 1]]),
              expect="too-few-eligible"),
        _case("attempts exhausted", team=_team(cap=1, limit=1, beyond="void"), expect="attempts-exhausted"),
        _case("an attribute that inspectors have not", team=_team(eligible=[QUALIFIED | {"inspector": "rank"}]),
              expect="unknown-attribute"),
        _case("an attribute that objects have not", team=_team(eligible=[SAME | {"object": "rank"}]),
              expect="unknown-attribute"),
        _case("a rule without its attribute", team=_team(eligible=[SAME | {"object": None}]), expect="bad-rule"),
    ]  # fmt: skip
    late = _rules()[0]
    able, unable = _further()
    refuse.append(late | {"name": "a qualification that ends a day before the window", "window": "2026-10-01",
                          "expect": "team-differs"})  # fmt: skip
    return accept + _rules() + able, refuse + unable
