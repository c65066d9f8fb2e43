"""A SoftHSM2 token of a test's own: its PIN, its folder, and what is changed in it behind the program's back."""

import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from fairdraw_cli import hardware, keyring, keys

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "271828"

needs_token = pytest.mark.skipif(
    not MODULE.is_file() or shutil.which("softhsm2-util") is None or find_spec("pkcs11") is None,
    reason="softhsm2 or python-pkcs11 is not installed",
)


@dataclass(frozen=True)
class Token:
    """A token with a label, and the file with its PIN."""

    label: str
    pin_file: Path

    @property
    def options(self) -> tuple[str, ...]:
        """What `fairdraw key new` is told of it."""
        return "--pkcs11", str(MODULE), "--token", self.label


def make_token(folder: Path, label: str, monkeypatch: pytest.MonkeyPatch) -> Token:
    """Make a token and name its PIN to the program."""
    pin_file = folder / f"{label}.pin"
    pin_file.write_text(f"{PIN}\n", "utf-8")
    pin_file.chmod(0o600)
    monkeypatch.setenv(keyring.PIN_FILE, str(pin_file))
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "314159265"]
    subprocess.run(command, check=True, capture_output=True)
    return Token(label, pin_file)


def configure(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tokens lie in a folder. The module reads this once a process, so it is the same for every test."""
    (folder / "tokens").mkdir(exist_ok=True)
    config = folder / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(config))


def log_out() -> None:
    """Forget sessions, PINs and keys, as the end of a process does."""
    for session in hardware._sessions.values():
        session.close()
    hardware._sessions.clear()
    hardware._refused.clear()
    keys.forget()
    import pkcs11

    pkcs11.unload(str(MODULE))  # a loaded module knows the tokens of its start
