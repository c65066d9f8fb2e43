"""Made draws, honest and bent, put to both verifiers: tests/conftest.py compares verdicts, codes and who was drawn.

`FAIRDRAW_AGREEMENTS` says how many files are put to both; continuous integration takes more than two thousand.
"""

import os
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agreement import worlds
from fairdraw import trust as trusting
from fairdraw import verify
from fairdraw.bundle import Slip, read_file
from fairdraw.errors import Error
from support import second
from support.story import trust
from transparency_log.errors import LogError

pytestmark = pytest.mark.skipif(not second.AVAILABLE, reason=second.MISSING)
FILES = 2  # of one made draw
WHOLE = int(os.environ.get("FAIRDRAW_AGREEMENTS", "300"))


def asked(share: float, *, each: int):
    """Return Hypothesis' settings for a share of all files, of which an example asks of `each`."""
    # Shrinking is worth its time only for whoever looks for the cause: then add Phase.shrink.
    return settings(
        max_examples=max(20, int(WHOLE * share) // each),
        deadline=None,
        derandomize=True,  # a build fails for what was changed, not by luck; whoever looks for more asks for more
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


def both(data: st.DataObject, told, file, trust_file: bytes) -> None:
    """Ask the first verifier; the second overhears."""
    story = told.story
    try:
        known = trusting.parse_trust(trust_file)
    except (Error, LogError):
        second.EAR.refuse(file.format(), trust_file, as_of=story.now)
        return
    log = told.log() if data.draw(st.integers(0, 3)) else None
    if log is not None and data.draw(st.integers(0, 5)) == 0:
        log = worlds.logs(data.draw, log)
    as_of = story.now + data.draw(st.sampled_from((0, 0, 0, 0, -300, -4000, 10_000, 3_000_000)))
    if isinstance(file, Slip):
        verify.verify_slip(file, known, as_of=as_of, log=log)
    else:
        alone = log is None and data.draw(st.booleans())
        verify.verify_bundle(file, known, as_of=as_of, as_of_given=True, log=log, bundle_only=alone)


@given(st.data())
@asked(0.65, each=FILES)
def test_both_say_the_same_of_any_bundle(data):
    told = data.draw(worlds.drawn())
    for _ in range(FILES):
        both(data, told, worlds.files(data.draw, told), worlds.trusts(data.draw, told.story))


@given(st.data())
@asked(0.25, each=FILES)
def test_both_say_the_same_of_any_slip(data):
    told = data.draw(worlds.drawn().filter(lambda one: one.draw is not None))
    for _ in range(FILES):
        both(data, told, worlds.slips(data.draw, told), worlds.trusts(data.draw, told.story))


@given(st.data())
@asked(0.15, each=1)
def test_both_refuse_the_same_mangled_files(data):
    told = data.draw(worlds.drawn())
    mangled = worlds.mangled(data.draw, worlds.handed(told).format())
    known, story = trust(told.story), told.story
    try:
        file = read_file(mangled)
    except Error:
        second.EAR.refuse(mangled, second.EAR.trust_files[known.digest], as_of=story.now)
    else:
        with suppress(TypeError):  # a slip by now
            verify.verify_bundle(file, known, as_of=story.now, log=told.log())


def test_the_second_verifier_was_asked_as_often_as_it_should_be():
    """The tests above prove nothing if the second verifier was never asked; conftest.py has compared all answers."""
    assert second.EAR.second is not None
    assert second.EAR.second.compared >= WHOLE
