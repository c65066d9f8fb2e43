"""Keys in a token through PKCS#11, with SoftHSM2: log, bureau and witness sign with what never leaves it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fairdraw_cli.keys import kind_of, open_key
from fairdraw_cli.workspace import Workspace
from support.softhsm import PIN, Token, configure, log_out, make_token, needs_token

pytestmark = needs_token
Done = Callable[..., str]
Fairdraw = Callable[..., tuple[int, str]]
BUREAU, ORIGIN = "ybj.example.cn", "log.example.cn/ybj"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("softhsm")


@pytest.fixture
def token(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Token]:
    """A token of the test's own."""
    configure(folder, monkeypatch)
    yield make_token(tmp_path, f"token-{len(list((folder / 'tokens').iterdir()))}", monkeypatch)
    log_out()


@pytest.fixture
def office(token: Token, done: Done, papers: Path) -> Path:
    """A rehearsal workspace whose log and bureau sign in the token."""
    for name, label in ((ORIGIN, "log"), (BUREAU, "bureau")):
        done("key", "new", f"{label}.pkcs11", "--name", name, "--rehearsal", "--label", label, *token.options)
    done("init", "office", "--rehearsal", "--bureau", BUREAU, "--origin", ORIGIN, "--log-key", "log.pkcs11",
         "--bureau-key", "bureau.pkcs11")  # fmt: skip
    return papers / "office"


def test_a_draw_whose_log_and_bureau_sign_in_a_token_holds(office: Path, done: Done) -> None:
    for name in ("log", "bureau"):
        data = (office / f"keys/{name}.key").read_bytes()
        assert kind_of(data) == "hardware"
        assert b"PRIVATE" not in data
        assert PIN.encode() not in data
    log_out()
    done("plan", "log", "plan.toml", "-C", "office", clock="07T10:00:00")
    done("freeze", "institutions", "institutions.csv", "-C", "office", clock="07T10:01:00")
    done("freeze", "staff", "staff.csv", "-C", "office", clock="07T10:01:00")
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    done("draw", "fund-1", "-C", "office", clock="07T18:36:40")
    done("verify", "office/draws/fund-1/fund-1.fairdraw.json", "--trust", "office/trust", "--log", "office/log",
         "--as-of", "2026-09-07T18:37:00Z")  # fmt: skip
    assert "in a token" in done("key", "show", "-C", "office")


def test_the_private_half_can_neither_be_read_nor_taken_out(token: Token, done: Done, tmp_path: Path) -> None:
    import pkcs11
    from pkcs11 import Attribute, KeyType, ObjectClass

    done("key", "new", "b.pkcs11", "--name", BUREAU, "--rehearsal", "--label", "b", *token.options)
    log_out()
    with pkcs11.lib(token.options[1]).get_token(token_label=token.label).open(user_pin=PIN) as session:
        key = session.get_key(ObjectClass.PRIVATE_KEY, KeyType.EC_EDWARDS, "b")
        assert key[Attribute.SENSITIVE]
        assert not key[Attribute.EXTRACTABLE]
        with pytest.raises(pkcs11.PKCS11Error):
            _ = key[Attribute.VALUE]
    assert (tmp_path / "b.pkcs11").stat().st_mode & 0o777 == 0o600


def test_a_key_that_is_there_already_is_taken_and_never_overwritten(
    token: Token, done: Done, fairdraw: Fairdraw
) -> None:
    first = json.loads(done("key", "new", "a.pkcs11", "--name", BUREAU, "--rehearsal", "--label", "b", *token.options,
                            "--json"))  # fmt: skip
    words = ("key", "new", "c.pkcs11", "--name", BUREAU, "--rehearsal", "--label", "b", *token.options)
    code, told = fairdraw(*words)
    assert code == 2
    assert "--existing" in told
    assert json.loads(done(*words, "--existing", "--json"))["vkey"] == first["vkey"]


def test_a_witness_signs_in_a_token(token: Token, done: Done, papers: Path) -> None:
    done("init", "office", "--rehearsal", "--bureau", BUREAU, "--origin", ORIGIN)
    done("key", "new", "w.pkcs11", "--name", "w9.example.cn", "--for", "witness", "--rehearsal", *token.options)
    made = done("witness", "create", "w", "--name", "w9.example.cn", "--rehearsal", "--key", "w.pkcs11", "--json")
    line = json.loads(made)["lines"][0]
    with (papers / "w/logs").open("a", encoding="utf-8") as logs:
        logs.write(f"log {Workspace.open(papers / 'office').log_verifier.vkey}\n")
    done("witness", "add", *line.split()[1:], "-C", "office")
    done("log", "cosign", "export", "request", "--witness", "w9.example.cn/rehearsal", "-C", "office")
    log_out()
    done("witness", "sign", "w", "request", "answer")
    assert "published the cosignature" in done("log", "cosign", "import", "answer", "-C", "office")


def test_a_bureau_moves_from_a_file_into_a_token(token: Token, frozen: Path, done: Done, fairdraw: Fairdraw) -> None:
    done("key", "new", "t.pkcs11", "--name", BUREAU, "--rehearsal", *token.options)
    told = json.loads(done("key", "rotate", "bureau", "--to", "t.pkcs11", "-C", "office", "--json",
                           clock="07T10:01:30"))  # fmt: skip
    assert open_key(frozen / "keys/bureau.key").verifier.vkey == told["vkey"]
    assert kind_of((frozen / "keys/bureau.key").read_bytes()) == "hardware"
    done("announce", "draw.toml", "-C", "office", clock="07T10:02:00")
    code, told = fairdraw("key", "rotate", "bureau", "-C", "office", clock="07T10:05:00")
    assert code == 2
    assert "--to" in told


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("label = \"bureau\"", "label = \"nobody\""), "no Ed25519 key with the label nobody"),
        (("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/nothing.so"), "no PKCS#11 module /usr/lib/nothing.so"),
        (("token = \"token-", "token = \"absent-"), "was found: put it in"),
        (("[pkcs11]", "[pkcs11]\npin = \"1234\""), "pin"),
        (("label = \"bureau\"", "label = 7"), "pkcs11.label"),
    ],
)  # fmt: skip
def test_what_a_key_file_says_wrongly_is_told_with_what_to_do(
    office: Path, fairdraw: Fairdraw, change: tuple[str, str], expected: str
) -> None:
    path = office / "keys/bureau.key"
    path.write_text(path.read_text("utf-8").replace(*change), "utf-8")
    log_out()
    code, told = fairdraw("plan", "log", "plan.toml", "-C", "office", clock="07T10:00:00")
    assert code == 2
    assert expected in told
    assert "Traceback" not in told


def test_a_wrong_pin_is_tried_once(office: Path, token: Token, fairdraw: Fairdraw) -> None:
    token.pin_file.write_text("000000\n", "utf-8")
    log_out()
    code, told = fairdraw("plan", "log", "plan.toml", "-C", "office", clock="07T10:00:00")
    assert code == 2
    assert f"wrong PIN of the token {token.label}" in told
    token.pin_file.write_text(f"{PIN}\n", "utf-8")
    log_out()
    assert fairdraw("plan", "log", "plan.toml", "-C", "office", clock="07T10:00:00")[0] == 0
