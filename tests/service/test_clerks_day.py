"""The clerk's day over HTTP: the lines of docs/a-clerks-day.md, run by a shell with curl."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.served import Served
from support.transcripts import FOLDER, Step, look_up, play, read_steps

DOCUMENT = (Path(__file__).parents[2] / "docs/a-clerks-day.md").read_text("utf-8")
STEPS = read_steps((FOLDER / "clerks_day.zh.txt").read_text("utf-8"))

pytestmark = [
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
    pytest.mark.skipif(shutil.which("iconv") is None, reason="iconv (libc-bin) is not installed"),
]


def lines_of_the_document() -> str:
    return "".join(re.findall(r"^```sh\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL))


def run_shell(script: str, url: str, **variables: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["sh", "-e", "-c", script], env={**os.environ, "PATH": path, "URL": url, **variables},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr
    return ran.stdout


def until(*words: str) -> list[Step]:
    """Return the steps before the first whose words begin so."""
    for number, step in enumerate(STEPS):
        if step.words[: len(words)] == [*words]:
            return STEPS[:number]
    raise AssertionError(words)


@pytest.fixture(autouse=True)
def chinese_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def served(tmp_path: Path):
    """A service that is started when a test has made the workspace."""
    running = Served(tmp_path / "office", {})
    yield running
    if running.url:
        running.stop()


def test_the_whole_day_is_done_by_the_lines_in_the_document(served):
    pytest.importorskip("typst", reason="the optional part [pdf] is not installed")
    for step in until("file", "清单.toml"):
        play(step)
    play(next(step for step in STEPS if step.words == ["gb18030", "名录.csv"]))
    Path("签字件.jpg").write_bytes(b"\xff\xd8\xff the signed record, photographed \xff\xd9")
    served.start()
    told = run_shell(lines_of_the_document(), served.url)
    assert "未冻结" in told
    refused = json.loads(Path("退回.json").read_text("utf-8"))
    assert (refused["status"], refused["code"]) == (422, "nothing-frozen")
    assert [one["line"] for one in refused["result"]["problems"]] == [6, 10, 15]
    assert json.loads(Path("抽取.json").read_text("utf-8"))["result"]["quorum"]
    assert json.loads(Path("待签.json").read_text("utf-8"))["result"]["with"] == ["unit.example.cn/rehearsal"]
    report = json.loads(Path("核验.json").read_text("utf-8"))["result"]
    assert report["verdict"] == "holds"
    assert ["result", 10] in next(c for c in report["checks"] if c["code"] == "later-acts")["evidence"]["acts"]
    audit = json.loads(Path("审计.json").read_text("utf-8"))
    findings = audit["result"]["years"][0]["findings"]
    assert (audit["exit_code"], {one["level"] for one in findings}) == (0, {"notice"})
    assert Path("record.pdf").read_bytes().startswith(b"%PDF-")
    assert Path("fund-1.dispatch.xlsx").read_bytes().startswith(b"PK")


def test_the_same_announcement_gives_the_same_draw_over_http_and_by_command(served, tmp_path):
    for step in until("fairdraw", "announce", "抽取.toml", "-C"):
        play(step)
    shutil.copytree("office", "by-command")
    clerk = [step.words for step in STEPS if step.words[:2] in (["fairdraw", "announce"], ["fairdraw", "pulse"])
             or step.words[:3] == ["fairdraw", "draw", "fund-1"]]  # fmt: skip
    for words in (line for line in clerk if "--dry-run" not in line and "2026-09-07T05:59:00Z" not in line):
        play(Step(0, ["by-command" if word == "office" else word for word in words], ["…"]))
    served.start()
    body = json.loads(re.search(r"公告.json <<'EOF'\n(.*?)\nEOF", DOCUMENT, re.DOTALL)[1])
    body["recusals"] = [
        {"object": look_up("对象编号.xlsx", "对象编号", "第一医院"),
         "inspector": look_up("人员编号.xlsx", "检查人员编号", "甲一"), "declarer": "inspector", "reason": "kinship"}
    ]  # fmt: skip
    Path("公告.json").write_text(json.dumps(body), "utf-8")
    document = lines_of_the_document()
    asked = re.findall(r"^ask .*/v1/(?:announcements|pulses|draws/fund-1/draw ).*\n", document, re.MULTILINE)
    assert len(asked) == 3
    helper = re.search(r"^ask\(\) \{.*?^\}\n", document, re.MULTILINE | re.DOTALL)[0]
    tokens = re.search(r"^token\(\) .*\n.*\n", document, re.MULTILINE)[0]
    run_shell("".join([tokens, helper, *asked]), served.url)
    ours, theirs = (
        {path.relative_to(root): path.read_bytes() for path in (root / "draws/fund-1").glob("*.*")
         if path.suffix in {".txt", ".html", ".json"}}
        for root in (tmp_path / "office", tmp_path / "by-command")
    )  # fmt: skip
    assert {path.name for path in ours} >= {"record.txt", "record.html", "fund-1.fairdraw.json"}
    assert ours == theirs
    for number in ("5", "6"):
        entries = [run_shell(f"fairdraw log entry {number} -C {place}", "") for place in ("office", "by-command")]
        assert entries[0] == entries[1]
