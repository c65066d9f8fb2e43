"""A bureau's folder: keys, secrets, the log, artifacts, registries and draws.

    fairdraw.toml  trust  keys/{log,bureau[,log-ml-dsa]}.key  secrets/<snapshot>.secret  log/  artifacts/  witnesses/
    state/{log.sqlite,outbox/,pulses/,draws/,cosign/,enrolments/,ceremony/}
    registries/<id>/{roster.jsonl,private.jsonl,numbers.csv}
    draws/<id>/{draw.toml,*.fairdraw.json,record.html,record.txt}

`artifacts/` holds everything that statements name; what may be public lies once more at `log/artifact/<hex>`, beside
the tiles, where readers look for it. Signing and appending is in `desk`.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fairdraw.errors import WorkspaceError
from fairdraw.permalink import check_site
from fairdraw.trust import REHEARSAL, Trust, parse_trust
from fairdraw_cli.files import PRIVATE, PUBLIC, mapped, place_link, read, toml_line, write
from fairdraw_cli.keys import known_key, open_key
from transparency_log.note import SigningKey, Verifier
from transparency_log.reader import LogReader
from transparency_log.storage import Directory

if TYPE_CHECKING:  # most commands read no roster
    from fairdraw.roster import Roster
    from fairdraw.schema import SnapshotStatement

SETTINGS: Final = "fairdraw.toml"
ML_DSA: Final = "log-ml-dsa"  # the log's second key, where it has one
PRIVATE_FOLDERS: Final = ("keys", "secrets", "state", "witnesses", "registries")
FOLDERS: Final = (*PRIVATE_FOLDERS, "log", "artifacts", "draws")
HALF_DONE: Final = "state/freeze"  # a folder for each freeze under way, with a secret and private values
_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}", re.ASCII)
_KEYS: Final = {"bureau": str, "origin": str, "rehearsal": bool}
_OPTIONAL: Final = {"site": str}


def check_id(text: str) -> str:
    """Return the id of a draw or registry as it came.

    Raises:
        WorkspaceError: `bad-id`: ids become the names of folders.
    """
    if not _ID.fullmatch(text):
        raise WorkspaceError("bad-id", expected="[a-z0-9][a-z0-9._-]{0,39}", found=text)
    return text


@dataclass(frozen=True)
class Workspace:
    """An opened workspace; nothing in it is read before it is needed."""

    root: Path
    bureau: str
    origin: str
    rehearsal: bool
    site: str | None = None

    @classmethod
    def open(cls, root: Path) -> "Workspace":
        """Return the workspace in a folder.

        Raises:
            WorkspaceError: `not-a-workspace`, or what is wrong with its `fairdraw.toml`.
        """
        path = root / SETTINGS
        if not path.is_file():
            raise WorkspaceError("not-a-workspace", found=str(root.absolute()))
        try:
            told = tomllib.loads(read(path).decode())
        except (ValueError, RecursionError) as error:  # not all that tomllib refuses is a TOMLDecodeError
            raise WorkspaceError("file-not-toml", file=str(path), line=toml_line(read(path), error)) from None
        for key, kind in {**_KEYS, **{key: kind for key, kind in _OPTIONAL.items() if key in told}}.items():
            if type(told.get(key)) is not kind:
                raise WorkspaceError("file-value", file=str(path), key=key, expected=kind.__name__, found=told.get(key))
        if unknown := sorted(set(told) - {*_KEYS, *_OPTIONAL}):
            expected = sorted({*_KEYS, *_OPTIONAL})
            raise WorkspaceError("file-key-unknown", file=str(path), key=unknown[0], expected=expected)
        site = check_site(told["site"]) if "site" in told else None
        return cls(root, told["bureau"], told["origin"], told["rehearsal"], site)

    def write_settings(self) -> None:
        """Write the workspace's `fairdraw.toml`."""
        told = {"bureau": self.bureau, "origin": self.origin, "site": self.site}
        quoted = {key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in told.items() if value}
        text = "".join(f'{key} = "{value}"\n' for key, value in quoted.items())
        write(self.root / SETTINGS, f"{text}rehearsal = {'true' if self.rehearsal else 'false'}\n".encode())

    @cached_property
    def trust(self) -> Trust:
        """The trust file by which the bureau's own commands go, and which its site offers.

        Raises:
            WorkspaceError: `trust-of-another`: it does not know this log or bureau.
        """
        trust = parse_trust(read(self.root / "trust"))
        if trust.log_key(self.origin) is None or not trust.bureau_keys(self.bureau, self.origin):
            raise WorkspaceError("trust-of-another", expected=self.origin, found=str(self.root / "trust"))
        if trust.rehearsal != self.rehearsal:
            raise WorkspaceError("rehearsal-mixed", expected=self.rehearsal, found=trust.rehearsal)
        return trust

    @property
    def storage(self) -> Directory:
        """The log's public folder."""
        return Directory(self.root / "log")

    def reader(self) -> LogReader:
        """Return the log as everybody reads it."""
        return LogReader(self.storage.read, self.log_verifier)

    @property
    def log_verifier(self) -> Verifier:
        """The log's public key, of the trust file: whoever only reads is asked for no passphrase."""
        key = self.trust.log_key(self.origin)
        if key is None:
            raise WorkspaceError("trust-of-another", expected=self.origin, found=str(self.root / "trust"))
        return key

    def key_path(self, name: str) -> Path:
        """Return where a key of this folder lies: "log", "bureau" or `ML_DSA`."""
        return self.root / "keys" / f"{name}.key"

    def key(self, name: str) -> SigningKey:
        """Return a key of this folder, asking for what opens it; that of the log only once it has to sign.

        Raises:
            WorkspaceError: `key-of-another`: the log's is not the one of the trust file; or why it does not open.
        """
        path = self.key_path(name)
        return known_key(path, self.log_verifier) if name == "log" else open_key(path)

    @property
    def further_keys(self) -> list[SigningKey]:
        """The keys that sign checkpoints beside the log's own: none, or an ML-DSA-44 one."""
        return [self.key(ML_DSA)] if self.key_path(ML_DSA).is_file() else []

    def keep(self, data: bytes, digest: str, *, public: bool = True) -> None:
        """Store an artifact durably, before any statement names it."""
        write(self.root / "artifacts" / digest, data, mode=0o644 if public else PRIVATE)
        if public:
            self.storage.create(f"artifact/{digest}", data)

    def keep_file(self, path: Path, digest: str) -> None:
        """Store an artifact that everybody may read and that lies in a durable file: once, under all its names."""
        for folder in (self.root / "artifacts", self.root / "log" / "artifact"):
            if not (folder / digest).exists():
                place_link(path, folder / digest, mode=PUBLIC)

    def holds(self, digest: str) -> bool:
        """Say whether an artifact is here."""
        return (self.root / "artifacts" / digest).is_file()

    def artifact(self, digest: str) -> bytes:
        """Return an artifact's bytes.

        Raises:
            WorkspaceError: `artifact-missing`.
        """
        return read(self.artifact_path(digest))

    def artifact_path(self, digest: str) -> Path:
        """Return where an artifact lies.

        Raises:
            WorkspaceError: `artifact-missing`.
        """
        path = self.root / "artifacts" / digest
        if not path.is_file():
            raise WorkspaceError("artifact-missing", found=digest)
        return path

    def roster(self, said: "SnapshotStatement") -> "Roster":
        """Return the roster of a snapshot.

        Raises:
            WorkspaceError: `artifact-missing`.
            SnapshotError: it is not what was logged.
        """
        from fairdraw.roster import read_roster

        return read_roster(mapped(self.artifact_path(said.roster.digest)), said)

    def registry(self, name: str) -> Path:
        """Return a registry's folder."""
        return self.root / "registries" / check_id(name)

    def draw(self, name: str) -> Path:
        """Return a draw's folder."""
        return self.root / "draws" / check_id(name)

    def secret(self, name: str) -> Path:
        """Return where a secret lies."""
        return self.root / "secrets" / name

    def announced(self, name: str) -> str | None:
        """Return the text hash of a draw's announcement, whether or not it has reached the log."""
        path = self.root / "state" / "draws" / check_id(name)
        return read(path).decode("ascii", "replace").strip() if path.is_file() else None

    def name_of(self, text: str) -> str | None:
        """Return the id of the draw whose announcement has this text hash."""
        folder = self.root / "state" / "draws"
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        return next((name for name in sorted(names) if self.announced(name) == text), None)

    def say_announced(self, name: str, text: str) -> None:
        """Store a draw's announcement by its text hash: slots alone do not name it after a void."""
        write(self.root / "state" / "draws" / check_id(name), f"{text}\n".encode())


def rehearsal_name(name: str, *, rehearsal: bool) -> str:
    """Return a key's name or an origin, with the suffix that a rehearsal's names have.

    Raises:
        WorkspaceError: `bad-name`, or `rehearsal-name` outside a rehearsal.
    """
    if not name or "+" in name or any(c.isspace() or not c.isprintable() for c in name):
        raise WorkspaceError("bad-name", found=name)
    if rehearsal:
        return name if name.endswith(REHEARSAL) else name + REHEARSAL
    if name.endswith(REHEARSAL):
        raise WorkspaceError("rehearsal-name", found=name)
    return name
