"""What the service is made of: JSON as TOML, languages, tokens, statuses, what callers are shown of a folder."""

import json
import os
import socket
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from fairdraw.errors import WorkspaceError
from fairdraw_cli.main import run
from fairdraw_cli.service.bodies import AnnounceBody, Recusal, in_utc, recusals, refuse_files, toml
from fairdraw_cli.service.jobs import KEEP, Jobs
from fairdraw_cli.service.problems import STATUSES, ServiceError, language, problem, sentence, status_of
from fairdraw_cli.service.runner import shown
from fairdraw_cli.service.server import check_address
from fairdraw_cli.service.tokens import Doorkeeper, new_token, path_of, read_tokens, write_tokens
from fairdraw_cli.session import LANGUAGES, Session

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALARS = st.one_of(TEXT, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False))
VALUES = st.recursive(
    SCALARS, lambda one: st.lists(one, max_size=3) | st.dictionaries(TEXT, one, max_size=3), max_leaves=8
)


@settings(deadline=None)
@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_a_table_says_the_same_as_toml(table):
    assert tomllib.loads(toml(table)) == table


def test_what_is_null_is_left_out():
    assert tomllib.loads(toml({"a": None, "b": [None, 1], "c": {"d": None}})) == {"b": [1], "c": {}}


@pytest.mark.parametrize(
    ("given_", "expected"),
    [("2026-09-08T02:36:36+08:00", "2026-09-07T18:36:36Z"), ("2026-09-07T18:36:36Z", "2026-09-07T18:36:36Z"),
     ("2026-09-07T18:36:36", "2026-09-07T18:36:36"), ("0001-01-01T00:00:00+08:00", "0001-01-01T00:00:00+08:00"),
     ("never", "never"), (7, 7), (None, None), ("2026-09-07T18:36:36.5Z", "2026-09-07T18:36:36.5Z")],
)  # fmt: skip
def test_times_of_rounds_are_written_in_utc(given_, expected):
    assert in_utc({"beacon": [{"at": given_}, 3]}) == {"beacon": [{"at": expected}, 3]}
    assert in_utc({"beacon": "x"}) == {"beacon": "x"}


def test_a_recusal_list_is_one_cell_a_field():
    row = Recusal(object='H"1', inspector="I,2", declarer="bureau", reason="kinship")
    assert recusals([row]).decode().splitlines()[1] == '"H""1","I,2","bureau","kinship",""'


@pytest.mark.parametrize(
    ("table", "keys"),
    [({"regulation": "../x.toml"}, ["regulation"]), ({"regulation": "x.toml"}, ["regulation"]),
     ({"regulation": "/etc/x"}, ["regulation"]), ({"recusals": "list.csv"}, ["recusals"]),
     ({"beacon": [{"events": "events.toml"}]}, ["events"]), ({"notice": "../../keys/log.key"}, ["notice"]),
     ({"form": ["a"]}, ["form"]), ({"witness": 1}, ["witness"]), ({"regulation": {"a": 1}}, ["regulation"])],
)  # fmt: skip
def test_a_table_that_names_a_file_is_refused(table, keys):
    with pytest.raises(ServiceError, match="bad-body"):
        refuse_files(table, *keys)


def test_a_table_that_names_none_is_taken():
    refuse_files({"regulation": "laiyuan", "notice": "ab" * 32, "form": "", "recusals": None}, "regulation", "notice",
                 "form", "recusals")  # fmt: skip
    assert AnnounceBody.model_validate_json('{"draw": {"id": "x"}}').recusals == []


@pytest.mark.parametrize(
    ("header", "lang"),
    [("", "zh"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en", "en"), ("en;q=0.3,zh;q=0.2", "en"), ("fr,en;q=0.1", "en"),
     ("fr", "zh"), ("en;q=0,zh;q=0", "zh"), ("x" * 10_000 + ",en", "zh"), ("en-GB", "en")],
)  # fmt: skip
def test_the_language_is_the_one_that_is_liked_best(header, lang):
    scope = {"type": "http", "headers": [(b"accept-language", header.encode())]}
    assert language(Request(scope)) == lang


def test_a_code_has_one_status_and_a_sentence_in_both_languages():
    codes = [code for listed in STATUSES.values() for code in listed]
    assert len(set(codes)) == len(codes)
    for lang in LANGUAGES:
        words = Session(lang=lang).words
        assert set(STATUSES) == {int(status) for status in words.sections["service-status"]}
        for code in codes:
            known = words.has("error", code) or code in ("usage", "system", "fault")
            assert known, code
        assert problem("fault", {"type": "KeyError", "reason": "a secret"}, lang)["params"] == {}
        assert "secret" not in json.dumps(problem("fault", {"reason": "a secret"}, lang))
    assert status_of("no-such-code-at-all") == 422
    assert sentence("no-such-code-at-all", {}, "en") == "no-such-code-at-all"


def test_callers_are_shown_no_folder_of_the_machine(tmp_path):
    root = tmp_path / "office"
    told = shown(
        {"files": [f"{root}/draws/fund-1/fund-1.html"], "at": f"cannot read {root}/state/x in {root}",
         "n": 1, "o": None, "deep": f"{root}/draws/fund-1/a/b"},
        root,
    )  # fmt: skip
    assert told["files"] == ["/v1/draws/fund-1/files/fund-1.html"]
    assert str(tmp_path) not in json.dumps(told)


def test_a_token_is_kept_as_a_digest_and_found_again(tmp_path):
    token, text = new_token("clerk", now=100, expires=200, chance=os.urandom)
    path = tmp_path / "tokens.toml"
    write_tokens(path, [token])
    assert read_tokens(path) == [token]
    assert text.rpartition(".")[2] not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    keeper = Doorkeeper(path)
    assert keeper.holder(text, 150) == token
    assert keeper.holder(text, 200) is None
    for wrong in ("", text[:-1], text + "0", text.replace(token.id, "00000000"), text[:-4] + "zzzz", text.upper()):
        assert keeper.holder(wrong, 150) is None
    flipped = text[:-1] + ("0" if text[-1] != "0" else "1")
    assert keeper.holder(flipped, 150) is None


def test_a_revoked_token_is_refused_at_once(tmp_path):
    one, first = new_token("clerk", now=0, expires=None, chance=os.urandom)
    two, second = new_token("lead", now=0, expires=None, chance=os.urandom)
    path = tmp_path / "tokens.toml"
    keeper = Doorkeeper(path)
    assert keeper.holder(first, 1) is None
    write_tokens(path, [one, two])
    assert (keeper.holder(first, 1), keeper.holder(second, 1)) == (one, two)
    write_tokens(path, [two])
    assert (keeper.holder(first, 1), keeper.holder(second, 1)) == (None, two)
    path.unlink()
    assert keeper.holder(second, 1) is None


@pytest.mark.parametrize(
    "text",
    ['[[token]]\nid = "x"', "token = 1", '[[token]]\nid = "00000000"\nrole = "root"\nsha256 = "x"\ncreated = "y"', "="],
)
def test_a_damaged_file_of_tokens_lets_nobody_in(tmp_path, text):
    path = tmp_path / "tokens.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"tokens-damaged|file-not-toml"):
        read_tokens(path)
    twice = new_token("clerk", now=0, expires=None, chance=os.urandom)[0]
    write_tokens(path, [twice, twice])
    with pytest.raises(WorkspaceError, match="tokens-damaged"):
        read_tokens(path)


def test_an_address_that_others_reach_needs_a_proxy():
    assert check_address("127.0.0.1:8060", None) == ("127.0.0.1", 8060)
    assert check_address("[::1]:1", None) == ("::1", 1)
    assert check_address("localhost:1", None) == ("localhost", 1)
    assert check_address("0.0.0.0:1", "10.0.0.5") == ("0.0.0.0", 1)  # noqa: S104 - a proxy is named
    for listen in ("0.0.0.0:1", "[::]:1", "192.0.2.1:1", "example.org:1"):
        with pytest.raises(WorkspaceError, match="not-loopback"):
            check_address(listen, None)
    for proxy in ("nginx", "*", "0.0.0.0/0", ""):
        with pytest.raises(WorkspaceError, match="bad-proxy"):
            check_address("0.0.0.0:1", proxy)


@pytest.fixture
def jobs(tmp_path):
    opened = Jobs(tmp_path / "service.sqlite")
    yield opened
    opened.close()


ASKED = {"token": "a", "operation": "make_draw", "key": "k" * 8, "digest": "d"}


def test_an_answer_is_forgotten_after_a_week_and_its_key_is_free(jobs):
    job, fresh = jobs.claim("1", **ASKED, now=0)
    assert fresh
    jobs.ended(job.id, "done", 10, exit_code=0, answer={"a": 1})
    jobs.tidy((), 10 + KEEP)
    again, fresh = jobs.claim("2", **ASKED, now=10 + KEEP)
    assert (again.id, again.answer, fresh) == ("1", {"a": 1}, False)
    jobs.tidy((), 11 + KEEP)
    other, fresh = jobs.claim("3", **ASKED, now=11 + KEEP)
    assert (other.id, fresh) == ("3", True)


@pytest.mark.parametrize(("code", "again"), [("locked", True), ("system", True), ("round-not-due", False)])
def test_what_passes_may_be_asked_for_again_under_the_same_key(jobs, code, again):
    job, _ = jobs.claim("1", **ASKED, now=0)
    jobs.ended(job.id, "failed", 1, exit_code=2, answer={"error": {"code": code, "params": {}}})
    told, fresh = jobs.claim("2", **ASKED, now=2)
    assert (told.id, fresh, told.attempts) == ("1", again, 2 if again else 1)


def test_what_ran_when_the_service_ended_was_cut_off(tmp_path, jobs):
    jobs.claim("1", **ASKED, now=0)
    jobs.close()
    again = Jobs(tmp_path / "service.sqlite")
    again.tidy((), 5)
    assert again.get("1", "a").state == "interrupted"
    with pytest.raises(ServiceError, match="no-such-job"):
        again.get("1", "b")
    again.tidy((), 6 + KEEP)  # what was cut off and never asked for again is not kept for ever
    with pytest.raises(ServiceError, match="no-such-job"):
        again.get("1", "a")
    again.close()


def test_what_runs_is_not_taken_for_cut_off(jobs):
    jobs.claim("1", **ASKED, now=0)
    jobs.claim("2", **{**ASKED, "key": "l" * 8}, now=0)
    jobs.tidy(("1",), 9 * KEEP)
    assert [(one.id, one.state) for one in jobs.newest("a")] == [("2", "interrupted"), ("1", "queued")]


def test_what_was_forgotten_is_not_left_in_the_file(tmp_path, jobs):
    jobs.claim("1", **ASKED, now=0)
    jobs.ended("1", "failed", 1, answer={"error": {"code": "nothing-frozen", "params": {"found": "Hospital Seven"}}})
    jobs.close()  # what was written ahead goes into the file
    path = tmp_path / "service.sqlite"
    assert b"Hospital Seven" in path.read_bytes()
    again = Jobs(path)
    again.tidy((), 2 + KEEP)
    again.close()
    assert b"Hospital Seven" not in path.read_bytes()
    assert not path.with_name("service.sqlite-wal").exists()


def test_tokens_at_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["init", "office", "--rehearsal", "--bureau", "b.example", "--origin", "o.example/x"]) == 0
    capsys.readouterr()

    def told(*words, code=0):
        assert run(["-C", "office", "--lang", "en", *words]) == code
        printed = capsys.readouterr()
        return printed.out + printed.err

    assert "no token yet" in told("token", "list")
    made = told("token", "new", "clerk", "--expires", "9000-01-01T00:00:00Z").splitlines()
    assert "shown this once" in made[0]
    token = made[1]
    assert Doorkeeper(path_of(Path("office"))).holder(token, 0).role == "clerk"
    name = token.split(".")[1]
    listed = told("token", "list")
    assert f"{name}  clerk" in listed
    assert token not in listed
    assert json.loads(told("token", "list", "--json"))["tokens"][0]["id"] == name
    assert "would have expired already" in told("token", "new", "lead", "--expires", "2020-01-01T00:00:00Z", code=2)
    assert "--expires" not in told("token", "new", "boss", code=2)
    assert "no token ffffffff" in told("token", "revoke", "ffffffff", code=2)
    assert "is revoked" in told("token", "revoke", name)
    assert "no token yet" in told("token", "list")
    assert "others can reach" in told("serve", "--listen", "0.0.0.0:8060", code=2)
    assert "IP address" in told("serve", "--listen", "0.0.0.0:8060", "--behind-proxy", "all", code=2)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "another program" in told("serve", "--listen", f"127.0.0.1:{taken.getsockname()[1]}", code=2)
