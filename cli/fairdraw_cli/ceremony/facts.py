"""Reading the facts of a ceremony from the log and the workspace, without taking the log's lock."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fairdraw.encoding import parse, split_lines
from fairdraw.errors import Error
from fairdraw.events import EVENTS
from fairdraw.permalink import permalink
from fairdraw.randomness import chain_of, check_value, time_of
from fairdraw.registry import read_pairs
from fairdraw.render import fingerprint
from fairdraw.roster import Roster
from fairdraw.schema import (
    Committed,
    Deposit,
    Draw,
    Evidence,
    Plan,
    RevealsClosed,
    SignOff,
    SnapshotStatement,
    Until,
    Void,
)  # fmt: skip
from fairdraw.statement import Entry
from fairdraw.values import PulseValue, Source
from fairdraw_cli.casework import DEPOSITARIES, Matter, closing, contributions, find, voids
from fairdraw_cli.ceremony.state import Announced, Cosigner, Drawn, Facts, Found, Pending, Registry, Round
from fairdraw_cli.commands.announce import newest_snapshot, plan_for
from fairdraw_cli.commands.draw import bundle_path
from fairdraw_cli.cosigning import Request
from fairdraw_cli.desk import Desk
from fairdraw_cli.eventwork import value_of
from fairdraw_cli.files import read
from fairdraw_cli.forms import DrawForm
from fairdraw_cli.history import History
from fairdraw_cli.papers import RECORD, result_list
from fairdraw_cli.pulses import stored
from fairdraw_cli.workspace import Workspace
from transparency_log.checkpoint import cosignatures
from transparency_log.cosigned import SignedSize, cosigned_before, signed_sizes
from transparency_log.note import Note
from transparency_log.policy import NONE, Policy
from transparency_log.reader import MAX_COSIGNED

PAPERS: Final = (".pdf", ".html", ".txt", ".xlsx")
OBJECTS: Final = "objects"
INSPECTORS: Final = "inspectors"


class Onlooker(Desk):
    """A desk at which one only looks: the log is not opened, and nothing can be added."""

    def __init__(self, workspace: Workspace, history: History, now: int, known: dict[bytes, SignedSize]) -> None:
        self.workspace, self.history, self.now, self.seen = workspace, history, now, []
        self._sizes = known
        self._signed = signed_sizes(workspace.storage.read, workspace.trust.policy, known)

    def sizes(self, *, above: int = -1) -> list[SignedSize]:
        """Return the signed checkpoints above a size, by size, as they were when this desk was opened."""
        return [one for one in self._signed if one.size > above]

    @property
    def newest(self) -> SignedSize:
        """The newest checkpoint; the log itself is not open here."""
        return self._signed[-1]


@dataclass
class Reader:
    """Reads the facts again and again; what cannot change, because the log only grows, is read once."""

    place: Workspace
    name: str
    form: DrawForm | None
    folder: Path
    _history: tuple[int, History] | None = None
    _rosters: dict[str, Roster] = field(default_factory=dict)
    _signed: dict[bytes, SignedSize] = field(default_factory=dict)
    _randomness: dict[tuple[str, int], str] = field(default_factory=dict)
    _numbers: dict[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    _counted: tuple[bytes, int | None] | None = None

    def desk(self, now: int) -> Desk:
        """Return the log as it stands."""
        size = self.place.reader().checkpoint().checkpoint.size
        if self._history is None or self._history[0] != size:
            self._history = size, History.read(self.place.reader())
        return Onlooker(self.place, self._history[1], now, self._signed)

    def facts(self, now: int) -> Facts:
        """Return the facts at a time.

        Raises:
            WorkspaceError: what the draw's form asks for is not there.
        """
        desk = self.desk(now)
        matter = self._matter(desk)
        if matter is None:
            return self._before(desk)
        ended = voids(desk, matter.announcement)
        place = self.place
        return Facts(
            name=self.name, bureau=place.bureau, slots=matter.said.slots, rehearsal=place.rehearsal,
            registries=self._registries(self._frozen(desk)), announced=self._announced(matter),
            recusals=len(split_lines(place.artifact(matter.said.recusals.digest))),
            committed=isinstance(matter.said.seed, Committed),
            unwitnessed=matter.desk.newest.quorum_time is None,
            voided=ended[0].of(Void).reason if ended else None,
            drawn=None if matter.draw is None else self._drawn(matter, matter.draw),
            papers=self._papers(), filed=self._filed(matter),
        )  # fmt: skip

    def found(self, role: str, no: str, now: int) -> Found:
        """Look a number up in a frozen registry."""
        for kind, entry in self._frozen(self.desk(now)):
            roster = self._roster(entry)
            if kind == role and (row := roster.find(no)) is not None:
                return Found(role=role, no=no, row=row + 1, rows=len(roster))
        return Found(role=role, no=no, row=0, rows=0)

    def _matter(self, desk: Desk) -> Matter | None:
        text = self.place.announced(self.name)
        return find(desk, self.name) if text is not None and desk.history.find(text) is not None else None

    def _before(self, desk: Desk) -> Facts:
        form, place = self.form, self.place
        if form is None:
            find(desk, self.name)  # refuses, and names the draws that are known
            raise AssertionError("a draw that is found is announced")
        request = place.draw(self.name) / "announcement.request"
        return Facts(
            name=self.name, bureau=place.bureau, slots=tuple(sorted(form.slots)), rehearsal=place.rehearsal,
            registries=self._registries(self._frozen(desk)),
            recusals=self._recusals(form), committed=form.seed.kind == "committed",
            waiting=tuple(Request.read(read(request)).said.with_) if request.exists() else (),
        )  # fmt: skip

    def _recusals(self, form: DrawForm) -> int | None:
        """Count the recusals that would be announced now; what is wrong with their file is the checklist's to say."""
        if form.recusals is None:
            return 0
        try:
            path = self.folder / form.recusals
            data = read(path)
            if self._counted is None or self._counted[0] != data:
                pairs, problems = read_pairs(data, name=path.name)
                self._counted = data, None if problems else len(pairs)
        except (Error, OSError):
            return None
        return self._counted[1]

    def _frozen(self, desk: Desk) -> list[tuple[str, Entry]]:
        """Return the snapshots that the draw is made from, or would be made from now."""
        matter = self._matter(desk)
        if matter is not None:
            said = matter.said
            told = [(OBJECTS, said.objects), (INSPECTORS, said.inspectors), *((INSPECTORS, r) for r in said.joint)]
            return [(role, matter.named(ref)) for role, ref in told]
        if self.form is None:
            return []
        rules = plan_for(desk, self.form.slots).of(Plan)
        ours = ((OBJECTS, rules.objects, self.form.objects), (INSPECTORS, rules.inspectors, self.form.inspectors))
        return [(role, newest_snapshot(desk, registry, wanted)[1]) for role, registry, wanted in ours]

    def _registries(self, frozen: list[tuple[str, Entry]]) -> tuple[Registry, ...]:
        return tuple(
            Registry(role=role, id=entry.of(SnapshotStatement).registry, rows=entry.of(SnapshotStatement).roster.count)
            for role, entry in frozen
        )

    def _roster(self, entry: Entry) -> Roster:
        if entry.text_hash not in self._rosters:
            said = entry.of(SnapshotStatement)
            self._rosters[entry.text_hash] = self.place.roster(said)
        return self._rosters[entry.text_hash]

    def _announced(self, matter: Matter) -> Announced:
        place, entry, said = self.place, matter.announcement, matter.said
        sizes, policy = matter.desk.sizes(), place.trust.policy
        signed = cosigned_before(sizes, entry.index, matter.limit)
        shown = signed or next((one for one in reversed(sizes) if one.size > entry.index), None)
        times = {} if shown is None else _times(shown, policy)
        return Announced(
            index=entry.index, text=entry.text_hash, fingerprint=fingerprint(entry.text_hash),
            link=permalink(place.site, place.origin, index=entry.index, text=entry.text_hash),
            limit=matter.limit, due=matter.due(),
            rounds=tuple(self._round(matter, source) for source in said.beacon),
            sealed=said.disclosure.date if isinstance(said.disclosure, Until) else None,
            cosigners=tuple(
                Cosigner(name=witness.name, time=times.get(witness.verifier.name)) for witness in policy.witnesses
            ),
            needed=needed(policy), witnessed=None if signed is None else signed.quorum_time,
            seen=any(_seen(one, policy, matter.limit) for one in sizes if one.size > entry.index),
            pending=tuple(_pending(matter)), voids=matter.plan().voids,
        )  # fmt: skip

    def _round(self, matter: Matter, source: Source) -> Round:
        """Return a round with its randomness, if a value that verifies is at hand."""
        chains, key = self.place.trust.chains, (source.hash, source.round)
        if key not in self._randomness and (value := self._value(matter, source)) is not None:
            try:
                randomness = check_value(source, value, chains, read=self.place.artifact)
            except Error:
                pass  # as below
            else:
                self._randomness[key] = randomness.hex()
        return Round(
            chain=source.beacon, number=source.round, due=time_of(source, chains), randomness=self._randomness.get(key)
        )

    def _value(self, matter: Matter, source: Source) -> PulseValue | None:
        if matter.draw is not None:
            pulses = matter.draw.of(Draw).pulses
            return next(one for one in pulses if (one.beacon, one.round) == (source.beacon, source.round))
        if matter.desk.now < matter.due():
            return None
        try:
            if source.beacon == EVENTS:
                return value_of(matter, source)
            chain = chain_of(source, self.place.trust.chains)
            pulse = stored(self.place, chain, source.round)
        except Error:
            return None  # what lies in a folder and does not verify is as good as nothing: the same round is waited for
        if pulse is None:
            return None
        return PulseValue(beacon=chain.id, round=source.round, signature=pulse.signature, previous=pulse.previous)

    def _drawn(self, matter: Matter, entry: Entry) -> Drawn:
        place, history, drew = self.place, matter.desk.history, entry.of(Draw)
        signed = [said.role for _, said in history.all(SignOff) if said.of.text == entry.text_hash]
        scans = sum(len(said.files) for _, said in history.all(Evidence) if said.of.text == entry.text_hash)
        newest = matter.desk.sizes()
        return Drawn(
            index=entry.index, text=entry.text_hash, fingerprint=fingerprint(entry.text_hash),
            link=permalink(place.site, place.origin, index=matter.announcement.index, text=entry.text_hash),
            count=drew.counts.drawn, numbers=None if matter.hidden else self._in_order(drew),
            final=any(one.size > entry.index and one.quorum_time is not None for one in newest),
            signed=tuple(sorted(set(signed))), scans=scans,
        )  # fmt: skip

    def _in_order(self, drew: Draw) -> tuple[tuple[str, ...], ...]:
        """Return the drawn numbers by ticket, each with its inspectors: the order in which they are shown."""
        digest = drew.results.digest
        if digest not in self._numbers:
            told = []
            for line in map(parse, result_list(self.place, drew)):
                match line:
                    case {"no": str(no), "ticket": str(ticket), "team": list(team), "experts": list(experts)}:
                        numbers = [str(one[1]) for one in team if isinstance(one, list)]
                        told.append((ticket, (no, *numbers, *map(str, experts))))
            self._numbers[digest] = tuple(numbers for _, numbers in sorted(told))
        return self._numbers[digest]

    def _filed(self, matter: Matter) -> bool:
        """Say whether bundle and record lie in the draw's folder."""
        return bundle_path(matter).exists() and (self.place.draw(self.name) / f"{RECORD}.html").exists()

    def _papers(self) -> tuple[str, ...]:
        folder = self.place.draw(self.name)
        found = [path.name for path in folder.iterdir() if path.suffix in PAPERS] if folder.is_dir() else []
        return tuple(sorted(found))


def _times(signed: SignedSize, policy: Policy) -> dict[str, int]:
    """Return when each witness cosigned a checkpoint, 0 where its line does not say."""
    note = Note.parse(signed.data, max_signatures=MAX_COSIGNED)
    known = cosignatures(note, [witness.verifier for witness in policy.witnesses])
    return {one.verifier.name: one.timestamp for one in known}


def _seen(signed: SignedSize, policy: Policy, limit: int) -> bool:
    return any(0 < time < limit for time in _times(signed, policy).values())


def _pending(matter: Matter) -> list[Pending]:
    """Return what else waits for cosignatures before the limit."""
    told: list[Pending] = []
    sizes, desk = matter.desk.sizes(), matter.desk
    if matter.sealed is not None:
        held = {
            said.by
            for entry, said in desk.history.all(Deposit)
            if said.embargo == matter.sealed.embargo
            and said.by in desk.workspace.trust.supervisors
            and cosigned_before(sizes, entry.index, matter.limit)
        }
        settled = len(held) >= DEPOSITARIES
        told.append(Pending(kind="deposits", found=len(held), needed=DEPOSITARIES, settled=settled))
    rule = matter.said.seed
    if isinstance(rule, Committed):
        revealed = sum(reveal is not None for _, reveal in contributions(matter, rule))
        entry, policy = closing(matter), desk.workspace.trust.policy
        settled = entry is not None and cosigned_before(sizes, entry.index, matter.limit) is not None
        seen = entry is not None and any(_seen(one, policy, matter.limit) for one in sizes if one.size > entry.index)
        void = _lacks(rule, entry.of(RevealsClosed) if entry is not None and seen else None)
        told.append(Pending(kind="reveals", found=revealed, needed=rule.minimum, settled=settled, void=void))
    return told


def _lacks(rule: Committed, closed: RevealsClosed | None) -> bool:
    """Say whether a list of reveals is a reason to void, for it lacks one that is required, or has too few.

    specs/verification.md §4.2.
    """
    there = [False] * len(rule.contributors) if closed is None else [ref is not None for ref in closed.reveals]
    required = any(one.required and not has for one, has in zip(rule.contributors, there, strict=True))
    return required or sum(there) < rule.minimum


def needed(policy: Policy) -> int:
    """Return of how many witnesses the smallest quorum consists."""
    if policy.quorum in (None, NONE):
        return 0
    sizes = {witness.name: 1 for witness in policy.witnesses}
    for group in policy.groups:
        sizes[group.name] = sum(sorted(sizes[member] for member in group.members)[: group.threshold])
    return sizes[str(policy.quorum)]
