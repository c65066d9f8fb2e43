"""Who comes in for a drawn inspector that drops out (递补): a fresh draw of one place. specs/acts.md §3.

The key is bound to the call's text, and its round lies after the call: whoever calls does not know who will come. The
draw is uniform over those who can take the place; over whole matchings it no longer is, and the specification says so.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from fairdraw import tickets
from fairdraw.acts import Substitute, Vacancy
from fairdraw.announcement import Inputs
from fairdraw.draw import loads
from fairdraw.eligibility import Candidates, Member, candidates, has_specialities
from fairdraw.errors import ActError
from fairdraw.schema import Announcement, SubstitutionCall
from fairdraw.statement import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Who inspects what at the moment, after earlier substitutions.

    Attributes:
        teams: each drawn object's team, (department, inspector) pairs.
        experts: each drawn object's experts.
        caps: the most objects that an inspector of each object's block gets; empty where the plan has no cap.
        out: who has dropped out of any object of this draw.
    """

    teams: Mapping[str, tuple[Member, ...]]
    experts: Mapping[str, tuple[str, ...]]
    caps: Mapping[str, int]
    out: frozenset[str]

    def with_out(self, numbers: Collection[str]) -> "Standing":
        """Return the same teams, with more people out."""
        return Standing(teams=self.teams, experts=self.experts, caps=self.caps, out=self.out | frozenset(numbers))

    def after(self, made: Substitute) -> "Standing":
        """Return who inspects what after a substitution."""
        teams, experts = dict(self.teams), dict(self.experts)
        if made.expert:
            experts[made.no] = tuple(made.in_ if no == made.out else no for no in experts[made.no])
        else:
            teams[made.no] = tuple(
                (made.department, made.in_) if member[1] == made.out else member for member in teams[made.no]
            )
        return Standing(teams=teams, experts=experts, caps=self.caps, out=self.out | {made.out})


def call_key(call: Entry, *, pulses: Sequence[bytes], embargo: bytes | None) -> tickets.KeyMaterial:
    """Return what a substitution's key is made of; `pulses` are the called rounds' 32-byte values in order."""
    sources = call.of(SubstitutionCall).beacon
    return tickets.KeyMaterial(
        statement="substitution-call",
        text=call.text_hash,
        seeds=(),
        pulses=tuple((source.hash, source.round, value.hex()) for source, value in zip(sources, pulses, strict=True)),
        embargo=None if embargo is None else embargo.hex(),
    )


def check_vacancy(standing: Standing, vacancy: Vacancy) -> None:
    """Check that a vacancy is one: the inspector is in the object's present team or among its experts.

    Raises:
        ActError: `object-not-drawn` or `not-in-team`.
    """
    if vacancy.no not in standing.teams:
        raise ActError("object-not-drawn", no=vacancy.no)
    present = [no for _, no in standing.teams[vacancy.no]]
    if vacancy.inspector not in {*present, *standing.experts.get(vacancy.no, ())}:
        raise ActError("not-in-team", no=vacancy.no, expected=present, found=vacancy.inspector)


def pool(inputs: Inputs, standing: Standing, vacancy: Vacancy) -> tuple[Member, ...]:
    """Return who can take a place, (department, number) sorted by number; `standing` has the one who drops out, out.

    They are those who were eligible when the draw was announced, less all who dropped out of any object of this draw,
    the object's present team, and whoever has as many objects as the cap allows. The department of the vacancy is
    kept, experts come in for experts, and the team still has the specialities that the plan asks for.

    Raises:
        ActError: `object-not-drawn` or `not-in-team`.
    """
    check_vacancy(standing, vacancy)
    row = inputs.objects.find(vacancy.no)
    rows = [] if row is None else [inputs.objects.row(row)]
    window = inputs.announcement.of(Announcement).window
    who = candidates(inputs.plan.team, rows, inputs.staff, inputs.recusals, window)
    team = standing.teams[vacancy.no]
    present = {no for _, no in team} | set(standing.experts.get(vacancy.no, ()))
    taken = standing.out | present | {vacancy.inspector}
    if vacancy.inspector not in {no for _, no in team}:
        return tuple(sorted(("", no) for no in who.experts[vacancy.no] if no not in taken))
    place = next(department for department, no in team if no == vacancy.inspector)
    load, cap = loads(standing.teams), standing.caps.get(vacancy.no)
    able = [
        (department, no)
        for department, no in who.members[vacancy.no]
        if department == place and no not in taken and (cap is None or load.get(no, 0) < cap)
    ]
    rest = [member for member in team if member[1] != vacancy.inspector]
    return tuple(sorted((m for m in able if _still_has(inputs, who, [*rest, m])), key=lambda member: member[1]))


def _still_has(inputs: Inputs, who: Candidates, team: Sequence[Member]) -> bool:
    # Somebody may be in the team by an earlier substitution; all members were eligible, so all have their skills told.
    return has_specialities(inputs.plan.team, team, who.skills)


def redraw(key: bytes, inputs: Inputs, standing: Standing, vacancy: Vacancy) -> Substitute:
    """Return who takes a place: of the pool the smallest ticket `team` (or `expert`), 0, 0, object, inspector.

    Raises:
        ActError: `object-not-drawn`, `not-in-team`, or `no-substitute`: nobody is left.
    """
    standing = standing.with_out([vacancy.inspector])
    able = pool(inputs, standing, vacancy)
    if not able:
        raise ActError("no-substitute", no=vacancy.no, inspector=vacancy.inspector)
    expert = vacancy.inspector not in {no for _, no in standing.teams[vacancy.no]}
    ticket = tickets.ticketer(key, "expert" if expert else "team")
    drawn, department, number = min((ticket(0, 0, vacancy.no, no), department, no) for department, no in able)
    return Substitute.model_validate(
        {"department": department, "eligible": len(able), "expert": expert, "in": number, "no": vacancy.no,
         "out": vacancy.inspector, "ticket": drawn.hex()}
    )  # fmt: skip
