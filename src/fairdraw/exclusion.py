"""Who cannot be drawn though it is in the registry: caps and earlier instalments. specs/announcement.md §4.

The list is a function of the bureau's own chain up to the announcement, computed by drawer and verifier alike: an
exclusion that no rule yields is a name struck off (attack 7).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from fairdraw import encoding
from fairdraw.schema import Announcement, Draw, Plan, item_of
from fairdraw.statement import Entry

YEARLY_CAP: Final = "yearly-cap"
DRAWN_BEFORE: Final = "drawn-before"


@dataclass(frozen=True, slots=True, order=True)
class Exclusion:
    """An object that cannot be drawn for an item, or, where `item` is None, for any."""

    item: str | None
    no: str
    reason: str

    def line(self) -> bytes:
        """Return its line in the list: canonical JSON."""
        return encoding.canonical({"item": self.item, "no": self.no, "reason": self.reason})


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A draw of the same year that was logged before: its plan, slots, and the items that each object was drawn for."""

    plan: Plan
    slots: tuple[str, ...]
    drawn: Mapping[str, tuple[str, ...]]


def exclude(
    plan: Plan, slots: Iterable[str], numbers: Collection[str], earlier: Sequence[Earlier]
) -> frozenset[Exclusion]:
    """Return who of a roster's numbers cannot be drawn for some slots, after the earlier draws of the plan's year.

    `numbers` are asked whether they hold one, and never gone through.

    Several items of one visit count once; an exempted or deferred object keeps the count of the year it was drawn in.
    """
    told: set[Exclusion] = set()
    if plan.yearly_cap is not None:
        visits = Counter(no for draw in earlier if _counts(plan, draw) for no in draw.drawn)
        told |= {Exclusion(None, no, YEARLY_CAP) for no, times in visits.items() if times >= plan.yearly_cap}
    for item in {item_of(slot) for slot in slots if _is_instalment(plan, slot)}:
        for draw in earlier:
            if draw.plan.plan == plan.plan and _counts(plan, draw) and _has_instalment(draw, item):
                told |= {Exclusion(item, no, DRAWN_BEFORE) for no, items in draw.drawn.items() if item in items}
    return frozenset(one for one in told if one.no in numbers)


def looks_back(plan: Plan, slots: Iterable[str]) -> bool:
    """Say whether the earlier draws of the year matter to some slots."""
    return plan.yearly_cap is not None or any(_is_instalment(plan, slot) for slot in slots)


class Drawn(NamedTuple):
    """A draw, its plan and announcement, and the index from behind which all three are in the log."""

    entry: Entry
    plan: Plan
    said: Announcement
    complete: int


def draws_of(chain: Sequence[Entry]) -> Iterator[Drawn]:
    """Yield a chain's draws, in log order, of which it has the announcement and the plan."""
    known = {entry.text_hash: entry for entry in chain}
    for entry in chain:
        if not isinstance(entry.statement, Draw):
            continue
        announced = known.get(entry.statement.announcement.text)
        if announced is None or not isinstance(announced.statement, Announcement):
            continue
        planned = known.get(announced.statement.plan.text)
        if planned is not None and isinstance(planned.statement, Plan):
            complete = max(entry.index, announced.index, planned.index)
            yield Drawn(entry, planned.statement, announced.statement, complete)


def draws_of_the_year(chain: Sequence[Entry], plan: Plan) -> list[tuple[Entry, Plan, Announcement]]:
    """Return the first draw of each announcement under a plan of the same year and objects, in log order.

    Whether such a draw was right is shown by its own bundle.
    """
    told: dict[str, tuple[Entry, Plan, Announcement]] = {}
    for entry, rules, said, _ in draws_of(chain):
        if (rules.year, rules.objects) == (plan.year, plan.objects):
            told.setdefault(entry.of(Draw).announcement.text, (entry, rules, said))
    return list(told.values())


def format_exclusions(exclusions: Iterable[Exclusion]) -> bytes:
    """Return the bytes of an exclusion list: canonical lines, sorted bytewise."""
    return encoding.lines(sorted(one.line() for one in exclusions))


def _counts(plan: Plan, draw: Earlier) -> bool:
    return draw.plan.year == plan.year and draw.plan.objects == plan.objects


def _is_instalment(plan: Plan, slot: str) -> bool:
    batch = plan.batch_of(slot)
    return batch is not None and batch.share is not None


def _has_instalment(draw: Earlier, item: str) -> bool:
    return any(item_of(slot) == item and _is_instalment(draw.plan, slot) for slot in draw.slots)
