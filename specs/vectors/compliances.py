"""Cases of specs/compliance.md: a small regulation, plans and announcements that obey it, and ones that do not."""

from typing import Any

from formats import Cases, canonical
from texts import RATIO, RULE, TEAM, example

from fairdraw.itemlist import format_items
from fairdraw.regulation import Regulation, artifact_bytes, parse

SLOTS = ["2026/accounts/1", "2026/fund-use/1"]
REGULATION = """
id = "small"
document = { title = "一个小制度", title_en = "A small regulation", status = "plan" }
validity = { value = { from = "2026-01-01", until = "2026-12-31" }, cite = ["第九条"] }
list_only = { value = true, cite = ["第一条"] }
qualification = { value = "required", cite = ["第二条"] }
experts = { value = false, cite = ["第二条"] }
team = { value = 2, cite = ["第二条"] }
joint = { value = { each = 2 }, cite = ["第三条"] }
order = { value = "both", cite = ["第三条"] }
yearly_cap = { value = 2, cite = ["第四条"] }
regional_balance = { value = "proportional", cite = ["第五条"] }
disclosure = { value = "until-visit", cite = ["第六条"] }
object_types = [
  { id = "medical", zh = "医疗机构", en = "Institutions", cite = ["第一条"] },
  { id = "pharmacy", zh = "零售药店", en = "Pharmacies", cite = ["第一条"] },
]
ratios = [
  { type = "medical", ratio = "5/100", kind = "floor", period = "draw", cite = ["第七条"] },
  { type = "pharmacy", ratio = "3/100", kind = "floor", period = "draw", cite = ["第七条"] },
]
grades = [
  { grade = "good", zh = "良好", en = "Good", factor = "1/2", kind = "at-most", cite = ["第八条"] },
  { grade = "fair", zh = "中等", en = "Fair", factor = "1/1", kind = "exact", cite = ["第八条"] },
  { grade = "bad", zh = "差", en = "Bad", full = true, cite = ["第八条"] },
]
void_reasons = [{ code = "flood", zh = "水灾", en = "Flood", cite = ["第九条"] }]
methods = [{ code = "on-site", zh = "现场检查", en = "On site", cite = ["第一条"] }]

[[items]]
id = "accounts"
name = "账目检查"
name_en = "Accounts"
types = ["medical"]
ratio = "3/100"
ratio_kind = "exact"
frequency = { kind = "at-most", times = 1 }
basis = ["某法第一条"]
cite = ["附件"]

[[items]]
id = "fund-use"
name = "基金使用检查"
name_en = "Use of the fund"
types = ["medical", "pharmacy"]
methods = ["on-site"]
basis = ["某法第二条"]
cite = ["附件"]
"""
GRADES = [
    {"grade": "good", "factor": "1/2", "rounding": "floor", "whole": False},
    {"grade": "fair", "factor": "1/1", "rounding": "nearest", "whole": False},
    {"grade": "bad", "factor": "1/1", "rounding": "nearest", "whole": True},
]


def _ratio(of: list[str], ratio: str, floor: str | None = None, rounding: str = "ceil") -> dict[str, Any]:
    return RATIO | {"of": of, "ratio": ratio, "floor": floor, "rounding": rounding}


GRADED = RULE | {"grade": "grade", "grades": GRADES, "top_up": ["fair"], "region": "region", "strata": ["type"]}
ACCOUNTS = GRADED | {"items": ["accounts"], "ratios": [_ratio([], "3/100", rounding="nearest")],
                     "filter": 'type = "medical"'}  # fmt: skip
FUND = GRADED | {"items": ["fund-use"], "ratios": [
    _ratio(["medical"], "1/20", "1/20"), _ratio(["pharmacy"], "3/100", "3/100")]}  # fmt: skip


def _plan(**changes: Any) -> dict[str, Any]:
    schedule = [{"slot": slot, "first": "2026-03-01", "last": "2026-06-30", "share": None} for slot in SLOTS]
    fields = {"slots": SLOTS, "schedule": schedule, "rules": [ACCOUNTS, FUND], "yearly_cap": 2, "voids": ["flood"]}
    return example("plan", **(fields | changes))


def compliance() -> tuple[Cases, Cases]:
    """compliance.md: plans and announcements under a small regulation."""
    rules: Regulation = parse(REGULATION.encode(), parents={}, file="small.toml")
    items = format_items(rules.items)
    under = {"regulation": artifact_bytes(rules).decode(), "items": items.decode()}
    bare = {**under, "items": items.split(b"\n")[0].decode() + "\n"}
    late = [{"slot": SLOTS[0], "first": "2026-12-01", "last": "2027-01-15", "share": None}]
    department = {"name": "wjw.example.cn", "inspectors": "wjw-staff"}
    twice = ["2026/accounts/1", "2026/accounts/2", "2026/fund-use/1"]
    four = TEAM | {"size": 4, "quota": [["wjw", 2], ["ybj", 2]]}
    experts = {"number": 1, "expert": "expert", "eligible": []}
    sealed = example("announcement", slots=SLOTS, window="2026-06-30",
                     disclosure={"kind": "until", "date": "2026-06-30", "embargo": "ab" * 32})  # fmt: skip

    def fund(**changes: Any) -> dict[str, Any]:
        return {"rules": [ACCOUNTS, FUND | changes]}

    accept: Cases = [
        {"name": "a plan", **under, "plan": canonical(_plan()) + "\n"},
        {"name": "a joint plan", **under, "plan": canonical(_plan(joint=[department], team=four)) + "\n"},
        {"name": "a ratio above the floor", **under, "plan": canonical(_plan(**fund(ratios=[
            _ratio([], "1/10", "1/10")]))) + "\n"},
        {"name": "a smaller factor where the limit is at most", **under, "plan": canonical(_plan(**fund(grades=[
            GRADES[0] | {"factor": "1/4"}, *GRADES[1:]]))) + "\n"},
        {"name": "sealed until the visit", **under, "announcement": canonical(sealed) + "\n"},
    ]  # fmt: skip
    bends: list[tuple[str, dict[str, Any]]] = [
        ("not-in-force", {"schedule": late}),
        ("void-reason-unknown", {"voids": ["holiday"]}),
        ("cap-above", {"yearly_cap": 3}),
        ("cap-above", {"yearly_cap": None}),
        ("frequency-differs", {"slots": twice, "schedule": []}),
        ("joint-without-quota", {"joint": [department], "team": four | {"department": None, "quota": []}}),
        ("joint-too-few", {"joint": [department], "team": four | {"quota": [["wjw", 1], ["ybj", 3]]}}),
        ("experts-not-foreseen", {"team": TEAM | {"experts": experts}}),
        ("qualification-not-asked", {"team": TEAM | {"eligible": TEAM["eligible"][1:]}}),
        ("order-differs", {"team": TEAM | {"order": "objects-first"}}),
        ("ratio-below-floor", fund(ratios=[_ratio([], "3/100", "3/100")])),
        ("ratio-below-floor", fund(ratios=[_ratio([], "1/20")])),
        ("ratio-differs", {"rules": [ACCOUNTS | {"ratios": [_ratio([], "1/20")]}, FUND]}),
        ("grades-not-used", fund(grade=None, grades=[], top_up=[])),
        ("grade-missing", fund(grades=GRADES[1:])),
        ("coverage-differs", fund(grades=[*GRADES[:2], GRADES[2] | {"whole": False}])),
        ("grade-factor-differs", fund(grades=[GRADES[0] | {"factor": "3/4"}, *GRADES[1:]])),
        ("grade-factor-differs", fund(grades=[GRADES[0] | {"rounding": "ceil"}, *GRADES[1:]])),
        ("regions-not-balanced", fund(region=None)),
    ]
    refuse: Cases = [
        {"name": f"{code}, {number}", **under, "plan": canonical(_plan(**bent)) + "\n", "expect": code}
        for number, (code, bent) in enumerate(bends, 1)
    ]
    open_one = sealed | {"disclosure": {"kind": "at-once"}}
    refuse += [
        {"name": "an item that is not listed", **bare, "plan": canonical(_plan()) + "\n",
         "expect": "item-outside-list"},
        {"name": "at once", **under, "announcement": canonical(open_one) + "\n", "expect": "disclosure-at-once"},
        {"name": "a window too late", **under, "announcement": canonical(sealed | {"window": "2027-01-01"}) + "\n",
         "expect": "not-in-force"},
        {"name": "an item without a legal basis", **under, "items": under["items"].replace('["某法第一条"]', "[]"),
         "plan": canonical(_plan()) + "\n", "expect": "item-without-basis"},
        {"name": "items in another order", **under, "plan": canonical(_plan()) + "\n", "expect": "bad-item-list",
         "items": "".join(line + "\n" for line in reversed(under["items"].split("\n")[:-1]))},
    ]  # fmt: skip
    return accept, refuse
