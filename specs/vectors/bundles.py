"""The cases of bundle.json: the small draws of `stories`, verified, and bent where somebody might bend them."""

from base64 import b64decode, b64encode
from typing import Any

import afterwards
import chains
import foureyes
import inputs
import pulses
import ruled
import stories
import teams
import wholelogs
from book import FILE_ONLY, Book, added, edited, removed, replaced
from formats import Cases, canonical

from fairdraw import encoding
from fairdraw.schema import Counts, SnapshotStatement
from fairdraw.snapshot import open_row
from support.story import secret, signer, team

DAY = 24 * 3600
STRUCK_OFF = b'{"item":null,"no":"H-000002","reason":"yearly-cap"}\n'


def _honest(book: Book) -> None:
    plain, opened = stories.plain(), stories.sealed(opened=True)
    sealed = stories.sealed()
    book.hold("plain", "holds", file=stories.bundle(plain), **stories.make(plain))
    book.hold("without the log", "unknown", like="plain", log=None)
    book.hold("only the bundle is asked about", "holds", like="plain", log=None, bundle_only=True)
    book.hold("the log is three days old", "unknown", like="plain", as_of=plain.story.now + 3 * DAY)
    book.hold("as of a minute before the last cosignatures", "unknown", like="plain", as_of=plain.story.now - 1)
    for name, story in (("capped", stories.capped()), ("committed", stories.committed()), ("opened", opened),
                        ("specialists, experts and a pool", stories.staffed()),
                        ("a switch chain", stories.staffed(chain=True))):  # fmt: skip
        book.hold(name, "holds", file=stories.bundle(story), **stories.make(story, log=None, bundle_only=True))
    book.hold("sealed", "unknown", file=stories.bundle(sealed), **stories.make(sealed, log=None, bundle_only=True))
    book.hold("sealed, as a depositary verifies it", "holds", like="sealed",
              patch=replaced("/embargo", stories.EMBARGO.hex()))  # fmt: skip
    early = stories.sealed(opened=True, early=True)
    book.hold("opened before its day", "holds", file=stories.bundle(early),
              **stories.make(early, log=None, bundle_only=True))  # fmt: skip
    book.hold("a substitution in the log", "unknown", like="plain", as_of=plain.story.now + 60,
              log=stories.substituted(plain))  # fmt: skip
    book.hold("a substitution that no supervisor signed counts for nothing", "holds", like="plain",
              as_of=plain.story.now + 60, log=stories.substituted(plain, alone=True))  # fmt: skip
    book.hold("sealed, and the day is over", "unknown", like="sealed",
              as_of=encoding.end_of_day(stories.SEALED) + 1)  # fmt: skip


def _other_trust(book: Book, trust: str) -> None:
    story = stories.plain().story
    log, bureau = story.log_key.verifier.vkey, story.bureau.verifier.vkey
    elsewhere = signer("another.example.cn/rehearsal")
    swaps = (
        ("another log", log, elsewhere.verifier.vkey, "trust", "unknown-log"),
        ("no such bureau", bureau + f" {story.origin}", bureau + f" {elsewhere.name}", "trust", "unknown-bureau"),
        ("another key for the log", log, type(elsewhere).from_seed(story.origin, elsewhere.seed).verifier.vkey,
         "log-signature", "bad-checkpoint"),
        ("another key for the bureau", bureau,
         type(elsewhere).from_seed(story.bureau.name, elsewhere.seed).verifier.vkey,
         "bureau-chain", "not-the-bureaus-key"),
        ("a bureau's key that ended before", f" {story.origin}\n", f" {story.origin} - 2026-09-07T09:59:59Z\n",
         "bureau-chain", "not-the-bureaus-key"),
        ("a witness who did not cosign", story.witness_keys[0].verifier.vkey,
         signer("w9.example.cn/rehearsal", 4).verifier.vkey, "witness-quorum", "quorum-missing"),
        ("a reader who asks for a day", "rehearsal\n", "margin 86400\nrehearsal\n",
         "announcement-before-pulse", "announcement-late"),
        ("a reader who asks for receipts", "rehearsal\n", "receipts 1\nrehearsal\n", "snapshots", "receipts-missing"),
    )  # fmt: skip
    for name, old, new, expect, reason in swaps:
        if old not in trust:
            raise ValueError(old)
        book.fail(f"trust file: {name}", expect, reason, like=FILE_ONLY,
                  trust=new.join(trust.rsplit(old, 1)))  # fmt: skip


def _patched(book: Book, file: Any) -> None:
    told = stories.plain()
    lines, said = stories.lines_of(told), told.announcement.statement
    results = told.draw.statement.results.digest
    drawn = [line for line in lines if "ticket" in line]
    spare = next(row.no for row in told.objects[1].roster.rows if row.no not in {line["no"] for line in drawn})
    idle = next(f"I-{i:02d}" for i in range(1, 6) if f"I-{i:02d}" not in canonical(drawn[0]["team"]))
    snapshot, announced = stories.entry_at(file, "snapshot"), stories.entry_at(file, "announcement")
    proof = b64decode(file["entries"][announced]["proof"]).decode().split("\n")
    proof[2] = stories.flip(proof[2])
    roster = told.objects[1].roster.listing().digest
    swaps: tuple[tuple[str, str, str, list[dict[str, Any]]], ...] = (
        ("an artifact that is not base64", "format", "bad-artifact", replaced("/artifacts/0/data", "%")),
        ("an artifact twice", "format", "bad-artifact", added("/artifacts/0", file["artifacts"][0])),
        ("an artifact under another name", "format", "bad-artifact",
         added("/artifacts/0", file["artifacts"][0] | {"digest": "00" * 32})),
        ("a field too many", "not-a-bundle", "", added("/note", "x")),
        ("a field missing", "not-a-bundle", "", removed("/embargo")),
        ("version 1", "not-a-bundle", "", replaced("/v", 1)),
        ("no entries", "not-a-bundle", "", replaced("/entries", [])),
        ("an entry that is not base64", "format", "bad-entry", replaced("/entries/0/note", "%")),
        ("an entry twice", "format", "entry-twice",
         added("/entries/0", file["entries"][0])),
        ("a final checkpoint that is not the proofs'", "format", "another-checkpoint",
         replaced("/checkpoint", file["checkpoints"][0]["checkpoint"])),
        ("an announcement that is not there", "format", "entry-missing", replaced("/announcement", "00" * 32)),
        ("a log of earnest", "trust", "rehearsal-mixed", replaced("/log", "log.example.cn/jinan")),
        ("a snapshot's entry left out", "bureau-chain", "chain-broken", removed(f"/entries/{snapshot}")),
        ("a proof with a flipped bit", "bureau-chain", "not-in-log",
         replaced(f"/entries/{announced}/proof", b64encode("\n".join(proof).encode()).decode())),
        ("the plan's early checkpoint left out", "plan-before-snapshots", "plan-not-cosigned-first",
         removed("/checkpoints/0")),
        ("a consistency proof with a flipped bit", "append-only", "not-a-prefix",
         replaced("/checkpoints/0/consistency/0", "00" * 32)),
        ("a row of the roster changed", "rosters", "wrong-digest",
         edited(file, roster, '"type":"pharmacy"', '"type":"hospital"')),
        ("a roster left out", "rosters", "artifact-missing",
         removed(f"/artifacts/{[one['digest'] for one in file['artifacts']].index(roster)}")),
        ("a recusal changed", "closed-inputs", "wrong-digest",
         edited(file, said.recusals.digest, "H-000001", "H-000002")),
        ("a quota one more", "quotas", "quota-differs", edited(file, results, '"quota":2', '"quota":3')),
        ("a drawn object swapped", "selection", "selection-differs",
         edited(file, results, f'"no":"{drawn[0]["no"]}"', f'"no":"{spare}"')),
        ("an inspector swapped", "assignment", "team-differs",
         edited(file, results, f'"team":[["","{drawn[0]["team"][0][1]}"]', f'"team":[["","{idle}"]')),
        ("two lines of the result exchanged", "record-matches", "result-list-altered",
         edited(file, results, f"{canonical(lines[0])}\n{canonical(lines[1])}\n",
                   f"{canonical(lines[1])}\n{canonical(lines[0])}\n")),
        ("no draw", "record-logged", "no-draw", replaced("/draw", None)),
    )  # fmt: skip
    for name, expect, reason, patch in swaps:
        book.fail(name, expect, reason, like=FILE_ONLY, patch=patch)
    text = encoding.canonical(file).decode()
    for name, data in (("no newline", text), ("a space", text.replace(":", ": ", 1) + "\n"), ("nothing", "")):
        book.fail(f"the file: {name}", "not-a-bundle", "", like=FILE_ONLY, bytes=data[:400])


def _bent(book: Book) -> None:
    other = Counts(objects=12, inspectors=5, strata=2, drawn=4)
    fresh = stories.begin()
    swapped = stories.bent(stories.statement(pulses=stories.other_pulse(fresh)), fresh)
    capped = stories.begin(plan={"team": team(cap=3), "ratio": "5/12"})
    late = stories.begin()
    stories.cosigned(late, time=stories.due(late) + 1)
    cases = (
        ("cosigned after the round", "announcement-before-pulse", "announcement-late", late.go_on()),
        ("the second announcement of a slot", "first-of-slot", "slot-not-free", stories.announced_twice()),
        ("a snapshot that is not the newest", "snapshots", "not-the-newest", stories.stale()),
        ("a name struck off without a rule", "closed-inputs", "exclusions-differ",
         stories.cosigned(stories.begin(exclusions=STRUCK_OFF)).go_on()),
        ("a pulse of another round", "pulse", "signature-invalid", swapped),
        ("reveals closed after the round", "seed", "reveals-late", stories.committed(late=True)),
        ("one depositary", "disclosure", "too-few-deposits", stories.sealed(deposits=1)),
        ("a sealed draw that shows its key", "record-logged", "sealed-draw-shows",
         stories.sealed(bend=stories.statement(key="00" * 32))),
        ("an open draw that hides its blocks", "record-logged", "open-draw-hides",
         stories.bent(stories.statement(blocks=None))),
        ("an opening with another key", "selection", "another-key", stories.sealed(opened=True, key="00" * 32)),
        ("a round beyond the calendar", "announcement-before-pulse", "round-too-far", stories.far()),
        ("counts that are not so", "record-matches", "record-differs",
         stories.bent(stories.statement(counts=other))),
        ("an attempt that was not the first to fit", "assignment", "attempts-differ",
         stories.bent(stories.statement(blocks=(("H-000001", 99, 3),)), capped)),
    )  # fmt: skip
    for name, expect, reason, story in cases:
        book.fail_story(name, expect, reason, story)
    plain = stories.plain()
    book.fail("an announcement that a stranger signed", "format", "not-the-bureaus",
              like=FILE_ONLY, file=stories.by_a_stranger())  # fmt: skip
    beside = stories.beside_the_log()
    book.fail("a draw with an old key, and the change of key left out", "no-other-draw", "counts-in-the-file-alone",
              file=stories.bundle(beside), **stories.make(beside))  # fmt: skip
    later = plain.story.now + 60
    book.fail("a second draw in the log", "no-other-draw", "another-draw", like="plain", as_of=later,
              log=stories.drawn_twice(plain))  # fmt: skip
    book.fail("a void in the log", "later-acts", "voided", like="plain", as_of=later, log=stories.voided(plain))


def _opened(book: Book) -> None:
    """Add openings that the reader brings."""
    told = stories.plain()
    entry, snapshot = told.objects
    row = snapshot.rows[2]
    (name,) = open_row(secret("secret of institutions 1"), entry.of(SnapshotStatement), row, ["name"])
    value = name.model_dump(mode="json")
    book.hold("an opening that fits", "holds", like=FILE_ONLY, openings=[value])
    for what, reason, change in (
        ("of another name", "opening-does-not-fit", {"value": "第0机构"}),
        ("of no row", "opening-of-no-row", {"no": "H-000099"}),
        ("of a field that there is not", "unknown-field", {"field": "address"}),
    ):
        book.fail(f"an opening {what}", "rosters", reason, like=FILE_ONLY, openings=[value | change])


def bundle() -> tuple[Cases, Cases]:
    """bundle.md and verification.md: whole draws."""
    book = Book()
    _honest(book)
    file = book.file_of("plain")
    _other_trust(book, book.accept[0]["trust"])
    _patched(book, file)
    _opened(book)
    _bent(book)
    for add in (teams.bent, teams.impossible, chains.honest, chains.signed_wrongly, chains.out_of_order,
                wholelogs.another_tree, wholelogs.ended, wholelogs.found_in_the_log, inputs.honest, inputs.closed,
                inputs.seeds, inputs.counted, pulses.of_drand, pulses.of_others, ruled.cases, afterwards.honest,
                afterwards.found, afterwards.bent, foureyes.honest, foureyes.bent):  # fmt: skip
        add(book)
    return book.accept, book.refuse
