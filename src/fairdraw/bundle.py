"""Bundles and slips: all that a stranger needs beside the own trust file. specs/bundle.md, specs/slip.md.

Both are one line of canonical JSON that carries other formats as base64 of their exact bytes. Making them from a log is
done here; judging them is `verify`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from fairdraw import encoding
from fairdraw.errors import BundleError, EncodingError, StatementError
from fairdraw.schema import (
    Announcement,
    Commitment,
    Count,
    Deposit,
    Draw,
    Hash,
    Key,
    Name,
    Number,
    Opening,
    Plan,
    PulseValue,
    Receipt,
    Reveal,
    SnapshotStatement,
    Until,
    Value,
)
from fairdraw.snapshot import Opening as FieldOpening
from fairdraw.statement import Entry, read_entry
from transparency_log import merkle
from transparency_log.note import Note, Signature
from transparency_log.proof import TlogProof
from transparency_log.reader import MAX_COSIGNED

MAX_BUNDLE: Final = 1 << 30  # bytes; a larger draw is verified from the folder (specs/bundle.md §4)
NEEDS_EARLY_QUORUM: Final = frozenset({"plan", "announcement", "void", "reveals-closed", "deposit"})
Base64 = str


class LoggedEntry(Value):
    """An entry and its `.tlog-proof` in the bundle's final checkpoint, both base64."""

    note: Base64
    proof: Base64


class Earlier(Value):
    """An earlier signed checkpoint (base64) and its consistency proof to the final one."""

    checkpoint: Base64
    consistency: tuple[Hash, ...]


class Carried(Value):
    """An artifact: the digest by which statements name it, and its bytes in base64."""

    digest: Hash
    data: Base64


class Path(Value):
    """A line of a list, its index there, and its inclusion proof (RFC 6962 §2.1.1)."""

    line: Base64
    index: Count
    hashes: tuple[Hash, ...]


class _Evidence(Value):
    v: Literal[0]
    log: Name
    bureau: Name
    announcement: Hash
    draw: Hash | None
    checkpoint: Base64
    checkpoints: Annotated[tuple[Earlier, ...], Field(max_length=1000)]
    entries: Annotated[tuple[LoggedEntry, ...], Field(min_length=1, max_length=100_000)]

    def format(self) -> bytes:
        """Return the file's bytes: one line of canonical JSON and a newline."""
        return encoding.canonical(self.model_dump()) + b"\n"


class Bundle(_Evidence):
    """A whole draw. `draw` is None where none was logged; `embargo` is for depositaries and after the opening."""

    type: Literal["bundle"]
    pulses: tuple[PulseValue, ...]
    embargo: Hash | None
    artifacts: tuple[Carried, ...]


class Slip(_Evidence):
    """One row's proof.

    `stratum` is an object's stratum line; `teams` are the drawn lines that name the row: none or one for an object,
    any number for an inspector. `own` are the owner's openings, in the owner's copy only.
    """

    type: Literal["slip"]
    registry: Literal["objects", "inspectors"]
    no: Number
    row: Path
    stratum: Path | None
    teams: tuple[Path, ...]
    own: tuple[FieldOpening, ...]


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
        if isinstance(value, dict) and value.get("type") == "slip":
            return Slip.model_validate_json(line)
        return Bundle.model_validate_json(line)
    except EncodingError as error:
        raise BundleError("not-a-bundle", reason=str(error)) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BundleError("not-a-bundle", field=where, reason=first["msg"]) from None


@dataclass(frozen=True, slots=True)
class SignedSize:
    """A signed checkpoint of a log: its size, its bytes, and when a quorum had cosigned it (None: it has not)."""

    size: int
    data: bytes
    quorum_time: int | None


def statements(entries: Iterable[bytes]) -> list[Entry]:
    """Return the statements among a log's entries, the first of each text."""
    told: list[Entry] = []
    seen: set[str] = set()
    for index, data in enumerate(entries):
        try:
            entry = read_entry(data, index)
        except StatementError:
            continue  # anybody's bytes may stand in a log
        if entry.text_hash not in seen:
            seen.add(entry.text_hash)
            told.append(entry)
    return told


def relevant(all_statements: Sequence[Entry], announcement: Entry, draw: Entry | None) -> list[Entry]:
    """Return the entries that a bundle of this draw carries (specs/bundle.md §2), in log order.

    They are the bureau's chain from the plan version that first has a slot through the draw, all `key` entries before,
    and what supervisors logged for this draw: receipts, commitments, reveals, deposits; and openings after it.
    """
    said = announcement.of(Announcement)
    slots = set(said.slots)
    first = next(
        (e.index for e in all_statements if isinstance(e.statement, Plan) and slots & set(e.statement.slots)),
        0,
    )
    last = announcement.index if draw is None else draw.index
    snapshots = {said.objects.text, said.inspectors.text}
    committed = {c.commitment.text for c in said.seed.contributors} if said.seed.kind == "committed" else set()
    embargo = said.disclosure.embargo if isinstance(said.disclosure, Until) else None
    of_draw = {announcement.text_hash} | ({draw.text_hash} if draw else set())

    def wanted(entry: Entry) -> bool:
        if entry.statement.by == said.by and first <= entry.index <= last:
            return True
        match entry.statement:
            case Key():
                return entry.index <= last
            case Receipt() as receipt:
                return receipt.snapshot.text in snapshots
            case Commitment():
                return entry.text_hash in committed
            case Reveal() as reveal:
                return reveal.commitment.text in committed
            case Deposit() as deposit:
                return deposit.embargo == embargo
            case Opening() as opening:
                return opening.of.text in of_draw
        return entry.text_hash in snapshots | {said.plan.text}

    return [entry for entry in all_statements if wanted(entry)]


def _quorum_after(sizes: Sequence[SignedSize], index: int) -> SignedSize | None:
    """Return the signed checkpoint above an index that a quorum cosigned first."""
    fitting = [s for s in sizes if s.size > index and s.quorum_time is not None]
    return min(fitting, key=lambda s: (s.quorum_time, s.size), default=None)


def _thin(data: bytes) -> bytes:
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


def evidence(log_entries: Sequence[bytes], sizes: Sequence[SignedSize], carried: Sequence[Entry]) -> dict[str, object]:
    """Return the checkpoint fields and entries of a bundle or slip."""
    newest = max(carried, key=lambda entry: entry.index)
    quorum = [s for s in sizes if s.size > newest.index and s.quorum_time is not None]
    final = max(quorum or [s for s in sizes if s.size > newest.index], key=lambda s: s.size, default=None)
    if final is None:
        raise BundleError("no-checkpoint", expected=newest.index + 1)
    timed = [entry for entry in carried if entry.statement.type in NEEDS_EARLY_QUORUM]
    early = {s.size: s for entry in timed if (s := _quorum_after(sizes, entry.index)) and s.size < final.size}
    checkpoint = _thin(final.data)
    part = merkle.Tree(map(merkle.leaf_hash, log_entries[: final.size]))
    return {
        "checkpoint": encoding.to_base64(checkpoint),
        "checkpoints": tuple(
            Earlier(
                checkpoint=encoding.to_base64(_thin(s.data)),
                consistency=tuple(h.hex() for h in part.consistency_proof(s.size)),
            )
            for s in sorted(early.values(), key=lambda s: s.size)
        ),
        "entries": tuple(
            LoggedEntry(
                note=encoding.to_base64(entry.data),
                proof=encoding.to_base64(
                    TlogProof(
                        index=entry.index,
                        hashes=tuple(part.inclusion_proof(entry.index)),
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
    carried = relevant(statements(log_entries), announcement, draw)
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
        **evidence(log_entries, sizes, carried),  # type: ignore[arg-type]  # its three fields, typed as one dict
    )


def artifact_names(announcement: Announcement, snapshots: Iterable[SnapshotStatement], draw: Draw | None) -> list[str]:
    """Return the digests of the artifacts that a bundle carries where they may be had."""
    names = [announcement.recusals.digest, announcement.exclusions.digest]
    names += [snapshot.roster.digest for snapshot in snapshots if snapshot.published]
    if draw is not None:
        names.append(draw.results.digest)
    return sorted(set(names))
