"""The programs of `reference/`, compiled once a process: what C and Go need for the same hashes."""

import json
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from benchmarks.measure import Told

SOURCES: Final = Path(__file__).with_name("reference")
GO_LIBRARIES: Final = Path("/usr/share/gocode")  # Debian's golang-golang-x-mod-dev


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="bench-")


@cache
def libcrypto() -> str:
    """Return the path of the very libcrypto that `hashlib` calls, by which the C programs are linked, too."""
    import _hashlib  # noqa: F401 - maps the library

    for line in Path("/proc/self/maps").read_text().splitlines():
        if "/libcrypto" in line:
            return line.split()[-1]
    return "-lcrypto"  # this Python has OpenSSL within: another copy of it must do


@cache
def compiled(name: str) -> str:
    """Return the path of a compiled program of `reference/`."""
    program = str(Path(_folder().name) / name)
    if (SOURCES / f"{name}.go").exists():
        settings = {
            "GO111MODULE": "off",
            "GOPATH": f"{_folder().name}:{GO_LIBRARIES}",
            "GOCACHE": f"{_folder().name}/cache",
        }
        subprocess.run(["go", "build", "-o", program, SOURCES / f"{name}.go"], check=True, env=os.environ | settings)
    else:
        subprocess.run(["cc", "-O2", "-o", program, SOURCES / f"{name}.c", libcrypto()], check=True)
    return program


def missing(name: str) -> str | None:
    """Return what this machine lacks to compile a program, None where nothing is missing."""
    if not (SOURCES / f"{name}.go").exists():
        return None if shutil.which("cc") else "a C compiler (Debian: gcc)"
    there = shutil.which("go") and (GO_LIBRARIES / "src/golang.org/x/mod/sumdb/tlog").is_dir()
    return None if there else "Go and its tlog (Debian: golang-go, golang-golang-x-mod-dev)"


def run(name: str, *arguments: object) -> Told:
    """Run a program and return the JSON object that it prints."""
    done = subprocess.run([compiled(name), *map(str, arguments)], check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))
