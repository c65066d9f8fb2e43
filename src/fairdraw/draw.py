"""The draw: a pure function of the announcement, the snapshots, the seeds and the pulses. specs/draw.md §1."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fairdraw import tickets
from fairdraw.announcement import Inputs
from fairdraw.assignment import Assignment, assign
from fairdraw.eligibility import Eligibility, Panel
from fairdraw.quota import Allocation, Floor, Stratum, allocate, is_singled_out
from fairdraw.roster import Part
from fairdraw.schema import Announcement
from fairdraw.selection import Selection, lowest_numbers, select


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
    objects, staff = inputs.objects, inputs.staff
    selection = select(key, objects, strata)
    drawn = sorted(one.row for one in selection.drawn)
    rows = [objects.row(index) for index in drawn]
    window = inputs.announcement.of(Announcement).window
    assignment = assign(key, inputs.plan.team, rows, staff, inputs.recusals, window)
    busy = {inspector for team in assignment.teams.values() for _, inspector in team}
    busy |= {expert for experts in assignment.experts.values() for expert in experts}
    number = inputs.plan.audit
    idle = [one.no for one in staff if one.no not in busy]
    audit = (
        lowest_numbers(key, "audit", Part(objects, range(len(objects.groups)), drawn), number),
        tuple(no for _, no in tickets.smallest(key, "audit", idle, number)),
    )
    return Outcome(key=key, strata=strata, selection=selection, assignment=assignment, audit=audit)


def preview(inputs: Inputs, trial_keys: Sequence[bytes]) -> Preview:
    """Return quotas, thin eligibility and expected attempts; `trial_keys` are random and say nothing of the draw.

    Raises:
        PlanError: the strata do not fit the roster.
        AssignmentError: an attribute is unknown, or the attempts run out.
    """
    planned = allocation(inputs)
    strata = planned.strata
    team = inputs.plan.team
    at_risk = [stratum.eligible for stratum in strata if stratum.quota]
    impossible, forced = _thin(inputs, at_risk)
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


def _thin(inputs: Inputs, at_risk: Sequence[Part]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the numbers of some objects for which no team can be made, and of those whose team would be forced."""
    objects, window = inputs.objects, inputs.announcement.of(Announcement).window
    first = dict(zip(reversed(objects.codes), reversed(range(len(objects))), strict=True))
    kinds = [objects.row(first[code]) for code in range(len(objects.groups))]
    rules = Eligibility(inputs.plan.team, kinds, inputs.staff, inputs.recusals, window)
    # Of rows that nobody is recused from, those of one group have one panel.
    panels = [rules.panel(attrs) for attrs in objects.groups]
    rows = {no: row for no in rules.recused() if (row := objects.find(no)) is not None}
    apart = {row: rules.of(no, objects.row(row).attrs) for no, row in rows.items()}

    def those(fault: Callable[[Panel], bool]) -> tuple[str, ...]:
        codes = (code for code, panel in enumerate(panels) if fault(panel))
        found = {*Part(objects, codes, apart).indexes(), *(row for row, panel in apart.items() if fault(panel))}
        return tuple(objects.number(row) for row in sorted(found) if any(part.holds(row) for part in at_risk))

    return those(lambda panel: panel.shortage is not None), those(lambda panel: panel.forced)


def _attempts(outcome: Outcome) -> int:
    return max((attempt + 1 for _, attempt, _ in outcome.assignment.blocks), default=1)


def loads(teams: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, int]:
    """Return how many objects each inspector got."""
    told: dict[str, int] = {}
    for team in teams.values():
        for _, inspector in team:
            told[inspector] = told.get(inspector, 0) + 1
    return told
