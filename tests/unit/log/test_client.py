"""Asking witnesses over HTTP: each answer comes by itself, and what is kept has been verified."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from email.utils import formatdate
from hashlib import sha256

import pytest

from support.hosts import Handler, Outside, bomb, dripping, dripping_head, elsewhere, host, huge, silent
from support.keys import ml_dsa_signer
from transparency_log.checkpoint import Checkpoint, SignedCheckpoint, cosign, open_checkpoint, sign_checkpoint
from transparency_log.client import Answer, ask, askable, gather, latest
from transparency_log.endpoint import WitnessSite
from transparency_log.errors import StorageError
from transparency_log.log import Log
from transparency_log.note import COSIGNATURE_ED25519, Note, Signature, Signer, Verifier
from transparency_log.policy import Group, Policy, Witness
from transparency_log.reader import LogReader
from transparency_log.remote import Deadline
from transparency_log.seen import MemoryWitnessState
from transparency_log.state import MemoryState
from transparency_log.storage import Memory
from transparency_log.web import Server
from transparency_log.witness import MAX_REQUEST, parse_add_checkpoint
from transparency_log.witness import Witness as Cosigner

ORIGIN = "log.example.cn/jinan"
LOG = Signer.from_seed(ORIGIN, b"l" * 32)
NOW = 1_800_000_000
TEXT_SIZE = "text/x.tlog.size"


def key(name: str) -> Signer:
    return Signer.from_seed(f"{name}.example.org", name.encode().ljust(32, b"."), COSIGNATURE_ED25519)


def outside(name: str) -> Outside:
    return Outside(key(name), {ORIGIN: LOG.verifier})


class Grown:
    """A log of some entries, as it asks its witnesses."""

    def __init__(self, size: int) -> None:
        self.storage = Memory()
        self.log = Log.create(self.storage, LOG, state=MemoryState())
        self.log.append_many([f"entry {i}".encode() for i in range(size)])
        self.proofs: list[int] = []

    @property
    def signed(self) -> SignedCheckpoint:
        return self.log.checkpoint

    def prove(self, old: int, new: int) -> Sequence[bytes]:
        self.proofs.append(old)
        return LogReader(self.storage.read, LOG.verifier).consistency_proof(old, new)

    def ask(self, *witnesses: Witness, seconds: float = 20, now: float | None = None, **told: object) -> list[Answer]:
        clock = time.time if now is None else lambda: now
        deadline = Deadline(seconds)
        return list(ask(witnesses, self.signed, self.prove, now=clock, deadline=deadline, **told))


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def at() -> Iterator[Callable[..., Witness]]:
    """Run a host, and return the witness of a name that listens there."""
    with ExitStack() as stack:

        def run(name: str, does: Callable[[Handler], None]) -> Witness:
            return Witness(name, key(name).verifier, stack.enter_context(host(does)))

        yield run


At = Callable[[str, Callable[[Handler], None]], Witness]


def saying(status: int, body: bytes = b"", **headers: str) -> Callable[[Handler], None]:
    def does(handler: Handler) -> None:
        handler.body()
        handler.answer(status, body, **headers)

    return does


def signing(signer: Signer, now: int = NOW, text: str | None = None) -> Callable[[Handler], None]:
    """Cosign whatever is asked, at any time, or always one and the same text."""

    def does(handler: Handler) -> None:
        line = cosign(signer, text or parse_add_checkpoint(handler.body()).note.text, now)
        handler.answer(200, f"{line.format()}\n".encode())

    return does


# -- Asking --------------------------------------------------------------------------------------------------------


def test_a_witness_cosigns_and_what_it_signed_can_be_published(at: At) -> None:
    grown, one = Grown(5), outside("one")
    witness = at("one", one)
    (answer,) = grown.ask(witness)
    assert (answer.witness, answer.outcome, answer.size) == (witness, "cosigned", 5)
    assert grown.log.add_cosignatures(5, answer.signatures, [witness.verifier])
    # It now knows the log, and is asked for more from where it stands.
    grown.log.append_many([b"more", b"and more"])
    (answer,) = grown.ask(witness, sizes={"one": 5})
    assert (answer.outcome, answer.size, grown.proofs) == ("cosigned", 7, [0, 5])
    assert len(one.asked) == 2


def test_the_witness_of_this_package_is_asked_by_its_own_protocol() -> None:
    grown, second = Grown(300), ml_dsa_signer("one.example.org")
    witness = Cosigner(key("one"), MemoryWitnessState(), also=[second])
    site = WitnessSite(witness, logs=lambda: {ORIGIN: LOG.verifier}, clock=lambda: NOW, prefix="/w")
    with Server(site, max_body=MAX_REQUEST) as server:
        url = f"http://127.0.0.1:{server.address[1]}/w/"
        both = [Witness("one", key("one").verifier, url), Witness("second", second.verifier, url)]
        assert {answer.outcome for answer in look(*both)} == {"nothing"}
        for outcomes in ({"cosigned"}, {"cosigned"}):
            answers = grown.ask(*both, now=NOW)
            assert {answer.outcome for answer in answers} == outcomes
            assert sorted(answer.witness.name for answer in answers) == ["one", "second"]
            for answer in answers:
                assert grown.log.add_cosignatures(answer.size or 0, answer.signatures, [answer.witness.verifier])
            assert {answer.size for answer in look(*both)} == {grown.log.size}
            grown.log.append_many([b"more"] * 600)


def test_a_witness_whose_kind_of_key_cannot_be_used_here_is_told_as_that(
    at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Verifier, "supported", property(lambda self: False))
    (answer,) = Grown(1).ask(at("one", outside("one")))
    assert (answer.outcome, answer.signatures) == ("uncheckable", ())


def test_a_wrong_guess_of_what_a_witness_saw_is_corrected_by_the_witness(at: At) -> None:
    grown = Grown(3)
    witness = at("one", outside("one"))
    grown.ask(witness)
    grown.log.append_many([b"more"] * 6)
    for guess in (0, 1, 9, 10_000):
        (answer,) = grown.ask(witness, sizes={"one": guess})
        assert answer.outcome == "cosigned"
    assert grown.proofs == [0, 0, 3, 1, 9, 9, 9]


def test_a_request_carries_the_logs_signatures_only(at: At) -> None:
    grown, one = Grown(1), outside("one")
    note = grown.signed.note
    lines = tuple(cosign(key(f"w{i}"), note.text, NOW) for i in range(40))
    signed = SignedCheckpoint(grown.signed.checkpoint, Note(note.text, (*note.signatures, *lines)))
    (answer,) = ask([at("one", one)], signed, grown.prove, now=time.time)
    assert answer.outcome == "cosigned"
    assert parse_add_checkpoint(one.asked[0]).note == note


def test_a_witness_without_a_web_address_is_not_asked() -> None:
    urls = (None, "ftp://w.example.org", "http://127.0.0.1:9", "https://w.example.org/a")
    witnesses = [Witness(f"w{i}", key(f"w{i}").verifier, url) for i, url in enumerate(urls)]
    assert [witness.name for witness in askable(witnesses)] == ["w2", "w3"]
    assert Grown(1).ask(*witnesses[:2]) == []


def test_one_good_witness_among_many_bad_ones_is_heard_at_once(at: At) -> None:
    bad = {"silent": silent, "dripping": dripping, "head": dripping_head, "huge": huge, "bomb": bomb,
           "elsewhere": elsewhere}  # fmt: skip
    witnesses = [*(at(name, does) for name, does in bad.items()), at("good", outside("good"))]
    witnesses.append(Witness("dead", key("dead").verifier, "http://127.0.0.1:9"))
    witnesses.append(Witness("nowhere", key("nowhere").verifier, "http://127.0.0.1:x"))
    grown, deadline, seen = Grown(4), Deadline(60), {}
    for answer in ask(witnesses, grown.signed, grown.prove, now=time.time, deadline=deadline):
        seen[answer.witness.name] = (answer.outcome, answer.reason)
        assert bool(answer.signatures) == (answer.witness.name == "good")
        if "good" in seen and len(seen) >= 6:
            deadline.shorten(0)  # the quorum is there: nobody waits a minute for the silent one
    assert seen == {
        "good": ("cosigned", ""),
        "dead": ("unreachable", "remote-unreachable"),
        "nowhere": ("unreachable", "remote-url"),
        "elsewhere": ("unreachable", "remote-elsewhere"),
        "huge": ("lying", "remote-too-large"),
        "bomb": ("lying", "remote-too-large"),
        "silent": ("too-slow", "remote-too-slow"),
        "dripping": ("too-slow", "remote-too-slow"),
        "head": ("too-slow", "remote-too-slow"),
    }


def test_whoever_stops_asking_waits_for_nobody(at: At) -> None:
    grown = Grown(1)
    answers = ask([at("good", outside("good")), at("silent", silent)], grown.signed, grown.prove, now=time.time)
    assert next(answers).witness.name == "good"
    answers.close()


def test_a_larger_size_than_ours_is_never_asked_again(at: At) -> None:
    asked: list[bytes] = []

    def ahead(handler: Handler) -> None:
        asked.append(handler.body())
        handler.answer(409, b"4\n", Content_Type=TEXT_SIZE)

    (answer,) = Grown(3).ask(at("one", ahead))
    assert (answer.outcome, answer.size, len(asked)) == ("ahead", 4, 1)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"", TEXT_SIZE), (b"x\n", TEXT_SIZE), (b"-1\n", TEXT_SIZE), (b"01\n", TEXT_SIZE), (b"1\n\n", TEXT_SIZE),
     (b"9" * 30 + b"\n", TEXT_SIZE), (b"1" * 5000, TEXT_SIZE), (b"\xff\n", TEXT_SIZE), (b"1\n", "text/plain"),
     (b"9\n", "text/plain")],
)  # fmt: skip
def test_a_conflict_without_a_size_is_a_refusal(at: At, body: bytes, content_type: str) -> None:
    (answer,) = Grown(3).ask(at("one", saying(409, body, Content_Type=content_type)))
    assert (answer.outcome, answer.reason) == ("refused", "conflict")


def test_a_witness_that_names_ever_other_sizes_is_left_after_three(at: At) -> None:
    sizes = list(range(9))

    def playing(handler: Handler) -> None:
        handler.body()
        handler.answer(409, f"{sizes.pop(0)}\n".encode(), Content_Type=f"{TEXT_SIZE}; charset=utf-8")

    (answer,) = Grown(9).ask(at("one", playing))
    assert (answer.outcome, answer.reason, len(sizes)) == ("refused", "conflicts", 5)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_a_refusal_is_told_with_its_status(at: At, status: int) -> None:
    (answer,) = Grown(1).ask(at("one", saying(status, b"no" * 10_000)))
    assert (answer.outcome, answer.reason, answer.signatures) == ("refused", f"status-{status}", ())


def test_a_busy_witness_is_asked_again_until_the_deadline(at: At) -> None:
    one = outside("one")
    waits = ["0", "not a time"]

    def busy(handler: Handler) -> None:
        if not waits:
            return one(handler)
        handler.body()
        return handler.answer(503, Retry_After=waits.pop(0))

    (answer,) = Grown(1).ask(at("one", busy))
    assert answer.outcome == "cosigned"
    for wait in ("3600", formatdate(NOW + 3600, usegmt=True), "9" * 18):
        (answer,) = Grown(1).ask(at("one", saying(429, Retry_After=wait)), now=NOW)
        assert (answer.outcome, answer.reason) == ("busy", "status-429")


def test_lines_of_unknown_keys_are_left_out_and_several_of_its_own_are_kept(at: At) -> None:
    def many(handler: Handler) -> None:
        text = parse_add_checkpoint(handler.body()).note.text
        lines = [cosign(key("one"), text, NOW - 9), cosign(key("two"), text, NOW), cosign(key("one"), text, NOW),
                 Signature("grease.example.org", b"abcd", b"?")]  # fmt: skip
        handler.answer(200, "".join(f"{line.format()}\n" for line in lines).encode())

    (answer,) = Grown(2).ask(at("one", many), now=NOW)
    assert [(line.name, int.from_bytes(line.data[:8])) for line in answer.signatures] == [
        ("one.example.org", NOW - 9), ("one.example.org", NOW),
    ]  # fmt: skip


OTHER = Checkpoint(ORIGIN, 2, b"\1" * 32).format()


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        (signing(key("other")), "no-known-signature"),
        (signing(Signer.from_seed("one.example.org", b"x" * 32, COSIGNATURE_ED25519)), "no-known-signature"),
        (signing(key("one"), text=OTHER), "cosignature-invalid"),
        (signing(key("one"), NOW + 301), "timestamp-out-of-range"),
        (signing(key("one"), 2**62), "timestamp-out-of-range"),
        (saying(200, b""), "signature-lines"),
        (saying(200, b"yes\n"), "signature-line"),
        (saying(200, "— one.example.org AAAA\n".encode() * 65), "signature-lines"),
    ],
)
def test_of_a_lying_witness_nothing_is_kept(at: At, does: Callable[[Handler], None], reason: str) -> None:
    (answer,) = Grown(2).ask(at("one", does), now=NOW)
    assert (answer.outcome, answer.reason, answer.signatures, answer.size) == ("lying", reason, (), None)


def test_one_bad_line_beside_a_good_one_spoils_the_answer(at: At) -> None:
    def does(handler: Handler) -> None:
        line = cosign(key("one"), parse_add_checkpoint(handler.body()).note.text, NOW)
        bad = Signature(line.name, line.key_id, line.data[:-1] + bytes([line.data[-1] ^ 1]))
        handler.answer(200, f"{line.format()}\n{bad.format()}\n".encode())

    (answer,) = Grown(2).ask(at("one", does), now=NOW)
    assert (answer.outcome, answer.reason) == ("lying", "cosignature-invalid")


def test_a_line_that_states_no_time_is_no_cosignature(at: At) -> None:
    def does(handler: Handler) -> None:
        text = parse_add_checkpoint(handler.body()).note.text
        signer = key("one")
        raw = signer.sign_bytes(f"cosignature/v1\ntime 0\n{text}".encode())
        line = Signature(signer.name, signer.verifier.key_id, bytes(8) + raw)
        handler.answer(200, f"{line.format()}\n".encode())

    (answer,) = Grown(2).ask(at("one", does), now=NOW)
    assert (answer.outcome, answer.reason) == ("lying", "timestamp-out-of-range")


def test_a_clock_a_little_ahead_of_ours_is_tolerated(at: At) -> None:
    (answer,) = Grown(2).ask(at("one", signing(key("one"), NOW + 300)), now=NOW)
    assert answer.outcome == "cosigned"


def test_a_log_whose_own_files_are_broken_blames_no_witness(at: At) -> None:
    grown = Grown(3)

    def broken(old: int, new: int) -> Sequence[bytes]:
        raise StorageError("missing", path="tile/0/000.p/3")

    with pytest.raises(StorageError):
        list(ask([at("one", outside("one"))], grown.signed, broken, now=time.time))


# -- What a witness cosigned last -------------------------------------------------------------------------------------


def note_of(*lines: Signature, size: int = 2, signer: Signer = LOG) -> bytes:
    note = sign_checkpoint(Checkpoint(signer.name, size, b"\1" * 32), signer)
    return Note(note.text, (*note.signatures, *lines)).format()


def look(*witnesses: Witness, now: float = NOW) -> list[Answer]:
    return list(latest(witnesses, LOG.verifier, now=lambda: now, deadline=Deadline(20)))


def test_what_a_witness_cosigned_last_is_fetched_with_its_line_and_the_logs(at: At) -> None:
    paths: list[str] = []
    line = cosign(key("one"), OTHER, NOW)
    grease = Signature("grease.example.org", b"abcd", b"?")

    def shows(handler: Handler) -> None:
        paths.append(handler.path)
        handler.answer(200, note_of(grease, line, cosign(key("two"), OTHER, NOW)))

    (answer,) = look(at("one", shows))
    assert (answer.outcome, answer.size, answer.signatures) == ("cosigned", 2, (line,))
    assert answer.note == note_of(line)
    assert paths == [f"/{sha256(ORIGIN.encode()).hexdigest()}/checkpoint"]


def test_the_logs_own_signature_counts_whatever_the_witness_put_beside_it(at: At) -> None:
    bad = cosign(key("one"), OTHER.replace("\n2\n", "\n1\n"), NOW)
    for lines in ((), (bad,), (cosign(key("one"), OTHER, NOW + 10_000),)):
        (answer,) = look(at("one", saying(200, note_of(*lines))))
        assert (answer.outcome, answer.signatures, answer.note) == ("lying", (), note_of())
        assert answer.note is not None
        assert open_checkpoint(answer.note, LOG.verifier).checkpoint.size == 2


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (404, b"", "nothing"),
        (410, b"", "nothing"),
        (403, b"", "refused"),
        (429, b"", "busy"),
        (200, b"", "lying"),
        (200, b"nothing to see here\n", "lying"),
        (200, note_of(cosign(key("one"), OTHER, NOW), signer=Signer.from_seed(ORIGIN, b"x" * 32)), "lying"),
        (200, note_of(signer=Signer.from_seed("another.example.cn", b"l" * 32)), "lying"),
    ],
)
def test_what_the_log_did_not_sign_is_not_shown(at: At, status: int, body: bytes, outcome: str) -> None:
    (answer,) = look(at("one", saying(status, body, Retry_After="3600")))
    assert (answer.outcome, answer.note, answer.signatures) == (outcome, None, ())


def test_one_witness_that_shows_what_it_has_is_heard_among_many_that_do_not(at: At) -> None:
    line = cosign(key("good"), OTHER, NOW)
    witnesses = [at("silent", silent), at("drip", dripping), at("bomb", bomb),
                 at("good", saying(200, note_of(line)))]  # fmt: skip
    deadline, seen = Deadline(60), {}
    for answer in latest(witnesses, LOG.verifier, now=lambda: NOW, deadline=deadline):
        seen[answer.witness.name] = answer.outcome
        if {"good", "bomb"} <= set(seen):
            deadline.shorten(0)
    assert seen == {"good": "cosigned", "bomb": "lying", "silent": "too-slow", "drip": "too-slow"}


# -- gathering a quorum for a log -------------------------------------------------------------------------------------


def policy(needed: int, *witnesses: Witness) -> Policy:
    names = tuple(witness.name for witness in witnesses)
    return Policy(witnesses=witnesses, groups=(Group("all", needed, names),), quorum="all")


def test_a_quorum_is_gathered_published_and_no_further_witness_waited_for(at: At) -> None:
    grown = Grown(3)
    one, two, away = at("one", outside("one")), at("two", outside("two")), at("away", silent)
    began = time.monotonic()
    seen = gather(grown.log, grown.prove, policy(2, one, two, away), now=time.time, deadline=Deadline(30))
    assert seen is not None
    assert abs(seen - time.time()) < 20
    assert time.monotonic() - began < 20
    published = LogReader(grown.storage.read, LOG.verifier).signed(3).note
    assert {line.name for line in published.signatures} == {ORIGIN, "one.example.org", "two.example.org"}


def test_what_came_is_published_also_where_it_is_no_quorum_and_asking_again_goes_on(at: At) -> None:
    grown = Grown(1)
    one, away = at("one", outside("one")), at("away", elsewhere)
    told = gather(grown.log, grown.prove, policy(2, one, away), now=time.time, deadline=Deadline(5))
    assert told is None
    assert len(LogReader(grown.storage.read, LOG.verifier).signed(1).note.signatures) == 2
    other = at("away", outside("away"))
    assert gather(grown.log, grown.prove, policy(2, one, other), now=time.time, deadline=Deadline(20)) is not None


def test_a_witness_that_lies_counts_for_no_quorum(at: At) -> None:
    grown = Grown(1)
    liar = at("liar", signing(key("liar"), text="log.example.cn/jinan\n1\n" + "A" * 43 + "=\n"))
    assert gather(grown.log, grown.prove, policy(1, liar), now=lambda: NOW, deadline=Deadline(20)) is None
    assert grown.storage.read("cosigned/1") is None
