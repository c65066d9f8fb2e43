"""The files in examples/ are what a bureau could use: the commands take them as they are."""

from pathlib import Path

import pytest
from examples import year

from fairdraw_cli.forms import DrawForm, read_form
from fairdraw_cli.main import run
from fairdraw_cli.planform import PlanForm
from fairdraw_cli.regulations import IDS

FOLDER = Path(__file__).resolve().parents[2] / "examples"
PLANS = sorted(FOLDER.glob("*/*.toml"))


def of(name: str, pattern: str) -> list[Path]:
    return sorted((FOLDER / name).glob(pattern))


@pytest.mark.parametrize("name", IDS)
def test_every_plan_of_the_examples_fits_its_regulation(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    at = ("--clock", f"{year.SCRIPTS[name].year}-01-11T04:00:00Z")
    assert run(["init", "desk", "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj"]) == 0
    assert run(["-C", "desk", "items", "log", str(FOLDER / name / "ITEMS.toml"), *at]) == 0
    plans = [path for path in of(name, "*.toml") if path.stem.startswith(("PLAN", "SPECIAL"))]
    assert len(plans) >= 2
    for path in plans:
        assert run(["-C", "desk", "plan", "check", str(path), *at]) == 0, capsys.readouterr()


@pytest.mark.parametrize("name", IDS)
def test_every_slot_of_a_plan_is_drawn_by_one_file_and_within_its_days(name):
    plans = [read_form(path, PlanForm)[0] for path in [*of(name, "PLAN*.toml"), *of(name, "SPECIAL.toml")]]
    drawn = [read_form(path, DrawForm)[0] for path in of(name, "DRAW-*.toml")]
    assert sorted(slot for form in drawn for slot in form.slots) == sorted({s for plan in plans for s in plan.slots})
    days = {batch.slot: (batch.first, batch.last) for plan in plans for batch in plan.schedule}
    for form in drawn:
        assert all(days[slot][0] <= form.window <= days[slot][1] for slot in form.slots)


def test_the_readme_names_every_folder():
    told = (FOLDER / "README.md").read_text("utf-8")
    assert [name for name in IDS if f"`{name}/`" not in told] == []


def test_the_example_says_what_was_planned(capsys):
    assert year.main(["laiyuan"]) == 0
    assert "2024: result-late" in capsys.readouterr().out
