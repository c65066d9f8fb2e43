"""The sheet of refused rows, which a clerk mends in place and hands back: specs/map.md §5.1, docs/spreadsheets.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from fairdraw.errors import WorkspaceError
from fairdraw.messages import visible
from fairdraw.registry import Problem, Reading, as_they_came, binding, load_map, read_registry
from fairdraw_cli.files import check_folder, create_private, read
from fairdraw_cli.rows import bad_row
from fairdraw_cli.session import Session
from fairdraw_cli.textsheet import TextSheet, text_workbook

if TYPE_CHECKING:
    from fairdraw.registry import Mapping as Map

REFUSED: Final = click.option("--refused", metavar="FILE.xlsx", type=click.Path(path_type=Path))
MENDED: Final = click.option("--mended", metavar="FILE", type=click.Path(path_type=Path))
SUFFIX: Final = ".xlsx"
PIPE: Final = "-"
_REMARKS: Final = ("line", "cell", "field", "expected", "found", "do")
_EXPLAINED: Final = ("refused-first", "refused-mend", "refused-keep", "refused-back", "refused-private")


@dataclass(frozen=True)
class Source:
    """A registry file as it was named on the command line, and the sheet of its mended rows if there is one."""

    file: Path
    mapping: "Map | None"
    mended: Path | None = None

    def read(self, *, numbers: bytes | None, secret: bytes | None) -> Reading:
        """Return the registry in the file, with the mended rows in their places."""
        return read_registry(
            read(self.file), self.mapping, name=self.file.name, numbers=numbers, secret=secret, mended=self._mended
        )

    @property
    def piped(self) -> bool:
        """Whether the registry comes through standard input."""
        return str(self.file) == PIPE

    @property
    def called(self) -> dict[str, str]:
        """Return what a clerk calls each field: the column that it comes from."""
        if self.mapping is None:
            return {}
        attributes = {field: one.column for field, one in self.mapping.attrs.items()}
        sealed = {**self.mapping.private, **self.mapping.closed}
        columns = {**attributes, **{field: one.column for field, one in sealed.items()}}
        return {field: visible(column) for field, column in columns.items()}

    @property
    def _mended(self) -> tuple[str, bytes] | None:
        return (self.mended.name, read(self.mended)) if self.mended else None

    def sheet(self, session: Session, reading: Reading) -> tuple[bytes, int]:
        """Return the sheet of the refused rows, and how many there are.

        Of a sheet that was mended already all rows stand in the new one, too: one sheet is handed back, never two.
        """
        data = read(self.file)
        lines = set(reading.left_out)
        if self.mended:
            lines = set(read_registry(data, self.mapping, name=self.file.name).left_out)
        columns, rows = as_they_came(data, self.mapping, name=self.file.name, lines=lines, mended=self._mended)
        told = _remarks(session, reading.problems, self.called)
        name = self.mended.name if self.mended else reading.sheet or self.file.name
        head = [f"※{session.word(f'refused.{code}')}" for code in _REMARKS]
        head[0] += binding(data)
        sheet = TextSheet(
            name=session.word("refused.sheet"),
            titles=[*head, *columns],
            rows=[[str(line), *told.get(line, _fine(session)), *cells] for line, cells in rows],
            locked=len(_REMARKS),
            wrapped=True,
        )
        notes = TextSheet(
            name=session.word("template.notes"),
            titles=[session.word("refused.about", file=self.file.name, of=name)],
            rows=[[session.word(f"refused.{code}")] for code in _EXPLAINED],
            wrapped=True,
        )
        return text_workbook([sheet, notes]), len(rows)


def map_of(file: Path | None) -> "Map | None":
    """Return the map in a MAP.toml that was named on the command line.

    Raises:
        RegistryError: it is no map.
    """
    return load_map(read(file).decode("utf-8-sig", "replace")) if file else None


def check_refused(path: Path | None) -> None:
    """Check the path of a sheet of refused rows before anything is done.

    Raises:
        WorkspaceError: `file-type-made`, `file-exists` or `folder-missing`.
    """
    if path is None:
        return
    if path.suffix.lower() != SUFFIX:
        raise WorkspaceError("file-type-made", expected=[SUFFIX], found=path.name)
    check_folder(path)
    if path.exists():
        raise WorkspaceError("file-exists", found=str(path))


def write_refused(session: Session, path: Path | None, source: Source, reading: Reading) -> None:
    """Write the sheet of refused rows where it was asked for, for nobody else to read: it holds names."""
    if path is None:
        return
    if not reading.problems:
        session.say("refused.none", file=path)
        return
    data, count = source.sheet(session, reading)
    create_private(path, data)
    session.say("refused.written", file=path, count=count)
    session.say("refused.hand-back", file=path)


def advice(session: Session, code: str) -> str:
    """Return what a clerk can do about a bad row."""
    if session.words.has("mend", code):
        return session.words.say("mend", code)
    return session.word("mend.other", reason=session.words.say("error", code))


def _remarks(session: Session, problems: Sequence[Problem], called: Mapping[str, str]) -> Mapping[int, list[str]]:
    """Return the remarks on each line, several problems of a row one below the other."""
    by_line: dict[int, list[list[str]]] = {}
    for problem in problems:
        shown = bad_row(session, problem)
        by_line.setdefault(problem.line, []).append([
            problem.cell or "—", called.get(problem.field, problem.field) or "—", str(shown["expected"]),
            str(shown["found"] or "—"),
            advice(session, problem.code),
        ])  # fmt: skip
    return {line: ["\n".join(parts) for parts in zip(*told, strict=True)] for line, told in by_line.items()}


def _fine(session: Session) -> list[str]:
    return ["", "", "", "", session.word("refused.fine")]
