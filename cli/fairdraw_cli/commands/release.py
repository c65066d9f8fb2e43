"""`site address|release`, `supervisor vouch`: where the public site is, and which verifier page one vouches for.

Whoever serves a page chooses what it says (attack 44). Logged, a release cannot be changed without everybody seeing it,
and paper prints its hash.
"""

from dataclasses import replace
from pathlib import Path

import click

from fairdraw.encoding import digest as hashed
from fairdraw.permalink import VERIFIER, check_site
from fairdraw.release import newest_releases
from fairdraw.schema import VerifierRelease
from fairdraw.statement import Entry
from fairdraw.values import Artifact
from fairdraw_cli.bundled import STATIC, Bundled, bundled
from fairdraw_cli.commands.supervise import KEY, LOG, TRUST, hand_over, sit
from fairdraw_cli.desk import Desk, published, writing
from fairdraw_cli.helping import command
from fairdraw_cli.session import Session
from fairdraw_cli.workspace import Workspace


@command(click.argument("url", metavar="URL"), json=True)
def address(session: Session, url: str) -> None:
    """Say where the public site is: paper links there."""
    place = replace(Workspace.open(session.folder), site=check_site(url))
    place.write_settings()
    session.say("site.address", site=place.site)
    session.answer({"site": place.site})


def _logged(desk: Desk, digest: str) -> Entry | None:
    """Return the bureau's newest release, if it is of this page."""
    place = desk.workspace
    newest = newest_releases(desk.history.entries, place.trust, bureau=place.bureau, origin=place.origin)
    own = (entry for entry in newest if entry.statement.by == place.bureau)
    return next((entry for entry in own if entry.of(VerifierRelease).page.digest == digest), None)


def _release(session: Session, desk: Desk, page: Bundled) -> dict[str, object]:
    digest = hashed(page.data)
    entry = _logged(desk, digest)
    told: dict[str, object] = {"folder": str(desk.workspace.root), "digest": digest, "version": page.version}
    if entry is not None:
        session.say("site.already", version=page.version, index=entry.index, digest=digest)
        return told | {"index": entry.index, "new": False}
    desk.workspace.keep(page.data, digest)
    entry = desk.add(desk.head.make(VerifierRelease, page=_artifact(page), version=page.version))
    session.say("site.released", version=page.version, index=entry.index, digest=digest)
    return told | {"new": True, **published(session, desk, entry.index)}


def _artifact(page: Bundled) -> Artifact:
    return Artifact(digest=hashed(page.data), length=len(page.data))


@command(
    click.argument("folders", metavar="[WORKSPACE]...", nargs=-1, type=click.Path(path_type=Path)),
    json=True,
    clock=True,
    wait=True,
)
def release(session: Session, folders: tuple[Path, ...]) -> None:
    """Log which verifier page one's readers are given."""
    page = bundled(VERIFIER)
    told = []
    for folder in folders or (session.folder,):
        with writing(session, Workspace.open(folder)) as desk:
            told.append(_release(session, desk, page))
    session.answer({"releases": told})


@command(KEY, LOG, TRUST, json=True, clock=True)
def vouch(session: Session, key: Path, log: str, trust: Path) -> None:
    """Sign which verifier page one serves a copy of, or found to be right."""
    page = bundled(VERIFIER)
    chair = sit(session, key, log, trust)
    artifact = _artifact(page)
    signed = chair.before(VerifierRelease, lambda said: said.page == artifact)
    session.say("site.vouched", version=page.version, digest=artifact.digest, file=STATIC / VERIFIER)
    hand_over(session, chair, signed or chair.signed(VerifierRelease, page=artifact, version=page.version))
