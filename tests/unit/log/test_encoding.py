import pytest

from transparency_log.encoding import MAX_INT, decode_base64, decode_decimal, encode_base64


def test_base64_has_one_spelling():
    assert decode_base64("") == b""
    assert decode_base64("AA==") == b"\x00"
    assert encode_base64(b"\xfb\xff") == "+/8="
    for text in ("AB==", "AA", "AA=", "AA===", "A A==", " AA==", "AA==\n", "-_8=", "ÀA==", "AAA=AAA=", "===="):
        assert decode_base64(text) is None, text


def test_a_decimal_has_one_spelling():
    assert [decode_decimal(text) for text in ("0", "7", "10")] == [0, 7, 10]
    assert decode_decimal(str(MAX_INT)) == MAX_INT


@pytest.mark.parametrize("text", ["", "00", "07", "+7", "-0", "-7", " 7", "7 ", "7\n", "7_0", "0x7", "７", "٧", "1e3"])
def test_other_spellings_of_a_decimal_are_refused(text):
    assert decode_decimal(text) is None


def test_a_decimal_above_the_largest_integer_is_refused():
    assert decode_decimal(str(MAX_INT + 1)) is None
    assert decode_decimal("9" * 5000) is None
