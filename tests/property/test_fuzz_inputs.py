"""Every parser on seeds, on inputs that fuzzing once tripped over, and on mutations: refused, or read back.

The targets are those of fuzz/, so what coverage-guided fuzzing looks for is looked for here too, without atheris.
"""

from pathlib import Path

import fuzz
import fuzz.__main__ as fuzz_command
import pytest
from fuzz.seeds import seeds
from fuzz.targets import every_name, load
from hypothesis import given, settings
from hypothesis import strategies as st

FOLDER = Path(fuzz.__file__).parent
KEPT = sorted(path for path in FOLDER.glob("regressions/*/*") if path.is_file())
SEEDS = seeds()


def seeds_of(name):
    return [data for path, data in SEEDS.items() if path.startswith(f"{name}/")]


@st.composite
def mutated(draw, good):
    """A good input, damaged in up to three places: bits, bytes, and parts of it or of another one moved about."""
    data = draw(st.sampled_from(good))
    for _ in range(draw(st.integers(1, 3))):
        start, end = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
        other = draw(st.sampled_from(good))
        at = draw(st.integers(0, len(other)))
        data = draw(
            st.sampled_from(
                [
                    data[:start] + draw(st.binary(max_size=8)) + data[end:] if end - start < 40 else data[:start],
                    data[:start] + draw(st.binary(max_size=3)) + data[start:],
                    data[:start] + bytes([draw(st.integers(0, 255))]) + data[start + 1 :],
                    data[:start] + other[at : at + 100] + data[start:],
                    data[:start] + data[start:end] + data[start:],
                    data[:start] + data[end:],
                ]
            )
        )
    return data


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}: {path.name}")
def test_what_once_was_a_finding_is_none_any_more(path):
    load(path.parent.name)(path.read_bytes())


@pytest.mark.parametrize("name", every_name())
def test_seeds_are_read_and_what_they_become_is_read_back_or_refused(name):
    target = load(name)
    for data in seeds_of(name):
        target(data)

    @settings(max_examples=40, deadline=None)
    @given(st.one_of(st.binary(max_size=200), mutated(seeds_of(name))))
    def check(data):
        target(data)

    check()


def test_the_corpus_is_what_its_script_writes():
    there = {path.relative_to(FOLDER / "corpus").as_posix(): path for path in FOLDER.glob("corpus/*/*")}
    assert there.keys() == SEEDS.keys()
    for name, path in there.items():
        assert path.read_bytes() == SEEDS[name], name


def test_every_target_has_a_seed_and_every_kept_input_a_target():
    assert {path.split("/")[0] for path in SEEDS} == set(every_name())
    assert {path.parent.name for path in KEPT} <= set(every_name())


@pytest.mark.parametrize(
    ("installed", "came_through", "expected"), [(True, True, 0), (True, False, 1), (False, True, 2)]
)
def test_the_command_says_by_its_exit_code_whether_something_was_found_or_could_be_tried(
    monkeypatch, capsys, tmp_path, installed, came_through, expected
):
    asked = []
    monkeypatch.setattr(fuzz_command, "find_spec", lambda name: installed or None)
    monkeypatch.setattr(fuzz_command, "instrumented", dict.fromkeys)
    monkeypatch.setattr(fuzz_command, "explore", lambda name, _, s, work: asked.append((name, s)) or came_through)
    monkeypatch.setattr("sys.argv", ["fuzz", "all", "--seconds", "100", "--work", str(tmp_path)])
    assert fuzz_command.main() == expected
    assert asked == ([(name, 100 // len(every_name())) for name in every_name()] if installed else [])
    told = capsys.readouterr()
    assert ("atheris is not installed" in told.err) != installed
