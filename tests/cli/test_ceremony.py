"""A ceremony from its first screen to its last, with a clock that the test sets, and stopped and resumed everywhere."""

import base64
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE, Popen
from types import SimpleNamespace

import pytest
import requests

from fairdraw.beacon import format_pulse
from fairdraw.encoding import format_time, parse_time
from fairdraw.errors import AssignmentError, WorkspaceError
from fairdraw.schema import Announcement, Draw, Evidence, Published, RevealsClosed, Void
from fairdraw_cli.ceremony.acts import take
from fairdraw_cli.ceremony.clocks import RealClock, RehearsalClock
from fairdraw_cli.ceremony.house import Fault, form_to_log, format_form
from fairdraw_cli.checks.finding import Finding
from fairdraw_cli.commands.ceremony import _hall
from fairdraw_cli.desk import Desk
from fairdraw_cli.forms import DrawForm, read_form
from fairdraw_cli.history import History
from fairdraw_cli.rehearsal import recorded
from fairdraw_cli.workspace import Workspace
from support.ceremony import DUE, LIMIT, Relays, Stage, StandingClock, stage
from support.hosts import Outside, host
from transparency_log.note import COSIGNATURE_ED25519, Signer

NUMBER = 32_000_944
PAIR = "object,inspector,declarer,reason,form\nH-01,I-1,inspector,interest,\n"
SCAN = b"%PDF-1.7\n a signed sheet \n%%EOF\n"
Fairdraw = Callable[..., tuple[int, str]]
Done = Callable[..., str]


@pytest.fixture
def hall(frozen: Path) -> Stage:
    """A ceremony of the office's first draw, before anybody has come."""
    return stage(frozen, "draw.toml")


def again(hall: Stage) -> Stage:
    """Return the same ceremony in a program that was started anew."""
    root = hall.house.place.root
    return stage(root, root.parent / "draw.toml", clock=StandingClock(hall.clock.start), relays=hall.relays)


def entries(hall: Stage, kind: type) -> list:
    return [entry for entry, _ in History.read(hall.house.place.reader()).all(kind)]


def to_the_end(hall: Stage) -> list[str]:
    """Go through the whole of a ceremony; returns the screens."""
    seen = [hall.screen]
    hall.turn()
    hall.done("next")
    seen.append(hall.screen)
    hall.done("lock")
    for _ in range(2):
        seen.append(hall.screen)
        hall.done("next")
    seen.append(hall.screen)
    hall.clock.set(DUE)
    hall.turn(3)
    for _ in range(3):
        seen.append(hall.screen)
        hall.done("next")
    return [*seen, hall.screen]


def test_a_ceremony_goes_from_preparing_to_filing(hall):
    assert to_the_end(hall) == [
        "prepare", "check", "lock", "cosign", "countdown", "reveal", "print", "sign", "done"
    ]  # fmt: skip
    folder = hall.house.place.draw("fund-1")
    assert {"fund-1.fairdraw.json", "record.html", "record.txt"} <= {path.name for path in folder.iterdir()}
    told = hall.get("/state").get_json()
    assert told["drawn"]["final"]
    assert told["drawn"]["count"] == len(hall.get("/numbers").get_json()["numbers"]) == 5


def test_it_draws_what_the_commands_draw(hall, frozen, done, tmp_path):
    twin = tmp_path / "twin"
    shutil.copytree(frozen, twin)
    to_the_end(hall)
    done("announce", "draw.toml", "-C", "twin", clock="07T10:02:00")
    done("draw", "fund-1", "-C", "twin", clock="07T18:36:36")
    commands = History.read(Workspace.open(twin).reader())
    (theirs,), (ours,) = [e for e, _ in commands.all(Draw)], entries(hall, Draw)
    assert ours.of(Draw).results == theirs.of(Draw).results
    assert ours.text_hash == theirs.text_hash  # to the second: the same statements at the same times


def test_what_it_draws_is_verified(hall, done):
    to_the_end(hall)
    bundle = hall.house.place.draw("fund-1") / "fund-1.fairdraw.json"
    told = done("verify", str(bundle), "--trust", "office/trust", "--log", "office/log", "--as-of", DUE)
    assert "verified: every check holds" in told


def test_every_state_survives_a_program_that_ends(hall):
    def same() -> None:
        nonlocal hall
        before = {**hall.get("/state").get_json(), "now": 0}
        hall = again(hall)
        assert {**hall.get("/state").get_json(), "now": 0} == before

    same()
    hall.done("present", role="legal", count=2)
    hall.done("next")
    same()
    hall.done("digits", role="legal", digits="42")
    hall.done("look", role="objects", no="H-07")
    same()
    hall.done("lock")
    for _ in range(3):
        same()
        hall.done("next")
    hall.clock.set(DUE)
    same()
    hall.turn(3)
    for _ in range(4):
        same()
        hall.done("next")
    same()
    assert hall.screen == "done"


@pytest.mark.parametrize("where", ["before-append", "after-append"])
def test_a_program_killed_in_the_middle_of_the_draw_draws_the_same(hall, monkeypatch, frozen, tmp_path, where):
    hall.lock()
    hall.clock.set(DUE)
    twin = tmp_path / "twin"
    shutil.copytree(frozen, twin)
    whole = stage(twin, "draw.toml", clock=StandingClock(parse_time(DUE)))
    whole.turn(3)
    real = Desk.append

    def killed(self: Desk, data: bytes):
        if where == "after-append":
            real(self, data)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Desk, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            hall.turn(2)
    resumed = again(hall)
    resumed.clock.set("2026-09-07T18:40:00Z")  # later: a result must not depend on when it is made
    resumed.turn(3)
    (ours,), (theirs,) = entries(resumed, Draw), entries(whole, Draw)
    assert ours.of(Draw).results == theirs.of(Draw).results
    assert resumed.screen == "reveal"
    assert resumed.house.state().facts.filed


def test_a_program_killed_before_the_papers_writes_them(hall, monkeypatch):
    hall.lock()
    hall.clock.set(DUE)
    monkeypatch.setattr("fairdraw_cli.ceremony.worker.write_bundles", lambda *_: 1 / 0)
    hall.turn(3)
    assert hall.house.fault is not None
    monkeypatch.undo()
    assert not hall.house.state().facts.filed
    resumed = again(hall)
    resumed.turn()
    assert resumed.house.state().facts.filed


def no_room(*_: object, **__: object) -> None:
    raise OSError(28, "full")


def test_a_fault_is_told_in_both_languages_and_tried_again_on_demand(hall, monkeypatch):
    hall.lock()
    hall.clock.set(DUE)
    monkeypatch.setattr("fairdraw_cli.ceremony.worker.draw_now", no_room)
    hall.turn(2)
    fault = hall.get("/desk", token="t" * 32).get_json()["fault"]
    assert not fault["lasting"]
    assert "full" in fault["zh"]
    assert "full" in fault["en"]
    monkeypatch.undo()
    hall.turn()
    assert not entries(hall, Draw)  # not before ten seconds are over, or somebody says so
    hall.done("retry")
    hall.turn(2)
    assert entries(hall, Draw)


def late(frozen: Path) -> Stage:
    """A ceremony whose round is recorded nowhere, and is due."""
    text = (frozen.parent / "draw.toml").read_text("utf-8").replace("18:36:36Z", "18:37:06Z")
    (frozen.parent / "late.toml").write_text(text, encoding="utf-8")
    hall = stage(frozen, "late.toml")
    hall.lock()
    hall.clock.set("2026-09-07T18:37:06Z")
    return hall


def test_a_late_round_is_asked_for_again_and_no_other_is(frozen):
    hall = late(frozen)
    for time in ("18:37:06", "18:37:20", "18:47:06"):
        hall.clock.set(f"2026-09-07T{time}Z")
        hall.turn(2)
    assert hall.relays.asked == [("quicknet", NUMBER + 10)] * 3
    assert hall.screen == "countdown"
    assert hall.get("/state").get_json()["trouble"] == "carry"
    assert hall.get("/desk", token="t" * 32).get_json()["relays"] == [["https://relay.example", "timeout"]]


@pytest.mark.parametrize("form", ["file", "code"])
def test_a_round_is_carried_in_as_a_file_or_as_the_round_and_signature_of_a_code(hall, form):
    pulse, place = recorded("quicknet", NUMBER), hall.house.place
    text = format_pulse(pulse).decode() if form == "file" else f" {pulse.round}  {pulse.signature.upper()}\n"
    take(hall.house, place.trust.chains["quicknet"], NUMBER, text)
    assert (place.root / "state" / "pulses" / f"quicknet-{NUMBER}.json").read_bytes() == format_pulse(pulse)


def test_a_round_carried_in_is_drawn_from(frozen, monkeypatch):
    pulse = recorded("quicknet", NUMBER)
    monkeypatch.setattr("fairdraw_cli.rehearsal.recorded", lambda *_: None)
    hall = stage(frozen, "draw.toml")
    hall.lock()
    hall.clock.set(DUE)
    hall.turn(2)
    assert not entries(hall, Draw)
    hall.done("pulse", text=f"{pulse.round}:{pulse.signature}")
    hall.turn(2)
    assert hall.screen == "reveal"
    assert hall.get("/state").get_json()["announced"]["rounds"][0]["randomness"]


def test_a_round_from_a_relay_is_drawn_from(frozen, monkeypatch):
    pulse = recorded("quicknet", NUMBER)
    monkeypatch.setattr("fairdraw_cli.rehearsal.recorded", lambda *_: None)
    hall = stage(frozen, "draw.toml", relays=Relays(pulse))
    hall.lock()
    hall.clock.set(DUE)
    hall.turn(3)
    assert hall.screen == "reveal"


def test_the_practice_beacon_is_made_when_it_is_due(frozen):
    text = (frozen.parent / "draw.toml").read_text("utf-8").replace('"quicknet"', '"practice"')
    (frozen.parent / "practice.toml").write_text(text, encoding="utf-8")
    hall = stage(frozen, "practice.toml")
    hall.lock()
    hall.turn(3)
    assert not entries(hall, Draw)
    hall.clock.set("2026-09-07T18:36:39Z")
    hall.turn(4)
    assert hall.screen == "reveal"
    assert hall.relays.asked == []


def test_a_draw_that_no_quorum_saw_in_time_cannot_be(hall, monkeypatch, fairdraw):
    monkeypatch.setattr("fairdraw_cli.rehearsal.cosign_all", lambda _desk: None)
    hall.lock()
    assert hall.screen == "lock"
    hall.done("next")
    hall.done("next")
    assert hall.screen == "cosign"  # no key gets beyond it
    hall.clock.set(LIMIT)
    assert hall.screen == "failed"
    hall.clock.set(DUE)
    hall.turn(5)
    assert not entries(hall, Draw)
    told = hall.get("/desk", token="t" * 32).get_json()
    assert told["reason_to_void"] == "quorum-not-shown"
    monkeypatch.undo()
    monkeypatch.chdir(hall.house.place.root.parent)
    code, said = fairdraw("void", "fund-1", "--reason", "quorum-not-shown", "-C", "office", clock="07T18:40:00")
    assert code == 0, said
    assert hall.screen == "voided"
    assert hall.get("/state").get_json()["voided"] == "quorum-not-shown"
    assert entries(hall, Void)


def test_witnesses_are_asked_again_until_there_is_a_quorum(hall, monkeypatch):
    asked = []

    def published(*_):
        asked.append(hall.clock.start)

    monkeypatch.setattr("fairdraw_cli.rehearsal.cosign_all", lambda _desk: None)
    hall.lock()
    monkeypatch.setattr("fairdraw_cli.ceremony.worker.published", published)
    hall.turn(3)
    hall.clock.set("2026-09-07T10:02:20Z")
    hall.turn(3)
    assert asked == [parse_time("2026-09-07T10:02:00Z"), parse_time("2026-09-07T10:02:20Z")]


def test_digits_of_the_hall_become_the_seed_that_is_announced(hall):
    hall.done("next")
    hall.done("digits", role="cppcc", digits="12")
    hall.done("digits", role="legal", digits="x9")
    hall.done("digits", role="legal", digits="7")
    hall.done("undo-digits")
    hall.done("lock")
    (said,) = entries(hall, Announcement)
    seed = said.of(Announcement).seed
    assert isinstance(seed, Published)
    assert seed.digits == "12x9"
    kept, _ = read_form(hall.house.place.draw("fund-1") / "draw.toml", DrawForm)
    assert kept.seed.digits == "12x9"


def test_without_digits_the_bureaus_own_file_is_kept(hall):
    hall.lock()
    kept = hall.house.place.draw("fund-1") / "draw.toml"
    assert kept.read_bytes() == (hall.house.place.root.parent / "draw.toml").read_bytes()


def test_digits_are_refused_where_supervisors_commit_to_seeds_or_there_are_too_many(hall):
    hall.done("next")
    assert hall.refused("digits", role="legal", digits="1 2") == "ceremony-digits"
    assert hall.refused("digits", role="legal", digits="") == "ceremony-digits"
    for _ in range(5):
        hall.done("digits", role="legal", digits="1" * 40)
    assert hall.refused("digits", role="legal", digits="1") == "ceremony-digits"
    form = hall.house.form
    hall.house.reader.form = form.model_copy(update={"seed": form.seed.model_copy(update={"kind": "committed"})})
    assert hall.refused("digits", role="legal", digits="1") == "ceremony-seed-committed"


def test_a_round_can_be_counted_from_the_lock(frozen):
    hall = stage(frozen, "draw.toml", ahead=120)
    hall.lock()
    said = hall.house.state().facts.announced
    assert said.due - parse_time("2026-09-07T10:02:00Z") in range(120, 124)


def test_a_round_too_soon_after_the_lock_is_refused_and_nothing_is_logged(frozen):
    hall = stage(frozen, "draw.toml", ahead=30)
    hall.done("next")
    assert hall.refused("lock") == "round-too-soon"
    assert hall.screen == "check"
    assert not entries(hall, Announcement)


PLAIN = """
id = "a"
slots = ["2026/x/1"]
window = 2026-10-31
beacon = [{ chain = "quicknet", at = 2026-09-07T18:36:36Z }]
"""
FULL = """
id = "a"
slots = ["2026/x/1", "2026/y/1"]
objects = "o-1"
inspectors = "i-2"
window = 2026-10-31
margin = 90
recusals = "回避 \\"甲\\\\乙.csv"
disclosure = { until = 2026-11-30 }
beacon = [{ events = "events.toml" }]
[seed]
kind = "committed"
minimum = 1
contributors = [{ name = "npc.example", required = true }]
"""


@pytest.mark.parametrize("text", [PLAIN, FULL])
def test_a_form_that_is_written_reads_back_as_itself(tmp_path, text):
    (tmp_path / "a.toml").write_text(text, encoding="utf-8")
    form, _ = read_form(tmp_path / "a.toml", DrawForm)
    (tmp_path / "b.toml").write_bytes(format_form(form))
    assert read_form(tmp_path / "b.toml", DrawForm)[0] == form


def test_a_draw_that_is_announced_already_is_found_by_its_id(frozen, done):
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    hall = stage(frozen, "fund-1")
    assert hall.screen == "lock"
    with pytest.raises(WorkspaceError, match="ceremony-no-form"):
        form_to_log(hall.house)


def test_an_unknown_draw_is_refused_with_those_that_are_known(frozen, fairdraw):
    code, told = fairdraw("ceremony", "nothing", "-C", "office")
    assert code == 2
    assert "nothing" in told


def test_a_number_is_looked_up_in_the_frozen_registry(hall):
    hall.done("next")
    hall.done("look", role="objects", no=" H-07 ")
    looked = hall.get("/state").get_json()["looked"]
    assert looked == {"role": "objects", "no": "H-07", "row": 7, "rows": 20}
    hall.done("look", role="inspectors", no="H-07")
    assert hall.get("/state").get_json()["looked"]["row"] == 0
    hall.done("look", role="objects", no="")
    assert hall.get("/state").get_json()["looked"] is None


def test_signatures_and_scans_are_kept_and_logged(hall):
    to_the_end(hall)
    hall.done("signed", role="legal", on=True)
    hall.done("signed", role="cppcc", on=True)
    hall.done("signed", role="cppcc", on=False)
    assert hall.get("/state").get_json()["signed"] == ["legal"]
    data = base64.b64encode(SCAN).decode()
    hall.done("scan", name="../../x.PDF", data=data)
    hall.done("scan", name="again.pdf", data=data)
    (logged,) = entries(hall, Evidence)
    (named,) = logged.of(Evidence).files
    (kept,) = (hall.house.place.draw("fund-1") / "scans").iterdir()
    assert kept.name == f"{named.digest}.pdf"
    assert kept.read_bytes() == SCAN
    assert kept.stat().st_mode & 0o077 == 0
    assert hall.get("/state").get_json()["drawn"]["scans"] == 1
    assert hall.refused("scan", name="x", data="") == "ceremony-scan"
    assert hall.refused("scan", name="x", data="!") == "ceremony-request"


@pytest.mark.parametrize(
    ("data", "code"), [(b"scan", "scan-of-another-kind"), (SCAN[:-9], "scan-not-whole"), (None, "scan-unsigned")]
)
def test_what_the_command_takes_for_no_scan_is_none_at_the_desk(hall, data, code):
    to_the_end(hall)
    told = data or (hall.house.place.draw("fund-1") / "record.pdf").read_bytes()
    assert hall.refused("scan", name="x.pdf", data=base64.b64encode(told).decode()) == code
    assert not entries(hall, Evidence)
    assert not (hall.house.place.draw("fund-1") / "scans").exists()


@pytest.fixture
def committing(frozen: Path, done: Done) -> Path:
    """The office with a draw whose seed two supervisors have committed to, one of them required."""
    for name in ("a", "b"):
        told = done("supervisor", "create", name, "--rehearsal", "--role", "legal", "--out", f"{name}.key", "--json")
        done("supervisor", "add", *json.loads(told)["line"].split()[1:], "-C", "office")
        told_by(done, "commit", name, clock="07T10:01:30")
    seed = 'minimum = 1\ncontributors = [{ name = "a/rehearsal", required = true }, { name = "b/rehearsal" }]\n'
    text = (frozen.parent / "draw.toml").read_text("utf-8")
    (frozen.parent / "draw.toml").write_text(f'{text}[seed]\nkind = "committed"\n{seed}', encoding="utf-8")
    return frozen


def told_by(done: Done, verb: str, name: str, *, clock: str) -> None:
    words = ("--key", f"{name}.key", "--log", "office/log", "--trust", "office/trust", "--json")
    file = json.loads(done("supervisor", verb, "2026/fund-use/1", *words, clock=clock))["file"]
    done("log", "add", file, "-C", "office", clock=clock)


def test_the_list_of_revealed_seeds_is_closed_by_a_key(committing, done):
    hall = stage(committing, "draw.toml")
    assert hall.get("/state").get_json()["committed"]
    assert hall.refused("digits", role="legal", digits="1") == "ceremony-seed-committed"
    assert hall.refused("close-seeds") == "draw-unknown"
    hall.lock()
    assert hall.refused("close-seeds") == "reveals-missing"  # the required one
    told_by(done, "reveal", "a", clock="07T10:03:00")
    hall.clock.set("2026-09-07T10:04:00Z")
    hall.done("close-seeds")
    hall.done("close-seeds")
    assert len(entries(hall, RevealsClosed)) == 1
    for _ in range(2):
        hall.done("next")
    assert hall.screen == "countdown"
    hall.clock.set(DUE)
    hall.turn(3)
    assert hall.screen == "reveal"


def test_a_list_that_was_closed_after_the_quorum_is_cosigned_by_the_worker(committing, done, monkeypatch):
    hall = stage(committing, "draw.toml")
    hall.lock()
    told_by(done, "reveal", "a", clock="07T10:03:00")
    hall.clock.set("2026-09-07T10:04:00Z")
    with monkeypatch.context() as patched:
        patched.setattr("fairdraw_cli.rehearsal.cosign_all", lambda _desk: None)  # the witnesses are silent
        hall.done("close-seeds")
    assert not hall.house.state().facts.announced.ready
    hall.turn()
    assert hall.house.state().facts.announced.ready


def test_a_list_that_a_witness_saw_whole_is_no_reason_to_void(committing, done, monkeypatch):
    hall = stage(committing, "draw.toml")
    hall.lock()
    assert hall.house.state().facts.announced.reason_to_void == "required-seed-missing"
    told_by(done, "reveal", "a", clock="07T10:03:00")
    hall.clock.set("2026-09-07T10:04:00Z")
    hall.done("close-seeds")
    monkeypatch.setattr("fairdraw_cli.ceremony.facts.cosigned_before", lambda *_: None)  # seen, but not by enough
    assert hall.house.state().facts.announced.reason_to_void is None


@pytest.mark.parametrize("fault", ["recusals", "round", "slot"])
def test_what_would_keep_the_draw_from_being_announced_is_on_the_checklist(frozen, fault):
    text, pairs = (frozen.parent / "draw.toml").read_text("utf-8"), PAIR.replace("H-01", "H-99")
    if fault == "recusals":
        (frozen.parent / "pairs.csv").write_text(pairs, encoding="utf-8")
        text = text.replace("[[beacon]]", 'recusals = "pairs.csv"\n[[beacon]]')
    (frozen.parent / "draw.toml").write_text(text, encoding="utf-8")
    hall = stage(frozen, "draw.toml")
    if fault == "slot":
        hall.lock()
        text = text.replace('"fund-1"', '"fund-9"')
        (frozen.parent / "again.toml").write_text(text, encoding="utf-8")
        hall = stage(frozen, "again.toml", clock=hall.clock)
    if fault == "round":
        hall.clock.set("2026-09-07T18:36:30Z")
    before = len(History.read(hall.house.place.reader()).data)
    hall.turn()
    told = hall.get("/desk", token="t" * 32).get_json()["tried"]
    assert told["zh"]
    assert told["en"]
    assert told["code"] == {
        "recusals": "recusal-of-nobody", "round": "round-too-soon", "slot": "slot-taken",
    }[fault]  # fmt: skip
    assert len(History.read(hall.house.place.reader()).data) == before


def test_recusals_are_counted_and_a_bad_list_is_told(frozen):
    path = frozen.parent / "pairs.csv"
    text = (frozen.parent / "draw.toml").read_text("utf-8")
    (frozen.parent / "draw.toml").write_text(
        text.replace("[[beacon]]", 'recusals = "pairs.csv"\n[[beacon]]'), encoding="utf-8"
    )
    hall = stage(frozen, "draw.toml")
    for content, count in ((f"{PAIR}H-02,I-1,object,kinship,\n", 2), (PAIR.replace("H-01", ""), None), (None, None)):
        path.unlink() if content is None else path.write_text(content, encoding="utf-8")
        assert hall.get("/state").get_json()["recusals"] == count
    path.write_text(PAIR, encoding="utf-8")
    hall.lock()
    path.unlink()
    assert hall.get("/state").get_json()["recusals"] == 1  # of the log from now on


def test_the_checklist_is_told_and_a_wrong_clock_locks_nothing(frozen):
    found = [Finding("clock-slow", "fail", {"chain": "quicknet", "time": 0, "seconds": 99}, "date")]
    hall = stage(frozen, "draw.toml", examine=lambda: list(found))
    hall.turn()
    (one,) = hall.get("/desk", token="t" * 32).get_json()["findings"]
    assert "99" in one["zh"]
    assert "99" in one["en"]
    hall.done("next")
    assert hall.refused("lock") == "ceremony-clock"
    assert not entries(hall, Announcement)
    found.clear()
    hall.done("examine")
    hall.done("lock")
    assert entries(hall, Announcement)


def test_only_a_rehearsal_skips_ahead(hall):
    assert hall.refused("skip") == "ceremony-not-now"
    hall.lock()
    hall.done("skip")
    assert hall.clock.start == parse_time(DUE) - 10
    assert again(hall).house.notebook.notes.time == hall.clock.start
    assert hall.refused("skip") == "ceremony-not-now"
    hall.house.clock = RealClock()
    assert hall.refused("skip") == "ceremony-only-rehearsal"


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (AssignmentError("attempts-exhausted", block="", expected=1, cap=1), "exhausted"),
        (WorkspaceError("events-open", found="fund-1"), "events"),
        (WorkspaceError("artifact-missing", found="x"), "fault"),
    ],
)
def test_the_hall_is_told_of_what_kind_a_fault_is(hall, error, trouble):
    hall.lock()
    hall.house.fault = Fault(error, lasting=True)
    assert hall.get("/state").get_json()["trouble"] == trouble


def test_a_rehearsals_clock_ticks_with_the_machines(monkeypatch):
    told = SimpleNamespace(time=lambda: 1_000.875, monotonic=lambda: 50.0)
    monkeypatch.setattr("fairdraw_cli.ceremony.clocks.time", told)
    clock = RehearsalClock(1_000)
    told.time, told.monotonic = lambda: 1_001.0, lambda: 50.125
    assert clock.now() == RealClock().now() == 1_001


def test_damaged_notes_are_told_by_their_file(hall, fairdraw):
    hall.done("next")
    path = hall.house.notebook.path
    path.write_bytes(path.read_bytes().replace(b'"check"', b'"nowhere"'))
    code, told = fairdraw("ceremony", "draw.toml", "-C", "office")
    assert code == 2
    assert str(path.name) in told


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0"])
def test_the_desk_listens_on_the_loopback_only(frozen, fairdraw, listen):
    code, told = fairdraw("ceremony", "draw.toml", "-C", "office", "--listen", listen, clock="07T10:02:00")
    assert code == 2
    assert "--hall" in told


def test_the_hall_needs_an_address_of_its_own(frozen, fairdraw):
    code, told = fairdraw("ceremony", "draw.toml", "-C", "office", "--hall", "0.0.0.0:0", clock="07T10:02:00")
    assert code == 2
    assert "0.0.0.0:0" in told


def test_another_clock_is_for_rehearsals_only(tmp_path, fairdraw):
    fairdraw("init", "real", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    (tmp_path / "draw.toml").write_text(PLAIN, encoding="utf-8")
    code, told = fairdraw("ceremony", "draw.toml", "-C", "real", clock="07T10:02:00")
    assert code == 2
    assert "rehearsal" in told


def test_the_screen_is_told_in_the_language_that_the_operator_chooses(hall):
    hall.done("language", lang="en")
    assert again(hall).get("/state").get_json()["lang"] == "en"
    assert hall.refused("language", lang="fr") == "ceremony-request"


def test_pages_of_a_result_are_turned_and_turn_by_themselves(hall):
    to_the_end(hall)
    hall.done("back")
    hall.done("page", page=3)
    assert hall.get("/state").get_json()["page"] == 3
    hall.done("page", page=None)
    assert hall.get("/state").get_json()["page"] is None
    assert hall.refused("page", page=-1) == "ceremony-request"


def test_what_notes_hold_cannot_make_a_result(hall):
    hall.house.notebook.change(step="done")
    assert hall.screen == "check"
    assert hall.get("/numbers").get_json() == {"numbers": []}


@pytest.fixture
def four_eyes(frozen, done) -> Path:
    """The office, where a second person signs what is announced and drawn; returns that person's key."""
    made = json.loads(
        done(
            "supervisor",
            "create",
            "chief.example.cn",
            "--rehearsal",
            "--role",
            "approver",
            "--out",
            "chief.key",
            "--json",
        )
    )
    done("supervisor", "add", *made["line"].split()[1:], "-C", "office")
    done("four-eyes", "chief.example.cn/rehearsal", "-C", "office")
    return frozen.parent / "chief.key"


def signed_beside(done: Done, request: Path, key: Path) -> str:
    told = done("supervisor", "cosign", str(request), "--key", str(key), "--trust", "office/trust", "--json")
    return Path(json.loads(told)["file"]).read_text("utf-8")


def test_with_four_eyes_nothing_is_locked_or_told_before_both_have_signed(four_eyes, frozen, done):
    hall = stage(frozen, "draw.toml")
    folder = hall.house.place.draw("fund-1")
    hall.done("next")
    hall.done("digits", role="legal", digits="7")
    hall.done("lock")
    assert hall.screen == "check"
    assert not entries(hall, Announcement)
    assert hall.get("/desk", token="t" * 32).get_json()["waiting"] == ["chief.example.cn/rehearsal"]
    assert hall.refused("digits", role="legal", digits="8") == "ceremony-locked"
    request = folder / "announcement.request"
    assert hall.refused("cosigned", text="no note") != ""
    note = signed_beside(done, request, four_eyes)
    assert hall.refused("cosigned", text=note.replace('"7"', '"8"')) == "answer-of-another"
    hall = again(hall)
    hall.done("cosigned", text=note)
    assert hall.screen == "lock"
    hall.clock.set(DUE)
    hall.turn(3)
    assert hall.screen == "countdown"
    assert not entries(hall, Draw)
    assert hall.get("/state").get_json()["trouble"] == "second"
    assert hall.get("/numbers").get_json() == {"numbers": []}
    hall.done("cosigned", text=signed_beside(done, folder / "record.request", four_eyes))
    hall.turn(3)
    assert hall.screen == "reveal"
    (drew,) = entries(hall, Draw)
    assert drew.statement.with_ == ("chief.example.cn/rehearsal",)


def test_the_halls_network_gets_the_projection_and_the_phones_page_and_no_desk(frozen):
    hall = stage(frozen, "draw.toml")
    with ExitStack() as stack:
        server = _hall(stack, hall.house, hall.office, "127.0.0.1:0")
        base = f"http://127.0.0.1:{server.address[1]}"
        told = requests.get(f"{base}/state", timeout=5).json()
        assert told["phones"] == f"{base}/supervise/"
        assert requests.get(f"{base}/supervise/", timeout=5).status_code == 200
        assert requests.get(f"{base}/supervise/checkpoint", timeout=5).status_code == 200
        assert requests.get(f"{base}/qr/phones", timeout=5).headers["Content-Type"].startswith("image/svg")
        for path in ("operator", "desk", "act", "paper/x"):
            assert requests.get(f"{base}/{path}", timeout=5).status_code == 404
        for path in ("state", "supervise/"):
            answer = requests.get(f"{base}/{path}", headers={"Host": "evil.example"}, timeout=5)
            assert answer.status_code == 421


def test_the_desk_tells_where_it_is_and_answers_there(frozen, tmp_path):
    command = [sys.executable, "-m", "fairdraw_cli.main", "ceremony", "draw.toml", "-C", "office", "--json"]
    options = ["--listen", "127.0.0.1:0", "--hall", "127.0.0.1:0", "--clock", "2026-09-07T10:02:00Z"]
    environment = {**os.environ, "LC_ALL": "en_US.UTF-8"}
    with Popen([*command, *options], cwd=tmp_path, stdout=PIPE, stderr=PIPE, env=environment) as program:
        told = json.loads(program.stdout.readline())
        page, _, token = told["operator"].partition("#")
        base = page.removesuffix("/operator")
        assert requests.get(page, timeout=5).status_code == 200
        assert requests.get(f"{base}/desk", timeout=5).status_code == 401
        answer = requests.get(f"{base}/desk", headers={"Authorization": f"Bearer {token}"}, timeout=5)
        assert answer.json()["screen"] == "prepare"
        assert answer.json()["hall"] == told["hall"]
        program.terminate()
        _, errors = program.communicate(timeout=20)
    assert program.returncode == 0
    assert token not in errors.decode()


@pytest.fixture
def earnest(done, papers, monkeypatch) -> Iterator[tuple[Path, Outside]]:
    """An office in earnest with a witness that listens, frozen registries, and a draw an hour from now."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    done("init", "office", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    place = Workspace.open(papers / "office")
    signer = Signer.from_seed("one.example.org", b"1" * 32, COSIGNATURE_ED25519)
    witness = Outside(signer, {place.origin: place.key("log").verifier})
    with host(witness) as url:
        done("witness", "add", "one", witness.vkey, url, "-C", "office")
        for words in (["plan", "log", "plan.toml"], ["freeze", "institutions", "institutions.csv"]):
            done(*words, "-C", "office")
        done("freeze", "staff", "staff.csv", "-C", "office")
        due = format_time(RealClock().now() + 3600)
        draw = (papers / "draw.toml").read_text("utf-8").replace("2026-09-07T18:36:36Z", due)
        day = datetime.fromtimestamp(RealClock().now() + 40 * 86400, UTC).date().isoformat()
        (papers / "draw.toml").write_text(draw.replace("2026-10-31", day), encoding="utf-8")
        yield papers / "office", witness


def test_in_earnest_witnesses_are_asked_over_http_and_nothing_is_printed(earnest, capsys):
    office, witness = earnest
    hall = stage(office, office.parent / "draw.toml", clock=RealClock())
    before = len(witness.asked)
    hall.lock()
    assert len(witness.asked) == before + 1
    assert hall.house.state().facts.announced.witnessed is not None
    hall.done("next")
    hall.done("next")
    assert hall.screen == "countdown"
    hall.turn(3)
    assert hall.screen == "countdown"
    assert hall.refused("skip") == "ceremony-only-rehearsal"
    assert capsys.readouterr().out == ""


def test_in_earnest_a_witness_that_was_away_is_asked_again(earnest, monkeypatch):
    office, _ = earnest
    hall = stage(office, office.parent / "draw.toml", clock=RealClock())
    with monkeypatch.context() as patched:
        patched.setattr("fairdraw_cli.asking.gather", lambda *_: {})
        hall.lock()
    assert hall.house.state().facts.announced.witnessed is None
    hall.done("next")
    hall.turn(2)
    assert hall.house.state().facts.announced.witnessed is not None
