"""A witness without the network: it cosigns a checkpoint if the log merely grew (C2SP tlog-witness).

    old <decimal>
    <0 to 63 base64 hashes: the consistency proof from the old size>

    <checkpoint>

A refusal is a `WitnessError` with the HTTP status that the protocol gives it. One status is ours: 503 when
the clock cannot be right, because a witness that signs a time which was not makes a late log look early.

Not here: HTTP itself, `sign-subtree`, the monitoring endpoint, and where logs and their keys come from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from transparency_log.checkpoint import Checkpoint, check_empty_root, cosign, open_checkpoint
from transparency_log.encoding import decode_base64, decode_decimal, encode_base64
from transparency_log.errors import CheckpointError, MerkleError, NoteError, WitnessError
from transparency_log.merkle import HASH_SIZE, MAX_PROOF, check_consistency
from transparency_log.note import COSIGNATURE_ED25519, MAX_SIGNATURES, Note, Signature, Signer, Verifier
from transparency_log.seen import Seen, WitnessState

# A full proof is 3 KiB and an ML-DSA line as much: room for a checkpoint with some thirty of those.
MAX_REQUEST = 128 * 1024

BAD_REQUEST = 400
FORBIDDEN = 403
NOT_FOUND = 404
CONFLICT = 409
UNPROCESSABLE = 422
UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """The body of an add-checkpoint request: a note, and the proof that its tree grew from `old_size`."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read a request; the note is not verified and its text not looked at.

        Raises:
            WitnessError: 400, `request` or `request-length`.
            NoteError: The checkpoint is not a signed note.
        """
        if len(body) > MAX_REQUEST:
            raise WitnessError("request-length", status=BAD_REQUEST, limit=MAX_REQUEST, found=len(body))
        head, _, note = body.partition(b"\n\n")
        keyword, *lines = head.decode("utf-8", "replace").split("\n")
        old_size = decode_decimal(keyword.removeprefix("old ")) if keyword.startswith("old ") else None
        proof = [decode_base64(line) for line in lines]
        hashes = tuple(value for value in proof if value is not None and len(value) == HASH_SIZE)
        if old_size is None or len(hashes) != len(lines) or len(lines) > MAX_PROOF:
            raise WitnessError("request", status=BAD_REQUEST, expected="old <decimal>, 0 to 63 hashes")
        return cls(old_size, hashes, Note.parse(note))

    def format(self) -> bytes:
        """Return the body that `parse` reads back."""
        lines = [f"old {self.old_size}", *(encode_base64(value) for value in self.proof)]
        return "".join(line + "\n" for line in lines).encode("ascii") + b"\n" + self.note.format()


class Witness:
    """A name, an Ed25519 cosigner key (0x04) and the memory of what it has signed."""

    def __init__(self, signer: Signer, state: WitnessState) -> None:
        if signer.algorithm != COSIGNATURE_ED25519:
            raise NoteError("not-a-cosigner-key", expected=COSIGNATURE_ED25519, found=signer.algorithm)
        self._signer = signer
        self._state = state

    def add_checkpoint(self, body: bytes, *, now: int, floor: int = 0, logs: Mapping[str, Verifier]) -> Signature:
        """Cosign the checkpoint in an add-checkpoint request, or refuse.

        `now` is the time in POSIX seconds, `floor` a time that has certainly passed (of a verified beacon
        round, say), `logs` the known keys by origin. The steps:

        (1) the request is well formed, (2) its origin is known, (3) the log signed it, (4) it continues the
        tree that was cosigned last, (5) the clock can be right, (6) the new tree is stored, (7) and only
        then signed.

        Raises:
            WitnessError: `status` is 400, 403, 404, 409 (with `size`, the size that was cosigned last), 422
            or 503.
        """
        request, checkpoint = _parse(body)  # (1)
        verifier = logs.get(checkpoint.origin)  # (2)
        if verifier is None:
            raise WitnessError("origin-unknown", status=NOT_FOUND, found=checkpoint.origin)
        _check_signed(request.note, verifier)  # (3)
        seen = self._state.read(checkpoint.origin)  # (4)
        _check_grown(request, checkpoint, seen)
        self._check_clock(now, floor)  # (5)
        # (6) Compare and swap: of two requests at one moment the slower must not roll the faster one back.
        if not self._state.replace(checkpoint.origin, seen, Seen(checkpoint.size, checkpoint.root, now)):
            raise _conflict(request.old_size, self._state.read(checkpoint.origin))
        return cosign(self._signer, request.note.text, now)  # (7)

    def _check_clock(self, now: int, floor: int) -> None:
        last = self._state.last_time()
        if now <= 0 or now < floor or now < last:
            raise WitnessError("clock", status=UNAVAILABLE, floor=floor, last=last, found=now)


def add_checkpoint_request(old_size: int, proof: Sequence[bytes], note: Note) -> bytes:
    """Return the request that asks for a cosignature, with the consistency proof from `old_size`.

    Send the log's own signatures only: some witnesses read no more than 10 KiB.
    """
    return AddCheckpoint(old_size, tuple(proof), note).format()


def parse_add_checkpoint(body: bytes) -> AddCheckpoint:
    """Read what `add_checkpoint_request` wrote."""
    return AddCheckpoint.parse(body)


def parse_cosignatures(body: bytes) -> tuple[Signature, ...]:
    """Read a witness's answer: signature lines, not verified yet.

    Raises:
        NoteError: It is not one to 64 signature lines.
    """
    text = body.decode("utf-8", "replace")
    lines = text.split("\n")
    if lines.pop() != "" or not 1 <= len(lines) <= MAX_SIGNATURES:
        raise NoteError("signature-lines", expected=f"1 to {MAX_SIGNATURES} lines", found=text[:80])
    return tuple(map(Signature.parse, lines))


def _parse(body: bytes) -> tuple[AddCheckpoint, Checkpoint]:
    try:
        request = AddCheckpoint.parse(body)
        checkpoint = Checkpoint.parse(request.note.text)
    except (NoteError, CheckpointError) as error:
        # A signature line that spells no bytes is a bad signature; peers that decode base64 laxly find it invalid.
        status = FORBIDDEN if error.code == "signature-not-base64" else BAD_REQUEST
        raise WitnessError("checkpoint", status=status, reason=str(error)) from None
    if checkpoint.extensions:
        raise WitnessError("extension-line", status=BAD_REQUEST, found=checkpoint.extensions[0])
    if request.old_size > checkpoint.size:
        raise WitnessError("old-size", status=BAD_REQUEST, limit=checkpoint.size, found=request.old_size)
    return request, checkpoint


def _check_signed(note: Note, verifier: Verifier) -> None:
    try:
        open_checkpoint(note.format(), verifier, origin=Checkpoint.parse(note.text).origin)
    except (NoteError, CheckpointError) as error:
        raise WitnessError("not-signed-by-log", status=FORBIDDEN, reason=str(error)) from None


def _check_grown(request: AddCheckpoint, checkpoint: Checkpoint, seen: Seen | None) -> None:
    if request.old_size != (0 if seen is None else seen.size):
        raise _conflict(request.old_size, seen)
    try:
        check_empty_root(checkpoint)
        _check_proof(checkpoint, seen, request.proof)
    except (CheckpointError, MerkleError) as error:
        raise WitnessError("not-consistent", status=UNPROCESSABLE, reason=str(error)) from None


def _check_proof(checkpoint: Checkpoint, seen: Seen | None, proof: Sequence[bytes]) -> None:
    if seen is not None and seen.size > 0:
        check_consistency(
            old_size=seen.size,
            old_root=seen.root,
            new_size=checkpoint.size,
            new_root=checkpoint.root,
            proof=proof,
        )
    elif proof:  # everything grows from the empty tree, and no proof says so
        raise MerkleError("proof-length", expected=0, found=len(proof))


def _conflict(old_size: int, seen: Seen | None) -> WitnessError:
    size = 0 if seen is None else seen.size
    return WitnessError("old-size-conflict", status=CONFLICT, size=size, found=old_size)
