"""Who inspects whom (随机匹配): exactly uniform over the matchings that the announced rules allow. specs/assignment.md.

Without a load cap every object's team is drawn by itself. With one, a block of objects that share inspectors is drawn
whole and rejected whole until no load exceeds the cap: choosing the least loaded, or going through the objects in some
order, would favour some pairs (docs/decisions/0004). The attempts are counted, so that none can be skipped.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Final

from fairdraw import switching, tickets
from fairdraw.eligibility import Candidates, Member, Pair, candidates, quotas, shortage
from fairdraw.errors import AssignmentError
from fairdraw.matching import Budget, Drawn, Lots
from fairdraw.roster import RosterRow
from fairdraw.rules import Team
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


@dataclass(slots=True, kw_only=True)
class _Lottery:
    """A key, the rules and the candidates of one draw; `teams`, `experts` and `attempts` are filled as it goes."""

    team: Team
    who: Candidates
    key: bytes
    budget: Budget
    members: Mapping[str, tuple[Member, ...]]
    lots: Lots = field(init=False)
    aides: Lots | None = field(init=False)
    teams: dict[str, tuple[Member, ...]] = field(default_factory=dict)
    experts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)

    def lay_out(self) -> None:
        """Make ready to draw from the members, which no pool narrows any more."""
        wanted = [one.number for one in self.team.specialities]
        self.lots = Lots(
            self.key, "team", members=self.members, quota=quotas(self.team), budget=self.budget,
            skills=self.who.skills, wanted=wanted,
        )  # fmt: skip
        self.aides = None
        if self.team.experts is not None:
            apart = {id(experts): tuple(("", no) for no in experts) for experts in self.who.experts.values()}
            able = {no: apart[id(experts)] for no, experts in self.who.experts.items()}
            quota = (("", self.team.experts.number),)
            self.aides = Lots(
                self.key, "expert", members=able, quota=quota, budget=self.budget, skills={}, wanted=()
            )  # fmt: skip

    def settle(self, attempt: int, drawn: Mapping[str, Drawn]) -> None:
        """Keep objects' teams, and draw their experts under the same attempts."""
        own = {no: accepted for no, (accepted, _) in drawn.items()}
        self.attempts |= own
        self.teams |= {no: team for no, (_, team) in drawn.items()}
        if self.aides is not None:
            aided = self.aides.alone(list(drawn), attempt, own)
            self.experts |= {no: tuple(expert for _, expert in experts) for no, (_, experts) in aided.items()}


def _distinct(groups: Iterable[tuple[Member, ...]]) -> list[tuple[Member, ...]]:
    """Return each tuple once; objects that the rules cannot tell apart share one, which need not be compared."""
    return list({id(members): members for members in groups}.values())


def _blocks(eligible: Mapping[str, tuple[Member, ...]]) -> list[list[str]]:
    """Return the connected components of the eligibility graph, objects sorted, by smallest object number."""
    parent: dict[str, str] = {}

    def top(inspector: str) -> str:
        while parent.setdefault(inspector, inspector) != inspector:
            parent[inspector] = parent[parent[inspector]]
            inspector = parent[inspector]
        return inspector

    for members in _distinct(eligible.values()):
        for _, inspector in members:
            parent[top(inspector)] = top(members[0][1])
    blocks: dict[str, list[str]] = {}
    for no in sorted(eligible):
        blocks.setdefault(top(eligible[no][0][1]), []).append(no)
    return list(blocks.values())


def _components(team: Team, who: Candidates, eligible: Mapping[str, tuple[Member, ...]]) -> list[Component]:
    return [
        Component(team=team, cap=team.cap or 0, eligible={no: eligible[no] for no in block}, skills=who.skills)
        for block in _blocks(eligible)
    ]


def _compose(within: Component, budget: Budget) -> dict[str, switching.Composition]:
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
        drawn = {no for _, no in nsmallest(team.pool or 0, [(ticket(attempt, no), no) for no in who.urn])}
        left = {}
        for members in _distinct(who.members.values()):
            left[id(members)] = able = tuple(member for member in members if member[1] in drawn)
            if shortage(team, "", able, who.skills) is not None:
                break
        else:
            lottery.members = {no: left[id(members)] for no, members in who.members.items()}
            components = _components(team, who, lottery.members) if team.beyond == "switch-chain" else []
            if all(switching.compose(within, lottery.budget.spend) is not None for within in components):
                return attempt
    raise AssignmentError("attempts-exhausted", block="", expected=team.limit, cap=team.pool)


def _draw_block(lottery: _Lottery, within: Component) -> Block:
    team, cap, eligible = lottery.team, within.cap, within.eligible
    compositions = _compose(within, lottery.budget) if team.beyond == "switch-chain" else {}
    # No attempt under a cap that cannot hold the block's load can be accepted: they count, unmade.
    lowest = -(-team.size * len(eligible) // within.inspectors)
    attempt = max(lowest - cap, 0) * team.limit
    while True:
        allowed = cap + attempt // team.limit
        if allowed > cap and team.beyond == "void":
            raise AssignmentError("attempts-exhausted", block=within.first, expected=team.limit, cap=cap)
        if allowed > cap and team.beyond == "switch-chain":
            _switch(lottery, within, compositions)
            return within.first, attempt, cap
        alike = range(attempt, attempt + team.limit)  # the attempts before the cap rises again
        if (accepted := lottery.lots.together(list(eligible), alike, allowed)) is not None:
            lottery.settle(*accepted)
            return within.first, accepted[0], allowed
        attempt = alike.stop


def _switch(lottery: _Lottery, within: Component, compositions: Mapping[str, switching.Composition]) -> None:
    """Walk the switch chain; its attempt is `limit`, which no rejection has."""
    team = lottery.team
    lottery.budget.spend(START_WORK * within.work + (team.steps or 0) * (len(within.eligible) + within.inspectors))
    teams = switching.first_matching(within, compositions)
    switching.walk(within, teams, tickets.ticketer(lottery.key, "switch"))
    ticket = tickets.ticketer(lottery.key, "team")
    ended = {}
    for no, members in within.eligible.items():
        ranked = sorted((name, ticket(team.limit, 0, no, i), i) for name, i in members if i in teams[no])
        ended[no] = 0, tuple((name, i) for name, _, i in ranked)
    lottery.settle(team.limit, ended)


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
    lottery = _Lottery(team=team, who=who, key=key, budget=Budget(MAX_TICKETS), members=who.members)
    pool = None if team.pool is None else _pool(lottery)
    lottery.lay_out()
    blocks: list[Block] = []
    caps: dict[str, int] = {}
    if team.cap is None:
        lottery.settle(0, lottery.lots.alone(list(lottery.members), 0))
    else:
        for within in _components(team, who, lottery.members):
            blocks.append(_draw_block(lottery, within))
            caps |= dict.fromkeys(within.eligible, blocks[-1][2])
    return Assignment(
        teams=lottery.teams,
        experts=lottery.experts,
        eligible={no: len(members) for no, members in who.members.items()},
        attempts=lottery.attempts,
        forced=who.forced,
        blocks=tuple(blocks),
        caps=caps,
        pool=pool,
    )
