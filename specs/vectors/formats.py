"""The vectors of the small formats, from a second writing of the formulas that shares no code with the project.

Each function returns (accept, refuse). Everything here follows the text of the specifications with nothing but hashlib,
hmac, json and fractions, so that `tests/unit/test_vectors.py` compares two writings and not one with itself.
"""

import hmac
import json
from fractions import Fraction
from hashlib import sha256
from math import ceil, floor
from typing import Any

Cases = list[dict[str, Any]]
KEY = "f0" * 32
SLOT = "2026/fund-use/1"


def canonical(value: Any) -> str:
    """Return canonical JSON; field names here are ASCII and numbers are integers (encoding.md §1)."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(text: str) -> str:
    """Return the hex SHA-256 of a text's UTF-8."""
    return sha256(text.encode()).hexdigest()


def leaf(data: str) -> bytes:
    """Return the leaf hash of RFC 6962 §2.1."""
    return sha256(b"\0" + data.encode()).digest()


def tree(leaves: list[bytes]) -> bytes:
    """Return the root of RFC 6962 §2.1, by its recursive definition."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + tree(leaves[:middle]) + tree(leaves[middle:])).digest()


def path(leaves: list[bytes], index: int) -> list[bytes]:
    """Return the audit path of RFC 6962 §2.1.1, by its recursive definition."""
    if len(leaves) < 2:
        return []
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    if index < middle:
        return [*path(leaves[:middle], index), tree(leaves[middle:])]
    return [*path(leaves[middle:], index - middle), tree(leaves[:middle])]


def ticket(key: str, purpose: str, *fields: str | int) -> str:
    """Return a ticket (tickets.md §2)."""
    return digest("".join(f"{field}\n" for field in (key, purpose, *fields)))


def encoding() -> tuple[Cases, Cases]:
    """encoding.md: values, times, dates, base64 and list artifacts."""
    accept: Cases = [
        {
            "name": "every kind of value",
            "json": '{"a":[],"b":{"c":null},"list":[true,false,-1,0,9007199254740991],"s":""}',
        },
        {"name": "Chinese as itself", "json": '"医疗保障局"'},
        {"name": "quotation mark and backslash are the only escapes", "json": '"a\\"b\\\\c/d"'},
        {"name": "eight levels", "json": "[" * 8 + "]" * 8},
        {"name": "a character outside the BMP", "json": '"𠮷"'},
        {"name": "epoch", "time": "1970-01-01T00:00:00Z", "seconds": 0},
        {"name": "a time", "time": "2026-09-07T10:00:00Z", "seconds": 1788775200},
        {"name": "the end of a day in China", "date": "2026-09-30", "end": 1790784000},
        {"name": "base64 with padding", "base64": "AA==", "hex": "00"},
        {"name": "base64 of nothing", "base64": "", "hex": ""},
        {"name": "lines", "artifact": '{"a":1}\n{"a":2}\n', "lines": ['{"a":1}', '{"a":2}']},
        {"name": "no lines", "artifact": "", "lines": []},
    ]
    refuse = [
        {"name": "a field named twice", "json": '{"a":1,"a":1}', "expect": "not-canonical"},
        {"name": "fields in another order", "json": '{"b":1,"a":1}', "expect": "not-canonical"},
        {"name": "white space", "json": '{"a": 1}', "expect": "not-canonical"},
        {"name": "a newline after the value", "json": "{}\n", "expect": "not-canonical"},
        {"name": "a character written as an escape", "json": '"\\u0041"', "expect": "not-canonical"},
        {"name": "a slash written as an escape", "json": '"\\/"', "expect": "not-canonical"},
        {"name": "minus zero", "json": "-0", "expect": "not-canonical"},
        {"name": "a whole number with a fraction", "json": "1.0", "expect": "not-canonical-type"},
        {"name": "an exponent", "json": "1e3", "expect": "not-canonical-type"},
        {"name": "NaN", "json": "NaN", "expect": "not-canonical-type"},
        {"name": "2^53", "json": "9007199254740992", "expect": "integer-too-large"},
        {"name": "-2^53", "json": "-9007199254740992", "expect": "integer-too-large"},
        {"name": "many digits", "json": "1" * 40, "expect": "integer-too-large"},
        {"name": "nine levels", "json": "[" * 9 + "]" * 9, "expect": "too-deep"},
        {"name": "a field name with a capital", "json": '{"A":1}', "expect": "bad-field-name"},
        {"name": "__proto__", "json": '{"__proto__":1}', "expect": "bad-field-name"},
        {"name": "a field name of 33 characters", "json": f'{{"{"a" * 33}":1}}', "expect": "bad-field-name"},
        {"name": "a decomposed character", "json": '"e\u0301"', "expect": "not-nfc"},
        {"name": "right-to-left override", "json": '"a\u202eb"', "expect": "forbidden-character"},
        {"name": "zero-width space", "json": '"a\u200bb"', "expect": "forbidden-character"},
        {"name": "a line separator", "json": '"a\u2028b"', "expect": "forbidden-character"},
        {"name": "an escaped newline", "json": '"a\\nb"', "expect": "forbidden-character"},
        {"name": "an escaped lone surrogate", "json": '"\\ud800"', "expect": "forbidden-character"},
        {"name": "delete", "json": '"a\u007f"', "expect": "forbidden-character"},
        {"name": "bytes that are not UTF-8", "hex": "22ff22", "expect": "not-utf-8"},
        {"name": "a byte order mark", "hex": "efbbbf7b7d", "expect": "not-json"},
        {"name": "two values", "json": "{}{}", "expect": "not-json"},
        {"name": "nothing", "json": "", "expect": "not-json"},
        {"name": "a time without seconds", "time": "2026-09-07T10:00Z", "expect": "not-a-time"},
        {"name": "a time with an offset", "time": "2026-09-07T10:00:00+00:00", "expect": "not-a-time"},
        {"name": "a leap second", "time": "2016-12-31T23:59:60Z", "expect": "not-a-time"},
        {"name": "a day that is not", "date": "2026-02-29", "expect": "not-a-date"},
        {"name": "a date without zeros", "date": "2026-9-7", "expect": "not-a-date"},
        {"name": "base64 without padding", "base64": "AA", "expect": "not-base64"},
        {"name": "base64 with stray bits", "base64": "AB==", "expect": "not-base64"},
        {"name": "base64 of the URL alphabet", "base64": "-_8=", "expect": "not-base64"},
        {"name": "base64 with a newline", "base64": "AA==\n", "expect": "not-base64"},
        {"name": "a last line without its newline", "artifact": '{"a":1}', "expect": "unfinished-line"},
    ]
    return accept, refuse


def _key(name: str, lines: list[str], **parts: Any) -> dict[str, Any]:
    return {"name": name, **parts, "lines": lines, "key": digest("".join(f"{line}\n" for line in lines))}


def tickets() -> tuple[Cases, Cases]:
    """tickets.md: keys and tickets."""
    text, chain, rand, seed, embargo = "aa" * 32, "52" * 32, "bb" * 32, "cc" * 32, "dd" * 32
    contributor, pulse = "s1.example.cn", f"pulse {chain} 1000 {rand}"
    none: dict[str, Any] = {"statement": "announcement", "text": text, "seeds": [], "pulses": [], "embargo": None}
    accept = [
        _key(
            "one pulse",
            ["fairdraw/v1/key", f"announcement {text}", pulse],
            **none | {"pulses": [[chain, 1000, rand]]},
        ),
        _key(
            "two seeds of which one does not count, two pulses, an embargo",
            ["fairdraw/v1/key", f"announcement {text}", f"seed {contributor} {seed}", "seed s2.example.cn -", pulse,
             f"pulse {'53' * 32} 7 {'be' * 32}", f"embargo {embargo}"],
            **none | {"seeds": [[contributor, seed], ["s2.example.cn", "-"]], "embargo": embargo,
                      "pulses": [[chain, 1000, rand], ["53" * 32, 7, "be" * 32]]},
        ),
        _key(
            "a substitution",
            ["fairdraw/v1/key", f"substitution-call {text}", pulse],
            **none | {"statement": "substitution-call", "pulses": [[chain, 1000, rand]]},
        ),
    ]  # fmt: skip
    for purpose, fields in (
        ("object", ["H-000123"]),
        ("team", [0, 0, "H-000123", "I-0001"]),
        ("team", [11, 2, "H-000123", "I-0001"]),
        ("expert", [0, 0, "H-000123", "E-0001"]),
        ("audit", ["H-000123"]),
    ):
        name = f"ticket {purpose} {' '.join(map(str, fields))}"
        accept.append({"name": name, "key": KEY, "purpose": purpose, "fields": fields,
                       "ticket": ticket(KEY, purpose, *fields)})  # fmt: skip
    one = accept[0]
    refuse = [
        {**one, "name": "a key without the last newline", "key": digest("\n".join(one["lines"])),
         "expect": "key-differs"},
        {**one, "name": "the key of another round", "pulses": [[chain, 1001, rand]], "expect": "key-differs"},
        {"name": "fields that run together", "key": KEY, "purpose": "team", "fields": [1, 1, "H", "I"],
         "ticket": ticket(KEY, "team", 11, "H", "I"), "expect": "ticket-differs"},
        {"name": "the two attempts exchanged", "key": KEY, "purpose": "team", "fields": [1, 2, "H", "I"],
         "ticket": ticket(KEY, "team", 2, 1, "H", "I"), "expect": "ticket-differs"},
        {"name": "without the last newline", "key": KEY, "purpose": "object", "fields": ["H"],
         "ticket": digest(f"{KEY}\nobject\nH"), "expect": "ticket-differs"},
        {"name": "the key as bytes", "key": KEY, "purpose": "object", "fields": ["H"],
         "ticket": sha256(bytes.fromhex(KEY) + b"\nobject\nH\n").hexdigest(), "expect": "ticket-differs"},
    ]  # fmt: skip
    return accept, refuse


def commitments() -> tuple[Cases, Cases]:
    """seed.md: commitments to seeds and to embargo keys."""
    seed = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    name = "s1.example.cn"
    opened = digest(f"fairdraw/v1/commitment\n{SLOT}\n{name}\n{seed}\n")
    sealed = digest(f"fairdraw/v1/embargo\n{SLOT}\n{seed}\n")
    committed = {"slot": SLOT, "contributor": name, "seed": seed, "commitment": opened}
    embargo = {"slot": SLOT, "embargo": seed, "commitment": sealed}
    accept = [{"name": "a seed", **committed}, {"name": "an embargo key", **embargo}]
    differs = {"expect": "reveal-does-not-open"}
    refuse = [
        {**committed, "name": "of another slot", "slot": "2026/fund-use/2", **differs},
        {**committed, "name": "copied by another contributor", "contributor": "s2.example.cn", **differs},
        {**committed, "name": "another seed", "seed": "01" + seed[2:], **differs},
        {**committed, "name": "an embargo key's hash", "commitment": sealed, **differs},
        {**committed, "name": "six dice", "seed": "010203040506", "expect": "seed-length"},
        {**committed, "name": "33 bytes", "seed": seed + "20", "expect": "seed-length"},
        {**embargo, "name": "a seed's hash", "commitment": opened, "expect": "another-embargo"},
        {**embargo, "name": "31 bytes", "embargo": seed[2:], "expect": "seed-length"},
    ]
    return accept, refuse


SECRET = bytes(range(32))


def seal(secret: bytes, no: str, private: list[list[Any]]) -> tuple[list[str], list[bytes]]:
    """Return salts and leaves of a row's private fields, (field, openable, value) in schema order (snapshot.md §2)."""
    salts = [hmac.digest(secret, f"fairdraw/v1/salt\n{no}\n{f}\n".encode(), "sha256").hex() for f, _, _ in private]
    lines = [["fairdraw/v1/field", no, f, v, salt] for (f, _, v), salt in zip(private, salts, strict=True)]
    return salts, [leaf(canonical(line)) for line in lines]


def seals() -> tuple[Cases, Cases]:
    """snapshot.md §2, §4: salts, leaves, seals and openings."""
    no = "H-000123"
    private = [["name", True, "山东省立医院"], ["uscc", True, "12370000495570303U"], ["phone", False, ""]]
    salts, leaves = seal(SECRET, no, private)
    openings: Cases = [
        {"no": no, "field": field, "value": value, "salt": salts[i], "path": [h.hex() for h in path(leaves, i)]}
        for i, (field, openable, value) in enumerate(private)
        if openable
    ]
    schema = [[field, openable] for field, openable, _ in private]
    accept: Cases = [
        {"name": "three fields", "secret": SECRET.hex(), "no": no, "private": private, "salts": salts,
         "leaves": [h.hex() for h in leaves], "seal": tree(leaves).hex()},
        {"name": "no private fields", "secret": SECRET.hex(), "no": no, "private": [], "salts": [], "leaves": [],
         "seal": tree([]).hex()},
    ]  # fmt: skip
    row = {"schema": schema, "seal": tree(leaves).hex()}
    accept += [{"name": f"opening of {opening['field']}", "opening": opening, **row} for opening in openings]
    first = openings[0]
    fits = {"expect": "opening-does-not-fit"}
    refuse = [
        {"name": "another value", "opening": first | {"value": "山东省立三院"}, **row, **fits},
        {"name": "another row", "opening": first | {"no": "H-000124"}, **row, **fits},
        {"name": "another salt", "opening": first | {"salt": salts[1]}, **row, **fits},
        {"name": "another field's place", "opening": first | {"field": "uscc"}, **row, **fits},
        {"name": "a path cut short", "opening": first | {"path": first["path"][:1]}, **row, **fits},
        {"name": "a field that is not in the schema", "opening": first | {"field": "owner"}, **row,
         "expect": "unknown-field"},
        {"name": "another seal", "opening": first, **row | {"seal": "00" * 32}, **fits},
    ]  # fmt: skip
    return accept, refuse


ATTRS = [["level", "integer"], ["region", "string"], ["skills", "strings"], ["open", "boolean"]]


def listing(lines: list[str], said: str | None = None) -> dict[str, Any]:
    """Return root, count, digest and length of a list artifact (encoding.md §3)."""
    data = "".join(f"{line}\n" for line in lines) if said is None else said
    return {"root": tree([leaf(line) for line in lines]).hex(), "count": len(lines), "digest": digest(data),
            "length": len(data.encode())}  # fmt: skip


def _row(no: str, sealed: str = "ab" * 32, **attrs: Any) -> str:
    whole = {"level": 3, "region": "370102", "skills": ["ct", "mri"], "open": True} | attrs
    return canonical({"attrs": whole, "no": no, "seal": sealed})


def _roster(name: str, lines: list[str], *, expect: str | None = None, **more: Any) -> dict[str, Any]:
    case = {"name": name, "attrs": ATTRS, "private": [["name", True]], "listing": listing(lines),
            "roster": "".join(f"{line}\n" for line in lines)}  # fmt: skip
    return case | more | ({} if expect is None else {"expect": expect})


def roster() -> tuple[Cases, Cases]:
    """snapshot.md §3: rosters under their `snapshot` statements."""
    good = [_row("A-1"), _row("A-10", level=None, skills=[]), _row("A-2", open=False, region="济南")]
    data = "".join(f"{line}\n" for line in good)
    empty = tree([]).hex()
    accept = [
        _roster("three rows; numbers sort as bytes", good),
        _roster("no private fields", [_row("A-1", sealed=empty)], private=[]),
    ]
    refuse = [
        _roster("a row changed", good, roster=data.replace("济南", "济宁"), expect="wrong-digest"),
        _roster("a row taken away", good, roster=data[data.index("\n") + 1 :], expect="wrong-digest"),
        _roster("not sorted", [good[2], good[0]], expect="roster-not-sorted"),
        _roster("a number twice", [good[0], good[0]], expect="roster-not-sorted"),
        _roster("numbers that differ in capitals", [_row("A-1"), _row("a-1")], expect="number-twice"),
        _roster("the root of another list", good, listing=listing(good) | {"root": "00" * 32}, expect="wrong-root"),
        _roster("another count", good, listing=listing(good) | {"count": 4}, expect="wrong-root"),
        _roster("an attribute missing", [good[0].replace('"level":3,', "")], expect="bad-attributes"),
        _roster("a string for an integer", [_row("A-1", level="3")], expect="bad-attribute"),
        _roster("a boolean for an integer", [_row("A-1", level=True)], expect="bad-attribute"),
        _roster("a list not sorted", [_row("A-1", skills=["mri", "ct"])], expect="bad-attribute"),
        _roster("a list with a repeat", [_row("A-1", skills=["ct", "ct"])], expect="bad-attribute"),
        _roster("a field too many", [good[0][:-1] + ',"x":1}'], expect="bad-roster-line"),
        _roster("a line with a space", [good[0].replace(",", ", ", 1)], expect="bad-roster-line"),
        _roster("a number with a slash", [_row("A/1")], expect="bad-roster-line"),
        _roster("the last newline missing", good, roster=data[:-1], listing=listing(good, data[:-1]),
                expect="bad-roster-line"),
        _roster("a seal without private fields", [_row("A-1")], private=[], expect="seal-without-fields"),
    ]  # fmt: skip
    return accept, refuse


def _quota(ratio: str, base: int, rounding: str, quota: int) -> dict[str, Any]:
    return {"name": f"{rounding}({base}*{ratio})", "ratio": ratio, "base": base, "rounding": rounding, "quota": quota}


def _line(values: list[Any], total: int, base: int, eligible: int, quota: int, derivation: str) -> dict[str, Any]:
    return {"stratum": values, "total": total, "base": base, "eligible": eligible, "quota": quota,
            "derivation": derivation}  # fmt: skip


def _rule(strata: list[str], ratio: str, *, of: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    whole = {"of": of or [], "ratio": ratio, "rounding": "ceil", "floor": None}
    return {"items": ["fund-use"], "filter": "", "strata": strata, "ratios": [whole], "grade": None, "grades": [],
            "top_up": [], "region": None, "each_region": False} | more  # fmt: skip


def _graded_cases() -> Cases:
    """plan.md §4, §5: credit grades, full coverage, and a legal floor that discounts and filters must not lower."""
    grades = [{"grade": "bad", "factor": "1/1", "rounding": "nearest", "whole": True},
              {"grade": "fair", "factor": "1/1", "rounding": "nearest", "whole": False},
              {"grade": "good", "factor": "3/10", "rounding": "floor", "whole": False}]  # fmt: skip
    floor = {"of": [], "ratio": "1/10", "rounding": "ceil", "floor": "1/10"}
    rule = _rule([], "1/10", ratios=[floor], grade="grade", grades=grades, top_up=["fair"])
    counts = (("bad", 1), ("fair", 20), ("good", 20))
    kinds = [grade for grade, count in counts for _ in range(count)]
    rows = [[f"A-{i:02d}", {"grade": grade}] for i, grade in enumerate(kinds)]
    told = "nearest(20*1/10*1/1)=2;floor=ceil(41*1/10)=5>3;top-up=2"
    spared = "nearest(20*1/10*1/1)=2;floor=ceil(41*1/10)=5>2;top-up=3"
    return [
        {"name": "grades, and a floor topped up", "rule": rule, "share": None, "rows": rows, "exclusions": [],
         "allocation": [_line(["bad"], 1, 1, 1, 1, "all(1)"), _line(["fair"], 20, 20, 20, 4, told),
                        _line(["good"], 20, 20, 20, 0, "floor(20*1/10*3/10)=0")]},
        {"name": "a floor of all rows, whatever the filter", "rule": rule | {"filter": 'grade = "fair"'},
         "share": None, "rows": rows, "exclusions": [],
         "allocation": [_line(["fair"], 20, 20, 20, 5, spared)]},
    ]  # fmt: skip


def _regional_cases() -> Cases:
    """plan.md §4: regions share a quota by largest remainder; instalments take nobody twice."""
    kinds = [region for region, count in (("a", 4), ("b", 4), ("c", 2)) for _ in range(count)]
    rows = [[f"A-{i:02d}", {"region": region}] for i, region in enumerate(kinds)]
    rule = _rule([], "3/10", region="region")
    head, half = "ceil(10*3/10)=3", "ceil(10*3/10*1/2)=2"
    case = {"rows": rows, "exclusions": [], "share": None}
    before = [["fund-use", "A-00", "drawn-before"]]
    return [
        {"name": "regions", **case, "rule": rule, "allocation": [
            _line(["a"], 4, 4, 4, 1, f"{head};region=1"), _line(["b"], 4, 4, 4, 1, f"{head};region=1"),
            _line(["c"], 2, 2, 2, 1, f"{head};region=1")]},
        {"name": "an instalment", **case, "rule": rule, "share": "1/2", "exclusions": before, "allocation": [
            _line(["a"], 4, 4, 3, 0, f"{half};region=1;before=1"), _line(["b"], 4, 4, 4, 1, f"{half};region=1"),
            _line(["c"], 2, 2, 2, 0, f"{half};region=0")]},
        {"name": "one each", **case, "rule": rule | {"each_region": True, "ratios": [
            {"of": [], "ratio": "1/10", "rounding": "ceil", "floor": None}]}, "allocation": [
            _line(["a"], 4, 4, 4, 1, "ceil(10*1/10)=1;region=1"), _line(["b"], 4, 4, 4, 1, "ceil(10*1/10)=1;least=1"),
            _line(["c"], 2, 2, 2, 1, "ceil(10*1/10)=1;least=1")]},
    ]  # fmt: skip


def quotas() -> tuple[Cases, Cases]:
    """plan.md §2, §3: rounding and strata, worked out by hand."""
    rows = [["A-1", {"type": "hospital", "grade": 1}], ["A-2", {"type": "hospital", "grade": 1}],
            ["A-3", {"type": "hospital", "grade": None}], ["A-4", {"type": "care", "grade": 1}],
            ["A-5", {"type": "hospital", "grade": 1}]]  # fmt: skip
    strata: Cases = [
        _line(["care", 1], 1, 1, 0, 0, "ceil(1*1/2)=1;eligible=0"),
        _line(["hospital", 1], 3, 3, 3, 2, "ceil(3*1/2)=2"),
        _line(["hospital", None], 1, 1, 1, 1, "ceil(1*1/2)=1"),
    ]
    rules = {"rule": _rule(["type", "grade"], "1/2"), "share": None, "rows": rows,
             "exclusions": [[None, "A-4", "yearly-cap"]]}  # fmt: skip
    graded, regional = _graded_cases(), _regional_cases()
    accept = [
        _quota("3/100", 37, "ceil", 2),
        _quota("3/100", 100, "ceil", 3),
        _quota("3/100", 101, "ceil", 4),
        _quota("3/100", 37, "nearest", 1),
        _quota("3/100", 50, "nearest", 2),
        _quota("3/100", 49, "nearest", 1),
        _quota("3/100", 1, "nearest", 1),
        _quota("0/100", 50, "nearest", 0),
        _quota("3/100", 0, "nearest", 0),
        _quota("3/100", 99, "floor", 2),
        _quota("3/100", 33, "floor", 0),
        _quota("1/3", 9007199254740991, "ceil", 3002399751580331),
        _quota("1/3", 9007199254740991, "floor", 3002399751580330),
        _quota("1/1", 7, "ceil", 7),
        {"name": "strata", **rules, "allocation": strata},
        {"name": "one stratum of all rows", **rules | {"rule": _rule([], "1/2")}, "allocation": [
            _line([], 5, 5, 4, 3, "ceil(5*1/2)=3")]},
        *graded, *regional,
    ]  # fmt: skip
    for case in accept:
        if "base" in case:
            _check_quota(case)
    refuse: Cases = [
        {**_quota("3/100", 37, "ceil", 1), "expect": "quota-differs"},
        {**_quota("7/100", 100, "ceil", 8), "name": "0.07 * 100 in floating point", "expect": "quota-differs"},
        {"name": "exclusions taken from the base", **rules, "expect": "quota-differs", "allocation": [
            strata[0] | {"base": 0, "derivation": "ceil(0*1/2)=0"}, *strata[1:]]},
        {"name": "an unknown attribute", **rules | {"rule": _rule(["size"], "1/2")}, "expect": "unknown-attribute"},
        {"name": "a list as stratum", **rules | {"rule": _rule(["tags"], "1/2"), "rows": [["A-1", {"tags": ["x"]}]]},
         "expect": "list-as-stratum"},
        {"name": "no ratio for a stratum", **rules | {"rule": _rule(["type"], "1/2", of=["pharmacy"])},
         "expect": "stratum-without-ratio"},
        {"name": "no rule for a grade", **graded[0], "expect": "grade-without-rule",
         "rule": graded[0]["rule"] | {"grades": graded[0]["rule"]["grades"][:1]}},
        {**graded[0], "name": "a floor that is not topped up", "expect": "quota-differs", "allocation": [
            line | {"quota": 2, "derivation": line["derivation"].partition(";")[0]}
            if "top-up" in line["derivation"] else line for line in graded[0]["allocation"]]},
        {**graded[1], "name": "a filter that lowers the floor", "expect": "quota-differs", "allocation": [
            graded[1]["allocation"][0] | {"quota": 2, "derivation": "nearest(20*1/10*1/1)=2"}]},
        {**regional[0], "name": "regions rounded each by itself", "expect": "quota-differs", "allocation": [
            line | {"quota": 2} for line in regional[0]["allocation"]]},
        {**regional[1], "name": "an instalment without what was drawn before", "expect": "quota-differs",
         "allocation": [line | {"quota": line["quota"] + 1} for line in regional[1]["allocation"]]},
    ]  # fmt: skip
    refuse += [{"name": f"ratio {text}", "ratio_text": text, "expect": "bad-field"}
               for text in ("3%", "0.03", "1/0", "01/2", "1/02", "3/2", "-1/2", "1/1000000000")]  # fmt: skip
    return accept, refuse


def _check_quota(case: dict[str, Any]) -> None:
    exact = Fraction(case["ratio"]) * case["base"]
    found = {"ceil": ceil(exact), "floor": floor(exact), "nearest": max(floor(exact + Fraction(1, 2)), exact > 0)}
    if found[case["rounding"]] != case["quota"]:
        raise ValueError(case)


def selection() -> tuple[Cases, Cases]:
    """selection.md: the smallest tickets of each stratum."""
    strata: Cases = [
        {"eligible": [f"H-{i:03d}" for i in range(1, 9)], "quota": 2},
        {"eligible": [f"P-{i:03d}" for i in range(1, 5)], "quota": 1},
        {"eligible": ["X-001"], "quota": 0},
        {"eligible": ["Y-001"], "quota": 1},
    ]
    drawn, cutoffs = [], []
    for index, stratum in enumerate(strata):
        chosen = sorted((ticket(KEY, "object", no), no) for no in stratum["eligible"])[: stratum["quota"]]
        drawn += [[*one, [index]] for one in chosen]
        cutoffs.append(max(chosen)[0] if chosen else None)
    told: dict[str, Any] = {"key": KEY, "strata": strata, "drawn": sorted(drawn), "cutoffs": cutoffs}
    spare = max((ticket(KEY, "object", no), no) for no in strata[0]["eligible"])
    of_first = [one for one in told["drawn"] if one[2] == [0]]
    swapped = [[*spare, [0]] if one == of_first[0] else one for one in told["drawn"]]
    accept = [{"name": "four strata", **told}]
    refuse = [
        {"name": "one object swapped", **told | {"drawn": sorted(swapped)}, "expect": "selection-differs"},
        {"name": "one object more", **told | {"drawn": sorted([*drawn, [*spare, [0]]])}, "expect": "selection-differs"},
        {"name": "one object left out", **told | {"drawn": told["drawn"][1:]}, "expect": "selection-differs"},
        {"name": "in the order of strata", **told | {"drawn": drawn[::-1]}, "expect": "selection-differs"},
        {"name": "a cutoff above", **told | {"cutoffs": [spare[0], *cutoffs[1:]]}, "expect": "cutoff-differs"},
        {"name": "a cutoff where nothing is drawn", **told | {"cutoffs": [*cutoffs[:2], "00" * 32, cutoffs[3]]},
         "expect": "cutoff-differs"},
    ]  # fmt: skip
    return accept, refuse
