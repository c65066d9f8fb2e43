"""One log followed round after round: its memory in a file, and what each round found."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from fairdraw.artifacts import named_artifacts
from fairdraw.errors import WorkspaceError
from fairdraw.trust import Trust
from fairdraw_cli.files import read, write
from fairdraw_cli.source import Read, opened
from transparency_log.checkpoint import Checkpoint
from transparency_log.errors import LogError
from transparency_log.evidence import Fork
from transparency_log.followed import State
from transparency_log.monitor import Monitor, Round
from transparency_log.note import Note, Verifier
from transparency_log.reader import CHECKPOINT, MAX_COSIGNED
from transparency_log.storage import Directory


def key_of(note: bytes, trust: Trust) -> Verifier:
    """Return the key that the reader's trust file has for the log of a checkpoint, whose signature is checked later.

    Raises:
        WorkspaceError: `log-not-trusted`.
        LogError: It is not a checkpoint.
    """
    origin = origin_of(note)
    key = trust.log_key(origin)
    if key is None:
        raise WorkspaceError("log-not-trusted", expected=[log.verifier.name for log in trust.policy.logs], found=origin)
    return key


def origin_of(note: bytes) -> str:
    """Return the origin of a checkpoint, whose signature nobody has checked.

    Raises:
        LogError: It is not a checkpoint.
    """
    return Checkpoint.parse(Note.parse(note, max_signatures=MAX_COSIGNED).text).origin


def keep_evidence(fork: Fork, folder: Path) -> Path:
    """Write the file that convicts, under a name that the same fork always has."""
    data = fork.format()
    path = folder / f"fork-{sha256(data).hexdigest()[:16]}.evidence"
    write(path, data)
    return path


@dataclass(frozen=True)
class Followed:
    """A log that is followed: where its files are, the reader's trust, and the file with the memory."""

    where: str
    trust: Trust
    file: Path

    def read_state(self) -> tuple[State, Verifier] | None:
        """Return the memory and the log's key, None before the first round.

        Raises:
            WorkspaceError: `state-damaged`: it is never begun anew by itself, for that would hide a fork.
        """
        if not self.file.exists():
            return None
        data = read(self.file)
        reason = "state-format"
        for log in self.trust.policy.logs:
            try:
                return State.parse(data, log.verifier), log.verifier
            except LogError as error:
                reason = error.code
        raise WorkspaceError("state-damaged", found=str(self.file), reason=reason)

    def round(self, *, now: int, max_age: int) -> tuple[Round, Verifier]:
        """Look once, and remember what was seen before anything is told.

        Raises:
            WorkspaceError: `state-damaged`, `log-not-found` or `log-not-trusted`.
            LogError: The first round found no checkpoint to begin with.
        """
        known = self.read_state()
        with self._opened(known is not None) as (files, workers):
            if known is None:
                newest = files(CHECKPOINT)
                if newest is None:
                    raise WorkspaceError("log-not-found", found=self.where)
                seen, key = None, key_of(newest, self.trust)
            else:
                seen, key = known
            monitor = Monitor(files, key, policy=self.trust.policy, artifacts=named_artifacts, workers=workers)
            told = monitor.follow(seen, now=now, max_age=max_age)
        if told.state is not None and told.state != seen:
            write(self.file, told.state.format())
        return told, key

    @contextmanager
    def _opened(self, known: bool) -> Iterator[tuple[Read, int]]:  # noqa: FBT001
        folder = Path(self.where)
        if known and folder.is_dir() and not any((folder / inside / CHECKPOINT).is_file() for inside in ("", "log")):
            # A folder that had a checkpoint and has none any more is a finding, not a mistake on the line.
            yield Directory(folder).read, 1
            return
        with opened(self.where) as files:
            yield files
