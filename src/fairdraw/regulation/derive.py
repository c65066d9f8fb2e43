"""A regulation that derives from another, and where it is stricter or laxer. specs/regulation.md §6.

Stricter means that the bureau is bound more. A change that is not shown to be stricter counts as laxer, and needs a
reason: else a county could write its own rules under a province's name.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Literal

from fairdraw.errors import RegulationError
from fairdraw.regulation.provisions import (
    Chosen,
    Cited,
    Deferring,
    GradeFactor,
    Ground,
    Item,
    Joint,
    Keeping,
    Lenient,
    Noncooperation,
    Provision,
    Publishing,
    RatioLimit,
    Substitutes,
    Supervisors,
    Weighting,
)
from fairdraw.regulation.reading import READINGS
from fairdraw.regulation.schema import Regulation

Bound = Callable[[Any, Any], bool]
"""Whether the second of two values, each None where nothing is said, binds the bureau at least as much as the first."""

OWN: Final = ("v", "id", "extends", "dropped", "document", "validity", "platform", "drawing_unit")
"""What a regulation never takes over from its parent, and what is never compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Where a regulation departs from its parent: `rule` is a field or `field.key`; `reason` is of a laxer one."""

    rule: str
    direction: Literal["stricter", "laxer"]
    expected: object
    found: object
    reason: str | None


def _duty(parent: bool | None, child: bool | None) -> bool:  # noqa: FBT001 - both are values that are compared
    return bool(child) >= bool(parent)


def _permission(parent: bool | None, child: bool | None) -> bool:  # noqa: FBT001 - both are values that are compared
    return bool(child) <= bool(parent)


def _at_least(parent: int | None, child: int | None) -> bool:
    return (child or 0) >= (parent or 0)


def _at_most(parent: int | None, child: int | None) -> bool:
    return parent is None or (child is not None and child <= parent)


def _earlier(parent: str | None, child: str | None) -> bool:
    return parent is None or (child is not None and child <= parent)


def _as_it_is(parent: object, child: object) -> bool:
    return parent is None or parent == child


def _all_of(parent: tuple[str, ...] | None, child: tuple[str, ...] | None) -> bool:
    return set(child or ()) >= set(parent or ())


def _none_but(parent: tuple[str, ...] | None, child: tuple[str, ...] | None) -> bool:
    return set(child or ()) <= set(parent or ())


def _qualified(parent: str | None, child: str | None) -> bool:
    order = (None, "not-required", "principle", "required")
    return max(order.index(child), 1) >= order.index(parent)


def _joint(parent: Joint | None, child: Joint | None) -> bool:
    return parent is None or (child is not None and _at_least(parent.each, child.each))


def _watched(parent: Supervisors | None, child: Supervisors | None) -> bool:
    if parent is None or child is None:
        return parent is None
    return child.minimum >= parent.minimum and _all_of(parent.roles, child.roles)


def _substituted(parent: Substitutes | None, child: Substitutes | None) -> bool:
    if parent is None or child is None:
        return parent is None
    return _as_it_is(parent.from_, child.from_) and _duty(parent.fresh, child.fresh)


def _deferred(parent: Deferring | None, child: Deferring | None) -> bool:
    return child is None or (parent is not None and _duty(parent.written, child.written))


def _refused(parent: Noncooperation | None, child: Noncooperation | None) -> bool:
    if parent is None or child is None:
        return parent is None
    return child.times <= parent.times and (child.per == "year" or parent.per == "task")


def _published(parent: Publishing | None, child: Publishing | None) -> bool:
    if parent is None or child is None:
        return parent is None
    return child.unit == parent.unit and _at_most(parent.days, child.days)


def _kept(parent: Keeping | None, child: Keeping | None) -> bool:
    if parent is None or child is None:
        return parent is None
    return _at_least(parent.years, child.years) and _duty(parent.unaltered, child.unaltered)


RULES: Final[Mapping[str, Bound]] = {
    "list_only": _duty,
    "one_visit": _duty,
    "items_adjustable": _duty,
    "qualification": _qualified,
    "experts": _permission,
    "registries_adjustable": _duty,
    "registry_levels": _all_of,
    "plan_deadline": _earlier,
    "plan_adjustable": _permission,
    "plan_filing": _as_it_is,
    "special_plan": _permission,
    "scheme": _duty,
    "yearly_cap": _at_most,
    "exemption": _permission,
    "directed": _none_but,
    "regional_balance": _as_it_is,
    "order": _as_it_is,
    "team": _at_least,
    "joint": _joint,
    "eligibility": _all_of,
    "special_team": _permission,
    "separation": _duty,
    "dispatch": _duty,
    "masking": _duty,
    "printed": _duty,
    "disclosure": _as_it_is,
    "supervisors": _watched,
    "substitution": _substituted,
    "deferral": _deferred,
    "form_refusal": _as_it_is,
    "noncooperation": _refused,
    "revisit": _duty,
    "publication": _published,
    "retention": _kept,
    "credit": _as_it_is,
}
"""How each single value is compared (specs/regulation.md §6.2)."""

PERMITTING: Final = frozenset({
    "adjustment_reasons", "deferral_reasons", "exceptions", "expert_kinds", "inspectors", "leniency", "methods",
    "publication_exceptions", "reuse", "substitution_reasons", "void_reasons",
})  # fmt: skip
"""The lists whose entries give the bureau freedom: one more is laxer, one less stricter; in others the reverse."""


def _ratio(parent: RatioLimit | Item, child: RatioLimit | Item) -> bool:
    """Compare two ratios: a floor may rise and a ceiling fall; another kind, or another exact ratio, is laxer."""
    kinds = [one.kind if isinstance(one, RatioLimit) else one.ratio_kind for one in (parent, child)]
    if parent.ratio is None or child.ratio is None or kinds[0] != kinds[1]:
        return parent.ratio is None
    old, new = Fraction(parent.ratio), Fraction(child.ratio)
    return {"floor": new >= old, "ceiling": new <= old}.get(str(kinds[0]), new == old)


def _item(parent: Item, child: Item) -> bool:
    return (
        _all_of(parent.types, child.types)
        and _none_but(parent.methods, child.methods)
        and _all_of(parent.basis, child.basis)
        and child.category == parent.category  # the limits of a category may be lower, or none
        and (parent.bodies, parent.levels, parent.content) == (child.bodies, child.levels, child.content)
        and _ratio(parent, child)
        and _as_it_is(parent.frequency, child.frequency)
    )


def _grade(parent: GradeFactor, child: GradeFactor) -> bool:
    if parent.factor is None or child.factor is None or parent.kind != child.kind:
        return (parent.full, parent.kind) == (child.full, child.kind)
    old, new = Fraction(parent.factor), Fraction(child.factor)
    return {"at-most": new <= old, "at-least": new >= old}.get(parent.kind, new == old)


def _lenient(parent: Lenient, child: Lenient) -> bool:
    return all(any(_ground(one, other) for one in parent.grounds) for other in child.grounds)


def _ground(parent: Ground, child: Ground) -> bool:
    same = parent.code == child.code
    return parent == child or (same and child.code == "amount-below" and _at_most(parent.value, child.value))


WORDS: Final = frozenset({"cite", "en", "laxer", "name", "name_en", "content_en", "objects", "principle", "zh"})
"""The parts of an entry that say nothing else when they are said in other words."""


def _entry(parent: Cited, child: Cited) -> bool:
    """Compare two entries of one key."""
    match parent, child:
        case RatioLimit(), RatioLimit():
            return _ratio(parent, child)
        case Item(), Item():
            return _item(parent, child)
        case GradeFactor(), GradeFactor():
            return _grade(parent, child)
        case Lenient(), Lenient():
            return _lenient(parent, child)
    return meaning(parent) == meaning(child)


def meaning(entry: Cited) -> dict[str, object]:
    """Return what an entry or provision says, without its words, its article and its reason."""
    return entry.model_dump(by_alias=True, exclude=set(WORDS))


def departures(parent: Regulation, child: Regulation) -> tuple[Departure, ...]:
    """Return every rule in which a regulation says another thing than its parent, in the order of the fields."""
    return tuple(_departures(parent, child))


def _departures(parent: Regulation, child: Regulation) -> Iterator[Departure]:
    reasons = {one.rule: one.laxer for one in child.dropped}
    ours, theirs = dict(child.provisions()), dict(parent.provisions())
    for field, bound in RULES.items():
        old, new = theirs.get(field), ours.get(field)
        compare = _of_values(bound)
        if not (_binds(compare, old, new) and _binds(compare, new, old)):
            yield _departure(field, old, new, compare, reasons)
    entries, before = dict(child.lists()), dict(parent.lists())
    for field, listed in entries.items():
        olds, news = ({one.key: one for one in each} for each in (before[field], listed))
        for key in dict.fromkeys((*olds, *news)):
            one, other = olds.get(key), news.get(key)
            if one is None or other is None or _said(one) != _said(other):
                yield _departure(f"{field}.{key}", one, other, _of_entries(field, parent), reasons)


def _of_values(bound: Bound) -> Bound:
    def compare(old: Provision[object] | None, new: Provision[object] | None) -> bool:
        return bound(old and old.value, new and new.value)

    return compare


def _of_entries(field: str, parent: Regulation) -> Bound:
    def compare(old: Cited | None, new: Cited | None) -> bool:
        if new is None:
            return old is None or field in PERMITTING
        if old is None:
            return field not in PERMITTING and _adds(parent, new)
        return _entry(old, new) and not (isinstance(new, Item) and _undercuts(parent, new))

    return compare


def _adds(parent: Regulation, new: Cited) -> bool:
    """Say whether a further entry of a restricting list restricts."""
    match new:
        case GradeFactor():
            # Else a county could think up a grade of whom hardly anybody is drawn.
            return new.full or (new.kind != "at-most" and Fraction(new.factor or "0/1") >= 1)
        case Weighting():
            return new.towards == "more"
        case Chosen():
            return new.value == READINGS[new.code][0]
    return not _undercuts(parent, new)


def _undercuts(parent: Regulation, new: Cited) -> bool:
    """Say whether a more special ratio takes the place of a stricter, more general one of the parent."""
    match new:
        case RatioLimit():
            limits = [new]
        case Item(ratio=str() as ratio, ratio_kind=kind) if kind is not None:
            limits = [
                RatioLimit(
                    type=one, item=new.id, category=new.category, ratio=ratio, kind=kind, period="draw", cite=new.cite
                )
                for one in new.types or (None,)
            ]
        case _:
            return False
    return any(
        _meets(one, limit) and one.precision < limit.precision and not _ratio(one, limit)
        for limit in limits
        for one in parent.ratios
    )


def _meets(general: RatioLimit, special: RatioLimit) -> bool:
    """Say whether two limits can be of the same object, item and time."""
    pairs = ((general.type, special.type), (general.item, special.item), (general.category, special.category))
    return general.period == special.period and all(None in pair or pair[0] == pair[1] for pair in pairs)


def _binds(bound: Bound, old: Cited | None, new: Cited | None) -> bool:
    """Say whether the second of two rules binds at least as much as the first; 原则上 binds less.

    Where silence would say as much as the old rule, and less than the new one, nothing is softened.
    """
    empty = bound(old, None) and not bound(new, None)
    softer = new is not None and new.principle and not (old is not None and old.principle) and not empty
    return bound(old, new) and not softer


def _departure(
    rule: str, old: Cited | None, new: Cited | None, bound: Bound, reasons: Mapping[str, str | None]
) -> Departure:
    stricter = _binds(bound, old, new)
    return Departure(
        rule=rule,
        direction="stricter" if stricter else "laxer",
        expected=_told(old, new),
        found=_told(new, old),
        reason=None if stricter else new.laxer if new is not None else reasons.get(rule),
    )


def _said(entry: Cited) -> tuple[dict[str, object], bool]:
    return meaning(entry), entry.principle


def _told(entry: Cited | None, other: Cited | None) -> object:
    """Return what an error or a page shows of a value or an entry: of two, the parts in which they differ."""
    if entry is None:
        return None
    whole = {**meaning(entry), "principle": entry.principle}
    if other is not None:
        beside = {**meaning(other), "principle": other.principle}
        told = {name: part for name, part in whole.items() if part != beside[name]}
    elif isinstance(entry, Provision):
        return whole["value"]
    else:
        told = {name: part for name, part in whole.items() if part not in (None, (), False)}
    return told["value"] if tuple(told) == ("value",) else told


def check_derived(parent: Regulation, child: Regulation, *, file: str, digest: str) -> tuple[Departure, ...]:
    """Check that a regulation derives from a parent with this digest, and return where it departs from it.

    Raises:
        RegulationError: `regulation-parent-differs`, `regulation-dropped-nothing`, `regulation-lost`, or
            `laxer-without-reason`.
    """
    named = f"{child.extends.id} {child.extends.digest}" if child.extends is not None else None
    if named != f"{parent.id} {digest}":
        raise RegulationError("regulation-parent-differs", file=file, expected=f"{parent.id} {digest}", found=named)
    ours = {where for where, _ in child.cited()}
    gone = {where for where, _ in parent.cited() if where not in ours and where not in OWN}
    dropped = {one.rule for one in child.dropped}
    if strange := sorted(dropped - gone):
        raise RegulationError("regulation-dropped-nothing", file=file, key="dropped", found=strange[0])
    if silent := sorted(gone - dropped):
        raise RegulationError("regulation-lost", file=file, key=silent[0])
    told = departures(parent, child)
    for one in told:
        if one.direction == "laxer" and one.reason is None:
            raise RegulationError(
                "laxer-without-reason", file=file, rule=one.rule, expected=one.expected, found=one.found
            )
    return told
