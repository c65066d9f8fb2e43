"""What comes after a draw: calls, substitutions, deferrals, exceptions, results. Every step may be bent by a test."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fairdraw.acts import (
    Inspection,
    Line,
    Named,
    OutcomeLine,
    Substitute,
    Vacancy,
    format_act,
    format_outcomes,
    read_act,
)
from fairdraw.announcement import artifact_of
from fairdraw.encoding import digest
from fairdraw.schema import (
    Correction,
    Deferral,
    ExceptionStatement,
    Result,
    SignOff,
    Statement,
    Substitution,
    SubstitutionCall,
)
from fairdraw.statement import Entry
from fairdraw.substitution import Standing, call_key, redraw
from fairdraw.trust import Trust, parse_trust
from fairdraw.values import Source, Value
from fairdraw.verify import Report, verify_bundle
from support.story import Story, Told, trust_text

S0, S1, S2 = (f"s{i}.example.cn/rehearsal" for i in range(3))
FORM = digest(b"a signed form")


def standing(told: Told) -> Standing:
    """Return who inspects what by the draw."""
    drawn = told.outcome().assignment
    return Standing(teams=drawn.teams, experts=drawn.experts, caps=drawn.caps, out=frozenset())


def somebody(told: Told, at: int = 0) -> tuple[str, str]:
    """Return a drawn object and the first inspector of its team."""
    no = told.outcome().selection.drawn[at].no
    return no, told.outcome().assignment.teams[no][0][1]


def kept(story: Story, value: Value) -> Any:
    """Store an act's artifact and return what a statement says of it."""
    return artifact_of(story.keep(format_act(value)))


def call(told: Told, no: str, inspector: str, *, in_: int = 3600, **changes: Any) -> Entry:
    """Let the bureau call for a substitute, with a supervisor, a round `in_` seconds from now, and have it cosigned."""
    story = told.story
    assert told.draw is not None
    fields: dict[str, Any] = {
        "draw": told.draw.ref,
        "vacancy": kept(story, Vacancy(inspector=inspector, no=no)),
        "declaration": digest(f"{inspector} is ill".encode()),
        "reason": "unable",
        "beacon": (Source(beacon="practice", hash=story.chain.hash,
                          round=story.chain.round_at_or_after(story.now + in_)),),
        "margin": 300,
        "embargo": None,
        "with_": (S0,),
    }  # fmt: skip
    entry = story.add(story.head().make(SubstitutionCall, **(fields | changes)))
    story.now += 60
    return entry


def waited(told: Told, called: Entry) -> None:
    """Have the log cosigned, and move past a call's round."""
    story = told.story
    story.checkpoint()
    story.now = max(story.now, story.chain.time_of(called.of(SubstitutionCall).beacon[0].round) + 5)


def follow(told: Told, called: Entry, before: Standing | None = None, **changes: Any) -> tuple[Entry, Substitute]:
    """Let the bureau log the substitution of a call; `changes` are its own idea of the statement or of who comes in."""
    story, said = told.story, called.of(SubstitutionCall)
    pulses = story.pulses(said)
    randomness = story.randomness(said)
    key = call_key(called, pulses=randomness, embargo=None).key()
    vacancy = changes.pop("vacancy", None)
    if vacancy is None:
        vacancy = read_act(Vacancy, story.artifacts[said.vacancy.digest])
    made = redraw(key, told.inputs(), before or standing(told), vacancy)
    bent = {name: changes.pop(name) for name in ("in_", "ticket", "eligible") if name in changes}
    made = made.model_copy(update=bent)
    fields: dict[str, Any] = {"call": called.ref, "pulses": pulses, "key": key.hex(), "result": kept(story, made)}
    entry = story.add(story.head().make(Substitution, **(fields | changes)))
    story.now += 60
    story.checkpoint()
    return entry, made


def substituted(told: Told, no: str | None = None, inspector: str | None = None) -> tuple[Entry, Entry, Substitute]:
    """Let one inspector drop out and another be drawn; returns call, substitution and who came in."""
    place = somebody(told) if no is None or inspector is None else (no, inspector)
    called = call(told, *place)
    waited(told, called)
    entry, made = follow(told, called)
    return called, entry, made


def outcome(told: Told, no: str | None = None, **changes: Any) -> OutcomeLine:
    """Return an honest outcome of a drawn object."""
    fields: dict[str, Any] = {
        "no": no or told.outcome().selection.drawn[0].no,
        "items": ("fund-use",),
        "method": "site",
        "first": "2026-09-10",
        "last": "2026-09-11",
        "checked": "2026-09-11",
        "notice": digest(b"a notice"),
        "form": FORM,
        "refusal": None,
        "result": "none-found",
        "findings": (),
        "leniency": (),
        "noncooperation": (),
        "transfers": (),
        "rectify": None,
        "due": None,
        "recognised": None,
        "withheld": None,
    }
    return OutcomeLine.model_validate(fields | changes)


def act(told: Told, kind: type[Statement], *, by: str | None = None, **fields: Any) -> Entry:
    """Let the bureau, or a supervisor, log an act and have it cosigned."""
    story = told.story
    head = story.head() if by is None else story.head(by)
    entry = story.add(head.make(kind, **fields))
    story.now += 60
    story.checkpoint()
    return entry


def result(told: Told, *lines: Line, by: str | None = None) -> Entry:
    """Log a result with these outcomes (default: one of each drawn object)."""
    assert told.draw is not None
    told_lines = lines or tuple(outcome(told, one.no) for one in told.outcome().selection.drawn)
    data, listing = format_outcomes(told_lines)
    told.story.keep(data)
    return act(told, Result, by=by, draw=told.draw.ref, outcomes=listing)


def correction(told: Told, of: Entry, *lines: Line, by: str | None = None, reason: str = "error") -> Entry:
    """Log a correction of a result."""
    data, listing = format_outcomes(lines)
    told.story.keep(data)
    return act(told, Correction, by=by, result=of.ref, outcomes=listing, reason=reason)


def deferral(told: Told, no: str, **changes: Any) -> Entry:
    """Let an object be inspected later, on its application."""
    assert told.draw is not None
    fields: dict[str, Any] = {"draw": told.draw.ref, "deferred": kept(told.story, Named(no=no)),
                              "application": digest(b"an application"), "reason": "other-matters",
                              "until": "2026-12-31"}  # fmt: skip
    return act(told, Deferral, **(fields | changes))


def exception(
    told: Told, *objects: str, inspectors: Sequence[str] = ("I-0000", "I-0001"), reason: str = "complaint",
    draw: Entry | None = None,
) -> Entry:  # fmt: skip
    """Log an inspection outside the draw, or by a special team of one."""
    done = Inspection(date="2026-09-12", inspectors=tuple(sorted(inspectors)), items=("fund-use",),
                      objects=tuple(sorted(objects)))  # fmt: skip
    fields = {"reason": reason, "inspection": kept(told.story, done), "draw": None if draw is None else draw.ref}
    return act(told, ExceptionStatement, **fields)


def signed_off(told: Told, of: Entry, role: str, *, by: str = S0) -> Entry:
    """Let a supervisor sign off a statement."""
    return act(told, SignOff, by=by, of=of.ref, role=role)


@dataclass(frozen=True)
class Roles:
    """A reader's trust file in which supervisors have these roles instead of `discipline`."""

    of: dict[str, str]

    def trust(self, story: Story) -> Trust:
        text = trust_text(story)
        for name, role in self.of.items():
            text = text.replace(f"supervisor {name} discipline ", f"supervisor {name} {role} ")
        return parse_trust(text.encode())

    def report(self, told: Told) -> Report:
        """Return the report of a reader with these roles."""
        return verify_bundle(told.bundle(), self.trust(told.story), as_of=told.story.now, log=told.log())


def evidence(report: Report, code: str) -> Any:
    """Return the evidence of a finding."""
    return next(dict(finding.evidence) for finding in report.findings if finding.code == code)
