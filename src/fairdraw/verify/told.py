"""What the artifacts of later acts tell, read once for all draws of a log: inspections and outcomes by object.

What the log does not show, or not as it was named, is left to each draw, whose own file may show it, or which fails.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from fairdraw import encoding
from fairdraw.acts import Inspection, OutcomeLine, read_act, read_outcomes
from fairdraw.errors import ActError
from fairdraw.roles import wrong_role
from fairdraw.schema import Correction, ExceptionStatement, Result
from fairdraw.statement import Entry
from fairdraw.trust import Trust
from fairdraw.values import Artifact, Listing
from fairdraw.verify.indexed import Indexed


class Told:
    """Inspections outside of any draw, and all logged outcomes, by those whose role it is."""

    def __init__(self, indexed: Indexed, trust: Trust, artifacts: Mapping[str, bytes]) -> None:
        self._indexed, self._trust, self._artifacts = indexed, trust, artifacts

    def inspections_of(self, objects: Collection[str]) -> list[Entry]:
        """Return the inspections of some objects, and those of which the log does not say whom they were of."""
        by_object, unread = self._inspections
        told = {entry.index: entry for no in objects for entry in by_object.get(no, ())} if by_object else {}
        return [*told.values(), *unread]

    def outcomes_of(self, no: str) -> Sequence[tuple[int, OutcomeLine]]:
        """Return the outcomes of an object, each with the index of its entry."""
        return self._outcomes[0].get(no, ())

    @property
    def unread_outcomes(self) -> Sequence[Entry]:
        """The lists of outcomes that the log does not show, or not as they were named."""
        return self._outcomes[1]

    @cached_property
    def _inspections(self) -> tuple[Mapping[str, Sequence[Entry]], Sequence[Entry]]:
        told: dict[str, list[Entry]] = {}
        unread: list[Entry] = []
        for entry in self._by_the_right_role(self._indexed.exceptions):
            data = self._shown(entry.of(ExceptionStatement).inspection)
            try:
                done = None if data is None else read_act(Inspection, data)
            except ActError:
                done = None
            for no in () if done is None else done.objects:
                told.setdefault(no, []).append(entry)
            unread += [entry] if done is None else []
        return told, unread

    @cached_property
    def _outcomes(self) -> tuple[Mapping[str, Sequence[tuple[int, OutcomeLine]]], Sequence[Entry]]:
        told: dict[str, list[tuple[int, OutcomeLine]]] = {}
        unread: list[Entry] = []
        for entry in self._by_the_right_role(self._indexed.results):
            data = self._shown(listed := listing_of(entry))
            try:
                lines = None if data is None else read_outcomes(data, listed)
            except ActError:
                lines = None
            for line in lines or ():
                if isinstance(line, OutcomeLine):
                    told.setdefault(line.no, []).append((entry.index, line))
            unread += [entry] if lines is None else []
        return told, unread

    def _by_the_right_role(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        return (entry for entry in entries if wrong_role(entry.statement, self._trust, None) is None)

    def _shown(self, named: Artifact) -> bytes | None:
        data = self._artifacts.get(named.digest)
        return data if data is not None and (encoding.digest(data), len(data)) == (named.digest, named.length) else None


def listing_of(entry: Entry) -> Listing:
    """Return the list of outcomes that a result or a correction names."""
    said = entry.statement
    if not isinstance(said, Result | Correction):
        raise TypeError(said.type)
    return said.outcomes
