"""What statements after a draw name: vacancies, substitutes, deferrals, other inspections, outcomes. specs/acts.md.

Each is an artifact of canonical JSON, because it may have to be sealed or withdrawn and a log can do neither. What a
regulation allows of it is judged in `conduct`; who may sign it, in `roles`.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from fairdraw import encoding
from fairdraw.errors import ActError, EncodingError
from fairdraw.roster import listing_of
from fairdraw.values import HASH, Count, Date, Hash, Id, Listing, Name, Number, Positive, Reason, Value
from transparency_log import merkle

FEN: Final = 100  # amounts are whole fen (分), for canonical JSON has no decimals
MAX_OUTCOMES: Final = 100_000  # lines of one result; a province draws fewer in a year

A = TypeVar("A", bound=Value)


class Vacancy(Value):
    """空缺: which drawn inspector drops out of the inspection of which object."""

    inspector: Number
    no: Number


class Substitute(Value):
    """递补人员: who comes in for whom, drawn from how many."""

    department: str
    eligible: Positive
    expert: bool
    in_: Annotated[Number, Field(alias="in")]
    no: Number
    out: Number
    ticket: Hash


class Named(Value):
    """An object by its number: of a deferral, or of an objection."""

    no: Number


class Inspection(Value):
    """非随机检查: an inspection outside the draw, or by a team that was not drawn."""

    date: Date
    inspectors: Annotated[tuple[Number, ...], Field(min_length=1)]
    items: Annotated[tuple[Id, ...], Field(min_length=1)]
    objects: Annotated[tuple[Number, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _sorted(self) -> Self:
        _check_sorted(self, "inspectors", "items", "objects")
        return self


class Refusal(Value):
    """拒签: why the object did not sign the form, and the digest of a witness's statement, if there was one."""

    reason: Reason
    witness: Hash | None


class Lenient(Value):
    """包容审慎: the entry of a list of leniency, the ground, the finding that it concerns, an amount in fen."""

    amount: Count | None
    finding: Reason
    ground: Literal["amount-below", "benchmark", "first-found"]
    list: Literal["mitigated", "none", "lighter", "first-time"]
    number: Positive


class Rectify(Value):
    """限期整改: the last day of the term, and the day of the return visit (回访), None until it is made."""

    revisited: Date | None
    until: Date


class Recognised(Value):
    """结果互认: another department's result, in its own log, that is taken over in place of a second visit."""

    index: Count
    log: Name
    text: Hash


class OutcomeLine(Value):
    """检查结果: what came of one drawn object.

    `checked` is the date on the signed form, at which the on-site check ended; `notice` and `form` are the digests of
    告知书 and 检查表; `due` is the last day to publish, None where the regulation counts no working days. A `withheld`
    outcome (国家秘密、商业秘密、个人隐私) says nothing of what was found.
    """

    checked: Date
    due: Date | None
    findings: tuple[Reason, ...]
    first: Date
    form: Hash | None
    items: Annotated[tuple[Id, ...], Field(min_length=1)]
    last: Date
    leniency: tuple[Lenient, ...]
    method: Reason
    no: Number
    noncooperation: tuple[tuple[Date, Reason], ...]
    notice: Hash | None
    recognised: Recognised | None
    rectify: Rectify | None
    refusal: Refusal | None
    result: Reason | None
    transfers: tuple[Reason, ...]
    withheld: Reason | None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _check_sorted(self, "findings", "items", "transfers", "noncooperation")
        if not self.first <= self.last <= self.checked:
            raise PydanticCustomError("outcome-dates", "first, last and checked must follow each other")
        # A form that nobody signed and nobody was asked to sign would let any result be written down at a desk.
        shown = [one is not None for one in (self.form, self.refusal, self.recognised)]
        if sum(shown) != 1:
            raise PydanticCustomError("outcome-form", "exactly one of form, refusal and recognised")
        if (self.result is None) != (self.withheld is not None):
            raise PydanticCustomError("outcome-result", "a result is withheld or told")
        if self.withheld is not None and (self.findings or self.leniency or self.noncooperation or self.transfers):
            raise PydanticCustomError("outcome-withheld", "a withheld outcome tells nothing of what was found")
        if any(one.finding not in self.findings for one in self.leniency):
            raise PydanticCustomError("outcome-leniency", "leniency must name one of the findings")
        if self.rectify is not None and self.rectify.until < self.last:
            raise PydanticCustomError("outcome-term", "the term of rectification must not end before the inspection")
        return self


class ClosingLine(Value):
    """办结: a drawn object that will not be inspected, such as one that was dissolved; only in a `correction`."""

    closed: Reason
    no: Number


Line = OutcomeLine | ClosingLine


def _check_sorted(value: Value, *fields: str) -> None:
    for field in fields:
        items = getattr(value, field)
        if list(items) != sorted(set(items)):
            raise PydanticCustomError("not-sorted", "{field} must be sorted and unique", {"field": field})


def format_act(act: Value) -> bytes:
    """Return the bytes of an act's artifact: one line of canonical JSON."""
    return encoding.canonical(act.model_dump(by_alias=True)) + b"\n"


def seal_act(act: Value, nonce: str) -> bytes:
    """Return the sealed artifact of an act: a nonce of 64 hex digits keeps anybody from trying out numbers.

    specs/acts.md §2.
    """
    return encoding.canonical([nonce, act.model_dump(by_alias=True)])


def read_act(kind: type[A], data: bytes) -> A:
    """Return the act in an artifact, sealed or not; the inverse of `format_act` and `seal_act`.

    Raises:
        ActError: `bad-act`.
    """
    try:
        match encoding.parse(data.removesuffix(b"\n")):
            case [str(nonce), dict() as value] if HASH.fullmatch(nonce):
                act = _value(kind, encoding.canonical(value))
                same = seal_act(act, nonce) == data
            case _:
                act = _value(kind, data[:-1])
                same = format_act(act) == data
    except (EncodingError, ValidationError) as error:
        raise ActError("bad-act", expected=kind.__name__, found=repr(data[:80]), reason=_reason(error)) from None
    if not same:
        raise ActError("bad-act", expected=kind.__name__, found=repr(data[:80]), reason="another spelling")
    return act


def _value(kind: type[A], line: bytes) -> A:
    return kind.model_validate_json(line)


def _reason(error: EncodingError | ValidationError) -> str:
    if isinstance(error, EncodingError):
        return str(error)
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or '(whole)'}: {first['msg']}"


def format_outcomes(outcomes: Iterable[Line]) -> tuple[bytes, Listing]:
    """Return the bytes of a list of outcomes and what a `result` or `correction` says of it; sorted by number.

    Raises:
        ActError: `outcome-twice`: an object stands in the list twice.
    """
    told = sorted(outcomes, key=lambda line: line.no)
    _check_once(told)
    lines = [encoding.canonical(line.model_dump()) for line in told]
    data = encoding.lines(lines)
    return data, listing_of(data, merkle.Tree.over(lines))


def read_outcomes(data: bytes, named: Listing) -> tuple[Line, ...]:
    """Return the outcomes of an artifact that a `result` or `correction` names.

    Raises:
        ActError: `outcomes-altered`, `bad-outcomes` or `outcome-twice`.
    """
    if (encoding.digest(data), len(data)) != (named.digest, named.length):
        raise ActError("outcomes-altered", expected=named.digest, found=encoding.digest(data))
    told: list[Line] = []
    try:
        lines = encoding.split_lines(data)
        if len(lines) > MAX_OUTCOMES:
            raise ActError("bad-outcomes", line=len(lines), reason=f"more than {MAX_OUTCOMES} lines")
        for line in lines:
            value = encoding.parse(line)
            kind: type[Line] = ClosingLine if isinstance(value, dict) and "closed" in value else OutcomeLine
            told.append(kind.model_validate_json(line))
    except (EncodingError, ValidationError) as error:
        raise ActError("bad-outcomes", line=len(told) + 1, reason=_reason(error)) from None
    _check_once(told)
    tree = merkle.Tree.over(lines)
    if [line.no for line in told] != sorted(line.no for line in told) or listing_of(data, tree) != named:
        raise ActError("bad-outcomes", line=0, reason="another order, or another root")
    return tuple(told)


def _check_once(lines: Sequence[Line]) -> None:
    for before, after in pairwise(lines):
        if before.no == after.no:
            raise ActError("outcome-twice", no=after.no)
