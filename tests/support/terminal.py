"""A command at a terminal of its own: what it asks for there is answered, as a person types."""

import os
import pty
import select
import signal
import sys
import time
from collections.abc import Mapping, Sequence

PATIENCE = 120  # seconds: scrypt makes every passphrase cost some, and more on a busy machine


def at_terminal(
    words: Sequence[str], answers: Sequence[tuple[str, str]], *, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run `fairdraw`, answering what it shows on the terminal with what is typed then; return code and screen."""
    child, screen = pty.fork()
    if child == 0:
        settings = {**os.environ, "LC_ALL": "en_US.UTF-8", **(environment or {})}
        os.execve(sys.executable, [sys.executable, "-m", "fairdraw_cli.main", *words], settings)  # noqa: S606 - our own program
    told, waiting, deadline = "", list(answers), time.monotonic() + PATIENCE
    seen = 0
    while True:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            raise TimeoutError(told)
        ready, _, _ = select.select([screen], [], [], 0.5)
        if not ready:
            continue
        try:
            data = os.read(screen, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not data:
            break
        told += data.decode("utf-8", "replace")
        if waiting and waiting[0][0] in told[seen:]:
            shown, typed = waiting.pop(0)
            seen = told.index(shown, seen) + len(shown)
            os.write(screen, f"{typed}\n".encode())
    os.close(screen)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert not waiting, f"never asked for {waiting[0][0]!r}: {told}"
    return code, told
