"""`fairdraw regulation`: every value is shown in words of both languages, and a bureau's own file is checked."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from fairdraw.regulation import Regulation, artifact_bytes, digest, read_artifact
from fairdraw.regulation.derive import OWN as NEVER_COMPARED
from fairdraw.regulation.derive import WORDS
from fairdraw_cli.main import run
from fairdraw_cli.regulationpage import GROUPS, page
from fairdraw_cli.regulations import IDS, load, read_regulation
from fairdraw_cli.session import LANGUAGES, catalogue

ROOT = Path(__file__).parents[2]
OWN = {"v", "id", "extends", "dropped", "document"}


def example() -> str:
    page = (ROOT / "docs" / "files.md").read_text("utf-8")
    (found,) = re.findall(r"(?s)```toml\n# REGULATION.toml\n(.*?)```", page)
    return str(found)


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert run(["--lang", "en", *words]) == code
    told = capsys.readouterr()
    return told.out + told.err


def test_every_field_is_in_one_group() -> None:
    shown = [name for names in GROUPS.values() for name in names]
    assert sorted(shown) == sorted(set(Regulation.model_fields) - OWN)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_field_and_group_has_a_title(lang: str) -> None:
    words = catalogue(lang)
    assert [
        name for name in Regulation.model_fields if name != "dropped" and not words.has("regulation-field", name)
    ] == []
    assert [name for name in GROUPS if name != "document" and not words.has("regulation-group", name)] == []


def choices(annotation: Any) -> Iterator[str]:
    """Yield the words of every choice that a type leaves."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for field in annotation.model_fields.values():
            yield from choices(field.annotation)
    elif get_origin(annotation) is Literal:
        yield from (one for one in get_args(annotation) if isinstance(one, str))
    else:
        for inner in get_args(annotation):
            yield from choices(inner)


def parts(annotation: Any) -> Iterator[str]:
    """Yield the name of every part of the values and entries of a type, as `check` and its errors name them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield field.alias or name
            yield from parts(field.annotation)
    else:
        for inner in get_args(annotation):
            yield from parts(inner)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_part_that_may_differ_has_words(lang: str) -> None:
    words = catalogue(lang)
    compared = (field.annotation for name, field in Regulation.model_fields.items() if name not in NEVER_COMPARED)
    names = {name for annotation in compared for name in parts(annotation)} - (WORDS - {"principle"})
    assert sorted(name for name in names if not words.has("field", name)) == []


@pytest.mark.parametrize(("lang", "word"), [("en", "drawn afresh"), ("zh", "重新抽取")])
def test_a_substitute_is_told_as_drawn_afresh_and_not_as_cosigned(lang: str, word: str) -> None:
    old, new = (catalogue(lang).show({"fresh": one}) for one in (True, False))
    assert old != new
    assert old.startswith(word)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_choice_has_words(lang: str) -> None:
    words = catalogue(lang)
    sections = ("regulation-value", "role", "regulation-kind", "regulation-times", "regulation-ground")
    told = set(choices(Regulation))
    assert {"objects-first", "floor", "first-found", "until-visit", "at-least"} <= told
    kinds = {"body", "person"}  # of the subjects of a credit file, whose words tell it
    assert {one for one in told - kinds if not any(words.has(section, one) for section in sections)} == set()


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", IDS)
def test_a_page_shows_every_value_with_its_article(name: str, lang: str) -> None:
    words, regulation = catalogue(lang), load(name)
    lines = list(page(words, regulation))
    entries = [entry for _, entry in regulation.cited()]
    if regulation.credit is not None:
        entries += [entry for _, part in regulation.credit.value for entry in part]
    for entry in entries:
        source = words.mark("open") + words.mark("between").join(entry.cite)
        assert sum(source in line for line in lines) >= sum(one.cite == entry.cite for one in entries)
    assert sum(line.startswith("  ") and line.endswith(words.mark("close")) for line in lines) == len(entries)
    assert not [line for line in lines if "?" in line or "None" in line]


def test_a_list_names_all_with_their_digests(capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, "regulation", "list")
    assert [name in told and digest(load(name)) in told for name in IDS] == [True] * len(IDS)
    answer = json.loads(said(capsys, "regulation", "list", "--json"))
    assert [one["id"] for one in answer["regulations"]] == list(IDS)


@pytest.mark.parametrize("name", IDS)
def test_the_answer_for_programs_is_the_artifact(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = json.loads(said(capsys, "regulation", "show", name, "--json"))
    data = json.dumps(answer["regulation"], ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    assert data == artifact_bytes(load(name))
    assert read_artifact(data) == load(name)
    assert (answer["digest"], answer["length"]) == (digest(load(name)), len(data))


def test_the_example_of_the_files_page_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "city.toml"
    file.write_text(example(), encoding="utf-8")
    answer = json.loads(said(capsys, "regulation", "check", str(file), "--json"))
    assert (answer["id"], answer["extends"]) == ("jinan-2026", "shandong-2020")
    assert {one["rule"]: (one["direction"], one["reason"]) for one in answer["departures"]} == {
        "yearly_cap": ("laxer", "new-institutions"),
        "team": ("stricter", None),
        "exceptions.media": ("stricter", None),
        "ratios.medical/-/-/draw": ("stricter", None),
    }


def test_the_example_without_its_reason_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "city.toml"
    file.write_text(example().replace('laxer = "new-institutions"\n', ""), encoding="utf-8")
    answer = json.loads(said(capsys, "regulation", "check", str(file), "--json", code=2).splitlines()[0])
    assert answer["error"] == {
        "code": "laxer-without-reason",
        "params": {"file": "city.toml", "rule": "yearly_cap", "expected": 2, "found": 3},
    }


def test_an_artifact_that_is_served_is_checked_like_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, served = tmp_path / "city.toml", tmp_path / "artifact"
    file.write_text(example(), encoding="utf-8")
    told = read_regulation(file)
    served.write_bytes(artifact_bytes(told))
    assert said(capsys, "regulation", "check", str(served)) == said(capsys, "regulation", "check", str(file))
    assert told.team is not None
    # Written by hand: no file with this team would have been read.
    served.write_bytes(artifact_bytes(told).replace(b'"value":3', b'"value":1'))
    assert "laxer than its parent in team" in said(capsys, "regulation", "check", str(served), code=2)
    served.write_bytes(artifact_bytes(told).replace(b'"id":"shandong-2020"', b'"id":"nowhere"'))
    assert "extends nowhere, which is not known" in said(capsys, "regulation", "check", str(served), code=2)
    served.write_bytes(artifact_bytes(told)[:-1])
    assert "artifact is no regulation artifact" in said(capsys, "regulation", "check", str(served), code=2)
