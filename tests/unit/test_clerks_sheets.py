"""Recusals and results as a clerk fills them in: Chinese headings and words, in every kind of file."""

import csv
import io
from datetime import date, datetime
from pathlib import Path

import pytest

from fairdraw.acts import ClosingLine, OutcomeLine
from fairdraw.errors import RegistryError, WorkspaceError
from fairdraw.registry.recusals import COLUMNS as RECUSALS
from fairdraw.registry.recusals import DECLARERS, REASONS, read_pairs
from fairdraw_cli.resultform import COLUMNS as RESULTS
from fairdraw_cli.resultform import DAYS, read_results
from support.sheets import KINDS, Formula, Page, book

FORM = "ab" * 32
NOON = datetime(2026, 9, 11, 12)  # noqa: DTZ001 - cells have no time zone


def sheet(kind: str, *rows: list[object]) -> bytes:
    if kind != ".csv":
        return book(kind, Page(rows=rows))
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("utf-8-sig")


@pytest.mark.parametrize("kind", [".csv", *KINDS])
def test_a_chinese_recusal_list_is_the_list_of_the_codes(kind: str) -> None:
    codes = [["H-1", "I-1", "inspector", "kinship", FORM], ["H-2", "I-2", "bureau", "former-employer", ""],
             ["H-3", "I-2", "object", "own-code", ""]]  # fmt: skip
    words = [["H-1", "I-1", "检查人员", "亲属关系", FORM], ["H-2", "I-2", "抽查机构", "原工作单位", ""],
             ["H-3", "I-2", "检查对象", "own-code", ""]]  # fmt: skip
    expected = read_pairs(sheet(".csv", list(RECUSALS), *codes), name="a.csv")
    assert len(expected[0]) == 3
    assert expected[1] == ()
    assert read_pairs(sheet(kind, list(RECUSALS.values()), *words), name=f"回避{kind}") == expected


def test_every_word_of_a_recusal_has_its_own_code() -> None:
    assert len(set(REASONS.values())) == len(REASONS)
    assert set(DECLARERS.values()) == {"object", "inspector", "bureau"}
    spec = (Path(__file__).parents[2] / "specs/map.md").read_text("utf-8")
    for word, code in (REASONS | DECLARERS).items():
        assert f"{word} `{code}`" in spec
    for column, heading in RECUSALS.items():
        assert f"| `{column}` | {heading} |" in spec


@pytest.mark.parametrize(
    ("at", "value", "code"),
    [(2, "朋友", "unknown-value"), (3, "其小舅子在该院任职", "malformed"), (0, 7, "number-cell"),
     (1, "", "number-missing"),
     (3, Formula("A2", "kinship"), "formula-cell"), (4, "已签", "malformed")],
)  # fmt: skip
def test_free_text_and_lost_codes_are_told_with_their_cell(at: int, value: object, code: str) -> None:
    row: list[object] = ["H-1", "I-1", "检查人员", "亲属关系", FORM]
    row[at] = value
    lines, problems = read_pairs(sheet(".xlsx", list(RECUSALS.values()), row), name="回避.xlsx")
    assert lines == ()
    assert [(one.code, one.cell) for one in problems] == [(code, f"{'ABCDE'[at]}2")]


@pytest.mark.parametrize(
    ("headings", "code", "expected"),
    [
        ([*RECUSALS.values(), "object"], "column-repeated", "unique"),
        (["对象编号", "检查人员编号", "申报人", "表单"], "column-missing", "事由"),
        (["object", "inspector", "declarer", "form"], "column-missing", "reason"),
    ],
)
def test_a_recusal_list_whose_columns_are_not_plain_is_refused(headings: list[str], code: str, expected: str) -> None:
    with pytest.raises(RegistryError) as caught:
        read_pairs(sheet(".xlsx", headings), name="a.xlsx")
    assert (caught.value.code, caught.value.params["expected"]) == (code, expected)


RESULT = {"no": "H-1", "items": "fund-use、prices", "method": "site", "first": "2026-09-10", "last": "2026-09-11",
          "checked": "2026-09-11", "result": "corrected", "form": FORM, "findings": "overtreatment，overcharge",
          "rectify": "2026-10-10"}  # fmt: skip


def outcomes(folder: Path, kind: str, headings: list[str], *rows: list[object]):
    path = folder / f"结果{kind}"
    path.write_bytes(sheet(kind, list(headings), *rows))
    return read_results(path, lambda checked: checked)


@pytest.mark.parametrize("kind", [".csv", *KINDS])
def test_a_chinese_sheet_of_results_is_that_of_the_codes(tmp_path: Path, kind: str) -> None:
    coded = RESULT | {"items": "fund-use prices", "findings": "overcharge overtreatment"}
    expected, problems = outcomes(tmp_path, ".csv", list(RESULT), list(coded.values()))
    assert problems == []
    cells: list[object] = [date.fromisoformat(v) if k in DAYS and kind != ".csv" else v for k, v in RESULT.items()]
    told, problems = outcomes(tmp_path, kind, [RESULTS[name] for name in RESULT], cells)
    assert problems == []
    assert told == expected
    line = told[0][1]
    assert isinstance(line, OutcomeLine)
    assert (line.items, line.first) == (("fund-use", "prices"), "2026-09-10")


def test_days_are_read_as_people_and_spreadsheets_write_them(tmp_path: Path) -> None:
    days = {"first": "2026/9/10", "last": "2026年9月11日", "checked": "2026-09-11", "rectify": "2026/10/10"}
    told, problems = outcomes(tmp_path, ".csv", list(RESULT), list((RESULT | days).values()))
    assert problems == []
    assert told == outcomes(tmp_path, ".csv", list(RESULT), list(RESULT.values()))[0]


def test_a_closing_needs_its_number_and_reason_only(tmp_path: Path) -> None:
    told, problems = outcomes(tmp_path, ".xlsx", ["对象编号", "办结理由"], ["H-1", "dissolved"])
    assert (told, problems) == ([(2, ClosingLine(no="H-1", closed="dissolved"))], [])


@pytest.mark.parametrize(
    ("more", "idle"),
    [({"closed": "dissolved"}, "result"), ({"witness": FORM}, "witness"),
     ({"rectify": "", "revisited": "2026-10-12"}, "revisited")],
)  # fmt: skip
def test_a_cell_that_would_count_for_nothing_in_its_row_is_refused(
    tmp_path: Path, more: dict[str, str], idle: str
) -> None:
    row = RESULT | more
    told, problems = outcomes(tmp_path, ".xlsx", [RESULTS[name] for name in row], list(row.values()))
    assert told == []
    assert (idle, "outcome-idle") in {(one.field, one.code) for one in problems}
    assert all(one.cell for one in problems)
    named = {"closed": "", "witness": "", "revisited": "", "rectify": "2026-10-10"}
    row |= {name: named[name] for name in more}
    assert outcomes(tmp_path, ".xlsx", list(row), list(row.values()))[1] == []


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [("first", 46082, "malformed"), ("first", "10/9/2026", "malformed"), ("first", "2026-9-31", "malformed"),
     ("last", NOON, "malformed"), ("checked", "", "malformed"), ("no", 7, "number-cell"),
     ("result", "已整改", "malformed"), ("items", Formula("B1", "fund-use"), "formula-cell")],
)  # fmt: skip
def test_a_bad_result_is_told_with_its_cell(tmp_path: Path, column: str, value: object, code: str) -> None:
    headings = [RESULTS[name] for name in RESULT]
    told, problems = outcomes(tmp_path, ".xlsx", headings, list((RESULT | {column: value}).values()))
    assert told == []
    assert (problems[0].code, problems[0].cell) == (code, f"{'ABCDEFGHIJ'[list(RESULT).index(column)]}2")


@pytest.mark.parametrize("wrong", ["结果", "results"])
def test_a_heading_of_a_result_that_is_none_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(WorkspaceError) as caught:
        outcomes(tmp_path, ".csv", [*RESULT, wrong])
    assert (caught.value.code, caught.value.params["key"]) == ("file-key-unknown", wrong)
    assert ("检查结果" if wrong == "结果" else "result") in caught.value.params["expected"]


def test_results_without_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RegistryError) as caught:
        outcomes(tmp_path, ".csv", ["检查结果", "办结理由"], ["corrected", ""])
    assert (caught.value.code, caught.value.params["expected"]) == ("column-missing", "对象编号")
