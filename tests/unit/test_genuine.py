"""A regulation is what its name says, or derives from one that is, and says where it is laxer."""

import pytest

from fairdraw.errors import RegulationError
from fairdraw.regulation import GENUINE, artifact_bytes, check_foundation, digest, parents_of, parse
from fairdraw_cli.regulations import IDS, load

SHANDONG = load("shandong-2020")
STRICT = """
id = "our-city"
extends = "shandong-2020"
document = { title = "我市细则", title_en = "Our city's rules", status = "in-force" }
yearly_cap = { value = 1, cite = ["第一条"] }
""".encode()


def derived(text: bytes = STRICT):
    return parse(text, parents={"shandong-2020": SHANDONG}, file="our-city.toml")


def test_the_digests_that_are_known_are_those_of_the_files():
    assert {name: digest(load(name)) for name in IDS} == dict(GENUINE)


@pytest.mark.parametrize("name", IDS)
def test_a_known_regulation_stands_for_itself_and_an_altered_copy_does_not(name):
    known = load(name)
    assert check_foundation(known, digest=digest(known), parent=None) == name
    altered = known.model_copy(update={"yearly_cap": None, "team": None, "plan_fields": ()})
    with pytest.raises(RegulationError, match="regulation-not-genuine"):
        check_foundation(altered, digest=digest(altered), parent=None)


def test_a_derived_regulation_stands_on_its_parent():
    ours, parent = derived(), artifact_bytes(SHANDONG)
    assert check_foundation(ours, digest=digest(ours), parent=parent) == "shandong-2020"
    assert parents_of(artifact_bytes(ours)) == [digest(SHANDONG)]
    assert parents_of(parent) == parents_of(b"nothing") == []
    with pytest.raises(RegulationError, match="regulation-parent-missing"):
        check_foundation(ours, digest=digest(ours), parent=None)
    with pytest.raises(RegulationError, match="regulation-parent-differs"):
        check_foundation(ours, digest=digest(ours), parent=artifact_bytes(load("laiyuan")))


def test_a_laxer_rule_without_a_reason_is_refused_however_the_artifact_was_made():
    ours = derived()
    cap = ours.yearly_cap
    assert cap is not None
    lax = ours.model_copy(update={"yearly_cap": cap.model_copy(update={"value": 9})})
    with pytest.raises(RegulationError, match="laxer-without-reason"):
        check_foundation(lax, digest=digest(lax), parent=artifact_bytes(SHANDONG))


def test_a_derived_regulation_cannot_take_the_name_of_a_known_one():
    ours = derived().model_copy(update={"id": "laiyuan"})
    with pytest.raises(RegulationError, match="regulation-not-genuine"):
        check_foundation(ours, digest=digest(ours), parent=artifact_bytes(SHANDONG))


def test_a_regulation_of_ones_own_is_nobodys():
    own = SHANDONG.model_copy(update={"id": "mine"})
    assert check_foundation(own, digest=digest(own), parent=None) is None
