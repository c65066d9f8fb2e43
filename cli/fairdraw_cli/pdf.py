"""Papers as PDF/A-2b, set by typst: the same data, fonts and program give the same bytes on every computer.

Nothing of this computer goes into a file: neither its clock, for the time is the draw's, nor its fonts, language or
folders. Only this module needs the extra `pdf`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from fairdraw.encoding import digest
from fairdraw.errors import WorkspaceError
from fairdraw.render.paper import characters, passages
from fairdraw_cli.extras import need
from fairdraw_cli.files import read
from fairdraw_cli.glyphs import coverage

STANDARD: Final = "a-2b"  # of ISO 19005: what archives keep
FORGETTING: Final = 12  # compilations of nothing, 10 ms each; without them 5,000 notices would take 8 GB
AROUND: Final = 30  # characters of a text in which a character has no glyph


@dataclass(frozen=True)
class Press:
    """Sets papers with the package's fonts, and then with those of `extra`, files that a user names."""

    extra: tuple[Path, ...] = ()

    @cached_property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of each further font: the bytes of a paper depend on it."""
        return {str(path): digest(read(path)) for path in self.extra}

    @cached_property
    def _glyphs(self) -> frozenset[str]:
        from pylopdf_fonts_zh_cn import sans_path, serif_path

        found = coverage(sans_path().read_bytes()) | coverage(serif_path().read_bytes())
        for path in self.extra:
            try:
                found |= coverage(read(path))
            except ValueError:
                raise WorkspaceError("font-unreadable", file=str(path)) from None
        return found

    def lacking(self, texts: Iterable[str]) -> list[str]:
        """Return the characters that no font has, in the order of their codes."""
        return sorted({character for text in texts for character in characters(text)} - self._glyphs)

    def check(self, data: object) -> None:
        """Refuse a character that no font has: a name that is printed as a box is nobody's.

        Raises:
            WorkspaceError: `glyph-missing`, or `font-unreadable`.
        """
        for where, text in passages(data):
            for character in characters(text):
                if character not in self._glyphs:
                    at = text.find(character)
                    around = text[max(at - AROUND, 0) : at + AROUND]
                    raise WorkspaceError(
                        "glyph-missing", found=character, code=f"U+{ord(character):04X}", where=where, text=around
                    )

    def set(self, template: str, data: Mapping[str, Any], *, time: int) -> bytes:
        """Return a paper as PDF; `template` is one of the package's, `time` the draw's, in POSIX seconds.

        Raises:
            WorkspaceError: `extra-missing`, `glyph-missing`, `font-unreadable`, or `paper-not-set`.
        """
        need("pdf")
        import typst
        from pylopdf_fonts_zh_cn import sans_path

        self.check(data)
        with ExitStack() as stack:
            folders = [str(sans_path().parent), *(self._alone(path, stack) for path in self.extra)]
            root = stack.enter_context(as_file(files("fairdraw") / "templates"))
            fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=folders)
            named = [
                font.family for font in fonts.fonts() if font.path and Path(font.path).parent != sans_path().parent
            ]
            told = json.dumps({**data, "fonts": list(dict.fromkeys(named))}, ensure_ascii=False)
            try:
                return typst.compile(
                    str(root / template),
                    root=str(root),  # a template could read no file but another template
                    font_paths=fonts,
                    ignore_system_fonts=True,
                    format="pdf",
                    sys_inputs={"data": told},
                    pdf_standards=STANDARD,
                    timestamp=time,
                )
            except typst.TypstError as error:
                # The last resort: a glyph that the table promises and the font has not.
                raise WorkspaceError("paper-not-set", reason=error.message) from None

    @staticmethod
    def forget() -> None:
        """Let typst drop what it remembers of earlier papers: it does so after compilations that used none of it."""
        import typst

        none = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False)
        for _ in range(FORGETTING):
            typst.compile(b" ", font_paths=none, ignore_system_fonts=True)

    @staticmethod
    def _alone(path: Path, stack: ExitStack) -> str:
        """Return a folder with this font alone: typst takes folders, and the others in its own were not named."""
        folder = stack.enter_context(TemporaryDirectory())
        (Path(folder) / path.name).write_bytes(read(path))
        return folder


def press(fonts: Sequence[Path]) -> Press:
    """Return a press with further fonts."""
    return Press(tuple(fonts))
