"""Statements that others sign beside the bureau: calls for substitutes, joint draws, and whatever asks for four eyes.

A request is a file with the statement's text; what comes back is a note of that text with the other's line alone. The
bureau logs the statement once all have signed it, at the desk or by file.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fairdraw.encoding import canonical, parse
from fairdraw.errors import EncodingError, StatementError, WorkspaceError
from fairdraw.schema import Announcement, Draw, Statement
from fairdraw.statement import parse_text
from fairdraw_cli.desk import Desk
from fairdraw_cli.files import PRIVATE, read, write
from fairdraw_cli.keys import open_key
from fairdraw_cli.workspace import Workspace
from transparency_log.note import Note

S = TypeVar("S", bound=Statement)


@dataclass(frozen=True)
class Request:
    """A statement that waits for signatures, the artifact that a co-signer must see, an embargo key to hold."""

    said: Statement
    artifact: bytes | None
    embargo: str | None

    def write(self, path: Path) -> None:
        """Write the file for the co-signers."""
        shown = None if self.artifact is None else base64.b64encode(self.artifact).decode()
        told = {"artifact": shown, "embargo": self.embargo, "text": self.said.text().decode()[:-1]}
        write(path, canonical(told) + b"\n", mode=PRIVATE)

    @classmethod
    def read(cls, data: bytes) -> "Request":
        """Return the request in a file.

        Raises:
            WorkspaceError: `bad-request`.
        """
        try:
            match parse(data.removesuffix(b"\n")):
                case {"artifact": shown, "embargo": str() | None as embargo, "text": str(text), **more} if not more:
                    said = parse_text(text.encode() + b"\n")
                    artifact = None if shown is None else base64.b64decode(str(shown), validate=True)
                    return cls(said, artifact, embargo)
        except (EncodingError, StatementError, ValueError) as error:
            raise WorkspaceError("bad-request", reason=str(error)) from None
        raise WorkspaceError("bad-request", reason="another form")


def second_of(place: Workspace, window: str, wanted: str | None) -> tuple[str, ...]:
    """Return who signs a draw's announcement or its record beside the bureau: one of those named, or nobody.

    Raises:
        WorkspaceError: `not-a-second`.
    """
    names = place.trust.seconds_of(place.bureau, window)
    if wanted is not None and wanted not in names:
        raise WorkspaceError("not-a-second", expected=list(names), found=wanted)
    return (wanted or names[0],) if names else ()


def still_asked(
    place: Workspace, said: Announcement | Draw, window: str, wanted: str | None, departments: Sequence[str] = ()
) -> bool:
    """Say whether whoever was asked to sign a waiting statement is whom trust file and clerk ask for now.

    Raises:
        WorkspaceError: `not-a-second`.
    """
    if second_of(place, window, wanted):
        names = {wanted} if wanted else set(place.trust.seconds_of(place.bureau, window))
        return bool(names & set(said.with_))
    return set(said.with_) <= set(departments)


def pending(desk: Desk, path: Path, kind: type[S]) -> S | None:
    """Return the statement that waits for signatures, if the bureau's chain has not gone on without it."""
    if not path.exists():
        return None
    said, head = Request.read(read(path)).said, desk.head
    fresh = isinstance(said, kind) and (said.seq, said.prev) == (head.seq, head.prev)
    return said if fresh and isinstance(said, kind) else None


def _answers(paths: Sequence[Path], text: str) -> dict[str, Note]:
    """Return the co-signers' notes of a text by key name.

    Raises:
        WorkspaceError: `answer-of-another`: a note signs another text.
    """
    told: dict[str, Note] = {}
    for path in paths:
        note = Note.parse(read(path))
        if note.text != text:
            raise WorkspaceError("answer-of-another", found=str(path))
        told |= {line.name: note for line in note.signatures}
    return told


def signed_by_all(desk: Desk, said: Statement, keys: Sequence[Path], answers: Sequence[Path]) -> bytes | None:
    """Return a statement's entry if every co-signer has signed, here or by file, else None.

    Raises:
        WorkspaceError: `not-a-co-signer`, or `answer-of-another`.
    """
    text = said.text().decode()
    here = {signer.name: signer for signer in map(open_key, keys)}
    by_file = _answers(answers, text)
    if strange := sorted((here.keys() | by_file.keys()) - set(said.with_)):
        raise WorkspaceError("not-a-co-signer", expected=list(said.with_), found=strange[0])
    lines = [desk.workspace.key("bureau").sign(text)]
    for name in said.with_:
        if name in here:
            lines.append(here[name].sign(text))
        elif name in by_file:
            lines += [line for line in by_file[name].signatures if line.name == name][:1]
        else:
            return None
    return Note(text, tuple(lines)).format()
