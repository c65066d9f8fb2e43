"""What is fuzzed: a name, a function that takes any bytes, and nothing else.

A target returns on bytes that are refused with the package's own error, and on bytes that are accepted and written
back as they were. Everything else is a finding: another exception, or a value with a second spelling.
"""

from collections.abc import Callable
from importlib import import_module

Run = Callable[[bytes], None]

# By module, so that fuzzing the log does not wait for the draw to load.
NAMES = {
    "log": (
        "base64", "decimal", "note", "signature", "vkey", "skey", "checkpoint", "open", "cosignatures", "policy",
        "proof", "tile-path", "bundle", "hashes", "index", "frozen", "fork", "memory", "request", "answer", "witness",
        "files", "copy",
    ),
    "sites": ("log-site", "witness-site"),
    "terms": ("filter", "calendar"),
    "rules": ("regulation", "regulation-artifact"),
    "sources": ("nist", "events"),
    "acts": ("act", "outcomes", "items"),
    "draw": (
        "json", "row", "time", "statement", "entry", "trust", "file", "verify", "roster", "recusals", "exclusions",
        "results", "openings", "scanned", "pulse", "map", "numbers", "csv", "sheet", "sheet-ods", "sheet-xls",
        "proposal", "pairs", "form", "settings", "logs", "address", "catalogue",
    ),
}  # fmt: skip

# Bytes; a bundle of a small draw has some 20,000, and a longer text of most formats is only more of the same lines.
MAX_LEN = dict.fromkeys(
    ("copy", "files", "request", "sheet", "sheet-ods", "sheet-xls", "witness", "witness-site"), 16_384
)
MAX_LEN |= dict.fromkeys(
    ("calendar", "catalogue", "form", "map", "regulation", "regulation-artifact", "settings"), 8192
)  # Python reads no number of 4,300 digits
MAX_LEN |= dict.fromkeys(("file", "verify"), 65_536)
DEFAULT_MAX_LEN = 4096


class FindingError(AssertionError):
    """Bytes were accepted that are not the one spelling of what they mean."""


def load(name: str) -> Run:
    """Return a target."""
    (module,) = (module for module, names in NAMES.items() if name in names)
    targets: dict[str, Run] = import_module(f"fuzz.targets.{module}").TARGETS
    return targets[name]


def every_name() -> list[str]:
    """Return the names of all targets."""
    return [name for names in NAMES.values() for name in names]


def same(found: object, expected: object) -> None:
    """Report a finding unless the two are equal."""
    if found != expected:
        raise FindingError(f"found {found!r:.2000}, expected {expected!r:.2000}")
