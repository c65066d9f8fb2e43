"""Bundles and slips: all that a stranger needs beside the own trust file. specs/bundle.md, specs/slip.md.

Both are one line of canonical JSON that carries other formats as base64 of their exact bytes. Making them from a log is
done here; judging them is `verify`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Final, Literal, TypedDict

from pydantic import FailFast, Field, ValidationError

from fairdraw import encoding
from fairdraw.encoding import year_of
from fairdraw.errors import BundleError, EncodingError, StatementError
from fairdraw.exclusion import looks_back
from fairdraw.randomness import artifacts_of
from fairdraw.regulation import parents_of
from fairdraw.schema import (
    Announcement,
    Deposit,
    Draw,
    Evidence,
    ItemList,
    Key,
    Opening,
    Plan,
    Receipt,
    Reveal,
    RevealsClosed,
    SignOff,
    SnapshotStatement,
    Until,
    Withdrawal,
)
from fairdraw.snapshot import Opening as FieldOpening
from fairdraw.statement import Entry, read_entry
from fairdraw.values import Count, Hash, Name, Number, PulseValue, Value
from transparency_log import merkle
from transparency_log.cosigned import SignedSize
from transparency_log.note import Note, Signature
from transparency_log.proof import TlogProof
from transparency_log.reader import MAX_COSIGNED

MAX_BUNDLE: Final = 1 << 30  # bytes; a larger draw is verified from the folder (specs/bundle.md §4)
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


def statements(entries: Iterable[bytes]) -> list[Entry]:
    """Return the statements among a log's entries, signed by whomever, and as often as their text was logged.

    Which entry of a text counts is for `verify` to say: the first *valid* one. The very first may be a forgery that is
    there to hide it.
    """
    told: list[Entry] = []
    for index, data in enumerate(entries):
        try:
            told.append(read_entry(data, index))
        except StatementError:
            continue  # anybody's bytes may stand in a log
    return told


def _one_of_each(all_statements: Iterable[Entry], named: Collection[int]) -> dict[str, Entry]:
    """Return one entry of each text, the one that is named by its index or else the first, in log order."""
    told: dict[str, Entry] = {}
    for entry in all_statements:
        if entry.text_hash not in told or (entry.index in named and told[entry.text_hash].index not in named):
            told[entry.text_hash] = entry
    return told


def _chain(known: Mapping[str, Entry], last: Entry) -> list[Entry]:
    """Return a signer's statements up to one, followed back by `prev`: what others forge in its name is not in it."""
    chain = [last]
    while (before := known.get(chain[-1].statement.prev or "")) is not None:
        chain.append(before)
    return chain[::-1]


def _has_slot(entry: Entry, said: Announcement) -> bool:
    return isinstance(entry.statement, Plan) and not set(said.slots).isdisjoint(entry.statement.slots)


def relevant(all_statements: Sequence[Entry], announcement: Entry, draw: Entry | None) -> list[Entry]:
    """Return the entries that a bundle of this draw carries (specs/bundle.md §2), in log order.

    They are the bureau's chain from the plan version that first has a slot through the draw; all `key` entries, also
    later ones; what supervisors logged for this draw: receipts, commitments, reveals, deposits; the list of reveals;
    openings and withdrawals after it.
    """
    said = announcement.of(Announcement)
    last = announcement if draw is None else draw
    references = [said.plan, said.objects, said.inspectors, *said.joint]
    if said.seed.kind == "committed":
        references += [contributor.commitment for contributor in said.seed.contributors]
    known = _one_of_each(all_statements, {announcement.index, last.index, *(ref.index for ref in references)})
    chain = _chain(known, last)
    named = {announcement.text_hash, *(ref.text for ref in references)}
    carried = named | _history(chain, known, said, named)
    snapshots = [known[ref.text].statement for ref in (said.objects, said.inspectors, *said.joint) if ref.text in known]
    rosters = [one for one in snapshots if isinstance(one, SnapshotStatement)]
    draws = [] if draw is None else [draw.of(Draw)]
    digests = artifact_names(said, rosters, draws, pulses=[p for one in draws for p in one.pulses])
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
            case SnapshotStatement() as snapshot:
                # A department's newest snapshot is the one that counts: those beside the announced one are shown too.
                return snapshot.by in said.with_ and entry.index < announcement.index
            case Deposit() as deposit:
                return deposit.embargo == embargo
            case Withdrawal() as withdrawal:
                return withdrawal.digest in digests
        return _names(entry) in carried

    told = (entry for entry in known.values() if entry.text_hash in carried or wanted(entry))
    return sorted(told, key=lambda entry: entry.index)


def _names(entry: Entry) -> str | None:
    """Return the text that a supervisor's receipt, sign-off or reveal is about."""
    match entry.statement:
        case Receipt(snapshot=of) | SignOff(of=of) | Reveal(commitment=of):
            return of.text
    return None


def _history(
    chain: Sequence[Entry], known: Mapping[str, Entry], said: Announcement, named: Collection[str]
) -> set[str]:
    """Return the texts of the bureau's chain from where it matters, its changes of key before, and its item list."""
    start = next((at for at, entry in enumerate(chain) if entry.text_hash in named or _has_slot(entry, said)), 0)
    told = {entry.text_hash for entry in chain if isinstance(entry.statement, Key)}
    plan = known[said.plan.text].statement if said.plan.text in known else None
    if isinstance(plan, Plan):
        if looks_back(plan, said.slots):
            start = min(start, _before_the_year(chain, plan.year))
        told |= set() if plan.items is None else {plan.items.text}
    return told | {entry.text_hash for entry in chain[start:]}


def _before_the_year(chain: Sequence[Entry], year: int) -> int:
    """Return where a chain's last statement before a year stands, 0 where there is none: caps count from there."""
    before = [at for at, entry in enumerate(chain) if year_of(encoding.parse_time(entry.statement.time)) < year]
    return max((at for at in before if not isinstance(chain[at].statement, Key)), default=0)


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


class Proven(TypedDict):
    """The fields of a bundle or slip that hold statements of the log, and the proofs that they are in it."""

    checkpoint: str
    checkpoints: tuple[Earlier, ...]
    entries: tuple[LoggedEntry, ...]


def evidence(log_entries: Sequence[bytes], sizes: Sequence[SignedSize], carried: Sequence[Entry]) -> Proven:
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
    known: Sequence[Entry] | None = None,
) -> Bundle:
    """Return the bundle of a draw from its log's entries and signed checkpoints.

    `known` are the log's statements, if they are read already.

    Raises:
        BundleError: `no-checkpoint`: none covers the draw.
    """
    carried = relevant(statements(log_entries) if known is None else known, announcement, draw)
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
        **evidence(log_entries, sizes, carried),
    )


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
    names += [] if regulation is None else parents_of(regulation)
    return sorted(set(names))
