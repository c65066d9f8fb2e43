"""Asking for a round (specs/beacon.md §8, §10.4): the one module of `fairdraw` that uses the network.

All relays are asked at once and the first answer that verifies wins; a relay is trusted for nothing. Waiting
for a round that is not due, and asking again, are left to the caller, who has the clock.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from fairdraw.beacon import MAX_PULSE_BYTES, Chain, Pulse, check_chain, check_pulse, parse_pulse
from fairdraw.errors import BeaconError, FetchError
from fairdraw.nist import MAX_DOCUMENT, check_nist_chain, check_nist_pulse, read_answer

RELAYS: tuple[str, ...] = (
    "https://api.drand.sh",
    "https://api2.drand.sh",
    "https://api3.drand.sh",
    "https://drand.cloudflare.com",
    "https://api.drand.secureweb3.com:6875",
)
"""Public relays of unrelated operators, named in drand's documentation."""

NIST_SERVERS: tuple[str, ...] = ("https://beacon.nist.gov",)
"""Where NIST's own pulses are; other operators of the format have other servers."""

NOT_YET = "not-yet"
"""What a relay says of a round that is not due, or that it has not heard of."""

_log = logging.getLogger(__name__)

_HEADERS = {
    "Accept": "application/json",
    # The bytes that we count are then all there are: no small answer unfolds into a large one.
    "Accept-Encoding": "identity",
    # A connection that a relay drops after a 404 on the first path would else break the second request.
    "Connection": "close",
    "User-Agent": "fairdraw",
}


def fetch_pulse(
    chain: Chain,
    round: int,  # noqa: A002 -- drand's word
    relays: Sequence[str] = RELAYS,
    *,
    timeout: float,
    session: requests.Session | None = None,
    report: Callable[[str, str], None] | None = None,
) -> Pulse:
    """Return the pulse of a round from the first relay to give one that verifies, within `timeout` seconds.

    `relays` are base URLs. `session` is shared by all requests; without it each relay has its own, with the
    proxies and certificates of the environment. `report` hears of each relay that failed before, and why.

    Raises:
        BeaconError: the chain or the round is not one to ask for.
        FetchError: "not-yet" if all relays say so, else "no-relay"; `reports` lists each (relay, reason). A
            reason is "not-yet", "timeout", "unreachable", "redirect", "status-<n>", or the code with which
            `beacon` refused the answer.
    """
    check_chain(chain)
    chain.time_of(round)
    deadline = time.monotonic() + timeout
    answers: queue.SimpleQueue[tuple[int, Pulse | str]] = queue.SimpleQueue()

    def ask(index: int) -> None:
        with nullcontext(session) if session else requests.Session() as own:
            paths = (f"/v2/chains/{chain.hash}/rounds/{round}", f"/{chain.hash}/public/{round}")
            answers.put((index, _ask(own, relays[index], chain, paths, round, deadline)))

    for index in range(len(relays)):
        # Daemons: a relay that drips its answer for an hour must not keep the program from ending.
        threading.Thread(target=ask, args=(index,), daemon=True, name=f"relay {index}").start()

    reasons = ["timeout"] * len(relays)  # until a relay says something else
    for _ in relays:
        try:
            index, answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if isinstance(answer, Pulse):
            return answer
        reasons[index] = answer
        _log.info("relay %s did not give round %d of %s: %s", _host(relays[index]), round, chain.id, answer)
        if report is not None:
            report(relays[index], answer)
    code = NOT_YET if set(reasons) == {NOT_YET} else "no-relay"
    raise FetchError(code, chain=chain.hash, round=round, reports=list(zip(relays, reasons, strict=True)))


@dataclass(frozen=True, slots=True)
class Heard:
    """What one relay gave as its newest round after so many seconds: a verified pulse, or the reason why none."""

    relay: str
    seconds: float
    pulse: Pulse | None
    reason: str = ""


def newest_pulses(chain: Chain, relays: Sequence[str] = RELAYS, *, timeout: float) -> Iterator[Heard]:
    """Ask every relay for the newest round of a chain of drand; yield each one's answer as it comes.

    A round proves that its time has passed; that there is no later one, nobody can prove. Reasons are those of
    `fetch_pulse`.

    Raises:
        BeaconError: the chain is not one to ask for.
    """
    check_chain(chain)
    began = time.monotonic()
    deadline = began + timeout
    answers: queue.SimpleQueue[Heard] = queue.SimpleQueue()

    def ask(relay: str) -> None:
        paths = (f"/v2/chains/{chain.hash}/rounds/latest", f"/{chain.hash}/public/latest")
        with requests.Session() as session:
            found = _ask(session, relay, chain, paths, None, deadline)
        pulse, reason = (found, "") if isinstance(found, Pulse) else (None, found)
        answers.put(Heard(relay, time.monotonic() - began, pulse, reason))

    waiting = dict.fromkeys(relays)
    for relay in waiting:
        threading.Thread(target=ask, args=(relay,), daemon=True, name=f"relay {relay}").start()
    while waiting:
        try:
            heard = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        del waiting[heard.relay]
        yield heard
    for relay in waiting:
        yield Heard(relay, timeout, None, "timeout")


def fetch_document(
    chain: Chain,
    round: int,  # noqa: A002 -- drand's word
    certificate: bytes,
    servers: Sequence[str] = NIST_SERVERS,
    *,
    timeout: float,
    report: Callable[[str, str], None] | None = None,
) -> bytes:
    """Return the document of a NIST-format pulse from the first server, asked one after the other, that verifies.

    `certificate` is the pinned one in DER; `timeout`, `servers` and `report` are as those of `fetch_pulse`.

    Raises:
        BeaconError: the chain or the round is not one to ask for.
        FetchError: as by `fetch_pulse`.
    """
    check_nist_chain(chain)
    path = f"/beacon/2.0/pulse/time/{chain.time_of(round) * 1000}"
    deadline, reasons = time.monotonic() + timeout, []
    with requests.Session() as session:
        for server in servers:
            answer = _ask_server(session, server.rstrip("/") + path, deadline)
            if isinstance(answer, bytes):
                try:
                    document = read_answer(answer).format()
                    check_nist_pulse(chain, certificate=certificate, document=document, round=round)
                except BeaconError as error:
                    answer = error.code
                else:
                    return document
            reasons.append(answer)
            _log.info("server %s did not give round %d of %s: %s", _host(server), round, chain.id, answer)
            if report is not None:
                report(server, answer)
    code = NOT_YET if set(reasons) == {NOT_YET} else "no-relay"
    raise FetchError(code, chain=chain.hash, round=round, reports=list(zip(servers, reasons, strict=True)))


def _host(url: str) -> str:
    """Return what may be logged of an address: it may hold a password before the host, or a token after it."""
    try:
        return urlsplit(url).hostname or "?"
    except ValueError:
        return "?"


def _ask_server(session: requests.Session, url: str, deadline: float) -> bytes | str:
    """Return a server's answer, or the reason why it gave none."""
    try:
        status, body = _get(session, url, deadline, MAX_DOCUMENT)
    except requests.Timeout:
        return "timeout"
    except (requests.RequestException, HTTPError):
        return "unreachable"
    if status == requests.codes.ok:
        return body
    if 300 <= status < 400:
        return "redirect"
    return NOT_YET if status == requests.codes.not_found else f"status-{status}"


def _ask(
    session: requests.Session, relay: str, chain: Chain, paths: Sequence[str], number: int | None, deadline: float, /
) -> Pulse | str:
    """Return a verified pulse, of one round or (None) of any, or the reason why this relay gave none."""
    status = 0
    for path in paths:
        try:
            try:
                status, body = _get(session, relay.rstrip("/") + path, deadline, MAX_PULSE_BYTES)
            except requests.ConnectionError:
                if not status:
                    raise
                # It took the connection of the first path, which the relay was about to close.
                status, body = _get(session, relay.rstrip("/") + path, deadline, MAX_PULSE_BYTES)
        except requests.Timeout:
            return "timeout"
        except (requests.RequestException, HTTPError):
            return "unreachable"
        if status == requests.codes.ok:
            try:
                pulse = parse_pulse(body, chain)
                check_pulse(chain, pulse, round=pulse.round if number is None else number)
            except BeaconError as error:
                return error.code  # who lies on one path is not asked on the other
            return pulse
        if status == requests.codes.too_early:
            return NOT_YET
        if 300 <= status < 400:
            return "redirect"
        # else it may not speak v2
    # An old node says 404 of a round that is not due; v1 is asked last, so this is what it said.
    return NOT_YET if status == requests.codes.not_found else f"status-{status}"


def _get(session: requests.Session, url: str, deadline: float, limit: int) -> tuple[int, bytes]:
    """Return status and body of one GET before the deadline, and of the body at most one byte too many."""
    with session.get(
        url,
        headers=_HEADERS,
        timeout=_left(deadline),
        stream=True,
        allow_redirects=False,
        hooks={"response": _drop_location},
    ) as response:
        body = bytearray()
        # Byte by byte, else a relay that drips one a second would hold a read open as long as it likes.
        while len(body) <= limit and (byte := response.raw.read(1, decode_content=False)):
            body += byte
            _left(deadline)
        return response.status_code, bytes(body)


def _drop_location(response: requests.Response, *_: object, **__: object) -> None:
    """Make a redirect look final: requests would read all its body, however long, even without following."""
    response.headers.pop("location", None)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise requests.Timeout
    return left
