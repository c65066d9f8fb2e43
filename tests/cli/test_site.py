"""`fairdraw site build`: from a workspace, from a folder, over the web; again and again, and with mistakes."""

import json
import shutil
from collections.abc import Callable
from errno import ENOSPC
from pathlib import Path

import pytest

from fairdraw.messages import visible
from fairdraw.permalink import check_site
from fairdraw.schema import Withdrawal
from fairdraw.site import MEMORY
from fairdraw.site.pages import Pages
from fairdraw_cli import publishing
from fairdraw_cli.files import only_writer
from support.sited import served
from support.story import SLOT, Story, Told, tell
from transparency_log.mirror import Mirror
from transparency_log.web import LogSite, Server

Fairdraw = Callable[..., tuple[int, str]]
Done = Callable[..., str]
AS_OF = ("--as-of", "2026-09-07T19:00:00Z")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def answer(told: str) -> dict[str, object]:
    value = json.loads(told.splitlines()[0])
    assert isinstance(value, dict)
    return value


def alone(folder: Path) -> tuple[str, ...]:
    """Return how a story's log is named on the line, with its trust file."""
    return str(folder / "log"), "--trust", str(folder / "trust")


def test_a_workspace_makes_its_site_with_the_logs_files_in_it(drawn: Path, done: Done) -> None:
    told = done("site", "build", "office", "-o", "site", *AS_OF)
    assert "1 draws, 1 pages made anew" in told
    site, log = contents(drawn.parent / "site"), contents(drawn / "log")
    assert not {path for path in log if site.get(path) != log[path]}
    assert site["trust"] == (drawn / "trust").read_bytes()
    assert {"index.html", "d/3/index.html", "d/3/bundle.fairdraw.json", "feed.atom", "verify.html"} <= set(site)
    done("verify", "site/d/3/bundle.fairdraw.json", "--trust", "site/trust", "--log", "site", *AS_OF)
    done("log", "check", "site", "--trust", "site/trust")


def test_a_workspace_is_the_one_that_one_stands_in(drawn: Path, done: Done) -> None:
    done("site", "build", "-C", "office", "-o", "site", *AS_OF)
    assert (drawn.parent / "site" / "index.html").is_file()


def test_built_again_nothing_is_written(drawn: Path, done: Done) -> None:
    done("site", "build", "office", "-o", "site", *AS_OF)
    before = {path: path.stat().st_mtime_ns for path in (drawn.parent / "site").rglob("*")}
    told = answer(done("site", "build", "office", "-o", "site", *AS_OF, "--json"))
    assert (told["made"], told["written"]) == ([], [])
    assert {path: path.stat().st_mtime_ns for path in (drawn.parent / "site").rglob("*")} == before


def test_one_draw_more_makes_one_page_more(drawn: Path, done: Done) -> None:
    done("site", "build", "office", "-o", "site", *AS_OF)
    draw = (drawn.parent / "draw.toml").read_text().replace("fund-1", "fund-2").replace("use/1", "use/2")
    (drawn.parent / "more.toml").write_text(draw.replace("18:36:36", "19:36:36"))
    done("announce", "more.toml", "-C", "office", clock="07T18:40:00")
    before = contents(drawn.parent / "site")
    told = answer(done("site", "build", "office", "-o", "site", *AS_OF, "--json"))
    assert told["made"] == [5]
    assert told["written"] == [
        "d/5/bundle.fairdraw.json", "d/5/index.html", "page/1/index.html", "draws.csv", "feed.atom", "index.html",
        MEMORY,
    ]  # fmt: skip
    after = contents(drawn.parent / "site")
    changed = {path for path in before if before[path] != after[path]}
    assert changed <= {*map(str, told["written"]), "checkpoint", "cosigned/index", ".copy/incoming"}


def test_a_permalink_is_there_as_soon_as_the_announcement_is(frozen: Path, done: Done) -> None:
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    done("site", "build", "office", "-o", "site", "--as-of", "2026-09-07T10:03:00Z")
    page = (frozen.parent / "site" / "d" / "3" / "index.html").read_text("utf-8")
    assert 'data-state="locked"' in page
    assert 'data-draw=""' in page
    assert not (frozen.parent / "site" / "d" / "3" / "results.csv").exists()


def test_the_site_of_an_earlier_time_shows_what_there_was_then(drawn: Path, done: Done) -> None:
    done("site", "build", "office", "-o", "site", "--as-of", "2026-09-07T10:03:00Z")
    assert 'data-state="locked"' in (drawn.parent / "site" / "index.html").read_text("utf-8")


def test_a_log_alone_needs_its_readers_trust_file(tmp_path: Path, fairdraw: Fairdraw, done: Done) -> None:
    served(tell(), tmp_path)
    code, told = fairdraw("site", "build", "log", "-o", "site")
    assert (code, "--trust" in told) == (2, True)
    done("site", "build", *alone(tmp_path), "-o", "site")
    assert (tmp_path / "site" / "trust").read_bytes() == (tmp_path / "trust").read_bytes()


def test_over_the_web_the_same_site_is_made(tmp_path: Path, done: Done) -> None:
    served(tell(), tmp_path)
    done("site", "build", *alone(tmp_path), "-o", "near", "--as-of", "2026-10-01T00:00:00Z")
    with Server(LogSite(tmp_path / "log")) as server:
        done("site", "build", server.url, "--trust", "trust", "-o", "far", "--as-of", "2026-10-01T00:00:00Z")
    assert contents(tmp_path / "far") == contents(tmp_path / "near")


def test_a_site_in_the_logs_own_folder_leaves_the_log_alone(tmp_path: Path, done: Done) -> None:
    log = served(tell(), tmp_path)
    (log / ".under-way.tmp").write_bytes(b"the log's writer is at it")
    before = contents(log)
    done("site", "build", *alone(tmp_path), "-o", "log")
    after = contents(log)
    assert {path: after[path] for path in before} == before
    assert "index.html" in after


def test_the_logs_own_folder_is_known_by_the_folder_around_it(tmp_path: Path, done: Done) -> None:
    log = served(tell(), tmp_path)
    (log / ".under-way.tmp").write_bytes(b"the log's writer is at it")
    done("site", "build", str(tmp_path), "--trust", str(tmp_path / "trust"), "-o", str(log))
    assert (log / ".under-way.tmp").exists()
    assert not (log / ".copy").exists()


def test_full_tiles_of_the_copy_are_written_once(tmp_path: Path, done: Done) -> None:
    told = tell()
    for number in range(300):
        told.story.add_noise(b"entry %d" % number)
    told.later()
    served(told, tmp_path)
    done("site", "build", *alone(tmp_path), "-o", "site")
    full = [tmp_path / "site" / "tile" / level / "000" for level in ("0", "entries")]
    before = [path.stat().st_mtime_ns for path in full]
    told.story.add_noise()
    told.later()
    served(told, tmp_path)
    done("site", "build", *alone(tmp_path), "-o", "site")
    assert [path.stat().st_mtime_ns for path in full] == before
    done("log", "check", "site", "--trust", "trust")


def withdrawn(told: Told, digest: str) -> None:
    told.story.add(told.story.head().make(Withdrawal, digest=digest, reason="privacy"))
    told.later()


def test_what_the_bureau_withdraws_is_taken_off_the_site(tmp_path: Path, done: Done) -> None:
    told = tell()
    log = served(told, tmp_path)
    done("site", "build", *alone(tmp_path), "-o", "site")
    digest = told.objects[1].roster.listing().digest
    withdrawn(told, digest)
    served(told, tmp_path)
    (log / "artifact" / digest).unlink()
    assert digest in done("site", "build", *alone(tmp_path), "-o", "site")
    assert not (tmp_path / "site" / "artifact" / digest).exists()
    page = tmp_path / "site" / "d" / str(told.announcement.index) / "index.html"
    assert f"artifact/{digest}" not in page.read_text("utf-8")


def test_what_is_withdrawn_but_still_served_stays(tmp_path: Path, done: Done) -> None:
    told = tell()
    served(told, tmp_path)
    done("site", "build", *alone(tmp_path), "-o", "site")
    digest = told.objects[1].roster.listing().digest
    withdrawn(told, digest)
    served(told, tmp_path)
    done("site", "build", *alone(tmp_path), "-o", "site")
    assert (tmp_path / "site" / "artifact" / digest).exists()


def test_a_draw_that_does_not_hold_is_told_and_marked(tmp_path: Path, done: Done) -> None:
    told = tell()
    told.void("wrong-date")
    told.later()
    served(told, tmp_path)
    assert "does not hold" in done("site", "build", *alone(tmp_path), "-o", "site")
    assert 'class="struck"' in (tmp_path / "site" / "d" / str(told.announcement.index) / "index.html").read_text(
        "utf-8"
    )


def test_title_and_address_are_on_the_pages_and_in_the_feed(tmp_path: Path, done: Done) -> None:
    served(tell(), tmp_path)
    done("site", "build", *alone(tmp_path), "-o", "site", "--title", "济南", "--url", "https://gs.example.cn/draws/")
    assert "<title>济南</title>" in (tmp_path / "site/index.html").read_text("utf-8")
    assert 'href="https://gs.example.cn/draws/d/' in (tmp_path / "site/feed.atom").read_text("utf-8")


def test_a_workspaces_own_address_is_the_sites(drawn: Path, done: Done) -> None:
    done("site", "address", "https://gs.example.cn", "-C", "office")
    done("site", "build", "office", "-o", "site", *AS_OF)
    assert 'href="https://gs.example.cn/d/3/"' in (drawn.parent / "site/feed.atom").read_text("utf-8")


# -- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x.cn", "https://u@x.cn", "https://x.cn/#a", "x.cn", "javascript:alert(1)", "https://x.cn/../d", "https://x.cn/.",
        "https://x.cn/a/%2e%2E/d", "https://x.cn/%00", "https://x.cn/%zz", "https://x.cn//d", "https://x.cn:65536",
        "https://x.cn:0", "https://[2001:db8::1]", "https://x.cn\\@y.cn", "https://х.cn", "HTTPS://x.cn", "https://x.cn\n",
        "https://x.cn/?q", "https://x.cn/" + "a" * 120,
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(tmp_path: Path, fairdraw: Fairdraw, url: str) -> None:
    served(tell(), tmp_path)
    code, told = fairdraw("site", "build", *alone(tmp_path), "-o", "site", "--url", url)
    assert (code, visible(url) in told) == (2, True)
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1:8080/gs", "https://xn--fiqs8s.cn/%E5%8F%8C/~a", "https://x.cn:65535/a.b/c"]
)
def test_an_address_may_have_a_port_and_a_path(url: str) -> None:
    assert check_site(f"{url}/") == url


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path, fairdraw: Fairdraw) -> None:
    served(tell(), tmp_path)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "index.html").write_text("mine")
    code, told = fairdraw("site", "build", *alone(tmp_path), "-o", "home")
    assert (code, "neither a site nor a log" in told) == (2, True)
    assert contents(tmp_path / "home") == {"index.html": b"mine"}


def test_a_file_of_that_name_makes_no_folder_a_site(tmp_path: Path, fairdraw: Fairdraw) -> None:
    served(tell(), tmp_path)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / MEMORY).write_text('{"theme":"dark"}')
    (tmp_path / "home" / "index.html").write_text("mine")
    code, _ = fairdraw("site", "build", *alone(tmp_path), "-o", "home")
    assert (code, (tmp_path / "home" / "index.html").read_text()) == (2, "mine")


def test_a_copy_is_not_written_over_the_log_itself(tmp_path: Path, fairdraw: Fairdraw) -> None:
    log = served(tell(), tmp_path)
    (log / ".under-way.tmp").write_bytes(b"the log's writer is at it")
    before = contents(log)
    with Server(LogSite(log)) as server:
        code, told = fairdraw("site", "build", server.url, "--trust", "trust", "-o", "log")
    assert (code, "a log's own" in told) == (2, True)
    assert contents(log) == before


def test_a_copy_that_somebody_keeps_may_become_a_site(tmp_path: Path, done: Done) -> None:
    served(tell(), tmp_path)
    done("log", "mirror", "log", "site", "--trust", "trust")
    done("site", "build", *alone(tmp_path), "-o", "site")
    done("log", "check", "site", "--trust", "trust")


def test_the_copy_of_another_log_is_left_alone(tmp_path: Path, fairdraw: Fairdraw, done: Done) -> None:
    served(tell(), tmp_path / "one")
    served(tell(Story(origin="log.example.cn/other/rehearsal")), tmp_path / "two")
    done("log", "mirror", "two/log", "site", "--trust", "two/trust")
    code, told = fairdraw("site", "build", *alone(tmp_path / "one"), "-o", "site")
    assert (code, "this site is of the log" in told) == (2, True)


def test_the_site_of_another_log_is_left_alone(tmp_path: Path, fairdraw: Fairdraw, done: Done) -> None:
    served(tell(), tmp_path / "one")
    served(tell(Story(origin="log.example.cn/other/rehearsal")), tmp_path / "two")
    done("site", "build", *alone(tmp_path / "one"), "-o", "site")
    before = contents(tmp_path / "site")
    code, told = fairdraw("site", "build", *alone(tmp_path / "two"), "-o", "site")
    assert (code, "this site is of the log" in told) == (2, True)
    assert contents(tmp_path / "site") == before


def test_a_log_that_is_not_what_was_signed_makes_no_site(tmp_path: Path, fairdraw: Fairdraw) -> None:
    log = served(tell(), tmp_path)
    bundle = max((log / "tile/entries/000.p").iterdir(), key=lambda path: int(path.name))
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"x")
    code, _ = fairdraw("site", "build", *alone(tmp_path), "-o", "site")
    assert code == 1
    assert not (tmp_path / "site" / "index.html").exists()


def test_a_log_that_no_quorum_vouches_for_makes_no_site(tmp_path: Path, fairdraw: Fairdraw) -> None:
    served(tell(), tmp_path)
    code, told = fairdraw("site", "build", *alone(tmp_path), "-o", "site", "--as-of", "2026-01-01T00:00:00Z")
    assert (code, "Traceback" in told) == (3, False)
    assert not (tmp_path / "site" / "index.html").exists()


def test_a_server_that_cannot_be_reached_is_no_lie_of_the_log(tmp_path: Path, fairdraw: Fairdraw) -> None:
    served(tell(), tmp_path)
    with Server(LogSite(tmp_path / "log")) as server:
        url = server.url
    code, _ = fairdraw("site", "build", url, "--trust", "trust", "-o", "site")
    assert code == 3


def test_a_trust_file_that_does_not_know_the_log_is_refused(tmp_path: Path, fairdraw: Fairdraw) -> None:
    served(tell(), tmp_path)
    served(tell(Story(origin="log.example.cn/other/rehearsal")), tmp_path / "two")
    code, _ = fairdraw("site", "build", "log", "--trust", "two/trust", "-o", "site")
    assert code == 2


def test_a_package_without_the_page_says_so(
    tmp_path: Path, fairdraw: Fairdraw, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(tell(), tmp_path)
    monkeypatch.setattr(publishing, "SHIPPED", ("no-such-page.html",))
    code, told = fairdraw("site", "build", *alone(tmp_path), "-o", "site")
    assert (code, "no-such-page.html" in told) == (2, True)


def test_two_builders_of_one_folder_keep_apart(tmp_path: Path, fairdraw: Fairdraw) -> None:
    served(tell(), tmp_path)
    with only_writer(tmp_path / "site"):
        code, told = fairdraw("site", "build", *alone(tmp_path), "-o", "site")
    assert (code, "another program" in told) == (2, True)


def test_a_first_copy_that_breaks_off_is_taken_up(
    tmp_path: Path, fairdraw: Fairdraw, done: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(tell(), tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Mirror, "_copy_artifacts", full)
        assert fairdraw("site", "build", *alone(tmp_path), "-o", "site")[0] == 2
    assert not (tmp_path / "site" / "checkpoint").exists()
    done("site", "build", *alone(tmp_path), "-o", "site")


def test_a_building_that_breaks_off_vouches_for_no_page(
    tmp_path: Path, fairdraw: Fairdraw, done: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(tell(), tmp_path)
    words = ("site", "build", *alone(tmp_path), "-o", "site", "--as-of", "2026-10-01T00:00:00Z", "--title")
    done(*words, "one")
    whole = contents(tmp_path / "site")
    with monkeypatch.context() as patch:
        patch.setattr(Pages, "about", full)
        assert fairdraw(*words, "two")[0] == 2
    assert contents(tmp_path / "site") != whole
    done(*words, "one")
    assert contents(tmp_path / "site") == whole


def full(*_: object, **__: object) -> None:
    raise OSError(ENOSPC, "no space left")


def test_a_building_that_breaks_off_is_taken_up(tmp_path: Path, done: Done) -> None:
    served(tell(), tmp_path)
    done("site", "build", *alone(tmp_path), "-o", "site", "--as-of", "2026-10-01T00:00:00Z")
    whole = contents(tmp_path / "site")
    shutil.rmtree(tmp_path / "site" / "d")
    (tmp_path / "site" / MEMORY).write_bytes(b"{")
    done("site", "build", *alone(tmp_path), "-o", "site", "--as-of", "2026-10-01T00:00:00Z")
    assert contents(tmp_path / "site") == whole
    assert SLOT in whole["index.html"].decode()
