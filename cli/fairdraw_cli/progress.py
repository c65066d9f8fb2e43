"""How far a long reading has come: one line on a terminal, nothing anywhere else."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
