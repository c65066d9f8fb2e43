"""A whole log, read and hashed once, for `no-other-draw`, `later-acts` and audits. specs/verification.md §4."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from fairdraw.announcement import limit_of
from fairdraw.bundle import Proofs, statements, thin
from fairdraw.errors import AnnouncementError
from fairdraw.events import EVENTS, LONGEST, MINUTE
from fairdraw.logged import Statements
from fairdraw.schema import Announcement, Key
from fairdraw.statement import Entry
from fairdraw.trust import Trust
from fairdraw.verify.case import LogView, Prefix, read_signed
from fairdraw.verify.indexed import Indexed
from fairdraw.verify.known import Known
from fairdraw.verify.report import CannotTellError, CheckFailedError
from fairdraw.verify.signed import signed_entries
from fairdraw.verify.told import Told
from transparency_log import merkle
from transparency_log.cosigned import FirstSeen, SignedSize
from transparency_log.errors import LogError
from transparency_log.frozen import open_frozen


@dataclass(frozen=True, kw_only=True)
class HashedLog:
    """A log up to its newest checkpoint with a quorum, whose root the entries hash to, whoever's statements they are.

    Attributes:
        prefixes: its signed checkpoints, smallest first, each of which the entries hash to.
        newest: the largest with a quorum, and of that size the freshest; None where there is none.
        ended: whether the log says that `newest` is its last.
        everything: every statement below `newest`, signed by whomever.
        tree: of the entries below the largest checkpoint.
        known: what was found to be right so far.
    """

    log: str
    trust: Trust
    as_of: int
    prefixes: tuple[Prefix, ...]
    newest: Prefix | None
    ended: bool
    everything: Statements
    tree: merkle.Tree
    known: Known
    _thinned: dict[bytes, Prefix] = field(default_factory=dict)

    @cached_property
    def proofs(self) -> Proofs:
        """What bundles prove from."""
        sizes = (SignedSize(one.size, one.signed.note.format(), one.order) for one in self.prefixes)
        return Proofs(read=self.tree.node, sizes=tuple(sizes))

    def carried(self, one: SignedSize) -> Prefix:
        """Return a signed checkpoint as a bundle carries it, with each witness's first and last line."""
        if one.data not in self._thinned:
            self._thinned[one.data] = read_signed(thin(one.data), self.trust, log=self.log, as_of=self.as_of)
        return self._thinned[one.data]

    @cached_property
    def first_seen(self) -> FirstSeen[Prefix]:
        """When a quorum had first cosigned each entry."""
        return FirstSeen((one.size, one.order, one) for one in self.prefixes if one.order is not None)

    @cached_property
    def first_line(self) -> FirstSeen[Prefix]:
        """When any witness had first cosigned each entry, quorum or not."""
        return FirstSeen(
            (one.size, line.timestamp, one) for one in self.prefixes for line in one.cosignatures if line.timestamp > 0
        )

    @cached_property
    def seqs(self) -> Mapping[tuple[str, str], int]:
        """The `seq` of every text by its signer, who may speak of several bureaus."""
        return {(entry.statement.by, entry.text_hash): entry.statement.seq for entry in self.everything}

    def of(self, bureau: str) -> Sequence[Entry]:
        """Return the statements about a bureau, and the supervisors' changes of key beside, in log order."""
        ours = self._of_bureaus.get(bureau, ())
        others = (entry for entry in self._changes if entry.statement.bureau != bureau)
        return sorted((*ours, *others), key=lambda entry: entry.index)

    @cached_property
    def _changes(self) -> Sequence[Entry]:
        """The supervisors' changes of key, which count for every bureau: a flood of forgeries is refused once."""
        keys = (entry for entry in self.everything if isinstance(entry.statement, Key))
        theirs = (entry for entry in keys if entry.statement.by in self.trust.supervisors)
        _, counted = signed_entries(self.trust, theirs, log=self.log, bureau="", known=self.known)
        return list(counted.values())

    @cached_property
    def _of_bureaus(self) -> Mapping[str, list[Entry]]:
        told: dict[str, list[Entry]] = {}
        for entry in self.everything:
            told.setdefault(entry.statement.bureau, []).append(entry)
        return told


@dataclass(frozen=True, kw_only=True)
class WholeLog:
    """What a hashed log says of one bureau.

    Attributes:
        chain: the bureau's own, the first valid entry of each text.
        counted: all that counts, the bureau's and others', by text.
        about: the statements about the bureau, counted or not, and the changes of key that count for every bureau.
    """

    hashed: HashedLog
    bureau: str
    chain: tuple[Entry, ...]
    counted: Mapping[str, Entry]
    about: tuple[Entry, ...]
    _told: list[Told] = field(default_factory=list)

    @property
    def newest(self) -> Prefix | None:
        """The newest checkpoint with a quorum."""
        return self.hashed.newest

    @property
    def prefixes(self) -> tuple[Prefix, ...]:
        """The signed checkpoints."""
        return self.hashed.prefixes

    @cached_property
    def everything(self) -> tuple[Entry, ...]:
        """All statements that count, one of each text, in log order."""
        told = {entry.text_hash: entry for entry in self.chain}
        for entry in self.about:
            if entry.text_hash in self.counted:
                told.setdefault(entry.text_hash, entry)
        return tuple(sorted(told.values(), key=lambda entry: entry.index))

    @cached_property
    def keys(self) -> frozenset[str]:
        """The texts of the changes of key that count."""
        return frozenset(text for text, entry in self.counted.items() if isinstance(entry.statement, Key))

    @cached_property
    def indexed(self) -> Indexed:
        """What of it is about what."""
        return Indexed(self.bureau, self.chain, self.everything)

    def told(self, artifacts: Mapping[str, bytes]) -> Told:
        """Return what the artifacts of later acts tell; the first who asks says where they are."""
        if not self._told:
            self._told.append(Told(self.indexed, self.hashed.trust, artifacts))
        return self._told[0]

    @cached_property
    def undrawn(self) -> Sequence[Entry]:
        """Announcements without a draw whose round was past when the log was last cosigned.

        One that was given up in time, as far as this log shows it, is none of them.
        """
        newest = self.newest
        shown = 0 if newest is None else newest.freshness or 0
        return [entry for entry in self.indexed.announcements if self._is_undrawn(entry, shown)]

    def _is_undrawn(self, entry: Entry, shown: int) -> bool:
        chain, chains, said = self.indexed.chain, self.hashed.trust.chains, entry.of(Announcement)
        known = [(chains[source.beacon], source.round) for source in said.beacon if source.beacon in chains]
        rounds = [chain.time_of(number) for chain, number in known]
        rounds += [source.round * MINUTE + LONGEST for source in said.beacon if source.beacon == EVENTS]
        if not rounds or max(rounds) > shown or chain.draws(entry):
            return False
        return not any(self._is_free(said, void) for void in chain.voids(entry))

    def _is_free(self, said: Announcement, void: Entry) -> bool:
        try:
            limit = limit_of(said, self.hashed.trust.chains, self.hashed.trust.margin)
        except AnnouncementError:
            return False
        seen = self.hashed.first_seen.of(void.index)
        return seen is not None and seen[0] < limit


def read_log(view: LogView, trust: Trust, *, log: str, bureau: str, as_of: int, known: Known | None = None) -> WholeLog:
    """Return what a log says of a bureau up to an as-of time, POSIX seconds.

    Raises:
        CheckFailedError: entries cannot be had, or do not hash to what was signed; or the log went on after its end.
        CannotTellError: a co-signer is not in the trust file; or the log ends before the end that it states.
    """
    return of_bureau(hash_log(view, trust, log=log, as_of=as_of, known=known), bureau)


def hash_log(view: LogView, trust: Trust, *, log: str, as_of: int, known: Known | None = None) -> HashedLog:
    """Return a log up to an as-of time, POSIX seconds, hashed and read once for all its bureaus.

    Raises:
        CheckFailedError, CannotTellError: as `read_log`, but for signatures of statements, which are not looked at.
    """
    signed = sorted((read_signed(data, trust, log=log, as_of=as_of) for data in view.checkpoints), key=lambda p: p.size)
    ended = None if view.frozen is None else _ended(view.frozen, signed, trust, log=log)
    prefixes, tree = _prefixes(view, signed)
    cosigned = [prefix for prefix in prefixes if prefix.order is not None]
    # A log that did not grow is cosigned again and again: of its notes the freshest counts.
    newest = max(cosigned, key=lambda prefix: (prefix.size, prefix.freshness or 0), default=None)
    size = newest.size if newest is not None else 0
    everything = Statements(statements(data for data in view.entries[:size] if data is not None))
    return HashedLog(log=log, trust=trust, as_of=as_of, prefixes=tuple(prefixes), newest=newest, ended=size == ended,
                     everything=everything, tree=tree, known=known or Known())  # fmt: skip


def of_bureau(hashed: HashedLog, bureau: str) -> WholeLog:
    """Return what a hashed log says of a bureau.

    Raises:
        CannotTellError: a co-signer is not in the trust file.
    """
    about = hashed.of(bureau)
    chain, counted = signed_entries(hashed.trust, about, log=hashed.log, bureau=bureau, known=hashed.known)
    return WholeLog(hashed=hashed, bureau=bureau, chain=tuple(chain), counted=counted, about=tuple(about))


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


def _prefixes(view: LogView, signed: Sequence[Prefix]) -> tuple[Sequence[Prefix], merkle.Tree]:
    """Return the log's signed checkpoints, once the entries below each hash to its root, smallest first, and the tree.

    Raises:
        CheckFailedError: `entry-unavailable` or `forked`.
    """
    # Above the newest quorum the log may still be growing while it is read.
    newest = max((prefix.size for prefix in signed if prefix.order is not None), default=0)
    signed = [prefix for prefix in signed if prefix.size <= newest]
    leaves = merkle.CompactRange()
    told: list[bytes] = []
    for prefix in signed:
        for index in range(leaves.size, prefix.size):
            data = view.entries[index] if index < len(view.entries) else None
            if data is None:
                # An entry that nobody can read may be the other draw.
                raise CheckFailedError("entry-unavailable", index=index)
            told.append(merkle.leaf_hash(data))
            leaves.append(told[-1])
        if leaves.root() != prefix.signed.checkpoint.root:
            expected, found = prefix.signed.checkpoint.root.hex(), leaves.root().hex()
            raise CheckFailedError("forked", size=prefix.size, expected=expected, found=found)
    return signed, merkle.Tree(told)
