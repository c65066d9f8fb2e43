"""A first map for a registry file, from the names of its columns and what stands in them: docs/spreadsheets.md.

It is a proposal that a person reads: every choice has a reason. What would be public is chosen only where the name of
the column is known, and few values stand in it; whatever is in doubt is sealed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import islice
from statistics import median
from typing import Final, Literal

from fairdraw.errors import RegistryError
from fairdraw.registry.cells import Check, Kind, as_typed, check_id, check_phone, check_uscc, normal
from fairdraw.registry.headings import WHETHER, Heading, Section, heading_of
from fairdraw.registry.numbering import check_apart, check_number
from fairdraw.registry.tabular import read_lines, read_table

Who = Literal["objects", "inspectors"]

SEARCHED: Final = 30  # lines in which a header is looked for
FEW: Final = 50  # distinct values of a public attribute
SMALL: Final = 20  # rows below which nothing can be said of how often values recur
LONGEST: Final = 30  # characters of a value that describes a group and not one of them
TEMPLATES: Final[Mapping[Who, str]] = {"objects": "DX-%06d", "inspectors": "RY-%06d"}  # 对象, 人员
_CHECKS: Final[Mapping[Check, Callable[[str], None]]] = {"uscc": check_uscc, "id": check_id, "phone": check_phone}
_MOST: Final = 0.5  # of the values; the others are mistakes that a check would tell
_NEARLY_ALL: Final = 0.8
_STAFF: Final = ("姓名", "执法证", "执法人员", "检查人员")
_NAMES: Final = frozenset({"name", "legal_representative", "contact", "address"})
_BOOLEANS: Final = frozenset({"是", "否", "true", "false", "yes", "no"})
_HAVING: Final = frozenset({"有", "无"})
_KEYS: Final = (("uscc",), ("licence",), ("certificate",), ("id_number",), ("name", "address"), ("name", "department"),
                ("name", "phone"), ("name",))  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """What becomes of a column, and why: `reason` is a stable word, of which a person is told a sentence."""

    column: str
    at: int
    section: Section
    field: str
    reason: str
    kind: Kind = "string"
    check: Check = "none"
    required: bool = False
    distinct: int = 0
    alone: int = 0


@dataclass(frozen=True)
class Proposal:
    """A map as it could be: `number` is a column, or None where numbers are assigned by `by`.

    `repeated` counts the rows that have the same key as another one; `identity` are fields.
    """

    who: Who
    sheet: str
    header: int
    rows: int
    choices: tuple[Choice, ...]
    number: str | None
    by: tuple[str, ...]
    repeated: int
    identity: tuple[str, ...]

    @property
    def template(self) -> str:
        """The template of assigned numbers."""
        return TEMPLATES[self.who]

    def of(self, section: Section) -> Iterator[Choice]:
        """Yield the choices of a section, in the order of the columns."""
        return (choice for choice in self.choices if choice.section == section)


def propose(data: bytes, *, name: str, sheet: str | None = None, who: Who | None = None) -> Proposal:
    """Return a first map for a file.

    Raises:
        RegistryError: the file cannot be read, `header-not-found`, or `propose-no-key`.
    """
    lines = read_lines(data, name=name, sheet=sheet)
    header = 1 if lines.columns is not None else _find_header(islice(lines.rows, SEARCHED))
    table = read_table(data, name=name, sheet=sheet, header=header)
    columns: list[list[str]] = [[] for _ in table.columns]
    count = 0
    for _, cells in table.rows:
        count += 1
        for at, column in enumerate(columns):
            column.append(normal(as_typed(cells[at])) if at < len(cells) else "")  # a short row is told when it is read
    if not count:
        raise RegistryError("registry-empty", expected="rows", found=name)
    choices = _named_once(_choose(at, table.columns[at], values) for at, values in enumerate(columns))
    named = {value for choice in choices if choice.field in _NAMES for value in columns[choice.at] if value}
    choices = [_unless_named(choice, columns[choice.at], named) for choice in choices]
    whole = _whole_rows(columns)
    private = [whole[choice.at] for choice in choices if choice.section in {"private", "closed"}]
    numbered = next((c for c in choices if c.section == "no" and _are_numbers(whole[c.at], private)), None)
    choices = [_required(_unless(choice, numbered), whole[choice.at]) for choice in choices]
    by_field = {
        choice.field: whole[choice.at] for choice in choices if choice.section in {"private", "closed", "attrs"}
    }
    key, repeated = _key(by_field)
    if not key and not numbered:
        raise RegistryError("propose-no-key", found=[column for column in table.columns if column])
    column_of = {choice.field: choice.column for choice in choices}
    return Proposal(
        who=who or ("inspectors" if any(c.column.startswith(_STAFF) for c in choices) else "objects"),
        sheet=table.sheet,
        header=header,
        rows=count,
        choices=tuple(choices),
        number=numbered.column if numbered else None,
        by=() if numbered else tuple(column_of[field] for field in key),
        repeated=repeated,
        identity=key if not repeated else (),
    )


def _find_header(lines: Iterable[tuple[int, Sequence[object]]]) -> int:
    """Return the line with the most names that are known; titles stand above it."""
    best, most = 0, 0
    for line, cells in lines:
        known = sum(heading_of(as_typed(cell)) is not None for cell in cells)
        if known > most:
            best, most = line, known
    if not most:
        raise RegistryError("header-not-found", expected=SEARCHED)
    return best


def _whole_rows(columns: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the columns without rows that have few cells: a total, or who filled the table in, tells no rows apart.

    They are not left out of what a column may become: one name among the values is enough to seal it.
    """
    rows = list(zip(*columns, strict=True))
    filled = [sum(map(bool, row)) for row in rows]
    usual = median(filled)
    return [list(column) for column in zip(*(row for row, count in zip(rows, filled, strict=True)
                                             if count * 3 > usual), strict=True)]  # fmt: skip


def _unless_named(choice: Choice, values: Sequence[str], named: Set[str]) -> Choice:
    """Return a choice, sealed where it would make public what names somebody: a head office is an institution, too."""
    if choice.section != "attrs" or named.isdisjoint(values):
        return choice
    return replace(choice, section="private", reason="not-group", kind="string")


def _required(choice: Choice, values: Sequence[str]) -> Choice:
    return replace(choice, required=choice.section == "private" and choice.field == "name" and all(values))


@dataclass(frozen=True)
class _Column:
    """A column as it was found: what its name says, and what stands in it."""

    at: int
    name: str
    values: Sequence[str]
    known: Heading | None
    filled: Sequence[str]
    counts: Counter[str]

    @classmethod
    def of(cls, at: int, name: str, values: Sequence[str]) -> "_Column":
        filled = [value for value in values if value]
        return cls(at, name, values, heading_of(name), filled, Counter(filled))

    def choice(
        self, section: Section, field: str, reason: str, *, kind: Kind = "string", check: Check = "none"
    ) -> Choice:
        alone = sum(count == 1 for count in self.counts.values())
        return Choice(self.name, self.at, section, field, reason, kind, check, False, len(self.counts), alone)


def _choose(at: int, name: str, values: Sequence[str]) -> Choice:
    column = _Column.of(at, name, values)
    known = column.known
    if not name:
        return column.choice("skip", "", "no-name" if column.filled else "empty")
    if known is not None and known.section == "skip":
        return column.choice("skip", "", "not-data")
    if not column.filled:
        if known is not None and known.section in {"private", "closed"}:
            return column.choice(
                known.section, known.field, "known", check=known.check
            )  # it may be filled in next time
        return column.choice("skip", "", "empty")
    if known is not None and known.check != "none" and _share(column.filled, _CHECKS[known.check]) >= _MOST:
        return column.choice(known.section, known.field, "known", check=known.check)
    # What stands in a column says more than its name: a column of telephone numbers is one, whatever it is called. Only
    # the number of a certificate may look like one.
    if looks := _looks_like(column.filled, phones=known is None or known.section not in {"private", "closed"}):
        field, section, check = looks
        return column.choice(section, field, f"looks-{check}", check=check)
    return _choose_unchecked(column)


def _choose_unchecked(column: _Column) -> Choice:
    known, given = column.known, _field_of(column.at)
    words = set(map(str.lower, column.counts))
    kind: Kind = "boolean" if words <= _BOOLEANS else "string"
    few = _is_few(column.counts, len(column.values))
    if known is None:
        if WHETHER.fullmatch(column.name) and words <= _BOOLEANS | _HAVING:
            return column.choice("attrs", given, "whether", kind=kind)
        return column.choice("private", given, "unknown-few" if few else "unknown")
    if known.section != "attrs":
        # A check that few of the values pass would refuse nearly every row.
        reason = "known" if known.check == "none" else "known-unchecked"
        return column.choice(known.section, known.field, reason)
    if not few or (known.kind == "boolean" and kind != "boolean"):
        return column.choice("private", known.field, "many")  # names of experts, perhaps
    alone = any(count == 1 for count in column.counts.values())
    return column.choice("attrs", known.field, "known-alone" if alone else "known", kind=kind)


def _field_of(at: int) -> str:
    return f"column_{at + 1}"


def _looks_like(filled: Sequence[str], *, phones: bool) -> tuple[str, Section, Check] | None:
    if _share(filled, check_uscc) >= _MOST:
        return "uscc", "private", "uscc"
    if _share(filled, check_id) >= _MOST:
        return "id_number", "closed", "id"
    if phones and _share(filled, _check_long_phone) >= _NEARLY_ALL:
        return "phone", "closed", "phone"
    return None


def _check_long_phone(text: str) -> None:
    check_phone(text)
    digits = sum(character.isdigit() for character in text)
    if digits < 10 and not text.startswith(("400", "800")) and "-" not in text:
        raise RegistryError("malformed", expected="phone", found=text)  # 330106 beds or codes are no telephones


def _share(filled: Sequence[str], check: Callable[[str], None]) -> float:
    def passes(text: str) -> bool:
        try:
            check(text)
        except RegistryError:
            return False
        return True

    return sum(map(passes, filled)) / len(filled)


def _is_few(counts: Counter[str], rows: int) -> bool:
    few = len(counts) <= FEW and max(map(len, counts)) <= LONGEST
    return few and (rows < SMALL or len(counts) <= rows / 2)


def _named_once(choices: Iterable[Choice]) -> list[Choice]:
    taken: set[str] = set()
    told: list[Choice] = []
    for choice in choices:
        field = choice.field
        if choice.section in {"attrs", "private", "closed"} and field in taken:
            field = f"{field}_{choice.at + 1}"
        taken.add(field)
        told.append(replace(choice, field=field))
    return told


def _are_numbers(values: Sequence[str], private: Sequence[Sequence[str]]) -> bool:
    if len({value.casefold() for value in values}) != len(values):
        return False
    try:
        for at, value in enumerate(values):
            check_number(value)
            check_apart(value, [column[at] for column in private])
    except RegistryError:
        return False
    return True


def _unless(choice: Choice, numbered: Choice | None) -> Choice:
    """Return a choice, sealed where it is a column of numbers that cannot be the numbers."""
    if choice.section != "no" or choice is numbered:
        return choice
    return replace(choice, section="private", field=_field_of(choice.at), reason="no-number")


def _key(by_field: Mapping[str, Sequence[str]]) -> tuple[tuple[str, ...], int]:
    """Return the fields that tell rows apart, and how many rows they do not tell apart."""
    best: tuple[tuple[str, ...], int] = (), 0
    for fields in _KEYS:
        if not all(field in by_field for field in fields):
            continue
        keys = list(zip(*(by_field[field] for field in fields), strict=True))
        if not all(key[0] for key in keys):
            continue
        repeated = len(keys) - len(set(keys))
        if not repeated:
            return fields, 0
        if not best[0] or repeated < best[1]:
            best = fields, repeated
    return best
