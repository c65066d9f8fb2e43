"""What `import fairdraw` and `import transparency_log` give."""

import importlib
import pkgutil

import pytest


@pytest.mark.parametrize("name", ["fairdraw", "transparency_log"])
def test_exports_are_listed_sorted_and_there(name):
    package = importlib.import_module(name)
    assert package.__all__ == sorted(package.__all__, key=lambda one: (one[0].islower(), one))
    assert all(getattr(package, one) is not None for one in package.__all__)
    assert set(package.__all__) <= set(dir(package))


@pytest.mark.parametrize("name", ["fairdraw", "transparency_log"])
def test_no_exported_name_is_a_modules_name(name):
    package = importlib.import_module(name)
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert modules.isdisjoint(package.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError):
        importlib.import_module("fairdraw").nothing  # noqa: B018 - asking for it is the test
