"""Keys and tickets, recomputed by hand and with the shell line that a citizen types."""

import os
import shutil
import subprocess
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairdraw.tickets import KeyMaterial, smallest, ticket, ticketer

CHAIN, TEXT, RANDOMNESS = "52" * 32, "ab" * 32, "cd" * 32
MATERIAL = KeyMaterial(
    statement="announcement",
    text=TEXT,
    seeds=(("s0.example.cn", "11" * 32), ("s1.example.cn", "-")),
    pulses=((CHAIN, 32000944, RANDOMNESS),),
    embargo="ef" * 32,
)
BY_HAND = (
    "fairdraw/v1/key\n"
    f"announcement {TEXT}\n"
    f"seed s0.example.cn {'11' * 32}\n"
    "seed s1.example.cn -\n"
    f"pulse {CHAIN} 32000944 {RANDOMNESS}\n"
    f"embargo {'ef' * 32}\n"
)
KEY = bytes(range(32))
FIELDS = st.lists(st.integers(0, 9) | st.from_regex(r"\A[A-Za-z0-9._:-]{1,9}\Z"), min_size=1)


def test_the_key_is_sha_256_of_its_labelled_lines():
    assert MATERIAL.key() == sha256(BY_HAND.encode()).digest()
    assert MATERIAL.key().hex() == "35679d7363bf1b47f85331f61097bd0204bf03c53b251c4cc3c8e8cd36a11037"


def test_a_ticket_is_one_sha_256():
    told = sha256(f"{KEY.hex()}\nobject\nH-000123\n".encode()).digest()
    assert ticket(KEY, "object", "H-000123") == told
    assert told.hex() == "d089c3be845932a200472b49845e8b5af682115824d7ceaaf4d73834042b6af8"
    team = sha256(f"{KEY.hex()}\nteam\n3\n0\nH-000123\nI-0042\n".encode()).digest()
    assert ticket(KEY, "team", 3, 0, "H-000123", "I-0042") == team


def test_the_hex_key_fills_exactly_one_block():
    assert len(KEY.hex()) == sha256().block_size


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="sha256sum is not installed")
@pytest.mark.parametrize("no", ["H-000123", "A.b_c:d-9", "0"])
def test_the_line_that_a_citizen_types_gives_the_ticket(no):
    line = f"printf '%s\\nobject\\n{no}\\n' $KEY | sha256sum"
    shell = subprocess.run(
        ["sh", "-c", line], env=os.environ | {"KEY": KEY.hex()}, capture_output=True, text=True, check=True
    )
    assert shell.stdout.split()[0] == ticket(KEY, "object", no).hex()


@given(st.binary(min_size=32, max_size=32), FIELDS)
def test_the_reused_state_changes_nothing(key, fields):
    of = ticketer(key, "team")
    by_hand = sha256((f"{key.hex()}\nteam\n" + "".join(f"{field}\n" for field in fields)).encode()).digest()
    assert of(*fields) == of(*fields) == ticket(key, "team", *fields) == by_hand


@given(st.binary(min_size=32, max_size=32), st.sets(st.integers(0, 999), max_size=30), st.integers(0, 12), st.randoms())
def test_the_smallest_tickets_do_not_depend_on_the_order_of_a_list(key, numbers, count, random):
    names = [f"H-{n}" for n in numbers]
    shuffled = random.sample(names, len(names))
    told = smallest(key, "object", names, count)
    assert told == smallest(key, "object", shuffled, count)
    assert told == sorted((ticket(key, "object", no), no) for no in names)[:count]


@pytest.mark.parametrize(
    "bent",
    [
        {"statement": "substitution-call"},
        {"text": "ac" * 32},
        {"seeds": MATERIAL.seeds[::-1]},
        {"seeds": MATERIAL.seeds[:1]},
        {"pulses": ((CHAIN, 32000945, RANDOMNESS),)},
        {"pulses": ((RANDOMNESS, 32000944, CHAIN),)},
        {"pulses": MATERIAL.pulses * 2},
        {"embargo": None},
    ],
)
def test_every_part_of_the_material_enters_the_key(bent):
    fields = {name: getattr(MATERIAL, name) for name in ("statement", "text", "seeds", "pulses", "embargo")}
    assert KeyMaterial(**(fields | bent)).key() != MATERIAL.key()
