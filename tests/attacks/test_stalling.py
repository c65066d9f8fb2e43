"""Attacks on the verifier (docs/threat-model.md, "The verifier itself"): files that stop it, or never let it end.

A bureau that cannot be shown to be honest might wish that nobody gets a report at all.
"""

from collections import Counter
from hashlib import sha256
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairdraw import assignment
from fairdraw.assignment import Assignment, assign
from fairdraw.eligibility import candidates
from fairdraw.encoding import from_base64, to_base64
from fairdraw.errors import AssignmentError
from fairdraw.matching import Budget
from fairdraw.messages import Catalogue
from fairdraw.render import report_text
from fairdraw.roster import RosterRow, listing_of
from fairdraw.rules import Team
from fairdraw.schema import Announcement, Draw, SnapshotStatement
from fairdraw.tickets import ticket
from fairdraw.values import Listing
from fairdraw.verify import Report, slots
from support.story import (
    Story,
    Told,
    begin,
    change,
    failing,
    inspectors,
    objects,
    past_the_round,
    team,
    tell,
    waiting,
    without,
)
from transparency_log import merkle
from transparency_log.proof import TlogProof

WORDING = Path(assignment.__file__).parent / "wording"
LANGUAGES = [Catalogue.parse((WORDING / f"{lang}.toml").read_bytes(), lang=lang) for lang in ("zh", "en")]


# -- caps that nobody can keep ------------------------------------------------------------------------------------

WINDOW = "2026-09-30"
SAME = {"rule": "same", "object": "region", "inspector": "region"}


def counted(key: bytes, rules: Team, objs: list[RosterRow], staff: list[RosterRow]) -> dict:
    """Match as specs/assignment.md §5 has it, every attempt made and none left out; blocks are the regions."""
    able = candidates(rules, objs, staff, frozenset(), WINDOW).members
    teams: dict[str, tuple] = {}
    blocks = []
    for region in sorted({obj.attrs["region"] for obj in objs}):
        numbers = sorted(obj.no for obj in objs if obj.attrs["region"] == region)
        attempt = 0
        while True:
            drawn = {
                no: sorted((m for _, m in able[no]), key=lambda i, no=no: ticket(key, "team", attempt, 0, no, i))[:2]
                for no in numbers
            }
            allowed = (rules.cap or 0) + attempt // rules.limit
            if max(Counter(i for members in drawn.values() for i in members).values()) <= allowed:
                break
            attempt += 1
        teams |= {no: tuple(("", i) for i in members) for no, members in drawn.items()}
        blocks.append((numbers[0], attempt, allowed))
    return {"teams": teams, "blocks": tuple(sorted(blocks))}


def people(count: int, prefix: str, regions: int) -> list[RosterRow]:
    return [RosterRow(f"{prefix}-{i}", {"region": "ab"[i % regions]}, "") for i in range(count)]


@given(
    st.binary(min_size=1, max_size=4), st.integers(1, 6), st.integers(2, 5), st.integers(1, 2), st.integers(1, 3),
    st.integers(1, 5),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_leaving_out_the_attempts_that_cannot_succeed_gives_what_making_them_gives(
    label, many, few, regions, cap, limit
):
    key = sha256(label).digest()
    rules = Team.model_validate(team(eligible=(SAME,), cap=cap, limit=limit))
    objs, staff = people(many, "H", regions), people(few * regions, "I", regions)
    told: Assignment = assign(key, rules, objs, staff, frozenset(), WINDOW)
    assert {"teams": told.teams, "blocks": told.blocks} == counted(key, rules, objs, staff)


def crowded(**rules) -> Told:
    """Tell the story of 1,000 objects, all drawn, for two inspectors who are each to get one."""
    story = Story()
    planned = story.plan(ratio="1/1", team=team(cap=1, limit=10_000, **rules))
    story.now += 60
    story.checkpoint()
    objs, staff = story.snapshot("institutions", objects(1000)), story.snapshot("staff", inspectors(2))
    story.now += 60
    said = story.add(story.announcement(planned, objs[0], staff[0]))
    return Told(story, planned, objs, staff, said).later()


def test_a_cap_that_nobody_can_keep_does_not_keep_the_verifier_busy():
    told = crowded().go_on()
    began = monotonic()
    report = told.report()
    assert monotonic() - began < 20  # making the ten million attempts would take days
    assert report.verdict == "holds"
    assert told.outcome().assignment.blocks == (("H-000000", 999 * 10_000, 1000),)


def tight() -> Told:
    """Tell a story up to the round of a draw whose cap can be kept, and is kept in hardly any attempt."""
    return past_the_round(begin(plan={"ratio": "1/1", "team": team(cap=10)}))


def logged_all_the_same(told: Told) -> Told:
    """Let the bureau log some result without having drawn it."""
    story, said = told.story, told.announcement.of(Announcement)
    nothing = listing_of(story.keep(b""), merkle.Tree([]))
    told.draw = story.add(
        story.head().make(
            Draw, announcement=told.announcement.ref, pulses=story.pulses(said), key=told.key().hex(), results=nothing,
            counts={"objects": 60, "inspectors": 12, "strata": 3, "drawn": 60}, blocks=(),
            pool=None,
        )
    )  # fmt: skip
    return told.later()


@pytest.mark.own_limits
def test_a_draw_that_runs_out_of_tickets_is_refused_and_was_tried_once(monkeypatch):
    monkeypatch.setattr(assignment, "MAX_TICKETS", 20_000)
    told = logged_all_the_same(tight())
    spent = []
    spend = Budget.spend
    monkeypatch.setattr(Budget, "spend", lambda self, n: (spent.append(n), spend(self, n)))
    report = told.report()
    checks = ("selection", "assignment", "record-matches")
    assert {code: failing(report)[code] for code in checks} == dict.fromkeys(checks, "attempts-exhausted")
    assert sum(spent) <= 20_000 + 12


def test_all_blocks_of_a_draw_share_one_budget(monkeypatch):
    rules = Team.model_validate(team(eligible=(SAME,), cap=1))
    objs, staff = people(2, "H", 2), people(4, "I", 2)
    monkeypatch.setattr(assignment, "MAX_TICKETS", 4)
    assert len(assign(bytes(32), rules, objs, staff, frozenset(), WINDOW).blocks) == 2
    monkeypatch.setattr(assignment, "MAX_TICKETS", 3)
    with pytest.raises(AssignmentError) as caught:
        assign(bytes(32), rules, objs, staff, frozenset(), WINDOW)
    assert caught.value.code == "attempts-exhausted"


def test_a_void_for_exhausted_attempts_is_recomputed_once_for_all_slots(monkeypatch):
    batches = tuple(f"2026/fund-use/{i}" for i in range(1, 10))
    rules = {"slots": batches, "ratio": "1/60", "team": team(cap=1, limit=1, beyond="void")}
    told = past_the_round(begin(plan=rules, slots=list(batches)))
    said = told.announcement.of(Announcement)
    void = told.void("attempts-exhausted", told.story.pulses(said))
    told.later()
    second = told.announce_again(replaces=void.ref, history_size=said.history_size, slots=list(batches)).later()
    drawn = []
    draw = slots.draw_lots
    monkeypatch.setattr(slots, "draw_lots", lambda *args: (drawn.append(args), draw(*args))[1])
    second.report()
    assert len(drawn) == 1


# -- files that stop it -------------------------------------------------------------------------------------------


def test_a_void_for_exhausted_attempts_without_a_roster_gets_a_report():
    told = past_the_round(begin(plan={"team": team(cap=1, limit=3, beyond="void")}))
    said = told.announcement.of(Announcement)
    void = told.void("attempts-exhausted", told.story.pulses(said))
    told.later()
    second = told.announce_again(replaces=void.ref, history_size=said.history_size).later()
    report = second.report(without(second.bundle(), told.inspectors[1].roster.listing().digest))
    assert failing(report)["rosters"] == "artifact-missing"
    assert waiting(report)["no-other-draw"] == "rosters-needed"


def test_rules_about_attributes_that_nobody_has_and_no_inspectors_at_all_get_a_report():
    story = Story()
    nowhere = {"rule": "same", "object": "nowhere", "inspector": "nothing"}
    planned = story.plan(team=team(eligible=(nowhere,)))
    story.now += 60
    story.checkpoint()
    objs = story.snapshot("institutions", objects())
    nobody = Listing(root=merkle.EMPTY_ROOT.hex(), count=0, digest=sha256(b"").hexdigest(), length=0)
    story.keep(b"")
    fields = {
        "registry": "staff",
        "published": True,
        "attrs": (("nothing", "string"),),
        "private": (),
        "left_out": None,
    }
    staff = story.add(story.head().make(SnapshotStatement, roster=nobody, **fields))
    story.now += 60
    said = story.add(story.announcement(planned, objs[0], staff))
    told = past_the_round(Told(story, planned, objs, (staff, objs[1]), said).later())
    story.now += 60
    story.checkpoint()
    report = told.report()
    assert failing(report) == {
        "selection": "too-few-eligible",
        "assignment": "too-few-eligible",
        "record-logged": "no-draw",
    }


def test_an_index_that_no_reference_could_name_is_no_place_in_a_log():
    bundle = tell().bundle()
    entry = bundle.entries[-1]
    for index in (2**53, 2**63 - 2):
        proof = TlogProof.parse(from_base64(entry.proof))
        moved = TlogProof(index=index, hashes=proof.hashes, checkpoint=proof.checkpoint)
        far = entry.model_copy(update={"proof": to_base64(moved.format())})
        report = tell().report(change(bundle, {"entries": (*bundle.entries[:-1], far)}))
        assert failing(report) == {"format": "bad-entry"}


def printed(report: Report) -> list[str]:
    return [report_text(report, words) for words in LANGUAGES]


@pytest.mark.parametrize("number", [2**53 - 1, 2**52, 84_000_000_000])
def test_a_report_on_a_round_beyond_the_calendar_can_be_printed(number):
    told = begin()
    beacon = tuple(s.model_copy(update={"round": number}) for s in told.announcement.of(Announcement).beacon)
    bent = told.retold(beacon=beacon)
    report = bent.report(bent.bundle(pulses=()))
    assert failing(report)["announcement-before-pulse"] == "round-too-far"
    assert all(printed(report))


@pytest.mark.parametrize("time", [2**63 - 1, 253_402_300_800])
def test_a_report_on_cosignatures_beyond_the_calendar_can_be_printed(time):
    told = tell()
    told.story.checkpoint(time=time)
    assert all(printed(told.report(as_of=2**62)))
    report = told.report(as_of=time)
    assert report.verdict == "holds"
    assert all(printed(report))
