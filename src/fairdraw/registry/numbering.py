"""Numbers of rows (编号): what they may be, and how they are assigned: specs/map.md §4.

A number goes into a log that cannot forget. It is refused when it says who the row is, and where a registry
has no numbers of its own they are counted out and kept in `numbers.csv`.
"""

import hmac
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from hashlib import sha256
from typing import Final

from fairdraw.errors import RegistryError
from fairdraw.registry.cells import USCC, check_id, check_uscc
from fairdraw.values import NUMBER

_SEPARATORS: Final = str.maketrans("", "", " ._:-")
_SPLIT: Final = re.compile(r"[._:-]")

SHORTEST_IDENTIFIER: Final = 10  # area code and landline; shorter numbers need no search
SHORTEST_PRIVATE: Final = 4  # a floor, a year or a grade may well recur in a number by chance
SHORTEST_INNER: Final = 6  # from here on a private value inside a longer number is no chance any more

# Telephones, id numbers, licences, certificates and national institution codes all have ten significant
# digits on end; nine are enough for every row of the largest registry.
_LONG_RUN: Final = re.compile(r"(?<![0-9])0*[1-9][0-9]{9,}[Xx]?")
_TELEPHONE: Final = re.compile(
    r"(?<![0-9])(1[3-9][0-9][._:-]?[0-9]{4}[._:-]?[0-9]{4}|0(10|2[0-9]|[3-9][0-9]{2})[._:-]?[2-9][0-9]{6,7})(?![0-9])"
)
_LICENCE: Final = re.compile(r"[0-9A-Z]{8}[0-9X][0-9]{6}[0-9A-Z]{7}")  # 医疗机构执业许可证 registration number
_PREFIXED: Final = re.compile(r"[A-Z]{0,3}?([0-9A-Z]{18})")

_TEMPLATE: Final = re.compile(r"([A-Za-z0-9._:-]*)%(?:0([1-9]))?d([A-Za-z0-9._:-]*)")
NUMBERS_HEADER: Final = "no,key"
NUMBERS_LINE: Final = re.compile(r"([A-Za-z0-9._:-]{1,40}),([0-9a-f]{64})")


def check_number(no: str) -> None:
    """Refuse a number that is not well-formed, or that is itself an identifier (threat 36).

    Raises:
        RegistryError: `number-missing`, `number-malformed`, `number-is-uscc`, `number-is-id`,
        `number-is-telephone`
            or `number-is-certificate`.
    """
    if not NUMBER.fullmatch(no):
        raise RegistryError("number-malformed" if no else "number-missing", expected="number", found=no)
    if len(no) >= SHORTEST_IDENTIFIER and (kind := _identifier(no)):
        raise RegistryError(f"number-is-{kind}", expected="number-without-meaning", found=no)


def _identifier(no: str) -> str | None:
    parts = _SPLIT.split(no.upper())
    joined = "".join(parts)  # separators put into an identifier hide nothing
    if _passes(check_id, joined):
        return "id"
    if any(USCC.fullmatch(part) for part in parts) or _passes(check_uscc, joined):
        return "uscc"
    if _TELEPHONE.search(no):
        return "telephone"
    if run := _LONG_RUN.search(no):
        return "id" if len(run.group()) in {15, 18} else "certificate"
    return "certificate" if any(_LICENCE.fullmatch(part) for part in parts) else None


def _passes(check: Callable[[str], None], joined: str) -> bool:
    if not (found := _PREFIXED.fullmatch(joined)):
        return False
    try:
        check(found.group(1))
    except RegistryError:
        return False
    return True


def check_apart(no: str, private: Iterable[str]) -> None:
    """Refuse a number that is, or a part of which is, a private value of its own row.

    Raises:
        RegistryError: `number-is-private-field`.
    """
    joined = no.casefold().translate(_SEPARATORS)
    for value in private:
        if not value.isascii() or (value.isalnum() and len(value) > len(joined)):
            continue  # numbers are ASCII, and hold nothing longer than themselves
        bare = value.casefold().translate(_SEPARATORS)
        if len(bare) < SHORTEST_PRIVATE or bare not in joined:
            continue
        if len(bare) >= SHORTEST_INNER or bare == joined or bare in _SPLIT.split(no.casefold()):
            raise RegistryError("number-is-private-field", expected="number-without-meaning", found=no)


def check_template(template: str) -> None:
    """Refuse a template that is not one `%d` or `%06d` among the characters of numbers.

    Raises:
        RegistryError: `template-malformed`, or what `check_number` refuses.
    """
    if not _TEMPLATE.fullmatch(template):
        raise RegistryError("template-malformed", expected="F-%06d", found=template)
    check_number(template % (10**8 - 1))


def assign_numbers(
    keys: Collection[bytes], *, template: str, known: Mapping[str, str], secret: bytes | None
) -> dict[str, str]:
    """Return `known` and a number for each new key, as hex SHA-256 of the key → number.

    New keys take the counters after the highest one ever used, in the order of their bytes, or, with a
    `secret`, of HMAC-SHA256(secret, key).

    Raises:
        RegistryError: `number-malformed` where a counter has outgrown the length of a number.
    """
    numbers = dict(known)
    taken = {no.casefold() for no in known.values()}
    counter = max((counter_of(no, template) for no in known.values()), default=0)
    # In the order of names, whoever has a public list of institutions could put the names back on the masked
    # roster.
    order = (lambda key: hmac.digest(secret, key, "sha256")) if secret else None
    for key in sorted(keys, key=order):
        if (digest := key_digest(key)) not in numbers:
            counter += 1
            while (no := template % counter).casefold() in taken:
                counter += 1
            if not NUMBER.fullmatch(no):
                raise RegistryError("number-malformed", expected="number", found=no)
            numbers[digest] = no
    return numbers


def counter_of(no: str, template: str) -> int:
    """Return the counter with which a template gives a number, 0 if it is none of its numbers."""
    found = _TEMPLATE.fullmatch(template)
    before, _, after = found.groups() if found else ("", "", "")
    middle = no[len(before) : len(no) - len(after)]
    return int(middle) if middle.isascii() and middle.isdigit() and no == template % int(middle) else 0


def key_digest(key: bytes) -> str:
    """Return what stands for a key in `numbers.csv`, so that the file holds no names."""
    return sha256(key).hexdigest()


def format_numbers(numbers: Mapping[str, str]) -> bytes:
    """Return the bytes of `numbers.csv`: `no,key` in the order of the numbers."""
    lines = [f"{no},{digest}" for no, digest in sorted((no, digest) for digest, no in numbers.items())]
    return "".join(f"{line}\n" for line in [NUMBERS_HEADER, *lines]).encode()


def parse_numbers(data: bytes) -> dict[str, str]:
    """Return hex SHA-256 of the key → number; the inverse of `format_numbers`.

    Raises:
        RegistryError: `numbers-malformed`, with the first line that is wrong.
    """
    numbers: dict[str, str] = {}
    taken: set[str] = set()
    header, *lines = data.decode("ascii", errors="replace").split("\n")
    wrong = 1 if header != NUMBERS_HEADER else 0
    for line, text in enumerate(lines[:-1], start=2):
        found = NUMBERS_LINE.fullmatch(text)
        # A number given twice would put one row's fate on another.
        if wrong or not found or found[1].casefold() in taken or found[2] in numbers:
            raise RegistryError("numbers-malformed", line=wrong or line, expected="number,sha256", found=text[:80])
        taken.add(found[1].casefold())
        numbers[found[2]] = found[1]
    if wrong or format_numbers(numbers) != data:
        raise RegistryError("numbers-malformed", line=wrong or len(lines), expected="sorted, one newline at the end")
    return numbers
