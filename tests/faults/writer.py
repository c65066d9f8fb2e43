"""A process that writes a log, for others to kill: `python writer.py FOLDER STEP…`.

What the log acknowledged is told on standard output, a line each, before the next step begins. An error of the log
ends the process with its code on standard error and exit status 3; anything else is a traceback, which no fault may
bring about.
"""

import os
import subprocess
import sys
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

from transparency_log.checkpoint import cosign
from transparency_log.errors import LogError
from transparency_log.log import Log
from transparency_log.note import COSIGNATURE_ED25519, Signer
from transparency_log.state import SqliteState
from transparency_log.storage import Directory

MARK = "/faults/begin"  # the system call that looks for it is where interpreter start-up ends
SIGNER = Signer.from_seed("log.example/faults", sha256(b"the log of the fault tests").digest())
WITNESS = Signer.from_seed("w1.example", sha256(b"its witness").digest(), COSIGNATURE_ED25519)
STOPPED = 3


def main(folder: Path, steps: list[str]) -> None:
    """Do the steps, of which the first is `create` or `open`."""
    os.access(MARK, os.F_OK)
    storage = Directory(folder / "public")
    with ExitStack() as stack:
        if steps[0] == "create":
            state = stack.enter_context(SqliteState.create(folder / "state"))
            log = Log.create(storage, SIGNER, state=state)
        else:
            state = stack.enter_context(SqliteState(folder / "state"))
            log = Log.open(storage, SIGNER, state=state)
        acknowledge(f"{steps[0]} {log.size}")
        for number, step in enumerate(steps[1:]):
            do(log, step, number)


def do(log: Log, step: str, number: int) -> None:
    match step:
        case "hold":
            hold()
        case "cosign":
            line = cosign(WITNESS, log.checkpoint.note.text, 1_790_000_000 + number)
            log.add_cosignatures(log.size, [line], [WITNESS.verifier])
            acknowledge(f"cosign {log.size} {line.data.hex()}")
        case "freeze":
            log.freeze()
            acknowledge(f"freeze {log.size}")
        case "collect":
            log.collect()
            acknowledge(f"collect {log.size}")
        case "fork":
            if os.fork() == 0:
                hold()
                os._exit(0)
            os.wait()
        case "spawn":
            with subprocess.Popen(["cat"], stdout=subprocess.DEVNULL):
                hold()
        case _:
            grow(log, step, number)


def grow(log: Log, step: str, number: int) -> None:
    """Append one entry or many."""
    entries = [b"entry %d of step %d" % (at, number) for at in range({"append": 1, "batch": 300}[step])]
    acknowledge(
        *(f"entry {index} {entry.hex()}" for index, entry in zip(log.append_many(entries), entries, strict=True))
    )


def hold() -> None:
    """Stay until standard input ends."""
    acknowledge(f"hold {os.getpid()}")
    os.read(0, 1)


def acknowledge(*lines: str) -> None:
    # By a system call that nothing else uses: a fault must hit the log, not the witness of its words.
    os.writev(1, ["".join(f"{line}\n" for line in lines).encode()])


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), sys.argv[2:])
    except LogError as error:
        os.writev(2, [f"{error}\n".encode()])
        os._exit(STOPPED)
