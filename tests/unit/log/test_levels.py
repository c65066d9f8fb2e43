"""Level files: what is damaged is named and never proved from, and a write that fails leaves no tree behind."""

import os
from hashlib import sha256

import pytest

from support.paths import path
from transparency_log import levels, merkle
from transparency_log.errors import MerkleError, StorageError

LEAVES = [sha256(number.to_bytes(4)).digest() for number in range(1000)]


def written(folder, size):
    folder.mkdir(exist_ok=True)
    (folder / "leaves").write_bytes(b"".join(LEAVES[:size]))
    return levels.write_levels(folder, folder / "leaves").root()


def code_of(call, *args):
    with pytest.raises((StorageError, MerkleError)) as raised:
        call(*args)
    return raised.value.code, raised.value.params


@pytest.mark.parametrize("compiled", [False, True])
def test_a_tree_of_several_real_pieces_is_the_tree_in_memory(tmp_path, compiled):
    size = 2 * levels.PIECE + 12_345
    with path(compiled=compiled):
        hashes = merkle.leaf_hashes([number.to_bytes(4) for number in range(size)])
        (tmp_path / "00").write_bytes(hashes)
        tree = merkle.Tree.of(hashes)
        assert levels.write_levels(tmp_path, tmp_path / "00").root() == tree.root()
    with levels.Levels(tmp_path, size) as found:
        for index in (0, 1, levels.PIECE - 1, levels.PIECE, size // 2, size - 2, size - 1):
            assert found.inclusion_proof(index) == tree.inclusion_proof(index)
    for level, nodes in enumerate(tree.levels):
        assert (tmp_path / levels.level_name(level)).read_bytes() == nodes


@pytest.mark.parametrize("compiled", [False, True])
def test_chunks_of_entries_hashed_side_by_side_come_to_the_tree_of_all(compiled):
    entries = [number.to_bytes(3) for number in range(levels.PIECE + 77)]
    chunks = [
        (b"".join(some), range(3, 3 * len(some) + 3, 3)) for some in (entries[: levels.PIECE], entries[levels.PIECE :])
    ]
    with path(compiled=compiled):
        assert levels.range_over(chunks, len(entries)).root() == merkle.Tree.over(entries).root()
        with pytest.raises(MerkleError, match="range-unaligned"):
            levels.range_over(chunks[::-1], len(entries))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 8, 9, 100])
def test_a_folder_is_refused_where_a_file_lacks_or_is_longer_or_shorter(tmp_path, size):
    root = written(tmp_path, size)
    for level in range(levels.level_count(size)):
        file = tmp_path / levels.level_name(level)
        whole = file.read_bytes()
        for mangled in {whole[:-1], whole[:-32], whole + b"\0", whole + bytes(32)} - {whole}:
            file.write_bytes(mangled)
            told = code_of(levels.Levels, tmp_path, size, root)
            assert told[0] == "level-length"
            assert (told[1]["path"], told[1]["found"], told[1]["expected"]) == (str(file), len(mangled), len(whole))
        file.unlink()
        assert code_of(levels.Levels, tmp_path, size) == (
            "level-missing",
            {"path": str(file), "folder": str(tmp_path)},
        )
        file.write_bytes(whole)
    for other in {size - 1, size + 1, 2 * size} - {size, -1}:
        assert code_of(levels.Levels, tmp_path, other)[0] in ("level-length", "level-missing")
    levels.Levels(tmp_path, size, root).close()


def test_files_of_another_tree_of_the_same_size_are_refused_where_the_root_is_known(tmp_path):
    root = written(tmp_path, 21)
    (tmp_path / "leaves").write_bytes(b"".join(LEAVES[100:121]))
    levels.write_levels(tmp_path, tmp_path / "leaves")
    assert code_of(levels.Levels, tmp_path, 21, root) == (
        "levels-damaged",
        {"path": str(tmp_path), "folder": str(tmp_path)},
    )


def proved(folder, size, root, index):
    """Return a proof, or the error that came of asking for it."""
    try:
        with levels.Levels(folder, size, root) as found:
            return found.inclusion_proof(index)
    except StorageError as error:
        return error


def test_a_flipped_bit_anywhere_lets_no_false_proof_out(tmp_path):
    size = 13
    root = written(tmp_path, size)
    proofs = [merkle.inclusion_proof(LEAVES[:size], index) for index in range(size)]
    files = {str(tmp_path / levels.level_name(level)) for level in range(levels.level_count(size))}
    refused = 0
    for file in map(levels.Path, sorted(files)):
        whole = file.read_bytes()
        for at in range(0, len(whole), 8):
            file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            for index in range(size):
                told = proved(tmp_path, size, root, index)
                if told != proofs[index]:
                    assert told.code == "levels-damaged"
                    assert told.params["path"] in {str(tmp_path), *files}
                    refused += 1
        file.write_bytes(whole)
    assert refused > 100
    assert [proved(tmp_path, size, root, index) for index in range(size)] == proofs


def test_without_a_root_a_proof_holds_under_the_root_that_the_files_show_or_is_not_made(tmp_path):
    written(tmp_path, 13)
    file = tmp_path / "01"
    whole = bytearray(file.read_bytes())
    whole[0] ^= 1
    file.write_bytes(whole)
    with levels.Levels(tmp_path, 13) as found:
        for index in (2, 3):  # beside whose path it lies
            code, params = code_of(found.inclusion_proof, index)
            assert (code, params["path"]) == ("levels-damaged", str(file))
        for index in (0, 1, 4, 12):  # whose proofs do not use it
            assert found.inclusion_proof(index) == merkle.inclusion_proof(LEAVES[:13], index)


def test_a_file_that_is_cut_while_it_is_open_is_told(tmp_path):
    root = written(tmp_path, 13)
    with levels.Levels(tmp_path, 13, root) as found:
        os.truncate(tmp_path / "00", 40)
        assert code_of(found.inclusion_proof, 5)[0] == "level-length"
        for index in (-1, 13):
            assert code_of(found.inclusion_proof, index)[0] == "index-out-of-range"
            with pytest.raises(IndexError):
                found.node(0, index)


def test_leaves_that_are_no_whole_hashes_make_no_tree(tmp_path):
    (tmp_path / "leaves").write_bytes(bytes(33))
    code, params = code_of(levels.write_levels, tmp_path, tmp_path / "leaves")
    assert (code, params["expected"], params["found"]) == ("level-length", 32, 33)
    assert [file.name for file in tmp_path.iterdir()] == ["leaves"]


def test_nothing_comes_after_a_piece_that_was_the_last(tmp_path):
    with levels.LevelWriter(tmp_path, level=3) as writer:
        writer.append(merkle.Tree(LEAVES[:24]))
        writer.append(merkle.Tree(LEAVES[24:29]))
        assert code_of(writer.append, merkle.Tree(LEAVES[29:30]))[0] == "range-unaligned"
        assert {file.name for file in tmp_path.iterdir()} == {f".0{level}.tmp" for level in range(4)}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fails", ["fsync", "rename"])
def test_a_write_that_fails_leaves_no_level_0_and_nothing_temporary(tmp_path, monkeypatch, fails):
    leaves = tmp_path / "leaves"
    leaves.write_bytes(b"".join(LEAVES))
    calls = []

    def broken(*args):
        calls.append(args)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*{"fsync": (os, "fsync"), "rename": (levels.Path, "replace")}[fails], broken)
    assert code_of(levels.write_levels, tmp_path, leaves)[0] == "disk-full"
    assert calls
    assert [file.name for file in tmp_path.iterdir()] == ["leaves"]


def test_a_tree_without_pieces_has_its_level_0_all_the_same(tmp_path):
    with levels.LevelWriter(tmp_path) as writer:
        assert writer.finish().root() == merkle.EMPTY_ROOT
    assert [file.name for file in tmp_path.iterdir()] == ["00"]
    levels.Levels(tmp_path, 0, merkle.EMPTY_ROOT).close()


def test_level_0_gets_its_name_after_all_others_are_on_the_disk(tmp_path, monkeypatch):
    order = []
    replace, fsync = levels.Path.replace, os.fsync
    monkeypatch.setattr("pathlib.Path.replace", lambda one, two: (order.append(two.name), replace(one, two))[1])
    monkeypatch.setattr(os, "fsync", lambda descriptor: (order.append("fsync"), fsync(descriptor))[1])
    written(tmp_path, 5)
    assert order == ["fsync", "fsync", "fsync", "02", "01", "fsync", "00", "fsync"]
    order.clear()
    with levels.LevelWriter(tmp_path) as writer:
        writer.append(merkle.Tree(LEAVES[:5]))
        writer.finish()
    assert order == ["fsync", "fsync", "fsync", "02", "01", "00", "fsync"]
