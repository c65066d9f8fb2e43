"""Rows brought into order and keys put into buckets, compiled; `fairdraw.bulk.moves` is the plain twin."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from fairdraw.kernels.sealing import Texts, gather

_HASH: Final = 16
_HEAD: Final = np.dtype([("head", ">u8"), ("tail", "V16")])  # of a record


def order(numbers: Any, at: Any, dropped: Any) -> Any:
    """Return the rows by number, then line, without those of the dropped lines."""
    lengths, lines = _lengths(numbers), np.array(at, np.uint64)
    width = int(lengths.max(initial=0))
    keys = np.zeros((len(lines), width + 8), np.uint8)  # no number holds the byte 0, so that shorter ones come first
    keys[:, :width][np.arange(width) < lengths[:, None]] = np.frombuffer(numbers.data, np.uint8)
    keys[:, width:] = lines.astype(">u8").view(np.uint8).reshape(-1, 8)
    rows = np.argsort(keys.view(f"S{width + 8}").ravel(), kind="stable")
    return rows[~np.isin(lines[rows], np.array(dropped, np.uint64))] if dropped else rows


def take(strings: Any, rows: Any) -> Any:
    """Return the strings of these rows.

    Raises:
        ValueError: the ends fall, or lie beyond the data: a file of them was damaged.
    """
    before, lengths = np.array(strings.ends, np.int64), _lengths(strings)
    if lengths.min(initial=0) < 0 or before.max(initial=0) > len(strings.data):
        raise ValueError("ends do not rise within the data")
    ends = np.cumsum(lengths[rows])
    out = np.empty(int(ends[-1]) if len(ends) else 0, np.uint8)
    gather(np.frombuffer(strings.data, np.uint8), before, rows, Texts(out, ends))
    return type(strings)(out.tobytes(), type(strings.ends)("Q", ends.tobytes()))


def _lengths(strings: Any) -> Any:
    return np.diff(np.array(strings.ends, np.int64), prepend=0)


def take_fixed(data: bytes, width: int, rows: Any) -> bytes:
    """Return the values of these rows, each of so many bytes."""
    return bytes(np.frombuffer(data, np.uint8).reshape(-1, width)[rows].tobytes())


def records(keys: Any) -> Iterator[tuple[int, bytes]]:
    """Yield the first byte of hashes and the records that begin with it."""
    table = np.empty((len(keys.at), _HASH + 8), np.uint8)
    table[:, :_HASH] = np.frombuffer(keys.hashes, np.uint8).reshape(-1, _HASH)
    table[:, _HASH:] = np.array(keys.at, np.uint64).astype(">u8").view(np.uint8).reshape(-1, 8)
    table = table[np.argsort(table[:, 0], kind="stable")]
    ends = np.searchsorted(table[:, 0], np.arange(257))
    for first in range(256):
        if ends[first] < ends[first + 1]:
            yield first, table[ends[first] : ends[first + 1]].tobytes()


def recurring(data: bytes) -> bytes:
    """Return, of records, those of which the first eight bytes are there twice: hardly any but those that recur."""
    table = np.frombuffer(data, _HEAD)
    heads = np.sort(table["head"].astype(np.uint64))
    twice = heads[1:][heads[1:] == heads[:-1]]
    return bytes(table[np.isin(table["head"], twice)].tobytes()) if len(twice) else b""
