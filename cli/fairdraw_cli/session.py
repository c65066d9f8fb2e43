"""What one call of the command knows: its language, its folder, and how it answers."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final, Protocol

import click

from fairdraw.encoding import parse_time
from fairdraw.errors import WorkspaceError
from fairdraw.messages import Catalogue

LANGUAGES: Final = ("zh", "en")
CHINA: Final = timezone(timedelta(hours=8))  # no summer time


class Place(Protocol):
    """A log's place in a rehearsal or not."""

    @property
    def rehearsal(self) -> bool:
        """Whether clocks may be set here."""


def default_language(environment: Mapping[str, str] = os.environ) -> str:
    """Return "zh" for a Chinese locale, else "en"; as with gettext the first variable that is set decides."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return "zh" if value.startswith("zh") else "en"
    return "en"


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(lang: str) -> Catalogue:
    """Return all sentences of a language: those of the library, and those of the commands."""
    from importlib.resources import files  # it takes longer to load than the first page to print

    ours = (files("fairdraw_cli") / "data" / f"wording.{lang}.toml").read_bytes()
    theirs = (files("fairdraw") / "wording" / f"{lang}.toml").read_bytes()
    return Catalogue.parse(theirs, lang=lang).extended(Catalogue.parse(ours, lang=lang))


@dataclass
class Session:
    """One call: `json` asks for an answer that a program reads, `clock` is a rehearsal's time."""

    lang: str = field(default_factory=default_language)
    folder: Path = Path()
    json: bool = False
    clock: str | None = None

    @property
    def words(self) -> Catalogue:
        """The sentences of the session's language."""
        return catalogue(self.lang)

    @cached_property
    def _started(self) -> int:
        return int(time.time())

    def now(self, place: Place) -> int:
        """Return the time in POSIX seconds: the real one, or in a rehearsal the one of `--clock`.

        Raises:
            WorkspaceError: `clock-outside-rehearsal`.
            EncodingError: `not-a-time`.
        """
        if self.clock is None:
            return self._started
        if not place.rehearsal:
            # Whoever sets the clock could date an announcement back (attack 20).
            raise WorkspaceError("clock-outside-rehearsal", found=self.clock)
        return parse_time(self.clock)

    def word(self, key: str, /, **params: object) -> str:
        """Return the sentence `section.code` without printing it."""
        section, _, code = key.rpartition(".")
        return self.words.say(section, code, **params)

    def say(self, key: str, /, **params: object) -> None:
        """Print a sentence, unless a program reads the answer."""
        self.line(self.word(key, **params))

    def line(self, text: str = "") -> None:
        """Print a line, unless a program reads the answer."""
        if not self.json:
            click.echo(text)

    def note(self, key: str, /, **params: object) -> None:
        """Print a sentence on standard error: what a person should know beside the answer."""
        click.echo(self.word(key, **params), err=True)

    def answer(self, value: Mapping[str, object]) -> None:
        """Print the answer as one line of JSON, if a program reads it."""
        if self.json:
            click.echo(json.dumps(value, ensure_ascii=False, sort_keys=True))

    def time(self, seconds: int) -> str:
        """Return a time as people read it: Beijing time in Chinese, UTC in English."""
        zone = CHINA if self.lang == "zh" else UTC
        return self.word("time.shown", time=datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M:%S"))

    def table(self, rows: list[tuple[str, ...]]) -> None:
        """Print rows in columns that line up, also where characters are two columns wide."""
        widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
            self.line("  " + "  ".join(cells).rstrip())


def _width(text: str) -> int:
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
