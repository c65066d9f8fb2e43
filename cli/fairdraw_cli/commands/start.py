"""`init`, `witness add`, `supervisor add`: a workspace and whom it trusts."""

from pathlib import Path

import click

from fairdraw.errors import WorkspaceError
from fairdraw.permalink import check_site
from fairdraw.roles import KNOWN
from fairdraw_cli.files import PRIVATE_FOLDER, sync_folder, write
from fairdraw_cli.helping import command
from fairdraw_cli.history import sizes_with_quorum
from fairdraw_cli.keyring import new_passphrase
from fairdraw_cli.keys import make_key, open_key, place_key
from fairdraw_cli.session import Session
from fairdraw_cli.trustfile import add_supervisor, add_witness, first_trust
from fairdraw_cli.workspace import FOLDERS, ML_DSA, PRIVATE_FOLDERS, Workspace, rehearsal_name
from transparency_log.log import Log
from transparency_log.note import COSIGNATURE_ML_DSA_44, ED25519, SigningKey
from transparency_log.state import SqliteState
from transparency_log.storage import Directory


def _check_new(root: Path) -> None:
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        # A second `init` would make new keys for an old log: two histories under one name.
        raise WorkspaceError("folder-not-empty", found=str(root))


def _check_given(key: Path, name: str) -> None:
    """Refuse a key file of another name, or of a kind that signs no notes, before anything is made.

    Raises:
        WorkspaceError: `not-a-key-of`.
    """
    given = open_key(key)
    if (given.name, given.algorithm) != (name, ED25519):
        raise WorkspaceError("not-a-key-of", expected=name, found=given.verifier.vkey)


def _place_key(root: Path, file: str, name: str, given: Path | None, phrase: str | None) -> SigningKey:
    """Put a new key into a workspace, or the file of one that is there already: in a token, perhaps."""
    path = root / "keys" / f"{file}.key"
    if given is None:
        return make_key(path, name, phrase=phrase)
    return place_key(path, given, phrase=phrase)


@command(
    click.argument("folder", metavar="DIR", type=click.Path(path_type=Path)),
    click.option("--bureau", required=True, metavar="NAME"),
    click.option("--origin", required=True, metavar="ORIGIN"),
    click.option("--rehearsal", is_flag=True),
    click.option("--ml-dsa", is_flag=True),
    click.option("--site", metavar="URL"),
    click.option("--encrypt", is_flag=True),
    click.option("--log-key", metavar="FILE", type=click.Path(path_type=Path)),
    click.option("--bureau-key", metavar="FILE", type=click.Path(path_type=Path)),
    json=True,
)
def init(  # noqa: PLR0913 - each is an option
    session: Session, folder: Path, bureau: str, origin: str, log_key: Path | None, bureau_key: Path | None, *,
    rehearsal: bool, ml_dsa: bool, site: str | None, encrypt: bool,
) -> None:  # fmt: skip
    """Make a workspace: keys, an empty log, a trust file."""
    site = None if site is None else check_site(site)
    bureau, origin = (rehearsal_name(name, rehearsal=rehearsal) for name in (bureau, origin))
    if bureau == origin:
        raise WorkspaceError("same-name", found=bureau)
    _check_new(folder)
    for given, owner in ((log_key, origin), (bureau_key, bureau)):
        if given is not None:
            _check_given(given, owner)
    phrase = new_passphrase(folder / "keys") if encrypt else None
    for name in FOLDERS:
        (folder / name).mkdir(mode=PRIVATE_FOLDER if name in PRIVATE_FOLDERS else 0o755, parents=True)
    log = _place_key(folder, "log", origin, log_key, phrase)
    key = _place_key(folder, "bureau", bureau, bureau_key, phrase)
    second = folder / "keys" / f"{ML_DSA}.key"
    further = [make_key(second, origin, COSIGNATURE_ML_DSA_44, phrase=phrase)] if ml_dsa else []
    witnesses, practice = {}, None
    if rehearsal:
        from fairdraw_cli.rehearsal import make_beacon, make_witnesses

        witnesses = {name: one.verifier for name, one in make_witnesses(folder, origin).items()}
        practice = make_beacon(folder)
    with SqliteState.create(folder / "state" / "log.sqlite") as state:
        Log.create(Directory(folder / "log"), log, state=state, further=further)
    text = first_trust(log.verifier, key.verifier, witnesses=witnesses, practice=practice)
    write(folder / "trust", text.encode())
    # Last: a folder without it is no workspace, so that a broken-off `init` is never worked in.
    Workspace(folder, bureau, origin, rehearsal, site).write_settings()
    sync_folder(folder)
    session.say("init.made-rehearsal" if rehearsal else "init.made", folder=folder, bureau=bureau, origin=origin)
    for signer in further:
        session.say("init.ml-dsa")
        session.line(signer.verifier.vkey)
    session.say("init.keys-encrypted" if encrypt else "init.keys")
    session.say("init.next-rehearsal" if rehearsal else "init.next", folder=folder)
    session.answer({"folder": str(folder), "bureau": bureau, "origin": origin, "rehearsal": rehearsal,
                    "site": site})  # fmt: skip


@command(
    click.argument("name", metavar="NAME"),
    click.argument("vkey", metavar="VKEY"),
    click.argument("url", metavar="[URL]", required=False),
    json=True,
)
def witness_add(session: Session, name: str, vkey: str, url: str | None) -> None:
    """Add a witness to the trust file."""
    place = Workspace.open(session.folder)
    had = sizes_with_quorum(place.storage.read, place.trust.policy)
    add_witness(place.root / "trust", name=name, vkey=vkey, url=url)
    policy = Workspace.open(session.folder).trust.policy
    lost = len(had - sizes_with_quorum(place.storage.read, policy))
    needed = next((group.threshold for group in policy.groups if group.name == policy.quorum), len(policy.witnesses))
    session.say("witness.added", name=name, needed=needed, witnesses=len(policy.witnesses))
    if lost:
        session.note("witness.quorum-lost", count=lost)
    session.answer({"name": name, "needed": needed, "witnesses": len(policy.witnesses), "lost": lost})


@command(
    click.argument("name", metavar="NAME"),
    click.argument("role", metavar="ROLE"),
    click.argument("vkey", metavar="VKEY"),
    json=True,
)
def supervisor_add(session: Session, name: str, role: str, vkey: str) -> None:
    """Add a supervisor to the trust file."""
    place = Workspace.open(session.folder)
    add_supervisor(place.root / "trust", name=name, role=role, vkey=vkey)
    count = len(place.trust.supervisors)
    if role not in KNOWN:
        session.note("supervisor.role-unknown", role=role, expected=list(KNOWN))
    session.say("supervisor.added", name=name, role=session.role(role), count=count)
    session.answer({"name": name, "role": role, "supervisors": count})
