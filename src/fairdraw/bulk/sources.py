"""A registry file or pipe of any size, read in chunks of whole rows: the cells of specs/map.md §2, and their lines.

A file that is small enough is read in `registry`, with the same cells, lines and errors. Reading can begin at the place
of any chunk, so that work that was cut off goes on there.
"""

import codecs
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Protocol

from fairdraw.bulk.sealing import Rows
from fairdraw.errors import RegistryError
from fairdraw.registry import parquet
from fairdraw.registry.cells import normal
from fairdraw.registry.jsonlines import WHITE, json_names, json_rows
from fairdraw.registry.mapping import Mapping
from fairdraw.registry.tabular import BOM, Kind, check_headless, csv_rows, read_header, with_content

CHUNK: Final = 1 << 18  # bytes: what is made of one takes some ten times as much, in each thread
MAX_ROW: Final = 16 << 20  # bytes: a row that never ends must not fill the memory
ROW: Final = 256  # bytes of a row of a Parquet file, about: how many are read at a time
FIRST_ROW: Final = 2  # the line of the first row of a file without lines, as below a header

# Whole rows as the module `csv` reads them: a quote begins a quoted field only where a field begins. A carriage return
# at the very end may be half of a line end.
_ROWS: Final = re.compile(
    rb"""(?: (?: [^"\r\n]++ | (?<=[^,\r\n])" | (?: \A | (?<=[,\r\n]) ) "(?:[^"]++|"")*+" )*+
            (?: \r?\n | \r(?!\n|\Z) ) )*+""",
    re.VERBOSE,
)


class Place(NamedTuple):
    """Where a chunk begins: at this byte of the file (in Parquet: this row), on this line."""

    offset: int
    line: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole rows: `after` is where the next chunk begins.

    `csv` gives them as CSV in UTF-8, `arrow` is a record batch of them; None if they are none.
    """

    line: int
    after: Place
    rows: Callable[[], Rows]
    csv: Callable[[], bytes] | None = None
    arrow: parquet.Batch | None = None


class Source(Protocol):
    """A registry, opened: its columns in normal text, and where its rows begin.

    Of a pipe nobody knows the `size`, in the units of `Place.offset`, and the `extent`: about how many rows there are
    and how many bytes each has.
    """

    columns: tuple[str, ...]
    start: Place
    size: int | None

    @property
    def extent(self) -> tuple[float, float] | None:
        """Rows, and bytes of a row, by what the beginning is like."""

    def chunks(self, place: Place) -> Iterator[Chunk]:
        """Yield the chunks from a place on.

        Raises:
            RegistryError: what of the file cannot be read.
        """


@contextmanager
def open_source(
    where: Path | BinaryIO, kind: Kind, mapping: Mapping | None, chunk: int = CHUNK, names: Sequence[str] | None = None
) -> Iterator[Source]:
    """Open a registry at a path or out of a pipe, of which about `chunk` bytes are read at a time.

    `names` are those of a first line of JSON that stands in another file.

    Raises:
        RegistryError: the type of the file, its encoding, or its header.
    """
    if kind == "sheet" or (kind == "parquet" and not isinstance(where, Path)):
        raise RegistryError("file-type-streamed", expected=["csv", "jsonl"], found=kind)
    asked = mapping.encoding if mapping else "auto"
    with ExitStack() as opened:
        if not isinstance(where, Path):
            # What is through cannot be looked at again: a pipe is UTF-8 unless the map says what it is.
            text = _Text(where, "utf-8" if asked == "auto" else asked, None, chunk, seekable=False)
        elif kind == "parquet":
            file = opened.enter_context(parquet.open_file(str(where)))
            yield _Parquet(file, mapping, max(1, chunk // ROW))
            return
        else:
            stream = opened.enter_context(where.open("rb", buffering=0))
            encoding = detect_encoding(stream, asked)
            stream.seek(0)
            text = _Text(stream, encoding, where.stat().st_size, chunk, seekable=True)
        yield _Csv(text, mapping) if kind == "csv" else JsonLines(text, mapping, names)


def detect_encoding(file: BinaryIO, asked: str) -> str:
    """Return the encoding of a file, all of which is read for it: as `registry.tabular.detect`, in little memory.

    Raises:
        RegistryError: `encoding`.
    """
    marked = file.read(len(BOM)) == BOM
    candidates = ["utf-8"] if marked else ["utf-8", "gb18030"] if asked == "auto" else [asked]
    failed = 0
    for candidate in candidates:
        file.seek(0)
        wrong = _first_wrong(file, candidate)
        if wrong is None:
            return candidate
        failed = wrong
    file.seek(failed)
    raise RegistryError("encoding", expected=candidates, at=failed, found=file.read(4).hex())


def _first_wrong(file: BinaryIO, encoding: str) -> int | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    at = 0
    while True:
        block = file.read(CHUNK)
        begun = len(decoder.getstate()[0])  # bytes of a character that the last block broke off
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            return at - begun + error.start
        if not block:
            return None
        at += len(block)


@dataclass
class _Text:
    """The bytes of a file or pipe, after its byte order mark, in pieces that end where a row does."""

    stream: BinaryIO
    encoding: str
    size: int | None
    chunk: int
    seekable: bool
    ahead: bytes = b""  # what was read and not used yet
    offset: int = 0  # of the first byte of `ahead`
    ended: bool = False

    def extent(self) -> tuple[float, float] | None:
        """Return about how many lines there are and how long each is, by those of the first block."""
        if self.size is None:
            return None
        while not self.ended and len(self.ahead) < self.chunk:
            self.more()
        length = len(self.ahead) / max(self.ahead.count(b"\n"), 1)
        return (self.size / length, length) if length else (0.0, 0.0)

    def more(self) -> None:
        """Read another block ahead.

        Raises:
            RegistryError: `row-too-long`: a row that never ends must not fill the memory.
        """
        if len(self.ahead) > MAX_ROW + self.chunk:
            raise RegistryError("row-too-long", expected=MAX_ROW, at=self.offset)
        block = self.stream.read(self.chunk)
        self.ended = not block
        self.ahead += block

    def skip_mark(self) -> None:
        """Skip a byte order mark."""
        while len(self.ahead) < len(BOM) and not self.ended:
            self.more()
        if self.ahead.startswith(BOM):
            self.skip(len(BOM))

    def skip(self, count: int) -> None:
        """Go on behind so many bytes that were read ahead."""
        self.ahead = self.ahead[count:]
        self.offset += count

    def go_to(self, offset: int) -> None:
        """Go on at an offset. Of a pipe there is but the one where it stands."""
        if self.offset != offset and self.seekable:
            self.stream.seek(offset)
            self.ahead, self.offset, self.ended = b"", offset, False

    def pieces(self, cut: Callable[[bytes], int]) -> Iterator["_Piece"]:
        """Yield what follows, cut where `cut` says that the last whole row ends, 0 if none does."""
        while True:
            while not self.ended and len(self.ahead) < self.chunk:
                self.more()
            while (end := len(self.ahead) if self.ended else cut(self.ahead)) == 0 and not self.ended:
                self.more()
            if not self.ahead:
                return
            piece = _Piece(self.ahead[:end], self.offset, self.encoding, self.seekable)
            self.skip(end)
            yield piece


@dataclass(frozen=True, slots=True)
class _Piece:
    data: bytes
    offset: int
    encoding: str
    checked: bool = False  # all of a file was looked at before

    def text(self) -> str:
        try:
            return self.data.decode(self.encoding)
        except UnicodeDecodeError as error:
            at, found = self.offset + error.start, self.data[error.start : error.start + 4].hex()
            raise RegistryError("encoding", expected=[self.encoding], at=at, found=found) from None

    def utf8(self) -> bytes:
        if self.checked and self.encoding == "utf-8":
            return self.data
        text = self.text()
        return self.data if self.encoding == "utf-8" else text.encode()


def _after_rows(data: bytes) -> int:
    """Return where the last whole row ends of CSV that begins with a row and goes on behind; 0 where none does."""
    found = _ROWS.match(data)
    return found.end() if found else 0


def _after_lines(data: bytes) -> int:
    return data.rfind(b"\n") + 1


class _Csv:
    """CSV, RFC 4180. In GB18030, too, no byte of a comma, quote or line end is part of another character."""

    def __init__(self, text: _Text, mapping: Mapping | None) -> None:
        self._text, self.size = text, text.size
        self.extent = text.extent()
        header = mapping.header if mapping else 1
        text.skip_mark()
        while (found := self._find(header)) is None and not text.ended:
            text.more()
        read, first = found or (0, None)
        self.columns = read_header(first, header=header)
        self.start = Place(text.offset + read, 1 + _lines_in(text.ahead[:read]))
        text.skip(read)

    def _find(self, header: int) -> tuple[int, tuple[int, Sequence[object]]] | None:
        """Return the first row with content from the line of the header on, after how many bytes."""
        data = self._text.ahead
        read = 0

        def lines() -> Iterator[str]:
            nonlocal read
            # Latin-1 makes a character of each byte, so that they can be counted.
            whole = data if self._text.ended else data[: _after_rows(data)]
            for line in io.StringIO(whole.decode("latin-1"), newline=""):
                read += len(line)
                yield line

        for line, cells in with_content(row for row in csv_rows(lines()) if row[0] >= header):
            names = [str(cell).encode("latin-1") for cell in cells]
            return read, (line, [_Piece(name, 0, self._text.encoding).text() for name in names])
        return None

    def chunks(self, place: Place) -> Iterator[Chunk]:
        """Yield the chunks from a place on."""
        text, line = self._text, place.line
        text.go_to(place.offset)
        try:
            for piece in text.pieces(_after_rows):
                after = Place(piece.offset + len(piece.data), line + _lines_in(piece.data))
                yield Chunk(line, after, partial(self._rows, piece, line), piece.utf8)
                line = after.line
        except RegistryError:
            # A quote that nobody closed makes one row of all that follows; `csv` says in which line it gives up.
            for _ in csv_rows(io.StringIO(text.ahead.decode(text.encoding, "ignore"), newline=""), line=line):
                pass
            raise

    @staticmethod
    def _rows(piece: _Piece, line: int) -> Rows:
        return with_content(csv_rows(io.StringIO(piece.text(), newline=""), line=line))


def _lines_in(data: bytes) -> int:
    """Return how many lines end in some bytes, as the module `csv` counts them."""
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")


class JsonLines:
    """JSON Lines, whose `names` are those of the first line."""

    def __init__(self, text: _Text, mapping: Mapping | None, names: Sequence[str] | None) -> None:
        self._text, self.size = text, text.size
        check_headless(mapping.header if mapping else 1)
        text.skip_mark()
        while not text.ended and not text.ahead[: _after_lines(text.ahead)].strip(WHITE.encode()):
            text.more()
        head = text.ahead if text.ended else text.ahead[: _after_lines(text.ahead)]
        self.names = names or json_names(_Piece(head, text.offset, text.encoding).text())
        self.columns = tuple(map(normal, self.names))
        self.start, self.extent = Place(text.offset, 1), text.extent()

    def chunks(self, place: Place) -> Iterator[Chunk]:
        """Yield the chunks from a place on."""
        self._text.go_to(place.offset)
        line = place.line
        for piece in self._text.pieces(_after_lines):
            after = Place(piece.offset + len(piece.data), line + piece.data.count(b"\n"))
            yield Chunk(line, after, partial(self._rows, piece, line))
            line = after.line

    def _rows(self, piece: _Piece, line: int) -> Rows:
        return with_content(json_rows(piece.text(), self.names, line=line))


class _Parquet:
    def __init__(self, file: parquet.File, mapping: Mapping | None, rows: int) -> None:
        check_headless(mapping.header if mapping else 1)
        self._file, self._rows = file, rows
        self.columns = tuple(map(normal, parquet.columns_of(self._file)))
        self.start, self.size = Place(0, FIRST_ROW), self._file.metadata.num_rows
        groups = map(self._file.metadata.row_group, range(self._file.num_row_groups))
        self.extent = float(self.size), sum(group.total_byte_size for group in groups) / max(self.size, 1)

    def chunks(self, place: Place) -> Iterator[Chunk]:
        """Yield the chunks from a place on."""
        for first, batch in parquet.batches(self._file, place.offset, rows=self._rows):
            line, last = first + FIRST_ROW, first + batch.num_rows
            yield Chunk(line, Place(last, last + FIRST_ROW), partial(self._cells, batch, line), arrow=batch)

    @staticmethod
    def _cells(batch: parquet.Batch, line: int) -> Rows:
        return with_content(enumerate(parquet.cells_of(batch), line))
