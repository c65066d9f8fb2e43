"""Whether a regulation is what its name says: specs/regulation.md §6.4, §7.

A reader who finds the id of a known one under another digest holds an altered copy: the name must not vouch for it.
"""

from collections.abc import Mapping
from typing import Final

from fairdraw import encoding
from fairdraw.errors import RegulationError
from fairdraw.regulation.derive import check_derived
from fairdraw.regulation.form import read_artifact
from fairdraw.regulation.schema import Regulation

GENUINE: Final[Mapping[str, str]] = {
    "shandong-2020": "2a6491efbd831a92276417d2bd106c50b793cfd7b79f3f845fdb29fa76fd2dff",
    "shuozhou-2023": "8d39927d115fa7ad7a7e825fbda52c769fcdf29caef5596a8e02bd336961a327",
    "laiyuan": "36227a81de6042a57398872080e00c1484d506ff48814017e2ca0c2bbdfc6e3a",
    "shanghai-2024": "9c7b2fbe3ea4fe7460c4ceb11f5a2030fe9dbcf1abc7b314e73a256928953e11",
    "plan-2025": "f0ebee4fa05f191fb85b365e7924ffbfca041013e303f0aabcbf1fa5284496e2",
}


def check_foundation(known: Regulation, *, digest: str, parent: bytes | None) -> str | None:
    """Check that a regulation is what its name says, or derives from one that is; returns the id of the genuine one.

    `digest` is its artifact's, `parent` the artifact that it derives from. None is returned where neither it nor its
    parent has the id of a regulation that comes with this version: a bureau's own from the ground up.

    Raises:
        RegulationError: `regulation-not-genuine`, `regulation-parent-missing`, or as `check_derived`.
    """
    if known.extends is None:
        return _genuine(known.id, digest)
    if known.id in GENUINE:
        raise RegulationError("regulation-not-genuine", found=known.id)
    if parent is None:
        raise RegulationError("regulation-parent-missing", expected=known.extends.digest, found=known.extends.id)
    above = read_artifact(parent, name=known.extends.id)
    named = encoding.digest(parent)
    check_derived(above, known, file=known.id, digest=named)
    return _genuine(above.id, named)


def parents_of(data: bytes) -> list[str]:
    """Return the digest of what a regulation's artifact derives from, in a list; none where it derives from nothing."""
    try:
        known = read_artifact(data)
    except RegulationError:
        return []
    return [] if known.extends is None else [known.extends.digest]


def _genuine(name: str, digest: str) -> str | None:
    """Return a name that comes with this version, if the digest is its own: an altered copy must not go by it."""
    if name in GENUINE and GENUINE[name] != digest:
        raise RegulationError("regulation-not-genuine", expected=GENUINE[name], found=name)
    return name if name in GENUINE else None
