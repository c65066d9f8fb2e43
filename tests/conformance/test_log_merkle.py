"""github.com/transparency-dev/merkle testdata: inclusion and consistency proofs, good and broken."""

import json

import pytest

from support.keys import b64
from support.log_vectors import recorded
from transparency_log.errors import MerkleError
from transparency_log.merkle import check_consistency, check_inclusion

# Its "roots" are 14 bytes of text, which that library compares without looking at them. We ask for hashes.
ROOTS_THAT_ARE_NO_HASHES = "sizes-are-equal-one-and-proof-is-empty.json"


def cases(folder):
    for path in sorted(recorded(f"transparency-dev-merkle/{folder}").rglob("*.json")):
        yield path, json.loads(path.read_bytes())


def holds(check, *args, **named):
    try:
        check(*args, **named)
    except MerkleError:
        return False
    return True


def test_inclusion_proofs_hold_or_fail_as_recorded():
    count = 0
    for path, case in cases("inclusion"):
        held = holds(
            check_inclusion,
            b64(case["leafHash"]),
            index=case["leafIdx"],
            size=case["treeSize"],
            proof=[b64(value) for value in case["proof"] or []],
            root=b64(case["root"]),
        )
        assert held != case["wantErr"], path
        count += 1
    assert count > 50


def test_consistency_proofs_hold_or_fail_as_recorded():
    count = 0
    for path, case in cases("consistency"):
        held = holds(
            check_consistency,
            old_size=case["size1"],
            old_root=b64(case["root1"]),
            new_size=case["size2"],
            new_root=b64(case["root2"]),
            proof=[b64(value) for value in case["proof"] or []],
        )
        expected = not case["wantErr"] and path.name != ROOTS_THAT_ARE_NO_HASHES
        assert held == expected, path
        count += 1
    assert count > 50


def test_equal_sizes_with_roots_that_are_no_hashes_are_refused_for_their_length():
    path = recorded("transparency-dev-merkle/consistency/additional") / ROOTS_THAT_ARE_NO_HASHES
    case = json.loads(path.read_bytes())
    with pytest.raises(MerkleError, match="hash-length"):
        check_consistency(
            old_size=case["size1"],
            old_root=b64(case["root1"]),
            new_size=case["size2"],
            new_root=b64(case["root2"]),
            proof=[],
        )
