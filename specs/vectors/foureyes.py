"""Draws that a reader has signed by two: the cases of `second` lines in bundle.json. trust.md §3."""

import stories
from book import FILE_ONLY, Book

from support.story import BUREAU, Told

FIRST, OTHER = stories.CONTRIBUTORS


def lines(*names: str, since: str = "") -> str:
    """Return the `second` lines of some names."""
    return "".join(f"second {BUREAU} {name}{since}\n" for name in names)


def _told(announced: tuple[str, ...], drew: tuple[str, ...]) -> Told:
    return stories.cosigned(stories.begin(seconds=announced)).go_on(bend=stories.statement(with_=drew))


def honest(book: Book) -> None:
    """Add draws that a second signed, or need not have signed."""
    told = _told((FIRST,), (OTHER,))
    told.story.trust_lines += lines(FIRST, OTHER, since=" 2026-09-30")
    book.hold("four eyes, and another second for the draw", "holds", file=stories.bundle(told),
              **stories.make(told, log=None, bundle_only=True))  # fmt: skip
    trust = book.accept[0]["trust"]
    book.hold("a second from the day after the window on", "holds", like=FILE_ONLY,
              trust=trust + lines(FIRST, since=" 2026-10-01"))  # fmt: skip
    book.hold("a draw that somebody signed beside the bureau, whom nobody asked for", "holds",
              file=stories.bundle(told), **stories.make(told, log=None, bundle_only=True, trust=trust))  # fmt: skip


def bent(book: Book) -> None:
    """Add draws that somebody announced or drew alone."""
    for name, announced, drew, expect in (
        ("announced alone", (), (FIRST,), "announcement-logged"),
        ("drawn alone", (FIRST,), (), "record-logged"),
        ("announced with somebody else than the second", (OTHER,), (FIRST,), "announcement-logged"),
        ("drawn with somebody else than the second", (FIRST,), (OTHER,), "record-logged"),
    ):
        told = _told(announced, drew)
        told.story.trust_lines += lines(FIRST)
        book.fail(f"four eyes: {name}", expect, "second-signature-missing", file=stories.bundle(told),
                  **stories.make(told, log=None, bundle_only=True))  # fmt: skip
