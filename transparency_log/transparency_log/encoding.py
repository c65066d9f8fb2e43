"""The two spellings that every C2SP text format shares: standard base64 and plain decimals.

Each value has one spelling here. A second one (other padding bits, a leading zero, an underscore, a
full-width digit) would let one signed thing appear in two disguises, so it is refused. Callers say which of
their lines was wrong: these functions answer None.
"""

import binascii
import re

MAX_INT = 2**63 - 1  # sizes, indices and timestamps: C2SP tlog-cosignature bounds them so, Go readers too

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")  # [0-9], because \d would take digits of other scripts


def decode_base64(text: str) -> bytes | None:
    """Return the bytes that `text` spells in padded standard base64 (RFC 4648 §4), None if it spells none."""
    try:
        decoded = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return None
    # RFC 4648 §3.5: the unused bits of the last digit are zero. Python would not mind.
    return decoded if encode_base64(decoded) == text else None


def encode_base64(data: bytes) -> str:
    """Return `data` in padded standard base64, without a newline."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def decode_decimal(text: str) -> int | None:
    """Return the integer, 0 to 2^63-1, that `text` spells without leading zeroes; None if it spells none."""
    if not _DECIMAL.fullmatch(text):
        return None
    number = int(text)
    return number if number <= MAX_INT else None
