"""Listening: one service a workspace, on uvicorn, with the limits of an address that others can reach."""

import fcntl
import ipaddress
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvicorn

from fairdraw.errors import WorkspaceError
from fairdraw_cli.files import PRIVATE_FOLDER
from fairdraw_cli.listening import parse_address, why_not
from fairdraw_cli.service.api import Service
from fairdraw_cli.service.limits import CONNECTIONS, HEADER, PatientProtocol
from fairdraw_cli.service.runner import GRACE
from fairdraw_cli.service.telemetry import set_up_logging
from fairdraw_cli.session import Session

BACKLOG: Final = 128


def check_address(listen: str, proxy: str | None) -> tuple[str, int]:
    """Return host and port to listen on.

    Raises:
        WorkspaceError: `bad-address`; `not-loopback`, where tokens would travel unencrypted; or `bad-proxy`.
    """
    host, port = parse_address(listen)
    if proxy is None:
        if not _is_loopback(host):
            raise WorkspaceError("not-loopback", found=listen)
    else:
        try:
            ipaddress.ip_address(proxy)
        except ValueError:
            raise WorkspaceError("bad-proxy", found=proxy) from None
    return host, port


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Keep a second service of the same workspace away: it would take the first one's running jobs for cut off.

    Raises:
        WorkspaceError: `service-running`.
    """
    folder = root / "state" / "service"
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise WorkspaceError("service-running", found=str(root)) from None
        yield
    finally:
        os.close(descriptor)


def _listen(host: str, port: int, listen: str) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except (OSError, UnicodeError) as error:
        raise WorkspaceError("cannot-listen", found=listen, reason=why_not(error)) from None


def serve(
    session: Session, root: Path, listen: str, *, proxy: str | None, root_path: str, rate: float,
    secrets: Mapping[str, bytes],
) -> None:  # fmt: skip
    """Serve a workspace until SIGINT or SIGTERM."""
    host, port = check_address(listen, proxy)
    with alone(root), _listen(host, port, listen) as made:
        set_up_logging()
        service = Service(root, keys=secrets, rate=rate, root_path=root_path)
        config = uvicorn.Config(
            service.app,
            http=PatientProtocol.behind(proxy),
            ws="none",
            lifespan="on",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=proxy is not None,
            forwarded_allow_ips=proxy or "",
            root_path=root_path,
            limit_concurrency=CONNECTIONS,
            h11_max_incomplete_event_size=HEADER,
            timeout_graceful_shutdown=int(GRACE),
        )
        name = f"[{host}]" if ":" in host else host
        url = f"http://{name}:{made.getsockname()[1]}{root_path}"
        session.say("serve.listening", url=url)
        session.answer({"url": url})
        uvicorn.Server(config).run(sockets=[made])
        session.say("serve.stopped")
