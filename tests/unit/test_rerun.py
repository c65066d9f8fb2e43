"""specs/rerun.py draws again without the project, and tells whatever was altered."""

import ast
import json
import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from pathlib import Path

import pytest

from fairdraw.encoding import canonical, digest, parse
from fairdraw.registry import Registry, Row
from support.story import Story, begin, inspectors, objects, recusal, team, tell

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "specs" / "rerun.py"
VECTORS = json.loads((ROOT / "specs" / "vectors" / "bundle.json").read_text("utf-8"))
ACCEPTED = {case["name"]: case for case in VECTORS["accept"]}
SAME, DIFFERS, UNREADABLE, NOT_COVERED = range(4)


def rerun(folder, data, *, script=SCRIPT):
    """Run the script as a stranger would, without any installed package."""
    file = folder / "draw.fairdraw.json"
    file.write_bytes(data)
    command = [sys.executable, "-I", "-S", str(script), str(file)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert done.stderr == ""
    return done.returncode, done.stdout


def file_of(name):
    case = ACCEPTED[name]
    return case["file"] if "file" in case else file_of(case["like"])


def written(file):
    return canonical(file) + b"\n"


COVERED = ("plain", "capped", "committed", "a joint draw", "a replaced announcement, whose attempts ran out",
           "a special plan of a year with a cap", "a regulation of its own", "keys changed on the way")  # fmt: skip


@pytest.mark.parametrize("name", COVERED)
def test_a_draw_comes_out_again(tmp_path, name):
    code, printed = rerun(tmp_path, written(file_of(name)))
    assert (code, "DIFFERS" in printed) == (SAME, False)
    assert "密钥 key" in printed
    assert "抽中对象 selection" in printed
    assert "检查组 teams" in printed


@pytest.mark.parametrize(
    "name",
    ["sealed", "opened", "specialists, experts and a pool", "a switch chain", "events and a later round of drand"],
)
def test_what_the_script_does_not_cover_it_does_not_judge(tmp_path, name):
    code, printed = rerun(tmp_path, written(file_of(name)))
    assert code == NOT_COVERED
    assert "not covered" in printed


RULED = Registry(
    (("fields", "strings"), ("grade", "integer"), ("home", "string"), ("licence", "string"), ("qualified", "boolean")),
    (),
    tuple(
        Row(f"I-{i:02d}", {"fields": ("care", "hospital", "pharmacy")[: i % 4], "grade": i % 3,
                           "home": ("3701", "370102", "370103", "")[i % 4], "qualified": i % 5 != 0,
                           "licence": ("2026-12-31", "长期", "2026-01-01")[i % 3]}, ())
        for i in range(40)
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "object_"),
    [("true", None), ("valid", None), ("at-least", "level"), ("contains", "type"), ("under", "region"),
     ("same", "region"), ("differ", "region")],
)  # fmt: skip
def test_each_rule_of_who_may_inspect_whom_comes_out_alike(tmp_path, rule, object_):
    fields = {"true": "qualified", "valid": "licence", "at-least": "grade", "contains": "fields"}
    rows = tuple(Row(row.no, row.attrs | {"level": i % 2}, row.private) for i, row in enumerate(objects(30).rows))
    told = Story()
    freeze = told.snapshot

    def snapshot(name, registry, label="1", **more):
        attrs = (("level", "integer"), *registry.attrs)
        return freeze(name, RULED if name == "staff" else Registry(attrs, registry.private, rows), label, **more)

    told.snapshot = snapshot
    rules = team(eligible=({"rule": rule, "object": object_, "inspector": fields.get(rule, "home")},))
    story = begin(told, plan={"team": rules}).go_on()
    assert story.report().verdict == "holds"
    assert rerun(tmp_path, story.bundle().format())[0] == SAME


@pytest.mark.parametrize(
    "plan", [{"ratio": "1/3", "strata": ("region", "type")}, {"team": team(cap=4), "ratio": "1/4"}]
)
def test_larger_draws_come_out_alike(tmp_path, plan):
    told = tell(plan=plan, recusals=recusal("H-000001", "I-0001") + b"\n")
    assert len(inspectors().rows) == 12
    assert rerun(tmp_path, told.bundle().format())[0] == SAME


# -- altered ----------------------------------------------------------------------------------------------------------


def rows_of(file, at):
    return [parse(line) for line in b64decode(file["artifacts"][at]["data"]).splitlines()]


def results_at(file):
    return next(at for at, one in enumerate(file["artifacts"]) if b'"ticket"' in b64decode(one["data"]))


def first_drawn(rows):
    return next(row for row in rows if "ticket" in row)


ALTERED = {
    "another object": lambda rows: first_drawn(rows).update(no="H-000099"),
    "another ticket": lambda rows: first_drawn(rows).update(ticket="00" * 32),
    "another inspector": lambda rows: first_drawn(rows)["team"].reverse(),
    "one object less": lambda rows: rows.remove(first_drawn(rows)),
    "a quota more": lambda rows: rows[0].update(quota=rows[0]["quota"] + 1),
    "a cutoff shaved": lambda rows: rows[0].update(cutoff="00" * 32),
    "a smaller base": lambda rows: rows[0].update(base=rows[0]["base"] - 1),
}


@pytest.mark.parametrize("what", ALTERED)
@pytest.mark.parametrize("renamed", [False, True])
def test_an_altered_result_is_told(tmp_path, what, renamed):
    """Also where the bureau logs what it altered, so that every digest fits."""
    file = json.loads(json.dumps(file_of("plain")))
    at = results_at(file)
    rows = rows_of(file, at)
    ALTERED[what](rows)
    data = b"".join(canonical(row) + b"\n" for row in rows)
    file["artifacts"][at]["data"] = b64encode(data).decode()
    if renamed:
        file = relogged(file, lambda draw: draw["results"].update(digest=digest(data)))
        file["artifacts"][at]["digest"] = digest(data)
    code, printed = rerun(tmp_path, written(file))
    assert code == DIFFERS
    assert ("文件 files: 不同 DIFFERS" in printed) != renamed
    assert any("DIFFERS" in line for line in printed.splitlines() if not line.startswith("文件"))


def relogged(file, change):
    """Return a bundle whose `draw` statement says something else; nobody has signed it."""
    for entry in file["entries"]:
        text = b64decode(entry["note"]).partition(b"\n\n")[0]
        if digest(text + b"\n") == file["draw"]:
            value = parse(text)
            change(value)
            entry["note"] = b64encode(canonical(value) + b"\n\n").decode()
            return file | {"draw": digest(canonical(value) + b"\n")}
    raise AssertionError("the draw is among the entries")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("plain", lambda draw: draw.update(key="00" * 32)),
        ("plain", lambda draw: draw["pulses"][0].update(signature="ab" * 48)),
        ("capped", lambda draw: draw["blocks"][0].__setitem__(1, 99)),
        ("capped", lambda draw: draw["blocks"].clear()),
    ],
)
def test_an_altered_draw_statement_is_told(tmp_path, name, change):
    file = relogged(json.loads(json.dumps(file_of(name))), change)
    code, printed = rerun(tmp_path, written(file))
    assert (code, "DIFFERS" in printed) == (DIFFERS, True)


def test_an_altered_roster_is_told(tmp_path):
    file = json.loads(json.dumps(file_of("plain")))
    at = next(i for i, one in enumerate(file["artifacts"]) if b'"pharmacy"' in b64decode(one["data"]))
    data = b64decode(file["artifacts"][at]["data"]).replace(b'"pharmacy"', b'"hospital"', 1)
    file["artifacts"][at]["data"] = b64encode(data).decode()
    assert rerun(tmp_path, written(file))[0] == DIFFERS


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff\xfe", b'{"artifacts":[],"entries":[],"draw":null}'])
def test_what_is_no_bundle_is_told_without_a_traceback(tmp_path, data):
    code, printed = rerun(tmp_path, data)
    assert code == UNREADABLE
    assert "读不了 cannot be read" in printed


def test_a_missing_roster_is_told(tmp_path):
    file = json.loads(json.dumps(file_of("plain")))
    file["artifacts"] = [one for one in file["artifacts"] if b'"pharmacy"' not in b64decode(one["data"])]
    assert rerun(tmp_path, written(file))[0] == UNREADABLE


# -- the script itself ------------------------------------------------------------------------------------------------


def test_the_script_needs_nothing_but_itself_and_the_standard_library(tmp_path):
    tree = ast.parse(SCRIPT.read_text("utf-8"))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {name for node in nodes for name in (
        [one.name for one in node.names] if isinstance(node, ast.Import) else [node.module])}  # fmt: skip
    assert names <= sys.stdlib_module_names
    alone = shutil.copy(SCRIPT, tmp_path / "alone.py")
    assert rerun(tmp_path, written(file_of("plain")), script=alone)[0] == SAME


def test_the_script_is_short_enough_to_be_read_over_a_cup_of_tea():
    text = SCRIPT.read_text("utf-8").replace(ast.get_docstring(ast.parse(SCRIPT.read_text("utf-8")), clean=False), "")
    assert len([line for line in text.splitlines() if line.strip()]) <= 115


def test_the_script_says_what_it_does_not_check(tmp_path):
    _, printed = rerun(tmp_path, written(file_of("plain")))
    for what in ("beacon signature", "log", "witnesses", "signatures", "quotas"):
        assert what in printed.splitlines()[-1]
