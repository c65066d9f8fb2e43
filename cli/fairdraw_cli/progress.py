"""How far a long reading has come: one line on a terminal, nothing anywhere else."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from fairdraw_cli.session import Session

_EVERY = 0.2  # seconds: a line that flickers is read by nobody, and printing it costs more than hashing


@contextmanager
def counting(session: Session) -> Iterator[Callable[[int], None]]:
    """Give a function that shows how many entries were read so far; the line is gone in the end."""
    if session.json or not sys.stderr.isatty():
        yield lambda _count: None
        return
    last = time.monotonic()

    def show(count: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _EVERY:
            last = time.monotonic()
            sys.stderr.write(f"\r\x1b[K{session.word('log.entries-read', count=f'{count:,}')}")
            sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


@contextmanager
def moving(session: Session) -> Iterator[Callable[[str, int, int | None, int], None]]:
    """Give a function that shows how far a long freeze has come: what it does, how much of how much, and rows so far.

    A person is told rows a second and the time that remains; the line is gone in the end.
    """
    shown = sys.stderr.isatty() and not session.json
    last = 0.0
    first: tuple[float, int, int] | None = None

    def show(what: str, done: int, total: int | None, rows: int) -> None:
        nonlocal last, first
        now = time.monotonic()
        first = first or (now, done, rows)  # what a call that was cut off had done took none of this one's time
        if now - last < _EVERY and what == "read":
            return
        last = now
        session.progress(done, total, what)
        if shown and (what != "read" or rows > first[2]):  # one look tells no rate
            spent = max(now - first[0], _EVERY)
            rate, pace = (rows - first[2]) / spent, (done - first[1]) / spent
            left = timedelta(seconds=int((total - done) / pace)) if total and pace else None
            told = session.word(f"freeze.doing-{what}", rows=f"{rows:,}", rate=f"{rate:,.0f}", left=left)
            sys.stderr.write(f"\r\x1b[K{told}")
            sys.stderr.flush()

    try:
        yield show
    finally:
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
