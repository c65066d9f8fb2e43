"""The two ways to hash: by compiled code however few the hashes are, or by hashlib however many."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from transparency_log import fast


@contextmanager
def path(*, compiled: bool) -> Iterator[None]:
    """Go one of the two ways. That there is a compiled one to go is what `tests/unit/log/test_fast.py` asserts."""
    pays = compiled and fast.why_not() is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast, "pays", lambda _hashes: pays)
        yield
