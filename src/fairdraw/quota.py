"""How many objects of each stratum are drawn: specs/plan.md §2 to §5.

Everything is computed with exact rationals; a quota carries its derivation, so that a reader can redo it by hand.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from math import ceil, floor

from fairdraw import encoding
from fairdraw.errors import PlanError
from fairdraw.exclusion import DRAWN_BEFORE, Exclusion
from fairdraw.filter import holds, parse
from fairdraw.roster import Attributes, Part, Roster, RosterRow
from fairdraw.rules import Grade, RatioOf, Rule
from fairdraw.schema import Plan, item_of
from fairdraw.values import Rounding, Scalar

Values = tuple[Scalar, ...]
Struck = tuple[Exclusion, int]  # and the index of its row


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """A group of objects drawn together for one item (specs/plan.md §3).

    Attributes:
        item: the item of the list that they are drawn for.
        values: the attribute values that the group shares, in the order of `Rule.fields`.
        total: rows with these values, before the filter.
        base: those that pass the filter, before exemptions (otherwise the floor could be gamed).
        eligible: the numbers of the rows that may be drawn.
        quota: how many are drawn.
        wanted: how many would be, were enough eligible.
        ratio: the ratio of its group.
        whole: whether all are to be drawn (全覆盖).
        derivation: the sum in one line, e.g. `ceil(37*3/100)=2`.
    """

    item: str
    values: Values
    total: int
    base: int
    eligible: Part
    quota: int
    wanted: int
    ratio: Fraction
    whole: bool
    derivation: str

    @property
    def sort_key(self) -> tuple[str, bytes]:
        """Return what strata are ordered by: the item, then the bytes of the canonical array of their values."""
        return self.item, _bytes(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """A legal floor: of `population` rows whose values begin with `of` at least `needed` are drawn, with instalments.

    `planned` is how many the plan's own rules give, `reached` how many with those that were topped up.
    """

    item: str
    of: Values
    population: int
    needed: int
    planned: int
    reached: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """The strata of an announcement, in order, and the legal floors that they were held to."""

    strata: tuple[Stratum, ...]
    floors: tuple[Floor, ...]


def round_quota(exact: Fraction, rounding: Rounding) -> int:
    """Return the whole number of a quota (specs/plan.md §2): 不低于 is ceil, an exact ratio nearest, 不高于 floor.

    The nearest quota, ties up, is at least one where the exact one is above zero.
    """
    if rounding == "ceil":
        return ceil(exact)
    if rounding == "floor":
        return floor(exact)
    return max(floor(exact + Fraction(1, 2)), 1 if exact > 0 else 0)


def largest_remainder(number: int, weights: Mapping[Values, int]) -> dict[Values, int]:
    """Return a number shared over values in proportion to their weights (specs/plan.md §4).

    Ties of the remainder fall to the values whose canonical bytes come first.
    """
    whole = sum(weights.values())
    if not whole:
        return dict.fromkeys(weights, 0)
    exact = {key: Fraction(number * weight, whole) for key, weight in weights.items()}
    shares = {key: floor(value) for key, value in exact.items()}
    order = sorted(weights, key=lambda key: (shares[key] - exact[key], _bytes(key)))
    for key in order[: number - sum(shares.values())]:
        shares[key] += 1
    return shares


def _bytes(values: Values) -> bytes:
    return encoding.canonical(list(values))


def _value(attrs: Attributes, name: str) -> Scalar:
    if name not in attrs:
        raise PlanError("unknown-attribute", expected=sorted(attrs), found=name)
    value = attrs[name]
    if not isinstance(value, str | int | None):  # a bool is an int to Python
        raise PlanError("list-as-stratum", field=name)
    return value


@dataclass(slots=True)
class _Cell:
    """A stratum that is being filled; `codes` are the groups of its rows that the filter lets through."""

    values: Values
    of: RatioOf = field(init=False)
    total: int = 0
    base: int = 0
    before: int = 0
    codes: list[int] = field(default_factory=list)
    eligible: Part = field(init=False)
    wanted: int = 0
    quota: int = 0
    whole: bool = False
    told: str = ""


def allocate(plan: Plan, slots: Iterable[str], objects: Roster, exclusions: Collection[Exclusion]) -> Allocation:
    """Return the strata of some slots over a roster, each with its quota.

    Raises:
        PlanError: `slot-not-in-plan`, `unknown-attribute`, `list-as-stratum`, `stratum-without-ratio`,
            `grade-without-rule`.
        FilterError: the filter does not fit the roster.
    """
    named = sorted(slots)
    struck = [(one, row) for one in exclusions if (row := objects.find(one.no)) is not None]
    strata: list[Stratum] = []
    floors: list[Floor] = []
    for item in sorted({item_of(slot) for slot in named}):
        batches = [plan.batch_of(slot) for slot in named if item_of(slot) == item]
        shares = [Fraction(batch.share) for batch in batches if batch is not None and batch.share is not None]
        cells, held = _allocate(_Item(item, plan.rule_of(item), max(shares, default=None)), objects, struck)
        strata += cells
        floors += held
    return Allocation(strata=tuple(sorted(strata, key=lambda s: s.sort_key)), floors=tuple(floors))


@dataclass(frozen=True, slots=True)
class _Item:
    """An item's rule, and the share of the year's quota up to and with this instalment."""

    item: str
    rule: Rule
    share: Fraction | None

    @property
    def factors(self) -> list[str]:
        """Return the share as a factor of a derivation, if there is one."""
        return [] if self.share is None else [f"{self.share.numerator}/{self.share.denominator}"]


def _allocate(what: _Item, objects: Roster, struck: Sequence[Struck]) -> tuple[list[Stratum], list[Floor]]:
    cells, populations = _cells(what, objects, struck)
    strata, floors = [], []
    for of in what.rule.ratios:
        group = [cell for cell in cells if cell.of is of]
        levels: dict[bytes, list[_Cell]] = {}
        depth = len(what.rule.strata) + (what.rule.grade is not None)
        for cell in group:
            levels.setdefault(_bytes(cell.values[:depth]), []).append(cell)
        for level in levels.values():
            _plan_level(what, level)
        if of.floor is not None and (population := populations[_bytes(of.of)]):
            floors.append(_hold_floor(what, of, group, population))
        strata += [_stratum(what, cell) for cell in group]
    return strata, floors


def _ratio_of(rule: Rule, values: Values) -> RatioOf | None:
    """Return the ratio whose values are the longest beginning of a stratum's, None where no ratio's are."""
    fitting = [one for one in rule.ratios if _bytes(one.of) == _bytes(values[: len(one.of)])]
    return max(fitting, key=lambda one: len(one.of), default=None)


def _cells(what: _Item, objects: Roster, struck: Sequence[Struck]) -> tuple[list[_Cell], Counter[bytes]]:
    """Return the cells of which the filter leaves something, and how many rows each ratio speaks of, filter or not."""
    rule, known = what.rule, parse(what.rule.filter)
    out: defaultdict[int, set[int]] = defaultdict(set)  # by group, for strata may be as many as those who are out
    before: defaultdict[int, set[int]] = defaultdict(set)
    for one, row in struck:
        if one.item in (None, what.item):
            out[objects.codes[row]].add(row)
        if one.item == what.item and one.reason == DRAWN_BEFORE:
            before[objects.codes[row]].add(row)
    cells: dict[bytes, _Cell] = {}
    for code, attrs in enumerate(objects.groups):  # all that follows from attributes is looked at once a group
        values = tuple(_value(attrs, name) for name in rule.fields)
        cell = cells.setdefault(_bytes(values), _Cell(values))
        cell.total += objects.counts[code]
        if holds(known, attrs):
            cell.base += objects.counts[code]
            cell.codes.append(code)
    for cell in cells.values():
        cell.eligible = Part(objects, cell.codes, chain.from_iterable(out[code] for code in cell.codes))
        cell.before = sum(len(before[code]) for code in cell.codes)
    populations: Counter[bytes] = Counter()
    for cell in cells.values():
        of = _ratio_of(rule, cell.values)
        if of is not None:
            # Also where the filter leaves nothing: a floor is of all rows of its values.
            cell.of = of
            populations[_bytes(of.of)] += cell.total
        elif cell.base:
            raise PlanError("stratum-without-ratio", items=list(rule.items), found=list(cell.values))
    return [cell for cell in cells.values() if cell.base], populations


def _plan_level(what: _Item, level: list[_Cell]) -> None:
    """Give the cells of one level, which differ in their region alone, their quotas: it is rounded once."""
    rule, of, base = what.rule, level[0].of, sum(cell.base for cell in level)
    grade = _grade_of(rule, level[0].values)
    factors, rounding = [of.ratio], of.rounding
    if grade is not None:
        factors.append(grade.factor)
        rounding = grade.rounding
    factors += what.factors
    if grade is not None and grade.whole:
        number, told = base, f"all({base})"
    else:
        exact = Fraction(base)
        for factor in factors:
            exact *= Fraction(factor)
        number = min(round_quota(exact, rounding), base)  # 120 % of a ratio never exceeds all
        told = f"{rounding}({'*'.join([str(base), *factors])})={number}"
    shares = {cell.values: cell.base for cell in level}
    shared = largest_remainder(number, shares)
    for cell in level:
        cell.wanted, cell.told, cell.whole = shared[cell.values], told, grade is not None and grade.whole
        if rule.region is not None:
            least = rule.each_region and cell.wanted == 0 and number > 0
            cell.wanted = 1 if least else cell.wanted
            cell.told += f";{'least' if least else 'region'}={cell.wanted}"
        if cell.before:
            cell.wanted = max(cell.wanted - cell.before, 0)
            cell.told += f";before={cell.before}"
        cell.quota = min(cell.wanted, len(cell.eligible))


def _grade_of(rule: Rule, values: Values) -> Grade | None:
    if rule.grade is None:
        return None
    value = values[len(rule.strata)]
    for grade in rule.grades:
        if _bytes((grade.grade,)) == _bytes((value,)):
            return grade
    raise PlanError("grade-without-rule", expected=[grade.grade for grade in rule.grades], found=value)


def _hold_floor(what: _Item, of: RatioOf, group: list[_Cell], population: int) -> Floor:
    """Top up the cells of a ratio to its legal floor, by the same tickets, as far as there is anybody (§5).

    The floor is of all rows, whether or not a filter or an exemption lets them be drawn: else whoever is exempted would
    lower the number of the others (attack: an exemption used to lower the base).
    """
    share = Fraction(1) if what.share is None else what.share
    needed = ceil(Fraction(str(of.floor)) * population * share)
    planned = sum(cell.quota + cell.before for cell in group)
    rule = what.rule
    able = [cell for cell in group if rule.grade is None or _is_in(cell.values[len(rule.strata)], rule.top_up)]
    left = {cell.values: len(cell.eligible) - cell.quota for cell in able}
    missing = min(max(needed - planned, 0), sum(left.values()))
    shared = largest_remainder(missing, left)
    for cell in able:
        if extra := shared[cell.values]:
            cell.quota += extra
            cell.wanted += extra
            factors = "*".join([str(population), str(of.floor), *what.factors])
            cell.told += f";floor=ceil({factors})={needed}>{planned};top-up={extra}"
    return Floor(
        item=what.item, of=of.of, population=population, needed=needed, planned=planned, reached=planned + missing
    )


def _is_in(value: Scalar, values: Sequence[Scalar]) -> bool:
    return any(_bytes((value,)) == _bytes((one,)) for one in values)


def _stratum(what: _Item, cell: _Cell) -> Stratum:
    short = f";eligible={cell.quota}" if cell.quota < cell.wanted else ""
    return Stratum(
        item=what.item,
        values=cell.values,
        total=cell.total,
        base=cell.base,
        eligible=cell.eligible,
        quota=cell.quota,
        wanted=cell.wanted,
        ratio=Fraction(cell.of.ratio),
        whole=cell.whole,
        derivation=cell.told + short,
    )


def strata_of(plan: Plan, slots: Iterable[str], row: RosterRow) -> tuple[tuple[str, Values], ...]:
    """Return the strata that a row belongs to, by item: one for each whose filter lets it through.

    Raises:
        PlanError: as `allocate`.
    """
    told = []
    for item in sorted({item_of(slot) for slot in slots}):
        rule = plan.rule_of(item)
        if holds(parse(rule.filter), row.attrs):
            told.append((item, tuple(_value(row.attrs, name) for name in rule.fields)))
    return tuple(told)


def is_singled_out(stratum: Stratum) -> bool:
    """Say whether a stratum is drawn at more than twice the plan's ratio, or wholly (finding `singled-out`).

    An enemy alone in a stratum with "at least 1" is drawn for certain (attack 14). 全覆盖 draws everybody on purpose.
    """
    if stratum.whole or not stratum.quota:
        return False
    wholly = stratum.quota == stratum.base and stratum.ratio < 1
    return wholly or Fraction(stratum.quota, stratum.base) > 2 * stratum.ratio
