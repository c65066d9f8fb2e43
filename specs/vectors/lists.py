"""The vectors of list artifacts that stand beside the log: recusals, exclusions, item lists, openings, results.

Written by hand after announcement.md §3, compliance.md §2, snapshot.md §4 and record.md §1, §3.
"""

from typing import Any

from formats import Cases, canonical, digest

RECUSAL = {"declarer": "inspector", "form": None, "inspector": "I-01", "object": "H-000001", "reason": "kinship"}
FORMED = RECUSAL | {"declarer": "object", "form": digest("form"), "object": "H-000002", "reason": "other"}
CAPPED = {"item": None, "no": "H-000007", "reason": "yearly-cap"}
BEFORE = {"item": "fund-use", "no": "H-000007", "reason": "drawn-before"}
ITEM: dict[str, Any] = {
    "basis": ["《医疗保障基金使用监督管理条例》第十四条"], "bodies": [], "category": "general", "cite": ["附件4"],
    "content": None, "content_en": None, "frequency": {"kind": "at-most", "times": 1}, "id": "medical-internal",
    "laxer": None, "levels": [], "methods": ["on-site"], "name": "定点医疗机构内部管理",
    "name_en": "Internal management", "objects": None, "principle": False, "ratio": "3/100", "ratio_kind": "exact",
    "types": ["medical"],
}  # fmt: skip
OTHER = ITEM | {"id": "fund-use"}
OPENING = {"field": "name", "no": "H-000123", "path": [digest("leaf")], "salt": digest("salt"), "value": "山东省立医院"}
STRATUM = {"base": 4, "cutoff": digest("cutoff"), "derivation": "ceil(4*1/4)=1", "eligible": 4, "excluded": 0,
           "item": "fund-use", "quota": 1, "stratum": ["pharmacy"], "total": 4}  # fmt: skip
DRAWN = {"attempt": 0, "eligible": 5, "experts": [], "no": "H-000011", "strata": [["fund-use", ["pharmacy"]]],
         "team": [["", "I-05"], ["", "I-01"]], "ticket": digest("cutoff")}  # fmt: skip
CONTENT = {"blocks": [], "lines": [STRATUM, DRAWN], "pool": None}
NONCE = "e1" * 32


def lines(*values: Any) -> str:
    """Return a list artifact of values in the order given."""
    return "".join(f"{canonical(value)}\n" for value in values)


def _without(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {one: inner for one, inner in value.items() if one != name}


def lists() -> tuple[Cases, Cases]:
    """Return every kind of list, as it must be and bent."""
    accept: Cases = [
        {"name": "no recusals", "kind": "recusals", "list": "", "says": []},
        {"name": "two recusals", "kind": "recusals", "list": lines(RECUSAL, FORMED),
         "says": [["H-000001", "I-01"], ["H-000002", "I-01"]]},
        {"name": "one pair, recused by two", "kind": "recusals",
         "list": lines(RECUSAL, RECUSAL | {"declarer": "object"}), "says": [["H-000001", "I-01"]]},
        {"name": "two exclusions", "kind": "exclusions", "list": lines(BEFORE, CAPPED),
         "says": [["fund-use", "H-000007", "drawn-before"], [None, "H-000007", "yearly-cap"]]},
        {"name": "two items", "kind": "items", "list": lines(OTHER, ITEM), "says": ["fund-use", "medical-internal"]},
        {"name": "two openings, in any order", "kind": "openings", "list": lines(OPENING | {"no": "H-2"}, OPENING),
         "says": [["H-2", "name"], ["H-000123", "name"]]},
        {"name": "a stratum and who was drawn", "kind": "results", "list": lines(STRATUM, DRAWN),
         "says": [["fund-use", ["pharmacy"]], "H-000011"]},
        {"name": "a sealed result list", "kind": "sealed", "list": canonical([NONCE, CONTENT]),
         "says": [["fund-use", ["pharmacy"]], "H-000011"]},
    ]  # fmt: skip
    bent: list[tuple[str, str, str, str]] = [
        ("recusals that are not sorted", "recusals", lines(FORMED, RECUSAL), "bad-list"),
        ("a recusal twice", "recusals", lines(RECUSAL, RECUSAL), "bad-list"),
        ("a last line without its end", "recusals", canonical(RECUSAL), "bad-list"),
        ("a recusal with a space", "recusals", lines(RECUSAL).replace(":", ": ", 1), "bad-list"),
        ("a recusal with a name", "recusals", lines(RECUSAL | {"name": "王某"}), "bad-list"),
        ("a recusal without its form", "recusals", lines(_without(RECUSAL, "form")), "bad-list"),
        ("a recusal by nobody", "recusals", lines(RECUSAL | {"declarer": "neighbour"}), "bad-list"),
        ("a recusal with a sentence as reason", "recusals", lines(RECUSAL | {"reason": "His cousin."}), "bad-list"),
        ("a recusal of a number with a space", "recusals", lines(RECUSAL | {"object": "H 1"}), "bad-list"),
        ("a recusal with a short digest", "recusals", lines(RECUSAL | {"form": "ab"}), "bad-list"),
        ("exclusions that are not sorted", "exclusions", lines(CAPPED, BEFORE), "bad-list"),
        ("an exclusion for a reason of one's own", "exclusions", lines(CAPPED | {"reason": "friend"}), "bad-list"),
        ("an exclusion from an item in capitals", "exclusions", lines(BEFORE | {"item": "Fund"}), "bad-list"),
        ("an exclusion of nobody", "exclusions", lines(_without(CAPPED, "no")), "bad-list"),
        ("an exclusion that is an array", "exclusions", lines([None, "H-000007"]), "bad-list"),
        ("items that are not sorted", "items", lines(ITEM, OTHER), "bad-item-list"),
        ("an item twice", "items", lines(ITEM, ITEM), "bad-item-list"),
        ("an item without a field", "items", lines(_without(ITEM, "levels")), "bad-item-list"),
        ("an item with a ratio above one", "items", lines(ITEM | {"ratio": "4/3"}), "bad-item-list"),
        ("an item with a ratio of no kind", "items", lines(ITEM | {"ratio_kind": None}), "bad-item-list"),
        ("an item that no law provides for", "items", lines(ITEM | {"basis": []}), "item-without-basis"),
        ("an item of more than 65,535 bytes", "items",
         lines(ITEM | {"basis": ["条" * 1990 + str(at) for at in range(11)]}), "bad-item-list"),
        ("an opening without its salt", "openings", lines(_without(OPENING, "salt")), "bad-opening"),
        ("an opening of a number", "openings", lines(OPENING | {"value": 7}), "bad-opening"),
        ("an opening with a space", "openings", lines(OPENING).replace(":", ": ", 1), "bad-opening"),
        ("a stratum without its quota", "results", lines(_without(STRATUM, "quota")), "bad-result-line"),
        ("a drawn line without its team", "results", lines(_without(DRAWN, "team")), "bad-result-line"),
        ("a team of a number alone", "results", lines(DRAWN | {"team": ["I-05"]}), "bad-result-line"),
        ("a quota below zero", "results", lines(STRATUM | {"quota": -1}), "bad-result-line"),
        ("a sealed list that is an object", "sealed", canonical(CONTENT), "bad-sealed-artifact"),
        ("a sealed list without lines", "sealed", canonical([NONCE, _without(CONTENT, "lines")]),
         "bad-sealed-artifact"),
        ("a sealed list with a line break", "sealed", canonical([NONCE, CONTENT]) + "\n", "not-canonical"),
    ]  # fmt: skip
    refuse: Cases = [{"name": name, "kind": kind, "list": text, "expect": code} for name, kind, text, code in bent]
    return accept, refuse
