"""A witness of one's own: made, run, asked over HTTP and by file, and its clock held against the beacon."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fairdraw.beacon import format_pulse
from fairdraw.errors import FetchError
from fairdraw_cli.beaconfloor import AHEAD, CHAIN, SLACK, BeaconFloor, newest_time, time_of_pulse
from fairdraw_cli.rehearsal import recorded
from fairdraw_cli.witnessing import Holder, Home, LogsFile
from fairdraw_cli.workspace import Workspace
from support.hosts import host
from transparency_log.checkpoint import Checkpoint, cosignatures, sign_checkpoint
from transparency_log.errors import LogError, StorageError, WitnessError
from transparency_log.evidence import Fork
from transparency_log.log import Log
from transparency_log.note import COSIGNATURE_ED25519, Note, Signer, Verifier
from transparency_log.seen import origin_hash
from transparency_log.state import MemoryState
from transparency_log.storage import Directory
from transparency_log.witness import Witness, add_checkpoint_request, parse_cosignatures

Done = Callable[..., str]
Fairdraw = Callable[..., tuple[int, str]]
ORIGIN = "log.example.cn/ybj"
MONITORED = f"/{origin_hash(ORIGIN)}/checkpoint"
ROUND = 32000945
ROUND_TIME = CHAIN.time_of(ROUND)


@pytest.fixture
def office(done: Done, papers: Path) -> Path:
    """An office in earnest with a logged plan, and a witness `w` that follows its log and that it trusts."""
    done("init", "office", "--bureau", "ybj.example.cn", "--origin", ORIGIN)
    done("plan", "log", "plan.toml", "-C", "office")
    made = json.loads(done("witness", "create", "w", "--name", "w.example.org", "--json"))
    done("witness", "add", *made["lines"][0].split()[1:], "-C", "office")
    follow(papers / "w", papers / "office")
    return papers / "office"


def follow(witness: Path, office: Path, url: str = "") -> None:
    vkey = Workspace.open(office).key("log").verifier.vkey
    with (witness / "logs").open("a", encoding="utf-8") as file:
        file.write(f"log {vkey} {url}\n")


def key_of(office: Path) -> Signer:
    return Workspace.open(office).key("log")


# -- create -------------------------------------------------------------------------------------------------------


def test_a_witness_is_made_with_a_key_for_its_owner_only_and_a_line_for_trust_files(done: Done, tmp_path: Path) -> None:
    told = done("witness", "create", "w", "--name", "w.example.org", "--url", "https://w.example.org/")
    home = Home.open(tmp_path / "w")
    vkey = home.signers[0].verifier.vkey
    assert f"witness w.example.org {vkey} https://w.example.org/" in told.splitlines()
    assert [signer.algorithm for signer in home.signers] == [COSIGNATURE_ED25519]
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "w").iterdir()}
    assert modes == {"key": 0o600, "state.sqlite": 0o600, "logs": 0o644}
    assert (tmp_path / "w").stat().st_mode & 0o777 == 0o700
    assert all(line.startswith("# ") for line in (tmp_path / "w" / "logs").read_text().splitlines())
    assert home.signers[0].format() not in told


def test_nothing_that_is_there_is_overwritten(done: Done, fairdraw: Fairdraw, tmp_path: Path) -> None:
    done("witness", "create", "w", "--name", "w.example.org")
    before = {path: path.read_bytes() for path in (tmp_path / "w").iterdir()}
    code, told = fairdraw("witness", "create", "w", "--name", "other.example.org")
    assert (code, "is not empty" in told) == (2, True)
    assert {path: path.read_bytes() for path in (tmp_path / "w").iterdir()} == before
    assert fairdraw("witness", "create", "no/where", "--name", "w.example.org")[0] == 2
    assert fairdraw("witness", "create", "x", "--name", "with space")[0] == 2
    assert fairdraw("witness", "create", "x", "--name", "w.example.org/rehearsal")[0] == 2
    assert not (tmp_path / "x").exists()


def test_a_second_key_is_told_to_stand_in_place_of_the_first(done: Done, tmp_path: Path) -> None:
    if not Verifier("x", 6, bytes(1312)).supported:
        pytest.skip("the installed cryptography has no ML-DSA-44")
    told = done("witness", "create", "w", "--name", "w", "--ml-dsa", "--rehearsal")
    assert "in place of the line above, never beside it" in told
    home = Home.open(tmp_path / "w")
    assert [(signer.name, signer.algorithm) for signer in home.signers] == [("w/rehearsal", 4), ("w/rehearsal", 6)]
    assert json.loads(done("witness", "status", "w", "--json"))["vkeys"] == [s.verifier.vkey for s in home.signers]


@pytest.mark.parametrize("lost", ["key", "state.sqlite"])
def test_a_witness_without_its_key_or_its_memory_does_not_begin_anew(
    office: Path, fairdraw: Fairdraw, tmp_path: Path, lost: str
) -> None:
    (tmp_path / "w" / lost).unlink()
    for words in (("status", "w"), ("serve", "w", "--no-beacon"), ("sign", "w", "plan.toml", "answer")):
        code, told = fairdraw("witness", *words)
        assert (code, told.startswith("fairdraw: error: ")) == (2, True)
    assert not (tmp_path / "w" / lost).exists()


def test_a_key_that_cannot_be_read_is_told_without_quoting_it(done: Done, fairdraw: Fairdraw, tmp_path: Path) -> None:
    done("witness", "create", "w", "--name", "w.example.org")
    secret = (tmp_path / "w" / "key").read_text()
    (tmp_path / "w" / "key").write_text(secret[:-6])
    code, told = fairdraw("witness", "status", "w")
    assert (code, "w/key cannot be read" in told, secret[20:40] in told) == (2, True, False)


# -- by file ------------------------------------------------------------------------------------------------------


def test_a_witness_without_a_network_cosigns_by_file(office: Path, done: Done, fairdraw: Fairdraw) -> None:
    exported = done("log", "cosign", "export", "request", "-C", "office").splitlines()[-1]
    told = done("witness", "sign", "w", "request", "answer")
    assert f"log {ORIGIN}, size 1, root " in told
    fingerprint = exported.removeprefix("the witness sees this fingerprint before it signs: ")
    assert (len(fingerprint), f", fingerprint {fingerprint}\n" in told) == (24, True), exported
    assert (
        json.loads(done("log", "cosign", "export", "request", "-C", "office", "--json"))["fingerprint"] == fingerprint
    )
    assert "nothing of this log was cosigned before" in told
    assert "it does not say that the entries are true" in told
    assert "published the cosignature of w.example.org on size 1" in done(
        "log", "cosign", "import", "answer", "-C", "office"
    )
    done("freeze", "institutions", "institutions.csv", "-C", "office")
    done("log", "cosign", "export", "request", "-C", "office")  # over the request before
    assert "cosigned last: size 1" in done("witness", "sign", "w", "request", "answer")  # and over the answer
    assert "on size 2" in done("log", "cosign", "import", "answer", "-C", "office")
    seen = json.loads(done("witness", "status", "w", "--json"))["logs"]
    assert [(log["origin"], log["size"]) for log in seen] == [(ORIGIN, 2)]
    assert f"{ORIGIN}: size 2, root {seen[0]['root']}" in done("witness", "status", "w")


def test_a_request_from_another_size_is_told_how_to_be_made_anew(office: Path, done: Done, fairdraw: Fairdraw) -> None:
    done("log", "cosign", "export", "request", "-C", "office")
    done("witness", "sign", "w", "request", "answer")
    code, told = fairdraw("witness", "sign", "w", "request", "answer")
    assert (code, "log cosign export FILE --old 1" in told) == (2, True)
    done("log", "cosign", "export", "request", "--old", "1", "-C", "office")
    done("witness", "sign", "w", "request", "answer")


def test_a_fork_is_refused_and_both_signatures_are_kept(
    office: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path
) -> None:
    done("log", "cosign", "export", "request", "-C", "office")
    done("witness", "sign", "w", "request", "answer")
    (tmp_path / "answer").unlink()
    log = key_of(office)
    other = sign_checkpoint(Checkpoint(ORIGIN, 1, bytes(32)), log)
    (tmp_path / "fork").write_bytes(add_checkpoint_request(1, [], other))
    code, told = fairdraw("witness", "sign", "w", "fork", "answer")
    assert (code, "two different trees" in told) == (1, True)
    (kept,) = (tmp_path / "w" / "evidence").iterdir()
    assert Fork.parse(kept.read_bytes()).convict(log.verifier)
    assert str(kept.relative_to(tmp_path)) in told
    longer = sign_checkpoint(Checkpoint(ORIGIN, 2, bytes(32)), log)
    (tmp_path / "longer").write_bytes(add_checkpoint_request(1, [bytes(32)], longer))
    code, told = fairdraw("witness", "sign", "w", "longer", "answer", "--json")
    assert (code, json.loads(told)["code"]) == (1, "not-consistent")
    assert not (tmp_path / "answer").exists()
    assert "evidence against logs" in done("witness", "status", "w")


def test_what_the_log_did_not_sign_is_refused_and_what_is_no_request_is_an_input_error(
    office: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path
) -> None:
    stranger = Signer.from_seed(ORIGIN, bytes(32))
    forged = sign_checkpoint(Checkpoint(ORIGIN, 1, bytes(32)), stranger)
    unknown = Signer.from_seed("unknown.example", bytes(32))
    for name, body, expected in (
        ("forged", add_checkpoint_request(0, [], forged), 1),
        ("unknown", add_checkpoint_request(0, [], sign_checkpoint(Checkpoint(unknown.name, 1, bytes(32)), unknown)), 2),
        ("junk", b"junk", 2),
        ("empty", b"", 2),
        ("huge", b"old 0\n" + bytes(1 << 20), 2),
    ):
        (tmp_path / name).write_bytes(body)
        code, told = fairdraw("witness", "sign", "w", name, "answer")
        assert (code, told.startswith("not signed: " if expected == 1 else "fairdraw: error: ")) == (expected, True)
    assert not (tmp_path / "answer").exists()


def test_an_answer_is_written_over_an_answer_only(office: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path) -> None:
    done("log", "cosign", "export", "request", "-C", "office")
    before = (tmp_path / "plan.toml").read_bytes()
    assert fairdraw("witness", "sign", "w", "request", "plan.toml")[0] == 2
    assert fairdraw("witness", "sign", "w", "request", "no/where")[0] == 2
    assert (tmp_path / "plan.toml").read_bytes() == before
    assert json.loads(done("witness", "status", "w", "--json"))["logs"][0]["size"] is None


def test_a_clock_behind_a_round_of_the_beacon_cannot_sign(
    office: Path, done: Done, fairdraw: Fairdraw, papers: Path
) -> None:
    # The clock of a rehearsal's witness can be set, also to one that is slow.
    done("witness", "create", "r", "--name", "r.example.org", "--rehearsal")
    follow(papers / "r", office)
    done("log", "cosign", "export", "request", "-C", "office")
    pulse = recorded("quicknet", ROUND)
    assert pulse is not None
    (papers / "round").write_bytes(format_pulse(pulse))
    (papers / "lie").write_bytes(format_pulse(replace(pulse, round=ROUND + 1000)))

    def sign(second: int, *words: str, witness: str = "r") -> int:
        return fairdraw("witness", "sign", witness, "request", "answer", *words, clock=f"07T18:36:{second}")[0]

    assert sign(38, "--pulse", "lie") == 2
    assert sign(38, "--pulse", "round") == 3
    assert sign(38) == 3  # it does not forget
    assert not (papers / "answer").exists()
    assert sign(39) == 0
    assert json.loads(done("witness", "status", "r", "--json"))["floor"] == ROUND_TIME
    assert sign(39, witness="w") == 2  # only a rehearsal's


# -- the list of logs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("witness w {vkey}", "key-algorithm"),
        ("quorum none", "logs-only"),
        ("log {vkey}", "key-repeated"),
        ("log {again}", "log-repeated"),
        ("log junk", "key"),
        ("no line", "line"),
    ],
)
def test_a_bad_list_of_logs_is_told(office: Path, fairdraw: Fairdraw, tmp_path: Path, line: str, code: str) -> None:
    again = Signer.from_seed(ORIGIN, bytes(32)).verifier.vkey
    with (tmp_path / "w" / "logs").open("a") as file:
        file.write(line.format(vkey=key_of(office).verifier.vkey, again=again) + "\n")
    assert json.loads(fairdraw("witness", "status", "w", "--json")[1].splitlines()[0])["error"]["code"] == code
    assert fairdraw("witness", "serve", "w", "--no-beacon")[0] == 2


def test_the_key_of_a_log_that_was_cosigned_cannot_be_changed(
    office: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path
) -> None:
    done("log", "cosign", "export", "request", "-C", "office")
    done("witness", "sign", "w", "request", "answer")
    other = Signer.from_seed(ORIGIN, bytes(32)).verifier.vkey
    (tmp_path / "w" / "logs").write_text(f"log {other}\n")
    code, told = fairdraw("witness", "sign", "w", "request", "answer")
    assert (code, "another key for log.example.cn/ybj" in told) == (2, True)
    (tmp_path / "w" / "logs").write_text("")
    assert "no longer in the list" in done("witness", "status", "w")


def test_a_changed_list_is_read_again_and_a_bad_one_told_once(office: Path, tmp_path: Path) -> None:
    home, told = Home.open(tmp_path / "w"), []
    with home.state() as state:
        logs = LogsFile(home, state, told.append)
        first = logs()
        assert [*first.known] == [ORIGIN]
        good = (tmp_path / "w" / "logs").read_text()
        (tmp_path / "w" / "logs").write_text(good + "junk\n")
        assert (logs(), logs(), len(told)) == (first, first, 1)
        (tmp_path / "w" / "logs").unlink()
        assert (logs(), logs(), len(told)) == (first, first, 2)
        another = Signer.from_seed("another.example", bytes(32)).verifier.vkey
        (tmp_path / "w" / "logs").write_text(f"{good}log {another} https://another.example/\n")
        assert [*logs().verifiers] == [ORIGIN, "another.example"]
        assert len(told) == 2


# -- a mirror -----------------------------------------------------------------------------------------------------


def test_a_mirror_cosigns_what_it_has_copied_and_nothing_else(office: Path, tmp_path: Path) -> None:
    home, log = Home.open(tmp_path / "w"), key_of(office)
    (tmp_path / "w" / "logs").write_text(f"log {log.verifier.vkey} {office / 'log'}\n")
    reader = Workspace.open(office).reader()
    signed = reader.checkpoint()
    with home.state() as state:
        logs = home.logs(state)
        witness = Witness(home.signers[0], state, hold=Holder(home, tmp_path / "copies", lambda: logs).hold)
        ahead = sign_checkpoint(Checkpoint(ORIGIN, 7, bytes(32)), log)
        with pytest.raises(WitnessError, match="not-held-yet") as error:
            witness.add_checkpoint(add_checkpoint_request(0, [], ahead), now=9, logs=logs.verifiers)
        assert error.value.status == 503
        assert state.read(ORIGIN) is None
        body = add_checkpoint_request(0, [], signed.note)
        assert witness.add_checkpoint(body, now=9, logs=logs.verifiers)
    copy = tmp_path / "copies" / origin_hash(ORIGIN)
    assert (copy / "tile" / "entries" / "000.p" / "1").read_bytes() == (
        office / "log" / "tile" / "entries" / "000.p" / "1"
    ).read_bytes()


def test_a_mirror_needs_an_address_and_keeps_what_convicts_a_log(office: Path, done: Done, tmp_path: Path) -> None:
    home, log = Home.open(tmp_path / "w"), key_of(office)
    checkpoint = Workspace.open(office).reader().checkpoint().checkpoint
    with home.state() as state:
        logs = home.logs(state)
        holder = Holder(home, tmp_path / "copies", lambda: logs)
        with pytest.raises(WitnessError, match="mirror-no-url"):
            holder.hold(checkpoint)
        (tmp_path / "w" / "logs").write_text(f"log {log.verifier.vkey} {office / 'log'}\n")
        logs = home.logs(state)
        holder.hold(checkpoint)
        holder.hold(checkpoint)
        # Now the log shows another history.
        shutil.rmtree(office / "log")
        Log.create(Directory(office / "log"), log, state=MemoryState()).append_many([b"another", b"history"])
        with pytest.raises(WitnessError, match="not-held-yet: reason 'fork"):
            holder.hold(Checkpoint(ORIGIN, 2, bytes(32)))
    (kept,) = (tmp_path / "w" / "evidence").iterdir()
    assert Fork.parse(kept.read_bytes()).convict(log.verifier)


# -- the floor of the clock ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("behind", [0, 5, 29, 31, 60, 900, 86_400, 10**7])
def test_a_slow_clock_is_found_out_by_rounds_that_it_takes_for_future_ones(behind: int) -> None:
    asked = []

    def known(number: int) -> bool:
        asked.append(number)
        return CHAIN.time_of(number) <= ROUND_TIME

    time = newest_time(CHAIN, ROUND_TIME - behind, known)
    assert time is not None
    assert ROUND_TIME - max(AHEAD, SLACK) * CHAIN.period <= time <= ROUND_TIME
    assert len(asked) <= 2 + 2 * max(1, behind).bit_length()
    assert behind + SLACK * CHAIN.period > AHEAD * CHAIN.period or len(asked) == 2  # as a rule


def test_of_a_clock_that_is_fast_or_from_before_the_beacon_no_more_than_the_truth_is_learnt() -> None:
    assert newest_time(CHAIN, ROUND_TIME + 60, lambda number: CHAIN.time_of(number) <= ROUND_TIME) is None
    assert newest_time(CHAIN, 0, lambda number: number <= 1) == CHAIN.genesis
    assert newest_time(CHAIN, ROUND_TIME, lambda _: True) is not None  # relays that know every round: the end of time


def test_a_round_in_a_file_proves_its_time(office: Path) -> None:
    pulse = recorded("quicknet", ROUND)
    assert pulse is not None
    assert time_of_pulse(format_pulse(pulse)) == ROUND_TIME
    with pytest.raises(Exception, match="signature-invalid"):
        time_of_pulse(format_pulse(replace(pulse, round=ROUND + 1)))


def relay(handler: BaseHTTPRequestHandler) -> None:
    """A relay that knows one round and says of all others that they are not due."""
    known = recorded("quicknet", ROUND)
    assert known is not None
    number = int(handler.path.rpartition("/")[2])
    status, body = (200, format_pulse(known)) if number == ROUND else (425, b"")
    handler.answer(status, body)


def test_the_floor_follows_the_beacon_and_its_thread_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    raised, failed = [], []
    with host(relay) as url:
        for now in (ROUND_TIME + SLACK * CHAIN.period, ROUND_TIME + 900):
            told = (raised, failed)[now > ROUND_TIME + 100]
            asking = BeaconFloor([url], clock=lambda now=now: now, raise_floor=raised.append, failed=failed.append)
            with asking:
                until(lambda told=told: bool(told))
    assert raised == [ROUND_TIME]
    assert [error.code for error in failed if isinstance(error, FetchError)] == ["not-yet"]


def test_a_floor_that_cannot_be_stored_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    failed: list[FetchError | LogError] = []

    def full(_: int) -> None:
        raise StorageError("disk-full", path="x", reason="x")

    with (
        host(relay) as url,
        BeaconFloor([url], clock=lambda: ROUND_TIME + SLACK * CHAIN.period, raise_floor=full, failed=failed.append),
    ):
        until(lambda: bool(failed))
    assert [error.code for error in failed] == ["disk-full"]


def until(true: Callable[[], bool]) -> None:
    import time

    for _ in range(3000):
        if true():
            return
        time.sleep(0.01)
    pytest.fail("it did not come about")


# -- the program --------------------------------------------------------------------------------------------------


@contextmanager
def running(*words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run `witness serve w`; its address and the process, which is told to end with the block."""
    command = [sys.executable, "-m", "fairdraw_cli.main", "--lang", "en", "witness", "serve", "w"]
    with subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0", "--json", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_PROXY": "127.0.0.1"},
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["url"], process
        finally:
            process.send_signal(signal.SIGTERM)


def ask(url: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request("GET" if body is None else "POST", path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_running_witness_takes_a_new_log_in_and_after_a_restart_knows_all_it_cosigned(
    office: Path, done: Done, tmp_path: Path
) -> None:
    done("log", "cosign", "export", "request", "-C", "office")
    body, logs = (tmp_path / "request").read_bytes(), tmp_path / "w" / "logs"
    listed = logs.read_text()
    logs.write_text("")
    pulse = recorded("quicknet", ROUND)
    assert pulse is not None
    (tmp_path / "round").write_bytes(format_pulse(pulse))
    with running("--no-beacon", "--pulse", "round") as (url, process):
        assert ask(url, "/add-checkpoint", body)[0] == 404
        logs.write_text(listed)
        status, answer = ask(url, "/add-checkpoint", body)
        assert status == 200
        logs.write_text("junk\n")
        assert ask(url, "/add-checkpoint", body) == (409, b"1\n")
        monitored = ask(url, MONITORED)
    assert process.returncode == 0
    logs.write_text(listed)
    (tmp_path / "answer").write_bytes(answer)
    assert "on size 1" in done("log", "cosign", "import", "answer", "-C", "office")
    with running("--no-beacon") as (url, process):
        assert ask(url, MONITORED) == monitored
        assert ask(url, "/add-checkpoint", body) == (409, b"1\n")
    assert process.returncode == 0
    note = Note.parse(monitored[1])
    assert note.signatures[-1:] == parse_cosignatures(answer)
    assert cosignatures(note, [Home.open(tmp_path / "w").signers[0].verifier])
    assert json.loads(done("witness", "status", "w", "--json"))["floor"] == ROUND_TIME


def test_a_running_witness_tells_a_bad_list_and_a_beacon_out_of_reach_and_goes_on(
    office: Path, done: Done, tmp_path: Path
) -> None:
    done("log", "cosign", "export", "request", "-C", "office")
    body = (tmp_path / "request").read_bytes()
    with running("--relay", "http://127.0.0.1:9", "--mirror", "copies") as (url, process):
        with (tmp_path / "w" / "logs").open("a") as file:
            file.write("junk\n")
        assert ask(url, "/add-checkpoint", body)[0] == 503  # a mirror without the log's address
        assert process.stderr is not None
        told = ""
        while "mirror-no-url" not in told and (line := process.stderr.readline()):
            told += line
    assert "the list of logs was not taken over" in told
    assert "could not be compared with the beacon" in told
    assert "mirror-no-url" in told
    assert process.returncode == 0
