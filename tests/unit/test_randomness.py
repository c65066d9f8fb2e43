"""Several sources together: what each needs, when all are settled, and which may stand where."""

import pytest

from fairdraw.beacon import CHAINS
from fairdraw.encoding import digest
from fairdraw.errors import AnnouncementError, BeaconError
from fairdraw.events import LONGEST
from fairdraw.nist import nist_chain
from fairdraw.randomness import (
    artifacts_of,
    check_sources,
    check_value,
    closes_at,
    last_drand,
    named_sources,
    settled_at,
    time_of,
)
from fairdraw.values import PulseValue, Source
from support.sources import certificate, definition, listed, nist_pulse, strong

QUICKNET = CHAINS["quicknet"]
NIST = nist_chain(certificate(), id="nist", chain_index=2)
KNOWN = {**CHAINS, "nist": NIST}


def drand(after: int) -> tuple:
    return QUICKNET, QUICKNET.round_at_or_after(after)


def value(beacon: str, number: int, signature: str) -> PulseValue:
    return PulseValue(beacon=beacon, round=number, signature=signature, previous=None)


def test_a_bundle_carries_what_events_and_documents_need_and_nothing_for_drand():
    of, number = definition(), NIST.round_at_or_after(1_788_800_000)
    sources = named_sources([(of, of.round), (NIST, number), drand(of.closes + 90_000)], margin=300)
    assert [source.beacon for source in sources] == ["events", "nist", "quicknet"]
    last = value("quicknet", sources[2].round, "00" * 48)
    pulses = [value("events", of.round, "11" * 32), value("nist", number, "22" * 32), last]
    assert artifacts_of(sources, pulses) == {of.hash, NIST.hash, "11" * 32, "22" * 32}
    assert artifacts_of(sources, []) == {of.hash}
    assert artifacts_of(sources[2:], [last]) == set()


def test_sources_are_settled_when_the_last_round_is_due_and_the_events_are_over():
    of = definition()
    sources = named_sources([(of, of.round), drand(of.closes + 600)], margin=300)
    assert time_of(sources[0], KNOWN) == of.round * 60
    assert settled_at(sources, KNOWN, {of.hash: of.format()}) == QUICKNET.time_of(sources[1].round)
    assert settled_at(sources[:1], KNOWN, {of.hash: of.format()}) == of.closes == closes_at(of, of.round)
    # A definition that is not at hand, or not what was named, cannot make anybody early.
    assert settled_at(sources[:1], KNOWN, {}) == of.round * 60 + LONGEST
    assert settled_at(sources[:1], KNOWN, {of.hash: b"{}\n"}) == of.round * 60 + LONGEST
    assert last_drand(sources, KNOWN) == QUICKNET.time_of(sources[1].round)
    assert last_drand(sources[:1], KNOWN) is None


def test_the_order_in_which_sources_are_listed_does_not_matter_but_their_times_do():
    of = definition()
    late = drand(of.closes + 600)
    for sources in ([(of, of.round), late], [late, (of, of.round)], [drand(of.closes - 600), late, (of, of.round)]):
        assert named_sources(sources, margin=300)
    with pytest.raises(AnnouncementError, match="sources-order"):
        named_sources([(of, of.round), drand(of.closes - 600)], margin=300)


def test_strong_events_with_a_round_of_drand_must_close_before_it_too():
    of = strong()
    assert named_sources([(of, of.round)], margin=300)
    with pytest.raises(AnnouncementError, match="sources-order"):
        named_sources([(of, of.round), drand(of.closes)], margin=300)


def test_a_definition_whose_bytes_are_not_those_named_is_refused():
    of = definition()
    source = Source(beacon="events", hash=of.hash, round=of.round)
    with pytest.raises(BeaconError, match="wrong-digest"):
        check_sources([source], KNOWN, margin=300, read=lambda _: strong().format())


def test_a_value_is_checked_by_the_rules_of_its_own_kind():
    of, number = definition(), 29_813_000
    artifacts = {}
    for data in (of.format(), listed(of).format(), nist_pulse(number).format()):
        artifacts[digest(data)] = data
    artifacts[NIST.hash] = certificate()
    digests = list(artifacts)
    events = Source(beacon="events", hash=of.hash, round=of.round)
    nist = Source(beacon="nist", hash=NIST.hash, round=number)
    read = artifacts.__getitem__
    assert len(check_value(events, value("events", of.round, digests[1]), KNOWN, read=read)) == 32
    assert len(check_value(nist, value("nist", number, digests[2]), KNOWN, read=read)) == 32
    for source, signature in ((events, digests[2]), (nist, digests[1])):
        with pytest.raises(BeaconError):
            check_value(source, value(source.beacon, source.round, signature), KNOWN, read=read)
    bent = value("nist", number, digests[2]).model_copy(update={"previous": "00"})
    with pytest.raises(BeaconError, match="not-an-artifact"):
        check_value(nist, bent, KNOWN, read=read)
