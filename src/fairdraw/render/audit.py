"""An audit for people: findings first, each with its entry and article, then the tables; as text and as CSV.

Nothing is left out of a table but what does not fit a terminal: the CSV and the JSON have it whole.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from fairdraw import encoding
from fairdraw.audit import AuditFinding, AuditReport, Table, Term, YearAudit
from fairdraw.audit.report import Cell, Unknown
from fairdraw.messages import Catalogue, visible
from fairdraw.render.columns import indented, table
from fairdraw.render.csvfile import csv_text
from fairdraw.render.report import WIDTH, shortened

ROWS: Final = 12  # rows of a table in a terminal


def audit_text(report: AuditReport, catalogue: Catalogue, *, width: int = WIDTH) -> str:
    """Return an audit as plain text of lines up to `width` wide, each ended by a newline."""
    lines = [*indented(headline(report, catalogue), width=width, first=_mark(report))]
    for year in report.years:
        lines += ["", catalogue.say("audit", "year-of", bureau=year.bureau, year=year.year)]
        lines += _findings(year, catalogue, width)
        for told in year.tables:
            if told.rows:
                lines += ["", *_table(told, catalogue, width)]
    name, version, digest = report.calendar
    beside = [("log", report.log), ("trust", report.trust), ("calendar", f"{name} {version} {digest[:16]}…")]
    lines += ["", *(catalogue.say("audit", code) + catalogue.mark("colon") + visible(value) for code, value in beside)]
    return "".join(line + "\n" for line in lines)


def _mark(report: AuditReport) -> str:
    return {"clean": "✔ ", "findings": "✘ ", "unknown": "? "}[report.verdict]


def headline(report: AuditReport, catalogue: Catalogue) -> str:
    """Return the audit's verdict in one line."""
    count = sum(one.level == "finding" for year in report.years for one in year.findings)
    unknown = sum(len(year.unknown) for year in report.years)
    code = f"verdict-{report.verdict}" if report.years else "verdict-nothing"
    told = catalogue.say("audit", code, count=count, unknown=unknown, entries=report.size)
    if report.rehearsal:
        told = catalogue.say("verdict", "rehearsal") + told
    if report.as_of_given:
        told += catalogue.say("verdict", "as-of", time=encoding.format_time(report.as_of))
    return told


def finding_text(finding: AuditFinding, catalogue: Catalogue) -> str:
    """Return a finding in one sentence."""
    if finding.code == "against-regulation":
        # What a rule asks for has its own sentences, which the bureau reads before it logs anything.
        rest = {name: value for name, value in finding.evidence.items() if name != "rule"}
        told = catalogue.tell("fault", str(finding.evidence["rule"]), shortened(rest, catalogue))
        return catalogue.say("finding", finding.code, rule=told)
    return catalogue.tell("finding", finding.code, shortened(finding.evidence, catalogue))


def unknown_text(unknown: Unknown, catalogue: Catalogue) -> str:
    """Return in one sentence why something cannot be told."""
    return catalogue.reason(unknown.code, shortened(unknown.evidence, catalogue))


def where_text(finding: AuditFinding | Unknown, catalogue: Catalogue) -> str:
    """Return which entry a finding is about, and the articles that it rests on."""
    cite = map(visible, finding.cite) if isinstance(finding, AuditFinding) else ()
    parts = [] if finding.index is None else [catalogue.say("audit", "entry-of", index=finding.index)]
    return catalogue.mark("between").join([*parts, *cite])


def _findings(year: YearAudit, catalogue: Catalogue, width: int) -> Iterator[str]:
    found = [one for one in year.findings if one.level == "finding"]
    if not found:
        yield f"   {catalogue.say('word', 'no-findings')}"
    for one in found:
        yield from _told(finding_text(one, catalogue), where_text(one, catalogue), "!", width)
    for unknown in year.unknown:
        yield from _told(unknown_text(unknown, catalogue), where_text(unknown, catalogue), "?", width)
    for one in year.findings:
        if one.level == "notice":
            yield from _told(finding_text(one, catalogue), where_text(one, catalogue), "·", width)


def _told(sentence: str, where: str, mark: str, width: int) -> list[str]:
    return indented(sentence, width=width, first=f" {mark} ") + (
        indented(where, width=width, first=" " * 5) if where else []
    )


def cell_text(cell: Cell, catalogue: Catalogue) -> str:
    """Return a cell as people read it."""
    if isinstance(cell, Term):
        return catalogue.say("audit", cell.code)
    return "" if cell is None else catalogue.show(cell)


def _table(told: Table, catalogue: Catalogue, width: int) -> Iterator[str]:
    yield catalogue.say("audit", f"table-{told.code}")
    header = [catalogue.say("audit", name) for name in told.header]
    rows = [[cell_text(cell, catalogue) for cell in row] for row in told.rows[:ROWS]]
    yield from (f"  {line}" for line in table([header], rows, width=width - 2))
    if len(told.rows) > ROWS:
        yield "  " + catalogue.say("verdict", "more", count=len(told.rows) - ROWS)


def audit_csv(report: AuditReport) -> dict[str, str]:
    """Return the audit as CSV files by name, findings first: codes and numbers as they are, for programs and sheets."""
    findings: list[tuple[Cell, ...]] = [
        (year.bureau, year.year, one.level, one.code, one.index, "; ".join(one.cite), _plain(one.evidence))
        for year in report.years
        for one in year.findings
    ]
    findings += [
        (year.bureau, year.year, "unknown", one.code, one.index, "", _plain(one.evidence))
        for year in report.years
        for one in year.unknown
    ]  # fmt: skip
    header = ("bureau", "year", "level", "code", "entry", "cite", "evidence")
    files = {"findings.csv": _sheet(header, findings)}
    for code in dict.fromkeys(told.code for year in report.years for told in year.tables):
        tables = [(year, year.table(code)) for year in report.years]
        rows = [(year.bureau, year.year, *row) for year, told in tables for row in told.rows]
        files[f"{code}.csv"] = _sheet(("bureau", "year", *tables[0][1].header), rows)
    return files


def _plain(evidence: Mapping[str, object]) -> str:
    return "; ".join(f"{name}={value}" for name, value in evidence.items())


def _sheet(header: tuple[str, ...], rows: list[tuple[Cell, ...]]) -> str:
    return csv_text(header, ([cell.code if isinstance(cell, Term) else cell for cell in row] for row in rows))
