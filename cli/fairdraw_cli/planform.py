"""PLAN.toml: the rules of a plan as a bureau writes them. All keys are in docs/files.md."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from fairdraw.errors import FilterError, WorkspaceError
from fairdraw.filter import parse
from fairdraw.regulation import Item, Regulation
from fairdraw.values import Count, FieldName, Id, Name, Positive, Ratio, Reason, Rounding, Slot, Text
from fairdraw_cli.forms import Day, Form, Slots, as_tuple, fault, unique


class EligibleForm(Form):
    """A rule of `eligible`: `true` and `valid` ask one attribute of the inspector, the others compare two."""

    rule: Literal["same", "differ", "true", "valid", "at-least", "contains", "under"]
    object: FieldName | None = None
    inspector: FieldName

    @model_validator(mode="after")
    def _compares(self) -> Self:
        # A plan with such a rule could be logged, and then no draw of its slots would ever be possible.
        alone = self.rule in ("true", "valid")
        if alone and self.object is not None:
            raise fault("file-rule-with-object")
        if not alone and self.object is None:
            raise fault("file-rule-without-object")
        return self


Eligibles = Annotated[tuple[EligibleForm, ...], BeforeValidator(as_tuple)]


class SpecialityForm(Form):
    """`[[team.specialities]]`: at least `number` of the team have `value` in their list `field`."""

    field: FieldName
    value: str
    number: Positive = 1


class ExpertsForm(Form):
    """`[team.experts]`: experts on top of the team, told apart by a boolean attribute."""

    number: Annotated[int, Field(ge=1, le=20)] = 1
    expert: FieldName
    eligible: Eligibles = ()


class TeamForm(Form):
    """`[team]` of a plan; `quota` is a table of departments."""

    size: Annotated[int, Field(ge=2, le=50)] = 2
    department: FieldName | None = None
    quota: dict[str, Positive] = Field(default_factory=dict)
    eligible: Eligibles = ()
    specialities: Annotated[tuple[SpecialityForm, ...], BeforeValidator(as_tuple), Field(max_length=4)] = ()
    experts: ExpertsForm | None = None
    order: Literal["both", "objects-first"] = "both"
    pool: Positive | None = None
    cap: Positive | None = None
    limit: Annotated[int, Field(ge=1, le=10_000)] = 10_000
    beyond: Literal["raise-cap", "switch-chain", "void"] = "raise-cap"
    steps: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    @model_validator(mode="after")
    def _quota_adds_up(self) -> Self:
        if (self.department is None) != (not self.quota):
            raise fault("file-quota-alone")
        if self.quota and (total := sum(self.quota.values())) != self.size:
            raise fault("file-quota-sum", expected=self.size, total=total)
        if (self.beyond == "switch-chain") != (self.steps is not None) or (self.steps and self.cap is None):
            raise fault("file-switch-chain")
        if self.pool is not None and (self.pool < self.size or self.order != "both"):
            raise fault("file-pool", expected=self.size, pool=self.pool)
        return self


Values = Annotated[tuple[str | int | bool, ...], BeforeValidator(as_tuple)]
Fields = Annotated[tuple[FieldName, ...], BeforeValidator(as_tuple), AfterValidator(unique)]


class RatioForm(Form):
    """`[[rule.ratios]]`: the ratio of the strata whose values begin with `of`, and the regulation's floor."""

    of: Values = ()
    ratio: Ratio
    rounding: Rounding = "ceil"
    floor: Ratio | None = None


class GradeForm(Form):
    """`[[rule.grades]]`: what a credit grade does to the ratio; without `grade` it is for those without one."""

    grade: str | int | bool | None = None
    factor: Ratio = "1/1"
    rounding: Rounding = "nearest"
    whole: bool = False


def _filter(value: str) -> str:
    """A filter that nobody can read would make every draw under the plan fail, and the plan is logged first."""
    try:
        parse(value)
    except FilterError as error:
        if error.code == "filter-not-canonical":
            raise fault("file-filter-spelling", expected=error.params["expected"]) from None
        raise fault("file-filter", position=error.params["position"]) from None
    return value


class RuleForm(Form):
    """`[[rule]]` of a plan: how the objects of some items are drawn."""

    items: Annotated[tuple[Id, ...], BeforeValidator(as_tuple), Field(min_length=1), AfterValidator(unique)]
    filter: Annotated[Text, AfterValidator(_filter)] = ""
    strata: Fields = ()
    ratios: Annotated[tuple[RatioForm, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    grade: FieldName | None = None
    grades: Annotated[tuple[GradeForm, ...], BeforeValidator(as_tuple)] = ()
    top_up: Values = ()
    region: FieldName | None = None
    each_region: bool = False


class BatchForm(Form):
    """`[[schedule]]`: when a slot is inspected, and the share of the year's quota up to and with it."""

    slot: Slot
    first: Day
    last: Day
    share: Ratio | None = None


class JointForm(Form):
    """`[[joint]]`: another department of joint draws, and the registry of its inspectors."""

    name: Name
    inspectors: Id


class PlanForm(Form):
    """PLAN.toml; `strata`, `ratio` and `rounding` are short for one `[[rule]]` of all items."""

    TABLES: ClassVar[Mapping[str, type[BaseModel]]] = {
        "team": TeamForm,
        "eligible": EligibleForm,
        "specialities": SpecialityForm,
        "experts": ExpertsForm,
        "rule": RuleForm,
        "ratios": RatioForm,
        "grades": GradeForm,
        "schedule": BatchForm,
        "joint": JointForm,
    }

    id: Id
    kind: Literal["yearly", "special"] = "yearly"
    year: Annotated[int, Field(ge=2000, le=9999)] | None = None
    regulation: str | None = None
    slots: Slots
    schedule: Annotated[tuple[BatchForm, ...], BeforeValidator(as_tuple)] = ()
    objects: Id
    inspectors: Id
    joint: Annotated[tuple[JointForm, ...], BeforeValidator(as_tuple)] = ()
    strata: Fields | None = None
    ratio: Ratio | None = None
    rounding: Rounding = "ceil"
    rule: Annotated[tuple[RuleForm, ...], BeforeValidator(as_tuple)] = ()
    yearly_cap: Positive | None = None
    team: TeamForm = TeamForm()
    audit: Count = 2
    substitutions: Count = 2
    voids: Annotated[tuple[Reason, ...], BeforeValidator(as_tuple), AfterValidator(unique)] = ()
    reason: Reason | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if strange := [slot for slot in self.slots if slot.split("/")[0] != self.id]:
            raise fault("file-slot-of-another", expected=self.id, slot=strange[0])
        if self.objects == self.inspectors:
            raise fault("file-one-registry", registry=self.objects)
        if (self.ratio is None) == (not self.rule) or (self.rule and self.strata is not None):
            raise fault("file-ratio-or-rule")
        for ratio in (self.ratio, *(one.ratio for rule in self.rule for one in rule.ratios)):
            if ratio is not None and Fraction(ratio) > 1:
                raise fault("file-ratio-above-one", ratio=ratio)
        ruled = [item for rule in self.rules() for item in rule["items"]]
        slotted = {slot.split("/")[1] for slot in self.slots}
        if wrong := sorted({item for item in ruled if ruled.count(item) > 1} | (set(ruled) ^ slotted)):
            raise fault("file-item-without-rule", item=wrong[0])
        if strange := [batch.slot for batch in self.schedule if batch.slot not in self.slots]:
            raise fault("file-slot-unplanned", slot=strange[0])
        return self

    def rules(self) -> list[dict[str, Any]]:
        """Return the fields of the plan's rules, sorted as a statement has them."""
        if self.ratio is not None:
            whole = {"of": (), "ratio": self.ratio, "rounding": self.rounding, "floor": None}
            items = tuple(sorted({slot.split("/")[1] for slot in self.slots}))
            return [{"items": items, "filter": "", "strata": self.strata or (), "ratios": (whole,), "grade": None,
                     "grades": (), "top_up": (), "region": None, "each_region": False}]  # fmt: skip
        told = [rule.model_dump() | {"items": tuple(sorted(rule.items))} for rule in self.rule]
        return sorted(told, key=lambda rule: str(rule["items"][0]))


class ItemForm(Form):
    """`[[item]]` of ITEMS.toml: an item of the bureau's own, or its wording of a regulation's, with the basis."""

    id: Id
    name: str
    name_en: str
    content: str | None = None
    content_en: str | None = None
    objects: str | None = None
    types: Annotated[tuple[Id, ...], BeforeValidator(as_tuple), AfterValidator(unique)] = ()
    category: Literal["key", "general"] | None = None
    methods: Annotated[tuple[Reason, ...], BeforeValidator(as_tuple), AfterValidator(unique)] = ()
    bodies: Annotated[tuple[str, ...], BeforeValidator(as_tuple), AfterValidator(unique)] = ()
    basis: Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=1), AfterValidator(unique)]


class ItemsForm(Form):
    """ITEMS.toml: which of a regulation's items the bureau inspects, and its own (应纳尽纳, by default all)."""

    TABLES: ClassVar[Mapping[str, type[BaseModel]]] = {"item": ItemForm}

    regulation: str
    include: Annotated[tuple[Id, ...], BeforeValidator(as_tuple), AfterValidator(unique)] | None = None
    item: Annotated[tuple[ItemForm, ...], BeforeValidator(as_tuple)] = ()
    reason: Reason | None = None

    def chosen(self, regulation: Regulation, *, file: str) -> list[Item]:
        """Return the items of the list.

        Raises:
            WorkspaceError: `item-unknown`: not of the regulation; or `item-twice`.
        """
        known = {item.id: item for item in regulation.items}
        wanted = list(known) if self.include is None else list(self.include)
        if strange := [name for name in wanted if name not in known]:
            raise WorkspaceError("item-unknown", file=file, expected=sorted(known), found=strange[0])
        names = [item.id for item in self.item]
        if twice := [name for name in names if names.count(name) > 1]:
            raise WorkspaceError("item-twice", file=file, found=twice[0])
        own = [Item.model_validate({**item.model_dump(), "cite": item.basis}) for item in self.item]
        return [*(known[name] for name in wanted if name not in names), *own]
