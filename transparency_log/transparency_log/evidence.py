"""A file that convicts a log of having signed two histories.

    fork/v1
    root <base64>
    <base64 hash>...

    <the checkpoint of the smaller tree, with the log's signature line only>

    <the checkpoint of the larger tree, likewise>

`root` is the one that the first leaves of the larger tree have, as many as the smaller tree has, and the hashes prove
it: they are a consistency proof (RFC 6962 §2.1.2) from that root to the larger tree's. The log signed another root for
that many leaves. Where both sizes are equal, or the smaller is 0, the checkpoints say it alone: there is no `root` line
and no hash.

Nobody needs to be believed: whoever has the log's public key can check the file, years later and without the log. An
honest log cannot be convicted, because the hashes would have to be another way to the root that it signed. Cosignatures
are left out, for a line that the reader's keys do not cover could be altered unseen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from transparency_log.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint
from transparency_log.encoding import decode_base64, encode_base64
from transparency_log.errors import EvidenceError, MerkleError
from transparency_log.merkle import (
    EMPTY_ROOT,
    HASH_SIZE,
    MAX_PROOF,
    NodeReader,
    check_consistency,
    consistency_proof_from,
    root_from,
)
from transparency_log.note import Note, Verifier, known_signatures

HEADER: Final = "fork/v1"
MAX_EVIDENCE: Final = 1 << 16  # bytes: two checkpoints and 64 hashes take a sixth of it, with ML-DSA-44 signatures too

_ROOT: Final = "root "
_PARTS: Final = 5  # between empty lines: the head, then a text and a signature line for each checkpoint


@dataclass(frozen=True, slots=True)
class Fork:
    """Two checkpoints of one log and, where it takes one, the proof that they are of two histories.

    Nothing is checked before `convict`.
    """

    smaller: Note
    larger: Note
    root: bytes | None = None
    proof: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if len(self.proof) > MAX_PROOF or (self.root is None and self.proof):
            raise EvidenceError("proof-length", limit=MAX_PROOF, found=len(self.proof))
        for value in (*self.proof, *([] if self.root is None else [self.root])):
            if len(value) != HASH_SIZE:
                raise EvidenceError("hash-length", expected=HASH_SIZE, found=len(value))
        for note in (self.smaller, self.larger):
            if len(note.signatures) != 1:
                raise EvidenceError("evidence-signatures", expected=1, found=len(note.signatures))

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the file, in its one spelling.

        Raises:
            EvidenceError: It is not in the format above.
            NoteError: One of the checkpoints is not a note.
        """
        if len(data) > MAX_EVIDENCE:
            raise EvidenceError("evidence-length", limit=MAX_EVIDENCE, found=len(data))
        # A checkpoint has one empty line, between its text and its signature.
        parts = data.split(b"\n\n")
        if len(parts) != _PARTS or not parts[0].isascii():
            raise EvidenceError("evidence-format", expected=HEADER)
        header, *lines = parts[0].decode("ascii").split("\n")
        if header != HEADER:
            raise EvidenceError("evidence-format", expected=HEADER)
        root = None
        if lines:
            if not lines[0].startswith(_ROOT):
                raise EvidenceError("evidence-format", expected=_ROOT)
            root = _decode(lines.pop(0).removeprefix(_ROOT))
        smaller, larger = b"\n\n".join(parts[1:3]) + b"\n", b"\n\n".join(parts[3:5])
        return cls(Note.parse(smaller), Note.parse(larger), root, tuple(map(_decode, lines)))

    def format(self) -> bytes:
        """Return the bytes that `parse` reads back."""
        lines = [HEADER]
        if self.root is not None:
            lines.append(_ROOT + encode_base64(self.root))
        lines += [encode_base64(value) for value in self.proof]
        head = "".join(line + "\n" for line in lines).encode("ascii")
        return b"\n".join((head, self.smaller.format(), self.larger.format()))

    def convict(self, log_verifier: Verifier, *, origin: str | None = None) -> tuple[Checkpoint, Checkpoint]:
        """Check that the key signed two histories, and return the smaller and the larger tree.

        The steps: (1) the log's key signed both checkpoints of its origin, (2) the smaller comes first, (3) the
        larger tree begins with as many leaves under another root than was signed for them.

        Raises:
            NoteError: The key did not sign one of them.
            CheckpointError: The same, or it is no checkpoint of this log.
            EvidenceError: `evidence-order`, or `not-a-fork`: both may be of one history.
            MerkleError: The hashes do not show with which root the larger tree begins.
        """
        old, new = (open_checkpoint(n.format(), log_verifier, origin=origin).checkpoint  # (1)
                    for n in (self.smaller, self.larger))  # fmt: skip
        if (old.size, old.root) > (new.size, new.root):  # (2)
            raise EvidenceError("evidence-order", expected=old.size, found=new.size)
        if _begins_with(old, new, self.root, self.proof) == old.root:  # (3)
            raise EvidenceError("not-a-fork", size=old.size, found=old.root.hex())
        return old, new


def find_fork(
    one: SignedCheckpoint, other: SignedCheckpoint, *, log_verifier: Verifier, node: NodeReader
) -> Fork | None:
    """Return the evidence that two checkpoints of a log are of two histories, None if they are of one.

    `node` reads the larger of both trees; it is not asked where the sizes are equal.
    """
    smaller, larger = sorted((one, other), key=lambda signed: (signed.checkpoint.size, signed.checkpoint.root))
    notes = _bare(smaller, log_verifier), _bare(larger, log_verifier)
    old, new = smaller.checkpoint, larger.checkpoint
    if old.size in (0, new.size):
        expected = new.root if old.size == new.size else EMPTY_ROOT
        return None if old.root == expected else Fork(*notes)
    root = root_from(node, size=old.size)
    if root == old.root:
        return None
    return Fork(*notes, root, tuple(consistency_proof_from(node, old_size=old.size, new_size=new.size)))


def _begins_with(old: Checkpoint, new: Checkpoint, root: bytes | None, proof: Sequence[bytes]) -> bytes:
    """Return the root that the first `old.size` leaves of the larger tree have."""
    if old.size in (0, new.size):
        if root is not None:  # a line that nothing is made of could be altered unseen
            raise MerkleError("proof-length", expected=0, found=len(proof) + 1)
        return new.root if old.size == new.size else EMPTY_ROOT
    if root is None:
        raise EvidenceError("evidence-format", expected=_ROOT)
    check_consistency(old_size=old.size, old_root=root, new_size=new.size, new_root=new.root, proof=proof)
    return root


def _bare(signed: SignedCheckpoint, log_verifier: Verifier) -> Note:
    """Return the note with the log's line only."""
    line = next(line for line, _ in known_signatures(signed.note, [log_verifier]))
    return Note(signed.note.text, (line,))


def _decode(text: str) -> bytes:
    decoded = decode_base64(text)
    if decoded is None:
        raise EvidenceError("not-base64", what="hash", found=text[:80])
    return decoded
