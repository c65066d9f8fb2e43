"""The switch chain, for load caps too tight for rejection: a walk over the matchings that keep the cap.

specs/assignment.md §6. The start is the first matching in an order that the specification gives, so that any way to
find it will do; here it is found by augmenting paths. Every proposal of the walk is as likely as its undoing, so the
uniform law is stationary; how fast the walk comes near it is not proven, which is why rejection is tried first.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from heapq import nsmallest
from typing import Final

from fairdraw.eligibility import Kind, Member, Skills, has_specialities, quotas
from fairdraw.rules import Team

LARGEST_MOVE: Final = 3  # objects: where recusals forbid pairs, exchanges between two do not reach every matching

Seat = tuple[str, object]  # object number, and the kind of members, or the department or speciality, that it is for
Place = tuple[Seat, tuple[str, ...], int]  # a seat, the inspectors that fit it, how many it takes
Composition = tuple[tuple[Kind, int], ...]  # how many members of each kind a team has, the kinds in order
Ticket = Callable[..., bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """Drawn objects that are linked by eligible inspectors, sorted, with the rules of their teams and the cap."""

    team: Team
    cap: int
    eligible: Mapping[str, tuple[Member, ...]]
    skills: Mapping[str, Skills]

    @property
    def first(self) -> str:
        """Return the smallest object number, by which the component is named."""
        return next(iter(self.eligible))

    @property
    def inspectors(self) -> int:
        """Return how many inspectors are eligible for any of the objects."""
        # Objects that the rules cannot tell apart share one tuple of members.
        panels = {id(members): members for members in self.eligible.values()}
        return len({inspector for members in panels.values() for _, inspector in members})

    @property
    def work(self) -> int:
        """Return what asking whether a flow exists costs, in tickets (specs/assignment.md §9)."""
        return sum(map(len, self.eligible.values())) * -(-len(self.eligible) // 100)

    def kind(self, member: Member) -> Kind:
        """Return all that tells a member from others: department and specialities."""
        return member[0], self.skills[member[1]]


class _Seating:
    """Inspectors in seats, nobody in more than the cap. The seats of one object have no inspector in common."""

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.fitting: dict[Seat, tuple[str, ...]] = {}
        self.holds: dict[Seat, set[str]] = {}
        self.seats: defaultdict[str, set[Seat]] = defaultdict(set)
        self.fixed: set[tuple[Seat, str]] = set()

    def fill(self, places: Sequence[Place]) -> bool:
        """Fill all places; False where that is impossible."""
        for seat, inspectors, _ in places:
            self.fitting[seat], self.holds[seat] = inspectors, set()
        for seat, inspectors, number in places:
            for _ in range(number):
                idle = (one for one in inspectors if one not in self.holds[seat] and len(self.seats[one]) < self.cap)
                # Whoever has least to do: so the detours that correct an unlucky choice stay few.
                if (chosen := min(idle, key=lambda one: len(self.seats[one]), default=None)) is not None:
                    self._take(seat, chosen)
                elif self._hand_on(deque([seat]), {seat: ""}, {}, frozenset()) is None:
                    return False
        return True

    def force(self, seat: Seat, inspector: str) -> bool:
        """Put an inspector into a full seat for good, or for good not into it where the others could not be filled."""
        if inspector not in self.holds[seat]:
            loose = sorted(one for one in self.holds[seat] if (seat, one) not in self.fixed)
            last: str | None = inspector
            if len(self.seats[inspector]) < self.cap:
                self._take(seat, inspector)
            else:
                givers = [one for one in self.seats[inspector] if (one, inspector) not in self.fixed]
                gives = {seat: ""} | dict.fromkeys(givers, inspector)
                last = self._hand_on(deque(givers), gives, {inspector: seat}, frozenset(loose))
            if last is None:
                self.fitting[seat] = tuple(one for one in self.fitting[seat] if one != inspector)
                return False
            self._drop(seat, last if last in loose else loose[-1])
        self.fixed.add((seat, inspector))
        return True

    def _take(self, seat: Seat, inspector: str) -> None:
        self.holds[seat].add(inspector)
        self.seats[inspector].add(seat)

    def _drop(self, seat: Seat, inspector: str) -> None:
        self.holds[seat].remove(inspector)
        self.seats[inspector].remove(seat)

    def _hand_on(
        self, queue: deque[Seat], gives: dict[Seat, str], takers: dict[str, Seat], free: Set[str]
    ) -> str | None:
        """Move inspectors along a path from a queued seat to somebody below the cap or in `free`; return that one.

        `gives` says whom each reached seat would give up, "" where it needs one more; `takers` who would take whom.
        """
        while queue:
            seat = queue.popleft()
            for inspector in self.fitting[seat]:
                if inspector in takers or inspector in self.holds[seat]:
                    continue
                takers[inspector] = seat
                if inspector in free or len(self.seats[inspector]) < self.cap:
                    self._move(inspector, gives, takers)
                    return inspector
                for other in self.seats[inspector]:
                    if other not in gives and (other, inspector) not in self.fixed:
                        gives[other] = inspector
                        queue.append(other)
        return None

    def _move(self, last: str, gives: Mapping[Seat, str], takers: Mapping[str, Seat]) -> None:
        inspector = last
        while inspector:
            seat = takers[inspector]
            self._take(seat, inspector)
            inspector = gives[seat]
            if inspector:
                self._drop(seat, inspector)


def _splits(counts: Sequence[int], number: int) -> Iterator[tuple[int, ...]]:
    """Give the ways to take a number out of some groups, as many as can be of the first ones first."""
    if number > sum(counts):
        return
    if not counts:
        yield ()
        return
    for first in range(min(counts[0], number), -1, -1):
        for rest in _splits(counts[1:], number - first):
            yield (first, *rest)


def _of_departments(wanted: Sequence[tuple[str, int]], kinds: Mapping[Kind, int]) -> Iterator[Composition]:
    if not wanted:
        yield ()
        return
    (department, needed), *others = wanted
    own = sorted(kind for kind in kinds if kind[0] == department)
    for numbers in _splits([kinds[kind] for kind in own], needed):
        head = tuple((kind, number) for kind, number in zip(own, numbers, strict=True) if number)
        for rest in _of_departments(others, kinds):
            yield head + rest


def _compositions(within: Component, no: str) -> Iterator[Composition]:
    """Give the compositions of an object's team with the right number of each department, in order."""
    return _of_departments(quotas(within.team), Counter(map(within.kind, within.eligible[no])))


def _is_skilled(within: Component, composition: Composition) -> bool:
    held = Counter(at for (_, skills), number in composition for at in skills * number)
    return all(held[at] >= wanted.number for at, wanted in enumerate(within.team.specialities))


def _decided(within: Component, chosen: Mapping[str, Composition]) -> list[Place]:
    return [
        ((no, kind), tuple(i for d, i in within.eligible[no] if within.kind((d, i)) == kind), number)
        for no, composition in chosen.items()
        for kind, number in composition
    ]


def _can_go_on(within: Component, chosen: Mapping[str, Composition]) -> bool:
    """Say whether the cap leaves the undecided objects their quotas and, each for itself, their specialities."""
    decided = _decided(within, chosen)
    open_ = {no: members for no, members in within.eligible.items() if no not in chosen}
    by_quota: list[Place] = [
        ((no, department), tuple(i for d, i in members if d == department), number)
        for no, members in open_.items()
        for department, number in quotas(within.team)
    ]
    if not _Seating(within.cap).fill(decided + by_quota):
        return False
    for at, wanted in enumerate(within.team.specialities) if open_ else ():
        skilled: list[Place] = [
            ((no, at), tuple(i for _, i in members if at in within.skills[i]), wanted.number)
            for no, members in open_.items()
        ]
        if not _Seating(within.cap).fill(decided + skilled):
            return False
    return True


def compose(within: Component, spend: Callable[[int], None]) -> dict[str, Composition] | None:
    """Return the first compositions of all teams under which a matching keeps the cap, or None where none does.

    Raises:
        AssignmentError: what `spend` raises when the tickets run out.
    """
    spend(within.work)
    if not _can_go_on(within, {}):
        return None
    if not within.team.specialities:
        return {no: next(_compositions(within, no)) for no in within.eligible}  # each has but one
    numbers = list(within.eligible)
    chosen: dict[str, Composition] = {}
    ways = [_compositions(within, numbers[0])]
    while ways:
        no = numbers[len(ways) - 1]
        chosen.pop(no, None)
        following = next(ways[-1], None)
        if following is None:
            ways.pop()
            continue
        spend(1)
        if not _is_skilled(within, following):
            continue
        chosen[no] = following
        spend(within.work)
        if not _can_go_on(within, chosen):
            continue
        if len(chosen) == len(numbers):
            return chosen
        ways.append(_compositions(within, numbers[len(ways)]))
    return None


def lowest_cap(within: Component) -> int:
    """Return the lowest cap under which all teams get their quotas: what a plan's cap must at least be raised to."""
    low, high = 1, len(within.eligible)  # nobody can be in more teams than there are
    while low < high:
        middle = (low + high) // 2
        tried = Component(team=within.team, cap=middle, eligible=within.eligible, skills=within.skills)
        low, high = (low, middle) if _can_go_on(tried, {}) else (middle + 1, high)
    return max(low, within.cap + 1)


def first_matching(within: Component, chosen: Mapping[str, Composition]) -> dict[str, set[str]]:
    """Return the first matching of given compositions that keeps the cap, which one does.

    Objects in order, then inspectors in order: whoever can be in an object's team, with those settled before, is.
    """
    seating = _Seating(within.cap)
    places = _decided(within, chosen)
    if not seating.fill(places):
        raise RuntimeError("no matching has compositions that one was found for")
    room = {seat: number for seat, _, number in places}
    for _, inspector, seat in sorted((seat[0], inspector, seat) for seat, able, _ in places for inspector in able):
        if room[seat] and seating.force(seat, inspector):
            room[seat] -= 1
    teams: dict[str, set[str]] = {no: set() for no in within.eligible}
    for seat, members in seating.holds.items():
        teams[seat[0]] |= members
    return teams


def walk(within: Component, teams: dict[str, set[str]], ticket: Ticket) -> None:
    """Walk the plan's number of steps from a matching, in place; a step that would break a rule is none.

    Steps move 1, 2, 3, 1, … objects: one changes a member for somebody else of the same department; two or three hand
    a member each to the one before, in a ring.
    """
    department = {inspector: name for members in within.eligible.values() for name, inspector in members}
    able = {no: {inspector for _, inspector in members} for no, members in within.eligible.items()}
    load = Counter(inspector for members in teams.values() for inspector in members)
    first = within.first

    def fits(no: str, out: str, into: str) -> bool:
        if into in teams[no] or into not in able[no] or department[into] != department[out]:
            return False
        after = (("", inspector) for inspector in (teams[no] - {out}) | {into})
        return has_specialities(within.team, after, within.skills)

    for step in range(within.team.steps or 0):
        size = step % LARGEST_MOVE + 1
        if size > len(teams):
            continue
        moved = [no for _, no in nsmallest(size, ((ticket(first, step, no), no) for no in teams))]
        outs = [min((ticket(first, step, no, one), one) for one in teams[no])[1] for no in moved]
        if size == 1:
            (no,), (out,) = moved, outs
            others = (i for i in able[no] - teams[no] if department[i] == department[out])
            _, entering = min(((ticket(first, step, no, i), i) for i in others), default=(b"", out))
            ins = [entering]
            if load[entering] >= within.cap:
                continue
        else:
            ins = outs[1:] + outs[:1]
        if all(map(fits, moved, outs, ins)):
            for no, out, into in zip(moved, outs, ins, strict=True):
                teams[no] = (teams[no] - {out}) | {into}
            load.update(ins)
            load.subtract(outs)
