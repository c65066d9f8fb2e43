"""Every format reads back what it wrote, and writes back what it read."""

from hypothesis import given, settings
from hypothesis import strategies as st

from transparency_log.checkpoint import Checkpoint, Cosignature, cosign, cosignatures
from transparency_log.encoding import MAX_INT, decode_base64, decode_decimal, encode_base64
from transparency_log.errors import LogError
from transparency_log.note import Note, Signature, Signer, Verifier, verify
from transparency_log.policy import Group, Policy, Witness
from transparency_log.proof import TlogProof
from transparency_log.tiles import ENTRIES, Tile, decode_bundle, encode_bundle
from transparency_log.witness import AddCheckpoint

few = settings(max_examples=60, deadline=None)

hashes = st.binary(min_size=32, max_size=32)
sizes = st.integers(0, MAX_INT)
characters = st.characters(
    exclude_categories=["Cs"], min_codepoint=0x20, exclude_characters="\x7f"
)  # policies have no DEL
lines = st.text(characters, min_size=1, max_size=30)
names = lines.map(lambda line: "".join(c for c in line if c != "+" and not c.isspace())).filter(bool)
texts = st.text(st.one_of(characters, st.just("\n")), max_size=60).map(lambda text: text + "\n")
kinds = [1, 4, 6] if Verifier("any", 6, bytes(1312)).supported else [1, 4]
signers = st.builds(Signer, names, st.sampled_from(kinds), hashes)
log_signers = st.builds(Signer, names, st.just(1), hashes)
verifiers = st.builds(Verifier, names, st.sampled_from([1, 4]), hashes)
grease = st.builds(Signature, names, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80))
notes = st.builds(Note, texts, st.lists(grease, min_size=1, max_size=5).map(tuple))
checkpoints = st.builds(Checkpoint, lines, sizes, hashes, st.lists(lines, max_size=2).map(tuple))
tiles = st.builds(Tile, st.one_of(st.just(ENTRIES), st.integers(0, 63)), sizes, st.integers(1, 256))
proofs = st.builds(
    TlogProof,
    st.integers(0, MAX_INT - 1),
    st.lists(hashes, max_size=5).map(tuple),
    st.binary(min_size=1),
    st.one_of(st.none(), st.binary(min_size=1)),
)
keyrings = st.lists(
    st.tuples(names, hashes), min_size=1, max_size=6, unique_by=(lambda pair: pair[0], lambda pair: pair[1])
)
requests = st.builds(AddCheckpoint, sizes, st.lists(hashes, max_size=5).map(tuple), notes)


@few
@given(notes)
def test_a_note_reads_back(note):
    assert Note.parse(note.format()) == note


@few
@given(st.binary(max_size=200))
def test_whatever_reads_as_a_note_is_written_back_as_it_was(data):
    try:
        note = Note.parse(data)
    except LogError:
        return
    assert note.format() == data


@few
@given(texts, st.lists(grease, max_size=4), log_signers)
def test_a_signed_note_opens_whatever_else_it_carries(text, others, signer):
    note = Note.parse(Note(text, (*others, signer.sign(text), *others)).format())
    assert verify(note, [signer.verifier]) == (signer.sign(text),)


@few
@given(verifiers, signers)
def test_keys_read_back(verifier, signer):
    assert Verifier.parse(verifier.vkey) == verifier
    assert Signer.parse(signer.format()) == signer
    assert Verifier.parse(signer.verifier.vkey) == signer.verifier


@few
@given(checkpoints)
def test_a_checkpoint_reads_back(checkpoint):
    assert Checkpoint.parse(checkpoint.format()) == checkpoint


@few
@given(st.builds(Checkpoint, lines, sizes, hashes), names, st.sampled_from(kinds[1:]), hashes, st.integers(1, MAX_INT))
def test_a_cosignature_verifies_with_its_time(checkpoint, name, kind, seed, timestamp):
    signer = Signer(name, kind, seed)
    note = Note(checkpoint.format(), (cosign(signer, checkpoint.format(), timestamp),))
    assert cosignatures(Note.parse(note.format()), [signer.verifier]) == (Cosignature(signer.verifier, timestamp),)


@few
@given(tiles)
def test_a_tile_path_reads_back(tile):
    assert Tile.parse(tile.path) == tile


@few
@given(st.from_regex(r"\Atile/(entries|[0-9]{1,2})/(x[0-9]{3}/)?[0-9]{3}(\.p/[0-9]{1,3})?\Z"))
def test_whatever_reads_as_a_tile_path_is_written_back_as_it_was(path):
    try:
        tile = Tile.parse(path)
    except LogError:
        return
    assert tile.path == path


@few
@given(st.lists(st.binary(max_size=300), max_size=20))
def test_an_entry_bundle_reads_back(entries):
    assert decode_bundle(encode_bundle(entries)) == tuple(entries)


@few
@given(st.binary(max_size=40))
def test_whatever_reads_as_a_bundle_is_written_back_as_it_was(data):
    try:
        entries = decode_bundle(data)
    except LogError:
        return
    assert encode_bundle(entries) == data


@few
@given(proofs)
def test_a_proof_reads_back(proof):
    assert TlogProof.parse(proof.format()) == proof


@few
@given(requests)
def test_a_request_to_a_witness_reads_back(request):
    assert AddCheckpoint.parse(request.format()) == request


@few
@given(keyrings, st.data())
def test_a_policy_reads_back(keys, data):
    witnesses = tuple(Witness(name, Verifier(name, 4, key)) for name, key in keys if name not in ("none", "g"))
    if not witnesses:
        return
    group = Group("g", data.draw(st.integers(1, len(witnesses))), tuple(witness.name for witness in witnesses))
    policy = Policy((), witnesses, (group,), data.draw(st.sampled_from([None, "none", "g", witnesses[0].name])))
    assert Policy.parse(policy.format(), require_quorum=False) == policy


@few
@given(st.binary(max_size=40), sizes)
def test_base64_and_decimals_read_back(data, number):
    assert decode_base64(encode_base64(data)) == data
    assert decode_decimal(str(number)) == number


@few
@given(st.text("ABab+/=- \n\té", max_size=8), st.text("0123456789-+_ ", max_size=4))
def test_whatever_reads_as_base64_or_a_decimal_is_written_back_as_it_was(encoded, decimal):
    data, number = decode_base64(encoded), decode_decimal(decimal)
    assert data is None or encode_base64(data) == encoded
    assert number is None or str(number) == decimal
