"""Problems as RFC 9457 has them: the command's code and parameters, its sentence in the caller's language, a status.

One table says which code has which status; whatever is not in it is a mistake in what was sent (422). A sentence is
made when it is asked for, so that a stored problem is told in the language of whoever reads it.
"""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fairdraw.errors import Error, WorkspaceError
from fairdraw_cli.session import LANGUAGES, Session

MEDIA_TYPE: Final = "application/problem+json"
TYPE: Final = "urn:fairdraw:problem:"
LONGEST: Final = 100  # characters of Accept-Language that are looked at

STATUSES: Final[Mapping[int, tuple[str, ...]]] = {
    400: (
        "bad-body",
        "bad-header",
        "bad-parameter",
        "parameter-unknown",
        "token-in-query",
        "usage",
        "idempotency-key-needed",
    ),
    401: ("token-needed",),
    403: ("role-forbidden",),
    404: (
        "artifact-missing",
        "draw-unknown",
        "no-such-entry",
        "no-such-file",
        "no-such-job",
        "no-such-number",
        "no-such-operation",
        "no-statement-there",
        "not-called",
    ),
    405: ("method-not-allowed",),
    408: ("upload-too-slow",),
    409: (
        "act-while-sealed",
        "already-drawn",
        "announcement-voided",
        "call-before",
        "clock-goes-back",
        "deferred-once",
        "draw-announced",
        "draw-voided",
        "events-closed",
        "events-open",
        "export-while-sealed",
        "frozen",
        "inspectors-slip-while-sealed",
        "item-list-not-logged",
        "job-cancelled",
        "job-over",
        "idempotency-key-of-another",
        "nobody-left",
        "needs-second",
        "not-drawn",
        "not-frozen",
        "not-sealed",
        "not-witnessed-in-time",
        "nothing-to-open",
        "plan-not-witnessed",
        "plan-version-without-reason",
        "pulse-missing",
        "practice-pulse-missing",
        "reveals-missing",
        "reveals-not-closed",
        "round-not-due",
        "slip-while-sealed",
        "slot-dead",
        "slot-taken",
        "statement-ahead",
        "too-early-to-open",
        "too-few-deposits",
        "too-late-to-close",
        "void-reason-differs",
        "witness-ahead",
        "witness-differs",
    ),
    413: ("body-too-large", "bundle-too-large", "file-too-large", "pulse-too-large"),
    415: ("body-compressed", "body-type"),
    422: ("idempotency-key-reused",),
    429: ("too-many-failures", "too-many-jobs", "rate-exceeded"),
    431: ("header-too-large",),
    500: ("fault",),
    503: (
        "disk-low",
        "extra-missing",
        "job-interrupted",
        "locked",
        "module-missing",
        "no-relay",
        "not-ready",
        "passphrase-needed",
        "system",
        "token-failed",
        "token-missing",
        "tokens-damaged",
    ),
}
_STATUS: Final = {code: status for status, codes in STATUSES.items() for code in codes}
TRANSIENT: Final = frozenset({500, 503})
"""Nothing was done, and asking again may do it: such an answer is not remembered for an idempotency key."""


class ServiceError(Error):
    """The service refuses a request before any command runs."""


def status_of(code: str) -> int:
    """Return the status of a code."""
    return _STATUS.get(code, 422)


def language(request: Request) -> str:
    """Return the language that a caller reads: of Accept-Language the one it likes best, Chinese where it says none."""
    best: tuple[float, str] = (0.0, "zh")
    for part in request.headers.get("accept-language", "")[:LONGEST].split(","):
        match = re.fullmatch(r"\s*(zh|en)(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q=([01](?:\.[0-9]{0,3})?))?\s*", part)
        if match is not None and (weight := float(match[2] or 1)) > best[0]:
            best = (weight, match[1])
    return best[1] if best[1] in LANGUAGES else "zh"


def sentence(code: str, params: Mapping[str, Any], lang: str) -> str:
    """Return the sentence of a code, as the command would say it."""
    session = Session(lang=lang)
    match code:
        case "usage":
            return session.word("service.usage", reason=params.get("reason", ""))
        case "system":
            return session.word("system.failed", file=params.get("file", ""), reason=params.get("reason", ""))
        case "fault":
            return session.word("service.fault")
    return session.error(WorkspaceError(code, **params)) if session.words.has("error", code) else code


def problem(code: str, params: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """Return the members of a problem; of a fault of the program nothing but that there was one."""
    status = status_of(code)
    return {
        "type": f"{TYPE}{code}",
        "title": Session(lang=lang).word(f"service-status.{status}"),
        "status": status,
        "detail": sentence(code, params, lang),
        "code": code,
        "params": {} if code == "fault" else dict(params),
    }


def refusal(
    code: str, params: Mapping[str, Any], lang: str, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """Return the answer that a problem is; `more` are members beside its own."""
    told = {**problem(code, params, lang), **more}
    usual = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Language": lang}
    if told["status"] == HTTPStatus.UNAUTHORIZED:
        usual["WWW-Authenticate"] = 'Bearer realm="fairdraw"'
    if told["status"] in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        usual["Retry-After"] = "1"
    body = json.dumps(told, ensure_ascii=False, default=str).encode()
    return Response(body, told["status"], {**usual, **(headers or {})}, MEDIA_TYPE)
