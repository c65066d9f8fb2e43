"""Statements of every type with one thing wrong, as whoever holds a key could sign them. specs/statements.md §2, §3."""

from typing import Any

from formats import Cases, canonical, digest
from texts import EXAMPLES, PULSE, SOURCE, SUPERVISOR, TEAM, example, statements, vkey

SHORT = "ab" * 31
REF = {"index": 1, "text": digest("x")}
SEED: dict[str, Any] = {"kind": "committed", "contributors": [], "minimum": 0}
SKILL = {"field": "skills", "value": "law", "number": 1}


def _team(**changes: Any) -> dict[str, Any]:
    return {"team": TEAM | changes}


def _skills(*numbers: int) -> list[dict[str, Any]]:
    return [SKILL | {"value": f"skill {at}", "number": number} for at, number in enumerate(numbers)]


BENDS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "key": [("co-signed", {"with": ["s1.example.cn"]}), ("from no key", {"old": None}),
            ("of a former log without its last statement", {"former": {"log": "log.example.cn/x"}})],
    "item-list": [("of nothing", {"items": None}), ("by digest alone", {"items": digest("items")}),
                  ("with a sentence as reason", {"reason": "a new law"})],
    "plan": [("with five specialities", _team(specialities=_skills(1, 1, 1, 1, 1))),
             ("with more specialists than a team has", _team(specialities=_skills(3))),
             ("with thirteen specialists", {"team": TEAM | {"size": 9, "department": None, "quota": [],
                                                            "specialities": _skills(5, 5, 3)}}),
             ("with a speciality twice", _team(specialities=[SKILL, SKILL])),
             ("with a walk of a million steps and one", _team(beyond="switch-chain", steps=1_000_001)),
             ("with twenty-one experts", _team(experts={"number": 21, "expert": "expert", "eligible": []})),
             ("with a limit of no attempts", _team(limit=0)),
             ("with an unknown rule", _team(eligible=[{"rule": "likes", "object": None, "inspector": "x"}])),
             ("of the year 1999", {"year": 1999}), ("with rules that are none", {"rules": []})],
    "snapshot": [("with attributes out of order", {"attrs": [["type", "string"], ["region", "string"]]}),
                 ("with an attribute of an unknown type", {"attrs": [["region", "text"]]}),
                 ("with a private field twice", {"private": [["name", True], ["name", False]]}),
                 ("that is published perhaps", {"published": "yes"}),
                 ("without a count", {"roster": {"digest": digest("r"), "length": 1, "root": digest("r")}})],
    "receipt": [("of a number of openings", {"openings": 1}), ("with a digest cut short", {"digest": SHORT})],
    "announcement": [("of slots out of order", {"slots": ["2026/fund-use/2", "2026/fund-use/1"]}),
                     ("of one beacon twice", {"beacon": [SOURCE, SOURCE | {"round": 32002001}]}),
                     ("of nine sources", {"beacon": [SOURCE | {"beacon": f"b{at}"} for at in range(9)]}),
                     ("with a margin of more than a year", {"margin": 31_536_001}),
                     ("until a day without an embargo", {"disclosure": {"kind": "until", "date": "2026-09-30"}}),
                     ("with contributors that are none", {"seed": SEED}),
                     ("with a contributor who is perhaps indispensable", {"seed": SEED | {"contributors": [
                         {"name": "s1.example.cn", "commitment": REF, "required": 1}]}})],
    "commitment": [("for a slot of two parts", {"slot": "2026/fund-use"}),
                   ("in capitals", {"commitment": digest("c").upper()})],
    "reveal": [("of 31 bytes", {"seed": SHORT}), ("of a commitment by its hash alone", {"commitment": digest("c")})],
    "reveals-closed": [("by hashes alone", {"reveals": [digest("r")]}), ("of nothing", {"announcement": None})],
    "deposit": [("of 31 bytes", {"embargo": SHORT}), ("for a slot in capitals", {"slot": "2026/Fund-use/1"})],
    "withdrawal": [("of nothing", {"digest": None}), ("with a sentence as reason", {"reason": "He asked for it."})],
    "draw": [("with a cap of nobody", {"blocks": [["H-000001", 0, 0]]}), ("with a key cut short", {"key": SHORT}),
             ("with half a byte of a pulse", {"pulses": [PULSE | {"signature": "b4467"}]}),
             ("without a count", {"counts": {"objects": 1, "inspectors": 1, "strata": 1}}),
             ("with a pool below zero", {"pool": -1}), ("without results", {"results": None})],
    "sign-off": [("in a role with a space", {"role": "legal department"}), ("of nothing", {"of": None})],
    "substitution-call": [("of no round", {"beacon": []}),
                          ("of one beacon twice", {"beacon": [SOURCE, SOURCE | {"round": 32002001}]}),
                          ("with an embargo of 31 bytes", {"embargo": SHORT}),
                          ("with a margin below zero", {"margin": -1}), ("without a form", {"declaration": None})],
    "substitution": [("with a key cut short", {"key": SHORT}), ("without a result", {"result": None})],
    "deferral": [("until a day that is not", {"until": "2026-11-31"}), ("without an application", {"application": ""})],
    "exception": [("of a draw by its hash alone", {"draw": digest("draw")}),
                  ("of no inspection", {"inspection": None})],
    "void": [("with a sentence as reason", {"reason": "Force majeure"}),
             ("with pulses that are none", {"pulses": None})],
    "evidence": [("of no file", {"files": []}), ("of nothing", {"of": None})],
    "result": [("without a root", {"outcomes": {"digest": digest("o"), "length": 1, "count": 1}}),
               ("of nothing", {"draw": None})],
    "correction": [("without a reason", {"reason": None}), ("of nothing", {"result": None})],
    "objection": [("about the team", {"about": "team"}), ("without its digest", {"objection": None})],
    "answer": [("that is undecided", {"decision": "perhaps"}), ("without its digest", {"answer": "yes"})],
    "loss": [("for a reason of its own", {"reason": "forgotten"}), ("of no key", {"key": None}),
             ("of words in the place of a key", {"key": "the one in the drawer"}),
             ("of a key under another's name", {"key": vkey(SUPERVISOR).replace("s1.", "s2.", 1)})],
    "opening": [("with a key cut short", {"key": SHORT}), ("with an embargo key cut short", {"embargo": SHORT}),
                ("of no artifact", {"artifact": None})],
}  # fmt: skip


def all_statements() -> tuple[Cases, Cases]:
    """statements.md: statements and entries, and every type with something wrong."""
    accept, refuse = statements()
    told = [(kind, name, bend) for kind in EXAMPLES for name, bend in BENDS.get(kind, [])]
    return accept, refuse + [
        {"name": f"{kind} {name}", "text": canonical(example(kind, **bend)) + "\n", "expect": "bad-field"}
        for kind, name, bend in told
    ]
