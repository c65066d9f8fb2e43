"""The machine: paper and fonts, room on the disk, the versions that it runs, and the package as it was built."""

import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from fairdraw.errors import Error, WorkspaceError
from fairdraw_cli.checks.finding import Examined, Finding
from fairdraw_cli.extras import install_command, installed
from fairdraw_cli.session import CHINA
from transparency_log import fast

MEBIBYTE: Final = 1 << 20
LEAST: Final = 256 * MEBIBYTE  # room for a draw's artifacts, its records, and a log's tiles
COPIES: Final = 4  # a freeze writes a registry as roster, private rows and artifact, each beside its older one
_SHOWN: Final = 10
AMPLE: Final = 10  # times what is needed
OPENSSL: Final = (3, 0)
# The last month in which a Python gets security fixes (PEP 664, 693, 719, 745).
PYTHON_ENDS: Final = {(3, 11): (2027, 10), (3, 12): (2028, 10), (3, 13): (2029, 10), (3, 14): (2030, 10)}


def paper(examined: Examined) -> Iterator[Finding]:
    """Say whether sheets can be made, written and printed."""
    if installed("pdf"):
        yield from _glyphs(examined)
    else:
        yield Finding("pdf-missing", "warn", {"extra": "pdf"}, install_command("pdf"))
    folder = examined.paper or (examined.place.root / "draws" if examined.place else Path())
    told = {"folder": str(folder.absolute())}
    try:
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".pdf") as file:
            file.write(b"%PDF-1.7\n")
            file.flush()
    except OSError as error:
        mend = ("chmod", "u+rwx", str(folder)) if folder.is_dir() else ("mkdir", "-p", str(folder))
        yield Finding("paper-unwritable", "fail", {**told, "reason": error.strerror or str(error)}, shlex.join(mend))
    else:
        yield Finding("paper-writable", "ok", told)
    if shutil.which("lp"):
        yield Finding("printer-program", "ok", {"program": "lp"})
    else:
        yield Finding("printer-none", "warn", {"program": "lp"}, "sudo apt-get install cups-client")


def _glyphs(examined: Examined) -> Iterator[Finding]:
    """Say which characters of the office's own registries no font has: they would be refused when a sheet is set."""
    from fairdraw_cli.pdf import Press

    folder = examined.place.root / "registries" if examined.place else None
    paths = sorted(folder.glob("*/private.jsonl")) if folder else []
    texts = (path.read_text("utf-8", "replace") for path in paths)
    if lacking := Press().lacking(texts):
        told = [f"{character} (U+{ord(character):04X})" for character in lacking[:_SHOWN]]
        mend = examined.command("print", "DRAW-ID", "--font", "FILE")
        yield Finding("glyphs-missing", "warn", {"count": len(lacking), "some": told}, mend)
    else:
        yield Finding("pdf-ready", "ok", {"registries": len(paths)})


def disk(examined: Examined) -> Iterator[Finding]:
    """Say whether there is room for the largest registry frozen again, and for what a draw leaves."""
    folder = examined.place.root if examined.place else Path()
    registries = folder / "registries" if examined.place else None
    sizes = [_size(path) for path in registries.iterdir()] if registries and registries.is_dir() else []
    needed = LEAST + COPIES * max(sizes, default=0)
    free = shutil.disk_usage(folder).free
    told = {"folder": str(folder.absolute()), "free": free // MEBIBYTE, "needed": needed // MEBIBYTE}
    largest = f"{shlex.join(('du', '-xh', '--max-depth=2', str(folder)))} | sort -h"
    if free < needed:
        yield Finding("disk-full", "fail", told, largest)
    elif free < AMPLE * needed:
        yield Finding("disk-low", "warn", told, largest)
    else:
        yield Finding("disk-ample", "ok", told)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def versions(examined: Examined) -> Iterator[Finding]:
    """Say which Python and OpenSSL this is, and whether they still get security fixes."""
    from cryptography.hazmat.backends.openssl import backend

    python = sys.version_info[:2]
    told: dict[str, object] = {
        "python": ".".join(map(str, sys.version_info[:3])),
        "openssl": backend.openssl_version_text(),
    }
    now = datetime.fromtimestamp(examined.clock(), CHINA)
    ends = PYTHON_ENDS.get((python[0], python[1]))
    mend = "pip install --upgrade cryptography"
    if backend.openssl_version_number() >> 28 < OPENSSL[0]:
        yield Finding("openssl-old", "fail", told, mend)
    elif ends is not None and (now.year, now.month) > ends:
        yield Finding(
            "python-old", "warn", {**told, "until": f"{ends[0]}-{ends[1]:02d}"}, "sudo apt-get install python3"
        )
    else:
        yield Finding("versions", "ok", told)
    known = examined.trust
    keys = [log.verifier for log in known.policy.logs] if known else []
    keys += [witness.verifier for witness in known.policy.witnesses] if known else []
    for name in sorted({key.name for key in keys if not key.supported}):
        yield Finding("key-kind-unsupported", "warn", {"name": name, **told}, mend)


def speed(_examined: Examined) -> Iterator[Finding]:
    """Say whether large registries are hashed by compiled code. The results are the same, so this is no warning."""
    reason = fast.why_not()
    if reason is None:
        yield Finding("fast-ready", "ok")
    else:
        yield Finding("fast-absent", "ok", {"reason": reason})


def package(_examined: Examined) -> Iterator[Finding]:
    """Say whether the pages, scripts and regulations of the package are those that were built."""
    from importlib.metadata import version

    from fairdraw.regulation import GENUINE
    from fairdraw_cli.bundled import bundled, names

    again = "pip install --force-reinstall --no-deps fairdraw"
    try:
        pages = [bundled(name) for name in names()]
        for name, digest in GENUINE.items():
            _check_regulation(name, digest)
    except Error as error:
        yield Finding("package-altered", "fail", {"file": str(error.params.get("file", error.params["found"]))}, again)
    else:
        yield Finding("package-whole", "ok", {"count": len(pages) + len(GENUINE), "version": version("fairdraw")})


def _check_regulation(name: str, expected: str) -> None:
    from fairdraw.regulation import digest
    from fairdraw_cli.regulations import load

    file = f"regulations/{name}.toml"
    try:
        found = digest(load(name))
    except Error as error:
        raise WorkspaceError("page-altered", file=file, expected=expected, found=error.code) from None
    if found != expected:
        raise WorkspaceError("page-altered", file=file, expected=expected, found=found)
