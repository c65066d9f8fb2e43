"""`sign`, `receipt`, `supervisor cosign|freeze|openings`: what others than the bureau sign, with nothing but a key."""

import os
from pathlib import Path
from typing import Any

import click

from fairdraw.acts import Vacancy
from fairdraw.encoding import canonical, lines
from fairdraw.errors import SnapshotError, WorkspaceError
from fairdraw.record import same_record
from fairdraw.render import fingerprint
from fairdraw.roles import DEPARTMENT, check_role, is_supervisor
from fairdraw.roster import read_roster
from fairdraw.schema import (
    Announcement,
    Draw,
    ItemList,
    Plan,
    Receipt,
    Result,
    SignOff,
    SnapshotStatement,
    Statement,
    SubstitutionCall,
)
from fairdraw.sealing import SECRET_LENGTH
from fairdraw.snapshot import check_opening, read_openings
from fairdraw.snapshot import freeze as freeze_registry
from fairdraw.statement import Entry, parse_text, read_entry
from fairdraw.statement import sign as sign_statement
from fairdraw.trust import Trust, parse_trust
from fairdraw_cli.commands.freeze import seals_in
from fairdraw_cli.commands.openings import opened
from fairdraw_cli.commands.substitute import read_call
from fairdraw_cli.commands.supervise import KEY, LOG, TRUST, Chair, folder_of, hand_over, kept_in, signer_of, sit
from fairdraw_cli.cosigning import Request
from fairdraw_cli.files import PRIVATE, create_private, mapped, read, read_secret, write
from fairdraw_cli.helping import command
from fairdraw_cli.history import History, known_reader
from fairdraw_cli.refused import MENDED, REFUSED, Source, check_refused, map_of, write_refused
from fairdraw_cli.rows import bad_row
from fairdraw_cli.session import Session
from fairdraw_cli.source import copied, open_source
from fairdraw_cli.unitact import check_asked, check_next, keep_signed, tell_asked
from fairdraw_cli.workspace import check_id
from transparency_log.note import Note, SigningKey

INDEX = click.argument("index", metavar="ENTRY", type=click.IntRange(min=0))
SIGNED_OFF = (ItemList, Plan, Draw, Result)


def _entry(chair: Chair, index: int, *kinds: type) -> Entry:
    """Return the statement at a place of the log, which must be of one of some types.

    Raises:
        WorkspaceError: `no-statement-there`, or `not-for-this`.
    """
    found = next((entry for entry in chair.history.entries if entry.index == index), None)
    if found is None:
        raise WorkspaceError("no-statement-there", expected=len(chair.history.data) - 1, found=index)
    if not isinstance(found.statement, kinds):
        raise WorkspaceError("not-for-this", index=index, found=found.statement.type)
    return found


@command(INDEX, KEY, LOG, TRUST, json=True, clock=True)
def sign(session: Session, index: int, key: Path, log: str, trust: Path) -> None:
    """Sign off an item list, a plan, a draw or a result, in one's role in the trust file."""
    chair = sit(session, key, log, trust)
    of = _entry(chair, index, *SIGNED_OFF)
    role = chair.trust.supervisors[chair.signer.name].role
    entry = chair.before(SignOff, lambda said: said.of.text == of.text_hash)
    if entry is None:
        check_role(chair.head().make(SignOff, of=of.ref, role=role), chair.trust, None)
        entry = chair.signed(SignOff, of=of.ref, role=role)
    session.say("sign.role", role=session.role(role), type=session.word(f"statement.{of.statement.type}"), index=index)
    hand_over(session, chair, entry)


@command(
    INDEX,
    click.option("--openings", metavar="FILE", type=click.Path(path_type=Path)),
    click.option("--roster", metavar="FILE", type=click.Path(path_type=Path)),
    KEY, LOG, TRUST,
    json=True,
    clock=True,
)  # fmt: skip
def receipt(
    session: Session, index: int, openings: Path | None, roster: Path | None, key: Path, log: str, trust: Path
) -> None:
    """Confirm that one holds a snapshot's roster and has recomputed it, with `--openings` every private field too."""
    chair = sit(session, key, log, trust)
    snapshot = _entry(chair, index, SnapshotStatement)
    said = snapshot.of(SnapshotStatement)
    data = copied(roster, said.roster) if roster is not None else open_source(log)(f"artifact/{said.roster.digest}")
    if data is None:
        raise WorkspaceError("artifact-missing", found=said.roster.digest)
    rows = read_roster(data, said)
    opened = openings is not None
    if openings is not None:
        seen: set[tuple[str, str]] = set()
        for opening in read_openings(read(openings)):
            if (row := rows.find(opening.no)) is not None:  # of two snapshots in one file, this one's
                check_opening(opening, said, rows.row(row).seal)
                seen.add((opening.no, opening.field))
        fields = [field for field, openable in said.private if openable]
        lacking = [(no, field) for no in rows.numbers for field in fields if (no, field) not in seen]
        if lacking:
            # A receipt over a part would be taken for one over all.
            raise SnapshotError("openings-incomplete", no=lacking[0][0], field=lacking[0][1], count=len(lacking))
    session.say("receipt.recomputed", registry=said.registry, rows=len(rows))
    entry = chair.before(Receipt, lambda one: one.snapshot.text == snapshot.text_hash and one.openings == opened)
    fields_of = {"snapshot": snapshot.ref, "digest": said.roster.digest, "openings": opened}
    hand_over(session, chair, entry or chair.signed(Receipt, **fields_of))


@command(
    click.argument("file", metavar="REQUEST-FILE", type=click.Path(path_type=Path)),
    KEY, TRUST,
    click.option("--log", metavar="DIR|URL"),
    click.option("--out", metavar="FILE", type=click.Path(path_type=Path)),
    json=True,
)  # fmt: skip
def cosign(session: Session, file: Path, key: Path, trust: Path, log: str | None, out: Path | None) -> None:
    """Sign beside the bureau what it asks for, or a result of one's own that it wrote down."""
    known = parse_trust(read(trust))
    seen = None if log is None else _seen(log, known)
    signer = signer_of(known, key, seen)
    data, name = read(file), signer.verifier.name
    said = Request.read(data).said
    if name == said.by:
        note = _of_own(session, Request.read(data), known, seen, key, signer)
        _answer(session, said, note, out or _answer_path(file, name))
        return
    if name not in said.with_:
        raise WorkspaceError("not-a-co-signer", expected=list(said.with_), found=name)
    if not known.bureau_keys(said.by, said.log):
        raise WorkspaceError("request-of-another", found=said.by)
    text = said.text().decode()
    note = Note(text, (signer.sign(text),)).format()
    folder, role = key.with_name(key.name + ".d"), known.supervisors[name].role
    called = read_call(data)
    if called is not None and is_supervisor(role):
        _of_call(session, *called, embargo=Request.read(data).embargo, folder=folder, note=note)
    elif isinstance(said, Announcement) and role == DEPARTMENT:
        _of_announcement(session, said, folder)
    elif isinstance(said, Announcement | Draw) and (said.by, name) in {(s.bureau, s.name) for s in known.seconds}:
        _as_second(session, said, folder, note)
    else:
        raise WorkspaceError("request-of-another", found=said.by)
    _answer(session, said, note, out or _answer_path(file, name))


def _answer_path(file: Path, name: str) -> Path:
    return file.with_name(f"{file.name}.{name.replace('/', '_')}.note")


def _answer(session: Session, said: Statement, note: bytes, path: Path) -> None:
    write(path, note)
    session.say("cosign-call.signed", file=path)
    session.answer({"file": str(path), "type": said.type, "text": said.text_hash()})


def _seen(log: str, known: Trust) -> History:
    return History.read(known_reader(open_source(log), known, where=log)[0])


def _of_own(
    session: Session, request: Request, known: Trust, seen: History | None, key: Path, signer: SigningKey
) -> bytes:
    """Check, tell, sign and keep the next statement of one's own chain, as the bureau wrote it down.

    Raises:
        ActError: `wrong-role`, `outcomes-altered`, `bad-outcomes` or `outcome-twice`.
        WorkspaceError: it is no result, or not the next that one may sign.
    """
    said, rows = check_asked(request)
    if not known.bureau_keys(said.bureau, said.log):
        raise WorkspaceError("request-of-another", found=said.bureau)
    check_role(said, known, None)
    if seen is not None:
        seen.named((said.draw if isinstance(said, Result) else said.result).text)
    before = check_next(said, kept_in(folder_of(key)), seen)
    tell_asked(session, said, rows)
    if before is not None:
        return before.data
    note = sign_statement(said, [signer])
    keep_signed(folder_of(key), said, note)
    return note


def _of_call(
    session: Session, said: SubstitutionCall, vacancy: Vacancy, *, embargo: str | None, folder: Path, note: bytes
) -> None:
    """Check and keep what a supervisor signs of a call; of one vacancy one call."""
    kept = folder / f"call-{said.draw.text}-{vacancy.no}-{vacancy.inspector}.note"
    if kept.exists() and Note.parse(read(kept)).text != said.text().decode():
        # Two calls of one vacancy are two draws, of which the bureau would choose one (attack 47).
        raise WorkspaceError("cosigned-another", no=vacancy.no, found=str(kept))
    write(kept, note, mode=PRIVATE)
    if said.embargo is not None:
        # Whoever signs a sealed call holds its key, so that the bureau alone cannot keep it shut.
        write(folder / f"{said.embargo}.embargo", f"{embargo}\n".encode(), mode=PRIVATE)
    session.say("cosign-call.says", no=vacancy.no, inspector=vacancy.inspector, reason=said.reason,
                declaration=said.declaration)  # fmt: skip
    for source in said.beacon:
        session.say("cosign-call.round", chain=source.beacon, round=source.round)


def _of_announcement(session: Session, said: Announcement, folder: Path) -> None:
    """Check that a joint draw takes one's inspectors from the snapshot that one froze last.

    Raises:
        WorkspaceError: `not-the-newest-frozen`: else the bureau could choose among a department's rosters (attack 15).
    """
    frozen = [read_entry(read(path), 0) for path in sorted(folder.glob("*-snapshot.entry"))]
    newest = {e.statement.registry: e.text_hash for e in frozen if isinstance(e.statement, SnapshotStatement)}
    if not {ref.text for ref in said.joint} & set(newest.values()):
        raise WorkspaceError("not-the-newest-frozen", expected=sorted(newest), found=[ref.text for ref in said.joint])
    _tell_announcement(session, said, "cosign-call.announces")


def _tell_announcement(session: Session, said: Announcement, sentence: str) -> None:
    session.say(sentence, slots=list(said.slots), window=said.window)
    for source in said.beacon:
        session.say("cosign-call.round", chain=source.beacon, round=source.round)


def _as_second(session: Session, said: Announcement | Draw, folder: Path, note: bytes) -> None:
    """Tell what a second signs, and keep it: of one announcement one outcome.

    Raises:
        WorkspaceError: `cosigned-another-draw`.
    """
    if isinstance(said, Announcement):
        _tell_announcement(session, said, "cosign-call.announces-second")
    else:
        kept = folder / f"draw-{said.announcement.text}.note"
        before = parse_text(Note.parse(read(kept)).text.encode()) if kept.exists() else said
        if not isinstance(before, Draw) or not same_record(before, said):
            # Two outcomes of one announcement are two draws, of which the bureau would choose one.
            raise WorkspaceError("cosigned-another-draw", index=said.announcement.index, found=str(kept))
        write(kept, note, mode=PRIVATE)
        session.say("cosign-call.draws", index=said.announcement.index, drawn=said.counts.drawn,
                    objects=said.counts.objects)  # fmt: skip
    session.say("cosign-call.fingerprint", fingerprint=fingerprint(said.text_hash()))


@command(
    click.argument("registry", metavar="REGISTRY"),
    click.argument("file", metavar="FILE", type=click.Path(path_type=Path)),
    click.option("--map", "map_file", metavar="MAP.toml", type=click.Path(path_type=Path)),
    REFUSED, MENDED, KEY, LOG, TRUST,
    json=True,
    clock=True,
)  # fmt: skip
def freeze(
    session: Session,
    registry: str,
    file: Path,
    map_file: Path | None,
    key: Path,
    log: str,
    trust: Path,
    **sheets: Path | None,
) -> None:
    """Freeze a department's own inspectors for joint draws; the bureau logs the snapshot and serves its roster."""
    check_id(registry)
    check_refused(sheets["refused"])
    chair = sit(session, key, log, trust)
    source = Source(file, map_of(map_file), sheets["mended"])
    numbers = chair.folder / f"{registry}.numbers.csv"
    known = read(numbers) if numbers.exists() else None
    reading = source.read(numbers=known, secret=os.urandom(SECRET_LENGTH))
    for problem in reading.problems:
        session.note("freeze.bad-row", **bad_row(session, problem, source.called))
    write_refused(session, sheets["refused"], source, reading)
    if reading.problems:
        raise WorkspaceError("nothing-frozen", count=len(reading.left_out))
    secret = os.urandom(SECRET_LENGTH)
    rosters = sorted(chair.folder.glob(f"{registry}-*.roster.jsonl"))
    seals = {seal for path in rosters for seal in seals_in(read(path))}
    frozen = freeze_registry(reading.registry, secret, previous_seals=seals)
    fields: dict[str, Any] = {"registry": registry, "roster": frozen.roster.listing(), "published": True,
                              "attrs": frozen.attrs, "private": frozen.private, "left_out": None}  # fmt: skip
    said = chair.head().make(SnapshotStatement, **fields)
    check_role(said, chair.trust, None)
    stem = _stem(said)
    create_private(chair.folder / f"{stem}.secret", f"{secret.hex()}\n".encode())
    rows = (canonical({"no": row.no, "private": list(row.private)}) for row in frozen.rows)
    write(chair.folder / f"{stem}.private.jsonl", lines(rows), mode=PRIVATE)
    write(chair.folder / f"{stem}.roster.jsonl", frozen.roster.artifact)
    if reading.numbers is not None:
        write(numbers, reading.numbers, mode=PRIVATE)
    entry = chair.signed(SnapshotStatement, **fields)
    roster = chair.folder / f"{stem}.roster.jsonl"
    session.say("freeze.frozen", id=registry, count=len(frozen.rows), left_out=0)
    session.say("supervisor.signed", type=session.word("statement.snapshot"), file=chair.path_of(entry.statement))
    session.say("supervisor.hand-over-roster", file=chair.path_of(entry.statement), roster=roster)
    session.answer({"file": str(chair.path_of(entry.statement)), "roster": str(roster), "text": entry.text_hash,
                    "count": len(frozen.rows)})  # fmt: skip


def _stem(said: SnapshotStatement) -> str:
    """Return how the names of the files begin that belong to a department's snapshot."""
    return f"{said.registry}-{said.seq:06}"


@command(
    INDEX,
    click.argument("numbers", metavar="NO...", nargs=-1, required=True),
    KEY, LOG, TRUST,
    json=True,
    clock=True,
)  # fmt: skip
def openings(session: Session, index: int, numbers: tuple[str, ...], key: Path, log: str, trust: Path) -> None:
    """Write openings of rows that a department froze, for supervisors."""
    chair = sit(session, key, log, trust)
    said = _entry(chair, index, SnapshotStatement).of(SnapshotStatement)
    if said.by != chair.signer.name:
        raise WorkspaceError("private-of-a-department", name=said.by, registry=said.registry)
    stem = _stem(said)
    secret, private = read_secret(chair.folder / f"{stem}.secret"), mapped(chair.folder / f"{stem}.private.jsonl")
    roster = read_roster(mapped(chair.folder / f"{stem}.roster.jsonl"), said)
    if lacking := sorted(no for no in numbers if no not in roster.numbers):
        raise WorkspaceError("no-such-row", registry=said.registry, found=lacking[0])
    told = [opening for row in opened(said, secret, private, numbers) for opening in row]
    path = chair.folder / f"{stem}.openings.jsonl"
    write(path, lines(canonical(opening.model_dump()) for opening in told), mode=PRIVATE)
    session.say("openings.written", rows=len(set(numbers)), count=len(told), file=path)
    session.answer({"file": str(path), "rows": sorted(set(numbers))})
