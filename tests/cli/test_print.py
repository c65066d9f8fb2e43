"""`fairdraw print` and the signed record that comes back: files, permissions, fallbacks, and what is refused."""

import json
import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from fairdraw.schema import Evidence
from fairdraw_cli import extras, scan
from fairdraw_cli.history import History
from fairdraw_cli.workspace import Workspace

Done = Callable[..., str]
Fairdraw = Callable[..., tuple[int, str]]
AT = "08T10:00:00"
NEEDS_PRESS = pytest.mark.skipif(not extras.installed("pdf"), reason="the extra pdf (typst, fonts) is not installed")
JPEG = b"\xff\xd8\xff\xe0" + b"a signed sheet" * 20 + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n" + b"a signed sheet" * 20 + b"\0\0\0\0IEND\xaeB`\x82"
PDF = b"%PDF-1.7\n" + b"a signed sheet" * 20 + b"\n%%EOF\n"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def printed(done: Done, *words: str, clock: str = AT) -> dict[str, Path]:
    lines = done("print", "fund-1", *words, "-C", "office", "--json", clock=clock).splitlines()
    [told] = [json.loads(line) for line in lines if line.startswith("{")]
    return {Path(name).name: Path(name) for name in told["files"]}


@pytest.fixture
def sealed(frozen: Path, papers: Path, done: Done) -> Path:
    """The office after a draw that is sealed until 2026-09-20."""
    text = (papers / "draw.toml").read_text("utf-8")
    (papers / "draw.toml").write_text(text.replace("window", "disclosure = { until = 2026-09-20 }\nwindow"))
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    for name in ("a", "b"):
        made = json.loads(done("supervisor", "create", name, "--rehearsal", "--json"))
        (frozen / "trust").write_text((frozen / "trust").read_text() + made["line"] + "\n")
        done("supervisor", "deposit", "2026/fund-use/1", "office/secrets/fund-1.embargo", "--key", made["file"],
             "--log", "office/log", "--trust", "office/trust", clock="07T10:03:00")  # fmt: skip
        done("log", "add", f"{made['file']}.d/000000-deposit.entry", "-C", "office", clock="07T10:03:00")
    done("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    return frozen


@pytest.fixture
def no_press(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer on which the extra was not installed."""
    monkeypatch.setitem(extras.MODULES, "pdf", ("a_module_that_nobody_has",))


# -- what is printed, and who can read it ---------------------------------------------------------------------------


@NEEDS_PRESS
def test_all_papers_of_a_draw_and_only_the_one_with_names_is_private(drawn: Path, done: Done):
    files = printed(done, "all")
    pdfs = {name: path for name, path in files.items() if name.endswith(".pdf")}
    assert sorted(pdfs) == ["fund-1.notices.pdf", "fund-1.slips.pdf", "record.pdf"]
    assert all(path.read_bytes().startswith(b"%PDF-") for path in pdfs.values())
    assert {name for name, path in files.items() if mode(path) == 0o600} == {"fund-1.notices.pdf"}
    assert len([name for name in files if name.endswith(".slip.fairdraw.json")]) == 5


@NEEDS_PRESS
def test_printed_twice_and_elsewhere_it_is_the_same_file(drawn: Path, done: Done, tmp_path: Path):
    first = {name: path.read_bytes() for name, path in printed(done, "all").items()}
    again = {
        name: path.read_bytes() for name, path in printed(done, "all", "-o", "elsewhere", clock="20T10:00:00").items()
    }
    assert again == first
    assert (tmp_path / "elsewhere/record.pdf").is_file()


@NEEDS_PRESS
def test_many_papers_are_printed_in_several_files_that_keep_their_order(drawn: Path, done: Done, monkeypatch):
    from pypdf import PdfReader

    monkeypatch.setattr("fairdraw_cli.commands.print.PART", 2)
    files = printed(done, "notices")
    assert sorted(files) == ["fund-1.notices-1.pdf", "fund-1.notices-2.pdf", "fund-1.notices-3.pdf"]
    assert {mode(path) for path in files.values()} == {0o600}
    text = "".join(page.extract_text() for name in sorted(files) for page in PdfReader(files[name]).pages)
    told = [number for at in range(1, 21) if (number := f"H-{at:02d}") in text]
    assert len(told) == 5
    assert [text.index(number) for number in told] == sorted(text.index(number) for number in told)


def test_parts_are_numbered_so_that_their_names_sort(monkeypatch):
    from fairdraw_cli.commands import print as printing

    monkeypatch.setattr(printing, "PART", 1)
    for count in (0, 1, 9, 10, 11):
        told = list(printing.parts("a", range(count)))
        assert [no for _, part in told for no in part] == list(range(count))
        assert [name for name, _ in told] == sorted(name for name, _ in told)
    assert [name for name, _ in printing.parts("a", range(1))] == ["a"]


@NEEDS_PRESS
def test_while_a_draw_is_sealed_only_the_bureau_reads_who_was_drawn(sealed: Path, done: Done, fairdraw: Fairdraw):
    files = printed(done, "all")
    assert {name: mode(path) for name, path in files.items()} == {
        "record.pdf": 0o644, "record.sealed.pdf": 0o600, "fund-1.notices.pdf": 0o600,
    }  # fmt: skip
    assert "is sealed" in done("print", "fund-1", "all", "-C", "office", clock=AT)
    code, told = fairdraw("print", "fund-1", "slips", "-C", "office", clock=AT)
    assert (code, "sealed" in told) == (2, True)
    assert not list(sealed.glob("draws/fund-1/*slip*"))
    done("open", "fund-1", "-C", "office", clock="19T16:00:00")
    assert not list(sealed.glob("draws/fund-1/record.sealed.*"))
    before = files["record.pdf"].read_bytes()
    assert printed(done, clock="20T10:00:00")["record.pdf"].read_bytes() != before


@NEEDS_PRESS
def test_a_notice_names_whoever_replaced_an_inspector(drawn: Path, done: Done, monkeypatch: pytest.MonkeyPatch):
    from fairdraw_cli.commands import print as printing

    seen = []
    make = printing.make_notices
    monkeypatch.setattr(printing, "make_notices", lambda *given: seen.append(given) or make(*given))
    done("print", "fund-1", "notices", "-C", "office", clock=AT)
    visits, _, standing = seen[0]
    team = {number for members in standing.teams.values() for _, number in members}
    assert set(visits.names) == {*standing.teams}
    assert set(visits.staff) == team
    assert all(set(fields) == {"name"} for fields in (*visits.names.values(), *visits.staff.values()))


# -- where the press is missing -------------------------------------------------------------------------------------


def test_without_the_press_pages_are_printed_and_the_command_that_installs_it_is_told(
    drawn: Path, done: Done, no_press
):
    assert 'pip install "fairdraw[pdf]"' in done("print", "fund-1", "all", "-C", "office", clock=AT)
    folder = drawn / "draws/fund-1"
    assert not list(folder.glob("*.pdf"))
    assert mode(folder / "fund-1.notices.html") == 0o600
    assert "Hospital" in (folder / "fund-1.notices.html").read_text("utf-8")
    assert "Hospital" not in (folder / "fund-1.slips.html").read_text("utf-8") + (folder / "record.html").read_text()
    assert "pip install" not in done("print", "fund-1", "--format", "html", "-C", "office", clock=AT)


@pytest.mark.parametrize("words", [("--format", "pdf"), ("--font", "any.otf")])
def test_who_asks_for_pdf_and_has_no_press_gets_an_error(drawn: Path, fairdraw: Fairdraw, no_press, words):
    code, told = fairdraw("print", "fund-1", *words, "-C", "office", "--json", clock=AT)
    assert code == 2
    error = json.loads(told.splitlines()[0])["error"]
    assert (error["code"], error["params"]["command"]) == ("extra-missing", 'pip install "fairdraw[pdf]"')


@pytest.mark.parametrize("extra", list(extras.MODULES))
def test_each_extra_names_the_modules_that_it_installs(extra: extras.Extra, monkeypatch: pytest.MonkeyPatch):
    import tomllib

    listed = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    assert len(listed["optional-dependencies"][extra]) >= len(extras.MODULES[extra])
    monkeypatch.setitem(extras.MODULES, extra, ("a_module_that_nobody_has",))
    with pytest.raises(extras.WorkspaceError, match="extra-missing"):
        extras.need(extra)


# -- mistakes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("fund-2",), "fund-2"),
        (("../fund-1",), "../fund-1"),
        (("/etc/passwd",), "/etc/passwd"),
        (("fund-1", "poster"), "slips"),
        (("fund-1", "--format", "docx"), "--format"),
        (("fund-1", "-o", "no/such/folder"), "no/such"),
        (("fund-1", "--format", "html", "--font", "x.otf"), "--font"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(drawn: Path, fairdraw: Fairdraw, words, part):
    before = sorted(drawn.rglob("*"))
    code, told = fairdraw("print", *words, "-C", "office", clock=AT)
    assert code == 2
    assert "Traceback" not in told
    assert part.lower() in told.lower()
    assert sorted(drawn.rglob("*")) == before


@NEEDS_PRESS
def test_a_font_that_is_none_is_told_by_its_name(drawn: Path, papers: Path, fairdraw: Fairdraw):
    for name, word in (("missing.otf", "missing.otf"), ("plan.toml", "no font")):
        code, told = fairdraw("print", "fund-1", "--font", name, "-C", "office", clock=AT)
        assert (code, word in told) == (2, True)


def test_before_the_draw_there_is_nothing_to_print(frozen: Path, done: Done, fairdraw: Fairdraw):
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    code, told = fairdraw("print", "fund-1", "-C", "office", clock="07T10:03:00")
    assert (code, "fund-1" in told) == (2, True)


@NEEDS_PRESS
def test_a_name_with_a_character_that_no_font_has_is_told_with_its_place(papers: Path, done: Done, fairdraw: Fairdraw):
    rows = [f"H-{i:02d},𠮷野医院{i},1390000{i:04d}" for i in range(1, 21)]
    (papers / "institutions.csv").write_text("\n".join(["no,private.name,closed.phone", *rows, ""]), "utf-8")
    done("init", "office", "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    done("plan", "log", "plan.toml", "-C", "office", clock="07T10:00:00")
    for name in ("institutions", "staff"):
        done("freeze", name, f"{name}.csv", "-C", "office", clock="07T10:01:00")
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    done("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    code, told = fairdraw("print", "fund-1", "notices", "-C", "office", clock=AT)
    assert code == 2
    for part in ("𠮷", "U+20BB7", "H-", "--font"):
        assert part in told
    assert not list((papers / "office").rglob("*.notices.*"))
    done("print", "fund-1", "record", "-C", "office", clock=AT)


# -- the signed record comes back -----------------------------------------------------------------------------------


def logged(office: Path) -> list[Evidence]:
    history = History.read(Workspace.open(office).reader())
    return [said for _, said in history.all(Evidence)]


@pytest.mark.parametrize("data", [JPEG, PNG, PDF], ids=["jpeg", "png", "pdf"])
def test_a_scan_of_the_signed_record_is_logged_under_its_draw(drawn: Path, papers: Path, done: Done, data: bytes):
    (papers / "scan").write_bytes(data)
    told = done("evidence", "fund-1", "--scan", "scan", "-C", "office", clock=AT)
    assert sha256(data).hexdigest() in told
    [said] = logged(drawn)
    assert [(one.digest, one.length) for one in said.files] == [(sha256(data).hexdigest(), len(data))]
    result = json.loads(done("draw", "fund-1", "-C", "office", "--json", clock="08T11:00:00"))
    assert said.of.text == result["text"]
    done("evidence", "fund-1", "--scan", "scan", "-C", "office", clock="08T12:00:00")
    assert len(logged(drawn)) == 1


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "no scan"),
        (b"just text", "no scan"),
        (b"GIF89a", "no scan"),
        (b"<html>%PDF-1.7 %%EOF", "no scan"),
        (JPEG[:-2], "not whole"),
        (PNG[:-4], "not whole"),
        (PDF[:-8], "not whole"),
        (PDF + b"\0" * 2000, "not whole"),
    ],
)
def test_what_is_no_whole_scan_is_refused(drawn: Path, papers: Path, fairdraw: Fairdraw, data: bytes, word: str):
    (papers / "scan").write_bytes(data)
    code, told = fairdraw("evidence", "fund-1", "--scan", "scan", "-C", "office", clock=AT)
    assert (code, word in told) == (2, True)
    assert logged(drawn) == []


@NEEDS_PRESS
@pytest.mark.parametrize("kept", [True, False], ids=["printed here", "printed and moved away"])
def test_the_printout_itself_is_no_signed_record(drawn: Path, papers: Path, done: Done, fairdraw: Fairdraw, kept: bool):
    record = printed(done)["record.pdf"]
    (papers / "scan.pdf").write_bytes(record.read_bytes())
    if not kept:
        record.unlink()
    code, told = fairdraw("evidence", "fund-1", "--scan", "scan.pdf", "-C", "office", clock=AT)
    assert (code, "no signature" in told) == (2, True)
    assert logged(drawn) == []


def test_a_scan_that_is_too_large_is_refused(drawn: Path, papers: Path, fairdraw: Fairdraw, monkeypatch):
    monkeypatch.setattr(scan, "MAX_SCAN", len(JPEG) - 1)
    (papers / "scan").write_bytes(JPEG)
    code, told = fairdraw("evidence", "fund-1", "--scan", "scan", "-C", "office", clock=AT)
    assert (code, "resolution" in told) == (2, True)


@pytest.mark.parametrize(
    "words",
    [("fund-1",), ("4",), ("4", "plan.toml", "--scan", "plan.toml"), ("fund-1", "plan.toml"), ("٤", "plan.toml")],
)
def test_evidence_is_of_an_entry_with_files_or_of_a_draw_with_scans(drawn: Path, fairdraw: Fairdraw, words):
    code, told = fairdraw("evidence", *words, "-C", "office", clock=AT)
    assert (code, "--scan" in told) == (2, True)
    assert logged(drawn) == []
