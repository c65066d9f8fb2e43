"""A public site is made from what others log: nothing of it may become markup, and nothing sealed may be told."""

import csv
import re
import shutil
from base64 import b64encode
from dataclasses import replace
from hashlib import sha384
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as Tree

import pytest

from fairdraw.announcement import artifact_of
from fairdraw.audit import read_ledger
from fairdraw.calendar import published
from fairdraw.errors import AuditError
from fairdraw.itemlist import format_items
from fairdraw.regulation import Item
from fairdraw.render.csvfile import BOM
from fairdraw.schema import Announcement, Draw, Evidence, ItemList, Opening, Void, Withdrawal
from fairdraw.site.dossier import make
from fairdraw.site.feed import atom
from fairdraw.site.pages import Pages
from fairdraw.site.register import Gap, register
from fairdraw.site.tables import draws_csv
from fairdraw.values import Source
from fairdraw.verify import LogView
from fairdraw_cli import bundled
from fairdraw_cli.bundled import STATIC
from fairdraw_cli.main import run
from fairdraw_cli.workspace import Workspace
from support import acts
from support.sited import LANGUAGES, LOOK, TEMPLATES, Site, rows, served, site
from support.story import BUREAU, Story, Told, begin, sealed, signer, tell, trust
from transparency_log.log import Log
from transparency_log.note import Signer
from transparency_log.state import MemoryState
from transparency_log.storage import Directory

EVIL = (
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)", "</span><svg/onload=x>",
    "{{ 7*7 }}{% raw %}", "javascript:alert(1)", "]]><x/>", "&lt;b&gt;",
)  # fmt: skip
ALLOWED = {
    "html", "head", "meta", "title", "link", "script", "body", "a", "header", "p", "b", "nav", "span", "main", "h1",
    "small", "section", "noscript", "ol", "li", "pre", "h2", "time", "em", "div", "table", "caption", "strong", "thead",
    "tr", "th", "tbody", "td", "s", "code", "ul", "details", "summary", "dl", "dt", "dd", "h3", "footer", "aside",
}  # fmt: skip


class Seen(HTMLParser):
    """What a browser makes of a page: its elements, their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.scripts = 0
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.scripts += tag == "script"

    def handle_data(self, data):
        self.text += data


def named(name: str) -> Told:
    """Tell a story whose bureau gives an item a name of its own choice."""
    story = Story()
    items = [Item(id="fund-use", name=name, name_en=name, basis=("第一条",), cite=("第一条",))]
    data = story.keep(format_items(items))
    entry = story.add(story.head().make(ItemList, items=artifact_of(data), regulation=None, reason=None))
    return begin(story, plan={"items": entry.ref}).go_on()


def pages(made: Site) -> dict[str, str]:
    return {path: made.text(path) for path in made.files if path.endswith(".html") and "verify" not in path}


@pytest.mark.parametrize("evil", EVIL)
def test_a_name_that_is_markup_is_text_on_every_page_of_the_site(evil):
    made = site(named(evil), title=evil)
    for page in pages(made).values():
        seen = Seen(page)
        assert seen.tags <= ALLOWED
        assert seen.scripts == 1
        assert not [name for name in seen.attributes if name.startswith("on")]
    assert evil in Seen(made.text("index.html")).text
    Tree.fromstring(made.files["feed.atom"])  # noqa: S314 - it is our own


@pytest.mark.parametrize("evil", EVIL)
def test_a_witness_a_signer_or_a_number_that_is_markup_is_text(evil):
    told = tell()
    acts.substituted(told)
    (row,) = rows(told).draws
    dossier, _ = make(row)
    lock = replace(row.lock, lines=((evil, None), (evil, 1)))
    drawn = tuple(
        replace(line, no=evil, team=(evil,), now=(evil,), items=(evil,), ticket=evil) for line in dossier.drawn
    )
    told_acts = tuple(replace(one, by=evil, reason=evil, about=(evil, evil, evil), files=()) for one in dossier.acts)
    bent = replace(dossier, row=replace(row, lock=lock), drawn=drawn, acts=told_acts, failed=("format",),
                   rosters=((evil, 1, 1, None),))  # fmt: skip
    seen = Seen(Pages(rows(told), LOOK, TEMPLATES, LANGUAGES).draw(bent))
    assert seen.tags <= ALLOWED
    assert seen.scripts == 1
    assert not [name for name in seen.attributes if name.startswith("on")]
    assert seen.text.count(evil) > 4


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\u200b", "\u061c", "\ufeff", "\x1b", "\u2028", "\ud800"])
def test_no_unseen_character_turns_a_page_the_feed_or_a_table_round(character):
    told = tell()
    (row,) = (replace(row, names=((f"a{character}b", f"a{character}b"),)) for row in rows(told).draws)
    register = replace(rows(told), rows=(row,))
    page = Pages(register, LOOK, TEMPLATES, LANGUAGES).draw(make(row)[0])
    feed = atom(register, title=f"a{character}b", url="", catalogues=LANGUAGES)
    table = draws_csv(register, LANGUAGES[0], url="", unproven=set())
    for text in (page, feed.decode(), table):
        assert character not in text
        assert f"u{{{ord(character):x}}}" in text


@pytest.mark.parametrize("noncharacter", ["\ufffe", "\uffff"])
def test_a_character_that_xml_does_not_know_does_not_make_the_feed_unreadable(noncharacter):
    made = site(named(f"a{noncharacter}b"))
    Tree.fromstring(made.files["feed.atom"])  # noqa: S314 - it is our own
    assert noncharacter.encode() not in made.files["feed.atom"]


@pytest.mark.parametrize("before", ["", "a;", 'a;"', "a; ", " "])
def test_a_name_that_is_a_formula_is_none_in_the_tables(before):
    made = site(named(before + '=HYPERLINK("https://evil.example","x")'))
    for path in made.files:
        if path.endswith(".csv"):
            text = made.files[path].decode().removeprefix(BOM)
            for line in (*csv.reader(StringIO(text)), *csv.reader(StringIO(text), delimiter=";")):
                assert not any(cell.lstrip(' "').startswith(("=", "+", "@")) for cell in line)


@pytest.mark.parametrize("number", [2**40, 2**53 - 1])
def test_a_round_at_the_end_of_time_does_not_stop_the_site(number):
    told = begin()
    bent = told.retold(beacon=(Source(beacon="practice", hash=told.story.chain.hash, round=number),)).later()
    assert "9999-12-31" in site(bent).text(f"d/{bent.announcement.index}/index.html")


def test_a_very_long_word_is_broken_and_does_not_push_the_page_wide():
    made = site(named("长" * 400 + "x" * 400))
    assert "x" * 400 in made.text("index.html")
    style = (Path(__file__).parents[2] / "web/src/page/page.css").read_text("utf-8")
    assert re.search(r"body \{[^}]*overflow-wrap: break-word", style)


# -- what is sealed -------------------------------------------------------------------------------------------------


def secrets(told: Told) -> list[str]:
    """Return what nobody may know of a sealed draw: drawn numbers with their tickets, the key, the embargo."""
    drawn = told.outcome().selection.drawn
    return [*(one.ticket.hex() for one in drawn), told.key().hex(), told.embargo.hex()]


def test_nothing_of_a_sealed_result_is_on_the_site_even_if_it_lies_beside_the_tiles():
    told = tell(before=sealed())
    result = told.draw.of(Draw).results.digest
    assert result in told.story.artifacts  # as if an operator had put it there
    made = site(told)
    data = b"".join(made.files.values())
    assert not [one for one in secrets(told) if one.encode() in data]
    bundle = made.text(f"d/{told.announcement.index}/bundle.fairdraw.json")
    assert '"embargo":null' in bundle
    assert f'"digest":"{result}"' not in bundle
    numbers = {one.no for one in told.outcome().selection.drawn}
    for path, text in pages(made).items():
        assert not [no for no in numbers if no in text], path
    assert not [no for no in numbers if no in made.text("draws.csv") + made.text("feed.atom")]


def test_a_sealed_result_that_lies_beside_the_tiles_is_not_copied_before_its_opening(tmp_path):
    told = tell(before=sealed())
    result = told.draw.of(Draw).results.digest
    log = served(told, tmp_path)
    assert (log / "artifact" / result).is_file()
    words = ["site", "build", str(log), "--trust", str(tmp_path / "trust"), "-o", str(tmp_path / "site")]
    assert run(words) == 0
    data = b"".join(contents(tmp_path / "site").values())
    assert not [one for one in secrets(told) if one.encode() in data]
    told.open_up()
    told.later()
    served(told, tmp_path)
    assert run(words) == 0
    assert (tmp_path / "site/artifact" / result).is_file()


def test_an_opened_result_is_on_the_site():
    told = tell(before=sealed())
    made = site(told)
    told.open_up()
    told.later()
    made.build()
    page = made.text(f"d/{told.announcement.index}/index.html")
    assert all(one.no in page for one in told.outcome().selection.drawn)
    assert told.report().verdict == "holds"


def test_an_opening_that_somebody_else_signs_opens_nothing_on_the_site():
    told = tell(before=sealed())
    said = told.story.head().make(Opening, of=told.draw.ref, artifact=artifact_of(told.record.artifact),
                                  key=told.key().hex(), embargo=told.embargo.hex())  # fmt: skip
    told.story.add(said, [Signer.from_seed(BUREAU, bytes(32))])
    told.later()
    (row,) = rows(told).draws
    assert (row.state, row.shows_result) == ("sealed", False)


def test_a_later_act_about_a_sealed_draw_names_nobody_on_the_site():
    told = tell(before=sealed())
    no, inspector = acts.somebody(told)
    acts.call(told, no, inspector)
    told.later()
    text = "".join(pages(site(told)).values())
    assert no not in text
    assert inspector not in text


# -- what is not so -------------------------------------------------------------------------------------------------


def forged(told: Told) -> Told:
    """Let the bureau log a draw whose key follows from nothing."""
    story = told.story
    story.entries.pop()
    story.checkpoints.pop()
    story.heads[BUREAU] = (told.draw.statement.seq, told.draw.statement.prev)
    told.draw = story.add(told.draw.of(Draw).model_copy(update={"key": "ab" * 32}))
    return told.later()


def test_a_result_that_does_not_follow_is_never_a_clean_table():
    told = forged(tell())
    made = site(told)
    index = told.announcement.index
    page = made.text(f"d/{index}/index.html")
    assert '<table id="result" class="struck">' in page
    assert LANGUAGES[0].say("site", "unproven-caption") in page
    rows_of = re.findall(r"<tr data-no.*?</tr>", page, re.DOTALL)
    assert rows_of
    for one in rows_of:
        cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", one, re.DOTALL)
        assert all(re.match(r'(<(code|span) class="(hash|number)">)?<s>', cell) for cell in cells if cell)
    assert '<span class="badge" data-state="unproven">' in made.text("index.html")
    table = list(csv.reader(StringIO(made.text(f"d/{index}/results.csv"))))
    assert all("record-matches" in line[-1] for line in table[1:])


def test_a_draw_that_was_signed_and_never_logged_is_an_alarm_on_the_site():
    told = tell()
    seq = told.draw.statement.seq
    told.story.heads[BUREAU] = (seq + 2, told.draw.text_hash)
    told.announce_again(slots=["2026/fund-use/2"])
    told.later()
    (gap,) = [row for row in rows(told).rows if isinstance(row, Gap)]
    assert (gap.first, gap.last) == (seq + 1, seq + 1)
    made = site(told)
    assert 'class="missing"' in made.text("index.html")
    assert "missing" in made.text("draws.csv")
    assert LANGUAGES[0].say("site", "event-missing", name="", slots="", index=gap.index) in made.text("feed.atom")
    assert '<table id="result" class="struck">' in made.text(f"d/{told.announcement.index}/index.html")


def test_a_void_in_the_bureaus_name_by_somebody_else_ends_nothing_on_the_site():
    told = begin()
    said = told.story.head().make(Void, announcement=told.announcement.ref, reason="wrong-date", pulses=())
    told.story.add(said, [Signer.from_seed(BUREAU, bytes(32))])
    told.later()
    assert rows(told).draws[0].state == "locked"


def test_a_list_that_is_logged_later_or_by_another_bureau_renames_no_draw_on_the_site():
    told = named("honest")
    story, other = told.story, signer("other.example.cn/rehearsal")
    data = story.keep(format_items([Item(id="fund-use", name="bent", name_en="bent", basis=("一",), cite=("一",))]))
    fields = {"items": artifact_of(data), "regulation": None, "reason": None}
    story.add(story.head().make(ItemList, **fields))
    head = replace(story.head(other.name), bureau=other.name)
    story.add(head.make(ItemList, **fields), [other])
    told.later()
    story.trust_lines = f"bureau {other.name} {other.verifier.vkey} {story.origin}\n"
    ledgers = [read_ledger(told.log(), trust(story), log=story.origin, bureau=name, as_of=story.now,
                           calendar=published()) for name in (BUREAU, other.name)]  # fmt: skip
    (row,) = register(ledgers, as_of=story.now, as_of_given=False).draws
    assert row.names == (("honest", "honest"),)


def test_a_supervisor_announces_nothing_on_the_site():
    told = tell()
    said = told.announcement.of(Announcement)
    told.story.add(said.model_copy(update={"by": "s0.example.cn/rehearsal", "seq": 0, "prev": None}))
    told.later()
    (row,) = rows(told).draws
    assert row.again == ()


def test_what_was_signed_before_the_draw_is_no_signature_of_its_result():
    told = begin()
    told.story.add(told.story.head().make(Evidence, of=told.announcement.ref, files=(artifact_of(b"a photograph"),)))
    told.later().go_on()
    assert {step.code: step.state for step in make(rows(told).draws[0])[0].steps}["signed"] == "waiting"
    told.story.add(told.story.head().make(Evidence, of=told.draw.ref, files=(artifact_of(b"the signed form"),)))
    told.later()
    assert {step.code: step.state for step in make(rows(told).draws[0])[0].steps}["signed"] == "done"


def test_a_site_is_not_made_of_a_log_that_is_not_what_was_signed():
    told = tell()
    view = told.log()
    bent = LogView([*view.entries[:-1], b"another entry"], view.checkpoints, view.artifacts)
    with pytest.raises(AuditError, match="log-does-not-hold"):
        read_ledger(bent, trust(told.story), log=told.story.origin, bureau=BUREAU, as_of=told.story.now,
                    calendar=published())  # fmt: skip


# -- the folder -----------------------------------------------------------------------------------------------------


PLAN = 'id = "2026"\nslots = ["2026/fund-use/1"]\nobjects = "o"\ninspectors = "i"\nstrata = []\nratio = "1/4"\n'
DRAW = """id = "one"\nslots = ["2026/fund-use/1"]\nwindow = 2026-10-31
[[beacon]]\nchain = "quicknet"\nat = 2026-09-07T18:36:36Z
"""


@pytest.fixture
def office(tmp_path, monkeypatch):
    """A workspace after one draw, and how to build its site."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    for name, text in (("plan.toml", PLAN), ("draw.toml", DRAW)):
        Path(name).write_text(text)
    Path("o.csv").write_text("no,private.name\n" + "".join(f"H-{n},Hospital Verborgen {n}\n" for n in range(1, 21)))
    Path("i.csv").write_text("no,private.name\n" + "".join(f"I-{n},Inspector Verborgen {n}\n" for n in range(1, 9)))
    at = ["-C", "office", "--clock"]
    assert run(["init", "office", "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj"]) == 0
    for words, time in (
        (["plan", "log", "plan.toml"], "10:00:00"), (["freeze", "o", "o.csv"], "10:01:00"),
        (["freeze", "i", "i.csv"], "10:01:00"), (["announce", "draw.toml"], "10:02:00"), (["draw", "one"], "18:36:40"),
    ):  # fmt: skip
        assert run([*words, *at, f"2026-09-07T{time}Z"]) == 0
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def build(*words: str) -> int:
    return run(["site", "build", "office", "-o", "site", "--as-of", "2026-09-07T19:00:00Z", *words])


def test_no_key_secret_or_name_of_a_workspace_reaches_its_site(office):
    assert build() == 0
    made, log = contents(office / "site"), contents(office / "office/log")
    ours = re.compile(
        r"(index|about/index|page/\d+/index|d/\d+/index|verify)\.html|d/\d+/(bundle\.fairdraw\.json|results\.csv)|"
        r"draws\.csv|feed\.atom|trust|fairdraw\.(js|css)|site\.json|\.copy/(incoming|lacking)"
    )
    assert not [path for path in made if path not in log and not ours.fullmatch(path)]
    text = b"".join(made.values())
    assert b"Verborgen" not in text
    for key in (office / "office").rglob("*.key"):
        assert key.read_bytes().strip() not in text


def test_a_log_with_another_history_is_not_copied_over_the_one_that_the_site_shows(office):
    assert build() == 0
    before = contents(office / "site")
    (office / "other").mkdir()
    key = Workspace.open(office / "office").key("log")
    Log.create(Directory(office / "other"), key, state=MemoryState()).append_many([b"another story"] * 9)
    words = ["site", "build", "other", "--trust", "office/trust", "-o", "site"]
    assert run(words) == 1
    assert contents(office / "site") == before
    (evidence,) = office.glob("fork-*.evidence")
    assert run(["log", "evidence", str(evidence), "--trust", "office/trust"]) == 0


def test_a_withdrawal_that_the_bureau_did_not_sign_makes_the_site_forget_nothing(tmp_path):
    told = tell()
    log = served(told, tmp_path)
    words = ["site", "build", str(log), "--trust", str(tmp_path / "trust"), "-o", str(tmp_path / "site")]
    assert run(words) == 0
    digest = told.objects[1].roster.listing().digest
    said = told.story.head().make(Withdrawal, digest=digest, reason="privacy")
    told.story.add(said, [Signer.from_seed(BUREAU, bytes(32))])
    told.later()
    served(told, tmp_path)
    (log / "artifact" / digest).unlink()
    assert run(words) == 0
    assert (tmp_path / "site" / "artifact" / digest).is_file()


def test_a_withdrawn_result_is_in_no_file_of_the_site(tmp_path):
    told = tell()
    log = served(told, tmp_path)
    words = ["site", "build", str(log), "--trust", str(tmp_path / "trust"), "-o", str(tmp_path / "site")]
    assert run(words) == 0
    tickets = [one.ticket.hex().encode() for one in told.outcome().selection.drawn]
    assert all(ticket in b"".join(contents(tmp_path / "site").values()) for ticket in tickets)
    digest = told.draw.of(Draw).results.digest
    told.story.add(told.story.head().make(Withdrawal, digest=digest, reason="privacy"))
    told.later()
    served(told, tmp_path)
    (log / "artifact" / digest).unlink()
    assert run(words) == 0
    assert not [ticket for ticket in tickets if ticket in b"".join(contents(tmp_path / "site").values())]


def test_a_roster_that_was_withdrawn_before_any_draw_leaves_the_site(tmp_path):
    told = begin()
    told.undo()
    log = served(told.later(), tmp_path)
    words = ["site", "build", str(log), "--trust", str(tmp_path / "trust"), "-o", str(tmp_path / "site")]
    assert run(words) == 0
    digest = told.objects[1].roster.listing().digest
    assert (tmp_path / "site/artifact" / digest).is_file()
    told.story.add(told.story.head().make(Withdrawal, digest=digest, reason="privacy"))
    told.later()
    served(told, tmp_path)
    (log / "artifact" / digest).unlink()
    assert run(words) == 0
    assert not (tmp_path / "site/artifact" / digest).exists()


def test_no_bureau_withdraws_what_another_one_stands_on():
    told = tell()
    story, other = told.story, signer("other.example.cn/rehearsal")
    digest = told.objects[1].roster.listing().digest
    head = replace(story.head(other.name), bureau=other.name)
    story.add(head.make(Withdrawal, digest=digest, reason="privacy"), [other])
    told.later()
    story.trust_lines = f"bureau {other.name} {other.verifier.vkey} {story.origin}\n"

    def withdrawn():
        ledgers = [read_ledger(told.log(), trust(story), log=story.origin, bureau=name, as_of=story.now,
                               calendar=published()) for name in (BUREAU, other.name)]  # fmt: skip
        return register(ledgers, as_of=story.now, as_of_given=False).withdrawn

    assert withdrawn() == {digest: False}
    story.add(story.head().make(Withdrawal, digest=digest, reason="privacy"))
    told.later()
    assert withdrawn() == {digest: True}


def test_a_link_in_the_folder_leads_no_page_out_of_it(office):
    assert build() == 0
    (office / "elsewhere").mkdir()
    shutil.rmtree(office / "site/d/3")
    (office / "site/d/3").symlink_to(office / "elsewhere")
    assert build() == 2
    assert contents(office / "elsewhere") == {}


def test_a_page_that_is_not_what_was_built_is_not_published(office, monkeypatch):
    monkeypatch.setattr(bundled, "STATIC", office / "static")
    shutil.copytree(STATIC, office / "static")
    with (office / "static/verify.html").open("ab") as page:
        page.write(b"<script>")
    assert build() == 2
    assert not (office / "site").exists()


def test_a_script_that_a_host_changes_does_not_run_on_any_page(office):
    assert build() == 0
    for page in (office / "site").rglob("index.html"):
        for name in ("fairdraw.js", "fairdraw.css"):
            data = (office / "site" / name).read_bytes()
            integrity = "sha384-" + b64encode(sha384(data).digest()).decode()
            assert f'{name}" integrity="{integrity}"' in page.read_text("utf-8")
            assert b64encode(sha384(data + b"\n").digest()).decode() not in page.read_text("utf-8")
