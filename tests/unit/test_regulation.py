"""Regulations as data: what is read, what is refused, and which limit holds for whom."""

import re
from datetime import date
from pathlib import Path

import pytest

from fairdraw import encoding
from fairdraw.errors import RegulationError
from fairdraw.messages import Catalogue
from fairdraw.regulation import (
    READINGS,
    Regulation,
    artifact_bytes,
    check_derived,
    departures,
    digest,
    parse,
    read_artifact,
)
from fairdraw.regulation.derive import OWN, PERMITTING, RULES
from fairdraw.regulation.form import ENTRIES, FAULTS
from support.regulations import DOCUMENT, FIVE, NAMES, derive, rule, toml

ROOT = Path(__file__).parents[2]
SPEC = (ROOT / "specs" / "regulation.md").read_text("utf-8")


@pytest.fixture
def shandong():
    return FIVE["shandong-2020"]


def refused(code, call, *arguments, **named):
    with pytest.raises(RegulationError) as caught:
        call(*arguments, **named)
    assert caught.value.code == code
    return caught.value.params


@pytest.mark.parametrize("name", NAMES)
def test_the_artifact_of_a_regulation_is_read_back(name):
    data = artifact_bytes(FIVE[name])
    assert read_artifact(data) == FIVE[name]
    assert digest(FIVE[name]) == encoding.digest(data)
    assert data.count(b"\n") == 1


@pytest.mark.parametrize("name", NAMES)
def test_every_value_has_an_article_and_its_words_in_both_languages(name):
    for _, entry in FIVE[name].cited():
        assert all(cite.strip() == cite for cite in entry.cite)
    for field, entries in FIVE[name].lists():
        for entry in entries:
            told = (getattr(entry, "zh", "词"), getattr(entry, "en", "a"))
            assert re.search("[\u4e00-\u9fff]", told[0]), (field, entry)
            assert not re.search("[\u4e00-\u9fff]", told[1]), (field, entry)


def test_what_the_shandong_rules_say(shandong):
    assert shandong.document.status == "draft"
    assert [item.category for item in shandong.items] == ["key"] * 2 + ["general"] * 6
    assert all(item.basis for item in shandong.items)
    assert (shandong.ratio_for("medical", "fund-use").ratio, shandong.ratio_for("medical", None).kind) == (
        "5/100",
        "floor",
    )
    assert shandong.ratio_for("pharmacy", "fund-use").ratio == "3/100"
    assert shandong.ratio_for("employer", "contributions") is None
    assert (shandong.yearly_cap.value, shandong.yearly_cap.principle) == (2, True)
    assert shandong.plan_deadline.value == "01-31"
    assert shandong.qualification.value == "not-required"
    assert shandong.codes("exceptions") == (
        "complaint", "media", "data-monitoring", "campaign", "superior", "transferred"
    )  # fmt: skip
    assert shandong.sign_offs_of("plan") == ("superior",)
    assert [(duty.of, duty.role) for duty in shandong.signers] == [("result", "inspecting-unit")]
    assert [shandong.valid_on(day) for day in ("2019-12-31", "2020-01-01", "2021-12-31", "2022-01-01")] == [
        False, True, True, False
    ]  # fmt: skip


def test_what_the_shuozhou_rules_say():
    shuozhou = FIVE["shuozhou-2023"]
    assert [(item.ratio, item.ratio_kind, item.frequency.kind) for item in shuozhou.items] == [
        ("3/100", "exact", "exactly"), ("3/100", "floor", "at-least")
    ] * 2  # fmt: skip
    assert shuozhou.ratio_for("medical", "medical-fund-use").cite == ("附件4第1项", "附件4第2项")
    factors = {grade.grade: (grade.factor, grade.kind, grade.full, grade.principle) for grade in shuozhou.grades}
    assert factors == {
        "excellent": ("30/100", "at-most", False, True),
        "good": ("50/100", "exact", False, True),
        "fair": ("1/1", "exact", False, False),
        "poor": ("120/100", "exact", False, False),
        "bad": (None, "exact", True, False),
    }
    assert shuozhou.grade("excellent").zh == "优秀"
    assert shuozhou.grade("unknown") is None
    counts = {
        kind: sum(one.list == kind for one in shuozhou.leniency)
        for kind in ("mitigated", "none", "lighter", "first-time")
    }
    assert counts == {"mitigated": 4, "none": 6, "lighter": 4, "first-time": 6}
    assert {ground.value for one in shuozhou.leniency if one.list == "none" for ground in one.grounds} == {1000, 6}
    assert (shuozhou.publication.value.days, shuozhou.publication.value.unit) == (20, "working-days")
    kinds = [subject.kind for subject in shuozhou.credit.value.subjects]
    assert (kinds.count("body"), kinds.count("person")) == (6, 3)
    assert (shuozhou.order.value, shuozhou.disclosure.value) == ("objects-first", "until-visit")
    assert len(shuozhou.codes("results")) == 4
    assert shuozhou.valid_on("2024-01-01") is None


def test_what_the_laiyuan_rules_say():
    laiyuan = FIVE["laiyuan"]
    assert (laiyuan.document.number, laiyuan.document.issued, laiyuan.validity) == (None, None, None)
    assert len(laiyuan.codes("results")) == 7
    assert (len(laiyuan.noncooperation_acts), laiyuan.noncooperation.value.times) == (5, 2)
    assert laiyuan.sign_offs_of("draw") == ("any", "legal")
    assert (laiyuan.sign_offs_of("item-list"), laiyuan.sign_offs_of("result")) == (("legal",), ("approver",))
    assert laiyuan.reading("noncooperation-per") == "task"
    assert laiyuan.reading("joint-each") is None
    assert laiyuan.retention.value.years == 2


def test_what_the_shanghai_rules_say():
    shanghai = FIVE["shanghai-2024"]
    assert len(shanghai.exceptions) == 6
    assert [one.id for one in shanghai.object_types] == ["medical", "pharmacy", "care-assessor", "care-provider"]
    assert (shanghai.plan_deadline.value, shanghai.plan_filing.value) == ("03-15", "superior")
    assert shanghai.deferral.value.written
    assert shanghai.valid_on("2029-12-21")
    assert shanghai.team is None  # the document names no number


def test_what_the_plan_of_2025_says():
    plan = FIVE["plan-2025"]
    assert len(plan.items) == 7
    assert plan.ratio_for("medical", None) is None
    assert plan.ratio_for("medical", None, period="year").ratio == "10/100"
    assert (plan.joint.value.each, plan.reading("joint-each")) == (2, "each-side")
    assert plan.exemption.value
    assert plan.substitution.value.from_ == "registry"


def test_the_most_special_ratio_is_the_one_that_holds():
    def limit(ratio, **of):
        return {"ratio": ratio, "kind": "floor", "period": "draw", "cite": ["第一条"], **of}

    told = parse(
        toml({
            "id": "city",
            "document": DOCUMENT,
            "object_types": [{"id": "medical", "zh": "机构", "en": "institutions", "cite": ["第一条"]}],
            "items": [
                {"id": one, "name": "事项", "name_en": "item", "category": "key", "cite": ["第一条"], **more}
                for one, more in (("a", {"ratio": "6/100", "ratio_kind": "exact"}), ("b", {}), ("c", {}))
            ],
            "ratios": [
                limit("1/100"),
                limit("2/100", category="key"),
                limit("3/100", type="medical"),
                limit("4/100", type="medical", category="key"),
                limit("5/100", item="b"),
            ],
        }).encode(),
        parents={},
    )  # fmt: skip
    asked = [("x", None), ("x", "c"), ("medical", None), ("medical", "c"), ("medical", "b"), ("medical", "a")]
    assert [told.ratio_for(*one).ratio for one in asked] == [f"{n}/100" for n in range(1, 7)]


def test_an_error_names_file_key_expected_and_found():
    params = refused("regulation-not-integer", derive, "laiyuan", team=rule("2"))
    assert params == {"file": "city.toml", "key": "team.value", "found": "2"}
    params = refused("regulation-not-one-of", derive, "laiyuan", order=rule("backwards"))
    assert params["expected"] == ["both", "objects-first"]
    params = refused("regulation-key-unknown", derive, "laiyuan", team={**rule(2), "citation": "x"})
    assert (params["key"], params["expected"]) == ("team.citation", ["cite", "laxer", "principle", "value"])
    params = refused("regulation-key-unknown", derive, "laiyuan", supervisors=rule({"roles": ["legal"], "least": 1}))
    assert params == {"file": "city.toml", "key": "supervisors.value.least", "expected": ["minimum", "roles"]}
    params = refused("regulation-key-missing", derive, "laiyuan", supervisors=rule({"roles": ["legal"]}))
    assert params == {"file": "city.toml", "key": "supervisors.value.minimum"}
    assert refused("regulation-out-of-range", derive, "laiyuan", team=rule(51))["expected"] == 50


def test_an_entry_of_a_derived_file_is_told_by_its_place_in_that_file():
    entries = [
        {"code": "media", "zh": "媒体", "en": "media", "cite": ["第一条"]},
        {"code": "A", "zh": "甲", "en": "a", "cite": ["第一条"]},
    ]
    assert refused("regulation-not-a-code", derive, "shandong-2020", exceptions=entries)["key"] == "exceptions.1.code"


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("regulation-not-toml", b"id = \xff"),
        ("regulation-not-toml", b"id = " + b"[" * 10_000),
        ("regulation-not-toml", b"id = nan"),
        ("regulation-not-toml", b"id = 12:00:00.5\n[x]\ny = 2020-01-01T00:00:00Z"),
        ("regulation-not-toml", b"id = 1" + b"0" * 5_000),
        ("regulation-too-long", b"#" * (1 << 20) + b"\n"),
        (
            "regulation-not-an-id",
            b'id = "' + b"a" * 41 + b'"\n[document]\ntitle = "a"\ntitle_en = "b"\nstatus = "plan"',
        ),
    ],
)
def test_files_that_are_no_regulation_are_refused(code, data):
    assert refused(code, parse, data, parents={}, file="x.toml")["file"] == "x.toml"


def test_a_date_may_stand_with_or_without_quotation_marks():
    text = toml({"id": "city", "document": DOCUMENT, "validity": rule({"from": "2026-01-01"})})
    told = parse(text.encode(), parents={})
    assert told.validity.value.from_ == date(2026, 1, 1).isoformat()
    assert parse(text.replace('"2026-01-01"', "2026-01-01").encode(), parents={}) == told


def test_an_artifact_of_more_than_a_mebibyte_is_refused():
    assert refused("regulation-too-long", read_artifact, b" " * (1 << 20) + b"\n")["expected"] == 1 << 20


SUBJECT = {"code": "other", "zh": "其他", "en": "other", "kind": "body", "cite": ["第一条"]}
FEWER = {"subjects": [SUBJECT], "data": [], "rights": [], "incentives": [], "measures": []}

# Every single rule once made laxer than what a parent says: each is refused without a reason, and told with one.
LAXER = {
    "shandong-2020": {
        "team": rule(1),
        "yearly_cap": rule(3, principle=True),
        "plan_deadline": rule("02-01"),
        "list_only": rule(value=False),
        "one_visit": rule(value=False),
        "items_adjustable": rule(value=False),
        "registries_adjustable": rule(value=False),
        "registry_levels": rule(["province", "city"]),
        "scheme": rule(value=False),
        "plan_adjustable": rule(value=True),
        "plan_filing": rule("legal"),
        "exemption": rule(value=True),
        "special_team": rule(value=True),
        "directed": rule(["region"]),
        "order": rule("objects-first"),
        "disclosure": rule("until-visit"),
        "eligibility": rule(["level"]),
        "supervisors": rule({"roles": ["social"], "minimum": 0}),
        "substitution": rule({"fresh": False}),
        "deferral": rule({"written": True}),
        "publication": rule({"unit": "working-days", "days": 1}),
    },
    "laiyuan": {
        "qualification": rule("principle"),
        "experts": rule(value=True),
        "special_plan": rule(value=True),
        "separation": rule(value=False),
        "dispatch": rule(value=False),
        "masking": rule(value=False),
        "printed": rule(value=False),
        "directed": rule(["type", "industry", "region", "scheme"], principle=True),
        "noncooperation": rule({"times": 3, "per": "task"}),
        "form_refusal": rule({"reason": False, "witness": True}),
        "retention": rule({"years": 1}),
        "supervisors": rule({"roles": ["legal"], "minimum": 0}),
    },
    "plan-2025": {
        "joint": rule({"each": 1}),
        "revisit": rule(value=False),
        "substitution": rule({"fresh": True}),
        "qualification": rule("not-required"),
    },
    "shanghai-2024": {
        "deferral": rule({"written": False}),
        "retention": rule({"years": 5}),
    },
    "shuozhou-2023": {
        "publication": rule({"unit": "working-days", "days": 21}),
        "credit": rule(FEWER),
    },
}  # fmt: skip
LAXER_CASES = [(parent, field, told) for parent, fields in LAXER.items() for field, told in fields.items()]


@pytest.mark.parametrize(("parent", "field", "told"), LAXER_CASES, ids=lambda one: one if isinstance(one, str) else "")
def test_a_laxer_rule_needs_a_reason(parent, field, told):
    params = refused("laxer-without-reason", derive, parent, **{field: told})
    assert (params["file"], params["rule"]) == ("city.toml", field)
    (departure,) = departures(FIVE[parent], derive(parent, **{field: {**told, "laxer": "few-inspectors"}}))
    assert (departure.rule, departure.direction, departure.reason) == (field, "laxer", "few-inspectors")


STRICTER = {
    "shandong-2020": {
        "team": rule(3),
        "yearly_cap": rule(2),
        "plan_deadline": rule("01-15"),
        "experts": rule(value=False),
        "special_plan": rule(value=False),
        "qualification": rule("required"),
        "masking": rule(value=True),
        "retention": rule({"years": 2}),
        "supervisors": rule({"roles": ["people-congress", "cppcc", "discipline", "social", "legal"], "minimum": 1}),
        "substitution": rule({"from": "registry", "fresh": True}),
        "joint": rule({"each": 2}),
    },
    "laiyuan": {
        "directed": rule(["region"]),
        "noncooperation": rule({"times": 1, "per": "year"}),
        "eligibility": rule(["level", "territory", "speciality"], principle=False),
    },
    "plan-2025": {"exemption": rule(value=False)},
    "shanghai-2024": {"plan_adjustable": rule(value=False), "publication": rule({"unit": "statutory"})},
    "shuozhou-2023": {"publication": rule({"unit": "working-days", "days": 10})},
}  # fmt: skip
STRICTER_CASES = [(parent, field, told) for parent, fields in STRICTER.items() for field, told in fields.items()]


@pytest.mark.parametrize(
    ("parent", "field", "told"), STRICTER_CASES, ids=lambda one: one if isinstance(one, str) else ""
)
def test_a_stricter_rule_needs_none(parent, field, told):
    child = derive(parent, **{field: told})
    same = (
        getattr(FIVE[parent], field) is not None and getattr(FIVE[parent], field).value == getattr(child, field).value
    )
    told_of = [(one.rule, one.direction, one.reason) for one in departures(FIVE[parent], child)]
    assert told_of == ([] if same and field != "yearly_cap" else [(field, "stricter", None)])


@pytest.mark.parametrize("field", RULES)
def test_every_rule_is_made_laxer_by_some_test(field):
    tested = {field for fields in LAXER.values() for field in fields}
    assert field in tested | {"regional_balance"}  # one value alone: it can only be dropped


def coded(code):
    return {"code": code, "zh": "其他", "en": "other", "cite": ["第一条"]}


@pytest.mark.parametrize(
    ("field", "entry"),
    [
        ("exceptions", coded("other")),
        ("void_reasons", coded("other")),
        ("deferral_reasons", coded("other")),
        ("publication_exceptions", coded("other")),
        ("methods", coded("other")),
        ("inspectors", {"id": "anybody", "zh": "任何人", "en": "anybody", "cite": ["第一条"]}),
        ("weightings", {**coded("old-friends"), "towards": "less"}),
        ("grades", {"grade": "friends", "zh": "友好", "en": "friends", "factor": "1/100", "cite": ["第一条"]}),
        ("readings", {"code": "joint-each", "value": "in-all", "cite": ["第一条"]}),
        ("object_types", {"id": "medical", "zh": "机构", "en": "institutions", "optional": True, "cite": ["第一条"]}),
    ],
)
def test_a_further_freedom_needs_a_reason(field, entry):
    (key,) = [departure.rule for departure in departures_of(field, {**entry, "laxer": "because"})]
    assert refused("laxer-without-reason", derive, "shandong-2020", **{field: [entry]})["rule"] == key


def departures_of(field, entry):
    return departures(FIVE["shandong-2020"], derive("shandong-2020", **{field: [entry]}))


def last_entries():
    """For each list a parent that has it, and the key of its last entry; methods cannot go while items name them."""
    for field in sorted(set(ENTRIES) - {"methods", "void_reasons"}):  # no document lists why a draw is void
        parent = next(name for name in NAMES if getattr(FIVE[name], field))
        yield parent, field, getattr(FIVE[parent], field)[-1].key


@pytest.mark.parametrize(("parent", "field", "key"), list(last_entries()))
def test_an_entry_that_is_dropped_is_told_in_its_direction(parent, field, key):
    drop = {"rule": f"{field}.{key}"}
    if field in PERMITTING:
        (departure,) = departures(FIVE[parent], derive(parent, dropped=[drop]))
        assert (departure.rule, departure.direction, departure.found) == (drop["rule"], "stricter", None)
        return
    assert refused("laxer-without-reason", derive, parent, dropped=[drop])["rule"] == drop["rule"]
    (departure,) = departures(FIVE[parent], derive(parent, dropped=[{**drop, "laxer": "because"}]))
    assert (departure.direction, departure.reason) == ("laxer", "because")


def test_a_special_ratio_cannot_undo_a_general_one():
    low = {
        "id": "dental",
        "name": "牙科",
        "name_en": "dental",
        "types": ["medical"],
        "ratio": "1/100",
        "ratio_kind": "floor",
    }
    assert (
        refused("laxer-without-reason", derive, "shandong-2020", items=[{**low, "cite": ["第一条"]}])["rule"]
        == "items.dental"
    )
    derive("shandong-2020", items=[{**low, "ratio": "5/100", "cite": ["第一条"]}])
    limit = {
        "type": "medical",
        "item": "fund-use",
        "ratio": "1/100",
        "kind": "floor",
        "period": "draw",
        "cite": ["第一条"],
    }
    params = refused("laxer-without-reason", derive, "shandong-2020", ratios=[limit])
    assert params["rule"] == "ratios.medical/fund-use/-/draw"
    derive("shandong-2020", ratios=[{**limit, "ratio": "6/100"}])


def test_an_item_keeps_its_category_for_another_may_have_no_limit(shandong):
    entry = shandong.item("contributions").model_dump(
        mode="json", exclude={"ratio", "ratio_kind", "frequency", "laxer"}
    )
    derive("shandong-2020", items=[entry])
    params = refused("laxer-without-reason", derive, "shandong-2020", items=[{**entry, "category": "key"}])
    assert (params["expected"], params["found"]) == ({"category": "general"}, {"category": "key"})


def test_a_parent_of_another_digest_is_not_the_parent(shandong):
    child = derive("shandong-2020", team=rule(3))
    told = check_derived(shandong, child, file="city", digest=digest(shandong))
    assert [one.rule for one in told] == ["team"]
    params = refused("regulation-parent-differs", check_derived, shandong, child, file="city", digest="0" * 64)
    assert params["found"] == f"shandong-2020 {digest(shandong)}"


def test_an_artifact_written_by_hand_is_not_laxer_without_a_reason(shandong):
    child = derive("shandong-2020", team=rule(3))
    smaller = child.model_copy(update={"team": child.team.model_copy(update={"value": 1})})
    assert read_artifact(artifact_bytes(smaller)) == smaller
    params = refused("laxer-without-reason", check_derived, shandong, smaller, file="city", digest=digest(shandong))
    assert params == {"file": "city", "rule": "team", "expected": 2, "found": 1}


def test_an_artifact_that_lost_a_rule_of_its_parent_is_noticed(shandong):
    child = derive("shandong-2020")
    lost = child.model_copy(update={"yearly_cap": None})
    params = refused("regulation-lost", check_derived, shandong, lost, file="city", digest=digest(shandong))
    assert params["key"] == "yearly_cap"


def test_a_regulation_may_derive_from_a_derived_one():
    city = derive("shandong-2020", team=rule(3))
    table = {"id": "county", "extends": "city", "document": DOCUMENT}
    county = parse(toml({**table, "team": rule(4)}).encode(), parents={"city": city})
    assert county.extends.digest == digest(city)
    assert refused("laxer-without-reason", parse, toml({**table, "team": rule(2)}).encode(), parents={"city": city})


def test_a_reason_of_the_parent_is_no_reason_of_the_child():
    city = derive("shandong-2020", team=rule(1, laxer="few-inspectors"))
    table = {"id": "county", "extends": "city", "document": DOCUMENT, "yearly_cap": rule(3, principle=True)}
    assert departures(city, parse(toml({**table, "yearly_cap": None}).encode(), parents={"city": city})) == ()
    assert refused("laxer-without-reason", parse, toml(table).encode(), parents={"city": city})["rule"] == "yearly_cap"


def test_every_field_is_compared_or_a_regulations_own():
    assert set(Regulation.model_fields) == {*OWN, *RULES, *ENTRIES}
    assert set(ENTRIES) >= PERMITTING


def test_every_field_is_in_the_specification():
    named = set(re.findall(r"`([a-z_]+)`", SPEC))
    models = [Regulation, *ENTRIES.values()]
    names = {field.alias or name for model in models for name, field in model.model_fields.items()}
    assert names - named == set()


def test_the_directions_of_the_specification_are_those_of_the_code():
    rows = re.findall(r"(?m)^\| (`[^|]+) \|[^|]+\|[^|]+\| ([^|]+) \|$", SPEC)
    told = {name: direction for names, direction in rows for name in re.findall("`([a-z_]+)`", names)}
    lists = {name for name in ENTRIES if told[name] == "none but"}
    assert lists == set(PERMITTING)
    assert {name for name, direction in told.items() if direction == "never compared"} == {"platform", "drawing_unit"}
    assert set(told) == set(Regulation.model_fields) - {"v", "id", "extends", "dropped", "document", "validity"}


def test_the_readings_of_the_specification_are_those_of_the_code():
    section = SPEC[SPEC.index("## 5.") : SPEC.index("## 6.")]
    rows = re.findall(r"(?m)^\| `([a-z-]+)` \| (.*) \|$", section)
    assert {code: tuple(re.findall("`([a-z-]+)`", values)) for code, values in rows} == READINGS


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_reading_has_a_sentence(lang):
    words = Catalogue.parse((ROOT / f"src/fairdraw/wording/{lang}.toml").read_bytes(), lang=lang)
    assert {
        (code, value)
        for code, values in READINGS.items()
        for value in values
        if not words.has(f"reading.{code}", value)
    } == set()
    assert all(words.has("error", code) for code in FAULTS.values())


def test_a_regulation_cannot_be_changed(shandong):
    with pytest.raises(ValueError, match="frozen"):
        shandong.team = None
