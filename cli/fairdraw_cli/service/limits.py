"""How much a caller may ask: requests a second, bytes of a body, and time to send them.

A body goes to a file and is counted as it comes: what `Content-Length` says is a promise, and nobody is held to it.
"""

import asyncio
import ipaddress
import os
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Final, Self

from starlette.requests import ClientDisconnect, Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from fairdraw_cli.service.problems import ServiceError

HEADER: Final = 16 << 10  # bytes
SMALL_BODY: Final = 1 << 20  # bytes of a map
PATIENCE: Final = 10.0  # seconds for a header, and for a body before its rate counts
SLOWEST: Final = 16 << 10  # bytes a second
DEADLINE: Final = 900.0  # seconds for a whole body, however fast it came at times
CONNECTIONS: Final = 200
RATE: Final = 20.0  # requests a second of a token
BURST: Final = 3  # seconds' worth of requests that may come at once
FAILURES: Final = 0.2  # refused tokens a second of an address
FAILED_AT_ONCE: Final = 20.0
KNOWN: Final = 10_000  # tokens or addresses that are remembered
_ONCE: Final = (b"authorization", b"content-length", b"content-type", b"host", b"idempotency-key", b"transfer-encoding")


@dataclass
class _Bucket:
    level: float
    at: float


class Buckets:
    """A token bucket for each name; the names that were quiet longest are forgotten, full."""

    def __init__(self, rate: float, size: float) -> None:
        self._rate, self._size = rate, size
        self._known: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, name: str) -> float:
        """Take one; returns 0, or after how many seconds there is one again."""
        now = time.monotonic()
        bucket = self._known.pop(name, None) or _Bucket(self._size, now)
        bucket.level = min(self._size, bucket.level + (now - bucket.at) * self._rate)
        bucket.at = now
        self._known[name] = bucket
        if len(self._known) > KNOWN:
            self._known.popitem(last=False)
        if bucket.level < 1:
            return (1 - bucket.level) / self._rate
        bucket.level -= 1
        return 0.0


def check_headers(request: Request) -> None:
    """Refuse a request of which a server in front and we could believe different things.

    Raises:
        ServiceError: `header-too-large`, `bad-header`, or `body-compressed`.
    """
    headers = request.scope["headers"]
    if sum(len(name) + len(value) for name, value in headers) > HEADER:
        raise ServiceError("header-too-large", expected=HEADER)
    names = [name for name, _ in headers]
    for name in _ONCE:
        if names.count(name) > 1:
            raise ServiceError("bad-header", found=name.decode())
    if b"content-length" in names and b"transfer-encoding" in names:
        raise ServiceError("bad-header", found="transfer-encoding")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ServiceError("body-compressed", found=request.headers["content-encoding"])


async def receive(request: Request, path: Path, limit: int) -> bytes:
    """Write a body to a file and return its SHA-256.

    Raises:
        ServiceError: `body-too-large`, or `upload-too-slow`.
    """
    told = request.headers.get("content-length", "0")
    if not told.isascii() or not told.isdigit() or int(told) > limit:
        raise ServiceError("body-too-large", expected=limit, found=told[:20])
    hashed, count = sha256(), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        async for chunk in _in_time(request):
            count += len(chunk)
            if count > limit:
                raise ServiceError("body-too-large", expected=limit, found=count)
            hashed.update(chunk)
            file.write(chunk)
    return hashed.digest()


async def _in_time(request: Request) -> AsyncIterator[bytes]:
    began, count = time.monotonic(), 0
    parts = request.stream().__aiter__()
    while True:
        allowed = min(PATIENCE + count / SLOWEST, DEADLINE)
        left = began + allowed - time.monotonic()
        try:
            part = await asyncio.wait_for(anext(parts), max(left, 0.001))
        except StopAsyncIteration:
            return
        except (TimeoutError, ClientDisconnect):
            raise ServiceError("upload-too-slow", expected=SLOWEST) from None
        count += len(part)
        yield part


def is_expected(peer: object, proxy: str) -> bool:
    """Say whether a connection is the proxy's, or one of this machine's."""
    match peer:
        case (str(host), *_):
            address = ipaddress.ip_address(host.partition("%")[0])
            return address.is_loopback or address == ipaddress.ip_address(proxy)
    return False


class PatientProtocol(H11Protocol):
    """HTTP/1.1 by uvicorn, which waits for a header for ever; this does so for `PATIENCE` seconds."""

    proxy: ClassVar[str | None] = None
    _late: asyncio.TimerHandle | None = None

    @classmethod
    def behind(cls, proxy: str | None) -> type[Self]:
        """Return the protocol of a service behind this proxy: tokens that came past it would have come unencrypted."""
        return type(cls.__name__, (cls,), {"proxy": proxy})

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # narrower than asyncio's, as uvicorn's own is
        """Take a connection, from the proxy or from this machine."""
        super().connection_made(transport)
        if self.proxy is not None and not is_expected(transport.get_extra_info("peername"), self.proxy):
            transport.abort()
            return
        self._late = self.loop.call_later(PATIENCE, self._hang_up)

    def data_received(self, data: bytes) -> None:
        """Take bytes of a connection."""
        super().data_received(data)
        cycle: Any = self.cycle  # None before the first request, whatever its annotation says
        asked = cycle is not None and not cycle.response_complete
        if asked and self._late is not None:
            self._late.cancel()
            self._late = None
        elif not asked and self._late is None:
            self._late = self.loop.call_later(PATIENCE, self._hang_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        if self._late is not None:
            self._late.cancel()
        super().connection_lost(exc)

    def _hang_up(self) -> None:
        # A request may have come whole in one piece with the answer already sent: then the connection is merely idle.
        self._late = None
        idle: Any = self.cycle
        if idle is None or idle.response_complete:
            with suppress(RuntimeError):
                self.transport.close()
