"""fairdraw: draws that anybody can check.

A draw is announced in a public log before its randomness exists, and is a pure function of what was announced. The
verbs are `freeze`, `announce`, `draw_lots` and `verify_bundle`; docs/architecture.md shows how they follow each other.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fairdraw.announcement import announce
    from fairdraw.beacon import Pulse
    from fairdraw.bundle import Bundle, Slip, read_file
    from fairdraw.draw import Outcome, draw_lots
    from fairdraw.errors import Error
    from fairdraw.record import Record
    from fairdraw.registry import Registry
    from fairdraw.regulation import Regulation
    from fairdraw.schema import Announcement, Plan
    from fairdraw.snapshot import Snapshot, freeze
    from fairdraw.trust import Trust, parse_trust
    from fairdraw.verify import LogView, Report, verify_bundle, verify_slip

# Where each name lives: loaded when it is asked for, so that importing one thing does not load everything.
_HOMES = {
    "Announcement": "schema",
    "Bundle": "bundle",
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
    "draw_lots": "draw",
    "freeze": "snapshot",
    "parse_trust": "trust",
    "read_file": "bundle",
    "verify_bundle": "verify",
    "verify_slip": "verify",
}

__all__ = [
    "Announcement",
    "Bundle",
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
    "draw_lots",
    "freeze",
    "parse_trust",
    "read_file",
    "verify_bundle",
    "verify_slip",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"fairdraw.{_HOMES[name]}"), name)
    raise AttributeError(name)


def __dir__() -> list[str]:
    return __all__
