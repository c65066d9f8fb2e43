"""Catalogues that are read line by line are what all of TOML says they are."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fairdraw import messages
from fairdraw.errors import EncodingError

ROOT = Path(__file__).resolve().parents[2]
OURS = [*ROOT.glob("src/fairdraw/wording/*.toml"), *ROOT.glob("cli/fairdraw_cli/data/wording.*.toml")]

names = st.sampled_from(["error", "check", "check.seed", "seed", "check.seed.x", "Check", "a-1", '"q"', "", "1"])
values = st.one_of(
    st.text("ab{}\"\\'\n\r\t\x7f\x85\u2028字 #=[]", max_size=8),
    st.sampled_from(["{found}", "{found", "{0}", "{a_1}", "}{", '\\"', "\\\\", "\\n", "\\u0041", "\\e"]),
)
entries = st.builds("{} = {}".format, names, st.one_of(values.map('"{}"'.format), values.map("'{}'".format), values))
sections = st.one_of(names.map("[{}]".format), names.map("[[{}]]".format))
lines = st.one_of(entries, sections, st.sampled_from(["", "# a word", "#\x00", " ", "\ufeff", "[error]", 'a = "b"']))
texts = st.lists(lines, max_size=8).flatmap(
    lambda some: st.sampled_from(["\n", "\r\n"]).map(lambda end: end.join(some))
)


def by_all_of_toml(text: str) -> dict[str, dict[str, str]] | None:
    try:
        return {name: dict(section) for name, section in messages._sections(tomllib.loads(text))}
    except (ValueError, EncodingError):
        return None


@given(texts)
@example('[check]\nseed = "a"\n[check.seed]\nb = "c"\n')
@example('[check.seed]\nb = "c"\n[check]\nseed = "a"\n')
@example('[check.seed]\nb = "c"\n[check]\nother = "a"\n')
@example('[error]\na = "b"\n[error]\nc = "d"\n')
@example('[error]\na = "b"\na = "c"\n')
@example('a = "b"\n[error]\n')
def test_what_is_read_line_by_line_is_what_toml_says(text: str) -> None:
    quick = messages._plain_sections(text)
    if quick is not None:
        assert quick == by_all_of_toml(text)


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_our_own_catalogues_are_read_line_by_line(path: Path) -> None:
    text = path.read_text("utf-8")
    assert messages._plain_sections(text) == by_all_of_toml(text) is not None
