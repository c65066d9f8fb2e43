"""With what a reader checks a draw: the public address, the released verifier pages, the trust file.

Who serves a page chooses what it says (attack 44). Paper cannot be changed afterwards, so it says which page is meant.
"""

from dataclasses import dataclass

from fairdraw.render.parts import Phrase, Section
from fairdraw.schema import VerifierRelease
from fairdraw.statement import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The address of the public site, None where there is none; the SHA-256 of the trust file; the newest releases."""

    site: str | None
    trust: str
    releases: tuple[Entry, ...]

    def section(self) -> Section:
        """Return the part of a record or slip that says what to compare a page and a trust file with."""
        page = "compare-page" if self.releases else "no-release"
        return Section(
            code="access",
            facts=(("site", self.site or Phrase("word", "none")), ("trust-digest", self.trust)),
            header=("released-by", "version", "page-digest", "entry"),
            rows=tuple(map(_row, self.releases)),
            notes=(Phrase("sheet", page), Phrase("sheet", "compare-trust")),
        )


def _row(entry: Entry) -> tuple[str, ...]:
    said = entry.of(VerifierRelease)
    return said.by, said.version, said.page.digest, f"{entry.index}"
