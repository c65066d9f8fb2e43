"""Passphrases from files, and what an audit says of a key that was reported lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fairdraw.audit import audit
from fairdraw.errors import WorkspaceError
from fairdraw.schema import Key, Loss
from fairdraw_cli import agefile, keyring, keys, rotation
from support.audited import published
from support.story import Story, tell, trust
from transparency_log.errors import NoteError
from transparency_log.note import Signer

PHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def forgetful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    keys.forget()
    yield
    keys.forget()


def named(monkeypatch: pytest.MonkeyPatch, text: str, *, mode: int = 0o600, name: str = "phrase") -> Path:
    path = Path(name)
    path.write_text(text, "utf-8")
    path.chmod(mode)
    monkeypatch.setenv(keyring.PASSPHRASE_FILE, name)
    return path


@pytest.mark.parametrize("text", [PHRASE, f"{PHRASE}\n", f"{PHRASE}\r\n", f"{PHRASE}\nmore\n"])
def test_the_first_line_of_the_file_is_the_passphrase(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    named(monkeypatch, text)
    assert keyring.from_file(keyring.PASSPHRASE_FILE) == PHRASE


def test_a_file_that_is_empty_or_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, "\nsecond line\n")
    with pytest.raises(WorkspaceError, match="passphrase-file-empty"):
        keyring.from_file(keyring.PASSPHRASE_FILE)
    monkeypatch.setenv(keyring.PASSPHRASE_FILE, "nothing")
    with pytest.raises(WorkspaceError, match="file-missing"):
        keyring.from_file(keyring.PASSPHRASE_FILE)


def test_a_folder_is_no_passphrase_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(keyring.PASSPHRASE_FILE, str(tmp_path))
    with pytest.raises((WorkspaceError, OSError)):
        keyring.from_file(keyring.PASSPHRASE_FILE)


def test_a_credential_of_systemd_is_taken_whatever_its_mode_says(monkeypatch: pytest.MonkeyPatch) -> None:
    # An access list of systemd's shows as a group that may read.
    path = named(monkeypatch, PHRASE, mode=0o440)
    with pytest.raises(WorkspaceError, match="passphrase-file-open"):
        keyring.from_file(keyring.PASSPHRASE_FILE)
    monkeypatch.setenv(keyring.CREDENTIALS, str(path.absolute().parent))
    assert keyring.from_file(keyring.PASSPHRASE_FILE) == PHRASE


def test_what_opened_one_key_opens_the_next_without_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        keys.make_key(Path(f"{name}.key"), f"{name}.example.cn", phrase=PHRASE)
    path = named(monkeypatch, PHRASE)
    assert keys.open_key(Path("a.key")).name == "a.example.cn"
    path.unlink()
    monkeypatch.delenv(keyring.PASSPHRASE_FILE)
    assert keys.open_key(Path("b.key")).name == "b.example.cn"
    assert keyring.known() == PHRASE
    keys.forget()
    assert keyring.known() is None


def test_a_key_that_follows_another_opens_with_that_ones_passphrase_and_not_with_the_last_one_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pyrage import passphrase

    phrases = {"a": PHRASE, "b": f"{PHRASE} staple"}
    for name, phrase in phrases.items():
        keys.make_key(Path(f"{name}.key"), f"{name}.example.cn", phrase=phrase)
        named(monkeypatch, phrase, name=f"phrase-{name}")
        keys.open_key(Path(f"{name}.key"))
    assert keyring.known() == phrases["b"]
    following = rotation.prepare(Path("a.key"), None)
    (kept,) = Path().glob("a.key.*.next")
    plain = bytes(passphrase.decrypt(kept.read_bytes(), phrases["a"])).decode()
    assert Signer.parse(plain).verifier == following.verifier


def test_a_mark_of_the_byte_order_is_no_part_of_a_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, f"\ufeff{PHRASE}\r\n")
    assert keyring.from_file(keyring.PASSPHRASE_FILE) == PHRASE


def test_an_encrypted_file_with_a_flipped_bit_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path("a.key")
    keys.make_key(path, "a.example.cn", phrase=PHRASE)
    named(monkeypatch, PHRASE)
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    monkeypatch.setattr(keyring, "_has_terminal", lambda: False)
    with pytest.raises(WorkspaceError) as refused:
        keys.open_key(path)
    assert refused.value.code in {"wrong-passphrase", "not-a-passphrase-file"}  # by what stands in the middle


def test_an_encrypted_file_that_holds_no_key_is_told_without_quoting_it(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.key").write_bytes(agefile.encrypt(b"my diary\n", PHRASE))
    named(monkeypatch, PHRASE)
    with pytest.raises(NoteError, match="not-a-private-key") as told:
        keys.open_key(Path("a.key"))
    assert "diary" not in str(told.value)


def test_a_key_of_every_kind_shows_its_public_half_only_where_nothing_has_to_be_opened() -> None:
    signer = keys.make_key(Path("plain.key"), "a.example.cn")
    assert keys.told_verifier(Path("plain.key")) == signer.verifier
    keys.store_key(Path("closed.key"), signer, phrase=PHRASE)
    assert keys.told_verifier(Path("closed.key")) is None
    assert Signer.parse(Path("plain.key").read_text("utf-8")) == signer


# -- what an audit says of a lost key ------------------------------------------------------------------------------


def findings(story: Story) -> list[tuple[int | None, dict[str, object]]]:
    told = tell(story).later()
    report = audit(told.log(), trust(story), log=story.origin, as_of=story.now, calendar=published())
    found = [one for year in report.years for one in year.findings if one.code == "key-reported-lost"]
    return [(one.index, dict(one.evidence)) for one in found]


def test_a_witness_that_goes_on_with_a_key_reported_lost_is_told_with_the_sizes() -> None:
    story = Story()
    witness = story.witness_keys[0].verifier
    story.add(story.head().make(Loss, key=witness.vkey, reason="stolen"))
    ((index, said),) = findings(story)
    assert (index, said["name"], said["count"]) == (0, witness.name, 0)
    sizes = sorted({int(data.split(b"\n")[1]) for data in story.checkpoints})
    assert (said["cosigned"], said["sizes"]) == (len(sizes), sizes)


def test_a_change_with_a_key_reported_lost_is_told_and_what_the_next_key_signs_is_not() -> None:
    story = Story()
    name = "s1.example.cn/rehearsal"
    lost = story.people[name].verifier.vkey
    story.add(story.head("s0.example.cn/rehearsal").make(Loss, key=lost, reason="lost"))
    change = story.change_key(name)
    assert isinstance(change.statement, Key)
    story.add(story.head(name).make(Loss, key=lost, reason="lost"))
    ((index, said),) = findings(story)
    # The second report says nothing new, and is signed with the new key.
    assert (index, said["entries"], said["count"]) == (0, [change.index], 1)


def test_a_key_that_signs_nothing_any_more_is_no_finding() -> None:
    story = Story()
    story.add(story.head().make(Loss, key=story.people["s1.example.cn/rehearsal"].verifier.vkey, reason="destroyed"))
    assert findings(story) == []
