"""The desk's addresses for supervisors' phones, as a WSGI app: specs/phone.md §4.

    GET  /                page, the phone's one file
    GET  /trust /time /bundle/<hash>, and the log's public files
    POST /enrolment /cosigned /statement

There is no token and no session: whatever is posted proves itself by its signatures, or is kept until a person has
heard its digits, and to send it again changes nothing. So a stranger can do no more than be refused. What is refused is
refused before the log is locked or the disk is written; junk costs a hash, a replay a look at what is in memory.
Counted is what grows: enrolments, which a stranger may make, and each supervisor's statements, for a stolen key could
fill a log that everybody reads, and nobody could empty it.

Who serves the page chooses what it does. That is why any page may ask here: a supervisory body serves its own copy.
"""

import json
import logging
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.wrappers import Response
from werkzeug.wsgi import get_input_stream

from fairdraw.encoding import format_time
from fairdraw.errors import Error, WorkspaceError
from fairdraw.statement import MAX_ENTRY, read_entry
from fairdraw_cli import handed
from fairdraw_cli.bundled import bundled
from fairdraw_cli.desk import Desk, writing
from fairdraw_cli.history import History
from fairdraw_cli.session import LANGUAGES, Session
from fairdraw_cli.workspace import Workspace
from transparency_log.errors import LogError, SequenceError
from transparency_log.web import LogSite

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PAGE: Final = "supervise.html"
PAGES: Final = ("", "/", f"/{PAGE}")
TEXT: Final = "text/plain; charset=utf-8"
MAX_BODY: Final = MAX_ENTRY
PATIENCE: Final = 5.0  # seconds that a command may hold the log
BURST: Final = 30
PER_SECOND: Final = 0.5
PAGE_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    # In another page's frame its buttons could lie below other words; a page cannot forbid that by itself.
    "Content-Security-Policy": "frame-ancestors 'none'",
}
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_DRAW: Final = re.compile(rb'"draw":"([0-9a-f]{64})"')

STATUS: Final[dict[str, int]] = {
    "not-a-supervisor": 403, "unknown-witness": 403, "wrong-role": 403, "signature-invalid": 403,
    "signature-missing": 403, "signature-doubled": 403, "unknown-signer": 403, "cosignature-invalid": 403,
    "no-known-signature": 403, "wrong-old-key": 403, "bad-new-key": 403,
    "another-log": 409, "chain-does-not-fit": 409, "statement-ahead": 409, "cosignature-ahead": 409,
    "artifact-missing": 409, "frozen": 409, "witness-ahead": 409, "witness-differs": 409, "cosigned-full": 409,
    "body-too-large": 413, "too-many-enrolments": 429, "too-many-statements": 429,
    "locked": 503, "clock-goes-back": 503, "desk-fault": 500,
}  # fmt: skip
"""How a refusal is told over HTTP; what is not here is malformed, 400."""

_log = logging.getLogger(__name__)


@dataclass
class _Bucket:
    """How many may come: of enrolments everybody's together, for a stranger has as many addresses as needed."""

    left: float = BURST
    since: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> bool:
        with self.lock:
            now = time.monotonic()
            self.left = min(BURST, self.left + (now - self.since) * PER_SECOND)
            self.since = now
            if self.left < 1:
                return False
            self.left -= 1
            return True


class SupervisionSite:
    """The WSGI app of a workspace. Threads may share it; it is mounted by `SCRIPT_NAME`, as WSGI has it.

    Args:
        folder: the workspace.
        clock: a rehearsal's time for each request, as `--clock` has it; None for the real one.
        lock: what else in this process writes this log holds it, too.
        changed: is called after something was published.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], str | None] = lambda: None,
        lock: "threading.Lock | None" = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = lock or threading.Lock()
        self._changed = changed
        self._history: tuple[bytes, History] | None = None
        self._enrolments = _Bucket()
        self._statements: defaultdict[str, _Bucket] = defaultdict(_Bucket)  # by name, of the trust file's supervisors
        self._draws: dict[Path, tuple[int, bytes]] = {}
        self._log_site = LogSite(folder / "log")
        self._page = bundled(PAGE).data
        self._posts = {"/enrolment": self._enrol, "/cosigned": self._cosigned, "/statement": self._statement}

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        path, method = str(environ.get("PATH_INFO", "")), str(environ.get("REQUEST_METHOD", ""))
        own = path in (*PAGES, "/trust", "/time", *self._posts) or path.startswith("/bundle/")
        if not own:
            return self._log_site(environ, start_response)
        answer = self._answer(environ, path, method)
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Access-Control-Allow-Origin"] = "*"
        return answer(environ, start_response)

    def _answer(self, environ: "WSGIEnvironment", path: str, method: str) -> Response:
        allowed = "POST, OPTIONS" if path in self._posts else "GET, HEAD, OPTIONS"
        if method == "OPTIONS":
            return Response(status=HTTPStatus.NO_CONTENT, headers={"Allow": allowed})
        if method not in allowed.split(", "):
            return _told(HTTPStatus.METHOD_NOT_ALLOWED, {"error": {"code": "method"}}, Allow=allowed)
        try:
            if path in self._posts:
                return _told(HTTPStatus.OK, self._posts[path](_body(environ)))
            return self._get(path)
        except (Error, LogError) as error:
            return _refusal(error)
        except Exception:  # noqa: BLE001 -- the operator reads it, the client does not
            _log.exception("a request to the supervisors' desk failed")
            return _refusal(WorkspaceError("desk-fault"))

    def _session(self) -> Session:
        return Session(folder=self._folder, json=True, clock=self._clock(), wait=0)

    # --- what is read ----------------------------------------------------------------------------------------------

    def _get(self, path: str) -> Response:
        if path in PAGES:
            return Response(self._page, content_type="text/html; charset=utf-8", headers=PAGE_HEADERS)
        place = Workspace.open(self._folder)
        if path == "/time":
            return _text(f"{format_time(self._session().now(place))}\n".encode())
        if path == "/trust":
            return _text((place.root / "trust").read_bytes())
        data = self._bundle(place, path.removeprefix("/bundle/"))
        if data is None:
            return _told(HTTPStatus.NOT_FOUND, {"error": {"code": "not-found"}})
        return Response(data, content_type="application/json", headers={"Cache-Control": "no-cache"})

    def _bundle(self, place: Workspace, text: str) -> bytes | None:
        """Return the public bundle of a draw, by the text hash of its `draw` statement."""
        if not _HASH.fullmatch(text):
            return None
        for folder in sorted((place.root / "draws").iterdir()):
            # A sealed draw's other bundle, with the embargo key, and slips have further words in their names.
            path = folder / f"{folder.name}.fairdraw.json"
            if path.is_file() and self._draw_of(path) == text.encode():
                return path.read_bytes()
        return None

    def _draw_of(self, path: Path) -> bytes:
        """Return which draw a bundle is of; each is read once, or a stranger's guess would have all of them read."""
        written = path.stat().st_mtime_ns
        known = self._draws.get(path)
        if known is None or known[0] != written:
            found = _DRAW.search(path.read_bytes())
            known = self._draws[path] = (written, found[1] if found else b"")
        return known[1]

    def _known(self, place: Workspace) -> History:
        """Return the log as it stands; read again only where it has grown."""
        checkpoint = place.storage.read("checkpoint") or b""
        text = checkpoint.partition(b"\n\n")[0]
        if self._history is None or self._history[0] != text:
            self._history = (text, History.read(place.reader()))
        return self._history[1]

    # --- what is handed in -----------------------------------------------------------------------------------------

    def _enrol(self, data: bytes) -> dict[str, object]:
        place = Workspace.open(self._folder)
        told = handed.read_enrolment(place, data)
        if not self._enrolments.take():
            raise WorkspaceError("too-many-enrolments")
        handed.keep_enrolment(place, data)
        return {"kept": told.digest}

    def _cosigned(self, data: bytes) -> dict[str, object]:
        place = Workspace.open(self._folder)
        cosigned = handed.read_cosigned(place, self._session().now(place), data)
        if not handed.is_published(place, cosigned):
            with self._writing() as desk:
                handed.publish(desk, cosigned)
            self._changed()
        return {"size": cosigned.size, "witnesses": cosigned.names}

    def _statement(self, data: bytes) -> dict[str, object]:
        place = Workspace.open(self._folder)
        known = self._known(place)
        logged = known.find(read_entry(data, 0).text_hash)
        if logged is None:
            told = handed.check_entry(place, known, self._session().now(place), data)
            handed.check_alone(place, told)
            if not self._statements[told.statement.by].take():
                raise WorkspaceError("too-many-statements", name=told.statement.by)
            with self._writing() as desk:
                logged = desk.history.find(told.text_hash)
                if logged is None:  # else another request was faster
                    handed.check_entry(place, desk.history, desk.now, data)
                    logged = desk.append(data)
                    if place.rehearsal:
                        from fairdraw_cli.rehearsal import cosign_all

                        cosign_all(desk)
            self._changed()
        return {"index": logged.index, "text": logged.text_hash}

    @contextmanager
    def _writing(self) -> Iterator[Desk]:
        """Open the workspace for writing; a command that holds the log is waited for a while.

        Raises:
            SequenceError: `locked`.
        """
        until = time.monotonic() + PATIENCE
        if not self._lock.acquire(timeout=PATIENCE):
            raise SequenceError("locked", path=str(self._folder))
        try:
            with ExitStack() as stack:
                yield self._opened(stack, until)
        finally:
            self._lock.release()

    def _opened(self, stack: ExitStack, until: float) -> Desk:
        while True:
            try:
                return stack.enter_context(writing(self._session()))
            except SequenceError as error:
                if error.code != "locked" or time.monotonic() > until:
                    raise
            time.sleep(0.1)


def _body(environ: "WSGIEnvironment") -> bytes:
    """Return what was posted, and read no more of it than may be.

    Raises:
        WorkspaceError: `body-too-large`, or `body-cut`.
    """
    if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() != "identity":
        raise WorkspaceError("body-cut", found="Content-Encoding")  # a kilobyte may unfold into a gigabyte
    try:
        stream = get_input_stream(environ, max_content_length=MAX_BODY)
        return b"".join(iter(lambda: stream.read(MAX_BODY), b""))
    except RequestEntityTooLarge:
        raise WorkspaceError("body-too-large", expected=MAX_BODY) from None
    except ClientDisconnected:
        raise WorkspaceError("body-cut", found="") from None


def _refusal(error: Error | LogError) -> Response:
    """Return a refusal in words of both languages, for the page shows it as what the desk says."""
    status = HTTPStatus(STATUS.get(error.code, 400))
    said = {lang: Session(lang=lang).error(error) for lang in LANGUAGES}
    later = status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)
    headers = {"Retry_After": "5"} if later else {}
    return _told(status, {"error": {"code": error.code, **said}}, **headers)


def _text(data: bytes) -> Response:
    return Response(data, content_type=TEXT, headers={"Cache-Control": "no-store"})


def _told(status: HTTPStatus, value: dict[str, object], **headers: str) -> Response:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n"
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(text, status, content_type="application/json", headers={"Cache-Control": "no-store", **names})
