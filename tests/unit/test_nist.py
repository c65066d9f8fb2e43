"""NIST-format pulses as they are read, pinned and kept; what is checked of them: tests/attacks/test_sources.py."""

import json
from hashlib import sha256, sha512

import pytest

from fairdraw.errors import BeaconError
from fairdraw.nist import MAX_DOCUMENT, NistPulse, check_nist_chain, check_nist_pulse, nist_chain, read_answer
from support.sources import certificate, nist_pulse

NUMBER = 29_813_000


def refused(code, action, *args, **options):
    with pytest.raises(BeaconError) as caught:
        action(*args, **options)
    assert caught.value.code == code


def answered(pulse: NistPulse) -> dict:
    """Return a pulse as its operator's server shows it."""
    names = ("previous", "hour", "day", "month", "year")
    return {
        "uri": pulse.uri,
        "version": pulse.version,
        "cipherSuite": pulse.cipher_suite,
        "period": pulse.period,
        "certificateId": pulse.certificate_id.upper(),
        "chainIndex": pulse.chain_index,
        "pulseIndex": pulse.pulse_index,
        "timeStamp": pulse.time_stamp,
        "localRandomValue": pulse.local_random_value.upper(),
        "external": {"sourceId": pulse.external.source_id, "statusCode": 0, "value": pulse.external.value},
        "listValues": [{"uri": None, "type": name, "value": getattr(pulse, name).upper()} for name in names],
        "precommitmentValue": pulse.precommitment_value.upper(),
        "statusCode": pulse.status_code,
        "signatureValue": pulse.signature_value.upper(),
        "outputValue": pulse.output_value.upper(),
    }


def told(**changes) -> bytes:
    return json.dumps({"pulse": answered(nist_pulse(NUMBER)) | changes}).encode()


def test_an_answer_in_any_case_becomes_the_one_document():
    pulse = nist_pulse(NUMBER)
    inner = json.dumps(answered(pulse), indent=2).encode()
    assert read_answer(told()) == read_answer(inner) == read_answer(pulse.format()) == pulse
    chain = nist_chain(certificate(), id="nist", chain_index=2)
    document = read_answer(told(somethingElse=1)).format()
    randomness = check_nist_pulse(chain, certificate=certificate(), document=document, round=NUMBER)
    assert randomness == sha256(bytes.fromhex(pulse.output_value)).digest()


@pytest.mark.parametrize(
    "changes",
    [
        {"listValues": []},
        {"listValues": [{"type": "previous", "value": "00" * 64}] * 5},
        {"listValues": 7},
        {"external": []},
        {"external": {"sourceId": "00"}},
        {"chainIndex": "2"},
        {"chainIndex": True},
        {"pulseIndex": 1.0},
        {"statusCode": 2**32},
        {"statusCode": -1},
        {"timeStamp": None},
        {"timeStamp": "a\u202eb"},
        {"uri": "u" * 201},
        {"certificateId": "00"},
        {"signatureValue": "0g" * 256},
        {"signatureValue": "00" * 2000},
        {"outputValue": 5},
    ],
)
def test_an_answer_of_another_form_is_refused(changes):
    refused("bad-pulse-document", read_answer, told(**changes))


def test_an_answer_that_is_not_one_small_object_is_refused():
    refused("pulse-too-large", read_answer, b" " * (MAX_DOCUMENT + 1))
    refused("not-json", read_answer, b"{")
    refused("not-an-object", read_answer, b"[]")
    refused("duplicate-field", read_answer, told().replace(b'"version"', b'"uri"'))
    refused("bad-pulse-document", read_answer, b"{}")
    refused("bad-pulse-document", read_answer, b'{"pulse":[]}')


def test_a_chain_is_its_certificate_and_its_index():
    chain = nist_chain(certificate(), id="nist", chain_index=2)
    assert chain.hash == sha256(certificate()).hexdigest()
    assert chain.key == sha512(certificate()).hexdigest() + "0000000000000002"
    assert chain.time_of(NUMBER) == NUMBER * 60
    assert chain.round_at_or_after(NUMBER * 60) == NUMBER
    assert chain.round_at_or_after(NUMBER * 60 + 1) == NUMBER + 1
    assert not chain.practice
    check_nist_chain(chain)
    refused("bad-certificate", nist_chain, b"", id="nist", chain_index=2)
    refused("bad-certificate", nist_chain, certificate()[:-1], id="nist", chain_index=2)
    refused("chain-index", nist_chain, certificate(), id="nist", chain_index=-1)
    refused("not-a-nist-chain", nist_chain, certificate(), id="NIST", chain_index=1)


def test_a_certificate_without_an_rsa_key_of_a_decent_size_is_refused():
    from datetime import UTC, datetime

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding

    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "weak.example.cn")])
    for key in (ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 1024)):  # noqa: S505 -- weak is the test
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        made = made.serial_number(1).not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        der = made.not_valid_after(datetime(2027, 1, 1, tzinfo=UTC)).sign(key, SHA256()).public_bytes(Encoding.DER)
        refused("bad-certificate", nist_chain, der, id="weak", chain_index=2)
