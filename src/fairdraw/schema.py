"""The types of statement and their fields: specs/statements.md §3.

A statement is a frozen value whose text is one line of canonical JSON and a newline. How it is signed and read is in
`statement`; what statements mean together is checked in `verify`.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from fairdraw import encoding
from fairdraw.errors import EncodingError

VERSION: Final = 0  # until release 1.0: specs/CHANGES.md

HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
NUMBER: Final = re.compile(r"[A-Za-z0-9._:-]{1,40}", re.ASCII)

Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Hex = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2})+$", max_length=400)]
Name = Annotated[str, StringConstraints(pattern=r"^[^\s+]+$", max_length=200)]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")]
Slot = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,39}(/[a-z0-9][a-z0-9._-]{0,39}){2}$")]
Number = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,40}$")]
Reason = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Ratio = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,8})/[1-9][0-9]{0,8}$")]
Count = Annotated[int, Field(ge=0, le=encoding.MAX_INTEGER)]
Positive = Annotated[int, Field(ge=1, le=encoding.MAX_INTEGER)]
Rounding = Literal["ceil", "nearest", "floor"]
AttributeType = Literal["string", "integer", "boolean", "strings"]


def _time(text: str) -> str:
    try:
        encoding.parse_time(text)
    except EncodingError as error:
        raise ValueError(str(error)) from None  # what pydantic turns into its own error
    return text


def _date(text: str) -> str:
    try:
        return encoding.check_date(text)
    except EncodingError as error:
        raise ValueError(str(error)) from None


Time = Annotated[str, AfterValidator(_time)]
Date = Annotated[str, AfterValidator(_date)]


class Value(BaseModel):
    """A frozen part of a statement: unknown fields and other types are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True, defer_build=True)


class Ref(Value):
    """A statement by its text hash; `index` is what the appender returned, a hint where to look."""

    index: Count
    text: Hash


class Artifact(Value):
    """Bytes served beside the log, by SHA-256 and length."""

    digest: Hash
    length: Count


class Listing(Artifact):
    """A list artifact and its Merkle root: a root alone does not fix a size (attack 41)."""

    root: Hash
    count: Count


class Eligible(Value):
    """One rule of who may inspect whom (specs/assignment.md §1); `object` and `inspector` name attributes."""

    rule: Literal["same", "differ", "true"]
    object: FieldName | None
    inspector: FieldName


class Team(Value):
    """The rules of matching (specs/assignment.md).

    `size` inspectors a team; with `department`, `quota` numbers of each of its values, which add up to `size`. `cap` is
    the most objects an inspector gets, or None; after every `limit` attempts of a block, `beyond` applies.
    """

    size: Annotated[int, Field(ge=2, le=50)]
    department: FieldName | None
    quota: tuple[tuple[str, Positive], ...]
    eligible: tuple[Eligible, ...]
    cap: Positive | None
    limit: Annotated[int, Field(ge=1, le=10_000)]
    beyond: Literal["raise-cap", "void"]

    @model_validator(mode="after")
    def _quota_adds_up(self) -> Self:
        if (self.department is None) != (not self.quota):
            raise ValueError("quota and department go together")
        departments = [name for name, _ in self.quota]
        # A department said twice would draw the same inspectors twice.
        if self.quota and (sum(n for _, n in self.quota) != self.size or sorted(set(departments)) != departments):
            raise ValueError("quota must be sorted by department and add up to size")
        return self


class Source(Value):
    """A round of a public randomness beacon; `hash` is the chain's."""

    beacon: Id
    hash: Hash
    round: Positive


class PulseValue(Value):
    """A beacon's round as published; `previous` only where its scheme chains rounds."""

    beacon: Id
    round: Positive
    signature: Hex
    previous: Hex | None


class Published(Value):
    """A seed in clear; digits that supervisors added. It separates domains, no more."""

    kind: Literal["published"]
    digits: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{0,200}$")]


class Contributor(Value):
    """A committed seed: whose, which commitment, and whether there is no draw without it."""

    name: Name
    commitment: Ref
    required: bool


class Committed(Value):
    """Seeds committed before the announcement and revealed before the round."""

    kind: Literal["committed"]
    contributors: Annotated[tuple[Contributor, ...], Field(min_length=1)]
    minimum: Count


class AtOnce(Value):
    """The result is public as soon as it is logged."""

    kind: Literal["at-once"]


class Until(Value):
    """The result is sealed until the end of a day; `embargo` is the commitment to the embargo key."""

    kind: Literal["until"]
    date: Date
    embargo: Hash


class Former(Value):
    """A signer's last statement under another origin."""

    log: Name
    index: Count
    text: Hash


class Statement(Value):
    """What every statement carries (specs/statements.md §2)."""

    TYPE: ClassVar[str]

    v: Literal[0] = VERSION
    type: str
    log: Name
    bureau: Name
    by: Name
    with_: Annotated[tuple[Name, ...], Field(alias="with")] = ()
    seq: Count
    prev: Hash | None
    time: Time

    def text(self) -> bytes:
        """Return the signed text: one line of canonical JSON and its newline."""
        return encoding.canonical(self.model_dump(by_alias=True)) + b"\n"

    def text_hash(self) -> str:
        """Return the identity: 64 hex of SHA-256 over the text."""
        return sha256(self.text()).hexdigest()

    @property
    def signers(self) -> tuple[str, ...]:
        """Return the key names whose signature lines must come first, in order."""
        return (self.by, *self.with_)


class Key(Statement):
    """密钥: the signer's key changes, effective from the next seq; signed by the old key, then by the new one."""

    TYPE = "key"
    old: str
    new: str
    former: Former | None

    @model_validator(mode="after")
    def _alone(self) -> Self:
        if self.with_:
            raise ValueError("a key statement has no co-signers")
        return self

    @property
    def signers(self) -> tuple[str, ...]:
        """Return the one name twice: a `key` statement has two lines, old then new."""
        return (self.by, self.by)


class ItemList(Statement):
    """抽查事项清单: what may be inspected, on which legal basis."""

    TYPE = "item-list"
    items: Artifact
    regulation: Hash | None


class Plan(Statement):
    """抽查计划: slots and the rules under which they are drawn; every adjustment is a new version."""

    TYPE = "plan"
    plan: Id
    slots: Annotated[tuple[Slot, ...], Field(min_length=1)]
    objects: Id
    inspectors: Id
    strata: tuple[FieldName, ...]
    ratio: Ratio
    rounding: Rounding
    team: Team
    audit: Count
    substitutions: Count
    regulation: Hash | None
    reason: Reason | None

    @model_validator(mode="after")
    def _slots_are_its_own(self) -> Self:
        if list(self.slots) != sorted(set(self.slots)) or any(s.split("/")[0] != self.plan for s in self.slots):
            raise ValueError("slots must be sorted, unique and begin with the plan's id")
        top, bottom = map(int, self.ratio.split("/"))
        if top > bottom or len(set(self.strata)) != len(self.strata):
            raise ValueError("ratio must be at most 1 and strata unique")
        return self

    def rules(self) -> tuple[object, ...]:
        """Return all that a version must repeat for an earlier one to stay the one that is meant."""
        return (self.objects, self.inspectors, self.strata, self.ratio, self.rounding, self.team, self.audit,
                self.substitutions, self.regulation)  # fmt: skip


class LeftOut(Artifact):
    """The rows that `freeze` was told to leave out."""

    count: Count


class SnapshotStatement(Statement):
    """名录库快照: a registry's root, count, digest and schema."""

    TYPE = "snapshot"
    registry: Id
    roster: Listing
    published: bool
    attrs: tuple[tuple[FieldName, AttributeType], ...]
    private: tuple[tuple[FieldName, bool], ...]
    left_out: LeftOut | None

    @model_validator(mode="after")
    def _fields_once(self) -> Self:
        attrs, private = [name for name, _ in self.attrs], [name for name, _ in self.private]
        if attrs != sorted(set(attrs)) or len(set(private)) != len(private):
            raise ValueError("attrs must be sorted, and no field named twice")
        return self


class Receipt(Statement):
    """收讫: a supervisor holds this snapshot's artifacts and has recomputed them."""

    TYPE = "receipt"
    snapshot: Ref
    digest: Hash


class Announcement(Statement):
    """抽取公告: everything the draw depends on."""

    TYPE = "announcement"
    slots: Annotated[tuple[Slot, ...], Field(min_length=1)]
    plan: Ref
    objects: Ref
    inspectors: Ref
    recusals: Artifact
    exclusions: Artifact
    beacon: Annotated[tuple[Source, ...], Field(min_length=1, max_length=8)]
    seed: Published | Committed
    disclosure: AtOnce | Until
    window: Date
    margin: Annotated[int, Field(ge=0, le=31_536_000)]
    history_size: Count
    regulation: Hash | None
    replaces: Ref | None

    @model_validator(mode="after")
    def _slots_sorted(self) -> Self:
        if list(self.slots) != sorted(set(self.slots)):
            raise ValueError("slots must be sorted and unique")
        if len({source.beacon for source in self.beacon}) != len(self.beacon):
            raise ValueError("a beacon must be named once")
        return self


class Commitment(Statement):
    """种子承诺: a contributor commits to 32 random bytes for a slot."""

    TYPE = "commitment"
    slot: Slot
    commitment: Hash


class Reveal(Statement):
    """种子揭示: the contributor's seed."""

    TYPE = "reveal"
    commitment: Ref
    seed: Hash


class RevealsClosed(Statement):
    """种子截止: the reveals that count, in announced order; None where one is missing."""

    TYPE = "reveals-closed"
    announcement: Ref
    reveals: tuple[Ref | None, ...]


class Deposit(Statement):
    """密钥寄存: a depositary holds the embargo of this commitment."""

    TYPE = "deposit"
    slot: Slot
    embargo: Hash


class Withdrawal(Statement):
    """撤回: an artifact is no longer served."""

    TYPE = "withdrawal"
    digest: Hash
    reason: Reason


class Counts(Value):
    """How many objects, inspectors, strata and drawn objects there were."""

    objects: Count
    inspectors: Count
    strata: Count
    drawn: Count


class Draw(Statement):
    """抽取结果: a function of the inputs in every byte but `seq`, `prev` and `time`.

    Under an embargo `key` and `blocks` are None for ever, and `results` names the sealed artifact.
    """

    TYPE = "draw"
    announcement: Ref
    pulses: tuple[PulseValue, ...]
    key: Hash | None
    results: Listing
    counts: Counts
    blocks: tuple[tuple[Number, Count, Positive], ...] | None


class SignOff(Statement):
    """监督签字: a supervisor's own statement on a draw."""

    TYPE = "sign-off"
    draw: Ref


class SubstitutionCall(Statement):
    """递补公告: who drops out and why, and a new future round; `vacancy` is an artifact, for it may be sealed."""

    TYPE = "substitution-call"
    draw: Ref
    vacancy: Artifact
    declaration: Hash
    reason: Reason
    beacon: Annotated[tuple[Source, ...], Field(min_length=1, max_length=8)]
    margin: Count
    embargo: Hash | None


class Substitution(Statement):
    """递补结果: the redraw of one vacancy."""

    TYPE = "substitution"
    call: Ref
    pulses: tuple[PulseValue, ...]
    key: Hash | None
    result: Artifact


class Deferral(Statement):
    """延期检查: digest of an object's written application."""

    TYPE = "deferral"
    draw: Ref
    deferred: Artifact
    application: Hash


class ExceptionStatement(Statement):
    """非随机检查: an inspection outside the draw."""

    TYPE = "exception"
    reason: Reason
    inspection: Artifact


class Void(Statement):
    """作废: an announcement whose draw will not be completed; `pulses` where the reason is checked with them."""

    TYPE = "void"
    announcement: Ref
    reason: Reason
    pulses: tuple[PulseValue, ...]


class Evidence(Statement):
    """全程留痕: digests of photos, video and signed forms."""

    TYPE = "evidence"
    of: Ref
    files: Annotated[tuple[Artifact, ...], Field(min_length=1)]


class Result(Statement):
    """检查结果公示: outcome per object."""

    TYPE = "result"
    draw: Ref
    outcomes: Listing


class Correction(Statement):
    """更正: later corrections of a result."""

    TYPE = "correction"
    result: Ref
    outcomes: Listing
    reason: Reason


class Opening(Statement):
    """开启: an artifact with what is now public, and the embargo key of a sealed draw."""

    TYPE = "opening"
    of: Ref
    artifact: Artifact
    key: Hash | None
    embargo: Hash | None


TYPES: Final[Mapping[str, type[Statement]]] = {
    kind.TYPE: kind
    for kind in (
        Key, ItemList, Plan, SnapshotStatement, Receipt, Announcement, Commitment, Reveal, RevealsClosed, Deposit,
        Withdrawal, Draw, SignOff, SubstitutionCall, Substitution, Deferral, ExceptionStatement, Void, Evidence, Result,
        Correction, Opening,
    )
}  # fmt: skip
