"""A roster beside its level files gives the rows, proofs and slips of one in memory, and nothing that is not logged."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fairdraw.schema import SnapshotStatement
from fairdraw.verify import verify_slip
from fairdraw_cli.ondisk import ROWS, RosterOnDisk
from support.rosters import lay_down
from support.slips import drawn_and_not, slip_of
from support.story import Told, begin, trust
from transparency_log.errors import StorageError
from transparency_log.levels import level_name


@pytest.fixture(scope="module")
def told() -> Told:
    return begin().go_on()


@pytest.fixture
def laid(tmp_path: Path, told: Told) -> tuple[Path, Path, SnapshotStatement]:
    entry, frozen = told.objects
    return tmp_path / "levels-1", lay_down(tmp_path / "levels-1", frozen.roster), entry.of(SnapshotStatement)


@pytest.fixture
def ondisk(laid: tuple[Path, Path, SnapshotStatement]) -> Iterator[RosterOnDisk]:
    with RosterOnDisk(*laid) as roster:
        yield roster


def test_single_rows_and_proofs_are_those_of_the_roster_in_memory(ondisk: RosterOnDisk, told: Told):
    roster = told.objects[1].roster
    for index, row in enumerate(roster.rows):
        assert ondisk.find(row.no) == index
        assert (ondisk.row(index), ondisk.line(index), ondisk.proof(index)) == (row, row.line(), roster.proof(index))
    assert [ondisk.find(no) for no in ("", "H", "H-000000.5", "Z")] == [None] * 4


def test_a_slip_from_the_disk_is_byte_for_byte_the_one_from_memory_and_holds(ondisk: RosterOnDisk, told: Told):
    for no in drawn_and_not(told):
        slip = slip_of(told, no, roster=ondisk)
        assert slip.format() == slip_of(told, no).format()
        assert verify_slip(slip, trust(told.story), as_of=told.story.now).exit_code in (0, 3)


@pytest.mark.parametrize("name", [ROWS, level_name(0), level_name(1), level_name(5)])
def test_a_file_that_is_missing_or_cut_is_named(laid: tuple[Path, Path, SnapshotStatement], name: str):
    path = laid[0] / name
    data = path.read_bytes()
    for change, code in ((lambda: path.write_bytes(data[:-1]), "level-length"), (path.unlink, "level-missing")):
        change()
        with pytest.raises(StorageError) as caught:
            RosterOnDisk(*laid)
        assert (caught.value.code, Path(caught.value.params["path"]).name) == (code, name)


def test_no_altered_byte_of_any_file_gets_into_a_proof(laid: tuple[Path, Path, SnapshotStatement], told: Told):
    roster = told.objects[1].roster
    expected = [(row, roster.proof(index)) for index, row in enumerate(roster.rows)]
    refused = 0
    for path in (laid[1], *laid[0].iterdir()):
        data = path.read_bytes()
        for place in range(0, len(data), max(len(data) // 25, 1)):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            try:
                with RosterOnDisk(*laid) as bent:
                    found = [(bent.row(index), bent.proof(index)) for index in range(len(bent))]
            except StorageError:
                refused += 1
            else:
                assert found == expected, (path, place)  # a node that no proof of this size needs
        path.write_bytes(data)
    assert refused > 100
