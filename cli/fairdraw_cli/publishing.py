"""A site's folder: the log's files copied into it, what the package brings, and files written where they differ."""

import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha384
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Final

from fairdraw.artifacts import named_artifacts
from fairdraw.audit import read_ledgers
from fairdraw.calendar import published
from fairdraw.encoding import digest
from fairdraw.errors import AuditError, WorkspaceError
from fairdraw.site import MEMORY, Look, Material, Memory, Register, build, register, unproven
from fairdraw.trust import Trust
from fairdraw_cli.bundled import bundled
from fairdraw_cli.files import sync_folder, write
from fairdraw_cli.following import key_of, origin_of
from fairdraw_cli.regulations import IDS, load
from fairdraw_cli.session import LANGUAGES, catalogue
from fairdraw_cli.source import Read, view
from transparency_log.mirror import INCOMING, LACKING, Mirror, Update, artifact_path
from transparency_log.note import Verifier
from transparency_log.reader import CHECKPOINT
from transparency_log.storage import Directory

TEMPLATES: Final = ("site-base.html", "site-macros.html", "site-index.html", "site-draw.html", "site-about.html")
SHIPPED: Final = ("verify.html", "fairdraw.js", "fairdraw.css")
_BUNDLE: Final = re.compile(r"d/([0-9]+)/bundle\.fairdraw\.json", re.ASCII)
NOTES: Final = ".copy"  # of the copy itself; a web server that shows no hidden files shows what a log's server would


class Folder(Directory):
    """The folder of a site, in which a copy of the log lies like the log itself, and its own notes out of sight."""

    def replace(self, path: str, data: bytes) -> None:
        """Write a file at a stroke, unless it is there with these bytes: whoever uploads a site looks for new files."""
        if self.read(path) != data:
            super().replace(path, data)

    def _locate(self, path: str) -> Path:
        return self._root / NOTES / path if path in (INCOMING, LACKING) else super()._locate(path)


def check_target(folder: Path, *, own: bool) -> None:
    """Check that a folder may become a site: it is empty, or holds one or a copy of a log, or (`own`) the log itself.

    Raises:
        WorkspaceError: `folder-not-site`: what lies there would be mixed with a site; or `folder-of-log`: whoever
            writes that log would find it moved back.
    """
    if folder.exists() and not folder.is_dir():
        raise WorkspaceError("folder-not-site", found=str(folder))
    names = {item.name for item in folder.iterdir()} if folder.is_dir() else set()
    if own or {CHECKPOINT, INCOMING} <= names or (folder / NOTES / INCOMING).is_file():
        return
    if CHECKPOINT in names:
        raise WorkspaceError("folder-of-log", found=str(folder))
    if any(not name.startswith(".") for name in names):
        raise WorkspaceError("folder-not-site", found=str(folder))


def read_memory(folder: Path) -> Memory | None:
    """Return what the last building left in a folder, None where there was none."""
    data = Directory(folder).read(MEMORY)
    return None if data is None else Memory.parse(data)


def log_key(read: Read, trust: Trust, folder: Path, *, where: str) -> Verifier:
    """Return the key of a log, which must be the one that lies in the folder, if one does.

    Raises:
        WorkspaceError: `log-not-found`, `log-not-trusted`, or `site-of-another-log`.
    """
    newest = read(CHECKPOINT)
    if newest is None:
        raise WorkspaceError("log-not-found", found=where)
    key, held = key_of(newest, trust), Folder(folder)
    shown = held.read(CHECKPOINT) or held.read(INCOMING)
    if shown is not None and (origin := origin_of(shown)) != key.name:
        # Permalinks count the entries of one log; under another's they would lead elsewhere.
        raise WorkspaceError("site-of-another-log", expected=origin, found=key.name)
    return key


def copy_log(read: Read, folder: Path, key: Verifier, *, workers: int) -> Update:
    """Bring the copy of a log in a site's folder up to date, every file of it verified.

    Raises:
        LogError: what is wrong with the log, or with the copy.
    """
    return Mirror(Folder(folder), read, key, artifacts=named_artifacts, workers=workers).update()


def read_register(read: Read, trust: Trust, *, log: str, as_of: int, as_of_given: bool) -> Register:
    """Return the rows of the log with this origin.

    Raises:
        AuditError: `no-bureau`, `log-does-not-hold`, `log-not-vouched-for`.
        WorkspaceError: `log-not-found`.
    """
    seen = view(read, trust)
    names = sorted({line.name for line in trust.bureaus if line.origin == log})
    if not names:
        raise AuditError("no-bureau", log=log, found=None)
    days = published()
    ledgers = list(read_ledgers(seen, trust, log=log, bureaus=names, as_of=as_of, calendar=days))
    return register(ledgers, as_of=as_of, as_of_given=as_of_given)


def withdraw(told: Register, gone: Iterable[str], read: Read, folder: Path) -> list[str]:
    """Remove the artifacts that their bureau has withdrawn and the log itself no longer serves; return their digests.

    A withdrawal that somebody merely wrote down in its name makes no copy forget.
    """
    removed = []
    for name in gone:
        if told.withdrawn.get(name) and read(artifact_path(name)) is None:
            Folder(folder).delete(artifact_path(name))
            removed.append(name)
    return removed


def material(*, title: str, url: str, trust: bytes) -> Material:
    """Return what a site is made with, from the package and from what its maker said.

    Raises:
        WorkspaceError: `page-not-shipped`: the package was made without the verifier page; or `page-altered`.
    """
    static = {name: bundled(name).data for name in SHIPPED}
    regulations = tuple(load(name) for name in IDS)
    look = Look(
        title=title,
        url=f"{url}/" if url else "",
        script=_integrity(static["fairdraw.js"]),
        style=_integrity(static["fairdraw.css"]),
        verifier=digest(static["verify.html"]),
    )
    templates = {name: (files("fairdraw") / "templates" / name).read_text("utf-8") for name in TEMPLATES}
    return Material(
        look=look,
        catalogues=[catalogue(lang) for lang in LANGUAGES],
        templates=templates,
        regulations=regulations,
        files={**static, "trust": trust},
        version=version("fairdraw"),
    )


def _integrity(data: bytes) -> str:
    """Return a file's value for subresource integrity (W3C SRI §3.1): a host that changes it shows no verdict."""
    return "sha384-" + b64encode(sha384(data).digest()).decode()


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a building did: which draws' pages were made, which of all do not hold, which files were written."""

    draws: tuple[int, ...]
    unproven: tuple[int, ...]
    written: tuple[str, ...]
    before: bool


def write_site(told: Register, stuff: Material, before: Memory | None, folder: Path) -> Made:
    """Write those files of a site that differ from what is there, each at a stroke.

    Raises:
        WorkspaceError: `folder-not-site`: a link in it leads out of it, where a page would be written.
    """
    written: list[str] = []
    draws: list[int] = []
    memory = before
    for file in build(told, stuff, before, lambda path: (folder / path).is_file()):
        path = folder / file.path
        if not path.parent.resolve().is_relative_to(folder.resolve()):
            raise WorkspaceError("folder-not-site", found=str(path.parent))
        if (made := _BUNDLE.fullmatch(file.path)) is not None:
            if not draws:
                _forget(folder)
            draws.append(int(made[1]))
        if file.data is None:
            path.unlink(missing_ok=True)
        elif not path.is_file() or path.read_bytes() != file.data:
            write(path, file.data)
            written.append(file.path)
        if file.path == MEMORY and file.data is not None:
            memory = Memory.parse(file.data)
    return Made(
        draws=tuple(draws),
        unproven=() if memory is None else unproven(told, memory),
        written=tuple(written),
        before=before is not None,
    )


def _forget(folder: Path) -> None:
    """Remove the memory before pages change: after a power cut it would vouch for pages that it knows nothing of."""
    (folder / MEMORY).unlink(missing_ok=True)
    sync_folder(folder)
