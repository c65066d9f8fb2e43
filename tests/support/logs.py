"""Small logs in memory, and storage that fails: shared by the tests of the log."""

from support.keys import log_signer, witness_signer
from transparency_log.errors import StorageError
from transparency_log.log import Log
from transparency_log.reader import LogReader
from transparency_log.state import MemoryState
from transparency_log.storage import Memory

SIGNER = log_signer()
W1, W2 = witness_signer("w1.example"), witness_signer("w2.example")
TIME = 1_790_000_000


def entries(count, start=0):
    return [b"entry %d" % number for number in range(start, start + count)]


def new_log(count=0):
    storage, state = Memory(), MemoryState()
    log = Log.create(storage, SIGNER, state=state)
    log.append_many(entries(count))
    return log, storage, state


def reader(storage):
    return LogReader(storage.read, SIGNER.verifier)


class Failing(Memory):
    """Storage that fails at its n-th write, before or after it has persisted it."""

    def __init__(self, files, *, at, persists):
        super().__init__()
        self.files = dict(files)
        self.left, self.persists = at, persists

    def create(self, path, data):
        self.write(super().create, path, data)

    def delete(self, path):
        self.write(lambda path, _: super(Failing, self).delete(path), path, None)

    def replace(self, path, data):
        self.write(super().replace, path, data)

    def write(self, write, path, data):
        self.left -= 1
        if self.left >= 0 or self.persists:
            write(path, data)
        if self.left < 0:
            raise StorageError("not-durable", path=path)


class LosingState(MemoryState):
    """State whose next replace fails, after or before it has committed."""

    def __init__(self, *, persists):
        super().__init__()
        self.persists = persists

    def replace(self, old, new):
        if self.persists:
            super().replace(old, new)
        raise StorageError("state-database")
