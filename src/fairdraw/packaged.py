"""The sentences and templates that the package brings along, for whoever renders a page in a program of one's own."""

from functools import lru_cache
from importlib.resources import files

from fairdraw.messages import Catalogue


@lru_cache(maxsize=2)
def catalogue(lang: str) -> Catalogue:
    """Return the library's sentences in "zh" or "en"."""
    return Catalogue.parse((files("fairdraw") / "wording" / f"{lang}.toml").read_bytes(), lang=lang)


@lru_cache(maxsize=1)
def templates() -> dict[str, str]:
    """Return the templates of pages and paper, by name."""
    found = (files("fairdraw") / "templates").iterdir()
    return {item.name: item.read_text("utf-8") for item in found if item.is_file()}
