"""Shared by the tests of the service: a fresh workspace, and one on which a whole draw was made over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.served import Served, drawn, make_office, prepared

pytest.importorskip("fastapi", reason="the optional part [server] is not installed")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A service of an empty rehearsal workspace."""
    running = Served(*make_office(tmp_path))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service of an empty workspace, for tests after which it is empty still."""
    running = Served(*make_office(tmp_path_factory.mktemp("idle")))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def office_of_a_draw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service of a workspace in which one draw was announced and made, all over HTTP; tests only read it."""
    running = Served(*make_office(tmp_path_factory.mktemp("served")))
    running.start()
    prepared(running)
    drawn(running)
    yield running
    running.stop()
