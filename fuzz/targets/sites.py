"""The web sites without the network: `METHOD PATH LF header: value LF … LF LF body` is a request to a WSGI app."""

import atexit
import gzip
import shutil
import tempfile
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from werkzeug.test import run_wsgi_app

from fuzz import world
from fuzz.targets import Run, same
from transparency_log.checkpoint import cosignatures
from transparency_log.endpoint import WitnessSite
from transparency_log.note import Note
from transparency_log.seen import MemoryWitnessState
from transparency_log.web import LogSite
from transparency_log.witness import Witness, parse_cosignatures

_SECRET = b"what lies beside the public files"


@cache
def log_site() -> LogSite:
    """Return the site of the small log, with files in and around its folder that it must not show."""
    folder = tempfile.mkdtemp(prefix="fuzz-")
    atexit.register(shutil.rmtree, folder)
    root = Path(folder) / "log"
    for path, data in (world.files() | {"key": _SECRET, "tile/key": _SECRET, "../key": _SECRET}).items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return LogSite(root)


def environ(data: bytes) -> dict[str, Any]:
    """Return the WSGI environment of a request, as a server would that checks nothing."""
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.decode("latin-1").split("\n")
    method, _, target = first.partition(" ")
    path, _, query = target.partition("?")
    told: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for line in lines:
        name, _, value = line.partition(":")
        name = name.strip().upper().replace("-", "_")
        told[name if name in {"CONTENT_LENGTH", "CONTENT_TYPE"} else f"HTTP_{name}"] = value.strip()
    return told


def ask_log(data: bytes) -> None:
    """A log's site shows its public files as they are, and nothing else."""
    request = environ(data)
    chunks, status, headers = run_wsgi_app(log_site(), request)
    body = b"".join(chunks)
    chunks.close()
    number = int(status.split()[0])
    same(number in {200, 204, 206, 304, 404, 405, 412, 416}, True)
    if number == 200 and request["REQUEST_METHOD"] == "GET":
        unpacked = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
        same(unpacked, world.files()[request["PATH_INFO"].removeprefix("/")])
    same(_SECRET in body, False)


def ask_witness(data: bytes) -> None:
    """A witness's site answers with what the protocol knows, and with no line but for the log's own checkpoint."""
    site = WitnessSite(
        Witness(world.WITNESS, MemoryWitnessState()),
        logs=lambda: {world.ORIGIN: world.LOG.verifier},
        clock=lambda: world.TIME,
    )
    request = environ(data)
    chunks, status, _ = run_wsgi_app(site, request)
    body = b"".join(chunks)
    chunks.close()
    number = int(status.split()[0])
    same(number in {200, 400, 403, 404, 405, 409, 415, 422}, True)
    if number == 200:
        lines = parse_cosignatures(body)
        same(len(cosignatures(Note(world.checkpoint().text, lines), [world.WITNESS.verifier])), 1)


TARGETS: dict[str, Run] = {"log-site": ask_log, "witness-site": ask_witness}
