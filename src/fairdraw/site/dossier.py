"""Everything that the page of one draw shows, and the bundle beside it, made from the log alone.

The draw is verified here as a reader would (specs/verification.md), so that a page without a script does not show as a
result what is none; but that says only what this site's own computer found, and the page says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from fairdraw.acts import Substitute, Vacancy, read_act
from fairdraw.announcement import key_material
from fairdraw.audit.chain import Ledger
from fairdraw.audit.lots import END, bundle_from_log
from fairdraw.bundle import Bundle
from fairdraw.errors import ActError, AnnouncementError, BeaconError, EncodingError, SeedError
from fairdraw.randomness import check_value, time_of
from fairdraw.record import DrawnLine, StratumLine, read_lines, unseal
from fairdraw.render import Command, by_hand
from fairdraw.schema import (
    Committed,
    Draw,
    Evidence,
    Opening,
    RevealsClosed,
    SignOff,
    SnapshotStatement,
    Substitution,
    SubstitutionCall,
    Until,
)
from fairdraw.seed import seed_lines
from fairdraw.site.register import Row
from fairdraw.statement import Entry
from fairdraw.tickets import KeyMaterial
from fairdraw.values import Artifact
from fairdraw.verify import Report, verify_bundle

Done = Literal["done", "waiting", "missed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of the timeline: `time` POSIX seconds where it is known, `entry` what was logged then."""

    code: str
    state: Done
    time: int | None = None
    entry: int | None = None
    round: tuple[str, int] | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A line of the result table; `now` is the team after substitutions and special teams, where it is another one."""

    no: str
    items: tuple[str, ...]
    ticket: str
    team: tuple[str, ...]
    experts: tuple[str, ...]
    now: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something logged later: `about` says who came in for whom, `files` are public artifacts by digest."""

    index: int
    type: str
    time: int
    by: str
    reason: str | None
    about: tuple[str, str, str] | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """The content of one draw's page.

    Attributes:
        failed: the codes of the checks that do not hold by this site's own verification.
        strata, drawn: the logged result; empty while it is sealed, is still to come, or cannot be had.
        rosters: what was drawn from: registry, entry, rows, digest (None where it is not published).
    """

    row: Row
    failed: tuple[str, ...]
    steps: tuple[Step, ...]
    strata: tuple[StratumLine, ...]
    drawn: tuple[Drawn, ...]
    acts: tuple[Act, ...]
    rosters: tuple[tuple[str, int, int, str | None], ...]
    commands: tuple[Command, ...]

    @property
    def ahead(self) -> int | None:
        """Return how many seconds before the first round all was locked, None where it was not locked in time."""
        locked, rounds = self.row.lock.quorum_time, [step.time for step in self.steps if step.code == "random"]
        known = [time for time in rounds if time is not None]
        return min(known) - locked if known and locked is not None and locked < self.row.limit else None


def make(row: Row) -> tuple[Dossier, Bundle]:
    """Return a draw's page and its bundle: a public one, which has neither an embargo key nor a sealed result."""
    bundle = bundle_from_log(row.ledger, row.entry, row.draw)
    report = _verify(row.ledger, bundle)
    strata, lines = _result(row)
    shown = Dossier(
        row=row,
        failed=report.failed,
        steps=tuple(_steps(row)),
        strata=strata,
        drawn=tuple(_drawn(lines, report)),
        acts=tuple(_act(row, entry) for entry in row.acts if entry is not row.draw),
        rosters=tuple(_rosters(row)),
        commands=_commands(row, lines),
    )
    return shown, bundle


def _commands(row: Row, lines: tuple[DrawnLine, ...]) -> tuple[Command, ...]:
    material = _material(row)
    if row.draw is None or material is None:
        return ()
    first = (lines[0].no, lines[0].ticket) if lines else None
    return by_hand(row.draw.of(Draw).pulses, material, first)


def _verify(ledger: Ledger, bundle: Bundle) -> Report:
    """Return this site's own verification, as of the newest cosignature.

    Later the log would be called stale, and what a page says would change with the clock of whoever builds it. How
    fresh the log is each reader's own verification tells.
    """
    last = max(line.timestamp for line in ledger.newest.cosignatures)
    return verify_bundle(bundle, ledger.trust, as_of=last, as_of_given=True, log=ledger.view, whole=ledger.whole)


def _result(row: Row) -> tuple[tuple[StratumLine, ...], tuple[DrawnLine, ...]]:
    """Return the lines of the logged result, none where nobody may see it or it cannot be had."""
    if row.draw is None or not row.shows_result:
        return (), ()
    named = row.draw.of(Draw).results
    data = row.ledger.artifact(named, row.draw.index)
    try:
        return ((), ()) if data is None else read_lines(data if row.opening is None else unseal(data))
    except EncodingError:
        return (), ()  # `record-matches` says why


def _drawn(lines: tuple[DrawnLine, ...], report: Report) -> Iterator[Drawn]:
    final = dict(report.final)
    for line in lines:
        team = tuple(no for _, no in line.team)
        now = final.get(line.no, team)
        yield Drawn(
            no=line.no,
            items=tuple(dict.fromkeys(item for item, _ in line.strata)),
            ticket=line.ticket,
            team=team,
            experts=line.experts,
            now=None if now == team else now,
        )


def _steps(row: Row) -> Iterator[Step]:
    """Yield 锁定 → 随机数 → 结果 → 打印签字 → 公开, each with the time by which a quorum had seen it."""
    ledger = row.ledger
    yield Step(code="locked", state="done", time=row.lock.quorum_time, entry=row.index)
    past = row.draw is not None or row.state == "overdue"
    for source in row.said.beacon:
        try:
            due = min(time_of(source, ledger.trust.chains), END)
        except AnnouncementError:
            due = None  # a chain that the trust file does not know; the verification says so
        yield Step(code="random", state="done" if past else "waiting", time=due, round=(source.beacon, source.round))
    lost = row.draw is None and row.state != "locked"
    yield _logged("result", row, row.draw, "missed" if lost else "waiting")
    signed = next((one for one in row.acts if _is_signature(row, one)), None)
    yield _logged("signed", row, signed, "waiting")
    until = row.said.disclosure.date if isinstance(row.said.disclosure, Until) else None
    shown = row.draw if until is None else row.opening
    yield _logged("published", row, shown, "missed" if row.state in {"void", "overdue"} else "waiting", date=until)


def _is_signature(row: Row, entry: Entry) -> bool:
    """Say whether an act is about the printed result: what was signed before the draw shows nothing of it."""
    said = entry.statement
    return row.draw is not None and isinstance(said, SignOff | Evidence) and said.of.text == row.draw.text_hash


def _logged(code: str, row: Row, entry: Entry | None, otherwise: Done, *, date: str | None = None) -> Step:
    if entry is None:
        return Step(code=code, state=otherwise, date=date)
    return Step(code=code, state="done", time=row.ledger.shown(entry.index), entry=entry.index, date=date)


def _act(row: Row, entry: Entry) -> Act:
    said = entry.statement
    reason = getattr(said, "reason", None)
    # While a draw is sealed, whom a later act is about would tell who was drawn.
    shown = row.shows_result or row.draw is None
    public = (value.digest for _, value in said if isinstance(value, Artifact) and shown)
    return Act(
        index=entry.index,
        type=said.type,
        time=row.ledger.shown(entry.index),
        by=said.by,
        reason=reason if isinstance(reason, str) else None,
        about=_who(row.ledger, entry) if shown else None,
        files=tuple(one for one in public if row.ledger.view.artifacts.get(one) is not None),
    )


def _who(ledger: Ledger, entry: Entry) -> tuple[str, str, str] | None:
    """Return of a call or a substitution the object, who drops out, and who comes in ("" where nobody has yet)."""
    try:
        match entry.statement:
            case SubstitutionCall(vacancy=named) if (data := ledger.artifact(named, entry.index)) is not None:
                vacancy = read_act(Vacancy, data)
                return vacancy.no, vacancy.inspector, ""
            case Substitution(result=named) if (data := ledger.artifact(named, entry.index)) is not None:
                made = read_act(Substitute, data)
                return made.no, made.out, made.in_
    except ActError:
        pass  # `later-acts` says what is wrong with it
    return None


def _rosters(row: Row) -> Iterator[tuple[str, int, int, str | None]]:
    for ref in (row.said.objects, row.said.inspectors, *row.said.joint):
        found = row.ledger.named(ref, SnapshotStatement)
        if found is not None:
            entry, said = found
            held = row.ledger.view.artifacts.get(said.roster.digest) is not None
            yield said.registry, entry.index, said.roster.count, said.roster.digest if held else None


def _material(row: Row) -> KeyMaterial | None:
    """Return what the draw's key is made of, None while it is sealed, or where something of it is not to be had."""
    if row.draw is None or not row.shows_result:
        return None
    ledger, said = row.ledger, row.said
    pulses = zip(said.beacon, row.draw.of(Draw).pulses, strict=False)
    try:
        randomness = [check_value(s, v, ledger.trust.chains, read=ledger.view.artifacts.__getitem__) for s, v in pulses]
        seeds = _seeds(row)
    except (AnnouncementError, BeaconError, SeedError, KeyError):
        return None  # `pulse` or `seed` says why
    embargo = None if row.opening is None else row.opening.of(Opening).embargo
    return key_material(
        row.entry, seeds=seeds, pulses=randomness, embargo=None if embargo is None else bytes.fromhex(embargo)
    )


def _seeds(row: Row) -> tuple[tuple[str, str], ...]:
    """Return the seed lines of the key.

    Raises:
        SeedError: too few seeds were revealed.
        KeyError: a statement that the announcement or the closing names is not in the log.
    """
    rule = row.said.seed
    if not isinstance(rule, Committed):
        return ()
    entries = row.ledger.entries
    closed = next((one.of(RevealsClosed) for one in row.acts if isinstance(one.statement, RevealsClosed)), None)
    reveals = (None,) * len(rule.contributors) if closed is None else closed.reveals
    return seed_lines(
        rule,
        commitments=[entries[one.commitment.text] for one in rule.contributors],
        reveals=[None if ref is None else entries[ref.text] for ref in reveals],
    )
