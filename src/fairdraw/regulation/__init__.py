"""Regulations as data: what a document states, each value with its article. specs/regulation.md.

`parse` reads what people write, `artifact_bytes` and `read_artifact` are what is served and verified, `departures`
tells where a derived regulation is stricter or laxer than its parent. Applying the rules is left to plans, draws and
audits.
"""

from fairdraw.regulation.derive import Departure, check_derived, departures
from fairdraw.regulation.form import artifact_bytes, digest, parse, read_artifact
from fairdraw.regulation.genuine import GENUINE, check_foundation, parents_of
from fairdraw.regulation.provisions import (
    Chosen,
    Cited,
    Coded,
    Duty,
    GradeFactor,
    Item,
    Lenient,
    Named,
    Provision,
    RatioLimit,
)
from fairdraw.regulation.reading import READINGS
from fairdraw.regulation.schema import Regulation

__all__ = [
    "GENUINE",
    "READINGS",
    "Chosen",
    "Cited",
    "Coded",
    "Departure",
    "Duty",
    "GradeFactor",
    "Item",
    "Lenient",
    "Named",
    "Provision",
    "RatioLimit",
    "Regulation",
    "artifact_bytes",
    "check_derived",
    "check_foundation",
    "departures",
    "digest",
    "parents_of",
    "parse",
    "read_artifact",
]
