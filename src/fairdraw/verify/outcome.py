"""Checks 17, 18, 19 and 21: the draw made again, and compared with what was logged. specs/verification.md §6."""

from collections.abc import Mapping, Sequence

from fairdraw import encoding
from fairdraw.draw import Outcome, allocation, draw_lots
from fairdraw.errors import AssignmentError, EncodingError, FilterError, PlanError
from fairdraw.quota import is_singled_out
from fairdraw.record import FREE, DrawnLine, StratumLine, make_record, read_lines, result_lines, same_record, unseal
from fairdraw.statement import Head
from fairdraw.verify.case import Case
from fairdraw.verify.inputs import artifact
from fairdraw.verify.report import CannotTellError, CheckFailedError

Evidence = Mapping[str, object]


def _logged(case: Case) -> tuple[tuple[StratumLine, ...], tuple[DrawnLine, ...]]:
    """Return the carried result list, right or wrong: the checks say where it differs from the draw made again."""
    if case.results is None:
        case.results = _read_results(case)
    return case.results


def _read_results(case: Case) -> tuple[tuple[StratumLine, ...], tuple[DrawnLine, ...]]:
    if case.draw is None:
        raise CannotTellError("no-draw")
    named = case.drew.results
    if named.digest not in case.artifacts:
        artifact(case, named)
    data = case.artifacts[named.digest]
    try:
        if case.embargo is not None:
            data = unseal(data)
        return read_lines(data)
    except EncodingError as error:
        raise CheckFailedError("bad-result-list", why=str(error)) from None


def quotas(case: Case) -> Evidence:
    """Check every stratum's base, quota and derivation."""
    inputs = case.inputs()
    try:
        planned = allocation(inputs)
    except (PlanError, FilterError) as error:
        raise CheckFailedError(error.code, **error.params) from None
    strata = planned.strata
    for stratum in strata:
        if is_singled_out(stratum):
            case.find(
                "singled-out", item=stratum.item, stratum=list(stratum.values), drawn=stratum.quota, base=stratum.base
            )
        if stratum.quota < stratum.wanted:
            case.find("quota-short", item=stratum.item, stratum=list(stratum.values), expected=stratum.wanted,
                      found=stratum.quota)  # fmt: skip
    for held in planned.floors:
        if held.reached < held.needed:
            case.find("below-floor", item=held.item, of=list(held.of), expected=held.needed, found=held.reached)
    logged, _ = _logged(case)
    ours = [(s.item, s.values, s.total, s.base, len(s.eligible), s.quota, s.derivation) for s in strata]
    theirs = [(s.item, s.stratum, s.total, s.base, s.eligible, s.quota, s.derivation) for s in logged]
    if ours != theirs:
        differing = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), len(theirs))
        raise CheckFailedError(
            "quota-differs", line=differing, expected=_at(ours, differing), found=_at(theirs, differing)
        )
    return {"strata": len(strata), "drawn": sum(s.quota for s in strata)}


def _at(rows: Sequence[object], index: int) -> str:
    return str(rows[index]) if index < len(rows) else "nothing"


def redraw(case: Case) -> Outcome:
    """Draw again; what comes out is what the logged result must be, and what a missing one would have been.

    Raises:
        CheckFailedError: the announced rules cannot be carried out on the announced inputs.
    """
    if case.undrawable is not None:
        raise case.undrawable
    if case.outcome is None:
        try:
            case.outcome = draw_lots(case.inputs(), case.key())
        except (AssignmentError, FilterError, PlanError) as error:
            case.undrawable = CheckFailedError(error.code, **error.params)
            raise case.undrawable from None
    return case.outcome


def selection(case: Case) -> Evidence:
    """Check that exactly the objects with the smallest tickets are drawn, and every cutoff."""
    outcome = redraw(case)
    strata, drawn = _logged(case)
    names = [(stratum.item, stratum.values) for stratum in outcome.strata]
    ours = [(one.no, one.ticket.hex(), tuple(names[at] for at in one.strata)) for one in outcome.selection.drawn]
    theirs = [(line.no, line.ticket, line.strata) for line in drawn]
    if ours != theirs:
        extra = sorted({no for no, *_ in theirs} - {no for no, *_ in ours})
        lacking = sorted({no for no, *_ in ours} - {no for no, *_ in theirs})
        raise CheckFailedError("selection-differs", not_drawn=extra[:10], left_out=lacking[:10])
    cutoffs = [None if c is None else c.hex() for c in outcome.selection.cutoffs]
    if cutoffs != [line.cutoff for line in strata]:
        raise CheckFailedError("cutoff-differs")
    return {"drawn": len(ours), "key": outcome.key.hex()}


def assignment(case: Case) -> Evidence:
    """Check every team, and with a load cap every block's accepted attempt."""
    ours = redraw(case).assignment
    for no in ours.forced:
        case.find("forced-team", object=no, eligible=ours.eligible[no])
    _, drawn = _logged(case)
    for line in drawn:
        experts, attempt = ours.experts.get(line.no, ()), ours.attempts.get(line.no, 0)
        same = (line.team, line.experts, line.attempt) == (ours.teams.get(line.no), experts, attempt)
        if not same or line.eligible != ours.eligible.get(line.no):
            raise CheckFailedError(
                "team-differs", object=line.no, expected=[i for _, i in ours.teams.get(line.no, ())],
                found=[i for _, i in line.team], experts=list(experts), attempt=attempt,
            )  # fmt: skip
    if case.drew.blocks is not None and case.drew.blocks != ours.blocks:
        raise CheckFailedError("attempts-differ", expected=ours.blocks[:5], found=case.drew.blocks[:5])
    if case.drew.blocks is not None and case.drew.pool != ours.pool:
        raise CheckFailedError("attempts-differ", expected=ours.pool, found=case.drew.pool)
    return {"teams": len(drawn), "attempts": max((a + 1 for _, a, _ in ours.blocks), default=1)}


def record_matches(case: Case) -> Evidence:
    """Check that the logged record is, byte for byte, the one that these inputs make."""
    outcome = redraw(case)
    drew = case.drew
    head = Head(
        log=drew.log,
        bureau=drew.bureau,
        by=drew.by,
        seq=drew.seq,
        prev=drew.prev,
        time=encoding.parse_time(drew.time),
    )
    if drew.results.digest not in case.artifacts:
        artifact(case, drew.results)
    ours = make_record(head, case.inputs(), pulses=drew.pulses, outcome=outcome, embargo=case.embargo)
    data = case.artifacts[drew.results.digest]
    if encoding.digest(data) != drew.results.digest:
        raise CheckFailedError("result-list-altered", **_first_difference(result_lines(outcome), data))
    if not same_record(ours.statement, drew):
        mine, theirs = ours.statement.model_dump(), drew.model_dump()
        differing = sorted(k for k in mine if mine[k] != theirs[k] and k not in FREE)
        raise CheckFailedError("record-differs", fields=differing)
    return {"results": drew.results.digest}


def _first_difference(ours: tuple[bytes, ...], data: bytes) -> dict[str, object]:
    theirs = data.split(b"\n")
    for number, (one, other) in enumerate(zip(ours, theirs, strict=False), 1):
        if one != other:
            return {"line": number, "expected": one.decode(), "found": other.decode(errors="replace")}
    return {"line": min(len(ours), len(theirs)), "expected": len(ours), "found": len(theirs) - 1}
