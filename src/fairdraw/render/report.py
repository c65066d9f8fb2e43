"""A verification's report for people: the verdict first, then each check, its evidence, and what to do.

A result that did not hold is never shown as if it were one: what the verifier drew itself is labelled as its own, and
a check that waits for a failed one has neither tick nor cross (attack 45).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from fairdraw import encoding
from fairdraw.messages import Catalogue
from fairdraw.render.columns import cells, indented, pad
from fairdraw.verify.report import Check, Report

WIDTH: Final = 80
MARKS: Final = {"holds": "✔", "fails": "✘", "unknown": "?", "not-asked": "–"}
WAITING: Final = "–"
SHOWN: Final = 20  # drawn objects: a report is read, the result list is the place to look one up

SHORT: Final = 16  # digits of a hash in the evidence; the JSON has it whole
TIMES: Final = frozenset({"as_of", "claimed", "cosigned", "limit", "round", "shown", "time"})
YEAR_2001: Final = 1_000_000_000  # POSIX seconds: below, a number in a time's place is a beacon's round or a count


def report_text(report: Report, catalogue: Catalogue, *, width: int = WIDTH) -> str:
    """Return a report as plain text of lines up to `width` wide, each ended by a newline."""
    lines = [*_verdict(report, catalogue, width), ""]
    failing = [check for check in report.checks if check.state == "fails"]
    if failing:
        lines += indented(catalogue.say("verdict", "not-proven"), width=width, first="")
        lines += [line for check in failing for line in _in_full(report, check, catalogue, width)]
        lines.append("")
    lines.append(catalogue.say("word", "checks"))
    for check in report.checks:
        # A failed one was told in full above.
        lines += (
            _in_short(report, check, catalogue, width)
            if check in failing
            else _in_full(report, check, catalogue, width)
        )
    lines += ["", *_findings(report, catalogue, width)]
    lines += _recomputed(report, catalogue, width)
    if report.kind == "slip":
        lines += ["", *indented(catalogue.say("verdict", "slip-limit"), width=width, first="")]
    lines += ["", *_names(report, catalogue)]
    return "".join(line + "\n" for line in lines)


def headline(report: Report, catalogue: Catalogue) -> str:
    """Return the verdict in one line: rehearsal first, and the as-of time if the reader chose one."""
    states = [check.state for check in report.checks]
    count = states.count(report.verdict)
    code, params = report.verdict, {"count": count}
    sealed = _sealed_until(report)
    if report.kind == "slip":
        told = catalogue.say("verdict", f"slip-{code}", **params)
    elif sealed:
        told = catalogue.say("verdict", "sealed", date=sealed)
    else:
        told = catalogue.say("verdict", code, **params)
    if report.rehearsal:
        told = catalogue.say("verdict", "rehearsal") + told
    if report.as_of_given:
        told += catalogue.say("verdict", "as-of", time=encoding.format_time(report.as_of))
    return told


def _verdict(report: Report, catalogue: Catalogue, width: int) -> Iterator[str]:
    mark = MARKS[report.verdict]
    yield from indented(headline(report, catalogue), width=width, first=f"{mark} ")
    asked = {check.code: check.state for check in report.checks}
    if report.kind == "slip":
        yield from indented(_looked_for(report, catalogue), width=width, first="")
    elif asked.get("no-other-draw") == "not-asked" and report.verdict == "holds":
        yield catalogue.say("verdict", "bundle-only")


def _sealed_until(report: Report) -> str | None:
    """Return the date of a draw of which all but the sealed content holds, else None."""
    sealed = [check for check in report.checks if check.reason == "sealed-until"]
    waiting = all(
        check.state in {"holds", "not-asked"} or check in sealed or check.depends == "disclosure"
        for check in report.checks
    )
    return str(sealed[0].evidence["date"]) if sealed and waiting else None


def _looked_for(report: Report, catalogue: Catalogue) -> str:
    states = {check.code: check for check in report.checks}
    later = states.get("later-acts")
    if later is not None and later.state in {"holds", "fails"}:
        return catalogue.say("verdict", "later-acts", time=encoding.format_time(report.as_of))
    cosigned = states["witness-quorum"].evidence.get("time")
    time = encoding.format_time(cosigned) if isinstance(cosigned, int) else catalogue.say("word", "none")
    return catalogue.say("verdict", "later-acts-not", time=time)


def _line(report: Report, check: Check, says: str, catalogue: Catalogue, width: int) -> list[str]:
    mark = WAITING if check.depends else MARKS[check.state]
    title = catalogue.check(check.code, check.state, kind=report.kind).title
    column = max(cells(catalogue.check(one.code, "holds", kind=report.kind).title) for one in report.checks)
    return indented(says, width=width, first=f" {mark} {pad(title, column)}  ")


def _in_short(report: Report, check: Check, catalogue: Catalogue, width: int) -> list[str]:
    words = catalogue.check(check.code, check.state, kind=report.kind)
    return _line(report, check, words.says, catalogue, width)


def _in_full(report: Report, check: Check, catalogue: Catalogue, width: int) -> list[str]:
    if check.depends:
        waits_for = catalogue.check(check.depends, "holds", kind=report.kind).title
        return _line(report, check, catalogue.say("word", "depends", check=waits_for), catalogue, width)
    evidence = shortened(check.evidence, catalogue)
    words = catalogue.check(check.code, check.state, check.reason, evidence, kind=report.kind)
    lines = _line(report, check, words.says, catalogue, width)
    if check.state == "holds":
        beside = [("evidence", catalogue.listed(evidence))]
    else:
        beside = [("why", words.why), ("do", words.do)]
    for label, told in beside:
        if told:
            lines += indented(_labelled(label, told, catalogue), width=width, first=" " * 5)
    return lines


def _labelled(label: str, told: str, catalogue: Catalogue) -> str:
    return catalogue.say("word", label) + catalogue.mark("colon") + told


def shortened(evidence: Mapping[str, object], catalogue: Catalogue) -> dict[str, object]:
    """Return evidence as people read it: hashes cut, times written out, long lists counted."""
    return {name: _short(name, value, catalogue) for name, value in evidence.items()}


def _short(name: str, value: object, catalogue: Catalogue) -> object:
    if isinstance(value, int) and name in TIMES and YEAR_2001 <= value <= encoding.LAST_TIME:
        return encoding.format_time(value)
    if isinstance(value, str):
        is_hash = len(value) == 64 and set(value) <= set("0123456789abcdef")
        return value[:SHORT] + "…" if is_hash else value
    if isinstance(value, dict):
        return shortened(value, catalogue)
    if isinstance(value, list | tuple):
        told = [_short("", item, catalogue) for item in value[:SHORT]]
        return told if len(value) <= SHORT else [*told, catalogue.say("verdict", "more", count=len(value) - SHORT)]
    return value


def _findings(report: Report, catalogue: Catalogue, width: int) -> Iterator[str]:
    yield catalogue.say("word", "findings")
    if not report.findings:
        yield f"   {catalogue.say('word', 'no-findings')}"
    for finding in report.findings:
        told = catalogue.tell("finding", finding.code, shortened(finding.evidence, catalogue))
        yield from indented(told, width=width, first=" ! ")


def _recomputed(report: Report, catalogue: Catalogue, width: int) -> Iterator[str]:
    if not report.drawn:
        return
    states = {check.code: check.state for check in report.checks}
    same = states.get("record-matches") == "holds" and not report.failed
    yield ""
    yield from indented(catalogue.say("verdict", "recomputed-same" if same else "recomputed"), width=width, first="")
    column = max(cells(no) for no, _ in report.drawn[:SHOWN])
    for no, team in report.drawn[:SHOWN]:
        yield from indented(" ".join(team), width=width, first=f"   {pad(no, column)}  ")
    if len(report.drawn) > SHOWN:
        yield "   " + catalogue.say("verdict", "more", count=len(report.drawn) - SHOWN)


def _names(report: Report, catalogue: Catalogue) -> Iterator[str]:
    yield _labelled("subject", report.subject, catalogue)
    yield _labelled("trust", report.trust, catalogue)
