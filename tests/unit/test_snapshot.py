"""Rosters and seals, recomputed by hand."""

import hmac
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairdraw.encoding import canonical, lines
from fairdraw.errors import SnapshotError
from fairdraw.registry import Registry, Row
from fairdraw.roster import read_roster
from fairdraw.schema import SnapshotStatement
from fairdraw.snapshot import attribute_groups, check_opening, freeze, open_row, read_openings
from support.story import Story, objects, secret
from transparency_log import merkle

SECRET = bytes(range(32))
REGISTRY = Registry(
    (("kind", "string"), ("tags", "strings")),
    (("name", True), ("uscc", False), ("phone", False)),
    (
        Row("A-1", {"kind": None, "tags": ("x", "y")}, ("甲", "", "5")),
        Row("B-2", {"kind": "k", "tags": ()}, ("乙", "9", "")),
    ),
)


def leaf(no: str, field: str, value: str) -> bytes:
    salt = hmac.new(SECRET, f"fairdraw/v1/salt\n{no}\n{field}\n".encode(), sha256).hexdigest()
    return sha256(b"\0" + canonical(["fairdraw/v1/field", no, field, value, salt])).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def statement(registry: Registry, label: str = "1", **changes) -> tuple[SnapshotStatement, bytes]:
    entry, frozen = Story().snapshot("institutions", registry, label, **changes)
    return entry.of(SnapshotStatement), frozen.roster.data


def test_a_seal_is_the_root_over_one_salted_leaf_a_field():
    frozen = freeze(REGISTRY, SECRET)
    one = node(node(leaf("A-1", "name", "甲"), leaf("A-1", "uscc", "")), leaf("A-1", "phone", "5"))
    assert frozen.roster.rows[0].seal == one.hex()


def test_a_roster_is_canonical_lines_with_one_leaf_each():
    frozen = freeze(REGISTRY, SECRET)
    rows = [
        canonical({"attrs": {"kind": None, "tags": ["x", "y"]}, "no": "A-1", "seal": frozen.roster.rows[0].seal}),
        canonical({"attrs": {"kind": "k", "tags": []}, "no": "B-2", "seal": frozen.roster.rows[1].seal}),
    ]
    assert frozen.roster.data == lines(rows)
    listing = frozen.roster.listing()
    assert listing.root == node(*(sha256(b"\0" + row).digest() for row in rows)).hex()
    assert (listing.count, listing.length) == (2, len(lines(rows)))
    assert listing.digest == sha256(lines(rows)).hexdigest()


def test_without_private_fields_the_seal_is_the_empty_root():
    frozen = freeze(Registry(REGISTRY.attrs, (), (Row("A-1", {"kind": "k", "tags": ()}, ()),)), SECRET)
    assert frozen.roster.rows[0].seal == sha256(b"").hexdigest()
    assert merkle.EMPTY_ROOT.hex() == frozen.roster.rows[0].seal


def test_read_roster_undoes_freeze():
    said, data = statement(objects())
    assert read_roster(data, said).rows == freeze(objects(), secret("secret of institutions 1")).roster.rows


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b'"370102"', b"370102", "bad-attribute"),
        (b'"370102"', b'["370102"]', "bad-attribute"),
        (b'"region"', b'"zegion"', "bad-roster-line"),
        (b'"no":"H-000000"', b'"no":"H 000000"', "bad-roster-line"),
        (b'"seal":"', b'"seal":"F', "bad-roster-line"),
        (b'{"attrs"', b'{"a":0,"attrs"', "bad-roster-line"),
        (b"H-000001", b"h-000000", "roster-not-sorted"),
        (b"H-000001", b"H-000000", "roster-not-sorted"),
        (b"H-000059", b"h-000003", "number-twice"),
    ],
)
def test_a_roster_that_was_logged_bent_is_refused(old, new, code):
    _, data = statement(objects())
    bent = data.replace(old, new, 1)
    assert bent != data
    listing = freeze(objects(), secret("secret of institutions 1")).roster.listing()
    rows = bent.splitlines()
    changed = listing.model_copy(
        update={
            "digest": sha256(bent).hexdigest(),
            "length": len(bent),
            "root": merkle.root(map(merkle.leaf_hash, rows)).hex(),
        }
    )
    said, _ = statement(objects(), roster=changed)
    with pytest.raises(SnapshotError) as caught:
        read_roster(bent, said)
    assert caught.value.code == code or (code == "bad-roster-line" and caught.value.code == "bad-attributes")


def test_a_snapshot_needs_a_secret_and_rows():
    for key, code in ((b"short", "bad-secret"), (bytes(33), "bad-secret")):
        with pytest.raises(SnapshotError) as caught:
            freeze(REGISTRY, key)
        assert caught.value.code == code
    with pytest.raises(SnapshotError) as caught:
        freeze(Registry(REGISTRY.attrs, REGISTRY.private, ()), SECRET)
    assert caught.value.code == "empty-registry"


@given(st.sets(st.sampled_from(["name", "uscc", "phone"])))
def test_what_is_opened_fits_the_seal_and_nothing_else_is_told(fields):
    entry, frozen = Story().snapshot("institutions", REGISTRY)
    said = entry.of(SnapshotStatement)
    opened = open_row(secret("secret of institutions 1"), said, REGISTRY.rows[0], fields, own=True)
    assert {one.field for one in opened} == fields
    for one in opened:
        check_opening(one, said, frozen.roster.rows[0].seal)
        with pytest.raises(SnapshotError):
            check_opening(one, said, frozen.roster.rows[1].seal)
    told = lines(canonical(one.model_dump()) for one in opened)
    assert list(read_openings(told)) == list(opened)


def test_k_anonymity_counts_the_rows_of_every_tuple_rarest_first():
    kinds = ["a", "a", "a", "b", "b", "c"]
    rows = tuple(Row(f"A-{i}", {"kind": kind, "tags": ("x",)}, ("", "", "")) for i, kind in enumerate(kinds))
    groups = attribute_groups(freeze(Registry(REGISTRY.attrs, REGISTRY.private, rows), SECRET).roster)
    assert [count for _, count in groups] == [1, 2, 3]
    assert groups[0][0][0] == "c"
