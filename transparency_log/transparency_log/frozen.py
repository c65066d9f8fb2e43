"""The last word of a log: a note by its key that says that a checkpoint is the last.

    frozen/v1
    log.example.cn/jinan
    1234
    <base64 root>

    — log.example.cn/jinan <base64>

It lies beside the checkpoint as `frozen`. Without it a reader could not tell a log that ended from one whose host
stopped showing the news; with it, a log that grows on is convicted by its own key. It cannot be read as a checkpoint,
whose second line is a number and whose third has 44 characters.
"""

from typing import Final

from transparency_log.checkpoint import Checkpoint
from transparency_log.errors import CheckpointError
from transparency_log.note import Note, SigningKey, Verifier, verify

FROZEN: Final = "frozen"
_HEADER: Final = "frozen/v1\n"


def sign_frozen(checkpoint: Checkpoint, signer: SigningKey) -> Note:
    """Sign that `checkpoint` is the last of the log."""
    text = _HEADER + checkpoint.format()
    return Note(text, (signer.sign(text),))


def open_frozen(data: bytes, log_verifier: Verifier, *, origin: str | None = None) -> Checkpoint:
    """Return the checkpoint that a note says to be the last, the log's signature (0x01) verified.

    Raises:
        NoteError: The note is malformed, or the log's signature is bad or missing.
        CheckpointError: `not-frozen`, `origin-mismatch`, or the rest of the text is no checkpoint.
    """
    note = Note.parse(data)
    verify(note, [log_verifier])
    if not note.text.startswith(_HEADER):
        raise CheckpointError("not-frozen", expected=_HEADER.rstrip(), found=note.text[:80])
    checkpoint = Checkpoint.parse(note.text.removeprefix(_HEADER))
    expected = log_verifier.name if origin is None else origin
    if checkpoint.origin != expected:
        raise CheckpointError("origin-mismatch", expected=expected, found=checkpoint.origin)
    return checkpoint
