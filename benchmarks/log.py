"""Appending to a log: durable entries a second, and what an append costs in a log that is large already.

Entries have 300 bytes. Everything lies in the system's folder for temporary files (TMPDIR), the log's tiles and its
SQLite state on the same disk, and every append is on that disk when it returns. The limit is the disk itself: 4 KiB
appended to a file and synced, again and again. The peers append the same entries and make a root after each batch:

- `tlog-scales` syncs each file and its folder, not the new folders; it keeps no state apart and is not crash safe.
- `pymerkle` (SqliteTree) syncs as SQLite does by default (synchronous = FULL); it signs nothing and writes no tiles.

`pymerkle` is under the GPL. It is a peer of development only and no part of what is shipped.
"""

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from pymerkle import SqliteTree
from tlog_scales.signing import PlainEd25519Signer
from tlog_scales.writer import TilesWriter

from benchmarks import log_reading
from benchmarks.measure import apart, peak_mebibytes, table
from transparency_log.log import Log
from transparency_log.note import Signer
from transparency_log.state import SqliteState
from transparency_log.storage import Directory

SEED = bytes(range(32))
SIGNER = Signer.from_seed("log.example/bench", SEED)
ENTRY_SIZE = 300
BATCHES = {1: 200, 16: 150, 256: 60, 4096: 12}  # entries under one checkpoint, and how often that is timed
GROWN = {1_000: {1: 200, 256: 40}, 100_000: {1: 200, 256: 40}, 1_000_000: {1: 200, 256: 40}}

Append = Callable[[Sequence[bytes]], object]


def entries(start: int, count: int) -> list[bytes]:
    """Return invented entries, each of its own."""
    return [index.to_bytes(8) * (ENTRY_SIZE // 8) + bytes(ENTRY_SIZE % 8) for index in range(start, start + count)]


def raw(folder: Path) -> Append:
    """Return what the disk can do: 4 KiB appended and synced, whatever the batch."""
    descriptor = os.open(folder / "raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    block = bytes(4096)

    def append(batch: Sequence[bytes]) -> None:  # noqa: ARG001
        os.write(descriptor, block)
        os.fsync(descriptor)

    return append


def ours(folder: Path) -> Append:
    """Return the append of a new log of ours."""
    return Log.create(Directory(folder / "log"), SIGNER, state=SqliteState.create(folder / "state")).append_many


def scales(folder: Path) -> Append:
    """Return the append of a new log of `tlog-scales`."""
    writer = TilesWriter.create(folder / "scales", SIGNER.name)
    signers = [PlainEd25519Signer(SIGNER.name, SEED)]

    def append(batch: Sequence[bytes]) -> None:
        for entry in batch:
            writer.add_leaf(entry)
        writer.commit(signers)

    return append


def pymerkle(folder: Path) -> Append:
    """Return the append of a new tree of `pymerkle`."""
    tree = SqliteTree(str(folder / "pymerkle"))

    def append(batch: Sequence[bytes]) -> None:
        tree.append_entries(batch)
        tree.get_root()

    return append


PEERS = {"raw": raw, "ours": ours, "tlog-scales": scales, "pymerkle": pymerkle}


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def compare(batch: int) -> dict[str, float]:
    """Return the median seconds of a batch for each, taken in turns, so that all meet the same disk."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        contestants = {name: make(Path(folder)) for name, make in PEERS.items()}
        taken: dict[str, list[float]] = {name: [] for name in contestants}
        for turn in range(BATCHES[batch]):
            some = entries(turn * batch, batch)
            for name, append in contestants.items():
                taken[name].append(timed(lambda a=append, s=some: a(s)))
    return {name: median(told) for name, told in taken.items()}


def memory(name: str, batch: int) -> dict[str, float]:
    """Return the peak memory of one contestant alone, and what the process has without appending anything."""
    before = peak_mebibytes()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        append = PEERS[name](Path(folder))
        for turn in range(BATCHES[batch]):
            append(entries(turn * batch, batch))
    return {"peak": peak_mebibytes(), "before": before}


def grow(folder: str) -> dict[str, float]:
    """Let a log grow to a million entries and return the median seconds of an append at each of `GROWN`."""
    state = SqliteState.create(Path(folder) / "state")
    log = Log.create(Directory(Path(folder) / "log"), SIGNER, state=state)
    told = {}
    for size, batches in GROWN.items():
        while log.size < size:
            log.append_many(entries(log.size, min(4096, size - log.size)))
        for batch, turns in batches.items():
            times = []
            for _ in range(turns):
                some = entries(log.size, batch)
                times.append(timed(lambda s=some: log.append_many(s)))
            told[f"{size} {batch}"] = median(times)
    state.close()
    return {**told, "size": log.size, "peak": peak_mebibytes()}


def main() -> None:
    """Print the ratios."""
    print(f"\ndurable appends, entries of {ENTRY_SIZE} bytes, in {tempfile.gettempdir()} ({platform.system()})")
    for batch in BATCHES:
        got = apart("benchmarks.log", "compare", batch)
        peaks = {name: apart("benchmarks.log", "memory", name, batch) for name in PEERS if name != "raw"}
        table(
            f"append {batch:,} at a time, each time fsynced",
            [
                ("raw 4 KiB appends + fsync a second", f"{1 / got['raw']:,.0f}"),
                ("entries a second (appends a second)", f"{batch / got['ours']:,.0f} ({1 / got['ours']:,.0f})"),
                ("one append, in raw appends + fsync", f"{got['ours'] / got['raw']:.1f}"),
                ("ratio to tlog-scales (fsyncs), in entries a second", f"{got['tlog-scales'] / got['ours']:.2f}"),
                ("ratio to pymerkle (fsyncs), in entries a second", f"{got['pymerkle'] / got['ours']:.2f}"),
                (
                    "peak memory, MiB (ours, tlog-scales, pymerkle; idle)",
                    ", ".join(f"{told['peak']:.0f}" for told in peaks.values()) + f"; {peaks['ours']['before']:.0f}",
                ),
            ],
        )
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        grown = apart("benchmarks.log", "grow", folder)
        first, *later = GROWN
        rows = [
            (
                f"append of {batch} at {size:,} entries, to that at {first:,}",
                f"{grown[f'{size} {batch}'] / grown[f'{first} {batch}']:.2f}",
            )
            for batch in GROWN[first]
            for size in later
        ]
        table("append in a large log", [*rows, ("peak memory, MiB", f"{grown['peak']:.0f}")])
        log_reading.main(folder, SIGNER.verifier.vkey)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["compare", batch]:
            print(json.dumps(compare(int(batch))))
        case ["memory", name, batch]:
            print(json.dumps(memory(name, int(batch))))
        case ["grow", folder]:
            print(json.dumps(grow(folder)))
        case []:
            main()
