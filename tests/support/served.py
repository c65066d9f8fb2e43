"""A service of a rehearsal workspace, as a process of its own, and a client of each role."""

import json
import os
import signal
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from fairdraw_cli.main import run
from fairdraw_cli.service.bodies import toml
from fairdraw_cli.service.tokens import ROLES, new_token, path_of, write_tokens

SECRETS = ("Hospital 7", "13900000007", "Inspector 3")  # private fields of rows, which may appear nowhere
OBJECTS = [f"H-{i:02d},Hospital {i},1390000{i:04d}" for i in range(1, 21)]
STAFF = [f"I-{i},Inspector {i}" for i in range(1, 9)]
INSTITUTIONS_CSV = "\n".join(["no,private.name,closed.phone", *OBJECTS, ""]).encode()
STAFF_CSV = "\n".join(["no,private.name", *STAFF, ""]).encode()
PLAN = {
    "id": "2026", "slots": ["2026/fund-use/1", "2026/fund-use/2"], "objects": "institutions", "inspectors": "staff",
    "strata": [], "ratio": "1/4", "voids": ["wrong-date", "wrong-place"],
}  # fmt: skip
DRAW = {
    "id": "fund-1", "slots": ["2026/fund-use/1"], "window": "2026-10-31",
    "beacon": [{"chain": "quicknet", "at": "2026-09-07T18:36:36Z"}],
}  # fmt: skip
CSV = "text/csv"
_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # nothing here is encrypted, and httpx would make one for each request


def make_office(folder: Path) -> tuple[Path, dict[str, str]]:
    """Make a rehearsal workspace with a token of each role."""
    office = folder / "office"
    words = [
        "init",
        str(office),
        "--rehearsal",
        "--bureau",
        "ybj.example.cn",
        "--origin",
        "log.example.cn/ybj",
        "--json",
    ]
    with redirect_stdout(StringIO()):
        assert run(words) == 0
    made = {role: new_token(role, now=0, expires=None, chance=os.urandom) for role in ROLES}
    write_tokens(path_of(office), [token for token, _ in made.values()])
    return office, {role: text for role, (_, text) in made.items()}


@dataclass
class Served:
    """A running service; `kill` and `start` are a crash and a new beginning at the same workspace."""

    office: Path
    tokens: Mapping[str, str]
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    _process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        words = ["-C", str(self.office), "serve", "--listen", "127.0.0.1:0", "--rate", "1000", "--json", *self.options]
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "fairdraw_cli.main", *words], stdout=subprocess.PIPE, stderr=log, text=True,
                env={**os.environ, **self.environment},
            )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self.log.read_text()
        self.url = json.loads(line)["url"]

    @property
    def log(self) -> Path:
        return self.office.parent / "service.log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def children(self) -> list[int]:
        """Return the processes of running jobs."""
        told = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(one) for one in told]

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Stop it, or with SIGKILL let it crash."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def client(self, role: str, **headers: str) -> "Caller":
        """Return a client of a role."""
        return Caller(self, self.tokens[role], headers)


@dataclass
class Caller:
    """Somebody with a token."""

    served: Served
    token: str
    headers: Mapping[str, str]

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Language": "en", **self.headers}
        headers |= more.pop("headers", {})
        return httpx.request(method, self.served.url + path, headers=headers, timeout=120, verify=_TLS, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def post(
        self, path: str, body: object = None, *, key: str | None = None, clock: str | None = None, wait: int = 60,
        media: str = "application/json", **headers: str,
    ) -> httpx.Response:  # fmt: skip
        data = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        told = {"Idempotency-Key": key or str(uuid.uuid4()), "Content-Type": media, **headers}
        if wait:
            told["Prefer"] = f"wait={wait}"
        if clock is not None:
            told["Fairdraw-Clock"] = f"2026-09-{clock}Z"
        return self.ask("POST", path, content=data, headers=told)

    def done(self, path: str, body: object = None, **more: Any) -> dict[str, Any]:
        """Ask for what must be done at once, and return its result."""
        answer = self.post(path, body, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]


def prepared(served: Served) -> None:
    """Log a plan and freeze both registries, over HTTP."""
    lead, clerk = served.client("lead"), served.client("clerk")
    lead.done("/v1/plans", {"plan": PLAN}, clock="07T10:00:00")
    for registry, data in (("institutions", INSTITUTIONS_CSV), ("staff", STAFF_CSV)):
        clerk.done(f"/v1/registries/{registry}/snapshots", data, media=CSV, clock="07T10:01:00")


def drawn(served: Served) -> dict[str, Any]:
    """Announce and draw, over HTTP; returns the draw's answer."""
    lead = served.client("lead")
    lead.done("/v1/announcements", {"draw": DRAW}, clock="07T10:02:00")
    return lead.done("/v1/draws/fund-1/draw", clock="07T18:36:40")


def at_the_desk(served: Served, *words: str, clock: str, **files: bytes) -> dict[str, Any]:
    """Run a command in this process, where nothing has to be loaded first; `files` are those that its words name."""
    with TemporaryDirectory() as folder, redirect_stdout(StringIO()) as out:
        told = [str(Path(folder, word)) if word in files else word for word in words]
        for name, data in files.items():
            Path(folder, name).write_bytes(data)
        code = run(["-C", str(served.office), *told, f"--clock=2026-09-{clock}Z", "--json"])
    assert code == 0, out.getvalue()
    return json.loads(out.getvalue())


def planned_at_the_desk(served: Served) -> None:
    """Log the plan, as the desk does."""
    at_the_desk(served, "plan", "log", "plan.toml", clock="07T10:00:00", **{"plan.toml": toml(PLAN).encode()})


def prepared_at_the_desk(served: Served) -> None:
    """Log the plan and freeze both registries, as the desk does: nearly all of a request is a program's start."""
    planned_at_the_desk(served)
    for registry, data in (("institutions", INSTITUTIONS_CSV), ("staff", STAFF_CSV)):
        name = f"{registry}.csv"
        at_the_desk(served, "freeze", registry, name, clock="07T10:01:00", **{name: data})


def announced_at_the_desk(served: Served, draw: Mapping[str, Any] = DRAW) -> None:
    """Prepare and announce the draw, as the desk does."""
    prepared_at_the_desk(served)
    at_the_desk(served, "announce", "draw.toml", clock="07T10:02:00", **{"draw.toml": toml(draw).encode()})


def drawn_at_the_desk(served: Served) -> dict[str, Any]:
    """Prepare, announce and draw, as the desk does; returns the draw's answer."""
    announced_at_the_desk(served)
    return at_the_desk(served, "draw", "fund-1", clock="07T18:36:40")


def wait_for(condition: Any, seconds: float = 20) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)
