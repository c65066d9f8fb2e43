"""One request, looked at before anything is done for it: its address, its headers, its body."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from starlette.requests import Request

from fairdraw_cli.files import read
from fairdraw_cli.service.operations import QUERY, Operation
from fairdraw_cli.service.problems import ServiceError

KEY: Final = re.compile("[A-Za-z0-9._:-]{8,200}", re.ASCII)
MAX_WAIT: Final = 60  # seconds of `Prefer: wait`
TOKEN_NAMES: Final = ("access_token", "token", "authorization", "api_key")


def check_no_token(request: Request) -> None:
    """Refuse a token in an address: addresses are written down by every server on the way.

    Raises:
        ServiceError: `token-in-query`.
    """
    for name, value in request.query_params.multi_items():
        if name.lower() in TOKEN_NAMES or "fairdraw." in value or "fairdraw." in name:
            raise ServiceError("token-in-query")


def check_query(request: Request, known: Sequence[str]) -> None:
    """Refuse a parameter that the operation has not, or that stands twice.

    Raises:
        ServiceError: `parameter-unknown`, or `bad-parameter`.
    """
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in known or given.count(name) > 1:
            raise ServiceError("parameter-unknown", expected=list(known), found=name)
        check_part("query", name, "zh|en" if name == "lang" else QUERY[name], request.query_params[name])


def check_part(where: str, name: str, pattern: str, found: str) -> None:
    """Refuse a part of an address that has another form.

    Raises:
        ServiceError: `bad-parameter`.
    """
    if re.fullmatch(pattern, found, re.ASCII) is None:
        raise ServiceError("bad-parameter", where=where, key=name, expected=pattern, found=found)


def key_of(request: Request) -> str:
    """Return the idempotency key of a request.

    Raises:
        ServiceError: `idempotency-key-needed`, or `bad-header`.
    """
    key = request.headers.get("idempotency-key", "")
    if not key:
        raise ServiceError("idempotency-key-needed")
    if not KEY.fullmatch(key):
        raise ServiceError("bad-header", found="idempotency-key")
    return key


def media_type(request: Request) -> str:
    """Return the media type of a body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def media_of(request: Request, operation: Operation) -> str:
    """Return the media type of an operation's body.

    Raises:
        ServiceError: `body-type`.
    """
    media, known = media_type(request), list(operation.files) or ["application/json"]
    if media not in known:
        raise ServiceError("body-type", expected=known, found=media)
    return media


def patience(request: Request) -> int:
    """Return the seconds of `Prefer: wait=N` (RFC 7240), 0 where the caller does not wait."""
    match = re.search(r"(?:^|[,;\s])wait=([0-9]{1,4})(?:$|[,;\s])", request.headers.get("prefer", "")[:200])
    return min(int(match[1]), MAX_WAIT) if match else 0


def body_of(operation: Operation, path: Path) -> Any:
    """Return what a JSON body says.

    Raises:
        ServiceError: `bad-body`, with the member that is wrong.
    """
    if operation.body is None:
        return None
    try:
        return operation.body.model_validate_json(read(path))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"])) or "{}"
        raise ServiceError("bad-body", key=key, expected=first["msg"], found=first["type"]) from None
