"""Pulses that a workspace holds: fetched, carried in by hand, recorded, or a rehearsal's own.

Every pulse is verified before it is stored and again when it is used, so that it does not matter how it came.
"""

from collections.abc import Callable
from pathlib import Path

from fairdraw.beacon import Chain, Pulse, check_pulse, format_pulse, parse_pulse
from fairdraw.errors import BeaconError, WorkspaceError
from fairdraw_cli.files import read, write
from fairdraw_cli.workspace import Workspace


def _path(place: Workspace, chain: Chain, number: int) -> Path:
    return place.root / "state" / "pulses" / f"{chain.id}-{number}.json"


def store(place: Workspace, chain: Chain, pulse: Pulse) -> bytes:
    """Verify a pulse, store it, and return its 32 bytes of randomness.

    Raises:
        BeaconError: it is not what it says.
    """
    randomness = check_pulse(chain, pulse, round=pulse.round)
    write(_path(place, chain, pulse.round), format_pulse(pulse))
    return randomness


def stored(place: Workspace, chain: Chain, number: int) -> Pulse | None:
    """Return a pulse that the workspace holds, or, in a rehearsal, a recorded one."""
    path = _path(place, chain, number)
    if path.exists():
        return parse_pulse(read(path), chain)
    if place.rehearsal:
        from fairdraw_cli.rehearsal import recorded

        return recorded(chain.id, number)
    return None


def finder(place: Workspace, given: tuple[Path, ...]) -> Callable[[Chain, int], Pulse | None]:
    """Return how a draw finds its pulses: among the files given, then in the workspace.

    Raises (when it is called):
        BeaconError: a given file holds another round; it is never quietly passed over.
    """
    data = [read(path) for path in given]

    def find(chain: Chain, number: int) -> Pulse | None:
        if len(data) == 1:
            pulse = parse_pulse(data[0], chain)
            check_pulse(chain, pulse, round=number)
            return pulse
        for one in data:
            try:
                pulse = parse_pulse(one, chain)
                check_pulse(chain, pulse, round=number)
            except BeaconError:
                continue
            return pulse
        return stored(place, chain, number)

    return find


def chain_of(place: Workspace, name: str) -> Chain:
    """Return a chain of the trust file.

    Raises:
        WorkspaceError: `unknown-chain`.
    """
    if name not in place.trust.chains:
        raise WorkspaceError("unknown-chain", expected=sorted(place.trust.chains), found=name)
    return place.trust.chains[name]
