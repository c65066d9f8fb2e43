"""An honest log cannot be convicted, a forked one always is; and no bytes break a follower's parsers."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from support.followed import SIGNER, VERIFIER, signed_note
from transparency_log.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from transparency_log.errors import LogError
from transparency_log.evidence import Fork, find_fork
from transparency_log.followed import State
from transparency_log.merkle import Tree, leaf_hash

MANY = 70
LEAVES = [leaf_hash(b"leaf %d" % number) for number in range(MANY)]
NODES = [Tree(LEAVES).node(level, index) for level in range(7) for index in range(MANY >> level)]
ROOTS = [Tree(LEAVES[:size]).root() for size in range(MANY + 1)]
NOTES = [sign_checkpoint(Checkpoint(SIGNER.name, size, root), SIGNER) for size, root in enumerate(ROOTS)]

hashes = st.sampled_from([*NODES, *ROOTS]) | st.binary(min_size=32, max_size=32)
sizes = st.integers(0, MANY)
few = settings(max_examples=60, deadline=None)


@few
@given(one=sizes, other=sizes, root=st.none() | hashes, proof=st.lists(hashes, max_size=9))
def test_an_honest_log_is_not_convicted_by_whatever_is_made_of_its_checkpoints(one, other, root, proof):
    for hashes_ in (
        proof,
        Tree(LEAVES[: max(one, other)]).consistency_proof(min(one, other)) if min(one, other) else [],
    ):
        try:
            Fork(NOTES[one], NOTES[other], root, tuple(hashes_)).convict(VERIFIER)
        except LogError:
            continue
        raise AssertionError


@given(old=st.integers(1, MANY), new=st.integers(1, MANY), shared=st.integers(0, MANY - 1))
@few
def test_a_log_that_forked_is_always_convicted_and_one_that_did_not_never(old, new, shared):
    forged = [*LEAVES[:shared], *(leaf_hash(b"forged %d" % number) for number in range(MANY - shared))]
    one = open_checkpoint(NOTES[old].format(), VERIFIER)
    other = open_checkpoint(signed_note(new, Tree(forged[:new]).root()), VERIFIER)
    larger = Tree((LEAVES if old > new else forged)[: max(old, new)])
    fork = find_fork(one, other, log_verifier=VERIFIER, node=larger.node)
    assert (fork is None) == (min(old, new) <= shared)
    if fork is not None:
        assert Fork.parse(fork.format()) == fork
        assert {tree.size for tree in fork.convict(VERIFIER)} == {old, new}


@few
@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda noise: b"fork/v1\n" + noise))
def test_any_bytes_are_evidence_or_refused(data):
    with suppress(LogError):
        assert Fork.parse(data).format() == data


@few
@given(st.binary(max_size=300) | st.text("0123456789 again\nwithdrawnotes", max_size=99).map(
    lambda noise: b"log-follow/v1\nentries 0\n" + noise.encode() + b"\n" + NOTES[3].format()))  # fmt: skip
def test_any_bytes_are_a_memory_or_refused(data):
    with suppress(LogError):
        assert State.parse(data, VERIFIER).format() == data
