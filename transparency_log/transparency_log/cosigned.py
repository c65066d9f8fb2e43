"""The checkpoints that witnesses have cosigned, and since when each had its quorum.

A log keeps every cosignature that it ever got at `cosigned/<size>`; the newest checkpoint may have none yet.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, TypeVar

from transparency_log.checkpoint import Checkpoint, cosignatures
from transparency_log.note import Note
from transparency_log.policy import Policy, missing, order_time
from transparency_log.reader import CHECKPOINT, MAX_COSIGNED, cosigned_path, read_cosigned_sizes

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SignedSize:
    """A signed checkpoint of a log: its size, its bytes, and when a quorum had cosigned it (None: it has not)."""

    size: int
    data: bytes
    quorum_time: int | None


class FirstSeen(Generic[T]):
    """For each entry of a log the checkpoint that has it and that a quorum cosigned first, found by bisection."""

    __slots__ = ("_firsts", "_sizes")

    def __init__(self, cosigned: Iterable[tuple[int, int, T]]) -> None:
        """Take checkpoints: size, the time of the quorum, and what to return; of equal times the smallest counts."""
        told = sorted(cosigned, key=lambda one: one[0])
        self._sizes = [size for size, _, _ in told]
        earliest: list[tuple[int, int, T]] = list(accumulate(reversed(told), _earlier))
        self._firsts = [(time, what) for _, time, what in reversed(earliest)]

    def of(self, index: int) -> tuple[int, T] | None:
        """Return when a quorum had first cosigned an entry, and by which checkpoint; None where none has."""
        at = bisect_right(self._sizes, index)
        return self._firsts[at] if at < len(self._firsts) else None


def _earlier(one: tuple[int, int, T], other: tuple[int, int, T]) -> tuple[int, int, T]:
    return other if other[1] <= one[1] else one


def signed_sizes(
    read: Callable[[str], bytes | None],
    policy: Policy,
    known: dict[bytes, SignedSize] | None = None,
    *,
    above: int = -1,
) -> list[SignedSize]:
    """Return the signed checkpoints above a size with their cosignatures, by size, and when a quorum had cosigned each.

    Whoever looks again and again hands in what is `known` by its bytes: a signature that was verified stays so.
    """
    known = {} if known is None else known
    found = {size: read(cosigned_path(size)) for size in read_cosigned_sizes(read) if size > above}
    newest = read(CHECKPOINT)
    if newest is not None:
        found.setdefault(Checkpoint.parse(_note(newest).text).size, newest)
    told = []
    for size, data in sorted(found.items()):
        if data is None or size <= above:
            continue
        if data not in known:
            lines = cosignatures(_note(data), [witness.verifier for witness in policy.witnesses])
            known[data] = SignedSize(size, data, order_time(policy, lines))
        told.append(known[data])
    return told


def cosigned_before(sizes: Iterable[SignedSize], index: int, limit: int) -> SignedSize | None:
    """Return the first checkpoint with an entry that a quorum had cosigned strictly before a limit (Order)."""
    fitting = [s for s in sizes if s.size > index and s.quorum_time is not None and s.quorum_time < limit]
    return min(fitting, key=lambda s: s.size, default=None)


def lacking(data: bytes, policy: Policy) -> tuple[str, ...]:
    """Return the names of the witnesses that have not cosigned a checkpoint."""
    return missing(policy, cosignatures(_note(data), [witness.verifier for witness in policy.witnesses]))


def _note(data: bytes) -> Note:
    return Note.parse(data, max_signatures=MAX_COSIGNED)
