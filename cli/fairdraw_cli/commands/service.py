"""`serve` and `token new|list|revoke`: the commands over HTTP, and who may call them."""

import os
import re
import time
from collections.abc import Mapping
from typing import Final

import click

from fairdraw.encoding import format_time, parse_time
from fairdraw.errors import WorkspaceError
from fairdraw_cli.extras import need
from fairdraw_cli.helping import command
from fairdraw_cli.session import Session
from fairdraw_cli.workspace import Workspace

LISTEN: Final = "127.0.0.1:8060"
RATE: Final = 20.0  # requests a second of a token
ROOT_PATH: Final = re.compile("(?:/[A-Za-z0-9._~-]+)*", re.ASCII)
ROLES: Final = ("clerk", "lead", "results", "auditor", "metrics")


@command(
    click.option("--listen", metavar="HOST:PORT", default=LISTEN),
    click.option("--behind-proxy", "proxy", metavar="ADDRESS"),
    click.option("--root-path", metavar="PATH", default=""),
    click.option("--rate", metavar="NUMBER", default=RATE, type=click.FloatRange(min=0.1, max=10_000)),
    json=True,
)
def serve(session: Session, listen: str, proxy: str | None, root_path: str, rate: float) -> None:
    """Answer at an address until the program is stopped."""
    need("server")
    from fairdraw_cli.service.server import serve as serve_workspace

    place = Workspace.open(session.folder)
    serve_workspace(
        session, place.root, listen, proxy=proxy, root_path=_path(root_path), rate=rate, secrets=_secrets(place)
    )


def _path(text: str) -> str:
    """Return the path before all addresses, however its slashes were written; empty where there is none.

    Raises:
        WorkspaceError: `bad-root-path`.
    """
    path = f"/{text.strip('/')}".rstrip("/")
    if not ROOT_PATH.fullmatch(path):
        raise WorkspaceError("bad-root-path", found=text)
    return path


def _secrets(place: Workspace) -> Mapping[str, bytes]:
    """Return what opens the workspace's keys, by the variable that names its file; it is asked for once, now.

    Raises:
        WorkspaceError: a key does not open.
    """
    from fairdraw_cli.keyring import PASSPHRASE_FILE, PIN_FILE, from_file, known
    from fairdraw_cli.keys import open_key

    for name in ("log", "bureau"):
        open_key(place.key_path(name))
    told = {PASSPHRASE_FILE: known(), PIN_FILE: from_file(PIN_FILE)}
    return {name: f"{secret}\n".encode() for name, secret in told.items() if secret is not None}


@command(
    click.argument("role", metavar="ROLE", type=click.Choice(ROLES)),
    click.option("--expires", metavar="TIME"),
    json=True,
)
def token_new(session: Session, role: str, expires: str | None) -> None:
    """Make a token, and print it: it is shown this once."""
    from fairdraw_cli.service.tokens import ROLES as KNOWN
    from fairdraw_cli.service.tokens import changing, new_token, path_of

    place, now = Workspace.open(session.folder), int(time.time())
    until = None if expires is None else parse_time(expires)
    if until is not None and until <= now:
        raise WorkspaceError("token-expires", expected=format_time(now), found=format_time(until))
    made, text = new_token(KNOWN[ROLES.index(role)], now=now, expires=until, chance=os.urandom)
    with changing(path_of(place.root)) as tokens:
        tokens.append(made)
    session.say("token.made", id=made.id, role=role)
    session.line(text)
    session.answer({"id": made.id, "role": role, "token": text, "expires": until})


@command(json=True)
def token_list(session: Session) -> None:
    """List the tokens, without their secrets."""
    from fairdraw_cli.service.tokens import path_of, read_tokens

    place, now = Workspace.open(session.folder), int(time.time())
    tokens = read_tokens(path_of(place.root))
    for one in tokens:
        if one.expires is None:
            session.say("token.listed", id=one.id, role=one.role, created=session.time(one.created))
        else:
            key = "token.expires" if now < one.expires else "token.expired"
            session.say(key, id=one.id, role=one.role, created=session.time(one.created),
                        until=session.time(one.expires))  # fmt: skip
    if not tokens:
        session.say("token.none")
    session.answer({"tokens": [{"id": one.id, "role": one.role, "created": one.created, "expires": one.expires}
                               for one in tokens]})  # fmt: skip


@command(click.argument("name", metavar="ID"), json=True)
def token_revoke(session: Session, name: str) -> None:
    """Revoke a token: the next request with it is refused."""
    from fairdraw_cli.service.tokens import changing, path_of

    with changing(path_of(Workspace.open(session.folder).root)) as tokens:
        left = [one for one in tokens if one.id != name]
        if len(left) == len(tokens):
            raise WorkspaceError("token-unknown", expected=[one.id for one in tokens], found=name)
        tokens[:] = left
    session.say("token.revoked", id=name)
    session.answer({"id": name, "revoked": True})
