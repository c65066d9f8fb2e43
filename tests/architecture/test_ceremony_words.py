"""Every sentence of the ceremony's pages is said, and every one that they say is there."""

import re
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from fairdraw_cli.ceremony.app import TROUBLES as FAULTS
from fairdraw_cli.ceremony.state import STEPS, Screen
from fairdraw_cli.session import catalogue

ROOT = Path(__file__).parents[2]
PAGES = [path for path in sorted((ROOT / "web/src/ceremony").glob("*.mjs")) if path.name != "words.mjs"]
SOURCES = "\n".join(path.read_text("utf-8") for path in PAGES)
CODE = "[a-z]+(?:-[a-z]+)*"
STATES = ("ok", "warn", "fail", "unknown")
TROUBLES = ("late", "carry", "not-final", "fault", *FAULTS.values())
PENDING = ("deposits", "reveals")


def panels() -> set[str]:
    return set(re.findall(rf"\bpanel\(\s*'({CODE})'", SOURCES))


def made() -> set[str]:
    """Return the codes that templates make: `step-${…}` and its like."""
    told = {f"{beginning}-{screen}" for beginning, screen in product(("step", "do"), get_args(Screen))}
    told |= {f"panel-{name}" for name in panels()}
    told |= {f"of-{role}" for role in ("objects", "inspectors")}
    return told | {f"trouble-{one}" for one in TROUBLES} | {f"finding-{one}" for one in STATES} | set(PENDING)


def quoted() -> set[str]:
    return set(re.findall(rf"'({CODE})'", SOURCES))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_sentence_is_said_and_every_one_said_is_there(lang):
    there = set(catalogue(lang).sections["hall"])
    asked = {code for said in re.findall(r"\bsay\(([^)`]*)\)", SOURCES) for code in re.findall(rf"'({CODE})'", said)}
    asked -= {"zh", "en", "objects", "inspectors"}
    assert {"lock-title", "rolling"} <= asked
    assert "redraw" in panels()
    assert asked <= there
    assert made() <= there
    assert there <= made() | quoted()


def test_what_templates_make_is_what_they_ask_for():
    beginnings = set(re.findall(rf"say\((?:[^)`]*)`({CODE}-)\$\{{", SOURCES))
    assert beginnings == {"step-", "do-", "panel-", "of-", "trouble-", "finding-"}


def test_the_hall_knows_every_step_of_the_state():
    listed = re.search(r"const STEPS = \[([^\]]*)\]", SOURCES)
    assert listed is not None
    assert tuple(re.findall(rf"'({CODE})'", listed[1])) == STEPS
