"""Salts, leaves and seals of rows, and the lines of a roster that carry them: specs/snapshot.md §2 and §3.

Here one row is turned into bytes; which rows there are, and how they become a snapshot, is settled in `snapshot` and in
`bulk`. What does not change from row to row is hashed or written once.
"""

import hmac
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from fairdraw.encoding import quote
from transparency_log.merkle import EMPTY_ROOT, leaf_hash, node_hash

SECRET_LENGTH: Final = 32
FIELD_LABEL: Final = "fairdraw/v1/field"
SALT_LABEL: Final = "fairdraw/v1/salt"

SALT_PREFIX: Final = f"{SALT_LABEL}\n".encode()
LEAF_PREFIX: Final = f'["{FIELD_LABEL}","'.encode()
ROSTER_PARTS: Final = (b'{"attrs":', b',"no":"', b'","seal":"', b'"}')

_LEAF: Final = sha256(b"\0" + LEAF_PREFIX).copy
_BLOCK: Final = 64


def hmac_pads(secret: bytes) -> tuple[bytes, bytes]:
    """Return the first blocks of HMAC-SHA256's inner and outer hash under a secret of 32 bytes, RFC 2104 §2."""
    key = secret.ljust(_BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in key), bytes(byte ^ 0x5C for byte in key)


def field_parts(field: str) -> tuple[bytes, bytes]:
    """Return what follows the number in the message of a field's salt, and what parts it from the value in its leaf."""
    return f"\n{field}\n".encode(), f'","{field}","'.encode()


def escaped(text: str) -> str:
    """Return the inside of the canonical JSON of a text that `encoding.check_text` has passed, RFC 8785 §3.2.2.2."""
    return text if '"' not in text and "\\" not in text else quote(text)[1:-1]


class Sealer:
    """Seals rows under the secret of one snapshot, whose private fields are `fields`, in schema order."""

    __slots__ = ("_fields", "_inner", "_outer")

    def __init__(self, secret: bytes, fields: Iterable[str]) -> None:
        # The two states of HMAC after their pads: of each salt only its own blocks are left to hash.
        inner, outer = hmac_pads(secret)
        self._inner, self._outer = sha256(inner + SALT_PREFIX).copy, sha256(outer).copy
        self._fields = [(after, between.decode()) for after, between in map(field_parts, fields)]

    def leaves(self, no: str, values: Sequence[str]) -> list[bytes]:
        """Return the leaf hashes of a row's private values: one a field, so that a name opens without the telephone."""
        number = no.encode()
        leaves = []
        for (after, between), value in zip(self._fields, values, strict=True):
            (inner := self._inner()).update(number + after)
            (outer := self._outer()).update(inner.digest())
            (leaf := _LEAF()).update(f'{no}{between}{escaped(value)}","{outer.hexdigest()}"]'.encode())
            leaves.append(leaf.digest())
        return leaves

    def seal(self, no: str, values: Sequence[str]) -> str:
        """Return the seal of a row, as hex."""
        return _root(self.leaves(no, values)).hex()


def _root(leaves: list[bytes]) -> bytes:
    """Return MTH of a few leaves as RFC 6962 §2.1 defines it: quicker than `merkle.root`, which is made for many."""
    count = len(leaves)
    if count <= 2:
        return node_hash(*leaves) if count == 2 else leaves[0] if leaves else EMPTY_ROOT
    split = 1 << (count - 1).bit_length() - 1
    return node_hash(_root(leaves[:split]), _root(leaves[split:]))


def salt(secret: bytes, no: str, field: str) -> bytes:
    """Return the 32-byte salt of a field."""
    return hmac.digest(secret, SALT_PREFIX + no.encode() + field_parts(field)[0], "sha256")


def field_leaf(no: str, field: str, value: str, field_salt: bytes) -> bytes:
    """Return the leaf hash of a private field, whoever made the salt."""
    return leaf_hash(f'["{FIELD_LABEL}",{quote(no)},{quote(field)},{quote(value)},"{field_salt.hex()}"]'.encode())


def roster_line(attrs: bytes, no: str, seal: str) -> bytes:
    """Return a roster's line, without LF; `attrs` is the canonical JSON of the attributes.

    A number needs no escapes.
    """
    return b'{"attrs":%b,"no":"%b","seal":"%b"}' % (attrs, no.encode(), seal.encode())


def private_line(no: str, values: Iterable[str]) -> bytes:
    """Return the line, without LF, that keeps a row's private values in the bureau's own folder, canonical JSON."""
    return f'{{"no":"{no}","private":[{",".join(map(quote, values))}]}}'.encode()
