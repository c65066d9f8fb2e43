"""The formats of the draw and of a bureau's folder, and the verifier on bundles that somebody made."""

import json
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from fairdraw import encoding, slipcode
from fairdraw.announcement import read_exclusions, read_recusals
from fairdraw.artifacts import named_artifacts
from fairdraw.beacon import CHAINS, format_pulse, parse_pulse
from fairdraw.bundle import Slip, read_file
from fairdraw.errors import BundleError, EncodingError, Error
from fairdraw.messages import Catalogue
from fairdraw.record import read_lines
from fairdraw.registry import read_registry
from fairdraw.registry.mapping import load_map
from fairdraw.registry.numbering import format_numbers, parse_numbers
from fairdraw.registry.proposing import propose
from fairdraw.registry.recusals import read_pairs
from fairdraw.roster import read_row
from fairdraw.schema import SnapshotStatement
from fairdraw.snapshot import read_openings
from fairdraw.statement import parse_text, read_entry
from fairdraw.trust import Trust, parse_trust
from fairdraw.verify import verify_bundle, verify_slip
from fairdraw_cli.forms import DrawForm, read_form
from fairdraw_cli.listening import parse_address
from fairdraw_cli.planform import PlanForm
from fairdraw_cli.proposal import render
from fairdraw_cli.session import Session
from fairdraw_cli.witnessing import Logs
from fairdraw_cli.workspace import SETTINGS, Workspace
from fuzz.targets import Run, same
from transparency_log.errors import LogError
from transparency_log.seen import MemoryWitnessState

VECTORS = Path(__file__).resolve().parents[2] / "specs" / "vectors"
T = TypeVar("T")


def reads_back(parse: Callable[[bytes], T], write: Callable[[T], bytes]) -> Run:
    """Return the target: what is read is written back as the same bytes."""

    def run(data: bytes) -> None:
        with suppress(Error):
            same(write(parse(data)), data)

    return run


def is_read(parse: Callable[[bytes], object]) -> Run:
    """Return the target of a parser without a writer: it gives a value or the package's own error."""

    def run(data: bytes) -> None:
        with suppress(Error):
            parse(data)

    return run


def read_long_line(data: bytes) -> None:
    """The quick reader of long lists takes no line that the careful one refuses, but for depth and field names."""
    with suppress(EncodingError):
        value = encoding.parse_row(data)
        same(encoding.canonical_checked(value), data)
        with suppress(EncodingError):
            same(encoding.canonical(value), data)


def read_time(data: bytes) -> None:
    """Times and days have one spelling."""
    text = data.decode("utf-8", "surrogateescape")
    with suppress(EncodingError):
        same(encoding.format_time(encoding.parse_time(text)), text)
    with suppress(EncodingError):
        encoding.end_of_day(text)


@cache
def vector(name: str, number: int = 0) -> dict[str, Any]:
    """Return one of the accepted cases of specs/vectors."""
    case: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text("utf-8"))["accept"][number]
    return case


@cache
def trust() -> Trust:
    """Return the trust of a reader of the vectors' bundles."""
    return parse_trust(vector("bundle")["trust"].encode())


def judge(data: bytes) -> None:
    """Whatever can be read can be judged."""
    try:
        file = read_file(data)
    except Error:
        return
    if isinstance(file, Slip):
        verify_slip(file, trust(), as_of=vector("bundle")["as_of"])
    else:
        verify_bundle(file, trust(), as_of=vector("bundle")["as_of"], bundle_only=True)


@cache
def snapshot() -> SnapshotStatement:
    """Return a snapshot with every type of attribute."""
    case = vector("roster")
    fields: dict[str, Any] = {name: tuple(map(tuple, case[name])) for name in ("attrs", "private")}
    return SnapshotStatement.model_construct(**fields)


def read_pulses(data: bytes) -> None:
    """A pulse's file is one line, a relay's answer is not: what is read from either is written as the line."""
    for chain in CHAINS.values():
        with suppress(Error):
            pulse = parse_pulse(data, chain)
            same(parse_pulse(format_pulse(pulse), chain), pulse)


def as_file(name: str, read: Callable[[Path], object]) -> Run:
    """Return the target of something that is read from a file of this name."""

    def run(data: bytes) -> None:
        with tempfile.TemporaryDirectory(dir=_fast()) as folder:
            path = Path(folder) / name
            path.write_bytes(data)
            with suppress(Error):
                read(path)

    return run


def _fast() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a folder of our own is made in it


def read_both_forms(path: Path) -> None:
    """A plan and a draw are filled in alike."""
    for kind in (PlanForm, DrawForm):
        with suppress(Error):
            read_form(path, kind)


def read_logged(data: bytes) -> None:
    """What is logged is a statement or not, and names files or none."""
    named_artifacts(data)
    with suppress(Error):
        same(read_entry(data, 0).note.format(), data)


def read_logs(data: bytes) -> None:
    """The list of logs of a witness is a policy that says nothing of witnesses."""
    with suppress(Error, LogError):
        Logs.parse(data, MemoryWitnessState())


def _lines(values: Iterable[object]) -> list[object]:
    return list(values)


def proposed(data: bytes) -> None:
    """A map that is proposed for a file, whatever its columns are called, is a map."""
    load_map(render(Session(lang="zh"), propose(data, name="list.csv"), file="list.csv", sheet=None))


def read_scanned(data: bytes) -> None:
    """Codes that a camera read, or a deflate stream in good ones: a file comes out, and its codes give it again."""
    parts = slipcode.parts_in(data.decode("utf-8", "replace")) or slipcode.parts_of(data, 1)
    with suppress(BundleError):
        file = slipcode.decode(parts)
        if min(file, default=32) > slipcode.CLOSE and len(file) <= slipcode.MAX_TEXT:
            same(slipcode.decode(slipcode.encode(file, 2)), file)


TARGETS: dict[str, Run] = {
    "json": reads_back(encoding.parse, encoding.canonical),
    "row": read_long_line,
    "time": read_time,
    "statement": reads_back(parse_text, lambda statement: statement.text()),
    "entry": read_logged,
    "trust": is_read(parse_trust),
    "file": reads_back(read_file, lambda file: file.format()),
    "verify": judge,
    "scanned": read_scanned,
    "roster": is_read(lambda data: read_row(data, snapshot())),
    "recusals": is_read(read_recusals),
    "exclusions": is_read(read_exclusions),
    "results": is_read(read_lines),
    "openings": is_read(lambda data: _lines(read_openings(data))),
    "pulse": read_pulses,
    "catalogue": is_read(lambda data: Catalogue.parse(data, lang="en")),
    "map": is_read(lambda data: load_map(data.decode("utf-8-sig", "replace"))),
    "numbers": reads_back(parse_numbers, format_numbers),
    "csv": is_read(lambda data: read_registry(data, None, name="list.csv")),
    "sheet": is_read(lambda data: read_registry(data, None, name="list.xlsx")),
    "sheet-ods": is_read(lambda data: read_registry(data, None, name="list.ods")),
    "sheet-xls": is_read(lambda data: read_registry(data, None, name="list.xls")),
    "proposal": is_read(proposed),
    "pairs": is_read(lambda data: read_pairs(data, name="pairs.csv")),
    "form": as_file("form.toml", read_both_forms),
    "logs": read_logs,
    "address": is_read(lambda data: parse_address(data.decode("utf-8", "surrogateescape"))),
    "settings": as_file(SETTINGS, lambda path: Workspace.open(path.parent)),
}
