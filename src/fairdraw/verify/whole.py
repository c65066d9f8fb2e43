"""A whole log, read and hashed once, for `no-other-draw`, `later-acts` and audits. specs/verification.md §4."""

from collections.abc import Sequence

from fairdraw.bundle import statements
from fairdraw.trust import Trust
from fairdraw.verify.anchors import signed_entries
from fairdraw.verify.case import LogView, Prefix, WholeLog, read_signed
from fairdraw.verify.report import CannotTellError, CheckFailedError
from transparency_log import merkle
from transparency_log.errors import LogError
from transparency_log.frozen import open_frozen


def read_log(view: LogView, trust: Trust, *, log: str, bureau: str, as_of: int) -> WholeLog:
    """Return what a log says of a bureau up to an as-of time, POSIX seconds.

    Raises:
        CheckFailedError: entries cannot be had, or do not hash to what was signed; or the log went on after its end.
        CannotTellError: a co-signer is not in the trust file; or the log ends before the end that it states.
    """
    signed = sorted((read_signed(data, trust, log=log, as_of=as_of) for data in view.checkpoints), key=lambda p: p.size)
    ended = None if view.frozen is None else _ended(view.frozen, signed, trust, log=log)
    prefixes = tuple(_prefixes(view, signed, trust))
    cosigned = [prefix for prefix in prefixes if prefix.order(trust.policy) is not None]
    # A log that did not grow is cosigned again and again: of its notes the freshest counts.
    newest = max(cosigned, key=lambda prefix: (prefix.size, prefix.freshness(trust.policy) or 0), default=None)
    size = newest.size if newest is not None else 0
    everything = tuple(statements(data for data in view.entries[:size] if data is not None))
    chain, counted = signed_entries(trust, everything, log=log, bureau=bureau)
    return WholeLog(prefixes=prefixes, newest=newest, ended=size == ended, everything=everything, chain=tuple(chain),
                    counted=counted)  # fmt: skip


def _ended(frozen: bytes, signed: Sequence[Prefix], trust: Trust, *, log: str) -> int:
    """Return the size at which a log says that it ended, once nothing that it signed says otherwise."""
    key = trust.log_key(log)
    if key is None:
        raise CheckFailedError("unknown-log", found=log)
    try:
        last = open_frozen(frozen, key)
    except LogError as error:
        raise CheckFailedError("bad-checkpoint", why=str(error)) from None
    newest = signed[-1].signed.checkpoint if signed else None
    if newest is not None and newest.size > last.size:
        raise CheckFailedError("grown-after-freeze", expected=last.size, found=newest.size)
    if newest is None or newest.size < last.size:
        raise CannotTellError("log-behind", expected=last.size, found=0 if newest is None else newest.size)
    if any(prefix.size == last.size and prefix.signed.checkpoint.root != last.root for prefix in signed):
        raise CheckFailedError("frozen-differs", expected=last.size, found=newest.size)
    return last.size


def _prefixes(view: LogView, signed: Sequence[Prefix], trust: Trust) -> Sequence[Prefix]:
    """Return the log's signed checkpoints, once the entries below each hash to its root, smallest first."""
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
