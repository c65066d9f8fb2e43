"""SHA-256 over many short messages, compiled by numba around the block function of hashlib's own libcrypto.

Only `fast` imports this module: `SHA256_Transform` must be known to the compiler before. Kernels of other packages
are made of `hash_blocks` and the states here, so that there is one place that pads and one that compresses. All of them
let go of the interpreter's lock, so that threads hash side by side.
"""

from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
from llvmlite import binding
from numba import njit, types

if binding.address_of_symbol("SHA256_Transform") is None:  # a kernel that calls it would end the process
    raise ImportError("transparency_log.fast has not found SHA256_Transform")

Bytes = bytes | bytearray | memoryview

IV: Final = np.array(
    [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19], np.uint32
)
"""SHA-256 before the first block, FIPS 180-4 §5.3.3."""

BYTES: Final = types.Array(types.uint8, 1, "C")
READ_ONLY: Final = types.Array(types.uint8, 1, "C", readonly=True)
WORDS: Final = types.Array(types.uint32, 1, "C")
LONGS: Final = types.Array(types.int64, 1, "C")
READ_ONLY_LONGS: Final = types.Array(types.int64, 1, "C", readonly=True)

CONTEXT: Final = 32  # words that hold a SHA256_CTX, which has 28
PADDING: Final = 72  # bytes that a buffer needs beyond its message

_compress: Any = types.ExternalFunction("SHA256_Transform", types.void(types.uintp, types.uintp))
# A loop over bytes would cost as much as the compression of a short message.
_copy: Any = types.ExternalFunction("memcpy", types.uintp(types.uintp, types.uintp, types.uintp))
_fill: Any = types.ExternalFunction("memset", types.uintp(types.uintp, types.intc, types.uintp))


@cache
def _sources(file: Path) -> str:
    """Return a digest of all that the kernels in a file can be made of: this file, and those beside it elsewhere."""
    files = [Path(__file__)]
    if file.parent != files[0].parent:
        files += sorted(file.parent.glob("*.py"))
    return sha256(b"".join(sha256(one.read_bytes()).digest() for one in files)).hexdigest()[:16]


def compiled(signatures: Any = None, **options: Any) -> Callable[[Any], Any]:
    """Compile a function, and keep it for other processes under a name that no other sources give.

    numba looks at the function's own file only: a kernel would be used for ever with the constants of other files, and
    the functions inlined from them, of the day when it was compiled.
    """

    def compile_it(function: Any) -> Any:
        function.__qualname__ += "_" + _sources(Path(function.__code__.co_filename))
        return njit(signatures, cache=True, nogil=True, **options)(function)

    return compile_it


@compiled(inline="always")
def copy_bytes(target, at, source, start, length):
    """Copy source[start:start + length] to target[at:]. Nothing is checked: both must be there."""
    _copy(target.ctypes.data + np.uintp(at), source.ctypes.data + np.uintp(start), np.uintp(length))


@compiled(inline="always")
def begin(context, state):
    """Set a context, `CONTEXT` words, to a state of 8: in two stores, for the compression waits for more of them."""
    _copy(context.ctypes.data, state.ctypes.data, np.uintp(32))


@compiled(inline="always")
def hash_blocks(context, start, buffer, length, before, out, at):
    """Write at out[at:at + 32] the SHA-256 of buffer[:length] after `before` bytes whose state is `start`.

    `context` is `CONTEXT` words of scratch; `before` is a multiple of 64; the buffer has `PADDING` bytes beyond the
    message.
    """
    begin(context, start)
    blocks = (length + 9 + 63) // 64
    buffer[length] = 0x80
    _fill(buffer.ctypes.data + np.uintp(length + 1), 0, np.uintp(blocks * 64 - 9 - length))
    bits = np.uint64(before + length) * np.uint64(8)
    for i in range(8):
        buffer[blocks * 64 - 1 - i] = np.uint8((bits >> np.uint64(8 * i)) & np.uint64(255))
    for i in range(blocks):
        _compress(context.ctypes.data, buffer.ctypes.data + np.uintp(64 * i))
    for i in range(8):
        word = context[i]
        out[at + 4 * i] = np.uint8(word >> np.uint32(24))
        out[at + 4 * i + 1] = np.uint8(word >> np.uint32(16))
        out[at + 4 * i + 2] = np.uint8(word >> np.uint32(8))
        out[at + 4 * i + 3] = np.uint8(word)


@compiled([types.void(WORDS, BYTES)])
def absorb(state, block):
    """Replace a state, 8 words, by the one after one 64-byte block."""
    context = np.empty(CONTEXT, np.uint32)
    begin(context, state)
    _compress(context.ctypes.data, block.ctypes.data)
    state[:] = context[:8]


@compiled([types.void(READ_ONLY, READ_ONLY_LONGS, types.int64, BYTES)])
def _leaves(data, ends, longest, out):
    context, buffer = np.empty(CONTEXT, np.uint32), np.empty(1 + longest + PADDING, np.uint8)
    buffer[0] = 0
    start = 0
    for i in range(ends.size):
        length = ends[i] - start
        copy_bytes(buffer, 1, data, start, length)
        hash_blocks(context, IV, buffer, 1 + length, 0, out, 32 * i)
        start = ends[i]


@compiled([types.void(READ_ONLY, BYTES)])
def _parents(nodes, out):
    context, buffer = np.empty(CONTEXT, np.uint32), np.empty(65 + PADDING, np.uint8)
    buffer[0] = 1
    for i in range(out.size // 32):
        copy_bytes(buffer, 1, nodes, 64 * i, 64)
        hash_blocks(context, IV, buffer, 65, 0, out, 32 * i)


def leaf_hashes(data: Bytes, ends: Sequence[int]) -> bytearray:
    """Return the leaf hashes of entries that lie end to end in `data`, RFC 6962 §2.1; `ends` are their ends there.

    Raises:
        ValueError: the ends fall, or lie beyond the data.
    """
    out = bytearray(32 * len(ends))
    if out:
        at: Any = np.asarray(ends, np.int64)
        lengths = np.diff(at, prepend=0)
        # The kernel would read memory that is not the caller's. Of ends beyond 2^62 the differences say nothing.
        if lengths.min() < 0 or at.max() > len(data):
            raise ValueError("ends do not rise within the data")
        _leaves(np.frombuffer(data, np.uint8), at, lengths.max(), np.frombuffer(out, np.uint8))
    return out


def parents(nodes: Bytes) -> bytearray:
    """Return the parents of neighbouring nodes, 32 bytes each; an odd last node has none yet, RFC 6962 §2.1."""
    out = bytearray(len(nodes) // 64 * 32)
    if out:
        _parents(np.frombuffer(nodes, np.uint8), np.frombuffer(out, np.uint8))
    return out
