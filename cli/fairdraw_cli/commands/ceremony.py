"""`ceremony`: a draw before a hall, with a page that is projected and a desk that only this machine reaches."""

from collections.abc import Mapping
from contextlib import ExitStack
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import click

from fairdraw.encoding import format_time, parse_time
from fairdraw.errors import WorkspaceError
from fairdraw_cli.helping import command
from fairdraw_cli.keys import unlock
from fairdraw_cli.listening import answer_until_stopped, parse_address, why_not
from fairdraw_cli.session import Session
from fairdraw_cli.workspace import Workspace

if TYPE_CHECKING:
    from fairdraw_cli.ceremony.app import Office
    from fairdraw_cli.ceremony.clocks import Clock
    from fairdraw_cli.ceremony.house import House
    from transparency_log.web import Server

DESK: Final = "127.0.0.1:8050"
PROJECTED: Final = 8  # threads for the hall: the projector asks once a second, and so does each phone
LONGEST: Final = 24 * 3600  # seconds from the lock to the round


def _clock(session: Session, place: Workspace) -> "Clock":
    """Return the machine's clock, or in a rehearsal one that never goes back behind what is logged."""
    from fairdraw_cli.ceremony.clocks import RealClock, RehearsalClock
    from fairdraw_cli.history import History
    from transparency_log.cosigned import signed_sizes

    now = session.now(place)
    if not place.rehearsal:
        return RealClock()
    times = [parse_time(entry.statement.time) for entry in History.read(place.reader()).entries]
    times += [one.quorum_time or 0 for one in signed_sizes(place.storage.read, place.trust.policy)]
    return RehearsalClock(max(now, *times))


def _house(session: Session, asked: str, after: int | None) -> "House":
    from functools import partial

    from fairdraw_cli.ceremony.clocks import RehearsalClock
    from fairdraw_cli.ceremony.house import WAIT, open_house
    from fairdraw_cli.ceremony.worker import from_relays
    from fairdraw_cli.doctor import examine

    place = Workspace.open(session.folder)
    for key in (place.key("log"), place.key("bureau"), *place.further_keys):
        unlock(key)  # nobody wants to type a passphrase before a hall, or while a draw is due
    clock = _clock(session, place)
    examined = partial(examine, place, wait=0 if session.clock is not None else WAIT)
    house = open_house(place, asked, clock=clock, fetch=from_relays, examine=examined, ahead=after)
    if isinstance(clock, RehearsalClock):
        clock.skip(house.notebook.notes.time)  # where an earlier run of this rehearsal had skipped to
    return house


def _hall(stack: ExitStack, house: "House", office: "Office", address: str) -> "Server":
    """Open the hall's pages at an address of its network.

    Raises:
        WorkspaceError: `ceremony-hall-address`, `bad-address`, or `cannot-listen`.
    """
    from fairdraw_cli.ceremony.app import PHONES, Hall
    from fairdraw_cli.ceremony.gate import Gate
    from fairdraw_cli.supervision import MAX_BODY, SupervisionSite
    from transparency_log.web import Server

    host, port = parse_address(address)
    phones = SupervisionSite(
        house.place.root,
        clock=lambda: format_time(house.clock.now()) if house.place.rehearsal else None,
        lock=house.desk_lock,
    )
    hall = Hall(house, Gate(frozenset(), office.gate.token), phones)
    try:
        server = Server(hall, host=host, port=port, max_body=2 * MAX_BODY, threads=PROJECTED)
    except (OSError, UnicodeError) as error:
        raise WorkspaceError("cannot-listen", found=address, reason=why_not(error)) from None
    stack.enter_context(server)
    if ip_address(server.address[0]).is_unspecified:
        # Under any name that leads here a page of a stranger's could read the hall's.
        raise WorkspaceError("ceremony-hall-address", found=address)
    hall.gate.hosts = _names(server, host)
    office.hall_url = f"{server.url}/"
    office.phones_url = hall.phones_url = f"{server.url}{PHONES}/"
    return server


def _names(server: "Server", *hosts: str) -> frozenset[str]:
    """Return the Host headers that lead to a server by right."""
    port = server.address[1]
    told = [f"[{host}]" if ":" in host else host.lower() for host in (server.address[0], *hosts)]
    return frozenset([f"{host}:{port}" for host in told] + (told if port == 80 else []))


@command(
    click.argument("asked", metavar="DRAW.toml|DRAW-ID"),
    click.option("--listen", metavar="HOST:PORT", default=DESK),
    click.option("--hall", metavar="HOST:PORT"),
    click.option("--after", type=click.IntRange(1, LONGEST), metavar="SECONDS"),
    json=True,
    clock=True,
)
def ceremony(session: Session, asked: str, listen: str, hall: str | None, after: int | None) -> None:
    """Hold a draw's ceremony until the program is stopped."""
    from fairdraw_cli.ceremony.app import MAX_BODY, Office
    from fairdraw_cli.ceremony.gate import Gate, new_token
    from fairdraw_cli.ceremony.worker import Worker

    house = _house(session, asked, after)
    office = Office(house, Gate(frozenset(), new_token()))

    def opened(server: "Server") -> Mapping[str, object]:
        if not ip_address(server.address[0]).is_loopback:
            raise WorkspaceError("ceremony-not-loopback", found=listen)
        office.gate.hosts = _names(server, "localhost")
        operator = f"{server.url}/operator#{office.gate.token}"
        session.say("ceremony.opened", id=house.name)
        session.say("ceremony.operator")
        session.line(operator)
        session.say("ceremony.projection", url=f"{server.url}/")
        if office.hall_url and office.phones_url:
            session.say("ceremony.hall", url=office.hall_url)
            session.say("ceremony.phones", url=office.phones_url)
        return {"operator": operator, "hall": office.hall_url, "phones": office.phones_url}

    with ExitStack() as stack:
        if hall is not None:
            _hall(stack, house, office, hall)
        stack.enter_context(Worker(house))
        answer_until_stopped(session, office, listen, opened=opened, max_body=MAX_BODY)
