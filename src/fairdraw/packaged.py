"""The sentences and templates that the package brings along, for whoever renders a page in a program of one's own."""

from functools import lru_cache
from pathlib import Path
from typing import Final

from fairdraw.messages import Catalogue

PACKAGE: Final = Path(__file__).parent


@lru_cache(maxsize=2)
def catalogue(lang: str) -> Catalogue:
    """Return the library's sentences in "zh" or "en"."""
    return Catalogue.parse((PACKAGE / "wording" / f"{lang}.toml").read_bytes(), lang=lang)


@lru_cache(maxsize=1)
def templates() -> dict[str, str]:
    """Return the templates of pages and paper, by name."""
    found = (PACKAGE / "templates").iterdir()
    return {item.name: item.read_text("utf-8") for item in found if item.is_file()}
