"""Whatever stands in a plan's sheet, it is a plan or a told mistake: never a traceback."""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from fairdraw.errors import RegistryError, WorkspaceError
from fairdraw_cli.planform import PlanForm
from fairdraw_cli.planrows import read_plan
from fairdraw_cli.plansheet import COLUMNS, EXAMPLE, ROWS, RULES, SETTINGS, WORDS, read_ratio

KNOWN = sorted({
    *(row.zh for row in ROWS.values()), *(zh for zh, *_ in SETTINGS.values()), *(zh for zh, _ in RULES.values()),
    *(zh for words in WORDS.values() for zh in words), "fund-use", "1", "2026", "5%", "1/4", "全部",
    "整数:3", "是否:是", "medical、pharmacy", "2026-03-01", "type", "institutions",
})  # fmt: skip
CELLS = st.one_of(st.just(""), st.sampled_from(KNOWN), st.text(max_size=12))
ROW = st.fixed_dictionaries(dict.fromkeys(COLUMNS, CELLS) | {"row": st.sampled_from([row.zh for row in ROWS.values()])})


@given(st.lists(ROW, max_size=6), st.lists(st.integers(0, len(EXAMPLE) - 1), max_size=2))
def test_every_sheet_is_a_plan_or_a_mistake_with_a_file(rows, lost):
    base = [row for at, row in enumerate(EXAMPLE) if at not in lost]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plan.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows([row.get(code, "") for code in COLUMNS] for row in [*base, *rows])
        told = outcome(path)
    assert (
        isinstance(told, PlanForm)
        or told.code in {"csv-malformed", "header-missing"}
        or told.params["file"] == "plan.csv"
    )


def outcome(path: Path) -> PlanForm | WorkspaceError | RegistryError:
    try:
        return read_plan(path)
    except (WorkspaceError, RegistryError) as error:
        return error


@given(st.one_of(st.floats(0, 1), st.integers(0, 100), st.decimals("0", "1", places=4).map(lambda one: f"{one:f}")))
def test_a_share_that_is_understood_is_the_very_number(cell):
    told = read_ratio(cell)
    if "/" in told:
        top, bottom = map(int, told.split("/"))
        assert abs(top / bottom - float(cell)) < 1e-9
