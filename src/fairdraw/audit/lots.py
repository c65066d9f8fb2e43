"""Every draw of a year, made again from the log alone. specs/audit.md §2.

An announcement is a lot: each is voided, waits for its round, was never drawn, or was drawn and is verified with a
bundle that is made here from the log itself. Nothing that the bureau hands out beside the log is looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, Literal

from fairdraw.announcement import limit_of
from fairdraw.audit.chain import Ledger
from fairdraw.audit.report import AuditFinding, Cell, Table, Term, find
from fairdraw.bundle import Bundle, bundle_of
from fairdraw.compliance import MACHINE_REASONS
from fairdraw.encoding import LAST_TIME, day_of, digest, end_of_day, year_of
from fairdraw.errors import AnnouncementError, EncodingError
from fairdraw.randomness import settled_at
from fairdraw.record import DrawnLine, StratumLine, read_lines, unseal
from fairdraw.regulation import Regulation
from fairdraw.schema import Announcement, Draw, Plan, Until, Void
from fairdraw.statement import Entry
from fairdraw.verify.fromlog import artifacts_from_log, verify_logged
from fairdraw.verify.report import Report

DAY: Final = 24 * 3600
END: Final = LAST_TIME - DAY
"""A round at the end of time is nobody's to wait for, and must not stop whoever reads the log, east of Greenwich."""
State = Literal["holds", "fails", "unknown", "pending", "overdue", "voided"]

# Told here once for all lots, and not again by the verification of each.
TOLD_ONCE: Final = frozenset({
    "exception-of-drawn-object", "overdue-draw", "two-texts-one-seq", "void-unannounced-reason", "wrong-role",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """An announcement and what came of it.

    Attributes:
        entry: the announcement's.
        plan: the plan version that it names, with its entry.
        due: when its last round is due, POSIX seconds.
        draw: the first draw under it, None where there is none.
        voids: its voids, each with whether a quorum had cosigned it before the round.
        report: what its verification says, less what is told once; None where there is nothing to verify.
        strata, drawn: the lines of its result list; empty where it is sealed, or was not drawn.
    """

    entry: Entry
    said: Announcement
    plan: tuple[Entry, Plan]
    regulation: Regulation | None
    due: int
    state: State
    draw: Entry | None
    voids: tuple[tuple[Entry, bool], ...]
    report: Report | None
    strata: tuple[StratumLine, ...]
    drawn: tuple[DrawnLine, ...]

    @property
    def index(self) -> int:
        """Return the entry that findings about this lot name: the draw, or else the announcement."""
        return (self.draw or self.entry).index

    @property
    def objects(self) -> dict[str, tuple[str, ...]]:
        """Return the drawn objects with their drawn inspectors, experts left out."""
        return {line.no: tuple(no for _, no in line.team) for line in self.drawn}

    @property
    def last_day(self) -> str:
        """Return the last day of the inspection: of the plan's schedule where it has one, else the announced one."""
        batches = [self.plan[1].batch_of(slot) for slot in self.said.slots]
        days = [batch.last for batch in batches if batch is not None]
        return max(days, default=self.said.window)


def lots(ledger: Ledger, year: int) -> Iterator[Lot]:
    """Yield the announcements under plans of a year, in log order, each verified."""
    for entry, said in ledger.ours(Announcement):
        plan = ledger.named(said.plan, Plan)
        if plan is not None and plan[1].year == year:
            yield _lot(ledger, entry, said, plan)


def unfounded(ledger: Ledger, year: int) -> Iterator[AuditFinding]:
    """Yield announcements under no plan and draws under no announcement of the log, by the year they were shown in.

    They belong to no lot, so that nothing else would tell of them.
    """
    acts = [(entry, said.plan, ledger.named(said.plan, Plan) is None) for entry, said in ledger.ours(Announcement)]
    for entry, drew in ledger.ours(Draw):
        acts.append((entry, drew.announcement, ledger.named(drew.announcement, Announcement) is None))
    for entry, ref, lacking in acts:
        if lacking and year_of(ledger.shown(entry.index)) == year:
            yield find("without-foundation", entry.index, type=entry.statement.type, names=ref.text)


def round_of(ledger: Ledger, said: Announcement) -> tuple[int, int]:
    """Return before when an announcement must be cosigned, and when its last round is due, POSIX seconds.

    Both are 0 for a chain that the reader does not know; the verification says so.
    """
    try:
        limit = limit_of(said, ledger.trust.chains, ledger.trust.margin)
        return limit, min(settled_at(said.beacon, ledger.trust.chains, ledger.view.artifacts), END)
    except AnnouncementError:
        return 0, 0


def _lot(ledger: Ledger, entry: Entry, said: Announcement, plan: tuple[Entry, Plan]) -> Lot:
    limit, due = round_of(ledger, said)
    voids = tuple((void, ledger.in_time(void.index, limit)) for void in ledger.voids.get(entry.text_hash, ()))
    draw = ledger.draws.get(entry.text_hash)
    report: Report | None = None
    state: State
    if draw is not None:
        report = verify_logged(entry, draw, log=ledger.view, whole=ledger.whole, as_of_given=True)
        state = report.verdict
        # Each draw tells of each fork of a supervisor's chain: thousands times thousands are not kept.
        report = replace(report, findings=tuple(one for one in report.findings if one.code not in TOLD_ONCE))
    elif voids:
        state = "voided"
    else:
        state = "overdue" if due <= ledger.as_of else "pending"
    strata, drawn = ((), ()) if draw is None else _lines(ledger, said, draw)
    return Lot(
        entry=entry, said=said, plan=plan, regulation=ledger.regulation(said.regulation, entry.index), due=due,
        state=state, draw=draw, voids=voids, report=report, strata=strata, drawn=drawn,
    )  # fmt: skip


def bundle_from_log(ledger: Ledger, announcement: Entry, draw: Entry | None) -> Bundle:
    """Return the bundle of a draw, made from the log's entries and artifacts; of an announcement while there is none.

    Raises:
        BundleError: `no-checkpoint`, which no log that a quorum vouches for yields.
    """
    whole, held = ledger.whole, ledger.view.artifacts
    found = ((name, held.get(name)) for name in artifacts_from_log(ledger.view, whole, announcement, draw))
    return bundle_of(
        whole.hashed.everything, whole.hashed.proofs, announcement=announcement, draw=draw,
        pulses=() if draw is None else draw.of(Draw).pulses,
        artifacts={name: data for name, data in found if data is not None},
    )  # fmt: skip


def _lines(ledger: Ledger, said: Announcement, draw: Entry) -> tuple[tuple[StratumLine, ...], tuple[DrawnLine, ...]]:
    """Return the lines of a result list; none, noted as unknown, where it is sealed or cannot be had."""
    drew = draw.of(Draw)
    data = ledger.view.artifacts.get(drew.results.digest)
    until = said.disclosure.date if isinstance(said.disclosure, Until) else None
    if data is None or digest(data) != drew.results.digest:
        if until is not None and ledger.as_of <= end_of_day(until):
            ledger.cannot_tell("sealed-until", draw.index, date=until)
        else:
            ledger.cannot_tell(ledger.lacking(drew.results.digest), draw.index, digest=drew.results.digest)
        return (), ()
    try:
        strata, drawn = read_lines(data if until is None else unseal(data))
    except EncodingError as error:
        ledger.cannot_tell(error.code, draw.index, **error.params)
        return (), ()
    ledger.drawn[draw.text_hash] = tuple(line.no for line in drawn)
    return strata, drawn


def drawn_until(ledger: Ledger, registry: str, year: int) -> set[str]:
    """Return the objects of a registry that were drawn under any plan of a year or of those before, verified or not."""
    told: set[str] = set()
    for draw, drew in ledger.ours(Draw):
        said = ledger.named(drew.announcement, Announcement)
        plan = None if said is None else ledger.named(said[1].plan, Plan)
        if said is not None and plan is not None and plan[1].objects == registry and plan[1].year <= year:
            if draw.text_hash not in ledger.drawn:
                _lines(ledger, said[1], draw)
            told.update(ledger.drawn.get(draw.text_hash, ()))
    return told


def lot_findings(ledger: Ledger, told: tuple[Lot, ...]) -> Iterator[AuditFinding]:
    """Yield what is wrong with each lot: what its verification found, and what no draw shows."""
    for lot in told:
        yield from _of_report(ledger, lot)
        yield from _of_voids(lot)
        if lot.state == "overdue":
            yield find("overdue-draw", lot.index, index=lot.index, slots=list(lot.said.slots))
        if lot.said.regulation is None:
            yield find("no-regulation", lot.entry.index, slots=list(lot.said.slots))
        elif lot.regulation is not None and lot.regulation.validity and not lot.regulation.valid_on(day_of(lot.due)):
            rule = lot.regulation.validity
            expected, found = [rule.value.from_, rule.value.until], day_of(lot.due)
            yield find("regulation-not-in-force", lot.entry.index, cite=rule.cite, expected=expected, found=found)


def _of_report(ledger: Ledger, lot: Lot) -> Iterator[AuditFinding]:
    if lot.report is None:
        return
    for check in lot.report.checks:
        if check.state == "fails":
            yield find("draw-fails", lot.index, check=check.code, reason=check.reason, evidence=dict(check.evidence))
        elif check.state == "unknown" and not check.depends:
            ledger.cannot_tell(check.reason, lot.index, **check.evidence)
    for finding in lot.report.findings:
        evidence = dict(finding.evidence)
        index, cite = evidence.get("index"), evidence.pop("article", ())
        yield AuditFinding(
            code=finding.code,
            index=index if isinstance(index, int) else lot.index,
            cite=tuple(map(str, cite)) if isinstance(cite, list) else (),
            evidence=evidence,
        )


def _of_voids(lot: Lot) -> Iterator[AuditFinding]:
    rules = None if lot.regulation is None else lot.regulation
    for void, free in lot.voids:
        reason = void.of(Void).reason
        if not free:
            yield find("voided", void.index, slots=list(lot.said.slots), reason=reason, announcement=lot.entry.index)
        announced = {*lot.plan[1].voids, *MACHINE_REASONS}
        if reason not in announced:
            cite = tuple(dict.fromkeys(c for one in (rules.void_reasons if rules else ()) for c in one.cite))
            yield find("void-unannounced-reason", void.index, cite=cite, expected=sorted(announced), found=reason)


def draws_table(told: tuple[Lot, ...]) -> Table:
    """Return every announcement with its verdict."""
    rows: list[tuple[Cell, ...]] = [
        (
            lot.entry.index, " ".join(lot.said.slots), day_of(lot.due), None if lot.draw is None else lot.draw.index,
            Term(lot.state), sum(line.total for line in lot.strata) if lot.strata else None,
            lot.draw.of(Draw).counts.drawn if lot.draw is not None else None,
            " ".join(lot.report.failed) if lot.report is not None else "",
        )
        for lot in told
    ]  # fmt: skip
    header = ("announcement", "slots", "round-day", "draw", "state", "rows", "drawn", "failed")
    return Table(code="draws", header=header, rows=tuple(rows))


def voids_table(told: tuple[Lot, ...]) -> Table:
    """Return the voids, each with whether it was shown before the round."""
    rows: list[tuple[Cell, ...]] = [
        (void.index, lot.entry.index, " ".join(lot.said.slots), void.of(Void).reason, Term("yes" if free else "no"))
        for lot in told
        for void, free in lot.voids
    ]
    return Table(code="voids", header=("entry", "announcement", "slots", "reason", "before-round"), rows=tuple(rows))


def percent(part: int, whole: int) -> str | None:
    """Return a share as people read it, exact to a tenth of a percent, rounded down: 4.99 % is no 5 %."""
    if not whole:
        return None
    tenths = int(Fraction(part, whole) * 1000)
    return f"{tenths // 10}.{tenths % 10}%"
