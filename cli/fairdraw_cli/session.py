"""What one call of the command knows: its language, its folder, and how it answers."""

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final, Protocol

import click

from fairdraw import packaged
from fairdraw.encoding import LAST_TIME, format_time, parse_time
from fairdraw.errors import EncodingError, WorkspaceError
from fairdraw.messages import Catalogue, Coded, fields

LANGUAGES: Final = ("zh", "en")
DATA: Final = Path(__file__).with_name("data")
WAIT: Final = 30  # seconds
DOES_NOT_HOLD: Final = 1
CANNOT_TELL: Final = 3
PROGRESS: Final = "FAIRDRAW_PROGRESS"  # the number of a descriptor on which whoever started this wants to be told
CHINA: Final = timezone(timedelta(hours=8))  # no summer time
# A day before years need five digits: Beijing's clock is ahead, and rounds and limits lie after the clock.
LAST_CLOCK: Final = LAST_TIME - 24 * 3600


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
    ours = (DATA / f"wording.{lang}.toml").read_bytes()
    return packaged.catalogue(lang).extended(Catalogue.parse(ours, lang=lang))


@dataclass
class Session:
    """One call: `json` asks for an answer that a program reads, `clock` is a rehearsal's time.

    `wait` is for how many seconds witnesses are waited for, 0 where nobody is asked.
    """

    lang: str = field(default_factory=default_language)
    folder: Path = Path()
    json: bool = False
    clock: str | None = None
    wait: int = WAIT
    answered: bool = False

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
            WorkspaceError: `clock-outside-rehearsal`, or `clock-too-late`.
            EncodingError: `not-a-time`.
        """
        if self.clock is None:
            return self._started
        if not place.rehearsal:
            # Whoever sets the clock could date an announcement back (attack 20).
            raise WorkspaceError("clock-outside-rehearsal", found=self.clock)
        told = parse_time(self.clock)
        if told > LAST_CLOCK:
            raise WorkspaceError("clock-too-late", expected=format_time(LAST_CLOCK), found=self.clock)
        return told

    def word(self, key: str, /, **params: object) -> str:
        """Return the sentence `section.code` without printing it."""
        section, _, code = key.rpartition(".")
        return self.words.say(section, code, **params)

    def role(self, role: str) -> str:
        """Return what people call a role of the trust file; one that no document knows is its own word."""
        return self.words.say("role", role) if self.words.has("role", role) else role

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

    def progress(self, done: int, total: int | None, what: str) -> None:
        """Tell the program that started this one how far it is, if it asked: `done` of `total`, None where unknown."""
        if descriptor := os.environ.get(PROGRESS):
            line = json.dumps({"done": done, "total": total, "what": what})
            with suppress(OSError, ValueError):  # nobody listens any more: the work goes on
                os.write(int(descriptor), f"{line}\n".encode())

    def answer(self, value: Mapping[str, object]) -> None:
        """Print the answer as one line of JSON, if a program reads it."""
        if self.json:
            click.echo(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str))
            self.answered = True

    def failed(self, code: str, params: Mapping[str, object]) -> None:
        """Tell a program what went wrong, unless its one line is out already."""
        if not self.answered:
            self.answer({"error": {"code": code, "params": dict(params)}})

    def error(self, error: Coded) -> str:
        """Return the sentence of an error, with its times as people read them and a reason that is a code in words."""
        return self.words.tell("error", error.code, {n: self._shown(error, n, v) for n, v in error.params.items()})

    def _shown(self, error: Coded, name: str, value: object) -> object:
        if error.code == "wrong-role":
            match name, value:
                case "type", str():
                    return self.word(f"statement.{value}")
                case "found", str():
                    return self.words.say("field", "bureau") if value == "bureau" else self.role(value)
                case "expected", list():
                    return [self.role(str(one)) for one in value]
        if not isinstance(value, str):
            return value
        if name == "expected" and error.code.startswith("map-") and self.words.has("expected", value):
            return self.words.say("expected", value)
        code = value.partition(":")[0]
        if name == "reason" and self.words.has("error", code) and not fields(self.words.sections["error"][code]):
            return self.words.say("error", code)
        try:
            return self.time(parse_time(value))
        except EncodingError:
            return value

    def time(self, seconds: int) -> str:
        """Return a time as people read it: Beijing time in Chinese, UTC in English."""
        if seconds > LAST_CLOCK:
            return self.word("time.too-late")
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
