"""Attacks with a file that somebody hands to a key's holder, or puts beside the key (docs/threat-model.md)."""

import base64
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fairdraw.errors import WorkspaceError
from fairdraw.schema import Key
from fairdraw_cli import agefile, hardware, keyring, keys, rotation
from fairdraw_cli.history import History
from fairdraw_cli.main import run
from support.softhsm import MODULE, configure, log_out, make_token, needs_token
from support.story import Story, signer
from transparency_log.note import COSIGNATURE_ED25519, Note, Signer

PHRASE = "correct horse battery"
S1 = "s1.example.cn/rehearsal"
CHIEF = "chief.example.cn/rehearsal"
AT = ("--clock", "2026-09-07T10:00:00Z")
Run = Callable[..., tuple[int, str]]


@pytest.fixture(autouse=True)
def forgetful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    keys.forget()
    yield
    keys.forget()


@pytest.fixture
def fairdraw(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = run(["--lang", "en", *words])
        told = capsys.readouterr()
        return code, told.out + told.err

    return call


@pytest.fixture
def phrase_file(monkeypatch: pytest.MonkeyPatch) -> Path:
    path = Path("phrase")
    path.write_text(f"{PHRASE}\n", "utf-8")
    path.chmod(0o600)
    monkeypatch.setenv(keyring.PASSPHRASE_FILE, "phrase")
    return path


# -- a file that is handed over ------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["evil.so", "/media/stick/evil.so", "/usr/../evil.so", "/usr/lib/../../evil.so"])
def test_a_module_that_the_administrator_did_not_install_is_not_run(
    monkeypatch: pytest.MonkeyPatch, fairdraw: Run, module: str
) -> None:
    ran: list[str] = []
    pkcs11 = pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed")
    monkeypatch.setattr(pkcs11, "lib", ran.append)
    place = hardware.Place(module, "t", "b", signer(CHIEF).verifier)
    Path("chief.key").write_bytes(place.format())
    Path("chief.key").chmod(0o600)
    assert fairdraw("init", "office", "--rehearsal", "--bureau", "ybj.example.cn", "--origin", "log.example.cn")[0] == 0
    words = ("--key", "chief.key", "--log", "office/log", "--trust", "office/trust")
    code, told = fairdraw("supervisor", "lost", signer(CHIEF).verifier.vkey, "--reason", "lost", *words, *AT)
    assert code == 2
    assert "is not run" in told
    code, told = fairdraw("key", "new", "x.key", "--name", CHIEF, "--rehearsal", "--pkcs11", module, "--token", "t")
    assert code == 2
    assert "is not run" in told
    assert ran == []


@pytest.mark.parametrize("armoured", [True, False])
@pytest.mark.parametrize("factor", [b"23", b"30", b"63", b"99"])
@pytest.mark.usefixtures("phrase_file")
def test_an_encrypted_key_that_would_take_all_memory_to_open_is_refused_at_once(
    *, factor: bytes, armoured: bool
) -> None:
    from pyrage import passphrase

    made = bytes(passphrase.encrypt(f"{signer(CHIEF).format()}\n".encode(), PHRASE))
    bent = re.sub(rb"(-> scrypt \S+ )[0-9]+", rb"\g<1>" + factor, made)
    assert bent != made
    if armoured:
        bent = agefile.ARMOUR + base64.encodebytes(bent) + agefile.END
    Path("chief.key").write_bytes(bent)
    Path("chief.key").chmod(0o600)
    with pytest.raises(WorkspaceError, match="not-a-passphrase-file"):
        keys.open_key(Path("chief.key"))


@pytest.mark.usefixtures("phrase_file")
def test_a_second_stanza_or_another_kind_of_recipient_does_not_hide_how_much_work_a_file_is() -> None:
    from pyrage import passphrase

    made = bytes(passphrase.encrypt(b"x", PHRASE))
    line = re.search(rb"-> scrypt \S+ [0-9]+\n\S+\n", made)
    assert line is not None
    twice = made.replace(line[0], line[0] + re.sub(rb" [0-9]+\n", b" 30\n", line[0]))
    other = made.replace(line[0], b"-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\n" + b"A" * 43 + b"\n")
    for bent in (twice, other, agefile.ARMOUR + b"\n???\n"):
        Path("chief.key").write_bytes(bent)
        Path("chief.key").chmod(0o600)
        with pytest.raises(WorkspaceError, match="not-a-passphrase-file"):
            keys.open_key(Path("chief.key"))


# -- a file that is put beside the key, or in its place ------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
@pytest.mark.parametrize("kind", ["encrypted", "hardware"])
@pytest.mark.usefixtures("phrase_file")
def test_a_key_file_that_others_may_change_is_not_used(mode: int, kind: str) -> None:
    path = Path("chief.key")
    if kind == "encrypted":
        keys.store_key(path, signer(CHIEF), phrase=PHRASE)
    else:
        path.write_bytes(hardware.Place(str(MODULE), "t", "b", signer(CHIEF).verifier).format())
    path.chmod(mode)
    with pytest.raises(WorkspaceError, match="key-file-open"):
        keys.open_key(path)


@pytest.mark.parametrize("how", ["link", "encrypted", "hardware"])
@pytest.mark.usefixtures("phrase_file")
def test_a_key_that_somebody_planted_beside_anothers_does_not_become_the_next_one(how: str) -> None:
    own = keys.make_key(Path("s.key"), CHIEF)
    planted = signer(CHIEF)
    path = Path(f"s.key.{planted.verifier.key_id.hex()}.next")
    match how:
        case "link":
            keys.store_key(Path("elsewhere"), planted)
            path.symlink_to("elsewhere")
        case "encrypted":
            keys.store_key(path, planted, phrase=PHRASE)
        case _:
            path.write_bytes(hardware.Place(str(MODULE), "t", "b", planted.verifier).format())
            path.chmod(0o600)
    following = rotation.prepare(Path("s.key"), None)
    assert following.verifier not in (own.verifier, planted.verifier)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to somebody else")
def test_a_key_of_another_user_beside_ones_own_does_not_become_the_next_one() -> None:
    keys.make_key(Path("s.key"), CHIEF)
    planted = signer(CHIEF)
    path = Path(f"s.key.{planted.verifier.key_id.hex()}.next")
    keys.store_key(path, planted)
    os.chown(path, 65534, 65534)
    assert rotation.prepare(Path("s.key"), None).verifier != planted.verifier


@pytest.mark.usefixtures("phrase_file")
def test_a_key_behind_a_link_is_encrypted_where_it_lies(fairdraw: Run) -> None:
    Path("vault").mkdir()
    keys.make_key(Path("vault/s.key"), CHIEF)
    plain = Path("vault/s.key").read_bytes()
    Path("s.key").symlink_to("vault/s.key")
    assert fairdraw("key", "encrypt", "s.key")[0] == 0
    assert Path("s.key").is_symlink()
    assert Path("vault/s.key").read_bytes().startswith(agefile.ARMOUR)
    assert not [path for path in Path().rglob("*") if path.is_file() and plain.strip() in path.read_bytes()]
    assert fairdraw("key", "decrypt", "s.key")[0] == 0
    assert Path("vault/s.key").read_bytes() == plain
    assert Path("s.key").is_symlink()


@pytest.mark.usefixtures("phrase_file")
def test_a_plain_key_stays_until_what_replaces_it_has_been_opened(
    fairdraw: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.make_key(Path("s.key"), CHIEF)
    plain = Path("s.key").read_bytes()
    whole = agefile.encrypt
    monkeypatch.setattr(agefile, "encrypt", lambda data, phrase: whole(data[:-2], phrase))
    code, told = fairdraw("key", "encrypt", "s.key")
    assert code == 2
    assert "left as it is" in told
    assert Path("s.key").read_bytes() == plain


# -- what is guessed, and what is forged ---------------------------------------------------------------------------


@needs_token
def test_a_wrong_pin_is_not_tried_again_by_a_process_that_goes_on(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, fairdraw: Run
) -> None:
    configure(tmp_path_factory.getbasetemp(), monkeypatch)
    token = make_token(tmp_path, "guessed", monkeypatch)
    try:
        assert fairdraw("key", "new", "b.pkcs11", "--name", CHIEF, "--rehearsal", *token.options)[0] == 0
        log_out()
        token.pin_file.write_text("000000\n", "utf-8")
        asked: list[str] = []

        def wrong(name: str) -> str:
            asked.append(name)
            return "000000"

        monkeypatch.setattr(keyring, "pin", wrong)
        for _ in range(3):
            with pytest.raises(WorkspaceError, match="pin-wrong"):
                keys.open_key(Path("b.pkcs11"))
        assert asked == [token.label]
    finally:
        log_out()


def test_a_passphrase_in_another_encoding_does_not_become_a_row_of_question_marks(
    fairdraw: Run, phrase_file: Path
) -> None:
    phrase_file.write_bytes("口令四个不相干的词".encode("gb18030"))
    code, told = fairdraw("supervisor", "create", CHIEF, "--rehearsal", "--encrypt", "--out", "x.key")
    assert code == 2
    assert "UTF-8" in told
    assert not Path("x.key").exists()


def test_a_forged_change_of_somebodys_key_in_the_log_stops_nobody() -> None:
    story = Story()
    known = story.people[S1].verifier
    thief = signer(S1)
    said = story.head(S1).make(Key, old=known.vkey, new=thief.verifier.vkey, former=None)
    text = said.text().decode()
    # The thief signs for both: of the key in force there is no line.
    story.add_bytes(Note(text, (thief.sign(text), thief.sign(text))).format())
    entries = History(tuple(story.entries), ()).grown(story.entries[-1]).entries
    assert any(isinstance(entry.statement, Key) for entry in entries)
    assert rotation.follow(known, entries) == known


@pytest.mark.usefixtures("phrase_file")
def test_asking_for_encrypted_keys_leaves_no_plain_copy_of_a_given_one(fairdraw: Run) -> None:
    keys.make_key(Path("b.key"), "ybj.example.cn/rehearsal")
    plain = Path("b.key").read_bytes().strip()
    names = ("--bureau", "ybj.example.cn", "--origin", "log.example.cn/ybj")
    assert fairdraw("init", "office", "--rehearsal", "--encrypt", "--bureau-key", "b.key", *names)[0] == 0
    keys.make_key(Path("w.key"), "w9.example.cn/rehearsal", COSIGNATURE_ED25519)
    code, told = fairdraw("witness", "create", "w", "--name", "w9.example.cn", "--rehearsal", "--encrypt", "--key",
                          "w.key", "--json")  # fmt: skip
    assert code == 0, told
    assert json.loads(told)["lines"]
    plain_too = Path("w.key").read_bytes().strip()
    for folder in ("office", "w"):
        for path in Path(folder).rglob("*"):
            if path.is_file():
                assert plain not in path.read_bytes(), path
                assert plain_too not in path.read_bytes(), path
    assert Path("office/keys/bureau.key").read_bytes().startswith(agefile.ARMOUR)
    assert keys.open_key(Path("office/keys/bureau.key")).verifier == Signer.parse(plain.decode()).verifier
