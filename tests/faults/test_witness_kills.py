"""A witness that is killed at random under load: it never cosigns two trees of one size, and forgets none."""

import http.client
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from transparency_log.checkpoint import Checkpoint, cosignatures, sign_checkpoint
from transparency_log.merkle import Tree, leaf_hash
from transparency_log.note import Note
from transparency_log.seen import SqliteWitnessState, origin_hash
from transparency_log.witness import add_checkpoint_request, parse_cosignatures

from .witness import LOG, SIGNER

KILLS = 20
WITNESS = Path(__file__).with_name("witness.py")
GONE = (ConnectionError, http.client.HTTPException, TimeoutError)


@dataclass
class Forker:
    """A log that signs two histories from wherever the witness stands, and what it was answered."""

    leaves: list[bytes] = field(default_factory=list)
    granted: dict[int, set[bytes]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    count: int = 0

    def signed(self, leaves: list[bytes]) -> Note:
        return sign_checkpoint(Checkpoint(LOG.name, len(leaves), Tree(leaves).root()), LOG)

    def fork(self) -> list[list[bytes]]:
        """Return two histories of one size that both go on from here."""
        self.count += 1
        grown = random.Random(self.count).randrange(1, 4)
        return [self.leaves + [leaf_hash(b"%d %d %d" % (self.count, way, at)) for at in range(grown)] for way in (0, 1)]

    def ask(self, port: int, leaves: list[bytes], old: int) -> int | None:
        """Ask for one history; return the status, None if the witness was gone before it answered."""
        note, proof = self.signed(leaves), Tree(leaves).consistency_proof(old) if old else []
        try:
            status, body = exchange(port, "POST", "/add-checkpoint", add_checkpoint_request(old, proof, note))
        except GONE:
            return None
        if status == 200:
            assert cosignatures(Note(note.text, parse_cosignatures(body)), [SIGNER.verifier])
            with self.lock:
                self.granted.setdefault(len(leaves), set()).add(Tree(leaves).root())
        return status


def exchange(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@contextmanager
def witness(state: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    with subprocess.Popen([sys.executable, str(WITNESS), str(state)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def newest(port: int) -> Checkpoint | None:
    """Return what the witness says that it has cosigned last."""
    status, body = exchange(port, "GET", f"/{origin_hash(LOG.name)}/checkpoint")
    if status == 404:
        return None
    note = Note.parse(body)
    assert cosignatures(note, [SIGNER.verifier])
    return Checkpoint.parse(note.text)


def storm(log: Forker, port: int, killer: threading.Timer) -> list[list[bytes]]:
    """Ask for forks, two at once, until the witness is gone; return the two that it was asked for last."""
    while True:
        if killer.ident is None and log.count % 2:  # it has granted something, or nothing yet
            killer.start()
        ways, told = log.fork(), {}

        def ask(number: int, ways: list[list[bytes]] = ways, told: dict[int, int | None] = told) -> None:
            told[number] = log.ask(port, ways[number], len(log.leaves))

        threads = [threading.Thread(target=ask, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if None in told.values():
            return ways
        assert list(told.values()).count(200) == 1, told
        log.leaves = next(ways[number] for number, status in told.items() if status == 200)


def check_memory(log: Forker, port: int, ways: list[list[bytes]]) -> None:
    """Check what a killed witness still knows, and let the log go on from there."""
    found = newest(port)
    size = 0 if found is None else found.size
    # Whatever was answered before the kill is still known after it.
    assert size >= max(log.granted, default=0)
    for way in [log.leaves, *ways]:
        if found is not None and (len(way), Tree(way).root()) == (size, found.root):
            log.leaves = way
    assert len(log.leaves) == size, "the witness shows a tree that it was not asked for last"
    for way in ways:
        if len(way) == size and way != log.leaves:  # the other side of the fork cannot be had any more
            assert log.ask(port, way, size) == 422
    if size:
        assert log.ask(port, log.leaves, size) == 200


def test_a_witness_killed_under_load_never_cosigns_two_trees_of_one_size_and_forgets_none(tmp_path):
    state, log, chance = tmp_path / "state.sqlite", Forker(), random.Random(8)
    SqliteWitnessState.create(state).close()
    ways: list[list[bytes]] = []
    for left in range(KILLS, -1, -1):
        with witness(state) as (process, port):
            check_memory(log, port, ways)
            if left:
                killer = threading.Timer(chance.uniform(0.0, 0.25), process.kill)
                ways = storm(log, port, killer)
                killer.join()
    assert all(len(roots) == 1 for roots in log.granted.values())
    assert len(log.granted) >= KILLS // 2
