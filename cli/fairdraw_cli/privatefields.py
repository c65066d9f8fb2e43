"""The private fields of a snapshot's rows, for papers that stay in the house.

They come from the file that was kept when the very snapshot was frozen, and each is compared with its seal: neither a
later registry nor an address that somebody changed since can get onto a paper of this draw.
"""

from collections.abc import Collection, Mapping

from fairdraw.errors import SnapshotError, WorkspaceError
from fairdraw.roster import Lookup
from fairdraw.schema import SnapshotStatement
from fairdraw.snapshot import check_opening
from fairdraw.statement import Entry
from fairdraw_cli.commands.openings import openings_of
from fairdraw_cli.desk import Desk

Fields = Mapping[str, str]


def private_fields(desk: Desk, snapshot: Entry, roster: Lookup, numbers: Collection[str]) -> dict[str, Fields]:
    """Return the private fields of some rows of a snapshot of the bureau's, by number, in the order of its schema.

    Raises:
        WorkspaceError: `private-of-a-department`; or `private-altered`, `private-missing`, `private-unreadable`: the
            file that was kept is no longer what was frozen.
    """
    statement = snapshot.of(SnapshotStatement)
    found = (at for no in numbers if (at := roster.find(no)) is not None)
    seals = {no: seal for no, _, seal in map(roster.row, sorted(found))}
    told: dict[str, Fields] = {}
    if not statement.private:
        return {no: {} for no in seals}
    for row in openings_of(desk, snapshot, seals, own=True):
        for opening in row:
            try:
                check_opening(opening, statement, seals[opening.no])
            except SnapshotError:
                raise WorkspaceError("private-altered", registry=statement.registry, no=opening.no) from None
        told[row[0].no] = {opening.field: opening.value for opening in row}
    if lacking := sorted(seals.keys() - told.keys()):
        raise WorkspaceError("private-missing", registry=statement.registry, no=lacking[0])
    return told
