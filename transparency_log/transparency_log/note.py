"""Signed notes: text, an empty line, and one line per signature (C2SP signed-note).

    If this text is altered, the signature no longer holds.

    — example.com/key h1Kx…=

The signed bytes are the text with its final newline. A signature line names its key twice, by name and by a
4-byte key ID; `verify` looks only at keys that it knows by both and ignores all other lines, so that a note
can carry signatures of kinds that nobody has invented yet. A known key whose signature is bad spoils the
note.

Three kinds of key are known: Ed25519 over the text (0x01), and the two cosignatures of C2SP tlog-cosignature,
whose signed message `checkpoint` builds: Ed25519 (0x04) and ML-DSA-44 (0x06, where the installed `cryptography`
can). 0x06 is still a release candidate (v1.1.0-rc.1): what it signs may yet change, 0x01 and 0x04 will not.

The seed of a key is an argument, and Ed25519 signs one message with always the same bytes. ML-DSA-44 does not:
the library mixes chance into each signature (FIPS 204 calls that hedged), so two lines over one text differ.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from transparency_log.encoding import decode_base64, encode_base64
from transparency_log.errors import NoteError

try:
    from cryptography.hazmat.primitives.asymmetric import mldsa
except ImportError:  # cryptography before 47
    mldsa = None  # type: ignore[assignment]

ED25519: Final = 0x01
COSIGNATURE_ED25519: Final = 0x04
COSIGNATURE_ML_DSA_44: Final = 0x06

# The specification asks for at least 16. Four times as many is room for every witness of a large policy with
# both of its keys, and still only milliseconds of work for a note that somebody stuffed.
MAX_SIGNATURES = 64

_PUBLIC_KEY_SIZES = {ED25519: 32, COSIGNATURE_ED25519: 32, COSIGNATURE_ML_DSA_44: 1312}
_KEY_ID_SIZE = 4
_FIELD_PRIME: Final = 2**255 - 19
_ORDER_8: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL_ORDER: Final = frozenset({0, 1, _FIELD_PRIME - 1, _ORDER_8, _FIELD_PRIME - _ORDER_8})  # their y
_SEED_SIZE = 32
_DASH = "\N{EM DASH} "
_PRIVATE_PREFIX = "PRIVATE+KEY+"
_UNSIGNABLE = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the key's name, its 4-byte ID, and bytes that mean what the algorithm says."""

    name: str
    key_id: bytes
    data: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.key_id) != _KEY_ID_SIZE:
            raise NoteError("key-id-length", expected=_KEY_ID_SIZE, found=len(self.key_id))
        if not self.data:
            raise NoteError("signature-empty", name=self.name)

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read `— name base64`, without its newline."""
        name, space, encoded = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not space:
            raise NoteError("signature-line", expected="— name base64", found=line[:80])
        decoded = decode_base64(encoded)
        if decoded is None:
            raise NoteError("signature-not-base64", name=name)
        return cls(name, decoded[:_KEY_ID_SIZE], decoded[_KEY_ID_SIZE:])

    def format(self) -> str:
        """Return `— name base64`, without a newline."""
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.data)}"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures, none of them checked yet: `verify` does that."""

    text: str
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        check_text(self.text)
        if not self.signatures:
            raise NoteError("no-signatures")

    @classmethod
    def parse(cls, data: bytes, *, max_signatures: int = MAX_SIGNATURES) -> Self:
        """Read a note, malformed ones refused; the signatures are not verified."""
        try:
            message = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NoteError("not-utf-8", at=error.start) from None
        # The last empty line, because a text may hold empty lines and signatures may not.
        text, empty_line, block = message.rpartition("\n\n")
        if not empty_line or not block.endswith("\n"):
            raise NoteError("no-signature-block", expected="text, an empty line, signature lines")
        lines = block[:-1].split("\n")
        if len(lines) > max_signatures:
            raise NoteError("too-many-signatures", limit=max_signatures, found=len(lines))
        return cls(text + "\n", tuple(map(Signature.parse, lines)))

    def format(self) -> bytes:
        """Return the bytes that `parse` reads back."""
        lines = "".join(signature.format() + "\n" for signature in self.signatures)
        return f"{self.text}\n{lines}".encode()


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with the name that its signatures carry."""

    name: str
    algorithm: int
    public_key: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_algorithm(self.algorithm)
        size = _PUBLIC_KEY_SIZES[self.algorithm]
        if len(self.public_key) != size:
            raise NoteError("public-key-length", expected=size, found=len(self.public_key))

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Read `name+hex8+base64`, the ID recomputed; one of another key or another name is refused."""
        name, key_id, key = _split_key(vkey)
        verifier = cls(name, key[0], key[1:])
        _check_key_id(verifier, key_id)
        return verifier

    @property
    def weak(self) -> bool:
        """Whether it is a point of small order, or in another spelling than its own: a key that nobody has to hold.

        Under such a key one signature fits many texts, and libraries differ in what they say of it. Policies of C2SP
        may have them, for tests do; whoever decides by signatures refuses them.
        """
        y = int.from_bytes(self.public_key, "little") & (1 << 255) - 1
        return self.algorithm in (ED25519, COSIGNATURE_ED25519) and (y >= _FIELD_PRIME or y in _SMALL_ORDER)

    @property
    def vkey(self) -> str:
        """The key in the text form that policies and trust files carry."""
        return _join_key(self.name, self.key_id, self.algorithm, self.public_key)

    @property
    def key_id(self) -> bytes:
        """SHA-256(name ‖ 0x0A ‖ algorithm ‖ public key)[:4]."""
        message = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public_key
        return hashlib.sha256(message).digest()[:_KEY_ID_SIZE]

    @property
    def supported(self) -> bool:
        """Whether signatures of this kind can be checked here; those that cannot count as unknown."""
        return _supported(self.algorithm)

    def holds(self, message: bytes, signature: bytes) -> bool:
        """Whether the raw `signature` is this key's over exactly `message`."""
        try:
            if self.algorithm == COSIGNATURE_ML_DSA_44:
                # FIPS 204, pure ML-DSA with the empty context.
                mldsa.MLDSA44PublicKey.from_public_bytes(self.public_key).verify(signature, message)
            else:
                Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class SigningKey(Protocol):
    """Whatever signs under a name: a `Signer` with its seed, or a key that never leaves its token."""

    @property
    def name(self) -> str:
        """The name that its signature lines carry."""

    @property
    def algorithm(self) -> int:
        """0x01, 0x04 or 0x06."""

    @property
    def verifier(self) -> Verifier:
        """The public half."""

    def sign(self, text: str) -> Signature:
        """Sign a note's text (0x01)."""

    def sign_bytes(self, message: bytes) -> bytes:
        """Return the raw signature over `message`."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key with its name, and the text form in which it is kept in a file.

    The 32-byte seed is all there is to the key. Make it with `secrets.token_bytes(32)` and show it to nobody.
    One seed serves one key: the same seed under another algorithm is a different key with another ID, and C2SP
    signed-note advises against it.

    Raises:
        NoteError: `algorithm-unsupported` for an ML-DSA-44 key where the installed library cannot use one.
    """

    name: str
    algorithm: int
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _check_algorithm(self.algorithm)
        if not _supported(self.algorithm):
            raise NoteError("algorithm-unsupported", name=self.name, found=f"0x{self.algorithm:02x}")
        if len(self.seed) != _SEED_SIZE:
            raise NoteError("seed-length", expected=_SEED_SIZE, found=len(self.seed))
        _check_name(self.name)

    @classmethod
    def from_seed(cls, name: str, seed: bytes, algorithm: int = ED25519) -> Self:
        """Return the key of this name that the 32 random bytes `seed` determine."""
        return cls(name, algorithm, seed)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `PRIVATE+KEY+name+hex8+base64`, one line with or without its newline."""
        line = text.removesuffix("\n")
        if not line.startswith(_PRIVATE_PREFIX):
            raise NoteError("not-a-private-key", expected=_PRIVATE_PREFIX)
        name, key_id, key = _split_key(line.removeprefix(_PRIVATE_PREFIX))
        try:
            signer = cls(name, key[0], key[1:])
            _check_key_id(signer.verifier, key_id)
        except NoteError as error:
            if error.code in ("key-name", "key-id-mismatch"):
                # Lines that ran together may have the secret in the place of the name, which is not quoted then.
                raise NoteError("key-format", expected=_PRIVATE_PREFIX + "name+hex8+base64") from None
            raise
        return signer

    def format(self) -> str:
        """Return the line that `parse` reads back, without a newline. It is the secret itself."""
        return _PRIVATE_PREFIX + _join_key(self.name, self.verifier.key_id, self.algorithm, self.seed)

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self.algorithm, self._private_key().public_key().public_bytes_raw())

    def sign(self, text: str) -> Signature:
        """Sign a note's text (0x01); lines of the other kinds are made by `checkpoint`."""
        return sign_text(self, text)

    def sign_bytes(self, message: bytes) -> bytes:
        """Return the raw signature over `message`: Ed25519 (RFC 8032) or pure ML-DSA-44, empty context (FIPS 204)."""
        return self._private_key().sign(message)

    def _private_key(self) -> "Ed25519PrivateKey | mldsa.MLDSA44PrivateKey":
        if self.algorithm == COSIGNATURE_ML_DSA_44:
            return mldsa.MLDSA44PrivateKey.from_seed_bytes(self.seed)
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def sign_text(key: SigningKey, text: str) -> Signature:
    """Return the line of a note that a 0x01 key signs."""
    if key.algorithm != ED25519:
        raise NoteError("algorithm-not-for-notes", expected=ED25519, found=key.algorithm)
    check_text(text)
    return Signature(key.name, key.verifier.key_id, key.sign_bytes(text.encode()))


def verify(note: Note, verifiers: Iterable[Verifier]) -> tuple[Signature, ...]:
    """Return the signatures of known 0x01 keys, all of them verified, in the note's order.

    Raises:
        NoteError: `signature-invalid` for a known key, `no-known-signature` if there is none at all.
    """
    verified = []
    for signature, verifier in known_signatures(note, verifiers):
        if verifier.algorithm != ED25519:
            raise NoteError("algorithm-not-for-notes", expected=ED25519, found=verifier.algorithm)
        if not verifier.holds(note.text.encode(), signature.data):
            raise NoteError("signature-invalid", name=verifier.name, key_id=verifier.key_id.hex())
        verified.append(signature)
    if not verified:
        raise NoteError("no-known-signature", found=[signature.name for signature in note.signatures])
    return tuple(verified)


def known_signatures(note: Note, verifiers: Iterable[Verifier]) -> Iterator[tuple[Signature, Verifier]]:
    """Pair the lines of known keys with their keys, in the note's order; nothing is verified yet.

    Raises:
        NoteError: `verifiers-ambiguous` if two different keys share name and ID.
    """
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        # Key IDs are short enough to collide on purpose: then a line would not say which key made it.
        if known.setdefault((verifier.name, verifier.key_id), verifier) != verifier:
            raise NoteError("verifiers-ambiguous", name=verifier.name, key_id=verifier.key_id.hex())
    for signature in note.signatures:
        # Signed-note: a line is ignored even if only one of name and ID is unknown.
        found = known.get((signature.name, signature.key_id))
        if found is not None:
            yield signature, found


def check_text(text: str) -> None:
    """Check that `text` can be signed: it ends with a newline and holds no other control character.

    Raises:
        NoteError: `text-newline`, `control-character` or `not-utf-8`.
    """
    if not text.endswith("\n"):
        raise NoteError("text-newline", expected="a newline at the end", found=text[-20:])
    if found := _UNSIGNABLE.search(text):
        code = "control-character" if found[0] < " " else "not-utf-8"
        raise NoteError(code, at=found.start(), found=f"U+{ord(found[0]):04X}")


def _check_name(name: str) -> None:
    # A space would end the name early in a signature line, a plus sign in a vkey.
    if not name or "+" in name or any(c.isspace() or c < " " or "\ud800" <= c <= "\udfff" for c in name):
        raise NoteError("key-name", expected="characters without space, plus and control", found=name)


def _split_key(text: str) -> tuple[str, str, bytes]:
    parts = text.split("+", 2)  # base64 may hold further plus signs
    key = decode_base64(parts[2]) if len(parts) == 3 else None
    if not key:
        # The text is not quoted: it may be half of somebody's secret.
        raise NoteError("key-format", expected="name+hex8+base64")
    return parts[0], parts[1], key


def _join_key(name: str, key_id: bytes, algorithm: int, key: bytes) -> str:
    return f"{name}+{key_id.hex()}+{encode_base64(bytes([algorithm]) + key)}"


def _check_key_id(verifier: Verifier, found: str) -> None:
    # Else a vkey could carry the ID of another key and claim or hide that key's signatures.
    if found != verifier.key_id.hex():
        raise NoteError("key-id-mismatch", name=verifier.name, expected=verifier.key_id.hex(), found=found)


def _check_algorithm(algorithm: int) -> None:
    if algorithm not in _PUBLIC_KEY_SIZES:
        known = [f"0x{algorithm:02x}" for algorithm in _PUBLIC_KEY_SIZES]
        raise NoteError("unknown-algorithm", expected=known, found=f"0x{algorithm:02x}")


def _supported(algorithm: int) -> bool:
    if algorithm != COSIGNATURE_ML_DSA_44:
        return True
    if mldsa is None:
        return False
    try:
        mldsa.MLDSA44PublicKey.from_public_bytes(bytes(_PUBLIC_KEY_SIZES[COSIGNATURE_ML_DSA_44]))
    except UnsupportedAlgorithm:
        return False
    return True
