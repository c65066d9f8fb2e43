"""The parts of a workbook that is a ZIP file, unpacked within limits, and the XML in them: specs/map.md §2.2."""

import io
import zipfile
import zlib
from collections.abc import Callable
from typing import Final
from xml.parsers import expat

from fairdraw.errors import RegistryError
from fairdraw.registry.workbook.sheet import broken, protected

MAX_UNPACKED: Final = 1 << 29  # bytes: a thousandfold of nothing is still a full disk
MAX_PARTS: Final = 10_000
_ENCRYPTED: Final = 0x1
_TEXTUAL: Final = (".xml", ".rels", "mimetype")  # pictures and macros are not read

Attributes = dict[str, str]


def unpack(data: bytes) -> dict[str, bytes]:
    """Return the XML parts of a ZIP file by name, in small letters.

    Raises:
        RegistryError: `not-a-spreadsheet`, `password-protected`, or `file-too-large-unpacked`.
    """
    parts: dict[str, bytes] = {}
    left = MAX_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if len(archive.infolist()) > MAX_PARTS:
                raise broken(f"{len(archive.infolist())} parts")
            for info in archive.infolist():
                if info.flag_bits & _ENCRYPTED:
                    raise protected()
                # Part names are equal in any case of letters (ISO/IEC 29500-2 §6.2.2.3).
                name = info.filename.replace("\\", "/").lower()
                if not name.endswith(_TEXTUAL):
                    continue
                if name in parts:
                    raise broken(info.filename)  # two programs would read two different sheets
                with archive.open(info) as part:
                    parts[name] = part.read(left + 1)
                left -= len(parts[name])
                if left < 0:
                    raise RegistryError("file-too-large-unpacked", expected=MAX_UNPACKED)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, RuntimeError, OverflowError) as error:
        raise broken(str(error)) from None
    return parts


def walk(
    part: bytes,
    start: Callable[[str, Attributes], None],
    *,
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Tell handlers of the elements and texts of a part; names are `namespace local-name`.

    There is no document type: entities are a bomb, and no office program writes one.

    Raises:
        RegistryError: `not-a-spreadsheet`, or what the handlers raise.
    """
    reader = expat.ParserCreate(None, " ")
    reader.buffer_text = True
    reader.StartDoctypeDeclHandler = _refuse_doctype
    reader.StartElementHandler = start
    reader.EndElementHandler = end
    reader.CharacterDataHandler = text
    try:
        reader.Parse(part, True)
    except (expat.ExpatError, ValueError, LookupError, OverflowError) as error:
        raise broken(str(error)) from None


def _refuse_doctype(*_: object) -> None:
    raise broken("DOCTYPE")
