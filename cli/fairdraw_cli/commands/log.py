"""`log checkpoint|entry|proof|check|add`: what the log says, recomputed, and supervisors' entries taken in."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from fairdraw.artifacts import named_artifacts
from fairdraw.encoding import digest as hashed
from fairdraw.errors import WorkspaceError
from fairdraw.schema import SnapshotStatement, VerifierRelease
from fairdraw.statement import read_entry
from fairdraw.trust import Trust, parse_trust
from fairdraw_cli.desk import Desk, published, writing
from fairdraw_cli.files import read
from fairdraw_cli.handed import check_entry
from fairdraw_cli.helping import command
from fairdraw_cli.history import Read, known_reader
from fairdraw_cli.progress import counting
from fairdraw_cli.session import CANNOT_TELL, DOES_NOT_HOLD, Session
from fairdraw_cli.workspace import Workspace
from transparency_log.checkpoint import cosignatures
from transparency_log.cosigned import lacking, signed_sizes
from transparency_log.errors import CheckpointError, LogError, RemoteError
from transparency_log.mirror import artifact_path, is_artifact
from transparency_log.proof import TlogProof
from transparency_log.reader import CHECKPOINT, LogReader, cosigned_path

INDEX = click.argument("index", metavar="N", type=click.IntRange(min=0))
LOG = click.option("--log", metavar="DIR|URL")
TRUST = click.option("--trust", metavar="FILE", type=click.Path(path_type=Path))


@dataclass(frozen=True)
class Seen:
    """A log to look into, and the trust file that knows its key."""

    files: Read
    trust: Trust
    where: str

    @property
    def reader(self) -> LogReader:
        """The log, every file traced to the signed root."""
        return known_reader(self.files, self.trust, where=self.where)[0]


def _look(session: Session, log: str | None, trust: Path | None) -> Seen:
    """Return the workspace's log, or another with its reader's own trust file."""
    if log is None:
        place = Workspace.open(session.folder)
        return Seen(place.storage.read, place.trust, str(place.root / "log"))
    if trust is None:
        raise click.UsageError(session.word("log.needs-trust"))
    from fairdraw_cli.source import open_source

    return Seen(open_source(log), parse_trust(read(trust)), log)


@command(LOG, TRUST, json=True)
def checkpoint(session: Session, log: str | None, trust: Path | None) -> None:
    """Print the newest checkpoint with its cosignatures."""
    seen = _look(session, log, trust)
    signed = seen.reader.checkpoint().checkpoint
    newest = signed_sizes(seen.files, seen.trust.policy)[-1]
    session.line(newest.data.decode().rstrip("\n"))
    absent = lacking(newest.data, seen.trust.policy)
    count = len(seen.trust.policy.witnesses)
    if not session.json:
        quorum = newest.quorum_time
        code = "log.not-witnessed" if quorum is None else "log.witnessed"
        time = {} if quorum is None else {"time": session.time(quorum)}
        session.note(code, cosigned=count - len(absent), witnesses=count, **time)
    session.answer(
        {"origin": signed.origin, "size": signed.size, "root": signed.root.hex(), "missing": list(absent),
         "witnesses": count, "quorum_time": newest.quorum_time}
    )  # fmt: skip


@command(INDEX, LOG, TRUST, json=True)
def entry(session: Session, index: int, log: str | None, trust: Path | None) -> None:
    """Print an entry as it stands in the log."""
    reader = _look(session, log, trust).reader
    size = reader.checkpoint().checkpoint.size
    if index >= size:
        raise WorkspaceError("no-such-entry", expected=size, found=index)
    data = reader.entry(index, size)
    if not session.json:
        click.echo(data, nl=False)
    session.answer({"index": index, "note": data.decode("utf-8", "backslashreplace")})


@command(INDEX, LOG, TRUST)
def proof(session: Session, index: int, log: str | None, trust: Path | None) -> None:
    """Print an entry's `.tlog-proof` in the largest checkpoint that a quorum has cosigned."""
    seen = _look(session, log, trust)
    reader = seen.reader
    newest = reader.checkpoint().checkpoint.size
    if index >= newest:
        raise WorkspaceError("no-such-entry", expected=newest, found=index)
    above = [s for s in signed_sizes(seen.files, seen.trust.policy) if s.size > index]
    chosen = max(above, key=lambda s: (s.quorum_time is not None, s.size))
    told = TlogProof(index, tuple(reader.inclusion_proof(index, chosen.size)), chosen.data)
    click.echo(told.format(), nl=False)


@command(click.argument("where", metavar="[DIR|URL]", required=False), TRUST, json=True)
def check(session: Session, where: str | None, trust: Path | None) -> int:
    """Recompute the whole log from its entries, and compare every file and artifact."""
    seen = _look(session, where, trust)
    named = _Named()
    try:
        with counting(session) as progress:
            reader = seen.reader
            signed = reader.check(visit=lambda entries: progress(named.add(entries))).checkpoint
        _check_cosignatures(reader, seen.trust)
        missing, altered = named.faults(seen.files)
    except RemoteError as error:  # what cannot be had is not unsound
        session.say("log.check-unknown", reason=session.words.error(error))
        session.answer({"holds": None, "code": error.code, "params": {k: str(v) for k, v in error.params.items()}})
        return CANNOT_TELL
    except LogError as error:
        session.say("log.check-failed", reason=session.words.error(error))
        session.answer({"holds": False, "code": error.code, "params": {k: str(v) for k, v in error.params.items()}})
        return DOES_NOT_HOLD
    for digest in missing:
        session.say("log.artifact-missing", digest=digest)
    for digest in altered:
        session.say("log.artifact-altered", digest=digest)
    holds = not missing and not altered
    word = "log.check-holds" if holds else "log.check-artifacts"
    session.say(word, size=signed.size, root=signed.root.hex(), artifacts=len(named.lengths))
    session.answer(
        {"holds": holds, "origin": signed.origin, "size": signed.size, "root": signed.root.hex(),
         "artifacts": len(named.lengths), "artifacts_missing": missing, "artifacts_altered": altered}
    )  # fmt: skip
    return 0 if holds else DOES_NOT_HOLD


def _check_cosignatures(reader: LogReader, trust: Trust) -> None:
    """Check every line of the trust file's witnesses under every checkpoint that is shown.

    Raises:
        CheckpointError: the first that does not hold, with the file that it is in.
    """
    known = [witness.verifier for witness in trust.policy.witnesses]
    shown = {cosigned_path(size): reader.signed(size) for size in reader.cosigned_sizes()}
    for path, signed in {**shown, CHECKPOINT: reader.checkpoint()}.items():
        try:
            cosignatures(signed.note, known)
        except CheckpointError as error:
            raise error.at(path) from None


class _Named:
    """The artifacts that a log's entries name and do not withdraw, with their lengths."""

    def __init__(self) -> None:
        self.lengths: dict[str, int] = {}
        self._withdrawn: set[str] = set()
        self._count = 0

    def add(self, entries: Sequence[bytes]) -> int:
        """Hear of entries; return how many there were so far."""
        for entry in entries:
            told = named_artifacts(entry)
            self._withdrawn.update(told.withdrawn)
            self.lengths.update(told.named)
        self._count += len(entries)
        return self._count

    def faults(self, read: Read) -> tuple[list[str], list[str]]:
        """Return the digests of artifacts that are missing, and of those that are not what was named."""
        missing, altered = [], []
        for digest, length in self.lengths.items():
            data = read(artifact_path(digest))
            if data is not None and not is_artifact(data, digest, length):
                altered.append(digest)
            elif data is None and digest not in self._withdrawn:
                missing.append(digest)
        return missing, altered


def _keep(desk: Desk, data: bytes, files: Sequence[Path]) -> None:
    """Store the files that a supervisor's entry names, before it is logged.

    Raises:
        WorkspaceError: `artifact-not-named`, or `artifact-missing`: a roster that nobody has cannot be drawn from, and
            a page that nobody has cannot be compared.
    """
    named = {digest for digest, _ in named_artifacts(data).named}
    given = {hashed(content): content for content in map(read, files)}
    if strange := sorted(given.keys() - named):
        raise WorkspaceError("artifact-not-named", expected=sorted(named), found=strange[0])
    needed = {digest for digest in named - given.keys() if not desk.workspace.holds(digest)}
    if isinstance(read_entry(data, 0).statement, SnapshotStatement | VerifierRelease) and needed:
        raise WorkspaceError("artifact-missing", found=min(needed))
    for digest, content in given.items():
        desk.workspace.keep(content, digest)


@command(
    click.argument("file", metavar="ENTRY-FILE", type=click.Path(path_type=Path)),
    click.option("--artifact", "files", multiple=True, metavar="FILE", type=click.Path(path_type=Path)),
    json=True,
    clock=True,
    wait=True,
)
def add(session: Session, file: Path, files: tuple[Path, ...]) -> None:
    """Append a supervisor's signed entry, with the files that it names."""
    data = read(file)
    with writing(session) as desk:
        told = desk.history.find(read_entry(data, 0).text_hash)
        if told is None:
            check_entry(desk.workspace, desk.history, desk.now, data)
            _keep(desk, data, files)
            told = desk.append(data)
        kind = session.word(f"statement.{told.statement.type}")
        session.say("log.added", type=kind, name=told.statement.by, index=told.index)
        session.answer({"index": told.index, "type": told.statement.type, **published(session, desk, told.index)})
