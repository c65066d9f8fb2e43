"""The second verifier, in JavaScript, which is asked whatever the first one is asked. web/bin/verify.mjs --serve.

While `listening` is on, every call of `verify_bundle` and `verify_slip` that a test makes is put to both. Node answers
while Python goes on; `settle`, at the end of a test, waits for the answers and compares. Where they differ, one of the
two is wrong, or the specification lets a reader think either.
"""

import json
import queue
import shutil
import subprocess
import threading
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

import fairdraw.trust
import fairdraw.verify
from fairdraw.bundle import Bundle, Slip, read_file
from fairdraw.encoding import MAX_INTEGER, canonical
from fairdraw.errors import Error
from fairdraw.trust import Trust
from fairdraw.verify import LogView, Report

WEB: Final = Path(__file__).resolve().parents[2] / "web"
NODE: Final = shutil.which("node")
MISSING: Final = (
    "node is not installed: nothing is put to the second verifier"
    if NODE is None
    else "web/node_modules is missing: run npm ci --ignore-scripts in web/"
)
AVAILABLE: Final = NODE is not None and (WEB / "node_modules" / "@noble").is_dir()
PATIENCE: Final = 120  # seconds for one answer, on a busy machine
REFUSED: Final = {"verdict": "cannot be read"}  # the words for it may differ (specs/README.md §4)


class DisagreementError(AssertionError):
    """The two verifiers do not say the same."""


@dataclass
class Second:
    """One node process, and what was asked of it and not yet compared."""

    process: subprocess.Popen[str]
    answers: "queue.Queue[str]" = field(default_factory=queue.Queue)
    waiting: deque[tuple[dict[str, Any], str]] = field(default_factory=deque)
    differing: list[str] = field(default_factory=list)
    compared: int = 0

    def ask(self, request: Mapping[str, Any], expected: dict[str, Any]) -> None:
        """Put a question; the answer must be the expected one. Those that have come meanwhile are compared."""
        assert self.process.stdin is not None
        question = json.dumps(request)
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        self.waiting.append((expected, question))
        while not self.answers.empty():
            self._compare(self.answers.get())

    def settle(self) -> None:
        """Wait for every answer, and raise where one differs."""
        while self.waiting:
            self._compare(self._answer())
        differing, self.differing = self.differing, []
        if differing:
            raise DisagreementError("\n\n".join(differing))

    def _answer(self) -> str:
        for _ in range(PATIENCE):
            try:
                return self.answers.get(timeout=1)
            except queue.Empty:
                assert self.process.poll() is None, "the second verifier has ended"
        raise TimeoutError(f"no answer within {PATIENCE} s")

    def _compare(self, answer: str) -> None:
        expected, question = self.waiting.popleft()
        self.compared += 1
        found = said(json.loads(answer))
        names = [name for name in {**expected, **found} if expected.get(name) != found.get(name)]
        if names:
            told = [f"{name}: first {expected.get(name)!r}, second {found.get(name)!r}" for name in names]
            with NamedTemporaryFile("w", suffix=".json", prefix="disagreement-", delete=False) as kept:
                kept.write(question)
            self.differing.append("\n".join([*told, f"what was asked: {kept.name}"]))


def said(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a reader learns from an answer: verdict and codes, and who was drawn."""
    if "report" not in answer:
        return REFUSED if "refused" in answer else dict(answer)
    report = answer["report"]
    told = {name: report[name] for name in ("kind", "subject", "verdict", "exit_code", "trust", "as_of", "as_of_given",
                                            "rehearsal", "drawn", "final")}  # fmt: skip
    for check in report["checks"]:
        told[check["code"]] = [check["state"], check["reason"], check["depends"]]
    told["findings"] = sorted(finding["code"] for finding in report["findings"])  # in no order that the text names
    return told


def start() -> Second:
    """Start the process; it ends when its input does."""
    assert NODE is not None
    command = [NODE, str(WEB / "bin" / "verify.mjs"), "--serve"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    second = Second(process)

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            second.answers.put(line)

    threading.Thread(target=read, daemon=True).start()
    return second


@dataclass
class Ear:
    """What stands between tests and the first verifier."""

    second: Second | None = None
    listening: bool = False
    trust_files: dict[str, bytes] = field(default_factory=dict)

    def heard(self, file: Bundle | Slip, trust: Trust, report: Report, asked: Mapping[str, Any]) -> None:
        """Put to the second verifier what the first has answered."""
        # A reader of one log verifies many draws with what it read once: that is no other question.
        if not self.listening or asked.get("whole") is not None or asked["as_of"] > MAX_INTEGER:
            return
        if self.second is None:
            self.second = start()
        data = file.format()
        try:
            read_file(data)
        except Error:  # bent as a value, and no file that could be handed to anybody
            expected = REFUSED
        else:
            expected = said({"report": json.loads(json.dumps(report.as_json()))})
        self.second.ask(request(data, self.trust_files[trust.digest], **asked), expected)

    def refuse(self, data: bytes, trust: bytes, *, as_of: int) -> None:
        """Put a file or a trust file to the second verifier that the first one cannot read."""
        if self.second is None:
            self.second = start()
        self.second.ask(request(data, trust, as_of=as_of), REFUSED)

    def stop(self) -> None:
        """Let the process end."""
        if self.second is not None:
            self.second.process.communicate()

    def settle(self) -> None:
        """Wait for the second verifier, and compare."""
        if self.second is not None:
            self.second.settle()


def request(
    data: bytes,
    trust: bytes,
    *,
    as_of: int,
    as_of_given: bool = False,
    log: LogView | None = None,
    bundle_only: bool = False,
    openings: tuple[Any, ...] = (),
    whole: None = None,
) -> dict[str, Any]:
    """Return the question as web/bin/verify.mjs reads it."""
    opened = b"".join(canonical(opening.model_dump()) + b"\n" for opening in openings)
    return {
        "file": _base64(data),
        "trust": _base64(trust),
        "as_of": as_of,
        "as_of_given": as_of_given,
        "bundle_only": bundle_only,
        "openings": _base64(opened) if openings else None,
        "log": None
        if log is None
        else {
            "entries": [None if entry is None else _base64(entry) for entry in log.entries],
            "checkpoints": [_base64(checkpoint) for checkpoint in log.checkpoints],
            "artifacts": {digest: _base64(data) for digest, data in log.artifacts.items()},
            "frozen": None if log.frozen is None else _base64(log.frozen),
        },
    }


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


EAR: Final = Ear()


def listen() -> None:
    """Stand between the tests and the first verifier; before any of them imports it."""
    parse_trust = fairdraw.trust.parse_trust

    def parse(data: bytes) -> Trust:
        trust = parse_trust(data)
        EAR.trust_files[trust.digest] = data
        return trust

    fairdraw.trust.parse_trust = parse
    fairdraw.verify.verify_bundle = _overheard(fairdraw.verify.verify_bundle)
    fairdraw.verify.verify_slip = _overheard(fairdraw.verify.verify_slip)


def _overheard(verify: Callable[..., Report]) -> Callable[..., Report]:
    def verified(file: Bundle | Slip, trust: Trust, **asked: Any) -> Report:
        report = verify(file, trust, **asked)
        EAR.heard(file, trust, report, asked)
        return report

    return verified
