"""docs/regulations.md: every rule has a value, is held to somewhere, and is proved by tests that exist."""

import ast
import runpy
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from fairdraw.regulation import READINGS
from fairdraw.verify import CODES
from fairdraw_cli.main import COMMANDS
from fairdraw_cli.regulations import IDS, load

ROOT = Path(__file__).resolve().parents[2]
MAKE = runpy.run_path(str(ROOT / "docs/make.py"))
DATA: dict[str, Any] = MAKE["requirements"]()
ROWS = [*DATA["row"], *DATA["contradiction"], *DATA["reading"]]
WORDING = tomllib.loads((ROOT / "src/fairdraw/wording/en.toml").read_text("utf-8"))


def name_of(row: dict[str, Any]) -> str:
    return str(row.get("number") or row.get("code") or row["zh"])


every = pytest.mark.parametrize("row", ROWS, ids=name_of)


@cache
def names_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def is_there(name: str) -> bool:
    """Say whether a check, fault, finding, command or name of the code exists."""
    kind, _, code = name.partition(" ")
    match kind:
        case "check":
            return code in CODES
        case "fault" | "finding":
            return code in WORDING[kind]
        case "command":
            tree: Any = COMMANDS
            for word in code.split():
                tree = tree.get(word) if isinstance(tree, dict) else None
            return isinstance(tree, str)
    module, _, attribute = name.rpartition(".")
    return hasattr(import_module(module), attribute) or bool(import_module(name))


def fields_told() -> Iterator[str]:
    yield from (path.partition(".")[0] for row in ROWS for path in row.get("values", ()))


def test_the_page_is_what_the_script_makes():
    assert (ROOT / "docs/regulations.md").read_text("utf-8") == MAKE["page"]()


def test_there_are_48_rules_13_contradictions_and_20_readings():
    assert [row["number"] for row in DATA["row"]] == list(range(1, 49))
    assert len(DATA["contradiction"]) == 13
    assert [row["code"] for row in DATA["reading"]] == list(READINGS)
    assert len(READINGS) == 20


@every
def test_a_rule_has_a_value_in_a_regulation(row):
    if "code" in row:
        assert READINGS[row["code"]]
        return
    for path in row["values"]:
        assert any(list(MAKE["told"](load(name), path)) for name in IDS), path


@every
def test_a_rule_is_held_to_by_something_that_exists(row):
    assert row["enforced"]
    assert [one for one in row["enforced"] if not is_there(one)] == []


@every
def test_a_rule_is_proved_by_tests_that_exist(row):
    assert row["tests"]
    wanted = [test.split("::") for test in row["tests"]]
    assert [name for file, name in wanted if name not in names_in(ROOT / file)] == []


@pytest.mark.parametrize(
    "name", ["check nothing", "fault nothing", "finding nothing", "command plan", "command fly", "fairdraw.quota"]
)
def test_a_name_that_does_not_exist_is_noticed(name):
    assert is_there(name) == (name == "fairdraw.quota")


def test_no_field_of_a_regulation_is_forgotten():
    fields = {
        name for one in IDS for name, _ in (*load(one).provisions(), *((n, e) for n, e in load(one).lists() if e))
    }
    assert fields - set(fields_told()) == {"readings"}
