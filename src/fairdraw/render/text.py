"""The record as plain text in 80 columns, the languages beside each other."""

from collections.abc import Iterator, Sequence
from typing import Final

from fairdraw.messages import Catalogue, visible
from fairdraw.render.columns import cells, indented, pad, table
from fairdraw.render.parts import Section, Shown
from fairdraw.render.sheet import Sheet

WIDTH: Final = 80


def label(code: str, catalogues: Sequence[Catalogue]) -> str:
    """Return a label in every language."""
    return " ".join(catalogue.say("sheet", code) for catalogue in catalogues)


def shown(value: Shown, catalogues: Sequence[Catalogue]) -> str:
    """Return a value as people see it: a phrase in every language, a text with unseen characters written out."""
    if isinstance(value, str):
        return visible(value)
    return " / ".join(catalogue.tell(value.section, value.code, value.params) for catalogue in catalogues)


def record_text(sheet: Sheet, catalogues: Sequence[Catalogue], *, width: int = WIDTH) -> str:
    """Return the record as text; lines are up to `width` cells wide, but commands, which must stay whole.

    `catalogues` are the languages in their order on the sheet, Chinese first.
    """
    lines = [c.say("verdict", "rehearsal") + c.say("sheet", "rehearsal") for c in catalogues if sheet.rehearsal]
    lines += [label("title", catalogues), "=" * width]
    lines += _identity(sheet, catalogues)
    for section in sheet.sections:
        lines += _heading(section.code, catalogues, width)
        lines += _section(section, catalogues, width)
    lines += _heading("signatures", catalogues, width)
    # The sheet that is signed may come apart from the others: it says what is signed.
    lines += _identity(sheet, catalogues)
    for role in sheet.roles:
        name = " ".join(catalogue.say("role", role) for catalogue in catalogues)
        lines += ["", f"{name} ".ljust(width - cells(name) + len(name), "_")]
    for catalogue in catalogues:
        lines += ["", *indented(catalogue.say("sheet", "compare"), width=width, first="")]
    return "".join(line + "\n" for line in lines)


def _identity(sheet: Sheet, catalogues: Sequence[Catalogue]) -> list[str]:
    return [
        f"{label('fingerprint', catalogues)}  {sheet.fingerprint}",
        label("text-hash", catalogues),
        sheet.text_hash,
    ]


def _heading(code: str, catalogues: Sequence[Catalogue], width: int) -> list[str]:
    return ["", *indented(label(code, catalogues), width=width, first=""), "-" * width]


def _section(section: Section, catalogues: Sequence[Catalogue], width: int) -> Iterator[str]:
    names = [label(code, catalogues) for code, _ in section.facts]
    column = max(map(cells, names), default=0)
    for name, (_, value) in zip(names, section.facts, strict=True):
        yield from indented(shown(value, catalogues), width=width, first=pad(name, column) + "  ")
    if section.rows:
        headers = [[catalogue.say("sheet", code) for code in section.header] for catalogue in catalogues]
        yield from table(headers, [[shown(cell, catalogues) for cell in row] for row in section.rows], width=width)
    for command in section.commands:
        for catalogue in catalogues:
            yield from indented(catalogue.say("sheet", command.code), width=width, first="")
        yield f"  {command.line}"
        yield f"  = {command.prints}"
    for note in section.notes:
        for catalogue in catalogues:
            yield from indented(catalogue.tell(note.section, note.code, note.params), width=width, first="· ")
