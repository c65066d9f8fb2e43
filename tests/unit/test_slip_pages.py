"""Slips on paper: the page says what the slip says, in both languages, and nothing that may not be known yet."""

import re
import subprocess
from base64 import b64decode
from dataclasses import replace
from functools import cache
from hashlib import sha256
from html import unescape
from pathlib import Path

import pytest

from fairdraw.bundle import Slip
from fairdraw.encoding import from_base64, to_base64
from fairdraw.exclusion import YEARLY_CAP, Exclusion, format_exclusions
from fairdraw.render import slipsheet
from fairdraw.render.page import MAX_CODES, MODULE, code_svgs
from fairdraw.schema import Announcement, Until
from support.slips import LANGUAGES, PAPER, SITE, drawn_and_not, page_of, sheet_of, slip_of
from support.story import SEALED_UNTIL, SLOT, Told, begin, rule, sealed, tell

ZH, EN = LANGUAGES
BOTH = pytest.mark.parametrize("words", LANGUAGES, ids=["zh", "en"])


@cache
def honest() -> Told:
    return tell()


def drawn_slip() -> Slip:
    return slip_of(honest(), drawn_and_not(honest())[0])


def shown(page: str) -> str:
    """Return what a page shows, without tags and styles."""
    text = re.sub(r"<style>.*?</style>|<title>.*?</title>", "", page, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", "", text))


def without_codes(page: str) -> str:
    return re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)


@BOTH
def test_a_drawn_object_reads_that_it_was_drawn_with_ticket_cutoff_and_team(words):
    told, slip = honest(), drawn_slip()
    sheet = sheet_of(told, slip)
    text = shown(page_of(sheet))
    assert words.say("paper", "drawn", no=slip.no) in text
    assert words.say("paper", "not-drawn", no=slip.no) not in text
    [one] = [one for one in told.outcome().selection.drawn if one.no == slip.no]
    cutoff = told.outcome().selection.cutoffs[one.strata[0]]
    for value in (slip.no, one.ticket.hex(), cutoff.hex(), sheet.text_hash, sheet.fingerprint, sheet.bureau):
        assert value in text
    for _, inspector in told.outcome().assignment.teams[slip.no]:
        assert inspector in text
    assert words.say("paper", "not-above") in text


@BOTH
def test_an_undrawn_object_reads_that_it_was_not_with_ticket_and_cutoff(words):
    slip = slip_of(honest(), drawn_and_not(honest())[1])
    text = shown(page_of(sheet_of(honest(), slip)))
    assert words.say("paper", "not-drawn", no=slip.no) in text
    assert words.say("paper", "above") in text
    assert words.say("paper", "not-above") not in text


@BOTH
def test_an_inspector_reads_for_which_objects(words):
    told = honest()
    busy = next(iter(next(iter(told.outcome().assignment.teams.values()))))[1]
    objects = {no for no, team in told.outcome().assignment.teams.items() if busy in {who for _, who in team}}
    text = shown(page_of(sheet_of(told, slip_of(told, busy, role="inspectors"))))
    assert words.say("paper", "sent", no=busy, count=len(objects)) in text
    assert all(no in text for no in objects)
    # A slip cannot show that there are no further teams (specs/slip.md §4).
    assert words.say("paper", "not-all-teams") in text
    assert words.say("paper", "not-the-cutoff") not in text


@BOTH
def test_an_inspector_who_was_not_drawn_reads_so_and_gets_no_ticket_line(words):
    told = tell(plan={"ratio": "1/60"})
    busy = {who for team in told.outcome().assignment.teams.values() for _, who in team}
    idle = next(row.no for row in told.inspectors[1].rows if row.no not in busy)
    sheet = sheet_of(told, slip_of(told, idle, role="inspectors"))
    assert words.say("paper", "not-sent", no=idle) in shown(page_of(sheet))
    assert [c.code for s in sheet.sections for c in s.commands] == ["by-hand-pulse", "by-hand-key"]


@BOTH
def test_whoever_is_out_of_scope_or_excluded_reads_that_and_not_that_luck_decided(words):
    told = tell(plan={"rules": (rule(SLOT, filter='type = "hospital"'),), "slots": (SLOT,)})
    outside = shown(page_of(sheet_of(told, slip_of(told, "H-000001"))))
    assert words.say("paper", "of-no-stratum", no="H-000001") in outside
    excluded = format_exclusions([Exclusion(None, "H-000000", YEARLY_CAP)])
    slip = slip_of(told, "H-000000").model_copy(update={"exclusions": to_base64(excluded), "teams": ()})
    listed = shown(page_of(sheet_of(told, slip)))
    assert words.say("paper", "passed-over", no="H-000000") in listed
    assert words.say("paper", "excluded") in listed
    assert words.say("paper", "not-above") not in listed


def test_where_nothing_is_drawn_no_ticket_is_compared():
    told = honest()
    slip = slip_of(told, drawn_and_not(told)[1])
    bent = slip.model_copy(
        update={"strata": tuple(path.model_copy(update={"line": _without_cutoff(path.line)}) for path in slip.strata)}
    )
    text = shown(page_of(sheet_of(told, bent)))
    assert ZH.say("paper", "none-drawn") in text
    assert ZH.say("paper", "above") not in text


def _without_cutoff(line: str) -> str:
    return to_base64(re.sub(rb'"cutoff":"[0-9a-f]{64}"', b'"cutoff":null', from_base64(line)))


@pytest.mark.parametrize("role", ["objects", "inspectors"])
def test_the_lines_of_a_slip_work_when_they_are_pasted_into_a_shell(role):
    told = honest()
    team = next(iter(told.outcome().assignment.teams.values()))
    no = drawn_slip().no if role == "objects" else team[0][1]
    page = unescape(page_of(sheet_of(told, slip_of(told, no, role=role))))
    lines = re.findall(r"<pre>(.*?)</pre>\n<p class=\"prints\">.*?<code>([0-9a-f]{64})</code>", page, re.DOTALL)
    assert len(lines) == 3
    for line, prints in lines:
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
        assert (done.stdout.split()[0], done.stderr) == (prints, "")
    assert ZH.say("paper", "by-hand") in page
    assert EN.say("paper", "by-hand") in page


def test_the_small_code_is_the_link_with_hash_and_number_behind_the_sign_that_no_server_sees():
    told, slip = honest(), drawn_slip()
    sheet = sheet_of(told, slip)
    assert sheet.link == f"{SITE}/d/{told.announcement.index}/#{slip.draw}.{slip.no}"
    assert sheet_of(told, slip, site=None).link == f"fairdraw:{slip.log}#{slip.draw}.{slip.no}"


def test_the_large_codes_are_the_whole_file_and_nothing_else():
    slip = drawn_slip()
    for site in (SITE, None):
        sheet = sheet_of(honest(), slip, site=site)
        assert sheet.codes == slip.format()
        assert sheet.verifier == ("fairdraw:log.example.cn/jinan/rehearsal" if site is None else f"{SITE}/verify.html")
        codes = code_svgs(sheet)
        assert 1 < len(codes) <= MAX_CODES
        for code in codes:
            [(width, box)] = re.findall(r'width="([0-9.]+)mm" height="[0-9.]+mm" viewBox="0 0 ([0-9.]+) ', code)
            modules = round(float(box) / MODULE)
            assert float(width) / modules >= 0.4
            assert modules - 8 <= 125


def test_a_slip_that_does_not_fit_on_a_page_of_codes_says_so_and_names_its_file():
    noise = to_base64(b"".join(sha256(bytes([at])).digest() for at in range(255)))
    large = drawn_slip().model_copy(update={"exclusions": noise})
    sheet = replace(sheet_of(honest(), drawn_slip()), codes=large.format())
    assert code_svgs(sheet) == []
    text = shown(page_of(sheet))
    for words in LANGUAGES:
        assert words.say("paper", "codes-none", file=sheet.file) in text
        assert words.say("paper", "codes-whole", file=sheet.file) not in text


@BOTH
def test_an_owners_copy_shows_the_owners_fields_and_says_that_it_must_not_be_posted(words):
    told, no = honest(), drawn_slip().no
    row = next(row for row in told.objects[1].rows if row.no == no)
    own, public = (page_of(sheet_of(told, slip_of(told, no, own=own))) for own in (True, False))
    for value in row.private:
        assert value in shown(own)
        assert value not in public
    assert words.say("paper", "own") in shown(own)
    assert words.say("paper", "own") not in public
    file = f"fund-1.{no}.slip.fairdraw.json"
    assert words.say("paper", "codes-own", file=file) in shown(own)
    assert words.say("paper", "codes-whole", file=file) in shown(public)


@BOTH
def test_while_a_draw_is_sealed_its_slip_shows_nothing_of_the_result(words):
    told = begin(before=sealed()).go_on()
    until = told.announcement.of(Announcement).disclosure
    assert isinstance(until, Until)
    drawn, undrawn = drawn_and_not(told)
    pages = {}
    for no in (drawn, undrawn):
        slip = slip_of(told, no, own=True)
        sheet = sheet_of(told, slip, sealed=until)
        assert sheet.codes is None
        pages[no] = page_of(sheet)
        text = shown(pages[no])
        assert words.say("paper", "sealed", no=no, date=SEALED_UNTIL) in text
        known = [told.key().hex(), told.embargo.hex(), *(from_base64(p.line).decode() for p in slip.strata)]
        assert not [value for value in known if value in pages[no]]
        assert not re.search(r"I-[0-9]{4}", text)
        assert "<pre>" not in pages[no]
    # Whether a number was drawn cannot be seen from the form of its page either.
    bare = {without_codes(page).replace(no, "NO") for no, page in pages.items()}
    private = [v for no in pages for v in next(r for r in told.objects[1].rows if r.no == no).private]
    for value in private:
        bare = {page.replace(value, "PRIVATE") for page in bare}
    assert len(bare) == 1


def test_slips_together_begin_on_new_sheets_and_each_is_the_one_alone():
    told = honest()
    sheets = [sheet_of(told, slip_of(told, one.no)) for one in told.outcome().selection.drawn]
    page = page_of(*sheets)
    assert page.count("<article>") == len(sheets)
    for sheet in sheets:
        article = page_of(sheet).partition("<article>")[2].partition("</article>")[0]
        assert article in page
    assert "break-after: page" in PAPER["paper.css"]


HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_an_owners_field_is_shown_and_never_becomes_markup(hostile):
    slip = slip_of(honest(), "H-000001", own=True)
    bent = slip.model_copy(update={"own": tuple(one.model_copy(update={"value": hostile}) for one in slip.own)})
    plain, page = (without_codes(page_of(sheet_of(honest(), one))) for one in (slip, bent))
    assert re.findall(r"<[^>]+>", page) == re.findall(r"<[^>]+>", plain)
    assert hostile in unescape(page)


def test_a_page_of_slips_fetches_nothing_runs_nothing_and_lets_in_only_its_own_style():
    page = page_of(sheet_of(honest(), drawn_slip()))
    tags = re.findall(r"<([a-z0-9]+)([^>]*)>", re.sub(r"<style>.*?</style>", "<style></style>", page, flags=re.DOTALL))
    assert not {name for name, _ in tags} & {"script", "link", "img", "iframe", "object", "embed", "form", "a", "base"}
    assert not [tag for tag in tags if re.search(r"\s(on[a-z]+|style|src|href)=", tag[1])]
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    style = page.partition("<style>")[2].partition("</style>")[0]
    [hashed] = re.findall(r"sha256-([A-Za-z0-9+/=]+)'", policy)
    assert b64decode(hashed) == sha256(style.encode()).digest()


def test_equal_slips_give_equal_bytes():
    one, other = (page_of(sheet_of(tell(), slip_of(tell(), "H-000001"))) for _ in range(2))
    assert one == other


def test_no_sentence_of_a_slip_is_missing_or_idle():
    template = PAPER["slip.html"]
    used = set(re.findall(r'"paper", "([a-z-]+)"', template)) | set(re.findall(r'"(codes-[a-z]+)"', template))
    source = (Path(slipsheet.__file__)).read_text("utf-8")
    for words in LANGUAGES:
        sentences = set(words.sections["paper"])
        assert used <= sentences
        assert {code for code in sentences - used if f'"{code}"' not in source} == set()
    labels = {code for s in sheet_of(honest(), drawn_slip()).sections for code in (s.code, *s.header)}
    assert all(words.has("sheet", code) for words in LANGUAGES for code in labels)
