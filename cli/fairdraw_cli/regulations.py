"""The regulations that come with the package, and those that a bureau derives from them: files in, values out."""

from functools import cache
from pathlib import Path
from typing import Final

from fairdraw.errors import RegulationError, WorkspaceError
from fairdraw.regulation import GENUINE, Regulation, artifact_bytes, check_derived, digest, parse, read_artifact
from fairdraw_cli.files import read

IDS: Final = ("shandong-2020", "shuozhou-2023", "laiyuan", "shanghai-2024", "plan-2025")
"""The regulations of the package, in the order of the documents."""


@cache
def load(name: str) -> Regulation:
    """Return a regulation of the package.

    Raises:
        WorkspaceError: `regulation-unknown`.
    """
    if name not in IDS:
        raise WorkspaceError("regulation-unknown", expected=IDS, found=name)
    from importlib.resources import files  # it takes longer to load than the first page to print

    data = (files("fairdraw") / "regulations" / f"{name}.toml").read_bytes()
    return parse(data, parents={}, file=f"{name}.toml")


def read_regulation(path: Path) -> Regulation:
    """Return the regulation in a bureau's own file, which may derive from one of the package.

    Raises:
        RegulationError: what is wrong with which key, or what is laxer without a reason.
        WorkspaceError: the file cannot be read.
    """
    return parse(read(path), parents={name: load(name) for name in IDS}, file=path.name)


def read_served(path: Path) -> Regulation:
    """Return the regulation in an artifact that a bureau serves, checked against the one that it derives from.

    Raises:
        RegulationError: it is no artifact, derives from an unknown regulation, or is laxer without a reason.
        WorkspaceError: the file cannot be read.
    """
    told = read_artifact(read(path), name=path.name)
    if told.extends is not None:
        # Who writes an artifact by hand may write what no file would have passed with.
        if told.extends.id not in IDS:
            raise RegulationError(
                "regulation-parent-unknown", file=path.name, expected=sorted(IDS), found=told.extends.id
            )
        parent = load(told.extends.id)
        check_derived(parent, told, file=path.name, digest=digest(parent))
    return told


def named_regulation(name: str, *, beside: Path) -> Regulation:
    """Return the regulation that a file names: one of the package, or a bureau's own file, whose path counts from it.

    Raises:
        RegulationError: what is wrong in the bureau's own file.
        WorkspaceError: `regulation-unknown`, or the file cannot be read.
    """
    return read_regulation(beside.parent / name) if name.endswith(".toml") else load(name)


def genuine(name: str) -> bytes | None:
    """Return the artifact of the package's regulation with this digest, 64 hex, None where none has it."""
    ids = [one for one, known in GENUINE.items() if known == name]
    return artifact_bytes(load(ids[0])) if ids else None
