"""The compiled way of sealing is used only where it makes what the plain way makes."""

import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from fairdraw.bulk import compiled
from transparency_log import fast


@pytest.fixture(autouse=True)
def _examined_anew():
    fast.load.cache_clear()
    yield
    fast.load.cache_clear()


def test_it_is_there_with_the_extra_and_agrees():
    pytest.importorskip("numba")
    module = compiled.quick()
    assert module is not None
    assert compiled._agrees(module)


def test_the_switch_turns_it_off(monkeypatch):
    monkeypatch.setattr(fast, "why_not", lambda: "switched-off")
    assert compiled.quick() is None


@pytest.mark.parametrize("field", ["leaves", "roster", "private", "keys", "at", "groups", "numbers"])
def test_a_module_that_makes_anything_else_is_not_used(monkeypatch, field):
    pytest.importorskip("numba")
    right = compiled.quick()

    class Liar(right.QuickSealer):
        def csv(self, *told):
            batch = super().csv(*told)
            return replace(
                batch, **{field: type(getattr(batch, field))()} if field in {"leaves", "groups"} else {field: None}
            )

    assert not compiled._agrees(SimpleNamespace(QuickSealer=Liar))
    fast.load.cache_clear()
    monkeypatch.setattr(compiled, "_import", lambda: SimpleNamespace(QuickSealer=Liar))
    assert compiled.quick() is None


def test_nothing_of_it_is_imported_by_who_freezes_in_memory():
    program = (
        "import sys, fairdraw.snapshot, fairdraw.registry, fairdraw.bulk.compiled\n"
        "assert not {'numba', 'numpy', 'llvmlite', 'pyarrow', 'fairdraw.bulk.quick'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
