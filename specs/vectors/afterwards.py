"""Cases of bundle.json about what follows a draw: substitutions, results, and what is found (verification.md §4.4).

The file is that of a draw of another case, to which the artifacts of the later acts are added; the log has gone on.
"""

from typing import Any

import stories
from book import Book, carried
from ruled import small, under
from stories import CONTRIBUTORS

from fairdraw.acts import Vacancy, format_act, seal_act
from fairdraw.announcement import artifact_of
from fairdraw.schema import Opening, Result, Substitution, SubstitutionCall, Withdrawal
from fairdraw.seed import embargo_commitment
from fairdraw.statement import Entry
from fairdraw.substitution import call_key, pool, redraw
from support.acts import (
    S0,
    act,
    call,
    deferral,
    exception,
    follow,
    outcome,
    result,
    signed_off,
    somebody,
    standing,
    substituted,
    waited,
)
from support.story import SLOT, Told, secret


def after(told: Told, like: str, *, without: str = "") -> dict[str, Any]:
    """Return a case of a draw that goes on: its log, and the artifacts that came to it, but for one."""
    before = {one["digest"] for one in stories.bundle(told)["artifacts"]} & set(_origin(like).story.artifacts)
    new = [data for name, data in sorted(told.story.artifacts.items()) if name not in before | {without}]
    return {"like": like, "patch": [step for data in new for step in carried(data)],
            "bundle_only": False, **stories.grown(told)}  # fmt: skip


def _origin(like: str) -> Told:
    return stories.plain() if like == "plain" else stories.sealed(opened=True)


def gone_on(like: str = "plain") -> Told:
    """Return a draw whose log may go on."""
    return stories.continued(_origin(like))


# -- honest ---------------------------------------------------------------------------------------------------------


def in_secret(told: Told) -> tuple[Entry, bytes]:
    """Let an inspector of a sealed draw be replaced in secret; returns the call and its embargo key."""
    story, embargo = told.story, secret("embargo of the call")
    no, out = somebody(told)
    sealed = artifact_of(story.keep(seal_act(Vacancy(inspector=out, no=no), "5" * 64)))
    called = call(told, no, out, vacancy=sealed, embargo=embargo_commitment(SLOT, embargo))
    waited(told, called)
    key = call_key(called, pulses=story.randomness(called.of(SubstitutionCall)), embargo=embargo).key()
    made = redraw(key, told.inputs(), standing(told), Vacancy(inspector=out, no=no))
    named = artifact_of(story.keep(seal_act(made, "6" * 64)))
    pulses = story.pulses(called.of(SubstitutionCall))
    act(told, Substitution, call=called.ref, pulses=pulses, key=None, result=named)
    return called, embargo


def opened(told: Told, called: Entry, embargo: bytes) -> Told:
    """Let the bureau open a call of a sealed draw."""
    vacancy = called.of(SubstitutionCall).vacancy
    act(told, Opening, of=called.ref, artifact=vacancy, key=None, embargo=embargo.hex())
    return told


def honest(book: Book) -> None:
    """Add draws after which people dropped out, and one that was opened a day late."""
    told = gone_on()
    substituted(told)
    book.hold("a substitution", "holds", **after(told, "plain"))
    told = gone_on("opened")
    called, embargo = in_secret(told)
    book.hold("a substitution of a sealed draw, still sealed", "unknown", **after(told, "opened"))
    book.hold("a substitution of a sealed draw", "holds", **after(opened(told, called, embargo), "opened"))
    late = stories.sealed()
    late.open_up(at=late.story.now + 40 * 86400)
    book.hold_story("opened a week late", "holds", late.later(), "opened-late")


def found(book: Book) -> None:
    """Add what a reader should know of a draw that holds."""
    told = gone_on()
    no, _ = somebody(told)
    drawn = [one.no for one in told.outcome().selection.drawn]
    undrawn = next(row.no for row in told.objects[1].rows if row.no not in drawn)
    deferral(told, no)
    deferral(told, no)
    deferral(told, undrawn)
    exception(told, drawn[1], inspectors=("I-01", "I-02"))
    exception(told, drawn[2], inspectors=("I-01", "I-02"), draw=told.draw)
    result(told, outcome(told, no), outcome(told, drawn[1], items=("benefits",)))
    result(told, outcome(told, no))
    unseen = result(told, outcome(told, drawn[2]))
    roster = told.inspectors[1].roster.listing().digest
    told.story.add(told.story.head(CONTRIBUTORS[1]).make(Withdrawal, digest=roster, reason="erasure"))
    for role in ("discipline", "legal"):
        told.story.heads[S0] = (0, None)
        if told.draw is not None:
            signed_off(told, told.draw, role)
    book.hold("later acts of which a reader should know", "holds", "deferred-twice", "act-of-undrawn",
              "exception-of-drawn-object", "special-team", "outcome-twice", "outcome-of-other-items",
              "outcomes-not-shown", "two-texts-one-seq", "wrong-role",
              **after(told, "plain", without=unseen.of(Result).outcomes.digest))  # fmt: skip
    called = gone_on()
    _call_again_and_again(called)
    book.hold("calls of which a reader should know", "holds", "re-rolled", "still-inspects", "overdue-substitution",
              **after(called, "plain"))  # fmt: skip
    ruled = under(small()).go_on()
    deferral(ruled, somebody(ruled)[0])
    book.hold_story("a deferral for a reason that the regulation has not", "holds", ruled, "act-against-regulation",
                    log=stories.log(ruled.story), bundle_only=False)  # fmt: skip


def _call_again_and_again(told: Told) -> None:
    """Let the place of one object be called out three times, of which the last waits for ever."""
    loads: dict[str, list[str]] = {}
    for no, members in standing(told).teams.items():
        for _, number in members:
            loads.setdefault(number, []).append(no)
    busy, objects = max(loads.items(), key=lambda one: len(one[1]))
    now, inspector = standing(told), busy
    for _ in range(2):
        called = call(told, objects[0], inspector)
        waited(told, called)
        now = now.with_out([inspector])
        _, made = follow(told, called, now)
        now, inspector = now.after(made), made.in_
    called = call(told, objects[0], inspector)
    waited(told, called)
    told.later()


# -- substitutions that do not follow -------------------------------------------------------------------------------


def called_once(**changes: Any) -> tuple[Told, Entry]:
    """Return a draw with a call whose round is past."""
    told = gone_on()
    called = call(told, *somebody(told), **changes)
    waited(told, called)
    return told, called


def followed(called: dict[str, Any] | None = None, **changes: Any) -> Told:
    """Return a draw with a substitution, one of its two statements bent."""
    told, entry = called_once(**(called or {}))
    follow(told, entry, **changes)
    return told


def liked() -> Told:
    """Return a substitution by somebody whom the bureau likes better."""
    told, entry = called_once()
    vacancy = Vacancy(inspector=somebody(told)[1], no=somebody(told)[0])
    _, honest = follow(stories.continued(told), entry)
    friend = next(number for _, number in pool(told.inputs(), standing(told), vacancy) if number != honest.in_)
    follow(told, entry, in_=friend)
    return told


def too_late() -> Told:
    """Return a substitution whose call was cosigned within the margin."""
    told = gone_on()
    called = call(told, *somebody(told))
    told.story.now = told.story.chain.time_of(called.of(SubstitutionCall).beacon[0].round) - 60
    waited(told, called)
    follow(told, called)
    return told


def twice(which: str) -> Told:
    """Return two calls of one vacancy, two substitutions of one call, or two calls filled in the wrong order."""
    told = gone_on()
    places = {"vacancy": [somebody(told)] * 2, "order": [somebody(told), somebody(told, 1)]}
    calls = [call(told, *place) for place in places.get(which, [somebody(told)])]
    waited(told, calls[-1])
    if which == "order":
        follow(told, calls[1], standing(told).with_out([somebody(told)[1]]))
    else:
        for _ in range(2 if which == "call" else 1):
            follow(told, calls[0])
            told.story.now += 60
    return told


def bent(book: Book) -> None:
    """Add substitutions that do not follow from their calls."""
    no, _ = somebody(gone_on())
    stranger = next(f"I-{i:02d}" for i in range(1, 6) if f"I-{i:02d}" not in {
        number for _, number in standing(gone_on()).teams[no]})  # fmt: skip
    told, entry = called_once()
    other = told.story.pulses(entry.of(SubstitutionCall).model_copy(update={"beacon": (
        entry.of(SubstitutionCall).beacon[0].model_copy(update={"round": 7}),)}))  # fmt: skip
    cases: tuple[tuple[str, str, Told], ...] = (
        ("a substitute whom the bureau likes", "substitution-differs", liked()),
        ("the ticket of another substitute", "substitution-differs", followed(ticket="00" * 32)),
        ("a substitution that names no call", "substitution-without-call",
         followed(call=entry.ref.model_copy(update={"text": "00" * 32}))),
        ("a substitution of a call that no supervisor signed", "substitution-without-call", followed({"with_": ()})),
        ("a call cosigned within the margin", "substitution-late", too_late()),
        ("two calls of one vacancy", "second-call", twice("vacancy")),
        ("two substitutions of one call", "another-substitution", twice("call")),
        ("two calls filled in the wrong order", "substitution-out-of-order", twice("order")),
        ("the key of another call", "another-key", followed(key="00" * 32)),
        ("the pulse of another round", "another-round", followed(pulses=other)),
        ("a vacancy of somebody who was never drawn", "not-in-team", _never_drawn(no, stranger)),
        ("a vacancy of another length", "wrong-digest", _mismeasured()),
        ("a vacancy that is none", "bad-act", _mangled()),
        ("a call of an open draw with an embargo", "open-draw-hides",
         followed({"embargo": embargo_commitment(SLOT, stories.EMBARGO)})),
    )  # fmt: skip
    for name, reason, story in cases:
        book.fail(name, "later-acts", reason, **after(story, "plain"))
    shown = gone_on("opened")
    called = call(shown, *somebody(shown))
    waited(shown, called)
    follow(shown, called)
    book.fail("a call of a sealed draw without an embargo", "later-acts", "sealed-draw-shows",
              **after(shown, "opened"))  # fmt: skip
    wrong = gone_on("opened")
    called, _ = in_secret(wrong)
    book.fail("a call opened with another key", "later-acts", "another-embargo",
              **after(opened(wrong, called, secret("another")), "opened"))  # fmt: skip


def _never_drawn(no: str, stranger: str) -> Told:
    told = gone_on()
    waited(told, call(told, no, stranger))
    return told.later()


def _mismeasured() -> Told:
    told = gone_on()
    no, out = somebody(told)
    data = told.story.keep(format_act(Vacancy(inspector=out, no=no)))
    waited(told, call(told, no, out, vacancy=artifact_of(data).model_copy(update={"length": 7})))
    return told.later()


def _mangled() -> Told:
    told = gone_on()
    data = told.story.keep(b'{"no":"H-000001"}\n')
    waited(told, call(told, *somebody(told), vacancy=artifact_of(data)))
    return told.later()
