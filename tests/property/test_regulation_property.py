"""Deriving, for any rule of any of the five: what changes is told, in one direction, and has another digest."""

import json
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fairdraw.errors import RegulationError
from fairdraw.regulation import RatioLimit, Regulation, artifact_bytes, departures, digest, parse, read_artifact
from fairdraw.regulation.derive import OWN, RULES
from fairdraw.regulation.form import ENTRIES
from support.regulations import DOCUMENT, FIVE, NAMES, derive, rule, toml

SWITCHES = sorted(
    name for name in RULES if any(isinstance(getattr(getattr(FIVE[n], name), "value", None), bool) for n in NAMES)
)
DAYS = st.builds("{:02d}-{:02d}".format, st.integers(1, 12), st.integers(1, 28))


def some(values):
    return st.lists(st.sampled_from(values), min_size=1, unique=True).map(sorted)


RATIOS = st.integers(0, 100).map("{}/100".format)
VALUES = {
    **dict.fromkeys(SWITCHES, st.booleans()),
    "team": st.integers(1, 9),
    "yearly_cap": st.integers(1, 9),
    "plan_deadline": DAYS,
    "plan_filing": st.sampled_from(["legal", "superior"]),
    "qualification": st.sampled_from(["required", "principle", "not-required"]),
    "directed": some(["type", "industry", "region", "scheme"]),
    "eligibility": some(["level", "territory", "speciality"]),
    "order": st.sampled_from(["both", "objects-first"]),
    "disclosure": st.sampled_from(["at-once", "until-visit"]),
    "joint": st.fixed_dictionaries({"each": st.integers(1, 9)}),
    "supervisors": st.fixed_dictionaries({"roles": some(["legal", "social", "cppcc"]), "minimum": st.integers(0, 3)}),
    "deferral": st.fixed_dictionaries({"written": st.booleans()}),
    "retention": st.fixed_dictionaries({"years": st.integers(1, 9), "unaltered": st.booleans()}),
    "noncooperation": st.fixed_dictionaries({"times": st.integers(1, 5), "per": st.sampled_from(["task", "year"])}),
    "publication": st.fixed_dictionaries({"unit": st.just("working-days"), "days": st.integers(1, 60)}),
}


@st.composite
def changes(draw):
    """Some rules of a derived file, without a reason for any."""
    fields = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=4, unique=True))
    return {name: rule(draw(VALUES[name]), principle=draw(st.booleans())) for name in fields}


parents = st.sampled_from(NAMES)
few = settings(max_examples=40, deadline=None)  # each derives several regulations


def excused(rules):
    return {name: {**told, "laxer": "because"} for name, told in rules.items()}


@pytest.mark.parametrize("name", NAMES)
def test_deriving_with_nothing_changed_says_the_same(name):
    child = derive(name)
    assert departures(FIVE[name], child) == ()
    assert {f for f in Regulation.model_fields if f not in OWN} == {
        f for f in Regulation.model_fields if f not in OWN and getattr(child, f) == getattr(FIVE[name], f)
    }
    assert child.extends.digest == digest(FIVE[name])
    assert digest(child) != digest(FIVE[name])


@few
@given(parents, changes())
def test_a_file_is_refused_just_when_something_in_it_is_laxer(name, rules):
    told = departures(FIVE[name], derive(name, **excused(rules)))
    laxer = [one.rule for one in told if one.direction == "laxer"]
    assert {one.rule for one in told} <= set(rules)
    if not laxer:
        derive(name, **rules)
        return
    with pytest.raises(RegulationError) as caught:
        derive(name, **rules)
    assert caught.value.code == "laxer-without-reason"
    assert caught.value.params["rule"] in laxer


@few
@given(parents, changes(), changes())
def test_of_two_regulations_one_rule_is_not_stricter_both_ways(name, one, other):
    first, second = derive(name, **excused(one)), derive(name, **excused(other))
    forth = {told.rule for told in departures(first, second) if told.direction == "stricter"}
    back = {told.rule for told in departures(second, first) if told.direction == "stricter"}
    assert forth & back == set()


@few
@given(parents, changes(), changes(), changes())
def test_stricter_than_the_stricter_is_stricter(name, one, other, third):
    line = [derive(name, **excused(rules)) for rules in (one, other, third)]

    def laxer(parent, child):
        return {told.rule for told in departures(parent, child) if told.direction == "laxer"}

    assert laxer(line[0], line[2]) <= laxer(line[0], line[1]) | laxer(line[1], line[2])


@few
@given(parents, changes(), changes())
def test_another_rule_is_another_digest(name, one, other):
    first, second = derive(name, **excused(one)), derive(name, **excused(other))
    assert (digest(first) == digest(second)) == (first == second)
    assert bool(departures(first, second)) <= (digest(first) != digest(second))
    assert read_artifact(artifact_bytes(second)) == second


@few
@given(st.sampled_from(["shandong-2020", "shuozhou-2023", "plan-2025"]), st.data())
def test_a_floor_is_laxer_just_when_it_is_lower(name, data):
    limits = [*FIVE[name].ratios, *(item for item in FIVE[name].items if item.ratio is not None)]
    old = data.draw(st.sampled_from(limits))
    ratio = data.draw(RATIOS)
    entry = {**old.model_dump(mode="json"), "ratio": ratio, "laxer": "because"}
    field = "ratios" if isinstance(old, RatioLimit) else "items"
    told = departures(FIVE[name], derive(name, **{field: [entry]}))
    assume(ratio != old.ratio)
    exact = "exact" in (getattr(old, "ratio_kind", None), getattr(old, "kind", None))
    stricter = Fraction(ratio) > Fraction(old.ratio) and not exact
    assert [one.direction for one in told] == ["stricter" if stricter else "laxer"]


names = st.sampled_from([None, "a", "b"])
limits = st.builds(
    RatioLimit,
    type=names,
    item=names,
    category=st.sampled_from([None, "key", "general"]),
    ratio=RATIOS,
    kind=st.just("floor"),
    period=st.sampled_from(["draw", "year"]),
    cite=st.just(("第一条",)),
)


@few
@given(st.lists(limits, max_size=6, unique_by=lambda one: one.key), names, names, st.sampled_from(["draw", "year"]))
def test_the_limit_is_the_most_special_that_fits(told, kind, item, period):
    whole = {
        "id": "city",
        "document": DOCUMENT,
        "object_types": [{"id": one, "zh": "机构", "en": "body", "cite": ["第一条"]} for one in ("a", "b")],
        "items": [
            {"id": one, "name": "事项", "name_en": "item", "category": category, "cite": ["第一条"]}
            for one, category in (("a", "key"), ("b", "general"))
        ],
        "ratios": [one.model_dump(mode="json") for one in told],
    }
    regulation = parse(toml(whole).encode(), parents={})
    category = {"a": "key", "b": "general"}.get(item)
    ordered = [
        one
        for by_item in (item, None)
        for by_type in (kind, None)
        for by_category in (category, None)
        for one in told
        if (one.item, one.type, one.category, one.period) == (by_item, by_type, by_category, period)
    ]
    assert regulation.ratio_for(kind, item, period=period) == (ordered[0] if ordered else None)


leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats()
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
fields = st.sampled_from([*Regulation.model_fields, "else"])


@few
@given(parents, st.dictionaries(fields, trees, max_size=4), st.booleans())
def test_whatever_a_file_holds_it_is_refused_with_a_code_or_read(name, table, derived):
    whole = {"id": "city", "document": DOCUMENT, **({"extends": name} if derived else {}), **table}
    try:
        text = toml(json.loads(json.dumps(whole)))
        data = text.encode()
    except UnicodeEncodeError:
        data = b"\xed\xa0\x80"
    try:
        told = parse(data, parents=FIVE, file="city.toml")
    except RegulationError:
        return
    assert read_artifact(artifact_bytes(told)) == told


@few
@given(parents, st.data())
def test_an_artifact_with_another_byte_is_another_regulation_or_none(name, data):
    good = artifact_bytes(FIVE[name])
    at = data.draw(st.integers(0, len(good) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one != good[at]))
    mangled = good[:at] + bytes([byte]) + good[at + 1 :]
    try:
        told = read_artifact(mangled)
    except RegulationError:
        return
    assert told != FIVE[name]
    assert artifact_bytes(told) == mangled


@few
@given(parents, st.sampled_from(sorted(ENTRIES)), st.data())
def test_an_entry_of_the_parent_said_again_changes_nothing(name, field, data):
    entries = getattr(FIVE[name], field)
    assume(entries)
    entry = data.draw(st.sampled_from(entries)).model_dump(mode="json")
    child = derive(name, **{field: [entry]})
    assert departures(FIVE[name], child) == ()
    assert getattr(child, field) == entries
