"""Threat 36: P reads the USCC, licence or certificate number in `no`."""

import pytest

from fairdraw.errors import RegistryError
from fairdraw.registry import load_map, read_registry
from fairdraw.registry.numbering import check_number

USCC = "91110000600037341L"
RURAL_USCC = "N2110101MF000000AX"
ID = "11010519491231002X"
LICENCE = "PDY10001X33010617A1001"

MAP = """
no = "no"
[private]
name = "name"
licence = "licence"
[closed]
certificate = "certificate"
"""


def codes(no, *, name="第一医院", licence="", certificate=""):
    data = f"no,name,licence,certificate\n{no},{name},{licence},{certificate}\n".encode()
    return [one.code for one in read_registry(data, load_map(MAP), name="a.csv").problems]


@pytest.mark.parametrize(
    ("no", "code"),
    [
        (USCC, "number-is-uscc"),
        (USCC.lower(), "number-is-uscc"),
        (f"H-{USCC}", "number-is-uscc"),
        (f"{USCC}.1", "number-is-uscc"),
        (f"H{USCC}", "number-is-uscc"),
        ("9111-0000-6000-3734-1L", "number-is-uscc"),
        ("92330106MA2B1C2D3E", "number-is-uscc"),
        (ID, "number-is-id"),
        (f"I:{ID}", "number-is-id"),
        (f"I{ID.lower()}", "number-is-id"),
        ("110105-19491231-002X", "number-is-id"),
        ("I110105194912310020", "number-is-id"),
        ("110105194912310020", "number-is-uscc"),
        ("I-110105491231002", "number-is-id"),
        ("330106000012345", "number-is-id"),
        ("13800138000", "number-is-telephone"),
        ("I-13800138000", "number-is-telephone"),
        ("I_138-0013-8000", "number-is-telephone"),
        ("010-62345678", "number-is-telephone"),
        ("0571.87654321", "number-is-telephone"),
        ("05718765432", "number-is-telephone"),
        ("H33010600123456", "number-is-certificate"),
        ("00001234567890", "number-is-certificate"),
        ("ZJ-2026012345", "number-is-certificate"),
        (LICENCE, "number-is-certificate"),
        (f"H.{LICENCE.lower()}", "number-is-certificate"),
    ],
)
def test_a_number_that_says_whose_it_is_is_refused(no, code):
    assert codes(no) == [code]


@pytest.mark.parametrize(
    "no",
    [
        "H-000123",
        "F-000001",
        "H-2026-000001",
        "330106-000123",
        "330106-2026-00001",
        "3301.06:000_123",
        "000000000001",
        "A" * 40,
        "c56a4180-65aa-42ec-a945-5fd21dec0538",
        "1",
    ],
)
def test_a_number_that_means_nothing_is_accepted(no):
    assert codes(no) == []


@pytest.mark.parametrize(
    ("no", "private"),
    [
        ("A-12345", {"licence": "A-12345"}),
        ("a-12345", {"licence": "A12345"}),
        ("H-A12345", {"certificate": "A 123-45"}),
        ("H-1234-7", {"certificate": "1234"}),
        ("HA1234567", {"certificate": "a123456"}),
        ("H.First", {"name": "first"}),
    ],
)
def test_a_number_that_holds_a_private_field_of_its_row_is_refused(no, private):
    assert codes(no, **private) == ["number-is-private-field"]
    assert codes(no) == []


@pytest.mark.parametrize(
    ("no", "private"),
    [
        ("H-123", {"licence": "123"}),
        ("H-12345", {"licence": "1234"}),
        ("H-12345", {"licence": "H-123456"}),
        ("H-12345", {"licence": "-----"}),
    ],
)
def test_a_private_field_that_recurs_by_chance_is_no_reason(no, private):
    assert codes(no, **private) == []


def test_a_private_field_of_another_row_is_no_reason():
    data = b"no,name,licence,certificate\nH-77777,x,L-88888,\nH-88888,y,L-99999,\n"
    assert read_registry(data, load_map(MAP), name="a.csv").problems == ()


def test_numbers_assigned_with_a_secret_do_not_follow_the_order_of_names():
    names = [f"医院{at:03d}" for at in range(200)]
    data = "\n".join(["name", *names]).encode()
    mapping = load_map('no = { assign = "F-%06d", by = ["name"] }\n[private]\nname = "name"')

    def in_order_of_numbers(secret):
        return [row.private[0] for row in read_registry(data, mapping, name="a.csv", secret=secret).registry.rows]

    assert in_order_of_numbers(None) == names
    mixed = in_order_of_numbers(bytes(32))
    assert sorted(mixed) == names
    assert mixed not in (names, in_order_of_numbers(bytes(31) + b"\x01"))
    # Of 200 rows in an order that the names do not tell, about one stands where the names would put it.
    assert sum(one == other for one, other in zip(mixed, names, strict=True)) < 10


def test_an_assigned_template_that_looks_like_a_telephone_is_refused():
    with pytest.raises(RegistryError, match="map-value"):
        load_map('no = { assign = "138%08d", by = ["name"] }')


def test_every_digit_string_of_ten_to_forty_is_refused():
    for length in range(10, 41):
        with pytest.raises(RegistryError, match="number-is-"):
            check_number("1" * length)
