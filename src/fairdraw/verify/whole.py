"""A whole log, read and hashed once, for `no-other-draw`, `later-acts` and audits. specs/verification.md §4."""

from collections.abc import Sequence

from fairdraw.bundle import statements
from fairdraw.trust import Trust
from fairdraw.verify.anchors import signed_entries
from fairdraw.verify.case import LogView, Prefix, WholeLog, read_signed
from fairdraw.verify.report import CheckFailedError
from transparency_log import merkle


def read_log(view: LogView, trust: Trust, *, log: str, bureau: str, as_of: int) -> WholeLog:
    """Return what a log says of a bureau up to an as-of time, POSIX seconds.

    Raises:
        CheckFailedError: entries cannot be had, or do not hash to what was signed.
        CannotTellError: a co-signer is not in the trust file.
    """
    prefixes = tuple(_prefixes(view, trust, log=log, as_of=as_of))
    cosigned = [prefix for prefix in prefixes if prefix.order(trust.policy) is not None]
    # A log that did not grow is cosigned again and again: of its notes the freshest counts.
    newest = max(cosigned, key=lambda prefix: (prefix.size, prefix.freshness(trust.policy) or 0), default=None)
    size = newest.size if newest is not None else 0
    everything = tuple(statements(data for data in view.entries[:size] if data is not None))
    chain, counted = signed_entries(trust, everything, log=log, bureau=bureau)
    return WholeLog(prefixes=prefixes, newest=newest, everything=everything, chain=tuple(chain), counted=counted)


def _prefixes(view: LogView, trust: Trust, *, log: str, as_of: int) -> Sequence[Prefix]:
    """Return the log's signed checkpoints, once the entries below each hash to its root, smallest first."""
    signed = sorted((read_signed(data, trust, log=log, as_of=as_of) for data in view.checkpoints), key=lambda p: p.size)
    cosigned = [prefix.size for prefix in signed if prefix.order(trust.policy) is not None]
    # Above the newest quorum the log may still be growing while it is read.
    signed = [prefix for prefix in signed if prefix.size <= max(cosigned, default=0)]
    tree = merkle.CompactRange()
    for prefix in signed:
        for index in range(tree.size, prefix.size):
            data = view.entries[index] if index < len(view.entries) else None
            if data is None:
                # An entry that nobody can read may be the other draw.
                raise CheckFailedError("entry-unavailable", index=index)
            tree.append(merkle.leaf_hash(data))
        if tree.root() != prefix.signed.checkpoint.root:
            expected, found = prefix.signed.checkpoint.root.hex(), tree.root().hex()
            raise CheckFailedError("forked", size=prefix.size, expected=expected, found=found)
    return signed
