"""docs/threat-model.md and tests/attacks are the same list."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/threat-model.md").read_text("utf-8")
ATTACKS = sorted((ROOT / "tests/attacks").glob("test_*.py"))


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def named() -> dict[str, list[str]]:
    """Return the tests that the document names, by the file under which they stand."""
    told: dict[str, list[str]] = {}
    file = ""
    for line in DOCUMENT.splitlines():
        if found := re.fullmatch(r"- `(tests/attacks/test_\w+\.py)`", line):
            file = found[1]
            told.setdefault(file, [])
        elif found := re.fullmatch(r"  - `(test_\w+)`", line):
            told[file].append(found[1])
    return told


@pytest.mark.parametrize("path", ATTACKS, ids=lambda path: path.stem)
def test_every_attack_is_named_once_in_the_threat_model(path):
    listed = named().get(f"tests/attacks/{path.name}", [])
    assert sorted(listed) == sorted(names_in(path))


def test_every_test_that_the_threat_model_names_exists():
    files = {f"tests/attacks/{path.name}" for path in ATTACKS}
    assert set(named()) == files
    for mentioned in re.findall(r"`(tests/[\w/]+\.py)`", DOCUMENT):
        assert (ROOT / mentioned).is_file()


def test_all_forty_eight_threats_have_a_rule_and_a_check_or_say_when_they_are_answered():
    parts = re.split(r"^### (\d+)$", DOCUMENT, flags=re.MULTILINE)[1:]
    threats = dict(zip(map(int, parts[::2]), parts[1::2], strict=True))
    assert sorted(threats) == list(range(1, 49))
    for number, text in threats.items():
        assert "**Rule.**" in text, number
        assert "**Check.**" in text or "**Later.**" in text, number


def test_the_checks_that_the_threat_model_names_are_those_of_the_report():
    from fairdraw.verify.report import CODES

    for line in re.findall(r"\*\*Check\.\*\* (.*)", DOCUMENT):
        outside = re.sub(r"\(`[^`]*`\)", "", line)
        for code in re.findall(r"`([^`]+)`", outside):
            assert code in CODES or code in {"--openings", "freeze"}, code


def test_the_threats_that_no_proof_answers_are_told():
    told = DOCUMENT.split("## What this does not prove")[1]
    for number in (1, 6, 17, 25, 30, 37, 39, 44):
        assert re.search(rf"\([\d, ]*\b{number}\b[\d, ]*\)", told), number
