"""`init`, `witness add`, `supervisor add`: a workspace and whom it trusts."""

import os
from pathlib import Path

import click

from fairdraw.errors import WorkspaceError
from fairdraw.permalink import check_site
from fairdraw.roles import KNOWN
from fairdraw_cli.files import PRIVATE_FOLDER, create_private, sync_folder, write
from fairdraw_cli.helping import command
from fairdraw_cli.session import Session
from fairdraw_cli.trustfile import add_supervisor, add_witness, first_trust
from fairdraw_cli.workspace import FOLDERS, ML_DSA, PRIVATE_FOLDERS, Workspace, rehearsal_name
from transparency_log.log import Log
from transparency_log.note import COSIGNATURE_ML_DSA_44, ED25519, Signer
from transparency_log.state import SqliteState
from transparency_log.storage import Directory


def _check_new(root: Path) -> None:
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        # A second `init` would make new keys for an old log: two histories under one name.
        raise WorkspaceError("folder-not-empty", found=str(root))


def _make_key(root: Path, file: str, name: str, algorithm: int = ED25519) -> Signer:
    signer = Signer.from_seed(name, os.urandom(32), algorithm)
    create_private(root / "keys" / f"{file}.key", f"{signer.format()}\n".encode())
    return signer


@command(
    click.argument("folder", metavar="DIR", type=click.Path(path_type=Path)),
    click.option("--bureau", required=True, metavar="NAME"),
    click.option("--origin", required=True, metavar="ORIGIN"),
    click.option("--rehearsal", is_flag=True),
    click.option("--ml-dsa", is_flag=True),
    click.option("--site", metavar="URL"),
    json=True,
)
def init(
    session: Session, folder: Path, bureau: str, origin: str, *, rehearsal: bool, ml_dsa: bool, site: str | None
) -> None:
    """Make a workspace: keys, an empty log, a trust file."""
    site = None if site is None else check_site(site)
    bureau, origin = (rehearsal_name(name, rehearsal=rehearsal) for name in (bureau, origin))
    if bureau == origin:
        raise WorkspaceError("same-name", found=bureau)
    _check_new(folder)
    for name in FOLDERS:
        (folder / name).mkdir(mode=PRIVATE_FOLDER if name in PRIVATE_FOLDERS else 0o755, parents=True)
    log, key = _make_key(folder, "log", origin), _make_key(folder, "bureau", bureau)
    further = [_make_key(folder, ML_DSA, origin, COSIGNATURE_ML_DSA_44)] if ml_dsa else []
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
    session.say("init.keys")
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
    add_witness(place.root / "trust", name=name, vkey=vkey, url=url)
    policy = place.trust.policy
    needed = next((group.threshold for group in policy.groups if group.name == policy.quorum), len(policy.witnesses))
    session.say("witness.added", name=name, needed=needed, witnesses=len(policy.witnesses))
    session.answer({"name": name, "needed": needed, "witnesses": len(policy.witnesses)})


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
    session.say("supervisor.added", name=name, role=role, count=count)
    session.answer({"name": name, "role": role, "supervisors": count})
