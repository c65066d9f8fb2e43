"""A small log with its keys, the same in every run: what targets that verify know, and what seeds are signed with."""

from functools import cache
from hashlib import sha256

from transparency_log.checkpoint import cosign
from transparency_log.log import Log
from transparency_log.note import COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44, ED25519, Note, Signature, Signer, Verifier
from transparency_log.state import MemoryState
from transparency_log.storage import Memory

ORIGIN = "log.example/fuzz"
TIME = 1_790_000_000
ENTRIES = [b"entry %d" % number for number in range(300)]


def signer(name: str, algorithm: int = ED25519) -> Signer:
    """Return the key of this name."""
    return Signer(name, algorithm, sha256(f"fuzz {name}".encode()).digest())


LOG = signer(ORIGIN)
WITNESS = signer("w.example", COSIGNATURE_ED25519)
# A key of which nobody holds the other half: its lines are long, and none of them holds.
POST_QUANTUM = Verifier("pq.example", COSIGNATURE_ML_DSA_44, bytes(1312))
POST_QUANTUM_LINE = Signature("pq.example", POST_QUANTUM.key_id, TIME.to_bytes(8) + bytes(2420))


@cache
def files() -> dict[str, bytes]:
    """Return the files of a log of 300 entries that a witness cosigned."""
    storage = Memory()
    log = Log.create(storage, LOG, state=MemoryState())
    log.append_many(ENTRIES)
    log.add_cosignatures(log.size, [cosign(WITNESS, log.checkpoint.note.text, TIME)], [WITNESS.verifier])
    return dict(storage.files)


def checkpoint() -> Note:
    """Return the log's newest checkpoint with its cosignature."""
    return Note.parse(files()["checkpoint"])
