"""What is set in type: records, slips and notices as plain data, for `record.typ`, `slips.typ` and `notices.typ`.

The data are JSON and nothing else: a template shows them and never runs them, so that no name becomes markup (attack
46). A value is `{"text": …}`, `{"hash": …}` or `{"words": […]}`, and words are a list: one sentence a language, Chinese
first.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import segno

from fairdraw.messages import Catalogue, visible
from fairdraw.render.columns import cells
from fairdraw.render.notice import Notice
from fairdraw.render.page import MODULE, codes_of, qr_svg
from fairdraw.render.parts import Phrase, Section, Shown
from fairdraw.render.sheet import Sheet
from fairdraw.render.slipsheet import SlipSheet
from fairdraw.values import HASH

BORDER: Final = 4  # modules: ISO/IEC 18004, 6.3.8
# Widths are counted in cells of a terminal, of which a Chinese character takes two.
ROOM: Final = 100  # in a line of a table on A4
GAP: Final = 2  # between columns
NARROWEST: Final = 8  # a header of four characters
WIDEST: Final = 36
TICKET: Final = 16
CAPITALS: Final = 1.15  # some letters are wider than digits
HASH_SCALE: Final = 0.6  # a hash is printed smaller than what stands around it

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Setter:
    """Writes everything in every language, in their order on the paper."""

    catalogues: Sequence[Catalogue]

    def words(self, section: str, code: str, **params: object) -> list[str]:
        return [one.say(section, code, **params) for one in self.catalogues]

    def phrase(self, phrase: Phrase) -> list[str]:
        return [one.tell(phrase.section, phrase.code, phrase.params) for one in self.catalogues]

    def value(self, shown: Shown) -> Data:
        if isinstance(shown, Phrase):
            return {"words": self.phrase(shown)}
        return {"hash": shown} if HASH.fullmatch(shown) else {"text": visible(shown)}

    def section(self, section: Section) -> Data:
        header = [self.words("sheet", code) for code in section.header]
        rows = [[self.value(cell) for cell in row] for row in section.rows]
        return {
            "code": section.code,
            "title": self.words("sheet", section.code),
            "facts": [{"title": self.words("sheet", code), "value": self.value(v)} for code, v in section.facts],
            "header": header if rows else [],
            "widths": _widths(header, rows),
            "rows": [{"cells": row} for row in rows],
            "commands": [
                {"title": self.words("sheet", one.code), "line": visible(one.line), "prints": one.prints}
                for one in section.commands
            ],
            "notes": [self.phrase(note) for note in section.notes],
        }

    def identity(self, paper: Sheet | SlipSheet | Notice) -> Data:
        """Return what tells one paper from every other: who drew, the fingerprint, the whole hash and the code."""
        return {
            "bureau": visible(paper.bureau),
            "fingerprint": paper.fingerprint,
            "hash": paper.text_hash,
            "link": paper.link,
            "qr": str(qr_svg(paper.link)),
            "rehearsal": paper.rehearsal,
            "sections": [self.section(section) for section in paper.sections],
        }

    def document(self, kind: str, title: str, papers: list[Data]) -> Data:
        """Return what a template gets; `kind` is a section of the catalogues, `title` is the file's."""
        labels = ("bureau", "fingerprint", "text-hash", "prints", "signed", "date", "signatures")
        return {
            "title": title,
            "lang": self.catalogues[0].lang,
            "watermark": self.words("sheet", "watermark"),
            "rehearsal": self.words(kind, "rehearsal"),
            "labels": {code: self.words("sheet", code) for code in labels},
            # The template counts the pages: `{page}` and `{pages}` stay as they are.
            "page": self.words("sheet", "page", page="{page}", pages="{pages}"),
            "papers": papers,
        }


def record_data(sheet: Sheet, catalogues: Sequence[Catalogue]) -> Data:
    """Return a record for `record.typ`; `catalogues` are the languages in their order, Chinese first."""
    setter = _Setter(catalogues)
    title = setter.words("sheet", "title")
    paper = setter.identity(sheet) | {
        "title": title,
        "scan": setter.words("sheet", "scan"),
        "compare": setter.words("sheet", "compare"),
        "seats": [setter.words("role", role) for role in sheet.roles],
    }
    return setter.document("sheet", f"{title[0]} {sheet.fingerprint}", [paper])


def slips_data(sheets: Sequence[SlipSheet], catalogues: Sequence[Catalogue], *, name: str) -> Data:
    """Return slips for `slips.typ`, each on the two sides of a sheet of its own."""
    setter = _Setter(catalogues)
    title = setter.words("paper", "title")
    return setter.document("paper", f"{title[0]} {name}", [_slip(setter, sheet) | {"title": title} for sheet in sheets])


def _slip(setter: _Setter, sheet: SlipSheet) -> Data:
    codes = [_picture(code) for code in codes_of(sheet)]
    how = ("codes-how", "codes-own" if sheet.own else "codes-whole") if codes else ("codes-none",)
    return setter.identity(sheet) | {
        "no": sheet.no,
        "says": setter.phrase(sheet.says),
        "scan": setter.words("paper", "scan"),
        "own": setter.words("paper", "own") if sheet.own else None,
        "access": setter.section(sheet.access),
        "back": setter.words("paper", "codes"),
        "sealed": sheet.codes is None,
        "codes": codes,
        "how": [setter.words("paper", code, count=len(codes), file=sheet.file) for code in how],
    }


def _picture(code: segno.QRCode) -> Data:
    """Return a code as the bytes of a PNG, a pixel a module: thousands of them drawn as lines make a file too large."""
    out = BytesIO()
    code.save(out, kind="png", scale=1, border=BORDER)
    return {"png": list(out.getvalue()), "millimetres": MODULE * (code.symbol_size(border=0)[0] + 2 * BORDER)}


def notices_data(notices: Sequence[Notice], catalogues: Sequence[Catalogue], *, name: str) -> Data:
    """Return notices for `notices.typ`, each beginning a page."""
    setter = _Setter(catalogues)
    title = setter.words("notice", "title")
    papers = [
        setter.identity(one)
        | {
            "title": title,
            "no": one.no,
            "secrecy": setter.phrase(one.secrecy),
            "to": setter.phrase(one.to),
            "lead": setter.phrase(one.lead),
            "scan": setter.words("paper", "scan"),
            "receipt": setter.words("notice", "receipt"),
            "seats": [setter.words("notice", seat) for seat in one.seats],
        }
        for one in notices
    ]
    return setter.document("notice", f"{title[0]} {name}", papers)


def _widths(header: Sequence[Sequence[str]], rows: Sequence[Sequence[Mapping[str, Any]]]) -> list[float]:
    """Return how wide the columns are to each other: each has what it cannot break, and of the rest what it wants."""
    names = [cells(one[0]) for one in header if rows]
    columns = [[row[at] for row in rows] for at in range(len(names))]
    least = [max(min(name, NARROWEST), *map(_unbroken, told)) + GAP for name, told in zip(names, columns, strict=True)]
    wanted = [max(name, *map(_wide, told)) + GAP for name, told in zip(names, columns, strict=True)]
    if sum(wanted) <= ROOM:
        return wanted
    share = max(0, ROOM - sum(least)) / max(sum(wanted) - sum(least), 1)
    return [low + (high - low) * share for low, high in zip(least, wanted, strict=True)]


def _wide(value: Mapping[str, Any]) -> float:
    if "hash" in value:
        return len(value["hash"]) * HASH_SCALE
    return min(max(cells(_first(value)), _unbroken(value)), WIDEST)


def _unbroken(value: Mapping[str, Any]) -> float:
    """Return how long the longest piece is that looks bad on two lines: a number, a ticket."""
    if "hash" in value:
        return WIDEST * HASH_SCALE
    words = [word for word in _first(value).split() if word.isascii()]
    # A number stays whole; a name made of words may end a line at its hyphen.
    pieces = [piece for word in words for piece in ([word] if any(map(str.isdigit, word)) else word.split("-"))]
    return max((len(piece) * CAPITALS for piece in pieces if len(piece) <= TICKET), default=0)


def _first(value: Mapping[str, Any]) -> str:
    return str(value["words"][0] if "words" in value else value["text"])


def passages(data: object, where: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield every text that a template gets, and in words where on the paper it stands."""
    match data:
        case str():
            yield " · ".join(where), data
        case {"cells": [first, *_] as row}:
            at = next(iter(first.values()))
            yield from passages(row, (*where, at if isinstance(at, str) else at[0]))
        case dict():
            named = data.get("no") or data.get("title")
            if named:
                where = (*where, named if isinstance(named, str) else named[0])
            for key, value in data.items():
                if key not in {"qr", "codes", "link"}:  # drawings, and what they say
                    yield from passages(value, where)
        case list():
            for value in data:
                yield from passages(value, where)


def characters(text: str) -> Iterator[str]:
    """Yield what needs a glyph of its own: a letter and the marks upon it are one where Unicode has one for both."""
    for character in unicodedata.normalize("NFC", text):
        if character != "\n":
            yield character
