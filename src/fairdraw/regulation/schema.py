"""A regulation: every rule that a document states, each with its article. specs/regulation.md §2.

A field that is None, or a list that is empty, means that the document is silent. What a rule does to a draw is decided
where draws are planned, made and checked; here it is only said.
"""

from collections.abc import Iterator
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from fairdraw import encoding
from fairdraw.regulation.provisions import (
    Act,
    Chosen,
    Cited,
    Coded,
    Credit,
    Day,
    Deferring,
    DirectedKinds,
    Document,
    Dropped,
    Duty,
    Extends,
    GradeFactor,
    Item,
    Joint,
    Jurisdictions,
    Keeping,
    Lenient,
    Levels,
    Line,
    Named,
    Noncooperation,
    ObjectType,
    Provision,
    Publishing,
    RatioLimit,
    Refusal,
    Role,
    Substitutes,
    Supervisors,
    Validity,
    Weighting,
    fault,
    repeated,
)
from fairdraw.values import Date, Id, Positive, Value

VERSION: Final = 0


class Regulation(Value):
    """抽查制度: one document as data; all fields in specs/regulation.md §2."""

    v: Literal[0] = VERSION
    id: Id
    extends: Extends | None = None
    dropped: tuple[Dropped, ...] = ()
    document: Document
    validity: Provision[Validity] | None = None

    # What may be inspected
    list_only: Provision[bool] | None = None
    one_visit: Provision[bool] | None = None
    items: tuple[Item, ...] = ()
    item_fields: tuple[Named, ...] = ()
    items_adjustable: Provision[bool] | None = None
    methods: tuple[Coded, ...] = ()
    exceptions: tuple[Coded, ...] = ()

    # Registries
    object_types: tuple[ObjectType, ...] = ()
    object_fields: tuple[Named, ...] = ()
    inspector_fields: tuple[Named, ...] = ()
    inspectors: tuple[Named, ...] = ()
    qualification: Provision[Literal["required", "principle", "not-required"]] | None = None
    experts: Provision[bool] | None = None
    expert_kinds: tuple[Named, ...] = ()
    registries_adjustable: Provision[bool] | None = None
    registry_levels: Provision[Levels] | None = None

    # Plan
    plan_deadline: Provision[Day] | None = None
    plan_fields: tuple[Named, ...] = ()
    plan_adjustable: Provision[bool] | None = None
    adjustment_reasons: tuple[Coded, ...] = ()
    plan_filing: Provision[Role] | None = None
    special_plan: Provision[bool] | None = None
    scheme: Provision[bool] | None = None

    # How many
    ratios: tuple[RatioLimit, ...] = ()
    yearly_cap: Provision[Positive] | None = None
    controls: tuple[Coded, ...] = ()
    grades: tuple[GradeFactor, ...] = ()
    exemption: Provision[bool] | None = None
    weightings: tuple[Weighting, ...] = ()
    directed: Provision[DirectedKinds] | None = None
    regional_balance: Provision[Literal["proportional"]] | None = None

    # Who inspects
    order: Provision[Literal["both", "objects-first"]] | None = None
    team: Provision[Annotated[int, Field(ge=1, le=50)]] | None = None
    joint: Provision[Joint] | None = None
    departments: tuple[Named, ...] = ()
    eligibility: Provision[Jurisdictions] | None = None
    recusal_reasons: tuple[Coded, ...] = ()
    special_team: Provision[bool] | None = None

    # The draw
    platform: Provision[Line] | None = None
    drawing_unit: Provision[Line] | None = None
    separation: Provision[bool] | None = None
    dispatch: Provision[bool] | None = None
    masking: Provision[bool] | None = None
    printed: Provision[bool] | None = None
    disclosure: Provision[Literal["at-once", "until-visit"]] | None = None
    supervisors: Provision[Supervisors] | None = None
    sign_offs: tuple[Duty, ...] = ()
    void_reasons: tuple[Coded, ...] = ()

    # After the draw
    substitution: Provision[Substitutes] | None = None
    substitution_reasons: tuple[Coded, ...] = ()
    deferral: Provision[Deferring] | None = None
    deferral_reasons: tuple[Coded, ...] = ()
    visit: tuple[Coded, ...] = ()
    form_refusal: Provision[Refusal] | None = None
    noncooperation: Provision[Noncooperation] | None = None
    noncooperation_acts: tuple[Coded, ...] = ()
    trace: tuple[Coded, ...] = ()
    reuse: tuple[Coded, ...] = ()

    # Results
    results: tuple[Coded, ...] = ()
    disposals: tuple[Coded, ...] = ()
    transfers: tuple[Coded, ...] = ()
    revisit: Provision[bool] | None = None
    signers: tuple[Duty, ...] = ()
    publication: Provision[Publishing] | None = None
    public: tuple[Coded, ...] = ()
    publication_exceptions: tuple[Coded, ...] = ()
    retention: Provision[Keeping] | None = None
    liability: tuple[Coded, ...] = ()

    # Credit and leniency
    credit: Provision[Credit] | None = None
    leniency: tuple[Lenient, ...] = ()

    readings: tuple[Chosen, ...] = ()

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        _check_lists(self)
        _check_names(self)
        return self

    def ratio_for(
        self, kind: str | None, item: str | None, *, period: Literal["draw", "year"] = "draw"
    ) -> RatioLimit | None:
        """Return the limit of an object type and an item: the most special one that fits, None where there is none.

        An item's own ratio is its limit for a draw. specs/regulation.md §4.
        """
        own = self.item(item)
        if own is not None and own.ratio is not None and own.ratio_kind is not None and period == "draw":
            return RatioLimit(item=own.id, ratio=own.ratio, kind=own.ratio_kind, period="draw", cite=own.cite)
        category = own.category if own is not None else None
        wanted = ((kind, "type"), (item, "item"), (category, "category"))
        fitting = [
            limit
            for limit in self.ratios
            if limit.period == period and all(getattr(limit, name) in (None, value) for value, name in wanted)
        ]
        return max(fitting, key=lambda limit: limit.precision, default=None)

    def item(self, name: str | None) -> Item | None:
        """Return an item of the list by its id."""
        return next((item for item in self.items if item.id == name), None)

    def grade(self, name: str) -> GradeFactor | None:
        """Return what a credit grade does, None where the document does not know it."""
        return next((grade for grade in self.grades if grade.grade == name), None)

    def codes(self, field: str) -> tuple[str, ...]:
        """Return the codes of a list, such as `exceptions` or `results`, in its order."""
        return tuple(entry.code for entry in getattr(self, field))

    def sign_offs_of(self, act: Act) -> tuple[Role, ...]:
        """Return the roles that must sign off an act; `any` stands for any supervisor."""
        return tuple(duty.role for duty in self.sign_offs if duty.of == act)

    def reading(self, code: str) -> str | None:
        """Return how a rule is read, None where it does not occur in this document."""
        return next((one.value for one in self.readings if one.code == code), None)

    def valid_on(self, day: Date) -> bool | None:
        """Say whether the document is in force on a day, YYYY-MM-DD; None where it does not say."""
        if self.validity is None:
            return None
        day, span = encoding.check_date(day), self.validity.value
        return span.from_ <= day and (span.until is None or day <= span.until)

    def lists(self) -> Iterator[tuple[str, tuple[Cited, ...]]]:
        """Yield every list of cited entries, by field."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, tuple) and name != "dropped":
                yield name, value

    def provisions(self) -> Iterator[tuple[str, "Provision[object]"]]:
        """Yield every single value that the document sets, by field."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, Provision):
                yield name, value

    def cited(self) -> Iterator[tuple[str, Cited]]:
        """Yield everything that has an article, by `field` or `field.key`."""
        yield from self.provisions()
        for name, entries in self.lists():
            yield from ((f"{name}.{entry.key}", entry) for entry in entries)


def _check_lists(told: Regulation) -> None:
    """Check that no entry stands twice, and that only a derived regulation is laxer or drops anything."""
    for name, entries in told.lists():
        if (twice := repeated(tuple(entry.key for entry in entries))) is not None:
            raise fault("regulation-repeated", key=name, found=twice)
    if (twice := repeated(tuple(one.rule for one in told.dropped))) is not None:
        raise fault("regulation-repeated", key="dropped", found=twice)
    if told.extends is None:
        for where, entry in told.cited():
            if entry.laxer is not None:
                raise fault("regulation-laxer-than-nothing", key=where, found=entry.laxer)
        if told.dropped:
            raise fault("regulation-laxer-than-nothing", key="dropped", found=told.dropped[0].rule)


def _check_names(told: Regulation) -> None:
    """Check that what entries name is there, and that a factor of nothing is allowed."""
    types, items, methods = (
        [one.id for one in told.object_types], [one.id for one in told.items], list(told.codes("methods"))
    )  # fmt: skip
    for item in told.items:
        _known(f"items.{item.id}.types", item.types, types)
        _known(f"items.{item.id}.methods", item.methods, methods)
    for limit in told.ratios:
        _known(f"ratios.{limit.key}.type", () if limit.type is None else (limit.type,), types)
        _known(f"ratios.{limit.key}.item", () if limit.item is None else (limit.item,), items)
    for grade in told.grades:
        # 免抽查: nobody of a grade is drawn only where the document allows it.
        if grade.factor is not None and grade.factor.startswith("0/") and not (told.exemption and told.exemption.value):
            raise fault("regulation-exemption-not-allowed", key=f"grades.{grade.grade}.factor", found=grade.factor)


def _known(key: str, names: tuple[str, ...], known: list[str]) -> None:
    if strange := [name for name in names if name not in known]:
        raise fault("regulation-not-one-of", key=key, expected=known, found=strange[0])
