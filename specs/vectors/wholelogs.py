"""Cases of bundle.json about a whole log that stands beside the file (verification.md §3, no. 13, and §4.4)."""

from base64 import b64encode

import stories
from book import FILE_ONLY, Book, replaced
from chains import S2, with_former_log

from fairdraw.encoding import to_base64
from fairdraw.schema import Announcement, Withdrawal
from support.story import BUREAU, Told, signer, trust_text
from transparency_log import merkle
from transparency_log.checkpoint import Checkpoint
from transparency_log.frozen import sign_frozen
from transparency_log.note import Note, Signer


def extended(told: Told) -> str:
    """Return base64 of a checkpoint of one entry that the log signed with an extension line."""
    root = merkle.root(map(merkle.leaf_hash, told.story.entries[:1]))
    text = f"{told.story.origin}\n1\n{to_base64(root)}\nan extension\n"
    return to_base64(Note(text, (told.story.log_key.sign(text),)).format())


def another_tree(book: Book) -> None:
    """Add checkpoints and logs that are not of one history, or not all there."""
    plain = stories.plain()
    log = stories.log(plain.story)
    book.fail("a checkpoint with an extension line", "log-signature", "wrong-origin", like=FILE_ONLY,
              patch=replaced("/checkpoints/0/checkpoint", extended(plain)))  # fmt: skip
    book.fail("a final checkpoint that is none", "format", "bad-checkpoint", like=FILE_ONLY,
              patch=replaced("/checkpoint", to_base64(b"log.example.cn\n")))  # fmt: skip
    first = [b64encode(b"somebody's bytes").decode(), *log["entries"][1:]]
    book.fail("a log with another first entry", "append-only", "forked", like="plain", log=log | {"entries": first})
    book.fail("a log with an entry that nobody can get", "append-only", "entry-unavailable", like="plain",
              log=log | {"entries": [log["entries"][0], None, *log["entries"][2:]]})  # fmt: skip
    book.fail("a log that ends before its checkpoints", "no-other-draw", "entry-unavailable", like="plain",
              log=log | {"entries": log["entries"][:-1]})  # fmt: skip
    book.fail("a log from before the draw, with another first entry", "append-only", "forked", like="plain",
              log={"entries": first[:-1], "checkpoints": log["checkpoints"][:-1]})  # fmt: skip
    book.hold("a log from before the draw", "unknown", like="plain",
              log={"entries": log["entries"][:-1], "checkpoints": log["checkpoints"][:-1]})  # fmt: skip
    book.fail("a log with a checkpoint that nobody signed", "no-other-draw", "bad-checkpoint", like="plain",
              log=log | {"checkpoints": [*log["checkpoints"], to_base64(b"a\n1\nb\n\n")]})  # fmt: skip
    broken = stories.continued(plain)
    seq, prev = broken.story.heads[BUREAU]
    broken.story.heads[BUREAU] = (seq + 1, prev)
    broken.story.add(broken.story.head().make(Withdrawal, digest="00" * 32, reason="erasure"))
    book.fail("a log whose bureau left out a number", "no-other-draw", "chain-broken", like="plain",
              **stories.grown(broken.later()))  # fmt: skip
    joined = stories.continued(plain)
    joined.story.plan(slots=("2026/fund-use/2",), with_=(S2,))
    trust = trust_text(plain.story)
    without = "".join(f"{line}\n" for line in trust.splitlines() if not line.startswith(f"supervisor {S2} "))
    book.hold("a log in which somebody unknown co-signed", "unknown", like="plain", trust=without,
              **stories.grown(joined.later()))  # fmt: skip
    book.fail("a bureau that hides the log it came from", "no-other-draw", "former-missing", like="plain",
              trust=with_former_log(plain.story))  # fmt: skip


def _end(told: Told, size: int, *, root: bytes | None = None, by: Signer | None = None) -> dict[str, str]:
    """Return a note by which a log says that it ended at a size."""
    root = root or merkle.root(map(merkle.leaf_hash, told.story.entries[:size]))
    note = sign_frozen(Checkpoint(told.story.origin, size, root), by or told.story.log_key)
    return {"frozen": to_base64(note.format())}


def ended(book: Book) -> None:
    """Add logs that say that they have ended."""
    plain = stories.plain()
    log, size = stories.log(plain.story), len(plain.story.entries)
    book.hold("a log that has ended, three years later", "holds", like="plain", log=log | _end(plain, size),
              as_of=plain.story.now + 3 * 365 * 86400)  # fmt: skip
    for name, reason, note in (
        ("a log that went on after its end", "grown-after-freeze", _end(plain, size - 1)),
        ("a log that ended in another tree", "frozen-differs", _end(plain, size, root=bytes(32))),
        ("an end that a stranger signed", "bad-checkpoint", _end(plain, size, by=signer("stranger.example.cn"))),
    ):
        book.fail(name, "no-other-draw", reason, like="plain", log=log | note)
    book.hold("a log that hides its last entry", "unknown", like="plain",
              log=log | _end(plain, size + 1, root=bytes(32)))  # fmt: skip


def found_in_the_log(book: Book) -> None:
    """Add logs that hold something a reader should know of this draw, which holds all the same."""
    told = stories.continued(stories.plain())
    again = told.announce_again(window="2026-10-01")
    batch = told.announcement.of(Announcement).model_copy(update={
        **told.story.head().fields(), "slots": ("2026/fund-use/2",)})  # fmt: skip
    told.story.add(batch)
    again.void("regretted")
    book.hold("a log with another announcement, a void of it and a batch that was never drawn", "holds",
              "announced-again", "overdue-draw", "void-unannounced-reason", like="plain",
              **stories.grown(told.later()))  # fmt: skip
