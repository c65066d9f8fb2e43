"""Selecting 3 % of 10^6 rows by tickets, against consistent_sampler and bare hashlib."""

from hashlib import sha256
from itertools import islice

from consistent_sampler import sampler

from benchmarks.measure import seconds, table
from fairdraw import tickets

KEY = bytes(range(32))


def main(size: int = 1_000_000) -> None:
    """Print the ratios."""
    numbers = [f"H-{i:09d}" for i in range(size)]
    count = size * 3 // 100
    prefix = f"{KEY.hex()}\nobject\n".encode()
    messages = [prefix + no.encode() + b"\n" for no in numbers]

    def bare() -> None:
        for message in messages:
            sha256(message).digest()

    def peer() -> list[object]:
        return list(islice(sampler(numbers, with_replacement=False, seed=KEY.hex(), output="id"), count))

    ours = seconds(lambda: tickets.smallest(KEY, "object", numbers, count))
    hashing = seconds(bare)
    theirs = seconds(peer, repeat=1)
    table(
        f"select 3 % of {size:,} by tickets",
        [
            ("rows a second", f"{size / ours:,.0f}"),
            ("ratio to one bare hashlib.sha256 a row", f"{ours / hashing:.2f}"),
            ("ratio to consistent_sampler (1 run)", f"{ours / theirs:.3f}"),
        ],
    )
