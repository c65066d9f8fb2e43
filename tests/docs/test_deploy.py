"""docs/deploy as it stands there: the nginx configuration in a real nginx, the units before systemd, the S3 script."""

import datetime
import ipaddress
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import pytest
from werkzeug.test import Client

from transparency_log.web import LogSite, Server

DEPLOY = Path(__file__).parents[2] / "docs/deploy"
UNITS = sorted(path.name for pattern in ("*.service", "*.timer") for path in DEPLOY.glob(pattern))
HEX = "0a" * 32
FILES = {
    "checkpoint": b"log.example.cn/test\n3\nAAAA\n",
    "frozen": b"frozen/v1\nlog.example.cn/test\n3\nAAAA\n",
    "cosigned/index": b"\n".join(b"%d" % size for size in range(1000)) + b"\n",
    "cosigned/3": b"log.example.cn/test\n3\nAAAA\n",
    "tile/0/000": bytes(range(256)) * 32,
    "tile/63/000": bytes(32),
    "tile/0/x001/234.p/7": bytes(7 * 32),
    "tile/entries/000": b"\x00\x05entry" * 500,
    "tile/entries/001.p/2": b"\x00\x05entry" * 2,
    f"artifact/{HEX}": b'{"no":"H-0001"}\n' * 500,
}
ABSENT = [
    "",
    "secret",
    "..%2fsecret",
    "%2e%2e/secret",
    "tile/..%2f..%2fsecret",
    ".checkpoint.tmp",
    "state/log.sqlite",
    "checkpoint/",
    "checkpoint%00",
    "checkpoint%0a",
    "cosigned",
    "cosigned/",
    "cosigned/03",
    "cosigned/99999999999999999999",
    "tile/",
    "tile/0/",
    "tile/0/001",
    "tile/64/000",
    "tile/00/000",
    "tile/0/000/",
    "tile/0/000.p/0",
    "tile/0/001.p/7",
    "tile/0/999",
    "artifact/",
    f"artifact/{HEX.upper()}",
    "artifact/" + "0b" * 32,
    ".options",
]
SAME = ("content-type", "cache-control", "access-control-allow-origin", "access-control-expose-headers",
        "x-content-type-options", "vary", "content-encoding")  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("deploy")
    for path, data in FILES.items():
        target = root / "log" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    for path in ("secret", "log/.checkpoint.tmp", "log/state/log.sqlite"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(b"secret")
    (root / "log/tile/0/999").symlink_to(root / "secret")
    return root / "log"


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "log.example.cn")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(),
                                   now - datetime.timedelta(days=1), now + datetime.timedelta(days=1))  # fmt: skip
    signed = made.add_extension(address, critical=False).sign(key, hashes.SHA256())
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return paths


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


Answer = tuple[int, dict[str, str], bytes]


class Nginx:
    """The documented configuration, with places of this machine in it and nothing else changed."""

    def __init__(self, root: Path, log: Path, upstream: int) -> None:
        self.plain, self.port = free_ports(2)
        pem, key = certificate(root)
        site = (DEPLOY / "nginx.conf").read_text("utf-8")
        for documented, here in (
            ("    listen 80;\n    listen [::]:80;\n", f"    listen 127.0.0.1:{self.plain};\n"),
            ("    listen [::]:443 ssl http2;\n", ""),
            ("    listen 443 ssl", f"    listen 127.0.0.1:{self.port} ssl"),
            ("/etc/ssl/certs/log.example.cn.pem", str(pem)),
            ("/etc/ssl/private/log.example.cn.key", str(key)),
            ("/etc/ssl/certs/witness.example.cn.pem", str(pem)),
            ("/etc/ssl/private/witness.example.cn.key", str(key)),
            ("/var/lib/fairdraw/office/log", str(log)),
            ("127.0.0.1:8001", f"127.0.0.1:{upstream}"),
        ):  # fmt: skip
            assert documented in site
            site = site.replace(documented, here)
        (root / "site.conf").write_text(site, "utf-8")
        places = [f"{kind}_temp_path {root}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")]
        user = "user root;" if os.geteuid() == 0 else ""  # else its workers could not enter the test's folder
        (root / "nginx.conf").write_text(
            f"daemon off; pid {root}/pid; error_log {root}/error.log; worker_processes 1; {user}\nevents {{ }}\n"
            f"http {{ {' '.join(places)} include {root}/site.conf; }}\n"
        )
        self.command = ["nginx", "-p", str(root), "-e", str(root / "error.log"), "-c", str(root / "nginx.conf")]
        self.tls = ssl.create_default_context(cafile=str(pem))

    def ask(self, target: str, *, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        link = HTTPSConnection("127.0.0.1", self.port, timeout=20, context=self.tls)
        try:
            link.request(method, target, body, told)
            answer = link.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            link.close()


def witness(environ, start_response):
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", "7")])
    return [b"witness"]


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Nginx]:
    if not shutil.which("nginx"):
        pytest.skip("nginx is not installed")
    with Server(witness, max_body=1 << 20) as upstream:
        made = Nginx(tmp_path_factory.mktemp("nginx"), folder, upstream.address[1])
        checked = subprocess.run([*made.command, "-t"], check=False, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
        assert "[warn]" not in checked.stderr
        running = subprocess.Popen(made.command, stderr=subprocess.PIPE)
        try:
            for _ in range(200):
                with socket.socket() as trial:
                    if trial.connect_ex(("127.0.0.1", made.port)) == 0:
                        break
                time.sleep(0.05)
            yield made
        finally:
            running.terminate()
            running.communicate(timeout=20)


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_nginx_and_log_serve_answer_alike(nginx, folder, path, encoding):
    status, headers, body = nginx.ask(f"/{path}", Accept_Encoding=encoding)
    with Client(LogSite(folder)).get(f"/{path}", headers={"Accept-Encoding": encoding}) as ours:
        assert status == ours.status_code == 200
        assert {name: headers.get(name) for name in SAME} == {name: ours.headers.get(name) for name in SAME}
        assert encoding == "gzip" or body == ours.data == FILES[path]
    assert nginx.ask(f"/{path}", method="HEAD")[0] == 200


@pytest.mark.parametrize("path", ABSENT)
def test_nginx_and_log_serve_refuse_alike(nginx, folder, path):
    status, headers, body = nginx.ask(f"/{path}")
    assert status in {400, 403, 404}
    assert b"secret" not in body
    assert headers.get("cache-control", "no-store") == "no-store"
    with Client(LogSite(folder)).get(f"/{path}") as ours:
        assert ours.status_code == 404


def test_nginx_lets_pages_of_other_origins_ask_and_nobody_write(nginx):
    status, headers, _ = nginx.ask("/checkpoint", method="OPTIONS", Origin="https://example.org")
    assert (status, headers["access-control-allow-methods"]) == (204, "GET, HEAD, OPTIONS")
    assert headers["access-control-allow-origin"] == "*"
    for method in ("POST", "PUT", "DELETE", "PROPFIND"):
        assert nginx.ask("/checkpoint", method=method)[0] == 405
    assert nginx.ask("/checkpoint", method="POST", body=b"x" * 10)[0] in {405, 413}


def test_a_checkpoint_is_never_said_to_be_unchanged_by_nginx(nginx):
    headers = nginx.ask("/checkpoint")[1]
    again = nginx.ask("/checkpoint", If_Modified_Since=headers["last-modified"])
    assert (again[0], again[2]) == (200, FILES["checkpoint"])
    headers = nginx.ask("/tile/0/000")[1]
    assert nginx.ask("/tile/0/000", If_None_Match=headers["etag"])[0] == 304


def test_nginx_sends_plain_requests_to_tls(nginx):
    link = HTTPConnection("127.0.0.1", nginx.plain, timeout=20)
    try:
        link.request("GET", "/checkpoint", headers={"Host": "log.example.cn"})
        answer = link.getresponse()
        assert (answer.status, answer.headers["Location"]) == (301, "https://log.example.cn/checkpoint")
    finally:
        link.close()


def test_nginx_hands_a_witness_what_is_for_it_and_no_more(nginx):
    host = {"Host": "witness.example.cn"}
    assert nginx.ask("/add-checkpoint", method="POST", body=b"x" * 1000, **host)[::2] == (200, b"witness")
    assert nginx.ask(f"/{HEX}/checkpoint", **host)[::2] == (200, b"witness")
    assert nginx.ask("/add-checkpoint", method="POST", body=b"x" * (128 << 10), **host)[0] == 200
    assert nginx.ask("/add-checkpoint", method="POST", body=b"x" * ((128 << 10) + 1), **host)[0] == 413
    for path in ("/", "/checkpoint", "/add-checkpoint/", "/state", f"/{HEX}/", f"/{HEX}/checkpoint/x"):
        assert nginx.ask(path, **host)[0] == 404


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_finds_no_fault_with_the_units(tmp_path):
    program = Path(sys.executable).with_name("fairdraw")
    for name in UNITS:
        text = (DEPLOY / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace("/opt/fairdraw/bin/fairdraw", str(program)), "utf-8")
    assert len(UNITS) == 4
    done = subprocess.run(
        ["systemd-analyze", "verify", *UNITS], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
@pytest.mark.parametrize("unit", [name for name in UNITS if name.endswith(".service")])
def test_systemd_calls_the_services_well_confined(unit):
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", str(DEPLOY / unit)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-200:]


@pytest.mark.parametrize("unit", [name for name in UNITS if name.endswith(".service")])
def test_the_units_call_commands_that_there_are(unit):
    from fairdraw_cli.main import COMMANDS

    line = next(line for line in (DEPLOY / unit).read_text("utf-8").splitlines() if line.startswith("ExecStart="))
    _, first, second, *_ = line.split()
    group = COMMANDS[first]
    assert isinstance(group, dict)
    assert second in group


AWS = """#!/bin/sh
printf '%s\\n' "$*" >> "$RECORD"
# A log that grows while it is published.
printf 'log.example.cn/test\\n4\\nBBBB\\n' > "$LOG/checkpoint"
case $2-$3 in cp-*) cat "$3" >> "$RECORD" ;; esac
"""


@pytest.mark.skipif(not shutil.which("sh"), reason="sh is not installed")
def test_the_script_for_object_stores_uploads_tiles_before_the_checkpoint_that_was_read_before_them(tmp_path):
    log, record, program = tmp_path / "log", tmp_path / "record", tmp_path / "bin/aws"
    for path, data in FILES.items():
        (log / path).parent.mkdir(parents=True, exist_ok=True)
        (log / path).write_bytes(data)
    program.parent.mkdir()
    program.write_text(AWS)
    program.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "RECORD": str(record),
        "LOG": str(log),
    }
    subprocess.run([str(DEPLOY / "publish-s3.sh"), str(log), "s3://b/p", "--endpoint-url", "https://s3"],
                   check=True, env=environment)  # fmt: skip
    told = record.read_text()
    places = [told.index(f"s3://b/p/{name} ") for name in
              ("artifact", "tile", "cosigned", "cosigned/index", "checkpoint", "frozen")]  # fmt: skip
    assert places == sorted(places)
    lines = [line for line in told.splitlines() if line.startswith("s3 ")]
    assert all("--endpoint-url https://s3" in line for line in lines)
    kinds = (f"artifact/{HEX}", "tile/0/000", "cosigned/3", "cosigned/index", "checkpoint", "frozen")
    for line, path in zip(lines, kinds, strict=True):
        with Client(LogSite(log)).get(f"/{path}") as ours:
            assert f"--content-type {ours.headers['Content-Type']}" in line
            assert f"--cache-control {ours.headers['Cache-Control']}" in line
    assert FILES["checkpoint"].decode() in told
    assert "BBBB" not in told
