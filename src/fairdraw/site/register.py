"""What a log says of its draws at a time, one row for each announcement and for each number that is missing.

The rows are in log order and only ever grow, so that a row's place on a page, like its permalink, is for good. States
come from the log alone: nothing that the bureau says beside it makes a draw public, or void, or in time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from fairdraw.audit.chain import Ledger
from fairdraw.audit.lots import round_of
from fairdraw.encoding import end_of_day
from fairdraw.errors import PlanError
from fairdraw.exclusion import looks_back
from fairdraw.itemlist import read_items
from fairdraw.render import Cosigners
from fairdraw.schema import (
    Announcement,
    Draw,
    ItemList,
    Opening,
    Plan,
    RevealsClosed,
    Statement,
    Substitution,
    Until,
    Void,
    Withdrawal,
    item_of,
)
from fairdraw.statement import Entry
from fairdraw.values import Artifact
from fairdraw.verify.case import Prefix
from fairdraw.verify.indexed import named_by

State = Literal["locked", "sealed", "public", "void", "overdue"]
STATES: Final = ("locked", "sealed", "public", "substituted", "void", "overdue", "missing")
"""The badges, in the order in which a draw may come to have them; "substituted" stands beside "public"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An announcement and what came of it by the as-of time.

    Attributes:
        entry: the announcement's; its index in the log is the permalink.
        limit, due: before when it must be cosigned, and when its last round is due, POSIX seconds; both 0 for a chain
            that the trust file does not know.
        lock: the checkpoint by which a quorum first had it, and who cosigned that.
        draw, opening, void: the first of each, None where there is none.
        acts: everything logged about the announcement or the draw, or about that, in log order.
        again: other announcements of one of its slots.
        names: of its items, Chinese and English, by the item list that its plan version stands on; else their ids.
        history: openings of the year's earlier draws, whose results decide who is excluded from this one.
    """

    ledger: Ledger
    entry: Entry
    said: Announcement
    state: State
    limit: int
    due: int
    shown: int
    lock: Cosigners
    draw: Entry | None
    opening: Entry | None
    void: Entry | None
    acts: tuple[Entry, ...]
    again: tuple[Entry, ...]
    names: tuple[tuple[str, str], ...]
    history: tuple[Entry, ...] = ()

    @property
    def index(self) -> int:
        """Return the place in the log, by which rows are ordered and draws are linked."""
        return self.entry.index

    @property
    def is_open(self) -> bool:
        """Say whether the draw is still to come: what is logged from now on may change what it will be."""
        return self.draw is None and self.void is None

    @property
    def shows_result(self) -> bool:
        """Say whether anybody may see who was drawn."""
        sealed = isinstance(self.said.disclosure, Until)
        return self.draw is not None and (not sealed or self.opening is not None)

    @property
    def substitutions(self) -> tuple[Entry, ...]:
        """Return the substitutions (递补) of this draw."""
        return tuple(entry for entry in self.acts if isinstance(entry.statement, Substitution))

    @property
    def badges(self) -> tuple[str, ...]:
        """Return the states that the row shows."""
        return (self.state, "substituted") if self.state == "public" and self.substitutions else (self.state,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A place where a bureau's chain does not go on: numbers `first` to `last` are missing, or (None) it broke.

    A statement that was numbered and never logged may be the draw that did not suit.
    """

    entry: Entry
    shown: int
    first: int | None
    last: int | None

    @property
    def index(self) -> int:
        """Return the place in the log of the first statement after the gap."""
        return self.entry.index

    @property
    def badges(self) -> tuple[str, ...]:
        """Return the state that the row shows."""
        return ("missing",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """All rows of a log, and its newest checkpoint with a quorum.

    Attributes:
        as_of: POSIX seconds; `as_of_given` whether somebody chose it, for a log that is over.
        newest: who cosigned the newest checkpoint that a quorum vouches for.
        loose: acts about nothing that the log has, which no single draw owns and every draw's verification may see.
        withdrawn: digests of files that a bureau has withdrawn, and whether every bureau that names them has.
    """

    log: str
    trust: str
    rehearsal: bool
    as_of: int
    as_of_given: bool
    newest: Cosigners
    root: str
    rows: tuple[Row | Gap, ...]
    loose: tuple[Entry, ...]
    withdrawn: Mapping[str, bool]

    @property
    def draws(self) -> tuple[Row, ...]:
        """Return the rows that are announcements."""
        return tuple(row for row in self.rows if isinstance(row, Row))


def register(ledgers: Sequence[Ledger], *, as_of: int, as_of_given: bool) -> Register:
    """Return the rows of all bureaus of a log at a time.

    Each ledger's view is replaced by one without what is still sealed: from here on nobody can show it by mistake.
    """
    rows: list[Row | Gap] = []
    loose: list[Entry] = []
    for ledger in ledgers:
        told = _Index(ledger)
        ours = [_row(ledger, told, entry, said, as_of) for entry, said in ledger.ours(Announcement)]
        ledger.view = replace(ledger.view, artifacts=_Without(ledger.view.artifacts, set(_sealed(ours))))
        rows += [*_with_history(ours), *_gaps(ledger)]
        loose += told.loose
    first = ledgers[0]
    newest = first.newest
    return Register(
        log=first.log,
        trust=first.trust.digest,
        rehearsal=first.trust.rehearsal,
        as_of=as_of,
        as_of_given=as_of_given,
        newest=_cosigners(first, newest),
        root=newest.signed.checkpoint.root.hex(),
        rows=tuple(sorted(rows, key=lambda row: row.index)),
        loose=tuple(loose),
        withdrawn=_withdrawn(ledgers),
    )


def _with_history(rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the rows, each with the openings of those draws before it that its exclusions depend on."""
    opened: dict[tuple[int, str], list[Entry]] = {}
    for row in rows:
        plan = plan_of(row)
        year = (0, "") if plan is None else (plan[1].year, plan[1].objects)
        back = plan is not None and looks_back(plan[1], row.said.slots)
        yield replace(row, history=tuple(opened.get(year, ()))) if back else row
        if row.opening is not None:
            opened.setdefault(year, []).append(row.opening)


class _Without(Mapping[str, bytes]):
    """Artifacts by digest, without some: a sealed result that lies beside the tiles is still nobody's to show."""

    def __init__(self, artifacts: Mapping[str, bytes], hidden: set[str]) -> None:
        self._artifacts, self._hidden = artifacts, hidden

    def __getitem__(self, digest: str) -> bytes:
        if digest in self._hidden:
            raise KeyError(digest)
        return self._artifacts[digest]

    def __iter__(self) -> Iterator[str]:
        return (digest for digest in self._artifacts if digest not in self._hidden)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _sealed(rows: Iterable[Row]) -> Iterator[str]:
    """Yield the digests of results that nobody may see yet."""
    return (row.draw.of(Draw).results.digest for row in rows if row.draw is not None and not row.shows_result)


@dataclass
class _Index:
    """Which statements are about which announcement, found in one pass: a log has many and a site is built often."""

    ledger: Ledger
    acts: dict[str, list[Entry]] = field(default_factory=dict)
    slots: dict[str, list[Entry]] = field(default_factory=dict)
    loose: list[Entry] = field(default_factory=list)
    names: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        owner: dict[str, str] = {}
        for text, entry in self.ledger.entries.items():
            said = entry.statement
            about = _about(said)
            if text in self.ledger.wrong:
                continue
            if isinstance(said, Announcement):
                owner[text] = text
                self.acts[text] = []
                for slot in said.slots:
                    self.slots.setdefault(slot, []).append(entry)
            elif about in owner:
                owner[text] = owner[about]
                self.acts[owner[about]].append(entry)
            elif about is not None and about not in self.ledger.entries:
                self.loose.append(entry)

    def lock(self, index: int) -> Cosigners:
        """Return who cosigned the checkpoint by which a quorum first had an entry."""
        seen = self.ledger.whole.hashed.first_seen.of(index)
        if seen is None:
            raise RuntimeError("what a ledger has is below a checkpoint that a quorum vouches for")
        return _cosigners(self.ledger, seen[1])

    def names_of(self, said: Announcement) -> tuple[tuple[str, str], ...]:
        """Return the names of an announcement's items: a list that is logged later, or by another, renames none."""
        plan = self.ledger.named(said.plan, Plan)
        found = None if plan is None else self.ledger.named(plan[1].items, ItemList)
        names = {} if found is None else self._listed(*found)
        return tuple(names.get(item, (item, item)) for item in dict.fromkeys(map(item_of, said.slots)))

    def _listed(self, entry: Entry, said: ItemList) -> dict[str, tuple[str, str]]:
        if entry.text_hash not in self.names:
            try:
                items = read_items(self.ledger.artifact(said.items, entry.index) or b"")
            except PlanError:
                items = ()  # a list that nobody can read names nothing; an audit tells of it
            self.names[entry.text_hash] = {item.id: (item.name, item.name_en) for item in items}
        return self.names[entry.text_hash]


def _about(said: Statement) -> str | None:
    """Return the text of the statement that one is about: for a draw its announcement."""
    return said.announcement.text if isinstance(said, Draw | RevealsClosed) else named_by(said)


def _row(ledger: Ledger, told: _Index, entry: Entry, said: Announcement, as_of: int) -> Row:
    acts = told.acts[entry.text_hash]
    ours = [one for one in acts if one.statement.by == ledger.bureau]
    draw = next((one for one in ours if isinstance(one.statement, Draw)), None)
    void = next((one for one in ours if isinstance(one.statement, Void)), None)
    names = {entry.text_hash} | ({draw.text_hash} if draw is not None else set())
    opening = next((one for one in ours if _opens(one, names)), None) if draw is not None else None
    limit, due = round_of(ledger, said)
    others = {one.index: one for slot in said.slots for one in told.slots[slot] if one.text_hash != entry.text_hash}
    return Row(
        ledger=ledger,
        entry=entry,
        said=said,
        state=_state(said, draw, opening, void, due=due, as_of=as_of),
        limit=limit,
        due=due,
        shown=ledger.shown(entry.index),
        lock=told.lock(entry.index),
        draw=draw,
        opening=opening,
        void=void,
        acts=tuple(acts),
        again=tuple(others[index] for index in sorted(others)),
        names=told.names_of(said),
    )


def _opens(entry: Entry, names: set[str]) -> bool:
    """Say whether an entry opens a sealed draw; an opening of names (`embargo` null) does not."""
    said = entry.statement
    return isinstance(said, Opening) and said.embargo is not None and said.of.text in names


def _state(
    said: Announcement, draw: Entry | None, opening: Entry | None, void: Entry | None, *, due: int, as_of: int
) -> State:
    if void is not None:
        return "void"
    if draw is None:
        # As an audit has it (specs/audit.md §2): from its last round on, an announcement without a draw is overdue.
        return "overdue" if due <= as_of else "locked"
    if isinstance(said.disclosure, Until) and opening is None:
        return "overdue" if as_of > end_of_day(said.disclosure.date) else "sealed"
    return "public"


def _cosigners(ledger: Ledger, prefix: Prefix) -> Cosigners:
    policy = ledger.trust.policy
    return Cosigners.of(prefix.size, prefix.order, prefix.cosignatures, policy)


def _gaps(ledger: Ledger) -> Iterator[Gap]:
    """Yield where the bureau's chain does not go on from one statement to the next (specs/statements.md §2)."""
    seq, text = -1, None
    for entry in ledger.whole.chain:
        said = entry.statement
        if (said.seq, said.prev) != (seq + 1, text):
            lost = said.seq > seq + 1
            yield Gap(
                entry=entry,
                shown=ledger.shown(entry.index),
                first=seq + 1 if lost else None,
                last=said.seq - 1 if lost else None,
            )
        seq, text = said.seq, entry.text_hash


def _withdrawn(ledgers: Sequence[Ledger]) -> dict[str, bool]:
    """Return what was withdrawn, and whether by all who name it: none makes a copy forget what another stands on."""
    gone, kept = set(), set()
    for ledger in ledgers:
        own = {said.digest for _, said in ledger.ours(Withdrawal)}
        files = {value.digest for entry in ledger.entries.values() for _, value in entry.statement
                 if isinstance(value, Artifact)}  # fmt: skip
        gone |= own
        kept |= files - own
    return {digest: digest not in kept for digest in sorted(gone)}


def plan_of(row: Row) -> tuple[Entry, Plan] | None:
    """Return the plan version that an announcement names, None where the log does not have it."""
    return row.ledger.named(row.said.plan, Plan)
