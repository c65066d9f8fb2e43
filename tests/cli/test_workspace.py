"""The workspace: what a crash may not break, what nobody else may read, and what commands refuse."""

import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from fairdraw.bundle import Slip, read_file
from fairdraw.encoding import canonical, from_base64
from fairdraw.statement import read_entry
from fairdraw_cli.main import run
from transparency_log.errors import StorageError
from transparency_log.log import Log

Done = Callable[..., str]
Fairdraw = Callable[..., tuple[int, str]]
VERIFY = ("--trust", "office/trust", "--log", "office/log", "--as-of", "2026-09-07T19:00:00Z")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_is_laid_out_as_promised_and_secrets_are_for_the_owner_only(drawn: Path) -> None:
    assert {path.name for path in drawn.iterdir()} == {
        "fairdraw.toml", "trust", "keys", "secrets", "log", "artifacts", "witnesses", "state", "registries", "draws",
    }  # fmt: skip
    for name in ("keys/log.key", "keys/bureau.key", "secrets/institutions-1.secret", "secrets/practice.beacon",
                 "witnesses/witness-1/key", "registries/institutions/private.jsonl"):  # fmt: skip
        assert mode(drawn / name) == 0o600, name
    for name in ("keys", "secrets", "state", "witnesses", "registries"):
        assert mode(drawn / name) == 0o700, name
    assert {path.name for path in (drawn / "draws" / "fund-1").iterdir()} == {
        "draw.toml", "fund-1.fairdraw.json", "record.html", "record.txt",
    }  # fmt: skip
    assert {path.name for path in (drawn / "registries" / "staff").iterdir()} == {"roster.jsonl", "private.jsonl"}


def test_artifacts_lie_beside_the_tiles_and_no_name_is_in_the_log(drawn: Path) -> None:
    served = {path.name: path.read_bytes() for path in (drawn / "log" / "artifact").iterdir()}
    assert served == {path.name: path.read_bytes() for path in (drawn / "artifacts").iterdir()}
    public = b"".join(path.read_bytes() for path in (drawn / "log").rglob("*") if path.is_file())
    assert b"Hospital" not in public
    assert b"1390000" not in public


def test_a_crash_between_signing_and_logging_never_makes_two_texts_with_one_seq(
    frozen: Path, done: Done, fairdraw: Fairdraw, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Log, "append", lambda self, entry: (_ for _ in ()).throw(StorageError("not-durable", path="x")))
        assert fairdraw("announce", "draw.toml", "-C", "office", clock="07T10:02:00")[0] == 2
    (left,) = (frozen / "state" / "outbox").iterdir()
    signed = left.read_bytes()
    assert mode(left) == 0o600
    told = done("announce", "draw.toml", "-C", "office", clock="07T10:05:00")
    assert "draw fund-1 is announced already, as entry 3" in told
    assert "2 of 2 have cosigned" in told
    assert done("log", "entry", "3", "-C", "office") == signed.decode()
    assert not list((frozen / "state" / "outbox").iterdir())
    assert "the log is sound: recomputed from its entries (4)" in done("log", "check", "-C", "office")


def test_a_crash_after_logging_is_told_as_done(
    frozen: Path, done: Done, fairdraw: Fairdraw, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fairdraw_cli import desk

    with monkeypatch.context() as patch:
        patch.setattr(desk, "_drop", lambda path: (_ for _ in ()).throw(OSError(5, "power cut", str(path))))
        code, told = fairdraw("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
        assert (code, told.startswith("fairdraw: error:")) == (2, False)
        assert "power cut" in told
    done("announce", "draw.toml", "-C", "office", clock="07T10:03:00")
    assert "recomputed from its entries (4)" in done("log", "check", "-C", "office")


def test_drawing_again_writes_nothing(drawn: Path, done: Done) -> None:
    def everything() -> dict[str, tuple[bytes, int]]:
        return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in drawn.rglob("*") if p.is_file()}

    before = everything()
    told = done("draw", "fund-1", "-C", "office", clock="08T00:00:00")
    assert "this is the same result" in told
    # SQLite touches its own files when it opens them.
    assert {k: v for k, v in everything().items() if "sqlite" not in k} == {
        k: v for k, v in before.items() if "sqlite" not in k
    }


def test_a_dry_run_writes_nothing(frozen: Path, done: Done) -> None:
    def everything() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in frozen.rglob("*") if p.is_file()}

    before = everything()
    told = json.loads(done("announce", "draw.toml", "--dry-run", "--json", "-C", "office", clock="07T10:02:00"))
    assert told["dry_run"] is True
    assert told["strata"] == [
        {"item": "fund-use", "stratum": [], "base": 20, "quota": 5, "derivation": "ceil(20*1/4)=5"}
    ]
    assert everything() == before


def test_numbers_stay_with_their_rows_and_older_snapshots_can_still_be_opened(
    frozen: Path, done: Done, tmp_path: Path
) -> None:
    (tmp_path / "map.toml").write_text(
        'no = { assign = "F-%06d", by = ["name"] }\n[private]\nname = "name"\n', encoding="utf-8"
    )
    (tmp_path / "a.csv").write_text("name\nFirst\nSecond\n")
    done("freeze", "institutions", "a.csv", "--map", "map.toml", "-C", "office", clock="07T10:02:00")
    first = (frozen / "registries" / "institutions" / "numbers.csv").read_text().splitlines()
    assert mode(frozen / "registries" / "institutions" / "numbers.csv") == 0o600
    done("announce", "draw.toml", "-C", "office", clock="07T10:03:00")
    (tmp_path / "a.csv").write_text("name\nThird\nSecond\nFirst\n")
    told = done("freeze", "institutions", "a.csv", "--map", "map.toml", "-C", "office", clock="07T10:04:00")
    assert "froze snapshot institutions-3 (rows: 3," in told
    second = (frozen / "registries" / "institutions" / "numbers.csv").read_text().splitlines()
    assert set(first) < set(second)
    assert len(second) == 4
    done("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    # The draw cites snapshot 2, whose private rows are not the newest any more.
    done("slip", "fund-1", "F-000001", "--own", "-C", "office", clock="07T19:00:00")
    told = done("verify", "office/draws/fund-1/fund-1.F-000001.slip.own.fairdraw.json", *VERIFY)
    assert "name First" in told or "name Second" in told


def test_announcing_cites_the_newest_snapshot_only(
    frozen: Path, fairdraw: Fairdraw, done: Done, tmp_path: Path
) -> None:
    done("freeze", "staff", "staff.csv", "-C", "office", clock="07T10:02:00")
    draw = (tmp_path / "draw.toml").read_text().replace("window", 'inspectors = "staff-1"\nwindow')
    (tmp_path / "draw.toml").write_text(draw)
    code, told = fairdraw("announce", "draw.toml", "-C", "office", clock="07T10:03:00")
    assert (code, "only the newest snapshot staff-2 may be cited, not staff-1" in told) == (2, True)


def test_a_recusal_list_with_strangers_or_free_text_is_refused(
    frozen: Path, fairdraw: Fairdraw, tmp_path: Path
) -> None:
    (tmp_path / "draw.toml").write_text((tmp_path / "draw.toml").read_text().replace("[[", 'recusals = "r.csv"\n[['))
    for row, expected in {
        "H-99,I-1,inspector,kinship,": "H-99",
        "H-01,I-1,inspector,his brother-in-law,": "a reason code in lower case",
    }.items():
        (tmp_path / "r.csv").write_text(f"object,inspector,declarer,reason,form\n{row}\n")
        code, told = fairdraw("announce", "draw.toml", "-C", "office", clock="07T10:03:00")
        assert (code, expected in told) == (2, True), told


def test_a_draw_that_could_have_no_team_is_not_announced(frozen: Path, fairdraw: Fairdraw, tmp_path: Path) -> None:
    rows = "".join(f"H-01,I-{i},inspector,kinship,\n" for i in range(1, 8))
    (tmp_path / "r.csv").write_text(f"object,inspector,declarer,reason,form\n{rows}")
    (tmp_path / "draw.toml").write_text((tmp_path / "draw.toml").read_text().replace("[[", 'recusals = "r.csv"\n[['))
    code, told = fairdraw("announce", "draw.toml", "-C", "office", clock="07T10:03:00")
    assert (code, "objects that cannot have a whole team: H-01 (1 in all)" in told) == (2, True)


def test_verdicts_have_their_exit_codes(drawn: Path, fairdraw: Fairdraw, tmp_path: Path) -> None:
    bundle = "office/draws/fund-1/fund-1.fairdraw.json"
    as_of = ("--as-of", "2026-09-07T19:00:00Z")
    assert fairdraw("verify", bundle, *VERIFY)[0] == 0
    assert fairdraw("verify", bundle, "--trust", "office/trust", "--bundle-only", *as_of)[0] == 0
    assert fairdraw("verify", bundle, "--trust", "office/trust", *as_of)[0] == 3
    assert fairdraw("verify", bundle, "--trust", "office/trust", "--log", "office/log")[0] == 3  # stale by now
    assert fairdraw("verify", bundle, *VERIFY, "--bundle-only")[0] == 2
    assert fairdraw("verify", bundle, "--trust", "office/trust", "--as-of", "2026-09-07")[0] == 2
    data = bytearray(Path(bundle).read_bytes())
    at = data.index(b'"notes"') if b'"notes"' in data else data.index(b'"note":"') + 20
    data[at] ^= 1
    (tmp_path / "tampered").write_bytes(data)
    assert fairdraw("verify", "tampered", *VERIFY)[0] == 1


def test_a_verdict_without_the_question_of_other_draws_says_so(drawn: Path, fairdraw: Fairdraw) -> None:
    words = ("verify", "office/draws/fund-1/fund-1.fairdraw.json", "--trust", "office/trust", "--bundle-only")
    code, told = fairdraw(*words, "--as-of", "2026-09-07T19:00:00Z", "--lang", "zh")
    assert (code, told.splitlines()[1]) == (0, "本次结果属实；是否另有未公布的抽取：未检查")


def test_a_report_for_programs_is_one_line_of_json(drawn: Path, fairdraw: Fairdraw) -> None:
    code, told = fairdraw("verify", "office/draws/fund-1/fund-1.fairdraw.json", *VERIFY, "--json")
    report = json.loads(told)
    assert (code, report["verdict"], report["exit_code"]) == (0, "holds", 0)
    assert told.count("\n") == 1


def test_another_bureaus_trust_file_says_so_and_does_not_verify(
    drawn: Path, fairdraw: Fairdraw, done: Done, tmp_path: Path
) -> None:
    done("init", "other", "--rehearsal", "--bureau", "other.example.cn", "--origin", "log.example.cn/other")
    bundle = "office/draws/fund-1/fund-1.fairdraw.json"
    code, told = fairdraw("verify", bundle, "--trust", "other/trust", "--log", "office/log", *VERIFY[-2:])
    assert code == 1
    assert "whom you trust" in told


def test_an_altered_log_fails_its_check(drawn: Path, fairdraw: Fairdraw) -> None:
    shutil.copytree(drawn / "log", "copy")
    (bundle,) = Path("copy/tile/entries").rglob("5")
    bundle.write_bytes(bundle.read_bytes().replace(b'"ceil"', b'"flor"'))
    code, told = fairdraw("log", "check", "copy", "--trust", "office/trust")
    assert (code, told.startswith("the log is not sound:")) == (1, True)


def test_a_log_of_another_place_is_not_looked_into_without_a_trust_file(drawn: Path, fairdraw: Fairdraw) -> None:
    code, told = fairdraw("log", "check", "office/log")
    assert (code, "--trust" in told) == (2, True)


def test_a_supervisors_entry_is_checked_before_it_is_logged(
    frozen: Path, fairdraw: Fairdraw, done: Done, tmp_path: Path
) -> None:
    from transparency_log.note import Signer

    done("supervisor", "create", "a.example.cn", "--rehearsal", "--out", "a.key")
    vkey = Signer.parse(Path("a.key").read_text()).verifier.vkey
    stranger = ("supervisor", "commit", "2026/fund-use/1", "--key", "a.key", "--log", "office/log",
                "--trust", "office/trust")  # fmt: skip
    code, told = fairdraw(*stranger, clock="07T10:02:00")
    assert (code, "the trust file has no supervisor a.example.cn/rehearsal" in told) == (2, True)
    done("supervisor", "add", "a.example.cn/rehearsal", "social", vkey, "-C", "office")
    code, told = fairdraw("supervisor", "add", "b.example.cn/rehearsal", "social", vkey, "-C", "office")
    assert code == 2  # one person under two names would count twice
    done(*stranger, clock="07T10:02:00")
    done(*[w if w != "2026/fund-use/1" else "2026/fund-use/2" for w in stranger], clock="07T10:02:30")
    entries = [Path(f"a.key.d/00000{i}-commitment.entry") for i in range(2)]
    assert [mode(entry) for entry in entries] == [0o600, 0o600]
    code, told = fairdraw("log", "add", str(entries[1]), "-C", "office", clock="07T10:03:00")
    assert (code, "must have seq 0, this one has 1" in told) == (2, True)
    text, _, lines = entries[0].read_bytes().rpartition(b"\n\n")
    (tmp_path / "forged").write_bytes(text.replace(b"fund-use/1", b"fund-use/9") + b"\n\n" + lines)
    assert fairdraw("log", "add", "forged", "-C", "office", clock="07T10:03:00")[0] == 2
    for entry in entries:
        done("log", "add", str(entry), "-C", "office", clock="07T10:03:00")


def test_opened_fields_are_checked_against_the_rosters(drawn: Path, done: Done, fairdraw: Fairdraw) -> None:
    done("slip", "fund-1", "H-07", "--own", "-C", "office", clock="07T19:00:00")
    slip = cast("Slip", read_file((drawn / "draws/fund-1/fund-1.H-07.slip.own.fairdraw.json").read_bytes()))
    bundle = "office/draws/fund-1/fund-1.fairdraw.json"
    for value, expected in (("Hospital 7", 0), ("Hospital 8", 1)):
        name = slip.own[0].model_copy(update={"value": value})
        Path("openings").write_bytes(canonical(name.model_dump()) + b"\n")
        assert fairdraw("verify", bundle, *VERIFY, "--openings", "openings")[0] == expected
    Path("openings").write_bytes(b"{}\n")
    assert fairdraw("verify", bundle, *VERIFY, "--openings", "openings")[0] == 2


def test_an_inspectors_slip_names_the_objects_and_another_rows_slip_is_not_taken_for_it(
    drawn: Path, done: Done, fairdraw: Fairdraw
) -> None:
    told = json.loads(done("slip", "fund-1", "I-1", "--json", "-C", "office", clock="07T19:00:00"))
    assert told["registry"] == "inspectors"
    assert fairdraw("verify", told["file"], *VERIFY)[0] == 0
    data = Path(told["file"]).read_bytes()
    Path("bent").write_bytes(data.replace(b'"no":"I-1"', b'"no":"I-2"'))
    assert fairdraw("verify", "bent", *VERIFY)[0] == 1
    code, told = fairdraw("slip", "fund-1", "X-1", "-C", "office", clock="07T19:00:00")
    assert (code, "neither registry has the number X-1" in told) == (2, True)


def test_a_secret_that_is_no_secret_is_told_without_quoting_it(frozen: Path, done: Done, fairdraw: Fairdraw) -> None:
    (frozen / "secrets" / "practice.beacon").write_text("my cat's name")
    code, told = fairdraw("pulse", "practice", "5", "-C", "office")
    assert (code, "practice.beacon is not a secret in hex" in told) == (2, True)
    assert "cat" not in told


def test_a_second_process_is_told_that_the_log_is_in_use(frozen: Path, fairdraw: Fairdraw) -> None:
    from transparency_log.state import SqliteState

    with SqliteState(frozen / "state" / "log.sqlite"):
        code, told = fairdraw("plan", "log", "plan.toml", "-C", "office", clock="07T10:05:00")
    assert code == 2
    assert told.startswith("fairdraw: error: ")
    assert told.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path, fairdraw: Fairdraw) -> None:
    (tmp_path / "file").touch()
    code, told = fairdraw("init", "file/office", "--bureau", "a.example.cn", "--origin", "log.example.cn")
    assert (code, told.startswith("fairdraw: error: cannot read or write file/office")) == (2, True), told


def test_sealed_numbers_are_in_no_file_that_others_can_read(frozen: Path, done: Done, tmp_path: Path) -> None:
    from transparency_log.note import Signer

    text = (tmp_path / "draw.toml").read_text().replace("window", "disclosure = { until = 2026-09-20 }\nwindow")
    (tmp_path / "draw.toml").write_text(text)
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    for name in ("a", "b"):
        done("supervisor", "create", f"{name}.example.cn", "--rehearsal", "--out", f"{name}.key")
        vkey = Signer.parse(Path(f"{name}.key").read_text()).verifier.vkey
        done("supervisor", "add", f"{name}.example.cn/rehearsal", "social", vkey, "-C", "office")
        done("supervisor", "deposit", "2026/fund-use/1", "office/secrets/fund-1.embargo", "--key", f"{name}.key",
             "--log", "office/log", "--trust", "office/trust", clock="07T10:03:00")  # fmt: skip
        done("log", "add", f"{name}.key.d/000000-deposit.entry", "-C", "office", clock="07T10:03:00")
    told = done("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    drew = read_file((frozen / "draws/fund-1/fund-1.sealed.fairdraw.json").read_bytes())
    lines = from_base64(next(one.data for one in drew.artifacts if b'"blocks"' in from_base64(one.data)))
    key_lines = read_entry(from_base64(drew.entries[-1].note), 0).statement
    assert '"key":null' in key_lines.text().decode()
    for path in frozen.rglob("*"):
        if path.is_file() and mode(path) & 0o077:
            assert b'"ticket"' not in path.read_bytes(), path
            assert lines not in path.read_bytes(), path
            assert drew.embargo is not None
            assert drew.embargo.encode() not in path.read_bytes(), path
    assert "H-" not in told
    done("open", "fund-1", "-C", "office", clock="20T16:00:00")
    assert any(lines == path.read_bytes() for path in (frozen / "log" / "artifact").iterdir())
    assert not list((frozen / "draws/fund-1").glob("*sealed*"))


def test_a_missing_argument_of_the_program_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert run(["log"]) == 2
    assert "checkpoint" in capsys.readouterr().err
