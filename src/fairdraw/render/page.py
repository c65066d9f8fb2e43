"""Records, slips and notices as printable HTML pages: no script, no link, nothing fetched.

The templates are an argument; they are filled by jinja2 with escaping on, so that no value becomes markup (attack 46).
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from io import BytesIO
from typing import Any, Final

import segno
from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from fairdraw import slipcode
from fairdraw.messages import Catalogue
from fairdraw.render.notice import Notice
from fairdraw.render.sheet import Sheet
from fairdraw.render.slipsheet import SlipSheet
from fairdraw.render.text import shown
from fairdraw.values import HASH

TEMPLATES: Final = ("record.html", "slip.html", "notice.html", "paper-parts.html", "paper.css")

MODULE: Final = 0.62  # mm, of the codes that hold a slip: read back from 100 dpi, which is a poor copy
ROOM: Final = 11_744  # bits of data in version 27, level L (ISO/IEC 18004, table 7): two stand side by side on A4
MAX_CODES: Final = 4  # on one page


def record_html(sheet: Sheet, templates: Mapping[str, str], catalogues: Sequence[Catalogue]) -> str:
    """Return the page; `catalogues` are the languages in their order on the sheet, Chinese first."""
    return _fill("record.html", templates, catalogues, sheet=sheet, qr=qr_svg(sheet.link))


def slips_html(
    sheets: Sequence[SlipSheet], templates: Mapping[str, str], catalogues: Sequence[Catalogue], *, name: str
) -> str:
    """Return one page of slips, each on sheets of its own; `name` is what the page is called beside its title."""
    slips = [(sheet, qr_svg(sheet.link), code_svgs(sheet)) for sheet in sheets]
    return _fill("slip.html", templates, catalogues, slips=slips, title=name)


def notices_html(
    notices: Sequence[Notice], templates: Mapping[str, str], catalogues: Sequence[Catalogue], *, name: str
) -> str:
    """Return one page of notices, each on sheets of its own."""
    papers = [(notice, qr_svg(notice.link)) for notice in notices]
    return _fill("notice.html", templates, catalogues, papers=papers, title=name)


def _fill(name: str, templates: Mapping[str, str], catalogues: Sequence[Catalogue], **values: Any) -> str:
    environment = Environment(
        loader=DictLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.tests["hash"] = lambda value: isinstance(value, str) and HASH.fullmatch(value) is not None
    environment.filters["shown"] = lambda value: shown(value, catalogues)
    style = f"\n{templates['paper.css']}"
    return environment.get_template(name).render(
        **values,
        catalogues=catalogues,
        style=Markup(templates["paper.css"]),  # noqa: S704 - the package's own style sheet
        # The policy lets in this one style sheet, by its hash, and nothing else.
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
    )


def qr_svg(content: str) -> Markup:
    """Return a QR code of a text as an SVG element; level Q bears a stamp or a fold across a quarter of it."""
    return _svg(segno.make(content, error="q", micro=False), "qr", omitsize=True)


def codes_of(sheet: SlipSheet) -> list[segno.QRCode]:
    """Return the codes that hold a slip's file, none where they would not fit on a page (specs/slip.md §6)."""
    if sheet.codes is None:
        return []
    [whole] = slipcode.encode(sheet.codes)
    # Four bits name a segment's kind, 16 and 14 its length; a character takes eight, three digits ten.
    room = (ROOM - 2 * 4 - 16 - 14 - 8 * len(f"{sheet.verifier}#z=")) * 3 // 10 - slipcode.HEADER
    count = -(-(len(whole) - slipcode.HEADER - 2) // room)
    if count > MAX_CODES:
        return []
    return [_code(sheet.verifier, part) for part in slipcode.encode(sheet.codes, count)]


def code_svgs(sheet: SlipSheet) -> list[Markup]:
    """Return those codes as drawings for a page."""
    return [_svg(code, "code", scale=MODULE, unit="mm") for code in codes_of(sheet)]


def _code(verifier: str, part: str) -> segno.QRCode:
    # Two segments: a digit among digits takes 3⅓ bits, in a text of other characters eight.
    segments = [f"{verifier}#{part[:2]}", part[2:]]
    # Compressed data look like chance already: no mask is better than another, and trying all takes most of the time.
    return segno.make(segments, error="l", micro=False, mask=0)  # type: ignore[arg-type] # its stub knows one segment only


def _svg(code: segno.QRCode, name: str, **options: Any) -> Markup:
    out = BytesIO()
    code.save(out, kind="svg", xmldecl=False, svgns=True, nl=False, border=4, svgclass=name, lineclass=None, **options)
    return Markup(out.getvalue().decode("ascii"))  # noqa: S704 - segno's own drawing: modules of the code, no text
