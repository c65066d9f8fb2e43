"""The vectors of statements.md and trust.md: texts, entries and trust files.

The keys are made of labels, so that anybody may sign with them. Signing is done by the project; Ed25519 has one answer.
"""

from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Any

from formats import SLOT, Cases, canonical, digest

from fairdraw.beacon import CHAINS, Chain, practice_chain
from transparency_log.note import Signer, Verifier

LOG = "log.example.cn/jinan"
BUREAU = "jinan-ybj.example.cn"
SUPERVISOR = "s1.example.cn"
QUICKNET = CHAINS["quicknet"]


def signer(name: str, label: str = "", algorithm: int = 1) -> Signer:
    """Return the Ed25519 key of a name whose 32-byte seed is SHA-256("key of " + name + label)."""
    return Signer.from_seed(name, sha256(f"key of {name}{label}".encode()).digest(), algorithm)


def vkey(name: str, label: str = "", algorithm: int = 1) -> str:
    """Return the verifier key of `signer`."""
    return signer(name, label, algorithm).verifier.vkey


def _h(label: str) -> str:
    return digest(label)


def _ref(index: int, label: str) -> dict[str, Any]:
    return {"index": index, "text": _h(label)}


def _artifact(label: str, length: int = 1234, **more: Any) -> dict[str, Any]:
    return {"digest": _h(label), "length": length, **more}


EMPTY = {"digest": digest(""), "length": 0}
SOURCE = {"beacon": "quicknet", "hash": QUICKNET.hash, "round": 32002000}
PULSE = {"beacon": "quicknet", "round": 1000, "previous": None,
         "signature": "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125"
                      "e342b73a8dd2bacbe47e4b6b63ed5e39"}  # fmt: skip
TEAM = {"size": 2, "department": "department", "quota": [["wjw", 1], ["ybj", 1]], "cap": 9, "limit": 10000,
        "beyond": "raise-cap", "eligible": [
            {"rule": "true", "object": None, "inspector": "qualified"},
            {"rule": "same", "object": "region", "inspector": "region"}],
        "specialities": [], "experts": None, "order": "both", "pool": None, "steps": None}  # fmt: skip
RATIO = {"of": [], "ratio": "3/100", "rounding": "ceil", "floor": None}
RULE = {"items": ["fund-use"], "filter": "", "strata": ["type"], "ratios": [RATIO], "grade": None, "grades": [],
        "top_up": [], "region": None, "each_region": False}  # fmt: skip
BATCH = {"slot": SLOT, "first": "2026-09-08", "last": "2026-09-30", "share": "1/2"}
GRADE = {"grade": "good", "factor": "1/2", "rounding": "nearest", "whole": False}

# One statement of each type: the fields besides those that all have.
EXAMPLES: dict[str, dict[str, Any]] = {
    "key": {"old": vkey(BUREAU), "new": vkey(BUREAU, " 2"), "former": None},
    "item-list": {"items": _artifact("items"), "regulation": _artifact("regulation"), "reason": None},
    "plan": {"plan": "2026", "kind": "yearly", "year": 2026, "slots": [SLOT, "2026/fund-use/2"], "schedule": [BATCH],
             "items": _ref(0, "item-list"), "objects": "institutions", "inspectors": "staff", "joint": [],
             "rules": [RULE], "yearly_cap": 2, "team": TEAM, "audit": 2, "substitutions": 2, "voids": [],
             "regulation": _artifact("regulation"), "reason": None},
    "snapshot": {"registry": "institutions", "published": True, "attrs": [["region", "string"], ["type", "string"]],
                 "private": [["name", True], ["uscc", False]], "left_out": None,
                 "roster": _artifact("roster", count=12, root=_h("root"))},
    "receipt": {"snapshot": _ref(2, "snapshot"), "digest": _h("roster"), "openings": True},
    "announcement": {"slots": [SLOT], "plan": _ref(1, "plan"), "objects": _ref(2, "objects"),
                     "inspectors": _ref(3, "inspectors"), "joint": [], "recusals": _artifact("recusals"),
                     "exclusions": EMPTY,
                     "beacon": [SOURCE], "seed": {"kind": "published", "digits": "20260907"},
                     "disclosure": {"kind": "at-once"}, "window": "2026-09-30", "margin": 300, "history_size": 4,
                     "regulation": _artifact("regulation"), "replaces": None},
    "commitment": {"slot": SLOT, "commitment": _h("commitment")},
    "reveal": {"commitment": _ref(4, "commitment"), "seed": _h("seed")},
    "reveals-closed": {"announcement": _ref(5, "announcement"), "reveals": [_ref(6, "reveal"), None]},
    "deposit": {"slot": SLOT, "embargo": _h("embargo commitment")},
    "withdrawal": {"digest": _h("roster"), "reason": "erasure"},
    "draw": {"announcement": _ref(5, "announcement"), "pulses": [PULSE], "key": _h("key"),
             "results": _artifact("results", count=5, root=_h("results root")), "blocks": [["H-000001", 3, 9]],
             "pool": None, "counts": {"objects": 12, "inspectors": 5, "strata": 2, "drawn": 3}},
    "sign-off": {"of": _ref(8, "draw"), "role": "discipline"},
    "substitution-call": {"draw": _ref(8, "draw"), "vacancy": _artifact("vacancy"), "declaration": _h("form"),
                          "reason": "illness", "beacon": [SOURCE], "margin": 300, "embargo": None},
    "substitution": {"call": _ref(9, "call"), "pulses": [PULSE], "key": _h("key 2"), "result": _artifact("result")},
    "deferral": {"draw": _ref(8, "draw"), "deferred": _artifact("deferred"), "application": _h("application"),
                 "reason": "important-matter", "until": "2026-11-30"},
    "exception": {"reason": "complaint", "inspection": _artifact("inspection"), "draw": None},
    "void": {"announcement": _ref(5, "announcement"), "reason": "chain-retired", "pulses": []},
    "evidence": {"of": _ref(8, "draw"), "files": [_artifact("photo", 482113)]},
    "result": {"draw": _ref(8, "draw"), "outcomes": _artifact("outcomes", count=3, root=_h("outcomes root"))},
    "correction": {"result": _ref(11, "result"), "reason": "appeal-upheld",
                   "outcomes": _artifact("outcomes 2", count=1, root=_h("outcomes 2 root"))},
    "objection": {"of": _ref(11, "result"), "about": "result", "by_whom": _artifact("object"),
                  "objection": _h("objection")},
    "answer": {"objection": _ref(12, "objection"), "decision": "upheld", "answer": _h("answer")},
    "opening": {"of": _ref(8, "draw"), "artifact": _artifact("opening"), "key": _h("key"), "embargo": _h("embargo")},
    "verifier-release": {"page": _artifact("verify.html", 214367), "version": "0.1.0"},
    "loss": {"key": vkey(SUPERVISOR), "reason": "stolen"},
}  # fmt: skip

OTHERS = frozenset({"receipt", "commitment", "reveal", "deposit", "sign-off"})  # signed by supervisors in the examples


def example(kind: str, **changes: Any) -> dict[str, Any]:
    """Return the example of a type, as a value."""
    chain = {"v": 0, "type": kind, "log": LOG, "bureau": BUREAU, "by": SUPERVISOR if kind in OTHERS else BUREAU,
             "with": [], "seq": 7, "prev": _h("previous"), "time": "2026-09-07T10:00:00Z"}  # fmt: skip
    return chain | EXAMPLES[kind] | changes


def _entry(value: dict[str, Any], *signers: Signer, extra: str = "") -> str:
    text = canonical(value) + "\n"
    return text + "\n" + "".join(one.sign(text).format() + "\n" for one in signers) + extra


def statements() -> tuple[Cases, Cases]:
    """statements.md: a text of every type, entries, and what is neither."""
    texts = {kind: canonical(example(kind)) + "\n" for kind in EXAMPLES}
    accept: Cases = [{"name": kind, "text": text, "hash": digest(text)} for kind, text in texts.items()]
    bureau, other, fresh = signer(BUREAU), signer(SUPERVISOR), signer(BUREAU, " 2")
    keys = [vkey(BUREAU), vkey(SUPERVISOR)]
    plan, two = example("plan"), example("plan", **{"with": [SUPERVISOR]})
    stray = signer("stray.example.cn").sign(texts["plan"]).format() + "\n"
    known: dict[str, Any] = {"keys": keys}
    for name, entry, value in (
        ("one signer", _entry(plan, bureau), plan),
        ("two signers", _entry(two, bureau, other), two),
        ("an unknown line after it", _entry(plan, bureau, extra=stray), plan),
        ("a change of keys", _entry(example("key"), bureau, fresh), example("key")),
    ):
        accept.append({"name": name, "entry": entry, **known, "hash": digest(canonical(value) + "\n")})
    good = _entry(plan, bureau)
    text, line = texts["plan"], bureau.sign(texts["plan"]).format() + "\n"
    flipped = b64decode(line.split(" ")[2])
    flipped = flipped[:40] + bytes([flipped[40] ^ 1]) + flipped[41:]
    refuse: Cases = [
        *_texts(text, plan),
        {"name": "no signature", "entry": text, **known, "expect": "not-a-note"},
        {"name": "a co-signer missing", "entry": _entry(two, bureau), **known, "expect": "signature-missing"},
        {"name": "the lines in another order", "entry": _entry(two, other, bureau), **known,
         "expect": "signature-missing"},
        {"name": "an unknown line first", "entry": f"{text}\n{stray}{line}", **known, "expect": "signature-missing"},
        {"name": "a line twice", "entry": good + line, **known, "expect": "signature-doubled"},
        {"name": "a flipped bit", "entry": good.replace(line.split(" ")[2], b64encode(flipped).decode() + "\n"),
         **known, "expect": "signature-invalid"},
        {"name": "another text under the signature", "entry": good.replace('"audit":2', '"audit":3'), **known,
         "expect": "signature-invalid"},
        {"name": "a signer that nobody knows", "entry": good, "keys": keys[1:], "expect": "unknown-signer"},
        {"name": "the key of another", "entry": good, "keys": [vkey(BUREAU, " 2")], "expect": "signature-missing"},
        {"name": "seventeen lines", "entry": good + stray * 16, **known, "expect": "too-many-signatures"},
        {"name": "a change of keys without the new key", "entry": _entry(example("key"), bureau), **known,
         "expect": "signature-missing"},
        {"name": "a change from a key that is not the signer's", "entry": _entry(example("key"), bureau, fresh),
         "keys": [vkey(BUREAU, " 2")], "expect": "wrong-old-key"},
        {"name": "a change to another name", "keys": keys, "expect": "bad-new-key",
         "entry": _entry(example("key", new=vkey(SUPERVISOR)), bureau, other)},
        {"name": "a change to a key of small order", "keys": keys, "expect": "bad-new-key",
         "entry": _entry(example("key", new=_weak(BUREAU, 1)), bureau, other)},
    ]  # fmt: skip
    return accept, refuse


def _texts(text: str, plan: dict[str, Any]) -> Cases:
    said = example("announcement")
    bare = {name: value for name, value in plan.items() if name not in {"v", "with"}}
    bends: list[tuple[str, dict[str, Any]]] = [
        ("an unknown field", plan | {"note": "x"}),
        ("a field missing", {name: value for name, value in plan.items() if name != "audit"}),
        ("without v", bare | {"with": []}),
        ("without with", bare | {"v": 0}),
        ("with by another name", bare | {"v": 0, "with_": []}),
        ("false for zero", plan | {"v": False}),
        ("version 1", plan | {"v": 1}),
        ("a string for an integer", plan | {"seq": "7"}),
        ("a negative seq", plan | {"seq": -1}),
        ("a hash in capitals", plan | {"prev": _h("previous").upper()}),
        ("a hash cut short", plan | {"prev": _h("previous")[:62]}),
        ("a name with a space", plan | {"by": "jinan ybj"}),
        ("a name with a plus", plan | {"by": "jinan+ybj"}),
        ("a time that is not", plan | {"time": "2026-09-31T10:00:00Z"}),
        ("slots not sorted", plan | {"slots": ["2026/fund-use/2", SLOT]}),
        ("a slot twice", plan | {"slots": [SLOT, SLOT]}),
        ("a slot of another plan", plan | {"slots": ["2025/fund-use/1"]}),
        ("no slots", plan | {"slots": []}),
        ("a slot in capitals", plan | {"slots": ["2026/Fund-use/1"]}),
        ("a ratio above one", plan | {"rules": [RULE | {"ratios": [RATIO | {"ratio": "101/100"}]}]}),
        ("a floor above one", plan | {"rules": [RULE | {"ratios": [RATIO | {"floor": "101/100"}]}]}),
        ("a stratum attribute twice", plan | {"rules": [RULE | {"strata": ["type", "type"]}]}),
        ("a rule of an item without a slot", plan | {"rules": [RULE | {"items": ["fund-use", "registers"]}]}),
        ("an item with two rules", plan | {"rules": [RULE, RULE]}),
        ("a slot without a rule", plan | {"rules": [RULE | {"items": ["registers"]}]}),
        ("a ratio said twice", plan | {"rules": [RULE | {"ratios": [RATIO, RATIO]}]}),
        ("a ratio of more values than strata", plan | {"rules": [RULE | {"ratios": [RATIO | {"of": ["a", "b"]}]}]}),
        ("grades without an attribute", plan | {"rules": [RULE | {"grades": [GRADE]}]}),
        ("a grade twice", plan | {"rules": [RULE | {"grade": "grade", "grades": [GRADE, GRADE]}]}),
        ("one each of no regions", plan | {"rules": [RULE | {"each_region": True}]}),
        ("a batch that ends before it begins", plan | {"schedule": [BATCH | {"last": "2026-09-07"}]}),
        ("a batch of no slot", plan | {"schedule": [BATCH | {"slot": "2026/fund-use/9"}]}),
        ("a batch twice", plan | {"schedule": [BATCH, BATCH]}),
        ("a plan of another kind", plan | {"kind": "monthly"}),
        ("a year that is a string", plan | {"year": "2026"}),
        ("a reason to void twice", plan | {"voids": ["x", "x"]}),
        ("a switch chain without a cap", plan | {"team": TEAM | {"cap": None, "beyond": "switch-chain", "steps": 9}}),
        ("a switch chain without steps", plan | {"team": TEAM | {"beyond": "switch-chain"}}),
        ("a pool smaller than a team", plan | {"team": TEAM | {"pool": 1}}),
        ("a pool where the objects are drawn first", plan | {"team": TEAM | {"pool": 9, "order": "objects-first"}}),
        ("a team of one", plan | {"team": TEAM | {"size": 1, "department": None, "quota": []}}),
        ("quotas that do not add up", plan | {"team": TEAM | {"size": 3}}),
        ("quotas without a department", plan | {"team": TEAM | {"department": None}}),
        ("a department twice", plan | {"team": TEAM | {"quota": [["ybj", 1], ["ybj", 1]]}}),
        ("a cap of zero", plan | {"team": TEAM | {"cap": 0}}),
        ("an announcement without beacon", said | {"beacon": []}),
        ("round zero", said | {"beacon": [SOURCE | {"round": 0}]}),
        ("a window that is not a date", said | {"window": "2026-09-31"}),
        ("a seed of another kind", said | {"seed": {"kind": "none"}}),
        ("a page without its length", example("verifier-release", page={"digest": _h("verify.html")})),
        ("a version in capitals", example("verifier-release", version="V1")),
        ("a release of no page", example("verifier-release", page=None)),
        ("a seed with a line break's escape", said | {"seed": {"kind": "published", "digits": "1 2"}}),
    ]
    refuse: Cases = [{"name": name, "text": canonical(value) + "\n", "expect": "bad-field"} for name, value in bends]
    return [
        *refuse,
        {"name": "an unknown type", "text": canonical(plan | {"type": "redraw"}) + "\n", "expect": "unknown-type"},
        {"name": "not an object", "text": "[]\n", "expect": "unknown-type"},
        {"name": "without the newline", "text": text[:-1], "expect": "unfinished-line"},
        {"name": "a space", "text": text.replace(":", ": ", 1), "expect": "not-canonical-json"},
        {"name": "two lines", "text": text + text, "expect": "not-canonical-json"},
        {"name": "a float", "text": text.replace('"audit":2', '"audit":2.0'), "expect": "not-canonical-json"},
    ]


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in ("fairdraw/trust v1", *lines))


def _beacon(chain: Chain) -> str:
    return f"beacon {chain.id} {chain.hash} {chain.key} {chain.scheme} {chain.period} {chain.genesis}"


def _weak(name: str, y: int, algorithm: int = 1) -> str:
    """Return a vkey under which one signature fits many texts (log.md §2)."""
    return Verifier(name, algorithm, y.to_bytes(32, "little")).vkey


def trust() -> tuple[Cases, Cases]:
    """trust.md: trust files and what they say."""
    log, bureau = f"log {vkey(LOG)}", f"bureau {BUREAU} {vkey(BUREAU)} {LOG}"
    names = [f"w{i}.example.cn" for i in range(1, 5)]
    witness = [f"witness w{i} {vkey(name, algorithm=4)}" for i, name in enumerate(names, 1)]
    second = f"witness w1-2 {Verifier(names[0], 6, bytes(1312)).vkey}"  # ML-DSA-44, of which no signature is needed
    two = [*witness[:2], "group witnesses 2 w1 w2", "quorum witnesses"]
    beacon, supervisor = _beacon(QUICKNET), f"supervisor {SUPERVISOR} discipline {vkey(SUPERVISOR)}"
    second_line = f"second {BUREAU} {SUPERVISOR}"
    practice = _beacon(practice_chain(bytes(range(32)), id="practice", genesis=1700000000))
    in_rehearsal = [f"log {vkey(LOG + '/rehearsal')}", f"bureau x/rehearsal {vkey('x/rehearsal')} {LOG}/rehearsal"]
    plain = {"margin": 60, "freshness": 172800, "receipts": 0, "rehearsal": False, "to_fork": 2, "to_backdate": 2}
    full = _lines("# a comment", log, *two, "", bureau + " 2026-01-01T00:00:00Z -", supervisor, beacon, "margin 300",
                  "freshness 86400", "receipts 1", "retired quicknet 2030-01-01T00:00:00Z")  # fmt: skip
    cases: list[tuple[str, str, dict[str, Any]]] = [
        ("the least", _lines(log), {"to_fork": 0, "to_backdate": 0}),
        ("everything", full, {"margin": 300, "freshness": 86400, "receipts": 1}),
        ("three of four", _lines(log, *witness, "group witnesses 3 w1 w2 w3 w4", "quorum witnesses"),
         {"to_backdate": 3}),
        ("a group in a group", _lines(log, *witness, "group a all w1 w2", "group b all w3 w4", "group c 2 a b",
                                      "quorum c"), {"to_fork": 4, "to_backdate": 4}),
        ("two keys of one witness that stand in for each other",
         _lines(log, *witness[:2], second, "group one any w1 w1-2", "group witnesses all one w2", "quorum witnesses"),
         {}),
        ("another log from a second later", _lines(log, f"{bureau} - 2026-01-01T00:00:00Z",
         f"bureau {BUREAU} {vkey(BUREAU, 'next')} {LOG}2 2026-01-01T00:00:01Z"), {"to_fork": 0, "to_backdate": 0}),
        ("a second", _lines(log, second_line, bureau, supervisor), {"to_fork": 0, "to_backdate": 0}),
        ("a second from a day on", _lines(log, bureau, supervisor, f"{second_line} 2026-09-01"),
         {"to_fork": 0, "to_backdate": 0}),
        ("a rehearsal", _lines(*in_rehearsal, practice, "rehearsal"),
         {"rehearsal": True, "to_fork": 0, "to_backdate": 0}),
    ]  # fmt: skip
    accept: Cases = [{"name": n, "text": t, "digest": digest(t), **plain | said} for n, t, said in cases]
    bends: list[tuple[str, str, str]] = [
        ("without its first line", log + "\n", "not-a-trust-file"),
        ("another version", f"fairdraw/trust v2\n{log}\n", "not-a-trust-file"),
        ("an unknown word", _lines(log, "trusted yes"), "bad-line"),
        ("a margin twice", _lines(log, "margin 60", "margin 60"), "bad-line"),
        ("a margin with a zero before it", _lines(log, "margin 060"), "bad-line"),
        ("a negative margin", _lines(log, "margin -1"), "bad-line"),
        ("rehearsal with a word", _lines(log, "rehearsal yes"), "bad-line"),
        ("a bureau under another name's key", _lines(log, f"bureau {BUREAU} {vkey(SUPERVISOR)} {LOG}"), "bad-line"),
        ("a bureau twice", _lines(log, bureau, bureau), "bad-line"),
        ("a witness's key for a bureau", _lines(log, f"bureau {BUREAU} {vkey(BUREAU, algorithm=4)} {LOG}"), "bad-line"),
        ("a supervisor twice", _lines(log, supervisor, supervisor), "bad-line"),
        ("a second of no bureau", _lines(log, supervisor, second_line), "second-unknown"),
        ("a second whom nobody knows", _lines(log, bureau, second_line), "second-unknown"),
        ("a second twice", _lines(log, bureau, supervisor, second_line, f"{second_line} 2026-09-01"), "bad-line"),
        ("a second from a day that is not", _lines(log, bureau, supervisor, f"{second_line} 2026-09-31"), "bad-line"),
        ("a second from a time", _lines(log, bureau, supervisor, f"{second_line} 2026-09-01T00:00:00Z"), "bad-line"),
        ("a bureau that is its own second",
         _lines(log, bureau, supervisor, f"second {BUREAU} {BUREAU}"), "second-unknown"),
        ("a bureau whose key is the identity", _lines(log, f"bureau {BUREAU} {_weak(BUREAU, 1)} {LOG}"), "bad-line"),
        ("a supervisor whose key has another spelling",
         _lines(log, f"supervisor {SUPERVISOR} discipline {_weak(SUPERVISOR, 2**255 - 18)}"), "bad-line"),
        ("a witness whose key is of order 4", _lines(log, f"witness w1 {_weak(names[0], 0, 4)}"), "bad-policy"),
        ("a log whose key is of order 2", _lines(f"log {_weak(LOG, 2**255 - 20)}"), "bad-policy"),
        ("quicknet with another scheme", _lines(log, beacon.replace("g1-rfc9380", "on-g1")), "bad-line"),
        ("quicknet with another period", _lines(log, beacon.replace(" 3 ", " 30 ")), "bad-line"),
        ("a beacon twice", _lines(log, beacon, beacon), "bad-line"),
        ("a time without its zone", _lines(log, bureau + " 2026-01-01T00:00:00"), "bad-line"),
        ("no log", _lines(bureau), "no-log"),
        ("no quorum asked for", _lines(log, "quorum none"), "quorum-none"),
        ("two of four", _lines(log, *witness, "group witnesses 2 w1 w2 w3 w4", "quorum witnesses"), "quorum-can-split"),
        ("any of two", _lines(log, *witness[:2], "group witnesses any w1 w2", "quorum witnesses"), "quorum-can-split"),
        ("a group of nobody", _lines(log, "group g 1 w9", "quorum g"), "bad-policy"),
        ("one key under two names", _lines(log, witness[0], witness[0].replace("w1 ", "w2 ", 1)), "bad-policy"),
        ("a witness in two places", _lines(log, *witness[:2], "group g all w1 w1", "quorum g"), "bad-policy"),
        ("two keys of one witness that both count",
         _lines(log, *witness[:2], second, "group witnesses all w1 w1-2 w2", "quorum witnesses"), "bad-policy"),
        ("a log that is its own witness", _lines(log, f"witness w9 {vkey(LOG, algorithm=4)}"), "log-is-witness"),
        ("a rehearsal log in earnest", _lines(*in_rehearsal), "rehearsal-mixed"),
        ("an earnest log in a rehearsal", _lines(log, "rehearsal"), "rehearsal-mixed"),
        ("a practice beacon in earnest", _lines(log, practice), "practice-chain"),
        ("two logs at once", _lines(log, bureau, f"bureau {BUREAU} {vkey(BUREAU, 'next')} {LOG}2 2026-01-01T00:00:00Z"),
         "two-origins-at-once"),
        ("two logs in one second", _lines(log, f"{bureau} - 2026-01-01T00:00:00Z",
         f"bureau {BUREAU} {vkey(BUREAU, 'next')} {LOG}2 2026-01-01T00:00:00Z"), "two-origins-at-once"),
        ("a bureau that supervises itself", _lines(log, bureau, f"supervisor {BUREAU} legal {vkey(BUREAU, 'next')}"),
         "supervises-itself"),
    ]  # fmt: skip
    refuse: Cases = [{"name": name, "text": text, "expect": expect} for name, text, expect in bends]
    return accept, refuse
