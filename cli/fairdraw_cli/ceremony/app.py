"""The ceremony over HTTP: a page for the hall that anybody may read, and a page for the operator.

The two are different applications at different addresses. The operator's answers on the loopback alone, so that its
token crosses no network; the hall's takes no body and knows no token, so that nothing can be asked of it but to show.
"""

import json
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from werkzeug.wrappers import Request, Response

from fairdraw.render.page import qr_svg
from fairdraw_cli.bundled import bundled
from fairdraw_cli.ceremony import shown
from fairdraw_cli.ceremony.acts import MAX_SCAN, act, roles_of
from fairdraw_cli.ceremony.gate import Gate, RefusedError
from fairdraw_cli.ceremony.house import FORESEEN, House, sentences
from fairdraw_cli.ceremony.state import State
from fairdraw_cli.checks.finding import Finding
from fairdraw_cli.commands.doctor import facts, sentence
from fairdraw_cli.files import read
from fairdraw_cli.session import LANGUAGES, Session, catalogue

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

MAX_BODY: Final = MAX_SCAN * 4 // 3 + (64 << 10)  # bytes: a scan in base64
PAPER_SECONDS: Final = 60  # for which the address of a paper to print can be opened, once
# What the hall is told of a fault by its code: of any other, that something is being mended and changes no result.
TROUBLES: Final = {
    "waits-for-second": "second", "attempts-exhausted": "exhausted",
    "events-open": "events", "events-missing": "events", "events-not-seen": "events",
}  # fmt: skip
PHONES: Final = "/supervise"
_ASSETS: Final = {"/ceremony.js": "text/javascript; charset=utf-8", "/ceremony.css": "text/css; charset=utf-8"}
_HTML: Final = "text/html; charset=utf-8"
_PAPERS: Final = {".html": _HTML, ".pdf": "application/pdf", ".txt": "text/plain; charset=utf-8"}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
# A paper is shown in a frame of the operator's page, which prints it. It brings its own stricter policy.
_PAPER_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_log = logging.getLogger(__name__)

Route = Callable[[Request], Response]


@dataclass
class Hall:
    """The WSGI app that the hall sees; `phones` is what supervisors' phones reach below `/supervise/`."""

    house: House
    gate: Gate
    phones: "WSGIApplication | None" = None
    phones_url: str | None = None
    _pages: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the pages once: what is changed in the package during a ceremony is not shown to the hall."""
        for name in ("ceremony.html", "ceremony.js", "ceremony.css"):
            self._pages[name] = bundled(name).data

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        try:
            self.gate.check_host(request)
            if self.phones is not None and request.path.startswith(f"{PHONES}/"):
                below = {"SCRIPT_NAME": PHONES, "PATH_INFO": request.path.removeprefix(PHONES)}
                return self.phones({**environ, **below}, start_response)
            self.gate.check_origin(request)
            response = self._answer(request)
        except RefusedError as refused:
            response = _refusal(refused)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        return response(environ, start_response)

    def routes(self) -> Mapping[str, Route]:
        """Return what is answered at which path."""
        return {
            "/": lambda _: Response(self._pages["ceremony.html"], content_type=_HTML),
            **{path: self._asset(path, kind) for path, kind in _ASSETS.items()},
            "/state": lambda _: _json(self.seen(self.state())),
            "/numbers": lambda _: _json({"numbers": shown.numbers(self.state())}),
            "/qr/draw": self._qr_of_draw,
            "/qr/phones": self._qr_of_phones,
        }

    def state(self) -> State:
        """Return the state; in the hall nobody can keep the desk busy by asking for it."""
        return self.house.glance()

    def seen(self, state: State) -> dict[str, Any]:
        """Return what the hall sees of a state."""
        fault = self.house.fault
        code = "" if fault is None else getattr(fault.error, "code", "")
        trouble = None if fault is None else TROUBLES.get(code, "fault")
        return shown.hall(state, phones=self.phones_url, trouble=trouble)

    def _asset(self, path: str, kind: str) -> Route:
        return lambda _: Response(self._pages[path[1:]], content_type=kind)

    def _answer(self, request: Request) -> Response:
        route = self.routes().get(request.path)
        if route is None or (request.method not in ("GET", "HEAD") and request.path != "/act"):
            raise RefusedError(404 if route is None else 405, "ceremony-nothing-here")
        try:
            return route(request)
        except FORESEEN as error:
            return self._failed(error)

    def _failed(self, _error: Exception) -> Response:
        """Say in the hall's network that something went wrong, and no more: the sentence may name files."""
        return _refusal(RefusedError(503, "ceremony-fault"))

    def _qr_of_draw(self, _request: Request) -> Response:
        facts = self.state().facts
        named = facts.drawn or facts.announced
        if named is None:
            raise RefusedError(404, "ceremony-nothing-here")
        return _qr(named.link)

    def _qr_of_phones(self, _request: Request) -> Response:
        if self.phones_url is None:
            raise RefusedError(404, "ceremony-nothing-here")
        return _qr(self.phones_url)


@dataclass
class Office(Hall):
    """The operator's WSGI app: the hall's pages once more, and what needs the token."""

    hall_url: str | None = None
    _papers: dict[str, tuple[Path, float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def routes(self) -> Mapping[str, Route]:
        """Return what is answered at which path."""
        own = {
            "/operator": lambda _: Response(self._pages["ceremony.html"], content_type=_HTML),
            "/desk": self._desk,
            "/act": self._act,
        }
        return {**super().routes(), **own}

    def _answer(self, request: Request) -> Response:
        if request.path.startswith("/paper/") and request.method == "GET":
            return self._paper(request.path.removeprefix("/paper/"))
        return super()._answer(request)

    def state(self) -> State:
        """Return the state now."""
        return self.house.state()

    def _failed(self, error: Exception) -> Response:
        # Whoever came as far as an error on `/desk` or `/act` has the token; the hall's pages are here, too.
        return _told(error, 409)

    def _desk(self, request: Request) -> Response:
        self.gate.check_operator(request, time.monotonic())
        house, state = self.house, self.house.state()
        return _json(
            shown.desk(
                state,
                self.seen(state),
                roles=roles_of(house),
                findings=[_finding(one) for one in house.findings],
                examined=house.examined,
                tried=None if house.tried is None else sentences(house.tried),
                fault=None if house.fault is None else {"lasting": house.fault.lasting, **sentences(house.fault.error)},
                relays=[list(one) for one in house.relays],
                beacon=[{"chain": b.chain, "at": b.at} for b in (house.form.beacon if house.form else ()) if b.chain],
                ahead=house.ahead,
                hall=self.hall_url,
                folder=str(house.place.draw(house.name)),
            )
        )

    def _act(self, request: Request) -> Response:
        if request.method != "POST":
            raise RefusedError(405, "ceremony-nothing-here")
        self.gate.check_operator(request, time.monotonic())
        if request.mimetype != "application/json":
            # A form of another page can be sent without asking; JSON cannot.
            raise RefusedError(415, "ceremony-json")
        try:
            told = json.loads(request.get_data())
        except (ValueError, RecursionError):
            raise RefusedError(400, "ceremony-json") from None
        if isinstance(told, dict) and told.get("do") == "paper":
            return self._lend(told.get("name"))
        act(self.house, told)
        return _json(self.seen(self.house.state()))

    def _lend(self, name: object) -> Response:
        """Give a paper an address that opens once: what is sealed must not be readable for whoever knows a path."""
        house, now = self.house, time.monotonic()
        if name not in house.state().facts.papers:
            raise RefusedError(404, "ceremony-nothing-here")
        key = secrets.token_urlsafe(24)
        with self._lock:
            self._papers = {k: lent for k, lent in self._papers.items() if lent[1] > now}
            self._papers[key] = house.place.draw(house.name) / str(name), now + PAPER_SECONDS
        return _json({"path": f"/paper/{key}"})

    def _paper(self, key: str) -> Response:
        with self._lock:
            path, until = self._papers.pop(key, (None, 0.0))
        if path is None or until <= time.monotonic():
            raise RefusedError(404, "ceremony-nothing-here")
        kind = _PAPERS.get(path.suffix, "application/octet-stream")
        response = Response(read(path), content_type=kind, headers={"Content-Security-Policy": _PAPER_POLICY})
        if path.suffix not in _PAPERS:
            response.headers["Content-Disposition"] = f'attachment; filename="{path.name}"'
        return response


def _finding(one: Finding) -> dict[str, Any]:
    return {**facts(one), **{lang: sentence(Session(lang=lang), one) for lang in LANGUAGES}}


def _json(value: Mapping[str, Any]) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), content_type="application/json; charset=utf-8")


def _qr(content: str) -> Response:
    return Response(_drawn(content), content_type="image/svg+xml")


@lru_cache(maxsize=4)
def _drawn(content: str) -> str:
    return str(qr_svg(content))


def _told(error: Exception, status: int) -> Response:
    response = _json({"error": sentences(error)})
    response.status_code = status
    return response


def _refusal(refused: RefusedError) -> Response:
    told = {lang: catalogue(lang).say("error", refused.code) for lang in LANGUAGES}
    response = _json({"error": {"code": refused.code, **told}})
    response.status_code = refused.status
    return response
