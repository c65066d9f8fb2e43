"""Relays are real HTTP servers on 127.0.0.1 that answer with recorded rounds, or lie in one way each."""

import json
import ssl
import threading
import time
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from fairdraw.beacon import CHAINS, MAX_PULSE_BYTES, Pulse, check_pulse
from fairdraw.errors import BeaconError, FetchError
from fairdraw.fetch import NIST_SERVERS, RELAYS, fetch_document, fetch_pulse
from fairdraw.nist import nist_chain
from support.sources import certificate, nist_pulse

ROUNDS_FILE = Path(__file__).resolve().parents[2] / "cli/fairdraw_cli/data/rounds.json"
ROUNDS = {e["round"]: e["signature"] for e in json.loads(ROUNDS_FILE.read_text("utf-8"))["rounds"]}
QUICKNET = CHAINS["quicknet"]
DUE, LATEST, FUTURE = 32000944, 32000953, 40000000
PULSE = Pulse(chain=QUICKNET.hash, round=DUE, signature=ROUNDS[DUE])
PATIENCE = 10.0  # seconds, for answers that come at once

# What a relay does when it is asked for a round: it returns (status, body), or writes to the handler itself.


def body_of(number, **fields):
    return json.dumps({"round": number, "signature": ROUNDS.get(number, "00" * 48), **fields}).encode()


def v2(handler, number):
    """A relay of today: v2 only, 425 for a round that is not due."""
    if handler.path != f"/v2/chains/{QUICKNET.hash}/rounds/{number}":
        return 400, b"unknown path"
    return (200, body_of(number)) if number in ROUNDS else (425, b"Too Early")


def v1(handler, number):
    """An old node: v1 only, 404 for a round that is not due and for paths that it does not know."""
    if handler.path != f"/{QUICKNET.hash}/public/{number}" or number not in ROUNDS:
        return 404, b"404 page not found"
    return 200, body_of(number)


def latest(handler, number):
    return 200, body_of(LATEST)


def renumbered(handler, number):
    return 200, json.dumps({"round": number, "signature": ROUNDS[LATEST]}).encode()


def other_chain(handler, number):
    return 200, body_of(number, chain_hash=CHAINS["fastnet"].hash)


def better_randomness(handler, number):
    return 200, body_of(number, randomness="00" * 32)


def garbage(handler, number):
    return 200, b"<html>please log in</html>"


def huge(handler, number):
    handler.begin(200, length=10**12)
    while not handler.server.stopping.is_set():
        handler.wfile.write(b" " * 65536)


def huge_chunk_line(handler, number):
    handler.begin(200, chunked=True)
    while not handler.server.stopping.is_set():
        handler.wfile.write(b"0" * 65536)


def huge_redirect(handler, number):
    handler.begin(302, length=10**12, location="/elsewhere")
    while not handler.server.stopping.is_set():
        handler.wfile.write(b" " * 65536)


def slow_body(handler, number):
    handler.begin(200, length=len(body_of(number)))
    for byte in body_of(number):
        if handler.server.stopping.wait(0.1):
            break
        handler.wfile.write(bytes([byte]))


def slow_head(handler, number):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.server.stopping.wait(0.1):
        handler.wfile.write(b"x")


def chunked(handler, number):
    handler.begin(200, chunked=True)
    for byte in body_of(number):
        handler.wfile.write(b"1\r\n" + bytes([byte]) + b"\r\n")
    handler.wfile.write(b"0\r\n\r\n")


def cut_short(handler, number):
    handler.begin(200, length=len(body_of(number)))
    handler.wfile.write(body_of(number)[:-1])


def broken(handler, number):
    return 500, b""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        self.close_connection = True
        try:
            answer = self.server.behave(self, int(self.path.rpartition("/")[2]))
            if answer is not None:
                status, body = answer
                self.begin(status, length=len(body))
                self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client has had enough

    def begin(self, status, *, length=0, chunked=False, location=None):
        self.send_response(status)
        if self.headers["Connection"] == "close":  # RFC 9112 §9.6
            self.send_header("Connection", "close")
        self.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(length))))
        if location is not None:
            self.send_header("Location", location)
        self.end_headers()

    def handle(self):
        with suppress(ssl.SSLError):  # a client that does not trust us says so and goes
            super().handle()

    def log_message(self, *args):
        pass


class Relay(ThreadingHTTPServer):
    def __init__(self, behave):
        super().__init__(("127.0.0.1", 0), Handler)
        self.behave, self.seen, self.stopping = behave, [], threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.shutdown()
        self.server_close()


@pytest.fixture(autouse=True)
def _no_network_settings_of_this_machine(monkeypatch):
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "requests_ca_bundle",
        "curl_ca_bundle",
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def relay():
    with ExitStack() as stack:
        yield lambda behave: stack.enter_context(Relay(behave))


def nobody():
    """Return the URL of a port on which nobody listens."""
    with Relay(v1) as gone:
        return gone.url


def failed(code, reasons, relays, *, number=DUE, timeout=PATIENCE):
    with pytest.raises(FetchError) as caught:
        fetch_pulse(QUICKNET, number, relays, timeout=timeout)
    assert caught.value.code == code
    assert caught.value.params["reports"] == list(zip(relays, reasons, strict=True))


def test_a_round_is_fetched_from_a_relay_of_either_api_version(relay):
    for behave in (v1, v2, chunked):
        assert fetch_pulse(QUICKNET, DUE, [relay(behave).url], timeout=PATIENCE) == PULSE
    check_pulse(QUICKNET, PULSE, round=DUE)


def test_v2_is_asked_before_v1_and_v1_only_where_v2_is_unknown(relay):
    old, new = relay(v1), relay(v2)
    for server in (old, new):
        fetch_pulse(QUICKNET, DUE, [server.url], timeout=PATIENCE)
    paths = [f"/v2/chains/{QUICKNET.hash}/rounds/{DUE}", f"/{QUICKNET.hash}/public/{DUE}"]
    assert [path for path, _ in old.seen] == paths
    assert [path for path, _ in new.seen] == paths[:1]


def test_a_relay_that_drops_the_connection_of_the_first_path_unsaid_is_asked_again(relay):
    ports = []

    def forgetful(handler, number):
        ports.append(handler.client_address[1])
        if handler.path.startswith("/v2/"):
            handler.wfile.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            handler.close_connection = False  # nor does it say that it will close it
            return None
        return v1(handler, number) if ports.count(ports[-1]) == 1 else None

    assert fetch_pulse(QUICKNET, DUE, [relay(forgetful).url], timeout=PATIENCE) == PULSE
    assert ports[0] == ports[1] != ports[2]


def test_a_trailing_slash_of_a_relay_changes_nothing(relay):
    server = relay(v2)
    assert fetch_pulse(QUICKNET, DUE, [server.url + "/"], timeout=PATIENCE) == PULSE
    assert server.seen[0][0].startswith("/v2/")


def test_the_request_says_nothing_of_who_asks(relay):
    server = relay(v2)
    fetch_pulse(QUICKNET, DUE, [server.url], timeout=PATIENCE)
    headers = server.seen[0][1]
    assert headers["User-Agent"] == "fairdraw"
    assert (headers["Accept-Encoding"], headers["Connection"]) == ("identity", "close")
    assert not {"Cookie", "Authorization", "Referer"} & set(headers)


@pytest.mark.parametrize("behave", [v1, v2])
def test_a_round_that_is_not_due_is_said_to_be_not_yet(relay, behave):
    failed("not-yet", ["not-yet"], [relay(behave).url], number=FUTURE)


def test_not_yet_is_said_only_if_every_relay_says_so(relay):
    urls = [relay(v1).url, relay(v2).url]
    failed("not-yet", ["not-yet", "not-yet"], urls, number=FUTURE)
    failed("no-relay", ["not-yet", "not-yet", "status-500"], [*urls, relay(broken).url], number=FUTURE)


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (latest, "wrong-round"),
        (renumbered, "signature-invalid"),
        (other_chain, "wrong-chain"),
        (better_randomness, "wrong-randomness"),
        (garbage, "not-json"),
        (broken, "status-500"),
        (huge, "pulse-too-large"),
        (huge_redirect, "redirect"),
        (huge_chunk_line, "unreachable"),
        (cut_short, "unreachable"),
    ],
)
def test_a_bad_relay_is_reported_and_a_good_one_is_believed_instead(relay, behave, reason):
    bad = relay(behave)
    failed("no-relay", [reason], [bad.url])
    heard = []
    held_back = threading.Event()

    def good(handler, number):
        held_back.wait(PATIENCE)
        return v2(handler, number)

    def report(url, reason):
        heard.append((url, reason))
        held_back.set()

    pulse = fetch_pulse(QUICKNET, DUE, [bad.url, relay(good).url], timeout=PATIENCE, report=report)
    assert pulse == PULSE
    assert heard == [(bad.url, reason)]


def test_a_relay_that_lied_on_one_path_is_not_asked_on_the_other(relay):
    server = relay(latest)
    failed("no-relay", ["wrong-round"], [server.url])
    assert len(server.seen) == 1


def test_no_more_of_a_huge_body_is_read_than_shows_that_it_is_huge(relay):
    sent = []

    def counted(handler, number):
        handler.begin(200, length=10**12)
        try:
            while not handler.server.stopping.is_set():
                handler.wfile.write(b" " * 65536)
                sent.append(65536)
        finally:
            handler.server.stopping.set()

    server = relay(counted)
    failed("no-relay", ["pulse-too-large"], [server.url])
    assert server.stopping.wait(PATIENCE)  # the connection was closed
    assert MAX_PULSE_BYTES < 65536
    assert sum(sent) < 32 * 2**20  # what the sockets of both sides can hold, and no more


def test_a_redirect_is_not_followed(relay):
    target = relay(v2)

    def redirect(handler, number):
        handler.begin(302, location=target.url + handler.path)

    failed("no-relay", ["redirect"], [relay(redirect).url])
    assert target.seen == []


def test_a_relay_where_nobody_listens_is_unreachable(relay):
    failed("no-relay", ["unreachable"], [nobody()])
    assert fetch_pulse(QUICKNET, DUE, [nobody(), relay(v1).url], timeout=PATIENCE) == PULSE


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1", "http://", ""])
def test_a_relay_that_is_no_address_is_unreachable(url):
    failed("no-relay", ["unreachable"], [url])


def test_without_relays_there_is_no_relay_and_not_a_not_yet():
    failed("no-relay", [], [])


@pytest.mark.parametrize("behave", [slow_body, slow_head])
def test_a_relay_that_drips_its_answer_does_not_hold_the_caller_beyond_the_timeout(relay, behave):
    begun = time.monotonic()
    failed("no-relay", ["timeout"], [relay(behave).url], timeout=0.4)
    assert time.monotonic() - begun < 2


def test_a_relay_that_drips_its_answer_is_hung_up_on_at_the_deadline(relay):
    hung_up = threading.Event()

    def endless(handler, number):
        handler.begin(200, length=MAX_PULSE_BYTES)
        try:
            while not handler.server.stopping.wait(0.02):
                handler.wfile.write(b" ")
        except OSError:
            hung_up.set()

    failed("no-relay", ["timeout"], [relay(endless).url], timeout=0.2)
    assert hung_up.wait(5)


@pytest.mark.parametrize("behave", [slow_body, slow_head])
def test_the_first_verified_answer_is_returned_without_waiting_for_the_slow(relay, behave):
    begun = time.monotonic()
    assert fetch_pulse(QUICKNET, DUE, [relay(behave).url, relay(v2).url], timeout=3) == PULSE
    assert time.monotonic() - begun < 2


def test_round_0_is_refused_before_any_relay_is_asked(relay):
    server = relay(latest)
    with pytest.raises(BeaconError) as caught:
        fetch_pulse(QUICKNET, 0, [server.url], timeout=PATIENCE)
    assert caught.value.code == "round-out-of-range"
    assert server.seen == []


def test_a_proxy_of_the_environment_is_used(relay, monkeypatch):
    def proxy(handler, number):
        # A proxy is asked for the whole address (RFC 9112 §3.2.2).
        assert handler.path == f"http://relay.invalid/v2/chains/{QUICKNET.hash}/rounds/{number}"
        return 200, body_of(number)

    server = relay(proxy)
    monkeypatch.setenv("http_proxy", server.url)
    assert fetch_pulse(QUICKNET, DUE, ["http://relay.invalid"], timeout=PATIENCE) == PULSE
    assert len(server.seen) == 1


def test_a_session_of_the_caller_is_used_for_every_relay(relay):
    servers = [relay(v1), relay(v2)]
    with requests.Session() as session:
        session.headers["X-Bureau"] = "test"
        for server in servers:
            assert fetch_pulse(QUICKNET, DUE, [server.url], timeout=PATIENCE, session=session) == PULSE
    assert all(headers["X-Bureau"] == "test" for server in servers for _, headers in server.seen)


def test_a_certificate_that_the_environment_does_not_trust_makes_a_relay_unreachable(relay, tmp_path, monkeypatch):
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "relay")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "relay.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = relay(v2)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    url = server.url.replace("http:", "https:")
    failed("no-relay", ["unreachable"], [url])
    assert server.seen == []
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))  # whoever trusts it can read the same relay
    assert fetch_pulse(QUICKNET, DUE, [url], timeout=PATIENCE) == PULSE


def test_the_public_relays_are_asked_over_tls():
    assert len(RELAYS) == len(set(RELAYS)) == 5
    assert all(relay.startswith("https://") for relay in (*RELAYS, *NIST_SERVERS))


# -- NIST-format pulses ----------------------------------------------------------------------------------------------

NIST = nist_chain(certificate(), id="nist", chain_index=2)
MINUTE = 29_813_000


def beacon(handler, milliseconds):
    """A server of format 2.0, which knows one minute."""
    if handler.path != f"/beacon/2.0/pulse/time/{milliseconds}" or milliseconds != MINUTE * 60_000:
        return 404, b"not found"
    return 200, nist_pulse(MINUTE).format()


def nearest(handler, milliseconds):
    return 200, nist_pulse(MINUTE + 1).format()


def altered(handler, milliseconds):
    return 200, nist_pulse(MINUTE).format().replace(b'"pulse_index":29813000', b'"pulse_index":29813001')


def fetched(servers, *, number=MINUTE, **options):
    return fetch_document(NIST, number, certificate(), servers, timeout=PATIENCE, **options)


def test_a_nist_format_pulse_is_fetched_and_the_first_server_that_verifies_is_believed(relay):
    heard = []
    servers = [relay(nearest).url, relay(altered).url, relay(beacon).url + "/", relay(garbage).url]
    assert fetched(servers, report=lambda server, reason: heard.append(reason)) == nist_pulse(MINUTE).format()
    assert heard == ["wrong-round", "signature-invalid"]


@pytest.mark.parametrize(
    ("behave", "reason"),
    [(garbage, "not-json"), (huge, "pulse-too-large"), (huge_redirect, "redirect"), (v2, "status-400")],
)
def test_a_server_that_gives_no_nist_format_pulse_is_reported(relay, behave, reason):
    server = relay(behave).url
    with pytest.raises(FetchError) as caught:
        fetched([server])
    assert (caught.value.code, caught.value.params["reports"]) == ("no-relay", [(server, reason)])


def test_a_minute_that_no_server_has_is_said_to_be_not_yet(relay):
    with pytest.raises(FetchError, match="not-yet"):
        fetched([relay(beacon).url], number=MINUTE + 5)
    with pytest.raises(FetchError, match="unreachable"):
        fetched([nobody()])
    with pytest.raises(BeaconError, match="not-a-nist-chain"):
        fetch_document(QUICKNET, DUE, certificate(), [], timeout=PATIENCE)
