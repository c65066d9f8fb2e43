"""Attacks of who wants names (docs/threat-model.md, 34 and 35); numbers that identify: test_numbers_that_identify."""

import pytest

from fairdraw.encoding import canonical
from fairdraw.errors import SnapshotError
from fairdraw.schema import SnapshotStatement
from fairdraw.sealing import field_leaf, salt
from fairdraw.snapshot import check_opening, freeze, open_row
from support.story import begin, failing, objects, secret, tell

# -- 34: one field opens one field --------------------------------------------------------------------------------


def opened(field: str, no: int = 7):
    told = begin()
    entry, frozen = told.objects
    statement = entry.of(SnapshotStatement)
    row = frozen.rows[no]
    one = open_row(secret("secret of institutions 1"), statement, row, [field])
    return told, statement, frozen.roster.rows[no].seal, one


def test_a_name_opens_without_the_fields_beside_it():
    _, statement, seal, (opening,) = opened("name")
    check_opening(opening, statement, seal)
    shown = canonical(opening.model_dump()).decode()
    assert "第7医院" in shown
    assert "91370000000000000007" not in shown
    assert salt(secret("secret of institutions 1"), "H-000007", "uscc").hex() not in shown


def test_the_neighbours_of_an_opened_field_cannot_be_tried_out():
    _, _, _, (opening,) = opened("name")
    # The path holds the leaf of the USCC, salted: without that salt no guess can be compared with it.
    sibling = bytes.fromhex(opening.path[0])
    guesses = [field_leaf("H-000007", "uscc", f"9137{i:014d}", bytes.fromhex(opening.salt)) for i in range(20)]
    assert sibling not in guesses
    right = salt(secret("secret of institutions 1"), "H-000007", "uscc")
    assert field_leaf("H-000007", "uscc", f"9137{7:014d}", right) == sibling


def test_a_field_that_is_closed_for_ever_is_not_opened():
    with pytest.raises(SnapshotError) as caught:
        opened("uscc")
    assert caught.value.code == "closed-field"


@pytest.mark.parametrize(
    "bent",
    [
        {"value": "第8医院"},
        {"no": "H-000008"},
        {"salt": "00" * 32},
        {"field": "uscc"},
        {"path": ()},
        {"field": "phone"},
    ],
)
def test_an_opening_that_says_something_else_does_not_fit(bent):
    _, statement, seal, (opening,) = opened("name")
    with pytest.raises(SnapshotError):
        check_opening(opening.model_copy(update=bent), statement, seal)


def test_openings_of_the_whole_registry_are_checked_against_the_rosters():
    told = tell()
    statement = told.objects[0].of(SnapshotStatement)
    rows = told.objects[1].rows
    openings = [o for row in rows for o in open_row(secret("secret of institutions 1"), statement, row, ["name"])]
    report = told.report(openings=tuple(openings))
    assert report.verdict == "holds"
    assert report.check("rosters").evidence["openings"] == 60
    false = openings[3].model_copy(update={"value": "假医院"})
    assert failing(told.report(openings=(false,))) == {"rosters": "opening-does-not-fit"}
    nobody = openings[3].model_copy(update={"no": "H-777777"})
    assert failing(told.report(openings=(nobody,))) == {"rosters": "opening-of-no-row"}


# -- 35: snapshots cannot be linked -------------------------------------------------------------------------------


def test_the_same_rows_have_other_seals_in_every_snapshot():
    one, two = (freeze(objects(), secret(label)) for label in ("first", "second"))
    assert {row.seal for row in one.roster.rows}.isdisjoint(row.seal for row in two.roster.rows)
    assert [row.no for row in one.roster.rows] == [row.no for row in two.roster.rows]


def test_a_secret_that_was_used_before_is_refused():
    before = freeze(objects(), secret("first"))
    seals = frozenset(row.seal for row in before.roster.rows)
    with pytest.raises(SnapshotError) as caught:
        freeze(objects(61), secret("first"), previous_seals=seals)
    assert caught.value.code == "seal-seen-before"
    freeze(objects(61), secret("second"), previous_seals=seals)


def test_two_rows_with_one_name_have_different_salts():
    key = secret("first")
    told = {salt(key, no, field) for no in ("H-1", "H-2", "H-12") for field in ("name", "uscc")}
    assert len(told) == 6
