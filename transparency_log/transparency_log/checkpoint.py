"""Checkpoints and cosignatures: what a log says about itself, and who saw it say so.

A checkpoint (C2SP tlog-checkpoint) is a signed note of three lines: the log's origin, its size and the root
of its tree. A cosignature (C2SP tlog-cosignature) is a witness's statement that up to a time it has seen
only trees that grow into this one. Ed25519 (0x04) and ML-DSA-44 (0x06) cosignatures are made and verified.

A log may sign with 0x06 too, beside its Ed25519 signature: it is then the cosigner of its own tree, and such a
line states no time. The type is a release candidate still (tlog-cosignature v1.1.0-rc.1), so nothing here makes
such a line unless it is given a key for it; and two of them over one checkpoint differ (see `note`).

Which cosignatures are enough, and when, is for `policy` to say. Subtree signatures are not made here, and a
0x06 line verifies only as one over the whole tree.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from transparency_log.encoding import MAX_INT, decode_base64, decode_decimal, encode_base64
from transparency_log.errors import CheckpointError
from transparency_log.merkle import EMPTY_ROOT, HASH_SIZE
from transparency_log.note import (
    COSIGNATURE_ED25519,
    COSIGNATURE_ML_DSA_44,
    ED25519,
    MAX_SIGNATURES,
    Note,
    Signature,
    SigningKey,
    Verifier,
    check_text,
    known_signatures,
    verify,
)

MAX_ORIGIN = 255  # bytes: a 0x06 cosignature writes the length of the origin in one byte

_TIMESTAMP_SIZE = 8
_SIGNATURE_SIZES = {COSIGNATURE_ED25519: 64, COSIGNATURE_ML_DSA_44: 2420}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree's size in leaves and 32-byte root, under the origin that names its log for ever.

    `extensions` are further lines that other logs may sign. Ours never do: a 0x06 cosignature does not cover
    them, and witnesses refuse them.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            if not line or "\n" in line:
                raise CheckpointError("line", expected="a line that is not empty", found=line)
        if not 0 <= self.size <= MAX_INT:
            raise CheckpointError("size-out-of-range", expected=f"0 to {MAX_INT}", found=self.size)
        if len(self.root) != HASH_SIZE:
            raise CheckpointError("root-length", expected=HASH_SIZE, found=len(self.root))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a note's text: three lines, then any extension lines."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() != "":
            raise CheckpointError("lines", expected="origin, size and root, a newline after each", found=text[:80])
        size = decode_decimal(lines[1])
        if size is None:
            raise CheckpointError("size-not-decimal", found=lines[1])
        root = decode_base64(lines[2])
        if root is None:
            raise CheckpointError("root-not-base64", found=lines[2])
        return cls(lines[0], size, root, tuple(lines[3:]))

    def format(self) -> str:
        """Return the text that is signed; `parse` reads it back."""
        lines = (self.origin, str(self.size), encode_base64(self.root), *self.extensions)
        return "".join(line + "\n" for line in lines)


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint whose log signature was verified, with its note for the cosignatures."""

    checkpoint: Checkpoint
    note: Note


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A verified cosignature: whose, and when it was made in POSIX seconds.

    The time is 0 where a 0x06 cosigner states none; such a line says nothing about when.
    """

    verifier: Verifier
    timestamp: int


def open_checkpoint(
    data: bytes, log_verifier: Verifier, *, origin: str | None = None, max_signatures: int = MAX_SIGNATURES
) -> SignedCheckpoint:
    """Read a checkpoint and verify the log's signature, Ed25519 (0x01) or ML-DSA-44 (0x06).

    The origin must be the key's name (C2SP tlog-policy), or `origin` for a log that named its key otherwise.

    Raises:
        NoteError: The note is malformed or the log's signature is bad or missing.
        CheckpointError: The text is not a checkpoint, or one of `origin-mismatch`, `not-a-log-key`.
    """
    note = Note.parse(data, max_signatures=max_signatures)
    checkpoint = Checkpoint.parse(note.text)
    # Else a key trusted for one log could speak for another.
    expected = log_verifier.name if origin is None else origin
    if checkpoint.origin != expected:
        raise CheckpointError("origin-mismatch", expected=expected, found=checkpoint.origin)
    if log_verifier.algorithm == ED25519:
        verify(note, [log_verifier])
    elif log_verifier.algorithm != COSIGNATURE_ML_DSA_44:
        # An Ed25519 cosignature says "seen", never "mine".
        raise CheckpointError("not-a-log-key", expected=[ED25519, COSIGNATURE_ML_DSA_44], found=log_verifier.algorithm)
    elif not cosignatures(note, [log_verifier]):
        raise CheckpointError("no-known-signature", expected=log_verifier.name, can_check=log_verifier.supported)
    return SignedCheckpoint(checkpoint, note)


def sign_checkpoint(checkpoint: Checkpoint, signer: SigningKey, *further: SigningKey) -> Note:
    """Sign a checkpoint of our own: three lines, its origin the key's name, at most 255 bytes.

    The first key is Ed25519 (0x01), without which no witness need take the checkpoint (C2SP tlog-tiles);
    `further` keys of the log, all ML-DSA-44 (0x06), sign after it. Whether the checkpoint is consistent with
    all that these keys signed before is for the caller to know (`log`).
    """
    if checkpoint.extensions:
        raise CheckpointError("extension-line", found=checkpoint.extensions[0])
    if checkpoint.origin != signer.name:
        raise CheckpointError("origin-mismatch", expected=signer.name, found=checkpoint.origin)
    if len(checkpoint.origin.encode()) > MAX_ORIGIN:
        raise CheckpointError("origin-length", limit=MAX_ORIGIN, found=len(checkpoint.origin.encode()))
    check_empty_root(checkpoint)
    text = checkpoint.format()
    return Note(text, (signer.sign(text), *(cosign_own(key, text) for key in further)))


def cosign(signer: SigningKey, text: str, timestamp: int) -> Signature:
    """Cosign a checkpoint's text with a cosigner's key (0x04 or 0x06) at `timestamp`, POSIX seconds above 0.

    This is the pen, not the witness: `witness` decides what may be cosigned.
    """
    if signer.algorithm not in _SIGNATURE_SIZES:
        raise CheckpointError("not-a-cosigner-key", expected=list(_SIGNATURE_SIZES), found=signer.algorithm)
    if not 0 < timestamp <= MAX_INT:
        raise CheckpointError("timestamp-out-of-range", expected=f"1 to {MAX_INT}", found=timestamp)
    return _cosign(signer, text, timestamp)


def cosign_own(signer: SigningKey, text: str, timestamp: int = 0) -> Signature:
    """Return a log's ML-DSA-44 line (0x06) under its own checkpoint, whose origin is the key's name.

    At 0 the line says no more than the log's Ed25519 signature does: this is a tree of mine.
    """
    if signer.algorithm != COSIGNATURE_ML_DSA_44:
        raise CheckpointError("not-a-log-key", expected=[COSIGNATURE_ML_DSA_44], found=signer.algorithm)
    if not 0 <= timestamp <= MAX_INT:
        raise CheckpointError("timestamp-out-of-range", expected=f"0 to {MAX_INT}", found=timestamp)
    origin = Checkpoint.parse(text).origin
    if origin != signer.name:
        raise CheckpointError("origin-mismatch", expected=signer.name, found=origin)
    return _cosign(signer, text, timestamp)


def cosignatures(note: Note, witness_verifiers: Iterable[Verifier]) -> tuple[Cosignature, ...]:
    """Return the cosignatures of known witnesses, all verified, in the note's order; it may be none.

    A 0x06 line that the installed library cannot check counts as unknown.

    Raises:
        CheckpointError: `cosignature-invalid` for a known key: then the whole note is not to be trusted.
    """
    return tuple(cosignature for _, cosignature in verified_cosignatures(note, witness_verifiers))


def verified_cosignatures(
    note: Note, witness_verifiers: Iterable[Verifier]
) -> tuple[tuple[Signature, Cosignature], ...]:
    """Return what `cosignatures` does, each with its line."""
    verified = []
    for signature, verifier in known_signatures(note, witness_verifiers):
        if verifier.algorithm not in _SIGNATURE_SIZES:
            raise CheckpointError("not-a-cosigner-key", expected=list(_SIGNATURE_SIZES), found=verifier.algorithm)
        if verifier.supported:
            verified.append((signature, Cosignature(verifier, _verified_time(note.text, signature, verifier))))
    return tuple(verified)


def check_empty_root(checkpoint: Checkpoint) -> None:
    """Check that a tree of no leaves has the root of one.

    Raises:
        CheckpointError: `empty-tree-root`. Signed, such a checkpoint would be consistent with nothing.
    """
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise CheckpointError("empty-tree-root", expected=EMPTY_ROOT.hex(), found=checkpoint.root.hex())


def _cosign(signer: SigningKey, text: str, timestamp: int) -> Signature:
    check_text(text)
    checkpoint = Checkpoint.parse(text)
    # A 0x06 line does not cover them, and no witness knows whether they are true.
    if checkpoint.extensions:
        raise CheckpointError("extension-line", found=checkpoint.extensions[0])
    verifier = signer.verifier
    signature = signer.sign_bytes(_message(verifier, timestamp, text))
    return Signature(signer.name, verifier.key_id, timestamp.to_bytes(_TIMESTAMP_SIZE) + signature)


def _verified_time(text: str, signature: Signature, verifier: Verifier) -> int:
    expected = _TIMESTAMP_SIZE + _SIGNATURE_SIZES[verifier.algorithm]
    if len(signature.data) != expected:
        raise CheckpointError("cosignature-length", name=verifier.name, expected=expected, found=len(signature.data))
    timestamp = int.from_bytes(signature.data[:_TIMESTAMP_SIZE])
    if timestamp > MAX_INT:
        raise CheckpointError("timestamp-out-of-range", name=verifier.name, limit=MAX_INT, found=timestamp)
    if not verifier.holds(_message(verifier, timestamp, text), signature.data[_TIMESTAMP_SIZE:]):
        raise CheckpointError("cosignature-invalid", name=verifier.name, key_id=verifier.key_id.hex())
    return timestamp


def _message(verifier: Verifier, timestamp: int, text: str) -> bytes:
    """Return the bytes that a cosigner signs, C2SP tlog-cosignature."""
    if verifier.algorithm == COSIGNATURE_ED25519:
        return f"cosignature/v1\ntime {timestamp}\n{text}".encode()
    checkpoint = Checkpoint.parse(text)
    return b"".join(
        (
            b"subtree/v1\n\0",
            _opaque(verifier.name),
            timestamp.to_bytes(8),
            _opaque(checkpoint.origin),
            (0).to_bytes(8),  # start: a checkpoint is the subtree that begins at the first leaf
            checkpoint.size.to_bytes(8),
            checkpoint.root,
        )
    )


def _opaque(text: str) -> bytes:
    encoded = text.encode()
    if not 0 < len(encoded) <= MAX_ORIGIN:
        raise CheckpointError("name-length", limit=MAX_ORIGIN, found=len(encoded))
    return bytes([len(encoded)]) + encoded
