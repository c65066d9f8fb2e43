"""The process in which one command runs: it lives as long as the service that started it, and not longer.

A service that is killed must not leave a writer behind of which nobody knows: the descriptor named by the first
argument is the reading end of a pipe whose other end only the service holds, and the kernel closes it with the service.
"""

import os
import signal
import sys
from threading import Thread

from fairdraw_cli.main import main


def _end_with(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os.kill(os.getpid(), signal.SIGKILL)  # as a crash: what the command leaves then is whole


if __name__ == "__main__":
    Thread(target=_end_with, args=(int(sys.argv.pop(1)),), daemon=True).start()
    main()
