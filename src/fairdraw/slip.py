"""Slips: one row's proof, small enough to hand to whom it concerns. specs/slip.md.

Whoever is handed the slip of another row must see it: the owner's copy carries the owner's own fields (attack 40).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from fairdraw import encoding
from fairdraw.bundle import Carried, Path, Proofs, Slip, evidence, relevant, statements
from fairdraw.errors import BundleError, EncodingError
from fairdraw.logged import Statements
from fairdraw.quota import strata_of
from fairdraw.randomness import artifacts_of
from fairdraw.record import DrawnLine, StratumLine, StratumValues, read_lines
from fairdraw.roster import Lookup
from fairdraw.schema import Announcement, Draw, Plan, SnapshotStatement
from fairdraw.snapshot import Opening
from fairdraw.statement import Entry
from transparency_log import merkle
from transparency_log.cosigned import SignedSize

CARRIED = frozenset({"evidence", "key", "commitment", "reveal", "reveals-closed", "deposit", "opening", "plan"})


def between(announcement: Entry, entry: Entry, draw: Entry) -> bool:
    """Say whether an entry is of the bureau's chain from announcement to draw, which a slip carries whole.

    Without the reveals that count, say, another key would come out, and the drawn would be told that they are not.
    """
    mine = entry.statement.by == announcement.statement.by
    return mine and announcement.index <= entry.index <= draw.index


def _path(line: bytes, index: int, proof: Sequence[bytes]) -> Path:
    return Path(line=encoding.to_base64(line), index=index, hashes=tuple(node.hex() for node in proof))


def make_slip(
    log_entries: Sequence[bytes], sizes: Sequence[SignedSize], *, no: str, own: Sequence[Opening] = (), **parts: Any
) -> Slip:
    """Return the slip of one row; `parts` are those of `make_slips`.

    Raises:
        BundleError: `no-such-row`, or no checkpoint covers the draw.
    """
    return next(make_slips(log_entries, sizes, numbers=[no], own={no: own}, **parts))


def make_slips(log_entries: Sequence[bytes], sizes: Sequence[SignedSize], **parts: Any) -> Iterator[Slip]:
    """Yield the slips of some rows of one snapshot; `parts` are those of `slips_of`.

    Raises:
        BundleError: `no-such-row`, or no checkpoint covers the draw.
    """
    return slips_of(Statements(statements(log_entries)), Proofs.of(log_entries, sizes), **parts)


def slips_of(  # noqa: PLR0913 - each is a part of the proof
    known: Statements,
    proofs: Proofs,
    *,
    announcement: Entry,
    draw: Entry,
    plan: Plan,
    snapshot: Entry,
    roster: Lookup,
    results: bytes,
    exclusions: bytes,
    role: Literal["objects", "inspectors"],
    numbers: Iterable[str],
    own: Mapping[str, Sequence[Opening]] = MappingProxyType({}),
    artifacts: Mapping[str, bytes] = MappingProxyType({}),
) -> Iterator[Slip]:
    """Yield the slips of some rows of one snapshot; what they share is computed once.

    `known` are the log's statements, `proofs` read its tree: a log that has its tiles is not hashed for one draw.

    `results` are the result list's lines, unsealed, `exclusions` the announced list, `artifacts` those of
    `randomness.artifacts_of`, by digest, `own` the openings of those whose owner's copy it is.

    Raises:
        BundleError: `no-such-row`, or no checkpoint covers the draw.
    """
    lines = encoding.split_lines(results)
    strata, drawn = read_lines(results)
    places = {(line.item, line.stratum): index for index, line in enumerate(strata)}
    named = _named(drawn, role, len(strata))
    tree = merkle.Tree.over(lines)
    needed = {announcement.text_hash, draw.text_hash, snapshot.text_hash}
    carried = [
        entry
        for entry in relevant(known, announcement, draw)
        if entry.text_hash in needed or entry.statement.type in CARRIED or between(announcement, entry, draw)
    ]
    proven = evidence(proofs, carried)
    said = draw.of(Draw)
    documents = tuple(
        Carried(digest=name, data=encoding.to_base64(artifacts[name]))
        for name in sorted(artifacts_of(announcement.of(Announcement).beacon, said.pulses))
    )

    def listed(index: int) -> Path:
        return _path(lines[index], index, tree.inclusion_proof(index))

    for no in numbers:
        index = roster.find(no)
        if index is None:
            raise BundleError("no-such-row", registry=snapshot.of(SnapshotStatement).registry, found=no)
        slots = announcement.of(Announcement).slots
        wanted = strata_of(plan, slots, roster.row(index)) if role == "objects" else ()
        yield Slip(
            v=0,
            type="slip",
            log=said.log,
            bureau=said.bureau,
            announcement=announcement.text_hash,
            draw=draw.text_hash,
            registry=role,
            no=no,
            row=_path(roster.line(index), index, roster.proof(index)),
            strata=tuple(listed(_place(places, one)) for one in wanted),
            exclusions=encoding.to_base64(exclusions),
            teams=tuple(map(listed, named.get(no, ()))),
            own=tuple(own.get(no, ())),
            artifacts=documents,
            **proven,
        )


def _named(drawn: Sequence[DrawnLine], role: Literal["objects", "inspectors"], first: int) -> dict[str, list[int]]:
    """Return the places of the drawn lines that name each number; `first` is the place of the first one."""
    told: dict[str, list[int]] = {}
    for index, line in enumerate(drawn, first):
        inspectors = {inspector for _, inspector in line.team} | set(line.experts)
        for no in [line.no] if role == "objects" else inspectors:
            told.setdefault(no, []).append(index)
    return told


def _place(places: Mapping[tuple[str, StratumValues], int], wanted: tuple[str, StratumValues]) -> int:
    if wanted not in places:
        raise BundleError("no-such-stratum", found=str(wanted))
    return places[wanted]


def drawn_line(path: Path) -> DrawnLine:
    """Return the drawn object that a path's line is about.

    Raises:
        EncodingError: it is another kind of line.
    """
    _, drawn = read_lines(encoding.from_base64(path.line) + b"\n")
    if not drawn:
        raise EncodingError("bad-result-line", expected="DrawnLine", found=path.line[:40])
    return drawn[0]


def stratum_line(path: Path) -> StratumLine:
    """Return the stratum that a path's line is about.

    Raises:
        EncodingError: it is another kind of line.
    """
    strata, _ = read_lines(encoding.from_base64(path.line) + b"\n")
    if not strata:
        raise EncodingError("bad-result-line", expected="StratumLine", found=path.line[:40])
    return strata[0]
