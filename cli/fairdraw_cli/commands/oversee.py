"""`sign`, `receipt`, `supervisor cosign`: what others than the bureau sign about a draw, with nothing but a key."""

import json
from pathlib import Path

import click

from fairdraw.errors import SnapshotError, WorkspaceError
from fairdraw.roles import check_role, is_supervisor
from fairdraw.schema import Draw, ItemList, Plan, Receipt, Result, SignOff, SnapshotStatement, SubstitutionCall
from fairdraw.snapshot import check_opening, read_openings, read_roster
from fairdraw.statement import Entry
from fairdraw.trust import parse_trust
from fairdraw_cli.commands.substitute import read_request
from fairdraw_cli.commands.supervise import KEY, LOG, TRUST, Chair, hand_over, signer_of, sit
from fairdraw_cli.files import PRIVATE, read, write
from fairdraw_cli.helping import command
from fairdraw_cli.session import Session
from fairdraw_cli.source import open_source
from transparency_log.note import Note

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
    session.say("sign.role", role=session.words.say("role", role) if session.words.has("role", role) else role,
                type=session.word(f"statement.{of.statement.type}"), index=index)  # fmt: skip
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
    data = read(roster) if roster is not None else open_source(log)(f"artifact/{said.roster.digest}")
    if data is None:
        raise WorkspaceError("artifact-missing", found=said.roster.digest)
    rows = {row.no: row.seal for row in read_roster(data, said).rows}
    opened = openings is not None
    if openings is not None:
        seen: set[tuple[str, str]] = set()
        for opening in read_openings(read(openings)):
            if opening.no in rows:  # of two snapshots in one file, this one's
                check_opening(opening, said, rows[opening.no])
                seen.add((opening.no, opening.field))
        fields = [field for field, openable in said.private if openable]
        lacking = [(no, field) for no in rows for field in fields if (no, field) not in seen]
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
    click.option("--out", metavar="FILE", type=click.Path(path_type=Path)),
    json=True,
)  # fmt: skip
def cosign(session: Session, file: Path, key: Path, trust: Path, out: Path | None) -> None:
    """Sign a call for a substitute beside the bureau, whose file `fairdraw call` has written."""
    known = parse_trust(read(trust))
    signer = signer_of(known, key)
    data = read(file)
    said, vacancy = read_request(data)
    if signer.verifier.name not in said.with_:
        raise WorkspaceError("not-a-co-signer", expected=list(said.with_), found=signer.verifier.name)
    if not is_supervisor(known.supervisors[signer.verifier.name].role) or not known.bureau_keys(said.by, said.log):
        raise WorkspaceError("request-of-another", found=said.by)
    folder = key.with_name(key.name + ".d")
    kept = folder / f"call-{said.draw.text}-{vacancy.no}-{vacancy.inspector}.note"
    text = said.text().decode()
    if kept.exists() and Note.parse(read(kept)).text != text:
        # Two calls of one vacancy are two draws, of which the bureau would choose one (attack 47).
        raise WorkspaceError("cosigned-another", no=vacancy.no, found=str(kept))
    note = Note(text, (signer.sign(text),)).format()
    write(kept, note, mode=PRIVATE)
    if said.embargo is not None:
        # Whoever signs a sealed call holds its key, so that the bureau alone cannot keep it shut.
        write(folder / f"{said.embargo}.embargo", f"{json.loads(data)['embargo']}\n".encode(), mode=PRIVATE)
    path = out or file.with_name(f"{file.name}.{signer.verifier.name.replace('/', '_')}.note")
    write(path, note)
    _tell(session, said, vacancy.no, vacancy.inspector)
    session.say("cosign-call.signed", file=path)
    session.answer({"file": str(path), "text": said.text_hash(), "no": vacancy.no, "inspector": vacancy.inspector})


def _tell(session: Session, said: SubstitutionCall, no: str, inspector: str) -> None:
    session.say("cosign-call.says", no=no, inspector=inspector, reason=said.reason, declaration=said.declaration)
    for source in said.beacon:
        session.say("cosign-call.round", chain=source.beacon, round=source.round)
