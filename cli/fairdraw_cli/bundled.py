"""The pages and scripts that `web/` builds and the package brings along, each compared with BUNDLE.json beside it."""

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from fairdraw.encoding import digest
from fairdraw.errors import WorkspaceError
from fairdraw_cli.files import read

STATIC: Final = Path(str(files("fairdraw_cli"))) / "static"
BUNDLE: Final = "BUNDLE.json"


@dataclass(frozen=True, slots=True)
class Bundled:
    """A file of the package, and the version as which it was built."""

    data: bytes
    version: str


def bundled(name: str) -> Bundled:
    """Return one of the files.

    Raises:
        WorkspaceError: `page-not-shipped`, or `page-altered`: it is not what was built, or BUNDLE.json is not.
    """
    data, (version, listed) = _read(name), _listing()
    match listed.get(name):
        case {"sha256": str(expected)}:
            if (found := digest(data)) != expected:
                raise WorkspaceError("page-altered", file=str(STATIC / name), expected=expected, found=found)
            return Bundled(data, version)
    raise WorkspaceError("page-not-shipped", found=name)


def names() -> list[str]:
    """Return the names of the files, as BUNDLE.json lists them.

    Raises:
        WorkspaceError: `page-not-shipped`: there is no such list.
    """
    return list(_listing()[1])


def _listing() -> tuple[str, dict[str, object]]:
    try:
        told = json.loads(_read(BUNDLE))
    except ValueError:
        raise WorkspaceError("page-not-shipped", found=BUNDLE) from None
    match told:
        case {"version": str(version), "files": {**listed}}:
            return version, {str(name): file for name, file in listed.items()}
    raise WorkspaceError("page-not-shipped", found=BUNDLE)


def _read(name: str) -> bytes:
    if not (STATIC / name).is_file():
        raise WorkspaceError("page-not-shipped", found=name)
    return read(STATIC / name)
