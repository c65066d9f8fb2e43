"""A whole year under each regulation: every honest one is accepted, every single bent statement of it is noticed."""

import pytest
from examples.year import SCRIPTS, tell, verify
from hypothesis import given, settings
from hypothesis import strategies as st

from support.mutations import (
    EXPECTED,
    IDS,
    MUTATIONS,
    Mutation,
    bent,
    dropped,
    honest,
    neighbours,
    noticed,
    rewritten,
    steps_of,
    swapped,
)


@pytest.mark.parametrize("regulation", IDS)
def test_every_draw_of_an_honest_year_holds(regulation):
    year, _ = honest(regulation)
    reports = {name: verify(year, matter) for name, matter in year.matters.items()}
    assert len(reports) >= 3
    assert {name: (report.verdict, report.failed) for name, report in reports.items()} == dict.fromkeys(
        reports, ("holds", ())
    )
    # Nothing is found of them but the team that was formed on purpose.
    assert {finding.code for report in reports.values() for finding in report.findings} <= SCRIPTS[regulation].planned


@pytest.mark.parametrize("regulation", IDS)
def test_the_audit_of_an_honest_year_finds_what_was_planned_and_nothing_else(regulation):
    _, signs = honest(regulation)
    assert {sign.split(" ")[0] for sign in signs} == SCRIPTS[regulation].planned


def test_a_year_is_the_same_in_every_run():
    assert tell("laiyuan").world.entries == honest("laiyuan")[0].world.entries


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_each_kind_of_bent_statement_is_called_what_it_is(mutation):
    regulation = next(one for one in mutation.ids if steps_of(mutation, one))
    signs = bent(mutation, regulation, steps_of(mutation, regulation)[-1])
    assert EXPECTED[mutation.name] & {sign.split(" ")[0] for sign in signs}


@st.composite
def places(draw: st.DrawFn) -> tuple[Mutation, str, str]:
    mutation = draw(st.sampled_from(MUTATIONS))
    regulation = draw(st.sampled_from([one for one in mutation.ids if steps_of(mutation, one)]))
    return mutation, regulation, draw(st.sampled_from(steps_of(mutation, regulation)))


@given(places())
@settings(max_examples=15, deadline=None)
def test_every_bent_statement_of_a_year_is_refused_or_found(place):
    mutation, regulation, step = place
    assert bent(mutation, regulation, step)


@given(st.data())
@settings(max_examples=8, deadline=None)
def test_a_log_whose_entries_change_places_is_noticed_though_everybody_cosigned_it(data):
    regulation = data.draw(st.sampled_from(IDS))
    year, signs = honest(regulation)
    at = data.draw(st.sampled_from(list(neighbours(year))))
    assert noticed(rewritten(year, swapped(year.world.entries, at))) - signs


@given(st.data())
@settings(max_examples=8, deadline=None)
def test_a_log_from_which_an_entry_of_the_bureau_is_gone_is_noticed(data):
    regulation = data.draw(st.sampled_from(IDS))
    year, signs = honest(regulation)
    at = data.draw(st.sampled_from(dropped(year)))
    entries = [*year.world.entries[:at], *year.world.entries[at + 1 :]]
    assert noticed(rewritten(year, entries)) - signs
