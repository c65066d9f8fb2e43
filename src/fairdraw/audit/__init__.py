"""An audit of a whole log: every draw of a year made again, and the year itself looked at. specs/audit.md.

The parts: `chain` (what counts, and when it was logged), `lots` (announcements and draws), `slots` (plans),
`registries`, `ratios`, `people`, `ends`, `outcomes` and `later` (what happened after the draws). It reads a log as
anybody has it, and a trust file and a table of working days of the reader's own; nothing of these is ever taken from
the log.
"""

from collections.abc import Iterator

from fairdraw.audit import later, outcomes, people, ratios, registries, slots
from fairdraw.audit.chain import Ledger, chain_findings
from fairdraw.audit.ends import ends_of
from fairdraw.audit.lots import draws_table, lot_findings, lots, unfounded, voids_table
from fairdraw.audit.report import (
    FINDINGS,
    NOTICES,
    AuditFinding,
    AuditReport,
    Table,
    Term,
    Unknown,
    YearAudit,
    in_order,
)
from fairdraw.calendar import Calendar
from fairdraw.encoding import year_of
from fairdraw.errors import AuditError
from fairdraw.schema import Announcement, Draw, ExceptionStatement, Loss, Plan
from fairdraw.trust import Trust
from fairdraw.verify import LogView, read_log
from fairdraw.verify.report import CannotTellError, CheckFailedError

__all__ = [
    "FINDINGS",
    "NOTICES",
    "AuditFinding",
    "AuditReport",
    "Table",
    "Term",
    "Unknown",
    "YearAudit",
    "audit",
    "read_ledger",
]


def audit(
    view: LogView,
    trust: Trust,
    *,
    log: str,
    as_of: int,
    calendar: Calendar,
    as_of_given: bool = False,
    bureau: str | None = None,
    year: int | None = None,
) -> AuditReport:
    """Return the audit of a log.

    Args:
        view: the whole log: entries, signed checkpoints, and artifacts by digest as far as they could be had.
        trust: the reader's own.
        log: the log's origin.
        as_of: POSIX seconds; entries and cosignatures count up to then.
        calendar: the reader's own table of working days.
        as_of_given: whether the reader chose that time.
        bureau: the one bureau to audit, None for all that the trust file binds to this log.
        year: the one year to audit, None for all that have a plan.

    Raises:
        AuditError: `log-does-not-hold`, `log-not-vouched-for`, `no-bureau`.
    """
    names = sorted({line.name for line in trust.bureaus if line.origin == log and bureau in (None, line.name)})
    if not names:
        raise AuditError("no-bureau", log=log, found=bureau)
    told: list[YearAudit] = []
    size = 0
    for name in names:
        ledger = read_ledger(view, trust, log=log, bureau=name, as_of=as_of, calendar=calendar)
        size = max(size, 0 if ledger.whole.newest is None else ledger.whole.newest.size)
        told += _years(ledger, year)
    return AuditReport(
        log=log,
        size=size,
        trust=trust.digest,
        calendar=(calendar.name, calendar.version, calendar.digest),
        as_of=as_of,
        as_of_given=as_of_given,
        rehearsal=trust.rehearsal,
        years=tuple(told),
    )


def read_ledger(view: LogView, trust: Trust, *, log: str, bureau: str, as_of: int, calendar: Calendar) -> Ledger:
    """Return a bureau's part of a log, every signature checked; whoever tells of many draws reads it once.

    Raises:
        AuditError: `log-does-not-hold`, `log-not-vouched-for`.
    """
    try:
        whole = read_log(view, trust, log=log, bureau=bureau, as_of=as_of)
    except CheckFailedError as error:
        # A log that is not what was signed proves nothing of anybody's year.
        raise AuditError("log-does-not-hold", reason=error.reason, **error.evidence) from None
    except CannotTellError as error:
        raise AuditError("log-not-vouched-for", reason=error.reason, **error.evidence) from None
    if whole.newest is None:
        raise AuditError("log-not-vouched-for", reason="no-quorum")
    return Ledger(log=log, bureau=bureau, trust=trust, as_of=as_of, calendar=calendar, view=view, whole=whole)


def _years(ledger: Ledger, year: int | None) -> Iterator[YearAudit]:
    known = {plan.year for _, plan in ledger.ours(Plan)}
    acts = (*ledger.of(ExceptionStatement), *ledger.of(Loss), *ledger.ours(Announcement), *ledger.ours(Draw))
    known |= {year_of(ledger.shown(entry.index)) for entry, _ in acts}
    known |= {year_of(ledger.shown(one.index)) for one in chain_findings(ledger) if one.index is not None}
    for each in sorted(known if year is None else known & {year}):
        yield _year(ledger, each)
        ledger.unknown.clear()


def _year(ledger: Ledger, year: int) -> YearAudit:
    drawn = tuple(lots(ledger, year))
    plans = slots.plans_of(ledger, year)
    versions = [version for planned in plans for version in planned.versions]
    held = ratios.ratios_of(ledger, drawn)
    directed = later.exceptions_of(ledger, year)
    teams = later.teams_of(drawn, directed)
    ends = ends_of(ledger, drawn)
    recused, notices = people.recusals(ledger, drawn)
    findings: list[AuditFinding] = [
        *(one for one in chain_findings(ledger) if one.index is None or year_of(ledger.shown(one.index)) == year),
        *lot_findings(ledger, drawn),
        *unfounded(ledger, year),
        *slots.slot_findings(ledger, plans, drawn),
        *slots.compliance_findings(ledger, plans, drawn),
        *registries.registry_findings(ledger, year, drawn),
        *registries.cap_findings(drawn),
        *registries.never_drawn(ledger, drawn, year),
        *ratios.ratio_findings(ledger, held, plans, drawn),
        *people.pair_findings(teams),
        *people.role_findings(ledger, year),
        *people.loss_findings(ledger, year),
        *people.sign_off_findings(ledger, drawn, versions),
        *notices,
        *outcomes.outcome_findings(ledger, drawn, ends),
        *later.exception_findings(drawn, directed, ends),
        *later.objection_findings(ledger, year),
    ]
    tables = (
        slots.plans_table(ledger, plans),
        slots.slots_table(ledger, plans, drawn),
        draws_table(drawn),
        voids_table(drawn),
        ratios.ratios_table(held),
        ratios.districts_table(ledger, drawn),
        registries.objects_table(ledger, drawn),
        registries.snapshots_table(ledger, year),
        people.loads_table(teams),
        people.pairs_table(teams),
        recused,
        people.signatures_table(ledger, drawn),
        later.substitutions_table(ledger, drawn),
        later.exceptions_table(directed),
        outcomes.results_table(ledger, drawn, ends),
        outcomes.types_table(ends),
        outcomes.timeliness_table(ledger, drawn, ends),
        later.objections_table(ledger, year),
    )
    return YearAudit(
        bureau=ledger.bureau, year=year, findings=in_order(findings), unknown=tuple(ledger.unknown), tables=tables
    )
