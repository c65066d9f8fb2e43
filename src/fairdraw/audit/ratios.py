"""The ratios that a year reached, against what the regulation asks for. specs/audit.md §5.

The base is all rows of the registry, before filter, credit and caps: whoever is exempted must not lower the number of
the others. An object that was drawn twice is counted once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from fairdraw.audit.chain import Ledger
from fairdraw.audit.lots import Lot, percent
from fairdraw.audit.registries import by_registry, newest_roster
from fairdraw.audit.report import AuditFinding, Cell, Table, Term, find
from fairdraw.audit.slots import Planned, last_day_of
from fairdraw.compliance import TYPE
from fairdraw.encoding import end_of_day
from fairdraw.regulation import Regulation
from fairdraw.roster import RosterRow
from fairdraw.schema import Plan, item_of
from fairdraw.values import Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A ratio that a year is held to, and what it reached.

    `item` None: all items together; `of` are the attribute values that the ratio speaks of.
    """

    registry: str
    item: str | None
    of: tuple[tuple[str, Scalar], ...]
    ratio: str
    kind: str
    cite: tuple[str, ...]
    rows: int
    drawn: int

    @property
    def needed(self) -> int:
        """Return the least number of objects that keeps a floor."""
        return ceil(Fraction(self.ratio) * self.rows)

    @property
    def is_short(self) -> bool:
        """Say whether a floor is not reached."""
        return self.kind == "floor" and self.drawn < self.needed


def ratios_of(ledger: Ledger, lots: Sequence[Lot]) -> list[Held]:
    """Return every ratio that the regulation, or where there is none the plan's own floors, asks of a year."""
    told: list[Held] = []
    for registry, group in by_registry(lots).items():
        found = newest_roster(ledger, group)
        if found is None:
            continue
        regulation = next((lot.regulation for lot in reversed(group) if lot.regulation is not None), None)
        drawn = _drawn_by_item(group)
        asked = _planned(group) if regulation is None else _regulated(regulation, group, found[1].rows)
        for item, of, ratio, kind, cite in sorted(asked, key=lambda one: (one[0] or "", repr(one[1]), one[2])):
            rows = [row for row in found[1].rows if all(row.attrs.get(name) == value for name, value in of)]
            told.append(Held(registry=registry, item=item, of=of, ratio=ratio, kind=kind, cite=cite, rows=len(rows),
                             drawn=sum(row.no in drawn.get(item, ()) for row in rows)))  # fmt: skip
    return told


def _drawn_by_item(lots: Sequence[Lot]) -> Mapping[str | None, set[str]]:
    """Return the objects that were drawn for each item; under None those for any."""
    told: dict[str | None, set[str]] = {None: set()}
    for lot in lots:
        for line in lot.drawn:
            told[None].add(line.no)
            for item, _ in line.strata:
                told.setdefault(item, set()).add(line.no)
    return told


Asked = tuple[str | None, tuple[tuple[str, Scalar], ...], str, str, tuple[str, ...]]


def _planned(lots: Sequence[Lot]) -> set[Asked]:
    told: set[Asked] = set()
    items: dict[int, set[str]] = {}
    plans: dict[int, Plan] = {}
    for lot in lots:
        entry, plan = lot.plan
        plans[entry.index] = plan
        items.setdefault(entry.index, set()).update(map(item_of, lot.said.slots))
    for index, plan in plans.items():
        ruled = {item for rule in plan.rules for item in rule.items}
        for item in items[index] & ruled:
            rule = plan.rule_of(item)
            for one in rule.ratios:
                if one.floor is not None:
                    told.add((item, tuple(zip(rule.strata, one.of, strict=False)), one.floor, "floor", ()))
    return told


def _regulated(regulation: Regulation, lots: Sequence[Lot], rows: Sequence[RosterRow]) -> set[Asked]:
    """Return what a regulation asks for each type that occurs, of all items or of each item of the year."""
    items = sorted({item_of(slot) for lot in lots for slot in lot.said.slots})
    typed = {row.attrs.get(TYPE) for row in rows}
    kinds: set[str | None] = {value for value in typed if isinstance(value, str)} or {None}
    told: set[Asked] = set()
    for kind in kinds:
        of: tuple[tuple[str, Scalar], ...] = () if kind is None else ((TYPE, kind),)
        for item in items:
            for period in ("draw", "year"):
                limit = regulation.ratio_for(kind, item, period="draw" if period == "draw" else "year")
                if limit is None:
                    continue
                own = item if limit.item is not None or limit.category is not None else None
                # An item that is about one type of objects is held to its ratio of these, and of no others.
                listed = regulation.item(own)
                types = () if listed is None else listed.types
                if types and kind not in types:
                    continue
                spoken = of if limit.type is not None or len(types) == 1 else ()
                told.add((own, spoken, limit.ratio, limit.kind, limit.cite))
    return told


def ratio_findings(
    ledger: Ledger, held: Sequence[Held], plans: Sequence[Planned], lots: Sequence[Lot]
) -> Iterator[AuditFinding]:
    """Yield floors that were not reached once nothing more can be drawn for them."""
    days, last_lot = _last_days(plans), _last_lots(lots)
    for one in held:
        day = days.get((one.registry, one.item))
        if not one.is_short or (day is not None and end_of_day(day) >= ledger.as_of):
            continue
        last = last_lot.get(one.registry)
        yield find(
            "year-below-floor",
            last,
            cite=one.cite,
            registry=one.registry,
            item=one.item,
            of=[list(pair) for pair in one.of],
            expected=one.needed,
            found=one.drawn,
            rows=one.rows,
            ratio=one.ratio,
        )


def _last_days(plans: Sequence[Planned]) -> Mapping[tuple[str, str | None], str]:
    """Return the last day on which something can still be drawn, by registry and item; under None for any item."""
    told: dict[tuple[str, str | None], str] = {}
    for planned in plans:
        for slot in planned.in_force:
            day = last_day_of(planned, slot)
            for item in (None, item_of(slot)):
                place = planned.last[1].objects, item
                told[place] = max(day, told.get(place, day))
    return told


def _last_lots(lots: Sequence[Lot]) -> Mapping[str, int]:
    told: dict[str, int] = {}
    for lot in lots:
        registry = lot.plan[1].objects
        told[registry] = max(lot.index, told.get(registry, lot.index))
    return told


def ratios_table(held: Sequence[Held]) -> Table:
    """Return the ratios reached against those asked for."""
    rows: list[tuple[Cell, ...]] = [
        (one.registry, one.item, " ".join(str(value) for _, value in one.of) or None, one.ratio, Term(one.kind),
         one.rows, one.needed, one.drawn, percent(one.drawn, one.rows), "; ".join(one.cite))
        for one in held
    ]  # fmt: skip
    header = ("registry", "item", "of", "ratio", "ratio-kind", "rows", "needed", "drawn", "reached", "article")
    return Table(code="ratios", header=header, rows=tuple(rows))


def districts_table(ledger: Ledger, lots: Sequence[Lot]) -> Table:
    """Return coverage by district: the attribute `region`, or else the first by which the plan makes strata."""
    rows: list[tuple[Cell, ...]] = []
    for registry, group in by_registry(lots).items():
        found = newest_roster(ledger, group)
        field = None if found is None else _district(group, found[1].rows)
        if found is None or field is None:
            continue
        drawn = {no for lot in group for no in lot.objects}
        counts: dict[str, tuple[int, int]] = {}
        for row in found[1].rows:
            value = row.attrs.get(field)
            name = "-" if value is None else str(value)
            total, hit = counts.get(name, (0, 0))
            counts[name] = (total + 1, hit + (row.no in drawn))
        rows += [(registry, name, total, hit, percent(hit, total)) for name, (total, hit) in sorted(counts.items())]
    header = ("registry", "district", "rows", "objects-drawn", "reached")
    return Table(code="districts", header=header, rows=tuple(rows))


def _district(lots: Sequence[Lot], rows: Sequence[RosterRow]) -> str | None:
    if not rows:
        return None
    named = [rule.region for lot in lots for rule in lot.plan[1].rules if rule.region is not None]
    strata = [name for lot in lots for rule in lot.plan[1].rules for name in rule.strata]
    return next((name for name in [*named, "region", *strata] if name in rows[0].attrs), None)
