"""Who may inspect what: announced rules, recusals, departments, experts and specialities. specs/assignment.md §1, §2.

Everything here is known before the draw: an object that nobody can inspect is found when the draw is announced, and by
an exact search, never by attempts that run out.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from typing import Final

from fairdraw import encoding
from fairdraw.errors import AssignmentError, EncodingError
from fairdraw.roster import RosterRow
from fairdraw.rules import MAX_SPECIALISTS, Eligible, Team

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
        forced: the objects whose team would be as good as arranged.

    Objects that the rules cannot tell apart share one tuple of members.
    """

    members: Mapping[str, tuple[Member, ...]]
    experts: Mapping[str, tuple[str, ...]]
    skills: Mapping[str, Skills]
    urn: tuple[str, ...]
    lacking: Mapping[str, AssignmentError]
    forced: tuple[str, ...]


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


class _Admitted:
    """Those of a staff whom the rules about the inspector alone admit, and for which objects the other rules do."""

    def __init__(self, rules: Sequence[Eligible], staff: Iterable[RosterRow], window: str) -> None:
        alone = [rule for rule in rules if rule.object is None]
        self._window = window
        self.rows = tuple(
            one for one in staff if all(_allows(rule, None, one.attrs[rule.inspector], window) for rule in alone)
        )
        # Of each rule that names an object: who has which value, and, as bits, whom it admits for an object's value.
        self._bound = [(rule, self._having(rule.inspector)) for rule in rules if rule.object is not None]
        self._admits: dict[tuple[int, str], int] = {}

    def _having(self, name: str) -> list[tuple[object, list[int]]]:
        # Places, not bits: where everybody has a value of his own, bits would grow with the square of the staff.
        having: dict[str, tuple[object, list[int]]] = {}
        for at, row in enumerate(self.rows):
            value = row.attrs[name]
            having.setdefault(repr(value), (value, []))[1].append(at)
        return list(having.values())

    def _bits(self, places: Iterable[int]) -> int:
        digits = bytearray(b"0") * (len(self.rows) + 1)
        for at in places:
            digits[-1 - at] = ord("1")
        return int(digits, 2)

    def fitting(self, attrs: Mapping[str, object]) -> tuple[RosterRow, ...]:
        """Return whom all rules admit for an object with these attributes."""
        fit = (1 << len(self.rows)) - 1
        for at, (rule, having) in enumerate(self._bound):
            ours = attrs[str(rule.object)]
            asked = at, repr(ours)
            if asked not in self._admits:
                told = (people for theirs, people in having if _allows(rule, ours, theirs, self._window))
                self._admits[asked] = self._bits(chain.from_iterable(told))
            fit &= self._admits[asked]
        bits = f"{fit:b}"[::-1]
        fitting, at = [], bits.find("1")
        while at >= 0:
            fitting.append(self.rows[at])
            at = bits.find("1", at + 1)
        return tuple(fitting)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """Who may inspect an object: one panel for all objects that the rules cannot tell apart and nobody is recused from.

    Attributes:
        members: the (department, number) pairs of the eligible inspectors, in roster order.
        experts: the numbers of the eligible experts.
        shortage: why no team can be made of them, None where one can; it names no object.
        forced: whether the team would be as good as arranged.
    """

    members: tuple[Member, ...]
    experts: tuple[str, ...]
    shortage: AssignmentError | None
    forced: bool


class Eligibility:
    """The announced rules applied to the announced inspectors: of every object who may inspect it.

    The work grows with how many objects the rules can tell apart, not with the objects: `panel` is asked once for each
    combination of attributes, and `of` strikes the recused from it.
    """

    def __init__(
        self, team: Team, kinds: Sequence[RosterRow], inspectors: Sequence[RosterRow], recusals: Set[Pair], window: str
    ) -> None:
        """Apply rules; `kinds` are the objects in order, or the first of each that have the same attributes.

        Raises:
            AssignmentError: `unknown-attribute`, `bad-rule` or `rule-type`.
        """
        self._team = team
        self._fields = sorted(team.object_fields)
        self._panels: dict[str, Panel] = {}
        self.skills: dict[str, Skills] = {}
        self.urn: tuple[str, ...] = ()
        self._of: dict[str, str] = {}
        self._recused: dict[str, set[str]] = {}
        for object_no, inspector_no in recusals:
            self._recused.setdefault(object_no, set()).add(inspector_no)
        wanted = team.experts
        self._staff = self._aides = _Admitted((), (), window)
        if not kinds or not inspectors:
            self._fields = []
            return
        _check_rules(team, kinds, inspectors)
        # An expert comes on top of a team and never counts as one of it, whatever else is true of the person.
        staff = [one for one in inspectors if wanted is None or one.attrs[wanted.expert] is not True]
        of = {one.no: "" if team.department is None else str(one.attrs[team.department] or "") for one in staff}
        departments = {name for name, _ in quotas(team)}
        self._of = of
        self._staff = _Admitted(team.eligible, (one for one in staff if of[one.no] in departments), window)
        self.skills = {one.no: _skills(team, one) for one in self._staff.rows}
        self.urn = tuple(one.no for one in self._staff.rows)
        if wanted is not None and wanted.number:
            apart = (one for one in inspectors if one.attrs[wanted.expert] is True)
            self._aides = _Admitted(wanted.eligible, apart, window)

    def recused(self) -> Set[str]:
        """Return the numbers of the objects that somebody is recused from: `panel` is not the whole truth for these."""
        return self._recused.keys()

    def panel(self, attrs: Mapping[str, object]) -> Panel:
        """Return who may inspect an object with these attributes that nobody is recused from."""
        key = repr([attrs[name] for name in self._fields])
        if key not in self._panels:
            members = tuple((self._of[one.no], one.no) for one in self._staff.fitting(attrs))
            self._panels[key] = self._judged(members, tuple(one.no for one in self._aides.fitting(attrs)))
        return self._panels[key]

    def of(self, no: str, attrs: Mapping[str, object]) -> Panel:
        """Return who may inspect the object with this number and these attributes."""
        panel = self.panel(attrs)
        if (struck := self._recused.get(no)) is None:
            return panel
        members = tuple(member for member in panel.members if member[1] not in struck)
        experts = tuple(expert for expert in panel.experts if expert not in struck)
        if (members, experts) == (panel.members, panel.experts):
            return panel
        return self._judged(members, experts)

    def _judged(self, members: tuple[Member, ...], experts: tuple[str, ...]) -> Panel:
        team = self._team
        lacking = shortage(team, "", members, self.skills)
        if lacking is None and team.experts is not None and len(experts) < team.experts.number:
            lacking = AssignmentError("too-few-experts", object="", expected=team.experts.number, found=len(experts))
        return Panel(members=members, experts=experts, shortage=lacking, forced=is_forced(team, members, self.skills))


def candidates(
    team: Team, objects: Sequence[RosterRow], inspectors: Sequence[RosterRow], recusals: Set[Pair], window: str
) -> Candidates:
    """Return who may inspect what; `window` is the announced last day of inspections, `YYYY-MM-DD`.

    Raises:
        AssignmentError: `unknown-attribute`, `bad-rule` or `rule-type`.
    """
    rules = Eligibility(team, objects, inspectors, recusals, window)
    panels = {obj.no: rules.of(obj.no, obj.attrs) for obj in objects}
    return Candidates(
        members={no: panel.members for no, panel in panels.items()},
        experts={no: panel.experts for no, panel in panels.items()},
        skills=rules.skills,
        urn=rules.urn,
        lacking={no: _named(panel.shortage, no) for no, panel in panels.items() if panel.shortage is not None},
        forced=tuple(no for no, panel in panels.items() if panel.forced),
    )


def _named(error: AssignmentError, no: str) -> AssignmentError:
    return AssignmentError(error.code, **(error.params | {"object": no}))


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
