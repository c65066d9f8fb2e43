"""Serving a log's files with `fairdraw log serve`, against nginx with the same files, both asked by wrk."""

import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from benchmarks.measure import table
from transparency_log.log import Log
from transparency_log.note import Signer
from transparency_log.state import MemoryState
from transparency_log.storage import Directory

FILES = {"checkpoint": "checkpoint", "full hash tile": "tile/0/000", "full entry bundle": "tile/entries/000"}
CONNECTIONS = 16
SECONDS = 4
NGINX = """daemon off; pid {root}/pid; error_log {root}/error.log; worker_processes 1; {user}
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 1000000000; default_type application/octet-stream; sendfile on; tcp_nopush on;
    client_body_temp_path {root}/a; proxy_temp_path {root}/b; fastcgi_temp_path {root}/c; uwsgi_temp_path {root}/d;
    scgi_temp_path {root}/e;
    server {{ listen 127.0.0.1:{port}; root {log}; }}
}}
"""


def make(folder: Path) -> None:
    """Write a log of 256 entries, as long as an announcement is."""
    log = Log.create(Directory(folder), Signer.from_seed("log.example.cn/bench", bytes(32)), state=MemoryState())
    log.append_many([sha256(b"%d" % i).hexdigest().encode() * 16 for i in range(256)])


@contextmanager
def ours(log: Path) -> Iterator[str]:
    """Run `fairdraw log serve` and yield its address."""
    command = [sys.executable, "-m", "fairdraw_cli.main", "log", "serve", str(log), "--listen", "127.0.0.1:0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        yield json.loads(running.stdout.readline())["url"]
        running.terminate()


@contextmanager
def nginx(log: Path, root: Path) -> Iterator[str]:
    """Run nginx with one worker, as `log serve` has one process, and yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = "user root;" if Path("/proc/self").stat().st_uid == 0 else ""  # else its worker cannot enter the folder
    config = root / "nginx.conf"
    config.write_text(NGINX.format(root=root, log=log, port=port, user=user))
    with subprocess.Popen(["nginx", "-e", str(root / "error.log"), "-c", str(config)]) as running:
        for _ in range(100):
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
        running.terminate()


def rate(url: str) -> float:
    """Return the requests a second that wrk gets answered."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", url]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", told)
    if found is None or "Non-2xx" in told:
        raise RuntimeError(told)  # a rate of refusals would be no rate
    return float(found[1])


def main() -> None:
    """Print requests a second on three files, and the ratio to nginx."""
    if missing := [name for name in ("nginx", "wrk") if not shutil.which(name)]:
        print(f"\nserving: not measured, {' and '.join(missing)} not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root / "log")
        with ours(root / "log") as one, nginx(root / "log", root) as other:
            rows = []
            for name, path in FILES.items():
                size = (root / "log" / path).stat().st_size
                got, peer = rate(f"{one}/{path}"), rate(f"{other}/{path}")
                rows.append(
                    (f"{name} ({size:,} bytes)", f"{got:,.0f} of nginx' {peer:,.0f} requests/s, {got / peer:.3f}")
                )
    table(f"serve a log: wrk, {CONNECTIONS} connections, one process each", rows)


if __name__ == "__main__":
    main()
