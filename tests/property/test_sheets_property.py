"""What is written into a sheet is read from it: for our own sheets, and in every format."""

import contextlib
import datetime
import io

from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from fairdraw.errors import RegistryError
from fairdraw.registry.cells import as_typed
from fairdraw.registry.tabular import read_lines
from fairdraw_cli.textsheet import TextSheet, text_workbook
from support.sheets import KINDS, Page, book, parts, repacked

# XML has no characters below U+0020 but three, and no U+FFFE and U+FFFF: xlsxwriter escapes the former.
CELL = st.text(st.characters(codec="utf-8", exclude_characters="\ufffe\uffff\r"), min_size=1, max_size=12)
SEEN = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12)


@settings(max_examples=80)
@given(st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=6))
def test_a_text_cell_comes_back_as_it_was(rows):
    made = text_workbook([TextSheet(name="表", titles=["a", "b"], rows=rows)])
    found = [list(map(as_typed, cells)) for _, cells in read_lines(made, name="a.xlsx").rows]
    assert found == [["a", "b"], *rows]


@settings(max_examples=40)
@given(st.lists(st.lists(SEEN, min_size=2, max_size=2), min_size=1, max_size=4))
def test_one_table_of_texts_is_the_same_in_every_format(rows):
    told = {
        kind: [list(cells) for _, cells in read_lines(book(kind, Page(rows)), name=f"a{kind}").rows] for kind in KINDS
    }
    assert told[".xlsx"] == told[".xls"] == told[".ods"] == rows


VALUE = st.one_of(
    SEEN,
    st.integers(-(10**9), 10**9),
    st.floats(-1e6, 1e6).map(lambda value: round(value, 3)),
    st.booleans(),
    st.dates(datetime.date(1901, 1, 1), datetime.date(2099, 12, 31)),
)


@settings(max_examples=80)
@given(st.lists(st.lists(VALUE, min_size=3, max_size=3), min_size=1, max_size=5))
def test_calamine_reads_the_same_table(rows):
    for kind in KINDS:
        made = book(kind, Page([("a", "b", "c"), *rows]))
        ours = [list(cells) for _, cells in read_lines(made, name=f"a{kind}").rows]
        peers = CalamineWorkbook.from_filelike(io.BytesIO(made)).get_sheet_by_index(0).to_python()
        assert ours == peers, kind


@settings(max_examples=60)
@given(st.binary(max_size=400), st.sampled_from(KINDS), st.integers(0, 3))
def test_any_bytes_are_a_table_or_our_own_error(data, kind, head):
    start = (b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"<")[head]
    with contextlib.suppress(RegistryError):
        list(read_lines(start + data, name=f"a{kind}").rows)


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_part_of_a_file_is_a_table_or_our_own_error(data):
    kind = data.draw(st.sampled_from([".xlsx", ".ods"]))
    name = data.draw(st.sampled_from(sorted(parts(FILES[kind]))))

    def damage(part):
        bent = bytearray(part)
        for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(part) - 1), st.integers(0, 255)), max_size=8)):
            bent[at] = value
        return bytes(bent)

    with contextlib.suppress(RegistryError):
        list(read_lines(repacked(FILES[kind], {name: damage}), name=f"a{kind}").rows)


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_file_is_a_table_or_our_own_error(data):
    kind = data.draw(st.sampled_from(KINDS))
    made = bytearray(FILES[kind])
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(made) - 1), st.integers(0, 255)), max_size=8)):
        made[at] = value
    with contextlib.suppress(RegistryError):
        list(read_lines(bytes(made), name=f"a{kind}").rows)


FILES = {kind: book(kind, Page([("编号", "名称"), ("H-1", 2), ("H-2", "x")])) for kind in KINDS}
