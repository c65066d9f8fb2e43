"""A bureau that would like another regulation: an altered copy, or one of its own that is laxer and does not say so."""

from typing import Any

from fairdraw.announcement import artifact_of
from fairdraw.itemlist import format_items
from fairdraw.regulation import Item, Regulation, artifact_bytes, parse
from fairdraw.schema import ItemList
from fairdraw_cli.regulations import load
from support.story import SLOT, Story, Told, failing, found, inspectors, objects, rule, team, waiting

SHANGHAI = load("shanghai-2024")
ITEM = Item(id="fund-use", name="基金使用", name_en="Use of the fund", basis=("某条例第一条",), cite=("某条例第一条",))
OURS = """
id = "our-district"
extends = "shanghai-2024"
document = { title = "我区细则", title_en = "Our district's rules", status = "in-force" }
team = { value = 3, cite = ["第一条"] }
"""


def under(regulation: Regulation, *, keep: tuple[Regulation, ...] = (), **plan: Any) -> Told:
    """Tell a draw under a regulation, whose artifact and those in `keep` are served."""
    story = Story()
    named = artifact_of(story.keep(artifact_bytes(regulation)))
    for one in keep:
        story.keep(artifact_bytes(one))
    items = artifact_of(story.keep(format_items([ITEM])))
    listed = story.add(story.head().make(ItemList, items=items, regulation=named, reason=None))
    story.now += 60
    planned = story.plan(slots=(SLOT,), items=listed.ref, regulation=named, rules=(rule(SLOT),), **plan)
    story.now += 60
    story.checkpoint()
    story.now += 60
    objs, staff = story.snapshot("institutions", objects()), story.snapshot("staff", inspectors())
    story.now += 60
    entry = story.add(story.announcement(planned, objs[0], staff[0]))
    story.now += 60
    story.checkpoint()
    return Told(story, planned, objs, staff, entry).go_on()


def derived(text: str = OURS) -> Regulation:
    return parse(text.encode(), parents={"shanghai-2024": SHANGHAI}, file="ours.toml")


def test_a_draw_under_a_known_regulation_holds_and_says_which():
    report = under(SHANGHAI).report()
    assert (report.verdict, report.check("regulation").evidence["genuine"]) == ("holds", "shanghai-2024")


def test_an_altered_copy_does_not_go_by_the_name_of_the_original():
    report = under(SHANGHAI.model_copy(update={"qualification": None})).report()
    assert failing(report) == {"regulation": "regulation-not-genuine"}


def test_a_stricter_one_of_a_bureaus_own_holds_beside_what_it_derives_from():
    told = under(derived(), keep=(SHANGHAI,), team=team(size=3))
    report = told.report()
    assert (report.verdict, report.check("regulation").evidence["genuine"]) == ("holds", "shanghai-2024")
    assert failing(under(derived(), keep=(SHANGHAI,)).report()) == {"regulation": "against-regulation"}


def test_a_laxer_one_made_by_hand_is_refused_though_no_command_ever_saw_it():
    ours = derived()
    more = ours.exceptions[0].model_copy(update={"code": "whenever-we-like"})
    lax = ours.model_copy(update={"exceptions": (*ours.exceptions, more)})
    report = under(lax, keep=(SHANGHAI,), team=team(size=3)).report()
    assert failing(report) == {"regulation": "laxer-without-reason"}


def test_what_a_regulation_derives_from_must_be_shown():
    report = under(derived(), team=team(size=3)).report()
    assert (failing(report), waiting(report)) == ({}, {"regulation": "regulation-parent-missing"})


def test_a_regulation_that_nobody_knows_is_found():
    report = under(SHANGHAI.model_copy(update={"id": "my-own"})).report()
    assert report.verdict == "holds"
    assert "unknown-regulation" in found(report)
