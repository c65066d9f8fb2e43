"""The compiled path is there where the extra is installed, and gives way wherever it cannot be trusted."""

import importlib.machinery
import subprocess
import sys
from hashlib import sha256
from types import ModuleType

import pytest

import transparency_log
from support.paths import path
from transparency_log import fast, merkle

KERNELS = "transparency_log.kernels"


@pytest.fixture(autouse=True)
def _examined_anew(monkeypatch):
    monkeypatch.delenv(fast.SWITCH, raising=False)
    fast.why_not.cache_clear()
    fast.load.cache_clear()
    yield
    monkeypatch.undo()
    fast.why_not.cache_clear()
    fast.load.cache_clear()


@pytest.fixture
def kernels():
    assert fast.why_not() is None
    return sys.modules[KERNELS]


def test_where_the_extra_is_installed_the_compiled_path_is_there():
    assert fast.why_not() is None


def test_memory_does_not_grow_with_the_cores_of_a_large_machine(monkeypatch):
    for cores, workers in ((1, 1), (2, 2), (256, fast.MOST_WORKERS)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _process, cores=cores: set(range(cores)))
        assert fast.workers(1 << 40) == workers


def test_the_switch_turns_it_off(monkeypatch):
    monkeypatch.setenv(fast.SWITCH, "off")
    assert fast.why_not() == "switched-off"
    assert not fast.pays(1 << 40)
    assert fast.hashing(1 << 40) is None
    assert fast.workers(1 << 40) == 1


@pytest.mark.parametrize(
    ("module", "replaced", "reason"),
    [
        ("llvmlite", None, "not-installed"),
        ("_hashlib", None, "no-symbol"),
        ("_hashlib", ModuleType("_hashlib"), "no-symbol"),  # of a static build: it has no file
    ],
    ids=["no-numba", "no-openssl", "static-openssl"],
)
def test_a_machine_without_what_it_needs_has_none(monkeypatch, module, replaced, reason):
    monkeypatch.setitem(sys.modules, module, replaced)
    assert fast.why_not() == reason


def test_a_library_without_the_symbol_has_none(monkeypatch):
    monkeypatch.setattr(fast, "SYMBOL", "SHA256_Transform_of_another_library")
    assert fast.why_not() == "no-symbol"


@pytest.mark.parametrize(("error", "reason"), [(RuntimeError, "not-compiled"), (ImportError, "not-installed")])
def test_kernels_that_cannot_be_imported_are_not_used(monkeypatch, error, reason):
    class Broken(importlib.machinery.PathFinder):
        @classmethod
        def find_spec(cls, name, *args):
            if name == KERNELS:
                raise error("cannot cache function: no locator available")

    monkeypatch.delitem(sys.modules, KERNELS, raising=False)
    monkeypatch.delattr(transparency_log, "kernels", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken, *sys.meta_path])
    assert fast.why_not() == reason


@pytest.mark.parametrize("function", ["leaf_hashes", "parents"])
@pytest.mark.parametrize("at", [0, -1])
def test_one_wrong_bit_in_the_self_test_is_the_end_of_it(monkeypatch, kernels, function, at):
    right = getattr(kernels, function)

    def wrong(*args):
        hashes = right(*args)
        hashes[at] ^= 1
        return hashes

    monkeypatch.setattr(kernels, function, wrong)
    fast.why_not.cache_clear()
    assert fast.why_not() == "wrong-hashes"


def test_kernels_that_raise_in_the_self_test_are_not_used(monkeypatch, kernels):
    monkeypatch.setattr(kernels, "parents", lambda _nodes: 1 // 0)
    fast.why_not.cache_clear()
    assert fast.why_not() == "wrong-hashes"


def test_a_module_of_kernels_is_loaded_only_if_its_own_self_test_holds(monkeypatch):
    module = ModuleType("kernels_of_somebody")
    assert fast.load(lambda: module, lambda found: found is module) is module
    assert fast.load(lambda: module, lambda _found: False) is None
    assert fast.load(lambda: 1 // 0, lambda _found: True) is None
    assert fast.load(lambda: module, lambda _found: 1 // 0) is None
    monkeypatch.setenv(fast.SWITCH, "off")
    fast.why_not.cache_clear()
    assert fast.load(lambda: module, lambda _found: True) is None


def test_few_hashes_do_not_start_the_compiler():
    code = f"""if True:
        import sys
        from transparency_log import fast, levels, merkle
        entries = [bytes([i % 256]) for i in range(1000)]
        tree = merkle.Tree.over(entries)
        assert not fast.pays(fast.PAYS_FROM - 1) and not fast.pays(len(entries)) and fast.workers(len(entries)) == 1
        assert not {{"numba", "numpy", "llvmlite"}} & set(sys.modules)
        assert fast.pays(fast.PAYS_FROM) and fast.pays(fast.PAYS_AGAIN)
        assert "{KERNELS}" in sys.modules and not fast.pays(fast.PAYS_AGAIN - 1)
        assert merkle.Tree.over(entries).root() == tree.root()
    """
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_ends_that_would_let_a_kernel_read_beyond_its_data_are_refused(kernels):
    assert kernels.leaf_hashes(b"ab", [1, 2])[32:] == merkle.leaf_hash(b"b")
    assert kernels.leaf_hashes(b"", []) == kernels.parents(b"") == kernels.parents(bytes(63)) == b""
    for ends in ([3], [1, 3], [2, 1], [-1], [-1, 2], [2**63 - 1, -(2**63)]):
        for compiled in (False, True):
            with path(compiled=compiled), pytest.raises(ValueError, match="ends"):
                merkle.leaf_hashes_in(b"ab", ends)


def test_a_state_after_a_block_goes_on_as_the_hash_of_both(kernels):
    import numpy as np
    from numba import njit

    hash_blocks, context = kernels.hash_blocks, np.empty(kernels.CONTEXT, np.uint32)

    @njit
    def finish(context, state, buffer, length, out):
        hash_blocks(context, state, buffer, length, 64, out, 0)

    state, block, out = kernels.IV.copy(), np.arange(64, dtype=np.uint8), np.zeros(32, np.uint8)
    kernels.absorb(state, block)
    for length in (0, 5, 55, 56, 64):
        finish(context, state, np.full(length + kernels.PADDING, 7, np.uint8), length, out)
        assert out.tobytes() == sha256(block.tobytes() + b"\7" * length).digest()


@pytest.mark.parametrize("compiled", [False, True])
def test_entries_of_every_length_are_hashed_as_hashlib_hashes_them(compiled):
    entries = [bytes(i * 31 % 251 for i in range(length)) for length in range(300)] + [bytes(70_000), b""]
    with path(compiled=compiled):
        hashes = merkle.leaf_hashes(entries)
    assert hashes == b"".join(sha256(b"\0" + entry).digest() for entry in entries)


def test_kernels_that_are_imported_before_the_symbol_is_known_do_not_end_the_process():
    told = subprocess.run([sys.executable, "-c", f"import {KERNELS}"], check=False, capture_output=True, text=True)
    assert told.returncode == 1
    assert f"ImportError: transparency_log.fast has not found {fast.SYMBOL}" in told.stderr


def test_no_kernel_is_kept_longer_than_the_sources_that_it_was_made_of(tmp_path):
    """What numba keeps of a file does not change when another does, from which it takes functions and constants."""
    (tmp_path / "above.py").write_text("""if True:
        from base import ADDED, add
        from transparency_log.kernels import compiled, types
        @compiled([types.int64(types.int64)])
        def above(value):
            return add(value) + ADDED
    """)
    base = """if True:
        from transparency_log.kernels import compiled
        ADDED = {0}
        @compiled(inline="always")
        def add(value):
            return value + {1}
    """
    code = "from transparency_log import fast\nassert fast.why_not() is None\nfrom above import above\nprint(above(0))"
    for constant, inlined in ((1, 10), (2, 10), (2, 20)):
        (tmp_path / "base.py").write_text(base.format(constant, inlined))
        told = subprocess.run([sys.executable, "-Bc", code], cwd=tmp_path, check=True, capture_output=True, text=True)
        assert told.stdout == f"{constant + inlined}\n"
