"""The signed record comes back as a scan: it is checked that somebody could have signed what the file shows.

What a signature looks like no program knows. Refused is what certainly is no scan of a signed record: a file of another
kind, half a file, and the very file that was printed.
"""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from fairdraw.encoding import digest, parse_time
from fairdraw.errors import WorkspaceError
from fairdraw.render.paper import record_data
from fairdraw.statement import Entry
from fairdraw_cli.casework import Matter
from fairdraw_cli.extras import installed
from fairdraw_cli.files import read
from fairdraw_cli.papers import RECORD, languages, sheets_of
from fairdraw_cli.pdf import Press

MAX_SCAN: Final = 100_000_000  # bytes: fifty pages at 300 dpi in colour
TAIL: Final = 1024  # bytes within which a file's last word stands; ISO 32000-1, annex H allows as many after %%EOF
# How a file of each kind begins, and with what it ends.
KINDS: Final = {
    "PDF": (b"%PDF-", b"%%EOF"),
    "JPEG": (b"\xff\xd8\xff", b"\xff\xd9"),
    "PNG": (b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"),
}


def read_scan(path: Path, unsigned: Collection[str]) -> bytes:
    """Return a scan's bytes; `unsigned` are the digests of what was printed.

    Raises:
        WorkspaceError: `scan-too-large`, `scan-unsigned`, `scan-of-another-kind` or `scan-not-whole`.
    """
    data = read(path)
    check_scan(data, unsigned, file=str(path))
    return data


def check_scan(data: bytes, unsigned: Collection[str], *, file: str) -> None:
    """Refuse what certainly is no scan of a signed record; `file` is what people call it.

    Raises:
        WorkspaceError: as `read_scan`.
    """
    if len(data) > MAX_SCAN:
        raise WorkspaceError("scan-too-large", file=file, expected=MAX_SCAN, found=len(data))
    if digest(data) in unsigned:
        # Else the bureau's own printout would stand in the log as what supervisors signed.
        raise WorkspaceError("scan-unsigned", file=file)
    ending = next((end for begin, end in KINDS.values() if data.startswith(begin)), None)
    if ending is None:
        raise WorkspaceError("scan-of-another-kind", file=file, expected=list(KINDS))
    if ending not in data[-TAIL:]:
        raise WorkspaceError("scan-not-whole", file=file)


def unsigned_records(matter: Matter, drawn: Entry) -> frozenset[str]:
    """Return the digests of a draw's record as it is printed: of the files that are there, and as it is set anew."""
    told = {
        digest(read(path)) for path in matter.desk.workspace.draw(matter.name).glob(f"{RECORD}.*") if path.is_file()
    }
    if installed("pdf"):
        time = parse_time(drawn.statement.time)
        for sheet in sheets_of(matter, drawn).values():
            # Where a character needs a font of the user's, only the files that are there can be known.
            with suppress(WorkspaceError):
                told.add(digest(Press().set("record.typ", record_data(sheet, languages()), time=time)))
    return frozenset(told)
