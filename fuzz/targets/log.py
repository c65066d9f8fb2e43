"""The formats of the log, and the readers that follow them into cryptography."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from fuzz import world
from fuzz.targets import Run, same
from transparency_log.checkpoint import Checkpoint, cosignatures, open_checkpoint
from transparency_log.encoding import decode_base64, decode_decimal, encode_base64
from transparency_log.errors import LogError, WitnessError
from transparency_log.evidence import Fork
from transparency_log.followed import State
from transparency_log.frozen import open_frozen
from transparency_log.mirror import Mirror
from transparency_log.note import Note, Signature, Signer, Verifier
from transparency_log.policy import Policy
from transparency_log.proof import TlogProof
from transparency_log.reader import LogReader, format_cosigned_sizes, read_cosigned_sizes
from transparency_log.seen import MemoryWitnessState
from transparency_log.storage import Memory
from transparency_log.tiles import Tile, decode_bundle, decode_hashes, encode_bundle, encode_hashes
from transparency_log.witness import AddCheckpoint, Witness, parse_cosignatures

T = TypeVar("T")


def reads_back(parse: Callable[[bytes], T], write: Callable[[T], bytes]) -> Run:
    """Return the target: what is read is written back as the same bytes."""

    def run(data: bytes) -> None:
        with suppress(LogError):
            same(write(parse(data)), data)

    return run


def text_reads_back(parse: Callable[[str], T], write: Callable[[T], str]) -> Run:
    """Return the target of a parser of text, which gets broken UTF-8 as lone surrogates, as the shell gives it."""
    return reads_back(
        lambda data: parse(data.decode("utf-8", "surrogateescape")),
        lambda value: write(value).encode("utf-8", "surrogateescape"),
    )


def read_base64(data: bytes) -> None:
    """Base64 has one spelling."""
    text = data.decode("utf-8", "surrogateescape")
    if (value := decode_base64(text)) is not None:
        same(encode_base64(value), text)


def read_decimal(data: bytes) -> None:
    """So have decimals."""
    text = data.decode("utf-8", "surrogateescape")
    if (value := decode_decimal(text)) is not None:
        same(str(value), text)


def read_private_key(data: bytes) -> None:
    """A private key is read with or without its newline, and never shown by an error."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        same(Signer.parse(text).format(), text.removesuffix("\n"))
    except LogError as error:
        secret = text.rpartition("+")[2].strip()
        same(len(secret) > 40 and secret in str(error), False)


def open_signed(data: bytes) -> None:
    """Whatever opens under the log's key was signed by it: nobody here holds the key, so it is the log's own text."""
    with suppress(LogError):
        opened = open_checkpoint(data, world.LOG.verifier)
        same(opened.note.format(), data)
        same(opened.note.text, world.checkpoint().text)


def verify_cosignatures(data: bytes) -> None:
    """No cosignature verifies but the one that was made."""
    with suppress(LogError):
        note = Note.parse(data)
        if found := cosignatures(note, [world.WITNESS.verifier, world.POST_QUANTUM]):
            same({cosignature.timestamp for cosignature in found}, {world.TIME})
            same(note.text, world.checkpoint().text)


def read_policy(data: bytes) -> None:
    """A policy may hold comments and odd white space, so its meaning reads back, not its bytes."""
    with suppress(LogError):
        policy = Policy.parse(data.decode("utf-8", "surrogateescape"), require_quorum=False)
        same(Policy.parse(policy.format(), require_quorum=False), policy)


def ask_witness(data: bytes) -> None:
    """A witness answers every request with a signature or a status of the protocol."""
    witness = Witness(world.WITNESS, MemoryWitnessState())
    try:
        lines = witness.add_checkpoint(data, now=world.TIME, logs={world.ORIGIN: world.LOG.verifier})
    except WitnessError as error:
        same(error.status in {400, 403, 404, 409, 422, 503}, True)
    else:
        same(cosignatures(Note(world.checkpoint().text, lines), [world.WITNESS.verifier])[0].timestamp, world.TIME)


def read_files(data: bytes) -> None:
    """A host that changes one file of a log changes nothing that a reader believes: `path NUL content`."""
    name, _, content = data.partition(b"\0")
    files = world.files() | {name.decode("utf-8", "surrogateescape"): content}
    with suppress(LogError):
        reader = LogReader(files.get, world.LOG.verifier)
        same(reader.check().checkpoint.format(), world.checkpoint().text)
        same(list(reader.entries(0, len(world.ENTRIES), len(world.ENTRIES))), world.ENTRIES)


def copy_files(data: bytes) -> None:
    """Nor does a mirror take over anything else: `path NUL content`."""
    name, _, content = data.partition(b"\0")
    files = world.files() | {name.decode("utf-8", "surrogateescape"): content}
    copy = Memory()
    with suppress(LogError):
        Mirror(copy, files.get, world.LOG.verifier).update()
        same(LogReader(copy.read, world.LOG.verifier).check().checkpoint.format(), world.checkpoint().text)


def read_fork(data: bytes) -> None:
    """Evidence reads back, and convicts nobody: the log never signed two histories."""
    with suppress(LogError):
        fork = Fork.parse(data)
        same(fork.format(), data)
        same(fork.convict(world.LOG.verifier), None)


def write_answer(lines: tuple[Signature, ...]) -> bytes:
    """Write a witness's answer."""
    return "".join(line.format() + "\n" for line in lines).encode()


def read_frozen(data: bytes) -> None:
    """The log's key said only once that it ends, in a seed."""
    with suppress(LogError):
        same(open_frozen(data, world.LOG.verifier).format(), world.checkpoint().text)


TARGETS: dict[str, Run] = {
    "base64": read_base64,
    "decimal": read_decimal,
    "note": reads_back(Note.parse, Note.format),
    "signature": text_reads_back(Signature.parse, Signature.format),
    "vkey": text_reads_back(Verifier.parse, lambda verifier: verifier.vkey),
    "skey": read_private_key,
    "checkpoint": text_reads_back(Checkpoint.parse, Checkpoint.format),
    "open": open_signed,
    "cosignatures": verify_cosignatures,
    "policy": read_policy,
    "proof": reads_back(TlogProof.parse, TlogProof.format),
    "tile-path": text_reads_back(Tile.parse, lambda tile: tile.path),
    "bundle": reads_back(decode_bundle, encode_bundle),
    "hashes": reads_back(lambda data: decode_hashes(data, len(data) // 32), encode_hashes),
    "index": reads_back(lambda data: read_cosigned_sizes({"cosigned/index": data}.get), format_cosigned_sizes),
    "frozen": read_frozen,
    "fork": read_fork,
    "memory": reads_back(lambda data: State.parse(data, world.LOG.verifier), State.format),
    "request": reads_back(AddCheckpoint.parse, AddCheckpoint.format),
    "answer": reads_back(parse_cosignatures, write_answer),
    "witness": ask_witness,
    "files": read_files,
    "copy": copy_files,
}
