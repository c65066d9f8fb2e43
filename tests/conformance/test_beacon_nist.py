"""Recorded NIST-format pulses: what verified when they were recorded verifies here, and nothing else."""

import json
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from fairdraw.errors import BeaconError
from fairdraw.nist import check_nist_pulse, nist_chain, parse_document, read_answer

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "beacons" / "nist" / "v2_pulses.json"
OURS = Path(__file__).resolve().parents[2] / "specs" / "vectors" / "recorded" / "nist.json"


def recorded():
    if not RECORDED.is_file():
        pytest.skip(f"recorded NIST-format pulses are not here: {RECORDED}")
    return json.loads(RECORDED.read_text("utf-8"))


def certificate(whole, name):
    return load_pem_x509_certificate(whole["certificates"][name]["pem"].encode()).public_bytes(Encoding.DER)


def test_the_signed_bytes_are_those_that_were_recorded():
    whole = recorded()
    assert len(whole["pulses"]) > 4
    for told in whole["pulses"]:
        assert read_answer(json.dumps({"pulse": told["pulse"]}).encode()).message().hex() == told["signed_message_hex"]


def test_a_pulse_is_accepted_if_its_signature_output_and_status_are_right_and_else_refused():
    whole, accepted = recorded(), []
    for told in whole["pulses"]:
        der, pulse = certificate(whole, told["cert"]), read_answer(json.dumps(told["pulse"]).encode())
        chain = nist_chain(der, id="nist", chain_index=pulse.chain_index)
        good = told["signature_valid"] and told["output_ok_nist"] and pulse.status_code == 0
        number = pulse.time() // 60
        if good:
            randomness = check_nist_pulse(chain, certificate=der, document=pulse.format(), round=number)
            assert randomness == sha256(bytes.fromhex(told["pulse"]["outputValue"])).digest()
            accepted.append(pulse.pulse_index)
            continue
        with pytest.raises(BeaconError):
            check_nist_pulse(chain, certificate=der, document=pulse.format(), round=number)
    assert sorted(accepted) == [54609, 54610, 1853311]


def test_the_vectors_hold_the_recorded_pulses_and_certificates():
    whole, ours = recorded(), json.loads(OURS.read_text("utf-8"))
    theirs = sorted(read_answer(json.dumps(told["pulse"]).encode()).output_value for told in whole["pulses"])
    assert theirs == sorted(told["document"]["output_value"] for told in ours["pulses"].values())
    ders = sorted(certificate(whole, name) for name in whole["certificates"])
    assert ders == sorted(b64decode(data) for data in ours["certificates"].values())


def test_a_document_is_read_back_as_it_was_written():
    for told in recorded()["pulses"]:
        pulse = read_answer(json.dumps(told["pulse"]).encode())
        assert parse_document(pulse.format()) == pulse == read_answer(pulse.format())
