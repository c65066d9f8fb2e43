"""Statements as entries of a log: signed, read and found again. specs/statements.md §1, §2.

A statement's identity is the hash of its text, never its bytes in the log: signature lines are not part of it, so that
nobody can make a second statement of the first by adding a line (attack 2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeVar

from pydantic import ValidationError

from fairdraw import encoding
from fairdraw.errors import EncodingError, StatementError
from fairdraw.schema import TYPES, Key, Statement
from fairdraw.values import Ref
from transparency_log.errors import LogError
from transparency_log.note import Note, SigningKey, Verifier, verify

MAX_ENTRY: Final = 65535  # C2SP tlog-tiles: an entry's length is a uint16
MAX_SIGNATURES: Final = 16  # a verifier must not be made to work for free
ED25519: Final = 0x01

S = TypeVar("S", bound=Statement)
Verified = set[tuple[bytes, tuple[Verifier, ...]]]
"""Entries, by their bytes, whose signatures were found to be right under these keys, in this order."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A statement, where it stands in its log, and its bytes there."""

    index: int
    data: bytes
    note: Note
    statement: Statement
    text_hash: str

    @property
    def ref(self) -> Ref:
        """Return the reference by which other statements name this one."""
        return Ref(index=self.index, text=self.text_hash)

    def of(self, kind: type[S]) -> S:
        """Return the statement if it is of this type.

        Raises:
            StatementError: `wrong-type`.
        """
        if not isinstance(self.statement, kind):
            raise StatementError("wrong-type", index=self.index, expected=kind.TYPE, found=self.statement.type)
        return self.statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a signer's chain stands: the fields that its next statement takes from it."""

    log: str
    bureau: str
    by: str
    seq: int
    prev: str | None
    time: int

    def fields(self) -> dict[str, object]:
        """Return the chain fields of the next statement."""
        return {
            "log": self.log,
            "bureau": self.bureau,
            "by": self.by,
            "seq": self.seq,
            "prev": self.prev,
            "time": encoding.format_time(self.time),
        }

    def make(self, kind: type[S], /, *, with_: Sequence[str] = (), **fields: object) -> S:
        """Return the next statement of this chain.

        Raises:
            StatementError: `bad-field`, naming it.
        """
        try:
            return kind.model_validate({"v": 0, "type": kind.TYPE, **self.fields(), "with": tuple(with_), **fields})
        except ValidationError as error:
            raise _bad_field(kind.TYPE, error) from None


def _bad_field(kind: str, error: ValidationError) -> StatementError:
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "(whole)"
    return StatementError("bad-field", type=kind, field=where, expected=first["msg"], found=repr(first["input"])[:80])


def parse_text(text: bytes) -> Statement:
    """Return the statement of a signed text.

    Raises:
        StatementError: the text is not one line of canonical JSON with exactly the fields of its type.
    """
    if not text.endswith(b"\n"):
        raise StatementError("unfinished-line")
    line = text[:-1]
    try:
        value = encoding.parse(line)
    except EncodingError as error:
        raise StatementError("not-canonical-json", reason=str(error)) from None
    kind = TYPES.get(str(value.get("type"))) if isinstance(value, dict) else None
    if kind is None:
        found = value.get("type") if isinstance(value, dict) else type(value).__name__
        raise StatementError("unknown-type", expected=sorted(TYPES), found=found)
    try:
        statement = kind.model_validate_json(line)
    except ValidationError as error:
        raise _bad_field(kind.TYPE, error) from None
    # A default that stands for a missing field, or `false` for 0, would be a second spelling of one statement.
    if statement.text() != text:
        raise StatementError("bad-field", type=kind.TYPE, field="(whole)", expected="every field in its one spelling")
    return statement


def read_entry(data: bytes, index: int) -> Entry:
    """Return the statement in an entry of the log; its signatures are checked by `check_signatures`.

    Raises:
        StatementError: the entry is not a statement.
    """
    if len(data) > MAX_ENTRY:
        raise StatementError("entry-too-large", expected=MAX_ENTRY, found=len(data))
    try:
        note = Note.parse(data)
    except LogError as error:
        raise StatementError("not-a-note", index=index, reason=str(error)) from None
    if len(note.signatures) > MAX_SIGNATURES:
        raise StatementError("too-many-signatures", expected=MAX_SIGNATURES, found=len(note.signatures))
    text = note.text.encode()
    return Entry(index, data, note, parse_text(text), sha256(text).hexdigest())


def keys_of(statement: Statement, keys: Mapping[str, Verifier]) -> tuple[Verifier | None, ...]:
    """Return the verifiers whose lines must come first, in order; None for a co-signer whom `keys` does not have.

    A `key` statement is signed by the key that `keys` holds and by the one it names.

    Raises:
        StatementError: `unknown-signer`: the one who speaks; or `wrong-old-key`.
    """
    if statement.by not in keys:
        raise StatementError("unknown-signer", found=statement.by)
    if not isinstance(statement, Key):
        return tuple(keys.get(name) for name in statement.signers)
    if statement.old != keys[statement.by].vkey:
        raise StatementError("wrong-old-key", expected=keys[statement.by].vkey, found=statement.old)
    return keys[statement.by], new_key(statement)


def new_key(statement: Key) -> Verifier:
    """Return the key that a `key` statement brings in.

    Raises:
        StatementError: `bad-new-key`.
    """
    try:
        key = Verifier.parse(statement.new)
    except LogError as error:
        raise StatementError("bad-new-key", reason=str(error)) from None
    if key.name != statement.by or key.algorithm != ED25519 or key.weak or statement.new == statement.old:
        raise StatementError("bad-new-key", expected=statement.by, found=key.name)
    return key


def check_signatures(entry: Entry, keys: Mapping[str, Verifier], verified: Verified | None = None) -> None:
    """Check that an entry has exactly one valid 0x01 line per signer, first and in order.

    Further lines are ignored: anybody may add them, and they say nothing. Whoever meets an entry again and again hands
    in what is `verified`.

    Raises:
        StatementError: a line is missing, doubled, out of order or does not verify; `unknown-signer`, if that is all.
    """
    needed = keys_of(entry.statement, keys)
    known = tuple(key for key in needed if key is not None)
    if verified is not None and (entry.data, known) in verified:  # never with a co-signer left out: all were known then
        return
    lines = entry.note.signatures
    for position, key in enumerate(needed):
        if key is None:
            continue
        if position >= len(lines) or (lines[position].name, lines[position].key_id) != (key.name, key.key_id):
            raise StatementError("signature-missing", index=entry.index, expected=key.name, position=position)
        if sum((line.name, line.key_id) == (key.name, key.key_id) for line in lines) != 1:
            raise StatementError("signature-doubled", index=entry.index, found=key.name)
    try:
        verify(entry.note, known)
    except LogError as error:
        raise StatementError("signature-invalid", index=entry.index, reason=str(error)) from None
    if None in needed:
        raise StatementError("unknown-signer", found=entry.statement.signers[needed.index(None)])
    if verified is not None:
        verified.add((entry.data, known))


def sign(statement: Statement, signers: Sequence[SigningKey]) -> bytes:
    """Return the entry: the signed note of a statement. `signers` are those of `statement.signers`, in order.

    Raises:
        StatementError: `wrong-signers`, or `entry-too-large`.
    """
    if tuple(signer.verifier.name for signer in signers) != statement.signers:
        raise StatementError("wrong-signers", expected=statement.signers)
    text = statement.text().decode()
    data = Note(text, tuple(signer.sign(text) for signer in signers)).format()
    if len(data) > MAX_ENTRY:
        raise StatementError("entry-too-large", expected=MAX_ENTRY, found=len(data))
    return data
