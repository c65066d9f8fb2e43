"""What one chunk of a registry file becomes: the seam between reading, sealing, sorting and looking for repeats.

A row's seal and roster line do not depend on the rows around it. So a chunk is sealed as it is read, and whatever comes
after moves finished lines.
"""

from array import array
from collections import Counter
from dataclasses import dataclass
from typing import Final

from fairdraw.bulk.strings import Strings
from fairdraw.registry.problems import Problem

KEY_LENGTH: Final = 16  # bytes; two values that differ meet by chance in one of 2^74 registries of 10^8 rows


@dataclass(frozen=True, slots=True)
class Keys:
    """Values that may not recur: of each `KEY_LENGTH` bytes of its SHA-256, and the line on which its row begins.

    A number is hashed case folded, a key of assigned numbers and an identity as the canonical JSON array of its values.
    """

    hashes: bytes
    at: "array[int]"


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of one chunk; the good ones are sorted by number, bytewise.

    numbers   of the good rows, ASCII
    at        the line of each in the input: unique, so that it tells rows apart (array of `Q`)
    roster    their lines in the roster, with LF
    leaves    the leaf hashes of these lines, 32 bytes each, of the line without LF
    private   the lines that keep their private values, with LF; None where they are not kept
    keys      first the numbers (of bad rows, too, where they can be read), or the keys where numbers are assigned; then
              the map's identities in its order, of rows whose cells and number are good. By line
    groups    canonical attributes → how many good rows have them
    problems  what is wrong with rows by themselves, by line
    rows      how many rows were looked at, good and bad
    """

    numbers: Strings
    at: "array[int]"
    roster: Strings
    leaves: bytes
    private: Strings | None
    keys: tuple[Keys, ...]
    groups: Counter[bytes]
    problems: tuple[Problem, ...]
    rows: int
