"""What a follower remembers of a log between two rounds (`monitor`).

    log-follow/v1
    entries <decimal>               so many were read and were right, but for those of `again`
    cursor <decimal>                the bundle at which the next slice of old ones begins
    since <decimal>                 when a log of this size was seen first, POSIX seconds
    cosigned <decimal>              when a quorum saw it last, 0 if never
    again <decimal>...              bundles with something wrong: they are read again in every round
    withdrawn <64 hex>...           artifacts that need not be there any more
    notes <decimal>                 how many follow: a file that was cut short is not another memory

    <the newest checkpoint, with the log's signature only>

    <the note that the log ended, if there was one>

Who forgets it can be shown a fork. It holds nothing secret: two followers who compare their memories find out whether
the log showed both the same.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from transparency_log.checkpoint import Checkpoint, open_checkpoint
from transparency_log.errors import FollowError
from transparency_log.frozen import open_frozen
from transparency_log.note import Note, Verifier

_HEADER: Final = "log-follow/v1"
_HEAD: Final = re.compile(
    r"log-follow/v1\nentries (?P<entries>[0-9]{1,19})\ncursor (?P<cursor>[0-9]{1,19})\nsince (?P<since>[0-9]{1,19})\n"
    r"cosigned (?P<cosigned>[0-9]{1,19})\nagain(?P<again>(?: [0-9]{1,19})*)\n"
    r"withdrawn(?P<withdrawn>(?: [0-9a-f]{64})*)\nnotes (?P<notes>[12])"
)


@dataclass(frozen=True, slots=True)
class State:
    """The memory, all of whose notes are the log's."""

    checkpoint: Note
    entries: int = 0
    cursor: int = 0
    since: int = 0
    cosigned: int = 0
    again: tuple[int, ...] = ()
    withdrawn: tuple[str, ...] = ()
    frozen: Note | None = None

    @classmethod
    def parse(cls, data: bytes, log_verifier: Verifier, *, origin: str | None = None) -> Self:
        """Read a memory; its checkpoint must be one that the log's key signed.

        Raises:
            FollowError: `state-format`. A damaged memory is not forgotten: to begin anew is for its owner to decide.
            LogError: One of the notes is not the log's.
        """
        parts = data.split(b"\n\n")
        match = _HEAD.fullmatch(parts[0].decode("ascii", "replace"))
        if match is None or len(parts) != 1 + 2 * int(match["notes"]):
            raise FollowError("state-format", expected=_HEADER)
        note = b"\n\n".join(parts[1:3]) + (b"\n" if len(parts) == 5 else b"")
        signed = open_checkpoint(note, log_verifier, origin=origin)
        frozen = b"\n\n".join(parts[3:]) if len(parts) == 5 else None
        if frozen is not None:
            open_frozen(frozen, log_verifier, origin=origin)
        entries, cursor, since, cosigned = (int(match[name]) for name in ("entries", "cursor", "since", "cosigned"))
        told = cls(
            signed.note,
            entries,
            cursor,
            since,
            cosigned,
            tuple(map(int, match["again"].split())),
            tuple(match["withdrawn"].split()),
            None if frozen is None else Note.parse(frozen),
        )
        if told.format() != data or entries > signed.checkpoint.size:
            raise FollowError("state-format", expected=_HEADER)
        return told

    def format(self) -> bytes:
        """Return the bytes that `parse` reads back."""
        notes = [self.checkpoint, *([] if self.frozen is None else [self.frozen])]
        head = (
            f"{_HEADER}\nentries {self.entries}\ncursor {self.cursor}\nsince {self.since}\ncosigned {self.cosigned}\n"
            f"{' '.join(['again', *map(str, self.again)])}\n{' '.join(['withdrawn', *self.withdrawn])}\n"
            f"notes {len(notes)}\n"
        )
        return b"\n".join([head.encode("ascii"), *(note.format() for note in notes)])

    @property
    def size(self) -> int:
        """The size of the tree that was seen last."""
        return Checkpoint.parse(self.checkpoint.text).size
