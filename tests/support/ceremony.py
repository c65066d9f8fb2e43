"""A ceremony for tests: a clock that stands still until it is set, relays that answer what a test wants, no network."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from werkzeug.test import Client, TestResponse

from fairdraw.beacon import Chain, Pulse
from fairdraw.encoding import parse_time
from fairdraw.errors import FetchError
from fairdraw_cli.ceremony.app import Hall, Office
from fairdraw_cli.ceremony.clocks import RealClock, RehearsalClock
from fairdraw_cli.ceremony.gate import Gate
from fairdraw_cli.ceremony.house import House, open_house
from fairdraw_cli.ceremony.worker import Worker
from fairdraw_cli.checks.finding import Finding
from fairdraw_cli.workspace import Workspace

HOST = "127.0.0.1:8050"
TOKEN = "t" * 32
LOCKED = "2026-09-07T10:02:00Z"
LIMIT = "2026-09-07T18:35:36Z"
DUE = "2026-09-07T18:36:36Z"


class StandingClock(RehearsalClock):
    """A clock that a test sets."""

    def now(self) -> int:
        return self.start

    def set(self, time: str) -> None:
        self.start = parse_time(time)


@dataclass
class Relays:
    """Relays that have nothing, unless `answer` is given; `asked` is what they were asked for."""

    answer: Pulse | bytes | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, place: Workspace, chain: Chain, number: int) -> Pulse | bytes:
        self.asked.append((chain.id, number))
        if self.answer is None:
            reports = [("https://relay.example", "timeout")]
            raise FetchError("no-relay", chain=chain.hash, round=number, reports=reports)
        return self.answer


@dataclass
class Stage:
    """One run of the program: house, worker and both applications."""

    house: House
    clock: StandingClock | RealClock
    relays: Relays
    office: Office
    hall: Hall
    worker: Worker

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            self.worker.turn()

    @property
    def screen(self) -> str:
        return self.house.state().screen

    def get(self, path: str, *, app: Hall | None = None, host: str = HOST, token: str | None = None) -> TestResponse:
        headers = {"Host": host, **({"Authorization": f"Bearer {token}"} if token else {})}
        return Client(app or self.office).get(path, headers=headers)

    def post(self, told: Any, **headers: str) -> TestResponse:
        usual = {"Host": HOST, "Origin": f"http://{HOST}", "Authorization": f"Bearer {TOKEN}"}
        usual |= {"Content-Type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
        data = told if isinstance(told, bytes) else json.dumps(told).encode()
        return Client(self.office).post("/act", data=data, headers={n: t for n, t in usual.items() if t})

    def act(self, what: str, **values: Any) -> TestResponse:
        return self.post({"do": what, "seen": self.screen, **values})

    def done(self, what: str, **values: Any) -> None:
        answer = self.act(what, **values)
        assert answer.status_code == 200, answer.get_json()

    def refused(self, what: str, **values: Any) -> str:
        answer = self.act(what, **values)
        assert answer.status_code != 200
        return str(answer.get_json()["error"]["code"])

    def lock(self) -> None:
        self.done("next")
        self.done("lock")


def stage(
    folder: Path,
    asked: str | Path,
    *,
    clock: StandingClock | RealClock | None = None,
    relays: Relays | None = None,
    examine: Callable[[], list[Finding]] = list,
    ahead: int | None = None,
) -> Stage:
    clock, relays = clock or StandingClock(parse_time(LOCKED)), relays or Relays()
    house = open_house(Workspace.open(folder), str(asked), clock=clock, fetch=relays, examine=examine, ahead=ahead)
    gate = Gate(frozenset({HOST}), TOKEN)
    return Stage(house, clock, relays, Office(house, gate), Hall(house, gate), Worker(house))
