"""Registry snapshots (名录库快照): seals, rosters and their openings. specs/snapshot.md.

`freeze` turns a registry into a roster that anybody may read and a secret that opens any one field of any one row.
Reading the registry's file is done in `registry`; the secret's 32 random bytes are an argument.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from fairdraw import encoding
from fairdraw.errors import EncodingError, SnapshotError
from fairdraw.roster import Attributes, Roster
from fairdraw.schema import SnapshotStatement
from fairdraw.sealing import SECRET_LENGTH, Sealer, field_leaf, roster_line, salt
from fairdraw.values import FieldName, Hash, Number, Value
from transparency_log import merkle
from transparency_log.errors import LogError

if TYPE_CHECKING:  # reading spreadsheets is not needed to verify one row
    from fairdraw.registry import Registry, Row

SMALL_GROUP: Final = 5  # attribute tuples that fewer rows share are reported: somebody may recognise them (attack 37)

_REMEMBERED: Final = 1 << 16  # attributes whose bytes are kept


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A frozen registry: the roster, and the private values that its seals cover, in roster order."""

    attrs: tuple[tuple[str, str], ...]
    private: tuple[tuple[str, bool], ...]
    roster: Roster
    rows: "tuple[Row, ...]"


class Opening(Value):
    """One private field of one row with its salt and its path to the row's seal."""

    no: Number
    field: FieldName
    value: str
    salt: Hash
    path: tuple[Hash, ...]


def freeze(registry: "Registry", secret: bytes, *, previous_seals: Set[str] = frozenset()) -> Snapshot:
    """Return the snapshot of a registry under a secret that was never used before.

    Raises:
        SnapshotError: `bad-secret`, `empty-registry`, or `seal-seen-before`: the secret was used before (attack 35).
    """
    if len(secret) != SECRET_LENGTH:
        raise SnapshotError("bad-secret", expected=SECRET_LENGTH, found=len(secret))
    if not registry.rows:
        raise SnapshotError("empty-registry")
    lines = _roster_lines(registry, Sealer(secret, [field for field, _ in registry.private]), previous_seals)
    return Snapshot(registry.attrs, registry.private, Roster.gather(lines), registry.rows)


def _roster_lines(registry: "Registry", sealer: Sealer, previous_seals: Set[str]) -> Iterator[tuple[Attributes, bytes]]:
    written: dict[int, tuple[Attributes, bytes]] = {}  # rows share attributes; held here, so that no id is another's
    for row in registry.rows:
        if (known := written.get(id(row.attrs))) is None:
            if len(written) == _REMEMBERED:
                written.clear()
            known = written[id(row.attrs)] = row.attrs, encoding.canonical_checked(dict(row.attrs))
        seal = sealer.seal(row.no, row.private)
        if registry.private and seal in previous_seals:
            raise SnapshotError("seal-seen-before")
        yield row.attrs, roster_line(known[1], row.no, seal)


def open_row(
    secret: bytes, statement: SnapshotStatement, row: "Row", fields: Collection[str], *, own: bool = False
) -> tuple[Opening, ...]:
    """Return openings of some private fields of a row; `own` for the row's owner, to whom no own field is closed.

    Raises:
        SnapshotError: `closed-field`, or `unknown-field`.
    """
    schema = dict(statement.private)
    for field in fields:
        if field not in schema:
            raise SnapshotError("unknown-field", expected=sorted(schema), found=field)
        if not (own or schema[field]):
            raise SnapshotError("closed-field", no=row.no, field=field)
    names = list(schema)
    leaves = Sealer(secret, names).leaves(row.no, row.private)
    return tuple(
        Opening(
            no=row.no,
            field=field,
            value=row.private[names.index(field)],
            salt=salt(secret, row.no, field).hex(),
            path=tuple(node.hex() for node in merkle.inclusion_proof(leaves, names.index(field))),
        )
        for field in names
        if field in fields
    )


def check_opening(opening: Opening, statement: SnapshotStatement, seal: str) -> None:
    """Check that an opened field is the one that the row's seal covers.

    Raises:
        SnapshotError: `unknown-field`, or `opening-does-not-fit`.
    """
    names = [field for field, _ in statement.private]
    if opening.field not in names:
        raise SnapshotError("unknown-field", expected=names, found=opening.field)
    leaf = field_leaf(opening.no, opening.field, opening.value, bytes.fromhex(opening.salt))
    try:
        merkle.check_inclusion(
            leaf,
            index=names.index(opening.field),
            size=len(names),
            proof=[bytes.fromhex(node) for node in opening.path],
            root=bytes.fromhex(seal),
        )
    except LogError:
        raise SnapshotError("opening-does-not-fit", no=opening.no, field=opening.field) from None


def read_openings(data: bytes) -> Iterator[Opening]:
    """Yield the openings of a file of canonical lines.

    Raises:
        SnapshotError: `bad-opening`, naming the line.
    """
    try:
        lines = encoding.split_lines(data)
    except EncodingError as error:
        raise SnapshotError("bad-opening", line=0, reason=str(error)) from None
    for number, line in enumerate(lines, 1):
        try:
            encoding.parse(line)
            yield Opening.model_validate_json(line)
        except (EncodingError, ValidationError) as error:
            raise SnapshotError("bad-opening", line=number, reason=str(error).splitlines()[0]) from None


def attribute_groups(roster: Roster) -> list[tuple[tuple[object, ...], int]]:
    """Return every tuple of attribute values with the number of rows that share it, rarest first (k-anonymity)."""
    groups: Counter[tuple[object, ...]] = Counter()
    for attrs, count in zip(roster.groups, (roster.counts[code] for code in range(len(roster.groups))), strict=True):
        groups[tuple(tuple(v) if isinstance(v, list) else v for v in attrs.values())] += count
    return sorted(groups.items(), key=lambda group: (group[1], repr(group[0])))
