"""Passphrases and PINs: asked for on the terminal, or read from a file that nobody else may read. docs/keys.md.

Never from the command line, which every user of the machine can list, and never from the value of a variable, which
every child process inherits. One process asks once: what opened a key is tried on the next one, for as long as the
process lives and no longer.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from fairdraw.errors import WorkspaceError
from fairdraw_cli.files import MAX_FILE
from fairdraw_cli.session import Session

PASSPHRASE_FILE: Final = "FAIRDRAW_PASSPHRASE_FILE"  # noqa: S105 - the variable's name
PIN_FILE: Final = "FAIRDRAW_PIN_FILE"
FORBIDDEN: Final = ("FAIRDRAW_PASSPHRASE", "FAIRDRAW_PIN")
CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"  # systemd.exec(5): readable by the service alone, whatever its mode says
TERMINAL: Final = "/dev/tty"
SHORTEST: Final = 8  # characters

_known: list[str] = []  # passphrases that opened a key of this process, the newest first
_read: dict[str, str] = {}  # what files said: a pipe says it once


def forget() -> None:
    """Forget every passphrase and PIN."""
    _known.clear()
    _read.clear()


def passphrases(file: Path) -> Iterator[str]:
    """Yield what may open a file: what opened another one, the first line of the named file, a person's answer.

    Raises:
        WorkspaceError: `passphrase-needed`, where there is neither file nor terminal.
    """
    _check_environment()
    tried = list(_known)
    yield from tried
    named = from_file(PASSPHRASE_FILE)
    if named is not None and named not in tried:
        yield named
    if named is None or _has_terminal():
        yield _prompt("key.passphrase", file=file)


def remember(passphrase: str) -> None:
    """Try a passphrase that opened a key on the next one first."""
    if passphrase in _known:
        _known.remove(passphrase)
    _known.insert(0, passphrase)


def known() -> str | None:
    """Return the passphrase that opened a key last, None if none was needed."""
    return _known[0] if _known else None


def new_passphrase(file: Path) -> str:
    """Return the passphrase for a new file: of the named file, or typed twice.

    Raises:
        WorkspaceError: `passphrases-differ`, `passphrase-short` or `passphrase-needed`.
    """
    _check_environment()
    told = from_file(PASSPHRASE_FILE)
    if told is None:
        told = _prompt("key.new-passphrase", file=file)
        if told != _prompt("key.again"):
            raise WorkspaceError("passphrases-differ")
    if len(told) < SHORTEST:
        raise WorkspaceError("passphrase-short", expected=SHORTEST)
    remember(told)
    return told


def pin(token: str) -> str:
    """Return a token's PIN. It is asked for once and never guessed: a token locks itself after a few wrong ones."""
    _check_environment()
    told = from_file(PIN_FILE)
    return _prompt("key.pin", token=token) if told is None else told


def _check_environment() -> None:
    for name in FORBIDDEN:
        if name in os.environ:
            raise WorkspaceError("passphrase-in-environment", found=name, expected=f"{name}_FILE")


def from_file(variable: str) -> str | None:
    """Return the first line of the file that a variable names, None where it is not set.

    Raises:
        WorkspaceError: `file-missing`, `passphrase-file-open`, `passphrase-file-empty` or `passphrase-encoding`.
    """
    name = os.environ.get(variable)
    if not name:
        return None
    if name not in _read:
        try:
            descriptor = os.open(name, os.O_RDONLY)
        except OSError:
            raise WorkspaceError("file-missing", found=name) from None
        with os.fdopen(descriptor, "rb") as file:
            # Of the opened file, not of its name: what the name means may change in between.
            _check_private(name, os.fstat(file.fileno()))
            try:
                # With replacements every passphrase in another encoding would be the same few question marks.
                line = file.readline(MAX_FILE).decode("utf-8-sig").rstrip("\r\n")
            except UnicodeDecodeError:
                raise WorkspaceError("passphrase-encoding", found=name) from None
        if not line:
            raise WorkspaceError("passphrase-file-empty", found=name)
        _read[name] = line
    return _read[name]


def _check_private(name: str, found: os.stat_result) -> None:
    if stat.S_ISFIFO(found.st_mode) or is_credential(Path(name)):
        return
    ours = stat.S_ISREG(found.st_mode) and found.st_uid in (os.getuid(), 0)
    if not ours or found.st_mode & 0o077:
        raise WorkspaceError("passphrase-file-open", found=name, expected=f"chmod 600 {name}")


def is_credential(path: Path) -> bool:
    """Say whether a file is one that systemd hands to this service alone."""
    folder = os.environ.get(CREDENTIALS)
    return bool(folder) and path.absolute().parent == Path(folder or "").absolute()


def _has_terminal() -> bool:
    try:
        os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _prompt(key: str, **params: object) -> str:
    """Ask on the terminal, without showing the answer; never on standard input, which may be anything."""
    from getpass import getpass

    if not _has_terminal():
        raise WorkspaceError("passphrase-needed", expected=[PASSPHRASE_FILE, PIN_FILE])
    context = click.get_current_context(silent=True)
    session = (context.find_object(Session) if context else None) or Session()
    answer = getpass(session.word(key, **params))
    try:
        answer.encode()
    except UnicodeEncodeError:  # of a terminal with another encoding than it says
        raise WorkspaceError("passphrase-encoding", found=TERMINAL) from None
    return answer
