"""Bounded HTTP: a log's files (C2SP tlog-tiles) and a witness's answers, from hosts that nobody need trust.

Whoever answers may drip a byte an hour, unfold a kilobyte into gigabytes, or send its reader to a machine inside the
reader's own network. So every answer has one deadline for all of its parts, a limit before and after unfolding, and a
redirect is an error. No cookie is kept and no credential sent, but to the proxy that the environment names. Who may
speak for a host over TLS, `requests` says: the authorities in certifi, or those in the file REQUESTS_CA_BUNDLE.

Only what HTTP says is judged here: bytes that came whole and in time may still be lies. `reader` and `client` see that.
"""

import io
import socket
import threading
import time
import zlib
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from http.client import HTTPResponse
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from transparency_log.errors import RemoteError
from transparency_log.tiles import MAX_ENTRY, TILE_WIDTH

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

TIMEOUT: Final = 20.0  # seconds for each file
MAX_FILE: Final = TILE_WIDTH * (2 + MAX_ENTRY)  # bytes: a full bundle of the largest entries
MAX_ARTIFACT: Final = 1 << 30  # bytes: a roster, which is held in memory to be compared with its hash
SLOWEST: Final = 1 << 14  # bytes a second, by which a long answer earns more time than `TIMEOUT`

OK: Final = 200
GONE: Final = (404, 410)
TOO_MANY: Final = 429
SERVER_ERROR: Final = 500

_CONNECT_TIMEOUT = 5.0  # seconds for each address of a host: one family may be unreachable and the other not
_KEPT = 16  # connections, as many as threads may ask at once
_MAX_REFUSAL = 1 << 12  # bytes of an answer that is no success; the rest is not read
_PIECE = 1 << 14
_PAUSES = (0.2, 0.5)  # seconds before asking again
_REDIRECT = range(300, 400)
_GZIP = 16 + zlib.MAX_WBITS
_HEADERS = {"User-Agent": "transparency-log", "Accept-Encoding": "gzip"}


class Deadline:
    """The moment by which something must be over, shared by all who wait for it."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """The seconds that remain, never below 0."""
        return max(0.0, self._end - time.monotonic())

    def shorten(self, seconds: float) -> None:
        """Let no more than `seconds` remain."""
        self._end = min(self._end, time.monotonic() + seconds)

    def extend(self, seconds: float) -> None:
        """Let `seconds` more remain."""
        self._end += seconds


@dataclass(frozen=True, slots=True)
class Reply:
    """What a host answered, whole and unfolded; of an answer that is no success only the beginning."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Site:
    """One address on the web and the connections to it, which are kept and may be used from several threads."""

    def __init__(self, url: str) -> None:
        """Connect to nothing yet.

        Raises:
            RemoteError: `remote-url` or `remote-proxy`.
        """
        self.url = _checked(url.rstrip("/"))
        # An adapter without its session, which would keep cookies, look into .netrc, and read the whole body of a
        # redirect; the session only tells what the environment says of proxies and authorities.
        self._settings: Any = requests.Session().merge_environment_settings(self.url, {}, True, None, None)
        self._adapter = HTTPAdapter(pool_connections=1, pool_maxsize=_KEPT)
        self._pool = _pool(self._adapter, self.url, self._settings)
        self._busy: set[socket.socket] = set()
        self._closed = threading.Event()

    def close(self) -> None:
        """Close every connection, also below threads that are waiting for an answer: they get an error."""
        self._closed.set()
        self._pool.close()
        for sock in tuple(self._busy):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def ask(
        self,
        method: str,
        path: str,
        *,
        deadline: Deadline,
        body: bytes | None = None,
        limit: int = MAX_FILE,
        earning: bool = False,
    ) -> Reply:
        """Send a request and read the answer, at most `limit` bytes; with `earning` bytes buy time at `SLOWEST`.

        Raises:
            RemoteError: `remote-unreachable`, `remote-too-slow`, `remote-elsewhere`, `remote-too-large` or
                `remote-encoding`.
        """
        call = _Call(f"{self.url}/{path}", deadline, limit, earning, self._busy, self._closed)
        token = _CALL.set(call)
        try:
            with self._send(method, body, call) as response:
                return _read(response, call)
        except (TimeoutError, requests.Timeout, ReadTimeoutError):
            raise RemoteError("remote-too-slow", url=call.url) from None
        except (OSError, HTTPError) as error:
            raise RemoteError("remote-unreachable", url=call.url, reason=type(error).__name__) from None
        finally:
            _CALL.reset(token)

    def _send(self, method: str, body: bytes | None, call: "_Call") -> requests.Response:
        request = requests.Request(method, call.url, _HEADERS, data=body).prepare()
        again = True
        while True:
            left = _left(call.deadline)
            try:
                return self._adapter.send(request, timeout=(min(left, _CONNECT_TIMEOUT), left), **self._settings)
            except requests.ConnectionError as error:
                # The host may have closed a connection that was kept, which is its right.
                if not (again and isinstance(error.args[0], ProtocolError)):
                    raise
            again = False


class Remote:
    """A log's files at a web address, as `reader` reads them: `remote(path)` is a file's bytes, None if it has none.

    A host that cannot be reached, or that is at fault itself, is asked up to three times within the deadline.
    """

    def __init__(self, base_url: str, *, timeout: float = TIMEOUT) -> None:
        self._site = Site(base_url)
        self._timeout = timeout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _t: type[BaseException] | None, _v: BaseException | None, _tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._site.close()

    def __call__(self, path: str) -> bytes | None:
        """Return a file's bytes.

        Raises:
            RemoteError: `remote-status`, or as for `Site.ask`: whether there is such a file is not known.
        """
        deadline = Deadline(self._timeout)
        for pause in _PAUSES:
            try:
                reply = self._ask(path, deadline)
            except RemoteError as error:
                if error.code != "remote-unreachable":
                    raise
            else:
                if reply.status != TOO_MANY and reply.status < SERVER_ERROR:
                    return self._body(path, reply)
            time.sleep(min(pause, deadline.left))
        return self._body(path, self._ask(path, deadline))

    def _ask(self, path: str, deadline: Deadline) -> Reply:
        return self._site.ask("GET", path, deadline=deadline, limit=_limit(path), earning=True)

    def _body(self, path: str, reply: Reply) -> bytes | None:
        if reply.status in GONE:
            return None
        if reply.status != OK:
            raise RemoteError("remote-status", url=f"{self._site.url}/{path}", found=reply.status)
        return reply.body


@dataclass(frozen=True, slots=True)
class _Call:
    """How long and how large the answer to one request may be, and where the socket is noted on which it is awaited."""

    url: str
    deadline: Deadline
    limit: int
    earning: bool
    busy: set[socket.socket]
    closed: threading.Event


# What the libraries between `Site.ask` and the socket do not hand on.
_CALL: ContextVar[_Call] = ContextVar("_CALL")


def _pool(adapter: HTTPAdapter, url: str, settings: Any) -> Any:
    """Return the one pool of an adapter, whose connections read answers as `_Response` does."""
    request = requests.Request("GET", url).prepare()
    try:
        pool: Any = adapter.get_connection_with_tls_context(request, settings["verify"], settings["proxies"])
    except (requests.RequestException, HTTPError) as error:
        raise RemoteError("remote-proxy", expected="http://host:port", found=type(error).__name__) from None
    kind = pool.ConnectionCls

    def connection(**kwargs: Any) -> Any:
        made = kind(**kwargs)
        made.response_class = _Response
        return made

    pool.ConnectionCls = connection
    return pool


class _Response(HTTPResponse):
    """An answer of which each wait ends at one deadline: a timeout for each wait would let a drip go on for ever."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Timely(sock, self.fp.detach(), _CALL.get()))


class _Timely(io.RawIOBase):
    def __init__(self, sock: socket.socket, raw: io.RawIOBase, call: _Call) -> None:
        self._sock = sock
        self._raw = raw  # it keeps the socket open when the connection has let go of it
        self._call = call
        call.busy.add(sock)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        if self._call.closed.is_set():  # who closed it may not have found this socket among the busy ones yet
            raise ConnectionAbortedError
        self._sock.settimeout(_left(self._call.deadline))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._call.busy.discard(self._sock)
        self._raw.close()
        super().close()


def _limit(path: str) -> int:
    """Return how many bytes a log's file may have."""
    return MAX_ARTIFACT if path.startswith("artifact/") else MAX_FILE


def _left(deadline: Deadline) -> float:
    if not (left := deadline.left):
        raise TimeoutError
    return left


def _read(response: requests.Response, call: _Call) -> Reply:
    status, headers = response.status_code, response.headers
    if status in _REDIRECT:
        raise RemoteError("remote-elsewhere", expected=call.url, found=headers.get("location", ""))
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip"}:
        raise RemoteError("remote-encoding", url=call.url, found=encoding)
    limit = call.limit if status == OK else _MAX_REFUSAL
    unfolding = zlib.decompressobj(_GZIP) if encoding == "gzip" else None
    body, empty = io.BytesIO(), True
    while piece := response.raw.read(_PIECE, decode_content=False):
        empty = False
        if unfolding is not None:
            # Never more than one byte above the limit: a bomb goes off in the hands of whoever sent it.
            piece = _unfold(unfolding, piece, limit + 1 - body.tell(), call)
        body.write(piece)
        if body.tell() > limit:
            if status == OK:
                raise RemoteError("remote-too-large", url=call.url, limit=limit)
            return Reply(status, headers, body.getvalue()[:limit])
        if call.earning:
            call.deadline.extend(len(piece) / SLOWEST)
    if unfolding is not None and not (unfolding.eof or empty):
        raise RemoteError("remote-encoding", url=call.url, found=encoding)
    return Reply(status, headers, body.getvalue())


def _unfold(unfolding: "zlib._Decompress", piece: bytes, limit: int, call: _Call) -> bytes:
    try:
        told = unfolding.decompress(piece, limit)
    except zlib.error:
        raise RemoteError("remote-encoding", url=call.url, found="gzip") from None
    if unfolding.unused_data:
        raise RemoteError("remote-encoding", url=call.url, found="gzip")
    return told


def _checked(url: str) -> str:
    """Return an address that is no more than scheme, host, port and path."""
    try:
        parts = urlsplit(url)
        named = parts.scheme in {"http", "https"} and parts.port != 0 and (parts.hostname or "").encode("idna")
        requests.Request("GET", url).prepare()
    except ValueError:  # a port that is no number, a host that is no name
        named = False
    if not named or parts.query or parts.fragment or "@" in parts.netloc or " " in url or not url.isprintable():
        raise RemoteError("remote-url", expected="http(s)://host[:port][/path]", found=url)
    return url
