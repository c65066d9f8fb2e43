"""A bureau's own folder, which `fairdraw init` made once, opened by a program of the bureau's own."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fairdraw import Bureau, Casebook, parse_trust
from transparency_log import Directory, Log, LogReader, Signer, SqliteState
from transparency_log.client import latest


@contextmanager
def opened(folder: Path, clock: Callable[[], float] = time.time) -> Iterator[Bureau]:
    """Open the log for writing; nobody else can meanwhile."""
    trust = parse_trust((folder / "trust").read_bytes())
    log_key, key = (Signer.parse((folder / "keys" / f"{name}.key").read_text()) for name in ("log", "bureau"))
    # Who restored an old copy of this folder does not know it; its witnesses do, and `Log.open` then refuses.
    seen = [answer.note for answer in latest(trust.policy.witnesses, log_key.verifier, now=clock) if answer.note]
    storage = Directory(folder / "log")
    with SqliteState(folder / "state" / "log.sqlite") as state:
        bureau = Bureau(Log.open(storage, log_key, state=state, seen=seen), storage, key, trust)
        for left in sorted((folder / "state" / "outbox").glob("*.note")):
            bureau.finish(left.read_bytes())  # a command had signed it and was killed
        yield bureau


def shown(folder: Path, name: str) -> Casebook:
    """Open the log for reading: no private key, no lock."""
    trust = parse_trust((folder / "trust").read_bytes())
    storage = Directory(folder / "log")
    [origin] = {line.origin for line in trust.bureaus if line.name == name}
    key = next(log.verifier for log in trust.policy.logs if log.verifier.name == origin)
    return Casebook(LogReader(storage.read, key), storage, trust, name)
