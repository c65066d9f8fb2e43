"""Bounded HTTP: a log's files (C2SP tlog-tiles) and a witness's answers, from hosts that nobody need trust.

Whoever answers may drip a byte an hour, unfold a kilobyte into gigabytes, or send its reader to a machine inside the
reader's own network. So every answer has one deadline for all of its parts, a limit before and after unfolding, and a
redirect is an error. No cookie is kept and no credential sent, but to the proxy that the environment names.

Only what HTTP says is judged here: bytes that came whole and in time may still be lies. `reader` and `client` see that.
"""

import io
import socket
import ssl
import time
import weakref
import zlib
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import SplitResult, quote, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from transparency_log.errors import RemoteError
from transparency_log.tiles import MAX_ENTRY, TILE_WIDTH

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

TIMEOUT: Final = 20.0  # seconds for each file
MAX_FILE: Final = TILE_WIDTH * (2 + MAX_ENTRY)  # bytes: a full bundle of the largest entries
SLOWEST: Final = 1 << 14  # bytes a second, by which a long answer earns more time than `TIMEOUT`

OK: Final = 200
GONE: Final = (404, 410)
TOO_MANY: Final = 429
SERVER_ERROR: Final = 500

_CONNECT_TIMEOUT = 5.0  # seconds for each address of a host: one family may be unreachable and the other not
_MAX_REFUSAL = 1 << 12  # bytes of an answer that is no success; the rest is not read
_PIECE = 1 << 16
_PAUSES = (0.2, 0.5)  # seconds before asking again
_REDIRECT = range(300, 400)
_GZIP = 16 + zlib.MAX_WBITS
_PORTS = {"http": 80, "https": 443}
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
        self.url = url.rstrip("/")
        self._parts = _split(self.url)
        self._proxy = _proxy(self._parts)
        self._idle: list[HTTPConnection] = []
        self._busy: set[HTTPConnection] = set()
        # Not every reader is told when it was read for the last time.
        self._finalizer = weakref.finalize(self, _close_all, self._idle)

    def close(self) -> None:
        """Close every connection, also below threads that are waiting for an answer: they get an error."""
        self._finalizer()
        for connection in tuple(self._busy):
            with suppress(OSError, AttributeError):  # it may have no socket yet, or none any more
                connection.sock.shutdown(socket.SHUT_RDWR)

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
        terms = _Terms(f"{self.url}/{path}", deadline, limit, earning)
        while True:
            connection = self._take()
            kept, keep = connection.sock is not None, False
            try:
                reply, keep = self._exchange(connection, method, body, terms)
            except TimeoutError:
                raise RemoteError("remote-too-slow", url=terms.url) from None
            except (OSError, HTTPException, ValueError) as error:
                if kept and isinstance(error, ConnectionError):
                    continue  # the host had closed it meanwhile, which is its right
                raise RemoteError("remote-unreachable", url=terms.url, reason=type(error).__name__) from None
            finally:
                self._give_back(connection, keep=keep)
            return reply

    def _take(self) -> HTTPConnection:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connection()
        self._busy.add(connection)
        return connection

    def _give_back(self, connection: HTTPConnection, *, keep: bool) -> None:
        self._busy.discard(connection)
        if keep:
            self._idle.append(connection)
        else:
            connection.close()
        if not self._finalizer.alive:  # closed while this one was away
            _close_all(self._idle)

    def _connection(self) -> HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port or _PORTS[self._parts.scheme]
        where = (host, port) if self._proxy is None else (self._proxy.hostname or "", self._proxy.port)
        if self._parts.scheme == "http":
            return HTTPConnection(*where)
        connection = HTTPSConnection(*where, context=ssl.create_default_context())
        if self._proxy is not None:
            connection.set_tunnel(host, port, _proxy_headers(self._proxy))
        return connection

    def _exchange(
        self, connection: HTTPConnection, method: str, body: bytes | None, terms: "_Terms"
    ) -> tuple[Reply, bool]:
        """Return the answer, and whether the connection may serve again."""
        target = quote(urlsplit(terms.url).path, safe="/%:@!$&'()*+,;=~")
        headers = dict(_HEADERS)
        if self._proxy is not None and self._parts.scheme == "http":
            target = f"http://{self._parts.netloc}{target}"
            headers |= _proxy_headers(self._proxy)
        left = _left(terms.deadline)
        connection.timeout = min(left, _CONNECT_TIMEOUT)
        if connection.sock is not None:
            connection.sock.settimeout(left)
        connection.response_class = partial(_Response, terms.deadline)  # type: ignore[assignment]
        connection.request(method, target, body, headers)
        with connection.getresponse() as response:
            if response.status in _REDIRECT:
                raise RemoteError("remote-elsewhere", expected=terms.url, found=response.getheader("location", ""))
            reply, whole = _read(response, terms)
            return reply, whole and not response.will_close


class Remote:
    """A log's files at a web address, as `reader` reads them: `remote(path)` is a file's bytes, None if it has none.

    A host that cannot be reached, or that is at fault itself, is asked up to three times within the deadline.
    """

    def __init__(self, base_url: str, *, timeout: float = TIMEOUT, max_bytes: int = MAX_FILE) -> None:
        self._site = Site(base_url)
        self._timeout = timeout
        self._max_bytes = max_bytes

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
        return self._site.ask("GET", path, deadline=deadline, limit=self._max_bytes, earning=True)

    def _body(self, path: str, reply: Reply) -> bytes | None:
        if reply.status in GONE:
            return None
        if reply.status != OK:
            raise RemoteError("remote-status", url=f"{self._site.url}/{path}", found=reply.status)
        return reply.body


@dataclass(frozen=True, slots=True)
class _Terms:
    """How long and how large the answer to one request may be."""

    url: str
    deadline: Deadline
    limit: int
    earning: bool


class _Response(HTTPResponse):
    """An answer of which each wait ends at one deadline: a timeout for each wait would let a drip go on for ever."""

    def __init__(self, deadline: Deadline, sock: socket.socket, *args: int, **kwargs: str | None) -> None:
        super().__init__(sock, *args, **kwargs)  # type: ignore[arg-type]
        self.fp = io.BufferedReader(_Timely(sock, self.fp.detach(), deadline))


class _Timely(io.RawIOBase):
    def __init__(self, sock: socket.socket, raw: io.RawIOBase, deadline: Deadline) -> None:
        self._sock = sock
        self._raw = raw  # it keeps the socket open when the connection has let go of it
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        self._sock.settimeout(_left(self._deadline))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _left(deadline: Deadline) -> float:
    if not (left := deadline.left):
        raise TimeoutError
    return left


def _read(response: HTTPResponse, terms: _Terms) -> tuple[Reply, bool]:
    """Return the answer, and whether it was read whole."""
    headers = {name.lower(): value for name, value in response.getheaders()}
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip"}:
        raise RemoteError("remote-encoding", url=terms.url, found=encoding)
    limit = terms.limit if response.status == OK else _MAX_REFUSAL
    unfolding = zlib.decompressobj(_GZIP) if encoding == "gzip" else None
    body, empty = bytearray(), True
    while piece := response.read1(_PIECE):
        empty = False
        if unfolding is not None:
            # Never more than one byte above the limit: a bomb goes off in the hands of whoever sent it.
            piece = _unfold(unfolding, piece, limit + 1 - len(body), terms)
        body += piece
        if len(body) > limit:
            if response.status == OK:
                raise RemoteError("remote-too-large", url=terms.url, limit=limit)
            return Reply(response.status, headers, bytes(body[:limit])), False
        if terms.earning:
            terms.deadline.extend(len(piece) / SLOWEST)
    if response.length:
        raise IncompleteRead(bytes(body), response.length)
    if unfolding is not None and not (unfolding.eof or empty):
        raise RemoteError("remote-encoding", url=terms.url, found=encoding)
    return Reply(response.status, headers, bytes(body)), True


def _unfold(unfolding: "zlib._Decompress", piece: bytes, limit: int, terms: _Terms) -> bytes:
    try:
        told = unfolding.decompress(piece, limit)
    except zlib.error:
        raise RemoteError("remote-encoding", url=terms.url, found="gzip") from None
    if unfolding.unused_data:
        raise RemoteError("remote-encoding", url=terms.url, found="gzip")
    return told


def _split(url: str) -> SplitResult:
    """Return the parts of an address that is no more than scheme, host, port and path."""
    try:
        parts = urlsplit(url)
        named = parts.scheme in _PORTS and parts.port != 0 and (parts.hostname or "").encode("idna")
    except ValueError:  # a port that is no number, a host that is no name
        named = False
    if not named or parts.query or parts.fragment or "@" in parts.netloc or " " in url or not url.isprintable():
        raise RemoteError("remote-url", expected="http(s)://host[:port][/path]", found=url)
    return parts


def _proxy(parts: SplitResult) -> SplitResult | None:
    """Return the proxy that the environment names for an address, None if it is to be asked directly."""
    proxies = getproxies()
    told = proxies.get(parts.scheme) or proxies.get("all")
    if not told or proxy_bypass(parts.netloc):
        return None
    proxy = urlsplit(told if "://" in told else f"http://{told}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise RemoteError("remote-proxy", expected="http://host:port", found=f"{proxy.scheme}://{proxy.hostname}")
    return proxy


def _proxy_headers(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    told = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(told.encode()).decode('ascii')}"}


def _close_all(connections: list[HTTPConnection]) -> None:
    while connections:
        connections.pop().close()
