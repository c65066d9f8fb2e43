"""Attacks on papers that are set in type: names that run, read, hide or overflow (docs/threat-model.md, 33, 44, 46)."""

import json
from functools import cache
from html import unescape
from pathlib import Path

import pytest

from fairdraw.errors import WorkspaceError
from fairdraw.render.page import notices_html
from fairdraw.render.paper import slips_data
from fairdraw.schema import Until
from fairdraw_cli.pdf import Press
from support.pressed import NEEDS_PRESS, TIME, data_of, notice_to, notices_of, pressed, text_of
from support.records import record_of
from support.regulations import FIVE
from support.slips import LANGUAGES, PAPER, drawn_and_not, sheet_of, slip_of
from support.story import Told, tell

HOSTILE = (
    '#eval("1+1")', '#read("/etc/passwd")', "#image(\"../record.typ\")", "#include \"paper.typ\"", '#panic("x")',
    "$ x^2 $", "*b* _i_ `c`", "= h", "\\u{41} \\ ", "]#[", ")#(", "// gone", "/* gone", "@preview/x", "<label>",
    "{page}",    "<script>alert(1)</script>", "&lt;b&gt;", "=HYPERLINK(\"//x\")", "\"; #data",
)  # fmt: skip


@cache
def honest() -> Told:
    return tell()


def bare(text: str) -> str:
    return "".join(text.split())


@NEEDS_PRESS
@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_is_markup_is_printed_as_it_is_written(name):
    told = honest()
    no = drawn_and_not(told)[0]
    text = text_of(notice_to(told, name))
    assert f"{bare(name)}（编号{no}）" in text
    assert "root:" not in text


@NEEDS_PRESS
def test_a_hostile_text_in_any_place_of_any_paper_changes_nothing_but_itself():
    told = honest()
    for paper in ("record", "slips", "notices"):
        template, data = data_of(told, paper)
        text = json.dumps(data["papers"][0]["sections"], ensure_ascii=False)
        spoiled = json.loads(text.replace('"text": "', '"text": "#panic() $ ] '))
        data["papers"][0]["sections"] = spoiled
        assert "#panic()$]" in text_of(Press().set(template, data, time=TIME))


@NEEDS_PRESS
def test_a_template_can_read_no_file_but_another_template(tmp_path, monkeypatch):
    """Even a template that somebody bent reads nothing of the bureau's: its root is its own folder."""
    import typst

    secret = tmp_path / "secret.key"
    secret.write_text("PRIVATE KEY")
    monkeypatch.chdir(tmp_path)
    calls = []
    compile_ = typst.compile
    monkeypatch.setattr(typst, "compile", lambda *args, **named: calls.append(named) or compile_(*args, **named))
    pressed(honest(), "record")
    root = calls[0]["root"]
    for path in ("secret.key", "/secret.key", str(secret), "../" * 20 + str(secret)):
        with pytest.raises(typst.TypstError):
            compile_(f"#read({json.dumps(path)})".encode(), root=root, format="pdf")


@NEEDS_PRESS
def test_a_text_that_turns_a_line_round_is_written_out():
    told = honest()
    for name in ("a\u202eb", "a\u2066b", "a\u200bb", "a\u200db", "a\nb", "a\u2028b", "a\x07b"):
        text = text_of(notice_to(told, name))
        assert f"a\\u{{{ord(name[1]):x}}}b" in text


@NEEDS_PRESS
def test_a_very_long_name_runs_over_as_many_lines_as_it_needs_and_loses_nothing():
    told = honest()
    for name in ("济南市历城区" * 60, "W" * 399):
        assert name in text_of(notice_to(told, name))


@NEEDS_PRESS
def test_a_look_alike_that_no_font_has_is_refused_and_not_printed_as_a_box():
    with pytest.raises(WorkspaceError, match="glyph-missing"):
        notice_to(honest(), "第一\ue000院")


@NEEDS_PRESS
def test_the_public_record_of_a_sealed_draw_on_paper_has_no_drawn_number_in_it():
    told = honest()
    pdf = pressed(told, "record", outcome=None, material=None)
    text = text_of(pdf)
    for one in told.outcome().selection.drawn:
        assert one.no not in text
        assert one.ticket.hex()[:16] not in text
        assert one.no.encode() not in pdf  # nor in the parts that nobody sees
    assert record_of(told).fingerprint.replace(" ", "") in text


@NEEDS_PRESS
def test_a_slip_of_a_sealed_draw_on_paper_says_the_same_of_everybody():
    told = honest()
    sealed = Until(kind="until", date="2026-09-30", embargo="0" * 64)
    texts = []
    for no in drawn_and_not(told):
        sheet = sheet_of(told, slip_of(told, no), sealed=sealed)
        pdf = Press().set("slips.typ", slips_data([sheet], LANGUAGES, name=no), time=TIME)
        texts.append(text_of(pdf).replace(no, "NO"))
    assert texts[0] == texts[1]


def test_a_notice_that_must_not_warn_anybody_says_so_first():
    told = honest()
    for name, code in (("shuozhou-2023", "at-the-door"), ("shandong-2020", "internal")):
        for notice in notices_of(told, regulation=FIVE[name]):
            assert notice.secrecy.code == code
            page = unescape(notices_html([notice], PAPER, LANGUAGES, name="fund-1"))
            for words in LANGUAGES:
                assert page.index(words.say("notice", code)) < page.index("<header>")


def test_a_name_that_is_markup_is_text_on_a_notice_in_a_browser():
    told = honest()
    no = drawn_and_not(told)[0]
    for name in HOSTILE:
        page = notices_html(notices_of(told, {no: {"name": name}}), PAPER, LANGUAGES, name="fund-1")
        assert "<script" not in page
        assert f"{name}（编号 {no}）" in unescape(page)


def test_a_notice_has_no_name_but_the_objects_own_and_its_inspectors():
    told = honest()
    every = {row.no: {"name": f"name of {row.no}", "certificate": f"paper of {row.no}"}
             for _, frozen in (told.objects, told.inspectors) for row in frozen.rows}  # fmt: skip
    teams = told.outcome().assignment.teams
    for notice in notices_of(told, every):
        page = notices_html([notice], PAPER, LANGUAGES, name="fund-1")
        theirs = {notice.no, *(number for _, number in teams[notice.no])}
        shown = {number for number in every if f"name of {number}" in page}
        assert shown == theirs
        assert {number for number in every if f"paper of {number}" in page} == theirs - {notice.no}


def test_an_object_with_the_number_of_an_inspector_is_not_addressed_by_that_name():
    told = honest()
    no = drawn_and_not(told)[0]
    (_, number), *_ = told.outcome().assignment.teams[no]
    objects, staff = {no: {"name": "THE OBJECT"}}, {no: {"name": "A STRANGER"}, number: {"name": "THE INSPECTOR"}}
    [notice] = [one for one in notices_of(told, objects, staff=staff) if one.no == no]
    page = notices_html([notice], PAPER, LANGUAGES, name="fund-1")
    assert "THE OBJECT" in page
    assert "THE INSPECTOR" in page
    assert "A STRANGER" not in page


def test_an_inspector_who_has_dropped_out_is_not_announced_by_name():
    told = honest()
    no = drawn_and_not(told)[0]
    (_, out), *rest = told.outcome().assignment.teams[no]
    staff = {number: {"name": f"name of {number}"} for number in (out, *(number for _, number in rest))}
    [notice] = [one for one in notices_of(told, staff=staff, vacant=frozenset({(no, out)})) if one.no == no]
    page = unescape(notices_html([notice], PAPER, LANGUAGES, name="fund-1"))
    assert f"name of {out}" not in page
    assert all(f"name of {number}" in page for _, number in rest)
    assert all(words.say("notice", "vacant") in page for words in LANGUAGES)


def test_a_deferred_object_is_told_its_own_day_and_no_other():
    told = honest()
    first, *_ = sorted(told.outcome().assignment.teams)
    for notice in notices_of(told, deferred={first: "2031-01-02"}):
        page = unescape(notices_html([notice], PAPER, LANGUAGES, name="fund-1"))
        assert ("2031-01-02" in page) == (notice.no == first)


def test_the_templates_evaluate_nothing_and_read_nothing():
    folder = Path(__file__).resolve().parents[2] / "src/fairdraw/templates"
    for path in folder.glob("*.typ"):
        text = path.read_text("utf-8")
        for call in ("eval(", "read(", "csv(", "yaml(", "xml(", "plugin(", "@preview", "include "):
            assert call not in text, (path.name, call)
        assert text.count("sys.inputs") == (path.name == "paper.typ")
        assert "json(bytes(sys.inputs.data))" in text or '#import "paper.typ"' in text
