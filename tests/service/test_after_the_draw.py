"""What follows a draw, over HTTP: a substitute with a supervisor's signature, results, evidence, objections, voids."""

import json
from contextlib import chdir, redirect_stdout
from hashlib import sha256
from io import StringIO

from fairdraw_cli.main import run
from fairdraw_cli.rehearsal import recorded
from support.served import DRAW, PLAN, announced_at_the_desk, drawn_at_the_desk, prepared_at_the_desk

A = "discipline.example.cn/rehearsal"
SECOND = "chief.example.cn/rehearsal"
UNIT = "unit.example.cn/rehearsal"
NOTE = sha256(b"a doctor's note").hexdigest()
DAY = "08T05:00:00"


def command(served, *words):
    """Run a command of somebody else's, at another desk."""
    with chdir(served.office.parent), redirect_stdout(StringIO()) as out:
        code = run([*words, "--json"])
    assert code == 0, out.getvalue()
    return json.loads(out.getvalue())


def teams(served):
    answer = served.client("auditor").get("/v1/draws/fund-1/files/fund-1.fairdraw.json")
    report = served.client("auditor").done("/v1/verifications?as_of=2026-09-09T00:00:00Z", answer.content)
    return report["drawn"]


def test_a_substitute_is_called_for_with_a_second_signature(served):
    made = command(served, "supervisor", "create", A, "--rehearsal", "--role", "discipline", "--out", "a.key")
    command(served, "supervisor", "add", *made["line"].split()[1:], "-C", "office")
    drawn_at_the_desk(served)
    lead = served.client("lead")
    no, members = teams(served)[0]
    body = {"object": no, "inspector": members[0], "reason": "unable", "declaration": NOTE,
            "round_at": "2026-09-08T06:00:00Z", "supervisors": [A], "chain": "practice"}  # fmt: skip
    waiting = lead.done("/v1/draws/fund-1/calls", body, clock=DAY)
    assert waiting["with"] == [A]
    request = served.office.parent / "call.request"
    request.write_text(waiting["request_file"], encoding="utf-8")
    signed = command(served, "supervisor", "cosign", "call.request", "--key", "a.key", "--trust", "office/trust")
    answer = (served.office.parent / signed["file"]).read_text("utf-8")
    bent = lead.post("/v1/draws/fund-1/calls", {**body, "cosigned": [answer.replace("unable", "recusal")]}, clock=DAY)
    assert bent.status_code == 422
    called = lead.done("/v1/draws/fund-1/calls", {**body, "cosigned": [answer]}, clock=DAY)
    assert called["quorum"]
    early = lead.post("/v1/draws/fund-1/substitutes", {"object": no, "inspector": members[0]}, clock=DAY)
    assert (early.status_code, early.json()["code"]) == (409, "round-not-due")
    missing = lead.post("/v1/draws/fund-1/substitutes", {"object": "H-99", "inspector": "I-1"}, clock="08T06:00:10")
    assert (missing.status_code, missing.json()["code"]) == (404, "not-called")
    place = {"object": no, "inspector": members[0]}
    missing = lead.post("/v1/draws/fund-1/substitutes", place, clock="08T06:00:10")
    assert (missing.status_code, missing.json()["code"]) == (409, "practice-pulse-missing")
    lead.done(f"/v1/pulses/practice/{missing.json()['params']['round']}", {"source": "practice"})
    told = lead.done("/v1/draws/fund-1/substitutes", place, clock="08T06:00:10")
    assert members[0] not in told["team"]
    assert lead.get("/v1/draws/fund-1").json()["calls"] == [called["index"]]


def test_a_draw_of_four_eyes_waits_for_the_second_signature(served):
    made = command(served, "supervisor", "create", SECOND, "--rehearsal", "--role", "approver", "--out", "chief.key")
    command(served, "supervisor", "add", *made["line"].split()[1:], "-C", "office")
    command(served, "four-eyes", SECOND, "-C", "office")
    prepared_at_the_desk(served)
    lead = served.client("lead")

    def cosigned(waiting):
        assert waiting["with"] == [SECOND]
        (served.office.parent / "asked").write_text(waiting["request_file"], encoding="utf-8")
        signed = command(served, "supervisor", "cosign", "asked", "--key", "chief.key", "--trust", "office/trust")
        return (served.office.parent / signed["file"]).read_text("utf-8")

    answer = cosigned(lead.done("/v1/announcements", {"draw": DRAW, "second": SECOND}, clock="07T10:02:00"))
    lead.done("/v1/announcements", {"draw": DRAW, "cosigned": [answer]}, clock="07T10:02:10")
    stranger = lead.post("/v1/draws/fund-1/draw", {"second": "nobody.example.cn"}, clock="07T18:36:40")
    assert (stranger.status_code, stranger.json()["code"]) == (422, "not-a-second")
    answer = cosigned(lead.done("/v1/draws/fund-1/draw", clock="07T18:36:40"))
    assert lead.get("/v1/draws/fund-1").json()["state"] == "announced"
    bent = lead.post(
        "/v1/draws/fund-1/draw", {"cosigned": [answer.replace('"counts"', '"countz"')]}, clock="07T18:36:50"
    )
    assert bent.status_code == 422
    assert lead.done("/v1/draws/fund-1/draw", {"cosigned": [answer]}, clock="07T18:36:50")["quorum"]
    assert lead.get("/v1/draws/fund-1").json()["state"] == "drawn"


def test_an_inspecting_unit_signs_a_result_and_its_correction_on_its_own_machine(served):
    made = command(served, "supervisor", "create", UNIT, "--rehearsal", "--role", "inspecting-unit", "--out", "u.key")
    command(served, "supervisor", "add", *made["line"].split()[1:], "-C", "office")
    drawn_at_the_desk(served)
    no, _ = teams(served)[0]
    outcome = {"no": no, "items": ["fund-use"], "method": "site", "first": "2026-09-09", "last": "2026-09-09",
               "checked": "2026-09-10", "result": "none-found", "form": NOTE}  # fmt: skip
    results = served.client("results")

    def logged(path, clock, **body):
        waiting = results.done(path, {**body, "by": UNIT}, clock=clock)
        assert waiting["with"] == [UNIT]
        (served.office.parent / "asked").write_text(waiting["request_file"], encoding="utf-8")
        signed = command(served, "supervisor", "cosign", "asked", "--key", "u.key", "--trust", "office/trust")
        answer = (served.office.parent / signed["file"]).read_text("utf-8")
        bent = results.post(path, {**body, "cosigned": [answer.replace(UNIT, A)]}, clock=clock)
        assert bent.status_code == 422
        twice = results.post(path, {**body, "cosigned": [answer, answer]}, clock=clock)
        assert (twice.status_code, twice.json()["code"]) == (400, "bad-body")
        told = [results.done(path, {**body, "cosigned": [answer]}, clock=clock) for _ in range(2)]
        assert [one["new"] for one in told] == [True, False]
        return told[0]["index"]

    index = logged("/v1/draws/fund-1/results", "11T10:00:00", outcomes=[outcome])
    worse = {**outcome, "result": "suspected"}
    logged(f"/v1/entries/{index}/corrections", "11T11:00:00", outcomes=[worse], reason="error")
    other = {**outcome, "no": teams(served)[1][0]}
    for name in (A, "--key=../u.key"):
        refused = results.post("/v1/draws/fund-1/results", {"outcomes": [other], "by": name}, clock="11T12:00:00")
        assert (refused.status_code, refused.json()["code"]) == (422, "not-a-supervisor")


def test_results_evidence_and_objections(served):
    draw = drawn_at_the_desk(served)
    results, lead = served.client("results"), served.client("lead")
    no, _ = teams(served)[0]
    outcome = {"no": no, "items": "fund-use", "method": "site", "first": "2026-09-10", "last": "2026-09-10",
               "checked": "2026-09-10", "result": "clean", "form": NOTE}  # fmt: skip
    bad = results.post("/v1/draws/fund-1/results", {"outcomes": [{**outcome, "no": "H-99"}]}, clock="11T10:00:00")
    assert (bad.status_code, bad.json()["code"]) == (422, "bad-results")
    assert any("H-99" in line for line in bad.json()["notes"])
    logged = results.post("/v1/draws/fund-1/results", {"outcomes": [outcome]}, clock="11T10:00:00")
    assert logged.json()["result"]["outcomes"] == 1, logged.text
    evidence = results.done(f"/v1/entries/{draw['index']}/evidence", b"\xff\xd8 a photograph", clock="11T11:00:00",
                            media="application/octet-stream")  # fmt: skip
    assert evidence["digests"] == [sha256(b"\xff\xd8 a photograph").hexdigest()]
    deferred = lead.post("/v1/draws/fund-1/deferrals",
                         {"object": no, "reason": "illness", "application": NOTE, "until": "2026-10-20"},
                         clock="11T12:00:00")  # fmt: skip
    assert deferred.status_code == 200, deferred.text
    objection = lead.post("/v1/entries/1/objections", {"object": no, "objection": NOTE}, clock="11T13:00:00")
    assert objection.status_code == 200, objection.text
    index = objection.json()["result"]["index"]
    answer = {"decision": "rejected", "answer": NOTE}
    assert results.done(f"/v1/entries/{index}/answers", answer, clock="11T14:00:00")["decision"] == "rejected"
    corrected = {"reason": "wrong-date", "outcomes": [{**outcome, "first": "2026-09-09"}]}
    index = logged.json()["result"]["index"]
    assert results.done(f"/v1/entries/{index}/corrections", corrected, clock="11T15:00:00")["type"] == "correction"
    exception = lead.done("/v1/exceptions", {"reason": "complaint", "date": "2026-09-12", "objects": [no],
                                             "inspectors": ["I-1", "I-2"], "items": ["fund-use"]},
                          clock="12T10:00:00")  # fmt: skip
    assert exception["type"] == "exception"


def test_a_draw_is_voided_for_an_announced_reason(served):
    announced_at_the_desk(served)
    lead = served.client("lead")
    assert lead.post("/v1/draws/fund-1/void", {"reason": "bad-luck"}, clock="07T10:03:00").status_code == 422
    assert lead.done("/v1/draws/fund-1/void", {"reason": "wrong-date"}, clock="07T10:03:00")["before_limit"]
    assert lead.get("/v1/draws/fund-1").json()["state"] == "voided"
    refused = lead.post("/v1/draws/fund-1/draw", clock="07T18:36:40")
    assert (refused.status_code, refused.json()["code"]) == (409, "draw-voided")


def test_a_sealed_draw_is_opened_on_its_day(served):
    keys = {"one.example.cn/rehearsal": "one.key", "two.example.cn/rehearsal": "two.key"}
    for name, key in keys.items():
        made = command(served, "supervisor", "create", name, "--rehearsal", "--role", "discipline", "--out", key)
        command(served, "supervisor", "add", *made["line"].split()[1:], "-C", "office")
    prepared_at_the_desk(served)
    lead, clerk = served.client("lead"), served.client("clerk")
    sealed = {**DRAW, "disclosure": {"until": "2026-09-20"}}
    lead.done("/v1/announcements", {"draw": sealed}, clock="07T10:02:00")
    refused = lead.post("/v1/draws/fund-1/draw", clock="07T18:36:40")
    assert (refused.status_code, refused.json()["code"]) == (409, "too-few-deposits")
    for name, key in keys.items():
        told = command(served, "supervisor", "deposit", "2026/fund-use/1", "office/secrets/fund-1.embargo",
                       "--key", key,
                       "--log", "office/log", "--trust", "office/trust", "--clock", "2026-09-07T10:03:00Z")  # fmt: skip
        note = (served.office.parent / told["file"]).read_bytes()
        bent = lead.post("/v1/entries", note.replace(b"deposit", b"deposiT"), media="text/plain", clock="07T10:04:00")
        assert bent.status_code == 422, bent.text
        assert lead.done("/v1/entries", note, media="text/plain", clock="07T10:04:00")["quorum"], name
    lead.done("/v1/draws/fund-1/draw", clock="07T18:36:40")
    assert lead.get("/v1/draws/fund-1").json()["state"] == "sealed"
    assert (
        clerk.post("/v1/draws/fund-1/slips", {"number": "H-01"}, clock="08T10:00:00").json()["code"]
        == "slip-while-sealed"
    )
    early = lead.post("/v1/draws/fund-1/opening", {}, clock="19T10:00:00")
    assert (early.status_code, early.json()["code"]) == (409, "too-early-to-open")
    lead.done("/v1/draws/fund-1/opening", {}, clock="20T10:00:00")
    assert lead.get("/v1/draws/fund-1").json()["state"] == "drawn"


def test_pulses_items_seeds_and_entries_reach_their_commands(served):
    announced_at_the_desk(served)
    lead = served.client("lead")
    number = lead.get("/v1/draws/fund-1").json()["announcement"]
    assert number == 3
    practice = lead.done("/v1/pulses/practice/7", {"source": "practice"})
    assert practice["randomness"]
    known = recorded("quicknet", PULSE)
    document = json.dumps({"round": PULSE, "signature": known.signature})
    taken = lead.done(f"/v1/pulses/quicknet/{PULSE}", {"source": "document", "document": document})
    assert taken["randomness"] == sha256(bytes.fromhex(known.signature)).hexdigest()
    bent = json.dumps(
        {"round": PULSE, "signature": known.signature[:-1] + ("0" if known.signature[-1] != "0" else "1")}
    )
    assert lead.post(f"/v1/pulses/quicknet/{PULSE}", {"source": "document", "document": bent}).status_code == 422
    assert lead.post("/v1/draws/fund-1/seeds/close", {}, clock="07T10:03:00").json()["code"] == "seed-not-committed"
    unfounded = lead.post("/v1/items", {"items": {"regulation": "laiyuan"}, "dry_run": True}, clock="07T10:03:00")
    assert unfounded.json()["code"] == "item-without-basis"
    stranger = lead.post("/v1/entries", b"not a statement\n", media="text/plain", clock="07T10:03:00")
    assert stranger.status_code == 422
    assert served.client("clerk").done("/v1/plans/check", {"plan": {**PLAN, "ratio": "1/2"}}, clock="07T10:03:00")


PULSE = 1000
