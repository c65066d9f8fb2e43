"""Audits of stories: what a supervisory body says of a log at some time."""

from collections.abc import Mapping
from typing import Any

from fairdraw.announcement import artifact_of
from fairdraw.audit import AuditFinding, AuditReport, YearAudit, audit
from fairdraw.calendar import published
from fairdraw.encoding import parse_time
from fairdraw.itemlist import format_items
from fairdraw.regulation import Item, Regulation, artifact_bytes
from fairdraw.schema import ItemList
from fairdraw.trust import Trust
from support import acts
from support.story import Story, Told, begin, rule, tell, trust

DECEMBER = parse_time("2026-12-20T00:00:00Z")  # every term of the stories is over, and the year is not
NEXT_YEAR = parse_time("2027-03-01T00:00:00Z")
UNIT, LEGAL, SUPERIOR = acts.S0, acts.S1, acts.S2
ROLES = {UNIT: "inspecting-unit", LEGAL: "legal", SUPERIOR: "superior"}


def at(told: Told, time: int) -> Told:
    """Move the clock, and have the log cosigned then."""
    told.story.now = max(told.story.now, time)
    told.story.checkpoint()
    return told


def report(told: Told, *, time: int = DECEMBER, roles: Mapping[str, str] | None = None, **changes: Any) -> AuditReport:
    """Return the audit of a story's log at a time; the log is cosigned then."""
    known: Trust = trust(told.story) if roles is None else acts.Roles(dict(roles)).trust(told.story)
    at(told, time)
    fields: dict[str, Any] = {"log": told.story.origin, "as_of": told.story.now, "calendar": published()}
    return audit(told.log(), known, **(fields | changes))


def year(told: Told, **changes: Any) -> YearAudit:
    """Return the audit of a story's first year."""
    return report(told, **changes).years[0]


def codes(told: Told, **changes: Any) -> set[str]:
    """Return the codes of all findings, notices included."""
    return {one.code for one in year(told, **changes).findings}


def finding(told: Told, code: str, **changes: Any) -> AuditFinding:
    """Return the first finding of a code."""
    return next(one for one in year(told, **changes).findings if one.code == code)


def inspected(story: Story | None = None, **changes: Any) -> Told:
    """Tell an honest story to its results."""
    told = tell(story, **changes)
    acts.result(told)
    return told


def listed(story: Story, regulation: Regulation, *items: str) -> dict[str, Any]:
    """Log an item list under a regulation; returns the fields of a plan that names both."""
    named = artifact_of(story.keep(artifact_bytes(regulation)))
    data = story.keep(
        format_items(Item(id=name, name=name, name_en=name, basis=("第一条",), cite=("第一条",)) for name in items)
    )
    entry = story.add(story.head().make(ItemList, items=artifact_of(data), regulation=named, reason=None))
    return {"regulation": named, "items": entry.ref}


def regulated(regulation: Regulation, *, plan: dict[str, Any] | None = None, **changes: Any) -> Told:
    """Tell a story under a regulation up to its announcement."""
    story = changes.pop("story", None) or Story()
    fields = listed(story, regulation, "fund-use")
    return begin(story, plan=fields | (plan or {}), **changes)


def floored(*slots: str, ratio: str = "1/10", floor: str = "1/10") -> dict[str, Any]:
    """Return a rule that holds all types together to a floor."""
    return rule(*slots, strata=(), ratios=({"of": (), "ratio": ratio, "rounding": "ceil", "floor": floor},))
