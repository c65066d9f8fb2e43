"""Who can be drawn at all: the filter of a directed draw (定向抽查), a text that the plan freezes. specs/filter.md.

A filter asks for attributes of the roster and nothing else. It has no functions, patterns or arithmetic, so that
everybody can read what it says, and that whoever runs a stranger's filter runs no code and does bounded work.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from fairdraw import encoding
from fairdraw.errors import EncodingError, FilterError
from fairdraw.values import AttributeType, Scalar

MAX_LENGTH: Final = 2000  # characters: a plan is read by people, and a statement has 65,535 bytes for everything
MAX_DEPTH: Final = 16  # `not`s and brackets around a test: nested deeper nobody reads it, and a reader may recurse
WORDS: Final = frozenset({"and", "false", "in", "not", "null", "or", "true", "under"})


@dataclass(frozen=True, slots=True)
class Equal:
    """`field = value`, where null equals null alone and 1 is never true."""

    field: str
    value: Scalar

    def _passes(self, found: object) -> bool:
        return _same(found, self.value)


@dataclass(frozen=True, slots=True)
class OneOf:
    """`field in {value,…}`; `values` is sorted by `_order`, none twice."""

    field: str
    values: tuple[Scalar, ...]

    def _passes(self, found: object) -> bool:
        return any(_same(found, value) for value in self.values)


@dataclass(frozen=True, slots=True)
class Between:
    """`field in low..high`, `field >= low` or `field <= high`: None is no bound; not of null."""

    field: str
    low: int | None
    high: int | None

    def _passes(self, found: object) -> bool:
        if type(found) is not int:
            return False
        return (self.low is None or self.low <= found) and (self.high is None or found <= self.high)


@dataclass(frozen=True, slots=True)
class Under:
    """`field under "prefix"`: a region and all that lies in it, by the beginning of its code; not of null."""

    field: str
    prefix: str

    def _passes(self, found: object) -> bool:
        return isinstance(found, str) and found.startswith(self.prefix)


@dataclass(frozen=True, slots=True)
class Has:
    """`"value" in field`: the list has the value; null has none."""

    field: str
    value: str

    def _passes(self, found: object) -> bool:
        return isinstance(found, list | tuple) and self.value in found


@dataclass(frozen=True, slots=True)
class Not:
    """`not part`, or `field != value` for the opposite of an `Equal`: so it holds where only the attribute is null."""

    part: "Filter"


@dataclass(frozen=True, slots=True)
class And:
    """`part and part …`: two or more, of which none is an `And`; or no part at all, the filter of the empty text."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """`part or part …`: two or more, of which none is an `Or`."""

    parts: tuple["Filter", ...]


Test = Equal | OneOf | Between | Under | Has
Filter = Test | Not | And | Or

EVERYBODY: Final = And(())  # the empty text: an undirected draw (不定向抽查)


def parse(text: str) -> Filter:
    """Return the filter that a text spells, in the one spelling that `format_filter` gives it (specs/filter.md §2).

    Raises:
        FilterError: `filter-too-long`, `filter-too-deep`, `filter-character`, `filter-syntax`, `filter-integer` or
            `filter-range` with the position, counted from 1; `filter-not-canonical` with the spelling expected.
    """
    if len(text) > MAX_LENGTH:
        raise FilterError("filter-too-long", expected=MAX_LENGTH, found=len(text))
    _check_characters(text)
    known = _Reader(text).whole()
    spelling = format_filter(known)
    if spelling != text:
        # Two plans that mean one thing must not have two hashes.
        raise FilterError("filter-not-canonical", expected=spelling, found=text)
    return known


def _check_characters(text: str) -> None:
    try:
        encoding.check_text(text)
    except EncodingError:
        # A character that is not seen, or turns the line round, would show people another filter than the one applied.
        allowed = encoding.FORBIDDEN.sub("", unicodedata.normalize("NFC", text))
        at = next(i for i, (one, other) in enumerate(zip_longest(text, allowed)) if one != other)
        raise FilterError("filter-character", position=at + 1, found=f"U+{ord(text[at]):04X}") from None


def format_filter(known: Filter) -> str:
    """Return the one spelling of a filter; the inverse of `parse`."""
    match known:
        case And(parts):
            return " and ".join(_bracketed(part, Or) for part in parts)
        case Or(parts):
            # Brackets though `and` binds tighter: whoever reads a plan need not know which does.
            return " or ".join(_bracketed(part, And) for part in parts)
        case Not(Equal(field, value)):
            return f"{field} != {_spelled(value)}"
        case Not(part):
            return f"not {_bracketed(part, And, Or)}"
    return _format_test(known)


def _format_test(test: Test) -> str:
    match test:
        case Equal(field, value):
            return f"{field} = {_spelled(value)}"
        case OneOf(field, values):
            return f"{field} in {{{','.join(map(_spelled, values))}}}"
        case Between(field, low, None):
            return f"{field} >= {low}"
        case Between(field, None, high):
            return f"{field} <= {high}"
        case Between(field, low, high):
            return f"{field} in {low}..{high}"
        case Under(field, prefix):
            return f"{field} under {_spelled(prefix)}"
        case Has(field, value):
            return f"{_spelled(value)} in {field}"


def _bracketed(part: Filter, *loose: type[And | Or]) -> str:
    told = format_filter(part)
    return f"({told})" if isinstance(part, loose) else told


def _spelled(value: Scalar) -> str:
    return encoding.canonical_checked(value).decode()


def check(known: Filter, attrs: Iterable[tuple[str, AttributeType]]) -> None:
    """Check that a filter asks a roster of these attributes for nothing but what it can have (specs/filter.md §4).

    Raises:
        FilterError: `filter-unknown-attribute`, or `filter-type` with the type of the attribute as `found`.
    """
    types = dict(attrs)
    for test in _tests(known):
        if test.field not in types:
            # A misspelt attribute would let nobody through, or everybody under a `not`.
            raise FilterError("filter-unknown-attribute", field=test.field, expected=sorted(types))
        kind = types[test.field]
        wanted = _wanted(test)
        if wanted is not None and wanted != {kind}:
            raise FilterError("filter-type", field=test.field, expected=sorted(wanted), found=kind)


def _tests(known: Filter) -> Iterable[Test]:
    match known:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _tests(part)
        case Not(part):
            yield from _tests(part)
        case _:
            yield known


def fields(known: Filter) -> frozenset[str]:
    """Return the attributes that a filter asks for."""
    return frozenset(test.field for test in _tests(known))


_KINDS: Final[Mapping[type, AttributeType]] = {str: "string", int: "integer", bool: "boolean"}


def _wanted(test: Test) -> set[AttributeType] | None:
    """Return the types that an attribute must have, all at once, for a test; None where any will do."""
    match test:
        case Equal(value=None):
            return None
        case Equal(value=value):
            return {_KINDS[type(value)]}
        case OneOf(values=values):
            return {_KINDS[type(value)] for value in values if value is not None} or None
        case Between():
            return {"integer"}
        case Under():
            return {"string"}
        case Has():
            return {"strings"}


def holds(known: Filter, attrs: Mapping[str, object]) -> bool:
    """Say whether a row with these attributes passes (specs/filter.md §3).

    Every attribute is there, null (None) where it is missing; a list is a list or a tuple of strings.

    Raises:
        FilterError: `filter-unknown-attribute`, which `check` finds before.
    """
    if isinstance(known, And):
        return all(holds(part, attrs) for part in known.parts)
    if isinstance(known, Or):
        return any(holds(part, attrs) for part in known.parts)
    if isinstance(known, Not):
        return not holds(known.part, attrs)
    if known.field not in attrs:
        raise FilterError("filter-unknown-attribute", field=known.field, expected=sorted(attrs))
    return known._passes(attrs[known.field])


def _same(found: object, value: Scalar) -> bool:
    # Python holds True == 1; a filter for level 1 must not let `true` through.
    return type(found) is type(value) and found == value


def _order(value: Scalar) -> tuple[str, int, str]:
    """Return what the values of a set are sorted by: null, booleans, integers, strings; these bytewise."""
    if isinstance(value, str):
        return "string", 0, value  # code points sort as their UTF-8 bytes
    return ("" if value is None else _KINDS[type(value)]), int(value or 0), ""


_TOKEN: Final = re.compile(
    r""" *(?:(?P<string>"(?:[^"\\]|\\["\\])*")|(?P<integer>-?[0-9]+)|(?P<word>[a-z][a-z0-9_]*)"""
    r"""|(?P<mark>\.\.|!=|<=|>=|[=(){},])|(?P<end>\Z))""",
    re.ASCII,
)
_VALUES: Final = ('"…"', "0", "false", "null", "true")
_OPERATORS: Final = ("!=", "<=", "=", ">=", "in", "under")


@dataclass(frozen=True, slots=True)
class _Token:
    """A piece of the text; `at` is where it begins, counted from 0."""

    kind: str
    text: str
    at: int


class _Reader:
    """Recursive descent over the grammar of specs/filter.md §2, one token ahead.

    It is lenient about spaces, brackets and order, for `parse` then names the spelling that was expected.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.next = self._token(0)
        self.depth = 0

    def _token(self, at: int) -> _Token:
        found = _TOKEN.match(self.text, at)
        if found is None or found.lastgroup is None:
            at = len(self.text) - len(self.text[at:].lstrip(" "))
            # Typographic quotes, full-width digits and Cyrillic letters all end here: they are no part of the grammar.
            raise FilterError("filter-syntax", position=at + 1, found=self.text[at])
        return _Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup))

    def take(self) -> _Token:
        token = self.next
        self.next = self._token(token.at + len(token.text)) if token.kind != "end" else token
        return token

    def refuse(self, *expected: str) -> FilterError:
        found = self.next.text[:40] or None
        return FilterError("filter-syntax", position=self.next.at + 1, expected=expected, found=found)

    def have(self, text: str) -> bool:
        """Take the next token if it is this word or mark."""
        if self.next.kind in {"word", "mark"} and self.next.text == text:
            self.take()
            return True
        return False

    def need(self, text: str) -> None:
        if not self.have(text):
            raise self.refuse(text)

    def whole(self) -> Filter:
        if self.next.kind == "end":
            return EVERYBODY
        known = self.either()
        if self.next.kind != "end":
            raise self.refuse("and", "or")
        return known

    def either(self) -> Filter:
        parts = [self.both()]
        while self.have("or"):
            parts.append(self.both())
        flat = [inner for part in parts for inner in (part.parts if isinstance(part, Or) else (part,))]
        return Or(tuple(flat)) if len(flat) > 1 else flat[0]

    def both(self) -> Filter:
        parts = [self.one()]
        while self.have("and"):
            parts.append(self.one())
        flat = [inner for part in parts for inner in (part.parts if isinstance(part, And) else (part,))]
        return And(tuple(flat)) if len(flat) > 1 else flat[0]

    def one(self) -> Filter:
        at = self.next.at
        if self.have("not"):
            self.enter(at)
            known: Filter = Not(self.one())
        elif self.have("("):
            self.enter(at)
            known = self.either()
            self.need(")")
        else:
            return self.test()
        self.depth -= 1
        return known

    def enter(self, at: int) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FilterError("filter-too-deep", position=at + 1, expected=MAX_DEPTH)

    def test(self) -> Test | Not:
        if self.next.kind == "string":
            value = self.string()
            self.need("in")
            return Has(self.field(), value)
        field = self.field()
        if self.have("="):
            return Equal(field, self.value())
        if self.have("!="):
            return Not(Equal(field, self.value()))
        if self.have(">="):
            return Between(field, self.integer(), None)
        if self.have("<="):
            return Between(field, None, self.integer())
        if self.have("under"):
            return self.under(field)
        if self.have("in"):
            return self.set_of(field) if self.have("{") else self.range_of(field)
        raise self.refuse(*_OPERATORS)

    def field(self) -> str:
        if self.next.kind != "word" or self.next.text in WORDS or not encoding.FIELD.fullmatch(self.next.text):
            raise self.refuse("[a-z][a-z0-9_]{0,31}")
        return self.take().text

    def under(self, field: str) -> Under:
        if self.next.text == '""':
            # Everything begins with nothing: it would look like a condition and be none.
            raise self.refuse('"…"')
        return Under(field, self.string())

    def set_of(self, field: str) -> OneOf:
        values = [self.value()]
        while self.have(","):
            values.append(self.value())
        self.need("}")
        # By type too: else 1 would swallow true.
        unique = {_order(value): value for value in values}
        return OneOf(field, tuple(unique[order] for order in sorted(unique)))

    def range_of(self, field: str) -> Between:
        at = self.next.at
        if self.next.kind != "integer":
            raise self.refuse("{", "0")
        low = self.integer()
        self.need("..")
        high = self.integer()
        if low > high:
            raise FilterError("filter-range", position=at + 1, expected=f"{high}..{low}", found=f"{low}..{high}")
        return Between(field, low, high)

    def value(self) -> Scalar:
        if self.next.kind == "string":
            return self.string()
        if self.next.kind == "integer":
            return self.integer()
        for word, value in (("null", None), ("true", True), ("false", False)):
            if self.have(word):
                return value
        raise self.refuse(*_VALUES)

    def string(self) -> str:
        if self.next.kind != "string":
            raise self.refuse('"…"')
        return re.sub(r"\\(.)", r"\1", self.take().text[1:-1])

    def integer(self) -> int:
        if self.next.kind != "integer":
            raise self.refuse("0")
        # Its length first: Python refuses to read a number of 4,300 digits, and takes its time over a shorter one.
        digits = self.next.text
        if len(digits) > len(str(-encoding.MAX_INTEGER)) or abs(int(digits)) > encoding.MAX_INTEGER:
            expected = encoding.MAX_INTEGER
            raise FilterError("filter-integer", position=self.next.at + 1, expected=expected, found=digits[:40])
        self.take()
        return int(digits)
