"""A library inside somebody's program: it never prints, never ends the process, logs by `logging`, and is typed."""

import ast
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from examples.year import tell, verify

import fairdraw
import transparency_log

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = [Path(package.__file__).parent for package in (fairdraw, transparency_log)]
MODULES = [path for package in PACKAGES for path in sorted(package.rglob("*.py"))]
ENDS = {"exit", "_exit", "abort", "quit"}
SPEAKS = {"print", "input", "pprint", "breakpoint"}


def calls(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the calls of a module as (what it is called on, name)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield "", node.func.id
            elif isinstance(node.func, ast.Attribute):
                yield ast.unparse(node.func.value), node.func.attr


def faults(source: str) -> set[str]:
    """Return what of a module would speak, or end somebody's process."""
    tree, told = ast.parse(source), set()
    for on, name in calls(tree):
        if (not on and name in SPEAKS | ENDS) or (on in {"sys", "os"} and name in ENDS):
            told.add(name)
        if on in {"sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"} or on == "warnings":
            told.add(on)
        if on in {"logging", "logging.root"} and name not in {"getLogger", "NullHandler"}:
            told.add(f"logging.{name}")  # `basicConfig`, or `info` on the root, is for the program to say
    told |= {"SystemExit" for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "SystemExit"}
    return told


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_prints_or_ends_the_process(path: Path) -> None:
    assert faults(path.read_text("utf-8")) == set()


@pytest.mark.parametrize(
    "source",
    ["print(1)", "import sys\nsys.exit(1)", "import os\nos._exit(1)", "raise SystemExit", "exit()",
     "import sys\nsys.stderr.write('x')", "import warnings\nwarnings.warn('x')",
     "import logging\nlogging.basicConfig()", "import logging\nlogging.info('x')", "breakpoint()"],
)  # fmt: skip
def test_a_module_that_does_is_caught(source: str) -> None:
    assert faults(source)


def test_every_logger_is_a_modules_own_and_the_root_of_each_package_is_silent() -> None:
    for path in MODULES:
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "logging.getLogger":
                assert [ast.unparse(argument) for argument in node.args] == ["__name__"], path
    for name in ("fairdraw", "transparency_log"):
        handlers = logging.getLogger(name).handlers
        assert [type(handler) for handler in handlers if isinstance(handler, logging.NullHandler)]
        assert logging.getLogger(name).level == logging.NOTSET
        assert logging.getLogger(name).propagate


def test_a_whole_year_writes_nothing_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    year = tell("laiyuan", objects=60, inspectors=12)
    for matter in year.matters.values():
        verify(year, matter)
    assert capfd.readouterr() == ("", "")


def test_a_program_that_sets_up_no_logging_hears_nothing_and_one_that_does_hears_of_each_step(tmp_path: Path) -> None:
    program = (
        "import logging, sys\n"
        "if sys.argv[1] == 'loud': logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)\n"
        "from transparency_log import Log, Signer\n"
        "from transparency_log.state import MemoryState\n"
        "from transparency_log.storage import Memory\n"
        "log = Log.create(Memory(), Signer.from_seed('log.example.cn', bytes(32)), state=MemoryState())\n"
        "log.append(b'private words')\n"
        "from fairdraw.errors import FetchError\n"
        "from fairdraw.beacon import CHAINS\n"
        "from fairdraw.fetch import fetch_pulse\n"
        "try: fetch_pulse(CHAINS['quicknet'], 1, ['http://user:word@127.0.0.1:9/token'], timeout=2)\n"
        "except FetchError: pass\n"
    )
    told = {}
    for manner in ("silent", "loud"):
        done = subprocess.run(
            [sys.executable, "-c", program, manner], capture_output=True, text=True, check=True, cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / name) for name in ("src", "transparency_log"))},
        )  # fmt: skip
        told[manner] = done.stdout + done.stderr
    assert told["silent"] == ""
    ours = [line for line in told["loud"].splitlines() if ":fairdraw" in line or ":transparency_log" in line]
    assert "DEBUG:transparency_log.log:log.example.cn: appended 1 entries, now 1" in ours
    assert "INFO:fairdraw.fetch:relay 127.0.0.1 did not give round 1 of quicknet: unreachable" in ours
    for secret in ("private words", "user", "word@", "token", "00" * 32):
        assert not [line for line in ours if secret in line]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_both_packages_say_that_they_are_typed(package: Path) -> None:
    assert (package / "py.typed").is_file()
