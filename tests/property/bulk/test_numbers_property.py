import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairdraw.bulk.numbers import Numbers, check_numbers
from fairdraw.errors import RegistryError
from fairdraw.registry.numbering import assign_numbers, format_numbers, key_digest, parse_numbers
from support.scratch import memory_folder


@pytest.fixture(autouse=True)
def _no_disk(monkeypatch):
    """What is compared here is what files hold, not that they are durable."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


KEYS = st.binary(min_size=1, max_size=3) | st.sampled_from([b'["a"]', b'["a","b"]', b'["ab"]', b'["a\xc3\xa9"]'])
TEMPLATES = st.sampled_from(["F-%02d", "f-%02d", "F-%d", "%d", "%01d.z", "F-%06d"])
SECRETS = st.none() | st.binary(min_size=32, max_size=32)


@st.composite
def knowns(draw):
    """A numbers.csv with numbers of any template, in either case of letters."""
    numbers = draw(
        st.sets(
            st.from_regex(r"[Ff]-[0-9]{1,3}|[0-9]{1,3}(\.[zZ])?|F-(9|09|99|098)|[A-Za-z0-9._:-]{1,40}", fullmatch=True),
            max_size=12,
        )
    )
    apart = {no.casefold(): no for no in sorted(numbers)}
    keys = draw(st.lists(KEYS, min_size=len(apart), max_size=len(apart), unique=True))
    return {key_digest(key): no for key, no in zip(keys, apart.values(), strict=True)}


@settings(max_examples=200, deadline=None)
@given(
    st.lists(KEYS, max_size=30), knowns() | st.none(), TEMPLATES, SECRETS, st.sampled_from([1, 500, 1 << 20]), st.data()
)
def test_numbers_are_those_that_are_assigned_in_memory(keys, known, template, secret, room, data):
    rows = dict(enumerate(keys, 2))
    drop = data.draw(st.sets(st.sampled_from(sorted(rows))) if rows else st.just(set()))
    kept = {line: key for line, key in rows.items() if line not in drop}
    expected = assign_numbers(kept.values(), template=template, known=known or {}, secret=secret)
    with memory_folder() as folder:
        before = Path(folder, "before.csv")
        if known is not None:
            before.write_bytes(format_numbers(known))
        numbers = Numbers(Path(folder, "scratch"), secret=secret, room=room)
        middle = data.draw(st.integers(0, len(rows)))
        numbers.add(keys[:middle], range(2, middle + 2))
        if data.draw(st.booleans()):  # killed after more was added than the journal knows
            sizes = numbers.sizes()
            numbers.add(keys, range(2, len(keys) + 2))
            numbers.sync()
            numbers = Numbers(Path(folder, "scratch"), sizes, secret=secret, room=room)
        numbers.add(keys[middle:], range(middle + 2, len(keys) + 2))
        for _ in range(data.draw(st.integers(1, 2))):  # or killed after all was assigned
            assigned, csv = numbers.assign(template=template, known=None if known is None else before, drop=drop)
        assert csv.read_bytes() == format_numbers(expected)
        if data.draw(st.booleans()):  # or killed after the new table took the place of the old one
            csv.replace(before)
            assigned, csv = numbers.assign(template=template, known=before, drop=drop)
            assert csv.read_bytes() == format_numbers(expected)
        wanted = {line: expected[key_digest(key)].encode() for line, key in kept.items()}
        assert assigned.between(0, 1 << 40) == wanted
        first, last = data.draw(st.integers(0, 35)), data.draw(st.integers(0, 35))
        assert assigned.between(first, last) == {at: no for at, no in wanted.items() if first <= at <= last}


def refusal(check, *args):
    try:
        check(*args)
    except RegistryError as error:
        return error.code, error.params
    return None


def mangled(content, draw):
    at, to = sorted(draw(st.tuples(st.integers(0, len(content)), st.integers(0, len(content)))))
    lines = content.splitlines(keepends=True)
    return draw(
        st.sampled_from(
            [
                content,
                content[:at],
                content[:at] + content[to:],
                content[:at] + draw(st.binary(max_size=3)) + content[at:],
                content[:at] + b"x" * 300 + content[at:],
                content[:at] + b"\xff" + content[at + 1 :],
                content.swapcase(),
                b"".join(draw(st.permutations(lines))),
                b"".join(lines + draw(st.permutations(lines))),
                b"".join([*lines, draw(st.sampled_from([*lines, b""])).swapcase()]),
                b"".join(sorted(lines[1:])),
            ]
        )
    )


@settings(max_examples=300, deadline=None)
@given(knowns(), st.data())
def test_a_mangled_numbers_file_is_refused_as_in_memory(known, data):
    content = mangled(format_numbers(known), data.draw)
    with memory_folder() as folder:
        path = Path(folder, "numbers.csv")
        path.write_bytes(content)
        assert refusal(check_numbers, path, Path(folder, "scratch")) == refusal(parse_numbers, content)


DIGEST, OTHER = "ab" * 32, "cd" * 32


@pytest.mark.parametrize(
    ("content", "line", "found"),
    [
        (b"", 1, None),
        (b"no,key", 0, None),
        (b"no;key\n", 1, None),
        (b"no;key\nA," + DIGEST.encode() + b"\n", 1, f"A,{DIGEST}"),
        (b"no,key\nA," + DIGEST.encode(), 1, None),
        (b"no,key\nA," + DIGEST.encode() + b"\nb\n", 3, "b"),
        (b"no,key\nA," + DIGEST.encode() + b"\nB," + DIGEST.encode() + b"\nb\n", 3, f"B,{DIGEST}"),
        (b"no,key\n" + b"A" * 1000 + b"\n", 2, "A" * 80),
        (b"no,key\n\xe7\xbc\x96\n", 2, "\ufffd" * 3),
        (b"no,key\nB," + DIGEST.encode() + b"\nA," + OTHER.encode() + b"\n", 3, None),
        (b"no,key\nA," + DIGEST.encode() + b"\na," + OTHER.encode() + b"\n", 3, f"a,{OTHER}"),
        (b"no,key\nA," + DIGEST.encode() + b"\nB," + DIGEST.encode() + b"\n", 3, f"B,{DIGEST}"),
    ],
)
def test_the_first_wrong_line_is_told(tmp_path, content, line, found):
    path = tmp_path / "numbers.csv"
    path.write_bytes(content)
    told = refusal(check_numbers, path, tmp_path / "scratch")
    assert told == refusal(parse_numbers, content)
    assert (told[1]["line"], told[1].get("found")) == (line, found)


@pytest.mark.parametrize(
    ("template", "taken", "given"),
    [
        ("F-%03d", ["f-002", "f-003", "f-005"], [b"F-001", b"F-004", b"F-006"]),
        ("f-%d", ["F-1", "F-02", "F-3"], [b"f-2", b"f-4", b"f-5"]),
        ("F-%02d", ["F-97", "f-99"], [b"F-98", b"F-100", b"F-101"]),
        ("F-%02d", ["f-100", "F-99", "G-200"], [b"F-101", b"F-102", b"F-103"]),
    ],
)
def test_a_number_taken_in_the_other_case_of_letters_is_left_out(tmp_path, template, taken, given):
    known = {key_digest(no.encode()): no for no in taken}
    path = tmp_path / "numbers.csv"
    path.write_bytes(format_numbers(known))
    numbers = Numbers(tmp_path / "scratch", secret=None)
    numbers.add([b"1", b"2", b"3"], [2, 3, 4])
    assigned, _ = numbers.assign(template=template, known=path)
    assert list(assigned.between(2, 4).values()) == given
    expected = assign_numbers([b"1", b"2", b"3"], template=template, known=known, secret=None)
    assert [expected[key_digest(key)].encode() for key in (b"1", b"2", b"3")] == given


def test_a_counter_that_outgrows_a_number_is_refused(tmp_path):
    path = tmp_path / "numbers.csv"
    known = {key_digest(b"a"): "9" * 40}
    path.write_bytes(format_numbers(known))
    numbers = Numbers(tmp_path / "scratch", secret=None)
    numbers.add([b"b"], [2])
    for assign in (
        lambda: numbers.assign(template="%d", known=path),
        lambda: assign_numbers([b"b"], template="%d", known=known, secret=None),
    ):
        with pytest.raises(RegistryError) as error:
            assign()
        assert (error.value.code, error.value.params["found"]) == ("number-malformed", "1" + "0" * 40)
