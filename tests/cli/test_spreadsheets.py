"""The road of a spreadsheet: a template, a proposed map, a preview, refused rows, mended rows, a snapshot."""

import csv
import io
import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from fairdraw.messages import Catalogue
from fairdraw.registry import REMARKS, load_map, read_pairs, read_registry
from fairdraw_cli.planrows import read_plan
from fairdraw_cli.resultform import read_results
from fairdraw_cli.session import Session, catalogue
from fairdraw_cli.templates import TEMPLATES, rows, titles
from fairdraw_cli.textsheet import MAX_CHOICES
from fairdraw_cli.workbook import MAX_CELL
from support.sheets import KINDS, Formula, Page, book

Fairdraw = Callable[..., tuple[int, str]]
SPEC = (Path(__file__).parents[2] / "specs/map.md").read_text("utf-8")
HEADER = ("机构名称", "统一社会信用代码", "机构类型", "机构地址", "联系电话")
LANGUAGES = ("zh", "en")


def registry(**changed: object) -> list[list[object]]:
    """Return 30 institutions below a title; `changed` are cells as a clerk names them."""
    table: list[list[object]] = [["某市名录", "", "", "", ""], list(HEADER)]
    table += [
        [f"第{n}医院", "", "医院" if n % 2 else "药店", f"和平路{n}号", f"0531-8888{n:04d}"] for n in range(1, 31)
    ]
    for name, cell in changed.items():
        table[int(name[1:]) - 1][ord(name[0]) - ord("A")] = cell
    return table


BAD = {"A5": "", "B6": 911101085923662400, "D7": Formula('"和平路5号"', "和平路5号"), "E7": "不详"}


@pytest.fixture
def office(done: Callable[..., str], papers: Path) -> Path:
    """An office with a cosigned plan, and no registry yet."""
    done("init", "office", "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    done("plan", "log", "plan.toml", "-C", "office", clock="07T10:00:00")
    return papers


def mend(path: str, out: str, **cells: str) -> None:
    made = openpyxl.load_workbook(path)
    for name, cell in cells.items():
        made.worksheets[0][name] = cell
    made.save(out)


@pytest.mark.parametrize("kind", KINDS)
def test_a_spreadsheet_goes_all_the_way_to_a_snapshot(
    office: Path, done: Callable[..., str], fairdraw: Fairdraw, kind
) -> None:
    (office / f"名录{kind}").write_bytes(book(kind, Page(registry())))
    assert "30 rows" in done("map", "propose", f"名录{kind}", "-o", "MAP.toml")
    told = done("map", "preview", f"名录{kind}", "--map", "MAP.toml")
    assert "rows that can be frozen: 30; the first 10" in told
    assert "机构类型 (type), values: 2" in told
    assert "sealed, never opened: 联系电话" in told
    assert "和平路" not in told
    assert "0531" not in told
    told = done("freeze", "institutions", f"名录{kind}", "--map", "MAP.toml", "-C", "office", clock="07T10:01:00")
    assert f"read sheet “名录” of 名录{kind}" in told
    assert "institutions-1 (rows: 30," in told


def test_refused_rows_are_mended_in_place_and_frozen(
    office: Path, done: Callable[..., str], fairdraw: Fairdraw
) -> None:
    (office / "a.xlsx").write_bytes(book(".xlsx", Page(registry())))
    done("map", "propose", "a.xlsx", "-o", "MAP.toml")
    (office / "a.xlsx").write_bytes(book(".xlsx", Page(registry(**BAD))))
    words = ["freeze", "institutions", "a.xlsx", "--map", "MAP.toml", "-C", "office"]
    code, told = fairdraw(*words, "--refused", "back.xlsx", clock="07T10:01:00")
    assert code == 2
    assert "line 6 B6 统一社会信用代码" in told
    assert "unusable rows: 3" in told
    assert "refused rows written to back.xlsx: 3" in told
    assert stat.S_IMODE((office / "back.xlsx").stat().st_mode) == 0o600
    sheet = openpyxl.load_workbook("back.xlsx").worksheets[0]
    told_rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert told_rows[0][REMARKS:] == list(HEADER)
    assert [row[0] for row in told_rows[1:]] == ["5", "6", "7"]
    assert told_rows[3][1] == "D7\nE7"
    assert told_rows[3][REMARKS:] == ["第5医院", None, "医院", "和平路5号", "不详"]
    # The clerk mends two rows, and forgets the telephone of the third.
    mend("back.xlsx", "mended.xlsx", G2="第3医院", H3="91110000600037341L")
    code, told = fairdraw(*words, "--mended", "mended.xlsx", "--refused", "again.xlsx", clock="07T10:01:00")
    assert code == 2
    assert "line 7 mended.xlsx!K4 联系电话" in told
    again = [[cell.value for cell in row] for row in openpyxl.load_workbook("again.xlsx").worksheets[0].iter_rows()]
    assert [row[0] for row in again[1:]] == ["5", "6", "7"], "one sheet is handed back, never two"
    assert [row[REMARKS - 1] for row in again[1:3]] == ["mended", "mended"]
    assert again[1][REMARKS] == "第3医院"
    mend("again.xlsx", "mended-2.xlsx", K4="0531-88880005")
    told = done(*words, "--mended", "mended-2.xlsx", clock="07T10:01:00")
    assert "institutions-1 (rows: 30, left out: 0)" in told
    roster = (office / "office/registries/institutions/private.jsonl").read_text("utf-8")
    assert "第3医院" in roster
    assert "91110000600037341L" in roster


def test_rows_that_stay_bad_can_be_left_out_and_are_counted(office: Path, done: Callable[..., str]) -> None:
    (office / "a.xlsx").write_bytes(book(".xlsx", Page(registry())))
    done("map", "propose", "a.xlsx", "-o", "MAP.toml")
    (office / "a.xlsx").write_bytes(book(".xlsx", Page(registry(**BAD))))
    words = ["freeze", "institutions", "a.xlsx", "--map", "MAP.toml", "-C", "office", "--skip-bad"]
    told = done(*words, "--refused", "back.xlsx", clock="07T10:01:00")
    assert "institutions-1 (rows: 27, left out: 3)" in told
    assert (office / "back.xlsx").exists()


def test_without_refused_rows_no_sheet_is_written(office: Path, done: Callable[..., str]) -> None:
    (office / "a.xlsx").write_bytes(book(".xlsx", Page(registry())))
    done("map", "propose", "a.xlsx", "-o", "MAP.toml")
    told = done("map", "preview", "a.xlsx", "--map", "MAP.toml", "--refused", "back.xlsx")
    assert "no row is unusable; back.xlsx was not written" in told
    assert not (office / "back.xlsx").exists()


def test_a_preview_tells_a_program_the_same(office: Path, done: Callable[..., str], fairdraw: Fairdraw) -> None:
    (office / "a.xlsx").write_bytes(book(".xlsx", Page(registry())))
    done("map", "propose", "a.xlsx", "-o", "MAP.toml")
    told = json.loads(done("map", "preview", "a.xlsx", "--map", "MAP.toml", "--json"))
    assert (told["rows"], told["public"], told["problems"], told["error"]) == (30, {"type": 2}, [], None)
    assert told["private"] == {"name": True, "uscc": True, "address": True, "phone": False}
    (office / "a.xlsx").write_bytes(book(".xlsx", Page(registry(E7="不详"))))
    code, text = fairdraw("map", "preview", "a.xlsx", "--map", "MAP.toml", "--json")
    line, _, _ = text.partition("\n")
    told = json.loads(line)
    assert (code, told["rows"], told["error"]) == (2, 29, {"code": "rows-refused", "params": {"count": 1}})
    assert told["problems"][0]["cell"] == "E7"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["map", "propose", "a.xlsx", "-o", "plan.toml"], "plan.toml exists and is not overwritten"),
        (["map", "propose", "a.xlsx", "-o", "no/MAP.toml"], "no folder no"),
        (["map", "propose", "plan.toml"], "this type of file is not supported"),
        (["map", "propose", "no.xlsx"], "no.xlsx"),
        (["map", "preview", "a.xlsx", "--refused", "back.csv"], "only .xlsx files are written, not back.csv"),
        (["map", "preview", "a.xlsx", "--refused", "a.xlsx"], "a.xlsx exists"),
        (["template", "objects", "-o", "a.xlsx"], "a.xlsx exists and is not overwritten"),
        (["template", "objects", "-o", "a.pdf"], "only .xlsx, .csv files are written, not a.pdf"),
        (["template", "objects"], "-o"),
        (["template", "cats", "-o", "b.xlsx"], "NAME"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(office: Path, fairdraw: Fairdraw, words, said) -> None:
    (office / "a.xlsx").write_bytes(book(".xlsx", Page(registry())))
    before = {path: path.read_bytes() for path in office.iterdir() if path.is_file()}
    code, told = fairdraw(*words)
    assert code == 2
    assert said.replace("NAME", "objects|inspectors|recusals|plan|results") in told
    assert len(told.splitlines()) == 1
    assert {path: path.read_bytes() for path in office.iterdir() if path.is_file()} == before


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_all_text_and_explains_every_column(tmp_path: Path, done: Callable[..., str], name, lang) -> None:
    done("template", name, "-o", "t.xlsx", "--lang", lang)
    made = openpyxl.load_workbook("t.xlsx")
    table, notes, examples = made.worksheets
    template = TEMPLATES[name]
    assert [cell.value for cell in table[1]] == titles(template, lang)
    assert table.max_row == 1
    text = {
        number
        for style in table.column_dimensions.values()
        if style.number_format == "@"
        for number in range(style.min, style.max + 1)
    }
    assert text == set(range(1, len(template.columns) + 1))
    assert {row[0].value for row in notes.iter_rows()} >= set(titles(template, lang))
    assert [[cell.value or "" for cell in row] for row in examples.iter_rows(min_row=2)] == rows(template)
    offered = {str(one.sqref).split(":")[0]: one.formula1 for one in table.data_validations.dataValidation}
    assert len(offered) == len(template.choices)
    assert all(len(text) <= MAX_CHOICES + 2 for text in offered.values())


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_as_csv_is_its_header_as_excel_reads_it(
    tmp_path: Path, done: Callable[..., str], name, lang
) -> None:
    done("template", name, "-o", "t.csv", "--lang", lang)
    data = (tmp_path / "t.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert list(csv.reader(io.StringIO(data.decode("utf-8-sig")))) == [titles(TEMPLATES[name], lang)]


def filled(done: Callable[..., str], folder: Path, name: str, lang: str, kind: str) -> Path:
    """Write a template, and put its own examples into it."""
    path = folder / f"{name}{kind}"
    done("template", name, "-o", path.name, "--lang", lang)
    examples = rows(TEMPLATES[name])
    if kind == ".csv":
        with path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(examples)
        return path
    made = openpyxl.load_workbook(path)
    for row, cells in enumerate(examples, 2):
        for column, cell in enumerate(cells, 1):
            if cell:
                made.worksheets[0].cell(row, column, cell).data_type = "s"
    made.save(path)
    return path


@pytest.mark.parametrize("kind", [".xlsx", ".csv"])
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ["objects", "inspectors"])
def test_a_registry_template_with_its_own_examples_is_frozen(
    office: Path, done: Callable[..., str], name, lang, kind
) -> None:
    path = filled(done, office, name, lang, kind)
    done("map", "propose", path.name, "-o", "MAP.toml", "--lang", lang)
    mapping = load_map((office / "MAP.toml").read_text("utf-8"))
    found = read_registry(path.read_bytes(), mapping, name=path.name)
    assert found.problems == ()
    assert len(found.registry.rows) == len(TEMPLATES[name].examples)
    public = {
        "objects": {"type", "level", "region", "credit"},
        "inspectors": {"department", "post", "speciality", "region", "qualified", "expert", "on_duty"},
    }
    assert {field for field, _ in found.registry.attrs} == public[name]
    assert {field for field, openable in found.registry.private if not openable} == {"phone"}
    registry = {"objects": "institutions", "inspectors": "staff"}[name]
    told = done("freeze", registry, path.name, "--map", "MAP.toml", "-C", "office", clock="07T10:01:00")
    assert f"{registry}-1 (rows: {len(TEMPLATES[name].examples)}," in told


@pytest.mark.parametrize("kind", [".xlsx", ".csv"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_other_templates_with_their_own_examples_are_read(
    tmp_path: Path, done: Callable[..., str], lang, kind
) -> None:
    path = filled(done, tmp_path, "recusals", lang, kind)
    lines, problems = read_pairs(path.read_bytes(), name=path.name)
    assert (len(lines), problems) == (len(TEMPLATES["recusals"].examples), ())
    assert read_plan(filled(done, tmp_path, "plan", lang, kind)).id == "2026"
    told, problems = read_results(filled(done, tmp_path, "results", lang, kind), lambda day: "2026-10-30")
    assert (len(told), problems) == (len(TEMPLATES["results"].examples), [])


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", TEMPLATES)
def test_every_column_of_a_template_has_its_sentence(name, lang) -> None:
    assert set(catalogue(lang).sections[f"template-{name}"]) == set(TEMPLATES[name].columns)
    for code, offered in TEMPLATES[name].choices.items():
        assert code in TEMPLATES[name].columns
        assert len(offered) == len(TEMPLATES[name].codes[code])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_there_is_advice_for_every_code_of_a_bad_row(lang) -> None:
    words: Catalogue = catalogue(lang)
    codes = set(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", SPEC.split("## 5. Bad rows")[1].split("### 5.1")[0]))
    codes |= {"number-repeated", "number-missing", "number-malformed"}
    known = {code for code in codes if words.has("error", code)}
    assert len(known) > 12
    assert known == set(words.sections["mend"]) - {"other"}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_reason_of_a_proposal_has_its_sentence(lang) -> None:
    source = (Path(__file__).parents[2] / "src/fairdraw/registry/proposing.py").read_text("utf-8")
    reasons = set(re.findall(r'"((?:known|unknown|looks|not|no|whether|many|empty)(?:-[a-z]+)?)"', source)) - {"no"}
    reasons |= {"looks-uscc", "looks-id", "looks-phone"}
    assert len(reasons) > 10
    session = Session(lang=lang)
    for reason in reasons:
        assert session.words.has("propose", reason), reason


def test_a_cell_too_long_for_a_sheet_is_told(tmp_path: Path, fairdraw: Fairdraw) -> None:
    (tmp_path / "a.csv").write_text(f"no,private.name\n,{'长' * (MAX_CELL + 1)}\n", encoding="utf-8")
    code, told = fairdraw("map", "preview", "a.csv", "--refused", "back.xlsx")
    assert code == 2
    assert "H2" in told
    assert not (tmp_path / "back.xlsx").exists()


def test_a_column_that_is_wrong_from_top_to_bottom_is_told_in_a_few_lines(tmp_path: Path, fairdraw: Fairdraw) -> None:
    rows = [("no", "private.name"), *((f"H-{n}", Formula('"a"', "a") if n != 20 else "b") for n in range(2, 42))]
    (tmp_path / "a.xlsx").write_bytes(book(".xlsx", Page(rows)))
    code, told = fairdraw("map", "preview", "a.xlsx", "--json")
    assert code == 2
    assert len(json.loads(told.splitlines()[0])["problems"]) == 39
    code, told = fairdraw("map", "preview", "a.xlsx", "--lang", "zh")
    bad = [line for line in told.splitlines() if "选择性粘贴" in line]
    assert [re.search(r"[A-Z]+[0-9]+", line)[0] for line in bad] == ["B2", "B3", "B4", "B5", "B6"]
    assert "  同一列还有 34 行有同样的问题：第 7-19、21-41 行" in told.splitlines()
