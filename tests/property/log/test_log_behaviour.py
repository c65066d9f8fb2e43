"""Trees, policies and logs compared with a slow and obvious account of what they should do."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from transparency_log.checkpoint import Cosignature
from transparency_log.errors import MerkleError
from transparency_log.log import Log
from transparency_log.merkle import Tree, check_consistency, check_inclusion, leaf_hash, root
from transparency_log.note import COSIGNATURE_ED25519, Signer, Verifier
from transparency_log.policy import (
    Group,
    Policy,
    Witness,
    can_split,
    colluders_to_backdate,
    colluders_to_fork,
    freshness_time,
    order_time,
    suffices,
)
from transparency_log.reader import LogReader
from transparency_log.state import MemoryState
from transparency_log.storage import Memory

few = settings(max_examples=60, deadline=None)

LEAVES = [leaf_hash(number.to_bytes(2)) for number in range(700)]
NAMES = ("a", "b", "c", "d", "e", "f")
KEYS = {name: Verifier(name, COSIGNATURE_ED25519, name.encode() * 32) for name in NAMES}
SIGNER = Signer("log.example", 1, bytes(32))


@st.composite
def policies(draw):
    """A tree of thresholds over all six witnesses."""
    loose, groups = list(NAMES), []
    while len(loose) > 1:
        count = draw(st.integers(1, len(loose)))
        members, loose = loose[:count], loose[count:]
        groups.append(Group(f"g{len(groups)}", draw(st.integers(1, count)), tuple(members)))
        loose.append(groups[-1].name)
        if len(groups) == 8:
            break
    return Policy((), tuple(Witness(name, key) for name, key in KEYS.items()), tuple(groups), loose[-1])


lines = st.lists(st.builds(Cosignature, st.sampled_from(list(KEYS.values())), st.integers(0, 8)), max_size=12)


@few
@given(policies(), lines)
def test_times_of_a_quorum_are_those_that_trying_every_time_finds(policy, seen):
    stated = [line for line in seen if line.timestamp > 0]
    times = range(1, 9)
    early = [t for t in times if suffices(policy, [line for line in stated if line.timestamp <= t])]
    late = [t for t in times if suffices(policy, [line for line in stated if line.timestamp >= t])]
    assert order_time(policy, seen) == min(early, default=None)
    assert freshness_time(policy, seen) == max(late, default=None)


@few
@given(policies())
def test_colluders_are_those_that_trying_every_quorum_finds(policy):
    subsets = [frozenset(chosen) for count in range(7) for chosen in combinations(NAMES, count)]
    quorums = [chosen for chosen in subsets if suffices(policy, [Cosignature(KEYS[name], 1) for name in chosen])]
    assert colluders_to_backdate(policy) == min(map(len, quorums))
    assert colluders_to_fork(policy) == min(len(one & other) for one in quorums for other in quorums)
    assert can_split(policy) == (colluders_to_fork(policy) == 0)


@few
@given(st.integers(1, 700), st.data())
def test_every_proof_that_is_made_holds_and_with_another_leaf_does_not(size, data):
    index, old_size = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    tree = Tree(LEAVES[:size])
    claim = {"index": index, "size": size, "proof": tree.inclusion_proof(index), "root": tree.root()}
    check_inclusion(LEAVES[index], **claim)
    check_consistency(
        old_size=old_size,
        old_root=root(LEAVES[:old_size]),
        new_size=size,
        new_root=tree.root(),
        proof=tree.consistency_proof(old_size),
    )
    try:
        check_inclusion(leaf_hash(b"another"), **claim)
    except MerkleError:
        return
    raise AssertionError("a leaf that is not there was proved")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(st.integers(0, 3), st.integers(200, 300), st.just(None)), max_size=8))
def test_a_log_that_is_reopened_at_any_time_is_the_log_that_never_stopped(steps):
    storage, state = Memory(), MemoryState()
    log = Log.create(storage, SIGNER, state=state)
    entries = []
    for step in steps:
        if step is None:
            log = Log.open(storage, SIGNER, state=state)
        else:
            batch = [b"%d" % number for number in range(len(entries), len(entries) + step)]
            assert log.append_many(batch) == list(range(len(entries), len(entries) + step))
            entries += batch
    reader = LogReader(storage.read, SIGNER.verifier)
    assert reader.check().checkpoint.root == root(map(leaf_hash, entries))
    assert list(reader.entries(0, len(entries), len(entries))) == entries
