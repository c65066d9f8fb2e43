"""`log serve`: the log over HTTP until somebody stops it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from fairdraw.errors import WorkspaceError
from fairdraw_cli.listening import answer_until_stopped, parse_address
from fairdraw_cli.session import Session
from transparency_log.web import Server

Fairdraw = Callable[..., tuple[int, str]]


@pytest.fixture
def office(fairdraw: Fairdraw, tmp_path: Path) -> Path:
    code, told = fairdraw("init", "office", "--rehearsal", "--bureau", "b.example.cn", "--origin", "log.example.cn/b")
    assert code == 0, told
    return tmp_path / "office"


@contextmanager
def serving(*words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "fairdraw_cli.main", "log", "serve", "--listen", "127.0.0.1:0", *words]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", env=environment
    ) as running:
        try:
            yield running
        finally:
            running.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_log_is_served_until_a_signal_says_stop(office, number):
    with serving("-C", str(office)) as running:
        line = running.stdout.readline()
        assert line.startswith("listening at http://127.0.0.1:")
        url = line.split()[-1]
        with requests.get(f"{url}/checkpoint", timeout=20) as answer:
            assert answer.content == (office / "log/checkpoint").read_bytes()
        for path in ("fairdraw.toml", "../fairdraw.toml", "keys/log.key", "state/log.sqlite"):
            with requests.get(f"{url}/{path}", timeout=20) as answer:
                assert answer.status_code == 404
        running.send_signal(number)
        rest, error = running.communicate(timeout=60)
        assert (running.returncode, rest, error) == (0, "stopped\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_means_what_it_meant_before_once_the_server_has_stopped(office, fairdraw, monkeypatch, number):
    run, before = Server.run, [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)]

    def signalled(server):
        os.kill(os.getpid(), number)
        run(server)

    monkeypatch.setattr(Server, "run", signalled)
    code, told = fairdraw("log", "serve", str(office), "--listen", "127.0.0.1:0")
    assert (code, told.split()[-1]) == (0, "stopped")
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)] == before


def test_a_program_reads_the_address_as_json(office):
    with serving("--json", str(office / "log")) as running:
        url = json.loads(running.stdout.readline())["url"]
        with requests.get(f"{url}/checkpoint", timeout=20) as answer:
            assert answer.status_code == 200
        running.terminate()
        assert running.communicate(timeout=60)[0] == ""


def test_the_address_is_told_in_chinese(office):
    with serving("--lang", "zh", str(office)) as running:
        assert running.stdout.readline().startswith("正在监听 http://127.0.0.1:")
        running.terminate()
        assert running.communicate(timeout=60)[0] == "已停止\n"


def test_a_log_is_read_with_log_serve_as_from_its_folder(office, fairdraw):
    with serving(str(office)) as running:
        url = running.stdout.readline().split()[-1]
        here = fairdraw("log", "checkpoint", "-C", str(office))
        assert fairdraw("log", "checkpoint", "--log", url, "--trust", str(office / "trust")) == here


def test_an_address_that_is_taken_is_told_in_one_line(office, fairdraw):
    with Server(lambda *_: []) as other:
        listen = f"127.0.0.1:{other.address[1]}"
        code, told = fairdraw("log", "serve", str(office), "--listen", listen)
        assert (code, told) == (2, f"fairdraw: error: cannot listen at {listen}: another program listens there\n")
        code, told = fairdraw("log", "serve", str(office), "--listen", listen, "--lang", "zh")
        assert (code, told) == (2, f"fairdraw: error: 不能在 {listen} 上监听：该地址已有其他程序在监听\n")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermissionError(13, "Permission denied"), "address-forbidden"),
        (OSError(99, "Cannot assign requested address"), "address-not-here"),
        (OSError(-2, "Name or service not known"), "address-not-here"),
        (OSError(24, "Too many open files"), "Too many open files"),
        (UnicodeError("label too long"), "label too long"),
    ],
)
def test_why_an_address_cannot_be_listened_on_is_told(monkeypatch, error, reason):
    def refuse(*_args, **_limits):
        raise error

    monkeypatch.setattr("transparency_log.web.Server", refuse)
    with pytest.raises(WorkspaceError) as told:
        answer_until_stopped(Session(), lambda *_: [], "127.0.0.1:80")
    assert (told.value.code, told.value.params) == ("cannot-listen", {"found": "127.0.0.1:80", "reason": reason})


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:65535", ("::1", 65535)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),  # noqa: S104
    ],
)
def test_an_address_is_a_host_and_a_port(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8000",
        ":8000",
        "localhost",
        "localhost:",
        "localhost:65536",
        "::1:80",
        "[::1]",
        "a b:80",
        "a:８０",
        "http://a:80",
    ],
)
def test_what_is_no_address_is_refused(office, fairdraw, text):
    code, told = fairdraw("log", "serve", str(office), "--listen", text)
    assert (code, told) == (2, f"fairdraw: error: {text} is not an address: expected HOST:PORT\n")


def test_a_folder_without_a_log_is_not_served(fairdraw, tmp_path):
    assert fairdraw("log", "serve", str(tmp_path))[0] == 2
    assert fairdraw("log", "serve", "")[0] == 2
    code, told = fairdraw("log", "serve")
    assert (code, "is not a workspace" in told) == (2, True)
