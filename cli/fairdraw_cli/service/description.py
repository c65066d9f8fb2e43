"""The service's description: OpenAPI 3.1, made of the table of operations, and the page that shows it."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from fairdraw_cli.forms import DrawForm
from fairdraw_cli.planform import ItemsForm, PlanForm
from fairdraw_cli.service.answers import MODELS
from fairdraw_cli.service.bodies import Body
from fairdraw_cli.service.operations import (
    CLOCKED,
    LEAD,
    OPERATIONS,
    PARTS,
    QUERY,
    READING,
    Operation,
)
from fairdraw_cli.service.problems import MEDIA_TYPE, STATUSES
from fairdraw_cli.service.reading import FILE
from fairdraw_cli.service.tokens import ROLES, Role
from fairdraw_cli.session import Session

DATA: Final = Path(__file__).parents[1] / "data" / "service"
_FORMS: Final[tuple[type[BaseModel], ...]] = (PlanForm, ItemsForm, DrawForm)
_TIMES: Final = (("BeaconForm", "at"),)  # they are read from text into a number
_FILES: Final = {"DrawForm": ("recusals",), "BeaconForm": ("events",)}  # no file is named over HTTP
_MEDIA: Final = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css"}
_TOLD: Final = ("Location", "Fairdraw-Job")
_EVERYWHERE: Final = (400, 401, 403, 429, 431, 500, 503)
_READING: Final = (
    ("list_jobs", "/v1/jobs", ROLES[:-1], "JobList", "application/json"),
    ("get_job", "/v1/jobs/{job}", ROLES[:-1], "JobAnswer", "application/json"),
    ("get_workspace", "/v1/workspace", READING, "WorkspaceAnswer", "application/json"),
    ("list_draws", "/v1/draws", READING, "DrawList", "application/json"),
    ("get_draw", "/v1/draws/{draw}", READING, "DrawAnswer", "application/json"),
    ("list_files", "/v1/draws/{draw}/files", READING, "FileList", "application/json"),
    ("get_file", "/v1/draws/{draw}/files/{file}", READING, "", "application/octet-stream"),
    ("get_map", "/v1/registries/{registry}/map", ("clerk", "lead"), "", "application/toml"),
    ("get_metrics", "/metrics", ("metrics",), "", "text/plain"),
    ("get_health", "/healthz", (), "Health", "application/json"),
    ("get_readiness", "/readyz", (), "Health", "application/json"),
)
_PATTERNS: Final = {**PARTS, "job": "[0-9a-f]{32}", "file": FILE.pattern}


def page_file(name: str) -> tuple[bytes, str]:
    """Return a file of the page that shows the description, and its media type."""
    path = DATA / (name if "." in name else f"{name}.html")
    return path.read_bytes(), _MEDIA[path.suffix]


@lru_cache(maxsize=8)
def document(lang: str, root_path: str) -> dict[str, Any]:
    """Return the description in a language."""
    session = Session(lang=lang)
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})["post"] = _doing(session, operation)
    for name, path, roles, model, media in _READING:
        paths.setdefault(path, {})["get"] = _asking(session, name, path, roles, model, media)
    paths["/v1/jobs/{job}"]["delete"] = _plain(session, "cancel_job", "/v1/jobs/{job}", ROLES[:-1]) | {
        "responses": {"200": _content("JobAnswer"), **_problems((404, 409))}
    }
    registry = paths["/v1/registries/{registry}/map"]
    registry["put"] = _plain(session, "put_map", "/v1/registries/{registry}/map", LEAD) | {
        "requestBody": {"required": True, "content": {"application/toml": {"schema": {"type": "string"}}}},
        "responses": {"204": {"description": "204"}, **_problems((408, 413, 415, 422))},
    }
    registry["delete"] = _plain(session, "delete_map", "/v1/registries/{registry}/map", LEAD) | {
        "responses": {"204": {"description": "204"}, **_problems(())}
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": session.word("service.title"), "version": "1", "summary": session.word("service.summary")},
        "servers": [{"url": root_path or "/"}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer",
                                          "description": session.word("service.token")}},
        },
    }  # fmt: skip


def _schemas() -> dict[str, Any]:
    bodies = [operation.body for operation in OPERATIONS if operation.body is not None]
    wanted: list[type[BaseModel]] = [*dict.fromkeys(bodies), *_FORMS, *MODELS]
    _, told = models_json_schema(
        [(model, "validation") for model in wanted], ref_template="#/components/schemas/{model}"
    )
    schemas: dict[str, Any] = told["$defs"]
    for body in bodies:
        for member, form in body.FORMS.items():
            schemas[body.__name__]["properties"][member] = {"$ref": f"#/components/schemas/{form}"}
    for form, member in _TIMES:
        schemas[form]["properties"][member] = {"type": "string", "format": "date-time", "title": member}
    for form, members in _FILES.items():
        for member in members:
            del schemas[form]["properties"][member]
    del schemas["JsonValue"]
    for name in ("ResultBody", "CorrectBody"):
        schemas[name]["properties"]["outcomes"]["items"] = {"type": "object", "additionalProperties": True}
    return schemas


def _plain(session: Session, name: str, path: str, roles: tuple[Role, ...]) -> dict[str, Any]:
    """Return what every operation says: its name, who may ask for it, the parts of its path."""
    parts = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    security: list[dict[str, list[str]]] = [{"token": list(roles)}] if roles else []
    return {
        "operationId": name,
        "summary": session.word(f"service-operation.{name.replace('_', '-')}"),
        "security": security,
        "tags": [path.split("/")[2] if path.startswith("/v1/") else "service"],
        "parameters": [_parameter(session, "path", part, _PATTERNS[part], required=True) for part in parts],
    }


def _asking(
    session: Session, name: str, path: str, roles: tuple[Role, ...], model: str, media: str
) -> dict[str, Any]:  # fmt: skip
    told = _plain(session, name, path, roles)
    if name == "get_job":
        told["parameters"].append(_prefer(session))
    answer = _content(model) if model else {"description": "200", "content": {media: {"schema": _raw(media)}}}
    return {**told, "responses": {"200": answer, **_problems((404, 409, 422))}}


def _raw(media: str) -> dict[str, str]:
    return {"type": "string"} if media in ("text/plain", "text/csv", "application/toml", "application/json") else {
        "type": "string", "format": "binary"
    }  # fmt: skip


def _doing(session: Session, operation: Operation) -> dict[str, Any]:
    told = _plain(session, operation.id, operation.path, operation.roles)
    key = _parameter(session, "header", "Idempotency-Key", "[A-Za-z0-9._:-]{8,200}", required=True)
    key["example"] = "0190f7c2-7c5e-7d3b-9d53-5d0b1f0f6a11"
    told["parameters"] += [key, _prefer(session)]
    if operation.id in CLOCKED:
        told["parameters"].append(_parameter(session, "header", "Fairdraw-Clock", "[0-9TZ:-]{1,40}", required=False))
    told["parameters"] += [_parameter(session, "query", name, QUERY[name], required=False) for name in operation.query]
    if operation.body is None:
        content = {media: {"schema": _raw(media)} for media in operation.files}
    else:
        content = {"application/json": _body(operation.body)}
    answers = {"200": _job(), "202": _job()}
    told["requestBody"] = {"required": True, "content": content}
    return {**told, "responses": {**answers, **_problems((404, 408, 409, 413, 415, 422))}}


def _body(body: type[Body]) -> dict[str, Any]:
    told: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{body.__name__}"}}
    if body.EXAMPLE is not None:
        told["example"] = body.EXAMPLE
    return told


def _content(model: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model}"}
    return {"description": model, "content": {"application/json": {"schema": schema}}}


def _job() -> dict[str, Any]:
    """Return the answer of a job, with where it can be asked for."""
    return {**_content("JobAnswer"), "headers": {name: {"schema": {"type": "string"}} for name in _TOLD}}


def _problems(statuses: tuple[int, ...]) -> dict[str, Any]:
    """Return the problems of an operation, with the codes that a status has."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        str(status): {
            "description": ", ".join(STATUSES[status]) or str(status),
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in sorted({*_EVERYWHERE, *statuses})
    }


def _parameter(session: Session, where: str, name: str, pattern: str, *, required: bool) -> dict[str, Any]:
    told = session.word(f"service-parameter.{name.lower().replace('_', '-')}")
    schema: dict[str, Any] = {"type": "string", "pattern": f"^(?:{pattern})$"}
    if re.fullmatch(r"[a-z]+(\|[a-z]+)+", pattern):
        schema = {"type": "string", "enum": pattern.split("|")}
    return {"name": name, "in": where, "required": required, "description": told, "schema": schema}


def _prefer(session: Session) -> dict[str, Any]:
    told = _parameter(session, "header", "Prefer", "wait=[0-9]{1,2}", required=False)
    return {**told, "example": "wait=30"}
