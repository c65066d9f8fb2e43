"""The acceptance on real institutions: 6,753 fever clinics, dirty, without numbers or codes, through the commands.

Recorded data, not in the project: ../shared/data/fever_clinics_2020_cn.csv.
"""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "fever_clinics_2020_cn.csv"
FAIRDRAW = str(Path(sys.executable).with_name("fairdraw"))
OTHER = os.environ.get("FAIRDRAW_OTHER", "")

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="../shared/data/fever_clinics_2020_cn.csv is absent")

MAP = """
no = { assign = "F-%06d", by = ["province", "city", "name", "address"] }
identity = ["province", "city", "name", "address"]

[attrs]
province = "province_code"
level = { column = "level", map = { "" = "", LEVELS } }

[private]
name = { column = "name", required = true }
city = "city"
address = "address"
"""
LEVELS = {
    "三级甲等": "3a", "三甲": "3a", "三级乙等": "3b", "三乙": "3b", "三级乙": "3b", "三级": "3",
    "二级甲等": "2a", "二甲": "2a", "二级甲": "2a", "二级乙等": "2b", "二乙": "2b", "二级乙": "2b", "二级": "2",
    "二級": "2", "一级甲等": "1a", "一级乙等": "1b", "一级": "1", "未定级": "0",
}  # fmt: skip

PLAN = """
id = "2020"
slots = ["2020/fever-clinic/1"]
objects = "clinics"
inspectors = "staff"
strata = ["province"]
ratio = "3/100"
rounding = "ceil"

[team]
size = 2
cap = 9
eligible = [{ rule = "true", inspector = "qualified" }]
"""
DRAW = """
id = "fever"
slots = ["2020/fever-clinic/1"]
window = 2026-10-31
beacon = [{ chain = "quicknet", at = 2026-09-07T18:36:39Z }]
"""


def run(folder, *command, fairdraw=FAIRDRAW, expect=0, **environment):
    done = subprocess.run(
        [fairdraw, *command],
        cwd=folder,
        env={**os.environ, "LC_ALL": "C.UTF-8", **environment},
        capture_output=True,
        check=False,
    )
    assert done.returncode == expect, (done.stdout + done.stderr).decode()
    return done.stdout.decode() + done.stderr.decode()


@pytest.fixture(scope="module")
def announced(tmp_path_factory):
    """Return a workspace with the clinics announced, and what `freeze` said of the unusable rows."""
    folder = tmp_path_factory.mktemp("fever")
    levels = ", ".join(f'"{spelling}" = "{code}"' for spelling, code in LEVELS.items())
    (folder / "map.toml").write_text(MAP.replace('"" = "", LEVELS', levels), encoding="utf-8")
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    (folder / "draw.toml").write_text(DRAW, encoding="utf-8")
    staff = ["no,attr.qualified:boolean,private.name", *(f"I-{i:03d},是,检查员{i}" for i in range(1, 121))]
    (folder / "staff.csv").write_text("\n".join(staff) + "\n", encoding="utf-8")
    run(folder, "init", "desk", "--bureau", "nhsa.example.cn", "--origin", "log.example.cn/fever", "--rehearsal")
    desk = folder / "desk"
    run(desk, "plan", "log", "../plan.toml", "--clock", "2026-09-07T16:00:00Z")
    freeze = ["freeze", "clinics", str(DATA), "--map", "../map.toml", "--clock", "2026-09-07T16:10:00Z"]
    told = run(desk, *freeze, expect=2)
    nothing = sorted((desk / "registries").rglob("roster.jsonl"))
    run(desk, *freeze, "--skip-bad")
    run(desk, "freeze", "staff", "../staff.csv", "--clock", "2026-09-07T16:10:00Z")
    run(desk, "announce", "../draw.toml", "--clock", "2026-09-07T16:20:00Z")
    return desk, told, nothing


@pytest.fixture(scope="module")
def drawn(announced, tmp_path_factory):
    desk = tmp_path_factory.mktemp("drawn") / "desk"
    shutil.copytree(announced[0], desk)
    run(desk, "draw", "fever", "--clock", "2026-09-07T18:40:00Z", LC_ALL="zh_CN.UTF-8", TZ="Asia/Shanghai")
    return desk


def _rows():
    return list(csv.DictReader(io.StringIO(DATA.read_text(encoding="utf-8"))))


def test_every_unusable_row_is_told_and_nothing_is_frozen(announced):
    _, told, nothing = announced
    rows = _rows()
    seen, repeats, strange = set(), 0, 0
    for row in rows:
        key = tuple(row[name] for name in ("province", "city", "name", "address"))
        if row["level"] and row["level"] not in LEVELS:
            strange += 1
        elif key in seen:
            repeats += 1
        else:
            seen.add(key)
    assert nothing == []
    assert repeats > 0
    assert strange > 0
    lines = [number for number, row in enumerate(rows, 2) if row["level"] and row["level"] not in LEVELS]
    for number in (lines[0], lines[-1]):
        assert str(number) in told
    assert str(repeats + strange) in told


def test_the_usable_rows_are_frozen_and_drawn_three_in_a_hundred_by_province(drawn):
    roster = [json.loads(line) for line in (drawn / "registries/clinics/roster.jsonl").read_text().splitlines()]
    by_province = {}
    for row in roster:
        by_province.setdefault(row["attrs"]["province"], set()).add(row["no"])
    report = json.loads(_verify(drawn, FAIRDRAW))
    assert report["verdict"] == "holds"
    chosen = {no for no, _ in report["drawn"]}
    for numbers in by_province.values():
        assert len(numbers & chosen) == -(-len(numbers) * 3 // 100)
    loads = {}
    for _, team in report["drawn"]:
        assert len(set(team)) == 2
        for inspector in team:
            loads[inspector] = loads.get(inspector, 0) + 1
    assert max(loads.values()) <= 9


def _verify(desk, fairdraw, **environment):
    return run(
        desk, "verify", "draws/fever/fever.fairdraw.json", "--trust", "trust", "--log", "log",
        "--as-of", "2026-09-07T19:00:00Z", "--json", fairdraw=fairdraw, **environment,
    )  # fmt: skip


def test_a_stranger_verifies_in_another_folder_with_just_the_trust_file(drawn, tmp_path):
    for name in ("draws/fever/fever.fairdraw.json", "trust"):
        shutil.copy(drawn / name, tmp_path)
    shutil.copytree(drawn / "log", tmp_path / "copy")
    run(
        tmp_path, "verify", "fever.fairdraw.json", "--trust", "trust", "--log", "copy",
        "--as-of", "2026-09-07T19:00:00Z",
    )  # fmt: skip


def _results(desk):
    return {path.name: path.read_bytes() for path in sorted((desk / "draws" / "fever").iterdir())}


@pytest.mark.skipif(not OTHER, reason="FAIRDRAW_OTHER does not name a fairdraw run by another Python")
def test_another_machine_with_other_locale_time_zone_and_python_gives_the_same_bytes(announced, tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    clock = ("--clock", "2026-09-07T18:40:00Z")
    for desk in (ours, theirs):
        shutil.copytree(announced[0], desk)
    run(ours, "draw", "fever", *clock, LC_ALL="zh_CN.UTF-8", TZ="Asia/Shanghai", PYTHONHASHSEED="1")
    run(theirs, "draw", "fever", *clock, fairdraw=OTHER, LC_ALL="C", TZ="America/New_York", PYTHONHASHSEED="2")
    assert _results(ours) == _results(theirs)
    assert _verify(ours, FAIRDRAW) == _verify(theirs, OTHER, LC_ALL="C", TZ="America/New_York")
