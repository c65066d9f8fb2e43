"""A witness without the network: it cosigns a checkpoint if the log merely grew (C2SP tlog-witness, 5ba5ee8).

    old <decimal>
    <0 to 63 base64 hashes: the consistency proof from the old size>

    <checkpoint>

A refusal is a `WitnessError` with the HTTP status that the protocol gives it. One status is ours: 503 when
the clock cannot be right, because a witness that signs a time which was not makes a late log look early.

Not here: HTTP (`endpoint`), `sign-subtree`, and where logs and their keys come from.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from transparency_log.checkpoint import MAX_ORIGIN, Checkpoint, check_empty_root, cosign, open_checkpoint
from transparency_log.encoding import MAX_INT, decode_base64, decode_decimal, encode_base64
from transparency_log.errors import CheckpointError, MerkleError, NoteError, StorageError, WitnessError
from transparency_log.evidence import Fork
from transparency_log.merkle import HASH_SIZE, MAX_PROOF, check_consistency
from transparency_log.note import (
    COSIGNATURE_ED25519,
    COSIGNATURE_ML_DSA_44,
    MAX_SIGNATURES,
    Note,
    Signature,
    SigningKey,
    Verifier,
    known_signatures,
)
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
        proof = [decode_base64(line) for line in lines[: MAX_PROOF + 1]]  # a flood is not even decoded
        hashes = tuple(value for value in proof if value is not None and len(value) == HASH_SIZE)
        if old_size is None or len(hashes) != len(lines) or len(hashes) > MAX_PROOF:
            raise WitnessError("request", status=BAD_REQUEST, expected="old <decimal>, 0 to 63 hashes")
        return cls(old_size, hashes, Note.parse(note))

    def format(self) -> bytes:
        """Return the body that `parse` reads back."""
        lines = [f"old {self.old_size}", *(encode_base64(value) for value in self.proof)]
        return "".join(line + "\n" for line in lines).encode("ascii") + b"\n" + self.note.format()


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that may be granted: a known log signed the checkpoint, and it continues what was cosigned last.

    `line` is the log's own signature, `seen` what the witness had cosigned when it looked.
    """

    request: AddCheckpoint
    checkpoint: Checkpoint
    line: Signature
    seen: Seen | None

    @property
    def grows(self) -> bool:
        """Whether the tree is one that the witness has not cosigned; else only a later time is asked for."""
        return self.seen is None or self.checkpoint.size > self.seen.size


class Witness:
    """One or more cosigner keys (0x04, 0x06) and the memory of what they have signed. Threads may share it.

    `hold`, if given, makes it a mirror: it is called with a checkpoint that passed every check, and must bring all
    that lies below it into its own keeping, or raise a `WitnessError` with status 503. Nothing is cosigned before.
    """

    def __init__(
        self,
        signer: SigningKey,
        state: WitnessState,
        *,
        also: Sequence[SigningKey] = (),
        hold: Callable[[Checkpoint], None] | None = None,
    ) -> None:
        kinds = (COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44)
        for one in (signer, *also):
            if one.algorithm not in kinds:
                raise NoteError("not-a-cosigner-key", expected=kinds, found=one.algorithm)
        self._signers = (signer, *also)
        self._keys = {(one.name, one.verifier.key_id) for one in self._signers}
        self._state = state
        self._hold = hold
        self._going = True

    def add_checkpoint(
        self, body: bytes, *, now: int, floor: int = 0, logs: Mapping[str, Verifier]
    ) -> tuple[Signature, ...]:
        """Cosign the checkpoint in an add-checkpoint request with every key, or refuse.

        `now` is the time in POSIX seconds, `floor` a time that has certainly passed (of a verified beacon
        round, say), `logs` the known keys by origin. The steps:

        (1) the request is well formed, (2) its origin is known, (3) the log signed it, (4) it continues the
        tree that was cosigned last, (5) a mirror holds what lies below it, (6) the clock can be right, (7) the
        new tree is stored, (8) and only then signed.

        Raises:
            WitnessError: `status` is 400, 403, 404, 409 (with `size`, the size that was cosigned last), 422
            or 503. With `log-forked`, a 422, comes a file that convicts the log (`evidence`).
            StorageError: The tree could not be stored, so nothing was signed.
        """
        return self.answer(self.check(body, logs=logs), clock=lambda: now, floor=floor)

    def check(self, body: bytes, *, logs: Mapping[str, Verifier]) -> Asked:
        """Take the steps (1) to (4), which change nothing."""
        request, checkpoint = _parse(body)  # (1)
        verifier = logs.get(checkpoint.origin)  # (2)
        if verifier is None:
            raise WitnessError("origin-unknown", status=NOT_FOUND, found=checkpoint.origin)
        line = _log_line(request.note, verifier)  # (3)
        seen = self._state.read(checkpoint.origin)
        _check_grown(request, checkpoint, line, seen)  # (4)
        return Asked(request, checkpoint, line, seen)

    def answer(self, asked: Asked, *, clock: Callable[[], int], floor: int = 0) -> tuple[Signature, ...]:
        """Take the steps (5) to (8) with a request that `check` let pass.

        The clock is read late, because (5) may take a while, and a cosignature states when the tree was stored.
        """
        if self._hold is not None:
            self._hold(asked.checkpoint)  # (5)
        checkpoint, seen = asked.checkpoint, asked.seen
        note = Note(asked.request.note.text, (asked.line,)).format()
        while True:
            new = Seen(checkpoint.size, checkpoint.root, self._checked_time(clock, floor), note)  # (6)
            # Within one second there is nothing to add: who replays a public checkpoint costs no write and no key.
            if seen is not None and _same(seen, new) and (lines := self._own_lines(seen)):
                return lines
            # (7) Compare and swap: of two requests at one moment the slower must not roll the faster one back.
            if self._store(checkpoint.origin, seen, new):
                return self._sign(checkpoint.origin, new)  # (8)
            seen = self._state.read(checkpoint.origin)
            _check_grown(asked.request, checkpoint, asked.line, seen)

    def raise_floor(self, time: int) -> None:
        """Remember, also after a restart, that this time has certainly passed: no earlier one is signed any more."""
        if time > self._state.floor():
            self._state.raise_floor(time)

    def monitored(self, hashed: str) -> bytes | None:
        """Return the newest checkpoint of the log with this `origin_hash`, None if none was ever cosigned.

        It carries the log's signature and the witness's, those that were returned for it.
        """
        seen = self._state.find(hashed)
        if seen is not None and not self._own_lines(seen):  # a crash came between (7) and (8)
            self._sign(Checkpoint.parse(Note.parse(seen.note).text).origin, seen)
            seen = self._state.find(hashed)
        return None if seen is None else seen.note

    def _checked_time(self, clock: Callable[[], int], floor: int) -> int:
        self.raise_floor(floor)
        # The clock is read after the times that it is compared with, lest another thread's later second refuse it.
        floor, last = self._state.floor(), self._state.last_time()
        now = clock()
        if not 0 < now <= MAX_INT or now < floor or now < last:
            raise WitnessError("clock", status=UNAVAILABLE, floor=floor, last=last, found=now)
        return now

    def _store(self, origin: str, old: Seen | None, new: Seen) -> bool:
        if not self._going:
            raise WitnessError("witness-stopped", status=UNAVAILABLE)
        try:
            return self._state.replace(origin, old, new)
        except StorageError as error:
            # What a read gives after a failed fsync may never have reached the disk, and a second fsync would not say.
            self._going = error.code != "fsync-failed"
            raise

    def _sign(self, origin: str, seen: Seen) -> tuple[Signature, ...]:
        """Cosign what is stored, and store the lines too: an ML-DSA-44 one could not be made the same again."""
        note = Note.parse(seen.note)
        lines = tuple(cosign(signer, note.text, seen.time) for signer in self._signers)
        self._store(origin, seen, replace(seen, note=Note(note.text, (*note.signatures, *lines)).format()))
        return lines

    def _own_lines(self, seen: Seen) -> tuple[Signature, ...]:
        return tuple(line for line in Note.parse(seen.note).signatures if (line.name, line.key_id) in self._keys)


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
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteError("not-utf-8", at=error.start) from None
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
    if len(checkpoint.origin.encode()) > MAX_ORIGIN:  # no 0x06 line can be made for it
        raise WitnessError("origin-length", status=BAD_REQUEST, limit=MAX_ORIGIN, found=checkpoint.origin[:80])
    if request.old_size > checkpoint.size:
        raise WitnessError("old-size", status=BAD_REQUEST, limit=checkpoint.size, found=request.old_size)
    return request, checkpoint


def _log_line(note: Note, verifier: Verifier) -> Signature:
    """Return the log's own line, every line of its key verified."""
    try:
        open_checkpoint(note.format(), verifier, origin=Checkpoint.parse(note.text).origin)
    except (NoteError, CheckpointError) as error:
        raise WitnessError("not-signed-by-log", status=FORBIDDEN, reason=str(error)) from None
    line, _ = next(known_signatures(note, [verifier]))
    return line


def _check_grown(request: AddCheckpoint, checkpoint: Checkpoint, line: Signature, seen: Seen | None) -> None:
    if request.old_size != (0 if seen is None else seen.size):
        raise _conflict(request.old_size, seen)
    if seen is not None and seen.size == checkpoint.size and seen.root != checkpoint.root:
        roots = {"expected": seen.root.hex(), "found": checkpoint.root.hex()}
        evidence = _fork(Note.parse(seen.note), Note(request.note.text, (line,))).format().decode()
        raise WitnessError("log-forked", status=UNPROCESSABLE, size=seen.size, **roots, evidence=evidence)
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


def _fork(stored: Note, asked: Note) -> Fork:
    """Return what convicts a log of two trees of one size; the first line of both notes is its own."""
    bare = [Note(note.text, note.signatures[:1]) for note in (stored, asked)]
    smaller, larger = sorted(bare, key=lambda note: Checkpoint.parse(note.text).root)
    return Fork(smaller, larger)


def _conflict(old_size: int, seen: Seen | None) -> WitnessError:
    size = 0 if seen is None else seen.size
    return WitnessError("old-size-conflict", status=CONFLICT, size=size, found=old_size)


def _same(one: Seen, other: Seen) -> bool:
    return (one.size, one.root, one.time) == (other.size, other.root, other.time)
