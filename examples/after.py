"""What happens after a draw of the simulated year: visits, results, and all that may come between. specs/acts.md.

Who is visited when, and what is found, is told by hashes; which codes there are is told by the regulation.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from hashlib import sha256
from typing import Final

from examples.draws import DAY, MARGIN, Matter, Year
from examples.registries import Weights, chosen
from examples.world import UNIT, secret
from fairdraw.acts import (
    ClosingLine,
    Inspection,
    Lenient,
    Named,
    OutcomeLine,
    Recognised,
    Rectify,
    Refusal,
    Vacancy,
    format_act,
    format_outcomes,
)
from fairdraw.calendar import published
from fairdraw.conduct import due_day
from fairdraw.encoding import canonical, day_of, parse_time
from fairdraw.encoding import lines as joined
from fairdraw.randomness import check_value, named_sources
from fairdraw.schema import (
    Answer,
    Correction,
    Deferral,
    Evidence,
    ExceptionStatement,
    Objection,
    Opening,
    Result,
    SnapshotStatement,
    Substitution,
    SubstitutionCall,
    Until,
)
from fairdraw.snapshot import open_row
from fairdraw.statement import Entry
from fairdraw.substitution import Standing, call_key, redraw

WAIT: Final = 10  # days between a draw and its first visit
VISITS: Final = 5  # days over which the visits of a draw are spread
FOUND: Final[Weights] = {"nothing": 6, "something": 4}
FINDINGS: Final = ("overcharge", "records-missing", "unneeded-service")


def digest(*label: object) -> str:
    """Return what stands for the SHA-256 of a paper that only this example's bureau has."""
    return sha256(" ".join(map(str, label)).encode()).hexdigest()


def later(day: str, days: int) -> str:
    """Return the day so many days later."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def first_visit(matter: Matter) -> str:
    """Return the day of the first visit: soon after the draw, or shortly before a sealed one is opened."""
    disclosure = matter.said.disclosure
    if isinstance(disclosure, Until):
        return later(disclosure.date, -VISITS - 7)
    return later(day_of(matter.form.beacon[0].at or 0), WAIT)


# -- before the visits ------------------------------------------------------------------------------------------------


def substitute(year: Year, matter: Matter, reason: str) -> Substitution | None:
    """Let an inspector drop out of the one object that it has, and draw who comes in by a fresh round."""
    world, teams = year.world, matter.outcome.assignment.teams
    load: dict[str, int] = {}
    for team in teams.values():
        for _, no in team:
            load[no] = load.get(no, 0) + 1
    places = sorted((object_no, no) for object_no, team in teams.items() for _, no in team if load[no] == 1)
    if not places:
        return None
    vacancy = Vacancy(inspector=places[0][1], no=places[0][0])
    number = world.chain.round_at_or_after(world.now + DAY)
    call = world.head().make(
        SubstitutionCall, with_=(year.who("discipline"),), draw=matter.draw.ref,
        vacancy=world.keep(format_act(vacancy)), reason=reason,
        declaration=digest("declaration", year.id, vacancy.inspector),
        beacon=named_sources([(world.chain, number)], margin=MARGIN), margin=MARGIN, embargo=None,
    )  # fmt: skip
    called = world.add(f"call:{matter.name}", call)
    world.checkpoint()
    world.now = max(world.now, world.chain.time_of(number) + 5)
    said = called.of(SubstitutionCall)
    pulses = world.pulses(said.beacon)
    values = [check_value(s, v, {world.chain.id: world.chain}, read=world.artifacts.__getitem__)
              for s, v in zip(said.beacon, pulses, strict=True)]  # fmt: skip
    key = call_key(called, pulses=values, embargo=None).key()
    drawn = matter.outcome.assignment
    standing = Standing(teams=drawn.teams, experts=drawn.experts, caps=drawn.caps, out=frozenset())
    result = world.keep(format_act(redraw(key, matter.inputs, standing, vacancy)))
    made = world.head().make(Substitution, call=called.ref, pulses=pulses, key=key.hex(), result=result)
    world.add(f"substitution:{matter.name}", made)
    world.checkpoint()
    return made


def defer(year: Year, matter: Matter, no: str, reason: str, until: str) -> None:
    """Let an object's written application put its inspection off."""
    world = year.world
    told = world.keep(format_act(Named(no=no)))
    said = world.head().make(
        Deferral, draw=matter.draw.ref, deferred=told, application=digest("application", year.id, no), reason=reason,
        until=until,
    )  # fmt: skip
    world.add(f"deferral:{matter.name}", said)


def inspect_outside(year: Year, matter: Matter, reason: str, *, special: bool = False) -> None:
    """Log an inspection outside the draw, or (`special`) a team for special circumstances of a drawn object."""
    world, drawn = year.world, [one.no for one in matter.outcome.selection.drawn]
    rows = [row.no for row in matter.inputs.objects.rows]
    objects = drawn[-1:] if special else [no for no in rows if no not in drawn][:1]
    staff = [row.no for row in matter.inputs.inspectors.rows if row.attrs["qualified"] and not row.attrs["expert"]][:2]
    item = matter.form.slots[0].split("/")[1]
    done = Inspection(date=first_visit(matter), inspectors=tuple(sorted(staff)), items=(item,), objects=tuple(objects))
    said = world.head().make(
        ExceptionStatement, reason=reason, inspection=world.keep(format_act(done)),
        draw=matter.draw.ref if special else None,
    )  # fmt: skip
    world.add(f"exception:{matter.name}" + (":team" if special else ""), said)


def unseal(year: Year, matter: Matter) -> None:
    """Open a sealed draw in the evening of its day."""
    disclosure, world = matter.said.disclosure, year.world
    if not isinstance(disclosure, Until) or matter.embargo is None:
        return
    world.now = max(world.now, parse_time(f"{disclosure.date}T09:00:00Z"))
    told = world.keep(matter.record.artifact)
    said = world.head().make(
        Opening, of=matter.draw.ref, artifact=told, key=matter.outcome.key.hex(), embargo=matter.embargo.hex()
    )
    world.add(f"opening:{matter.name}", said)
    world.checkpoint()


# -- visits and results -----------------------------------------------------------------------------------------------


def outcome(year: Year, matter: Matter, no: str, *, day: str | None = None, **changes: object) -> OutcomeLine:
    """Return what came of a drawn object."""
    rules, place = year.regulation, [one.no for one in matter.outcome.selection.drawn].index(no)
    on = day or later(first_visit(matter), place % VISITS)
    drawn = matter.outcome.selection.drawn[place]
    items = tuple(sorted({matter.outcome.strata[at].item for at in drawn.strata}))
    results, transfers = rules.codes("results"), rules.codes("transfers")
    found = chosen(FOUND, "found", year.id, matter.name, no) == "something"
    finding = chosen(dict.fromkeys(FINDINGS, 1), "finding", year.id, matter.name, no)
    result = (results[1] if found else results[0]) if results else ("problem-found" if found else "none-found")
    fields: dict[str, object] = {
        "no": no,
        "items": items,
        "method": (rules.codes("methods") or ("site",))[0],
        "first": on,
        "last": on,
        "checked": on,
        "notice": digest("notice", year.id, matter.name, no),
        "form": digest("form", year.id, matter.name, no),
        "refusal": None,
        "result": result,
        "findings": (finding,) if found else (),
        "leniency": (),
        "noncooperation": (),
        "transfers": transfers[:1] if found and place % 3 == 0 else (),
        "rectify": Rectify(until=later(on, 20), revisited=None) if found else None,
        "due": due_day(rules, on, published()),
        "recognised": None,
        "withheld": None,
    }
    return OutcomeLine.model_validate(fields | changes)


def publish(year: Year, matter: Matter, lines: Iterable[OutcomeLine | ClosingLine], step: str = "result") -> Entry:
    """Log a result by the unit that inspected, with its evidence, approved where the regulation asks for it."""
    world = year.world
    data, listing = format_outcomes(lines)
    world.keep(data)
    said = world.head(UNIT).make(Result, draw=matter.draw.ref, outcomes=listing)
    entry = world.add(f"{step}:{matter.name}", said)
    paper = world.keep(canonical({"digest": digest("photos", year.id, matter.name)}))
    world.add(f"evidence:{step}:{matter.name}", world.head(UNIT).make(Evidence, of=entry.ref, files=(paper,)))
    year.sign_off(f"{step}:{matter.name}", entry, year.regulation.sign_offs_of("result"))
    world.checkpoint()
    return entry


def correct(
    year: Year, matter: Matter, of: Entry, lines: Iterable[OutcomeLine | ClosingLine], reason: str, step: str
) -> None:
    """Log a correction of a result, or of a draw whose object will never be inspected."""
    data, listing = format_outcomes(lines)
    year.world.keep(data)
    said = year.world.head(UNIT).make(Correction, result=of.ref, outcomes=listing, reason=reason)
    year.world.add(f"correction:{matter.name}:{step}", said)
    year.world.checkpoint()


def open_names(year: Year, matter: Matter, numbers: Sequence[str]) -> None:
    """Open the names of some objects, which may be public once they were visited."""
    entry, frozen = matter.frozen.objects
    statement, told = entry.of(SnapshotStatement), []
    key = secret(f"{year.id} {statement.registry} {matter.name}")
    for row in frozen.rows:
        if row.no in numbers:
            told += open_row(key, statement, row, ["name"])
    data = joined(canonical(one.model_dump()) for one in told)
    said = year.world.head().make(Opening, of=matter.draw.ref, artifact=year.world.keep(data), key=None, embargo=None)
    year.world.add(f"names:{matter.name}", said)
    year.world.checkpoint()


def object_to(year: Year, matter: Matter, of: Entry, no: str) -> None:
    """Let an object raise an objection to its result, and the unit answer it."""
    world = year.world
    named = world.keep(format_act(Named(no=no)))
    said = world.head(UNIT).make(
        Objection, of=of.ref, about="result", by_whom=named, objection=digest("objection", year.id, no)
    )
    raised = world.add(f"objection:{matter.name}", said)
    world.now += 5 * DAY
    reply = world.head(UNIT).make(
        Answer, objection=raised.ref, decision="rejected", answer=digest("answer", year.id, no)
    )
    world.add(f"answer:{matter.name}", reply)
    world.checkpoint()


def lenient(entry: str, number: int, ground: str, finding: str, amount: int | None) -> Lenient:
    """Return a leniency of the list; `amount` in fen."""
    return Lenient.model_validate(
        {"list": entry, "number": number, "ground": ground, "finding": finding, "amount": amount}
    )


def recognised(label: str) -> Recognised:
    """Return another department's result in its own log."""
    return Recognised(index=7, log="log.example.cn/health/rehearsal", text=digest("recognised", label))


def refused() -> Refusal:
    """Return why a form was not signed, and who saw it."""
    return Refusal(reason="absent", witness=digest("witness"))


def closed(no: str) -> ClosingLine:
    """Return the end of an object that was dissolved before anybody came."""
    return ClosingLine(closed="dissolved", no=no)
