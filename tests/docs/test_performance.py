"""The measurements of `make bench`, over few rows: that they still run, agree with their peers, and say what they find.

How long anything takes is never asked here: a busy machine would fail.
"""

import json
from dataclasses import replace
from importlib import import_module
from math import isfinite

import pytest
from benchmarks import figures, page, programs
from benchmarks.__main__ import LONG, NAMES
from benchmarks.figures import Figure, Run

RUN = Run(date="2026-11-28", command="python -m benchmarks", machine="a machine", versions="Python 3")
MET = Figure(key="tree.1", work="one work", against="another", value=0.5, aim=1.25, beside="2 s")
MISSED = Figure(key="startup.slip", work="some work", against="", unit="MiB", value=300.04, aim=256)


@pytest.mark.parametrize("name", NAMES)
def test_a_measurement_runs_over_few_rows(name: str) -> None:
    """Roots, numbers of tickets and verdicts of the peers are compared within the measurement itself."""
    if lacking := programs.missing("rows"):
        pytest.skip(lacking)
    found = list(import_module(f"benchmarks.{name}").measure("small"))
    assert found
    assert len({figure.key for figure in found}) == len(found)
    for figure in found:
        assert figure.key.startswith(f"{name}.")
        assert figure.value > 0
        assert isfinite(figure.value)
        assert figure.work
        assert bool(figure.against) != bool(figure.unit), (
            "a ratio has something that it is a ratio to; a size has a unit"
        )
        assert "|" not in figure.work + figure.against + figure.beside


def test_what_takes_long_is_one_of_the_measurements() -> None:
    assert set(LONG) <= set(NAMES)


def test_the_page_is_what_was_recorded() -> None:
    known = figures.read()
    assert page.PAGE.read_text("utf-8") == page.text(known)
    assert [key.partition(".")[0] for key in known] == sorted((key.partition(".")[0] for key in known), key=NAMES.index)


def test_each_aim_that_is_missed_has_a_reason_and_each_remark_a_figure() -> None:
    known = figures.read()
    said = page.remarks()
    assert {key for key, (figure, _) in known.items() if figure.missed} <= set(said)
    assert set(said) <= set(known)


def test_a_figure_is_recorded_in_the_place_of_its_last_one(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(figures, "RECORDED", tmp_path / "recorded.json")
    order = {"tree": 0, "startup": 1}
    figures.record([MISSED], RUN, order)
    figures.record([MET], RUN, order)
    assert list(figures.read().values()) == [(MET, RUN), (replace(MISSED, value=300.0), RUN)]
    later = Run(date="2026-11-29", command="python -m benchmarks tree", machine="a machine", versions="Python 3")
    figures.record([replace(MET, value=2.0)], later, order)
    assert figures.read()["tree.1"][0].value == 2.0
    assert len(json.loads(figures.RECORDED.read_text("utf-8"))["runs"]) == 2


def test_the_page_says_what_was_missed_and_why() -> None:
    told = page.text({MET.key: (MET, RUN), MISSED.key: (MISSED, RUN)}, {MISSED.key: "Because."})
    assert "| one work | 0.5 | another | ≤ 1.25 | A | 2 s |" in told
    assert "| some work | 300 MiB |  | **missed**: ≤ 256 | A |  |" in told
    assert "- **some work**: 300 MiB instead of 256. Because." in told
    assert "one work**" not in told
    assert "None." in page.text({MET.key: (MET, RUN)}, {})
