"""What is printed leads somewhere: the public address, released verifier pages, slips on paper. specs/slip.md §6."""

import json
import re
import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from fairdraw import slipcode
from fairdraw.bundle import Slip, read_file
from fairdraw.encoding import lines
from fairdraw.record import read_lines
from fairdraw.schema import Draw, VerifierRelease
from fairdraw.statement import read_entry
from fairdraw_cli import bundled
from fairdraw_cli.commands import slip as commands
from fairdraw_cli.history import History
from fairdraw_cli.papers import result_list
from fairdraw_cli.workspace import Workspace

Done = Callable[..., str]
Fairdraw = Callable[..., tuple[int, str]]
SITE = "https://draws.example.cn/ybj"
PAGE = b"<!DOCTYPE html><title>verify</title>\n"
AT = "08T10:00:00"
VERIFY = ("--trust", "office/trust", "--log", "office/log", "--as-of", "2026-09-09T10:00:00Z")


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A verifier page as `web/build.mjs` leaves it, in the place of the package's own."""
    folder = tmp_path / "static"
    monkeypatch.setattr(bundled, "STATIC", folder)
    ship(folder, PAGE)
    return folder


def ship(folder: Path, data: bytes, version: str = "0.1.0") -> None:
    folder.mkdir(exist_ok=True)
    (folder / "verify.html").write_bytes(data)
    listed = {"verify.html": {"length": len(data), "sha256": sha256(data).hexdigest(), "sri": "sha384-x"}}
    (folder / "BUNDLE.json").write_text(json.dumps({"version": version, "files": listed, "lock": "00" * 32}))


def releases(office: Path) -> list[VerifierRelease]:
    history = History.read(Workspace.open(office).reader())
    return [said for _, said in history.all(VerifierRelease)]


def record(office: Path, suffix: str = "html") -> str:
    return (office / f"draws/fund-1/record.{suffix}").read_text("utf-8")


# -- the public address ---------------------------------------------------------------------------------------------


def test_without_a_public_site_paper_says_which_log_and_which_draw(drawn: Path, done: Done) -> None:
    told = json.loads(done("draw", "fund-1", "-C", "office", "--json", clock=AT))
    sheet = record(drawn, "txt")
    assert told["text"] in sheet
    assert "https://" not in sheet


def test_with_a_public_site_record_and_slip_link_to_the_draw(drawn: Path, done: Done) -> None:
    assert SITE in done("site", "address", f"{SITE}/", "-C", "office")
    assert json.loads(done("site", "address", SITE, "-C", "office", "--json")) == {"site": SITE}
    assert Workspace.open(drawn).site == SITE
    done("draw", "fund-1", "-C", "office", clock=AT)
    assert SITE in record(drawn)
    assert SITE in record(drawn, "txt")
    done("slip", "fund-1", "H-01", "-C", "office", clock=AT)
    assert SITE in (drawn / "draws/fund-1/fund-1.H-01.slip.html").read_text("utf-8")


def test_a_workspace_may_know_its_site_from_the_beginning(papers: Path, done: Done) -> None:
    told = done("init", "other", "--rehearsal", "--bureau", "b.example.cn", "--origin", "l.example.cn/b", "--site",
                SITE, "--json")  # fmt: skip
    assert json.loads(told)["site"] == SITE
    assert Workspace.open(papers / "other").site == SITE


@pytest.mark.parametrize(
    "url",
    ["draws.example.cn", "ftp://draws.example.cn", "https://", "https://user@draws.example.cn", "https://a.cn/?x=1",
     "https://a.cn/#d", "https://a.cn/ x", "https://a.cn/\u202e", "https://a.cn:port", "javascript:alert(1)",
     "https://a.cn/\"><script>", "https://" + "a" * 120 + ".cn", "https://a..cn", ""],
)  # fmt: skip
def test_an_address_that_is_not_what_it_looks_like_is_refused(url: str, frozen: Path, fairdraw: Fairdraw) -> None:
    code, told = fairdraw("site", "address", url, "-C", "office")
    assert (code, "bad public address" in told) == (2, True), told
    assert Workspace.open(frozen).site is None


def test_a_bad_address_makes_no_workspace(papers: Path, fairdraw: Fairdraw) -> None:
    words = ("init", "other", "--bureau", "b.example.cn", "--origin", "l.example.cn/b", "--site", "http://a b")
    code, told = fairdraw(*words)
    assert (code, "bad public address" in told) == (2, True), told
    assert not (papers / "other").exists()


def test_an_address_that_somebody_wrote_into_the_settings_is_checked(frozen: Path, fairdraw: Fairdraw) -> None:
    settings = frozen / "fairdraw.toml"
    settings.write_text(settings.read_text() + 'site = "https://a.cn/#d"\n')
    code, told = fairdraw("log", "checkpoint", "-C", "office")
    assert (code, "bad public address" in told) == (2, True), told


# -- released pages -------------------------------------------------------------------------------------------------


def test_a_release_is_logged_once_for_each_page_and_served_beside_the_log(drawn: Path, page: Path, done: Done) -> None:
    digest = sha256(PAGE).hexdigest()
    told = json.loads(done("site", "release", "-C", "office", "--json", clock=AT))
    [first] = told["releases"]
    assert (first["digest"], first["version"], first["new"], first["quorum"]) == (digest, "0.1.0", True, True)
    [said] = releases(drawn)
    assert (said.page.digest, said.page.length, said.version) == (digest, len(PAGE), "0.1.0")
    assert (drawn / "log/artifact" / digest).read_bytes() == PAGE
    assert "already" in done("site", "release", "office", clock=AT)
    assert len(releases(drawn)) == 1
    done("log", "check", "-C", "office")
    ship(page, PAGE + b"<!-- new -->", "0.2.0")
    done("site", "release", "-C", "office", clock=AT)
    assert [said.version for said in releases(drawn)] == ["0.1.0", "0.2.0"]


def test_the_record_prints_the_newest_release_and_the_trust_file(drawn: Path, page: Path, done: Done) -> None:
    trust = sha256((drawn / "trust").read_bytes()).hexdigest()
    assert "no verifier page is in the log yet" in record(drawn)
    assert trust in record(drawn)
    for version, data in (("0.1.0", PAGE), ("0.2.0", PAGE * 2)):
        ship(page, data, version)
        done("site", "release", "-C", "office", clock=AT)
    done("draw", "fund-1", "-C", "office", clock=AT)
    for form in (record(drawn), re.sub(r"\s+", "", record(drawn, "txt"))):
        assert "no verifier page is in the log yet" not in form
        assert "0.2.0" in form
        assert "0.1.0" not in form
    assert sha256(PAGE * 2).hexdigest() in record(drawn)
    assert trust in record(drawn)


def test_a_page_that_is_not_what_was_built_is_not_released(drawn: Path, page: Path, fairdraw: Fairdraw) -> None:
    (page / "verify.html").write_bytes(PAGE.replace(b"verify", b"verifu"))
    code, told = fairdraw("site", "release", "-C", "office", clock=AT)
    assert (code, "is not what BUNDLE.json says" in told) == (2, True), told
    for name in ("BUNDLE.json", "verify.html"):
        (page / name).unlink()
        code, told = fairdraw("site", "release", "-C", "office", clock=AT)
        assert (code, name in told) == (2, True), told
    for broken in ("", "[]", '{"version": 1}', '{"version": "1", "files": {}}'):
        ship(page, PAGE)
        (page / "BUNDLE.json").write_text(broken)
        code, told = fairdraw("site", "release", "-C", "office", clock=AT)
        assert (code, "error: " in told, "fault" in told) == (2, True, False), told
    assert releases(drawn) == []


def test_a_supervisor_vouches_for_a_page_and_the_bureau_logs_both(
    drawn: Path, page: Path, done: Done, fairdraw: Fairdraw
) -> None:
    made = json.loads(done("supervisor", "create", "s1.example.cn", "--rehearsal", "--json"))
    (drawn / "trust").write_text((drawn / "trust").read_text() + made["line"] + "\n")
    seat = ("--key", made["file"], "--log", "office/log", "--trust", "office/trust")
    told = json.loads(done("supervisor", "vouch", *seat, "--json", clock=AT))
    again = json.loads(done("supervisor", "vouch", *seat, "--json", clock=AT))
    assert told == again  # a retry gives the same bytes
    entry = Path(told["file"])
    assert read_entry(entry.read_bytes(), 0).of(VerifierRelease).page.digest == sha256(PAGE).hexdigest()
    code, refused = fairdraw("log", "add", str(entry), "-C", "office", clock=AT)
    assert (code, sha256(PAGE).hexdigest() in refused) == (2, True), refused
    done("log", "add", str(entry), "--artifact", str(page / "verify.html"), "-C", "office", clock=AT)
    done("log", "check", "-C", "office")
    done("draw", "fund-1", "-C", "office", clock=AT)
    assert "s1.example.cn/rehearsal" in record(drawn)
    assert sha256(PAGE).hexdigest() in record(drawn)


# -- slips ----------------------------------------------------------------------------------------------------------


def drawn_numbers(office: Path) -> list[str]:
    place = Workspace.open(office)
    [(_, drew)] = History.read(place.reader()).all(Draw)
    return sorted(line.no for line in read_lines(lines(result_list(place, drew)))[1])


def test_a_slip_is_a_file_and_a_page_and_an_owners_copy_is_for_nobody_else(drawn: Path, done: Done) -> None:
    folder = drawn / "draws/fund-1"
    told = json.loads(done("slip", "fund-1", "H-07", "-C", "office", "--json", clock=AT))
    assert told["page"] == "office/draws/fund-1/fund-1.H-07.slip.html"
    public = (folder / "fund-1.H-07.slip.html").read_text("utf-8")
    assert "Hospital 7" not in public
    done("slip", "fund-1", "H-07", "--own", "-C", "office", clock=AT)
    for name in ("fund-1.H-07.slip.own.html", "fund-1.H-07.slip.own.fairdraw.json"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    own = (folder / "fund-1.H-07.slip.own.html").read_text("utf-8")
    assert "Hospital 7" in own
    assert "13900000007" in own
    assert stat.S_IMODE((folder / "fund-1.H-07.slip.html").stat().st_mode) == 0o644


def test_slips_of_all_drawn_objects_are_written_together(drawn: Path, done: Done) -> None:
    told = json.loads(done("slip", "fund-1", "--all", "posted", "-C", "office", "--json", clock=AT))
    numbers = drawn_numbers(drawn)
    assert told["numbers"] == numbers
    assert len(numbers) == 5
    [page] = told["pages"]
    html = Path(page).read_text("utf-8")
    assert html.count("<article>") == len(numbers)
    assert "Hospital" not in html
    for file, no in zip(told["files"], numbers, strict=True):
        assert read_file(Path(file).read_bytes()).no == no
        assert "consistent" in done("verify", file, *VERIFY)
        assert no in html


def test_many_slips_are_printed_from_several_pages(drawn: Path, done: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "TOGETHER", 2)
    told = json.loads(done("slip", "fund-1", "--all", "posted", "-C", "office", "--json", clock=AT))
    assert [Path(page).name for page in told["pages"]] == [f"fund-1.slips-{at}.html" for at in (1, 2, 3)]
    assert [Path(page).read_text("utf-8").count("<article>") for page in told["pages"]] == [2, 2, 1]


def test_one_number_or_all_and_no_owners_copies_together(drawn: Path, fairdraw: Fairdraw) -> None:
    for words in ((), ("H-01", "--all", "posted"), ("--all", "posted", "--own")):
        code, told = fairdraw("slip", "fund-1", *words, "-C", "office", clock=AT)
        assert (code, "--all" in told) == (2, True), told
    code, told = fairdraw("slip", "fund-1", "--all", "no/such/folder", "-C", "office", clock=AT)
    assert (code, "no/such" in told) == (2, True), told


def test_codes_that_somebody_scanned_into_a_file_are_verified_like_the_slip_itself(
    drawn: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path
) -> None:
    done("slip", "fund-1", "H-07", "-C", "office", clock=AT)
    slip = read_file((drawn / "draws/fund-1/fund-1.H-07.slip.fairdraw.json").read_bytes())
    assert isinstance(slip, Slip)
    parts = slipcode.encode(slip.format(), 3)
    scanned = tmp_path / "scanned.txt"
    scanned.write_text("".join(f"{SITE}/verify.html#{part}\r\n" for part in (parts[2], *parts)))
    told = json.loads(done("verify", "scanned.txt", *VERIFY, "--json"))
    assert (told["kind"], told["verdict"]) == ("slip", "holds")
    scanned.write_text("".join(f"{SITE}/verify.html#{part}\n" for part in parts[:2]))
    code, said = fairdraw("verify", "scanned.txt", *VERIFY)
    assert (code, "scanned codes" in said) == (2, True), said


def test_the_slip_of_a_sealed_draw_says_nothing_of_it_and_none_is_posted(
    frozen: Path, papers: Path, done: Done, fairdraw: Fairdraw
) -> None:
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
    pages = set()
    for no in (f"H-{i:02d}" for i in range(1, 21)):
        done("slip", "fund-1", no, "--own", "-C", "office", clock=AT)
        page = (frozen / f"draws/fund-1/fund-1.{no}.slip.own.html").read_text("utf-8")
        assert "sealed until 2026-09-20" in page
        assert "<pre>" not in page
        assert "z=" not in page
        page = re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
        pages.add(re.sub(r"Hospital \d+|1390000\d{4}", "PRIVATE", page.replace(no, "NO")))
    # Whether a number was drawn cannot be told from its page either.
    assert len(pages) == 1
    code, told = fairdraw("slip", "fund-1", "--all", "posted", "-C", "office", clock=AT)
    assert (code, "is sealed" in told) == (2, True), told
    assert not (papers / "posted").exists()
    done("open", "fund-1", "-C", "office", clock="20T16:00:00")
    done("slip", "fund-1", "H-01", "--own", "-C", "office", clock="20T17:00:00")
    opened = (frozen / "draws/fund-1/fund-1.H-01.slip.own.html").read_text("utf-8")
    assert "sealed until" not in opened
    assert opened.count("<pre>") == 3
