"""Encrypted key files are those of age: another library opens ours, we open its own, and nothing bent opens."""

import base64
import re

import pytest
from pyrage import DecryptError, passphrase

from fairdraw_cli import agefile
from fairdraw_cli.agefile import Sealed

PHRASE = "口令 correct horse"
PLAIN = b"PRIVATE+KEY+s1.example.cn+00000000+AAAA\n"


@pytest.fixture(scope="module")
def ours() -> bytes:
    return agefile.encrypt(PLAIN, PHRASE)


def binary(armoured: bytes) -> bytes:
    return base64.b64decode(b"".join(armoured.splitlines()[1:-1]))


def opened(data: bytes, phrase: str = PHRASE) -> bytes | None:
    sealed = Sealed.parse(data)
    return None if sealed is None or sealed.work > agefile.WORK else sealed.open(phrase)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let scrypt be quick: what is asked here does not hang on it."""
    monkeypatch.setattr(agefile, "WORK", 4)


def test_another_library_opens_our_file_with_the_passphrase_alone(ours: bytes) -> None:
    assert bytes(passphrase.decrypt(ours, PHRASE)) == PLAIN
    with pytest.raises(DecryptError):
        passphrase.decrypt(ours, PHRASE + "!")
    assert opened(ours) == PLAIN
    assert opened(ours, PHRASE + "!") is None


@pytest.mark.parametrize("armored", [True, False])
def test_we_open_the_file_of_another_library(*, armored: bool) -> None:
    sealed = Sealed.parse(bytes(passphrase.encrypt(PLAIN, PHRASE, armored=armored)))
    assert sealed is not None
    assert sealed.open(PHRASE) == PLAIN


def test_a_file_asks_for_the_work_that_age_asks_for_and_shares_nothing_with_another(ours: bytes) -> None:
    again = Sealed.parse(agefile.encrypt(PLAIN, PHRASE))
    sealed = Sealed.parse(ours)
    assert sealed is not None
    assert again is not None
    assert sealed.work == again.work == agefile.WORK == 18
    assert not {sealed.salt, sealed.wrapped, sealed.mac, sealed.payload} & {
        again.salt, again.wrapped, again.mac, again.payload,
    }  # fmt: skip


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("size", [1, 63, 64, 1 << 16])
def test_every_size_comes_back(size: int) -> None:
    made = agefile.encrypt(bytes(size), PHRASE)
    assert opened(made) == bytes(size)
    assert bytes(passphrase.decrypt(made, PHRASE)) == bytes(size)
    assert max(map(len, made.splitlines())) <= 64


@pytest.mark.parametrize("size", [0, (1 << 16) + 1])
def test_what_no_key_is_is_not_encrypted(size: int) -> None:
    with pytest.raises(ValueError, match=str(size)):
        agefile.encrypt(bytes(size), PHRASE)


@pytest.mark.usefixtures("quick")
def test_a_file_with_a_flipped_bit_anywhere_does_not_open() -> None:
    data = binary(agefile.encrypt(PLAIN, PHRASE))
    assert opened(data) == PLAIN
    for at in range(8 * len(data)):
        bent = bytearray(data)
        bent[at // 8] ^= 1 << at % 8
        assert opened(bytes(bent)) is None, at


@pytest.mark.usefixtures("quick")
def test_a_file_that_is_cut_or_longer_does_not_open() -> None:
    made = agefile.encrypt(PLAIN, PHRASE)
    data = binary(made)
    for size in range(len(data)):
        assert opened(data[:size]) is None, size
    assert opened(data + b"\0") is None
    assert opened(made.removesuffix(agefile.END)) is None
    assert opened(made.replace(b"\n", b"\r\n")) == PLAIN


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("work", [b"0", b"04", b"+4", b"4 4", b"100", b"", b"-1"])
def test_a_work_factor_in_another_spelling_is_none(work: bytes) -> None:
    data = binary(agefile.encrypt(PLAIN, PHRASE))
    assert Sealed.parse(re.sub(rb"(scrypt \S+ )4\n", rb"\g<1>" + work + b"\n", data)) is None
