"""What a program of one's own reads of a workspace is, byte for byte, what the commands have written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fairdraw import Casebook, catalogue, record_html, templates, verify_bundle
from fairdraw.encoding import parse_time
from fairdraw.errors import BureauError
from fairdraw.schema import Announcement, Draw
from fairdraw_cli.workspace import Workspace


def book_of(folder: Path) -> Casebook:
    place = Workspace.open(folder)
    return Casebook(place.reader(), place.storage, place.trust, place.bureau)


def test_a_casebook_makes_the_bundle_and_the_record_that_the_commands_made(drawn: Path) -> None:
    book = book_of(drawn)
    [(entry, _)] = book.own(Draw)
    assert book.bundle(entry).format() == (drawn / "draws/fund-1/fund-1.fairdraw.json").read_bytes()
    page = record_html(book.sheet(entry), templates(), [catalogue("zh"), catalogue("en")])
    assert page == (drawn / "draws/fund-1/record.html").read_text("utf-8")
    as_of = parse_time("2026-09-07T18:36:45Z")
    assert (
        verify_bundle(book.bundle(entry), book.trust, as_of=as_of, as_of_given=True, log=book.view()).verdict == "holds"
    )


def test_the_keys_of_a_workspace_are_not_needed_to_read_it(drawn: Path) -> None:
    for path in (drawn / "keys").iterdir():
        path.unlink()
    book = book_of(drawn)
    announced = book.announced(["2026/fund-use/1"])
    assert announced is not None
    assert book.drawn(announced) is not None
    assert book.announced(["2026/fund-use/2"]) is None


def test_a_sealed_result_is_shown_to_nobody(frozen: Path, done: Callable[..., str], papers: Path) -> None:
    text = (papers / "draw.toml").read_text() + '[disclosure]\nuntil = "2026-10-31"\n'
    (papers / "draw.toml").write_text(text)
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    book = book_of(frozen)
    [(entry, said)] = book.own(Announcement)
    assert said.disclosure.kind == "until"
    with pytest.raises(BureauError) as caught:
        book.material(entry, ())
    assert (caught.value.code, caught.value.params["found"]) == ("beyond-bureau", "sealed")
