"""What callers are answered: the models of the description, a job as one of them, and the headers of every answer."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from fairdraw.encoding import format_time
from fairdraw_cli.service.jobs import Job
from fairdraw_cli.service.problems import problem, refusal

PIECE: Final = 64 << 10  # bytes
SAFE: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",  # a file that somebody opens here must not run
    "Referrer-Policy": "no-referrer",
}
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)


class Problem(BaseModel):
    """A problem as RFC 9457 has it; `code` and `params` are those of the command."""

    model_config = ConfigDict(extra="allow")
    type: str = Field(examples=["urn:fairdraw:problem:round-not-due"])
    title: str
    status: int
    detail: str
    code: str = Field(examples=["round-not-due"])
    params: dict[str, Any]


class Progress(BaseModel):
    """How far a job is: `done` of `total`, null where that is not known."""

    done: int
    total: int | None
    what: str


class JobAnswer(BaseModel):
    """A job. `exit_code` is the command's: 0 holds or done, 1 does not hold, 3 cannot tell."""

    id: str
    operation: str
    state: Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
    attempts: int
    created: str
    started: str | None
    ended: str | None
    progress: Progress | None
    exit_code: int | None
    result: dict[str, Any] | None
    notes: list[str]
    problem: Problem | None


class JobList(BaseModel):
    """The newest jobs of a token, the newest first."""

    jobs: list[JobAnswer]


class WorkspaceAnswer(BaseModel):
    """Whose log this is, and how far it is."""

    bureau: str
    origin: str
    rehearsal: bool
    size: int
    root: str
    quorum: str | None


class DrawAnswer(BaseModel):
    """An announced draw; numbers are entries of the log."""

    id: str
    state: Literal["announced", "drawn", "sealed", "voided"]
    slots: list[str]
    window: str
    announcement: int
    draw: int | None
    void: int | None
    calls: list[int]
    text: str


class DrawList(BaseModel):
    """The announced draws, by id."""

    draws: list[DrawAnswer]


class FileAnswer(BaseModel):
    """A file of a draw."""

    name: str
    size: int
    private: bool
    url: str


class FileList(BaseModel):
    """The files of a draw that the caller may see."""

    files: list[FileAnswer]


class Health(BaseModel):
    """That the service answers."""

    status: Literal["ok"]


MODELS: tuple[type[BaseModel], ...] = (
    Problem, JobAnswer, JobList, WorkspaceAnswer, DrawAnswer, DrawList, FileList, Health,
)  # fmt: skip


def of_job(job: Job, lang: str) -> dict[str, Any]:
    """Return a job as callers see it; its problem is told in their language."""
    error = job.error
    over = job.state == "done"

    def time(seconds: int | None) -> str | None:
        return None if seconds is None else format_time(seconds)

    return {
        "id": job.id,
        "operation": job.operation,
        "state": job.state,
        "attempts": job.attempts,
        "created": time(job.created),
        "started": time(job.started),
        "ended": time(job.ended),
        "progress": job.progress,
        "exit_code": job.exit_code,
        "result": job.answer if over else details(job.answer),
        "notes": job.notes,
        "problem": None if error is None else problem(*error, lang),
    }


def details(answer: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what a command answered beside its error, the bad rows of a registry say; None where nothing."""
    rest = {name: value for name, value in (answer or {}).items() if name != "error"}
    return rest or None


def as_json(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return an answer in JSON."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return Response(body, status, {**SAFE, **(headers or {})}, "application/json")


def refused(code: str, params: Mapping[str, Any], lang: str) -> Response:
    """Return the answer of a request of which nothing became."""
    # The rest of a body that was not read must not be taken for the next request.
    headers = {"Connection": "close"}
    if "seconds" in params:
        headers["Retry-After"] = str(params["seconds"])
    return refusal(code, params, lang, headers)


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file piece by piece, and close it."""
    with file:
        while piece := file.read(PIECE):
            yield piece
