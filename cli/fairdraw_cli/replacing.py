"""Slots that were announced before: one draw each, and after a void at most one more announcement.

What a verifier makes of it is in `fairdraw.verify.slots`; here a bureau is told before it signs in vain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypedDict

from fairdraw.announcement import limit_of
from fairdraw.compliance import MACHINE_REASONS
from fairdraw.errors import WorkspaceError
from fairdraw.schema import Announcement, Void
from fairdraw.statement import Entry
from fairdraw_cli.casework import voids
from fairdraw_cli.desk import Desk
from transparency_log.cosigned import cosigned_before

CHAIN_FIELDS: Final = {"seq", "prev", "time", "beacon", "replaces"}


@dataclass(frozen=True)
class Replaced:
    """An announcement that was voided; `free` if a quorum saw the void before the round, when nobody knew anything."""

    announcement: Entry
    void: Entry
    free: bool

    @property
    def said(self) -> Announcement:
        """What was announced the first time."""
        return self.announcement.of(Announcement)


def replaced(desk: Desk, slots: Sequence[str]) -> Replaced | None:
    """Return the voided announcement of these slots, or None where they were never announced.

    Raises:
        WorkspaceError: `slot-taken`: announced and not voided, or replaced once already.
    """
    earlier = [e for e, a in desk.history.all(Announcement, desk.workspace.bureau) if set(a.slots) & set(slots)]
    if not earlier:
        return None
    ended = voids(desk, earlier[0])
    if len(earlier) > 1 or not ended:
        raise WorkspaceError("slot-taken", index=earlier[-1].index, found=sorted(slots))
    trust = desk.workspace.trust
    limit = limit_of(earlier[0].of(Announcement), trust.chains, trust.margin)
    free = cosigned_before(desk.sizes(above=ended[0].index), ended[0].index, limit) is not None
    return Replaced(earlier[0], ended[0], free)


class Fixed(TypedDict):
    """What an announcement is made from: statements of the log, and how much of it there was."""

    plan: Entry
    objects: Entry
    inspectors: Entry
    joint: Sequence[Entry]
    history_size: int


def inputs_then(desk: Desk, before: Replaced) -> Fixed:
    """Return the inputs of the first announcement: after the round nothing but the round may be another."""
    said, named = before.said, desk.history.named
    return Fixed(
        plan=named(said.plan.text),
        objects=named(said.objects.text),
        inspectors=named(said.inspectors.text),
        joint=[named(ref.text) for ref in said.joint],
        history_size=said.history_size,
    )


def check_replacement(said: Announcement, before: Replaced) -> None:
    """Refuse a replacement that no verifier accepts.

    Raises:
        WorkspaceError: `slot-dead`: voided after the round, and not for a reason that a machine can check, or with
            other inputs than the first time.
    """
    if before.free:
        return
    reason = before.void.of(Void).reason
    same = before.said.model_dump(exclude=CHAIN_FIELDS) == said.model_dump(exclude=CHAIN_FIELDS)
    if reason not in MACHINE_REASONS or not same:
        raise WorkspaceError("slot-dead", index=before.void.index, reason=reason, found=list(said.slots))
