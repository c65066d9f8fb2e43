"""A whole draw over HTTP, and that nothing of it is told to whom it is not for."""

import json
import sqlite3
from datetime import UTC, datetime

import pytest

from support.served import CSV, DRAW, SECRETS, planned_at_the_desk, prepared_at_the_desk


def test_a_whole_draw(office_of_a_draw):
    lead, auditor = office_of_a_draw.client("lead"), office_of_a_draw.client("auditor")
    listed = lead.get("/v1/draws").json()["draws"]
    assert [(one["id"], one["state"]) for one in listed] == [("fund-1", "drawn")]
    [answer] = [one["result"] for one in lead.get("/v1/jobs").json()["jobs"] if one["operation"] == "make_draw"]
    assert answer["quorum"]
    [bundle] = [url for url in answer["files"] if url.endswith("fund-1.fairdraw.json")]
    data = auditor.get(bundle).content
    report = auditor.done("/v1/verifications?as_of=2026-09-09T00:00:00Z", data)
    assert report["verdict"] == "holds"
    bent = data.replace(b"checkpoint", b"checkpoinT", 1)
    refused = auditor.post("/v1/verifications?as_of=2026-09-09T00:00:00Z", bent)
    assert (refused.status_code, refused.json()["code"]) == (422, "not-a-bundle")
    audit = auditor.post("/v1/audits", {"as_of": "2026-09-09T00:00:00Z"}).json()
    assert audit["exit_code"] == 1  # a plan without a regulation is a finding: the command's own exit code
    assert [one["state"] for one in audit["result"]["years"][0]["tables"]["draws"]] == ["holds"]
    assert audit["progress"]["what"] == "entries"


def test_the_answers_are_those_of_the_commands(served):
    prepared_at_the_desk(served)
    lead = served.client("lead")
    early = lead.done("/v1/announcements", {"draw": {**DRAW, "id": "x"}, "dry_run": True}, clock="07T10:02:00")
    assert early["dry_run"] is True
    assert lead.get("/v1/draws").json() == {"draws": []}
    lead.done("/v1/announcements", {"draw": DRAW}, clock="07T10:02:00")
    refused = lead.post("/v1/draws/fund-1/draw", clock="07T10:03:00")
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    told = refused.json()
    assert told["code"] == "round-not-due"
    assert told["type"] == "urn:fairdraw:problem:round-not-due"
    assert told["params"]["expected"]
    assert "2026-09-07" in told["detail"]
    chinese = lead.post("/v1/draws/fund-1/draw", clock="07T10:03:00", **{"Accept-Language": "zh-CN,en;q=0.5"}).json()
    assert chinese["code"] == "round-not-due"
    assert chinese["detail"] != told["detail"]
    assert any("一" <= character <= "鿿" for character in chinese["detail"])
    assert lead.get("/v1/draws/nothing").json()["code"] == "draw-unknown"
    assert lead.get("/v1/draws/nothing").status_code == 404


def test_every_bad_row_is_told_to_whom_sent_the_file(served):
    clerk = served.client("clerk")
    planned_at_the_desk(served)
    rows = b"no,private.name,closed.phone\nH-01,One,1\n,Two,2\n"
    refused = clerk.post("/v1/registries/institutions/snapshots", rows, media=CSV, clock="07T10:01:00")
    assert (refused.status_code, refused.json()["code"]) == (422, "nothing-frozen")
    [problem] = refused.json()["result"]["problems"]
    assert (problem["line"], problem["field"]) == (3, "no")
    left_out = clerk.done("/v1/registries/institutions/snapshots?skip_bad=true", rows, media=CSV, clock="07T10:01:00")
    assert (left_out["frozen"], left_out["count"]) == ("institutions-1", 1)


def test_a_map_is_kept_and_used(served):
    lead, clerk = served.client("lead"), served.client("clerk")
    planned_at_the_desk(served)
    address = "/v1/registries/institutions/map"
    mapping = b'no = "code"\n[private]\nname = { column = "name" }\n'
    bad = lead.ask("PUT", address, content=b"= nothing", headers={"Content-Type": "application/toml"})
    assert bad.status_code == 422
    assert clerk.get(address).status_code == 404
    put = lead.ask("PUT", address, content=mapping, headers={"Content-Type": "application/toml"})
    assert put.status_code == 204, put.text
    assert lead.get(address).content == mapping
    rows = b"code,name\nH-01,One\nH-02,Two\n"
    frozen = clerk.done("/v1/registries/institutions/snapshots", rows, media=CSV, clock="07T10:01:00")
    assert frozen["count"] == 2
    assert lead.ask("DELETE", address).status_code == 204
    assert lead.get(address).status_code == 404
    assert clerk.ask("PUT", address, content=mapping, headers={"Content-Type": "application/toml"}).status_code == 403


@pytest.fixture(scope="module")
def life(office_of_a_draw):
    """Every answer that a draw's life over HTTP gave, by who was told; the openings and lists with names left out."""
    served = office_of_a_draw
    told = []
    day = "09T10:00:00"
    calls = [
        ("clerk", "/v1/draws/fund-1/slips", {"number": "H-07"}),
        ("clerk", "/v1/draws/fund-1/papers", {"paper": "record", "format": "html"}),
        ("clerk", "/v1/draws/fund-1/exports/drawn", {}),
        ("clerk", "/v1/draws/fund-1/exports/due", {}),
        ("lead", "/v1/draws/fund-1/exports/dispatch", {}),
        ("lead", "/v1/draws/fund-1/slips/own", {"number": "H-07"}),
        ("lead", "/v1/draws/fund-1/openings", {"all": True}),
        ("lead", "/v1/draws/fund-1/notices", {"format": "html"}),
    ]
    for role, path, body in calls:
        answer = served.client(role).post(path, body, clock=day)
        assert answer.status_code == 200, (path, answer.text)
        told.append(answer.text)
    for role in ("clerk", "lead", "results", "auditor"):
        caller = served.client(role)
        for path in ("/v1/workspace", "/v1/draws", "/v1/draws/fund-1", "/v1/jobs", "/v1/draws/fund-1/files"):
            answer = caller.get(path)
            assert answer.status_code == 200
            told.append(answer.text)
    return served, told


def test_private_files_are_for_the_lead_alone(life):
    served, _ = life
    named = {one["name"]: one for one in served.client("lead").get("/v1/draws/fund-1/files").json()["files"]}
    private = [one["url"] for one in named.values() if one["private"]]
    assert len(private) >= 5, named
    assert {name for name, one in named.items() if ".own." in name} <= {url.rpartition("/")[2] for url in private}
    text = b"".join(served.client("lead").get(url).content for url in private)
    assert b"Hospital" in text  # the openings and the notices exist to give names
    for role in ("clerk", "results", "auditor"):
        caller = served.client(role)
        assert not [one for one in caller.get("/v1/draws/fund-1/files").json()["files"] if one["private"]]
        for url in private:
            assert (caller.get(url).status_code, caller.get(url).json()["code"]) == (404, "no-such-file")


def test_no_private_field_is_in_any_answer_log_line_metric_or_public_file(life):
    served, answers = life
    metrics = served.client("metrics").get("/metrics").text
    public = [
        served.client("auditor").get(one["url"]).content.decode("latin-1")
        for one in served.client("auditor").get("/v1/draws/fund-1/files").json()["files"]
    ]
    jobs = sqlite3.connect(served.office / "state/service.sqlite")
    stored = [str(row) for row in jobs.execute("select * from job")]
    jobs.close()
    log = served.log.read_text()
    assert "fairdraw_requests_total" in metrics
    assert len(log.splitlines()) > 20
    for secret in SECRETS:
        for text in (*answers, metrics, log, *public, *stored):
            assert secret not in text
    for token in served.tokens.values():
        assert token not in log
        assert token.rpartition(".")[2] not in "".join(stored) + metrics


def test_every_log_line_is_json_without_paths_or_queries(life):
    served, _ = life
    for line in served.log.read_text().splitlines():
        told = json.loads(line)
        assert datetime.strptime(told["time"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        assert "fund-1" not in line
        assert "?" not in line
        assert {"event", "level"} <= set(told)


def test_what_was_uploaded_is_gone_when_the_command_is_over(life):
    served, _ = life
    assert list((served.office / "state/service/work").iterdir()) == []
    assert (served.office / "state/service.sqlite").stat().st_mode & 0o077 == 0


def test_metrics_have_no_ids(life):
    served, _ = life
    text = served.client("metrics").get("/metrics").text
    assert "fund-1" not in text
    assert 'operation="make_draw"' in text
    assert not [one for one in served.tokens.values() if one.split(".")[1] in text]
