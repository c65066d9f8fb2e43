"""Attacks with a false pulse (docs/threat-model.md, 27): whoever brings the pulse may bring another one."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from fairdraw.beacon import (
    CHAINS,
    Chain,
    Pulse,
    chain_hash,
    check_chain,
    check_pulse,
    parse_pulse,
    practice_chain,
    practice_pulse,
)
from fairdraw.errors import BeaconError

ROUNDS_FILE = Path(__file__).resolve().parents[2] / "cli/fairdraw_cli/data/rounds.json"
ROUNDS = {e["round"]: e["signature"] for e in json.loads(ROUNDS_FILE.read_text("utf-8"))["rounds"]}
QUICKNET, DEFAULT, FASTNET = (CHAINS[name] for name in ("quicknet", "default", "fastnet"))
ANNOUNCED = 32000944
PULSE = Pulse(chain=QUICKNET.hash, round=ANNOUNCED, signature=ROUNDS[ANNOUNCED])
SECRET = b"a secret of whoever rehearses..."

G1_OUTSIDE_SUBGROUP = "80" + "00" * 46 + "04"
G2_OUTSIDE_SUBGROUP = "a0" + "00" * 46 + "01" + "00" * 47 + "01"
G1_IDENTITY, G2_IDENTITY = "c0" + "00" * 47, "c0" + "00" * 95


def refused(code, action, *args, **options):
    with pytest.raises(BeaconError) as caught:
        action(*args, **options)
    assert caught.value.code == code


def test_the_announced_round_itself_is_accepted():
    assert check_pulse(QUICKNET, PULSE, round=ANNOUNCED) == sha256(bytes.fromhex(PULSE.signature)).digest()


@pytest.mark.parametrize("number", sorted(set(ROUNDS) - {ANNOUNCED}))
def test_a_genuine_pulse_of_another_round_is_refused(number):
    refused("wrong-round", check_pulse, QUICKNET, Pulse(QUICKNET.hash, number, ROUNDS[number]), round=ANNOUNCED)


@pytest.mark.parametrize("number", sorted(set(ROUNDS) - {ANNOUNCED}))
def test_a_genuine_pulse_renamed_to_the_announced_round_is_refused(number):
    refused("signature-invalid", check_pulse, QUICKNET, replace(PULSE, signature=ROUNDS[number]), round=ANNOUNCED)


def test_the_latest_round_given_for_round_0_is_refused():
    refused("round-out-of-range", check_pulse, QUICKNET, PULSE, round=0)
    refused("round-out-of-range", check_pulse, QUICKNET, replace(PULSE, round=0), round=0)


def test_a_pulse_that_calls_itself_one_of_another_chain_is_refused():
    refused("wrong-chain", check_pulse, QUICKNET, replace(PULSE, chain=DEFAULT.hash), round=ANNOUNCED)
    stated = json.dumps({"chain": FASTNET.hash, "round": ANNOUNCED, "signature": PULSE.signature}).encode()
    refused("wrong-chain", parse_pulse, stated, QUICKNET)


def test_a_pulse_of_another_chain_relabelled_is_refused():
    relabelled = replace(PULSE, chain=FASTNET.hash)  # the same lengths, the same groups, another key and tag
    refused("signature-invalid", check_pulse, FASTNET, relabelled, round=ANNOUNCED)
    refused("signature-length", check_pulse, DEFAULT, replace(PULSE, chain=DEFAULT.hash), round=ANNOUNCED)


def test_the_true_key_under_another_scheme_is_refused_though_the_hash_is_right():
    bent = replace(QUICKNET, scheme=FASTNET.scheme)
    assert chain_hash(bent) == QUICKNET.hash
    refused("chain-not-pinned", check_chain, bent)
    refused("signature-invalid", check_pulse, bent, PULSE, round=ANNOUNCED)


def test_a_practice_chain_under_the_name_of_a_public_one_is_refused():
    refused("practice-chain", practice_chain, SECRET, id="quicknet", genesis=QUICKNET.genesis)
    mine = practice_chain(SECRET, id="practice", genesis=QUICKNET.genesis)
    refused("wrong-chain-hash", check_chain, replace(mine, id="quicknet"))
    refused("wrong-chain-hash", check_chain, replace(mine, hash=QUICKNET.hash))


def test_a_pulse_signed_with_a_practice_key_is_refused_on_the_public_chain():
    mine = practice_chain(SECRET, id="practice", genesis=QUICKNET.genesis)
    forged = practice_pulse(SECRET, mine, ANNOUNCED)
    check_pulse(mine, forged, round=ANNOUNCED)
    refused("wrong-chain", check_pulse, QUICKNET, forged, round=ANNOUNCED)
    refused("signature-invalid", check_pulse, QUICKNET, replace(forged, chain=QUICKNET.hash), round=ANNOUNCED)


@pytest.mark.parametrize(
    ("chain", "identity"), [(QUICKNET, G1_IDENTITY), (FASTNET, G1_IDENTITY), (DEFAULT, G2_IDENTITY)]
)
def test_the_identity_as_signature_is_refused(chain, identity):
    previous = "00" * 96 if chain is DEFAULT else None
    pulse = Pulse(chain=chain.hash, round=ANNOUNCED, signature=identity, previous=previous)
    refused("identity-point", check_pulse, chain, pulse, round=ANNOUNCED)


def test_the_identity_spelled_otherwise_is_refused():
    # Readers that look at one flag bit only take all of these for the identity.
    for signature in ("ff" * 48, "e0" + "00" * 47, "c0" + "00" * 46 + "01", "40" + "00" * 47):
        with pytest.raises(BeaconError) as caught:
            check_pulse(QUICKNET, replace(PULSE, signature=signature), round=ANNOUNCED)
        assert caught.value.code in {"not-canonical", "not-a-point"}


def test_the_identity_as_key_under_which_everything_verifies_is_refused():
    for scheme, key, signature in (
        (QUICKNET.scheme, G2_IDENTITY, G1_IDENTITY),
        ("pedersen-bls-unchained", G1_IDENTITY, G2_IDENTITY),
    ):
        unnamed = Chain("mine", "", key, scheme, 3, 0, "11" * 32)
        chain = replace(unnamed, hash=chain_hash(unnamed))
        refused("identity-point", check_chain, chain)
        refused("identity-point", check_pulse, chain, Pulse(chain.hash, 1, signature), round=1)


def test_a_signature_outside_the_subgroup_is_refused():
    refused("not-a-point", check_pulse, QUICKNET, replace(PULSE, signature=G1_OUTSIDE_SUBGROUP), round=ANNOUNCED)
    chained = Pulse(DEFAULT.hash, ANNOUNCED, G2_OUTSIDE_SUBGROUP, "00" * 96)
    refused("not-a-point", check_pulse, DEFAULT, chained, round=ANNOUNCED)


def test_the_vectors_outside_the_subgroup_are_on_their_curves():
    # Else the test above would only show that we refuse bytes that are no point at all.
    from py_arkworks_bls12381 import G1Point, G2Point

    for group, data in ((G1Point, G1_OUTSIDE_SUBGROUP), (G2Point, G2_OUTSIDE_SUBGROUP)):
        assert not group.from_compressed_bytes_unchecked(bytes.fromhex(data)).is_in_subgroup()


def test_a_key_outside_the_subgroup_is_refused():
    refused("not-a-point", check_chain, replace(QUICKNET, key=G2_OUTSIDE_SUBGROUP))
    refused("not-a-point", check_chain, replace(DEFAULT, key=G1_OUTSIDE_SUBGROUP))


def test_the_negated_signature_is_refused():
    negated = bytes([bytes.fromhex(PULSE.signature)[0] ^ 0x20]).hex() + PULSE.signature[2:]
    refused("signature-invalid", check_pulse, QUICKNET, replace(PULSE, signature=negated), round=ANNOUNCED)


def test_a_relay_that_states_a_better_randomness_is_refused():
    lie = {"round": ANNOUNCED, "signature": PULSE.signature, "randomness": sha256(b"better").hexdigest()}
    refused("wrong-randomness", parse_pulse, json.dumps(lie).encode(), QUICKNET)


def test_a_chained_pulse_with_a_made_up_past_is_refused():
    for previous, code in (
        ("00" * 96, "signature-invalid"),
        ("00" * 32, "previous-length"),
        (None, "previous-missing"),
    ):
        chained = second_round_with(previous)
        refused(code, check_pulse, DEFAULT, chained, round=2)


def second_round_with(previous):
    """Round 2 of the default chain (ChainSafe/forest `src/beacon/signatures/tests.rs`) with another past."""
    signature = (
        "aa18facd2d51b616511d542de6f9af8a3b920121401dad1434ed1db4a565f10e"
        "04fad8d9b2b4e3e0094364374caafe9b10478bf75650124831509c638b5a36a7"
        "a232ec70289f8751a2adb47fc32eb70b57dc81c39d48cbcac9fec46cdfc31663"
    )
    return Pulse(chain=DEFAULT.hash, round=2, signature=signature, previous=previous)
