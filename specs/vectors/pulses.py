"""Cases of bundle.json about where randomness comes from: drand, NIST-format pulses, events (verification.md §5)."""

import json
from base64 import b64decode
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import stories
from book import FILE_ONLY, Book, alone, place_of, removed, replaced
from stories import begin, cosigned

from fairdraw.beacon import CHAINS, practice_chain
from fairdraw.encoding import canonical, parse, parse_time, to_base64
from fairdraw.events import Definition
from fairdraw.nist import nist_chain
from fairdraw.schema import Announcement, Withdrawal
from fairdraw.values import PulseValue, Source
from support.sources import Sourced, closed, definition, drand, event, listed, strong
from support.story import Story, Told, secret, trust_text

RECORDED = json.loads((Path(__file__).resolve().parent / "recorded" / "nist.json").read_text("utf-8"))
NIST = "nist-2026-07-10T11:02"
MORNING = "2026-07-10T10:00:00Z"
DEFAULT = CHAINS["default"]

# -- drand ----------------------------------------------------------------------------------------------------------

OUTSIDE_SUBGROUP = "80" + "00" * 46 + "04"
IDENTITY = "c0" + "00" * 47


def on_default() -> Told:
    """Return an announcement of a round of drand's chained chain."""
    told = cosigned(begin())
    number = DEFAULT.round_at_or_after(told.story.now + 3600)
    told.story.trust_lines = (
        f"beacon {DEFAULT.id} {DEFAULT.hash} {DEFAULT.key} {DEFAULT.scheme} {DEFAULT.period} {DEFAULT.genesis}\n"
    )
    return told.retold(beacon=(Source(beacon="default", hash=DEFAULT.hash, round=number),))


def of_drand(book: Book) -> None:
    """Add pulses of drand that are none, or of another round."""
    told = cosigned(begin())
    name = "announced, and somebody knows the pulse"
    case = {"file": stories.bundle(told), "trust": trust_text(told.story), "as_of": told.story.now}
    book.hold(name, "unknown", like=FILE_ONLY, **case)
    (pulse,) = told.story.pulses(told.announcement.of(Announcement))
    (other,) = stories.other_pulse(told)
    signature = "/pulses/0/signature"
    for what, reason, patch in (
        ("of the round after", "another-round", replaced("/pulses/0/round", pulse.round + 1)),
        ("of another beacon", "another-round", replaced("/pulses/0/beacon", "practice-2")),
        ("with the signature of another round", "signature-invalid", replaced(signature, other.signature)),
        ("a byte short", "signature-length", replaced(signature, pulse.signature[:-2])),
        ("outside the subgroup", "not-a-point", replaced(signature, OUTSIDE_SUBGROUP)),
        ("of no point", "not-a-point", replaced(signature, "80" + "00" * 47)),
        ("of no point, which some read as the identity", "not-canonical", replaced(signature, "ff" * 48)),
        ("of the identity, spelled otherwise", "not-canonical", replaced(signature, "e0" + "00" * 47)),
        ("of the identity", "identity-point", replaced(signature, IDENTITY)),
        ("with a previous one", "previous-unexpected", replaced("/pulses/0/previous", "00" * 96)),
    ):
        book.fail(f"a pulse {what}", "pulse", reason, like=name, patch=patch)
    book.fail("another pulse beside the logged one", "pulse", "another-pulse", like=FILE_ONLY,
              patch=replaced(signature, other.signature))  # fmt: skip
    chained = on_default()
    number = chained.announcement.of(Announcement).beacon[0].round
    for what, reason, previous in (("without its previous", "previous-missing", None),
                                   ("with a short previous", "previous-length", "00" * 32)):  # fmt: skip
        value = PulseValue(beacon="default", round=number, signature="80" + "00" * 95, previous=previous)
        file = stories.bundle(chained, pulses=(value,))
        book.fail_story(f"a pulse of a chained chain {what}", "pulse", reason, chained, file=file)


# -- NIST-format pulses and events ----------------------------------------------------------------------------------


@dataclass
class Recorded(Sourced):
    """A story on the morning of a recorded NIST pulse; its practice chain began the day before."""

    def __post_init__(self) -> None:
        Story.__post_init__(self)
        self.now = parse_time(MORNING)
        self.chains = {"practice": practice_chain(secret("beacon practice"), id="practice", genesis=self.now - 86400)}
        told = RECORDED["pulses"][NIST]
        certificate = b64decode(RECORDED["certificates"][told["certificate"]])
        self.chains["nist"] = nist_chain(certificate, id="nist", chain_index=told["document"]["chain_index"])
        self.keep(certificate)


class Lottery(Sourced):
    """A story that knows no NIST-format beacon."""

    def __post_init__(self) -> None:
        Story.__post_init__(self)


def recorded(**change: Any) -> Told:
    """Return an announcement of a recorded NIST-format pulse, which may be bent, and a later round of drand."""
    story = Recorded()
    story.shown["nist"] = canonical(RECORDED["pulses"][NIST]["document"] | change) + b"\n"
    minute = (parse_time(MORNING) + 62 * 60) // 60
    sources = [(story.chains["nist"], minute), drand(story, 3 * 3600)]
    return cosigned(begin(story, sources=sources, window="2026-07-31"))


def announced(of: Definition, *, last: int | None = 5 * 3600) -> Told:
    """Return an announcement whose sources are events and, unless told otherwise, a later round of drand."""

    def before(story: Story) -> dict[str, Any]:
        story.keep(of.format())
        later = [] if last is None else [drand(story, last)]
        return {"sources": [(of, of.round), *later]}

    return cosigned(begin(Lottery(), before=before))


def forged(of: Definition, *sources: Any) -> Told:
    """Return an announcement of sources that the library would not have made, and the values closed in time."""
    told = announced(of)
    beacon = tuple(Source(beacon=one.id, hash=one.hash, round=number) for one, number in sources)
    return closed(told.retold(beacon=beacon), of)


def of_others(book: Book) -> None:
    """Add draws with further sources, honest and bent."""
    book.hold_story("a NIST-format pulse and a later round of drand", "holds", recorded().go_on())
    lottery = definition()
    honest = closed(announced(lottery), lottery).go_on()
    book.hold("events and a later round of drand", "holds", file=stories.bundle(honest), **stories.make(honest))
    book.hold_story("events alone", "holds", closed(announced(strong(), last=None), strong()).go_on())
    missing = listed(lottery, without=["ssq-red"])
    told = announced(lottery)
    book.hold_story("an event that was not published in time", "holds", closed(told, lottery, values=missing).go_on())
    quorum = next(line for line in trust_text(honest.story).splitlines() if line.startswith("quorum "))
    book.hold("events, without a quorum", "unknown", like="events and a later round of drand",
              trust=trust_text(honest.story).replace(f"{quorum}\n", ""))  # fmt: skip
    _of_recorded(book)
    enough = strong()
    digits = definition(event("fc3d", kind="sequence", count=3, first=0, last=9, bits=9))
    told = announced(lottery)
    cases: tuple[tuple[str, str, Told], ...] = (
        ("three digits of a lottery alone", "weak-sources", forged(digits, (digits, digits.round))),
        ("a round of drand before the lottery closes", "sources-order",
         forged(lottery, (lottery, lottery.round), drand(told.story, 2 * 3600))),
        ("events in another minute than they say", "wrong-round",
         forged(lottery, (lottery, lottery.round + 30), drand(told.story, 5 * 3600))),
        ("values closed after the round", "events-late",
         closed(announced(lottery), lottery, at="2026-09-07T16:00:00Z")),
        ("an event given up before its deadline", "events-early",
         closed(announced(lottery), lottery, at="2026-09-07T12:30:00Z", values=missing)),
        ("an event missing, and no later round", "events-missing",
         closed(announced(enough, last=None), enough, values=listed(enough, without=["digits-b"]))),
        ("values that one supervisor has seen", "events-unseen",
         closed(announced(lottery), lottery, by=[stories.CONTRIBUTORS[0]])),
        ("another list than the one that was closed", "events-not-closed", _closed_twice(lottery)),
    )  # fmt: skip
    for name, reason, story in cases:
        book.fail_story(name, "pulse", reason, story, known=True, like="events and a later round of drand",
                        log=None, bundle_only=True)  # fmt: skip
    values = honest.story.pulses(honest.announcement.of(Announcement))[0].signature
    for what, digest in (("the definition", lottery.hash), ("the values", values)):
        path, like = f"/artifacts/{place_of(stories.bundle(honest), digest)}", "events and a later round of drand"
        book.fail(f"events without {what}", "pulse", "artifact-missing", like=like, patch=removed(path))
        other = replaced(f"{path}/data", to_base64(b"{}\n"))
        book.fail(f"events with something else in the place of {what}", "pulse", "wrong-digest", like=like, patch=other)
    gone = replace(honest, story=stories.continued(honest).story)
    gone.story.add(gone.story.head().make(Withdrawal, digest=values, reason="erasure"))
    gone.later()
    file = gone.bundle(pulses=(), artifacts={k: v for k, v in gone.story.artifacts.items() if k != values})
    book.hold("events whose values were withdrawn", "unknown", like="events and a later round of drand",
              file=parse(file.format()[:-1]), log=None, bundle_only=True, as_of=gone.story.now)  # fmt: skip


def _closed_twice(of: Definition) -> Told:
    """Return a story in which the bureau closed two lists and shows the second."""
    told = closed(announced(of), of)
    other = listed(of, seen="cd" * 32)
    story = told.story
    if not isinstance(story, Sourced):
        raise TypeError(story)
    story.close(told.announcement, other)
    story.shown["events"] = other.format()
    return told.later()


def _of_recorded(book: Book) -> None:
    """Add what fails of the recorded NIST-format pulse."""
    name = "a NIST-format pulse, announced"
    book.hold(name, "unknown", **alone(recorded(), known=True))
    document = RECORDED["pulses"][NIST]["document"]
    for what, reason, change in (
        ("signed another time", "signature-invalid", {"local_random_value": "11" * 64}),
        ("of another chain", "wrong-chain", {"chain_index": document["chain_index"] + 1}),
        ("of the minute after", "wrong-round", {"time_stamp": "2026-07-10T11:03:00.000Z"}),
        ("with another output", "wrong-output", {"output_value": "22" * 64}),
        ("that says it is broken", "pulse-status", {"status_code": 2}),
    ):
        book.fail_story(f"a NIST-format pulse {what}", "pulse", reason, recorded(**change), known=True, like=name)
