"""The module that watches the others runs after them."""

from pathlib import Path

LAST = Path(__file__).parent / "test_log_vectors.py"


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path == LAST)
