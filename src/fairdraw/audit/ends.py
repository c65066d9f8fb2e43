"""How every drawn object ended: its first result, corrections, deferrals. specs/audit.md §4."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from fairdraw.acts import ClosingLine, Line, Named, OutcomeLine, read_act, read_outcomes
from fairdraw.audit.chain import Ledger
from fairdraw.audit.lots import Lot
from fairdraw.errors import ActError
from fairdraw.schema import Correction, Deferral, Result
from fairdraw.statement import Entry
from fairdraw.values import Artifact, Listing, Value

A = TypeVar("A", bound=Value)

SHOWN: Final = 10  # numbers in a finding; the lists have them all


def act_of(ledger: Ledger, kind: type[A], named: Artifact, index: int) -> A | None:
    """Return the act in an artifact; None, noted as unknown, where it is sealed or cannot be had."""
    data = ledger.artifact(named, index)
    try:
        return None if data is None else read_act(kind, data)
    except ActError as error:
        ledger.cannot_tell(error.code, index, **error.params)
        return None


@dataclass(slots=True, kw_only=True)
class End:
    """How a drawn object ended: its first result and where that stands, its newest line, its deferrals."""

    no: str
    result: Entry | None = None
    first: OutcomeLine | None = None
    line: Line | None = None
    deferrals: list[tuple[Entry, Deferral]] = field(default_factory=list)

    @property
    def is_closed(self) -> bool:
        """Say whether a correction says that it will not be inspected."""
        return isinstance(self.line, ClosingLine)


Ends = Mapping[int, Mapping[str, End]]
"""How each object ended, by the index of the draw's entry and by number."""


def ends_of(ledger: Ledger, lots: Sequence[Lot]) -> Ends:
    """Return how the drawn objects of these lots ended, as far as the log says."""
    drawn = {lot.draw.text_hash: lot.draw.index for lot in lots if lot.draw is not None}
    told = {lot.draw.text_hash: {no: End(no=no) for no in lot.objects} for lot in lots if lot.draw is not None}
    where = {text: text for text in told}  # from a result or a draw to its draw
    for entry, result in ledger.of(Result):
        if result.draw.text in told:
            where[entry.text_hash] = result.draw.text
            for line in _lines(ledger, result.outcomes, entry):
                _end(told[result.draw.text], entry, line)
    for entry, correction in ledger.of(Correction):
        if correction.result.text in where:
            for line in _lines(ledger, correction.outcomes, entry):
                _correct(told[where[correction.result.text]], entry, line)
    for entry, deferral in ledger.ours(Deferral):
        named = act_of(ledger, Named, deferral.deferred, entry.index) if deferral.draw.text in told else None
        if named is not None and named.no in told[deferral.draw.text]:
            told[deferral.draw.text][named.no].deferrals.append((entry, deferral))
    return {index: told[text] for text, index in drawn.items()}


def _end(ends: Mapping[str, End], entry: Entry, line: Line) -> None:
    """Take a result's line; a second one would replace the first without a correction, and does not count."""
    end = ends.get(line.no)
    if end is not None and end.first is None and isinstance(line, OutcomeLine):
        end.result, end.first, end.line = entry, line, line


def _correct(ends: Mapping[str, End], entry: Entry, line: Line) -> None:
    _end(ends, entry, line)
    if line.no in ends:
        ends[line.no].line = line


def _lines(ledger: Ledger, named: Listing, entry: Entry) -> tuple[Line, ...]:
    data = ledger.artifact(named, entry.index)
    try:
        return () if data is None else read_outcomes(data, named)
    except ActError as error:
        ledger.cannot_tell(error.code, entry.index, **error.params)
        return ()
