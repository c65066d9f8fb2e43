"""A log's files over HTTP, as C2SP tlog-tiles wants them, and the server that they are sent by."""

import gzip
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from werkzeug.test import Client, EnvironBuilder, TestResponse

from transparency_log import web
from transparency_log.web import LogSite, Server

ARTIFACT = "artifact/" + "0a" * 32
LARGE = "artifact/" + "0b" * 32
FILES = {
    "checkpoint": b"log.example.cn/test\n3\nAAAA\n",
    "frozen": b"frozen/v1\nlog.example.cn/test\n3\nAAAA\n",
    "cosigned/index": b"\n".join(b"%d" % size for size in range(1000)) + b"\n",
    "cosigned/3": b"log.example.cn/test\n3\nAAAA\n",
    "tile/0/000": bytes(range(256)) * 32,
    "tile/0/x001/234.p/7": bytes(7 * 32),
    "tile/entries/000": b"\x00\x05entry" * 500,
    "tile/entries/001.p/2": b"\x00\x05entry" * 2,
    ARTIFACT: b'{"no":"H-0001"}\n' * 500,
    LARGE: b"0123456789abcdef" * (1 << 17),
}
TEXT = ("text/plain; charset=utf-8", "public, max-age=5")
TILE = ("application/octet-stream", "public, max-age=31536000, immutable")
KINDS = {
    "checkpoint": TEXT,
    "frozen": TEXT,
    "cosigned/index": TEXT,
    "cosigned/3": TEXT,
    "tile/0/000": TILE,
    "tile/0/x001/234.p/7": TILE,
    "tile/entries/000": TILE,
    "tile/entries/001.p/2": TILE,
    ARTIFACT: ("application/octet-stream", "public, max-age=3600"),
    LARGE: ("application/octet-stream", "public, max-age=3600"),
}
COMPRESSED = {"cosigned/index", "tile/entries/000", ARTIFACT}
GZIP = {"Accept-Encoding": "gzip, deflate"}

Ask = Callable[..., TestResponse]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, data in FILES.items():
        target = tmp_path / "log" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return tmp_path / "log"


@pytest.fixture
def get(folder: Path) -> Iterator[Ask]:
    """Ask for a path, without a socket in between."""
    client = Client(LogSite(folder))
    answers = []

    def ask(path: str, method: str = "GET", **headers: str) -> TestResponse:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        answers.append(client.open(f"/{path}", method=method, headers=told))
        return answers[-1]

    yield ask
    for answer in answers:
        answer.close()


# What is sent


@pytest.mark.parametrize("path", FILES)
def test_a_file_is_sent_with_its_type_and_its_age(get, path):
    answer = get(path)
    assert (answer.status_code, answer.data) == (200, FILES[path])
    assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == KINDS[path]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["ETag"][0] + answer.headers["ETag"][-1] == '""'
    assert "Content-Encoding" not in answer.headers
    assert int(answer.headers["Content-Length"]) == len(FILES[path])


@pytest.mark.parametrize("path", FILES)
def test_gzip_is_sent_to_who_takes_it_and_where_it_pays(get, path):
    plain, answer = get(path), get(path, **GZIP)
    assert (answer.headers.get("Content-Encoding") == "gzip") == (path in COMPRESSED)
    if path in COMPRESSED:
        assert gzip.decompress(answer.data) == FILES[path]
        assert len(answer.data) < len(FILES[path])
        assert answer.headers["ETag"] != plain.headers["ETag"]
    else:
        assert answer.data == FILES[path]
    # Whatever was sent this time, a cache must not hand it to those who asked otherwise.
    wanted = "Accept-Encoding" if path in COMPRESSED else None
    assert plain.headers.get("Vary") == answer.headers.get("Vary") == wanted


@pytest.mark.parametrize(
    ("accepted", "sent"), [("gzip;q=0", False), ("identity", False), ("br", False), ("*", True), ("gzip;q=0.1", True)]
)
def test_gzip_is_sent_as_it_was_negotiated(get, accepted, sent):
    assert ("Content-Encoding" in get("tile/entries/000", Accept_Encoding=accepted).headers) is sent


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("headers", [{}, GZIP])
def test_head_tells_what_get_would_and_sends_no_body(get, path, headers):
    told, sent = get(path, method="HEAD", **headers), get(path, **headers)
    assert told.data == b""
    assert {**told.headers, "Date": ""} == {**sent.headers, "Date": ""}


def test_a_part_of_a_file_is_not_to_be_had_and_the_whole_is_sent(get):
    answer = get("tile/0/000", Range="bytes=0-31")
    assert (answer.status_code, answer.data) == (200, FILES["tile/0/000"])
    assert "Accept-Ranges" not in answer.headers


def test_a_large_file_is_handed_on_unread(folder):
    handed = []

    class Wrapper:
        def __init__(self, file, size):
            handed.append(file)
            self.file = file

        def __iter__(self):
            return iter([])

        def close(self):
            self.file.close()

    environ = EnvironBuilder(f"/{LARGE}", headers=GZIP).get_environ()
    environ["wsgi.file_wrapper"] = Wrapper
    sent = LogSite(folder)(environ, lambda *_: lambda _: None)
    assert isinstance(sent, Wrapper)
    assert handed[0].tell() == 0
    sent.close()


def test_a_file_that_is_written_later_is_there_when_it_is_asked_for_again(folder, get):
    missing = get("tile/0/001")
    assert (missing.status_code, missing.headers["Cache-Control"]) == (404, "no-store")
    (folder / "tile/0/001").write_bytes(b"now")
    assert get("tile/0/001").data == b"now"


# Asking again


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("headers", [{}, GZIP])
def test_who_has_a_file_is_not_sent_it_again(get, path, headers):
    tag = get(path, **headers).headers["ETag"]
    for spelled in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = get(path, If_None_Match=spelled, **headers)
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == tag
        assert again.headers["Cache-Control"] == KINDS[path][1]
        assert again.headers["Access-Control-Allow-Origin"] == "*"
    assert get(path, If_None_Match='"other"', **headers).status_code == 200


def test_a_checkpoint_of_the_same_second_and_length_is_another(folder, get):
    path = folder / "checkpoint"
    before = path.stat()
    tag = get("checkpoint").headers["ETag"]
    path.write_bytes(FILES["checkpoint"].replace(b"3", b"4"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    again = get("checkpoint", If_None_Match=tag, If_Modified_Since="Fri, 31 Dec 2099 00:00:00 GMT")
    assert (again.status_code, again.data) == (200, path.read_bytes())


def test_no_date_says_that_a_file_that_is_replaced_is_still_the_same(get):
    for path in ("checkpoint", "frozen", "cosigned/index", "cosigned/3"):
        assert "Last-Modified" not in get(path).headers
        assert get(path, If_Modified_Since="Fri, 31 Dec 2099 00:00:00 GMT").status_code == 200


def test_a_tile_that_was_not_modified_is_not_sent_again(get):
    answer = get("tile/0/000")
    date = answer.headers["Last-Modified"]
    assert get("tile/0/000", If_Modified_Since=date).status_code == 304
    assert get("tile/0/000", If_Modified_Since="Thu, 01 Jan 1970 00:00:00 GMT").status_code == 200


def test_a_tile_that_was_damaged_and_restored_reaches_who_had_the_damaged_one(folder, get):
    path = folder / "tile/0/000"
    path.write_bytes(bytes(8192))
    tag = get("tile/0/000").headers["ETag"]
    path.write_bytes(FILES["tile/0/000"])
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))  # the clock of a file system may tick slowly
    assert get("tile/0/000", If_None_Match=tag).data == FILES["tile/0/000"]


# What is refused


@pytest.mark.parametrize("path", ["", "index.html", "tile", "tile/", "tile/0", "cosigned", "artifact", "artifact/0a"])
def test_what_no_log_has_is_not_found(get, path):
    answer = get(path)
    assert (answer.status_code, answer.data) == (404, b"not found\n")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "ETag" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND"])
def test_nothing_but_reading_is_allowed(get, method):
    for path in ("checkpoint", "nowhere"):
        answer = get(path, method=method)
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_a_page_of_another_origin_may_ask_whether_it_may_ask(get):
    answer = get("checkpoint", method="OPTIONS", Origin="https://example.org", Access_Control_Request_Method="GET")
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert answer.headers["Access-Control-Allow-Headers"] == "*"


def test_a_folder_or_a_pipe_in_the_place_of_a_file_is_not_found(folder, get):
    (folder / "tile/0/002").mkdir()
    os.mkfifo(folder / "tile/0/003")
    (folder / "frozen").unlink()
    (folder / "frozen").mkdir()
    assert [get(path).status_code for path in ("tile/0/002", "tile/0/003", "frozen")] == [404, 404, 404]


def test_a_folder_that_is_missing_is_a_fault_of_the_server_and_told_as_one(tmp_path, caplog):
    answer = Client(LogSite(tmp_path / "none")).get("/checkpoint")
    assert (answer.status_code, answer.data) == (503, b"temporarily unavailable\n")
    assert (answer.headers["Cache-Control"], answer.headers["Retry-After"]) == ("no-store", "10")
    assert "cannot read checkpoint" in caplog.text


def test_a_disk_that_cannot_be_read_is_told_without_its_paths(get, monkeypatch, caplog):
    class Broken:
        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def read(self):
            raise OSError(5, "Input/output error", "/srv/private/log")

    fdopen = os.fdopen
    monkeypatch.setattr(web.os, "fdopen", lambda *args: Broken(fdopen(*args)))
    answer = get("checkpoint")
    assert (answer.status_code, answer.data) == (503, b"temporarily unavailable\n")
    assert "/srv/private/log" in caplog.text


# The server


def hello(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def open_files() -> set[str]:
    told = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            told.add(str(descriptor.readlink()))
    return told


@pytest.mark.parametrize("path", FILES)
def test_the_server_sends_every_file(folder, path):
    with Server(LogSite(folder)) as server, requests.get(f"{server.url}/{path}", timeout=20) as answer:
        assert answer.content == FILES[path]  # requests asks for gzip and undoes it
        assert (answer.headers.get("Content-Encoding") == "gzip") == (path in COMPRESSED)
        assert "Server" not in answer.headers


def test_one_connection_serves_many_requests(folder):
    with Server(LogSite(folder)) as server, requests.Session() as session:
        for _ in range(3):
            for path, data in FILES.items():
                with session.get(f"{server.url}/{path}", timeout=20) as answer:
                    assert answer.content == data
                with session.head(f"{server.url}/{path}", timeout=20) as answer:
                    assert answer.status_code == 200
        assert len(server._channels) == 1


def test_neither_threads_nor_files_are_left_behind(folder):
    threads, files = set(threading.enumerate()), open_files()
    with Server(LogSite(folder)) as server:
        requests.get(f"{server.url}/{LARGE}", timeout=20).close()
        idle = socket.create_connection(server.address)
        idle.sendall(b"HEAD /checkpoint HTTP/1.1\r\nHost: h\r\n\r\n")
        assert idle.recv(1 << 16).startswith(b"HTTP/1.1 200 ")  # else it may not be accepted yet, and be reset
    with idle:
        assert idle.recv(1) == b""
    for thread in set(threading.enumerate()) - threads:
        thread.join(20)
        assert not thread.is_alive()
    assert open_files() <= files
    with pytest.raises(ConnectionRefusedError), socket.create_connection(server.address):
        pass


def test_a_request_under_way_is_finished_when_the_server_stops():
    begun, go_on = threading.Event(), threading.Event()

    def slow(environ, start_response):
        begun.set()
        assert go_on.wait(20)
        start_response("200 OK", [("Content-Length", "4")])
        return [b"done"]

    server = Server(slow)
    running = threading.Thread(target=server.run)
    running.start()
    with socket.create_connection(server.address) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert begun.wait(20)
        server.stop()
        while _accepts(server.address):
            time.sleep(0.01)
        go_on.set()
        received = b"".join(iter(lambda: client.recv(1 << 16), b""))
    running.join(20)
    assert received.endswith(b"\r\n\r\ndone")


def _accepts(address: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(address):
            return True
    except (ConnectionRefusedError, ConnectionResetError):
        return False


def test_a_request_that_does_not_end_does_not_keep_the_server_from_stopping(folder):
    with Server(LogSite(folder), grace=0.2) as server, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(server.address)
        client.sendall(f"GET /{LARGE} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        assert client.recv(12) == b"HTTP/1.1 200"
        server.stop()
        server._thread.join(20)
        assert not server._thread.is_alive()


def test_a_server_that_was_told_to_stop_before_it_ran_does_not_run():
    server = Server(hello)
    server.stop()
    server.run()


def test_a_signal_stops_the_server_that_runs_in_the_first_thread():
    server = Server(hello)
    before = signal.signal(signal.SIGUSR1, lambda *_: server.stop())
    try:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        server.run()
    finally:
        signal.signal(signal.SIGUSR1, before)
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(20)


def test_an_address_that_is_taken_is_an_error():
    with Server(hello) as server, pytest.raises(OSError, match="in use"):
        Server(hello, port=server.address[1])


def test_an_address_with_colons_stands_in_brackets():
    with Server(hello) as server:
        assert server.url == f"http://127.0.0.1:{server.address[1]}"
        server.address = ("::1", 8000)
        assert server.url == "http://[::1]:8000"


@pytest.mark.parametrize("limit", [0, 10])
def test_a_body_may_be_as_long_as_allowed_and_no_longer(limit):
    with Server(hello, max_body=limit) as server:
        for length, status in ((limit, 200), (limit + 1, 413)):
            with requests.post(server.url, data=b"x" * length, timeout=20) as answer:
                assert answer.status_code == status
                assert status != 200 or answer.content == b"x" * length


def test_an_app_that_fails_is_told_as_such_and_says_nothing_about_itself(caplog):
    def broken(environ, start_response):
        raise RuntimeError("a secret")

    with Server(broken) as server, requests.get(server.url, timeout=20) as answer:
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text
    assert "a secret" in caplog.text
