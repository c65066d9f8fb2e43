"""What a bureau might do to one statement of a simulated year, or to its log, and who must notice.

A mutation is done where the statement is made: the bureau signs it like any other, all that follows is built upon it,
and the witnesses cosign it, for they do not look at what it says.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from examples import draws
from examples.world import BUREAU, World
from examples.year import SCRIPTS, audited, tell, verify

from fairdraw.acts import OutcomeLine, format_outcomes, read_outcomes
from fairdraw.encoding import canonical, format_time, parse, parse_time, split_lines
from fairdraw.encoding import lines as joined
from fairdraw.errors import Error
from fairdraw.itemlist import format_items, read_items
from fairdraw.roster import listing_of
from fairdraw.schema import (
    Announcement,
    Draw,
    ItemList,
    Plan,
    Result,
    SignOff,
    SnapshotStatement,
    Statement,
    Substitution,
)
from fairdraw.statement import Entry
from transparency_log import merkle

DAY = 86_400
Change = Callable[["Place", Any], Statement | None]
IDS = tuple(SCRIPTS)


@dataclass(frozen=True)
class Place:
    """Where in a year a statement is bent."""

    world: World
    step: str

    def insert(self, statement: Statement) -> Entry:
        """Log a further statement first."""
        bend, self.world.bend = self.world.bend, None
        try:
            return self.world.add(f"{self.step}:inserted", statement)
        finally:
            self.world.bend = bend

    def again(self, statement: Statement, **changes: Any) -> Statement:
        """Return a statement with other fields, as the next of its signer's chain."""
        head = self.world.head(statement.by).fields()
        return statement.model_copy(update={"seq": head["seq"], "prev": head["prev"], "time": head["time"], **changes})


@dataclass(frozen=True)
class Mutation:
    """A change of the statements of some steps, under some regulations."""

    name: str
    steps: str  # a regular expression for their names
    change: Change
    ids: tuple[str, ...] = IDS


def noticed(year: draws.Year) -> frozenset[str]:
    """Return everything that readers notice in a year: what does not hold, what is found and what cannot be told.

    Each sign is a code; where it is about an entry, with the step that the entry was.
    """
    steps = {entry.index: step for step, entry in year.world.steps.items()}
    told: list[str] = []
    try:
        report = audited(year)
    except Error as error:
        return frozenset({error.code})
    for one in report.years:
        for finding in one.findings:
            if finding.level == "notice":
                continue
            code = finding.code
            if code == "draw-fails":
                code += f":{finding.evidence['check']}"
            told.append(f"{code} {steps.get(finding.index, finding.index)}")
        told += [f"unknown:{unknown.code}" for unknown in one.unknown]
    if not report.years:
        told.append("no-year")
    return frozenset(f"{sign} x{count}" for sign, count in Counter(told).items())


@cache
def honest(regulation: str) -> tuple[draws.Year, frozenset[str]]:
    """Return the honest year, and what is noticed in it as planned."""
    year = tell(regulation)
    return year, noticed(year)


def steps_of(mutation: Mutation, regulation: str) -> list[str]:
    """Return the steps of a year that a mutation can be done to."""
    return [step for step in honest(regulation)[0].world.steps if re.fullmatch(mutation.steps, step)]


def bent(mutation: Mutation, regulation: str, step: str) -> frozenset[str]:
    """Return what is noticed in a year that was bent at one step and is not noticed in the honest one."""

    def bend(world: World, at: str, statement: Statement) -> Statement | None:
        return mutation.change(Place(world, at), statement) if at == step else statement

    try:
        year = tell(regulation, bend=bend)
    except Error as error:
        return frozenset({f"refused-by-the-library:{error.code}"})
    signs = set(noticed(year) - honest(regulation)[1])
    # The audit verifies what the log itself yields; the bureau's own bundles are asked where that shows nothing.
    for matter in () if signs else year.matters.values():
        report = verify(year, matter)
        if report.verdict != "holds":
            signs |= {f"bundle:{code}" for code in report.failed} or {"bundle:unknown"}
    return frozenset(signs)


# -- changes --------------------------------------------------------------------------------------------------------


def keep_back(place: Place, statement: Statement) -> None:
    """Sign it, use it, and never log it."""


def changed(**fields: Any) -> Change:
    def change(place: Place, statement: Statement) -> Statement:
        told = {name: value(statement) if callable(value) else value for name, value in fields.items()}
        return statement.model_copy(update=told)

    return change


def earlier(statement: Statement) -> str:
    return format_time(parse_time(statement.time) - 400 * DAY)


def other_lines(place: Place, statement: Any, of: str, change: Callable[[list[Any]], list[Any]]) -> Statement:
    """Change the lines of a listed artifact, sealed or not, and what the statement says of it."""
    data = place.world.artifacts[getattr(statement, of).digest]
    if isinstance(statement, Draw) and statement.key is None:
        nonce, content = parse(data)
        content |= {"lines": change(content["lines"])}
        tree = merkle.Tree(merkle.leaf_hash(canonical(row)) for row in content["lines"])
        told = canonical([nonce, content])
        place.world.keep(told)
        return statement.model_copy(update={of: listing_of(told, tree)})
    rows = [canonical(row) for row in change([parse(line) for line in split_lines(data)])]
    told = joined(rows)
    place.world.keep(told)
    return statement.model_copy(update={of: listing_of(told, merkle.Tree(map(merkle.leaf_hash, rows)))})


def in_results(change: Callable[[list[Any]], list[Any]]) -> Change:
    return lambda place, statement: other_lines(place, statement, "results", change)


def is_drawn(row: Any) -> bool:
    return "ticket" in row


def without_one(rows: list[Any]) -> list[Any]:
    last = max(at for at, row in enumerate(rows) if is_drawn(row))
    return rows[:last] + rows[last + 1 :]


def renamed(rows: list[Any]) -> list[Any]:
    """Put another object in the place of a drawn one."""
    taken = {row["no"] for row in rows if is_drawn(row)}
    free = next(f"O-{n:05d}" for n in range(1, 1000) if f"O-{n:05d}" not in taken)
    at = next(at for at, row in enumerate(rows) if is_drawn(row))
    return [*rows[:at], {**rows[at], "no": free}, *rows[at + 1 :]]


def other_team(rows: list[Any]) -> list[Any]:
    at, other = [at for at, row in enumerate(rows) if is_drawn(row)][:2]
    return (
        [{**row, "team": rows[other]["team"]} if number == at else row for number, row in enumerate(rows)]
        if rows[at]["team"] != rows[other]["team"]
        else [{**row, "team": row["team"][::-1]} if number == at else row for number, row in enumerate(rows)]
    )


def smaller_quota(rows: list[Any]) -> list[Any]:
    at = next(at for at, row in enumerate(rows) if not is_drawn(row) and row["quota"])
    return [*rows[:at], {**rows[at], "quota": rows[at]["quota"] - 1}, *rows[at + 1 :]]


def new_plan(**changes: Any) -> Change:
    """Log another version of the plan after the snapshots, and announce under it."""

    def change(place: Place, statement: Announcement) -> Statement:
        named = next(e for e in place.world.steps.values() if e.text_hash == statement.plan.text)
        plan = named.of(Plan)
        told = {name: value(plan) if callable(value) else value for name, value in changes.items()}
        entry = place.insert(place.again(plan, **told))
        return place.again(statement, plan=entry.ref)

    return change


def halved(plan: Plan) -> Any:
    return tuple(
        rule.model_copy(
            update={"ratios": tuple(one.model_copy(update={"ratio": "1/1000", "floor": None}) for one in rule.ratios)}
        )
        for rule in plan.rules
    )


def only_some(plan: Plan) -> Any:
    return tuple(rule.model_copy(update={"filter": 'region != "370102" and region != "140602"'}) for rule in plan.rules)


def small_team(plan: Plan) -> Any:
    return plan.team.model_copy(update={"eligible": ()})


def unseen_row(place: Place, statement: SnapshotStatement) -> Statement:
    """Say of a roster that it has one row less, without making it so."""
    roster = statement.roster
    return statement.model_copy(update={"roster": roster.model_copy(update={"count": roster.count - 1})})


def fewer_rows(place: Place, statement: SnapshotStatement) -> Statement:
    """Freeze a registry without its last row."""
    return other_lines(place, statement, "roster", lambda rows: rows[:-1])


def without_basis(place: Place, statement: ItemList) -> Statement:
    items = read_items(place.world.artifacts[statement.items.digest])
    items = tuple(item.model_copy(update={"basis": ()}) for item in items)
    return statement.model_copy(update={"items": place.world.keep(format_items(items))})


def shorter_list(place: Place, statement: ItemList) -> Statement:
    items = [item for item in read_items(place.world.artifacts[statement.items.digest]) if "fund-use" not in item.id]
    return statement.model_copy(update={"items": place.world.keep(format_items(items))})


def exclude_another(place: Place, statement: Announcement) -> Statement:
    """Strike a name off by hand."""
    data = place.world.artifacts[statement.exclusions.digest]
    more = canonical({"item": None, "no": "O-00002", "reason": "yearly-cap"})
    return statement.model_copy(
        update={"exclusions": place.world.keep(joined(sorted({*split_lines(data), more})) if data else joined([more]))}
    )


def another_slot(place: Place, statement: Announcement) -> Statement:
    first = statement.slots[0]
    return statement.model_copy(update={"slots": tuple(sorted({*statement.slots, first.rsplit("/", 1)[0] + "/9"}))})


def announced_twice(place: Place, statement: Draw) -> Statement:
    """Announce the slot once more, and draw what was announced first."""
    said = next(e for e in place.world.steps.values() if e.text_hash == statement.announcement.text)
    place.insert(place.again(said.statement, window=said.of(Announcement).window, margin=301))
    return place.again(statement)


def drawn_twice(place: Place, statement: Draw) -> Statement:
    place.insert(place.again(statement))
    return place.again(statement)


def without_line(place: Place, statement: Result) -> Statement:
    """Leave a drawn object out of the published results, one that nothing is left to be put right of."""

    def change(rows: list[Any]) -> list[Any]:
        out = next((row for row in rows if row["rectify"] is None), rows[0])
        return [row for row in rows if row is not out]

    return other_lines(place, statement, "outcomes", change)


def second_result(place: Place, statement: Any) -> Statement:
    """Publish another outcome of an object before the first, without saying that it is a correction."""
    lines = read_outcomes(place.world.artifacts[statement.outcomes.digest], statement.outcomes)
    line = next(line for line in lines if isinstance(line, OutcomeLine))
    data, listing = format_outcomes([line.model_copy(update={"result": None, "findings": (), "leniency": (),
                                                             "noncooperation": (), "transfers": (),
                                                             "withheld": "privacy"})])  # fmt: skip
    place.world.keep(data)
    place.insert(place.again(statement, outcomes=listing))
    return place.again(statement)


def late(place: Place, statement: Statement) -> Statement:
    """Publish half a year after everything."""
    place.world.now += 80 * DAY
    return place.again(statement)


def of_an_undrawn(place: Place, statement: Result) -> Statement:
    return other_lines(place, statement, "outcomes", lambda rows: [*rows[1:], {**rows[0], "no": "O-99999"}])


def unknown_result(place: Place, statement: Result) -> Statement:
    return other_lines(
        place,
        statement,
        "outcomes",
        lambda rows: [{**row, "result": "all-fine"} if row.get("result") else row for row in rows],
    )


def own_result(place: Place, statement: Result) -> Statement:
    """Let the drawing unit sign what the inspecting unit found."""
    head = place.world.head(BUREAU).fields()
    return statement.model_copy(update={"by": BUREAU, "seq": head["seq"], "prev": head["prev"]})


def borrowed_role(place: Place, statement: SignOff) -> Statement:
    return statement.model_copy(update={"role": "cppcc"})


def chosen_substitute(place: Place, statement: Substitution) -> Statement:
    data = parse(place.world.artifacts[statement.result.digest].rstrip(b"\n"))
    assert isinstance(data, dict)
    other = next(f"I-{n:04d}" for n in range(1, 99) if f"I-{n:04d}" not in {data["in"], data["out"]})
    return statement.model_copy(update={"result": place.world.keep(canonical({**data, "in": other}) + b"\n")})


def alone(place: Place, statement: Statement) -> Statement:
    return statement.model_copy(update={"with_": ()})


DRAWING = "(announcement|draw):[^:]+"
OURS = "(plan|announcement|draw):.*|snapshot:[^:]+:(objects|staff)"
FILED = ("shandong-2020", "shanghai-2024")

MUTATIONS = (
    Mutation("an announcement or a draw is not logged", DRAWING, keep_back),
    Mutation("a plan is not logged", "plan:[^:]+", keep_back),
    Mutation("the item list is not logged", "items", keep_back),
    Mutation("a snapshot is not logged", "snapshot:.*", keep_back),
    Mutation("a result is not logged", "result:[^:]+", keep_back),
    Mutation("a seed or a deposit is not logged", "(commitment|reveal|reveals-closed|deposit):.*", keep_back),
    Mutation("a call or its substitution is not logged", "(call|substitution):.*", keep_back),
    Mutation("a closing correction is not logged", "correction:[^:]+:closed", keep_back),
    Mutation("a return visit is not logged", "correction:[^:]+:revisit", keep_back),
    Mutation("an answer is not logged", "answer:.*", keep_back),
    Mutation("a sealed draw is never opened", "opening:.*", keep_back),
    Mutation("a plan is not filed", "sign-off:plan:.*:superior", keep_back, ids=FILED),
    Mutation("an item list is not reviewed", "sign-off:items:legal", keep_back),
    Mutation("a result is not approved", "sign-off:(result|late):.*", keep_back),
    Mutation("nobody supervised a draw", "sign-off:draw:.*:(legal|department)", keep_back,
             ids=("laiyuan", "shanghai-2024")),
    Mutation("a statement is dated back", OURS, changed(time=earlier)),
    Mutation("a number is left out of a chain", OURS, changed(seq=lambda s: s.seq + 1)),
    Mutation("a chain is cut", OURS, changed(prev="0" * 64)),
    Mutation("a statement is of another log", DRAWING, changed(log="log.example.org/rehearsal")),
    Mutation("a statement is of another bureau", DRAWING, changed(bureau="other.example.cn/rehearsal")),
    Mutation("ratios are lowered after the snapshots", "announcement:.*", new_plan(rules=halved)),
    Mutation("a filter is changed after the snapshots", "announcement:.*", new_plan(rules=only_some),
             ids=("shandong-2020", "shuozhou-2023")),
    Mutation("the cap is lifted after the snapshots", "announcement:.*", new_plan(yearly_cap=99), ids=FILED),
    Mutation("eligibility is dropped after the snapshots", "announcement:.*", new_plan(team=small_team)),
    Mutation("the cap is lifted", "plan:[^:]+", changed(yearly_cap=None), ids=("shandong-2020",)),
    Mutation("ratios are lowered", "plan:[^:]+", changed(rules=halved), ids=("shandong-2020", "shuozhou-2023")),
    Mutation("a slot is announced that no plan has", "announcement:.*", another_slot),
    Mutation("a regulation is swapped", "announcement:.*", changed(regulation=None)),
    Mutation("the history is cut", "announcement:.*", changed(history_size=10**6)),
    Mutation("a name is struck off", "announcement:.*", exclude_another),
    Mutation("the window is moved out of the schedule", "announcement:.*", changed(window="2026-12-31")),
    Mutation("the margin is taken away", "announcement:.*", changed(margin=31_000_000)),
    Mutation("an item list has no legal basis", "items", without_basis),
    Mutation("an item is taken off the list", "items", shorter_list),
    Mutation("a roster does not fit its count", "snapshot:[^:]+:(objects|staff)", unseen_row),
    Mutation("a row is gone", "snapshot:[^:]+:objects", fewer_rows),
    Mutation("a draw is made twice", "draw:.*", drawn_twice),
    Mutation("a slot is announced twice", "draw:.*", announced_twice),
    Mutation("a drawn object is dropped", "draw:.*", in_results(without_one)),
    Mutation("a drawn object is replaced", "draw:.*", in_results(renamed)),
    Mutation("a team is replaced", "draw:.*", in_results(other_team)),
    Mutation("a quota is lowered", "draw:.*", in_results(smaller_quota)),
    Mutation("the pulse is another", "draw:.*",
             changed(pulses=lambda s: tuple(p.model_copy(update={"round": p.round + 1}) for p in s.pulses))),
    Mutation("an outcome is left out", "result:[^:]+", without_line),
    Mutation("an outcome is changed without a correction", "result:[^:]+", second_result),
    Mutation("a result is late", "result:(fund-2|autumn)", late),
    Mutation("a result is of an object that was not drawn", "result:[^:]+", of_an_undrawn),
    Mutation("a result is none of the regulation's", "result:[^:]+", unknown_result,
             ids=("shuozhou-2023", "laiyuan")),
    Mutation("the drawing unit signs the result", "result:[^:]+", own_result,
             ids=("shandong-2020", "shuozhou-2023", "laiyuan", "shanghai-2024")),
    Mutation("somebody signs off in another's role", "sign-off:.*", borrowed_role),
    Mutation("a substitute is chosen", "substitution:.*", chosen_substitute),
    Mutation("nobody but the bureau says who drops out", "call:.*", alone),
)  # fmt: skip


EXPECTED: dict[str, set[str]] = {
    "an announcement or a draw is not logged": {"overdue-draw", "slot-not-drawn"},
    "a plan is not logged": {"without-foundation"},
    "the item list is not logged": {"item-outside-list", "draw-fails:regulation"},
    "a snapshot is not logged": {"draw-fails:snapshots"},
    "a result is not logged": {"drawn-not-inspected"},
    "a seed or a deposit is not logged": {"draw-fails:seed", "draw-fails:disclosure"},
    "a call or its substitution is not logged": {"draw-fails:later-acts", "overdue-substitution"},
    "a closing correction is not logged": {"drawn-not-inspected"},
    "a return visit is not logged": {"rectification-not-revisited"},
    "an answer is not logged": {"objection-unanswered"},
    "a sealed draw is never opened": {"not-opened-in-time"},
    "a plan is not filed": {"sign-off-missing"},
    "an item list is not reviewed": {"sign-off-missing"},
    "a result is not approved": {"sign-off-missing"},
    "nobody supervised a draw": {"sign-off-missing", "supervisors-missing"},
    "a statement is dated back": {"draw-fails:bureau-chain"},
    "a number is left out of a chain": {"chain-broken"},
    "a chain is cut": {"chain-broken"},
    "a statement is of another log": {"chain-broken"},
    "a statement is of another bureau": {"chain-broken"},
    "ratios are lowered after the snapshots": {"draw-fails:plan-before-snapshots"},
    "a filter is changed after the snapshots": {"draw-fails:plan-before-snapshots"},
    "the cap is lifted after the snapshots": {"draw-fails:plan-before-snapshots"},
    "eligibility is dropped after the snapshots": {"draw-fails:plan-before-snapshots"},
    "the cap is lifted": {"against-regulation"},
    "ratios are lowered": {"against-regulation"},
    "a slot is announced that no plan has": {"draw-fails:plan-before-snapshots"},
    "a regulation is swapped": {"draw-fails:closed-inputs"},
    "the history is cut": {"draw-fails:closed-inputs"},
    "a name is struck off": {"draw-fails:closed-inputs"},
    "the window is moved out of the schedule": {"draw-fails:closed-inputs"},
    "the margin is taken away": {"draw-fails:announcement-before-pulse"},
    "an item list has no legal basis": {"draw-fails:regulation"},
    "an item is taken off the list": {"item-outside-list"},
    "a roster does not fit its count": {"draw-fails:rosters"},
    "a row is gone": {"draw-fails:quotas", "draw-fails:record-matches"},
    "a draw is made twice": {"draw-fails:no-other-draw"},
    "a slot is announced twice": {"announced-again"},
    "a drawn object is dropped": {"draw-fails:selection"},
    "a drawn object is replaced": {"draw-fails:selection"},
    "a team is replaced": {"draw-fails:assignment"},
    "a quota is lowered": {"draw-fails:quotas"},
    "the pulse is another": {"draw-fails:pulse"},
    "an outcome is left out": {"drawn-not-inspected"},
    "an outcome is changed without a correction": {"outcome-twice"},
    "a result is late": {"result-late"},
    "a result is of an object that was not drawn": {"act-of-undrawn"},
    "a result is none of the regulation's": {"act-against-regulation"},
    "the drawing unit signs the result": {"wrong-role"},
    "somebody signs off in another's role": {"wrong-role"},
    "a substitute is chosen": {"draw-fails:later-acts"},
    "nobody but the bureau says who drops out": {"wrong-role"},
}
"""By what name an audit must call each kind, one of them at least."""


# -- the log itself -------------------------------------------------------------------------------------------------


def rewritten(year: draws.Year, entries: Sequence[bytes]) -> draws.Year:
    """Return a year whose log has other entries, signed and cosigned anew as if it had always had them."""
    old = year.world
    world = replace(old, now=0, bend=None, entries=[], checkpoints=[], _leaves=[])
    for size in old.sizes():
        world.entries = list(entries[: min(size.size, len(entries))])
        world._leaves = [merkle.leaf_hash(data) for data in world.entries]
        world.now = size.quorum_time or 0
        world.checkpoint()
    world.now = old.now
    return replace(year, world=world)


def swapped(entries: Sequence[bytes], at: int) -> list[bytes]:
    return [*entries[:at], entries[at + 1], entries[at], *entries[at + 2 :]]


def neighbours(year: draws.Year) -> Iterator[int]:
    """Yield where two neighbouring entries are the bureau's, whose chain another order would break."""
    by = {entry.index: entry.statement.by for entry in year.world.steps.values()}
    yield from (at for at in sorted(by) if by.get(at + 1) == by[at] and by[at] == BUREAU)


# What is missed by nobody: it binds nobody, or its absence is seen only by whoever was inspected outside the draw.
UNSEEN = re.compile("(receipt|evidence|exception|deferral|objection|answer|sign-off):.*|names:.*")


def dropped(year: draws.Year) -> list[int]:
    """Return the entries whose absence breaks a chain, or leaves something undone, whoever cosigned the log."""
    return [entry.index for step, entry in year.world.steps.items() if not UNSEEN.fullmatch(step)]
