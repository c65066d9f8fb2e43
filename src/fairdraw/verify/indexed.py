"""What in a bureau's part of a log is about what: found once, and asked by every draw. specs/verification.md §4.

Nothing is judged here that depends on the draw which asks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from heapq import heapify, heappop, heappush

from fairdraw.exclusion import Drawn, draws_of
from fairdraw.schema import (
    Announcement,
    Answer,
    Correction,
    Deferral,
    Draw,
    Evidence,
    ExceptionStatement,
    Objection,
    Opening,
    Plan,
    Result,
    RevealsClosed,
    SignOff,
    Statement,
    Substitution,
    SubstitutionCall,
    Void,
    Withdrawal,
)
from fairdraw.statement import Entry


class Chain:
    """A bureau's chain: announcements by their slots, and what was logged about each, in log order."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._announced: dict[str, list[Entry]] = {}
        self._about: dict[tuple[type[Statement], str], list[Entry]] = {}
        for entry in entries:
            said = entry.statement
            if isinstance(said, Announcement):
                for slot in said.slots:
                    self._announced.setdefault(slot, []).append(entry)
            elif isinstance(said, Void | Draw | RevealsClosed):
                self._about.setdefault((type(said), said.announcement.text), []).append(entry)

    def announced(self, slot: str) -> Sequence[Entry]:
        """Return the announcements of a slot."""
        return self._announced.get(slot, ())

    def voids(self, announcement: Entry) -> Sequence[Entry]:
        """Return the voids of an announcement."""
        return self._about.get((Void, announcement.text_hash), ())

    def draws(self, announcement: Entry) -> Sequence[Entry]:
        """Return the draws under an announcement."""
        return self._about.get((Draw, announcement.text_hash), ())

    def closed(self, announcement: Entry) -> Sequence[Entry]:
        """Return the lists of reveals that were closed for an announcement."""
        return self._about.get((RevealsClosed, announcement.text_hash), ())


class Indexed:
    """A bureau's whole chain, and all that counts of what others logged about it."""

    def __init__(self, bureau: str, chain: Sequence[Entry], everything: Sequence[Entry]) -> None:
        self._bureau, self._chain, self._everything = bureau, chain, everything
        self.chain = Chain(chain)

    @cached_property
    def gap(self) -> tuple[int, int, int] | None:
        """The first entry of the chain that does not follow the one before: its index, the `seq` expected and found."""
        before: Entry | None = None
        for entry in self._chain:
            expected = (0, None) if before is None else (before.statement.seq + 1, before.text_hash)
            if (entry.statement.seq, entry.statement.prev) != expected:
                return entry.index, expected[0], entry.statement.seq
            before = entry
        return None

    @cached_property
    def forks(self) -> Sequence[tuple[str, int, int]]:
        """Second texts of others with one `seq`: name, `seq`, index of the entry."""
        seen: dict[tuple[str, int], str] = {}
        told = []
        for entry in self._everything:
            place = entry.statement.by, entry.statement.seq
            if place[0] != self._bureau and seen.setdefault(place, entry.text_hash) != entry.text_hash:
                told.append((*place, entry.index))
        return told

    @cached_property
    def announcements(self) -> Sequence[Entry]:
        """The bureau's announcements."""
        return [entry for entry in self._chain if isinstance(entry.statement, Announcement)]

    @cached_property
    def draws(self) -> Mapping[tuple[int, str], Sequence[Drawn]]:
        """The draws by year and registry of objects, as far as their plans and announcements are in the chain."""
        told: dict[tuple[int, str], list[Drawn]] = {}
        for drawn in draws_of(self._chain):
            told.setdefault((drawn.plan.year, drawn.plan.objects), []).append(drawn)
        return told

    def draws_of_the_year(self, plan: Plan, below: int) -> list[Entry]:
        """Return the first draw of each announcement that stands with all it names below an index, in log order."""
        told: dict[str, Entry] = {}
        for drawn in self.draws.get((plan.year, plan.objects), ()):
            if drawn.complete < below:
                told.setdefault(drawn.entry.of(Draw).announcement.text, drawn.entry)
        return list(told.values())

    @cached_property
    def plans(self) -> Mapping[str, Plan]:
        """The bureau's plan versions by their texts."""
        return {entry.text_hash: entry.statement for entry in self._chain if isinstance(entry.statement, Plan)}

    # -- later acts ---------------------------------------------------------------------------------------------------

    @cached_property
    def _acts(self) -> Mapping[str, Sequence[Entry]]:
        told: dict[str, list[Entry]] = {}
        for entry in self._everything:
            if (about := named_by(entry.statement)) is not None:
                told.setdefault(about, []).append(entry)
        return told

    @cached_property
    def _withdrawals(self) -> Mapping[str, Sequence[Entry]]:
        told: dict[str, list[Entry]] = {}
        for entry in self._everything:
            if isinstance(entry.statement, Withdrawal):
                told.setdefault(entry.statement.digest, []).append(entry)
        return told

    def concerning(self, texts: Iterable[str], digests: Iterable[str]) -> Iterator[Entry]:
        """Yield, in log order, what is about some statements, or later about what is about them, and withdrawals."""
        waiting = [(entry.index, entry.text_hash, entry) for text in texts for entry in self._acts.get(text, ())]
        waiting += [(e.index, e.text_hash, e) for digest in digests for e in self._withdrawals.get(digest, ())]
        heapify(waiting)
        seen: set[str] = set()
        while waiting:
            index, text, entry = heappop(waiting)
            if text in seen:
                continue
            seen.add(text)
            yield entry
            acts = () if isinstance(entry.statement, Withdrawal) else self._acts.get(text, ())
            for later in acts:
                if later.index > index:
                    heappush(waiting, (later.index, later.text_hash, later))

    @cached_property
    def calls(self) -> Mapping[str, Sequence[Entry]]:
        """The bureau's calls for substitutions by the draw that they name."""
        told: dict[str, list[Entry]] = {}
        for entry in self._chain:
            if isinstance(entry.statement, SubstitutionCall):
                told.setdefault(entry.statement.draw.text, []).append(entry)
        return told

    @cached_property
    def substitutions(self) -> Mapping[str | None, Sequence[Entry]]:
        """The bureau's substitutions by the call that they name; under None those whose call is none."""
        calls = {entry.text_hash for some in self.calls.values() for entry in some}
        told: dict[str | None, list[Entry]] = {}
        for entry in self._chain:
            if isinstance(entry.statement, Substitution):
                call = entry.statement.call.text
                told.setdefault(call if call in calls else None, []).append(entry)
        return told

    @cached_property
    def openings(self) -> Mapping[str, Sequence[Entry]]:
        """The bureau's openings by what they open."""
        told: dict[str, list[Entry]] = {}
        for entry in self._chain:
            if isinstance(entry.statement, Opening):
                told.setdefault(entry.statement.of.text, []).append(entry)
        return told

    @cached_property
    def exceptions(self) -> Sequence[Entry]:
        """Inspections outside of any draw."""
        return [e for e in self._everything if isinstance(e.statement, ExceptionStatement) and e.statement.draw is None]

    @cached_property
    def results(self) -> Sequence[Entry]:
        """All lists of outcomes."""
        return [entry for entry in self._everything if isinstance(entry.statement, Result | Correction)]


def named_by(statement: Statement) -> str | None:
    """Return the text of the statement that a later act is about, None for other types."""
    match statement:
        case Void():
            return statement.announcement.text
        case Opening() | Evidence() | SignOff() | Objection():
            return statement.of.text
        case SubstitutionCall() | Deferral() | Result():
            return statement.draw.text
        case ExceptionStatement():
            return None if statement.draw is None else statement.draw.text
        case Substitution():
            return statement.call.text
        case Correction():
            return statement.result.text
        case Answer():
            return statement.objection.text
    return None
