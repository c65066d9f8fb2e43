"""Lines of unknown keys change nothing, wherever they stand in a note; bad lines of known keys spoil it.

Signed notes can get new kinds of signatures only if everybody ignores those that they do not know. So every kind of
note that is opened anywhere is opened here with grease in it: names, IDs and lengths at random, and half-known lines.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairdraw.errors import Error
from fairdraw.schema import Plan
from fairdraw.statement import MAX_SIGNATURES as MAX_STATEMENT_SIGNATURES
from fairdraw.statement import check_signatures, read_entry
from support.keys import ORIGIN, log_signer, ml_dsa_signer, witness_signer
from support.story import BUREAU, Story
from transparency_log.checkpoint import cosign, cosign_own, cosignatures, open_checkpoint
from transparency_log.errors import LogError
from transparency_log.frozen import open_frozen, sign_frozen
from transparency_log.log import Log
from transparency_log.merkle import Tree, leaf_hash
from transparency_log.mirror import Mirror
from transparency_log.note import MAX_SIGNATURES, Note, Signature, verify
from transparency_log.policy import Policy
from transparency_log.proof import TlogProof
from transparency_log.reader import CHECKPOINT, LogReader, cosigned_path
from transparency_log.seen import MemoryWitnessState
from transparency_log.state import MemoryState
from transparency_log.storage import Memory
from transparency_log.witness import Witness, add_checkpoint_request, parse_cosignatures

TIME = 1_790_000_000
LOG, W1, W2 = log_signer(), witness_signer("w1.example"), witness_signer("w2.example")
ENTRIES = [b"entry %d" % number for number in range(5)]
TREE = Tree(map(leaf_hash, ENTRIES))
POLICY = Policy.parse(
    f"witness w1 {W1.verifier.vkey}\nwitness w2 {W2.verifier.vkey}\ngroup both all w1 w2\nquorum both\n"
)
KEYS = [W1.verifier, W2.verifier]


def new_log():
    storage = Memory()
    log = Log.create(storage, LOG, state=MemoryState())
    log.append_many(ENTRIES)
    log.add_cosignatures(5, [cosign(signer, log.checkpoint.note.text, TIME) for signer in (W1, W2)], KEYS)
    return log, storage


FILES = dict(new_log()[1].files)
COSIGNED = Note.parse(FILES[cosigned_path(5)])
SIGNED = Note(COSIGNED.text, COSIGNED.signatures[:1])


def with_cosignatures(data):
    note = open_checkpoint(data, LOG.verifier).note
    return cosignatures(note, KEYS)


def proved(data):
    proof = TlogProof(3, tuple(TREE.inclusion_proof(3)), data)
    return TlogProof.parse(proof.format()).verify(leaf_hash(ENTRIES[3]), LOG.verifier, policy=POLICY).checkpoint


def requested(data):
    witness = Witness(W1, MemoryWitnessState())
    body = add_checkpoint_request(0, (), Note.parse(data))
    return witness.add_checkpoint(body, now=TIME, logs={ORIGIN: LOG.verifier})


def answered(data):
    lines = parse_cosignatures(data.rpartition(b"\n\n")[2])
    log, storage = new_log()
    log.add_cosignatures(5, lines, KEYS)
    return LogReader(storage.read, LOG.verifier).signed(5).note


def read_from(path):
    def read(data):
        reader = LogReader((FILES | {path: data}).get, LOG.verifier)
        return reader.check().checkpoint, cosignatures(reader.signed(5).note, KEYS)

    return read


def mirrored(data):
    copy = Memory()
    Mirror(copy, (FILES | {cosigned_path(5): data}).get, LOG.verifier).update()
    reader = LogReader(copy.read, LOG.verifier)
    return reader.check().checkpoint, set(cosignatures(reader.signed(5).note, KEYS))


def post_quantum():
    signer = ml_dsa_signer(ORIGIN)
    return Note(SIGNED.text, (cosign_own(signer, SIGNED.text), cosign(W1, SIGNED.text, TIME)))


def statement():
    story = Story()
    plan = story.plan()
    return plan.note


def stated(data):
    entry = read_entry(data, 0)
    check_signatures(entry, {BUREAU: Story().bureau.verifier})
    return entry.of(Plan), entry.text_hash


@dataclass(frozen=True)
class Kind:
    """How a note is opened; `known` of its lines are of known keys, and grease may stand before the `first` line."""

    note: Callable[[], Note]
    open: Callable[[bytes], object]
    known: tuple[int, ...] = (0,)
    first: int = 0
    limit: int = MAX_SIGNATURES


KINDS = {
    "a note": Kind(lambda: SIGNED, lambda data: verify(Note.parse(data), [LOG.verifier])),
    "a checkpoint": Kind(lambda: SIGNED, lambda data: open_checkpoint(data, LOG.verifier).checkpoint),
    "a checkpoint signed with ML-DSA-44": Kind(
        post_quantum, lambda data: open_checkpoint(data, ml_dsa_signer(ORIGIN).verifier).checkpoint
    ),
    "a cosigned checkpoint": Kind(lambda: COSIGNED, with_cosignatures, (0, 1, 2)),
    "the checkpoint in a proof": Kind(lambda: COSIGNED, proved, (0, 1, 2)),
    "a request to a witness": Kind(lambda: SIGNED, requested),
    "a witness's answer": Kind(lambda: Note(COSIGNED.text, COSIGNED.signatures[1:]), answered, (0, 1)),
    "the file checkpoint": Kind(lambda: COSIGNED, read_from(CHECKPOINT)),
    "the file cosigned": Kind(lambda: COSIGNED, read_from(cosigned_path(5)), (0, 1, 2)),
    "what a mirror copies": Kind(lambda: COSIGNED, mirrored),
    "the word that a log ends": Kind(
        lambda: sign_frozen(open_checkpoint(SIGNED.format(), LOG.verifier).checkpoint, LOG),
        lambda data: open_frozen(data, LOG.verifier),
    ),
    "a statement": Kind(statement, stated, first=1, limit=MAX_STATEMENT_SIGNATURES),
}

names = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="+"), min_size=1, max_size=30)
names = names.filter(lambda name: not any(character.isspace() for character in name))
ids = st.binary(min_size=4, max_size=4)
contents = st.one_of(st.binary(min_size=1, max_size=100), st.sampled_from([64, 72, 2420, 2428, 5000]).map(bytes))
unknown = st.builds(Signature, names, ids, contents)


@st.composite
def half_known(draw, note):
    """Another key of a known name, or another name with a known ID: neither is that key."""
    line = draw(st.sampled_from(note.signatures))
    if draw(st.booleans()):
        return replace(line, key_id=draw(ids.filter(lambda key_id: key_id != line.key_id)), data=draw(contents))
    return replace(line, name=draw(names.filter(lambda name: name != line.name)))


@st.composite
def greased(draw, note, first, limit):
    lines = list(note.signatures)
    room = limit - len(lines)
    for line in draw(st.lists(st.one_of(unknown, half_known(note)), min_size=1, max_size=min(room, 8))):
        lines.insert(draw(st.integers(first, len(lines))), line)
    return Note(note.text, tuple(lines)).format()


@pytest.mark.parametrize("name", KINDS)
def test_lines_of_unknown_keys_change_nothing_wherever_they_stand(name):
    kind = KINDS[name]
    note = kind.note()
    expected = kind.open(note.format())

    @settings(max_examples=30, deadline=None)
    @given(greased(note, kind.first, kind.limit))
    def check(data):
        assert kind.open(data) == expected

    check()


@pytest.mark.parametrize("name", KINDS)
def test_as_many_lines_of_unknown_keys_as_there_is_room_for_change_nothing(name):
    kind = KINDS[name]
    note = kind.note()
    grease = [Signature(f"grease.example/{n}", n.to_bytes(4), b"\1" * n) for n in range(1, kind.limit)]
    room = kind.limit - len(note.signatures)
    for lines in ((*note.signatures, *grease[:room]), (*grease[:room], *note.signatures)):
        if not kind.first or lines[0] == note.signatures[0]:
            assert kind.open(Note(note.text, lines).format()) == kind.open(note.format())


@pytest.mark.parametrize("name", KINDS)
def test_a_bad_line_of_a_known_key_spoils_it_in_place_of_the_good_one_or_beside_it(name):
    kind = KINDS[name]
    note = kind.note()
    for at in kind.known:
        good = note.signatures[at]
        for bad in (good.data[:-1] + bytes([good.data[-1] ^ 1]), bytes([good.data[0] ^ 1]) + good.data[1:], b"\1"):
            spoiled = replace(good, data=bad)
            instead = (*note.signatures[:at], spoiled, *note.signatures[at + 1 :])
            for lines in (instead, (*note.signatures, spoiled)):
                with pytest.raises((LogError, Error)):
                    kind.open(Note(note.text, lines).format())
