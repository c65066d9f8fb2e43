"""age files with a passphrase, in ASCII armour: `age -d` opens them, and they open what `age -p` makes. docs/keys.md.

Of age-encryption.org/v1 this is as much as a key needs: one scrypt stanza, one chunk. The work is what `age` asks for,
on every machine the same: a library that measures its machine calls a right passphrase wrong where the machine is busy.
"""

import base64
import hmac
import os
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

ARMOUR: Final = b"-----BEGIN AGE ENCRYPTED FILE-----\n"
END: Final = b"-----END AGE ENCRYPTED FILE-----\n"
VERSION: Final = b"age-encryption.org/v1\n"
WORK: Final = 18  # 2^18 KiB of memory, a second or less
MAX_WORK: Final = 22  # age's own limit: a file says how much work it is, and must not take all of the memory

_CHUNK: Final = 1 << 16  # bytes: no key is longer
_FILE_KEY, _NONCE, _TAG = 16, 16, 16
_FILLED = _NONCE + _TAG  # a payload with nothing in it
_LAST: Final = bytes(11) + b"\x01"  # the nonce of a first chunk that is the last one, too
_HEADER: Final = re.compile(
    VERSION + rb"-> scrypt ([A-Za-z0-9+/]{22}) ([1-9][0-9]?)\n([A-Za-z0-9+/]{43})\n---(?= ([A-Za-z0-9+/]{43})\n)"
)


def is_encrypted(data: bytes) -> bool:
    """Say whether a file begins as one of age, in armour or not."""
    return data.startswith((ARMOUR.rstrip(), VERSION))


@dataclass(frozen=True)
class Sealed:
    """An encrypted file that was read and not opened."""

    header: bytes  # up to and with the dashes, which is what the MAC covers
    salt: bytes
    work: int
    wrapped: bytes
    mac: bytes
    payload: bytes

    @classmethod
    def parse(cls, data: bytes) -> Self | None:
        """Return the file in some bytes, None if it is none that one passphrase opens."""
        binary = _from_armour(data)
        found = _HEADER.match(binary)
        if found is None:
            return None
        work, payload = int(found[2]), binary[found.end() + len(found[4]) + 2 :]
        salt, wrapped, mac = (_from_base64(found[at]) for at in (1, 3, 4))
        if salt is None or wrapped is None or mac is None or not _FILLED < len(payload) <= _FILLED + _CHUNK:
            return None
        return cls(found[0], salt, work, wrapped, mac, payload)

    def open(self, phrase: str) -> bytes | None:
        """Return what is in the file, None if the passphrase is another one or the file is damaged."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        wrapping = _stretched(phrase, self.salt, self.work)
        try:
            key = ChaCha20Poly1305(wrapping).decrypt(bytes(12), self.wrapped, None)
            if len(key) != _FILE_KEY or not hmac.compare_digest(_mac(key, self.header), self.mac):
                return None
            return ChaCha20Poly1305(_derived(key, self.payload[:_NONCE], b"payload")).decrypt(
                _LAST, self.payload[_NONCE:], None
            )
        except InvalidTag:
            return None


def encrypt(plain: bytes, phrase: str) -> bytes:
    """Return an armoured file with at most 64 KiB in it, which opens with a passphrase."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    if not 0 < len(plain) <= _CHUNK:
        raise ValueError(len(plain))
    key, salt, nonce = os.urandom(_FILE_KEY), os.urandom(16), os.urandom(_NONCE)
    wrapped = ChaCha20Poly1305(_stretched(phrase, salt, WORK)).encrypt(bytes(12), key, None)
    header = VERSION + b"-> scrypt %b %d\n%b\n---" % (_to_base64(salt), WORK, _to_base64(wrapped))
    chunk = ChaCha20Poly1305(_derived(key, nonce, b"payload")).encrypt(_LAST, plain, None)
    text = base64.b64encode(header + b" " + _to_base64(_mac(key, header)) + b"\n" + nonce + chunk)
    lines = (text[at : at + 64] + b"\n" for at in range(0, len(text), 64))
    return ARMOUR + b"".join(lines) + END


def _from_armour(data: bytes) -> bytes:
    if not data.startswith(ARMOUR.rstrip()):
        return data
    inside, end, _ = data.removeprefix(ARMOUR.rstrip()).partition(END.rstrip())
    try:
        return base64.b64decode(b"".join(inside.split()), validate=True) if end else b""
    except ValueError:
        return b""


def _to_base64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _from_base64(text: bytes) -> bytes | None:
    """Return the bytes that a text spells, None if it is not their one spelling: the last bits could be anything."""
    told = base64.b64decode(text + b"=" * (-len(text) % 4))
    return told if _to_base64(told) == text else None


def _stretched(phrase: str, salt: bytes, work: int) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(VERSION.rstrip() + b"/scrypt" + salt, 32, 1 << work, 8, 1).derive(phrase.encode())


def _derived(key: bytes, salt: bytes, info: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), 32, salt, info).derive(key)


def _mac(key: bytes, header: bytes) -> bytes:
    return hmac.digest(_derived(key, b"", b"header"), header, sha256)
