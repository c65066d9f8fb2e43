"""A C2SP transparency log that knows only bytes: keep entries, prove that they only grow, check others.

    merkle       RFC 6962 trees and proofs
    note         signed notes and keys
    checkpoint   a log's signed size and root, and the cosignatures of witnesses
    tiles        trees and entries as static files
    policy       whose cosignatures are enough, and what they say about time
    proof        `.tlog-proof` files
    frozen       a log's last word
    evidence     a file that convicts a log of two histories
    storage      where the files lie
    state, seen  what a log, and what a witness, has signed last
    followed     what a follower remembers
    index        where an entry stands already
    tree, audit  the tree in its tiles, and every file recomputed
    reader       a log as anybody sees it
    remote       a log's files over HTTP
    recovery     what must hold before a log goes on
    log          the one writer of a log
    mirror       a copy that itself serves and checks
    witness      who cosigns
    sequencer    many callers, one log
    monitor      following a log over time
    client       asking witnesses over HTTP
    web          the files over HTTP
    endpoint     a witness over HTTP

Nothing here knows what the entries mean.

Threads: values (notes, checkpoints, keys, policies, proofs) never change and may be shared, and functions share
nothing. A `Log` and a `LogReader` are used by one thread at a time; `Sequencer` takes the entries of many threads, and
`Witness` with a `SqliteWitnessState` the requests of many. A `SqliteState` belongs to one `Log`, and no other process
can open it meanwhile. One process writes a `Directory`, any number read it.

It prints nothing and logs to `transparency_log.*` by `logging`: sizes, origins and names of witnesses, never an entry's
content and never a key.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transparency_log.checkpoint import Checkpoint, Cosignature, SignedCheckpoint
    from transparency_log.errors import LogError
    from transparency_log.index import Index
    from transparency_log.log import Log
    from transparency_log.mirror import Mirror
    from transparency_log.note import Note, Signature, Signer, SigningKey, Verifier
    from transparency_log.policy import Policy
    from transparency_log.proof import TlogProof
    from transparency_log.reader import LogReader
    from transparency_log.seen import SqliteWitnessState
    from transparency_log.sequencer import Sequencer
    from transparency_log.state import Committed, LogState, SqliteState
    from transparency_log.storage import Directory, Storage
    from transparency_log.witness import Witness

# Where each name lives: loaded when it is asked for, so that whoever checks a proof does not load a log's database.
_HOMES = {
    "Checkpoint": "checkpoint",
    "Committed": "state",
    "Cosignature": "checkpoint",
    "Directory": "storage",
    "Index": "index",
    "Log": "log",
    "LogError": "errors",
    "LogReader": "reader",
    "LogState": "state",
    "Mirror": "mirror",
    "Note": "note",
    "Policy": "policy",
    "Sequencer": "sequencer",
    "Signature": "note",
    "SignedCheckpoint": "checkpoint",
    "Signer": "note",
    "SigningKey": "note",
    "SqliteState": "state",
    "SqliteWitnessState": "seen",
    "Storage": "storage",
    "TlogProof": "proof",
    "Verifier": "note",
    "Witness": "witness",
}

__all__ = [
    "Checkpoint",
    "Committed",
    "Cosignature",
    "Directory",
    "Index",
    "Log",
    "LogError",
    "LogReader",
    "LogState",
    "Mirror",
    "Note",
    "Policy",
    "Sequencer",
    "Signature",
    "SignedCheckpoint",
    "Signer",
    "SigningKey",
    "SqliteState",
    "SqliteWitnessState",
    "Storage",
    "TlogProof",
    "Verifier",
    "Witness",
]

# What is logged is for the program around this package to show, or not.
logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"transparency_log.{_HOMES[name]}"), name)
    raise AttributeError(name)


def __dir__() -> list[str]:
    return __all__
