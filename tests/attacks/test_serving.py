"""Attacks on the host of a log (docs/threat-model.md, "The server itself"): to read secrets, to lock others out."""

import gzip
import re
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests
from werkzeug.test import Client

from transparency_log.encoding import MAX_INT
from transparency_log.web import MAX_HEADER, LogSite, Server

HEX = "0a" * 32
SECRET = b"the bureau's key"
LARGE = 8 << 20  # bytes: more than the kernel holds for a client that takes nothing

# Every one names the secret, or a file that is there, in a way that no log has.
PATHS = [
    "/../secret",
    "/../log/checkpoint",
    "/..%2fsecret",
    "/%2e%2e/secret",
    "/%2e%2e%2fsecret",
    "/%252e%252e/secret",
    "/..%c0%afsecret",
    "/..\\secret",
    "/..%5csecret",
    "/./checkpoint",
    "/tile/../checkpoint",
    "/tile/../../secret",
    "/tile/0/../../../secret",
    "/tile/%2e%2e/%2e%2e/secret",
    "/tile%2f..%2f..%2fsecret",
    "/tile/0/000/../../../../secret",
    "/tile//0/000",
    "/tile/0/000/",
    "/tile/0/000.p/../000",
    "/tile/00/000",
    "/tile/0/x000/000",
    "/tile/0/000.p/256",
    "/tile/0/0%300%00",
    "/tile/0/%D9%A0%D9%A0%D9%A0",
    "/cosigned/../../secret",
    "/cosigned/03",
    "/cosigned/+3",
    "/cosigned/3%0a",
    "/cosigned/.index.tmp",
    f"/artifact/{HEX.upper()}",
    f"/artifact/{HEX}/../../../secret",
    f"/artifact/{HEX}%00",
    "/artifact/../../secret",
    "/checkpoint/",
    "/checkpoint/../../secret",
    "/checkpoint%00.txt",
    "/checkpoint%0a",
    "/checkpoint%20",
    "/CHECKPOINT",
    "/.checkpoint.tmp",
    "/state/log.sqlite",
    "/etc/passwd",
    "/%2fetc%2fpasswd",
    "//etc/passwd",
    "/file:///etc/passwd",
    "file:///etc/passwd",
    "http://127.0.0.1/../secret",
    "http://127.0.0.1/etc/passwd",
    "/" + "a" * 10_000,
    "/tile/0/" + "x000/" * 2_000 + "000",
    "/" + "../" * 3_000 + "secret",
    "*",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_bytes(SECRET)
    log = tmp_path / "log"
    for path in ("checkpoint", "tile/0/000", "cosigned/3", f"artifact/{HEX}", "tile/0/.000.tmp", "cosigned/.index.tmp"):
        (log / path).parent.mkdir(parents=True, exist_ok=True)
        (log / path).write_bytes(b"public")
    (log / ".checkpoint.tmp").write_bytes(SECRET)
    (log / "state").mkdir()
    (log / "state/log.sqlite").write_bytes(SECRET)
    return log


def large(folder: Path) -> bytes:
    """Add an artifact that no kernel holds for a client, and return a request for it."""
    with (folder / f"artifact/{HEX}").open("wb") as file:
        file.truncate(LARGE)
    return request(f"/artifact/{HEX}")


def request(target: str, *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: log.example.cn", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def received(client: socket.socket) -> bytes:
    """Return all that comes until the server closes the connection, in whatever way it does."""
    client.settimeout(30)
    told = []
    with suppress(ConnectionResetError):
        told += iter(lambda: client.recv(1 << 20), b"")
    return b"".join(told)


def exchange(server: Server, sent: bytes) -> bytes:
    with socket.create_connection(server.address) as client, suppress(BrokenPipeError, ConnectionResetError):
        client.sendall(sent)
        return received(client)
    return b""


def served(server: Server) -> bool:
    with requests.get(f"{server.url}/checkpoint", timeout=30) as answer:
        return answer.content == b"public"


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


# Reading what is not public


def test_no_path_leaves_the_public_files_of_the_log(folder):
    with Server(LogSite(folder)) as server:
        for path in PATHS:
            told = exchange(server, request(path, "Connection: close"))
            assert re.match(rb"HTTP/1\.[01] (404|400) ", told), (path, told[:200])
            assert SECRET not in told, path
            assert b"public" not in told, path
        assert served(server)


@pytest.mark.parametrize("path", ["checkpoint", "frozen", "tile/0/001", "cosigned/4", "artifact/" + "0b" * 32])
def test_a_link_in_the_folder_of_the_log_publishes_nothing(folder, path):
    (folder / path).unlink(missing_ok=True)
    (folder / path).symlink_to(folder.parent / "secret")
    assert Client(LogSite(folder)).get(f"/{path}").status_code == 404


def test_a_link_to_a_folder_publishes_nothing(folder):
    outside = folder.parent / "outside"
    (outside / "2").mkdir(parents=True)
    (outside / "000").write_bytes(SECRET)
    (outside / "2/000").write_bytes(SECRET)
    (folder / "tile/1").symlink_to(outside)
    client = Client(LogSite(folder))
    assert client.get("/tile/1/000").status_code == 404
    (folder / "tile").rename(folder / "former")
    (folder / "tile").symlink_to(outside)
    assert client.get("/tile/2/000").status_code == 404


# Numbers and lengths


@pytest.mark.parametrize("length", [19, 20, 300, 5_000, 14_000])
def test_a_huge_number_in_a_path_is_not_found(folder, length):
    digits = str(MAX_INT + 1) if length == 19 else "9" * length
    groups = "/".join(f"x{digits[at : at + 3]}" for at in range(0, length - 3, 3))
    with Server(LogSite(folder)) as server:
        for path in (f"cosigned/{digits}", f"tile/{digits}/000", f"tile/0/{groups}/000", f"tile/0/000.p/{digits}"):
            told = exchange(server, request(f"/{path}", "Connection: close"))
            assert re.match(rb"HTTP/1\.[01] (404|431) ", told), path[:80]
        assert served(server)


@pytest.mark.parametrize(
    "header",
    [
        "Content-Length: " + "9" * 5000,
        "Content-Length: -1",
        "Content-Length: 1e9",
        "Content-Length: 18446744073709551616",
        "Content-Length: 1\r\nContent-Length: 2",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked, gzip",
        "Range: bytes=" + ",".join(f"{n}-" for n in range(1000)),
        "Range: bytes=0-" + "9" * 5000,
        "If-None-Match: " + ",".join(f'"{n}"' for n in range(1000)),
        "If-Modified-Since: Mon, 32 Foo 99999 99:99:99 GMT",
        "If-Modified-Since: " + "9" * 5000,
        "Accept-Encoding: gzip;q=" + "9" * 5000,
        "Accept-Encoding: " + ",".join(["gzip;q=0.1"] * 1000),
    ],
)
def test_a_header_of_a_strange_kind_stops_nobody(folder, header, caplog):
    with Server(LogSite(folder)) as server:
        told = exchange(server, request("/tile/0/000", "Connection: close", header))
        assert told == b"" or re.match(rb"HTTP/1\.[01] (200|400|413|501) ", told), told[:200]
        assert b"Traceback" not in told
        assert served(server)


def test_a_header_that_is_too_long_is_refused(folder):
    with Server(LogSite(folder)) as server:
        for sent in (
            request("/checkpoint", "X: " + "a" * MAX_HEADER),
            b"GET /" + b"a" * MAX_HEADER,
            b"\0" * MAX_HEADER,
        ):
            assert exchange(server, sent).startswith(b"HTTP/1.0 431 ")
        assert served(server)


@pytest.mark.parametrize(
    "sent",
    [
        request("/checkpoint", "Content-Length: 1", body=b"x"),
        request("/checkpoint", "Content-Length: 1000000000"),
        request("/checkpoint", "Content-Length: 1000000000", "Expect: 100-continue"),
        request("/checkpoint", "Transfer-Encoding: chunked", body=b"1\r\nx\r\n0\r\n\r\n"),
        request("/checkpoint", "Transfer-Encoding: chunked", body=b"F" * 100),
    ],
)
def test_a_body_where_none_is_wanted_is_not_even_read(folder, sent):
    with Server(LogSite(folder)) as server:
        told = exchange(server, sent)
        assert re.match(rb"HTTP/1\.[01] (413|400) ", told), told[:200]
        assert b"public" not in told
        assert served(server)


def test_a_compressed_body_is_not_unfolded():
    bodies = []

    def keep(environ, start_response):
        bodies.append(environ["wsgi.input"].read())
        start_response("200 OK", [("Content-Length", "0")])
        return []

    bomb = gzip.compress(bytes(10 << 20))
    with Server(keep, max_body=len(bomb)) as server:
        sent = request(
            "/", "Connection: close", "Content-Encoding: gzip", f"Content-Length: {len(bomb)}", method="POST", body=bomb
        )
        assert exchange(server, sent).startswith(b"HTTP/1.1 200 ")
    assert bodies == [bomb]


# Locking out


def dripping(client: socket.socket, pieces: Iterable[bytes]) -> bool:
    """Send piece after piece, and return whether the server closed the connection before the last."""
    try:
        for piece in pieces:
            client.sendall(piece)
            client.settimeout(0.05)
            with suppress(TimeoutError):
                return client.recv(1 << 16) == b""
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"", b"\r\n"),
        (b"GET /checkpoint HTTP/1.1\r\nHost: h\r\nX: ", b"a"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n", b"a"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    ],
    ids=["empty lines", "header", "body", "chunks"],
)
def test_a_request_that_drips_in_is_cut_off(folder, begin, piece):
    with Server(LogSite(folder), patience=0.3, max_body=10_000) as server:
        with socket.create_connection(server.address) as client:
            client.sendall(begin)
            assert dripping(client, [piece] * 900)
        assert served(server)


def test_a_connection_on_which_nothing_is_asked_is_closed(folder):
    with Server(LogSite(folder), patience=0.2) as server:
        with socket.create_connection(server.address) as client:
            assert received(client) == b""
        with socket.create_connection(server.address) as client:
            client.sendall(request("/checkpoint"))
            assert received(client).endswith(b"public")


@pytest.mark.parametrize("begin", [b"", b"GET /checkpoint HTTP/1.1\r\nHost: "], ids=["silent", "half a request"])
def test_clients_that_hold_every_connection_do_not_lock_out_a_normal_one(folder, begin):
    with Server(LogSite(folder), connections=5, patience=600) as server, ExitStack() as stack:
        for _ in range(30):
            client = stack.enter_context(socket.create_connection(server.address))
            client.sendall(begin)
        for _ in range(3):
            assert served(server)


def slow_taker(server: Server, sent: bytes) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(server.address)
    client.sendall(sent)
    client.settimeout(30)
    assert client.recv(12) == b"HTTP/1.1 200"
    return client


def test_clients_that_take_nothing_of_a_large_answer_do_not_lock_out_a_normal_one(folder):
    sent = large(folder)
    with Server(LogSite(folder), connections=5, patience=600, threads=2) as server, ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(slow_taker(server, sent))
        for _ in range(3):
            assert served(server)


def test_a_client_that_takes_nothing_of_a_large_answer_is_cut_off(folder):
    sent = large(folder)
    with Server(LogSite(folder), patience=0.3) as server, slow_taker(server, sent) as client:
        while server._channels:
            time.sleep(0.05)
        assert len(received(client)) < LARGE


def test_a_client_that_takes_a_large_answer_slowly_gets_all_of_it(folder):
    sent = large(folder)
    with Server(LogSite(folder), patience=1) as server, slow_taker(server, sent) as client:
        taken = 0
        for _ in range(30):  # longer than the server waits for one who takes nothing
            time.sleep(0.05)
            taken += len(client.recv(1 << 20))
        while taken < LARGE:
            data = client.recv(1 << 20)
            assert data
            taken += len(data)


def test_a_client_that_takes_a_large_answer_too_slowly_is_cut_off(folder, monkeypatch):
    monkeypatch.setattr("transparency_log.web._SLOWEST", 1 << 40)  # bytes a second: more than anybody takes
    sent = large(folder)
    with Server(LogSite(folder), patience=0.3) as server, slow_taker(server, sent) as client:
        for _ in range(20):
            time.sleep(0.05)
            client.recv(1 << 12)
        assert len(received(client)) < LARGE >> 1


def test_requests_sent_ahead_of_their_answers_get_one_answer(folder):
    sent = large(folder)
    files = open_files()
    with Server(LogSite(folder), patience=600, threads=2) as server, ExitStack() as stack:
        before = open_files()
        assert before >= files
        for _ in range(5):
            stack.enter_context(slow_taker(server, sent * 50))
        assert open_files() - before <= 5 * 3  # two ends of a connection and one file
        assert served(server)  # no thread is held
        client = stack.enter_context(slow_taker(server, sent * 50))
        told = received(client)
        assert told.count(b"HTTP/1.1 200") == 0  # but for the one that was read already
        assert b"Connection: close" in told


def test_clients_that_leave_in_the_middle_leave_nothing_behind(folder):
    sent = large(folder)
    leave: list[Callable[[Server], object]] = [
        lambda server: slow_taker(server, sent).close(),
        lambda server: socket.create_connection(server.address).close(),
        lambda server: exchange(server, request("/checkpoint", "Connection: close")),
    ]
    with Server(LogSite(folder)) as server:
        assert served(server)
        before = open_files()
        for _ in range(10):
            for one in leave:
                one(server)
        while server._channels:
            time.sleep(0.02)
        assert open_files() <= before
