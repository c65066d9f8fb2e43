"""The floor of a witness's clock: the newest round of a public beacon proves that its time has passed.

Nobody can have a round's signature before it is due, so a witness whose clock says otherwise is slow, and what it signs
now would make a late log look early (attack 20). A relay is trusted for nothing: it can only keep a round to itself.
"""

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

from fairdraw.beacon import CHAINS, MAX_ROUND, Chain, check_pulse, parse_pulse
from fairdraw.errors import FetchError
from transparency_log.errors import LogError

CHAIN: Final = CHAINS["quicknet"]
EVERY: Final = 300.0  # seconds
TIMEOUT: Final = 5.0  # seconds for each question
SLACK: Final = 2  # rounds that relays may lag behind
AHEAD: Final = 10  # rounds, half a minute: a clock that is no slower than that is good enough


def time_of_pulse(data: bytes) -> int:
    """Return the time that a round in a file proves to have passed.

    Raises:
        BeaconError: it is no round of quicknet.
    """
    pulse = parse_pulse(data, CHAIN)
    check_pulse(CHAIN, pulse, round=pulse.round)
    return CHAIN.time_of(pulse.round)


def newest_time(chain: Chain, now: int, known: Callable[[int], bool]) -> int | None:
    """Return the time of the newest round that anybody has, None if not even the one due at `now` can be had.

    `now` is a clock that may be slow, so that rounds which it takes for future ones are asked for too: twice as far
    ahead each time, and then back by halves.
    """
    number = max(1, chain.round_at_or_after(now + 1) - 1 - SLACK)
    if not known(number):
        return None
    step = AHEAD
    while number + step <= MAX_ROUND and known(number + step):
        number += step
        step *= 2
    while step > AHEAD:
        step //= 2
        if number + step <= MAX_ROUND and known(number + step):
            number += step
    return chain.time_of(number)


class BeaconFloor:
    """A thread that asks relays every few minutes, and raises a floor; as a context manager it ends with the block.

    `failed` hears of a round that could not be had ("not-yet" is what relays say to a clock that is fast) or stored.
    """

    def __init__(
        self,
        relays: Sequence[str],
        *,
        clock: Callable[[], int],
        raise_floor: Callable[[int], None],
        failed: Callable[[FetchError | LogError], None],
    ) -> None:
        self._relays = relays
        self._clock = clock
        self._raise_floor = raise_floor
        self._failed = failed
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="beacon floor")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._look()
            except LogError as error:  # the witness could not store it
                self._failed(error)
            self._ended.wait(EVERY)

    def _look(self) -> None:
        failures: list[FetchError] = []
        time = newest_time(CHAIN, self._clock(), lambda number: self._known(number, failures))
        if time is not None:
            self._raise_floor(time)
        elif failures:
            self._failed(failures[0])

    def _known(self, number: int, failures: list[FetchError]) -> bool:
        from fairdraw.fetch import fetch_pulse

        if self._ended.is_set():
            return False
        try:
            fetch_pulse(CHAIN, number, self._relays, timeout=TIMEOUT)
        except FetchError as error:
            failures.append(error)
            return False
        return True
