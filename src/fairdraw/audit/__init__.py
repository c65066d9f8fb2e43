"""An audit of a whole log: every draw of a year made again, and the year itself looked at. specs/audit.md.

The parts: `chain` (what counts, and when it was logged), `lots` (announcements and draws), `slots` (plans),
`registries`, `ratios`, `people`, `ends`, `outcomes` and `later` (what happened after the draws). It reads a log as
anybody has it, and a trust file and a table of working days of the reader's own; nothing of these is ever taken from
the log.
"""

from collections.abc import Iterable, Iterator, Sequence

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
from fairdraw.verify.case import LogView
from fairdraw.verify.report import CannotTellError, CheckFailedError
from fairdraw.verify.whole import hash_log, of_bureau

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
    "read_ledgers",
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
    newest = 0
    for ledger in read_ledgers(view, trust, log=log, bureaus=names, as_of=as_of, calendar=calendar):
        newest = ledger.newest.size
        told += _years(ledger, year)
    return AuditReport(
        log=log,
        size=newest,
        trust=trust.digest,
        calendar=(calendar.name, calendar.version, calendar.digest),
        as_of=as_of,
        as_of_given=as_of_given,
        rehearsal=trust.rehearsal,
        years=tuple(told),
    )


def read_ledgers(
    view: LogView, trust: Trust, *, log: str, bureaus: Iterable[str], as_of: int, calendar: Calendar
) -> Iterator[Ledger]:
    """Yield the parts of a log that are some bureaus', every signature checked; the log is hashed and read once.

    Raises:
        AuditError: `log-does-not-hold`, `log-not-vouched-for`.
    """
    try:
        hashed = hash_log(view, trust, log=log, as_of=as_of)
        if hashed.newest is None:
            raise AuditError("log-not-vouched-for", reason="no-quorum")
        for bureau in bureaus:
            yield Ledger(log=log, bureau=bureau, trust=trust, as_of=as_of, calendar=calendar, view=view,
                         whole=of_bureau(hashed, bureau))  # fmt: skip
    except CheckFailedError as error:
        # A log that is not what was signed proves nothing of anybody's year.
        raise AuditError("log-does-not-hold", reason=error.reason, **error.evidence) from None
    except CannotTellError as error:
        raise AuditError("log-not-vouched-for", reason=error.reason, **error.evidence) from None


def read_ledger(view: LogView, trust: Trust, *, log: str, bureau: str, as_of: int, calendar: Calendar) -> Ledger:
    """Return one bureau's part of a log, as `read_ledgers` does.

    Raises:
        AuditError: `log-does-not-hold`, `log-not-vouched-for`.
    """
    return next(read_ledgers(view, trust, log=log, bureaus=[bureau], as_of=as_of, calendar=calendar))


def _years(ledger: Ledger, year: int | None) -> Iterator[YearAudit]:
    known = {plan.year for _, plan in ledger.ours(Plan)}
    acts = (*ledger.of(ExceptionStatement), *ledger.of(Loss), *ledger.ours(Announcement), *ledger.ours(Draw))
    known |= {year_of(ledger.shown(entry.index)) for entry, _ in acts}
    of_the_chain = chain_findings(ledger)
    known |= {year_of(ledger.shown(one.index)) for one in of_the_chain if one.index is not None}
    for each in sorted(known if year is None else known & {year}):
        yield _year(ledger, each, of_the_chain)


def _year(ledger: Ledger, year: int, of_the_chain: Sequence[AuditFinding]) -> YearAudit:
    drawn = tuple(lots(ledger, year))
    plans = slots.plans_of(ledger, year)
    versions = [version for planned in plans for version in planned.versions]
    held = ratios.ratios_of(ledger, drawn)
    directed = later.exceptions_of(ledger, year)
    teams = later.teams_of(drawn, directed)
    ends = ends_of(ledger, drawn)
    recused, notices = people.recusals(ledger, drawn)
    findings: list[AuditFinding] = [
        *(one for one in of_the_chain if one.index is None or year_of(ledger.shown(one.index)) == year),
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
        bureau=ledger.bureau, year=year, findings=in_order(findings), unknown=ledger.take_unknown(), tables=tables
    )
