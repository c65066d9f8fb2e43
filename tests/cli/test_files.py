"""docs/files.md: every key that a reader knows stands in it, and every example is read by the real reader."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from fairdraw.registry import load_map, read_pairs
from fairdraw.registry.mapping import Attribute, Mapping, Numbering, Private
from fairdraw.registry.recusals import COLUMNS
from fairdraw.trust import parse_trust
from fairdraw_cli import eventform, forms, planform
from fairdraw_cli.helping import texts
from fairdraw_cli.workspace import Workspace

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "files.md").read_text("utf-8")
SECTIONS = {part.split("\n", 1)[0]: part for part in re.split(r"(?m)^## ", PAGE)}
TABLES: dict[str, tuple[type[BaseModel], ...]] = {
    "PLAN.toml": (
        planform.PlanForm,
        planform.RuleForm,
        planform.RatioForm,
        planform.GradeForm,
        planform.BatchForm,
        planform.JointForm,
        planform.TeamForm,
        planform.EligibleForm,
        planform.SpecialityForm,
        planform.ExpertsForm,
    ),
    "ITEMS.toml": (planform.ItemsForm, planform.ItemForm),
    "DRAW.toml": (forms.DrawForm, forms.BeaconForm, forms.UntilForm, forms.SeedForm, forms.ContributorForm),
    "EVENTS.toml": (eventform.EventsForm, eventform.EventForm),
    "VALUES.toml": (eventform.ValuesForm, eventform.ValueForm),
    "MAP.toml": (Mapping, Attribute, Private),
}


def example(section: str, kind: str = "toml") -> str:
    (found,) = re.findall(rf"(?s)```{kind}\n(.*?)```", SECTIONS[section])
    return str(found)


def keys(table: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in table.model_fields.items()}


@pytest.mark.parametrize("section", TABLES)
def test_every_key_is_described_and_stands_in_the_example(section: str) -> None:
    for table in TABLES[section]:
        for key in keys(table):
            assert f"`{key}`" in SECTIONS[section] or f"{{ {key} = " in SECTIONS[section], key
            if (section, key) != ("DRAW.toml", "digits"):  # of the other kind of seed
                assert re.search(rf"(?m)(^|[{{,] ?|\[)\[?{key}\]? ?(=|\]|$)", example(section)), key


@pytest.mark.parametrize("section", TABLES)
def test_no_key_is_described_that_no_reader_knows(section: str) -> None:
    known = set().union(*map(keys, TABLES[section])) | keys(Numbering)
    described = {
        key for row in re.findall(r"(?m)^\| (`.*?) \|", SECTIONS[section]) for key in re.findall("`(.*?)`", row)
    }
    assert described
    assert described <= known


@pytest.mark.parametrize(("section", "kind"), [("PLAN.toml", planform.PlanForm), ("DRAW.toml", forms.DrawForm)])
def test_the_forms_are_read_and_with_a_word_misspelt_they_are_not(
    section: str, kind: type[forms.Form], tmp_path: Path
) -> None:
    path = tmp_path / section
    path.write_text(example(section), encoding="utf-8")
    form, _ = forms.read_form(path, kind)
    assert form.model_dump()["id"]
    path.write_text(example(section).replace("slots =", "slot ="), encoding="utf-8")
    with pytest.raises(forms.WorkspaceError, match="file-key"):
        forms.read_form(path, kind)


def test_the_events_and_their_values_are_read(tmp_path: Path) -> None:
    for name in ("EVENTS.toml", "VALUES.toml"):
        (tmp_path / name).write_text(example(name), encoding="utf-8")
    (tmp_path / "ssq-2026103.html").write_bytes(b"3 6 9 13 15 31")
    events = eventform.read_events(tmp_path / "EVENTS.toml")
    assert eventform.read_values_file(tmp_path / "VALUES.toml", events).key() == "3.6.9.13.15.31./"
    assert eventform.read_numbers(tmp_path / "VALUES.toml", events) == ("3.6.9.13.15.31.",)


def test_the_map_the_recusals_and_the_trust_file_are_read() -> None:
    assert load_map(example("MAP.toml")).header == 1
    lines, problems = read_pairs(example("The recusal list", "csv").encode(), name="recusals.csv")
    assert (len(lines), problems) == (2, ())
    assert all(f"`{column}`" in SECTIONS["The recusal list"] for column in COLUMNS)
    assert parse_trust(example("The trust file", "trust").encode()).receipts == 1


def test_the_settings_of_a_workspace_are_read(tmp_path: Path) -> None:
    (tmp_path / "fairdraw.toml").write_text(example("fairdraw.toml"), encoding="utf-8")
    place = Workspace.open(tmp_path)
    assert (place.bureau, place.origin, place.rehearsal) == ("ybj.example.cn", "log.example.cn/jinan", False)
    assert place.site == "https://draws.example.cn"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_help_names_every_key_and_where_all_is_told(lang: str) -> None:
    for path, form in (("plan log", planform.PlanForm), ("announce", forms.DrawForm)):
        page = texts(lang)["command"][path]
        assert "docs/files.md" in page
        assert not [key for key in form.model_fields if not re.search(rf"\b{key}\b", page)]
    assert "docs/files.md" in texts(lang)["command"]["freeze"]


def test_links_of_the_page_lead_somewhere() -> None:
    for target in re.findall(r"\]\((\.\./[^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).is_file(), target
    assert "](docs/files.md)" in (ROOT / "README.md").read_text("utf-8")
