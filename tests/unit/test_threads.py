"""What the packages say of threads (docs/embedding.md §6): the pure part is everybody's, a log is one writer's."""

import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fairdraw.draw import draw_lots
from fairdraw.packaged import catalogue
from fairdraw.render import report_text
from fairdraw.verify import verify_bundle
from support.story import tell, trust
from transparency_log import (
    Directory,
    Index,
    Log,
    LogReader,
    Sequencer,
    Signer,
    SqliteState,
    SqliteWitnessState,
    Witness,
)
from transparency_log.checkpoint import Checkpoint, sign_checkpoint
from transparency_log.errors import SequenceError, WitnessError
from transparency_log.merkle import Tree, leaf_hash
from transparency_log.note import COSIGNATURE_ED25519
from transparency_log.witness import CONFLICT, add_checkpoint_request, parse_cosignatures

THREADS = 8
LOG_KEY = Signer.from_seed("log.example.cn", b"l" * 32)


def at_once(work: Sequence[Callable[[], object]]) -> list[object]:
    """Do everything at once in threads of its own; what one of them raises is raised."""
    start = threading.Barrier(len(work))

    def begin(one: Callable[[], object]) -> object:
        start.wait()
        return one()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(begin, work))


def test_one_bundle_one_trust_file_and_one_catalogue_serve_many_threads() -> None:
    told = tell()
    bundle, known, log, now = told.bundle(), trust(told.story), told.log(), told.story.now

    def once() -> tuple[str, object]:
        report = verify_bundle(bundle, known, as_of=now, log=log)
        outcome = told.outcome()
        assert draw_lots(told.inputs(), outcome.key) == outcome
        return report_text(report, catalogue("zh")), report

    first = once()
    assert first[1].verdict == "holds"
    assert at_once([once] * THREADS) == [first] * THREADS


def test_many_threads_append_through_one_sequencer_and_each_gets_its_own_indices(tmp_path: Path) -> None:
    storage = Directory(tmp_path / "log")
    with SqliteState.create(tmp_path / "state.sqlite") as state:
        log = Log.create(storage, LOG_KEY, state=state)
        sequencer = Sequencer(log)

        def work(thread: int) -> dict[int, bytes]:
            entries = [f"{thread} {n}".encode() for n in range(25)]
            return {sequencer.append(entry): entry for entry in entries}

        told = at_once([lambda thread=thread: work(thread) for thread in range(THREADS)])
    indices: dict[int, bytes] = {}
    for one in told:
        assert isinstance(one, dict)
        assert indices.keys().isdisjoint(one)
        assert sorted(one) == list(one)  # what one thread adds stays in its order
        indices |= one
    reader = LogReader(storage.read, LOG_KEY.verifier)
    assert reader.check().checkpoint.size == 25 * THREADS
    assert list(reader.entries(0, 25 * THREADS, 25 * THREADS)) == [indices[n] for n in range(25 * THREADS)]


def test_many_threads_that_add_the_same_entries_find_them_once_where_there_is_an_index(tmp_path: Path) -> None:
    storage = Directory(tmp_path / "log")
    with SqliteState.create(tmp_path / "state.sqlite") as state, Index(tmp_path / "index.sqlite") as index:
        sequencer = Sequencer(Log.create(storage, LOG_KEY, state=state), index=index)
        entries = [f"entry {n}".encode() for n in range(20)]

        def work(thread: int) -> dict[bytes, int]:
            mixed = random.Random(thread).sample(entries, len(entries))
            return {entry: sequencer.append(entry) for entry in mixed}

        told = at_once([lambda thread=thread: work(thread) for thread in range(THREADS)])
    assert all(one == told[0] for one in told)
    assert LogReader(storage.read, LOG_KEY.verifier).check().checkpoint.size == len(entries)


def test_many_threads_read_one_log_while_it_grows(tmp_path: Path) -> None:
    storage = Directory(tmp_path / "log")
    with SqliteState.create(tmp_path / "state.sqlite") as state:
        log = Log.create(storage, LOG_KEY, state=state)
        log.append_many([f"{n}".encode() for n in range(300)])

        def read() -> int:
            reader, size = LogReader(storage.read, LOG_KEY.verifier), 0
            for _ in range(20):
                newest = reader.checkpoint().checkpoint.size
                assert newest >= size
                size = newest
                assert list(reader.entries(size - 5, size, size)) == [f"{n}".encode() for n in range(size - 5, size)]
            return size

        def write() -> int:
            for n in range(300, 340):
                log.append(f"{n}".encode())
            return log.size

        assert at_once([write, *[read] * (THREADS - 1)])[0] == 340


def test_a_witness_that_many_threads_ask_at_once_signs_one_history_only(tmp_path: Path) -> None:
    SqliteWitnessState.create(tmp_path / "witness.sqlite").close()
    key = Signer.from_seed("witness.example.org", b"w" * 32, COSIGNATURE_ED25519)
    with SqliteWitnessState(tmp_path / "witness.sqlite") as state:
        witness = Witness(key, state)

        def ask(fork: int) -> int:
            tree = Tree([leaf_hash(f"{fork}".encode())])
            note = sign_checkpoint(Checkpoint(LOG_KEY.name, 1, tree.root()), LOG_KEY)
            body = add_checkpoint_request(0, [], note)
            try:
                lines = witness.add_checkpoint(body, now=1_800_000_000, logs={LOG_KEY.name: LOG_KEY.verifier})
            except WitnessError as error:
                return error.status
            return len(parse_cosignatures("".join(f"{line.format()}\n" for line in lines).encode()))

        told = at_once([lambda fork=fork: ask(fork) for fork in range(THREADS)])
    assert sorted(told, key=str) == [1, *[CONFLICT] * (THREADS - 1)]  # one got a line, the others a refusal


def test_a_state_that_is_open_cannot_be_opened_again_by_another_thread(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with SqliteState.create(path):

        def open_again() -> str:
            with pytest.raises(SequenceError) as caught:
                SqliteState(path)
            return caught.value.code

        assert at_once([open_again] * THREADS) == ["locked"] * THREADS
