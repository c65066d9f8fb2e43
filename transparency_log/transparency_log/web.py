"""Serving a log over HTTP: its static files as C2SP tlog-tiles wants them, by a stock server library.

`LogSite` answers with the public files of a log's folder: `checkpoint`, `frozen`, `tile/…`, `cosigned/…` and
`artifact/<hex>`. `Server` runs it, or any other WSGI app, on waitress with the limits that a public address needs.

There is no TLS, no HTTP/2 and no part of a file (`Range`): that is for a web server in front (docs/deploy). Who
asks for what is not written down: whoever verifies a draw must not be found in the log of the party that is verified.
"""

import errno
import gzip
import logging
import os
import re
import socket
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from math import inf
from pathlib import Path
from threading import Lock, RLock, Thread
from time import monotonic
from types import TracebackType
from typing import Any, BinaryIO, Final, Self
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import wrap_file

from transparency_log.encoding import decode_decimal
from transparency_log.errors import TileError
from transparency_log.frozen import FROZEN
from transparency_log.reader import CHECKPOINT, COSIGNED_INDEX
from transparency_log.tiles import ENTRIES, Tile

MAX_HEADER: Final = 16 << 10  # bytes, request line included
CONNECTIONS: Final = 400  # a socket and a file each stay below 1024 descriptors, the usual limit of a process
THREADS: Final = 8  # they only read files or check one request: more do not help Python
PATIENCE: Final = 20.0  # seconds for a whole request, and without taking a byte of the answer
GRACE: Final = 10.0  # seconds for what is under way when the server is told to stop

_SLOWEST = 1 << 10  # bytes a second: an answer taken more slowly than this is given up
_UNSENT = 16 << 10  # bytes the kernel takes ahead: what it has taken must tell what the client takes
_IN_MEMORY = 128 << 10  # bytes of an answer or a body: the rest waits in a temporary file
_TICK = 1.0  # seconds: how late a connection may be cut off

_COMPRESSED = range(1 << 10, (1 << 20) + 1)  # bytes: below it does not pay, above it a client could keep us busy
_SMALL = 64 << 10  # bytes: an answer that is made whole; what is larger is sent piece by piece
_MAX_PATH = 100  # characters: the longest path of a log is an artifact's, 73

_METHODS = "GET, HEAD, OPTIONS"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_ARTIFACT = re.compile(r"artifact/[0-9a-f]{64}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Kind:
    """How files of a kind are sent. `replaced`: one file follows another under the same name."""

    content_type: str
    cache: str
    compressed: bool
    replaced: bool = False


_BINARY = "application/octet-stream"
_FOREVER = "public, max-age=31536000, immutable"
# C2SP tlog-tiles: a few seconds at most. An edge server in front may then answer a crowd, and nobody is shown an
# old log for long.
_TEXT = _Kind("text/plain; charset=utf-8", "public, max-age=5", compressed=True, replaced=True)
_BUNDLE = _Kind(_BINARY, _FOREVER, compressed=True)
_HASHES = _Kind(_BINARY, _FOREVER, compressed=False)
# An artifact never changes, but it may be withdrawn (personal data), and must then not live on in every cache.
_WITHDRAWABLE = _Kind(_BINARY, "public, max-age=3600", compressed=True)


def _kind(path: str) -> _Kind | None:
    """Return how the file at a path is sent; None if no log has such a path. It is the list of all that is public."""
    if len(path) > _MAX_PATH:
        return None
    if path in (CHECKPOINT, FROZEN, COSIGNED_INDEX):
        return _TEXT
    folder, _, name = path.partition("/")
    if folder == "cosigned":
        return None if decode_decimal(name) is None else _TEXT
    if folder == "artifact":
        return _WITHDRAWABLE if _ARTIFACT.fullmatch(path) else None
    try:
        return _BUNDLE if Tile.parse(path).level == ENTRIES else _HASHES
    except TileError:
        return None


class LogSite:
    """A WSGI app: the public files of the log in the folder `root`, and nothing else that lies there."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        response = self._answer(request)
        response.headers["X-Content-Type-Options"] = "nosniff"
        # A browser that verifies a slip does so in a page of another origin; and everything here is public.
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = "ETag"
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            allowed = {"Access-Control-Allow-Methods": _METHODS, "Access-Control-Allow-Headers": "*"}
            return Response(status=204, headers={"Allow": _METHODS, "Access-Control-Max-Age": "86400", **allowed})
        if request.method not in ("GET", "HEAD"):
            return _refusal(405, "method not allowed", Allow=_METHODS)
        path = request.environ.get("PATH_INFO", "").removeprefix("/")
        kind = _kind(path)
        try:
            file = None if kind is None else self._open(path)
            # A file that is not there may be there in a second: the log writes tiles before it signs.
            return _refusal(404, "not found") if kind is None or file is None else _sent(request, kind, file)
        except OSError as error:
            _log.error("cannot read %s: %s", path, error)
            return _refusal(503, "temporarily unavailable", Retry_After="10")

    def _open(self, path: str) -> BinaryIO | None:
        """Open a file of the folder; None if there is none. Only a missing `root` is an error like any other."""
        folder = os.open(self._root, _FOLDER)
        try:
            # Step by step, and never along a link: one inside the folder would publish what lies elsewhere.
            *above, name = path.split("/")
            for segment in above:
                inner = os.open(segment, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
                os.close(folder)
                folder = inner
            descriptor = os.open(name, _FILE, dir_fd=folder)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                return None
            raise
        finally:
            os.close(folder)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        return os.fdopen(descriptor, "rb")


def _sent(request: Request, kind: _Kind, file: BinaryIO) -> Response:
    """Return the answer with a file, or that the client has it. The file is closed by whoever sends the answer."""
    found = os.fstat(file.fileno())
    pays = kind.compressed and found.st_size in _COMPRESSED
    compressed = pays and request.accept_encodings["gzip"] > 0
    # A tile has its time in its tag, not its name alone: one that was damaged and restored must reach the caches.
    tag = f"{found.st_mtime_ns:x}-{found.st_size:x}"
    if compressed or found.st_size <= _SMALL:
        with file:
            data = file.read()
        if kind.replaced:  # a clock's tick is long enough for two of one length
            tag = sha256(data).hexdigest()
        response = Response(gzip.compress(data, mtime=0) if compressed else data)
    else:
        response = Response(wrap_file(request.environ, file, _SMALL), direct_passthrough=True)
        response.content_length = found.st_size
    response.headers["Content-Type"] = kind.content_type
    response.headers["Cache-Control"] = kind.cache
    response.set_etag(f"{tag}-gzip" if compressed else tag)
    if pays:
        response.headers["Vary"] = "Accept-Encoding"
    if compressed:
        response.headers["Content-Encoding"] = "gzip"
    if not kind.replaced:
        # Two checkpoints may fall in one second, which is all that a date in HTTP can tell.
        response.last_modified = datetime.fromtimestamp(int(found.st_mtime), UTC)
    return response.make_conditional(request)


def _refusal(status: int, reason: str, **headers: str) -> Response:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(f"{reason}\n", status, {"Cache-Control": "no-store", **told}, content_type="text/plain")


class Server:
    """A listening socket and the threads that answer on it; it listens as soon as it is made.

    `run` serves until `stop`; as a context manager it does so in a thread of its own, and at the end leaves
    neither thread nor socket.

    Args:
        app: what answers.
        host: the name or number of the address to listen on.
        port: 0 takes any free one, see `address`.
        max_body: the longest body of a request in bytes, 0 for none.
        threads: how many requests are answered at once.
        connections: how many clients are connected at once; beyond that the longest waited for goes.
        patience: seconds that a request may take to arrive.
        grace: seconds that `stop` leaves to requests under way.

    Raises:
        OSError: the address cannot be listened on.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        max_body: int = 0,
        threads: int = THREADS,
        connections: int = CONNECTIONS,
        patience: float = PATIENCE,
        grace: float = GRACE,
    ) -> None:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.create_server((str(place[0]), int(place[1])), family=family)
        self.address: tuple[str, int] = listening.getsockname()[:2]
        self._threads = threads
        self._grace = grace
        self._tick = min(_TICK, patience / 4, grace / 4)
        self._stopping = self._closed = False
        self._closing = RLock()  # a signal may come while it is held
        self._next_look = 0.0
        self._thread: Thread | None = None
        self._map: dict[int, Any] = {}
        # Its own loop is not used: it waits for ever for a header that drips in.
        self._server: Any = TcpWSGIServer(
            app,
            self._map,
            _sock=listening,
            bind_socket=False,
            sockinfo=(family, listening.type, listening.proto, place),
            dispatcher=ThreadedTaskDispatcher(),
            adj=Adjustments(
                sockets=[listening],
                threads=threads,
                connection_limit=connections + 2,  # with the listening socket and the trigger
                max_request_header_size=MAX_HEADER,
                max_request_body_size=max_body + 1,  # waitress refuses what reaches it
                inbuf_overflow=_IN_MEMORY,
                outbuf_overflow=_IN_MEMORY,
                log_socket_errors=False,
                ident="",
            ),
        )
        self._server.channel_class = partial(_Channel, patience=patience)  # type: ignore[assignment]

    @property
    def url(self) -> str:
        """The address as a URL without a path."""
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def run(self) -> None:
        """Serve until `stop` is called; then finish what is under way and close everything."""
        workers = self._server.task_dispatcher
        workers.set_thread_count(self._threads)
        try:
            while not self._stopping:
                self._turn()
            wasyncore.dispatcher.close(self._server)  # nobody else comes in; who is waiting for an answer gets it
            end = monotonic() + self._grace
            while self._busy() and monotonic() < end:
                self._turn()
        finally:
            for channel in self._channels:
                channel.handle_close()
            workers.shutdown()
            with self._closing:
                self._closed = True
                self._server.close()

    def stop(self) -> None:
        """Make `run` end; callable from any thread and from a signal handler, also before `run`."""
        with self._closing:
            self._stopping = True
            if not self._closed:  # else the descriptor that wakes `run` may be somebody else's by now
                self._server.pull_trigger()

    def __enter__(self) -> Self:
        self._thread = Thread(target=self.run, name=f"serving {self.url}")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self.stop()
            self._thread.join()

    @property
    def _channels(self) -> list["_Channel"]:
        return list(self._server.active_channels.values())

    def _busy(self) -> bool:
        """Close what is idle and return whether anything is left."""
        for channel in self._channels:
            if not channel.busy:
                channel.handle_close()
        return bool(self._channels)

    def _turn(self) -> None:
        """Answer whatever the sockets have, then part with clients that were waited for long enough."""
        wasyncore.loop(timeout=self._tick, use_poll=True, map=self._map, count=1)
        now = monotonic()
        # Else whoever opens enough connections and says nothing would lock everybody out.
        full = len(self._map) >= self._server.adj.connection_limit
        if now < self._next_look and not full:
            return
        self._next_look = now + self._tick
        waiting = sorted((channel for channel in self._channels if channel.waiting), key=lambda c: c.deadline)
        for place, channel in enumerate(waiting):
            if channel.deadline > now and not (full and place == 0):
                break
            _log.debug("connection given up: the client was waited for too long")
            channel.handle_close()


class _Channel(HTTPChannel):
    """A connection whose client is waited for until `deadline`, which only whole requests and taken bytes put off."""

    requests: list[Any]
    requests_lock: Lock

    def __init__(self, server: Any, sock: socket.socket, *arguments: Any, patience: float, **names: Any) -> None:
        self._patience = patience
        self.deadline = monotonic() + patience
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)
        super().__init__(server, sock, *arguments, **names)

    @property
    def busy(self) -> bool:
        """Whether there is a request under way."""
        return bool(self.requests or self.total_outbufs_len)

    @property
    def waiting(self) -> bool:
        """Whether it is the client's turn: to send a request, or to take an answer."""
        return bool(self.total_outbufs_len or not self.requests)

    def writable(self) -> bool:
        """Whether the loop is to send what is left; see `HTTPChannel`."""
        if self.requests and not self.will_close:
            # A thread answers, and sends for itself. If the loop woke up for that too it would find nothing to do but
            # take the interpreter from that thread, again and again: a tenth of the requests would be left.
            return bool(self.total_outbufs_len > self.adj.outbuf_high_watermark)
        return bool(super().writable())

    def send_continue(self) -> None:
        """Ask for the body, unless it is refused already; see `HTTPChannel`."""
        if self.request is None or self.request.error is None:
            super().send_continue()

    def service(self) -> None:
        """Answer one request; see `HTTPChannel`."""
        self.deadline = inf  # the client has done its part
        with self.requests_lock:
            if len(self.requests) > 1:
                # Requests sent ahead of their answers would open a file each, and hold a thread until all are taken.
                self.requests[0].headers["CONNECTION"] = "close"
        super().service()
        self.deadline = monotonic() + self._patience

    def send(self, data: bytes, do_close: bool = True) -> int:  # noqa: FBT001, FBT002 -- as it is overridden
        """Send what the client takes; see `HTTPChannel`."""
        sent = super().send(data, do_close)
        self.deadline = min(self.deadline + sent / _SLOWEST, monotonic() + self._patience)
        return sent
