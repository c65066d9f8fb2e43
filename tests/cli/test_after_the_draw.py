"""What a bureau, its supervisors and its inspecting unit do after a draw, on the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Done = Callable[..., str]
Fairdraw = Callable[..., tuple[int, str]]
A, B = "discipline.example.cn/rehearsal", "unit.example.cn/rehearsal"
LOG = ("--log", "office/log", "--trust", "office/trust")
ROUND = "2026-09-08T06:00:00Z"


@pytest.fixture
def people(frozen: Path, done: Done) -> Path:
    """The office with a supervisor's and an inspecting unit's key in its trust file."""
    for name, role, out in ((A, "discipline", "a.key"), (B, "inspecting-unit", "unit.key")):
        made = json.loads(done("supervisor", "create", name, "--rehearsal", "--role", role, "--out", out, "--json"))
        done("supervisor", "add", *made["line"].split()[1:], "-C", "office")
    return frozen


@pytest.fixture
def team(people: Path, done: Done) -> tuple[str, list[str]]:
    """A drawn object of the office's first draw, and its team."""
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    done("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    report = judged(done)
    no, members = report["drawn"][0]
    (people.parent / "ill.txt").write_text("a doctor's note", encoding="utf-8")
    return no, members


def judged(done: Done, clock: str = "09T00:00:00") -> Any:
    bundle = "office/draws/fund-1/fund-1.fairdraw.json"
    return json.loads(done("verify", bundle, *LOG, "--as-of", f"2026-09-{clock}Z", "--json"))


def the_call(no: str, inspector: str, *more: str, **changes: str) -> list[str]:
    given = {"reason": "unable", "declaration": "ill.txt", "round-at": ROUND, "with": A} | changes
    options = [word for name, value in given.items() for word in (f"--{name}", value)]
    return ["call", "fund-1", "--object", no, "--inspector", inspector, *options, *more, "-C", "office"]


def place(no: str, inspector: str, command: str = "substitute") -> list[str]:
    return [command, "fund-1", "--object", no, "--inspector", inspector, "-C", "office"]


def test_an_inspector_is_replaced_by_one_whom_a_fresh_round_draws(team, done: Done, fairdraw: Fairdraw):
    no, (out, stays) = team
    chain = ("--chain", "practice")
    told = done(*the_call(no, out, *chain, "--key", "a.key"), clock="07T19:00:00")
    assert "is entry 5" in told
    assert "was called already" in done(*the_call(no, out, *chain, "--key", "a.key"), clock="07T19:01:00")
    code, early = fairdraw(*place(no, out), clock="07T20:00:00")
    assert (code, "06:00:00" in early) == (2, True)
    number = json.loads(done("log", "entry", "5", "-C", "office").splitlines()[0])["beacon"][0]["round"]
    done("pulse", "practice", str(number), "-C", "office")
    told = done(*place(no, out), clock="08T06:00:20")
    assert f"drew the substitute for object {no}, entry 6" in told
    assert "was drawn already" in done(*place(no, out), clock="08T06:01:00")
    report = judged(done)
    assert report["verdict"] == "holds"
    final = dict(report["final"])[no]
    assert stays in final
    assert out not in final
    assert dict(report["drawn"])[no] == [out, stays]


def test_a_supervisor_who_is_not_at_the_desk_signs_a_call_by_file(team, done: Done, fairdraw: Fairdraw):
    no, (out, _) = team
    waiting = json.loads(done(*the_call(no, out, "--chain", "practice", "--json"), clock="07T19:00:00"))
    assert waiting["with"] == [A]
    told = json.loads(done("supervisor", "cosign", waiting["request"], "--key", "a.key", "--trust", "office/trust",
                           "--json"))  # fmt: skip
    assert (told["type"], told["text"]) == ("substitution-call", waiting["text"])
    logged = done(*the_call(no, out, "--cosigned", told["file"]), clock="07T19:05:00")
    assert "is entry 5" in logged
    code, told_again = fairdraw("supervisor", "cosign", waiting["request"], "--key", "unit.key", "--trust",
                                "office/trust")  # fmt: skip
    assert (code, "no co-signer" in told_again or "no file" in told_again) == (2, True)


@pytest.mark.parametrize(
    ("more", "changes", "words"),
    [
        (("--key", "unit.key"), {"with": B}, "role"),
        (("--key", "a.key"), {"round-at": "2026-09-07T19:00:30Z"}, "too soon"),
        (("--key", "unit.key"), {}, "no co-signer"),
        (("--key", "a.key"), {"declaration": "nothing.txt"}, "no file"),
    ],
)
def test_a_call_that_no_verifier_would_accept_is_not_signed(team, fairdraw: Fairdraw, more, changes, words):
    no, (out, _) = team
    code, told = fairdraw(*the_call(no, out, "--chain", "practice", *more, **changes), clock="07T19:00:00")
    assert code == 2
    assert words in told


def test_a_call_for_somebody_who_is_not_in_the_team_is_refused(team, fairdraw: Fairdraw):
    no, members = team
    other = next(f"I-{i}" for i in range(1, 9) if f"I-{i}" not in members)
    code, told = fairdraw(*the_call(no, other, "--key", "a.key"), clock="07T19:00:00")
    assert (code, "is not in the team" in told) == (2, True)
    code, told = fairdraw(*place(no, other), clock="07T19:00:00")
    assert (code, "nobody has called" in told) == (2, True)


def test_supervisors_sign_off_a_draw_and_confirm_a_roster(team, done: Done, fairdraw: Fairdraw):
    told = done("sign", "4", "--key", "a.key", *LOG, clock="08T00:00:00")
    assert "signed as" in told
    done("log", "add", "a.key.d/000000-sign-off.entry", "-C", "office", clock="08T00:01:00")
    code, told = fairdraw("sign", "3", "--key", "a.key", *LOG, clock="08T00:02:00")
    assert (code, "not of a type" in told) == (2, True)
    assert ["sign-off", 5] in next(c for c in judged(done)["checks"] if c["code"] == "later-acts")["evidence"]["acts"]
    done("openings", "fund-1", "--all", "-C", "office", clock="08T00:02:00")
    opened = "office/draws/fund-1/fund-1.openings.jsonl"
    told = done("receipt", "1", "--openings", opened, "--key", "a.key", *LOG, clock="08T00:03:00")
    assert "20 rows" in told
    partial = Path("some.jsonl")
    partial.write_text("".join(f"{line}\n" for line in Path(opened).read_text("utf-8").splitlines()[3:]), "utf-8")
    code, told = fairdraw("receipt", "2", "--openings", "some.jsonl", "--key", "unit.key", *LOG, clock="08T00:03:00")
    assert code == 0, told  # the three that lack are of the other registry
    code, told = fairdraw("receipt", "1", "--openings", "some.jsonl", "--key", "unit.key", *LOG, clock="08T00:04:00")
    assert (code, "3 fields are not opened" in told) == (2, True)


def test_names_are_opened_when_the_inspection_is_over(team, done: Done, fairdraw: Fairdraw):
    no, _ = team
    code, told = fairdraw("open", "fund-1", "--names", "-C", "office", clock="10T00:00:00")
    assert (code, "no inspection of fund-1 is over" in told) == (2, True)
    rows = f"no,items,method,first,last,checked,result,form\n{no},fund-use,site,{DAYS},none-found,{'ab' * 32}\n"
    Path("results.csv").write_text(rows, "utf-8")
    done("result", "fund-1", "results.csv", "-C", "office", clock="12T00:00:00")
    told = json.loads(done("open", "fund-1", "--names", "-C", "office", "--json", clock="12T01:00:00"))
    assert told["objects"] == [no]


DAYS = "2026-09-10,2026-09-10,2026-09-11"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("H-99,fund-use,site,{days},none-found,{form}", "line 2 no: this object was not drawn"),
        ("{no},benefits,site,{days},none-found,{form}", "line 2 items"),
        ("{no},fund-use,On Site,{days},none-found,{form}", "line 2 method"),
        ("{no},fund-use,site,2026-09-11,2026-09-10,2026-09-11,none-found,{form}", "must follow each other"),
        ("{no},fund-use,site,2026-09-31,2026-09-10,2026-09-11,none-found,{form}", "line 2 first"),
        ("{no},fund-use,site,{days},none-found,", "exactly one of form, refusal and recognised"),
        ("{no},fund-use,site,{days},none-found,nothing.pdf", "line 2 form"),
        ("{no},fund-use,site,{days},,{form}", "line 2 result"),
    ],
)
def test_a_bad_row_of_results_is_named_and_nothing_is_logged(team, fairdraw: Fairdraw, row, words):
    no, _ = team
    text = "no,items,method,first,last,checked,result,form\n" + row.format(no=no, days=DAYS, form="ab" * 32) + "\n"
    Path("results.csv").write_text(text, "utf-8")
    code, told = fairdraw("result", "fund-1", "results.csv", "-C", "office", clock="12T00:00:00")
    assert code == 2
    assert words in told
    code, told = fairdraw("log", "entry", "5", "-C", "office")
    assert code == 2


def test_a_result_is_logged_once_and_changed_by_a_correction_only(team, done: Done, fairdraw: Fairdraw):
    no, _ = team
    head = "no,items,method,first,last,checked,result,form,findings,noncooperation,rectify\n"
    row = f"{no},fund-use,site,{DAYS},corrected,form.pdf,overcharge,2026-09-10/entry-refused,2026-10-10\n"
    Path("form.pdf").write_bytes(b"a signed form")
    Path("results.csv").write_text(head + row, "utf-8")
    told = json.loads(done("result", "fund-1", "results.csv", "--key", "unit.key", "-C", "office", "--json",
                           clock="12T00:00:00"))  # fmt: skip
    assert (told["index"], told["outcomes"], told["new"]) == (5, 1, True)
    again = json.loads(done("result", "fund-1", "results.csv", "-C", "office", "--json", clock="12T00:01:00"))
    assert (again["index"], again["new"]) == (5, False)
    Path("results.csv").write_text(head + row.replace("overcharge", "overtreatment"), "utf-8")
    code, told = fairdraw("result", "fund-1", "results.csv", "-C", "office", clock="12T00:02:00")
    assert (code, "has a result already" in told) == (2, True)
    told = json.loads(done("correct", "5", "results.csv", "--reason", "error", "--key", "unit.key", "-C", "office",
                           "--json", clock="12T00:03:00"))  # fmt: skip
    assert told["type"] == "correction"
    Path("objection.txt").write_text("we object", "utf-8")
    done("object", "5", "--object", no, "--objection", "objection.txt", "-C", "office", clock="13T00:00:00")
    done("answer", "7", "--decision", "upheld", "--answer", "objection.txt", "-C", "office", clock="14T00:00:00")
    done("evidence", "4", "form.pdf", "-C", "office", clock="14T00:00:00")
    acts = next(c for c in judged(done, "15T00:00:00")["checks"] if c["code"] == "later-acts")["evidence"]["acts"]
    assert [kind for kind, _ in acts] == ["result", "correction", "objection", "answer", "evidence"]


def test_an_inspecting_unit_reads_the_rows_before_it_signs_them(team, done: Done, fairdraw: Fairdraw):
    no, _ = team
    head = "no,items,method,first,last,checked,result,form,findings\n"
    row = f"{no},fund-use,site,2026-09-09,2026-09-09,2026-09-10,suspected,{'ab' * 32},overcharge\n"
    Path("results.csv").write_text(head + row, "utf-8")
    words = ("result", "fund-1", "results.csv", "-C", "office")
    told = done(*words, "--by", B, clock="12T00:00:00")
    request = "office/draws/fund-1/result.request"
    assert f"waits for {B} to sign: {request}" in told
    shown = next(line for line in told.splitlines() if "fingerprint" in line).partition(":")[0]
    told = done("supervisor", "cosign", request, "--key", "unit.key", "--trust", "office/trust", "--out", "answer")
    assert f"object {no}: fund-use, 2026-09-09 to 2026-09-09, result suspected, overcharge" in told
    assert "objects: 1" in told
    assert shown in told
    code, told = fairdraw(*words, "--by", B, "--key", "unit.key", clock="12T00:00:30")
    assert (code, "one of the two" in told) == (2, True)
    assert "logged: inspection results, entry 5" in done(*words, "--cosigned", "answer", clock="12T00:01:00")
    assert "logged already" in done(*words, "--cosigned", "answer", clock="12T00:02:00")
    assert not Path(request).exists()
    Path("closed.csv").write_text(f"no,closed\n{no},dissolved\n", "utf-8")
    words = ("correct", "5", "closed.csv", "--reason", "other", "-C", "office")
    done(*words, "--by", B, clock="12T00:03:00")
    done("evidence", "4", "results.csv", "--key", "unit.key", "-C", "office", clock="12T00:04:00")
    signs = ("supervisor", "cosign", "office/draws/fund-1/correction-5.request", "--key", "unit.key", "--trust",
             "office/trust", "--out", "corrected")  # fmt: skip
    code, told = fairdraw(*signs)
    assert (code, "signed your statement 1 already" in told) == (2, True)
    done(*words, "--by", B, clock="12T00:05:00")
    told = done(*signs)
    assert f"object {no}: closed, reason dissolved" in told
    assert "reason of the correction: other" in told
    assert "logged: correction, entry 7" in done(*words, "--cosigned", "corrected", clock="12T00:06:00")


def test_notices_say_what_stands_after_deferrals_calls_and_special_teams(team, done: Done):
    no, (out, stays) = team
    (Path("letter.txt")).write_text("we move house", "utf-8")
    done(*the_call(no, out, "--chain", "practice", "--key", "a.key"), clock="07T19:00:00")
    other, theirs = next((one, members) for one, members in judged(done)["drawn"] if one != no)
    done("defer", "fund-1", "--object", no, "--application", "letter.txt", "--reason", "other-matters", "--until",
         "2026-11-30", "-C", "office", clock="09T00:00:00")  # fmt: skip
    free = [f"I-{at}" for at in range(1, 9) if f"I-{at}" not in theirs][:2]
    done("except", "--reason", "complaint", "--date", "2026-09-09", "--inspector", free[0], "--inspector", free[1],
         "--item", "fund-use", "--object", other, "--draw", "fund-1", "-C", "office", clock="09T00:01:00")  # fmt: skip
    done("print", "fund-1", "notices", "--format", "html", "-C", "office", clock="09T00:02:00")
    pages = Path("office/draws/fund-1/fund-1.notices.html").read_text("utf-8").split("<article>")[1:]
    papers = {number: page for page in pages for number in (no, other) if f"（编号 {number}）" in page}

    def names(shown: str, *numbers: str) -> list[bool]:
        return [f"Inspector {number.removeprefix('I-')}<" in papers[shown] for number in numbers]

    assert names(no, out, stays) == [False, True]
    assert "待递补" in papers[no]
    assert names(other, *free, *theirs) == [True, True, False, False]
    assert ["2026-11-30" in papers[one] for one in (no, other)] == [True, False]


def test_what_is_outside_the_draw_is_logged_and_warned_of(team, done: Done, fairdraw: Fairdraw):
    no, _ = team
    words = ["except", "--reason", "complaint", "--date", "2026-09-09", "--inspector", "I-1", "--inspector", "I-2",
             "--item", "fund-use", "-C", "office"]  # fmt: skip
    assert f"{no}" in done(*words, "--object", no, clock="09T00:00:00")
    code, told = fairdraw(*words, "--object", "H-99", "--draw", "fund-1", clock="09T00:01:00")
    assert (code, "H-99 was not drawn" in told) == (2, True)
    done(*words, "--object", no, "--draw", "fund-1", clock="09T00:02:00")
    Path("letter.txt").write_text("we move house", "utf-8")
    late = ["defer", "fund-1", "--object", no, "--application", "letter.txt", "--reason", "other-matters", "-C",
            "office"]  # fmt: skip
    done(*late, "--until", "2026-11-30", clock="09T00:03:00")
    code, told = fairdraw(*late, "--until", "2026-12-30", clock="09T00:04:00")
    assert (code, "deferred already" in told) == (2, True)
    report = judged(done, "10T00:00:00")
    assert {"exception-of-drawn-object", "special-team"} <= {one["code"] for one in report["findings"]}
    assert dict(report["final"])[no] == ["I-1", "I-2"]


def test_a_void_for_a_reason_that_the_plan_did_not_announce_is_refused(people: Path, done: Done, fairdraw: Fairdraw):
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    code, told = fairdraw("void", "fund-1", "--reason", "regretted", "-C", "office", clock="07T10:03:00")
    assert (code, "did not announce the reason regretted" in told) == (2, True)


def test_two_snapshots_are_compared_by_number(frozen: Path, papers: Path, done: Done, fairdraw: Fairdraw):
    rows = (papers / "institutions.csv").read_text("utf-8").splitlines()
    (papers / "institutions.csv").write_text(
        "\n".join([rows[0], *rows[2:], "H-21,Hospital 21,13900000021", ""]), "utf-8"
    )
    done("freeze", "institutions", "institutions.csv", "-C", "office", clock="07T10:05:00")
    told = json.loads(done("registry", "diff", "institutions-1", "institutions-2", "-C", "office", "--json"))
    assert told == {"new": ["H-21"], "gone": ["H-01"], "changed": {}}
    assert "gone: 1" in done("registry", "diff", "institutions-1", "institutions-2", "-C", "office")
    code, told = fairdraw("registry", "diff", "institutions-1", "institutions-9", "-C", "office")
    assert code == 2
