"""Matching objects with inspectors, each by itself and under a cap, against the bare hashing of the same tickets."""

import json
import random
import sys
import time
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from typing import Any, Final
from unittest.mock import patch

from benchmarks.figures import Figure, Scale
from benchmarks.measure import Told, apart, best
from fairdraw import assignment
from fairdraw.assignment import assign
from fairdraw.matching import Budget
from fairdraw.roster import RosterRow
from fairdraw.rules import Eligible, Team

Case = tuple[int, int, int, int]  # objects, inspectors, regions, cap (0 for none)

CASES: Final[dict[str, tuple[str, Case, Case]]] = {
    "alone": ("each by itself", (3_000, 1_000, 1, 0), (60, 20, 1, 0)),
    "capped": ("under a cap", (3_000, 1_000, 1, 14), (60, 20, 1, 9)),
    "regions": ("each by itself, within regions", (100_000, 5_000, 100, 0), (600, 200, 10, 0)),
    "regions-capped": ("within regions, each under a cap", (100_000, 5_000, 100, 54), (600, 200, 10, 8)),
}
"""What is matched, at full scale and at a small one."""

REPEAT: Final = {"full": 3, "small": 1}
KEY: Final = sha256(b"benchmark").digest()
RULES: Final = (
    Eligible(rule="true", object=None, inspector="qualified"),
    Eligible(rule="same", object="region", inspector="region"),
    Eligible(rule="differ", object="office", inspector="office"),
)


def measure(scale: Scale) -> Iterator[Figure]:
    """Yield the figures of matching: all of `assign`, rules and recusals with it."""
    for name, (how, full, small) in CASES.items():
        objects, inspectors, *_ = case = small if scale == "small" else full
        ours = best(REPEAT[scale], partial(apart, "benchmarks.assignment", "ours", *case))
        for other, against in (("hashlib", "hashlib.sha256, one a ticket"), ("compiled", "the compiled hash alone")):
            theirs = best(REPEAT[scale], partial(apart, "benchmarks.assignment", other, ours["tickets"]))
            yield Figure(
                key=f"assignment.{name}.{other}",
                work=f"{objects:,} objects and {inspectors:,} inspectors matched, {how}",
                against=against,
                value=ours["seconds"] / theirs["seconds"],
                beside=f"{ours['tickets']:,} tickets, attempt {ours['attempt']}, {ours['seconds']:.2f} s",
            )


def rosters(
    objects: int, inspectors: int, regions: int
) -> tuple[list[RosterRow], list[RosterRow], frozenset[tuple[str, str]]]:
    """Return objects and inspectors of some regions and fifty offices, and a recusal for every tenth object."""
    chance = random.Random(1)  # noqa: S311

    def rows(count: int, form: str, **more: object) -> list[RosterRow]:
        attrs = [{"region": f"37{at % regions:04d}", "office": f"{chance.randrange(50)}"} | more for at in range(count)]
        return [RosterRow(form.format(at), one, "") for at, one in enumerate(attrs)]

    drawn, staff = rows(objects, "91370100MA3C{:06d}"), rows(inspectors, "ZF{:06d}", qualified=True)
    return drawn, staff, frozenset((one.no, chance.choice(staff).no) for one in drawn[::10])


def ours(objects: int, inspectors: int, regions: int, cap: int) -> Told:
    """Match, and say how many tickets were looked at; making the rosters and starting the compiler are not timed."""
    fields: dict[str, Any] = {"specialities": (), "experts": None, "pool": None, "steps": None, "department": None}
    team = Team(
        size=2, quota=(), eligible=RULES, order="both", cap=cap or None, limit=10_000, beyond="raise-cap", **fields
    )
    drawn, staff, recusals = rosters(objects, inspectors, regions)
    budgets: list[Budget] = []

    def noted(most: int) -> Budget:
        budgets.append(Budget(most))
        return budgets[-1]

    _start()
    with patch.object(assignment, "Budget", noted):
        began = time.perf_counter()
        told = assign(KEY, team, drawn, staff, recusals, "2026-09-30")
        took = time.perf_counter() - began
    tickets = budgets[0].most - budgets[0].left if cap else sum(told.eligible.values())
    return {"seconds": took, "tickets": tickets, "attempt": max((attempt for _, attempt, _ in told.blocks), default=0)}


def _start() -> None:
    """Let numba start and the kernels pass their self-test, once a process."""
    from fairdraw import matching
    from transparency_log import fast

    if fast.pays(fast.PAYS_FROM):
        fast.load(matching._import_teams, matching._draws_as_hashlib)


def hashlib(tickets: int) -> Told:
    """Hash so many messages as long as such a ticket's, which differ, one after the other."""
    head = KEY.hex() + "\nteam\n0\n0\n91370100MA3C000000\n"
    some = [f"{head}ZF{at:06d}\n".encode() for at in range(1000)]
    began = time.perf_counter()
    for at in range(tickets):
        sha256(some[at % 1000]).digest()
    return {"seconds": time.perf_counter() - began}


def compiled(tickets: int) -> Told:
    """Hash so many messages of one block, which is what is left of a ticket after the key's, by compiled code."""
    from transparency_log import fast

    if (kernels := fast.hashing(fast.PAYS_FROM)) is None:
        raise RuntimeError(f"no fast path: {fast.why_not()}")
    some = min(tickets, 1 << 16)
    data, ends = bytes(39 * some), range(39, 39 * some + 1, 39)
    kernels.leaf_hashes(data, ends)
    began = time.perf_counter()
    for _ in range(max(tickets // some, 1)):
        kernels.leaf_hashes(data, ends)
    return {"seconds": (time.perf_counter() - began) / max(tickets // some, 1) * tickets / some}


if __name__ == "__main__":
    work = {"ours": ours, "hashlib": hashlib, "compiled": compiled}[sys.argv[1]]
    print(json.dumps(work(*map(int, sys.argv[2:]))))
