"""What a command loads: whoever holds a slip waits for what its proof needs, and for nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fairdraw.encoding import format_time
from support.slips import slip_of
from support.story import Told, tell, trust_text

NUMBERS = {"objects": "H-000001", "inspectors": "I-0001"}

# By what it is for: the network, colours, pages, a log's database, compiled loops, tables, whole draws.
UNNEEDED = {
    "requests", "urllib3", "http.client", "ssl", "rich", "jinja2", "segno", "werkzeug", "waitress", "sqlite3", "numba",
    "llvmlite", "numpy", "pyarrow", "dask", "distributed", "xlrd", "xlsxwriter", "chinese_calendar", "asyncio",
    "multiprocessing", "concurrent.futures", "tomllib", "fairdraw.draw", "fairdraw.selection", "fairdraw.assignment",
    "fairdraw.eligibility", "fairdraw.switching", "fairdraw.matching", "fairdraw.regulation", "fairdraw.registry",
    "fairdraw.compliance", "fairdraw.verify.bundles",
    "fairdraw.verify.later", "fairdraw.audit", "fairdraw.render.sheet", "fairdraw.bulk", "fairdraw.kernels",
    "transparency_log.log", "transparency_log.storage", "transparency_log.database", "transparency_log.kernels",
    "fairdraw_cli.source", "fairdraw_cli.casework",
}  # fmt: skip

RUN = """
import json, sys
from fairdraw_cli.main import run
code = run(json.loads(sys.argv[1]))
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


def run_alone(*arguments: str) -> tuple[int, set[str]]:
    """Run a command in a process of its own; return its exit code and the modules that it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(arguments)], capture_output=True, check=True, text=True
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    return code, set(modules)


@pytest.fixture(scope="module")
def told() -> Told:
    return tell()


@pytest.fixture(scope="module")
def trusted(told: Told, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the options that say whom a reader trusts, and when."""
    file = tmp_path_factory.mktemp("reader") / "trust"
    file.write_text(trust_text(told.story), "utf-8")
    return ["--trust", str(file), "--as-of", format_time(told.story.now)]


@pytest.mark.parametrize("role", ["objects", "inspectors"])
def test_a_slip_is_verified_without_what_it_does_not_need(
    told: Told, trusted: list[str], tmp_path: Path, role: str
) -> None:
    (tmp_path / "slip").write_bytes(slip_of(told, NUMBERS[role], own=True, role=role).format())
    code, loaded = run_alone("verify", str(tmp_path / "slip"), *trusted)
    assert (code, loaded & UNNEEDED) == (0, set())
    assert "fairdraw.verify.slips" in loaded


def test_a_bundle_is_verified_by_all_rules_and_without_the_fast_path(
    told: Told, trusted: list[str], tmp_path: Path
) -> None:
    (tmp_path / "bundle").write_bytes(told.bundle().format())
    code, loaded = run_alone("verify", str(tmp_path / "bundle"), *trusted, "--bundle-only")
    assert code == 0
    assert {"fairdraw.verify.bundles", "fairdraw.verify.later", "fairdraw.regulation"} <= loaded
    assert loaded.isdisjoint({"numba", "numpy", "pyarrow", "requests", "rich", "sqlite3", "jinja2"})


def test_no_plugin_of_an_installed_package_sees_what_is_verified(
    told: Told, trusted: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin of pydantic's is handed every value before and after it is checked, and may return another."""
    (tmp_path / "nosy-1.dist-info").mkdir()
    (tmp_path / "nosy-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: nosy\nVersion: 1\n")
    (tmp_path / "nosy-1.dist-info" / "entry_points.txt").write_text("[pydantic]\nnosy = nosy:plugin\n")
    (tmp_path / "nosy.py").write_text("class plugin:\n    new_schema_validator = lambda *_: (None, None, None)\n")
    (tmp_path / "slip").write_bytes(slip_of(told, NUMBERS["objects"]).format())
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("PYDANTIC_DISABLE_PLUGINS", raising=False)  # the command sets it
    code, loaded = run_alone("verify", str(tmp_path / "slip"), *trusted)
    assert (code, "nosy" in loaded) == (0, False)
    model = "import sys, pydantic\nclass Model(pydantic.BaseModel): pass\nprint('nosy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", model], capture_output=True, check=True, text=True).stdout == "True\n"
