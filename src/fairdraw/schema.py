"""The types of statement and their fields: specs/statements.md §3.

A statement is a frozen value whose text is one line of canonical JSON and a newline. How it is signed and read is in
`statement`; what statements mean together is checked in `verify`.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from fairdraw import encoding
from fairdraw.errors import PlanError
from fairdraw.rules import Batch, Joint, Rule, Team
from fairdraw.values import (
    Artifact,
    AttributeType,
    Count,
    Date,
    FieldName,
    Hash,
    Id,
    Listing,
    Name,
    Number,
    Positive,
    PulseValue,
    Reason,
    Ref,
    Slot,
    Source,
    Time,
    Value,
)
from transparency_log.errors import NoteError
from transparency_log.note import Verifier

VERSION: Final = 0  # until release 1.0: specs/CHANGES.md


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
    """抽查事项清单: what may be inspected, on which legal basis; every adjustment is a new version with its reason."""

    TYPE = "item-list"
    items: Artifact
    regulation: Artifact | None
    reason: Reason | None


class Plan(Statement):
    """抽查计划: slots and the rules under which they are drawn; every adjustment is a new version."""

    TYPE = "plan"
    plan: Id
    kind: Literal["yearly", "special"]
    year: Annotated[int, Field(ge=2000, le=9999)]
    slots: Annotated[tuple[Slot, ...], Field(min_length=1)]
    schedule: tuple[Batch, ...]
    items: Ref | None
    objects: Id
    inspectors: Id
    joint: tuple[Joint, ...]
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    yearly_cap: Positive | None
    team: Team
    audit: Count
    substitutions: Count
    voids: tuple[Reason, ...]
    regulation: Artifact | None
    reason: Reason | None

    @model_validator(mode="after")
    def _slots_are_its_own(self) -> Self:
        if list(self.slots) != sorted(set(self.slots)) or any(s.split("/")[0] != self.plan for s in self.slots):
            raise ValueError("slots must be sorted, unique and begin with the plan's id")
        ruled = [item for rule in self.rules for item in rule.items]
        firsts = [rule.items[0] for rule in self.rules]
        if len(set(ruled)) != len(ruled) or firsts != sorted(firsts):
            raise ValueError("rules must be sorted by their first item, and each item have one")
        if {slot.split("/")[1] for slot in self.slots} != set(ruled):
            raise ValueError("every item of a slot must have a rule, and no other")
        planned = [batch.slot for batch in self.schedule]
        if planned != sorted(set(planned)) or not set(planned) <= set(self.slots):
            raise ValueError("schedule must be sorted and name slots of the plan")
        if any(batch.first > batch.last for batch in self.schedule) or list(self.voids) != sorted(set(self.voids)):
            raise ValueError("a batch must end after it begins, and voids be sorted and unique")
        return self

    def rule_of(self, item: str) -> Rule:
        """Return the rule of an item.

        Raises:
            PlanError: `slot-not-in-plan`: it has none.
        """
        for rule in self.rules:
            if item in rule.items:
                return rule
        raise PlanError("slot-not-in-plan", expected=[one for rule in self.rules for one in rule.items], found=item)

    def batch_of(self, slot: str) -> Batch | None:
        """Return when a slot is inspected, None where the plan does not say."""
        return next((batch for batch in self.schedule if batch.slot == slot), None)

    def rules_for(self, slots: Iterable[str]) -> tuple[object, ...]:
        """Return all that a version must repeat for an earlier one to stay the one that is meant for some slots."""
        named = sorted(set(slots))
        return (self.objects, self.inspectors, self.joint, [self.rule_of(item_of(slot)) for slot in named],
                [self.batch_of(slot) for slot in named], self.yearly_cap, self.team, self.audit, self.substitutions,
                self.voids, self.items, self.regulation)  # fmt: skip


def item_of(slot: str) -> str:
    """Return the item of a slot, the middle one of its three ids."""
    return slot.split("/")[1]


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
    openings: bool


class Announcement(Statement):
    """抽取公告: everything the draw depends on."""

    TYPE = "announcement"
    slots: Annotated[tuple[Slot, ...], Field(min_length=1)]
    plan: Ref
    objects: Ref
    inspectors: Ref
    joint: tuple[Ref, ...]
    recusals: Artifact
    exclusions: Artifact
    beacon: Annotated[tuple[Source, ...], Field(min_length=1, max_length=8)]
    seed: Published | Committed
    disclosure: AtOnce | Until
    window: Date
    margin: Annotated[int, Field(ge=0, le=31_536_000)]
    history_size: Count
    regulation: Artifact | None
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
    pool: Count | None


class SignOff(Statement):
    """监督签字: a supervisor's statement on an item list, a plan, a draw or a result, in its role of the trust file."""

    TYPE = "sign-off"
    of: Ref
    role: Reason


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

    @model_validator(mode="after")
    def _each_beacon_once(self) -> Self:
        if len({source.beacon for source in self.beacon}) != len(self.beacon):
            raise ValueError("a beacon must be named once")
        return self


class Substitution(Statement):
    """递补结果: the redraw of one vacancy."""

    TYPE = "substitution"
    call: Ref
    pulses: tuple[PulseValue, ...]
    key: Hash | None
    result: Artifact


class Deferral(Statement):
    """延期检查: digest of an object's written application, and the day until which it is inspected instead."""

    TYPE = "deferral"
    draw: Ref
    deferred: Artifact
    application: Hash
    reason: Reason
    until: Date


class ExceptionStatement(Statement):
    """非随机检查: an inspection outside the draw, or a team that was not drawn (针对特定情况组建), then of a `draw`."""

    TYPE = "exception"
    reason: Reason
    inspection: Artifact
    draw: Ref | None


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


class Objection(Statement):
    """异议: somebody objects to a grade (`of` is the snapshot) or a result; digest of the written objection."""

    TYPE = "objection"
    of: Ref
    about: Literal["grade", "result"]
    by_whom: Artifact
    objection: Hash


class Answer(Statement):
    """异议答复: the answer to an objection."""

    TYPE = "answer"
    objection: Ref
    decision: Literal["upheld", "rejected"]
    answer: Hash


class Opening(Statement):
    """开启: an artifact with what is now public, and the embargo key of a sealed draw."""

    TYPE = "opening"
    of: Ref
    artifact: Artifact
    key: Hash | None
    embargo: Hash | None


class VerifierRelease(Statement):
    """核验页发布: whoever serves a copy of the verifier page says which one it vouches for."""

    TYPE = "verifier-release"
    page: Artifact
    version: Id


class Loss(Statement):
    """遗失: somebody reports a key as lost, stolen or destroyed. It takes no authority away and gives none."""

    TYPE = "loss"
    key: str
    reason: Literal["lost", "stolen", "destroyed"]

    @model_validator(mode="after")
    def _a_key(self) -> Self:
        try:
            weak = Verifier.parse(self.key).weak
        except NoteError as error:
            raise ValueError(str(error)) from None
        if weak:
            raise ValueError("a key that nobody has to hold")
        return self


TYPES: Final[Mapping[str, type[Statement]]] = {
    kind.TYPE: kind
    for kind in (
        Key, ItemList, Plan, SnapshotStatement, Receipt, Announcement, Commitment, Reveal, RevealsClosed, Deposit,
        Withdrawal, Draw, SignOff, SubstitutionCall, Substitution, Deferral, ExceptionStatement, Void, Evidence, Result,
        Correction, Objection, Answer, Opening, VerifierRelease, Loss,
    )
}  # fmt: skip
