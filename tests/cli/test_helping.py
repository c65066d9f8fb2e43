"""Help, start-up and sentences: every command explains itself in both languages, and starts with little."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from fairdraw.messages import fields
from fairdraw_cli.helping import Group, option_text, texts
from fairdraw_cli.main import program, run
from fairdraw_cli.session import LANGUAGES, catalogue, default_language

CLI = Path(run.__code__.co_filename).parent
HEAVY = ("pydantic", "requests", "cryptography", "jinja2", "rich", "xlrd", "segno", "py_arkworks_bls12381")


def commands(command: click.Command = program, path: str = "") -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, Group):
        with click.Context(command) as ctx:
            for name in command.list_commands(ctx):
                inner = command.get_command(ctx, name)
                assert inner is not None
                yield from commands(inner, f"{path} {name}".strip())


COMMANDS = dict(commands())


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_every_option_has_help_in_both_languages(
    path: str, lang: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--lang", lang, *path.split(), "--help"]) == 0
    page = capsys.readouterr().out
    assert texts(lang)["command"][path].strip().splitlines()[0] in page
    assert page.startswith(texts(lang)["word"]["usage"] + "fairdraw")
    with click.Context(COMMANDS[path]) as ctx:
        for option in COMMANDS[path].get_params(ctx):
            if isinstance(option, click.Option):
                assert option_text(lang, path, option), f"{path} {option.opts}"


def test_no_help_text_is_for_a_command_or_option_that_is_not_there() -> None:
    options = {opt for c in COMMANDS.values() for p in c.params for opt in p.opts} | {"--help"}
    for lang in LANGUAGES:
        assert set(texts(lang)["command"]) == set(COMMANDS)
        assert {name.split()[-1] for name in texts(lang)["option"]} <= options


def test_help_in_chinese_has_no_line_wider_than_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    from fairdraw.render.columns import cells

    for lang in LANGUAGES:
        for path in COMMANDS:
            run(["--lang", lang, *path.split(), "--help"])
            page = capsys.readouterr().out
            assert max(map(cells, page.splitlines())) <= 100, page


@pytest.mark.parametrize("arguments", [["--help"], ["--lang", "zh", "--help"], []])
def test_the_first_page_loads_nothing_that_a_draw_needs(arguments: list[str]) -> None:
    code = (
        "import sys, json\nfrom fairdraw_cli.main import run\n"
        f"run({arguments!r})\n"
        "print('\\n' + json.dumps([m for m in sys.modules]), file=sys.stderr)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = set(json.loads(told.stderr.splitlines()[-1]))
    assert "click" in loaded
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.GB18030", "LC_ALL": "C"}, "en"),
        ({"LC_MESSAGES": "zh_TW", "LANG": "en_US.UTF-8"}, "zh"),
        ({"LC_ALL": "", "LANG": "zh"}, "zh"),
        ({}, "en"),
    ],
)
def test_the_locale_chooses_the_language(environment: dict[str, str], expected: str) -> None:
    assert default_language(environment) == expected


def test_the_language_may_be_given_after_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--help", "--lang", "zh"]) == 0
    assert "核验" in capsys.readouterr().out


def keys_used() -> Iterator[tuple[str, str]]:
    """Yield (section, code) of every sentence that the commands' source names as a literal."""
    for path in CLI.rglob("*.py"):
        source = path.read_text("utf-8")
        for key in re.findall(r'"((?:init|witness|supervisor|log|cosign|plan|freeze|announce|seeds|pulse|draw|open|void'
                              r'|slip|verify|demo|system|time)\.[a-z][a-z-]*)"', source):  # fmt: skip
            section, _, code = key.partition(".")
            if code not in {"toml", "sqlite", "html"}:  # names of files
                yield section, code
        for code in re.findall(r'WorkspaceError\(\s*"([a-z-]+)"', source):
            yield "error", code


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_sentence_that_is_said_exists(lang: str) -> None:
    used = set(keys_used())
    assert len(used) > 100
    assert not [key for key in used if not catalogue(lang).has(*key)]


def test_both_languages_say_the_same_with_the_same_parameters() -> None:
    zh, en = (catalogue(lang).sections for lang in LANGUAGES)
    assert zh.keys() == en.keys()
    for section in zh:
        assert zh[section].keys() == en[section].keys(), section
        for code in zh[section]:
            assert fields(zh[section][code]) == fields(en[section][code]), f"{section}.{code}"


def test_a_mistake_is_one_line_without_a_traceback() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "fairdraw_cli.main", "verify", "nothing", "--trust", "nothing"],
        capture_output=True, check=False, text=True, env={"LANG": "en_US.UTF-8", "PATH": ""},
    )  # fmt: skip
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == "fairdraw: error: no file nothing\n"
