"""What a newcomer does wrong, and what files and machines do wrong: one sentence each, before anything is written."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from fairdraw_cli import main
from fairdraw_cli.files import sweep
from transparency_log.note import Signer

Done = Callable[..., str]
Fairdraw = Callable[..., tuple[int, str]]
VERIFY = ("verify", "office/draws/fund-1/fund-1.fairdraw.json", "--trust", "office/trust")
FAIRDRAW = Path(sys.executable).with_name("fairdraw")
HAN = range(0x4E00, 0xA000)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file() and "sqlite" not in p.name}


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("words", [("--help",), ("--version",), (*VERIFY, "--log", "office/log"), ("verify",)])
def test_a_closed_pipe_does_not_say_that_a_draw_does_not_hold(drawn: Path, words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([FAIRDRAW, *words], stdout=writing, stderr=writing, check=False, cwd=drawn.parent)
    os.close(writing)
    assert done.returncode == main.CLOSED_PIPE


def test_what_nobody_foresaw_is_one_line_and_with_the_variable_a_traceback(
    frozen: Path, fairdraw: Fairdraw, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("fairdraw_cli.commands.log.lacking", broken)
    code, told = fairdraw("log", "checkpoint", "-C", "office", "--json")
    assert code == 2
    answer, sentence = told.splitlines()
    assert json.loads(answer)["error"] == {
        "code": "fault", "params": {"type": "ZeroDivisionError", "reason": "by zero"},
    }  # fmt: skip
    assert sentence.startswith("fairdraw: error: a fault of the program, not of yours (ZeroDivisionError: by zero)")
    monkeypatch.setenv("FAIRDRAW_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        fairdraw("log", "checkpoint", "-C", "office")


@pytest.mark.parametrize("url", [f"http://{'a' * 300}.com/", "http://[::1/", "http://a:b:c/", "http://\u0661..cn/"])
def test_an_address_that_is_none_is_told(drawn: Path, fairdraw: Fairdraw, url: str) -> None:
    code, told = fairdraw(*VERIFY, "--log", url)
    assert (code, "is not a usable web address" in told) == (2, True), told


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_round_beyond_the_years_of_four_digits_is_shown(frozen: Path, fairdraw: Fairdraw, lang: str) -> None:
    code, told = fairdraw("pulse", "show", "9007199254740991", "-C", "office", "--lang", lang)
    assert (code, "9999" in told, "fault" in told) == (0, True, False), told


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("clock", ["9999-12-31T23:59:59Z", "9999-12-31T16:00:00Z", "", "2026-09-07"])
def test_a_clock_that_is_none_is_refused_before_anything_is_written(
    frozen: Path, fairdraw: Fairdraw, clock: str, lang: str
) -> None:
    before = everything(frozen)
    words = ("freeze", "staff", "staff.csv", "-C", "office", "--lang", lang, "--clock", clock)
    assert fairdraw(*words)[0] == 2
    assert everything(frozen) == before


def test_the_last_clock_that_is_one_works_to_the_end(frozen: Path, done: Done) -> None:
    words = ("freeze", "staff", "staff.csv", "-C", "office", "--lang", "zh", "--clock", "9999-12-30T23:59:59Z")
    assert "2/2 已联署" in done(*words)


@pytest.mark.parametrize("junk", [b"junk\n", b"\xff\xfe", b""])
def test_a_witness_key_that_cannot_be_read_is_told_before_an_entry_is_appended(
    frozen: Path, fairdraw: Fairdraw, junk: bytes
) -> None:
    (frozen / "witnesses" / "witness-2" / "key").write_bytes(junk)
    before = everything(frozen)
    code, told = fairdraw("freeze", "staff", "staff.csv", "-C", "office", clock="07T10:02:00")
    assert (code, "office/witnesses/witness-2/key cannot be read" in told) == (2, True), told
    assert everything(frozen) == before


def test_a_request_overwrites_an_earlier_request_and_no_other_file(
    frozen: Path, fairdraw: Fairdraw, done: Done, tmp_path: Path
) -> None:
    export = ("log", "cosign", "export")
    done(*export, "request", "--old", "0", "-C", "office")
    done(*export, "request", "-C", "office")
    for name in ("office/trust", "office/keys/log.key", "plan.toml"):
        before = Path(name).read_bytes()
        code, told = fairdraw(*export, name, "-C", "office")
        assert (code, f"file {name} exists and is not overwritten" in told) == (2, True), told
        assert Path(name).read_bytes() == before
    (tmp_path / "empty").touch()
    assert fairdraw(*export, "empty", "-C", "office")[0] == 2


def supervisor(done: Done, name: str) -> None:
    done("supervisor", "create", f"{name}.example.cn", "--rehearsal", "--out", f"{name}.key")
    vkey = Signer.parse(Path(f"{name}.key").read_text()).verifier.vkey
    done("supervisor", "add", f"{name}.example.cn/rehearsal", "social", vkey, "-C", "office")


def act(done: Done, verb: str, name: str, *more: str, clock: str) -> str:
    words = ("--key", f"{name}.key", "--log", "office/log", "--trust", "office/trust", "--json")
    return str(json.loads(done("supervisor", verb, "2026/fund-use/1", *more, *words, clock=clock))["file"])


def test_a_statement_of_a_later_time_than_the_desks_is_not_logged(frozen: Path, fairdraw: Fairdraw, done: Done) -> None:
    supervisor(done, "a")
    path = act(done, "commit", "a", clock="07T10:05:01")
    before = everything(frozen)
    code, told = fairdraw("log", "add", path, "-C", "office", clock="07T10:05:00")
    assert (code, "time 2026-09-07 10:05:01 UTC is later than now, 2026-09-07 10:05:00 UTC" in told) == (2, True), told
    assert everything(frozen) == before
    done("log", "add", path, "-C", "office", clock="07T10:05:01")


def test_an_error_shows_times_as_people_read_them(frozen: Path, fairdraw: Fairdraw, done: Done) -> None:
    supervisor(done, "a")
    act(done, "commit", "a", clock="07T10:05:00")
    words = ("--key", "a.key", "--log", "office/log", "--trust", "office/trust", "--lang", "zh")
    code, told = fairdraw("supervisor", "commit", "2026/fund-use/2", *words, clock="07T10:04:00")
    assert (code, "已有 北京时间 2026-09-07 18:05:00 的" in told) == (2, True), told
    assert "17886" not in told


@pytest.fixture
def sealed(frozen: Path, done: Done, tmp_path: Path) -> Path:
    """An announced draw that waits for two seeds, one of them required, and is sealed."""
    for name in ("a", "b"):
        supervisor(done, name)
        done("log", "add", act(done, "commit", name, clock="07T10:02:00"), "-C", "office", clock="07T10:02:00")
    names = '[{ name = "a.example.cn/rehearsal", required = true }, { name = "b.example.cn/rehearsal" }]'
    seed = f'[seed]\nkind = "committed"\nminimum = 1\ncontributors = {names}\n'
    rewrite(tmp_path / "draw.toml", "window", "disclosure = { until = 2026-09-20 }\nwindow")
    rewrite(tmp_path / "draw.toml", "18:36:36Z\n", f"18:36:36Z\n{seed}")
    return frozen


def test_who_must_reveal_is_told_and_the_list_is_not_closed_without_them(
    sealed: Path, fairdraw: Fairdraw, done: Done
) -> None:
    for _ in range(2):  # the second time it is announced already, and still to be handed out
        told = done("announce", "draw.toml", "-C", "office", clock="07T10:03:00")
        assert "before 2026-09-07 18:35:36 UTC: a.example.cn/rehearsal, b.example.cn/rehearsal, at least 1" in told
        assert "none may be missing: a.example.cn/rehearsal\n" in told
        assert "hand office/secrets/fund-1.embargo to at least 2 supervisors" in told
    done("log", "add", act(done, "reveal", "b", clock="07T10:04:00"), "-C", "office", clock="07T10:04:00")
    close = ("seeds", "close", "fund-1", "-C", "office")
    code, told = fairdraw(*close, clock="07T10:05:00")
    assert (code, "missing: a.example.cn/rehearsal; to close" in told) == (2, True), told
    assert "a.example.cn/rehearsal: not revealed" in done(*close, "--force", clock="07T10:05:00")


def test_the_list_is_closed_once_the_required_seed_is_there(sealed: Path, done: Done) -> None:
    done("announce", "draw.toml", "-C", "office", clock="07T10:03:00")
    done("log", "add", act(done, "reveal", "a", clock="07T10:04:00"), "-C", "office", clock="07T10:04:00")
    assert "a.example.cn/rehearsal: revealed" in done("seeds", "close", "fund-1", "-C", "office", clock="07T10:05:00")


def test_a_seal_that_ends_before_the_round_is_refused(
    frozen: Path, fairdraw: Fairdraw, done: Done, tmp_path: Path
) -> None:
    before = everything(frozen)
    rewrite(tmp_path / "draw.toml", "window", "disclosure = { until = 2026-09-07 }\nwindow")
    # In China the 7th ends at 16:00 UTC, and the round is due at 18:36.
    code, told = fairdraw("announce", "draw.toml", "-C", "office", clock="07T10:03:00")
    assert (code, "a seal until 2026-09-07 seals nothing" in told) == (2, True), told
    assert everything(frozen) == before
    rewrite(tmp_path / "draw.toml", "until = 2026-09-07", "until = 2026-09-08")
    done("announce", "draw.toml", "-C", "office", clock="07T10:03:00")


def test_while_a_draw_is_sealed_an_owners_slip_is_for_the_door_and_inspectors_get_none(
    frozen: Path, fairdraw: Fairdraw, done: Done, tmp_path: Path
) -> None:
    rewrite(tmp_path / "draw.toml", "window", "disclosure = { until = 2026-09-20 }\nwindow")
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    for name in ("a", "b"):
        supervisor(done, name)
        path = act(done, "deposit", name, "office/secrets/fund-1.embargo", clock="07T10:03:00")
        done("log", "add", path, "-C", "office", clock="07T10:03:00")
    done("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    told = done("slip", "fund-1", "H-01", "--own", "-C", "office", clock="07T19:00:00")
    assert "到场检查时方可交给对象" in told
    assert "only at the door" in told
    code, told = fairdraw("slip", "fund-1", "I-1", "--own", "-C", "office", clock="07T19:00:00")
    assert (code, "an inspector's slip would name the objects" in told) == (2, True), told
    assert not list((frozen / "draws" / "fund-1").glob("*I-1*"))
    done("open", "fund-1", "-C", "office", clock="20T16:00:00")
    assert "at the door" not in done("slip", "fund-1", "I-1", "--own", "-C", "office", clock="20T17:00:00")


SHORT = 'strata = []\nratio = "1/4"'
RULE = """[[rule]]
items = ["fund-use"]
filter = "{filter}"
ratios = [{{ ratio = "1/4" }}]
"""
BAD_PLANS = {
    ("strata = []", 'strata = []\nteam = { size = 1 }'): ("team.size", "应不小于 2", "no less than 2"),
    ("strata = []", 'strata = []\nteam = { size = 51 }'): ("team.size", "应不大于 50", "no more than 50"),
    ("strata = []", 'strata = []\nteam = { limit = 10001 }'): ("team.limit", "应不大于 10000", "no more than 10000"),
    ("strata = []", "strata = 3"): ("strata", "方括号", "in brackets"),
    ("strata = []", 'strata = ["a", "a"]'): ("strata", "不能出现两次", "twice"),
    ("strata = []", 'strata = ["A"]'): ("strata.0", "字段名", "field name"),
    ("strata = []", 'strata = []\nrounding = "up"'): ("rounding", "ceil、nearest、floor", "ceil, nearest, floor"),
    ("strata = []", "strata = []\naudit = -1"): ("audit", "应不小于 0", "no less than 0"),
    ("strata = []", "strata = []\naudit = 2.5"): ("audit", "整数", "integer"),
    ("strata = []", 'strata = []\nreason = "Because"'): ("reason", "原因代码", "reason code"),
    ("strata = []", 'strata = []\nteam = { department = "d" }'): ("team", "quota 与 department 须同时给出", "together"),
    ("strata = []", 'strata = []\nteam = { department = "d", quota = { a = 1 } }'):
        ("team", "应为 2，实为 1", "2, found 1"),
    (SHORT, RULE.format(filter="level =")): ("rule.0.filter", "第 8 个字符处", "at character 8"),
    (SHORT, RULE.format(filter="level=3")): ("rule.0.filter", "应写作 level = 3", "spelled level = 3"),
    (SHORT, RULE.format(filter="not " * 40 + "level = 3")): ("rule.0.filter", "个字符处", "at character"),
    ("strata = []", 'strata = []\nteam = { quota = { a = "1" } }'): ("team.quota.a", "整数", "integer"),
    ("strata = []", 'strata = []\nteam = 3'): ("team", "应为表", "a table"),
    ("strata = []", 'strata = []\nteam = { eligible = [{ rule = "true", object = "a", inspector = "b" }] }'):
        ("team.eligible.0", "不能有 object", "has no object"),
    ("strata = []", 'strata = []\nteam = { eligible = [{ rule = "same", inspector = "b" }] }'):
        ("team.eligible.0", "须有 object", "need an object"),
    ("strata = []", 'strata = []\nteam = { eligible = [{ rule = "like", inspector = "b" }] }'):
        ("team.eligible.0.rule", "same、differ、true", "same, differ, true"),
    ('"staff"', '"institutions"'): ("inspectors", "同一个名录库", "one registry"),
    ('"staff"', '"Staff"'): ("inspectors", "代号", "an id"),
    ('"2026/fund-use/2"', '"2027/fund-use/2"'):
        ("2027/fund-use/2", "须以计划的代号 2026 开头", "begin with the plan's id"),
    ('"2026/fund-use/2"', '"2026/fund-use/1"'): ("slots", "不能出现两次", "twice"),
    ('"2026/fund-use/2"', '"2026"'): ("slots.1", "应为批次", "a slot such as"),
    ('"1/4"', '"5/4"'): ("ratio", "应不大于 1", "no more than 1"),
    ('"1/4"', '"25%"'): ("ratio", "应为分数，如 3/100", "a fraction such as 3/100"),
    ('slots = ["2026/fund-use/1", "2026/fund-use/2"]', "slots = []"):
        ("slots", "至少要有一项", "something in the list"),
}  # fmt: skip
BAD_DRAWS = {
    ("window = 2026-10-31", 'window = 2026-10-31\ndisclosure = "later"'):
        ("disclosure", '应为 "at-once" 或表', '"at-once" or a table'),
    ("window = 2026-10-31", "window = 2026-10-31\ndisclosure = { until = 3 }"): ("disclosure.until", "日期", "a date"),
    ("window = 2026-10-31", "window = 2026-10-31\ndisclosure = {}"): ("disclosure.until", "缺少", "lacks"),
    ("window = 2026-10-31", 'window = 2026-10-31\nobjects = "x"'): ("objects", "应为快照", "a snapshot such as"),
    ('[[beacon]]\nchain = "quicknet"\nat = 2026-09-07T18:36:36Z', "beacon = 3"): ("beacon", "方括号", "in brackets"),
    ("[[beacon]]", "[[beacon"): ("draw.toml", "第 5 行有误", "line 5 is wrong"),
    ("window = 2026-10-31", 'window = 2026-10-31\nseed = { digits = "-" }'): ("seed.digits", "字母或数字", "letters"),
    ("window = 2026-10-31", 'window = 2026-10-31\nseed = { minimum = 2, contributors = [{ name = "a" }] }'):
        ("seed", "不能多于", "no more than"),
    ("window = 2026-10-31", 'window = 2026-10-31\nseed = { contributors = [{ name = "a b" }] }'):
        ("seed.contributors.0.name", "密钥名称", "a key name"),
    ("window = 2026-10-31", 'window = 2026-10-31\nseed = { contributors = [{ name = "a", required = 1 }] }'):
        ("seed.contributors.0.required", "true 或 false", "true or false"),
    ("window = 2026-10-31", 'window = 2026-10-31\nseed = { contributors = [{ name = "a" }, { name = "a" }] }'):
        ("seed.contributors", "不能出现两次", "twice"),
    ("18:36:36Z", "18:36:36"): ("beacon.0.at", "不加引号", "without quotation marks"),
    ("18:36:36Z\n", '18:36:36Z\n[[beacon]]\nchain = "quicknet"\nat = 2026-09-08T18:36:36Z\n'):
        ("beacon", "不能出现两次", "twice"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "told"), BAD_PLANS.items(), ids=lambda value: str(value[1]))
def test_a_wrong_plan_is_told_in_both_languages_and_not_logged(
    frozen: Path, fairdraw: Fairdraw, tmp_path: Path, change: tuple[str, str], told: tuple[str, str, str]
) -> None:
    rewrite(tmp_path / "plan.toml", *change)
    refused(fairdraw, frozen, ("plan", "log", "plan.toml"), told)


@pytest.mark.parametrize(("change", "told"), BAD_DRAWS.items(), ids=lambda value: str(value[1]))
def test_a_wrong_draw_is_told_in_both_languages_and_not_announced(
    frozen: Path, fairdraw: Fairdraw, tmp_path: Path, change: tuple[str, str], told: tuple[str, str, str]
) -> None:
    rewrite(tmp_path / "draw.toml", *change)
    refused(fairdraw, frozen, ("announce", "draw.toml"), told)


BAD_MAPS = {
    'no = 3': ("no", "应为 表", "expected a table"),
    'no = "no"\nheader = 0': ("header", "不小于 1 的整数", "an integer of at least 1"),
    'no = "no"\nencoding = "big5"': ("encoding", "auto、utf-8、gb18030", "auto, utf-8, gb18030"),
    'no = { assign = "F" , by = ["a"] }': ("no", "编号模板", "a template such as"),
    'no = "no"\n[attrs]\nA = "a"': ("attrs.A", "字段名", "a field name"),
    'no = "no"\n[attrs]\na = { column = "a", type = "integer", map = { x = "y" } }':
        ("attrs.a", "与 type 相符", "of the type"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "told"), BAD_MAPS.items(), ids=lambda value: str(value)[:30])
def test_a_wrong_map_is_told_in_both_languages(
    frozen: Path, fairdraw: Fairdraw, tmp_path: Path, text: str, told: tuple[str, str, str]
) -> None:
    (tmp_path / "map.toml").write_text(text, encoding="utf-8")
    refused(fairdraw, frozen, ("freeze", "staff", "staff.csv", "--map", "map.toml"), told)


def refused(fairdraw: Fairdraw, office: Path, words: tuple[str, ...], told: tuple[str, str, str]) -> None:
    before = everything(office)
    key, zh, en = told
    for lang, expected in (("zh", zh), ("en", en)):
        code, sentence = fairdraw(*words, "-C", "office", "--lang", lang, clock="07T10:02:00")
        assert (code, expected in sentence, key in sentence) == (2, True, True), sentence
        assert "fault" not in sentence
        assert "?" not in sentence
        if lang == "zh":
            assert "should" not in sentence
            assert "Input" not in sentence
        else:
            assert not any(ord(c) in HAN for c in sentence)
    assert everything(office) == before


def test_a_plan_may_be_tried_without_logging_it(frozen: Path, done: Done, tmp_path: Path) -> None:
    rewrite(tmp_path / "plan.toml", '"1/4"', '"1/5"\nreason = "budget-cut"')
    before = everything(frozen)
    words = ("plan", "log", "plan.toml", "-C", "office", "--dry-run")
    assert "nothing was logged" in done(*words, clock="07T10:02:00")
    assert json.loads(done(*words, "--json", clock="07T10:02:00"))["dry_run"] is True
    assert everything(frozen) == before
    assert json.loads(done(*words[:-1], "--json", clock="07T10:02:00"))["dry_run"] is False


def test_a_program_is_told_of_an_error_in_one_line_of_json(frozen: Path, fairdraw: Fairdraw) -> None:
    code, told = fairdraw("draw", "nothing", "--json", "-C", "office", clock="07T10:02:00")
    answer, sentence = told.splitlines()
    assert (code, sentence.startswith("fairdraw: error: no draw nothing")) == (2, True)
    assert json.loads(answer) == {"error": {"code": "draw-unknown", "params": {"expected": [], "found": "nothing"}}}
    for words in (("verify", "--json"), ("freez", "--json"), ("plan", "log", "nowhere.toml", "--json")):
        answer, _ = fairdraw(*words)[1].splitlines()
        assert set(json.loads(answer)["error"]) == {"code", "params"}


def test_bad_rows_and_their_error_are_one_line_of_json(frozen: Path, fairdraw: Fairdraw, tmp_path: Path) -> None:
    (tmp_path / "staff.csv").write_text("no,private.name\n,A\n")
    told = fairdraw("freeze", "staff", "staff.csv", "--json", "-C", "office", clock="07T10:02:00")[1]
    answer, _ = told.splitlines()
    assert json.loads(answer)["error"]["code"] == "nothing-frozen"
    assert json.loads(answer)["problems"][0]["line"] == 2


def test_more_commands_answer_a_program(done: Done, papers: Path) -> None:
    names = ("--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    assert json.loads(done("init", "office", *names, "--json"))["origin"] == "log.example.cn/ybj"
    done("plan", "log", "plan.toml", "-C", "office")
    assert json.loads(done("log", "entry", "0", "-C", "office", "--json"))["note"].startswith('{"audit"')
    line = json.loads(done("supervisor", "create", "s.example.cn", "--json"))["line"].split()
    assert json.loads(done("supervisor", "add", *line[1:], "-C", "office", "--json"))["supervisors"] == 1
    witness = Signer.from_seed("w.example.cn", bytes(32), 4).verifier.vkey
    assert json.loads(done("witness", "add", "w", witness, "-C", "office", "--json"))["needed"] == 1


def test_the_version_is_that_of_the_package(done: Done) -> None:
    version = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert done("--version") == f"fairdraw {version}\n"


def test_an_empty_log_is_not_the_folder_one_stands_in(
    drawn: Path, fairdraw: Fairdraw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(drawn)
    words = ("verify", "draws/fund-1/fund-1.fairdraw.json", "--trust", "trust")
    assert fairdraw(*words, "--log", ".", "--as-of", "2026-09-07T19:00:00Z")[0] == 0
    code, told = fairdraw(*words, "--log", "", "--as-of", "2026-09-07T19:00:00Z")
    assert (code, "--log is empty" in told) == (2, True), told


def test_a_folder_whose_checkpoint_is_none_is_named(drawn: Path, fairdraw: Fairdraw, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "checkpoint").write_text("junk")
    code, told = fairdraw(*VERIFY, "--log", "empty")
    assert (code, "no readable log at empty" in told) == (2, True), told


def test_a_bundle_that_was_cut_short_says_so(drawn: Path, fairdraw: Fairdraw, tmp_path: Path) -> None:
    data = (drawn / "draws/fund-1/fund-1.fairdraw.json").read_bytes()
    (tmp_path / "cut").write_bytes(data[:-100])
    for lang, expected in (("zh", "文件不完整，可能未传完"), ("en", "the file is cut short")):
        code, told = fairdraw("verify", "cut", "--trust", "office/trust", "--lang", lang)
        assert (code, expected in told, "unfinished-line" in told) == (2, True, False), told


def test_a_practice_round_is_made_and_not_fetched(frozen: Path, done: Done) -> None:
    told = done("pulse", "show", "5", "--chain", "practice", "-C", "office")
    assert "fairdraw pulse practice 5" in told
    assert "fetch" not in told


def test_a_void_has_one_reason(frozen: Path, fairdraw: Fairdraw, done: Done) -> None:
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    void = ("void", "fund-1", "-C", "office", "--reason")
    for _ in range(2):
        done(*void, "wrong-date", clock="07T10:03:00")
    code, told = fairdraw(*void, "wrong-place", clock="07T10:04:00")
    assert (code, "for wrong-date, which cannot become wrong-place" in told) == (2, True), told


def test_a_reason_is_a_code_and_is_told_so_in_chinese(frozen: Path, fairdraw: Fairdraw, done: Done) -> None:
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    words = ("void", "fund-1", "-C", "office", "--lang", "zh", "--reason")
    for reason in ("Wrong date", "", "x" * 41):
        code, told = fairdraw(*words, reason, clock="07T10:03:00")
        assert (code, "应为小写字母的原因代码" in told) == (2, True), told
    code, told = fairdraw(*words, "x" * 40, clock="07T10:03:00")
    assert (code, "未在计划中公布" in told) == (2, True), told
    done(*words, "wrong-date", clock="07T10:03:00")


def test_a_wrong_line_of_a_trust_file_is_told_without_english(frozen: Path, fairdraw: Fairdraw) -> None:
    with (frozen / "trust").open("a") as file:
        file.write("margin 07\n")
    code, told = fairdraw("log", "checkpoint", "-C", "office", "--lang", "zh")
    assert (code, "margin 07" in told, "not-a-number" in told) == (2, True, False), told


def test_files_of_killed_commands_are_removed_and_those_of_running_ones_are_not(frozen: Path, done: Done) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = [frozen / "secrets" / f".{dead.pid}-abc.tmp", frozen / "log" / ".abc.tmp", frozen / ".abc.tmp"]
    runs = frozen / "state" / f".{os.getpid()}-abc.tmp"
    for path in (*left, runs):
        path.write_bytes(b"half")
    done("plan", "log", "plan.toml", "-C", "office", clock="07T10:02:00")
    assert not [path for path in left if path.exists()]
    assert runs.exists()
    sweep(frozen, locked=frozen / "state")
    assert not runs.exists()


def test_an_announced_draw_stays_as_it_is_in_a_dry_run(frozen: Path, done: Done) -> None:
    announce = ("announce", "draw.toml", "-C", "office")
    assert "fingerprint and hash will differ" in done(*announce, "--dry-run", clock="07T10:02:00")
    assert "will differ" not in done(*announce, clock="07T10:02:00")
    before = everything(frozen)
    told = json.loads(done(*announce, "--dry-run", "--json", clock="07T10:03:00"))
    assert told["dry_run"] is True
    assert everything(frozen) == before
    assert json.loads(done(*announce, "--json", clock="07T10:03:00"))["dry_run"] is False
