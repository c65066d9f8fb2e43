"""Whether hashing may go through compiled code: the extra `[fast]`, which changes nothing but time.

The compiled kernels call the very libcrypto that `hashlib` calls. They are used where numba is installed, the symbol is
there (a statically linked Python has none), a self-test against `hashlib` has passed, and nobody has said
`FAIRDRAW_FAST=off`. Everything has a plain path, which is the reference.
"""

import os
import sys
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from itertools import accumulate
from types import ModuleType
from typing import Final

SWITCH: Final = "FAIRDRAW_FAST"
SYMBOL: Final = "SHA256_Transform"
PAYS_FROM: Final = 1 << 19  # hashes: numba takes about half a second to start, in which hashlib makes as many
PAYS_AGAIN: Final = 1 << 7  # once it has started, only the way into a kernel is to be paid for
MOST_WORKERS: Final = 8  # threads: so many hash faster than one writes down, and each has megabytes in hand

_KERNELS: Final = "transparency_log.kernels"


@cache
def why_not() -> str | None:
    """Return why there is no fast path on this machine, a code that `doctor` has words for; None where there is one."""
    if os.environ.get(SWITCH) == "off":
        return "switched-off"
    return _why_no_symbol() or _why_no_kernels()


def pays(hashes: int) -> bool:
    """Say whether so many hashes are worth the start of the compiled code, and there is any."""
    return hashes >= (PAYS_AGAIN if _KERNELS in sys.modules else PAYS_FROM) and why_not() is None


def hashing(hashes: int) -> ModuleType | None:
    """Return the kernels of SHA-256 where so many hashes are worth them, None where hashlib is to make them."""
    return sys.modules[_KERNELS] if pays(hashes) else None


def workers(hashes: int) -> int:
    """Return how many threads may share so many hashes: hashlib holds the interpreter's lock over a short message."""
    return min(len(os.sched_getaffinity(0)), MOST_WORKERS) if pays(hashes) else 1


@cache
def load(import_it: Callable[[], ModuleType], holds: Callable[[ModuleType], bool]) -> ModuleType | None:
    """Return a module of kernels that has passed its own self-test `holds`, None where there is no fast path."""
    if why_not() is not None:
        return None
    try:
        module = import_it()
        return module if holds(module) else None
    except Exception:  # noqa: BLE001 - whatever a compiler trips over, the plain path is there
        return None


def _why_no_symbol() -> str | None:
    """Tell the compiler where the libcrypto of `hashlib` has its SHA-256."""
    try:
        from llvmlite import binding  # noqa: PLC0415 - it comes with numba
    except ImportError:
        return "not-installed"
    try:
        import _hashlib  # noqa: PLC0415 - a Python without OpenSSL has none
        import ctypes  # noqa: PLC0415

        found = getattr(ctypes.CDLL(_hashlib.__file__), SYMBOL)
    except (ImportError, AttributeError, OSError, TypeError):
        return "no-symbol"  # OpenSSL was linked into the interpreter: there is no file, or it shows no symbol
    binding.add_symbol(SYMBOL, ctypes.cast(found, ctypes.c_void_p).value)
    return None


def _why_no_kernels() -> str | None:
    try:
        from transparency_log import kernels  # noqa: PLC0415 - compiled, or read from numba's cache, when it is needed
    except ImportError:
        return "not-installed"
    except Exception:  # noqa: BLE001 - no folder for its cache, a warning made an error: the plain path is there
        return "not-compiled"
    try:
        return None if _same_as_hashlib(kernels) else "wrong-hashes"
    except Exception:  # noqa: BLE001 - as above
        return "wrong-hashes"


def _same_as_hashlib(kernels: ModuleType) -> bool:
    lengths = (0, 1, 54, 55, 56, 63, 64, 119, 120, 1000)  # on both sides of where the padding needs another block
    messages = [bytes(i * 7 % 256 for i in range(length)) for length in lengths]
    leaves = b"".join(sha256(b"\0" + message).digest() for message in messages)
    parents = b"".join(sha256(b"\1" + leaves[at : at + 64]).digest() for at in range(0, len(leaves), 64))
    found = kernels.leaf_hashes(b"".join(messages), list(accumulate(lengths)))
    return (found, kernels.parents(leaves)) == (leaves, parents)
