"""A log's statements, found by what they are about without going through the log again. specs/bundle.md §2.

A log has many draws, and each asks what concerns it.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from fairdraw import encoding
from fairdraw.encoding import year_of
from fairdraw.schema import (
    Deposit,
    Evidence,
    Key,
    Opening,
    Plan,
    Receipt,
    Reveal,
    RevealsClosed,
    SignOff,
    SnapshotStatement,
    Statement,
    Withdrawal,
)
from fairdraw.statement import Entry

Subject = str | tuple[str, str]


@dataclass(slots=True)
class Chain:
    """A signer's statements from its first, as `prev` links them: texts, and what of them is looked for.

    It grows as later statements are asked for; whoever holds one says up to which place it means it.
    """

    texts: list[str] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    keys: list[int] = field(default_factory=list)
    plans: dict[str, int] = field(default_factory=dict)  # the first version that has a slot
    years: dict[int, list[int]] = field(default_factory=dict)  # of all but keys, by the `time` that they state

    def append(self, entry: Entry) -> None:
        """Add the next statement."""
        at, said = len(self.texts), entry.statement
        self.texts.append(entry.text_hash)
        self.places[entry.text_hash] = at
        if isinstance(said, Key):
            self.keys.append(at)
        else:
            self.years.setdefault(year_of(encoding.parse_time(said.time)), []).append(at)
        if isinstance(said, Plan):
            for slot in said.slots:
                self.plans.setdefault(slot, at)

    def first_of(self, texts: Iterable[str], slots: Iterable[str], end: int) -> int:
        """Return the first place, up to `end`, of some texts or of a plan with one of some slots; 0 without any."""
        found = [*(self.places.get(text) for text in texts), *(self.plans.get(slot) for slot in slots)]
        return min((at for at in found if at is not None and at <= end), default=0)

    def last_before(self, year: int, end: int) -> int:
        """Return the last place, up to `end`, of a statement before a year; 0 without any."""
        cut = ((places, bisect_right(places, end)) for one, places in self.years.items() if one < year)
        return max((places[at - 1] for places, at in cut if at), default=0)


class Statements(Sequence[Entry]):
    """A log's statements in its order, signed by whomever, and what each of them is about."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: list[Entry] = []
        self._texts: dict[str, Entry] = {}
        self._again: dict[str, list[Entry]] = {}
        self._about: dict[Subject, list[str]] = {}
        self._keys: list[str] = []
        self._chains: dict[str, Chain] = {}
        for entry in entries:
            self.append(entry)

    def append(self, entry: Entry) -> None:
        """Add the next statement of the log."""
        self._entries.append(entry)
        if self._texts.setdefault(entry.text_hash, entry) is not entry:
            self._again.setdefault(entry.text_hash, []).append(entry)
            return
        if isinstance(entry.statement, Key):
            self._keys.append(entry.text_hash)
        elif (subject := _subject(entry.statement)) is not None:
            self._about.setdefault(subject, []).append(entry.text_hash)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        return self._entries[index]

    def get(self, text: str, named: Collection[int] = ()) -> Entry | None:
        """Return the entry of a text: the one whose index is named, or else the first."""
        first = self._texts.get(text)
        if first is None or first.index in named or text not in self._again:
            return first
        return next((entry for entry in self._again[text] if entry.index in named), first)

    def about(self, subject: Subject) -> Sequence[str]:
        """Return the texts of what is about a statement, or a pair: a withdrawn file, an embargo, whose snapshots."""
        return self._about.get(subject, ())

    @property
    def keys(self) -> Sequence[str]:
        """The texts of all `key` statements."""
        return self._keys

    def chain(self, last: Entry) -> Chain:
        """Return a signer's statements up to one and perhaps on, followed back by `prev`.

        What others forge in its name is not in it.
        """
        behind: list[Entry] = []
        at: Entry | None = last
        while at is not None and at.text_hash not in self._chains:
            behind.append(at)
            at = self._texts.get(at.statement.prev or "")
        chain = Chain() if at is None else self._chains[at.text_hash]
        if at is None or not behind or chain.texts[-1] == at.text_hash:
            self._chains.update((entry.text_hash, chain) for entry in behind)
        else:
            # Two statements follow one. The branch is kept by nobody: of thousands each would be as long as the chain.
            behind += (self._texts[text] for text in reversed(chain.texts[: chain.places[at.text_hash] + 1]))
            chain = Chain()
        for entry in reversed(behind):
            chain.append(entry)
        return chain


def _subject(said: Statement) -> Subject | None:
    """Return what a statement is about, None where bundles do not ask for its type."""
    match said:
        case Receipt(snapshot=of) | SignOff(of=of) | Reveal(commitment=of) | Opening(of=of):
            return of.text
        case Evidence(of=of) | RevealsClosed(announcement=of):
            return of.text
        case SnapshotStatement():
            return "snapshot", said.by
        case Deposit():
            return "deposit", said.embargo
        case Withdrawal():
            return "withdrawal", said.digest
    return None
