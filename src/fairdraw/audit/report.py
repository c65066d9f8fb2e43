"""What an audit says: findings first, in the order of their weight, then tables. specs/audit.md §3, §6."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from fairdraw.values import Scalar

Level = Literal["finding", "notice"]
Verdict = Literal["clean", "findings", "unknown"]

FINDINGS: Final = (
    "drawn-not-inspected", "draw-fails", "without-foundation", "chain-broken", "names-nothing", "two-texts-one-seq",
    "key-reported-lost",
    "singled-out", "forced-team", "re-rolled", "still-inspects", "overdue-substitution", "not-opened-in-time",
    "opened-late", "opened-early", "slot-added-late", "announced-again", "overdue-draw", "voided",
    "void-unannounced-reason", "slot-not-drawn", "item-outside-list", "exception-of-drawn-object",
    "exceptions-exceed-draws", "special-team", "registry-shrank", "numbers-changed", "over-cap", "year-below-floor",
    "below-floor", "quota-short", "against-regulation", "act-against-regulation", "act-of-undrawn", "wrong-role",
    "sign-off-missing", "supervisors-missing", "outcome-twice", "outcome-of-other-items", "outcomes-not-shown",
    "deferred-twice", "result-missing", "result-late", "inspected-late", "rectification-not-revisited",
    "noncooperation-not-published", "objection-unanswered", "plan-late", "regulation-not-in-force", "no-regulation",
)  # fmt: skip
"""What is wrong or unexplained, gravest first."""

NOTICES: Final = ("noncooperation-published", "repeated-pair", "recusals-by-declarer", "never-drawn")
"""What an honest year has too, and a reader should look at."""

_RANK: Final = {code: rank for rank, code in enumerate((*FINDINGS, *NOTICES))}
_ELSEWHERE: Final = _RANK["quota-short"]  # a finding of a later verifier is neither the first nor the last


@dataclass(frozen=True, slots=True)
class Term:
    """A code in a table, which people read as a word: the section `audit` of the wording."""

    code: str


Cell = str | int | Term | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFinding:
    """Something that is wrong, unexplained, or (a notice) worth a look.

    Attributes:
        code: one of `FINDINGS`, `NOTICES` or the findings of a verification.
        index: the entry that it is about, None where it is about the whole year.
        cite: the articles of the regulation that say so; empty where the rule is the project's own (specs/audit.md §3).
        evidence: what was expected and found.
    """

    code: str
    index: int | None
    cite: tuple[str, ...] = ()
    evidence: Mapping[str, object] = field(default_factory=dict)

    @property
    def level(self) -> Level:
        """Return whether it counts as a finding."""
        return "notice" if self.code in NOTICES else "finding"

    @property
    def sort_key(self) -> tuple[int, str, int, str]:
        """Return what findings are ordered by: weight, code, entry."""
        index = -1 if self.index is None else self.index
        return _RANK.get(self.code, _ELSEWHERE), self.code, index, repr(sorted(self.evidence.items()))

    def as_json(self) -> dict[str, object]:
        """Return it as plain values, for programs."""
        return {"code": self.code, "level": self.level, "entry": self.index, "cite": list(self.cite),
                "evidence": dict(self.evidence)}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """What cannot be told with what is at hand: a sealed draw, a missing artifact, a year without a calendar."""

    code: str
    index: int | None
    evidence: Mapping[str, object] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return it as plain values, for programs."""
        return {"code": self.code, "entry": self.index, "evidence": dict(self.evidence)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table: `code` and `header` are codes of the wording's section `audit`, and so are the cells that are terms."""

    code: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def as_json(self) -> list[dict[str, Scalar]]:
        """Return one object a row, for programs."""
        return [
            {name: cell.code if isinstance(cell, Term) else cell for name, cell in zip(self.header, row, strict=True)}
            for row in self.rows
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class YearAudit:
    """One year of one bureau."""

    bureau: str
    year: int
    findings: tuple[AuditFinding, ...]
    unknown: tuple[Unknown, ...]
    tables: tuple[Table, ...]

    def table(self, code: str) -> Table:
        """Return the table of a code."""
        return next(table for table in self.tables if table.code == code)

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the codes of the findings, notices left out, each once and in order."""
        return tuple(dict.fromkeys(one.code for one in self.findings if one.level == "finding"))

    def as_json(self) -> dict[str, object]:
        """Return the year as plain values, for programs."""
        return {
            "bureau": self.bureau,
            "year": self.year,
            "findings": [one.as_json() for one in self.findings],
            "unknown": [one.as_json() for one in self.unknown],
            "tables": {table.code: table.as_json() for table in self.tables},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """The outcome of an audit.

    Attributes:
        log: the log's origin; `size` how many entries of it a quorum vouches for.
        trust: SHA-256 of the reader's trust file.
        calendar: name, version and digest of the table of working days that deadlines were counted with.
        as_of: POSIX seconds up to which the log was considered; `as_of_given` whether the reader chose it.
        years: one for each bureau and year, by bureau and year.
    """

    log: str
    size: int
    trust: str
    calendar: tuple[str, str, str]
    as_of: int
    as_of_given: bool
    rehearsal: bool
    years: tuple[YearAudit, ...]

    @property
    def verdict(self) -> Verdict:
        """Return the one verdict: findings before what cannot be told."""
        if any(year.codes for year in self.years):
            return "findings"
        return "unknown" if not self.years or any(year.unknown for year in self.years) else "clean"

    @property
    def exit_code(self) -> int:
        """Return 0 no finding, 1 findings, 3 cannot tell."""
        return {"clean": 0, "findings": 1, "unknown": 3}[self.verdict]

    def as_json(self) -> dict[str, object]:
        """Return the report as plain values, for programs."""
        return {
            "v": 0,
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "log": self.log,
            "size": self.size,
            "trust": self.trust,
            "calendar": dict(zip(("name", "version", "digest"), self.calendar, strict=True)),
            "as_of": self.as_of,
            "as_of_given": self.as_of_given,
            "rehearsal": self.rehearsal,
            "years": [year.as_json() for year in self.years],
        }


def in_order(findings: Iterable[AuditFinding]) -> tuple[AuditFinding, ...]:
    """Return findings by weight, each said once."""
    told = {one.sort_key: one for one in findings}
    return tuple(told[key] for key in sorted(told))


def find(code: str, index: int | None, /, *, cite: tuple[str, ...] = (), **evidence: object) -> AuditFinding:
    """Return a finding about an entry, with the articles that it rests on and what was expected and found."""
    return AuditFinding(code=code, index=index, cite=cite, evidence=evidence)
