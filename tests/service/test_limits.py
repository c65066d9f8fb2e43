"""How much a caller may ask: bytes, time, headers, requests a second."""

import gzip
import socket
import time
from contextlib import closing, suppress

import pytest

from fairdraw_cli.service import limits
from fairdraw_cli.service.limits import Buckets
from support.served import CSV, INSTITUTIONS_CSV, Served, make_office, planned_at_the_desk

PATH = "/v1/registries/institutions/snapshots"


def connect(idle):
    host, port = idle.url.removeprefix("http://").split(":")
    return closing(socket.create_connection((host, int(port)), timeout=40))


def head(idle, *lines, path=PATH, role="clerk"):
    told = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {idle.tokens[role]}",
            "Idempotency-Key: limits-and-limits", "Accept-Language: en", *lines]  # fmt: skip
    return ("\r\n".join([*told, "", ""])).encode()


def answer(raw, limit=1 << 20):
    """Return all that is answered until the other side hangs up."""
    told = b""
    try:
        while len(told) < limit and (piece := raw.recv(1 << 16)):
            told += piece
    except ConnectionResetError:
        pass
    return told.decode()


def test_a_body_that_is_too_large_is_refused_by_its_promise(idle):
    with connect(idle) as raw:
        raw.sendall(head(idle, f"Content-Type: {CSV}", f"Content-Length: {65 << 20}"))
        told = answer(raw)
    assert "413" in told.split("\r\n")[0]
    assert '"code": "body-too-large"' in told


def test_a_body_without_an_end_is_cut_off_at_the_limit(idle):
    piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    path = "/v1/plans"
    with connect(idle) as raw:
        raw.sendall(head(idle, "Content-Type: application/json", "Transfer-Encoding: chunked", path=path, role="lead"))
        sent = 0
        try:
            for _ in range(64):
                raw.sendall(piece)
                sent += 1
        except OSError:
            pass
        told = answer(raw)
    assert sent < 64 or "413" in told
    assert not told or "body-too-large" in told
    assert list((idle.office / "state/service/work").iterdir()) == []


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "99999999999999999999999"])
def test_a_length_that_is_none_is_refused(idle, length):
    with connect(idle) as raw:
        raw.sendall(head(idle, f"Content-Type: {CSV}", f"Content-Length: {length}") + b"x")
        told = answer(raw)
    assert told.split("\r\n")[0].split()[1] in ("400", "413")


def test_a_body_shorter_than_its_length_does_nothing(idle):
    with connect(idle) as raw:
        raw.sendall(head(idle, f"Content-Type: {CSV}", "Content-Length: 5000") + INSTITUTIONS_CSV[:100])
        raw.shutdown(socket.SHUT_WR)
        told = answer(raw)
    assert " 200 " not in told
    assert idle.client("clerk").get("/v1/jobs").json() == {"jobs": []}


def test_what_comes_after_a_length_is_another_request_and_not_part_of_the_body(idle):
    body = b"no,private.name\n"
    with connect(idle) as raw:
        raw.sendall(head(idle, f"Content-Type: {CSV}", f"Content-Length: {len(body)}") + body + b"H-01,smuggled\n\r\n")
        told = answer(raw)
    assert "400 Bad Request" in told or "Invalid HTTP" in told or told.count("HTTP/1.1") == 1
    assert "smuggled" not in idle.log.read_text()


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "gzip, identity"])
def test_a_compressed_body_is_refused_and_not_unfolded(idle, coding):
    bomb = gzip.compress(b"0" * (8 << 20))
    told = idle.client("clerk").post(PATH, bomb, media=CSV, **{"Content-Encoding": coding})
    assert (told.status_code, told.json()["code"]) == (415, "body-compressed")


@pytest.mark.parametrize(
    ("path", "role", "media"),
    [(PATH, "clerk", "application/json"), (PATH, "clerk", "multipart/form-data; boundary=x"), (PATH, "clerk", ""),
     ("/v1/plans", "lead", CSV), ("/v1/plans", "lead", "application/jsonx"), ("/v1/entries", "lead", "text/html")],
)  # fmt: skip
def test_another_kind_of_body_is_refused(idle, path, role, media):
    told = idle.client(role).post(path, b"x", media=media)
    assert (told.status_code, told.json()["code"]) == (415, "body-type")
    assert told.json()["params"]["expected"]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"plan": 1}', b'{"plan": {}, "strange": 1}', b'{"plan": {"id": "\\ud800"}}', b"\xff",
     b'{"plan": ' + b'{"a":' * 3000 + b"1" + b"}" * 3000 + b"}", b'{"dry_run": 1, "plan": {}}'],
    ids=range(9),
)  # fmt: skip
def test_a_body_that_is_not_what_it_should_be_is_told_with_its_member(idle, body):
    told = idle.client("lead").post("/v1/plans", body)
    assert (told.status_code, told.json()["code"]) == (400, "bad-body")
    assert told.json()["params"]["key"]


def test_a_key_is_needed_and_has_a_form(idle):
    lead = idle.client("lead")
    bare = lead.ask("POST", "/v1/plans", content=b"{}", headers={"Content-Type": "application/json"})
    assert (bare.status_code, bare.json()["code"]) == (400, "idempotency-key-needed")
    for key in ("short", "a" * 201, "sp ace-space-space"):
        told = lead.post("/v1/plans", {"plan": {}}, key=key)
        assert (told.status_code, told.json()["code"]) == (400, "bad-header")


def test_unknown_addresses_methods_and_parameters_are_problems(idle):
    lead = idle.client("lead")
    for answered, status, code in (
        (lead.get("/v2/nothing"), 404, "no-such-operation"),
        (lead.ask("PATCH", "/v1/plans"), 405, "method-not-allowed"),
        (lead.get("/v1/draws?x=1"), 400, "parameter-unknown"),
        (lead.get("/openapi.json?lang=zh&lang=en"), 400, "parameter-unknown"),
        (lead.get("/openapi.json?lang=fr"), 400, "bad-parameter"),
        (lead.get("/v1/draws/A%20B"), 400, "bad-parameter"),
        (lead.get("/v1/draws/%2e%2e%2fkeys"), 404, "no-such-operation"),
    ):
        assert (answered.status_code, answered.json()["code"]) == (status, code), answered.text
        assert answered.headers["content-type"] == "application/problem+json"
        assert answered.headers["x-content-type-options"] == "nosniff"


def test_a_header_that_is_too_long_is_refused(idle):
    with connect(idle) as raw:
        raw.sendall(head(idle, f"X-Long: {'x' * (20 << 10)}"))
        assert "header-too-large" in answer(raw)
    with connect(idle) as raw:
        with suppress(OSError):
            raw.sendall(head(idle, f"X-Long: {'x' * (4 << 20)}"))
        assert answer(raw).split("\r\n")[0].split()[1:2] in ([], ["400"])


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """A service with little patience, in a process that was told so."""
    tmp_path = tmp_path_factory.mktemp("quick")
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'serve' in sys.argv:\n"
        "    from fairdraw_cli.service import limits\n"
        "    limits.PATIENCE, limits.SLOWEST = 0.5, 1000\n",
        encoding="utf-8",
    )
    running = Served(*make_office(tmp_path), environment={"PYTHONPATH": str(tmp_path)})
    running.start()
    yield running
    running.stop()


def test_a_body_that_drips_in_is_cut_off(quick):
    with connect(quick) as raw:
        raw.sendall(head(quick, f"Content-Type: {CSV}", "Content-Length: 100000"))
        began = time.monotonic()
        try:
            while time.monotonic() - began < 10:
                raw.sendall(b"x")
                time.sleep(0.05)
        except OSError:
            pass
        spent = time.monotonic() - began
        told = answer(raw)
    assert spent < 5
    assert not told or '"code": "upload-too-slow"' in told
    assert list((quick.office / "state/service/work").iterdir()) == []
    assert '"status": 408' in quick.log.read_text()


@pytest.mark.parametrize("before", [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_a_header_that_drips_in_is_cut_off(quick, before):
    with connect(quick) as raw:
        raw.sendall(before)
        began = time.monotonic()
        try:
            while time.monotonic() - began < 10:
                raw.sendall(b"G" if time.monotonic() - began < 0.01 else b"E")
                time.sleep(0.05)
        except OSError:
            pass
        assert time.monotonic() - began < 5


def test_a_slow_body_that_is_fast_enough_is_taken(quick):
    planned_at_the_desk(quick)
    data = INSTITUTIONS_CSV
    with connect(quick) as raw:
        raw.sendall(
            head(quick, f"Content-Type: {CSV}", f"Content-Length: {len(data)}", "Fairdraw-Clock: 2026-09-07T10:01:00Z",
                 "Prefer: wait=30", "Connection: close")
        )  # fmt: skip
        for at in range(0, len(data), 100):
            raw.sendall(data[at : at + 100])
            time.sleep(0.05)
        assert " 200 " in answer(raw).split("\r\n")[0]


def test_a_token_has_so_many_requests_a_second(tmp_path):
    running = Served(*make_office(tmp_path), options=("--rate", "2"))
    running.start()
    try:
        caller = running.client("auditor")
        told = [caller.get("/v1/jobs") for _ in range(12)]
        assert [one.status_code for one in told[:6]] == [200] * 6
        late = [one for one in told if one.status_code == 429]
        assert late
        assert late[0].json()["code"] == "rate-exceeded"
        assert int(late[0].headers["retry-after"]) >= 1
        assert running.client("lead").get("/v1/jobs").status_code == 200  # each token for itself
    finally:
        running.stop()


def test_wrong_tokens_of_an_address_are_slowed_and_right_ones_are_not(idle):
    wrong = Served(idle.office, {"lead": "fairdraw.00000000." + "0" * 64}, url=idle.url).client("lead")
    codes = [wrong.get("/v1/jobs").status_code for _ in range(30)]
    assert codes[:20] == [401] * 20
    assert 429 in codes
    assert idle.client("lead").get("/v1/jobs").status_code == 200


def test_a_bucket_refills(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: now[0])
    buckets = Buckets(rate=2, size=3)
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a") == pytest.approx(0.5)
    assert buckets.take("b") == 0
    now[0] += 0.5
    assert buckets.take("a") == 0
    assert buckets.take("a") > 0
    now[0] += 1000
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a") > 0


def test_buckets_are_not_remembered_without_end(monkeypatch):
    monkeypatch.setattr(limits, "KNOWN", 10)
    buckets = Buckets(rate=1, size=1)
    for number in range(100):
        assert buckets.take(str(number)) == 0
    assert len(buckets._known) == 10
