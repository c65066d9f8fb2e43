"""A registry that is frozen in chunks is the one that is frozen in memory: roster, private values, bad rows, errors."""

import csv
import io
import json
import tempfile
from itertools import count
from pathlib import Path
from unittest import mock

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from fairdraw.bulk.freezing import Freezing, Input
from fairdraw.encoding import lines
from fairdraw.errors import Error
from fairdraw.registry import left_out_list, load_map, read_registry
from fairdraw.sealing import private_line
from fairdraw.snapshot import attribute_groups, freeze
from transparency_log import fast

SECRET, ORDER = bytes(range(32)), bytes(range(32, 64))
COLUMNS = ("编号", "kind", "beds", "name", "code")
FIELDS = """
[attrs]
kind = { column = "kind", map = { "甲" = "A", "乙" = "B" } }
beds = { column = "beds", type = "integer" }
[private]
name = { column = "name", required = true }
[closed]
code = "code"
"""
NUMBERED = load_map('no = "编号"\nidentity = [["name", "code"], ["code"]]\n' + FIELDS)
ASSIGNED = load_map('no = { assign = "F-%03d", by = ["name"] }\nidentity = [["code"]]\n' + FIELDS)

NUMBERS = st.sampled_from(["", "x y", "a", "A", "b-1", "B-1", "c.2", "d", "e", "f", "13800138000", "longname"])
KINDS = st.sampled_from(["甲", "乙", "甲", "丙", "", "合计"])
BEDS = st.sampled_from(["", "1", "20", "1.5", "x", "9007199254740993"])
NAMES = st.sampled_from(["", "longname", "第一医院", "a\nb", 'say "no"', "x,y", "　", "e\u0301", "\u200b", *"ABCD"])
ROWS = st.lists(st.tuples(NUMBERS, KINDS, BEDS, NAMES, NAMES), max_size=14)
CHUNKS = st.integers(1, 200)
names = count()


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def as_csv(rows, encoding):
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n" if len(rows) % 2 else "\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return buffer.getvalue().encode(encoding)


def in_memory(data, name, mapping, numbers=None):
    try:
        reading = read_registry(data, mapping, name=name, numbers=numbers, secret=ORDER)
        problems = reading.problems, reading.left_out, left_out_list(reading.problems)
        frozen = freeze(reading.registry, SECRET)
    except Error as error:
        return error.code, error.params
    groups = {tuple(values): held for values, held in attribute_groups(frozen.roster)}
    private = lines(private_line(row.no, row.private) for row in frozen.rows)
    roster = frozen.roster.data
    return *problems, roster, private, frozen.roster.listing(), frozen.attrs, frozen.private, reading.numbers, groups


def in_chunks(where, kind, mapping, folder, *, chunk, numbers=None, name="a"):
    scratch = folder / f"scratch-{next(names)}"
    known = None
    if numbers is not None:
        known = folder / f"numbers-{next(names)}.csv"
        known.write_bytes(numbers)
    try:
        source = Input(where, kind, mapping, name, known)
        with Freezing(source, scratch, SECRET, ORDER, chunk=chunk, every=500) as freezing:
            found = freezing.read()
            made = freezing.seal()
            groups = {tuple(json.loads(attrs).values()): held for attrs, held in made.groups.items()}
            problems = found.problems, found.left_out, left_out_list(found.problems)
            table = made.numbers and made.numbers.read_bytes()
            files = made.roster.read_bytes(), made.private_lines.read_bytes()
            freezing.discard()
            assert not scratch.exists()
            return *problems, *files, made.listing, made.attrs, made.private, table, groups
    except Error as error:
        return error.code, error.params


@settings(max_examples=60, deadline=None)
@given(
    rows=ROWS, chunk=CHUNKS, encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
    mapping=st.sampled_from([NUMBERED, ASSIGNED]), compiled=st.booleans(),
)  # fmt: skip
def test_a_csv_file_in_chunks_is_the_same_registry(folder, rows, chunk, encoding, mapping, compiled):
    data = as_csv(rows, encoding)
    path = folder / "a.csv"
    path.write_bytes(data)
    expected = in_memory(data, "a.csv", mapping)
    with mock.patch.object(Freezing, "_pays", return_value=compiled and fast.why_not() is None):
        assert in_chunks(path, "csv", mapping, folder, chunk=chunk, name="a.csv") == expected


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.sampled_from(['"', ",", "\n", "\r", "a", "一", "1"]), max_size=60), chunk=st.integers(1, 40))
def test_any_text_that_calls_itself_csv_has_the_same_rows_or_the_same_error(folder, text, chunk):
    mapping = load_map('no = "no"\n[private]\np = "p"')
    data = f"no,p\n{text}".encode()
    path = folder / "b.csv"
    path.write_bytes(data)
    assert in_chunks(path, "csv", mapping, folder, chunk=chunk, name="b.csv") == in_memory(data, "b.csv", mapping)


@settings(max_examples=40, deadline=None)
@given(head=st.binary(max_size=8), tail=st.binary(max_size=8), encoding=st.sampled_from(["auto", "utf-8", "gb18030"]))
def test_bytes_in_no_encoding_are_refused_at_the_same_place(folder, head, tail, encoding):
    mapping = load_map(f'encoding = "{encoding}"\nno = "编号"\n[private]\np = "p"')
    data = head + "编号,p\n1,甲\n".encode("gb18030") + tail
    path = folder / "c.csv"
    path.write_bytes(data)
    assert in_chunks(path, "csv", mapping, folder, chunk=3, name="c.csv") == in_memory(data, "c.csv", mapping)


JSON_CELLS = st.sampled_from([
    "", "甲", "乙", "longname", " x ", "A", "a\nb", None, 1, 20, -1, 10**15, 2**53, 10**25, True, 1.5, 2.0, [1], {}
])  # fmt: skip
LINE = st.fixed_dictionaries({"编号": NUMBERS, **dict.fromkeys(COLUMNS[1:], JSON_CELLS)})
FAULTY = ["", "  ", "[1]", "{", '{"编号": "x"}', '{"a":1,"a":2}', '{"编号":"\\ud800"}', "[" * 3000]
LINES = st.lists(LINE.map(lambda row: json.dumps(row, ensure_ascii=False)) | st.sampled_from(FAULTY), max_size=12)


@settings(max_examples=120, deadline=None)
@given(
    found=LINES, chunk=CHUNKS, encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
    mapping=st.sampled_from([NUMBERED, ASSIGNED]),
)  # fmt: skip
def test_json_lines_in_chunks_are_the_same_registry(folder, found, chunk, encoding, mapping):
    data = "\n".join(found).encode(encoding)
    path = folder / "a.jsonl"
    path.write_bytes(data)
    expected = in_memory(data, "a.jsonl", mapping)
    assert in_chunks(path, "jsonl", mapping, folder, chunk=chunk, name="a.jsonl") == expected


TYPED = {
    "编号": st.none() | NUMBERS,
    "kind": st.none() | KINDS,
    "beds": st.none() | st.integers(-5, 10**16),
    "name": st.none() | NAMES,
    "code": st.none() | st.dates(),
}


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.fixed_dictionaries(TYPED), max_size=14), chunk=st.integers(1, 2000), groups=st.integers(1, 5))
def test_parquet_in_chunks_is_the_same_registry(folder, rows, chunk, groups):
    types = {"编号": "string", "kind": "string", "beds": "int64", "name": "large_string", "code": "date32"}
    table = pyarrow.table({name: pyarrow.array([row[name] for row in rows], kind) for name, kind in types.items()})
    path = folder / "a.parquet"
    parquet.write_table(table, path, row_group_size=groups)
    for mapping in (NUMBERED, ASSIGNED):
        expected = in_memory(path.read_bytes(), "a.parquet", mapping)
        assert in_chunks(path, "parquet", mapping, folder, chunk=chunk, name="a.parquet") == expected


@settings(max_examples=30, deadline=None)
@given(rows=ROWS, later=ROWS, chunk=CHUNKS)
def test_numbers_that_were_given_are_kept(folder, rows, later, chunk):
    first = in_memory(as_csv(rows, "utf-8"), "a.csv", ASSIGNED)
    known = first[-2] if len(first) > 2 else None
    data = as_csv(later, "utf-8")
    path = folder / "d.csv"
    path.write_bytes(data)
    expected = in_memory(data, "d.csv", ASSIGNED, known)
    assert in_chunks(path, "csv", ASSIGNED, folder, chunk=chunk, numbers=known, name="d.csv") == expected
