"""The nginx example of docs/service.md, in a real nginx; and who may connect where others could."""

import asyncio
import json
import os
import re
import shutil
import socket
import subprocess
import time
import uuid
from pathlib import Path

import httpx
import pytest
import uvicorn
from uvicorn.server import ServerState

from fairdraw_cli.service.limits import PatientProtocol, is_expected
from support.served import PLAN, Served, make_office

DOCUMENT = (Path(__file__).parents[2] / "docs/service.md").read_text("utf-8")
PROXY = "10.0.0.5"


def documented(port: int) -> str:
    """Return the block of the document, for a service at this port."""
    [block] = re.findall(r"^    (location /fairdraw/ \{\n.*?^    \})$", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert "127.0.0.1:8060/" in block
    return block.replace("127.0.0.1:8060/", f"127.0.0.1:{port}/")


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    """A service behind nginx, and where nginx listens."""
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed")
    root = tmp_path_factory.mktemp("proxy")
    running = Served(*make_office(root), options=("--root-path", "fairdraw/", "--behind-proxy", "127.0.0.1"))
    running.start()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = " ".join(f"{kind}_temp_path {root}/{kind};" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""  # else its workers could not enter the test's folder
    (root / "nginx.conf").write_text(
        f"daemon off; pid {root}/pid; error_log {root}/error.log; worker_processes 1; {user}\nevents {{ }}\n"
        f"http {{ {places} access_log off;\nserver {{ listen 127.0.0.1:{port};\n"
        f"{documented(httpx.URL(running.url).port)}\n}}\n}}\n"
    )
    command = ["nginx", "-p", str(root), "-e", str(root / "error.log"), "-c", str(root / "nginx.conf")]
    checked = subprocess.run([*command, "-t"], check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    proxy = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(400):
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield running, f"http://127.0.0.1:{port}"
    finally:
        proxy.terminate()
        proxy.wait()
        running.stop()


def test_a_job_is_asked_for_and_followed_through_nginx(behind):
    served, base = behind
    headers = {"Authorization": f"Bearer {served.tokens['lead']}", "Idempotency-Key": str(uuid.uuid4()),
               "Content-Type": "application/json", "Fairdraw-Clock": "2026-09-07T10:00:00Z"}  # fmt: skip
    asked = httpx.post(f"{base}/fairdraw/v1/plans", content=json.dumps({"plan": PLAN}), headers=headers)
    assert asked.status_code == 202, asked.text
    location = asked.headers["location"]
    assert location.startswith("/fairdraw/v1/jobs/")
    over = httpx.get(base + location, headers={**headers, "Prefer": "wait=60"}, timeout=90)
    assert over.json()["state"] == "done", over.text
    # What holds the answer back that long must not be cut off on the way.
    assert float(re.search(r"proxy_read_timeout ([0-9]+)s;", DOCUMENT)[1]) > 60


def test_the_page_and_its_parts_are_shown_through_nginx(behind):
    _, base = behind
    page = httpx.get(f"{base}/fairdraw/docs")
    assert page.status_code == 200
    for name in re.findall(r'(?:href|src)="([a-z.]+)"', page.text):
        assert httpx.get(f"{base}/fairdraw/{name}").status_code == 200, name
    assert httpx.get(f"{base}/fairdraw/openapi.json").json()["servers"] == [{"url": "/fairdraw"}]


def test_what_is_too_large_is_told_as_a_problem_by_the_service_itself(behind):
    served, base = behind
    host, port = base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as raw:
        lines = ["POST /fairdraw/v1/registries/institutions/snapshots HTTP/1.1", "Host: x", "Content-Type: text/csv",
                 f"Authorization: Bearer {served.tokens['clerk']}", f"Idempotency-Key: {uuid.uuid4()}",
                 f"Content-Length: {(64 << 20) + 1}", "", ""]  # fmt: skip
        raw.sendall("\r\n".join(lines).encode())
        told = raw.recv(1 << 16).decode()
    assert "413" in told.split("\r\n")[0]
    assert "application/problem+json" in told


def test_nobody_gets_another_try_by_an_address_that_he_makes_up(behind):
    _, base = behind
    codes = [
        httpx.get(f"{base}/fairdraw/v1/jobs", headers={"Authorization": "Bearer x", "X-Forwarded-For": f"192.0.2.{n}"})
        .status_code for n in range(25)
    ]  # fmt: skip
    assert codes[:20] == [401] * 20
    assert 429 in codes


@pytest.mark.parametrize(
    ("peer", "expected"),
    [((PROXY, 1), True), (("127.0.0.1", 1), True), (("127.8.8.8", 1), True), (("::1", 1, 0, 0), True),
     (("10.0.0.6", 1), False), (("fe80::1%eth0", 1, 0, 2), False), (None, False), ("", False)],
)  # fmt: skip
def test_who_is_expected(peer, expected):
    assert is_expected(peer, PROXY) is expected


class _Transport(asyncio.Transport):
    """A connection of somebody's."""

    def __init__(self, peer):
        super().__init__({"peername": (peer, 4711), "sockname": ("10.0.0.1", 8060)})
        self.aborted = False

    def abort(self):
        self.aborted = True


@pytest.mark.parametrize(("proxy", "peer", "aborted"), [(PROXY, "10.0.0.6", True), (PROXY, PROXY, False),
                                                         (None, "127.0.0.1", False)])  # fmt: skip
def test_a_connection_past_the_proxy_is_cut_before_anything_is_read(proxy, peer, aborted):
    async def connect():
        config = uvicorn.Config(None, ws="none", interface="asgi3")
        config.loaded, config.loaded_app, config.ws_protocol_class = True, None, None
        protocol = PatientProtocol.behind(proxy)(config, ServerState(), {}, asyncio.get_running_loop())
        transport = _Transport(peer)
        protocol.connection_made(transport)
        timer = protocol._late
        if timer is not None:
            timer.cancel()
        return transport.aborted, timer is not None

    assert asyncio.run(connect()) == (aborted, not aborted)
