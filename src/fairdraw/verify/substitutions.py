"""The judging of substitutions (递补), part of check 23. specs/acts.md §3, specs/verification.md §4.4.

A substitution is right if its call was cosigned before the round, is the only one of its vacancy, and the redraw of
that place, made again here, gives whom the bureau has logged. Calls are judged in their own order: the order in which
substitutions are logged is chosen when everybody can know what they give.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fairdraw import encoding
from fairdraw.acts import Substitute, Vacancy, read_act
from fairdraw.announcement import limit_of
from fairdraw.randomness import settled_at
from fairdraw.schema import Opening, Substitution, SubstitutionCall, Until
from fairdraw.seed import embargo_commitment
from fairdraw.statement import Entry
from fairdraw.substitution import Standing, call_key, check_vacancy, redraw
from fairdraw.values import Artifact
from fairdraw.verify.anchors import in_time
from fairdraw.verify.case import Case
from fairdraw.verify.indexed import Indexed
from fairdraw.verify.pulses import check_pulses
from fairdraw.verify.report import CannotTellError, CheckFailedError

RECUSALS: Final = 2  # of one inspector after a draw; from then on what is left looks chosen (attack 48)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that counts, the vacancy that it names, and the bureau's first substitution of it, if there is one."""

    entry: Entry
    said: SubstitutionCall
    vacancy: Vacancy
    made: Entry | None


def shown(case: Case, named: Artifact) -> bytes:
    """Return an artifact that a later act names, from the file or the log.

    Raises:
        CannotTellError: `artifact-missing`: nobody shows it.
        CheckFailedError: `wrong-digest`.
    """
    data = case.artifacts.get(named.digest)
    if data is None and case.log is not None:
        data = case.log.artifacts.get(named.digest)
    if data is None:
        raise CannotTellError("artifact-missing", digest=named.digest)
    if (encoding.digest(data), len(data)) != (named.digest, named.length):
        raise CheckFailedError("wrong-digest", expected=named.digest, found=encoding.digest(data))
    return data


def read_calls(case: Case, indexed: Indexed, counted: Sequence[Entry]) -> list[Call]:
    """Return the calls of this draw among the bureau's acts, in log order, each with its substitution.

    `counted` are those of the bureau's acts that concern this draw and are by the right roles.

    Raises:
        CheckFailedError: a substitution names no call that counts, or a call has two.
        CannotTellError: a vacancy is not shown.
    """
    calls = {entry.text_hash: entry for entry in counted if isinstance(entry.statement, SubstitutionCall)}
    named = [None, *calls, *(entry.text_hash for entry in indexed.calls.get(case.file.draw or "", ()))]
    made: dict[str, Entry] = {}
    found = {entry.index: entry for text in named for entry in indexed.substitutions.get(text, ())}
    for _, entry in sorted(found.items()):
        call = calls.get(entry.of(Substitution).call.text)
        if call is None or call.index >= entry.index:
            raise CheckFailedError("substitution-without-call", index=entry.index)
        if (first := made.setdefault(call.text_hash, entry)) is not entry:
            raise CheckFailedError("another-substitution", index=entry.index, expected=first.index)
    told = []
    for text, entry in calls.items():
        said = entry.of(SubstitutionCall)
        vacancy = read_act(Vacancy, shown(case, said.vacancy))
        told.append(Call(entry=entry, said=said, vacancy=vacancy, made=made.get(text)))
    return told


def judge(case: Case, indexed: Indexed, calls: Sequence[Call], *, now: int, recusals: frozenset[str]) -> Standing:
    """Return who inspects what after all substitutions, once each is the redraw of its call.

    `now` is the freshness of the log, POSIX seconds; `recusals` are the reason codes that concern one object only.

    Raises:
        CheckFailedError: a substitution is late, not the first, or not whom its key draws.
        CannotTellError: something is not shown, or still sealed.
    """
    standing = standing_of(case)
    seen: dict[tuple[str, str], Entry] = {}
    waiting: Call | None = None
    for call in calls:
        embargo = _embargo(case, indexed, call)
        limit = limit_of(call.said, case.trust.chains, case.trust.margin)
        if in_time(case, call.entry.index, limit) is None:
            # Whoever calls after the pulse knows who will come (attack 47).
            raise CheckFailedError("substitution-late", index=call.entry.index, limit=limit)
        place = call.vacancy.no, call.vacancy.inspector
        if (first := seen.setdefault(place, call.entry)) is not call.entry:
            # Two open calls of one vacancy are two draws, of which one is chosen.
            raise CheckFailedError("second-call", index=call.entry.index, expected=first.index, object=place[0])
        check_vacancy(standing, call.vacancy)
        standing = standing.with_out([call.vacancy.inspector])
        if call.made is None:
            waiting = waiting or call
            if _last_round(case, call) <= now:
                case.find("overdue-substitution", index=call.entry.index, object=place[0])
            continue
        if waiting is not None:
            # Else the bureau would choose which of two vacancies is filled first.
            raise CheckFailedError("substitution-out-of-order", index=call.made.index, expected=waiting.entry.index)
        standing = _follow(case, call, standing, embargo=embargo)
    _find_repeated(case, calls)
    _find_still_inspecting(case, calls, standing, recusals)
    return standing


def standing_of(case: Case) -> Standing:
    """Return who inspects what by the draw alone, once it was made again."""
    if case.outcome is None:
        raise RuntimeError("a substitution is judged when the draw was made again")
    drawn = case.outcome.assignment
    return Standing(teams=drawn.teams, experts=drawn.experts, caps=drawn.caps, out=frozenset())


def _last_round(case: Case, call: Call) -> int:
    return settled_at(call.said.beacon, case.trust.chains, case.artifacts)


def _follow(case: Case, call: Call, standing: Standing, *, embargo: bytes | None) -> Standing:
    """Return who inspects what after one substitution, once it is the redraw of its call."""
    if call.made is None:
        raise RuntimeError("a call without a substitution has nothing to follow")
    made = call.made.of(Substitution)
    randomness = check_pulses(case, call.entry, made.pulses)
    key = call_key(call.entry, pulses=randomness, embargo=embargo).key()
    sealed = call.said.embargo is not None
    if made.key != (None if sealed else key.hex()):
        raise CheckFailedError("another-key", expected=key.hex(), found=made.key)
    ours = redraw(key, case.inputs(), standing, call.vacancy)
    theirs = read_act(Substitute, shown(case, made.result))
    if ours != theirs:
        raise CheckFailedError(
            "substitution-differs", index=call.made.index, object=ours.no, expected=ours.in_, found=theirs.in_
        )
    return standing.after(ours)


def _embargo(case: Case, indexed: Indexed, call: Call) -> bytes | None:
    """Return the embargo key of a sealed draw's call, which its own opening tells."""
    sealed = isinstance(case.said.disclosure, Until)
    if sealed != (call.said.embargo is not None):
        raise CheckFailedError("sealed-draw-shows" if sealed else "open-draw-hides", index=call.entry.index)
    if call.said.embargo is None:
        return None
    told = (entry.of(Opening) for entry in indexed.openings.get(call.entry.text_hash, ()))
    opened = next((opening.embargo for opening in told if opening.embargo is not None), None)
    if opened is None:
        raise CannotTellError("substitution-sealed", index=call.entry.index)
    value = bytes.fromhex(opened)
    if embargo_commitment(case.said.slots[0], value) != call.said.embargo:
        raise CheckFailedError("another-embargo", expected=call.said.embargo)
    return value


def _find_repeated(case: Case, calls: Sequence[Call]) -> None:
    """Find objects whose places were called out more often than the plan foresees (attack 47)."""
    planned = case.plan.substitutions
    for no, count in sorted(Counter(call.vacancy.no for call in calls).items()):
        if count > planned:
            case.find("re-rolled", object=no, expected=planned, found=count)


def _find_still_inspecting(case: Case, calls: Sequence[Call], standing: Standing, recusals: frozenset[str]) -> None:
    """Find inspectors who dropped out of one object and still inspect another (attack 48).

    A conflict of interest concerns one object; but of somebody who has many, it is looked at what is left.
    """
    reasons: dict[str, list[str]] = {}
    for call in calls:
        reasons.setdefault(call.vacancy.inspector, []).append(call.said.reason)
    for inspector, told in sorted(reasons.items()):
        left = sorted(no for no, team in standing.teams.items() if inspector in {number for _, number in team})
        left += sorted(no for no, experts in standing.experts.items() if inspector in experts)
        if left and (len(told) >= RECUSALS or not recusals.issuperset(told)):
            case.find("still-inspects", inspector=inspector, objects=left)


def with_teams(standing: Standing, special: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the final team of each drawn object: the numbers of its inspectors, or of those of a special team."""
    return {no: special.get(no, tuple(number for _, number in team)) for no, team in standing.teams.items()}
