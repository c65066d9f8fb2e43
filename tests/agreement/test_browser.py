"""The pages in real browsers (web/e2e): true draws, false ones, ill hosts, spiteful names, and whoever reads them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support import second

E2E = second.WEB / "e2e"
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FIREFOX = Path(os.environ.get("FIREFOX", "/usr/bin/firefox-esr"))
COMMAND = Path(sys.executable).with_name("fairdraw")
PACKED = second.WEB / "node_modules" / "@sparticuz" / "chromium"  # Chromium 109
DRIVER = second.WEB / "node_modules" / "playwright-core"

BROWSERS = {"chromium109.test.mjs": PACKED, "firefox.test.mjs": FIREFOX}
FILES = sorted(path.name for path in E2E.glob("*.test.mjs"))


def lacking(name: str) -> str | None:
    """Return what a file's tests lack on this machine, or None."""
    if not second.AVAILABLE or not DRIVER.is_dir():
        return second.MISSING
    browser = BROWSERS.get(name, CHROMIUM)
    return None if browser.exists() else f"no browser at {browser}"


def test_there_are_files_for_every_browser() -> None:
    assert set(BROWSERS) < set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_in_a_browser(name: str) -> None:
    if why := lacking(name):
        pytest.skip(why)
    done = subprocess.run([str(second.NODE), "--test", f"e2e/{name}"], cwd=second.WEB, capture_output=True, text=True,
                          encoding="utf-8", env=os.environ | {"FAIRDRAW": str(COMMAND)}, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "# skipped 0\n" in done.stdout
    assert "# pass 0\n" not in done.stdout
