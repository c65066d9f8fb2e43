"""A simulated year under each regulation, from item list and plans to what an audit finds of it.

`python -m examples.year shuozhou-2023` tells it and prints what the verifications and the audit say. Every number of
objects and inspectors gives the same year in every run.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from examples import after
from examples.draws import Matter, Year
from examples.world import ORIGIN, Bend, World
from fairdraw.acts import OutcomeLine
from fairdraw.audit import AuditReport, audit
from fairdraw.calendar import published
from fairdraw.conduct import due_day
from fairdraw.encoding import parse_time
from fairdraw.statement import Entry
from fairdraw.verify import Report, verify_bundle
from fairdraw_cli.regulations import IDS, load

COUNTY: Final = (400, 30)
PROVINCE: Final = (60_000, 1_000)
PUBLISHED: Final = 20  # days after the first visit
LATE: Final = 45  # further days after which the one late result of a year is published


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What a year has besides its draws; the days are those of its files.

    Attributes:
        year: the calendar year.
        plans: which plan files are logged before which draw file.
        exception: the reason of an inspection outside the draw, None where the document lists none.
        special_team: whether a team is formed for special circumstances.
        substitution: the reason for which an inspector drops out, None where nobody does.
        deferral: the reason for which an object is inspected later.
        withheld: why one outcome is not published.
        planned: what an audit finds of the year although everything went as told, notices left out.
    """

    year: int
    plans: Mapping[str, tuple[str, ...]]
    exception: str | None = None
    special_team: bool = False
    substitution: str | None = None
    deferral: str | None = None
    withheld: str | None = None
    planned: frozenset[str] = field(default_factory=lambda: frozenset({"result-late"}))


SCRIPTS: Final[Mapping[str, Script]] = {
    "shandong-2020": Script(
        year=2021, plans={"DRAW-1.toml": ("PLAN.toml",), "DRAW-3.toml": ("SPECIAL.toml",)}, exception="complaint",
        substitution="unable", withheld="business-secret",
        # The special plan comes after the first outcome of its item: a reader should ask why, and finds the complaints.
        planned=frozenset({"result-late", "slot-added-late"}),
    ),
    "shuozhou-2023": Script(
        year=2024, plans={"DRAW-1.toml": ("PLAN.toml", "SPECIAL.toml")}, special_team=True,
        planned=frozenset({"result-late", "special-team"}),
    ),
    "laiyuan": Script(
        year=2024, plans={"DRAW-1.toml": ("PLAN.toml", "SPECIAL.toml")}, exception="complaint",
    ),
    "shanghai-2024": Script(
        year=2025,
        plans={"DRAW-1.toml": ("PLAN.toml", "SPECIAL.toml"), "DRAW-2.toml": ("PLAN-2.toml",)},
        exception="complaint", substitution="unable", deferral="other-matters", withheld="privacy",
    ),
    "plan-2025": Script(
        year=2025, plans={"DRAW-1.toml": ("PLAN.toml", "SPECIAL.toml")}, substitution="unable",
    ),
}  # fmt: skip


def tell(regulation: str, *, objects: int = COUNTY[0], inspectors: int = COUNTY[1], bend: Bend | None = None) -> Year:
    """Tell a year from its item list to its last result; `bend` may change what is signed."""
    script = SCRIPTS[regulation]
    year = Year(
        id=regulation, regulation=load(regulation), world=World(now=0, bend=bend), objects=objects,
        inspectors=inspectors,
    )  # fmt: skip
    year.world.until(f"{script.year}-01-11")
    year.list_items()
    files = sorted(path.name for path in year.folder.glob("DRAW-*.toml"))
    for file in files:
        for plan in script.plans.get(file, ()):
            year.plan(plan)
        matter = year.draw(file)
        _inspect(year, script, matter, first=file == files[0], last=file == files[-1])
    return year


def _inspect(year: Year, script: Script, matter: Matter, *, first: bool, last: bool) -> None:
    """Tell what comes of a draw; most of what can happen, happens to the first one of the year."""
    drawn = [one.no for one in matter.outcome.selection.drawn]
    if not drawn:
        return
    if first and script.substitution is not None:
        after.substitute(year, matter, script.substitution)
    if first and script.exception is not None:
        after.inspect_outside(year, matter, script.exception)
    if first and script.special_team:
        after.inspect_outside(year, matter, "linked-cases", special=True)
    begins = after.first_visit(matter)
    deferred, gone, *others = [*drawn[1:], *[None] * 2] if first else [None, None, *drawn[1:]]
    deferred = None if script.deferral is None else deferred
    tardy = drawn[0] if last else None
    if deferred is not None and script.deferral is not None:
        after.defer(year, matter, deferred, script.deferral, after.later(begins, 30))
    after.unseal(year, matter)
    lines = _lines(year, script, matter, [no for no in others if no is not None] if first else [])
    year.world.until(after.later(begins, PUBLISHED))
    soon = [line for no, line in lines.items() if no not in {deferred, gone, tardy}]
    result = after.publish(year, matter, soon)
    after.open_names(year, matter, [line.no for line in soon])
    if gone is not None:
        after.correct(year, matter, matter.draw, [after.closed(gone)], "object-dissolved", "closed")
    if first and soon:
        after.object_to(year, matter, result, soon[0].no)
    if deferred is not None:
        year.world.until(after.later(begins, PUBLISHED + 20))
        after.publish(year, matter, [after.outcome(year, matter, deferred, day=after.later(begins, 29))], "deferred")
    _revisit(year, matter, result, soon, "revisit")
    if tardy is not None:
        year.world.until(after.later(begins, PUBLISHED + LATE))
        line = after.outcome(year, matter, tardy)
        _revisit(year, matter, after.publish(year, matter, [line], "late"), [line], "late-revisit")


def _lines(year: Year, script: Script, matter: Matter, strange: list[str]) -> dict[str, OutcomeLine]:
    """Return the outcomes of a draw by object; what is out of the ordinary happens to the first of `strange`."""
    told = {one.no: after.outcome(year, matter, one.no) for one in matter.outcome.selection.drawn}
    rules, day = year.regulation, after.first_visit(matter)
    changes: list[dict[str, object]] = []
    if script.withheld is not None:
        changes.append({"result": None, "findings": (), "transfers": (), "withheld": script.withheld})
    if rules.form_refusal is not None:
        changes.append({"form": None, "refusal": after.refused()})
    if rules.noncooperation is not None:
        acts = tuple(sorted((day, code) for code in rules.codes("noncooperation_acts")[:2]))
        changes.append({"first": day, "last": day, "checked": day, "due": due_day(rules, day, published()),
                        "result": "obstructed", "noncooperation": acts, "findings": (), "rectify": None})  # fmt: skip
    if rules.leniency:
        small = after.lenient("none", 2, "amount-below", "overcharge", 99_999)
        once = after.lenient("first-time", 2, "first-found", "records-missing", None)
        changes.append({"result": "corrected", "findings": ("overcharge",), "leniency": (small,)})
        changes.append({"result": "corrected", "findings": ("records-missing",), "leniency": (once,)})
    if rules.reuse:
        changes.append({"form": None, "recognised": after.recognised(matter.name)})
    for no, change in zip(strange, changes, strict=False):
        told[no] = after.outcome(year, matter, no, **change)
    return told


def _revisit(year: Year, matter: Matter, result: Entry, lines: list[OutcomeLine], step: str) -> None:
    """Visit those again that had something to put right, after their term, where the document asks for it."""
    if year.regulation.revisit is None:
        return
    again = [line for line in lines if line.rectify is not None]
    if not again:
        return
    day = max(after.later(line.rectify.until, 2) for line in again if line.rectify is not None)
    year.world.until(day)
    told = [
        line.model_copy(update={"rectify": line.rectify.model_copy(update={"revisited": day})})
        for line in again
        if line.rectify is not None
    ]
    after.correct(year, matter, result, told, "revisited", step)


def verify(year: Year, matter: Matter) -> Report:
    """Return the verification of a draw's bundle with the whole log."""
    return verify_bundle(year.bundle(matter), year.world.trust, as_of=year.world.now, as_of_given=True,
                         log=year.world.view())  # fmt: skip


def audited(year: Year) -> AuditReport:
    """Return the audit of the year, when every term of it is over."""
    _rest(year)
    return audit(year.world.view(), year.world.trust, log=ORIGIN, as_of=year.world.now, as_of_given=True,
                 calendar=published())  # fmt: skip


def _rest(year: Year) -> None:
    """Let the log be cosigned once more when all terms are over."""
    end = f"{SCRIPTS[year.id].year + 1}-03-01"
    if year.world.now < parse_time(f"{end}T00:00:00Z"):
        year.world.until(end)
        year.world.checkpoint()


def main(names: list[str]) -> int:
    """Tell the years and print, for each, the verdicts of its draws and the findings of its audit."""
    code = 0
    for name in names or list(IDS):
        year = tell(name)
        report = audited(year)
        sys.stdout.write(f"{name}: {len(year.world.entries)} entries\n")
        for matter in year.matters.values():
            one = verify(year, matter)
            sys.stdout.write(f"  {matter.name}: {one.verdict} {' '.join(sorted({f.code for f in one.findings}))}\n")
        for told in report.years:
            sys.stdout.write(f"  {told.year}: {' '.join(told.codes)}\n")
            code = code or (set(told.codes) != SCRIPTS[name].planned)
    return int(code)


__all__ = ["COUNTY", "IDS", "PROVINCE", "SCRIPTS", "Script", "audited", "main", "tell", "verify"]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
