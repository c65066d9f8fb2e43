"""The HTTP side of a witness: the API of C2SP tlog-witness (5ba5ee8) as a WSGI app.

    POST <prefix>/add-checkpoint           200 signature lines, 400, 403, 404, 409 the size cosigned last, 422
    GET  <prefix>/<origin hash>/checkpoint 200 the newest checkpoint, 404

Ours are 415 for a body that would have to be unfolded, 429 for a log that asks too often, 500 for a fault of the
witness and 503 where it cannot tell, as when its clock cannot be right. The specification has no 413: a body above the
limit is a malformed request like others, 400, of which no more than the limit is read.

Nobody proves who is asking, and checkpoints are public, so limits must not be something that a stranger can use up in
a log's name. What anybody can send is cheap: junk is refused before the disk is touched, and a checkpoint sent again
costs at most one write a second, because within a second the answer is the one that is stored already. Only growth is
counted, for only the log can sign a larger tree: a bucket per origin for how often, and `UNDER_WAY` for how many at
once. Where a stranger is faster with a log's own checkpoint, the log's request is answered as one for a later time.

`sign-subtree` is not offered: 404. Sockets, slow clients and TLS are for whoever runs the app (`web`).
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.wrappers import Response
from werkzeug.wsgi import get_input_stream

from transparency_log.errors import WitnessError
from transparency_log.merkle import HASH_SIZE
from transparency_log.note import Verifier
from transparency_log.witness import BAD_REQUEST, CONFLICT, MAX_REQUEST, NOT_FOUND, Asked, Witness

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ADD_CHECKPOINT: Final = "add-checkpoint"
MONITORED: Final = "checkpoint"
UNDER_WAY: Final = 2  # of one origin: one that is worked on, and one that waits for it
TEXT: Final = "text/plain; charset=utf-8"
SIZE: Final = "text/x.tlog.size"

_MAX_TOLD = 300  # characters of a refusal's reason, which may quote what was sent
_RETRY = 1  # seconds
_RETRY_CLOCK = 60  # seconds: a clock is set right by a person

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a log may grow: `burst` times at once, and `per_second` in the long run."""

    per_second: float = 10.0
    burst: int = 100


class WitnessSite:
    """The WSGI app of one witness. Threads may share it.

    Args:
        witness: who cosigns.
        logs: the known keys by origin, asked for anew at each request.
        clock: the time in POSIX seconds.
        floor: a time that has certainly passed.
        rate: how often each log may grow.
        forked: hears of `log-forked` with what convicts the log; default: it is logged.
        prefix: the path in front of both addresses, such as "/w1"; "" for none.
        monotonic: seconds of a clock that never steps, for `rate`.
    """

    def __init__(
        self,
        witness: Witness,
        *,
        logs: Callable[[], Mapping[str, Verifier]],
        clock: Callable[[], int],
        floor: Callable[[], int] = lambda: 0,
        rate: Rate = Rate(),
        forked: Callable[[WitnessError], None] = lambda error: _log.error("a log has forked: %s", error),
        prefix: str = "",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._witness = witness
        self._logs = logs
        self._clock = clock
        self._floor = floor
        self._forked = forked
        self._prefix = prefix.rstrip("/") + "/"
        self._queue = _Queue(rate, monotonic)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request; nothing that goes wrong reaches the client as a traceback."""
        try:
            answer = self._answer(environ)
        except Exception:  # noqa: BLE001 -- the operator reads it, the client does not
            _log.exception("a request to the witness failed")
            answer = _told(HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error")
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer(environ, start_response)

    def _answer(self, environ: "WSGIEnvironment") -> Response:
        try:
            return self._route(environ)
        except WitnessError as error:
            if error.code == "log-forked":  # nobody but the log can cause this
                self._forked(error)
            return _refusal(error)

    def _route(self, environ: "WSGIEnvironment") -> Response:
        path, method = str(environ.get("PATH_INFO", "")), str(environ.get("REQUEST_METHOD", ""))
        name = path.removeprefix(self._prefix)
        if not path.startswith(self._prefix):
            raise WitnessError("not-found", status=NOT_FOUND)
        if name == ADD_CHECKPOINT:
            return self._add_checkpoint(environ) if method == "POST" else _wrong_method("POST")
        hashed, _, file = name.partition("/")
        if file != MONITORED or len(hashed) != 2 * HASH_SIZE:
            raise WitnessError("not-found", status=NOT_FOUND)
        return self._monitored(hashed) if method in ("GET", "HEAD") else _wrong_method("GET, HEAD")

    def _add_checkpoint(self, environ: "WSGIEnvironment") -> Response:
        if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() != "identity":
            # A kilobyte may unfold into a gigabyte, and an honest request is small.
            return _told(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content-encoding", {"Accept-Encoding": "identity"})
        asked = self._witness.check(_body(environ), logs=self._logs())
        with self._queue.place(asked):
            lines = self._witness.answer(asked, clock=self._clock, floor=self._floor())
        text = "".join(line.format() + "\n" for line in lines)
        return Response(text, content_type=TEXT, headers={"Cache-Control": "no-store"})

    def _monitored(self, hashed: str) -> Response:
        note = self._witness.monitored(hashed)
        if note is None:
            raise WitnessError("not-found", status=NOT_FOUND)
        # Monitors look for what changes, from any page.
        headers = {"Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"}
        return Response(note, content_type=TEXT, headers=headers)


class _Queue:
    """Who may have a larger tree cosigned, how often and how many at once; whoever only wants a later time may."""

    def __init__(self, rate: Rate, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._under_way: dict[str, int] = {}
        self._buckets: dict[str, tuple[float, float]] = {}  # what is left, and since when; of known logs only

    @contextmanager
    def place(self, asked: Asked) -> Iterator[None]:
        """Hold a place while a request is worked on.

        Raises:
            WitnessError: 429, `too-many-requests`.
        """
        if not asked.grows:
            yield
            return
        origin = asked.checkpoint.origin
        with self._lock:
            under_way = self._under_way.get(origin, 0)
            if under_way >= UNDER_WAY or not self._take(origin):
                raise WitnessError("too-many-requests", status=HTTPStatus.TOO_MANY_REQUESTS, origin=origin)
            self._under_way[origin] = under_way + 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way[origin] -= 1

    def _take(self, origin: str) -> bool:
        now = self._monotonic()
        left, since = self._buckets.get(origin, (float(self._rate.burst), now))
        left = min(self._rate.burst, left + (now - since) * self._rate.per_second)
        taken = left >= 1
        self._buckets[origin] = (left - taken, now)
        return taken


def _body(environ: "WSGIEnvironment") -> bytes:
    try:
        stream = get_input_stream(environ, max_content_length=MAX_REQUEST)
        return b"".join(iter(lambda: stream.read(MAX_REQUEST), b""))
    except RequestEntityTooLarge:
        raise WitnessError("request-length", status=BAD_REQUEST, limit=MAX_REQUEST) from None
    except ClientDisconnected:
        raise WitnessError("request", status=BAD_REQUEST, expected="the whole body") from None


def _refusal(error: WitnessError) -> Response:
    if error.status == CONFLICT:
        # C2SP tlog-witness: the client makes its proof anew from this size.
        return Response(f"{error.params['size']}\n", CONFLICT, content_type=SIZE, headers={"Cache-Control": "no-store"})
    headers = {}
    if error.status == HTTPStatus.TOO_MANY_REQUESTS:
        headers["Retry-After"] = str(_RETRY)
    elif error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        _log.error("cannot cosign: %s", error)
        headers["Retry-After"] = str(_RETRY_CLOCK)
    return _told(HTTPStatus(error.status), str(error)[:_MAX_TOLD], headers)


def _wrong_method(allowed: str) -> Response:
    return _told(HTTPStatus.METHOD_NOT_ALLOWED, "method", {"Allow": allowed})


def _told(status: HTTPStatus, text: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(f"{text}\n", status, content_type=TEXT, headers={"Cache-Control": "no-store", **(headers or {})})
