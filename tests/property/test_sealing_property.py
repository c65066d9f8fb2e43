"""What one row becomes, against the texts that the specification names: RFC 8785, RFC 2104 and RFC 6962."""

import hmac
from hashlib import sha256

import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from fairdraw.encoding import FORBIDDEN, canonical
from fairdraw.registry import Registry, Row
from fairdraw.roster import Roster
from fairdraw.sealing import Sealer, escaped, field_leaf, private_line, roster_line, salt
from fairdraw.snapshot import freeze
from transparency_log import merkle

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).filter(
        lambda text: not FORBIDDEN.search(text)
    ),
    st.text('"\\/山\U0001f3e5é a', max_size=12),
)
NUMBERS = st.from_regex(r"[A-Za-z0-9._:-]{1,40}", fullmatch=True)
FIELDS = st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True), max_size=9, unique=True)
SECRETS = st.binary(min_size=32, max_size=32)


@settings(deadline=None)
@given(TEXTS)
def test_the_short_way_of_writing_a_text_is_rfc_8785(text):
    assert f'"{escaped(text)}"'.encode() == rfc8785.dumps(text)


@settings(deadline=None)
@given(NUMBERS, st.lists(TEXTS, max_size=4), st.binary(min_size=32, max_size=32))
def test_the_lines_of_a_row_are_rfc_8785(no, values, seal):
    attrs = {f"a{at}": value for at, value in enumerate(values)}
    line = roster_line(canonical(attrs), no, seal.hex()) if all(map(_is_clean, values)) else None
    assert line in (None, rfc8785.dumps({"attrs": attrs, "no": no, "seal": seal.hex()}))
    assert private_line(no, values) == rfc8785.dumps({"no": no, "private": values})


def _is_clean(text):
    import unicodedata

    return unicodedata.is_normalized("NFC", text)


@settings(deadline=None)
@given(SECRETS, NUMBERS, FIELDS, st.data())
def test_a_seal_is_the_root_over_salted_fields(secret, no, fields, data):
    values = [data.draw(TEXTS) for _ in fields]
    leaves = []
    for field, value in zip(fields, values, strict=True):
        made = hmac.new(secret, f"fairdraw/v1/salt\n{no}\n{field}\n".encode(), sha256).digest()
        assert salt(secret, no, field) == made
        leaf = sha256(b"\0" + rfc8785.dumps(["fairdraw/v1/field", no, field, value, made.hex()])).digest()
        assert field_leaf(no, field, value, made) == leaf
        leaves.append(leaf)
    sealer = Sealer(secret, fields)
    assert sealer.leaves(no, values) == leaves
    assert sealer.seal(no, values) == merkle.root(leaves).hex()


@settings(deadline=None)
@given(
    SECRETS, st.lists(st.tuples(NUMBERS, TEXTS, TEXTS), max_size=5, min_size=1, unique_by=lambda row: row[0].casefold())
)
def test_rows_that_do_not_share_their_attributes_are_frozen_like_those_that_do(secret, rows):
    shared = {}
    rows = sorted(rows)
    apart = tuple(Row(no, {"kind": kind, "of": ("a", kind)}, (name,)) for no, kind, name in rows)
    joined = tuple(Row(r.no, shared.setdefault(r.attrs["kind"], r.attrs), r.private) for r in apart)
    schema = (("kind", "string"), ("of", "strings")), (("name", True),)
    frozen = [freeze(Registry(*schema, rows), secret).roster for rows in (apart, joined)]
    assert frozen[0].data == frozen[1].data
    assert frozen[0].root == frozen[1].root == merkle.root(map(merkle.leaf_hash, frozen[0].data.split(b"\n")[:-1]))
    assert frozen[0].data == Roster.of(frozen[0].rows).data


def test_more_attributes_than_are_remembered_make_the_same_roster(monkeypatch):
    rows = tuple(Row(f"H-{at}", {"kind": f"k{at % 5}"}, ("甲",)) for at in range(9))
    registry = Registry((("kind", "string"),), (("name", True),), rows)
    expected = freeze(registry, bytes(32)).roster.data
    monkeypatch.setattr("fairdraw.snapshot._REMEMBERED", 2)
    assert freeze(registry, bytes(32)).roster.data == expected
