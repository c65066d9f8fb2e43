import json
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256, sha512
from pathlib import Path

import pytest

from fairdraw.beacon import (
    CHAINS,
    MAX_PULSE_BYTES,
    MAX_ROUND,
    PRACTICE_GROUP_HASH,
    RETIRED,
    Chain,
    Pulse,
    chain_hash,
    check_chain,
    check_pulse,
    format_pulse,
    parse_pulse,
    practice_chain,
    practice_pulse,
)
from fairdraw.errors import BeaconError

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = json.loads((ROOT / "cli/fairdraw_cli/data/rounds.json").read_text("utf-8"))
QUICKNET, DEFAULT = CHAINS["quicknet"], CHAINS["default"]

# Round 1000 of quicknet: signature and randomness as randa-mu/drand-client-rs `src/verify.rs` has them.
SIGNATURE = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
RANDOMNESS = "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd"
PULSE = Pulse(chain=QUICKNET.hash, round=1000, signature=SIGNATURE)

# Round 72785 of the default chain, as noislabs/drand-verify `src/verify.rs` has it.
CHAINED = Pulse(
    chain=DEFAULT.hash,
    round=72785,
    signature=(
        "82f5d3d2de4db19d40a6980e8aa37842a0e55d1df06bd68bddc8d60002e8e959"
        "eb9cfa368b3c1b77d18f02a54fe047b80f0989315f83b12a74fd8679c4f12aae"
        "86eaf6ab5690b34f1fddd50ee3cc6f6cdf59e95526d5a5d82aaa84fa6f181e42"
    ),
    previous=(
        "a609e19a03c2fcc559e8dae14900aaefe517cb55c840f6e69bc8e4f66c8d18e8"
        "a609685d9917efbfb0c37f058c2de88f13d297c7e19e0ab24813079efe57a182"
        "554ff054c7638153f9b26a60e7111f71a0ff63d9571704905d3ca6df0b031747"
    ),
)

# Round 223344 of the old test net, the one scheme without a chain of its own (same source).
UNCHAINED = Chain(
    id="testnet-unchained-3s",
    hash="7672797f548f3f4748ac4bf3352fc6c6b6468c9ad40ad456a397545c6e2df5bf",
    key="8200fc249deb0148eb918d6e213980c5d01acd7fc251900d9260136da3b54836ce125172399ddc69c4e3e11429b62c11",
    scheme="pedersen-bls-unchained",
    period=3,
    genesis=1651677099,
    group_hash="65083634d852ae169e21b6ce5f0410be9ed4cc679b9970236f7875cff667e13d",
)
UNCHAINED_PULSE = Pulse(
    chain=UNCHAINED.hash,
    round=223344,
    signature=(
        "94f6b85df7cce7237e8e7df66d794ddad092de5d8bb6a791b97e905aa89852e5"
        "06ac36a792eba7021e22eebf34891f8914bf9a8dd9233ea0a4c5ca00ef840499"
        "9f899073dd2eade61fe54077fee8168f83dcb61a758b6883b38904054e64a433"
    ),
)

SECRET = bytes(range(32))


def refused(code, action, *args, **options):
    with pytest.raises(BeaconError) as caught:
        action(*args, **options)
    assert caught.value.code == code


def answer(**fields):
    return json.dumps(fields).encode()


# Chains


@pytest.mark.parametrize("name", CHAINS)
def test_a_built_in_chain_has_the_hash_that_its_constants_give(name):
    chain = CHAINS[name]
    assert chain.id == name
    assert chain_hash(chain) == chain.hash
    check_chain(chain)


def test_every_retired_chain_is_a_built_in_one_that_can_still_be_read():
    assert set(CHAINS) - RETIRED == {"quicknet", "default"}
    assert set(CHAINS) >= RETIRED


def test_the_id_is_hashed_unless_it_is_default():
    data = DEFAULT.period.to_bytes(4, "big") + DEFAULT.genesis.to_bytes(8, "big")
    data += bytes.fromhex(DEFAULT.key) + bytes.fromhex(DEFAULT.group_hash)
    assert chain_hash(DEFAULT) == sha256(data).hexdigest()
    assert chain_hash(replace(DEFAULT, id="other")) == sha256(data + b"other").hexdigest()


@pytest.mark.parametrize(
    ("code", "change"),
    {
        "wrong-chain-hash": {"period": 4},
        "chain-period": {"period": 0},
        "chain-genesis": {"genesis": -1},
        "chain-id": {"id": ""},
        "group-hash-length": {"group_hash": "f4" * 31},
        "not-hex": {"group_hash": "F4" * 32},
        "unsupported-scheme": {"scheme": "bls-bn254-unchained-on-g1"},
        "key-length": {"scheme": "pedersen-bls-unchained"},
        "chain-not-pinned": {"scheme": "bls-unchained-on-g1"},
        "identity-point": {"key": "c0" + "00" * 95},
        "not-canonical": {"key": "ff" * 96},
        "not-a-point": {"key": "a0" + "00" * 46 + "01" + "00" * 47 + "01"},
    }.items(),
)
def test_a_chain_with_one_constant_changed_is_refused(code, change):
    refused(code, check_chain, replace(QUICKNET, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"id": "quicknet2"},
        {"id": "default"},
        {"genesis": QUICKNET.genesis + 1},
        {"period": 30},
        {"group_hash": "00" + QUICKNET.group_hash[2:]},
        {"hash": QUICKNET.hash.upper()},
        {"hash": CHAINS["fastnet"].hash},
        {"key": CHAINS["fastnet"].key},
    ],
)
def test_constants_that_do_not_give_the_hash_are_refused(change):
    refused("wrong-chain-hash", check_chain, replace(QUICKNET, **change))


@pytest.mark.parametrize("name", ["Quicknet", "a b", "-a", "", "a" * 41, "a\n", "测试"])
def test_an_id_that_could_be_read_in_two_ways_is_refused(name):
    refused("chain-id", check_chain, replace(QUICKNET, id=name))


def test_evmnet_is_refused_as_unsupported_and_not_as_wrong():
    evmnet = replace(QUICKNET, id="evmnet", scheme="bls-bn254-unchained-on-g1", key="07" * 128)
    refused("unsupported-scheme", check_chain, evmnet)
    refused("unsupported-scheme", check_pulse, evmnet, replace(PULSE, chain=evmnet.hash), round=1000)


# Rounds and times


def test_round_one_is_due_at_genesis_and_each_next_one_a_period_later():
    assert [QUICKNET.time_of(n) for n in (1, 2, 1000)] == [1692803367, 1692803370, 1692806364]


def test_round_and_time_agree_with_the_ruby_gem_for_an_outside_instant():
    # The README of the gem `drand`: quicknet at 2026-04-20T00:00:00Z.
    assert QUICKNET.round_at_or_after(1776643200) == 27946612
    assert QUICKNET.time_of(27946612) == 1776643200


def test_a_time_between_two_rounds_belongs_to_the_later_one():
    due = DEFAULT.time_of(100)
    assert [DEFAULT.round_at_or_after(due + d) for d in (-30, -29, -1, 0, 1)] == [99, 100, 100, 100, 101]


def test_before_genesis_the_first_round_is_round_one():
    for time in (QUICKNET.genesis, QUICKNET.genesis - 1, QUICKNET.genesis - 10**6, 0, -1):
        assert QUICKNET.round_at_or_after(time) == 1


@pytest.mark.parametrize("number", [0, -1, MAX_ROUND + 1])
def test_there_is_no_time_for_a_round_that_cannot_be(number):
    refused("round-out-of-range", QUICKNET.time_of, number)


# Pulses


def test_the_randomness_of_a_known_round_is_the_published_one():
    assert check_pulse(QUICKNET, PULSE, round=1000).hex() == RANDOMNESS


def test_a_chained_pulse_is_checked_with_the_signature_before_it():
    assert check_pulse(DEFAULT, CHAINED, round=72785) == sha256(bytes.fromhex(CHAINED.signature)).digest()
    other = ("6" if CHAINED.previous[0] != "6" else "7") + CHAINED.previous[1:]
    refused("signature-invalid", check_pulse, DEFAULT, replace(CHAINED, previous=other), round=72785)


def test_an_unchained_pulse_with_its_signature_on_g2_is_checked():
    check_chain(UNCHAINED)
    check_pulse(UNCHAINED, UNCHAINED_PULSE, round=223344)
    refused("signature-invalid", check_pulse, UNCHAINED, replace(UNCHAINED_PULSE, round=223343), round=223343)


@pytest.mark.parametrize("entry", ROUNDS["rounds"], ids=lambda entry: str(entry["round"]))
def test_each_recorded_round_that_we_ship_verifies_and_its_twin_does_not(entry):
    pulse = parse_pulse(json.dumps(entry).encode(), CHAINS[ROUNDS["chain"]])
    check_pulse(QUICKNET, pulse, round=entry["round"])
    wrong = replace(pulse, round=pulse.round + 1)
    refused("signature-invalid", check_pulse, QUICKNET, wrong, round=wrong.round)


def test_the_recorded_rounds_are_few_distinct_and_sourced():
    numbers = [entry["round"] for entry in ROUNDS["rounds"]]
    assert numbers == sorted(set(numbers))
    assert set(range(32000944, 32000954)) < set(numbers)
    assert len(numbers) <= 12
    assert "timewitness" in ROUNDS["source"]


def test_a_signature_with_any_bit_flipped_is_refused():
    signature = bytes.fromhex(SIGNATURE)
    for bit in range(len(signature) * 8):
        flipped = bytearray(signature)
        flipped[bit // 8] ^= 0x80 >> bit % 8
        with pytest.raises(BeaconError):
            check_pulse(QUICKNET, replace(PULSE, signature=flipped.hex()), round=1000)


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("wrong-chain", {"chain": DEFAULT.hash}),
        ("wrong-round", {"round": 1001}),
        ("signature-length", {"signature": SIGNATURE + "00"}),
        ("signature-length", {"signature": SIGNATURE[:-2]}),
        ("not-hex", {"signature": SIGNATURE.upper()}),
        ("not-hex", {"signature": " " + SIGNATURE[:-1]}),
        ("not-hex", {"signature": ""}),
        ("previous-unexpected", {"previous": SIGNATURE}),
    ],
)
def test_a_pulse_with_one_field_changed_is_refused(code, change):
    refused(code, check_pulse, QUICKNET, replace(PULSE, **change), round=1000)


@pytest.mark.parametrize(
    ("code", "previous"),
    [
        ("previous-missing", None),
        ("previous-length", CHAINED.previous[:-2]),
        ("previous-length", DEFAULT.group_hash),
        ("not-hex", CHAINED.previous.upper()),
    ],
)
def test_a_chained_pulse_without_the_signature_before_it_is_refused(code, previous):
    refused(code, check_pulse, DEFAULT, replace(CHAINED, previous=previous), round=72785)


@pytest.mark.parametrize("number", [0, -1, MAX_ROUND + 1])
def test_a_pulse_for_a_round_that_cannot_be_is_refused(number):
    refused("round-out-of-range", check_pulse, QUICKNET, replace(PULSE, round=number), round=number)


# Answers of relays, and files


def test_answers_of_both_api_versions_are_read():
    assert parse_pulse(answer(round=1000, signature=SIGNATURE), QUICKNET) == PULSE
    assert parse_pulse(answer(round=1000, randomness=RANDOMNESS, signature=SIGNATURE), QUICKNET) == PULSE
    chained = answer(
        round=72785,
        randomness=sha256(bytes.fromhex(CHAINED.signature)).hexdigest(),
        signature=CHAINED.signature,
        previous_signature=CHAINED.previous,
    )
    assert parse_pulse(chained, DEFAULT) == CHAINED


def test_hex_in_capitals_and_unknown_fields_are_read():
    data = answer(
        round=1000,
        signature=SIGNATURE.upper(),
        randomness=RANDOMNESS.upper(),
        chain_hash=QUICKNET.hash.upper(),
        metadata={"anything": [1.5, None]},
    )
    assert parse_pulse(data, QUICKNET) == PULSE


def test_the_file_of_a_pulse_is_one_line_of_canonical_json():
    assert format_pulse(PULSE) == (f'{{"chain":"{QUICKNET.hash}","round":1000,"signature":"{SIGNATURE}"}}\n'.encode())
    for pulse, chain in ((PULSE, QUICKNET), (CHAINED, DEFAULT), (UNCHAINED_PULSE, UNCHAINED)):
        assert parse_pulse(format_pulse(pulse), chain) == pulse


def test_the_example_of_the_specification_is_the_file_that_is_written_and_it_verifies():
    text = (ROOT / "specs/beacon.md").read_text("utf-8")
    example = text.split("```\n")[1].encode()
    assert example == format_pulse(PULSE)
    assert check_pulse(QUICKNET, parse_pulse(example, QUICKNET), round=1000).hex() in text


def test_the_specification_names_each_built_in_chain_with_its_constants():
    text = (ROOT / "specs/beacon.md").read_text("utf-8")
    for chain in CHAINS.values():
        row = f"| `{chain.id}` | `{chain.scheme}` | {chain.period} | {chain.genesis} | `{chain.hash}` |"
        assert row in text


BAD_ANSWERS = {
    "the round as text": ("not-integer", answer(round="1000", signature=SIGNATURE)),
    "the round as true": ("not-integer", answer(round=True, signature=SIGNATURE)),
    "the round as a float": ("not-integer", answer(round=1000.0, signature=SIGNATURE)),
    "the round as NaN": ("not-integer", answer(round=float("nan"), signature=SIGNATURE)),
    "no round": ("not-integer", answer(signature=SIGNATURE)),
    "round 0": ("round-out-of-range", answer(round=0, signature=SIGNATURE)),
    "a negative round": ("round-out-of-range", answer(round=-1, signature=SIGNATURE)),
    "a round above 2^53": ("round-out-of-range", answer(round=2**53, signature=SIGNATURE)),
    "no signature": ("not-text", answer(round=1000)),
    "a null signature": ("not-text", answer(round=1000, signature=None)),
    "an empty signature": ("not-hex", answer(round=1000, signature="")),
    "half a byte": ("not-hex", answer(round=1000, signature=SIGNATURE[:-1])),
    "spaces in the signature": ("not-hex", answer(round=1000, signature=SIGNATURE[:-1] + " ")),
    "fullwidth digits": ("not-hex", answer(round=1000, signature="１" * 96)),
    "a null previous": ("not-text", answer(round=1000, signature=SIGNATURE, previous_signature=None)),
    "another randomness": ("wrong-randomness", answer(round=1000, signature=SIGNATURE, randomness="00" * 32)),
    "half the randomness": (
        "wrong-randomness", answer(round=1000, signature=SIGNATURE, randomness=RANDOMNESS[:32])
    ),
    "a number as randomness": ("not-text", answer(round=1000, signature=SIGNATURE, randomness=1)),
    "another chain": ("wrong-chain", answer(round=1000, signature=SIGNATURE, chain=DEFAULT.hash)),
    "another chain hash": ("wrong-chain", answer(round=1000, signature=SIGNATURE, chain_hash=DEFAULT.hash)),
    "a name as chain": ("not-hex", answer(round=1000, signature=SIGNATURE, chain="quicknet")),
    "two rounds": ("duplicate-field", b'{"round":1000,"round":1001,"signature":"00"}'),
    "a list": ("not-an-object", b"[1000]"),
    "null": ("not-an-object", b"null"),
    "a page": ("not-json", b"<html>Too Early</html>"),
    "nothing": ("not-json", b""),
    "two lines": ("not-json", format_pulse(PULSE) * 2),
    "a byte order mark": ("not-json", b"\xef\xbb\xbf" + format_pulse(PULSE)),
    "UTF-16": ("not-json", format_pulse(PULSE).decode().encode("utf-16")),
    "bytes that are not UTF-8": ("not-json", b'{"round":1000,"x":"\xff"}'),
    "a nesting bomb": ("not-json", b"[" * MAX_PULSE_BYTES),
    "a long number": ("round-out-of-range", b'{"signature":"00","round":' + b"9" * 4000 + b"}"),
    "one byte too many": ("pulse-too-large", format_pulse(PULSE).ljust(MAX_PULSE_BYTES + 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_an_answer_is_refused_that_holds(name):
    code, data = BAD_ANSWERS[name]
    refused(code, parse_pulse, data, QUICKNET)


def test_an_answer_of_the_greatest_size_is_read():
    assert parse_pulse(format_pulse(PULSE).ljust(MAX_PULSE_BYTES), QUICKNET) == PULSE


# Practice chains


def test_a_practice_chain_has_the_shape_that_marks_it():
    chain = practice_chain(SECRET, id="practice", genesis=1_700_000_000)
    check_chain(chain)
    assert (chain.id, chain.period, chain.scheme) == ("practice", 3, QUICKNET.scheme)
    assert chain.group_hash == PRACTICE_GROUP_HASH == "0" * 64
    assert chain.practice
    assert not any(built_in.practice for built_in in CHAINS.values())


def test_the_key_of_a_practice_chain_is_the_one_that_the_specification_derives():
    from py_arkworks_bls12381 import G2Point, Scalar

    # r of RFC 9380 §8.8.1, written out so that the reduction is not the library's
    order = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
    digest = sha512(b"fairdraw/v1/practice\n" + SECRET.hex().encode() + b"\n").digest()
    scalar = Scalar.from_be_bytes((int.from_bytes(digest, "big") % order).to_bytes(32, "big"))
    chain = practice_chain(SECRET, id="practice", genesis=1_700_000_000)
    assert chain.key == (G2Point() * scalar).to_compressed_bytes().hex()


def test_the_practice_vector_of_the_specification_holds():
    text = (ROOT / "specs/beacon.md").read_text("utf-8")
    chain = practice_chain(SECRET, id="practice", genesis=1_700_000_000)
    pulse = practice_pulse(SECRET, chain, 1)
    for value in (chain.key[:96], chain.key[96:], chain.hash, pulse.signature):
        assert value in text
    assert check_pulse(chain, pulse, round=1).hex() in text


def test_a_practice_pulse_is_checked_by_the_same_check_and_its_twin_is_refused():
    chain = practice_chain(SECRET, id="practice", genesis=1_700_000_000)
    pulse = practice_pulse(SECRET, chain, 7)
    assert check_pulse(chain, pulse, round=7) == sha256(bytes.fromhex(pulse.signature)).digest()
    refused("signature-invalid", check_pulse, chain, replace(pulse, round=8), round=8)
    other = practice_chain(SECRET[::-1], id="practice", genesis=1_700_000_000)
    refused("signature-invalid", check_pulse, other, replace(pulse, chain=other.hash), round=7)
    refused("wrong-secret", practice_pulse, SECRET[::-1], chain, 7)
    refused("round-out-of-range", practice_pulse, SECRET, chain, 0)


@pytest.mark.parametrize(
    ("code", "secret", "name", "genesis"),
    [
        ("secret-length", SECRET[:31], "practice", 0),
        ("secret-length", SECRET + b"\0", "practice", 0),
        ("practice-chain", SECRET, "quicknet", 0),
        ("practice-chain", SECRET, "default", 0),
        ("chain-id", SECRET, "演练", 0),
        ("chain-genesis", SECRET, "practice", -1),
        ("chain-genesis", SECRET, "practice", 2**63),
    ],
)
def test_a_practice_chain_is_not_made_from(code, secret, name, genesis):
    refused(code, practice_chain, secret, id=name, genesis=genesis)


def test_a_practice_chain_of_another_period_is_refused():
    chain = practice_chain(SECRET, id="practice", genesis=0)
    slow = replace(chain, period=30)
    refused("practice-chain", check_chain, replace(slow, hash=chain_hash(slow)))


def test_the_secret_of_a_practice_chain_is_in_no_error():
    with pytest.raises(BeaconError) as caught:
        practice_chain(SECRET[:31], id="practice", genesis=0)
    assert SECRET[:31].hex() not in str(caught.value)
    assert repr(SECRET[:31]) not in str(caught.value)


def test_importing_the_module_does_not_load_the_curve():
    code = "import sys, fairdraw.beacon; print('py_arkworks_bls12381' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "False\n"
