"""Drawing teams by tickets: each object by itself, or a block of objects together. specs/assignment.md §2, §4, §5.

This is the reference; `fairdraw.kernels.teams` draws the same faster where many tickets are looked at.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from heapq import nsmallest
from types import ModuleType
from typing import Any, Final

from fairdraw import tickets
from fairdraw.eligibility import Member, Skills
from fairdraw.errors import AssignmentError
from transparency_log import fast

SLICE: Final = 1 << 14  # objects that compiled code draws at a time: it hears no interruption

Drawn = tuple[int, tuple[Member, ...]]  # an object's own attempt, and the team drawn with it


class Budget:
    """How many tickets a draw's attempts may still look at: a verifier must not be made to work for ever."""

    def __init__(self, most: int) -> None:
        self.most = self.left = most

    def spend(self, tickets: int) -> None:
        """Take tickets off.

        Raises:
            AssignmentError: `attempts-exhausted`: there are not so many left.
        """
        self.left -= tickets
        if self.left < 0:
            raise AssignmentError("attempts-exhausted", block="", expected=self.most, cap=0)


class Lots:
    """The tickets of one purpose of a draw, of objects and those who can be drawn for them.

    Into a team come, of each department of the quota, so many with the smallest tickets. It is drawn anew, with the
    next own attempt, until `wanted[i]` of it have the speciality i.
    """

    def __init__(
        self,
        key: bytes,
        purpose: str,
        *,
        members: Mapping[str, tuple[Member, ...]],
        quota: Sequence[tuple[str, int]],
        budget: Budget,
        skills: Mapping[str, Skills],
        wanted: Sequence[int],
    ) -> None:
        """Take who can be drawn for each object: of each department enough, and some team that has the specialities."""
        self._key, self._purpose = key, purpose
        self._members, self._quota, self._budget = members, quota, budget
        self._skills, self._wanted = skills, wanted
        self._start = sha256(tickets.head(key, purpose))
        self._urns: dict[int, list[tuple[str, int, list[tuple[str, bytes]]]]] = {}
        self._looked = sum(map(len, members.values()))  # tickets: each at least once, and those spent
        self._table: Any = None

    def alone(self, numbers: Sequence[str], attempt: int, own: Mapping[str, int] | None = None) -> dict[str, Drawn]:
        """Draw each object by itself, its own attempts beginning with 0 or `own`; only further ones are paid.

        Raises:
            AssignmentError: `attempts-exhausted`.
        """
        drawn: dict[str, Drawn] = {}
        for some in (numbers[at : at + SLICE] for at in range(0, len(numbers), SLICE)):
            firsts = [0 if own is None else own[no] for no in some]
            if self._pays():
                _, teams = self._compiled(some, range(attempt, attempt + 1), None, firsts)
                drawn |= zip(some, teams, strict=True)
            else:
                drawn |= {no: self._team(no, attempt, first) for no, first in zip(some, firsts, strict=True)}
        return drawn

    def together(self, numbers: Sequence[str], attempts: range, allowed: int) -> tuple[int, dict[str, Drawn]] | None:
        """Draw a block by the first attempt that puts nobody into more than `allowed` teams; None if none does.

        Raises:
            AssignmentError: `attempts-exhausted`.
        """
        for attempt in attempts:
            if self._pays():
                rest = range(attempt, attempts.stop)
                accepted, teams = self._compiled(numbers, rest, allowed, [0] * len(numbers))
                return (accepted, dict(zip(numbers, teams, strict=True))) if teams else None
            drawn: dict[str, Drawn] = {}
            load: Counter[str] = Counter()
            for no in numbers:
                drawn[no] = self._team(no, attempt, None)
                load.update(inspector for _, inspector in drawn[no][1])
                if any(load[inspector] > allowed for _, inspector in drawn[no][1]):
                    break  # the whole block is rejected, whatever the other objects would get
            else:
                return attempt, drawn
        return None

    def _team(self, no: str, attempt: int, free: int | None) -> Drawn:
        """Return an object's first own attempt whose team has the specialities, and that team; `free` costs nothing."""
        own = free or 0
        while True:
            if own != free:
                able = len(self._members[no])
                self._looked += able
                self._budget.spend(able)
            team = self._smallest(no, attempt, own)
            if not self._wanted or self._is_skilled(team):
                return own, team
            own += 1

    def _smallest(self, no: str, attempt: int, own: int) -> tuple[Member, ...]:
        start = self._start.copy()
        start.update(f"{attempt}\n{own}\n{no}\n".encode())
        chosen: list[Member] = []
        for department, needed, people in self._urns_of(self._members[no]):
            ranked = []
            for number, text in people:
                state = start.copy()
                state.update(text)
                ranked.append((state.digest(), number))
            chosen += [(department, number) for _, number in nsmallest(needed, ranked)]
        return tuple(chosen)

    def _urns_of(self, members: tuple[Member, ...]) -> list[tuple[str, int, list[tuple[str, bytes]]]]:
        # Objects that share their members share one tuple, and its identity is cheaper to look up than its contents.
        if (known := self._urns.get(id(members))) is None:
            known = self._urns[id(members)] = [
                (department, needed, [(no, f"{no}\n".encode()) for name, no in members if name == department])
                for department, needed in self._quota
            ]
        return known

    def _is_skilled(self, team: Iterable[Member]) -> bool:
        held = Counter(at for _, inspector in team for at in self._skills[inspector])
        return all(held[at] >= number for at, number in enumerate(self._wanted))

    def _pays(self) -> bool:
        """Say whether compiled code takes over, and lay everything out for it."""
        if self._table is None and len(self._key) == 32 and fast.pays(self._looked):
            teams = fast.load(_import_teams, _draws_as_hashlib)
            if teams is not None:
                head = tickets.head(self._key, self._purpose)
                self._table = teams.Table(head, self._members, self._quota, self._skills, self._wanted)
        return self._table is not None

    def _compiled(
        self, numbers: Sequence[str], attempts: range, allowed: int | None, own: Sequence[int]
    ) -> tuple[int, list[Drawn]]:
        attempt, left, teams = self._table.draw(numbers, attempts, allowed=allowed, left=self._budget.left, own=own)
        self._budget.spend(self._budget.left - left)
        return attempt, teams


def _import_teams() -> ModuleType:
    from fairdraw.kernels import teams  # noqa: PLC0415 - numba is no dependency, and slow to start

    return teams


def _draws_as_hashlib(teams: ModuleType) -> bool:
    """Compare compiled code with the plain: texts over one and two blocks, departments, skills, a cap."""
    people = [f"I-{i}" + "x" * (7 * i % 60) for i in range(12)]
    members = {
        f"H-{i}" + "y" * (9 * i): tuple((("a", "b")[j % 2], no) for j, no in enumerate(people)) for i in range(5)
    }
    quota, skills, key = (("a", 1), ("b", 2)), {no: (0,) if no in people[:4] else () for no in people}, bytes(range(32))
    plain = Lots(key, "team", members=members, quota=quota, budget=Budget(10**6), skills=skills, wanted=(1,))
    table = teams.Table(tickets.head(key, "team"), members, quota, skills, (1,))
    numbers = list(members)
    for most in (2, 3, len(numbers)):
        for attempt in range(1000):
            drawn = [plain._team(no, attempt, None) for no in numbers]
            if max(Counter(inspector for _, team in drawn for _, inspector in team).values()) <= most:
                break
        told = table.draw(numbers, range(1000), allowed=most, left=10**6, own=[0] * len(numbers))
        if (told[0], told[2]) != (attempt, drawn):
            return False
    return True
