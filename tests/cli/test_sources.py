"""Draws of the command line whose randomness comes from public events, or from a NIST-format beacon, beside drand."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fairdraw.nist import nist_chain
from support.sources import certificate, nist_pulse

Done = Callable[..., str]
Fairdraw = Callable[..., tuple[int, str]]
VERIFY = ("--trust", "office/trust", "--log", "office/log", "--as-of", "2026-09-07T19:00:00Z")
AT = "2026-09-07T18:36:36Z"
EVENTS = """
deadline = 2026-09-07T21:00:00+08:00
[[event]]
id = "ssq-red"
what = "双色球 2026103 红球"
published = "中国福利彩票官网"
kind = "set"
count = 6
first = 1
last = 33
bits = 20
due = 2026-09-07T20:00:00+08:00
[[event]]
id = "fc3d"
what = "福彩3D 2026236"
published = "中国福利彩票官网"
kind = "sequence"
count = 3
first = 0
last = 9
bits = 9
due = 2026-09-07T20:15:00+08:00
"""
DRAW = """
id = "fund-1"
slots = ["2026/fund-use/1"]
window = 2026-10-31
[[beacon]]
events = "events.toml"
"""
DRAND = f'[[beacon]]\nchain = "quicknet"\nat = {AT}\n'
RED = '[[event]]\nid = "ssq-red"\nnumbers = [31, 3, 6, 9, 13, 15]\nevidence = "page.html"\n'
DIGITS = '[[event]]\nid = "fc3d"\nnumbers = [0, 4, 4]\nevidence = "page.html"\n'


@pytest.fixture
def chosen(frozen: Path, done: Done, tmp_path: Path) -> Path:
    """The office with three supervisors, and the files of a draw from events and drand."""
    for name in ("one", "two", "three"):
        line = json.loads(done("supervisor", "create", name, "--rehearsal", "--json"))["line"]
        done("supervisor", "add", *line.split()[1:], "-C", "office")
    (tmp_path / "events.toml").write_text(EVENTS, "utf-8")
    (tmp_path / "draw.toml").write_text(DRAW + DRAND, "utf-8")
    (tmp_path / "page.html").write_text("<p>3 6 9 13 15 31</p>", "utf-8")
    (tmp_path / "values.toml").write_text(RED + DIGITS, "utf-8")
    return frozen


def attest(done: Done, name: str, *, clock: str, values: str = "values.toml") -> None:
    words = ("--key", f"{name}.key", "--log", "office/log", "--trust", "office/trust")
    told = json.loads(done("supervisor", "attest", "2026/fund-use/1", values, *words, "--json", clock=clock))
    done("log", "add", told["file"], "-C", "office", clock=clock)


def test_a_draw_from_public_events_and_drand_verifies(chosen: Path, done: Done, fairdraw: Fairdraw) -> None:
    told = done("events", "check", "events.toml")
    assert "20 bits claimed, at most 20 possible" in told
    assert "a later round of drand is needed" in told
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    code, told = fairdraw("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    assert (code, "are not closed and witnessed in time" in told) == (2, True)
    told = done("events", "close", "fund-1", "values.toml", "-C", "office", clock="07T13:10:00")
    assert "3.6.9.13.15.31." in told
    assert "0.4.4." in told
    attest(done, "one", clock="07T13:11:00")
    code, told = fairdraw("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    assert (code, "only one/rehearsal of at least 2 supervisors confirm" in told) == (2, True)
    attest(done, "two", clock="07T13:12:00")
    done("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    assert "holds" in done("verify", "office/draws/fund-1/fund-1.fairdraw.json", *VERIFY)
    done("slip", "fund-1", "H-01", "-C", "office", clock="07T18:40:00")
    assert "consistent" in done("verify", "office/draws/fund-1/fund-1.H-01.slip.fairdraw.json", *VERIFY)
    assert "Document" in (chosen / "draws" / "fund-1" / "record.txt").read_text("utf-8")


def test_confirmations_that_come_after_the_round_do_not_count(chosen: Path, done: Done, fairdraw: Fairdraw) -> None:
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    done("events", "close", "fund-1", "values.toml", "-C", "office", clock="07T13:10:00")
    attest(done, "one", clock="07T13:11:00")
    attest(done, "two", clock="07T18:36:40")
    code, told = fairdraw("draw", "fund-1", "-C", "office", clock="07T18:36:50")
    assert (code, "only one/rehearsal of at least 2 supervisors confirm" in told) == (2, True)


def test_the_values_are_closed_once_and_not_after_the_round(
    chosen: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path
) -> None:
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    (tmp_path / "short.toml").write_text(RED, "utf-8")
    code, told = fairdraw("events", "close", "fund-1", "short.toml", "-C", "office", clock="07T12:30:00")
    assert (code, "only be said after the deadline" in told) == (2, True)
    code, told = fairdraw("events", "close", "fund-1", "values.toml", "-C", "office", clock="07T18:36:40")
    assert code == 2
    done("events", "close", "fund-1", "short.toml", "-C", "office", clock="07T13:10:00")
    code, told = fairdraw("events", "close", "fund-1", "values.toml", "-C", "office", clock="07T13:20:00")
    assert (code, "closed already, with other content" in told) == (2, True)
    done("events", "close", "fund-1", "short.toml", "-C", "office", clock="07T13:20:00")


def test_a_supervisor_signs_nothing_but_what_the_supervisor_has_read(
    chosen: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path
) -> None:
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    words = ("--key", "one.key", "--log", "office/log", "--trust", "office/trust")
    code, told = fairdraw("supervisor", "attest", "2026/fund-use/1", "values.toml", *words, clock="07T13:00:00")
    assert (code, "are not closed" in told) == (2, True)
    done("events", "close", "fund-1", "values.toml", "-C", "office", clock="07T13:10:00")
    (tmp_path / "mine.toml").write_text(RED + DIGITS.replace("[0, 4, 4]", "[0, 4, 5]"), "utf-8")
    code, told = fairdraw("supervisor", "attest", "2026/fund-use/1", "mine.toml", *words, clock="07T13:11:00")
    assert (code, "yours 0.4.5., the bureau's 0.4.4." in told) == (2, True)
    assert not (tmp_path / "one.key.d").exists()


@pytest.mark.parametrize(
    ("draw", "told"),
    [
        (DRAW, "too easy to guess"),
        (DRAW + DRAND.replace("18:36:36", "13:00:30"), "closes too late"),
        (DRAW + DRAND.replace("at = ", "events = 'events.toml'\nat = "), "give chain and at, or events"),
        (DRAW + DRAW[DRAW.index("[[beacon") :] + DRAND, "twice"),
        (DRAW.replace("events.toml", "nowhere.toml") + DRAND, "nowhere.toml"),
    ],
)
def test_sources_that_somebody_could_choose_are_not_announced(
    chosen: Path, fairdraw: Fairdraw, tmp_path: Path, draw: str, told: str
) -> None:
    (tmp_path / "draw.toml").write_text(draw, "utf-8")
    code, said = fairdraw("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    assert (code, told in said) == (2, True), said


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("bits = 9", "bits = 128"), "at most 9 bits"),
        (("last = 33", "last = 6"), "more numbers"),
        (("deadline = 2026-09-07T21", "deadline = 2026-09-07T20"), "deadline"),
        (('kind = "set"', 'kind = "heap"'), "kind"),
        (("count = 3", "amount = 3"), "lacks event.1.count"),
        (("20:15:00", "20:15:30"), "whole minute"),
    ],
)
def test_a_definition_that_claims_too_much_is_told_with_its_line(
    chosen: Path, fairdraw: Fairdraw, tmp_path: Path, change: tuple[str, str], told: str
) -> None:
    (tmp_path / "events.toml").write_text(EVENTS.replace(*change), "utf-8")
    code, said = fairdraw("events", "check", "events.toml")
    assert (code, told in said) == (2, True), said


def test_a_draw_from_a_nist_format_beacon_and_drand_verifies(
    chosen: Path, done: Done, fairdraw: Fairdraw, tmp_path: Path
) -> None:
    (tmp_path / "beacon.der").write_bytes(certificate())
    chain = nist_chain(certificate(), id="nist", chain_index=2)
    number = chain.round_at_or_after(1_788_775_200)
    (tmp_path / "draw.toml").write_text(
        DRAW.replace('events = "events.toml"', f'chain = "nist"\nat = {"2026-09-07T10:40:00Z"}') + DRAND, "utf-8"
    )
    code, told = fairdraw("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    assert (code, "does not know this beacon" in told or "nist" in told) == (2, True)
    line = json.loads(done("pulse", "pin", "beacon.der", "-C", "office", "--json"))["line"]
    with (chosen / "trust").open("a", encoding="utf-8") as trust:
        trust.write(f"{line}\n")
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    number = 1_788_777_600 // 60
    (tmp_path / "pulse.json").write_bytes(nist_pulse(number).format())
    (tmp_path / "other.json").write_bytes(nist_pulse(number + 1).format())
    import_pulse = ("pulse", "import", str(number))
    code, told = fairdraw(*import_pulse, "other.json", "--chain", "nist", "-C", "office")
    assert (code, "another round" in told) == (2, True)
    code, told = fairdraw("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    assert (code, f"round {number} of nist is not here" in told) == (2, True)
    done(*import_pulse, "pulse.json", "--chain", "nist", "-C", "office")
    assert "signature valid" in done("pulse", "show", str(number), "--chain", "nist", "-C", "office")
    done("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    assert "holds" in done("verify", "office/draws/fund-1/fund-1.fairdraw.json", *VERIFY)
