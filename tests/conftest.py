"""Whatever attacks and agreement tests ask of the verifier, the second verifier is asked too."""

import pytest

from support import second

if second.AVAILABLE:
    second.listen()

BOTH = ("attacks", "agreement")


@pytest.fixture(autouse=True)
def both_verifiers(request):
    """Put every verification of a test to both verifiers, and fail the test where they differ.

    Not of one that is marked `own_limits`: it changes a limit of the first verifier, of which the second knows nothing.
    """
    own = request.node.get_closest_marker("own_limits") is not None
    second.EAR.listening = second.AVAILABLE and request.path.parent.name in BOTH and not own
    yield
    second.EAR.listening = False
    second.EAR.settle()


def pytest_sessionfinish(session):
    second.EAR.stop()
