"""Telling others what a follower found: a web address, a program, and a file that Prometheus reads.

A finding must not be lost because the one who should hear of it was away: what could not be delivered is kept in a file
and delivered first the next time. A receiver may therefore hear something twice.
"""

import json
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fairdraw.errors import WorkspaceError
from fairdraw_cli.files import read, write

MAX_KEPT: Final = 100  # reports: the oldest go first, when nobody hears for long
WEBHOOK_TIMEOUT: Final = (5, 20)  # seconds to connect, and to wait for the answer's first line
COMMAND_TIMEOUT: Final = 60  # seconds

Report = Mapping[str, Any]
"""What is told: `findings` and what they are about."""


@dataclass(frozen=True)
class Alarms:
    """Whom to tell, and the file in which reports wait that nobody took."""

    webhook: str | None
    command: str | None
    kept: Path

    def __post_init__(self) -> None:
        if self.command is not None:
            _words(self.command)

    def tell(self, report: Report | None) -> list[WorkspaceError]:
        """Deliver what waits and then a report, if there is one, and return why something could not be delivered.

        Raises:
            WorkspaceError: `alarms-damaged`.
        """
        receivers = {"webhook": (self.webhook, _post), "command": (self.command, _run)}
        failed: dict[str, WorkspaceError] = {}
        waiting = self._waiting()
        left = []
        for to, told in [*waiting, *((to, report) for to in receivers if report is not None)]:
            where, deliver = receivers[to]
            if where is None:  # it was asked for once, and is no longer
                continue
            # Not more than one attempt in a round: a receiver that is down would hold up the next one.
            error = failed.get(to) or _attempt(deliver, where, told)
            if error is not None:
                failed[to] = error
                left.append((to, told))
        if left != waiting:
            self._keep(left[-MAX_KEPT:])
        return list(failed.values())

    def _waiting(self) -> list[tuple[str, Report]]:
        if not self.kept.exists():
            return []
        try:
            waiting = [(line["to"], line["report"]) for line in map(json.loads, read(self.kept).splitlines())]
        except (ValueError, KeyError, TypeError):
            raise WorkspaceError("alarms-damaged", found=str(self.kept)) from None
        if any(to not in ("webhook", "command") for to, _ in waiting):
            raise WorkspaceError("alarms-damaged", found=str(self.kept))
        return waiting

    def _keep(self, left: list[tuple[str, Report]]) -> None:
        if left:
            lines = (json.dumps({"to": to, "report": told}, ensure_ascii=False) + "\n" for to, told in left)
            write(self.kept, "".join(lines).encode())
        else:
            self.kept.unlink(missing_ok=True)


def _attempt(deliver: Callable[[str, bytes], None], where: str, report: Report) -> WorkspaceError | None:
    try:
        deliver(where, json.dumps(report, ensure_ascii=False, sort_keys=True).encode())
    except WorkspaceError as error:
        return error
    return None


def _post(url: str, body: bytes) -> None:
    import requests

    host = (
        url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    )  # the rest of the address is often its only secret
    headers = {"Content-Type": "application/json", "User-Agent": "fairdraw", "Connection": "close"}
    try:
        # The answer's body is not read, however long it is, and a redirect is not followed.
        with requests.post(
            url, data=body, headers=headers, timeout=WEBHOOK_TIMEOUT, allow_redirects=False, stream=True
        ) as answer:
            status = answer.status_code
    except (requests.RequestException, ValueError) as error:
        raise WorkspaceError("webhook-failed", found=host, reason=type(error).__name__) from None
    if not 200 <= status < 300:
        raise WorkspaceError("webhook-failed", found=host, reason=status)


def _run(command: str, body: bytes) -> None:
    try:
        done = subprocess.run(  # noqa: S603 -- the words are the caller's own, and no shell reads them
            _words(command), input=body, stdout=subprocess.DEVNULL, timeout=COMMAND_TIMEOUT, check=False
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise WorkspaceError("command-failed", found=command, reason=type(error).__name__) from None
    if done.returncode != 0:
        raise WorkspaceError("command-failed", found=command, reason=done.returncode)


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if not words:
        raise WorkspaceError("bad-command", found=command)
    return words


@dataclass(frozen=True)
class Metrics:
    """What a follower measured in one round; times are POSIX seconds, `fresh` is None where nobody vouches."""

    log: str
    size: int
    now: int
    reached: bool
    fresh: int | None
    findings: Mapping[str, int]

    def write(self, path: Path) -> None:
        """Write the text file at a stroke, as Prometheus's node exporter reads it (text format 0.0.4)."""
        success = self.now if self.reached else _last_success(path)
        samples: list[tuple[str, str, dict[str, str], int | None]] = [
            ("size", "entries of the newest checkpoint that was believed", {}, self.size),
            ("last_round_timestamp_seconds", "when the log was last looked at", {}, self.now),
            ("last_success_timestamp_seconds", "when all that was asked for could be reached", {}, success),
            ("checkpoint_age_seconds", "since it was shown that this is the newest checkpoint", {},
             None if self.fresh is None else max(0, self.now - self.fresh)),
            *(("findings", "what is wrong with the log, by code", {"code": code}, count)
              for code, count in sorted(self.findings.items())),
        ]  # fmt: skip
        lines: list[str] = []
        for name, about, labels, value in samples:
            if value is None:
                continue
            head = [f"# HELP {_PREFIX}{name} {about}", f"# TYPE {_PREFIX}{name} gauge"]
            lines += [line for line in head if line not in lines]
            told = ",".join(f'{label}="{_escaped(text)}"' for label, text in {"log": self.log, **labels}.items())
            lines.append(f"{_PREFIX}{name}{{{told}}} {value}")
        write(path, "".join(f"{line}\n" for line in lines).encode())


_PREFIX: Final = "fairdraw_log_"
_SUCCESS: Final = re.compile(rf"^{_PREFIX}last_success_timestamp_seconds\{{.*\}} ([0-9]+)$", re.MULTILINE)


def _last_success(path: Path) -> int | None:
    """Return the time that the file told before: a round that failed must not make it forgotten."""
    found = _SUCCESS.search(read(path).decode("utf-8", "replace")) if path.exists() else None
    return None if found is None else int(found[1])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
