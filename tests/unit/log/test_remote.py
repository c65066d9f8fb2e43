"""Reading over HTTP from hosts that nobody need trust: every answer is bounded in time and size."""

import gzip
import os
import ssl
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from support.hosts import Handler, bomb, dripping, dripping_head, elsewhere, host, huge, silent
from transparency_log.errors import RemoteError
from transparency_log.log import Log
from transparency_log.mirror import ArtifactRefs, Mirror, artifact_path
from transparency_log.note import Signer
from transparency_log.remote import MAX_ARTIFACT, MAX_FILE, Deadline, Remote, Site
from transparency_log.state import MemoryState
from transparency_log.storage import Memory


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def refused(url: str, *, timeout: float = 20) -> RemoteError:
    with Remote(url, timeout=timeout) as remote, pytest.raises(RemoteError) as caught:
        remote("checkpoint")
    return caught.value


def test_a_file_is_read_and_one_that_is_not_there_is_none() -> None:
    def files(handler: Handler) -> None:
        status = {"/log/checkpoint": 200, "/log/gone": 410}.get(handler.path, 404)
        handler.answer(status, b"size 3\n")

    with host(files) as url, Remote(f"{url}/log/") as remote:
        assert remote("checkpoint") == b"size 3\n"
        assert remote("tile/0/000") is None
        assert remote("gone") is None


@pytest.mark.parametrize(
    ("does", "code"),
    [(silent, "too-slow"), (dripping, "too-slow"), (dripping_head, "too-slow"), (huge, "too-large"),
     (bomb, "too-large"), (elsewhere, "elsewhere")],
)  # fmt: skip
def test_a_hostile_host_is_left(does: Callable[[Handler], None], code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transparency_log.remote.MAX_FILE", 1 << 16)
    with host(does) as url:
        assert refused(url, timeout=0.5).code == f"remote-{code}"


def test_an_answer_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def files(handler: Handler) -> None:
        body = bytes(int(handler.path.rpartition("/")[2]))
        packed = gzip.compress(body) if "gzip" in handler.headers["Accept-Encoding"] else body
        handler.answer(200, packed, Content_Encoding="gzip")

    assert (MAX_FILE, MAX_ARTIFACT) == (256 * 65537, 1 << 30)
    monkeypatch.setattr("transparency_log.remote.MAX_FILE", 1000)
    monkeypatch.setattr("transparency_log.remote.MAX_ARTIFACT", 2000)
    with host(files) as url, Remote(url) as remote:
        for limit, folder in ((1000, ""), (1000, "artifacts/"), (2000, "artifact/")):
            assert remote(f"{folder}{limit}") == bytes(limit)
            with pytest.raises(RemoteError) as caught:
                remote(f"{folder}{limit + 1}")
            assert (caught.value.code, caught.value.params["limit"]) == ("remote-too-large", limit)


def test_a_mirror_over_http_copies_an_artifact_that_is_larger_than_any_other_file() -> None:
    data = bytes(20_000_000)
    digest = sha256(data).hexdigest()
    source, copy = Memory(), Memory()
    signer = Signer.from_seed("log.example.cn/jinan", b"l" * 32)
    Log.create(source, signer, state=MemoryState()).append(b"names a roster")
    source.create(artifact_path(digest), data)
    asked: list[str] = []

    def files(handler: Handler) -> None:
        asked.append(handler.path[1:])
        body = source.read(asked[-1])
        handler.answer(404 if body is None else 200, body or b"")

    def named(entry: bytes) -> ArtifactRefs:
        return ArtifactRefs(named=((digest, len(data)),))

    assert len(data) > MAX_FILE
    with host(files) as url, Remote(url) as remote:
        assert Mirror(copy, remote, signer.verifier, artifacts=named).update().lacking == ()
    assert copy.read(artifact_path(digest)) == data
    assert artifact_path(digest) in asked


PACKED = gzip.compress(b"tile", mtime=0)


@pytest.mark.parametrize("packed", [PACKED[:-1], PACKED[:5], PACKED * 2, b"tile", zlib.compress(b"tile")])
def test_what_is_not_packed_as_it_says_is_refused(packed: bytes) -> None:
    with host(lambda handler: handler.answer(200, packed, Content_Encoding="gzip")) as url:
        assert refused(url).code == "remote-encoding"


def test_an_unknown_packing_is_refused() -> None:
    with host(lambda handler: handler.answer(200, b"tile", Content_Encoding="br")) as url:
        assert refused(url).code == "remote-encoding"


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    def files(handler: Handler) -> None:
        handler.answer(200, b"half", Content_Length="8")
        handler.close_connection = True

    with host(files) as url:
        error = refused(url)
    assert (error.code, error.params["reason"]) == ("remote-unreachable", "ProtocolError")


def test_a_host_that_is_at_fault_is_asked_again_and_then_told() -> None:
    statuses = [503, 429, 200, 500, 500, 500, 403]
    with host(lambda handler: handler.answer(statuses.pop(0), b"tile")) as url, Remote(url) as remote:
        assert remote("tile") == b"tile"
        for found in (500, 403):
            with pytest.raises(RemoteError) as caught:
                remote("tile")
            assert (caught.value.code, caught.value.params["found"]) == ("remote-status", found)
    assert not statuses


def test_connections_are_kept_and_one_that_the_host_has_closed_is_no_error() -> None:
    ports: list[int] = []

    def files(handler: Handler) -> None:
        ports.append(handler.client_address[1])
        handler.close_connection = len(ports) % 3 == 0  # without a word
        handler.answer(200, b"tile")

    with host(files) as url, Remote(url) as remote:
        assert [remote("tile") for _ in range(6)] == [b"tile"] * 6
    assert [len(set(ports[:3])), len(set(ports[3:])), len(set(ports))] == [1, 1, 2]


def test_several_threads_read_at_once() -> None:
    together = threading.Barrier(4, timeout=20)

    def files(handler: Handler) -> None:
        together.wait()  # nobody is answered before four have asked
        handler.answer(200, handler.path.encode())

    with host(files) as url, Remote(url) as remote, ThreadPoolExecutor(4) as pool:
        paths = [f"tile/{i}" for i in range(16)]
        assert list(pool.map(remote, paths)) == [f"/{path}".encode() for path in paths]


def test_a_reader_that_nobody_closes_keeps_no_connection() -> None:
    with host(lambda handler: handler.answer(200, b"tile")) as url:
        assert Remote(url)("tile") == b"tile"
        # else the host would wait here for the next request


def test_a_site_that_is_closed_ends_what_is_under_way_and_keeps_no_connection() -> None:
    asked = threading.Event()

    def files(handler: Handler) -> None:
        asked.set()
        handler.over.wait()

    with host(files) as url, ThreadPoolExecutor(1) as pool:
        site = Site(url)
        waiting = pool.submit(site.ask, "GET", "tile", deadline=Deadline(60))
        assert asked.wait(20)
        site.close()
        with pytest.raises(RemoteError):
            waiting.result(20)


def test_a_deadline_that_is_over_asks_nobody() -> None:
    asked: list[str] = []
    with host(lambda handler: asked.append(handler.path)) as url:
        assert refused(url, timeout=0).code == "remote-too-slow"
    assert not asked


def test_a_dead_port_is_unreachable() -> None:
    assert refused("http://127.0.0.1:9").code == "remote-unreachable"


@pytest.mark.parametrize(
    "url",
    ["", "ftp://log.example.cn", "file:///etc/passwd", "http://", "http:///log", "http://log.example.cn:0/",
     "http://log.example.cn:x/", "http://log.example.cn:99999/", "http://user:word@log.example.cn/",
     "http://log.example.cn/?a=b", "http://log.example.cn/#a", "http://log.example.cn/a b", "http://[::1/",
     "http://log..example.cn/", "http://日志\u2488.cn/", "http://log.example.cn/\r\nHost: other",
     "http://" + "a" * 64 + ".cn/"],
)  # fmt: skip
def test_an_address_that_is_more_or_less_than_one_is_refused(url: str) -> None:
    with pytest.raises(RemoteError) as caught:
        Remote(url)
    assert caught.value.code == "remote-url"


def test_nothing_but_the_request_is_told_to_a_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login bureau password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    told: list[dict[str, str]] = []

    def files(handler: Handler) -> None:
        told.append(dict(handler.headers))
        handler.answer(200, b"tile", Set_Cookie="who=bureau")

    with host(files) as url, Remote(url) as remote:
        remote("tile")
        remote("tile")
    assert [set(headers) for headers in told] == [{"Host", "Accept-Encoding", "User-Agent"}] * 2


def test_the_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, str | None, str | None]] = []

    def proxy(handler: Handler) -> None:
        told.append((handler.path, handler.headers["Host"], handler.headers["Proxy-Authorization"]))
        handler.answer(200, b"tile")

    with host(proxy) as url:
        monkeypatch.setenv("http_proxy", url.replace("://", "://office:a%40b@"))
        monkeypatch.setenv("NO_PROXY", "")
        with Remote("http://log.example.cn/jinan") as remote:
            assert remote("checkpoint") == b"tile"
    assert told == [("http://log.example.cn/jinan/checkpoint", "log.example.cn", "Basic b2ZmaWNlOmFAYg==")]
    told.clear()

    def refusing(handler: Handler) -> None:
        told.append((handler.path, None, None))
        handler.answer(403)

    with host(refusing) as url:
        monkeypatch.setenv("https_proxy", url.removeprefix("http://"))
        assert refused("https://log.example.cn/jinan").code == "remote-unreachable"
    assert set(told) == {("log.example.cn:443", None, None)}
    with host(dripping_head) as url:
        monkeypatch.setenv("https_proxy", url)
        assert refused("https://log.example.cn/jinan", timeout=0.5).code == "remote-too-slow"
    for proxy_url in ("http://", "ftp://127.0.0.1:1080"):
        monkeypatch.setenv("http_proxy", proxy_url)
        with pytest.raises(RemoteError) as caught:
            Remote("http://log.example.cn/")
        assert caught.value.code == "remote-proxy"


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 that vouches for itself."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "log")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


def test_over_tls_only_a_host_that_somebody_known_vouches_for_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    class Quiet(ThreadingHTTPServer):
        daemon_threads = False

        def handle_error(self, *_: object) -> None:
            pass

    handler = type("_Handler", (Handler,), {"does": staticmethod(lambda h: h.answer(200, b"tile"))})
    server = Quiet(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        url = f"https://127.0.0.1:{server.server_port}"
        error = refused(url)
        assert (error.code, error.params["reason"]) == ("remote-unreachable", "SSLError")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", os.fspath(cert))
        with Remote(url) as remote:
            assert [remote("tile"), remote("tile")] == [b"tile", b"tile"]
        assert refused(url.replace("127.0.0.1", "localhost")).code == "remote-unreachable"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
