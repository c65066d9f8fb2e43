"""Regulations to test with: the five of the package, and files that derive from them."""

import json
from pathlib import Path

from fairdraw.regulation import parse

FOLDER = Path(__file__).parents[2] / "src" / "fairdraw" / "regulations"
NAMES = ("shandong-2020", "shuozhou-2023", "laiyuan", "shanghai-2024", "plan-2025")
FIVE = {name: parse((FOLDER / f"{name}.toml").read_bytes(), parents={}, file=f"{name}.toml") for name in NAMES}
DOCUMENT = {"title": "实施细则", "title_en": "Rules", "status": "in-force"}


def toml(table):
    """Write a table as TOML: one line a key, what is None left out."""
    return "".join(f"{name} = {_inline(value)}\n" for name, value in table.items() if value is not None)


def _inline(value):
    if isinstance(value, dict):
        parts = (f"{name} = {_inline(part)}" for name, part in value.items() if part is not None)
        return "{ " + ", ".join(parts) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def derive(parent, **rules):
    """Return the regulation `city` that derives from one of the five."""
    table = {"id": "city", "extends": parent, "document": DOCUMENT, **rules}
    return parse(toml(table).encode(), parents=FIVE, file="city.toml")


def rule(value, **more):
    """Return a provision as it is written."""
    return {"value": value, "cite": ["第一条"], **more}
