"""`template`: an empty sheet with the right columns, and a page that says what goes into them."""

import csv
import io
from pathlib import Path
from typing import Final

import click

from fairdraw.errors import WorkspaceError
from fairdraw_cli.files import check_folder, write
from fairdraw_cli.helping import command
from fairdraw_cli.session import Session

NAMES: Final = ("objects", "inspectors", "recusals", "plan", "results")
SUFFIXES: Final = (".xlsx", ".csv")
BOM: Final = "\ufeff"  # without it Excel reads a CSV file of Chinese as something else


@command(
    click.argument("name", metavar="|".join(NAMES), type=click.Choice(NAMES)),
    click.option("-o", "--out", "out", metavar="FILE", type=click.Path(path_type=Path), required=True),
)
def template(session: Session, name: str, out: Path) -> None:
    """Write an empty sheet to fill in."""
    from fairdraw_cli.templates import TEMPLATES, titles

    if out.suffix.lower() not in SUFFIXES:
        raise WorkspaceError("file-type-made", expected=list(SUFFIXES), found=out.name)
    check_folder(out)
    if out.exists():
        raise WorkspaceError("file-exists", found=str(out))  # it may be filled in already
    chosen = TEMPLATES[name]
    bare = out.suffix.lower() == ".csv"
    write(out, _csv(titles(chosen, session.lang)) if bare else _xlsx(session, name))
    session.say("template.written-csv" if bare else "template.written", file=out)
    session.say("template.next-registry" if name in {"objects", "inspectors"} else f"template.next-{name}", file=out)


def _csv(columns: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(columns)
    return (BOM + text.getvalue()).encode()


def _xlsx(session: Session, name: str) -> bytes:
    from fairdraw_cli.templates import TEMPLATES, rows, titles
    from fairdraw_cli.textsheet import TextSheet, text_workbook

    chosen, chinese = TEMPLATES[name], session.lang == "zh"
    columns = list(chosen.columns)
    words = chosen.choices if chinese else chosen.codes
    heads = titles(chosen, session.lang)
    table = TextSheet(
        name=chosen.sheet if chinese else name,
        titles=heads,
        choices={columns.index(code): offered for code, offered in words.items()},
    )
    notes = TextSheet(
        name=session.word("template.notes"),
        titles=[session.word("template.column"), session.word("template.meaning")],
        rows=[
            *([head, session.word(f"template-{name}.{code}")] for code, head in zip(columns, heads, strict=True)),
            [],
            *([session.word(f"template.{word}")] for word in ("digits", "no-formulas", "one-table")),
        ],
    )
    examples = TextSheet(name=session.word("template.examples"), titles=heads, rows=rows(chosen))
    return text_workbook([table, notes, examples])
