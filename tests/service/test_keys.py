"""Keys with a passphrase: asked for once at the start, handed on where nobody else can read it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.served import PLAN, Served, make_office, wait_for

PHRASE = "a passphrase that stands nowhere"


@pytest.fixture
def locked(tmp_path):
    """A workspace whose keys are encrypted, and a file with what opens them."""
    office, tokens = make_office(tmp_path)
    phrase = tmp_path / "phrase"
    phrase.write_text(PHRASE + "\n", encoding="utf-8")
    phrase.chmod(0o600)
    environment = {"FAIRDRAW_PASSPHRASE_FILE": str(phrase)}
    for name in ("log", "bureau"):
        words = [sys.executable, "-m", "fairdraw_cli.main", "key", "encrypt", str(office / f"keys/{name}.key")]
        ran = subprocess.run(
            words, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
    return Served(office, tokens, environment=environment)


def test_commands_open_encrypted_keys_and_the_passphrase_stands_nowhere(locked):
    locked.start()
    try:
        lead = locked.client("lead")
        accepted = lead.post("/v1/plans", {"plan": PLAN}, wait=0, clock="07T10:00:00")
        wait_for(locked.children)
        for child in locked.children():
            for name in ("cmdline", "environ"):
                assert PHRASE.encode() not in Path(f"/proc/{child}/{name}").read_bytes()
        over = lead.get(accepted.headers["location"], headers={"Prefer": "wait=60"}).json()
        assert over["state"] == "done", over
    finally:
        locked.stop()
    assert PHRASE not in locked.log.read_text()
    assert PHRASE.encode() not in (locked.office / "state/service.sqlite").read_bytes()


def test_a_service_that_cannot_open_the_keys_does_not_start(locked, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("another passphrase\n", encoding="utf-8")
    wrong.chmod(0o600)
    words = [sys.executable, "-m", "fairdraw_cli.main", "-C", str(locked.office), "serve", "--listen", "127.0.0.1:0",
             "--json"]  # fmt: skip
    for environment, code in (
        ({"FAIRDRAW_PASSPHRASE_FILE": str(wrong)}, "wrong-passphrase"),
        ({}, "passphrase-needed"),
    ):
        ran = subprocess.run(
            words, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, start_new_session=True, timeout=60,
        )  # fmt: skip
        assert (ran.returncode, json.loads(ran.stdout)["error"]["code"]) == (2, code)
