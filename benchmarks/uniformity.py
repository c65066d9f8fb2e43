"""Is every allowed matching equally likely? A toy case in which all of them can be listed (specs/assignment.md §10).

Four objects, teams of two of five inspectors, nobody more than twice, four recusals: 336 matchings. The keys are fixed:
those of announcements whose text hashes are counted, under the recorded rounds of drand quicknet that `demo` ships. Two
methods that are in use elsewhere take the same test.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib import resources
from itertools import combinations, count, product

from benchmarks.measure import table
from fairdraw.assignment import assign
from fairdraw.beacon import CHAINS
from fairdraw.roster import RosterRow
from fairdraw.rules import Eligible, Team
from fairdraw.tickets import KeyMaterial, ticketer

Matching = tuple[tuple[str, ...], ...]  # of each object in order the numbers of its team, sorted
Method = Callable[[bytes], Matching | None]

CAP = 2
OBJECTS = [RosterRow(f"H-{i}", {}, "") for i in range(1, 5)]
INSPECTORS = [RosterRow(f"I-{i}", {"qualified": True}, "") for i in range(1, 6)]
RECUSALS = frozenset({("H-1", "I-1"), ("H-2", "I-1"), ("H-3", "I-2"), ("H-4", "I-3")})
WINDOW = "2026-12-31"


def team(**changes: object) -> Team:
    """Return the toy case's rules."""
    rules = {"size": 2, "department": None, "quota": (), "specialities": (), "experts": None, "order": "both",
             "pool": None, "cap": CAP, "limit": 10_000, "beyond": "raise-cap", "steps": None,
             "eligible": (Eligible(rule="true", object=None, inspector="qualified"),)}  # fmt: skip
    return Team.model_validate(rules | changes)


def keys(number: int) -> Iterator[bytes]:
    """Give fixed keys, as many of each recorded round as of another."""
    told = json.loads(resources.files("fairdraw_cli").joinpath("data/rounds.json").read_text("utf-8"))
    chain = CHAINS[told["chain"]]
    for at, one in zip(range(number), _again(told["rounds"]), strict=False):
        randomness = sha256(bytes.fromhex(one["signature"])).hexdigest()
        text = sha256(f"announcement {at}".encode()).hexdigest()
        pulses = ((chain.hash, one["round"], randomness),)
        yield KeyMaterial(statement="announcement", text=text, seeds=(), pulses=pulses, embargo=None).key()


def _again(rounds: Sequence[Mapping[str, object]]) -> Iterator[Mapping[str, object]]:
    while True:
        yield from rounds


@cache
def allowed(cap: int | None) -> frozenset[Matching]:
    """Return every matching that the rules allow, by trying all."""
    pairs = [
        [pair for pair in combinations([i.no for i in INSPECTORS], 2) if not any((o.no, i) in RECUSALS for i in pair)]
        for o in OBJECTS
    ]
    every = product(*pairs)
    return frozenset(one for one in every if cap is None or max(Counter(i for p in one for i in p).values()) <= cap)


def drawn(rules: Team, key: bytes) -> Matching | None:
    """Draw as the project does; None where a switch chain was wanted and an attempt was accepted before."""
    told = assign(key, rules, OBJECTS, INSPECTORS, RECUSALS, WINDOW)
    if rules.beyond == "switch-chain" and told.blocks[0][1] < rules.limit:
        return None
    return tuple(tuple(sorted(i for _, i in told.teams[o.no])) for o in OBJECTS)


def one_after_the_other(key: bytes, *, least_loaded: bool) -> Matching:
    """Match in the order of objects, and again from the start where that ends in a corner: a method in use."""
    ticket = ticketer(key, "team")
    for attempt in count():
        load: Counter[str] = Counter()
        told = []
        for obj in OBJECTS:
            free = [i.no for i in INSPECTORS if (obj.no, i.no) not in RECUSALS and load[i.no] < CAP]
            ranked = sorted((load[i] if least_loaded else 0, ticket(attempt, 0, obj.no, i), i) for i in free)
            chosen = sorted(i for _, _, i in ranked[:2])
            if len(chosen) < 2:
                break
            load.update(chosen)
            told.append(tuple(chosen))
        else:
            return tuple(told)
    raise AssertionError


def chi_square(counts: Mapping[Matching, int], every: frozenset[Matching]) -> float:
    """Return Pearson's statistic of counts that should be equal; what must not occur at all makes it infinite."""
    if not counts.keys() <= every:
        return math.inf
    expected = sum(counts.values()) / len(every)
    return sum((counts.get(one, 0) - expected) ** 2 / expected for one in every)


def quantile(freedom: int, upper: float) -> float:
    """Return the χ² value that is exceeded with probability `upper`, by bisection on the incomplete gamma function."""

    def below(value: float) -> float:
        half, x = freedom / 2, value / 2
        term = total = math.exp(half * math.log(x) - x - math.lgamma(half + 1))
        for n in count(1):
            term *= x / (half + n)
            total += term
            if n > x and term < 1e-18:
                return total
        raise AssertionError

    low, high = freedom / 2, freedom + 20 * math.sqrt(freedom) + 40
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < 1 - upper else (low, middle)
    return high


def methods(steps: int = 100) -> dict[str, tuple[Method, int | None]]:
    """Return each method and the cap that its matchings keep: three of the project, two that are biased."""
    chain = team(limit=1, beyond="switch-chain", steps=steps)
    return {
        "independent, no cap": (lambda key: drawn(team(cap=None), key), None),
        "whole rejection": (lambda key: drawn(team(), key), CAP),
        f"switch chain, {steps} steps": (lambda key: drawn(chain, key), CAP),
        "one after the other (biased)": (lambda key: one_after_the_other(key, least_loaded=False), CAP),
        "least loaded first (biased)": (lambda key: one_after_the_other(key, least_loaded=True), CAP),
    }


def tally(method: Method, number: int) -> Counter[Matching]:
    """Return how often each matching was drawn."""
    return Counter(one for one in map(method, keys(number)) if one is not None)


def main(number: int = 36_000) -> None:
    """Print how far each method is from uniform."""
    for name, (method, cap) in methods().items():
        every, counts = allowed(cap), tally(method, number)
        total = sum(counts.values())
        shares = [counts[one] * len(every) / total for one in every]
        statistic, limit = chi_square(counts, every), quantile(len(every) - 1, 0.001)
        table(
            f"matching by {name}: {total:,} draws, {len(every):,} matchings",
            [
                (
                    "TV distance from uniform (of an exact draw: about)",
                    f"{sum(abs(s - 1) for s in shares) / 2 / len(every):.3f} ({noise(total, len(every)):.3f})",
                ),
                ("least and greatest probability, to uniform", f"{min(shares):.2f}, {max(shares):.2f}"),
                ("chi-square, its 0.1 % quantile", f"{statistic:,.0f}, {limit:,.0f}"),
                ("passes", "yes" if statistic < limit else "no"),
            ],
        )


def noise(total: int, cells: int) -> float:
    """Return the mean distance that a uniform draw shows by chance alone (normal approximation)."""
    return math.sqrt(cells / (2 * math.pi * total))


if __name__ == "__main__":
    main()
