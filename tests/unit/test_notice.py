"""Notices to drawn objects: days, legal basis, inspectors and rights, from plan, item list and regulation."""

from functools import cache

import pytest

from fairdraw.render.notice import RIGHTS, Notice
from fairdraw.render.paper import notices_data, passages
from fairdraw.render.parts import Phrase, Section
from fairdraw.schema import Plan
from fairdraw.substitution import Standing
from support import pressed
from support.regulations import FIVE
from support.slips import LANGUAGES
from support.story import SLOT, Told, sealed, tell


@cache
def honest() -> Told:
    return tell()


def section(notice: Notice, code: str) -> Section:
    [found] = [one for one in notice.sections if one.code == code]
    return found


def first(**changes) -> Notice:
    return pressed.notices_of(honest(), **changes)[0]


def test_every_drawn_object_gets_one_notice_and_nobody_else():
    drawn = sorted(one.no for one in honest().outcome().selection.drawn)
    assert [notice.no for notice in pressed.notices_of(honest())] == drawn


def test_without_a_name_the_number_is_addressed():
    notice = first()
    assert notice.to == Phrase("notice", "to-number", {"no": notice.no})
    assert first(names={notice.no: {"name": "第一医院"}}).to.params == {"name": "第一医院", "no": notice.no}


def test_the_days_are_the_plans_or_else_the_last_day_of_the_announcement():
    [row] = section(first(), "visit").rows
    assert (row[0], row[3]) == ("fund-use", Phrase("notice", "by", {"date": "2026-09-30"}))
    plan = honest().plan.of(Plan)
    batch = {"slot": SLOT, "first": "2026-09-10", "last": "2026-09-20", "share": "1/1"}
    told = plan.model_validate({**plan.model_dump(by_alias=True), "schedule": (batch,)})
    [row] = section(first(plan=told), "visit").rows
    assert row[3] == Phrase("notice", "from-to", {"first": "2026-09-10", "last": "2026-09-20"})


def test_methods_and_legal_basis_are_the_item_lists():
    regulation = FIVE["shuozhou-2023"]
    item = regulation.items[0].model_copy(update={"id": "fund-use", "basis": ("甲条", "乙条"), "methods": ("site",)})
    [row] = section(first(items=(item,), regulation=regulation), "visit").rows
    assert row[0] == f"{item.name} {item.name_en}"
    assert row[1] == "现场检查 on site"
    assert row[2] == "甲条；乙条"


def test_the_grounds_of_recusal_are_the_regulations_with_their_article():
    told = section(first(regulation=FIVE["shandong-2020"]), "recusal-grounds")
    assert told.rows == (("依法回避 recusal by law", "细则第十三条"),)
    assert [one.code for one in first().sections if one.code == "recusal-grounds"] == []


def test_the_rights_are_on_every_notice_in_both_languages():
    text = "\n".join(text for _, text in passages(notices_data([first()], LANGUAGES, name="fund-1")))
    for words in LANGUAGES:
        for code in RIGHTS:
            assert words.say("notice", code) in text


def test_an_inspector_of_a_department_has_a_number_and_its_department_and_an_expert_is_one(monkeypatch):
    no = first().no
    monkeypatch.setattr(
        pressed,
        "standing_of",
        lambda told: Standing(
            teams={**told.outcome().assignment.teams, no: (("", "I-1"), ("health.example.cn", "W-7"))},
            experts={no: ("E-3",)},
            caps={},
            out=frozenset(),
        ),
    )
    names = {"I-1": {"name": "张三", "certificate": "鲁001"}, "I-2": {"name": "李四"}}
    none = Phrase("word", "none")
    assert section(first(names=names), "visitors").rows == (
        ("I-1", "张三", "鲁001", Phrase("notice", "ours")),
        ("W-7", none, none, "health.example.cn"),
        ("E-3", none, none, Phrase("notice", "expert")),
    )


@pytest.mark.parametrize(
    ("name", "door"), [(None, False), ("shandong-2020", False), ("shuozhou-2023", True), ("shanghai-2024", False)]
)
def test_who_is_told_beforehand_is_what_the_regulation_says(name, door):
    notice = first(regulation=None if name is None else FIVE[name])
    assert notice.secrecy.code == ("at-the-door" if door else "internal")


def test_a_sealed_draw_is_told_at_the_door_whatever_the_regulation_says():
    told = tell(before=sealed())
    assert {one.secrecy.code for one in pressed.notices_of(told, regulation=FIVE["shandong-2020"])} == {"at-the-door"}
