"""Sentences for people, in Chinese and English: a code and its parameters become words.

Errors, checks and findings carry stable codes and parameters; the sentences are data, one catalogue a language, so that
a translation can be read and corrected by somebody who reads no Python. A catalogue is TOML: sections of templates. A
template has plain `{name}` fields and nothing else: no attribute, index or format specification is ever evaluated, for
the parameters may come from a stranger's file. Reading the file is done by the caller.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, Self

from fairdraw.errors import EncodingError

_FIELD: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_SENTENCE: Final = re.compile(r"(?:[^{}\n]|\{[a-z][a-z0-9_]*\})+")

# Lines that are surely TOML, and surely what they look like.
_EMPTY: Final = re.compile(r"(?:#[^\x00-\x1f\x7f]*)?")
_SECTION: Final = re.compile(r"\[([a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)?)\]")
_ENTRY: Final = re.compile(r'([A-Za-z0-9_-]+) = ("(?:[^"\\{}\x00-\x1f\x7f]++|\\["\\]|\{[a-z][a-z0-9_]*\})++")')
MAX_SHOWN: Final = 400  # characters of one parameter: a file given by mistake must not be poured out

_UNSHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class Coded(Protocol):
    """An error of either package: a stable code and what was expected and found."""

    code: str
    params: dict[str, object]


@dataclass(frozen=True, slots=True)
class CheckWords:
    """A check in words: its name, what its state means, why it is in that state (or ""), and what a reader can do."""

    title: str
    says: str
    why: str
    do: str


def visible(text: str) -> str:
    r"""Return a text whose control, bidi and other unseen characters are written out as `\u{…}`.

    Else a value in a stranger's file could move the cursor, or turn a line round, and repaint the verdict (attack 46).
    """
    return "".join(
        f"\\u{{{ord(character):x}}}" if unicodedata.category(character) in _UNSHOWN else character for character in text
    )


def fields(template: str) -> set[str]:
    """Return the names of a template's fields."""
    return set(_FIELD.findall(template))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The sentences of one language: templates by section (`error`, or in two parts `check.seed`) and code."""

    lang: str
    sections: Mapping[str, Mapping[str, str]]

    @classmethod
    def parse(cls, data: bytes, *, lang: str) -> Self:
        """Return the catalogue in a TOML file's bytes.

        Raises:
            EncodingError: `not-a-catalogue`: no TOML, something other than text, or a field of another form.
        """
        try:
            text = data.decode("utf-8")
            sections = _plain_sections(text) or dict(_sections(_toml(text)))
        except (ValueError, RecursionError) as error:  # not all that tomllib refuses is a TOMLDecodeError
            raise EncodingError("not-a-catalogue", expected="TOML", found=str(error)) from None
        return cls(lang, sections)

    def extended(self, other: "Catalogue") -> "Catalogue":
        """Return this catalogue with the sentences of another one added, which win."""
        names = {*self.sections, *other.sections}
        merged = {name: {**self.sections.get(name, {}), **other.sections.get(name, {})} for name in names}
        return Catalogue(self.lang, merged)

    def has(self, section: str, code: str) -> bool:
        """Say whether there is a sentence for a code."""
        return code in self.sections.get(section, {})

    def say(self, section: str, code: str, /, **params: object) -> str:
        """Return a sentence; an unknown code is its own, followed by its parameters."""
        template = self.sections.get(section, {}).get(code)
        if template is None:
            return visible(code) + self._beside(params)
        # One pass: a field inside a parameter's own value is never filled.
        return _FIELD.sub(lambda found: self.show(params[found[1]]) if found[1] in params else "?", template)

    def tell(self, section: str, code: str, params: Mapping[str, object], /) -> str:
        """Return a sentence, and after it, by name, every parameter that it does not mention."""
        told = self.say(section, code, **params)
        if not self.has(section, code):
            return told
        named = fields(self.sections[section][code])
        return told + self._beside({name: value for name, value in params.items() if name not in named})

    def error(self, error: Coded) -> str:
        """Return the sentence of an error of `fairdraw` or of `transparency_log`."""
        return self.tell("error", error.code, error.params)

    def reason(self, code: str, evidence: Mapping[str, object]) -> str:
        """Return why a check fails or is not possible: a reason of the checks, or an error that flowed into one."""
        return self.tell("reason" if self.has("reason", code) else "error", code, evidence)

    def check(
        self,
        code: str,
        state: str,
        reason: str = "",
        evidence: Mapping[str, object] | None = None,
        *,
        kind: str = "bundle",
    ) -> CheckWords:
        """Return a check in words; `state` is "holds", "fails", "unknown" or "not-asked".

        A slip's checks see one row, and where they say less than a bundle's, `slip.<code>` has their sentences.
        """
        section = f"{kind}.{code}" if f"{kind}.{code}" in self.sections else f"check.{code}"
        return CheckWords(
            title=self.say(section, "title") if self.has(section, "title") else visible(code),
            says=self.say("word", "not-asked") if state == "not-asked" else self.say(section, state),
            why=self.reason(reason, evidence or {}) if reason else "",
            do=self.say(section, "do") if state in {"fails", "unknown"} and self.has(section, "do") else "",
        )

    def show(self, value: object) -> str:
        """Return a parameter's value as people read it."""
        match value:
            case None:
                return self.say("word", "none")
            case bool():
                return self.say("word", "yes" if value else "no")
            case bytes():
                return value.hex()
            case dict():
                return self._joined(f"{self.say('field', str(name))} {self.show(item)}" for name, item in value.items())
            case list() | tuple() | set() | frozenset():
                items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
                return self._joined(
                    " ".join(self.show(part) for part in item) if isinstance(item, list | tuple) else self.show(item)
                    for item in items
                )
        told = visible(str(value))
        return told if len(told) <= MAX_SHOWN else told[:MAX_SHOWN] + "…"

    def listed(self, params: Mapping[str, object]) -> str:
        """Return parameters by name, each with its value."""
        told = (f"{self.say('field', name)} {self.show(value)}" for name, value in params.items())
        return self.mark("between").join(told)

    def mark(self, code: str) -> str:
        """Return a mark of this language's punctuation, from the section `mark`."""
        return self.sections.get("mark", {}).get(code, " ")

    def _joined(self, items: Iterator[str]) -> str:
        return self.mark("and").join(items) or self.say("word", "none")

    def _beside(self, params: Mapping[str, object]) -> str:
        return self.mark("open") + self.listed(params) + self.mark("close") if params else ""


def _plain_sections(text: str) -> dict[str, Mapping[str, str]] | None:
    """Return the sections of a catalogue that has a sentence a line, which is ten times as quick as all of TOML.

    None where anything is written in another way: then `_sections` says what it is, or what is wrong with it.
    """
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in text.split("\n"):
        if entry := _ENTRY.fullmatch(line):
            code, value = entry.groups()
            if code in section or not sections:
                return None
            section[code] = json.loads(value) if "\\" in value else value[1:-1]
        elif heading := _SECTION.fullmatch(line):
            if heading[1] in sections:
                return None
            section = sections[heading[1]] = {}
        elif not _EMPTY.fullmatch(line):
            return None
    parts = (name.partition(".") for name in sections)
    if any(below in sections.get(above, ()) for above, _, below in parts):
        return None  # one name cannot be a sentence and a section
    return {name: section for name, section in sections.items() if section}


def _toml(text: str) -> dict[str, object]:
    import tomllib  # noqa: PLC0415 - the catalogues of the package are plain

    return tomllib.loads(text)


def _sections(table: Mapping[str, object], above: str = "") -> Iterator[tuple[str, Mapping[str, str]]]:
    sentences = {code: value for code, value in table.items() if not isinstance(value, dict)}
    for code, value in sentences.items():
        if not above or not isinstance(value, str) or not _SENTENCE.fullmatch(value):
            expected = "a section of one-line sentences with plain {name} fields"
            raise EncodingError("not-a-catalogue", expected=expected, found=f"{above}.{code}")
    if sentences:
        yield above, {code: str(value) for code, value in sentences.items()}
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _sections(value, f"{above}.{name}" if above else name)
