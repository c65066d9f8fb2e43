"""Hosts on this machine for tests that ask over HTTP: honest ones, and such as drip, swell or never answer."""

import contextlib
import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from transparency_log.errors import WitnessError
from transparency_log.note import Signer, Verifier
from transparency_log.seen import MemoryWitnessState
from transparency_log.witness import Witness


class Handler(BaseHTTPRequestHandler):
    """One request. `over` is set when the host goes away, and ends what would else never end."""

    protocol_version = "HTTP/1.1"
    over: threading.Event
    does: Callable[["Handler"], None]

    def do_GET(self) -> None:
        type(self).does(self)

    def do_POST(self) -> None:
        type(self).does(self)

    def do_CONNECT(self) -> None:
        type(self).does(self)

    def log_message(self, *_: object) -> None:
        pass

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer whole; a header's name is written with underscores."""
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


Does = Callable[[Handler], None]


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, *_: object) -> None:
        pass  # whoever asked has hung up


@contextmanager
def host(does: Does) -> Iterator[str]:
    """Run a host that does with every request what `does` does; its address."""
    over = threading.Event()
    handler = type("_Handler", (Handler,), {"over": over, "does": staticmethod(does)})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def silent(handler: Handler) -> None:
    """Take the request and never answer."""
    handler.over.wait()


def dripping(handler: Handler) -> None:
    """Send the answer's head and then a byte now and then, for ever."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    _drip(handler)


def dripping_head(handler: Handler) -> None:
    """Send a head that never ends."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    _drip(handler)


def _drip(handler: Handler) -> None:
    with contextlib.suppress(OSError):
        while not handler.over.wait(0.01):
            handler.wfile.write(b"x")
            handler.wfile.flush()


def huge(handler: Handler) -> None:
    """Send zeros for as long as anybody takes them."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    with contextlib.suppress(OSError):
        while not handler.over.is_set():
            handler.wfile.write(bytes(1 << 16))


BOMB = gzip.compress(gzip.compress(bytes(1 << 26)))  # twice, or the test itself would be slow


def bomb(handler: Handler) -> None:
    """Answer with a few bytes that unfold into 64 MiB."""
    handler.answer(200, gzip.decompress(BOMB), Content_Encoding="gzip")


def elsewhere(handler: Handler) -> None:
    """Send the reader on."""
    handler.answer(302, Location="http://127.0.0.1:9/")


@dataclass
class Outside:
    """A witness on another machine. `skew` is by how much its clock is wrong, `seen` what it was asked."""

    signer: Signer
    logs: dict[str, Verifier]
    skew: int = 0
    asked: list[bytes] = field(default_factory=list)
    notes: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.witness = Witness(self.signer, MemoryWitnessState())

    @property
    def vkey(self) -> str:
        return self.signer.verifier.vkey

    def __call__(self, handler: Handler) -> None:
        """Answer as C2SP tlog-witness says."""
        if handler.command == "GET":
            note = self.notes.get(handler.path)
            handler.answer(404) if note is None else handler.answer(200, note)
            return
        body = handler.body()
        self.asked.append(body)
        try:
            lines = self.witness.add_checkpoint(body, now=int(time.time()) + self.skew, logs=self.logs)
        except WitnessError as error:
            if error.status == 409:
                handler.answer(409, f"{error.params['size']}\n".encode(), Content_Type="text/x.tlog.size")
            else:
                handler.answer(error.status, f"{error.code}\n".encode())
            return
        told = "".join(f"{line.format()}\n" for line in lines).encode()
        note = body.partition(b"\n\n")[2]
        origin = note.partition(b"\n")[0]
        self.notes[f"/{sha256(origin).hexdigest()}/checkpoint"] = note + told
        handler.answer(200, told)
