"""What should hold before a draw, and how each thing that does not is mended: clock, relays, witnesses, keys, paper.

Nothing is changed, nothing is signed, and no private key is opened. What the network keeps from us is `unknown` and no
failure: a machine without a network can still be in order.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from fairdraw_cli.checks import machine, office, outside
from fairdraw_cli.checks.finding import WAIT, Examined, Finding, State
from fairdraw_cli.session import CANNOT_TELL, DOES_NOT_HOLD
from fairdraw_cli.workspace import Workspace

__all__ = ["Finding", "State", "examine", "exit_code"]

Check = Callable[[Examined], Iterable[Finding]]

CHECKS: Final[tuple[Check, ...]] = (
    outside.clock_and_relays,
    outside.witnesses,
    office.settings,
    office.trust,
    office.keys,
    office.log,
    office.years,
    machine.paper,
    machine.disk,
    machine.versions,
    machine.speed,
    machine.package,
)


def examine(
    place: Workspace | None,
    *,
    clock: Callable[[], float] = time.time,
    wait: float = WAIT,
    relays: Sequence[str] | None = None,
    paper: Path | None = None,
) -> list[Finding]:
    """Return everything that was looked at, in a fixed order; `place` is None where there is no workspace.

    `wait` is for how many seconds relays, and then witnesses, are asked; with 0 nobody is. `relays` are instead of the
    public ones, and `paper` is the folder in which sheets are written for the printer.
    """
    return list(_findings(Examined(place, clock, wait, relays, paper)))


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 1 where something fails, else 3 where something cannot be told, else 0: a warning is no failure."""
    states = {finding.state for finding in findings}
    return DOES_NOT_HOLD if "fail" in states else CANNOT_TELL if "unknown" in states else 0


def _findings(examined: Examined) -> Iterator[Finding]:
    for check in CHECKS:
        yield from check(examined)
