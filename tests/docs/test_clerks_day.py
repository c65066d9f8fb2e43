"""What docs/a-clerks-day.md shows is what the transcript plays, line for line."""

import re
from pathlib import Path

from support.transcripts import FOLDER, Step, read_steps

DOCUMENT = (Path(__file__).parents[2] / "docs/a-clerks-day.md").read_text("utf-8")


def steps_of(text: str) -> list[tuple[list[str], list[str], int]]:
    def shown(step: Step) -> tuple[list[str], list[str], int]:
        return step.words, [line for line in step.body if line], step.code

    return [shown(step) for step in read_steps(text)]


def test_the_document_shows_every_step_of_the_transcript_and_no_other():
    blocks = re.findall(r"^```console\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    shown = steps_of("".join(blocks))
    assert len(shown) > 50
    assert shown == steps_of((FOLDER / "clerks_day.zh.txt").read_text("utf-8"))


def test_the_english_day_has_the_same_commands_in_the_same_order():
    """Names of files differ, and nothing else."""

    def commands(name: str) -> list[list[str]]:
        steps = read_steps((FOLDER / name).read_text("utf-8"))
        return [[word for word in step.words if word.isascii() and not re.search(r"\.[a-z]+$", word)] for step in steps]

    def kinds(told: list[list[str]]) -> list[list[str]]:
        return [[word for word in words if re.fullmatch(r"[a-z]+|--[a-z-]+|[0-9T:Z-]+", word)] for words in told]

    chinese, english = (kinds(commands(name)) for name in ("clerks_day.zh.txt", "clerks_day.txt"))
    own = {"papers", "each", "my-trust"}
    assert chinese == [[word for word in words if word not in own] for words in english]


def test_every_exit_code_and_every_refusal_is_the_same_in_both_languages():
    codes = [[step.code for step in read_steps((FOLDER / name).read_text("utf-8"))]
             for name in ("clerks_day.zh.txt", "clerks_day.txt")]  # fmt: skip
    assert codes[0] == codes[1]
    assert sum(code != 0 for code in codes[0]) >= 7


def test_every_page_that_the_document_links_to_exists():
    links = re.findall(r"\]\(([^)#]+)\)", DOCUMENT)
    assert links
    for link in links:
        assert (Path(__file__).parents[2] / "docs" / link).exists(), link
