"""Attacks on results that a unit signs on its own machine: what it is shown, what is logged (docs/threat-model.md)."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fairdraw.encoding import digest
from fairdraw.schema import Evidence, Result, Statement
from fairdraw.statement import read_entry
from fairdraw.statement import sign as sign_statement
from fairdraw.values import Artifact, Ref
from fairdraw_cli.cosigning import Request
from fairdraw_cli.main import run
from support.story import signer
from transparency_log.note import Signer

Run = Callable[..., tuple[int, Any]]
UNIT, LEGAL = "unit.example.cn/rehearsal", "legal.example.cn/rehearsal"
TRUST = ("--trust", "trust")
FORM = "ab" * 32
PLAN = """
id = "2026"
slots = ["2026/fund-use/1"]
objects = "institutions"
inspectors = "staff"
strata = []
ratio = "1/4"
"""
DRAW = """
id = "fund-1"
slots = ["2026/fund-use/1"]
window = 2026-10-31
[[beacon]]
chain = "quicknet"
at = 2026-09-07T18:36:36Z
"""


@pytest.fixture
def fairdraw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command of the bureau's, or of the unit's; returns exit code and answer."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str, clock: str | None = None) -> tuple[int, Any]:
        capsys.readouterr()
        code = run([*words, "--json", *(["--clock", f"2026-09-{clock}Z"] if clock else [])])
        return code, json.loads(capsys.readouterr().out.splitlines()[-1])

    return call


@pytest.fixture
def drawn(tmp_path: Path, fairdraw: Run) -> list[str]:
    """The numbers that an office drew whose trust file has an inspecting unit and a supervisor."""
    objects = "".join(f"H-{i:02d},Hospital {i}\n" for i in range(1, 21))
    staff = "".join(f"I-{i},Inspector {i}\n" for i in range(1, 9))
    files = {"plan.toml": PLAN, "draw.toml": DRAW, "o.csv": f"no,private.name\n{objects}",
             "s.csv": f"no,private.name\n{staff}"}  # fmt: skip
    for name, text in files.items():
        Path(name).write_text(text, "utf-8")
    step(fairdraw, "init", "office", "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    for name, role, key in ((UNIT, "inspecting-unit", "unit.key"), (LEGAL, "legal", "legal.key")):
        made = step(fairdraw, "supervisor", "create", name, "--rehearsal", "--role", role, "--out", key)
        step(fairdraw, "supervisor", "add", *made["line"].split()[1:], "-C", "office")
    shutil.copy("office/trust", "trust")  # the unit's own
    step(fairdraw, "plan", "log", "plan.toml", "-C", "office", clock="07T10:00:00")
    step(fairdraw, "freeze", "institutions", "o.csv", "-C", "office", clock="07T10:01:00")
    step(fairdraw, "freeze", "staff", "s.csv", "-C", "office", clock="07T10:01:00")
    step(fairdraw, "announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    step(fairdraw, "draw", "fund-1", "-C", "office", clock="07T18:36:40")
    bundle = "office/draws/fund-1/fund-1.fairdraw.json"
    report = step(fairdraw, "verify", bundle, "--log", "office/log", *TRUST, "--as-of", "2026-09-09T00:00:00Z")
    return [no for no, _ in report["drawn"]]


def step(fairdraw: Run, *words: str, clock: str | None = None) -> Any:
    code, told = fairdraw(*words, clock=clock)
    assert code == 0, told
    return told


def results(no: str, result: str = "none-found", file: str = "results.csv") -> str:
    head = "no,items,method,first,last,checked,result,form"
    row = f"{no},fund-use,site,2026-09-09,2026-09-09,2026-09-09,{result},{FORM}"
    Path(file).write_text(f"{head}\n{row}\n", "utf-8")
    return file


def ask(fairdraw: Run, file: str, *more: str, by: str = UNIT, clock: str = "12T00:00:00") -> tuple[int, Any]:
    return fairdraw("result", "fund-1", file, "--by", by, *more, "-C", "office", clock=clock)


def log(fairdraw: Run, file: str, answer: str, clock: str = "12T00:05:00") -> tuple[int, Any]:
    return fairdraw("result", "fund-1", file, "--cosigned", answer, "-C", "office", clock=clock)


def cosign(fairdraw: Run, request: str | Path, *more: str, key: str = "unit.key") -> tuple[int, Any]:
    return fairdraw("supervisor", "cosign", str(request), "--key", key, *TRUST, *more)


def requested(fairdraw: Run, file: str, **more: Any) -> Path:
    code, told = ask(fairdraw, file, **more)
    assert (code, told["with"]) == (0, [UNIT])
    return Path(told["request"])


def answered(fairdraw: Run, file: str, out: str, **more: Any) -> str:
    code, told = cosign(fairdraw, requested(fairdraw, file, **more), "--out", out)
    assert code == 0, told
    return out


def size(fairdraw: Run) -> int:
    told: int = step(fairdraw, "log", "check", "-C", "office")["size"]
    return told


def kept() -> list[str]:
    return sorted(path.name for path in Path("unit.key.d").glob("*.entry"))


def fault(told: tuple[int, Any]) -> str:
    code, answer = told
    assert code == 2, answer
    code_of: str = answer["error"]["code"]
    return code_of


# -- what the bureau logs ------------------------------------------------------------------------------------------


def test_an_answer_for_other_outcomes_is_not_logged_under_these(drawn: list[str], fairdraw: Run) -> None:
    answer = answered(fairdraw, results(drawn[0]), "answer")
    assert fault(log(fairdraw, results(drawn[0], "suspected", "worse.csv"), answer)) == "answer-of-another"
    assert fault(log(fairdraw, results(drawn[1], file="other.csv"), answer)) == "answer-of-another"
    code, told = log(fairdraw, "results.csv", answer)
    assert (code, told["new"]) == (0, True)


def test_a_result_that_another_key_signed_in_the_units_name_is_not_logged(drawn: list[str], fairdraw: Run) -> None:
    said = Request.read(requested(fairdraw, results(drawn[0])).read_bytes()).said
    before = size(fairdraw)
    for name in (UNIT, LEGAL):
        Path("forged").write_bytes(sign_statement(said, [signer(UNIT)]).replace(UNIT.encode(), name.encode()))
        code, told = log(fairdraw, "results.csv", "forged")
        assert (code, "error" in told) == (2, True)
    assert size(fairdraw) == before


def test_a_changed_word_in_an_answer_is_not_logged(drawn: list[str], fairdraw: Run) -> None:
    answer = Path(answered(fairdraw, results(drawn[0]), "answer"))
    before, data = size(fairdraw), answer.read_bytes()
    for old, new in ((b"2026-09-12T00:00:00Z", b"2026-09-12T00:00:01Z"), (b'"seq":0', b'"seq":1'), (b"=\n", b"A\n")):
        bent = data.replace(old, new)
        assert bent != data
        Path("bent").write_bytes(bent)
        code, told = log(fairdraw, "results.csv", "bent")
        assert code == 2 or "request" in told  # another number in its chain is one that the unit has not signed
    assert size(fairdraw) == before
    assert log(fairdraw, "results.csv", str(answer))[1]["new"]


def test_a_role_that_may_sign_no_results_is_neither_asked_nor_signs(drawn: list[str], fairdraw: Run) -> None:
    assert fault(ask(fairdraw, results(drawn[0]), by=LEGAL)) == "wrong-role"
    assert fault(ask(fairdraw, "results.csv", by="nobody.example.cn/rehearsal")) == "not-a-supervisor"
    asked = Request.read(requested(fairdraw, "results.csv").read_bytes())
    Request(asked.said.model_copy(update={"by": LEGAL}), asked.artifact, None).write(Path("forged"))
    assert fault(cosign(fairdraw, "forged", key="legal.key")) == "wrong-role"
    assert not Path("legal.key.d").exists()


def test_a_replayed_answer_adds_nothing(drawn: list[str], fairdraw: Run) -> None:
    answer = answered(fairdraw, results(drawn[0]), "answer")
    first = log(fairdraw, "results.csv", answer)[1]
    after = size(fairdraw)
    again = log(fairdraw, "results.csv", answer, clock="12T01:00:00")[1]
    assert (again["index"], again["new"], size(fairdraw)) == (first["index"], False, after)
    Path("changed.csv").write_text(Path("results.csv").read_text("utf-8").replace("none-found", "suspected"), "utf-8")
    words = ("correct", str(first["index"]), "changed.csv", "--reason", "error", "-C", "office")
    code, told = fairdraw(*words, "--by", UNIT, clock="12T02:00:00")
    assert code == 0, told
    assert cosign(fairdraw, told["request"], "--out", "corrected")[0] == 0
    assert fault(fairdraw(*words, "--cosigned", answer, clock="12T02:01:00")) == "answer-of-another"
    for new in (True, False):
        code, told = fairdraw(*words, "--cosigned", "corrected", clock="12T02:02:00")
        assert (code, told["new"]) == (0, new), told
    assert not log(fairdraw, "results.csv", answer, clock="12T03:00:00")[1]["new"]
    assert size(fairdraw) == after + 1


def test_an_answer_that_the_units_chain_has_left_behind_is_asked_for_anew(drawn: list[str], fairdraw: Run) -> None:
    answer = answered(fairdraw, results(drawn[0]), "answer")
    shutil.copytree("unit.key.d", "kept-elsewhere")
    shutil.rmtree("unit.key.d")
    step(fairdraw, "result", "fund-1", results(drawn[1], file="other.csv"), "--key", "unit.key", "-C", "office",
         clock="12T00:02:00")  # fmt: skip
    before = size(fairdraw)
    code, told = log(fairdraw, "results.csv", answer)
    assert (code, told["new"], size(fairdraw)) == (0, False, before)
    assert Request.read(Path(told["request"]).read_bytes()).said.seq == 1
    assert cosign(fairdraw, told["request"], "--out", "newer")[0] == 0
    assert log(fairdraw, "results.csv", "newer")[1]["new"]


def test_outcomes_that_nobody_has_signed_do_not_lie_beside_the_log(drawn: list[str], fairdraw: Run) -> None:
    request = requested(fairdraw, results(drawn[0]))
    artifact = Request.read(request.read_bytes()).artifact
    assert artifact is not None
    served = Path("office/log/artifact") / digest(artifact)
    assert not served.exists()
    assert cosign(fairdraw, request, "--out", "answer")[0] == 0
    log(fairdraw, "results.csv", "answer")
    assert served.read_bytes() == artifact


def test_a_result_that_came_into_the_log_without_its_rows_gets_them(drawn: list[str], fairdraw: Run) -> None:
    answer = answered(fairdraw, results(drawn[0]), "answer")
    step(fairdraw, "log", "add", answer, "-C", "office", clock="12T00:04:00")
    said = read_entry(Path(answer).read_bytes(), 0).statement
    assert isinstance(said, Result)
    assert not (Path("office/log/artifact") / said.outcomes.digest).exists()
    assert not log(fairdraw, "results.csv", answer)[1]["new"]
    assert (Path("office/log/artifact") / said.outcomes.digest).is_file()


def test_a_result_dated_before_the_units_last_statement_is_not_logged(drawn: list[str], fairdraw: Run) -> None:
    answer = answered(fairdraw, results(drawn[0]), "answer")
    log(fairdraw, "results.csv", answer)
    said = Request.read(requested(fairdraw, results(drawn[1], file="other.csv"), clock="12T00:06:00").read_bytes()).said
    own = Signer.parse(Path("unit.key").read_text("utf-8"))
    before = size(fairdraw)
    for time, code in (("2026-09-11T00:00:00Z", "clock-goes-back"), ("2026-09-13T00:00:00Z", "statement-ahead")):
        Path("dated").write_bytes(sign_statement(said.model_copy(update={"time": time}), [own]))
        assert fault(log(fairdraw, "other.csv", "dated", clock="12T00:07:00")) == code
    assert size(fairdraw) == before


# -- what the unit signs -------------------------------------------------------------------------------------------


def test_a_request_whose_rows_were_swapped_is_not_signed(drawn: list[str], fairdraw: Run) -> None:
    worse = Request.read(requested(fairdraw, results(drawn[0], "suspected", "worse.csv")).read_bytes())
    Path("office/draws/fund-1/result.request").unlink()
    asked = Request.read(requested(fairdraw, results(drawn[0])).read_bytes())
    for artifact, code in ((worse.artifact, "outcomes-altered"), (None, "request-without-rows")):
        # The unit would read the one list, and sign for the other.
        Request(asked.said, artifact, None).write(Path("swapped"))
        assert fault(cosign(fairdraw, "swapped")) == code
    assert kept() == []


def test_a_unit_signs_one_text_for_each_of_its_numbers(drawn: list[str], fairdraw: Run) -> None:
    answered(fairdraw, results(drawn[0]), "answer")
    first = Path("answer").read_bytes()
    second = requested(fairdraw, results(drawn[0], "suspected", "worse.csv"))
    assert fault(cosign(fairdraw, second, "--out", "answer-2")) == "signed-another-here"
    assert not Path("answer-2").exists()
    # The same request once more is no second text: neither of the bureau's, nor of the unit's.
    again = answered(fairdraw, "results.csv", "again", clock="12T00:00:00")
    assert Path(again).read_bytes() == first
    assert kept() == ["000000-result.entry"]


def test_a_request_that_waits_is_not_written_with_another_time(drawn: list[str], fairdraw: Run) -> None:
    request = requested(fairdraw, results(drawn[0]))
    data = request.read_bytes()
    assert requested(fairdraw, "results.csv", clock="12T00:03:00").read_bytes() == data


def test_a_number_far_ahead_would_end_a_units_chain_and_is_not_signed(drawn: list[str], fairdraw: Run) -> None:
    asked = Request.read(requested(fairdraw, results(drawn[0])).read_bytes())
    ahead = {"seq": 10**6, "prev": "00" * 32}
    Request(asked.said.model_copy(update=ahead), asked.artifact, None).write(Path("ahead"))
    for more in ((), ("--log", "office/log")):
        assert fault(cosign(fairdraw, "ahead", *more)) == "not-next-in-chain"
    answered(fairdraw, "results.csv", "answer")
    back = {"seq": 1, "prev": asked.said.text_hash(), "time": "2026-09-11T00:00:00Z"}
    Request(asked.said.model_copy(update=back), asked.artifact, None).write(Path("back"))
    assert fault(cosign(fairdraw, "back")) == "clock-goes-back"
    assert kept() == ["000000-result.entry"]


def test_a_unit_that_has_lost_what_it_signed_forks_nothing_with_the_log_before_it(
    drawn: list[str], fairdraw: Run
) -> None:
    request = requested(fairdraw, results(drawn[0])).read_bytes()
    Path("first").write_bytes(request)
    assert cosign(fairdraw, "first", "--out", "answer")[0] == 0
    log(fairdraw, "results.csv", "answer")
    shutil.rmtree("unit.key.d")
    asked = Request.read(request)
    Request(asked.said.model_copy(update={"time": "2026-09-12T06:00:00Z"}), asked.artifact, None).write(Path("fork"))
    assert fault(cosign(fairdraw, "fork", "--log", "office/log")) == "signed-another-here"
    follows = requested(fairdraw, results(drawn[1], file="other.csv"), clock="12T07:00:00")
    assert fault(cosign(fairdraw, follows)) == "not-next-in-chain"
    assert cosign(fairdraw, follows, "--log", "office/log")[0] == 0


def test_a_request_can_have_nothing_signed_but_results(drawn: list[str], fairdraw: Run) -> None:
    said = Request.read(requested(fairdraw, results(drawn[0])).read_bytes()).said
    chain = {"log": said.log, "bureau": said.bureau, "by": UNIT, "seq": 0, "prev": None, "time": said.time}
    other: Statement = Evidence.model_validate(
        {"v": 0, "type": "evidence", "with": (), **chain, "of": Ref(index=4, text="00" * 32),
         "files": (Artifact(digest=FORM, length=1),)}
    )  # fmt: skip
    for changed in (other, said.model_copy(update={"with_": (LEGAL,)}),
                    said.model_copy(update={"bureau": "else.example.cn/rehearsal"})):  # fmt: skip
        Request(changed, Request.read(Path("office/draws/fund-1/result.request").read_bytes()).artifact, None).write(
            Path("other")
        )
        assert fault(cosign(fairdraw, "other")) == "request-of-another"
    assert kept() == []


def test_a_result_of_a_draw_that_is_not_in_the_log_is_not_signed(drawn: list[str], fairdraw: Run) -> None:
    asked = Request.read(requested(fairdraw, results(drawn[0])).read_bytes())
    assert isinstance(asked.said, Result)
    elsewhere = asked.said.model_copy(update={"draw": Ref(index=asked.said.draw.index, text="00" * 32)})
    Request(elsewhere, asked.artifact, None).write(Path("elsewhere"))
    assert fault(cosign(fairdraw, "elsewhere", "--log", "office/log")) == "statement-missing"
    assert kept() == []
    assert cosign(fairdraw, "office/draws/fund-1/result.request", "--log", "office/log", "--out", "a")[0] == 0
    assert read_entry(Path("a").read_bytes(), 0).statement == asked.said
