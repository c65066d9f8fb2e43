"""What records, slips and pages are made of: sections of facts, tables, sentences and commands, without words."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Final

from fairdraw.randomness import names_artifact
from fairdraw.tickets import KeyMaterial
from fairdraw.values import PulseValue

FINGERPRINT_DIGITS: Final = 20  # 2^66: for eyes and mistakes; 16 digits were forged in 136 s (attack 43)
DECIMAL_DIGITS: Final = 78  # of 2^256 - 1
CHINA: Final = timezone(timedelta(hours=8))


def fingerprint(text_hash: str) -> str:
    """Return a text hash's first 20 digits, in groups of four, when it is written as a decimal number of 78 digits."""
    digits = f"{int(text_hash, 16):0{DECIMAL_DIGITS}d}"[:FINGERPRINT_DIGITS]
    return " ".join(digits[at : at + 4] for at in range(0, FINGERPRINT_DIGITS, 4))


def local_time(seconds: int) -> str:
    """Return POSIX seconds as China's clock shows them, with the offset."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S +08:00")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence of a catalogue, by section and code, with its parameters."""

    section: str
    code: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command:
    """A line to be pasted into a shell, what it computes (a code), and what it must print: 64 hex digits."""

    code: str
    line: str
    prints: str


Shown = str | Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the sheet: labelled facts, a table, commands and sentences; labels and headers are codes."""

    code: str
    facts: tuple[tuple[str, Shown], ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple[Shown, ...], ...] = ()
    notes: tuple[Phrase, ...] = ()
    commands: tuple[Command, ...] = ()


def named(values: Iterable[object]) -> Shown:
    """Return what a stratum is called: its attributes' values."""
    told = " / ".join("—" if value is None else str(value) for value in values)
    return told or Phrase("sheet", "whole")


def randomness(signature: str) -> str:
    """Return what a drand pulse gives, of which its signature is the proof (specs/beacon.md §5)."""
    return sha256(bytes.fromhex(signature)).hexdigest()


def _printed(lines: Sequence[str]) -> str:
    # A key's name may hold anything but spaces: quoted, it cannot become a command of whoever pastes the line.
    return f"printf '%s\\n' {' '.join(shlex.quote(line) for line in lines)} | sha256sum"


def by_hand(pulses: Iterable[PulseValue], material: KeyMaterial, first: tuple[str, str] | None) -> tuple[Command, ...]:
    """Return the lines with which a shell alone makes randomness, key and a ticket again.

    `first` is a drawn object with its ticket in hex, None where none was drawn.
    """
    commands = [
        # The signature is bytes, not text; coreutils' printf knows \x in every shell.
        Command(
            "by-hand-pulse",
            f"env printf \"$(echo {pulse.signature} | sed 's/../\\\\x&/g')\" | sha256sum",
            randomness(pulse.signature),
        )
        for pulse in pulses
        if not names_artifact(pulse)
    ]
    key = material.key().hex()
    commands.append(Command("by-hand-key", _printed(material.lines()), key))
    if first is not None:
        commands.append(Command("by-hand-ticket", _printed((key, "object", first[0])), first[1]))
    return tuple(commands)
