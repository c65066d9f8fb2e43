"""What people see of a draw: a verification's report, and the record (抽取记录) as text and as a printable page.

Pure functions from values and sentences to text: nothing is read, written or asked here, and equal inputs give equal
bytes. The modules: `report` (verdict and checks), `sheet` (what a record shows, without words), `text` and `page` (the
record in 80 columns, and as HTML; `page` alone needs jinja2 and segno, so it is imported by itself).
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fairdraw.render.access import Access
    from fairdraw.render.parts import Command, by_hand, fingerprint, local_time
    from fairdraw.render.report import report_text
    from fairdraw.render.sheet import Cosigners, Sheet, make_sheet
    from fairdraw.render.text import record_text

# Loaded when asked for: the report on a slip needs nothing of what a record shows.
_HOMES = {
    "Access": "access",
    "Command": "parts",
    "Cosigners": "sheet",
    "Sheet": "sheet",
    "by_hand": "parts",
    "fingerprint": "parts",
    "local_time": "parts",
    "make_sheet": "sheet",
    "record_text": "text",
    "report_text": "report",
}

__all__ = [
    "Access",
    "Command",
    "Cosigners",
    "Sheet",
    "by_hand",
    "fingerprint",
    "local_time",
    "make_sheet",
    "record_text",
    "report_text",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"fairdraw.render.{_HOMES[name]}"), name)
    raise AttributeError(name)
