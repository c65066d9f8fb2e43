"""Every code that can be raised, failed with or found has its sentence in both languages, and no sentence is idle."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fairdraw.messages import Catalogue, fields
from fairdraw.schema import TYPES
from fairdraw.verify.report import CODES

ROOT = Path(__file__).parents[2]
SOURCES = ("transparency_log/transparency_log", "src/fairdraw", "cli/fairdraw_cli")
LANGUAGES = ("zh", "en")
OUTCOMES = {"CheckFailedError": "reason", "CannotTellError": "reason", "find": "finding"}
FOREIGN = {
    "AssertionError",
    "ImportError",
    "ValueError",
    "PydanticCustomError",
    "RuntimeError",
    "TypeError",
    "KeyError",
    "UsageError",
}
DASHED = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")


@dataclass(frozen=True)
class Raised:
    """A code at the place where it is raised; `params` is None where they are handed on and not written there."""

    section: str
    code: str
    params: frozenset[str] | None
    where: str


def catalogue(lang: str) -> Catalogue:
    told = Catalogue.parse((ROOT / f"src/fairdraw/wording/{lang}.toml").read_bytes(), lang=lang)
    commands = ROOT / f"cli/fairdraw_cli/data/wording.{lang}.toml"
    if commands.exists():
        told = told.extended(Catalogue.parse(commands.read_bytes(), lang=lang))
    return told


def literals(node: ast.expr) -> list[str]:
    """Return the codes that an expression may be, as far as they are written in it."""
    match node:
        case ast.Constant(str() as code):
            return [code]
        case ast.IfExp(body=one, orelse=other):
            return literals(one) + literals(other)
    return []


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for source in SOURCES:
        for path in sorted((ROOT / source).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def raised() -> Iterator[Raised]:
    for path, tree in modules():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            section = OUTCOMES.get(name, "error" if name.endswith("Error") and name not in FOREIGN else "")
            names = [word.arg for word in node.keywords]
            # `status` is how a witness answers over HTTP, not a parameter of its sentence.
            params = None if None in names else frozenset(n for n in names if n and n != "status")
            for code in literals(node.args[0]) if section else []:
                # `str.find("x")` is no finding: a code has a dash, and evidence.
                if section != "finding" or node.keywords:
                    yield Raised(section, code, params, f"{path.name}:{node.lineno}")


RAISED = list(raised())


def written() -> tuple[set[str], list[re.Pattern[str]]]:
    """Return every code that is raised or stands in the sources, and a pattern for each f-string that makes one.

    A word without a dash may be anything, and proves nothing where it is not raised.
    """
    told = {one.code for one in RAISED} | {"depends"}  # what `walk` says of a check that waits for another
    patterns = []
    for _, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and DASHED.fullmatch(node.value):
                told.add(node.value)
            if isinstance(node, ast.JoinedStr):
                parts = [re.escape(str(p.value)) if isinstance(p, ast.Constant) else "[a-z]+" for p in node.values]
                if re.fullmatch(r"[a-z\\-]+-\[a-z\]\+", "".join(parts)):
                    patterns.append(re.compile("".join(parts)))
    return told, patterns


def said(words: Catalogue, one: Raised) -> str | None:
    """Return the template that a code is told with: a reason may be an error that flowed into a check."""
    for section in (one.section, "error") if one.section == "reason" else (one.section,):
        if words.has(section, one.code):
            return words.sections[section][one.code]
    return None


def test_codes_are_found_at_all() -> None:
    sections = {section: {r.code for r in RAISED if r.section == section} for section in ("error", "reason", "finding")}
    assert {"root-mismatch", "bad-field", "number-malformed", "number-missing"} <= sections["error"]
    assert {"another-draw", "no-log", "selection-differs"} <= sections["reason"]
    assert {"singled-out", "forced-team"} <= sections["finding"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_code_has_a_sentence(lang: str) -> None:
    words = catalogue(lang)
    lacking = {f"[{one.section}] {one.code} ({one.where})" for one in RAISED if said(words, one) is None}
    assert not lacking


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_sentence_names_only_parameters_that_every_place_gives(lang: str) -> None:
    words = catalogue(lang)
    wrong = {
        f"{one.code} wants {sorted(wanted - one.params)} at {one.where}"
        for one in RAISED
        if one.params is not None and (wanted := fields(said(words, one) or "")) - one.params
    }
    assert not wrong


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_sentence_is_for_a_code_that_no_longer_exists(lang: str) -> None:
    words = catalogue(lang)
    known, patterns = written()
    idle = {
        f"[{section}] {code}"
        for section in ("error", "reason", "finding")
        for code in words.sections[section]
        if code not in known and not any(pattern.fullmatch(code) for pattern in patterns)
    }
    assert not idle
    assert set(words.sections["reason"]) <= {one.code for one in RAISED if one.section == "reason"} | {"depends"}
    assert set(words.sections["finding"]) == {one.code for one in RAISED if one.section == "finding"}


def test_both_languages_say_the_same_things_with_the_same_parameters() -> None:
    zh, en = (catalogue(lang).sections for lang in LANGUAGES)
    assert {name: set(codes) for name, codes in zh.items()} == {name: set(codes) for name, codes in en.items()}
    differing = {
        f"[{section}] {code}"
        for section, sentences in zh.items()
        for code, template in sentences.items()
        if fields(template) != fields(en[section][code])
    }
    assert not differing


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_check_has_its_three_wordings_and_what_to_do(lang: str) -> None:
    words = catalogue(lang)
    checks = {name.removeprefix("check.") for name in words.sections if name.startswith("check.")}
    assert checks == set(CODES)
    assert {name.removeprefix("slip.") for name in words.sections if name.startswith("slip.")} <= checks
    for name in words.sections:
        if name.startswith(("check.", "slip.")):
            sentences = words.sections[name]
            assert set(sentences) == {"title", "holds", "fails", "unknown", "do"}
            assert len(set(sentences.values())) == 5  # a failure under a heading that reads like success: attack 45
    assert set(words.sections["statement"]) == set(TYPES)


def test_errors_are_one_line_without_a_capital_and_a_full_stop() -> None:
    for lang, stop in (("zh", "。"), ("en", ".")):
        words = catalogue(lang)
        for section in ("error", "reason", "finding"):
            for code, sentence in words.sections[section].items():
                assert "\n" not in sentence
                assert not sentence.endswith(stop), code
                first = sentence.split()[0].strip("{}")
                assert not first[0].isupper() or first.isupper(), code  # an acronym may begin a sentence


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_parameter_has_a_name_that_people_read(lang: str) -> None:
    words = catalogue(lang)
    names = {name for one in RAISED for name in one.params or ()}
    assert names <= set(words.sections["field"])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_all_evidence_of_a_check_has_a_name_that_people_read(lang: str) -> None:
    other = {"__init__.py", "report.py"}
    trees = [tree for path, tree in modules() if path.parent.name == "verify" and path.name not in other]
    dicts = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    names = {name for node in dicts for key in node.keys if key for name in literals(key)}
    assert {"cosigned", "substitutions", "passed_over"} <= names
    assert names <= set(catalogue(lang).sections["field"])


def test_the_line_that_another_draw_was_not_looked_for_is_exact() -> None:
    zh, en = (catalogue(lang).sections["verdict"]["bundle-only"] for lang in LANGUAGES)
    assert zh == "本次结果属实；是否另有未公布的抽取：未检查"
    assert en == "this result is true; whether there are other, unpublished draws: not checked"


PAGES = ROOT / "web/src/page"
PAGE_CODE = r"[a-z]+(?:-[a-z]+)*"
CHOSEN_ELSEWHERE = ("file-", "look-", "table-")  # codes that a function returns, for another one to say


def of_the_pages() -> tuple[set[str], set[str], list[re.Pattern[str]]]:
    """Return the codes of [page] that the pages ask for, all words that could be one, and a pattern a template."""
    sources = "\n".join(path.read_text(encoding="utf-8") for path in sorted(PAGES.iterdir()))
    quoted = set(re.findall(rf"'({PAGE_CODE})'", sources))
    asked = {code for code in quoted if code.startswith(CHOSEN_ELSEWHERE)}
    asked |= set(re.findall(rf"\{{page\.({PAGE_CODE})\}}", sources))
    for argument in re.findall(r"\bpage\(([^,)]*)", sources):
        asked |= set(re.findall(rf"'({PAGE_CODE})'", argument))
    beginnings = re.findall(r"`([a-z]+-)\$\{[^}]*\}`", sources)
    return asked, asked | quoted, [re.compile(beginning + "[a-z-]+") for beginning in beginnings]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_sentence_of_the_pages_is_said_and_every_one_said_is_there(lang: str) -> None:
    sentences = catalogue(lang).sections
    asked, known, patterns = of_the_pages()
    assert {"working", "look-title", "look-absent", "verify-title"} <= asked
    assert asked <= set(sentences["page"])
    unnamed = set(sentences["page"]) - known
    assert not {code for code in unnamed if not any(pattern.fullmatch(code) for pattern in patterns)}
    # What a page says in other words than a command is said by commands at all.
    assert set(sentences["page.reason"]) <= set(sentences["reason"])
    assert {f"check.{code}" for code in sentences["page.do"]} <= set(sentences)
