"""What strangers in a browser, in the hall and at the desk can do to a ceremony: nothing."""

import json
import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from fairdraw.encoding import parse_time
from fairdraw.schema import Announcement, Draw
from fairdraw_cli.ceremony.acts import ACTS
from fairdraw_cli.ceremony.app import MAX_BODY
from fairdraw_cli.ceremony.gate import WRONG, Gate, new_token
from fairdraw_cli.checks.finding import Finding
from fairdraw_cli.history import History
from fairdraw_cli.main import run
from fairdraw_cli.rehearsal import recorded
from support.ceremony import DUE, HOST, TOKEN, Stage, stage
from transparency_log.web import Server

NUMBER = 32_000_944
NAMES = ("Hospital", "Inspector", "1390000")  # of the private and closed columns
PLAN = """
id = "2026"
slots = ["2026/fund-use/1"]
objects = "institutions"
inspectors = "staff"
strata = []
ratio = "1/4"
"""
DRAW = """
id = "fund-1"
slots = ["2026/fund-use/1"]
window = 2026-10-31
beacon = [{ chain = "quicknet", at = 2026-09-07T18:36:36Z }]
"""


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An office with frozen registries, and a DRAW.toml beside it."""
    monkeypatch.chdir(tmp_path)
    rows = [f"H-{i:02d},Hospital {i},1390000{i:04d}" for i in range(1, 21)]
    staff = [f"I-{i},Inspector {i}" for i in range(1, 9)]
    for name, text in {
        "plan.toml": PLAN,
        "draw.toml": DRAW,
        "institutions.csv": "\n".join(["no,private.name,closed.phone", *rows, ""]),
        "staff.csv": "\n".join(["no,private.name", *staff, ""]),
    }.items():
        Path(name).write_text(text, encoding="utf-8")
    for words in (
        ["init", "office", "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj"],
        ["plan", "log", "plan.toml", "-C", "office", "--clock", "2026-09-07T10:00:00Z"],
        ["freeze", "institutions", "institutions.csv", "-C", "office", "--clock", "2026-09-07T10:01:00Z"],
        ["freeze", "staff", "staff.csv", "-C", "office", "--clock", "2026-09-07T10:01:00Z"],
    ):
        assert run(words) == 0
    return tmp_path / "office"


@pytest.fixture
def hall(office: Path) -> Stage:
    return stage(office, office.parent / "draw.toml")


def logged(hall: Stage, kind: type) -> int:
    return len(list(History.read(hall.house.place.reader()).all(kind)))


def drawn(hall: Stage) -> Stage:
    hall.lock()
    hall.clock.set(DUE)
    hall.turn(3)
    assert logged(hall, Draw) == 1
    return hall


def test_the_desk_is_not_reached_without_the_token(hall):
    for token in (None, "", "x", TOKEN[:-1], TOKEN + "t", "Ｔ" * 32):
        header = {} if token is None else {"Authorization": f"Bearer {token}".encode().decode("latin-1")}
        assert hall.post({"do": "next", "seen": "prepare"}, **(header or {"Authorization": ""})).status_code == 401
        assert hall.get("/desk").status_code == 401
        hall.office.gate._wrong.clear()
    for scheme in ("Basic", "bearer", "Token"):
        assert hall.post({"do": "next", "seen": "prepare"}, Authorization=f"{scheme} {TOKEN}").status_code == 401
        hall.office.gate._wrong.clear()
    assert hall.screen == "prepare"
    assert hall.get("/desk", token=TOKEN).status_code == 200


def test_a_token_in_an_address_or_a_cookie_opens_nothing(hall):
    for path in (f"/desk?token={TOKEN}", f"/desk?{TOKEN}", f"/desk/{TOKEN}"):
        assert hall.get(path).status_code in (401, 404)
    assert (
        hall.post({"do": "next", "seen": "prepare", "token": TOKEN}, Authorization="", Cookie=TOKEN).status_code == 401
    )


def test_wrong_tokens_are_told_so_ten_times_a_minute_and_the_right_one_still_opens(hall):
    codes = [hall.post({}, Authorization="Bearer x").status_code for _ in range(WRONG + 5)]
    assert codes == [401] * WRONG + [429] * 5
    assert hall.get("/desk", token=TOKEN).status_code == 200  # or anybody could lock the operator out
    assert len({new_token() for _ in range(100)}) == 100
    assert len(new_token()) == 32


def test_the_limit_on_wrong_tokens_ends_after_a_minute():
    from werkzeug.test import EnvironBuilder
    from werkzeug.wrappers import Request

    from fairdraw_cli.ceremony.gate import RefusedError

    gate, request = Gate(frozenset({HOST}), TOKEN), Request(EnvironBuilder().get_environ())
    for now, status in [(0.0, 401)] * WRONG + [(59.0, 429), (60.1, 401)]:
        with pytest.raises(RefusedError) as refused:
            gate.check_operator(request, now)
        assert refused.value.status == status


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": f"https://{HOST}"},
        {"Origin": "http://127.0.0.1:80"},
        {"Origin": f"http://{HOST}.evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_page_of_another_origin_can_do_nothing_even_with_the_token(hall, headers):
    assert hall.post({"do": "next", "seen": "prepare"}, **headers).status_code == 403
    assert hall.screen == "prepare"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8050", "127.0.0.1", "127.0.0.1:8051", "0.0.0.0:8050", ""]
)
def test_a_name_that_is_made_to_lead_here_is_refused(hall, host):
    for path in ("/", "/operator", "/state", "/desk", "/ceremony.js", "/qr/draw"):
        assert hall.get(path, host=host, token=TOKEN).status_code == 421
    headers = {"Host": host, "Origin": f"http://{host}"}
    assert hall.post({"do": "next", "seen": "prepare"}, **headers).status_code == 421
    assert hall.screen == "prepare"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_form_of_another_page_can_send_is_refused(hall, kind):
    assert hall.post({"do": "next", "seen": "prepare"}, Content_Type=kind).status_code == 415
    assert hall.screen == "prepare"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[" * 100_000, b"\xff", b"null", b"[]", b'{"do": "next"}', b'{"do": "draw", "seen": "prepare"}',
     b'{"do": ["next"], "seen": "prepare"}', b'{"do": "__init__", "seen": "prepare"}',
     b'{"do": "present", "seen": "prepare", "role": "legal", "count": 1e3}',
     b'{"do": "present", "seen": "prepare", "role": "legal", "count": true}',
     b'{"do": "present", "seen": "prepare", "role": "<img>", "count": 1}'],
)  # fmt: skip
def test_a_malformed_request_is_refused_and_changes_nothing(hall, body):
    before = hall.house.notebook.notes
    assert hall.post(body).status_code in (400, 409)
    assert hall.house.notebook.notes == before


def test_only_a_post_changes_anything(hall):
    for path in ("/act", "/act?do=next&seen=prepare"):
        assert hall.get(path, token=TOKEN).status_code == 405
    from werkzeug.test import Client

    for method in ("PUT", "DELETE", "OPTIONS", "PATCH", "POST"):
        answer = Client(hall.office).open("/state", method=method, headers={"Host": HOST, "Origin": f"http://{HOST}"})
        assert answer.status_code == 405
    assert hall.screen == "prepare"


def test_the_token_is_in_no_page_log_or_referrer(hall, caplog):
    caplog.set_level(logging.DEBUG)
    for path in ("/", "/operator", "/state", "/desk", "/ceremony.js", "/ceremony.css", "/nothing"):
        answer = hall.get(path, token=TOKEN)
        assert TOKEN not in answer.get_data(as_text=True)
        assert TOKEN not in str(answer.headers)
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
    assert TOKEN not in caplog.text


def test_the_hall_is_shown_no_name(hall):
    def check(where: Stage) -> None:
        for app in (where.office, where.hall):
            for path in ("/", "/state", "/numbers", "/qr/draw", "/qr/phones"):
                said = where.get(path, app=app).get_data(as_text=True)
                assert not [name for name in NAMES if name in said]

    check(hall)
    hall.done("next")
    hall.done("look", role="objects", no="H-07")
    check(hall)
    hall.done("lock")
    check(hall)
    hall.clock.set(DUE)
    hall.turn(3)
    for _ in range(4):
        check(hall)
        hall.done("next")


def test_nothing_of_the_result_is_shown_before_it_is_logged(hall, monkeypatch):
    hall.lock()
    hall.clock.set(DUE)
    with monkeypatch.context() as patched:
        patched.setattr("fairdraw_cli.ceremony.worker.draw_now", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
        hall.turn(2)
        told = hall.get("/state").get_json()
        assert told["drawn"] is None
        assert told["announced"]["rounds"][0]["randomness"] is not None  # the round is public, and it is shown
        assert hall.get("/numbers").get_json() == {"numbers": []}
    hall.done("retry")
    hall.turn(2)
    assert len(hall.get("/numbers").get_json()["numbers"]) == 5


def test_the_randomness_is_not_shown_before_the_round_is_due(hall):
    hall.lock()
    hall.clock.start = parse_time(DUE) - 1  # the package has this round recorded
    hall.turn(2)
    assert hall.get("/state").get_json()["announced"]["rounds"][0]["randomness"] is None
    assert logged(hall, Draw) == 0


def test_a_sealed_draw_shows_the_hall_how_many_and_no_number(office, capsys):
    for name in ("npc", "cppcc"):
        words = ["supervisor", "create", f"{name}.example.cn", "--rehearsal", "--role", "legal", "--out", f"{name}.key"]
        assert run([*words, "--json"]) == 0
        line = json.loads(capsys.readouterr().out.splitlines()[-1])["line"]
        assert run(["supervisor", "add", *line.split()[1:], "-C", "office"]) == 0
    text = DRAW.replace("window", "disclosure = { until = 2026-11-30 }\nwindow")
    Path("sealed.toml").write_text(text, encoding="utf-8")
    hall = stage(office, "sealed.toml")
    hall.lock()
    clock = ["--clock", "2026-09-07T10:05:00Z"]
    for name in ("npc", "cppcc"):
        deposit = ["supervisor", "deposit", "2026/fund-use/1", "office/secrets/fund-1.embargo", "--key", f"{name}.key"]
        assert run([*deposit, "--log", "office/log", "--trust", "office/trust", *clock]) == 0
        note = max(Path(f"{name}.key.d").glob("*-deposit.entry"))
        assert run(["log", "add", str(note), "-C", "office", *clock]) == 0
    hall.clock.set(DUE)
    hall.turn(4)
    assert logged(hall, Draw) == 1
    told = hall.get("/state").get_json()
    assert (told["drawn"]["count"], told["drawn"]["sealed"]) == (5, True)
    for app in (hall.office, hall.hall):
        for path in ("/state", "/numbers", "/qr/draw"):
            said = hall.get(path, app=app).get_data(as_text=True)
            assert not [no for no in (f"H-{i:02d}" for i in range(1, 21)) if no in said]


def test_a_key_pressed_twice_at_once_locks_once(hall):
    hall.done("next")
    barrier = Barrier(6)

    def press(_: int) -> int:
        barrier.wait()
        return hall.post({"do": "lock", "seen": "check"}).status_code

    with ThreadPoolExecutor(6) as pool:
        codes = sorted(pool.map(press, range(6)))
    assert codes.count(200) == 1
    assert set(codes) <= {200, 409}
    assert logged(hall, Announcement) == 1


def test_two_programs_and_many_threads_draw_once(hall):
    hall.lock()
    hall.clock.set(DUE)
    other = stage(hall.house.place.root, hall.house.place.root.parent / "draw.toml", clock=hall.clock)
    barrier = Barrier(4)

    def work(which: Stage) -> None:
        barrier.wait()
        which.turn(4)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, [hall, other, hall, other]))
    for one in (hall, other):
        one.house.fault = None
        one.turn(3)
    assert logged(hall, Draw) == 1
    assert hall.get("/numbers").get_json() == other.get("/numbers").get_json()


def test_a_request_that_is_sent_again_does_nothing_more(hall):
    told = {"do": "next", "seen": "prepare"}
    assert hall.post(told).status_code == 200
    assert hall.post(told).status_code == 409
    assert hall.screen == "check"
    lock = {"do": "lock", "seen": "check"}
    assert hall.post(lock).status_code == 200
    assert hall.post(lock).status_code == 409
    assert logged(hall, Announcement) == 1


def test_digits_after_the_lock_are_refused(hall):
    hall.lock()
    assert hall.refused("digits", role="legal", digits="1") == "ceremony-locked"
    assert hall.refused("undo-digits") == "ceremony-locked"


def test_no_key_draws_again_or_takes_anything_back(hall):
    drawn(hall)
    before = hall.get("/numbers").get_json(), len(History.read(hall.house.place.reader()).data)
    for name in ACTS:
        hall.act(name)
        hall.act(name, text=f"{NUMBER} {'ab' * 48}", role="legal", digits="1", page=0, on=True, count=1, no="H-01")
    hall.turn(3)
    assert (hall.get("/numbers").get_json(), len(History.read(hall.house.place.reader()).data)) == before
    assert hall.refused("lock") == "ceremony-not-now"


def test_a_wrong_round_or_a_bad_signature_is_never_taken(hall, monkeypatch):
    pulse = recorded("quicknet", NUMBER)
    monkeypatch.setattr("fairdraw_cli.rehearsal.recorded", lambda *_: None)
    hall.lock()
    assert hall.refused("pulse", text=f"{NUMBER} {pulse.signature}") == "ceremony-not-now"
    hall.clock.set(DUE)
    flipped = pulse.signature[:-1] + ("0" if pulse.signature[-1] != "0" else "1")
    for text, code in (
        (f"{NUMBER + 1} {pulse.signature}", "wrong-round"),
        (f"{NUMBER} {flipped}", None),
        (f"{NUMBER} {'c0' + '00' * 47}", None),
        ("latest", None),
        ("", None),
    ):
        refused = hall.refused("pulse", text=text)
        assert code in (None, refused)
    hall.turn(3)
    assert logged(hall, Draw) == 0
    assert hall.screen == "countdown"


def test_a_relay_that_answers_with_another_round_is_not_believed(hall, monkeypatch):
    pulse = recorded("quicknet", NUMBER)
    monkeypatch.setattr("fairdraw_cli.rehearsal.recorded", lambda *_: None)
    hall.lock()
    hall.clock.set(DUE)
    hall.relays.answer = type(pulse)(chain=pulse.chain, round=NUMBER + 1, signature=pulse.signature)
    hall.turn(3)
    assert logged(hall, Draw) == 0


def test_a_pulse_file_that_was_planted_is_not_drawn_from(hall, monkeypatch):
    pulse = recorded("quicknet", NUMBER)
    monkeypatch.setattr("fairdraw_cli.rehearsal.recorded", lambda *_: None)
    hall.lock()
    planted = hall.house.place.root / "state" / "pulses" / f"quicknet-{NUMBER}.json"
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(f'{{"round": {NUMBER}, "signature": "{"8" * 96}"}}', encoding="utf-8")
    hall.clock.set(DUE)
    hall.turn(3)
    assert logged(hall, Draw) == 0
    hall.done("pulse", text=f"{NUMBER} {pulse.signature}")
    hall.turn(3)
    assert logged(hall, Draw) == 1


def test_a_wrong_clock_locks_nothing(office):
    found = [Finding("clock-behind-witnesses", "fail", {"seconds": 900, "time": 0}, "date")]
    hall = stage(office, "draw.toml", examine=lambda: found)
    hall.done("next")
    assert hall.refused("lock") == "ceremony-clock"
    assert logged(hall, Announcement) == 0


def test_the_halls_network_does_not_reach_the_desk(hall):
    for path in ("/operator", "/desk", "/act", "/paper/x", "/fairdraw.toml", "/../keys/log.key", "/desk/"):
        assert hall.get(path, app=hall.hall, token=TOKEN).status_code == 404
    from werkzeug.test import Client

    headers = {"Host": HOST, "Origin": f"http://{HOST}", "Authorization": f"Bearer {TOKEN}"}
    answer = Client(hall.hall).post("/act", json={"do": "next", "seen": "prepare"}, headers=headers)
    assert answer.status_code == 404
    assert hall.screen == "prepare"


def test_a_paper_is_lent_once_and_only_a_paper(hall):
    drawn(hall)
    for name in ("fund-1.fairdraw.json", "draw.toml", "../../keys/bureau.key", "record.html/../draw.toml", None, 7):
        assert hall.post({"do": "paper", "name": name}).status_code == 404
    path = hall.post({"do": "paper", "name": "record.html"}).get_json()["path"]
    first = hall.get(path)
    assert first.status_code == 200
    assert first.headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")
    assert "script" not in first.headers["Content-Security-Policy"]
    assert hall.get(path).status_code == 404
    assert hall.get("/paper/").status_code == 404
    assert hall.post({"do": "paper", "name": "record.html"}, Authorization="").status_code == 401


def test_what_goes_wrong_at_the_desk_names_no_file_in_the_hall(hall, monkeypatch):
    def fails(*_: object) -> None:
        raise OSError(13, "denied", "/srv/office/secrets/fund-1.embargo")

    monkeypatch.setattr("fairdraw_cli.ceremony.facts.Reader.facts", fails)
    for path in ("/state", "/numbers", "/qr/draw"):
        answer = hall.get(path, app=hall.hall)
        assert answer.status_code == 503
        assert "secrets" not in answer.get_data(as_text=True)
    assert "secrets" in hall.get("/desk", token=TOKEN).get_data(as_text=True)
    assert hall.get("/desk").status_code == 401


def test_a_hall_that_asks_without_end_reads_the_log_four_times_a_second(hall, monkeypatch):
    read, count = hall.house.reader.facts, []
    monkeypatch.setattr(hall.house.reader, "facts", lambda now: count.append(now) or read(now))
    times = iter(at for at in (0.0, 0.1, 0.2, 0.3, 0.4, 1.0) for _ in range(20))
    monkeypatch.setattr("fairdraw_cli.ceremony.house.time.monotonic", lambda: next(times))
    for _ in range(6):
        for _ in range(20):
            assert hall.get("/state", app=hall.hall).status_code == 200
    assert len(count) == 3
    hall.get("/state")
    assert len(count) == 4  # the desk is told what is so now


def test_a_second_snapshot_changes_no_announced_registry_on_the_screen(hall, office):
    hall.lock()
    before = hall.get("/state").get_json()["registries"]
    rows = Path("institutions.csv").read_text("utf-8") + "H-21,Hospital 21,13900000021\n"
    Path("more.csv").write_text(rows, encoding="utf-8")
    assert run(["freeze", "institutions", "more.csv", "-C", "office", "--clock", "2026-09-07T10:03:00Z"]) == 0
    hall.clock.set("2026-09-07T10:04:00Z")
    assert hall.get("/state").get_json()["registries"] == before
    assert hall.house.reader.found("objects", "H-21", hall.clock.now()).row == 0


def _answer(server: Server, request: bytes, *, drip: float = 0.0) -> bytes:
    with socket.create_connection(server.address, timeout=10) as client:
        for piece in [request] if not drip else [request[at : at + 1] for at in range(len(request))]:
            try:
                client.sendall(piece)
            except OSError:
                break
            if drip:
                time.sleep(drip)
        told = b""
        try:
            while data := client.recv(65536):
                told += data
        except OSError:
            pass
        return told


def test_a_body_that_is_too_long_is_refused_unread(hall):
    with Server(hall.office, max_body=MAX_BODY) as server:
        head = f"POST /act HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {MAX_BODY + 1}\r\n\r\n"
        assert _answer(server, head.encode()).startswith(b"HTTP/1.1 413")
    with Server(hall.hall, max_body=0) as server:
        head = f"POST /act HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 10\r\n\r\n0123456789"
        assert _answer(server, head.encode()).startswith(b"HTTP/1.1 413")


def test_a_body_that_drips_in_is_cut_off_and_the_desk_answers_others(hall):
    with Server(hall.office, max_body=MAX_BODY, patience=0.6, threads=1) as server:
        head = f"POST /act HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000\r\n\r\n".encode()
        with socket.create_connection(server.address, timeout=10) as slow:
            slow.sendall(head + b"{")
            asked = f"GET /state HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
            assert _answer(server, asked).startswith(b"HTTP/1.1 200")
            slow.settimeout(5)
            assert slow.recv(1) == b""
    assert hall.screen == "prepare"
