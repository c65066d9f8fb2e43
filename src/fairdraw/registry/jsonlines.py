"""JSON Lines as rows of cells: one object a line, whose names are the columns. specs/map.md §2.3."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from fairdraw.errors import RegistryError
from fairdraw.registry.cells import Foreign, Unreadable

_LONGEST: Final = 20  # digits of an integer that is looked at: beyond it nothing of a registry is a number
WHITE: Final = " \t\r\n"
_SHOWN: Final = 80
_SURROGATE: Final = re.compile("[\ud800-\udfff]")  # half a character, which an escape can write

Pairs = list[tuple[str, object]]


class _Members(list[tuple[str, object]]):
    """The members of an object as they stand there: a `dict` would keep the last of two that have one name."""


def _integer(text: str) -> object:
    return int(text) if len(text) <= _LONGEST else Foreign(text)


_READ: Final = json.JSONDecoder(
    object_pairs_hook=_Members, parse_float=Foreign, parse_constant=Foreign, parse_int=_integer
)


def json_names(text: str, *, line: int = 1) -> tuple[str, ...]:
    """Return the columns: the names of the first object of a text that begins at this line, in its order.

    Raises:
        RegistryError: `header-missing` if there is none, or `json-header`: its line is no object with different names.
    """
    for at, first in _filled(text, line):
        members = _members(first)
        if isinstance(members, RegistryError):
            raise RegistryError("json-header", line=at, found=first[:_SHOWN])
        return tuple(name for name, _ in members)
    raise RegistryError("header-missing", expected="line 1", found="nothing")


def json_rows(text: str, names: Sequence[str], *, line: int = 1) -> Iterator[tuple[int, Sequence[object]]]:
    """Yield the rows of a text of whole lines, each with its line."""
    known = set(names)
    for at, one in _filled(text, line):
        members = _members(one)
        if isinstance(members, RegistryError):
            yield at, Unreadable(one, members)
            continue
        found = dict(members)
        if found.keys() != known:
            # A name that is missing or new is a column that was renamed on the way, and its values would vanish.
            lacking, more = sorted(known - found.keys()), sorted(found.keys() - known)
            yield at, Unreadable(one, RegistryError("json-names", expected=lacking, found=more))
            continue
        yield at, [_cell(found[name]) for name in names]


def _filled(text: str, line: int) -> Iterable[tuple[int, str]]:
    return ((at, one) for at, one in enumerate(text.split("\n"), line) if one.strip(WHITE))


def _members(text: str) -> _Members | RegistryError:
    try:
        found = _READ.decode(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, _Members):
        return RegistryError("json-malformed", expected="object", found=text[:_SHOWN])
    names = [name for name, _ in found]
    if len(set(names)) < len(names):
        return RegistryError("json-malformed", expected="unique", found=names)
    if any(_SURROGATE.search(name) for name in names):
        return RegistryError("json-malformed", expected="text", found=text[:_SHOWN])
    return found


def _cell(value: object) -> object:
    if value is None:
        return ""
    return Foreign(repr(value)[:_SHOWN]) if isinstance(value, list) else value
