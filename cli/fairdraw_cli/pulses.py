"""Pulses that a workspace holds: fetched, carried in by hand, recorded, or a rehearsal's own.

Every pulse is verified before it is stored and again when it is used, so that it does not matter how it came.
"""

from collections.abc import Callable
from pathlib import Path

from fairdraw.beacon import Chain, Pulse, check_pulse, format_pulse, parse_pulse
from fairdraw.encoding import digest
from fairdraw.errors import BeaconError, WorkspaceError
from fairdraw.nist import SCHEME as NIST
from fairdraw.nist import check_nist_pulse, read_answer
from fairdraw_cli.files import read, write
from fairdraw_cli.workspace import Workspace


def _path(place: Workspace, chain: Chain, number: int) -> Path:
    return place.root / "state" / "pulses" / f"{chain.id}-{number}.json"


def store(place: Workspace, chain: Chain, pulse: Pulse) -> bytes:
    """Verify a pulse of drand, store it, and return its 32 bytes of randomness.

    Raises:
        BeaconError: it is not what it says.
    """
    randomness = check_pulse(chain, pulse, round=pulse.round)
    write(_path(place, chain, pulse.round), format_pulse(pulse))
    return randomness


def take(place: Workspace, chain: Chain, number: int, data: bytes) -> tuple[Pulse, bytes]:
    """Verify a round in a file or an answer; return the pulse and its 32 bytes of randomness.

    The document of a NIST-format pulse is kept as the artifact that its `signature` names.

    Raises:
        BeaconError: it is not what it says.
        WorkspaceError: `certificate-not-here`.
    """
    if chain.scheme != NIST:
        pulse = parse_pulse(data, chain)
        return pulse, check_pulse(chain, pulse, round=number)
    document = read_answer(data).format()
    randomness = check_nist_pulse(chain, certificate=certificate(place, chain), document=document, round=number)
    named = digest(document)
    if not place.holds(named):
        place.keep(document, named)
    return Pulse(chain=chain.hash, round=number, signature=named), randomness


def store_taken(place: Workspace, chain: Chain, number: int, data: bytes) -> bytes:
    """Verify a round in a file or an answer, store it, and return its 32 bytes of randomness.

    Raises:
        BeaconError: it is not what it says.
        WorkspaceError: `certificate-not-here`.
    """
    pulse, randomness = take(place, chain, number, data)
    kept = place.artifact(pulse.signature) if chain.scheme == NIST else format_pulse(pulse)
    write(_path(place, chain, number), kept)
    return randomness


def certificate(place: Workspace, chain: Chain) -> bytes:
    """Return the certificate of a NIST-format chain, which `pulse pin` has kept.

    Raises:
        WorkspaceError: `certificate-not-here`.
    """
    if not place.holds(chain.hash):
        raise WorkspaceError("certificate-not-here", chain=chain.id)
    return place.artifact(chain.hash)


def stored(place: Workspace, chain: Chain, number: int) -> Pulse | None:
    """Return a pulse that the workspace holds, or, in a rehearsal, a recorded one."""
    path = _path(place, chain, number)
    if path.exists() and chain.scheme == NIST:
        return take(place, chain, number, read(path))[0]
    if path.exists():
        return parse_pulse(read(path), chain)
    if place.rehearsal:
        from fairdraw_cli.rehearsal import recorded

        return recorded(chain.id, number)
    return None


def finder(place: Workspace, given: tuple[Path, ...], *, several: bool = False) -> Callable[[Chain, int], Pulse | None]:
    """Return how a draw finds its pulses: among the files given, then in the workspace; `several` if it has more.

    Raises (when it is called):
        BeaconError: the one file given holds another round than the only one; it is never quietly passed over.
    """
    data = [read(path) for path in given]

    def find(chain: Chain, number: int) -> Pulse | None:
        if len(data) == 1 and not several:
            return take(place, chain, number, data[0])[0]
        for one in data:
            try:
                return take(place, chain, number, one)[0]
            except BeaconError:
                continue
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


def der(data: bytes) -> bytes:
    """Return a certificate's DER, of a file in DER or in PEM.

    Raises:
        BeaconError: `bad-certificate`.
    """
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificate

    if not data.lstrip().startswith(b"-----BEGIN"):
        return data
    try:
        return load_pem_x509_certificate(data).public_bytes(Encoding.DER)
    except ValueError as error:
        raise BeaconError("bad-certificate", expected="PEM", found=str(error)[:80]) from None
