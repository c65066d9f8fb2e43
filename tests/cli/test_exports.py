"""`fairdraw export`: the dispatch list with names, the drawn objects and the results due by number."""

import csv
import io
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from fairdraw_cli.main import run

Done = Callable[..., str]
Fairdraw = Callable[..., tuple[int, str]]
OFFICE = ("-C", "office")

REGULATION = """
id = "city"
[document]
title = "实施细则"
title_en = "Rules"
status = "in-force"
[publication]
value = { unit = "working-days", days = 20 }
cite = ["怀仁（四）"]
"""
ITEMS = """
regulation = "city.toml"
[[item]]
id = "fund-use"
name = "医保基金使用情况"
name_en = "Use of the fund"
basis = ["《医疗保障基金使用监督管理条例》第二十二条"]
"""
PLAN = [
    "类别,事项,名称,内容,比例,取整,开始日期,结束日期",
    "设置,,计划代号,2026,,,,",
    "设置,,制度,city.toml,,,,",
    "设置,,对象名录库,institutions,,,,",
    "设置,,人员名录库,staff,,,,",
    "批次,fund-use,1,,,,2026/9/8,2026年10月31日",
    "规则,fund-use,地区字段,district,,,,",
    "抽取比例,fund-use,,,50%,不低于,,",
]
DRAW = """
id = "fund-1"
slots = ["2026/fund-use/1"]
window = 2026-10-31
[[beacon]]
chain = "quicknet"
at = 2026-09-07T18:36:36Z
"""


@pytest.fixture
def bureau(tmp_path: Path, done: Done) -> Path:
    """A rehearsal whose plan came from a sheet; its first draw is announced but not drawn."""
    objects = [f"H-{i:02d},3701{i % 3:02d},第{i}医院,解放路{i}号,1390000{i:04d}" for i in range(1, 13)]
    staff = [f"I-{i},ybj,检查员{i},1380000{i:04d}" for i in range(1, 9)]
    files = {
        "city.toml": REGULATION,
        "items.toml": ITEMS,
        "plan.csv": "\n".join([*PLAN, ""]),
        "draw.toml": DRAW,
        "institutions.csv": "\n".join(["no,attr.district,private.name,private.address,closed.phone", *objects, ""]),
        "staff.csv": "\n".join(["no,attr.unit,private.name,closed.phone", *staff, ""]),
        "letter.txt": "a letter",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    done("init", "office", "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    made = json.loads(done("supervisor", "create", "legal.example.cn", "--rehearsal", "--role", "legal", "--out",
                           "a.key", "--json"))  # fmt: skip
    done("supervisor", "add", *made["line"].split()[1:], *OFFICE)
    done("items", "log", "items.toml", *OFFICE, clock="07T09:59:00")
    done("plan", "log", "plan.csv", *OFFICE, clock="07T10:00:00")
    for name in ("institutions", "staff"):
        done("freeze", name, f"{name}.csv", *OFFICE, clock="07T10:01:00")
    done("announce", "draw.toml", *OFFICE, clock="07T10:02:00")
    return tmp_path


@pytest.fixture
def drew(bureau: Path, done: Done) -> Path:
    """The same after its draw."""
    done("draw", "fund-1", *OFFICE, clock="07T18:36:40")
    return bureau


def sheets(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of each sheet of a spreadsheet, the titles first."""
    book = openpyxl.load_workbook(path)
    return {page.title: list(page.iter_rows(values_only=True)) for page in book}


def columns(rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def teams() -> dict[str, list[str]]:
    """Return the drawn teams, from the public result."""
    Path("drawn.csv").unlink(missing_ok=True)
    assert run(["export", "drawn", "fund-1", "-o", "drawn.csv", *OFFICE]) == 0
    rows = list(csv.DictReader(io.StringIO(Path("drawn.csv").read_text("utf-8-sig"))))
    return {row["Object"]: row["Inspectors"].split() for row in rows}


def dispatch(done: Done, *more: str, clock: str = "08T00:00:00") -> str:
    return done("export", "dispatch", "fund-1", "-o", "list.xlsx", *more, *OFFICE, clock=clock)


def test_a_number_is_looked_up_by_name_in_the_newest_snapshot(bureau: Path, done: Done, fairdraw: Fairdraw):
    told = done("export", "numbers", "institutions", "-o", "numbers.xlsx", *OFFICE)
    assert "institutions-1, 12 rows" in told
    [(title, (heads, *rows))] = sheets(bureau / "numbers.xlsx").items()
    assert (title, heads) == (
        "Numbers", ("Object", "Object's name", "Address", "Object's telephone", "District")
    )  # fmt: skip
    assert min(rows) == ("H-01", "第1医院", "解放路1号", "13900000001", "370101")
    assert len(rows) == 12
    text = (bureau / "institutions.csv").read_text("utf-8")
    (bureau / "institutions.csv").write_text(text.replace("第1医院", "更名医院"), "utf-8")
    done("freeze", "institutions", "institutions.csv", *OFFICE, clock="07T11:00:00")
    done("export", "numbers", "institutions", "-o", "numbers.xlsx", "--force", *OFFICE)
    assert "更名医院" in str(sheets(bureau / "numbers.xlsx"))
    done("export", "numbers", "staff", "-o", "staff.xlsx", *OFFICE)
    assert sheets(bureau / "staff.xlsx")["Numbers"][0][:2] == ("Inspector", "Inspector's name")
    assert fairdraw("export", "numbers", "other", "-o", "other.xlsx", *OFFICE)[0] == 2
    assert fairdraw("export", "numbers", "staff", "-o", "staff.csv", *OFFICE)[0] == 2


def test_the_dispatch_list_names_whom_the_draw_numbers(drew: Path, done: Done):
    told = dispatch(done)
    drawn = teams()
    assert len(drawn) == 6
    found = sheets(drew / "list.xlsx")
    assert list(found) == ["Dispatch list", "By inspector"]
    for row in columns(found["Dispatch list"]):
        no = row["Object"]
        i = int(no.removeprefix("H-"))
        assert (row["Object's name"], row["address"] if "address" in row else row["Address"]) == (
            f"第{i}医院",
            f"解放路{i}号",
        )
        assert row["Object's telephone"] == f"1390000{i:04d}"
        assert row["Inspectors"].split("\n") == [f"{one} 检查员{one.removeprefix('I-')}" for one in drawn[no]]
        assert (row["Items"], row["Stratum"], row["Inspect by"]) == (
            "Use of the fund fund-use",
            f"3701{i % 3:02d}",
            "2026-10-31",
        )
    tasks = columns(found["By inspector"])
    assert sorted((row["Inspector"], row["Object"]) for row in tasks) == sorted(
        (i, no) for no in drawn for i in drawn[no]
    )
    first = tasks[0]
    assert first["Inspector's telephone"].startswith("1380000")
    assert first["Together with"].startswith("I-")
    # Names are in the file and nowhere else.
    assert "医院" not in told
    assert "检查员" not in told
    assert "only you may read it" in told


def test_who_was_replaced_is_struck_and_who_came_has_the_task(drew: Path, done: Done):
    no, (out, stays) = next(iter(teams().items()))
    done("call", "fund-1", "--object", no, "--inspector", out, "--reason", "ill", "--declaration", "letter.txt",
         "--round-at", "2026-09-08T06:00:00Z", "--chain", "practice", "--with", "legal.example.cn/rehearsal", "--key",
         "a.key", *OFFICE, clock="07T19:00:00")  # fmt: skip
    dispatch(done)
    waiting = next(row for row in columns(sheets(drew / "list.xlsx")["Dispatch list"]) if row["Object"] == no)
    assert waiting["Substitutions"] == f"{out} dropped out, substitute not drawn yet (entry 6, ill)"
    number = json.loads(done("log", "entry", "6", *OFFICE).splitlines()[0])["beacon"][0]["round"]
    done("pulse", "practice", str(number), *OFFICE)
    made = json.loads(
        done("substitute", "fund-1", "--object", no, "--inspector", out, "--json", *OFFICE, clock="08T06:00:20")
    )
    came = next(one for one in made["team"] if one != stays)
    dispatch(done, "--force", clock="08T07:00:00")
    book = openpyxl.load_workbook(drew / "list.xlsx", rich_text=True)
    page = book["Dispatch list"]
    titles = [cell.value for cell in page[1]]
    row = next(row for row in page.iter_rows(min_row=2) if row[1].value == no)
    team = row[titles.index("Inspectors")].value
    struck = [block.text for block in team if getattr(getattr(block, "font", None), "strike", None)]
    assert struck == [f"{out} 检查员{out.removeprefix('I-')}"]
    assert f"{came} 检查员{came.removeprefix('I-')}" in str(team)
    assert row[titles.index("Substitutions")].value == f"{out} → {came} (entry 6, ill)"
    tasks = {(r["Inspector"], r["Object"]) for r in columns(sheets(drew / "list.xlsx")["By inspector"])}
    assert {(came, no), (stays, no)} <= tasks
    assert (out, no) not in tasks


def test_a_deferral_a_result_and_a_closing_are_marked_and_leave_the_due_list(drew: Path, done: Done):
    first, second, third, *rest = sorted(teams())
    done("defer", "fund-1", "--object", first, "--reason", "moving", "--application", "letter.txt", "--until",
         "2026-11-10", *OFFICE, clock="08T02:00:00")  # fmt: skip
    columns_, day = "对象编号,抽查事项,检查方式,检查开始日期,检查结束日期,签字日期,检查结果,检查表", "2026/9/10"
    Path("结果.csv").write_text(
        f"{columns_}\n{second},fund-use,site,{day},{day},{day},none-found,letter.txt\n", "gb18030"
    )
    done("result", "fund-1", "结果.csv", *OFFICE, clock="12T02:00:00")
    Path("closed.csv").write_text(f"对象编号,办结理由\n{third},dissolved\n", "utf-8")
    done("correct", "5", "closed.csv", "--reason", "dissolved", *OFFICE, clock="12T02:01:00")
    dispatch(done, clock="12T03:00:00")
    rows = {row["Object"]: row for row in columns(sheets(drew / "list.xlsx")["Dispatch list"])}
    assert rows[first]["Deferral"] == "deferred until 2026-11-10 (entry 6, moving)"
    assert [rows[no]["State"] for no in (first, second, third, rest[0])] == [None, "result logged", "closed", None]
    told = done("export", "due", "-o", "due.xlsx", *OFFICE, clock="12T03:00:00")
    assert "awaited on 2026-09-12: 4, overdue: 0" in told
    dues = columns(sheets(drew / "due.xlsx")["Results due"])
    assert [row["Object"] for row in dues] == [*rest, first]
    # Twenty working days after 31 October 2026, and after 10 November 2026 (no holidays in between).
    assert [row["Publish by"] for row in dues] == ["2026-11-27"] * 3 + ["2026-12-08"]
    assert {row["State"] for row in dues} == {"being inspected"}


def test_an_overdue_result_is_marked(drew: Path, fairdraw: Fairdraw):
    assert run(["export", "due", "fund-1", "-o", "a.csv", *OFFICE, "--clock", "2026-11-27T08:00:00Z"]) == 0
    rows = list(csv.DictReader(io.StringIO(Path("a.csv").read_text("utf-8-sig"))))
    assert {(row["State"], row["Working days left"]) for row in rows} == {("inspection over, result awaited", "0")}
    code = run(["export", "due", "fund-1", "-o", "b.csv", *OFFICE, "--clock", "2026-11-28T08:00:00Z", "--json"])
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(Path("b.csv").read_text("utf-8-sig"))))
    assert {(row["State"], row["Working days left"]) for row in rows} == {("OVERDUE", "")}


def test_what_no_calendar_covers_is_said_to_be_unknown(drew: Path, fairdraw: Fairdraw):
    no = min(teams())
    words = ("--reason", "moving", "--application", "letter.txt", "--until", "2027-03-01")
    code, told = fairdraw("defer", "fund-1", "--object", no, *words, *OFFICE, clock="08T02:00:00")
    assert code == 0, told
    code, told = fairdraw("export", "due", "-o", "a.csv", *OFFICE, clock="08T03:00:00")
    assert (code, "--calendar" in told) == (0, True)
    rows = {row["Object"]: row for row in csv.DictReader(io.StringIO(Path("a.csv").read_text("utf-8-sig")))}
    assert (rows[no]["State"], rows[no]["Publish by"]) == (
        "cannot tell: the working days of that year are not known",
        "",
    )
    lines = ['name = "own"', 'version = "1"', "[[years]]", "year = 2027", 'sources = ["国办发明电〔2026〕9号"]']
    table = "\n".join([*lines, "holidays = [2027-01-01]", "workdays = []", ""])
    Path("calendar.toml").write_text(table, "utf-8")
    code, told = fairdraw("export", "due", "-o", "b.csv", "--calendar", "calendar.toml", *OFFICE, clock="08T03:00:00")
    assert (code, "--calendar" in told) == (0, False)
    rows = {row["Object"]: row for row in csv.DictReader(io.StringIO(Path("b.csv").read_text("utf-8-sig")))}
    assert rows[no]["Publish by"] == "2027-03-29"


def test_each_inspector_has_a_file_of_the_own_tasks(drew: Path, done: Done):
    told = json.loads(done("export", "dispatch", "fund-1", "--per-inspector", "each", "--json", *OFFICE))
    drawn = teams()
    people = sorted({one for team in drawn.values() for one in team})
    assert told["files"] == [f"each/fund-1.{no}.xlsx" for no in people]
    for no in people:
        rows = columns(sheets(drew / f"each/fund-1.{no}.xlsx")["By inspector"])
        assert {row["Inspector"] for row in rows} == {no}
        assert {row["Object"] for row in rows} == {o for o, team in drawn.items() if no in team}
    assert stat.S_IMODE((drew / "each").stat().st_mode) == 0o700


def test_the_drawn_list_has_a_sheet_by_object_by_inspector_and_by_district(drew: Path, done: Done):
    told = json.loads(done("export", "drawn", "fund-1", "-o", "drawn.xlsx", "--json", *OFFICE))
    assert told == {"id": "fund-1", "file": "drawn.xlsx", "objects": 6, "by": ["object", "inspector", "district"]}
    found = sheets(drew / "drawn.xlsx")
    assert list(found) == ["Drawn objects", "By inspector", "By district"]
    by_district = columns(found["By district"])
    assert [row["District"] for row in by_district] == sorted(row["District"] for row in by_district)
    assert {row["Object"]: row["District"] for row in columns(found["Drawn objects"])} == {
        row["Object"]: row["District"] for row in by_district
    }
    assert {row["Unit"] for row in columns(found["By inspector"])} == {"ybj"}


def test_a_district_is_an_attribute_that_the_registry_has(drew: Path, fairdraw: Fairdraw):
    code, told = fairdraw("export", "drawn", "fund-1", "-o", "a.csv", "--by", "district", "--district", "city", *OFFICE)
    assert (code, "no public attribute city" in told) == (2, True)
    assert not Path("a.csv").exists()


def test_without_a_district_in_the_plan_one_must_be_named(drawn: Path, fairdraw: Fairdraw):
    code, told = fairdraw("export", "drawn", "fund-1", "-o", "a.csv", "--by", "district", *OFFICE)
    assert (code, "--district" in told) == (2, True)
    code, told = fairdraw("export", "drawn", "fund-1", "-o", "a.xlsx", *OFFICE)
    assert (code, list(sheets(Path("a.xlsx")))) == (0, ["Drawn objects", "By inspector"])


def test_without_a_regulation_nothing_is_due(drawn: Path, fairdraw: Fairdraw):
    code, told = fairdraw("export", "due", "-o", "due.csv", *OFFICE, clock="08T03:00:00")
    assert (code, "awaited on 2026-09-08: 5" in told) == (0, True)
    assert {row["Publish by"] for row in csv.DictReader(io.StringIO(Path("due.csv").read_text("utf-8-sig")))} == {""}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("dispatch", "fund-2", "-o", "a.xlsx"), "no draw fund-2 was announced"),
        (("dispatch", "fund-1"), "give a file with -o"),
        (("dispatch", "fund-1", "-o", "a.csv"), "must end in .xlsx"),
        (("drawn", "fund-1", "-o", "a.pdf"), "must end in .xlsx, .csv"),
        (("due", "-o", "nowhere/a.csv"), "nowhere"),
        (("drawn", "fund-1", "-o", "office"), "must end in"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(drew: Path, fairdraw: Fairdraw, words, said):
    before = sorted(drew.iterdir())
    code, told = fairdraw("export", *words, *OFFICE)
    assert (code, said in told) == (2, True), told
    assert sorted(drew.iterdir()) == before


def test_before_the_draw_there_is_nothing_to_export(bureau: Path, fairdraw: Fairdraw):
    for name in ("dispatch", "drawn"):
        code, told = fairdraw("export", name, "fund-1", "-o", "a.xlsx", *OFFICE, clock="07T11:00:00")
        assert (code, "has not been drawn" in told) == (2, True), told
    code, told = fairdraw("export", "due", "-o", "a.csv", *OFFICE, clock="07T11:00:00")
    assert (code, "awaited on 2026-09-07: 0" in told) == (0, True)


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
def test_of_a_log_without_a_statement_there_is_an_empty_list(papers: Path, done: Done, suffix: str):
    done("init", "office", "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    assert "awaited on 2026-09-08: 0" in done("export", "due", "-o", f"due.{suffix}", *OFFICE, clock="08T00:00:00")


def test_draws_that_a_program_made_without_an_id_are_told_and_not_passed_over(drew: Path, fairdraw: Fairdraw):
    (drew / "office/state/draws/fund-1").unlink()  # `fairdraw.Bureau` leaves none
    code, told = fairdraw("export", "due", "-o", "due.csv", *OFFICE, clock="08T00:00:00")
    assert (code, "made are left out (entries of their announcements: 4)" in told) == (0, True), told
    _, told = fairdraw("export", "due", "-o", "again.csv", "--json", *OFFICE, clock="08T00:00:00")
    assert json.loads(next(line for line in told.splitlines() if line.startswith("{")))["unnamed"] == [4]


def test_the_file_of_somebody_who_dropped_out_is_named_when_all_are_written_anew(drew: Path, fairdraw: Fairdraw):
    words = ("export", "dispatch", "fund-1", "--per-inspector", "each", *OFFICE)
    code, told = fairdraw(*words, clock="08T00:00:00")
    assert (code, "earlier export" in told) == (0, False)
    (drew / "each/fund-1.I-99.xlsx").write_bytes(b"of one who dropped out")
    code, told = fairdraw(*words, "--force", clock="08T00:00:00")
    assert (code, "of an earlier export: fund-1.I-99.xlsx" in told) == (0, True), told


def test_the_same_state_of_the_log_gives_the_same_bytes_at_any_time(drew: Path, done: Done):
    dispatch(done, clock="08T00:00:00")
    first = (drew / "list.xlsx").read_bytes()
    dispatch(done, "--force", clock="09T00:00:00")
    assert (drew / "list.xlsx").read_bytes() == first


def test_every_page_says_that_it_is_internal_and_how_it_is_printed(drew: Path, done: Done):
    done("export", "dispatch", "fund-1", "-o", "派发单.xlsx", "--lang", "zh", *OFFICE)
    book = openpyxl.load_workbook(drew / "派发单.xlsx")
    assert (book.properties.category, book.properties.title) == ("内部资料，不得外传", "派发单 fund-1")
    for page in book:
        assert page.oddHeader.right.text == "内部资料，不得外传"
        assert page.oddFooter.left.text == "内部资料，不得外传"
        assert page.oddFooter.right.text in ("第 &P 页，共 &N 页", "第 &[Page] 页，共 &[Pages] 页")
        assert (page.page_setup.orientation, int(page.page_setup.paperSize)) == ("landscape", 9)
        assert (page.print_title_rows, page.freeze_panes) == ("$1:$1", "C2")
        assert page.auto_filter.ref == page.dimensions


def test_experts_stand_beside_the_team_and_are_told_apart(papers: Path, done: Done):
    plan = ("row,items,name,value,ratio,inspector,number\nsetting,,id,2026,,,\nsetting,,objects,institutions,,,\n"
            "setting,,inspectors,staff,,,\nslot,fund-use,1,,,,\nslot,prices,1,,,,\nratio,,,,1/4,,\n"
            "experts,,,,,expert,1\n")  # fmt: skip
    staff = [f"I-{i},{'yes' if i > 5 else 'no'},Inspector {i}" for i in range(1, 9)]
    Path("plan.csv").write_text(plan, "utf-8")
    Path("staff.csv").write_text("\n".join(["no,attr.expert:boolean,private.name", *staff, ""]), "utf-8")
    draw = (papers / "draw.toml").read_text("utf-8").replace('/1"]', '/1", "2026/prices/1"]')
    Path("draw.toml").write_text(draw, "utf-8")
    done("init", "office", "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    done("plan", "log", "plan.csv", *OFFICE, clock="07T10:00:00")
    for name in ("institutions", "staff"):
        done("freeze", name, f"{name}.csv", *OFFICE, clock="07T10:01:00")
    done("announce", "draw.toml", *OFFICE, clock="07T10:02:00")
    done("draw", "fund-1", *OFFICE, clock="07T18:36:40")
    dispatch(done)
    found = sheets(Path("list.xlsx"))
    for row in columns(found["Dispatch list"]):
        *members, expert = row["Inspectors"].split("\n")
        assert len(members) == 2
        assert expert.endswith(" (expert)")
        assert int(expert[2]) > 5 >= max(int(one[2]) for one in members)
    assert {(row["As"], int(row["Inspector"][2]) > 5) for row in columns(found["By inspector"])} == {
        ("inspector", False), ("expert", True)
    }  # fmt: skip
    done("export", "drawn", "fund-1", "-o", "drawn.csv", *OFFICE)
    rows = list(csv.DictReader(io.StringIO(Path("drawn.csv").read_text("utf-8-sig"))))
    assert {row["Items"] for row in rows} <= {"fund-use", "prices", "fund-use、prices"}
    assert sum(len(row["Items"].split("、")) for row in rows) == 10
    assert all(len(row["Inspectors"].split()) == 3 for row in rows)
