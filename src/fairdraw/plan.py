"""Plans and quotas: specs/plan.md.

Everything is computed with exact rationals; a quota carries its derivation, so that a reader can redo it by hand.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from fairdraw import encoding
from fairdraw.errors import PlanError
from fairdraw.schema import Plan, Rounding
from fairdraw.snapshot import Roster, RosterRow
from fairdraw.statement import Entry

Scalar = str | int | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """A group of objects drawn together (specs/plan.md §3).

    Attributes:
        values: the attribute values that the group shares, in the plan's order.
        base: rows with these values, before exemptions (`requirements`: otherwise the floor could be gamed).
        eligible: numbers that may be drawn.
        quota: how many are drawn.
        derivation: the sum in one line, e.g. `ceil(37*3/100)=2`.
    """

    values: tuple[Scalar, ...]
    base: int
    eligible: tuple[str, ...]
    quota: int
    derivation: str

    @property
    def sort_key(self) -> bytes:
        """Return the bytes by which strata are ordered: the canonical array of their values."""
        return encoding.canonical(list(self.values))


def round_quota(ratio: Fraction, base: int, rounding: Rounding) -> int:
    """Return the quota of a base (specs/plan.md §2): 不低于 is ceil, an exact ratio nearest, 不高于 floor.

    The nearest quota, ties up, is at least one where ratio and base are above zero.
    """
    exact = ratio * base
    if rounding == "ceil":
        return ceil(exact)
    if rounding == "floor":
        return floor(exact)
    return max(floor(exact + Fraction(1, 2)), 1 if exact > 0 else 0)


def _value(row: RosterRow, name: str) -> Scalar:
    value = row.attrs[name]
    if not isinstance(value, str | int | None):  # a bool is an int to Python
        raise PlanError("list-as-stratum", field=name)
    return value


def allocate(plan: Plan, objects: Roster, exclusions: Collection[str]) -> tuple[Stratum, ...]:
    """Return the strata of a plan over a roster, in order, each with its quota.

    Raises:
        PlanError: `unknown-attribute`, or `list-as-stratum`.
    """
    if objects.rows and (missing := [name for name in plan.strata if name not in objects.rows[0].attrs]):
        raise PlanError("unknown-attribute", expected=sorted(objects.rows[0].attrs), found=missing[0])
    groups: dict[tuple[Scalar, ...], list[str]] = {}
    for row in objects.rows:
        groups.setdefault(tuple(_value(row, name) for name in plan.strata), []).append(row.no)
    top, bottom = map(int, plan.ratio.split("/"))
    strata = []
    for values, numbers in groups.items():
        eligible = tuple(no for no in numbers if no not in exclusions)
        wanted = round_quota(Fraction(top, bottom), len(numbers), plan.rounding)
        quota = min(wanted, len(eligible))
        derivation = f"{plan.rounding}({len(numbers)}*{plan.ratio})={wanted}"
        if quota < wanted:
            derivation += f";eligible={quota}"
        strata.append(Stratum(values=values, base=len(numbers), eligible=eligible, quota=quota, derivation=derivation))
    return tuple(sorted(strata, key=lambda stratum: stratum.sort_key))


def is_singled_out(plan: Plan, stratum: Stratum) -> bool:
    """Say whether a stratum is drawn at more than twice the plan's ratio, or wholly (finding `singled-out`).

    An enemy alone in a stratum with "at least 1" is drawn for certain (attack 14).
    """
    ratio = Fraction(*map(int, plan.ratio.split("/")))
    wholly = stratum.quota == stratum.base and ratio < 1
    return stratum.quota > 0 and (wholly or Fraction(stratum.quota, stratum.base) > 2 * ratio)


def version_meant(versions: Sequence[Entry], slots: Iterable[str]) -> Entry | None:
    """Return the plan entry that counts for some slots, of one plan's versions in log order.

    It is the last one that changed the rules, or the one that added the last of the slots, whichever is later; None
    where the slots are not all in one plan.
    """
    wanted = set(slots)
    meant: Entry | None = None
    before: Plan | None = None
    for entry in versions:
        plan = entry.of(Plan)
        has = wanted <= set(plan.slots)
        had = before is not None and wanted <= set(before.slots)
        if has and (not had or before is None or before.rules() != plan.rules()):
            meant = entry
        if not has:
            meant = None
        before = plan
    return meant
