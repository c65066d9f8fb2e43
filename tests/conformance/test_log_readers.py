"""Our logs read by others, and others' logs and notes read by us.

Two readers that share no line of code with us or with each other: `golang.org/x/mod/sumdb`, by the program in
`tests/peers/tlogread`, and the PyPI package `tlog-scales`. The first checks every entry, the second a few hundred. Each
must also refuse the log when one bit of it is wrong, else its word would be worth nothing. Neither reads policies; the
package writes tlog-proofs and reads none.
"""

import base64
import os
import shutil
import subprocess
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

from support.keys import ORIGIN, log_signer, ml_dsa_signer, witness_signer
from transparency_log.checkpoint import Checkpoint, cosign, cosignatures, sign_checkpoint
from transparency_log.errors import MerkleError, NoteError
from transparency_log.log import Log
from transparency_log.merkle import check_consistency, check_inclusion, leaf_hash
from transparency_log.note import Note, Signature, Signer, Verifier, verify
from transparency_log.policy import Policy
from transparency_log.proof import TlogProof
from transparency_log.reader import LogReader
from transparency_log.state import MemoryState
from transparency_log.storage import Directory
from transparency_log.tiles import MAX_ENTRY

# Around every edge of a tile of entries, and of the first tile that is full of full tiles.
SIZES = (1, 2, 3, 127, 255, 256, 257, 511, 512, 513, 40_000, 65_535, 65_536, 65_537)
NEWEST = SIZES[-1]
INDICES = sorted({i for size in SIZES for i in (size - 2, size - 1) if i >= 0} | set(range(0, NEWEST, 419)) | {3 * 256})
KEY = log_signer()
WITNESSES = [witness_signer(name) for name in ("one.example", "two.example")]
PEER = Path(__file__).resolve().parents[1] / "peers/tlogread"
GO_LIBRARIES = "/usr/share/gocode"


def entry(index):
    """Entries of many lengths, the longest one among them."""
    return bytes(MAX_ENTRY) if index == 300 else f"entry {index}\n".encode() + bytes(index % 7)


def write_log(folder, sizes):
    log = Log.create(Directory(folder), KEY, state=MemoryState())
    for old, size in pairwise((0, *sizes)):
        log.append_many([entry(index) for index in range(old, size)])
        lines = [cosign(witness, log.checkpoint.note.text, 1_790_000_000 + size) for witness in WITNESSES]
        log.add_cosignatures(size, lines, [witness.verifier for witness in WITNESSES])
    return log


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    """The folder of a log of ours with 65,537 entries, cosigned at each of `SIZES`."""
    folder = tmp_path_factory.mktemp("log") / "ours"
    write_log(folder, SIZES)
    return folder


@pytest.fixture(scope="module")
def tlogread(tmp_path_factory):
    """The Go reader: a function that returns what it prints, and fails the test if it refuses."""
    if shutil.which("go") is None or not Path(GO_LIBRARIES, "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("not installed: golang-go and golang-golang-x-mod-dev")
    made = tmp_path_factory.mktemp("go")
    settings = {"GO111MODULE": "off", "GOPATH": f"{made}:{GO_LIBRARIES}", "GOCACHE": str(made / "cache")}
    program = made / "tlogread"
    subprocess.run(["go", "build", "-o", program, "."], cwd=PEER, env=os.environ | settings, check=True)

    def run(*arguments, data=b"", refuses=False):
        done = subprocess.run([program, *map(str, arguments)], input=data, capture_output=True, check=False)
        assert done.returncode == (1 if refuses else 0), done.stderr.decode()
        # A crash has another exit code, and is no refusal.
        return done.stderr.decode() if refuses else done.stdout.decode()

    return run


@pytest.fixture
def scales():
    """The package `tlog-scales`: its module `writer`, which knows all the others."""
    reason = "not installed: tlog-scales, or cryptography without ML-DSA-44"
    return pytest.importorskip("tlog_scales.writer", reason=reason, exc_type=ImportError)


def read_with_tlog_scales(scales, folder, sizes=SIZES):
    """Check a log as a user of the package would; raise if anything does not hold."""
    key = scales.signing.Vkey.from_string(KEY.verifier.vkey)
    witnesses = [scales.signing.Vkey.from_string(witness.verifier.vkey) for witness in WITNESSES]
    reader = scales.reader.TilesReader(scales.backend.LocalBackend(folder))
    newest = reader.get_checkpoint()
    newest.verify(key)
    assert reader.calculate_root_hash() == newest.root_hash
    for index in (i for i in INDICES if i < newest.size):
        leaf = scales.tiles.leaf_hash(reader.get_entry(index))
        reader.get_inclusion_proof(index, newest.size).check(leaf, newest.root_hash)
    trees = [scales.tlog.Checkpoint.from_text((folder / f"cosigned/{size}").read_text("utf-8")) for size in sizes]
    for size, tree in zip(sizes, trees, strict=True):
        assert tree.size == size
        for vkey in (key, *witnesses):
            tree.verify(vkey)
        for old in (tree for tree in trees if tree.size <= size):
            reader.get_consistency_proof(old.size, size).check(old.root_hash, tree.root_hash)
    return newest


def encoded(*hashes):
    return " ".join(base64.b64encode(value).decode() for value in hashes)


# Ours, read by them


def test_a_log_of_ours_is_whole_for_the_go_reader_at_every_size(ours, tlogread):
    root = LogReader(Directory(ours).read, KEY.verifier).checkpoint().checkpoint.root
    assert tlogread("log", ours, KEY.verifier.vkey, *SIZES).split() == [str(NEWEST), encoded(root)]


def test_a_log_of_ours_is_whole_for_tlog_scales_and_so_is_every_cosignature(ours, scales):
    newest = read_with_tlog_scales(scales, ours)
    assert (newest.origin, newest.size, len(newest.signatures)) == (ORIGIN, NEWEST, 3)


def test_a_log_that_collected_its_garbage_is_whole_for_both(tlogread, scales, tmp_path):
    sizes = [size for size in SIZES if size < 1000]
    log = write_log(tmp_path, sizes)
    assert log.collect() > 10
    tlogread("log", tmp_path, KEY.verifier.vkey, *sizes)
    read_with_tlog_scales(scales, tmp_path, sizes)


def test_every_small_log_of_ours_is_whole_for_both(tlogread, scales, tmp_path):
    for size in range(1, 10):
        folder = tmp_path / str(size)
        log = Log.create(Directory(folder), KEY, state=MemoryState())
        for index in range(size):
            log.append(entry(index))
        tlogread("log", folder, KEY.verifier.vkey)
        read_with_tlog_scales(scales, folder, sizes=())


def test_proofs_of_ours_hold_for_go_and_no_other_ones_do(ours, tlogread):
    reader = LogReader(Directory(ours).read, KEY.verifier)
    roots = {size: reader.signed(size).checkpoint.root for size in SIZES}
    lines, expected = [], []
    for size in SIZES:
        for index in {0, size // 2, size - 1}:
            proof, leaf = reader.inclusion_proof(index, size), leaf_hash(entry(index))
            for told in (proof, *mangled_proofs(proof)):
                lines.append(f"record {size} {encoded(roots[size])} {index} {encoded(leaf, *told)}")
                expected.append(told == proof)
        for old in (old for old in SIZES if old <= size):
            proof = reader.consistency_proof(old, size)
            for told in (proof, *mangled_proofs(proof)):
                lines.append(f"tree {size} {encoded(roots[size])} {old} {encoded(roots[old], *told)}")
                expected.append(told == proof)
    answers = tlogread("judge", data="\n".join(lines).encode()).splitlines()
    assert [answer == "holds" for answer in answers] == expected
    assert expected.count(False) > 10 * expected.count(True) > 1000


def mangled_proofs(proof):
    """The proof with one hash wrong, each in turn, with one too few and one too many."""
    for at, value in enumerate(proof):
        yield [*proof[:at], bytes([value[0] ^ 1]) + value[1:], *proof[at + 1 :]]
    if proof:
        yield proof[:-1]
    yield [*proof, bytes(32)]


def test_the_checkpoint_of_a_log_with_very_many_witnesses_is_still_opened_by_go(tlogread, tmp_path):
    log = Log.create(Directory(tmp_path), KEY, state=MemoryState())
    log.append(entry(0))
    crowd = [witness_signer(f"w{number}.example") for number in range(120)]
    lines = [cosign(witness, log.checkpoint.note.text, 1_790_000_000) for witness in crowd]
    log.add_cosignatures(1, lines, [witness.verifier for witness in crowd])
    tlogread("log", tmp_path, KEY.verifier.vkey)
    # The archive of all lines is for readers that know how many to expect.
    assert "malformed note" in tlogread("log", tmp_path, KEY.verifier.vkey, 1, refuses=True)


@pytest.mark.parametrize("name", ["draws", "log.example/draws", "日志.example"])
def test_go_opens_our_keys_and_notes_and_refuses_mangled_ones(name, tlogread):
    signer = log_signer(name)
    text = "text of ours\n\nwith an empty line — and a dash\n"
    note = Note(text, (signer.sign(text),)).format()
    assert tlogread("open", signer.verifier.vkey, data=note) == text
    assert tlogread("sign", signer.format(), data=text.encode()).encode() == note
    assert "invalid signature" in tlogread("open", signer.verifier.vkey, data=b"T" + note[1:], refuses=True)
    other = log_signer(f"{name}/2").verifier.vkey
    assert "no verifiable signatures" in tlogread("open", other, data=note, refuses=True)


def test_a_proof_file_of_ours_holds_for_tlog_scales(ours, scales):
    reader = LogReader(Directory(ours).read, KEY.verifier)
    made = TlogProof(300, tuple(reader.inclusion_proof(300, NEWEST)), (ours / "checkpoint").read_bytes())
    head, checkpoint = made.format().decode().split("\n\n", 1)
    _, index, *hashes = head.split("\n")
    tree = scales.tlog.Checkpoint.from_text(checkpoint)
    tree.verify(scales.signing.Vkey.from_string(KEY.verifier.vkey))
    proof = scales.tlog.InclusionProof(int(index.split()[1]), tree.size, [base64.b64decode(line) for line in hashes])
    proof.check(scales.tiles.leaf_hash(entry(300)), tree.root_hash)
    with pytest.raises(scales.tlog.InclusionProofInvalid):
        proof.check(scales.tiles.leaf_hash(entry(301)), tree.root_hash)


# Ours, mangled: no reader may take it


def copied(folder, tmp_path):
    """A copy in which the files are the same ones: replace them, never write to them."""
    return shutil.copytree(folder, tmp_path / "copy", copy_function=os.link)


def replaced(folder, path, data):
    (folder / path).unlink()
    (folder / path).write_bytes(data)


def flipped(path, at):
    def mangle(folder):
        data = bytearray((folder / path).read_bytes())
        data[at] ^= 1
        replaced(folder, path, bytes(data))

    return mangle


def signed_anew(*, root=None, size=NEWEST, key=KEY):
    """The newest checkpoint with another root or size, and a signature to fit."""

    def mangle(folder):
        newest = Checkpoint.parse(Note.parse((folder / "checkpoint").read_bytes()).text)
        note = sign_checkpoint(Checkpoint(ORIGIN, size, root or newest.root), key)
        replaced(folder, "checkpoint", note.format())

    return mangle


def with_signature_mangled(folder):
    note = Note.parse((folder / "checkpoint").read_bytes())
    first, *others = note.signatures
    bad = Signature(first.name, first.key_id, bytes([first.data[0] ^ 1]) + first.data[1:])
    replaced(folder, "checkpoint", Note(note.text, (bad, *others)).format())


def shortened(path):
    return lambda folder: replaced(folder, path, (folder / path).read_bytes()[:-1])


MANGLED = {
    "a hash of a full tile": flipped("tile/0/003", 0),
    "the last hash of a full tile": flipped("tile/0/255", -1),
    "the hash of a partial tile": flipped("tile/0/256.p/1", 5),
    "a hash of the second level": flipped("tile/1/000", 3 * 32),
    "the hash of the third level": flipped("tile/2/000.p/1", 31),
    "an entry of a full bundle": flipped("tile/entries/003", 4),
    "the entry of a partial bundle": flipped("tile/entries/256.p/1", -1),
    "the length of an entry": flipped("tile/entries/003", 1),
    "a tile that is too short": shortened("tile/1/000"),
    "the root in the checkpoint": flipped("checkpoint", len(f"{ORIGIN}\n{NEWEST}\n")),
    "the size in the checkpoint": flipped("checkpoint", len(f"{ORIGIN}\n")),
    "the signature": with_signature_mangled,
    "another root, signed anew": signed_anew(root=sha256(b"another").digest()),
    "another size, signed anew": signed_anew(size=NEWEST - 1),
    "a checkpoint signed with another key": signed_anew(key=Signer.from_seed(ORIGIN, bytes(32))),
    "an earlier root, cosigned": flipped("cosigned/257", len(f"{ORIGIN}\n257\n")),
}


@pytest.mark.parametrize("mangle", MANGLED.values(), ids=MANGLED)
def test_the_go_reader_refuses_our_log_with_one_thing_mangled(mangle, ours, tlogread, tmp_path):
    folder = copied(ours, tmp_path)
    mangle(folder)
    assert tlogread("log", folder, KEY.verifier.vkey, *SIZES, refuses=True).startswith("tlogread: ")


@pytest.mark.parametrize("mangle", MANGLED.values(), ids=MANGLED)
def test_tlog_scales_refuses_our_log_with_one_thing_mangled(mangle, ours, scales, tmp_path):
    folder = copied(ours, tmp_path)
    mangle(folder)
    # Its own errors are of no common class.
    with pytest.raises(Exception):  # noqa: B017, PT011
        read_with_tlog_scales(scales, folder)


def test_tlog_scales_refuses_a_cosignature_over_another_time(ours, scales, tmp_path):
    folder = copied(ours, tmp_path)
    note = Note.parse((folder / "cosigned/513").read_bytes())
    *others, last = note.signatures
    later = Signature(last.name, last.key_id, (int.from_bytes(last.data[:8]) + 1).to_bytes(8) + last.data[8:])
    replaced(folder, "cosigned/513", Note(note.text, (*others, later)).format())
    with pytest.raises(Exception):  # noqa: B017, PT011
        read_with_tlog_scales(scales, folder)


# Theirs, read by us


def written_by_tlog_scales(scales, folder, *more_signers):
    """A log that the package wrote, its key ours."""
    writer = scales.TilesWriter.create(folder, ORIGIN)
    signers = [scales.signing.PlainEd25519Signer(ORIGIN, KEY.seed), *more_signers]
    for old, size in pairwise((0, 1, 2, 255, 256, 257, 4000)):
        for index in range(old, size):
            writer.add_leaf(entry(index))
        writer.commit(signers)
    return folder


def test_a_log_written_by_tlog_scales_is_whole_for_us_and_is_ours_byte_for_byte(scales, tmp_path):
    folder = written_by_tlog_scales(scales, tmp_path / "theirs")
    reader = LogReader(Directory(folder).read, KEY.verifier)
    assert reader.check().checkpoint.size == 4000
    assert list(reader.entries(0, 4000, 4000)) == [entry(index) for index in range(4000)]
    log = Log.create(Directory(tmp_path / "ours"), KEY, state=MemoryState())
    log.append_many([entry(index) for index in range(4000)])
    paths = {path.relative_to(tmp_path / "ours") for path in (tmp_path / "ours").rglob("*") if path.is_file()}
    assert len(paths) > 30
    for path in paths:
        assert (folder / path).read_bytes() == (tmp_path / "ours" / path).read_bytes(), path


@pytest.mark.parametrize("path", ["tile/0/003", "tile/1/000.p/15", "tile/entries/015.p/160", "checkpoint"])
def test_a_log_written_by_tlog_scales_is_refused_with_one_bit_wrong(path, scales, tmp_path):
    folder = written_by_tlog_scales(scales, tmp_path / "theirs")
    flipped(path, 40)(folder)
    with pytest.raises(Exception) as caught:  # noqa: PT011
        LogReader(Directory(folder).read, KEY.verifier).check()
    assert type(caught.value).__module__ == "transparency_log.errors"


def test_a_log_that_tlog_scales_signed_with_ml_dsa_too_holds_for_us(scales, tmp_path):
    signer = scales.signing.MLDSA44CosignatureSigner("mldsa.example", sha256(b"mldsa").digest())
    verifier = Verifier.parse(signer.vkey.serialize())
    folder = written_by_tlog_scales(scales, tmp_path / "theirs", signer)
    signed = LogReader(Directory(folder).read, KEY.verifier).check()
    assert [found.verifier for found in cosignatures(signed.note, [verifier])] == [verifier]


def test_a_log_of_ours_with_ml_dsa_lines_holds_for_both(scales, tlogread, tmp_path):
    second, witness = ml_dsa_signer(ORIGIN), ml_dsa_signer("mldsa.example")
    log = Log.create(Directory(tmp_path), KEY, state=MemoryState(), further=[second])
    log.append_many([entry(0), entry(1)])
    log.add_cosignatures(2, [cosign(witness, log.checkpoint.note.text, 1_790_000_000)], [witness.verifier])
    tlogread("log", tmp_path, KEY.verifier.vkey)
    tree = read_with_tlog_scales(scales, tmp_path, sizes=())
    for signer in (KEY, second, witness):
        tree.verify(scales.signing.Vkey.from_string(signer.verifier.vkey))


def test_a_proof_file_made_by_tlog_scales_is_the_one_that_we_make_and_holds(ours, scales, capsys, monkeypatch):
    cli = pytest.importorskip("tlog_scales.cli")
    lines = [f"witness {witness.name} {witness.verifier.vkey}\n" for witness in WITNESSES]
    both = Policy.parse("".join(lines) + "group both all one.example two.example\nquorum both\n")
    for index in (0, 300, NEWEST - 1):
        monkeypatch.setattr("sys.argv", ["tlog-tiles", "gen-proof", str(ours), str(index)])
        cli.main()
        theirs = capsys.readouterr().out.encode()
        proof = TlogProof.parse(theirs)
        assert proof.verify(leaf_hash(entry(index)), KEY.verifier, policy=both).checkpoint.size == NEWEST
        with pytest.raises(MerkleError):
            proof.verify(leaf_hash(entry(index + 1)), KEY.verifier, policy=both)
        path = LogReader(Directory(ours).read, KEY.verifier).inclusion_proof(index, NEWEST)
        assert TlogProof(index, tuple(path), (ours / "checkpoint").read_bytes()).format() == theirs


def test_proofs_made_by_go_from_our_tiles_hold_for_us_and_are_the_ones_that_we_make(ours, tlogread):
    reader = LogReader(Directory(ours).read, KEY.verifier)
    roots = {size: reader.signed(size).checkpoint.root for size in SIZES}
    records = [(size, index) for size in SIZES for index in sorted({0, size // 3, size - 1})]
    trees = [(size, old) for size in SIZES for old in SIZES if old <= size]
    asked = [f"record {size} {index}" for size, index in records] + [f"tree {size} {old}" for size, old in trees]
    answers = tlogread("prove", ours, KEY.verifier.vkey, data="\n".join(asked).encode()).splitlines()
    proofs = [[base64.b64decode(word) for word in answer.split()] for answer in answers]
    for (size, index), proof in zip(records, proofs[: len(records)], strict=True):
        leaf = leaf_hash(entry(index))
        check_inclusion(leaf, index=index, size=size, proof=proof, root=roots[size])
        assert proof == reader.inclusion_proof(index, size)
    for (size, old), proof in zip(trees, proofs[len(records) :], strict=True):
        check_consistency(old_size=old, old_root=roots[old], new_size=size, new_root=roots[size], proof=proof)
        assert proof == reader.consistency_proof(old, size)


def test_keys_and_notes_made_by_go_are_ours(tlogread):
    skey, vkey = tlogread("key", "go.example", data=sha256(b"go").digest()).split()
    signer, verifier = Signer.parse(skey), Verifier.parse(vkey)
    assert (signer.verifier, signer.format(), verifier.vkey) == (verifier, skey, vkey)
    text = "text of Go\n"
    signed = tlogread("sign", skey, data=text.encode()).encode()
    note = Note.parse(signed)
    assert (note.text, note.format()) == (text, signed)
    assert verify(note, [verifier]) == (signer.sign(text),)
    with pytest.raises(NoteError):
        verify(Note.parse(b"T" + signed[1:]), [verifier])
