"""The small draws of record.json, bundle.json and slip.json, honest and bent.

Twelve objects, five inspectors, a practice beacon and two witnesses, all with keys of labels: every byte can be made
again. What must fail, and why, is stated here by hand; `book` refuses to write a case that ends otherwise.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from fairdraw import encoding
from fairdraw.record import Record
from fairdraw.registry import Registry, Row
from fairdraw.schema import (
    Announcement,
    Commitment,
    Committed,
    Contributor,
    Deposit,
    Draw,
    Opening,
    Reveal,
    RevealsClosed,
    SubstitutionCall,
    Until,
    Void,
)  # fmt: skip
from fairdraw.seed import commitment, embargo_commitment
from fairdraw.slip import make_slip
from fairdraw.snapshot import open_row
from fairdraw.statement import Entry, read_entry, sign
from support.story import EMPTY, SLOT, Story, Told, recusal, secret, signer, sizes, team, trust_text
from transparency_log import merkle
from transparency_log.proof import TlogProof

EMBARGO = secret("embargo")
CONTRIBUTORS = ("s0.example.cn/rehearsal", "s1.example.cn/rehearsal")
SEALED = "2026-09-30"


def institutions() -> Registry:
    """Return eight hospitals and four pharmacies."""
    rows = tuple(
        Row(
            f"H-{i:06d}",
            {"region": ("370102", "370103")[i % 2], "type": "hospital" if i <= 8 else "pharmacy"},
            (f"第{i}机构", f"9137{i:014d}"),
        )
        for i in range(1, 13)
    )
    return Registry((("region", "string"), ("type", "string")), (("name", True), ("uscc", False)), rows)


def staff() -> Registry:
    """Return five inspectors."""
    rows = tuple(
        Row(f"I-{i:02d}", {"department": ("ybj", "wjw")[i % 2], "qualified": True}, (f"检查员{i}",))
        for i in range(1, 6)
    )
    return Registry((("department", "string"), ("qualified", "boolean")), (("name", True),), rows)


def specialists() -> Registry:
    """Return seven inspectors, of whom three know accounting, and two experts."""
    rows = tuple(
        Row(
            f"I-{i:02d}",
            {"expert": i > 7, "qualified": True, "skills": ("accounting",) if i % 3 == 1 else ()},
            (f"检查员{i}",),
        )
        for i in range(1, 10)
    )
    return Registry((("expert", "boolean"), ("qualified", "boolean"), ("skills", "strings")), (("name", True),), rows)


def begin(
    story: Story | None = None,
    *,
    plan: dict[str, Any] | None = None,
    things: Callable[[], Registry] = institutions,
    people: Callable[[], Registry] = staff,
    before: Callable[[Story], dict[str, Any]] | None = None,
    **announcement: Any,
) -> Told:
    """Tell a small draw up to its announcement, not yet cosigned; `before` acts just ahead of that."""
    story = story or Story()
    planned = story.plan(**({"slots": (SLOT,), "ratio": "1/4"} | (plan or {})))
    story.now += 60
    story.checkpoint()
    story.now += 60
    objects, inspectors = story.snapshot("institutions", things()), story.snapshot("staff", people())
    story.now += 60
    if before is not None:
        announcement |= before(story)
    fields = {"recusals": encoding.lines([recusal("H-000001", "I-01")])} | announcement
    said = story.add(story.announcement(planned, objects[0], inspectors[0], **fields))
    story.now += 60
    return Told(story, planned, objects, inspectors, said)


def cosigned(told: Told, **changes: Any) -> Told:
    """Let the witnesses cosign."""
    told.story.checkpoint(**changes)
    return told


@cache
def plain() -> Told:
    """Return a draw without anything special."""
    return cosigned(begin()).go_on()


@cache
def capped() -> Told:
    """Return a draw of six objects whose matching has a cap of two, so that attempts fail."""
    return cosigned(begin(plan={"team": team(cap=3), "ratio": "5/12"})).go_on()


@cache
def staffed(*, chain: bool = False) -> Told:
    """Return a draw with an accountant in each team, an expert beside it and a pool; `chain`: and a switch chain."""
    return restaffed(None, chain=chain)


def restaffed(bend: Callable[[Record], Record] | None, *, chain: bool = False) -> Told:
    """Return the draw of `staffed`, its record bent."""
    tight = {"cap": 2, "limit": 1, "beyond": "switch-chain", "steps": 12} if chain else {}
    rules = team(
        specialities=({"field": "skills", "value": "accounting", "number": 1},),
        experts={"number": 1, "expert": "expert", "eligible": ()},
        pool=5,
        **tight,
    )
    return cosigned(begin(plan={"team": rules, "ratio": "1/3"}, people=specialists)).go_on(bend=bend)


def committed(*, late: bool = False) -> Told:
    """Return a draw with two contributors, of whom the second does not reveal."""
    story = Story()
    commitments = []
    for name in CONTRIBUTORS:
        value = commitment(SLOT, name, secret(f"seed of {name}"))
        commitments.append(story.add(story.head(name).make(Commitment, slot=SLOT, commitment=value)))
    contributors = tuple(
        Contributor(name=name, commitment=entry.ref, required=False)
        for name, entry in zip(CONTRIBUTORS, commitments, strict=True)
    )
    told = begin(story, seed=Committed(kind="committed", contributors=contributors, minimum=1))
    first = CONTRIBUTORS[0]
    revealed = secret(f"seed of {first}").hex()
    reveal = story.add(story.head(first).make(Reveal, commitment=commitments[0].ref, seed=revealed))
    if late:
        cosigned(told)
        story.now = due(told) + 1
    closed = story.head().make(RevealsClosed, announcement=told.announcement.ref, reveals=(reveal.ref, None))
    story.add(closed)
    story.now += 1
    told.seeds = ((first, revealed), (CONTRIBUTORS[1], "-"))
    return cosigned(told).go_on()


def sealed(
    *,
    deposits: int = 2,
    bend: Callable[[Record], Record] | None = None,
    opened: bool = False,
    early: bool = False,
    key: str | None = None,
) -> Told:
    """Return a draw whose result is sealed until a day; opened on it or, early, on the day before."""
    said = Until(kind="until", date=SEALED, embargo=embargo_commitment(SLOT, EMBARGO))
    told = begin(disclosure=said)
    for name in list(told.story.people)[:deposits]:
        told.story.add(told.story.head(name).make(Deposit, slot=SLOT, embargo=said.embargo))
    told.embargo = EMBARGO
    cosigned(told).go_on(bend=bend)
    if opened:
        story = told.story
        story.now = encoding.end_of_day(SEALED) - (25 * 3600 if early else 3600)
        draw, record = told.draw, told.record
        if draw is None or record is None:
            raise TypeError(told)
        results = {"digest": encoding.digest(record.artifact), "length": len(record.artifact)}
        key = key or told.key().hex()
        story.add(story.head().make(Opening, of=draw.ref, artifact=results, key=key, embargo=EMBARGO.hex()))
        cosigned(told)
    return told


def due(told: Told) -> int:
    """Return the time of the announced round."""
    return max(told.story.chain.time_of(source.round) for source in told.announcement.of(Announcement).beacon)


def bent(change: Callable[[Record], Record], told: Told | None = None) -> Told:
    """Return a draw whose record the bureau bent before it logged it."""
    return cosigned(told or begin()).go_on(bend=change)


def statement(**changes: Any) -> Callable[[Record], Record]:
    """Return what changes fields of a record's statement."""
    return lambda record: replace(record, statement=record.statement.model_copy(update=changes))


def other_pulse(told: Told) -> tuple[Any, ...]:
    """Return the announced pulse with the signature of round 7."""
    (pulse,) = told.story.pulses(told.announcement.of(Announcement))
    other = told.announcement.of(Announcement).model_copy(
        update={"beacon": (told.announcement.of(Announcement).beacon[0].model_copy(update={"round": 7}),)}
    )
    return (pulse.model_copy(update={"signature": told.story.pulses(other)[0].signature}),)


def announced_twice() -> Told:
    """Return a draw under the second announcement of its slot."""
    told = cosigned(begin())
    story = told.story
    story.now += 60
    again = story.announcement(told.plan, told.objects[0], told.inspectors[0], recusals=EMPTY)
    told.announcement = story.add(again)
    story.now += 60
    return cosigned(told).go_on()


def beside_the_log() -> Told:
    """Return a draw that follows the announcement with the bureau's old key, beside the log's change of key."""
    told = cosigned(begin())
    story, head = told.story, told.announcement
    story.change_key()
    story.bureau, story.heads[story.bureau.name] = (
        story.first[story.bureau.name],
        (head.statement.seq + 1, head.text_hash),
    )
    story.now += 60
    return told.go_on()


def far() -> Told:
    """Return an announcement whose round is due in a year of more than four digits."""
    told = cosigned(begin())
    source = told.announcement.of(Announcement).beacon[0]
    return told.retold(beacon=(source.model_copy(update={"round": 2**53 - 1}),))


def stale() -> Told:
    """Return a draw that cites a snapshot of which there is a newer one."""
    story = Story()
    planned = story.plan(slots=(SLOT,), ratio="1/4")
    story.checkpoint()
    objects, inspectors = story.snapshot("institutions", institutions()), story.snapshot("staff", staff())
    story.snapshot("institutions", institutions(), label="2")
    said = story.add(story.announcement(planned, objects[0], inspectors[0]))
    story.now += 60
    return cosigned(Told(story, planned, objects, inspectors, said)).go_on()


def by_a_stranger() -> Any:
    """Return the bundle of a draw that names an announcement which somebody else signed."""
    told = begin()
    stranger = signer("stranger.example.cn/rehearsal")
    said = told.announcement.of(Announcement).model_copy(update={"by": stranger.name, "seq": 0, "prev": None})
    entry = told.story.add_bytes(sign(said, [stranger]))
    value = bundle(cosigned(told).go_on())
    final = b64decode(value["checkpoint"])
    tree = merkle.Tree(map(merkle.leaf_hash, told.story.entries))
    proof = TlogProof(index=entry.index, hashes=tuple(tree.inclusion_proof(entry.index)), checkpoint=final).format()
    value["entries"].append({"note": b64encode(entry.data).decode(), "proof": b64encode(proof).decode()})
    value["announcement"] = entry.text_hash
    return value


def drawn_twice(told: Told) -> dict[str, Any]:
    """Return the log of a story after a second draw of its announcement."""
    story, draw = _copy(told.story), told.draw
    if draw is None:
        raise TypeError(told)
    story.add(story.head().make(Draw, **_fields(draw)))
    story.checkpoint()
    return log(story)


def voided(told: Told) -> dict[str, Any]:
    """Return the log of a story after a void of its announcement."""
    story = _copy(told.story)
    story.add(story.head().make(Void, announcement=told.announcement.ref, reason="other", pulses=()))
    story.checkpoint()
    return log(story)


def substituted(told: Told, *, alone: bool = False) -> dict[str, Any]:
    """Return the log of a story after the call of a substitution, whose vacancy nobody shows; `alone`: unsupervised."""
    story, draw = _copy(told.story), told.draw
    if draw is None:
        raise TypeError(told)
    vacancy = {"digest": "00" * 32, "length": 40}
    call = {"draw": draw.ref, "vacancy": vacancy, "declaration": "00" * 32, "reason": "illness",
            "beacon": told.announcement.of(Announcement).beacon, "margin": 300, "embargo": None}  # fmt: skip
    story.add(story.head().make(SubstitutionCall, with_=() if alone else CONTRIBUTORS[:1], **call))
    story.checkpoint()
    return log(story)


def _fields(entry: Entry) -> dict[str, Any]:
    value = entry.of(Draw)
    return {
        name: getattr(value, name) for name in ("announcement", "pulses", "key", "results", "counts", "blocks", "pool")
    }


def _copy(story: Story) -> Story:
    told = Story()
    told.entries, told.checkpoints = list(story.entries), list(story.checkpoints)
    told.heads, told.now = dict(story.heads), story.now + 60
    return told


def log(story: Story) -> dict[str, Any]:
    """Return a log as vectors carry it: its entries and signed checkpoints in base64."""
    return {
        "entries": [b64encode(data).decode() for data in story.entries],
        "checkpoints": [b64encode(data).decode() for data in story.checkpoints],
    }


def bundle(told: Told, **changes: Any) -> Any:
    """Return a story's bundle as a value."""
    return encoding.parse(told.bundle(**changes).format()[:-1])


def slip(told: Told, role: Any, no: str, *, own: bool = False) -> Any:
    """Return the slip of a row as a value."""
    entry, snapshot = told.objects if role == "objects" else told.inspectors
    row = next(row for row in snapshot.rows if row.no == no)
    label = f"secret of {'institutions' if role == 'objects' else 'staff'} 1"
    openings = open_row(secret(label), entry.statement, row, [name for name, _ in snapshot.private], own=True)
    if told.draw is None or told.record is None:
        raise TypeError(told)
    made = make_slip(
        told.story.entries, sizes(told.story), announcement=told.announcement, draw=told.draw,
        plan=told.plan.statement, snapshot=entry, roster=snapshot.roster, results=encoding.lines(told.record.lines),
        exclusions=told.exclusions, role=role, no=no, own=openings if own else (), artifacts=told.story.artifacts,
    )  # fmt: skip
    return encoding.parse(made.format()[:-1])


def lines_of(told: Told) -> list[dict[str, Any]]:
    """Return the result list of a story as values."""
    if told.record is None:
        raise TypeError(told)
    return [encoding.parse(line) for line in told.record.lines]


def flip(text: str, at: int = -1) -> str:
    """Return base64 of the same bytes but for one bit."""
    data = bytearray(b64decode(text))
    data[at] ^= 1
    return b64encode(bytes(data)).decode()


def make(told: Told, **changes: Any) -> dict[str, Any]:
    """Return the fields that every case of bundles and slips has."""
    return {"trust": trust_text(told.story), "as_of": told.story.now, "bundle_only": False,
            "log": log(told.story), **changes}  # fmt: skip


def entry_at(value: Any, kind: str) -> int:
    """Return the place of the first entry of a type in a bundle."""
    for place, carried in enumerate(value["entries"]):
        if read_entry(b64decode(carried["note"]), 0).statement.type == kind:
            return place
    raise KeyError(kind)


def continued(told: Told) -> Told:
    """Return a story whose log goes on apart, a minute later, so that what follows is in no other case."""
    story, old = _copy(told.story), told.story
    story.artifacts, story.first, story.people = dict(old.artifacts), dict(old.first), dict(old.people)
    story.bureau, story.roles, story.chains = old.bureau, dict(old.roles), dict(old.chains)
    return replace(told, story=story)


def grown(told: Told) -> dict[str, Any]:
    """Return log and as-of time of a story that went on."""
    return {"log": log(told.story), "as_of": told.story.now}
