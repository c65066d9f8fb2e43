"""Plans, rosters and recusals of any kind, and the matching that specs/assignment.md says of them, word by word."""

from collections import Counter
from itertools import combinations, count
from typing import Any

from hypothesis import strategies as st

from fairdraw.eligibility import quotas
from fairdraw.roster import RosterRow
from fairdraw.rules import Eligible, Experts, Speciality, Team
from fairdraw.tickets import ticket

WINDOW = "2026-09-30"
RULES = {
    "true": Eligible(rule="true", object=None, inspector="qualified"),
    "valid": Eligible(rule="valid", object=None, inspector="until"),
    "same": Eligible(rule="same", object="region", inspector="region"),
    "differ": Eligible(rule="differ", object="office", inspector="office"),
    "at-least": Eligible(rule="at-least", object="level", inspector="level"),
    "contains": Eligible(rule="contains", object="type", inspector="types"),
    "under": Eligible(rule="under", object="region", inspector="region"),
}
REGIONS = st.sampled_from(["3701", "370101", "370102"])
TYPES = ["care", "hospital"]


def mostly(value: object, other: st.SearchStrategy) -> st.SearchStrategy:
    """Give one value most of the time, so that draws are possible as a rule."""
    return st.one_of(st.just(value), st.just(value), st.just(value), other)


OBJECT = st.fixed_dictionaries({
    "region": mostly("370101", REGIONS), "office": st.sampled_from(["x", "y", None]), "level": st.integers(1, 3),
    "type": st.sampled_from([*TYPES, None]),
})  # fmt: skip
INSPECTOR = st.fixed_dictionaries({
    "qualified": mostly(True, st.sampled_from([False, None])), "until": mostly("2027-01-01", st.sampled_from(
        ["2026-09-29", None, "soon"])), "region": mostly("3701", REGIONS), "office": st.sampled_from(["x", "y", "z"]),
    "level": mostly(3, st.integers(1, 3)), "types": mostly(TYPES, st.just(["care"])),
    "department": st.sampled_from(["wjw", "ybj"]), "skills": st.sampled_from([[], ["a"], ["a", "m"], ["m"], None]),
    "expert": mostly(False, st.sampled_from([True, True, None])),
})  # fmt: skip


@st.composite
def teams(draw) -> Team:
    """Give rules of every kind."""
    split, cap = draw(st.booleans()), draw(st.sampled_from([None, 1, 1, 2, 3]))
    beyond = draw(st.sampled_from(["raise-cap", "void"] + ["switch-chain"] * 2 * (cap is not None)))
    rules = draw(st.sets(st.sampled_from(sorted(RULES)), max_size=2))
    asked = draw(st.sets(st.sampled_from(["a", "m"]), max_size=2))
    return Team(
        size=2,
        department="department" if split else None,
        quota=(("wjw", 1), ("ybj", 1)) if split else (),
        eligible=tuple(RULES[name] for name in sorted(rules)),
        specialities=tuple(Speciality(field="skills", value=value, number=1) for value in sorted(asked)),
        experts=draw(st.none() | st.builds(
            Experts, number=st.integers(0, 1), expert=st.just("expert"),
            eligible=st.sampled_from([(), (RULES["contains"],)])
        )),
        order="both",
        pool=draw(st.none() | st.integers(3, 12)),
        cap=cap,
        limit=draw(st.sampled_from([1, 2, 20])),
        beyond=beyond,
        steps=20 if beyond == "switch-chain" else None,
    )  # fmt: skip


Case = tuple[Team, list[RosterRow], list[RosterRow], frozenset[tuple[str, str]]]


@st.composite
def cases(draw) -> Case:
    """Give a team's rules, two to four objects, eight to fourteen inspectors, and who is recused."""
    objects = [RosterRow(f"H-{i}", attrs, "") for i, attrs in enumerate(draw(st.lists(OBJECT, min_size=2, max_size=4)))]
    staff = [RosterRow(f"I-{i:02d}", attrs, "") for i, attrs in enumerate(
        draw(st.lists(INSPECTOR, min_size=8, max_size=14)))]  # fmt: skip
    pairs = st.tuples(st.sampled_from([o.no for o in objects]), st.sampled_from([i.no for i in staff]))
    return draw(teams()), objects, staff, frozenset(draw(st.sets(pairs, max_size=5)))


def holds(rule: Eligible, ours: object, theirs: object) -> bool:
    """Say whether a rule holds, as the table of specs/assignment.md §1.1 has it."""
    if theirs is None or (rule.object is not None and ours is None):
        return False
    return bool({
        "true": lambda: theirs is True, "valid": lambda: theirs == "2027-01-01", "same": lambda: ours == theirs,
        "differ": lambda: ours != theirs, "at-least": lambda: ours <= theirs, "contains": lambda: ours in theirs,
        "under": lambda: ours.startswith(theirs),
    }[rule.rule]())  # fmt: skip


class ImpossibleError(Exception):
    """No draw is possible: the code, and the object, block or bound that it names."""


class Reference:
    """A draw as the specification has it: no attempt left out, nothing remembered, everything sorted."""

    def __init__(self, case: Case, key: bytes, most: int) -> None:
        self.team, self.objects, self.staff, self.out = case
        self.key, self.left = key, most
        self.attrs = {one.no: one.attrs for one in self.staff}

    def spend(self, tickets: int) -> None:
        """Take tickets off (§9)."""
        self.left -= tickets
        if self.left < 0:
            raise ImpossibleError("attempts-exhausted")

    def admits(self, rules: tuple[Eligible, ...], obj: RosterRow, no: str) -> bool:
        """Say whether somebody may inspect an object (§1.2)."""
        both = (
            (rule, obj.attrs[rule.object] if rule.object else None, self.attrs[no][rule.inspector]) for rule in rules
        )
        return (obj.no, no) not in self.out and all(holds(*one) for one in both)

    def department(self, no: str) -> str:
        """Return somebody's department, "" without any."""
        return str(self.attrs[no]["department"]) if self.team.department else ""

    def is_skilled(self, numbers: Any) -> bool:
        """Say whether a team has the specialities (§2)."""
        told = list(numbers)
        return all(
            sum(one.value in (self.attrs[no]["skills"] or ()) for no in told) >= one.number
            for one in self.team.specialities
        )

    def shortage(self, able: list[str]) -> str | None:
        """Return why there can be no team (§1.3), by trying all."""
        held = Counter(map(self.department, able))
        if any(held[name] < number for name, number in quotas(self.team)):
            return "too-few-eligible"
        for chosen in combinations(able, self.team.size):
            if Counter(map(self.department, chosen)) == dict(quotas(self.team)) and self.is_skilled(chosen):
                return None
        return "no-such-team"

    def drawn(self, able: list[str], attempt: int, no: str, *, free: bool) -> tuple[int, tuple[tuple[str, str], ...]]:
        """Return the own attempt and the team of an object (§2)."""
        for own in count():
            if own or not free:
                self.spend(len(able))
            ranked = sorted((ticket(self.key, "team", attempt, own, no, one), one) for one in able)
            team = [
                (name, one)
                for name, number in quotas(self.team)
                for one in [one for _, one in ranked if self.department(one) == name][:number]
            ]
            if self.is_skilled(one for _, one in team):
                return own, tuple(team)
        raise AssertionError

    def blocks(self, able: dict[str, list[str]]) -> list[list[str]]:
        """Return the components (§5.2)."""
        left, blocks = sorted(able), []
        while left:
            block, people = [left.pop(0)], set()
            while people != (people := {one for no in block for one in able[no]}):
                block += [no for no in left if people & set(able[no])]
                left = [no for no in left if no not in block]
            blocks.append(sorted(block))
        return blocks

    def block(self, able: dict[str, list[str]]) -> tuple[int, int, dict[str, tuple[int, tuple[tuple[str, str], ...]]]]:
        """Return the accepted attempt of a block, the cap at it, and the teams (§5.2)."""
        team, cap = self.team, self.team.cap or 0
        people = {one for those in able.values() for one in those}
        for attempt in count():
            allowed = cap + attempt // team.limit
            if allowed > cap and team.beyond == "void":
                raise ImpossibleError("attempts-exhausted")
            if allowed * len(people) < team.size * len(able):
                continue  # counted, and costs nothing (§9)
            drawn: dict[str, tuple[int, tuple[tuple[str, str], ...]]] = {}
            load: Counter[str] = Counter()
            for no, those in able.items():
                drawn[no] = self.drawn(those, attempt, no, free=False)
                load.update(one for _, one in drawn[no][1])
                if max(load.values()) > allowed:
                    break
            else:
                return attempt, allowed, drawn
        raise AssertionError

    def draw(self) -> dict[str, Any]:
        """Return all that an assignment says, but for a switch chain."""
        team = self.team
        experts = {no for no, attrs in self.attrs.items() if team.experts is not None and attrs["expert"] is True}
        named = {name for name, _ in quotas(team)}
        may = [no for no in self.attrs if no not in experts and self.department(no) in named]
        able = {obj.no: [no for no in may if self.admits(team.eligible, obj, no)] for obj in self.objects}
        rules = team.experts.eligible if team.experts is not None else ()
        aiding = {obj.no: [no for no in experts if self.admits(rules, obj, no)] for obj in self.objects}
        number = team.experts.number if team.experts is not None else 0
        for no, those in able.items():
            if (code := self.shortage(those)) is not None:
                raise ImpossibleError(code)
            if len(aiding[no]) < number:
                raise ImpossibleError("too-few-experts")
        before, pool = able, None
        if team.pool is not None:
            alone = [rule for rule in team.eligible if rule.object is None]
            urn = [no for no in may if all(holds(rule, None, self.attrs[no][rule.inspector]) for rule in alone)]
            for pool in range(team.limit):
                self.spend(len(urn))
                chosen = sorted(urn, key=lambda no, pool=pool: ticket(self.key, "pool", pool, no))[: team.pool]
                able = {no: [one for one in those if one in chosen] for no, those in before.items()}
                if not any(map(self.shortage, able.values())):
                    break
            else:
                raise ImpossibleError("attempts-exhausted")
        settled, blocks, caps = {}, [], {}
        if team.cap is None:
            settled = {no: (0, *self.drawn(those, 0, no, free=True)) for no, those in able.items()}
        else:
            for block in self.blocks(able):
                attempt, allowed, drawn = self.block({no: able[no] for no in block})
                settled |= {no: (attempt, *one) for no, one in drawn.items()}
                blocks.append((block[0], attempt, allowed))
                caps |= dict.fromkeys(block, allowed)
        aided = {
            no: tuple(sorted(aiding[no], key=lambda one, a=a, b=b, no=no: ticket(self.key, "expert", a, b, no, one)))
            for no, (a, b, _) in settled.items()
        }
        return {
            "teams": {no: one for no, (_, _, one) in settled.items()},
            "experts": {no: those[:number] for no, those in aided.items()} if team.experts is not None else {},
            "eligible": {no: len(those) for no, those in before.items()},
            "attempts": {no: own for no, (_, own, _) in settled.items()},
            "blocks": tuple(blocks),
            "caps": caps,
            "pool": pool,
        }
