"""Drawing 3 % by tickets: of 10^8 rows against C, one block a row, and in plain Python against `consistent_sampler`."""

import json
import os
import sys
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from importlib.util import find_spec
from itertools import islice
from typing import Any, Final, cast

from benchmarks import programs
from benchmarks.figures import Figure, Scale
from benchmarks.measure import Told, apart, best, forget_peak, peak_mebibytes, seconds
from fairdraw.roster import Part, Roster, RosterRow
from fairdraw.selection import smallest

KEY: Final = bytes(range(32))  # that of reference/tickets.c
SHARE: Final = 3  # percent
ROWS: Final = {"full": 100_000_000, "small": 100_000}
PLAIN: Final = {"full": 1_000_000, "small": 5_000}
RECORD: Final = 40  # bytes of a ticket and an index
WIDTH: Final = 10  # characters of a number


def measure(scale: Scale) -> Iterator[Figure]:
    """Yield the figures of tickets."""
    rows = ROWS[scale]
    made = {cores: best(2, partial(apart, "benchmarks.selection", "ours", rows, cores)) for cores in (1, 2)}
    c = best(2, partial(programs.run, "tickets", rows, made[1]["cutoff"]))
    assert c["within"] == rows * SHARE // 100  # noqa: S101 - else two different things were timed
    for cores, ours in made.items():
        yield Figure(
            key="selection.fast" if cores == 1 else "selection.threads",
            work=f"the {SHARE} % smallest tickets of {rows:,} rows, {'one core' if cores == 1 else 'two threads'}",
            against="C, one block a row, one core",
            value=ours["seconds"] / c["seconds"],
            aim=1.3 if cores == 1 else None,
            beside=f"{rows / ours['seconds'] / 1e6:.1f} M rows/s, {ours['extra']:.2f} bytes a row of further memory",
        )
    if find_spec("consistent_sampler") is None:
        print("  consistent_sampler is not measured: it is not installed")
        return
    rows = PLAIN[scale]
    got = apart("benchmarks.selection", "plain", rows, FAIRDRAW_FAST="off")
    for name, against, aim in (("peer", "consistent_sampler", 0.2), ("bare", "hashlib, one message a row", None)):
        yield Figure(
            key=f"selection.{name}",
            work=f"the {SHARE} % smallest tickets of {rows:,} rows, plain Python",
            against=against,
            value=got["seconds"] / got[name],
            aim=aim,
            beside=f"{rows / got['seconds']:,.0f} rows/s",
        )


@dataclass
class Numbers:
    """What the selection looks at of a roster, without the rest of its lines: 10^8 of them are 15 GB."""

    data: bytes
    ends: "array[int]"
    codes: "array[int]"
    groups: tuple[dict[str, str], ...] = ({},)
    leads: tuple[int, ...] = (0,)
    tail: int = 0

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def counts(self) -> Counter[int]:
        """How many rows the one group has."""
        return Counter({0: len(self)})

    def ascii(self) -> Iterator[bytes]:
        """Yield the numbers: the plain path asks for them, where there is no other."""
        return (self.data[at : at + WIDTH] for at in range(0, len(self.data), WIDTH))


def ours(rows: int, cores: int) -> Told:
    """Select with the compiled tickets on so many cores; their start is not timed."""
    import numpy as np

    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])

    number = np.arange(rows, dtype=np.int64)
    text = np.empty((rows, WIDTH), np.uint8)
    text[:, 0] = ord("P")
    for place in range(WIDTH - 1, 0, -1):
        text[:, place] = number % 10 + ord("0")
        number //= 10
    ends = array("Q", (np.arange(1, rows + 1, dtype=np.uint64) * WIDTH).tobytes())
    made = Numbers(text.tobytes(), ends, array("I", bytes(4 * rows)))
    del number, text
    count = rows * SHARE // 100
    _smallest(_few(made), 1)
    forget_peak()
    before = peak_mebibytes()
    began = time.perf_counter()
    lowest = _smallest(made, count)
    took = time.perf_counter() - began
    extra = (peak_mebibytes() - before) * 2**20 / rows
    return {"seconds": took, "cutoff": lowest[-RECORD:][:32].hex(), "extra": extra}


def _few(numbers: Numbers, rows: int = 1 << 19) -> Numbers:
    return Numbers(numbers.data[: rows * WIDTH], numbers.ends[:rows], numbers.codes[:rows])


def _smallest(numbers: Any, count: int) -> bytearray:
    objects = cast("Roster", numbers)
    [lowest] = smallest(KEY, "object", objects, [(Part(objects, (0,)), count)])
    return lowest


def plain(rows: int) -> Told:
    """Select without the fast path, as `consistent_sampler` does, and only hash."""
    from consistent_sampler import sampler

    numbers = [f"P{index:09d}" for index in range(rows)]
    count = rows * SHARE // 100
    roster = Roster.of(RosterRow(no, {}, "0" * 64) for no in numbers)
    messages = [f"{KEY.hex()}\nobject\n{no}\n".encode() for no in numbers]

    def peer() -> list[object]:
        return list(islice(sampler(numbers, with_replacement=False, seed=KEY.hex(), output="id"), count))

    def bare() -> None:
        for message in messages:
            sha256(message).digest()

    return {
        "seconds": seconds(lambda: _smallest(roster, count)),
        "bare": seconds(bare),
        "peer": seconds(peer, repeat=1),
    }


if __name__ == "__main__":
    print(json.dumps({"ours": ours, "plain": plain}[sys.argv[1]](*map(int, sys.argv[2:]))))
