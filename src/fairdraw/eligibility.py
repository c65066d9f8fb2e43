"""Who may inspect what: announced rules, recusals, departments, experts and specialities. specs/assignment.md §1, §2.

Everything here is known before the draw: an object that nobody can inspect is found when the draw is announced, and by
an exact search, never by attempts that run out.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from fairdraw import encoding
from fairdraw.errors import AssignmentError, EncodingError
from fairdraw.rules import MAX_SPECIALISTS, Eligible, Team
from fairdraw.snapshot import RosterRow

FEW: Final = 5  # so few eligible inspectors make a team as good as arranged, whatever its size (attack 16)

Member = tuple[str, str]  # department ("" where the plan names none), inspector number
Pair = tuple[str, str]  # object number, inspector number
Skills = tuple[int, ...]  # which of the plan's specialities somebody has, by index, ascending
Kind = tuple[str, Skills]  # department and specialities: all that tells members of a team apart

ALONE: Final = frozenset({"true", "valid"})  # rules about the inspector alone
TYPES: Final[Mapping[str, tuple[str | None, str]]] = {
    "true": (None, "boolean"),
    "valid": (None, "string"),
    "at-least": ("integer", "integer"),
    "contains": ("string", "strings"),
    "under": ("string", "string"),
}
"""Of each rule the types of the object's and the inspector's attribute; `same` and `differ` compare any."""

_PYTHON: Final[Mapping[type, str]] = {
    bool: "boolean", int: "integer", str: "string", list: "strings", tuple: "strings"
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Who may inspect what, before any randomness.

    Attributes:
        members: of each object the (department, number) pairs of its eligible inspectors, in roster order.
        experts: of each object the numbers of its eligible experts; empty where the plan has none.
        skills: of each inspector, by number, which of the plan's specialities it has.
        urn: the numbers of those whom the rules about inspectors alone admit: a pool is drawn from them.
        lacking: of each object that no team can be made for, the error that says why.
    """

    members: Mapping[str, tuple[Member, ...]]
    experts: Mapping[str, tuple[str, ...]]
    skills: Mapping[str, Skills]
    urn: tuple[str, ...]
    lacking: Mapping[str, AssignmentError]


def quotas(team: Team) -> tuple[tuple[str, int], ...]:
    """Return how many of each department a team has; without departments `size` of the department ""."""
    return team.quota or (("", team.size),)


def _is_valid(value: str, window: str) -> bool:
    # Judged by the announced last day of inspections, never by the day somebody looks (attack 8).
    try:
        return encoding.check_date(value) >= window
    except EncodingError:
        return False


def _allows(rule: Eligible, ours: object, theirs: object, window: str) -> bool:
    match rule.rule, ours, theirs:
        case "true", _, _:
            return theirs is True
        case "valid", _, str():
            return _is_valid(theirs, window)
        case "same" | "differ", _, _ if ours is not None and theirs is not None:
            # A number is never the same as a boolean, whatever Python says of 1 and True.
            return (type(ours) is type(theirs) and ours == theirs) == (rule.rule == "same")
        case "at-least", int(), int():
            return theirs >= ours
        case "contains", str(), list() | tuple():
            return ours in theirs
        case "under", str(), str():
            # Every code begins with the empty one: somebody without a region would inspect the whole country.
            return theirs != "" and ours.startswith(theirs)
    return False  # what is not known is neither the same nor shown to differ, nor anything else


def _check_column(rows: Iterable[RosterRow], name: str, expected: str) -> None:
    for row in rows:
        value = row.attrs[name]
        if value is not None and (found := _PYTHON[type(value)]) != expected:
            raise AssignmentError("rule-type", attribute=name, row=row.no, expected=expected, found=found)


def _check_rule(rule: Eligible, objects: Sequence[RosterRow], inspectors: Sequence[RosterRow]) -> None:
    if (rule.object is None) != (rule.rule in ALONE):
        raise AssignmentError("bad-rule", expected="an object attribute but for `true` and `valid`", found=rule.rule)
    if rule.object is not None and rule.object not in objects[0].attrs:
        raise AssignmentError("unknown-attribute", expected=sorted(objects[0].attrs), found=rule.object)
    if rule.inspector not in inspectors[0].attrs:
        raise AssignmentError("unknown-attribute", expected=sorted(inspectors[0].attrs), found=rule.inspector)
    ours, theirs = TYPES.get(rule.rule, (None, None))
    if rule.object is not None and ours is not None:
        _check_column(objects, rule.object, ours)
    if theirs is not None:
        _check_column(inspectors, rule.inspector, theirs)


def _check_rules(team: Team, objects: Sequence[RosterRow], inspectors: Sequence[RosterRow]) -> None:
    experts = team.experts.eligible if team.experts is not None else ()
    for rule in (*team.eligible, *experts):
        _check_rule(rule, objects, inspectors)
    named = [(one.field, "strings") for one in team.specialities]
    if team.department is not None:
        named.append((team.department, "string"))
    if team.experts is not None:
        named.append((team.experts.expert, "boolean"))
    for name, kind in named:
        if name not in inspectors[0].attrs:
            raise AssignmentError("unknown-attribute", expected=sorted(inspectors[0].attrs), found=name)
        _check_column(inspectors, name, kind)


def _skills(team: Team, inspector: RosterRow) -> Skills:
    held = ((at, inspector.attrs[one.field], one.value) for at, one in enumerate(team.specialities))
    return tuple(at for at, values, value in held if isinstance(values, (list, tuple)) and value in values)


def _fitting(
    rules: Sequence[Eligible], objects: Sequence[RosterRow], staff: Sequence[RosterRow], out: Set[Pair], window: str
) -> dict[str, tuple[RosterRow, ...]]:
    """Return of each object those of the staff whom all rules that name an object and the recusals admit."""
    bound = [rule for rule in rules if rule.object is not None]
    recused: dict[str, set[str]] = {}
    for object_no, inspector_no in out:
        recused.setdefault(object_no, set()).add(inspector_no)
    # Objects that agree in the attributes which the rules name have the same eligible inspectors.
    groups: dict[tuple[str, ...], tuple[RosterRow, ...]] = {}
    told = {}
    for obj in objects:
        ours = [obj.attrs[str(rule.object)] for rule in bound]
        group = tuple(map(repr, ours))
        if group not in groups:
            groups[group] = tuple(
                one
                for one in staff
                if all(
                    _allows(rule, own, one.attrs[rule.inspector], window) for rule, own in zip(bound, ours, strict=True)
                )
            )
        struck = recused.get(obj.no)
        told[obj.no] = tuple(one for one in groups[group] if one.no not in struck) if struck else groups[group]
    return told


def _admitted(rules: Sequence[Eligible], staff: Iterable[RosterRow], window: str) -> list[RosterRow]:
    alone = [rule for rule in rules if rule.object is None]
    return [one for one in staff if all(_allows(rule, None, one.attrs[rule.inspector], window) for rule in alone)]


def candidates(
    team: Team, objects: Sequence[RosterRow], inspectors: Sequence[RosterRow], recusals: Set[Pair], window: str
) -> Candidates:
    """Return who may inspect what; `window` is the announced last day of inspections, `YYYY-MM-DD`.

    Raises:
        AssignmentError: `unknown-attribute`, `bad-rule` or `rule-type`.
    """
    members: dict[str, tuple[Member, ...]] = {obj.no: () for obj in objects}
    experts: dict[str, tuple[str, ...]] = dict.fromkeys(members, ())
    skills: dict[str, Skills] = {}
    urn: tuple[str, ...] = ()
    if objects and inspectors:
        _check_rules(team, objects, inspectors)
        wanted = team.experts
        # An expert comes on top of a team and never counts as one of it, whatever else is true of the person.
        staff = [one for one in inspectors if wanted is None or one.attrs[wanted.expert] is not True]
        of = {one.no: "" if team.department is None else str(one.attrs[team.department] or "") for one in staff}
        departments = {name for name, _ in quotas(team)}
        able = [one for one in _admitted(team.eligible, staff, window) if of[one.no] in departments]
        skills = {one.no: _skills(team, one) for one in able}
        urn = tuple(one.no for one in able)
        fitting = _fitting(team.eligible, objects, able, recusals, window)
        members = {no: tuple((of[one.no], one.no) for one in rows) for no, rows in fitting.items()}
        if wanted is not None and wanted.number:
            apart = [one for one in inspectors if one.attrs[wanted.expert] is True]
            aiding = _fitting(wanted.eligible, objects, _admitted(wanted.eligible, apart, window), recusals, window)
            experts = {no: tuple(one.no for one in rows) for no, rows in aiding.items()}
    lacking = dict(_lacking(team, members, experts, skills))
    return Candidates(members=members, experts=experts, skills=skills, urn=urn, lacking=lacking)


def _lacking(
    team: Team,
    members: Mapping[str, tuple[Member, ...]],
    experts: Mapping[str, tuple[str, ...]],
    skills: Mapping[str, Skills],
) -> Iterator[tuple[str, AssignmentError]]:
    seen: dict[tuple[Member, ...], AssignmentError | None] = {}
    for no, able in members.items():
        if able not in seen:
            seen[able] = shortage(team, no, able, skills)
        if (found := seen[able]) is not None:
            yield no, AssignmentError(found.code, **(found.params | {"object": no}))
        elif team.experts is not None and len(experts[no]) < team.experts.number:
            yield (
                no,
                AssignmentError("too-few-experts", object=no, expected=team.experts.number, found=len(experts[no])),
            )


def shortage(team: Team, no: str, members: Sequence[Member], skills: Mapping[str, Skills]) -> AssignmentError | None:
    """Return why no team can be made for an object of its eligible members, or None where one can.

    The error has the code `too-few-eligible` or `no-such-team`.
    """
    found = Counter(department for department, _ in members)
    for department, needed in quotas(team):
        if found[department] < needed:
            return AssignmentError(
                "too-few-eligible", object=no, department=department, expected=needed, found=found[department]
            )
    if not team.specialities or _team_exists(team, members, skills):
        return None
    held = Counter(at for _, inspector in members for at in skills[inspector])
    return AssignmentError(
        "no-such-team",
        object=no,
        expected=[[one.value, one.number] for one in team.specialities],
        found=[[one.value, held[at]] for at, one in enumerate(team.specialities)],
    )


def _team_exists(team: Team, members: Sequence[Member], skills: Mapping[str, Skills]) -> bool:
    """Say whether some team has the quotas and the specialities; exact, each department having enough members.

    Department after department it keeps which numbers can still be missing of each speciality, and with how few members
    of the department: the rest of its quota is anybody.
    """
    missing = {tuple(one.number for one in team.specialities)}
    for department, needed in quotas(team):
        fewest = dict.fromkeys(missing, 0)
        for skill in _specialists(department, members, skills):
            for before, used in list(fewest.items()):
                after = tuple(max(n - (at in skill), 0) for at, n in enumerate(before))
                if used < fewest.get(after, needed + 1) - 1:
                    fewest[after] = used + 1
        missing = set(fewest)
    return not all(any(one) for one in missing)


def _specialists(department: str, members: Sequence[Member], skills: Mapping[str, Skills]) -> Iterator[Skills]:
    """Give the skills of a department's members who have any; more of one kind than a team could use are left out."""
    taken: Counter[Skills] = Counter()
    for name, inspector in members:
        skill = skills[inspector]
        if name == department and skill and taken[skill] < MAX_SPECIALISTS:
            taken[skill] += 1
            yield skill


def has_specialities(team: Team, members: Iterable[Member], skills: Mapping[str, Skills]) -> bool:
    """Say whether a team has the number of members with each speciality that the plan asks for."""
    if not team.specialities:
        return True
    held = Counter(at for _, inspector in members for at in skills[inspector])
    return all(held[at] >= one.number for at, one in enumerate(team.specialities))


def is_forced(team: Team, members: Sequence[Member], skills: Mapping[str, Skills]) -> bool:
    """Say whether so few inspectors are eligible that the team was as good as arranged (finding `forced-team`).

    A department, or a speciality, left with just the wanted inspector shows, however many there are of the others.
    """
    found = Counter(department for department, _ in members)
    held = Counter(at for _, inspector in members for at in skills[inspector])
    thin = any(found[department] < 2 * needed for department, needed in team.quota)
    rare = any(held[at] < 2 * one.number for at, one in enumerate(team.specialities))
    return thin or rare or len(members) < max(2 * team.size, FEW)
