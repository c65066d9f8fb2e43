"""Keys and notes that log tests share: made from fixed seeds, and worth nothing."""

import base64
from hashlib import sha256

import pytest

from transparency_log.note import COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44, Signature, Signer, Verifier

ORIGIN = "log.example/draws"


def log_signer(name=ORIGIN):
    return Signer.from_seed(name, sha256(f"log {name}".encode()).digest())


def witness_signer(name):
    return Signer.from_seed(name, sha256(f"witness {name}".encode()).digest(), COSIGNATURE_ED25519)


def ml_dsa_signer(name):
    """An ML-DSA-44 key (0x06), a log's or a witness's; the test is skipped where there can be none."""
    if not Verifier(name, COSIGNATURE_ML_DSA_44, bytes(1312)).supported:
        pytest.skip("the installed cryptography has no ML-DSA-44")
    return Signer.from_seed(name, sha256(f"ml-dsa {name}".encode()).digest(), COSIGNATURE_ML_DSA_44)


def grease(number, name="grease.example"):
    """A signature line of a kind that nobody knows."""
    noise = sha256(f"grease {number}".encode()).digest()
    return Signature(f"{name}/{number}", noise[:4], noise[4 : 5 + number % 28])


def flipped_bits(data):
    """Every copy of `data` that differs in one bit."""
    for at in range(len(data) * 8):
        mangled = bytearray(data)
        mangled[at // 8] ^= 1 << at % 8
        yield bytes(mangled)


def b64(text):
    return base64.b64decode(text or "")
