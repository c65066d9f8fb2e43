"""Key files: plain, encrypted with a passphrase, or naming a key in a token. docs/keys.md.

All three have the same name, so that one rename changes the kind of a key, and a crash leaves the old file or the new
one. A plain file is one line of C2SP signed-note; an encrypted one is an age file with a passphrase, in ASCII armour,
which `age -d` opens without this program; a hardware one names module, token and label, and pins the public key.
"""

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

from fairdraw.errors import WorkspaceError
from fairdraw_cli import agefile, keyring
from fairdraw_cli.agefile import MAX_WORK, Sealed
from fairdraw_cli.files import PRIVATE, create_private, read, write
from transparency_log.errors import NoteError
from transparency_log.note import ED25519, Signature, Signer, SigningKey, Verifier, sign_text

Kind = Literal["plain", "encrypted", "hardware"]
HARDWARE: Final = b"[pkcs11]"

_opened: dict[bytes, SigningKey] = {}  # by the hash of the file's bytes
_phrases: dict[bytes, str] = {}  # by the same, of encrypted ones


def forget() -> None:
    """Forget every key that was opened, and what opened it."""
    _opened.clear()
    _phrases.clear()
    keyring.forget()


def kind_of(data: bytes) -> Kind:
    """Return how the key in a file's bytes is kept."""
    if agefile.is_encrypted(data):
        return "encrypted"
    return "hardware" if data.startswith(HARDWARE) else "plain"


def open_key(path: Path) -> SigningKey:
    """Return the key in a file, asking for what opens it.

    Raises:
        WorkspaceError: `key-file-open`, `wrong-passphrase`, or of a hardware key what is wrong with its token.
        NoteError: there is no key in it; nothing of it is quoted.
    """
    data = read(path)
    mark = sha256(data).digest()
    kind = kind_of(data)
    check_mode(path, kind)
    if mark not in _opened:
        _opened[mark] = _open(path, data, kind)
    return _opened[mark]


def _open(path: Path, data: bytes, kind: Kind) -> SigningKey:
    if kind == "hardware":
        from fairdraw_cli.hardware import read_hardware_key

        return read_hardware_key(path, data)
    return Signer.parse((decrypted(path, data) if kind == "encrypted" else data).decode("utf-8", "replace"))


def check_mode(path: Path, kind: Kind) -> None:
    """Refuse a plain key that others may read, as ssh does, and any that others may change.

    Who copies a plain key signs in its holder's name. Who writes another into its file has the holder ask it for a PIN
    or a passphrase.

    Raises:
        WorkspaceError: `key-file-open`.
    """
    others = 0o077 if kind == "plain" else 0o022
    if path.stat().st_mode & others and not keyring.is_credential(path):
        raise WorkspaceError("key-file-open", found=str(path), expected=f"chmod 600 {path}")


def phrase_of(path: Path) -> str | None:
    """Return the passphrase that opened a file, None of one that is not encrypted: what follows it gets the same."""
    data = read(path)
    return _phrases[sha256(data).digest()] if kind_of(data) == "encrypted" else None


@dataclass(frozen=True)
class LockedKey:
    """A key that asks for a passphrase or PIN, its public half known from elsewhere: opened when it has to sign."""

    path: Path
    verifier: Verifier

    @property
    def name(self) -> str:
        """The name of its lines."""
        return self.verifier.name

    @property
    def algorithm(self) -> int:
        """0x01 or 0x06."""
        return self.verifier.algorithm

    def open(self) -> SigningKey:
        """Return the key itself."""
        key = open_key(self.path)
        check_same(self.path, key, self.verifier)
        return key

    def sign(self, text: str) -> Signature:
        """Sign a note's text."""
        return sign_text(self, text)

    def sign_bytes(self, message: bytes) -> bytes:
        """Return the raw signature over `message`."""
        return self.open().sign_bytes(message)


def unlock(key: SigningKey) -> None:
    """Open a key now, before anything else is done, if it was left for later."""
    if isinstance(key, LockedKey):
        key.open()


def known_key(path: Path, verifier: Verifier) -> SigningKey:
    """Return the key in a file whose public half is known; one that asks for something is opened when it has to sign.

    Raises:
        WorkspaceError: `key-of-another`: somebody put another file in its place.
    """
    if kind_of(read(path)) != "plain":
        return LockedKey(path, verifier)
    key = open_key(path)
    check_same(path, key, verifier)
    return key


def check_same(path: Path, key: SigningKey, verifier: Verifier) -> None:
    """Refuse a key that is not the one that readers know.

    Raises:
        WorkspaceError: `key-of-another`.
    """
    if key.verifier != verifier:
        raise WorkspaceError("key-of-another", file=str(path), expected=verifier.vkey, found=key.verifier.vkey)


def decrypted(path: Path, data: bytes) -> bytes:
    """Return what an encrypted file holds.

    Raises:
        WorkspaceError: `wrong-passphrase`, `passphrase-needed` or `not-a-passphrase-file`.
    """
    sealed = Sealed.parse(data)
    if sealed is None or sealed.work > MAX_WORK:
        found = "" if sealed is None else sealed.work
        raise WorkspaceError("not-a-passphrase-file", file=str(path), expected=MAX_WORK, found=found)
    for phrase in keyring.passphrases(path):
        plain = sealed.open(phrase)
        if plain is not None:
            keyring.remember(phrase)
            _phrases[sha256(data).digest()] = phrase
            return plain
    raise WorkspaceError("wrong-passphrase", found=str(path))


def make_key(path: Path, name: str, algorithm: int = ED25519, *, phrase: str | None = None) -> Signer:
    """Make a key and its file, as `store_key` writes it.

    Raises:
        WorkspaceError: `file-exists`.
    """
    signer = Signer.from_seed(name, os.urandom(32), algorithm)
    store_key(path, signer, phrase=phrase)
    return signer


def store_key(path: Path, signer: Signer, *, phrase: str | None = None) -> None:
    """Write a key's file, which must not be there yet; with a passphrase it is encrypted from the first byte on.

    Raises:
        WorkspaceError: `file-exists`.
    """
    plain = f"{signer.format()}\n".encode()
    create_private(path, plain if phrase is None else agefile.encrypt(plain, phrase))


def place_key(path: Path, given: Path, *, phrase: str | None = None) -> SigningKey:
    """Copy the file of a key that is there already; with a passphrase a plain one is encrypted.

    Raises:
        WorkspaceError: `file-exists`, or why the key does not open.
    """
    key = open_key(given)
    if phrase is not None and isinstance(key, Signer) and kind_of(read(given)) == "plain":
        store_key(path, key, phrase=phrase)
    else:
        create_private(path, read(given))
    return key


def encrypt_file(path: Path) -> None:
    """Encrypt a plain key file in its place, in one rename, once what replaces it has been opened.

    Raises:
        WorkspaceError: `key-not-plain`, `encryption-failed`, or of the passphrase.
        NoteError: there is no key in it.
    """
    path = path.resolve()  # else a link would be encrypted, and the key behind it stay as it is
    data = read(path)
    if kind_of(data) != "plain":
        raise WorkspaceError("key-not-plain", found=str(path))
    Signer.parse(data.decode("utf-8", "replace"))  # a file that is no key must not become one that nobody can look into
    phrase = keyring.new_passphrase(path)
    closed = agefile.encrypt(data, phrase)
    sealed = Sealed.parse(closed)
    if sealed is None or sealed.open(phrase) != data:
        raise WorkspaceError("encryption-failed", found=str(path))
    write(path, closed, mode=PRIVATE)


def decrypt_file(path: Path) -> None:
    """Put the plain key in the place of an encrypted one.

    Raises:
        WorkspaceError: `key-not-encrypted`, or `wrong-passphrase`.
    """
    path = path.resolve()
    data = read(path)
    if kind_of(data) != "encrypted":
        raise WorkspaceError("key-not-encrypted", found=str(path))
    plain = decrypted(path, data)
    Signer.parse(plain.decode("utf-8", "replace"))
    write(path, plain, mode=PRIVATE)


def told_verifier(path: Path) -> Verifier | None:
    """Return the public half of a key file as far as it shows without asking for anything: None of an encrypted one."""
    data = read(path)
    match kind_of(data):
        case "encrypted":
            return None
        case "hardware":
            from fairdraw_cli.hardware import read_place

            return read_place(path, data).verifier
        case _:
            try:
                return Signer.parse(data.decode("utf-8", "replace")).verifier
            except NoteError as error:
                raise error.at(str(path)) from None
