"""Who inspects whom (随机匹配): exactly uniform over the matchings that the announced rules allow. specs/assignment.md.

Without a load cap every object's team is drawn by itself. With one, a block of objects that share inspectors is drawn
whole and rejected whole until no load exceeds the cap: choosing the least loaded, or going through the objects in some
order, would favour some pairs (docs/decisions/0004). The attempts are counted, so that none can be skipped.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from fairdraw import tickets
from fairdraw.errors import AssignmentError
from fairdraw.schema import Eligible, Team
from fairdraw.snapshot import RosterRow

FEW: Final = 5  # so few eligible inspectors make a team as good as arranged, whatever its size (attack 16)

MAX_TICKETS: Final = 50_000_000  # of all attempts of a draw; about a minute in Python (specs/assignment.md §3)

Member = tuple[str, str]  # department ("" where the plan names none), inspector number
Block = tuple[str, int, int]  # smallest object number, accepted attempt, cap at that attempt
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Assignment:
    """Each drawn object's team and number of eligible inspectors, those forced, and the blocks (none without a cap)."""

    teams: Mapping[str, tuple[Member, ...]]
    eligible: Mapping[str, int]
    forced: tuple[str, ...]
    blocks: tuple[Block, ...]


def _allows(rule: Eligible, obj: RosterRow, inspector: RosterRow) -> bool:
    theirs = inspector.attrs[rule.inspector]
    if rule.rule == "true":
        return theirs is True
    ours = obj.attrs[str(rule.object)]
    if ours is None or theirs is None:
        return False  # what is not known is neither the same nor shown to differ
    # A number is never the same as a boolean, whatever Python says of 1 and True.
    same = type(ours) is type(theirs) and ours == theirs
    return same == (rule.rule == "same")


def check_rules(team: Team, objects: Set[str], inspectors: Set[str]) -> None:
    """Check that the attributes which the rules name are in the rosters' schemas.

    Raises:
        AssignmentError: `unknown-attribute`.
    """
    for rule in team.eligible:
        if (rule.object is None) != (rule.rule == "true"):
            raise AssignmentError("bad-rule", expected="an object attribute but for `true`", found=rule.rule)
        if rule.object is not None and rule.object not in objects:
            raise AssignmentError("unknown-attribute", expected=sorted(objects), found=rule.object)
        if rule.inspector not in inspectors:
            raise AssignmentError("unknown-attribute", expected=sorted(inspectors), found=rule.inspector)
    if team.department is not None and team.department not in inspectors:
        raise AssignmentError("unknown-attribute", expected=sorted(inspectors), found=team.department)


def _department(team: Team, inspector: RosterRow) -> str:
    """Return an inspector's department, "" where the plan names none or the inspector has none."""
    value = "" if team.department is None else inspector.attrs[team.department]
    if value is not None and not isinstance(value, str):
        raise AssignmentError("department-not-text", inspector=inspector.no, found=repr(value)[:80])
    return value or ""


def eligibility(
    team: Team, objects: Sequence[RosterRow], inspectors: Sequence[RosterRow], recusals: Set[Pair]
) -> dict[str, tuple[Member, ...]]:
    """Return the eligible (department, number) pairs of each object, in roster order."""
    if not objects or not inspectors:
        return {obj.no: () for obj in objects}
    check_rules(team, objects[0].attrs.keys(), inspectors[0].attrs.keys())
    named = [rule.object for rule in team.eligible if rule.object is not None]
    quota = dict(team.quota)
    recused: dict[str, set[str]] = {}
    for object_no, inspector_no in recusals:
        recused.setdefault(object_no, set()).add(inspector_no)
    # Objects that agree in the attributes which the rules name have the same eligible inspectors.
    groups: dict[tuple[str, ...], tuple[Member, ...]] = {}
    told = {}
    for obj in objects:
        group = tuple(repr(obj.attrs[name]) for name in named)
        if group not in groups:
            able = (i for i in inspectors if all(_allows(rule, obj, i) for rule in team.eligible))
            members = ((_department(team, i), i.no) for i in able)
            groups[group] = tuple(m for m in members if not quota or m[0] in quota)
        out = recused.get(obj.no)
        told[obj.no] = tuple(m for m in groups[group] if m[1] not in out) if out else groups[group]
    return told


def shortage(team: Team, members: Sequence[Member]) -> tuple[str, int, int] | None:
    """Return (department, needed, found) where the eligible cannot make a team, else None."""
    found = Counter(department for department, _ in members)
    for department, needed in team.quota or (("", team.size),):
        if found[department] < needed:
            return department, needed, found[department]
    return None


def _team(
    team: Team, members: Sequence[Member], ticket: Callable[..., bytes], attempt: int, no: str
) -> tuple[Member, ...]:
    # The object attempt is 0: it rises only under rules of the kind "at least one with speciality s".
    ranked = sorted((department, ticket(attempt, 0, no, inspector), inspector) for department, inspector in members)
    chosen: list[Member] = []
    for department, needed in team.quota or (("", team.size),):
        chosen += [(d, i) for d, _, i in ranked if d == department][:needed]
    return tuple(chosen)


def _blocks(eligible: Mapping[str, Sequence[Member]]) -> list[list[str]]:
    """Return the connected components of the eligibility graph, objects sorted, by smallest object number."""
    parent: dict[str, str] = {}

    def top(node: str) -> str:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    owner: dict[str, str] = {}
    for no in sorted(eligible):
        parent[no] = no
        for _, inspector in eligible[no]:
            if inspector in owner:
                parent[top(no)] = top(owner[inspector])
            else:
                owner[inspector] = no
    blocks: dict[str, list[str]] = {}
    for no in sorted(eligible):
        blocks.setdefault(top(no), []).append(no)
    return list(blocks.values())


class _Budget:
    """How many tickets a capped draw may still look at: a verifier must not be made to work for ever."""

    def __init__(self) -> None:
        self.left = MAX_TICKETS

    def spend(self, tickets: int) -> None:
        self.left -= tickets
        if self.left < 0:
            raise AssignmentError("attempts-exhausted", block="", expected=MAX_TICKETS, cap=0)


def _draw_block(
    team: Team,
    cap: int,
    eligible: Mapping[str, Sequence[Member]],
    ticket: Callable[..., bytes],
    budget: _Budget,
) -> tuple[dict[str, tuple[Member, ...]], int, int]:
    inspectors = {inspector for members in eligible.values() for _, inspector in members}
    # No attempt under a cap that cannot hold the block's load can be accepted: they count, unmade.
    lowest = -(-team.size * len(eligible) // len(inspectors))
    attempt = max(lowest - cap, 0) * team.limit
    while True:
        allowed = cap + attempt // team.limit
        if allowed > cap and team.beyond == "void":
            raise AssignmentError("attempts-exhausted", block=next(iter(eligible)), expected=team.limit, cap=cap)
        teams = {}
        load: Counter[str] = Counter()
        for no in eligible:
            budget.spend(len(eligible[no]))
            teams[no] = _team(team, eligible[no], ticket, attempt, no)
            load.update(inspector for _, inspector in teams[no])
            if max(load.values()) > allowed:
                break  # the whole block is rejected, whatever the other objects would get
        else:
            return teams, attempt, allowed
        attempt += 1


def assign(
    key: bytes, team: Team, objects: Sequence[RosterRow], inspectors: Sequence[RosterRow], recusals: Set[Pair]
) -> Assignment:
    """Return the teams of the drawn objects.

    Raises:
        AssignmentError: `too-few-eligible` for an object, or `attempts-exhausted` under a plan that says so.
    """
    eligible = eligibility(team, objects, inspectors, recusals)
    for no, members in eligible.items():
        if lack := shortage(team, members):
            raise AssignmentError("too-few-eligible", object=no, department=lack[0], expected=lack[1], found=lack[2])
    ticket = tickets.ticketer(key, "team")
    counts = {no: len(members) for no, members in eligible.items()}
    forced = tuple(no for no, members in eligible.items() if is_forced(team, members))
    if team.cap is None:
        return Assignment({no: _team(team, eligible[no], ticket, 0, no) for no in eligible}, counts, forced, ())
    teams: dict[str, tuple[Member, ...]] = {}
    blocks = []
    budget = _Budget()
    for block in _blocks(eligible):
        drawn, attempt, cap = _draw_block(team, team.cap, {no: eligible[no] for no in block}, ticket, budget)
        teams |= drawn
        blocks.append((block[0], attempt, cap))
    return Assignment(teams, counts, forced, tuple(blocks))


def is_forced(team: Team, members: Sequence[Member]) -> bool:
    """Say whether so few inspectors are eligible that the team was as good as arranged (finding `forced-team`).

    A department left with just the wanted inspector shows, however many there are in the others.
    """
    found = Counter(department for department, _ in members)
    thin = any(found[department] < 2 * needed for department, needed in team.quota)
    return thin or len(members) < max(2 * team.size, FEW)
