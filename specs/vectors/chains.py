"""Cases of bundle.json about who signed what, in which log and order, and whose a slot is (verification.md §3, §4)."""

from dataclasses import dataclass, replace
from typing import Any

import stories
from book import FILE_ONLY, Book, alone, place_of, removed
from stories import begin, cosigned

from fairdraw.announcement import Inputs
from fairdraw.beacon import CHAINS
from fairdraw.errors import AssignmentError
from fairdraw.registry import Registry, Row
from fairdraw.schema import Announcement, Draw, Former, Withdrawal
from fairdraw.snapshot import Snapshot, freeze
from fairdraw.statement import Entry, sign
from fairdraw.values import Source
from support.story import BUREAU, SLOT, Story, Told, past_the_round, secret, signer, team, trust_text
from transparency_log.note import Note, Signer

S0, S1, S2 = (f"s{i}.example.cn/rehearsal" for i in range(3))
HEALTH = "wjw.example.cn/rehearsal"
FORMER = "log.example.cn/before/rehearsal"
BEACON = "beacon practice "


# -- honest draws ---------------------------------------------------------------------------------------------------


def health() -> Registry:
    """Return three inspectors of another department."""
    rows = tuple(Row(f"W-{i:02d}", {"department": "wjw", "qualified": True}, (f"卫健{i}",)) for i in range(1, 4))
    return Registry((("department", "string"), ("qualified", "boolean")), (("name", True),), rows)


def joint(*, role: str = "department") -> "Joint":
    """Return a joint draw of two departments, up to its cosigned announcement."""
    story = Story(supervisors=2)
    lead = next(iter(story.people))
    story.people[HEALTH] = Signer.from_seed(HEALTH, secret(f"key of {HEALTH}"))
    del story.people[lead]
    story.roles[HEALTH] = role
    rules = team(department="department", quota=(("wjw", 1), ("ybj", 1)))
    theirs: list[Any] = []

    def freeze_theirs(told: Story) -> dict[str, Any]:
        theirs.append(told.snapshot("wjw-staff", health(), by=HEALTH))
        return {"joint": [theirs[0][0]]}

    plan = {"joint": ({"name": HEALTH, "inspectors": "wjw-staff"},), "team": rules}
    told = begin(story, plan=plan, before=freeze_theirs)
    return Joint(**vars(cosigned(told)), theirs=theirs[0])


@dataclass
class Joint(Told):
    """A draw whose inspectors stand in two rosters."""

    theirs: tuple[Entry, Snapshot] | None = None

    def inputs(self) -> Inputs:
        """Return what the draw is made of, the department's inspectors included."""
        return replace(super().inputs(), joint=() if self.theirs is None else (self.theirs[1].roster,))


def new_key() -> Told:
    """Return a draw whose bureau, and a supervisor who co-signs nothing, change their keys on the way."""
    told = cosigned(begin())
    told.story.change_key()
    told.story.change_key(S1)
    return cosigned(told).go_on()


def voided(reason: str, *, late: bool, **changes: Any) -> Told:
    """Return a draw under the replacement of an announcement that was voided, before or after its round."""
    told = cosigned(begin())
    if late:
        past_the_round(told)
    void = told.void(reason)
    told.later()
    history = told.announcement.of(Announcement).history_size
    same = told.story.artifacts[told.announcement.of(Announcement).recusals.digest]
    told.story.now += 60
    second = told.announce_again(**({"replaces": void.ref, "history_size": history, "recusals": same} | changes))
    return second.later().go_on()


def retired(**changes: Any) -> Told:
    """Return a draw on another chain, in the place of one whose chain was retired."""
    story = Story()
    chain = story.chains["practice-2"]
    number = chain.round_at_or_after(story.now + 3 * 3600)
    told = voided("chain-retired", late=True, sources=[(chain, number)], **changes)
    told.story.trust_lines = "retired practice 2026-09-01T00:00:00Z\n"
    return told


def unseen() -> Told:
    """Return a draw in the place of an announcement that no witness had cosigned before its round."""
    told = begin()
    past_the_round(told)
    void = told.void("quorum-not-shown")
    told.later()
    said = told.announcement.of(Announcement)
    same = told.story.artifacts[said.recusals.digest]
    told.story.now += 60
    return told.announce_again(replaces=void.ref, history_size=said.history_size, recusals=same).later().go_on()


def exhausted() -> Told:
    """Return a draw in the place of one whose single attempt failed."""
    rules = {"team": team(cap=1, limit=1, beyond="void"), "ratio": "1/8"}
    for margin in range(300, 400):
        told = cosigned(begin(plan=rules, margin=margin, recusals=b""))
        if _ends(told):
            past_the_round(told)
            said = told.announcement.of(Announcement)
            void = told.void("attempts-exhausted", told.story.pulses(said))
            told.later()
            told.story.now += 60
            second = told.announce_again(replaces=void.ref, history_size=said.history_size, margin=margin).later()
            if not _ends(second):
                return second.go_on()
    raise AssertionError("no story in which the first attempt fails and the second does not")


def _ends(told: Told) -> bool:
    try:
        told.outcome()
    except AssignmentError:
        return True
    return False


def moved() -> Told:
    """Return a draw of a bureau that came from another log and says so."""
    story = Story()
    story.change_key(former=Former(log=FORMER, index=7, text="11" * 32))
    return cosigned(begin(story)).go_on()


def with_former_log(story: Story) -> str:
    """Return the trust file of a reader who knows that the bureau was under another log until a week before."""
    line = f"bureau {BUREAU} {story.first.get(BUREAU, story.bureau).verifier.vkey} {story.origin}\n"
    before = Signer.from_seed(BUREAU, secret("the bureau's key before")).verifier.vkey
    lines = f"log {signer(FORMER).verifier.vkey}\nbureau {BUREAU} {before} {FORMER} - 2026-09-01T00:00:00Z\n"
    return trust_text(story).replace(line, f"{lines}{line.rstrip()} 2026-09-01T00:00:01Z\n")


def unpublished() -> Told:
    """Return a draw whose inspectors' roster is not published, and not carried."""
    story = Story()
    publish = story.snapshot
    story.snapshot = lambda name, registry, label="1", **more: publish(
        name, registry, label, **({"published": name != "staff"} | more)
    )
    return cosigned(begin(story)).go_on()


def oversized() -> Told:
    """Return a draw whose inspectors' roster is said to be larger than a bundle, and not carried."""
    story = Story()
    publish = story.snapshot

    def snapshot(name: str, registry: Registry, label: str = "1", **more: Any) -> tuple[Entry, Snapshot]:
        if name == "staff":
            roster = freeze(registry, secret(f"secret of {name} {label}")).roster.listing()
            more["roster"] = roster.model_copy(update={"length": 1 << 30})
        return publish(name, registry, label, **more)

    story.snapshot = snapshot
    return cosigned(begin(story)).go_on()


def withdrawn() -> Told:
    """Return a draw whose inspectors' roster was withdrawn."""
    told = cosigned(begin()).go_on()
    digest = told.inspectors[1].roster.listing().digest
    told.story.add(told.story.head().make(Withdrawal, digest=digest, reason="erasure"))
    return told.later()


def honest(book: Book) -> None:
    """Add draws of every shape that keep the rules."""
    book.hold("a joint draw", "holds", **alone(joint().go_on(), known=False))
    for name, story in (("keys changed on the way", new_key()),
                        ("a replaced announcement, whose attempts ran out", exhausted())):  # fmt: skip
        book.hold(name, "holds", file=stories.bundle(story), **stories.make(story))
    for name, story in (("a replaced announcement, voided before the round", voided("typing-error", late=False)),
                        ("a replaced announcement, for a retired chain", retired()),
                        ("a replaced announcement, which no witness had seen", unseen())):  # fmt: skip
        book.hold(name, "holds", **alone(story, known=False))
    came = moved()
    book.hold("a bureau that came from another log", "unknown", file=stories.bundle(came),
              **stories.make(came, trust=with_former_log(came.story)))  # fmt: skip
    for name, story in (("a roster that is not published", unpublished()), ("a withdrawn roster", withdrawn()),
                        ("a roster that is too large for a bundle", oversized())):  # fmt: skip
        digest = story.inspectors[1].roster.listing().digest
        del story.story.artifacts[digest]
        book.hold_story(name, "unknown", story)


# -- who signed what ------------------------------------------------------------------------------------------------


def forged() -> Told:
    """Return an announcement whose signature was flipped in one bit, logged all the same."""
    told = cosigned(begin())
    told.undo()
    said, story = told.announcement.of(Announcement), told.story
    note = Note.parse(sign(said, [story.bureau]))
    (line,) = note.signatures
    bent = replace(line, data=line.data[:-1] + bytes([line.data[-1] ^ 1]))
    entry = story.add_bytes(Note(note.text, (bent,)).format(), advance=BUREAU)
    return cosigned(replace(told, announcement=entry))


def two_versions() -> Told:
    """Return an announcement under the version of the plan before the newest."""
    story = Story()
    first = story.plan(slots=(SLOT,), ratio="1/4")
    told = begin(story, plan={"ratio": "1/3"})
    return cosigned(told).retold(plan=first.ref)


def of_a_supervisor() -> Told:
    """Return an announcement that names a snapshot which a supervisor signed."""

    def freeze(story: Story) -> dict[str, Any]:
        told.append(story.snapshot("institutions", stories.institutions(), by=S0)[0])
        return {}

    told: list[Any] = []
    story = cosigned(begin(before=freeze))
    return story.retold(objects=told[0].ref)


def signed_wrongly(book: Book) -> None:
    """Add what fails of signatures, chain, plan and snapshots."""
    late = begin()
    cosigned(late, time=late.story.now - 90)
    ahead = cosigned(begin())
    cases = (
        ("a statement for another log", "bureau-chain", "another-log", cosigned(begin(before=_elsewhere))),
        ("a signature with a flipped bit", "bureau-chain", "bad-signature", forged()),
        ("a statement dated ahead of its cosignatures", "bureau-chain", "time-after-cosignature", late),
        ("a statement dated before the one before", "bureau-chain", "time-goes-back",
         cosigned(begin()).retold(time="2026-09-07T10:00:00Z")),
        ("a statement that follows another than it says", "bureau-chain", "chain-broken",
         cosigned(begin()).retold(prev="00" * 32)),
        ("a plan that is a snapshot", "plan-before-snapshots", "wrong-type", ahead.retold(plan=ahead.objects[0].ref)),
        ("an old version of the plan", "plan-before-snapshots", "not-the-version-meant", two_versions()),
        ("a snapshot that a supervisor signed", "snapshots", "not-the-bureaus", of_a_supervisor()),
        ("inspectors drawn as objects", "snapshots", "wrong-registry", swapped()),
    )  # fmt: skip
    for name, expect, reason, story in cases:
        book.fail_story(name, expect, reason, story)
    for name, reason, told in (
        ("a department that did not sign", "joint-differs", joint().retold(with_=())),
        ("a department that only watches", "not-the-bureaus", joint(role="discipline")),
    ):
        book.fail_story(name, "snapshots", reason, told, like="a joint draw")
    joined = joint().go_on()
    trust = trust_text(joined.story)
    without = "".join(f"{line}\n" for line in trust.splitlines() if not line.startswith(f"supervisor {HEALTH} "))
    book.hold("a joint draw with somebody whom the reader does not know", "unknown", like="a joint draw", trust=without)


def _elsewhere(story: Story) -> dict[str, Any]:
    """Log a statement of the bureau's chain that was written for another log."""
    said = story.head().make(Withdrawal, digest="00" * 32, reason="erasure")
    story.add(said.model_copy(update={"log": "log2.example.cn/jinan/rehearsal"}))
    return {}


def swapped() -> Told:
    """Return an announcement that names the inspectors' snapshot as its objects."""
    told = cosigned(begin())
    return told.retold(objects=told.inspectors[0].ref)


# -- order and slots ------------------------------------------------------------------------------------------------


def drawn_again() -> Told:
    """Return the bundle of the second draw of an announcement."""
    told = cosigned(begin()).go_on()
    if told.draw is None:
        raise TypeError(told)
    drew = told.draw.of(Draw)
    again = told.story.head().make(Draw, **{name: getattr(drew, name) for name in (
        "announcement", "pulses", "key", "results", "counts", "blocks", "pool")})  # fmt: skip
    return replace(told, draw=told.story.add(again)).later()


def out_of_order(book: Book) -> None:
    """Add what fails of the order of log and beacon, and of whose a slot is."""
    told = cosigned(begin())
    fastnet = CHAINS["fastnet"]
    gone = Source(beacon="fastnet", hash=fastnet.hash, round=fastnet.round_at_or_after(told.story.now + 3600))
    trust = trust_text(told.story)
    told.story.trust_lines = f"beacon {fastnet.id} {fastnet.hash} {fastnet.key} {fastnet.scheme} 3 {fastnet.genesis}\n"
    start = trust.index(BEACON)
    book.fail("trust file: without the announced chain", "announcement-before-pulse", "unknown-chain", like=FILE_ONLY,
              trust=trust[:start] + trust[trust.index("\n", start) + 1 :])  # fmt: skip
    quorum = next(line for line in trust.splitlines() if line.startswith("quorum "))
    book.hold("trust file: without a quorum", "unknown", like=FILE_ONLY, trust=trust.replace(f"{quorum}\n", ""))
    undone = stories.statement(announcement=told.plan.ref)
    announced = stories.plain().announcement.ref
    moved_on = stories.statement(announcement=announced.model_copy(update={"index": announced.index + 1}))
    cases = (
        ("a round of a retired chain", "announcement-before-pulse", "retired-chain", told.retold(beacon=(gone,))),
        ("the second draw of an announcement", "first-of-slot", "not-the-first-draw", drawn_again()),
        ("a chain of a pinned name with another hash", "announcement-before-pulse", "unknown-chain",
         cosigned(begin()).retold(beacon=(gone.model_copy(update={"beacon": "practice"}),))),
        ("a draw of something else", "record-logged", "another-announcement", stories.bent(undone)),
        ("a draw that places its announcement elsewhere", "record-matches", "record-differs", stories.bent(moved_on)),
        ("a void after the round for a reason that nobody can check", "first-of-slot", "slot-not-free",
         voided("force-majeure", late=True)),
        ("a replacement that moves the last day", "first-of-slot", "slot-not-free", retired(window="2026-10-15")),
        ("a replacement that names no void", "first-of-slot", "slot-not-free",
         voided("typing-error", late=False, replaces=None)),
        ("a chain that the reader knows to be alive", "first-of-slot", "slot-not-free", _alive()),
    )  # fmt: skip
    likes = {"a replacement that moves the last day": "a replaced announcement, for a retired chain",
             "a chain that the reader knows to be alive": "a replaced announcement, for a retired chain",
             "a replacement that names no void": "a replaced announcement, voided before the round"}  # fmt: skip
    for name, expect, reason, story in cases:
        book.fail_story(name, expect, reason, story, like=likes.get(name, FILE_ONLY))
    story = exhausted()
    digest = story.objects[1].roster.listing().digest
    file = stories.bundle(story)
    place = place_of(file, digest)
    book.fail("a void for attempts that ran out, and no roster to try them with", "rosters", "artifact-missing",
              like="a replaced announcement, whose attempts ran out", patch=removed(f"/artifacts/{place}"))  # fmt: skip


def _alive() -> Told:
    told = retired()
    told.story.trust_lines = ""
    return told
