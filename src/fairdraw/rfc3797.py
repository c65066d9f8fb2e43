"""The selection of RFC 3797, "Publicly Verifiable Nominations Committee (NomCom) Random Selection".

No draw of ours is made by it: MD5 and a remainder are no model for a new design. It is here because `events` writes
numbers in its form (§4), and so that the RFC's own example and selections that others have published can be run again.
"""

import hashlib
from collections.abc import Iterable, Sequence


def numbers_text(numbers: Iterable[int]) -> str:
    """Return numbers as RFC 3797 §4 writes them: each in decimal without leading zeros, followed by a dot.

    They stand in the order given: whoever draws a set of numbers sorts them first.
    """
    return "".join(f"{number}." for number in numbers)


def key_text(sources: Iterable[Sequence[int]]) -> str:
    """Return the key string of several sources: each one's numbers in ascending order, then a slash (RFC 3797 §4.2)."""
    return "".join(f"{numbers_text(sorted(numbers))}/" for numbers in sources)


def select(key: str, pool: int, count: int) -> tuple[int, ...]:
    """Return `count` different numbers of 1 to `pool`, in the order in which RFC 3797 §5 chooses them.

    Asking for more than there are is a programmer's error.
    """
    left, told = list(range(1, pool + 1)), []
    for index in range(count):
        # D = MD5( u16be(i) ‖ key ‖ u16be(i) ), i from 0; the choice is D modulo the number still in the pool
        counter = index.to_bytes(2, "big")
        digest = hashlib.md5(counter + key.encode() + counter, usedforsecurity=False).digest()
        told.append(left.pop(int.from_bytes(digest, "big") % len(left)))
    return tuple(told)
