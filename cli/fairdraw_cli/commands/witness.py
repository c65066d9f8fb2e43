"""`witness create|serve|status|sign`: a witness of one's own, with a network or without (C2SP tlog-witness)."""

import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from fairdraw.errors import Error, FetchError, WorkspaceError
from fairdraw_cli.beaconfloor import BeaconFloor, time_of_pulse
from fairdraw_cli.files import check_folder, read, write
from fairdraw_cli.helping import command
from fairdraw_cli.history import fingerprint_of
from fairdraw_cli.keyring import new_passphrase
from fairdraw_cli.listening import answer_until_stopped
from fairdraw_cli.session import CANNOT_TELL, DOES_NOT_HOLD, Session
from fairdraw_cli.witnessing import EVIDENCE, KEY, LOGS, Holder, Home, LogsFile, trust_lines
from fairdraw_cli.workspace import rehearsal_name
from transparency_log.errors import LogError, WitnessError
from transparency_log.seen import SqliteWitnessState
from transparency_log.witness import CONFLICT, FORBIDDEN, MAX_REQUEST, UNAVAILABLE, UNPROCESSABLE, Asked, Witness

if TYPE_CHECKING:
    from transparency_log.checkpoint import Checkpoint

ANSWER: Final = "— ".encode()  # a signature line of C2SP signed-note
# A body a little above the limit is answered by the witness, with the reason; one far above it by the server.
MAX_BODY: Final = 2 * MAX_REQUEST

FOLDER = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
PULSES = click.option("--pulse", "pulses", multiple=True, metavar="FILE", type=click.Path(path_type=Path))


@command(
    FOLDER,
    click.option("--name", required=True, metavar="NAME"),
    click.option("--url", metavar="URL"),
    click.option("--ml-dsa", is_flag=True),
    click.option("--rehearsal", is_flag=True),
    click.option("--encrypt", is_flag=True),
    click.option("--key", metavar="FILE", type=click.Path(path_type=Path)),
    json=True,
)
def create(
    session: Session, folder: Path, name: str, url: str | None, key: Path | None, *, ml_dsa: bool, rehearsal: bool,
    encrypt: bool,
) -> None:  # fmt: skip
    """Make a witness: keys, an empty memory, a list of logs."""
    name = rehearsal_name(name, rehearsal=rehearsal)
    check_folder(folder)
    comment = "".join(f"# {session.word(f'witness.logs-{part}')}\n" for part in ("what", "line", "key"))
    phrase = new_passphrase(folder / KEY) if encrypt else None
    home = Home.create(folder, name, second=ml_dsa, logs=comment, phrase=phrase, key=key)
    lines = trust_lines(home.signers, url)
    session.say("witness.created", folder=folder)
    session.say("witness.trust-line")
    session.line(lines[0])
    if len(lines) > 1:
        session.say("witness.second-key")
        session.line(lines[1])
    session.say("witness.next", file=folder / LOGS)
    session.answer(
        {"folder": str(folder), "name": name, "lines": lines, "vkeys": [one.verifier.vkey for one in home.signers]}
    )


@command(
    FOLDER,
    click.option("--listen", metavar="HOST:PORT", default="127.0.0.1:8000"),
    click.option("--mirror", metavar="FOLDER", type=click.Path(path_type=Path)),
    click.option("--relay", "relays", multiple=True, metavar="URL"),
    click.option("--no-beacon", is_flag=True),
    PULSES,
    json=True,
)
def serve(
    session: Session,
    folder: Path,
    listen: str,
    mirror: Path | None,
    relays: tuple[str, ...],
    pulses: tuple[Path, ...],
    *,
    no_beacon: bool,
) -> None:
    """Answer the logs in the list until the program is stopped."""
    from fairdraw.fetch import RELAYS
    from transparency_log.endpoint import WitnessSite

    home = Home.open(folder)
    with home.state() as state:
        logs = LogsFile(home, state, lambda error: _tell_bad_list(session, error))
        hold = None if mirror is None else Holder(home, mirror, logs).hold
        witness = Witness(home.signers[0], state, also=home.signers[1:], hold=hold)
        _raise_floor(witness, pulses)
        site = WitnessSite(
            witness,
            logs=lambda: logs().verifiers,
            clock=_now,
            forked=lambda error: session.note("witness.forked", file=home.keep(_evidence(error))),
        )
        floor = BeaconFloor(
            relays or RELAYS,
            clock=_now,
            raise_floor=witness.raise_floor,
            failed=lambda error: _tell_no_round(session, error),
        )
        session.say("witness.serving", name=home.name, count=len(logs().known))
        with nullcontext() if no_beacon else floor:
            answer_until_stopped(session, site, listen, max_body=MAX_BODY)


@command(FOLDER, json=True)
def status(session: Session, folder: Path) -> None:
    """Show what a witness follows and has cosigned."""
    home = Home.open(folder)
    with home.state() as state:
        listed = home.logs(state).known if (folder / LOGS).exists() else {}
        told = [_log_status(state, origin) for origin in sorted({*listed, *state.origins()})]
        floor = state.floor()
    for signer in home.signers:
        session.line(signer.verifier.vkey)
    session.say("witness.floor" if floor else "witness.no-floor", **({"time": session.time(floor)} if floor else {}))
    for log in told:
        key = "witness.never" if log["size"] is None else "witness.seen"
        if log["origin"] not in listed:
            key = "witness.unlisted"
        session.say(key, origin=log["origin"], **_shown(session, log))
    if (folder / EVIDENCE).is_dir():
        session.say("witness.evidence", folder=folder / EVIDENCE)
    vkeys = [signer.verifier.vkey for signer in home.signers]
    session.answer({"name": home.name, "vkeys": vkeys, "floor": floor, "logs": told})


@command(
    FOLDER,
    click.argument("request", metavar="REQUEST-FILE", type=click.Path(path_type=Path)),
    click.argument("answer", metavar="ANSWER-FILE", type=click.Path(path_type=Path)),
    PULSES,
    json=True,
    clock=True,
)
def sign(session: Session, folder: Path, request: Path, answer: Path, pulses: tuple[Path, ...]) -> int:
    """Cosign by file, where no network reaches the witness."""
    home = Home.open(folder)
    body = read(request)
    check_folder(answer)
    if answer.exists() and not read(answer).startswith(ANSWER):
        raise WorkspaceError("file-exists", found=str(answer))
    with home.state() as state:
        logs = home.logs(state).verifiers
        witness = Witness(home.signers[0], state, also=home.signers[1:])
        _raise_floor(witness, pulses)
        try:
            asked = witness.check(body, logs=logs)
            _show(session, asked)
            lines = witness.answer(asked, clock=lambda: session.now(home))
        except WitnessError as error:
            return _refused(session, home, error)
    write(answer, "".join(line.format() + "\n" for line in lines).encode())
    session.say("witness.signed", file=answer)
    session.answer({"signed": True, "file": str(answer), "size": asked.checkpoint.size, **_named(asked.checkpoint)})
    return 0


def _now() -> int:
    return int(time.time())


def _raise_floor(witness: Witness, pulses: tuple[Path, ...]) -> None:
    for file in pulses:
        witness.raise_floor(time_of_pulse(read(file)))


def _evidence(error: WitnessError) -> bytes:
    return str(error.params["evidence"]).encode()


def _tell_bad_list(session: Session, error: Error | LogError | OSError) -> None:
    reason = str(error) if isinstance(error, OSError) else session.words.error(error)
    session.note("witness.bad-list", reason=reason)


def _tell_no_round(session: Session, error: FetchError | LogError) -> None:
    if error.code == "not-yet":
        session.note("witness.clock-fast", round=error.params["round"])
    else:
        session.note("witness.no-round", reason=session.error(error))


def _log_status(state: SqliteWitnessState, origin: str) -> dict[str, object]:
    seen = state.read(origin)
    if seen is None:
        return {"origin": origin, "size": None, "root": None, "time": None, "checkpoint": None}
    note = seen.note.decode()
    return {"origin": origin, "size": seen.size, "root": seen.root.hex(), "time": seen.time, "checkpoint": note}


def _shown(session: Session, log: dict[str, object]) -> dict[str, object]:
    if not isinstance(log["time"], int):
        return {}
    return {"size": log["size"], "root": log["root"], "time": session.time(log["time"])}


def _named(checkpoint: "Checkpoint") -> dict[str, str]:
    return {"origin": checkpoint.origin, "root": checkpoint.root.hex(), "fingerprint": fingerprint_of(checkpoint)}


def _show(session: Session, asked: Asked) -> None:
    """Show what is about to be signed, and what that says."""
    session.say("witness.asked", size=asked.checkpoint.size, **_named(asked.checkpoint))
    if asked.seen is None:
        session.say("witness.first-time")
    else:
        session.say("witness.last-time", size=asked.seen.size, time=session.time(asked.seen.time))
    session.say("witness.meaning")


def _refused(session: Session, home: Home, error: WitnessError) -> int:
    """Tell why nothing was signed.

    Raises:
        WorkspaceError: `witness-saw-another-size`, which a request made anew mends.
        WitnessError: the request is no request, or of an unknown log.
    """
    if error.status == CONFLICT:
        raise WorkspaceError("witness-saw-another-size", expected=error.params["size"], found=error.params["found"])
    if error.status not in (FORBIDDEN, UNPROCESSABLE, UNAVAILABLE):
        raise error
    session.say("witness.refused", reason=session.error(error))
    if error.code == "log-forked":
        session.say("witness.forked", file=home.keep(_evidence(error)))
    params = {name: value for name, value in error.params.items() if name != "evidence"}
    session.answer({"signed": False, "code": error.code, "params": params})
    return CANNOT_TELL if error.status == UNAVAILABLE else DOES_NOT_HOLD
