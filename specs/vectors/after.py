"""The vectors of acts.md: artifacts of later acts, the key and the draw of a substitution, and who may sign what."""

from typing import Any

from formats import Cases, canonical, digest, listing, ticket
from texts import BUREAU, SOURCE, example

KINDS: dict[str, dict[str, Any]] = {
    "vacancy": {"inspector": "I-03", "no": "H-000007"},
    "substitute": {"department": "ybj", "eligible": 3, "expert": False, "in": "I-05", "no": "H-000007", "out": "I-03",
                   "ticket": "ab" * 32},
    "named": {"no": "H-000007"},
    "inspection": {"date": "2026-09-12", "inspectors": ["I-01", "I-02"], "items": ["fund-use"],
                   "objects": ["H-000001", "H-000007"]},
}  # fmt: skip
NONCE = "e1" * 32
OUTCOME: dict[str, Any] = {
    "checked": "2026-09-11", "due": "2026-10-15", "findings": ["overtreatment"], "first": "2026-09-10",
    "form": digest("form"), "items": ["fund-use"], "last": "2026-09-11",
    "leniency": [{"amount": 99999, "finding": "overtreatment", "ground": "amount-below", "list": "none", "number": 1}],
    "method": "site", "no": "H-000007", "noncooperation": [["2026-09-10", "entry-refused"]], "notice": digest("notice"),
    "recognised": None, "rectify": {"revisited": None, "until": "2026-10-10"}, "refusal": None,
    "result": "corrected", "transfers": [], "withheld": None,
}  # fmt: skip
REFUSED = OUTCOME | {"form": None, "no": "H-000008", "refusal": {"reason": "no-reason-given", "witness": digest("w")}}
WITHHELD = OUTCOME | {"findings": [], "leniency": [], "no": "H-000009", "noncooperation": [], "result": None,
                      "withheld": "privacy"}  # fmt: skip
TAKEN_OVER = OUTCOME | {"form": None, "no": "H-000010", "notice": None,
                        "recognised": {"index": 7, "log": "log.example.cn/wjw", "text": digest("other")}}  # fmt: skip
CLOSED = {"closed": "dissolved", "no": "H-000011"}


def _outcomes(name: str, *lines: dict[str, Any], expect: str | None = None, **said: Any) -> dict[str, Any]:
    rows = [canonical(line) for line in lines]
    told = {"name": name, "outcomes": "".join(f"{row}\n" for row in rows), "listing": listing(rows) | said}
    return told if expect is None else told | {"expect": expect}


def _substitution(name: str, *, purpose: str, embargo: str | None) -> dict[str, Any]:
    """Return a case by a second writing of acts.md §3: key, tickets, and the smallest of them."""
    text = canonical(example("substitution-call", embargo=None if embargo is None else digest("commitment"))) + "\n"
    randomness = digest("pulse")
    lines = ["fairdraw/v1/key", f"substitution-call {digest(text)}",
             f"pulse {SOURCE['hash']} {SOURCE['round']} {randomness}"]  # fmt: skip
    lines += [] if embargo is None else [f"embargo {embargo}"]
    key = digest("".join(f"{line}\n" for line in lines))
    pool = ["I-01", "I-02", "I-04", "I-05"]
    told = sorted((ticket(key, purpose, 0, 0, "H-000007", no), no) for no in pool)
    tickets = [[no, drawn] for drawn, no in told]
    return {"name": name, "call": text, "randomness": [randomness], "embargo": embargo, "key": key, "purpose": purpose,
            "no": "H-000007", "pool": pool, "tickets": tickets, "in": told[0][1]}  # fmt: skip


def _role(name: str, kind: str, role: str, *, allowed: bool, **more: Any) -> dict[str, Any]:
    fields = {"by": BUREAU if role == "bureau" else "signer.example.cn"} | more.pop("fields", {})
    said = example(kind, **fields)
    rules = {"signers": [], "separation": None} | more
    return {"name": f"{name}: {kind}", "statement": canonical(said) + "\n", "role": role, "allowed": allowed, **rules}


def _roles() -> Cases:
    signed = {"with": ["co.example.cn"]}
    return [
        _role("the bureau", "result", "bureau", allowed=True),
        _role("an inspecting unit", "result", "inspecting-unit", allowed=True),
        _role("a supervisor", "result", "discipline", allowed=False),
        _role("the bureau, where the inspecting unit must", "result", "bureau", allowed=False,
              signers=["inspecting-unit"]),
        _role("the inspecting unit, where it must", "correction", "inspecting-unit", allowed=True,
              signers=["inspecting-unit"]),
        _role("the bureau, where drawing and inspecting are separate", "correction", "bureau", allowed=False,
              separation=True),
        _role("the bureau, where nothing is said of it", "exception", "bureau", allowed=True, separation=True),
        _role("its own role", "sign-off", "discipline", allowed=True),
        _role("another's role", "sign-off", "social", allowed=False),
        _role("the bureau itself", "sign-off", "bureau", allowed=False, fields={"role": "discipline"}),
        _role("whoever gives a seed", "sign-off", "contributor", allowed=False, fields={"role": "contributor"}),
        _role("with a supervisor", "substitution-call", "bureau", allowed=True, fields=signed, co_signer="social"),
        _role("with the approver", "substitution-call", "bureau", allowed=False, fields=signed, co_signer="approver"),
        _role("with an inspecting unit", "substitution-call", "bureau", allowed=False, fields=signed,
              co_signer="inspecting-unit"),
        _role("alone", "substitution-call", "bureau", allowed=False),
        _role("a free word is a supervisor", "objection", "journalist", allowed=True),
        _role("the bureau", "receipt", "bureau", allowed=False),
        _role("a department", "snapshot", "department", allowed=True),
        _role("a supervisor", "draw", "legal", allowed=False),
    ]  # fmt: skip


def acts() -> tuple[Cases, Cases]:
    """acts.md: what is an act, what is none."""
    accept: Cases = [{"name": kind, "kind": kind, "act": canonical(value) + "\n",
                      "sealed": canonical([NONCE, value]), "nonce": NONCE}
                     for kind, value in KINDS.items()]  # fmt: skip
    accept += [
        _outcomes("four outcomes", OUTCOME, REFUSED, WITHHELD, TAKEN_OVER),
        _outcomes("an outcome and a closed object", OUTCOME, CLOSED),
        _outcomes("none"),
        _substitution("a substitute", purpose="team", embargo=None),
        _substitution("an expert's, in a sealed draw", purpose="expert", embargo=digest("embargo")),
        *_roles(),
    ]
    vacancy, inspection = KINDS["vacancy"], KINDS["inspection"]
    bends: list[tuple[str, str, str]] = [
        ("without its line break", "vacancy", canonical(vacancy)),
        ("another field", "vacancy", canonical(vacancy | {"name": "x"}) + "\n"),
        ("a field missing", "vacancy", canonical({"no": "H-000007"}) + "\n"),
        ("a space", "vacancy", canonical(vacancy).replace(":", ": ", 1) + "\n"),
        ("sealed with a short nonce", "vacancy", canonical(["e1", vacancy])),
        ("sealed, and a line break", "vacancy", canonical([NONCE, vacancy]) + "\n"),
        ("a number with a space", "named", canonical({"no": "H 7"}) + "\n"),
        ("inspectors that are not sorted", "inspection", canonical(inspection | {"inspectors": ["I-2", "I-1"]}) + "\n"),
        ("an object twice", "inspection", canonical(inspection | {"objects": ["H-1", "H-1"]}) + "\n"),
        ("an inspection by nobody", "inspection", canonical(inspection | {"inspectors": []}) + "\n"),
        ("a pool of nobody", "substitute", canonical(KINDS["substitute"] | {"eligible": 0}) + "\n"),
    ]
    refuse: Cases = [{"name": name, "kind": kind, "act": text, "expect": "bad-act"} for name, kind, text in bends]
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("a check that ends before the last day", {"checked": "2026-09-10"}),
        ("a last day before the first", {"first": "2026-09-12"}),
        ("neither form nor refusal", {"form": None}),
        ("a form and a refusal", {"refusal": {"reason": "x", "witness": None}}),
        ("no result", {"result": None}),
        ("a result that is withheld too", {"withheld": "privacy"}),
        ("withheld, and told in part", {"result": None, "withheld": "privacy"}),
        ("leniency for what was not found", {"findings": ["overcharge"]}),
        ("findings that are not sorted", {"findings": ["overtreatment", "overcharge"]}),
        ("a term that ends before the inspection", {"rectify": {"revisited": None, "until": "2026-09-09"}}),
        ("an amount with a point", {"leniency": [OUTCOME["leniency"][0] | {"amount": "999.99"}]}),
        ("free text as a finding", {"findings": ["He did it."], "leniency": []}),
        ("no items", {"items": []}),
        ("a day that is not", {"first": "2026-09-31"}),
    ]
    refuse += [_outcomes(name, OUTCOME | bent, expect="bad-outcomes") for name, bent in wrong]
    refuse += [
        _outcomes("an object twice", OUTCOME, OUTCOME, expect="outcome-twice"),
        _outcomes("outcomes in another order", REFUSED, OUTCOME, expect="bad-outcomes"),
        _outcomes("another digest", OUTCOME, expect="outcomes-altered", digest="00" * 32),
        _outcomes("another root", OUTCOME, expect="bad-outcomes", root="00" * 32),
    ]
    return accept, refuse
