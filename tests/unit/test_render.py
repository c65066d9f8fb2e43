"""Reports and records: the verdict first, nothing false shown as true, the same sheet in every form."""

import re
import subprocess
from base64 import b64decode
from dataclasses import replace
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser

import pytest
import segno
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fairdraw.messages import Catalogue
from fairdraw.record import Record
from fairdraw.render import fingerprint, record_text, report_text
from fairdraw.render.columns import cells, indented, pad, table, wrap
from fairdraw.render.page import qr_svg, record_html
from fairdraw.schema import AtOnce
from fairdraw.verify.report import CODES, Check, Finding, Report
from support import story
from support.records import ACCESS, cosigners, due, record_of
from support.slips import LANGUAGES as WORDS
from support.slips import PAPER, material_of
from support.story import Told, begin, tell

ZH, EN = WORDS
LANGUAGES = pytest.mark.parametrize("words", [ZH, EN], ids=["zh", "en"])


PLAN = {"team": story.team(cap=4, department="department", quota=(("wjw", 1), ("ybj", 1)))}


@cache
def honest() -> Told:
    return tell(plan=PLAN)


def first_line(report: Report, words: Catalogue) -> str:
    return report_text(report, words, width=200).splitlines()[0]


def altered(record: Record) -> Record:
    """Put another object in place of the first drawn one, everywhere in the published list."""
    ours = honest().outcome().selection.drawn[0].no
    artifact = record.artifact.replace(ours.encode(), b"H-999999")
    return replace(record, artifact=artifact)


# -- reports --------------------------------------------------------------------------------------------------------


@LANGUAGES
def test_a_report_begins_with_its_verdict_and_says_rehearsal_and_as_of_in_that_line(words: Catalogue) -> None:
    report = honest().report(as_of_given=True)
    line = first_line(report, words)
    assert line.startswith("✔ ")
    assert "演练" in line
    assert "2026-09-07T11:04:05Z" in line
    assert "演练" not in first_line(replace(report, rehearsal=False), words)
    assert "2026" not in first_line(replace(report, as_of_given=False), words)


@LANGUAGES
def test_every_check_stands_in_the_report_with_its_title_and_the_trust_file_is_named(words: Catalogue) -> None:
    report = honest().report()
    text = report_text(report, words)
    titles = [words.check(code, "holds").title for code in CODES]
    at = [re.search(rf"^ ✔ {re.escape(title)} ", text, re.MULTILINE) for title in titles]
    starts = [found.start() for found in at if found]
    assert len(starts) == len(CODES)
    assert starts == sorted(starts)
    assert report.trust in text
    assert report.subject in text


@LANGUAGES
def test_no_line_of_a_report_is_wider_than_asked_but_for_what_cannot_be_broken(words: Catalogue) -> None:
    for width in (60, 80, 120):
        for line in report_text(honest().report(), words, width=width).splitlines():
            assert cells(line) <= width or re.search(r"[0-9a-f]{64}$", line)


@LANGUAGES
def test_a_bundle_alone_says_in_its_second_line_that_another_draw_was_not_looked_for(words: Catalogue) -> None:
    lines = report_text(honest().report(log=None, bundle_only=True), words).splitlines()
    assert lines[1] == words.say("verdict", "bundle-only")
    assert lines[1] not in report_text(honest().report(log=None), words)
    assert lines[1] not in report_text(honest().report(), words)


@LANGUAGES
def test_a_missing_log_is_no_success_and_the_report_says_which_option_answers_it(words: Catalogue) -> None:
    text = report_text(honest().report(log=None), words)
    assert text.startswith("? ")
    assert "--log" in text


@LANGUAGES
def test_a_false_result_is_never_shown_as_if_it_held(words: Catalogue) -> None:
    told = begin(plan=PLAN).go_on(bend=altered)
    report = told.report()
    text = report_text(report, words)
    assert report.failed
    assert text.startswith("✘ ")
    before, marker, after = text.partition(words.say("verdict", "not-proven")[:20])
    assert marker
    assert "H-" not in before
    for code in report.failed:
        assert words.check(code, "fails").title in after
        assert words.check(code, "holds").says not in text
    assert words.say("verdict", "recomputed-same") not in text
    for match in re.finditer("H-999999", text):
        # The published number appears where it is called wrong, and nowhere else.
        line = text[: match.start()].splitlines()[-1]
        assert not re.match(r"   H-", line)


@LANGUAGES
def test_a_check_that_waits_for_a_failed_one_is_neither_ticked_nor_crossed(words: Catalogue) -> None:
    report = replace(
        honest().report(),
        checks=(Check("pulse", "fails", "another-round"), Check("selection", "unknown", "depends", "pulse")),
    )
    text = report_text(report, words)
    title, other = (words.check(code, "holds").title for code in ("selection", "pulse"))
    [line] = [line for line in text.splitlines() if line.startswith(f" – {title} ")]
    assert words.say("word", "depends", check=other)[:12] in line
    assert not re.search(rf"[✔✘?] {re.escape(title)} ", text)


@LANGUAGES
def test_what_the_verifier_drew_is_labelled_as_its_own_unless_it_equals_what_was_published(words: Catalogue) -> None:
    report = honest().report()
    own, same = words.say("verdict", "recomputed")[-15:], words.say("verdict", "recomputed-same")[-15:]
    assert same in report_text(report, words, width=200)
    checks = tuple(
        replace(c, state="fails", reason="record-differs") if c.code == "record-matches" else c for c in report.checks
    )
    text = report_text(replace(report, checks=checks), words, width=200)
    assert own in text
    assert same not in text


@LANGUAGES
def test_a_long_result_is_cut_and_says_how_much_is_left(words: Catalogue) -> None:
    drawn = tuple((f"H-{i:06d}", ("I-0001",)) for i in range(45))
    text = report_text(replace(honest().report(), drawn=drawn), words)
    assert "H-000019" in text
    assert "H-000020" not in text
    assert words.say("verdict", "more", count=25) in text


@LANGUAGES
def test_a_sealed_draw_says_that_existence_and_time_hold_and_until_when(words: Catalogue) -> None:
    told = begin(before=story.sealed())
    report = told.go_on().report()
    assert report.verdict == "unknown"
    assert words.say("verdict", "sealed", date=story.SEALED_UNTIL) in first_line(report, words)
    # With the log missing too, more is open than the seal.
    assert words.say("verdict", "sealed", date=story.SEALED_UNTIL) not in first_line(told.report(log=None), words)


@LANGUAGES
def test_a_slip_is_consistent_with_the_published_result_and_never_a_correct_draw(words: Catalogue) -> None:
    time = story.START
    checks = (
        Check("witness-quorum", "holds", evidence={"time": time}),
        Check("selection", "holds", evidence={"drawn": True}),
        Check("later-acts", "holds"),
    )
    report = replace(honest().report(), kind="slip", checks=checks, drawn=(), as_of=time + 60)
    text = report_text(report, words, width=200)
    lines = text.splitlines()
    assert words.say("verdict", "slip-holds") in lines[0]
    assert words.say("verdict", "holds") not in text
    assert lines[1] == words.say("verdict", "later-acts", time="2026-09-07T10:01:00Z")
    assert words.say("verdict", "slip-limit") in text
    unasked = replace(report, checks=(*checks[:2], Check("later-acts", "not-asked")))
    second = report_text(unasked, words, width=200).splitlines()[1]
    assert second == words.say("verdict", "later-acts-not", time="2026-09-07T10:00:00Z")


@LANGUAGES
def test_findings_stand_beside_the_checks(words: Catalogue) -> None:
    finding = Finding("forced-team", {"object": "H-000001", "eligible": 3})
    text = report_text(replace(honest().report(), findings=(finding,)), words, width=200)
    assert " ! " + words.say("finding", "forced-team", object="H-000001", eligible=3) in text


@LANGUAGES
def test_a_stranger_s_value_cannot_repaint_the_report(words: Catalogue) -> None:
    hostile = Check("trust", "fails", "unknown-log", evidence={"found": "\x1b[2J\r✔ 核验通过\u202e\nok"})
    report = replace(honest().report(), checks=(hostile,), findings=())
    text = report_text(report, words, width=200)
    assert "\x1b" not in text
    assert "\r" not in text
    assert "\u202e" not in text
    assert not any(line.startswith("✔") or line == "ok" for line in text.splitlines())


# -- fingerprint ----------------------------------------------------------------------------------------------------


def test_a_fingerprint_is_the_first_twenty_of_seventy_eight_decimal_digits() -> None:
    assert fingerprint("00" * 32) == "0000 0000 0000 0000 0000"
    # 2^256 - 1 = 115792089237316195423570985008687907853269984665640564039457584007913129639935
    assert fingerprint("ff" * 32) == "1157 9208 9237 3161 9542"
    assert fingerprint(f"{1 << 192:064x}") == "0000 0000 0000 0000 0000"
    assert fingerprint("80" + "00" * 31) == "0578 9604 4618 6580 9771"


@given(st.binary(min_size=32, max_size=32))
def test_a_fingerprint_is_five_groups_of_four_digits(digest: bytes) -> None:
    told = fingerprint(digest.hex())
    assert re.fullmatch(r"\d{4}( \d{4}){4}", told)
    assert int(told.replace(" ", "")) == int.from_bytes(digest) // 10**58


# -- records --------------------------------------------------------------------------------------------------------


def test_a_record_shows_everything_that_was_drawn_in_both_languages() -> None:
    told = honest()
    sheet = record_of(told)
    text, page = record_text(sheet, (ZH, EN)), record_html(sheet, PAPER, (ZH, EN))
    assert told.draw is not None
    shown = visible_text(page)
    for form in (text, shown):
        assert told.draw.text_hash in form
        assert fingerprint(told.draw.text_hash) in form
        assert fingerprint(told.announcement.text_hash) in form
        assert "未指明 / none named" in form
        assert "597 秒 / 597 seconds" in form
        assert "w0.example.cn" in form
        assert "未联署 / missing" in form
        for one in told.outcome().selection.drawn:
            assert one.no in form
            assert one.ticket.hex()[:16] in form
            for part, inspector in told.outcome().assignment.teams[one.no]:
                assert f"{inspector}({part})" in form
        for numbers in told.outcome().audit:
            assert " ".join(numbers) in form
        for code in ("congress", "cppcc", "discipline", "social", "legal"):
            assert ZH.say("role", code) in form
            assert EN.say("role", code) in form
        for section in sheet.sections:
            assert ZH.say("sheet", section.code) in form
        assert ZH.say("sheet", "not-complete") in form
    assert "第1医院" not in text + page  # numbers only


def test_no_sentence_of_a_sheet_is_missing_in_the_catalogues() -> None:
    for told in (honest(), sealed_story()):
        sheet = record_of(told) if told.embargo is None else record_of(told, outcome=None, material=None)
        codes = {("sheet", code) for s in sheet.sections for code in (s.code, *s.header, *(c for c, _ in s.facts))}
        codes |= {("sheet", command.code) for s in sheet.sections for command in s.commands}
        shown = [
            v for s in sheet.sections for v in (*s.notes, *(v for _, v in s.facts), *(v for r in s.rows for v in r))
        ]
        codes |= {(v.section, v.code) for v in shown if not isinstance(v, str)}
        for words in (ZH, EN):
            assert not {code for section, code in codes if not words.has(section, code)}


def sealed_story() -> Told:
    return begin(before=story.sealed()).go_on()


def test_the_record_of_a_sealed_draw_shows_neither_key_nor_any_drawn_number() -> None:
    told = sealed_story()
    sheet = record_of(told, outcome=None, material=None)
    text = record_text(sheet, (ZH, EN)) + record_html(sheet, PAPER, (ZH, EN))
    assert ZH.say("sheet", "sealed-note") in text
    assert told.key().hex() not in text
    assert told.embargo is not None
    assert told.embargo.hex() not in text
    assert "H-0" not in text
    assert "I-0" not in text
    assert ZH.say("sheet", "until", date=story.SEALED_UNTIL) in text


def test_a_record_claims_nothing_of_time_without_a_quorum_before_the_round() -> None:
    told = honest()
    claim = ZH.say("sheet", "proves-before")
    late = replace(cosigners(told), quorum_time=due(told))
    none = replace(cosigners(told), quorum_time=None)
    assert claim in record_text(record_of(told), (ZH,))
    for lacking in (late, none):
        text = record_text(record_of(told, cosigners=lacking), (ZH,))
        assert claim not in text
        assert ZH.say("sheet", "not-locked") in text


def test_a_practice_beacon_is_not_called_unforeseeable() -> None:
    text = record_text(record_of(honest()), (ZH, EN))
    assert ZH.say("sheet", "practice-random") in text
    assert ZH.say("sheet", "proves-random") not in text


def test_a_record_says_rehearsal_in_its_first_line() -> None:
    sheet = record_of(honest())
    assert record_text(sheet, (ZH, EN)).startswith("【演练】")
    assert '<p class="rehearsal">' in record_html(sheet, PAPER, (ZH, EN))
    earnest = replace(sheet, rehearsal=False)
    assert not record_text(earnest, (ZH, EN)).startswith("【演练】")
    assert '<p class="rehearsal">' not in record_html(earnest, PAPER, (ZH, EN))


def test_findings_stand_in_the_record() -> None:
    told = tell(
        plan={
            "ratio": "1/1",
            "team": story.team(eligible=({"rule": "same", "object": "region", "inspector": "region"},), size=4),
        }
    )
    text = record_text(record_of(told), (ZH, EN))
    few = min(told.outcome().assignment.eligible)
    assert ZH.say("finding", "forced-team", object=few, eligible=6) in text


def test_equal_inputs_give_equal_bytes() -> None:
    one, other = record_of(tell()), record_of(tell())
    assert record_text(one, (ZH, EN)) == record_text(other, (ZH, EN))
    assert record_html(one, PAPER, (ZH, EN)) == record_html(other, PAPER, (ZH, EN))


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_worked_example_works_when_it_is_pasted_into_a_shell(shell: str) -> None:
    commands = [command for section in record_of(honest()).sections for command in section.commands]
    assert [command.code for command in commands] == ["by-hand-pulse", "by-hand-key", "by-hand-ticket"]
    text = record_text(record_of(honest()), (ZH, EN))
    for command in commands:
        assert f"  {command.line}\n  = {command.prints}\n" in text
        done = subprocess.run([shell, "-c", command.line], capture_output=True, text=True, check=True)
        assert done.stdout.split()[0] == command.prints
        assert done.stderr == ""


def test_a_contributor_s_name_cannot_become_a_command() -> None:
    told = honest()
    name = "x';touch${IFS}pwned;'%n\\x41$(id)"
    bent = replace(material_of(told), seeds=((name, "-"),))
    [command] = [c for s in record_of(told, material=bent).sections for c in s.commands if c.code == "by-hand-key"]
    done = subprocess.run(["sh", "-c", command.line], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == bent.key().hex() == command.prints
    assert done.stderr == ""


def test_the_text_stays_within_its_columns_but_for_commands() -> None:
    sheet = record_of(honest())
    commands = {f"  {command.line}" for section in sheet.sections for command in section.commands}
    for line in record_text(sheet, (ZH, EN)).splitlines():
        assert cells(line) <= 80 or line in commands


def test_columns_of_a_table_begin_at_the_same_cell_whatever_their_script() -> None:
    lines = table([["编号", "no"]], [["一", "x"], ["ab", "y"], ["三三三", "z"]], width=80)
    assert [cells(line[: line.index(mark)]) for line, mark in zip(lines[2:], "xyz", strict=True)] == [8, 8, 8]


@given(st.text(alphabet="ab 中文，。（）0é", max_size=60), st.integers(min_value=4, max_value=30))
def test_wrapping_keeps_every_character_and_the_width(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(cells(line) <= width for line in lines)


def test_padding_and_hanging_indents_count_cells() -> None:
    assert pad("中", 4) == "中  "
    assert indented("中文字句", width=12, first="-- ") == ["-- 中文字句"]
    assert indented("one two three", width=12, first="-- ") == ["-- one two", "   three"]


# -- the page -------------------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Collects what a browser would show, and every tag and attribute it would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.silent += tag in {"style", "title"}

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in {"style", "title"}

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.shown.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def visible_text(page: str) -> str:
    return "".join(read(page).shown)


def test_a_page_fetches_nothing_runs_nothing_and_lets_in_only_its_own_style() -> None:
    page = record_html(record_of(honest()), PAPER, (ZH, EN))
    tags = read(page).tags
    assert not {name for name, _ in tags} & {"script", "link", "img", "iframe", "object", "embed", "form", "a", "base"}
    for _, attributes in tags:
        assert not {"src", "href", "style", "srcset", "action"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
    [policy] = [a["content"] or "" for n, a in tags if n == "meta" and a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    style = page.partition("<style>")[2].partition("</style>")[0]
    hashed = re.search(r"sha256-([A-Za-z0-9+/=]+)'", policy)
    assert hashed is not None
    assert b64decode(hashed[1]) == sha256(style.encode()).digest()
    assert "url(" not in style
    assert "@import" not in style


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></table><style>*{display:none}</style>",
    "{{ 7*7 }}",
    "&lt;b&gt;",
)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_attribute_value_is_shown_and_never_becomes_markup(hostile: str) -> None:
    told = honest()
    outcome = told.outcome()
    strata = tuple(replace(stratum, values=(hostile,)) for stratum in outcome.strata)
    plain = read(record_html(record_of(told), PAPER, (ZH, EN)))
    bent = read(record_html(record_of(told, outcome=replace(outcome, strata=strata)), PAPER, (ZH, EN)))
    assert bent.tags == plain.tags
    assert hostile in "".join(bent.shown)


@pytest.mark.parametrize("site", [None, "https://draws.example.cn", "http://10.1.2.3:8080/x"])
def test_the_qr_code_reads_back_as_a_link_with_the_whole_text_hash(site: str | None) -> None:
    told = honest()
    sheet = record_of(told, access=replace(ACCESS, site=site))
    before = f"fairdraw:{sheet.origin}" if site is None else f"{site}/d/{told.announcement.index}/"
    assert sheet.link == f"{before}#{sheet.text_hash}"
    svg = qr_svg(sheet.link)
    assert svg in record_html(sheet, PAPER, (ZH, EN))
    [size] = re.findall(r'viewBox="0 0 (\d+) \1"', svg)
    image = Image.new("L", (int(size), int(size)), 255)
    [path] = re.findall(r' d="([^"]+)"', svg)
    for x, y, length in strokes(path):
        for i in range(length):
            image.putpixel((x + i, y), 0)
    # What is read is the picture that is printed, not another one made from the same text.
    [found] = zxingcpp.read_barcodes(image.resize((int(size) * 6, int(size) * 6), Image.Resampling.NEAREST))
    assert found.text == sheet.link
    assert segno.make(sheet.link, error="q", micro=False).error == "Q"


def strokes(path: str) -> list[tuple[int, int, int]]:
    """Return (x, y, length) of each dark run of segno's path: moves and horizontal lines, half a module down."""
    told = []
    x, y = 0.0, 0.0
    for word, numbers in re.findall(r"([Mmh])([-0-9. ]+)", path):
        values = [float(number) for number in re.findall(r"-?\d*\.?\d+", numbers)]
        if word == "M":
            x, y = values
        elif word == "m":
            x, y = x + values[0], y + values[1]
        else:
            told.append((round(x), int(y), round(values[0])))
            x += values[0]
    return told


def test_one_language_alone_is_possible() -> None:
    told = tell(disclosure=AtOnce(kind="at-once"))
    text = record_text(record_of(told), (EN,))
    assert "Record of a random draw" in text
    assert not re.search(r"[\u4e00-\u9fff]", text.replace("演练", ""))


def test_a_record_with_committed_seeds_a_cap_without_blocks_and_nothing_drawn_is_still_a_record() -> None:
    told = honest()
    outcome = told.outcome()
    nothing = replace(outcome, selection=replace(outcome.selection, drawn=()))
    assert [c.code for s in record_of(told, outcome=nothing).sections for c in s.commands] == [
        "by-hand-pulse",
        "by-hand-key",
    ]


def test_a_record_names_who_committed_a_seed() -> None:
    told = begin(before=story.committed("s0.example.cn/rehearsal"))
    told.close(told.reveal())
    told.story.now += 60
    told.story.checkpoint()
    told.go_on()
    text = record_text(record_of(told), (ZH, EN))
    assert "由 s0.example.cn/rehearsal 承诺" in text
    assert "seed s0.example.cn/rehearsal " in text


def test_a_combining_mark_takes_no_cell() -> None:
    assert cells("e\u0301中") == 3
