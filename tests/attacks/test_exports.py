"""Attacks through and on what leaves the desk as a spreadsheet (docs/threat-model.md, "What leaves the desk")."""

import csv
import io
import os
import re
import stat
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from fairdraw.errors import WorkspaceError
from fairdraw_cli.main import run
from fairdraw_cli.workbook import Cover, Sheet, Struck, workbook
from transparency_log.note import Signer

OFFICE = ("-C", "office")
ROUND = "71208001"  # of the practice beacon, due at 2026-09-07T12:00:00Z
FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "=cmd|' /C calc'!A0", "＝1+1", "=HYPERLINK(A1)")
NASTY = ("=1+1", "@SUM(1)", "../../etc/passwd", "<script>alert(1)</script>", "&[File]", "_x202E_txt", "http://a.example",
         "'+1", "007", "{=1+1}", "#cmd", "-2+3")  # fmt: skip
PRIVATE = "只在封存字段中"


def office(lines: Iterator[str], *, disclosure: str = "") -> None:
    """Draw one of a rehearsal's draws, with these names of objects."""
    objects = [f'H-{i:02d},3701,"{name}",{PRIVATE}路{i}号,1390000{i:04d}' for i, name in enumerate(lines, 1)]
    staff = [f"I-{i},=../../etc/passwd{i},1380000{i:04d}" for i in range(1, 9)]
    files = {
        "plan.csv": "类别,事项,名称,内容,比例\n设置,,计划代号,2026,\n设置,,对象名录库,objects,\n"
                    "设置,,人员名录库,staff,\n批次,fund-use,1,,\n规则,fund-use,地区字段,district,\n抽取比例,fund-use,,,1/1\n",
        "draw.toml": f'id = "fund-1"\nslots = ["2026/fund-use/1"]\nwindow = 2026-10-31\n{disclosure}\n[[beacon]]\n'
                     'chain = "practice"\nat = 2026-09-07T12:00:00Z\n',
        "objects.csv": "\n".join(["no,attr.district,private.name,private.address,closed.phone", *objects, ""]),
        "staff.csv": "\n".join(["no,private.name,closed.phone", *staff, ""]),
    }  # fmt: skip
    for name, text in files.items():
        Path(name).write_text(text, "utf-8")
    done("init", "office", "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    done("plan", "log", "plan.csv", clock="07T10:00:00")
    for name in ("objects", "staff"):
        done("freeze", name, f"{name}.csv", clock="07T10:01:00")


def done(*words: str, clock: str | None = None) -> None:
    place = () if words[0] == "init" else OFFICE
    assert run([*words, *place, *(["--clock", f"2026-09-{clock}Z"] if clock else [])]) == 0


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A rehearsal's draw of every object, whose names and inspectors' names are all hostile."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    office(iter(NASTY))
    done("announce", "draw.toml", clock="07T10:02:00")
    done("pulse", "practice", ROUND)
    done("draw", "fund-1", clock="07T12:00:40")
    return tmp_path


def every_cell(path: Path) -> Iterator[Any]:
    for page in openpyxl.load_workbook(path):
        for row in page.iter_rows():
            yield from row


# -- formulas and markup ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_a_spreadsheet_is_a_formula_or_a_link_whatever_stands_in_it(formula):
    rows = [[formula, Struck((formula, "b"), (formula,)), Struck((formula,))]]
    cover = Cover(title=formula, mark=formula, author=formula, page="&P", made=datetime(2026, 9, 7))  # noqa: DTZ001 - files have no time zone
    data = workbook([Sheet(name="a", titles=[formula, "b", "c"], rows=rows)], cover)
    book = openpyxl.load_workbook(io.BytesIO(data))
    cells = [cell for row in book["a"].iter_rows() for cell in row]
    assert {(cell.data_type, cell.number_format, cell.hyperlink) for cell in cells} == {("s", "@", None)}
    parts = zipfile.ZipFile(io.BytesIO(data))
    assert not any(word in parts.read(name) for name in parts.namelist() for word in (b"<f>", b"<hyperlink"))


def test_hostile_names_are_text_in_every_cell_of_a_dispatch_list(drawn):
    done("export", "dispatch", "fund-1", "-o", "list.xlsx", "--per-inspector", "each", clock="08T00:00:00")
    for path in (drawn / "list.xlsx", *(drawn / "each").iterdir()):
        cells = list(every_cell(path))
        assert {cell.data_type for cell in cells if cell.value is not None} <= {"s", "n"}
        assert all(isinstance(cell.value, int) for cell in cells if cell.data_type == "n" and cell.value is not None)
        assert all(cell.number_format == "@" for cell in cells if cell.data_type == "s")
        assert not any(cell.hyperlink for cell in cells)
    shown = {cell.value for cell in every_cell(drawn / "list.xlsx")}
    assert set(NASTY) <= shown  # as they were frozen, with nothing added and nothing lost


def test_a_csv_file_of_what_is_drawn_starts_no_formula(drawn):
    done("export", "drawn", "fund-1", "-o", "drawn.csv", clock="08T00:00:00")
    done("export", "due", "-o", "due.csv", clock="08T00:00:00")
    for name in ("drawn.csv", "due.csv"):
        data = (drawn / name).read_bytes()
        assert data.startswith(b"\xef\xbb\xbf")
        for row in csv.reader(io.StringIO(data.decode("utf-8-sig"))):
            assert not any(re.match(r"\s*[=+\-@＝＋－＠]", cell) for cell in row)


def test_a_header_that_a_title_would_rule_shows_the_title(tmp_path):
    cover = Cover(title="&[File]&G_x0026_P", mark="&&", author="a", page="&P", made=datetime(2026, 9, 7))  # noqa: DTZ001 - files have no time zone
    data = workbook([Sheet(name="a", titles=["b"], rows=[])], cover)
    page = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml").decode()
    assert "<oddHeader>&amp;L＆[File]＆G_x005F_x0026_P&amp;R＆＆</oddHeader>" in page


def test_an_unseen_character_is_written_out_also_where_a_spreadsheet_would_make_one():
    names = ("甲\u202e乙", "a\u200bb", "_x202E_", "a\x00b")
    rows = [[name, Struck((name,), (name,))] for name in names]
    cover = Cover(title="t", mark="m", author="a", page="&P", made=datetime(2026, 9, 7))  # noqa: DTZ001 - files have no time zone
    data = workbook([Sheet(name="a", titles=["b", "c"], rows=rows)], cover)
    strings = zipfile.ZipFile(io.BytesIO(data)).read("xl/sharedStrings.xml").decode()
    assert not re.search("[\u200b\u202e\x00]", strings)
    assert "_x202E_" not in strings.replace("_x005F_x202E_", "")
    for row in openpyxl.load_workbook(io.BytesIO(data))["a"].iter_rows(min_row=2, values_only=True):
        assert not any(re.search("[\u200b\u202e\x00]", cell) for cell in row)


def test_a_text_too_long_for_a_cell_is_refused_and_neither_left_out_nor_quoted():
    cover = Cover(title="t", mark="m", author="a", page="&P", made=datetime(2026, 9, 7))  # noqa: DTZ001 - files have no time zone
    for cell in ("甲" * 32_768, Struck(("甲" * 20_000,), ("甲" * 20_000,))):
        with pytest.raises(WorkspaceError, match="cell-too-long") as caught:
            workbook([Sheet(name="a", titles=["b"], rows=[[cell]])], cover)
        assert "甲" not in str(caught.value)


# -- who may see it ---------------------------------------------------------------------------------------------------


def test_nothing_under_a_seal_is_in_what_anybody_may_have(drawn):
    for suffix in ("xlsx", "csv"):
        done("export", "drawn", "fund-1", "-o", f"drawn.{suffix}", clock="08T00:00:00")
        done("export", "due", "-o", f"due.{suffix}", clock="08T00:00:00")
    for path in (*drawn.glob("drawn.*"), *drawn.glob("due.*")):
        parts = [path.read_bytes()]
        if path.suffix == ".xlsx":
            book = zipfile.ZipFile(path)
            parts = [book.read(name) for name in book.namelist()]
        text = b"".join(parts).decode()
        assert "H-01" in text
        for closed in (PRIVATE, "1390000", "1380000", "passwd", "<script>", "&lt;script"):
            assert closed not in text


def test_a_dispatch_list_is_its_owners_alone_and_says_so_on_every_page(drawn):
    before = os.umask(0)
    try:
        done("export", "dispatch", "fund-1", "-o", "list.xlsx", "--per-inspector", "each", clock="08T00:00:00")
    finally:
        os.umask(before)
    for path in (drawn / "list.xlsx", *(drawn / "each").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        book = openpyxl.load_workbook(path)
        assert book.properties.category == "INTERNAL, not to be passed on"
        for page in book:
            assert page.oddHeader.right.text == page.oddFooter.left.text == "INTERNAL, not to be passed on"
    assert stat.S_IMODE((drawn / "each").stat().st_mode) == 0o700


def test_names_are_neither_printed_nor_told_to_a_program_nor_kept_in_the_workspace(drawn, capsys):
    held = {path: path.read_bytes() for path in (drawn / "office").rglob("*") if path.is_file()}
    capsys.readouterr()
    for more in ((), ("--json",)):
        done("export", "dispatch", "fund-1", "-o", "list.xlsx", "--force", *more, clock="08T00:00:00")
        told = "".join(capsys.readouterr())
        assert not any(name in told for name in (*NASTY, PRIVATE, "1390000", "1380000"))
    after = {path: path.read_bytes() for path in (drawn / "office").rglob("*") if path.is_file()}
    assert {path for path in after if after[path] != held.get(path)} <= {drawn / "office/state/log.sqlite"}


PLACES = ("office/log", "office/artifacts", "office/log/tile", "site", "site/d", "mirror", "door")


def test_no_export_lands_where_a_web_server_reads(drawn, capsys):
    for copy in ("site", "mirror"):
        (drawn / copy / "d").mkdir(parents=True)
        (drawn / copy / "checkpoint").write_bytes((drawn / "office/log/checkpoint").read_bytes())
    (drawn / "door").symlink_to(drawn / "office/log", target_is_directory=True)
    for names in (("numbers", "objects"), ("dispatch", "fund-1"), ("drawn", "fund-1"), ("due",)):
        for out in (path for place in PLACES for path in (f"{place}/a.xlsx", f"office/../{place}/a.xlsx")):
            assert run(["export", *names, "-o", out, *OFFICE, "--force"]) == 2
            assert "others read" in capsys.readouterr().err, out
    for place in PLACES:
        assert run(["export", "dispatch", "fund-1", "--per-inspector", f"{place}/each", *OFFICE]) == 2
    assert not list(drawn.rglob("a.xlsx"))
    assert not list(drawn.rglob("each"))


# -- files ------------------------------------------------------------------------------------------------------------


def test_an_inspectors_name_is_no_path(drawn):
    done("export", "dispatch", "fund-1", "--per-inspector", "each", clock="08T00:00:00")
    names = [path.name for path in (drawn / "each").iterdir()]
    assert names
    assert all(re.fullmatch(r"fund-1\.I-[1-8]\.xlsx", name) for name in names)  # all are called ../../etc/passwd
    assert not (drawn / "etc").exists()


@pytest.mark.parametrize("names", [("numbers", "objects"), ("dispatch", "fund-1"), ("drawn", "fund-1"), ("due",)])
def test_what_is_there_is_not_overwritten_and_a_link_is_never_followed(drawn, capsys, names):
    victim = drawn / "victim.xlsx"
    victim.write_bytes(b"precious")
    (drawn / "link.xlsx").symlink_to(victim)
    (drawn / "dangling.xlsx").symlink_to(drawn / "new.xlsx")
    for out in ("victim.xlsx", "link.xlsx", "dangling.xlsx"):
        assert run(["export", *names, "-o", out, *OFFICE]) == 2
        assert "was not overwritten" in capsys.readouterr().err
    for out in ("link.xlsx", "dangling.xlsx"):
        done("export", *names, "-o", out, "--force", clock="08T00:00:00")
        assert not (drawn / out).is_symlink()
        assert zipfile.is_zipfile(drawn / out)
    assert victim.read_bytes() == b"precious"
    assert not (drawn / "new.xlsx").exists()


def test_one_file_that_is_there_keeps_all_inspectors_files_from_being_written(drawn):
    done("export", "dispatch", "fund-1", "--per-inspector", "each", clock="08T00:00:00")
    *others, last = sorted((drawn / "each").iterdir())
    for path in (*others, last):
        path.unlink()
    last.symlink_to(drawn / "elsewhere")
    assert run(["export", "dispatch", "fund-1", "-o", "list.xlsx", "--per-inspector", "each", *OFFICE]) == 2
    assert list((drawn / "each").iterdir()) == [last]
    assert not (drawn / "list.xlsx").exists()


# -- the right names --------------------------------------------------------------------------------------------------


def test_a_later_registry_gives_no_name_to_a_draw_of_an_earlier_one(drawn):
    text = (drawn / "objects.csv").read_text("utf-8")
    (drawn / "objects.csv").write_text(text.replace(PRIVATE, "后来改的"), "utf-8")
    done("freeze", "objects", "objects.csv", clock="07T13:00:00")
    done("export", "dispatch", "fund-1", "-o", "list.xlsx", clock="08T00:00:00")
    shown = "".join(str(cell.value) for cell in every_cell(drawn / "list.xlsx"))
    assert f"{PRIVATE}路1号" in shown
    assert "后来改的" not in shown


def test_a_list_of_numbers_is_its_owners_alone_and_told_to_nobody(drawn, capsys):
    capsys.readouterr()
    before = os.umask(0)
    try:
        for more in ((), ("--json",)):
            done("export", "numbers", "objects", "-o", "list.xlsx", "--force", *more, clock="08T00:00:00")
    finally:
        os.umask(before)
    told = "".join(capsys.readouterr())
    assert not any(name in told for name in (*NASTY, PRIVATE, "1390000"))
    assert stat.S_IMODE((drawn / "list.xlsx").stat().st_mode) == 0o600
    assert openpyxl.load_workbook(drawn / "list.xlsx").properties.category == "INTERNAL, not to be passed on"
    assert {cell.data_type for cell in every_cell(drawn / "list.xlsx")} <= {"s", "n"}  # n: empty


def test_a_name_that_was_exchanged_after_the_freeze_gets_onto_no_list_of_numbers(drawn, capsys):
    path = drawn / "office/registries/objects/private.jsonl"
    path.write_text(path.read_text("utf-8").replace(f"{PRIVATE}路1号", "别处"), "utf-8")
    capsys.readouterr()
    assert run(["export", "numbers", "objects", "-o", "list.xlsx", *OFFICE]) == 2
    assert "H-01" in capsys.readouterr().err
    assert not (drawn / "list.xlsx").exists()


@pytest.mark.parametrize("change", ["altered", "swapped", "missing", "shortened", "spelt", "renamed", "cut", "gb18030"])
def test_an_address_that_was_changed_after_the_freeze_gets_onto_no_list(drawn, capsys, change):
    path = drawn / "office/registries/objects/private.jsonl"
    lines = path.read_text("utf-8").splitlines()
    match change:
        case "altered":
            lines[0] = lines[0].replace(PRIVATE, "别处")
        case "swapped":
            lines[0], lines[1] = lines[0].replace("H-01", "H-02"), lines[1].replace("H-02", "H-01")
        case "missing":
            del lines[0]
        case "shortened":
            lines[0] = lines[0].replace(',"13900000001"', "")
        case "spelt":
            lines[0] = lines[0].replace('","', f'" , "{PRIVATE}')
        case "renamed":
            lines[0] = f'{{"no":"H-01","{PRIVATE}":1}}'
        case "cut":
            lines[0] = PRIVATE
    text = "".join(f"{line}\n" for line in lines)
    path.write_bytes(text.encode(change if change == "gb18030" else "utf-8"))
    capsys.readouterr()
    for more in ((), ("--json",)):
        assert run(["export", "dispatch", "fund-1", "-o", "list.xlsx", "--per-inspector", "each", *OFFICE, *more]) == 2
        told = "".join(capsys.readouterr())
        assert "Nothing was written" in told
        assert PRIVATE not in told
    assert not (drawn / "list.xlsx").exists()
    assert not (drawn / "each").exists()


# -- sealed draws -----------------------------------------------------------------------------------------------------


@pytest.fixture
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A draw that is sealed until 20 September."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    office(iter(NASTY), disclosure="disclosure = { until = 2026-09-20 }")
    view = ("--log", "office/log", "--trust", "office/trust", "--clock", "2026-09-07T10:05:00Z")
    for name in ("a", "b"):
        made = ("supervisor", "create", f"{name}.example.cn", "--rehearsal", "--role", "discipline")
        assert run([*made, "--out", f"{name}.key"]) == 0
        signer = Signer.parse(Path(f"{name}.key").read_text("utf-8"))
        done("supervisor", "add", signer.name, "discipline", signer.verifier.vkey)
    done("announce", "draw.toml", clock="07T10:02:00")
    for name in ("a", "b"):
        deposit = ("supervisor", "deposit", "2026/fund-use/1", "office/secrets/fund-1.embargo", "--key", f"{name}.key")
        assert run([*deposit, *view]) == 0
        done("log", "add", f"{name}.key.d/000000-deposit.entry", clock="07T10:05:00")
    done("pulse", "practice", ROUND)
    done("draw", "fund-1", clock="07T12:00:40")
    return tmp_path


def test_a_sealed_draw_is_in_no_list_for_everybody(sealed, capsys):
    for names in (("drawn", "fund-1"), ("due", "fund-1")):
        assert run(["export", *names, "-o", "a.csv", *OFFICE, "--clock", "2026-09-08T00:00:00Z"]) == 2
        assert "still sealed" in capsys.readouterr().err
    assert not (sealed / "a.csv").exists()
    done("export", "due", "-o", "due.csv", clock="08T00:00:00")
    assert "left out: fund-1" in capsys.readouterr().out
    assert "H-" not in (sealed / "due.csv").read_text("utf-8-sig")


def test_the_bureaus_own_list_of_a_sealed_draw_says_until_when_it_is_secret(sealed, capsys):
    done("export", "dispatch", "fund-1", "-o", "list.xlsx", clock="08T00:00:00")
    assert "sealed until 2026-09-20" in capsys.readouterr().out
    book = openpyxl.load_workbook(sealed / "list.xlsx")
    assert {row[1].value for row in book["Dispatch list"].iter_rows(min_row=2)} >= {"H-01", "H-12"}
    for page in book:
        assert "sealed until 2026-09-20" in page.oddHeader.right.text
    done("open", "fund-1", clock="20T00:00:00")
    done("export", "drawn", "fund-1", "-o", "drawn.csv", clock="20T00:00:00")
    done("export", "dispatch", "fund-1", "-o", "list.xlsx", "--force", clock="20T00:00:00")
    assert "sealed" not in openpyxl.load_workbook(sealed / "list.xlsx")["Dispatch list"].oddHeader.right.text


def test_who_came_in_for_whom_in_a_sealed_draw_is_told_to_the_bureau_only(sealed, capsys):
    done("export", "dispatch", "fund-1", "-o", "list.xlsx", clock="08T00:00:00")
    team = openpyxl.load_workbook(sealed / "list.xlsx")["Dispatch list"]["H"][1].value
    out, stays = (member.split()[0] for member in team.split("\n"))
    (sealed / "note.txt").write_text("a doctor's note", "utf-8")
    place = ("fund-1", "--object", "H-01", "--inspector", out)
    done("call", *place, "--reason", "ill", "--declaration", "note.txt", "--round-at", "2026-09-08T06:00:00Z", "--with",
         "a.example.cn/rehearsal", "--key", "a.key", clock="08T01:00:00")  # fmt: skip
    done("pulse", "practice", str(int(ROUND) + 18 * 1200))
    done("substitute", *place, clock="08T06:00:20")
    done("export", "dispatch", "fund-1", "-o", "list.xlsx", "--force", clock="08T07:00:00")
    page = openpyxl.load_workbook(sealed / "list.xlsx")["Dispatch list"]
    titles = [cell.value for cell in page[1]]
    row = [cell.value for cell in page[2]]
    assert row[1] == "H-01"
    assert row[titles.index("Substitutions")].startswith(f"{out} → ")
    people = [line.split()[0] for line in row[titles.index("Inspectors")].split("\n")]
    assert people[0] != out
    assert people.count(out) == 1  # struck, below those who have the task
    assert stays in people
    for names in (("drawn", "fund-1"), ("due", "fund-1")):
        assert run(["export", *names, "-o", "a.csv", *OFFICE, "--clock", "2026-09-08T07:00:00Z"]) == 2
