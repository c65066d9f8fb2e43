"""Faults at system calls: which of them a writer makes, a run for each call and fault, and what became of the log.

`strace` fails a call without making it, or kills the process as it enters one. That a call is made and reported
failed is for the tests that have Python's functions in hand, and a kill leaves the page cache alone: what a power
cut would take away is for `power.py`.
"""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from faults.writer import MARK, SIGNER, STOPPED
from support.faults import check_history
from transparency_log.errors import LogError, SequenceError
from transparency_log.log import Log
from transparency_log.reader import CHECKPOINT, LogReader
from transparency_log.state import SqliteState
from transparency_log.storage import Directory

WRITER = Path(__file__).with_name("writer.py")

# What changes a file, a name, or what is sure to outlive the machine. The calls that a machine does not know
# have a question mark.
CALLS = (
    "openat", "?creat", "write", "pwrite64", "?pwritev", "fsync", "fdatasync", "?sync_file_range", "ftruncate",
    "?fallocate", "?link", "linkat", "?rename", "?renameat", "renameat2", "?unlink", "unlinkat", "?mkdir", "mkdirat",
    "?rmdir", "?chmod", "fchmod", "flock", "close",
)  # fmt: skip

# A log that grows from `start` entries by these steps. At 255 the next entry completes a tile and a bundle.
SCENARIOS = {
    "create": (None, ("create", "append")),
    "grow": (255, ("open", "append", "append")),
    "batch": (250, ("open", "batch")),
    "cosign": (3, ("open", "cosign", "cosign")),
    "freeze": (3, ("open", "freeze")),
    "collect": (255, ("open", "append", "collect")),
}

KILL = "SIGKILL"
NO_SPACE = ("ENOSPC", "EDQUOT")
FAULTS = (KILL, "EIO", *NO_SPACE, "EROFS")

_LINE = re.compile(r"\d+ +(\w+)\((.*?)\) += (.*)")
_CHANCE = re.compile(r"/\.\w+\.tmp")


@dataclass(frozen=True, slots=True)
class Call:
    """The `nth` call of its name since the process began, with its arguments as strace prints them."""

    name: str
    nth: int
    arguments: str

    @property
    def in_state(self) -> bool:
        """Whether it touches the state and its folder, or else the public files."""
        return "/public" not in self.arguments

    @property
    def makes(self) -> bool:
        """Whether it makes or changes something, so that a full or read-only disk can refuse it."""
        return self.name not in ("close", "flock", "fsync", "fdatasync") and "O_DIRECTORY" not in self.arguments


@dataclass(frozen=True, slots=True)
class Run:
    """One run: the fault, whether it was hit, how the writer ended, and how the log was found."""

    scenario: str
    call: Call
    fault: str
    ended: str
    reopened: str
    wrong: str = ""

    def __str__(self) -> str:
        return f"{self.scenario}: {self.fault} at {self.call.name}({self.call.arguments}): {self.wrong}"


@cache
def missing() -> str | None:
    """Return why this machine cannot inject faults, None if it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    inject = ["-e", "trace=write", "-e", "inject=write:error=EIO:when=1", "--seccomp-bpf", "-f"]
    tried = subprocess.run(["strace", *inject, "-o", os.devnull, "echo"], capture_output=True, check=False)
    return None if tried.returncode == 1 else "strace may not trace processes here"


def prepare(folder: Path, start: int | None) -> None:
    """Make the log that a scenario starts with."""
    folder.mkdir()
    if start is not None:
        with SqliteState.create(folder / "state") as state:
            log = Log.create(Directory(folder / "public"), SIGNER, state=state)
            log.append_many([b"entry %d" % number for number in range(start)])


def calls_of(scenario: str, folder: Path) -> list[Call]:
    """Return the state-changing calls of a run without faults, from opening the log on."""
    start, steps = SCENARIOS[scenario]
    prepare(folder, start)
    trace = folder.with_name(f"{folder.name}.trace")
    done = write(folder, steps, trace, "--seccomp-bpf", "-e", f"trace=?access,?faccessat,{','.join(CALLS)}")
    if done.returncode:
        raise AssertionError(done.stderr)
    return list(_calls(trace, folder))


def faults_for(call: Call) -> Iterator[str]:
    """Yield the faults that a call can meet."""
    yield from (KILL, "EIO")
    if call.makes:
        yield from (*NO_SPACE, "EROFS")
    elif call.name in ("fsync", "fdatasync"):
        yield from NO_SPACE  # a disk may find out late that it is full


def run(scenario: str, call: Call, fault: str, template: Path, folder: Path) -> Run:
    """Let a writer meet one fault, and judge what it leaves."""
    start, steps = SCENARIOS[scenario]
    shutil.copytree(template, folder)
    # A signal is not delivered from where --seccomp-bpf stops the process.
    how = (f"signal={fault}",) if fault == KILL else (f"error={fault}", "--seccomp-bpf")
    trace = folder.with_name(f"{folder.name}.trace")
    inject = f"inject={call.name}:{how[0]}:when={call.nth}"
    done = write(folder, steps, trace, "-e", f"trace={call.name}", "-e", inject, *how[1:])
    met = [_arguments(found[2], folder) for found in _lines(trace) if "INJECTED" in found[3] or found[3] == "?"]
    ended = {0: "went on", -9: "killed"}.get(done.returncode, done.stderr.strip().partition(":")[0])
    try:
        assert met == [call.arguments], f"the fault was met by {met}"
        assert done.returncode in (0, STOPPED, -9), done.stderr
        reopened = judge(folder, acknowledgements(done.stdout), created=start is not None)
    except (AssertionError, LogError) as error:
        return Run(scenario, call, fault, ended, "", f"{type(error).__name__} {error}")
    shutil.rmtree(folder)
    trace.unlink()
    return Run(scenario, call, fault, ended, reopened)


def acknowledgements(told: str) -> list[list[str]]:
    """Return the words of each whole line."""
    return [line.split(" ") for line in told.split("\n")[:-1]]


def judge(folder: Path, told: list[list[str]], *, created: bool) -> str:
    """Open what a writer left, go on with it, and compare everything with what was acknowledged and shown.

    Returns how it was found: `went on`, `frozen`, or `not created: ` and the code that says so.
    """
    found, shown = _reopen(folder)
    acknowledged = {words[0] for words in told}
    if created or "create" in acknowledged:
        assert found in ("went on", "frozen"), f"an existing log is {found}"
    if "freeze" in acknowledged:
        assert found == "frozen", "a log goes on after its end"
    reader = LogReader(Directory(folder / "public").read, SIGNER.verifier)
    newest = reader.check().checkpoint
    entries = list(reader.entries(0, newest.size, newest.size))
    check_history(entries, shown, SIGNER.verifier)
    for kind, number, *rest in told:
        if kind == "entry":
            assert entries[int(number)] == bytes.fromhex(rest[0]), f"entry {number} was acknowledged and is lost"
        if kind == "cosign":
            kept = {line.data for line in reader.signed(int(number)).note.signatures}
            assert bytes.fromhex(rest[0]) in kept, f"a cosignature of size {number} was acknowledged and is lost"
    return found


def _reopen(folder: Path) -> tuple[str, list[bytes]]:
    """Open a log and append to it; return how it was found, and every checkpoint that was shown or committed."""
    storage = Directory(folder / "public")
    shown = [storage.read(CHECKPOINT)]
    found = "went on"
    try:
        state = SqliteState(folder / "state")
    except SequenceError as error:
        found = f"not created: {error.code}"
        state = SqliteState.create(folder / "state")
    with state:
        if (committed := state.read()) is None:
            found = "not created: log-missing" if found == "went on" else found
            Log.create(storage, SIGNER, state=state)
        else:
            shown.append(committed.checkpoint)
        log = Log.open(storage, SIGNER, state=state)
        shown.append(storage.read(CHECKPOINT))
        if log.frozen:
            found = "frozen"
        else:
            assert log.append(b"after the fault") == log.size - 1
    return found, [data for data in (*shown, storage.read(CHECKPOINT)) if data is not None]


def run_all(scenario: str, folder: Path, *, faults: Container[str] = FAULTS, every: int = 1) -> Iterator[Run]:
    """Run a scenario with each of these faults at each call, or with every so-many-th of these; yield each run."""
    folder.mkdir()
    start, _ = SCENARIOS[scenario]
    template = folder / "template"
    prepare(template, start)
    calls = calls_of(scenario, folder / "clean")
    cases = [(call, fault) for call in calls for fault in faults_for(call) if fault in faults][::every]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda at: run(scenario, *cases[at], template, folder / str(at)), range(len(cases)))


def write(folder: Path, steps: Iterable[str], trace: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a writer under strace with these options; `trace` gets its system calls."""
    # The interpreter itself: a shell shim before it makes thousands of calls of its own. Nothing that differs from
    # run to run may change how often it calls.
    python = [os.path.realpath(sys.executable), "-S", "-B", str(WRITER), str(folder), *steps]
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
    strace = ["strace", "-f", "-y", "-s", "0", "-o", str(trace), *options]
    return subprocess.run([*strace, *python], capture_output=True, text=True, env=environment, check=False)


def _calls(trace: Path, folder: Path) -> Iterator[Call]:
    counts: Counter[str] = Counter()
    begun = False
    for found in _lines(trace):
        name, arguments = found[1], found[2]
        counts[name] += 1
        begun = begun or MARK in arguments
        # Reading changes nothing. A folder is opened to be synced.
        reads = "O_RDONLY" in arguments and "O_DIRECTORY" not in arguments
        if begun and str(folder) in arguments and not reads:
            yield Call(name, counts[name], _arguments(arguments, folder))


def _lines(trace: Path) -> Iterator[re.Match[str]]:
    return filter(None, map(_LINE.match, trace.read_text("utf-8", "replace").splitlines()))


def _arguments(told: str, folder: Path) -> str:
    """Return arguments without what differs from run to run."""
    return _CHANCE.sub("/.tmp", told).replace(str(folder.parent), "").replace(f"/{folder.name}", "")
