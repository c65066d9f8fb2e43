"""An audit as one HTML page with plots: no script, no link, nothing fetched, and nothing that a value could become.

The template is an argument; it is filled by jinja2 with escaping on (attack 46).
"""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from fairdraw.audit import AuditFinding, AuditReport, Term, Unknown, YearAudit
from fairdraw.audit.report import Table
from fairdraw.messages import Catalogue, visible
from fairdraw.render.audit import finding_text, headline, unknown_text
from fairdraw.render.parts import local_time
from fairdraw.render.plots import Bar, bars

SHOWN: Final = 40  # bars of a plot: the tables have them all


def audit_html(report: AuditReport, template: str, catalogues: Sequence[Catalogue]) -> str:
    """Return the page; `catalogues` are the languages in their order on the page, Chinese first."""
    style = template.partition("<style>")[2].partition("</style>")[0]
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["visible"] = lambda value: visible(str(value))
    environment.tests["term"] = lambda value: isinstance(value, Term)
    return environment.from_string(template).render(
        report=report,
        catalogues=catalogues,
        as_of=local_time(report.as_of),
        headline=headline,
        finding_text=finding_text,
        unknown_text=unknown_text,
        cites=_cites,
        where=_has_where,
        plots=_plots,
        # The policy lets in this one style sheet, by its hash, and nothing else.
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
    )


def _cites(finding: AuditFinding | Unknown) -> tuple[str, ...]:
    return finding.cite if isinstance(finding, AuditFinding) else ()


def _has_where(finding: AuditFinding | Unknown) -> bool:
    return finding.index is not None or bool(_cites(finding))


def _plots(year: YearAudit) -> list[tuple[str, Markup]]:
    """Return coverage by district, load by inspector, and how long results took."""
    told = [
        ("plot-districts", _coverage(year.table("districts"))),
        ("plot-loads", _loads(year.table("loads"))),
        ("plot-timeliness", _timeliness(year.table("timeliness"))),
    ]
    return [(code, drawing) for code, drawing in told if drawing]


def _number(cell: object) -> int:
    return cell if isinstance(cell, int) else 0


def _coverage(table: Table) -> Markup:
    rows = [(str(row[1]), _number(row[3]), _number(row[2])) for row in table.rows]
    return bars(
        [
            Bar(visible(name), 100 * drawn / rows_of if rows_of else 0, f"{drawn}/{rows_of}")
            for name, drawn, rows_of in rows[:SHOWN]
        ]
    )


def _loads(table: Table) -> Markup:
    rows = [(str(row[0]), _number(row[1])) for row in table.rows]
    mean = sum(load for _, load in rows) / len(rows) if rows else None
    return bars([Bar(visible(name), load, str(load)) for name, load in rows[:SHOWN]], limit=mean)


def _timeliness(table: Table) -> Markup:
    return bars([Bar(visible(str(row[0])), _number(row[1]), str(row[1]), row[2] == Term("late")) for row in table.rows])
