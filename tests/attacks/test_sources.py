"""Attacks on draws with further sources than drand (docs/threat-model.md, 28 to 32)."""

import json
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from fairdraw.announcement import artifact_of
from fairdraw.beacon import Chain
from fairdraw.encoding import canonical
from fairdraw.errors import AnnouncementError, BeaconError, TrustError
from fairdraw.events import Definition, check_values, read_values
from fairdraw.nist import check_nist_pulse, nist_chain, parse_document
from fairdraw.record import Record
from fairdraw.schema import Announcement, Evidence
from fairdraw.trust import parse_trust
from support.sources import (
    Sourced,
    announced,
    certificate,
    closed,
    definition,
    drand,
    event,
    forged,
    listed,
    nist_pulse,
    numbers,
    signed,
    strong,
    unsigned,
)
from support.story import Told, failing, found, past_the_round, swap, trust, trust_text, without

RECORDED = Path(__file__).resolve().parents[2] / "specs" / "vectors" / "recorded" / "nist.json"
DIGITS = {"kind": "sequence", "count": 3, "first": 0, "last": 9, "bits": 9}  # 福彩3D: a thousand outcomes


def refused(code, action, *args, error=BeaconError, **options):
    with pytest.raises(error) as caught:
        action(*args, **options)
    assert caught.value.code == code


def judged(told: Told) -> dict[str, str]:
    return failing(told.report())


# -- 28: too little entropy, or somebody who chooses -------------------------------------------------------------


def test_a_lottery_beside_a_later_round_of_drand_is_accepted():
    of = definition()
    told = closed(announced(of), of).go_on()
    assert told.report().verdict == "holds"
    assert found(told.report()) == set()
    assert told.key() != replace(told, story=_with_other_values(told, of)).key()


def _with_other_values(told: Told, of: Definition) -> Sourced:
    other = of.values({one.id: [7, 8, 9, 10, 11, 12] for one in of.events}, {one.id: "cd" * 32 for one in of.events})
    story = told.story
    assert isinstance(story, Sourced)
    return replace(story, shown={"events": other.format()})


def test_three_digits_of_a_lottery_as_the_only_source_are_refused():
    of = definition(event("fc3d", **DIGITS))
    refused("weak-sources", announced, of, last=None, error=AnnouncementError)
    told = forged(announced(of), (of, of.round))
    assert judged(closed(told, of).go_on())["pulse"] == "weak-sources"


def test_a_definition_cannot_claim_more_bits_than_its_numbers_have():
    assert event("fc3d", **DIGITS).most_bits == 9
    with pytest.raises(ValidationError, match="at most 9 bits"):
        event("fc3d", **(DIGITS | {"bits": 128}))
    with pytest.raises(ValidationError, match="at most 20 bits"):
        event(bits=21)  # six of 33 are 1,107,568 sets


def test_one_lottery_does_not_count_thirteen_times():
    with pytest.raises(ValidationError, match="count twice"):
        definition(*(event(f"fc3d-{i:02d}", what="福彩3D 2026236", **DIGITS) for i in range(15)))


def test_events_with_bits_enough_stand_alone_and_with_a_bit_less_do_not():
    of = strong()
    assert closed(announced(of, last=None), of).go_on().report().verdict == "holds"
    parts = [event(f"digits-{x}", kind="sequence", count=20, first=0, last=9, bits=64) for x in "ab"]
    exactly = definition(*parts)
    assert announced(exactly, last=None)
    refused("weak-sources", announced, definition(parts[0], event("digits-b", kind="sequence", count=20, first=0,
            last=9, bits=63)), last=None, error=AnnouncementError)  # fmt: skip


def test_two_weak_sources_do_not_make_a_strong_one():
    of = definition()
    told = announced(of)
    nist = told.story.chains["nist"]
    refused("weak-sources", announced, of, last=None, nist=3600, error=AnnouncementError)
    bent = forged(told, (of, of.round), (nist, of.round))
    assert judged(closed(bent, of).go_on())["pulse"] == "weak-sources"


def test_a_lottery_that_closes_after_the_round_of_drand_is_refused():
    of = definition()
    refused("sources-order", announced, of, last=2 * 3600 + 600, error=AnnouncementError)
    told = announced(of)
    bent = forged(told, (of, of.round), drand(told.story, 2 * 3600))
    assert judged(closed(bent, of).go_on())["pulse"] == "sources-order"


@pytest.mark.parametrize(("early", "refusal"), [(-1, {}), (0, {"pulse": "sources-order"})])
def test_between_the_deadline_and_the_last_round_lies_the_margin(early, refusal):
    of = definition()
    told = announced(of)
    chain = told.story.chain
    number = chain.round_at_or_after(of.closes + 300)
    assert chain.time_of(number) == of.closes + 300
    bent = forged(told, (of, of.round), (chain, number - early))
    story = bent.story
    assert isinstance(story, Sourced)
    story.now = of.closes - 30
    story.close(bent.announcement, listed(of))
    story.checkpoint(time=of.closes - 20)
    assert judged(bent.go_on()) == refusal


def test_what_was_not_published_cannot_be_chosen_when_the_last_round_is_known():
    of = definition()
    told = announced(of)
    late = closed(told, of, at="2026-09-07T16:00:00Z", values=listed(of, without=["ssq-red"]))
    assert judged(late.go_on())["pulse"] == "events-late"
    in_time = closed(announced(of), of, values=listed(of, without=["ssq-red"]))
    assert in_time.go_on().report().verdict == "holds"


def test_a_bureau_that_closes_two_lists_is_held_to_the_first():
    of = definition()
    told = closed(announced(of), of)
    story = told.story
    assert isinstance(story, Sourced)
    other = listed(of, without=["ssq-red"])
    story.close(told.announcement, other)
    story.shown["events"] = other.format()
    assert judged(told.later().go_on())["pulse"] == "events-not-closed"


def test_what_was_not_published_cannot_be_said_before_the_deadline():
    of = definition()
    told = closed(announced(of), of, at="2026-09-07T12:30:00Z", values=listed(of, without=["ssq-red"]))
    assert judged(told.go_on())["pulse"] == "events-early"
    told = closed(announced(of), of, at="2026-09-07T12:30:00Z")
    assert told.go_on().report().verdict == "holds"


def test_without_a_later_round_every_event_must_have_been_published():
    of = strong()
    told = closed(announced(of, last=None), of, values=listed(of, without=["digits-b"])).go_on()
    assert judged(told)["pulse"] == "events-missing"


@pytest.mark.parametrize("by", [[], ["s0.example.cn/rehearsal"]])
def test_values_that_fewer_than_two_supervisors_have_seen_are_refused(by):
    of = definition()
    assert judged(closed(announced(of), of, by=by).go_on())["pulse"] == "events-unseen"


def test_values_seen_by_supervisors_that_the_bureau_never_closed_are_refused():
    of = definition()
    told = announced(of)
    story = told.story
    assert isinstance(story, Sourced)
    entries = story.close(told.announcement, listed(of))
    kept = story.entries[: entries[0].index]
    assert len(kept) < len(story.entries)
    bent = announced(of)
    story = bent.story
    assert isinstance(story, Sourced)
    data = story.keep(listed(of).format())
    story.shown["events"] = data
    for name in list(story.people)[:2]:
        files = entries[0].of(Evidence).files
        story.add(story.head(name).make(Evidence, of=bent.announcement.ref, files=files))
    assert judged(bent.later().go_on())["pulse"] == "events-not-closed"


def test_a_supervisor_that_saw_another_list_does_not_count():
    of = definition()
    told = closed(announced(of), of, by=["s0.example.cn/rehearsal"])
    story = told.story
    assert isinstance(story, Sourced)
    other = story.keep(listed(of, seen="cd" * 32).format())
    files = (artifact_of(other),)
    story.add(story.head("s1.example.cn/rehearsal").make(Evidence, of=told.announcement.ref, files=files))
    assert judged(told.later().go_on())["pulse"] == "events-unseen"


def test_a_supervisors_word_for_another_draw_does_not_count():
    of = definition()
    told = announced(of)
    plan_instead = replace(told, announcement=told.plan)
    told = closed(told, of, by=["s0.example.cn/rehearsal"])
    story = told.story
    assert isinstance(story, Sourced)
    files = (artifact_of(listed(of).format()),)
    story.add(story.head("s1.example.cn/rehearsal").make(Evidence, of=plan_instead.announcement.ref, files=files))
    assert judged(told.later().go_on())["pulse"] == "events-unseen"


def test_photographs_taken_until_one_suits_change_nothing():
    of = definition()
    one, other = listed(of), listed(of, seen="cd" * 32)
    assert one.format() != other.format()
    assert check_values(of, one) == check_values(of, other)


def test_the_numbers_of_another_day_are_refused():
    of, other = definition(), definition(event(due="2026-09-07T12:01:00Z"))
    told = announced(of)
    assert of.hash != other.hash
    refused("values-of-another", check_values, of, listed(other))
    bent = closed(told, of)
    bent.story.keep(listed(other).format())
    swapped = swap(bent.bundle(), of.hash, other.format())
    assert failing(told.report(swapped))["pulse"] in {"artifact-missing", "wrong-digest", "pulse-missing"}


@pytest.mark.parametrize(
    "value",
    ["1.2.3.4.5.", "2.1.3.4.5.6.", "1.1.3.4.5.6.", "01.2.3.4.5.6.", "1.2.3.4.5.34.", "0.2.3.4.5.6.", "1.2.3.4.5.6.7."],
)
def test_numbers_in_a_second_spelling_or_out_of_range_are_refused(value):
    of = definition()
    told = listed(of)
    bent = told.model_copy(update={"values": (told.values[0].model_copy(update={"value": value}),)})
    refused("event-value", check_values, of, read_values(bent.format()))


def test_a_bundle_without_the_definition_or_the_values_is_refused():
    of = definition()
    told = closed(announced(of), of).go_on()
    values = told.story.pulses(told.announcement.of(Announcement))[0].signature
    for digest in (of.hash, values):
        assert failing(told.report(without(told.bundle(), digest)))["pulse"] == "artifact-missing"
        assert failing(told.report(swap(told.bundle(), digest, b"{}\n")))["pulse"] == "wrong-digest"


def test_the_first_event_is_the_limit_of_the_announcement():
    of = definition(event("a", due="2026-09-07T10:20:00Z"), event("b", due="2026-09-07T12:00:00Z"))
    told = announced(of)
    assert of.round * 60 < of.closes
    told.story.checkpoints.pop()
    told.story.checkpoint(time=of.round * 60 - 299)
    assert judged(closed(told, of).go_on())["announcement-before-pulse"] == "announcement-late"


def test_a_source_of_events_in_another_minute_than_its_first_event_is_refused():
    of = definition()
    told = announced(of)
    bent = past_the_round(closed(forged(told, (of, of.round + 30), drand(told.story, 5 * 3600)), of))
    assert judged(bent)["pulse"] == "wrong-round"


# -- 29: NIST-format pulses -----------------------------------------------------------------------------------------


def recorded(name: str) -> tuple[Chain, bytes, bytes, int]:
    whole = json.loads(RECORDED.read_text("utf-8"))
    told = whole["pulses"][name]
    der = b64decode(whole["certificates"][told["certificate"]])
    document = canonical(told["document"]) + b"\n"
    pulse = parse_document(document)
    return nist_chain(der, id="nist", chain_index=pulse.chain_index), der, document, pulse.time() // 60


@pytest.mark.parametrize("name", ["nist-2018-08-30T17:43", "nist-2018-08-30T17:44", "nist-2026-07-10T11:02"])
def test_a_recorded_pulse_that_its_certificate_signed_is_accepted(name):
    chain, der, document, number = recorded(name)
    assert len(check_nist_pulse(chain, certificate=der, document=document, round=number)) == 32
    refused("wrong-round", check_nist_pulse, chain, certificate=der, document=document, round=number + 1)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("nist-2026-09-11T01:50", "signature-invalid"),
        ("nist-2026-10-01T14:06", "signature-invalid"),
        ("nist-2018-07-23T19:26", "pulse-status"),
        ("inmetro-2020-07-09T11:53", "wrong-output"),
    ],
)
def test_a_recorded_pulse_that_does_not_verify_is_refused_though_its_server_showed_it(name, code):
    chain, der, document, number = recorded(name)
    refused(code, check_nist_pulse, chain, certificate=der, document=document, round=number)


def test_a_nist_format_pulse_beside_a_later_round_of_drand_is_accepted():
    assert announced(nist=1200).go_on().report().verdict == "holds"


def test_a_nist_format_pulse_is_never_the_only_source_nor_the_last():
    refused("weak-sources", announced, nist=1200, last=None, error=AnnouncementError)
    refused("sources-order", announced, nist=1200, last=1200, error=AnnouncementError)
    told = announced(nist=1200)
    nist = (told.story.chains["nist"], told.story.chains["nist"].round_at_or_after(told.story.now + 3600))
    assert judged(forged(told, nist).go_on())["pulse"] == "weak-sources"
    told = announced(nist=1200)
    assert judged(forged(told, nist, drand(told.story, 1800)).go_on())["pulse"] == "sources-order"


def test_a_nist_format_chain_that_the_readers_trust_file_does_not_pin_is_refused():
    told = announced(nist=1200).go_on()
    bundle, log = told.bundle(), told.log()
    del told.story.chains["nist"]
    assert failing(told.report(bundle, log=log))["pulse"] == "unknown-chain"


CHANGES = {
    "uri": "https://beacon.example.cn/beacon/2.0/chain/2/pulse/1",
    "version": "2.1",
    "pulse_index": 5,
    "local_random_value": "11" * 64,
    "external": {"source_id": "11" * 64, "status_code": 0, "value": "00" * 64},
    "previous": "22" * 64,
    "hour": "22" * 64,
    "day": "22" * 64,
    "month": "22" * 64,
    "year": "22" * 64,
    "precommitment_value": "33" * 64,
    "signature_value": "44" * 256,
}


@pytest.mark.parametrize("field", CHANGES)
def test_a_nist_format_pulse_with_one_field_changed_is_refused(field):
    number = 29_813_000
    chain = nist_chain(certificate(), id="nist", chain_index=2)
    bent = nist_pulse(number).model_dump() | {field: CHANGES[field]}
    document = canonical(bent) + b"\n"
    refused("signature-invalid", check_nist_pulse, chain, certificate=certificate(), document=document, round=number)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"chain_index": 1}, "wrong-chain"),
        ({"status_code": 2}, "pulse-status"),
        ({"certificate_id": "00" * 64}, "wrong-certificate"),
        ({"cipher_suite": 1}, "unsupported-scheme"),
        ({"period": 30_000}, "unsupported-scheme"),
        ({"time_stamp": "2026-09-07T12:00:30.000Z"}, "pulse-time"),
        ({"time_stamp": "2026-09-07T12:00:00Z"}, "pulse-time"),
        ({"time_stamp": "2026-13-07T12:00:00.000Z"}, "pulse-time"),
        ({"time_stamp": "2026-09-07T12:00:00.000Z"}, "wrong-round"),
    ],
)
def test_what_an_operator_signs_beside_the_announced_pulse_is_refused(changes, code):
    number = 29_813_000
    chain = nist_chain(certificate(), id="nist", chain_index=2)
    document = signed(unsigned(number, **changes)).format()
    refused(code, check_nist_pulse, chain, certificate=certificate(), document=document, round=number)


def test_an_output_value_that_does_not_follow_is_refused():
    number = 29_813_000
    chain = nist_chain(certificate(), id="nist", chain_index=2)
    bent = nist_pulse(number).model_copy(update={"output_value": "55" * 64})
    refused("wrong-output", check_nist_pulse, chain, certificate=certificate(), document=bent.format(), round=number)


def test_a_pulse_signed_when_its_certificate_had_run_out_is_refused():
    number = 29_813_000
    old = certificate(2024)
    chain = nist_chain(old, id="nist", chain_index=2)
    document = nist_pulse(number, certificate_id=chain.key[:128]).format()
    refused("certificate-expired", check_nist_pulse, chain, certificate=old, document=document, round=number)


def test_another_certificate_than_the_pinned_one_is_refused():
    number = 29_813_000
    chain = nist_chain(certificate(), id="nist", chain_index=2)
    refused("wrong-certificate", check_nist_pulse, chain, certificate=certificate(2024),
            document=nist_pulse(number).format(), round=number)  # fmt: skip
    told = announced(nist=1200).go_on()
    assert failing(told.report(swap(told.bundle(), told.story.chains["nist"].hash, certificate(2024)))) == {
        "pulse": "wrong-digest"
    }


@pytest.mark.parametrize("bend", [lambda d: b" " + d, lambda d: d[:-1], lambda d: d.replace(b":", b": ", 1),
                                  lambda d: d.replace(b'"v":0', b'"v":false'), lambda d: d + b"\n"])  # fmt: skip
def test_a_pulse_document_in_a_second_spelling_is_refused(bend):
    refused("bad-pulse-document", parse_document, bend(nist_pulse(29_813_000).format()))


def test_a_signature_of_drand_in_the_place_of_a_document_is_refused():
    told = announced(nist=1200)
    story = told.story

    def bend(record: Record) -> Record:
        first, last = record.statement.pulses
        bent = first.model_copy(update={"signature": last.signature})
        return replace(record, statement=record.statement.model_copy(update={"pulses": (bent, last)}))

    told.go_on(bend=bend)
    assert isinstance(story, Sourced)
    assert judged(told)["pulse"] == "not-an-artifact"


def test_a_chain_in_a_trust_file_cannot_pass_for_events_nor_change_its_period():
    story = announced(nist=1200).story
    text = trust_text(story)
    assert trust(story).chains["nist"] == story.chains["nist"]
    for bent, reason in (
        (text.replace("beacon nist ", "beacon events "), "reserved-name"),
        (text.replace("nist-2.0 60 60", "nist-2.0 60 0"), "not-a-nist-chain"),
        (text.replace("nist-2.0 60 60", "nist-2.0 3 60"), "not-a-nist-chain"),
        (text.replace("nist-2.0", "nist-1.0"), "not-a-practice-chain"),
    ):
        assert bent != text
        with pytest.raises(TrustError, match=reason):
            parse_trust(bent.encode())


# -- 31: an outage ---------------------------------------------------------------------------------------------------


def test_a_minute_that_the_operator_missed_cannot_be_replaced_by_the_next():
    told = announced(nist=1200)
    story = told.story
    assert isinstance(story, Sourced)
    number = told.announcement.of(Announcement).beacon[0].round
    story.shown["nist"] = nist_pulse(number).format()
    told.go_on()
    bundle = told.bundle()
    later = nist_pulse(number + 1).format()
    digest = story.pulses(told.announcement.of(Announcement))[0].signature
    assert failing(told.report(swap(bundle, digest, later)))["pulse"] == "wrong-digest"
    refused(
        "wrong-round", check_nist_pulse, story.chains["nist"], certificate=certificate(), document=later, round=number
    )


# -- 32: fields that run together ------------------------------------------------------------------------------------


def test_values_of_events_do_not_run_together():
    digits = {"kind": "sequence", "first": 0, "last": 99, "bits": 1}
    of = definition(event("a", count=2, **digits), event("b", count=1, **digits))
    seen = {"a": "ab" * 32, "b": "ab" * 32}
    one = of.values({"a": [1, 2], "b": [3]}, seen)
    other = of.values({"a": [1, 23], "b": [3]}, seen)
    absent = of.values({"b": [3]}, {"b": "ab" * 32})
    assert [told.key() for told in (one, other, absent)] == ["1.2./3./", "1.23./3./", "-/3./"]
    assert len({check_values(of, told).randomness for told in (one, other, absent)}) == 3
    assert numbers(of) == {"a": [0, 1], "b": [0]}
