"""The rules of a plan: who is drawn, how many, and who inspects whom. specs/plan.md, specs/assignment.md."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from fairdraw import encoding
from fairdraw.values import Date, FieldName, Id, Name, Positive, Ratio, Rounding, Scalar, Slot, Text, Value


class Eligible(Value):
    """One rule of who may inspect whom (specs/assignment.md §1); `object` and `inspector` name attributes."""

    rule: Literal["same", "differ", "true", "valid", "at-least", "contains", "under"]
    object: FieldName | None
    inspector: FieldName


class Experts(Value):
    """Experts (辅助检查人员) on top of a team, who never count towards its size (specs/assignment.md §4).

    `expert` is the boolean attribute that tells experts from inspectors; `eligible` are the rules for them.
    """

    number: Annotated[int, Field(ge=0, le=20)]
    expert: FieldName
    eligible: tuple[Eligible, ...]


class Speciality(Value):
    """At least `number` members of a team have `value` in their list attribute `field`."""

    field: FieldName
    value: str
    number: Positive


MAX_SPECIALISTS: Final = 12  # that all specialities together ask for: whether a team exists must be told quickly
MAX_STEPS: Final = 1_000_000  # of a switch chain; a verifier walks every one


class Team(Value):
    """The rules of matching (specs/assignment.md).

    `size` inspectors a team; with `department`, `quota` numbers of each of its values, which add up to `size`. `cap` is
    the most objects an inspector gets, or None; after every `limit` attempts of a block, `beyond` applies, a switch
    chain of `steps` among them. `pool` is how many inspectors are drawn before the matching, None for all; `order` is
    what the regulation says is drawn first, which the record shows and no result depends on.
    """

    size: Annotated[int, Field(ge=2, le=50)]
    department: FieldName | None
    quota: tuple[tuple[str, Positive], ...]
    eligible: tuple[Eligible, ...]
    specialities: Annotated[tuple[Speciality, ...], Field(max_length=4)]
    experts: Experts | None
    order: Literal["both", "objects-first"]
    pool: Positive | None
    cap: Positive | None
    limit: Annotated[int, Field(ge=1, le=10_000)]
    beyond: Literal["raise-cap", "switch-chain", "void"]
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] | None

    @model_validator(mode="after")
    def _quota_adds_up(self) -> Self:
        if (self.department is None) != (not self.quota):
            raise ValueError("quota and department go together")
        departments = [name for name, _ in self.quota]
        # A department said twice would draw the same inspectors twice.
        if self.quota and (sum(n for _, n in self.quota) != self.size or sorted(set(departments)) != departments):
            raise ValueError("quota must be sorted by department and add up to size")
        if (self.beyond == "switch-chain") != (self.steps is not None) or (self.steps is not None and not self.cap):
            raise ValueError("a switch chain, its steps and a cap go together")
        if self.pool is not None and (self.pool < self.size or self.order != "both"):
            raise ValueError("a pool is drawn beside the objects, and holds at least one team")
        wanted = [one.number for one in self.specialities]
        if max(wanted, default=0) > self.size or sum(wanted) > MAX_SPECIALISTS:
            raise ValueError("specialities must fit into a team, and ask for twelve members at most")
        if len({(one.field, one.value) for one in self.specialities}) < len(self.specialities):
            raise ValueError("a speciality must be said once")
        return self

    @property
    def object_fields(self) -> frozenset[str]:
        """Return the objects' attributes that the rules name."""
        rules = (*self.eligible, *(self.experts.eligible if self.experts is not None else ()))
        return frozenset(rule.object for rule in rules if rule.object is not None)

    @property
    def inspector_fields(self) -> frozenset[str]:
        """Return the inspectors' attributes that the rules name."""
        named = {rule.inspector for rule in self.eligible} | {one.field for one in self.specialities}
        if self.department is not None:
            named.add(self.department)
        if self.experts is not None:
            named |= {self.experts.expert} | {rule.inspector for rule in self.experts.eligible}
        return frozenset(named)


class RatioOf(Value):
    """The ratio of the strata whose values begin with `of` (specs/plan.md §2).

    `floor` is the least ratio that the regulation allows of all rows, before filter and credit, or None.
    """

    of: tuple[Scalar, ...]
    ratio: Ratio
    rounding: Rounding
    floor: Ratio | None


class Grade(Value):
    """What a credit grade (信用等级) does to the ratio: `factor` times it, or `whole`: everybody (全覆盖)."""

    grade: Scalar
    factor: Ratio
    rounding: Rounding
    whole: bool


class Rule(Value):
    """How the objects of some items are drawn (specs/plan.md §3).

    `filter` says who can be drawn at all (定向), "" for everybody (不定向). Objects are grouped by `strata`, then by
    the attribute `grade`; each group's quota is shared over the values of `region` (区域均衡), with at least one each
    if `each_region`. A group under its legal floor is topped up from the grades in `top_up`.
    """

    items: Annotated[tuple[Id, ...], Field(min_length=1)]
    filter: Text
    strata: tuple[FieldName, ...]
    ratios: Annotated[tuple[RatioOf, ...], Field(min_length=1)]
    grade: FieldName | None
    grades: tuple[Grade, ...]
    top_up: tuple[Scalar, ...]
    region: FieldName | None
    each_region: bool

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the attributes whose values name a stratum, in order: strata, grade, region."""
        return (*self.strata, *(name for name in (self.grade, self.region) if name is not None))

    @model_validator(mode="after")
    def _is_total(self) -> Self:
        if list(self.items) != sorted(set(self.items)) or len(set(self.fields)) != len(self.fields):
            raise ValueError("items must be sorted and unique, and no attribute named twice")
        if any(Fraction(one.ratio) > 1 or Fraction(one.floor or "0/1") > 1 for one in self.ratios):
            raise ValueError("ratio must be at most 1")
        if any(len(one.of) > len(self.strata) for one in self.ratios) or _repeats(one.of for one in self.ratios):
            raise ValueError("a ratio's values must be the beginning of a stratum's, and said once")
        if (self.grade is None) != (not self.grades) or _repeats((one.grade,) for one in self.grades):
            raise ValueError("grade and grades go together, and each grade is said once")
        if self.each_region and self.region is None:
            raise ValueError("each_region needs a region")
        return self


def _repeats(values: Iterable[tuple[Scalar, ...]]) -> bool:
    told = [encoding.canonical(list(value)) for value in values]  # 1 and true are two values, whatever Python says
    return len(set(told)) != len(told)


class Batch(Value):
    """When a slot is inspected, and how much of the year's quota is drawn up to and with it.

    `share` is cumulative, of the instalments of one item; None where the slot is a draw of its own.
    """

    slot: Slot
    first: Date
    last: Date
    share: Ratio | None


class Joint(Value):
    """Another department of a joint draw (联合抽查): its key name, and the registry of its inspectors."""

    name: Name
    inspectors: Id
