"""Errors of the log. Sentences for people are made elsewhere, from the code and the parameters.

LogError
├── NoteError          a signed note, verifier key or signature line (C2SP signed-note)
├── MerkleError        a proof does not prove (RFC 6962 §2.1)
├── CheckpointError    a checkpoint or cosignature (C2SP tlog-checkpoint, tlog-cosignature)
├── TileError          a tile path, tile or entry bundle (C2SP tlog-tiles)
├── PolicyError        a policy file (C2SP tlog-policy)
├── ProofError         a .tlog-proof file (C2SP tlog-proof)
├── StorageError       bytes could not be kept or found
├── RemoteError        a host on the web gave no answer, or none to be read
├── EvidenceError      a file that should convict a log does not
├── ForkError          a log signed two histories
├── MirrorError        a copy of a log cannot go on
├── FollowError        what a follower remembers of a log is damaged, or a file cannot be reached
├── SequenceError      the log refuses to start or to go on, lest it forks
└── WitnessError       a witness refuses to cosign (C2SP tlog-witness)
"""

from typing import Self


class LogError(Exception):
    """The root of what this package raises: a stable `code`, and `params`: what was expected, what was found."""

    def __init__(self, code: str, /, **params: object) -> None:
        super().__init__(code, params)
        self.code = code
        self.params = params

    def at(self, path: str) -> Self:
        """Return the same error, of the file that it was found in."""
        return type(self)(self.code, **{"path": path, **self.params})

    def __str__(self) -> str:
        told = ", ".join(f"{name} {value!r}" for name, value in self.params.items())
        return f"{self.code}: {told}" if told else self.code


class NoteError(LogError):
    """A signed note, a verifier key or a signature line is malformed or does not verify."""


class MerkleError(LogError):
    """A proof, size or index that does not fit its tree."""


class CheckpointError(LogError):
    """A checkpoint or a cosignature is malformed or does not verify."""


class TileError(LogError):
    """A tile path, a tile or an entry bundle is malformed."""


class PolicyError(LogError):
    """A policy file is malformed or unsafe."""


class ProofError(LogError):
    """A .tlog-proof file is malformed or does not prove."""


class StorageError(LogError):
    """Bytes could not be stored durably, or are not there."""


class RemoteError(LogError):
    """A host on the web gave no answer, or one that is not read on; what it has is not known."""


class EvidenceError(LogError):
    """A file that should convict a log of a fork is malformed, or does not convict."""


class ForkError(LogError):
    """A log signed two histories; `evidence` is a file that convicts it (`evidence.Fork`)."""

    def __init__(self, code: str, evidence: bytes, /, **params: object) -> None:
        super().__init__(code, **params)
        self.evidence = evidence


class MirrorError(LogError):
    """A copy of a log cannot go on from what it holds."""


class FollowError(LogError):
    """What a follower remembers of a log is damaged, or a file cannot be reached."""


class SequenceError(LogError):
    """The log will not start or go on, because it could fork or lose an entry."""


class WitnessError(LogError):
    """A witness refuses to cosign; `status` is the HTTP status that says so (C2SP tlog-witness)."""

    def __init__(self, code: str, /, *, status: int, **params: object) -> None:
        super().__init__(code, **params)
        self.status = status
