"""Attacks on who inspects (docs/threat-model.md, 8, 12 and 16): the unqualified, experts for inspectors, caps, pools.

The bureau signs a result anew in which one thing is bent; its honest twin holds.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fairdraw.draw import draw_lots, preview
from fairdraw.encoding import canonical, lines, parse
from fairdraw.errors import AssignmentError
from fairdraw.record import Record
from fairdraw.registry import Registry, Row
from fairdraw.roster import listing_of
from support.paths import path
from support.story import Story, Told, failing, found, objects, past_the_round, recusal, team
from transparency_log import merkle

Line = dict[str, Any]
ACCOUNTANT = {"field": "skills", "value": "accounting", "number": 1}
RULES = (
    {"rule": "valid", "object": None, "inspector": "until"},
    {"rule": "under", "object": "region", "inspector": "region"},
    {"rule": "contains", "object": "type", "inspector": "types"},
)
EVERYTHING = ("care", "hospital", "pharmacy")


def staff() -> Registry:
    """Return ten good inspectors with three accountants, five bad ones each in another way, and three experts."""
    good = {"expert": False, "region": "3701", "skills": (), "types": EVERYTHING, "until": "2026-09-30"}
    rows = [good | ({"skills": ("accounting",)} if i < 3 else {}) for i in range(10)]
    rows += [good | {"until": "2026-09-29"}, good | {"until": "9999"}, good | {"region": "3702"}, good | {"types": ()},
             good | {"region": ""}]  # fmt: skip
    rows += [good | {"expert": True, "skills": ("accounting",)}] * 3
    schema = (("expert", "boolean"), ("region", "string"), ("skills", "strings"), ("types", "strings"),
              ("until", "string"))  # fmt: skip
    return Registry(
        schema, (("name", True),), tuple(Row(f"I-{i:02d}", one, (f"检查员{i}",)) for i, one in enumerate(rows))
    )


GOOD = {f"I-{i:02d}" for i in range(10)}
BAD = [f"I-{i:02d}" for i in range(10, 15)]
EXPERTS = {f"I-{i:02d}" for i in range(15, 18)}


AIDED = {"number": 1, "expert": "expert", "eligible": RULES}
UNAIDED = AIDED | {"number": 0}


def begin(*, recusals: bytes = b"", ratio: str = "1/10", **rules: Any) -> Told:
    """Tell an honest story up to its cosigned announcement, with these inspectors and rules."""
    story = Story()
    planned = story.plan(ratio=ratio, team=team(**{"eligible": RULES, "experts": UNAIDED} | rules))
    story.now += 60
    story.checkpoint()
    objs, people = story.snapshot("institutions", objects()), story.snapshot("staff", staff())
    story.now += 60
    said = story.add(story.announcement(planned, objs[0], people[0], recusals=recusals))
    return Told(story, planned, objs, people, said).later()


def bent(change: Callable[[list[Line]], object]) -> Callable[[Record], Record]:
    """Return the bureau's own idea of a record: other lines of drawn objects, and a root to match."""

    def change_record(record: Record) -> Record:
        rows: list[Line] = [dict(parse(line)) for line in record.lines]
        change([row for row in rows if "ticket" in row])
        told = tuple(map(canonical, rows))
        tree, data = merkle.Tree(map(merkle.leaf_hash, told)), lines(told)
        statement = record.statement.model_copy(update={"results": listing_of(data, tree)})
        return Record(statement=statement, lines=told, tree=tree, artifact=data)

    return change_record


def says(**fields: Any) -> Callable[[Record], Record]:
    """Return a record whose statement says something else."""

    def change_record(record: Record) -> Record:
        statement = record.statement.model_copy(update=fields)
        return Record(statement=statement, lines=record.lines, tree=record.tree, artifact=record.artifact)

    return change_record


def drawn(told: Told) -> list[Line]:
    assert told.record is not None
    return [row for row in (dict(parse(line)) for line in told.record.lines) if "ticket" in row]


def members(told: Told) -> Counter[str]:
    return Counter(no for row in drawn(told) for _, no in row["team"])


def judged(told: Told) -> dict[str, str]:
    return failing(told.report())


# -- 8: who may inspect at all ------------------------------------------------------------------------------------


def test_the_honest_draw_holds_and_leaves_out_whoever_may_not_inspect():
    honest = begin().go_on()
    assert honest.report().verdict == "holds"
    assert members(honest).keys() <= GOOD
    assert {row["eligible"] for row in drawn(honest)} == {10}


@pytest.mark.parametrize("who", BAD)
def test_whoever_may_not_inspect_is_refused_in_a_team(who):
    def assign_him(rows: list[Line]) -> None:
        rows[0]["team"][0][1] = who

    assert judged(begin().go_on(bend=bent(assign_him)))["assignment"] == "team-differs"


@pytest.mark.parametrize("cap", [None, 12])
def test_compiled_code_refuses_the_bent_team_and_holds_the_honest_one(cap):
    def swap(rows: list[Line]) -> None:
        first, second = rows[0]["team"], rows[1]["team"]
        first[:], second[:] = second[:], first[:]

    rules = {} if cap is None else {"cap": cap, "limit": 10}
    plain = begin(**rules).go_on()
    with path(compiled=True):
        assert drawn(begin(**rules).go_on()) == drawn(plain)
        assert plain.report().verdict == "holds"
        assert judged(begin(**rules).go_on(bend=bent(swap)))["assignment"] == "team-differs"


def test_a_qualification_counts_to_the_announced_last_day_and_not_to_the_day_of_the_draw():
    honest = begin(eligible=({"rule": "valid", "object": None, "inspector": "until"},)).go_on()
    report = honest.report()
    assert report.verdict == "holds"
    assert "I-10" not in members(honest)  # valid on the days of the announcement, the draw and the report
    assert {row["eligible"] for row in drawn(honest)} == {13}


# -- experts ------------------------------------------------------------------------------------------------------


def test_an_expert_counted_as_inspector_is_refused():
    honest = begin(experts=AIDED).go_on()
    assert honest.report().verdict == "holds"
    assert not members(honest).keys() & EXPERTS
    assert {no for row in drawn(honest) for no in row["experts"]} <= EXPERTS

    def count_the_expert(rows: list[Line]) -> None:
        rows[0]["team"][1][1] = rows[0]["experts"][0]

    assert judged(begin(experts=AIDED).go_on(bend=bent(count_the_expert)))["assignment"] == "team-differs"


def test_another_expert_than_the_drawn_one_is_refused():
    def choose(rows: list[Line]) -> None:
        rows[0]["experts"] = sorted(EXPERTS - set(rows[0]["experts"]))[:1]

    def leave_out(rows: list[Line]) -> None:
        rows[0]["experts"] = []

    for change in (choose, leave_out):
        assert judged(begin(experts=AIDED).go_on(bend=bent(change)))["assignment"] == "team-differs"


def test_experts_do_not_make_up_for_missing_inspectors():
    told = past_the_round(begin(size=11, experts=AIDED))
    assert judged(told.later())["assignment"] == "too-few-eligible"


def test_an_expert_does_not_bring_the_speciality_that_a_team_lacks():
    struck = lines(sorted(recusal(f"H-{i:06d}", f"I-{j:02d}") for i in range(60) for j in range(3)))
    rules = {"specialities": (ACCOUNTANT,), "experts": AIDED, "recusals": struck}
    told = past_the_round(begin(**rules))
    assert judged(told.later())["assignment"] == "no-such-team"
    assert begin(**rules | {"recusals": b""}).go_on().report().verdict == "holds"


def test_experts_that_nobody_drew_are_refused():
    def bring_one(rows: list[Line]) -> None:
        rows[0]["experts"] = [min(EXPERTS)]

    assert judged(begin().go_on(bend=bent(bring_one)))["assignment"] == "team-differs"


# -- specialities -------------------------------------------------------------------------------------------------


def skilled_first(told: Told) -> bool:
    return all(any(no in {"I-00", "I-01", "I-02"} for _, no in row["team"]) for row in drawn(told))


def test_a_team_without_the_speciality_is_refused():
    honest = begin(specialities=(ACCOUNTANT,)).go_on()
    assert honest.report().verdict == "holds"
    assert skilled_first(honest)

    def drop_accountant(rows: list[Line]) -> None:
        others = sorted(GOOD - {"I-00", "I-01", "I-02"})
        rows[0]["team"] = [["", others[0]], ["", others[1]]]

    assert judged(begin(specialities=(ACCOUNTANT,)).go_on(bend=bent(drop_accountant)))["assignment"] == "team-differs"


def test_an_own_attempt_is_not_repeated_until_the_team_suits():
    def skip(rows: list[Line]) -> None:
        rows[0]["attempt"] += 1

    assert judged(begin(specialities=(ACCOUNTANT,)).go_on(bend=bent(skip)))["assignment"] == "team-differs"


def test_a_speciality_that_only_the_wanted_inspector_has_is_found_out():
    struck = lines(sorted(recusal(f"H-{i:06d}", no) for i in range(60) for no in ("I-01", "I-02")))
    told = begin(specialities=(ACCOUNTANT,), recusals=struck).go_on()
    report = told.report()
    assert report.verdict == "holds"
    assert all("I-00" in [no for _, no in row["team"]] for row in drawn(told))
    assert found(report) == {"forced-team"}
    assert found(begin(specialities=(ACCOUNTANT,)).go_on().report()) == set()


def test_a_speciality_that_nobody_has_leaves_no_draw_and_no_attempts_are_wasted_on_it():
    wanted = {"field": "skills", "value": "medicine", "number": 1}
    told = past_the_round(begin(specialities=(wanted,), limit=10_000))
    assert judged(told.later())["assignment"] == "no-such-team"


# -- caps and pools -----------------------------------------------------------------------------------------------


CHAIN = {"ratio": "1/4", "cap": 3, "limit": 1, "beyond": "switch-chain", "steps": 200}


def chained(**rules: Any) -> Told:
    """Tell a story whose matching came out of the switch chain: its first attempt failed."""
    told = begin(**CHAIN | rules).go_on()
    assert [attempt for _, attempt, _ in told.outcome().assignment.blocks] == [1]
    return told


def test_a_load_above_the_cap_of_a_switch_chain_is_refused():
    honest = chained()
    assert honest.report().verdict == "holds"
    assert max(members(honest).values()) == 3

    def overload(rows: list[Line]) -> None:
        for row in rows:
            row["team"] = rows[0]["team"]

    assert judged(begin(**CHAIN).go_on(bend=bent(overload)))["assignment"] == "team-differs"


def test_a_switch_chain_is_not_left_where_it_suits():
    told = chained()
    inputs = told.inputs()
    half = inputs.plan.model_copy(update={"team": inputs.plan.team.model_copy(update={"steps": 100})})
    other = draw_lots(replace(inputs, plan=half), told.key()).assignment.teams
    assert other != told.outcome().assignment.teams

    def stop_half_way(rows: list[Line]) -> None:
        for row in rows:
            row["team"] = [list(member) for member in other[row["no"]]]

    assert judged(begin(**CHAIN).go_on(bend=bent(stop_half_way)))["assignment"] == "team-differs"


def test_a_switch_chain_cannot_be_passed_off_as_an_attempt_nor_an_attempt_as_a_chain():
    first, attempt, cap = chained().outcome().assignment.blocks[0]
    assert (
        judged(begin(**CHAIN).go_on(bend=says(blocks=((first, attempt - 1, cap),))))["assignment"] == "attempts-differ"
    )
    wide = CHAIN | {"cap": 15}
    honest = begin(**wide).go_on()
    assert honest.report().verdict == "holds"
    assert [block[1:] for block in honest.outcome().assignment.blocks] == [(0, 15)]
    assert judged(begin(**wide).go_on(bend=says(blocks=((first, 1, 15),))))["assignment"] == "attempts-differ"


def test_a_cap_that_no_matching_keeps_makes_no_draw():
    told = begin(**CHAIN | {"cap": 2})
    with pytest.raises(AssignmentError) as caught:
        preview(told.inputs(), [bytes(32)])
    assert caught.value.code == "cap-infeasible"
    assert caught.value.params["expected"] == 3
    assert judged(past_the_round(told).later())["assignment"] == "cap-infeasible"


@pytest.mark.own_limits
def test_a_walk_without_end_does_not_keep_the_verifier_busy(monkeypatch):
    from fairdraw import assignment

    told = past_the_round(begin(**CHAIN | {"steps": 1_000_000}))
    monkeypatch.setattr(assignment, "MAX_TICKETS", 10_000_000)
    assert judged(told.later())["assignment"] == "attempts-exhausted"


def test_a_pool_is_not_drawn_again_until_it_suits():
    honest = begin(pool=5).go_on()
    report = honest.report()
    assert report.verdict == "holds"
    assert len(members(honest)) <= 5
    pool = honest.outcome().assignment.pool
    assert pool == 0
    assert judged(begin(pool=5).go_on(bend=says(pool=1)))["assignment"] == "attempts-differ"

    def bring_a_friend(rows: list[Line]) -> None:
        rows[0]["team"][0][1] = min(GOOD - members(honest).keys())

    assert judged(begin(pool=5).go_on(bend=bent(bring_a_friend)))["assignment"] == "team-differs"
