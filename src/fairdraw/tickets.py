"""The key of a draw and the tickets it gives: specs/tickets.md.

A ticket is one SHA-256 that a citizen repeats with `printf … | sha256sum`. Nothing here depends on the order of a list,
and there is no stream, shuffle or modulo whose bias or library version could matter.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from heapq import nsmallest
from typing import Final

KEY_LABEL: Final = "fairdraw/v1/key"


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


def ticketer(key: bytes, purpose: str) -> Callable[..., bytes]:
    r"""Return the function that gives the 32-byte ticket of a purpose's fields.

    ticket = SHA-256(hex(key) + "\n" + purpose + "\n" + field + "\n" …). The hex key is exactly one SHA-256 block, so
    its state is computed once and copied.
    """
    head = sha256(f"{key.hex()}\n{purpose}\n".encode())

    def ticket(*fields: str | int) -> bytes:
        state = head.copy()
        state.update(("\n".join(map(str, fields)) + "\n").encode())
        return state.digest()

    return ticket


def ticket(key: bytes, purpose: str, *fields: str | int) -> bytes:
    """Return one ticket; `ticketer` is for many."""
    return ticketer(key, purpose)(*fields)


def smallest(key: bytes, purpose: str, numbers: Iterable[str], count: int) -> list[tuple[bytes, str]]:
    """Return the `count` smallest (ticket, number) pairs, in order; ties fall to the smaller number."""
    head = sha256(f"{key.hex()}\n{purpose}\n".encode())

    def pairs() -> Iterator[tuple[bytes, str]]:
        for no in numbers:
            state = head.copy()
            state.update(f"{no}\n".encode())
            yield state.digest(), no

    return nsmallest(count, pairs())
