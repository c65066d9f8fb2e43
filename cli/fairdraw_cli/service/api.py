"""The service itself: requests come in, are let in or refused, and become jobs."""

import json
import math
import os
import re
import secrets
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from fairdraw.encoding import digest
from fairdraw.errors import Error
from fairdraw.registry import load_map
from fairdraw_cli.files import PRIVATE, PRIVATE_FOLDER, read, write
from fairdraw_cli.service import telemetry
from fairdraw_cli.service.answers import PAGE_POLICY, SAFE, as_json, details, of_job, pieces, refused
from fairdraw_cli.service.description import document, page_file
from fairdraw_cli.service.incoming import (
    body_of,
    check_no_token,
    check_part,
    check_query,
    key_of,
    media_of,
    media_type,
    patience,
)
from fairdraw_cli.service.jobs import OVER, Job, Jobs, State
from fairdraw_cli.service.limits import (
    BURST,
    CONNECTIONS,
    FAILED_AT_ONCE,
    FAILURES,
    SMALL_BODY,
    Buckets,
    check_headers,
    receive,
)
from fairdraw_cli.service.operations import CLOCKED, LEAD, OPERATIONS, PARTS, READING, Asked, Operation
from fairdraw_cli.service.problems import ServiceError, language, refusal
from fairdraw_cli.service.reading import ROOM, Reading
from fairdraw_cli.service.runner import WAITING, Runner, Work, shown
from fairdraw_cli.service.telemetry import Telemetry
from fairdraw_cli.service.tokens import ROLES, Doorkeeper, Role, Token, path_of
from transparency_log.errors import LogError

Handler = Callable[[Request, Token], Awaitable[Response]]
CLOCK: Final = re.compile("[0-9TZ:-]{1,40}", re.ASCII)
JOB: Final = re.compile("[0-9a-f]{32}", re.ASCII)
WAITERS: Final = CONNECTIONS // 2  # requests that are held until a job is over
UPLOADS: Final = 16  # bodies that are received at once: each may take its limit of the disk


class Service:
    """A workspace's service; `app` is the ASGI application."""

    def __init__(
        self, root: Path, *, rate: float, keys: Mapping[str, bytes] | None = None, root_path: str = ""
    ) -> None:
        self.root = root.absolute()
        self._folder = self.root / "state" / "service"
        self._keys = keys
        self._doorkeeper = Doorkeeper(path_of(self.root))
        self._reading = Reading(self.root)
        self._telemetry = Telemetry()
        self._requests, self._failures = Buckets(rate, rate * BURST), Buckets(FAILURES, FAILED_AT_ONCE)
        self._uploads = self._promised = self._waiting = 0
        self.jobs: Jobs
        self.runner: Runner
        self.app = FastAPI(
            openapi_url=None, docs_url=None, redoc_url=None, lifespan=self._life, root_path=root_path,
            redirect_slashes=False, exception_handlers={HTTPException: self._no_such_route},
        )  # fmt: skip
        self._routes()

    @asynccontextmanager
    async def _life(self, _app: FastAPI) -> AsyncIterator[None]:
        work = self._folder / "work"
        shutil.rmtree(work, ignore_errors=True)  # what was uploaded for commands that were cut off
        work.mkdir(mode=PRIVATE_FOLDER, parents=True)
        self.jobs = Jobs(self.root / "state" / "service.sqlite")
        self.jobs.tidy((), int(time.time()))
        self.runner = Runner(self.root, self.jobs, secrets=self._keys, over=self._over)
        try:
            yield
        finally:
            await self.runner.close()
            self.jobs.close()

    def _over(self, job: Job, state: State) -> None:
        error = self.jobs.get(job.id, job.token).error
        self._telemetry.job_over(job.operation, state, error[0] if error else None, job.id)

    def _routes(self) -> None:
        def route(
            method: str, path: str, roles: Sequence[Role] | None, handler: Handler, query: Sequence[str] = ()
        ) -> None:
            endpoint = self._guarded(path, roles, handler, query)
            self.app.add_api_route(path, endpoint, methods=[method], include_in_schema=False)

        for operation in OPERATIONS:
            route("POST", operation.path, operation.roles, self._doing(operation), operation.query)
        route("GET", "/v1/jobs", ROLES[:-1], self._list_jobs)
        route("GET", "/v1/jobs/{job}", ROLES[:-1], self._get_job)
        route("DELETE", "/v1/jobs/{job}", ROLES[:-1], self._cancel_job)
        route("GET", "/v1/workspace", READING, self._json(lambda _r, _t: self._reading.workspace()))
        route("GET", "/v1/draws", READING, self._json(lambda _r, _t: {"draws": self._reading.draws()}))
        route("GET", "/v1/draws/{draw}", READING, self._json(lambda r, _t: self._reading.draw(r.path_params["draw"])))
        route("GET", "/v1/draws/{draw}/files", READING, self._json(self._files))
        route("GET", "/v1/draws/{draw}/files/{file}", READING, self._file)
        route("PUT", "/v1/registries/{registry}/map", LEAD, self._put_map)
        route("GET", "/v1/registries/{registry}/map", ("clerk", "lead"), self._get_map)
        route("DELETE", "/v1/registries/{registry}/map", LEAD, self._delete_map)
        route("GET", "/metrics", ("metrics",), self._metrics)
        route("GET", "/healthz", None, self._health)
        route("GET", "/readyz", None, self._ready)
        route("GET", "/openapi.json", None, self._openapi, ("lang",))
        for name in ("docs", "docs.js", "docs.css"):
            route("GET", f"/{name}", None, self._page(name))

    def _guarded(
        self, path: str, roles: Sequence[Role] | None, handler: Handler, query: Sequence[str]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return an endpoint that lets in whom it may, and tells whatever goes wrong as a problem."""

        async def endpoint(request: Request) -> Response:
            began, lang, token = time.monotonic(), language(request), None
            try:
                check_headers(request)
                check_no_token(request)
                token = self._stranger(request) if roles is None else self._let_in(request, roles)
                check_query(request, query)
                response = await handler(request, token)
            except (Error, LogError) as error:
                response = refused(error.code, shown(error.params, self.root), lang)
            except sqlite3.Error as error:
                telemetry.fault(error)
                response = refusal("not-ready", {}, lang)
            except OSError as error:
                telemetry.fault(error)
                response = refusal("system", {"file": "", "reason": error.strerror or ""}, lang)
            except Exception as error:  # noqa: BLE001 - the last resort: no traceback leaves this house
                telemetry.fault(error)
                response = refusal("fault", {}, lang)
            holder = token.id if token else None
            self._telemetry.answered(route=path, method=request.method, status=response.status_code, began=began,
                                     token=holder or None, job=response.headers.get("fairdraw-job"))  # fmt: skip
            return response

        return endpoint

    def _stranger(self, request: Request) -> Token:
        """Return nobody, who may ask for a few things too: as often as a token, from one address.

        Raises:
            ServiceError: `rate-exceeded`.
        """
        if wait := self._requests.take(f"from {request.client.host if request.client else ''}"):
            raise ServiceError("rate-exceeded", seconds=math.ceil(wait))
        return NOBODY

    def _let_in(self, request: Request, roles: Sequence[Role]) -> Token:
        """Return who asks.

        Raises:
            ServiceError: `token-needed`, `too-many-failures`, `role-forbidden` or `rate-exceeded`.
        """
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        try:
            token = self._doorkeeper.holder(text, int(time.time())) if kind.lower() == "bearer" else None
        except Error as error:  # the file of tokens is damaged, which is nobody's business who has none
            telemetry.fault(error)
            raise ServiceError("not-ready") from None
        if token is None:
            # Only failures are counted: nobody can lock out the holder of a token who shares an address with him.
            if wait := self._failures.take(request.client.host if request.client else ""):
                raise ServiceError("too-many-failures", seconds=math.ceil(wait))
            raise ServiceError("token-needed")
        if wait := self._requests.take(token.id):
            raise ServiceError("rate-exceeded", seconds=math.ceil(wait))
        if token.role not in roles:
            raise ServiceError("role-forbidden", expected=list(roles), found=token.role)
        return token

    async def _no_such_route(self, request: Request, error: Exception) -> Response:
        began, lang = time.monotonic(), language(request)
        status = error.status_code if isinstance(error, HTTPException) else 404
        allow = dict(getattr(error, "headers", None) or {})
        code = "method-not-allowed" if status == 405 else "no-such-operation"
        response = refusal(code, {}, lang, {**allow, "Connection": "close"})
        method = request.method if request.method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS") else "other"
        self._telemetry.answered(route="unknown", method=method, status=response.status_code, began=began, token=None,
                                 job=None)  # fmt: skip
        return response

    def _doing(self, operation: Operation) -> Handler:
        async def handler(request: Request, token: Token) -> Response:
            lang = language(request)
            job = await self._ask(operation, request, token)
            return self._answer(request, await self._waited_for(job, request), lang)

        return handler

    async def _waited_for(self, job: Job, request: Request) -> Job:
        """Return a job as it is after as long as the caller wants to wait, or at once where too many wait already.

        `Prefer` is a wish (RFC 7240 §2): who waits holds a connection, and all of them together must not hold all.
        """
        seconds = patience(request) if self._waiting < WAITERS else 0
        if job.state in OVER or not seconds:
            return job
        self._waiting += 1
        try:
            await self.runner.wait(job.id, seconds)
        finally:
            self._waiting -= 1
        return self.jobs.get(job.id, job.token)

    async def _ask(self, operation: Operation, request: Request, token: Token) -> Job:
        """Return the job that a request is: a new one, or that of its key."""
        for part in operation.parts:
            check_part("path", part, PARTS[part], request.path_params[part])
        key, media = key_of(request), media_of(request, operation)
        clock = request.headers.get("fairdraw-clock")
        if clock is not None and (operation.id not in CLOCKED or not CLOCK.fullmatch(clock)):
            raise ServiceError("bad-header", found="fairdraw-clock")
        if self.runner.waiting >= WAITING or self._uploads >= UPLOADS:
            raise ServiceError("too-many-jobs")
        if shutil.disk_usage(self._folder).free < ROOM + self._promised + operation.limit:
            raise ServiceError("disk-low")  # what waits here must not keep the log from growing
        name = secrets.token_hex(16)
        folder = self._folder / "work" / name
        folder.mkdir(mode=PRIVATE_FOLDER)
        fresh = False
        self._uploads += 1
        self._promised += operation.limit
        try:
            file = operation.file(media, request.query_params)
            sent = await receive(request, folder / file, operation.limit)
            asked = Asked(dict(request.path_params), dict(request.query_params), body_of(operation, folder / file),
                          folder, file, again=False, root=self.root)  # fmt: skip
            mapping = self._map(asked)
            words = list(operation.words(asked))
            told = [operation.id, asked.path, asked.query, media, sent.hex(), clock, digest(mapping)]
            named = digest(json.dumps(told, sort_keys=True).encode())
            self.jobs.tidy(self.runner.running, int(time.time()))
            job, fresh = self.jobs.claim(
                name, token=token.id, operation=operation.id, key=key, digest=named, now=int(time.time())
            )
            if fresh:
                if job.attempts > 1:
                    words = list(operation.words(replace(asked, again=True)))
                work = Work(folder, _common(words, clock), language(request), operation.reads)
                self.runner.begin(job, work)
            return job
        finally:
            self._uploads -= 1
            self._promised -= operation.limit
            if not fresh:
                shutil.rmtree(folder, ignore_errors=True)

    def _map(self, asked: Asked) -> bytes:
        """Put the registry's map beside what was uploaded of it, and return its bytes."""
        if "registry" not in asked.path or not (path := self._map_path(asked.path["registry"])).exists():
            return b""
        data = read(path)
        write(asked.folder / "map.toml", data, mode=PRIVATE)
        return data

    def _answer(self, request: Request, job: Job, lang: str) -> Response:
        location = f"{request.scope.get('root_path', '')}/v1/jobs/{job.id}"
        headers = {"Location": location, "Fairdraw-Job": job.id}
        if job.error is not None:
            more: dict[str, Any] = {"result": details(job.answer), "notes": job.notes, "job": job.id}
            return refusal(job.error[0], job.error[1], lang, headers, **more)
        return as_json(of_job(job, lang), 200 if job.state == "done" else 202, headers)

    async def _list_jobs(self, request: Request, token: Token) -> Response:
        lang = language(request)
        self.jobs.tidy(self.runner.running, int(time.time()))
        return as_json({"jobs": [of_job(job, lang) for job in self.jobs.newest(token.id)]})

    async def _get_job(self, request: Request, token: Token) -> Response:
        job = await self._waited_for(self._job(request, token), request)
        return as_json(of_job(job, language(request)))

    async def _cancel_job(self, request: Request, token: Token) -> Response:
        job = self._job(request, token)
        if not await self.runner.cancel(job.id):
            raise ServiceError("job-over", found=job.id)
        return as_json(of_job(self._job(request, token), language(request)))

    def _job(self, request: Request, token: Token) -> Job:
        check_part("path", "job", JOB.pattern, request.path_params["job"])
        self.jobs.tidy(self.runner.running, int(time.time()))
        return self.jobs.get(request.path_params["job"], token.id)

    def _json(self, make: Callable[[Request, Token], dict[str, Any]]) -> Handler:
        async def handler(request: Request, token: Token) -> Response:
            if "draw" in request.path_params:
                check_part("path", "draw", PARTS["draw"], request.path_params["draw"])
            return as_json(await run_in_threadpool(make, request, token))

        return handler

    def _files(self, request: Request, token: Token) -> dict[str, Any]:
        return {"files": self._reading.files(request.path_params["draw"], private=token.role in LEAD)}

    async def _file(self, request: Request, token: Token) -> Response:
        draw, name = request.path_params["draw"], request.path_params["file"]
        check_part("path", "draw", PARTS["draw"], draw)
        found = await run_in_threadpool(self._reading.open_file, draw, name, private=token.role in LEAD)
        file = os.fdopen(found, "rb")  # it is closed even where the caller has gone before the first piece
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Length": str(os.fstat(file.fileno()).st_size),
        }
        return StreamingResponse(
            iterate_in_threadpool(pieces(file)), headers={**SAFE, **headers}, media_type="application/octet-stream"
        )

    def _map_path(self, registry: str) -> Path:
        return self._folder / "maps" / f"{registry}.toml"

    async def _put_map(self, request: Request, _token: Token) -> Response:
        registry = request.path_params["registry"]
        check_part("path", "registry", PARTS["registry"], registry)
        if media_type(request) != "application/toml":
            raise ServiceError("body-type", expected=["application/toml"], found=media_type(request))
        spool = self._folder / "work" / f"{secrets.token_hex(16)}.toml"
        try:
            await receive(request, spool, SMALL_BODY)
            data = read(spool)
            load_map(data.decode("utf-8-sig", "replace"))  # what no command could use is not kept
        finally:
            spool.unlink(missing_ok=True)
        write(self._map_path(registry), data, mode=PRIVATE)
        return Response(status_code=204, headers=SAFE)

    async def _get_map(self, request: Request, _token: Token) -> Response:
        registry = request.path_params["registry"]
        check_part("path", "registry", PARTS["registry"], registry)
        path = self._map_path(registry)
        if not path.exists():
            raise ServiceError("no-such-file", found="map")
        return Response(read(path), headers=SAFE, media_type="application/toml")

    async def _delete_map(self, request: Request, _token: Token) -> Response:
        registry = request.path_params["registry"]
        check_part("path", "registry", PARTS["registry"], registry)
        self._map_path(registry).unlink(missing_ok=True)
        return Response(status_code=204, headers=SAFE)

    async def _metrics(self, _request: Request, _token: Token) -> Response:
        self._telemetry.waiting.set(self.runner.waiting)
        return Response(self._telemetry.text(), headers=SAFE, media_type=telemetry.MEDIA_TYPE)

    async def _health(self, _request: Request, _token: Token) -> Response:
        return as_json({"status": "ok"})

    async def _ready(self, _request: Request, _token: Token) -> Response:
        try:
            self.jobs.check()
            await run_in_threadpool(self._reading.check)
        except (Error, LogError, OSError, sqlite3.Error) as error:
            telemetry.fault(error)
            raise ServiceError("disk-low" if getattr(error, "code", "") == "disk-low" else "not-ready") from None
        return as_json({"status": "ok"})

    async def _openapi(self, request: Request, _token: Token) -> Response:
        lang = request.query_params.get("lang") or language(request)
        return as_json(document(lang, request.scope.get("root_path", "")))

    def _page(self, name: str) -> Handler:
        data, media = page_file(name)

        async def handler(_request: Request, _token: Token) -> Response:
            return Response(data, headers={**SAFE, "Content-Security-Policy": PAGE_POLICY}, media_type=media)

        return handler


NOBODY: Final = Token("", "metrics", "", 0)


def _common(words: list[str], clock: str | None) -> list[str]:
    """Return a command's words with the options that we add, before its arguments."""
    added = ["--json", *([] if clock is None else [f"--clock={clock}"])]
    at = words.index("--") if "--" in words else len(words)
    return [*words[:at], *added, *words[at:]]
