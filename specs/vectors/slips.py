"""The cases of slip.json: the slips of single rows of the small draws of `stories`, honest and bent."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import afterwards
import chains
import foureyes
import pulses
import stories
from book import Book, added, replaced
from formats import Cases
from stories import begin, cosigned

from fairdraw import encoding
from fairdraw.announcement import artifact_of
from fairdraw.bundle import Proofs, evidence
from fairdraw.record import Record
from fairdraw.roster import listing_of
from fairdraw.schema import Announcement
from fairdraw.statement import Entry
from support.story import SLOT, Story, Told, every, sizes, trust_text
from transparency_log import merkle

DRAWN = "an object that was drawn, the owner's copy"


def slip() -> tuple[Cases, Cases]:
    """slip.md: single rows."""
    book, plain = Book(), stories.plain()
    drawn = [line for line in stories.lines_of(plain) if "ticket" in line]
    first = drawn[0]["no"]
    undrawn = next(r.no for r in plain.objects[1].roster.rows if r.no not in {line["no"] for line in drawn})
    busy = drawn[0]["team"][0][1]
    held = stories.make(plain, log=None)
    book.hold(DRAWN, "holds", **held,
              file=stories.slip(plain, "objects", first, own=True))  # fmt: skip
    book.hold("an object that was not drawn", "holds", **held, file=stories.slip(plain, "objects", undrawn))
    book.hold("an inspector", "holds", **held, file=stories.slip(plain, "inspectors", busy))
    book.hold("with the log", "holds", like="an inspector", log=stories.log(plain.story))
    owner, other, inspector = (case["file"] for case in book.accept[:3])
    swaps: tuple[tuple[str, str, str, str, list[dict[str, Any]]], ...] = (
        ("the number of another row", "rosters", "row-of-another", DRAWN,
         [*replaced("/no", undrawn), *replaced("/own", [])]),
        ("the row of another", "rosters", "row-of-another", DRAWN,
         replaced("/row", other["row"])),
        ("another's name", "rosters", "opening-does-not-fit", DRAWN,
         replaced("/own/0/value", "第0机构")),
        ("an opening of a field that there is not", "rosters", "unknown-field", DRAWN,
         replaced("/own/0/field", "address")),
        ("an opening of another row", "rosters", "opening-of-another", DRAWN,
         replaced("/own/0/no", undrawn)),
        ("a path with a flipped bit", "rosters", "path-does-not-fit", "an object that was not drawn",
         replaced("/row/hashes/0", "00" * 32)),
        ("a drawn object told that it was not", "selection", "cutoff-contradicts",
         DRAWN, replaced("/teams", [])),
        ("an undrawn object told that it was", "selection", "cutoff-contradicts", "an object that was not drawn",
         replaced("/teams", owner["teams"])),
        ("no stratum", "selection", "stratum-missing", "an object that was not drawn", replaced("/strata", [])),
        ("a stratum line with a flipped bit", "selection", "path-does-not-fit", "an object that was not drawn",
         replaced("/strata/0/line", stories.flip(other["strata"][0]["line"], 12))),
        ("the stratum at another place", "selection", "path-does-not-fit", "an object that was not drawn",
         replaced("/strata/0/index", 3)),
        ("drawn twice", "assignment", "drawn-twice", DRAWN,
         replaced("/teams", owner["teams"] * 2)),
        ("a team that the inspector is not in", "assignment", "row-of-another", "an inspector",
         replaced("/teams/0", _not_his(plain, busy))),
        ("no draw", "format", "no-draw", "an inspector", replaced("/draw", None)),
        ("another registry", "not-a-bundle", "", "an inspector", replaced("/registry", "experts")),
    )  # fmt: skip
    for name, expect, reason, like, patch in swaps:
        book.fail(name, expect, reason, like=like, patch=patch)
    later = plain.story.now + 60
    book.fail("a second draw in the log", "no-other-draw", "another-draw", like="with the log", as_of=later,
              log=stories.drawn_twice(plain))  # fmt: skip
    book.fail("a void in the log", "later-acts", "voided", like="with the log", as_of=later, log=stories.voided(plain))
    if inspector["strata"]:
        raise ValueError("an inspector's slip has no stratum")
    _honest(book)
    _relogged(book, first)
    _resulted(book)
    _alone(book)
    return book.accept, book.refuse


def _alone(book: Book) -> None:
    """Add slips of a draw that was announced alone, with a window dated back before the second was asked for."""
    told = begin().retold(window="2026-09-06").go_on()
    file = stories.slip(told, "objects", _drawn(told)[0]["no"])
    told.story.trust_lines = foureyes.lines(foureyes.FIRST, since=" 2026-09-08")
    book.hold("a second from the day after the round on", "holds", **_story(told, file))
    told.story.trust_lines = foureyes.lines(foureyes.FIRST, since=" 2026-09-07")
    book.fail("four eyes: a window dated back before the day from which on a second is asked for",
              "announcement-logged", "second-signature-missing", **_story(told, file))  # fmt: skip


def _not_his(told_story: Any, busy: str) -> Any:
    for line in stories.lines_of(told_story):
        if "ticket" in line and busy not in {no for _, no in line["team"]}:
            return stories.slip(told_story, "objects", line["no"])["teams"][0]
    raise ValueError(f"{busy} is in every team; {SLOT}")


def _story(told: Told, file: Any) -> dict[str, Any]:
    return {"like": DRAWN, "file": file, "trust": trust_text(told.story), "as_of": told.story.now}


def _drawn(told: Told) -> list[dict[str, Any]]:
    return [line for line in stories.lines_of(told) if "ticket" in line]


def _honest(book: Book) -> None:
    """Add slips of draws of every shape."""
    for name, verdict, told in (("a row of a sealed draw", "unknown", stories.sealed()),
                                ("a row of an opened draw", "holds", stories.sealed(opened=True)),
                                ("a row of a draw with committed seeds", "holds", stories.committed())):  # fmt: skip
        book.hold(name, verdict, **_first_row(told))
    seen = pulses.closed(pulses.announced(pulses.definition()), pulses.definition()).go_on()
    book.hold("a row of a draw from events", "holds", **_story(seen, stories.slip(seen, "objects", "H-000001")))
    events = book.file_of("a row of a draw from events")["artifacts"]
    book.fail("the definition of events twice", "format", "bad-artifact", like="a row of a draw from events",
              patch=added("/artifacts/0", events[0]))  # fmt: skip
    book.fail("an artifact that is not base64", "format", "bad-artifact", like="a row of a draw from events",
              patch=replaced("/artifacts/0/data", "%"))  # fmt: skip
    joint = chains.joint().go_on()
    department = replace(joint, inspectors=joint.theirs)
    file = stories.slip(department, "inspectors", "W-01")
    book.hold("an inspector of another department", "holds", **_story(joint, file))
    told = afterwards.gone_on()
    afterwards.substituted(told)
    book.hold("a substitution in the log", "unknown", like="with the log", **stories.grown(told))
    book.hold("a substitution without a call in the log", "unknown", like="with the log", **stories.grown(
        afterwards.followed(call=told.plan.ref)))  # fmt: skip


def _reproven(told: Told, file: Any, kept: list[Entry]) -> Any:
    """Return a slip that carries other entries, each with its genuine proof."""
    proven = evidence(Proofs.of(told.story.entries, sizes(told.story)), kept)
    return file | encoding.parse(encoding.canonical(
        {name: [one.model_dump() for one in value] if isinstance(value, tuple) else value
         for name, value in proven.items()}))  # fmt: skip


def _relogged(book: Book, no: str) -> None:
    """Add slips whose entries, snapshots or lists are not those of the draw."""
    committed = stories.committed()
    file = stories.slip(committed, "objects", _drawn(committed)[0]["no"])
    kept = [entry for entry in every(committed) if entry.statement.type not in ("snapshot", "reveals-closed")]
    kept.append(committed.objects[0])
    book.fail("a list of reveals left out", "bureau-chain", "chain-broken", **_story(
        committed, _reproven(committed, file, sorted(kept, key=lambda entry: entry.index))))  # fmt: skip
    for name, reason, told in (("inspectors drawn as objects", "wrong-registry", chains.swapped().go_on()),
                               ("a snapshot that a supervisor signed", "not-the-bureaus",
                                chains.of_a_supervisor().go_on())):  # fmt: skip
        said = told.announcement.of(Announcement)
        file = stories.slip(told, "objects", no)
        kept = [entry for entry in every(told) if entry.statement.type != "snapshot"
                or entry.text_hash == said.objects.text]  # fmt: skip
        book.fail(name, "snapshots", reason, **_story(told, _reproven(told, file, kept)))
    wrong = _with_schema(attrs=(("region", "integer"), ("type", "string")))
    book.fail("a row of another type than the schema says", "rosters", "bad-attribute", **_story(
        wrong, stories.slip(wrong, "objects", no)))  # fmt: skip
    book.fail("another list of exclusions", "selection", "wrong-digest", like=DRAWN, patch=replaced(
        "/exclusions", encoding.to_base64(b'{"item":null,"no":"H-000002","reason":"yearly-cap"}\n')))  # fmt: skip
    bad = b'{"no":"H-000002"}\n'
    told = cosigned(begin())
    told = told.retold(exclusions=artifact_of(bad))
    named = told.announcement.of(Announcement).exclusions.digest
    told.story.artifacts[named] = b""  # while the bureau draws as if it were empty
    told.go_on().story.artifacts[named] = bad
    book.fail("a list of exclusions that is none", "selection", "bad-list", **_first_row(told))


def _with_schema(**changes: Any) -> Told:
    """Return a draw whose objects' snapshot says another schema than its roster has."""
    story = Story()
    freeze = story.snapshot
    story.snapshot = lambda name, registry, label="1", **more: freeze(
        name, registry, label, **((changes if name == "institutions" else {}) | more)
    )
    return cosigned(begin(story)).go_on()


Line = dict[str, Any]


def _rewritten(change: Callable[[list[Line]], object]) -> Told:
    """Return a draw whose result list the bureau wrote anew, with root and digest to match."""

    def bend(record: Record) -> Record:
        rows: list[Any] = [encoding.parse(line) for line in record.lines]
        change(rows)
        told = tuple(encoding.canonical(row) for row in rows)
        data = encoding.lines(told)
        listing = listing_of(data, merkle.Tree(map(merkle.leaf_hash, told)))
        statement = record.statement.model_copy(update={"results": listing})
        return replace(record, statement=statement, lines=told, artifact=data)

    return cosigned(begin()).go_on(bend=bend)


def _first(rows: list[Line]) -> Line:
    return next(row for row in rows if "ticket" in row)


def _path(told: Told, at: int) -> dict[str, Any]:
    """Return a line of a result list with its proof, whatever it says."""
    if told.record is None:
        raise TypeError(told)
    tree = merkle.Tree(map(merkle.leaf_hash, told.record.lines))
    return {"line": encoding.to_base64(told.record.lines[at]), "index": at,
            "hashes": [one.hex() for one in tree.inclusion_proof(at)]}  # fmt: skip


def _resulted(book: Book) -> None:
    """Add slips of results that the bureau bent before it logged them."""
    keyed = stories.bent(stories.statement(key="00" * 32))
    book.fail("a draw that states another key", "selection", "key-differs", **_first_row(keyed))
    other = next(path for path in book.file_of("an object that was not drawn")["strata"]
                 if path not in book.file_of(DRAWN)["strata"])  # fmt: skip
    book.fail("the stratum of another row", "selection", "stratum-of-another", like=DRAWN,
              patch=replaced("/strata/0", other))  # fmt: skip
    book.fail("a team at another place", "assignment", "path-does-not-fit", like=DRAWN,
              patch=replaced("/teams/0/index", 0))  # fmt: skip
    bends: tuple[tuple[str, str, Callable[[list[Line]], object]], ...] = (
        ("a ticket that is not the row's", "ticket-differs", lambda rows: _first(rows).update(ticket="00" * 32)),
        ("a drawn line of another stratum", "stratum-of-another",
         lambda rows: _first(rows).update(strata=[["fund-use", ["care"]]])),
    )  # fmt: skip
    for name, reason, change in bends:
        book.fail(name, "assignment", reason, **_first_row(_rewritten(change)))
    for name, check, change in (
        ("a stratum line that is none", "selection", lambda rows: rows[0].pop("quota")),
        ("a drawn line that is none", "assignment", lambda rows: _first(rows).pop("team")),
    ):
        told = _rewritten(change)
        # The paths are those of the bent list; which lines they are is told by the honest one.
        file = stories.slip(replace(told, record=stories.plain().record), "objects", _drawn(stories.plain())[0]["no"])
        paths = {part: [_path(told, path["index"]) for path in file[part]] for part in ("strata", "teams")}
        if check == "selection":
            paths["strata"] = [_path(told, 0)]
        book.fail(name, check, "bad-result-line", **_story(told, file | paths))


def _first_row(told: Told) -> dict[str, Any]:
    """Return the slip of the first drawn object."""
    return _story(told, stories.slip(told, "objects", _drawn(told)[0]["no"]))
