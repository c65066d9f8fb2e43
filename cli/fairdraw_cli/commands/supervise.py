"""`supervisor create|commit|reveal|deposit|attest`: what a supervisor does with a key of one's own, and no workspace.

Everything signed is stored beside the key, in `<key file>.d/`, before it is shown; from there the chain goes on, so
that no two statements ever get one `seq`, whether or not the bureau has logged the first.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fairdraw import seed as seeds
from fairdraw.encoding import digest as hashed
from fairdraw.encoding import format_time, parse_time
from fairdraw.errors import WorkspaceError
from fairdraw.events import check_values, read_definition, read_values
from fairdraw.schema import Announcement, Commitment, Deposit, Evidence, Key, Loss, Plan, Reveal, Statement, Until
from fairdraw.statement import Entry, Head, read_entry, sign
from fairdraw.trust import Trust, parse_trust
from fairdraw_cli.commands.events import tell_values
from fairdraw_cli.eventform import read_numbers
from fairdraw_cli.eventwork import evidence_of, source_of_events
from fairdraw_cli.files import PRIVATE, check_folder, create_private, read, read_secret, write
from fairdraw_cli.helping import command
from fairdraw_cli.history import History, known_reader
from fairdraw_cli.keyring import new_passphrase
from fairdraw_cli.keys import make_key, open_key
from fairdraw_cli.rotation import RETIRED, follow, prepare, settle, sign_change
from fairdraw_cli.session import Session
from fairdraw_cli.source import open_source
from fairdraw_cli.workspace import rehearsal_name
from transparency_log.note import SigningKey, Verifier

if TYPE_CHECKING:
    from fairdraw_cli.desk import Desk

S = TypeVar("S", bound=Statement)
SEQ_DIGITS = 6

KEY = click.option("--key", required=True, metavar="FILE", type=click.Path(path_type=Path))
LOG = click.option("--log", required=True, metavar="DIR|URL")
TRUST = click.option("--trust", required=True, metavar="FILE", type=click.Path(path_type=Path))
SLOT = click.argument("slot", metavar="SLOT")


@dataclass(frozen=True)
class Chair:
    """A supervisor with a key, a trust file of one's own, and the log as it stands."""

    file: Path
    signer: SigningKey
    trust: Trust
    origin: str
    history: History
    now: int

    @classmethod
    def at(cls, desk: "Desk", key: Path) -> "Chair":
        """Return the seat of somebody with a key at the bureau's own desk.

        Raises:
            WorkspaceError: `not-a-supervisor`.
        """
        place = desk.workspace
        return cls(key, signer_of(place.trust, key, desk.history), place.trust, place.origin, desk.history, desk.now)

    @property
    def folder(self) -> Path:
        """Where everything signed with this key is kept."""
        return folder_of(self.file)

    def head(self) -> Head:
        """Return where this supervisor's chain stands, logged or not.

        Raises:
            WorkspaceError: `trust-of-another`: the trust file knows no bureau of this log.
        """
        name = self.signer.name
        bureau = next((line for line in self.trust.bureaus if line.origin == self.origin), None)
        if bureau is None:
            raise WorkspaceError("trust-of-another", found=self.origin)
        told = self.history.head(log=bureau.origin, bureau=bureau.name, by=name, now=self.now)
        kept = self.kept()
        if kept and kept[-1].statement.seq >= told.seq:
            last = kept[-1].statement
            if self.now < parse_time(last.time):
                raise WorkspaceError("clock-goes-back", expected=last.time, found=format_time(self.now))
            return Head(
                log=told.log, bureau=told.bureau, by=name, seq=last.seq + 1, prev=kept[-1].text_hash, time=self.now
            )
        return told

    def kept(self) -> list[Entry]:
        """Return everything signed so far, in order."""
        return kept_in(self.folder)

    def before(self, kind: type[S], same: Callable[[S], bool]) -> Entry | None:
        """Return what was signed for the same purpose: a retry gives those bytes again."""
        return next((e for e in self.kept() if isinstance(e.statement, kind) and same(e.statement)), None)

    def signed(self, kind: type[S], **fields: Any) -> Entry:
        """Sign the next statement, store it, and return it."""
        statement = self.head().make(kind, **fields)
        data = sign(statement, [self.signer])
        write(self.path_of(statement), data, mode=PRIVATE)
        return read_entry(data, 0)

    def path_of(self, statement: Statement) -> Path:
        """Return where a statement is kept."""
        return self.folder / f"{statement.seq:0{SEQ_DIGITS}}-{statement.type}.entry"


def folder_of(key: Path) -> Path:
    """Return where everything signed with a key is kept."""
    return key.with_name(key.name + ".d")


def kept_in(folder: Path) -> list[Entry]:
    """Return what was signed with a key, in the order of its chain."""
    return [read_entry(read(path), 0) for path in sorted(folder.glob("*.entry"))]


def signer_of(known: Trust, key: Path, history: History | None = None) -> SigningKey:
    """Return the key in a file, of somebody whom a trust file knows by it or by one that it follows.

    Raises:
        WorkspaceError: `not-a-supervisor`.
    """
    changes = [*(history.entries if history else ()), *kept_in(folder_of(key))]
    in_force = [follow(one.key, changes) for one in known.supervisors.values()]
    settle(key, in_force, folder_of(key) / RETIRED)
    signer = open_key(key)
    if signer.verifier not in in_force:
        raise WorkspaceError("not-a-supervisor", expected=sorted(known.supervisors), found=signer.name)
    return signer


def sit(session: Session, key: Path, log: str, trust: Path) -> Chair:
    """Read key, trust file and log, all checked."""
    known = parse_trust(read(trust))
    reader, origin = known_reader(open_source(log), known, where=log)
    history = History.read(reader)
    return Chair(key, signer_of(known, key, history), known, origin, history, session.now(known))


def _artifact(log: str, digest: str) -> bytes:
    """Return a file that lies beside a log, if it is what its name says.

    Raises:
        WorkspaceError: `artifact-missing`.
    """
    data = open_source(log)(f"artifact/{digest}")
    if data is None or hashed(data) != digest:
        raise WorkspaceError("artifact-missing", found=digest)
    return data


def hand_over(session: Session, chair: Chair, entry: Entry) -> None:
    """Tell where a signed statement lies and what to do with it."""
    path = chair.path_of(entry.statement)
    session.say("supervisor.signed", type=session.word(f"statement.{entry.statement.type}"), file=path)
    session.say("supervisor.hand-over", file=path)
    session.answer({"file": str(path), "type": entry.statement.type, "text": entry.text_hash})


@command(
    click.argument("name", metavar="NAME"),
    click.option("--role", default="social", metavar="ROLE"),
    click.option("--out", metavar="FILE", type=click.Path(path_type=Path)),
    click.option("--rehearsal", is_flag=True),
    click.option("--encrypt", is_flag=True),
    json=True,
)
def create(session: Session, name: str, role: str, out: Path | None, *, rehearsal: bool, encrypt: bool) -> None:
    """Make a supervisor's key."""
    name = rehearsal_name(name, rehearsal=rehearsal)
    path = out or Path(f"{name.removesuffix('/rehearsal').replace('/', '_')}.key")
    check_folder(path)
    signer = make_key(path, name, phrase=new_passphrase(path) if encrypt else None)
    line = f"supervisor {name} {role} {signer.verifier.vkey}"
    session.say("supervisor.created-encrypted" if encrypt else "supervisor.created", file=path)
    session.say("supervisor.trust-line")
    session.line(line)
    session.answer({"file": str(path), "line": line, "vkey": signer.verifier.vkey})


@command(SLOT, KEY, LOG, TRUST, json=True, clock=True)
def commit(session: Session, slot: str, key: Path, log: str, trust: Path) -> None:
    """Commit to a seed for a slot."""
    chair = sit(session, key, log, trust)
    planned = sorted({known for _, plan in chair.history.all(Plan) for known in plan.slots})
    if slot not in planned:
        raise WorkspaceError("slot-not-planned", expected=planned, found=slot)
    entry = chair.before(Commitment, lambda said: said.slot == slot)
    if entry is None:
        value = os.urandom(seeds.SEED_LENGTH)
        commitment = seeds.commitment(slot, chair.signer.name, value)
        create_private(chair.folder / f"{commitment}.seed", f"{value.hex()}\n".encode())
        entry = chair.signed(Commitment, slot=slot, commitment=commitment)
    hand_over(session, chair, entry)


@command(SLOT, KEY, LOG, TRUST, json=True, clock=True)
def reveal(session: Session, slot: str, key: Path, log: str, trust: Path) -> None:
    """Reveal the seed for a slot, once its draw is announced."""
    chair = sit(session, key, log, trust)
    logged = [(e, s) for e, s in chair.history.all(Commitment, chair.signer.name) if s.slot == slot]
    if not logged:
        raise WorkspaceError("commitment-missing", name=chair.signer.name, slot=slot)
    committed, said = logged[-1]
    if not any(_names(announced, committed) for _, announced in chair.history.all(Announcement)):
        # A seed that is known before the announcement is no secret that the announcement could wait for.
        raise WorkspaceError("not-announced", slot=slot)
    entry = chair.before(Reveal, lambda told: told.commitment.text == committed.text_hash)
    if entry is None:
        value = read_secret(chair.folder / f"{said.commitment}.seed").hex()
        entry = chair.signed(Reveal, commitment=committed.ref, seed=value)
    hand_over(session, chair, entry)


def _names(said: Announcement, committed: Entry) -> bool:
    return said.seed.kind == "committed" and any(
        c.commitment.text == committed.text_hash for c in said.seed.contributors
    )


@command(
    SLOT,
    click.argument("embargo", metavar="EMBARGO-FILE", type=click.Path(path_type=Path)),
    KEY, LOG, TRUST,
    json=True,
    clock=True,
)  # fmt: skip
def deposit(session: Session, slot: str, embargo: Path, key: Path, log: str, trust: Path) -> None:
    """Confirm that one holds the embargo key of an announced draw."""
    chair = sit(session, key, log, trust)
    value = read_secret(embargo)
    digest = seeds.embargo_commitment(slot, value)
    announced = [s for _, s in chair.history.all(Announcement) if isinstance(s.disclosure, Until)]
    if digest not in {s.disclosure.embargo for s in announced if isinstance(s.disclosure, Until)}:
        raise WorkspaceError("embargo-of-another", slot=slot)
    kept = chair.folder / f"{digest}.embargo"
    if not kept.exists():
        create_private(kept, f"{value.hex()}\n".encode())
    entry = chair.before(Deposit, lambda told: told.embargo == digest)
    hand_over(session, chair, entry or chair.signed(Deposit, slot=slot, embargo=digest))


@command(
    SLOT,
    click.argument("file", metavar="VALUES.toml", type=click.Path(path_type=Path)),
    KEY, LOG, TRUST,
    json=True,
    clock=True,
)  # fmt: skip
def attest(session: Session, slot: str, file: Path, key: Path, log: str, trust: Path) -> None:
    """Confirm that one has read the very numbers which the bureau closed for a draw's events."""
    chair = sit(session, key, log, trust)
    announced = [(e, source) for e, said in chair.history.all(Announcement) if slot in said.slots
                 if (source := source_of_events(said)) is not None]  # fmt: skip
    if not announced:
        raise WorkspaceError("no-events", found=slot)
    announcement, source = announced[-1]
    closing = next(evidence_of(chair.history, announcement, announcement.statement.by), None)
    if closing is None:
        raise WorkspaceError("events-open", found=slot)
    named = closing.of(Evidence).files[0]
    events, values = read_definition(_artifact(log, source.hash)), read_values(_artifact(log, named.digest))
    told = check_values(events, values)
    tell_values(session, events, values)
    for event, mine, theirs in zip(events.events, read_numbers(file, events), values.values, strict=True):
        if mine != theirs.value:
            # What somebody merely repeats is worth nothing: each supervisor reads the numbers for oneself.
            raise WorkspaceError("events-differ", event=event.id, expected=mine, found=theirs.value)
    if told.missing and chair.now < events.closes:
        raise WorkspaceError("events-not-over", expected=format_time(events.closes), found=list(told.missing))
    entry = chair.before(Evidence, lambda said: said.of.text == announcement.text_hash and said.files[0] == named)
    hand_over(session, chair, entry or chair.signed(Evidence, of=announcement.ref, files=(named,)))


@command(
    click.option("--to", metavar="FILE", type=click.Path(path_type=Path)),
    KEY, LOG, TRUST,
    json=True,
    clock=True,
)  # fmt: skip
def rotate(session: Session, to: Path | None, key: Path, log: str, trust: Path) -> None:
    """Let a new key follow one's own."""
    chair = sit(session, key, log, trust)
    logged = {entry.text_hash for entry in chair.history.entries}
    waiting = [entry for entry in chair.kept() if isinstance(entry.statement, Key) and entry.text_hash not in logged]
    if not waiting:
        new = prepare(key, to)
        data = sign_change(chair.head(), chair.signer, new)
        entry = read_entry(data, 0)
        write(chair.path_of(entry.statement), data, mode=PRIVATE)
        settle(key, [new.verifier], chair.folder / RETIRED)
        session.say("key.rotated", file=key, folder=chair.folder / RETIRED)
        session.line(new.verifier.vkey)
        waiting.append(entry)
    hand_over(session, chair, waiting[-1])


@command(
    click.argument("vkey", metavar="VKEY"),
    click.option("--reason", required=True, type=click.Choice(("lost", "stolen", "destroyed"))),
    KEY, LOG, TRUST,
    json=True,
    clock=True,
)  # fmt: skip
def lost(session: Session, vkey: str, reason: str, key: Path, log: str, trust: Path) -> None:
    """Report that somebody's key is lost."""
    Verifier.parse(vkey)
    chair = sit(session, key, log, trust)
    entry = chair.before(Loss, lambda said: said.key == vkey)
    hand_over(session, chair, entry or chair.signed(Loss, key=vkey, reason=reason))
