"""Leaves and trees in bulk, against C, Go and Python's own logs; proofs against `pymerkle`."""

import json
import os
import random
import sys
import time
from base64 import b64decode
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from unittest.mock import patch

from benchmarks import programs
from benchmarks.figures import Figure, Scale
from benchmarks.measure import Told, apart, best, seconds

ROWS: Final = {"full": 10_000_000, "small": 100_000}
PEERED: Final = {"full": 1_000_000, "small": 5_000}
PROOFS: Final = {"full": 3_000, "small": 100}
REPEAT: Final = {"full": 3, "small": 1}
PEERS: Final = {
    "pymerkle": ("pymerkle, its SQLite tree", 0.1),
    "scales": ("tlog-scales", 0.1),
    "tlog": ("Go, x/mod/sumdb/tlog", 0.5),
}
"""What others need for the same tree, and the aims."""


def measure(scale: Scale) -> Iterator[Figure]:
    """Yield the figures of trees."""
    rows, peered, repeat = ROWS[scale], PEERED[scale], REPEAT[scale]
    c = best(repeat, partial(programs.run, "tree", rows))
    for cores, aim in ((1, 1.25), (2, 0.65)):
        ours = best(repeat, partial(apart, "benchmarks.tree", "ours", rows, cores))
        assert ours["root"] == c["root"]  # noqa: S101 - else two different things were timed
        yield Figure(
            key=f"tree.{cores}",
            work=f"leaf and tree of {rows:,} rows of 64 bytes, {'one core' if cores == 1 else 'two threads'}",
            against="C, OpenSSL's low-level SHA-256, one core",
            value=ours["seconds"] / c["seconds"],
            aim=aim,
            beside=f"{rows / ours['seconds'] / 1e6:.1f} M rows/s",
        )
    yield from _peers(peered, PROOFS[scale], repeat)


def _peers(rows: int, proofs: int, repeat: int) -> Iterator[Figure]:
    ours = best(repeat, partial(apart, "benchmarks.tree", "ours", rows, 2))
    for name, (against, aim) in PEERS.items():
        if lacking := missing(name):
            print(f"  {against} is not measured: {lacking} is missing")
            continue
        theirs = programs.run("tlog", rows) if name == "tlog" else apart("benchmarks.tree", name, rows)
        assert theirs["root"] == ours["root"]  # noqa: S101 - as above
        yield Figure(
            key=f"tree.{name}",
            work=f"bulk tree of {rows:,} rows of 64 bytes",
            against=against,
            value=ours["seconds"] / theirs["seconds"],
            aim=aim,
            beside=f"{ours['seconds']:.2f} s, {theirs['seconds']:.2f} s",
        )
    if missing("pymerkle"):
        return
    got = apart("benchmarks.tree", "proofs", proofs)
    yield Figure(
        key="tree.proof",
        work="inclusion proof verified, tree of 100,000",
        against="pymerkle",
        value=got["ours"] / got["theirs"],
        aim=0.5,
        beside=f"{proofs / got['ours']:,.0f} a second",
    )


def missing(peer: str) -> str | None:
    """Return what this machine lacks to measure a peer."""
    if peer == "tlog":
        return programs.missing(peer)
    module = {"scales": "tlog_scales"}.get(peer, peer)
    return None if find_spec(module) else f"the package {module} (make bench installs it)"


def ours(rows: int, cores: int) -> Told:
    """Hash rows and the tree over them, on so many cores. Start-up and the making of the rows are not timed."""
    import numpy as np

    from transparency_log import fast
    from transparency_log.levels import PIECE, range_over

    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:cores]))
    data = np.arange(rows, dtype=">u8").repeat(8).tobytes()
    ends = np.arange(1, PIECE + 1, dtype=np.int64) * 64
    fast.pays(rows)  # numba starts here, once a process
    view = memoryview(data)
    began = time.perf_counter()
    chunks = ((bytes(view[64 * at : 64 * (at + PIECE)]), ends[: min(PIECE, rows - at)]) for at in range(0, rows, PIECE))
    root = range_over(chunks, rows).root()
    return {"seconds": time.perf_counter() - began, "root": root.hex()}


def _entries(rows: int) -> list[bytes]:
    return [index.to_bytes(8) * 8 for index in range(rows)]


def pymerkle(rows: int) -> Told:
    """Append the same rows to the tree of `pymerkle` that takes many at once."""
    from pymerkle import SqliteTree

    entries = _entries(rows)
    began = time.perf_counter()
    tree = SqliteTree(":memory:")
    tree.append_entries(entries)
    root = tree.get_root()
    return {"seconds": time.perf_counter() - began, "root": root.hex()}


def scales(rows: int) -> Told:
    """Append the same rows to a log of `tlog-scales`, under one checkpoint and without a sync."""
    from tlog_scales.signing import PlainEd25519Signer
    from tlog_scales.writer import TilesWriter

    entries = _entries(rows)
    signers = [PlainEd25519Signer("log.example/bench", bytes(range(32)))]
    with TemporaryDirectory(prefix="bench-") as folder, patch("os.fsync"):
        log = Path(folder) / "log"
        began = time.perf_counter()
        writer = TilesWriter.create(log, "log.example/bench")
        for entry in entries:
            writer.add_leaf(entry)
        writer.commit(signers)
        took = time.perf_counter() - began
        root = (log / "checkpoint").read_text().splitlines()[2]
    return {"seconds": took, "root": b64decode(root).hex()}


def proofs(count: int, size: int = 100_000) -> Told:
    """Verify the proofs of entries chosen at random, made by `pymerkle` and by us."""
    from pymerkle import InmemoryTree, verify_inclusion

    from transparency_log.merkle import Tree, check_inclusion, leaf_hash

    size = min(size, 30 * count)
    entries = _entries(size)
    leaves = [leaf_hash(entry) for entry in entries]
    tree, theirs = Tree(leaves), InmemoryTree()
    for entry in entries:
        theirs.append_entry(entry)
    root = tree.root()
    assert theirs.get_root() == root  # noqa: S101 - as above
    wanted = random.Random(1).choices(range(size), k=count)  # noqa: S311
    our_proofs = [tree.inclusion_proof(index) for index in wanted]
    their_proofs = [theirs.prove_inclusion(index + 1, size) for index in wanted]  # it counts from 1

    def verify_ours() -> None:
        for index, proof in zip(wanted, our_proofs, strict=True):
            check_inclusion(leaves[index], index=index, size=size, proof=proof, root=root)

    def verify_theirs() -> None:
        for index, proof in zip(wanted, their_proofs, strict=True):
            verify_inclusion(leaves[index], root, proof, index=index + 1, size=size)

    return {"ours": seconds(verify_ours), "theirs": seconds(verify_theirs)}


if __name__ == "__main__":
    work = {"ours": ours, "pymerkle": pymerkle, "scales": scales, "proofs": proofs}[sys.argv[1]]
    print(json.dumps(work(*map(int, sys.argv[2:]))))
