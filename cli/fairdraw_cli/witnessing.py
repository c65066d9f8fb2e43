"""A witness's folder, whoever runs it: its keys, what it has cosigned, and the logs that it follows.

    key  key.ml-dsa  state.sqlite  logs  evidence/<origin hash>-<size>.fork

`key` and `state.sqlite` belong together: a key with an older or no memory can be made to cosign a fork. `logs` has
lines of tlog-policy, `log <vkey> [<url>]`, and is the only file that people write. `evidence/` holds files that convict
a log (`transparency_log.evidence`).
"""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from fairdraw.errors import Error, WorkspaceError
from fairdraw.trust import REHEARSAL
from fairdraw_cli.files import PRIVATE_FOLDER, read, sync_folder, write
from fairdraw_cli.keys import open_key, place_key, store_key
from transparency_log.checkpoint import Checkpoint, open_checkpoint
from transparency_log.errors import ForkError, LogError, NoteError, WitnessError
from transparency_log.evidence import Fork
from transparency_log.note import COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44, Signer, SigningKey, Verifier
from transparency_log.policy import Log, Policy
from transparency_log.seen import SqliteWitnessState, WitnessState, origin_hash
from transparency_log.witness import UNAVAILABLE

if TYPE_CHECKING:
    from transparency_log.mirror import Mirror

KEY: Final = "key"
SECOND_KEY: Final = "key.ml-dsa"
STATE: Final = "state.sqlite"
LOGS: Final = "logs"
EVIDENCE: Final = "evidence"


@dataclass(frozen=True)
class Home:
    """The folder of one witness; `signers` are its keys, the Ed25519 one first."""

    root: Path
    signers: tuple[SigningKey, ...]

    @classmethod
    def create(
        cls, root: Path, name: str, *, second: bool, logs: str, phrase: str | None = None, key: Path | None = None
    ) -> Self:
        """Make a witness with new keys, encrypted with a passphrase where there is one, and an empty memory.

        With `key` its Ed25519 key is the one in that file, which may name a key in a token.

        Raises:
            WorkspaceError: `folder-taken`: nothing is overwritten; `not-a-witness-key`, of the given one.
            NoteError: `algorithm-unsupported`, for a `second` key where the installed library cannot use one.
        """
        kinds = {KEY: COSIGNATURE_ED25519} | ({SECOND_KEY: COSIGNATURE_ML_DSA_44} if second else {})
        kept = {KEY: key} if key is not None else {}
        made: dict[str, SigningKey] = {
            file: open_key(kept[file]) if file in kept else Signer.from_seed(name, os.urandom(32), kind)
            for file, kind in kinds.items()
        }
        if (made[KEY].name, made[KEY].algorithm) != (name, COSIGNATURE_ED25519):
            raise WorkspaceError("not-a-witness-key", found=str(key))
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise WorkspaceError("folder-taken", found=str(root))
        root.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        SqliteWitnessState.create(root / STATE).close()
        write(root / LOGS, logs.encode())
        # Last and the first key at the very end: a folder without it is no witness.
        for file, signer in reversed(made.items()):
            if isinstance(signer, Signer) and file not in kept:
                store_key(root / file, signer, phrase=phrase)
            else:
                place_key(root / file, kept[file], phrase=phrase)
        sync_folder(root)
        return cls(root, tuple(made.values()))

    @classmethod
    def open(cls, root: Path) -> Self:
        """Return the witness in a folder.

        Raises:
            WorkspaceError: `not-a-witness`, or `witness-key-unreadable`, which quotes nothing of the key.
        """
        if not (root / KEY).is_file():
            raise WorkspaceError("not-a-witness", found=str(root))
        files = [root / KEY] + [root / SECOND_KEY] * (root / SECOND_KEY).exists()
        return cls(root, tuple(map(_read_key, files)))

    @property
    def name(self) -> str:
        """The name in its signature lines."""
        return self.signers[0].name

    @property
    def rehearsal(self) -> bool:
        """Whether it is one of a rehearsal, where clocks may be set."""
        return self.name.endswith(REHEARSAL)

    def state(self) -> SqliteWitnessState:
        """Open what it has cosigned.

        Raises:
            SequenceError: `state-missing`: a key that has signed must not begin again from nothing.
        """
        return SqliteWitnessState(self.root / STATE)

    def logs(self, state: WitnessState) -> "Logs":
        """Read the list of logs.

        Raises:
            WorkspaceError: `logs-only`, `log-repeated` or `log-key-changed`.
            PolicyError: a line is not what it must be.
        """
        return Logs.parse(read(self.root / LOGS), state)

    def keep(self, evidence: bytes) -> Path:
        """Keep a file that convicts a log, the first one for each log and size, and return where."""
        told = Checkpoint.parse(Fork.parse(evidence).larger.text)
        path = self.root / EVIDENCE / f"{origin_hash(told.origin)}-{told.size}.fork"
        if not path.exists():
            write(path, evidence)
        return path


@dataclass(frozen=True)
class Logs:
    """The logs that a witness follows, by origin."""

    known: Mapping[str, Log]

    @classmethod
    def parse(cls, data: bytes, state: WitnessState) -> Self:
        """Read the list; see `Home.logs`."""
        policy = Policy.parse(data.decode("utf-8", "surrogateescape"), require_quorum=False)
        if policy.witnesses or policy.groups or policy.quorum is not None:
            raise WorkspaceError("logs-only")
        known: dict[str, Log] = {}
        for log in policy.logs:
            origin = log.verifier.name
            if origin in known:
                raise WorkspaceError("log-repeated", found=origin)
            _check_key(origin, log.verifier, state)
            known[origin] = log
        return cls(known)

    @property
    def verifiers(self) -> dict[str, Verifier]:
        """The keys by origin."""
        return {origin: log.verifier for origin, log in self.known.items()}


@dataclass
class LogsFile:
    """The list of logs as it stands in the file now; a bad edit is told once, and the list before it stays."""

    home: Home
    state: WitnessState
    told: Callable[[Error | LogError | OSError], None]
    _stamp: tuple[int, int, int] = field(init=False)
    _logs: Logs = field(init=False)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._stamp = self._look()
        self._logs = self.home.logs(self.state)

    def __call__(self) -> Logs:
        """Return the list, read again if the file was changed."""
        with self._lock:
            try:
                stamp = self._look()
                if stamp != self._stamp:
                    self._stamp = stamp
                    self._logs = self.home.logs(self.state)
            except (Error, LogError, OSError) as error:
                self.told(error)
            return self._logs

    def _look(self) -> tuple[int, int, int]:
        try:
            found = (self.home.root / LOGS).stat()
        except FileNotFoundError:
            return (0, 0, 0)  # it may be between two names; when it is read this is an error
        return (found.st_mtime_ns, found.st_size, found.st_ino)


class Holder:
    """Mirrors of the followed logs in one folder, each below its origin's hash: what `witness serve --mirror` holds."""

    def __init__(self, home: Home, folder: Path, logs: Callable[[], Logs]) -> None:
        self._home = home
        self._folder = folder
        self._logs = logs
        self._lock = threading.Lock()
        self._mirrors: dict[Log, Mirror] = {}
        self._held: dict[str, Checkpoint] = {}

    def hold(self, checkpoint: Checkpoint) -> None:
        """Bring all that lies below a checkpoint into keeping.

        Raises:
            WitnessError: 503, `mirror-no-url` or `not-held-yet`.
        """
        if self._held.get(checkpoint.origin) == checkpoint:
            return  # asked for a later time, by whomever: that must not cost a look at the log
        try:
            self._mirror(checkpoint.origin).hold(checkpoint)
        except ForkError as error:
            self._home.keep(error.evidence)
            raise WitnessError("not-held-yet", status=UNAVAILABLE, reason=str(error)) from None
        except WitnessError:
            raise
        except LogError as error:
            raise WitnessError("not-held-yet", status=UNAVAILABLE, reason=str(error)) from None
        self._held[checkpoint.origin] = checkpoint

    def _mirror(self, origin: str) -> "Mirror":
        from fairdraw.artifacts import named_artifacts
        from fairdraw_cli.source import open_source
        from transparency_log.mirror import Mirror
        from transparency_log.storage import Directory

        log = self._logs().known.get(origin)
        if log is None or log.url is None:
            raise WitnessError("mirror-no-url", status=UNAVAILABLE, found=origin)
        with self._lock:
            if log not in self._mirrors:
                folder = self._folder / origin_hash(origin)
                folder.mkdir(parents=True, exist_ok=True)
                source = open_source(log.url)
                self._mirrors[log] = Mirror(Directory(folder), source, log.verifier, artifacts=named_artifacts)
            return self._mirrors[log]


def trust_lines(signers: Sequence[SigningKey], url: str | None) -> list[str]:
    """Return the lines that a bureau may put into its trust file, one for each key."""
    end = f" {url}" if url else ""
    return [f"witness {signer.name} {signer.verifier.vkey}{end}" for signer in signers]


def _read_key(path: Path) -> SigningKey:
    try:
        return open_key(path)
    except NoteError as error:
        if error.code == "algorithm-unsupported":
            raise
        raise WorkspaceError("witness-key-unreadable", found=str(path)) from None


def _check_key(origin: str, verifier: Verifier, state: WitnessState) -> None:
    """Refuse another key under the name of a log that was cosigned: whoever edits the list could take it over."""
    seen = state.read(origin)
    if seen is None:
        return
    try:
        open_checkpoint(seen.note, verifier)
    except LogError:
        raise WorkspaceError("log-key-changed", found=origin) from None
