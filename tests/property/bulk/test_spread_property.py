"""A registry in parts that a cluster freezes is the one that is frozen here, however it was cut."""

import csv
import io
import json
import os
import signal
import warnings
from itertools import count, pairwise
from pathlib import Path

import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from fairdraw.bulk.freezing import Freezing, Input
from fairdraw.bulk.parts import part_files
from fairdraw.bulk.spread import InParts, Spread
from fairdraw.errors import Error, WorkspaceError
from fairdraw.registry import left_out_list, load_map
from support.clusters import OneWorker
from support.scratch import memory_folder

pytestmark = pytest.mark.filterwarnings("default")  # Dask warns of ports, loops and of its own modules
SECRET, ORDER = bytes(range(32)), bytes(range(32, 64))
COLUMNS = ("编号", "kind", "name", "code")
FIELDS = """
[attrs]
kind = { column = "kind", map = { "甲" = "A", "乙" = "B" } }
[private]
name = { column = "name", required = true }
[closed]
code = "code"
"""
NUMBERED = load_map('no = "编号"\nidentity = [["name", "code"], ["code"]]\n' + FIELDS)
ASSIGNED = load_map('no = { assign = "F-%03d", by = ["name", "code"] }\n' + FIELDS)
NAMES = ("第一医院", "a\nb", 'say "no"', "x,y", *"ABCDEFGH")
FAULTS = (
    (0, ""), (0, "x y"), (0, "H-7"), (0, "h-7"), (0, "h-8"), (0, "13800138000"), (0, "longname"), (1, "丙"),
    (2, ""), (2, "longname"), (3, ""),
)  # fmt: skip
KINDS = st.sampled_from(["csv", "jsonl", "parquet"])
MAPS = st.sampled_from([NUMBERED, NUMBERED, ASSIGNED])
names = count()


@st.composite
def registries(draw, most=60):
    """Rows with all kinds of faults, and where to cut them."""
    chance = draw(st.randoms(use_true_random=False))
    faulty = draw(st.sampled_from([0, 0, 0.1, 0.5]))
    rows = []
    for no in chance.sample(range(1000), draw(st.integers(0, most))):
        row = [f"h-{no}", chance.choice("甲乙"), chance.choice(NAMES), f"c{chance.randrange(10 if faulty else 10**9)}"]
        if chance.random() < faulty:
            at, value = chance.choice(FAULTS)
            row[at] = value
        rows.append(tuple(row))
    if draw(st.booleans()):
        rows.sort()
    return rows, sorted(draw(st.lists(st.integers(0, len(rows)), max_size=6)))


@pytest.fixture(scope="module")
def cluster():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from distributed import LocalCluster

        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs="CRITICAL") as made:
            made.wait_for_workers(2)
            yield made


@pytest.fixture(scope="module")
def client(cluster):
    with cluster.get_client() as connected:
        yield connected


@pytest.fixture(scope="module")
def folder():
    with memory_folder() as made:
        yield Path(made)


def as_csv(rows):
    writer = csv.writer(buffer := io.StringIO(), lineterminator="\n")
    writer.writerows([COLUMNS, *rows])
    # Every other file has no end of its last line.
    return (buffer.getvalue() if len(rows) % 2 else buffer.getvalue().removesuffix("\n")).encode()


def as_jsonl(rows):
    return "\n".join(json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False) for row in rows).encode()


def as_parquet(rows):
    columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    table = pyarrow.table({name: pyarrow.array(one, "string") for name, one in zip(COLUMNS, columns, strict=True)})
    parquet.write_table(table, out := io.BytesIO(), row_group_size=3)
    return out.getvalue()


WRITERS = {"csv": as_csv, "jsonl": as_jsonl, "parquet": as_parquet}


def lay_down(folder, rows, cuts, kind):
    """Write rows as parts, cut at these places, and return their folder."""
    made = folder / f"parts-{next(names)}"
    made.mkdir()
    (made / "_SUCCESS").touch()
    (made / ".part-00000.crc").write_bytes(b"crc")
    for at, (start, end) in enumerate(pairwise([0, *cuts, len(rows)])):
        (made / f"part-{at:05d}.{kind}").write_bytes(WRITERS[kind](rows[start:end]))
    return made


def told(freezing):
    with freezing:
        found = freezing.read()
        made = freezing.seal()
        levels = {path.name: path.read_bytes() for path in made.levels.iterdir()}
        problems = [(one.line, one.field, one.expected, one.code) for one in found.problems]
        result = (
            problems, found.left_out, left_out_list(found.problems), made.attrs, made.private, made.listing, levels,
            made.roster.read_bytes(), made.private_lines and made.private_lines.read_bytes(),
            made.numbers and made.numbers.read_bytes(), made.groups,
        )  # fmt: skip
        freezing.discard()
        return result


def here(folder, rows, kind, mapping, numbers=None):
    path = folder / f"whole-{next(names)}.{kind}"
    path.write_bytes(WRITERS[kind](rows))
    source = Input(path, kind, mapping, path.name, numbers)
    try:
        return told(Freezing(source, folder / f"scratch-{next(names)}", SECRET, ORDER))
    except Error as error:
        return error.code


def spread(client, folder, where, mapping, numbers=None, *, keep_private=True, **more):
    kind, parts = part_files(where, None)
    shared = folder / f"shared-{next(names)}"
    shared.mkdir()
    source = InParts(parts, kind, mapping, numbers, keep_private)
    options = {"level": 2, "sample": 2, **more}
    try:
        return told(Spread(source, folder / f"scratch-{next(names)}", shared, client, SECRET, ORDER, **options))
    finally:
        assert not list(shared.iterdir())  # private values were in it


def outcome(*args, **more):
    try:
        return spread(*args, **more)
    except Error as error:
        return error.code


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    made=registries(), kind=KINDS, mapping=MAPS, level=st.integers(0, 5), sample=st.integers(1, 5),
    chunk=st.integers(1, 300),
)  # fmt: skip
def test_a_registry_in_parts_is_the_same_however_it_was_cut(folder, made, kind, mapping, level, sample, chunk):
    rows, cuts = made
    if rows or kind != "jsonl":  # such a file without a line has no columns
        found = outcome(
            OneWorker(), folder, lay_down(folder, rows, cuts, kind), mapping, level=level, sample=sample, chunk=chunk
        )
        assert found == here(folder, rows, kind, mapping)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(made=registries(), kind=KINDS, mapping=MAPS, level=st.integers(0, 4))
def test_two_workers_make_the_same(client, folder, made, kind, mapping, level):
    rows, cuts = made
    if rows or kind != "jsonl":
        found = outcome(client, folder, lay_down(folder, rows, cuts, kind), mapping, level=level)
        assert found == here(folder, rows, kind, mapping)


FAULTY = ("", "[1]", "{", '{"编号": "x"}', '{"编号":"h-1","code":"c","name":"A","kind":"甲"}', '{"a":1,"a":2}')


@settings(max_examples=30, deadline=None)
@given(found=st.lists(st.sampled_from(FAULTY), max_size=12), cuts=st.lists(st.integers(0, 12), max_size=4))
def test_lines_of_json_that_are_no_rows_are_bad_wherever_the_cut_is(folder, found, cuts):
    lines = [as_jsonl([("h-0", "甲", "A", "c0")]), *(line.encode() for line in found)]
    whole, parts = folder / f"whole-{next(names)}.jsonl", folder / f"parts-{next(names)}"
    whole.write_bytes(b"".join(line + b"\n" for line in lines))
    parts.mkdir()
    for at, (start, end) in enumerate(pairwise([0, *sorted(min(cut, len(found)) + 1 for cut in cuts), len(lines)])):
        (parts / f"{at}.jsonl").write_bytes(b"".join(line + b"\n" for line in lines[start:end]))
    expected = told(Freezing(Input(whole, "jsonl", NUMBERED, "a"), folder / f"scratch-{next(names)}", SECRET, ORDER))
    assert spread(OneWorker(), folder, parts, NUMBERED) == expected


MANY = [(f"h-{no * 7919 % 1000:03d}", "甲乙"[no % 2], f"name {no}", f"c{no}") for no in range(400)]
TWICE = [*MANY, MANY[3], ("H-005", "甲", "other", "d"), ("new-1", "丙", "z", "z")]
CUTS = [50, 100, 150, 200, 250, 300]


@pytest.mark.parametrize("mapping", [NUMBERED, ASSIGNED], ids=["numbered", "assigned"])
@pytest.mark.parametrize("when", ["read", "tree"])
def test_a_worker_killed_midway_changes_nothing(client, cluster, folder, mapping, when):
    cluster.wait_for_workers(2)
    killed = []

    def tell(what, done, total, rows):
        # A worker that is at work, and has answers that nobody has fetched yet.
        if what == when and done and not killed:
            killed.append(min(client.run(os.getpid).values()))
            os.kill(killed[0], signal.SIGKILL)

    found = spread(client, folder, lay_down(folder, TWICE, CUTS, "csv"), mapping, level=4, sample=4, tell=tell)
    assert killed
    assert found == here(folder, TWICE, "csv", mapping)


def test_work_that_the_cluster_gave_up_is_an_error(client, folder):
    def tell(what, done, total, rows):
        if what == "read":
            for state in list(client.futures.values()):
                state.cancel()

    with pytest.raises(WorkspaceError, match="workers-failed"):
        spread(client, folder, lay_down(folder, MANY, CUTS, "csv"), NUMBERED, tell=tell)


def test_numbers_that_were_given_are_kept(folder):
    first = here(folder, MANY[:200], "csv", ASSIGNED)[-2]
    known = folder / "numbers.csv"
    known.write_bytes(first)
    where = lay_down(folder, MANY[100:], [7, 90], "csv")
    assert spread(OneWorker(), folder, where, ASSIGNED, known) == here(folder, MANY[100:], "csv", ASSIGNED, known)


def test_without_private_values_nothing_else_changes(folder):
    where = lay_down(folder, MANY, CUTS, "csv")
    found, kept = (spread(OneWorker(), folder, where, NUMBERED, keep_private=keep) for keep in (False, True))
    assert found[8] is None
    assert found[:8] + found[9:] == kept[:8] + kept[9:]
