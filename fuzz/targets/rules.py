"""Regulations: as people write them, deriving from one of the package, and as they are served."""

from contextlib import suppress

from fairdraw.errors import RegulationError
from fairdraw.regulation import artifact_bytes, check_derived, digest, parse, read_artifact
from fairdraw_cli.regulations import IDS, load
from fuzz.targets import Run, same


def read_regulation(data: bytes) -> None:
    """A file that is read has an artifact, which is read as the same; what it departs in from its parent is allowed."""
    with suppress(RegulationError):
        told = parse(data, parents={name: load(name) for name in IDS}, file="city.toml")
        same(read_artifact(artifact_bytes(told)), told)
        if told.extends is not None:
            parent = load(told.extends.id)
            check_derived(parent, told, file="city.toml", digest=digest(parent))


def read_served(data: bytes) -> None:
    """An artifact has one spelling."""
    with suppress(RegulationError):
        same(artifact_bytes(read_artifact(data)), data)


TARGETS: dict[str, Run] = {"regulation": read_regulation, "regulation-artifact": read_served}
