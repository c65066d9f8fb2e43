"""A log under load that is killed again and again: `python -m benchmarks.soak --kills 2000`.

A writer opens the log and lets several threads append through a `Sequencer`; each tells through a pipe what was
acknowledged. At a random moment, which may be while it still opens, it gets SIGKILL. Meanwhile a reader follows the
log as anybody would and keeps every checkpoint that it ever saw. After each kill every acknowledged entry must be
readable from the public files as they lie there; half of the time the log is then opened here, else the next writer
has to recover it. In the end the whole log is recomputed, and compared with all that was acknowledged and seen.

The page cache outlives a killed process: whether the disk got everything in time is asked by `tests/faults/power.py`.
"""

import argparse
import os
import platform
import random
import select
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from pathlib import Path
from threading import Thread

from benchmarks.measure import table
from transparency_log.audit import audit
from transparency_log.checkpoint import Checkpoint, open_checkpoint
from transparency_log.errors import LogError
from transparency_log.log import Log
from transparency_log.merkle import check_consistency
from transparency_log.note import Signer
from transparency_log.reader import LogReader
from transparency_log.sequencer import Sequencer
from transparency_log.state import SqliteState
from transparency_log.storage import Directory
from transparency_log.tree import TileReader

SIGNER = Signer.from_seed("log.example/soak", sha256(b"the log of the soak").digest())
THREADS = 4
BATCHES = (1, 1, 1, 2, 5, 40)  # entries that a caller brings; the lines for 40 go through a pipe at a stroke
OPENING = 0.012  # seconds after its start within which a writer is killed that may still be opening
WRITING = 0.2  # seconds after it has opened within which one is killed that writes


class Soak:
    """One log in one folder, its writers one after the other, and what is known of it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.told: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._folder = folder
        self._storage = Directory(folder / "public")
        self._chance = random.Random(seed)  # noqa: S311 - when to kill is no secret
        self._acknowledged: dict[int, bytes] = {}
        self._seen: list[bytes] = []
        with SqliteState.create(folder / "state") as state:
            log = Log.create(self._storage, SIGNER, state=state)
            self._last = log.checkpoint.checkpoint

    def cycle(self, number: int) -> None:
        """Start a writer, kill it, and check what it leaves."""
        lines = self._killed_writer(number)
        self.told["killed while writing" if lines else "killed while opening"] += 1
        new: dict[int, bytes] = {}
        for first, _, second in (line.partition(b" ") for line in lines):
            if first == b"opened":
                self.told["restarts by a writer"] += 1
            elif not first.isdigit():
                self.wrong.append(f"writer {number}: {first!r} {second!r}")
            elif int(first) in self._acknowledged or int(first) in new:
                self.wrong.append(f"writer {number}: index {first!r} was given twice")
            else:
                new[int(first)] = second
        self._acknowledged |= new
        with self._counted(f"after writer {number}"):
            self._check_public(new)
            if self._chance.random() < 0.5:
                self._restart()

    def end(self, seen: Sequence[bytes]) -> None:
        """Recompute the log, and compare it with all that was acknowledged and every checkpoint that was seen."""
        roots: dict[int, bytes] = {}
        for checkpoint in (open_checkpoint(data, SIGNER.verifier).checkpoint for data in (*seen, *self._seen)):
            if roots.setdefault(checkpoint.size, checkpoint.root) != checkpoint.root:
                self.told["forks"] += 1
                self.wrong.append(f"two trees of size {checkpoint.size} were signed")
        with self._counted("in the end"):
            self._restart()
            self._recompute(roots)
        self.told["checkpoints seen"] = len(roots)
        self.told["entries acknowledged"] = len(self._acknowledged)

    def _recompute(self, roots: dict[int, bytes]) -> None:
        newest = LogReader(self._storage.read, SIGNER.verifier).checkpoint().checkpoint
        entries: list[bytes] = []

        def confirm(size: int, root: bytes) -> None:
            if roots[size] != root:
                self.told["forks"] += 1
                self.wrong.append(f"the tree of size {size} that was seen is not one of this log")

        tree = TileReader(self._storage.read, newest)
        audit(self._storage.read, tree, published=sorted(roots), confirm=confirm, visit=entries.extend)
        lost = [at for at, entry in self._acknowledged.items() if at >= len(entries) or entries[at] != entry]
        self.wrong.extend(f"entry {at} was acknowledged and is lost" for at in lost)
        self.told["acknowledged entries lost"] = len(lost)
        self.told["entries"] = len(entries)

    def _killed_writer(self, number: int) -> list[bytes]:
        """Run a writer until it is killed, and return the lines that it told before."""
        told, pipe = os.pipe()
        pid = _fork(lambda: _write(self._folder, number, pipe))
        os.close(pipe)
        opening = self._chance.random() < 0.3
        if opening:
            time.sleep(self._chance.uniform(0, OPENING))
        else:
            select.select([told], [], [])
            time.sleep(self._chance.uniform(0, WRITING))
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        with os.fdopen(told, "rb") as rest:
            lines = rest.read().splitlines()
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            self.wrong.append(f"writer {number} ended by itself: {lines[-1:]}")
        return lines

    def _check_public(self, new: dict[int, bytes]) -> None:
        """Check that the public log grew, and that what was acknowledged last is in it as it lies there."""
        reader = LogReader(self._storage.read, SIGNER.verifier)
        signed = reader.checkpoint()
        now = signed.checkpoint
        self._seen.append(signed.note.format())
        _check_grown(reader, self._last, now)
        self._last = now
        if new and max(new) >= now.size:
            self.wrong.append(f"entry {max(new)} was acknowledged before it was public")
        first = min(new, default=0)
        entries = list(reader.entries(first, min(max(new, default=-1) + 1, now.size), now.size)) if new else []
        for index, entry in new.items():
            if entries[index - first] != entry:
                self.wrong.append(f"entry {index} was acknowledged and is another")

    def _restart(self) -> None:
        with SqliteState(self._folder / "state") as state:
            log = Log.open(self._storage, SIGNER, state=state)
            self.told["restarts here"] += 1
            self.told["restarts that finished a commit"] += log.size > self._last.size

    @contextmanager
    def _counted(self, when: str) -> Iterator[None]:
        try:
            yield
        except LogError as error:
            self.told["refusals"] += 1
            self.wrong.append(f"{when}: {error}")


def _write(folder: Path, number: int, pipe: int) -> None:
    """Append from several threads for ever, and tell what was acknowledged."""
    try:
        with SqliteState(folder / "state") as state:
            log = Log.open(Directory(folder / "public"), SIGNER, state=state)
            os.write(pipe, b"opened %d\n" % log.size)
            sequencer = Sequencer(log)
            threads = [Thread(target=_append, args=(sequencer, number, thread, pipe)) for thread in range(THREADS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    except LogError as error:
        os.write(pipe, f"refused {error}\n".encode())


def _append(sequencer: Sequencer, number: int, thread: int, pipe: int) -> None:
    chance = random.Random(f"{number} {thread}")  # noqa: S311
    try:
        for turn in count():
            batch = [b"%d/%d/%d/%d" % (number, thread, turn, at) for at in range(chance.choice(BATCHES))]
            told = zip(sequencer.append_many(batch), batch, strict=True)
            os.write(pipe, b"".join(b"%d %s\n" % one for one in told))
    except LogError as error:
        os.write(pipe, f"stopped {error}\n".encode())


def _follow(folder: Path) -> None:
    """Follow the log for ever, keep every checkpoint, and note each that does not continue the one before."""
    reader = LogReader(Directory(folder / "public").read, SIGNER.verifier)
    last = reader.checkpoint().checkpoint
    with (folder / "seen").open("ab", buffering=0) as seen, (folder / "wrong").open("ab", buffering=0) as wrong:
        while True:
            try:
                # This reads the tiles at the right edge too: whoever shows a checkpoint must have them there.
                signed = reader.checkpoint()
                if signed.checkpoint != last:
                    seen.write(signed.note.format() + b"\0")
                    _check_grown(reader, last, signed.checkpoint)
                    last = signed.checkpoint
            except LogError as error:
                wrong.write(f"the reader: {error}\n".encode())
            time.sleep(0.001)


def _check_grown(reader: LogReader, old: Checkpoint, new: Checkpoint) -> None:
    if old.size:
        proof = reader.consistency_proof(old.size, new.size)
        check_consistency(old_size=old.size, old_root=old.root, new_size=new.size, new_root=new.root, proof=proof)


def _fork(work: Callable[[], None]) -> int:
    """Do something in a process of its own, which has imported everything already; return its id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    finally:
        os._exit(1)


def soak(folder: Path, *, kills: int, seed: int) -> Soak:
    """Kill as many writers of one log, and return what was seen."""
    log = Soak(folder, seed)
    follower = _fork(lambda: _follow(folder))
    try:
        for number in range(kills):
            log.cycle(number)
    finally:
        os.kill(follower, signal.SIGKILL)
        os.waitpid(follower, 0)
    log.wrong.extend((folder / "wrong").read_text().splitlines())
    log.end((folder / "seen").read_bytes().split(b"\0")[:-1])
    return log


def main(arguments: Sequence[str] = ()) -> int:
    """Print what became of a log under so many kills; return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=None, help="where the log is made, on the disk to be tried")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="soak-") as folder:
        log = soak(Path(folder), kills=options.kills, seed=options.seed)
    lines = ("forks", "acknowledged entries lost", "refusals", "killed while opening", "killed while writing",
             "restarts here", "restarts that finished a commit", "restarts by a writer",
             "entries", "entries acknowledged", "checkpoints seen")  # fmt: skip
    when = f"{datetime.now(UTC):%Y-%m-%d}, {time.monotonic() - began:.0f} s, Python {platform.python_version()}"
    table(
        f"soak: {options.kills} kills of a writer under load, seed {options.seed} ({when})",
        [(line, f"{log.told[line]:,}") for line in lines],
    )
    for sentence in log.wrong:
        print("  WRONG:", sentence)
    return 1 if log.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
