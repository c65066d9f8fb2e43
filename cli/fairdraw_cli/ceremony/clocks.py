"""The ceremony's clock: the real one, or a rehearsal's, which starts where one sets it and can skip ahead."""

import time
from dataclasses import dataclass, field
from typing import Protocol


class Clock(Protocol):
    """What tells the time in POSIX seconds."""

    def now(self) -> int:
        """Return the time."""


class RealClock:
    """The machine's clock."""

    def now(self) -> int:
        """Return the time."""
        return int(time.time())


@dataclass
class RehearsalClock:
    """A clock that runs from a time that was set: nobody waits for an hour to see how a draw goes."""

    start: int
    # It ticks with the machine's clock: what a command logs beside it in the same second is not later than it.
    _since: float = field(default_factory=lambda: time.monotonic() - time.time() % 1)

    def now(self) -> int:
        """Return the time."""
        return self.start + int(time.monotonic() - self._since)

    def skip(self, to: int) -> None:
        """Set the clock forward; it never goes back."""
        if to > self.now():
            self.start, self._since = to, time.monotonic() - time.time() % 1
