"""The site's Atom feed (RFC 4287): what happened to draws, so that nobody has to come and look.

Identities are made from the log's origin and the text hash of the entry that is told of, and times are those by which a
quorum had seen it: a rebuilt site, or a copy of it elsewhere, tells the same events, and no reader hears of one twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as Tree

from fairdraw.encoding import end_of_day, format_time
from fairdraw.messages import Catalogue, visible
from fairdraw.schema import Until
from fairdraw.site.register import Gap, Register, Row

ATOM: Final = "http://www.w3.org/2005/Atom"
_NO_XML: Final = {0xFFFE: "\\u{fffe}", 0xFFFF: "\\u{ffff}"}  # XML 1.0 §2.2: with one of them nobody could read the feed
NEWEST: Final = 100  # entries; a reader that comes once a month misses none of a busy bureau's


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a draw: `name` tells events of one entry apart, `code` is its sentence."""

    index: int
    time: int
    text: str
    code: str
    row: Row | Gap


def events(register: Register) -> list[Event]:
    """Return what happened, the newest first."""
    told = [event for row in register.rows for event in _of(row)]
    return sorted(told, key=lambda event: (event.time, event.index, event.code), reverse=True)


def _of(row: Row | Gap) -> Iterator[Event]:
    if isinstance(row, Gap):
        yield Event(index=row.index, time=row.shown, text=row.entry.text_hash, code="event-missing", row=row)
        return
    shown = row.ledger.shown
    sealed = isinstance(row.said.disclosure, Until)
    entries = [(row.entry, "event-announced"), (row.draw, "event-sealed" if sealed else "event-drawn"),
               (row.opening, "event-opened"), (row.void, "event-void"),
               *((entry, "event-substituted") for entry in row.substitutions)]  # fmt: skip
    for entry, code in entries:
        if entry is not None:
            yield Event(index=entry.index, time=shown(entry.index), text=entry.text_hash, code=code, row=row)
    if row.state == "overdue":
        late = end_of_day(row.said.disclosure.date) if row.draw and isinstance(row.said.disclosure, Until) else row.due
        yield Event(index=row.index, time=late, text=row.entry.text_hash, code="event-overdue", row=row)


def atom(register: Register, *, title: str, url: str, catalogues: Sequence[Catalogue]) -> bytes:
    """Return the feed's bytes; without an address its links are relative to where it lies."""
    feed = Tree.Element("feed", xmlns=ATOM)
    newest = events(register)[:NEWEST]
    usual = " ".join(one.say("site", "title") for one in catalogues)
    _add(feed, "id", _identity(register.log, "feed"))
    _add(feed, "title", title or usual)
    _add(feed, "updated", format_time(newest[0].time if newest else register.newest.quorum_time or register.as_of))
    author = Tree.SubElement(feed, "author")
    _add(author, "name", register.log)
    Tree.SubElement(feed, "link", rel="self", href=f"{url}feed.atom")
    Tree.SubElement(feed, "link", rel="alternate", type="text/html", href=f"{url}index.html")
    for event in newest:
        _entry(feed, event, register, url=url, catalogues=catalogues)
    Tree.indent(feed, "")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + Tree.tostring(feed, encoding="unicode").encode() + b"\n"


def _entry(feed: Tree.Element, event: Event, register: Register, *, url: str, catalogues: Sequence[Catalogue]) -> None:
    entry = Tree.SubElement(feed, "entry")
    row = event.row
    slots = " ".join(row.said.slots) if isinstance(row, Row) else ""
    rehearsal = register.rehearsal
    said = [
        (one.say("verdict", "rehearsal") if rehearsal else "")
        + one.say("site", event.code, name=_name(row, at), slots=slots, index=event.index)
        for at, one in enumerate(catalogues)
    ]
    where = f"d/{row.index}/" if isinstance(row, Row) else "index.html"
    _add(entry, "id", _identity(register.log, event.text, event.code))
    _add(entry, "title", " / ".join(said))
    _add(entry, "updated", format_time(event.time))
    Tree.SubElement(entry, "link", rel="alternate", type="text/html", href=f"{url}{where}")
    author = Tree.SubElement(entry, "author")
    _add(author, "name", row.entry.statement.bureau)
    _add(entry, "summary", f"{register.log} {event.index} {event.text}")


def _name(row: Row | Gap, language: int) -> str:
    return "" if isinstance(row, Gap) else ", ".join(names[language] for names in row.names)


def _add(parent: Tree.Element, tag: str, text: str) -> None:
    Tree.SubElement(parent, tag).text = visible(text).translate(_NO_XML)


def _identity(*parts: str) -> str:
    """Return an identity that every copy of the site gives to one event (RFC 4122 §4.3: a name-based URN)."""
    return uuid5(NAMESPACE_URL, "fairdraw:" + "#".join(parts)).urn
