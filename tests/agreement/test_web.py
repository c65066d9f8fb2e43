"""The second verifier's own tests, and its built files: what is committed is what the sources give."""

import subprocess

import pytest

from support import second

pytestmark = pytest.mark.skipif(not second.AVAILABLE, reason=second.MISSING)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=second.WEB, capture_output=True, text=True, encoding="utf-8", check=False)


def test_the_second_verifier_passes_its_own_tests_and_the_same_vectors():
    done = run(str(second.NODE), "--test", "test/")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "# pass 0\n" not in done.stdout


def test_the_committed_page_is_what_its_sources_give_byte_for_byte():
    done = run(str(second.NODE), "build.mjs", "--check")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
