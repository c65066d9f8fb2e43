"""What a verification works on: the evidence of a bundle or slip, the reader's trust, and, if given, the whole log.

A `Case` is filled in by the checks in their order; a check that needs what an earlier one found is not run unless that
one holds, so that nothing is ever read here before it was proven.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fairdraw import encoding
from fairdraw.announcement import Inputs, key_material
from fairdraw.bundle import Bundle, Slip, artifact_names
from fairdraw.errors import EncodingError, StatementError
from fairdraw.exclusion import Exclusion
from fairdraw.record import DrawnLine, StratumLine
from fairdraw.roles import is_supervisor, role_of
from fairdraw.roster import Data, Roster
from fairdraw.schema import Announcement, Draw, Plan, SnapshotStatement
from fairdraw.snapshot import Opening
from fairdraw.statement import Entry, read_entry
from fairdraw.trust import Trust
from fairdraw.values import Artifact, PulseValue, Scalar
from fairdraw.verify.known import Known
from fairdraw.verify.report import CannotTellError, CheckFailedError, Finding
from transparency_log import merkle
from transparency_log.checkpoint import (
    Checkpoint,
    Cosignature,
    SignedCheckpoint,
    cosignatures,
    open_checkpoint,
)
from transparency_log.errors import LogError
from transparency_log.note import Note
from transparency_log.policy import freshness_time, order_time
from transparency_log.proof import TlogProof
from transparency_log.reader import MAX_COSIGNED

if TYPE_CHECKING:
    from fairdraw.draw import Outcome
    from fairdraw.verify.whole import WholeLog


@dataclass(frozen=True, slots=True)
class LogView:
    """A log as a reader got it: every entry's bytes, every signed checkpoint with the cosignatures found.

    `entries` may end early (None where an entry's bytes could not be had); `artifacts` are by digest; `frozen` is the
    note by which the log says that it has ended, if there is one. `roster` looks in its folder, if there is
    one, for those that are too large for a bundle.
    """

    entries: Sequence[bytes | None]
    checkpoints: Sequence[bytes]
    artifacts: Mapping[str, bytes] = field(default_factory=dict)
    frozen: bytes | None = None
    roster: Callable[[Artifact], Data | None] | None = None


@dataclass(frozen=True, slots=True)
class Prefix:
    """A checkpoint that the log signed and that is a prefix of the final one, with its verified cosignatures.

    Attributes:
        later: whether lines after the as-of time were left out.
        order: the least time by which a quorum had cosigned it, or None.
        freshness: the greatest time since which a quorum has cosigned it, or None.
    """

    signed: SignedCheckpoint
    cosignatures: tuple[Cosignature, ...]
    later: bool
    order: int | None
    freshness: int | None

    @property
    def size(self) -> int:
        """Return the number of entries that it covers."""
        return self.signed.checkpoint.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A draw of a log that was read whole, in the place of a file about it: the log itself is the evidence.

    The fields are those of a bundle that the log would yield.
    """

    log: str
    bureau: str
    announcement: str
    draw: str | None
    entries: tuple[Entry, ...]
    artifacts: Mapping[str, bytes]
    final: Prefix
    prefixes: tuple[Prefix, ...]


@dataclass(slots=True, kw_only=True)
class Case:
    """A verification under way."""

    file: Bundle | Slip | Logged
    trust: Trust
    as_of: int
    log: LogView | None
    whole: "WholeLog | None" = None  # the log as `read_log` read it; one that reads many draws gives it
    known: Known = field(default_factory=Known)
    openings: tuple[Opening, ...] = ()
    findings: list[Finding] = field(default_factory=list)

    # Set by the check that proves them; reading one before is a programmer's error.
    final: Prefix = field(init=False)
    announcement: Entry = field(init=False)
    plan: Plan = field(init=False)
    draw: Entry | None = None

    prefixes: list[Prefix] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    signed: set[str] = field(default_factory=set)
    entries: dict[str, Entry] = field(default_factory=dict)
    outside: dict[int, str] = field(default_factory=dict)
    artifacts: dict[str, bytes] = field(default_factory=dict)

    rosters: dict[str, Roster] = field(default_factory=dict)
    snapshots: dict[str, SnapshotStatement] = field(default_factory=dict)
    recusals: frozenset[tuple[str, str]] = frozenset()
    exclusions: frozenset[Exclusion] = frozenset()
    randomness: tuple[bytes, ...] = ()
    seeds: tuple[tuple[str, str], ...] = ()
    embargo: bytes | None = None
    opened_key: str | None = None
    outcome: "Outcome | None" = None
    final_teams: dict[str, tuple[str, ...]] | None = None  # after substitutions and special teams
    drawn_in: tuple[tuple[str, tuple[Scalar, ...]], ...] = ()
    results: tuple[tuple[StratumLine, ...], tuple[DrawnLine, ...]] | None = None
    undrawable: CheckFailedError | None = None
    exhausted: dict[str, bool] = field(default_factory=dict)
    _chains: dict[str, list[Entry]] = field(default_factory=dict)
    shown: "WholeLog | None" = None  # once what the whole log shows counts for the order in time, too

    def __post_init__(self) -> None:
        if self.whole is not None:
            self.known = self.whole.hashed.known

    @property
    def evidence(self) -> Bundle | Slip:
        """Return the file that carries its own evidence; of a draw that is read from its log there is none."""
        if isinstance(self.file, Logged):
            raise TypeError(type(self.file))
        return self.file

    @property
    def bundle(self) -> Bundle:
        """Return the file as a bundle; asking for it where a slip is verified is a programmer's error."""
        if not isinstance(self.file, Bundle):
            raise TypeError(type(self.file))
        return self.file

    @property
    def slip(self) -> Slip:
        """Return the file as a slip; asking for it where a bundle is verified is a programmer's error."""
        if not isinstance(self.file, Slip):
            raise TypeError(type(self.file))
        return self.file

    @property
    def file_pulses(self) -> tuple[PulseValue, ...]:
        """Return the pulses that a bundle carries beside the entries: for a draw that was never logged."""
        return self.file.pulses if isinstance(self.file, Bundle) else ()

    @property
    def file_embargo(self) -> str | None:
        """Return the embargo key that a depositary's bundle carries."""
        return self.file.embargo if isinstance(self.file, Bundle) else None

    @property
    def said(self) -> Announcement:
        """Return the announcement under verification."""
        return self.announcement.of(Announcement)

    @property
    def drew(self) -> Draw:
        """Return the `draw` statement under verification.

        Raises:
            CannotTellError: none was logged.
        """
        if self.draw is None:
            raise CannotTellError("no-draw")
        return self.draw.of(Draw)

    def find(self, finding: str, /, **evidence: object) -> None:
        """Note a finding."""
        self.findings.append(Finding(finding, evidence))

    def entry(self, text: str, index: int | None = None) -> Entry:
        """Return a carried entry by its text hash.

        Raises:
            CheckFailedError: it is not carried, not in the log, or not where the reference says.
        """
        if text not in self.entries:
            raise CheckFailedError("entry-missing", text=text)
        entry = self.entries[text]
        if index is not None and entry.index != index:
            raise CheckFailedError("wrong-index", text=text, expected=index, found=entry.index)
        if entry.index in self.outside:
            raise CheckFailedError("not-in-log", index=entry.index, why=self.outside[entry.index])
        return entry

    def inputs(self) -> Inputs:
        """Return what the draw is a function of, once rosters and closed inputs hold."""
        return Inputs(
            announcement=self.announcement,
            plan=self.plan,
            objects=self.rosters["objects"],
            inspectors=self.rosters["inspectors"],
            joint=tuple(self.rosters[department.name] for department in self.plan.joint),
            recusals=self.recusals,
            exclusions=self.exclusions,
        )

    def key(self) -> bytes:
        """Return the draw's key, once pulse, seed and disclosure hold."""
        material = key_material(self.announcement, seeds=self.seeds, pulses=self.randomness, embargo=self.embargo)
        key = material.key()
        if self.opened_key not in (None, key.hex()):
            raise CheckFailedError("another-key", expected=key.hex(), found=self.opened_key)
        return key

    def speaks(self, entry: Entry) -> bool:
        """Say whether an entry is the bureau's own, signed by it: a supervisor's signature is no substitute."""
        return entry.statement.by == self.file.bureau and entry.text_hash in self.signed

    def is_supervisor(self, name: str) -> bool:
        """Say whether a name is one that watches over the bureau: who inspects or draws with it is a party."""
        return is_supervisor(role_of(name, self.trust, self.file.bureau))

    def chain(self, name: str) -> Sequence[Entry]:
        """Return the carried entries that a name signed, in log order."""
        if name not in self._chains:
            told = (entry for entry in self.entries.values() if entry.statement.by == name)
            self._chains[name] = sorted(told, key=lambda entry: entry.index)
        return self._chains[name]

    def quorum_prefixes(self) -> Iterator[tuple[Prefix, int]]:
        """Yield every prefix that carries a quorum, with the least time by which it did."""
        for prefix in self.prefixes:
            if prefix.order is not None:
                yield prefix, prefix.order


def read_checkpoint(case: Case, data: bytes) -> Prefix:
    """Return a signed checkpoint of the case's log with the cosignatures that count up to the as-of time.

    Raises:
        CheckFailedError: a signature is missing or invalid, or the origin is another.
    """
    return read_signed(data, case.trust, log=case.file.log, as_of=case.as_of)


def read_signed(data: bytes, trust: Trust, *, log: str, as_of: int) -> Prefix:
    """Return a signed checkpoint of a log with the cosignatures that count up to the as-of time.

    Raises:
        CheckFailedError: a signature is missing or invalid, or the origin is another.
    """
    key = trust.log_key(log)
    if key is None:
        raise CheckFailedError("unknown-log", found=log)
    try:
        signed = open_checkpoint(data, key, max_signatures=MAX_COSIGNED)
        _check_size(signed.checkpoint)
        found = cosignatures(signed.note, [witness.verifier for witness in trust.policy.witnesses])
    except (LogError, EncodingError) as error:
        raise CheckFailedError("bad-checkpoint", why=str(error)) from None
    if signed.checkpoint.origin != log or signed.checkpoint.extensions:
        raise CheckFailedError("wrong-origin", expected=log, found=signed.checkpoint.origin)
    counted = tuple(c for c in found if c.timestamp <= as_of)
    order, freshness = order_time(trust.policy, counted), freshness_time(trust.policy, counted)
    return Prefix(signed, counted, len(counted) < len(found), order, freshness)


def _check_size(body: Checkpoint) -> None:
    # Statements refer to entries by integers of canonical JSON, which end at 2^53 - 1 (specs/log.md §2).
    if body.size > encoding.MAX_INTEGER:
        raise EncodingError("integer-too-large", expected=encoding.MAX_INTEGER, found=body.size)


def read_entries(case: Case) -> None:
    """Read the carried entries; note those whose proof does not place them in the final checkpoint.

    Raises:
        CheckFailedError: an entry is not a statement, or a proof is malformed or carries another checkpoint.
    """
    try:
        final = encoding.from_base64(case.evidence.checkpoint)
        # The root is the embedded checkpoint's; that the log signed it is the check `log-signature`.
        body = Checkpoint.parse(Note.parse(final, max_signatures=MAX_COSIGNED).text)
        _check_size(body)
    except (LogError, EncodingError) as error:
        raise CheckFailedError("bad-checkpoint", why=str(error)) from None
    for position, carried in enumerate(case.evidence.entries):
        try:
            proof = TlogProof.parse(encoding.from_base64(carried.proof))
            entry = read_entry(encoding.from_base64(carried.note), proof.index)
        except (LogError, EncodingError, StatementError) as error:
            raise CheckFailedError("bad-entry", entry=position, why=str(error)) from None
        if proof.index > encoding.MAX_INTEGER:
            raise CheckFailedError("bad-entry", entry=position, why=f"index {proof.index}")
        if proof.checkpoint != final:
            raise CheckFailedError("another-checkpoint", entry=position)
        if entry.text_hash in case.entries:
            raise CheckFailedError("entry-twice", entry=position)
        case.entries[entry.text_hash] = entry
        case.outside |= _outside(entry, proof, body)


def _outside(entry: Entry, proof: TlogProof, body: Checkpoint) -> dict[int, str]:
    try:
        merkle.check_inclusion(
            merkle.leaf_hash(entry.data),
            index=proof.index,
            size=body.size,
            proof=proof.hashes,
            root=body.root,
        )
    except LogError as error:
        return {entry.index: str(error)}
    return {}


def read_artifacts(case: Case) -> None:
    """Read the carried artifacts, once the subject is found among the entries.

    Raises:
        CheckFailedError: one is not base64, is carried twice, or has not the digest that it goes by.
    """
    looked_at = looked_at_of(case)
    for carried in case.evidence.artifacts:
        try:
            data = encoding.from_base64(carried.data)
        except EncodingError as error:
            raise CheckFailedError("bad-artifact", digest=carried.digest, why=str(error)) from None
        keep_artifact(case, carried.digest, data, looked_at)


def keep_artifact(case: Case, digest: str, data: bytes, looked_at: Set[str]) -> None:
    """Keep an artifact that has the digest which it goes by.

    Those that a check looks at are compared there, where the reader learns what the difference means.

    Raises:
        CheckFailedError: `bad-artifact`.
    """
    if digest not in looked_at and encoding.digest(data) != digest:
        raise CheckFailedError("bad-artifact", digest=digest, why="wrong-digest")
    if digest in case.artifacts:
        raise CheckFailedError("bad-artifact", digest=digest, why="said-twice")
    case.artifacts[digest] = data


def looked_at_of(case: Case) -> set[str]:
    """Return the digests of the artifacts that a check looks at."""
    named = (case.said.objects, case.said.inspectors, *case.said.joint)
    snapshots = (case.entries.get(ref.text) for ref in named)
    rosters = [entry.statement for entry in snapshots if entry and isinstance(entry.statement, SnapshotStatement)]
    drawn = [] if case.draw is None else [case.drew]
    shown = case.file_pulses if case.draw is None else case.drew.pulses
    return set(artifact_names(case.said, rosters, drawn, pulses=shown))
