"""Recorded rounds of the public drand networks, each verified by at least two other implementations."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from fairdraw.beacon import CHAINS, Chain, Pulse, chain_hash, check_chain, check_pulse, parse_pulse
from fairdraw.errors import BeaconError

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "beacons" / "drand"
CHAIN_NAMES = [
    "default",
    "fastnet",
    "filecoin-2020",
    "quicknet",
    "quicknet-t",
    "testnet-default",
    "testnet-g",
    "testnet-unchained-3s",
]


def recorded(name):
    path = RECORDED / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"recorded drand rounds are not here: {path}")
    return json.loads(path.read_text("utf-8"))


def chain_of(info):
    return Chain(
        id=info["beacon_id"],
        hash=info["hash"],
        key=info["public_key"],
        scheme=info["scheme"],
        period=info["period"],
        genesis=info["genesis_time"],
        group_hash=info["group_hash"],
    )


def refused(code, action, *args, **options):
    with pytest.raises(BeaconError) as caught:
        action(*args, **options)
    assert caught.value.code == code


def test_the_recorded_chains_are_the_ones_that_are_checked_here():
    assert sorted(recorded("chains")["chains"]) == sorted([*CHAIN_NAMES, "evmnet"])


@pytest.mark.parametrize("name", CHAIN_NAMES)
def test_a_recorded_chain_has_the_hash_that_its_constants_give(name):
    chain = chain_of(recorded("chains")["chains"][name])
    check_chain(chain)
    if name in CHAINS:
        assert chain == CHAINS[name]
    for change in ({"period": chain.period + 1}, {"genesis": chain.genesis - 1}, {"group_hash": "11" * 32}):
        refused("wrong-chain-hash", check_chain, replace(chain, **change))


def test_evmnet_hashes_right_and_is_refused_as_unsupported():
    chain = chain_of(recorded("chains")["chains"]["evmnet"])
    assert chain_hash(chain) == chain.hash
    refused("unsupported-scheme", check_chain, chain)
    entry = recorded("evmnet")["rounds"][0]
    pulse = Pulse(chain=chain.hash, round=entry["round"], signature=entry["signature"])
    refused("unsupported-scheme", check_pulse, chain, pulse, round=pulse.round)


@pytest.mark.parametrize("name", ["quicknet", "default", "fastnet"])
def test_every_recorded_round_verifies_with_the_recorded_time_and_randomness(name):
    data, chain = recorded(name), CHAINS[name]
    assert chain_of(data["chain_info"]) == chain
    assert data["count"] == len(data["rounds"]) > 0
    for entry in data["rounds"]:
        pulse = parse_pulse(json.dumps(entry).encode(), chain)
        assert check_pulse(chain, pulse, round=entry["round"]).hex() == entry["randomness"]
        assert chain.time_of(pulse.round) == entry["time"]
        assert chain.round_at_or_after(entry["time"]) == pulse.round


@pytest.mark.parametrize("name", ["quicknet", "default", "fastnet"])
def test_no_recorded_round_passes_for_the_next_one(name):
    chain = CHAINS[name]
    for entry in recorded(name)["rounds"][1::4]:  # every fourth; not round 1, whose previous has a length of its own
        pulse = parse_pulse(json.dumps(entry).encode(), chain)
        refused("wrong-round", check_pulse, chain, pulse, round=pulse.round + 1)
        renumbered = replace(pulse, round=pulse.round + 1)
        refused("signature-invalid", check_pulse, chain, renumbered, round=renumbered.round)


def test_each_round_of_the_default_chain_names_the_signature_before_it():
    chain = CHAINS["default"]
    rounds = {entry["round"]: entry for entry in recorded("default")["rounds"]}
    assert rounds[1]["previous_signature"] == chain.group_hash
    followed = [number for number in rounds if number + 1 in rounds]
    assert len(followed) > 10
    for number in followed:
        assert rounds[number + 1]["previous_signature"] == rounds[number]["signature"]


@pytest.mark.parametrize("name", ["quicknet", "default", "fastnet"])
def test_a_recorded_round_verifies_under_no_other_scheme(name):
    chain = CHAINS[name]
    pulse = parse_pulse(json.dumps(recorded(name)["rounds"][-1]).encode(), chain)
    schemes = {chain_of(info).scheme for info in recorded("chains")["chains"].values()} - {chain.scheme}
    assert len(schemes) == 4
    for scheme in schemes:
        bent = replace(chain, scheme=scheme)
        with pytest.raises(BeaconError):
            check_chain(bent)
        with pytest.raises(BeaconError):
            check_pulse(bent, replace(pulse, previous=None), round=pulse.round)


def test_the_randomness_is_the_hash_of_the_signature_in_every_recorded_round():
    for name in ("quicknet", "default", "fastnet", "evmnet"):
        for entry in recorded(name)["rounds"]:
            assert sha256(bytes.fromhex(entry["signature"])).hexdigest() == entry["randomness"]
