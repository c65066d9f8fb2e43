"""Bundles and slips: all that a stranger needs beside the own trust file. specs/bundle.md, specs/slip.md.

Both are one line of canonical JSON that carries other formats as base64 of their exact bytes. Making them from a log is
done here; judging them is `verify`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Final, Literal, Self, TypedDict

from pydantic import FailFast, Field, ValidationError

from fairdraw import encoding
from fairdraw.errors import BundleError, EncodingError, StatementError
from fairdraw.exclusion import looks_back
from fairdraw.logged import Statements, Subject
from fairdraw.randomness import artifacts_of
from fairdraw.schema import (
    Announcement,
    Draw,
    Evidence,
    ItemList,
    Key,
    Opening,
    Plan,
    RevealsClosed,
    SnapshotStatement,
    Until,
)
from fairdraw.snapshot import Opening as FieldOpening
from fairdraw.statement import Entry, read_entry
from fairdraw.values import Artifact, Count, Hash, Name, Number, PulseValue, Value
from transparency_log import merkle
from transparency_log.cosigned import FirstSeen, SignedSize
from transparency_log.note import Note, Signature
from transparency_log.proof import TlogProof
from transparency_log.reader import MAX_COSIGNED

MAX_BUNDLE: Final = 1 << 30  # bytes; a larger draw is verified from the folder (specs/bundle.md §4)
ROSTERS: Final = MAX_BUNDLE // 4 * 3  # bytes of them that rosters may take, in base64
NEEDS_EARLY_QUORUM: Final = frozenset(
    {"plan", "announcement", "void", "reveals-closed", "deposit", "evidence", "opening"}
)
Base64 = str


class LoggedEntry(Value):
    """An entry and its `.tlog-proof` in the bundle's final checkpoint, both base64."""

    note: Base64
    proof: Base64


class Earlier(Value):
    """An earlier signed checkpoint (base64) and its consistency proof to the final one."""

    checkpoint: Base64
    consistency: Annotated[tuple[Hash, ...], FailFast()]


class Carried(Value):
    """An artifact: the digest by which statements name it, and its bytes in base64."""

    digest: Hash
    data: Base64


class Path(Value):
    """A line of a list, its index there, and its inclusion proof (RFC 6962 §2.1.1)."""

    line: Base64
    index: Count
    hashes: Annotated[tuple[Hash, ...], FailFast()]


class _Evidence(Value):
    v: Literal[0]
    log: Name
    bureau: Name
    announcement: Hash
    draw: Hash | None
    checkpoint: Base64
    checkpoints: Annotated[tuple[Earlier, ...], Field(max_length=1000), FailFast()]
    entries: Annotated[tuple[LoggedEntry, ...], Field(min_length=1, max_length=100_000), FailFast()]

    def format(self) -> bytes:
        """Return the file's bytes: one line of canonical JSON and a newline."""
        return encoding.canonical(self.model_dump()) + b"\n"


class Bundle(_Evidence):
    """A whole draw. `draw` is None where none was logged; `embargo` is for depositaries and after the opening."""

    type: Literal["bundle"]
    pulses: Annotated[tuple[PulseValue, ...], FailFast()]
    embargo: Hash | None
    artifacts: Annotated[tuple[Carried, ...], FailFast()]


class Slip(_Evidence):
    """One row's proof.

    `strata` are an object's stratum lines, one for each item whose filter lets it through; `exclusions` is the
    announced list (base64), by which it may have been passed over; `teams` are the drawn lines that name the row: none
    or one for an object, any number for an inspector. `own` are the owner's openings, in the owner's copy only.
    `artifacts` are the documents of a source that is no chain of drand.
    """

    type: Literal["slip"]
    registry: Literal["objects", "inspectors"]
    no: Number
    row: Path
    strata: Annotated[tuple[Path, ...], FailFast()]
    exclusions: Base64
    teams: Annotated[tuple[Path, ...], FailFast()]
    own: Annotated[tuple[FieldOpening, ...], FailFast()]
    artifacts: Annotated[tuple[Carried, ...], FailFast()]


def read_file(data: bytes) -> Bundle | Slip:
    """Return the bundle or slip in a file.

    Raises:
        BundleError: what was expected and what was found.
    """
    if len(data) > MAX_BUNDLE:
        raise BundleError("bundle-too-large", expected=MAX_BUNDLE, found=len(data))
    if not data.endswith(b"\n"):
        raise BundleError("not-a-bundle", reason="unfinished-line")
    line = data[:-1]
    try:
        value = encoding.parse(line)
        if not isinstance(value, dict):
            raise BundleError("not-a-bundle", reason="not an object")
        kind: type[Bundle | Slip] = Slip if value.get("type") == "slip" else Bundle
        # A hundred thousand wrong fields must not become a hundred thousand reports of an error.
        if value.keys() != kind.model_fields.keys():
            found = sorted(value.keys() ^ kind.model_fields.keys())
            raise BundleError("not-a-bundle", field=found[0], reason="missing or unknown")
        file = kind.model_validate_json(line)
    except EncodingError as error:
        raise BundleError("not-a-bundle", reason=str(error)) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BundleError("not-a-bundle", field=where, reason=first["msg"]) from None
    if value["v"] is False:  # to the schema `false` is 0; it is another spelling
        raise BundleError("not-a-bundle", field="v", reason="not 0")
    return file


def statements(entries: Iterable[bytes], *, start: int = 0) -> list[Entry]:
    """Return the statements among a log's entries from `start` on, by whomever, and as often as their text was logged.

    Which entry of a text counts is for `verify` to say: the first *valid* one. The very first may be a forgery that is
    there to hide it.
    """
    told: list[Entry] = []
    for index, data in enumerate(entries, start):
        try:
            told.append(read_entry(data, index))
        except StatementError:
            continue  # anybody's bytes may stand in a log
    return told


def relevant(all_statements: Iterable[Entry], announcement: Entry, draw: Entry | None) -> list[Entry]:
    """Return the entries that a bundle of this draw carries (specs/bundle.md §2), in log order.

    They are the bureau's chain from the plan version that first has a slot through the draw; all `key` entries, also
    later ones; what supervisors logged for this draw: receipts, commitments, reveals, deposits; the list of reveals;
    openings and withdrawals after it. Whoever makes many bundles gives the log's `Statements`.
    """
    known = all_statements if isinstance(all_statements, Statements) else Statements(all_statements)
    said = announcement.of(Announcement)
    last = announcement if draw is None else draw
    references = [said.plan, said.objects, said.inspectors, *said.joint]
    if said.seed.kind == "committed":
        references += [contributor.commitment for contributor in said.seed.contributors]
    indices = {announcement.index, last.index, *(ref.index for ref in references)}
    named = {announcement.text_hash, *(ref.text for ref in references)}
    carried = named | _history(known, last, said, named)
    embargo = said.disclosure.embargo if isinstance(said.disclosure, Until) else None

    def wanted(entry: Entry) -> bool:
        match entry.statement:
            case Key() as key:
                # Later ones too: an opening may be signed with the next key, and a thief must not use the last one.
                return key.by != said.by or entry.index > last.index
            case Evidence(of=of) | RevealsClosed(announcement=of):
                # Without a draw nothing leads back to the list of reveals, and what would be drawn depends on it.
                return of.text == announcement.text_hash
            case Opening(of=of):
                return of.text in {announcement.text_hash, last.text_hash}
            case SnapshotStatement():
                # A department's newest snapshot is the one that counts: those beside the announced one are shown too.
                return entry.index < announcement.index
        return True  # whatever else is about these

    subjects: list[Subject] = [*carried, last.text_hash]
    subjects += [("withdrawal", digest) for digest in _files(known, said, draw)]
    subjects += [("snapshot", name) for name in said.with_]
    subjects += [] if embargo is None else [("deposit", embargo)]
    texts = {text for subject in subjects for text in known.about(subject)}
    found = ((text, known.get(text, indices)) for text in {*carried, *texts, *known.keys})
    told = (entry for text, entry in found if entry is not None and (text in carried or wanted(entry)))
    return sorted(told, key=lambda entry: entry.index)


def _files(known: Statements, said: Announcement, draw: Entry | None) -> list[str]:
    """Return the digests of a draw's own artifacts."""
    named = (known.get(ref.text) for ref in (said.objects, said.inspectors, *said.joint))
    snapshots = [one.statement for one in named if one is not None and isinstance(one.statement, SnapshotStatement)]
    draws = [] if draw is None else [draw.of(Draw)]
    return artifact_names(said, snapshots, draws, pulses=[pulse for one in draws for pulse in one.pulses])


def _history(known: Statements, last: Entry, said: Announcement, named: Collection[str]) -> set[str]:
    """Return the texts of the bureau's chain from where it matters, its changes of key before, and its item list."""
    chain = known.chain(last)
    end = chain.places[last.text_hash]
    start = chain.first_of(named, said.slots, end)
    told = {chain.texts[at] for at in chain.keys if at <= end}
    plan = known.get(said.plan.text)
    if plan is not None and isinstance(plan.statement, Plan):
        if looks_back(plan.statement, said.slots):
            start = min(start, chain.last_before(plan.statement.year, end))  # caps count from there
        told |= set() if plan.statement.items is None else {plan.statement.items.text}
    return told | set(chain.texts[start : end + 1])


@dataclass(frozen=True, kw_only=True)
class Proofs:
    """A log as its bundles prove from it: its leaves' tree and its signed checkpoints, each looked at once.

    `read` returns the root of a perfect subtree, as `merkle` has it: of a tree in memory, or of the log's own tiles.
    """

    read: merkle.NodeReader
    sizes: Sequence[SignedSize]

    @classmethod
    def of(cls, log_entries: Sequence[bytes], sizes: Sequence[SignedSize]) -> Self:
        """Return the proofs of a log in memory."""
        size = max((one.size for one in sizes), default=0)
        return cls(read=merkle.Tree.over(log_entries[:size]).node, sizes=sizes)

    @cached_property
    def _first(self) -> FirstSeen[SignedSize]:
        return FirstSeen((s.size, s.quorum_time, s) for s in self.sizes if s.quorum_time is not None)

    @cached_property
    def _newest(self) -> tuple[SignedSize, ...]:
        """The largest signed checkpoint that a quorum has cosigned, and the largest of all."""
        cosigned = [one for one in self.sizes if one.quorum_time is not None]
        return tuple(max(some, key=lambda one: one.size) for some in (cosigned, self.sizes) if some)

    def checkpoints(self, carried: Sequence[Entry]) -> tuple[SignedSize, list[SignedSize]]:
        """Return the final checkpoint of a bundle, and the earlier ones that show since when a quorum had its entries.

        Raises:
            BundleError: `no-checkpoint`: none has all of them.
        """
        needed = max(entry.index for entry in carried) + 1
        final = next((one for one in self._newest if one.size >= needed), None)
        if final is None:
            raise BundleError("no-checkpoint", expected=needed)
        timed = (self._first.of(entry.index) for entry in carried if entry.statement.type in NEEDS_EARLY_QUORUM)
        early = {found[1].size: found[1] for found in timed if found is not None and found[1].size < final.size}
        return final, [early[size] for size in sorted(early)]


def thin(data: bytes) -> bytes:
    """Return a signed checkpoint with each witness's first and last line: what Order and freshness count.

    A log that nobody appends to is cosigned again every day; readers take a hundred lines at most.
    """
    note = Note.parse(data, max_signatures=MAX_COSIGNED)
    log_line, *rest = note.signatures
    lines: dict[tuple[str, bytes], list[Signature]] = {}
    for line in sorted(rest, key=lambda line: line.data[:8]):
        lines.setdefault((line.name, line.key_id), []).append(line)
    kept = [line for group in lines.values() for line in dict.fromkeys((group[0], group[-1]))]
    return Note(note.text, (log_line, *kept)).format()


class Proven(TypedDict):
    """The fields of a bundle or slip that hold statements of the log, and the proofs that they are in it."""

    checkpoint: str
    checkpoints: tuple[Earlier, ...]
    entries: tuple[LoggedEntry, ...]


def evidence(proofs: Proofs, carried: Sequence[Entry]) -> Proven:
    """Return the checkpoint fields and entries of a bundle or slip.

    Raises:
        BundleError: `no-checkpoint`.
    """
    final, early = proofs.checkpoints(carried)
    checkpoint = thin(final.data)
    return {
        "checkpoint": encoding.to_base64(checkpoint),
        "checkpoints": tuple(
            Earlier(
                checkpoint=encoding.to_base64(thin(one.data)),
                consistency=tuple(
                    node.hex()
                    for node in merkle.consistency_proof_from(proofs.read, old_size=one.size, new_size=final.size)
                ),
            )
            for one in early
        ),
        "entries": tuple(
            LoggedEntry(
                note=encoding.to_base64(entry.data),
                proof=encoding.to_base64(
                    TlogProof(
                        index=entry.index,
                        hashes=tuple(merkle.inclusion_proof_from(proofs.read, index=entry.index, size=final.size)),
                        checkpoint=checkpoint,
                    ).format()
                ),
            )
            for entry in carried
        ),
    }


def make_bundle(
    log_entries: Sequence[bytes],
    sizes: Sequence[SignedSize],
    *,
    announcement: Entry,
    draw: Entry | None,
    pulses: Sequence[PulseValue],
    artifacts: Mapping[str, bytes],
    embargo: str | None = None,
) -> Bundle:
    """Return the bundle of a draw from its log's entries and signed checkpoints.

    Raises:
        BundleError: `no-checkpoint`: none covers the draw.
    """
    return bundle_of(
        Statements(statements(log_entries)), Proofs.of(log_entries, sizes), announcement=announcement, draw=draw,
        pulses=pulses, artifacts=artifacts, embargo=embargo,
    )  # fmt: skip


def bundle_of(
    known: Statements,
    proofs: Proofs,
    *,
    announcement: Entry,
    draw: Entry | None,
    pulses: Sequence[PulseValue],
    artifacts: Mapping[str, bytes],
    embargo: str | None = None,
) -> Bundle:
    """Return the bundle of a draw, as `make_bundle` does, of a log that was read once for many draws.

    Raises:
        BundleError: `no-checkpoint`: none covers the draw.
    """
    return Bundle(
        v=0,
        type="bundle",
        log=announcement.statement.log,
        bureau=announcement.statement.bureau,
        announcement=announcement.text_hash,
        draw=None if draw is None else draw.text_hash,
        pulses=tuple(pulses),
        embargo=embargo,
        artifacts=tuple(Carried(digest=name, data=encoding.to_base64(artifacts[name])) for name in sorted(artifacts)),
        **evidence(proofs, relevant(known, announcement, draw)),
    )


def left_out(rosters: Iterable[Artifact]) -> set[str]:
    """Return the digests of the rosters that a bundle leaves out so that it can be read: the largest first."""
    sizes = {roster.digest: roster.length * 4 // 3 for roster in rosters}
    out: set[str] = set()
    for digest in sorted(sizes, key=lambda digest: -sizes[digest]):
        if sum(size for one, size in sizes.items() if one not in out) > ROSTERS:
            out.add(digest)
    return out


def artifact_names(
    announcement: Announcement,
    snapshots: Iterable[SnapshotStatement],
    draws: Iterable[Draw],
    items: ItemList | None = None,
    *,
    pulses: Sequence[PulseValue] = (),
    regulation: bytes | None = None,
) -> list[str]:
    """Return the digests of the artifacts that a bundle carries where they may be had.

    `draws` are this one, unless it is sealed, and the earlier ones of the year that caps and instalments look at;
    `pulses` are this one's, which may name documents; `regulation` is the announced artifact, which may derive from
    another.
    """
    names = [announcement.recusals.digest, announcement.exclusions.digest]
    names += [announcement.regulation.digest] if announcement.regulation else []
    names += [snapshot.roster.digest for snapshot in snapshots if snapshot.published]
    names += [draw.results.digest for draw in draws]
    names += [items.items.digest] if items else []
    names += artifacts_of(announcement.beacon, pulses)
    if regulation is not None:
        from fairdraw.regulation import parents_of  # noqa: PLC0415 -- a slip needs no regulation, and does not wait for one

        names += parents_of(regulation)
    return sorted(set(names))
