"""A slip in codes on paper: the file's bytes as decimal digits, in one part or several. specs/slip.md §6.

A slip is hashes and signatures written in hex and base64, often one within the other. Taken back to bytes they compress
as far as they can, and digits are what a QR code holds best. What is decoded is the file itself, byte for byte, and is
judged like any other file: nothing here is believed.
"""

import re
import zlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from fairdraw import encoding
from fairdraw.errors import BundleError, EncodingError

MAX_PARTS: Final = 9
HEADER: Final = 7  # digits before a part's own: its number, the count, the tag
MAX_DIGITS: Final = 1 << 16
MAX_TEXT: Final = 1 << 16  # bytes: a code of some kilobytes must not unfold into gigabytes
MAX_FILE: Final = 1 << 18
MAX_DEPTH: Final = 4

HEX, BASE64, OPEN, CLOSE = 1, 2, 3, 4
MAX_RUN: Final = 255  # bytes behind HEX or BASE64
GROUP: Final = 7  # bytes
DIGITS: Final = (0, 3, 5, 8, 10, 13, 15, 17)  # how many hold so many bytes
_WRITTEN: Final = re.compile(rb"(?<![0-9a-f])(?P<hex>(?:[0-9a-f]{2}){16,255})(?![0-9a-f])|[A-Za-z0-9+/]{24,}={0,2}")
_SCANNED: Final = re.compile(r"#(z=[0-9]+)", re.ASCII)
_PART: Final = re.compile(r"z=([1-9])([1-9])([0-9]{5})([0-9]+)", re.ASCII)


def _bad(reason: str) -> BundleError:
    return BundleError("bad-slip-code", reason=reason)


def encode(file: bytes, count: int = 1) -> tuple[str, ...]:
    """Return a slip file in so many parts, each as it stands behind the `#` of a link.

    Canonical JSON has no control characters, so that the marks cannot be mistaken for text.
    """
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return parts_of(packer.compress(_pack(file)) + packer.flush(), count)


def parts_of(data: bytes, count: int) -> tuple[str, ...]:
    """Return the parts that hold a deflate stream."""
    digits = "".join(_digits(data[at : at + GROUP]) for at in range(0, len(data), GROUP))
    length = -(-len(digits) // count)
    parts = [digits[at * length : (at + 1) * length] for at in range(count)]
    return tuple(f"z={number}{count}{_tag(data)}{part}" for number, part in enumerate(parts, 1))


def decode(parts: Iterable[str]) -> bytes:
    """Return the file whose parts these are, in any order.

    Raises:
        BundleError: `bad-slip-code` with the reason: what a camera misread, or somebody made up.
    """
    tag, digits = _joined(list(parts))
    if len(digits) > MAX_DIGITS:
        raise _bad("too-large")
    data = b"".join(_bytes(digits[at : at + DIGITS[GROUP]]) for at in range(0, len(digits), DIGITS[GROUP]))
    if _tag(data) != tag:
        raise _bad("tag")
    return _unpack(_inflate(data))


def parts_in(text: str) -> tuple[str, ...]:
    """Return the parts in what a scanner wrote, whatever stands around them; one that was read twice counts once."""
    return tuple(dict.fromkeys(_SCANNED.findall(text)))


def _joined(parts: Sequence[str]) -> tuple[str, str]:
    """Return the tag and all digits of parts that belong together and of which none is missing."""
    found = [match.groups() for part in parts if (match := _PART.fullmatch(part))]
    digits = {int(number): part for number, _, _, part in found}
    of = {(int(count), tag) for _, count, tag, _ in found}
    if len(found) < len(parts) or len(digits) < len(parts) or len(of) != 1:
        raise _bad("part")
    [(count, tag)] = of
    if sorted(digits) != list(range(1, count + 1)):
        raise _bad("part")
    return tag, "".join(digits[number] for number in sorted(digits))


def _tag(data: bytes) -> str:
    """Return what the parts of a slip have in common. It is against mistakes: a forger makes what tag he likes."""
    return _digits(sha256(data).digest()[:2])


def _digits(group: bytes) -> str:
    return f"{int.from_bytes(group, 'big'):0{DIGITS[len(group)]}d}"


def _bytes(group: str) -> bytes:
    length = DIGITS.index(len(group)) if len(group) in DIGITS else 0
    if not length or int(group) >> 8 * length:
        raise _bad("digits")
    return int(group).to_bytes(length, "big")


def _pack(data: bytes, depth: int = 0) -> bytes:
    """Return bytes with what is written in hex and base64 in them taken back to bytes."""

    def short(found: re.Match[bytes]) -> bytes:
        text = found[0].decode()
        if found["hex"]:
            return bytes([HEX, len(text) // 2]) + bytes.fromhex(text)
        try:
            inside = encoding.from_base64(text)
        except EncodingError:
            return found[0]
        if depth < MAX_DEPTH and min(inside) > CLOSE:
            return bytes([OPEN]) + _pack(inside, depth + 1) + bytes([CLOSE])
        return bytes([BASE64, len(inside)]) + inside if len(inside) <= MAX_RUN else found[0]

    return _WRITTEN.sub(short, data)


def _inflate(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        text = unpacker.decompress(data, MAX_TEXT + 1)
    except zlib.error:
        raise _bad("deflate") from None
    if len(text) > MAX_TEXT:
        raise _bad("too-large")
    if not unpacker.eof or unpacker.unused_data:
        raise _bad("deflate")
    return text


def _unpack(text: bytes) -> bytes:
    """Return the bytes that a packed text stands for; what is open lies on a stack, of which the file is the floor."""
    stack = [bytearray()]
    at = 0
    while at < len(text):
        mark = text[at]
        at += 1
        if mark > CLOSE:
            stack[-1].append(mark)
        elif mark in {HEX, BASE64}:
            length = text[at] if at < len(text) else 0
            run = text[at + 1 : at + 1 + length]
            if not length or len(run) < length:
                raise _bad("text")
            stack[-1] += run.hex().encode() if mark == HEX else b64encode(run)
            at += 1 + length
        elif mark == OPEN and len(stack) <= MAX_DEPTH:
            stack.append(bytearray())
        elif mark == CLOSE and len(stack) > 1:
            inside = stack.pop()
            stack[-1] += b64encode(inside)
        else:
            raise _bad("text")
        if sum(map(len, stack)) > MAX_FILE:
            raise _bad("too-large")
    if len(stack) > 1:
        raise _bad("text")
    return bytes(stack[0])
