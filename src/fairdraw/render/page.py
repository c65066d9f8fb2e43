"""The record as one printable HTML page: no script, no link, nothing fetched.

The template is an argument; it is filled by jinja2 with escaping on, so that no value becomes markup (attack 46).
"""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from io import BytesIO

import segno
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from fairdraw.messages import Catalogue
from fairdraw.render.sheet import Sheet
from fairdraw.render.text import shown


def record_html(sheet: Sheet, template: str, catalogues: Sequence[Catalogue]) -> str:
    """Return the page; `catalogues` are the languages in their order on the sheet, Chinese first."""
    style = template.partition("<style>")[2].partition("</style>")[0]
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["shown"] = lambda value: shown(value, catalogues)
    return environment.from_string(template).render(
        sheet=sheet,
        catalogues=catalogues,
        qr=qr_svg(sheet.code),
        # The policy lets in this one style sheet, by its hash, and nothing else.
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
    )


def qr_svg(content: str) -> Markup:
    """Return a QR code of a text as an SVG element; level Q bears a stamp or a fold across a quarter of it."""
    out = BytesIO()
    segno.make(content, error="q", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=True, nl=False, border=4, omitsize=True, svgclass="qr", lineclass=None
    )
    return Markup(out.getvalue().decode("ascii"))  # noqa: S704 - segno's own drawing: modules of the code, no text
