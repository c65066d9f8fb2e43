"""Jobs: what was asked, how far it is and what came of it, in `state/service.sqlite`. Each is done once.

A caller names what it asks by an idempotency key. The same key with the same body is the same job, now or after a
restart; with another body it is a mistake; from another token it is refused, so that a request that somebody copied
gets neither a second doing nor the first one's answer. What was cut off (`interrupted`), or could not be done for a
reason that passes (`problems.TRANSIENT`), is done anew by the next request with its key: commands carry on.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from fairdraw_cli.files import PRIVATE
from fairdraw_cli.service.problems import TRANSIENT, ServiceError, status_of

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
OVER: Final = ("done", "failed", "cancelled", "interrupted")
KEEP: Final = 7 * 24 * 3600  # seconds that an answer is kept, and its key means something
NEWEST: Final = 100  # jobs of a list
_TABLE: Final = (
    """create table if not exists job (
    id text primary key, token text not null, operation text not null, key text not null unique, digest text not null,
    state text not null, attempts integer not null, created integer not null, started integer, ended integer,
    progress text, exit_code integer, answer text, notes text not null default '[]'
) strict""",
    "create index if not exists job_ended on job (ended)",
    "create index if not exists job_of on job (token, created)",
)


@dataclass(frozen=True)
class Job:
    """A job as it stands; `answer` is what the command answered, `exit_code` 0 to 3 as a command's."""

    id: str
    token: str
    operation: str
    digest: str
    state: State
    attempts: int
    created: int
    started: int | None = None
    ended: int | None = None
    progress: Mapping[str, Any] | None = None
    exit_code: int | None = None
    answer: Mapping[str, Any] | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def error(self) -> tuple[str, Mapping[str, Any]] | None:
        """The code and parameters of what went wrong, if something did."""
        match self.state, self.answer:
            case "failed", {"error": {"code": str(code), "params": dict(params)}}:
                return code, params
            case "failed", _:
                return "fault", {}
            case "interrupted", _:
                return "job-interrupted", {"found": self.id}
            case "cancelled", _:
                return "job-cancelled", {"found": self.id}
        return None


class Jobs:
    """The table of jobs. All calls come from one thread, and each is one transaction."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=PRIVATE)
        path.chmod(PRIVATE)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = full")  # an answer that was given must be there after a power cut
        self._database.execute("pragma secure_delete = on")  # an answer about bad rows quotes them: gone is gone
        for line in _TABLE:
            self._database.execute(line)

    def close(self) -> None:
        """Close the table."""
        self._database.close()

    def check(self) -> None:
        """Raise `sqlite3.Error` if nothing can be written."""
        self._database.execute("begin immediate")
        self._database.execute("rollback")

    def tidy(self, running: Collection[str], now: int) -> None:
        """Forget old answers, and store that what ran and is not among `running` was cut off.

        So are all jobs of a service that ended, with which their processes end (`child`), and those of which the disk
        did not take how they ended.
        """
        self._database.execute("delete from job where ended < ?", (now - KEEP,))
        open_ = self._database.execute("select id from job where ended is null").fetchall()
        for (name,) in open_:
            if name not in running:
                self._set(name, state="interrupted", ended=now)

    def claim(self, name: str, *, token: str, operation: str, key: str, digest: str, now: int) -> tuple[Job, bool]:
        """Return the job of a key, and whether it is now to be done; `name` is the id of a new one.

        Raises:
            ServiceError: `idempotency-key-of-another`, `idempotency-key-reused`, or `job-cancelled`.
        """
        row = self._database.execute("select * from job where key = ?", (key,)).fetchone()
        if row is None:
            self._database.execute(
                "insert into job (id, token, operation, key, digest, state, attempts, created)"
                " values (?, ?, ?, ?, ?, 'queued', 1, ?)",
                (name, token, operation, key, digest, now),
            )
            return self._job(name), True
        if row["token"] != token:
            raise ServiceError("idempotency-key-of-another")
        if (row["operation"], row["digest"]) != (operation, digest):
            raise ServiceError("idempotency-key-reused")
        job = _job(row)
        if job.state == "cancelled":
            raise ServiceError("job-cancelled", found=job.id)
        error = job.error
        if error is None or status_of(error[0]) not in TRANSIENT:
            return job, False
        self._set(job.id, state="queued", attempts=job.attempts + 1, started=None, ended=None, progress=None,
                  exit_code=None, answer=None, notes="[]")  # fmt: skip
        return self._job(job.id), True

    def get(self, name: str, token: str) -> Job:
        """Return a job of a token's.

        Raises:
            ServiceError: `no-such-job`, also for another token's: nobody learns that there is one.
        """
        row = self._database.execute("select * from job where id = ? and token = ?", (name, token)).fetchone()
        if row is None:
            raise ServiceError("no-such-job", found=name)
        return _job(row)

    def newest(self, token: str) -> list[Job]:
        """Return a token's newest jobs, the newest first."""
        query = "select * from job where token = ? order by created desc, rowid desc limit ?"
        return [_job(row) for row in self._database.execute(query, (token, NEWEST))]

    def started(self, name: str, now: int) -> None:
        """Store that a job runs."""
        self._set(name, state="running", started=now)

    def reached(self, name: str, progress: Mapping[str, Any]) -> None:
        """Store how far a job is."""
        self._set(name, progress=json.dumps(progress, ensure_ascii=False))

    def ended(
        self, name: str, state: State, now: int, *, exit_code: int | None = None,
        answer: Mapping[str, Any] | None = None, notes: list[str] | None = None,
    ) -> None:  # fmt: skip
        """Store what came of a job."""
        told = None if answer is None else json.dumps(answer, ensure_ascii=False)
        lines = json.dumps(notes or [], ensure_ascii=False)
        self._set(name, state=state, ended=now, exit_code=exit_code, answer=told, notes=lines)

    def _set(self, name: str, **columns: object) -> None:
        changes = ", ".join(f"{column} = ?" for column in columns)
        self._database.execute(f"update job set {changes} where id = ?", (*columns.values(), name))  # noqa: S608 - ours

    def _job(self, name: str) -> Job:
        return _job(self._database.execute("select * from job where id = ?", (name,)).fetchone())


def _job(row: sqlite3.Row) -> Job:
    told = dict(row)
    told.pop("key")
    read = {name: told[name] and json.loads(told[name]) for name in ("progress", "answer", "notes")}
    return Job(**(told | read))
