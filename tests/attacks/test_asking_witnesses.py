"""Attacks by and on witnesses that are asked over HTTP (docs/threat-model.md, 4, 22 to 24)."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import pytest

from fairdraw_cli.main import run
from fairdraw_cli.workspace import Workspace
from support.hosts import Handler, Outside, host
from transparency_log.checkpoint import Checkpoint, Cosignature, cosign, cosignatures, sign_checkpoint
from transparency_log.note import COSIGNATURE_ED25519, Note, Signature, Signer
from transparency_log.reader import MAX_COSIGNED, cosigned_path
from transparency_log.witness import add_checkpoint_request, parse_add_checkpoint

ORIGIN = "log.example.cn/ybj"
PLAN = """
id = "{year}"
slots = ["{year}/fund-use/1"]
objects = "institutions"
inspectors = "staff"
strata = []
ratio = "1/4"
"""


class Office:
    """A bureau in earnest whose witnesses are asked over HTTP, by the real clock."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str], stack: ExitStack) -> None:
        self.root = root
        self._capsys = capsys
        self._stack = stack
        self.run("init", str(root), "--bureau", "ybj.example.cn", "--origin", ORIGIN)

    @property
    def place(self) -> Workspace:
        return Workspace.open(self.root)

    def run(self, *words: str) -> tuple[int, str]:
        code = run(list(words))
        told = self._capsys.readouterr()
        return code, told.out + told.err

    def join(self, name: str, does: Callable[[Handler], None] | None = None) -> Outside:
        one = Outside(cosigner(name), {ORIGIN: self.place.key("log").verifier})
        url = self._stack.enter_context(host(does or one))
        assert self.run("witness", "add", name, one.vkey, url, "-C", str(self.root))[0] == 0
        return one

    def log(self, year: int, *words: str) -> tuple[int, str]:
        """Log a plan: any statement would do."""
        path = self.root.parent / f"{year}.toml"
        path.write_text(PLAN.format(year=year))
        return self.run("plan", "log", str(path), "-C", str(self.root), *words)

    def ask(self, *words: str) -> tuple[int, str]:
        return self.run("log", "cosign", "ask", "-C", str(self.root), *words)

    def collected(self, size: int) -> tuple[Cosignature, ...]:
        """Return whose cosignatures of a size the log shows to everybody."""
        data = self.place.storage.read(cosigned_path(size))
        known = [witness.verifier for witness in self.place.trust.policy.witnesses]
        return () if data is None else cosignatures(Note.parse(data, max_signatures=MAX_COSIGNED), known)


def cosigner(name: str) -> Signer:
    return Signer.from_seed(f"{name}.example.org", name.encode().ljust(32, b"."), COSIGNATURE_ED25519)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Office]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    with ExitStack() as stack:
        yield Office(tmp_path / "office", capsys, stack)


# -- 4: cosignatures kept secret ------------------------------------------------------------------------------------


def test_a_cosignature_that_the_operator_kept_secret_is_published_once_its_witness_shows_it(office: Office) -> None:
    one = office.join("one")
    assert office.log(2026, "--wait", "0")[0] == 0
    # The operator has the witness cosign, and tells nobody.
    note = office.place.reader().checkpoint().note
    early = int(time.time())
    one.witness.add_checkpoint(add_checkpoint_request(0, [], note), now=early, logs=one.logs)
    line = cosign(one.signer, note.text, early)
    one.notes[f"/{sha256(ORIGIN.encode()).hexdigest()}/checkpoint"] = Note(note.text, (*note.signatures, line)).format()
    assert not office.collected(1)
    # Whatever is logged next, the witness is first asked what it saw.
    code, told = office.log(2027)
    assert (code, "published a cosignature of size 1 that the witness one shows and this log did not" in told) == (
        0,
        True,
    )
    assert office.collected(1) == (Cosignature(one.signer.verifier, early),)
    assert "shows and this log did not" not in office.ask()[1]


# -- 22: forks --------------------------------------------------------------------------------------------------------


def test_a_fork_that_was_written_while_nobody_was_asked_is_found_as_soon_as_somebody_is(
    office: Office, tmp_path: Path
) -> None:
    office.join("one")
    office.log(2026)
    shutil.copytree(office.root, tmp_path / "copy")
    office.log(2027)
    shutil.rmtree(office.root)
    (tmp_path / "copy").rename(office.root)
    assert office.log(2028, "--wait", "0")[0] == 0
    for code, told in (office.ask(), office.log(2029)):
        assert (code, "a witness has cosigned another tree of size 2 of this log" in told) == (1, True), told
    assert office.place.reader().checkpoint().checkpoint.size == 2


# -- 23: counted twice -------------------------------------------------------------------------------------------------


def test_a_witness_that_is_asked_speaks_for_itself_only(office: Office) -> None:
    def two_voices(handler: Handler) -> None:
        text = parse_add_checkpoint(handler.body()).note.text if handler.command == "POST" else ""
        if not text:
            return handler.answer(404)
        now = int(time.time())
        lines = [cosign(cosigner("one"), text, now - 1), cosign(cosigner("one"), text, now)]
        lines.append(cosign(cosigner("two"), text, now))  # whose key it has stolen, or whose line it holds
        return handler.answer(200, "".join(f"{line.format()}\n" for line in lines).encode())

    office.join("one", two_voices)
    office.join("two", lambda handler: handler.answer(404))
    code, told = office.log(2026)
    assert (code, "not yet witnessed: 1 of 2 have cosigned, no quorum" in told) == (0, True), told
    assert {cosignature.verifier.name for cosignature in office.collected(1)} == {"one.example.org"}


# -- 24: dated back, forked, rolled back ----------------------------------------------------------------------------


def restored(office: Office, copy: Path) -> Outside:
    """Log twice, and put back a copy of the whole folder from in between."""
    one = office.join("one")
    office.log(2026)
    shutil.copytree(office.root, copy)
    office.log(2027)
    shutil.rmtree(office.root)
    copy.rename(office.root)
    return one


def test_a_restored_backup_does_not_write_where_a_witness_shows_that_it_has_seen_more(
    office: Office, tmp_path: Path
) -> None:
    restored(office, tmp_path / "copy")
    code, told = office.log(2028)
    assert (code, "writing on would fork the log" in told) == (1, True)
    assert office.place.reader().checkpoint().checkpoint.size == 1


def shown_after_a_claim(note: Note, *, size: int) -> Callable[[Handler], None]:
    """Claim to have seen a size when asked to cosign, and show a checkpoint from then on only."""
    shown = Note(note.text, (*note.signatures, cosign(cosigner("one"), note.text, int(time.time())))).format()
    claimed: list[bytes] = []

    def does(handler: Handler) -> None:
        if handler.command == "POST":
            claimed.append(handler.body())
            handler.answer(409, f"{size}\n".encode(), Content_Type="text/x.tlog.size")
        elif claimed:
            handler.answer(200, shown)
        else:
            handler.answer(404)

    return does


@pytest.mark.parametrize(
    ("size", "told"), [(9, "writing on would fork the log"), (1, "has cosigned another tree of size 1 of this log")]
)
def test_a_witness_that_shows_what_it_has_seen_only_when_it_is_asked_to_cosign_stops_the_bureau(
    office: Office, size: int, told: str
) -> None:
    fork = sign_checkpoint(Checkpoint(ORIGIN, size, b"\1" * 32), office.place.key("log"))
    office.join("one", shown_after_a_claim(fork, size=9))
    code, found = office.log(2026)
    assert (code, told in found) == (1, True), found
    assert not office.collected(1)


def nothing(office: Office) -> Callable[[Handler], None]:
    def does(handler: Handler) -> None:
        if handler.command == "GET":
            return handler.answer(404)
        handler.body()
        return handler.answer(409, b"9\n", Content_Type="text/x.tlog.size")

    return does


def less(office: Office) -> Callable[[Handler], None]:
    return shown_after_a_claim(office.place.reader().checkpoint().note, size=9)


def forgery(office: Office) -> Callable[[Handler], None]:
    another = Signer.from_seed(ORIGIN, b"x" * 32)
    return shown_after_a_claim(sign_checkpoint(Checkpoint(ORIGIN, 9, b"\1" * 32), another), size=9)


@pytest.mark.parametrize("shows", [nothing, less, forgery])
def test_a_lying_witness_cannot_stop_the_bureau_by_claiming_more_than_it_can_show(
    office: Office, shows: Callable[[Office], Callable[[Handler], None]]
) -> None:
    office.join("one", shows(office))
    honest = office.join("two")
    code, told = office.log(2026)
    assert (code, "one: claims to have cosigned size 9 of this log, without showing it" in told) == (0, True)
    assert [cosignature.verifier for cosignature in office.collected(1)] == [honest.signer.verifier]
    assert office.log(2027)[0] == 0


def wrong_tree(text: str, now: int) -> Signature:
    return cosign(cosigner("one"), Checkpoint(ORIGIN, 1, b"\1" * 32).format(), now)


def ahead_of_time(text: str, now: int) -> Signature:
    return cosign(cosigner("one"), text, now + 86_400)


def no_time(text: str, now: int) -> Signature:
    signer = cosigner("one")
    return Signature(
        signer.name, signer.verifier.key_id, bytes(8) + signer.sign_bytes(f"cosignature/v1\ntime 0\n{text}".encode())
    )


def dated_back_without_the_key(text: str, now: int) -> Signature:
    line = cosign(cosigner("one"), text, now)
    return Signature(line.name, line.key_id, (now - 86_400).to_bytes(8) + line.data[8:])


@pytest.mark.parametrize("lie", [wrong_tree, ahead_of_time, no_time, dated_back_without_the_key])
def test_a_lying_witness_puts_nothing_into_the_log_and_is_named(
    office: Office, lie: Callable[[str, int], Signature]
) -> None:
    def lying(handler: Handler) -> None:
        if handler.command == "GET":
            return handler.answer(404)
        line = lie(parse_add_checkpoint(handler.body()).note.text, int(time.time()))
        return handler.answer(200, f"{line.format()}\n".encode())

    office.join("one", lying)
    honest = office.join("two")
    code, told = office.log(2026)
    assert (code, "one: is not to be relied on" in told, "two: has cosigned size 1" in told) == (0, True, True)
    assert [cosignature.verifier for cosignature in office.collected(1)] == [honest.signer.verifier]
    assert "one.example.org" not in (office.root / "log" / "checkpoint").read_text("utf-8")


def test_a_witness_that_shows_what_the_log_never_signed_does_not_bring_the_bureau_to_a_halt(office: Office) -> None:
    forged = sign_checkpoint(Checkpoint(ORIGIN, 9, b"\1" * 32), Signer.from_seed(ORIGIN, b"x" * 32))
    lines = (*forged.signatures, cosign(cosigner("one"), forged.text, int(time.time())))
    office.join("one", lambda handler: handler.answer(200, Note(forged.text, lines).format()))
    code, told = office.log(2026)
    assert (code, "one: is not to be relied on, nothing of its answer was kept" in told) == (0, True)
    assert office.place.reader().checkpoint().checkpoint.size == 1
