"""Many callers, one log: entries that arrive together are committed together.

A commit costs the disk some syncs, however many entries it holds. While one is under way others queue up, and the
next commit takes them all: a lone caller waits for no timer, and a crowd shares the cost. There is no thread of its
own; whoever comes first commits for those who wait behind. Each caller gets the indices of its own entries, and gets
them only when the entries are durable and public.
"""

from collections import deque
from collections.abc import Sequence
from threading import Lock

from transparency_log.errors import LogError, SequenceError
from transparency_log.index import Index
from transparency_log.log import MAX_BATCH, Log, check_entries
from transparency_log.merkle import leaf_hash

_MAX_BYTES = 64 << 20  # of one commit, unless a single caller brings more: it is held in memory a few times over


class Sequencer:
    """Appends for many threads. While it is in use nothing else may append to the log.

    With an `index` an entry that the log has already is not added again: its caller gets the first one's index.
    """

    def __init__(self, log: Log, *, index: Index | None = None) -> None:
        self._log = log
        self._index = index
        self._queue: deque[_Caller] = deque()
        self._turn = Lock()
        if index is not None:
            index.catch_up(log.entries, log.size)

    def append(self, entry: bytes) -> int:
        """Add an entry and return its index; it is then durable and public."""
        return self.append_many([entry])[0]

    def append_many(self, entries: Sequence[bytes]) -> list[int]:
        """Add entries under one checkpoint, all or none, and return their indices.

        Raises:
            TileError: `entry-length` or `batch-length`; it concerns this caller alone.
            LogError: What `Log.append_many` raises, for every caller whose entries were in the commit.
        """
        check_entries(entries)
        caller = _Caller(entries)
        self._queue.append(caller)
        with self._turn:
            while not caller.served:  # else one who came before has committed for this one too
                self._commit(self._next())
        if caller.error is not None:
            raise caller.error
        return caller.indices

    def _next(self) -> list["_Caller"]:
        """Take from the queue as many callers as one commit holds, at least one."""
        taken: list[_Caller] = []
        count = size = 0
        while self._queue:
            count += len(self._queue[0].entries)
            size += sum(map(len, self._queue[0].entries))
            if taken and (count > MAX_BATCH or size > _MAX_BYTES):
                break
            taken.append(self._queue.popleft())
        return taken

    def _commit(self, callers: Sequence["_Caller"]) -> None:
        try:
            if self._index is None:
                self._append(callers)
            else:
                self._append_new(callers, self._index)
        except LogError as error:
            for caller in callers:
                caller.error = error
        except BaseException:  # the thread that commits for others is told to end: they must not wait for ever
            for caller in callers:
                caller.error = SequenceError("stopped", expected="the log to be opened again")
            raise
        finally:
            for caller in callers:
                caller.served = True

    def _append(self, callers: Sequence["_Caller"]) -> None:
        indices = iter(self._log.append_many([entry for caller in callers for entry in caller.entries]))
        for caller in callers:
            caller.indices = [next(indices) for _ in caller.entries]

    def _append_new(self, callers: Sequence["_Caller"], index: Index) -> None:
        asked = [(caller, [leaf_hash(entry) for entry in caller.entries]) for caller in callers]
        wanted = {leaf: entry for caller, leaves in asked for leaf, entry in zip(leaves, caller.entries, strict=True)}
        known = {leaf: at for leaf in wanted if (at := index.find(leaf)) is not None}
        new = {leaf: entry for leaf, entry in wanted.items() if leaf not in known}
        first = self._log.size
        known |= zip(new, self._log.append_many(list(new.values())), strict=True)
        index.add(first, new)
        for caller, leaves in asked:
            caller.indices = [known[leaf] for leaf in leaves]


class _Caller:
    """One who waits: the entries, and in the end their indices or what went wrong."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.entries = entries
        self.indices: list[int] = []
        self.error: LogError | None = None
        self.served = False
