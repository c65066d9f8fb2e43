import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairdraw.encoding import FORBIDDEN, check_text
from fairdraw.errors import RegistryError
from fairdraw.registry import load_map, read_registry
from fairdraw.registry.cells import SCIENTIFIC, WHITE_SPACE, as_list, normal, read_text
from fairdraw.registry.numbering import assign_numbers, format_numbers, key_digest, parse_numbers

MAP = load_map('no = "no"\n[attrs]\na = "a"\n[private]\np = "p"')
ASSIGNED = load_map('no = { assign = "F-%03d", by = ["a", "p"] }\n[attrs]\na = "a"\n[private]\np = "p"')
TEXT = st.text(st.characters(codec="gb18030", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=12)
ROWS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=12)


def written(rows, encoding="utf-8"):
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["no", "a", "p"])
    writer.writerows([f"N-{at}", *cells] for at, cells in enumerate(rows))
    return buffer.getvalue().encode(encoding)


@settings(max_examples=60)
@given(ROWS)
def test_what_was_written_is_read_in_every_encoding(rows):
    found = {
        encoding: read_registry(written(rows, encoding), MAP.model_copy(update={"encoding": asked}), name="a.csv")
        for encoding, asked in [("utf-8", "auto"), ("utf-8-sig", "auto"), ("gb18030", "gb18030")]
    }
    assert found["utf-8"] == found["utf-8-sig"] == found["gb18030"]
    by_no = {row.no: (row.attrs["a"], row.private[0]) for row in found["utf-8"].registry.rows}
    left_out = {f"N-{line - 2}" for line in found["utf-8"].left_out}
    for at, (a, p) in enumerate(rows):
        assert (f"N-{at}" in by_no) != (f"N-{at}" in left_out)
        if f"N-{at}" in by_no:
            assert by_no[f"N-{at}"] == (normal(a) or None, normal(p))


@settings(max_examples=60)
@given(ROWS, st.randoms(use_true_random=False), st.none() | st.binary(min_size=32, max_size=32))
def test_assigned_numbers_do_not_depend_on_the_order_of_rows(rows, random, secret):
    rows = sorted(set(rows))
    shuffled = random.sample(rows, len(rows))
    one = read_registry(written(rows), ASSIGNED, name="a.csv", secret=secret)
    two = read_registry(written(shuffled), ASSIGNED, name="a.csv", secret=secret)
    if not one.problems:
        assert one == two


KEYS = st.sets(st.binary(min_size=1, max_size=6), max_size=12)


@settings(max_examples=60)
@given(KEYS, KEYS, st.sampled_from(["F-%06d", "%d", "a.%02d.z"]))
def test_numbers_are_kept_added_to_and_never_given_twice(first, second, template):
    one = assign_numbers(first, template=template, known={}, secret=None)
    two = assign_numbers(second, template=template, known=one, secret=None)
    assert two.items() >= one.items()
    assert len(set(two.values())) == len(two) == len(first | second)
    assert {key_digest(key) for key in first | second} == two.keys()
    assert parse_numbers(format_numbers(two)) == two


@settings(max_examples=60)
@given(KEYS, st.data())
def test_a_changed_byte_of_numbers_is_refused_or_another_content(keys, data):
    content = format_numbers(assign_numbers(keys, template="F-%03d", known={}, secret=None))
    at = data.draw(st.integers(0, len(content) - 1))
    mangled = content[:at] + bytes([content[at] ^ data.draw(st.integers(1, 255))]) + content[at + 1 :]
    try:
        read = parse_numbers(mangled)
    except RegistryError:
        return
    assert format_numbers(read) == mangled != content


@settings(max_examples=200)
@given(st.text(max_size=20))
def test_text_that_is_accepted_may_be_hashed_and_reads_as_itself(text):
    if FORBIDDEN.search(normal(text)) or SCIENTIFIC.fullmatch(normal(text)):
        with pytest.raises(RegistryError):
            read_text(text)
    else:
        found = read_text(text)
        check_text(found)
        assert read_text(found) == found == found.strip(WHITE_SPACE)


@settings(max_examples=100)
@given(st.lists(st.text(max_size=3), max_size=8))
def test_lists_are_sorted_by_utf_8_bytes_without_repeats(items):
    items = [item for item in items if item.isprintable()]
    assert as_list(items) == tuple(sorted(set(items), key=str.encode))


@settings(max_examples=200)
@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.xlsx"]))
def test_no_bytes_raise_anything_but_a_registry_error(data, name):
    for content in (data, b"no,a,p\n" + data, b"PK\x03\x04" + data):
        try:
            read_registry(content, MAP, name=name)
        except RegistryError:
            continue


@settings(max_examples=100)
@given(st.text(max_size=60))
def test_no_text_of_a_map_raises_anything_but_a_registry_error(text):
    with pytest.raises(RegistryError):
        load_map(text)
