"""The parts of a regulation: provisions and the entries of its lists. specs/regulation.md §2, §3.

Everything that a regulation says stands with the article that says it (`cite`), whether it holds only in principle
(原则上), and, in a regulation that derives from another, the reason for which it is laxer than there.
"""

from datetime import date
from fractions import Fraction
from typing import Annotated, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from fairdraw.regulation.reading import READINGS
from fairdraw.values import Date, Id, Positive, Ratio, Reason, Text, Value

T = TypeVar("T")


def fault(code: str, **told: object) -> PydanticCustomError:
    """Return an error of a validator, with our own code, and what it tells: `key`, `expected`, `found`."""
    return PydanticCustomError(code, code, told or None)


def repeated(values: tuple[object, ...]) -> object | None:
    """Return the first value that stands twice, or None."""
    return next((value for at, value in enumerate(values) if value in values[:at]), None)


def _once(values: tuple[str, ...]) -> tuple[str, ...]:
    if (twice := repeated(values)) is not None:
        raise fault("regulation-repeated", found=twice)
    return values


def _up_to_one(text: str) -> str:
    if Fraction(text) > 1:
        raise fault("regulation-ratio-above-one", found=text)
    return text


def _day(text: str) -> str:
    try:
        date.fromisoformat(f"2001-{text}")  # no leap year: a deadline that exists in every year
    except ValueError:
        raise fault("regulation-not-a-day", found=text) from None
    return text


Line = Annotated[Text, StringConstraints(min_length=1)]
Cites = Annotated[tuple[Line, ...], Field(min_length=1), AfterValidator(_once)]
Share = Annotated[Ratio, AfterValidator(_up_to_one)]
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}-[0-9]{2}$"), AfterValidator(_day)]
Role = Literal[
    "any", "approver", "cppcc", "department", "discipline", "inspecting-unit", "legal", "people-congress", "social",
    "superior",
]  # fmt: skip
Level = Literal["province", "city", "county"]
Kind = Literal["floor", "exact", "ceiling"]
Act = Literal["item-list", "plan", "draw", "result"]
Directed = Literal["type", "industry", "region", "scheme"]
Jurisdiction = Literal["level", "territory", "speciality"]


class Cited(Value):
    """What an article says; the names in `KEY` tell the entries of a list apart."""

    KEY: ClassVar[tuple[str, ...]] = ()

    cite: Cites
    principle: bool = False
    laxer: Reason | None = None

    @property
    def key(self) -> str:
        """Return what tells this entry from the others of its list, `-` for a part that it does not name."""
        return "/".join(str(getattr(self, name) or "-") for name in self.KEY)


class Provision(Cited, Generic[T]):
    """One value that a regulation sets."""

    value: T


Roles = Annotated[tuple[Role, ...], Field(min_length=1), AfterValidator(_once)]
Levels = Annotated[tuple[Level, ...], Field(min_length=1), AfterValidator(_once)]
DirectedKinds = Annotated[tuple[Directed, ...], Field(min_length=1), AfterValidator(_once)]
Jurisdictions = Annotated[tuple[Jurisdiction, ...], Field(min_length=1), AfterValidator(_once)]


class Document(Value):
    """The text itself: who issued it, its number, its titles, when; None where it does not say."""

    issuer: Line | None = None
    number: Line | None = None
    title: Line
    title_en: Line
    issued: Date | None = None
    status: Literal["draft", "in-force", "plan"]


class Validity(Value):
    """From which day to which day it is in force; `until` None: no end is said."""

    from_: Annotated[Date, Field(alias="from")]
    until: Date | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.until is not None and self.until < self.from_:
            raise fault("regulation-ends-before-it-begins", expected=self.from_, found=self.until)
        return self


class Extends(Value):
    """The regulation that this one derives from: its id and the digest of its artifact."""

    id: Id
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Dropped(Value):
    """What the parent says and this regulation does not: a field, or `field.key` of an entry."""

    rule: Line
    laxer: Reason | None = None


class Named(Cited):
    """Something with an id and a title in both languages: an object type, a field, a department."""

    KEY: ClassVar = ("id",)

    id: Id
    zh: Line
    en: Line


class ObjectType(Named):
    """A kind of object; `optional` ones may be registered (可以), the others are."""

    optional: bool = False


class Coded(Cited):
    """A code that statements carry, with its words: a reason, a result, a method."""

    KEY: ClassVar = ("code",)

    code: Reason
    zh: Line
    en: Line


class Frequency(Value):
    """How often in a year."""

    kind: Literal["at-most", "at-least", "exactly"]
    times: Positive


class Item(Cited):
    """抽查事项: what may be inspected of which objects, how, by whom and on which legal basis.

    `objects` are the objects in the list's own words, `types` the object types that they are; ratio and frequency stand
    only in some lists.
    """

    KEY: ClassVar = ("id",)

    id: Id
    name: Line
    name_en: Line
    content: Line | None = None
    content_en: Line | None = None
    objects: Line | None = None
    types: Annotated[tuple[Id, ...], AfterValidator(_once)] = ()
    category: Literal["key", "general"] | None = None
    methods: Annotated[tuple[Reason, ...], AfterValidator(_once)] = ()
    bodies: Annotated[tuple[Line, ...], AfterValidator(_once)] = ()
    levels: Annotated[tuple[Level, ...], AfterValidator(_once)] = ()
    basis: Annotated[tuple[Line, ...], AfterValidator(_once)] = ()
    ratio: Share | None = None
    ratio_kind: Kind | None = None
    frequency: Frequency | None = None

    @model_validator(mode="after")
    def _ratio_has_a_kind(self) -> Self:
        if (self.ratio is None) != (self.ratio_kind is None):
            raise fault("regulation-ratio-without-kind", expected=("ratio", "ratio_kind"))
        return self


class RatioLimit(Cited):
    """抽查比例: of a type, an item or a category of items (None: any); of each draw's plan, or of a whole year."""

    KEY: ClassVar = ("type", "item", "category", "period")

    type: Id | None = None
    item: Id | None = None
    category: Literal["key", "general"] | None = None
    ratio: Share
    kind: Kind
    period: Literal["draw", "year"]

    @property
    def precision(self) -> int:
        """Return how special this limit is: an item before a type, a type before a category, both before neither."""
        return 4 * (self.item is not None) + 2 * (self.type is not None) + (self.category is not None)


class GradeFactor(Cited):
    """信用分级: what a grade does to the ratio: `factor` times it, or `full`: everybody (全覆盖)."""

    KEY: ClassVar = ("grade",)

    grade: Id
    zh: Line
    en: Line
    factor: Ratio | None = None
    kind: Literal["at-most", "exact", "at-least"] = "exact"
    full: bool = False

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if self.full != (self.factor is None):
            raise fault("regulation-factor-or-full", expected=("factor", "full"))
        return self


class Weighting(Coded):
    """What raises or lowers ratio and frequency without a number, or makes them differ (差异化)."""

    towards: Literal["more", "less", "either"]


class Duty(Cited):
    """A role that must sign off (监督签字), or sign as the author of, a kind of act."""

    KEY: ClassVar = ("of", "role")

    of: Act
    role: Role


class Ground(Value):
    """A ground of leniency: below an amount of yuan, a case of a benchmark's article, or found for the first time."""

    code: Literal["amount-below", "benchmark", "first-found"]
    value: Positive | None = None

    @model_validator(mode="after")
    def _has_its_number(self) -> Self:
        if (self.code == "first-found") != (self.value is None):
            raise fault("regulation-ground-without-number", found=self.code)
        return self


class Lenient(Cited):
    """包容审慎清单: an entry of a list of leniency and the grounds, of which one suffices."""

    KEY: ClassVar = ("list", "number")

    list: Literal["mitigated", "none", "lighter", "first-time"]
    number: Positive
    zh: Line
    en: Line
    grounds: Annotated[tuple[Ground, ...], Field(min_length=1)]


class Chosen(Cited):
    """A reading: of the ways in which a rule can be read, the one that is meant."""

    KEY: ClassVar = ("code",)

    code: Reason
    value: Reason

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if self.code not in READINGS:
            raise fault("regulation-not-one-of", at="code", expected=sorted(READINGS), found=self.code)
        if self.value not in READINGS[self.code]:
            raise fault("regulation-not-one-of", at="value", expected=READINGS[self.code], found=self.value)
        return self


class Joint(Value):
    """联合抽查: at least `each` inspectors of every department that takes part, None where no number is said."""

    each: Positive | None = None


class Supervisors(Value):
    """现场监督: who is invited to watch a draw, and how many must come; 0: they may be invited."""

    roles: Roles
    minimum: Annotated[int, Field(ge=0, le=100)]


class Substitutes(Value):
    """递补: from the whole eligible registry where the text says so, and by a fresh draw."""

    from_: Annotated[Literal["registry"] | None, Field(alias="from")] = None
    fresh: bool


class Deferring(Value):
    """延期检查: on an application, in writing if `written`."""

    written: bool


class Noncooperation(Value):
    """不予配合: after how many of the acts, within one task or one year, it is published."""

    times: Positive
    per: Literal["task", "year"]


class Refusal(Value):
    """A form that the object does not sign: the reason is noted, and a witness may be asked."""

    reason: bool
    witness: bool


class Publishing(Value):
    """公示期限: a number of working days after the end of the check, a statutory term, or promptly."""

    unit: Literal["working-days", "statutory", "promptly"]
    days: Positive | None = None

    @model_validator(mode="after")
    def _days_are_counted(self) -> Self:
        if (self.unit == "working-days") != (self.days is not None):
            raise fault("regulation-days-without-unit", expected=("days", "unit"))
        return self


class Keeping(Value):
    """保存期限: at least so many years, None where no term is said; `unaltered`: no altering, forging or destroying."""

    years: Positive | None = None
    unaltered: bool = False


class Subject(Coded):
    """A kind of body or person of whom a credit file is kept."""

    kind: Literal["body", "person"]


class Credit(Value):
    """信用档案: whom it is kept of, what is in it, and what those can ask for. The grade itself is an input."""

    subjects: Annotated[tuple[Subject, ...], Field(min_length=1)]
    data: tuple[Coded, ...]
    rights: tuple[Coded, ...]
    incentives: tuple[Coded, ...]
    measures: tuple[Coded, ...]
