"""What people read on the public site: pages in two languages, an Atom feed, tables for spreadsheets."""

import csv
import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as Tree

import pytest

import fairdraw
from fairdraw.encoding import parse_time
from fairdraw.render.csvfile import BOM, csv_text
from fairdraw.schema import Announcement
from fairdraw.site.feed import ATOM, NEWEST, events
from fairdraw.site.pages import GLOSSARY, glossary
from fairdraw.site.register import STATES
from fairdraw.site.tables import DRAWS, RESULTS
from support import acts
from support.regulations import FIVE
from support.sited import LANGUAGES, TEMPLATES, material, rows, site
from support.story import Story, begin, sealed, tell

SOURCES = Path(fairdraw.__file__).parent / "site"
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Checker(HTMLParser):
    """Reads a page and notes its tags, addresses, ids and languages; `open` is empty if every tag was closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open, self.tags, self.urls, self.ids, self.words = [], [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self.tags.append((tag, told))
        self.urls += [value for name, value in attrs if name in ("href", "src", "data-log", "data-trust", "action")]
        self.ids += [told["id"]] if "id" in told else []
        self.words += [told["lang"]] if tag == "span" and "lang" in told else []
        assert not [name for name in told if name.startswith("on") or name == "style"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def story():
    told = tell()
    acts.substituted(told)
    return told


@pytest.fixture(scope="module")
def made():
    return site(story())


def pages(made):
    return {path: made.text(path) for path in made.files if path.endswith("index.html")}


# -- words ----------------------------------------------------------------------------------------------------------


def test_every_sentence_of_the_site_is_used_and_every_one_that_is_used_is_there():
    told = set(LANGUAGES[0].sections["site"])
    text = "".join(TEMPLATES.values()) + "".join(path.read_text("utf-8") for path in SOURCES.glob("*.py"))
    used = set(re.findall(r'"([a-z]+(?:-[a-z]+)*)"', text))
    made_of = {
        "state": (*STATES, "unproven"),
        "means": (*STATES, "unproven"),
        "step": ("locked", "random", "result", "signed", "published"),
        "term": [term for term, _ in GLOSSARY],
        "means-term": [term for term, _ in GLOSSARY],
        "csv": (*DRAWS, *RESULTS),
    }
    made = {f"{head}-{code}" for head, codes in made_of.items() for code in codes}
    assert not told - used - made
    said = set(re.findall(r'(?:say|plain)\("([a-z-]+)"[,)]', "".join(TEMPLATES.values())))
    assert not (said | made) - told


def test_every_page_says_everything_in_both_languages(made):
    for page in pages(made).values():
        words = Checker(page).words
        assert words.count("zh") == words.count("en") > 10
        assert page.startswith('<!DOCTYPE html>\n<html lang="zh-CN">')


def test_no_sentence_is_left_with_a_hole(made):
    for page in pages(made).values():
        assert "?</span>" not in page
        assert not re.search(r"\{[a-z_]+\}", page)


# -- pages ----------------------------------------------------------------------------------------------------------


def test_pages_are_well_formed_and_name_nothing_outside_the_site(made):
    for path, page in pages(made).items():
        told = Checker(page)
        assert not told.open
        assert len(told.ids) == len(set(told.ids))
        outside = [url for url in told.urls if re.match(r"[a-z]+:|//", url) and url != "data:,"]
        assert outside == [f"https://gs.example.cn/{path.removesuffix('index.html')}"]  # the page's own address
        assert not re.search(r"@import|url\(|javascript:", page)


def test_every_link_of_a_page_leads_to_a_file_of_the_site_or_of_the_log(made):
    artifacts = {f"artifact/{digest}" for digest in made.told.story.artifacts}
    for path, page in pages(made).items():
        for url in Checker(page).urls:
            if url.startswith(("https:", "data:", "#")):
                continue
            here = path.split("/")[:-1]
            for part in url.partition("#")[0].split("/"):
                if part == "..":
                    here.pop()
                else:
                    here.append(part)
            target = "/".join(here)
            assert target in made.files or target in artifacts or target == "", (path, url)


def test_only_the_sites_own_script_and_style_run_and_only_as_they_were_when_it_was_built(made):
    for path, page in pages(made).items():
        root = "../" * path.count("/")
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
        assert policy.split("; ") == ["default-src 'none'", "script-src 'self'", "style-src 'self'",
                                      "connect-src 'self'", "worker-src blob:", "img-src 'self' data:",
                                      "base-uri 'none'", "form-action 'none'"]  # fmt: skip
        assert page.count("<script") == 1
        assert f'<script src="{root}fairdraw.js" integrity="sha384-s" defer></script>' in page
        assert f'<link rel="stylesheet" href="{root}fairdraw.css" integrity="sha384-c">' in page


def test_a_draws_page_keeps_its_contract_with_the_script(made):
    told = made.told
    page = made.text(f"d/{told.announcement.index}/index.html")
    main = next(attrs for tag, attrs in Checker(page).tags if tag == "main")
    assert main == {
        "id": "fairdraw", "data-page": "draw", "data-log": "../../", "data-bundle": "bundle.fairdraw.json",
        "data-trust": "../../trust", "data-announcement": told.announcement.text_hash,
        "data-draw": told.draw.text_hash, "data-as-of": "",
    }  # fmt: skip
    assert re.search(r'<section id="verdict">\s*<p>', page)
    assert '<section id="lookup"></section>' in page
    assert "<noscript>" in page


def test_the_page_of_a_log_that_is_over_says_as_of_when():
    told = tell()
    page = site(told, given=True).text(f"d/{told.announcement.index}/index.html")
    assert re.search(r'data-as-of="2026-[^"]+Z"', page)


def test_a_page_tells_nobody_who_reads_it(made):
    for page in pages(made).values():
        assert '<meta name="referrer" content="no-referrer">' in page


def test_the_witnesses_that_are_missing_are_named():
    story = Story(witnesses=3)
    told = begin(story)
    story.now += 60
    story.add_noise()
    story.checkpoint(by=[0, 2])
    page = site(told).text("index.html")
    assert [lacking for lacking, _ in re.findall(r"<tr( data-missing)?><th scope=\"row\">(w\d)", page)] == [
        "",
        " data-missing",
        "",
    ]
    assert LANGUAGES[0].say("site", "log-witnessed", witnesses=3, cosigned=2) in page


def test_the_glossary_has_its_articles_from_the_regulations():
    told = dict(glossary(tuple(FIVE.values())))
    assert [(title[:2], articles) for title, _, articles in told["masked"]] == [("涞源", ("第十五条",))]
    assert [title[:2] for title, _, _ in told["sealed"]] == ["朔州"]  # the others make results public at once
    assert told["announcement"] == []
    assert {name for _, names in GLOSSARY for name in names} <= set(type(FIVE["laiyuan"]).model_fields)
    for term in ("random", "open", "items", "plan", "registry", "object", "inspector", "ratio", "grade", "recusal"):
        assert told[term], term
    page = next(file.data.decode() for file in _about(tuple(FIVE.values())))
    assert "第十一条（三）" in page


def _about(regulations):
    from fairdraw.site import build

    made = build(rows(tell()), material(regulations), None, lambda path: True)
    return (file for file in made if file.path == "about/index.html")


def test_a_site_may_have_a_name_and_an_address_of_its_own():
    made = site(tell(), title="济南<抽查>", url="")
    page = made.text("index.html")
    assert "济南&lt;抽查&gt;" in page
    assert "canonical" not in page
    assert "gs.example.cn" not in "".join(pages(made).values())


def test_what_passes_is_claimed_for_the_case_that_it_passes():
    page = site(tell()).text("about/index.html")
    assert LANGUAGES[0].say("site", "proves") in page
    assert LANGUAGES[0].say("sheet", "practice-random") in page  # a rehearsal's beacon proves nothing to anybody


# -- feed -----------------------------------------------------------------------------------------------------------


def entries(made):
    feed = Tree.fromstring(made.files["feed.atom"])  # noqa: S314 - it is our own
    return feed, feed.findall(f"{{{ATOM}}}entry")


def test_the_feed_tells_each_event_once_with_its_time_in_the_log(made):
    feed, told = entries(made)
    ids = [one.findtext(f"{{{ATOM}}}id") for one in told]
    assert len(ids) == len(set(ids)) == 3  # announced, drawn, substituted
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", one) for one in (*ids, feed.findtext(f"{{{ATOM}}}id")))
    times = [parse_time(one.findtext(f"{{{ATOM}}}updated")) for one in told]
    assert times == sorted(times, reverse=True)
    assert times[-1] == rows(made.told).draws[0].shown
    index = made.told.announcement.index
    assert {one.find(f"{{{ATOM}}}link").get("href") for one in told} == {f"https://gs.example.cn/d/{index}/"}


def test_an_event_keeps_its_identity_as_the_log_grows():
    told = tell()
    made = site(told)
    before = {one.findtext(f"{{{ATOM}}}id") for one in entries(made)[1]}
    acts.substituted(told)
    made.build()
    assert before < {one.findtext(f"{{{ATOM}}}id") for one in entries(made)[1]}


def test_the_feed_of_a_rehearsal_says_so(made):
    assert all("演练" in one.findtext(f"{{{ATOM}}}title") for one in entries(made)[1])


def test_an_overdue_draw_a_void_and_an_opening_are_events():
    told = begin()
    due = rows(told).draws[0].due
    assert [event.code for event in events(rows(told, as_of=due))] == ["event-overdue", "event-announced"]
    told.void("wrong-date")
    told.later()
    assert [event.code for event in events(rows(told))] == ["event-void", "event-announced"]
    shut = tell(before=sealed())
    assert events(rows(shut))[0].code == "event-sealed"
    shut.open_up()
    shut.later()
    assert events(rows(shut))[0].code == "event-opened"


def test_a_feed_holds_the_newest_events_and_no_more():
    assert NEWEST == 100
    feed, told = entries(site(begin()))
    assert len(told) == 1
    assert feed.findtext(f"{{{ATOM}}}updated") == told[0].findtext(f"{{{ATOM}}}updated")


# -- tables ---------------------------------------------------------------------------------------------------------


def sheet(made, path):
    text = made.files[path].decode("utf-8")
    assert text.startswith(BOM)
    return list(csv.DictReader(StringIO(text.removeprefix(BOM))))


def test_a_table_has_a_header_that_programs_and_people_read(made):
    (row,) = sheet(made, "draws.csv")
    assert {name.split(" ")[0]: value for name, value in row.items()} | {"locked": "", "round": ""} == {
        "entry": str(made.told.announcement.index), "bureau": made.told.announcement.statement.bureau,
        "slots": "2026/fund-use/1", "items": "fund-use", "state": "public substituted", "state-word": "已公开、递补",
        "locked": "", "round": "", "draw": str(made.told.draw.index),
        "drawn": str(made.told.draw.statement.counts.drawn), "announcement-hash": made.told.announcement.text_hash,
        "draw-hash": made.told.draw.text_hash, "page": f"https://gs.example.cn/d/{made.told.announcement.index}/",
    }  # fmt: skip


def test_a_result_table_has_every_drawn_object(made):
    drawn = made.told.outcome().selection.drawn
    told = sheet(made, f"d/{made.told.announcement.index}/results.csv")
    assert [row["object 对象编号"] for row in told] == [one.no for one in drawn]
    assert sum(bool(row["now 现由（递补后）"]) for row in told) == 1


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "＠A1", "-"])
def test_no_cell_of_a_table_is_a_formula_to_a_spreadsheet(formula):
    (row,) = list(csv.reader(StringIO(csv_text(["a"], [[formula]]))))[1:]
    assert not row[0].startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＠"))


def test_numbers_stay_numbers():
    assert csv_text(["a", "b"], [[-5, None], ["x", ""]]) == "a,b\r\n-5,\r\nx,\r\n"


def test_a_sealed_draws_row_has_no_table_of_results():
    told = tell(before=sealed())
    made = site(told)
    assert f"d/{told.announcement.index}/results.csv" not in made.files
    assert told.announcement.of(Announcement).disclosure.kind == "until"
