"""The record (抽取记录) of a draw as text and as a page to print, in Chinese and English beside each other."""

from importlib.resources import files
from pathlib import Path
from typing import Final

from fairdraw import encoding
from fairdraw.announcement import key_material
from fairdraw.beacon import Chain, Pulse
from fairdraw.draw import Outcome, draw_lots
from fairdraw.errors import WorkspaceError
from fairdraw.messages import Catalogue
from fairdraw.release import newest_releases
from fairdraw.render import Access, Cosigners, Sheet, make_sheet, record_text
from fairdraw.render.page import TEMPLATES, record_html
from fairdraw.schema import Draw
from fairdraw.statement import Entry
from fairdraw.tickets import KeyMaterial
from fairdraw_cli.casework import Matter, pulses_of, regulation_of, seeds_of
from fairdraw_cli.desk import Desk
from fairdraw_cli.files import PRIVATE, PUBLIC, write
from fairdraw_cli.session import LANGUAGES, Session, catalogue
from fairdraw_cli.workspace import Workspace
from transparency_log.checkpoint import cosignatures
from transparency_log.cosigned import cosigned_before
from transparency_log.note import Note
from transparency_log.reader import MAX_COSIGNED

RECORD: Final = "record"
SEALED: Final = "record.sealed"


def result_list(place: Workspace, drew: Draw) -> list[bytes]:
    """Return the lines of a draw's result list, taken out of its seal if it has one.

    Raises:
        WorkspaceError: `artifact-unreadable`.
    """
    data = place.artifact(drew.results.digest)
    if drew.key is not None:
        return encoding.split_lines(data)
    match encoding.parse(data):
        case [str(), {"lines": list(lines)}]:
            return [encoding.canonical(line) for line in lines]
    raise WorkspaceError("artifact-unreadable", found=drew.results.digest)


def _cosigners(matter: Matter) -> Cosigners:
    """Return who had cosigned the announcement, and when."""
    desk = matter.desk
    policy = desk.workspace.trust.policy
    index = matter.announcement.index
    signed = cosigned_before(desk.sizes(above=index), index, matter.limit)
    if signed is None:
        raise WorkspaceError(
            "not-witnessed-in-time", index=matter.announcement.index, limit=encoding.format_time(matter.limit)
        )
    note = Note.parse(signed.data, max_signatures=MAX_COSIGNED)
    found = cosignatures(note, [witness.verifier for witness in policy.witnesses])
    return Cosigners.of(signed.size, signed.quorum_time, found, policy)


def access_of(desk: Desk) -> Access:
    """Return with what a reader checks the papers of a workspace."""
    place = desk.workspace
    releases = newest_releases(desk.history.entries, place.trust, bureau=place.bureau, origin=place.origin)
    return Access(site=place.site, trust=place.trust.digest, releases=releases)


def material_of(matter: Matter, drawn: Entry) -> KeyMaterial:
    """Return what a draw's key is made of, once more: it depends on nothing but what is logged."""
    values = {(pulse.beacon, pulse.round): pulse for pulse in drawn.of(Draw).pulses}

    def logged(chain: Chain, number: int) -> Pulse:
        value = values[chain.id, number]
        return Pulse(chain=chain.hash, round=number, signature=value.signature, previous=value.previous)

    _, randomness = pulses_of(matter, logged)
    return key_material(matter.announcement, seeds=seeds_of(matter), pulses=randomness, embargo=matter.embargo())


def redrawn(matter: Matter, drawn: Entry) -> tuple[Outcome, KeyMaterial]:
    """Return the outcome once more, and what its key is made of."""
    material = material_of(matter, drawn)
    return draw_lots(matter.inputs(), material.key()), material


def languages() -> list[Catalogue]:
    """Return the languages of paper in their order on it, Chinese first."""
    return [catalogue(lang) for lang in LANGUAGES]


def templates() -> dict[str, str]:
    """Return the package's templates for paper."""
    return {name: (files("fairdraw") / "templates" / name).read_text("utf-8") for name in TEMPLATES}


def _write(folder: Path, stem: str, sheet: Sheet, *, mode: int) -> list[Path]:
    told = {"txt": record_text(sheet, languages()), "html": record_html(sheet, templates(), languages())}
    paths = []
    for suffix, text in told.items():
        path = folder / f"{stem}.{suffix}"
        if not path.exists() or path.read_bytes() != text.encode():
            write(path, text.encode(), mode=mode)
        paths.append(path)
    return paths


def sheets_of(matter: Matter, drawn: Entry) -> dict[str, Sheet]:
    """Return a draw's record by the name of its file, the one that shows everything last.

    While a draw is sealed, `record` shows no drawn number, and `record.sealed`, for the bureau's eyes, shows all.
    """
    place, chains = matter.desk.workspace, matter.desk.workspace.trust.chains
    inputs, cosigners, access = matter.inputs(), _cosigners(matter), access_of(matter.desk)
    rules = regulation_of(place, matter.said)

    def sheet(outcome: Outcome | None, material: KeyMaterial | None) -> Sheet:
        return make_sheet(
            inputs, drawn, outcome=outcome, material=material, chains=chains, cosigners=cosigners, access=access,
            regulation=rules,
        )  # fmt: skip

    whole = sheet(*redrawn(matter, drawn))
    return {RECORD: sheet(None, None), SEALED: whole} if matter.hidden else {RECORD: whole}


def mode_of(stem: str) -> int:
    """Return the permissions of a record's file."""
    return PRIVATE if stem == SEALED else PUBLIC


def write_record(session: Session, matter: Matter, drawn: Entry) -> tuple[str, list[Path]]:
    """Write a draw's record; returns its text in the session's language, and the paths."""
    folder, sheets = matter.desk.workspace.draw(matter.name), sheets_of(matter, drawn)
    if SEALED not in sheets:
        for path in folder.glob(f"{SEALED}.*"):
            path.unlink()
    paths = [path for stem, sheet in sheets.items() for path in _write(folder, stem, sheet, mode=mode_of(stem))]
    return record_text([*sheets.values()][-1], [session.words]), paths
