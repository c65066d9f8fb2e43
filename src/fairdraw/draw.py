"""The draw: a pure function of the announcement, the snapshots, the seeds and the pulses. specs/draw.md §1."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fairdraw import tickets
from fairdraw.announcement import Inputs
from fairdraw.assignment import Assignment, assign, eligibility, is_forced, shortage
from fairdraw.plan import Stratum, allocate, is_singled_out
from fairdraw.schema import Announcement
from fairdraw.selection import Selection, select
from fairdraw.snapshot import RosterRow
from fairdraw.statement import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a key draws. `audit` are object and inspector numbers that are opened to supervisors besides."""

    key: bytes
    strata: tuple[Stratum, ...]
    selection: Selection
    assignment: Assignment
    audit: tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What is known of a draw before its randomness.

    `singled_out` are strata, `forced` and `impossible` object numbers with few or too few eligible inspectors,
    `attempts` the mean number of attempts over the trial keys.
    """

    strata: tuple[Stratum, ...]
    singled_out: tuple[Stratum, ...]
    forced: tuple[str, ...]
    impossible: tuple[str, ...]
    attempts: float


def key_material(
    announcement: Entry,
    *,
    seeds: Sequence[tuple[str, str]],
    pulses: Sequence[bytes],
    embargo: bytes | None,
) -> tickets.KeyMaterial:
    """Return what an announcement's key is made of; `pulses` are the 32-byte randomness values in announced order."""
    sources = announcement.of(Announcement).beacon
    return tickets.KeyMaterial(
        statement="announcement",
        text=announcement.text_hash,
        seeds=tuple(seeds),
        pulses=tuple((source.hash, source.round, value.hex()) for source, value in zip(sources, pulses, strict=True)),
        embargo=None if embargo is None else embargo.hex(),
    )


def draw_lots(inputs: Inputs, key: bytes) -> Outcome:
    """Return the outcome of a draw under its 32-byte key.

    Raises:
        PlanError: the strata do not fit the roster.
        AssignmentError: a team cannot be drawn.
    """
    strata = allocate(inputs.plan, inputs.objects, inputs.exclusions)
    selection = select(key, strata)
    drawn = {one.no for one in selection.drawn}
    rows = [row for row in inputs.objects.rows if row.no in drawn]
    assignment = assign(key, inputs.plan.team, rows, inputs.inspectors.rows, inputs.recusals)
    busy = {inspector for team in assignment.teams.values() for _, inspector in team}
    audit = (
        _audit(key, inputs.objects.rows, drawn, inputs.plan.audit),
        _audit(key, inputs.inspectors.rows, busy, inputs.plan.audit),
    )
    return Outcome(key=key, strata=strata, selection=selection, assignment=assignment, audit=audit)


def _audit(key: bytes, rows: Iterable[RosterRow], drawn: set[str], count: int) -> tuple[str, ...]:
    if not count:
        return ()
    undrawn = (row.no for row in rows if row.no not in drawn)
    return tuple(no for _, no in tickets.smallest(key, "audit", undrawn, count))


def preview(inputs: Inputs, trial_keys: Sequence[bytes]) -> Preview:
    """Return quotas, thin eligibility and expected attempts; `trial_keys` are random and say nothing of the draw.

    Raises:
        PlanError: the strata do not fit the roster.
        AssignmentError: an attribute is unknown, or the attempts run out.
    """
    strata = allocate(inputs.plan, inputs.objects, inputs.exclusions)
    eligible = eligibility(inputs.plan.team, inputs.objects.rows, inputs.inspectors.rows, inputs.recusals)
    at_risk = {no for stratum in strata if stratum.quota for no in stratum.eligible}
    impossible = tuple(no for no in eligible if no in at_risk and shortage(inputs.plan.team, eligible[no]))
    forced = tuple(no for no in eligible if no in at_risk and is_forced(inputs.plan.team, eligible[no]))
    attempts = 1.0
    if not impossible and inputs.plan.team.cap is not None and trial_keys:
        outcomes = [draw_lots(inputs, key) for key in trial_keys]
        attempts = sum(_attempts(outcome) for outcome in outcomes) / len(outcomes)
    return Preview(
        strata=strata,
        singled_out=tuple(s for s in strata if is_singled_out(inputs.plan, s)),
        forced=forced,
        impossible=impossible,
        attempts=attempts,
    )


def _attempts(outcome: Outcome) -> int:
    return max((attempt + 1 for _, attempt, _ in outcome.assignment.blocks), default=1)


def loads(teams: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, int]:
    """Return how many objects each inspector got."""
    told: dict[str, int] = {}
    for team in teams.values():
        for _, inspector in team:
            told[inspector] = told.get(inspector, 0) + 1
    return told
