"""Attacks on a whole year: on its list, its plans, its caps and instalments, and on the regulation itself."""

from dataclasses import replace
from fractions import Fraction
from math import ceil

import pytest
from examples import after
from examples.draws import Year
from examples.world import Bend, World
from examples.year import SCRIPTS, tell, verify
from pydantic import ValidationError

from fairdraw.acts import OutcomeLine
from fairdraw.bundle import Proofs, evidence, relevant, statements
from fairdraw.compliance import plan_faults
from fairdraw.errors import AnnouncementError, RegulationError
from fairdraw.itemlist import read_items
from fairdraw.registry import Registry, Row
from fairdraw.regulation import Regulation, artifact_bytes, departures, parse
from fairdraw.schema import Evidence, ItemList, Plan, Statement
from fairdraw.statement import Entry
from fairdraw.verify import verify_bundle
from fairdraw_cli.regulations import load
from support.mutations import MUTATIONS, Place, bent, honest, noticed, steps_of


def begun(regulation: str, *, bend: Bend | None = None) -> Year:
    """Return a year with its list and its yearly plan."""
    year = Year(id=regulation, regulation=load(regulation), world=World(now=0, bend=bend), objects=400, inspectors=30)
    year.world.until(f"{SCRIPTS[regulation].year}-01-11")
    year.list_items()
    year.plan("PLAN.toml")
    return year


def another_version(year: Year, plan: str, /, **changes: object) -> Entry:
    """Log a further version of a plan, cosigned before anything that follows."""
    said = year.plans[plan].of(Plan)
    entry = year.world.add(f"plan:{plan}:later", Place(year.world, "").again(said, **changes))
    year.plans[plan] = entry
    year.world.checkpoint()
    return entry


def faults(regulation: Regulation, plan: Plan, year: Year) -> set[str]:
    items = read_items(year.world.artifacts[year.items.of(ItemList).items.digest])
    return {fault.code for fault in plan_faults(regulation, plan, items)}


def signs(name: str, regulation: str, at: int = -1) -> set[str]:
    """Return what is noticed of one kind of mutation, without the places."""
    mutation = next(one for one in MUTATIONS if one.name == name)
    return {sign.split(" ")[0] for sign in bent(mutation, regulation, steps_of(mutation, regulation)[at])}


# -- the list --


def test_an_item_outside_the_list_is_refused_and_found():
    assert {"item-outside-list", "draw-fails:regulation"} <= signs("an item is taken off the list", "shandong-2020")
    assert honest("shandong-2020")[0].regulation.list_only is not None


def test_an_item_list_that_nobody_reviewed_makes_no_draw_where_it_must_be_reviewed():
    assert {"sign-off-missing", "draw-fails:regulation"} <= signs("an item list is not reviewed", "laiyuan")


# -- the plan --


def test_a_filter_that_is_changed_after_the_snapshots_is_refused():
    assert "draw-fails:plan-before-snapshots" in signs("a filter is changed after the snapshots", "shandong-2020")


def test_an_exemption_does_not_lower_the_base_of_a_ratio():
    year, _ = honest("plan-2025")
    drawn = {one.no for name in ("spring", "autumn") for one in year.matters[name].outcome.selection.drawn}
    rows = len(year.matters["autumn"].inputs.objects.rows)
    exempt = [line for line in year.matters["spring"].outcome.strata if line.values[-1] == "good"]
    assert sum(line.quota for line in exempt) == 0
    assert sum(line.total for line in exempt) > rows / 4
    # Those who are spared are replaced by others: a tenth of all, not of those who are left.
    assert len(drawn) >= ceil(Fraction("10/100") * rows)
    plan = year.plans["2025"].of(Plan)
    lowered = plan.model_copy(
        update={
            "rules": tuple(
                rule.model_copy(update={"ratios": tuple(one.model_copy(update={"floor": None}) for one in rule.ratios)})
                for rule in plan.rules
            )
        }
    )
    assert not faults(year.regulation, plan, year)
    assert faults(year.regulation, lowered, year) == {"ratio-below-floor"}


def test_a_plan_that_asks_for_no_qualification_is_refused_where_the_regulation_does():
    year = begun("plan-2025")
    plan = year.plans["2025"].of(Plan)
    anybody = plan.team.model_copy(update={"eligible": tuple(r for r in plan.team.eligible if r.rule != "valid")})
    assert not faults(year.regulation, plan, year)
    assert faults(year.regulation, plan.model_copy(update={"team": anybody}), year) == {"qualification-not-asked"}


def test_an_undirected_plan_without_regions_is_refused_where_they_must_be_balanced():
    year = begun("laiyuan")
    plan = year.plans["2024"].of(Plan)
    unbalanced = tuple(rule.model_copy(update={"region": None}) for rule in plan.rules)
    assert not faults(year.regulation, plan, year)
    assert faults(year.regulation, plan.model_copy(update={"rules": unbalanced}), year) == {"regions-not-balanced"}


def test_a_team_below_the_number_is_refused():
    year = begun("shandong-2020")
    plan = year.plans["2021"].of(Plan)
    told = load("shandong-2020")
    assert told.team is not None
    three = told.model_copy(update={"team": told.team.model_copy(update={"value": 3})})
    two = told.model_copy(update={"team": told.team.model_copy(update={"value": plan.team.size})})
    assert "team-too-small" in faults(three, plan, year)
    assert "team-too-small" not in faults(two, plan, year)  # 以上 includes the number
    with pytest.raises(ValidationError):
        type(plan.team).model_validate({**plan.team.model_dump(), "size": 1})


# -- caps and instalments --


def of_next_year(world: World, step: str, statement: Statement) -> Statement:
    """Say of this year's plan that it is next year's, whose cap nobody has reached."""
    return statement.model_copy(update={"year": 2022}) if step == "plan:2021" else statement


def test_a_plan_of_another_year_makes_no_announcement():
    with pytest.raises(AnnouncementError, match="plan-of-another-year"):
        begun("shandong-2020", bend=of_next_year).draw("DRAW-1.toml")


def test_a_plan_of_another_year_does_not_dodge_the_cap(monkeypatch):
    monkeypatch.setattr("fairdraw.announcement.check_days", lambda *_: None)  # a bureau with a library of its own
    year = begun("shandong-2020", bend=of_next_year)
    report = verify(year, year.draw("DRAW-1.toml"))
    assert report.check("closed-inputs").reason == "plan-of-another-year"


def test_a_plan_that_becomes_another_years_by_a_later_version_is_not_the_version_meant(monkeypatch):
    monkeypatch.setattr("fairdraw.announcement.check_days", lambda *_: None)
    year = begun("shandong-2020")
    another_version(year, "2021", year=2022, reason="adjusted")
    assert verify(year, year.draw("DRAW-1.toml")).check("plan-before-snapshots").state == "fails"


def test_an_instalment_that_draws_somebody_twice_is_refused(monkeypatch):
    year = begun("plan-2025")
    before = {one.no for one in year.draw("DRAW-1.toml").outcome.selection.drawn}
    monkeypatch.setattr(Year, "exclusions", lambda *_: b"")
    again = year.draw("DRAW-3.toml")
    told = verify(year, again).check("closed-inputs")
    assert told.reason == "exclusions-differ"
    assert set(told.evidence["left_out"]) <= before


def test_an_honest_instalment_draws_nobody_twice():
    year, _ = honest("plan-2025")
    first, second = ({one.no for one in year.matters[name].outcome.selection.drawn} for name in ("spring", "autumn"))
    assert first
    assert second
    assert first.isdisjoint(second)


def test_an_earlier_draw_left_out_of_a_bundles_history_is_missed(monkeypatch):
    year = begun("shandong-2020")
    year.draw("DRAW-1.toml")
    # A later version of the plan, so that a bundle may begin after the first draw; and a cap that this one has reached.
    later = another_version(year, "2021", yearly_cap=1, reason="adjusted")
    monkeypatch.setattr(Year, "exclusions", lambda *_: b"")
    matter = year.draw("DRAW-4.toml")
    world, whole = year.world, year.bundle(matter)
    carried = [
        entry
        for entry in relevant(statements(world.entries), matter.announcement, matter.draw)
        if entry.index >= later.index or isinstance(entry.statement, ItemList)
    ]
    cut = whole.model_copy(update=evidence(Proofs.of(world.entries, world.sizes()), carried))
    alone = verify_bundle(cut, world.trust, as_of=world.now, bundle_only=True)
    assert alone.check("closed-inputs").reason == "history-cut"  # an old item list before the gap is no excuse
    told = verify_bundle(cut, world.trust, as_of=world.now, log=world.view())
    assert told.check("no-other-draw").reason == "history-cut"
    assert verify(year, matter).check("closed-inputs").reason == "exclusions-differ"


def test_a_cap_dodged_through_a_new_number_shows_in_the_registry(monkeypatch):
    drawn = {one.no for one in honest("shandong-2020")[0].matters["fund-1"].outcome.selection.drawn}
    made = Year._objects

    def renamed(year: Year) -> Registry:
        told = made(year)
        if year._versions < 4:
            return told
        rows = tuple(Row(f"X{row.no}" if row.no in drawn else row.no, row.attrs, row.private) for row in told.rows)
        return replace(told, rows=tuple(sorted(rows, key=lambda row: row.no)))

    monkeypatch.setattr(Year, "_objects", renamed)
    told = noticed(tell("shandong-2020")) - honest("shandong-2020")[1]
    assert {"registry-shrank snapshot:fund-2:objects x1", "numbers-changed snapshot:fund-2:objects x1"} <= told


# -- the regulation --


def test_a_regulation_swapped_after_the_plan_is_refused():
    assert {"draw-fails:closed-inputs", "no-regulation"} <= signs("a regulation is swapped", "shandong-2020")


def test_a_plan_under_another_regulation_than_its_item_list_is_refused():
    year = begun("shandong-2020")
    other = year.world.keep(artifact_bytes(load("shanghai-2024")))
    another_version(year, "2021", regulation=other, reason="adjusted")
    report = verify(year, year.draw("DRAW-1.toml"))
    assert report.check("regulation").reason == "item-list-of-another"


LAXER = """
id = "somewhere"
extends = "shandong-2020"

[document]
title = "一个更宽的细则"
title_en = "laxer rules"
status = "in-force"

[[ratios]]
type = "medical"
ratio = "1/100"
kind = "floor"
period = "draw"
cite = ["第一条"]
{reason}
"""


def test_a_laxer_regulation_needs_a_reason_and_a_reader_is_told_it():
    parent = load("shandong-2020")
    with pytest.raises(RegulationError) as error:
        parse(LAXER.format(reason="").encode(), parents={parent.id: parent}, file="somewhere.toml")
    assert error.value.code == "laxer-without-reason"
    child = parse(
        LAXER.format(reason='laxer = "few-inspectors"').encode(), parents={parent.id: parent}, file="somewhere.toml"
    )
    told = [one for one in departures(parent, child) if one.direction == "laxer"]
    assert [one.reason for one in told] == ["few-inspectors"]


# -- what is published --


def outcome(**changes: object) -> OutcomeLine:
    year, _ = honest("shandong-2020")
    matter = year.matters["fund-2"]
    return after.outcome(year, matter, matter.outcome.selection.drawn[0].no, **changes)


def test_a_form_that_nobody_signed_or_refused_makes_no_outcome():
    assert outcome(form=None, refusal=after.refused()).refusal is not None
    assert outcome(form=None, recognised=after.recognised("x")).recognised is not None
    with pytest.raises(ValidationError):
        outcome(form=None)
    with pytest.raises(ValidationError):
        outcome(refusal=after.refused())


def test_a_withheld_outcome_tells_nothing():
    told = outcome(result=None, findings=(), transfers=(), withheld="privacy")
    assert (told.result, told.findings) == (None, ())
    with pytest.raises(ValidationError):
        outcome(result=None, findings=("overcharge",), transfers=(), withheld="privacy")


def test_evidence_is_logged_with_every_result():
    year, _ = honest("shuozhou-2023")
    steps = year.world.steps
    results = {entry.text_hash for step, entry in steps.items() if step.startswith(("result:", "late:"))}
    seen = {entry.statement.of.text for entry in steps.values() if isinstance(entry.statement, Evidence)}
    assert len(results) == 4
    assert results == seen
