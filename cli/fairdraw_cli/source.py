"""Somebody else's log, as a stranger reads it: a folder or a web address with the static files of C2SP tlog-tiles.

Nothing that comes from there is believed: `verify` hashes every entry again. What cannot be had is left out, and the
checks say so.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic
from typing import Final

from fairdraw.errors import WorkspaceError
from fairdraw.trust import Trust
from fairdraw.verify.case import LogView
from transparency_log.checkpoint import Checkpoint, open_checkpoint
from transparency_log.errors import LogError, StorageError
from transparency_log.note import Note, Verifier
from transparency_log.reader import CHECKPOINT, MAX_COSIGNED, cosigned_path, read_cosigned_sizes
from transparency_log.storage import Directory
from transparency_log.tiles import ENTRIES, TILE_WIDTH, decode_bundle, tile_at

MAX_ANSWER: Final = 256 * (0xFFFF + 2)  # bytes: a full bundle of the largest entries; artifacts are not asked for
TIMEOUT: Final = 20  # seconds for each file
SLOWEST: Final = 1 << 10  # bytes a second, on the whole of an answer: a drip must not hold a reader for ever

Read = Callable[[str], bytes | None]


def open_source(where: str) -> Read:
    """Return how the files of a log are read, from a folder or over HTTP.

    Raises:
        WorkspaceError: `log-not-found`, or `log-not-named`.
    """
    if not where:
        raise WorkspaceError("log-not-named")  # an empty variable in a script must not mean the folder one stands in
    if where.startswith(("http://", "https://")):
        return _web(where.rstrip("/"))
    root = Path(where)
    # A whole workspace is given as often as the folder in it.
    inside = root / "log"
    root = inside if not (root / CHECKPOINT).exists() and (inside / CHECKPOINT).exists() else root
    if not (root / CHECKPOINT).is_file():
        raise WorkspaceError("log-not-found", found=where)
    return Directory(root).read


def _web(base: str) -> Read:
    import requests
    from urllib3.exceptions import HTTPError

    session = requests.Session()
    session.headers["Connection"] = "close"  # nobody is there to close what is kept open

    def stay(answer: requests.Response, **_: object) -> None:
        # A log must not send its readers to machines inside their own network; and requests would read the whole body
        # of a redirect, however long, even when told not to follow it.
        if answer.is_redirect:
            answer.close()
            raise WorkspaceError("log-elsewhere", expected=base, found=answer.headers["location"])

    session.hooks["response"].append(stay)

    def read(path: str) -> bytes | None:
        url = f"{base}/{path}"
        try:
            with session.get(url, timeout=TIMEOUT, stream=True, allow_redirects=False) as answer:
                if answer.status_code in {404, 410}:
                    return None
                if answer.status_code != requests.codes.ok:
                    raise WorkspaceError("log-unreachable", url=url, reason=answer.status_code)
                return _body(answer.iter_content(1 << 16), url)
        except (requests.RequestException, HTTPError, ValueError) as error:  # of a mistyped host, a UnicodeError too
            raise WorkspaceError("log-unreachable", url=url, reason=type(error).__name__) from None

    return read


def _body(chunks: Iterable[bytes], url: str) -> bytes:
    body = bytearray()
    began = monotonic()
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_ANSWER:
            raise WorkspaceError("log-answer-too-large", expected=MAX_ANSWER, found=url)
        if monotonic() - began > TIMEOUT + len(body) / SLOWEST:
            raise WorkspaceError("log-unreachable", url=url, reason="too slow")
    return bytes(body)


def view(read: Read, trust: Trust, *, where: str = CHECKPOINT) -> LogView:
    """Return the whole log as found at `where`; but for the newest checkpoint's signature nothing is checked yet.

    Raises:
        WorkspaceError: `log-not-found`: there is no readable checkpoint.
    """
    try:
        # The list before the checkpoint: a log that grows meanwhile has cosigned no more than it then shows.
        sizes = read_cosigned_sizes(read)
        newest = read(CHECKPOINT)
        if newest is None:
            raise WorkspaceError("log-not-found", found=where)
        shown = Checkpoint.parse(Note.parse(newest, max_signatures=MAX_COSIGNED).text)
    except LogError as error:
        raise WorkspaceError("log-not-found", found=where, reason=str(error)) from None
    if not _is_signed(newest, trust.log_key(shown.origin)):
        # Whoever serves the files could claim any size: nothing more is read, and the checks say what is wrong.
        return LogView([], [newest])
    size = shown.size
    cosigned = [data for known in sizes if known <= size and (data := read(cosigned_path(known))) is not None]
    return LogView(_entries(read, size), [*cosigned, newest])


def _is_signed(checkpoint: bytes, key: Verifier | None) -> bool:
    try:
        return key is not None and bool(open_checkpoint(checkpoint, key, max_signatures=MAX_COSIGNED))
    except LogError:
        return False


def _entries(read: Read, size: int) -> list[bytes | None]:
    """Return the entries up to the first that is missing or cannot be read."""
    told: list[bytes | None] = []
    while len(told) < size:
        bundle = tile_at(ENTRIES, len(told), size=size)
        data = read(bundle.path) or (read(bundle.full.path) if bundle.width < TILE_WIDTH else None)
        if data is None:
            break
        try:
            found = decode_bundle(data)[: bundle.width]
        except (LogError, StorageError):
            break
        told += found
        if len(found) < bundle.width:
            break
    return told
