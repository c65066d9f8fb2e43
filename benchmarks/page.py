"""docs/performance.md, written from the recorded figures and from what people say about them."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, Run, read

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
INTRODUCTION: Final = (
    "`make bench` measures and writes this page. Every figure is a ratio of two things that one run did on one",
    "machine; what stands beside it in absolute figures is that machine's. What else was measured:",
    "[benchmarks](benchmarks.md).",
)
REMARKS: Final = Path(__file__).with_name("remarks.toml")


def remarks() -> dict[str, str]:
    """Return what people say about figures, by key: why an aim is missed, or what to know beside a figure."""
    return dict(tomllib.loads(REMARKS.read_text("utf-8"))["figure"])


def text(known: Mapping[str, tuple[Figure, Run]], said: Mapping[str, str] | None = None) -> str:
    """Return the page of some figures, each with its run."""
    return "".join(f"{line}\n" for line in _lines(known, remarks() if said is None else said))


def write() -> None:
    """Write the page of the recorded figures."""
    PAGE.write_text(text(read()), "utf-8")


def _lines(known: Mapping[str, tuple[Figure, Run]], said: Mapping[str, str]) -> Iterator[str]:
    yield from ("# Performance", "")
    yield from INTRODUCTION
    yield from ("", "| work | figure | to | aim | run | this machine |", "|---|---|---|---|---|---|")
    runs = list(dict.fromkeys(run for _, run in known.values()))
    for figure, run in known.values():
        yield (
            f"| {figure.work} | {_value(figure)} | {figure.against} | {_aim(figure)} | {_letter(runs.index(run))} "
            f"| {figure.beside} |"
        )
    missed = [figure for figure, _ in known.values() if figure.missed]
    yield from ("", "## Aims that are missed", "")
    for figure in missed:
        assert figure.aim is not None  # noqa: S101 - else nothing was missed
        yield f"- **{figure.work}**: {_value(figure)} instead of {figure.aim:g}. {said.get(figure.key, '')}".rstrip()
    if not missed:
        yield "None."
    beside = [(figure, said[figure.key]) for figure, _ in known.values() if not figure.missed and figure.key in said]
    if beside:
        yield from ("", "## Remarks", "")
        yield from (f"- **{figure.work}**: {text}" for figure, text in beside)
    yield from ("", "## Runs", "")
    for at, run in enumerate(runs):
        yield f"- **{_letter(at)}**: {run.date}, `{run.command}`, {run.machine}. {run.versions}."


def _letter(at: int) -> str:
    return f"{chr(ord('A') + at % 26)}{at // 26 or ''}"


def _value(figure: Figure) -> str:
    digits = f"{figure.value:,.0f}" if figure.value >= 1000 else f"{figure.value:.3g}"
    return f"{digits} {figure.unit}".rstrip()


def _aim(figure: Figure) -> str:
    if figure.aim is None:
        return ""
    return f"{'**missed**: ' if figure.missed else ''}≤ {figure.aim:g}"
