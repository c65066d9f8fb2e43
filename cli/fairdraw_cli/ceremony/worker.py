"""What happens without anybody pressing a key: witnesses are asked, the round is fetched, the draw is made and filed.

`turn` looks at the state and does at most one piece of work; it is called again and again. Since every piece starts
from what is logged, a turn that is killed in its middle is simply done once more.
"""

import logging
from collections.abc import Callable
from threading import Event, Thread
from typing import Final, cast

from fairdraw.beacon import Chain, Pulse, practice_pulse
from fairdraw.errors import FetchError
from fairdraw.nist import SCHEME as NIST
from fairdraw_cli.aftermath import drawn_of
from fairdraw_cli.casework import find
from fairdraw_cli.ceremony.house import FORESEEN, Fault, House, notes_for
from fairdraw_cli.ceremony.state import State
from fairdraw_cli.commands.draw import draw_now, request_path, write_bundles
from fairdraw_cli.desk import published
from fairdraw_cli.extras import installed
from fairdraw_cli.papers import write_record
from fairdraw_cli.pulses import certificate, chain_of, store, store_taken
from fairdraw_cli.workspace import Workspace
from transparency_log.errors import SequenceError

BEAT: Final = 0.5  # seconds between two looks
ASK: Final = 15  # seconds between two calls on witnesses
FETCH: Final = 3  # seconds between two calls on relays
TIMEOUT: Final = 5.0  # seconds that relays have for one answer
AGAIN: Final = 10  # seconds before a fault that may pass is tried again

_log = logging.getLogger(__name__)


class Worker:
    """The one who works beside the operator."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._next: dict[str, int] = {}
        self._filed: str | None = None
        self._stop = Event()
        self._thread = Thread(target=self._run, name="ceremony", daemon=True)

    def __enter__(self) -> "Worker":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(BEAT):
            self.turn()

    def turn(self) -> None:
        """Look once, and do what is to be done now."""
        house = self._house
        try:
            state = house.state()
            work = self._work(state)
            if work is not None:
                work(state)
        except FORESEEN as error:
            if getattr(error, "code", "") == "ceremony-busy":
                return  # the operator is at the desk
            passing = isinstance(error, OSError | SequenceError | FetchError)
            house.fault = Fault(error, lasting=not passing)
            self._next["again"] = house.clock.now() + AGAIN
        except Exception as error:  # noqa: BLE001 - as below
            # A fault of the program's must be seen on the desk and not end the thread in silence.
            _log.exception("ceremony")
            house.fault = Fault(error, lasting=True)

    def _work(self, state: State) -> Callable[[State], None] | None:
        """Return what is to be done now, None where there is nothing."""
        house, said, drawn = self._house, state.facts.announced, state.facts.drawn
        if house.fault is not None:
            if house.fault.lasting or not self._due("again", state.now):
                return None
            house.fault = None
        if said is None:
            return self._examine if house.examined is None else None
        if drawn is not None:
            if self._filed != drawn.text or not state.facts.filed:
                return self._file
            return self._file if state.facts.unwitnessed and self._due("ask", state.now) else None
        if state.facts.voided is not None:
            return None
        if not said.ready:
            # A deposit or a list of reveals may come after the quorum for the announcement, and needs one, too.
            waits = state.now < said.limit and state.facts.unwitnessed
            return self._ask if waits and self._due("ask", state.now) else None
        if state.now < said.due:
            return None
        if any(one.randomness is None and one.chain in house.place.trust.chains for one in said.rounds):
            return self._fetch if self._due("fetch", state.now) else None
        return self._draw

    def _due(self, what: str, now: int) -> bool:
        return now >= self._next.get(what, 0)

    def _examine(self, _state: State) -> None:
        self._house.look()

    def _ask(self, state: State) -> None:
        self._next["ask"] = state.now + ASK
        session = self._house.quiet()
        with self._house.at_desk(session) as desk:
            published(session, desk)

    def _fetch(self, state: State) -> None:
        """Fetch the announced rounds that are lacking: these rounds and no others, however long it takes."""
        house = self._house
        self._next["fetch"] = state.now + FETCH
        said = state.facts.announced
        reports: list[tuple[str, str]] = []  # of every chain that lacks its round
        for one in said.rounds if said else ():
            if one.randomness is not None or one.chain not in house.place.trust.chains:
                continue
            chain = chain_of(house.place, one.chain)
            if chain.practice and house.place.rehearsal:
                from fairdraw_cli.rehearsal import beacon_secret

                store(house.place, chain, practice_pulse(beacon_secret(house.place), chain, one.number))
                continue
            try:
                told = house.fetch(house.place, chain, one.number)
            except FetchError as error:
                reports += cast("list[tuple[str, str]]", error.params.get("reports", []))
                continue
            if isinstance(told, Pulse):
                store(house.place, chain, told)
            else:
                store_taken(house.place, chain, one.number, told)
        house.relays = tuple(reports)

    def _draw(self, _state: State) -> None:
        session = self._house.quiet()
        with self._house.at_desk(session) as desk:
            matter = find(desk, self._house.name)
            if matter.draw is None:
                draw_now(matter, (), answers=notes_for(self._house, request_path(matter)))
        self._house.fault = None

    def _file(self, state: State) -> None:
        """Have the draw cosigned, and write its bundle and its papers."""
        self._next["ask"] = state.now + ASK
        session = self._house.quiet()
        with self._house.at_desk(session) as desk:
            matter = find(desk, self._house.name)
            drawn = drawn_of(matter)
            published(session, desk)
            write_bundles(matter, drawn)
            write_record(session, matter, drawn)
            self._filed = drawn.text_hash
        if installed("pdf"):
            from fairdraw_cli.commands.print import Printer
            from fairdraw_cli.pdf import Press

            # After all else, for a character that no font has must not keep the record from the hall; and not at the
            # desk, for of thousands of objects it takes half a minute, and meanwhile supervisors sign.
            matter = find(self._house.onlooker(), self._house.name)
            list(Printer(matter, drawn_of(matter), self._house.place.draw(matter.name), Press()).record())


def from_relays(place: Workspace, chain: Chain, number: int) -> Pulse | bytes:
    """Fetch a round from public relays.

    Raises:
        FetchError: none has it.
    """
    from fairdraw.fetch import NIST_SERVERS, RELAYS, fetch_document, fetch_pulse

    if chain.scheme == NIST:
        return fetch_document(chain, number, certificate(place, chain), NIST_SERVERS, timeout=TIMEOUT)
    return fetch_pulse(chain, number, RELAYS, timeout=TIMEOUT)
