"""Registries out of a database of one's own: rows become the very snapshot that a file would have become."""

import sqlite3
from pathlib import Path

from fairdraw import Registry, load_map, read_rows

HOSPITALS = load_map(
    """
identity = ["code"]
no.column = "编号"
attrs.level = { column = "等级", required = true }
attrs.beds = { column = "床位", type = "integer" }
private.name = { column = "名称", required = true }
private.code = { column = "统一社会信用代码", check = "uscc" }
closed.phone = { column = "电话", check = "phone" }
"""
)
STAFF = load_map('no.column = "工号"\nprivate.name = { column = "姓名", required = true }\n')


def registries(database: Path) -> dict[str, Registry]:
    """Return both registries; each is refused as a whole if one of its rows is wrong, and every such row is told."""
    connection = sqlite3.connect(database)
    told, problems = {}, []
    try:
        for name, mapping in (("hospitals", HOSPITALS), ("staff", STAFF)):
            rows = connection.execute(f"SELECT * FROM {name}")  # noqa: S608 - a name of our own
            reading = read_rows([column for column, *_ in rows.description], rows, mapping)
            problems += [
                f"{name}, row {p.line - 1}, {p.field}: expected {p.expected} ({p.code})" for p in reading.problems
            ]
            told[name] = reading.registry
    finally:
        connection.close()
    if problems:
        raise ValueError("; ".join(problems))
    return told
