"""The fault table: every step of everything that a log does, failed and not persisted or persisted and reported failed.

After each the log has stopped, opens again by itself, is whole, and has every entry, cosignature and end that was
acknowledged; `Watched` storage sees to it that no step showed too much. The same with real files and real system
calls is in tests/faults.
"""

import pytest

from support.faults import EFFECTS, KEPT, Faults, FaultyState, FaultyStorage, Watched, check_history
from support.keys import log_signer, witness_signer
from transparency_log.checkpoint import cosign
from transparency_log.errors import SequenceError, StorageError
from transparency_log.log import Log
from transparency_log.note import Note
from transparency_log.reader import LogReader

SIGNER = log_signer()
WITNESS, OTHER = witness_signer("w1.example"), witness_signer("w2.example")
KEYS = [WITNESS.verifier, OTHER.verifier]
TIME = 1_790_000_000


class World:
    """A log, what failed it, and what it acknowledged."""

    def __init__(self, size):
        self.faults = Faults()
        self.state = FaultyState(self.faults)
        self.storage = FaultyStorage(self.faults, self.state, SIGNER.verifier)
        self.entries = {}
        self.allowed = {0}  # the sizes that the log may have when it is opened
        self.cosigned = []
        self.ended = False
        if size is not None:
            self.log = Log.create(self.storage, SIGNER, state=self.state)
            self.add(1)
            self.cosign(1, WITNESS)
            if size > 1:
                self.add(size - 1)
            self.faults.steps.clear()

    def create(self):
        self.log = Log.create(self.storage, SIGNER, state=self.state)

    def open(self):
        self.log = Log.open(self.storage, SIGNER, state=self.state)

    def add(self, count):
        first, end = self.log.size, self.log.size + count
        self.allowed = {first, end}
        new = [b"entry %d" % at for at in range(first, end)]
        indices = self.log.append_many(new)
        assert indices == list(range(first, end))
        self.entries |= zip(indices, new, strict=True)

    def cosign(self, size, *witnesses):
        text = LogReader(self.storage.read, SIGNER.verifier).signed(size).note.text
        lines = [cosign(witness, text, TIME) for witness in witnesses]
        self.log.add_cosignatures(size, lines, KEYS)
        self.cosigned += [(size, line) for line in lines]

    def freeze(self):
        self.log.freeze()
        self.ended = True

    def collect(self):
        self.log.collect()

    def check(self):
        """Check that the log is whole and holds what it acknowledged, and that it never showed anything else."""
        reader = LogReader(self.storage.read, SIGNER.verifier)
        newest = reader.check().checkpoint
        entries = list(reader.entries(0, newest.size, newest.size))
        assert all(entries[index] == entry for index, entry in self.entries.items())
        check_history(entries, self.storage.shown, SIGNER.verifier)
        shown = reader.checkpoint().note.signatures
        for size, line in self.cosigned:
            assert line in reader.signed(size).note.signatures
            assert size in reader.cosigned_sizes()
            assert size < newest.size or line in shown
        assert reader.frozen() == self.log.frozen
        assert self.log.frozen or not self.ended


def interrupted():
    """A log whose last commit is all that there is of it."""
    world = World(255)
    world.faults.plan("commit", KEPT)
    with pytest.raises(StorageError):
        world.add(1)
    world.allowed = {256}  # nobody was told so, but now it must not go
    return world


def ended():
    """A log that is to end, and told nobody yet."""
    world = World(3)
    world.faults.plan("commit the end", KEPT)
    with pytest.raises(StorageError):
        world.freeze()
    return world


def reopened():
    """A log that somebody else's process has written before."""
    world = World(3)
    world.open()
    return world


# What there is before, what is done, and the steps of it in their order.
TABLE = {
    "create": (
        lambda: World(None),
        World.create,
        ["begin", "replace checkpoint"],
    ),
    "append": (
        lambda: World(3),
        lambda world: world.add(1),
        ["commit", "create tile/entries/000.p/4", "create tile/0/000.p/4", "replace checkpoint"],
    ),
    "append that fills a tile": (
        lambda: World(255),
        lambda world: world.add(1),
        ["commit", "create tile/entries/000", "create tile/0/000", "create tile/1/000.p/1", "replace checkpoint"],
    ),
    "append_many": (
        lambda: World(254),
        lambda world: world.add(4),
        [
            "commit",
            "create tile/entries/000",
            "create tile/0/000",
            "create tile/entries/001.p/2",
            "create tile/0/001.p/2",
            "create tile/1/000.p/1",
            "replace checkpoint",
        ],
    ),
    "first cosignatures": (
        lambda: World(3),
        lambda world: world.cosign(3, WITNESS, OTHER),
        ["replace cosigned/3", "replace cosigned/index", "replace checkpoint"],
    ),
    "another cosignature": (
        lambda: World(1),
        lambda world: world.cosign(1, OTHER),
        ["replace cosigned/1", "replace checkpoint"],
    ),
    "cosignature that comes late": (
        lambda: World(3),
        lambda world: world.cosign(1, OTHER),
        ["replace cosigned/1"],
    ),
    "freeze": (
        lambda: World(3),
        World.freeze,
        ["commit the end", "create frozen"],
    ),
    "collect": (
        lambda: World(257),
        World.collect,
        ["delete tile/entries/000.p/1", "delete tile/0/000.p/1"],
    ),
    "recovery": (
        interrupted,
        World.open,
        ["create tile/entries/000", "create tile/0/000", "create tile/1/000.p/1", "replace checkpoint"],
    ),
    "recovery of an end": (ended, World.open, ["create frozen"]),
    "first append after opening": (
        reopened,
        lambda world: world.add(1),
        [
            "replace checkpoint",  # the one that is shown, which may not be on the disk yet
            "commit",
            "create tile/entries/000.p/4",
            "create tile/0/000.p/4",
            "replace checkpoint",
        ],
    ),
}
ROWS = [(name, step, effect) for name, (_, _, steps) in TABLE.items() for step in steps for effect in EFFECTS]


@pytest.mark.parametrize("name", TABLE)
def test_the_table_names_every_step(name):
    before, do, steps = TABLE[name]
    world = before()
    world.faults.steps.clear()
    do(world)
    assert world.faults.steps == steps
    world.check()


@pytest.mark.parametrize(("name", "step", "effect"), ROWS, ids=[", ".join(row) for row in ROWS])
def test_a_step_that_fails_stops_the_log_and_loses_and_forks_nothing(name, step, effect):
    before, do, _ = TABLE[name]
    world = before()
    world.faults.plan(step, effect)
    with pytest.raises(StorageError):
        do(world)
    assert world.faults.met
    if do not in (World.create, World.open):
        for more in (
            lambda: world.log.append(b"more"),
            lambda: world.log.add_cosignatures(1, [], []),
            world.log.freeze,
            world.collect,
        ):
            with pytest.raises(SequenceError, match="stopped"):
                more()
    if step == "begin" and effect != KEPT:
        with pytest.raises(SequenceError, match="log-missing"):
            world.open()
        world.create()
    world.open()
    assert world.log.size in world.allowed
    world.check()
    if do is World.create:
        with pytest.raises(SequenceError, match="log-exists"):
            world.create()
    else:
        do(world)  # who does not know whether it happened does it again
    world.check()
    if not world.log.frozen:
        world.add(1)
    world.check()


def test_watched_storage_breaks_off_when_a_log_does_what_it_must_not():
    world = World(3)
    world.cosign(3, WITNESS, OTHER)
    world.log.append(b"entry 3")
    watched = Watched(world.state, SIGNER.verifier)
    whole = dict(world.storage.files)
    newest, older = whole["checkpoint"], world.storage.shown[-2]
    bare = Note(Note.parse(older).text, Note.parse(older).signatures[:1])
    for broken, write in {
        "with other bytes": lambda: watched.create("tile/0/000.p/4", b"x" * 128),
        "must never change": lambda: watched.replace("tile/0/000.p/4", whole["tile/0/000.p/4"]),
        "shown uncommitted": lambda: watched.replace("checkpoint", older),
        "an end was shown": lambda: watched.create("frozen", b""),
        "a size was listed": lambda: watched.replace("cosigned/index", b"1\n2\n3\n"),
        "a cosigned size was taken back": lambda: watched.replace("cosigned/index", b"1\n"),
        "a cosignature was taken back": lambda: watched.replace("cosigned/3", bare.format()),
        "nothing to fall back on": lambda: watched.delete("tile/0/000.p/4"),
    }.items():
        watched.files = dict(whole)
        with pytest.raises(AssertionError, match=broken):
            write()
    for path in ("tile/0/000.p/4", "tile/entries/000.p/4"):
        watched.files = {name: data for name, data in whole.items() if name != path}
        with pytest.raises(StorageError, match="missing"):
            watched.replace("checkpoint", newest)
    assert watched.shown == []


def test_a_history_with_two_trees_of_one_size_is_no_history():
    world = World(3)
    entries = [b"entry %d" % at for at in range(3)]
    check_history(entries, world.storage.shown, SIGNER.verifier)
    for others, wrong in ((entries[:2], "entries are lost"), ([*entries[:2], b"another"], "two trees of size 3")):
        with pytest.raises(AssertionError, match=wrong):
            check_history(others, world.storage.shown, SIGNER.verifier)
