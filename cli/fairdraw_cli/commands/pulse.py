"""`pulse fetch|import|show|practice`: rounds of a beacon, by whatever road they come."""

import sys
from pathlib import Path
from typing import Final

import click

from fairdraw.beacon import Chain, check_pulse, practice_pulse
from fairdraw.errors import WorkspaceError
from fairdraw.nist import MAX_DOCUMENT, nist_chain
from fairdraw.nist import SCHEME as NIST
from fairdraw_cli.files import read
from fairdraw_cli.helping import command
from fairdraw_cli.pulses import certificate, chain_of, der, store, store_taken, stored
from fairdraw_cli.session import Session
from fairdraw_cli.trustfile import beacon_line
from fairdraw_cli.workspace import Workspace

DEFAULT_CHAIN: Final = "quicknet"
TIMEOUT: Final = 20.0  # seconds

ROUND = click.argument("number", metavar="ROUND", type=click.IntRange(min=1))
CHAIN = click.option("--chain", default=DEFAULT_CHAIN, metavar="ID")


def _tell(session: Session, chain: Chain, number: int, randomness: bytes | None) -> None:
    due = chain.time_of(number)
    session.say("pulse.round", chain=chain.id, round=number, time=session.time(due))
    if randomness is not None:
        session.say("pulse.verified", randomness=randomness.hex())
    session.answer(
        {"chain": chain.id, "hash": chain.hash, "round": number, "due": due,
         "randomness": None if randomness is None else randomness.hex()}
    )  # fmt: skip


@command(
    ROUND, CHAIN,
    click.option("--relay", "relays", multiple=True, metavar="URL"),
    click.option("--timeout", default=TIMEOUT, type=click.FloatRange(min=1, max=600), metavar="SECONDS"),
    json=True,
)  # fmt: skip
def fetch(session: Session, number: int, chain: str, relays: tuple[str, ...], timeout: float) -> None:
    """Fetch a round from public relays."""
    from fairdraw.fetch import NIST_SERVERS, RELAYS, fetch_document, fetch_pulse

    place = Workspace.open(session.folder)
    pinned = chain_of(place, chain)

    def report(relay: str, reason: str) -> None:
        session.note("pulse.relay-failed", relay=relay, reason=reason)

    if pinned.scheme == NIST:
        ours, servers = certificate(place, pinned), relays or NIST_SERVERS
        data = fetch_document(pinned, number, ours, servers, timeout=timeout, report=report)
        _tell(session, pinned, number, store_taken(place, pinned, number, data))
        return
    pulse = fetch_pulse(pinned, number, relays or RELAYS, timeout=timeout, report=report)
    _tell(session, pinned, number, store(place, pinned, pulse))


@command(ROUND, click.argument("file", metavar="[FILE|-]", required=False), CHAIN, json=True)
def import_pulse(session: Session, number: int, file: str | None, chain: str) -> None:
    """Take a round from a file, from standard input, or from the recorded ones of this package."""
    place = Workspace.open(session.folder)
    pinned = chain_of(place, chain)
    if file is None:
        from fairdraw_cli.rehearsal import recorded

        pulse = recorded(pinned.id, number)
        if pulse is None:
            raise WorkspaceError("round-not-recorded", chain=pinned.id, round=number)
    else:
        data = sys.stdin.buffer.read(MAX_DOCUMENT + 1) if file == "-" else read(Path(file))
        _tell(session, pinned, number, store_taken(place, pinned, number, data))
        return
    check_pulse(pinned, pulse, round=number)
    _tell(session, pinned, number, store(place, pinned, pulse))


@command(ROUND, CHAIN, json=True)
def show(session: Session, number: int, chain: str) -> None:
    """Show when a round is due, and its randomness if it is at hand."""
    place = Workspace.open(session.folder)
    pinned = chain_of(place, chain)
    pulse = stored(place, pinned, number)
    if pulse is None:
        _tell(session, pinned, number, None)
        session.say("pulse.practice" if pinned.practice else "pulse.not-here", chain=pinned.id, round=number)
        return
    if pinned.scheme == NIST:
        _tell(session, pinned, number, store_taken(place, pinned, number, place.artifact(pulse.signature)))
        return
    _tell(session, pinned, number, check_pulse(pinned, pulse, round=number))


@command(
    click.argument("file", metavar="CERTIFICATE", type=click.Path(path_type=Path)),
    click.option("--chain", "name", default="nist", metavar="ID"),
    click.option("--index", "number", default=2, type=click.IntRange(0, 2**32), metavar="N"),
    json=True,
)
def pin(session: Session, file: Path, name: str, number: int) -> None:
    """Keep the certificate of a NIST-format beacon, and print the line that pins it in a trust file."""
    place = Workspace.open(session.folder)
    pinned = der(read(file))
    chain = nist_chain(pinned, id=name, chain_index=number)
    place.keep(pinned, chain.hash)
    session.say("pulse.pinned", chain=chain.id)
    session.line(beacon_line(chain))
    session.answer({"chain": chain.id, "hash": chain.hash, "line": beacon_line(chain)})


@command(ROUND, json=True)
def practice(session: Session, number: int) -> None:
    """Make a round of the practice chain."""
    from fairdraw_cli.rehearsal import BEACON, beacon_secret

    place = Workspace.open(session.folder)
    if not place.rehearsal:
        raise WorkspaceError("practice-outside-rehearsal")
    chain = chain_of(place, BEACON)
    _tell(session, chain, number, store(place, chain, practice_pulse(beacon_secret(place), chain, number)))
