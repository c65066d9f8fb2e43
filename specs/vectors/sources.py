"""The vectors of events.md and beacon.md §10, §11: recorded pulses, written events, and sources put together."""

import json
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from formats import Cases

RECORDED = json.loads((Path(__file__).resolve().parent / "recorded" / "nist.json").read_text("utf-8"))
QUICKNET = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
BOTH = "3.6.9.13.15.31."


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _pulse(name: str, **changes: Any) -> dict[str, Any]:
    told = RECORDED["pulses"][name]
    document = told["document"] | changes
    minute = {"nist-2018-07-23T19:26": 25_539_566, "nist-2018-08-30T17:43": 25_594_183,
              "nist-2018-08-30T17:44": 25_594_184, "nist-2026-07-10T11:02": 29_728_022,
              "nist-2026-09-11T01:50": 29_818_190, "nist-2026-10-01T14:06": 29_847_726,
              "inmetro-2020-07-09T11:53": 26_571_593}[name]  # fmt: skip
    certificate, index = RECORDED["certificates"][told["certificate"]], told["document"]["chain_index"]
    return {"certificate": certificate, "chain_index": index, "round": minute, "document": _line(document)}


def _accepted(name: str) -> dict[str, Any]:
    output = RECORDED["pulses"][name]["document"]["output_value"]
    return {"name": name, **_pulse(name), "randomness": sha256(bytes.fromhex(output)).hexdigest()}


def _event(**changes: Any) -> dict[str, Any]:
    fields = {"id": "fc3d", "what": "福彩3D 2026236", "published": "中国福利彩票官网", "kind": "sequence", "count": 3,
              "first": 0, "last": 9, "bits": 9, "due": "2026-09-07T12:15:00Z"}  # fmt: skip
    return fields | changes


RED = _event(id="ssq-red", what="双色球 2026103 红球", kind="set", count=6, first=1, last=33, bits=20,
             due="2026-09-07T12:00:00Z")  # fmt: skip


def _definition(*events: dict[str, Any], **changes: Any) -> str:
    fields = {"v": 0, "type": "events", "deadline": "2026-09-07T13:00:00Z", "events": list(events) or [_event(), RED]}
    return _line(fields | changes)


def _values(definition: str, *values: str) -> str:
    ids = [event["id"] for event in json.loads(definition)["events"]]
    told = [{"id": one, "value": value, "evidence": None if value == "-" else "6b" * 32}
            for one, value in zip(ids, values, strict=True)]  # fmt: skip
    return _line({"v": 0, "type": "event-values", "definition": _digest(definition), "values": told})


def _events(name: str, *values: str, bits: int, missing: list[str], definition: str | None = None) -> dict[str, Any]:
    definition = definition or _definition()
    key = "".join(f"{value}/" for value in values)
    randomness = _digest(f"fairdraw/v1/events\n{_digest(definition)}\n{key}\n")
    return {"name": name, "definition": definition, "values": _values(definition, *values), "bits": bits,
            "missing": missing, "randomness": randomness}  # fmt: skip


def _sources(name: str, *sources: dict[str, Any], definition: str | None = None) -> dict[str, Any]:
    return {"name": name, "sources": list(sources), "margin": 300, "definition": definition or _definition(),
            "certificate": RECORDED["certificates"]["nist-528"], "chain_index": 2}  # fmt: skip


def _of_events(definition: str | None = None, number: int = 29_813_040) -> dict[str, Any]:
    return {"beacon": "events", "hash": _digest(definition or _definition()), "round": number}


def _drand(number: int) -> dict[str, Any]:
    return {"beacon": "quicknet", "hash": QUICKNET, "round": number}


def _nist(number: int) -> dict[str, Any]:
    der = b64decode(RECORDED["certificates"]["nist-528"])
    return {"beacon": "nist", "hash": sha256(der).hexdigest(), "round": number}


# quicknet: time(round) = 1692803367 + (round - 1) · 3; the deadline of the events is 1788786000
IN_TIME = (1_788_786_000 + 300 - 1_692_803_367) // 3 + 2  # the first round after deadline and margin
WIDE = {"kind": "sequence", "count": 20, "first": 0, "last": 9}


def sources() -> tuple[Cases, Cases]:
    """events.md and beacon.md §10, §11."""
    strong = _definition(_event(id="a", what="a", bits=64, **WIDE), _event(id="b", what="b", bits=64, **WIDE))
    almost = _definition(_event(id="a", what="a", bits=64, **WIDE), _event(id="b", what="b", bits=63, **WIDE))
    minute = 29_813_055  # in which the events of `strong` and `almost` are due
    accept: Cases = [
        *map(_accepted, ("nist-2018-08-30T17:43", "nist-2018-08-30T17:44", "nist-2026-07-10T11:02")),
        _events("both were published", "0.4.4.", BOTH, bits=29, missing=[]),
        _events("one was not published", "-", BOTH, bits=20, missing=["fc3d"]),
        _events("none was published", "-", "-", bits=0, missing=["fc3d", "ssq-red"]),
        _sources("drand alone", _drand(7)),
        _sources("events, then drand", _of_events(), _drand(IN_TIME)),
        _sources("drand stands first and comes last", _drand(IN_TIME), _of_events()),
        _sources("a NIST-format pulse and events, then drand", _nist(29_813_040), _of_events(), _drand(IN_TIME)),
        _sources("events of 128 bits", _of_events(strong, minute), definition=strong),
    ]
    good, changed = _pulse("nist-2026-07-10T11:02"), _pulse("nist-2026-07-10T11:02", pulse_index=7)
    refuse: Cases = [
        {"name": "a signature that the named certificate did not make", **_pulse("nist-2026-09-11T01:50"),
         "expect": "signature-invalid"},
        {"name": "three weeks later too", **_pulse("nist-2026-10-01T14:06"), "expect": "signature-invalid"},
        {"name": "a chain that begins", **_pulse("nist-2018-07-23T19:26"), "expect": "pulse-status"},
        {"name": "an output over other bytes", **_pulse("inmetro-2020-07-09T11:53"), "expect": "wrong-output"},
        {"name": "a field was changed", **changed, "expect": "signature-invalid"},
        {"name": "the minute after", **(good | {"round": 29_728_023}), "expect": "wrong-round"},
        {"name": "another chain", **(good | {"chain_index": 1}), "expect": "wrong-chain"},
        {"name": "another certificate", **(good | {"certificate": RECORDED["certificates"]["nist-5501"]}),
         "expect": "wrong-certificate"},
        {"name": "no certificate", **(good | {"certificate": b64encode(b"no").decode()}), "expect": "bad-certificate"},
        {"name": "hex in capitals", **_pulse("nist-2026-07-10T11:02", year="AB" * 64), "expect": "bad-pulse-document"},
        {"name": "a field more", **_pulse("nist-2026-07-10T11:02", extra=1), "expect": "bad-pulse-document"},
        *_refused_events(),
        _sources("three digits alone", _of_events()) | {"expect": "weak-sources"},
        _sources("127 bits", _of_events(almost, minute), definition=almost) | {"expect": "weak-sources"},
        _sources("events and a NIST-format pulse", _of_events(strong, minute), _nist(minute), definition=strong)
        | {"expect": "weak-sources"},
        _sources("a NIST-format pulse alone", _nist(29_813_040)) | {"expect": "weak-sources"},
        _sources("drand before the margin is over", _of_events(), _drand(IN_TIME - 1)) | {"expect": "sources-order"},
        _sources("drand before a NIST-format pulse", _nist(29_900_000), _drand(IN_TIME)) | {"expect": "sources-order"},
        _sources("another minute than the first event's", _of_events(number=29_813_041), _drand(IN_TIME))
        | {"expect": "wrong-round"},
        _sources("another definition", _of_events(), _drand(IN_TIME), definition=strong) | {"expect": "wrong-digest"},
        _sources("a chain that nobody pinned", _drand(7) | {"beacon": "quicknet-t"}) | {"expect": "unknown-chain"},
    ]  # fmt: skip
    return accept, refuse


def _refused_events() -> Cases:
    whole = _definition()

    def values(name: str, *told: str, expect: str = "event-value") -> dict[str, Any]:
        return {"name": name, "definition": whole, "values": _values(whole, *told), "expect": expect}

    def defined(name: str, *events: dict[str, Any], **changes: Any) -> dict[str, Any]:
        bent = _definition(*events, **changes)
        ids = ["-" for _ in json.loads(bent)["events"]]
        return {"name": name, "definition": bent, "values": _values(bent, *ids), "expect": "bad-events"}

    return [
        values("a set that does not rise", "0.4.4.", "6.3.9.13.15.31."),
        values("a number twice", "0.4.4.", "3.3.9.13.15.31."),
        values("a number too large", "0.4.4.", "3.6.9.13.15.34."),
        values("a number too few", "0.4.", BOTH),
        values("a leading zero", "0.04.4.", BOTH),
        values("a second spelling", "0.4.4", BOTH, expect="bad-events"),
        {"name": "values of another definition", "definition": whole, "expect": "values-of-another",
         "values": _values(_definition(deadline="2026-09-07T13:01:00Z"), "0.4.4.", BOTH)},
        {"name": "evidence of nothing", "definition": whole, "expect": "bad-events",
         "values": _values(whole, "-", BOTH).replace('"evidence":null', f'"evidence":"{"6b" * 32}"')},
        {"name": "a space in it", "definition": whole, "expect": "bad-events",
         "values": _values(whole, "0.4.4.", BOTH).replace(",", ", ", 1)},
        defined("more bits than the form has", _event(bits=10)),
        defined("more bits than six of 33", RED | {"bits": 21}),
        defined("one lottery twice", _event(), _event(id="fc3d-again")),
        defined("not sorted", RED, _event()),
        defined("all numbers are drawn", RED | {"last": 6, "bits": 1}),
        defined("not a whole minute", _event(due="2026-09-07T12:15:01Z")),
        defined("a deadline before the event", deadline="2026-09-07T12:15:00Z"),
        defined("a deadline that never comes", deadline="2026-09-21T12:00:01Z"),
    ]  # fmt: skip
