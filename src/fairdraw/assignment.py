"""Who inspects whom (随机匹配): exactly uniform over the matchings that the announced rules allow. specs/assignment.md.

Without a load cap every object's team is drawn by itself. With one, a block of objects that share inspectors is drawn
whole and rejected whole until no load exceeds the cap: choosing the least loaded, or going through the objects in some
order, would favour some pairs (docs/decisions/0004). The attempts are counted, so that none can be skipped.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final

from fairdraw import switching, tickets
from fairdraw.eligibility import Candidates, Member, Pair, candidates, has_specialities, is_forced, quotas, shortage
from fairdraw.errors import AssignmentError
from fairdraw.rules import Team
from fairdraw.snapshot import RosterRow
from fairdraw.switching import Component

MAX_TICKETS: Final = 50_000_000  # of all attempts of a draw; about a minute in Python (specs/assignment.md §9)
START_WORK: Final = 10  # questions whether a flow exists that finding a switch chain's start is as dear as

Block = tuple[str, int, int]  # smallest object number, accepted attempt, cap at that attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Who was drawn for what.

    Attributes:
        teams: each drawn object's team.
        experts: each drawn object's experts, on top of the team; no objects where the plan has none.
        eligible: how many inspectors are eligible for each object, before a pool is drawn.
        attempts: each object's own accepted attempt, 0 but for specialities.
        forced: the objects whose team was as good as arranged.
        blocks: the accepted attempt of each block; none without a cap.
        caps: each object's cap, that of its block at the accepted attempt; none without a cap.
        pool: the accepted attempt of the pool, None where the plan draws none.
    """

    teams: Mapping[str, tuple[Member, ...]]
    experts: Mapping[str, tuple[str, ...]]
    eligible: Mapping[str, int]
    attempts: Mapping[str, int]
    forced: tuple[str, ...]
    blocks: tuple[Block, ...]
    caps: Mapping[str, int]
    pool: int | None


class _Budget:
    """How many tickets a draw's attempts may still look at: a verifier must not be made to work for ever."""

    def __init__(self) -> None:
        self.left = MAX_TICKETS

    def spend(self, tickets: int) -> None:
        self.left -= tickets
        if self.left < 0:
            raise AssignmentError("attempts-exhausted", block="", expected=MAX_TICKETS, cap=0)


@dataclass(slots=True, kw_only=True)
class _Lottery:
    """A key, the rules and the candidates of one draw; `teams` and `attempts` are filled as it goes."""

    team: Team
    who: Candidates
    key: bytes
    members: Mapping[str, tuple[Member, ...]] = field(default_factory=dict)
    budget: _Budget = field(default_factory=_Budget)
    teams: dict[str, tuple[Member, ...]] = field(default_factory=dict)
    experts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)

    def settle(self, no: str, attempt: int, own: int, team: tuple[Member, ...]) -> None:
        """Keep an object's team, and draw its experts under the same attempts."""
        self.teams[no], self.attempts[no] = team, own
        if self.team.experts is None:
            return
        ticket = tickets.ticketer(self.key, "expert")
        ranked = sorted((ticket(attempt, own, no, expert), expert) for expert in self.who.experts[no])
        self.experts[no] = tuple(expert for _, expert in ranked[: self.team.experts.number])

    def draw_team(self, ticket: Callable[..., bytes], attempt: int, no: str) -> tuple[int, tuple[Member, ...]]:
        """Return an object's first own attempt whose team has the specialities, and that team."""
        members = self.members[no]
        own = 0
        while True:
            if own or self.team.cap is not None:
                self.budget.spend(len(members))
            ranked = sorted((name, ticket(attempt, own, no, inspector), inspector) for name, inspector in members)
            chosen: list[Member] = []
            for department, needed in quotas(self.team):
                chosen += [(d, i) for d, _, i in ranked if d == department][:needed]
            if has_specialities(self.team, chosen, self.who.skills):
                return own, tuple(chosen)
            own += 1


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


def _components(team: Team, who: Candidates, eligible: Mapping[str, tuple[Member, ...]]) -> list[Component]:
    return [
        Component(team=team, cap=team.cap or 0, eligible={no: eligible[no] for no in block}, skills=who.skills)
        for block in _blocks(eligible)
    ]


def _compose(within: Component, budget: _Budget) -> dict[str, switching.Composition]:
    found = switching.compose(within, budget.spend)
    if found is None:
        raise AssignmentError(
            "cap-infeasible", block=within.first, cap=within.cap, expected=switching.lowest_cap(within),
            objects=len(within.eligible), inspectors=within.inspectors,
        )  # fmt: skip
    return found


def _pool(lottery: _Lottery) -> int:
    """Draw the pool: the first under which every object can have a team, and a switch chain a place to start.

    Raises:
        AssignmentError: `attempts-exhausted` after `limit` pools.
    """
    team, who = lottery.team, lottery.who
    ticket = tickets.ticketer(lottery.key, "pool")
    for attempt in range(team.limit):
        lottery.budget.spend(len(who.urn))
        drawn = {no for _, no in sorted((ticket(attempt, no), no) for no in who.urn)[: team.pool]}
        lottery.members = {no: tuple(m for m in able if m[1] in drawn) for no, able in who.members.items()}
        if any(shortage(team, no, members, who.skills) for no, members in lottery.members.items()):
            continue
        components = _components(team, who, lottery.members) if team.beyond == "switch-chain" else []
        if all(switching.compose(within, lottery.budget.spend) is not None for within in components):
            return attempt
    raise AssignmentError("attempts-exhausted", block="", expected=team.limit, cap=team.pool)


def _draw_block(lottery: _Lottery, within: Component) -> Block:
    team, cap, eligible = lottery.team, within.cap, within.eligible
    compositions = _compose(within, lottery.budget) if team.beyond == "switch-chain" else {}
    # No attempt under a cap that cannot hold the block's load can be accepted: they count, unmade.
    lowest = -(-team.size * len(eligible) // within.inspectors)
    ticket = tickets.ticketer(lottery.key, "team")
    attempt = max(lowest - cap, 0) * team.limit
    while True:
        allowed = cap + attempt // team.limit
        if allowed > cap and team.beyond == "void":
            raise AssignmentError("attempts-exhausted", block=within.first, expected=team.limit, cap=cap)
        if allowed > cap and team.beyond == "switch-chain":
            _switch(lottery, within, compositions)
            return within.first, attempt, cap
        drawn = {}
        load: Counter[str] = Counter()
        for no in eligible:
            drawn[no] = lottery.draw_team(ticket, attempt, no)
            load.update(inspector for _, inspector in drawn[no][1])
            if max(load.values()) > allowed:
                break  # the whole block is rejected, whatever the other objects would get
        else:
            for no, (own, members) in drawn.items():
                lottery.settle(no, attempt, own, members)
            return within.first, attempt, allowed
        attempt += 1


def _switch(lottery: _Lottery, within: Component, compositions: Mapping[str, switching.Composition]) -> None:
    """Walk the switch chain; its attempt is `limit`, which no rejection has."""
    team = lottery.team
    lottery.budget.spend(START_WORK * within.work + (team.steps or 0) * (len(within.eligible) + within.inspectors))
    teams = switching.first_matching(within, compositions)
    switching.walk(within, teams, tickets.ticketer(lottery.key, "switch"))
    ticket = tickets.ticketer(lottery.key, "team")
    for no, members in within.eligible.items():
        ranked = sorted((name, ticket(team.limit, 0, no, i), i) for name, i in members if i in teams[no])
        lottery.settle(no, team.limit, 0, tuple((name, i) for name, _, i in ranked))


def assign(
    key: bytes,
    team: Team,
    objects: Sequence[RosterRow],
    inspectors: Sequence[RosterRow],
    recusals: Set[Pair],
    window: str,
) -> Assignment:
    """Return the teams of the drawn objects; `window` is the announced last day of inspections, `YYYY-MM-DD`.

    Raises:
        AssignmentError: `too-few-eligible`, `too-few-experts` or `no-such-team` for an object; `cap-infeasible` for a
            block under a switch chain; `attempts-exhausted`; `unknown-attribute`, `bad-rule` or `rule-type`.
    """
    who = candidates(team, objects, inspectors, recusals, window)
    for error in who.lacking.values():
        raise error
    lottery = _Lottery(team=team, who=who, key=key, members=who.members)
    pool = None if team.pool is None else _pool(lottery)
    blocks: list[Block] = []
    caps: dict[str, int] = {}
    if team.cap is None:
        ticket = tickets.ticketer(key, "team")
        for no in lottery.members:
            lottery.settle(no, 0, *lottery.draw_team(ticket, 0, no))
    else:
        for within in _components(team, who, lottery.members):
            blocks.append(_draw_block(lottery, within))
            caps |= dict.fromkeys(within.eligible, blocks[-1][2])
    return Assignment(
        teams=lottery.teams,
        experts=lottery.experts,
        eligible={no: len(members) for no, members in who.members.items()},
        attempts=lottery.attempts,
        forced=tuple(no for no, members in who.members.items() if is_forced(team, members, who.skills)),
        blocks=tuple(blocks),
        caps=caps,
        pool=pool,
    )
