"""Slips of a story, as files and as they are printed."""

from pathlib import Path
from typing import Any

from fairdraw.announcement import artifact_of, key_material
from fairdraw.bundle import Slip
from fairdraw.encoding import lines
from fairdraw.messages import Catalogue
from fairdraw.render import Access
from fairdraw.render.page import TEMPLATES, slips_html
from fairdraw.render.slipsheet import SlipSheet, make_slip_sheet
from fairdraw.schema import Announcement, Plan, SnapshotStatement, Until, VerifierRelease
from fairdraw.slip import make_slip
from fairdraw.snapshot import open_row
from fairdraw.statement import Entry
from fairdraw.tickets import KeyMaterial
from support.story import BUREAU, Told, secret, sizes, trust

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "fairdraw"
LANGUAGES = tuple(
    Catalogue.parse((PACKAGE / "wording" / f"{lang}.toml").read_bytes(), lang=lang) for lang in ("zh", "en")
)
PAPER = {name: (PACKAGE / "templates" / name).read_text("utf-8") for name in TEMPLATES}
SITE = "https://draws.example.cn"


def slip_of(told: Told, no: str, *, own: bool = False, role: str = "objects", **changes: Any) -> Slip:
    """Return the slip of a row; with `own` it is the owner's copy."""
    assert told.draw is not None
    assert told.record is not None
    entry, frozen = told.objects if role == "objects" else told.inspectors
    statement = entry.of(SnapshotStatement)
    registry = "institutions" if role == "objects" else "staff"
    row = next(row for row in frozen.rows if row.no == no)
    fields = [name for name, _ in statement.private]
    openings = open_row(secret(f"secret of {registry} 1"), statement, row, fields, own=True) if own else ()
    return make_slip(
        told.story.entries,
        sizes(told.story),
        **{
            "announcement": told.announcement,
            "draw": told.draw,
            "plan": told.plan.of(Plan),
            "snapshot": entry,
            "roster": frozen.roster,
            "results": lines(told.record.lines),
            "exclusions": told.exclusions,
            "role": role,
            "no": no,
            "own": openings,
        }
        | changes,
    )


def drawn_and_not(told: Told) -> tuple[str, str]:
    """Return the first object that was drawn, and the first that was not."""
    drawn = {one.no for one in told.outcome().selection.drawn}
    every = [row.no for row in told.objects[1].rows]
    return next(no for no in every if no in drawn), next(no for no in every if no not in drawn)


def material_of(told: Told) -> KeyMaterial:
    """Return what the key of a story's draw is made of."""
    randomness = told.story.randomness(told.announcement.of(Announcement))
    return key_material(told.announcement, seeds=told.seeds, pulses=randomness, embargo=told.embargo)


def sheet_of(told: Told, slip: Slip, *, sealed: Until | None = None, **access: Any) -> SlipSheet:
    """Return a slip as it is printed; with `sealed` while its draw is."""
    assert told.draw is not None
    known = {"site": SITE, "trust": trust(told.story).digest, "releases": ()} | access
    return make_slip_sheet(
        slip, told.announcement, told.draw, known=sealed or material_of(told), access=Access(**known),
        file=f"fund-1.{slip.no}.slip.fairdraw.json",
    )  # fmt: skip


def released(told: Told, data: bytes = b"<!DOCTYPE html>", *, by: str = BUREAU, version: str = "0.1.0") -> Entry:
    """Let somebody log that a verifier page is the one that readers should get."""
    head = told.story.head(by)
    return told.story.add(head.make(VerifierRelease, page=artifact_of(data), version=version))


def page_of(*sheets: SlipSheet, templates: dict[str, str] = PAPER) -> str:
    """Return the page with some slips."""
    return slips_html(sheets, templates, LANGUAGES, name="fund-1")
