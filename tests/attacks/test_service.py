"""Attacks on the service: others' keys, lesser roles, tokens in addresses, smuggled headers, paths, killed jobs."""

import json
import os
import signal
import socket
import time
import uuid
from contextlib import closing

import pytest

pytest.importorskip("fastapi", reason="the optional part [server] is not installed")

from support.served import (
    CSV,
    DRAW,
    INSTITUTIONS_CSV,
    PLAN,
    Served,
    announced_at_the_desk,
    drawn_at_the_desk,
    make_office,
    planned_at_the_desk,
    prepared_at_the_desk,
    wait_for,
)

KEY = "a-key-that-somebody-has-seen"
SNAPSHOTS = "/v1/registries/institutions/snapshots"


@pytest.fixture
def served(tmp_path):
    running = Served(*make_office(tmp_path))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def idle(tmp_path_factory):
    """A service at which every test finds and leaves an empty log."""
    running = Served(*make_office(tmp_path_factory.mktemp("idle")))
    running.start()
    yield running
    running.stop()


def uploads(served):
    folder = served.office / "state/service/work"
    return list(folder.iterdir()) if folder.exists() else []


def size(served):
    return served.client("auditor").get("/v1/workspace").json()["size"]


def raw(served, *lines, body=b"", path="/v1/plans"):
    host, port = served.url.removeprefix("http://").split(":")
    told = "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {served.tokens['lead']}",
                        "Content-Type: application/json", "Fairdraw-Clock: 2026-09-07T10:00:00Z", "Connection: close",
                        *lines, "", ""])  # fmt: skip
    with closing(socket.create_connection((host, int(port)), timeout=30)) as connection:
        connection.sendall(told.encode() + body)
        answer = b""
        while piece := connection.recv(1 << 16):
            answer += piece
    return answer.decode()


def test_a_key_of_another_token_gets_neither_its_answer_nor_a_second_doing(served):
    clerk, lead = served.client("clerk"), served.client("lead")
    planned_at_the_desk(served)
    first = clerk.post(SNAPSHOTS, INSTITUTIONS_CSV, media=CSV, key=KEY, clock="07T10:00:00")
    stolen = lead.post(SNAPSHOTS, INSTITUTIONS_CSV, media=CSV, key=KEY, clock="07T10:00:00")
    assert (stolen.status_code, stolen.json()["code"]) == (409, "idempotency-key-of-another")
    assert first.json()["id"] not in stolen.text
    assert lead.get(f"/v1/jobs/{first.json()['id']}").status_code == 404
    assert lead.ask("DELETE", f"/v1/jobs/{first.json()['id']}").status_code == 404
    assert size(served) == 2


def test_a_replayed_request_draws_nothing_twice(served):
    prepared_at_the_desk(served)
    lead = served.client("lead")
    announced = [lead.post("/v1/announcements", {"draw": DRAW}, key=KEY, clock="07T10:02:00") for _ in range(3)]
    assert {one.text for one in announced} == {announced[0].text}
    drawn = [lead.post("/v1/draws/fund-1/draw", key=f"{KEY}-2", clock="07T18:36:40") for _ in range(3)]
    assert {one.text for one in drawn} == {drawn[0].text}
    other = lead.done("/v1/draws/fund-1/draw", clock="07T18:40:00")  # under a new key the command itself says: already
    assert other["text"] == drawn[0].json()["result"]["text"]
    assert size(served) == 5


@pytest.mark.parametrize("role", ["clerk", "results", "auditor", "metrics"])
def test_a_lesser_role_announces_and_draws_nothing(idle, role):
    caller = idle.client(role)
    for path, body in (("/v1/plans", {"plan": PLAN}), ("/v1/announcements", {"draw": DRAW}),
                       ("/v1/draws/fund-1/draw", {}), ("/v1/draws/fund-1/void", {"reason": "wrong-date"}),
                       ("/v1/draws/fund-1/openings", {"all": True})):  # fmt: skip
        refused = caller.post(path, body)
        assert (refused.status_code, refused.json()["code"]) == (403, "role-forbidden")
    assert size(idle) == 0


@pytest.mark.parametrize("name", ["token", "access_token", "Authorization", "x"])
def test_a_token_in_an_address_lets_nobody_in_and_is_written_nowhere(idle, name):
    import httpx

    token = idle.tokens["lead"]
    for headers in ({}, {"Authorization": f"Bearer {token}"}):
        answer = httpx.get(f"{idle.url}/v1/draws?{name}={token}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "token-in-query")
        assert token not in answer.text
    assert token not in idle.log.read_text()


def test_two_lengths_of_one_body_are_refused(idle):
    body = json.dumps({"plan": PLAN}).encode()
    chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    for lines, sent in (
        ((f"Content-Length: {len(body)}", "Transfer-Encoding: chunked"), chunk),
        (("Content-Length: 4", "Transfer-Encoding: chunked"), chunk),
        ((f"Content-Length: {len(body)}", "Content-Length: 5"), body),
        (("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), chunk),
        (("Transfer-Encoding: xchunked",), chunk),
        ((f"Content-Length : {len(body)}",), body),
        ((f"Content-Length: +{len(body)}",), body),
    ):
        told = raw(idle, f"Idempotency-Key: {uuid.uuid4()}", "Prefer: wait=30", *lines, body=sent)
        assert told.split()[1] in ("400", "413", "501"), (lines, told)
    assert size(idle) == 0


def test_a_header_that_stands_twice_is_refused(idle):
    body = json.dumps({"plan": PLAN}).encode()
    length = f"Content-Length: {len(body)}"
    for line in (f"Authorization: Bearer {idle.tokens['metrics']}", f"Idempotency-Key: {uuid.uuid4()}",
                 "Content-Type: text/csv", "Host: y"):  # fmt: skip
        told = raw(idle, f"Idempotency-Key: {uuid.uuid4()}", length, line, body=body)
        assert told.split()[1] == "400", (line, told)
    assert size(idle) == 0


def test_a_second_request_in_a_body_is_not_asked(idle):
    inner = (f"POST /v1/plans HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {idle.tokens['lead']}\r\n"
             f"Idempotency-Key: {uuid.uuid4()}\r\nContent-Type: application/json\r\n\r\n").encode()  # fmt: skip
    told = raw(idle, f"Idempotency-Key: {uuid.uuid4()}", f"Content-Length: {len(inner)}", body=inner)
    assert told.count("HTTP/1.1") == 1
    assert "bad-body" in told
    assert size(idle) == 0


PATHS = ("../../keys/log.key", "/etc/passwd", "..%2f..%2fkeys%2flog.key", "%00", "x\\..\\y", "registry.csv/../../x")


def test_a_path_in_a_file_name_leads_nowhere(served):
    planned_at_the_desk(served)
    before = (served.office / "keys/log.key").read_bytes()
    for name in PATHS:
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        told = served.client("clerk").post(SNAPSHOTS, INSTITUTIONS_CSV, media=CSV, clock="07T10:00:00", **disposition)
        assert told.status_code == 200, told.text
        for address in (f"/v1/draws/fund-1/files/{name}", f"/v1/draws/{name}/files/x", f"/v1/registries/{name}/map"):
            answer = served.client("lead").get(address)
            assert answer.status_code in (400, 404), (address, answer.text)
            assert before not in answer.content
    assert (served.office / "keys/log.key").read_bytes() == before
    assert {path.name for path in served.office.parent.iterdir()} <= {"office", "service.log"}


def test_a_body_names_no_file_of_the_machine(served):
    prepared_at_the_desk(served)
    lead, results = served.client("lead"), served.client("results")
    secret = str(served.office / "keys/log.key")
    outcome = {"no": "H-01", "items": "fund-use", "method": "site", "first": "2026-09-10", "last": "2026-09-10",
               "checked": "2026-09-10", "result": "clean"}  # fmt: skip
    for caller, path, body in (
        (lead, "/v1/announcements", {"draw": {**DRAW, "recusals": secret}}),
        (lead, "/v1/announcements", {"draw": {**DRAW, "beacon": [{"events": secret}]}}),
        (lead, "/v1/plans", {"plan": {**PLAN, "regulation": f"{secret}.toml"}}),
        (lead, "/v1/items", {"items": {"regulation": "../../x.toml"}}),
        (lead, "/v1/draws/fund-1/deferrals",
         {"object": "H-01", "reason": "illness", "application": secret, "until": "2026-10-01"}),
        (results, "/v1/draws/fund-1/results", {"outcomes": [{**outcome, "notice": secret}]}),
        (results, "/v1/draws/fund-1/results", {"outcomes": [{**outcome, "witness": "../../../keys/log.key"}]}),
        (results, "/v1/entries/0/objections", {"object": "H-01", "objection": secret}),
    ):  # fmt: skip
        told = caller.post(path, body, clock="07T10:02:00")
        assert (told.status_code, told.json()["code"]) == (400, "bad-body"), (body, told.text)
    assert size(served) == 3


def test_nothing_that_is_sent_becomes_an_option(served):
    drawn_at_the_desk(served)
    lead = served.client("lead")
    for value in ("--names", "--key=/etc/passwd", "-C/", "--lang", "--json"):
        for path, body in (("/v1/draws/fund-1/slips", {"number": value}),
                           ("/v1/draws/fund-1/substitutes", {"object": value, "inspector": value})):  # fmt: skip
            told = lead.post(path, body, clock="08T10:00:00")
            assert told.json()["code"] in ("no-such-number", "not-called"), told.text
    assert size(served) == 5


def test_a_file_that_was_put_beside_the_draws_is_not_given_away(served):
    announced_at_the_desk(served)
    lead = served.client("lead")
    folder = served.office / "draws/fund-1"
    (folder / "link.html").symlink_to(served.office / "keys/log.key")
    os.mkfifo(folder / "pipe.html")
    (folder / ".hidden").write_text("x", encoding="utf-8")
    names = {one["name"] for one in lead.get("/v1/draws/fund-1/files").json()["files"]}
    assert not names & {"link.html", "pipe.html", ".hidden"}
    for name in ("link.html", "pipe.html", ".hidden"):
        assert lead.get(f"/v1/draws/fund-1/files/{name}").status_code == 404


def test_a_file_with_names_is_not_given_away_where_a_copy_has_lost_its_mode(served):
    announced_at_the_desk(served)
    folder = served.office / "draws/fund-1"
    public = ("fund-1.H:01.slip.html", "record.pdf")
    private = ("fund-1.openings.jsonl", "fund-1.dispatch.xlsx", "fund-1.notices.pdf", "fund-1.H-01.slip.own.html",
               "fund-1.sealed.fairdraw.json", "record.sealed.html", "record.request")  # fmt: skip
    for name in (*public, *private):
        (folder / name).write_text("Hospital 7", encoding="utf-8")
        (folder / name).chmod(0o644)
    for role in ("clerk", "results", "auditor"):
        caller = served.client(role)
        names = {one["name"] for one in caller.get("/v1/draws/fund-1/files").json()["files"]}
        assert not names & {*private}
        assert names >= {*public}
        for name in private:
            assert caller.get(f"/v1/draws/fund-1/files/{name}").status_code == 404, name
        for name in public:
            assert caller.get(f"/v1/draws/fund-1/files/{name}").text == "Hospital 7"
    for name in private:
        assert served.client("lead").get(f"/v1/draws/fund-1/files/{name}").status_code == 200, name


def test_a_draw_that_is_killed_midway_again_and_again_is_one_draw(served):
    announced_at_the_desk(served)
    lead = served.client("lead")
    for moment in (0.3, 0.6, 0.8, 1.0):
        lead.post("/v1/draws/fund-1/draw", key=KEY, clock="07T18:36:40", wait=0)
        try:
            wait_for(served.children, 2)
        except AssertionError:
            break  # it was done before it could be killed
        time.sleep(moment)
        for child in served.children():
            os.kill(child, signal.SIGKILL)
        wait_for(lambda: not served.children())
    once = lead.done("/v1/draws/fund-1/draw", key=KEY, clock="07T18:36:40")
    assert lead.done("/v1/draws/fund-1/draw", key=KEY, clock="07T18:36:40") == once
    assert size(served) == 5


def test_an_upload_that_its_sender_gives_up_leaves_nothing(served):
    host, port = served.url.removeprefix("http://").split(":")
    with closing(socket.create_connection((host, int(port)), timeout=30)) as connection:
        head = (f"POST {SNAPSHOTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.tokens['clerk']}\r\n"
                f"Idempotency-Key: {KEY}\r\nContent-Type: {CSV}\r\nContent-Length: 100000\r\n\r\n")  # fmt: skip
        connection.sendall(head.encode() + INSTITUTIONS_CSV)
        wait_for(lambda: uploads(served))
    wait_for(lambda: not uploads(served))
    assert served.client("clerk").get("/v1/jobs").json() == {"jobs": []}
