"""The cases of bundle.json and slip.json: the draws of `stories`, verified, and bent where somebody might bend them.

A case inherits what it does not say from the accepted case that `like` names; `patch` (RFC 6902, `replace` and
`remove` and `add` only) then applies to its file, which is written again as canonical JSON and a newline.
"""

import copy
from base64 import b64decode, b64encode
from typing import Any

import stories
from formats import Cases, canonical

from fairdraw import encoding
from fairdraw.bundle import read_file
from fairdraw.errors import BundleError
from fairdraw.schema import Counts
from fairdraw.trust import parse_trust
from fairdraw.verify import LogView, Report, verify_bundle, verify_slip
from support.story import SLOT, signer, team

DAY = 24 * 3600


STRUCK_OFF = b'{"item":null,"no":"H-000002","reason":"yearly-cap"}\n'


def patched(value: Any, patch: list[dict[str, Any]]) -> Any:
    """Return a value after a patch."""
    whole = copy.deepcopy(value)
    for step in patch:
        *names, last = step["path"].split("/")[1:]
        place = whole
        for name in names:
            place = place[int(name) if isinstance(place, list) else name]
        key = int(last) if isinstance(place, list) else last
        if step["op"] == "remove":
            del place[key]
        elif step["op"] == "replace" or isinstance(place, dict):
            place[key] = step["value"]
        else:
            place.insert(key, step["value"])
    return whole


def inherited(case: dict[str, Any], accepted: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return a case with what it inherits."""
    if "like" not in case:
        return case
    base = inherited(accepted[case["like"]], accepted)
    return {name: base[name] for name in ("trust", "as_of", "bundle_only", "log", "file")} | case


def run(case: dict[str, Any]) -> Report:
    """Verify the file of a case that inherits nothing any more."""
    data = (
        case["bytes"].encode() if "bytes" in case else encoding.canonical(patched(case["file"], case.get("patch", [])))
    )
    read = read_file(data if "bytes" in case else data + b"\n")
    trust, log = parse_trust(case["trust"].encode()), case["log"]
    view = log and LogView(
        entries=[b64decode(one) for one in log["entries"]],
        checkpoints=[b64decode(one) for one in log["checkpoints"]],
    )
    if read.type == "slip":
        return verify_slip(read, trust, as_of=case["as_of"], log=view)
    return verify_bundle(read, trust, as_of=case["as_of"], log=view, bundle_only=case["bundle_only"])


def told(report: Report) -> dict[str, Any]:
    """Return what a case says of its report: verdict, the checks that do not hold, findings, and what was drawn."""
    states = {c.code: [c.state, c.depends or c.reason] for c in report.checks if c.state != "holds"}
    return {"verdict": report.verdict, "checks": states, "findings": [one.code for one in report.findings],
            "drawn": [[no, list(members)] for no, members in report.drawn]}  # fmt: skip


class Book:
    """The cases of one file; each is run as it is written, and must end as it was said to."""

    def __init__(self) -> None:
        self.accept: Cases = []
        self.refuse: Cases = []

    def _named(self) -> dict[str, dict[str, Any]]:
        return {case["name"]: case for case in self.accept}

    def hold(self, name: str, verdict: str, **case: Any) -> None:
        """Add an honest case: no check fails, and the verdict is the one said."""
        case = {"name": name, **case}
        report = run(inherited(case, self._named()))
        if report.failed or report.verdict != verdict:
            raise ValueError((name, told(report)))
        self.accept.append(case | told(report))

    def fail(self, name: str, expect: str, reason: str, **case: Any) -> None:
        """Add a case of which one check must fail for one reason; `not-a-bundle` is a file that cannot be read."""
        case = {"name": name, "expect": expect, "reason": reason, **case}
        try:
            report = run(inherited(case, self._named()))
        except BundleError as error:
            if error.code != expect:
                raise
            self.refuse.append(case)
            return
        check = report.check(expect)
        if (check.state, check.reason) != ("fails", reason):
            raise ValueError((name, told(report)))
        self.refuse.append(case | told(report))


def _set(path: str, value: Any) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": path, "value": value}]


def _drop(path: str) -> list[dict[str, Any]]:
    return [{"op": "remove", "path": path}]


def _artifact(file: Any, digest: str, old: str, new: str) -> list[dict[str, Any]]:
    place = next(i for i, one in enumerate(file["artifacts"]) if one["digest"] == digest)
    text = b64decode(file["artifacts"][place]["data"]).decode()
    if old not in text:
        raise ValueError(old)
    return _set(f"/artifacts/{place}/data", b64encode(text.replace(old, new, 1).encode()).decode())


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
              patch=_set("/embargo", stories.EMBARGO.hex()))  # fmt: skip
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
        book.fail(f"trust file: {name}", expect, reason, like="only the bundle is asked about",
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
        ("a field too many", "not-a-bundle", "", [{"op": "add", "path": "/note", "value": "x"}]),
        ("a field missing", "not-a-bundle", "", _drop("/embargo")),
        ("version 1", "not-a-bundle", "", _set("/v", 1)),
        ("no entries", "not-a-bundle", "", _set("/entries", [])),
        ("an entry that is not base64", "format", "bad-entry", _set("/entries/0/note", "%")),
        ("an entry twice", "format", "entry-twice",
         [{"op": "add", "path": "/entries/0", "value": file["entries"][0]}]),
        ("a final checkpoint that is not the proofs'", "format", "another-checkpoint",
         _set("/checkpoint", file["checkpoints"][0]["checkpoint"])),
        ("an announcement that is not there", "format", "entry-missing", _set("/announcement", "00" * 32)),
        ("a log of earnest", "trust", "rehearsal-mixed", _set("/log", "log.example.cn/jinan")),
        ("a snapshot's entry left out", "bureau-chain", "chain-broken", _drop(f"/entries/{snapshot}")),
        ("a proof with a flipped bit", "bureau-chain", "not-in-log",
         _set(f"/entries/{announced}/proof", b64encode("\n".join(proof).encode()).decode())),
        ("the plan's early checkpoint left out", "plan-before-snapshots", "plan-not-cosigned-first",
         _drop("/checkpoints/0")),
        ("a consistency proof with a flipped bit", "append-only", "not-a-prefix",
         _set("/checkpoints/0/consistency/0", "00" * 32)),
        ("a row of the roster changed", "rosters", "wrong-digest",
         _artifact(file, roster, '"type":"pharmacy"', '"type":"hospital"')),
        ("a roster left out", "rosters", "artifact-missing",
         _drop(f"/artifacts/{[one['digest'] for one in file['artifacts']].index(roster)}")),
        ("a recusal changed", "closed-inputs", "wrong-digest",
         _artifact(file, said.recusals.digest, "H-000001", "H-000002")),
        ("a quota one more", "quotas", "quota-differs", _artifact(file, results, '"quota":2', '"quota":3')),
        ("a drawn object swapped", "selection", "selection-differs",
         _artifact(file, results, f'"no":"{drawn[0]["no"]}"', f'"no":"{spare}"')),
        ("an inspector swapped", "assignment", "team-differs",
         _artifact(file, results, f'"team":[["","{drawn[0]["team"][0][1]}"]', f'"team":[["","{idle}"]')),
        ("two lines of the result exchanged", "record-matches", "result-list-altered",
         _artifact(file, results, f"{canonical(lines[0])}\n{canonical(lines[1])}\n",
                   f"{canonical(lines[1])}\n{canonical(lines[0])}\n")),
        ("no draw", "record-logged", "no-draw", _set("/draw", None)),
    )  # fmt: skip
    for name, expect, reason, patch in swaps:
        book.fail(name, expect, reason, like="only the bundle is asked about", patch=patch)
    text = encoding.canonical(file).decode()
    for name, data in (("no newline", text), ("a space", text.replace(":", ": ", 1) + "\n"), ("nothing", "")):
        book.fail(f"the file: {name}", "not-a-bundle", "", like="only the bundle is asked about", bytes=data[:400])


def _who_inspects(book: Book) -> None:
    """Bend the results of draws with specialists, experts, a pool and a switch chain."""
    told, chained = stories.staffed(), stories.staffed(chain=True)
    file, results = stories.bundle(told), told.draw.statement.results.digest
    line = next(line for line in stories.lines_of(told) if line.get("attempt"))
    first, second = line["team"]
    changes = (
        ("an expert counted as an inspector", {"team": [["", line["experts"][0]], second]}),
        ("an inspector counted as an expert", {"experts": [first[1]]}),
        ("a team without an accountant", {"team": [["", "I-02"], ["", "I-03"]]}),
        ("an own attempt that failed", {"attempt": line["attempt"] - 1}),
    )
    swaps = ((name, canonical(line), canonical(line | change)) for name, change in changes)
    for name, old, new in swaps:
        book.fail(name, "assignment", "team-differs", like="specialists, experts and a pool",
                  patch=_artifact(file, results, old, new))  # fmt: skip
    block = chained.draw.statement.blocks[0]
    bends = (
        ("another pool", stories.statement(pool=7), {}),
        ("no pool", stories.statement(pool=None), {}),
        ("a switch chain that is said not to have been walked", stories.statement(blocks=((block[0], 0, 2),)),
         {"chain": True}),
    )  # fmt: skip
    for name, bend, how in bends:
        story = stories.restaffed(bend, **how)
        book.fail(name, "assignment", "attempts-differ", file=stories.bundle(story),
                  **stories.make(story, log=None, bundle_only=True))  # fmt: skip


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
        file = stories.bundle(story, pulses=())
        book.fail(name, expect, reason, file=file, **stories.make(story, log=None, bundle_only=True))
    plain = stories.plain()
    book.fail("an announcement that a stranger signed", "format", "not-the-bureaus",
              like="only the bundle is asked about", file=stories.by_a_stranger())  # fmt: skip
    beside = stories.beside_the_log()
    book.fail("a draw with an old key, and the change of key left out", "no-other-draw", "counts-in-the-file-alone",
              file=stories.bundle(beside), **stories.make(beside))  # fmt: skip
    later = plain.story.now + 60
    book.fail("a second draw in the log", "no-other-draw", "another-draw", like="plain", as_of=later,
              log=stories.drawn_twice(plain))  # fmt: skip
    book.fail("a void in the log", "later-acts", "voided", like="plain", as_of=later, log=stories.voided(plain))


def bundle() -> tuple[Cases, Cases]:
    """bundle.md and verification.md: whole draws."""
    book = Book()
    _honest(book)
    file = book.accept[0]["file"]
    _other_trust(book, book.accept[0]["trust"])
    _patched(book, file)
    _bent(book)
    _who_inspects(book)
    return book.accept, book.refuse


def slip() -> tuple[Cases, Cases]:
    """slip.md: single rows."""
    book, plain = Book(), stories.plain()
    drawn = [line for line in stories.lines_of(plain) if "ticket" in line]
    first = drawn[0]["no"]
    undrawn = next(r.no for r in plain.objects[1].roster.rows if r.no not in {line["no"] for line in drawn})
    busy = drawn[0]["team"][0][1]
    held = stories.make(plain, log=None)
    book.hold("an object that was drawn, the owner's copy", "holds", **held,
              file=stories.slip(plain, "objects", first, own=True))  # fmt: skip
    book.hold("an object that was not drawn", "holds", **held, file=stories.slip(plain, "objects", undrawn))
    book.hold("an inspector", "holds", **held, file=stories.slip(plain, "inspectors", busy))
    book.hold("with the log", "holds", like="an inspector", log=stories.log(plain.story))
    owner, other, inspector = (case["file"] for case in book.accept[:3])
    swaps: tuple[tuple[str, str, str, str, list[dict[str, Any]]], ...] = (
        ("the number of another row", "rosters", "row-of-another", "an object that was drawn, the owner's copy",
         [*_set("/no", undrawn), *_set("/own", [])]),
        ("the row of another", "rosters", "row-of-another", "an object that was drawn, the owner's copy",
         _set("/row", other["row"])),
        ("another's name", "rosters", "opening-does-not-fit", "an object that was drawn, the owner's copy",
         _set("/own/0/value", "第0机构")),
        ("an opening of another row", "rosters", "opening-of-another", "an object that was drawn, the owner's copy",
         _set("/own/0/no", undrawn)),
        ("a path with a flipped bit", "rosters", "path-does-not-fit", "an object that was not drawn",
         _set("/row/hashes/0", "00" * 32)),
        ("a drawn object told that it was not", "selection", "cutoff-contradicts",
         "an object that was drawn, the owner's copy", _set("/teams", [])),
        ("an undrawn object told that it was", "selection", "cutoff-contradicts", "an object that was not drawn",
         _set("/teams", owner["teams"])),
        ("no stratum", "selection", "stratum-missing", "an object that was not drawn", _set("/strata", [])),
        ("a stratum line with a flipped bit", "selection", "path-does-not-fit", "an object that was not drawn",
         _set("/strata/0/line", stories.flip(other["strata"][0]["line"], 12))),
        ("the stratum at another place", "selection", "path-does-not-fit", "an object that was not drawn",
         _set("/strata/0/index", 3)),
        ("drawn twice", "assignment", "drawn-twice", "an object that was drawn, the owner's copy",
         _set("/teams", owner["teams"] * 2)),
        ("a team that the inspector is not in", "assignment", "row-of-another", "an inspector",
         _set("/teams/0", _not_his(plain, busy))),
        ("no draw", "format", "no-draw", "an inspector", _set("/draw", None)),
        ("another registry", "not-a-bundle", "", "an inspector", _set("/registry", "experts")),
    )  # fmt: skip
    for name, expect, reason, like, patch in swaps:
        book.fail(name, expect, reason, like=like, patch=patch)
    later = plain.story.now + 60
    book.fail("a second draw in the log", "no-other-draw", "another-draw", like="with the log", as_of=later,
              log=stories.drawn_twice(plain))  # fmt: skip
    book.fail("a void in the log", "later-acts", "voided", like="with the log", as_of=later, log=stories.voided(plain))
    if inspector["strata"]:
        raise ValueError("an inspector's slip has no stratum")
    return book.accept, book.refuse


def _not_his(told_story: Any, busy: str) -> Any:
    for line in stories.lines_of(told_story):
        if "ticket" in line and busy not in {no for _, no in line["team"]}:
            return stories.slip(told_story, "objects", line["no"])["teams"][0]
    raise ValueError(f"{busy} is in every team; {SLOT}")
