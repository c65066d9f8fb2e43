"""`log follow|evidence`: what a log shows is compared with what it showed before; a file that convicts is checked."""

import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import click

from fairdraw.encoding import format_time
from fairdraw.errors import WorkspaceError
from fairdraw.messages import fields
from fairdraw.trust import parse_trust
from fairdraw_cli.alarms import Alarms, Metrics
from fairdraw_cli.files import check_folder, read
from fairdraw_cli.following import Followed, keep_evidence
from fairdraw_cli.helping import command
from fairdraw_cli.session import CANNOT_TELL, DOES_NOT_HOLD, Session
from transparency_log.checkpoint import Checkpoint
from transparency_log.errors import LogError, RemoteError
from transparency_log.evidence import Fork
from transparency_log.monitor import Finding, Round
from transparency_log.reader import CHECKPOINT

PATH = click.Path(path_type=Path)
MAX_SECONDS = 366 * 24 * 3600
INTERVAL = 300
CODES = ("altered-artifact", "altered-file", "bad-signature", "fork", "grown-after-freeze", "missing-artifact",
         "missing-file", "missing-witness", "rollback", "stale")  # fmt: skip


@dataclass(frozen=True)
class _Follower:
    """What `log follow` was asked to do in each round."""

    session: Session
    log: Followed
    max_age: int
    evidence: Path
    alarms: Alarms
    metrics: Path | None

    def round(self) -> tuple[int, bool]:
        """Look once and tell what was found; return the exit code, and whether more is to be read at once."""
        now = int(time.time())
        begins = not self.log.file.exists()
        try:
            told, key = self.log.round(now=now, max_age=self.max_age)
        except RemoteError as error:  # of the very first round
            if error.code in {"remote-url", "remote-proxy"}:
                raise
            self.session.say("follow.cannot-tell", reason=self.session.error(error))
            self.session.answer({"where": self.log.where, "time": format_time(now), "findings": [],
                                 "unreachable": [_plain(error)]})  # fmt: skip
            self._failed(self.alarms.tell(None))
            return CANNOT_TELL, False
        faults = [finding for finding in told.findings if not finding.informative]
        kept = [str(keep_evidence(f.evidence, self.evidence)) for f in told.findings if f.evidence is not None]
        answer = {
            "log": key.name,
            "where": self.log.where,
            "time": format_time(now),
            "size": None if told.state is None else told.state.size,
            "fresh": None if told.fresh is None else format_time(told.fresh),
            "findings": [{"code": f.code, "params": f.params} for f in told.findings],
            "evidence": kept,
            "unreachable": [_plain(error) for error in told.unreachable],
        }
        self._say(told, kept, begins=begins)
        if self.metrics is not None:
            counts = Counter(finding.code for finding in told.findings)
            size = 0 if told.state is None else told.state.size
            Metrics(
                key.name, size, now, not told.unreachable, told.fresh, {code: counts[code] for code in CODES}
            ).write(self.metrics)
        self._failed(self.alarms.tell(answer if faults else None))
        self.session.answer(answer)
        code = DOES_NOT_HOLD if faults else CANNOT_TELL if told.unreachable else 0
        return code, told.behind

    def _say(self, told: Round, kept: Sequence[str], *, begins: bool) -> None:
        session = self.session
        if told.state is not None:
            tree = Checkpoint.parse(told.state.checkpoint.text)
            if begins:
                session.say("follow.begins", origin=tree.origin, size=tree.size, root=tree.root.hex())
            if told.behind:
                session.say("follow.behind", count=told.state.entries, size=tree.size)
        for finding in told.findings:
            code = "follow.news" if finding.informative else "follow.finding"
            session.say(code, code=finding.code, told=self._sentence(finding))
        for path in kept:
            session.say("follow.evidence", file=path)
        for error in told.unreachable:
            session.say("follow.cannot-tell", reason=session.error(error))
        if told.state is not None and not told.behind and all(finding.informative for finding in told.findings):
            fresh = session.word("word.none") if told.fresh is None else session.time(told.fresh)
            if not told.unreachable:
                session.say("follow.fine", size=told.state.size, time=fresh)
            elif CHECKPOINT not in {error.params.get("path") for error in told.unreachable}:
                session.say("follow.so-far", size=told.state.size, time=fresh)

    def _sentence(self, finding: Finding) -> str:
        """Return a finding in words: its times as people read them, a reason that is a code in words."""
        words = self.session.words
        params = {name: value for name, value in finding.params.items() if value is not None or name != "index"}
        if isinstance(seconds := params.get("time"), int):
            params["time"] = self.session.time(seconds)
        reason = str(params.get("reason", ""))
        if words.has("error", reason) and not fields(words.sections["error"][reason]):
            params["reason"] = words.say("error", reason)
        return words.tell("finding", finding.code, params)

    def _failed(self, errors: Sequence[WorkspaceError]) -> None:
        for error in errors:
            self.session.note("follow.not-told", reason=self.session.error(error))


def _plain(error: LogError) -> dict[str, object]:
    return {"code": error.code, "params": {name: str(value) for name, value in error.params.items()}}


@contextmanager
def _stopping() -> Iterator[Event]:
    """Give an event that SIGINT and SIGTERM set: a round that has begun is finished and remembered."""
    stop = Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@command(
    click.argument("where", metavar="DIR|URL"),
    click.option("--state", required=True, metavar="FILE", type=PATH),
    click.option("--trust", required=True, metavar="FILE", type=PATH),
    click.option("--once", is_flag=True),
    click.option("--interval", metavar="SECONDS", type=click.IntRange(1, MAX_SECONDS), default=INTERVAL),
    click.option("--max-age", metavar="SECONDS", type=click.IntRange(1, MAX_SECONDS)),
    click.option("--evidence", metavar="DIR", type=PATH),
    click.option("--webhook", metavar="URL"),
    click.option("--command", metavar="COMMAND"),
    click.option("--metrics", metavar="FILE", type=PATH),
    json=True,
)
def follow(  # noqa: PLR0913 -- an option each
    session: Session,
    where: str,
    *,
    state: Path,
    trust: Path,
    interval: int,
    max_age: int | None,
    evidence: Path | None,
    webhook: str | None,
    command: str | None,
    metrics: Path | None,
    once: bool,
) -> int:
    """Follow a log over time."""
    known = parse_trust(read(trust))
    for file in (state, *([] if metrics is None else [metrics])):
        check_folder(file)
    folder = state.parent if evidence is None else evidence
    alarms = Alarms(webhook, command, state.with_name(f"{state.name}.undelivered"))
    log = Followed(where, known, state)
    follower = _Follower(session, log, known.freshness if max_age is None else max_age, folder, alarms, metrics)
    with _stopping() as stop:
        codes: set[int] = set()
        while not stop.is_set():
            code, behind = follower.round()
            codes.add(code)
            if not behind:
                if once:
                    break
                stop.wait(interval)
    if DOES_NOT_HOLD in codes:
        return DOES_NOT_HOLD
    return CANNOT_TELL if once and CANNOT_TELL in codes else 0


@command(
    click.argument("file", metavar="FILE", type=PATH),
    click.option("--trust", required=True, metavar="FILE", type=PATH),
    json=True,
)
def evidence(session: Session, file: Path, trust: Path) -> int:
    """Check whether a file convicts a log of having signed two histories."""
    known = parse_trust(read(trust))
    data = read(file)
    try:
        fork = Fork.parse(data)
        origin = Checkpoint.parse(fork.larger.text).origin
        key = known.log_key(origin)
        if key is None:
            logs = [log.verifier.name for log in known.policy.logs]
            raise WorkspaceError("log-not-trusted", expected=logs, found=origin)
        smaller, larger = fork.convict(key)
    except LogError as error:
        session.say("follow.does-not-convict", reason=session.error(error))
        session.answer({"convicts": False, **_plain(error)})
        return DOES_NOT_HOLD
    session.say("follow.convicts", origin=origin, old=smaller.size, new=larger.size)
    session.say("follow.convicted-key", key=key.vkey)
    session.answer({"convicts": True, "log": origin, "key": key.vkey, "sizes": [smaller.size, larger.size]})
    return 0
