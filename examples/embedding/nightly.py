"""A nightly job that brings one slot's draw on as far as it can, and may be killed and run again at any moment.

    python -m examples.embedding.nightly OFFICE DATABASE SLOT [RELAY...]

Exit codes are those of the commands: 0 drawn and verified, 1 it does not hold, 2 an error, 3 something is waited for.
"""

import hmac
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from examples.embedding.office import opened
from examples.embedding.own_database import registries
from fairdraw import Announcement, Bureau, Error, Registry, fetch_pulse, verify_bundle
from fairdraw.encoding import canonical, day_of
from fairdraw.errors import FetchError
from fairdraw.fetch import RELAYS
from transparency_log import LogError
from transparency_log.client import gather

DRAWN, DOES_NOT_HOLD, ERROR, WAITING = 0, 1, 2, 3
NOTICE = 600  # seconds from an announcement to its round
DAYS = 20 * 86_400


def secret(folder: Path, slot: str, registry: Registry) -> bytes:
    """Return what seals a snapshot: the same for the same rows, so that a job run again finds the snapshot it made."""
    master = (folder / "secrets" / "nightly.master").read_bytes()
    rows = [[row.no, dict(row.attrs), row.private] for row in registry.rows]
    return hmac.digest(master, canonical([slot, registry.attrs, registry.private, rows]), "sha256")


def advance(
    bureau: Bureau,
    folder: Path,
    database: Path,
    slot: str,
    *,
    chain: str = "quicknet",
    relays: Sequence[str] = RELAYS,
    clock: Callable[[], float] = time.time,
) -> int:
    """Do what can be done now; every step looks first whether an earlier run has done it."""
    ask = (bureau.log, bureau.reader.consistency_proof, bureau.trust.policy)
    announced = bureau.announced([slot])
    if announced is None:
        for name, rows in registries(database).items():
            bureau.freeze(int(clock()), name, rows, secret(folder, slot, rows))
        now = int(clock())
        announced = bureau.announce(now, slots=[slot], at=now + NOTICE, window=day_of(now + DAYS), chain=chain)
    if (drawn := bureau.drawn(announced)) is None:
        if clock() < bureau.due(announced):
            gather(*ask, now=clock)  # again, where a run was killed before the witnesses had answered
            return WAITING
        [source] = announced.of(Announcement).beacon
        pulse = fetch_pulse(bureau.trust.chains[source.beacon], source.round, relays, timeout=20)
        drawn = bureau.draw(int(clock()), announced, [pulse])
    if gather(*ask, now=clock) is None:
        return WAITING
    bundle = bureau.bundle(drawn)
    (folder / "draws" / f"{slot.replace('/', '-')}.fairdraw.json").write_bytes(bundle.format())
    report = verify_bundle(bundle, bureau.trust, as_of=int(clock()), log=bureau.view())
    return DRAWN if report.verdict == "holds" else DOES_NOT_HOLD


def main(arguments: Sequence[str], *, chain: str = "quicknet", clock: Callable[[], float] = time.time) -> int:
    """Run once, and say in the exit code what came of it."""
    logging.basicConfig(level=logging.INFO)
    folder, database, slot, *given = arguments
    relays = given or RELAYS
    try:
        with opened(Path(folder), clock) as bureau:
            return advance(bureau, Path(folder), Path(database), slot, chain=chain, relays=relays, clock=clock)
    except FetchError as error:
        logging.warning("the round cannot be had yet: %s", error)
        return WAITING
    except (Error, LogError, ValueError, OSError) as error:
        logging.error("%s", error)  # noqa: TRY400 - a code and what was expected; a traceback tells a bureau nothing
        return ERROR


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
