"""The vectors of assignment.md, from a second writing of its rules that shares no code with the project."""

from collections.abc import Iterable
from itertools import count
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
    rules = {"size": 2, "department": None, "quota": [], "eligible": [QUALIFIED], "cap": None, "limit": 10000,
             "beyond": "raise-cap"}  # fmt: skip
    return rules | changes


def _may(rule: dict[str, Any], obj: dict[str, Any], inspector: dict[str, Any]) -> bool:
    theirs = inspector["attrs"][rule["inspector"]]
    if rule["rule"] == "true":
        return theirs is True
    ours = obj["attrs"][rule["object"]]
    return ours is not None and theirs is not None and (ours == theirs) == (rule["rule"] == "same")


def _eligible(case: dict[str, Any], obj: dict[str, Any]) -> list[tuple[str, str]]:
    team = case["team"]
    told = []
    for one in case["inspectors"]:
        department = "" if team["department"] is None else one["attrs"][team["department"]]
        wanted = not team["quota"] or department in dict(team["quota"])
        if (
            wanted
            and [obj["no"], one["no"]] not in case["recusals"]
            and all(_may(r, obj, one) for r in team["eligible"])
        ):
            told.append((department, one["no"]))
    return told


def _draw_team(case: dict[str, Any], no: str, eligible: Iterable[tuple[str, str]], attempt: int) -> list[list[str]]:
    ranked = sorted((department, ticket(case["key"], "team", attempt, 0, no, i), i) for department, i in eligible)
    told = []
    for department, needed in case["team"]["quota"] or [["", case["team"]["size"]]]:
        told += [[d, i] for d, _, i in ranked if d == department][:needed]
    return told


def _blocks(eligible: dict[str, list[tuple[str, str]]]) -> list[list[str]]:
    blocks: list[tuple[set[str], set[str]]] = []
    for no, members in eligible.items():
        own, shared = {no}, {i for _, i in members}
        for other in [block for block in blocks if block[1] & shared]:
            blocks.remove(other)
            own, shared = own | other[0], shared | other[1]
        blocks.append((own, shared))
    return sorted(sorted(own) for own, _ in blocks)


def _solve(case: dict[str, Any]) -> dict[str, Any]:
    """Return the case with its teams, eligible counts and blocks."""
    eligible = {one["no"]: _eligible(case, one) for one in case["objects"]}
    counts = {no: len(members) for no, members in eligible.items()}
    team = case["team"]
    if team["cap"] is None:
        return case | {"teams": {no: _draw_team(case, no, eligible[no], 0) for no in eligible}, "eligible": counts,
                       "blocks": []}  # fmt: skip
    teams: dict[str, list[list[str]]] = {}
    blocks = []
    for block in _blocks(eligible):
        for attempt in count():
            cap = team["cap"] + attempt // team["limit"]
            drawn = {no: _draw_team(case, no, eligible[no], attempt) for no in block}
            busy = [i for members in drawn.values() for _, i in members]
            if all(busy.count(i) <= cap for i in busy):
                break
        teams |= drawn
        blocks.append([block[0], attempt, cap])
    return case | {"teams": teams, "eligible": counts, "blocks": blocks}


def _case(name: str, **changes: Any) -> dict[str, Any]:
    case = {"name": name, "key": KEY, "team": _team(), "objects": OBJECTS, "inspectors": INSPECTORS, "recusals": []}
    return case | changes


def _region(rows: list[dict[str, Any]], regions: str) -> list[dict[str, Any]]:
    names = {"a": "370102", "b": "370103", "-": None}
    return [one | {"attrs": one["attrs"] | {"region": names[r]}} for one, r in zip(rows, regions, strict=True)]


def assignment() -> tuple[Cases, Cases]:
    """assignment.md: independent teams, departments, caps with failed attempts, blocks."""
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
    return accept, refuse
