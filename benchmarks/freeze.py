"""Freezing a registry of n rows, against hashlib making the same hashes of the same bytes."""

import hmac
import json
import sys
import time
from hashlib import sha256

from benchmarks.measure import apart, peak_mebibytes, table
from fairdraw.registry import Registry, Row
from fairdraw.snapshot import FIELD_LABEL, SALT_LABEL, freeze

SECRET = bytes(range(32))
FIELDS = ("name", "uscc", "address")
KINDS = ("hospital", "pharmacy", "care")


def registry(size: int) -> Registry:
    """Return invented rows: two attributes, three private fields."""
    attrs = [{"region": f"37{r:04d}", "type": kind} for r in range(100) for kind in KINDS]
    rows = tuple(
        Row(f"H-{i:09d}", attrs[i % len(attrs)], (f"第{i}号医院", f"9137{i:014d}", f"解放路{i}号")) for i in range(size)
    )
    return Registry((("region", "string"), ("type", "string")), tuple((f, True) for f in FIELDS), rows)


def bare(size: int, lines: list[bytes], rows: tuple[Row, ...]) -> float:
    """Return the seconds that hashlib takes for the salts, seals, leaves and nodes alone."""
    spent = 0.0
    for start in range(0, size, 10_000):
        messages = [
            (
                f"{SALT_LABEL}\n{row.no}\n{f}\n".encode(),
                f'["{FIELD_LABEL}","{row.no}","{f}","{v}","{"0" * 64}"]'.encode(),
            )
            for row in rows[start : start + 10_000]
            for f, v in zip(FIELDS, row.private, strict=True)
        ]
        leaves = [b"\0" + line for line in lines[start : start + 10_000]]
        node = bytes(65)
        began = time.perf_counter()
        for salt, leaf in messages:
            hmac.digest(SECRET, salt, "sha256")
            sha256(b"\0" + leaf).digest()
        for leaf in leaves:
            sha256(leaf).digest()
            # Two nodes of the seal, and one of the roster's tree, a row.
            sha256(node).digest()
            sha256(node).digest()
            sha256(node).digest()
        spent += time.perf_counter() - began
    return spent


def child(size: int) -> dict[str, float]:
    """Measure one size in this process."""
    made = registry(size)
    before = peak_mebibytes()
    began = time.perf_counter()
    snapshot = freeze(made, SECRET)
    took = time.perf_counter() - began
    peak = peak_mebibytes()
    lines = snapshot.roster.data.split(b"\n")[:-1]
    return {"seconds": took, "peak": peak, "registry": before, "bare": bare(size, lines, made.rows)}


def main(sizes: tuple[int, ...] = (100_000, 1_000_000)) -> None:
    """Print rows a second, peak memory and the ratio to bare hashing."""
    for size in sizes:
        got = apart("benchmarks.freeze", size)
        table(
            f"freeze {size:,} rows (2 attributes, 3 private fields)",
            [
                ("rows a second", f"{size / got['seconds']:,.0f}"),
                ("ratio to hashlib making the same hashes", f"{got['seconds'] / got['bare']:.2f}"),
                ("peak memory, MiB (of which the registry)", f"{got['peak']:.0f} ({got['registry']:.0f})"),
            ],
        )


if __name__ == "__main__":
    print(json.dumps(child(int(sys.argv[1]))))
