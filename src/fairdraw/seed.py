"""Committed seeds and embargo keys: specs/seed.md.

The labels name the slot and the contributor, so that a commitment can be neither copied by another contributor nor
carried to another draw (attack 11).
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from fairdraw.errors import SeedError
from fairdraw.schema import Commitment, Committed, Reveal
from fairdraw.statement import Entry

SEED_LENGTH: Final = 32
MISSING: Final = "-"


def _hex(secret: bytes) -> str:
    # Six dice can be tried out in no time; 32 random bytes cannot.
    if len(secret) != SEED_LENGTH:
        raise SeedError("seed-length", expected=SEED_LENGTH, found=len(secret))
    return secret.hex()


def commitment(slot: str, name: str, seed: bytes) -> str:
    """Return the 64 hex digits of a contributor's commitment.

    Raises:
        SeedError: `seed-length`: a seed is exactly 32 bytes.
    """
    return sha256(f"fairdraw/v1/commitment\n{slot}\n{name}\n{_hex(seed)}\n".encode()).hexdigest()


def embargo_commitment(first_slot: str, embargo: bytes) -> str:
    """Return the 64 hex digits by which an announcement commits to its embargo key.

    Raises:
        SeedError: `seed-length`: an embargo key is exactly 32 bytes.
    """
    return sha256(f"fairdraw/v1/embargo\n{first_slot}\n{_hex(embargo)}\n".encode()).hexdigest()


def seed_lines(
    rule: Committed, *, commitments: Sequence[Entry], reveals: Sequence[Entry | None]
) -> tuple[tuple[str, str], ...]:
    """Return (key name, 64 hex or "-") of each contributor, as the draw's key takes them.

    `commitments` and `reveals` stand in announced order, None where a reveal does not count.

    Raises:
        SeedError: a reveal does not open its commitment, too few were revealed, or an indispensable one is missing.
    """
    told = []
    for contributor, committed, reveal in zip(rule.contributors, commitments, reveals, strict=True):
        if reveal is None:
            if contributor.required:
                raise SeedError("required-seed-missing", name=contributor.name)
            told.append((contributor.name, MISSING))
            continue
        value = reveal.of(Reveal)
        if value.by != contributor.name or value.commitment.text != committed.text_hash:
            raise SeedError("reveal-of-another", expected=contributor.name, found=value.by)
        promise = committed.of(Commitment)
        if commitment(promise.slot, contributor.name, bytes.fromhex(value.seed)) != promise.commitment:
            raise SeedError("reveal-does-not-open", name=contributor.name)
        told.append((contributor.name, value.seed))
    if (count := sum(value != MISSING for _, value in told)) < rule.minimum:
        raise SeedError("too-few-reveals", expected=rule.minimum, found=count)
    return tuple(told)
