"""The draw: a pure function of the announcement, the snapshots, the seeds and the pulses. specs/draw.md §1."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fairdraw import tickets
from fairdraw.announcement import Inputs
from fairdraw.assignment import Assignment, assign
from fairdraw.eligibility import candidates, is_forced
from fairdraw.quota import Allocation, Floor, Stratum, allocate, is_singled_out
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

    `singled_out` are strata, `short` those of which fewer can be drawn than the plan wants, `floors` the legal floors;
    `forced` and `impossible` object numbers with few or too few eligible inspectors,
    `attempts` the mean number of attempts over the trial keys.
    """

    strata: tuple[Stratum, ...]
    singled_out: tuple[Stratum, ...]
    short: tuple[Stratum, ...]
    floors: tuple[Floor, ...]
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


def allocation(inputs: Inputs) -> Allocation:
    """Return the strata of an announcement with their quotas, and the legal floors that hold them.

    Raises:
        PlanError: the strata do not fit the roster.
    """
    slots = inputs.announcement.of(Announcement).slots
    return allocate(inputs.plan, slots, inputs.objects, inputs.exclusions)


def draw_lots(inputs: Inputs, key: bytes) -> Outcome:
    """Return the outcome of a draw under its 32-byte key.

    Raises:
        PlanError: the strata do not fit the roster.
        AssignmentError: a team cannot be drawn.
    """
    strata = allocation(inputs).strata
    selection = select(key, strata)
    drawn = {one.no for one in selection.drawn}
    rows = [row for row in inputs.objects.rows if row.no in drawn]
    window = inputs.announcement.of(Announcement).window
    assignment = assign(key, inputs.plan.team, rows, inputs.staff, inputs.recusals, window)
    busy = {inspector for team in assignment.teams.values() for _, inspector in team}
    busy |= {expert for experts in assignment.experts.values() for expert in experts}
    audit = (
        _audit(key, inputs.objects.rows, drawn, inputs.plan.audit),
        _audit(key, inputs.staff, busy, inputs.plan.audit),
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
    planned = allocation(inputs)
    strata = planned.strata
    team, window = inputs.plan.team, inputs.announcement.of(Announcement).window
    who = candidates(team, inputs.objects.rows, inputs.staff, inputs.recusals, window)
    at_risk = {no for stratum in strata if stratum.quota for no in stratum.eligible}
    impossible = tuple(no for no in who.lacking if no in at_risk)
    forced = tuple(no for no in who.members if no in at_risk and is_forced(team, who.members[no], who.skills))
    attempts = 1.0
    chancy = team.cap is not None or team.pool is not None or team.specialities
    if not impossible and chancy and trial_keys:
        outcomes = [draw_lots(inputs, key) for key in trial_keys]
        attempts = sum(_attempts(outcome) for outcome in outcomes) / len(outcomes)
    return Preview(
        strata=strata,
        singled_out=tuple(s for s in strata if is_singled_out(s)),
        short=tuple(s for s in strata if s.quota < s.wanted),
        floors=planned.floors,
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
