"""The recusal list (回避名单) as a bureau keeps it becomes the lines of an artifact: specs/map.md §6.

What a recusal does to a draw is settled in `assignment`.
"""

import re
from typing import Final

from fairdraw.encoding import canonical
from fairdraw.errors import RegistryError
from fairdraw.registry.cells import read_code
from fairdraw.registry.numbering import check_number
from fairdraw.registry.problems import Problem, as_problem
from fairdraw.registry.tabular import read_table

COLUMNS: Final = ("object", "inspector", "declarer", "reason", "form")
DECLARERS: Final = ("object", "inspector", "bureau")
_REASON: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_FORM: Final = re.compile(r"[0-9a-f]{64}")


def read_pairs(data: bytes, *, name: str) -> tuple[tuple[bytes, ...], tuple[Problem, ...]]:
    """Return the canonical lines of a recusal list, sorted without repeats, and the rows that are none.

    Raises:
        RegistryError: the file cannot be read at all.
    """
    table = read_table(data, name=name)
    positions = [(column, table.index(column)) for column in COLUMNS]
    lines: set[bytes] = set()
    problems: list[Problem] = []
    for line, cells in table.rows:
        row: dict[str, str | None] = {}
        for column, index in positions:
            try:
                row[column] = _read(column, cells[index] if index < len(cells) else "")
            except RegistryError as error:
                problems.append(as_problem(error, line=line, field=column))
        if len(row) == len(COLUMNS):
            lines.add(canonical(row))
    return tuple(sorted(lines)), tuple(problems)


def _read(column: str, cell: object) -> str | None:
    text = read_code(cell)
    if column in {"object", "inspector"}:
        check_number(text)
    elif column == "declarer" and text not in DECLARERS:
        raise RegistryError("unknown-value", expected="declarer", found=text)
    elif column == "reason" and not _REASON.fullmatch(text):
        # Free text would put a person's circumstances into a file that the log names for ever.
        raise RegistryError("malformed", expected="reason-code", found=text)
    elif column == "form" and text and not _FORM.fullmatch(text):
        raise RegistryError("malformed", expected="sha256", found=text)
    return text or None
