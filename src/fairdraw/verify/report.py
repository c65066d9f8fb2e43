"""What a verification says: an ordered list of checks, findings beside them, and one verdict. specs/verification.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

CODES: Final = (
    "format", "trust", "log-signature", "witness-quorum", "bureau-chain", "plan-before-snapshots", "snapshots",
    "rosters", "announcement-logged", "announcement-before-pulse", "first-of-slot", "closed-inputs", "append-only",
    "pulse", "seed", "disclosure", "quotas", "selection", "assignment", "record-logged", "record-matches",
    "no-other-draw", "later-acts", "regulation",
)  # fmt: skip

State = Literal["holds", "fails", "unknown", "not-asked"]
Verdict = Literal["holds", "fails", "unknown"]
EXIT_CODES: Final[Mapping[Verdict, int]] = {"holds": 0, "fails": 1, "unknown": 3}


class CheckFailedError(Exception):
    """A check does not hold: `reason` is a stable code, `evidence` what was expected and found."""

    def __init__(self, reason: str, /, **evidence: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.evidence = evidence


class CannotTellError(Exception):
    """A check is not possible with what is at hand: `reason` is a stable code."""

    def __init__(self, reason: str, /, **evidence: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.evidence = evidence


@dataclass(frozen=True, slots=True)
class Check:
    """One check's outcome. `reason` is empty where it holds; `depends` names the check it waited for in vain."""

    code: str
    state: State
    reason: str = ""
    depends: str = ""
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that no rule forbids and that a reader should know."""

    code: str
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of a verification.

    Attributes:
        kind: "bundle" or "slip".
        subject: text hash of the draw, or of the announcement where no draw was logged.
        trust: SHA-256 of the trust file.
        as_of: POSIX seconds up to which the log was considered; `as_of_given` whether the reader chose it.
        drawn: what the verifier drew itself: (object number, team numbers), in order; empty if it could not.
        final: the same after substitutions and special teams; empty where later acts could not be judged.
    """

    kind: str
    subject: str
    trust: str
    as_of: int
    as_of_given: bool
    rehearsal: bool
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    drawn: tuple[tuple[str, tuple[str, ...]], ...] = ()
    final: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Return the one verdict: one failure fails the whole; one check not possible forbids "holds"."""
        states = {check.state for check in self.checks}
        return "fails" if "fails" in states else "unknown" if "unknown" in states else "holds"

    @property
    def exit_code(self) -> int:
        """Return 0 holds, 1 does not hold, 3 cannot tell."""
        return EXIT_CODES[self.verdict]

    def check(self, code: str) -> Check:
        """Return the check of a code."""
        return next(check for check in self.checks if check.code == code)

    @property
    def failed(self) -> tuple[str, ...]:
        """Return the codes of the checks that do not hold, in order."""
        return tuple(check.code for check in self.checks if check.state == "fails")

    def as_json(self) -> dict[str, object]:
        """Return the report as plain values, for programs."""
        return {
            "v": 0,
            "kind": self.kind,
            "subject": self.subject,
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "trust": self.trust,
            "as_of": self.as_of,
            "as_of_given": self.as_of_given,
            "rehearsal": self.rehearsal,
            "checks": [
                {
                    "code": check.code,
                    "state": check.state,
                    "reason": check.reason,
                    "depends": check.depends,
                    "evidence": dict(check.evidence),
                }
                for check in self.checks
            ],
            "findings": [{"code": one.code, "evidence": dict(one.evidence)} for one in self.findings],
            "drawn": [[no, list(team)] for no, team in self.drawn],
            "final": [[no, list(team)] for no, team in self.final],
        }
