"""Whether a plan and an announcement obey their regulation: specs/compliance.md.

The bureau is told before it logs anything, a verifier and an auditor say the same afterwards, each with the article.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from fairdraw.encoding import canonical
from fairdraw.filter import And, Equal, Filter, OneOf, parse
from fairdraw.regulation import Item, RatioLimit, Regulation
from fairdraw.rules import Grade, RatioOf, Rule
from fairdraw.schema import Announcement, Plan, Until, item_of
from fairdraw.values import Scalar

TYPE: Final = "type"  # the attribute that says what kind of object a row is, by the regulation's ids
ROUNDING: Final = {"floor": "ceil", "exact": "nearest", "ceiling": "floor"}
MACHINE_REASONS: Final = frozenset({"chain-retired", "quorum-not-shown", "required-seed-missing", "attempts-exhausted"})
PERIODS: Final[tuple[Literal["draw", "year"], ...]] = ("draw", "year")
QUALIFIED: Final = frozenset({"true", "valid"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What a regulation does not allow: a stable code, the articles that say so, where, what is expected and found."""

    code: str
    cite: tuple[str, ...]
    where: str = ""
    expected: object = None
    found: object = None


def plan_faults(regulation: Regulation, plan: Plan, items: Collection[Item]) -> tuple[Fault, ...]:
    """Return what a regulation does not allow of a plan; `items` are those of the logged list.

    Raises:
        FilterError: a filter cannot be read.
    """
    told = [*_listed(regulation, plan, items), *_in_force(regulation, plan), *_voids(regulation, plan)]
    told += [*_cap(regulation, plan), *_frequency(plan, items), *_team(regulation, plan)]
    for rule in plan.rules:
        for item in rule.items:
            told += _ratios(regulation, plan, rule, item)
        told += _grades(regulation, rule)
        told += _regions(regulation, rule)
    return tuple(told)


def announcement_faults(regulation: Regulation, said: Announcement) -> tuple[Fault, ...]:
    """Return what a regulation does not allow of an announcement."""
    told = []
    wanted = regulation.disclosure
    if wanted is not None and wanted.value == "until-visit" and not isinstance(said.disclosure, Until):
        told.append(Fault(code="disclosure-at-once", cite=wanted.cite, expected=wanted.value, found="at-once"))
    if regulation.validity is not None and regulation.valid_on(said.window) is False:
        found = said.window
        told.append(Fault(code="not-in-force", cite=regulation.validity.cite, where="window", found=found))
    return tuple(told)


def articles_of(regulation: Regulation, plan: Plan, item: str, values: Sequence[Scalar]) -> tuple[str, ...]:
    """Return the articles that a stratum's quota comes from: those of the ratio of its type, and of its grade."""
    rule = plan.rule_of(item)
    told: list[str] = []
    kind = values[rule.strata.index(TYPE)] if TYPE in rule.strata else None
    named = {kind} if isinstance(kind, str) else _named_types(parse(rule.filter))
    kinds: set[str | None] = {*named} if named else {None}
    for name in sorted(kinds, key=str):
        for period in PERIODS:
            limit = regulation.ratio_for(name, item, period=period)
            told += limit.cite if limit is not None else ()
    if rule.grade is not None and isinstance(grade := values[len(rule.strata)], str):
        factor = regulation.grade(grade)
        told += factor.cite if factor is not None else ()
    return tuple(dict.fromkeys(told))


def _listed(regulation: Regulation, plan: Plan, items: Collection[Item]) -> Iterable[Fault]:
    """不得在清单之外设立或实施: every item of a slot is on the logged list."""
    known = {item.id for item in items}
    cite = regulation.list_only.cite if regulation.list_only is not None else ()
    for name in sorted({item_of(slot) for slot in plan.slots} - known):
        yield Fault(code="item-outside-list", cite=cite, where=name, expected=sorted(known), found=name)


def _in_force(regulation: Regulation, plan: Plan) -> Iterable[Fault]:
    if regulation.validity is None:
        return
    days = [day for batch in plan.schedule for day in (batch.first, batch.last)]
    for day in sorted({day for day in days if not regulation.valid_on(day)}):
        yield Fault(code="not-in-force", cite=regulation.validity.cite, where="schedule", found=day)


def _voids(regulation: Regulation, plan: Plan) -> Iterable[Fault]:
    known = {*regulation.codes("void_reasons"), *MACHINE_REASONS}
    for reason in plan.voids:
        if reason not in known:
            yield Fault(code="void-reason-unknown", cite=(), where="voids", expected=sorted(known), found=reason)


def _cap(regulation: Regulation, plan: Plan) -> Iterable[Fault]:
    cap = regulation.yearly_cap
    if cap is not None and (plan.yearly_cap is None or plan.yearly_cap > cap.value):
        yield Fault(code="cap-above", cite=cap.cite, where="yearly_cap", expected=cap.value, found=plan.yearly_cap)


def _frequency(plan: Plan, items: Collection[Item]) -> Iterable[Fault]:
    """Count an item's draws of their own in a year's plan; instalments together are one."""
    if plan.kind != "yearly":
        return
    for item in items:
        slots = [slot for slot in plan.slots if item_of(slot) == item.id]
        if item.frequency is None or not slots:
            continue
        batches = [plan.batch_of(slot) for slot in slots]
        own = [batch for batch in batches if batch is None or batch.share is None]
        times, wanted = len(own) + (len(own) < len(slots)), item.frequency
        if (times > wanted.times and wanted.kind != "at-least") or (times < wanted.times and wanted.kind != "at-most"):
            expected = f"{wanted.kind} {wanted.times}"
            yield Fault(code="frequency-differs", cite=item.cite, where=item.id, expected=expected, found=times)


def _team(regulation: Regulation, plan: Plan) -> Iterable[Fault]:
    team = plan.team
    if regulation.team is not None and team.size < regulation.team.value:
        expected = regulation.team.value
        yield Fault(code="team-too-small", cite=regulation.team.cite, where="team", expected=expected, found=team.size)
    joint = regulation.joint
    if joint is not None and joint.value.each is not None and plan.joint:
        if len(team.quota) <= len(plan.joint):
            expected = len(plan.joint) + 1
            yield Fault(code="joint-without-quota", cite=joint.cite, where="team", expected=expected,
                        found=len(team.quota))  # fmt: skip
        for department, number in team.quota:
            if number < joint.value.each:
                expected = joint.value.each
                yield Fault(code="joint-too-few", cite=joint.cite, where=department, expected=expected, found=number)
    if team.experts is not None and not (regulation.experts is not None and regulation.experts.value):
        cite = () if regulation.experts is None else regulation.experts.cite
        yield Fault(code="experts-not-foreseen", cite=cite, where="team", expected=0, found=team.experts.number)
    rules = {rule.rule for rule in team.eligible}
    asked = regulation.qualification
    if asked is not None and asked.value == "required" and rules.isdisjoint(QUALIFIED):
        yield Fault(code="qualification-not-asked", cite=asked.cite, where="team", expected=sorted(QUALIFIED))
    if regulation.order is not None and team.order != regulation.order.value:
        order = regulation.order
        yield Fault(code="order-differs", cite=order.cite, where="team", expected=order.value, found=team.order)


def _types(rule: Rule, of: RatioOf, item: Item | None, regulation: Regulation) -> set[str]:
    """Return the object types that a ratio may concern: by its strata, else by its filter, else by the item."""
    if TYPE in rule.strata[: len(of.of)]:
        value = of.of[rule.strata.index(TYPE)]
        return {value} if isinstance(value, str) else set()
    if (named := _named_types(parse(rule.filter))) is not None:
        return named
    return set(item.types) if item is not None and item.types else {one.id for one in regulation.object_types}


def _named_types(known: Filter) -> set[str] | None:
    """Return the types that a filter lets through where it says so, else None."""
    match known:
        case Equal(field="type", value=str(value)):
            return {value}
        case OneOf(field="type", values=values):
            return {value for value in values if isinstance(value, str)}
        case And(parts):
            told = [named for part in parts if (named := _named_types(part)) is not None]
            return set.intersection(*told) if told else None
    return None


def _ratios(regulation: Regulation, plan: Plan, rule: Rule, item: str) -> Iterable[Fault]:
    draws = [batch for slot in plan.slots if item_of(slot) == item and (batch := plan.batch_of(slot)) is not None]
    own = sum(batch.share is None for batch in draws) + sum(
        plan.batch_of(slot) is None for slot in plan.slots if item_of(slot) == item
    )
    times = max(own + any(batch.share is not None for batch in draws), 1)
    for of in rule.ratios:
        for kind in sorted(_types(rule, of, regulation.item(item), regulation)):
            where = f"{item}/{kind}"
            if (limit := regulation.ratio_for(kind, item)) is not None:
                yield from _limited(limit, of, where, rule, 1)
            if plan.kind == "yearly" and (limit := regulation.ratio_for(kind, item, period="year")) is not None:
                yield from _limited(limit, of, where, rule, times)


def _limited(limit: RatioLimit, of: RatioOf, where: str, rule: Rule, times: int) -> Iterable[Fault]:
    """Compare a ratio with a limit; `times` draws of a year together reach a limit of the year."""
    wanted, ratio = Fraction(limit.ratio), Fraction(of.ratio)
    if limit.kind == "floor":
        # The floor is what cannot be lowered by a grade, a filter or an exclusion; the ratio alone could be.
        held = Fraction(of.floor or "0/1") * times
        if held < wanted:
            yield Fault(code="ratio-below-floor", cite=limit.cite, where=where, expected=limit.ratio, found=of.floor)
        return
    differs = ratio != wanted if limit.kind == "exact" else ratio > wanted
    if differs:
        code = "ratio-differs" if limit.kind == "exact" else "ratio-above-ceiling"
        yield Fault(code=code, cite=limit.cite, where=where, expected=limit.ratio, found=of.ratio)
    if rule.grade is None and of.rounding != ROUNDING[limit.kind]:
        expected = ROUNDING[limit.kind]
        yield Fault(code="rounding-differs", cite=limit.cite, where=where, expected=expected, found=of.rounding)


def _said(value: Scalar) -> str:
    return value if isinstance(value, str) else canonical(value).decode()


def _grades(regulation: Regulation, rule: Rule) -> Iterable[Fault]:
    if not regulation.grades:
        exempt = regulation.exemption is not None and regulation.exemption.value
        for grade in rule.grades:
            if Fraction(grade.factor) == 0 and not grade.whole and not exempt:
                yield Fault(code="exemption-not-foreseen", cite=(), where=_said(grade.grade), found=grade.factor)
        return
    if rule.grade is None:
        cite = regulation.grades[0].cite
        yield Fault(code="grades-not-used", cite=cite, expected=[grade.grade for grade in regulation.grades])
        return
    told = {grade.grade: grade for grade in rule.grades if isinstance(grade.grade, str)}
    for limit in regulation.grades:
        where, ours = limit.grade, told.get(limit.grade)
        if ours is None:
            yield Fault(code="grade-missing", cite=limit.cite, where=where)
        elif limit.full != ours.whole:
            yield Fault(code="coverage-differs", cite=limit.cite, where=where, expected=limit.full, found=ours.whole)
        elif limit.factor is not None and not _factor_fits(limit.kind, Fraction(limit.factor), ours):
            expected = f"{limit.kind} {limit.factor}"
            yield Fault(code="grade-factor-differs", cite=limit.cite, where=where, expected=expected, found=ours.factor)


def _factor_fits(kind: str, limit: Fraction, grade: Grade) -> bool:
    factor = Fraction(grade.factor)
    if kind == "at-most":
        return factor <= limit and grade.rounding == "floor"
    return factor >= limit if kind == "at-least" else factor == limit


def _regions(regulation: Regulation, rule: Rule) -> Iterable[Fault]:
    """区域均衡: an undirected draw shares its quota over the regions in proportion, where the document asks for it."""
    wanted = regulation.regional_balance
    if wanted is not None and not rule.filter and rule.region is None:
        yield Fault(code="regions-not-balanced", cite=wanted.cite, where=",".join(rule.items), expected="region")
