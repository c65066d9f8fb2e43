"""What people see of an audit: text, CSV and the page; nothing that a log says becomes markup or a formula."""

import csv
import re
from base64 import b64encode
from hashlib import sha256
from io import StringIO
from pathlib import Path

import pytest

import fairdraw
from fairdraw.audit import FINDINGS, NOTICES, AuditFinding, Table, Term, YearAudit
from fairdraw.audit.report import AuditReport, Unknown
from fairdraw.messages import Catalogue, fields
from fairdraw.render.audit import audit_csv, audit_text, finding_text
from fairdraw.render.auditpage import audit_html
from fairdraw.render.columns import cells
from fairdraw.render.plots import Bar, bars
from support import acts
from support.audited import report
from support.story import tell

HERE = Path(fairdraw.__file__).parent
ROOT = Path(__file__).parents[2]
LANGUAGES = [Catalogue.parse((HERE / "wording" / f"{lang}.toml").read_bytes(), lang=lang) for lang in ("zh", "en")]
TEMPLATE = (HERE / "templates" / "audit.html").read_text("utf-8")
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def audited() -> AuditReport:
    told = tell()
    acts.result(told, acts.outcome(told))
    return report(told)


def bent(text: str) -> AuditReport:
    """Return an audit in which a stranger's text stands wherever a log could put one."""
    found = AuditFinding(code="two-texts-one-seq", index=1, cite=(text,), evidence={"name": text, "seq": 1, "index": 1})
    empty = [Table(code=code, header=("district",), rows=()) for code in ("loads", "timeliness")]
    rows = ((text, text, 4, 1, "25.0%"),)
    table = Table(code="districts", header=("registry", "district", "rows", "objects-drawn", "reached"), rows=rows)
    unknown = Unknown(code="artifact-missing", index=2, evidence={"digest": text})
    year = YearAudit(bureau=text, year=2026, findings=(found,), unknown=(unknown,), tables=(table, *empty))
    return AuditReport(log=text, size=1, trust="00", calendar=(text, "1", "00"), as_of=0, as_of_given=False,
                       rehearsal=False, years=(year,))  # fmt: skip


def test_the_page_lets_in_its_own_style_and_nothing_else(audited):
    page = audit_html(audited, TEMPLATE, LANGUAGES)
    style = page.partition("<style>")[2].partition("</style>")[0]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert "default-src 'none'" in policy
    assert b64encode(sha256(style.encode()).digest()).decode() in policy
    assert not re.search(r"<script|<link|<img|<iframe|url\(|@import|src=|href=| style=|javascript:", page)


def test_nothing_that_a_log_says_becomes_markup():
    page = audit_html(bent(EVIL), TEMPLATE, LANGUAGES)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_no_unseen_character_reaches_a_page_or_a_terminal():
    for told in (audit_html(bent("a\u202eb"), TEMPLATE, LANGUAGES), audit_text(bent("a\u202eb"), LANGUAGES[1])):
        assert "\u202e" not in told


def test_the_page_says_everything_in_both_languages(audited):
    page = audit_html(audited, TEMPLATE, LANGUAGES)
    for words in LANGUAGES:
        for one in audited.years[0].findings:
            assert finding_text(one, words).split("（")[0].split("(")[0].strip() in page
        assert words.say("audit", "plot-loads") in page


def test_equal_audits_give_equal_pages(audited):
    assert audit_html(audited, TEMPLATE, LANGUAGES) == audit_html(audited, TEMPLATE, LANGUAGES)
    assert audit_text(audited, LANGUAGES[0]) == audit_text(audited, LANGUAGES[0])


def test_findings_stand_before_all_tables(audited):
    told = audit_text(audited, LANGUAGES[1])
    assert told.index("drawn and not inspected") < told.index(LANGUAGES[1].say("audit", "table-plans"))


def test_no_line_of_the_text_is_wider_than_the_terminal(audited):
    for words in LANGUAGES:
        assert not [line for line in audit_text(audited, words).splitlines() if cells(line) > 80]


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_cell_is_a_formula_to_a_spreadsheet(formula):
    for sheet in audit_csv(bent(formula)).values():
        for row in csv.reader(StringIO(sheet)):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row)


def test_the_csv_holds_every_finding_and_every_table_whole(audited):
    files = audit_csv(audited)
    rows = list(csv.DictReader(StringIO(files["findings.csv"])))
    assert [row["code"] for row in rows] == [one.code for one in audited.years[0].findings]
    for table in audited.years[0].tables:
        assert len(list(csv.reader(StringIO(files[f"{table.code}.csv"])))) == len(table.rows) + 1


def test_every_table_header_and_term_has_a_word_in_both_languages(audited):
    for words in LANGUAGES:
        for table in audited.years[0].tables:
            names = [f"table-{table.code}", *table.header]
            names += [cell.code for row in table.rows for cell in row if isinstance(cell, Term)]
            assert not [name for name in names if not words.has("audit", name)]


@pytest.mark.parametrize("words", LANGUAGES, ids=lambda words: words.lang)
def test_every_finding_and_notice_has_a_sentence(words):
    assert not [code for code in (*FINDINGS, *NOTICES) if not words.has("finding", code)]


def test_a_sentence_leaves_no_field_open(audited):
    for words in LANGUAGES:
        for one in audited.years[0].findings:
            assert fields(words.sections["finding"][one.code]) <= set(one.evidence)


def test_the_specification_lists_the_findings_in_their_order():
    text = (ROOT / "specs" / "audit.md").read_text("utf-8")
    section = text[text.index("## 3.") : text.index("## 4.")]
    listed = [
        code for row in re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE) for code in re.findall("`([^`]+)`", row)
    ]
    assert listed == [*FINDINGS, *NOTICES]


def test_bars_are_as_long_as_their_numbers_and_none_are_no_drawing():
    drawn = bars([Bar("one", 2, "2"), Bar("two", 1, "1", marked=True)], limit=1.5)
    widths = [float(width) for width in re.findall(r'<rect[^>]* width="([0-9.]+)"', drawn)]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.2)
    assert drawn.count("marked") == 1
    assert 'class="limit"' in drawn
    assert bars([]) == ""
    assert "&lt;b&gt;" in bars([Bar("<b>", 0, "<i>")])
