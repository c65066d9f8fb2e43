"""What is known before the draw is worked out once a group of rows: as if every object had been looked at."""

from dataclasses import replace
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from fairdraw.draw import allocation, preview
from fairdraw.eligibility import candidates
from fairdraw.roster import Roster, RosterRow
from fairdraw.schema import Announcement, Plan
from support.story import Told, begin, team

REGIONS = st.sampled_from(["370102", "370103", "370104"])
RULES = (
    {"rule": "true", "object": None, "inspector": "qualified"},
    {"rule": "same", "object": "region", "inspector": "region"},
)


@cache
def told() -> Told:
    return begin(plan={"ratio": "1/2", "team": team(eligible=RULES)})


def rows(prefix: str, attrs: list[dict[str, object]]) -> Roster:
    return Roster.of(RosterRow(f"{prefix}-{i:02d}", one, "0" * 64) for i, one in enumerate(attrs))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.fixed_dictionaries({"region": REGIONS, "type": st.sampled_from(["h", "p"])}), min_size=1, max_size=20),
    st.lists(st.fixed_dictionaries({"qualified": st.booleans(), "region": REGIONS}), max_size=14),
    st.sets(st.tuples(st.integers(0, 21), st.integers(0, 14)), max_size=8),
    st.sampled_from(["", 'type = "h"']),
)
def test_objects_that_lack_inspectors_are_found_by_group_as_one_by_one(objects, staff, recused, text):
    plan = told().plan.of(Plan)
    rules = tuple(one.model_copy(update={"filter": text}) for one in plan.rules)
    inputs = replace(
        told().inputs(),
        plan=plan.model_copy(update={"rules": rules}),
        objects=rows("H", objects),
        inspectors=rows("I", staff),
        recusals=frozenset((f"H-{one:02d}", f"I-{other:02d}") for one, other in recused),
    )
    window = inputs.announcement.of(Announcement).window
    who = candidates(inputs.plan.team, inputs.objects.rows, inputs.staff, inputs.recusals, window)
    at_risk = {no for stratum in allocation(inputs).strata if stratum.quota for no in stratum.eligible}
    found = preview(inputs, [])
    assert found.impossible == tuple(no for no in who.lacking if no in at_risk)
    assert found.forced == tuple(no for no in who.forced if no in at_risk)
