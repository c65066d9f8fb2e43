"""Freezing a registry of insured persons: against C, in plain Python against hashlib, and the memory that it needs."""

import csv
import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO, Final

from benchmarks import programs
from benchmarks.figures import Figure, Scale
from benchmarks.measure import Told, apart, peak_mebibytes
from fairdraw.sealing import FIELD_LABEL, SALT_LABEL, hmac_pads

if TYPE_CHECKING:
    from fairdraw.bulk.freezing import Frozen

SECRET: Final = bytes(range(32))  # that of reference/freeze.c
FIELDS: Final = ("name", "id", "phone")
MAP: Final = """
no = "no"
[attrs]
kind = "kind"
region = "region"
[private]
name = { column = "name", required = true }
[closed]
id = { column = "id", check = "id" }
phone = { column = "phone", check = "phone" }
"""

ROWS: Final = {"full": 10_000_000, "small": 100_000}
PLAIN: Final = {"full": 300_000, "small": 5_000}
PEAKS: Final = {"long": 100_000_000, "full": 3_000_000, "small": 100_000}
LEAST: Final = {"long": 1_000_000, "full": 1_000_000, "small": 20_000}
PARQUET: Final = 10_000_000  # at most: a file has to be written first
BATCH: Final = 10_000


def measure(scale: Scale) -> Iterator[Figure]:
    """Yield the figures of freezing."""
    apart("benchmarks.freeze", "bulk", 1_000, "pipe", 0)  # numba compiles once a machine
    if scale != "long":
        yield from _speed(ROWS[scale])
        yield from _plain(PLAIN[scale])
    yield from _memory(LEAST[scale], PEAKS[scale])


def _speed(rows: int) -> Iterator[Figure]:
    for kind, keep, rows_of_it, what in (
        ("csv", 1, rows, "CSV"),
        ("pipe", 0, rows, "CSV on a pipe, no private file"),
        ("parquet", 0, rows // 10, "Parquet"),
    ):
        c = programs.run("freeze", rows_of_it)
        ours = apart("benchmarks.freeze", "bulk", rows_of_it, kind, keep)
        assert ours["root"] == c["root"]  # noqa: S101 - else two different things were timed
        yield Figure(
            key=f"freeze.{kind}",
            work=f"freeze from {what}, {rows_of_it:,} rows of 6 columns (3 private), two threads",
            against="C, the same salts, leaves and nodes, one core",
            value=ours["seconds"] / c["seconds"],
            aim=3 if kind == "csv" else None,
            beside=f"{rows_of_it / ours['seconds']:,.0f} rows/s",
        )


def _plain(rows: int) -> Iterator[Figure]:
    bare = apart("benchmarks.freeze", "bare", rows)
    for kind, work, aim in (("memory", "of rows in memory", 2.5), ("csv", "from CSV", 2.5)):
        ours = apart("benchmarks.freeze", "plain", rows) if kind == "memory" else _off(rows)
        assert ours["root"] == bare["root"]  # noqa: S101 - as above
        yield Figure(
            key=f"freeze.plain-{kind}",
            work=f"freeze {work}, {rows:,} rows, plain Python",
            against="hashlib, the same hashes of the same bytes",
            value=ours["seconds"] / bare["seconds"],
            aim=aim,
            beside=f"{rows / ours['seconds']:,.0f} rows/s",
        )


def _off(rows: int) -> Told:
    """Freeze a file without the fast path."""
    return apart("benchmarks.freeze", "bulk", rows, "csv", 1, FAIRDRAW_FAST="off")


def _memory(least: int, most: int) -> Iterator[Figure]:
    for kind, what, limit in (("pipe", "CSV on a pipe", 256), ("parquet", "Parquet", 512)):
        most = min(most, PARQUET) if kind == "parquet" else most
        few, many = (apart("benchmarks.freeze", "bulk", rows, kind, 0) for rows in (least, most))
        c = programs.run("freeze", most)
        assert many["root"] == c["root"]  # noqa: S101 - as above
        yield Figure(
            key=f"freeze.peak-{kind}-{most}",
            work=f"peak memory of freezing {most:,} rows from {what}",
            against=f"that of {least:,}",
            value=many["peak"] / few["peak"],
            aim=1.1,
            beside=f"{many['peak']:.0f} MiB, {few['peak']:.0f} MiB",
        )
        yield Figure(
            key=f"freeze.size-{kind}-{most}",
            work=f"peak memory of freezing {most:,} rows from {what}",
            against="",
            unit="MiB",
            value=many["peak"],
            aim=limit,
            beside=f"{most / many['seconds']:,.0f} rows/s, {many['seconds'] / c['seconds']:.2f} × C",
        )


@contextmanager
def rows_of(rows: int) -> Iterator[BinaryIO]:
    """Give the invented registry as CSV on a pipe, sorted by number; the generator runs beside."""
    with subprocess.Popen([programs.compiled("rows"), "0", str(rows)], stdout=subprocess.PIPE) as generator:
        assert generator.stdout is not None  # noqa: S101 - it was asked for
        yield generator.stdout


def frozen(rows: int, kind: str, folder: Path, *, keep: bool) -> tuple["Frozen", float]:
    """Freeze the invented registry as the command does it, but for the log, into a folder; return the seconds, too."""
    from fairdraw.bulk.freezing import Freezing, Input
    from fairdraw.registry.mapping import load_map

    with rows_of(rows) as pipe:
        where: Path | BinaryIO = pipe
        if kind != "pipe":
            where = folder / f"insured.{kind}"
            write_csv(pipe, where) if kind == "csv" else write_parquet(pipe, where)
        source = Input(where, "parquet" if kind == "parquet" else "csv", load_map(MAP), "insured", keep_private=keep)
        began = time.perf_counter()
        with Freezing(source, folder / "scratch", SECRET) as freezing:
            assert not freezing.read().problems  # noqa: S101 - the invented rows are good
            made = freezing.seal()
        took = time.perf_counter() - began
    assert made.listing.count == rows  # noqa: S101 - as above
    return made, took


def bulk(rows: int, kind: str, keep: int) -> Told:
    """Freeze the invented registry; the making of a file is not timed."""
    with TemporaryDirectory(prefix="bench-") as folder:
        made, took = frozen(rows, kind, Path(folder), keep=bool(keep))
    return {"seconds": took, "root": made.listing.root, "peak": peak_mebibytes()}


def write_csv(pipe: BinaryIO, where: Path) -> None:
    with where.open("wb") as file:
        while block := pipe.read(1 << 20):
            file.write(block)


def write_parquet(pipe: BinaryIO, where: Path) -> None:
    """Write Parquet in a process of its own, whose memory is not to be ours."""
    subprocess.run([sys.executable, "-m", "benchmarks.freeze", "parquet", where], stdin=pipe, check=True)


def parquet(where: str) -> None:
    """Turn CSV on standard input into a Parquet file of texts."""
    import pyarrow
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet as arrow_parquet

    types = {name: pyarrow.string() for name in ("no", "region", "kind", *FIELDS)}
    options = arrow_csv.ConvertOptions(column_types=types)
    with (
        arrow_csv.open_csv(sys.stdin.buffer, convert_options=options) as reader,
        arrow_parquet.ParquetWriter(where, reader.schema) as writer,
    ):
        for batch in reader:
            writer.write_batch(batch)


def table(rows: int) -> list[list[str]]:
    """Return the cells of the invented registry, without its header."""
    with rows_of(rows) as pipe:
        return list(csv.reader(io.TextIOWrapper(pipe, "utf-8", newline="")))[1:]


def plain(rows: int) -> Told:
    """Freeze rows that are in memory already, as a program does that has them from a database."""
    from fairdraw.registry import Registry, Row
    from fairdraw.snapshot import freeze

    shared: dict[tuple[str, str], dict[str, str]] = {}
    made = tuple(
        Row(no, shared.setdefault((kind, region), {"kind": kind, "region": region}), tuple(private))
        for no, region, kind, *private in table(rows)
    )
    registry = Registry((("kind", "string"), ("region", "string")), tuple((field, True) for field in FIELDS), made)
    began = time.perf_counter()
    snapshot = freeze(registry, SECRET)
    root = snapshot.roster.listing().root
    return {"seconds": time.perf_counter() - began, "root": root, "peak": peak_mebibytes()}


def bare(rows: int) -> Told:
    """Hash with hashlib what a freeze hashes, from texts that are there; HMAC begins at its two known states."""
    inner, outer = (sha256(pad) for pad in hmac_pads(SECRET))
    spent = 0.0
    leaves: list[bytes] = []
    cells = table(rows)
    for start in range(0, rows, BATCH):
        some = cells[start : start + BATCH]
        salts, took = _timed(inner, outer, some)
        texts = [
            f'["{FIELD_LABEL}","{row[0]}","{field}","{value}","{salt.hex()}"]'.encode()
            for at, row in enumerate(some)
            for field, value, salt in zip(FIELDS, row[3:], salts[3 * at : 3 * at + 3], strict=True)
        ]
        began = time.perf_counter()
        hashed = [sha256(b"\0" + text).digest() for text in texts]
        seals = [
            sha256(b"\1" + sha256(b"\1" + hashed[at] + hashed[at + 1]).digest() + hashed[at + 2]).digest()
            for at in range(0, len(hashed), 3)
        ]
        took += time.perf_counter() - began
        lines = [
            f'{{"attrs":{{"kind":"{kind}","region":"{region}"}},"no":"{no}","seal":"{seal.hex()}"}}'.encode()
            for (no, region, kind, *_), seal in zip(some, seals, strict=True)
        ]
        began = time.perf_counter()
        leaves += [sha256(b"\0" + line).digest() for line in lines]
        spent += took + time.perf_counter() - began
    began = time.perf_counter()
    while len(leaves) > 1:
        pairs = zip(leaves[::2], leaves[1::2], strict=False)
        leaves = [sha256(b"\1" + a + b).digest() for a, b in pairs] + leaves[len(leaves) & ~1 :]
    return {"seconds": spent + time.perf_counter() - began, "root": leaves[0].hex()}


def _timed(inner: "sha256", outer: "sha256", some: Sequence[Sequence[str]]) -> tuple[list[bytes], float]:
    """Return the salts of some rows, and the seconds that hashing them took."""
    messages = [f"{SALT_LABEL}\n{row[0]}\n{field}\n".encode() for row in some for field in FIELDS]
    salts = []
    began = time.perf_counter()
    for message in messages:
        one = inner.copy()
        one.update(message)
        other = outer.copy()
        other.update(one.digest())
        salts.append(other.digest())
    return salts, time.perf_counter() - began


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["bulk", rows, kind, keep]:
            print(json.dumps(bulk(int(rows), kind, int(keep))))
        case ["parquet", where]:
            parquet(where)
        case [what, rows]:
            print(json.dumps({"plain": plain, "bare": bare}[what](int(rows))))
