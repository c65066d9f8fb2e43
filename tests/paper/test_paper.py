"""Records and slips as a browser prints them: every code is read back from the sheet, also from a poor copy of it."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from fairdraw import slipcode
from fairdraw.bundle import read_file
from fairdraw.render.page import record_html
from fairdraw.render.slipsheet import SlipSheet
from fairdraw.statement import Entry
from fairdraw.verify import verify_slip
from support import printing
from support.records import ACCESS, record_of
from support.slips import LANGUAGES, PAPER, SITE, drawn_and_not, page_of, released, sheet_of, slip_of
from support.story import BUREAU, Told, tell, trust

pytestmark = pytest.mark.skipif(not printing.AVAILABLE, reason=printing.MISSING)
DPI = pytest.mark.parametrize("dpi", [100, 200])


@pytest.fixture(scope="module")
def told() -> Told:
    return tell()


@pytest.fixture(scope="module")
def releases(told) -> tuple[Entry, ...]:
    """Return what bureau, witness and supervisor vouch for: a reader compares with all of them."""
    return tuple(released(told, by=by) for by in (BUREAU, *list(told.story.people)[:2]))


@pytest.fixture(scope="module", params=["drawn", "undrawn", "own", "inspector", "without a site"])
def printed(request, told, releases, tmp_path_factory) -> tuple[SlipSheet, Path]:
    """Return a slip of each kind, and its PDF."""
    drawn, undrawn = drawn_and_not(told)
    if request.param == "inspector":
        busy = next(iter(told.outcome().assignment.teams.values()))[0][1]
        slip = slip_of(told, busy, role="inspectors")
    else:
        slip = slip_of(told, undrawn if request.param == "undrawn" else drawn, own=request.param == "own")
    site = None if request.param == "without a site" else SITE
    sheet = sheet_of(told, slip, site=site, releases=releases)
    return sheet, printing.print_page(page_of(sheet), tmp_path_factory.mktemp("slip"))


@DPI
def test_every_code_of_a_slip_is_read_back_from_the_sheet_and_the_file_comes_out_whole(printed, told, dpi):
    sheet, pdf = printed
    front, back = printing.sheets(pdf, dpi)
    assert printing.codes(front) == [sheet.link]
    links = printing.codes(back)
    assert all(link.startswith(f"{sheet.verifier}#z=") for link in links)
    data = slipcode.decode(slipcode.parts_in("\n".join(links)))
    assert data == sheet.codes
    assert verify_slip(read_file(data), trust(told.story), as_of=told.story.now).verdict == "holds"


@pytest.mark.parametrize("site", [None, SITE])
def test_the_code_of_a_record_is_read_back_from_its_first_sheet(told, site, tmp_path):
    sheet = record_of(told, access=replace(ACCESS, site=site))
    pdf = printing.print_page(record_html(sheet, PAPER, LANGUAGES), tmp_path)
    for dpi in (100, 200):
        first, *others = printing.sheets(pdf, dpi)
        assert printing.codes(first) == [sheet.link]
        assert [code for one in others for code in printing.codes(one)] == []


def test_a_slip_is_two_sides_of_one_sheet_of_a4(printed):
    _, pdf = printed
    inches = [(round(side.width / 100, 1), round(side.height / 100, 1)) for side in printing.sheets(pdf, 100)]
    assert inches == [(8.3, 11.7)] * 2


def test_the_codes_are_read_from_a_photograph_taken_askew(told, tmp_path):
    sheet = sheet_of(told, slip_of(told, drawn_and_not(told)[0], own=True))
    pictures = printing.sheets(printing.print_page(page_of(sheet), tmp_path), 200)
    front, back = (photographed(picture) for picture in pictures)
    assert printing.codes(front) == [sheet.link]
    assert slipcode.decode(slipcode.parts_in("\n".join(printing.codes(back)))) == sheet.codes


def photographed(picture: Image.Image) -> Image.Image:
    """Return a sheet held askew, a little out of focus, and saved by a telephone."""
    askew = picture.convert("L").rotate(7, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)
    out = io.BytesIO()
    askew.filter(ImageFilter.GaussianBlur(0.8)).save(out, "JPEG", quality=40)
    return Image.open(out)


def test_slips_for_posting_each_begin_on_a_sheet_of_their_own(told, tmp_path):
    sheets = [sheet_of(told, slip_of(told, one.no)) for one in told.outcome().selection.drawn[:3]]
    sides = printing.sheets(printing.print_page(page_of(*sheets), tmp_path), 100)
    assert len(sides) == 6
    for sheet, front, back in zip(sheets, sides[::2], sides[1::2], strict=True):
        assert printing.codes(front) == [sheet.link]
        assert slipcode.decode(slipcode.parts_in("\n".join(printing.codes(back)))) == sheet.codes
