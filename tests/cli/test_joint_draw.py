"""A joint draw on the command line: another department freezes its own inspectors and signs the announcement."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Done = Callable[..., str]
Fairdraw = Callable[..., tuple[int, str]]
DEPARTMENT = "wjw.example.cn/rehearsal"
LOG = ("--log", "office/log", "--trust", "office/trust")
PLAN = """
id = "2026"
slots = ["2026/fund-use/1"]
objects = "institutions"
inspectors = "staff"
strata = []
ratio = "1/4"
joint = [{ name = "wjw.example.cn/rehearsal", inspectors = "health-staff" }]
[team]
size = 4
department = "department"
quota = { ybj = 2, wjw = 2 }
"""


@pytest.fixture
def office(papers: Path, done: Done) -> Path:
    """An office whose plan has a department, which it trusts; both registries of its own are frozen."""
    done("init", "office", "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    made = json.loads(done("supervisor", "create", DEPARTMENT, "--rehearsal", "--role", "department", "--out", "w.key",
                           "--json"))  # fmt: skip
    done("supervisor", "add", *made["line"].split()[1:], "-C", "office")
    (papers / "plan.toml").write_text(PLAN, "utf-8")
    for name, department in (("staff", "ybj"), ("health", "wjw")):
        rows = [f"{department.upper()}-{i},{department},Inspector {i}" for i in range(1, 9)]
        (papers / f"{name}.csv").write_text("\n".join(["no,attr.department,private.name", *rows, ""]), "utf-8")
    done("plan", "log", "plan.toml", "-C", "office", clock="07T10:00:00")
    done("freeze", "institutions", "institutions.csv", "-C", "office", clock="07T10:01:00")
    done("freeze", "staff", "staff.csv", "-C", "office", clock="07T10:01:00")
    return papers / "office"


def freeze(done: Done, clock: str) -> dict[str, str]:
    words = ("supervisor", "freeze", "health-staff", "health.csv", "--key", "w.key", *LOG, "--json")
    told = json.loads(done(*words, clock=clock))
    done("log", "add", told["file"], "--artifact", told["roster"], "-C", "office", clock=clock)
    return told


def test_a_department_freezes_its_own_inspectors_and_signs_the_announcement(
    office: Path, done: Done, fairdraw: Fairdraw
):
    frozen = freeze(done, "07T10:01:30")
    assert not list(office.rglob("*.secret.*"))
    waiting = json.loads(done("announce", "draw.toml", "-C", "office", "--json", clock="07T10:02:00"))
    assert waiting["with"] == [DEPARTMENT]
    code, told = fairdraw("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    assert (code, "error" in told) == (2, True)
    signed = json.loads(done("supervisor", "cosign", waiting["request"], "--key", "w.key", "--trust", "office/trust",
                             "--json"))  # fmt: skip
    done("announce", "draw.toml", "--cosigned", signed["file"], "-C", "office", clock="07T10:05:00")
    done("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    bundle = "office/draws/fund-1/fund-1.fairdraw.json"
    report = json.loads(done("verify", bundle, *LOG, "--as-of", "2026-09-08T00:00:00Z", "--json"))
    assert report["verdict"] == "holds"
    for _, team in report["drawn"]:
        assert sorted(no.split("-")[0] for no in team) == ["WJW", "WJW", "YBJ", "YBJ"]
    assert frozen["count"] == 8


def test_a_department_does_not_sign_for_an_older_snapshot_of_its_own(office: Path, done: Done, fairdraw: Fairdraw):
    freeze(done, "07T10:01:30")
    waiting = json.loads(done("announce", "draw.toml", "-C", "office", "--json", clock="07T10:02:00"))
    done("supervisor", "freeze", "health-staff", "health.csv", "--key", "w.key", *LOG, clock="07T10:03:00")
    code, told = fairdraw("supervisor", "cosign", waiting["request"], "--key", "w.key", "--trust", "office/trust")
    assert (code, "newest snapshot" in told) == (2, True)


def test_a_snapshot_without_its_roster_is_not_logged(office: Path, done: Done, fairdraw: Fairdraw):
    words = ("supervisor", "freeze", "health-staff", "health.csv", "--key", "w.key", *LOG, "--json")
    told = json.loads(done(*words, clock="07T10:01:30"))
    code, said = fairdraw("log", "add", told["file"], "-C", "office", clock="07T10:02:00")
    assert code == 2, said
    code, said = fairdraw("log", "add", told["file"], "--artifact", "health.csv", "-C", "office", clock="07T10:02:00")
    assert (code, "names no file" in said) == (2, True)
