"""A draw of a workspace by its id: its announcement, its inputs, and what it waits for."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, Literal

from fairdraw.announcement import Inputs, limit_of, read_exclusions, read_recusals
from fairdraw.beacon import Chain, Pulse
from fairdraw.encoding import end_of_day, format_time
from fairdraw.errors import WorkspaceError
from fairdraw.events import EVENTS
from fairdraw.exclusion import Earlier, draws_of_the_year, exclude, format_exclusions, looks_back
from fairdraw.randomness import chain_of, check_value, settled_at
from fairdraw.record import drawn_items
from fairdraw.regulation import Regulation, read_artifact
from fairdraw.roster import Lookup, Roster
from fairdraw.schema import (
    Announcement,
    Committed,
    Deposit,
    Draw,
    Opening,
    Plan,
    Reveal,
    RevealsClosed,
    SnapshotStatement,
    Until,
    Void,
)
from fairdraw.seed import seed_lines
from fairdraw.statement import Entry
from fairdraw.values import Artifact, PulseValue, Ref, Source
from fairdraw_cli.desk import Desk
from fairdraw_cli.files import read_secret
from fairdraw_cli.workspace import Workspace
from transparency_log.cosigned import cosigned_before

DEPOSITARIES = 2  # one alone could lose the key, or say that it did


DAY: Final = 24 * 3600
Role = Literal["objects", "inspectors"]


@dataclass(frozen=True)
class Matter:
    """An announced draw: its id in the workspace, its announcement's entry, and the draw's, if there is one."""

    desk: Desk
    name: str
    announcement: Entry
    draw: Entry | None

    @property
    def said(self) -> Announcement:
        """The announcement."""
        return self.announcement.of(Announcement)

    @property
    def limit(self) -> int:
        """The time before which whatever waits for the round must be cosigned."""
        trust = self.desk.workspace.trust
        return limit_of(self.said, trust.chains, trust.margin)

    @property
    def sealed(self) -> Until | None:
        """How long the result is sealed, or None."""
        return self.said.disclosure if isinstance(self.said.disclosure, Until) else None

    @property
    def opening(self) -> Entry | None:
        """The entry that opened the sealed result, or None."""
        drawn = self.draw
        opened = self.desk.history.all(Opening, self.desk.workspace.bureau)
        return next((e for e, s in opened if drawn is not None and s.of.text == drawn.text_hash), None)

    @property
    def hidden(self) -> bool:
        """Whether nobody outside may see a drawn number yet."""
        return self.sealed is not None and self.opening is None

    def due(self) -> int:
        """Return when the last round is due, and all events are over."""
        place, sources = self.desk.workspace, self.said.beacon
        events = {source.hash: place.artifact(source.hash) for source in sources if source.beacon == EVENTS}
        return settled_at(sources, place.trust.chains, events)

    def named(self, ref: Ref) -> Entry:
        """Return the entry that the announcement names."""
        return self.desk.history.named(ref.text)

    def plan(self) -> Plan:
        """Return the plan version that counts."""
        return self.named(self.said.plan).of(Plan)

    def snapshots(self) -> Iterator[tuple[Role, Entry]]:
        """Yield the draw's snapshots: of the objects, the inspectors, and each department's."""
        said = self.said
        yield "objects", self.named(said.objects)
        for ref in (said.inspectors, *said.joint):
            yield "inspectors", self.named(ref)

    def rosters(self) -> Iterator[tuple[Role, Entry, Roster]]:
        """Yield the draw's snapshots and their rosters."""
        for role, entry in self.snapshots():
            yield role, entry, self.desk.workspace.roster(entry.of(SnapshotStatement))

    def lookups(self, opened: ExitStack) -> Iterator[tuple[Role, Entry, Lookup]]:
        """Yield the draw's snapshots and their rosters for the sake of some rows; whoever opens files closes them.

        Nothing is loaded where the freeze has kept level files.
        """
        place = self.desk.workspace
        for role, entry in self.snapshots():
            said = entry.of(SnapshotStatement)
            levels = place.registry(said.registry) / f"levels-{snapshot_number(self.desk, entry)}"
            if said.by == place.bureau and levels.is_dir():
                from fairdraw_cli.ondisk import RosterOnDisk

                roster = place.artifact_path(said.roster.digest)
                yield role, entry, opened.enter_context(RosterOnDisk(levels, roster, said))
            else:
                yield role, entry, place.roster(said)

    def inputs(self) -> Inputs:
        """Return all that the draw is a function of, besides its key."""
        return inputs_of(self.desk, self.announcement)

    def embargo(self) -> bytes | None:
        """Return the embargo key of a sealed draw."""
        if self.sealed is None:
            return None
        return read_secret(self.desk.workspace.secret(f"{self.name}.embargo"))


def snapshot_number(desk: Desk, snapshot: Entry) -> int:
    """Return the how manieth snapshot of its registry one is, by which its files are named."""
    said = snapshot.of(SnapshotStatement)
    logged = [entry for entry, one in desk.history.all(SnapshotStatement, said.by) if one.registry == said.registry]
    return [entry.text_hash for entry in logged].index(snapshot.text_hash) + 1


def inputs_of(desk: Desk, announcement: Entry, lists: Mapping[str, bytes] | None = None) -> Inputs:
    """Return the inputs that an announcement names; `lists` are artifacts by digest that are not stored yet."""
    said, place = announcement.of(Announcement), desk.workspace

    def artifact(named: Artifact) -> bytes:
        return lists[named.digest] if lists is not None else place.artifact(named.digest)

    def roster(ref: Ref) -> Roster:
        statement = desk.history.named(ref.text).of(SnapshotStatement)
        return place.roster(statement)

    return Inputs(
        announcement=announcement,
        plan=desk.history.named(said.plan.text).of(Plan),
        objects=roster(said.objects),
        inspectors=roster(said.inspectors),
        joint=tuple(map(roster, said.joint)),
        recusals=read_recusals(artifact(said.recusals)),
        exclusions=read_exclusions(artifact(said.exclusions)),
    )


def earlier_of(desk: Desk, plan: Plan, index: int) -> list[tuple[Entry, Plan, Announcement]]:
    """Return the draws under plans of the same year and objects that were logged below an index."""
    chain = [entry for entry in desk.history.by(desk.workspace.bureau) if entry.index < index]
    return draws_of_the_year(chain, plan)


def exclusions_of(desk: Desk, plan: Plan, slots: Collection[str], objects: Roster, index: int) -> bytes:
    """Return the exclusion list of an announcement that will stand at an index, of the earlier draws of its year."""
    if not looks_back(plan, slots):
        return b""
    earlier = [
        Earlier(plan=rules, slots=said.slots, drawn=drawn_items(_results(desk, entry), entry.of(Draw)))
        for entry, rules, said in earlier_of(desk, plan, index)
    ]
    return format_exclusions(exclude(plan, slots, objects.numbers, earlier))


def _results(desk: Desk, entry: Entry) -> bytes:
    return desk.workspace.artifact(entry.of(Draw).results.digest)


def regulation_of(place: Workspace, said: Announcement | Plan) -> Regulation | None:
    """Return the regulation that an announcement or a plan names, None where it names none."""
    return None if said.regulation is None else read_artifact(place.artifact(said.regulation.digest))


def find(desk: Desk, name: str) -> Matter:
    """Return an announced draw by its id.

    Raises:
        WorkspaceError: `draw-unknown`, with the ids that are known.
    """
    text = desk.workspace.announced(name)
    entry = desk.history.find(text) if text else None
    if entry is None:
        folder = desk.workspace.root / "state" / "draws"
        known = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        raise WorkspaceError("draw-unknown", expected=known, found=name)
    draws = [e for e, draw in desk.history.all(Draw, desk.workspace.bureau) if draw.announcement.text == text]
    return Matter(desk, name, entry, draws[0] if draws else None)


def voids(desk: Desk, announcement: Entry) -> list[Entry]:
    """Return the `void` entries of an announcement."""
    return [e for e, void in desk.history.all(Void) if void.announcement.text == announcement.text_hash]


def check_ready(matter: Matter) -> None:
    """Refuse a draw that no verifier would accept: voided, not witnessed in time, not due, not deposited.

    Raises:
        WorkspaceError: which of them.
    """
    desk = matter.desk
    if ended := voids(desk, matter.announcement):
        raise WorkspaceError("draw-voided", index=ended[0].index, found=matter.name)
    index = matter.announcement.index
    if cosigned_before(desk.sizes(above=index), index, matter.limit) is None:
        raise WorkspaceError("not-witnessed-in-time", index=index, limit=format_time(matter.limit))
    if desk.now < matter.due():
        raise WorkspaceError("round-not-due", expected=format_time(matter.due()), found=format_time(desk.now))
    if matter.sealed is not None:
        _check_deposits(matter, matter.sealed)


def _check_deposits(matter: Matter, sealed: Until) -> None:
    desk, sizes = matter.desk, matter.desk.sizes()
    held = {
        entry.statement.by
        for entry, deposit in desk.history.all(Deposit)
        if deposit.embargo == sealed.embargo
        and deposit.by in desk.workspace.trust.supervisors
        and cosigned_before(sizes, entry.index, matter.limit)
    }
    if len(held) < DEPOSITARIES:
        raise WorkspaceError("too-few-deposits", expected=DEPOSITARIES, found=sorted(held))


def contributions(matter: Matter, rule: Committed) -> list[tuple[Entry, Entry | None]]:
    """Return each contributor's commitment and its reveal, if one is logged, in announced order."""
    told = []
    for contributor in rule.contributors:
        reveals = [
            entry
            for entry, reveal in matter.desk.history.all(Reveal, contributor.name)
            if reveal.commitment.text == contributor.commitment.text
        ]
        told.append((matter.named(contributor.commitment), reveals[0] if reveals else None))
    return told


def closing(matter: Matter) -> Entry | None:
    """Return the first `reveals-closed` of a draw."""
    closed = matter.desk.history.all(RevealsClosed, matter.desk.workspace.bureau)
    return next((e for e, s in closed if s.announcement.text == matter.announcement.text_hash), None)


def seeds_of(matter: Matter) -> tuple[tuple[str, str], ...]:
    """Return the seed lines of the draw's key.

    Raises:
        WorkspaceError: `reveals-not-closed`: the list of reveals is not closed, or was cosigned too late.
        SeedError: too few reveals, or an indispensable one is missing.
    """
    rule = matter.said.seed
    if not isinstance(rule, Committed):
        return ()
    entry = closing(matter)
    if entry is None or cosigned_before(matter.desk.sizes(above=entry.index), entry.index, matter.limit) is None:
        # Whoever closes the list after the pulse chooses among outcomes (attack 10).
        raise WorkspaceError("reveals-not-closed", limit=format_time(matter.limit))
    reveals = [None if ref is None else matter.named(ref) for ref in entry.of(RevealsClosed).reveals]
    commitments = [matter.named(contributor.commitment) for contributor in rule.contributors]
    return seed_lines(rule, commitments=commitments, reveals=reveals)


def pulses_of(
    matter: Matter, find_pulse: Callable[[Chain, int], Pulse | None]
) -> tuple[tuple[PulseValue, ...], tuple[bytes, ...]]:
    """Return the announced rounds' pulses and their randomness, each verified.

    Raises:
        WorkspaceError: `pulse-missing`, or what is wrong with the values of events.
        BeaconError: a pulse is another round's, another chain's, or not signed.
    """
    place = matter.desk.workspace
    values = tuple(_value(matter, source, find_pulse) for source in matter.said.beacon)
    return values, tuple(
        check_value(source, value, place.trust.chains, read=place.artifact)
        for source, value in zip(matter.said.beacon, values, strict=True)
    )


def _value(matter: Matter, source: Source, find_pulse: Callable[[Chain, int], Pulse | None]) -> PulseValue:
    if source.beacon == EVENTS:
        from fairdraw_cli.eventwork import value_of

        return value_of(matter, source)
    chain = chain_of(source, matter.desk.workspace.trust.chains)
    pulse = find_pulse(chain, source.round)
    if pulse is None:
        code = "practice-pulse-missing" if chain.practice else "pulse-missing"
        raise WorkspaceError(code, chain=chain.id, round=source.round)
    return PulseValue(beacon=chain.id, round=source.round, signature=pulse.signature, previous=pulse.previous)


def opens_at(sealed: Until) -> int:
    """Return the time from which a sealed result may be opened: the beginning of its day in China."""
    return end_of_day(sealed.date) - DAY
