"""A freeze on a cluster believes nobody, shows nobody the secret, and says what is wrong with parts and workers."""

import pickle
from array import array
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest

from fairdraw.bulk import joining, tasks
from fairdraw.bulk.parts import part_files
from fairdraw.bulk.spread import InParts, Spread
from fairdraw.bulk.strings import from_words, to_words
from fairdraw.errors import Error, RegistryError, SnapshotError, WorkspaceError
from fairdraw.registry import load_map
from support.clusters import OneWorker
from support.scratch import memory_folder
from transparency_log.merkle import Tree, leaf_hashes

SECRET = bytes(range(32))
MAP = load_map('no = "no"\nidentity = ["name"]\n[attrs]\nkind = "kind"\n[private]\nname = "name"')
ASSIGNED = load_map('no = { assign = "F-%03d", by = ["name"] }\n[attrs]\nkind = "kind"\n[private]\nname = "name"')
ROWS = [f"h-{no * 37 % 100:03d},{'ab'[no % 2]},甲乙丙{no}\n" for no in range(100)]


@pytest.fixture
def place():
    with memory_folder() as made:
        yield Path(made)


@pytest.fixture
def registry(place):
    folder = place / "parts"
    folder.mkdir()
    for at in range(4):
        (folder / f"part-{at}.csv").write_text("no,kind,name\n" + "".join(ROWS[25 * at : 25 * at + 25]), "utf-8")
    return folder


def spread(registry, client, mapping=MAP, **more):
    kind, parts = part_files(registry, None)
    shared = registry.parent / "shared"
    shared.mkdir(exist_ok=True)
    source, scratch = InParts(parts, kind, mapping), registry.parent / "scratch"
    return Spread(source, scratch, shared, client, SECRET, **{"level": 4, "sample": 4, **more})


def freeze(registry, change=lambda task, answer: answer, mapping=MAP, **more):
    with spread(registry, OneWorker(change), mapping, **more) as freezing:
        freezing.read()
        return freezing.seal()


def of_task(name, change):
    """Change the answers to one task, each once it was given."""
    return lambda task, answer: change(answer) if task == name else answer


def damage(file, how):
    """Change a file in the folder that an answer names."""

    def change(answer):
        path = answer.folder / file
        if path.exists():  # the last range has fewer levels
            path.write_bytes(how(path.read_bytes()))
        return answer

    return change


def cut(data):
    return data[:-1]


def flip(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def one_less(ends):
    return to_words(array("Q", [end - 1 for end in from_words(ends)]))


def test_what_nobody_changed_is_frozen(registry):
    made = freeze(registry)
    assert made.listing.count == 100
    assert made.roster.read_bytes().count(b"\n") == 100


@pytest.mark.parametrize(
    ("task", "change", "code"),
    [
        ("order_range", lambda made: replace(made, root=flip(made.root)), "range-root"),
        ("order_range", damage("rows/roster", flip), "range-line"),
        ("order_range", damage("rows/roster", cut), "scratch-damaged"),
        ("order_range", damage("rows/roster.ends", one_less), "range-line"),
        ("order_range", damage("rows/roster.ends", lambda data: b"\xff" * len(data)), "scratch-damaged"),
        ("order_range", damage("rows/private", lambda data: b""), "scratch-damaged"),
        ("order_range", damage("rows/private", lambda data: data.replace(b"\n", b" ")), "range-rows"),
        ("order_range", damage("levels/04", flip), "range-root"),
        ("order_range", damage("levels/00", cut), "scratch-damaged"),
        ("seal_part", damage("rows/roster", flip), "range-root"),
        ("seal_part", damage("rows/roster", cut), "scratch-damaged"),
        ("seal_part", damage("rows/numbers", cut), "scratch-damaged"),
        ("seal_part", damage("rows/leaves", flip), "range-root"),
        ("seal_part", damage("notes/0.hashes", cut), "scratch-damaged"),
        ("seal_part", damage("notes/0.at", lambda data: b"\xff" * len(data)), "workers-failed"),
        ("seal_part", lambda part: replace(part, count=part.count - 1), "range-rows"),
        ("seal_part", lambda part: replace(part, rows=part.rows + 1), "range-rows"),
        ("cut_part", lambda cut: replace(cut, kept=tuple(kept + 5 for kept in cut.kept)), "range-rows"),
    ],
)  # fmt: skip
def test_rows_that_were_changed_on_the_way_are_refused(registry, task, change, code):
    with pytest.raises(Error, match=code) as raised:
        freeze(registry, of_task(task, change))
    assert raised.value.code == code
    assert not list((registry.parent / "shared").iterdir())


def lie(change):
    """Change the lines of a part, and hash what they are then."""

    def consistently(part):
        rows = part.folder / "rows"
        lines = [change(line) for line in (rows / "roster").read_bytes().splitlines()]
        (rows / "roster").write_bytes(b"".join(line + b"\n" for line in lines))
        (rows / "leaves").write_bytes(leaf_hashes(lines))
        return part

    return of_task("seal_part", consistently)


@pytest.mark.parametrize(
    ("old", "new", "code", "reason"),
    [
        (b'"h-001"', b'"h-003"', "range-order", "roster-not-sorted"),  # before h-002
        (b'"h-001"', b'"h-000"', "range-order", "roster-not-sorted"),
        (b'"h-001"', b'"h 001"', "range-line", "bad-roster-line"),
        (b'"a"', b'123', "range-line", "bad-attribute"),
        (b'"kind"', b'"kinb"', "range-line", "bad-attributes"),
        (b'"seal"', b'"sea1"', "range-line", "bad-roster-line"),
        (b'"h-001"', b'"h-0\n1"', "range-line", "bad-roster-line"),
        (b'{"attrs":', b' "attrs":', "range-line", "bad-roster-line"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("level", [0, 4, 7])
def test_what_no_verifier_accepts_is_not_frozen_though_all_hashes_fit(registry, old, new, code, reason, level):
    with pytest.raises(SnapshotError) as raised:
        freeze(registry, lie(lambda line: line.replace(old, new)), level=level)
    assert (raised.value.code, raised.value.params["reason"]) == (code, reason)


def test_a_row_that_is_kept_back_is_missed_though_all_hashes_fit(registry):
    def shorten(made):
        ends = made.folder / "rows" / "roster.ends"
        ends.write_bytes(ends.read_bytes()[:-8] + ends.read_bytes()[-16:-8])
        tree = Tree.over((made.folder / "rows" / "roster").read_bytes().split(b"\n")[:-2])
        for level, nodes in enumerate(tree.levels):
            (made.folder / "levels" / f"{level:02d}").write_bytes(nodes)
        return replace(made, root=tree.root())

    with pytest.raises(SnapshotError, match="range-rows") as raised:
        freeze(registry, of_task("order_range", shorten), level=7)
    assert (raised.value.params["expected"], raised.value.params["found"]) == (100, 99)


def test_a_range_is_laid_down_in_pieces(registry, monkeypatch):
    whole = freeze(registry, level=4)
    expected = {path.name: path.read_bytes() for path in whole.levels.iterdir()}
    monkeypatch.setattr(joining, "PIECE_LEVEL", 1)
    made = freeze(registry, level=4)
    assert made.listing == whole.listing
    assert {path.name: path.read_bytes() for path in made.levels.iterdir()} == expected
    with pytest.raises(SnapshotError, match="range-root"):
        freeze(registry, of_task("order_range", damage("levels/01", lambda data: data[:-1] + b"?")), level=4)


def test_numbers_that_differ_in_case_only_are_found_whatever_keys_were_told(registry):
    # By the key of h-000 it is none that recurs, and capitals come before: in order.
    with pytest.raises(SnapshotError, match="number-twice") as raised:
        freeze(registry, lie(lambda line: line.replace(b'"h-000"', b'"H-071"')))
    assert raised.value.params["found"] == "h-071"


def test_capitals_and_small_letters_may_stand_in_one_roster(registry):
    path = registry / "part-0.csv"
    path.write_text(path.read_text("utf-8").replace("h-0", "H-0"), "utf-8")
    assert freeze(registry).listing.count == 100


def test_ranges_that_change_places_are_refused(registry):
    held = []

    def again(made):
        if held:
            return held[0]
        copytree(made.folder, copy := made.folder.with_name("copy"))
        held.append(replace(made, folder=copy))
        return made

    with pytest.raises(SnapshotError, match="range-order"):
        freeze(registry, of_task("order_range", again))


def test_nothing_that_a_scheduler_shows_or_a_disk_holds_has_the_secret(registry):
    seen = []

    def look(task, answer):
        for path in registry.parent.rglob("*"):
            if path.is_file():
                seen.append(path.name)
                data = path.read_bytes()
                assert SECRET not in data
                assert SECRET.hex().encode() not in data
        return answer

    client = OneWorker(look)
    with spread(registry, client) as freezing:
        freezing.read()
        freezing.seal()
    assert "roster" in seen
    assert {key.partition("-")[0] for key, _ in client.sent} == {"seal_part", "cut_part", "order_range"}
    for _, shown in client.sent:
        assert "Secret" in shown
        assert str(SECRET) not in shown
        assert SECRET.hex() not in shown


def test_the_shared_folder_is_its_owners_alone(registry):
    modes = []

    def look(task, answer):
        modes.extend(path.stat().st_mode & 0o777 for path in (registry.parent / "shared").iterdir())
        return answer

    freeze(registry, look)
    assert set(modes) == {0o700}


def test_what_a_killed_freeze_left_in_the_shared_folder_is_removed(registry):
    killed = spread(registry, OneWorker())
    left = list((registry.parent / "shared").iterdir())
    assert left
    freeze(registry)
    assert not any(path.exists() for path in left)
    del killed


@pytest.mark.parametrize("left", [lambda name: "", lambda name: name[:-25], lambda name: name[:-1], lambda name: "\0"])
def test_of_a_note_that_a_power_cut_has_shortened_nothing_is_removed(registry, left, monkeypatch):
    spread(registry, OneWorker())
    note = registry.parent / "scratch" / "shared"
    (others := registry.parent / "shared" / "of-others").touch()
    monkeypatch.chdir(registry)
    note.write_text(left(note.read_text("utf-8")), "utf-8")
    spread(registry, OneWorker())
    assert others.exists()
    assert (registry / "part-0.csv").exists()


@pytest.mark.parametrize("code", ["worker-version", "worker-blind"])
def test_a_worker_that_could_make_something_else_is_refused(registry, monkeypatch, code):
    look = tasks.look
    if code == "worker-version":
        monkeypatch.setattr(tasks, "look", lambda release, *seen: look("0.0.1", *seen))
    else:
        monkeypatch.setattr(tasks, "look", lambda release, shared, *part: look(release, shared.parent))
    monkeypatch.setattr(tasks.look, "__name__", "look", raising=False)
    with pytest.raises(WorkspaceError, match=code) as raised:
        freeze(registry)
    assert raised.value.params["worker"] == "tcp://worker:1"
    assert not list((registry.parent / "shared").iterdir())


def test_a_worker_that_joins_later_with_another_version_is_refused(registry, monkeypatch):
    with spread(registry, OneWorker()) as freezing:  # those that are there now have been looked at
        monkeypatch.setattr(tasks, "this_release", lambda: "0.0.1")
        with pytest.raises(WorkspaceError, match="worker-version"):
            freezing.read()


def test_what_goes_wrong_on_a_worker_is_told_in_short(registry):
    def full(part):
        raise OSError(28, "No space left on device")

    with pytest.raises(WorkspaceError, match="workers-failed") as raised:
        freeze(registry, of_task("seal_part", full))
    assert raised.value.params["kind"] == "OSError"


@pytest.mark.parametrize("mapping", [MAP, ASSIGNED], ids=["numbered", "assigned"])
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no,kind\nh-1,a\n", "part-columns"),
        ("no,kind,name,more\nh-1,a,x,\n", "part-columns"),
        ('no,kind,name\nh-1,a,"x\n', "csv-malformed"),
    ],
)
def test_a_part_that_cannot_be_read_is_named(registry, text, code, mapping):
    (registry / "part-2.csv").write_text(text, "utf-8")
    with pytest.raises(RegistryError, match=code) as raised:
        freeze(registry, mapping=mapping)
    assert raised.value.params["part"] == "part-2.csv"


def test_columns_may_stand_in_another_order(registry):
    expected = freeze(registry).roster.read_bytes()
    rows = [row.rstrip().split(",") for row in ROWS[50:75]]
    text = "".join(f"{name},{no},{kind}\n" for no, kind, name in rows)
    (registry / "part-2.csv").write_text(f"name,no,kind\n{text}", "utf-8")
    assert freeze(registry).roster.read_bytes() == expected


def test_where_it_was_cut_does_not_decide_in_which_encoding_a_part_is(registry):
    # These two are valid UTF-8 as GB18030 has them; the rows of the other parts are not.
    (registry / "part-0.csv").write_bytes("no,kind,name\nh-900,a,陆梅\n".encode("gb18030"))
    for at in range(1, 4):
        path = registry / f"part-{at}.csv"
        path.write_bytes(path.read_text("utf-8").encode("gb18030"))
    with pytest.raises(RegistryError, match="encoding") as raised:
        freeze(registry)
    assert raised.value.params["part"] == "part-1.csv"
    made = freeze(registry, mapping=MAP.model_copy(update={"encoding": "gb18030"}))
    assert '{"no":"h-900","private":["陆梅"]}' in made.private_lines.read_text("utf-8")


def test_a_part_that_is_written_to_meanwhile_is_refused(registry):
    def write(part):
        with (registry / "part-1.csv").open("a") as file:
            file.write("h-999,a,late\n")
        return part

    with pytest.raises(RegistryError, match="input-changed"):
        freeze(registry, of_task("seal_part", write))


def test_a_bad_row_is_named_by_its_file_and_its_line_there(registry):
    with (registry / "part-3.csv").open("a", encoding="utf-8") as file:
        file.write("h-000,a,new\nh-500,a,甲乙丙1\n,a,x\n")
    with spread(registry, OneWorker()) as freezing:
        found = freezing.read()
    assert [(one.code, one.line, one.cell, one.found) for one in found.problems] == [
        ("number-repeated", 102, "part-3.csv:27", "part-0.csv:2"),
        ("row-repeated", 103, "part-3.csv:28", "part-0.csv:3"),
        ("number-missing", 104, "part-3.csv:29", ""),
    ]
    assert found.left_out == (102, 103, 104)


def test_parts_without_rows_are_no_registry(registry):
    for path in registry.iterdir():
        path.write_text("no,kind,name\n")
    with pytest.raises(RegistryError, match="registry-empty"):
        freeze(registry)
    for path in registry.iterdir():
        path.write_text("no,kind,name\n,a,x\n")
    with pytest.raises(SnapshotError, match="empty-registry"):
        freeze(registry)


def test_a_secret_of_another_length_is_refused(registry):
    kind, parts = part_files(registry, None)
    with pytest.raises(SnapshotError, match="bad-secret"):
        Spread(InParts(parts, kind, MAP), registry.parent / "s", registry.parent, OneWorker(), SECRET[:31])


def test_parts_are_found_by_name(registry):
    (registry / "_SUCCESS").touch()
    (registry / ".part-0.csv.crc").write_bytes(b"crc")
    (registry / "part-9.csv").touch()
    kind, parts = part_files(registry, None)
    assert (kind, [path.name for path in parts]) == ("csv", [f"part-{at}.csv" for at in range(4)])
    assert part_files(registry / "part-[12].csv", None)[1] == parts[1:3]
    (registry / "part-0.csv").rename(registry / "000000_0")  # as Hive calls it
    with pytest.raises(RegistryError, match="file-type"):
        part_files(registry, None)
    assert part_files(registry, "parquet") == ("parquet", sorted([registry / "000000_0", *parts[1:]]))


def test_parts_that_are_no_registry_are_refused(registry, place):
    with pytest.raises(RegistryError, match="parts-missing"):
        part_files(place / "nowhere", None)
    (registry / "more.jsonl").write_text("{}")
    with pytest.raises(RegistryError, match="parts-mixed"):
        part_files(registry, None)
    (registry / "more.jsonl").unlink()
    other = place / "others"
    other.mkdir()
    (other / "part-0.csv").write_text("no,kind,name\n")
    with pytest.raises(RegistryError, match="parts-alike"):
        part_files(place / "*" / "part-*.csv", None)
    (registry / "year=2026").mkdir()
    with pytest.raises(RegistryError, match="parts-nested"):
        part_files(registry, None)


def test_errors_come_back_from_another_process():
    error = RegistryError("part-columns", expected=["a"], found=["b"], part="x")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (type(again), again.code, again.params) == (RegistryError, error.code, error.params)


def test_workers_see_their_folder(tmp_path):
    assert tasks.look(tasks.this_release(), tmp_path).code == "worker-blind"
    (tmp_path / tasks.PROBE).touch()
    assert tasks.look(tasks.this_release(), tmp_path) is None
    assert tasks.look(tasks.this_release(), tmp_path, tmp_path / "part-0.csv").code == "worker-blind"
