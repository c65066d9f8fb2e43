"""Attacks on the randomness of a whole draw (docs/threat-model.md, 27 and 32); pulses alone: test_pulse_attacks."""

from dataclasses import replace
from hashlib import sha256

import pytest

from fairdraw.errors import StatementError
from fairdraw.record import Record
from fairdraw.schema import Announcement
from fairdraw.statement import parse_text
from fairdraw.tickets import KeyMaterial, ticket
from fairdraw.values import NUMBER, PulseValue
from support.story import Story, Told, begin, change, committed, failing, tell

# -- 27: another pulse --------------------------------------------------------------------------------------------


def with_pulse(told: Told, **changes) -> Told:
    """Let the bureau log a draw with another pulse, and everything else made from it."""

    def bend(record: Record) -> Record:
        pulse = record.statement.pulses[0].model_copy(update=changes)
        return replace(record, statement=record.statement.model_copy(update={"pulses": (pulse,)}))

    return told.go_on(bend=bend)


def other_round(told: Told, by: int = 1) -> PulseValue:
    source = told.announcement.of(Announcement).beacon[0]
    pulse = told.story.pulse(source.beacon, source.round + by)
    return PulseValue(beacon=source.beacon, round=pulse.round, signature=pulse.signature, previous=None)


@pytest.mark.parametrize("by", [-1, 1, 1000])
def test_another_round_than_the_announced_one_is_refused(by):
    told = begin()
    other = other_round(told, by)
    assert failing(with_pulse(told, round=other.round, signature=other.signature).report())["pulse"] == "another-round"


def test_the_pulse_of_another_round_under_the_announced_number_is_refused():
    told = begin()
    assert failing(with_pulse(told, signature=other_round(told).signature).report())["pulse"] == "signature-invalid"


def test_a_pulse_of_another_chain_under_the_announced_name_is_refused():
    told = begin()
    source = told.announcement.of(Announcement).beacon[0]
    foreign = told.story.pulse("practice-2", source.round)
    assert failing(with_pulse(told, signature=foreign.signature).report())["pulse"] == "signature-invalid"
    told = begin()
    report = with_pulse(told, beacon="practice-2", signature=foreign.signature).report()
    assert failing(report)["pulse"] == "another-round"


def test_an_identity_point_as_pulse_is_refused():
    assert failing(with_pulse(begin(), signature="c0" + "00" * 47).report())["pulse"] == "identity-point"


def test_a_pulse_that_names_a_past_on_a_chain_without_one_is_refused():
    assert "pulse" in failing(with_pulse(begin(), previous="00" * 48).report())


def test_round_0_which_relays_answer_with_the_latest_cannot_be_announced():
    told = begin()
    source = told.announcement.of(Announcement).beacon[0]
    text = told.announcement.note.text.encode()
    number = f'"round":{source.round}'.encode()
    assert parse_text(text) == told.announcement.statement
    with pytest.raises(StatementError, match="bad-field"):
        parse_text(text.replace(number, b'"round":0'))


def test_a_chain_that_the_readers_trust_file_does_not_pin_is_refused_without_a_crash():
    told = tell()
    bundle, log = told.bundle(), told.log()
    del told.story.chains["practice"]
    report = told.report(bundle, log=log)
    assert failing(report) == {
        "announcement-before-pulse": "unknown-chain", "closed-inputs": "unknown-chain", "pulse": "unknown-chain",
    }  # fmt: skip


def test_a_chain_of_the_pinned_name_with_another_hash_is_refused():
    told = begin()
    source = told.announcement.of(Announcement).beacon[0]
    bent = told.retold(beacon=(source.model_copy(update={"hash": "11" * 32}),))
    assert failing(bent.report(bent.bundle(pulses=())))["announcement-before-pulse"] == "unknown-chain"


def test_a_bundle_that_shows_a_better_pulse_beside_the_logged_one_is_refused():
    told = tell()
    assert failing(told.report(change(told.bundle(), {"pulses": (other_round(told),)}))) == {"pulse": "another-pulse"}
    assert told.report(change(told.bundle(), {"pulses": ()})).verdict == "holds"


def test_the_earliest_of_several_rounds_is_the_limit():
    def sources(story, early: int):
        one, two = story.chains.values()
        now = story.now + 180 + 60
        return [(one, one.round_at_or_after(now + 3600)), (two, two.round_at_or_after(now + early))]

    for early, expected in ((3600, {}), (420, {}), (350, {"announcement-before-pulse": "announcement-late"})):
        story = Story()
        told = begin(story, before=lambda s, early=early: {"sources": sources(s, early), "margin": 60})
        story.checkpoints.pop()
        first = min(story.chains[x.beacon].time_of(x.round) for x in told.announcement.of(Announcement).beacon)
        story.checkpoint(time=first - 60 - 1 if not expected else first - 60)
        assert failing(told.go_on().report()) == expected


# -- 32: fields that run together ---------------------------------------------------------------------------------


def material(**changes) -> KeyMaterial:
    fields = {
        "statement": "announcement",
        "text": "00" * 32,
        "seeds": (("a", "11" * 32), ("b", "-")),
        "pulses": (("22" * 32, 7, "33" * 32),),
        "embargo": None,
    }
    return KeyMaterial(**(fields | changes))


def test_a_dropped_seed_does_not_move_the_rest_up():
    keys = {
        material().key(),
        material(seeds=(("a", "-"), ("b", "11" * 32))).key(),
        material(seeds=(("b", "-"), ("a", "11" * 32))).key(),
        material(seeds=(("a", "11" * 32),)).key(),
        material(seeds=()).key(),
    }
    assert len(keys) == 5
    told = begin(before=committed())
    told.close(told.reveal("s1.example.cn/rehearsal"))
    assert [value == "-" for _, value in told.seeds] == [True, False, True]
    assert told.later().go_on().report().verdict == "holds"


def test_key_lines_of_different_kinds_do_not_run_together():
    one = material(pulses=(("22" * 32, 71, "33" * 32),))
    other = material(pulses=(("22" * 32, 7, "1" + "33" * 32),))
    assert one.key() != other.key()
    assert material(embargo="44" * 32).key() != material(seeds=(("embargo", "44" * 32),)).key()
    call = material(statement="substitution-call")
    assert call.key() != material().key()


def test_ticket_fields_do_not_run_together():
    key = bytes(32)
    assert ticket(key, "team", 1, 23, "H-4") != ticket(key, "team", 12, 3, "H-4")
    assert ticket(key, "team", 0, 0, "H-1", "2") != ticket(key, "team", 0, 0, "H-12")
    assert ticket(key, "object", "audit") != ticket(key, "audit", "object")


def test_the_two_counters_of_a_team_ticket_are_two_lines():
    told = f"{'00' * 32}\nteam\n5\n0\nH-1\nI-1\n".encode()
    assert ticket(bytes(32), "team", 5, 0, "H-1", "I-1") == sha256(told).digest()


@pytest.mark.parametrize("no", ["H\n1", "H 1", "H+1", "", "H" * 41, "院1"])
def test_a_number_cannot_hold_what_would_join_two_fields(no):
    assert NUMBER.fullmatch(no) is None
