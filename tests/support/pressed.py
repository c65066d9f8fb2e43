"""Papers of a story as PDF, and what is in one, read by programs that are not ours: pypdf, poppler and zxing-cpp."""

import subprocess
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fairdraw.render.notice import Notice, Visits, make_notices
from fairdraw.render.paper import notices_data, record_data, slips_data
from fairdraw.schema import Plan
from fairdraw.substitution import Standing
from fairdraw_cli.extras import installed
from fairdraw_cli.pdf import Press
from support import printing
from support.records import ACCESS, record_of
from support.slips import LANGUAGES, drawn_and_not, sheet_of, slip_of
from support.story import Told

NEEDS_PRESS = pytest.mark.skipif(not installed("pdf"), reason="the extra pdf (typst, fonts) is not installed")
NEEDS_PICTURES = pytest.mark.skipif(printing.PICTURES is None, reason="poppler-utils are not installed")
TIME = 1_788_775_600


def standing_of(told: Told) -> Standing:
    """Return who inspects what, as it was drawn."""
    drawn = told.outcome().assignment
    return Standing(teams=drawn.teams, experts=drawn.experts, caps=drawn.caps, out=frozenset())


def notices_of(told: Told, names: Mapping[str, Mapping[str, str]] | None = None, **changes: Any) -> list[Notice]:
    """Return the notices of a story; `names` are what the bureau knows of rows beside their numbers."""
    fields: dict[str, Any] = {
        "announcement": told.announcement,
        "draw": told.draw,
        "plan": told.plan.of(Plan),
        "names": names or {},
        "staff": names or {},
        "items": (),
        "regulation": None,
        "access": ACCESS,
    }
    return make_notices(Visits(**(fields | changes)), told.outcome(), standing_of(told))


def data_of(told: Told, paper: str, **changes: Any) -> tuple[str, dict[str, Any]]:
    """Return the template and the data of a story's record, slips or notices."""
    if paper == "record":
        return "record.typ", record_data(record_of(told, **changes), LANGUAGES)
    if paper == "slips":
        sheets = [sheet_of(told, slip_of(told, no), **changes) for no in drawn_and_not(told)]
        return "slips.typ", slips_data(sheets, LANGUAGES, name="fund-1")
    return "notices.typ", notices_data(notices_of(told, **changes), LANGUAGES, name="fund-1")


def pressed(told: Told, paper: str, *, fonts: tuple[Path, ...] = (), **changes: Any) -> bytes:
    """Return a paper of a story as PDF."""
    template, data = data_of(told, paper, **changes)
    return Press(fonts).set(template, data, time=TIME)


def notice_to(told: Told, name: str, *, fonts: tuple[Path, ...] = ()) -> bytes:
    """Return the notice to the first drawn object of a story, which has this name."""
    no = drawn_and_not(told)[0]
    notices = [one for one in notices_of(told, {no: {"name": name}}) if one.no == no]
    return Press(fonts).set("notices.typ", notices_data(notices, LANGUAGES, name="fund-1"), time=TIME)


def text_of(pdf: bytes) -> str:
    """Return the text of a PDF, without the white space that lines and columns make."""
    from pypdf import PdfReader

    return "".join("".join((page.extract_text() or "").split()) for page in PdfReader(BytesIO(pdf)).pages)


def pictures_of(pdf: bytes, dpi: int, folder: Path) -> list[Image.Image]:
    """Return a picture of each page."""
    path = folder / "paper.pdf"
    path.write_bytes(pdf)
    stem = folder / f"page-{dpi}"
    told = subprocess.run(
        [str(printing.PICTURES), "-r", str(dpi), "-gray", "-png", str(path), str(stem)],
        capture_output=True, timeout=printing.PATIENCE, check=True,
    )  # fmt: skip
    assert b"Syntax Error (" not in told.stderr
    return [Image.open(BytesIO(one.read_bytes())) for one in sorted(folder.glob(f"{stem.name}-*.png"))]
