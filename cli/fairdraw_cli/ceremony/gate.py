"""Who may come in: the operator's token, the names under which this program is called, and pages of its own.

A page of a stranger's, open in the same browser, can send requests to any address, the loopback too; and a name of the
stranger's can be made to lead here. So the Host is one that was listened on, what changes anything comes from a page of
that very origin, and the token travels in a header, which no other page can set.
"""

import hmac
import secrets
from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from werkzeug.wrappers import Request

SCHEME: Final = "Bearer "
WRONG: Final = 10  # wrong tokens in a minute: after so many, more are not even told that they are wrong
MINUTE: Final = 60.0


def new_token() -> str:
    """Return a token that nobody guesses: 192 bits."""
    return secrets.token_urlsafe(24)


@dataclass
class RefusedError(Exception):
    """A request that is not answered: its HTTP status, and the code of its sentence."""

    status: int
    code: str


@dataclass
class Gate:
    """What every request has to pass. `hosts` are the only names, with their ports, that a Host header may have."""

    hosts: frozenset[str]
    token: str
    _wrong: deque[float] = field(default_factory=deque)
    _lock: Lock = field(default_factory=Lock)

    def check_host(self, request: Request) -> None:
        """Refuse a request that was sent to another name: DNS rebinding makes one lead here.

        Raises:
            RefusedError: 421.
        """
        if request.environ.get("HTTP_HOST", "").lower() not in self.hosts:
            raise RefusedError(421, "ceremony-host")

    def check_origin(self, request: Request) -> None:
        """Refuse what a page of another origin sends; one that changes something must say whence it comes.

        Raises:
            RefusedError: 403.
        """
        origin, changes = request.headers.get("Origin"), request.method == "POST"
        own = f"http://{request.environ['HTTP_HOST'].lower()}"
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        if (origin is None and changes) or origin not in (None, own) or site not in ("same-origin", "none"):
            raise RefusedError(403, "ceremony-origin")

    def check_operator(self, request: Request, now: float) -> None:
        """Refuse whoever has not the token.

        The right token always passes, or a stranger could lock the operator out by guessing.

        Raises:
            RefusedError: 401, or 429 after too many wrong ones.
        """
        given = request.headers.get("Authorization", "")
        if given.startswith(SCHEME) and hmac.compare_digest(
            given.removeprefix(SCHEME).encode("utf-8", "replace"), self.token.encode()
        ):
            return
        with self._lock:
            while self._wrong and self._wrong[0] <= now - MINUTE:
                self._wrong.popleft()
            full = len(self._wrong) >= WRONG
            if not full:
                self._wrong.append(now)
        raise RefusedError(429 if full else 401, "ceremony-too-many" if full else "ceremony-token")
