"""Reading a large log: the check of all of it, against bare hashlib, and inclusion proofs, against `pymerkle`."""

import json
import random
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

from pymerkle import SqliteTree, verify_inclusion

from benchmarks.measure import apart, peak_mebibytes, seconds, table
from transparency_log.merkle import check_inclusion, leaf_hash
from transparency_log.note import Verifier
from transparency_log.reader import LogReader
from transparency_log.storage import Directory

PROOFS = 3_000
PROVED_SIZE = 100_000  # leaves: `pymerkle` gets as many entries, and that takes it a while


def reader(folder: str, vkey: str) -> LogReader:
    return LogReader(Directory(Path(folder) / "log").read, Verifier.parse(vkey))


def check(folder: str, vkey: str) -> dict[str, float]:
    """Check the whole log in this process, and then only hash the same bytes."""
    log = reader(folder, vkey)
    before = peak_mebibytes()
    began = time.perf_counter()
    size = log.check().checkpoint.size
    took = time.perf_counter() - began
    return {"seconds": took, "size": size, "peak": peak_mebibytes(), "before": before, "bare": bare(log, size)}


def bare(log: LogReader, size: int) -> float:
    """Return the seconds that hashlib takes for the leaves, and as many nodes; the reading is not timed."""
    node = bytes(65)
    spent = 0.0
    for start in range(0, size, 65_536):
        leaves = [b"\0" + entry for entry in log.entries(start, min(start + 65_536, size), size)]
        began = time.perf_counter()
        for leaf in leaves:
            sha256(leaf).digest()
            sha256(node).digest()  # a tree has a node fewer than it has leaves
        spent += time.perf_counter() - began
    return spent


def proofs(folder: str, vkey: str) -> dict[str, float]:
    """Make and verify the proofs of entries chosen at random, ours from tiles, theirs from SQLite."""
    log = reader(folder, vkey)
    size = PROVED_SIZE
    some = list(log.entries(0, size, size))
    wanted = random.Random(1).choices(range(size), k=PROOFS)  # noqa: S311
    with tempfile.TemporaryDirectory(prefix="bench-") as other:
        tree = SqliteTree(f"{other}/pymerkle")
        tree.append_entries(some)
        root = tree.get_root()
        leaves = {index: leaf_hash(some[index]) for index in wanted}
        assert tree.get_leaf(wanted[0] + 1) == leaves[wanted[0]]  # noqa: S101
        our_proofs = [log.inclusion_proof(index, size) for index in wanted]
        their_proofs = [tree.prove_inclusion(index + 1, size) for index in wanted]  # it counts from 1

        def verify_ours() -> None:
            for index, proof in zip(wanted, our_proofs, strict=True):
                check_inclusion(leaves[index], index=index, size=size, proof=proof, root=root)

        def verify_theirs() -> None:
            for index, proof in zip(wanted, their_proofs, strict=True):
                verify_inclusion(leaves[index], root, proof, index=index + 1, size=size)

        # Both have made each of them once: their caches are as full as they get.
        return {
            "made": seconds(lambda: [log.inclusion_proof(index, size) for index in wanted]),
            "their made": seconds(lambda: [tree.prove_inclusion(index + 1, size) for index in wanted]),
            "verified": seconds(verify_ours),
            "their verified": seconds(verify_theirs),
        }


def main(folder: str, vkey: str) -> None:
    """Print the ratios for the log in a folder."""
    whole = apart("benchmarks.log_reading", "check", folder, vkey)
    table(
        f"check a whole log of {int(whole['size']):,} entries of 300 bytes, from files",
        [
            ("entries a second", f"{whole['size'] / whole['seconds']:,.0f}"),
            ("ratio to hashlib hashing the same leaves and nodes", f"{whole['seconds'] / whole['bare']:.2f}"),
            ("peak memory, MiB (before)", f"{whole['peak']:.0f} ({whole['before']:.0f})"),
        ],
    )
    got = apart("benchmarks.log_reading", "proofs", folder, vkey)
    table(
        f"inclusion proofs in a tree of {PROVED_SIZE:,}, {PROOFS:,} entries at random",
        [
            ("made a second", f"{PROOFS / got['made']:,.0f}"),
            ("made, ratio to pymerkle", f"{got['their made'] / got['made']:.2f}"),
            ("verified a second", f"{PROOFS / got['verified']:,.0f}"),
            ("verified, ratio to pymerkle", f"{got['their verified'] / got['verified']:.2f}"),
        ],
    )


if __name__ == "__main__":
    told = {"check": check, "proofs": proofs}[sys.argv[1]](*sys.argv[2:])
    print(json.dumps(told))
