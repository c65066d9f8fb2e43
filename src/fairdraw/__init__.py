"""fairdraw: draws that anybody can check.

A draw is announced in a public log before its randomness exists, and is a pure function of what was announced. The
verbs are `freeze`, `announce`, `draw_lots` and `verify_bundle`; docs/architecture.md shows how they follow each other.
A program of one's own makes whole draws with a `Bureau` and shows them with a `Casebook` (docs/embedding.md).

Threads: every value here never changes and may be shared, and every function may be called from any number of threads.
Only a `Bureau` and a `Casebook` remember what they have read, and are used by one thread at a time.

It prints nothing and logs to `fairdraw.*` by `logging`: entries by type and number, relays by host; never a field of a
registry and never a secret.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fairdraw.announcement import announce
    from fairdraw.beacon import Pulse
    from fairdraw.bundle import Bundle, Slip, read_file
    from fairdraw.bureau import Bureau
    from fairdraw.casebook import Casebook
    from fairdraw.draw import Outcome, draw_lots
    from fairdraw.errors import Error
    from fairdraw.fetch import fetch_pulse
    from fairdraw.messages import Catalogue
    from fairdraw.packaged import catalogue, templates
    from fairdraw.record import Record
    from fairdraw.registry import Registry, load_map, read_registry, read_rows
    from fairdraw.regulation import Regulation
    from fairdraw.render import record_text, report_text
    from fairdraw.render.page import record_html
    from fairdraw.schema import Announcement, Plan
    from fairdraw.snapshot import Snapshot, freeze
    from fairdraw.statement import Entry
    from fairdraw.trust import Trust, parse_trust
    from fairdraw.verify import LogView, Report, verify_bundle, verify_slip

# Where each name lives: loaded when it is asked for, so that importing one thing does not load everything.
_HOMES = {
    "Announcement": "schema",
    "Bundle": "bundle",
    "Bureau": "bureau",
    "Casebook": "casebook",
    "Catalogue": "messages",
    "Entry": "statement",
    "Error": "errors",
    "LogView": "verify",
    "Outcome": "draw",
    "Plan": "schema",
    "Pulse": "beacon",
    "Record": "record",
    "Registry": "registry",
    "Regulation": "regulation",
    "Report": "verify",
    "Slip": "bundle",
    "Snapshot": "snapshot",
    "Trust": "trust",
    "announce": "announcement",
    "catalogue": "packaged",
    "draw_lots": "draw",
    "fetch_pulse": "fetch",
    "freeze": "snapshot",
    "load_map": "registry",
    "parse_trust": "trust",
    "read_file": "bundle",
    "read_registry": "registry",
    "read_rows": "registry",
    "record_html": "render.page",
    "record_text": "render",
    "report_text": "render",
    "templates": "packaged",
    "verify_bundle": "verify",
    "verify_slip": "verify",
}

__all__ = [
    "Announcement",
    "Bundle",
    "Bureau",
    "Casebook",
    "Catalogue",
    "Entry",
    "Error",
    "LogView",
    "Outcome",
    "Plan",
    "Pulse",
    "Record",
    "Registry",
    "Regulation",
    "Report",
    "Slip",
    "Snapshot",
    "Trust",
    "announce",
    "catalogue",
    "draw_lots",
    "fetch_pulse",
    "freeze",
    "load_map",
    "parse_trust",
    "read_file",
    "read_registry",
    "read_rows",
    "record_html",
    "record_text",
    "report_text",
    "templates",
    "verify_bundle",
    "verify_slip",
]

# What is logged is for the program around this package to show, or not.
logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"fairdraw.{_HOMES[name]}"), name)
    raise AttributeError(name)


def __dir__() -> list[str]:
    return __all__
