"""What was proven once and stays so, for whoever verifies many draws of one log.

Each is remembered by all that it depends on, bytes and keys included, so that nothing is taken for something else.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from fairdraw.randomness import Read, check_value, is_drand
from fairdraw.roster import Data, Roster, read_roster
from fairdraw.schema import SnapshotStatement
from fairdraw.statement import Verified
from fairdraw.values import PulseValue, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fairdraw.beacon import Chain
    from fairdraw.regulation import Regulation

MOST_ROSTERS: Final = 64 << 20  # bytes of rosters that are kept, the last ones used


@dataclass(slots=True)
class Known:
    """Signatures, pulses, regulations and rosters that were found to be right."""

    signatures: Verified = field(default_factory=set)
    _pulses: dict[tuple["Chain", Source, PulseValue], bytes] = field(default_factory=dict)
    _regulations: dict[bytes, "Regulation"] = field(default_factory=dict)
    _rosters: OrderedDict[tuple[bytes, SnapshotStatement], Roster] = field(default_factory=OrderedDict)
    _held: int = 0

    def pulse(self, source: Source, value: PulseValue, chains: "Mapping[str, Chain]", *, read: Read) -> bytes:
        """Return what a source gave, as `check_value` does; thousands of draws may share one round."""
        chain = chains.get(source.beacon)
        if chain is None or not is_drand(source, chain):
            return check_value(source, value, chains, read=read)
        if (chain, source, value) not in self._pulses:
            self._pulses[chain, source, value] = check_value(source, value, chains, read=read)
        return self._pulses[chain, source, value]

    def regulation(self, data: bytes) -> "Regulation":
        """Return the regulation in an artifact.

        Raises:
            RegulationError: what `read_artifact` raises.
        """
        from fairdraw.regulation import read_artifact  # noqa: PLC0415 -- most draws name none

        if data not in self._regulations:
            self._regulations[data] = read_artifact(data)
        return self._regulations[data]

    def roster(self, data: Data, statement: SnapshotStatement) -> Roster:
        """Return a snapshot's roster, checked line by line against its root: once for those that were used last.

        One that is read from a file each time is not kept: nothing says that the file stays as it is.

        Raises:
            SnapshotError: what `read_roster` raises.
        """
        if not isinstance(data, bytes):
            return read_roster(data, statement)
        key = data, statement
        if key in self._rosters:
            self._rosters.move_to_end(key)
            return self._rosters[key]
        self._rosters[key] = read_roster(data, statement)
        self._held += len(data)
        while self._held > MOST_ROSTERS and len(self._rosters) > 1:
            (oldest, _), _ = self._rosters.popitem(last=False)
            self._held -= len(oldest)
        return self._rosters[key]
