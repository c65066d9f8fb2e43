"""Bearer tokens: who calls, in which role. `state/tokens.toml` holds digests, so that its thief cannot call.

A token is `fairdraw.<id>.<secret>`, the secret 256 random bits: one SHA-256 is enough, for nobody tries that many. The
file is read again whenever it changes; a revoked token is refused by the very next request.
"""

import fcntl
import hmac
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, get_args

from fairdraw.encoding import format_time, parse_time
from fairdraw.errors import EncodingError, WorkspaceError
from fairdraw_cli.files import PRIVATE, read, toml_line, write

Role = Literal["clerk", "lead", "results", "auditor", "metrics"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
ID_BYTES: Final = 4
SECRET_BYTES: Final = 32
_TOKEN: Final = re.compile(r"fairdraw\.([0-9a-f]{8})\.([0-9a-f]{64})", re.ASCII)
_NOBODY: Final = "00" * 32  # what the secret of an id that nobody has is compared with, to take the same time


@dataclass(frozen=True)
class Token:
    """What is kept of a token; `expires` in POSIX seconds."""

    id: str
    role: Role
    digest: str
    created: int
    expires: int | None = None

    def line(self) -> str:
        """Return its table of the file."""
        until = f'expires = "{format_time(self.expires)}"\n' if self.expires is not None else ""
        return (
            f'[[token]]\nid = "{self.id}"\nrole = "{self.role}"\nsha256 = "{self.digest}"\n'
            f'created = "{format_time(self.created)}"\n{until}'
        )


def path_of(root: Path) -> Path:
    """Return where a workspace keeps its tokens."""
    return root / "state" / "tokens.toml"


def read_tokens(path: Path) -> list[Token]:
    """Return the tokens of a file, none where there is none.

    Raises:
        WorkspaceError: `file-not-toml`, or `tokens-damaged`.
    """
    if not path.exists():
        return []
    data = read(path)
    try:
        told = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise WorkspaceError("file-not-toml", file=str(path), line=toml_line(data, error)) from None
    try:
        tokens = [_token(table) for table in told.get("token", [])]
    except (AttributeError, EncodingError, KeyError, TypeError, ValueError):
        raise WorkspaceError("tokens-damaged", found=str(path)) from None
    if len({token.id for token in tokens}) != len(tokens):
        raise WorkspaceError("tokens-damaged", found=str(path))
    return tokens


def _token(table: dict[str, str]) -> Token:
    role, digest = table["role"], table["sha256"]
    if role not in ROLES or not re.fullmatch("[0-9a-f]{64}", digest) or not re.fullmatch("[0-9a-f]{8}", table["id"]):
        raise ValueError(role)
    expires = parse_time(table["expires"]) if "expires" in table else None
    return Token(table["id"], role, digest, parse_time(table["created"]), expires)


def write_tokens(path: Path, tokens: list[Token]) -> None:
    """Write the file, for its owner only."""
    write(path, "\n".join(token.line() for token in tokens).encode(), mode=PRIVATE)


@contextmanager
def changing(path: Path) -> Iterator[list[Token]]:
    """Yield the tokens to be changed, and write what has become of them; who comes at the same time waits.

    A token that was revoked would be there again when somebody who had read the file before adds his own.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        tokens = read_tokens(path)
        yield tokens
        write_tokens(path, tokens)
    finally:
        os.close(folder)


def new_token(role: Role, *, now: int, expires: int | None, chance: Callable[[int], bytes]) -> tuple[Token, str]:
    """Return a new token, and the text that its holder is given once."""
    name, secret = chance(ID_BYTES).hex(), chance(SECRET_BYTES).hex()
    return Token(name, role, _digest(secret), now, expires), f"fairdraw.{name}.{secret}"


def _digest(secret: str) -> str:
    return sha256(bytes.fromhex(secret)).hexdigest()


class Doorkeeper:
    """The tokens of a workspace, as they are at this moment."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._tokens: dict[str, Token] = {}

    def holder(self, text: str, now: int) -> Token | None:
        """Return the token that a text is, None if it is nobody's or has expired."""
        match = _TOKEN.fullmatch(text)
        if match is None:
            return None
        token = self._current().get(match[1])
        same = hmac.compare_digest(_digest(match[2]), token.digest if token else _NOBODY)
        return token if token and same and (token.expires is None or now < token.expires) else None

    def _current(self) -> dict[str, Token]:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._seen, self._tokens = None, {}
            return self._tokens
        seen = (found.st_mtime_ns, found.st_ino)  # it is replaced, never written over
        if seen != self._seen:
            self._tokens = {token.id: token for token in read_tokens(self._path)}
            self._seen = seen
        return self._tokens
