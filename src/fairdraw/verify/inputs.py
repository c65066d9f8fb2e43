"""Checks 7, 8, 12, 15 and 16: what the draw was made from. specs/verification.md §5."""

from collections.abc import Mapping
from dataclasses import dataclass

from fairdraw import encoding
from fairdraw.announcement import check_days, read_exclusions, read_recusals
from fairdraw.bundle import left_out
from fairdraw.errors import AnnouncementError, FilterError, SeedError, SnapshotError
from fairdraw.exclusion import Exclusion, exclude
from fairdraw.filter import check, parse
from fairdraw.roles import DEPARTMENT
from fairdraw.roster import Data
from fairdraw.schema import (
    Announcement,
    Commitment,
    Deposit,
    Opening,
    Plan,
    Receipt,
    Reveal,
    RevealsClosed,
    SnapshotStatement,
    Until,
    Withdrawal,
)
from fairdraw.seed import embargo_commitment, seed_lines
from fairdraw.snapshot import check_opening
from fairdraw.statement import Entry
from fairdraw.values import Artifact, Ref
from fairdraw.verify.anchors import in_time, judged_at, last_round, order_limit
from fairdraw.verify.case import Case
from fairdraw.verify.history import earlier_draws
from fairdraw.verify.report import CannotTellError, CheckFailedError

Evidence = Mapping[str, object]
DAY = 24 * 3600
DEPOSITARIES = 2  # one alone could lose the key, or say that it did


@dataclass(frozen=True, slots=True)
class Named:
    """A registry of a draw: "objects", "inspectors" or a department's key name; its id, snapshot, and who signs it."""

    role: str
    registry: str
    ref: Ref
    by: str | None


def registries(said: Announcement, plan: Plan) -> tuple[Named, ...]:
    """Return the registries that an announcement draws from, those of the departments last (specs/announcement.md §1).

    Raises:
        CheckFailedError: `joint-differs`: not the plan's departments have signed, each with its own snapshot.
    """
    departments = tuple(department.name for department in plan.joint)
    if said.with_[: len(departments)] != departments or len(said.joint) != len(departments):
        raise CheckFailedError("joint-differs", expected=list(departments), found=list(said.with_))
    joint = zip(plan.joint, said.joint, strict=True)
    return (
        Named("objects", plan.objects, said.objects, None),
        Named("inspectors", plan.inspectors, said.inspectors, None),
        *(Named(one.name, one.inspectors, ref, one.name) for one, ref in joint),
    )


def speaks_for(case: Case, named: Named, entry: Entry) -> bool:
    """Say whether a snapshot is its owner's own: the bureau's, or that of a department which the reader knows."""
    if named.by is None:
        return case.speaks(entry)
    known = case.trust.supervisors.get(named.by)
    return (
        known is not None
        and known.role == DEPARTMENT
        and entry.statement.by == named.by
        and (entry.text_hash in case.signed)
    )


def snapshots(case: Case) -> Evidence:
    """Check that both snapshots are logged, of the plan's registries, the newest, and receipted as the reader asks."""
    told: dict[str, object] = {}
    judged = judged_at(case)
    for named in registries(case.said, case.plan):
        role, registry = named.role, named.registry
        entry = case.entry(named.ref.text, named.ref.index)
        statement = entry.statement
        if not isinstance(statement, SnapshotStatement) or not speaks_for(case, named, entry):
            raise CheckFailedError("not-the-bureaus", index=entry.index)
        if statement.registry != registry:
            raise CheckFailedError("wrong-registry", expected=registry, found=statement.registry)
        newer = [
            e.index
            for e in case.chain(entry.statement.by)
            if isinstance(e.statement, SnapshotStatement)
            and e.statement.registry == registry
            and entry.index < e.index < judged
        ]
        if newer:
            # Else twelve snapshots could be frozen and the one that suits announced (attack 15).
            raise CheckFailedError("not-the-newest", registry=registry, expected=newer[-1], found=entry.index)
        receipts = _receipts(case, entry, statement)
        if len(receipts) < case.trust.receipts:
            raise CheckFailedError(
                "receipts-missing", registry=registry, expected=case.trust.receipts, found=sorted(receipts)
            )
        case.snapshots[role] = statement
        told[role] = {"index": entry.index, "count": statement.roster.count, "root": statement.roster.root,
                      "receipts": sorted(receipts)}  # fmt: skip
    return told


def _receipts(case: Case, snapshot: Entry, statement: SnapshotStatement) -> set[str]:
    return {
        e.statement.by
        for e in case.entries.values()
        if isinstance(e.statement, Receipt)
        and e.text_hash in case.signed
        and case.is_supervisor(e.statement.by)
        and e.statement.snapshot.text == snapshot.text_hash
        and e.statement.digest == statement.roster.digest
        and e.index < case.said.history_size
    }


def artifact(case: Case, named: Artifact) -> bytes:
    """Return a carried artifact's bytes.

    Raises:
        CannotTellError: a logged `withdrawal` names it.
        CheckFailedError: it is missing, or not what was named.
    """
    if named.digest not in case.artifacts:
        if any(
            isinstance(e.statement, Withdrawal) and case.speaks(e) and e.statement.digest == named.digest
            for e in case.entries.values()
        ):
            raise CannotTellError("withdrawn", digest=named.digest)
        # Bytes that nobody can get are not an excuse: they fail (attack 18).
        raise CheckFailedError("artifact-missing", digest=named.digest)
    data = case.artifacts[named.digest]
    if (encoding.digest(data), len(data)) != (named.digest, named.length):
        raise CheckFailedError("wrong-digest", expected=named.digest, found=encoding.digest(data))
    return data


def rosters(case: Case) -> Evidence:
    """Check both rosters line by line against their logged roots, and openings, if any, against the rosters."""
    told: dict[str, object] = {}
    for role, statement in case.snapshots.items():
        if not statement.published and statement.roster.digest not in case.artifacts:
            raise CannotTellError("roster-not-published", registry=statement.registry)
        try:
            case.rosters[role] = case.known.roster(_roster(case, statement), statement)
        except SnapshotError as error:
            raise CheckFailedError(error.code, registry=statement.registry, **error.params) from None
        told[role] = statement.roster.count
    return told | {"openings": _check_openings(case)}


def _roster(case: Case, statement: SnapshotStatement) -> Data:
    """Return the bytes of a roster: carried, or from the log's folder where it is too large for a bundle.

    Raises:
        SnapshotError: `wrong-digest`.
        CannotTellError: `roster-too-large`: the reader has no folder with it; or what `artifact` raises.
        CheckFailedError: what `artifact` raises.
    """
    named = statement.roster
    if named.digest in case.artifacts:
        return case.artifacts[named.digest]
    look = None if case.log is None else case.log.roster
    if look is None and named.digest in left_out(one.roster for one in case.snapshots.values()):
        # The bureau may leave it out, so that its lacking is nobody's fault.
        raise CannotTellError("roster-too-large", registry=statement.registry)
    beside = None if look is None else look(named)
    return artifact(case, named) if beside is None else beside


def _check_openings(case: Case) -> int:
    for opening in case.openings:
        found = [(role, roster, roster.find(opening.no)) for role, roster in case.rosters.items()]
        fitting = [(role, roster.row(row).seal) for role, roster, row in found if row is not None]
        if not fitting:
            raise CheckFailedError("opening-of-no-row", no=opening.no, field=opening.field)
        errors = []
        for role, seal in fitting:
            try:
                check_opening(opening, case.snapshots[role], seal)
                break
            except SnapshotError as error:
                errors.append(error)
        else:
            raise CheckFailedError(errors[0].code, no=opening.no, field=opening.field)
    return len(case.openings)


def closed_inputs(case: Case) -> Evidence:
    """Check that nothing but the announcement and what it names enters the draw: lists, history, window."""
    said = case.said
    if said.history_size > case.announcement.index:
        raise CheckFailedError("history-after-announcement", expected=case.announcement.index, found=said.history_size)
    if said.regulation != case.plan.regulation:
        raise CheckFailedError("another-regulation", expected=case.plan.regulation, found=said.regulation)
    check_days(case.plan, said.slots, said.window, last_round(case))
    check_filters(case)
    case.recusals, case.exclusions = lists(case, said)
    ours = exclude(case.plan, said.slots, case.rosters["objects"].numbers, earlier_draws(case))
    if ours != case.exclusions:
        # A name struck off, or left in, by hand (attack 7).
        wrong = sorted(one.no for one in case.exclusions - ours)
        lacking = sorted(one.no for one in ours - case.exclusions)
        raise CheckFailedError("exclusions-differ", without_rule=wrong[:5], left_out=lacking[:5])
    return {"recusals": len(case.recusals), "exclusions": len(case.exclusions), "window": said.window}


def check_filters(case: Case) -> None:
    """Check that the plan's filters fit the schema of the objects' snapshot.

    Raises:
        CheckFailedError: an unknown attribute or another type.
    """
    schema = case.snapshots["objects"].attrs
    for rule in case.plan.rules:
        try:
            check(parse(rule.filter), schema)
        except FilterError as error:
            raise CheckFailedError(error.code, **error.params) from None


def lists(case: Case, said: Announcement) -> tuple[frozenset[tuple[str, str]], frozenset[Exclusion]]:
    """Return the recusals and exclusions that an announcement names.

    Raises:
        CheckFailedError: a list is missing, not the announced one, or malformed.
    """
    try:
        return read_recusals(artifact(case, said.recusals)), read_exclusions(artifact(case, said.exclusions))
    except AnnouncementError as error:
        raise CheckFailedError(error.code, **error.params) from None


def committed_seeds(case: Case, announcement: Entry) -> tuple[tuple[str, str], ...]:
    """Return the seed lines of an announcement's key.

    Raises:
        CheckFailedError: a commitment is not what it must be, or the reveals do not make a draw.
    """
    said = announcement.of(Announcement)
    if said.seed.kind == "published":
        return ()
    commitments: list[Entry] = []
    for contributor in said.seed.contributors:
        entry = case.entry(contributor.commitment.text, contributor.commitment.index)
        statement = entry.statement
        known = entry.text_hash in case.signed and statement.by in case.trust.supervisors
        if not isinstance(statement, Commitment) or not known:
            raise CheckFailedError("unknown-person", name=contributor.name, index=entry.index)
        if statement.by != contributor.name or statement.slot not in said.slots or entry.index >= announcement.index:
            raise CheckFailedError("commitment-of-another", name=contributor.name, index=entry.index)
        commitments.append(entry)
    values = [entry.of(Commitment).commitment for entry in commitments]
    if len(set(values)) != len(values) or len({c.name for c in said.seed.contributors}) != len(values):
        raise CheckFailedError("equal-commitments")
    reveals = _reveals(case, announcement, len(commitments))
    try:
        return seed_lines(said.seed, commitments=commitments, reveals=reveals)
    except SeedError as error:
        raise CheckFailedError(error.code, **error.params) from None


def _reveals(case: Case, announcement: Entry, count: int) -> list[Entry | None]:
    """Return the reveals that count: those that the bureau's first in-time `reveals-closed` lists."""
    limit = order_limit(case, announcement.of(Announcement))
    for entry in case.chain(case.file.bureau):
        statement = entry.statement
        if not isinstance(statement, RevealsClosed) or statement.announcement.text != announcement.text_hash:
            continue
        if entry.text_hash not in case.signed or in_time(case, entry.index, limit) is None:
            # Whoever closes the list after the pulse chooses among outcomes (attack 10).
            raise CheckFailedError("reveals-late", index=entry.index)
        if len(statement.reveals) != count:
            raise CheckFailedError("reveals-do-not-fit", expected=count, found=len(statement.reveals))
        told: list[Entry | None] = []
        for ref in statement.reveals:
            reveal = None if ref is None else case.entry(ref.text, ref.index)
            if reveal is not None and (
                not isinstance(reveal.statement, Reveal)
                or reveal.text_hash not in case.signed
                or reveal.index >= entry.index
            ):
                raise CheckFailedError("not-a-reveal", index=reveal.index)
            told.append(reveal)
        return told
    return [None] * count


def seed(case: Case) -> Evidence:
    """Check the seed: commitments before the announcement, reveals before the round, none dropped or copied."""
    case.seeds = committed_seeds(case, case.announcement)
    return {"kind": case.said.seed.kind, "seeds": [list(pair) for pair in case.seeds]}


def disclosure(case: Case) -> Evidence:
    """Check when the result may be public, and, where it was sealed, that the embargo key is the committed one."""
    said = case.said
    if not isinstance(said.disclosure, Until):
        if case.file_embargo is not None:
            raise CheckFailedError("another-embargo", expected=None)
        return {"kind": "at-once"}
    due = encoding.end_of_day(said.disclosure.date)
    opening = _opening(case, due)
    if opening is None and case.as_of > due:
        case.find("not-opened-in-time", date=said.disclosure.date)
    depositaries = {
        e.statement.by
        for e in case.entries.values()
        if isinstance(e.statement, Deposit)
        and e.statement.embargo == said.disclosure.embargo
        and e.statement.slot == said.slots[0]
        and case.is_supervisor(e.statement.by)
        and e.text_hash in case.signed
        and in_time(case, e.index, order_limit(case, said))
    }
    if len(depositaries) < DEPOSITARIES:
        raise CheckFailedError("too-few-deposits", expected=DEPOSITARIES, found=sorted(depositaries))
    embargo = case.file_embargo or (None if opening is None else opening.embargo)
    if embargo is None:
        if case.as_of > due:
            raise CannotTellError("overdue-opening", date=said.disclosure.date)
        raise CannotTellError("sealed-until", date=said.disclosure.date, depositaries=sorted(depositaries))
    if embargo_commitment(said.slots[0], bytes.fromhex(embargo)) != said.disclosure.embargo:
        raise CheckFailedError("another-embargo", expected=said.disclosure.embargo)
    case.embargo = bytes.fromhex(embargo)
    case.opened_key = None if opening is None else opening.key
    return {"kind": "until", "date": said.disclosure.date, "depositaries": sorted(depositaries)}


def _opening(case: Case, due: int) -> Opening | None:
    """Return the bureau's `opening` of this draw, and find whether it came late or early."""
    for entry in case.chain(case.file.bureau):
        statement = entry.statement
        if not isinstance(statement, Opening) or statement.embargo is None or not case.speaks(entry):
            continue
        if statement.of.text in {case.file.draw, case.file.announcement}:
            # The bureau's own `time` would be whatever suits it.
            shown = min((t for prefix, t in case.quorum_prefixes() if prefix.size > entry.index), default=None)
            if shown is None or shown > due:
                case.find("opened-late", date=encoding.format_time(due), shown=shown)
            elif shown < due - DAY:
                case.find("opened-early", date=encoding.format_time(due), shown=shown)
            return statement
    return None
