"""A joint draw on the command line: another department freezes its own inspectors and signs the announcement."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from fairdraw.registry import REMARKS
from fairdraw.schema import SnapshotStatement
from fairdraw.statement import read_entry

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


@pytest.fixture
def drawn(office: Path, done: Done) -> Path:
    """The same office after its joint draw: the department's snapshot, the signed announcement, the result."""
    freeze(done, "07T10:01:30")
    waiting = json.loads(done("announce", "draw.toml", "-C", "office", "--json", clock="07T10:02:00"))
    signed = json.loads(done("supervisor", "cosign", waiting["request"], "--key", "w.key", "--trust", "office/trust",
                             "--json"))  # fmt: skip
    done("announce", "draw.toml", "--cosigned", signed["file"], "-C", "office", clock="07T10:05:00")
    done("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    return office


def test_a_department_mends_refused_rows_as_a_bureau_does(office: Path, done: Done, fairdraw: Fairdraw) -> None:
    health = office.parent / "health.csv"
    health.write_text(health.read_text("utf-8") + "WJW-1,wjw,Somebody\n", "utf-8")
    words = ("supervisor", "freeze", "health-staff", "health.csv", "--key", "w.key", *LOG)
    code, told = fairdraw(*words, "--refused", "back.xlsx", clock="07T10:01:30")
    assert code == 2
    assert "refused rows written to back.xlsx: 1" in told
    made = openpyxl.load_workbook("back.xlsx")
    made.worksheets[0].cell(2, REMARKS + 1).value = "WJW-9"
    made.save("mended.xlsx")
    told = done(*words, "--mended", "mended.xlsx", clock="07T10:01:30")
    assert "(rows: 9, left out: 0)" in told


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


def test_an_inspector_of_a_department_has_a_slip(drawn: Path, done: Done, fairdraw: Fairdraw):
    for no in ("WJW-1", "YBJ-1", "H-01"):
        made = json.loads(done("slip", "fund-1", no, "-C", "office", "--json", clock="08T10:00:00"))
        report = json.loads(done("verify", made["file"], *LOG, "--as-of", "2026-09-08T12:00:00Z", "--json"))
        assert (report["verdict"], made["registry"]) == ("holds", "objects" if no == "H-01" else "inspectors")
    code, told = fairdraw("slip", "fund-1", "WJW-1", "--own", "-C", "office", clock="08T10:00:00")
    assert (code, f"frozen by {DEPARTMENT}" in told) == (2, True)
    code, told = fairdraw("slip", "fund-1", "XYZ-1", "-C", "office", clock="08T10:00:00")
    assert (code, "neither registry has the number XYZ-1" in told) == (2, True)


def test_the_record_of_a_joint_draw_lists_each_departments_snapshot(drawn: Path, done: Done):
    (frozen,) = (read_entry(path.read_bytes(), 3) for path in Path("w.key.d").glob("*.entry"))
    lines = [line.split() for line in (drawn / "draws/fund-1/record.txt").read_text("utf-8").splitlines()]
    (told,) = (line for line in lines if line[:1] == ["health-staff"])
    assert told[-3:-1] == ["3", "8"]
    assert frozen.of(SnapshotStatement).roster.root.startswith(told[-1])


def test_the_draw_counts_the_inspectors_of_all_departments(drawn: Path):
    carried = json.loads((drawn / "draws/fund-1/fund-1.fairdraw.json").read_bytes())
    texts = [base64.b64decode(entry["note"]).split(b"\n")[0] for entry in carried["entries"]]
    (drew,) = (told for told in map(json.loads, texts) if told["type"] == "draw")
    assert drew["counts"] == {"drawn": 5, "inspectors": 16, "objects": 20, "strata": 1}


def test_a_department_opens_its_own_inspectors_for_supervisors(drawn: Path, done: Done, fairdraw: Fairdraw):
    ours = done("openings", "fund-1", "YBJ-1", "WJW-1", "-C", "office", clock="08T10:00:00")
    assert "fairdraw supervisor openings 3 NO...): WJW-1" in ours
    words = ("supervisor", "openings", "3", "--key", "w.key", *LOG)
    theirs = json.loads(done(*words, "WJW-1", "WJW-2", "--json", clock="08T10:00:00"))
    assert theirs["rows"] == ["WJW-1", "WJW-2"]
    bundle = "office/draws/fund-1/fund-1.fairdraw.json"
    for file in ("office/draws/fund-1/fund-1.openings.jsonl", theirs["file"]):
        told = done("verify", bundle, *LOG, "--openings", file, "--as-of", "2026-09-08T12:00:00Z", "--json")
        assert json.loads(told)["verdict"] == "holds"
    opened = Path(theirs["file"])
    opened.write_text(opened.read_text("utf-8").replace("Inspector 2", "Inspector 9"), "utf-8")
    code, told = fairdraw("verify", bundle, *LOG, "--openings", str(opened), "--as-of", "2026-09-08T12:00:00Z",
                          "--json")  # fmt: skip
    reasons = {check["code"]: check["reason"] for check in json.loads(told)["checks"] if check["state"] == "fails"}
    assert (code, reasons) == (1, {"rosters": "opening-does-not-fit"})
    code, told = fairdraw(*words, "YBJ-1", clock="08T10:00:00")
    assert (code, "registry health-staff has no such number" in told) == (2, True)
    code, told = fairdraw("supervisor", "openings", "1", "H-01", "--key", "w.key", *LOG, clock="08T10:00:00")
    assert (code, "frozen by ybj.example.cn" in told) == (2, True)


def test_a_dispatch_list_names_the_bureaus_own_inspectors_and_numbers_those_of_a_department(drawn: Path, done: Done):
    done("export", "dispatch", "fund-1", "-o", "list.xlsx", "-C", "office", clock="08T10:00:00")
    pages = {page.title: list(page.iter_rows(values_only=True)) for page in openpyxl.load_workbook("list.xlsx")}
    teams = [dict(zip(pages["Dispatch list"][0], row, strict=True)) for row in pages["Dispatch list"][1:]]
    for row in teams:
        people = row["Inspectors"].split("\n")
        assert sum(" Inspector " in one for one in people if one.startswith("YBJ-")) == 2
        assert sum(one.startswith("WJW-") and " " not in one for one in people) == 2
    tasks = [dict(zip(pages["By inspector"][0], row, strict=True)) for row in pages["By inspector"][1:]]
    assert {row["As"] for row in tasks} == {"inspector wjw", "inspector ybj"}
    assert {bool(row["Inspector's name"]) for row in tasks if row["Inspector"].startswith("WJW-")} == {False}
