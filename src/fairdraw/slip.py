"""Slips: one row's proof, small enough to hand to whom it concerns. specs/slip.md.

Whoever is handed the slip of another row must see it: the owner's copy carries the owner's own fields (attack 40).
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from fairdraw import encoding
from fairdraw.bundle import Carried, Path, SignedSize, Slip, evidence, relevant, statements
from fairdraw.errors import BundleError, EncodingError
from fairdraw.quota import strata_of
from fairdraw.randomness import artifacts_of
from fairdraw.record import DrawnLine, StratumLine, StratumValues, read_lines
from fairdraw.schema import Announcement, Draw, Plan, SnapshotStatement
from fairdraw.snapshot import Opening, Roster
from fairdraw.statement import Entry
from transparency_log import merkle

CARRIED = frozenset({"evidence", "key", "commitment", "reveal", "reveals-closed", "deposit", "opening", "plan"})


def between(announcement: Entry, entry: Entry, draw: Entry) -> bool:
    """Say whether an entry is of the bureau's chain from announcement to draw, which a slip carries whole.

    Without the reveals that count, say, another key would come out, and the drawn would be told that they are not.
    """
    mine = entry.statement.by == announcement.statement.by
    return mine and announcement.index <= entry.index <= draw.index


def _path(tree: merkle.Tree, lines: Sequence[bytes], index: int) -> Path:
    hashes = tuple(node.hex() for node in tree.inclusion_proof(index))
    return Path(line=encoding.to_base64(lines[index]), index=index, hashes=hashes)


def make_slip(  # noqa: PLR0913 - each is a part of the proof
    log_entries: Sequence[bytes],
    sizes: Sequence[SignedSize],
    *,
    announcement: Entry,
    draw: Entry,
    plan: Plan,
    snapshot: Entry,
    roster: Roster,
    results: bytes,
    exclusions: bytes,
    role: Literal["objects", "inspectors"],
    no: str,
    own: Sequence[Opening] = (),
    artifacts: Mapping[str, bytes] = MappingProxyType({}),
) -> Slip:
    """Return the slip of one row.

    `results` are the result list's lines, unsealed, `exclusions` the announced list, `artifacts` those of
    `randomness.artifacts_of`, by digest.

    Raises:
        BundleError: `no-such-row`, or no checkpoint covers the draw.
    """
    rows = {row.no: index for index, row in enumerate(roster.rows)}
    if no not in rows:
        raise BundleError("no-such-row", registry=snapshot.of(SnapshotStatement).registry, found=no)
    lines = encoding.split_lines(results)
    strata, drawn = read_lines(results)
    tree = merkle.Tree(map(merkle.leaf_hash, lines))
    row = roster.rows[rows[no]]
    own_strata: tuple[Path, ...] = ()
    if role == "objects":
        wanted = strata_of(plan, announcement.of(Announcement).slots, row)
        own_strata = tuple(_path(tree, lines, _index_of(strata, one)) for one in wanted)
        named = [i for i, line in enumerate(drawn) if line.no == no]
    else:
        named = [
            i for i, line in enumerate(drawn) if no in {inspector for _, inspector in line.team} | set(line.experts)
        ]
    needed = {announcement.text_hash, draw.text_hash, snapshot.text_hash}
    carried = [
        entry
        for entry in relevant(statements(log_entries), announcement, draw)
        if entry.text_hash in needed or entry.statement.type in CARRIED or between(announcement, entry, draw)
    ]
    said = draw.of(Draw)
    return Slip(
        v=0,
        type="slip",
        log=said.log,
        bureau=said.bureau,
        announcement=announcement.text_hash,
        draw=draw.text_hash,
        registry=role,
        no=no,
        row=_path(roster.tree, encoding.split_lines(roster.data), rows[no]),
        strata=own_strata,
        exclusions=encoding.to_base64(exclusions),
        teams=tuple(_path(tree, lines, len(strata) + i) for i in named),
        own=tuple(own),
        artifacts=tuple(
            Carried(digest=name, data=encoding.to_base64(artifacts[name]))
            for name in sorted(artifacts_of(announcement.of(Announcement).beacon, said.pulses))
        ),
        **evidence(log_entries, sizes, carried),
    )


def _index_of(strata: Sequence[StratumLine], wanted: tuple[str, StratumValues]) -> int:
    for index, line in enumerate(strata):
        if (line.item, line.stratum) == wanted:
            return index
    raise BundleError("no-such-stratum", found=str(wanted))


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
