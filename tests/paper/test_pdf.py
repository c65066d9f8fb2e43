"""Papers as PDF: the same bytes everywhere, PDF/A-2b, every code read back, no character that is not drawn."""

import os
import re
import subprocess
import sys
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest

from fairdraw import slipcode
from fairdraw.bundle import read_file
from fairdraw.errors import WorkspaceError
from fairdraw.render.sheet import seats
from fairdraw.verify import verify_slip
from fairdraw_cli.pdf import Press
from support import printing
from support.pressed import (
    NEEDS_PICTURES,
    NEEDS_PRESS,
    TIME,
    data_of,
    notice_to,
    notices_of,
    pictures_of,
    pressed,
    text_of,
)
from support.records import record_of
from support.regulations import FIVE
from support.slips import LANGUAGES, drawn_and_not, sheet_of, slip_of
from support.story import Told, tell, trust

pytestmark = NEEDS_PRESS
PAPERS = pytest.mark.parametrize("paper", ["record", "slips", "notices"])
DPI = pytest.mark.parametrize("dpi", [100, 150, 200])
TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def told() -> Told:
    return tell()


@pytest.fixture(scope="module")
def made(told) -> dict[str, bytes]:
    return {paper: pressed(told, paper) for paper in ("record", "slips", "notices")}


# -- the same bytes -------------------------------------------------------------------------------------------------

AGAIN = """
import sys
sys.path[:0] = sys.argv[1:]
from hashlib import sha256
from support.pressed import pressed
from support.story import tell
print(*(sha256(pressed(tell(), paper)).hexdigest() for paper in ("record", "slips", "notices")))
"""


def test_the_same_draw_gives_the_same_bytes_in_another_process_folder_time_zone_and_language(made, tmp_path):
    elsewhere = {
        "TZ": "Asia/Shanghai", "LC_ALL": "zh_CN.UTF-8", "LANG": "zh_CN.UTF-8", "PYTHONHASHSEED": "7",
        "HOME": str(tmp_path), "USER": "somebody", "HOSTNAME": "elsewhere", "SOURCE_DATE_EPOCH": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", AGAIN, str(TESTS), str(TESTS.parent)],
        cwd=tmp_path, env={"PATH": os.environ["PATH"], **elsewhere}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == [sha256(pdf).hexdigest() for pdf in made.values()]


def test_another_draw_time_or_result_gives_other_bytes(told, made):
    template, data = data_of(told, "record")
    assert Press().set(template, data, time=TIME) == made["record"]
    assert Press().set(template, data, time=TIME + 1) != made["record"]
    data["papers"][0]["fingerprint"] = "0000 0000 0000 0000 0000"
    assert Press().set(template, data, time=TIME) != made["record"]


@PAPERS
def test_a_file_says_nothing_of_the_computer_that_made_it(made, paper):
    from pypdf import PdfReader

    for trace in (str(Path.home()), str(TESTS.parent), "site-packages", "/tmp/"):  # noqa: S108 - what must not be in the file
        assert trace.encode() not in made[paper]
    reader = PdfReader(BytesIO(made[paper]))
    words = re.split(r"[^0-9A-Za-z]+", f"{reader.trailer['/Root']['/Metadata'].get_data().decode()} {reader.metadata}")
    assert not {os.uname().nodename, os.environ.get("USER", "root")} & set(words)


# -- PDF/A-2b -------------------------------------------------------------------------------------------------------


def objects_in(pdf: bytes):
    from pypdf import PdfReader
    from pypdf.generic import IndirectObject

    reader = PdfReader(BytesIO(pdf))
    for number in sorted({*reader.xref[0], *reader.xref_objStm}):
        found = reader.get_object(IndirectObject(number, 0, reader))
        if isinstance(found, dict):
            yield found


@PAPERS
def test_a_file_is_pdf_a_2b_with_all_fonts_in_it_and_nothing_that_runs(made, paper):
    from pypdf import PdfReader

    reader = PdfReader(BytesIO(made[paper]))
    root = reader.trailer["/Root"]
    xmp = root["/Metadata"].get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in xmp
    assert "<pdfaid:conformance>B</pdfaid:conformance>" in xmp
    assert root["/OutputIntents"][0]["/DestOutputProfile"].get_data()[36:40] == b"acsp"
    assert not reader.is_encrypted
    assert not {"/OpenAction", "/AA", "/AcroForm"} & set(root)
    objects = list(objects_in(made[paper]))
    fonts = [one for one in objects if one.get("/Type") == "/FontDescriptor"]
    assert len(fonts) >= 3
    assert all({"/FontFile2", "/FontFile3"} & set(font) for font in fonts)
    for one in objects:
        assert not {"/JS", "/JavaScript", "/URI", "/Launch", "/EmbeddedFile"} & {one.get("/S"), *one}
        assert one.get("/Interpolate") is not True  # a code must not be smoothed


def test_the_language_the_title_and_the_time_are_the_draws(told, made):
    from pypdf import PdfReader

    reader = PdfReader(BytesIO(made["record"]))
    assert reader.metadata["/Title"] == f"双随机抽取记录 {record_of(told).fingerprint}"
    assert reader.metadata["/CreationDate"].startswith("D:20260907")
    assert reader.trailer["/Root"]["/Lang"].lower() == "zh-cn"


# -- what is on it --------------------------------------------------------------------------------------------------


def test_a_record_on_paper_shows_all_that_its_page_shows(told, made):
    text, sheet = text_of(made["record"]), record_of(told)
    for section in sheet.sections:
        for words in LANGUAGES:
            assert "".join(words.say("sheet", section.code).split()) in text
        for row in section.rows:
            for cell in row:
                if isinstance(cell, str):
                    assert "".join(cell.split()) in text
    for command in section.commands:
        assert "".join(command.line.split()) in text
    assert text.count(sheet.fingerprint.replace(" ", "")) >= 2 + len(pages(made["record"]))


def pages(pdf: bytes):
    from pypdf import PdfReader

    return PdfReader(BytesIO(pdf)).pages


@PAPERS
def test_every_page_has_the_fingerprint_and_says_how_many_there_are(told, made, paper):
    sides = pages(made[paper])
    for page in sides:
        text = "".join(page.extract_text().split())
        if text:  # the empty side of a leaf
            assert record_of(told).fingerprint.replace(" ", "") in text
            assert "页，共" in text


def test_a_rehearsal_says_so_in_red_and_across_every_page(told, made):
    for page in pages(made["record"]):
        assert "演" in page.extract_text()
        assert "练" in page.extract_text()
    assert "不具效力" in text_of(made["record"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shandong-2020", ("people-congress", "cppcc", "discipline", "social", "other", "inspecting-unit", "bureau")),
        ("shuozhou-2023", ("congress", "cppcc", "discipline", "social", "legal", "other", "inspecting-unit", "bureau")),
        ("laiyuan", ("legal", "other", "inspecting-unit", "bureau")),
        ("shanghai-2024", ("department", "other", "inspecting-unit", "bureau")),
    ],
)
def test_a_record_has_a_seat_for_everybody_whom_the_regulation_invites(told, name, expected):
    assert seats(FIVE[name]) == expected
    template, data = data_of(told, "record", regulation=FIVE[name])
    text = text_of(Press().set(template, data, time=TIME))
    for role in expected:
        assert LANGUAGES[0].say("role", role) in text


# -- codes ----------------------------------------------------------------------------------------------------------


@DPI
@NEEDS_PICTURES
def test_the_code_of_a_record_is_read_back_and_no_other_page_has_one(told, made, dpi, tmp_path):
    first, *others = pictures_of(made["record"], dpi, tmp_path)
    assert printing.codes(first) == [record_of(told).link]
    assert [code for one in others for code in printing.codes(one)] == []


@DPI
@NEEDS_PICTURES
def test_a_slip_is_read_back_from_the_two_sides_of_its_sheet(told, made, dpi, tmp_path):
    sides = pictures_of(made["slips"], dpi, tmp_path)
    assert len(sides) == 4
    for no, front, back in zip(drawn_and_not(told), sides[::2], sides[1::2], strict=True):
        sheet = sheet_of(told, slip_of(told, no))
        assert printing.codes(front) == [sheet.link]
        data = slipcode.decode(slipcode.parts_in("\n".join(printing.codes(back))))
        assert data == sheet.codes
        assert verify_slip(read_file(data), trust(told.story), as_of=told.story.now).verdict == "holds"


@DPI
@NEEDS_PICTURES
def test_a_notice_leads_to_the_slip_of_its_object(told, made, dpi, tmp_path):
    read = [code for side in pictures_of(made["notices"], dpi, tmp_path) for code in printing.codes(side)]
    assert read == [notice.link for notice in notices_of(told)]
    assert all(notice.no in notice.link for notice in notices_of(told))


# -- characters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["㙍村卫生室", "𬭎", "É诊所ü x̌", "龙" * 40, "·—…（）㎡①Ⅷ", "M" * 200])
def test_a_name_whose_characters_the_fonts_have_is_printed_whole(told, name):
    assert "".join(name.split()).replace("x̌", "x") in text_of(notice_to(told, name)).replace("x̌", "x")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("𠮷野医院", "U+20BB7"),
        ("私\ue000用", "U+E000"),
        ("药😀店", "U+1F600"),
        ("葛\U000e0100", "U+E0100"),
        ("a\u0f18", "U+0F18"),
    ],
)
def test_a_character_that_no_font_has_is_an_error_that_says_where_it_stands(told, name, code):
    with pytest.raises(WorkspaceError) as raised:
        notice_to(told, name)
    assert raised.value.code == "glyph-missing"
    assert raised.value.params["code"] == code
    assert drawn_and_not(told)[0] in str(raised.value.params["where"])
    assert name in str(raised.value.params["text"])


def test_a_further_font_gives_the_character_and_other_bytes_and_is_told_by_its_digest(told):
    font = Path("/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc")
    if not font.exists():
        pytest.skip("fonts-noto-cjk are not installed: no further font to try")
    pdf = notice_to(told, "𠮷野医院", fonts=(font,))
    assert "𠮷野医院" in text_of(pdf)
    assert Press((font,)).digests == {str(font): sha256(font.read_bytes()).hexdigest()}


def test_a_file_that_is_no_font_is_refused(told, tmp_path):
    for data in (b"", b"no font", b"\x00\x01\x00\x00\xff\xff" + b"\xff" * 40):
        (tmp_path / "x.otf").write_bytes(data)
        with pytest.raises(WorkspaceError, match="font-unreadable"):
            notice_to(told, "医院", fonts=(tmp_path / "x.otf",))


def test_every_sentence_that_may_be_printed_has_its_glyphs():
    press = Press()
    for words in LANGUAGES:
        for section in ("sheet", "paper", "notice", "role", "finding", "word"):
            press.check({"title": section, **words.sections[section]})


# -- layout ---------------------------------------------------------------------------------------------------------


@NEEDS_PICTURES
@pytest.mark.parametrize("number", ["X" * 40, "1234567890" * 4, "a:b.c-d_e" * 4])
def test_the_longest_number_and_name_stay_inside_the_margins(told, number, tmp_path):
    template, data = data_of(told, "record")
    for section in data["papers"][0]["sections"]:
        for row in section["rows"]:
            for cell in row["cells"]:
                cell.clear()
                cell["text"] = number
    notices = notice_to(told, number * 5)
    for page in pictures_of(Press().set(template, data, time=TIME), 50, tmp_path) + pictures_of(notices, 50, tmp_path):
        right = page.crop((round(page.width * (1 - 15 / 210)), 0, page.width, page.height))
        assert right.convert("L").getextrema() == (255, 255)


@pytest.mark.parametrize("length", [1, 7, 8, 11])
def test_a_short_number_has_room_beside_the_longest_columns(length):
    """What is shorter than twelve characters is never broken, so that its column must be wide enough."""
    from fairdraw.render.paper import _widths

    cells = [{"text": text} for text in ("500", "1" * length, "x " * 90, "y " * 90, "a" * 16, "60", "z " * 90)]
    widths = _widths([["次序"]] * len(cells), [cells])
    millimetres = [width / sum(widths) * 164 - 2 * 1.6 for width in widths]
    digit = 8.4 * 0.53 * 25.4 / 72  # of Noto Serif SC at the size of a record's tables
    assert millimetres[1] >= length * digit
    assert millimetres[4] >= 16 * digit
