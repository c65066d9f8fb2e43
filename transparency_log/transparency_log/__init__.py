"""A C2SP transparency log that knows only bytes: keep entries, prove that they only grow, check others.

    merkle       RFC 6962 trees and proofs
    note         signed notes and keys
    checkpoint   a log's signed size and root, and the cosignatures of witnesses
    tiles        trees and entries as static files
    policy       whose cosignatures are enough, and what they say about time
    proof        `.tlog-proof` files
    storage      where the files lie
    state        what a log or a witness has signed last
    reader       a log as anybody sees it
    log          the one writer of a log
    witness      who cosigns

Nothing here knows what the entries mean.
"""

from transparency_log.checkpoint import Checkpoint, Cosignature, SignedCheckpoint
from transparency_log.errors import LogError
from transparency_log.log import Log
from transparency_log.note import Note, Signature, Signer, Verifier
from transparency_log.policy import Policy
from transparency_log.proof import TlogProof
from transparency_log.reader import LogReader
from transparency_log.seen import SqliteWitnessState
from transparency_log.state import SqliteState
from transparency_log.storage import Directory
from transparency_log.witness import Witness

__all__ = [
    "Checkpoint",
    "Cosignature",
    "Directory",
    "Log",
    "LogError",
    "LogReader",
    "Note",
    "Policy",
    "Signature",
    "SignedCheckpoint",
    "Signer",
    "SqliteState",
    "SqliteWitnessState",
    "TlogProof",
    "Verifier",
    "Witness",
]
