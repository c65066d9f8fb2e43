"""Registry snapshots (名录库快照): seals, rosters and their openings. specs/snapshot.md.

`freeze` turns a registry into a roster that anybody may read and a secret that opens any one field of any one row.
Reading the registry's file is done in `registry`; the secret's 32 random bytes are an argument.
"""

import hmac
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import ValidationError

from fairdraw import encoding
from fairdraw.errors import EncodingError, SnapshotError
from fairdraw.schema import SnapshotStatement
from fairdraw.values import HASH, NUMBER, FieldName, Hash, Listing, Number, Value
from transparency_log import merkle
from transparency_log.errors import LogError

if TYPE_CHECKING:  # reading spreadsheets is not needed to verify one row
    from fairdraw.registry import Registry, Row

SECRET_LENGTH: Final = 32
FIELD_LABEL: Final = "fairdraw/v1/field"
SALT_LABEL: Final = "fairdraw/v1/salt"
SMALL_GROUP: Final = 5  # attribute tuples that fewer rows share are reported: somebody may recognise them (attack 37)

Attributes = Mapping[str, object]


class RosterRow(NamedTuple):
    """One line of a roster."""

    no: str
    attrs: Attributes
    seal: str


@dataclass(frozen=True, slots=True)
class Roster:
    """A roster's rows, sorted by number bytewise, and the Merkle tree over its lines."""

    rows: tuple[RosterRow, ...]
    tree: merkle.Tree
    data: bytes

    def listing(self) -> Listing:
        """Return what a `snapshot` statement says of this roster."""
        return listing_of(self.data, self.tree)


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


def listing_of(data: bytes, tree: merkle.Tree) -> Listing:
    """Return root, count, digest and length of a list artifact."""
    return Listing(root=tree.root().hex(), count=tree.size, digest=encoding.digest(data), length=len(data))


def salt(secret: bytes, no: str, field: str) -> bytes:
    """Return the 32-byte salt of a field (specs/snapshot.md §2)."""
    return hmac.digest(secret, f"{SALT_LABEL}\n{no}\n{field}\n".encode(), "sha256")


def field_leaf(no: str, field: str, value: str, field_salt: bytes) -> bytes:
    """Return the leaf hash of a private field: one leaf a field, so that a name opens without the telephone."""
    quote = encoding.quote
    line = f'["{FIELD_LABEL}",{quote(no)},{quote(field)},{quote(value)},"{field_salt.hex()}"]'
    return merkle.leaf_hash(line.encode())


def _leaves(secret: bytes, no: str, fields: Sequence[str], values: Sequence[str]) -> list[bytes]:
    return [field_leaf(no, field, value, salt(secret, no, field)) for field, value in zip(fields, values, strict=True)]


def freeze(registry: "Registry", secret: bytes, *, previous_seals: Set[str] = frozenset()) -> Snapshot:
    """Return the snapshot of a registry under a secret that was never used before.

    Raises:
        SnapshotError: `bad-secret`, `empty-registry`, or `seal-seen-before`: the secret was used before (attack 35).
    """
    if len(secret) != SECRET_LENGTH:
        raise SnapshotError("bad-secret", expected=SECRET_LENGTH, found=len(secret))
    if not registry.rows:
        raise SnapshotError("empty-registry")
    fields = [field for field, _ in registry.private]
    rows, lines = [], []
    for row in registry.rows:
        seal = merkle.root(_leaves(secret, row.no, fields, row.private)).hex()
        attrs = {name: list(v) if isinstance(v, tuple) else v for name, v in row.attrs.items()}
        lines.append(encoding.canonical_checked({"attrs": attrs, "no": row.no, "seal": seal}))
        rows.append(RosterRow(row.no, row.attrs, seal))
    if fields and not previous_seals.isdisjoint(row.seal for row in rows):
        raise SnapshotError("seal-seen-before")
    tree = merkle.Tree(map(merkle.leaf_hash, lines))
    roster = Roster(tuple(rows), tree, encoding.lines(lines))
    return Snapshot(registry.attrs, registry.private, roster, registry.rows)


_PYTHON_TYPES: Final = {"string": str, "integer": int, "boolean": bool}


def _fits(value: object, kind: str) -> bool:
    if value is None:
        return True
    if kind == "strings":
        if not isinstance(value, list):
            return False
        strings = [item for item in value if isinstance(item, str)]
        return len(strings) == len(value) and strings == sorted(set(strings), key=str.encode)
    if kind == "integer":
        return type(value) is int and abs(value) <= encoding.MAX_INTEGER
    return type(value) is _PYTHON_TYPES[kind]


def _read_row(line: bytes, schema: Mapping[str, str], *, sealed: bool) -> RosterRow:
    match encoding.parse_row(line):
        case {"attrs": dict(attrs), "no": str(no), "seal": str(seal), **more} if not more:
            pass
        case _:
            raise SnapshotError("bad-roster-line", expected="attrs, no, seal", found=repr(line[:80]))
    if not NUMBER.fullmatch(no) or not HASH.fullmatch(seal):
        raise SnapshotError("bad-roster-line", expected="no and seal", found=repr(line[:80]))
    if attrs.keys() != schema.keys():
        encoding.parse(line)  # a name that no field can have makes it no line at all
        raise SnapshotError("bad-attributes", no=no, expected=sorted(schema), found=sorted(attrs))
    for name, kind in schema.items():
        if not _fits(attrs[name], kind):
            encoding.parse(line)  # nor is one a line whose value no canonical JSON can have
            raise SnapshotError("bad-attribute", no=no, field=name, expected=kind, found=repr(attrs[name])[:80])
    if not sealed and seal != merkle.EMPTY_ROOT.hex():
        raise SnapshotError("seal-without-fields", no=no)
    return RosterRow(no, attrs, seal)


def read_row(line: bytes, statement: SnapshotStatement) -> RosterRow:
    """Return one roster line's row, checked against the snapshot's schema.

    Raises:
        SnapshotError: the line or one of its values does not fit.
        EncodingError: the line is not canonical.
    """
    return _read_row(line, dict(statement.attrs), sealed=bool(statement.private))


def read_roster(data: bytes, statement: SnapshotStatement) -> Roster:
    """Return the roster whose artifact this is, checked against its `snapshot` statement.

    Raises:
        SnapshotError: digest, root, count, order, uniqueness, a line or a value is not what was logged.
    """
    said = statement.roster
    if (len(data), encoding.digest(data)) != (said.length, said.digest):
        raise SnapshotError("wrong-digest", expected=said.digest, found=encoding.digest(data))
    schema, sealed = dict(statement.attrs), bool(statement.private)
    rows: list[RosterRow] = []
    try:
        lines = encoding.split_lines(data)
        for line in lines:
            rows.append(_read_row(line, schema, sealed=sealed))  # noqa: PERF401 - the order is checked below
    except EncodingError as error:
        raise SnapshotError("bad-roster-line", expected="canonical JSON", found=str(error)) from None
    for before, after in pairwise(rows):
        if before.no >= after.no:  # numbers are ASCII: code points sort as bytes
            raise SnapshotError("roster-not-sorted", expected=before.no, found=after.no)
    folded = Counter(row.no.casefold() for row in rows)
    if twice := [no for no, count in folded.items() if count > 1]:
        raise SnapshotError("number-twice", found=twice[0])
    tree = merkle.Tree(map(merkle.leaf_hash, lines))
    if (tree.size, tree.root().hex()) != (said.count, said.root):
        raise SnapshotError("wrong-root", expected=said.root, found=tree.root().hex())
    return Roster(tuple(rows), tree, data)


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
    leaves = _leaves(secret, row.no, names, row.private)
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
    groups = Counter(tuple(tuple(v) if isinstance(v, list) else v for v in row.attrs.values()) for row in roster.rows)
    return sorted(groups.items(), key=lambda group: (group[1], repr(group[0])))
