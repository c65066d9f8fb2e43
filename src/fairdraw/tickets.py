"""The key of a draw and the tickets it gives: specs/tickets.md.

A ticket is one SHA-256 that a citizen repeats with `printf … | sha256sum`. Nothing here depends on the order of a list,
and there is no stream, shuffle or modulo whose bias or library version could matter.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from hashlib import sha256
from math import isqrt
from typing import Final

KEY_LABEL: Final = "fairdraw/v1/key"
_LARGEST: Final = b"\xff" * 32


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMaterial:
    """Everything a draw's key is made of, in the order of specs/tickets.md §1.

    Attributes:
        statement: "announcement" or "substitution-call".
        text: the statement's text hash, 64 hex.
        seeds: (key name, 64 hex or "-") of each committed contributor, in announced order.
        pulses: (chain hash, round, 64 hex of randomness) of each source, in announced order.
        embargo: 64 hex, or None where disclosure is at once.
    """

    statement: str
    text: str
    seeds: tuple[tuple[str, str], ...]
    pulses: tuple[tuple[str, int, str], ...]
    embargo: str | None

    def lines(self) -> tuple[str, ...]:
        """Return the labelled lines that are hashed, without newlines."""
        # Labels and newlines keep fields apart: a dropped seed cannot move the rest up, nor two fields run together.
        told = [KEY_LABEL, f"{self.statement} {self.text}"]
        told += [f"seed {name} {value}" for name, value in self.seeds]
        told += [f"pulse {chain} {number} {randomness}" for chain, number, randomness in self.pulses]
        if self.embargo is not None:
            told.append(f"embargo {self.embargo}")
        return tuple(told)

    def key(self) -> bytes:
        """Return the 32-byte key: SHA-256 of the lines, each ended by a newline."""
        return sha256("".join(line + "\n" for line in self.lines()).encode()).digest()


def head(key: bytes, purpose: str) -> bytes:
    """Return what all tickets of a purpose begin with; the hex key is exactly one SHA-256 block."""
    return f"{key.hex()}\n{purpose}\n".encode()


def ticketer(key: bytes, purpose: str) -> Callable[..., bytes]:
    r"""Return the function that gives the 32-byte ticket of a purpose's fields.

    ticket = SHA-256(hex(key) + "\n" + purpose + "\n" + field + "\n" …). The state after the
    beginning, which is the same for all, is computed once and copied.
    """
    start = sha256(head(key, purpose))

    def ticket(*fields: str | int) -> bytes:
        state = start.copy()
        state.update(("\n".join(map(str, fields)) + "\n").encode())
        return state.digest()

    return ticket


def ticket(key: bytes, purpose: str, *fields: str | int) -> bytes:
    """Return one ticket; `ticketer` is for many."""
    return ticketer(key, purpose)(*fields)


def bound(count: int, size: int, spare: int) -> bytes:
    """Return the largest ticket with which a row is looked at where the `count` smallest of `size` are wanted.

    `count` and `spare` times eight standard deviations more are expected to be below, so that one look is as good as
    always enough. Whether it was is counted: a bound that fewer pass is raised, and changes nothing but time.
    """
    expected = count + spare * (8 * isqrt(count) + 16)
    if expected >= size:
        return _LARGEST
    return ((expected << 64) // size).to_bytes(8, "big") + _LARGEST[8:]


def smallest(key: bytes, purpose: str, numbers: Collection[str], count: int) -> list[tuple[bytes, str]]:
    """Return the `count` smallest (ticket, number) pairs, in order; ties fall to the smaller number."""
    copy = sha256(f"{key.hex()}\n{purpose}\n".encode()).copy
    count, spare = min(count, len(numbers)), 1
    found: list[tuple[bytes, str]] = []
    while len(found) < count:
        found, limit = [], bound(count, len(numbers), spare)
        for no in numbers:
            (state := copy()).update(f"{no}\n".encode())
            if (told := state.digest()) <= limit:
                found.append((told, no))
        spare *= 8
    return sorted(found)[:count]
