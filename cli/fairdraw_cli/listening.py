"""Answering at an address until somebody stops the program: what `log serve` and `witness serve` have in common."""

import errno
import logging
import re
import signal
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from fairdraw.errors import WorkspaceError
from fairdraw_cli.session import Session

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from transparency_log.web import Server

_ADDRESS: Final = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:\[\]]+)):(?P<port>[0-9]{1,5})", re.ASCII)
_REASONS: Final = {
    errno.EADDRINUSE: "address-in-use",
    errno.EACCES: "address-forbidden",
    errno.EADDRNOTAVAIL: "address-not-here",
    socket.EAI_NONAME: "address-not-here",  # a name that nobody knows
}


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, where an IPv6 number stands in brackets.

    Raises:
        WorkspaceError: `bad-address`.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > 0xFFFF:
        raise WorkspaceError("bad-address", expected="HOST:PORT", found=text)
    return match["six"] or match["host"], int(match["port"])


def why_not(error: OSError | UnicodeError) -> str:
    """Return why an address cannot be listened on: a code, or the system's own words."""
    number = getattr(error, "errno", None)
    return _REASONS.get(number or 0) or getattr(error, "strerror", None) or str(error)


def answer_until_stopped(
    session: Session,
    app: "WSGIApplication",
    listen: str,
    *,
    opened: Callable[["Server"], Mapping[str, object]] | None = None,
    **limits: Any,
) -> None:
    """Serve `app` at an address until SIGINT or SIGTERM, then finish what is under way. `limits`: see `Server`.

    `opened` hears of the server before it answers anybody, and returns what else a program is told beside its URL.

    Raises:
        WorkspaceError: `bad-address`, or `cannot-listen`.
    """
    from transparency_log.web import Server

    host, port = parse_address(listen)
    try:
        server = Server(app, host=host, port=port, **limits)
    except (OSError, UnicodeError) as error:  # of a host that cannot even be looked up, a UnicodeError
        raise WorkspaceError("cannot-listen", found=listen, reason=why_not(error)) from None
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    # Else a stranger writes lines here: a path is told as it came, and one for every request that has to wait.
    logging.getLogger("waitress").setLevel(logging.WARNING)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    try:
        more = opened(server) if opened is not None else {}
    except BaseException:
        server.stop()
        server.run()  # which closes what is open, and ends at once
        raise
    before = {number: signal.signal(number, lambda *_: server.stop()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        session.say("serve.listening", url=server.url)
        session.answer({"url": server.url, **more})
        server.run()
        session.say("serve.stopped")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
