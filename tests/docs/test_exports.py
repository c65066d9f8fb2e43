"""docs/exports.md says which words a clerk may write: the same as the tables that read them."""

import csv
import re
from pathlib import Path

from fairdraw.registry.recusals import COLUMNS as RECUSALS
from fairdraw.registry.recusals import DECLARERS, REASONS
from fairdraw_cli.planrows import read_plan
from fairdraw_cli.plansheet import COLUMNS, EXAMPLE, ROWS, RULES, SETTINGS, WORDS
from fairdraw_cli.resultform import COLUMNS as RESULTS

PAGE = (Path(__file__).parents[2] / "docs/exports.md").read_text("utf-8")


def rows() -> list[list[str]]:
    """Return the cells of every row of every table of the page."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| ")
    ]


def test_the_plan_that_the_page_shows_is_the_example_and_a_plan(tmp_path):
    header = next(row for row in rows() if row[:3] == ["类别", "事项", "名称"])
    shown = [dict(zip(header, row, strict=True)) for row in rows() if len(row) == len(header) and row != header]
    wanted = [{COLUMNS[code]: cell for code, cell in row.items()} for row in EXAMPLE]
    assert [{name: cell for name, cell in row.items() if cell} for row in shown] == wanted
    with (tmp_path / "plan.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(shown)
    assert read_plan(tmp_path / "plan.csv").id == "2026"


def test_every_kind_of_row_is_explained_with_its_columns():
    told = {row[0]: row[2] for row in rows() if len(row) == 3}
    for code, kind in ROWS.items():
        columns = told[f"{kind.zh} `{code}`"]
        needed, _, optional = columns.partition("and ")
        assert {one for one in re.split(", | or ", needed) if one.strip()} == {COLUMNS[name] for name in kind.needs}, (
            code
        )
        assert {one for one in optional.split(", ") if one} == {COLUMNS[name] for name in kind.takes}, code


def test_every_setting_rule_and_word_is_named():
    for code, (zh, *_) in SETTINGS.items():
        assert re.search(rf"\| {zh}(?: \([^)]*\))? \| `{code}` \|", PAGE), code
    for code, (zh, _) in RULES.items():
        assert f"{zh} `{code}`" in PAGE
    for name, words in WORDS.items():
        for zh in words:
            assert name == "boolean" or zh in PAGE
    for code in COLUMNS:
        assert f"`{code}`" in PAGE


def test_every_heading_of_recusals_and_results_stands_beside_its_code():
    cells = [(row[at], row[at + 1]) for row in rows() if len(row) == 6 for at in (0, 2, 4)]
    assert {(zh, f"`{code}`") for code, zh in (*RECUSALS.items(), *RESULTS.items())} == set(cells) - {("", ""),
        ("recusals", ""), ("results", "")}  # fmt: skip
    for zh, code in REASONS.items():
        assert re.search(rf"{zh}\s+`{code}`", PAGE)
    assert all(zh in PAGE for zh in DECLARERS)
