"""Verification of a slip: one row against the published result. specs/slip.md §3.

A slip shows that a row stands in the snapshot, that its ticket falls on the side of the cutoff where the result has it,
and that announcement and pulse came in order. Whether the cutoff is right needs the roster (attack 39), so that its
verdict is never more than "consistent with the published result".
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from fairdraw import encoding, tickets
from fairdraw.announcement import read_exclusions
from fairdraw.bundle import Path, Slip
from fairdraw.errors import AnnouncementError, EncodingError, FilterError, PlanError, SnapshotError
from fairdraw.quota import strata_of
from fairdraw.record import StratumLine
from fairdraw.roster import RosterRow, read_row
from fairdraw.schema import Draw, Plan, SnapshotStatement
from fairdraw.slip import between, drawn_line, stratum_line
from fairdraw.snapshot import check_opening
from fairdraw.trust import Trust
from fairdraw.verify import anchors, inputs, pulses
from fairdraw.verify.case import Case, LogView, read_artifacts, read_entries
from fairdraw.verify.report import CODES, CheckFailedError, Report
from fairdraw.verify.signed import check_signed
from fairdraw.verify.walk import Step, find_subject, make_report, walk
from transparency_log import merkle
from transparency_log.errors import LogError

Evidence = Mapping[str, object]


def _on_path(path: Path, *, size: int, root: str) -> bytes:
    """Return a path's line, once it is shown to be a leaf of the tree.

    Raises:
        CheckFailedError: the line is not base64, or not at that place under that root.
    """
    try:
        line = encoding.from_base64(path.line)
        # The size is the signed statement's: a root could be passed off under two sizes (attack 41).
        merkle.check_inclusion(
            merkle.leaf_hash(line),
            index=path.index,
            size=size,
            proof=[bytes.fromhex(node) for node in path.hashes],
            root=bytes.fromhex(root),
        )
    except (EncodingError, LogError) as error:
        raise CheckFailedError("path-does-not-fit", why=str(error)) from None
    return line


def _row(case: Case) -> RosterRow:
    slip = case.slip
    statement = case.snapshots[slip.registry]
    line = _on_path(slip.row, size=statement.roster.count, root=statement.roster.root)
    try:
        row = read_row(line, statement)
    except (SnapshotError, EncodingError) as error:
        raise CheckFailedError(error.code, **error.params) from None
    if row.no != slip.no:
        raise CheckFailedError("row-of-another", expected=slip.no, found=row.no)
    return row


def read_slip(case: Case) -> Evidence:
    """Read what the slip carries; nothing in it is believed yet."""
    read_entries(case)
    find_subject(case)
    if case.draw is None:
        raise CheckFailedError("no-draw")
    read_artifacts(case)
    return {"no": case.slip.no, "entries": len(case.entries)}


def signatures(case: Case) -> Evidence:
    """Check the bureau's signatures, and that its chain from announcement to draw is carried without a gap."""
    signed = check_signed(case)
    draw = case.entry(case.drew.text_hash())
    chain = [entry for entry in signed if between(case.announcement, entry, draw)]
    for before, after in pairwise(chain):
        if after.statement.prev != before.text_hash:
            raise CheckFailedError("chain-broken", index=after.index, expected=before.statement.seq + 1,
                                   found=after.statement.seq)  # fmt: skip
    return {"entries": len(signed)}


def snapshot(case: Case) -> Evidence:
    """Check that the snapshot is logged, and of the registry that the plan names."""
    slip, said = case.slip, case.said
    plan = case.entry(said.plan.text, said.plan.index).statement
    if not isinstance(plan, Plan) or not case.speaks(case.entry(said.plan.text)):
        raise CheckFailedError("not-the-bureaus", index=said.plan.index)
    found = []
    for named in inputs.registries(said, plan):
        # An inspector of another department stands in that department's snapshot, of which the slip's row tells.
        if (named.role == "objects") == (slip.registry == "objects"):
            entry = case.entries.get(named.ref.text)
            found += [(named, entry)] if entry is not None else []
    if not found:
        raise CheckFailedError("entry-missing", text=getattr(said, slip.registry).text)
    named, _ = found[0]
    entry = case.entry(named.ref.text, named.ref.index)
    statement = entry.statement
    if not isinstance(statement, SnapshotStatement) or not inputs.speaks_for(case, named, entry):
        raise CheckFailedError("not-the-bureaus", index=named.ref.index)
    if statement.registry != named.registry:
        raise CheckFailedError("wrong-registry", expected=named.registry, found=statement.registry)
    case.plan = plan
    case.snapshots[slip.registry] = statement
    return {"registry": statement.registry, "count": statement.roster.count, "root": statement.roster.root}


def row(case: Case) -> Evidence:
    """Check that the row stands in the snapshot, and that the owner's fields are those under its seal."""
    slip = case.slip
    ours = _row(case)
    for opening in slip.own:
        if opening.no != slip.no:
            raise CheckFailedError("opening-of-another", expected=slip.no, found=opening.no)
        try:
            check_opening(opening, case.snapshots[slip.registry], ours.seal)
        except SnapshotError as error:
            raise CheckFailedError(error.code, **error.params) from None
    return {"no": ours.no, "own": {opening.field: opening.value for opening in slip.own}}


def selection(case: Case) -> Evidence:
    """Check the row's ticket against its stratum's cutoff: it is drawn if and only if it is not above."""
    slip = case.slip
    drew = case.drew
    key = case.key()
    if drew.key is not None and drew.key != key.hex():
        raise CheckFailedError("key-differs", expected=key.hex(), found=drew.key)
    if slip.registry == "inspectors":
        return {"key": key.hex()}
    ticket = tickets.ticket(key, "object", slip.no).hex()
    out = _passed_over(case)
    lines = _strata(case, drew)
    below = tuple(
        (line.item, line.stratum)
        for line in lines
        if line.cutoff is not None and ticket <= line.cutoff and not {None, line.item} & out
    )
    case.drawn_in = below
    cutoffs = [[line.item, line.cutoff] for line in lines]
    if bool(below) != bool(slip.teams):
        raise CheckFailedError("cutoff-contradicts", ticket=ticket, cutoff=cutoffs, drawn=bool(slip.teams))
    return {"ticket": ticket, "cutoff": cutoffs, "drawn": bool(below), "key": key.hex(), "passed_over": bool(out)}


def _strata(case: Case, drew: Draw) -> list[StratumLine]:
    """Return the stratum lines of the row, one for each item that it can be drawn for, in the published result."""
    told = []
    try:
        expected = list(strata_of(case.plan, case.said.slots, _row(case)))
        for path in case.slip.strata:
            _on_path(path, size=drew.results.count, root=drew.results.root)
            told.append(stratum_line(path))
    except (EncodingError, FilterError, PlanError) as error:
        raise CheckFailedError(error.code, **error.params) from None
    if (found := [(line.item, line.stratum) for line in told]) != expected:
        if len(found) < len(expected):
            raise CheckFailedError("stratum-missing", expected=str(expected), found=str(found))
        raise CheckFailedError("stratum-of-another", expected=str(expected), found=str(found))
    return told


def _passed_over(case: Case) -> set[str | None]:
    """Return the items for which the announced list excludes the row, None for all of them."""
    try:
        data = encoding.from_base64(case.slip.exclusions)
        named = case.said.exclusions
        if (encoding.digest(data), len(data)) != (named.digest, named.length):
            raise CheckFailedError("wrong-digest", expected=named.digest, found=encoding.digest(data))
        return {one.item for one in read_exclusions(data) if one.no == case.slip.no}
    except (EncodingError, AnnouncementError) as error:
        raise CheckFailedError(error.code, **error.params) from None


def teams(case: Case) -> Evidence:
    """Check that each drawn line is in the published result and names this row."""
    slip = case.slip
    drew = case.drew
    told = []
    for path in slip.teams:
        _on_path(path, size=drew.results.count, root=drew.results.root)
        try:
            line = drawn_line(path)
        except EncodingError as error:
            raise CheckFailedError(error.code, **error.params) from None
        members = [*(inspector for _, inspector in line.team), *line.experts]
        if slip.no not in ([line.no] if slip.registry == "objects" else members):
            raise CheckFailedError("row-of-another", expected=slip.no, found=line.no)
        if case.drawn_in and line.strata != case.drawn_in:
            raise CheckFailedError("stratum-of-another", expected=str(case.drawn_in), found=str(line.strata))
        if line.ticket != tickets.ticket(case.key(), "object", line.no).hex():
            raise CheckFailedError("ticket-differs", object=line.no)
        told.append([line.no, members])
    if len({path.index for path in slip.teams}) < len(told) or (slip.registry == "objects" and len(told) > 1):
        raise CheckFailedError("drawn-twice", found=slip.no)
    return {"teams": told}


def no_other_draw(case: Case) -> Evidence:
    """Look in the whole log for another draw; the rules of it are loaded by whoever has a log."""
    from fairdraw.verify import slots  # noqa: PLC0415

    return slots.no_other_draw(case)


def later_acts(case: Case) -> Evidence:
    """Look in the whole log for later acts; as above."""
    from fairdraw.verify import later  # noqa: PLC0415

    return later.later_acts(case)


STEPS: Final = (
    Step("format", (), read_slip),
    Step("trust", ("format",), anchors.trust),
    Step("log-signature", ("trust",), anchors.log_signature),
    Step("witness-quorum", ("log-signature",), anchors.witness_quorum),
    Step("bureau-chain", ("log-signature",), signatures),
    Step("snapshots", ("bureau-chain",), snapshot),
    Step("rosters", ("snapshots",), row),
    Step("announcement-logged", ("bureau-chain",), anchors.announcement_logged),
    Step(
        "announcement-before-pulse",
        ("witness-quorum", "announcement-logged"),
        anchors.announcement_before_pulse,
    ),
    Step("append-only", ("log-signature",), anchors.append_only),
    Step("pulse", ("announcement-logged",), pulses.pulse),
    Step("seed", ("witness-quorum", "announcement-logged"), inputs.seed),
    Step("disclosure", ("witness-quorum", "announcement-logged"), inputs.disclosure),
    Step("record-logged", ("bureau-chain", "announcement-logged"), anchors.record_logged),
    Step("selection", ("rosters", "record-logged", "pulse", "seed", "disclosure"), selection),
    Step("assignment", ("rosters", "record-logged", "pulse", "seed", "disclosure"), teams),
    # Else the slip of a second announcement's draw would be as good as that of the first (attack 1).
    Step("no-other-draw", ("witness-quorum", "bureau-chain", "announcement-logged"), no_other_draw),
    Step("later-acts", ("witness-quorum", "bureau-chain", "announcement-logged"), later_acts),
)
NEED_LOG: Final = frozenset({"no-other-draw", "later-acts"})


def verify_slip(
    slip: Slip, trust: Trust, *, as_of: int, as_of_given: bool = False, log: LogView | None = None
) -> Report:
    """Return the report on a slip: consistent with the published result, or not.

    Without the log, another draw and later acts are not asked for: the verdict then carries the date of the slip's
    checkpoint.
    """
    case = Case(file=slip, trust=trust, as_of=as_of, log=log)
    checks = walk(case, STEPS, frozenset() if log else NEED_LOG)
    told = sorted(checks, key=lambda check: CODES.index(check.code))
    return make_report(case, tuple(told), as_of_given=as_of_given)
