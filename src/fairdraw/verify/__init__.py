"""Verification of a bundle or a slip: the numbered checks of specs/verification.md, walked in their order.

It reruns the same pure functions that made the draw and compares.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fairdraw.verify.bundles import STEPS, verify_bundle
    from fairdraw.verify.case import LogView
    from fairdraw.verify.fromlog import verify_logged
    from fairdraw.verify.report import CODES, Check, Finding, Report
    from fairdraw.verify.slips import verify_slip
    from fairdraw.verify.whole import HashedLog, WholeLog, hash_log, of_bureau, read_log

# Loaded when asked for: whoever holds one slip does not wait for the rules of whole draws.
_HOMES = {
    "CODES": "report",
    "Check": "report",
    "Finding": "report",
    "LogView": "case",
    "Report": "report",
    "STEPS": "bundles",
    "HashedLog": "whole",
    "WholeLog": "whole",
    "hash_log": "whole",
    "of_bureau": "whole",
    "read_log": "whole",
    "verify_bundle": "bundles",
    "verify_logged": "fromlog",
    "verify_slip": "slips",
}

__all__ = [
    "CODES",
    "STEPS",
    "Check",
    "Finding",
    "HashedLog",
    "LogView",
    "Report",
    "WholeLog",
    "hash_log",
    "of_bureau",
    "read_log",
    "verify_bundle",
    "verify_logged",
    "verify_slip",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"fairdraw.verify.{_HOMES[name]}"), name)
    raise AttributeError(name)
