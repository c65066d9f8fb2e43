"""`key new|show|encrypt|decrypt|rotate|lost`, `four-eyes`: the keys of a workspace, and of whoever has no workspace."""

from datetime import date, timedelta
from pathlib import Path
from typing import Final

import click

from fairdraw.encoding import check_date
from fairdraw.errors import WorkspaceError
from fairdraw.schema import Announcement, Former, Key, Loss
from fairdraw_cli.desk import published, writing
from fairdraw_cli.files import check_folder, read
from fairdraw_cli.helping import command
from fairdraw_cli.history import History, known_reader
from fairdraw_cli.keyring import new_passphrase
from fairdraw_cli.keys import decrypt_file, encrypt_file, kind_of, make_key, told_verifier
from fairdraw_cli.rotation import RETIRED, prepare, settle
from fairdraw_cli.session import Session
from fairdraw_cli.source import open_source
from fairdraw_cli.trustfile import add_second
from fairdraw_cli.workspace import ML_DSA, Workspace, rehearsal_name
from transparency_log.note import COSIGNATURE_ED25519, ED25519, SigningKey, Verifier

OWN: Final = ("log", "bureau", ML_DSA)
COLUMNS: Final = ("name", "kind", "mode", "since", "vkey")
REASONS: Final = ("lost", "stolen", "destroyed")
KEY = click.argument("key", metavar="KEY")
FOR = {"statements": ED25519, "witness": COSIGNATURE_ED25519}


def _path(session: Session, key: str) -> Path:
    """Return the file that `log`, `bureau` or a path means."""
    own = session.folder / "keys" / f"{key}.key"
    return own if key in OWN and own.is_file() else Path(key)


@command(
    click.argument("file", metavar="FILE", type=click.Path(path_type=Path)),
    click.option("--name", required=True, metavar="NAME"),
    click.option("--for", "purpose", type=click.Choice(tuple(FOR)), default="statements"),
    click.option("--rehearsal", is_flag=True),
    click.option("--encrypt", is_flag=True),
    click.option("--pkcs11", "module", metavar="MODULE", type=click.Path(path_type=Path)),
    click.option("--token", metavar="LABEL"),
    click.option("--label", metavar="LABEL"),
    click.option("--existing", is_flag=True),
    json=True,
)
def new(  # noqa: PLR0913 - each is an option
    session: Session, file: Path, name: str, purpose: str, module: Path | None, token: str | None, label: str | None, *,
    rehearsal: bool, encrypt: bool, existing: bool,
) -> None:  # fmt: skip
    """Make a key, in a file or in a token."""
    name, algorithm = rehearsal_name(name, rehearsal=rehearsal), FOR[purpose]
    check_folder(file)
    if (module is None) != (token is None) or (module is None and (existing or label is not None)):
        raise WorkspaceError("token-and-module")
    if module is not None and encrypt:
        raise WorkspaceError("token-encrypts-itself")
    made: SigningKey
    if module is not None and token is not None:
        from fairdraw_cli.hardware import make_hardware_key

        made = make_hardware_key(file, name, algorithm, module=module, token=token, label=label or name,
                                 existing=existing)  # fmt: skip
        session.say("key.made-in-token", file=file, token=token, label=label or name)
    else:
        made = make_key(file, name, algorithm, phrase=new_passphrase(file) if encrypt else None)
        session.say("key.made-encrypted" if encrypt else "key.made", file=file)
    session.line(made.verifier.vkey)
    session.answer({"file": str(file), "name": name, "vkey": made.verifier.vkey})


@command(json=True)
def show(session: Session) -> None:
    """List the keys of a workspace."""
    place = Workspace.open(session.folder)
    history = History.read(place.reader())
    rows, told = [], []
    for name in OWN:
        path = place.key_path(name)
        if path.is_file():
            one = _shown(place, history, name, path)
            told.append(one)
            since = session.word("key.since-start" if one["since"] is None else "key.since", index=one["since"])
            kind, vkey = session.word(f"key.kind-{one['kind']}"), str(one["vkey"] or "—")
            rows.append((name, kind, str(one["mode"]), since, vkey))
    session.table([tuple(session.word(f"key.column-{name}") for name in COLUMNS), *rows])
    retired = sorted(path.name for path in (place.root / "keys" / RETIRED).glob("*"))
    if retired:
        session.say("key.retired", files=retired)
    seconds = sorted({line.name for line in place.trust.seconds if line.bureau == place.bureau})
    if seconds:
        session.say("key.four-eyes", names=seconds)
    session.answer({"keys": told, "retired": retired, "four_eyes": seconds})


def _shown(place: Workspace, history: History, name: str, path: Path) -> dict[str, object]:
    """Return what is known of a key without opening it; the bureau's by what its readers know."""
    changes = list(history.all(Key, place.bureau)) if name == "bureau" else []
    verifier = told_verifier(path) or _known(place, name, changes[-1][1] if changes else None)
    since = next((entry.index for entry, said in changes if verifier is not None and said.new == verifier.vkey), None)
    return {"name": name, "kind": kind_of(read(path)), "mode": f"{path.stat().st_mode & 0o777:04o}", "since": since,
            "vkey": None if verifier is None else verifier.vkey}  # fmt: skip


def _known(place: Workspace, name: str, last: Key | None) -> Verifier | None:
    if name == "log":
        return place.log_verifier
    if name != "bureau":
        return None
    return Verifier.parse(last.new) if last else place.trust.bureau_keys(place.bureau, place.origin)[-1].key


@command(KEY, json=True)
def encrypt(session: Session, key: str) -> None:
    """Encrypt a key file with a passphrase, in its place."""
    path = _path(session, key)
    encrypt_file(path)
    session.say("key.encrypted", file=path)
    session.answer({"file": str(path), "kind": "encrypted"})


@command(KEY, json=True)
def decrypt(session: Session, key: str) -> None:
    """Put the plain key in the place of an encrypted one."""
    path = _path(session, key)
    decrypt_file(path)
    session.say("key.decrypted", file=path)
    session.answer({"file": str(path), "kind": "plain"})


@command(
    click.argument("key", metavar="KEY", type=click.Choice(OWN)),
    click.option("--to", metavar="FILE", type=click.Path(path_type=Path)),
    click.option("--former", metavar="DIR|URL"),
    json=True,
    clock=True,
    wait=True,
)
def rotate(session: Session, key: str, to: Path | None, former: str | None) -> None:
    """Let a new key of the bureau's follow the present one, and log it."""
    if key != "bureau":
        # Its name is the origin, and every trust file has it: another key is another log.
        raise WorkspaceError("log-key-stays", origin=Workspace.open(session.folder).origin)
    with writing(session) as desk:
        path = desk.workspace.key_path(key)
        before = None if former is None else _end_of(desk.workspace, former)
        if before is not None and desk.head.seq != 0:
            raise WorkspaceError("former-not-first", expected=0, found=desk.head.seq)
        new_key = prepare(path, to)
        entry = desk.change_key(new_key, before)
        settle(path, desk.bureau_keys(), path.parent / RETIRED)
        session.say("key.rotated", file=path, folder=path.parent / RETIRED)
        session.line(new_key.verifier.vkey)
        session.answer({"vkey": new_key.verifier.vkey, **published(session, desk, entry.index)})


def _end_of(place: Workspace, former: str) -> Former:
    """Return the bureau's last statement in the log where it was before.

    Raises:
        WorkspaceError: `log-not-trusted`, or `not-a-former-log`.
    """
    reader, origin = known_reader(open_source(former), place.trust, where=former)
    said = History.read(reader).by(place.bureau)
    if origin == place.origin or not said:
        raise WorkspaceError("not-a-former-log", expected=place.bureau, found=origin)
    return Former(log=origin, index=said[-1].index, text=said[-1].text_hash)


@command(
    click.argument("vkey", metavar="VKEY"),
    click.option("--reason", required=True, type=click.Choice(REASONS)),
    json=True,
    clock=True,
    wait=True,
)
def lost(session: Session, vkey: str, reason: str) -> None:
    """Log that somebody's key is lost."""
    Verifier.parse(vkey)
    with writing(session) as desk:
        before = [entry for entry, said in desk.history.all(Loss, desk.workspace.bureau) if said.key == vkey]
        entry = before[0] if before else desk.add(desk.head.make(Loss, key=vkey, reason=reason))
        session.say("key.lost", name=vkey.partition("+")[0])
        session.answer({"text": entry.text_hash, **published(session, desk, entry.index)})


@command(
    click.argument("name", metavar="NAME"),
    click.option("--from", "since", metavar="DATE"),
    json=True,
)
def four_eyes(session: Session, name: str, since: str | None) -> None:
    """Let nobody announce or draw alone: somebody of the trust file signs too."""
    place = Workspace.open(session.folder)
    since = _first_day(place) if since is None else check_date(since)
    add_second(place.root / "trust", bureau=place.bureau, name=name, since=since)
    session.say("four-eyes.added" if since is None else "four-eyes.added-from", name=name, date=since)
    session.say("four-eyes.readers")
    session.answer({"name": name, "from": since})


def _first_day(place: Workspace) -> str | None:
    """Return the day from which on windows are of draws that nobody has announced yet."""
    windows = [said.window for _, said in History.read(place.reader()).all(Announcement, place.bureau)]
    return (date.fromisoformat(max(windows)) + timedelta(days=1)).isoformat() if windows else None
