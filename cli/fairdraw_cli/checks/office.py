"""The office's own folder: its trust file, its keys, its log, and the years whose working days are known."""

import shlex
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from fairdraw.errors import Error
from fairdraw.schema import Announcement, Key
from fairdraw.trust import Trust
from fairdraw_cli.checks.finding import Examined, Finding, State
from fairdraw_cli.checks.outside import SET_CLOCK, SLOW
from fairdraw_cli.files import PRIVATE, PRIVATE_FOLDER, read
from fairdraw_cli.history import History
from fairdraw_cli.keyring import is_credential
from fairdraw_cli.keys import kind_of, told_verifier
from fairdraw_cli.rotation import follow
from fairdraw_cli.session import CHINA
from fairdraw_cli.workspace import PRIVATE_FOLDERS, Workspace
from transparency_log.checkpoint import cosignatures
from transparency_log.errors import LogError
from transparency_log.note import Note, Verifier
from transparency_log.policy import colluders_to_backdate, colluders_to_fork, freshness_time, order_time
from transparency_log.reader import MAX_COSIGNED, LogReader, cosigned_path
from transparency_log.recovery import open_own, recover
from transparency_log.state import Committed, SqliteState

_OTHERS: Final = 0o077  # what anybody but the owner may do
_OLD_STATE: Final = frozenset({"public-ahead", "public-frozen"})


def settings(examined: Examined) -> Iterator[Finding]:
    """Say which workspace was looked at, or that there is none."""
    if (place := examined.place) is None:
        mend = "fairdraw init DIR --bureau NAME --origin NAME"
        yield Finding("no-workspace", "warn", {}, mend)
    else:
        told = {"bureau": place.bureau, "origin": place.origin, "folder": str(place.root.absolute())}
        yield Finding("workspace-rehearsal" if place.rehearsal else "workspace", "ok", told)


def trust(examined: Examined) -> Iterator[Finding]:
    """Say what the trust file asks of witnesses: how many make a quorum, and how many could betray it."""
    if examined.place is None:
        return
    path = examined.place.root / "trust"
    try:
        told = examined.place.trust
    except (Error, LogError) as error:
        back = shlex.join(("cp", "BACKUP/trust", str(path)))
        yield Finding("trust-unusable", "fail", {"file": str(path), "reason": error.code}, back)
        return
    add = examined.command("witness", "add", "NAME", "VKEY", "URL")
    facts: dict[str, object] = {
        "witnesses": len(told.policy.witnesses),
        "needed": colluders_to_backdate(told.policy),
        "fork": colluders_to_fork(told.policy),
    }
    if told.policy.quorum is None:
        yield Finding("trust-no-quorum", "fail", facts, add)
    elif colluders_to_fork(told.policy) < 2:
        # One witness alone could cosign two histories.
        yield Finding("trust-one-betrays", "ok" if told.rehearsal else "warn", facts, add)
    else:
        yield Finding("trust-quorum", "ok", facts)


def keys(examined: Examined) -> Iterator[Finding]:
    """Say whether private files are closed to others, and whether the keys are those that the trust file names."""
    if (place := examined.place) is None:
        return
    opened = list(_open_to_others(place))
    yield from opened
    if not opened:
        yield Finding("private-closed", "ok")
    known = examined.trust
    for name, trusted in _trusted(examined, place, known) if known else ():
        yield _key(examined, place, name, trusted)


def _open_to_others(place: Workspace) -> Iterator[Finding]:
    for name in PRIVATE_FOLDERS:
        folder = place.root / name
        if not folder.is_dir():
            continue
        if (mode := folder.stat().st_mode & 0o777) & _OTHERS:
            told = {"file": str(folder), "mode": f"{mode:04o}"}
            yield Finding("folder-open", "fail", told, shlex.join(("chmod", f"{PRIVATE_FOLDER:o}", str(folder))))
    for name in ("keys", "secrets"):
        for path in sorted((place.root / name).rglob("*")):
            if not path.is_file() or is_credential(path):  # a link to nowhere is no file
                continue
            if (mode := path.stat().st_mode & 0o777) & _OTHERS:
                told = {"file": str(path), "mode": f"{mode:04o}"}
                yield Finding("file-open", "fail", told, shlex.join(("chmod", f"{PRIVATE:o}", str(path))))


def _trusted(examined: Examined, place: Workspace, known: Trust) -> Iterator[tuple[str, list[Verifier]]]:
    """Yield the keys in force: one that another has followed signs nothing any more (`desk.Desk.bureau_keys`)."""
    log = known.log_key(place.origin)
    yield "log", [] if log is None else [log]
    lines = known.bureau_keys(place.bureau, place.origin)
    bureau = [line.key for line in lines if line.covers(int(examined.clock()))]
    if log is not None:
        # Where they cannot be read, `log` tells what is wrong.
        with suppress(Error, LogError):
            changes = [entry for entry, _ in History.read(LogReader(place.storage.read, log)).all(Key, place.bureau)]
            bureau = [follow(key, changes) for key in bureau]
    yield "bureau", bureau


def _key(examined: Examined, place: Workspace, name: str, trusted: list[Verifier]) -> Finding:
    """Say of a key what can be said without opening it."""
    path = place.key_path(name)
    told: dict[str, object] = {"name": name, "file": str(path)}
    back = examined.command("log", "restore", "--size", "SIZE", "--backup", "FILE")
    if not path.is_file():
        return Finding("key-missing", "fail", told, back)
    kind = kind_of(read(path))
    if kind == "encrypted":
        # Whether it is the right one shows when it is opened, before anything is signed.
        return Finding("key-encrypted", "ok", told)
    try:
        found = told_verifier(path)
    except (Error, LogError):
        return Finding("key-unreadable", "fail", told, back)
    if found not in trusted:
        # What it signs nobody would accept: it was swapped, or belongs to another office.
        return Finding("key-not-trusted", "fail", {**told, "found": "—" if found is None else found.vkey}, back)
    if kind == "hardware":
        return Finding("key-hardware", "ok", told)
    if place.rehearsal:
        return Finding("key-trusted", "ok", told)
    # Whoever copies the disk could sign in the office's name.
    return Finding("key-plain", "warn", told, examined.command("key", "encrypt", name))


def log(examined: Examined) -> Iterator[Finding]:
    """Say whether the log opens as it would for the next entry, and when a quorum last saw it."""
    place, known, key = examined.place, examined.trust, examined.key
    if place is None or known is None or key is None:
        return
    path = place.root / "state" / "log.sqlite"
    restore = examined.command("log", "restore", "--size", "SIZE")
    if not path.is_file():  # opening it would make an empty one
        yield Finding("log-state-lost", "fail", {"file": str(path)}, restore)
        return
    try:
        with SqliteState(path) as state:
            committed = state.read()
            if committed is None:
                yield Finding("log-state-lost", "fail", {"file": str(path)}, restore)
                return
            _, public = recover(place.storage, key, committed, ())
    except LogError as error:
        yield _broken(examined, error, path)
        return
    size = open_own(committed.checkpoint, key).size
    if committed.frozen is not None:
        yield Finding("log-frozen", "warn", {"size": size})
    else:
        yield Finding("log-opens", "ok", {"size": size})
    waiting = len(list((place.root / "state" / "outbox").glob("*.note")))
    if waiting or public is None or public.size < size:
        # Any command that writes finishes what a crash left undone; this one does nothing else that is seen.
        yield Finding("log-unfinished", "warn", {"count": waiting, "size": size}, examined.command("log", "gc"))
    if size:
        yield from _seen(examined, place, known, committed, size)


def _broken(examined: Examined, error: LogError, path: Path) -> Finding:
    told = {"reason": error.code, "file": str(path)}
    restore = examined.command("log", "restore", "--size", "SIZE")
    if error.code == "locked":
        return Finding("log-in-use", "unknown", told, examined.command("doctor"))
    if error.code == "state-missing":
        return Finding("log-state-lost", "fail", told, restore)
    if error.code in _OLD_STATE:
        return Finding("log-state-old", "fail", told, restore)
    return Finding("log-broken", "fail", told, examined.command("log", "restore", "--size", "SIZE", "--from", "URL"))


def _seen(examined: Examined, place: Workspace, known: Trust, committed: Committed, size: int) -> Iterator[Finding]:
    data = place.storage.read(cosigned_path(size)) or committed.checkpoint
    found = cosignatures(
        Note.parse(data, max_signatures=MAX_COSIGNED), [witness.verifier for witness in known.policy.witnesses]
    )
    ask = examined.command("log", "cosign", "ask")
    fresh = freshness_time(known.policy, found)
    if fresh is None:
        yield Finding("log-not-cosigned", "warn", {"size": size, "cosigned": len({c.verifier for c in found})}, ask)
        return
    if place.rehearsal:
        yield Finding("log-cosigned", "ok", {"size": size, "time": fresh})
        return
    now = examined.clock()
    latest, order = max(c.timestamp for c in found), order_time(known.policy, found)
    if latest > now + SLOW:
        # One witness's clock may be ahead; that of a quorum is not.
        state: State = "fail" if order is not None and order > now + SLOW else "warn"
        yield Finding("clock-behind-witnesses", state, {"time": latest, "seconds": round(latest - now)}, SET_CLOCK)
    if now - fresh > known.freshness:
        hours = {"hours": int(now - fresh) // 3600, "limit": known.freshness // 3600}
        yield Finding("log-stale", "warn", {"size": size, "time": fresh, **hours}, ask)
    else:
        yield Finding("log-cosigned", "ok", {"size": size, "time": fresh})


def years(examined: Examined) -> Iterator[Finding]:
    """Say whether the working days of this year, and of the years of announced draws, are known."""
    from fairdraw.calendar import published

    this = datetime.fromtimestamp(examined.clock(), CHINA).year
    wanted = {this, *_announced(examined, this)}
    known = {year.year for year in published().years}
    told: dict[str, object] = {"covers": published().covers, "version": published().version}
    for year in sorted(wanted - known):
        mend = examined.command("result", "DRAW-ID", "FILE", "--calendar", "FILE")
        yield Finding("year-unknown", "warn", {**told, "year": year}, mend)
    if wanted <= known:
        yield Finding("years-known", "ok", told)


def _announced(examined: Examined, this: int) -> set[int]:
    place, key = examined.place, examined.key
    if place is None or key is None:
        return set()
    try:
        said = list(History.read(LogReader(place.storage.read, key)).all(Announcement))
    except (Error, LogError):
        return set()
    return {year for _, one in said if one.window and (year := int(one.window[:4])) > this}
