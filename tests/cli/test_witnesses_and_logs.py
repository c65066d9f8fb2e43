"""Witnesses asked by file, logs read over HTTP, and an announcement that came too late."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from fairdraw.beacon import format_pulse
from fairdraw_cli.rehearsal import recorded
from fairdraw_cli.workspace import Workspace
from transparency_log.errors import WitnessError
from transparency_log.note import COSIGNATURE_ED25519, Signer
from transparency_log.seen import MemoryWitnessState
from transparency_log.witness import Witness

Done = Callable[..., str]
Fairdraw = Callable[..., tuple[int, str]]
AS_OF = ("--as-of", "2026-09-07T19:00:00Z")


class Outside:
    """A witness on another machine, which is reached by files alone."""

    def __init__(self, name: str, office: Path) -> None:
        self.signer = Signer.from_seed(name, name.encode().ljust(32, b"."), COSIGNATURE_ED25519)
        self.witness = Witness(self.signer, MemoryWitnessState())
        place = Workspace.open(office)
        self.logs = {place.origin: place.key("log").verifier}

    @property
    def vkey(self) -> str:
        return self.signer.verifier.vkey

    def answer(self, request: Path, answer: Path, now: int) -> None:
        (line,) = self.witness.add_checkpoint(request.read_bytes(), now=now, logs=self.logs)
        answer.write_text(line.format() + "\n", encoding="utf-8")


@pytest.fixture
def office(done: Done, papers: Path) -> Path:
    """An office in earnest, with a logged plan and nobody to witness it."""
    done("init", "office", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    done("plan", "log", "plan.toml", "-C", "office")
    return papers / "office"


def test_outside_witnesses_are_asked_by_file_and_then_registries_can_be_frozen(
    office: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path
) -> None:
    now = int(time.time())
    one, two = (Outside(f"w{i}.example.org", office) for i in (1, 2))
    assert "1 of 1 must cosign" in done("witness", "add", "one", one.vkey, "-C", "office")
    assert "2 of 2 must cosign" in done("witness", "add", "two", two.vkey, "https://w2.example.org/", "-C", "office")
    freeze = ("freeze", "institutions", "institutions.csv", "-C", "office")
    for name, witness in {"one": one, "two": two}.items():
        assert "is not witnessed by a quorum yet" in fairdraw(*freeze)[1]
        done("log", "cosign", "export", f"{name}.request", "--witness", name, "-C", "office")
        witness.answer(tmp_path / f"{name}.request", tmp_path / f"{name}.answer", now)
        told = done("log", "cosign", "import", f"{name}.answer", "--witness", name, "-C", "office")
        assert f"published the cosignature of {witness.signer.name} on size 1" in told
    assert "froze snapshot institutions-1 (rows: 20, left out: 0)" in done(*freeze)
    # From where they stand the witnesses now want a consistency proof, and get one.
    done("log", "cosign", "export", "both.request", "-C", "office")
    assert (tmp_path / "both.request").read_text().startswith("old 1\n")
    one.answer(tmp_path / "both.request", tmp_path / "both.answer", now)
    # While the answer was under way the log has grown.
    done("freeze", "staff", "staff.csv", "-C", "office")
    assert "on size 2" in done("log", "cosign", "import", "both.answer", "-C", "office")


def test_a_third_witness_makes_the_quorum_a_majority(office: Path, done: Done) -> None:
    for count, needed in ((1, 1), (2, 2), (3, 2), (4, 3), (5, 3)):
        vkey = Outside(f"w{count}.example.org", office).vkey
        assert f"{needed} of {count} must cosign" in done("witness", "add", f"w{count}", vkey, "-C", "office")


def test_a_trust_file_with_a_policy_of_its_own_is_left_alone(office: Path, done: Done, fairdraw: Fairdraw) -> None:
    one, two = (Outside(f"w{i}.example.org", office) for i in (1, 2))
    done("witness", "add", "one", one.vkey, "-C", "office")
    trust = office / "trust"
    trust.write_text(trust.read_text().replace("group witnesses 1 one\nquorum witnesses", "quorum one"))
    code, told = fairdraw("witness", "add", "two", two.vkey, "-C", "office")
    assert (code, "a policy of its own (quorum one)" in told) == (2, True)


def test_one_key_under_two_names_is_refused(office: Path, done: Done, fairdraw: Fairdraw) -> None:
    vkey = Outside("w1.example.org", office).vkey
    done("witness", "add", "one", vkey, "-C", "office")
    before = (office / "trust").read_bytes()
    assert fairdraw("witness", "add", "two", vkey, "-C", "office")[0] == 2
    assert (office / "trust").read_bytes() == before


def test_an_answer_of_a_stranger_or_for_another_tree_is_refused(
    office: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path
) -> None:
    one, stranger = (Outside(f"w{i}.example.org", office) for i in (1, 2))
    done("witness", "add", "one", one.vkey, "-C", "office")
    done("log", "cosign", "export", "request", "-C", "office")
    stranger.answer(tmp_path / "request", tmp_path / "answer", 2_000_000_000)
    assert "no witness w2.example.org" in fairdraw("log", "cosign", "import", "answer", "-C", "office")[1]
    one.answer(tmp_path / "request", tmp_path / "answer", 2_000_000_000)
    bent = (tmp_path / "answer").read_text()[:-8] + "AAAAAA=\n"
    (tmp_path / "answer").write_text(bent)
    assert fairdraw("log", "cosign", "import", "answer", "-C", "office")[0] == 2
    with pytest.raises(WitnessError):
        one.answer(tmp_path / "request", tmp_path / "answer", 1_000_000_000)


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_a_log_is_verified_over_http(drawn: Path, fairdraw: Fairdraw, no_proxy: None) -> None:
    with serving(partial(Quiet, directory=str(drawn / "log"))) as url:
        words = ("verify", "office/draws/fund-1/fund-1.fairdraw.json", "--trust", "office/trust", "--log", url)
        code, told = fairdraw(*words, *AS_OF)
        assert code == 0, told
        assert fairdraw("log", "check", url, "--trust", "office/trust")[0] == 0


@pytest.mark.parametrize(
    ("status", "location", "told"),
    [(302, "http://localhost:1/checkpoint", "leads elsewhere"), (302, "/checkpoint", "leads elsewhere"),
     (500, "", "500"), (404, "", "no readable log")],
)  # fmt: skip
def test_a_web_address_that_has_no_log_is_told_and_followed_nowhere(
    drawn: Path, fairdraw: Fairdraw, no_proxy: None, status: int, location: str, told: str
) -> None:
    class Odd(Quiet):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(Odd) as url:
        words = ("verify", "office/draws/fund-1/fund-1.fairdraw.json", "--trust", "office/trust", "--log", url)
        code, said = fairdraw(*words, *AS_OF)
    assert (code, told in said) == (2, True), said


def test_a_redirect_with_an_endless_body_is_not_read(drawn: Path, fairdraw: Fairdraw, no_proxy: None) -> None:
    sent = []

    class Endless(Quiet):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            with contextlib.suppress(OSError):
                while sum(sent) < 1 << 28:
                    self.wfile.write(bytes(1 << 16))
                    sent.append(1 << 16)

    with serving(Endless) as url:
        words = ("verify", "office/draws/fund-1/fund-1.fairdraw.json", "--trust", "office/trust", "--log", url)
        code, said = fairdraw(*words, *AS_OF)
    assert (code, "leads elsewhere" in said) == (2, True), said
    assert sum(sent) < 1 << 26


def test_a_size_that_the_log_did_not_sign_is_not_believed(drawn: Path, fairdraw: Fairdraw, no_proxy: None) -> None:
    served = []

    class Huge(Quiet):
        def do_GET(self) -> None:
            served.append(self.path)
            lines = (drawn / "log" / "checkpoint").read_bytes().split(b"\n")
            body = (
                b"\n".join([lines[0], b"4611686018427387904", *lines[2:]]) if self.path == "/checkpoint" else b"\0\1x"
            )
            self.send_response(200 if self.path != "/cosigned/index" else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with serving(Huge) as url:
        words = ("verify", "office/draws/fund-1/fund-1.fairdraw.json", "--trust", "office/trust", "--log", url)
        code, said = fairdraw(*words, *AS_OF)
    assert code == 1, said
    assert len(served) < 10


def test_a_round_is_fetched_from_the_relay_that_tells_the_truth(
    drawn: Path, done: Done, fairdraw: Fairdraw, no_proxy: None
) -> None:
    known = recorded("quicknet", 32000945)
    assert known is not None

    class Relay(Quiet):
        def do_GET(self) -> None:
            number = int(self.path.rpartition("/")[2])
            body = format_pulse(replace(known, round=number))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with serving(Relay) as url:
        words = ("--relay", url, "--relay", "http://127.0.0.1:9", "-C", "office", "--timeout", "5")
        told = done("pulse", "fetch", "32000945", *words)
        assert "quicknet round 32000945, 2026-09-07 18:36:39 UTC" in told
        # The same signature under another round is a lie.
        code, told = fairdraw("pulse", "fetch", "32000950", *words)
        assert (code, f"relay {url} did not give it: signature-invalid" in told) == (2, True), told
    assert (drawn / "state" / "pulses" / "quicknet-32000945.json").exists()
    assert not (drawn / "state" / "pulses" / "quicknet-32000950.json").exists()


def test_a_log_that_nobody_serves_is_told(drawn: Path, fairdraw: Fairdraw, no_proxy: None) -> None:
    words = ("verify", "office/draws/fund-1/fund-1.fairdraw.json", "--trust", "office/trust")
    code, told = fairdraw(*words, "--log", "http://127.0.0.1:9", *AS_OF)
    assert (code, told.startswith("fairdraw: error: http://127.0.0.1:9/frozen cannot be reached")) == (2, True)
    code, told = fairdraw(*words, "--log", "nowhere", *AS_OF)
    assert (code, "there is no readable log at nowhere" in told) == (2, True)


def test_a_log_with_a_withheld_entry_does_not_verify(drawn: Path, fairdraw: Fairdraw) -> None:
    for path in list((drawn / "log" / "tile" / "entries").rglob("5")):
        path.unlink()
    words = ("verify", "office/draws/fund-1/fund-1.fairdraw.json", "--trust", "office/trust", "--log", "office/log")
    assert fairdraw(*words, *AS_OF)[0] == 1


def test_a_bundle_takes_in_the_quorum_that_came_later(
    frozen: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path
) -> None:
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    witnesses = (frozen / "witnesses").rename(tmp_path / "away")
    (frozen / "witnesses").mkdir()
    assert "run fairdraw draw fund-1 again" in done("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    words = ("verify", "office/draws/fund-1/fund-1.fairdraw.json", "--trust", "office/trust", "--log", "office/log")
    assert fairdraw(*words, *AS_OF)[0] == 1
    (frozen / "witnesses").rmdir()
    witnesses.rename(frozen / "witnesses")
    done("draw", "fund-1", "-C", "office", clock="07T18:40:00")
    assert fairdraw(*words, *AS_OF)[0] == 0


def test_an_announcement_that_no_quorum_saw_in_time_is_voided_and_announced_once_more_with_another_round(
    frozen: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path
) -> None:
    witnesses = (frozen / "witnesses").rename(tmp_path / "away")
    (frozen / "witnesses").mkdir()
    told = done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    assert "not yet witnessed: 0 of 2 have cosigned" in told
    (frozen / "witnesses").rmdir()
    witnesses.rename(frozen / "witnesses")
    code, told = fairdraw("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    assert (code, "was not witnessed by a quorum before 2026-09-07 18:35:36 UTC" in told) == (2, True)
    told = done("void", "fund-1", "--reason", "quorum-not-shown", "-C", "office", clock="07T18:40:00")
    assert "only a reason that a program can check" in told
    # In between a registry was frozen anew: the second announcement is judged by what stood at the first.
    done("freeze", "staff", "staff.csv", "-C", "office", clock="07T18:41:00")
    text = (tmp_path / "draw.toml").read_text().replace("fund-1", "again").replace("quicknet", "practice")
    text = text.replace("2026-09-07T18:36:36Z", "2026-09-07T20:00:00Z")
    (tmp_path / "more.toml").write_text(text.replace("2026-10-31", "2026-11-30"))
    code, told = fairdraw("announce", "more.toml", "-C", "office", clock="07T18:45:00")
    assert (code, "was voided too late" in told) == (2, True)
    (tmp_path / "again.toml").write_text(text)
    done("announce", "again.toml", "-C", "office", clock="07T18:45:00")
    done("pulse", "practice", "71217601", "-C", "office")
    done("draw", "again", "-C", "office", clock="07T20:00:05")
    words = ("verify", "office/draws/again/again.fairdraw.json", "--trust", "office/trust", "--log", "office/log")
    code, told = fairdraw(*words, "--as-of", "2026-09-07T21:00:00Z")
    assert code == 0, told
