"""Running jobs: each in a process of its own, one writer at a time, two readers beside it.

A command's folder holds what was uploaded for it, which may be names and telephone numbers; it goes when the command
ends, however it ends.
"""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fairdraw_cli.service import telemetry
from fairdraw_cli.service.jobs import Job, Jobs, State
from fairdraw_cli.session import CANNOT_TELL, DOES_NOT_HOLD, PROGRESS

READERS: Final = 2  # a verification takes a core
WAITING: Final = 100  # jobs that are not over, all tokens together
GRACE: Final = 10.0  # seconds that a running command has when the service is told to stop
MAX_NOTES: Final = 64 << 10  # bytes of standard error that are kept


@dataclass(frozen=True)
class Work:
    """A command to run: its words, the folder that is its own, and whether it leaves the workspace as it is."""

    folder: Path
    words: Sequence[str]
    lang: str
    reads: bool


class Runner:
    """The processes of a service. All calls come from the event loop's thread."""

    def __init__(
        self, root: Path, jobs: Jobs, *, secrets: Mapping[str, bytes] | None = None,
        over: Callable[[Job, State], None] = lambda _job, _state: None,
    ) -> None:  # fmt: skip
        self._root, self._jobs, self._secrets, self._over = root.absolute(), jobs, secrets or {}, over
        self._lifeline = os.pipe()
        self._writer, self._readers = asyncio.Lock(), asyncio.Semaphore(READERS)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._cancelled: set[str] = set()

    @property
    def waiting(self) -> int:
        """How many jobs are not over."""
        return len(self._tasks)

    @property
    def running(self) -> Collection[str]:
        """The jobs that are not over."""
        return self._tasks.keys()

    def begin(self, job: Job, work: Work) -> None:
        """Run a job as soon as it is its turn."""
        task = asyncio.get_running_loop().create_task(self._run(job, work))
        self._tasks[job.id] = task

    async def wait(self, name: str, seconds: float) -> None:
        """Wait until a job is over, or for so long."""
        if (task := self._tasks.get(name)) is not None:
            await asyncio.wait([task], timeout=seconds)

    async def cancel(self, name: str) -> bool:
        """Kill a job's process, or take it out of the queue; False if it is over already."""
        task = self._tasks.get(name)
        if task is None:
            return False
        self._cancelled.add(name)
        if (process := self._processes.get(name)) is not None:
            _kill(process)
        await asyncio.wait([task])
        return True

    async def close(self) -> None:
        """Give running commands a little time, and kill what still runs; what waits is not begun."""
        for name in set(self._tasks) - set(self._processes):
            self._tasks[name].cancel()
        if running := list(self._tasks.values()):
            await asyncio.wait(running, timeout=GRACE)
        for process in self._processes.values():
            _kill(process)
        if running := list(self._tasks.values()):
            await asyncio.wait(running)
        for end in self._lifeline:
            os.close(end)

    async def _run(self, job: Job, work: Work) -> None:
        state: State = "interrupted"
        told: dict[str, Any] = {}
        try:
            async with self._readers if work.reads else self._writer:
                if job.id not in self._cancelled:
                    self._jobs.started(job.id, int(time.time()))
                    state, told = await self._command(job, work)
        except Exception as error:  # noqa: BLE001 - no process could be started, say: the job is over all the same
            telemetry.fault(error)
        finally:
            if job.id in self._cancelled and state == "interrupted":
                state = "cancelled"
            self._cancelled.discard(job.id)
            # At once and not in a callback: the same job may be begun anew before that is called.
            del self._tasks[job.id]
            shutil.rmtree(work.folder, ignore_errors=True)
            self._store(job, state, told)

    def _store(self, job: Job, state: State, told: dict[str, Any]) -> None:
        try:
            self._jobs.ended(job.id, state, int(time.time()), **told)
        except sqlite3.Error as error:
            telemetry.fault(error)  # the disk is full, say: `Jobs.tidy` stores that it was cut off, as soon as it can
            state = "interrupted"
        self._over(job, state)

    async def _command(self, job: Job, work: Work) -> tuple[State, dict[str, Any]]:
        out, err = work.folder / "answer.json", work.folder / "notes.txt"
        with (
            _Channel(lambda told: self._jobs.reached(job.id, told)) as channel,
            out.open("wb") as to,
            err.open("wb") as e,
        ):
            environment = {name: value for name, value in os.environ.items() if not name.startswith("FAIRDRAW_")}
            handed = {name: _in_memory(secret) for name, secret in self._secrets.items()}
            environment |= {name: f"/dev/fd/{descriptor}" for name, descriptor in handed.items()}
            environment[PROGRESS] = str(channel.theirs)
            inherited = [self._lifeline[0], channel.theirs, *handed.values()]
            words = ["-C", str(self._root), "--lang", work.lang, *work.words]
            try:
                process = await asyncio.create_subprocess_exec(
                    # Without -P the folder of the uploads would be the first place where modules are looked for.
                    sys.executable, "-P", "-m", "fairdraw_cli.service.child", str(self._lifeline[0]), *words,
                    stdin=asyncio.subprocess.DEVNULL, stdout=to, stderr=e, cwd=work.folder, env=environment,
                    pass_fds=inherited, start_new_session=True,
                )  # fmt: skip
            finally:
                for descriptor in handed.values():
                    os.close(descriptor)
                channel.given()
            self._processes[job.id] = process
            try:
                if job.id in self._cancelled:
                    _kill(process)
                code = await process.wait()
            finally:
                _kill(process)
                del self._processes[job.id]
        return self._judge(code, _answer(out), _lines(err))

    def _judge(self, code: int, answer: dict[str, Any] | None, lines: list[str]) -> tuple[State, dict[str, Any]]:
        if code < 0 or code >= 128:
            return "interrupted", {}
        told = {
            "exit_code": code,
            "answer": shown(_with_request(answer), self._root),
            "notes": shown(lines, self._root),
        }
        over = code in (0, DOES_NOT_HOLD, CANNOT_TELL) and answer is not None and "error" not in answer
        return ("done" if over else "failed"), told


class _Channel:
    """A pipe on which a command tells how far it is, a line of JSON each."""

    def __init__(self, tell: Callable[[Mapping[str, Any]], None]) -> None:
        self._tell = tell
        self._rest = b""

    def __enter__(self) -> "_Channel":
        self._ours, self.theirs = os.pipe()
        os.set_blocking(self._ours, False)
        asyncio.get_running_loop().add_reader(self._ours, self._read)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._ours)
        with suppress(BlockingIOError):
            self._read()  # what it told last, just before it ended
        os.close(self._ours)

    def given(self) -> None:
        """Close the end that the process has inherited."""
        os.close(self.theirs)

    def _read(self) -> None:
        data = os.read(self._ours, 1 << 16)
        if not data:
            asyncio.get_running_loop().remove_reader(self._ours)
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        if lines:
            self._tell(json.loads(lines[-1]))  # only the newest: it is stored


def _in_memory(secret: bytes) -> int:
    """Return a descriptor from which a secret can be read: neither an argument nor a variable, which others may see."""
    descriptor = os.memfd_create("secret", os.MFD_CLOEXEC)
    os.fchmod(descriptor, 0o600)
    os.write(descriptor, secret)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # a session of its own, so nobody else's


def _answer(path: Path) -> dict[str, Any] | None:
    lines = path.read_bytes().splitlines()
    try:
        told = json.loads(lines[-1]) if lines else None
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _with_request(answer: dict[str, Any] | None) -> dict[str, Any] | None:
    """Put the file that others have to sign into the answer: whoever calls has no folder here to take it from."""
    path = None if answer is None else answer.get("request")
    if answer is None or not isinstance(path, str) or not Path(path).is_file():
        return answer
    return {**answer, "request_file": Path(path).read_text("utf-8")}


def _lines(path: Path) -> list[str]:
    with path.open("rb") as file:
        lines = file.read(MAX_NOTES).decode("utf-8", "replace").splitlines()
    return [line for line in lines if not line.startswith("fairdraw: error: ")]


def shown(value: Any, root: Path) -> Any:
    """Return an answer as callers may see it: a draw's file by its address here, and no folder of this machine."""
    match value:
        case dict():
            return {name: shown(one, root) for name, one in value.items()}
        case list():
            return [shown(one, root) for one in value]
        case str():
            draws, ours = f"{root}/draws/", f"{root}/"
            rest = value.removeprefix(draws)
            if rest != value and rest.count("/") == 1:
                name, _, file = rest.partition("/")
                return f"/v1/draws/{name}/files/{file}"
            return value.replace(ours, "").replace(str(root), ".")
    return value
