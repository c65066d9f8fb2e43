"""The record of a story as it is printed."""

from typing import Any

from fairdraw.render import Access, Cosigners, Sheet, make_sheet
from fairdraw.schema import Announcement
from support.slips import material_of
from support.story import Told

ACCESS = Access(site=None, trust="ab" * 32, releases=())


def due(told: Told) -> int:
    """Return when the announced round of a story is due."""
    said = told.announcement.of(Announcement)
    return told.story.chain.time_of(said.beacon[0].round)


def cosigners(told: Told, *, seconds: int = 597) -> Cosigners:
    """Return that one of two witnesses cosigned, so long before the round."""
    time = due(told) - seconds
    return Cosigners(size=4, quorum_time=time, lines=(("w0.example.cn", time), ("w1.example.cn", None)))


def record_of(told: Told, **changes: Any) -> Sheet:
    """Return the record of a story as it is printed."""
    assert told.draw is not None
    fields: dict[str, Any] = {
        "outcome": told.outcome(),
        "material": material_of(told),
        "chains": told.story.chains,
        "cosigners": cosigners(told),
        "access": ACCESS,
    }
    return make_sheet(told.inputs(), told.draw, **(fields | changes))
