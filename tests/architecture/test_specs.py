"""A citation is checked, a field is described, a reason is listed: the specifications and the sources say the same."""

import ast
import json
import re
import shutil
import subprocess
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from fairdraw.bundle import Bundle, Carried, Earlier, LoggedEntry, Slip
from fairdraw.bundle import Path as ProofPath
from fairdraw.record import DrawnLine, StratumLine
from fairdraw.schema import TYPES, Statement
from fairdraw.trust import parse_trust
from fairdraw.verify.report import CODES

ROOT = Path(__file__).resolve().parents[2]
SPECS = ROOT / "specs"
SOURCES = sorted(
    p for tree in ("src", "transparency_log", "cli", "tests", "specs/vectors") for p in (ROOT / tree).rglob("*.py")
)
CITED = re.compile(r"specs/([a-z]+)\.md((?:,? §[0-9]+(?:\.[0-9]+)*)*)")
LINKED = re.compile(r"\[([a-z]+)\.md\]\(\1\.md\)((?:(?:,| and)? §[0-9]+(?:\.[0-9]+)*)*)")
SECTION = re.compile(r"§([0-9]+(?:\.[0-9]+)*)")


def headings(name):
    text = (SPECS / f"{name}.md").read_text("utf-8")
    return set(re.findall(r"^#+ ([0-9]+(?:\.[0-9]+)*)\.? ", text, re.MULTILINE))


def missing(name, sections):
    if not (SPECS / f"{name}.md").exists():
        return [f"specs/{name}.md"]
    return [f"specs/{name}.md §{s}" for s in SECTION.findall(sections) if s not in headings(name)]


def test_every_cited_section_is_a_heading():
    sources = [path for path in SOURCES if path != Path(__file__).resolve()]
    cited = [(path, found) for path in sources for found in CITED.findall(path.read_text("utf-8"))]
    assert len(cited) > 40
    assert {(str(p.relative_to(ROOT)), lacking) for p, found in cited for lacking in missing(*found)} == set()


def test_every_link_between_specifications_leads_somewhere():
    linked = [(p.name, found) for p in SPECS.glob("*.md") for found in LINKED.findall(p.read_text("utf-8"))]
    assert len(linked) > 60
    assert {(name, lacking) for name, found in linked for lacking in missing(*found)} == set()


def test_a_citation_of_what_is_not_there_is_found():
    assert missing("encoding", " §99") == ["specs/encoding.md §99"]
    assert missing("nowhere", "") == ["specs/nowhere.md"]
    assert CITED.findall("specs/statements.md §1, §2.") == [("statements", " §1, §2")]


def test_every_specification_is_in_the_index():
    index = (SPECS / "README.md").read_text("utf-8")
    names = {path.name for path in SPECS.glob("*.md")} - {"README.md"}
    assert {name for name in names if f"]({name})" not in index} == set()


def section(text, heading):
    found = re.search(rf"^### [0-9.]+ {re.escape(heading)}\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found.group(1)


def parts(annotation):
    """Yield the values that a field's type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    if get_origin(annotation) in (Annotated, Union, UnionType, tuple):
        for inner in get_args(annotation):
            yield from parts(inner)


def fields(model, *, leave_out=frozenset()):
    """Yield the names of a model's fields and of the values in them, as they are written in JSON."""
    for name, field in model.model_fields.items():
        if name in leave_out:
            continue
        yield field.alias or name
        for inner in parts(field.annotation):
            yield from fields(inner)


# Described once, in §2, under the name of their type.
SHARED = {"index", "text", "digest", "length", "root", "count", "round", "hash", "signature", "previous", "beacon"}


@pytest.mark.parametrize("kind", TYPES)
def test_every_field_of_a_statement_is_described(kind):
    text = section((SPECS / "statements.md").read_text("utf-8"), kind)
    own = set(fields(TYPES[kind], leave_out=set(Statement.model_fields))) - SHARED
    told = set(re.findall(r"[`\"]([a-z_]+)[`\"]", text))
    assert own - told == set()


def test_the_fields_that_all_statements_have_are_described():
    text = (SPECS / "statements.md").read_text("utf-8")
    chain = text[text.index("## 2.") : text.index("## 3.")]
    assert {name for name in fields(Statement) if f"| `{name}` |" not in chain} == set()
    assert {name for name in SHARED if f'"{name}"' not in chain and f"`{name}`" not in chain} == set()


def _shortened(value: Any) -> Any:
    if isinstance(value, str):
        return f"{value[:8]}…" if len(value) > 48 else value
    if isinstance(value, list):
        return [_shortened(inner) for inner in value]
    if isinstance(value, dict):
        return {name: _shortened(inner) for name, inner in value.items()}
    return value


@pytest.mark.parametrize("kind", TYPES)
def test_the_example_of_a_statement_is_the_vectors(kind):
    text = section((SPECS / "statements.md").read_text("utf-8"), kind)
    shown = json.loads(text.split("```")[1])
    vectors = json.loads((SPECS / "vectors" / "statements.json").read_text("utf-8"))["accept"]
    whole = json.loads(next(case["text"] for case in vectors if case["name"] == kind))
    common = {field.alias or name for name, field in Statement.model_fields.items()}
    assert shown == {name: _shortened(value) for name, value in whole.items() if name not in common}


@pytest.mark.parametrize(
    ("spec", "models"),
    [
        ("bundle", (Bundle, LoggedEntry, Earlier, Carried)),
        ("slip", (Slip, ProofPath)),
        ("record", (StratumLine, DrawnLine)),
    ],
)
def test_every_field_of_a_file_is_described(spec, models):
    text = (SPECS / f"{spec}.md").read_text("utf-8") + (SPECS / "bundle.md").read_text("utf-8")
    names = {name for model in models for name in model.model_fields}
    assert {name for name in names if f"`{name}`" not in text and f'"{name}"' not in text} == set()


def raised(path):
    """Yield the reasons that a module of the verifier gives, which are literals."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        first = node.args[0]
        finding = name == "find" and isinstance(first, ast.Constant)
        if (name in {"CheckFailedError", "CannotTellError"} or finding) and isinstance(first, ast.Constant):
            yield first.value


def test_every_reason_and_finding_of_the_verifier_is_listed():
    text = (SPECS / "verification.md").read_text("utf-8")
    slip = (SPECS / "slip.md").read_text("utf-8")
    verifier = ROOT / "src" / "fairdraw" / "verify"
    given = {(p.name, reason) for p in verifier.glob("*.py") for reason in raised(p)}
    assert len(given) > 50
    assert {(name, r) for name, r in given if f"`{r}`" not in (text + slip if name == "slips.py" else text)} == set()


def test_the_checks_are_numbered_in_the_order_of_the_report():
    text = (SPECS / "verification.md").read_text("utf-8")
    assert re.findall(r"^\| ([0-9]+) \| `([a-z-]+)` \|", text, re.MULTILINE) == [
        (str(number), code) for number, code in enumerate(CODES, 1)
    ]
    assert {f"**{n} `{code}`.**" for n, code in enumerate(CODES, 1) if f"**{n} `{code}`.**" not in text} == set()


def test_the_grounds_of_the_checks_are_those_of_the_walk():
    from fairdraw.verify import STEPS

    text = (SPECS / "verification.md").read_text("utf-8")
    rows = re.findall(r"^\| [0-9]+ \| `([a-z-]+)` \|[^|]*\|([^|]*)\|", text, re.MULTILINE)
    told = {code: {CODES[int(number) - 1] for number in re.findall("[0-9]+", needs)} for code, needs in rows}
    assert told == {step.code: set(step.needs) for step in STEPS}


def test_the_checks_of_a_slip_are_those_that_its_specification_names():
    from fairdraw.verify.slips import STEPS

    text = (SPECS / "slip.md").read_text("utf-8")
    named = set(re.findall(r"`([a-z-]+)`", text[text.index("## 3.") :])) & set(CODES)
    assert named == {step.code for step in STEPS}


def test_the_trust_file_of_the_specification_can_be_read():
    example = (SPECS / "trust.md").read_text("utf-8").split("```\n")[1]
    assert parse_trust(example.encode()).margin == 300


def shell_examples():
    """Yield the examples of shell commands with what they print."""
    for path in sorted(SPECS.glob("*.md")):
        for block in re.findall(r"^```\n(\$ .*?)^```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            lines = block.splitlines()
            commands = [line.removeprefix("$ ") for line in lines if line.startswith(("$ ", "  "))]
            printed = [line for line in lines if not line.startswith(("$ ", "  "))]
            yield pytest.param("\n".join(commands), printed, id=f"{path.name}: {printed[0][:8]}")


@pytest.mark.skipif(not (shutil.which("sh") and shutil.which("sha256sum")), reason="sh or sha256sum is missing")
@pytest.mark.parametrize(("commands", "printed"), list(shell_examples()))
def test_what_a_citizen_types_prints_what_the_specification_shows(commands, printed):
    done = subprocess.run(["sh", "-c", commands], check=True, capture_output=True, text=True)
    assert [line.removesuffix("  -") for line in done.stdout.splitlines()] == printed
