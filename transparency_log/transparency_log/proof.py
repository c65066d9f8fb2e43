"""Proofs that travel as files: C2SP tlog-proof, `*.tlog-proof`.

    c2sp.org/tlog-proof@v1
    extra <base64>
    index <decimal>
    <base64 hash>...

    <checkpoint with its cosignatures>

The `extra` line may be absent, and is signed by nobody. What the entry itself means is not known here, and
the times of the cosignatures are ignored as the specification has it: see `policy.order_time`.
"""

from dataclasses import dataclass
from typing import Self

from transparency_log.checkpoint import SignedCheckpoint, cosignatures, open_checkpoint
from transparency_log.encoding import MAX_INT, decode_base64, decode_decimal, encode_base64
from transparency_log.errors import ProofError
from transparency_log.merkle import HASH_SIZE, MAX_PROOF, check_inclusion
from transparency_log.note import Verifier
from transparency_log.policy import Policy, missing, suffices

HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class TlogProof:
    """An entry's index, its inclusion proof (lowest hash first) and the checkpoint's bytes, not verified."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.index < MAX_INT:
            raise ProofError("index-out-of-range", found=self.index)
        if len(self.hashes) > MAX_PROOF:
            raise ProofError("proof-length", limit=MAX_PROOF, found=len(self.hashes))
        for value in self.hashes:
            if len(value) != HASH_SIZE:
                raise ProofError("hash-length", expected=HASH_SIZE, found=len(value))
        if not self.checkpoint:
            raise ProofError("no-checkpoint")
        if self.extra == b"":
            raise ProofError("extra-empty", expected="no extra line at all")

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a proof; the checkpoint is taken as it is, `verify` opens it.

        Raises:
            ProofError: Anything but the format above in its one spelling.
        """
        # The first empty line, because a checkpoint has one of its own.
        head, empty_line, checkpoint = data.partition(b"\n\n")
        if not empty_line or not head.isascii():
            raise ProofError("format", expected="ASCII lines, an empty line, a checkpoint")
        lines = head.decode("ascii").split("\n")
        if lines.pop(0) != HEADER:
            raise ProofError("header", expected=HEADER)
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = _decode("extra", lines.pop(0).removeprefix("extra "))
        keyword, _, index = (lines.pop(0) if lines else "").partition(" ")
        number = decode_decimal(index)
        if keyword != "index" or number is None:
            raise ProofError("index", expected="index <decimal>", found=f"{keyword} {index}")
        return cls(number, tuple(_decode("hash", line) for line in lines), checkpoint, extra)

    def format(self) -> bytes:
        """Return the bytes that `parse` reads back."""
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"extra {encode_base64(self.extra)}")
        lines.append(f"index {self.index}")
        lines += [encode_base64(value) for value in self.hashes]
        return "".join(line + "\n" for line in lines).encode("ascii") + b"\n" + self.checkpoint

    def verify(
        self,
        leaf_hash: bytes,
        log_verifier: Verifier,
        *,
        policy: Policy | None = None,
        origin: str | None = None,
    ) -> SignedCheckpoint:
        """Check that the log holds `leaf_hash`, which the caller computed from the entry itself.

        The steps are those of tlog-proof: (1) the log's key signed the checkpoint of its origin, (2) with a
        `policy` its quorum cosigned it, (3) the leaf is in its tree at the index.

        Raises:
            NoteError: The checkpoint is malformed or the log did not sign it.
            CheckpointError: The same, or the cosignature of a witness in the policy is bad.
            ProofError: `no-quorum`.
            MerkleError: The leaf is not in the tree at this index.
        """
        signed = open_checkpoint(self.checkpoint, log_verifier, origin=origin)
        if policy is not None:
            found = cosignatures(signed.note, [witness.verifier for witness in policy.witnesses])
            if not suffices(policy, found):
                raise ProofError("no-quorum", quorum=policy.quorum, missing=missing(policy, found))
        tree = signed.checkpoint
        check_inclusion(leaf_hash, index=self.index, size=tree.size, proof=self.hashes, root=tree.root)
        return signed


def _decode(what: str, text: str) -> bytes:
    decoded = decode_base64(text)
    if decoded is None:
        raise ProofError("not-base64", what=what, found=text[:80])
    return decoded
