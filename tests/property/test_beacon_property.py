from contextlib import suppress
from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from fairdraw.beacon import (
    CHAINS,
    MAX_PULSE_BYTES,
    MAX_ROUND,
    Pulse,
    check_pulse,
    format_pulse,
    parse_pulse,
    practice_chain,
    practice_pulse,
)
from fairdraw.errors import BeaconError

CHAIN = st.sampled_from(sorted(CHAINS)).map(CHAINS.__getitem__)
ROUND = st.integers(1, MAX_ROUND)
HEX = st.binary(min_size=1, max_size=96).map(bytes.hex)


@settings(max_examples=100)
@given(CHAIN, ROUND)
def test_a_round_is_the_first_one_at_its_own_time_and_not_a_second_later(chain, number):
    assert chain.round_at_or_after(chain.time_of(number)) == number
    assert chain.round_at_or_after(chain.time_of(number) + 1) == number + 1


@settings(max_examples=100)
@given(CHAIN, st.integers(-(10**12), 10**12))
def test_the_round_for_a_time_is_due_then_or_later_and_the_one_before_is_not(chain, time):
    number = chain.round_at_or_after(time)
    assert chain.time_of(number) >= time
    assert number == 1 or chain.time_of(number - 1) < time


@settings(max_examples=100)
@given(CHAIN, ROUND, HEX, st.none() | HEX)
def test_parse_undoes_format(chain, number, signature, previous):
    pulse = Pulse(chain=chain.hash, round=number, signature=signature, previous=previous)
    assert parse_pulse(format_pulse(pulse), chain) == pulse


@settings(max_examples=100)
@given(st.binary(max_size=MAX_PULSE_BYTES + 8))
def test_no_bytes_make_the_reader_fail_in_another_way_than_its_own(data):
    with suppress(BeaconError):
        assert parse_pulse(data, CHAINS["quicknet"]).chain == CHAINS["quicknet"].hash


@settings(max_examples=50)
@given(CHAIN, st.integers(1, 2**40), st.data())
def test_no_made_up_signature_verifies(chain, number, data):
    size = len(chain.key) // 2
    signature = data.draw(st.binary(min_size=144 - size, max_size=144 - size))
    previous = "00" * 96 if chain.scheme == "pedersen-bls-chained" else None
    pulse = Pulse(chain=chain.hash, round=number, signature=signature.hex(), previous=previous)
    try:
        check_pulse(chain, pulse, round=number)
    except BeaconError as error:
        assert error.code in {  # noqa: PT017 -- any of these, and never an acceptance
            "not-a-point", "not-canonical", "identity-point", "signature-invalid", "previous-length"
        }  # fmt: skip
    else:
        raise AssertionError(signature.hex())


@settings(max_examples=10, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**40), ROUND)
def test_every_practice_pulse_verifies_on_its_own_chain(secret, genesis, number):
    chain = practice_chain(secret, id="practice", genesis=genesis)
    pulse = practice_pulse(secret, chain, number)
    assert check_pulse(chain, pulse, round=number) == sha256(bytes.fromhex(pulse.signature)).digest()
