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
from fairdraw.registry.tabular import Table, read_table

COLUMNS: Final = {
    "object": "对象编号",
    "inspector": "检查人员编号",
    "declarer": "申报人",
    "reason": "事由",
    "form": "表单",
}
"""The columns, with their Chinese headings; either stands in a list."""
DECLARERS: Final = {"检查对象": "object", "检查人员": "inspector", "抽查机构": "bureau"}
REASONS: Final = {
    "亲属关系": "kinship",
    "利害关系": "interest",
    "亲属的利害关系": "relatives-interest",
    "原工作单位": "former-employer",
    "依法回避": "statutory",
    "其他可能影响公正": "impartiality",
}
"""The grounds that people declare (公务员法第七十六条), and the codes that stand in the log for them."""
_REASON: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_FORM: Final = re.compile(r"[0-9a-f]{64}")


def read_pairs(data: bytes, *, name: str) -> tuple[tuple[bytes, ...], tuple[Problem, ...]]:
    """Return the canonical lines of a recusal list, sorted without repeats, and the rows that are none.

    Raises:
        RegistryError: the file cannot be read at all.
    """
    table = read_table(data, name=name)
    positions = [(column, _position(table, column)) for column in COLUMNS]
    lines: set[bytes] = set()
    problems: list[Problem] = []
    for line, cells in table.rows:
        row: dict[str, str | None] = {}
        for column, index in positions:
            try:
                row[column] = _read(column, cells[index] if index < len(cells) else "")
            except RegistryError as error:
                problems.append(as_problem(error, line=line, field=column, cell=table.cell(line, index)))
        if len(row) == len(COLUMNS):
            lines.add(canonical(row))
    return tuple(sorted(lines)), tuple(problems)


def _position(table: Table, column: str) -> int:
    """Return the position of a column under either heading.

    Raises:
        RegistryError: `column-missing`, or `column-repeated` where both stand there.
    """
    heading = COLUMNS[column]
    if column in table.columns and heading in table.columns:
        raise RegistryError("column-repeated", expected="unique", found=heading)
    chinese = not set(COLUMNS) & set(table.columns)  # the language in which a column that lacks is asked for
    return table.index(heading if heading in table.columns or chinese else column)


def _read(column: str, cell: object) -> str | None:
    text = read_code(cell)
    if column in {"object", "inspector"}:
        check_number(text)
    elif column == "declarer":
        text = DECLARERS.get(text, text)
        if text not in DECLARERS.values():
            raise RegistryError("unknown-value", expected="declarer", found=text)
    elif column == "reason":
        text = REASONS.get(text, text)
        if not _REASON.fullmatch(text):
            # Free text would put a person's circumstances into a file that the log names for ever.
            raise RegistryError("malformed", expected="reason-code", found=text)
    elif column == "form" and text and not _FORM.fullmatch(text):
        raise RegistryError("malformed", expected="sha256", found=text)
    return text or None
